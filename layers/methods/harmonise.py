"""One layer on every level of the region: older LSOAs to today's, LSOAs to wards to local authorities.

:func:`harmonise` takes a package (any indicator, any period, a national table or the region's own) and gives, for each
level and period, one row per area of the region in area order. The rules and their reasons are in
docs/methods/harmonising.md; in one line each:

* counts are conserved; rates and percentages are rebuilt from their summed numerators and denominators;
* scores become population-weighted means and say so; rates, percentages and means published without the counts behind them only where
  the layer says what they may be averaged by (``weighted_by``);
* one estimator a map: all areas of a level and period are rebuilt, or all are averaged, and the note says which;
* ranks, deciles and categories are never averaged or split;
* every value not published for exactly that area is marked ``converted``;
* a layer with suppressed areas is shown at the level at which it was suppressed and summed to no other, since a total
  less its visible parts is the hidden part.

The work is done on arrays with one slot per area; nothing here loops over areas except to write sentences.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from layers.fields import VALUES
from layers.methods.intervals import proportion_limits, rate_limits
from layers.model import LEVELS, Descriptor, Fault, Kind, Measure, Package, Refused, Status
from layers.region import Region
from layers.texts import first_few

LEAST_SHARE = 0.8
"""Share of an area's residents whose parts must have a value before a rate, percentage, mean or score is given for it.
Counts need every part: a sum with a hole is a wrong sum, while a rate over four fifths of the people is a fair estimate."""

REBUILT = (Measure.RATE, Measure.PERCENTAGE, Measure.MEAN)
"""Measures that are a numerator over a denominator, where the publisher gives them."""

WEIGHTS = ("residents",)
"""What a figure without its counts may be averaged by, of all that a layer can say: nobody has counts of households by area here."""

COPIED = (Measure.RANK, Measure.DECILE, Measure.CATEGORY)
"""Measures that may be copied for an unchanged area and never computed with."""

NUMBERS = ("value", "numerator", "denominator", "lower", "upper")

_STATUS = (Status.OK, Status.CONVERTED, Status.SUPPRESSED, Status.MISSING)
_OK, _CONVERTED, _SUPPRESSED, _MISSING = range(4)
_UNCHANGED, _SPLIT, _MERGED, _COMPLEX = range(4)
_CHANGES = {"U": _UNCHANGED, "S": _SPLIT, "M": _MERGED, "X": _COMPLEX}

_OFFICIAL = {  # shapes of the statistical offices' codes, to tell "elsewhere" from "nowhere"
    "lsoa": r"^(?:E01|W01|S01|N21)[0-9]{6}$|^N2[0-9]{7}$|^95[A-Z]{2}[0-9]{2}[A-Z0-9]{2}$",
    "ward": r"^(?:E05|W05|S13|N08)[0-9]{6}$",
    "lad": r"^(?:E0[6-9]|W06|S12|N09)[0-9]{6}$",
}

_ONE = {"lsoa": "LSOA", "ward": "ward", "lad": "local authority"}
_MANY = {"lsoa": "LSOAs", "ward": "wards", "lad": "local authorities"}


@dataclass(frozen=True)
class HarmoniseReport:
    """What was done to a table, in numbers, for the analyst who publishes it.

    ``copied, split, merged, complex`` count the region's areas at the published level by how their values came about
    (one older area unchanged; part of one; several whole ones; an irregular change). ``totals`` has a row per period,
    ``lad_code`` and quantity (``value`` of a count; ``numerator`` and ``denominator`` of a rate) with the sum ``before``
    and ``after``: they agree unless a value is missing or an irregular area crosses the authority's border.
    """

    level: str
    vintage: int
    periods: tuple[str, ...] = ()
    rows: int = 0  # of the table
    copied: int = 0
    split: int = 0
    merged: int = 0
    complex: int = 0
    outside: int = 0  # rows of areas elsewhere in the country
    unknown: tuple[str, ...] = ()  # codes that are no area of this level and vintage, here or elsewhere
    absent: tuple[str, ...] = ()  # areas that the published table should have and has not, in any period
    partial: int = 0  # larger areas whose value leaves out a part, over all periods
    recomputed: int = 0  # published values more than 1% from numerator / denominator, which replaced them
    totals: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["period", "lad_code", "quantity", "before", "after"])
    )

    def sentences(self) -> list[str]:
        """The report in plain words, only what is worth saying."""
        said = []
        if self.split or self.merged or self.complex:
            said.append(
                f"{self.copied:,} areas are unchanged since {self.vintage}; values of {self.split:,} were split from a larger "
                f"area, {self.merged:,} merged from smaller ones and {self.complex:,} changed irregularly."
            )
        if self.outside:
            said.append(f"{self.outside:,} rows of areas outside the region were left aside.")
        if self.unknown:
            said.append(
                f"{len(self.unknown):,} codes are not {self.vintage or 'known'} areas: {first_few(self.unknown)}."
            )
        if self.absent:
            said.append(f"{len(self.absent):,} areas of the region are not in the table: {first_few(self.absent)}.")
        if self.partial:
            said.append(f"{self.partial:,} values of larger areas leave out a part without a value.")
        if self.recomputed:
            said.append(
                f"{self.recomputed:,} published values differ by more than 1% from numerator / denominator and were "
                "replaced by it. For an age-standardised rate, declare the measure as a score."
            )
        return said


@dataclass(frozen=True)
class Harmonised:
    """A layer at every level. See the module's docstring.

    ``values[(level, period)]`` has the columns of :data:`layers.fields.VALUES`, one row per area in area order;
    category values may be words, all others are floats. ``reasons[level]`` is why a level has no values at all (only the
    levels and, named in the sentence, the periods concerned); ``notes[level]`` is how its converted values came about;
    ``area_reasons[(level, period)]`` says for single areas, by code, why they have none when the table did have some.
    """

    values: dict[tuple[str, str], pd.DataFrame]
    reasons: dict[str, str]
    report: HarmoniseReport
    notes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    area_reasons: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)

    @property
    def periods(self) -> tuple[str, ...]:
        return self.report.periods


def harmonise(package: Package, region: Region) -> Harmonised:
    """Bring a package's table to every level of the region.

    The table is left as it is. Raises :class:`Refused` when the layer is not an indicator with a measure, when an area
    stands twice in one period, when a column holds something other than numbers, or when the region's lookup is unsound.
    A table of a vintage for which the region has no lookup is not an error: every area is then missing, with the reason.
    """
    descriptor = _checked(package.descriptor)
    source = _source(descriptor, region)
    rows = _read_rows(package.table, descriptor, source.codes, region)
    values: dict[tuple[str, str], pd.DataFrame] = {}
    area_reasons: dict[tuple[str, str], dict[str, str]] = {}
    reasons, notes, totals, partial = _Sentences(rows.periods), _Sentences(), [], 0
    for at, period in enumerate(rows.periods):
        published = _cells(rows, at, len(source.codes), descriptor)
        levels = _Levels(descriptor, region)
        if source.crosswalk is None:
            native, why = published, {}
        else:
            native, why = _convert(published, source.crosswalk, descriptor, region.codes(descriptor.level))
        levels.put(descriptor.level, native, why)
        levels.climb(source.trouble)
        partial += levels.partial
        for level in LEVELS:
            cells = levels.cells[level]
            values[(level, period)] = _frame(cells, region.areas[level]["code"], descriptor)
            if levels.why[level]:
                area_reasons[(level, period)] = levels.why[level]
            if level in levels.reasons:
                reasons.add(level, levels.reasons[level], period)
            for note in levels.notes[level]:
                notes.add(level, note)
        for note in source.notes(descriptor, published, rows.absent):
            notes.add(descriptor.level, note)
        totals.append(_totals(period, published, native, source, region, descriptor))
    report = HarmoniseReport(
        level=descriptor.level,
        vintage=descriptor.vintage,
        periods=rows.periods,
        rows=len(package.table),
        **source.changes(),
        outside=0 if source.trouble else rows.outside,
        unknown=() if source.trouble else rows.unknown,
        absent=rows.absent,
        partial=partial,
        recomputed=rows.recomputed,
        totals=pd.concat(totals, ignore_index=True),
    )
    return Harmonised(values, reasons.joined(), report, notes.lists(), area_reasons)


def _checked(descriptor: Descriptor) -> Descriptor:
    faults = []
    if descriptor.kind != Kind.INDICATOR:
        faults.append(Fault(f"the kind is '{descriptor.kind}'", todo="only indicators have values by area"))
    elif descriptor.measure is None:
        faults.append(Fault("the measure is missing", todo=f"give one of {', '.join(Measure)}", rule="no-measure"))
    if descriptor.level not in LEVELS:
        faults.append(Fault(f"the level is '{descriptor.level}'", todo=f"give one of {', '.join(LEVELS)}"))
    if faults:
        raise Refused(f"The layer '{descriptor.id}' cannot be harmonised.", faults)
    return descriptor


# The table ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Rows:
    """The rows of the table that concern the region: position of the area, number of the period, what was published."""

    area: np.ndarray  # position in the source codes
    period: np.ndarray  # position in periods
    periods: tuple[str, ...]
    columns: dict[str, np.ndarray]
    status: np.ndarray
    outside: int
    unknown: tuple[str, ...]
    absent: tuple[str, ...]
    recomputed: int


def _read_rows(table: pd.DataFrame, descriptor: Descriptor, codes: pd.Index, region: Region) -> _Rows:
    where = f"the table of '{descriptor.id}'"
    if "area_code" not in table.columns:
        fault = Fault("there is no column area_code", where, "name the column of codes")
        raise Refused(f"{where} cannot be harmonised.", [fault])
    given = pd.Index(table["area_code"])
    area = codes.get_indexer(given)
    inside = area >= 0
    strange = table["area_code"][~inside].astype("str")
    elsewhere = strange.str.match(_OFFICIAL[descriptor.level]).to_numpy(bool, na_value=False)
    unknown = {str(code) for code in strange[~elsewhere].unique()}
    mistaken = _other_vintage(strange[elsewhere], descriptor, region)
    period, periods = _periods(table, descriptor)
    faults: list[Fault] = []
    columns = {}
    for name in NUMBERS:
        if name in table.columns:
            columns[name] = _numbers(table[name], inside, name, descriptor, faults)
    status = _statuses(table, inside, faults)
    area, period = area[inside], period[inside]
    place = period * len(codes) + area
    if len(place):
        times = np.bincount(place)
        if times.max(initial=0) > 1:
            twice = np.flatnonzero(times > 1)
            sample = [f"{codes[at % len(codes)]} in {periods[at // len(codes)] or 'its period'}" for at in twice[:5]]
            what = f"{len(twice)} areas stand more than once in a period: {first_few(sample)}"
            faults.append(Fault(what, where, "leave one row per area and period", rule="duplicate-area"))
    if faults:
        raise Refused(f"{where} cannot be harmonised.", faults)
    seen = np.zeros(len(codes), bool)
    seen[area] = True
    numerator, denominator = columns.get("numerator"), columns.get("denominator")
    recomputed = 0
    if "value" in columns and numerator is not None and denominator is not None and descriptor.measure in REBUILT:
        with np.errstate(divide="ignore", invalid="ignore"):
            rebuilt = numerator / denominator * descriptor.per
            recomputed = int((np.abs(columns["value"] - rebuilt) > 0.01 * np.abs(rebuilt) + 1e-9)[status == _OK].sum())
    return _Rows(
        area=area,
        period=period,
        periods=periods,
        columns=columns,
        status=status,
        outside=int(elsewhere.sum()) - int(strange.isin(mistaken).sum() if mistaken else 0),
        unknown=tuple(sorted(unknown | mistaken)),
        absent=tuple(codes[~seen]) if len(codes) else (),
        recomputed=recomputed,
    )


def _periods(table: pd.DataFrame, descriptor: Descriptor) -> tuple[np.ndarray, tuple[str, ...]]:
    if "period" not in table.columns:
        return np.zeros(len(table), int), (descriptor.period,)
    named = table["period"].astype("str").fillna("")
    named = named.where(named != "", descriptor.period)
    number, names = pd.factorize(named, sort=True)
    return number, tuple(str(name) for name in names) or (descriptor.period,)


def _numbers(
    column: pd.Series, inside: np.ndarray, name: str, descriptor: Descriptor, faults: list[Fault]
) -> np.ndarray:
    column = column[inside]
    try:
        numbers = column.to_numpy(dtype="float64", na_value=np.nan)
    except (TypeError, ValueError):
        if name == "value" and descriptor.measure is Measure.CATEGORY:
            return column.to_numpy(dtype=object, na_value=np.nan)
        read = pd.to_numeric(column, errors="coerce")
        wrong, numbers = column[read.isna() & column.notna()], np.full(len(column), np.nan)
    else:
        wrong = column[np.isinf(numbers)]
    if len(wrong):
        what = f"{len(wrong)} cells of {name} are not numbers: {first_few(wrong)}"
        todo = "read the table with layers.reading.package first, which turns marks into statuses"
        faults.append(Fault(what, f"the table of '{descriptor.id}'", todo, column=name, rule="not-a-number"))
    return numbers


def _statuses(table: pd.DataFrame, inside: np.ndarray, faults: list[Fault]) -> np.ndarray:
    if "status" not in table.columns:
        return np.zeros(int(inside.sum()), "int8")  # what has no number becomes missing below
    words = table["status"][inside]
    number = pd.Index([str(status) for status in _STATUS]).get_indexer(words.astype("str"))
    number[words.isna().to_numpy(bool)] = _MISSING
    if (number < 0).any():
        strange = first_few(words[number < 0].unique())
        what = f"unknown status: {strange}"
        faults.append(Fault(what, "column status", f"use one of {', '.join(_STATUS)}", rule="status"))
    return number.astype("int8")


def _other_vintage(elsewhere: pd.Series, descriptor: Descriptor, region: Region) -> set[str]:
    """Codes of this very region in another vintage: no area elsewhere, but a table that is not what it says it is."""
    if elsewhere.empty:
        return set()
    level = descriptor.level

    def every_vintage() -> pd.Index:
        columns = [
            lookup[column]
            for name, lookup in region.lookups.items()
            if name.startswith(f"{level}_")
            for column in lookup.columns
            if column.startswith("code_")
        ]
        return pd.Index(pd.concat([*columns, region.areas[level]["code"]]).unique())

    ours = _once(region, ("every vintage", level), every_vintage)
    return set(elsewhere[elsewhere.isin(ours)])


# Cells: what is known about each area of one level --------------------------------------------------------------------


@dataclass(frozen=True)
class _Cells:
    """Arrays with one slot per area of a level. A cell may be known and yet have no value: 0 cases among 0 people."""

    value: np.ndarray
    numerator: np.ndarray
    denominator: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    status: np.ndarray
    counted: np.ndarray  # the numerator was published, not worked out from value and denominator
    modelled: np.ndarray  # divided by weights: no confidence limits

    @property
    def known(self) -> np.ndarray:
        return self.status <= _CONVERTED

    @property
    def suppressed(self) -> np.ndarray:
        return self.status == _SUPPRESSED

    @property
    def rebuildable(self) -> np.ndarray:
        return np.isfinite(self.numerator) & np.isfinite(self.denominator)


def _empty(size: int, status: int, words: bool = False) -> _Cells:
    blank = np.full(size, np.nan)
    return _Cells(
        value=blank.astype(object) if words else blank,
        numerator=blank,
        denominator=blank,
        lower=blank,
        upper=blank,
        status=np.full(size, status, "int8"),
        counted=np.ones(size, bool),
        modelled=np.zeros(size, bool),
    )


def _cells(rows: _Rows, period: int, size: int, descriptor: Descriptor) -> _Cells:
    """The published table of one period, spread over the areas."""
    here = rows.period == period
    area = rows.area[here]
    spread = {}
    for name in NUMBERS:
        column = rows.columns.get(name)
        spread[name] = np.full(size, np.nan, dtype=float if column is None else column.dtype)
        if column is not None:
            spread[name][area] = column[here]
    status = np.full(size, _MISSING, "int8")
    status[area] = rows.status[here]
    # A row that is marked as withheld or missing has no numbers, whatever stands in its cells.
    hollow = status > _CONVERTED
    for column in spread.values():
        column[hollow] = np.nan
    value, numerator, denominator = spread["value"], spread["numerator"], spread["denominator"]
    counted = np.ones(size, bool)
    measure = descriptor.measure
    if measure is Measure.COUNT:
        value = np.where(np.isnan(value), numerator, value)
        known = np.isfinite(value)
    elif measure in REBUILT:
        counted = ~(np.isnan(numerator) & np.isfinite(value) & np.isfinite(denominator))
        ratio = _ratio(numerator, denominator, descriptor.per)
        value = np.where(np.isfinite(ratio), ratio, value)
        # With its own denominator a bare rate is averaged as it should be: over children or homes, not all residents.
        numerator = np.where(counted, numerator, value * denominator / descriptor.per)
        known = np.isfinite(value) | (np.isfinite(numerator) & np.isfinite(denominator))
    else:
        known = ~pd.isna(value)
    status[~known & ~hollow] = _MISSING
    return _Cells(
        value, numerator, denominator, spread["lower"], spread["upper"], status, counted, np.zeros(size, bool)
    )


def _ratio(numerator: np.ndarray, denominator: np.ndarray, per: float) -> np.ndarray:
    """numerator / denominator * per, missing where the denominator is 0 or either is."""
    out = np.full(len(numerator), np.nan)
    np.divide(numerator, denominator, out=out, where=denominator > 0)
    return out * per


def _sum(place: np.ndarray, amounts: np.ndarray, size: int) -> np.ndarray:
    """Sums by place, always in the same order, so that the order of the table's rows cannot move the last digit."""
    return np.bincount(place, weights=amounts, minlength=size)


