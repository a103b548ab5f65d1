"""Need: how badly an area is off, 0 to 100, from one indicator or a weighted set of them.

The definition is docs/methods/gaps.md. In one line: every indicator becomes a percentile among the region's areas, the
percentiles are averaged with the weights that the reader chose, and need is the percentile of that average.

Pure functions: Series and frames in, Series on the caller's index out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from layers.methods.access_means import Members
from layers.methods.json_values import number_or_null
from layers.model import Descriptor, Direction, Fault, Measure, Refused, Status

NOT_NEED = {
    Measure.RANK: "a rank says who comes before whom in somebody else's list, and cannot be rebuilt for other areas",
    Measure.DECILE: "a decile is a rank with most of its detail removed",
    Measure.CATEGORY: "a category has no order from better to worse",
}
"""Measures that cannot be need, with the reason. The score that a rank or decile was made from can be."""

DECIMALS = 9
"""Weighted averages that agree to this many decimals are ties, whatever order they were added up in."""


@dataclass(frozen=True)
class Indicator:
    """One indicator of need with its values: a Series, or a frame with the columns ``layers.fields.VALUES``.

    ``direction`` says which end is worse; ``measure`` decides which sampling error the stability draws use.
    """

    id: str
    values: pd.Series | pd.DataFrame = field(repr=False)
    title: str = ""
    direction: Direction = Direction.HIGH_IS_WORSE
    measure: Measure | None = None
    unit: str = ""
    per: float = 1.0
    error_sd: float | None = None  # standard deviation of a figure's stated error, in its own unit
    dispersion: float | None = None  # variance over mean of its counts, where events come in clusters
    parts: tuple[pd.DataFrame, Members] | None = field(default=None, repr=False)  # of the areas that make up these

    @classmethod
    def of(
        cls,
        descriptor: Descriptor,
        values: pd.Series | pd.DataFrame,
        parts: tuple[pd.DataFrame, Members] | None = None,
    ) -> Indicator:
        """From a layer's descriptor and its values at the level in question.

        ``parts``, for the stability draws, are the values at the level for which the layer was published and which of its
        areas each area is made of, where the values follow from those.
        """
        return cls(
            descriptor.id,
            values,
            descriptor.title,
            descriptor.direction,
            descriptor.measure,
            descriptor.unit,
            descriptor.per,
            descriptor.error_sd,
            descriptor.dispersion,
            parts,
        )

    @cached_property
    def value(self) -> pd.Series:
        """The values as floats; suppressed, missing and infinite ones are NaN."""
        if isinstance(self.values, pd.Series):
            series = pd.to_numeric(self.values, errors="coerce").astype("float64")
        else:
            series = pd.to_numeric(self.values["value"], errors="coerce").astype("float64")
            if "status" in self.values.columns:
                known = self.values["status"].astype(object).isin([Status.OK, Status.CONVERTED])
                series = series.where(known)
        return series.where(np.isfinite(series))

    @property
    def sign(self) -> int:
        """1 when larger is worse, -1 when smaller is."""
        return -1 if self.direction == Direction.LOW_IS_WORSE else 1

    @property
    def name(self) -> str:
        return self.title or self.id


@dataclass(frozen=True)
class Preset:
    """A ready-made need set of a theme. It is data: ``reasons`` says for every indicator why it belongs."""

    id: str
    name: str
    theme: str
    weights: dict[str, float]
    reasons: dict[str, str]
    note: str = ""


def read_presets(definition: Mapping[str, Any], where: str = "presets") -> tuple[Preset, ...]:
    """Presets from a parsed TOML or JSON document ``{"preset": [{id, name, theme, indicator: [{id, weight, why}]}]}``.

    Raises :class:`Refused` with every preset that lacks a name, an indicator or the reason for one.
    """
    faults: list[Fault] = []
    presets = []
    for number, entry in enumerate(definition.get("preset", []), 1):
        place = f"{where}, preset {entry.get('id', number)}"
        parts = entry.get("indicator", [])
        for key in ("id", "name", "theme"):
            if not entry.get(key):
                faults.append(Fault(f"'{key}' is missing", place, "fill it in", rule="preset-key"))
        if not parts:
            what = "names no indicator"
            faults.append(Fault(what, place, "add at least one [[preset.indicator]]", rule="preset-empty"))
        for part in parts:
            if not part.get("id") or not part.get("why"):
                what = f"indicator '{part.get('id', '?')}' needs an id and a reason ('why')"
                faults.append(Fault(what, place, "say why it belongs", rule="preset-reason"))
        weights = {str(part.get("id")): part.get("weight", 1.0) for part in parts}
        faults += _weight_faults(weights, place) if parts else []
        presets.append(
            Preset(
                str(entry.get("id", "")),
                str(entry.get("name", "")),
                str(entry.get("theme", "")),
                weights,
                {str(part.get("id")): str(part.get("why", "")) for part in parts},
                str(entry.get("note", "")),
            )
        )
    if faults:
        raise Refused(f"The need presets of {where} cannot be used.", faults)
    return tuple(presets)


@dataclass(frozen=True)
class Need:
    """Need of every area, and what it is made of. Frames have one column per indicator id, rows on the caller's index."""

    score: pd.Series  # 0-100, NaN where less than half of the weight is known
    composite: pd.Series  # the weighted average percentile before it is ranked
    percentiles: pd.DataFrame
    contributions: pd.DataFrame  # points of the composite; they add up to it
    indicators: tuple[Indicator, ...]
    weights: dict[str, float]  # as given

    def explain(self, label) -> dict[str, Any]:
        """Why one area scores what it scores: drivers, largest first. ``label`` is an index label."""
        score = self.score.loc[label]
        drivers = []
        for indicator in self.indicators:
            percentile = self.percentiles.at[label, indicator.id]
            points = self.contributions.at[label, indicator.id]
            drivers.append(
                {
                    "id": indicator.id,
                    "title": indicator.name,
                    "value": number_or_null(indicator.value.loc[label]),
                    "unit": indicator.unit,
                    "percentile": number_or_null(percentile),
                    "weight": self.weights[indicator.id],
                    "points": number_or_null(points),
                }
            )
        drivers.sort(key=lambda d: (d["points"] is None, -(d["points"] or 0.0), d["id"]))
        return {
            "need": number_or_null(score),
            "composite": number_or_null(self.composite.loc[label]),
            "drivers": drivers,
        }


