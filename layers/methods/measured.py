"""What takes long about access, measured by one process and handed to another: ways over land, what is nearest, what is within a limit.

It depends on the areas, the sites and how access is measured, and on no indicator; so it is the same for everybody who asks about
these services in this way. As bytes it is arrays and numbers: nothing in it is run when it is read.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from layers.methods.access import AccessModel
from layers.methods.access_means import SMALL
from layers.methods.gap_request import ByLevel, GapRequest, check_request, limit_of, model_of, of_small_areas
from layers.methods.metrics import metric_for
from layers.methods.together import border_view
from layers.methods.water import Reach, Water


@dataclass(frozen=True, eq=False)
class Question:
    """One way of measuring access to some services. ``model`` and ``limit`` are made of it; nothing is measured yet."""

    request: GapRequest
    model: AccessModel
    limit: float | None
    metric: str


def measuring(
    request: GapRequest,
    areas,
    services,
    *,
    indicators=None,
    demand: ByLevel = None,
    no_car_share: ByLevel = None,
    water: Water | None = None,
) -> Question:
    """What a request measures. With ``indicators`` all that is wrong with it is told, as by :func:`layers.find_gaps`."""
    people, cars = of_small_areas(demand), of_small_areas(no_car_share)
    if indicators is not None:
        check_request(request, areas, indicators, services, people, cars, None)
    model = model_of(request, areas, services, people, cars, None, water)
    limit, _ = limit_of(request, services, model)
    return Question(request, model, limit, metric_for(request.metric, limit).id)


def measure(asked: Question, areas) -> bytes:
    """Everything that takes long, measured, for :func:`learn`."""
    model, arrays, about = asked.model, {}, {"reaches": [], "limit": None}
    if metric_for(asked.metric, asked.limit).needs_limit:
        about |= {"limit": asked.limit, "metric": asked.metric, "lists": sorted(model.lists_over_water(asked.limit))}
        arrays["values"] = getattr(model, asked.metric)(asked.limit)
    model.nearest  # noqa: B018 - it is kept
    border_view(
        areas[SMALL], model.sites, detour=asked.request.detour, water=model.water
    )  # both ways of looking, and their names
    for alone in (False, True):
        key = _as(model, alone).reach_key
        if (reach := model.water.reach(key)) is not None:
            about["reaches"].append(key)
            arrays |= {f"{name} {key}": getattr(reach, name) for name in REACH}
    ways, named = model.water.known_of(model.sites.xy)
    arrays |= dict(zip(WAYS, ways, strict=True))
    about["named"] = named
    out = io.BytesIO()
    np.savez_compressed(out, about=np.frombuffer(json.dumps(about).encode(), dtype=np.uint8), **arrays)
    return out.getvalue()


REACH, WAYS = ("metres", "site", "over", "marked"), ("pairs", "way", "looked")


def learn(data: bytes, asked: Question) -> AccessModel:
    """The model of a question with everything that another process has measured."""
    model = asked.model
    with np.load(io.BytesIO(data), allow_pickle=False) as found:
        about: dict[str, Any] = json.loads(found["about"].tobytes())
        model.water.learn([found[name] for name in WAYS], about["named"])
        for key in about["reaches"]:
            model.water.keep_reach(key, Reach(*(found[f"{name} {key}"] for name in REACH)))
        if about["limit"] is not None:
            model.learn(about["metric"], about["limit"], found["values"])
            model.learn("lists", about["limit"], about["lists"])
    return model


def _as(model: AccessModel, alone: bool) -> AccessModel:
    return AccessModel(model.xy, model.lad, model.demand, model.sites, model.multiplier, alone=alone)
