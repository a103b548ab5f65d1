/**
 * The server-drawn pages, made more comfortable. Every page works without this file.
 *
 *   data-upload      a form with one file: progress while it is sent, and the server's refusal shown in place
 *   data-autosave    a form that is saved while it is filled in, so that leaving loses nothing
 *   data-auto-submit a form that is sent when a choice changes
 *   data-confirm     a form that asks before it is sent
 *   data-focus       a message that takes the focus when the page opens
 *   data-maps        maps side by side, which move together
 */
(function () {
  'use strict';
  const cg = () => window.commonground;

  // ---- Upload -------------------------------------------------------------------------------------------------------

  const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

  function showProblem(form, title, faults) {
    form.querySelector('.error-summary')?.remove();
    const box = document.createElement('div');
    box.className = 'error-summary';
    box.setAttribute('role', 'alert');
    box.tabIndex = -1;
    const heading = document.createElement('h2');
    heading.textContent = title;
    const list = document.createElement('ul');
    for (const fault of faults) {
      const item = document.createElement('li');
      const where = fault.row ? `Row ${fault.row}: ` : '';
      item.textContent = `${where}${fault.what}${fault.todo ? `: ${fault.todo}` : ''}`;
      list.append(item);
    }
    const end = document.createElement('p');
    end.textContent = 'Nothing was kept.';
    box.append(heading, list, end);
    form.prepend(box);
    box.focus();
  }

  function upload(form) {
    const file = form.querySelector('input[type=file]');
    const progress = form.querySelector('.upload-progress');
    const bar = progress.querySelector('progress');
    const words = progress.querySelector('[role=status]');
    const button = form.querySelector('button[type=submit]');
    form.addEventListener('submit', (event) => {
      const chosen = file.files[0];
      if (!chosen) return;
      event.preventDefault();
      const cap = Number(form.dataset.cap || 0);
      if (cap && chosen.size > cap) {
        showProblem(form, 'The file was not taken.', [
          { what: `it is ${megabytes(chosen.size)}; at most ${megabytes(cap)} are taken`, todo: 'divide it' },
        ]);
        return;
      }
      form.querySelector('.error-summary')?.remove();
      progress.hidden = false;
      button.disabled = true;
      let said = -1;
      const request = new XMLHttpRequest();
      request.open('POST', form.getAttribute('action'));
      request.setRequestHeader('Accept', 'application/json');
      request.responseType = 'json';
      request.upload.addEventListener('progress', (moved) => {
        if (!moved.lengthComputable) return;
        bar.value = (100 * moved.loaded) / moved.total;
        const tenth = Math.floor(bar.value / 10);
        if (tenth !== said) words.textContent = `${megabytes(moved.loaded)} of ${megabytes(moved.total)}`;
        said = tenth;
      });
      request.upload.addEventListener('load', () => {
        bar.removeAttribute('value');
        words.textContent = 'Reading the file …';
      });
      const failed = (title, faults) => {
        progress.hidden = true;
        button.disabled = false;
        showProblem(form, title, faults);
      };
      request.addEventListener('load', () => {
        const answer = request.response;
        if (request.status === 200 && answer && answer.location) window.location.assign(answer.location);
        else if (answer && answer.faults) failed(answer.title, answer.faults);
        else failed('The file was not taken.', [{ what: `the server answered ${request.status}`, todo: 'try again, or sign in again' }]);
      });
      request.addEventListener('error', () => failed('The file was not taken.', [{ what: 'the connection broke', todo: 'try again' }]));
      request.send(new FormData(form));
    });
    window.addEventListener('pageshow', () => {
      progress.hidden = true;
      button.disabled = false;
    });
  }

  // ---- Saving while somebody types ----------------------------------------------------------------------------------

  function autosave(form) {
    const saved = form.querySelector('[data-saved]');
    const revision = form.querySelector('[name=revision]');
    let timer = 0;
    let under = null;
    let again = false;
    let sending = false;
    let stopped = false;

    async function save() {
      if (under) {
        again = true;
        return;
      }
      under = fetch(form.getAttribute('action'), { method: 'POST', body: new FormData(form), headers: { 'X-Autosave': '1' } });
      try {
        const response = await under;
        const answer = await response.json();
        if (response.ok) {
          revision.value = answer.revision;
          saved.textContent = 'Saved';
        } else {
          stopped = true; // do not write over what a colleague has written; the button says so again
          saved.textContent = answer.message || 'Not saved';
        }
      } catch {
        saved.textContent = 'Not saved: the server does not answer';
      }
      under = null;
      if (again && !stopped) {
        again = false;
        save();
      }
    }

    form.addEventListener('change', (event) => {
      if (stopped || event.target.name === 'check_words' || event.target.name === 'asked_of') return;
      clearTimeout(timer);
      timer = setTimeout(save, 250);
    });
    // The form must carry the revision that a save under way will have made.
    form.addEventListener('submit', async (event) => {
      clearTimeout(timer);
      again = false;
      if (!under || sending) return;
      event.preventDefault();
      const { submitter } = event;
      sending = true;
      await under.catch(() => {});
      setTimeout(() => form.requestSubmit(submitter), 0);
    });
  }

  // ---- Maps side by side --------------------------------------------------------------------------------------------

  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function packed(colour) {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 1;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
    return ((a << 24) | (b << 16) | (g << 8) | r) >>> 0;
  }

  function hatchBand(background, line) {
    const band = new Uint32Array(8).fill(background);
    band[0] = band[1] = line;
    return band;
  }

  /** Areas from `data-classes` on one canvas. `view` (the middle in zoom-8 pixels, and CSS pixels per such pixel) is shared. */
  class SmallMap {
    constructor(box, geometry, context) {
      this.box = box;
      this.geometry = geometry;
      this.context = context;
      this.canvas = box.appendChild(document.createElement('canvas'));
      this.raster = new (cg().MapRaster)();
      const bytes = atob(box.dataset.classes || '');
      this.classes = Uint8Array.from(bytes, (letter) => letter.charCodeAt(0));
      this.points = box.dataset.points ? JSON.parse(box.dataset.points) : [];
      this.bands = Number(box.dataset.bands || 0);
    }

    draw(view) {
      const ratio = Math.min(window.devicePixelRatio || 1, 2);
      const width = Math.max(1, Math.round(this.box.clientWidth * ratio));
      const height = Math.max(1, Math.round(this.box.clientHeight * ratio));
      this.canvas.width = width;
      this.canvas.height = height;
      const scale = view.scale * ratio;
      this.left = view.x * scale - width / 2;
      this.top = view.y * scale - height / 2;
      this.scale = scale;
      this.ratio = ratio;
      this.raster.draw(this.geometry, this.context, { width, height, scale, left: this.left, top: this.top });
      const { n } = this.geometry;
      const special = { 255: 'missing', 254: 'suppressed', 253: 'outside', 252: 'plain' };
      const colours = new Uint32Array(n + 2);
      const known = new Map();
      const colourOf = (name) => {
        if (!known.has(name)) known.set(name, packed(css(name)));
        return known.get(name);
      };
      let hidden = false;
      const marked = new Uint8Array(n + 2);
      for (let i = 0; i < n; i++) {
        const k = this.classes.length === n ? this.classes[i] : 252;
        colours[i + 1] = colourOf(special[k] ? `--map-${special[k]}` : `--need-${Math.max(this.bands, 1)}-${k}`);
        if (k === 254) hidden = marked[i + 1] = 1;
      }
      colours[n + 1] = colourOf('--map-land');
      const hatch = hidden ? { marked, band: hatchBand(colourOf('--map-suppressed'), colourOf('--map-suppressed-line')), phase: 0 } : null;
      const ink = this.canvas.getContext('2d');
      ink.putImageData(this.raster.paint(colours, hatch), 0, 0);
      this.outline(ink);
      this.dots(ink);
      this.box.dataset.painted = String(Number(this.box.dataset.painted || 0) + 1);
    }

    /** Borders of the areas, faint while they are small on the screen. */
    outline(ink) {
      const { arcAt, X, Y, originX, originY } = this.geometry;
      const dx = originX * this.scale - this.left;
      const dy = originY * this.scale - this.top;
      const many = this.geometry.n > 60;
      ink.strokeStyle = css(many ? '--map-border' : '--map-authority');
      ink.globalAlpha = many ? Math.min(0.7, 0.12 + this.scale / 12) : 0.7;
      ink.lineWidth = 0.8 * this.ratio;
      ink.beginPath();
      for (let a = 0; a + 1 < arcAt.length; a++) {
        for (let v = arcAt[a]; v < arcAt[a + 1]; v++) {
          const x = X[v] * this.scale + dx;
          const y = Y[v] * this.scale + dy;
          if (v === arcAt[a]) ink.moveTo(x, y);
          else ink.lineTo(x, y);
        }
      }
      ink.stroke();
      ink.globalAlpha = 1;
    }

    dots(ink) {
      ink.fillStyle = css('--ink');
      ink.strokeStyle = css('--paper');
      ink.lineWidth = 1.5 * this.ratio;
      for (const [lon, lat] of this.points) {
        const x = cg().lonToX(lon) * this.scale - this.left;
        const y = cg().latToY(lat) * this.scale - this.top;
        ink.beginPath();
        ink.arc(x, y, 4.5 * this.ratio, 0, 2 * Math.PI);
        ink.fill();
        ink.stroke();
      }
    }

    at(event) {
      const rect = this.canvas.getBoundingClientRect();
      const x = Math.floor((event.clientX - rect.left) * this.ratio);
      const y = Math.floor((event.clientY - rect.top) * this.ratio);
      if (x < 0 || y < 0 || x >= this.canvas.width || y >= this.canvas.height) return -1;
      const number = this.raster.id[y * this.canvas.width + x];
      return number > this.geometry.n ? -1 : number - 1;
    }
  }

  async function maps(frame) {
    const tools = document.querySelector('[data-map-tools]');
    const reading = document.querySelector('[data-map-reading]');
    const geometry = await cg().loadGeometry(frame.dataset.outlines);
    const context = frame.dataset.context ? await cg().loadGeometry(frame.dataset.context) : null;
    const all = [...frame.querySelectorAll('[data-map]')].map((box) => new SmallMap(box, geometry, context));
    const { box, n, originX, originY } = geometry;
    const edge = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < n; i++) {
      if (box[4 * i] > box[4 * i + 2]) continue;
      for (const k of [0, 1]) edge[k] = Math.min(edge[k], box[4 * i + k]);
      for (const k of [2, 3]) edge[k] = Math.max(edge[k], box[4 * i + k]);
    }
    const view = {};
    let least = 0;
    function whole() {
      view.x = (edge[0] + edge[2]) / 2 + originX;
      view.y = (edge[1] + edge[3]) / 2 + originY;
      const room = all[0].box;
      least = 0.95 * Math.min(room.clientWidth / (edge[2] - edge[0]), room.clientHeight / (edge[3] - edge[1]));
      view.scale = least;
    }
    let frameAsked = 0;
    function draw() {
      cancelAnimationFrame(frameAsked);
      frameAsked = requestAnimationFrame(() => all.forEach((map) => map.draw(view)));
    }
    function zoom(factor) {
      view.scale = Math.min(Math.max(view.scale * factor, least), least * 200);
      draw();
    }
    whole();
    draw();
    tools.hidden = false;
    tools.addEventListener('click', (event) => {
      const how = event.target.dataset.zoom;
      if (how === 'all') {
        whole();
        draw();
      } else if (how) zoom(how === 'in' ? 1.7 : 1 / 1.7);
    });
    let names = null;
    const words = (code, bands) =>
      code === 255 ? 'no figure' : code === 254 ? 'withheld' : code < 250 ? `band ${code + 1} of ${bands}` : '';
    for (const map of all) {
      let from = null;
      map.canvas.addEventListener('pointerdown', (event) => {
        from = { x: event.clientX, y: event.clientY };
        if (event.pointerType !== 'touch') map.canvas.setPointerCapture(event.pointerId);
      });
      map.canvas.addEventListener('pointermove', async (event) => {
        if (from && event.buttons) {
          view.x -= (event.clientX - from.x) / view.scale;
          view.y -= (event.clientY - from.y) / view.scale;
          from = { x: event.clientX, y: event.clientY };
          draw();
          return;
        }
        const i = map.at(event);
        if (i < 0) {
          reading.textContent = '';
          return;
        }
        names = names || fetch(frame.dataset.names).then((response) => response.json());
        const { names: list } = await names;
        const said = all.map((one) => (one.classes.length ? words(one.classes[i], one.bands) : '')).filter(Boolean);
        reading.textContent = `${list[i]}${said.length ? ': ' : ''}${said.length === 2 ? `${said[0]} now, ${said[1]} then` : said.join('')}`;
      });
      map.canvas.addEventListener('pointerup', () => (from = null));
    }
    window.addEventListener('resize', () => {
      draw();
    });
    document.addEventListener('commonground:scheme', draw);
  }

  // ---- Small things -------------------------------------------------------------------------------------------------

  document.querySelectorAll('form[data-upload]').forEach(upload);
  document.querySelectorAll('form[data-autosave]').forEach(autosave);
  document.querySelectorAll('form[data-auto-submit]').forEach((form) => form.addEventListener('change', () => form.requestSubmit()));
  document.querySelectorAll('form[data-confirm]').forEach((form) =>
    form.addEventListener('submit', (event) => {
      if (!window.confirm(form.dataset.confirm)) event.preventDefault();
    }),
  );
  document.querySelector('[data-focus]')?.focus();
  document.querySelectorAll('[data-maps]').forEach((frame) => {
    maps(frame).catch((error) => {
      const words = document.createElement('p');
      words.className = 'notices';
      words.textContent = `The map cannot be drawn (${error.message}). The tables below say the same.`;
      frame.replaceChildren(words);
    });
  });
})();
