"""What a site serves, in a sentence: for how many residents it is the nearest of its list, and in which places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dashboard.published import Published
from dashboard.views import wording
from dashboard.views.claims import Claims, claims_of
from dashboard.views.nearest import SMALL, nearest_sites
from layers import Layer, Viewer

MOST_AREAS = 10_000
"""Small areas up to which it is worked out with the map's points: those of a whole country must not wait for it."""
MOST_PLACES = 2
"""Named, those with most of these residents first; the others are counted."""


@dataclass(frozen=True)
class Served:
    """``residents`` and ``words`` are as far as the list can carry them: None and "" where it cannot, or nobody worked it out."""

    residents: float | None = None
    words: str = ""


def served_by(published: Published, layer: Layer, viewer: Viewer) -> list[Served]:
    """For each row of a list's table, by its place in it. Areas whose every site is across water are counted for none."""
    sites = len(published.store.services(layer.id, viewer, version=layer.version))
    areas = published.region.areas[SMALL]
    if len(areas) > MOST_AREAS:
        return [Served()] * sites
    found, claims = nearest_sites(published, layer, viewer), claims_of([layer])
    rows = np.flatnonzero((found.site >= 0) & ~found.apart)
    part = pd.DataFrame(
        {
            "site": found.site[rows],
            "place": areas["place"].to_numpy(object)[rows],
            "people": areas["population"].to_numpy("float64")[rows],
        }
    )
    by_place = part.groupby(["site", "place"], as_index=False)["people"].sum()
    by_place = by_place[by_place["people"] > 0].sort_values(["people", "place"], ascending=[False, True])
    places = by_place.groupby("site")["place"].apply(list).to_dict()
    people = by_place.groupby("site")["people"].sum().to_dict()
    return [_served(claims, people.get(n, 0.0), places.get(n, [])) for n in range(sites)]


def _served(claims: Claims, people: float, places: list[str]) -> Served:
    if not places:
        return Served(claims.figure(0.0), claims.gate("For everybody here another site of the list is nearer."))
    if not claims.counts:
        return Served(None, claims.gate(f"The nearest for people in {wording.listing(places[:MOST_PLACES])}."))
    more = len(places) - MOST_PLACES
    where = wording.listing(places, MOST_PLACES) + (f" place{'s' if more > 1 else ''}" if more > 0 else "")
    return Served(people, claims.gate(f"The nearest for {claims.people(people)} in {where}."))
