"""Figures drawn again with their own error: what a published number might as well have been.

A percentage with its counts is drawn as a binomial, a rate as a Poisson, or wider where its events come in clusters; a figure
whose error its source states is drawn normally. Nothing else is varied: an error that nobody stated is not made up.

Draws are made for the areas for which the figures were published. Wards and authorities are rebuilt from the drawn small areas
in the way in which their published value was made: from summed counts, or as a mean over residents.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from layers.methods.access_means import Members
from layers.methods.need import Indicator, percentile
from layers.model import Measure, Status

CURVE_FROM = 25.0  # variance of a count from which count_curve stands in for the exact generators
FEW = 0.5  # mean of what stands in for a count of 0, or for what a full count lacks: 0 of 300 is not certainly 0
AGREES = 1e-6  # how far, relatively, a larger area's own counts may be from the sum of its parts to be that sum

BINOMIAL, COUNTS, NORMAL = "binomial", "counts", "normal"


# --- numbers ----------------------------------------------------------------------------------------------------------


def count_curve(kind: str, trials: np.ndarray, chance: np.ndarray) -> tuple[np.ndarray, ...]:
    """Coefficients c0..c3 so that ``rint(c0 + c1 z + c2 z^2 + c3 z^3)`` of a standard normal z is (nearly) the count.

    Cornish and Fisher's expansion to the third order, with the variance of rounding (1/12) taken off. From a variance of
    ``CURVE_FROM`` on its distribution function is within 0.0003 of the exact one (a test computes it).
    """
    mean = trials * chance if kind == BINOMIAL else trials
    spread = mean * (1.0 - chance) if kind == BINOMIAL else mean
    lean = 1.0 - 2.0 * chance if kind == BINOMIAL else np.ones(len(trials))
    tails = 1.0 - 6.0 * chance * (1.0 - chance) if kind == BINOMIAL else np.ones(len(trials))
    deviation = np.sqrt(np.maximum(spread - 1.0 / 12.0, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        four, two = tails / deviation / 24.0, lean**2 / deviation / 36.0
    return mean - lean / 6.0, deviation - 3.0 * four + 5.0 * two, lean / 6.0, four - 2.0 * two


def sample_counts(
    kind: str,
    trials: np.ndarray,
    chance: np.ndarray,
    draws: int,
    rng: np.random.Generator,
    dispersion: float = 1.0,
) -> np.ndarray:
    """(draws, v) float32 counts: binomial(trials, chance), or counts with mean ``trials`` and variance ``dispersion * trials``:
    Poisson, or with a dispersion above 1 a negative binomial.

    A count of 0 is drawn as Poisson(0.5), at most ``trials``, and a full count lacks as much. Small counts come from numpy's
    exact generators, areas first, because numpy sets a distribution up again whenever its parameters change. Large ones come
    from :func:`count_curve`, which is five times faster; clustered ones are always exact.
    """
    spread = trials * chance * (1.0 - chance) if kind == BINOMIAL else trials
    nothing = chance <= 0 if kind == BINOMIAL else trials <= 0
    full = chance >= 1 if kind == BINOMIAL else np.zeros(len(trials), dtype=bool)
    large = (spread >= CURVE_FROM) & (dispersion <= 1)
    out = np.empty((draws, len(trials)), dtype=np.float32)
    edge = np.flatnonzero(nothing | full)
    if len(edge):
        few = rng.poisson(FEW, size=(len(edge), draws))
        if kind == BINOMIAL:
            few = np.minimum(few, trials[edge, None])
            few = np.where(full[edge, None], trials[edge, None] - few, few)
        out[:, edge] = few.T
    small = np.flatnonzero(~(large | nothing | full))
    if len(small):
        shape = (len(small), draws)
        if kind == BINOMIAL:
            exact = rng.binomial(trials[small, None], chance[small, None], size=shape)
        elif dispersion > 1:
            exact = rng.negative_binomial(trials[small, None] / (dispersion - 1.0), 1.0 / dispersion, size=shape)
        else:
            exact = rng.poisson(trials[small, None], size=shape)
        out[:, small] = exact.T
    if large.any():
        c0, c1, c2, c3 = (
            c.astype(np.float32) for c in count_curve(kind, trials[large], chance[large] if len(chance) else chance)
        )
        z = rng.standard_normal((draws, len(c0)), dtype=np.float32)
        top = trials[large].astype(np.float32) if kind == BINOMIAL else np.float32(np.inf)
        for row in range(draws):  # a row at a time stays in the processor's cache
            x = z[row]
            x[:] = np.clip(np.rint(((c3 * x + c2) * x + c1) * x + c0), 0, top)
        out[:, large] = z
    return out


# --- figures ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Figures:
    """The figures of some areas, and how each is drawn. Arrays have one slot per area; positions are among them.

    ``drawn`` are the areas whose figure is drawn; their ``trials`` and ``chance`` as in :func:`sample_counts`, or the published
    values as ``trials`` where the error is normal.
    """

    kind: str  # BINOMIAL, COUNTS, NORMAL, or "" where nothing varies
    value: np.ndarray  # (v,) as published
    drawn: np.ndarray
    trials: np.ndarray
    chance: np.ndarray
    count: np.ndarray  # (v,) numerator; NaN where there is none
    whole: np.ndarray  # (v,) denominator
    per: float
    error: float = 0.0
    dispersion: float = 1.0

    @classmethod
    def of(cls, indicator: Indicator, frame: pd.DataFrame | None, value: np.ndarray) -> Figures:
        """From the columns of a level's values (None without them); NaN and what is withheld or missing is never drawn."""
        nothing, known = np.empty(0), np.isfinite(value)
        count, whole = (_column(frame, name, len(value)) for name in ("numerator", "denominator"))
        if indicator.error_sd:
            drawn = np.flatnonzero(known)
            return cls(NORMAL, value, drawn, value[drawn], nothing, count, whole, indicator.per, indicator.error_sd)
        kind = {Measure.PERCENTAGE: BINOMIAL, Measure.RATE: COUNTS}.get(indicator.measure, "")
        with np.errstate(invalid="ignore"):
            drawn = np.flatnonzero(known & np.isfinite(count) & (count >= 0) & np.isfinite(whole) & (whole > 0))
        if not kind or not len(drawn):
            return cls("", value, np.empty(0, dtype=int), nothing, nothing, count, whole, indicator.per)
        trials, chance = count[drawn], nothing
        if kind == BINOMIAL:
            chance = np.minimum(count[drawn] / whole[drawn], 1.0)
            trials = np.maximum(np.rint(whole[drawn]), 1).astype(np.int64)
        dispersion = indicator.dispersion or 1.0
        return cls(kind, value, drawn, trials, chance, count, whole, indicator.per, dispersion=dispersion)

    def only(self, places: np.ndarray) -> Figures:
        """The same, with the figures of these areas alone being drawn."""
        mine = np.isin(self.drawn, places)
        chance = self.chance[mine] if len(self.chance) else self.chance
        kind = self.kind if mine.any() else ""
        return replace(self, kind=kind, drawn=self.drawn[mine], trials=self.trials[mine], chance=chance)

    def sample(self, draws: int, rng: np.random.Generator) -> np.ndarray:
        """(draws, drawn) float32 values, in the indicator's unit."""
        if self.kind == NORMAL:
            z = rng.standard_normal((draws, len(self.drawn)), dtype=np.float32)
            return z * np.float32(self.error) + self.trials.astype(np.float32)
        counts = sample_counts(self.kind, self.trials, self.chance, draws, rng, self.dispersion)
        counts *= (self.per / (self.trials if self.kind == BINOMIAL else self.whole[self.drawn])).astype(np.float32)
        return counts


