"""Who lives where a gap is, in words and rows: ages, cars, health, homes, deprivation and ethnic groups, beside a baseline.

The numbers are those of :mod:`layers.methods.affected`, of small areas whatever the level of the map, from the layers that the
region's ``affected.toml`` names. They are read as the public sees them: an answer that anybody may keep holds nothing of one partner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from dashboard.exports import Document, Sheet
from dashboard.published import Published
from dashboard.views import wording
from dashboard.views.cautions import caution_list
from dashboard.views.claims import Claims, claims_of, gated
from dashboard.views.gap_answer import GapAnswer
from dashboard.views.gap_words import rule_sentence
from dashboard.views.gaps import kept
from dashboard.views.places import names
from layers import BASELINES, PUBLIC, AffectedMeasure, AffectedRow, Layer, NotFound, find_affected

FIFTHS = ("most deprived", "second most deprived", "middle", "second least deprived", "least deprived")
BASELINE_WORDS = {"region": "the whole region", "authority": "the same authority", "england": "England"}
MOST_NAMED = 3
CLUSTERED = (
    "Limits are of chance alone. People of one kind live together, so the true limits are wider; a difference that is only just "
    "outside them says little."
)
NOT_CAUSE = "It says who lives there, not who needs the service, nor why it is far."


@dataclass(frozen=True, eq=False)
class Affected:
    """``rows``: the region's first ("" as ``who``), then each authority's, in the order of ``measures``."""

    published: Published
    measures: tuple[AffectedMeasure, ...]
    rows: tuple[AffectedRow, ...]
    claims: Claims  # what may be said of it, with the layers that it is measured by
    notes: tuple[str, ...]

    @cached_property
    def by_who(self) -> dict[str, tuple[AffectedRow, ...]]:
        who = dict.fromkeys(row.who for row in self.rows)
        return {one: tuple(row for row in self.rows if row.who == one) for one in who}

    def measure(self, row: AffectedRow) -> AffectedMeasure:
        return next(measure for measure in self.measures if measure.id == row.measure)

    def name(self, who: str) -> str:
        return names(self.published, "lad").get(who, who) if who else self.published.region.name


def affected_key(published: Published) -> tuple[tuple[str, int], ...]:
    """Layers and versions that an answer rests on: part of the key of whatever is kept of it."""
    return tuple((layer.id, layer.version) for layer in _layers(published).values())


def affected_layers(published: Published) -> tuple[Layer, ...]:
    """What it is measured by, for whoever pins or credits it."""
    return tuple(_layers(published).values())


def affected_of(gaps: GapAnswer) -> Affected | None:
    """Who is affected by the gaps in view; None where nobody is underserved, or the region names no layer for it."""
    published = gaps.published
    layers = _layers(published)
    mask, known = _small_areas(gaps)
    if not layers or not mask.any():
        return None

    def work_out() -> Affected:
        measures = _measures(published, layers)
        lads = published.region.areas["lsoa"]["lad_code"].to_numpy(object)
        claims = claims_of([*gaps.layers, *layers.values()])
        rows = find_affected(measures, mask, lads, known)
        return Affected(published, measures, rows, claims, _notes(gaps, claims))

    return kept(published).get(("affected", gaps.key, affected_key(published)), work_out)


def _layers(published: Published) -> dict[str, Layer]:
    """The layers named by the region's ``affected.toml`` that everybody may see, with figures for small areas."""
    out = {}
    for group in published.region.affected:
        for name in (*group.parts, *([group.fifths] if group.fifths else ())):
            try:
                layer = published.store.layer(name, PUBLIC)
            except NotFound:
                continue
            if layer.kind == "indicator" and "lsoa" in layer.levels:
                out[name] = layer
    return out


def _small_areas(gaps: GapAnswer) -> tuple[np.ndarray, np.ndarray]:
    """Small areas of the underserved areas in view, and all small areas in view. Areas across water are in no sum."""
    table, region = gaps.result.areas, gaps.published.region
    chosen = table["underserved"].to_numpy(bool) & gaps.in_view & ~table["crossing"].to_numpy(bool)
    if gaps.level == "lsoa":
        return chosen, gaps.in_view
    lsoa, own = region.areas["lsoa"], {"ward": "ward_code", "lad": "lad_code"}[gaps.level]
    codes = region.areas[gaps.level]["code"]
    return lsoa[own].isin(codes[chosen]).to_numpy(), lsoa[own].isin(codes[gaps.in_view]).to_numpy()


