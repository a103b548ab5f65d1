/*
 * Put into every page before its own scripts. A page's probe calls bench.painted(kind) when the whole map has been drawn;
 * this notes when, and when the frame that shows it was finished. Times are performance.now(): from the navigation's start.
 */
(function () {
  'use strict';
  const nextFrame = window.requestAnimationFrame.bind(window);
  const channel = new MessageChannel();
  const tasks = [];
  channel.port1.onmessage = () => tasks.shift()();
  /** Run in a task of its own, right after the present task and, from within a frame, right after that frame. */
  const soon = (then) => {
    tasks.push(then);
    channel.port2.postMessage(0);
  };
  let inFrame = false;
  let kept = null; // callbacks of frames, while a hover is timed
  window.requestAnimationFrame = (callback) => {
    if (kept) return kept.push(callback);
    return nextFrame((now) => {
      inFrame = true;
      try {
        callback(now);
      } finally {
        inFrame = false;
      }
    });
  };

  let waiting = [];
  let clickedAt = null;
  let armed = false;
  window.addEventListener('click', (event) => {
    if (!armed) return;
    armed = false;
    clickedAt = event.timeStamp;
  }, true);

  const bench = (window.bench = {
    areas: 0,
    map: null,

    /** The next whole map of one of the kinds: {painted, framed, clicked}. */
    next(kinds) {
      return new Promise((resolve) => waiting.push({ kinds, resolve }));
    },

    painted(kind) {
      const due = waiting.filter((each) => !kind || !each.kinds || each.kinds.includes(kind));
      if (!due.length) return;
      waiting = waiting.filter((each) => !due.includes(each));
      const painted = performance.now();
      const clicked = clickedAt;
      const finish = () => soon(() => {
        const framed = performance.now();
        for (const each of due) each.resolve({ painted, framed, clicked });
      });
      if (inFrame) finish();
      else nextFrame(finish);
    },

    /** Before a click: what follows is kept in bench.switched. */
    arm(kinds) {
      clickedAt = null;
      armed = true;
      bench.switched = bench.next(kinds);
    },

    /** Milliseconds from calling `change` until the frame that shows it. */
    async timed(kinds, change) {
      await new Promise((resolve) => nextFrame(() => soon(resolve)));
      const next = bench.next(kinds);
      const started = performance.now();
      change();
      return (await next).framed - started;
    },

    /** Milliseconds of work that one pointer move over the map costs, `count` times: listeners, their frame, their promises. */
    async hover(selector, count) {
      const box = document.querySelector(selector).getBoundingClientRect();
      const times = [];
      for (let k = 0; k < count; k++) {
        await new Promise((resolve) => setTimeout(resolve, 70)); // longer than any of the libraries' throttles
        const clientX = Math.round(box.left + box.width * (0.35 + (0.3 * ((k * 37) % count)) / count));
        const clientY = Math.round(box.top + box.height * (0.35 + (0.3 * k) / count));
        const target = document.elementFromPoint(clientX, clientY);
        const about = { bubbles: true, cancelable: true, view: window, clientX, clientY };
        kept = [];
        const started = performance.now();
        target.dispatchEvent(new PointerEvent('pointermove', about));
        target.dispatchEvent(new MouseEvent('mousemove', about));
        const frames = kept;
        kept = null;
        for (const callback of frames) callback(performance.now());
        await new Promise(soon);
        times.push(performance.now() - started);
      }
      return times;
    },

    whenLeaflet(then) {
      let leaflet;
      Object.defineProperty(window, 'L', {
        configurable: true,
        get: () => leaflet,
        set(value) {
          const fresh = value && value !== leaflet && value.Map;
          leaflet = value;
          if (!fresh) return;
          value.Map.addInitHook(function () {
            bench.map = this;
          });
          then(value);
        },
      });
    },

    whenThere(selector, then) {
      const look = () => {
        const found = document.querySelector(selector);
        if (found) {
          watcher.disconnect();
          then(found);
        }
      };
      const watcher = new MutationObserver(look);
      watcher.observe(document, { childList: true, subtree: true });
      look();
    },
  });
})();
