"""Tokens that make a headline a finding: shares as people say them, a comparison with England or between authorities, and what a
next site would bring. How each is rounded stands in :mod:`dashboard.views.spoken`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote

from dashboard.briefings.filling.asking import Ask, Tokens, counted, no_stop, pins, refused
from dashboard.briefings.filling.figures import left_out_of, whole_fact, whole_figure
from dashboard.briefings.filling.findings import (
    BEYOND,
    BEYOND_EG,
    GAPS_EG,
    about_gaps,
    about_together,
    beyond_areas,
    beyond_of,
)
from dashboard.briefings.filling.model import Fact
from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views import gap_words, spoken, wording
from dashboard.views.gaps import Gaps
from dashboard.views.siting import Plan, plan_sites, site_cards, siting_request
from layers import Kind, Layer, Measure, Refused, Viewer

COMPARING = Tokens()
token = COMPARING.add

OF_RESIDENTS = "% of residents"


def _share_fact(ask: Ask, share: float, more: dict, who: str = "residents") -> Fact:
    detail = f"{100 * share:.1f}% of {who}. {more.get('detail', '')}".strip()
    return Fact(spoken.of_people(share, who), 100 * share, f"% of {who}", **more | {"detail": detail})


# ---- the region in one figure, compared ---------------------------------------------------------------------------------

_WHOLE, _EG = "[layer] [period] [view]", "layer=adults-in-work"


def _word(layer: Layer) -> str:
    return {Measure.PERCENTAGE: "share", Measure.RATE: "rate"}.get(layer.descriptor.measure, "figure")


def _reference(ask: Ask, layer: Layer, period: str, kind: str):
    """What the layer says of England, where the region's figure is of the same make: the middle of areas is not."""
    reference = layer.descriptor.reference
    if reference is None:
        raise ask.refused(f"“{layer.title}” has no figure to compare with", "leave the comparison out")
    if not kind.endswith("together"):
        what = f"the region’s figure of “{layer.title}” is not one that compares with {reference.name}’s"
        raise ask.refused(what, "leave the comparison out")
    if reference.period and period and reference.period != period:
        what = f"“{layer.title}” is of {period}, and {reference.name}’s figure of {reference.period}"
        raise ask.refused(what, "leave the comparison out")
    return reference


def _with_reference(ask: Ask, words: Callable[[Layer, float, object], str]) -> Fact:
    layer, period, value, kind = whole_figure(ask)
    if left_out_of(ask, layer, period):
        raise ask.refused(f"some areas have no figure of “{layer.title}”", "leave the comparison out")
    reference = _reference(ask, layer, period, kind)
    text = words(layer, value, reference)
    if not text:
        raise ask.refused(f"the figures of “{layer.title}” do not make a comparison", "leave it out")
    made = whole_fact(ask, lambda *_: text)
    return replace(
        made, detail=f"{made.detail} {reference}.", value=value / reference.value, unit=f"times {reference.name}"
    )


@token(
    "whole.compared",
    _WHOLE,
    "The region’s figure against England’s, where the layer gives that: “twice the England share”",
    _EG,
)
def _(ask: Ask) -> Fact:
    return _with_reference(
        ask, lambda layer, value, ref: spoken.against(value, ref.value, f"the {ref.name} {_word(layer)}")
    )


@token("whole.finding", _WHOLE, "The same as the rest of a sentence: “has twice the England share of …”", _EG)
def _(ask: Ask) -> Fact:
    def words(layer: Layer, value: float, ref) -> str:
        return spoken.finding(value, ref.value, _word(layer), wording.small(layer.title), ref.name)

    return _with_reference(ask, words)


@token("whole.one_in", _WHOLE, "The region’s percentage as people: “one in fifteen residents”", "layer=adults-in-work")
def _(ask: Ask) -> Fact:
    layer, _, value, kind = whole_figure(ask)
    unit = layer.descriptor.unit
    if not unit.startswith("% of ") or not 0 < value <= 100 or not kind.endswith("together"):
        raise ask.refused(f"“{layer.title}” is no share of people or households", "use whole")
    text = spoken.of_people(value / 100, unit.removeprefix("% of ").strip())
    return whole_fact(ask, lambda *_: text)