def _measures(published: Published, layers: dict[str, Layer]) -> tuple[AffectedMeasure, ...]:
    out: list[AffectedMeasure] = []
    people = published.region.areas["lsoa"]["population"].to_numpy("float64")
    for group in published.region.affected:
        for name in group.parts:
            if name in layers and (made := _share_of(published, group.name, layers[name])):
                out.append(made)
        if group.fifths in layers:
            out += _fifths_of(published, group.name, layers[group.fifths], people)
    return tuple(out)


def _share_of(published: Published, group: str, layer: Layer) -> AffectedMeasure | None:
    """A percentage with its parts; None for any other layer."""
    said = layer.descriptor
    frame = published.store.values(layer.id, "lsoa", PUBLIC, version=layer.version).frame
    part, whole = (frame[column].to_numpy("float64") for column in ("numerator", "denominator"))
    if said.per != 100 or not np.isfinite(part).any():
        return None
    england = said.reference.value if said.reference and said.reference.name == "England" else None
    unit = said.unit.removeprefix("% of ")
    return AffectedMeasure(
        layer.id,
        layer.title.removesuffix(" (Census)"),
        group,
        layer.id,
        unit,
        layer.period,
        part,
        whole,
        england=england,
    )


def _fifths_of(published: Published, group: str, layer: Layer, people: np.ndarray) -> list[AffectedMeasure]:
    """Residents of areas in each fifth (two tenths); the least deprived is fifth 5."""
    tenth = published.store.values(layer.id, "lsoa", PUBLIC, version=layer.version).frame["value"].to_numpy("float64")
    whole = np.where(np.isfinite(tenth), people, np.nan)
    fifth = np.ceil(tenth / 2)
    of = "region" if "region" in layer.title.lower() or "region" in layer.descriptor.unit else "country"
    return [
        AffectedMeasure(
            f"{layer.id}-fifth-{k}", f"In the {words} fifth of the {of}", group, layer.id, "residents", layer.period,
            np.where(np.isfinite(tenth), np.where(fifth == k, people, 0.0), np.nan), whole, by_area=True,
        )
        for k, words in enumerate(FIFTHS, 1)
    ]  # fmt: skip


def _notes(gaps: GapAnswer, claims: Claims) -> tuple[str, ...]:
    said = [CLUSTERED, NOT_CAUSE]
    if claims.sampled:
        said.insert(
            0, f"Who is underserved rests on a sample of {wording.counted(claims.sites, 'site')}, not on a register."
        )
    if not claims.counts:
        said.append("No number of people is given: a layer of this answer is not fit for counting.")
    return tuple(said)


# ---- words ----------------------------------------------------------------------------------------------------------


@gated
def affected_sentence(found: Affected, who: str = "", baseline: str = "region") -> str:
    """ "Of the people in underserved areas more than in the whole region: households without a car or van (38% against 28%), ..."."""
    rows = found.by_who.get(who, ())
    where = BASELINE_WORDS[baseline] if baseline != "authority" else found.name(who)
    parts = []
    for verdict, words in (("higher", "More than in"), ("lower", "Less than in")):
        chosen = [row for row in rows if row.beside[baseline].verdict == verdict and not found.measure(row).by_area]
        chosen.sort(key=lambda row: -abs(row.beside[baseline].difference or 0.0))
        told = [_against(found, row, baseline) for row in chosen[:MOST_NAMED]]
        if told:
            parts.append(f"{words} {where}: {wording.listing(told)}.")
    same = [
        found.measure(row)
        for row in rows
        if row.beside[baseline].verdict == "no difference" and not found.measure(row).by_area
    ]
    if same:
        parts.append(f"No difference: {wording.listing([wording.small(m.title) for m in same], MOST_NAMED)}.")
    return " ".join(parts) or "No difference can be told."


LEAST_SAID = 5.0
"""Per cent: of a smaller group a headline is not made."""


@gated
def affected_finding(found: Affected) -> str:
    """ "more households without a car or van: 32%, against 27% in the region": what there is most more of; "" for nothing."""
    more = [
        row
        for row in found.by_who.get("", ())
        if row.beside["region"].verdict == "higher"
        and not found.measure(row).by_area
        and (row.value or 0) >= LEAST_SAID
    ]
    if not more:
        return ""
    most = max(more, key=lambda row: (row.value or 0) / (row.beside["region"].value or 1))
    own, other = _pair(most, "region")
    return f"more {wording.small(found.measure(most).title)}: {own}, against {other} in the region"


