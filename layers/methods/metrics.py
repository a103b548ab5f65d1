"""The ways of measuring access. A row of :data:`METRICS` is all that anybody needs to know about one.

Links, API, commands and pickers offer the rows; the engine measures by them; legends, tables and sentences say their words.
So a new metric is a row and its mathematics, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from layers.methods.access import PER_PEOPLE, AccessModel, worst_fifth
from layers.methods.access_means import SMALL, Access
from layers.methods.stated import handy_decimals, stated
from layers.model import Fault, Refused


@dataclass(frozen=True)
class Metric:
    """One way of measuring access.

    ``values(model, limit)`` gives a number for each small area, in area order. ``cost(model)`` is the cost that must stay within
    the limit, in the model's unit: access is poor where it is beyond. Where a metric has no such cost (None), or there is no
    limit, poor is the worst fifth of the values. Wards and authorities have the mean over their residents; where the values
    are not a cost themselves, their access is poor when more than half of the residents are beyond the limit.

    The words are filled in by ``dashboard/views/gap_words.py``, which says what each name in braces stands for.
    """

    id: str
    values: Callable[[AccessModel, float | None], np.ndarray]
    cost: Callable[[AccessModel], np.ndarray] | None
    title: str  # in the list of metrics
    heading: str  # of a legend or a table
    rule: str  # what poor access means
    rule_fifth: str  # the same where it means the worst fifth
    rule_nothing: str = ""  # the same where the worst fifth has a value of 0
    heading_mean: str = (
        ""  # heading and rules where areas have the mean over their residents; "" where the words are the same
    )
    rule_mean: str = ""
    rule_fifth_mean: str = ""
    mean: str = "{value} within {limit}"  # a community's mean
    column: str = ""  # heading of a table's column that says the unit of a mean; "" where the cells must say more
    noun: str = "{value}"  # a value in the legend of need against access
    nothing: str = ""  # that noun for the value 0
    unit: str = ""  # of the values; "" is the model's unit of cost, metres or minutes
    counts: tuple[str, str] | None = None  # what whole values count, one and many
    zero: str = ""  # the value 0 in words
    decimals: int = 0  # at least
    high_is_worse: bool = True
    needs_limit: bool = True
    uses_capacity: bool = False  # of the sites, shared among residents or a demand group
    says_nearest: bool = (
        False  # the value is the way to the nearest service, which sentences about that service say already
    )

    def words(self, name: str, level: str) -> str:
        """``heading``, ``rule`` or ``rule_fifth`` as it is said of the areas of a level."""
        return (level != SMALL and getattr(self, f"{name}_mean")) or getattr(self, name)

    @property
    def in_cost(self) -> bool:
        """Whether the values are a cost, metres or minutes, rather than a number of something."""
        return not self.unit

    def decimals_of(self, cut: float, unit: str) -> int:
        """To how many decimals a threshold is first tried to be rounded before it is stated; ``unit`` is the model's, of cost."""
        if self.in_cost:
            return handy_decimals(cut) if unit == "m" else 0
        return self.decimals

    def cost_of(self, model: Access) -> np.ndarray:
        """The cost that must stay within the limit, of each area of the model's level."""
        cost = self.cost(model.small)
        return model.mean_of(cost) if self.in_cost else model.half_of(cost)

    def measure(
        self, model: Access, limit: float | None, cut: float | None = None
    ) -> tuple[np.ndarray, np.ndarray, float | None]:
        """Values of every area, which of them are poor, and the cut of the worst fifth where that is the rule.

        The cut is the number that rules state (:func:`~layers.methods.stated.stated`). A ``cut`` that is given is kept: otherwise
        there would be a worst fifth whatever was built.
        """
        values = model.mean_of(self.values(model.small, limit))
        if limit is not None and self.cost is not None:
            return values, self.cost_of(model) > limit, None
        if cut is None:
            poor, cut = worst_fifth(values, self.high_is_worse)
            side = "above" if self.high_is_worse else "below"
            return values, poor, stated(values, cut, self.decimals_of(cut, model.unit), at_cut=side)
        return values, values >= cut if self.high_is_worse else values <= cut, cut


def _nearest(model: AccessModel, limit: float | None = None) -> np.ndarray:
    return model.nearest[0]


