"""Where the next site helps most: the greedy answer at once, the proven one from a job (:mod:`dashboard.jobs`), and the plan
in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import pandas as pd

from dashboard.jobs import Job
from dashboard.published import Published
from dashboard.question import FIELDS
from dashboard.selection import Selection
from dashboard.views import draws, gap_words, wording
from dashboard.views.cautions import caution_list
from dashboard.views.claims import Claims, gated
from dashboard.views.confidence import confidence_rows, document_of
from dashboard.views.draws import gap_request_of
from dashboard.views.gap_words import one_of
from dashboard.views.gaps import Gaps, gaps_for, kept, read_layers, read_services, request_of
from dashboard.views.wording import cost_words, counted, percent
from layers import (
    Caution,
    Change,
    Fault,
    Layer,
    NotFound,
    Outcome,
    Refused,
    Site,
    SitingPlan,
    SitingRequest,
    SitingResult,
    Viewer,
    compare_options,
    find_sites,
    pairs_weighed,
    place_at,
    to_degrees,
)

MOST_NEW = FIELDS["new"].most
"""New sites in one plan: beyond that a proof takes longer than anybody waits."""
TIME_LIMIT_S = 20.0


# ---- one plan -------------------------------------------------------------------------------------------------------


def siting_request(
    published: Published,
    selection: Selection,
    *,
    new: int = 1,
    objective: str = "mclp",
    demand: str = "underserved",
    exclude: Sequence[str] = (),
    exact: bool = True,
    compare_alone: bool = True,
    time_limit: float = TIME_LIMIT_S,
) -> SitingRequest:
    """A request for new sites beside the gaps of a selection."""
    gaps = replace(request_of(published, selection, robustness=0), alone=False)
    return SitingRequest(gaps, new, objective, demand, tuple(exclude), compare_alone, exact, time_limit)


@dataclass(frozen=True, eq=False)
class Plan:
    """A plan and the gaps that it is for."""

    published: Published
    result: SitingResult
    gaps: Gaps

    @property
    def public(self) -> bool:
        return self.gaps.public

    @property
    def layers(self) -> tuple[Layer, ...]:
        return self.gaps.layers

    @property
    def claims(self) -> Claims:
        return self.gaps.claims

    def cautions_on(self, on: date | None = None) -> tuple[Caution, ...]:
        return self.gaps.cautions_on(on)

    def document(self) -> dict[str, Any]:
        return plan_document(self)


def plan_sites(
    published: Published,
    request: SitingRequest,
    viewer: Viewer,
    *,
    period: str = "",
    candidates: pd.DataFrame | None = None,
    travel: pd.DataFrame | None = None,
    progress=None,
    cancel=None,
) -> Plan:
    """Work a plan out, here and now. ``request.exact`` False is the greedy answer, in milliseconds. ``candidates`` and
    ``travel`` are tables of the caller's own: nothing of such a plan is kept.

    ``progress(stage, value, bound)`` hears of better answers. Raises NotFound and Refused with the reasons, and Cancelled.
    """
    check(request)
    gaps = gaps_for(published, request.gaps, viewer, period=period, travel=travel, quick=True)
    key = ("plan", request, gaps.key)
    memory, common = kept(published), candidates is None and travel is None
    result = memory.find(key) if common else None
    if result is None:
        services = {layer.id: read_services(published, viewer, layer) for layer in gaps.services}
        result = find_sites(
            request,
            published.region.areas,
            {},  # the need is in the gaps already
            services,
            candidates=candidates,
            gaps=gaps.result,
            no_car_share=(gaps.measures.no_car_share or {}).get("lsoa"),
            water=published.region.water,
            progress=progress,
            cancel=cancel,
        )
        if common:
            memory.keep(key, result)
    return Plan(published, result, gaps)


def check(request: SitingRequest) -> None:
    """Refuse what would take too long; the engine refuses what makes no sense."""
    faults = []
    if request.objective != "lscp" and request.new > MOST_NEW:
        what = f"{request.new} new sites were asked for"
        faults.append(Fault(what, "new", f"ask for {MOST_NEW} or fewer at once", rule="new"))
    if faults:
        raise Refused("Sites cannot be suggested.", faults)


# ---- proofs ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Proof:
    """How far the proof of a plan is. ``state``: that of its :class:`dashboard.jobs.Job`."""

    id: str
    state: str
    stage: str = ""  # greedy, swaps, bounds, highs
    value: float | None = None  # of the best plan so far, in the objective's unit
    bound: float | None = None  # no plan can be worth more (lscp: fewer sites)
    sentence: str = ""
    document: dict[str, Any] | None = None  # the plan, when it is done; best known plan before that
    reasons: tuple[str, ...] = ()
    job: Job | None = None

    @property
    def over(self) -> bool:
        return self.state not in ("waiting", "running")

    @property
    def gap(self) -> float | None:
        """How far the best so far may be from the best possible, 0-1."""
        return _gap(self.value, self.bound)


def _gap(value: float | None, bound: float | None) -> float | None:
    if value is None or not bound:
        return None
    return abs(bound - value) / max(abs(bound), abs(value), 1e-9)


def start(published: Published, request: SitingRequest, viewer: Viewer, *, period: str = "") -> str:
    """Start working a plan out, to the proven optimum where ``request.exact``, or find the job that does the same; returns the
    job's id at once. The greedy answer is its first, where one request may work it out; else it comes from the job too.

    Faults of the request raise here, before anything is queued, where they are known without the work; else the job is refused.
    Raises :class:`layers.Busy` when too much is waiting.
    """
    request = replace(request, time_limit=min(request.time_limit, TIME_LIMIT_S))
    gaps = gaps_of_plan(published, request, viewer, period)
    plan = quick(published, request, viewer, period=period)
    parameters = {
        "request": asdict(request),
        "period": period,
        "layers": {layer.id: layer.version for layer in gaps.layers},
    }
    first = None if plan is None else _so_far(plan, "greedy", None)
    price = quick_price(published, request, gaps) + (PROOF_S if request.exact else 0.0)
    return published.jobs.submit("plan", key_of(request, gaps), parameters, viewer, price=price, first=first).id


def quick(published: Published, request: SitingRequest, viewer: Viewer, *, period: str = "") -> Plan | None:
    """The greedy answer, where it is known or one request may work it out; None where a job must (:func:`start`)."""
    request = greedy_request(request)
    check(request)
    gaps = gaps_of_plan(published, request, viewer, period)
    known = kept(published).find(("plan", request, gaps.key)) is not None
    if not known and not draws.is_affordable(quick_price(published, request, gaps)):
        return None
    return plan_sites(published, request, viewer, period=period)


def greedy_request(request: SitingRequest) -> SitingRequest:
    """The same plan without a proof and without comparing: what is there first."""
    return replace(request, exact=False, compare_alone=False, time_limit=TIME_LIMIT_S)


def gaps_of_plan(published: Published, request: SitingRequest, viewer: Viewer, period: str) -> Gaps:
    """The gaps that a plan is for, without asking how sure they are."""
    return gaps_for(published, request.gaps, viewer, period=period, quick=True)


PROOF_S = 1.0
"""What a proof costs as a rule, in seconds of a processor; a hard one goes on to its time limit."""
PLAN_S, PER_PAIR_S = 0.03, 15e-6
"""What the greedy answer costs, and each pair of area and candidate in it: over water, as it is when first asked for."""


def quick_price(published: Published, request: SitingRequest, gaps: Gaps) -> float:
    """Seconds of a processor that the greedy answer takes, estimated."""
    return PLAN_S + PER_PAIR_S * pairs_weighed(request, published.region.areas, gaps.result)


def work(published: Published, viewer: Viewer, parameters: Mapping[str, Any], progress, cancelled) -> dict[str, Any]:
    """A plan, with its proof where that was asked for, in a worker (:mod:`dashboard.jobs`)."""
    request, period = siting_request_of(parameters["request"]), parameters["period"]
    here = published.at(parameters["layers"])
    first = _so_far(plan_sites(here, greedy_request(request), viewer, period=period), "greedy", None)
    if not request.exact:
        return first
    progress(None, first)

    def better(stage: str, value: float, bound: float) -> None:
        value, bound = float(value), float(bound)
        gap = _gap(value, bound)
        progress(None if gap is None else max(0.0, 1.0 - gap), first | {"stage": stage, "value": value, "bound": bound})

    plan = plan_sites(here, request, viewer, period=period, progress=better, cancel=cancelled)
    return _so_far(plan, plan.result.plan.method, plan.result.plan.bound)


def siting_request_of(document: Mapping[str, Any]) -> SitingRequest:
    """The request that a job's parameters hold as JSON."""
    return SitingRequest(**document | {"gaps": gap_request_of(document["gaps"]), "exclude": tuple(document["exclude"])})


