"""Where the map looks: bounds of the region and of every partner, the first view, and the questions to start from."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

from dashboard.published import Published
from dashboard.selection import Selection, weighted
from dashboard.views.wording import listing
from layers import PUBLIC, Region


def bounds(published: Published) -> dict[str, list[list[float]]]:
    """``{"": region, partner id: footprint}`` as [[south, west], [north, east]] in degrees."""
    return _bounds(published.region)


@lru_cache(maxsize=8)
def _bounds(region: Region) -> dict[str, list[list[float]]]:
    lads = region.areas["lad"]
    boxes = lads.geometry.bounds.set_index(lads["code"])

    def box(codes) -> list[list[float]]:
        part = boxes.loc[list(codes)]
        return [
            [float(part["miny"].min()), float(part["minx"].min())],
            [float(part["maxy"].max()), float(part["maxx"].max())],
        ]

    return {"": box(boxes.index)} | {partner.id: box(partner.footprint) for partner in region.partners}


def names(published: Published, level: str) -> dict[str, str]:
    """Code -> name of every area of a level."""
    return _names(published.region, level)


@lru_cache(maxsize=32)
def _names(region: Region, level: str) -> dict[str, str]:
    areas = region.areas[level]
    return dict(zip(areas["code"], areas["name"], strict=True))


def everyday(published: Published, level: str) -> bool:
    """Whether areas of a level go by other names than their official ones."""
    areas = published.region.areas[level]
    return not areas["name"].equals(areas["official_name"])


def start_view(published: Published) -> tuple[float, float, float]:
    """Latitude, longitude and zoom that show the whole region on a map of about 700 by 650 pixels; the browser then fits it."""
    (south, west), (north, east) = bounds(published)[""]
    wide = math.log2(700 / 256 * 360 / max(east - west, 1e-3))
    middle = math.radians((south + north) / 2)
    high = math.log2(650 / 256 * 360 / max((north - south) / math.cos(middle), 1e-3))
    return (south + north) / 2, (west + east) / 2, math.floor(min(wide, high) * 4) / 4


def who(published: Published) -> str:
    """ "7 councils, the NHS, police and fire": the kinds of partner that there are."""
    kinds = [partner.kind for partner in published.region.partners]
    councils = kinds.count("council")
    words = [f"{councils} councils" if councils != 1 else "one council"] if councils else []
    others = (("icb", "the NHS"), ("police", "police"), ("fire", "fire services"), ("charity", "charities"))
    words += [name for kind, name in others if kind in kinds]
    return listing(words) or "the partners"


def starting_questions(published: Published) -> list[tuple[str, str]]:
    """Up to three questions, each a link that sets the whole view, made from what this region has and the public may see."""
    region, store = published.region, published.store
    offered = {layer.id: layer for layer in store.layers(PUBLIC, kind="indicator")}
    # a lead that was withdrawn, or that only partners may see, is nothing to start from
    theme = next((theme for theme in region.themes if theme.lead in offered), None)
    lead = offered[theme.lead] if theme else next(iter(offered.values()), None)
    if lead is None:
        return []
    first = Selection(theme=theme.id if theme else "", need=lead.id, level=lead.levels[0] if lead.levels else "lsoa")
    questions = [("Where is need highest?", first.link())]
    services = (theme and store.layers(PUBLIC, kind="services", theme=theme.id)) or store.layers(
        PUBLIC, kind="services"
    )
    # a list with a standard of its own can say what is too far
    chosen = next((layer for layer in services if layer.descriptor.access_standard), services[0] if services else None)
    if chosen is not None and str(lead.descriptor.direction) != "neutral":
        presets = [p for p in region.presets if theme and p.theme == theme.id and set(p.weights) <= set(offered)]
        need = weighted(presets[0].weights.items()) if presets else lead.id
        gap = replace(first, need=need, services=(chosen.id,), show="gap")
        questions.append(("Where are services furthest from need?", gap.link()))
        questions.append(("What do we share with our neighbours?", gap.link(show="access")))
    return questions
