"""Everything a page says about one area: its indicators with their place in the region, nearest services, neighbours."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views import wording
from dashboard.views.choropleth import Choropleth, choropleth
from layers import LEVELS, Viewer


@dataclass(frozen=True)
class IndicatorLine:
    """One indicator of one area. ``position`` is 0 (best) to 100 (worst) among the region's areas, None without a value."""

    id: str
    title: str
    value: str
    interval: str
    status: str
    sentence: str
    rank: str
    position: float | None
    period: str
    source: str
    neutral: bool
    theme_names: tuple[str, ...]


@dataclass(frozen=True)
class ServiceLine:
    layer_id: str
    layer_title: str
    name: str
    address: str
    distance: str
    distance_m: float
    lad_name: str
    across_border: bool
    standard: str  # "" or the sentence about the layer's access standard


@dataclass(frozen=True)
class Neighbour:
    code: str
    name: str
    lad_name: str
    value: str


@dataclass(frozen=True)
class AreaProfile:
    code: str
    name: str
    level: str
    lad_code: str
    lad_name: str
    ward_name: str
    population: str
    note: str
    indicators: tuple[IndicatorLine, ...]
    services: tuple[ServiceLine, ...]
    neighbours: tuple[Neighbour, ...]
    latitude: float
    longitude: float

    def as_document(self, notice: str) -> dict[str, Any]:
        """JSON types only; ``notice`` goes with every export of demonstration data."""
        return asdict(self) | {"notice": notice}


def area_profile(published: Published, code: str, selection: Selection, viewer: Viewer) -> AreaProfile | None:
    """What is known about one area, for the chosen theme (all themes when none is chosen); None for an unknown code."""
    region = published.region
    level = region.level_of(code)
    if level is None:
        return None
    i = region.position(level, code)
    row = region.areas[level].iloc[i]
    lads = region.areas["lad"].set_index("code")["name"]
    wards = region.areas["ward"].set_index("code")["name"]
    point = row.geometry.representative_point()
    return AreaProfile(
        code=code,
        name=row["name"],
        level=level,
        lad_code=row["lad_code"],
        lad_name=lads.get(row["lad_code"], ""),
        ward_name=wards.get(row["ward_code"], "") if level == "lsoa" else "",
        population=wording.number(row["population"]),
        note=row["note"] or "",
        indicators=tuple(_indicators(published, level, i, selection, viewer)),
        services=tuple(_services(published, row, selection, viewer)),
        neighbours=tuple(_neighbours(published, level, i, selection, viewer)),
        latitude=point.y,
        longitude=point.x,
    )


@dataclass(frozen=True)
class Reading:
    """The card for one area of the map: what hover, focus and the table's selected row show."""

    name: str
    place: str
    value: str
    interval: str
    band: str
    rank: str
    status: str


def reading(published: Published, chart: Choropleth, i: int) -> Reading:
    """Area ``i`` (area order) of a map in words."""
    region = published.region
    row = region.areas[chart.level].iloc[i]
    lads = region.areas["lad"].set_index("code")["name"]
    wards = region.areas["ward"].set_index("code")["name"]
    place = [wards.get(row["ward_code"], "") if chart.level == "lsoa" else "", lads.get(row["lad_code"], "")]
    values = chart.frame.iloc[i]
    code = int(chart.classes[i])
    band = ""
    if code < len(chart.bands):
        band = f"{chart.band_name(code)}: {next(r.label for r in chart.rows if r.code == code)}"
    return Reading(
        name=row["name"],
        place=", ".join(part for part in place if part and part != row["name"]),
        value=chart.value_text(values["value"]),
        interval=wording.interval(values["lower"], values["upper"], chart.decimals),
        band=band,
        rank=rank_text(chart, i),
        status=wording.STATUS_SENTENCES[str(values["status"])],
    )


def rank_text(chart: Choropleth, i: int) -> str:
    """ "12th of 1,257, 1 is the worst"; "" without a value."""
    rank = chart.rank[i]
    if not np.isfinite(rank):
        return ""
    of = int(np.isfinite(chart.rank).sum())
    end = "highest" if chart.layer.descriptor.direction == "neutral" else "worst"
    return f"{int(rank):,} of {of:,} (1 is the {end})"


