"""Tokens about what is found when need meets services: who is far away, gaps, communities, alone against together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from urllib.parse import quote

from dashboard.briefings.filling.asking import Ask, Tokens, counted, pins
from dashboard.briefings.filling.model import Fact
from dashboard.selection import Selection
from dashboard.views import gap_words, wording
from dashboard.views.area import nearest_services
from dashboard.views.crossing_words import line_words
from dashboard.views.gap_communities import CommunityCard
from dashboard.views.gaps import Gaps
from dashboard.views.siting import FIFTHS, compare
from dashboard.views.together import Together, together_for, together_sentence
from dashboard.views.wording import cost_words, percent
from layers import Kind, Layer

FINDINGS = Tokens()
token = FINDINGS.add

# ---- services and access ------------------------------------------------------------------------------------------------


@token("services.count", "[layer] [view]", "How many services of a list stand in the region", "layer=pharmacies")
def _(ask: Ask) -> Fact:
    layer = ask.layer(Kind.SERVICES)
    lads = ask.region.partner(ask.partner).footprint if ask.partner else layer.coverage
    n = sum(layer.coverage.get(code, 0) for code in lads)
    outside = layer.sites - sum(layer.coverage.values())
    detail = f"{layer.title} in {ask.where}."
    detail += f" {outside:,} more stand near its border." if outside and not ask.partner else ""
    link = f"/catalogue/{quote(layer.id)}"
    return counted(n, "services", period=layer.period, detail=detail, layers=pins(layer), link=link)


def _nearest(ask: Ask, words: Callable, value_of: Callable) -> Fact:
    code = ask.must("area")
    ask.facts.area(code)
    layer = ask.layer(Kind.SERVICES)
    lines = nearest_services(ask.published, code, Selection(services=(layer.id,)), ask.reader)
    if not lines:
        raise ask.refused(f"no site of “{layer.title}” can be measured from here", "choose another area or list")
    line = lines[0]
    where = f" ({line.lad_name})" if line.lad_name else ""
    whence = "" if line.averaged else " from the middle of its postcodes"
    detail = f"{layer.title}: {line.name}{where}, {line.distance} {line.how}{whence}."
    value, unit = value_of(line)
    return Fact(words(line), value, unit, layer.period, "ok", detail, pins(layer), f"/areas/{quote(code)}")


@token("services.nearest", "[layer] area [view]", "The service nearest to an area", "layer=pharmacies area=DW001")
def _(ask: Ask) -> Fact:
    return _nearest(ask, lambda line: line.name, lambda _: (None, ""))


@token(
    "services.distance",
    "[layer] area [view]",
    "How far away that is, in a straight line, over land around water",
    "layer=pharmacies area=DW001",
)
def _(ask: Ask) -> Fact:
    return _nearest(ask, lambda line: line.distance, lambda line: (line.distance_m, "m"))


def beyond_of(ask: Ask) -> tuple[float, float, dict]:
    """Residents farther away than ``m``, all residents, and what goes with the fact."""
    areas, beyond, more = beyond_areas(ask)
    people = areas["population"].to_numpy("float64")
    return float(people[beyond].sum()), float(people.sum()), more


def beyond_areas(ask: Ask):
    """The areas of the view, which of them (bool) lie farther away than ``m``, and what goes with the fact."""
    services = ask.services()
    standards = [each.descriptor.access_standard.max_m for each in services if each.descriptor.access_standard]
    metres = ask.number("m", 1, 200_000, f"{min(standards):g}" if standards else "")
    level, detour = ask.level(), ask.around.detour if ask.around is not None else 1.0
    found = together_for(
        ask.published,
        [layer.id for layer in services],
        ask.reader,
        level=level,
        max_m=metres,
        detour=detour,
        partner=ask.partner,
    )
    areas = found.result.areas
    beyond = ~(areas["together_m"].to_numpy("float64") <= metres)  # no service at all is beyond any distance
    how = f"a {line_words(detour, around=bool(found.result.crossing_lists))}"
    detail = (
        f"Residents of {wording.count_of(int(beyond.sum()), level)} of {ask.where} whose middle is more than "
        f"{wording.standard_words(metres)} ({how}) from {gap_words.a_site(services)}."
    )
    query = Selection(services=found_ids(services), show="access", level=level, max_m=metres, partner=ask.partner)
    more = {"detail": detail, "layers": pins(*services), "link": query.link(), "period": _periods(services)}
    return areas, beyond, more


def found_ids(layers: Iterable[Layer]) -> tuple[str, ...]:
    return tuple(layer.id for layer in layers)


def _periods(layers: Iterable[Layer]) -> str:
    return wording.listing(list(dict.fromkeys(layer.period for layer in layers if layer.period)), 4)


BEYOND = "[services] [m] [level] [view]"
BEYOND_EG = "services=pharmacies m=1600"


@token(
    "access.residents_beyond",
    BEYOND,
    "Residents farther than m metres (else the standard) from the nearest",
    BEYOND_EG,
)
def _(ask: Ask) -> Fact:
    beyond, _, more = beyond_of(ask)
    return counted(beyond, "residents", **more)


@token("access.share_beyond", BEYOND, "The same as a share of all residents", BEYOND_EG)
def _(ask: Ask) -> Fact:
    beyond, everybody, more = beyond_of(ask)
    return _share(ask, beyond, everybody, more)


def _share(ask: Ask, people: float, everybody: float, more: dict) -> Fact:
    if everybody <= 0:
        raise ask.refused("nobody lives in these areas", "choose others")
    return Fact(percent(people / everybody), 100 * (people / everybody), "% of residents", **more)


# ---- gaps ---------------------------------------------------------------------------------------------------------------

GAPS_EG = 'view="need=alcohol-admissions&services=alcohol-drug-services"'


def about_gaps(gaps: Gaps, ask: Ask) -> dict:
    selection = replace(ask.selection, show="gap", area="", at=None)
    periods = dict.fromkeys(each["period"] for each in gaps.result.parameters["need"] if each["period"])
    more = {"layers": pins(*gaps.layers), "period": wording.listing(list(periods), 4), "link": selection.link()}
    unknown = gaps.summary["areas_without_need"]
    note = (
        f" Need is not known for {wording.count_of(unknown, gaps.level)}; none of them is counted." if unknown else ""
    )
    return more | {"detail": gap_words.rule_sentence(gaps) + note}


def _gap_number(key: str, unit: str, says: str, read: Callable[[Gaps], float | None] | None = None, lacking: str = ""):
    def say(ask: Ask) -> Fact:
        gaps = ask.gaps()
        value = read(gaps) if read is not None else gaps.summary[key]
        if value is None and lacking == _UNSURE and gaps.claims.sampled:
            raise ask.refused(
                "its list is a sample, and of a sample no gap is called sure", "say how many areas there are"
            )
        if value is None:
            raise ask.refused(lacking, "use a view by small areas (level=lsoa)")
        named = unit or wording.LEVEL_WORDS[gaps.level][1]
        return counted(value, named, **about_gaps(gaps, ask))

    return token(f"gaps.{key}", "[view]", says, GAPS_EG)(say)


def _sure(gaps: Gaps, *words: str) -> int | None:
    stability = gaps.summary.get("stability")
    return sum(stability[word] for word in words) if stability else None


def _vanish(gaps: Gaps) -> int | None:
    lost = gaps.summary.get("vanish_at_ward")
    return lost["areas"] if lost else None


_UNSURE = "how sure these gaps are was not worked out"
_gap_number("areas", "", "Underserved areas", lambda gaps: gaps.summary["underserved_areas"])
_gap_number(
    "residents", "residents", "Residents of underserved areas", lambda gaps: gaps.summary["underserved_residents"]
)


@token("gaps.share", "[view]", "The same as a share of all residents", GAPS_EG)
def _(ask: Ask) -> Fact:
    gaps = ask.gaps()
    s = gaps.summary
    return _share(ask, s["underserved_residents"], s["residents"], about_gaps(gaps, ask))


_gap_number("communities", "communities", "Communities that underserved areas form where they touch")
_gap_number(
    "shared", "communities", "Communities in two or more authorities", lambda gaps: gaps.summary["shared_communities"]
)
_gap_number("shared_residents", "residents", "Residents of shared communities")
_gap_number(
    "firm",
    "",
    "Underserved areas that are firm gaps whatever choices are made",
    lambda gaps: _sure(gaps, "firm"),
    _UNSURE,
)
_gap_number("sure", "", "Those that are firm or likely", lambda gaps: _sure(gaps, "firm", "likely"), _UNSURE)
_gap_number("near_misses", "", "Areas that come close to being underserved")
_gap_number(
    "vanish",
    "",
    "Underserved small areas that a map of wards would hide",
    _vanish,
    "what a map of wards would hide is known for small areas only",
)


def _gap_words(key: str, says: str, words: Callable[[Gaps], str]):
    def say(ask: Ask) -> Fact:
        gaps = ask.gaps()
        return Fact(words(gaps), **about_gaps(gaps, ask))

    return token(f"gaps.{key}", "[view]", says, GAPS_EG)(say)


def _fifth_of_need(key: str, at: int, says: str):
    """The mean way to the nearest service in the fifth of need with most (0) or least (-1); the chart of fifths shows all."""

    def say(ask: Ask) -> Fact:
        gaps = ask.gaps()
        (card,) = compare(gaps, ask.reader, {"now": ()})
        rows = [row for row in card.by_fifth if row.mean_before is not None and row.name != FIFTHS[0]]
        if not rows:
            raise ask.refused("there is no service to measure to", "choose other services")
        unit = gaps.result.model.unit
        words = cost_words(rows[at].mean_before, unit)
        about = about_gaps(gaps, ask)
        about["detail"] = (
            f"Mean of residents’ way to the {gap_words.nearest_words(gaps.services)}: {rows[at].name[:1].lower()}{rows[at].name[1:]}."
        )
        return Fact(words, rows[at].mean_before, unit, **about)

    return token(f"access.{key}", "[view]", says, GAPS_EG)(say)


_fifth_of_need("most_need", 0, "Mean way to the nearest service for the fifth of areas with most need")
_fifth_of_need("least_need", -1, "The same for the fifth with least need")


_gap_words("rule", "What “underserved” means in this view, a sentence", gap_words.rule_sentence)
_gap_words("sentence", "What was found, a short paragraph", gap_words.summary_sentence)
_gap_words(
    "range", "Between which numbers the residents lie when the choices vary, a sentence", gap_words.range_sentence
)
_gap_words(
    "near_certain",
    "Areas that are nearly certain though not counted, a sentence",
    lambda gaps: gap_words.near_certain_sentence(gaps) or "No area is nearly certain without being counted.",
)
_gap_words("ward_sentence", "What a map of wards would hide, a sentence", gap_words.vanishing_sentence)
_gap_words("need", "The indicators of need", gap_words.need_name)
_gap_words("services", "The lists of services", lambda gaps: wording.listing([each.title for each in gaps.services]))


# ---- communities --------------------------------------------------------------------------------------------------------


def _community(ask: Ask) -> tuple[Gaps, CommunityCard]:
    gaps, shared, n = ask.gaps(), ask.yes("shared"), ask.rank()
    cards = [card for card in gaps.cards if card.shared or not shared]
    if n > len(cards):
        kind = "shared community" if shared else "community"
        many = f"{kind[:-1]}ies"
        count = (
            f"there is no {kind}" if not cards else f"there {'is' if len(cards) == 1 else 'are'} only {len(cards):,}"
        )
        named = "" if not cards else f" {kind if len(cards) == 1 else many}"
        raise ask.refused(f"{count}{named} in this view, and n is {n:,}", "use a smaller n, or another view")
    return gaps, cards[n - 1]


def _community_token(key: str, says: str, words: Callable[[CommunityCard], str], value=None, unit: str = ""):
    def say(ask: Ask) -> Fact:
        gaps, card = _community(ask)
        number = value(card) if value is not None else None
        about = about_gaps(gaps, ask)
        about["detail"] = f"{card.place}, {card.authorities_words}. {about['detail']}"
        return Fact(words(card), number, unit if number is not None else "", **about)

    return token(f"community.{key}", "[n] [shared] [view]", says, f"n=1 {GAPS_EG}")(say)


_community_token(
    "name", "Name of the largest community (n=2: the second; shared=yes: of those shared)", lambda card: card.name
)
_community_token(
    "residents", "Its residents", lambda card: wording.number(card.residents), lambda card: card.residents, "residents"
)
_community_token(
    "areas", "How many areas it has", lambda card: wording.number(card.areas), lambda card: float(card.areas), "areas"
)
_community_token(
    "authorities", "The authorities that it lies in", lambda card: wording.listing([s.name for s in card.authorities])
)
_community_token("shares", "How its residents are shared between them", lambda card: card.authorities_words)
_community_token(
    "stability", "How sure it is, a sentence", lambda card: card.stability_words, lambda card: card.stability
)
_community_token("need", "Its need, 0 to 100", lambda card: card.need_words, lambda card: card.need, "of 100")
_community_token("access", "Its access to the services", lambda card: card.access_words, lambda card: card.access)
_community_token("drivers", "What drives its need, a sentence", lambda card: card.drivers)
_community_token("penalty", "What the border costs it, a sentence or two", lambda card: card.border)


# ---- alone and together -------------------------------------------------------------------------------------------------

_TOGETHER = 'view="services=alcohol-drug-services"'


def about_together(found: Together, ask: Ask) -> dict:
    parameters = found.result.parameters
    limit = f" The standard is {wording.standard_words(parameters['max_m'])}." if parameters["max_m"] else ""
    how = line_words(parameters["detour"], around=bool(found.result.crossing_lists))
    detail = f"{wording.listing([each.title for each in found.services])}, {how}.{limit}"
    selection = replace(ask.selection, show="access", area="", at=None)
    return {
        "layers": pins(*found.layers),
        "period": _periods(found.services),
        "detail": detail,
        "link": selection.link(),
    }


def _together_number(key: str, named: str, unit: str, says: str):
    def say(ask: Ask) -> Fact:
        found = ask.together()
        value = found.summary.get(named)
        if value is None:
            lists = gap_words.one_of(found.services)
            what = f"{wording.capital(lists)} lists have no distance standard here"
            raise ask.refused(what, "add max_m= to the view, in metres")
        return counted(value, unit or wording.LEVEL_WORDS[found.level][1], **about_together(found, ask))

    return token(f"together.{key}", "[view]", says, _TOGETHER)(say)


_together_number(
    "residents",
    "residents_nearer_elsewhere",
    "residents",
    "Residents nearer to another authority’s service than to their own’s",
)


@token("together.share", "[view]", "The same as a share of all residents", _TOGETHER)
def _(ask: Ask) -> Fact:
    found = ask.together()
    s = found.summary
    return _share(ask, s["residents_nearer_elsewhere"], s["residents"], about_together(found, ask))


_together_number(
    "misjudged",
    "residents_misjudged",
    "residents",
    "Residents who seem to have none within the standard while neighbours’ services are left out",
)
_together_number("misjudged_areas", "areas_misjudged", "", "The areas that they live in")
_together_number(
    "without_own", "residents_without_own_service", "residents", "Residents of authorities that have no such service"
)


@token("together.sentence", "[view]", "What looking alone hides, a short paragraph", _TOGETHER)
def _(ask: Ask) -> Fact:
    found = ask.together()
    return Fact(together_sentence(found), **about_together(found, ask))


def _authority(ask: Ask, words: Callable, value: Callable) -> Fact:
    found, n = ask.together(), ask.rank()
    cards = [card for card in found.cards if card.residents_nearer_elsewhere > 0]
    if n > len(cards):
        many = "no authority has" if not cards else f"only {len(cards):,} {'has' if len(cards) == 1 else 'have'}"
        what = f"{many} residents who are nearer to another authority's service, and n is {n:,}"
        raise ask.refused(what, "use a smaller n, or other services")
    card = cards[n - 1]
    about = about_together(found, ask)
    number, unit = value(card)
    return Fact(words(card), number, unit, **(about | {"detail": f"{card.sentence} {about['detail']}"}))


@token(
    "together.authority",
    "[n] [view]",
    "The authority with most residents nearer to a service elsewhere",
    f"n=1 {_TOGETHER}",
)
def _(ask: Ask) -> Fact:
    return _authority(ask, lambda card: card.name, lambda _: (None, ""))


@token("together.authority_residents", "[n] [view]", "How many residents that are", f"n=1 {_TOGETHER}")
def _(ask: Ask) -> Fact:
    return _authority(
        ask,
        lambda card: wording.number(card.residents_nearer_elsewhere),
        lambda card: (card.residents_nearer_elsewhere, "residents"),
    )
