"""``/healthz``: the process answers. ``/readyz``: the store answers too. Neither needs a sign-in."""

from __future__ import annotations

from flask import Blueprint

from dashboard.api.answers import ApiError
from dashboard.web import published
from layers import pack_notices


def blueprint() -> Blueprint:
    routes = Blueprint("health", __name__)
    routes.add_url_rule("/healthz", view_func=healthz)
    routes.add_url_rule("/readyz", view_func=readyz)
    return routes


def healthz():
    return {"status": "ok"}


def readyz():
    here = published()
    try:
        here.store.generation()
    except Exception as error:  # whatever the database raises, the answer is that we are not ready
        raise ApiError(503, "not-ready", "The store does not answer.", type(error).__name__) from error
    notices = [str(fault) for fault in pack_notices(here.region, here.store.filled.left_out)]
    return {"status": "ready", "region": here.region.id} | ({"notices": notices} if notices else {})
