"""A mistake of ours, as those who meet it are told: in a sentence, with a number that leads to the traceback in the log."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence

import flask
from werkzeug.exceptions import HTTPException, InternalServerError

from dashboard.api.answers import ApiError
from dashboard.html import page
from dashboard.web import published
from layers import StoreFault

log = logging.getLogger("commonground")

FOR_PROGRAMS = ("/api/", "/data/", "/ogc/", "/_dash", "/assets/", "/healthz", "/readyz")

WORDS = "Something went wrong here, and it is not your doing."


def install(server: flask.Flask) -> None:
    """Answer whatever a route, a callback or a handler raises; also where Flask's or Dash's settings for developers are on."""
    server.config["PROPAGATE_EXCEPTIONS"] = False
    server.register_error_handler(Exception, unexpected)
    server.register_error_handler(StoreFault, store_away)


def unexpected(error: Exception):
    if isinstance(error, InternalServerError) and error.original_exception is not None:
        error = error.original_exception  # what failed after the route
    if isinstance(error, HTTPException):
        return error
    number = secrets.token_hex(4)
    request = flask.request
    log.error("request %s: %s %r", number, request.method, request.path[:300], exc_info=error)
    response = _document(number) if is_for_programs(request) else _page(number)
    response.headers["X-Request-ID"] = number
    response.headers["Cache-Control"] = "no-store"
    return response


def store_away(error: StoreFault):
    """The disk is full, the database locked, away or damaged: said in one way to people and in one to programs."""
    request = flask.request
    log.error("%s %r: %s", request.method, request.path[:300], error)
    if is_for_programs(request):  # only the title: the faults may name files and hosts
        response = ApiError(503, "store-fault", error.title).response()
    else:
        lines = [
            error.title,
            "It is looked at again with every request: try again in a minute. What you have open stays as it is.",
        ]
        response = message_page("The data cannot be reached at this moment", lines, 503)
    response.headers["Retry-After"] = "10"
    response.headers["Cache-Control"] = "no-store"
    return response


def is_for_programs(request: flask.Request) -> bool:
    """Whether who asks reads JSON rather than pages."""
    if request.path.startswith(FOR_PROGRAMS) or request.is_json:
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json"], "text/html")
    return best == "application/json"


def _document(number: str) -> flask.Response:
    message = f"{WORDS} Tell whoever looks after this site the number {number}."
    return ApiError(500, "internal-server-error", message, {"request": number}).response()


def _page(number: str) -> flask.Response:
    lines = [WORDS, f"Try again. If it happens again, tell whoever looks after this site the number {number}."]
    return message_page("This page could not be made", lines, 500)


def message_page(heading: str, lines: list[str], status: int, links: Sequence[tuple[str, str]] = ()) -> flask.Response:
    """A few sentences as a page of the site."""
    about = {"heading": heading, "lines": lines, "links": links}
    try:
        return page(published(), "message.html", title=heading, path="", status=status, **about)
    except Exception:  # what failed may be what every page needs
        log.exception("the page that says so failed too")
        text = "".join(f"<p>{line}</p>" for line in lines)
        document = f"<!DOCTYPE html><html lang=en-GB><title>{heading}</title><h1>{heading}</h1>{text}</html>"
        return flask.Response(document, status, mimetype="text/html")
