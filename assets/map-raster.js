/**
 * Scan conversion for the map painter: which area lies under each pixel, and what colour that pixel gets.
 *
 * `draw` walks every outline once per view and writes the area's number into a buffer, one entry per pixel. From then on a
 * new colouring is one table look-up per pixel, and "which area is under the pointer?" is one array read. Along borders it
 * also notes how much of each pixel belongs to the area on the other side; `paint` mixes the two colours there, so edges
 * come out smooth (anti-aliased) for a few milliseconds more.
 *
 * Numbers in the buffer: 0 nothing, 1 .. n area index + 1, n + 1 the context land around the region.
 */
(function () {
  'use strict';

  const FAINTEST = 8; // of 256: shares of a pixel below 3 % are not worth mixing

  class MapRaster {
    constructor() {
      this.width = 0;
      this.height = 0;
      this.areas = 0;
      this.id = new Uint16Array(0);
      this.image = null;
      this.pixels = null;
      this.pixelsOf = new Uint32Array(0); // how many pixels each number holds
      // Crossings of one outline with the pixel rows, as one sorted linked list per row.
      this.rowHead = new Int32Array(0);
      this.rowLast = new Int32Array(0); // the crossing put in last: the next one is usually just right of it
      this.crossX = new Float64Array(1024);
      this.crossNext = new Int32Array(1024);
      // Pixels that two areas share.
      this.edges = 0;
      this.edgePixel = new Uint32Array(4096);
      this.edgeOther = new Uint32Array(4096);
      this.edgeShare = new Uint8Array(4096);
    }

    /** Bytes held in buffers, for the benchmark. */
    get bytes() {
      return (
        this.id.byteLength +
        (this.pixels ? this.pixels.byteLength : 0) +
        this.pixelsOf.byteLength +
        this.rowHead.byteLength +
        this.rowLast.byteLength +
        this.crossX.byteLength +
        this.crossNext.byteLength +
        this.edgePixel.byteLength +
        this.edgeOther.byteLength +
        this.edgeShare.byteLength
      );
    }

    /**
     * Scan-convert `geometry`, and `context` (geometry or null) below it.
     * @param view {width, height, scale, left, top}: size in pixels; pixels per zoom-8 pixel; world position, in pixels, of
     *   the top left corner
     */
    draw(geometry, context, view) {
      this._resize(view.width, view.height, geometry.n);
      this.id.fill(0);
      this.pixelsOf.fill(0);
      this.edges = 0;
      if (context) {
        const place = placed(context, view);
        for (let i = 0; i < context.n; i++) this._fillArea(context, i, geometry.n + 1, place);
      }
      const place = placed(geometry, view);
      const homeless = [];
      for (let i = 0; i < geometry.n; i++) if (!this._fillArea(geometry, i, i + 1, place)) homeless.push(i);
      for (const i of homeless) this._giveOnePixel(geometry, i, place);
      if (context) this._mixEdges(context, placed(context, view), geometry.n + 1);
      this._mixEdges(geometry, place, 0);
    }

    _resize(width, height, areas) {
      const wide = areas + 2 > 65535;
      if (width !== this.width || height !== this.height || wide !== this.id instanceof Uint32Array) {
        this.width = width;
        this.height = height;
        this.id = wide ? new Uint32Array(width * height) : new Uint16Array(width * height);
        this.image = new ImageData(width, height);
        this.pixels = new Uint32Array(this.image.data.buffer);
        this.rowHead = new Int32Array(height);
        this.rowLast = new Int32Array(height);
      }
      if (areas !== this.areas || this.pixelsOf.length !== areas + 2) {
        this.areas = areas;
        this.pixelsOf = new Uint32Array(areas + 2);
      }
    }

    /**
     * Write `number` into every pixel whose centre lies in area i (inside an odd number of its rings). Returns false when
     * the area is in view but covers no pixel centre.
     *
     * A crossing is computed from the arc in its stored direction, lower end first, so both neighbours get the same number
     * and the half-open rule (left edge in, right edge out) leaves neither a gap nor an overlap.
     */
    _fillArea(geometry, i, number, place) {
      const { X, Y, arcAt, useArc, ringAt, areaRing, box } = geometry;
      const { scale, dx, dy } = place;
      const { width, height, id, rowHead, rowLast } = this;
      const top = box[4 * i + 1] * scale + dy;
      const bottom = box[4 * i + 3] * scale + dy;
      if (!(box[4 * i + 2] * scale + dx >= 0 && box[4 * i] * scale + dx < width && bottom >= 0 && top < height)) return true;
      // One row of slack: box is exact, but its product is rounded apart from the vertices' own.
      const firstRow = Math.max(0, Math.ceil(top - 0.5));
      const lastRow = Math.min(height - 1, Math.ceil(bottom - 0.5));
      if (firstRow > lastRow) return bottom >= height;
      rowHead.fill(-1, firstRow, lastRow + 1);
      let { crossX, crossNext } = this;
      let crossed = 0;
      for (let u = ringAt[areaRing[i]], end = ringAt[areaRing[i + 1]]; u < end; u++) {
        const arc = useArc[u] < 0 ? ~useArc[u] : useArc[u];
        let x1 = X[arcAt[arc]] * scale + dx;
        let y1 = Y[arcAt[arc]] * scale + dy;
        for (let v = arcAt[arc] + 1, stop = arcAt[arc + 1]; v < stop; v++) {
          const x0 = x1;
          const y0 = y1;
          x1 = X[v] * scale + dx;
          y1 = Y[v] * scale + dy;
          const down = y0 < y1;
          const lowX = down ? x0 : x1;
          const lowY = down ? y0 : y1;
          const highY = down ? y1 : y0;
          const from = Math.max(firstRow, Math.ceil(lowY - 0.5));
          const to = Math.min(lastRow, Math.ceil(highY - 0.5) - 1);
          if (from > to) continue;
          const slope = (down ? x1 - x0 : x0 - x1) / (highY - lowY);
          if (crossed + to - from >= crossX.length) {
            const length = 2 * (crossed + to - from + 1);
            const moreX = new Float64Array(length);
            const moreNext = new Int32Array(length);
            moreX.set(crossX);
            moreNext.set(crossNext);
            this.crossX = crossX = moreX;
            this.crossNext = crossNext = moreNext;
          }
          for (let row = from; row <= to; row++) {
            const x = lowX + (row + 0.5 - lowY) * slope;
            crossX[crossed] = x;
            const head = rowHead[row];
            if (head < 0 || crossX[head] >= x) {
              crossNext[crossed] = head;
              rowHead[row] = crossed;
            } else {
              let before = crossX[rowLast[row]] < x ? rowLast[row] : head;
              while (crossNext[before] >= 0 && crossX[crossNext[before]] < x) before = crossNext[before];
              crossNext[crossed] = crossNext[before];
              crossNext[before] = crossed;
            }
            rowLast[row] = crossed++;
          }
        }
      }
      let painted = 0;
      for (let row = firstRow; row <= lastRow; row++) {
        const at = row * width;
        for (let c = rowHead[row]; c >= 0; c = crossNext[crossNext[c]]) {
          const from = Math.max(0, Math.ceil(crossX[c] - 0.5));
          const to = Math.min(width, Math.ceil(crossX[crossNext[c]] - 0.5));
          for (let column = from; column < to; column++) id[at + column] = number;
          if (to > from) painted += to - from;
        }
      }
      this.pixelsOf[number] += painted;
      return painted > 0;
    }

    /**
     * An area that covers no pixel centre gets the pixel under its middle, or one beside it, as long as that does not take
     * another area's last one. Cities keep their full mix of colours on a map of the whole country.
     */
    _giveOnePixel(geometry, i, place) {
      const { width, height, id, pixelsOf } = this;
      const x = Math.floor(((geometry.box[4 * i] + geometry.box[4 * i + 2]) / 2) * place.scale + place.dx);
      const y = Math.floor(((geometry.box[4 * i + 1] + geometry.box[4 * i + 3]) / 2) * place.scale + place.dy);
      for (const [column, row] of [[x, y], [x + 1, y], [x, y + 1], [x - 1, y], [x, y - 1]]) {
        if (column < 0 || row < 0 || column >= width || row >= height) continue;
        const owner = id[row * width + column];
        if (owner > 0 && owner <= geometry.n && pixelsOf[owner] < 2) continue;
        pixelsOf[owner]--;
        pixelsOf[i + 1] = 1;
        id[row * width + column] = i + 1;
        return;
      }
    }

    /**
     * Note, for each pixel that a border runs through, what lies on the far side and which share of the pixel it has. The
     * share is taken along one line through the pixel's centre, across the border's main direction.
     * @param all 0, or the one number that stands for every area of this geometry (the context land)
     */
    _mixEdges(geometry, place, all) {
      const { X, Y, arcAt, arcLeft, arcRight } = geometry;
      const { scale, dx, dy } = place;
      const { width, height } = this;
      for (let arc = 0; arc < arcLeft.length; arc++) {
        if (arcLeft[arc] === arcRight[arc] || (all && arcRight[arc] >= 0)) continue;
        const left = all || arcLeft[arc] + 1;
        const right = arcRight[arc] >= 0 ? arcRight[arc] + 1 : arcRight[arc];
        let x1 = X[arcAt[arc]] * scale + dx;
        let y1 = Y[arcAt[arc]] * scale + dy;
        for (let v = arcAt[arc] + 1, stop = arcAt[arc + 1]; v < stop; v++) {
          const x0 = x1;
          const y0 = y1;
          x1 = X[v] * scale + dx;
          y1 = Y[v] * scale + dy;
          if ((x0 < 0 && x1 < 0) || (y0 < 0 && y1 < 0)) continue;
          if ((x0 >= width && x1 >= width) || (y0 >= height && y1 >= height)) continue;
          if (Math.abs(x1 - x0) >= Math.abs(y1 - y0)) {
            this._mixAlong(x0, y0, x1, y1, width, height, 1, width, left, right);
          } else {
            this._mixAlong(y0, x0, y1, x1, height, width, width, 1, left, right);
          }
        }
      }
    }

    /** One straight border, walked along its main direction u; v is across it. `du`, `dv`: buffer steps of u and v. */
    _mixAlong(u0, v0, u1, v1, uSize, vSize, du, dv, left, right) {
      const from = Math.max(0, Math.ceil(Math.min(u0, u1) - 0.5));
      const to = Math.min(uSize, Math.ceil(Math.max(u0, u1) - 0.5));
      if (from >= to) return;
      const { id } = this;
      const none = this.areas + 1; // numbers from here on are no area of the region
      const slope = (v1 - v0) / (u1 - u0);
      if (this.edges + to - from > this.edgePixel.length) this._growEdges(this.edges + to - from);
      const { edgePixel, edgeOther, edgeShare } = this;
      for (let u = from; u < to; u++) {
        const v = v0 + (u + 0.5 - u0) * slope;
        const cell = Math.floor(v);
        if (cell < 0 || cell >= vSize) continue;
        const part = v - cell;
        const share = Math.round(256 * (part > 0.5 ? 1 - part : part));
        if (share < FAINTEST) continue;
        const pixel = u * du + cell * dv;
        const own = id[pixel];
        let other;
        if (own === left && right > 0) other = right;
        else if (own === right && right > 0) other = left;
        else if (right > 0) continue; // a third area holds this pixel: a corner, or a one-pixel area
        else if (own === left) {
          // The outer edge: whatever shows there, sea or context land.
          const across = part > 0.5 ? cell + 1 : cell - 1;
          other = across < 0 || across >= vSize ? own : id[pixel + (across - cell) * dv];
        } else if (own === 0 || own >= none) other = left;
        else continue;
        if (other === own) continue;
        edgePixel[this.edges] = pixel;
        edgeOther[this.edges] = other;
        edgeShare[this.edges++] = share;
      }
    }

    _growEdges(least) {
      for (const name of ['edgePixel', 'edgeOther', 'edgeShare']) {
        const more = new this[name].constructor(Math.max(least, this[name].length * 2));
        more.set(this[name]);
        this[name] = more;
      }
    }

    /**
     * Colour every pixel of `image`.
     * @param colours Uint32Array, one packed colour per number (as in the buffer)
     * @param hatch null, or {marked: Uint8Array (for each number 1 to hatch, 2 to fill with waves), band: Uint32Array of packed
     *   colours repeated along the diagonal, phase: where the band starts in the top left pixel, waves: {width, height, pixels}
     *   repeated in both directions from {left, top} on}
     */
    paint(colours, hatch) {
      const { id, pixels, width, height } = this;
      for (let p = 0, end = pixels.length; p < end; p++) pixels[p] = colours[id[p]];
      if (hatch) {
        const period = hatch.band.length;
        for (let row = 0, p = 0; row < height; row++) {
          for (let column = 0, at = (hatch.phase + row) % period; column < width; column++, p++) {
            const how = hatch.marked[id[p]];
            if (how === 1) pixels[p] = hatch.band[at];
            else if (how === 2) pixels[p] = waveAt(hatch.waves, row, column);
            if (++at === period) at = 0;
          }
        }
      }
      const { edges, edgePixel, edgeOther, edgeShare } = this;
      for (let e = 0; e < edges; e++) {
        const p = edgePixel[e];
        let other = colours[edgeOther[e]];
        const how = hatch ? hatch.marked[edgeOther[e]] : 0;
        if (how) {
          const row = Math.floor(p / width);
          other = how === 1 ? hatch.band[(hatch.phase + row + (p % width)) % hatch.band.length] : waveAt(hatch.waves, row, p % width);
        }
        if (other !== pixels[p]) pixels[p] = mixed(pixels[p], other, edgeShare[e]);
      }
      return this.image;
    }
  }

  const waveAt = (waves, row, column) =>
    waves.pixels[((row + waves.top) % waves.height) * waves.width + ((column + waves.left) % waves.width)];

  /** Factor and shift from geometry units to the pixels of a view. */
  function placed(geometry, view) {
    return {
      scale: view.scale,
      dx: geometry.originX * view.scale - view.left,
      dy: geometry.originY * view.scale - view.top,
    };
  }

  /** `share` of 256 of colour b in colour a; colours are packed as in ImageData read as little-endian Uint32. */
  function mixed(a, b, share) {
    const keep = 256 - share;
    const alphaA = a >>> 24;
    const alphaB = b >>> 24;
    if (alphaA === 255 && alphaB === 255) {
      const redBlue = (((a & 0xff00ff) * keep + (b & 0xff00ff) * share) >>> 8) & 0xff00ff;
      const green = (((a & 0xff00) * keep + (b & 0xff00) * share) >>> 8) & 0xff00;
      return (0xff000000 | redBlue | green) >>> 0;
    }
    // Not opaque (the sea is not): weigh the channels by opacity, or clear pixels would bleed black into the edge.
    const weightA = alphaA * keep;
    const weightB = alphaB * share;
    const weight = weightA + weightB;
    if (weight === 0) return 0;
    const channel = (bits) => Math.round((((a >>> bits) & 255) * weightA + ((b >>> bits) & 255) * weightB) / weight);
    return (((weight >> 8) << 24) | (channel(16) << 16) | (channel(8) << 8) | channel(0)) >>> 0;
  }

  window.commonground = Object.assign(window.commonground || {}, { MapRaster, placedInView: placed });
})();
