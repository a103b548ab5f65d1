/**
 * The chips of the question: one sheet is open at a time; a press elsewhere, "Done" and Escape close it and give the focus back.
 */
(function () {
  'use strict';
  const OPEN = 'details.chip[open], .trust-side details[open]'; // the cautions lie over the list, and close alike
  // an open list of a picker lies in the page's main element, not in its sheet
  const LISTS = '.mantine-Select-dropdown, .mantine-MultiSelect-dropdown, .mantine-Popover-dropdown, [role=option]';

  function close(chip, focus) {
    chip.open = false;
    if (focus) chip.querySelector('summary').focus({ preventScroll: true });
  }

  document.addEventListener(
    'pointerdown',
    (event) => {
      if (event.target.closest?.(LISTS)) return;
      for (const chip of document.querySelectorAll(OPEN)) if (!chip.contains(event.target)) close(chip, false);
    },
    true,
  );
  document.addEventListener('click', (event) => {
    const done = event.target.closest('.chip-done');
    if (done) close(done.closest('details'), true);
  });
  // one at a time, for the keyboard too
  document.addEventListener(
    'toggle',
    (event) => {
      if (!event.target.matches?.(OPEN)) return;
      for (const chip of document.querySelectorAll(OPEN)) if (chip !== event.target) close(chip, false);
    },
    true,
  );
  // in the capture phase, while an open list still says that it is open: that Escape closes the list alone
  document.addEventListener(
    'keydown',
    (event) => {
      const chip = document.querySelector(OPEN);
      if (event.key !== 'Escape' || !chip || event.target.matches?.('[role=combobox][aria-expanded=true]')) return;
      event.stopPropagation();
      close(chip, true);
    },
    true,
  );
})();