@token(
    "whole.spread", _WHOLE, "The highest authority against the lowest: “Newcastle has twice the share of Durham”", _EG
)
def _(ask: Ask) -> Fact:
    def of(name: str) -> Fact:
        given = ask.token.arguments | {"level": "lad"}
        return ask.facts.fact(replace(ask.token, name=name, text=f"{name} {ask.token.text}", arguments=given), ask.view)

    layer = ask.layer()
    high, low = of("highest.value"), of("lowest.value")
    names = of("highest"), of("lowest")
    said = spoken.times(high.value or 0.0, low.value or 0.0)
    if not said or " and " in names[0].text or " and " in names[1].text or names[0].text == names[1].text:
        raise ask.refused(f"the authorities do not differ in “{layer.title}” so that it could be said", "leave it out")
    word = _word(layer)
    if said.startswith("about"):
        text = f"{names[0].text} has about the same {word} as {names[1].text}"
    elif said.endswith(" above"):
        text = f"{names[0].text} is {said} {names[1].text}"
    else:
        text = f"{names[0].text} has {said} the {word} of {names[1].text}"
    return replace(high, text=text, detail=f"{high.detail} {low.detail}")


# ---- services and access ------------------------------------------------------------------------------------------------


def _sites_by_authority(ask: Ask) -> tuple[Layer, list[tuple[str, int, float]]]:
    layer = ask.layer(Kind.SERVICES)
    frame = ask.region.areas["lad"]
    rows = [
        (str(name), int(layer.coverage.get(code, 0)), float(people))
        for code, name, people in zip(frame["code"], frame["name"], frame["population"], strict=True)
    ]
    return layer, rows


@token("services.per", "[layer] [view]", "Residents for each service of a list, as spoken: “8,700”", "layer=pharmacies")
def _(ask: Ask) -> Fact:
    layer, rows = _sites_by_authority(ask)
    sites, people = sum(row[1] for row in rows), sum(row[2] for row in rows)
    if not sites:
        raise ask.refused(f"“{layer.title}” has no site in the region", "choose another list")
    detail = f"{people:,.0f} residents and {sites:,} sites of {layer.title}."
    link = f"/catalogue/{quote(layer.id)}"
    return Fact(
        spoken.people(people / sites), people / sites, "residents", layer.period, "ok", detail, pins(layer), link
    )


@token(
    "services.fewest",
    "[layer] [view]",
    "The authority with most residents for each: “one for every 10,200 in Gateshead”",
    "layer=pharmacies",
)
def _(ask: Ask) -> Fact:
    layer, rows = _sites_by_authority(ask)
    rows = [(people / sites if sites else float("inf"), name) for name, sites, people in rows if people > 0]
    if len(rows) < 2:
        raise ask.refused("there is one authority only", "leave it out")
    most, name = max(rows)
    text = f"none in {name}" if most == float("inf") else f"one for every {spoken.people(most)} in {name}"
    value = None if most == float("inf") else most
    link = f"/catalogue/{quote(layer.id)}"
    return Fact(text, value, "residents", layer.period, "ok", f"{layer.title}, by authority.", pins(layer), link)


@token(
    "access.one_in", BEYOND, "Residents beyond m metres as a share, as spoken: “one in fifteen residents”", BEYOND_EG
)
def _(ask: Ask) -> Fact:
    beyond, everybody, more = beyond_of(ask)
    if everybody <= 0:
        raise ask.refused("nobody lives in these areas", "choose others")
    return _share_fact(ask, beyond / everybody, more)


@token(
    "access.most",
    BEYOND,
    "The authority with the greatest share beyond m metres: “in Northumberland one in four”",
    BEYOND_EG,
)
def _(ask: Ask) -> Fact:
    frame = ask.region.areas["lad"]
    found = []
    areas, beyond, more = beyond_areas(ask)
    for code, name in zip(frame["code"], frame["name"], strict=True):
        mine = (areas["lad_code"] == code).to_numpy(bool)
        people = areas["population"].to_numpy("float64")[mine]
        if people.sum() > 0:
            found.append((float(people[beyond[mine]].sum() / people.sum()), str(name)))
    if len(found) < 2 or not max(found)[0] > 0:
        raise ask.refused("there is one authority only", "leave it out")
    share, name = max(found)
    return Fact(f"in {name} {spoken.one_in(share)}", 100 * share, OF_RESIDENTS, **more)


# ---- gaps ---------------------------------------------------------------------------------------------------------------


def _gap_token(key: str, arguments: str, says: str, example: str = ""):
    def put(answer: Callable[[Ask, Gaps], Fact]):
        token(key, arguments, says, f"{example} {GAPS_EG}".strip())(lambda ask: answer(ask, ask.gaps()))
        return answer

    return put


