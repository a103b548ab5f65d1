"""The grid of the table twin. Rows come from the server in blocks, so that England's 33,755 areas open as fast as four wards."""

from __future__ import annotations

from collections.abc import Mapping

import dash_ag_grid as dag

from dashboard import ids
from dashboard.views.table import COLUMNS, NUMBERS

for _script in dag._js_dist:
    # The grid is as large as everything else together and most visits never open it: "dynamic" keeps its main script out of the
    # page, and assets/table.js fetches it when the table is opened.
    if not _script.get("async"):
        _script["dynamic"] = True
TABLE_SCRIPT = "/_dash-component-suites/dash_ag_grid/dash_ag_grid.min.js"

_WIDTHS = {"name": 250, "official": 210, "lad": 190, "ward": 190, "band": 120, "status": 220, "code": 130}


def table_columns(heads: Mapping[str, str]) -> list[dict]:
    """Column definitions for the headings of what is shown."""
    columns = []
    for name, title in heads.items():
        numeric = name in NUMBERS
        column = {
            "field": name,
            "headerName": title,
            "filter": "agNumberColumnFilter" if numeric else "agTextColumnFilter",
            "type": "rightAligned" if numeric else None,
            "width": _WIDTHS.get(name, 140),
            "pinned": "left" if name == "name" else None,
        }
        if numeric:
            column["valueFormatter"] = {"function": "commonground.formatCell(params)"}
        columns.append({key: value for key, value in column.items() if value is not None})
    return columns


def table_grid(heads: Mapping[str, str] = COLUMNS) -> dag.AgGrid:
    return dag.AgGrid(
        id=ids.TABLE,
        columnDefs=table_columns(heads),
        defaultColDef={
            "sortable": True,
            "resizable": True,
            "floatingFilter": False,
            "wrapHeaderText": True,
            "autoHeaderHeight": True,
        },
        rowModelType="infinite",
        getRowId="params.data.code",
        dashGridOptions={
            "rowBuffer": 0,
            "cacheBlockSize": 200,
            "maxBlocksInCache": 20,
            "infiniteInitialRowCount": 20,
            # arrow keys walk in the grid, Tab leaves it: ten thousand cells are not ten thousand stops
            "tabToNextCell": {"function": "commonground.leaveGrid()"},
            "tabToNextHeader": {"function": "commonground.leaveGrid()"},
            "rowSelection": {"mode": "singleRow", "checkboxes": False, "enableClickSelection": True},
        },
        eventListeners={
            "cellFocused": ["commonground.onCellFocused(params)"],
            "cellKeyDown": ["commonground.onCellKeyDown(params)"],
            "rowSelected": ["commonground.onRowSelected(params)"],
            "firstDataRendered": ["commonground.narrowName(params)"],
            "gridSizeChanged": ["commonground.narrowName(params)"],
        },
        className="ag-theme-quartz table-grid",
        style={"height": "100%", "width": "100%"},
    )
