"""The table twin of the map: the same areas, values, classes, statuses and units, sortable, filterable, as CSV."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views import wording
from dashboard.views.choropleth import Choropleth, choropleth
from dashboard.views.places import names
from layers import Viewer

COLUMNS = {
    "name": "Area",
    "lad": "Authority",
    "ward": "Ward",
    "value": "Value",
    "lower": "Lower 95% limit",
    "upper": "Upper 95% limit",
    "band": "Band",
    "rank": "Rank",
    "status": "Status",
    "code": "Code",
}
NUMBERS = {"value", "lower", "upper", "rank"}
MOST_ROWS = 1000
"""Rows in one block; the grid asks for 200."""


@lru_cache(maxsize=8)
def full_table(published: Published, chart: Choropleth) -> pd.DataFrame:
    """Every area in view, in area order, with the columns of :data:`COLUMNS`, residents and unit. Index: place in area order.

    Kept, because the grid asks for it block by block: callers do not change it."""
    areas = published.region.areas[chart.level]
    lads, wards = names(published, "lad"), names(published, "ward")
    frame = chart.frame
    table = pd.DataFrame(
        {
            "name": areas["name"].to_numpy(),
            "lad": [lads.get(code, "") for code in areas["lad_code"]],
            "ward": [wards.get(code, "") for code in areas["ward_code"]],
            "value": frame["value"].to_numpy(),
            "lower": frame["lower"].to_numpy(),
            "upper": frame["upper"].to_numpy(),
            "band": np.array([chart.band_name(code) for code in range(256)], dtype=object)[chart.classes],
            "rank": chart.rank,
            "status": frame["status"].map(wording.STATUS_WORDS).to_numpy(),
            "code": areas["code"].to_numpy(),
            "residents": areas["population"].to_numpy(),
            "numerator": frame["numerator"].to_numpy(),
            "denominator": frame["denominator"].to_numpy(),
        }
    )
    return table[chart.in_view]


def page_of_rows(
    table: pd.DataFrame, sort: Sequence[Mapping[str, Any]], filters: Mapping[str, Any], start: int, end: int
) -> tuple[list[dict[str, Any]], int]:
    """Rows ``start`` to ``end`` after the grid's filters and sorting, and how many rows are left in all.

    ``sort`` and ``filters`` are the grid's own models (``[{"colId", "sort"}]``, ``{column: {filterType, type, filter ...}}``).
    Areas without a value always come last. Unknown columns and filters are ignored.
    """
    order = row_order(table, sort, filters)
    return rows_at(table, order[max(start, 0) : max(end, 0)]), len(order)


def row_order(table: pd.DataFrame, sort: Sequence[Mapping[str, Any]], filters: Mapping[str, Any]) -> np.ndarray:
    """Positions of the rows that pass the filters, sorted."""
    order = np.arange(len(table))
    for column, model in (filters or {}).items():
        if column in COLUMNS and isinstance(model, Mapping):
            order = order[_matches(table[column].iloc[order], model)]
    keys = [item for item in sort or [] if item.get("colId") in COLUMNS]
    for item in reversed(keys or [{"colId": "rank", "sort": "asc"}]):
        column = table[item["colId"]].iloc[order]
        order = order[np.argsort(_sortable(column, descending=item.get("sort") == "desc"), kind="stable")]
    return order


def rows_at(table: pd.DataFrame, positions: np.ndarray) -> list[dict[str, Any]]:
    """Rows as JSON types, None for what is not a number, with ``index``, the place in area order."""
    part = table.iloc[positions]
    columns = {"index": part.index.tolist()}
    for name in COLUMNS:
        column = part[name].to_numpy()
        if name in NUMBERS:
            column = np.where(np.isnan(column), None, column.astype(object))
        columns[name] = column.tolist()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def rows_for_grid(
    published: Published, selection: Selection, viewer: Viewer, request: Mapping[str, Any] | None
) -> dict:
    """Answer one block request of the grid: ``{"rowData", "rowCount"}``."""
    chart = choropleth(published, selection, viewer)
    if chart is None or not request:
        return {"rowData": [], "rowCount": 0}
    start, end = (max(int(request.get(name) or 0), 0) for name in ("startRow", "endRow"))
    wanted = json.dumps([request.get("sortModel") or [], request.get("filterModel") or {}], sort_keys=True)
    order = _kept_order(published, chart, wanted)
    rows = rows_at(full_table(published, chart), order[start : min(end, start + MOST_ROWS)])
    for row in rows:
        row["decimals"] = chart.decimals
    return {"rowData": rows, "rowCount": len(order)}


@lru_cache(maxsize=16)
def _kept_order(published: Published, chart: Choropleth, wanted: str) -> np.ndarray:
    """The order for one sorting and filtering: somebody who scrolls asks for it again with every block."""
    sort, filters = json.loads(wanted)
    return row_order(full_table(published, chart), sort, filters)


def as_csv(published: Published, chart: Choropleth) -> str:
    """The whole table as CSV, with what the numbers are, from when and from whom in the first lines.

    Text cells that a spreadsheet would run as a formula get an apostrophe in front; numbers stay numbers.
    """
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\r\n")
    for line in provenance(published, chart):
        write.writerow([safe_cell(line)])
    table = full_table(published, chart)
    heads = dict(COLUMNS, residents="Residents", numerator="Numerator", denominator="Denominator")
    write.writerow([*heads.values(), "Unit"])
    unit = safe_cell(chart.unit)
    for row in zip(*(as_cells(table[name]) for name in heads), strict=True):
        write.writerow([*row, unit])
    return out.getvalue()


def provenance(published: Published, chart: Choropleth) -> list[str]:
    """What must go with every export: notice, title, period, unit, bands, source, licence, version and date."""
    descriptor = chart.layer.descriptor
    lines = [published.region.notice] if published.region.notice else []
    lines.append(f"{descriptor.title}{', ' + chart.period if chart.period else ''}, {descriptor.unit}")
    lines.append(f"{published.region.name}, by {wording.LEVEL_WORDS[chart.level][0]}; {chart.basis}")
    for source in descriptor.sources:
        credit = [source.title, source.publisher, source.url, source.licence or descriptor.licence, source.attribution]
        lines.append("Source: " + ", ".join(part for part in credit if part))
    lines.append(
        f"Layer {chart.layer.id}, version {chart.layer.version}, published {str(chart.layer.published_at)[:10]}"
    )
    if descriptor.caveats:
        lines.append(f"Please note: {descriptor.caveats}")
    return lines


def safe_cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\0") else text


def as_cells(column: pd.Series) -> list[str]:
    """A column as cells of a CSV file: ten figures of a number, nothing for none, text that no spreadsheet runs."""
    if column.dtype == "float64":
        return ["" if math.isnan(value) else f"{value:.10g}" for value in column.tolist()]
    return [safe_cell(text) for text in column.tolist()]


def _sortable(column: pd.Series, *, descending: bool) -> np.ndarray:
    if column.name in NUMBERS:
        numbers = column.to_numpy(dtype="float64")
        return np.where(np.isnan(numbers), np.inf, -numbers if descending else numbers)
    _, order = np.unique([text.casefold() for text in column.tolist()], return_inverse=True)
    return -order if descending else order


def _matches(column: pd.Series, model: Mapping[str, Any]) -> np.ndarray:
    if "conditions" in model:
        masks = [_matches(column, part) for part in model["conditions"] if isinstance(part, Mapping)]
        combine = np.logical_or if model.get("operator") == "OR" else np.logical_and
        return combine.reduce(masks) if masks else np.ones(len(column), bool)
    wanted, kind = model.get("filter"), model.get("type")
    if column.name in NUMBERS:
        return _number_matches(column.to_numpy(dtype="float64"), kind, wanted, model.get("filterTo"))
    text, needle = column.astype(str).str.casefold(), str(wanted or "").casefold()
    tests = {
        "contains": lambda: text.str.contains(needle, regex=False),
        "notContains": lambda: ~text.str.contains(needle, regex=False),
        "equals": lambda: text == needle,
        "notEqual": lambda: text != needle,
        "startsWith": lambda: text.str.startswith(needle),
        "endsWith": lambda: text.str.endswith(needle),
        "blank": lambda: text == "",
        "notBlank": lambda: text != "",
    }
    return tests[kind]().to_numpy() if kind in tests else np.ones(len(column), bool)


def _number_matches(numbers: np.ndarray, kind: str | None, wanted: Any, until: Any) -> np.ndarray:
    try:
        low = float(wanted) if wanted is not None else np.nan
        high = float(until) if until is not None else np.nan
    except (TypeError, ValueError):
        return np.ones(len(numbers), bool)
    tests = {
        "equals": lambda: numbers == low,
        "notEqual": lambda: numbers != low,
        "greaterThan": lambda: numbers > low,
        "greaterThanOrEqual": lambda: numbers >= low,
        "lessThan": lambda: numbers < low,
        "lessThanOrEqual": lambda: numbers <= low,
        "inRange": lambda: (numbers >= low) & (numbers <= high),
        "blank": lambda: np.isnan(numbers),
        "notBlank": lambda: ~np.isnan(numbers),
    }
    return tests[kind]() if kind in tests else np.ones(len(numbers), bool)
