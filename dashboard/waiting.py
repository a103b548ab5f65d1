"""Who asks for what takes long, and how they are told to wait: 202 and how far it is; 429 or 503 when there is no room for it.

Programs get JSON, people a page that asks again by itself.
"""

from __future__ import annotations

from typing import Any

import flask

from dashboard.api.answers import ApiError
from dashboard.auth.session import current_viewer
from dashboard.connections import address_of
from dashboard.errors import is_for_programs, message_page
from dashboard.jobs import ASKER, Asker, Busy, Waiting, why_busy

DISCONNECTED = "waitress.client_disconnected"


def install(server: flask.Flask) -> None:
    """Let everything below know who asks, and answer for what is not there yet. After the guard, which knows the viewer."""

    @server.before_request
    def know_the_asker():
        viewer, request = current_viewer(), flask.request
        client = f"user:{viewer.user}" if viewer.signed_in else f"address:{address_of(request.remote_addr or '')}"
        ASKER.set(Asker(client, request.environ.get(DISCONNECTED) or (lambda: False)))

    @server.teardown_request
    def forget_the_asker(_error=None):
        ASKER.set(None)

    server.register_error_handler(Waiting, waiting)
    server.register_error_handler(Busy, busy)


def waiting(error: Waiting):
    """How far it is, and when to ask again at the same address."""
    request = flask.request
    if is_for_programs(request) and not is_opened_by_a_person(request):
        response = flask.jsonify(document(error))
        # a callback of the page has no way to wait
        response.status_code = 202 if request.method in ("GET", "HEAD") else 503
        response.headers["Location"] = same_address()
    else:
        lines = [f"{error}.".replace("..", "."), "This page asks again by itself; you need not do anything."]
        again = [("Ask again now", same_address())] if request.method == "GET" else []
        response = message_page("One moment, please", lines, 202 if again else 503, links=again)
        if again:
            response.headers["Refresh"] = str(error.again_s)
    response.headers["Retry-After"] = str(error.again_s)
    response.headers["Cache-Control"] = "no-store"
    return response


def is_opened_by_a_person(request: flask.Request) -> bool:
    """Whether a file of the map was clicked on; scripts that fetch one do not ask for pages."""
    return request.path.startswith("/data/table.") and "text/html" in request.headers.get("Accept", "")


def document(error: Waiting) -> dict[str, Any]:
    """What the body of a 202 says."""
    job = error.job
    return {
        "state": job.state,
        "id": job.id,
        "place": job.place,
        "progress": job.progress,
        "retry_after": error.again_s,
        "location": same_address(),
        "message": str(error),
    }


def busy(error: Busy):
    """429 when this client has its share already, 503 when there is no room for anybody."""
    again_s = again_after(error)
    words = why_busy(error)
    status, code = (429, "share-used") if error.own else (503, "queue-full")
    if is_for_programs(flask.request):
        response = ApiError(status, code, words, {"waiting": error.count, "retry_after": again_s}).response()
    else:
        response = message_page("One moment, please", [words], status)
    response.headers["Retry-After"] = str(again_s)
    response.headers["Cache-Control"] = "no-store"
    return response


def again_after(error: Busy) -> int:
    """When a place may be free: when the first of those ahead is done, at a guess."""
    return int(min(max(error.ahead / max(error.count, 1), 2), 15))


def same_address() -> str:
    request = flask.request
    return request.full_path if request.query_string else request.path
