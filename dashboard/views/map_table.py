"""The table that says the same as the map, whatever it shows: for the grid block by block, and whole as a file.

Every kind of map answers with the same columns (:data:`dashboard.views.table.COLUMNS`), under its own headings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from dashboard.exports import Document, Sheet
from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views import table as tables
from dashboard.views import wording
from dashboard.views.cautions import caution_lines, caution_list, cautions_of
from dashboard.views.choropleth import Choropleth
from dashboard.views.crossing_words import ACROSS
from dashboard.views.gap_map import painted
from dashboard.views.gap_words import access_title, rule_sentence, summary_sentence
from dashboard.views.gaps import Gaps
from dashboard.views.needs import WeightedNeed, need_sentence, weights_sentence
from dashboard.views.places import everyday, names
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
class MapTable:
    table: pd.DataFrame  # columns of tables.COLUMNS, residents and what else a file has; index: place in area order
    heads: Mapping[str, str]  # of the columns of a file
    decimals: int | Mapping[str, int]
    lines: tuple[str, ...]  # what must go with a file: notice, definition, sources
    name: str  # of a file, without its ending
    unit: str = ""  # of the values, where all have the same
    cautions: tuple[dict[str, str], ...] = ()

    def document(self) -> Document:
        beside = {"Unit": self.unit} if self.unit else {}
        sheet = Sheet(self.table[[*self.heads]], tuple(self.heads.values()), self.lines, beside, for_excel=True)
        return Document("table", self.name, sheet=lambda: sheet, cautions=self.cautions)


def map_table(published: Published, selection: Selection, shown: Scene) -> MapTable | None:
    """The table that says the same as the map; None where nothing is painted."""
    if isinstance(shown, Choropleth):
        return _indicator_table(published, shown)
    if isinstance(shown, Gaps):
        return _gap_table(shown, selection)
    return _need_table(shown) if isinstance(shown, WeightedNeed) else None


def rows_for_grid(
    published: Published, selection: Selection, viewer: Viewer, request: Mapping[str, Any] | None
) -> dict:
    """Answer one block request of the grid: ``{"rowData", "rowCount"}``."""
    shown = map_table(published, selection, scene(published, selection, viewer))
    if shown is None or not request:
        return {"rowData": [], "rowCount": 0}
    start, end = (max(int(request.get(name) or 0), 0) for name in ("startRow", "endRow"))
    wanted = json.dumps([request.get("sortModel") or [], request.get("filterModel") or {}], sort_keys=True)
    order = _kept_order(shown, wanted)
    rows = tables.rows_at(shown.table, order[start : min(end, start + tables.MOST_ROWS)])
    for row in rows:
        row["decimals"] = shown.decimals
    return {"rowData": rows, "rowCount": len(order)}


@lru_cache(maxsize=16)
def _kept_order(shown: MapTable, wanted: str) -> np.ndarray:
    """The order for one sorting and filtering: somebody who scrolls asks for it again with every block."""
    return tables.row_order(shown.table, *json.loads(wanted))


def heads_of(published: Published, selection: Selection, shown: Scene) -> Mapping[str, str]:
    """Headings of the table for what is shown; without official names where those are the names."""
    if isinstance(shown, Gaps):
        unit = access_title(shown)
        heads = GAP_HEADS | {"lower": unit if len(unit) < 40 else "Access"}
    else:
        heads = NEED_HEADS if isinstance(shown, WeightedNeed) else tables.COLUMNS
    return _without_doubles(published, selection.level, heads)


def _without_doubles(published: Published, level: str, heads: Mapping[str, str]) -> dict[str, str]:
    """The headings without that of official names where those are the names."""
    double = not everyday(published, level)
    return {name: title for name, title in heads.items() if not (double and name == "official")}


@lru_cache(maxsize=8)
def _indicator_table(published: Published, chart: Choropleth) -> MapTable:
    heads = dict(tables.COLUMNS, residents="Residents", numerator="Numerator", denominator="Denominator")
    heads = _without_doubles(published, chart.level, heads)
    lines = tuple(_provenance(published, chart))
    table, name = tables.full_table(published, chart), f"{chart.layer.id}-{chart.level}"
    said = caution_list(cautions_of([(chart.layer, chart.period)], straight=False))
    lines = (*lines, *caution_lines(said, {chart.layer.id: chart.layer.title}))
    return MapTable(table, heads, chart.decimals, lines, name, chart.unit, tuple(said))


@lru_cache(maxsize=8)
def _gap_table(gaps: Gaps, selection: Selection) -> MapTable:
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
        status=np.select(
            [areas["crossing"], areas["underserved"], areas["near_miss"]], [ACROSS, "Underserved", "Nearly"], ""
        ),
    )
    lines = [gaps.published.region.notice] if gaps.published.region.notice else []
    lines += [
        rule_sentence(gaps),
        summary_sentence(gaps),
        f"Access: {access_title(gaps)}{' (km)' if scale != 1 else ''}",
    ]
    lines += [credit for layer in gaps.layers for credit in _credits(layer)]
    decimals = {"value": 0, "lower": 0 if metric.counts else 2, "upper": 2}
    said = caution_list(gaps.cautions_on())
    lines += caution_lines(said, {layer.id: layer.title for layer in gaps.layers})
    heads = _without_doubles(gaps.published, gaps.level, dict(GAP_HEADS, residents="Residents"))
    if not gaps.claims.ranks:
        heads = {name: head for name, head in heads.items() if name != "rank"}
        table["rank"] = np.nan
    return MapTable(table[gaps.in_view], heads, decimals, tuple(lines), f"gap-{gaps.level}", cautions=tuple(said))


@lru_cache(maxsize=8)
def _need_table(made: WeightedNeed) -> MapTable:
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
    said = caution_list(cautions_of([(layer, made.periods[layer.id]) for layer in made.layers], straight=False))
    lines += caution_lines(said, {layer.id: layer.title for layer in made.layers})
    heads = _without_doubles(made.published, made.level, dict(NEED_HEADS, residents="Residents"))
    name = f"need-{made.level}"
    return MapTable(table[made.in_view], heads, 0, tuple(lines), name, cautions=tuple(said))


def _places(published: Published, level: str) -> pd.DataFrame:
    areas = published.region.areas[level]
    lads, wards = names(published, "lad"), names(published, "ward")
    return pd.DataFrame(
        {
            "name": areas["name"].to_numpy(),
            "official": areas["official_name"].to_numpy(),
            "lad": [lads.get(code, "") for code in areas["lad_code"]],
            "ward": [wards.get(code, "") for code in areas["ward_code"]],
            "code": areas["code"].to_numpy(),
            "residents": areas["population"].to_numpy(),
        }
    )


def _credits(layer) -> list[str]:
    version = f"{layer.title} ({layer.id}, version {layer.version})"
    sources = [
        ", ".join(p for p in (s.title, s.publisher, wording.reuse(s.licence or layer.descriptor.licence)) if p)
        for s in layer.descriptor.sources
    ]
    return [f"{version}: {source}" for source in sources] or [version]


def _provenance(published: Published, chart: Choropleth) -> list[str]:
    """What must go with every export: notice, title, period, unit, bands, source, licence, version and date."""
    descriptor = chart.layer.descriptor
    lines = [published.region.notice] if published.region.notice else []
    lines.append(f"{descriptor.title}{', ' + chart.period if chart.period else ''}, {descriptor.unit}")
    lines.append(f"{published.region.name}, by {wording.LEVEL_WORDS[chart.level][0]}; {chart.basis}")
    for source in descriptor.sources:
        licence = wording.reuse(source.licence or descriptor.licence)
        credit = [source.title, source.publisher, source.url, licence, source.attribution]
        lines.append("Source: " + ", ".join(part for part in credit if part))
    lines.append(
        f"Layer {chart.layer.id}, version {chart.layer.version}, published {str(chart.layer.published_at)[:10]}"
    )
    if descriptor.caveats:
        lines.append(f"Please note: {descriptor.caveats}")
    return lines