def percentile(values: pd.Series) -> pd.Series:
    """``100 * (average rank - 0.5) / n`` over the valid values; NaN stays NaN. Equal values share a percentile.

    Half a rank is taken off so that no area is at 0 or 100, and one area alone stands at 50.
    """
    values = values.astype("float64")
    return 100.0 * (values.rank(method="average") - 0.5) / max(int(values.notna().sum()), 1)


def need_percentiles(indicators: Sequence[Indicator]) -> pd.DataFrame:
    """Percentile of every indicator, turned so that larger is worse. One column per indicator.

    Keep this frame while a reader moves weight sliders: only :func:`compose` depends on the weights.
    """
    _check_indicators(indicators)
    return pd.DataFrame({i.id: percentile(i.value * i.sign) for i in indicators}, index=indicators[0].value.index)


def compose(percentiles: pd.DataFrame, weights: Mapping[str, float]) -> tuple[pd.Series, pd.DataFrame]:
    """Composite and contributions from percentiles: ``sum(w p) / sum(w)`` over the indicators valid for the area.

    An area with less than half of the total weight valid has neither. Multiplying all weights by one number changes
    nothing.
    """
    ids = list(percentiles.columns)
    _check_weights({name: weights.get(name, 1.0) for name in ids})
    w = np.array([float(weights.get(name, 1.0)) for name in ids])
    w = w / w.sum()
    p = percentiles.to_numpy("float64")
    valid = ~np.isnan(p)
    known = valid @ w
    enough = known >= 0.5 - 1e-12
    with np.errstate(invalid="ignore", divide="ignore"):
        points = np.where(valid & enough[:, None], p * w / known[:, None], np.nan)
        total = np.where(enough, np.nansum(points, axis=1), np.nan)
    composite = pd.Series(np.round(total, DECIMALS), index=percentiles.index, name="composite")
    return composite, pd.DataFrame(points, index=percentiles.index, columns=ids)


