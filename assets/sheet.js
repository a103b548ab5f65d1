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
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && open()) sheet(open());
  });

  window.commonground = Object.assign(window.commonground || {}, {
    sheet: (name) => open() !== name && sheet(name),
  });
})();
