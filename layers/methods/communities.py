"""Underserved communities: areas that touch, what they share across borders, and what they are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from layers.geography.adjacency import adjacency as find_adjacency
from layers.geography.adjacency import components
from layers.methods.json_values import number_or_null
from layers.methods.need import Need

SECOND_NAME = 0.5
"""A second place joins the name when its most populous area has at least this share of the first one's residents."""


@dataclass(frozen=True)
class Share:
    lad_code: str
    lad_name: str
    areas: int
    population: float
    share: float  # of the community's residents, 0-1


@dataclass(frozen=True)
class Community:
    """A connected component of underserved areas. ``positions`` are places in area order."""

    id: str  # the smallest of its area codes, so it does not depend on any order
    name: str  # the place, then the authorities
    areas: tuple[str, ...]
    positions: tuple[int, ...]
    population: float
    shares: tuple[Share, ...]  # largest first
    need: float | None  # mean over residents
    access: float | None  # mean over residents, in the metric's unit
    access_worst: float | None
    stability: float | None  # mean over residents
    words: str | None = None  # the same in a word, None where none may be said
    drivers: tuple[dict, ...] = field(default=(), repr=False)
    border_penalty_m: float | None = None  # mean over the residents whose authority has a service
    residents_nearer_elsewhere: float | None = None
    centre: tuple[float, float] = (0.0, 0.0)  # mean point of its residents, EPSG:27700
    place: str = ""  # the name without the authorities

    @property
    def lads(self) -> tuple[str, ...]:
        return tuple(share.lad_code for share in self.shares)

    @property
    def shared(self) -> bool:
        """In two or more authorities."""
        return len(self.shares) > 1


def communities(
    underserved: pd.Series,
    areas: pd.DataFrame,
    *,
    need: Need | None = None,
    access: pd.Series | None = None,
    high_access_is_worse: bool = True,
    stability: pd.Series | None = None,
    words: Callable[[np.ndarray], np.ndarray] | None = None,
    border: pd.DataFrame | None = None,
    wards: pd.DataFrame | None = None,
    lads: pd.DataFrame | None = None,
    adjacency: csr_array | None = None,
) -> tuple[Community, ...]:
    """Communities of touching underserved areas, those with most residents first.

    ``words`` puts shares of draws into words. ``adjacency`` may be handed in when known; otherwise only the underserved
    outlines are compared. ``wards`` and ``lads`` (area frames) give the names. ``border`` is the frame of
    :func:`layers.methods.together.border_view`.
    """
    mask = underserved.fillna(False).to_numpy(bool)
    if not mask.any():
        return ()
    if adjacency is None:
        adjacency = find_adjacency(areas["geometry"], mask=mask)
    label = components(adjacency, mask)
    members = np.flatnonzero(label >= 0)
    group, count = label[members], int(label.max()) + 1
    part = areas.iloc[members]
    people = part["population"].to_numpy("float64")
    columns = {name: part[name].astype(str).to_numpy(object) for name in ("code", "lad_code")}
    ward_name = {} if wards is None else dict(zip(wards["code"].astype(str), wards["name"].astype(str), strict=True))
    lad_name = {} if lads is None else dict(zip(lads["code"].astype(str), lads["name"].astype(str), strict=True))
    places = _place_names(part, ward_name)
    mean = lambda values: _means(np.asarray(values, dtype="float64")[members], people, group, count)  # noqa: E731
    unknown = np.full(count, np.nan)
    means = {
        "need": unknown if need is None else mean(need.score),
        "access": unknown if access is None else mean(access),
        "stability": unknown if stability is None else mean(stability),
        "border_penalty_m": unknown if border is None else mean(border["border_penalty_m"]),
    }
    said = [None] * count if words is None else words(means["stability"])
    worst = (
        unknown if access is None else _worst(access.to_numpy("float64")[members], group, count, high_access_is_worse)
    )
    drivers = _drivers(need, mean) if need is not None else [()] * count
    elsewhere = None
    if border is not None:
        elsewhere = np.bincount(group, border["residents_nearer_elsewhere"].to_numpy("float64")[members], count)
    x, y = mean(areas["centroid_x"]), mean(areas["centroid_y"])
    order = np.lexsort((columns["code"], group))
    found = []
    for number, rows in enumerate(np.split(order, np.flatnonzero(np.diff(group[order])) + 1)):
        shares = _shares(columns["lad_code"][rows], people[rows], lad_name)
        place = _place(places[rows], people[rows], columns["code"][rows])
        found.append(
            Community(
                id=columns["code"][rows[0]],
                name=_name(place, shares),
                place=place,
                areas=tuple(columns["code"][rows]),
                positions=tuple(members[rows].tolist()),
                population=float(people[rows].sum()),
                shares=shares,
                words=said[number],
                access_worst=number_or_null(worst[number]),
                drivers=drivers[number],
                residents_nearer_elsewhere=None if elsewhere is None else float(elsewhere[number]),
                centre=(float(x[number]), float(y[number])),
                **{name: number_or_null(values[number]) for name, values in means.items()},
            )
        )
    found.sort(key=lambda c: (-c.population, c.id))
    return _distinct(found)