def need(
    indicators: Sequence[Indicator],
    weights: Mapping[str, float] | None = None,
    percentiles: pd.DataFrame | None = None,
) -> Need:
    """Need (0-100) of every area from one or more indicators; weights default to 1 each.

    ``percentiles`` may be handed in when it is known from an earlier call. Raises :class:`Refused` for an indicator
    without a worse end, a rank, decile or category, and for weights that are negative, not numbers or all zero.
    """
    indicators = tuple(indicators)
    weights = {i.id: 1.0 for i in indicators} if weights is None else dict(weights)
    faults = _indicator_faults(indicators)
    if strange := sorted(set(weights) - {i.id for i in indicators}):
        what = f"weights name indicators that are not there: {_list(strange)}"
        faults.append(Fault(what, "need", "check the names", rule="unknown"))
    weights = {i.id: weights.get(i.id, 1.0) for i in indicators}
    if faults := faults + _weight_faults(weights):
        raise Refused("Need cannot be worked out from this.", faults)
    if percentiles is None:
        percentiles = need_percentiles(indicators)
    composite, points = compose(percentiles, weights)
    return Need(percentile(composite).rename("need"), composite, percentiles, points, indicators, weights)


def fifth(score: pd.Series) -> pd.Series:
    """Fifth of need, 1 (least) to 5 (most); 0 where need is not known."""
    return np.ceil(score / 20.0).clip(1, 5).fillna(0).astype("int8")


def _check_indicators(indicators: Sequence[Indicator]) -> None:
    if faults := _indicator_faults(indicators):
        raise Refused("Need cannot be worked out from this.", faults)


def _check_weights(weights: Mapping[str, float]) -> None:
    if faults := _weight_faults(weights):
        raise Refused("Need cannot be worked out from these weights.", faults)


def _indicator_faults(indicators: Sequence[Indicator]) -> list[Fault]:
    faults = []
    if not indicators:
        faults.append(Fault("no indicator was chosen", "need", "choose at least one", rule="need-empty"))
    seen: set[str] = set()
    for indicator in indicators:
        where = f"need, {indicator.id}"
        if indicator.id in seen:
            what = "the indicator stands twice"
            faults.append(Fault(what, where, "name it once and give it more weight", rule="twice"))
        seen.add(indicator.id)
        if indicator.direction == Direction.NEUTRAL:
            what = f"'{indicator.name}' has no worse end (its direction is neutral)"
            faults.append(Fault(what, where, "choose an indicator where high or low is worse", rule="need-neutral"))
        if indicator.measure in NOT_NEED:
            what = f"'{indicator.name}' is a {indicator.measure}: {NOT_NEED[indicator.measure]}"
            faults.append(Fault(what, where, "use the score or rate behind it", rule="need-measure"))
        if len(indicators[0].value) != len(indicator.value) or not indicators[0].value.index.equals(
            indicator.value.index
        ):
            what = (
                f"has {len(indicator.value)} areas where '{indicators[0].id}' has {len(indicators[0].value)}, or others"
            )
            faults.append(Fault(what, where, "read every indicator at the same level", rule="need-areas"))
    return faults


def _weight_faults(weights: Mapping[str, Any], where: str = "need") -> list[Fault]:
    faults, good = [], []
    for name, weight in weights.items():
        try:
            number = float(weight)
        except (TypeError, ValueError):
            number = float("nan")
        if not np.isfinite(number):
            what = f"the weight of '{name}' is not a number: {weight}"
            faults.append(Fault(what, where, "use 0 or a positive number", rule="weight"))
        elif number < 0:
            what = f"the weight of '{name}' is negative: {number:g}"
            faults.append(Fault(what, where, "use 0 or a positive number", rule="weight"))
        else:
            good.append(number)
    if weights and not faults and not sum(good) > 0:
        faults.append(Fault("all weights are 0", where, "give at least one indicator some weight", rule="weight-zero"))
    return faults


def _list(parts: Sequence[str]) -> str:
    parts = [str(part) for part in parts]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else "none"
