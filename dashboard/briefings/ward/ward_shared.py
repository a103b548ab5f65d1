"""What the pages of all wards share, worked out once: measures, lists of services, and the answer to every question."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from dashboard.briefings.filling.questions import ThemeQuestion, answer, questions
from dashboard.published import Published
from dashboard.views.gaps import Gaps
from layers import LEVELS, Direction, Layer, Measure, NotFound, Refused, Viewer, to_degrees

MOST_NEEDS = 12
MOST_SERVICES = 8
_PLAIN_NEED = (Measure.RATE, Measure.PERCENTAGE)
_NO_NEED = (Measure.RANK, Measure.DECILE, Measure.CATEGORY)


@dataclass(frozen=True, eq=False)
class AnsweredQuestion:
    """One question, answered once for all wards. Arrays are in area order of the question's level."""

    question: ThemeQuestion
    gaps: Gaps
    underserved: np.ndarray
    near: np.ndarray
    ward: np.ndarray  # code of the area of the sheets' level that each lies in; "" where it is larger than that


@dataclass(frozen=True, eq=False)
class Shared:
    published: Published
    reader: Viewer
    layers: dict[str, Layer]
    themes: tuple[tuple[str, Layer], ...]  # (theme name, indicator) of every row of the need table
    services: tuple[Layer, ...]  # of the service table
    more_services: int
    level: str  # of the areas that get a sheet
    beyond: dict[
        str, pd.DataFrame
    ]  # services id -> by code: residents beyond the standard, metres from the nearest small area
    asked: tuple[AnsweredQuestion, ...]
    places: dict[str, tuple[pd.DataFrame, np.ndarray, np.ndarray]]  # services id -> sites, longitude, latitude
    people: dict[str, float]  # residents of the small areas by ward code
    members: dict[str, np.ndarray]  # ward code -> places of its small areas in area order
    times: np.ndarray  # in how many gaps each small area is


def shared_of(published: Published, reader: Viewer, level: str = "ward") -> Shared:
    """Kept by what the reader may see, in which versions: the same layers, the same pages."""
    versions = tuple((layer.id, layer.version) for layer in published.store.layers(reader))
    return _share(published, reader, level, versions)


@lru_cache(maxsize=6)
def _share(published: Published, reader: Viewer, level: str, _: tuple[tuple[str, int], ...]) -> Shared:
    seen = {layer.id: layer for layer in published.store.layers(reader)}
    region = published.region
    lsoa = region.areas["lsoa"]
    asked = tuple(
        _ask(question, gaps, level)
        for question in questions(published, reader)
        if (gaps := answer(published, question, reader)) is not None
    )
    times = np.zeros(len(lsoa), dtype=int)
    for each in asked:
        if each.gaps.level == "lsoa":
            times += each.underserved
    lists = [layer for layer in seen.values() if layer.kind == "services"]
    lists.sort(key=lambda layer: layer.descriptor.access_standard is None)  # stable: the store's order otherwise
    chosen = tuple(lists[:MOST_SERVICES])
    return Shared(
        published,
        reader,
        seen,
        _themes(published, seen, level),
        chosen,
        len(lists) - len(chosen),
        level,
        {layer.id: found for layer in chosen if (found := _beyond(published, layer, reader, level)) is not None},
        asked,
        {layer.id: _places(published, layer, reader) for layer in chosen},
        lsoa["population"].groupby(codes_at(lsoa, "lsoa", level)).sum().to_dict(),
        {code: rows.to_numpy() for code, rows in pd.Series(np.arange(len(lsoa))).groupby(codes_at(lsoa, "lsoa", level))},
        times,
    )  # fmt: skip


def codes_at(areas: pd.DataFrame, own: str, level: str) -> np.ndarray:
    """The code of the area of ``level`` that each area (of level ``own``) lies in; "" where that is smaller than it."""
    if own == level:
        return areas["code"].to_numpy(object)
    if LEVELS.index(own) > LEVELS.index(level):
        return np.full(len(areas), "", dtype=object)
    return areas[f"{level}_code"].to_numpy(object)


