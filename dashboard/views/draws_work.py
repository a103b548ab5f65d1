"""The draws of a question, in a worker (:mod:`dashboard.jobs`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboard.published import Published
from dashboard.views import draws
from dashboard.views.gaps import gaps_for
from dashboard.views.measuring_work import measured
from layers import Cancelled, Viewer


def work(published: Published, viewer: Viewer, parameters: Mapping[str, Any], progress, cancelled) -> bytes:
    """Everything about the question is read again as its viewer, at the versions that were asked about."""

    def moved(done: int, total: int) -> None:
        if cancelled():
            raise Cancelled
        progress(done / total)

    def moved_on(_seconds: float) -> bool:
        moved(1, 1)
        return True

    here = published.at(parameters["layers"])
    request = draws.gap_request_of(parameters["request"])
    found = gaps_for(here, request, viewer, period=parameters["period"], progress=moved).result.stability
    asked = parameters.get("access")
    return draws.write(found, measured(here, viewer, draws.gap_request_of(asked), moved_on) if asked else b"")
