/**
 * The one writer of the Selection. Every control, the map, the table, search and the Back button come in here; out go the stored
 * selection, the controls set to what fits together, the map and the address bar. dashboard/views/offer.py settles a link by the
 * same rules on the server; tests hold the two to the same cases.
 */
(function () {
  'use strict';
  const ALL = 'all';
  const NONE = 'none';
  const DISTANCE = 'distance';
  const NEWEST = 'newest'; // of a set of indicators, whose periods differ
  const DEFAULTS = {
    theme: '', need: '', services: [], show: 'need', partner: '', owner: '', level: 'lsoa', period: '', bands: 'region',
    classes: 5, scheme: 'quantiles', metric: 'nearest', max_m: null, detour: 1, alone: false, fair: false,
    max_min: null, group: '', travel: '', overlays: [], shared: false, area: '', at: null,
  };
  const ORDER = Object.keys(DEFAULTS);
  const COLOURS = ['need', 'partner', 'level', 'period', 'bands', 'classes', 'scheme'];
  const GAP_COLOURS = [...COLOURS, 'services', 'show', 'metric', 'max_m', 'detour', 'alone', 'fair', 'max_min', 'group', 'travel'];
  const OVERLAYS = ['near', 'vanish', 'moran', 'hot', 'rings'];

  /** The controls in the order of dashboard/callbacks/explore.py. */
  const CONTROLS = [
    'theme', 'need', 'services', 'partner', 'owner', 'level', 'period', 'bands', 'classes', 'scheme',
    'show', 'metric', 'group', 'journey', 'max_km', 'max_min', 'detour', 'alone',
  ];
  const SHOWS = { need: 'Need', access: 'Access', gap: 'Gap' };

  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
  // as Python's urlencode writes it, or one view would have two addresses
  const encode = (value) =>
    encodeURIComponent(value)
      .replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
      .replace(/%2C/g, ',').replace(/%3D/g, '=').replace(/%20/g, '+');

  function pairs(selection, names, always) {
    const out = [];
    for (const name of names) {
      const value = selection[name];
      if (!always.includes(name) && same(value, DEFAULTS[name])) continue;
      if (value === '' || value === null || value === undefined || (Array.isArray(value) && !value.length)) continue;
      const text = value === true ? 'yes' : name === 'at' ? `${value[0].toFixed(4)},${value[1].toFixed(4)},${+value[2].toFixed(2)}` : [].concat(value).join(',');
      out.push(`${name}=${encode(text)}`);
    }
    return out.join('&');
  }

  /** The query string of a whole view, as Selection.query_string. */
  const toQuery = (selection) => pairs(selection, ORDER, []);
  /** The part that decides the colours, as Selection.classes_query. */
  const classesQuery = (selection) => pairs(selection, selection.show === 'need' ? COLOURS : GAP_COLOURS, ['need', 'level']);

  const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/;
  const within = (low, high) => (text) => {
    const number = text.trim() === '' ? NaN : Number(text);
    return number >= low && number <= high ? number : undefined;
  };
  const oneOf = (...allowed) => (text) => (allowed.includes(text) ? text : undefined);
  const name = (text) => (NAME.test(text) ? text : undefined);
  const yes = (text) => (text === 'yes' ? true : undefined);

  /** How each part of an address is read; undefined is left out. The same rules as _PARSERS in dashboard/selection.py. */
  const PARSERS = {
    theme: name,
    need: (text) => {
      const parts = text.split(',').map((part) => part.split(/=(.*)/s));
      const fine = parts.every(([id, weight]) => NAME.test(id) && (!weight || (Number(weight) > 0 && Number(weight) <= 1000)));
      return fine && parts.length <= 20 && new Set(parts.map(([id]) => id)).size === parts.length ? text : undefined;
    },
    services: (text) => {
      const names = [...new Set(text.split(',').filter(Boolean))];
      return names.every((id) => NAME.test(id)) && names.length <= 20 ? names : undefined;
    },
    show: oneOf('need', 'access', 'gap'),
    partner: name,
    owner: name,
    level: oneOf('lsoa', 'ward', 'lad'),
    period: (text) => ([...text].length <= 60 && !/[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u.test(text) ? text : undefined),
    bands: oneOf('region', 'partner', 'national'),
    classes: (text) => (/^[3-7]$/.test(text) ? Number(text) : undefined),
    scheme: oneOf('quantiles', 'equal', 'jenks'),
    metric: oneOf('nearest', 'coverage', 'e2sfca'),
    max_m: within(1, 200000),
    detour: (text) => [1, 1.2, 1.4].find((factor) => factor === Number(text)),
    alone: yes,
    fair: yes,
    max_min: within(1, 600),
    group: name,
    travel: name,
    overlays: (text) => {
      const names = text.split(',').filter(Boolean);
      return names.every((each) => OVERLAYS.includes(each)) ? OVERLAYS.filter((each) => names.includes(each)) : undefined;
    },
    shared: yes,
    area: name,
    at: (text) => {
      const at = text.split(',').map(Number);
      const [latitude, longitude, zoom] = at;
      const there = latitude >= 48 && latitude <= 62 && longitude >= -12 && longitude <= 4 && zoom >= 3 && zoom <= 19;
      return at.length === 3 && there ? at : undefined;
    },
  };

  /** A selection from the address bar; what the server would refuse is simply left at its default. */
  function fromQuery(search) {
    const given = new URLSearchParams(search);
    const out = structuredClone(DEFAULTS);
    for (const name of ORDER) {
      const value = given.get(name) ? PARSERS[name](given.get(name)) : undefined;
      if (value !== undefined) out[name] = value;
    }
    return out;
  }

  /** "a=2,b" -> [["a", 2], ["b", 1]]; [] for none. */
  function needs(text) {
    if (!text || text === NONE) return [];
    return text.split(',').map((part) => {
      const [id, weight] = part.split('=');
      return [id, Number(weight || 1)];
    });
  }

  /** [["a", 2], ["b", 1]] -> "a=2,b". */
  const weighted = (parts) => parts.map(([id, weight]) => (weight === 1 ? id : `${id}=${weight}`)).join(',');

  /** The layer behind a need of exactly one indicator. */
  function layerOf(need, catalogue) {
    const parts = needs(need);
    return parts.length === 1 ? catalogue.layers.find((layer) => layer.id === parts[0][0]) : undefined;
  }

  /** The periods of every indicator of a need. */
  const periodsOf = (need, catalogue) =>
    needs(need).map(([id]) => (catalogue.layers.find((layer) => layer.id === id) || { periods: [] }).periods);

  /** Layers that fit theme, partner and owner: {indicators, services, remaining}. */
  function offer(selection, catalogue) {
    const fits = (layer) =>
      (!selection.theme || layer.themes.includes(selection.theme)) &&
      (!selection.owner || layer.owner === selection.owner) &&
      (!selection.partner || layer.partners.includes(selection.partner));
    const fitting = catalogue.layers.filter(fits);
    const total = catalogue.layers.length;
    const remaining =
      fitting.length === total ? `${total} layers` : fitting.length ? `${fitting.length} of ${total} layers` : `None of the ${total} layers fits`;
    return {
      indicators: fitting.filter((layer) => layer.kind === 'indicator'),
      services: fitting.filter((layer) => layer.kind === 'services'),
      remaining,
    };
  }

  /** The nearest selection that exists. `narrowed`: theme, partner or owner was changed just now, so the rest follows. */
  function settle(wanted, catalogue, narrowed) {
    const chosen = structuredClone(wanted);
    const has = (list, id) => list.some((each) => each.id === id);
    // Back can lead to a link that named what is gone
    if (!has(catalogue.themes, chosen.theme)) chosen.theme = '';
    for (const role of ['partner', 'owner']) if (!has(catalogue.partners, chosen[role])) chosen[role] = '';
    const all = { indicator: catalogue.layers.filter((layer) => layer.kind === 'indicator'), services: catalogue.layers.filter((layer) => layer.kind === 'services') };
    chosen.services = chosen.services.filter((id) => has(all.services, id));
    const kept = needs(chosen.need).filter(([id]) => has(all.indicator, id));
    if (kept.length < needs(chosen.need).length) chosen.need = weighted(kept);
    const { indicators, services } = offer(chosen, catalogue);
    if (narrowed) chosen.services = chosen.services.filter((id) => has(services, id));
    const parts = needs(chosen.need);
    if (!chosen.need || (narrowed && chosen.need !== NONE && !parts.every(([id]) => has(indicators, id)))) {
      const themes = catalogue.themes.filter((theme) => !chosen.theme || theme.id === chosen.theme);
      const lead = themes.find((theme) => has(indicators, theme.lead));
      chosen.need = lead ? lead.lead : indicators.length ? indicators[0].id : NONE;
    }
    const layer = layerOf(chosen.need, catalogue);
    if (layer) {
      if (layer.levels.length && !layer.levels.includes(chosen.level)) {
        chosen.level = catalogue.levels.map((level) => level.id).find((level) => layer.levels.includes(level));
      }
      if (chosen.bands === 'national' && layer.national !== chosen.level) chosen.bands = 'region';
    } else if (chosen.bands === 'national') {
      chosen.bands = 'region';
    }
    if (!periodsOf(chosen.need, catalogue).some((periods) => periods.slice(0, -1).includes(chosen.period))) chosen.period = '';
    if (chosen.bands === 'partner' && !chosen.partner) chosen.bands = 'region';
    if (!chosen.services.length || chosen.need === NONE) chosen.show = 'need';
    const { travel, fair, groups } = catalogue.measures;
    if (chosen.travel && !travel.some((table) => table.id === chosen.travel && fits(table, chosen))) chosen.travel = '';
    if (chosen.travel || !fair.includes(chosen.level)) chosen.fair = false;
    if (!groups.some(({ id, levels }) => id === chosen.group && levels.includes(chosen.level))) chosen.group = '';
    if (!chosen.travel && !chosen.fair) chosen.max_min = null;
    return chosen;
  }

  /** Whether a travel-time table leads from the areas of this level to exactly these services. */
  const fits = (table, { level, services }) =>
    table.level === level && table.services.length === services.length && table.services.every((id) => services.includes(id));

  /** How people get there, as one choice: 'distance', 'fair', or 'table:' and the id of a travel-time table. */
  const journeyOf = ({ fair, travel }) => (travel ? `table:${travel}` : fair ? 'fair' : DISTANCE);

  const option = (layer) => ({
    value: layer.id,
    label: layer.kind === 'services' ? `${layer.title} (${layer.sites.toLocaleString('en-GB')})` : layer.title,
  });

  /** Options of the pickers for a settled selection; the chosen layer is always among them. */
  function options(selection, catalogue) {
    const { indicators, services, remaining } = offer(selection, catalogue);
    const layer = layerOf(selection.need, catalogue);
    const shown = layer && !indicators.includes(layer) ? [...indicators, layer] : indicators;
    const kept = catalogue.layers.filter((each) => selection.services.includes(each.id) && !services.includes(each));
    const periods = layer ? layer.periods : [...new Set(periodsOf(selection.need, catalogue).filter(({ length }) => length > 1).flat())];
    const newest = layer || !periods.length ? [] : [{ value: NEWEST, label: 'The newest of each' }];
    const set = needs(selection.need).length;
    const own = set > 1 ? [{ value: selection.need, label: `Your set of ${set} indicators` }] : [];
    return {
      need: [...own, ...shown.map((each) => ({ ...option(each), value: each === layer ? selection.need : each.id })), { value: NONE, label: 'No indicator: services only' }],
      show: Object.entries(SHOWS).map(([value, label]) => ({
        value, label, disabled: value !== 'need' && (!selection.services.length || selection.need === NONE),
      })),
      services: [...services, ...kept].map(option),
      period: [...periods.map((period) => ({ value: period, label: period })), ...newest],
      periodValue: selection.period || (layer ? periods.at(-1) || null : NEWEST),
      periodHidden: periods.length < 2,
      level: catalogue.levels.map(({ id, name }) => ({ value: id, label: name, disabled: Boolean(layer) && layer.levels.length > 0 && !layer.levels.includes(id) })),
      bands: [
        { value: 'region', label: 'The region' },
        { value: 'partner', label: 'The chosen partner', disabled: !selection.partner },
        { value: 'national', label: 'The whole country', disabled: !layer || layer.national !== selection.level },
      ],
      ...measuresOf(selection, catalogue),
      remaining,
      none: !indicators.length && !services.length,
    };
  }

  /** What is offered for measuring access: ways to get there, whom capacity is shared among, and which fields make sense. */
  function measuresOf(selection, { measures }) {
    const { travel, fair, groups } = measures;
    const journey = [{ value: DISTANCE, label: 'Distance in a straight line' }];
    if (fair.includes(selection.level)) journey.push({ value: 'fair', label: measures.fairWords });
    for (const table of travel) if (fits(table, selection)) journey.push({ value: `table:${table.id}`, label: table.title });
    const group = groups.filter(({ levels }) => levels.includes(selection.level)).map(({ id, title }) => ({ value: id, label: title }));
    const minutes = selection.fair || Boolean(selection.travel);
    return {
      journey, group: [{ value: ALL, label: 'All residents' }, ...group], journeyHidden: journey.length < 2,
      groupHidden: selection.metric !== 'e2sfca' || !group.length, kmHidden: minutes, minutesHidden: !minutes,
      detourHidden: Boolean(selection.travel),
    };
  }

  /** What the controls say, as a selection. */
  function fromControls(values, before) {
    const unless = (value, empty) => (value === empty || value === null || value === undefined ? '' : value);
    const km = Number(values.max_km);
    const minutes = Number(values.max_min);
    const journey = values.journey || '';
    return {
      theme: unless(values.theme, ALL), need: values.need || '', services: values.services || [], show: values.show || 'need',
      partner: unless(values.partner, ALL), owner: unless(values.owner, ALL), level: values.level, period: unless(values.period, NEWEST),
      bands: values.bands, classes: Number(values.classes) || 5, scheme: values.scheme, metric: values.metric || 'nearest',
      max_m: values.max_km !== '' && km > 0 ? Math.round(km * 1000) : null, detour: Number(values.detour) || 1,
      alone: Boolean(values.alone), fair: journey === 'fair', travel: journey.startsWith('table:') ? journey.slice(6) : '',
      max_min: values.max_min !== '' && minutes > 0 ? minutes : null, group: unless(values.group, ALL),
      overlays: before ? before.overlays : [], shared: Boolean(before && before.shared),
      area: before ? before.area : '', at: null,
    };
  }

  /** A switch of the legend or the list was pressed: an overlay, or "shared". */
  function toggle(selection, what) {
    if (what.shared) return { ...selection, shared: !selection.shared };
    const on = new Set(selection.overlays);
    if (!on.delete(what.overlay)) on.add(what.overlay);
    return { ...selection, overlays: OVERLAYS.filter((name) => on.has(name)) };
  }

  const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));
  let sent = null; // what the pickers and panels were given last: each renders itself anew for whatever it is given

  /** What the area panel and the service points depend on, and nothing more: with a gap, everything that the gap depends on. */
  const areaOf = ({ area, theme, services, need, period, classes, show, overlays, shared, ...rest }) =>
    !area ? {} : show === 'need' ? { area, theme, services, need, period, classes } : { area, theme, services, need, period, classes, show, ...rest };

  /** The clientside callback: the controls' values, then history, picked area, weights and "show all", then config and selection. */
  async function write(...given) {
    const blank = window.dash_clientside.no_update;
    const trigger = window.dash_clientside.callback_context.triggered_id;
    const [history, picked, weighted, toggled, , config, before] = given.slice(CONTROLS.length);
    const outputs = 1 + CONTROLS.length + 20;
    if (!config) return Array(outputs).fill(blank);
    const catalogue = config.catalogue;
    const values = Object.fromEntries(CONTROLS.map((name, i) => [name, given[i]]));
    let wanted = fromControls(values, before);
    if (trigger === 'history-selection' && history) wanted = fromQuery(history.search);
    if (trigger === 'picked-area' && picked) {
      wanted.area = picked.code || '';
      if (picked.level) wanted.level = picked.level;
    }
    if (trigger === 'weights-need' && weighted) wanted.need = weighted.need;
    if (trigger === 'toggled' && toggled) wanted = toggle(wanted, toggled);
    // the way back from filters that leave nothing
    if (trigger === 'show-all') wanted = { ...wanted, theme: '', partner: '', owner: '', need: wanted.need === NONE ? '' : wanted.need };
    const settled = settle(wanted, catalogue, ['theme', 'partner', 'owner'].includes(trigger));
    // an area of one level means nothing at another
    if (!['history-selection', 'picked-area'].includes(trigger) && before && before.level !== settled.level) settled.area = '';
    const offered = options(settled, catalogue);

    // the map first: everything below it can wait a frame
    const painted = window.commonground.explore && window.commonground.explore.show(settled, config, trigger);
    if (window.commonground.weights) window.commonground.weights.render(settled, catalogue);
    const stored = { ...settled, at: null };
    const out = {
      theme: settled.theme || ALL, need: settled.need, services: settled.services, partner: settled.partner || ALL,
      owner: settled.owner || ALL, level: settled.level, period: offered.periodValue, bands: settled.bands,
      classes: String(settled.classes), scheme: settled.scheme, show: settled.show, metric: settled.metric,
      group: settled.group || ALL, journey: journeyOf(settled), max_km: settled.max_m ? settled.max_m / 1000 : '',
      max_min: settled.max_min || '', detour: String(settled.detour), alone: settled.alone,
    };
    const extras = [
      offered.need, offered.services, offered.period, offered.periodHidden, offered.level, offered.bands, offered.show,
      settled.show === 'need', offered.group, offered.groupHidden, offered.journey, offered.journeyHidden, offered.kmHidden,
      offered.minutesHidden, offered.detourHidden, offered.remaining, !offered.none, `/data/table.csv?${toQuery(stored)}`, areaOf(settled), { services: settled.services },
    ];
    const texts = extras.map((value) => JSON.stringify(value));
    // the server laid the page out with the first ones
    const answers = extras.map((value, i) => (!trigger || !sent || texts[i] === sent[i] ? blank : value));
    if (trigger && !sent) extras.forEach((value, i) => (answers[i] = value));
    sent = texts;
    // one frame for the map before Dash and the server get to work; never long, whatever the network does
    if (trigger && painted) await Promise.race([painted.then(frame), new Promise((resolve) => setTimeout(resolve, 400))]);
    return [
      same(stored, { ...before, at: null }) ? blank : stored,
      ...CONTROLS.map((name) => (same(out[name], values[name]) ? blank : out[name])),
      ...answers,
    ];
  }

  window.commonground = Object.assign(window.commonground || {}, {
    selection: { DEFAULTS, toQuery, classesQuery, fromQuery, needs, offer, settle, options, journeyOf },
  });
  window.dash_clientside = Object.assign(window.dash_clientside || {}, { commonground_selection: { write } });
})();
