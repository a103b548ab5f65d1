"""Who is asking, from the session cookie of the current request."""

from __future__ import annotations

from flask import g, has_request_context

from layers import PUBLIC, Viewer


def current_viewer() -> Viewer:
    """The signed-in user, or the public. Set once per request by :func:`dashboard.auth.guard.install`."""
    return g.get("viewer", PUBLIC) if has_request_context() else PUBLIC
