/** Helpers that test_painter.py puts into the page before Dash starts: no assertions here, only ways to look. */
window.harness = {
  log: [],

  /** A painter on dash-leaflet's map, showing the geometry served under `name`. */
  async start(name, classes, palette) {
    const map = await new Promise((resolve) => commonground.whenMap(resolve));
    const painter = commonground.createPainter({
      onHover: (index, latlng) => this.hovered.push([index, Boolean(latlng)]),
      onSelect: (index) => this.selected.push(index),
    });
    Object.assign(this, { map, painter, hovered: [], selected: [], log: [] });
    painter.addTo(map);
    const geometry = await commonground.loadGeometry(`/packed/${name}`);
    painter.setGeometry(geometry, classes && Uint8Array.from(classes), palette);
    return geometry.n;
  },

  /** As if the page had just been opened. */
  reset() {
    if (!this.painter) return;
    this.painter.destroy();
    const container = this.map.getContainer();
    container.style.width = '600px';
    this.map.invalidateSize({ animate: false });
    this.painter = null;
    this.log = [];
  },

  /** Colour of the fill at a container point, as [r, g, b, a]. */
  pixel(x, y) {
    const { ratio, corner } = this.painter._view;
    const at = this.map.layerPointToContainerPoint(corner);
    const canvas = document.querySelector('.commonground-painter canvas');
    const data = canvas.getContext('2d').getImageData(Math.floor((x - at.x) * ratio), Math.floor((y - at.y) * ratio), 1, 1);
    return [...data.data];
  },

  /** Every colour found inside a box of the container, as 'r,g,b,a' with how often. */
  colours(x, y, size) {
    const found = {};
    for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) {
      const key = this.pixel(x + i, y + j).join();
      found[key] = (found[key] || 0) + 1;
    }
    return found;
  },

  /** Container point of the middle of area i, and what the painter says is there. */
  middle(i) {
    const point = this.map.latLngToContainerPoint(this.painter.pointOf(i));
    return { x: point.x, y: point.y, at: this.painter.at(point) };
  },

  /** The rings of each area as whole numbers, from the decoder: [[[x, y], ...], ...] per area. */
  async rings(name) {
    const buffer = await (await fetch(`/packed/${name}`)).arrayBuffer();
    const g = commonground.decodeGeometry(buffer, true);
    const areas = [];
    for (let area = 0; area < g.n; area++) {
      const rings = [];
      for (let r = g.areaRing[area]; r < g.areaRing[area + 1]; r++) {
        const ring = [];
        for (let u = g.ringAt[r]; u < g.ringAt[r + 1]; u++) {
          const back = g.useArc[u] < 0;
          const arc = back ? ~g.useArc[u] : g.useArc[u];
          const line = [];
          for (let v = g.arcAt[arc]; v < g.arcAt[arc + 1]; v++) line.push([g.wholeX[v], g.wholeY[v]]);
          if (back) line.reverse();
          ring.push(...line.slice(0, -1));
        }
        rings.push(ring);
      }
      areas.push(rings);
    }
    return areas;
  },

  /** Scan-convert without a map: numbers of the buffer, row by row, as a base64 string of Uint32. */
  async raster(base64, view) {
    const packed = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const raster = (this.last = new commonground.MapRaster());
    const geometry = commonground.decodeGeometry(packed.buffer);
    raster.draw(geometry, null, view);
    const bytes = new Uint8Array(Uint32Array.from(raster.id).buffer);
    let text = '';
    for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
    return btoa(text);
  },

  nextFrame: () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
};

document.addEventListener('commonground:painted', (event) => window.harness.log.push(event.detail.reason));
