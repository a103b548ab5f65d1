/** The grid of the table twin: fresh rows after each choice, and the row in focus shown on the map. */
(function () {
  'use strict';
  const grid = () => window.dash_ag_grid && window.dash_ag_grid.getApiAsync && document.getElementById('table');

  /** Clientside callback on the selection: the rows that the grid holds are of another choice now. */
  function refresh() {
    if (grid()) {
      window.dash_ag_grid
        .getApiAsync('table')
        .then((api) => api.purgeInfiniteCache())
        .catch(() => {}); // the table is not open
    }
    return window.dash_clientside.no_update;
  }

  /** Keyboard: a row that gets the focus lights up on the map and fills the reading card. */
  function onCellFocused(params) {
    const row = params.rowIndex === null ? null : params.api.getDisplayedRowAtIndex(params.rowIndex);
    if (row && row.data) window.commonground.explore.fromTable(row.data.index, false);
  }

  /** Enter, Space or a click on a row opens its area. */
  function onRowSelected(params) {
    if (params.node.isSelected() && params.data) window.commonground.explore.fromTable(params.data.index, true);
  }

  function onCellKeyDown(params) {
    if (params.event.key === 'Enter' && params.node.data) window.commonground.explore.fromTable(params.node.data.index, true);
  }

  const functions = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});
  functions.commonground = Object.assign(functions.commonground || {}, { onCellFocused, onRowSelected, onCellKeyDown });
  window.dash_clientside = Object.assign(window.dash_clientside || {}, { commonground_table: { refresh } });
})();
