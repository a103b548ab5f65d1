"""Need from a weighted set of indicators, without any service: the score of every area and the map's classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views.banding import MISSING, OUTSIDE, make_bands
from dashboard.views.choropleth import BandRow, band_labels
from dashboard.views.claims import claims_of
from dashboard.views.gaps import NoAnswer, answer_or_reasons, kept, percentiles_of, period_for, read_indicator
from dashboard.views.wording import count_of, listing, number
from layers import Fault, Indicator, Layer, Need, Refused, Viewer, find_need


@dataclass(frozen=True, eq=False)
class WeightedNeed:
    """Need, 0 to 100, of every area of a level in area order, and how it is painted."""

    published: Published
    need: Need
    layers: tuple[Layer, ...]
    level: str
    in_view: np.ndarray
    periods: dict[str, str]  # of each indicator
    classes: np.ndarray
    rows: tuple[BandRow, ...]
    colours: int

    @property
    def score(self) -> np.ndarray:
        return self.need.score.to_numpy("float64")

    @property
    def public(self) -> bool:
        return all(layer.descriptor.audience == "public" for layer in self.layers)

    @property
    def basis(self) -> str:
        return f"bands within {self.published.region.name}"


def weighted_need(published: Published, selection: Selection, viewer: Viewer) -> WeightedNeed | NoAnswer:
    """The chosen set as one score, or the reasons why that cannot be."""
    return answer_or_reasons(lambda: _weighted_need(published, selection, viewer))


def _weighted_need(published: Published, selection: Selection, viewer: Viewer) -> WeightedNeed:
    store, level = published.store, selection.level
    layers = tuple(store.layer(name, viewer) for name, _ in selection.needs)
    periods = {layer.id: period_for(layer, selection.period) for layer in layers}
    data = tuple((layer.id, layer.version, periods[layer.id]) for layer in layers)

    def make() -> Need:
        read = {layer.id: read_indicator(published, viewer, layer, periods[layer.id], (level,)) for layer in layers}
        lacking = [layer for layer in layers if level not in read[layer.id].values]
        if lacking:
            raise Refused("Need cannot be worked out from this.", [_no_values(layer, level) for layer in lacking])
        indicators = [Indicator.of(each.descriptor, each.values[level]) for each in read.values()]
        return find_need(indicators, dict(selection.needs), percentiles_of(published, data, level, indicators))

    made = kept(published).get(("need", data, selection.needs, level), make)
    score = made.score.to_numpy("float64")
    in_view = published.region.in_footprint(level, selection.partner).to_numpy()
    people = published.region.areas[level]["population"].to_numpy("float64")
    cut = make_bands(score, selection.scheme, selection.classes)
    classes = cut.classify(score)
    classes[~in_view] = OUTSIDE

    def row(name: str, label: str, code: int) -> BandRow:
        chosen = classes == code
        return BandRow(name, label, int(chosen.sum()), float(people[chosen].sum()), code)

    rows = [row(f"Band {i + 1} of {len(cut)}", label, i) for i, label in enumerate(band_labels(cut, score, 0))]
    if (classes == MISSING).any():
        rows.append(row("No figure", "less than half of the weight is known", MISSING))
    return WeightedNeed(published, made, layers, level, in_view, periods, classes, tuple(rows), len(cut))


def _no_values(layer: Layer, level: str) -> Fault:
    return Fault(f"'{layer.title}' has no values by {level}", "need", layer.reasons.get(level, ""), rule="need-level")


def weights_sentence(made: WeightedNeed) -> str:
    """What the score is made of, with the share of each indicator."""
    total = sum(made.need.weights.values())
    parts = [
        f"{layer.title}{', ' + made.periods[layer.id] if len(layer.periods) > 1 else ''} "
        f"({100 * made.need.weights[layer.id] / total:.0f}%)"
        for layer in made.layers
    ]
    return f"Need is the place of each area, from 0 (least) to 100 (most), by the weighted average of {listing(parts, 20)}."


def need_sentence(made: WeightedNeed) -> str:
    """Highest, lowest and what is not shown, for those who cannot see the map."""
    score = np.where(made.in_view, made.score, np.nan)
    known = np.isfinite(score)
    if not known.any():
        return "No area has enough figures for a need score."
    names = made.published.region.areas[made.level]["name"]
    high, low = int(np.nanargmax(score)), int(np.nanargmin(score))
    hidden = int((~known & made.in_view).sum())
    tail = f" Not shown: {count_of(hidden, made.level)} with less than half of the weight known." if hidden else ""
    return claims_of(made.layers).gate(
        f"{count_of(int(known.sum()), made.level)}. Highest need: {names.iat[high]} at {number(score[high])} of 100. "
        f"Lowest: {names.iat[low]} at {number(score[low])}.{tail}"
    )
