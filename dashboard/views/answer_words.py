"""The answer in one sentence, as it is read aloud, and what belongs directly beneath it: how sure, and who shares it.

Numbers are those of the answer itself, said by the rules of :mod:`dashboard.views.spoken`; sentences that have a writer already
(range, notes, alone and together) are that writer's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views import spoken, wording
from dashboard.views.authority_shares import AuthorityShare, authority_shares
from dashboard.views.choropleth import Choropleth
from dashboard.views.claims import claims_of, gated
from dashboard.views.gap_communities import ACROSS_M, FIRST
from dashboard.views.gap_words import one_of, poor_words, range_sentence, summary_sentence
from dashboard.views.gaps import Gaps, NoAnswer
from dashboard.views.needs import WeightedNeed
from dashboard.views.scene import Scene
from dashboard.views.together import Together
from dashboard.views.wording import capital, cost_words, count_of, listing, small
from layers import NEED_THRESHOLD, Direction, Layer


@dataclass(frozen=True)
class AnswerWords:
    """``sentence`` is the answer; ``more`` what is said beneath it; ``level`` of which areas both are."""

    sentence: str
    more: tuple[str, ...] = ()
    level: str = ""


def answer_words(
    published: Published, selection: Selection, shown: Scene, together: Together | NoAnswer | None = None
) -> AnswerWords:
    """The sentence of a selection, whatever it shows."""
    if shown is None:
        return AnswerWords("Only services are shown. Choose a need to see who is far from them.")
    if isinstance(shown, NoAnswer):
        return AnswerWords(shown.title, shown.reasons)
    level = f"Shown by {wording.LEVEL_WORDS[selection.level][0]}."
    if isinstance(shown, Gaps):
        if selection.show == "access":
            said, more = access_sentence(shown), ()
        elif selection.shared and isinstance(together, Together):
            said, more = nearer_sentence(together), (facing_sentence(shown),)
        else:
            said, more = gap_sentence(shown), (range_sentence(shown), facing_sentence(shown))
        return AnswerWords(said or summary_sentence(shown), tuple(filter(None, more)), level)
    if isinstance(shown, WeightedNeed):
        noun = need_noun(published, selection.needs, shown.layers)
        shares = worst_shares(published, selection, shown)
        said = claims_of(shown.layers).gate(worst_sentence(shares, f"need is high ({noun})"))
        return AnswerWords(said or f"Need by {noun}.", (), level)
    return AnswerWords(_of_indicator(published, selection, shown), (), level)


# ---- need -------------------------------------------------------------------------------------------------------------


def need_noun(published: Published, needs: Sequence[tuple[str, float]], layers: Sequence[Layer]) -> str:
    """What need is measured by, within a sentence: "alcohol harm" for a ready-made set, an indicator's title, "5 indicators"."""
    asked = dict(needs)
    for preset in published.region.presets:
        if dict(preset.weights) == asked:
            return small(preset.name.split(" (")[0])
    if len(layers) == 1:
        return small(layers[0].title)
    return f"your {spoken.word(len(layers))} indicators" if layers else "no indicator"


def worst_shares(
    published: Published, selection: Selection, shown: Choropleth | WeightedNeed
) -> tuple[AuthorityShare, ...]:
    """The share of each authority's people in the worst fifth of the region; () where the map does not show fifths, or an end that
    is worse."""
    if isinstance(shown, WeightedNeed):
        high = np.where(np.isfinite(shown.score), shown.score >= NEED_THRESHOLD, False)
        return authority_shares(published, shown.level, shown.in_view, high)
    fifths = (selection.scheme, selection.bands, len(shown.bands)) == ("quantiles", "region", 5)
    if not fifths or shown.level == "lad" or shown.layer.descriptor.direction == Direction.NEUTRAL:
        return ()
    worst = len(shown.bands) - 1 if shown.worst_first else 0
    return authority_shares(published, shown.level, shown.in_view, shown.classes == worst)


def _of_indicator(published: Published, selection: Selection, chart: Choropleth) -> str:
    """Where an indicator is worst: by the share of people in the worst fifth, else its highest and lowest area."""
    claims = claims_of([chart.layer])
    shares = worst_shares(published, selection, chart)
    said = claims.gate(worst_sentence(shares, f"“{chart.layer.title}” is among the worst fifth of the region"))
    if said:
        return said
    when = f", {chart.period}" if chart.period else ""
    value = np.where(chart.in_view, chart.frame["value"].to_numpy("float64"), np.nan)
    if not np.isfinite(value).any():
        dated = f" ({chart.period})" if chart.period else ""
        return f"There are no figures for {small(chart.layer.title)}{dated} by {wording.LEVEL_WORDS[chart.level][0]}."
    named = published.region.areas[chart.level]["name"]
    high, low = int(np.nanargmax(value)), int(np.nanargmin(value))
    text = (
        f"{chart.layer.title}{when}: highest in {named.iat[high]}, {chart.value_text(value[high])}; "
        f"lowest in {named.iat[low]}, {chart.value_text(value[low])}."
    )
    return claims.gate(text) or f"{chart.layer.title}{when}."


def worst_sentence(shares: Sequence[AuthorityShare], what: str) -> str:
    """ "One in three people in South Tyneside live where need is high (alcohol harm), one in nine in North Tyneside."; "" where
    nobody does."""
    if not shares or not shares[0].people > 0:
        return ""
    most, least = shares[0], shares[-1]
    text = f"{capital(spoken.of_people(most.share, f'people in {most.name}'))} live where {what}"
    return f"{text}, {spoken.one_in(least.share)} in {least.name}." if len(shares) > 1 else f"{text}."