def _frame(cells: _Cells, codes: pd.Series, descriptor: Descriptor) -> pd.DataFrame:
    """The outward face of cells: limits filled in, numerators that nobody published taken out."""
    numerator = np.where(cells.counted, cells.numerator, np.nan)
    lower, upper = cells.lower, cells.upper
    limits = {Measure.RATE: rate_limits, Measure.PERCENTAGE: proportion_limits}.get(descriptor.measure)
    if limits is not None:
        x, n = cells.numerator, cells.denominator
        fit = (
            cells.known
            & cells.counted
            & ~cells.modelled
            & (x >= 0)
            & (n > 0)
            & ~(np.isfinite(lower) & np.isfinite(upper))
        )
        if descriptor.measure is Measure.PERCENTAGE:
            fit &= x <= n
        if fit.any():
            lower, upper = lower.copy(), upper.copy()
            lower[fit], upper[fit] = limits(x[fit], n[fit], descriptor.per)
    without = pd.isna(cells.value)
    lower, upper = np.where(without, np.nan, lower), np.where(without, np.nan, upper)
    status = np.where(cells.known & without, _MISSING, cells.status)  # 0 of 0 people is known, but no rate
    columns = {
        "area_code": codes,
        "value": cells.value,
        "numerator": numerator,
        "denominator": cells.denominator,
        "lower": lower,
        "upper": upper,
        "status": pd.array([str(word) for word in _STATUS], dtype="str").take(status),
    }
    return pd.DataFrame({name: columns[name] for name in VALUES}, index=codes.index)


