/**
 * Service points: dark shapes that differ by form as well as colour, clusters with their count, and what a click shows.
 * Everything from the data goes in as text, never as HTML.
 */
(function () {
  'use strict';
  const PATHS = {
    circle: '<circle cx="11" cy="11" r="7"/>',
    square: '<rect x="4.5" y="4.5" width="13" height="13"/>',
    triangle: '<path d="M11 2.5 19.5 18h-17z"/>',
    diamond: '<path d="M11 2 20 11 11 20 2 11z"/>',
    star: '<path d="m11 1.5 2.8 6.1 6.7.8-5 4.5 1.4 6.6L11 16.2l-5.9 3.3 1.4-6.6-5-4.5 6.7-.8z"/>',
    cross: '<path d="M8 2h6v6h6v6h-6v6H8v-6H2V8h6z"/>',
    pentagon: '<path d="m11 2 9 6.6-3.4 10.6H5.4L2 8.6z"/>',
    ring: '<path fill-rule="evenodd" d="M11 3a8 8 0 1 0 0 16 8 8 0 0 0 0-16zm0 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6z"/>',
  };
  const COLOURS = ['#1d1d1b', '#12436d', '#3d3d3d', '#00403a', '#4a1942', '#5b2c00', '#1b1b6b', '#3b3b00'];
  const NAMES = Object.keys(PATHS);

  const svg = (shape, size) =>
    `<svg viewBox="0 0 22 22" width="${size}" height="${size}" fill="${COLOURS[NAMES.indexOf(shape)]}" stroke="#fff" stroke-width="1.6" aria-hidden="true">${PATHS[shape]}</svg>`;

  /** One site. Its name is the marker's title; it is reached by keyboard through search and the area's list, not by a thousand tabs. */
  function pointToLayer(feature, latlng, context) {
    const shape = PATHS[context.hideout.shape] ? context.hideout.shape : 'circle';
    const icon = window.L.divIcon({ html: svg(shape, 22), className: 'service-icon', iconSize: [22, 22] });
    return window.L.marker(latlng, { icon, keyboard: false, title: feature.properties.name, alt: feature.properties.name });
  }

  /** Several sites close together: the shape with their number. */
  function clusterToLayer(feature, latlng, index, context) {
    const shape = PATHS[context.hideout.shape] ? context.hideout.shape : 'circle';
    const count = Number(feature.properties.point_count);
    const size = count < 10 ? 26 : count < 100 ? 30 : 36;
    const icon = window.L.divIcon({
      html: `${svg(shape, 11)}<span>${count.toLocaleString('en-GB')}</span>`,
      className: 'service-cluster',
      iconSize: [size, size],
    });
    return window.L.marker(latlng, { icon, keyboard: false, title: `${count} × ${context.hideout.title}` });
  }

  function onEachFeature(feature, layer) {
    const { name, type, address, place, serves, layer: list, cluster } = feature.properties;
    if (cluster || !name) return;
    const card = document.createElement('div');
    card.className = 'service-card';
    for (const [tag, text] of [['strong', name], ['span', type === list ? list : `${type} – ${list}`], ['span', address], ['span', place], ['span', serves]]) {
      if (!text) continue;
      const element = document.createElement(tag);
      element.textContent = text;
      card.append(element);
    }
    layer.bindPopup(card, { maxWidth: 300 });
  }

  window.commonground = Object.assign(window.commonground || {}, { services: { pointToLayer, clusterToLayer, onEachFeature, svg, NAMES } });
})();
