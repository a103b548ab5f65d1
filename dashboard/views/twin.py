"""The table twin of whatever the map shows: its columns, rows, a sentence of what it is, and the whole as CSV.

Every kind of map answers with the same columns (:data:`dashboard.views.table.COLUMNS`), under its own headings.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views import table as tables
from dashboard.views.choropleth import Choropleth
from dashboard.views.gap_map import painted
from dashboard.views.gap_words import access_title, rule_sentence, summary_sentence
from dashboard.views.gaps import Gaps
from dashboard.views.needs import WeightedNeed, need_sentence, weights_sentence
from dashboard.views.places import names
from dashboard.views.scene import Scene, scene
from layers import Viewer

GAP_HEADS = tables.COLUMNS | {
    "value": "Need (0 to 100)",
    "lower": "Access",
    "upper": "Stability",
    "band": "Need and access",
    "rank": "Need rank",
    "status": "Verdict",
}
NEED_HEADS = {
    name: title
    for name, title in (tables.COLUMNS | {"value": "Need (0 to 100)", "rank": "Need rank"}).items()
    if name not in ("lower", "upper", "status")
}


@dataclass(frozen=True, eq=False)
class Twin:
    table: pd.DataFrame  # columns of tables.COLUMNS and residents; index: place in area order
    heads: Mapping[str, str]
    decimals: int | Mapping[str, int]
    lines: tuple[str, ...]  # what must go with an export
    file_name: str

    def as_csv(self) -> str:
        """The whole table with notice, definition and sources in the first lines; no cell runs as a formula."""
        out = io.StringIO()
        write = csv.writer(out, lineterminator="\r\n")
        for line in self.lines:
            write.writerow([tables.safe_cell(line)])
        heads = dict(self.heads, residents="Residents")
        write.writerow(heads.values())
        for row in zip(*(tables.as_cells(self.table[name]) for name in heads), strict=True):
            write.writerow(row)
        return out.getvalue()


def twin_of(published: Published, selection: Selection, shown: Scene) -> Twin | _Chart | None:
    """The table that says the same as the map; None where nothing is painted."""
    if isinstance(shown, Choropleth):
        return _Chart(published, shown)
    if isinstance(shown, Gaps):
        return _gap_twin(shown, selection)
    return _need_twin(shown) if isinstance(shown, WeightedNeed) else None


def rows_for_grid(
    published: Published, selection: Selection, viewer: Viewer, request: Mapping[str, Any] | None
) -> dict:
    """Answer one block request of the grid: ``{"rowData", "rowCount"}``."""
    shown = scene(published, selection, viewer)
    if isinstance(shown, Choropleth):
        return tables.rows_for_grid(published, selection, viewer, request)
    twin = twin_of(published, selection, shown)
    if twin is None or not request:
        return {"rowData": [], "rowCount": 0}
    start, end = (max(int(request.get(name) or 0), 0) for name in ("startRow", "endRow"))
    order = tables.row_order(twin.table, request.get("sortModel") or [], request.get("filterModel") or {})
    rows = tables.rows_at(twin.table, order[start : min(end, start + tables.MOST_ROWS)])
    for row in rows:
        row["decimals"] = twin.decimals
    return {"rowData": rows, "rowCount": len(order)}


def heads_of(shown: Scene) -> Mapping[str, str]:
    """Headings of the table for what is shown."""
    if isinstance(shown, Gaps):
        unit = access_title(shown)
        return GAP_HEADS | {"lower": unit if len(unit) < 40 else "Access"}
    return NEED_HEADS if isinstance(shown, WeightedNeed) else tables.COLUMNS


@dataclass(frozen=True, eq=False)
class _Chart:
    published: Published
    chart: Choropleth

    def as_csv(self) -> str:
        return tables.as_csv(self.published, self.chart)

    @property
    def file_name(self) -> str:
        return f"{self.chart.layer.id}-{self.chart.level}.csv"


@lru_cache(maxsize=8)
def _gap_twin(gaps: Gaps, selection: Selection) -> Twin:
    areas = gaps.result.areas
    paint = painted(gaps, "gap")
    words = np.full(256, "", dtype=object)
    for row in paint.rows:
        words[row.code] = row.name
    metric = gaps.result.access.metric
    scale = 0.001 if metric.in_cost and gaps.result.model.unit == "m" else 1.0
    table = _places(gaps.published, gaps.level).assign(
        value=areas["need"].to_numpy("float64"),
        lower=areas["access"].to_numpy("float64") * scale,
        upper=areas["stability"].to_numpy("float64") if gaps.result.stability is not None else np.nan,
        band=words[paint.classes],
        rank=areas["need"].rank(method="min", ascending=False).to_numpy("float64"),
        status=np.where(areas["underserved"], "Underserved", np.where(areas["near_miss"], "Nearly", "")),
    )
    lines = [gaps.published.region.notice] if gaps.published.region.notice else []
    lines += [
        rule_sentence(gaps),
        summary_sentence(gaps),
        f"Access: {access_title(gaps)}{' (km)' if scale != 1 else ''}",
    ]
    lines += [credit for layer in gaps.layers for credit in _credits(layer)]
    decimals = {"value": 0, "lower": 0 if metric.counts else 2, "upper": 2}
    return Twin(table[gaps.in_view], GAP_HEADS, decimals, tuple(lines), f"gap-{gaps.level}.csv")


@lru_cache(maxsize=8)
def _need_twin(made: WeightedNeed) -> Twin:
    score = np.where(made.in_view, made.score, np.nan)
    bands = np.full(256, "", dtype=object)
    for row in made.rows[: made.colours]:
        bands[row.code] = row.name
    table = _places(made.published, made.level).assign(
        value=score,
        lower=np.nan,
        upper=np.nan,
        band=bands[made.classes],
        rank=pd.Series(score).rank(method="min", ascending=False).to_numpy("float64"),
        status="",
    )
    lines = [made.published.region.notice] if made.published.region.notice else []
    lines += [weights_sentence(made), need_sentence(made)]
    lines += [credit for layer in made.layers for credit in _credits(layer)]
    return Twin(table[made.in_view], NEED_HEADS, 0, tuple(lines), f"need-{made.level}.csv")


def _places(published: Published, level: str) -> pd.DataFrame:
    areas = published.region.areas[level]
    lads, wards = names(published, "lad"), names(published, "ward")
    return pd.DataFrame(
        {
            "name": areas["name"].to_numpy(),
            "lad": [lads.get(code, "") for code in areas["lad_code"]],
            "ward": [wards.get(code, "") for code in areas["ward_code"]],
            "code": areas["code"].to_numpy(),
            "residents": areas["population"].to_numpy(),
        }
    )


def _credits(layer) -> list[str]:
    version = f"{layer.title} ({layer.id}, version {layer.version})"
    sources = [
        ", ".join(p for p in (s.title, s.publisher, s.licence or layer.descriptor.licence) if p)
        for s in layer.descriptor.sources
    ]
    return [f"{version}: {source}" for source in sources] or [version]
