"""``/api/v1/gaps``, ``/api/v1/together`` and ``/api/v1/sites``: the numbers of the screen and of the commands, read-only.

What they are asked is read by :mod:`dashboard.api.parameters`; what makes no sense is refused by the engine with every reason,
as status 400. A layer that the caller may not see answers exactly as one that does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response

from dashboard import waiting
from dashboard.api import answers, large
from dashboard.api.answers import ApiError
from dashboard.api.parameters import asked, one_of
from dashboard.auth.session import current_viewer
from dashboard.exports import Document, formats_of
from dashboard.jobs import Waiting, again_in
from dashboard.published import Published
from dashboard.question import GAPS, SITES, TOGETHER
from dashboard.selection import Selection
from dashboard.views import gap_files, siting
from dashboard.views.affected import affected_key
from dashboard.views.claims import claims_of
from dashboard.views.gaps import check_period, gaps_for, read_layers, request_of
from dashboard.views.together import together_of
from dashboard.web import published
from layers import Layer, NotFound, Refused, SitingRequest, StoreFault


def blueprint() -> Blueprint:
    routes = Blueprint("api-v1-gaps", __name__, url_prefix="/api/v1")
    routes.after_request(answers.open_to_other_sites)
    routes.register_error_handler(NotFound, no_layer)
    routes.register_error_handler(Refused, refused)
    for address, view in (("/gaps", gaps), ("/together", together), ("/sites", sites)):
        routes.add_url_rule(address, view_func=view)
    return routes


def gaps() -> Response:
    here, viewer = published(), current_viewer()
    selection, besides = asked(GAPS, here.region, "format")
    form = one_of("format", formats_of("gaps", in_api=True), "json")
    wanted = request_of(here, selection, robustness=besides["robustness"])
    check_period(here, viewer, selection.needs, selection.period)
    found = gaps_for(here, wanted, viewer, period=selection.period, may_wait=True)
    if large.is_large("gaps", form, wanted.level):
        body = large.gaps_body(wanted, found.layers, selection.period, form, today())
        return answers.answer(body, cache=cache_of(found.layers))
    return send(gap_files.gaps_export(found, today()), (*found.key, affected_key(here)), form, public=found.public)


def together() -> Response:
    here, viewer = published(), current_viewer()
    selection, _ = asked(TOGETHER, here.region, "format")
    form = one_of("format", formats_of("together", in_api=True), "json")
    check_period(here, viewer, selection.needs, selection.period)
    found = together_of(here, selection, viewer, may_wait=True)
    if large.is_large("together", form, selection.level):
        body = large.together_body(selection, found.layers, form, today())
        return answers.answer(body, cache=cache_of(found.layers))
    return send(gap_files.together_export(found, today()), found.key, form, public=found.public)


def sites() -> Response:
    here, viewer = published(), current_viewer()
    selection, besides = asked(SITES, here.region, "exact", "format")
    form = one_of("format", formats_of("plan", in_api=True), "json")
    exact = one_of("exact", ("yes", "no"), "yes") == "yes"
    wanted = SitingRequest(request_of(here, selection, robustness=0), **besides, exact=exact)
    check_period(here, viewer, selection.needs, selection.period)
    plan = None if exact else siting.quick(here, wanted, viewer, period=selection.period)
    proof = proof_of(here, wanted, selection) if plan is None else None
    document = proof_document(proof, exact) if plan is None else plan.document() | {"state": "greedy"}
    named = read_layers(here, viewer, [name for name, _ in selection.needs], selection.services)
    layers = [layer for part in named for layer in part.values()]
    public = cache_of(layers) == answers.REVALIDATE
    body = answers.body_of(gap_files.plan_export(document, claims_of(layers), today()), form)
    response = answers.answer(body, cache=cache_of(layers))
    if proof is not None and proof.state != "done":  # not proven yet: ask again at the same address
        response.status_code = 202
        response.headers["Cache-Control"] = answers.PRIVATE if not public else "no-store"
        response.headers["Location"] = waiting.same_address()
        response.headers["Retry-After"] = str(again_in(proof.job, here.jobs.workers) if proof.job else 2)
    return response


def proof_of(here: Published, wanted: SitingRequest, selection: Selection) -> siting.Proof:
    """The plan from a job; the best so far, which may be none, when that takes longer."""
    viewer = current_viewer()
    job_id = siting.start(here, wanted, viewer, period=selection.period)
    job = siting.wait(here, job_id, viewer)
    if job.state == "refused":
        raise ApiError(400, "refused", "Sites cannot be suggested.", {"faults": [{"what": r} for r in job.reasons]})
    if job.state == "failed":
        raise ApiError(500, "plan-failed", job.reasons[0])
    if job.document is None:  # not even the quick answer yet
        raise Waiting(job.job, here.jobs.workers)
    return job


def proof_document(proof: siting.Proof, exact: bool) -> dict[str, Any]:
    """The plan; while it is the best so far, with how far the proof is. Without ``exact`` nobody asked for a proof."""
    state = "greedy" if proof.state == "done" and not exact else proof.state
    found = (proof.document or {}) | {"state": state}
    return found | waiting.document(Waiting(proof.job)) if proof.job and not proof.over else found


def cache_of(layers: Iterable[Layer]) -> str:
    """Who else may keep an answer that rests on some layers."""
    public = all(layer.descriptor.audience == "public" for layer in layers)
    return answers.REVALIDATE if public else answers.PRIVATE


def send(document: Document, key: tuple, form: str, *, public: bool) -> Response:
    body = answers.answers("gaps").get((document.name, key, form, today()), lambda: answers.body_of(document, form))
    return answers.answer(body, cache=answers.REVALIDATE if public else answers.PRIVATE)


def today() -> str:
    return datetime.now(UTC).date().isoformat()


def no_layer(_: NotFound) -> Response:
    return answers.not_found("layer of that name").response()


def refused(error: Refused) -> Response:
    if isinstance(error, StoreFault):  # only the title: the faults may name files and hosts
        return ApiError(503, "store-fault", error.title).response()
    return ApiError(
        400, "refused", error.title, {"faults": [fault_document(fault) for fault in error.faults]}
    ).response()


def fault_document(fault) -> dict[str, Any]:
    parts = {"what": fault.what, "where": fault.where, "todo": fault.todo, "rule": fault.rule}
    return {name: value for name, value in parts.items() if value}
