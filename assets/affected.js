// Who is affected: one baseline at a time. The choice outlives a new answer.
(() => {
  'use strict';
  let chosen = 'region';

  function show(panel) {
    const buttons = [...panel.querySelectorAll('button[data-baseline]')];
    const there = buttons.some((each) => each.dataset.baseline === chosen) ? chosen : 'region';
    for (const each of buttons) each.setAttribute('aria-pressed', String(each.dataset.baseline === there));
    for (const part of panel.querySelectorAll('[data-baseline-part]')) part.hidden = part.dataset.baselinePart !== there;
  }

  document.addEventListener('click', (event) => {
    const button = event.target.closest?.('.affected button[data-baseline]');
    if (!button) return;
    chosen = button.dataset.baseline;
    show(button.closest('.affected'));
  });

  // details fold and unfold without bubbling
  document.addEventListener(
    'toggle',
    (event) => {
      if (event.target.matches?.('details.affected')) show(event.target);
    },
    true,
  );
})();
