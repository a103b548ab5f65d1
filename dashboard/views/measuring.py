"""Measuring access where that is too much for one request: what it costs, and asking a worker for it.

A region's first question about a list of services looks for ways around water, and a wide limit reaches many sites. What a worker
finds is arrays (:mod:`layers.methods.measured`), which depend on no indicator: everybody who measures these services in this way
shares them, and the rest of the answer is worked out where it is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from scipy.spatial import cKDTree

from dashboard.jobs import ASKER, Waiting
from dashboard.published import Published
from dashboard.views.measures import Measures
from layers import (
    METRICS,
    AccessQuestion,
    GapRequest,
    IndicatorLayer,
    Layer,
    ServiceLayer,
    Viewer,
    learn_access,
    measuring,
)

PER_AREA_S = 3.5e-5
"""Seconds of a processor for the nearest site of an area, as measured on England with its ways known; those are counted apart."""
PER_PAIR_S = 4e-6
"""The same for a pair of area and site within the limit, on the North East."""
WHAT = "Measuring how far the services are"


class Access:
    """How one question about access is measured. ``read``: its lists of services; ``key``: all that it depends on."""

    def __init__(
        self,
        published: Published,
        request: GapRequest,
        viewer: Viewer,
        *,
        services: Mapping[str, Layer],
        read: Mapping[str, ServiceLayer],
        more: Measures,
        key: tuple,
        indicators: Mapping[str, IndicatorLayer] | None = None,
        kept: Any = None,
    ):
        self._published, self._viewer = published, viewer
        self._request = replace(request, need=(), footprint=(), partner="", robustness=0)
        self._layers = {layer.id: layer.version for layer in (*services.values(), *more.layers)}
        self._key = ("access", key, request.metric, request.max_m, request.max_min)
        region, frames = published.region, {"demand": more.demand, "no_car_share": more.no_car_share}
        self.asked = measuring(request, region.areas, read, indicators=indicators, water=region.water, **frames)
        if kept is not None:
            self.asked = replace(self.asked, model=kept)

    def may_look(self, seconds: float) -> bool:
        """Whether the request may look for ways itself."""
        asker = ASKER.get()
        return asker is None or asker.may_afford(seconds)

    def model(self) -> Any:
        """The model to measure with; with what a worker has measured, where that is too much. Raises Waiting and Busy."""
        price = self.price()
        return self.asked.model if self.may_look(price) else self.from_a_worker(price)

    def price(self) -> float:
        return price_of(self.asked)

    def beside_draws(self) -> dict[str, Any]:
        """What a worker that draws is asked besides, for :func:`dashboard.views.draws.asked_of_a_worker`; {} where all is known."""
        return {"access": asdict(self._request), "learn": self._learn} if self.price() > 0 else {}

    def _learn(self, data: bytes) -> Any:
        return learn_access(data, self.asked)

    def from_a_worker(self, price: float) -> Any:
        jobs = self._published.jobs
        parameters = {"request": asdict(self._request), "layers": self._layers}
        try:
            data = jobs.answer("access", self._key, parameters, self._viewer, price=price)
        except Waiting as waiting:
            raise Waiting(waiting.job, jobs.workers, WHAT) from None
        return self._learn(data)


def price_of(asked: AccessQuestion) -> float:
    """Seconds of a processor for measuring what is not known yet, estimated, without ways that nobody knows."""
    model, limit = asked.model, asked.limit
    price = 0.0 if model.knows_nearest else model.size * PER_AREA_S
    if (
        METRICS[asked.metric].needs_limit
        and limit is not None
        and len(model.sites)
        and not model.knows(asked.metric, limit)
    ):
        pairs = cKDTree(model.xy).count_neighbors(cKDTree(model.sites.xy), limit / model.multiplier.min())
        price += int(pairs) * PER_PAIR_S
    return price


def is_measuring(waiting: Waiting) -> bool:
    return waiting.job.kind == "access"
