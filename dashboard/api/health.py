"""``/healthz``: the process answers. ``/readyz``: the store answers too. Neither needs a sign-in."""

from __future__ import annotations

from flask import Blueprint

from dashboard.api.answers import ApiError
from dashboard.published import Published


def blueprint(published: Published) -> Blueprint:
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    def healthz():
        return {"status": "ok"}

    @routes.get("/readyz")
    def readyz():
        try:
            published.store.generation()
        except Exception as error:  # whatever the database raises, the answer is that we are not ready
            raise ApiError(503, "not-ready", "The store does not answer.", type(error).__name__) from error
        return {"status": "ready", "region": published.region.id}

    return routes