# Another vintage ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Crosswalk:
    """Areas of an older vintage (sources) and of today's (targets), by position, with the share of each source's people."""

    vintage: int
    source: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    change: np.ndarray  # per target: unchanged, split, merged, complex; -1 when the lookup does not name it
    only: np.ndarray  # per target: its one source when unchanged or split, else 0
    people: np.ndarray  # per source: residents, NaN where the pack does not say
    lad: np.ndarray  # per source: position of the authority that most of its people live in; -1 for none

    def notes(self, descriptor: Descriptor, published: _Cells) -> list[str]:
        """How values came from the older areas, in sentences, for the changes that happened here."""
        measure, old = descriptor.measure, self.vintage
        divided = ((self.change == _SPLIT) | (self.change == _COMPLEX)).any()
        merged = (self.change == _MERGED).any()
        said = []
        if measure in (Measure.RANK, Measure.DECILE):
            said.append(
                f"Published for {old} LSOAs. Areas whose outline has not changed keep the published {measure}, which "
                f"compares them with the {old} areas; the others have none, because a {measure} cannot be split or averaged."
            )
            return said
        if measure is Measure.CATEGORY:
            if divided:
                said.append(f"Parts of a {old} LSOA that was split have its category.")
            return said
        if measure is Measure.COUNT:
            if divided:
                said.append(f"Counts of {old} LSOAs that were split are divided in proportion to residents.")
            if merged:
                said.append(f"Counts of {old} LSOAs that were merged are added up.")
            return said
        bare = bool((published.known & ~published.rebuildable).any()) or measure is Measure.SCORE
        if divided:
            said.append(f"Parts of a {old} LSOA that was split are given its {measure}.")
        if merged and not bare:
            said.append(f"Values of merged {old} LSOAs are rebuilt from their summed numerators and denominators.")
        if merged and bare:
            said.append(
                f"Values of merged {old} LSOAs are the population-weighted mean of theirs: exact for a {measure} of "
                "residents, close for one of children, homes or patients."
                if measure is not Measure.SCORE
                else f"Values of merged {old} LSOAs are the population-weighted mean of theirs."
            )
        return said


