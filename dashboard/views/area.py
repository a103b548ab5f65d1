"""Everything a page says about one area: its indicators with their place in the region, nearest services, neighbours."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views import wording
from dashboard.views.choropleth import Choropleth, LayerForViewer, choropleth, ranked
from dashboard.views.claims import claims_of
from dashboard.views.crossing_words import ACROSS_LABEL, the_crossing
from dashboard.views.nearest import nearest_of_area
from dashboard.views.places import names
from layers import LEVELS, Direction, Layer, Region, Status, Viewer

MOST_NEIGHBOURS = 30
_STATUSES = tuple(str(status) for status in Status)
"""Words of the status codes in :attr:`layers.Values.arrays`."""
_TOLERANCE_DEGREES = 1e-5
"""About a metre: less than a street, more than what simplifying moves two outlines of one border apart."""


@dataclass(frozen=True)
class IndicatorLine:
    """One indicator of one area. ``position`` is the share of the region's other areas that are better off, 0 (none) to
    100 (all of them: it is the worst); areas that are equal count half. None without a value to compare."""

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


STRAIGHT = "in a straight line"


@dataclass(frozen=True)
class ServiceLine:
    layer_id: str
    layer_title: str
    name: str
    address: str
    distance: str
    distance_m: float
    lad_code: str  # "" where the site stands in none of the region's authorities
    lad_name: str
    across_border: bool
    standard: str  # "" or the sentence about the layer's access standard
    site: int  # its place in the layer's table
    averaged: bool  # the distance is a mean over residents, and the site the nearest of most of them
    how: str = STRAIGHT  # how the distance is measured
    trust: str = ""  # what its list is, where it may lack a nearer site


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
    official_name: str
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
    lads, wards = names(published, "lad"), names(published, "ward")
    point = row.geometry.representative_point()
    return AreaProfile(
        code=code,
        name=row["name"],
        official_name=row["official_name"],
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
    lads, wards = names(published, "lad"), names(published, "ward")
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
    """ "12 of 1,257 (1 is the worst)", "1 of 4,835, shared by 400 (1 is the worst)"; "" without a value."""
    rank = chart.rank[i]
    return _rank_words(rank, int(np.isfinite(chart.rank).sum()), chart.layer, int((chart.rank == rank).sum()))


def _rank_words(rank: float, of: int, layer: Layer, equal: int = 1) -> str:
    if not np.isfinite(rank):
        return ""
    end = "highest" if layer.descriptor.direction == "neutral" else "worst"
    shared = f", shared by {equal:,}" if equal > 1 else ""
    return f"{int(rank):,} of {of:,}{shared} (1 is the {end})"


@dataclass(frozen=True, eq=False)
class Standings:
    """How the areas of a level stand in one layer, in area order; what opening an area needs of each of a hundred layers."""

    rank: np.ndarray  # float32, 1 is the worst; null without a value
    position: np.ndarray  # float32, 0 to 100; null without a value, or with nothing to compare it with
    known: int
    decimals: int


@lru_cache(maxsize=512)
def _standings(published: Published, seen: LayerForViewer, level: str) -> Standings:
    value = seen.values(published, level).arrays["value"]
    rank = ranked(value, seen.layer.descriptor.direction, seen.layer)
    known = int(np.isfinite(rank).sum())
    position = np.full(len(value), np.nan)
    if known > 1:
        # the mean rank of equal values, so that areas which are all alike stand in the middle and not at the worst end
        lower_is_worse = seen.layer.descriptor.direction == Direction.LOW_IS_WORSE
        middle = pd.Series(value).rank(method="average", ascending=lower_is_worse).to_numpy(dtype="float64")
        position = 100.0 * (known - middle) / (known - 1)
    decimals = wording.decimals_for(value, seen.layer.descriptor.decimals)
    return Standings(rank.astype("float32"), position.astype("float32"), known, decimals)


def _indicators(published, level, i, selection, viewer):
    themes = {theme.id: theme.name for theme in published.region.themes}
    for layer in published.store.layers(viewer, kind="indicator", theme=selection.theme or None):
        if level not in layer.levels:
            continue
        seen = LayerForViewer.by(viewer, layer)
        values, stands = seen.values(published, level), _standings(published, seen, level)
        value, lower, upper = (float(values.arrays[name][i]) for name in ("value", "lower", "upper"))
        position = float(stands.position[i])
        status = _STATUSES[values.arrays["status"][i]]
        source = layer.descriptor.sources[0].title if layer.descriptor.sources else ""
        yield IndicatorLine(
            id=layer.id,
            title=layer.title,
            value=wording.with_unit(value, layer.descriptor.unit, stands.decimals),
            interval=wording.interval(lower, upper, stands.decimals),
            status=status,
            sentence=wording.STATUS_SENTENCES[status],
            rank=_rank_words(stands.rank[i], stands.known, layer, int((stands.rank == stands.rank[i]).sum())),
            position=round(position, 2) if np.isfinite(position) else None,
            period=values.period,
            source=source,
            neutral=str(layer.descriptor.direction) == "neutral",
            theme_names=tuple(themes[theme] for theme in layer.themes if theme in themes),
        )


def nearest_services(published: Published, code: str, selection: Selection, viewer: Viewer) -> tuple[ServiceLine, ...]:
    """The nearest site of every list chosen, without the rest of the profile; () for an unknown code."""
    level = published.region.level_of(code)
    if level is None:
        return ()
    row = published.region.areas[level].iloc[published.region.position(level, code)]
    return tuple(_services(published, row, selection, viewer))


def _how(published, row, site, metres: float) -> str:
    """How the way to the nearest site is measured, by the rule of methods/gaps.md (*Crossing water*)."""
    point = row[["centroid_x", "centroid_y"]].to_numpy("float64")[None, :]
    place, water = site[["easting", "northing"]].to_numpy("float64")[None, :], published.region.water
    found = water.nearest(point, place)
    if found.marked[0]:
        return f"{STRAIGHT} {ACROSS_LABEL}"
    if not found.over[0]:
        return STRAIGHT
    by = [the_crossing(name) for name in water.named(point, place)[0]]
    how = STRAIGHT if metres == float(np.hypot(*(point - place)[0])) else "over land"
    return f"{how} by {wording.listing(by)}" if by else how


def _services(published, row, selection, viewer):
    lads, level = names(published, "lad"), published.region.level_of(row["code"])
    layers = published.store.layers(viewer, kind="services")
    if selection.services:
        layers = [layer for layer in layers if layer.id in selection.services]
    elif selection.theme:
        layers = [layer for layer in layers if selection.theme in layer.themes] or layers
    for layer in layers:
        metres, nearest, over = nearest_of_area(published, layer, viewer, level, row["code"])
        if nearest < 0:
            continue  # there is none, or none that could be placed
        sites = published.store.services(layer.id, viewer)
        if level == "lsoa":
            how = _how(published, row, sites.iloc[nearest], metres)
        else:
            how = f"on average {'in a straight line, over land where that crosses water' if over else STRAIGHT}"
        site = sites.iloc[nearest]
        lad = site["lad_code"] if isinstance(site["lad_code"], str) else ""
        standard = layer.descriptor.access_standard
        sentence = ""
        if standard is not None:
            side = "within" if metres <= standard.max_m else "beyond"
            sentence = f"{side} the standard of {wording.standard_words(standard.max_m)}"
        yield ServiceLine(
            layer_id=layer.id,
            layer_title=layer.title,
            name=str(site["name"]),
            address=", ".join(
                str(site[c]) for c in ("address", "postcode") if c in sites and pd.notna(site[c]) and site[c]
            ),
            distance=wording.distance(metres),
            distance_m=metres,
            how=how,
            lad_code=lad if lad in lads else "",
            lad_name=lads.get(lad, "outside the region"),
            across_border=lad != row["lad_code"],
            standard=sentence,
            site=nearest,
            averaged=level != "lsoa",
            trust=_trust_of(layer),
        )


def _trust_of(layer: Layer) -> str:
    """What a list is that may lack the nearest site; "" of a register."""
    sampled = claims_of([layer]).sample
    if not sampled:
        return ""
    known = (
        "a sample, not a register"
        if layer.descriptor.completeness == "sample"
        else "nobody says how complete the list is"
    )
    return f"the nearest {sampled}: {known}"


def _neighbours(published, level, i, selection, viewer):
    region = published.region
    frame = region.areas[level]
    lads = names(published, "lad")
    chart = choropleth(published, Selection(need=selection.need, level=level, period=selection.period), viewer)
    values = chart.frame["value"].to_numpy() if chart is not None else None
    for j in _touching(published.region, level, i)[:MOST_NEIGHBOURS]:
        value = chart.value_text(values[j]) if chart is not None else ""
        yield Neighbour(frame["code"].iat[j], frame["name"].iat[j], lads.get(frame["lad_code"].iat[j], ""), value)


@lru_cache(maxsize=4096)
def _touching(region: Region, level: str, i: int) -> tuple[int, ...]:
    """Places in area order of the areas that share a point with area ``i``, by name."""
    frame = region.areas[level]
    # published outlines may miss each other by a hair
    found = frame.sindex.query(frame.geometry.iat[i], predicate="dwithin", distance=_TOLERANCE_DEGREES)
    return tuple(sorted((int(j) for j in found if j != i), key=lambda j: (frame["name"].iat[j], frame["code"].iat[j])))


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