def _so_far(plan: Plan, stage: str, bound: float | None) -> dict[str, Any]:
    return {
        "stage": stage,
        "value": plan.result.plan.value,
        "bound": bound,
        "sentence": plan_sentence(plan),
        "document": plan_document(plan),
    }


def status(published: Published, job_id: str, viewer: Viewer) -> Proof:
    """How far a job is, with its best plan so far; the proven one when it is done. A plan is the same whoever asked for it.

    Raises NotFound for an unknown id and for layers that this viewer may not see.
    """
    return _proof(published, published.jobs.status(job_id), viewer)


def cancel(published: Published, job_id: str, viewer: Viewer) -> Proof:
    """Ask a job to stop; its best plan so far stays readable. Raises like :func:`status`."""
    status(published, job_id, viewer)
    proof = _proof(published, published.jobs.cancel(job_id), viewer)
    return proof if proof.over else replace(proof, state="cancelled")  # for this asker; others may still wait for it


def wait(published: Published, job_id: str, viewer: Viewer, seconds: float = TIME_LIMIT_S) -> Proof:
    """As :func:`status`, when the job is over or some seconds have passed; within a request not many."""
    status(published, job_id, viewer)
    return _proof(published, published.jobs.wait(job_id, seconds), viewer)


def _proof(published: Published, job: Job, viewer: Viewer) -> Proof:
    if job.kind != "plan":
        raise NotFound("There is no such plan.")
    for layer_id, version in job.parameters["layers"].items():
        published.store.layer(layer_id, viewer)
        if version not in published.store.open_versions(layer_id, viewer):
            raise NotFound("There is no such plan.")
    reasons = ("The planner stopped because of a mistake of ours.",) if job.state == "failed" else job.reasons
    known = (json.loads(job.result) if job.result else job.so_far) or {}
    return Proof(job.id, job.state, **known, reasons=reasons, job=job)


