"""Small numbers withheld at the door, before a layer is stored, so that no screen, export or API ever holds them.

:func:`protect` applies a layer's own rule (:class:`layers.model.Disclosure`) to its table. What it hides stays hidden at
every level, because :mod:`layers.methods.harmonise` sums a layer with suppressed areas to no other level. It works on one table:
it cannot know what the publisher, or another layer, shows elsewhere.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from layers.model import Descriptor, Measure, Status

_NUMBERS = ("value", "numerator", "denominator", "lower", "upper")
_KEPT = ("area_code", "period", "status")
"""All that is left of a suppressed row. A rate with its denominator gives the count back; limits and marks may too."""


def protect(table: pd.DataFrame, descriptor: Descriptor) -> pd.DataFrame:
    """The table as it may be stored. Same rows and columns; the table given is left as it is; doing it twice changes nothing.

    * A row whose status is ``suppressed`` loses every number, in any layer: a mark beside a visible figure hides nothing.
    * In a layer that counts people and has a threshold, a row with a count from 1 to ``threshold - 1`` is suppressed: as
      numerator, as denominator, as the value of a count, or as value times denominator of a rate (243.1 per 100,000 of
      1,234 people is 3 people). Zeros stay, unless the layer says that they are sensitive too.
    * With a rounding base the counts that remain are rounded to it, halves up, and rates are made anew from the rounded
      counts; published limits go, since they give the unrounded count back. Rounding makes no zero and no number below
      the threshold: such a count becomes the smallest multiple of the base that is neither.

    Layers that do not count people (places, distances, scores of areas) are otherwise returned as they are.
    """
    table = table.copy()
    hide = (table["status"] == Status.SUPPRESSED).to_numpy(bool, na_value=False)
    rule = descriptor.disclosure
    if descriptor.counts_people and (rule.threshold > 1 or rule.rounding_base > 1 or rule.zero_is_sensitive):
        numbers = {name: _column(table, name) for name in _NUMBERS}
        hide = hide | _too_small(numbers, descriptor)
        if rule.rounding_base > 1:
            _round(table, numbers, descriptor)
    table["status"] = table["status"].mask(hide, str(Status.SUPPRESSED))
    for name in table.columns.difference(_KEPT):
        table[name] = _without(table[name], hide)
    return table


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


def _too_small(numbers: dict[str, np.ndarray], descriptor: Descriptor) -> np.ndarray:
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
    if measure in (Measure.RATE, Measure.PERCENTAGE):
        # The published rate is rounded, so the count it implies is too: 2.9998 of a threshold of 3 is 3.
        implied = numbers["value"] * numbers["denominator"] / descriptor.per
        small |= (implied > 0) & (implied < rule.threshold - 0.5)
        zero |= numbers["value"] == 0
    return small | zero if rule.zero_is_sensitive else small


def _round(table: pd.DataFrame, numbers: dict[str, np.ndarray], descriptor: Descriptor) -> None:
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
        elif measure in (Measure.RATE, Measure.PERCENTAGE):
            implied = rounded_count(value * denominator / descriptor.per, descriptor)
            count = np.where(np.isfinite(numerator), new_numerator, implied)
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio = count / new_denominator * descriptor.per
            # Without a denominator the rate moves with its numerator: the population may be known from elsewhere.
            new_value = np.where(np.isfinite(ratio), ratio, value * _scale(numerator, new_numerator))
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
