"""A gap, and what else the engine found out about access, in sentences. The engine gives numbers and codes; pages, API, commands,
briefings and exports all say them with these words.

A standard that somebody chose is never rounded (:func:`~dashboard.views.wording.standard_words`); what was measured is
(:func:`~dashboard.views.wording.cost_words`). The words of each way of measuring access stand in its row of ``METRICS``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from dashboard.published import Published
from dashboard.views import wording
from dashboard.views.claims import WHOLE, Claims, gated, sites_in_region
from dashboard.views.crossing_words import apart_sentence, in_a_line, line_words
from dashboard.views.gap_answer import GapAnswer
from dashboard.views.wording import cost_beside, cost_words, counted, small, standard_words, sure_percent
from layers import NEED_THRESHOLD, Community, GapRequest, GapResult, Layer, Need, Note, SitingPlan, SitingRequest

REASONS = {
    "": "",
    "no-service": "There is no service at all.",
    "no-own-service": "This authority has no such service of its own.",
    "no-own-way": "Every one of this authority’s own is across water, and no bridge, tunnel or ferry to it is declared.",
    "no-authority": "This area lies in no known authority.",
}
"""Why an area or an authority has no way alone, by the engine's code."""


# ---- one of the services --------------------------------------------------------------------------------------------


def nearest_words(services: Sequence[Layer]) -> str:
    """ "nearest drug and alcohol service", "nearest of the food banks and community pantries"."""
    if len(services) != 1:
        return f"nearest of {wording.listing([f'“{layer.title}”' for layer in services])}" if services else "nearest"
    words = small(services[0].title).split(" ")
    plural = [_plural(word) for word in words]
    if not plural[-1]:
        return f"nearest site of “{services[0].title}”"
    if any(plural[:-1]) and "and" in words:
        return f"nearest of the {' '.join(words)}"
    return f"nearest {' '.join([*words[:-1], _singular(words[-1])])}"


def one_of(services: Sequence[Layer]) -> str:
    """ "drug and alcohol service"; "service of these lists" for several."""
    if len(services) != 1:
        return "service of these lists"
    words = small(services[0].title).split(" ")
    plural = [_plural(word) for word in words]
    if plural[-1] and not (any(plural[:-1]) and "and" in words):
        return " ".join([*words[:-1], _singular(words[-1])])
    return f"site of “{services[0].title}”"


def a_site(services: Sequence[Layer]) -> str:
    """ "an alcohol and drug service", "a pharmacy"."""
    thing = one_of(services)
    return f"{'an' if _AN.match(thing) else 'a'} {thing}"


_AN = re.compile(r"[aeioAEIO]|[uU](?!ni|s[aei]|ro|ti)|[FHLMNRSX][A-Z]+\b")
"""What takes "an": urgent care but not a unit, and letters that are read one by one, as in NHS."""


def _plural(word: str) -> bool:
    return len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is"))


def _singular(word: str) -> str:
    return f"{word[:-3]}y" if word.endswith("ies") else word[:-1]


# ---- the rule -------------------------------------------------------------------------------------------------------


def rule_sentence(gaps: GapAnswer) -> str:
    """What "underserved" means in this view, with its thresholds."""
    request = gaps.request
    threshold = request.need_threshold
    fifth = "in the worst fifth of the region" if threshold == NEED_THRESHOLD else "high in the region"
    need = f"need {fifth} ({threshold:g} or more of 100)"
    over = " Where a line crosses water, the way over land counts." if gaps.result.crossing_lists else ""
    return f"Underserved here means: {need} and {poor_words(gaps)}{_whose(request)}.{over}"


def _whose(request: GapRequest) -> str:
    """Whose services count, to follow what poor access means."""
    return ", counting only services in the area's own authority" if request.alone else ""


def poor_words(gaps: GapAnswer, *, brief: bool = False) -> str:
    """What poor access means: "the nearest pharmacy more than 1.6 km away in a straight line". ``brief`` leaves out how distance
    is measured, where that stands beside it."""
    access = gaps.result.access
    if not len(gaps.result.model.sites):
        return f"poor access, which is everywhere: there is no {one_of(gaps.services)} at all"
    if access.limit is not None and access.metric.cost is not None:
        return _filled(gaps, access.metric.words("rule", gaps.level), brief)
    if access.metric.rule_nothing and not (access.cut or 0.0) > 0:
        return _filled(gaps, access.metric.rule_nothing, brief)
    return _filled(gaps, access.metric.words("rule_fifth", gaps.level), brief)


