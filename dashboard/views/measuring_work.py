"""Access to some services, measured in a worker (:mod:`dashboard.jobs`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dashboard.published import Published
from dashboard.views.draws import gap_request_of
from dashboard.views.gaps import read_layers, read_services
from dashboard.views.measures import measures_of
from layers import Cancelled, GapRequest, Viewer, measure_access, measuring, ways_at_most


def work(published: Published, viewer: Viewer, parameters: Mapping[str, Any], progress, cancelled) -> bytes:
    """Everything is read again as its viewer, at the versions that were asked about."""

    def goes_on(_seconds: float) -> bool:
        if cancelled():
            raise Cancelled
        return True

    here = published.at(parameters["layers"])
    return measured(here, viewer, gap_request_of(parameters["request"]), goes_on)


def measured(here: Published, viewer: Viewer, request: GapRequest, may: Callable[[float], bool]) -> bytes:
    """Everything about access that takes long; ``may`` is asked before ways are looked for."""
    areas = here.region.areas
    _, services = read_layers(here, viewer, (), request.services)
    read = {name: read_services(here, viewer, layer) for name, layer in services.items()}
    more = measures_of(here, request, viewer)
    asked = measuring(request, areas, read, demand=more.demand, no_car_share=more.no_car_share, water=here.region.water)
    with ways_at_most(may):
        return measure_access(asked, areas)
