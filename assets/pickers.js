/**
 * Tells screen readers what Mantine's pickers are: comboboxes that are open or closed. Mantine marks the field with aria-haspopup
 * and, while the list is open, aria-controls; the role and aria-expanded are missing.
 */
(function () {
  'use strict';
  const FIELDS = 'input[aria-haspopup=listbox]';

  function mark(field) {
    const open = String(field.hasAttribute('aria-controls'));
    if (field.getAttribute('role') !== 'combobox') field.setAttribute('role', 'combobox');
    if (field.getAttribute('aria-expanded') !== open) field.setAttribute('aria-expanded', open);
  }

  new MutationObserver((changes) => {
    for (const { type, target, addedNodes } of changes) {
      if (type === 'attributes' && target.matches(FIELDS)) mark(target);
      for (const node of addedNodes) if (node.querySelectorAll) for (const field of node.querySelectorAll(FIELDS)) mark(field);
    }
  }).observe(document.documentElement, { subtree: true, childList: true, attributeFilter: ['aria-controls'] });
})();
