/**
 * Light or dark: the reader's own choice if there is one, else the system's. Runs in the head, so that nothing flashes.
 * Mantine, app.css and the map all follow the attribute on <html>; the event 'commonground:scheme' tells the map.
 */
(function () {
  'use strict';
  const KEY = 'commonground-colour-scheme';
  const root = document.documentElement;
  const system = window.matchMedia('(prefers-color-scheme: dark)');

  function stored() {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // storage is switched off: the system decides
    }
  }

  function apply() {
    const scheme = stored() || (system.matches ? 'dark' : 'light');
    if (root.getAttribute('data-mantine-color-scheme') === scheme) return;
    root.setAttribute('data-mantine-color-scheme', scheme);
    document.dispatchEvent(new CustomEvent('commonground:scheme', { detail: scheme }));
    label();
  }

  function label() {
    const dark = root.getAttribute('data-mantine-color-scheme') === 'dark';
    for (const button of document.querySelectorAll('[data-toggle="colour-scheme"]')) {
      const words = dark ? 'Light' : 'Dark';
      if (button.textContent === words) continue; // this runs again for every change of the page, its own included
      button.textContent = words;
      button.setAttribute('aria-label', `${words} colours`);
    }
  }

  document.addEventListener('click', (event) => {
    if (!event.target.closest('[data-toggle="colour-scheme"]')) return;
    const next = root.getAttribute('data-mantine-color-scheme') === 'dark' ? 'light' : 'dark';
    try {
      localStorage.setItem(KEY, next);
    } catch {
      root.setAttribute('data-mantine-color-scheme', next); // for this page only
    }
    apply();
  });
  // MantineProvider sets the attribute itself when it mounts; ours wins
  new MutationObserver(apply).observe(root, { attributeFilter: ['data-mantine-color-scheme'] });
  new MutationObserver(label).observe(root, { childList: true, subtree: true });
  system.addEventListener('change', apply);
  apply();
})();
