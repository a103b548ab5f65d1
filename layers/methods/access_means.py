"""Access of wards and authorities: the mean over the residents of their small areas, never one point of their own.

A ward's point says little about its residents: a ward of two villages has its point in the fields between them. So every
way of measuring access is worked out for small areas, and :class:`AccessMeans` says what that is for the areas that they make
up. It answers to the same names as :class:`~layers.methods.access.AccessModel`, so that whoever measures need not know the level.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from layers.methods.access import AccessModel, Sites
from layers.model import Fault, Refused

SMALL = "lsoa"
"""The level at which access is measured, whatever level is asked for."""


@dataclass(frozen=True, eq=False)
class Members:
    """Which small areas each larger area is made of. ``place`` is the larger area's position, -1 where there is none."""

    place: np.ndarray  # (small areas,)
    people: np.ndarray  # (small areas,) residents
    size: int  # larger areas

    @cached_property
    def weight(self) -> np.ndarray:
        """Residents; 1 for each small area of a larger one in which nobody lives. 0 outside every larger area."""
        empty = self.total_of(self.people) <= 0
        weight = (
            np.where(empty[np.maximum(self.place, 0)], 1.0, self.people) if self.size else np.zeros(len(self.place))
        )
        return np.where(self.place >= 0, weight, 0.0)

    @cached_property
    def whole(self) -> np.ndarray:
        """(larger areas,) what the weights add up to; 0 where there is no small area."""
        return self.total_of(self.weight)

    def total_of(self, values: np.ndarray) -> np.ndarray:
        """Sum over the small areas of each larger one."""
        inside = self.place >= 0
        return np.bincount(self.place[inside], np.asarray(values, dtype="float64")[inside], self.size)

    def mean_of(self, values: np.ndarray, counted: np.ndarray | None = None) -> np.ndarray:
        """Mean over residents of the finite values; NaN where these belong to less than half of the residents.

        ``counted`` (bool) leaves small areas out beforehand, as if they were not there.
        """
        values = np.asarray(values, dtype="float64")
        weight = self.weight if counted is None else np.where(counted, self.weight, 0.0)
        whole = self.whole if counted is None else self.total_of(weight)
        known = np.isfinite(values)
        got = self.total_of(np.where(known, weight, 0.0))
        total = self.total_of(np.where(known, weight * np.where(known, values, 0.0), 0.0))
        return np.divide(total, got, out=np.full(self.size, np.nan), where=(got > 0) & (2 * got >= whole))

    def share_of(self, mask: np.ndarray, counted: np.ndarray | None = None) -> np.ndarray:
        """Share (0-1) of the residents who live in the small areas of ``mask``; NaN where there is no small area."""
        weight = self.weight if counted is None else np.where(counted, self.weight, 0.0)
        whole = self.total_of(weight)
        return np.divide(
            self.total_of(np.where(mask, weight, 0.0)), whole, out=np.full(self.size, np.nan), where=whole > 0
        )

    def half_of(self, cost: np.ndarray, counted: np.ndarray | None = None) -> np.ndarray:
        """The least cost within which at least half of the residents are, so that ``half > limit`` means exactly that more
        than half are beyond the limit. NaN where there is no small area."""
        weight = self.weight if counted is None else np.where(counted, self.weight, 0.0)
        rows = np.flatnonzero(weight > 0)
        rows = rows[np.lexsort((cost[rows], self.place[rows]))]
        group = self.place[rows]
        upto = np.cumsum(weight[rows])
        start = np.concatenate([[0.0], upto])[np.searchsorted(group, np.arange(self.size))]
        reached = 2 * (upto - start[group]) >= self.total_of(weight)[group]
        out = np.full(self.size, np.nan)
        first = np.flatnonzero(reached)[::-1]
        out[group[first]] = cost[rows[first]]  # of several the last written stands: the first in order
        return out

    def commonest_of(self, labels: np.ndarray) -> np.ndarray:
        """The label (text) of most residents of each larger area, of equal ones the first in order; "" for no small area."""
        number, names = pd.factorize(np.asarray(labels, dtype=object), sort=True)
        rows = np.flatnonzero(self.weight > 0)
        key = self.place[rows] * max(len(names), 1) + number[rows]
        pairs, inverse = np.unique(key, return_inverse=True)
        people = np.bincount(inverse, self.weight[rows], len(pairs))
        group = pairs // max(len(names), 1)
        order = np.lexsort((pairs, -people, group))
        first = order[np.unique(group[order], return_index=True)[1]]
        out = np.full(self.size, "", dtype=object)
        out[group[first]] = names[pairs[first] % max(len(names), 1)]
        return out