@dataclass(frozen=True)
class _Source:
    """What the table's codes mean: positions of the published areas, and the way from them to the region's."""

    codes: pd.Index
    crosswalk: _Crosswalk | None = None
    trouble: str = ""  # why nothing can be read
    size: int = 0  # areas that keep their code
    vintages: tuple[int, int] = (0, 0)  # the table's and the region's, where they differ

    def notes(self, descriptor: Descriptor, published: _Cells, absent: tuple[str, ...]) -> list[str]:
        if self.trouble:
            return []
        if self.crosswalk is not None:
            return self.crosswalk.notes(descriptor, published)
        theirs, ours = self.vintages
        if theirs == ours or not absent:
            return []
        many = _MANY[descriptor.level]
        return [
            f"Published for {theirs} {many}: {len(absent):,} of the region's {self.size:,} {many} of {ours} were not among "
            "them and have no value."
        ]

    def changes(self) -> dict[str, int]:
        if self.crosswalk is None:
            return {"copied": self.size}
        change = self.crosswalk.change
        names = ("copied", "split", "merged", "complex")
        return {name: int((change == at).sum()) for at, name in enumerate(names)}


def _source(descriptor: Descriptor, region: Region) -> _Source:
    level, vintage, ours = descriptor.level, descriptor.vintage, region.vintages.get(descriptor.level, 0)
    codes = region.codes(level)
    # A ward or authority gets a new code when its boundary changes, so there the same code is the same area in any
    # vintage. That is almost true of LSOAs as well, but 94% of 2021's codes are also 2011's: only the lookup can tell.
    if level != "lsoa" or not vintage or not ours or vintage == ours:
        vintages = (vintage, ours) if vintage and ours else (0, 0)
        return _Source(codes, size=len(codes), vintages=vintages)
    name = f"{level}_{vintage}_{ours}"
    if name not in region.lookups:
        trouble = f"Published for {vintage} {_MANY[level]}, and this region has no lookup from those to {ours} ones."
        return _Source(codes[:0], _no_way(vintage, len(codes)), trouble)
    return _Source(*_once(region, name, lambda: _crosswalk(region, name, level, vintage, ours)))


