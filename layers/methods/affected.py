"""Who is affected: what kind of people live where a region is underserved, beside everybody. Arrays in, rows out.

Shares are of summed parts: the people of all underserved small areas that a table counts, over all the people of those areas. Their
limits are Wilson's; a difference has Newcombe's limits. Where the baseline holds the underserved themselves (the region, their
authority), the difference is worked out against the rest of it: ``p - whole = (1 - w) (p - rest)``, with w the share of the baseline's
people who are underserved. England's figure is taken as exact.

A tenth of deprivation belongs to an area and not to a person, so its limits count areas. Trap: people of one kind live together, so
that all these limits are narrower than they would be for people drawn anew; they say what chance alone would do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from layers.methods.intervals import difference_limits, proportion_limits

BASELINES = ("region", "authority", "england")
HIGHER, LOWER, SAME = "higher", "lower", "no difference"


@dataclass(frozen=True)
class AffectedGroup:
    """What belongs together, as ``affected.toml`` has it: layers with parts, or one layer of national tenths."""

    name: str
    parts: tuple[str, ...] = ()
    fifths: str = ""


@dataclass(frozen=True, eq=False)
class AffectedMeasure:
    """One share. ``part`` of ``whole`` by small area, in area order; NaN where a figure is missing or withheld.

    ``by_area``: the share is of areas' residents, and areas are what is counted for its limits. ``england`` in percent.
    """

    id: str
    title: str
    group: str
    layer: str
    unit: str
    period: str
    part: np.ndarray
    whole: np.ndarray
    by_area: bool = False
    england: float | None = None


@dataclass(frozen=True)
class Beside:
    """A share beside a baseline: both in percent, the difference in percentage points. All None where it cannot be said."""

    value: float | None
    difference: float | None
    lower: float | None
    upper: float | None

    @property
    def verdict(self) -> str:
        """higher, lower, "no difference" where the limits hold 0, "" where nothing can be said."""
        if self.lower is None or self.upper is None:
            return ""
        return SAME if self.lower <= 0 <= self.upper else HIGHER if self.lower > 0 else LOWER


@dataclass(frozen=True)
class AffectedRow:
    """One measure of the underserved of the region (``who`` is "") or of one authority. Shares in percent, ``part`` and ``whole`` in
    the table's people or households; ``areas_without``: underserved areas that the table says nothing about."""

    who: str
    measure: str
    value: float | None
    lower: float | None
    upper: float | None
    part: float
    whole: float
    areas: int
    areas_without: int
    beside: Mapping[str, Beside] = field(default_factory=dict)


def affected(
    measures: Sequence[AffectedMeasure], underserved: np.ndarray, lad_code: np.ndarray, known: np.ndarray | None = None
) -> tuple[AffectedRow, ...]:
    """Rows for the whole region and for every authority that has underserved areas, by measure; beside each baseline.

    ``underserved`` and ``lad_code`` by small area in area order; ``known`` leaves areas out of everything (default: none).
    """
    everywhere = np.ones(len(underserved), bool) if known is None else known
    mask = np.asarray(underserved, bool) & everywhere
    rows = []
    for who in ("", *sorted(set(lad_code[mask]))):
        mine = mask if not who else mask & (lad_code == who)
        home = everywhere if not who else everywhere & (lad_code == who)
        for measure in measures:
            counted = np.isfinite(measure.part) & np.isfinite(measure.whole) & (measure.whole > 0)
            group = _share(measure, mine & counted)
            beside = {
                "region": _beside(measure, group, everywhere & counted, mine),
                "authority": _beside(measure, group, home & counted, mine),
                "england": _england(group, measure.england),
            }
            rows.append(
                AffectedRow(
                    who, measure.id, group.percent, group.lower, group.upper, group.part, group.whole,
                    int(mine.sum()), int((mine & ~counted).sum()), beside,
                )
            )  # fmt: skip
    return tuple(rows)


@dataclass(frozen=True)
class _Share:
    part: float
    whole: float
    n: float  # people, households or areas that limits count

    @property
    def value(self) -> float:
        return self.part / self.whole

    @property
    def x(self) -> float:
        return min(self.value * self.n, self.n)

    @property
    def percent(self) -> float | None:
        return 100 * self.value if self.whole > 0 else None

    @property
    def limits(self) -> tuple[float, float] | None:
        if self.whole <= 0:
            return None
        low, high = proportion_limits([self.x], [self.n], 100)
        return float(low[0]), float(high[0])

    @property
    def lower(self) -> float | None:
        return None if self.limits is None else self.limits[0]

    @property
    def upper(self) -> float | None:
        return None if self.limits is None else self.limits[1]


def _share(measure: AffectedMeasure, mask: np.ndarray) -> _Share:
    part, whole = float(measure.part[mask].sum()), float(measure.whole[mask].sum())
    return _Share(part, whole, float(mask.sum()) if measure.by_area else whole)


def _beside(measure: AffectedMeasure, group: _Share, baseline: np.ndarray, mine: np.ndarray) -> Beside:
    """A baseline that holds the group: the difference is that from the rest, made smaller by the group's share of the whole."""
    whole = _share(measure, baseline)
    if group.whole <= 0 or whole.whole <= 0:
        return Beside(whole.percent, None, None, None)
    rest = _share(measure, baseline & ~mine)
    if rest.whole <= 0:  # everybody of the baseline is underserved
        return Beside(whole.percent, 0.0, 0.0, 0.0)
    low, high = difference_limits([group.x], [group.n], [rest.x], [rest.n], 100)
    outside = 1 - group.whole / whole.whole
    difference = group.percent - whole.percent
    return Beside(whole.percent, difference, outside * float(low[0]), outside * float(high[0]))


def _england(group: _Share, figure: float | None) -> Beside:
    if figure is None or group.limits is None:
        return Beside(figure, None, None, None)
    low, high = group.limits
    return Beside(figure, group.percent - figure, low - figure, high - figure)
