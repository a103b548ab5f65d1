"""The draws behind "how sure": what they cost, and asking a worker for those that one request should not do by itself.

The numbers are the engine's (:mod:`layers.methods.stability`). Only how often each area is underserved goes from the worker to
whoever asked; everything else about a question is worked out where it is asked, in a fraction of the time.
"""

from __future__ import annotations

import json
import math
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd

from dashboard.jobs import ASKER, id_of
from dashboard.published import Published
from layers import METRICS, Fault, GapRequest, NotFound, Refused, Stability, Viewer

# Nanoseconds of a processor for an area in one draw, as benchmarks/expensive_questions.py --prices measures them.
PER_INDICATOR, PER_SAMPLED = 1.5, 50.0  # an indicator without counts; one whose counts are drawn
PER_DRAW = 25.0  # the threshold, and what is counted
PER_SITE = {"coverage": 0.0}  # of the services, for metrics that are measured anew in each draw
PER_SITE_ELSE = 9.0  # where nearly all of them are within reach; half of that within 5 km


def price_of(request: GapRequest, areas: int, sampled: int, sites: int) -> float:
    """Seconds of a processor that the draws of a question take, estimated. ``sampled``: indicators that come with counts."""
    fixed = len(request.need) - sampled
    each = PER_DRAW + fixed * PER_INDICATOR + sampled * PER_SAMPLED
    metric = METRICS.get(request.metric)
    if metric is not None and metric.cost is None:
        each += sites * PER_SITE.get(request.metric, PER_SITE_ELSE)
    return request.robustness * areas * each * 1e-9


# Who waits as told is answered within the promise, though so many others ask for the dearest there may be.
PROMISE_S, OTHERS, WORKERS = 90.0, 8, 2
AGAIN_S = 5.0  # between two looks at it (dashboard.jobs.again_in)
MOST_S = (PROMISE_S - AGAIN_S) / (OTHERS / WORKERS + 1)
"""What the draws of one question may cost, in seconds of a processor. By turns it begins after ``OTHERS / WORKERS`` others at the
latest: 4 x 17 s, then 17 s of its own, and 5 s until it is asked for again."""
WORTH_LOOKING_S = 0.5
"""Draws that cost so much have perhaps been made by a worker already."""
FEWEST = 50
"""Fewer draws say nothing of how sure it is."""


class TooDear(Refused):
    """A question that nobody could be answered in time. ``draws``: how many of them it may have, 0 where that is too few."""

    def __init__(self, draws: int, faults: list[Fault]):
        super().__init__("This asks for too much at once.", faults)
        self.draws = draws


def check_price(request: GapRequest, areas: int, sampled: int, sites: int) -> float:
    """The price of a question (:func:`price_of`). Raises :class:`TooDear` where no worker is to do it, with what to ask instead.

    By command, and in a worker, everything is worked out.
    """
    price = price_of(request, areas, sampled, sites)
    if ASKER.get() is None or price <= MOST_S:
        return price
    may = math.floor(request.robustness * MOST_S / price)
    may -= may % (100 if may >= 1000 else 10)
    may = may if may >= FEWEST else 0
    bare = price_of(request, areas, sampled, 0)
    fewer = []
    if may:
        fewer.append(f"at most {may:,} draws (robustness={may})")
    if bare < MOST_S:
        most = math.floor(sites * (MOST_S - bare) / (price - bare))
        fewer.append(f"services with at most {most:,} sites between them")
    fewer.append("no draws (robustness=0)" if not may else "the command, which has no such limit")
    what = f"{request.robustness:,} draws with {sites:,} sites take about {price:,.0f} s; one question may take {MOST_S:.0f} s"
    raise TooDear(may, [Fault(what, "robustness", f"ask for {' or '.join(fewer)}", rule="price")])


def asked_of_a_worker(
    published: Published,
    request: GapRequest,
    viewer: Viewer,
    versions: Callable[[], Mapping[str, int]],
    *,
    period: str,
    depends_on: tuple,
    price: float,
    access: Mapping[str, Any] | None = None,
    learn: Callable[[bytes], None] | None = None,
) -> Stability:
    """The draws of a question from a job, which everybody shares who asks for the same.

    ``versions()`` of all layers in it is asked when nobody has asked for these draws yet; ``depends_on`` is everything that
    they depend on beside the request. ``access`` is handed to the worker where it is to tell what it measured, too, which
    ``learn`` is given: one job, so that nobody waits for two.
    Raises :class:`dashboard.jobs.Waiting` and :class:`layers.Busy`.
    """
    request = replace(request, footprint=(), partner="")  # these change what is listed, not what is drawn

    def parameters() -> dict[str, Any]:
        return {"request": asdict(request), "period": period, "layers": dict(versions()), "access": access}

    data = published.jobs.answer("draws", (request, depends_on), parameters, viewer, price=price)
    if learn is not None and (measured := json.loads(data).get("access")):
        learn(b64decode(measured))
    return read(data, published.region.areas[request.level].index)


def known(published: Published, request: GapRequest, depends_on: tuple) -> Stability | None:
    """What a worker has drawn for this question already: for a worker that writes the answer."""
    request = replace(request, footprint=(), partner="")
    try:
        job = published.jobs.table.find(id_of("draws", (request, depends_on)))
    except NotFound:
        return None
    if job.state != "done" or not job.result:
        return None
    return read(job.result, published.region.areas[request.level].index)


def is_affordable(price: float) -> bool:
    """Whether whoever asks may have this worked out at once. By command, and in a worker, everything is."""
    asker = ASKER.get()
    return asker is None or asker.may_afford(price)


# ---- as data ---------------------------------------------------------------------------------------------------------


def write(found: Stability, access: bytes = b"") -> bytes:
    counts = np.rint(found.share.to_numpy("float64") * found.draws).astype("int64")
    residents = {code: column.tolist() for code, column in found.residents.items()}
    document = {"draws": found.draws, "seed": found.seed, "varied": found.varied, "counts": counts.tolist()}
    measured = {"access": b64encode(access).decode()} if access else {}
    return json.dumps(document | {"residents": residents} | measured).encode()


def read(data: bytes, index: pd.Index) -> Stability:
    document = json.loads(data)
    share = pd.Series(np.array(document["counts"]) / document["draws"], index=index, name="stability")
    varied = {name: _as_it_was(name, value) for name, value in document["varied"].items()}
    return Stability(share, document["draws"], document["seed"], varied, pd.DataFrame(document["residents"]))


def _as_it_was(name: str, value: Any) -> Any:
    return tuple(value) if isinstance(value, list) and name != "sampling_error" else value


def gap_request_of(document: Mapping[str, Any]) -> GapRequest:
    """The request that a job's parameters hold as JSON."""
    need = tuple((name, weight) for name, weight in document["need"])
    lists = {name: tuple(document[name]) for name in ("services", "footprint")}
    return GapRequest(**document | lists | {"need": need})
