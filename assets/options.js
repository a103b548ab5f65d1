/**
 * The options page in the browser: draws what the server works out, and turns clicks, keys and places found into actions.
 * The server is the only one that changes the state (dashboard/views/options.py); its query string is the address of the page.
 */
(function () {
  'use strict';
  const cg = () => window.commonground;
  const setProps = (id, props) => window.dash_clientside.set_props(id, props);
  const RELIEVED = 9;
  const NEWLY = 10;

  const state = {
    map: null, painter: null, config: null, scene: null, plan: null, base: null, names: null, readings: null,
    mode: null, pointed: -1, drawn: null, drawnFor: '', marks: null, first: true, focus: '',
  };

  const ask = (action) => setProps('options-asked', { data: { ...action, n: Date.now() } });
  const scheme = () => (document.documentElement.getAttribute('data-mantine-color-scheme') === 'dark' ? 'dark' : 'light');
  const onPage = () => Boolean(document.getElementById('options-map'));

  async function bytes(url) {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    return response.arrayBuffer();
  }

  const json = (url) => fetch(url).then((response) => response.json());

  // ---- Drawing ------------------------------------------------------------------------------------------------------

  /** The clientside callback: a new scene, or new proposed sites. */
  function draw(scene, plan, config) {
    const before = state.scene;
    state.scene = scene;
    state.plan = plan;
    state.config = config;
    if (scene) remember(scene.link, !before);
    paint();
    marks();
    if (before && before !== scene) keepFocus();
    return String(Date.now());
  }

  /** A change makes a history entry; arriving does not. */
  function remember(link, arriving) {
    if (window.location.pathname !== '/options') return;
    const here = window.location.pathname + window.location.search;
    if (decodeURIComponent(link) === decodeURIComponent(here)) return;
    if (arriving) window.history.replaceState(window.history.state, '', link);
    else window.history.pushState(null, '', link);
  }

  function palette() {
    const { gap, special } = state.config.palette[scheme()];
    return {
      classes: [...gap, 'var(--option-relieved)', 'var(--option-newly)'],
      missing: special.missing, suppressed: special.suppressed, hatch: special.suppressed_line,
      crossing: special.crossing, waves: special.crossing_line,
      outside: special.outside, plain: special.plain, context: special.land,
    };
  }

  function style() {
    const { special } = state.config.palette[scheme()];
    return {
      border: special.border, outline: special.authority, outlineCasing: `${special.halo}bf`, label: special.label,
      labelHalo: `${special.halo}d9`, hover: special.highlight, hoverCasing: special.halo, selected: special.highlight,
      selectedCasing: special.selected, emphasis: special.highlight, emphasisCasing: special.halo,
    };
  }

  /** The gap's nine classes, with the areas that the option changes in colours of their own. */
  function classes() {
    const out = Uint8Array.from(state.base);
    for (const i of state.scene?.relieved || []) out[i] = RELIEVED;
    for (const i of state.scene?.newly || []) out[i] = NEWLY;
    return out;
  }

  function paint() {
    const { painter, base, scene } = state;
    if (!painter || !base) return;
    painter.setStyle(style());
    painter.setClasses(classes(), palette());
    painter.setEmphasis(scene ? scene.after : null);
  }

  const svgMark = (kind, text, size) => {
    const shape = {
      move: `<path d="M${size / 2} 1 ${size - 1} ${size / 2} ${size / 2} ${size - 1} 1 ${size / 2}z"/>`,
      open: `<rect x="1.5" y="1.5" width="${size - 3}" height="${size - 3}" rx="4"/>`,
      proposed: `<circle cx="${size / 2}" cy="${size / 2}" r="${size / 2 - 2}"/>`,
    }[kind];
    const label = text ? `<text x="50%" y="50%" dy="0.36em" text-anchor="middle">${Number(text)}</text>` : '';
    return `<svg viewBox="0 0 ${size} ${size}" width="${size}" height="${size}" aria-hidden="true">${shape}${label}</svg>`;
  };

  function icon(kind, text, size) {
    return window.L.divIcon({ html: svgMark(kind, text, size), className: `option-icon ${kind}`, iconSize: [size, size] });
  }

  const CROSS = '<svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true"><path d="M4 4 16 16M16 4 4 16"/></svg>';

  /** Sites of today, closed, moved, new and suggested: each a shape of its own. */
  function marks() {
    const { map, config, scene, plan } = state;
    if (!map || !config) return;
    const L = window.L;
    state.marks?.remove();
    const group = (state.marks = L.layerGroup().addTo(map));
    const closed = new Set(scene?.closed || []);
    const moved = new Map((scene?.moved || []).map(([site, lon, lat]) => [site, [lat, lon]]));
    for (const [site, lon, lat, name, authority] of config.sites) {
      const gone = closed.has(site) || moved.has(site);
      const mark = closed.has(site)
        ? L.marker([lat, lon], { icon: L.divIcon({ html: CROSS, className: 'option-icon close', iconSize: [20, 20] }), keyboard: false, title: `Closed: ${name}` })
        : L.circleMarker([lat, lon], {
          renderer: state.canvas, radius: gone ? 5 : 6, weight: gone ? 2 : 1.6, color: gone ? '#1d1d1b' : '#ffffff',
          fillColor: gone ? '#ffffff' : '#1d1d1b', fillOpacity: gone ? 0.5 : 1, bubblingMouseEvents: false,
        });
      mark.on('click', (event) => pressed(event, () => card([lat, lon], name, authority, site, closed.has(site))));
      mark.addTo(group);
      const there = moved.get(site);
      if (!there) continue;
      L.polyline([[lat, lon], there], { renderer: state.canvas, color: '#1d1d1b', weight: 2, dashArray: '4 4', interactive: false }).addTo(group);
      L.marker(there, { icon: icon('move', '', 24), keyboard: false, title: `Moved here: ${name}` })
        .on('click', (event) => pressed(event, () => card(there, name, 'moved here', site, false)))
        .addTo(group);
    }
    (plan?.places || []).forEach((place, i) => {
      const taken = (scene?.opened || []).some(([, lon, lat]) => Math.abs(lon - place.longitude) < 1e-4 && Math.abs(lat - place.latitude) < 1e-4);
      if (taken) return;
      L.marker([place.latitude, place.longitude], { icon: icon('proposed', i + 1, 28), keyboard: false, title: `Suggested site ${i + 1}: ${place.name}`, zIndexOffset: 500 }).addTo(group);
    });
    for (const [site, lon, lat, number, words] of scene?.opened || []) {
      L.marker([lat, lon], { icon: icon('open', number, 26), keyboard: false, title: words, zIndexOffset: 800 })
        .on('click', (event) => pressed(event, () => card([lat, lon], words, '', site, false)))
        .addTo(group);
    }
  }

  /** With a place being chosen, a click on a site is a click on the map. */
  function pressed(event, otherwise) {
    window.L.DomEvent.stopPropagation(event);
    if (state.mode) placed(event.latlng);
    else otherwise();
  }

  function button(words, data) {
    const element = document.createElement('button');
    element.type = 'button';
    element.className = 'button-quiet';
    element.textContent = words;
    Object.assign(element.dataset, data);
    return element;
  }

  function card(at, name, where, site, closed) {
    const box = document.createElement('div');
    box.className = 'service-card';
    for (const [tag, text] of [['strong', name], ['span', where]]) {
      if (!text) continue;
      const element = document.createElement(tag);
      element.textContent = text;
      box.append(element);
    }
    const row = document.createElement('div');
    row.className = 'button-row';
    row.append(button(closed ? 'Open again' : site.startsWith('new-') ? 'Remove' : 'Close', { optionDo: closed ? 'reopen' : 'close', site }));
    if (!closed) row.append(button('Move', { optionDo: 'move', site, name }));
    box.append(row);
    window.L.popup({ maxWidth: 280 }).setLatLng(at).setContent(box).openOn(state.map);
  }

  // ---- Reading card ---------------------------------------------------------------------------------------------------

  /** Need and access of every area: the first two number rows of what dashboard/views/wire.py sends. */
  function readings() {
    if (!state.readings) {
      state.readings = bytes(state.config.readings).then((buffer) => {
        const all = new Uint8Array(buffer);
        const end = all.indexOf(10);
        const head = JSON.parse(new TextDecoder().decode(all.subarray(0, end)));
        return { ...head, need: new Float32Array(buffer, end + 1, head.n), reach: new Float32Array(buffer, end + 1 + 4 * head.n, head.n) };
      });
      state.readings.catch(() => (state.readings = null));
    }
    return state.readings;
  }

  function line(box, className, text) {
    if (!text) return;
    const element = document.createElement(className === 'reading-name' ? 'strong' : 'span');
    element.className = className;
    element.textContent = text;
    box.append(element);
  }

  async function say(i) {
    state.pointed = i;
    const box = document.getElementById('options-reading');
    if (!box) return;
    if (i < 0 || !state.config.readings) {
      box.replaceChildren();
      box.classList.remove('full');
      return;
    }
    state.names = state.names || json(state.config.names);
    const [level, data] = await Promise.all([state.names, readings()]).catch(() => [null, null]);
    if (!level || state.pointed !== i) return;
    const { wording } = cg();
    const { scene } = state;
    const before = scene?.before.includes(i);
    const after = scene?.after.includes(i);
    box.replaceChildren();
    line(box, 'reading-name', level.names[i]);
    line(box, 'reading-place', [level.ward.length ? level.wards[level.ward[i]] : '', level.lads[level.lad[i]]].filter((part) => part && part !== level.names[i]).join(', '));
    const words = { 'true true': 'Underserved, also with this option', 'true false': 'No longer underserved', 'false true': 'Newly underserved' };
    line(box, 'reading-value', words[`${before} ${after}`] || '');
    line(box, 'reading-more', Number.isFinite(data.need[i]) ? `Need ${wording.number(data.need[i], 0)} of 100` : 'Need not known');
    line(box, 'reading-more', Number.isFinite(data.reach[i]) ? `Today: ${data.access}: ${wording.withUnit(data.reach[i] * data.scale, data.unit, data.decimals)}` : data.none);
    box.classList.add('full');
  }

  // ---- Choosing a place -------------------------------------------------------------------------------------------------

  /** null, or {do: 'open'}, or {do: 'move', site, name}: what a click on the map, or a place found, means. */
  function setMode(mode) {
    state.mode = mode;
    const out = document.getElementById('options-mode');
    if (out) {
      const moving = mode && mode.do === 'move';
      out.replaceChildren();
      if (mode) out.append(`${moving ? `New place for ${mode.name}` : 'Open a site'}: click on the map, or search for a place. `, button('Done', { optionDo: 'end-mode' }));
      out.classList.toggle('full', Boolean(mode));
    }
    document.getElementById('options-map')?.classList.toggle('choosing', Boolean(mode));
    for (const each of document.querySelectorAll('[data-option-do="open-mode"]')) {
      each.setAttribute('aria-pressed', String(Boolean(mode) && mode.do === 'open'));
    }
    if (mode && mode.do === 'move') document.getElementById('options-place')?.focus();
  }

  function placed(latlng) {
    const mode = state.mode;
    if (!mode) return;
    if (mode.do === 'move') setMode(null);
    ask({ do: mode.do, site: mode.site, at: [latlng.lat, latlng.lng] });
  }

  /** The clientside callback of the search box: opens a site there, or brings the one that is being moved. */
  function placeFound(value) {
    if (!value) return window.dash_clientside.no_update;
    const mode = state.mode || { do: 'open' };
    setMode(null);
    ask({ do: mode.do, site: mode.site, place: value });
    setTimeout(() => setProps('options-place', { value: null, searchValue: '' }), 0);
    return String(Date.now());
  }

  /** A button that was pressed may be gone afterwards; the keyboard then goes on at the changes, not at the top of the page. */
  function keepFocus() {
    setTimeout(() => {
      if (document.activeElement && document.activeElement !== document.body) return;
      if (state.focus) document.querySelector(state.focus)?.focus({ preventScroll: true });
      state.focus = '';
    }, 60);
  }

  async function copyLink() {
    const out = document.getElementById('option-copied');
    try {
      await navigator.clipboard.writeText(window.location.href);
      out.textContent = 'The link is copied.';
    } catch {
      out.textContent = `Copy this link: ${window.location.href}`;
    }
  }

  document.addEventListener('click', (event) => {
    const pressedButton = event.target.closest('[data-option-do]');
    if (!pressedButton || !onPage()) return;
    const { optionDo, site, kind, option, name } = pressedButton.dataset;
    if (optionDo === 'copy-link') copyLink();
    else if (optionDo === 'open-mode') {
      setMode(state.mode && state.mode.do === 'open' ? null : { do: 'open' });
      if (state.mode && window.matchMedia('(max-width: 63.99em)').matches) document.querySelector('button[data-sheet][aria-expanded="true"]')?.click();
    } else if (optionDo === 'end-mode') {
      setMode(null);
    } else if (optionDo === 'move') {
      state.map?.closePopup();
      setMode({ do: 'move', site, name });
    } else {
      state.map?.closePopup();
      const tick = pressedButton.matches('.site-tick');
      state.focus = tick ? `.site-tick[data-site="${window.CSS.escape(site)}"]` : '#option-changes';
      ask({ do: optionDo, site, kind, option });
    }
  });

  document.addEventListener('change', (event) => {
    const named = event.target.closest?.('[data-option-name]');
    const sized = event.target.closest?.('[data-capacity-of]');
    if (named) ask({ do: 'name', title: event.target.value });
    if (sized) ask({ do: 'capacity', site: sized.dataset.capacityOf, capacity: event.target.value });
  });

  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && state.mode) setMode(null);
  });

  // In the capture phase and before dcc.Location: Back undoes a change, it does not build the page again.
  window.addEventListener(
    'popstate',
    (event) => {
      if (window.location.pathname !== '/options' || !onPage()) return;
      event.stopImmediatePropagation();
      ask({ do: 'go', query: window.location.search });
    },
    true,
  );

  // ---- Start ------------------------------------------------------------------------------------------------------------

  async function begin(map) {
    if (map.getContainer().id !== 'options-map') return;
    state.map = map;
    Object.assign(state, { base: null, names: null, readings: null, mode: null });
    state.canvas = window.L.canvas({ padding: 0.3 });
    const container = map.getContainer();
    container.setAttribute('aria-label', 'Map: arrow keys move it, plus and minus zoom');
    container.setAttribute('role', 'application');
    const painter = (state.painter = cg().createPainter({ onHover: (i) => say(i) }));
    painter.addTo(map);
    map.on('click', (event) => placed(event.latlng));
    container.addEventListener('mouseleave', () => say(-1));
    document.addEventListener('commonground:scheme', paint);
    map.on('unload', () => {
      document.removeEventListener('commonground:scheme', paint);
      Object.assign(state, { map: null, painter: null, config: null, scene: null, plan: null, marks: null });
    });
    while (!state.config) {
      await new Promise((resolve) => setTimeout(resolve, 15));
      if (state.map !== map) return;
    }
    const { config } = state;
    painter.setStyle(style());
    map.fitBounds(config.bounds, { padding: [12, 12], animate: false });
    try {
      const [shapes, body] = await Promise.all([cg().loadGeometry(config.outlines), config.classes ? bytes(config.classes) : null]);
      if (state.map !== map) return;
      state.base = body ? new Uint8Array(body).subarray(1) : new Uint8Array(shapes.n).fill(cg().PLAIN);
      painter.setGeometry(shapes, classes(), palette());
      painter.setEmphasis(state.scene ? state.scene.after : null);
      marks();
      cg().loadGeometry(config.authorities).then((lads) => painter.setOutlines(lads));
      if (config.context) cg().loadGeometry(config.context).then((land) => painter.setContext(land));
      const labels = await json(config.labels);
      painter.setLabels(labels.map(([name, lon, lat, rank]) => ({ name, lon, lat, rank, minZoom: rank === 0 ? 0 : 10.5 })));
    } catch (error) {
      console.error(error);
    }
  }
  document.addEventListener('DOMContentLoaded', () => cg().whenMap(begin));

  window.commonground = Object.assign(cg() || {}, { options: { state, setMode } });
  window.dash_clientside = Object.assign(window.dash_clientside || {}, { commonground_options: { draw, placeFound } });
})();
