"""What publications say of one quantity: a range for every area that is shown, and which areas are hidden.

A :class:`Series` is one count of one version of a layer in one period, over all areas of all levels together: small areas, then
wards, then authorities, in area order (:class:`Nest`). A rate gives two: what it counts and whom it counts among. A rate without
a denominator is read as an attacker reads it, times the residents.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from layers.methods.disclosure import RATIOS, guarded, looser
from layers.methods.intervals import proportion_limits, rate_limits
from layers.model import LEAST_DISCLOSURE, LEVELS, Descriptor, Kind, Measure
from layers.region import Region

SUPPRESSED = 2
"""Position of ``suppressed`` in the words for statuses, as the store keeps them."""


@dataclass(frozen=True, eq=False)
class Nest:
    """The areas of a region as one row of cells, and which larger area each lies in (position of its cell, -1 for none)."""

    sizes: tuple[int, int, int]
    ward: np.ndarray
    lad: np.ndarray
    residents: np.ndarray
    codes: np.ndarray
    at_level: np.ndarray  # 0, 1, 2

    @classmethod
    def of(cls, region: Region) -> Nest:
        sizes = tuple(len(region.areas[level]) for level in LEVELS)
        small, wards, _ = sizes
        lad_codes, ward_codes = region.codes("lad"), region.codes("ward")
        first_ward, first_lad = small, small + wards

        def place(codes, column, first: int) -> np.ndarray:
            found = codes.get_indexer(column)
            return np.where(found >= 0, found + first, -1)

        count = sum(sizes)
        ward, lad = np.full(count, -1), np.full(count, -1)
        ward[:small] = place(ward_codes, region.areas["lsoa"]["ward_code"], first_ward)
        lad[:small] = place(lad_codes, region.areas["lsoa"]["lad_code"], first_lad)
        lad[small:first_lad] = place(lad_codes, region.areas["ward"]["lad_code"], first_lad)
        return cls(
            sizes=sizes,
            ward=ward,
            lad=lad,
            residents=np.concatenate([region.areas[level]["population"].to_numpy(float) for level in LEVELS]),
            codes=np.concatenate([region.codes(level).to_numpy(dtype=object) for level in LEVELS]),
            at_level=np.repeat([0, 1, 2], sizes),
        )

    @property
    def count(self) -> int:
        return len(self.ward)

    def parts_within(self, level: str) -> np.ndarray:
        """How many areas of a level every larger area is made of; 1 for all others."""
        out, here = np.ones(self.count), self.part(level)
        for parent in (self.ward, self.lad):
            up = parent[here]
            counted = np.bincount(up[up >= 0], minlength=self.count)
            out = np.maximum(out, counted)
        return out

    def part(self, level: str) -> slice:
        at = LEVELS.index(level)
        return slice(sum(self.sizes[:at]), sum(self.sizes[: at + 1]))


@dataclass(eq=False)
class Series:
    """One quantity as one publication shows it. ``low`` and ``high`` are missing where nothing is shown; ``hidden`` is what is
    withheld. ``threshold`` and ``smallest`` are what has to stay possible of a hidden cell: smallest to threshold - 1;
    ``guarded`` False where nobody has to be protected (or the publisher has done it)."""

    layer: str
    version: int
    title: str
    partner: str
    period: str
    what: str  # count | numerator | denominator | residents | order (places, and no count at all)
    low: np.ndarray
    high: np.ndarray
    hidden: np.ndarray
    threshold: int = 8
    smallest: int = 1
    guarded: bool = False
    scaled: bool = False  # worked out from a rate and the residents: no sum of parts where a part is missing
    mine: bool = False  # of the layer that is about to be published
    looser: bool = False  # from before the guard: closed as soon as its layer is published again

    @property
    def shown(self) -> np.ndarray:
        return np.isfinite(self.low)

    @property
    def name(self) -> str:
        return f"'{self.layer}'" + (f" version {self.version}" if self.version else "")


Frames = Mapping[tuple[str, str], Mapping[str, np.ndarray]]
"""(level, period) -> arrays :data:`COLUMNS` and ``status`` (codes) in area order."""

COLUMNS = ("value", "numerator", "denominator", "lower", "upper")


ORDERS = (Measure.RANK, Measure.DECILE, Measure.CATEGORY, Measure.SCORE)
"""Measures that may have been made from counts, and then say in which order these stand."""


def tells(descriptor: Descriptor) -> bool:
    """Whether a layer can say something of counts: of any kind of number, so far."""
    return descriptor.kind == Kind.INDICATOR


def series_of(
    frames: Frames, descriptor: Descriptor, nest: Nest, *, version: int = 0, mine: bool = False
) -> list[Series]:
    """Every quantity of a layer as its readers see it. The rule is the one that the layer was stored with."""
    out: list[Series] = []
    for period in dict.fromkeys(period for _, period in frames):
        whole = {name: np.full(nest.count, np.nan) for name in COLUMNS}
        status = np.full(nest.count, -1)
        for level in LEVELS:
            if (arrays := frames.get((level, period))) is not None:
                part = nest.part(level)
                status[part] = arrays["status"]
                for name, column in whole.items():
                    if name in arrays:
                        column[part] = arrays[name]
        hidden = status == SUPPRESSED
        for column in whole.values():
            column[hidden] = np.nan
        out += _of_period(whole, hidden, descriptor, nest, period, version, mine)
    return out


def _of_period(whole, hidden, descriptor: Descriptor, nest: Nest, period: str, version: int, mine: bool):
    measure = descriptor.measure
    value, numerator, denominator = (whole[name] for name in ("value", "numerator", "denominator"))
    found: dict[str, tuple[np.ndarray, np.ndarray, bool]] = {}
    exact = np.zeros(nest.count)
    people = guarded(descriptor)
    if measure is Measure.COUNT:
        count = np.where(np.isfinite(value), value, numerator)
        half = 0.0 if people else _half(count[nest.part(descriptor.level)], counts=True)
        found["count"] = (count, half * nest.parts_within(descriptor.level), False)
    elif measure in ORDERS:
        found["order"] = (value, exact, False)
    elif measure in RATIOS or measure is Measure.MEAN:
        if np.isfinite(denominator).any():
            found["denominator"] = (denominator, exact, False)
        if measure is not Measure.MEAN:
            bare = ~np.isfinite(denominator) & ~np.isfinite(numerator)
            base = np.where(bare, nest.residents, denominator)
            implied = value * base / descriptor.per
            written = value[nest.part(descriptor.level)]  # larger areas have averages of what was written
            half = _half(written if np.isfinite(written).any() else value) * base / descriptor.per
            if bare.any() and not people:
                implied, half = _by_limits(implied, half, base, whole, descriptor)
            known = np.isfinite(numerator)
            found["numerator"] = (
                np.where(known, numerator, implied),
                np.where(known, 0.0, np.nan_to_num(half)),
                bool((bare & np.isfinite(value)).any()),
            )
    rule = descriptor.disclosure
    out = []
    for what, (count, half, scaled) in found.items():
        if not (np.isfinite(count).any() or hidden.any()):
            continue
        if what == "order":
            low = high = count
        else:
            low, high = _range(count, half, rule.rounding_base if people else 0, rule.threshold)
            if what == "numerator" and measure is Measure.PERCENTAGE and not people:
                high = np.maximum(low, np.fmin(high, base))  # no more than all of them
        out.append(
            Series(
                layer=descriptor.id,
                version=version,
                title=descriptor.title,
                partner=descriptor.partner,
                period=period,
                what=what,
                low=low,
                high=high,
                hidden=hidden & ~np.isfinite(count),
                threshold=rule.threshold if people and rule.threshold > 1 else LEAST_DISCLOSURE.threshold,
                smallest=0 if rule.zero_is_sensitive and what != "denominator" else 1,
                guarded=people,
                scaled=scaled,
                mine=mine,
                looser=looser(descriptor),
            )
        )
    return out


def _half(value: np.ndarray, *, counts: bool = False) -> float:
    """How far a figure that is written so may be from the true one: half of the last decimal, or of what all are multiples of.
    ``counts`` are whole by themselves."""
    decimals = _decimals(value)
    if decimals or not counts:
        return 0.5 * 10.0**-decimals
    numbers = np.unique(np.round(np.abs(value[np.isfinite(value)])))
    step = int(np.gcd.reduce(numbers.astype(np.int64))) if len(numbers) > 2 else 1
    return step / 2 if step > 1 else 0.0


def _by_limits(implied, half, base, whole, descriptor: Descriptor) -> tuple[np.ndarray, np.ndarray]:
    """Counts from the limits of a rate, where those are written more exactly than the rate itself: only some whole counts give
    these limits. Columns as (middle, half)."""
    lower, upper = whole["lower"], whole["upper"]
    limits = rate_limits if descriptor.measure is Measure.RATE else proportion_limits
    rows = np.flatnonzero(np.isfinite(implied) & np.isfinite(lower) & np.isfinite(upper) & (half >= 0.5) & (half < 60))
    if not len(rows):
        return implied, half
    near_lower, near_upper = (10.0 ** -_decimals(column[rows]) * 0.5 + 1e-9 for column in (lower, upper))
    implied, half = implied.copy(), half.copy()
    first = np.maximum(np.ceil(implied[rows] - half[rows]), 0)
    tried = first[:, None] + np.arange(int(2 * half[rows].max()) + 2)
    people = np.maximum(np.broadcast_to(base[rows][:, None], tried.shape), 1.0)
    fits = (tried <= (implied[rows] + half[rows])[:, None]) & (tried <= people)
    a, b = limits(np.minimum(tried, people).ravel(), people.ravel(), descriptor.per)
    a, b = np.asarray(a, float).reshape(tried.shape), np.asarray(b, float).reshape(tried.shape)
    fits &= (np.abs(a - lower[rows][:, None]) <= near_lower) & (np.abs(b - upper[rows][:, None]) <= near_upper)
    some = fits.any(axis=1)
    least = np.where(fits, tried, np.inf).min(axis=1)[some]
    most = np.where(fits, tried, -np.inf).max(axis=1)[some]
    implied[rows[some]], half[rows[some]] = (least + most) / 2, (most - least) / 2
    return implied, half


def _decimals(value: np.ndarray) -> int:
    """Decimals that a column is written with; 9 for as many as there are."""
    numbers = value[np.isfinite(value)][:2000]
    for decimals in range(7):
        scaled = numbers * 10.0**decimals
        if np.allclose(scaled, np.round(scaled), rtol=0, atol=1e-6):
            return decimals
    return 9


def _range(count: np.ndarray, half: np.ndarray, base: int, threshold: int):
    """Between which numbers a shown count lies. People are whole: 15 rounded to 5 was 13 to 17, 20 to 10 (halves up) 15 to 24."""
    if base > 1:
        shown = np.where(np.isfinite(count), np.round(count / base) * base, np.nan)
        off = np.abs(shown - count) > np.maximum(0.02 * base, half)  # not a rounded number after all: take it as it is
        low, high = shown - base // 2, shown + (base - 1) // 2
        first = max(threshold, 1)
        least = np.ceil(first / base) * base  # what is small enough to be raised to it was not so low
        low = np.where(shown == least, first, low)
        low, high = np.where(shown == 0, 0.0, low), np.where(shown == 0, 0.0, high)
        return np.where(off, count, low), np.where(off, count, high)
    low, high = np.maximum(count - half, 0), count + half
    up, down = np.ceil(low - 1e-6), np.floor(high + 1e-6)
    fits = (half > 0) & (up <= down)
    return np.where(fits, up, low), np.where(fits, down, high)


def residents_series(nest: Nest) -> Series:
    """The residents of every area, which everybody can look up."""
    return Series(
        "residents", 0, "Residents", "", "", "residents", nest.residents.copy(), nest.residents.copy(),
        np.zeros(nest.count, bool),
    )  # fmt: skip
