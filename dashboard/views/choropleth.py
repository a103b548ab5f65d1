"""The map of one indicator: the class of every area, the bands in words, and the sentence above the table.

Map, legend, table, sentence and export all come from :func:`choropleth`, so they cannot say different things.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pandas as pd

from dashboard.published import Published
from dashboard.selection import NONE, Selection
from dashboard.views import wording
from dashboard.views.banding import MISSING, OUTSIDE, SUPPRESSED, Bands, histogram, make_bands, national_bands
from dashboard.views.claims import claims_of
from dashboard.views.offer import find
from layers import Direction, Layer, Values, Viewer, stated


@dataclass(frozen=True)
class BandRow:
    """One row of the legend."""

    name: str  # "Band 4 of 5"
    label: str  # "9.8 to 12.1"
    count: int
    residents: float
    code: int  # class index, or one of the special codes of banding


@dataclass(frozen=True, eq=False)  # compared and hashed by identity: one answer, one table made from it
class Choropleth:
    """What the map shows. Arrays are in area order of ``level``."""

    layer: Layer
    level: str
    period: str
    frame: pd.DataFrame  # layers.fields.VALUES
    classes: np.ndarray  # uint8
    rank: (
        np.ndarray
    )  # float: 1 is the worst (or the highest where neither is worse) among the areas in view; null without a value
    in_view: np.ndarray  # bool: inside the chosen partner's footprint
    bands: Bands
    rows: tuple[BandRow, ...]
    decimals: int
    basis: str  # what the bands are cut over, in words
    histogram: tuple[tuple[int, ...], tuple[float, ...]]
    reason: str  # why there is nothing to show; "" when there is

    @property
    def unit(self) -> str:
        return self.layer.descriptor.unit

    @property
    def worst_first(self) -> bool:
        return self.layer.descriptor.direction != Direction.LOW_IS_WORSE

    def band_name(self, code: int) -> str:
        return f"Band {code + 1} of {len(self.bands)}" if code < len(self.bands) else ""

    def value_text(self, value: float | None) -> str:
        return wording.with_unit(value, self.unit, self.decimals)


def choropleth(published: Published, selection: Selection, viewer: Viewer) -> Choropleth | None:
    """The chosen indicator at the chosen level, banded; None when no indicator is chosen or the viewer may not see it."""
    if selection.need in ("", NONE):
        return None
    layer = find(published, selection.one_need, viewer)
    if layer is None or layer.kind != "indicator":
        return None
    # what a link asks for need not exist: an unknown period is the newest that the level has, an unknown partner is nobody
    period = selection.period if selection.period in layer.periods else ""
    partner = selection.partner if published.region.partner(selection.partner) else ""
    # the permission was checked above; what follows depends on nothing but its arguments, so it is kept
    return _choropleth(
        published,
        LayerForViewer.by(viewer, layer),
        selection.level,
        period,
        selection.bands if selection.bands != "partner" or partner else "region",
        partner,
        selection.scheme,
        selection.classes,
    )


@dataclass(frozen=True)
class LayerForViewer:
    """A version of a layer that a viewer may see, as the key of a cache that all who may see it share.

    Make one only after the store has answered for this viewer. Signed-in people are shown who published, the public is not.
    """

    layer_id: str
    version: int
    signed_in: bool
    layer: Layer = field(compare=False)
    viewer: Viewer = field(compare=False)

    @classmethod
    def by(cls, viewer: Viewer, layer: Layer) -> LayerForViewer:
        return cls(layer.id, layer.version, viewer.signed_in, layer, viewer)

    def values(self, published: Published, level: str, period: str = "") -> Values:
        """The values of exactly this version, even when another one has been published meanwhile."""
        return published.store.values(self.layer_id, level, self.viewer, period=period or None, version=self.version)

    def services(self, published: Published) -> pd.DataFrame:
        """The sites of exactly this version."""
        return published.store.services(self.layer_id, self.viewer, version=self.version)


@lru_cache(maxsize=64)
def _choropleth(published, seen: LayerForViewer, level, period, bands, partner, scheme, classes) -> Choropleth:
    layer = seen.layer
    values = seen.values(published, level, period)
    frame = values.frame
    value = frame["value"].to_numpy(dtype="float64")
    status = frame["status"].to_numpy()
    areas = published.region.areas[level]
    in_view = published.region.in_footprint(level, partner).to_numpy()

    cut, basis = _cut(published, layer, level, value, in_view, bands, partner, scheme, classes)
    code = cut.classify(value)
    code[status == "suppressed"] = SUPPRESSED
    code[~in_view] = OUTSIDE
    code.setflags(write=False)
    decimals = wording.decimals_for(value, layer.descriptor.decimals)
    shown = np.where(in_view, value, np.nan)
    counts, edges = histogram(shown)
    return Choropleth(
        layer=layer,
        level=level,
        period=values.period,
        frame=frame,
        classes=code,
        rank=ranked(shown, layer.descriptor.direction, layer),
        in_view=in_view,
        bands=cut,
        rows=_rows(cut, code, value, areas["population"].to_numpy(), decimals),
        decimals=decimals,
        basis=basis,
        histogram=(tuple(int(n) for n in counts), tuple(float(x) for x in edges)),
        reason=values.reason,
    )


def _cut(published, layer, level, value, in_view, bands, partner, scheme, classes) -> tuple[Bands, str]:
    national = layer.descriptor.national
    if bands == "national" and national is not None and national.level == level and classes in national.quantiles:
        return national_bands(national.quantiles[classes], value[in_view]), f"bands of {national.scope}"
    if bands == "partner" and partner:
        name = published.region.partner(partner).name
        return make_bands(value[in_view], scheme, classes), f"bands within {name}"
    return make_bands(value, scheme, classes), f"bands within {published.region.name}"


def ranked(value: np.ndarray, direction: Direction, layer: Layer) -> np.ndarray:
    """1 for the worst area (the highest value, unless low is worse); equal values share the smaller number. Null everywhere
    for a layer that is not fit for ranking."""
    if "ranking" not in layer.descriptor.fit_for:
        return np.full(len(value), np.nan)
    return pd.Series(value).rank(method="min", ascending=direction == Direction.LOW_IS_WORSE).to_numpy(dtype="float64")


def _rows(
    bands: Bands, code: np.ndarray, value: np.ndarray, population: np.ndarray, decimals: int
) -> tuple[BandRow, ...]:
    rows = []
    for i, label in enumerate(band_labels(bands, value, decimals)):
        chosen = code == i
        rows.append(
            BandRow(
                f"Band {i + 1} of {len(bands)}",
                label,
                int(chosen.sum()),
                float(population[chosen].sum()),
                i,
            )
        )
    for special, name in ((SUPPRESSED, "Withheld"), (MISSING, "No figure")):
        chosen = code == special
        if chosen.any():
            rows.append(
                BandRow(name, wording.STATUS_WORDS["suppressed" if special == SUPPRESSED else "missing"],
                        int(chosen.sum()), float(population[chosen].sum()), special)
            )  # fmt: skip
    return tuple(rows)


def band_labels(bands: Bands, values: np.ndarray, decimals: int) -> list[str]:
    """Limits of every band in words: "1.1 to 3.2", "over 3.2 to 5.6". The lower limit of all but the first is not in the band.

    A limit is rounded to ``decimals`` only where the words stay true of every value, and has as many as that takes otherwise.
    """
    limits = stated_limits(bands, values, decimals)
    said = [wording.exactly(limit, decimals) for limit in limits]
    values = np.asarray(values, dtype="float64")
    codes = bands.classify(values)
    out = []
    for i, (low, high) in enumerate(pairwise(said)):
        own = values[codes == i]
        if len(own) and own.min() == own.max() and (i == 0 or low == high):
            out.append(wording.number(own[0], decimals))
        else:
            out.append(f"{low} to {high}" if i == 0 else f"over {low} to {high}")
    return out


def stated_limits(bands: Bands, values: np.ndarray, decimals: int | Callable[[float], int]) -> list[float]:
    """The lowest value and the upper limit of every band, as they are said; outer limits are rounded outward where they must be.

    ``decimals`` can depend on the limit, as they do of metres.
    """
    places = decimals if callable(decimals) else lambda limit: decimals
    if not len(bands):
        return []
    # 7 / 100 * 100 is 7.000000000000001: as good as whole
    known = np.round(np.asarray(values, dtype="float64"), 9)
    known = known[np.isfinite(known)]
    bottom, top = min([*known, round(bands.lower[0], 9)]), max([*known, round(bands.upper[-1], 9)])
    inner = [round(cut, 9) for cut in bands.upper[:-1]]
    above = [stated(known, limit, places(limit), at_cut="below") for limit in [*inner, top]]
    return [stated(known, bottom, places(bottom)), *above]


def sentence(chart: Choropleth, published: Published, *, counts_too: bool = False) -> str:
    """One paragraph that says what the map shows, for those who cannot see it: highest, lowest, what is not shown.

    ``counts_too`` adds how many areas are in each band; beside a legend that would say the same twice.
    """
    areas = published.region.areas[chart.level]
    title = chart.layer.title
    when = f", {chart.period}" if chart.period else ""
    value = np.where(chart.in_view, chart.frame["value"].to_numpy(dtype="float64"), np.nan)
    known = np.isfinite(value)
    total = int(chart.in_view.sum())
    if not known.any():
        reason = chart.reason or "There are no figures for these areas."
        return f"{title}{when}: nothing to show for {wording.count_of(total, chart.level)}. {reason}"
    high, low = int(np.nanargmax(value)), int(np.nanargmin(value))
    names = areas["name"]
    parts = [
        f"{title}{when}, {wording.count_of(int(known.sum()), chart.level)}.",
        f"Highest: {names.iat[high]} at {chart.value_text(value[high])}.",
        f"Lowest: {names.iat[low]} at {chart.value_text(value[low])}.",
    ]
    counts = [
        f"{row.count:,} in band {row.code + 1} ({row.label})" for row in chart.rows if row.code < len(chart.bands)
    ]
    if counts_too and counts:
        parts.append(f"From lowest to highest band: {wording.listing(counts, 7)}.")
    hidden = [
        f"{row.count:,} {'withheld to protect people' if row.code == SUPPRESSED else 'without a figure'}"
        for row in chart.rows
        if row.code >= len(chart.bands)
    ]
    parts.append(f"Not shown: {wording.listing(hidden)}." if hidden else "Every area has a figure.")
    converted = int(((chart.frame["status"] == "converted").to_numpy() & chart.in_view).sum())
    if converted:
        parts.append(f"{converted:,} of the figures are worked out from other areas.")
    return claims_of([chart.layer]).gate(" ".join(parts))
