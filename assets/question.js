/**
 * The fields of a link, read and written by their rows, which dashboard/question.py puts into every page as data. Kinds of fields
 * have the same names and rules there; tests give both the same texts.
 */
(function () {
  'use strict';
  const NONE = 'none';
  const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/;
  const NUMBER = /^-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$/;
  const WHOLE = /^[0-9]{1,9}$/;

  let held = null;
  const rows = () => (held = held || JSON.parse(document.getElementById('question').textContent));
  const row = (name) => rows().find((each) => each.name === name);

  // ---- Kinds --------------------------------------------------------------------------------------------------------

  const trim = (text) => text.replace(/^ +| +$/g, '');
  const parts = (text) => text.split(',').map(trim).filter(Boolean);

  /** A finite number in the one way of writing it; NaN for anything else. */
  function number(text) {
    const found = NUMBER.test(trim(text)) ? Number(trim(text)) : NaN;
    return Number.isFinite(found) ? found : NaN;
  }

  /** Every digit of a number and no more, without an exponent. */
  function numberText(value) {
    const [digits, small] = String(value).split('e-');
    if (!small) return digits;
    const sign = value < 0 ? '-' : '';
    return `${sign}0.${'0'.repeat(Number(small) - 1)}${digits.replace(/[-.]/g, '')}`;
  }

  const within = (found, { least, most }) => (least === null || found >= least) && (most === null || found <= most);
  const only = (value, right) => (right ? value : undefined);

  /** "a=2" -> ["a", 2]; a weight that cannot be read is NaN. */
  function pair(part) {
    const [id, ...weight] = part.split('=');
    return [id, number(weight.join('=') || '1')];
  }

  /** "a=2,b" -> [["a", 2], ["b", 1]]; [] for none. */
  const needs = (text) => (!text || text === NONE ? [] : text.split(',').map(pair));

  /** [["a", 2], ["b", 1]] -> "a=2,b". */
  const weighted = (pairs) => pairs.map(([id, weight]) => (weight === 1 ? id : `${id}=${numberText(weight)}`)).join(',');

  /** Rounds halves up, as Python is made to do. */
  const rounded = (value, scale) => Math.floor(value * scale + 0.5) / scale;

  /** For each kind how a text is read (undefined is left out of a selection) and how a value is written. */
  const KINDS = {
    id: { read: (text) => only(trim(text), ID.test(trim(text))), write: String },
    ids: {
      read: (text, { mostParts }) => {
        const names = [...new Set(parts(text))];
        return only(names, names.every((id) => ID.test(id)) && names.length <= mostParts);
      },
      write: (value) => value.join(','),
    },
    weights: {
      read: (text, limits) => {
        const given = text.split(',').map(trim);
        const pairs = given.map(pair);
        const fine = pairs.every(([id, weight]) => ID.test(id) && weight > 0 && within(weight, limits));
        const once = new Set(pairs.map(([id]) => id)).size === pairs.length;
        return only(given.join(','), fine && once && pairs.length <= limits.mostParts);
      },
      write: String,
    },
    choice: { read: (text, { allowed }) => only(text, allowed.includes(text)), write: String },
    choices: {
      read: (text, { allowed }) => {
        const given = parts(text);
        return only(allowed.filter((each) => given.includes(each)), given.every((each) => allowed.includes(each)));
      },
      write: (value) => value.join(','),
    },
    number: { read: (text, limits) => only(number(text), within(number(text), limits)), write: numberText },
    whole: { read: (text, limits) => only(Number(trim(text)), WHOLE.test(trim(text)) && within(Number(trim(text)), limits)), write: String },
    yes: { read: (text) => only(text === 'yes', text === 'yes' || text === 'no'), write: (value) => (value ? 'yes' : 'no') },
    text: { read: (text, { most }) => only(text, [...text].length <= most && !/[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u.test(text)), write: String },
    place: {
      read: (text, { least, most }) => {
        const at = text.split(',').map(number);
        return only(at, at.length === 3 && at.every((each, i) => each >= least[i] && each <= most[i]));
      },
      write: ([latitude, longitude, zoom]) =>
        `${rounded(latitude, 1e4).toFixed(4)},${rounded(longitude, 1e4).toFixed(4)},${numberText(rounded(zoom, 100))}`,
    },
  };

  /** The value of a field from a text; undefined where the field does not take it. */
  function read(each, text) {
    const value = KINDS[each.kind].read(text, each);
    const offered = !each.onMap.length || each.onMap.includes(value);
    return value !== undefined && !Number.isNaN(value) && offered ? value : undefined;
  }

  // ---- Links --------------------------------------------------------------------------------------------------------

  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
  // as Python's urlencode writes it, or one view would have two addresses
  const encode = (value) =>
    encodeURIComponent(value)
      .replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
      .replace(/%2C/g, ',').replace(/%3D/g, '=').replace(/%20/g, '+');

  function write(selection, which, always) {
    const out = [];
    for (const each of which) {
      const value = selection[each.name];
      if (value === '' || value === null || value === undefined || (Array.isArray(value) && !value.length)) continue;
      if (!always.includes(each.name) && same(value, each.default)) continue;
      out.push(`${each.name}=${encode(KINDS[each.kind].write(value))}`);
    }
    return out.join('&');
  }

  /** The query string of a whole view, as Selection.query_string. */
  const toQuery = (selection) => write(selection, rows(), []);

  /** The part that decides the colours, as Selection.classes_query. */
  function classesQuery(selection) {
    const kinds = selection.show === 'need' ? ['always'] : ['always', 'gap'];
    return write(selection, kinds.flatMap((kind) => rows().filter(({ colours }) => colours === kind)), ['need', 'level']);
  }

  /** A selection in which nothing was chosen. */
  const blank = () => Object.fromEntries(rows().map((each) => [each.name, structuredClone(each.default)]));

  /** A selection from the address bar; what the server would refuse is simply left at its default. */
  function fromQuery(search) {
    const out = blank();
    const given = new URLSearchParams(search);
    for (const each of rows()) {
      const value = given.get(each.name) ? read(each, given.get(each.name)) : undefined;
      if (value !== undefined) out[each.name] = value;
    }
    return out;
  }

  window.commonground = Object.assign(window.commonground || {}, {
    question: { NONE, row, read, within, numberText, needs, weighted, toQuery, classesQuery, fromQuery },
  });
})();
