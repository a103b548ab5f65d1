"""One search box for postcodes, areas, wards, authorities and services."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from dashboard.published import Published
from layers import PUBLIC, Viewer, find_postcode, locate_point

MOST = 12


@dataclass(frozen=True)
class Hit:
    """One thing found: ``value`` is what the page acts on, ``label`` what people read (it always contains what was typed)."""

    value: str  # "area:E01..." | "point:54.97,-1.61:E01..." | "site:layer:54.9,-1.6:E01..."
    label: str
    group: str


def search(published: Published, text: str, viewer: Viewer = PUBLIC) -> tuple[Hit, ...]:
    """Up to :data:`MOST` hits, best first: a postcode, then areas whose name or code begins with the text, then those holding it."""
    text = " ".join(text.split())
    if len(text) < 2:
        return ()
    hits: list[Hit] = []
    if hit := _postcode(published, text):
        hits.append(hit)
    hits += _areas(published, text)
    hits += _services(published, text, viewer)
    return tuple(hits[:MOST])


def _postcode(published: Published, text: str) -> Hit | None:
    place = find_postcode(text)
    if place is None:
        return None
    code = locate_point(published.region, place.easting, place.northing)
    where = f"{place.latitude:.5f},{place.longitude:.5f}"
    if not code:
        return Hit(f"point:{where}:", f"{text} – outside {published.region.name}", "Postcode")
    areas = published.region.areas["lsoa"]
    name = areas["name"].iat[published.region.position("lsoa", code)]
    return Hit(f"point:{where}:{code}", f"{text} – in {name}", "Postcode")


_GROUPS = {"lad": "Authorities", "ward": "Wards", "lsoa": "Small areas"}


def _areas(published: Published, text: str) -> list[Hit]:
    needle, hits = text.casefold(), []
    for level in ("lad", "ward", "lsoa"):
        names, codes, labels = _index(published, level)
        starts = names.str.startswith(needle) | (codes == needle)
        holds = names.str.contains(needle, regex=False) & ~starts
        for i in [*np.flatnonzero(starts)[:6], *np.flatnonzero(holds)[:4]]:
            code = published.region.codes(level)[i]
            label = labels[i] if needle in labels[i].casefold() else f"{labels[i]} – {code}"
            hits.append(Hit(f"area:{code}", label, _GROUPS[level]))
    return hits


@lru_cache(maxsize=16)
def _index(published: Published, level: str):
    areas = published.region.areas[level]
    lads = published.region.areas["lad"].set_index("code")["name"]
    names = areas["name"].astype(str)
    owner = areas["lad_code"].map(lads).fillna("")
    labels = names if level == "lad" else names + ", " + owner
    return names.str.casefold(), areas["code"].str.casefold(), labels.to_numpy()


def _services(published: Published, text: str, viewer: Viewer) -> list[Hit]:
    needle, hits = text.casefold(), []
    for layer in published.store.layers(viewer, kind="services"):
        sites = published.store.services(layer.id, viewer)
        found = sites[sites["name"].astype(str).str.casefold().str.contains(needle, regex=False)]
        for site in found.head(4).itertuples():
            if pd.isna(site.latitude):
                continue
            hits.append(
                Hit(
                    f"site:{layer.id}:{site.latitude:.5f},{site.longitude:.5f}",
                    f"{site.name} – {layer.title}",
                    "Services",
                )
            )
    return hits


def as_options(hits: tuple[Hit, ...]) -> list[dict]:
    """Hits as the grouped options of a picker."""
    groups: dict[str, list[dict]] = {}
    for hit in hits:
        groups.setdefault(hit.group, []).append({"value": hit.value, "label": hit.label})
    return [{"group": name, "items": items} for name, items in groups.items()]