def _filled(gaps: GapAnswer, template: str, brief: bool = False) -> str:
    """The words of a metric with what they stand for in this answer.

    ``nearest`` and ``one`` name the services, ``limit`` is the standard, ``how`` the way of measuring a distance, to follow it;
    ``measure`` is distance or minutes; ``cut`` is where the worst fifth begins and ``beyond`` says so in brackets, "" where
    nothing is beyond; ``people`` share the capacity, and ``group`` and ``for_group`` are "" where these are all residents.
    """
    access, group, how = gaps.result.access, gaps.measures.group, "" if brief else how_words(gaps)
    cut, minutes = threshold_formatter(gaps)(access.cut), gaps.result.model.unit == "min"
    return template.format(
        nearest=nearest_words(gaps.services),
        one=one_of(gaps.services),
        limit=limit_words(gaps),
        how=how,
        measure=wording.capital(f"{'' if gaps.level == 'lsoa' else 'mean '}{'minutes' if minutes else 'distance'}"),
        cut=cut,
        beyond=f" ({cut} or more{how})" if access.cut is not None else "",
        people=f"people in “{group.title}”" if group else "its people",
        group=f" in “{group.title}”" if group else "",
        for_group=f" for people in “{group.title}”" if group else "",
    )


def limit_words(gaps: GapAnswer) -> str:
    """The standard as it was chosen; minutes that are a standard in metres, walked, are a measured time."""
    limit, unit = gaps.result.access.limit, gaps.result.model.unit
    return cost_words(limit, unit) if unit == "min" and gaps.request.max_min is None else standard_words(limit, unit)


def how_words(gaps: GapAnswer) -> str:
    """How distance is measured, to follow a distance: " in a straight line"."""
    request, model = gaps.request, gaps.result.model
    if model.travel is not None:
        return f" by “{gaps.measures.table.title}”" if gaps.measures.table else " by the travel times supplied"
    if model.unit == "min":
        return (
            f" (driven at {request.driving_kmh:g} km/h where households have a car, walked at "
            f"{request.walking_kmh:g} km/h where not)"
        )
    return f" {in_a_line(request.detour, around=bool(gaps.result.crossing_lists))}"


# ---- what was found -------------------------------------------------------------------------------------------------


@gated
def summary_sentence(gaps: GapAnswer) -> str:
    """What was found: areas, residents, communities, how many are shared, how sure. One paragraph."""
    s, level = gaps.summary, gaps.level
    where = f" in {gaps.published.region.partner(gaps.request.partner).name}" if gaps.request.partner else ""
    if not s["underserved_areas"]:
        if s["areas_without_need"] == s["areas"]:
            return "Need is not known for any of these areas, so no gap can be named."
        many = wording.count_of(s["poor_access_areas"], level)
        high = s["high_need_areas"]
        none = (
            f"No {wording.LEVEL_WORDS[level][0]}{where} is underserved by this rule. {high:,} {'has' if high == 1 else 'have'} "
            f"high need and {many} poor access, but none has both."
        )
        return " ".join(filter(None, (none, range_sentence(gaps), near_certain_sentence(gaps))))
    one = s["underserved_areas"] == 1
    people = gaps.claims.people(s["underserved_residents"])
    parts = [
        f"{wording.count_of(s['underserved_areas'], level)}{where}{f' with {people}' if people else ''} "
        f"{'is' if one else 'are'} underserved.",
        *filter(None, [range_sentence(gaps)]),
    ]
    shared = s["shared_communities"]
    joined = "It is one community" if one else f"They form {counted(s['communities'], 'community', 'communities')}"
    parts.append(joined + (f", {_of_them(shared, s['communities'])} shared between authorities." if shared else "."))
    if gaps.result.communities and gaps.claims.counts and gaps.claims.ranks:
        first = gaps.result.communities[0]
        parts.append(f"The largest is {first.name}, with {counted(first.population, 'resident')}.")
    if s.get("stability"):
        sure = s["stability"]["firm"] + s["stability"]["likely"]
        parts.append(f"{_sure_of(sure, s['underserved_areas'])} when the choices behind the numbers vary.")
    if s.get("near_misses"):
        parts.append(f"{s['near_misses']:,} more {'comes' if s['near_misses'] == 1 else 'come'} close.")
    return " ".join(filter(None, (*parts, near_certain_sentence(gaps))))


