"""Small numbers withheld at the door, before a layer is stored, so that no screen, export or API ever holds them.

:func:`tightened` gives the rule that holds for a layer: its own where that is stricter than the one for all counts of people.
:func:`protect` applies the rule to one table by itself: what is small is hidden, the rest is rounded. What could be worked out
from several figures together is :mod:`layers.methods.disclosure_guard`'s.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd

from layers.model import LEAST_DISCLOSURE, Descriptor, Disclosure, Kind, Measure, Status

_NUMBERS = ("value", "numerator", "denominator", "lower", "upper")
_KEPT = ("area_code", "period", "status")
"""All that is left of a suppressed row. A rate with its denominator gives the count back; limits and marks may too."""

RATIOS = (Measure.RATE, Measure.PERCENTAGE)


def guarded(descriptor: Descriptor) -> bool:
    """Whether a layer's small numbers have to be protected here: it counts people, and nobody has protected it before."""
    return descriptor.kind == Kind.INDICATOR and descriptor.counts_people and not descriptor.disclosure.source_protected


def tightened(descriptor: Descriptor) -> Descriptor:
    """The layer with the rule that holds for it. A layer of people may tighten the common rule and never loosen it."""
    if not guarded(descriptor):
        return descriptor
    rule, least = descriptor.disclosure, LEAST_DISCLOSURE
    rule = dataclasses.replace(
        rule,
        threshold=max(rule.threshold, least.threshold),
        rounding_base=max(rule.rounding_base, least.rounding_base),
    )
    return dataclasses.replace(descriptor, disclosure=rule)


def looser(descriptor: Descriptor) -> bool:
    """Whether a layer of people is stored under a rule that would not do today: it was published before there was a guard."""
    return tightened(descriptor) != descriptor


def rule_in_words(rule: Disclosure) -> str:
    """What a rule does, in one sentence."""
    first = 0 if rule.zero_is_sensitive else 1
    return (
        f"Counts of people from {first} to {rule.threshold - 1} are withheld and the others rounded to the nearest "
        f"{rule.rounding_base}."
    )


def protect(
    table: pd.DataFrame, descriptor: Descriptor, *, residents: np.ndarray | None = None, also: np.ndarray | None = None
) -> pd.DataFrame:
    """The table as it may be stored. Same rows and columns; the table given is left as it is; doing it twice changes nothing.

    * A row whose status is ``suppressed`` loses every number, in any layer: a mark beside a visible figure hides nothing.
    * In a layer that counts people and has a threshold, a row with a count from 1 to ``threshold - 1`` is suppressed: as
      numerator, as denominator, as denominator less numerator, as the value of a count, or as value times denominator of a
      rate (243.1 per 100,000 of 1,234 people is 3 people). Zeros stay, unless the layer says that they are sensitive too.
    * With a rounding base the counts that remain are rounded to it, halves up, and rates are made anew from the rounded
      counts; published limits go, since they give the unrounded count back. Rounding makes no zero and no number below
      the threshold: such a count becomes the smallest multiple of the base that is neither.

    ``residents`` of each row stand in where a rate has no denominator: everybody can look them up. ``also`` marks further
    rows to be hidden. Layers that do not count people (places, distances, scores of areas), and those that their publisher
    has protected, are otherwise returned as they are.
    """
    table = table.copy()
    hide = hidden_rows(table, descriptor, residents=residents)
    if also is not None:
        hide |= also
    rule = descriptor.disclosure
    if guarded(descriptor) and rule.rounding_base > 1:
        _round(table, _numbers_of(table), descriptor, residents)
    table["status"] = table["status"].mask(hide, str(Status.SUPPRESSED))
    for name in table.columns.difference(_KEPT):
        table[name] = _without(table[name], hide)
    return table


def hidden_rows(table: pd.DataFrame, descriptor: Descriptor, *, residents: np.ndarray | None = None) -> np.ndarray:
    """The rows that :func:`protect` hides by themselves: those marked so, and those that hold or give away a small number."""
    hide = (table["status"] == Status.SUPPRESSED).to_numpy(bool, na_value=False)
    rule = descriptor.disclosure
    if guarded(descriptor) and (rule.threshold > 1 or rule.zero_is_sensitive):
        hide = hide | _too_small(_numbers_of(table), descriptor, residents)
    return hide


def _numbers_of(table: pd.DataFrame) -> dict[str, np.ndarray]:
    return {name: _column(table, name) for name in _NUMBERS}


def _column(table: pd.DataFrame, name: str) -> np.ndarray:
    """A column as floats; all missing where there is none, or where it holds words (categories)."""
    if name in table.columns:
        try:
            return table[name].to_numpy(dtype="float64", na_value=np.nan)
        except (TypeError, ValueError):
            pass
    return np.full(len(table), np.nan)


def _without(column: pd.Series, hide: np.ndarray) -> pd.Series:
    if not hide.any():
        return column
    return (column.astype("float64") if pd.api.types.is_numeric_dtype(column) else column).mask(hide)


