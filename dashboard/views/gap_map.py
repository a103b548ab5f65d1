"""The map of a gap answer: classes and legend of need, of access and of the two together, and what stands out on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dashboard.views import wording
from dashboard.views.banding import CROSSING, MISSING, OUTSIDE, Bands, make_bands
from dashboard.views.choropleth import BandRow, band_labels, stated_limits
from dashboard.views.crossing_words import ACROSS, ACROSS_LABEL
from dashboard.views.gap_words import access_noun, access_title, need_name, threshold_formatter
from dashboard.views.gaps import Gaps
from layers import Fault, Refused

SHOWS = ("need", "access", "gap")


@dataclass(frozen=True)
class Painted:
    """What the painter and the legend need. ``classes`` is uint8 in area order; special codes are those of banding."""

    show: str
    classes: np.ndarray
    colours: int  # how many classes the palette must have: the bands, or 9
    rows: tuple[BandRow, ...]
    title: str  # of the legend: "Need, 0 to 100"
    basis: str  # what the bands are cut over, in words
    cells: tuple[tuple[BandRow, ...], ...] = ()  # of the 3x3 legend: [need third][access third], worst last


def painted(gaps: Gaps, show: str, *, scheme: str = "quantiles", classes: int = 5, grid: bool = True) -> Painted:
    """The classes of every area and the legend for ``show``: "need", "access" or "gap"; a gap in ninths of need against access, or
    without ``grid`` as what it is: underserved, high need within reach, and the rest."""
    if show == "gap":
        return _painted_gap(gaps) if grid else _painted_plainly(gaps)
    if show not in SHOWS:
        fault = Fault(f"there is nothing called '{show}' to show", "show", f"use one of {', '.join(SHOWS)}")
        raise Refused("The map cannot be drawn.", [fault])
    table = gaps.result.areas
    column = "need" if show == "need" else "access"
    value = table[column].to_numpy("float64")
    apart = table["crossing"].to_numpy(bool) & (show == "access")
    banded = np.where(apart, np.nan, value)
    cut = make_bands(banded, scheme, classes)
    code = cut.classify(value)
    code[apart] = CROSSING
    code[~gaps.in_view] = OUTSIDE
    people = table["population"].to_numpy("float64")
    labels = band_labels(cut, banded, 0) if show == "need" else _access_labels(gaps, cut, banded)
    rows = [_row(f"Band {i + 1} of {len(cut)}", label, code == i, people, i) for i, label in enumerate(labels)]
    rows += _unbanded(show, code, people)
    code.setflags(write=False)
    title = f"Need, 0 to 100: {need_name(gaps)}" if show == "need" else access_title(gaps)
    return Painted(show, code, len(cut), tuple(rows), title, f"bands within {gaps.published.region.name}")


def classes(gaps: Gaps, show: str, **settings) -> np.ndarray:
    """uint8 classes for the painter; see :func:`painted`."""
    return painted(gaps, show, **settings).classes


def _painted_gap(gaps: Gaps) -> Painted:
    table, grid = gaps.result.areas, gaps.result.bivariate
    code = table["class"].to_numpy("int64")
    code = np.where(code < 0, MISSING, code).astype("uint8")
    code[table["crossing"].to_numpy(bool)] = CROSSING
    code[~gaps.in_view] = OUTSIDE
    people = table["population"].to_numpy("float64")
    needs, text = _third_labels(grid.need_cuts, wording.exactly, True), threshold_formatter(gaps)
    if gaps.result.access.metric.counts and gaps.level == SMALL:
        access = _count_labels(grid.access_cuts, text)
    else:
        access = _third_labels(grid.access_cuts, text, gaps.result.access.high_is_worse)
    cells = tuple(
        tuple(
            _row(
                f"{NEED_THIRDS[n]}, {ACCESS_THIRDS[a]}",
                f"need {needs[n]}; {access_noun(gaps, access[a])}",
                code == 3 * n + a,
                people,
                3 * n + a,
            )
            for a in range(3)
        )
        for n in range(3)
    )
    rows = [cells[n][a] for n in (2, 1, 0) for a in (2, 1, 0)]
    rows += _unbanded("gap", code, people)
    code.setflags(write=False)
    basis = f"thirds of need and of access within {gaps.published.region.name}"
    return Painted("gap", code, 9, tuple(rows), "Need against access", basis, cells)


REST, NEAR, GAP = 0, 1, 2
"""Classes of a gap map that is not in ninths."""


def _painted_plainly(gaps: Gaps) -> Painted:
    """Gaps are loud, high need within reach is beside them, and everything else is quiet; never another count than the sentence's."""
    table = gaps.result.areas
    high = table["need"].to_numpy("float64") >= gaps.request.need_threshold
    code = np.where(high, NEAR, REST).astype("uint8")
    code[table["underserved"].to_numpy(bool)] = GAP
    code[table["need"].isna().to_numpy(bool) | table["access"].isna().to_numpy(bool)] = MISSING
    code[table["underserved"].to_numpy(bool)] = GAP
    code[table["crossing"].to_numpy(bool)] = CROSSING
    code[~gaps.in_view] = OUTSIDE
    people = table["population"].to_numpy("float64")
    rows = [
        _row("Gap", "Gap: high need, poor access", code == GAP, people, GAP),
        _row("Near", "High need, access not poor", code == NEAR, people, NEAR),
        *_unbanded("gap", code, people),
    ]
    code.setflags(write=False)
    title = f"Gap: need {gaps.request.need_threshold:g} or more of 100, and poor access"
    return Painted("gap", code, 3, tuple(rows), title, gaps.published.region.name)


