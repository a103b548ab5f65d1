/**
 * The editor of briefings: line numbers, a preview that keeps up with the cursor, saving while somebody writes, undo across
 * everything that the page does to the text, pages that are dragged, and words that outlive the session (briefing-keep.js).
 * Without this file the form is saved, previewed and rearranged by its buttons. What is put in is chosen in briefing-pick.js.
 */
(function () {
  'use strict';
  const PREVIEW_MS = 450;
  const SAVE_MS = 2500;
  const STEP_MS = 700; // typing that pauses shorter than this is undone together
  const MOST_STEPS = 200;
  const $ = (selector, root = document) => root.querySelector(selector);
  const clock = (at) => new Date(at).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });

  /** Earlier and later texts, each with its selection. */
  function history(field, changed) {
    let steps = [{ text: field.value, from: 0, to: 0 }];
    let at = 0;
    let last = 0;

    function note(whole) {
      const now = { text: field.value, from: field.selectionStart, to: field.selectionEnd };
      if (now.text === steps[at].text) {
        Object.assign(steps[at], now);
        return;
      }
      steps.length = at + 1;
      if (!whole && at > 0 && Date.now() - last < STEP_MS) steps[at] = now;
      else steps.push(now);
      if (steps.length > MOST_STEPS) steps = steps.slice(-MOST_STEPS);
      at = steps.length - 1;
      last = whole ? 0 : Date.now();
      changed();
    }

    function go(by) {
      const to = at + by;
      if (!steps[to]) return;
      at = to;
      last = 0;
      field.value = steps[at].text;
      field.focus();
      field.setSelectionRange(steps[at].from, steps[at].to);
      changed();
      field.dispatchEvent(new Event('input', { bubbles: true }));
    }
    return { note, go, can: (by) => Boolean(steps[at + by]), pause: () => { last = 0; } };
  }

  function edit(root) {
    const form = $('[data-form]', root);
    const field = $('[data-text]', root);
    const preview = $('[data-preview]', root);
    const said = $('[data-preview-say]', root);
    const saved = $('[data-saved]', root);
    const banner = $('[data-kept]', root);
    const rows = $('[data-pages]', root);
    const revision = form.elements.revision;
    const page = $('[data-page]', root);
    const { draft, user, address } = root.dataset;
    const store = window.commonground.kept;
    const title = document.title;
    let shownPage = Number(root.dataset.at);
    let asked = null; // the preview that is under way
    let kept = 'unsaved' in root.dataset ? null : field.value; // as the server has it
    let saving = null;
    let stopped = false; // somebody else changed the draft: the button compares
    let out = false; // the session is over
    let submitting = false;
    let bad = new Set();

    // ---- Where the cursor is -------------------------------------------------------------------------------------------

    const lineOf = (at) => field.value.slice(0, at).split('\n').length;
    const startOf = (line) => field.value.split('\n').slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
    /** Places as the server counts them, in characters and not in halves of them. */
    const toServer = (at) => Array.from(field.value.slice(0, at)).length;
    const fromServer = (at, text) => Array.from(text).slice(0, at).join('').length;

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

    // ---- Changing the text from outside ----------------------------------------------------------------------------------

    const steps = history(field, buttons);
    function buttons() {
      for (const button of root.querySelectorAll('[data-step]')) {
        button.disabled = !steps.can(button.dataset.step === 'back' ? -1 : 1);
      }
    }

    /** Another text, as one step that can be undone; ``from`` and ``to`` are marked. */
    function change(text, from, to) {
      steps.note(true);
      field.value = text;
      if (from !== undefined) field.setSelectionRange(from, to ?? from);
      steps.note(true);
      field.dispatchEvent(new Event('input', { bubbles: true }));
    }

    // ---- Title and readers: lines of the settings, as fields ------------------------------------------------------------

    const settings = $('[data-settings]', root);
    const fields = [...settings.querySelectorAll('[data-setting]')];
    /** Where the settings of the text begin and end (lines), or null where it has none. */
    function front(lines) {
      const end = lines.findIndex((line, n) => n > 0 && /^(---|\.\.\.)\s*$/.test(line));
      return lines[0].trim() === '---' && end > 0 ? end : 0;
    }
    function readSettings() {
      const lines = field.value.split('\n');
      const end = front(lines);
      settings.hidden = !end;
      for (const one of fields) {
        if (one === document.activeElement) continue; // it is being written
        const line = lines.slice(1, end).find((text) => text.startsWith(`${one.dataset.setting}:`)) || '';
        let value = line.slice(line.indexOf(':') + 1).trim();
        if (/^[>|]/.test(value)) value = ''; // over several lines: it is read in the text
        else if (/^".*"$/.test(value)) try { value = JSON.parse(value); } catch { value = value.slice(1, -1); }
        else if (/^'.*'$/.test(value)) value = value.slice(1, -1).replace(/''/g, "'");
        one.value = value || (one.dataset.setting === 'audience' ? 'public' : '');
      }
    }
    function writeSetting(one) {
      const name = one.dataset.setting;
      const value = one.value.replace(/\s+/g, ' ').trim();
      const lines = field.value.split('\n');
      const end = front(lines);
      if (!end) return;
      const at = lines.slice(0, end).findIndex((text) => text.startsWith(`${name}:`));
      const line = `${name}: ${JSON.stringify(value)}`.replace(/^(audience: )"(.*)"$/, '$1$2');
      let rest = at + 1; // a value may run on over indented lines
      while (at > 0 && rest < end && /^\s+\S/.test(lines[rest])) rest += 1;
      if (at > 0) lines.splice(at, rest - at, line);
      else lines.splice(1, 0, line);
      if (lines.join('\n') === field.value) return;
      field.value = lines.join('\n');
      field.dispatchEvent(new Event('input', { bubbles: true })); // kept, saved and undone like what is typed in the text
    }
    for (const one of fields) {
      one.addEventListener('focus', () => steps.pause()); // what is typed here is a step of its own
      one.addEventListener('input', () => writeSetting(one));
    }

    // ---- Preview ------------------------------------------------------------------------------------------------------------

    async function look(more = {}) {
      asked?.abort();
      const mine = (asked = new AbortController());
      const body = new URLSearchParams({ text: field.value, line: String(lineOf(field.selectionStart)), ...more });
      preview.classList.add('waiting');
      try {
        const response = await post('/preview', body, mine.signal);
        if (!response) return;
        if (!response.ok) throw new Error(`the server answered ${response.status}`);
        const answer = await response.json();
        preview.innerHTML = answer.html; // drawn and escaped by the server
        if (more.action) {
          const there = rows.contains(document.activeElement); // by keyboard: the buttons keep the focus
          change(answer.text);
          clearTimeout(lookLater);
          if (!there) goTo(answer.line);
        }
        bad = new Set(answer.lines);
        shownPage = answer.page;
        page.value = answer.page;
        said.textContent = answer.faults ? '' : 'Nothing stands in the way of publishing this page.';
        list(answer.names);
        number();
        root.dispatchEvent(new CustomEvent('commonground:preview', { bubbles: true }));
      } catch (error) {
        if (error.name === 'AbortError') return;
        said.textContent = `The preview could not be made: ${error.message}.`;
      } finally {
        if (asked === mine) preview.classList.remove('waiting');
      }
    }

    /** An answer of the server, or null when the session is over. */
    async function post(where, body, signal) {
      const headers = { Accept: 'application/json', 'X-Autosave': '1' };
      const response = await fetch(address + where, { method: 'POST', body, signal, headers });
      if (response.status !== 401) return response;
      signedOut((await response.json().catch(() => ({}))).sign_in);
      return null;
    }

    /** The rows of the list of pages. The button that had the focus has it again. */
    function list(names) {
      const focused = rows.contains(document.activeElement) && document.activeElement;
      const what = focused && (focused.getAttribute('aria-label') || '').replace(/ \d+/, '');
      rows.innerHTML = names;
      draggable();
      if (focused) {
        const row = $('.here', rows) || rows.firstElementChild;
        const same = [...row.querySelectorAll('button')].find((one) => (one.getAttribute('aria-label') || '').replace(/ \d+/, '') === what);
        (same && !same.disabled ? same : $('.page-name', row)).focus();
      }
    }

    // ---- Saving, and keeping what is not saved ---------------------------------------------------------------------------------

    const unsaved = () => field.value !== kept;

    function state(words) {
      saved.textContent = words;
      saved.classList.toggle('unsaved', unsaved());
      document.title = `${unsaved() ? '• ' : ''}${title}`;
    }

    function keep() {
      if (!unsaved()) store.clear(draft, user);
      else if (!store.write(draft, user, field.value, revision.value) && !out) {
        state('Not saved, and this device keeps no copy: press Save');
      }
    }

    function signedOut(way) {
      out = true;
      keep();
      state('Not saved: you are signed out');
      const link = document.createElement('a');
      link.href = way || `/sign-in?next=${encodeURIComponent(address)}`;
      link.textContent = 'Sign in again';
      const words = document.createElement('p');
      words.append('You are signed out. Nothing is lost: your words are kept on this device. ', link, ', and they are here again.');
      banner.replaceChildren(words);
      banner.hidden = false;
    }

    async function save() {
      if (stopped || saving || !unsaved()) return;
      const text = field.value;
      state('Saving …');
      saving = post('', new URLSearchParams({ text, revision: revision.value }));
      try {
        const response = await saving;
        if (response) {
          const answer = await response.json();
          if (response.ok) {
            revision.value = answer.revision;
            kept = text;
            keep();
            out = false;
            root.querySelector(':scope > .error-summary')?.remove(); // what it told of is over
            state(unsaved() ? 'Not saved yet' : `Saved at ${clock(Date.now())}`);
          } else {
            stopped = response.status === 409; // what a colleague wrote is not written over; the button compares
            state(answer.message || 'Not saved');
          }
        }
      } catch {
        state('Not saved: the server does not answer. Your words are kept on this device.');
        clearTimeout(saveLater);
        saveLater = setTimeout(save, 4 * SAVE_MS); // it may be back
      }
      saving = null;
    }

    /** Words that were written before, and that the server has never got. */
    function bringBack() {
      const copy = store.read(draft, user);
      if ('unsaved' in root.dataset || !copy || copy.text === field.value) {
        if (copy && copy.text === field.value) store.clear(draft, user);
        return;
      }
      const when = `${new Date(copy.at).toLocaleDateString('en-GB', { day: 'numeric', month: 'long' })}, ${clock(copy.at)}`;
      const words = document.createElement('p');
      const drop = document.createElement('button');
      drop.type = 'button';
      drop.className = 'button-quiet';
      if (copy.revision === revision.value) {
        words.textContent = `Your words of ${when} were not saved. They are in the text again, and are being saved now.`;
        drop.textContent = 'Take them out again';
        drop.addEventListener('click', () => { steps.go(-1); banner.hidden = true; });
        change(copy.text);
        saveLater = setTimeout(save, SAVE_MS);
        lookLater = setTimeout(look, PREVIEW_MS);
      } else {
        words.textContent = `Your words of ${when} were not saved, and the draft was changed since. They are kept on this device.`;
        drop.textContent = 'Put them in, and compare when saving';
        drop.addEventListener('click', () => {
          revision.value = copy.revision; // Save then shows both texts
          stopped = true;
          change(copy.text);
          banner.hidden = true;
        });
        holding = true;
      }
      words.append(' ', drop);
      banner.replaceChildren(words);
      banner.hidden = false;
    }
    let holding = false; // an older copy that is not in the text: it is not written over before somebody types

    // the form must carry the revision that a save under way will have made
    form.addEventListener('submit', async (event) => {
      const action = event.submitter?.value || 'save';
      if (/^(show|up|down|add|remove):/.test(action)) {
        event.preventDefault();
        look({ action });
        return;
      }
      clearTimeout(saveLater);
      if (submitting) return;
      event.preventDefault();
      submitting = true;
      await saving?.catch?.(() => {});
      if (unsaved() && !stopped) await save(); // so that a session that is over, or a server that is away, is told here
      if (out || (unsaved() && !stopped)) {
        submitting = false;
        return;
      }
      if (action === 'save' && !stopped) {
        submitting = false;
        state(`Saved at ${clock(Date.now())}`);
        return;
      }
      setTimeout(() => form.requestSubmit(event.submitter), 0);
    });
    root.addEventListener('submit', (event) => {
      if ('discard' in event.target.dataset && !event.defaultPrevented) {
        kept = field.value;
        store.clear(draft, user);
      }
    });

    // ---- Pages that are dragged -------------------------------------------------------------------------------------------------

    let held = null;
    function draggable() {
      for (const row of rows.children) {
        row.draggable = true;
        $('[data-grip]', row).hidden = false;
      }
    }
    const rowAt = (event) => event.target.closest?.('[data-row]');
    rows.addEventListener('dragstart', (event) => {
      held = rowAt(event);
      event.dataTransfer.effectAllowed = 'move';
      event.dataTransfer.setData('text/plain', held.dataset.row);
    });
    rows.addEventListener('dragover', (event) => {
      const over = rowAt(event);
      if (!held || !over) return;
      event.preventDefault();
      for (const row of rows.children) row.classList.remove('drop-before', 'drop-after');
      if (over !== held) over.classList.add(Number(over.dataset.row) < Number(held.dataset.row) ? 'drop-before' : 'drop-after');
    });
    rows.addEventListener('drop', (event) => {
      const over = rowAt(event);
      if (!held || !over || over === held) return;
      event.preventDefault();
      look({ action: `move:${held.dataset.row}`, to: over.dataset.row });
    });
    rows.addEventListener('dragend', () => {
      held = null;
      for (const row of rows.children) row.classList.remove('drop-before', 'drop-after');
    });

    // ---- Listening --------------------------------------------------------------------------------------------------------

    let lookLater = 0;
    let saveLater = 0;
    let keepLater = 0;
    field.addEventListener('input', () => {
      steps.note();
      number();
      readSettings();
      clearTimeout(lookLater);
      clearTimeout(saveLater);
      clearTimeout(keepLater);
      holding = false;
      lookLater = setTimeout(look, PREVIEW_MS);
      keepLater = setTimeout(keep, 200);
      if (!out) saveLater = setTimeout(save, SAVE_MS);
      if (!stopped && !out) state(unsaved() ? 'Not saved yet' : 'Saved');
    });
    const moved = () => {
      const heads = [...rows.querySelectorAll('.page-name')].map((button) => Number(button.dataset.line));
      const line = lineOf(field.selectionStart);
      const at = Math.max(1, heads.filter((head) => head <= line).length);
      if (at === shownPage) return;
      clearTimeout(lookLater);
      lookLater = setTimeout(look, 150);
    };
    field.addEventListener('keyup', moved);
    field.addEventListener('click', moved);
    root.addEventListener('keydown', (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || event.target.closest('dialog')) return;
      const key = event.key.toLowerCase();
      if (key === 's') save();
      else if (key === 'z' && (event.target === field || event.target === document.body)) steps.go(event.shiftKey ? 1 : -1);
      else if (key === 'y' && event.target === field) steps.go(1);
      else return;
      event.preventDefault();
    });
    window.addEventListener('pagehide', () => {
      if (submitting || holding) return;
      keep();
      if (!stopped && !out && unsaved() && !saving) {
        fetch(address, {
          method: 'POST', keepalive: true, headers: { 'X-Autosave': '1' },
          body: new URLSearchParams({ text: field.value, revision: revision.value }),
        }).catch(() => {});
      }
    });

    root.addEventListener('click', (event) => {
      const step = event.target.closest('[data-step]');
      if (step) steps.go(step.dataset.step === 'back' ? -1 : 1);
      const line = event.target.closest('[data-line]');
      if (line) {
        event.preventDefault();
        goTo(Number(line.dataset.line), !line.classList.contains('page-name'));
        moved();
      }
    });

    for (const button of root.querySelectorAll('[data-step], [data-tools], [data-insert], [data-insert-block]')) button.hidden = false;
    buttons();
    draggable();
    number();
    readSettings();
    const here = $('.here .page-name', rows);
    if (here && Number(root.dataset.at) > 1) goTo(Number(here.dataset.line));
    bad = new Set([...preview.querySelectorAll('.faults [data-line]')].map((link) => Number(link.dataset.line)));
    number();
    bringBack();
    return { root, field, address, look, save, goTo, change, post, toServer, fromServer };
  }

  const start = () => {
    const root = $('[data-editor]');
    if (root) window.commonground = Object.assign(window.commonground || {}, { editor: edit(root) });
    document.dispatchEvent(new Event('commonground:editor'));
  };
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', start);
  else start();
})();