def implied_count(
    numbers: dict[str, np.ndarray], descriptor: Descriptor, residents: np.ndarray | None = None
) -> np.ndarray:
    """The people that a rate or percentage stands for: value times its denominator, else times the residents."""
    base = numbers["denominator"]
    if residents is not None:
        base = np.where(np.isfinite(base) | np.isfinite(numbers["numerator"]), base, residents)
    return numbers["value"] * base / descriptor.per


def _too_small(numbers: dict[str, np.ndarray], descriptor: Descriptor, residents: np.ndarray | None) -> np.ndarray:
    """Rows that hold, or give away, a count of people from 1 to below the threshold."""
    rule, measure = descriptor.disclosure, descriptor.measure
    counts = [numbers["denominator"]]
    if measure is not Measure.MEAN:  # a mean's numerator is a total of something else
        counts.append(numbers["numerator"])
    if measure is Measure.COUNT:
        counts.append(numbers["value"])
    small = np.zeros(len(counts[0]), bool)
    for count in counts:
        small |= (count > 0) & (count < rule.threshold)
    zero = np.zeros(len(small), bool)
    for count in counts[1:]:
        zero |= count == 0
    if measure in RATIOS:
        # The published rate is rounded, so the count it implies is too: 2.9998 of a threshold of 3 is 3.
        implied = implied_count(numbers, descriptor, residents)
        small |= (implied > 0) & (implied < rule.threshold - 0.5)
        small |= _few_others(numbers, descriptor, implied, residents)
        zero |= numbers["value"] == 0
    return small | zero if rule.zero_is_sensitive else small


def _few_others(
    numbers: dict[str, np.ndarray], descriptor: Descriptor, implied: np.ndarray, residents: np.ndarray | None
) -> np.ndarray:
    """Rows in which all but a few are counted: 497 of 500 tells of three. Counts that are multiples of the rounding base
    are taken for rounded ones, whose difference says nothing that exact."""
    rule, whole, given = descriptor.disclosure, numbers["denominator"], numbers["numerator"]
    with np.errstate(invalid="ignore"):
        others = whole - given
        few = (others > 0) & (others < rule.threshold)
        if descriptor.measure is Measure.PERCENTAGE and residents is not None:
            bare = np.isnan(given) & np.isnan(whole)
            rest = residents - implied
            few |= bare & (rest > 0) & (rest < rule.threshold - 0.5)
        if rule.rounding_base > 1:
            few &= ~((whole % rule.rounding_base == 0) & (given % rule.rounding_base == 0))
    return few


def _round(
    table: pd.DataFrame, numbers: dict[str, np.ndarray], descriptor: Descriptor, residents: np.ndarray | None
) -> None:
    """Round the counts of the table in place (it is this module's own copy), and bring the rest into line with them."""
    measure, value = descriptor.measure, numbers["value"]
    numerator, denominator = numbers["numerator"], numbers["denominator"]
    new_denominator = rounded_count(denominator, descriptor)
    if measure is Measure.MEAN:  # of the total a mean is made from, only the number of people is a count
        new_numerator, new_value = numerator * _scale(denominator, new_denominator), value
    else:
        new_numerator, new_value = rounded_count(numerator, descriptor), value
        if measure is Measure.COUNT:
            new_value = rounded_count(value, descriptor)
        elif measure in RATIOS:
            implied = implied_count(numbers, descriptor, residents)
            rounded = rounded_count(implied, descriptor)
            count = np.where(np.isfinite(numerator), new_numerator, rounded)
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio = count / new_denominator * descriptor.per
            # Without a denominator the rate moves with its count: the population may be known from elsewhere.
            own = np.where(np.isfinite(numerator), _scale(numerator, new_numerator), _scale(implied, rounded))
            new_value = np.where(np.isfinite(ratio), ratio, value * np.where(np.isfinite(own), own, 1.0))
        for name in ("lower", "upper"):
            if name in table.columns:
                table[name] = np.nan
    for name, column, old in (
        ("value", new_value, value),
        ("numerator", new_numerator, numerator),
        ("denominator", new_denominator, denominator),
    ):
        if name in table.columns and np.isfinite(old).any():
            table[name] = np.where(np.isfinite(old), column, np.nan)


def _scale(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    return np.divide(new, old, out=np.ones(len(old)), where=old > 0)


def rounded_count(count: np.ndarray, descriptor: Descriptor) -> np.ndarray:
    """Counts to the nearest multiple of the layer's base, halves up; never to 0 or to below its threshold from above it.

    With threshold 8 and base 5: 0 is 0, 8 to 12 are 10, 13 to 17 are 15, 18 is 20.
    """
    rule = descriptor.disclosure
    base = rule.rounding_base
    least = math.ceil(max(rule.threshold, 1) / base) * base
    nearest = np.floor(np.asarray(count, float) / base + 0.5) * base
    return np.where(np.asarray(count, float) > 0, np.maximum(nearest, least), nearest)
