// Reads links with the browser's own scripts. Standard input: {scripts, queries, catalogue}; output: one answer for each link.
'use strict';
const fs = require('fs');
const vm = require('vm');

const given = JSON.parse(fs.readFileSync(0, 'utf8'));
const window = { dash_clientside: { no_update: null }, addEventListener() {} };
const document = { addEventListener() {}, getElementById: () => null, querySelector: () => null };
const context = vm.createContext({ window, document, console, URLSearchParams, structuredClone, requestAnimationFrame() {}, setTimeout });
for (const file of given.scripts) vm.runInContext(fs.readFileSync(file, 'utf8'), context, { filename: file });

const script = window.commonground.selection;
const attempt = (make) => {
  try {
    return make();
  } catch (error) {
    return `fails: ${error.message}`;
  }
};
const answers = given.queries.map((query) => {
  const selection = attempt(() => script.fromQuery(`?${query}`));
  if (typeof selection === 'string') return { selection };
  const settled = attempt(() => (script.makeValid || script.settle)(selection, given.catalogue, false));
  const narrowed = attempt(() => (script.makeValid || script.settle)(selection, given.catalogue, true));
  const offered = attempt(() => script.options(settled, given.catalogue));
  const { need, services, ...rest } = offered;
  return {
    selection,
    written: script.toQuery(selection),
    classes: script.classesQuery(selection),
    needs: script.needs(selection.need),
    settled: attempt(() => script.toQuery(settled)),
    narrowed: attempt(() => script.toQuery(narrowed)),
    journey: attempt(() => script.journeyOf(settled)),
    offered: { need: attempt(() => need.length), services: attempt(() => services.length), ...rest },
  };
});
process.stdout.write(JSON.stringify(answers));
