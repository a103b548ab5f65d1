/**
 * Presenting a briefing. Every page is in the document already, so nothing is fetched from one to the next: a hall without a
 * network shows all of it. Without this file the pages stand one below the other.
 *
 *   data-deck           the pages; `deck` shows one at a time
 *   data-notes-window   the presenter's own window, which follows and leads over a BroadcastChannel
 */
(function () {
  'use strict';
  const $ = (selector, root = document) => root.querySelector(selector);
  const TWO_FIGURES_MS = 900; // how long "1" waits for the "2" of page 12
  const SMALLEST = 0.4; // of the largest size; nothing goes below the least of briefing-present.css, and then a page scrolls
  const STEPS = 20;

  const clock = (ms) => {
    const seconds = Math.floor(ms / 1000);
    const two = (n) => String(n).padStart(2, '0');
    const hours = Math.floor(seconds / 3600);
    return `${hours ? `${hours}:${two(Math.floor(seconds / 60) % 60)}` : Math.floor(seconds / 60)}:${two(seconds % 60)}`;
  };

  const channelOf = (name) => ('BroadcastChannel' in window ? new BroadcastChannel(`commonground-briefing-${name}`) : null);

  // Letters can be switched off (in the list of keys): speech and some sticks send them by accident.
  const LETTERS = 'commonground-briefing-letters';
  function letters(on) {
    try {
      if (on !== undefined) localStorage.setItem(LETTERS, on ? 'on' : 'off');
      return localStorage.getItem(LETTERS) !== 'off';
    } catch {
      return on ?? true; // storage is switched off
    }
  }
  const isLetter = (key) => key.length === 1 && key !== ' ';

  // ---- Timer: two moments, so that both windows count alike ------------------------------------------------------------

  const timer = { before: 0, since: 0 }; // milliseconds counted up to the last pause; when it was started, 0 while paused
  const elapsed = () => timer.before + (timer.since ? Date.now() - timer.since : 0);

  // ---- The deck --------------------------------------------------------------------------------------------------------

  function deck(root) {
    const slides = [...root.querySelectorAll('.slide')];
    const last = slides.length - 1;
    const pages = slides.length - 2; // between the title and the end
    const channel = channelOf(root.dataset.briefing);
    const say = $('[data-say]');
    const place = $('[data-place]');
    const time = $('[data-time]');
    const blank = $('[data-blank]');
    const overlay = $('[data-overlay]');
    const frame = $('[data-frame]');
    const keys = $('[data-keys]');
    let at = -1;
    let typed = '';
    let typing = 0;
    let notes = null;
    let before = null; // what had the focus before the overlay or the blank screen

    const within = (n) => Math.min(Math.max(n, 0), last);
    const words = (n) => (n === 0 ? 'Title' : n === last ? 'End' : `${n} of ${pages}`);
    const fromHash = () => within(Number.parseInt(window.location.hash.slice(1), 10) || 0);
    const state = () => ({ at, blank: !blank.hidden, timer: { ...timer } });
    const tell = () => channel?.postMessage({ kind: 'state', ...state() });

    /** Make the words as large as the page allows: the largest of twenty-one sizes at which nothing runs over, found by halves. */
    function fit(slide) {
      const body = $('.slide-body', slide);
      const boxes = [slide, body, ...body.querySelectorAll('.slide-side, .slide-words, .slide-exhibit, .table-scroll')];
      leaveOut(slide, 0);
      for (const line of slide.querySelectorAll('.own-ward, .own-ward li')) line.classList.remove('left-out');
      slide.dataset.fitted = `${window.innerWidth}x${window.innerHeight}`;
      if (window.innerWidth <= window.innerHeight) {
        slide.style.removeProperty('--fit'); // it scrolls (briefing.css)
        return;
      }
      const fits = (step) => {
        slide.style.setProperty('--fit', SMALLEST + ((1 - SMALLEST) * step) / STEPS);
        return !boxes.some((box) => box.scrollHeight > box.clientHeight + 2 || box.scrollWidth > box.clientWidth + 2);
      };
      if (fits(STEPS)) return;
      let [small, large] = [0, STEPS]; // small fits, or there is nothing smaller
      while (large - small > 1) {
        const middle = (small + large) >> 1;
        if (fits(middle)) small = middle;
        else large = middle;
      }
      if (fits(small) || small) return;
      // not at the least size either: what is said of one's own ward ends earlier
      const own = [...body.querySelectorAll('.own-ward li')].reverse();
      for (const line of own) {
        line.classList.add('left-out');
        const box = line.closest('.own-ward');
        box.classList.toggle('left-out', !box.querySelector('li:not(.left-out)'));
        if (fits(0)) return;
      }
      // not at the least size either: a table ends earlier, and says so
      const rows = body.querySelectorAll('.figure-table tbody tr').length;
      for (let n = 1; n < rows - 1 && !fits(0); n += 1) leaveOut(slide, n);
    }

    /** The last rows of a table are left to paper, and the page says how many. */
    function leaveOut(slide, n) {
      const rows = [...slide.querySelectorAll('.figure-table tbody tr')];
      rows.forEach((row, i) => row.classList.toggle('left-out', i >= rows.length - n));
      slide.querySelector('.slide-more')?.remove();
      if (!n) return;
      const more = document.createElement('p');
      more.className = 'slide-more';
      more.textContent = `${n} more on paper.`;
      slide.querySelector('.slide-exhibit').append(more);
    }

    /** What scrolls can be reached by keyboard. */
    const reach = (slide) => { slide.tabIndex = slide.scrollHeight > slide.clientHeight + 4 ? 0 : -1; };

    function show(n, { announce = true } = {}) {
      const to = within(n);
      if (to === at) return;
      const slide = slides[to];
      const inside = at >= 0 && slides[at].contains(document.activeElement);
      slides.forEach((one, i) => one.classList.toggle('shown', i === to));
      slides.forEach((one, i) => { one.inert = i !== to; });
      at = to;
      slide.scrollTop = 0;
      if (slide.dataset.fitted !== `${window.innerWidth}x${window.innerHeight}`) fit(slide);
      reach(slide);
      place.textContent = words(to);
      document.title = `${words(to)}: ${slide.dataset.headline}`;
      window.history.replaceState(null, '', `#${to}`);
      $('[data-do=back]').setAttribute('aria-disabled', String(to === 0));
      $('[data-do=next]').setAttribute('aria-disabled', String(to === last));
      if (announce) {
        // on a button the focus stays, for switches and sticks, and the page is read out; else it goes to the page, which is read then
        if (inside || document.activeElement === document.body) slide.focus({ preventScroll: true });
        else say.textContent = `${to > 0 && to < last ? `Page ${words(to)}` : words(to)}: ${slide.dataset.headline}`;
      }
      tell();
    }

    function setBlank(on) {
      if (on === !blank.hidden) return;
      if (on) before = document.activeElement;
      blank.hidden = !on;
      if (on) blank.focus();
      else before?.focus?.();
      tell();
    }

    function tick() {
      time.hidden = !elapsed() && !timer.since;
      time.textContent = clock(elapsed());
      time.classList.toggle('paused', !timer.since);
    }

    function setTimer(what) {
      if (what === 'reset') timer.before = timer.since = 0;
      else if (timer.since) {
        timer.before = elapsed();
        timer.since = 0;
      } else timer.since = Date.now();
      tick();
      tell();
    }

    // The live map lies over the page; its document is ours, so Escape is heard in there too.
    function explore() {
      before = document.activeElement;
      overlay.hidden = false;
      root.inert = true;
      $('.deck-bar').inert = true;
      const link = slides[at].dataset.link || root.dataset.explore || '/';
      $('[data-overlay-say]').textContent = navigator.onLine ? '' : 'There is no network: the live map may stay empty.';
      if (frame.dataset.shows !== link) {
        frame.dataset.shows = link;
        frame.src = link;
      } else frame.contentWindow?.focus();
      // in full screen the browser keeps Escape for itself unless it is asked for
      if (document.fullscreenElement) navigator.keyboard?.lock?.(['Escape']).catch(() => {});
      $('[data-do=return]').focus();
    }

    function leaveExplore() {
      overlay.hidden = true;
      root.inert = false;
      $('.deck-bar').inert = false;
      navigator.keyboard?.unlock?.();
      if (before && before !== document.body) before.focus();
      else slides[at].focus({ preventScroll: true });
    }

    frame.addEventListener('load', () => {
      let inner;
      try {
        inner = frame.contentWindow;
        inner.addEventListener('keydown', (event) => {
          // the first Escape closes what is open in there: a list, a table, a picked area
          const open = event.target.closest?.('[aria-expanded=true][role=combobox], .leaflet-popup');
          if (event.key === 'Escape' && !event.defaultPrevented && !open) leaveExplore();
        });
      } catch {
        return; // another site's error page: the button is still there
      }
      if (!overlay.hidden) inner.focus();
    });

    function openNotes() {
      if (!root.dataset.notes) return; // they are for those who may edit the briefing
      notes = window.open(root.dataset.notes, `notes-${root.dataset.briefing}`, 'popup,width=980,height=720');
      if (!notes) say.textContent = 'The browser did not open a second window. Allow pop-ups for this site.';
    }

    function full() {
      if (document.fullscreenElement) document.exitFullscreen();
      else document.documentElement.requestFullscreen?.().catch(() => { say.textContent = 'The browser does not allow full screen here.'; });
    }

    /** The numbers of one's own ward come later than the pages (briefing-my-ward.js), and can be put away. */
    const wardSwitch = $('[data-ward-switch]');
    function setWard(on) {
      if (!root.querySelector('.own-ward')) return;
      root.classList.toggle('without-ward', !on);
      wardSwitch.setAttribute('aria-pressed', String(on));
      refit();
      say.textContent = on ? 'The numbers of your ward are shown.' : 'The numbers of your ward are put away.';
    }
    document.addEventListener('commonground:own-ward', () => {
      wardSwitch.hidden = !root.querySelector('.own-ward');
      refit();
    });

    function refit() {
      slides.forEach((slide) => delete slide.dataset.fitted);
      fit(slides[at]);
      reach(slides[at]);
    }

    const actions = {
      ward: () => setWard(root.classList.contains('without-ward')),
      next: () => show(at + 1),
      back: () => show(at - 1),
      first: () => show(0),
      last: () => show(last),
      explore,
      return: leaveExplore,
      notes: openNotes,
      full,
      blank: () => setBlank(blank.hidden),
      timer: () => setTimer(),
      reset: () => setTimer('reset'),
      keys: () => (keys.open ? keys.close() : keys.showModal()),
    };

    const KEYS = {
      ArrowRight: 'next', ArrowDown: 'next', PageDown: 'next', ' ': 'next', Enter: 'next',
      ArrowLeft: 'back', ArrowUp: 'back', PageUp: 'back', Backspace: 'back',
      Home: 'first', End: 'last',
      e: 'explore', n: 'notes', b: 'blank', '.': 'blank', w: 'ward', t: 'timer', f: 'full', '?': 'keys',
    };

    function figure(digit) {
      typed += digit;
      clearTimeout(typing);
      const go = () => {
        const n = Number(typed);
        typed = '';
        if (n <= pages) show(n);
      };
      // with nine pages or fewer one figure says it all
      if (pages < 10 || typed.length > 1 || Number(typed) * 10 > pages) go();
      else typing = setTimeout(go, TWO_FIGURES_MS);
    }

    /** A page that scrolls scrolls first; only at its end does the key turn it. */
    function scrolls(key) {
      const slide = slides[at];
      const down = ['ArrowDown', 'PageDown', ' '].includes(key);
      const up = ['ArrowUp', 'PageUp'].includes(key);
      const room = slide.scrollHeight - slide.clientHeight;
      if (room < 4 || !(down || up)) return false;
      if (down && slide.scrollTop >= room - 2) return false;
      if (up && slide.scrollTop <= 2) return false;
      slide.scrollBy({ top: (down ? 0.8 : -0.8) * slide.clientHeight });
      return true;
    }

    document.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || keys.open) return;
      if (!overlay.hidden) {
        if (event.key === 'Escape') leaveExplore();
        return;
      }
      const { key, target } = event;
      if (isLetter(key) && !letters()) return;
      if (!blank.hidden) {
        event.preventDefault();
        setBlank(false);
        return;
      }
      const pressed = target.closest?.('button, a, summary');
      if (pressed && (key === 'Enter' || key === ' ')) return; // it does what it says
      if (target.closest?.('.table-scroll') && key.startsWith('Arrow') && target.scrollWidth > target.clientWidth) return;
      if (/^[0-9]$/.test(key)) {
        event.preventDefault();
        figure(key);
        return;
      }
      if (key === 'T') {
        setTimer('reset');
        return;
      }
      const what = KEYS[key] || KEYS[key.toLowerCase()];
      if (!what) return;
      event.preventDefault();
      if (!scrolls(key)) actions[what]();
    });

    document.addEventListener('click', (event) => {
      const button = event.target.closest('[data-do]');
      if (button && actions[button.dataset.do]) actions[button.dataset.do]();
    });

    const choice = $('[data-letters]');
    choice.checked = letters();
    choice.addEventListener('change', () => letters(choice.checked));

    // a finger that is drawn across turns the page; one that scrolls does not
    let from = null;
    root.addEventListener('touchstart', (event) => { from = event.touches.length === 1 ? event.touches[0] : null; }, { passive: true });
    root.addEventListener('touchend', (event) => {
      if (!from) return;
      const to = event.changedTouches[0];
      const [x, y] = [to.clientX - from.clientX, to.clientY - from.clientY];
      if (Math.abs(x) > 60 && Math.abs(x) > 2 * Math.abs(y)) show(at + (x < 0 ? 1 : -1));
      from = null;
    });

    channel?.addEventListener('message', ({ data }) => {
      if (data?.kind === 'hello') tell();
      if (data?.kind === 'do' && ['next', 'back', 'blank', 'timer', 'reset'].includes(data.what)) actions[data.what]();
    });
    window.addEventListener('hashchange', () => show(fromHash()));
    window.addEventListener('resize', refit);
    document.addEventListener('fullscreenchange', () => {
      $('[data-do=full]').textContent = document.fullscreenElement ? 'Leave full screen' : 'Full screen';
    });
    window.setInterval(tick, 250);
    let resting = 0;
    const awake = () => {
      document.documentElement.classList.remove('idle');
      clearTimeout(resting);
      resting = setTimeout(() => document.documentElement.classList.add('idle'), 3000);
    };
    awake();
    for (const kind of ['pointermove', 'pointerdown', 'focusin']) document.addEventListener(kind, awake, { passive: true });

    document.documentElement.classList.add('live');
    document.querySelectorAll('[data-needs-script]').forEach((one) => { one.hidden = false; });
    show(fromHash(), { announce: false });
    slides[at].focus({ preventScroll: true });
    // what comes next is fitted while nobody waits for it
    const idle = window.requestIdleCallback || ((task) => setTimeout(task, 200));
    const rest = slides.slice();
    const more = () => {
      const slide = rest.shift();
      if (!slide) return;
      if (!slide.dataset.fitted) fit(slide);
      idle(more);
    };
    idle(more);
    return { show, at: () => at, slides };
  }

  // ---- The presenter's window ------------------------------------------------------------------------------------------

  function notesWindow(root) {
    const notes = [...root.querySelectorAll('[data-note]')];
    const pages = notes.length - 2;
    const channel = channelOf(root.dataset.briefing);
    const connected = $('[data-connected]');
    const send = (what) => channel?.postMessage({ kind: 'do', what });

    function show(at) {
      notes.forEach((note, i) => { note.hidden = i !== at; });
      $('[data-place]').textContent = at === 0 ? 'Title' : at > pages ? 'End' : `Page ${at} of ${pages}`;
      $('[data-next]').textContent = notes[at + 1] ? $('h2', notes[at + 1]).textContent : 'Nothing: this is the end';
    }

    function tick() {
      $('[data-time]').textContent = clock(elapsed());
      $('[data-time]').classList.toggle('paused', !timer.since);
      $('[data-clock]').textContent = new Date().toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
    }

    channel?.addEventListener('message', ({ data }) => {
      if (data?.kind !== 'state') return;
      Object.assign(timer, data.timer);
      connected.textContent = data.blank ? 'The screen is blank.' : 'In step with the presentation.';
      root.classList.toggle('in-step', true);
      show(data.at);
      tick();
    });
    document.addEventListener('click', (event) => {
      const button = event.target.closest('[data-send]');
      if (button) send(button.dataset.send);
    });
    document.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.('button')) return;
      if (isLetter(event.key) && !letters()) return;
      const what = { ArrowRight: 'next', PageDown: 'next', ' ': 'next', ArrowLeft: 'back', PageUp: 'back', b: 'blank', t: 'timer' }[event.key];
      if (!what) return;
      event.preventDefault();
      send(what);
    });
    document.documentElement.classList.add('live');
    show(0);
    tick();
    window.setInterval(tick, 250);
    channel?.postMessage({ kind: 'hello' });
  }

  const start = () => {
    const presenting = $('[data-deck]');
    const presenter = $('[data-notes-window]');
    window.commonground = Object.assign(window.commonground || {}, presenting && { deck: deck(presenting) });
    if (presenter) notesWindow(presenter);
  };
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', start);
  else start();
})();