def _ask(question: ThemeQuestion, gaps: Gaps, level: str) -> AnsweredQuestion:
    table = gaps.result.areas
    areas = gaps.published.region.areas[gaps.level]
    return AnsweredQuestion(
        question,
        gaps,
        table["underserved"].to_numpy(bool),
        table["near_miss"].to_numpy(bool),
        codes_at(areas, gaps.level, level),
    )


def _themes(published: Published, seen: dict[str, Layer], level: str) -> tuple[tuple[str, Layer], ...]:
    """One indicator of each theme or, where there are few themes, up to three; no indicator stands twice."""
    able = {
        theme.id: sorted(
            (layer for layer in seen.values() if tells(layer, level) and theme.id in layer.themes),
            key=lambda layer, theme=theme: _telling(published, layer, theme),
        )
        for theme in published.region.themes
    }
    names = {theme.id: theme.name for theme in published.region.themes if able[theme.id]}
    each = min(max(MOST_NEEDS // max(len(names), 1), 1), 3)
    used: set[str] = set()
    found: dict[str, list[Layer]] = {theme: [] for theme in names}
    for _ in range(each):
        for theme in names:
            layer = next((layer for layer in able[theme] if layer.id not in used), None)
            if layer is not None:
                used.add(layer.id)
                found[theme].append(layer)
    return tuple((names[theme], layer) for theme, layers in found.items() for layer in layers)[:MOST_NEEDS]


def tells(layer: Layer, level: str = "ward") -> bool:
    """Whether an indicator can say of an area that it is better or worse off than another."""
    descriptor = layer.descriptor
    return (
        layer.kind == "indicator"
        and level in layer.levels
        and descriptor.direction != Direction.NEUTRAL
        and descriptor.measure not in _NO_NEED
    )


def _telling(published: Published, layer: Layer, theme) -> tuple:
    """Smaller tells more: the theme's own lead, then its ready-made sets by weight, then what is its own and can be read."""
    presets = published.region.presets
    weights = [
        preset.weights[layer.id] for preset in presets if preset.theme == theme.id and layer.id in preset.weights
    ]
    years = re.findall(r"(?:19|20)\d\d", layer.period)
    return (
        layer.id != theme.lead,
        layer.id in {other.lead for other in published.region.themes} - {theme.lead},  # that theme will show it
        -max(weights, default=0.0),
        layer.themes[0] != theme.id,
        layer.descriptor.measure not in _PLAIN_NEED,
        -max(map(int, years), default=0),
        layer.themes.index(theme.id),
    )


def _beyond(published: Published, layer: Layer, reader: Viewer, level: str) -> pd.DataFrame | None:
    """By code: residents whose small area has no such service within the standard (NaN without one), how far the nearest of
    the small areas is, and the mean over residents; None where nothing can be measured."""
    from dashboard.views.together import together_for

    standard = layer.descriptor.access_standard
    try:
        table = together_for(published, (layer.id,), reader).result.areas
    except (Refused, NotFound):
        return None
    areas = published.region.areas["lsoa"].loc[table.index]
    metres = table["together_m"].to_numpy("float64")
    people = areas["population"].to_numpy("float64")
    beyond = np.where(metres <= standard.max_m, 0.0, people) if standard is not None else np.full(len(areas), np.nan)
    weight = np.where(np.isfinite(metres), people, 0.0)
    by = pd.DataFrame(
        {"beyond": beyond, "least_m": metres, "weight": weight, "sum": np.nan_to_num(metres) * weight}
    ).groupby(codes_at(areas, "lsoa", level))
    mean = by["sum"].sum() / by["weight"].sum().replace(0.0, np.nan)
    return pd.DataFrame({"beyond": by["beyond"].sum(min_count=1), "least_m": by["least_m"].min(), "mean_m": mean})


def _places(published: Published, layer: Layer, reader: Viewer):
    sites = published.store.services(layer.id, reader)
    x, y = (sites[name].to_numpy("float64") for name in ("easting", "northing"))
    longitude, latitude = to_degrees(x, y) if len(sites) else (x, y)
    return sites, np.asarray(longitude), np.asarray(latitude)