@gated
def range_sentence(gaps: GapAnswer) -> str:
    """Between which numbers the residents underserved lie in most draws; "" without draws."""
    ends = gaps.summary.get("underserved_residents_range")
    if ends is None or not ends["upper"] > 0:
        return ""
    lower, upper = (wording.spoken(ends[name]) for name in ("lower", "upper"))
    said = f"Between {lower} and {upper}" if ends["lower"] > 0 else f"Up to {upper}"
    if lower == upper:
        said = f"About {upper}"
    return f"{said} residents are underserved when the choices behind the numbers vary."


@gated
def near_certain_sentence(gaps: GapAnswer) -> str:
    """The areas that are not underserved as measured, and are in nearly every draw, by name; "" for none."""
    names = [row["name"] for row in gaps.summary.get("near_certain") or ()]
    return f"Nearly certain, though not counted: {wording.listing(names, 5)}." if names else ""


def _sure_of(sure: int, areas: int) -> str:
    if areas == 1:
        return f"It is {'' if sure else 'not '}a firm or likely gap"
    gap = "is a firm or likely gap" if sure == 1 else "are firm or likely gaps"
    return f"{sure:,} of the {areas:,} areas {gap}"


def _of_them(n: int, total: int) -> str:
    if n == total:
        return "all of them" if total > 1 else "and it is"
    return f"{n:,} of them"


@gated
def vanishing_sentence(gaps: GapAnswer) -> str:
    """Which gaps a ward map would hide; "" where that was not worked out."""
    lost = gaps.summary.get("vanish_at_ward")
    if lost is None or not gaps.summary["underserved_areas"]:
        return ""
    if not lost["areas"]:
        return "Every one of these gaps also shows on a map of wards."
    one, people = lost["areas"] == 1, gaps.claims.people(lost["residents"])
    return (
        f"{lost['areas']:,} of these small areas{f', with {people},' if people else ''} {'vanishes' if one else 'vanish'} "
        f"on a map of wards: {'its' if one else 'their'} ward as a whole is not underserved."
    )


def notes_of(gaps: GapAnswer) -> list[str]:
    """What the reader of the answer should know besides."""
    said = [
        note_words(note, gaps.published, people=gaps.claims.counts and not gaps.claims.sampled)
        for note in gaps.result.notes
    ]
    return [text for text in map(gaps.claims.gate, said) if text]


def note_words(note: Note, published: Published, *, people: bool = True) -> str:
    """A note of the engine in words; ``people`` says whether residents are counted in what has nothing to do with the lists.
    Raises KeyError for a code that nobody has put into words."""
    a = note.about
    areas, n = a.get("areas", 0), a.get("services", 0)
    if note.code == "strictest-standard":
        return f"The services have different standards; the strictest, {standard_words(a['max_m'])}, is used."
    if note.code == "metres-walked":
        minutes = cost_words(a["minutes"], "min")
        return f"{standard_words(a['max_m'])} is taken as {minutes}, at {a['walking_kmh']:g} km/h on foot."
    if note.code == "metric-needs-limit":
        return f"Without a distance standard {a['metric']} has no meaning: the nearest service is used instead."
    if note.code == "need-unknown":
        here = f" ({counted(a['residents'], 'resident')})" if people else ""
        return f"Need is not known for {areas:,} of {counted(a['of'], 'area')}{here}."
    if note.code == "services-unplaced":
        one = n == 1
        return f"{counted(n, 'service')} {'has' if one else 'have'} no place and {'is' if one else 'are'} left out."
    if note.code == "residents-left-out":
        return f"The mean of {counted(areas, 'area')} leaves out residents who reach no service, or only across water without a way."
    if note.code == "demand-unknown":
        return f"The demand group has no figure for {counted(areas, 'area')}; nobody is counted there."
    if note.code == "services-unreached":
        verb = "is" if n == 1 else "are"
        return f"{n:,} of {counted(a['of'], 'service')} {verb} in no journey of the travel-time table."
    if note.code == "across-water":
        return apart_sentence(a)
    if note.code == "authorities-without":
        names = authority_names(published)
        said = wording.listing([names.get(code, code) for code in a["lad_codes"]], 5)
        return f"Authorities without a service of their own: {said}."
    if note.code == "uncoverable":
        people = counted(a["residents"], "resident")
        return f"{counted(areas, 'area')} with {people} cannot be brought within the standard."
    return _PLAIN_NOTES[note.code]


