// Reads links with the browser's own scripts. Standard input: {scripts, queries, catalogue, rows}; output: one answer for each link.
'use strict';
const fs = require('fs');
const vm = require('vm');

const given = JSON.parse(fs.readFileSync(0, 'utf8'));
const window = { dash_clientside: { no_update: null }, addEventListener() {} };
const document = { addEventListener() {}, getElementById: (id) => (id === 'question' ? { textContent: JSON.stringify(given.rows) } : null), querySelector: () => null };
const context = vm.createContext({ window, document, console, URLSearchParams, structuredClone, requestAnimationFrame() {}, setTimeout });
for (const file of given.scripts) vm.runInContext(fs.readFileSync(file, 'utf8'), context, { filename: file });

// what the code that is recorded calls things: older names come last
const { question = {}, selection: script } = window.commonground;
const { fromQuery, toQuery, classesQuery, needs } = { ...script, ...question };
const valid = script.makeValid || script.settle;
const options = (selection) => {
  const { data, hidden, period, ...rest } = script.options(selection, given.catalogue);
  if (!data) return { period, ...rest };
  const { need, show, services, level, bands, journey, group } = data;
  return {
    need, show, services, period: data.period, periodValue: period, periodHidden: hidden.period, level, bands, journey, group,
    journeyHidden: hidden.journey, groupHidden: hidden.group, kmHidden: hidden['max-km'], minutesHidden: hidden['max-min'],
    detourHidden: hidden.detour, ...rest,
  };
};
const attempt = (make) => {
  try {
    return make();
  } catch (error) {
    return `fails: ${error.message}`;
  }
};
const answers = given.queries.map((query) => {
  const selection = attempt(() => fromQuery(`?${query}`));
  if (typeof selection === 'string') return { selection };
  const settled = attempt(() => valid(selection, given.catalogue, false));
  const narrowed = attempt(() => valid(selection, given.catalogue, true));
  const offered = attempt(() => options(settled));
  const { need, services, ...rest } = offered;
  return {
    selection,
    written: toQuery(selection),
    classes: classesQuery(selection),
    needs: needs(selection.need),
    settled: attempt(() => toQuery(settled)),
    narrowed: attempt(() => toQuery(narrowed)),
    journey: attempt(() => script.journeyOf(settled)),
    offered: { need: attempt(() => need.length), services: attempt(() => services.length), ...rest },
  };
});
process.stdout.write(JSON.stringify(answers));