def _column(frame: pd.DataFrame | None, name: str, size: int) -> np.ndarray:
    if frame is None or name not in frame.columns:
        return np.full(size, np.nan)
    return pd.to_numeric(frame[name], errors="coerce").to_numpy("float64").copy()


# --- larger areas -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Rebuilt:
    """Values of some larger areas from the drawn ones of their parts: ``sum(share * drawn)``, in the order of ``places``."""

    parts: Figures
    places: np.ndarray  # larger areas that are rebuilt
    order: np.ndarray  # positions among the drawn parts, those of one larger area together
    start: np.ndarray  # where each larger area begins in that order
    share: np.ndarray  # of each part in its larger area's value, in that order
    rest: np.ndarray  # (places,) what parts whose figure does not vary bring

    def sample(self, draws: int, rng: np.random.Generator) -> np.ndarray:
        drawn = self.parts.sample(draws, rng)[:, self.order]
        drawn *= self.share.astype(np.float32)
        return np.add.reduceat(drawn, self.start, axis=1) + self.rest.astype(np.float32)


def rebuilt(parts: Figures, members: Members, own: Figures, counts: bool) -> Rebuilt | None:
    """The larger areas whose published value is that of their parts, ready to be drawn; None where there are none.

    ``counts``: from summed numerators and denominators, so that each part counts by its denominator; else as a mean over
    residents. A larger area of which some parts are withheld, and whose own value is not what the others make, is left to be drawn
    itself.
    """
    weight = parts.whole if counts else members.people
    use = np.isfinite(parts.value) & np.isfinite(weight) & (members.place >= 0)
    if counts:
        use &= np.isfinite(parts.count)
    weight = np.where(use, weight, 0.0)
    total = members.total_of(weight)
    if counts:
        alike = _alike(members.total_of(np.where(use, parts.count, 0.0)), own.count) & _alike(total, own.whole)
    else:
        with np.errstate(invalid="ignore", divide="ignore"):
            alike = _alike(members.total_of(np.where(use, weight * parts.value, 0.0)) / total, own.value)
    complete = members.total_of(~use) == 0
    alike = (alike | complete) & np.isfinite(own.value)
    varies = np.zeros(len(use), dtype=bool)
    varies[parts.drawn] = True
    varies &= use & alike[np.maximum(members.place, 0)]
    if not varies.any():
        return None
    parts = parts.only(np.flatnonzero(varies))
    order = np.argsort(members.place[parts.drawn], kind="stable")
    group = members.place[parts.drawn][order]
    places, start = np.unique(group, return_index=True)
    fixed = use & ~varies
    rest = members.total_of(np.where(fixed, weight * parts.value, 0.0))[places] / total[places]
    return Rebuilt(parts, places, order, start, weight[parts.drawn][order] / total[group], rest)


