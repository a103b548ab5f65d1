"""Rows for the table beside the map: its columns, and the grid's sorting and filtering."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from dashboard.published import Published
from dashboard.views import wording
from dashboard.views.choropleth import Choropleth
from dashboard.views.places import names

COLUMNS = {
    "name": "Area",
    "official": "Official name",
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


def full_table(published: Published, chart: Choropleth) -> pd.DataFrame:
    """Every area in view, in area order, with the columns of :data:`COLUMNS` and residents. Index: place in area order."""
    areas = published.region.areas[chart.level]
    lads, wards = names(published, "lad"), names(published, "ward")
    frame = chart.frame
    table = pd.DataFrame(
        {
            "name": areas["name"].to_numpy(),
            "official": areas["official_name"].to_numpy(),
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


def row_order(table: pd.DataFrame, sort: Sequence[Mapping[str, Any]], filters: Mapping[str, Any]) -> np.ndarray:
    """Positions of the rows that pass the filters, sorted; areas without a value always come last.

    ``sort`` and ``filters`` are the grid's own models (``[{"colId", "sort"}]``, ``{column: {filterType, type, filter ...}}``).
    Unknown columns and filters are ignored.
    """
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
