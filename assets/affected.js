// Who is affected: one baseline at a time, at once; explore.js puts the choice into the link.
(() => {
  'use strict';

  document.addEventListener('click', (event) => {
    const button = event.target.closest?.('.affected button[data-baseline]');
    if (!button) return;
    const panel = button.closest('.affected');
    for (const each of panel.querySelectorAll('button[data-baseline]')) each.setAttribute('aria-pressed', String(each === button));
    for (const part of panel.querySelectorAll('[data-baseline-part]')) part.hidden = part.dataset.baselinePart !== button.dataset.baseline;
  });
})();