def _no_way(vintage: int, size: int) -> _Crosswalk:
    none = np.zeros(0, int)
    return _Crosswalk(
        vintage, none, none, none.astype(float), np.full(size, -1), np.zeros(size, int), none.astype(float), none
    )


def _crosswalk(region: Region, name: str, level: str, vintage: int, ours: int) -> tuple[pd.Index, _Crosswalk]:
    lookup, codes = region.lookups[name], region.codes(level)
    old_name, new_name = f"code_{vintage}", f"code_{ours}"
    _check_lookup(lookup, name, old_name, new_name)
    old_codes = pd.Index(lookup[old_name].unique()).sort_values()
    target = codes.get_indexer(lookup[new_name])
    source = old_codes.get_indexer(lookup[old_name])
    kind = lookup["change"].map(_CHANGES).to_numpy(int)
    weight = lookup["weight"].to_numpy(float)
    weight = np.where((kind == _UNCHANGED) | (kind == _MERGED), 1.0, weight)
    here = target >= 0  # the rest of a source that crosses the region's border lies outside
    target, source, kind, weight = target[here], source[here], kind[here], weight[here]
    order = np.lexsort((source, target))
    target, source, kind, weight = target[order], source[order], kind[order], weight[order]
    change, only = np.full(len(codes), -1), np.zeros(len(codes), int)
    np.maximum.at(change, target, kind)
    only[target] = source
    # An area with several sources of which one is not wholly inside it is an irregular change, whatever it is called.
    several = _sum(target, np.ones(len(target)), len(codes)) > 1
    change[several & (change < _MERGED)] = _COMPLEX
    people = np.full(len(old_codes), np.nan)
    older = region.lookups.get(f"{level}_{vintage}")
    if older is not None and "population" in older.columns:
        found = old_codes.get_indexer(older["code"])
        people[found[found >= 0]] = older["population"].to_numpy(float, na_value=np.nan)[found >= 0]
    lad_of_target = _parent(region, level, "lad")
    lad = np.full(len(old_codes), -1)
    by_weight = np.argsort(weight, kind="stable")  # the last to write is the part with most people
    lad[source[by_weight]] = lad_of_target[target[by_weight]]
    return old_codes, _Crosswalk(vintage, source, target, weight, change, only, people, lad)


