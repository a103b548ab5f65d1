/**
 * The map painter: one Leaflet layer that draws a whole level of areas inside dash-leaflet's map.
 *
 *   commonground.whenMap(function (map) {
 *     const painter = commonground.createPainter({ onHover, onSelect });
 *     painter.addTo(map);
 *     commonground.loadGeometry(url).then((geometry) => painter.setGeometry(geometry));
 *     painter.setClasses(classes, { classes: ['#eff3ff', '#6baed6', '#08519c'] });
 *   });
 *
 * Three sheets lie on top of each other in one pane and move as one:
 *   fill   a canvas: colour per pixel from a table (map-raster.js); the only one that a change of indicator repaints
 *   ink    a canvas (map-ink.js): borders, outlines, emphasis, names; drawn again when the view or one of these changes
 *   marks  an SVG: the outlines of the area under the pointer and of the selected one; never touches the other two
 *
 * `painter.geometry` and `painter.classes` are what is drawn now. After each paint the document gets the event
 * `commonground:painted`, detail {reason, ms, areas}; reason is geometry, classes, view, context or ink. The event is sent
 * after the pixels are written, in the same task.
 */
(function () {
  'use strict';

  const cg = () => window.commonground;
  const PANE = 'commonground';
  const SVG = 'http://www.w3.org/2000/svg';

  /** Codes of a class array that are not classes. */
  const MISSING = 255;
  const SUPPRESSED = 254;
  const OUTSIDE = 253;
  const PLAIN = 252;
  const CROSSING = 251;

  const PALETTE = {
    classes: [],
    missing: '#bdbdbd',
    suppressed: '#f2f2f2', // with hatching in
    hatch: '#7a7a7a',
    crossing: '#eef4f7', // with waves in
    waves: '#474d54',
    outside: '#ececea',
    plain: '#f4f2ec',
    context: '#e9e9e6',
    none: '#c0504d', // a class without a colour: a fault worth seeing
  };

  const STYLE = {
    border: '#ffffff',
    hairline: '#1d2a38', // within the border of larger areas, or it would be lost between the palest classes
    outline: '#2f3640',
    outlineCasing: 'rgba(255, 255, 255, 0.75)',
    outlineWidth: 1.6,
    emphasis: '#111111',
    emphasisCasing: '#ffffff',
    emphasisWidth: 2.6,
    hover: '#111111',
    hoverCasing: '#ffffff',
    hoverWidth: 2,
    selected: '#0b0c0c',
    selectedCasing: '#ffdd00',
    selectedWidth: 3,
    label: '#1d2329',
    labelHalo: 'rgba(255, 255, 255, 0.85)',
    badge: '#35104f', // of a numbered place
    badgeInk: '#ffffff',
    font: 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  };

  /** Buffers reach beyond the view by this share of its size on each side, so that a small pan shows no bare edge. */
  const PADDING = 0.125;
  const MOST_PIXELS = 10e6; // of one buffer (a 4K screen fits); above it the margin shrinks, then the picture gets coarser

  const stillness = () => window.matchMedia && window.matchMedia('(prefers-reduced-motion: reduce)').matches;

  // ---- Colours ------------------------------------------------------------------------------------------------------

  const colourCache = new Map();
  let colourContext = null;

  /** A CSS colour, also a custom property such as var(--need-3) as seen from `element`, as a packed little-endian Uint32. */
  function packColour(css, element) {
    let plain = css;
    if (css.includes('var(')) {
      const probe = document.createElement('span');
      probe.style.color = css;
      element.appendChild(probe);
      plain = getComputedStyle(probe).color;
      probe.remove();
    }
    if (!colourCache.has(plain)) {
      if (!colourContext) {
        const canvas = document.createElement('canvas');
        canvas.width = canvas.height = 1;
        colourContext = canvas.getContext('2d', { willReadFrequently: true });
      }
      colourContext.clearRect(0, 0, 1, 1);
      colourContext.fillStyle = '#c0504d';
      colourContext.fillStyle = plain;
      colourContext.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = colourContext.getImageData(0, 0, 1, 1).data;
      colourCache.set(plain, ((a << 24) | (b << 16) | (g << 8) | r) >>> 0);
    }
    return colourCache.get(plain);
  }

  const cssOf = (packed) =>
    `rgba(${packed & 255}, ${(packed >>> 8) & 255}, ${(packed >>> 16) & 255}, ${(packed >>> 24) / 255})`;

  /** One period of the hatching across the diagonal: packed colours from background to line and back, smooth. */
  function hatchBand(background, line, ratio) {
    const period = Math.max(5, Math.round(8 * ratio));
    const width = 1.5 * ratio;
    const band = new Uint32Array(period);
    for (let t = 0; t < period; t++) {
      const distance = Math.abs(t - period / 2) / Math.SQRT2;
      const share = Math.min(1, Math.max(0, width / 2 + 0.5 - distance));
      band[t] = between(background, line, share);
    }
    return band;
  }

  /** A packed colour that is `share` (0 to 1) of the way from one to another. */
  function between(from, to, share) {
    let colour = 0;
    for (const bits of [0, 8, 16, 24]) {
      const a = (from >>> bits) & 255;
      const b = (to >>> bits) & 255;
      colour |= Math.round(a + (b - a) * share) << bits;
    }
    return colour >>> 0;
  }

  /** One wave, to be repeated in both directions: {width, height, pixels}, smooth. */
  function waveTile(background, line, ratio) {
    const width = Math.max(8, Math.round(11 * ratio));
    const height = Math.max(5, Math.round(7 * ratio));
    const pixels = new Uint32Array(width * height);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const crest = height / 2 + 0.2 * height * Math.cos((2 * Math.PI * (column + 0.5)) / width);
        const share = Math.min(1, Math.max(0, 0.6 * ratio + 0.5 - Math.abs(row + 0.5 - crest)));
        pixels[row * width + column] = between(background, line, share);
      }
    }
    return { width, height, pixels };
  }

  // ---- The layer ----------------------------------------------------------------------------------------------------

  const methods = {
    options: { pane: PANE, padding: PADDING, maxPixels: MOST_PIXELS, opacity: 1 },

    initialize(options) {
      L.setOptions(this, options);
      this.onHover = this.options.onHover || null;
      this.onSelect = this.options.onSelect || null;
      this._raster = new (cg().MapRaster)();
      this._style = Object.assign({}, STYLE, this.options.style);
      this._palette = PALETTE;
      this.geometry = null;
      this._context = null;
      this.classes = new Uint8Array(0);
      this._outlines = [];
      this._labels = [];
      this._emphasis = { indices: [], labels: [] };
      this._overlays = { lines: [], rings: [] };
      this._highlight = this._selected = this._hovered = -1;
      this._frame = 0;
    },

    onAdd(map) {
      if (!map.getPane(this.options.pane)) {
        const pane = map.createPane(this.options.pane);
        pane.style.zIndex = 350; // above tiles (200), below vectors (400) and markers (600)
        pane.style.pointerEvents = 'none';
      }
      const sheet = (this._sheet = document.createElement('div'));
      sheet.className = 'commonground-painter leaflet-zoom-animated';
      sheet.setAttribute('aria-hidden', 'true'); // the table says the same in words
      sheet.style.cssText = 'position:absolute;left:0;top:0;pointer-events:none;transform-origin:0 0';
      this._fill = document.createElement('canvas');
      this._inkCanvas = document.createElement('canvas');
      for (const canvas of [this._fill, this._inkCanvas]) {
        canvas.style.cssText = 'position:absolute;left:0;top:0;max-width:none';
        sheet.appendChild(canvas);
      }
      this._fill.style.opacity = this.options.opacity;
      this._fillContext = this._fill.getContext('2d', { willReadFrequently: true });
      this._ink = new (cg().MapInk)(this._inkCanvas);
      this._marks = document.createElementNS(SVG, 'svg');
      this._marks.style.cssText = 'position:absolute;left:0;top:0;overflow:hidden;max-width:none';
      this._markPaths = {};
      for (const name of ['selected', 'hover']) {
        this._markPaths[name] = [`${name}Casing`, name].map((part) => {
          const path = document.createElementNS(SVG, 'path');
          path.setAttribute('fill', 'none');
          path.setAttribute('stroke-linejoin', 'round');
          path.setAttribute('class', `commonground-${part}`);
          this._marks.appendChild(path);
          return path;
        });
      }
      this._styleMarks();
      sheet.appendChild(this._marks);
      this.getPane().appendChild(sheet);
      this._watchPixelRatio();
      if (stillness()) keepStill(map);
      if (map._loaded) this._redraw('view');
    },

    onRemove() {
      cancelAnimationFrame(this._frame);
      cancelAnimationFrame(this._followFrame);
      if (this._ratioQuery) this._ratioQuery.removeEventListener('change', this._ratioChanged);
      this._sheet.remove();
      this._sheet = this._fill = this._inkCanvas = this._marks = null;
      this._view = null;
      this._hovered = -1;
    },

    getEvents() {
      const events = {
        viewreset: this._onMoveEnd,
        zoom: this._onZoom,
        move: this._onMove,
        moveend: this._onMoveEnd,
        resize: this._onResize,
        mousemove: this._onMouseMove,
        mouseout: this._onMouseOut,
        click: this._onClick,
      };
      if (this._zoomAnimated) events.zoomanim = this._onZoomAnimation;
      return events;
    },

    // -- What to draw --

    /**
     * The outlines to draw, from decodeGeometry or loadGeometry; null for none. With `classes` and `palette` the new level
     * appears in its colours at once; without, as plain land.
     */
    setGeometry(geometry, classes, palette) {
      this.geometry = geometry;
      this._highlight = this._selected = -1;
      this._setHovered(-1, null);
      this._emphasis = { indices: [], labels: [] };
      this._overlays = { lines: [], rings: [] };
      this.classes = classes || new Uint8Array(geometry ? geometry.n : 0).fill(PLAIN);
      this._checkClasses();
      if (palette) this._setPalette(palette);
      return this._redraw('geometry');
    },

    /**
     * Colour the areas. `classes` holds one class per area, 0 .. 250, or 255 missing, 254 suppressed (hatched), 253 outside
     * the chosen footprint, 252 nothing chosen, 251 across water (waves). `palette` is an array of CSS colours by class, or {classes, missing,
     * suppressed, hatch, crossing, waves, outside, plain, context}; a key left out keeps its default, the argument left out its last value.
     */
    setClasses(classes, palette) {
      this.classes = classes;
      this._checkClasses();
      if (palette) this._setPalette(palette);
      if (this._view) this._paint('classes', performance.now());
      return this;
    },

    _checkClasses() {
      const n = this.geometry ? this.geometry.n : 0;
      if (this.geometry && this.classes.length !== n) {
        const found = this.classes.length;
        this.classes = new Uint8Array(n).fill(PLAIN);
        throw new Error(`The map has ${n} areas but got ${found} classes. They belong to another level or region.`);
      }
    },

    _setPalette(palette) {
      this._palette = Object.assign({}, PALETTE, Array.isArray(palette) ? { classes: palette } : palette);
    },

    /** Change colours and widths of lines and names (see STYLE); for the dark theme and the projector. */
    setStyle(style) {
      Object.assign(this._style, style);
      if (this._sheet) this._styleMarks();
      return this._drawInk('ink');
    },

    /** Opacity of the fill, 0 to 1: below 1 only over tiles. */
    setOpacity(opacity) {
      this.options.opacity = opacity;
      if (this._fill) this._fill.style.opacity = opacity;
      return this;
    },

    /** Land around the region, drawn below and in one colour; a geometry or null. */
    setContext(geometry) {
      this._context = geometry;
      return this._redraw('context');
    },

    /**
     * Outlines above the fill. `source` is a decoded geometry (all its borders), or an array with one group per area of the
     * present geometry, such as the authority's number: then the borders between groups. `style` {colour, casing, width}.
     * Called again it replaces the former outlines; null takes them away.
     */
    setOutlines(source, style) {
      this._outlines = source ? [{ source, style: style || {} }] : [];
      return this._drawInk('ink');
    },

    /** Place names: [{name, lon, lat, rank, minZoom}]; the smaller the rank, the sooner a name gets its place. */
    setLabels(labels) {
      this._labels = [...(labels || [])].sort((a, b) => (a.rank || 0) - (b.rank || 0));
      return this._drawInk('ink');
    },

    /**
     * Areas to bring out with a bold line around each group that hangs together (underserved areas), or null. `labels` as
     * in setLabels; they are placed before all others.
     */
    setEmphasis(indices, labels) {
      this._emphasis = { indices: [...(indices || [])], labels: [...(labels || [])] };
      return this._drawInk('ink');
    },

    /**
     * More lines above the fill. `lines`: [{indices, colour, casing, width, dash, symbol}], an outline around each group of
     * areas that hangs together, or with `symbol` ("ring") a small mark in each area; `dash` in CSS pixels. `rings`:
     * [[[lon, lat], ...], ...] drawn as they are, in the style `ring`.
     */
    setOverlays(lines, rings, ring) {
      this._overlays = { lines: [...(lines || [])], rings: [...(rings || [])], ring };
      return this._drawInk('ink');
    },

    /** Outline one area as if the pointer were on it (keyboard focus in the table); -1 for none. */
    setHighlight(index) {
      this._highlight = index;
      this._drawMarks();
      return this;
    },

    /** Outline the selected area; -1 for none. */
    setSelected(index) {
      this._selected = index;
      this._drawMarks();
      return this;
    },

    // -- Questions --

    /** Index of the area at a point of the map's container, or -1. One read. */
    at(point) {
      const view = this._view;
      if (!view || !this.geometry || this._map._animatingZoom || this._map.getZoom() !== view.zoom) return -1;
      const corner = this._map.layerPointToContainerPoint(view.corner);
      const x = Math.floor((point.x - corner.x) * view.ratio);
      const y = Math.floor((point.y - corner.y) * view.ratio);
      if (x < 0 || y < 0 || x >= view.width || y >= view.height) return -1;
      const number = this._raster.id[y * view.width + x];
      return number > this.geometry.n ? -1 : number - 1;
    },

    /** Leaflet bounds of area i, or null. */
    boundsOf(i) {
      const bounds = this.geometry && cg().areaBounds(this.geometry, i);
      return bounds && L.latLngBounds([bounds[1], bounds[0]], [bounds[3], bounds[2]]);
    },

    /** A Leaflet point that lies inside area i, or null. */
    pointOf(i) {
      const point = this.geometry && cg().areaPoint(this.geometry, i);
      return point && L.latLng(point[1], point[0]);
    },

    /** Move the view to bounds: Leaflet's, or [west, south, east, north]. `options` as for Leaflet's fitBounds. */
    fit(bounds, options) {
      if (!bounds) return this;
      const there = Array.isArray(bounds) && typeof bounds[0] === 'number'
        ? L.latLngBounds([bounds[1], bounds[0]], [bounds[3], bounds[2]])
        : bounds;
      this._map.fitBounds(there, Object.assign({ animate: !stillness() }, options));
      return this;
    },

    /** Take the layer off the map and let go of its buffers. */
    destroy() {
      this.remove();
      this.geometry = this._context = null;
      this._raster = new (cg().MapRaster)();
    },

    // -- The view --

    /**
     * Size of the buffers for the map's present size: {pad, size} in CSS pixels and the pixels per CSS pixel, the screen's
     * own up to 3. Where that would be more than maxPixels the margin shrinks to a third, and only then the sharpness.
     */
    _buffer() {
      const ratio = Math.min(Math.max(window.devicePixelRatio || 1, 1), 3);
      const view = this._map.getSize();
      const most = this.options.maxPixels;
      const padded = (share) => {
        const pad = view.multiplyBy(this.options.padding * share).ceil();
        return { pad, size: view.add(pad.multiplyBy(2)) };
      };
      let { pad, size } = padded(1);
      if (size.x * size.y * ratio * ratio > most) ({ pad, size } = padded(1 / 3));
      return { pad, size, ratio: Math.min(ratio, Math.sqrt(most / Math.max(1, size.x * size.y))) };
    },

    /** Scan-convert and paint everything for the map's present view. */
    _redraw(reason) {
      const map = this._map;
      if (!map || !this._sheet || !map._loaded) return this;
      const started = performance.now();
      const zoom = map.getZoom();
      const { pad, size, ratio } = this._buffer();
      const corner = map.containerPointToLayerPoint(pad.multiplyBy(-1)).round();
      const world = map.getPixelOrigin().add(corner);
      const width = Math.max(1, Math.round(size.x * ratio));
      const height = Math.max(1, Math.round(size.y * ratio));
      this._view = {
        zoom,
        corner,
        world,
        pad,
        size,
        ratio,
        width,
        height,
        scale: Math.pow(2, zoom - 8) * ratio,
        left: world.x * ratio,
        top: world.y * ratio,
      };
      if (this._fill.width !== width || this._fill.height !== height) {
        for (const canvas of [this._fill, this._inkCanvas]) {
          canvas.width = width;
          canvas.height = height;
          canvas.style.width = `${width / ratio}px`;
          canvas.style.height = `${height / ratio}px`;
        }
        this._marks.setAttribute('width', size.x);
        this._marks.setAttribute('height', size.y);
      }
      if (this.geometry) {
        this._raster.draw(this.geometry, this._context, this._view);
        this._paintFill();
      } else this._fillContext.clearRect(0, 0, width, height);
      this._strokeInk();
      this._drawMarks();
      L.DomUtil.setPosition(this._sheet, corner);
      this._sheet.style.transformOrigin = '0 0';
      this._announce(reason, started);
      return this;
    },

    /** Colour the pixels of the view as it stands. */
    _paint(reason, started) {
      if (!this.geometry) return;
      this._paintFill();
      this._announce(reason, started);
    },

    _paintFill() {
      const { ratio, left, top } = this._view;
      const colour = (css) => packColour(css, this._sheet);
      const palette = this._palette;
      const byClass = new Uint32Array(256).fill(colour(palette.none));
      palette.classes.forEach((css, k) => (byClass[k] = colour(css)));
      byClass[MISSING] = colour(palette.missing);
      byClass[SUPPRESSED] = colour(palette.suppressed);
      byClass[OUTSIDE] = colour(palette.outside);
      byClass[PLAIN] = colour(palette.plain);
      byClass[CROSSING] = colour(palette.crossing);
      const classes = this.classes;
      const n = classes.length;
      const colours = new Uint32Array(n + 2);
      colours[n + 1] = colour(palette.context);
      let hatched = false;
      for (let i = 0; i < n; i++) {
        colours[i + 1] = byClass[classes[i]];
        if (classes[i] === SUPPRESSED || classes[i] === CROSSING) hatched = true;
      }
      let hatch = null;
      if (hatched) {
        const marked = new Uint8Array(n + 2);
        for (let i = 0; i < n; i++) if (classes[i] === SUPPRESSED || classes[i] === CROSSING) marked[i + 1] = classes[i] === SUPPRESSED ? 1 : 2;
        const band = hatchBand(byClass[SUPPRESSED], colour(palette.hatch), ratio);
        // Anchored to the ground, so that the hatching does not crawl when the map is moved.
        const anchored = (at, period) => ((Math.round(at) % period) + period) % period;
        const waves = waveTile(byClass[CROSSING], colour(palette.waves), ratio);
        waves.left = anchored(left, waves.width);
        waves.top = anchored(top, waves.height);
        hatch = { marked, band, phase: anchored(left + top, band.length), waves };
      }
      this._fillContext.putImageData(this._raster.paint(colours, hatch), 0, 0);
    },

    _announce(reason, started) {
      const ended = performance.now();
      performance.measure(`commonground:${reason}`, { start: started, end: ended });
      const detail = { reason, ms: ended - started, areas: this.geometry ? this.geometry.n : 0 };
      document.dispatchEvent(new CustomEvent('commonground:painted', { detail }));
    },

    // -- Ink --

    _drawInk(reason) {
      if (!this._view) return this;
      const started = performance.now();
      this._strokeInk();
      this._announce(reason, started);
      return this;
    },

    _strokeInk() {
      const resolve = (css) => (css.includes('var(') ? cssOf(packColour(css, this._sheet)) : css);
      this._ink.draw(this._view, {
        geometry: this.geometry,
        outlines: this._outlines,
        emphasis: this._emphasis,
        overlays: this._overlays,
        labels: this._labels,
        style: Object.fromEntries(Object.entries(this._style).map(([k, v]) => [k, typeof v === 'string' ? resolve(v) : v])),
        resolve,
      });
    },

    // -- Marks --

    _styleMarks() {
      for (const name of ['selected', 'hover']) {
        const [casing, line] = this._markPaths[name];
        const width = this._style[`${name}Width`];
        casing.style.stroke = this._style[`${name}Casing`];
        casing.style.strokeWidth = width + 2.5;
        line.style.stroke = this._style[name];
        line.style.strokeWidth = width;
      }
    },

    _drawMarks() {
      if (!this._view || !this.geometry) return;
      const hover = this._highlight >= 0 ? this._highlight : this._hovered;
      this._drawMark('selected', this._selected);
      this._drawMark('hover', hover === this._selected ? -1 : hover);
    },

    _drawMark(name, index) {
      const path = index >= 0 && index < this.geometry.n ? this._pathOf(index) : '';
      for (const element of this._markPaths[name]) element.setAttribute('d', path);
    },

    /** Area i as SVG path data in CSS pixels of the sheet. */
    _pathOf(i) {
      const { X, Y, arcAt, useArc, ringAt, areaRing } = this.geometry;
      const { ratio } = this._view;
      const { scale, dx, dy } = cg().placedInView(this.geometry, this._view);
      const parts = [];
      for (let r = areaRing[i]; r < areaRing[i + 1]; r++) {
        let px = Infinity;
        let py = Infinity;
        for (let u = ringAt[r]; u < ringAt[r + 1]; u++) {
          const backwards = useArc[u] < 0;
          const arc = backwards ? ~useArc[u] : useArc[u];
          const count = arcAt[arc + 1] - arcAt[arc] - 1;
          for (let k = 0; k < count; k++) {
            const v = backwards ? arcAt[arc + 1] - 1 - k : arcAt[arc] + k;
            const x = (X[v] * scale + dx) / ratio;
            const y = (Y[v] * scale + dy) / ratio;
            if (Math.abs(x - px) < 0.3 && Math.abs(y - py) < 0.3) continue;
            parts.push(parts.length && px !== Infinity ? 'L' : 'M', x.toFixed(1), ' ', y.toFixed(1));
            px = x;
            py = y;
          }
        }
        parts.push('Z');
      }
      return parts.join('');
    },

    // -- Events of the map --

    _onResize() {
      this._redraw('view');
    },

    /** The animation of one zoom step: the browser scales the sheet; it is drawn anew when the zoom has ended. */
    _onZoomAnimation(event) {
      this._setHovered(-1, null);
      this._transform(event.center, event.zoom);
    },

    /** Each step of a pinch or of a flight. */
    _onZoom() {
      this._transform(this._map.getCenter(), this._map.getZoom());
    },

    _transform(center, zoom) {
      if (!this._view) return;
      const scale = this._map.getZoomScale(zoom, this._view.zoom);
      const offset = this._view.world.multiplyBy(scale).subtract(this._map._getNewPixelOrigin(center, zoom));
      L.DomUtil.setTransform(this._sheet, offset, scale);
    },

    /** Draw ahead during a long drag, at most once a frame, as soon as the view leaves the buffer. */
    _onMove() {
      if (this._map._animatingZoom || this._followFrame || this._inBuffer(0)) return;
      this._followFrame = requestAnimationFrame(() => {
        this._followFrame = 0;
        if (this._map && this._view && this._map.getZoom() === this._view.zoom && !this._inBuffer(0)) this._redraw('view');
      });
    },

    /** A view that still has most of its margin needs nothing. */
    _onMoveEnd() {
      if (!this._inBuffer(0.5)) this._redraw('view');
    },

    /** Whether the present view lies in the buffer with at least `share` of the margin left on every side. */
    _inBuffer(share) {
      const view = this._view;
      const map = this._map;
      if (!view || map.getZoom() !== view.zoom) return false;
      const origin = map.getPixelOrigin().add(view.corner);
      if (!origin.equals(view.world)) return false; // Leaflet moved its origin: the sheet stands elsewhere now
      const size = map.getSize();
      const pad = view.pad.multiplyBy(share);
      const corner = map.layerPointToContainerPoint(view.corner);
      return (
        corner.x <= -pad.x &&
        corner.y <= -pad.y &&
        corner.x + view.size.x >= size.x + pad.x &&
        corner.y + view.size.y >= size.y + pad.y
      );
    },

    _watchPixelRatio() {
      if (!window.matchMedia) return;
      this._ratioChanged = this._ratioChanged || (() => {
        this._watchPixelRatio(); // a query is true for one ratio only
        this._redraw('view');
      });
      this._ratioQuery = window.matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`);
      this._ratioQuery.addEventListener('change', this._ratioChanged, { once: true });
    },

    _onMouseMove(event) {
      this._pointer = event;
      if (this._frame) return;
      this._frame = requestAnimationFrame(() => {
        this._frame = 0;
        const last = this._pointer;
        if (!last || !this._map) return;
        const onControl = overSomethingElse(last.originalEvent);
        this._setHovered(onControl ? -1 : this.at(last.containerPoint), last.latlng);
      });
    },

    _onMouseOut() {
      this._pointer = null;
      this._setHovered(-1, null);
    },

    _onClick(event) {
      if (!this.onSelect || overSomethingElse(event.originalEvent)) return;
      this.onSelect(this.at(event.containerPoint));
    },

    _setHovered(index, latlng) {
      const changed = index !== this._hovered;
      this._hovered = index;
      if (changed) this._drawMarks();
      if (this.onHover && (changed || index >= 0)) this.onHover(index, latlng);
    },
  };

  /** Controls, popups and markers lie above the map; what is under them is not pointed at. */
  function overSomethingElse(event) {
    const target = event && event.target;
    return Boolean(
      target && target.closest && target.closest('.leaflet-control, .leaflet-popup, .leaflet-marker-icon, .leaflet-interactive')
    );
  }

  /** For people who asked their system for less motion: the map jumps instead of gliding. */
  function keepStill(map) {
    map._zoomAnimated = false;
    map.options.inertia = false;
    const panBy = map.panBy;
    map.panBy = (offset, options) => panBy.call(map, offset, Object.assign({}, options, { animate: false }));
  }

  let PainterLayer = null;

  /** A new painter; add it to a map with addTo. Options: onHover(index, latlng), onSelect(index), style, opacity, padding. */
  function createPainter(options) {
    if (!PainterLayer) PainterLayer = L.Layer.extend(methods);
    return new PainterLayer(options);
  }

  // ---- Finding dash-leaflet's map -----------------------------------------------------------------------------------

  const maps = [];
  const waiting = [];
  let hooked = false;

  function tell(callback, map) {
    map.whenReady(() => callback(map));
  }

  /** Hook into Leaflet as soon as dash-leaflet has brought it; Dash does not promise which script runs first. */
  function hook() {
    if (hooked) return;
    if (!window.L || !window.L.Map) {
      setTimeout(hook, 10);
      return;
    }
    hooked = true;
    window.L.Map.addInitHook(function () {
      maps.push(this);
      this.on('unload', () => maps.splice(maps.indexOf(this), 1));
      for (const callback of waiting) tell(callback, this);
    });
  }

  /** Call back with every Leaflet map of the page, present and future, once it has a view. */
  function whenMap(callback) {
    waiting.push(callback);
    for (const map of maps) tell(callback, map);
  }

  hook();

  window.commonground = Object.assign(window.commonground || {}, {
    MISSING,
    OUTSIDE,
    PLAIN,
    SUPPRESSED,
    createPainter,
    whenMap,
  });
})();
