"""What every request passes: who is asking, same-origin writes, and the headers that keep a browser from being misled."""

from __future__ import annotations

import flask

from dashboard.published import Published
from layers import PUBLIC

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # the layout request tells the server which page it is for by its referrer (dashboard.app.first_layout)
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(self)",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "SAMEORIGIN",
}


def install(server: flask.Flask, published: Published) -> None:
    @server.before_request
    def know_the_viewer():
        flask.g.viewer = PUBLIC
        if flask.request.method in ("POST", "PUT", "PATCH", "DELETE") and not same_origin(flask.request):
            flask.abort(403, "This request came from another site.")

    @server.after_request
    def add_headers(response: flask.Response) -> flask.Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response


def same_origin(request: flask.Request) -> bool:
    """True unless the browser says that another site sent it. Commands and scripts send neither header."""
    site = request.headers.get("Sec-Fetch-Site")
    if site:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return not origin or origin.split("://")[-1] == request.host


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