def key_of(request: SitingRequest, gaps: Gaps) -> str:
    """The same request on the same versions of the same layers is the same plan."""
    return json.dumps([asdict(request), *gaps.key[2:]], default=str, sort_keys=True)


# ---- words ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SiteCard:
    """One proposed site."""

    rank: int
    code: str
    name: str
    authority: str
    longitude: float
    latitude: float
    residents_gained: float
    gains: str  # "12,400 residents: 8,000 in Gateshead and 4,400 in Sunderland"
    overlap: str  # how much it repeats what exists


@dataclass(frozen=True)
class GainRow:
    """Who gains, by authority or by fifth of need."""

    name: str
    residents: float
    nearer: float
    mean_before: float | None
    mean_after: float | None
    words: str


def site_cards(plan: Plan) -> tuple[SiteCard, ...]:
    found, published = plan.result.plan, plan.published
    names = gap_words.authority_names(published)
    longitude, latitude = to_degrees([s.easting for s in found.sites], [s.northing for s in found.sites])
    who = "" if plan.result.request.demand == "all" else " of underserved areas"
    cards = []
    for rank, site in enumerate(found.sites):
        gained = sorted(site.gained_by_lad.items(), key=lambda item: (-item[1], item[0]))
        spread = wording.listing([f"{n:,.0f} in {names.get(lad, lad)}" for lad, n in gained], 4)
        verb = "nearest to" if found.max_m is None else "newly within reach of"
        gains = f"{counted(site.residents_gained, 'resident')}{who} {verb} it" + (
            f": {spread}." if len(gained) > 1 else "."
        )
        gains += f" It would serve {wording.listing(site.serves)} most." if site.serves else ""
        overlap = "There is no other service."
        if site.nearest_existing_m is not None:
            overlap = (
                f"{cost_words(site.nearest_existing_m, 'm')} from the nearest existing {one_of(plan.gaps.services)}."
            )
            if site.residents_within:
                share = site.already_within / site.residents_within
                overlap += f" {percent(share)} of the {counted(site.residents_within, 'resident')} in its reach already have one."
        cards.append(
            SiteCard(
                rank + 1,
                site.code,
                place_at(published.region, site.easting, site.northing).words,
                names.get(site.lad_code, site.lad_code),
                float(longitude[rank]),
                float(latitude[rank]),
                site.residents_gained,
                plan.claims.gate(gains),
                plan.claims.gate(overlap),
            )
        )
    return tuple(cards)


def gains_by_authority(plan: Plan) -> tuple[GainRow, ...]:
    names = gap_words.authority_names(plan.published)
    found = plan.result.plan
    return _gain_rows(plan.claims, found.by_authority, found.unit, lambda code: names.get(code, code))


