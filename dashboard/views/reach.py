"""How many pairs of area and site a question measures, and what that costs: a limit of hundreds of kilometres reaches every site
from everywhere, and each way is looked at for water."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from dashboard.jobs import ASKER
from dashboard.views.draws import MOST_S
from layers import Fault, GapRequest, Refused, Region

PER_PAIR = 8e-6
"""Seconds of a processor: 6 for each million pairs within 5 km of each other, 15 within 15 km, as measured on the North East."""
WITHIN = ("coverage", "e2sfca")
"""Metrics that measure every site within the limit; the others look for the nearest."""


def check_reach(request: GapRequest, region: Region, tables: Iterable[pd.DataFrame]) -> None:
    """Refuse what measures more pairs than one question may, with the limit that is taken. By command everything is worked out."""
    if ASKER.get() is None or request.metric not in WITHIN or request.travel:
        return
    if request.fair and request.max_min is not None:  # somebody may drive all the while
        name, unit, limit, metres = "max_min", "minutes", request.max_min, request.driving_kmh / 0.06
    elif request.fair:  # metres are turned into minutes on foot
        name, unit, limit, metres = "max_m", "m", request.max_m, request.driving_kmh / request.walking_kmh
    else:
        name, unit, limit, metres = "max_m", "m", request.max_m, 1.0
    areas = region.areas["lsoa"][["centroid_x", "centroid_y"]].to_numpy("float64")
    sites = [table[["easting", "northing"]].to_numpy("float64") for table in tables if len(table)]
    sound = limit is not None and math.isfinite(limit) and math.isfinite(metres) and metres > 0
    if not sites or not sound or not request.detour >= 1:
        return  # what is wrong is said elsewhere
    places = np.concatenate(sites)
    most = MOST_S / PER_PAIR
    if len(areas) * len(places) <= most:
        return
    here, there = cKDTree(areas), cKDTree(places[np.isfinite(places).all(axis=1)])

    def pairs(limit: float) -> int:
        return int(here.count_neighbors(there, limit * metres / request.detour))

    count = pairs(limit)
    if count <= most:
        return
    low, high = 0.0, min(limit, 1e6 * request.detour / metres)
    for _ in range(16):
        middle = (low + high) / 2
        low, high = (middle, high) if pairs(middle) <= most else (low, middle)
    what = f"{count:,} pairs of area and site lie within {limit:,.0f} {unit}; one question may measure {most:,.0f}"
    step = 10 ** max(math.floor(math.log10(max(low, 1.0))) - 1, 0)
    may = int(low // step * step)
    todo = f"use a limit of at most {may:,} {unit} ({name}={may}), or services with fewer sites"
    raise Refused("This asks for too much at once.", [Fault(what, name, todo, rule="price")])
