/** The grid of the table twin: fresh rows after each choice, and the row in focus shown on the map. */
(function () {
  'use strict';
  const grid = () => window.dash_ag_grid && window.dash_ag_grid.getApiAsync && document.getElementById('table');

  let loading = null;

  /** Fetch the grid's script when the table is opened for the first time, then ask the server for the grid. */
  function load(url) {
    loading ||= new Promise((resolve, reject) => {
      if (window.dash_ag_grid) {
        resolve();
        return;
      }
      const script = document.createElement('script');
      script.src = url;
      script.onload = resolve;
      script.onerror = () => reject(new Error(`${url} could not be loaded`));
      document.head.append(script);
    }).then(
      () => window.dash_clientside.set_props('table-wanted', { data: 1 }),
      (error) => {
        loading = null; // closing and opening the table tries again
        console.error(error);
      },
    );
  }

  let rowsOf = '';

  /**
   * Clientside callback on the selection: the rows that the grid holds are of another choice now. An area that was chosen changes
   * none of them; made anew they would lose the focus of whoever chose it there.
   */
  function refresh(selection) {
    const before = rowsOf;
    rowsOf = JSON.stringify({ ...selection, area: '' });
    if (grid() && rowsOf !== before) {
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

  /** On a phone the pinned name would leave no room for the figures. */
  function narrowName(params) {
    const room = document.getElementById('table')?.clientWidth || 0;
    if (room) params.api.setColumnWidths([{ key: 'name', newWidth: room < 600 ? Math.max(120, Math.round(room * 0.38)) : 290 }]);
  }

  /** Answer to the grid's question where Tab goes: out, as the browser does it. */
  const leaveGrid = () => false;

  const functions = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});
  functions.commonground = Object.assign(functions.commonground || {}, {
    onCellFocused, onRowSelected, onCellKeyDown, narrowName, leaveGrid,
  });
  window.commonground = Object.assign(window.commonground || {}, { table: { load } });
  window.dash_clientside = Object.assign(window.dash_clientside || {}, { commonground_table: { refresh } });
})();
