/**
 * On a phone the panels are sheets over the map; one is open at a time, and a second press closes it. On the first visit the
 * one with the questions is open (app.css shows it as long as nothing was pressed).
 */
(function () {
  'use strict';
  const root = document.documentElement;

  const open = () => root.dataset.sheet ?? (document.querySelector('.panel .intro') ? 'panel' : '');

  function sheet(name) {
    root.dataset.sheet = open() === name ? '' : name;
    for (const button of document.querySelectorAll('[data-sheet]')) {
      if (button === root) continue;
      button.setAttribute('aria-expanded', String(button.dataset.sheet === root.dataset.sheet));
    }
  }

  document.addEventListener('click', (event) => {
    const button = event.target.closest('button[data-sheet]');
    if (button) sheet(button.dataset.sheet);
  });
  // in the capture phase, while an open list still says that it is open: that Escape closes the list alone
  document.addEventListener(
    'keydown',
    (event) => {
      const name = open();
      if (event.key !== 'Escape' || !name || event.target.matches?.('[role=combobox][aria-expanded=true]')) return;
      const button = document.querySelector(`button[data-sheet=${name}]`);
      if (!button?.offsetParent) return; // beside the map nothing is folded away
      sheet(name);
      button.focus();
    },
    true,
  );

  window.commonground = Object.assign(window.commonground || {}, {
    sheet: (name) => open() !== name && sheet(name),
  });
})();
