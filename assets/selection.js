/**
 * The one writer of the Selection. Every control, the map, the table, search and the Back button come in here; out go the stored
 * selection, the controls set to what fits together, the map and the address bar. dashboard/views/offer.py settles a link by the
 * same rules on the server; tests hold the two to the same cases.
 */
(function () {
  'use strict';
  const NEWEST = 'newest'; // of a set of indicators, whose periods differ
  const DISTANCE = 'distance';
  const { NONE, row, read, within, needs, weighted, numberText, toQuery, fromQuery } = window.commonground.question;
  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

  /** The layer behind a need of exactly one indicator. */
  function layerOf(need, catalogue) {
    const parts = needs(need);
    return parts.length === 1 ? catalogue.layers.find((layer) => layer.id === parts[0][0]) : undefined;
  }

  /** The periods of every indicator of a need. */
  const periodsOf = (need, catalogue) =>
    needs(need).map(([id]) => (catalogue.layers.find((layer) => layer.id === id) || { periods: [] }).periods);

  /** The levels at which every indicator of a need has figures; one that has none anywhere is no reason to leave a level. */
  const levelsOf = (need, catalogue) =>
    catalogue.levels.map(({ id }) => id).filter((level) =>
      needs(need).every(([id]) => {
        const layer = catalogue.layers.find((each) => each.id === id);
        return !layer || !layer.levels.length || layer.levels.includes(level);
      }));

  /** Whether access and gaps can be asked for: a need, a list, and nothing that its own keys call unfit for gaps. */
  function canShowGaps({ need, services }, catalogue) {
    const asked = [...needs(need).map(([id]) => id), ...services];
    return need !== NONE && services.length > 0 && !catalogue.layers.some((layer) => layer.gaps === false && asked.includes(layer.id));
  }

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
  function makeValid(wanted, catalogue, narrowed) {
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
    const levels = levelsOf(chosen.need, catalogue);
    if (levels.length && !levels.includes(chosen.level)) chosen.level = levels[0];
    const layer = layerOf(chosen.need, catalogue);
    if (layer) {
      if (chosen.bands === 'national' && layer.national !== chosen.level) chosen.bands = 'region';
    } else if (chosen.bands === 'national') {
      chosen.bands = 'region';
    }
    if (!periodsOf(chosen.need, catalogue).some((periods) => periods.slice(0, -1).includes(chosen.period))) chosen.period = '';
    if (chosen.bands === 'partner' && !chosen.partner) chosen.bands = 'region';
    if (!canShowGaps(chosen, catalogue)) chosen.show = 'need';
    const { travel, fair, groups } = catalogue.measures;
    if (chosen.travel && !travel.some((table) => table.id === chosen.travel && fits(table, chosen))) chosen.travel = '';
    if (chosen.travel || !fair.includes(chosen.level)) chosen.fair = false;
    if (!groups.some(({ id, levels }) => id === chosen.group && levels.includes(chosen.level))) chosen.group = '';
    if (!chosen.travel && !chosen.fair) chosen.max_min = null;
    return chosen;
  }

  /** Whether a travel-time table leads to exactly these services: all that are offered lead from the small areas. */
  const fits = (table, { services }) =>
    table.services.length === services.length && table.services.every((id) => services.includes(id));

  /** How people get there, as one choice: 'distance', 'fair', or 'table:' and the id of a travel-time table. */
  const journeyOf = ({ fair, travel }) => (travel ? `table:${travel}` : fair ? 'fair' : DISTANCE);

  const option = (layer) => ({
    value: layer.id,
    label: layer.kind === 'services' ? `${layer.title} (${layer.sites.toLocaleString('en-GB')})` : layer.title,
  });

  /** Indicators as the list of their picker has them: by theme, each where it belongs first. */
  function byTheme(items, { theme }, { themes }) {
    if (theme) return items.map(({ item }) => item);
    const first = ({ layer }) => layer.themes.find((id) => themes.some((each) => each.id === id)) || '';
    return [...themes, { id: '', name: 'Other' }]
      .map(({ id, name }) => ({ group: name, items: items.filter((each) => first(each) === id).map(({ item }) => item) }))
      .filter((group) => group.items.length);
  }

  /** What the pickers offer with a settled selection, and which make no sense; the chosen layer is always among them. */
  function options(selection, catalogue, noBands = {}) {
    const band = (value, words, disabled) => ({ value, label: disabled && noBands[value] ? `${words}: ${noBands[value]}` : words, disabled });
    const { indicators, services, remaining } = offer(selection, catalogue);
    const layer = layerOf(selection.need, catalogue);
    const shown = layer && !indicators.includes(layer) ? [...indicators, layer] : indicators;
    const kept = catalogue.layers.filter((each) => selection.services.includes(each.id) && !services.includes(each));
    const periods = layer ? layer.periods : [...new Set(periodsOf(selection.need, catalogue).filter(({ length }) => length > 1).flat())];
    const newest = layer || !periods.length ? [] : [{ value: NEWEST, label: 'The newest of each' }];
    const set = needs(selection.need).length;
    const own = set > 1 ? [{ value: selection.need, label: `Your set of ${set} indicators` }] : [];
    const measures = measuresOf(selection, catalogue);
    const levels = levelsOf(selection.need, catalogue);
    return {
      data: {
        need: [...own, ...byTheme(shown.map((each) => ({ layer: each, item: { ...option(each), value: each === layer ? selection.need : each.id } })), selection, catalogue), { value: NONE, label: 'No indicator: services only' }],
        services: [...services, ...kept].map(option),
        period: [...periods.map((period) => ({ value: period, label: period })), ...newest],
        level: catalogue.levels.map(({ id, name }) => ({ value: id, label: name, disabled: !levels.includes(id) })),
        bands: [
          { value: 'region', label: 'The region' },
          band('partner', 'The chosen partner', !selection.partner),
          band('national', 'The whole country', !layer || layer.national !== selection.level),
        ],
        ...measures.data,
      },
      hidden: { period: periods.length < 2, ...measures.hidden },
      period: selection.period || (layer ? periods.at(-1) || null : NEWEST),
      remaining,
      none: !indicators.length && !services.length,
    };
  }

  /** What is offered for measuring access: ways to get there, whom capacity is shared among, and which fields make sense. */
  function measuresOf(selection, { measures }) {
    const { travel, fair, groups } = measures;
    const journey = [{ value: DISTANCE, label: 'Distance in a straight line, over land around water' }];
    if (fair.includes(selection.level)) journey.push({ value: 'fair', label: measures.fairWords });
    for (const table of travel) if (fits(table, selection)) journey.push({ value: `table:${table.id}`, label: table.title });
    const group = groups.filter(({ levels }) => levels.includes(selection.level)).map(({ id, title }) => ({ value: id, label: title }));
    const minutes = selection.fair || Boolean(selection.travel);
    return {
      data: { journey, group: [{ value: 'all', label: 'All residents' }, ...group] },
      hidden: {
        journey: journey.length < 2, group: !measures.capacity.includes(selection.metric) || !group.length, 'max-km': minutes,
        'max-min': !minutes, detour: Boolean(selection.travel),
      },
    };
  }

  // ---- Controls -----------------------------------------------------------------------------------------------------

  const empty = (value) => value === '' || value === null || value === undefined;

  /** A number that somebody typed into a control, in the field's unit; null where there is none. */
  function typed(value, { field, per }) {
    const amount = per === 1 ? Number(value) : Math.round(Number(value) * per);
    return !empty(value) && amount > 0 && within(amount, row(field)) ? amount : null;
  }

  /** Why a number that stands in a control is not taken; "" where it is, or none stands there. */
  function refused(value, control) {
    if (empty(value) || typed(value, control) !== null) return '';
    const { least, most } = row(control.field);
    return `${value} is not taken: it must be from ${numberText(least / control.per)} to ${numberText(most / control.per)}.`;
  }

  /** How a field stands in its control, and what the control makes of a selection: the ways of Picker in dashboard/components/ask.py. */
  const WAYS = {
    plain: { show: (value) => value, take: (value, { field }) => ({ [field]: empty(value) ? row(field).default : value }) },
    choice: {
      show: (value, { all }) => value || all,
      take: (value, { field, all }) => ({ [field]: empty(value) || value === all ? row(field).default : value }),
    },
    text: { show: numberText, take: (value, { field }) => ({ [field]: read(row(field), String(value)) ?? row(field).default }) },
    amount: { show: (value, { per }) => (value ? value / per : ''), take: (value, control) => (refused(value, control) ? {} : { [control.field]: typed(value, control) }) },
    period: { show: (_, __, { offered }) => offered.period, take: (value) => ({ period: empty(value) || value === NEWEST ? '' : value }) },
    journey: {
      show: (_, __, { selection }) => journeyOf(selection),
      take: (value) => ({ fair: value === 'fair', travel: (value || '').startsWith('table:') ? value.slice(6) : '' }),
    },
  };

  /** What every control shows for a selection: {"id.property": value}. */
  function shownBy(controls, selection, offered) {
    const show = (control) => WAYS[control.way].show(selection[control.field], control, { selection, offered });
    return Object.fromEntries(controls.map((control) => [`${control.id}.${control.prop}`, show(control)]));
  }

  /** A selection with what the controls say otherwise than they did with it. */
  function fromControls(controls, values, before, offered) {
    const shown = shownBy(controls, before, offered);
    const changed = controls.filter(({ id, prop }) => !same(values[`${id}.${prop}`], shown[`${id}.${prop}`]));
    return Object.assign({ ...before, at: null }, ...changed.map((control) => WAYS[control.way].take(values[`${control.id}.${control.prop}`], control)));
  }

  /** A switch of the legend was pressed, or a step of the question, which says what it shows (dashboard/views/steps.py), or the
   * baseline of who is affected. */
  function toggle(selection, what) {
    if (what.show) return { ...selection, show: what.show, shared: what.shared };
    if (what.beside) return { ...selection, beside: what.beside };
    if (what.grid) return { ...selection, grid: !selection.grid };
    const on = new Set(selection.overlays);
    if (!on.delete(what.overlay)) on.add(what.overlay);
    return { ...selection, overlays: row('overlays').allowed.filter((name) => on.has(name)) };
  }

  const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));
  const told = {}; // why a number was not taken, by its control
  let sent = null; // what the pickers and panels were given last: each renders itself anew for whatever it is given

  /** What the area panel and the service points depend on, and nothing more: with a gap, everything that the gap depends on. */
  const areaOf = ({ area, theme, services, need, period, classes, show, overlays, shared, beside, ...rest }) =>
    !area ? {} : show === 'need' ? { area, theme, services, need, period, classes } : { area, theme, services, need, period, classes, show, ...rest };

  /**
   * Dash hands a clientside function its values by position and wants its answers so; `work` gets them by name, as
   * {"id.property": value}, and answers with those that change.
   */
  const byName = (work) => async (...given) => {
    const { inputs_list: inputs, states_list: states, outputs_list: outputs, triggered_id: trigger } = window.dash_clientside.callback_context;
    const name = ({ id, property }) => `${id}.${property}`;
    const answers = await work(Object.fromEntries([...inputs, ...states].map((each, i) => [name(each), given[i]])), trigger);
    return outputs.map((each) => (name(each) in answers ? answers[name(each)] : window.dash_clientside.no_update));
  };

  /** What somebody wants who has just done something: pressed a control, a switch or Back, picked an area, moved a slider. */
  function wish(values, trigger, { catalogue, controls }, before) {
    const wanted = fromControls(controls, values, before, options(before, catalogue));
    const event = values[`${trigger}.data`];
    if (trigger === 'history-selection' && event) return fromQuery(event.search);
    if (trigger === 'picked-area' && event) return { ...wanted, area: event.code || '', level: event.level || wanted.level };
    if (trigger === 'weights-need' && event) return { ...wanted, need: event.need };
    if (trigger === 'toggled' && event) return toggle(wanted, event);
    if (trigger !== 'show-all') return wanted;
    // the way back from filters that leave nothing
    const wide = Object.fromEntries(controls.filter(({ narrows }) => narrows).map(({ field }) => [field, '']));
    return { ...wanted, ...wide, need: wanted.need === NONE ? '' : wanted.need };
  }

  /** The clientside callback of dashboard/callbacks/explore.py. */
  async function write(values, trigger) {
    const { 'explore-config.data': config, 'selection.data': before } = values;
    if (!config) return {};
    const { catalogue, controls } = config;
    const narrowed = controls.some(({ id, narrows }) => narrows && id === trigger);
    const settled = makeValid(wish(values, trigger, config, before), catalogue, narrowed);
    // an area of one level means nothing at another
    if (!['history-selection', 'picked-area'].includes(trigger) && before.level !== settled.level) settled.area = '';

    // the map first: everything below it can wait a frame
    const painted = window.commonground.explore && window.commonground.explore.show(settled, config, trigger);
    if (window.commonground.weights) window.commonground.weights.render(settled, catalogue);
    const offered = options(settled, catalogue, config.noBands);
    const stored = { ...settled, at: null };
    const answers = { ...changes(follows(stored, offered), trigger), ...shownBy(controls, settled, offered), 'selection.data': stored };
    // a number that is not taken stays where it was typed, with the reason beside it
    for (const control of controls.filter(({ way }) => way === 'amount')) {
      const why = refused(values[`${control.id}.${control.prop}`], control);
      if (why) delete answers[`${control.id}.${control.prop}`];
      if (why !== (told[control.id] || '')) answers[`${control.id}.error`] = told[control.id] = why;
    }
    const now = { ...values, 'selection.data': { ...before, at: null } };
    for (const name of Object.keys(answers)) if (name in now && same(answers[name], now[name])) delete answers[name];
    // one frame for the map before Dash and the server get to work; never long, whatever the network does
    if (trigger && painted) await Promise.race([painted.then(frame), new Promise((resolve) => setTimeout(resolve, 400))]);
    return answers;
  }

  /** What follows from a selection besides the controls. */
  function follows(selection, offered) {
    return {
      ...Object.fromEntries(Object.entries(offered.data).map(([id, data]) => [`${id}.data`, data])),
      ...Object.fromEntries(Object.entries(offered.hidden).map(([id, hidden]) => [`${id}-field.hidden`, hidden])),
      'gap-options.hidden': selection.show === 'need',
      'remaining.children': offered.remaining,
      'show-all.hidden': !offered.none,
      'table-download.href': `/data/table.csv?${toQuery(selection)}`,
      'shown-area.data': areaOf(selection),
      'shown-services.data': { services: selection.services },
    };
  }

  /** Those that are not as they were sent; the server laid the page out with the first ones. */
  function changes(answers, trigger) {
    const texts = Object.fromEntries(Object.entries(answers).map(([name, value]) => [name, JSON.stringify(value)]));
    const before = sent;
    sent = texts;
    if (!trigger) return {};
    return Object.fromEntries(Object.entries(answers).filter(([name]) => !before || texts[name] !== before[name]));
  }

  window.commonground = Object.assign(window.commonground || {}, { selection: { offer, makeValid, options, journeyOf } });
  window.dash_clientside = Object.assign(window.dash_clientside || {}, { commonground_selection: { write: byName(write) } });
})();
