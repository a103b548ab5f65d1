"""The table twin of the map: the same areas, values, classes, statuses and units, sortable, filterable, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views import wording
from dashboard.views.choropleth import Choropleth, choropleth
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


def full_table(published: Published, chart: Choropleth) -> pd.DataFrame:
    """Every area in view, in area order, with the columns of :data:`COLUMNS`, residents and unit. Index: place in area order."""
    region, level = published.region, chart.level
    areas = region.areas[level]
    lads = region.areas["lad"].set_index("code")["name"]
    wards = region.areas["ward"].set_index("code")["name"]
    frame = chart.frame
    table = pd.DataFrame(
        {
            "name": areas["name"].to_numpy(),
            "lad": areas["lad_code"].map(lads).fillna("").to_numpy(),
            "ward": areas["ward_code"].map(wards).fillna("").to_numpy(),
            "value": frame["value"].to_numpy(),
            "lower": frame["lower"].to_numpy(),
            "upper": frame["upper"].to_numpy(),
            "band": [chart.band_name(int(code)) for code in chart.classes],
            "rank": chart.rank,
            "status": [wording.STATUS_WORDS[str(status)] for status in frame["status"]],
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
    chosen = table
    for column, model in (filters or {}).items():
        if column in COLUMNS and isinstance(model, Mapping):
            chosen = chosen[_matches(chosen[column], model)]
    keys = [item for item in sort or [] if item.get("colId") in COLUMNS]
    if keys:
        for item in reversed(keys):
            column = chosen[item["colId"]]
            chosen = chosen.iloc[np.argsort(_sortable(column, descending=item.get("sort") == "desc"), kind="stable")]
    else:
        chosen = chosen.iloc[np.argsort(chosen["rank"].to_numpy(), kind="stable")]
    part = chosen.iloc[max(start, 0) : max(end, 0)]
    rows = part.loc[:, list(COLUMNS)].astype(object).where(part.loc[:, list(COLUMNS)].notna(), None).to_dict("records")
    for i, row in zip(part.index, rows, strict=True):
        row["index"] = int(i)
    return rows, len(chosen)


def rows_for_grid(
    published: Published, selection: Selection, viewer: Viewer, request: Mapping[str, Any] | None
) -> dict:
    """Answer one block request of the grid: ``{"rowData", "rowCount"}``."""
    chart = choropleth(published, selection, viewer)
    if chart is None or not request:
        return {"rowData": [], "rowCount": 0}
    rows, count = page_of_rows(
        full_table(published, chart),
        request.get("sortModel") or [],
        request.get("filterModel") or {},
        int(request.get("startRow") or 0),
        int(request.get("endRow") or 0),
    )
    for row in rows:
        row["decimals"] = chart.decimals
    return {"rowData": rows, "rowCount": count}


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
    for row in table.loc[:, list(heads)].itertuples(index=False):
        write.writerow([*(_cell(value) for value in row), safe_cell(chart.unit)])
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


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return safe_cell(value)
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return ""
    return f"{value:.10g}" if isinstance(value, float) else value


def _sortable(column: pd.Series, *, descending: bool) -> np.ndarray:
    if column.name in NUMBERS:
        numbers = column.to_numpy(dtype="float64")
        return np.where(np.isnan(numbers), np.inf, -numbers if descending else numbers)
    order = column.str.casefold().rank(method="dense").to_numpy()
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
