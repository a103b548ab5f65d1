"""What access can be measured with besides distance: a demand group, the fair standard, a travel-time table.

A *demand group* is a layer that counts people: a count, or a percentage that comes with its counts (the age bands do). The
*fair standard* needs a layer of the share of households without a car; such a layer is known by its id, which contains
``no-car`` or ``without-a-car``. A *travel-time table* lies in the region pack (``layers.methods.travel``). All of them are offered only
where they are there for this viewer and level.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from dashboard.published import Published
from dashboard.selection import Selection
from layers import (
    DRIVING_KMH,
    LEVELS,
    METRICS,
    WALKING_KMH,
    Fault,
    GapRequest,
    Kind,
    Layer,
    Measure,
    Refused,
    TravelTable,
    Viewer,
    load_travel,
    travel_tables,
)

FAIR_WORDS = (
    f"Minutes: by car ({DRIVING_KMH:g} km/h) where households have one, on foot ({WALKING_KMH:g} km/h) where not"
)
_NO_CAR = re.compile(r"(^|-)(no-car|without-a-car)(-|$)")


def is_group(layer: Layer) -> bool:
    """Whether a layer says how many people (or households) there are of a kind."""
    if layer.kind != Kind.INDICATOR:
        return False
    counted = layer.descriptor.measure == Measure.PERCENTAGE and "numerator" in layer.descriptor.columns
    return layer.descriptor.measure == Measure.COUNT or counted


def no_car_layer(layers: Iterable[Layer]) -> Layer | None:
    """The layer behind the fair standard: of several, the one with the newest period."""
    found = [
        layer
        for layer in layers
        if layer.kind == Kind.INDICATOR
        and layer.descriptor.measure == Measure.PERCENTAGE
        and _NO_CAR.search(layer.id)
        and layer.levels
    ]
    return max(found, key=lambda layer: (layer.period, layer.id), default=None)


def tables_for(published: Published, visible: Iterable[str]) -> tuple[TravelTable, ...]:
    """Travel-time tables whose services this viewer may all see: a table says where its services are."""
    seen = set(visible)
    return tuple(table for table in travel_tables(published.region.path) if set(table.services) <= seen)


def levels_of(layer: Layer | TravelTable | None) -> tuple[str, ...]:
    """The levels at which access can be measured with it: all, where it has small areas, from which every level is made."""
    own = () if layer is None else (layer.level,) if isinstance(layer, TravelTable) else layer.levels
    return LEVELS if LEVELS[0] in own else ()


def fits(table: TravelTable, services: Iterable[str]) -> bool:
    """Whether a table leads from the small areas to these services."""
    return bool(levels_of(table)) and set(table.services) == set(services)


def as_offer(published: Published, layers: Iterable[Layer]) -> dict:
    """For the browser: ``{travel: [{id, title, services}], fair: [levels], fairWords, groups: [{id, title, levels}],
    capacity: [metrics that share the capacity of the sites]}``."""
    layers = list(layers)
    cars = no_car_layer(layers)
    tables = tables_for(published, (layer.id for layer in layers))
    return {
        "travel": [{"id": t.id, "title": t.title, "services": list(t.services)} for t in tables if levels_of(t)],
        "fair": list(levels_of(cars)),
        "fairWords": FAIR_WORDS,
        "groups": [
            {"id": layer.id, "title": layer.title, "levels": list(levels_of(layer))}
            for layer in layers
            if is_group(layer)
        ],
        "capacity": [metric.id for metric in METRICS.values() if metric.uses_capacity],
    }


def valid_measures(
    published: Published, chosen: Selection, visible: dict[str, Layer]
) -> tuple[Selection, tuple[str, ...]]:
    """The nearest way of measuring access that exists, and one notice for each thing that was changed."""
    notices = []
    if chosen.travel:
        table = next((t for t in tables_for(published, visible) if t.id == chosen.travel), None)
        if table is None:
            notices.append(f"There is no travel-time table “{chosen.travel}” here; distance is used.")
        elif not fits(table, chosen.services) and chosen.show != "need":
            notices.append(
                f"The travel times “{table.title}” do not lead from these areas to these services; distance is used."
            )
        if table is None or not fits(table, chosen.services):
            chosen = replace(chosen, travel="")
    if chosen.fair:
        cars = no_car_layer(visible.values())
        if chosen.travel or not levels_of(cars):
            if not chosen.travel:
                notices.append(
                    "The fair standard needs a layer of households without a car by small area, and there is none; distance is used."
                )
            chosen = replace(chosen, fair=False)
    if chosen.group:
        layer = visible.get(chosen.group)
        if layer is None or not is_group(layer) or not levels_of(layer):
            notices.append(
                f"There are no counts of “{chosen.group}” by small area; capacity is shared among all residents."
            )
            chosen = replace(chosen, group="")
    if chosen.max_min is not None and not chosen.fair and not chosen.travel:
        chosen = replace(chosen, max_min=None)
    return chosen, tuple(notices)


# ---- what the engine is handed ----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Measures:
    """Frames for the engine by level, the layers that they come from, and a key of all that they depend on."""

    demand: dict[str, pd.Series] | None = None
    no_car_share: dict[str, pd.Series] | None = None
    travel: pd.DataFrame | None = None
    group: Layer | None = None
    cars: Layer | None = None
    table: TravelTable | None = None
    key: tuple = field(default=())

    @property
    def layers(self) -> tuple[Layer, ...]:
        return tuple(layer for layer in (self.group, self.cars) if layer is not None)


def measures_of(published: Published, request: GapRequest, viewer: Viewer) -> Measures:
    """Read what a request needs besides need and services.

    Raises NotFound for a group that this viewer may not see, and Refused where something is not there or does not fit.
    """
    if not (request.group or request.fair or request.travel):
        return Measures()
    store, faults = published.store, []
    demand = share = travel = group = cars = table = None
    if request.group:
        group = store.layer(request.group, viewer)
        if not is_group(group):
            what = f"'{group.title}' does not count people"
            faults.append(Fault(what, "group", "choose a count, or a percentage with its counts", rule="group"))
        else:
            demand = {level: _counts(store.values(group.id, level, viewer).frame, group) for level in group.levels}
    if request.fair:
        cars = no_car_layer(store.layers(viewer))
        if cars is not None:
            share = {level: store.values(cars.id, level, viewer).frame["value"] / 100.0 for level in cars.levels}
    if request.travel:
        tables = tables_for(published, (layer.id for layer in store.layers(viewer)))
        table = next((t for t in tables if t.id == request.travel), None)
        if table is not None and not fits(table, request.services):
            what = f"'{table.title}' leads from {table.level} to {', '.join(table.services)}"
            todo = "choose a table that leads from the small areas to the services of this question"
            faults.append(Fault(what, "travel", todo, rule="travel-fit"))
        elif table is not None:
            travel = _rows(published.region.path, table.id, table.stamp)
    if faults:
        raise Refused("Access cannot be measured in this way.", faults)
    key = (
        (group.id, group.version, group.period) if group else (),
        (cars.id, cars.version, cars.period) if cars else (),
        (table.id, *table.stamp) if table else (),
    )
    return Measures(demand, share, travel, group, cars, table, key)


@lru_cache(maxsize=4)
def _rows(pack: Path, table_id: str, stamp: tuple[int, int]) -> pd.DataFrame:
    """The rows of a stored table; ``stamp`` is of its file, so what is kept is never older than that."""
    return load_travel(pack, table_id)


def _counts(frame: pd.DataFrame, layer: Layer) -> pd.Series:
    """People of the group in each area; NaN where that is not published."""
    column = "value" if layer.descriptor.measure == Measure.COUNT else "numerator"
    counts = pd.to_numeric(frame[column], errors="coerce").astype("float64")
    return counts.where(np.isfinite(counts))