def _pair(row: AffectedRow, baseline: str) -> tuple[str, str]:
    """Both shares, in as many digits as it takes to tell them apart."""
    own, other = wording.percent((row.value or 0) / 100), wording.percent((row.beside[baseline].value or 0) / 100)
    if own == other:
        own, other = (f"{value:.1f}%" for value in (row.value, row.beside[baseline].value))
    return own, other


def _against(found: Affected, row: AffectedRow, baseline: str) -> str:
    own, other = _pair(row, baseline)
    return f"{wording.small(found.measure(row).title)} ({own} against {other})"


def share_words(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}%"


def limits_words(row: AffectedRow) -> str:
    return "" if row.lower is None or row.upper is None else f"{row.lower:.1f} to {row.upper:.1f}"


def difference_words(row: AffectedRow, baseline: str) -> str:
    """ "9.8 points more (9.1 to 10.5)", "no difference"; an en dash where nothing can be said."""
    beside = row.beside[baseline]
    if not beside.verdict or beside.difference is None:
        return "–"
    if beside.verdict == "no difference":
        return "No difference"
    low, high = sorted((abs(beside.lower), abs(beside.upper)))
    more = "more" if beside.difference > 0 else "less"
    return f"{abs(beside.difference):.1f} points {more} ({low:.1f} to {high:.1f})"


# ---- documents ------------------------------------------------------------------------------------------------------


def affected_document(found: Affected | None) -> dict[str, Any] | None:
    """JSON types: measures, rows beside every baseline, notes; null where there is nothing to say."""
    if found is None:
        return None
    rows = []
    for row in found.rows:
        said = asdict(row)
        said["beside"] = {name: asdict(beside) | {"verdict": beside.verdict} for name, beside in row.beside.items()}
        if not found.claims.counts:
            said |= {"part": None, "whole": None}
        rows.append({"who": row.who, "name": found.name(row.who)} | said)
    plain = ("id", "title", "group", "layer", "unit", "period", "by_area", "england")
    return {
        "baselines": list(BASELINES),
        "measures": [{name: getattr(measure, name) for name in plain} for measure in found.measures],
        "rows": rows,
        "sentence": affected_sentence(found),
        "notes": list(found.notes),
    }


def affected_export(gaps: GapAnswer, on: str) -> Document:
    """One row for each measure, for the region and every authority, beside every baseline."""
    found = affected_of(gaps)

    def sheet() -> Sheet:
        notice = gaps.published.region.notice
        beside = {"rule": rule_sentence(gaps), "notes": " ".join(found.notes if found else ()), "made_on": on}
        return Sheet(_table(found), beside=beside | ({"notice": notice} if notice else {}))

    said = caution_list(gaps.cautions_on())

    def frame() -> pd.DataFrame:
        made = sheet()
        return made.table.assign(**made.beside)

    tree = lambda: {"affected": affected_document(found)}  # noqa: E731
    return Document("affected", "who-is-affected", tree=tree, sheet=sheet, frame=frame, cautions=said)


def _table(found: Affected | None) -> pd.DataFrame:
    heads = [
        "where",
        "lad_code",
        "group",
        "measure",
        "layer",
        "period",
        "value",
        "lower",
        "upper",
        "part",
        "whole",
        "areas",
        "areas_without",
    ]
    heads += [f"{name}_{what}" for name in BASELINES for what in ("value", "difference", "lower", "upper", "verdict")]
    lines = [_line(found, row) for row in found.rows] if found else []
    return pd.DataFrame(lines, columns=heads)


def _line(found: Affected, row: AffectedRow) -> Sequence[Any]:
    measure = found.measure(row)
    counts = (row.part, row.whole) if found.claims.counts else (np.nan, np.nan)
    numbers = [np.nan if value is None else value for value in (row.value, row.lower, row.upper)]
    beside: list[Any] = []
    for name in BASELINES:
        one = row.beside[name]
        beside += [np.nan if value is None else value for value in (one.value, one.difference, one.lower, one.upper)]
        beside.append(one.verdict)
    place = [found.name(row.who), row.who, measure.group, measure.title, measure.layer, measure.period]
    return [*place, *numbers, *counts, row.areas, row.areas_without, *beside]
