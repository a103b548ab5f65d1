/**
 * The editor of briefings: line numbers, a preview that keeps up with the cursor, saving while somebody writes, and buttons
 * that put a number or an exhibit where the cursor is. Without this file the form is saved and previewed by its buttons.
 */
(function () {
  'use strict';
  const PREVIEW_MS = 450;
  const SAVE_MS = 2500;
  const $ = (selector, root = document) => root.querySelector(selector);

  function edit(root) {
    const form = $('[data-form]', root);
    const field = $('[data-text]', root);
    const preview = $('[data-preview]', root);
    const said = $('[data-preview-say]', root);
    const saved = $('[data-saved]', root);
    const revision = form.elements.revision;
    const page = $('[data-page]', root);
    let shownPage = Number(root.dataset.at);
    let asked = null; // the preview that is under way
    let kept = field.value; // as the server has it
    let saving = null;
    let stopped = false;
    let submitting = false;
    let bad = new Set();

    // ---- Where the cursor is -------------------------------------------------------------------------------------------

    const lineOf = (at) => field.value.slice(0, at).split('\n').length;
    const startOf = (line) => field.value.split('\n').slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);

    function goTo(line, whole) {
      const at = startOf(line);
      const end = field.value.indexOf('\n', at);
      field.focus();
      field.setSelectionRange(at, whole ? (end < 0 ? field.value.length : end) : at);
      const span = numbers.children[line - 1];
      if (span) field.scrollTop = Math.max(0, span.offsetTop - field.clientHeight / 3);
    }

    // ---- Line numbers: the same text, unseen, below the field, so that wrapped lines are counted as one -----------------

    const lined = $('[data-lined]', root);
    const numbers = $('[data-lines]', root).appendChild(document.createElement('div'));
    lined.classList.add('numbered');

    function number() {
      const lines = field.value.split('\n');
      while (numbers.children.length > lines.length) numbers.lastChild.remove();
      while (numbers.children.length < lines.length) numbers.append(document.createElement('span'));
      lines.forEach((text, n) => {
        const span = numbers.children[n];
        if (span.textContent !== text) span.textContent = text;
        span.classList.toggle('bad', bad.has(n + 1));
      });
      numbers.style.width = `${field.clientWidth}px`; // less the scrollbar
      scroll();
    }
    const scroll = () => { numbers.style.transform = `translateY(${-field.scrollTop}px)`; };
    field.addEventListener('scroll', scroll, { passive: true });
    new ResizeObserver(number).observe(field);

    // ---- Preview --------------------------------------------------------------------------------------------------------

    async function look() {
      asked?.abort();
      const mine = (asked = new AbortController());
      const body = new URLSearchParams({ text: field.value, line: String(lineOf(field.selectionStart)) });
      preview.classList.add('waiting');
      try {
        const response = await fetch(root.dataset.previewAddress, { method: 'POST', body, signal: mine.signal });
        if (!response.ok) throw new Error(`the server answered ${response.status}`);
        const answer = await response.json();
        preview.innerHTML = answer.html; // drawn and escaped by the server
        bad = new Set(answer.lines);
        shownPage = answer.page;
        page.value = answer.page;
        said.textContent = answer.faults ? '' : 'Nothing stands in the way of publishing this page.';
        list(answer.pages, answer.page);
        number();
        root.dispatchEvent(new CustomEvent('commonground:preview', { bubbles: true }));
      } catch (error) {
        if (error.name === 'AbortError') return;
        said.textContent = `The preview could not be made: ${error.message}.`;
      }
      if (asked === mine) preview.classList.remove('waiting');
    }

    /** The list of pages: names only; its buttons come from the server with the next save. */
    function list(pages, at) {
      const rows = [...root.querySelectorAll('[data-pages] li')];
      if (rows.length !== pages.length) return;
      pages.forEach((one, n) => {
        const button = $('.page-name', rows[n]);
        button.textContent = one.headline || 'Without a headline';
        button.dataset.line = one.line;
        rows[n].classList.toggle('here', one.number === at);
        if (one.number === at) button.setAttribute('aria-current', 'true');
        else button.removeAttribute('aria-current');
      });
    }

    // ---- Saving -----------------------------------------------------------------------------------------------------------

    async function save() {
      if (stopped || saving || field.value === kept) return;
      const text = field.value;
      const body = new URLSearchParams({ text, revision: revision.value });
      saved.textContent = 'Saving …';
      saving = fetch(form.getAttribute('action'), { method: 'POST', body, headers: { 'X-Autosave': '1' } });
      try {
        const response = await saving;
        const answer = await response.json();
        if (response.ok) {
          revision.value = answer.revision;
          kept = text;
          saved.textContent = 'Saved';
        } else {
          stopped = true; // what a colleague wrote is not written over; the button compares
          saved.textContent = answer.message || 'Not saved';
        }
      } catch {
        saved.textContent = 'Not saved: the server does not answer';
      }
      saving = null;
    }

    // the form must carry the revision that a save under way will have made
    form.addEventListener('submit', async (event) => {
      clearTimeout(saveLater);
      if (!saving || submitting) return;
      event.preventDefault();
      submitting = true;
      await saving.catch(() => {});
      setTimeout(() => form.requestSubmit(event.submitter), 0);
    });

    // ---- Listening --------------------------------------------------------------------------------------------------------

    let lookLater = 0;
    let saveLater = 0;
    field.addEventListener('input', () => {
      number();
      clearTimeout(lookLater);
      clearTimeout(saveLater);
      lookLater = setTimeout(look, PREVIEW_MS);
      saveLater = setTimeout(save, SAVE_MS);
      if (!stopped) saved.textContent = '';
    });
    const moved = () => {
      const heads = [...root.querySelectorAll('[data-pages] .page-name')].map((button) => Number(button.dataset.line));
      const line = lineOf(field.selectionStart);
      const at = Math.max(1, heads.filter((head) => head <= line).length);
      if (at === shownPage) return;
      clearTimeout(lookLater);
      lookLater = setTimeout(look, 150);
    };
    field.addEventListener('keyup', moved);
    field.addEventListener('click', moved);
    field.addEventListener('keydown', (event) => {
      if (event.key === 's' && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        save();
      }
    });
    window.addEventListener('pagehide', () => {
      if (!stopped && !submitting && field.value !== kept && !saving) {
        fetch(form.getAttribute('action'), {
          method: 'POST', keepalive: true, headers: { 'X-Autosave': '1' },
          body: new URLSearchParams({ text: field.value, revision: revision.value }),
        }).catch(() => {});
      }
    });

    function insert(text, block) {
      const [from, to] = [field.selectionStart, field.selectionEnd];
      const before = field.value.slice(0, from);
      const put = block ? `${before.endsWith('\n\n') || !before ? '' : before.endsWith('\n') ? '\n' : '\n\n'}${text}\n` : text;
      field.focus();
      field.setSelectionRange(from, to);
      // keeps the browser's own undo; where that is gone, set the text
      if (!document.execCommand?.('insertText', false, put)) field.setRangeText(put, from, to, 'end');
      field.dispatchEvent(new Event('input', { bubbles: true }));
    }

    root.addEventListener('click', (event) => {
      const button = event.target.closest('[data-insert], [data-insert-block]');
      if (button) insert(button.dataset.insert ?? button.dataset.insertBlock, 'insertBlock' in button.dataset);
      const line = event.target.closest('[data-line]');
      if (line) {
        event.preventDefault();
        goTo(Number(line.dataset.line), !line.classList.contains('page-name'));
        moved();
      }
    });

    for (const button of root.querySelectorAll('[data-insert], [data-insert-block]')) button.hidden = false;
    number();
    const here = $('[data-pages] .here .page-name', root);
    if (here && Number(root.dataset.at) > 1) goTo(Number(here.dataset.line));
    bad = new Set([...preview.querySelectorAll('.faults [data-line]')].map((link) => Number(link.dataset.line)));
    number();
    return { look, save, goTo };
  }

  const start = () => {
    const root = $('[data-editor]');
    if (root) window.commonground = Object.assign(window.commonground || {}, { editor: edit(root) });
  };
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', start);
  else start();
})();
