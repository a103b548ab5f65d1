"""``/api/v1/gaps``, ``/api/v1/together`` and ``/api/v1/sites``: the numbers of the screen and of the commands, read-only.

Parameters are checked here for their form; what makes no sense is refused by the engine with every reason, as status 400.
A layer that the caller may not see answers exactly as one that does not exist.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, request

from dashboard.api.answers import PRIVATE, REVALIDATE, Answers, ApiError, answer, bad_parameter, body_of, not_found
from dashboard.api.v1 import allowed, one_of
from dashboard.auth.session import current_viewer
from dashboard.exports import Document, formats_of
from dashboard.published import Published
from dashboard.views import gap_files, siting
from dashboard.views.gaps import DRAWS, check_period, footprint_of, gaps_for, read_layers, read_need
from dashboard.views.together import together_for
from layers import LEVELS, METRICS, OBJECTIVES, GapRequest, NotFound, Refused, SitingRequest, StoreFault

MOST_DRAWS = 2_000
"""Draws that a caller of the API may ask for; the command line takes more."""
MOST_LAYERS = 20
WAIT_S = 5.0
"""How long a plan's proof may take before the answer is the best so far, with status 202."""

GAP_PARAMETERS = (
    "need", "services", "level", "metric", "max_m", "detour", "alone", "fair", "max_min", "group", "travel", "partner", "period",
)  # fmt: skip


def blueprint(published: Published) -> Blueprint:
    routes = Blueprint("api-v1-gaps", __name__, url_prefix="/api/v1")
    memory = Answers()
    partners = tuple(partner.id for partner in published.region.partners)

    @routes.after_request
    def open_to_other_sites(response: Response) -> Response:
        if response.headers.get("Cache-Control") != PRIVATE:
            response.headers.setdefault("Access-Control-Allow-Origin", "*")
        return response

    @routes.errorhandler(NotFound)
    def no_layer(_: NotFound) -> Response:
        return not_found("layer of that name").response()

    @routes.errorhandler(Refused)
    def refused(error: Refused) -> Response:
        if isinstance(error, StoreFault):  # only the title: the faults may name files and hosts
            return ApiError(503, "store-fault", error.title).response()
        return ApiError(
            400, "refused", error.title, {"faults": [fault_document(fault) for fault in error.faults]}
        ).response()

    def asked(draws: int) -> GapRequest:
        partner = one_of("partner", partners, "")
        return GapRequest(
            need=need(required=True),
            services=names("services"),
            level=one_of("level", LEVELS, "lsoa"),
            metric=one_of("metric", METRICS, "nearest"),
            max_m=number("max_m", None),
            detour=number("detour", 1.0),
            alone=one_of("alone", ("yes", "no"), "no") == "yes",
            fair=one_of("fair", ("yes", "no"), "no") == "yes",
            max_min=number("max_min", None),
            group=request.args.get("group", "").strip(),
            travel=request.args.get("travel", "").strip(),
            footprint=footprint_of(published, partner),
            partner=partner,
            robustness=draws,
        )

    def period_of(needs: tuple[tuple[str, float], ...]) -> str:
        period = request.args.get("period", "")
        check_period(published, current_viewer(), needs, period)
        return period

    @routes.get("/gaps")
    def get_gaps() -> Response:
        allowed(*GAP_PARAMETERS, "robustness", "format")
        form = one_of("format", formats_of("gaps", in_api=True), "json")
        wanted = asked(whole("robustness", DRAWS, 0, MOST_DRAWS))
        found = gaps_for(published, wanted, current_viewer(), period=period_of(wanted.need))
        return send(gap_files.gaps_export(found, today()), found.key, form, public=found.public)

    @routes.get("/together")
    def get_together() -> Response:
        allowed("services", "level", "max_m", "detour", "partner", "need", "period", "format")
        form = one_of("format", formats_of("together", in_api=True), "json")
        needs = need(required=False)
        found = together_for(
            published,
            names("services"),
            current_viewer(),
            level=one_of("level", LEVELS, "lsoa"),
            max_m=number("max_m", None),
            detour=number("detour", 1.0),
            partner=one_of("partner", partners, ""),
            needs=needs,
            period=period_of(needs),
        )
        return send(gap_files.together_export(found, today()), found.key, form, public=found.public)

    @routes.get("/sites")
    def get_sites() -> Response:
        allowed(*GAP_PARAMETERS, "new", "objective", "demand", "exclude", "exact", "format")
        form = one_of("format", formats_of("plan", in_api=True), "json")
        viewer = current_viewer()
        wanted = SitingRequest(
            asked(0),
            whole("new", 1, 1, siting.MOST_NEW),
            one_of("objective", OBJECTIVES, "mclp"),
            one_of("demand", ("underserved", "all"), "underserved"),
            names("exclude", required=False),
            exact=one_of("exact", ("yes", "no"), "yes") == "yes",
        )
        status, period = 200, period_of(wanted.gaps.need)
        if wanted.exact:
            job_id = siting.start(published, wanted, viewer, period=period)
            job = siting.jobs(published).wait(published, job_id, viewer, WAIT_S)
            if job.state == "refused":
                raise ApiError(
                    400, "refused", "Sites cannot be suggested.", {"faults": [{"what": r} for r in job.reasons]}
                )
            if job.state == "failed":
                raise ApiError(500, "plan-failed", job.reasons[0])
            status = 200 if job.state == "done" else 202
            document = (job.document or {}) | {"state": job.state}
        else:
            plan = siting.plan_sites(published, replace(wanted, compare_alone=False), viewer, period=period)
            document = plan.document() | {"state": "greedy"}
        layers = read_layers(published, viewer, [name for name, _ in wanted.gaps.need], wanted.gaps.services)
        public = all(layer.descriptor.audience == "public" for part in layers for layer in part.values())
        body = body_of(gap_files.plan_export(document, today()), form)
        response = answer(body, cache=REVALIDATE if public else PRIVATE)
        if status == 202:  # not proven yet: ask again at the same address
            response.status_code = 202
            response.headers["Cache-Control"] = PRIVATE if not public else "no-store"
            response.headers["Retry-After"] = "2"
        return response

    def send(document: Document, key: tuple, form: str, *, public: bool) -> Response:
        body = memory.get((document.name, key, form, today()), lambda: body_of(document, form))
        return answer(body, cache=REVALIDATE if public else PRIVATE)

    return routes


