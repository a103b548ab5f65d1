/**
 * Outlines for the map painter: fetch, decode, and answer questions about them. No drawing here.
 *
 * The file format is described byte by byte in layers/geography/packed_outlines.py. Decoded outlines are typed arrays (England: about 6 MB):
 *
 *   n                   areas, in the order of the region's area table
 *   X, Y                Float32: vertices of all arcs, one arc after the other, both ends included; unit: Web Mercator pixels
 *                       at zoom 8, relative to originX, originY, so that Float32 is exact to 1/15 pixel at zoom 18
 *   arcAt               Uint32: arc a is the vertices arcAt[a] .. arcAt[a + 1] - 1
 *   arcLeft, arcRight   Int32: the two areas that use the arc; arcRight is NOBODY at the outer edge, and SEVERAL where more
 *                       than two areas claim it (outlines that overlap)
 *   useArc              Int32: arcs of the rings, one ring after the other; ~arc when it is walked backwards
 *   ringAt, areaRing    Uint32: ring r is the uses ringAt[r] .. ringAt[r + 1] - 1; area i the rings areaRing[i] .. - 1
 *   box                 Float32: 4 per area: least x, least y, greatest x, greatest y; an area without rings has x reversed
 */
(function () {
  'use strict';

  const NOBODY = -1;
  const SEVERAL = -2;
  const WORLD = 65536; // pixels of the world at zoom 8, as in Leaflet's EPSG:3857
  const RADIANS = Math.PI / 180;

  const lonToX = (lon) => ((lon + 180) / 360) * WORLD;
  const latToY = (lat) => {
    const s = Math.sin(lat * RADIANS);
    return (0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI)) * WORLD;
  };
  const xToLon = (x) => (x / WORLD) * 360 - 180;
  const yToLat = (y) => Math.atan(Math.sinh(Math.PI * (1 - (2 * y) / WORLD))) / RADIANS;

  /** The first line of a packed file and where the six sections start. Throws an Error in plain words. */
  function readHead(bytes) {
    const end = bytes.indexOf(10);
    let head = null;
    try {
      head = JSON.parse(new TextDecoder().decode(bytes.subarray(0, Math.max(end, 0))));
    } catch (error) {
      head = {};
    }
    if (head.format !== 'commonground-geometry' || head.version !== 1) {
      throw new Error('The map outlines are in a format that this page cannot read. Reload the page.');
    }
    head.starts = [end + 1];
    for (const size of head.sections) head.starts.push(head.starts[head.starts.length - 1] + size);
    if (head.starts[6] !== bytes.length) {
      throw new Error('The map outlines arrived incomplete. Reload the page.');
    }
    return head;
  }

  /** Reads unsigned LEB128 numbers one after the other. */
  function reader(bytes, at) {
    return function () {
      let byte = bytes[at++];
      if (byte < 128) return byte;
      let value = byte & 127;
      let shift = 7;
      do {
        byte = bytes[at++];
        value |= (byte & 127) << shift;
        shift += 7;
      } while (byte > 127);
      return value >>> 0;
    };
  }

  /** A plain or typed array twice as long, same content. */
  function grown(array, least) {
    const more = new array.constructor(Math.max(least, array.length * 2));
    more.set(array);
    return more;
  }

  /**
   * Decode packed outlines. With `whole` true the vertices are kept as whole numbers too (wholeX, wholeY; for tests).
   * @param {ArrayBuffer} buffer
   */
  function decodeGeometry(buffer, whole) {
    const bytes = new Uint8Array(buffer);
    const head = readHead(bytes);
    const n = head.n;
    const nextRings = reader(bytes, head.starts[0]);
    const nextUses = reader(bytes, head.starts[1]);
    const nextToken = reader(bytes, head.starts[2]);
    const nextInner = reader(bytes, head.starts[3]);
    const rawX = reader(bytes, head.starts[4]);
    const rawY = reader(bytes, head.starts[5]);

    const arcAt = new Uint32Array(head.arcs + 1);
    const arcLeft = new Int32Array(head.arcs).fill(NOBODY);
    const arcRight = new Int32Array(head.arcs).fill(NOBODY);
    const ringAt = new Uint32Array(head.rings + 1);
    const areaRing = new Uint32Array(n + 1);
    let useArc = new Int32Array(head.arcs * 2 + 16);
    let wholeX = new Int32Array(head.vertices + head.arcs * 2);
    let wholeY = new Int32Array(wholeX.length);

    let x = 0; // the current point of the format's walk
    let y = 0;
    let arcs = 0;
    let uses = 0;
    let ring = 0;
    let vertices = 0;
    const step = () => {
      const dx = rawX();
      const dy = rawY();
      x += (dx >>> 1) ^ -(dx & 1);
      y += (dy >>> 1) ^ -(dy & 1);
    };
    const startOf = (use) => (use < 0 ? arcAt[~use + 1] - 1 : arcAt[use]);
    const endOf = (use) => (use < 0 ? arcAt[~use] : arcAt[use + 1] - 1);

    for (let area = 0; area < n; area++) {
      for (let left = nextRings(); left > 0; left--) {
        const count = nextUses();
        const first = uses;
        const known = arcs;
        if (uses + count > useArc.length) useArc = grown(useArc, uses + count);
        for (let u = 0; u < count; u++) {
          const token = nextToken();
          const arc = token === 0 ? arcs++ : arcs - (token >>> 1);
          useArc[uses++] = token & 1 ? ~arc : arc;
          if (arcLeft[arc] === NOBODY) arcLeft[arc] = area;
          else if (arcRight[arc] === NOBODY) arcRight[arc] = area;
          else arcRight[arc] = SEVERAL;
        }
        let written = known; // arcs of this ring whose vertices have been read
        if (useArc[first] === known) step();
        else {
          x = wholeX[startOf(useArc[first])];
          y = wholeY[startOf(useArc[first])];
        }
        const startX = x;
        const startY = y;
        for (let u = first; u < uses; u++) {
          if (useArc[u] !== written) {
            x = wholeX[endOf(useArc[u])];
            y = wholeY[endOf(useArc[u])];
            continue;
          }
          const inner = nextInner();
          if (vertices + inner + 2 > wholeX.length) {
            wholeX = grown(wholeX, vertices + inner + 2);
            wholeY = grown(wholeY, vertices + inner + 2);
          }
          arcAt[written] = vertices;
          wholeX[vertices] = x;
          wholeY[vertices++] = y;
          for (let v = 0; v < inner; v++) {
            step();
            wholeX[vertices] = x;
            wholeY[vertices++] = y;
          }
          const after = useArc[u + 1];
          const afterArc = after < 0 ? ~after : after;
          if (u + 1 === uses) {
            x = startX;
            y = startY;
          } else if (afterArc < written) {
            x = wholeX[startOf(after)];
            y = wholeY[startOf(after)];
          } else step();
          wholeX[vertices] = x;
          wholeY[vertices++] = y;
          arcAt[++written] = vertices;
        }
        ringAt[++ring] = uses;
      }
      areaRing[area + 1] = ring;
    }

    const geometry = {
      n,
      bounds: head.bounds,
      precision: head.precision,
      arcAt,
      arcLeft,
      arcRight,
      useArc: useArc.slice(0, uses),
      ringAt,
      areaRing,
    };
    project(geometry, wholeX, wholeY, vertices);
    if (whole) Object.assign(geometry, { wholeX: wholeX.slice(0, vertices), wholeY: wholeY.slice(0, vertices) });
    return geometry;
  }

  /** Fill in X, Y, originX, originY and box. */
  function project(geometry, wholeX, wholeY, vertices) {
    const { n, bounds, precision, arcAt, useArc, ringAt, areaRing } = geometry;
    const middle = bounds ? [(bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2] : [0, 0];
    const originX = lonToX(middle[0]);
    const originY = latToY(middle[1]);
    const X = new Float32Array(vertices);
    const Y = new Float32Array(vertices);
    for (let v = 0; v < vertices; v++) {
      X[v] = lonToX(wholeX[v] * precision) - originX;
      Y[v] = latToY(wholeY[v] * precision) - originY;
    }
    const box = new Float32Array(4 * n);
    for (let area = 0; area < n; area++) {
      let x0 = Infinity;
      let y0 = Infinity;
      let x1 = -Infinity;
      let y1 = -Infinity;
      for (let u = ringAt[areaRing[area]]; u < ringAt[areaRing[area + 1]]; u++) {
        const arc = useArc[u] < 0 ? ~useArc[u] : useArc[u];
        for (let v = arcAt[arc]; v < arcAt[arc + 1]; v++) {
          if (X[v] < x0) x0 = X[v];
          if (X[v] > x1) x1 = X[v];
          if (Y[v] < y0) y0 = Y[v];
          if (Y[v] > y1) y1 = Y[v];
        }
      }
      box.set([x0, y0, x1, y1], 4 * area);
    }
    Object.assign(geometry, { X, Y, originX, originY, box });
  }

  /** Bounds of area i as [west, south, east, north] in degrees, or null where it has no outline. */
  function areaBounds(geometry, i) {
    const [x0, y0, x1, y1] = geometry.box.subarray(4 * i, 4 * i + 4);
    if (!(x0 <= x1)) return null;
    const { originX: ox, originY: oy } = geometry;
    return [xToLon(x0 + ox), yToLat(y1 + oy), xToLon(x1 + ox), yToLat(y0 + oy)];
  }

  /** Where the line at height y (unit of Y) crosses the border of area i, ascending. Always an even number. */
  function crossings(geometry, i, y) {
    const { X, Y, arcAt, useArc, ringAt, areaRing } = geometry;
    const found = [];
    for (let u = ringAt[areaRing[i]]; u < ringAt[areaRing[i + 1]]; u++) {
      const arc = useArc[u] < 0 ? ~useArc[u] : useArc[u];
      for (let v = arcAt[arc] + 1; v < arcAt[arc + 1]; v++) {
        if (Y[v - 1] <= y === Y[v] <= y) continue;
        found.push(X[v - 1] + ((y - Y[v - 1]) / (Y[v] - Y[v - 1])) * (X[v] - X[v - 1]));
      }
    }
    return found.sort((a, b) => a - b);
  }

  /**
   * A point well inside area i as [x, y] in units of X, Y: the middle of the widest of nine level cuts through it, which
   * for a crescent or a ring still lies inside, as a centroid need not. Null where the area has no outline.
   */
  function insidePoint(geometry, i) {
    const [x0, y0, x1, y1] = geometry.box.subarray(4 * i, 4 * i + 4);
    if (!(x0 <= x1)) return null;
    let best = [(x0 + x1) / 2, (y0 + y1) / 2];
    let widest = 0;
    for (const part of [0.5, 0.45, 0.55, 0.38, 0.62, 0.3, 0.7, 0.2, 0.8]) {
      const y = y0 + (y1 - y0) * part;
      const cuts = crossings(geometry, i, y);
      for (let k = 0; k + 1 < cuts.length; k += 2) {
        // The middle height is preferred unless another cut is clearly wider.
        const width = (cuts[k + 1] - cuts[k]) * (1 - Math.abs(part - 0.5));
        if (width > widest) {
          widest = width;
          best = [(cuts[k] + cuts[k + 1]) / 2, y];
        }
      }
    }
    return best;
  }

  /** The point of insidePoint as [longitude, latitude]. */
  function areaPoint(geometry, i) {
    const point = insidePoint(geometry, i);
    return point && [xToLon(point[0] + geometry.originX), yToLat(point[1] + geometry.originY)];
  }

  /** Arcs that part areas of different `group` (an array, one entry per area), the outer edge included. */
  function bordersBetween(geometry, group) {
    const { arcLeft, arcRight } = geometry;
    const found = [];
    for (let arc = 0; arc < arcLeft.length; arc++) {
      const right = arcRight[arc];
      if (right === SEVERAL || right === NOBODY || group[arcLeft[arc]] !== group[right]) found.push(arc);
    }
    return Uint32Array.from(found);
  }

  /** The outline of a set of areas as one shape: arcs with a member on one side only. */
  function outlineOf(geometry, indices) {
    const { arcLeft, arcRight } = geometry;
    const member = new Uint8Array(geometry.n);
    for (const i of indices) member[i] = 1;
    const found = [];
    for (let arc = 0; arc < arcLeft.length; arc++) {
      const right = arcRight[arc] < 0 ? 0 : member[arcRight[arc]];
      if (member[arcLeft[arc]] !== right) found.push(arc);
    }
    return Uint32Array.from(found);
  }

  /** Areas that share a border with area i (not those that touch in a single point only), ascending. */
  function bordering(geometry, i) {
    const { arcLeft, arcRight, useArc, ringAt, areaRing } = geometry;
    const found = new Set();
    for (let u = ringAt[areaRing[i]]; u < ringAt[areaRing[i + 1]]; u++) {
      const arc = useArc[u] < 0 ? ~useArc[u] : useArc[u];
      const other = arcLeft[arc] === i ? arcRight[arc] : arcLeft[arc];
      if (other >= 0 && other !== i) found.add(other);
    }
    return [...found].sort((a, b) => a - b);
  }

  const loading = new Map();

  /** Fetch and decode outlines once per address; the browser undoes the compression. Rejects with an Error in plain words. */
  function loadGeometry(url) {
    if (!loading.has(url)) {
      const promise = fetch(url)
        .then((response) => {
          if (!response.ok) throw new Error(`The map outlines could not be fetched (status ${response.status}).`);
          return response.arrayBuffer();
        })
        .then((buffer) => decodeGeometry(buffer));
      promise.catch(() => loading.delete(url)); // so that the next call tries again
      loading.set(url, promise);
    }
    return loading.get(url);
  }

  window.commonground = Object.assign(window.commonground || {}, {
    NOBODY,
    SEVERAL,
    areaBounds,
    areaPoint,
    bordering,
    bordersBetween,
    decodeGeometry,
    insidePoint,
    latToY,
    loadGeometry,
    lonToX,
    outlineOf,
    xToLon,
    yToLat,
  });
})();
