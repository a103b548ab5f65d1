/** On a phone the panels are sheets over the map; one is open at a time, and a second press closes it. */
(function () {
  'use strict';
  const root = document.documentElement;

  function sheet(name) {
    root.dataset.sheet = root.dataset.sheet === name ? '' : name;
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
    if (event.key === 'Escape' && root.dataset.sheet) sheet(root.dataset.sheet);
  });

  window.commonground = Object.assign(window.commonground || {}, {
    sheet: (name) => root.dataset.sheet !== name && sheet(name),
  });
})();
