/**
 * Reading a briefing, made more comfortable. The page works without this file.
 *
 *   .fact       a number: its source appears beside it on hover and focus, and opens in the list on a click
 *   data-copy   a button that copies the field whose id it names
 *   data-focus  a message that takes the focus when the page opens
 *   data-confirm  a form that asks before it is sent
 *   details.menu  closes on Escape and on a click beside it
 */
(function () {
  'use strict';
  const GAP = 8;

  let note = null; // one box for every number
  let owner = null;
  let hiding = 0;

  function box() {
    if (!note) {
      note = document.body.appendChild(document.createElement('div'));
      note.id = 'fact-note';
      note.className = 'fact-note';
      note.setAttribute('role', 'tooltip');
      note.addEventListener('pointerenter', () => clearTimeout(hiding));
      note.addEventListener('pointerleave', () => hide());
    }
    return note;
  }

  function show(link) {
    clearTimeout(hiding);
    const line = document.getElementById(link.hash.slice(1));
    if (!line || owner === link) return;
    hide(true);
    owner = link;
    const made = box();
    made.textContent = [...line.childNodes].filter((one) => one.nodeName !== 'A').map((one) => one.textContent.trim()).filter(Boolean).slice(1).join('. ');
    if (!made.textContent) return;
    made.hidden = false;
    link.setAttribute('aria-describedby', made.id);
    const at = link.getBoundingClientRect();
    const width = document.documentElement.clientWidth;
    const left = Math.max(GAP, Math.min(at.left, width - made.offsetWidth - GAP));
    const above = at.bottom + made.offsetHeight + GAP > window.innerHeight && at.top > made.offsetHeight + GAP;
    made.style.left = `${left + window.scrollX}px`;
    made.style.top = `${(above ? at.top - made.offsetHeight - 4 : at.bottom + 4) + window.scrollY}px`;
  }

  function hide(now) {
    clearTimeout(hiding);
    const close = () => {
      owner?.removeAttribute('aria-describedby');
      owner = null;
      if (note) note.hidden = true;
    };
    if (now) close();
    else hiding = setTimeout(close, 200); // long enough to reach the box with the pointer
  }

  const fact = (event) => event.target.closest?.('a.fact');
  document.addEventListener('pointerover', (event) => event.pointerType !== 'touch' && fact(event) && show(fact(event)));
  document.addEventListener('pointerout', (event) => fact(event) && hide());
  document.addEventListener('focusin', (event) => (fact(event) ? show(fact(event)) : hide(true)));
  document.addEventListener('click', (event) => {
    const link = fact(event);
    if (link) {
      const line = document.getElementById(link.hash.slice(1));
      const list = line?.closest('details');
      if (list) list.open = true;
      line?.focus();
      hide(true);
      return;
    }
    for (const menu of document.querySelectorAll('details.menu[open]')) if (!menu.contains(event.target)) menu.open = false;
    const copy = event.target.closest('[data-copy]');
    if (copy) copyField(copy);
  });
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    hide(true);
    for (const menu of document.querySelectorAll('details.menu[open]')) {
      menu.open = false;
      menu.querySelector('summary').focus();
    }
  });

  document.addEventListener('submit', (event) => {
    const question = event.target.dataset.confirm;
    if (question && !window.confirm(question)) event.preventDefault();
  });

  async function copyField(button) {
    const field = document.getElementById(button.dataset.copy);
    const said = document.querySelector('[data-copied]');
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      said.textContent = 'Copied';
    } catch {
      said.textContent = 'Press Ctrl and C to copy what is marked';
    }
  }

  const start = () => {
    for (const button of document.querySelectorAll('[data-copy]')) button.hidden = false;
    document.querySelector('[data-focus]')?.focus();
  };
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', start);
  else start();
})();
