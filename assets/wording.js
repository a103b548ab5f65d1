/**
 * Numbers and intervals in words, as dashboard/views/wording.py says them; tests hold the two to the same cases.
 */
(function () {
  'use strict';
  const formats = new Map();

  /** 1234.5 with 1 decimal -> "1,234.5"; an en dash for what is not a number; a real minus sign. */
  function number(value, decimals) {
    if (value === null || value === undefined || !Number.isFinite(value)) return '–';
    if (!formats.has(decimals)) {
      // half to even, as Python rounds
      const options = { minimumFractionDigits: decimals, maximumFractionDigits: decimals, roundingMode: 'halfEven' };
      formats.set(decimals, new Intl.NumberFormat('en-GB', options));
    }
    const text = formats.get(decimals).format(value);
    return (/[1-9]/.test(text) ? text : text.replace('-', '')).replace('-', '−');
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
