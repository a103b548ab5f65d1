/**
 * My ward: the one that somebody found, remembered by this browser (localStorage) and sent nowhere. Every page about briefings
 * offers its sheet; a page of a briefing, read or presented, says what a number of the region is in it (data-own-ward, see
 * dashboard/briefings/web).
 */
(function () {
  'use strict';
  const KEY = 'commonground-ward';
  const $ = (selector, root = document) => root.querySelector(selector);

  /** {code, name} or null. */
  function remembered() {
    try {
      const found = JSON.parse(localStorage.getItem(KEY));
      return found && /^[\w-]{1,40}$/.test(found.code) && typeof found.name === 'string' ? found : null;
    } catch {
      return null;
    }
  }

  function remember(ward) {
    try {
      if (ward) localStorage.setItem(KEY, JSON.stringify(ward));
      else localStorage.removeItem(KEY);
    } catch {
      // storage is switched off: nothing is remembered
    }
  }

  function show() {
    const mine = remembered();
    const root = $('[data-my-ward]');
    if (root) {
      const here = root.dataset.ward;
      const link = $('[data-ward-link]', root);
      if (link && mine) {
        link.href = `/briefings/ward-${encodeURIComponent(mine.code)}`;
        link.textContent = mine.name;
      }
      $('[data-remembered]', root).hidden = !mine || (Boolean(here) && here !== mine.code);
      const offer = $('[data-remember]', root);
      if (offer) offer.hidden = Boolean(mine && mine.code === here);
    }
    yours(mine);
  }

  /** What the numbers of this briefing are in one's own ward, beside them. */
  async function yours(mine) {
    const root = $('[data-own-ward]');
    if (!root) return;
    for (const old of root.querySelectorAll('.own-ward')) old.remove();
    if (!mine) return;
    const address = root.dataset.ownWard;
    const response = await fetch(`${address}${address.includes('?') ? '&' : '?'}ward=${encodeURIComponent(mine.code)}`).catch(() => null);
    if (!response?.ok) return;
    const { name, facts } = await response.json();
    for (const [number, said] of Object.entries(facts)) {
      const slide = document.getElementById(`s${number}`); // presenting; else a page that is read
      const page = slide || document.getElementById(`p${number}`);
      // over a chart, which has room; beside a map, whose names would shrink with it
      const wall = slide && ($('.slide-foot', slide) || (!slide.matches('.slide-map') && $('.slide-exhibit', slide)) || $('.slide-side', slide));
      const words = wall || (page && $('.leaf-words', page));
      if (!words || !said.length) continue;
      const box = document.createElement('aside');
      box.className = 'own-ward';
      box.setAttribute('aria-label', `In your ward, ${name}`);
      const head = document.createElement(slide ? 'b' : 'a'); // whoever presents is not led away
      if (!slide) head.href = `/briefings/ward-${encodeURIComponent(mine.code)}`;
      head.textContent = `In your ward, ${name}`;
      const list = document.createElement('ul');
      for (const one of said) list.append(Object.assign(document.createElement('li'), { textContent: one }));
      box.append(head, list);
      if (!slide) words.append(box);
      else words.insertBefore(box, words.matches('.slide-side') ? $('.slide-say, .slide-key', words) : words.firstChild);
    }
    document.dispatchEvent(new CustomEvent('commonground:own-ward'));
  }

  const start = () => {
    const root = $('[data-my-ward]');
    if (root && 'mine' in root.dataset) {
      remember({ code: root.dataset.ward, name: root.dataset.name });
      history.replaceState(null, '', location.pathname);
    }
    document.addEventListener('click', (event) => {
      if (event.target.closest('[data-remember-this]')) remember({ code: root.dataset.ward, name: root.dataset.name });
      else if (event.target.closest('[data-forget]')) remember(null);
      else return;
      show();
    });
    show();
  };
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', start);
  else start();
})();
