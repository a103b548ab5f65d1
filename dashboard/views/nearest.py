"""The nearest site of a list from every small area, and what that is for the wards and authorities that they make up.

The same model as the gap view's, so an area's page and its gaps cannot name different distances: the way over land where a line
crosses water, and for larger areas the mean over residents, never one point of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dashboard.memory import memory_of
from dashboard.published import Published
from layers import Layer, Viewer, access_model

_KEPT = 96
SMALL = "lsoa"


@dataclass(frozen=True, eq=False)
class NearestSites:
    """For each small area in area order: metres to the nearest site (inf for none), its place in the layer's table (-1),
    whether the line to it is over water, and whether every site is across water without a way."""

    metres: np.ndarray
    site: np.ndarray
    over: np.ndarray
    apart: np.ndarray


def nearest_sites(published: Published, layer: Layer, viewer: Viewer) -> NearestSites:
    """Found once for a version of a list. Reads the list as the viewer, so that nobody is told of one that is hidden."""
    table = published.store.services(layer.id, viewer, version=layer.version).reset_index(drop=True)

    def find() -> NearestSites:
        # read by place in the table, since two rows may have one id
        areas = published.region.areas[SMALL]
        placed = np.isfinite(areas[["centroid_x", "centroid_y"]].to_numpy("float64")).all(axis=1)
        metres, site = np.full(len(areas), np.inf), np.full(len(areas), -1)
        over, apart = np.zeros(len(areas), dtype=bool), np.zeros(len(areas), dtype=bool)
        model = access_model(
            areas[placed],
            table.assign(service_id=[f"{i:09d}" for i in range(len(table))]),
            water=published.region.water,
        )
        metres[placed], at = model.nearest
        over[placed], apart[placed] = model.over_water, model.crossing
        if len(model.sites):
            site[placed] = np.where(at >= 0, model.sites.ids.astype("int64")[at], -1)
        return NearestSites(metres, site, over, apart)

    return memory_of(published.live, "nearest", _KEPT).get(("nearest", layer.id, layer.version), find)


def nearest_of_area(
    published: Published, layer: Layer, viewer: Viewer, level: str, code: str
) -> tuple[float, int, bool]:
    """Metres from an area to the nearest site, a mean over residents for larger areas; the place in the layer's table of the
    site that is nearest for most of them, -1 where none is; whether any of the lines is over water."""
    found, areas = nearest_sites(published, layer, viewer), published.region.areas[SMALL]
    column = "code" if level == SMALL else f"{level}_code"
    rows = np.flatnonzero((areas[column] == code).to_numpy() & (found.site >= 0))
    if not len(rows):
        return float("inf"), -1, False
    people = areas["population"].to_numpy("float64")[rows]
    people = people if people.sum() > 0 else np.ones(len(rows))
    total = np.bincount(found.site[rows], people)
    return float(np.average(found.metres[rows], weights=people)), int(np.argmax(total)), bool(found.over[rows].any())
