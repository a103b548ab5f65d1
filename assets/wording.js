/**
 * Numbers and intervals in words, as dashboard/views/wording.py says them; tests hold the two to the same cases.
 */
(function () {
  'use strict';

  /** Rounds the number itself (2.675 is a little less than it looks) and an exact half to the even digit, as Python does. */
  function rounded(value, decimals) {
    if (Math.abs(value) >= 1e21) return `${BigInt(Math.abs(value))}${decimals ? '.' : ''}${'0'.repeat(decimals)}`;
    const text = Math.abs(value).toFixed(decimals);
    const scaled = Math.abs(value) * 10 ** decimals;
    if ((scaled < 1e9 && Math.abs((scaled % 1) - 0.5) > 1e-6) || !/[13579]$/.test(text)) return text;
    // toFixed takes an exact half up: 100 decimals tell a half from what is only nearly one
    const half = /^50*$/.test(Math.abs(value).toFixed(100).split('.')[1].slice(decimals));
    return half ? text.slice(0, -1) + (Number(text.at(-1)) - 1) : text;
  }

  /** 1234.5 with 1 decimal -> "1,234.5"; an en dash for what is not a number; a real minus sign. */
  function number(value, decimals) {
    if (value === null || value === undefined || !Number.isFinite(value)) return '–';
    const [whole, rest] = rounded(value, decimals).split('.');
    const text = whole.replace(/\B(?=(\d{3})+$)/g, ',') + (rest ? `.${rest}` : '');
    return value < 0 && /[1-9]/.test(text) ? `−${text}` : text;
  }

  /** "23.4% of households", "6.1 per 1,000 residents". */
  function withUnit(value, unit, decimals) {
    const text = number(value, decimals);
    if (text === '–' || !unit) return text;
    return unit.startsWith('%') ? text + unit : `${text} ${unit}`;
  }

  /** "95% interval 8.1 to 12.9"; "" where there is none. */
  function interval(lower, upper, decimals) {
    if (!Number.isFinite(lower) || !Number.isFinite(upper)) return '';
    return `95% interval ${number(lower, decimals)} to ${number(upper, decimals)}`;
  }

  window.commonground = Object.assign(window.commonground || {}, { wording: { number, withUnit, interval } });
  // dash-ag-grid looks its formatters up here
  const functions = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});
  functions.commonground = Object.assign(functions.commonground || {}, {
    formatCell: (params) => {
      if (params.value === null || params.value === undefined) return params.data ? '–' : '';
      const { field } = params.colDef;
      const { decimals } = params.data;
      return number(params.value, field === 'rank' ? 0 : typeof decimals === 'object' ? decimals[field] : decimals);
    },
  });
})();