def today() -> str:
    return datetime.now(UTC).date().isoformat()


def fault_document(fault) -> dict[str, Any]:
    parts = {"what": fault.what, "where": fault.where, "todo": fault.todo, "rule": fault.rule}
    return {name: value for name, value in parts.items() if value}


# ---- parameters -----------------------------------------------------------------------------------------------------


def need(*, required: bool) -> tuple[tuple[str, float], ...]:
    """``need=a=2,b``: weights default to 1. Whether they make sense is the engine's to say."""
    given = request.args.get("need", "")
    if not given and not required:
        return ()
    try:
        found = read_need(given)
    except ValueError as error:
        raise bad_parameter("need", given, f"ID[=WEIGHT],...; {error}") from None
    if len(found) > MOST_LAYERS:
        raise bad_parameter("need", given, f"at most {MOST_LAYERS} indicators")
    return found


def names(name: str, *, required: bool = True) -> tuple[str, ...]:
    given = request.args.get(name, "")
    found = tuple(dict.fromkeys(part.strip() for part in given.split(",") if part.strip()))
    if required and not found:
        raise bad_parameter(name, given, "one or more identifiers of layers, separated by commas")
    if len(found) > (MOST_LAYERS if required else 2_000):
        raise bad_parameter(name, given, f"at most {MOST_LAYERS}")
    return found


def number(name: str, default: float | None) -> float | None:
    given = request.args.get(name)
    if not given:
        return default
    try:
        found = float(given)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise bad_parameter(name, given, "a number")
    return found


def whole(name: str, default: int, least: int, most: int) -> int:
    given = request.args.get(name)
    if not given:
        return default
    if not given.isascii() or not given.isdigit() or not least <= int(given) <= most:
        raise bad_parameter(name, given, f"a whole number from {least:,} to {most:,}")
    return int(given)