def members_of(areas: Mapping[str, pd.DataFrame], level: str, below: str = SMALL) -> Members | None:
    """The areas of the level ``below``, small areas, that make up each area of a level, in area order; None at that level itself.

    Raises :class:`Refused` where the smaller areas are not there, or do not say to which larger one they belong.
    """
    if level == below:
        return None
    small, column = areas.get(below), f"{level}_code"
    if small is None or column not in small.columns:
        fault = Fault(f"the small areas of each {level} are not known", "level", "build the region pack again")
        raise Refused("Access cannot be measured at this level.", [fault])
    place = pd.Index(areas[level]["code"]).get_indexer(pd.Index(small[column]))
    return Members(place, small["population"].to_numpy("float64"), len(areas[level]))


def of_small(values: pd.Series, members: Members | None) -> pd.Series:
    """What is known of larger areas, for each of their small areas; ``values`` as they are where these are small areas."""
    if members is None:
        return values
    known = values.to_numpy()[np.maximum(members.place, 0)]
    nothing = False if known.dtype == bool else np.nan
    return pd.Series(np.where(members.place >= 0, known, nothing), name=values.name)


@dataclass(frozen=True, eq=False)
class AccessMeans:
    """The access of larger areas, from the model of their small areas.

    ``crossing`` of the model, where it has any, marks small areas that are reached only over water: they are left out of the
    mean of a larger area unless more than half of its residents live in such areas; then it is marked itself.
    """

    small: AccessModel
    members: Members

    @property
    def sites(self) -> Sites:
        return self.small.sites

    @property
    def unit(self) -> str:
        return self.small.unit

    @property
    def alone(self) -> bool:
        return self.small.alone

    @property
    def travel(self) -> csr_array | None:
        return self.small.travel

    @property
    def size(self) -> int:
        return self.members.size

    @cached_property
    def crossing(self) -> np.ndarray:
        """(n,) bool: more than half of its residents live in marked small areas."""
        return self.members.share_of(self.small.crossing) > 0.5

    @cached_property
    def counted(self) -> np.ndarray | None:
        """(small areas,) bool: part of the mean of their larger area. None where all are."""
        if not self.small.crossing.any():
            return None
        return ~self.small.crossing | self.crossing[np.maximum(self.members.place, 0)]

    @cached_property
    def left_out(self) -> np.ndarray:
        """(n,) bool: the mean leaves out residents: of marked small areas, or of some that reach no service at all."""
        cost = self.small.nearest[0]
        marked = np.zeros(len(cost), bool) if self.counted is None else ~self.counted
        reached = np.isfinite(self.mean_of(cost))
        return (self.members.share_of(marked | ~np.isfinite(cost)) > 0) & reached

    def mean_of(self, values: np.ndarray) -> np.ndarray:
        """Mean over residents; inf where more than half of them reach no service, NaN where there is no small area."""
        mean = self.members.mean_of(values, self.counted)
        return np.where(np.isnan(mean) & (self.members.whole > 0), np.inf, mean)

    def half_of(self, cost: np.ndarray) -> np.ndarray:
        """The cost within which half of the residents are: beyond a limit where more than half of them are beyond it."""
        return self.members.half_of(cost, self.counted)

    def beyond(self, limit: float) -> np.ndarray:
        """Share of residents (0-1) whose nearest service is beyond the limit."""
        return self.members.share_of(self.small.nearest[0] > limit, self.counted)


Access = AccessModel | AccessMeans


def at_level(model: AccessModel, areas: Mapping[str, pd.DataFrame], level: str) -> Access:
    """What the model of the small areas says about the areas of a level."""
    members = members_of(areas, level)
    return model if members is None else AccessMeans(model, members)