def _indicators(published, level, i, selection, viewer):
    themes = {theme.id: theme.name for theme in published.region.themes}
    for layer in published.store.layers(viewer, kind="indicator", theme=selection.theme or None):
        if level not in layer.levels:
            continue
        chosen = Selection(need=layer.id, level=level, classes=selection.classes)
        chart = choropleth(published, chosen, viewer)
        values = chart.frame.iloc[i]
        known = int(np.isfinite(chart.rank).sum())
        rank = chart.rank[i]
        position = None
        if np.isfinite(rank) and known > 1:
            position = 100.0 * (known - rank) / (known - 1)
        status = str(values["status"])
        source = layer.descriptor.sources[0].title if layer.descriptor.sources else ""
        yield IndicatorLine(
            id=layer.id,
            title=layer.title,
            value=chart.value_text(values["value"]),
            interval=wording.interval(values["lower"], values["upper"], chart.decimals),
            status=status,
            sentence=wording.STATUS_SENTENCES[status],
            rank=rank_text(chart, i),
            position=position,
            period=chart.period,
            source=source,
            neutral=str(layer.descriptor.direction) == "neutral",
            theme_names=tuple(themes[theme] for theme in layer.themes if theme in themes),
        )


def _services(published, row, selection, viewer):
    lads = published.region.areas["lad"].set_index("code")["name"]
    layers = published.store.layers(viewer, kind="services")
    if selection.services:
        layers = [layer for layer in layers if layer.id in selection.services]
    elif selection.theme:
        layers = [layer for layer in layers if selection.theme in layer.themes] or layers
    for layer in layers:
        sites = published.store.services(layer.id, viewer)
        sites = sites[sites["easting"].notna()]
        if sites.empty:
            continue
        away = np.hypot(
            sites["easting"].to_numpy(float) - row["centroid_x"], sites["northing"].to_numpy(float) - row["centroid_y"]
        )
        nearest = int(np.argmin(away))
        site, metres = sites.iloc[nearest], float(away[nearest])
        lad = str(site["lad_code"] or "")
        standard = layer.descriptor.access_standard
        sentence = ""
        if standard is not None:
            side = "within" if metres <= standard.max_m else "beyond"
            sentence = f"{side} the standard of {wording.distance(standard.max_m)}"
        yield ServiceLine(
            layer_id=layer.id,
            layer_title=layer.title,
            name=str(site["name"]),
            address=", ".join(
                str(site[c]) for c in ("address", "postcode") if c in sites and pd.notna(site[c]) and site[c]
            ),
            distance=wording.distance(metres),
            distance_m=metres,
            lad_name=lads.get(lad, "outside the region"),
            across_border=lad != row["lad_code"],
            standard=sentence,
        )


def _neighbours(published, level, i, selection, viewer):
    region = published.region
    frame = region.areas[level]
    lads = region.areas["lad"].set_index("code")["name"]
    chart = choropleth(published, Selection(need=selection.need, level=level, period=selection.period), viewer)
    tree = frame.sindex
    outline = frame.geometry.iat[i]
    touching = [j for j in tree.query(outline.buffer(1e-7), predicate="intersects") if j != i]
    for j in sorted(touching, key=lambda j: frame["name"].iat[j])[:30]:
        value = chart.value_text(chart.frame["value"].iat[j]) if chart is not None else ""
        yield Neighbour(frame["code"].iat[j], frame["name"].iat[j], lads.get(frame["lad_code"].iat[j], ""), value)


def other_level_codes(published: Published, code: str) -> dict[str, str]:
    """The area itself and the larger areas it lies in, by level."""
    region = published.region
    level = region.level_of(code)
    if level is None:
        return {}
    row = region.areas[level].iloc[region.position(level, code)]
    codes = {level: code}
    if level == "lsoa":
        codes["ward"] = row["ward_code"]
    if level in ("lsoa", "ward"):
        codes["lad"] = row["lad_code"]
    return {name: codes[name] for name in LEVELS if name in codes}
