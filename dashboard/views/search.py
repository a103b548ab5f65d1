"""One search box for postcodes, themes, indicators, lists, areas, wards, authorities and services."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from dashboard.published import Published
from dashboard.views.choropleth import LayerForViewer
from dashboard.views.places import names
from layers import PUBLIC, Viewer, find_postcode, locate_point

MOST = 12
LONGEST = 80


@dataclass(frozen=True)
class Hit:
    """One thing found: ``value`` is what the page acts on, ``label`` what people read (it always contains what was typed)."""

    value: str  # "area:E01..." | "theme:crime" | "need:layer" | "list:layer" | "point:54.97,-1.61:E01..." | "site:layer:54.9,-1.6:E01..."
    label: str
    group: str


def search(published: Published, text: str, viewer: Viewer = PUBLIC) -> tuple[Hit, ...]:
    """Up to :data:`MOST` hits, best first: a postcode, then areas whose name or code begins with the text, then those holding it.
    A name is the everyday one or the official one."""
    text = " ".join(str(text).split())[:LONGEST]
    if len(text) < 2:
        return ()
    hits: list[Hit] = []
    if hit := _postcode(published, text):
        hits.append(hit)
    hits += _topics(published, text, viewer)
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


MOST_TOPICS = 4
"""Themes, indicators and lists found at most, of each kind."""


def _topics(published: Published, text: str, viewer: Viewer) -> list[Hit]:
    """Themes, indicators and lists of services by their titles, those that begin with the text first."""
    needle = text.casefold()

    def found(kind: str, group: str, titles: dict[str, str]) -> list[Hit]:
        holds = [(not title.casefold().startswith(needle), n, name) for n, (name, title) in enumerate(titles.items())
                 if needle in title.casefold()]  # fmt: skip
        return [Hit(f"{kind}:{name}", titles[name], group) for _, _, name in sorted(holds)[:MOST_TOPICS]]

    layers = published.store.layers(viewer)
    return [
        *found("theme", "Themes", {theme.id: theme.name for theme in published.region.themes}),
        *found("need", "Indicators", {layer.id: layer.title for layer in layers if layer.kind == "indicator"}),
        *found("list", "Lists of services", {layer.id: layer.title for layer in layers if layer.kind == "services"}),
    ]


_GROUPS = {"lad": "Authorities", "ward": "Wards", "lsoa": "Small areas"}


def _areas(published: Published, text: str) -> list[Hit]:
    needle, hits = text.casefold(), []
    for level in ("lad", "ward", "lsoa"):
        index = _index(published, level)
        starts = [
            i
            for i, (name, official, code) in enumerate(index)
            if name.startswith(needle) or official.startswith(needle) or code == needle
        ]
        first = set(starts)
        holds = [i for i, names_ in enumerate(index) if (needle in names_[0] or needle in names_[1]) and i not in first]
        areas, lads = published.region.areas[level], names(published, "lad")
        for i in [*starts[:6], *holds[:4]]:
            code, label = areas["code"].iat[i], areas["name"].iat[i]
            if level != "lad":
                label = f"{label}, {lads.get(areas['lad_code'].iat[i], '')}"
            if needle not in label.casefold():
                official = areas["official_name"].iat[i]
                label = f"{label} – {official if needle in official.casefold() else code}"
            hits.append(Hit(f"area:{code}", label, _GROUPS[level]))
    return hits


@lru_cache(maxsize=16)
def _index(published: Published, level: str) -> list[tuple[str, str, str]]:
    """Name, official name and code of every area, for comparing without case. A list: faster than pandas at this, by ten times."""
    areas = published.region.areas[level]
    columns = (areas[column] for column in ("name", "official_name", "code"))
    return [tuple(text.casefold() for text in row) for row in zip(*columns, strict=True)]


def _services(published: Published, text: str, viewer: Viewer) -> list[Hit]:
    needle, hits = text.casefold(), []
    for layer in published.store.layers(viewer, kind="services"):
        found = (site for site in _sites(published, LayerForViewer.by(viewer, layer)) if needle in site[0])
        for _, name, latitude, longitude in islice(found, 4):
            hits.append(Hit(f"site:{layer.id}:{latitude:.5f},{longitude:.5f}", f"{name} – {layer.title}", "Services"))
    return hits


@lru_cache(maxsize=64)
def _sites(published: Published, seen: LayerForViewer) -> list[tuple[str, str, float, float]]:
    """Name for comparing, name, latitude and longitude of the sites of a list that have a place."""
    sites = seen.services(published)
    sites = sites[sites["latitude"].notna()]
    columns = (sites[name].tolist() for name in ("name", "latitude", "longitude"))
    return [
        (str(name).casefold(), str(name), latitude, longitude)
        for name, latitude, longitude in zip(*columns, strict=True)
    ]


def as_options(hits: tuple[Hit, ...]) -> list[dict]:
    """Hits as the grouped options of a picker."""
    groups: dict[str, list[dict]] = {}
    for hit in hits:
        groups.setdefault(hit.group, []).append({"value": hit.value, "label": hit.label})
    return [{"group": name, "items": items} for name, items in groups.items()]