def _check_lookup(lookup: pd.DataFrame, name: str, old: str, new: str) -> None:
    where, todo, faults = f"lookups/{name}.parquet", "build the region pack again", []
    missing = [column for column in (old, "change", new, "weight") if column not in lookup.columns]
    if missing:
        fault = Fault(f"columns are missing: {', '.join(missing)}", where, todo)
        raise Refused("The region's lookup cannot be used.", [fault])
    strange = lookup.loc[~lookup["change"].isin(list(_CHANGES)), "change"].unique()
    if len(strange):
        faults.append(Fault(f"unknown kinds of change: {first_few(strange)}", where, "use U, S, M or X"))
    twice = lookup[lookup.duplicated([old, new])]
    if len(twice):
        faults.append(Fault(f"{len(twice)} pairs stand more than once: {first_few(twice[old])}", where, todo))
    weight = lookup["weight"].to_numpy(float, na_value=np.nan)
    wrong = ~((weight >= 0) & (weight <= 1 + 1e-9))
    if wrong.any():
        what = f"{int(wrong.sum())} weights are not shares from 0 to 1: {first_few(lookup.loc[wrong, old])}"
        faults.append(Fault(what, where, todo))
    whole = lookup["weight"].groupby(lookup[old].to_numpy()).sum()
    over = whole[whole > 1 + 1e-6]
    if len(over):
        what = f"weights of {len(over)} areas add up to more than 1: {first_few(over.index)}"
        faults.append(Fault(what, where, todo))
    if faults:
        raise Refused("The region's lookup cannot be used.", faults)


def _convert(old: _Cells, cross: _Crosswalk, descriptor: Descriptor, codes: pd.Index) -> tuple[_Cells, dict[str, str]]:
    """Values of today's areas from those of the older ones, and why some that had sources have none."""
    size, measure = len(codes), descriptor.measure
    new = _empty(size, _MISSING, words=old.value.dtype == object)
    if not len(cross.source):
        return new, {}
    source, target, weight = cross.source, cross.target, cross.weight
    same, split, merged = (cross.change == kind for kind in (_UNCHANGED, _SPLIT, _MERGED))
    alone = same | split
    parts = _sum(target, np.ones(len(target)), size)
    have = _sum(target, old.known[source].astype(float), size)
    complete = (have == parts) & (parts > 0)
    hidden = _sum(target, old.suppressed[source].astype(float), size) > 0

    def shared_out(amounts: np.ndarray) -> np.ndarray:
        return np.where(parts > 0, _sum(target, amounts[source] * weight, size), np.nan)  # NaN in any part stays NaN

    numerator = denominator = np.full(size, np.nan)
    if measure in COPIED:
        value = new.value.copy()
        may = same | (split & (measure is Measure.CATEGORY))
        value[may] = old.value[cross.only[may]]
    elif measure is Measure.COUNT:
        value, numerator, denominator = (shared_out(x) for x in (old.value, old.numerator, old.denominator))
    else:
        mean = _sum(target, (cross.people * old.value)[source], size)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = np.where(merged, mean / _sum(target, cross.people[source], size), np.nan)
        value = np.where(alone, old.value[cross.only], mean)
        if measure in REBUILT:
            numerator, denominator = shared_out(old.numerator), shared_out(old.denominator)
            rebuilt = np.isfinite(numerator) & np.isfinite(denominator)
            value = np.where(rebuilt & ~alone, _ratio(numerator, denominator, descriptor.per), value)
            numerator, denominator = (np.where(rebuilt | alone, x, np.nan) for x in (numerator, denominator))
        else:  # what stands beside a score belongs to its own area only
            numerator, denominator = (np.where(same, x[cross.only], np.nan) for x in (old.numerator, old.denominator))
    known = complete & (~pd.isna(value) | (np.isfinite(numerator) & np.isfinite(denominator) & (measure in REBUILT)))
    status = np.where(same & (measure not in COPIED), old.status[cross.only], _CONVERTED)
    status = np.where(known, status, _MISSING)
    status = np.where(hidden, _SUPPRESSED, status).astype("int8")
    for column in (value, numerator, denominator):
        column[status > _CONVERTED] = np.nan
    keep = same & known & ~hidden
    new = _Cells(
        value=value,
        numerator=numerator,
        denominator=denominator,
        lower=np.where(keep, old.lower[cross.only], np.nan),
        upper=np.where(keep, old.upper[cross.only], np.nan),
        status=status,
        counted=_sum(target, (~old.counted[source]).astype(float), size) == 0,
        modelled=split | (cross.change == _COMPLEX),
    )
    return new, _why_not_converted(cross, descriptor, codes, (have > 0) & ~known & ~hidden, complete)


def _why_not_converted(
    cross: _Crosswalk, descriptor: Descriptor, codes: pd.Index, lost: np.ndarray, complete: np.ndarray
) -> dict[str, str]:
    measure, old, why = descriptor.measure, cross.vintage, {}
    happened = {_SPLIT: "was split from", _MERGED: "was merged from", _COMPLEX: "changed irregularly from"}
    for at in np.flatnonzero(lost):
        change = int(cross.change[at])
        if not complete[at]:
            why[codes[at]] = f"One of the {old} LSOAs that it was made from has no value."
        elif measure in COPIED:
            why[codes[at]] = (
                f"It {happened.get(change, 'changed from')} {old} LSOAs, and a {measure} cannot be converted."
            )
        elif change == _COMPLEX:
            why[codes[at]] = (
                f"It changed irregularly from {old} LSOAs; without numerator and denominator the {measure} cannot be rebuilt."
            )
        else:
            why[codes[at]] = (
                f"It was merged from {old} LSOAs, and the {measure} has no denominator and the region pack no {old} "
                "population to weight it by."
            )
    return why


# Larger levels --------------------------------------------------------------------------------------------------------