_PLAIN_NOTES = {
    "need-unknown-everywhere": "Need is not known for any area: no indicator has values here.",
    "no-service": REASONS["no-service"],
    "one-area": "There is one area only, so need is 50 by definition: it has nothing to compare with.",
    "no-demand": "Nobody is planned for: there is no demand.",
    "no-existing-service": "There is no existing service.",
    "nobody-nearer": "No candidate brings anyone planned for nearer than the existing services do.",
}


def authority_names(published: Published) -> dict[str, str]:
    return dict(published.region.areas["lad"][["code", "name"]].itertuples(index=False))


# ---- need -----------------------------------------------------------------------------------------------------------


def need_name(gaps: GapAnswer) -> str:
    """The need set in words: "Early death", "Early death (twice the weight) and Loneliness"."""
    weights = [weight for _, weight in gaps.request.need]
    if len(set(weights)) <= 1:
        return wording.listing([layer.title for layer in gaps.needs])
    total = sum(weights)
    named = [
        f"{layer.title} ({100 * weight / total:.0f}%)"
        for layer, weight in zip(gaps.needs, weights, strict=True)
        if weight > 0
    ]
    return wording.listing(named)


def need_sentence(need: Need, drivers: Sequence[Mapping[str, Any]], score: float | None) -> str:
    """What the need of one area is made of; ``drivers`` and ``score`` as :meth:`layers.Need.explain` gives them."""
    if score is None:
        missing = wording.listing([d["title"] for d in drivers if d["percentile"] is None], len(drivers))
        return f"Need is not known here: less than half of the chosen weight has a value ({missing or 'none'} missing)."
    said = [d for d in drivers if d["percentile"] is not None][:3]
    higher = f"Need is higher than in {_within(score)}% of the region's areas"
    if len(need.indicators) == 1:
        return f"{higher}, by {said[0]['title']}."
    parts = [f"{d['title']} (worse than in {_within(d['percentile'])}% of areas)" for d in said]
    return f"{higher}. It is made of {wording.listing(parts)}."


def drivers_sentence(drivers: Sequence[dict]) -> str:
    """What drives a community's need, largest first."""
    known = [d for d in drivers if d.get("percentile") is not None]
    if not known:
        return ""
    said = [f"{d['title']} (worse than in {_within(d['percentile'])}% of areas)" for d in known[:3]]
    if len(drivers) == 1:
        return f"Need is measured by {said[0]}."
    return f"Need comes most from {wording.listing(said)}."


def _within(percentile: float) -> str:
    """Percentages in a sentence: never 0 or 100, because the area itself is among those compared."""
    return f"{min(max(round(percentile), 1), 99)}"


# ---- access ---------------------------------------------------------------------------------------------------------


def access_title(gaps: GapAnswer) -> str:
    """Heading of an access legend: "Distance to the nearest drug and alcohol service in a straight line"."""
    return _filled(gaps, gaps.result.access.metric.words("heading", gaps.level))


def access_noun(gaps: GapAnswer, label: str) -> str:
    """An access label that says what it is: "nearest 6.2 km or more", "no capacity"."""
    metric = gaps.result.access.metric
    return metric.nothing if metric.nothing and label == metric.zero else metric.noun.format(value=label)


