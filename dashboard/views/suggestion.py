"""Suggested sites on the options page: the greedy answer, at once where that is cheap, then the job that improves it, all in sentences.

The words are made from the job's document, so that they are the same whichever worker has done the work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dashboard.jobs import Busy, why_busy
from dashboard.views import siting, wording
from dashboard.views.claims import WHOLE, Claims, gated
from dashboard.views.gaps import NoAnswer, answer_or_reasons
from dashboard.views.options import PlanAsk, Sandbox
from dashboard.views.siting import GainRow, Plan, Proof, SiteCard
from dashboard.views.wording import cost_words, counted, percent
from layers import Fault, NotFound, Refused, SitingRequest, Viewer

OBJECTIVE_WORDS = {
    "mclp": "Reach most people",
    "p-median": "Least travel",
    "lscp": "Everybody, with fewest sites",
}
OBJECTIVE_HELP = {
    "mclp": "As many people as possible come within the standard distance.",
    "p-median": "The way to the nearest service becomes as short as possible on average.",
    "lscp": "Everybody who can be brought within the standard distance is, with as few sites as possible.",
}
DEMAND_WORDS = {"underserved": "Residents of underserved areas", "all": "All residents"}


@dataclass(frozen=True, eq=False)
class Suggestion:
    """A plan as it stands. ``state``: greedy (nothing started), or that of the job."""

    ask: PlanAsk
    state: str
    job: str
    over: bool
    progress: str  # how far it is, in a sentence
    share: float | None  # 0-1: how much of the proof is done; None where unknown
    sentence: str
    alone: str
    alone_numbers: dict[str, Any] | None
    sites: tuple[SiteCard, ...]
    places: tuple[dict, ...]  # easting, northing, longitude, latitude, name of each site
    by_authority: tuple[GainRow, ...]
    by_fifth: tuple[GainRow, ...]
    notes: tuple[str, ...]
    reasons: tuple[str, ...] = ()
    claims: Claims = WHOLE


def request_of(box: Sandbox, ask: PlanAsk) -> SitingRequest:
    return siting.siting_request(
        box.published, box.query.selection, new=ask.new, objective=ask.objective, demand=ask.demand, exclude=ask.exclude
    )


def begin(box: Sandbox, ask: PlanAsk, viewer: Viewer) -> Suggestion | NoAnswer:
    """The greedy answer, and the job that improves it under way (or found again)."""
    return answer_or_reasons(lambda: _begin(box, ask, viewer))


def _begin(box: Sandbox, ask: PlanAsk, viewer: Viewer) -> Suggestion:
    request, period = request_of(box, ask), box.query.selection.period
    try:
        job_id = siting.start(box.published, request, viewer, period=period)
    except Busy as busy:  # the quick answer stands, where there is one
        plan, why = siting.quick(box.published, request, viewer, period=period), why_busy(busy)
        if plan is None:
            raise Refused("Sites cannot be suggested now.", [Fault(why)]) from busy
        return _said(box, ask, plan.document(), Proof("", "waiting", sentence=why), viewer, over=True)
    return _follow(box, ask, siting.status(box.published, job_id, viewer), viewer)


def follow(box: Sandbox, ask: PlanAsk, job_id: str, viewer: Viewer) -> Suggestion | NoAnswer:
    """How far the job is. A job that is not known any more is started again."""
    try:
        job = siting.status(box.published, job_id, viewer)
    except NotFound:
        return begin(box, ask, viewer)
    return answer_or_reasons(lambda: _follow(box, ask, job, viewer))


def stop(box: Sandbox, ask: PlanAsk, job_id: str, viewer: Viewer) -> Suggestion | NoAnswer:
    """Ask the job to stop; the best so far stays."""
    return answer_or_reasons(lambda: _follow(box, ask, siting.cancel(box.published, job_id, viewer), viewer))


def _follow(box: Sandbox, ask: PlanAsk, job: Proof, viewer: Viewer) -> Suggestion:
    if job.document is not None:
        return _said(box, ask, job.document, job, viewer)
    words = (
        " ".join(job.reasons)
        if job.over
        else "Looking for sites. So many ways over land have to be found that it takes a while."
    )
    nothing = dict(
        sentence="", alone="", alone_numbers=None, sites=(), places=(), by_authority=(), by_fifth=(), notes=()
    )
    if job.state == "cancelled":
        words = "Stopped before there was an answer."
    return Suggestion(ask, job.state, job.id, job.over, words, None, reasons=job.reasons, **nothing)


def _said(
    box: Sandbox, ask: PlanAsk, document: dict[str, Any], job: Proof, viewer: Viewer, *, over: bool | None = None
) -> Suggestion:
    request = request_of(box, ask)
    gaps = siting.gaps_of_plan(box.published, request, viewer, box.query.selection.period)
    plan = siting.plan_of(gaps, request, document)
    return Suggestion(
        ask=ask,
        state=job.state,
        job=job.id,
        over=job.over if over is None else over,
        progress=progress_sentence(plan, job),
        share=_share(job),
        sentence=document["sentence"],
        alone=document.get("alone_sentence") or "",
        alone_numbers=document.get("alone"),
        sites=siting.site_cards(plan),
        places=tuple(
            {name: site[name] for name in ("easting", "northing", "longitude", "latitude", "name")}
            for site in document["sites"]
        ),
        by_authority=siting.gains_by_authority(plan),
        by_fifth=siting.gains_by_fifth(plan),
        notes=tuple(document.get("notes") or ()),
        reasons=job.reasons,
        claims=plan.claims,
    )


def _share(job: Proof) -> float | None:
    if job.state == "done":
        return 1.0
    return None if job.gap is None else max(0.0, 1.0 - job.gap)


@gated
def progress_sentence(plan: Plan, job: Proof) -> str:
    """ "Best so far: 58,838 residents. No plan can reach more than 61,200; 4% is left to prove." """
    found = plan.result.plan
    if job.state == "done" and plan.claims.sampled:
        return f"Best {plan.claims.sample}: {_value_words(plan, job.value)}. A site that the list does not name would change this."
    if job.state == "done" and found.proven:
        return "Proven best: no other choice of sites does better."
    best = f"Best so far: {_value_words(plan, job.value)}."
    if job.state == "done":
        return f"{best} The time is up; at most {percent(found.gap)} better would be possible."
    if job.state == "cancelled":
        return f"Stopped. {best}"
    if job.state in ("refused", "failed", "lost"):
        return " ".join(job.reasons)
    if job.state == "waiting":
        return f"{best} {job.sentence if not job.id else 'Waiting to look for something better.'}"
    if job.bound is not None and job.gap is not None:
        limit = _value_words(plan, job.bound)
        least = "No plan needs fewer than" if found.objective == "lscp" else "No plan can do better than"
        return f"{best} {least} {limit}; {percent(job.gap)} is left to prove."
    return f"{best} Looking for something better."


def _value_words(plan: Plan, value: float | None) -> str:
    """A plan's value in the unit of its objective, for people."""
    found = plan.result.plan
    if value is None:
        return "–"
    if found.objective == "lscp":
        return counted(value, "site")
    if found.objective == "mclp":
        return counted(value, "resident")
    if found.demand > 0:
        return f"{cost_words(value / found.demand, found.unit)} less to travel on average"
    return wording.number(value)
