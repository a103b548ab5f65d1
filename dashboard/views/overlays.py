"""What can be drawn over the gap map, each with a switch: near-misses, gaps that wards hide, clusters of need, the standard as rings.

The counts of the legend, the outlines of the map and the sentences of the panel come from the same masks of the gap answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from dashboard.views.gap_words import one_of
from dashboard.views.gaps import Gaps, adjacency_of, kept, read_services
from dashboard.views.wording import cost_words, standard_words
from layers import Viewer, getis_ord, local_moran, to_degrees

MOST_RINGS = 400
"""More rings than that are drawn as one outline of all that lies within them."""
CORNERS = 72
"""Corners of a ring: at 20 km they stay within 20 m of the circle."""

CLUSTERS = {
    "moran": (
        ("high-high", "high need among high need"),
        ("low-low", "low need among low need"),
        ("high-low", "high need among low need"),
        ("low-high", "low need among high need"),
    ),
    "hot": (("hot spot", "hot spots of need"), ("cold spot", "cold spots of need")),
}


@dataclass(frozen=True)
class Line:
    """One kind of mark: ``kind`` says how it is drawn (assets/explore.js), ``indices`` which areas, in area order."""

    kind: str
    words: str
    indices: tuple[int, ...]
    residents: float


@dataclass(frozen=True)
class Overlay:
    """One switch. ``count`` is of areas (or sites, for rings); ``why_not`` says why it cannot be drawn, "" when it can."""

    id: str
    title: str
    words: str
    lines: tuple[Line, ...]
    count: int
    why_not: str = ""


def overlays(gaps: Gaps) -> tuple[Overlay, ...]:
    """Every overlay of a gap answer, drawn or not, in the order of the switches."""
    return (_near(gaps), _vanish(gaps), _clusters(gaps, "moran"), _clusters(gaps, "hot"), _rings(gaps))


def overlay_document(gaps: Gaps, wanted: tuple[str, ...], viewer: Viewer, show: str = "gap") -> dict:
    """What the painter is sent: ``{"lines": [{"kind", "areas"}], "rings": [[[lon, lat], ...], ...]}``."""
    lines = []
    for overlay in overlays(gaps) if show == "gap" else ():
        if overlay.id in wanted:
            lines += [{"kind": line.kind, "areas": list(line.indices)} for line in overlay.lines if line.indices]
    return {"lines": lines, "rings": rings(gaps, viewer) if "rings" in wanted else []}


def _line(gaps: Gaps, kind: str, words: str, chosen) -> Line:
    chosen = np.asarray(chosen, dtype=bool) & gaps.in_view
    people = gaps.result.areas["population"].to_numpy("float64")
    return Line(kind, words, tuple(np.flatnonzero(chosen).tolist()), float(people[chosen].sum()))


def _near(gaps: Gaps) -> Overlay:
    line = _line(gaps, "near", "nearly underserved", gaps.result.areas["near_miss"])
    if gaps.result.stability is not None:
        words = "Not underserved, but in at least 30% of the trials behind “how sure”."
    else:
        words = "Need of 75 or more, and poor access by a standard a quarter stricter."
    return Overlay("near", "Near-misses", words, (line,), len(line.indices))


def _vanish(gaps: Gaps) -> Overlay:
    lost, why = gaps.result.vanishing, ""
    gone = lost.gone if lost is not None else np.zeros(len(gaps.result.areas), dtype=bool)
    line = _line(gaps, "vanish", "hidden on a ward map", gone)
    if gaps.level != "lsoa":
        why = "Only small areas can vanish in wards."
    elif lost is None:
        why = "Access cannot be measured by ward in this way."
    words = "Underserved small areas whose ward, as a whole, is not underserved."
    if lost is not None and lost.averaged:
        words += " Ward need is the average of its small areas here: not every figure is published by ward."
    return Overlay("vanish", "Gaps that a ward map hides", words, (line,), len(line.indices), why)


def _clusters(gaps: Gaps, which: str) -> Overlay:
    found = clusters(gaps, which)
    lines = tuple(_line(gaps, kind, words, found["cluster"] == kind) for kind, words in CLUSTERS[which])
    test = "Local Moran" if which == "moran" else "Getis-Ord Gi*"
    what = "Where need is alike, or unlike, its neighbours" if which == "moran" else "Where high or low need gathers"
    words = f"{what} more than chance would put it ({test}; at most one mark in twenty is expected to be wrong)."
    title = "Clusters of need" if which == "moran" else "Hot and cold spots of need"
    count = sum(len(line.indices) for line in lines)
    why = "" if count else "Need is spread as chance might spread it: nothing stands out."
    return Overlay(which, title, words, lines, count, why)


def clusters(gaps: Gaps, which: str) -> pd.DataFrame:
    """Local Moran ("moran") or Gi* ("hot") of the need score, over all areas of the region; kept by what the need rests on."""
    request = gaps.request
    key = ("clusters", which, request.need, gaps.key[2], request.level)
    measure = local_moran if which == "moran" else getis_ord
    return kept(gaps.published).get(
        key, lambda: measure(gaps.result.need.score, adjacency_of(gaps.published, gaps.level))
    )


# ---- rings ------------------------------------------------------------------------------------------------------------


def ring_metres(gaps: Gaps) -> float | None:
    """Radius of the rings in straight-line metres: the standard, less what the detour factor adds; None where there is none.

    Without a standard it is the distance at which the worst fifth begins. Minutes are not the same distance everywhere.
    """
    if gaps.result.model.unit != "m":
        return None
    limit = gaps.result.access.limit
    limit = gaps.result.access.cut if limit is None else limit
    return None if limit is None or not np.isfinite(limit) else float(limit) / gaps.request.detour


def _rings(gaps: Gaps) -> Overlay:
    radius, sites = ring_metres(gaps), len(gaps.result.model.sites)
    why = ""
    if not sites:
        why = "There is no service to draw a ring around."
    elif gaps.result.model.unit != "m":
        why = "Minutes reach differently far in every direction, so they make no rings."
    elif radius is None:
        why = "There is no distance to draw."
    limit = gaps.result.access.limit
    # a threshold is never rounded here; what the detour factor leaves of it is measured
    way = standard_words(gaps.result.access.cut if limit is None else limit)
    far = "the standard" if radius is None else way if gaps.request.detour == 1 else cost_words(radius, "m")
    words = f"{far} in a straight line around each {one_of(gaps.services)}"
    words += f" (a way of {way})" if radius and gaps.request.detour > 1 else ""
    words += ", counted only inside its own authority." if gaps.request.alone else "."
    words += " They are so many that one line goes around all of them." if sites > MOST_RINGS else ""
    return Overlay("rings", "The standard as rings", words, (), 0 if why else sites, why)


def rings(gaps: Gaps, viewer: Viewer) -> list[list[list[float]]]:
    """Closed rings as longitude and latitude: circles on the national grid, metre for metre, around every service."""
    radius = ring_metres(gaps)
    if radius is None:
        return []
    key = ("rings", gaps.key[3], radius)
    return kept(gaps.published).get(key, lambda: _circles(_points(gaps, viewer), radius))


def _points(gaps: Gaps, viewer: Viewer) -> np.ndarray:
    tables = [read_services(gaps.published, viewer, layer).table for layer in gaps.services]
    xy = pd.concat([table[["easting", "northing"]] for table in tables], ignore_index=True).astype("float64").dropna()
    return np.unique(xy.to_numpy(), axis=0)


def _circles(xy: np.ndarray, radius: float) -> list[list[list[float]]]:
    """Circles of a radius in EPSG:27700 around points in it, as EPSG:4326 rounded to a metre; merged where there are many."""
    if len(xy) > MOST_RINGS:
        whole = shapely.union_all(shapely.buffer(shapely.points(xy), radius, quad_segs=8))
        parts = shapely.get_parts(shapely.boundary(whole))
        lines = [shapely.get_coordinates(shapely.simplify(part, radius / 100)) for part in parts]
    else:
        turn = np.linspace(0.0, 2.0 * np.pi, CORNERS + 1)
        lines = [np.column_stack([x + radius * np.cos(turn), y + radius * np.sin(turn)]) for x, y in xy]
    if not lines:
        return []
    longitude, latitude = to_degrees(*np.concatenate(lines).T)
    pairs = np.round(np.column_stack([longitude, latitude]), 5)
    ends = np.cumsum([len(line) for line in lines])
    return [pairs[end - len(line) : end].tolist() for line, end in zip(lines, ends, strict=True)]
