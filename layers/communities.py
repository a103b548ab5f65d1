"""Underserved communities: areas that touch, what they share across borders, and what they are called."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from layers.adjacency import adjacency as find_adjacency
from layers.adjacency import components
from layers.need import Need
from layers.stability import words

SECOND_NAME = 0.5
"""A second ward joins the name when it holds at least this share of the first ward's residents of the community."""


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
    name: str
    areas: tuple[str, ...]
    positions: tuple[int, ...]
    population: float
    shares: tuple[Share, ...]  # largest first
    need: float | None  # mean over residents
    access: float | None  # mean over residents, in the metric's unit
    access_worst: float | None
    stability: float | None  # mean over residents
    drivers: tuple[dict, ...] = field(default=(), repr=False)
    border_penalty_m: float | None = None  # mean over the residents whose authority has a service
    residents_nearer_elsewhere: float | None = None
    centre: tuple[float, float] = (0.0, 0.0)  # mean point of its residents, EPSG:27700

    @property
    def lads(self) -> tuple[str, ...]:
        return tuple(share.lad_code for share in self.shares)

    @property
    def shared(self) -> bool:
        """In two or more authorities."""
        return len(self.shares) > 1

    @property
    def words(self) -> str:
        return "" if self.stability is None else words(self.stability)


def communities(
    underserved: pd.Series,
    areas: pd.DataFrame,
    *,
    need: Need | None = None,
    access: pd.Series | None = None,
    high_access_is_worse: bool = True,
    stability: pd.Series | None = None,
    border: pd.DataFrame | None = None,
    wards: pd.DataFrame | None = None,
    lads: pd.DataFrame | None = None,
    adjacency: csr_array | None = None,
) -> tuple[Community, ...]:
    """Communities of touching underserved areas, those with most residents first.

    ``adjacency`` may be handed in when known; otherwise only the underserved outlines are compared. ``wards`` and
    ``lads`` (area frames) give the names. ``border`` is the frame of :func:`layers.access.border_view`.
    """
    mask = underserved.fillna(False).to_numpy(bool)
    if not mask.any():
        return ()
    if adjacency is None:
        adjacency = find_adjacency(areas["geometry"], mask=mask)
    label = components(adjacency, mask)
    ward_name = dict(zip(wards["code"], wards["name"], strict=True)) if wards is not None else {}
    lad_name = dict(zip(lads["code"], lads["name"], strict=True)) if lads is not None else {}
    order = np.argsort(label, kind="stable")
    groups = np.split(order, np.unique(label[order], return_index=True)[1])
    found = []
    for members in groups:
        if len(members) and label[members[0]] >= 0:
            found.append(
                _community(members, areas, need, access, high_access_is_worse, stability, border, ward_name, lad_name)
            )
    found.sort(key=lambda c: (-c.population, c.id))
    return _distinct(found)


def _community(members, areas, need, access, high_is_worse, stability, border, ward_name, lad_name) -> Community:
    part = areas.iloc[members]
    codes = part["code"].astype(str).to_numpy()
    members, part = members[np.argsort(codes)], part.iloc[np.argsort(codes)]
    people = part["population"].to_numpy("float64")
    total = float(people.sum())
    mean = lambda values: _mean(values, people)  # noqa: E731
    by_lad = part.groupby("lad_code")["population"].agg(["sum", "size"]).sort_index()
    by_lad = by_lad.sort_values("sum", ascending=False, kind="stable")
    shares = tuple(
        Share(
            str(code),
            str(lad_name.get(code, code)),
            int(row["size"]),
            float(row["sum"]),
            float(row["sum"]) / total if total > 0 else float(row["size"]) / len(part),
        )
        for code, row in by_lad.iterrows()
    )
    values = None if access is None else access.to_numpy("float64")[members]
    worst = None
    if values is not None and np.isfinite(values).any():
        worst = float(np.nanmax(values) if high_is_worse else np.nanmin(values))
    weight = people if total > 0 else np.ones(len(people))
    return Community(
        id=str(part["code"].iloc[0]),
        name=_name(part, shares, ward_name),
        areas=tuple(part["code"].astype(str)),
        positions=tuple(int(i) for i in members),
        population=total,
        shares=shares,
        need=None if need is None else mean(need.score.to_numpy()[members]),
        access=None if values is None else mean(values),
        access_worst=worst,
        stability=None if stability is None else mean(stability.to_numpy("float64")[members]),
        drivers=() if need is None else _drivers(need, members, people),
        border_penalty_m=None if border is None else mean(border["border_penalty_m"].to_numpy("float64")[members]),
        residents_nearer_elsewhere=None
        if border is None
        else float(people[border["nearer_elsewhere"].to_numpy(bool)[members]].sum()),
        centre=(
            float(np.average(part["centroid_x"], weights=weight)),
            float(np.average(part["centroid_y"], weights=weight)),
        ),
    )