def _means(values: np.ndarray, people: np.ndarray, group: np.ndarray, count: int) -> np.ndarray:
    """Mean over residents of the known values of each community; over areas where nobody lives; NaN when none is known."""
    known = np.isfinite(values)
    empty = np.bincount(group[known], people[known], count) <= 0
    weight = np.where(known, np.where(empty[group], 1.0, people), 0.0)
    total = np.bincount(group, weight, count)
    summed = np.bincount(group, weight * np.where(known, values, 0.0), count)
    return np.divide(summed, total, out=np.full(count, np.nan), where=total > 0)


def _worst(values: np.ndarray, group: np.ndarray, count: int, high_is_worse: bool) -> np.ndarray:
    out = np.full(count, np.nan)
    (np.fmax if high_is_worse else np.fmin).at(out, group, values)
    return out


def _drivers(need: Need, mean) -> list[tuple[dict, ...]]:
    """Indicators by the points they bring to each community's score, largest first."""
    tables = [
        (indicator, mean(need.contributions[indicator.id]), mean(need.percentiles[indicator.id]), mean(indicator.value))
        for indicator in need.indicators
    ]
    out = []
    for number in range(len(tables[0][1])):
        drivers = [
            {
                "id": indicator.id,
                "title": indicator.name,
                "points": float(points[number]),
                "percentile": number_or_null(percentiles[number]),
                "value": number_or_null(values[number]),
                "unit": indicator.unit,
            }
            for indicator, points, percentiles, values in tables
            if np.isfinite(points[number])
        ]
        out.append(tuple(sorted(drivers, key=lambda d: (-d["points"], d["id"]))))
    return out


def _shares(lads: np.ndarray, people: np.ndarray, lad_name: dict) -> tuple[Share, ...]:
    total = float(people.sum())
    out = []
    for lad in sorted(set(lads)):
        mine = lads == lad
        residents, areas = float(people[mine].sum()), int(mine.sum())
        out.append(
            Share(lad, lad_name.get(lad, lad), areas, residents, residents / total if total > 0 else areas / len(lads))
        )
    return tuple(sorted(out, key=lambda share: (-share.population, share.lad_code)))


def _place(places: np.ndarray, people: np.ndarray, codes: np.ndarray) -> str:
    """The place of the most populous area, and of the next one when that is another place and not much smaller.

    A name that is a pair itself ("Seaham Central & South") stays alone: two pairs in a row cannot be read aloud.
    """
    order = np.lexsort((codes, -people))[:2]
    names = list(dict.fromkeys(str(places[i]) for i in order))
    large = people[order[-1]] >= SECOND_NAME * people[order[0]]
    if len(names) == 2 and large and not any(pair in name for name in names for pair in (" & ", " and ")):
        return " and ".join(names)
    return names[0]


def _name(place: str, shares: tuple[Share, ...]) -> str:
    """The place, then the authorities: "Wardley and Hebburn South, Gateshead and South Tyneside". Of more than two the largest two
    are named; authorities that the place is called after are not said twice."""
    lads = [
        share.lad_name for share in shares if share.lad_name != share.lad_code
    ]  # an authority without a name is not said
    if all(lad in place for lad in lads[:2]):
        return place
    more = f" and {len(lads) - 2} more" if len(lads) > 2 else ""
    joined = f"{lads[0]}, {lads[1]}{more}" if more else " and ".join(lads)
    return f"{place}, {joined}"


def _place_names(part: pd.DataFrame, ward_name: dict) -> np.ndarray:
    """The everyday name of each area (:mod:`layers.geography.everyday_names`); else its ward's; its own where there is neither."""
    if "place" in part.columns:
        return part["place"].astype(str).to_numpy(object)
    own = (part["name"] if "name" in part.columns else part["code"]).astype(str)
    wards = part["ward_code"].astype(str) if "ward_code" in part.columns else own
    return np.array([ward_name.get(ward) or name for ward, name in zip(wards, own, strict=True)], dtype=object)


def _distinct(found: list[Community]) -> tuple[Community, ...]:
    """Names that stand twice get a number, so that a list can be read aloud."""
    out, seen = list(found), Counter()
    count = Counter(community.name for community in out)
    for i, community in enumerate(out):
        if count[community.name] > 1:
            seen[community.name] += 1
            number = seen[community.name]
            name = community.name.replace(community.place, f"{community.place} {number}", 1)
            out[i] = replace(community, name=name, place=f"{community.place} {number}")
    return tuple(out)
