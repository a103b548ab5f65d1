/**
 * The weighted need set: one slider per indicator, made here so that moving one answers at once. Each change goes to the one writer
 * of the selection as a new need, "a=2,b=1".
 */
(function () {
  'use strict';
  const STEPS = [0, 0.25, 0.5, 1, 1.5, 2, 3, 4];
  let shown = '';
  const REST_MS = 120;
  let waiting = 0;
  let resting = 0;

  const box = () => document.getElementById('weights');

  function send() {
    const parts = [...box().querySelectorAll('input[type=range]')]
      .map((slider) => [slider.dataset.id, STEPS[Number(slider.value)]])
      .filter(([, weight]) => weight > 0);
    if (!parts.length) return;
    shown = window.commonground.question.weighted(parts);
    const { explore, selection } = window.commonground;
    const { state } = explore;
    // the map follows at once; the words, the address and the lists come when the slider rests
    if (state.selection) explore.show(selection.makeValid({ ...state.selection, need: shown }, state.config.catalogue, false), state.config);
    clearTimeout(resting);
    resting = setTimeout(() => window.dash_clientside.set_props('weights-need', { data: { need: shown, n: Date.now() } }), REST_MS);
  }

  /** At most one change a frame, however fast the slider is dragged. */
  function soon() {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(send);
  }

  function row(id, title, weight) {
    const line = document.createElement('div');
    line.className = 'weight';
    const label = document.createElement('label');
    const slider = document.createElement('input');
    const output = document.createElement('output');
    slider.type = 'range';
    slider.min = 0;
    slider.max = STEPS.length - 1;
    slider.step = 1;
    slider.value = STEPS.reduce((best, step, i) => (Math.abs(step - weight) < Math.abs(STEPS[best] - weight) ? i : best), 0);
    slider.dataset.id = id;
    slider.id = `weight-${id}`;
    label.htmlFor = slider.id;
    label.textContent = title;
    const say = () => {
      const value = STEPS[Number(slider.value)];
      output.textContent = value === 0 ? 'left out' : `× ${value}`;
      slider.setAttribute('aria-valuetext', output.textContent);
    };
    say();
    slider.addEventListener('input', () => {
      say();
      soon();
    });
    line.append(label, slider, output);
    return line;
  }

  /** Sliders for the present need, and a picker that adds one more. */
  function render(selection, catalogue) {
    const target = box();
    if (!target || selection.need === shown) return;
    shown = selection.need;
    const parts = window.commonground.question.needs(selection.need);
    const usable = catalogue.layers.filter((layer) => layer.kind === 'indicator' && layer.usable);
    const title = (id) => (usable.find((layer) => layer.id === id) || { title: id }).title;
    const adder = document.createElement('select');
    adder.id = 'weights-add';
    adder.className = 'text-input';
    adder.append(new Option('Add an indicator …', ''));
    for (const layer of usable) if (!parts.some(([id]) => id === layer.id)) adder.append(new Option(layer.title, layer.id));
    adder.addEventListener('change', () => {
      if (!adder.value) return;
      const need = window.commonground.question.weighted([...parts, [adder.value, 1]]);
      window.dash_clientside.set_props('weights-need', { data: { need, n: Date.now() } });
    });
    const label = document.createElement('label');
    label.htmlFor = adder.id;
    label.className = 'visually-hidden';
    label.textContent = 'Add an indicator to the set';
    target.replaceChildren(...parts.map(([id, weight]) => row(id, title(id), weight)), label, adder);
  }

  document.addEventListener('click', (event) => {
    const preset = event.target.closest('[data-preset]');
    if (preset) window.dash_clientside.set_props('weights-need', { data: { need: preset.dataset.preset, n: Date.now() } });
  });

  window.commonground = Object.assign(window.commonground || {}, { weights: { render } });
})();
