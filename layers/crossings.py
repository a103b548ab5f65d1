"""Crossings: the bridges, tunnels and ferries by which water is crossed, as a region's definition declares them.

Each is a name, a kind and a point. They stand in the definition and in the pack's ``region.toml`` as ``[[crossings]]``; both are
read here. A tidal road is known and kept, and never counts: it is under water twice a day.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from layers.geography.coordinates import UK_DEGREES, to_metres
from layers.model import Fault

TIDAL = "tidal road"
KINDS = ("bridge", "tunnel", "ferry", "road", "rail", "foot", "cycle", "foot and cycle", TIDAL)
KEYS = ("name", "kind", "latitude", "longitude")
LEAST_M, MOST_M = 50, 10_000
"""How far apart the points of one crossing may lie: one that is longer than 600 m has several under one name."""


@dataclass(frozen=True)
class Crossing:
    """One bridge, tunnel or ferry. ``latitude`` and ``longitude`` are degrees (EPSG:4326) of about its middle, or of a point of a long
    one, which stands several times under its name."""

    name: str
    kind: str
    latitude: float
    longitude: float

    @property
    def counts(self) -> bool:
        return self.kind != TIDAL


def read_crossings(raw: Any, where: str, faults: list[Fault]) -> tuple[Crossing, ...]:
    """The crossings of a definition's ``crossings`` key; what is wrong with any of them is added to ``faults``."""
    if raw is None:
        return ()
    if not isinstance(raw, list) or not all(isinstance(item, dict) for item in raw):
        faults.append(Fault("'crossings' must be written as [[crossings]] tables", where, rule="bad-type"))
        return ()
    found: list[Crossing] = []
    for number, item in enumerate(raw, 1):
        at = f"{where}, crossing {number} '{item.get('name', '?')}'"
        before = len(faults)
        for key in sorted(set(item) - set(KEYS)):
            what = f"the key '{key}' is not known"
            faults.append(Fault(what, at, f"use {', '.join(KEYS)}", value=key, rule="unknown-key"))
        name, kind = item.get("name", ""), item.get("kind", "")
        if not isinstance(name, str) or not name.strip():
            faults.append(Fault("the name is missing or empty", at, 'add name = "..."', rule="missing-key"))
        if kind not in KINDS:
            what = f"'{kind}' is not a kind of crossing" if kind else "the kind is missing"
            faults.append(Fault(what, at, f"use one of {', '.join(KINDS)}", value=str(kind), rule="unknown-kind"))
        west, south, east, north = UK_DEGREES
        latitude = _degrees(item, "latitude", south, north, at, faults)
        longitude = _degrees(item, "longitude", west, east, at, faults)
        if len(faults) > before:
            continue
        one = Crossing(name.strip(), kind, latitude, longitude)
        if not _goes_on(one, [other for other in found if other.name == one.name]):
            todo = f"give each crossing its own name; the points of a long one lie {LEAST_M} to {MOST_M:,} m apart"
            faults.append(Fault(f"the crossing '{name}' stands twice", at, todo, value=name, rule="duplicate-crossing"))
            continue
        found.append(one)
    return tuple(found)


def _goes_on(one: Crossing, others: Sequence[Crossing]) -> bool:
    """Whether a point is the first of its name, or goes on with a crossing too long for one point."""
    if not others:
        return True
    east, north = to_metres([c.longitude for c in (one, *others)], [c.latitude for c in (one, *others)])
    apart = min(math.hypot(x - east[0], y - north[0]) for x, y in zip(east[1:], north[1:], strict=True))
    return LEAST_M <= apart <= MOST_M and all(other.kind == one.kind for other in others)


def _degrees(item: dict, key: str, least: float, most: float, at: str, faults: list[Fault]) -> float:
    value = item.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        what = f"the {key} is missing" if value is None else f"the {key} {value!r} is not a number"
        faults.append(Fault(what, at, f"give degrees from {least:g} to {most:g}", rule="bad-number"))
        return math.nan
    if not least <= value <= most:
        todo = f"give degrees from {least:g} to {most:g}; latitude and longitude may have changed places"
        faults.append(Fault(f"the {key} {value:g} lies outside the United Kingdom", at, todo, rule="bad-number"))
    return float(value)


def crossing_table(crossing: Crossing) -> dict[str, Any]:
    """A crossing as a table of a TOML file."""
    return {key: getattr(crossing, key) for key in KEYS}


def counting(crossings: Sequence[Crossing]) -> tuple[Crossing, ...]:
    """Those that lead across water at any time."""
    return tuple(crossing for crossing in crossings if crossing.counts)