NEED_THIRDS = ("Low need", "Middling need", "High need")
ACCESS_THIRDS = ("good access", "middling access", "poor access")


def _third_labels(cuts: Sequence[float], say: Callable[[float], str], high_is_worse: bool) -> tuple[str, str, str]:
    """Thirds from best to worst in words: values at a cut belong to the worse third. "none" for a third without any value."""
    middle, worst = cuts
    if high_is_worse:
        between = f"{say(middle)} to under {say(worst)}" if middle != worst else "none"
        return f"under {say(middle)}", between, f"{say(worst)} or more"
    between = (
        "none" if middle == worst else f"over {say(worst)} to {say(middle)}" if worst > 0 else f"up to {say(middle)}"
    )
    return f"over {say(middle)}", between, f"{say(worst)} or less" if worst > 0 else say(0.0)


def _count_labels(cuts: Sequence[float], say: Callable[[float], str]) -> tuple[str, str, str]:
    """Thirds of a number of services, which are whole: "2 services or more", "1 service", "no service"."""
    middle, worst = int(cuts[0]), int(cuts[1])
    between = "none" if middle == worst else say(middle) if middle == worst + 1 else f"{worst + 1:,} to {say(middle)}"
    return f"{say(middle + 1)} or more", between, say(0) if worst <= 0 else f"{say(worst)} or fewer"


def _row(name: str, label: str, chosen: np.ndarray, people: np.ndarray, code: int) -> BandRow:
    return BandRow(name, label, int(chosen.sum()), float(people[chosen].sum()), code)


def _unbanded(show: str, code: np.ndarray, people: np.ndarray) -> list[BandRow]:
    """Rows of the legend for areas that are in no band."""
    special = ((CROSSING, ACROSS, ACROSS_LABEL), (MISSING, "No figure", _unknown_label(show)))
    return [_row(name, label, code == each, people, each) for each, name, label in special if (code == each).any()]


def _unknown_label(show: str) -> str:
    if show == "access":
        return "no service to measure to"
    return "need is not known" if show == "need" else "need or access is not known"


@dataclass(frozen=True)
class Emphasis:
    """What stands out on the map: outlines and names. ``near`` are the near-misses."""

    indices: tuple[int, ...]
    near: tuple[int, ...]
    labels: tuple[tuple[str, float, float, int], ...]  # name, longitude, latitude, rank (1 has most residents)


LONG_NAME = 28
"""A community's name on the map; beyond that only its first half is written."""


def short_name(name: str, most: int = LONG_NAME) -> str:
    """A community's name for the map: a long pair of places loses its second half, a long place its last words."""
    if len(name) <= most:
        return name
    first = name.split(" and ")[0]
    if len(first) <= most:
        return f"{first} …"
    return f"{first[: most - 1].rsplit(' ', 1)[0].rstrip(', &')} …"


def emphasis(gaps: Gaps, most: int = 12, *, only_shared: bool = False) -> Emphasis:
    """Underserved areas in view, and short names for the largest ``most`` communities; or of those only that cross a border, or
    lie close to one of another authority."""
    table = gaps.result.areas
    counted = table["underserved"].to_numpy(bool) & ~table["crossing"].to_numpy(bool)
    chosen = np.flatnonzero(counted & gaps.in_view)
    near = np.flatnonzero(table["near_miss"].to_numpy(bool) & gaps.in_view)
    cards = gaps.cards
    if only_shared:
        cards = [card for card in cards if card.shared or card.id in gaps.across]
        chosen = np.intersect1d(chosen, [i for card in cards for i in card.indices])
    labels = tuple((short_name(card.place), card.longitude, card.latitude, card.rank) for card in cards[:most])
    return Emphasis(tuple(chosen.tolist()), tuple(near.tolist()), labels)


SMALL = "lsoa"
"""The level at which a number of services is whole; larger areas have the mean over their residents."""


def _access_labels(gaps: Gaps, cut: Bands, values: np.ndarray) -> list[str]:
    """Limits of the bands of access in words, true of every area as those of :func:`~dashboard.views.choropleth.band_labels`."""
    text, metric = threshold_formatter(gaps), gaps.result.access.metric
    whole = bool(metric.counts) and gaps.level == SMALL
    if whole:
        limits = [cut.lower[0], *map(np.floor, cut.upper)] if len(cut) else []
    else:
        limits = stated_limits(cut, values, lambda limit: metric.decimals_of(limit, gaps.result.model.unit))

    def label(low: float, high: float, first: bool) -> str:
        if whole:
            least = int(low) if first else int(low) + 1
            return text(high) if least == int(high) else f"{least:,} to {text(high)}"
        if text(low) == text(high):
            return text(high)
        begins = text(low).removesuffix(f" {metric.unit}")
        if begins == metric.zero:
            return f"up to {text(high)}" if first else f"over 0 to {text(high)}"
        return f"{begins} to {text(high)}" if first else f"over {begins} to {text(high)}"

    return [label(low, high, i == 0) for i, (low, high) in enumerate(pairwise(limits))]
