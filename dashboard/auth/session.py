"""Who is asking, and the cookie that says so.

The cookie holds a random token and nothing else; what it stands for is in the store (:mod:`layers.store.accounts`). Over HTTPS it
has the ``__Host-`` prefix, so that neither another host of the same domain nor plain HTTP can put one of its own in its place.
"""

from __future__ import annotations

from flask import Request, Response, g, has_request_context

from layers import PUBLIC, Viewer

COOKIE = "commonground"

DEVICE = "commonground-browser"
"""Cookie by which a browser is known in which somebody has signed in before: strangers who guess do not keep it out. It signs
nobody in, and holds a random token (:mod:`layers.store.devices`)."""

DEVICE_S = 180 * 24 * 3600


def current_viewer() -> Viewer:
    """The signed-in user, or the public. Set once per request by :func:`dashboard.auth.guard.install`."""
    return g.get("viewer", PUBLIC) if has_request_context() else PUBLIC


def cookie_name(request: Request, of: str = COOKIE) -> str:
    return f"__Host-{of}" if request.is_secure else of


def token_of(request: Request) -> str:
    """The session's token, "" for none. Over HTTPS a cookie without the prefix counts for nothing."""
    return request.cookies.get(cookie_name(request), "")


def keep_token(request: Request, response: Response, token: str) -> None:
    """Hand the browser a new session. It ends with the browser, or when the store says so, whichever is first."""
    set_cookie(request, response, COOKIE, token)


def device_of(request: Request) -> str:
    return request.cookies.get(cookie_name(request, DEVICE), "")


def keep_device(request: Request, response: Response, device: str) -> None:
    if device:
        set_cookie(request, response, DEVICE, device, max_age=DEVICE_S)


def drop_token(request: Request, response: Response) -> None:
    drop_cookie(request, response, COOKIE)


def set_cookie(request: Request, response: Response, of: str, value: str, *, max_age: int | None = None) -> None:
    # Lax, not Strict: whoever follows a link from an e-mail is signed in; a form on another site is still sent without it
    response.set_cookie(
        cookie_name(request, of),
        value,
        max_age=max_age,
        path="/",
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )


def drop_cookie(request: Request, response: Response, of: str) -> None:
    response.delete_cookie(cookie_name(request, of), path="/", secure=request.is_secure, httponly=True, samesite="Lax")
