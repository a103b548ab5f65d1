/**
 * The lines and names of the map, drawn as vectors on a canvas of their own above the fill: borders between areas,
 * authority outlines, the bold outline around emphasised areas, place names. Nothing here changes with the indicator.
 *
 * How strong a line is depends on how large the things beside it are on the screen, not on the zoom: borders of rural areas
 * show early, while in the city the same borders would wash out the colours, and wait.
 */
(function () {
  'use strict';

  const cg = () => window.commonground;
  const ARCS_PER_PATH = 256; // one path for all is superlinear in Chromium's rasteriser

  /** By width of the smaller of two neighbours on the screen, CSS pixels. The hairline is the dark core of the border. */
  const BORDERS = [
    { from: 7, width: 0.6, opacity: 0.3, hairline: 0 },
    { from: 13, width: 0.7, opacity: 0.5, hairline: 0.1 },
    { from: 26, width: 1.0, opacity: 0.7, hairline: 0.2 },
    { from: 60, width: 1.4, opacity: 0.75, hairline: 0.32 },
    { from: 160, width: 1.8, opacity: 0.8, hairline: 0.42 },
  ];

  /** The same for outlines, by width of the smaller of the two groups; shares of the style's width. */
  const OUTLINES = [
    { from: 0, width: 0.3, opacity: 0.35, casing: false },
    { from: 16, width: 0.45, opacity: 0.55, casing: false },
    { from: 40, width: 0.65, opacity: 0.8, casing: true },
    { from: 140, width: 0.8, opacity: 0.9, casing: true },
    { from: 300, width: 1, opacity: 1, casing: true },
  ];

  /** Sort things into steps by size: the index of the last step whose `from` is not above it, -1 below the first. */
  function stepOf(steps, size) {
    let step = steps.length - 1;
    while (step >= 0 && size < steps[step].from) step--;
    return step;
  }

  const boxWidth = (x0, y0, x1, y1) => Math.sqrt(Math.max(0, x1 - x0) * Math.max(0, y1 - y0));

  class MapInk {
    constructor(canvas) {
      this.canvas = canvas;
      this.context = canvas.getContext('2d');
      this.geometry = null;
      this.widths = null;
    }

    /**
     * Clear and draw. `what` is {geometry, outlines: [{source, style}], emphasis: {indices, labels}, overlays: {lines, rings,
     * ring}, labels, style, resolve}, see setOutlines, setEmphasis, setOverlays and setLabels of the painter; `resolve` turns
     * any CSS colour into one a canvas knows.
     */
    draw(view, what) {
      this.view = view;
      this.style = what.style;
      this.resolve = what.resolve;
      this.context.clearRect(0, 0, view.width, view.height);
      if (what.geometry) {
        this._measure(what.geometry);
        this._borders(what.geometry);
        for (const outline of what.outlines) this._outline(what.geometry, outline);
        this._emphasis(what.geometry, what.emphasis);
        for (const line of what.overlays.lines) this._overlay(what.geometry, line);
      }
      if (what.overlays.rings.length) this._rings(what.overlays);
      this._labels(what.emphasis.labels, what.labels);
    }

    /** Width of each area: the side of the square that is as large as its box. Kept until the geometry changes. */
    _measure(geometry) {
      if (this.geometry === geometry) return;
      this.geometry = geometry;
      const { n, box } = geometry;
      this.widths = new Float32Array(n);
      for (let i = 0; i < n; i++) this.widths[i] = boxWidth(box[4 * i], box[4 * i + 1], box[4 * i + 2], box[4 * i + 3]);
    }

    _borders(geometry) {
      const { ratio, scale } = this.view;
      const { arcLeft, arcRight } = geometry;
      const { widths } = this;
      const pixels = scale / ratio;
      const drawn = BORDERS.map(() => []);
      for (let arc = 0; arc < arcLeft.length; arc++) {
        const left = arcLeft[arc];
        const right = arcRight[arc];
        if (right < 0 || left === right) continue;
        const step = stepOf(BORDERS, Math.min(widths[left], widths[right]) * pixels);
        if (step >= 0) drawn[step].push(arc);
      }
      drawn.forEach((arcs, step) => {
        const { width, opacity, hairline } = BORDERS[step];
        this._stroke(geometry, arcs, { colour: this.style.border, width, opacity, cap: 'butt' });
        if (hairline) {
          this._stroke(geometry, arcs, { colour: this.style.hairline, width: 0.7, opacity: hairline, cap: 'butt' });
        }
      });
    }

    _outline(areas, outline) {
      if (outline.made !== areas && !prepareOutline(areas, outline)) return;
      const { geometry, steps } = outline;
      const width = outline.style.width || this.style.outlineWidth;
      const casing = this.resolve(outline.style.casing || this.style.outlineCasing);
      const colour = this.resolve(outline.style.colour || this.style.outline);
      const pixels = this.view.scale / this.view.ratio;
      const drawn = OUTLINES.map(() => []);
      steps.arcs.forEach((arc, k) => drawn[stepOf(OUTLINES, steps.widths[k] * pixels)].push(arc));
      drawn.forEach((arcs, step) => {
        const { width: share, casing: cased } = OUTLINES[step];
        if (cased) this._stroke(geometry, arcs, { colour: casing, width: width * share + 2 * share, cap: 'round' });
      });
      drawn.forEach((arcs, step) => {
        const { width: share, opacity } = OUTLINES[step];
        this._stroke(geometry, arcs, { colour, width: width * share, opacity, cap: 'round' });
      });
    }

    _emphasis(geometry, emphasis) {
      if (!emphasis.indices.length) return;
      if (emphasis.made !== geometry) {
        emphasis.arcs = cg().outlineOf(geometry, emphasis.indices);
        emphasis.made = geometry;
      }
      const { emphasis: colour, emphasisCasing } = this.style;
      const share = this._boldness(emphasis.indices);
      const width = this.style.emphasisWidth * share;
      this._stroke(geometry, emphasis.arcs, { colour: emphasisCasing, width: width + 2.4 * share, cap: 'round' });
      this._stroke(geometry, emphasis.arcs, { colour, width, cap: 'round' });
    }

    /** How bold a line around some areas may be, 0.45 to 1: where they are a few pixels wide a bold line would be all that is seen. */
    _boldness(indices) {
      const sizes = Float32Array.from(indices, (i) => this.widths[i]).sort();
      const pixels = (sizes[sizes.length >> 1] * this.view.scale) / this.view.ratio;
      return Math.min(1, Math.max(0.45, pixels / 28));
    }

    /** One overlay: an outline, perhaps dashed, or a mark in each area. */
    _overlay(geometry, line) {
      const colour = this.resolve(line.colour);
      const casing = line.casing && this.resolve(line.casing);
      if (line.symbol) {
        this._symbols(geometry, line.indices, colour, casing);
        return;
      }
      if (line.made !== geometry) {
        line.arcs = cg().outlineOf(geometry, line.indices);
        line.made = geometry;
      }
      const share = this._boldness(line.indices);
      const width = Math.max(line.width * share, 0.8);
      if (casing) this._stroke(geometry, line.arcs, { colour: casing, width: width + 2 * share, opacity: 0.85, cap: 'butt' });
      this._stroke(geometry, line.arcs, { colour, width, cap: 'butt', dash: line.dash?.map((length) => Math.max(length * share, 2)) });
    }

    /** A small ring with a point in it, inside each area: smaller where areas are small, never larger than they are. */
    _symbols(geometry, indices, colour, casing) {
      const { context } = this;
      const { width, height, ratio, scale, left, top } = this.view;
      for (const i of indices) {
        const point = cg().areaPoint(geometry, i);
        if (!point) continue;
        const x = cg().lonToX(point[0]) * scale - left;
        const y = cg().latToY(point[1]) * scale - top;
        if (x < 0 || y < 0 || x > width || y > height) continue;
        const radius = Math.min(7, Math.max(3, (this.widths[i] * scale) / ratio / 5)) * ratio;
        for (const [stroke, line] of [[casing, 4], [colour, 1.8]]) {
          context.strokeStyle = stroke;
          context.lineWidth = line * ratio;
          context.beginPath();
          context.arc(x, y, radius, 0, 2 * Math.PI);
          context.stroke();
        }
        context.fillStyle = colour;
        context.beginPath();
        context.arc(x, y, 1.4 * ratio, 0, 2 * Math.PI);
        context.fill();
      }
    }

    /** Rings around services, corner by corner. */
    _rings({ rings, ring }) {
      const { context } = this;
      const { ratio, scale, left, top } = this.view;
      context.lineJoin = 'round';
      for (const [colour, width] of [[ring.casing, ring.width + 2], [ring.colour, ring.width]]) {
        context.strokeStyle = this.resolve(colour);
        context.lineWidth = width * ratio;
        context.beginPath();
        for (const corners of rings) {
          corners.forEach(([lon, lat], k) => {
            const x = cg().lonToX(lon) * scale - left;
            const y = cg().latToY(lat) * scale - top;
            if (k) context.lineTo(x, y);
            else context.moveTo(x, y);
          });
        }
        context.stroke();
      }
    }

    /** Stroke arcs. `width` is CSS pixels. Steps shorter than half a pixel are skipped, ends never. */
    _stroke(geometry, arcs, { colour, width: line, opacity, cap, dash }) {
      if (!arcs.length) return;
      const { context } = this;
      const { width, height, ratio } = this.view;
      const { scale, dx, dy } = cg().placedInView(geometry, this.view);
      const { X, Y, arcAt } = geometry;
      const slack = line * ratio;
      context.strokeStyle = colour;
      context.lineWidth = line * ratio;
      context.globalAlpha = opacity === undefined ? 1 : opacity;
      context.lineCap = cap;
      context.lineJoin = 'round';
      context.setLineDash((dash || []).map((length) => length * ratio));
      let inPath = 0;
      context.beginPath();
      for (const arc of arcs) {
        const from = arcAt[arc];
        const to = arcAt[arc + 1] - 1;
        let x0 = Infinity;
        let y0 = Infinity;
        let x1 = -Infinity;
        let y1 = -Infinity;
        for (let v = from; v <= to; v++) {
          if (X[v] < x0) x0 = X[v];
          if (X[v] > x1) x1 = X[v];
          if (Y[v] < y0) y0 = Y[v];
          if (Y[v] > y1) y1 = Y[v];
        }
        if (x1 * scale + dx < -slack || y1 * scale + dy < -slack) continue;
        if (x0 * scale + dx > width + slack || y0 * scale + dy > height + slack) continue;
        let px = X[from] * scale + dx;
        let py = Y[from] * scale + dy;
        context.moveTo(px, py);
        for (let v = from + 1; v <= to; v++) {
          const x = X[v] * scale + dx;
          const y = Y[v] * scale + dy;
          if (v < to && (x - px) * (x - px) + (y - py) * (y - py) < 0.25) continue;
          context.lineTo(x, y);
          px = x;
          py = y;
        }
        if (++inPath === ARCS_PER_PATH) {
          context.stroke();
          context.beginPath();
          inPath = 0;
        }
      }
      if (inPath) context.stroke();
      context.setLineDash([]);
      context.globalAlpha = 1;
    }

    /** Names with a halo, the most important first; one that would touch another is left out at this zoom. */
    _labels(emphasised, labels) {
      const { context, style } = this;
      const { width, height, ratio, scale, left, top, zoom, pad } = this.view;
      const taken = [];
      context.textAlign = 'center';
      context.textBaseline = 'middle';
      context.lineJoin = 'round';
      const write = (label, bold) => {
        if (label.minZoom !== undefined && zoom < label.minZoom) return;
        const x = Math.round(cg().lonToX(label.lon) * scale - left);
        const y = Math.round(cg().latToY(label.lat) * scale - top);
        if (x < 0 || y < 0 || x > width || y > height) return;
        const px = (label.size || (bold ? 13 : 12)) * ratio;
        context.font = `${bold ? 700 : 600} ${px}px ${style.font}`;
        const half = context.measureText(label.name).width / 2 + 6 * ratio;
        const tall = px / 2 + 4 * ratio;
        for (const [a, b, c, d] of taken) if (x - half < c && x + half > a && y - tall < d && y + tall > b) return;
        taken.push([x - half, y - tall, x + half, y + tall]);
        context.lineWidth = 3.5 * ratio;
        context.strokeStyle = style.labelHalo;
        context.strokeText(label.name, x, y);
        context.fillStyle = style.label;
        context.fillText(label.name, x, y);
      };
      const free = (...[a, b, c, d]) => taken.every(([e, f, g, h]) => a >= g || c <= e || b >= h || d <= f);
      /** A numbered place: the badge beside its point, near first, the name right or left of it; a line where it is far. */
      const number = (label) => {
        const x = cg().lonToX(label.lon) * scale - left;
        const y = cg().latToY(label.lat) * scale - top;
        if (x < 0 || y < 0 || x > width || y > height) return;
        const small = width / ratio < 620;
        const radius = (small ? 9 : 11) * ratio;
        const gap = 4 * ratio;
        const px = (label.size || 14) * ratio;
        context.font = `600 ${px}px ${style.font}`;
        const long = small ? 0 : context.measureText(label.name).width + gap;
        // inside what is seen, where the point is: the sheet reaches beyond it
        const [px0, py0] = [(pad?.x || 0) * ratio, (pad?.y || 0) * ratio];
        const inSight = x > px0 && y > py0 && x < width - px0 && y < height - py0;
        const [ex, ey] = inSight ? [px0, py0] : [0, 0];
        for (const named of long ? [long, 0] : [0]) {
          for (const far of [0, 16, 26, 40, 60, 84, 112]) {
            for (let turn = 0; turn < (far ? 16 : 1); turn++) {
              const bx = x + far * ratio * Math.cos((turn * Math.PI) / 8);
              const by = y + far * ratio * Math.sin((turn * Math.PI) / 8);
              for (const side of [1, -1]) {
                const box = [side > 0 ? bx - radius - 2 : bx - radius - named, by - radius - 2, side > 0 ? bx + radius + named : bx + radius + 2, by + radius + 2];
                if (box[0] < ex || box[1] < ey || box[2] > width - ex || box[3] > height - ey || !free(...box)) continue;
                taken.push(box);
                badge(label, { x, y, bx, by, radius, side, named, gap, px });
                return;
              }
            }
          }
        }
      };
      const badge = (label, { x, y, bx, by, radius, side, named, gap, px }) => {
        if (Math.hypot(bx - x, by - y) > radius + 8 * ratio) {
          context.beginPath();
          context.moveTo(x, y);
          context.lineTo(bx, by);
          context.lineWidth = 1.2 * ratio;
          context.strokeStyle = style.badge;
          context.stroke();
        }
        context.beginPath();
        context.arc(bx, by, radius, 0, 2 * Math.PI);
        context.fillStyle = style.badge;
        context.fill();
        context.lineWidth = 1.6 * ratio;
        context.strokeStyle = style.badgeInk;
        context.stroke();
        context.fillStyle = style.badgeInk;
        context.font = `700 ${radius * 1.15}px ${style.font}`;
        context.fillText(label.badge, bx, by + 0.5 * ratio);
        if (!named) return;
        context.font = `600 ${px}px ${style.font}`;
        context.textAlign = side > 0 ? 'left' : 'right';
        context.lineWidth = 3.5 * ratio;
        context.strokeStyle = style.labelHalo;
        context.strokeText(label.name, bx + side * (radius + gap), by);
        context.fillStyle = style.label;
        context.fillText(label.name, bx + side * (radius + gap), by);
        context.textAlign = 'center';
      };
      for (const label of emphasised) (label.badge ? number : (each) => write(each, true))(label);
      for (const label of labels) write(label, (label.rank || 0) < 1);
    }
  }

  /**
   * Find the arcs of an outline and the width of the smaller group beside each; kept until the areas change.
   * False where the groups belong to another level than the areas: their own will follow.
   */
  function prepareOutline(areas, outline) {
    const ownGeometry = Boolean(outline.source.arcAt);
    const geometry = ownGeometry ? outline.source : areas;
    const group = ownGeometry ? Uint32Array.from({ length: geometry.n }, (_, i) => i) : outline.source;
    if (group.length !== geometry.n) return false;
    const boxes = new Map();
    for (let i = 0; i < geometry.n; i++) {
      const [x0, y0, x1, y1] = geometry.box.subarray(4 * i, 4 * i + 4);
      const all = boxes.get(group[i]);
      if (!all) boxes.set(group[i], [x0, y0, x1, y1]);
      else {
        all[0] = Math.min(all[0], x0);
        all[1] = Math.min(all[1], y0);
        all[2] = Math.max(all[2], x1);
        all[3] = Math.max(all[3], y1);
      }
    }
    const widthOf = (i) => boxWidth(...boxes.get(group[i]));
    const arcs = cg().bordersBetween(geometry, group);
    const widths = Float32Array.from(arcs, (arc) => {
      const right = geometry.arcRight[arc];
      return Math.min(widthOf(geometry.arcLeft[arc]), right >= 0 ? widthOf(right) : Infinity);
    });
    Object.assign(outline, { made: areas, geometry, steps: { arcs, widths } });
    return true;
  }

  window.commonground = Object.assign(window.commonground || {}, { MapInk });
})();