FIFTHS = {
    0: "Need not known",
    1: "Least need (first fifth)",
    2: "Second fifth",
    3: "Third fifth",
    4: "Fourth fifth",
    5: "Most need (last fifth)",
}


def gains_by_fifth(plan: Plan) -> tuple[GainRow, ...]:
    """Who gains by fifth of need, most need first."""
    found = plan.result.plan
    return _gain_rows(plan.claims, found.by_fifth, found.unit, lambda fifth: FIFTHS[int(fifth)])[::-1]


def _gain_rows(claims: Claims, table: pd.DataFrame, unit: str, name: Callable[[Any], str]) -> tuple[GainRow, ...]:
    rows = []
    for row in table.to_dict("records"):
        within = None if pd.isna(row["newly_within"]) else float(row["newly_within"])
        before, after = (None if pd.isna(row[c]) else float(row[c]) for c in ("mean_before", "mean_after"))
        words = f"{row['nearer']:,.0f} of {counted(row['residents'], 'resident')} would be nearer to one"
        if row["nearer"] <= 0:
            words = f"nothing changes for its {counted(row['residents'], 'resident')}"
        elif within is not None:
            words += f", {within:,.0f} newly within reach"
        if before is not None and after is not None and before - after >= 5:
            words += "; the mean goes from {} to {}".format(*wording.two_costs(before, after, unit))
        rows.append(
            GainRow(
                name(row["group"]),
                float(row["residents"]),
                float(row["nearer"]),
                before,
                after,
                claims.gate(f"{wording.capital(words)}."),
            )
        )
    return tuple(rows)


def plan_sentence(plan: Plan) -> str:
    """What the plan brings, how good it is, and what planning together adds."""
    return gap_words.plan_sentence(plan.result.request, plan.result.gaps, plan.result.plan, plan.claims)


@gated
def plan_notes(plan: Plan) -> list[str]:
    """What the reader of the plan should know besides."""
    return [gap_words.note_words(note, plan.published) for note in plan.result.plan.notes]


@gated
def alone_sentence(plan: Plan) -> str:
    """Planned together against each authority inside its own border; "" where that was not compared."""
    alone, found = plan.result.plan.alone, plan.result.plan
    if alone is None:
        return ""
    names = gap_words.authority_names(plan.published)
    split = wording.listing([f"{n} in {names.get(lad, lad)}" for lad, n in sorted(alone.split.items()) if n], 8)
    if found.objective == "lscp":
        if not alone.sites_saved:
            return "Each authority planning inside its own border would need no more sites."
        return (
            f"Each authority planning inside its own border would need {counted(len(alone.sites), 'site')} ({split}); together "
            f"{found.new} {'is' if found.new == 1 else 'are'} enough: {alone.sites_saved} fewer."
        )
    if alone.saving < 0.5:
        return "Each authority planning inside its own border would do as well with these numbers."
    same = "the one site" if found.new == 1 else f"the same {found.new} sites"
    reach, gain = ("reaches", "saves") if found.new == 1 else ("reach", "save")
    if found.objective == "mclp":
        text = (
            f"Planned together, {counted(found.value, 'resident gains', 'residents gain')}; {same} planned by each authority "
            f"inside its own border ({split}) {reach} {alone.value:,.0f}: {alone.saving:,.0f} fewer."
        )
    else:
        share = alone.saving / found.value if found.value else 0.0
        text = f"{wording.capital(same)} planned inside the borders ({split}) {gain} {percent(share)} less distance."
    if alone.sites_saved:
        text += f" Together, {counted(alone.sites_needed_together, 'site does', 'sites do')} what {len(alone.sites)} do apart."
    return text


def plan_document(plan: Plan) -> dict[str, Any]:
    """The JSON of ``/api/v1/sites`` and ``commonground site --json``, before :func:`dashboard.views.gap_files.plan_export` leaves
    out what the lists cannot carry: a page that shows a plan has it worked out again from these numbers."""
    document = plan.result.to_json()
    document["parameters"] = gap_words.parameters_in_words(plan.gaps, document["parameters"])
    for site, card in zip(document["sites"], site_cards(plan), strict=True):
        site |= {
            "longitude": card.longitude,
            "latitude": card.latitude,
            "authority": card.authority,
            "place": card.name,
        }
    names = gap_words.authority_names(plan.published)
    for row in document["by_authority"]:
        row["name"] = names.get(row["group"], row["group"])
    for row in document["by_fifth"]:
        row["name"] = FIFTHS[int(row["group"])]
    document |= {"notes": plan_notes(plan), "sentence": plan_sentence(plan), "alone_sentence": alone_sentence(plan)}
    document["cautions"] = caution_list(plan.cautions_on())
    document["confidence"] = document_of(confidence_rows(plan))
    document["region"] = plan.published.region.id
    document["notice"] = plan.published.region.notice
    return document