class _Levels:
    """The levels of one period while they are being filled. Not shared, not kept."""

    def __init__(self, descriptor: Descriptor, region: Region):
        self.descriptor, self.region = descriptor, region
        self.cells: dict[str, _Cells] = {}
        self.why: dict[str, dict[str, str]] = {level: {} for level in LEVELS}
        self.notes: dict[str, list[str]] = {level: [] for level in LEVELS}
        self.reasons: dict[str, str] = {}
        self.partial = 0

    def put(self, level: str, cells: _Cells, why: dict[str, str]) -> None:
        self.cells[level] = cells
        self.why[level] = why

    def climb(self, trouble: str) -> None:
        native, measure = self.descriptor.level, self.descriptor.measure
        cells = self.cells[native]
        withheld = int(cells.suppressed.sum())
        nothing = not cells.known.any() and not withheld
        if trouble:
            self.reasons[native] = trouble
        elif nothing:
            self.reasons[native] = "The table has no values for areas of this region."
        for level in LEVELS:
            if level == native:
                continue
            size = len(self.region.areas[level])
            status = _MISSING
            if trouble:
                reason = trouble
            elif nothing:
                reason = self.reasons[native]
            elif withheld:
                status = _SUPPRESSED
                reason = (
                    f"{_count(withheld, native)} withheld to protect people. Figures for {_MANY[level]} could give them "
                    f"away, so this layer is shown for {_MANY[native]} only."
                )
            elif LEVELS.index(level) < LEVELS.index(native):
                reason = f"Published for {_MANY[native]} only; a figure cannot be divided among smaller areas."
            elif measure in COPIED:
                reason = f"A {measure} of {_MANY[native]} cannot be added up or averaged, so {_MANY[level]} have none."
            elif why := _not_averaged(self.descriptor, cells, _MANY[native], _MANY[level]):
                reason = why
            else:
                self._sum_to(level, cells)
                continue
            self.cells[level] = _empty(size, status)
            self.reasons[level] = reason

    def _sum_to(self, level: str, cells: _Cells) -> None:
        native, measure = self.descriptor.level, self.descriptor.measure
        areas = self.region.areas[native]
        place = _parent(self.region, native, level)
        people = areas["population"].to_numpy(float)
        rebuild = _rebuilds(cells, place, len(self.region.areas[level]), people, self.descriptor)
        self.cells[level], gaps, partial = _roll_up(
            cells, place, len(self.region.areas[level]), people, self.descriptor, rebuild
        )
        self.partial += partial
        codes = self.region.codes(level)
        for at, (have, parts, share) in gaps.items():
            if measure is Measure.COUNT:
                text = f"{parts - have} of its {parts} {_MANY[native]} have no value, and a sum needs them all."
            else:
                text = f"Its {_MANY[native]} with a value hold {share:.0%} of residents; at least {LEAST_SHARE:.0%} are needed."
            self.why[level][codes[at]] = text
        if not self.cells[level].known.any():
            self.reasons[level] = f"Too few {_MANY[native]} of each {_ONE[level]} have a value."
            return
        if measure is Measure.COUNT:
            note = f"Sum of {_ONE[native]} values."
        elif rebuild:
            note = f"Rebuilt from the summed numerators and denominators of {_MANY[native]}."
            if less := int((cells.known & ~cells.rebuildable).sum()):
                note += f" {_count(less, native, 'left out')}: no counts stand beside {'it' if less == 1 else 'them'}."
        else:
            note = f"Population-weighted mean of {_ONE[native]} values."
            if cells.rebuildable[cells.known].any():
                note += " Too many have no counts beside them for the others to stand for all, so none is rebuilt from counts."
        self.notes[level].append(note)
        if native == "lsoa" and level == "ward":
            self.notes[level].append("Wards are made of whole LSOAs, the best fit to the ward's outline.")


def _not_averaged(descriptor: Descriptor, cells: _Cells, small: str, large: str) -> str:
    """Why no figures of larger areas can be made from these; "" where they can."""
    if descriptor.never_averaged:
        return (
            f"A standardised ratio or a median of {small} cannot be averaged: {large} would need their own figures, which are not "
            "published."
        )
    counts = descriptor.measure in REBUILT and cells.rebuildable[cells.known].any()
    if counts or descriptor.measure in (Measure.COUNT, Measure.SCORE) or descriptor.weighted_by in WEIGHTS:
        return ""
    why = "the layer does not say that it may be averaged by residents"
    if descriptor.weighted_by == "households":
        why = "may be averaged by households only, of which there are no counts by area"
    return f"It is published without the counts behind it, and {why}: {large} have none."


def _shares(mask: np.ndarray, place: np.ndarray, size: int, people: np.ndarray) -> np.ndarray:
    """Share of the residents of each larger area who live in the parts of the mask; of the parts, where nobody lives."""
    residents, parts = _sum(place, people, size), _sum(place, np.ones(len(place)), size)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = _sum(place, people * mask, size) / residents
        return np.where(residents > 0, share, _sum(place, mask.astype(float), size) / parts)


def _rebuilds(cells: _Cells, place: np.ndarray, size: int, people: np.ndarray, descriptor: Descriptor) -> bool:
    """Whether the larger areas are rebuilt from counts: one estimator for all of them, or the map compares unlike things.

    They are where the parts with counts can stand for every area that gets a value, and wherever averaging is not allowed.
    """
    counted = cells.known & cells.rebuildable
    if descriptor.measure not in REBUILT or not counted.any():
        return False
    inside = place >= 0
    place, people, known, counted = place[inside], people[inside], cells.known[inside], counted[inside]
    valued, able = (_shares(each, place, size, people) >= LEAST_SHARE - 1e-12 for each in (known, counted))
    return bool((able | ~valued).all()) or descriptor.weighted_by not in WEIGHTS


