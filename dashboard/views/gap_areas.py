"""The areas of a gap answer: as a table for people, and one of them explained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dashboard.views import wording
from dashboard.views.crossing_words import ACROSS, ACROSS_LABEL, the_crossing
from dashboard.views.gap_words import REASONS, access_formatter, access_title, need_sentence, poor_words
from dashboard.views.gaps import Gaps
from dashboard.views.wording import cost_words, counted, sure_percent


def gap_rows(gaps: Gaps, which: str = "underserved") -> pd.DataFrame:
    """Areas in view as a table for people, worst need first; its index is the place in area order.

    ``which``: "underserved", "near" (near-misses), "vanish" (hidden by a ward map) or "all". Columns: ``code, name, ward,
    lad_code, authority, residents, need, access, access_words, underserved, near_miss, stability, stability_word,
    community, community_name, nearest_service, nearest_authority, alone_m, together_m, border_penalty_m``.
    """
    table, region = gaps.result.areas, gaps.published.region
    chosen = gaps.in_view
    if which == "underserved":
        chosen = chosen & table["underserved"].to_numpy(bool)
    elif which == "near":
        chosen = chosen & table["near_miss"].to_numpy(bool)
    elif which == "vanish":
        lost = gaps.result.vanishing
        chosen = chosen & (lost.gone.to_numpy(bool) if lost is not None else False)
    part = table[chosen]
    lads = region.areas["lad"].set_index("code")["name"]
    wards = region.areas["ward"].set_index("code")["name"]
    names = {card.id: card.name for card in gaps.cards}
    text = access_formatter(gaps)
    rows = pd.DataFrame(
        {
            "code": part["code"],
            "name": part["name"],
            "ward": region.areas[gaps.level]["ward_code"].map(wards).fillna("")[chosen],
            "lad_code": part["lad_code"],
            "authority": part["lad_code"].map(lads).fillna(""),
            "residents": part["population"],
            "need": part["need"],
            "access": part["access"],
            "access_words": [text(value) for value in part["access"]],
            "underserved": part["underserved"],
            "near_miss": part["near_miss"],
            "stability": part["stability"],
            "stability_word": part["stability_words"].fillna(""),
            "community": part["community"],
            "community_name": part["community"].map(names).fillna(""),
            "nearest_service": part["nearest_service"],
            "nearest_authority": part["nearest_lad"].map(lads).fillna("outside the region"),
            "alone_m": part["alone_m"],
            "together_m": part["together_m"],
            "border_penalty_m": part["border_penalty_m"],
        }
    )
    if not gaps.claims.ranks:
        return rows
    return rows.iloc[np.argsort(-rows["need"].fillna(-1).to_numpy(), kind="stable")]


def _halves(gaps: Gaps, row: pd.Series) -> str:
    """The rule applied to one area: "Need is high (91 of 100; 80 or more counts), and access is poor: ..."."""
    least, need = gaps.request.need_threshold, row["need"]
    access = "access is poor" if row["poor"] else "access is not poor"
    rule = poor_words(gaps)
    if not np.isfinite(need):
        return f"Its need is not known, so it is not called underserved; {access} (poor means: {rule})."
    high = need >= least
    joined = "and" if high == bool(row["poor"]) else "but"
    size = "high" if high else "not high enough"
    return f"Its need is {size} ({wording.beside(need, least)} of 100; {least:g} or more counts), {joined} {access} (poor means: {rule})."


@dataclass(frozen=True)
class AreaReading:
    """One area of the gap view, explained. ``contributions``: title, points, percentile, weight, value, unit; largest first."""

    code: str
    name: str
    authority: str
    residents: float
    verdict: str  # "Underserved", "Close to underserved" or "Not underserved by this rule"
    reason: str  # which half of the rule is met, and which is not
    need: float | None
    need_sentence: str
    access_sentence: str
    border_sentence: str
    stability_sentence: str
    contributions: tuple[dict, ...]
    community: str


def area_reading(gaps: Gaps, index: int) -> AreaReading:
    """Why an area is, or is not, underserved; ``index`` is its place in area order."""
    row = gaps.result.areas.iloc[index]
    why = gaps.result.need.explain(gaps.result.areas.index[index])
    lads = gaps.published.region.areas["lad"].set_index("code")["name"]
    verdict = "Underserved" if row["underserved"] else "Close to underserved" if row["near_miss"] else None
    text = access_formatter(gaps)(row["access"])
    name = str(row["nearest_service"])
    where = lads.get(row["nearest_lad"], "outside the region")
    access = "There is no such service to measure to."
    if np.isfinite(row["together_m"]):
        access = f"The nearest service is {name or 'one'} ({where}), {cost_words(row['together_m'], 'm')} away."
        if not gaps.result.access.metric.says_nearest or gaps.result.model.unit == "min":
            access += f" {access_title(gaps)}: {text}."
    border = REASONS[row["reason"]]
    if row["crossings"] and access.endswith("away."):
        access = f"{access[:-1]}, by {wording.listing([the_crossing(name) for name in row['crossings']])}."
    if row["crossing"]:
        access += f" That is a straight line {ACROSS_LABEL}."
    if row["nearer_elsewhere"] and np.isfinite(row["border_penalty_m"]):
        border = (
            f"The nearest in its own authority is {cost_words(row['alone_m'], 'm')} away, "
            f"{cost_words(row['border_penalty_m'], 'm')} farther."
        )
    share, sure = row["stability"], ""
    if gaps.result.stability is not None:
        draws = gaps.result.stability.draws
        sure = f"Underserved in {sure_percent(float(share))} of {counted(draws, 'draw')}."
        word = row["stability_words"] if row["underserved"] or row["near_miss"] else None  # a clear "no" is no weak gap
        sure = f"{word.capitalize()}. {sure}" if isinstance(word, str) and word else sure
    return AreaReading(
        str(row["code"]),
        str(row["name"]),
        str(lads.get(row["lad_code"], "")),
        float(row["population"]),
        f"{ACROSS}: listed apart" if row["crossing"] else verdict or "Not underserved by this rule",
        _halves(gaps, row),
        why["need"],
        need_sentence(gaps.result.need, why["drivers"], why["need"]),
        access,
        border,
        sure,
        tuple(why["drivers"]),
        str(row["community"]),
    )
