"""What every request passes: who is asking, same-origin writes, and the headers that keep a browser from being misled."""

from __future__ import annotations

import logging

import flask

from dashboard.auth.session import current_viewer, token_of
from dashboard.published import Published
from layers import PUBLIC, Refused

log = logging.getLogger("commonground.auth")

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # the layout request tells the server which page it is for by its referrer (dashboard.app.first_layout)
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(self)",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "SAMEORIGIN",
}


SAME_FOR_ALL = ("/assets/", "/_dash-component-suites/", "/data/shapes/", "/_favicon.ico", "/healthz", "/readyz")
"""Addresses whose answers depend on nobody: asked without a look at the session, kept by browsers for everybody."""

ONE_YEAR = 31_536_000


def install(server: flask.Flask, published: Published) -> None:
    """Before each request: refuse writes from other sites, find out who is asking. After it: the headers."""

    @server.before_request
    def know_the_viewer():
        flask.g.viewer = PUBLIC
        request = flask.request
        if request.method in ("POST", "PUT", "PATCH", "DELETE") and not same_origin(request):
            flask.abort(403, "This request came from another site.")
        token = token_of(request)
        if token and not request.path.startswith(SAME_FOR_ALL):
            try:
                flask.g.viewer = published.store.accounts.viewer_of(token)
            except Refused:  # the database is away: what is public can still be shown, nothing else
                log.exception("a session could not be looked up; the request is answered as for the public")

    @server.after_request
    def add_headers(response: flask.Response) -> flask.Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if flask.g.get("may_be_framed"):  # the one page that other websites may show (dashboard.briefings.web.routes)
            response.headers.pop("X-Frame-Options")
        if flask.request.is_secure:
            response.headers.setdefault("Strict-Transport-Security", f"max-age={ONE_YEAR}")
        if not flask.request.path.startswith(SAME_FOR_ALL):
            response.vary.add("Cookie")
            if current_viewer().signed_in:
                keep_private(response)
        return response


def keep_private(response: flask.Response) -> None:
    """No cache may keep this answer, and no other site may embed it."""
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    for name in ("ETag", "Last-Modified", "Expires"):
        response.headers.pop(name, None)


def same_origin(request: flask.Request) -> bool:
    """True unless the browser says that another site sent it. Commands and scripts send neither header."""
    site = request.headers.get("Sec-Fetch-Site")
    if site:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    if not origin:
        return True
    scheme, _, host = origin.partition("://")
    # without a proxy setting we may think that we are on HTTP while the browser is on HTTPS, never the other way round
    return host == request.host and (scheme == request.scheme or not request.is_secure)


def content_security_policy(server: flask.Flask, app, published: Published) -> None:
    """Only this host's own scripts, styles and data. Call it after every callback is registered: it hashes Dash's inline scripts."""
    hashes = " ".join(app.csp_hashes())
    images = "'self' data: blob:"
    if published.tiles_url:
        images += " " + "/".join(published.tiles_url.replace("{s}", "*").split("/")[:3])
    policy = "; ".join(
        [
            "default-src 'self'",
            f"script-src 'self' {hashes}",
            "style-src 'self' 'unsafe-inline'",  # the components set style attributes
            f"img-src {images}",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'self'",
        ]
    )

    @server.after_request
    def add_policy(response: flask.Response) -> flask.Response:
        response.headers.setdefault("Content-Security-Policy", policy)
        return response
