/**
 * What the editor puts into the text: a number, a map, chart or table, a picture. The server writes it out with the layers and
 * areas of the region that is served, says what it says, and puts it where the cursor is; nothing is saved before it is.
 */
(function () {
  'use strict';
  const WAIT_MS = 250;
  const $ = (selector, root = document) => root.querySelector(selector);

  function pickers(editor) {
    const { root, field } = editor;

    /** What the server makes of a choice with the cursor where it is. */
    async function ask(kind, what, chosen = {}, signal) {
      const body = new URLSearchParams({ text: field.value, at: editor.toServer(field.selectionStart), kind, what, ...chosen });
      const response = await editor.post('/pick', body, signal);
      if (!response) return { fault: 'You are signed out.' };
      return response.ok ? response.json() : { fault: `The server answered ${response.status}.` };
    }

    function put(answer) {
      editor.change(answer.text, editor.fromServer(answer.start, answer.text), editor.fromServer(answer.end, answer.text));
      const line = answer.text.slice(0, field.selectionStart).split('\n').length;
      const [from, to] = [field.selectionStart, field.selectionEnd];
      editor.goTo(line);
      field.setSelectionRange(from, to);
    }

    // ---- A number, or a map, chart or table ---------------------------------------------------------------------------------

    function picker(dialog) {
      const kind = dialog.dataset.pick;
      const what = $('[name=what]', dialog);
      const says = $('[data-says]', dialog);
      const button = $('[data-put]', dialog);
      const area = $('[name=area]', dialog);
      const areas = $('datalist', dialog);
      const codes = new Map(); // what is read -> its code
      let later = 0;
      let asked = null;
      let answer = null;
      let told = ''; // the choice that the answer is of

      const fields = () => [...dialog.querySelectorAll('[data-field]')];
      function shown() {
        const wants = (what.selectedOptions[0]?.dataset.wants || '').split(' ');
        for (const one of fields()) one.hidden = !wants.includes(one.dataset.field);
      }

      function chosen() {
        const out = {};
        for (const one of fields()) {
          const input = $('select, input', one);
          if (!one.hidden && input.value) out[input.name] = input === area ? codes.get(input.value) || input.value : input.value;
        }
        return out;
      }

      async function tell() {
        asked?.abort();
        const mine = (asked = new AbortController());
        told = wanted();
        button.disabled = true;
        says.textContent = '…';
        try {
          answer = await ask(kind, what.value, chosen(), mine.signal);
        } catch (error) {
          if (error.name === 'AbortError') return;
          answer = { fault: 'The server does not answer.' };
        }
        if (asked !== mine) return;
        says.textContent = answer.fault || `${kind === 'token' ? 'It says now' : 'It shows'}: ${answer.says}`;
        says.classList.toggle('field-error', Boolean(answer.fault));
        button.disabled = Boolean(answer.fault);
      }
      const wanted = () => JSON.stringify([what.value, chosen()]);
      const soon = () => {
        if (wanted() === told) return; // a field that was left says once more what it has said
        clearTimeout(later);
        button.disabled = true;
        later = setTimeout(tell, WAIT_MS);
      };

      what.addEventListener('change', shown);
      dialog.addEventListener('change', soon);
      dialog.addEventListener('input', soon);
      area.addEventListener('input', async () => {
        const typed = area.value.trim();
        if (typed.length < 2 || codes.has(typed)) return;
        const response = await fetch(`${editor.address}/areas?q=${encodeURIComponent(typed)}`).catch(() => null);
        if (!response?.ok || area.value.trim() !== typed) return;
        const found = (await response.json()).areas;
        areas.replaceChildren(...found.map((one) => {
          codes.set(one.name, one.code);
          return Object.assign(document.createElement('option'), { value: one.name });
        }));
        if (found.length === 1 && !codes.has(typed)) codes.set(typed, found[0].code);
        soon();
      });
      dialog.addEventListener('keydown', (event) => {
        if (event.key === 'Enter' && event.target.matches('input, select')) {
          event.preventDefault();
          if (!button.disabled) button.click();
        }
      });
      button.addEventListener('click', () => {
        dialog.close();
        put(answer);
      });
      return (name) => {
        if (name) what.value = name;
        shown();
        dialog.showModal();
        tell();
      };
    }

    // ---- A picture -----------------------------------------------------------------------------------------------------------

    function pictures(dialog) {
      const form = $('form', dialog);
      const says = $('[data-says]', dialog);
      async function send(more) {
        const body = new FormData();
        for (const [name, value] of Object.entries({ text: field.value, at: editor.toServer(field.selectionStart), ...more })) body.set(name, value);
        if (form.elements.logo.checked) body.set('logo', 'yes');
        says.classList.remove('field-error');
        says.textContent = 'On its way …';
        const response = await editor.post('/pictures', body).catch(() => null);
        const answer = response ? await response.json().catch(() => ({})) : {};
        if (!response?.ok) {
          says.classList.add('field-error');
          says.textContent = answer.fault || answer.message || 'It could not be sent.';
          return;
        }
        says.textContent = '';
        form.reset();
        dialog.close();
        put(answer);
      }
      $('[data-put]', dialog).addEventListener('click', () => {
        const file = form.elements.picture.files[0];
        const alt = form.elements.alt.value.trim();
        says.classList.add('field-error');
        if (!file) says.textContent = 'Choose a picture.';
        else if (alt.length < 3) {
          says.textContent = 'Say in words what is to be seen.';
          form.elements.alt.focus();
        } else send({ picture: file, alt });
      });
      dialog.addEventListener('click', (event) => {
        const old = event.target.closest('[data-picture]');
        if (old) send({ id: old.dataset.picture, alt: old.dataset.alt });
      });
      return () => dialog.showModal();
    }

    const open = {
      'pick-token': picker($('#pick-token')),
      'pick-exhibit': picker($('#pick-exhibit')),
      'pick-picture': pictures($('#pick-picture')),
    };
    root.addEventListener('click', async (event) => {
      const opens = event.target.closest('[data-open]');
      if (opens) open[opens.dataset.open]();
      const inserts = event.target.closest('[data-insert], [data-insert-block]');
      if (!inserts) return;
      const kind = 'insertBlock' in inserts.dataset ? 'exhibit' : 'token';
      const name = inserts.dataset.insertBlock ?? inserts.dataset.insert;
      const answer = await ask(kind, name).catch(() => ({ fault: 'The server does not answer.' }));
      if (answer.fault) open[`pick-${kind}`](name); // something has to be chosen first
      else put(answer);
    });
  }

  const start = () => window.commonground?.editor && pickers(window.commonground.editor);
  if (window.commonground?.editor) start();
  else document.addEventListener('commonground:editor', start);
})();
