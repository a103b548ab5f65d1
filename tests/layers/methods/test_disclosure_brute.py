"""A second, dumber attacker: every table of whole numbers that would be published in just this way, tried one by one."""

import itertools

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from layers.methods.disclosure import rounded_count
from layers.methods.disclosure_series import _range
from layers.methods.disclosure_system import System, protect_cells
from layers.model import Descriptor, Disclosure, Kind, Measure

PEOPLE = Descriptor(
    "x", "X", Kind.INDICATOR, ("health",), "icb", measure=Measure.COUNT, counts_people=True, disclosure=Disclosure(8, 5)
)
MOST = 24
"""No cell of the tables is larger, and the attacker knows it: more than a real one does."""

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


ALL = np.array(list(itertools.product(range(MOST + 1), repeat=4)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(SHAPES)), st.lists(st.integers(0, MOST), min_size=4, max_size=4))
def test_no_whole_number_is_recovered(shape, free):
    sums = np.array(SHAPES[shape])
    values = sums @ np.array(free)
    hidden, failing = guarded(sums, values.astype(float))
    assert not len(failing)  # by itself a layer can always be published
    possible = np.ones(len(ALL), bool)
    for row, shown in zip(sums, published(values.astype(float), hidden), strict=True):
        if shown >= 0:
            possible &= rounded_count((ALL @ row).astype(float), PEOPLE) == shown
    for at in np.flatnonzero(hidden & (values < 8)):
        could_be = np.unique(ALL[possible] @ sums[at])
        assert len(could_be) > 4, (shape, free, at, could_be)