@_gap_token("gaps.one_in", "[view]", "Residents of underserved areas as a share, as spoken: “one in fifteen residents”")
def _(ask: Ask, gaps: Gaps) -> Fact:
    s = gaps.summary
    if s["residents"] <= 0:
        raise ask.refused("nobody lives in these areas", "choose others")
    return _share_fact(ask, s["underserved_residents"] / s["residents"], about_gaps(gaps, ask))


@_gap_token(
    "gaps.most",
    "[view]",
    "The authority with the greatest share, against all: “in Sunderland one in six, twice the share here”",
)
def _(ask: Ask, gaps: Gaps) -> Fact:
    names = dict(zip(*(ask.region.areas["lad"][column] for column in ("code", "name")), strict=True))
    rows = [
        (row["underserved_residents"] / row["residents"], str(names.get(row["lad_code"], row["lad_code"])))
        for row in gaps.summary["by_authority"]
        if row["residents"] > 0
    ]
    whole = gaps.summary["underserved_residents"] / max(gaps.summary["residents"], 1)
    if len(rows) < 2 or not max(rows)[0] > 0:
        raise ask.refused("there is one authority only, or no gap", "leave it out")
    share, name = max(rows)
    more = about_gaps(gaps, ask)
    detail = f"{name}: {100 * share:.1f}% of residents; all: {100 * whole:.1f}%. {more['detail']}"
    return Fact(f"in {name} {spoken.one_in(share)}", 100 * share, OF_RESIDENTS, **more | {"detail": detail})


@_gap_token(
    "gaps.range", "[view]", "From how many to how many residents it would be with other choices: “86,000 to 180,000”"
)
def _(ask: Ask, gaps: Gaps) -> Fact:
    found = gaps.summary.get("underserved_residents_range")
    if not found or found["upper"] - found["lower"] < 1:
        raise ask.refused("how much the number would change was not worked out", "leave it out")
    low, high = spoken.people(found["lower"]), spoken.people(found["upper"])
    if low == high:
        raise ask.refused("the number does not change as spoken", "leave it out")
    more = about_gaps(gaps, ask)
    detail = f"The middle of all trials with other choices: {found['lower']:,.0f} to {found['upper']:,.0f} residents. {more['detail']}"
    return Fact(f"{low} to {high}", None, "residents", **more | {"detail": detail})


def _people_of(gaps: Gaps) -> list[float]:
    return sorted((card.residents for card in gaps.cards), reverse=True)


@_gap_token("gaps.half_in", "[view]", "How few communities hold half of all residents of gaps, in words: “five”")
def _(ask: Ask, gaps: Gaps) -> Fact:
    people = _people_of(gaps)
    total, held, n = sum(people), 0.0, 0
    while people and held < total / 2:
        held += people[n]
        n += 1
    if len(people) < 4 or n > len(people) * 0.4:
        raise ask.refused("no few communities hold half of them", "leave it out")
    more = about_gaps(gaps, ask)
    detail = f"{held:,.0f} of {total:,.0f} residents live in {n:,} of {len(people):,} communities. {more['detail']}"
    return Fact(spoken.word(n), float(n), "communities", **more | {"detail": detail})


@_gap_token("gaps.top", "[n] [view]", "What share of residents of gaps the n largest communities hold: “half”", "n=10")
def _(ask: Ask, gaps: Gaps) -> Fact:
    people, n = _people_of(gaps), ask.rank()
    if n > len(people):
        raise ask.refused(f"there are only {len(people):,} communities", "use a smaller n")
    share = sum(people[:n]) / max(sum(people), 1.0)
    who = "people in these gaps"
    return Fact(spoken.of_people(share, who), 100 * share, "% of residents of gaps", **about_gaps(gaps, ask))


# ---- alone and together -------------------------------------------------------------------------------------------------


@token(
    "together.one_in",
    "[view]",
    "Residents nearer to another authority’s service as a share, as spoken",
    'view="services=alcohol-drug-services"',
)
def _(ask: Ask) -> Fact:
    found = ask.together()
    s = found.summary
    if s["residents"] <= 0:
        raise ask.refused("nobody lives in these areas", "choose others")
    share = s["residents_nearer_elsewhere"] / s["residents"]
    return _share_fact(ask, share, about_together(found, ask))


