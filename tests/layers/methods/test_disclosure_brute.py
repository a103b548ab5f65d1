"""A second, dumber attacker: every table of whole numbers that would be published in just this way, tried one by one."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from layers.methods.disclosure import rounded_count
from layers.methods.disclosure_series import Nest, _range, series_of
from layers.methods.disclosure_system import System, protect_cells
from layers.methods.intervals import proportion_limits, rate_limits
from layers.model import Descriptor, Disclosure, Kind, Measure

PEOPLE = Descriptor(
    "x", "X", Kind.INDICATOR, ("health",), "icb", measure=Measure.COUNT, counts_people=True, disclosure=Disclosure(8, 5)
)
MOST = 20
"""No cell of the tables is larger."""

TRIED = 32
"""The attacker tries up to so many in each cell: what a small one has too little, another has too much."""

SHAPES = {
    # how the published figures come from the four free ones
    "two areas by two sexes, all totals": [
        [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0], [0, 1, 0, 1], [1, 1, 1, 1],
    ],
    "a ring: every two of three, and all but one of them": [
        [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [1, 1, 0, 0], [0, 1, 1, 0], [1, 0, 1, 0],
    ],
    "four years, and three rolled into one, twice": [
        [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 1, 1, 0], [0, 1, 1, 1],
    ],
    "quarters, halves and the year": [
        [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 1, 0, 0], [0, 0, 1, 1], [1, 1, 1, 1],
    ],
}  # fmt: skip


def published(values: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    return np.where(hidden, -1, rounded_count(values, PEOPLE))


def guarded(sums: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is hidden once the guard is done, and what it could not protect. Each figure is its own variable, tied by the sums."""
    free, count = sums.shape[1], len(values)
    small = (values > 0) & (values < 8)
    low, high = _range(rounded_count(values, PEOPLE), np.zeros(count), 5, 8)
    low, high = np.where(small, 0.0, low), np.where(small, np.inf, high)
    rows = np.hstack([-np.eye(count), sums])  # figures first, then the four that nobody publishes
    rows = csr_array(rows)
    system = System(
        rows, np.r_[low, np.zeros(free)], np.r_[high, np.full(free, np.inf)], np.r_[~small, np.zeros(free, bool)]
    )
    cost = np.r_[np.where(small, np.inf, np.where(values > 0, values, 1e9)), np.full(free, np.inf)]
    size = count + free
    done = protect_cells(system, np.flatnonzero(small), np.ones(size), np.full(size, 8.0), cost=cost)
    hidden = small.copy()
    hidden[done.companions[done.companions < count]] = True
    return hidden, done.failing[done.failing < count]


ALL = np.array(list(itertools.product(range(TRIED + 1), repeat=4)), np.int16)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(SHAPES)), st.lists(st.integers(0, MOST), min_size=4, max_size=4))
def test_no_whole_number_is_recovered(shape, free):
    sums = np.array(SHAPES[shape], np.int16)
    values = sums @ np.array(free)
    hidden, failing = guarded(sums, values.astype(float))
    assert not len(failing)  # by itself a layer can always be published
    possible = ALL
    for row, shown in zip(sums, published(values.astype(float), hidden), strict=True):
        if shown >= 0:
            possible = possible[rounded_count((possible @ row).astype(float), PEOPLE) == shown]
    for at in np.flatnonzero(hidden & (values < 8)):
        could_be = np.unique(possible @ sums[at])
        assert set(range(1, 8)) <= set(could_be.tolist()), (shape, free, at, could_be)


@pytest.mark.parametrize(("threshold", "base"), [(8, 5), (8, 10), (10, 10), (9, 6), (15, 5), (8, 8), (12, 7)])
def test_a_rounded_count_is_read_as_the_whole_numbers_that_give_it(threshold, base):
    rule = dataclasses.replace(PEOPLE, disclosure=Disclosure(threshold, base))
    people = np.array([0, *range(threshold, 200)], float)  # what may be shown
    shown = rounded_count(people, rule)
    values = np.unique(shown)[:-1]
    low, high = _range(values, np.zeros(len(values)), base, threshold)
    for value, least, most in zip(values, low, high, strict=True):
        could_be = people[shown == value]
        assert (least, most) == (could_be.min(), could_be.max()), value


@settings(
    max_examples=60, deadline=None, derandomize=True
)  # in rare tables the guard takes one count more for possible
@given(
    st.sampled_from([Measure.PERCENTAGE, Measure.RATE]),
    st.integers(0, 3),
    st.sampled_from([None, 0, 1, 2]),
    st.lists(st.tuples(st.integers(40, 700), st.floats(0, 1)), min_size=16, max_size=16),
)
def test_printed_figures_give_just_the_counts_that_would_be_printed_so(measure, decimals, finer, areas):
    """A rate or percentage with few decimals, with limits or without: the counts that an attacker tries one by one."""
    people = np.array([n for n, _ in areas], float)
    count = np.floor(people * np.array([share for _, share in areas]))
    per = 100 if measure is Measure.PERCENTAGE else 1000
    limits = proportion_limits if measure is Measure.PERCENTAGE else rate_limits
    layer = dataclasses.replace(
        PEOPLE, measure=measure, per=per, disclosure=Disclosure(source_protected=True, reason="x")
    )
    told = {"value": np.round(count / people * per, decimals), "status": np.zeros(16, int)}
    if finer is not None:
        lower, upper = limits(count, people, per)
        told |= {"lower": np.round(lower, decimals + finer), "upper": np.round(upper, decimals + finer)}
    nowhere = np.full(16, -1)
    nest = Nest((16, 0, 0), nowhere, nowhere, people, np.array([f"T{i}" for i in range(16)]), np.zeros(16, int))
    (found,) = series_of({("lsoa", ""): told}, layer, nest)
    near = {name: 0.5 * 10.0 ** -_written(column) + 1e-7 for name, column in told.items() if name != "status"}
    for at in range(16):
        # a rate may count more than there are people
        tried = np.arange(people[at] + 1 if measure is Measure.PERCENTAGE else 2 * people[at])
        fits = np.abs(tried / people[at] * per - told["value"][at]) <= near["value"]
        if finer is not None:
            lower, upper = limits(tried, np.full(len(tried), people[at]), per)
            closer = (np.abs(lower - told["lower"][at]) <= near["lower"]) & (
                np.abs(upper - told["upper"][at]) <= near["upper"]
            )
            fits &= closer
        assert (found.low[at], found.high[at]) == (tried[fits].min(), tried[fits].max()), (people[at], count[at])


def _written(column: np.ndarray) -> int:
    """Decimals that a column is seen to be written with."""
    return next(d for d in range(9) if np.allclose(column, np.round(column, d), rtol=0, atol=1e-9))