def _mean(values: np.ndarray, people: np.ndarray) -> float | None:
    """Mean over residents of the known values; of the areas where nobody lives; None when nothing is known."""
    known = np.isfinite(values)
    if not known.any():
        return None
    weight = people[known] if people[known].sum() > 0 else None
    return float(np.average(values[known], weights=weight))


def _drivers(need: Need, members: np.ndarray, people: np.ndarray) -> tuple[dict, ...]:
    """Indicators by the points they bring to the community's score, largest first."""
    drivers = []
    for indicator in need.indicators:
        points = _mean(need.contributions[indicator.id].to_numpy()[members], people)
        if points is not None:
            drivers.append(
                {
                    "id": indicator.id,
                    "title": indicator.name,
                    "points": points,
                    "percentile": _mean(need.percentiles[indicator.id].to_numpy()[members], people),
                    "value": _mean(indicator.value.to_numpy()[members], people),
                    "unit": indicator.unit,
                }
            )
    return tuple(sorted(drivers, key=lambda d: (-d["points"], d["id"])))


def _name(part: pd.DataFrame, shares: tuple[Share, ...], ward_name: dict) -> str:
    """The most populous ward; in a shared community that of each of its two largest authorities, so the border shows."""
    named = part.assign(_name=_place_names(part, ward_name))
    by_ward = named.groupby(["lad_code", "_name"], sort=True)["population"].sum().reset_index()
    by_ward = by_ward.sort_values(["population", "_name"], ascending=[False, True], kind="stable")
    if len(shares) > 1:
        tops = [by_ward.loc[by_ward["lad_code"] == share.lad_code].iloc[0] for share in shares[:2]]
        names = [row["_name"] for row in tops]
        if names[0] == names[1]:
            names = [f"{name} ({share.lad_name})" for name, share in zip(names, shares, strict=False)]
        return " and ".join(names)
    first = by_ward.iloc[0]
    if len(by_ward) > 1 and by_ward.iloc[1]["population"] >= SECOND_NAME * first["population"]:
        return f"{first['_name']} and {by_ward.iloc[1]['_name']}"
    return str(first["_name"])


def _place_names(part: pd.DataFrame, ward_name: dict) -> list[str]:
    wards = part["ward_code"] if "ward_code" in part.columns else part["code"]
    own = part["name"] if "name" in part.columns else part["code"]
    pairs = zip(wards, own, strict=True)
    return [str(ward_name.get(ward, name)) or str(name) for ward, name in pairs]


def _distinct(found: list[Community]) -> tuple[Community, ...]:
    """Names that stand twice get their authority, then a number, so that a list can be read aloud."""
    out = list(found)
    for add in (lambda c, _: f"{c.name} ({c.shares[0].lad_name})", lambda c, k: f"{c.name} {k}"):
        seen: dict[str, int] = {}
        count = pd.Series([c.name for c in out]).value_counts()
        for i, community in enumerate(out):
            if count[community.name] > 1:
                seen[community.name] = seen.get(community.name, 0) + 1
                suffix = add(community, seen[community.name])
                out[i] = Community(**{**vars(community), "name": suffix})
    return tuple(out)
