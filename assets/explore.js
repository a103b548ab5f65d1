/**
 * The explore page in the browser: joins the selection to the map painter, the reading card, the address bar and the buttons.
 * Server callbacks bring legend, sentence and lists; nothing here waits for them.
 */
(function () {
  'use strict';
  const cg = () => window.commonground;
  const setProps = (id, props) => window.dash_clientside.set_props(id, props);

  const state = {
    map: null, painter: null, config: null, selection: null, level: null, element: null,
    turn: 0, // counts selections, so that an answer which arrives late is not painted over a newer one
    readings: null, readingsFor: '', names: new Map(), palette: null, bands: 0,
    moved: false, pointed: -1, frozen: null, centre: null,
  };

  // ---- Fetching -----------------------------------------------------------------------------------------------------

  /** What is being worked out is asked for again, as the answer says, for a minute or two. */
  async function patient(url) {
    for (let asked = 0; ; asked++) {
      const response = await fetch(url);
      if (response.status !== 202 || asked > 40) return response;
      const seconds = Number(response.headers.get('Retry-After')) || 2;
      await new Promise((then) => setTimeout(then, 1000 * seconds));
    }
  }

  async function bytes(url) {
    const response = await patient(url);
    if (!response.ok || response.status === 202) throw new Error(`${url} answered ${response.status}`);
    return response.arrayBuffer();
  }

  const KEPT_MS = 10000; // long enough for going back and forth, short enough not to outlive a new version
  const kept = new Map();

  /** Classes of a selection. They are kept for a moment, so that an option under the pointer can be asked for ahead. */
  function classesOf(selection) {
    const url = `/data/classes?${cg().question.classesQuery(selection)}`;
    const now = performance.now();
    for (const [key, { at }] of kept) if (now - at > KEPT_MS) kept.delete(key);
    if (!kept.has(url)) {
      const promise = bytes(url);
      promise.catch(() => kept.delete(url));
      kept.set(url, { at: now, promise });
    }
    return kept.get(url).promise;
  }

  /** What choosing the option of the indicator list under an event would settle on; null elsewhere. */
  function offeredBy(event) {
    const option = event.target.closest?.('[data-combobox-option]');
    const list = option && option.closest('[role=listbox]');
    const input = document.getElementById('need');
    if (!list || !input || input.getAttribute('aria-controls') !== list.id || !state.selection || !state.config.catalogue) return null;
    const need = option.getAttribute('value');
    return need ? cg().selection.makeValid({ ...state.selection, need, period: '' }, state.config.catalogue, false) : null;
  }
  document.addEventListener('pointerover', (event) => {
    const next = offeredBy(event);
    if (next) classesOf(next).catch(() => {});
  });
  // the list takes longer to pass the choice on than the map needs to show it
  document.addEventListener(
    'click',
    (event) => {
      const next = offeredBy(event);
      if (next) show(next, state.config, 'need');
    },
    true,
  );

  const geometries = new Map();

  /** Each level's outlines are fetched and decoded once. */
  function geometry(url) {
    if (!geometries.has(url)) {
      const promise = cg().loadGeometry(url);
      promise.catch(() => geometries.delete(url));
      geometries.set(url, promise);
    }
    return geometries.get(url);
  }

  /** Names, authority and ward of every area of a level; only fetched when somebody points at or picks an area. */
  function names(level) {
    const url = state.config.names[level];
    if (!state.names.has(url)) {
      const promise = fetch(url).then((response) => response.json());
      promise.catch(() => state.names.delete(url));
      state.names.set(url, promise);
    }
    return state.names.get(url);
  }

  /** The numbers behind the reading card, decoded from what dashboard/views/wire.py sends. */
  function decodeReadings(buffer) {
    const all = new Uint8Array(buffer);
    const end = all.indexOf(10);
    const head = JSON.parse(new TextDecoder().decode(all.subarray(0, end)));
    let at = end + 1;
    const floats = () => {
      const part = new Float32Array(buffer, at, head.n);
      at += 4 * head.n;
      return part;
    };
    const [value, lower, upper, rank] = [floats(), floats(), floats(), floats()];
    const status = new Uint8Array(buffer, at, head.n);
    return head.kind === 'gap' ? gapReadings(head, value, lower, upper, status) : { ...head, value, lower, upper, rank, status };
  }

  /** Need, access and stability of each area instead of a value and its interval. */
  function gapReadings(head, need, access, stability, status) {
    const { wording } = cg();
    const lines = {
      value: (i) => (status[i] === 1 ? 'Underserved' : ''),
      more: (i) => [
        Number.isFinite(need[i]) ? `Need ${wording.number(need[i], 0)} of 100` : 'Need not known',
        Number.isFinite(access[i]) ? `${head.access}: ${wording.withUnit(access[i] * head.scale, head.unit, head.decimals)}` : head.none,
        Number.isFinite(stability[i]) && stability[i] >= 0.005 ? `Underserved in ${wording.number(100 * stability[i], 0)}% of the trials` : '',
      ],
      status: (i) => ['', '', 'Nearly underserved', 'Across water: no way over land or by a declared crossing'][status[i]],
    };
    return { ...head, lines };
  }

  function readings() {
    const query = cg().question.classesQuery(state.selection);
    if (state.readingsFor !== query) {
      state.readingsFor = query;
      state.readings = state.selection.need === 'none' ? Promise.resolve(null) : bytes(`/data/readings?${query}`).then(decodeReadings);
      state.readings.catch(() => (state.readingsFor = ''));
    }
    return state.readings;
  }

  // ---- The map ------------------------------------------------------------------------------------------------------

  const scheme = () => (document.documentElement.getAttribute('data-mantine-color-scheme') === 'dark' ? 'dark' : 'light');

  function paletteFor(bands) {
    const { need, access, gap, special } = state.config.palette[scheme()];
    const { show, metric } = state.selection;
    let classes = need[Math.max(bands, 1)] || need[5];
    if (show === 'gap') classes = state.selection.grid ? gap : [special.plain, need[5][1], gap[8]];
    // dark is worse: the farthest, or the fewest
    if (show === 'access') classes = state.config.metrics[metric].high_is_worse ? access[Math.max(bands, 1)] : [...access[Math.max(bands, 1)]].reverse();
    return {
      classes,
      missing: special.missing, suppressed: special.suppressed, hatch: special.suppressed_line,
      crossing: special.crossing, waves: special.crossing_line,
      outside: special.outside, plain: special.plain, context: special.land,
    };
  }

  function styleFor() {
    const { special } = state.config.palette[scheme()];
    const halo = `${special.halo}d9`;
    return {
      border: special.border, outline: special.authority, outlineCasing: `${special.halo}bf`, label: special.label, labelHalo: halo,
      badge: state.config.palette[scheme()].gap[8], badgeInk: special.halo, font: getComputedStyle(document.body).fontFamily,
      hover: special.highlight, hoverCasing: special.halo, selected: special.highlight, selectedCasing: special.selected,
    };
  }

  /** Show a settled selection. Called by the one writer, before anything else happens. The promise ends when it is painted. */
  function show(selection, config, trigger) {
    const before = state.selection;
    state.selection = selection;
    state.config = { ...state.config, ...config };
    remember(selection, trigger);
    if (selection.show === 'gap' && before?.show !== 'gap') state.toGaps = true;
    const at = selection.show === 'gap' && selection.shared ? 'shared' : selection.show;
    for (const step of document.querySelectorAll('[data-show]')) {
      if (step.dataset.step === at) step.setAttribute('aria-current', 'step');
      else step.removeAttribute('aria-current');
    }
    if (before && before.need === selection.need && sameColours(before, selection) && state.painter) {
      reframe(before, selection, trigger);
      if (String(before.overlays) !== String(selection.overlays) || before.shared !== selection.shared) emphasise(selection, state.turn);
      return state.painting; // which may still be under way
    }
    state.painting = paint(selection, before, trigger, ++state.turn);
    return state.painting;
  }

  async function paint(selection, before, trigger, turn) {
    const [shapes, classes] = await Promise.all([
      geometry(state.config.outlines[selection.level]),
      classesOf(selection),
      ready,
    ]).catch((error) => {
      failed(error);
      return [];
    });
    if (!shapes || turn !== state.turn) return;
    const body = new Uint8Array(classes);
    state.bands = body[0];
    const areas = body.subarray(1);
    if (state.level !== selection.level || state.painter.geometry !== shapes) {
      state.painter.setGeometry(shapes, areas, paletteFor(state.bands));
      state.painter.geometry = shapes;
      state.level = selection.level;
    } else {
      state.painter.setClasses(areas, paletteFor(state.bands));
    }
    document.dispatchEvent(new CustomEvent('commonground:shown', { detail: { trigger, level: selection.level } }));
    decorate();
    reframe(before, selection, trigger);
    say(-1);
    emphasise(selection, turn);
  }

  /** How each kind of overlay is drawn; the samples in the legend (app.css, .overlay-sample) look the same. */
  function overlayStyles() {
    const { special, overlay } = state.config.palette[scheme()];
    const casing = special.halo;
    return {
      near: { colour: special.highlight, casing, width: 1.4, dash: [4, 3] },
      vanish: { colour: special.highlight, casing, symbol: 'ring' },
      'high-high': { colour: overlay.hot, casing, width: 2.4 },
      'low-low': { colour: overlay.cold, casing, width: 2.4 },
      'high-low': { colour: overlay.hot, casing, width: 2.2, dash: [2, 3] },
      'low-high': { colour: overlay.cold, casing, width: 2.2, dash: [2, 3] },
      'hot spot': { colour: overlay.hot, casing, width: 2.4, dash: [9, 4] },
      'cold spot': { colour: overlay.cold, casing, width: 2.4, dash: [9, 4] },
      rings: { colour: overlay.ring, casing: `${special.halo}b0`, width: 1.3 },
    };
  }

  let laid = null; // what lies over the colours now, to be drawn again in the other scheme

  /** Underserved areas in a bold line with the names of their communities, and the overlays; they come after the colours. */
  async function emphasise(selection, turn) {
    const { show, overlays, shared } = selection;
    laid = null;
    if (show === 'need' || (show === 'access' && !overlays.includes('rings'))) {
      state.painter.setEmphasis(null);
      state.painter.setOverlays(null);
      return;
    }
    const over = `${overlays.length ? `&overlays=${overlays.join(',')}` : ''}${shared ? '&shared=yes' : ''}`;
    const response = await patient(`/data/gap?${cg().question.classesQuery(selection)}${over}`);
    const stale = () =>
      turn !== state.turn || !state.painter || String(state.selection.overlays) !== String(overlays) || state.selection.shared !== shared;
    if (response.status !== 200 || stale()) return;
    const { areas, labels, numbered, lines, rings } = await response.json();
    if (stale()) return;
    state.painter.setEmphasis(areas, labels.map(([name, lon, lat, rank]) => {
      const first = rank <= numbered;
      return { name, lon, lat, rank, badge: first ? String(rank) : '', minZoom: first || rank < 5 ? 0 : 9 };
    }));
    if (state.toGaps && show === 'gap') zoomToGaps(areas);
    laid = { lines, rings };
    overlay();
  }

  function overlay() {
    const styles = overlayStyles();
    state.painter.setOverlays(laid && laid.lines.map(({ kind, areas }) => ({ indices: areas, ...styles[kind] })), laid && laid.rings, styles.rings);
  }

  /** Opening a gap shows where the gaps are, in the part of the map that question and legend leave free. */
  function zoomToGaps(areas) {
    state.toGaps = false;
    const boxes = areas.map((i) => state.painter.boundsOf(i)).filter(Boolean);
    if (!boxes.length || state.moved) return;
    const all = boxes.reduce((sum, box) => sum.extend(box), window.L.latLngBounds(boxes[0]));
    fitTo(all.pad(0.04), { maxZoom: 12 });
  }

  const sameColours = (a, b) => cg().question.classesQuery(a) === cg().question.classesQuery(b);

  function failed(error) {
    console.error(error);
    state.element?.classList.remove('loading');
    const card = document.getElementById('reading');
    if (card) card.textContent = 'The map could not be loaded. Check the connection and choose again; the table may still work.';
  }

  /** Authority outlines, names and land around: once, after the first paint. */
  let decorated = false;
  function decorate() {
    document.getElementById('map-loading')?.remove();
    if (decorated) return;
    decorated = true;
    const { config, painter } = state;
    geometry(config.outlines.lad).then((lads) => painter.setOutlines(lads));
    if (config.context) geometry(config.context).then((land) => painter.setContext(land));
    fetch(config.labels)
      .then((response) => response.json())
      .then((labels) => painter.setLabels(labels.map(([name, lon, lat, rank]) => ({ name, lon, lat, rank, minZoom: rank === 0 ? 0 : 10.5 }))));
  }

  /** Move the view and the outline of the chosen area when the selection asks for it. */
  function reframe(before, selection, trigger) {
    if (trigger === 'history-selection') {
      if (selection.at) state.map.setView([selection.at[0], selection.at[1]], selection.at[2]);
      else fit(selection.partner);
    } else if (before && before.partner !== selection.partner) {
      fit(selection.partner);
    }
    if (!selection.area) {
      state.painter.setSelected(-1);
      return;
    }
    names(selection.level).then((level) => {
      if (state.selection === selection) state.painter.setSelected(level.codes.indexOf(selection.area));
    });
  }

  function fit(partner) {
    const bounds = state.config.bounds[partner || ''] || state.config.bounds[''];
    fitTo(bounds);
  }

  let fitted = null; // what the map was fitted to last, and where that left it
  function fitTo(bounds, options) {
    const { map } = state;
    fitted = { bounds, options, busy: true };
    map.fitBounds(bounds, { ...room(), animate: false, ...options });
    Object.assign(fitted, { centre: map.getCenter(), zoom: map.getZoom(), busy: false });
  }

  /** What lies over the map is no room for what must be seen: the question above, the reading's line below. */
  function room() {
    const bar = document.getElementById('panel');
    const legend = document.getElementById('legend');
    const beside = legend && getComputedStyle(legend).position === 'absolute' ? legend.offsetLeft + legend.offsetWidth : 0;
    const { x } = state.map.getSize();
    return {
      paddingTopLeft: [(beside < x / 2 ? beside : 0) + 16, (bar ? bar.offsetTop + bar.offsetHeight : 0) + 12],
      paddingBottomRight: [16, 16],
    };
  }

  // ---- Address bar --------------------------------------------------------------------------------------------------

  const address = (selection, at) => {
    const query = cg().question.toQuery({ ...selection, at });
    return query ? `/?${query}` : '/';
  };

  /** A choice makes a history entry; arriving and Back do not. */
  function remember(selection, trigger) {
    if (!trigger || trigger === 'history-selection' || window.location.pathname !== '/') return;
    const next = address(selection, currentView());
    if (next !== window.location.pathname + window.location.search) window.history.pushState(null, '', next);
  }

  function currentView() {
    if (!state.map || !state.moved) return null;
    const { lat, lng } = state.map.getCenter();
    return [lat, lng, state.map.getZoom()];
  }

  // In the capture phase and before dcc.Location: Back within the map changes the selection, it does not build the page again.
  window.addEventListener(
    'popstate',
    (event) => {
      if (window.location.pathname !== '/' || !document.getElementById('map')) return;
      event.stopImmediatePropagation();
      setProps('history-selection', { data: { search: window.location.search, n: Date.now() } });
    },
    true,
  );

  // ---- Reading card -------------------------------------------------------------------------------------------------

  function line(card, className, text) {
    if (!text) return;
    const element = document.createElement(className === 'reading-name' ? 'strong' : 'span');
    element.className = className;
    element.textContent = text;
    card.append(element);
  }

  /** Fill the card for area i of the level in view; -1 empties it. */
  async function say(i) {
    state.pointed = i;
    const card = document.getElementById('reading');
    if (!card) return;
    if (i < 0) {
      card.replaceChildren();
      card.classList.remove('full');
      return;
    }
    const selection = state.selection;
    const [level, data] = await Promise.all([names(selection.level), readings()]).catch(() => [null, null]);
    if (!level || state.pointed !== i || state.selection !== selection) return;
    const { wording } = cg();
    const lad = level.lads[level.lad[i]] || '';
    const ward = level.ward.length ? level.wards[level.ward[i]] : '';
    card.replaceChildren();
    line(card, 'reading-name', level.names[i]);
    line(card, 'reading-place', [ward, lad].filter((part) => part && part !== level.names[i]).join(', '));
    if (data && data.lines) {
      line(card, 'reading-value', data.lines.value(i));
      for (const text of data.lines.more(i)) line(card, 'reading-more', text);
      line(card, 'reading-status', data.lines.status(i));
    } else if (data) {
      const band = state.painter.classes ? state.painter.classes[i] : 255;
      line(card, 'reading-value', Number.isFinite(data.value[i]) ? wording.withUnit(data.value[i], data.unit, data.decimals) : '');
      line(card, 'reading-more', wording.interval(data.lower[i], data.upper[i], data.decimals));
      if (band < data.bands.length) line(card, 'reading-more', `Band ${band + 1} of ${data.bands.length}: ${data.bands[band]}`);
      if (Number.isFinite(data.rank[i])) {
        const equal = data.rank.reduce((n, rank) => n + (rank === data.rank[i]), 0);
        const shared = equal > 1 ? `, shared by ${wording.number(equal, 0)}` : '';
        line(card, 'reading-more', `${wording.number(data.rank[i], 0)} of ${wording.number(data.ranked, 0)}${shared} (1 is the ${data.end})`);
      }
      if (data.status[i] !== 0) line(card, 'reading-status', data.statuses[data.status[i]]);
    }
    card.classList.add('full');
  }

  async function pick(i) {
    if (i < 0) return;
    const level = await names(state.selection.level);
    setProps('picked-area', { data: { code: level.codes[i], n: Date.now() } });
  }

  // ---- Start --------------------------------------------------------------------------------------------------------

  let isReady;
  let ready = new Promise((resolve) => (isReady = resolve));

  function begin(map) {
    if (map.getContainer().id !== 'map') return; // another page's map
    state.map = map;
    state.level = null;
    decorated = false;
    const painter = cg().createPainter({ onHover: (i) => say(i), onSelect: pick });
    painter.addTo(map);
    state.painter = painter;
    const container = map.getContainer();
    container.setAttribute('aria-label', 'Map: arrow keys move it, plus and minus zoom');
    container.setAttribute('role', 'application');
    container.addEventListener('mouseleave', () => say(-1));
    // only what a person does to the map goes into the address: the window may change its size at any time
    const byHand = () => (state.moved = true);
    map.on('dragstart boxzoomend', byHand);
    for (const gesture of ['wheel', 'dblclick', 'touchmove']) container.addEventListener(gesture, byHand, { passive: true });
    container.addEventListener('keydown', (event) => /^(Arrow|[-+=])/.test(event.key) && byHand());
    container.addEventListener('click', (event) => event.target.closest('.leaflet-control-zoom') && byHand());
    map.on('moveend', () => {
      if (window.location.pathname !== '/' || !state.selection || !state.moved) return;
      window.history.replaceState(window.history.state, '', address(state.selection, currentView()));
    });
    const restyle = () => {
      if (!state.config) return;
      painter.setStyle(styleFor());
      if (state.level) painter.setClasses(painter.classes, paletteFor(state.bands));
      if (laid) overlay();
    };
    document.addEventListener('commonground:scheme', restyle);
    const start = () => {
      if (!state.config) {
        setTimeout(start, 5);
        return;
      }
      painter.setStyle(styleFor());
      const at = cg().question.fromQuery(window.location.search).at;
      const partner = state.selection.partner;
      if (at) state.moved = true;
      else {
        fitTo(state.config.bounds[partner] || state.config.bounds['']);
        // dash-leaflet then sets the view that the page was laid out with, for a window that nobody has: zoom first, then centre
        const again = () => {
          if (fitted.busy || state.moved || (map.getZoom() === fitted.zoom && map.getCenter().equals(fitted.centre, 1e-4))) return;
          fitTo(fitted.bounds, fitted.options); // it ends in such an event itself, a pixel beside where it ended before
        };
        map.on('moveend', again);
        setTimeout(() => map.off('moveend', again), 1000);
      }
      isReady();
    };
    start();
    map.on('unload', () => {
      state.painter = null;
      state.map = null;
      state.level = null;
      state.selection = null;
      document.removeEventListener('commonground:scheme', restyle);
      ready = new Promise((resolve) => (isReady = resolve));
    });
  }
  // scripts load in the order of their names; by then the painter is there
  document.addEventListener('DOMContentLoaded', () => {
    cg().whenMap(begin);
    const start = document.getElementById('explore-start');
    if (!start) return;
    const { selection, config } = JSON.parse(start.textContent);
    show(selection, config); // the outlines and classes are on their way; what remains is the map itself
  });

  // ---- Buttons and lists: one listener for all ---------------------------------------------------------------------

  document.addEventListener('click', (event) => {
    const top = event.target.closest('[data-area-index]');
    if (top && top.dataset.community) zoomToAreas(top.dataset.community.split(',').map(Number));
    // a place shows itself and unfolds; an area opens its facts
    if (top && top.dataset.community) state.painter?.setHighlight(Number(top.dataset.areaIndex));
    else if (top) {
      pick(Number(top.dataset.areaIndex));
      state.painter?.setHighlight(Number(top.dataset.areaIndex));
    }
    if (event.target.closest('#fit-region')) {
      state.moved = false;
      fit('');
    }
    const step = event.target.closest('[data-show]');
    if (step && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      const { show: shows, shared } = step.dataset;
      toggled({ show: shows, shared: shared === 'yes' }, `[data-step=${step.dataset.step}]`);
    }
    if (event.target.closest('[data-grid]')) toggled({ grid: true }, '[data-grid]');
    const overlaid = event.target.closest('[data-overlay]');
    if (overlaid) toggled({ overlay: overlaid.dataset.overlay }, `[data-overlay=${overlaid.dataset.overlay}]`);
    const beside = event.target.closest('.affected [data-baseline]');
    if (beside) toggled({ beside: beside.dataset.baseline }, `.affected [data-baseline=${beside.dataset.baseline}]`);
    if (event.target.closest('#close-area')) setProps('picked-area', { data: { code: '', n: Date.now() } });
    if (event.target.closest('#copy-link')) copyLink();
    if (event.target.closest('#open-table')) table(true);
    if (event.target.closest('#close-table')) table(false);
  });
  for (const [kind, on] of [['focusin', true], ['mouseover', true], ['focusout', false]]) {
    document.addEventListener(kind, (event) => {
      const top = event.target.closest?.('[data-area-index]');
      if (!top || !state.painter) return;
      const i = on ? Number(top.dataset.areaIndex) : -1;
      state.painter.setHighlight(i);
      say(i);
    });
  }

  /** A switch in the answer was pressed. The server lays the answer out anew; the focus then goes to the switch that took its place. */
  function toggled(what, selector) {
    setProps('toggled', { data: { ...what, n: Date.now() } });
    const main = document.getElementById('main');
    const watch = new MutationObserver(() => {
      if (document.activeElement && document.activeElement !== document.body) return;
      main.querySelector(selector)?.focus({ preventScroll: true });
    });
    watch.observe(main, { childList: true, subtree: true });
    setTimeout(() => watch.disconnect(), 3000);
  }

  /** Show a whole community, with some of what lies around it. */
  function zoomToAreas(indices) {
    const boxes = indices.map((i) => state.painter.boundsOf(i)).filter(Boolean);
    if (!boxes.length) return;
    const all = boxes.reduce((sum, box) => sum.extend(box), window.L.latLngBounds(boxes[0]));
    state.moved = true;
    state.map.fitBounds(all.pad(0.6), { maxZoom: 14 });
  }

  async function copyLink() {
    const out = document.getElementById('copied');
    try {
      await navigator.clipboard.writeText(window.location.href);
      out.textContent = 'The link is copied.';
    } catch {
      out.textContent = `Copy this link: ${window.location.href}`;
    }
  }

  // the grid keeps Escape for what is open inside it
  document.addEventListener('keydown', (event) => {
    const drawer = document.getElementById('table-drawer');
    if (event.key !== 'Escape' || event.defaultPrevented || !drawer || drawer.hidden) return;
    if (document.querySelector('.ag-popup-child, .ag-menu') || event.target.matches?.('[role=combobox][aria-expanded=true]')) return;
    table(false);
  });

  function table(open) {
    const drawer = document.getElementById('table-drawer');
    drawer.hidden = !open;
    if (open) cg().table.load(state.config.tableScript);
    document.documentElement.classList.toggle('table-open', open);
    if (open) drawer.querySelector('button').focus();
    else document.getElementById('open-table').focus();
    state.map?.invalidateSize();
  }

  /** The table's row in focus or picked: the same outline and card as under the pointer. */
  function fromTable(index, choose) {
    state.painter?.setHighlight(index);
    say(index);
    if (choose) pick(index);
  }

  /** What the search box found: "theme:ID", "need:ID", "list:ID", "area:CODE", "point:lat,lon:CODE", "site:layer:lat,lon". */
  function goTo(value) {
    if (!value || !state.map) return window.dash_clientside.no_update;
    const [kind, first, second] = value.split(':');
    setProps('search', { value: null, searchValue: '' }); // what was found is on the map: the box is free for the next
    if (kind === 'theme' || kind === 'need') setProps(kind, { value: first });
    if (kind === 'list' && !state.selection.services.includes(first)) setProps('services', { value: [...state.selection.services, first] });
    if (kind === 'area') zoomTo(first);
    if (kind === 'point') {
      const at = first.split(',').map(Number);
      state.moved = true;
      state.map.setView(at, 14);
      marker(at);
      if (second) setProps('picked-area', { data: { code: second, level: 'lsoa', n: Date.now() } });
    }
    if (kind === 'site') {
      const at = second.split(',').map(Number);
      state.moved = true;
      state.map.setView(at, 15);
      marker(at);
      const chosen = state.selection.services;
      if (!chosen.includes(first)) setProps('services', { value: [...chosen, first] });
    }
    return window.dash_clientside.no_update;
  }

  let flag = null;
  function marker(at) {
    flag?.remove();
    flag = window.L.circleMarker(at, { radius: 11, weight: 3, color: '#111111', fillColor: '#ffdd00', fillOpacity: 0.9, interactive: false }).addTo(state.map);
  }

  async function zoomTo(code) {
    for (const level of Object.keys(state.config.names)) {
      const list = (await names(level)).codes;
      const i = list.indexOf(code);
      if (i < 0) continue;
      setProps('picked-area', { data: { code, level, n: Date.now() } });
      state.moved = true;
      whenLevel(level, () => state.map.fitBounds(state.painter.boundsOf(i), { maxZoom: 14, padding: [40, 40] }));
      return;
    }
  }

  /** Call back as soon as the map shows a level. */
  function whenLevel(level, then) {
    if (state.level === level) then();
    else document.addEventListener('commonground:shown', () => whenLevel(level, then), { once: true });
  }

  /** Clientside callback: how sure each gap is has been worked out since the rest was shown, so all of it is asked for again. */
  function drawn(job) {
    const { set_props: set, no_update: unchanged } = window.dash_clientside;
    if (job && state.selection) {
      state.readingsFor = '';
      set('selection', { data: { ...state.selection } });
      if (state.selection.area) set('shown-area', { data: { ...state.selection } });
      if (state.painter) emphasise(state.selection, state.turn);
    }
    return unchanged;
  }

  window.commonground = Object.assign(cg() || {}, { explore: { show, fromTable, goTo, state } });
  window.dash_clientside = Object.assign(window.dash_clientside || {}, { commonground_explore: { goTo, drawn } });
})();