def plan_of(gaps: Gaps, request: SitingRequest, document: Mapping[str, Any]) -> Plan:
    """The plan that a document (:func:`plan_document`) describes, for the functions that put plans into words."""
    known = ("longitude", "latitude", "authority", "place")
    sites = tuple(Site(**{k: v for k, v in site.items() if k not in known}) for site in document["sites"])
    tables = {name: pd.DataFrame(document[name], columns=list(GAINS)) for name in ("by_authority", "by_fifth")}
    plan = SitingPlan(**document["result"], **tables, sites=sites, uncoverable=tuple(document["uncoverable"]))
    return Plan(gaps.published, SitingResult(request, gaps.result.parameters, plan, gaps.result), gaps)


GAINS = ("group", "residents", "newly_within", "no_longer_within", "nearer", "farther", "mean_before", "mean_after")
"""Columns of who gains: layers.methods.siting.who_gains."""


# ---- options tried by hand ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OptionCard:
    """One named option beside the services as they are. Residents in whole numbers; nothing is saved anywhere."""

    name: str
    services: int
    residents_underserved: float
    relieved: float
    mean_cost: float | None
    by_authority: tuple[GainRow, ...]
    by_fifth: tuple[GainRow, ...]
    overlap: tuple[dict, ...]
    sentence: str
    outcome: Outcome


def compare(gaps: Gaps, viewer: Viewer, options: Mapping[str, Sequence[Change]]) -> tuple[OptionCard, ...]:
    """Options of opened, closed, moved and resized sites, each measured against the services as they are.

    Places are EPSG:27700 metres. Raises Refused with every change that cannot be made, and for a travel-time table: it has
    no times to a site that does not exist.
    """
    request, published = gaps.request, gaps.published
    if gaps.result.model.travel is not None:
        fault = Fault("a travel-time table has no times to new places", "travel", "use distance", rule="travel-options")
        raise Refused("Options cannot be tried with these travel times.", [fault])
    # access is measured for small areas whatever the level is
    more = {name: each.get("lsoa") for name, each in (("demand", gaps.measures.demand),) if each}
    if request.fair:
        more["no_car_share"] = gaps.measures.no_car_share["lsoa"]
    _, services = read_layers(published, viewer, (), request.services)
    tables = [read_services(published, viewer, layer).table for layer in services.values()]
    outcomes = compare_options(
        published.region.areas,
        pd.concat(tables, ignore_index=True),
        gaps.result.need.score,
        options,
        metric=request.metric,
        max_m=gaps.result.access.limit,
        threshold=request.need_threshold,
        level=gaps.level,
        detour=request.detour,
        alone=request.alone,
        walking_kmh=request.walking_kmh,
        driving_kmh=request.driving_kmh,
        water=published.region.water,
        **more,
    )
    return tuple(_option_card(gaps, outcome) for outcome in outcomes.values())


def _option_card(gaps: Gaps, outcome: Outcome) -> OptionCard:
    names = gap_words.authority_names(gaps.published)
    unit = gaps.result.model.unit
    parts = []
    if outcome.residents_relieved:
        parts.append(f"{counted(outcome.residents_relieved, 'resident')} would no longer be underserved")
    if outcome.residents_newly_underserved:
        newly = counted(outcome.residents_newly_underserved, "resident") if not parts else ""
        parts.append(f"{newly or f'{outcome.residents_newly_underserved:,.0f}'} would become underserved")
    sentence = f"{wording.listing(parts)}." if parts else "Nobody's area would change between underserved and not."
    return OptionCard(
        outcome.name,
        outcome.services,
        outcome.residents_underserved,
        outcome.residents_relieved,
        outcome.mean_cost,
        _gain_rows(gaps.claims, outcome.by_authority, unit, lambda code: names.get(code, code)),
        _gain_rows(gaps.claims, outcome.by_fifth, unit, lambda fifth: FIFTHS[int(fifth)])[::-1],
        outcome.overlap,
        gaps.claims.gate(sentence),
        outcome,
    )