def _alike(made: np.ndarray, own: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.abs(made - own) <= AGREES * np.maximum(np.abs(own), 1.0)


# --- an indicator ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class DrawnIndicator:
    """An indicator ready for the draws. ``fixed`` holds the percentiles of the published values."""

    id: str
    valid: np.ndarray  # (n,) bool
    fixed: np.ndarray  # (n,) float32
    base: np.ndarray  # (v,) float32 published values of the valid areas, turned so that larger is worse
    sign: float
    sources: tuple[tuple[Figures | Rebuilt, np.ndarray], ...]  # what is drawn, and the positions among the valid areas

    @property
    def varies(self) -> bool:
        return bool(self.sources)

    @classmethod
    def of(cls, indicator: Indicator) -> DrawnIndicator:
        """From the values at the level in question; ``indicator.parts`` are those of the areas that make up its areas."""
        value = indicator.value.to_numpy("float64")
        valid = np.isfinite(value)
        frame = indicator.values if isinstance(indicator.values, pd.DataFrame) else None
        own = Figures.of(indicator, frame, value)
        sources: list[tuple[Figures | Rebuilt, np.ndarray]] = []
        left = np.isin(np.arange(len(value)), own.drawn)
        if indicator.parts is not None:
            below, members = indicator.parts
            parts = Figures.of(indicator, below, known_values(below))
            counted = np.isfinite(own.whole) & np.isfinite(own.count)
            for counts in (True, False):
                mine = replace(
                    own, value=np.where(counted == counts, value, np.nan)
                )  # a mean where there are no counts
                made = rebuilt(parts, members, mine, counts) if parts.kind else None
                if made is not None:
                    sources.append((made, made.places))
                    left[made.places] = False
        own = own.only(np.flatnonzero(left))
        if own.kind:
            sources.append((own, own.drawn))
        place = np.cumsum(valid) - 1
        oriented = indicator.value * indicator.sign
        return cls(
            indicator.id,
            valid,
            percentile(oriented).to_numpy("float32"),
            oriented.to_numpy("float64")[valid].astype(np.float32),
            float(indicator.sign),
            tuple((source, place[where]) for source, where in sources),
        )

    def sample(self, draws: int, rng: np.random.Generator) -> np.ndarray:
        """(draws, v) float32 values of the valid areas, turned so that larger is worse."""
        out = None
        for source, where in self.sources:
            drawn = source.sample(draws, rng)
            drawn *= np.float32(self.sign)
            if len(where) == len(self.base):  # all of them at once, in order
                return drawn
            out = np.tile(self.base, (draws, 1)) if out is None else out
            out[:, where] = drawn
        return np.tile(self.base, (draws, 1)) if out is None else out


def known_values(frame: pd.DataFrame) -> np.ndarray:
    """The values of a level; NaN for what is withheld, missing or infinite."""
    value = pd.to_numeric(frame["value"], errors="coerce").to_numpy("float64")
    if "status" in frame.columns:
        known = frame["status"].astype(object).isin([Status.OK, Status.CONVERTED]).to_numpy()
        value = np.where(known, value, np.nan)
    return np.where(np.isfinite(value), value, np.nan)