def _reached(model: AccessModel) -> np.ndarray:
    return model.reached


METRICS: dict[str, Metric] = {
    metric.id: metric
    for metric in (
        Metric(
            id="nearest",
            values=_nearest,
            cost=_nearest,
            title="Distance to the nearest",
            heading="{measure} to the {nearest}{how}",
            rule="the {nearest} more than {limit} away{how}",
            rule_fifth="a place among the fifth of areas farthest from the {nearest}{beyond}",
            rule_mean="the {nearest} more than {limit} away{how} on average for its residents",
            rule_fifth_mean="a place among the fifth of areas whose residents are farthest on average from the {nearest}{beyond}",
            mean="{value} to the nearest on average",
            column="To the nearest",
            noun="nearest {value}",
            needs_limit=False,
            says_nearest=True,
        ),
        Metric(
            id="coverage",
            values=AccessModel.coverage,
            cost=_reached,  # none is within the limit where the nearest over land is beyond it
            title="Number within reach",
            heading="Services within {limit}{how}",
            rule="no {one} within {limit}{how}",
            rule_fifth="",
            heading_mean="Mean number of services within {limit}{how}",
            rule_mean="no {one} within {limit}{how} for more than half of its residents",
            unit="services",
            counts=("service", "services"),
            zero="no service",
            high_is_worse=False,
        ),
        Metric(
            id="e2sfca",
            values=AccessModel.e2sfca,
            cost=None,
            title="Capacity for its people",
            heading="Capacity per 1,000 people{group} within {limit}{how}",
            rule="",
            rule_fifth="capacity for {people} in the lowest fifth of the region ({cut} or less within {limit}{how})",
            rule_nothing="no capacity{for_group} within {limit}{how}, which is the lowest fifth of the region",
            heading_mean="Mean capacity per 1,000 people{group} within {limit}{how}",
            rule_fifth_mean="mean capacity for {people} in the lowest fifth of the region ({cut} or less within {limit}{how})",
            noun="capacity {value}",
            nothing="no capacity",
            unit=f"per {PER_PEOPLE:,.0f} people",
            zero="none",
            decimals=2,
            high_is_worse=False,
            uses_capacity=True,
        ),
    )
}
DEFAULT = "nearest"
"""What is used where nothing was chosen, and where there is no limit and the chosen metric has no meaning without one."""


def metric_for(name: str, limit: float | None) -> Metric:
    """The metric that is measured when this one was asked for. Raises :class:`Refused` for one that does not exist."""
    if name not in METRICS:
        fault = Fault(f"unknown metric '{name}'", "metric", f"use {either(METRICS)}", rule="metric")
        raise Refused("Access cannot be measured.", [fault])
    metric = METRICS[name]
    return METRICS[DEFAULT] if limit is None and metric.needs_limit else metric


@dataclass(frozen=True)
class PoorAccess:
    """Access of every area and whether it is poor, on the areas' index, and by which rule."""

    values: pd.Series  # in the metric's unit; NaN where there is no service to measure a cost to
    poor: pd.Series
    metric: Metric
    unit: str
    limit: float | None  # the standard, in the model's unit of cost
    cut: float | None  # of the worst fifth, where that is the rule

    @property
    def high_is_worse(self) -> bool:
        return self.metric.high_is_worse


def poor_access(model: Access, metric: str, limit: float | None, index: pd.Index | None = None) -> PoorAccess:
    """Access by a metric: poor beyond the limit, or in the worst fifth; without a limit the worst fifth by cost.

    With no service at all every area is poor: beyond any limit, covered by none, and all equal in the worst fifth.
    """
    row = metric_for(metric, limit)
    index = pd.RangeIndex(model.size) if index is None else index
    values, poor, cut = row.measure(model, limit)
    if row.in_cost and cut is not None and not np.isfinite(cut):
        cut = None  # no service at all
    known = np.where(np.isfinite(values), values, np.nan)
    unit = row.unit or {"m": "metres", "min": "minutes"}[model.unit]
    return PoorAccess(
        pd.Series(known, index=index, name="access"), pd.Series(poor, index=index, name="poor"), row, unit, limit, cut
    )


def either(words: Sequence[str]) -> str:
    """ "a, b or c"."""
    words = list(words)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