# ---- access, gap, shared ----------------------------------------------------------------------------------------------


def _people_where(gaps: Gaps, people: float, what: str) -> str:
    """ "About 129,000 people, one in fifteen residents, live ..."."""
    share = people / gaps.summary["residents"] if gaps.summary["residents"] else 0.0
    partner = gaps.published.region.partner(gaps.request.partner) if gaps.request.partner else None
    where = f" of {partner.name}" if partner else ""
    return f"About {spoken.people(people)} people, {spoken.of_people(share)}{where}, live {what}."


@gated
def gap_sentence(gaps: Gaps) -> str:
    """How many people live in gaps, and where; "" where nobody does."""
    s = gaps.summary
    if not s["underserved_areas"]:
        return ""
    noun = need_noun(gaps.published, gaps.request.need, gaps.needs)
    found, places = gaps.cards, spoken.word(len(gaps.cards))
    if not gaps.claims.counts:
        areas = capital(count_of(s["underserved_areas"], gaps.level))
        return f"{areas} in {places} {_place(found)} have high need ({noun}) with {poor_words(gaps, brief=True)}."
    text = _people_where(
        gaps, s["underserved_residents"], f"where need is high ({noun}), with {poor_words(gaps, brief=True)}"
    )
    if len(found) == 1:
        return f"{text} They are in one place: {found[0].place}."
    if len(found) <= FIRST:
        return f"{text} They are in {places} places, {found[0].place} first."
    share = sum(card.residents for card in found[:FIRST]) / max(sum(card.residents for card in found), 1.0)
    return f"{text} {capital(spoken.one_in(share))} are in {spoken.word(FIRST)} places, {found[0].place} first."


def _place(found: Sequence) -> str:
    return "place" if len(found) == 1 else "places"


def poor_shares(gaps: Gaps) -> tuple[AuthorityShare, ...]:
    """The share of each authority's people with poor access; what is only across water stands apart."""
    table = gaps.result.areas
    poor = (table["poor"] & ~table["crossing"]).to_numpy(bool)
    return authority_shares(gaps.published, gaps.level, gaps.in_view, poor)


@gated
def access_sentence(gaps: Gaps) -> str:
    """How many people live with poor access, and where most of all; "" where nobody does, or people may not be counted."""
    shares = poor_shares(gaps)
    people = sum(each.people for each in shares)
    if not people > 0 or not gaps.claims.counts:
        return ""
    said = poor_words(gaps, brief=True)
    text = _people_where(gaps, people, f"{'in' if said.startswith('a place') else 'with'} {said}")
    if len(shares) < 2 or not gaps.claims.ranks:
        return text
    most, least = shares[0], shares[-1]
    return f"{text} In {most.name} it is {spoken.one_in(most.share)}, in {least.name} {spoken.one_in(least.share)}."


@gated
def nearer_sentence(together: Together) -> str:
    """How many people live nearer to another authority's service than to one of their own, and where they go most."""
    s, thing = together.summary, one_of(together.services)
    people = s["residents_nearer_elsewhere"]
    if not people > 0 or not together.claims.counts:
        return f"Nobody lives nearer to another authority’s {thing}." if together.claims.counts else ""
    share = spoken.of_people(people / s["residents"] if s["residents"] else 0.0)
    text = f"About {spoken.people(people)} people, {share}, live nearer to another authority’s {thing} than to one of their own."
    if not together.flows:
        return text
    first = together.flows[0]
    return f"{text} The largest flow is from {first.name} to {first.nearest_name}."


def facing(gaps: Gaps) -> tuple[int, int]:
    """How many underserved communities cross a border, and how many more lie close to one of another authority."""
    shared = sum(card.shared for card in gaps.cards)
    return shared, sum(card.id in gaps.across and not card.shared for card in gaps.cards)


@gated
def facing_sentence(gaps: Gaps) -> str:
    """With whom the gaps are shared: which cross a council border, which lie close to one next door, and whose they are most."""
    if not gaps.cards:
        return ""
    shared, close = facing(gaps)
    if not shared and not close:
        return "None of these gaps crosses a council border."
    parts = [f"{capital(spoken.word(shared))} {'gap crosses' if shared == 1 else 'gaps cross'} a council border" if shared
             else "No gap crosses a council border"]  # fmt: skip
    if close:
        lie = "lies" if close == 1 else "lie"
        parts.append(
            f"{spoken.word(close)} {'more ' if shared else ''}{lie} within {cost_words(ACROSS_M, 'm')} of one next door"
        )
    named, pairs = {card.id: card for card in gaps.cards}, Counter()
    for card in gaps.cards:
        others = {share.name for share in card.authorities[1:]}
        others |= {named[near.id].authorities[0].name for near in gaps.across.get(card.id, ())}
        pairs.update(frozenset((card.authorities[0].name, other)) for other in others)
    most = max(((n, sorted(pair, reverse=True)) for pair, n in pairs.items() if len(pair) == 2), default=None)
    between = f", most between {listing(sorted(most[1]))}" if most and gaps.claims.ranks else ""
    joined = (", and " if shared else ", but ").join(parts)
    return f"{joined}{between}."