def access_formatter(gaps: GapAnswer) -> Callable[[float | None], str]:
    """Access in words with its unit: "6.2 km", "3 services", "0.42 per 1,000 people"."""
    access, metric = gaps.result.access, gaps.result.access.metric
    if metric.in_cost:
        limit = access.cut if access.limit is None else access.limit
        return lambda value: _known(value, lambda v: cost_beside(v, limit, gaps.result.model.unit))
    decimals = metric.decimals
    if not metric.counts:
        values = access.values.to_numpy("float64")
        decimals = max(wording.decimals_for(values[values > 0]), decimals)

    def say(value: float) -> str:
        if metric.zero and not value > 0:
            return metric.zero
        if metric.counts:
            if value != round(value):  # the mean of a larger area
                return f"{wording.number(value, 1)} {metric.counts[1]}"
            return counted(value, *metric.counts)
        return f"{wording.number(value, decimals)} {metric.unit}"

    return lambda value: _known(value, say)


def threshold_formatter(gaps: GapAnswer) -> Callable[[float | None], str]:
    """As :func:`access_formatter`, of a number at which something begins: the engine has rounded it as far as it may be, so it is
    said as it is ("753 m or more")."""
    metric, unit = gaps.result.access.metric, gaps.result.model.unit
    if metric.in_cost:
        return lambda value: standard_words(value, unit)

    def say(value: float) -> str:
        if metric.zero and not value > 0:
            return metric.zero
        said = wording.exactly(value, 0 if metric.counts else metric.decimals)
        return f"{said} {(metric.counts[said != '1']) if metric.counts else metric.unit}"

    return lambda value: _known(value, say)


def _known(value: float | None, say: Callable[[float], str]) -> str:
    return "–" if value is None or not np.isfinite(value) else say(float(value))


def mean_access_words(gaps: GapAnswer, value: float | None) -> tuple[str, str]:
    """A community's mean access in full ("6.2 km to the nearest on average"), and under a heading that says the rest ("6.2 km")."""
    if value is None:
        return ("no service to measure to",) * 2
    metric, say = gaps.result.access.metric, access_formatter(gaps)
    short = say(value)
    if metric.counts and value != round(value):
        short = f"{wording.number(value, 1)} {metric.counts[1]}"
    full = metric.mean.format(value=short, limit=limit_words(gaps))
    return full, short if metric.column else full


# ---- communities and areas ------------------------------------------------------------------------------------------


def stability_words(gaps: GapAnswer, share: float | None, word: str | None) -> str:
    """ "Firm: underserved in 94% of 500 draws."; "" without draws. Of a sample the number is said, with its caution, and no word."""
    if share is None or gaps.result.stability is None:
        return ""
    drawn = f"nderserved in {sure_percent(share)} of {counted(gaps.result.stability.draws, 'draw')}"
    if gaps.claims.sampled:
        return f"U{drawn}, {gaps.claims.sample}: the sites that it does not list cannot be drawn."
    return f"{word.capitalize()}: u{drawn}." if word else f"U{drawn}."


@gated
def border_sentence(gaps: GapAnswer, c: Community) -> str:
    """What the border costs this community."""
    if not len(gaps.result.model.sites):
        return "There is no such service anywhere."
    elsewhere = c.residents_nearer_elsewhere or 0.0
    if elsewhere <= 0:
        return "Everybody here is nearest to a service in their own authority."
    crossing = (
        "For all of its residents" if elsewhere >= c.population else f"For {elsewhere:,.0f} of its residents"
    ) + " the nearest service stands in another authority."
    if c.border_penalty_m is None:
        return f"{crossing} Its own authority has none."
    return f"{crossing} Keeping to their own would add {cost_words(c.border_penalty_m, 'm')} to the mean distance of the community."


# ---- plans ----------------------------------------------------------------------------------------------------------


def plan_limit_words(request: SitingRequest, gaps: GapResult, plan: SitingPlan) -> str:
    """The standard of a plan as it was chosen; what minutes were turned into from metres, or metres from minutes, is measured."""
    chosen = gaps.model.unit == "m" or plan.max_m in (request.gaps.max_m, request.gaps.max_min)
    return standard_words(plan.max_m, plan.unit) if chosen else cost_words(plan.max_m, plan.unit)


def plan_sentence(request: SitingRequest, gaps: GapResult, plan: SitingPlan, claims: Claims = WHOLE) -> str:
    """What a plan brings, how good it is, and what planning together adds."""
    return claims.gate(_plan_sentence(request, gaps, plan, claims))