# ---- the next site ------------------------------------------------------------------------------------------------------


def plan_for(published: Published, selection: Selection, reader: Viewer, new: int) -> Plan:
    """Where the next sites help most, by the quick search, beside what each authority would plan alone: short work, the same for
    whoever asks, and kept. The proof takes longer and is asked for on the options page."""
    request = siting_request(published, selection, new=new, exact=False, compare_alone=new > 1)
    try:
        plan = plan_sites(published, request, reader, period=selection.period)
    except Refused as no:
        what = no.faults[0].what if no.faults else no.title
        raise refused(no_stop(what), "leave it out", "briefing-empty") from None
    if not plan.result.plan.sites or not plan.result.plan.value > 0:
        raise refused("no place was found from which one more site would help", "leave it out", "briefing-empty")
    return plan


def plan_of(ask: Ask, new: int) -> Plan:
    if not 1 <= new <= 5:
        raise ask.refused(f"n is {new}", "use n from 1 to 5", "argument")
    if not ask.gaps().summary["underserved_areas"]:
        raise ask.refused("no area of this view is underserved", "leave it out")
    return plan_for(ask.published, ask.selection, ask.reader, new)


def _about_plan(ask: Ask, plan: Plan) -> dict:
    return {
        "layers": pins(*plan.layers),
        "link": f"/options?{replace(ask.selection, area='', at=None).query_string()}",
        "detail": _METHOD,
    }


_METHOD = "Found by a quick search for the places from which most residents of gaps come within the distance."

_SITE_EG = f"n=1 {GAPS_EG}"


@token(
    "site.place", "[n] [view]", "Where the next site would help most (n=2: the second): a place by its name", _SITE_EG
)
def _(ask: Ask) -> Fact:
    n = ask.rank()
    plan = plan_of(ask, n)
    cards = site_cards(plan)
    if n > len(cards):
        raise ask.refused(f"there are only {len(cards)} places", "use a smaller n")
    return Fact(cards[n - 1].name, **_about_plan(ask, plan))


@token(
    "site.residents",
    "[n] [view]",
    "How many residents of gaps the n next sites would bring within the distance",
    _SITE_EG,
)
def _(ask: Ask) -> Fact:
    plan = plan_of(ask, ask.rank())
    return counted(plan.result.plan.value, "residents", **_about_plan(ask, plan))


@token("site.one_in", "[n] [view]", "The same as a share of all residents of gaps, as spoken: “one in eight”", _SITE_EG)
def _(ask: Ask) -> Fact:
    plan = plan_of(ask, ask.rank())
    share = plan.result.plan.value / max(plan.result.plan.demand, 1.0)
    more = _about_plan(ask, plan)
    more["detail"] = f"{plan.result.plan.value:,.0f} of {plan.result.plan.demand:,.0f} residents. {more['detail']}"
    return Fact(spoken.of_people(share, "people in these gaps"), 100 * share, "% of residents of gaps", **more)


def gains_of(plan: Plan) -> list[tuple[str, float]]:
    """(authority, residents of gaps whom the sites would bring within the distance), most first."""
    names, gained = gap_words.authority_names(plan.published), {}
    for site in plan.result.plan.sites:
        for lad, people in site.gained_by_lad.items():
            gained[lad] = gained.get(lad, 0.0) + people
    order = sorted(gained.items(), key=lambda item: (-item[1], item[0]))
    return [(names.get(lad, lad), people) for lad, people in order if people >= 0.5]


@token(
    "site.gains",
    "[n] [view]",
    "Who gains by the n next sites, by authority: “Sunderland 18,000, Gateshead 3,300”",
    _SITE_EG,
)
def _(ask: Ask) -> Fact:
    plan = plan_of(ask, ask.rank())
    said = [f"{name} {spoken.people(people)}" for name, people in gains_of(plan)]
    return Fact(wording.listing(said, 4), None, "residents", **_about_plan(ask, plan))


@token(
    "site.more",
    "[n] [view]",
    "How many more residents n sites reach when they are planned together than apart",
    f"n=3 {GAPS_EG}",
)
def _(ask: Ask) -> Fact:
    plan = plan_of(ask, ask.rank())
    alone = plan.result.plan.alone
    if alone is None or alone.saving < 0.5:
        raise ask.refused("planning together reaches no more than planning apart", "leave it out")
    return counted(alone.saving, "residents", **_about_plan(ask, plan))
