"""Underserved communities in words, and which of them face each other across a border."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from dashboard.views import wording
from dashboard.views.gap_answer import GapAnswer
from dashboard.views.gap_words import border_sentence, drivers_sentence, mean_access_words, stability_words
from dashboard.views.wording import cost_words, percent
from layers import Community, to_degrees, to_metres


@dataclass(frozen=True)
class ShareWords:
    lad_code: str
    name: str
    areas: int
    residents: float
    share: float  # 0-1
    words: str  # "62% of residents in Gateshead"


@dataclass(frozen=True)
class CommunityCard:
    """An underserved community, ready to be read out."""

    id: str
    rank: int
    name: str  # "Wardley and Hebburn South, Gateshead and South Tyneside"
    place: str  # the same without the authorities, where they stand beside it
    authorities: tuple[ShareWords, ...]
    authorities_words: str  # "all in Gateshead"; "62% in Gateshead and 38% in County Durham"
    residents: float
    areas: int
    need: float | None
    need_words: str  # "need 91 of 100"
    access: float | None
    access_words: str  # "6.2 km to the nearest on average"
    access_short: str  # "6.2 km", under a heading that says the rest
    stability: float | None
    stability_word: str  # firm, likely, borderline, weak; "" without draws, and of a sample
    stability_words: str  # "Firm: underserved in 94% of 500 draws."
    drivers: str
    border: str
    shared: bool
    indices: tuple[int, ...]  # in area order
    codes: tuple[str, ...]
    longitude: float
    latitude: float


FIRST = 10
"""So many communities have their number in sentence, list and map alike."""
ACROSS_M = 2_000.0
"""Two underserved communities of different authorities this close may share a site, though no area of one touches the other."""


@dataclass(frozen=True)
class NearAcrossBorder:
    """An underserved community on the other side of a border. ``metres`` between the outlines of the two nearest areas."""

    id: str
    name: str
    authorities: str
    metres: float
    words: str  # "1.2 km from Washington North, Sunderland"


def across_of(gaps: GapAnswer, cards: Sequence[CommunityCard]) -> dict[str, tuple[NearAcrossBorder, ...]]:
    """Pairs of underserved areas of different authorities and communities within :data:`ACROSS_M`, by community."""
    table = gaps.result.areas
    member = table["community"].to_numpy(object)
    chosen = np.flatnonzero(table["underserved"].to_numpy(bool) & (member != ""))
    if len(chosen) < 2:
        return {}
    outlines = gaps.published.region.areas[gaps.level].geometry.to_numpy()[chosen]
    metres = shapely.transform(outlines, lambda xy: np.column_stack(to_metres(*xy.T)))
    lad, group = table["lad_code"].to_numpy(object)[chosen], member[chosen]
    i, j = shapely.STRtree(metres).query(metres, predicate="dwithin", distance=ACROSS_M)
    keep = (lad[i] != lad[j]) & (group[i] != group[j])
    i, j = i[keep], j[keep]
    nearest: dict[tuple[str, str], float] = {}
    for a, b, far in zip(group[i], group[j], shapely.distance(metres[i], metres[j]), strict=True):
        nearest[a, b] = min(nearest.get((a, b), np.inf), float(far))
    named = {card.id: card for card in cards}
    out: dict[str, list[NearAcrossBorder]] = {}
    for (own, other), far in sorted(nearest.items(), key=lambda item: (item[1], item[0])):
        if own in named and other in named:
            card = named[other]
            where = wording.listing([share.name for share in card.authorities])
            words = f"{cost_words(far, 'm')} from {card.name}"
            out.setdefault(own, []).append(NearAcrossBorder(other, card.name, where, far, words))
    return {name: tuple(found) for name, found in out.items()}


def cards_of(gaps: GapAnswer) -> tuple[CommunityCard, ...]:
    """The communities in words, those with most residents first."""
    found = gaps.result.communities
    longitude, latitude = to_degrees([c.centre[0] for c in found], [c.centre[1] for c in found])
    return tuple(
        _card(gaps, community, rank, float(longitude[rank - 1]), float(latitude[rank - 1]))
        for rank, community in enumerate(found, 1)
    )


def _card(gaps: GapAnswer, c: Community, rank: int, longitude: float, latitude: float) -> CommunityCard:
    shares = tuple(
        ShareWords(
            s.lad_code, s.lad_name, s.areas, s.population, s.share, f"{percent(s.share)} of residents in {s.lad_name}"
        )
        for s in c.shares
    )
    spread = [f"{percent(s.share)} in {s.name}" for s in shares]
    access, short = mean_access_words(gaps, c.access)
    return CommunityCard(
        id=c.id,
        rank=rank,
        name=c.name,
        place=c.place,
        authorities=shares,
        authorities_words=f"all in {shares[0].name}" if len(shares) == 1 else wording.listing(spread),
        residents=c.population,
        areas=len(c.areas),
        need=c.need,
        need_words=f"need {wording.number(c.need)} of 100" if c.need is not None else "need not known",
        access=c.access,
        access_words=access,
        access_short=short,
        stability=c.stability,
        stability_word=c.words or "",
        stability_words=stability_words(gaps, c.stability, c.words),
        drivers=drivers_sentence(c.drivers),
        border=border_sentence(gaps, c),
        shared=c.shared,
        indices=c.positions,
        codes=c.areas,
        longitude=longitude,
        latitude=latitude,
    )