def _plan_sentence(request: SitingRequest, gaps: GapResult, plan: SitingPlan, claims: Claims) -> str:
    if plan.demand <= 0:
        if request.demand == "underserved":
            return "Nobody is planned for: no area is underserved."
        return "Nobody lives here."
    people, far = "residents", plan_limit_words(request, gaps, plan)
    who = f"{people} of underserved areas" if request.demand == "underserved" else people
    count = counted(plan.new, "new site")
    if plan.objective == "mclp" and not claims.counts:
        text = f"{count} would bring more places within {far}."
    elif plan.objective == "mclp":
        text = f"{count} would bring {plan.value:,.0f} of {plan.demand:,.0f} {who} within {far}."
    elif plan.objective == "lscp":
        text = f"{count} would bring everyone who can be brought within {far}."
    elif plan.mean_before is None:
        text = f"{count} would leave {who} {cost_words(plan.mean_after, plan.unit)} from the nearest on average."
    else:
        before, after = wording.two_costs(plan.mean_before, plan.mean_after, plan.unit)
        text = f"{count} would cut the mean way of {who} from {before} to {after}."
    if claims.sampled:
        text += " A site that the list does not name would change this."
    elif plan.proven:
        text += " No other choice does better."
    else:
        text += f" That is at most {plan.gap:.1%} short of the best possible."
    if plan.alone is not None and plan.objective == "mclp" and plan.alone.saving >= 0.5:
        text += f" Planned by each authority for itself, the same number would bring {plan.alone.saving:,.0f} fewer."
    if plan.alone is not None and plan.objective == "lscp" and plan.alone.sites_saved:
        text += f" Planned by each authority for itself, {plan.alone.sites_saved} more would be needed."
    return text


# ---- documents ------------------------------------------------------------------------------------------------------


def put_into_words(gaps: GapAnswer, document: dict[str, Any]) -> None:
    """Add to the engine's document of a gap answer what people read in it."""
    found, summary = summary_sentence(gaps), document["summary"]
    document["parameters"] = parameters_in_words(gaps, document["parameters"])
    rule = f"{poor_words(gaps)}{_whose(gaps.request)}"
    summary |= {"rule": rule, "sentence": found, "notes": notes_of(gaps)}
    summary |= {"rule_sentence": rule_sentence(gaps), "summary_sentence": found}
    for area in document["areas"]:
        area["reason"] = REASONS[area["reason"]]


def parameters_in_words(gaps: GapAnswer, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The engine's parameters of a gap answer, or of a plan for it, with what people read in them."""
    varied = parameters["varied"]
    return with_sites(parameters, gaps.services) | {
        "rule": rule_sentence(gaps),
        "distance": _distance_words(gaps),
        "varied": None if varied is None else _varied_words(varied),
    }


def with_sites(parameters: Mapping[str, Any], services: Sequence[Layer]) -> dict[str, Any]:
    """Parameters whose lists say how many of their sites are in the region, which is the number that sentences say."""
    inside = {layer.id: sites_in_region(layer) for layer in services}
    lists = [row | {"sites_in_region": inside[row["id"]]} for row in parameters["services"]]
    return dict(parameters) | {"services": lists}


def _distance_words(gaps: GapAnswer) -> str:
    request, model = gaps.request, gaps.result.model
    if model.travel is not None:
        return "minutes of a supplied travel-time table"
    return line_words(request.detour, around=bool(gaps.result.crossing_lists)) + (
        _fair_words(request) if model.unit == "min" else ""
    )


def _fair_words(request: GapRequest) -> str:
    return (
        f", driven at {request.driving_kmh:g} km/h by households with a car and walked at "
        f"{request.walking_kmh:g} km/h by those without"
    )


def _varied_words(varied: Mapping[str, Any]) -> dict[str, Any]:
    """What the draws vary, in words; the engine gives the range, or None where there is nothing to vary."""

    def span(name: str, times: str, nothing: str) -> str:
        return nothing if varied[name] is None else "{}{:g} to {:g}".format(times, *varied[name])

    return dict(varied) | {
        "weights": span("weights", "times ", "one indicator, nothing to vary"),
        "need_threshold": span("need_threshold", "", ""),
        "limit": span("limit", "times ", "no standard, nothing to vary"),
        "detour": span("detour", "times ", "table of travel times, nothing to vary"),
    }
