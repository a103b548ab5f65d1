"""How far to trust an answer, in a few rows: a term, one word and a reason each. It stands beside every answer.

A row is a *caution* (amber), a *note*, or *fine*. The rows say shortly what the cautions of the answer say in full.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from dashboard.views import wording
from dashboard.views.cautions import caution_words, cautions_of
from dashboard.views.claims import Claims, claims_of, sites_in_region
from dashboard.views.wording import standard_words
from layers import Caution, Completeness, Kind, Layer

CAUTION, NOTE, FINE = "caution", "note", "fine"


@dataclass(frozen=True)
class Row:
    """``level``: caution, note or fine."""

    term: str
    word: str
    reason: str
    level: str


@dataclass(frozen=True)
class Resting:
    """An answer that is no more than what layers say, in straight lines: nearest services, a page of a briefing."""

    layers: tuple[Layer, ...]

    @property
    def claims(self) -> Claims:
        return claims_of(self.layers)

    def cautions_on(self, on: date | None = None) -> tuple[Caution, ...]:
        return cautions_of([(layer, layer.period) for layer in self.layers], straight=True, on=on)


def rows_of(
    answer: Any, *, table: str = "", max_m: float | None = None, periods: dict[str, str] | None = None
) -> tuple[Row, ...]:
    """The rows of an answer that has ``layers`` and ``cautions_on``; those of gaps, plans and of alone against together.

    ``table`` names the travel-time table that distances are of; ``max_m`` is the standard in use; ``periods`` of the indicators.
    """
    cautions = answer.cautions_on()
    lists = [layer for layer in answer.layers if layer.kind == Kind.SERVICES]
    figures = [layer for layer in answer.layers if layer.kind != Kind.SERVICES]
    rows = []
    if lists:
        rows += [_list(lists), _distance(lists, cautions, table, max_m)]
    if figures:
        rows.append(_counted(figures))
    return (*rows, _age(figures, lists, cautions, periods or {}))


def rows_of_gaps(gaps: Any) -> tuple[Row, ...]:
    """The rows beside an answer about gaps."""
    model, table = gaps.result.model, gaps.measures.table
    named = (table.title if table else "the times supplied") if model.travel is not None else ""
    periods = {each["id"]: each["period"] for each in gaps.result.parameters["need"]}
    return rows_of(gaps, table=named, max_m=gaps.result.parameters["max_m"], periods=periods)


def confidence_rows(answer: Any) -> tuple[Row, ...]:
    """The rows beside an answer about gaps, a plan, or alone against together."""
    if hasattr(answer, "measures"):
        return rows_of_gaps(answer)
    if hasattr(answer, "gaps"):
        return rows_of_gaps(answer.gaps)
    return rows_of(answer, max_m=answer.result.parameters.get("max_m"))


def document_of(rows: Sequence[Row]) -> list[dict[str, str]]:
    """As documents carry them."""
    return [{"term": row.term, "word": row.word, "reason": row.reason, "level": row.level} for row in rows]


def all_cautions(answer: Any) -> list[str]:
    """Every caution of an answer in a sentence, with the layer that it is about where there are several."""
    titles = {layer.id: layer.title for layer in answer.layers}
    return [f"{titles[one.layer]}: {caution_words(one)}" for one in answer.cautions_on()]


def _sites(lists: Sequence[Layer]) -> str:
    return f"{sum(map(sites_in_region, lists)):,}"


def _counted_sites(lists: Sequence[Layer]) -> str:
    return wording.counted(sum(map(sites_in_region, lists)), "site")


def _list(lists: Sequence[Layer]) -> Row:
    """How complete the lists are: the worst of them speaks."""
    said = {layer.descriptor.completeness for layer in lists}
    sites, term = _sites(lists), "List" if len(lists) == 1 else "Lists"
    if Completeness.SAMPLE in said:
        return Row(term, "Sample", f"of {sites}, no register: check first", CAUTION)
    if Completeness.UNKNOWN in said:
        return Row(term, "Unknown", f"how complete: {sites} taken as a sample", CAUTION)
    if Completeness.MODELLED in said:
        return Row(term, "Modelled", f"{_counted_sites(lists)}, estimated", NOTE)
    return Row(term, "Register", f"of {_counted_sites(lists)}", FINE)


def _distance(lists: Sequence[Layer], cautions: Sequence[Caution], table: str, max_m: float | None) -> Row:
    codes = {one.code for one in cautions}
    assumed = "assumed-standard" in codes
    far = standard_words(max_m) if max_m else ""
    parts = []
    if "crossing" in codes:
        parts.append("some over water")
    if far:
        parts.append(
            f"{far} is {'an assumption' if assumed else 'the standard' if _adopted(lists, max_m) else 'your choice'}"
        )
    if "position" in codes and len(parts) < 2:
        parts.append("from postcodes" if _postcodes(lists) else "places are not exact")
    reason = "; ".join(parts) or "the real way is longer"
    if table:
        return Row("Distance", "Times", f"of “{table}”", CAUTION if assumed else FINE)
    return Row("Distance", "Straight line", reason, CAUTION if assumed or "crossing" in codes else NOTE)


def _adopted(lists: Sequence[Layer], max_m: float | None) -> bool:
    standards = [layer.descriptor.access_standard for layer in lists]
    return any(standard and standard.status == "adopted" and standard.max_m == max_m for standard in standards)


def _postcodes(lists: Sequence[Layer]) -> bool:
    return all(layer.descriptor.position == "postcode" for layer in lists)


def _counted(figures: Sequence[Layer]) -> Row:
    """Modelled or counted."""
    said = [layer.descriptor.completeness for layer in figures]
    some = "" if len(said) == 1 else f"{sum(one != Completeness.REGISTER for one in said)} of {len(said)} "
    if Completeness.SAMPLE in said:
        return Row("Need", "Sample", f"{some}from a sample, not a register".strip(), CAUTION)
    if Completeness.UNKNOWN in said:
        return Row(
            "Need",
            "Unknown",
            f"{some}do not say how complete they are" if some else "nobody says how complete it is",
            CAUTION,
        )
    if all(one == Completeness.MODELLED for one in said):
        return Row("Need", "Modelled", "estimated, not counted", NOTE)
    if Completeness.MODELLED in said:
        models = sum(one == Completeness.MODELLED for one in said)
        return Row("Need", "Mixed", f"{models} of {len(said)} figures are modelled, the rest counted", NOTE)
    return Row("Need", "Counted", "from registers or a census", FINE)


def _age(figures: Sequence[Layer], lists: Sequence[Layer], cautions: Sequence[Caution], periods: dict[str, str]) -> Row:
    old = [
        layer.title
        for layer in (*figures, *lists)
        if layer.id in {one.layer for one in cautions if one.code == "stale"}
    ]
    said = [periods.get(layer.id) or layer.period for layer in (figures or lists)]
    years = sorted({year for words in said for year in _YEARS.findall(words)[-1:]})
    word = wording.listing(years, 2) if len(years) < 3 else f"{years[0]} to {years[-1]}"
    if old:
        return Row("Age", word or "Old", f"old: {wording.listing(old, 2)}", CAUTION)
    undated = [layer for layer in lists if not _YEARS.search(layer.period)]
    if undated:
        return Row("Age", word or "Undated", "the list has no date" if len(lists) == 1 else "a list has no date", NOTE)
    listed = wording.listing(list(dict.fromkeys(layer.period for layer in lists)), 2)
    return Row(
        "Age",
        word or "Undated",
        f"list of {listed}" if listed and figures else "not replaced yet",
        FINE if word else NOTE,
    )


_YEARS = re.compile(r"(?<!\d)(?:19|20|21)\d{2}(?!\d)")