def _roll_up(
    cells: _Cells, place: np.ndarray, size: int, people: np.ndarray, descriptor: Descriptor, rebuild: bool
) -> tuple[_Cells, dict[int, tuple[int, int, float]], int]:
    """Values of larger areas; which of them have too few parts (parts with a value, parts, share of residents); how many
    of those with a value leave out a part. ``rebuild``: from the parts with counts alone, else as a mean over residents."""
    measure = descriptor.measure
    inside = place >= 0
    if not inside.all():
        cells = _Cells(**{name: getattr(cells, name)[inside] for name in cells.__dataclass_fields__})
        place, people = place[inside], people[inside]
    known = cells.known & (cells.rebuildable if rebuild else np.isfinite(cells.value) | (measure is Measure.COUNT))
    parts = _sum(place, np.ones(len(place)), size)
    have = _sum(place, known.astype(float), size)
    share = _shares(known, place, size, people)
    enough = (have > 0) & ((have == parts) | ((share >= LEAST_SHARE - 1e-12) & (measure is not Measure.COUNT)))

    def total(amounts: np.ndarray) -> np.ndarray:
        return _sum(place, np.where(known, amounts, 0.0), size)  # NaN of a known part makes the sum NaN

    numerator = denominator = np.full(size, np.nan)
    if measure is Measure.COUNT:
        value, numerator, denominator = (total(x) for x in (cells.value, cells.numerator, cells.denominator))
    elif rebuild:
        numerator, denominator = total(cells.numerator), total(cells.denominator)
        value = _ratio(numerator, denominator, descriptor.per)
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            value = total(cells.value * people) / total(people)
    blank = ~enough
    for column in (value, numerator, denominator):
        column[blank] = np.nan
    nothing = np.full(size, np.nan)
    out = _Cells(
        value=value,
        numerator=numerator,
        denominator=denominator,
        lower=nothing,
        upper=nothing,
        status=np.where(enough, _CONVERTED, _MISSING).astype("int8"),
        counted=_sum(place, (known & ~cells.counted).astype(float), size) == 0,
        modelled=np.zeros(size, bool),
    )
    gaps = {int(at): (int(have[at]), int(parts[at]), float(share[at])) for at in np.flatnonzero(blank & (have > 0))}
    return out, gaps, int((enough & (have < parts)).sum())


# Words and sums -------------------------------------------------------------------------------------------------------


class _Sentences:
    """Sentences by level, each once; with the periods named when it does not hold for all of them."""

    def __init__(self, periods: tuple[str, ...] = ()):
        self.periods = periods
        self.said: dict[str, dict[str, list[str]]] = {}

    def add(self, level: str, sentence: str, period: str = "") -> None:
        self.said.setdefault(level, {}).setdefault(sentence, []).append(period)

    def joined(self) -> dict[str, str]:
        out = {}
        for level, sentences in self.said.items():
            out[level] = " ".join(
                sentence if len(periods) == len(self.periods) else f"{', '.join(periods)}: {sentence}"
                for sentence, periods in sentences.items()
            )
        return out

    def lists(self) -> dict[str, tuple[str, ...]]:
        return {level: tuple(sentences) for level, sentences in self.said.items()}


def _totals(
    period: str, published: _Cells, native: _Cells, source: _Source, region: Region, descriptor: Descriptor
) -> pd.DataFrame:
    """Sums by authority before and after, so that conservation can be read off and not only believed."""
    if descriptor.measure is Measure.COUNT:
        quantities = ("value",)
    elif descriptor.measure in REBUILT and (published.known & published.rebuildable & published.counted).any():
        quantities = ("numerator", "denominator")
    else:
        return HarmoniseReport("", 0).totals
    lads = region.areas["lad"]["code"]
    after_place = _parent(region, descriptor.level, "lad")
    before_place = after_place if source.crosswalk is None else source.crosswalk.lad

    def by_lad(cells: _Cells, quantity: str, place: np.ndarray) -> np.ndarray:
        amounts = getattr(cells, quantity)
        use = np.isfinite(amounts) & (place >= 0)
        return _sum(place[use], amounts[use], len(lads))

    frames = [
        pd.DataFrame(
            {
                "period": period,
                "lad_code": lads,
                "quantity": quantity,
                "before": by_lad(published, quantity, before_place),
                "after": by_lad(native, quantity, after_place),
            }
        )
        for quantity in quantities
    ]
    return pd.concat(frames, ignore_index=True)


def _once(region: Region, key, make: Callable):
    """What follows from the region alone, worked out once. A region never changes, so it is kept on it, as the
    region's own cached properties are."""
    kept = region.__dict__.setdefault("_harmonise", {})
    if key not in kept:
        kept[key] = make()
    return kept[key]


def _parent(region: Region, level: str, larger: str) -> np.ndarray:
    """Position of the larger area that each area lies in; -1 for none."""
    column = "code" if level == larger else f"{larger}_code"
    return _once(region, (level, larger), lambda: region.codes(larger).get_indexer(region.areas[level][column]))


def _count(number: int, level: str, done: str = "") -> str:
    said = f"The figure of 1 {_ONE[level]} is" if number == 1 else f"The figures of {number:,} {_MANY[level]} are"
    return f"{said} {done}" if done else said
