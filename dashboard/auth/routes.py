"""``/sign-in``, ``/sign-out`` and the way back from the organisation's own sign-in service."""

from __future__ import annotations

import logging
from dataclasses import asdict
from urllib.parse import urlsplit

import flask
from itsdangerous import BadSignature, URLSafeTimedSerializer

from dashboard.auth import session
from dashboard.auth.guard import keep_private
from dashboard.auth.oidc import Journey, NotLetIn, Provider, account_for, start_session
from dashboard.pages.sign_in import PATH, SignIn, sign_in_page
from dashboard.published import Published
from dashboard.web import origin
from layers import PUBLIC, SYSTEM, Refused, SignInFailed, StoreFault, TooManyAttempts, User, Viewer

log = logging.getLogger("commonground.auth")

JOURNEY = "commonground-oidc"
"""Cookie that remembers a journey to the sign-in service, signed, for :data:`JOURNEY_S` seconds, for one return."""

JOURNEY_S = 600


def blueprint(published: Published, provider: Provider | None = None) -> flask.Blueprint:
    routes = flask.Blueprint("auth", __name__)
    store = published.store

    def page(status: int = 200, **said) -> flask.Response:
        said.setdefault("viewer", session.current_viewer())
        said.setdefault("no_accounts", not said["viewer"].signed_in and not store.accounts.has_users())
        if said["viewer"].signed_in:
            said["has_password"] = account_of(published, said["viewer"]).has_password
        document = sign_in_page(published, SignIn(provider=provider.label if provider else "", **said))
        return flask.Response(document, status, mimetype="text/html")

    @routes.after_request
    def never_kept(response: flask.Response) -> flask.Response:
        keep_private(response)
        return response

    @routes.get(PATH)
    def sign_in_form():
        notes = {"out": "You are signed out.", "changed": "Your password is changed."}
        note = next((text for name, text in notes.items() if name in flask.request.args), "")
        return page(next=wanted(flask.request.args.get("next") or page_before()), note=note)

    @routes.post(PATH)
    def sign_in():
        form = flask.request.form
        # a database may not take NUL in a text; no name holds one, so the answer is the same as for any wrong name
        name, after = form.get("name", "").replace("\0", "\ufffd"), wanted(form.get("next"))
        try:
            token = proved(name, form.get("password", ""))
        except TooManyAttempts as error:
            answer = page(429, next=after, name=name[:200], problem=str(error), viewer=PUBLIC)
            answer.headers["Retry-After"] = str(error.wait_s)
            return answer
        except SignInFailed as error:
            return page(401, next=after, name=name[:200], problem=str(error), viewer=PUBLIC)
        return enter(token, after)

    def enter(token: str, after: str) -> flask.Response:
        """A new session, whatever the browser had before; the old one ends."""
        store.accounts.sign_out(session.token_of(flask.request))
        return known(token, flask.redirect(after, 303))

    def proved(name: str, password: str) -> str:
        """A session for who knows the password; guesses are counted by browser where it is known, else by address."""
        asked = flask.request
        return store.accounts.sign_in(name, password, source=asked.remote_addr or "", device=session.device_of(asked))

    def known(token: str, response: flask.Response) -> flask.Response:
        """Hand the browser the session, and what it is known by the next time."""
        session.keep_token(flask.request, response, token)
        device = store.accounts.know_device(token, session.device_of(flask.request))
        session.keep_device(flask.request, response, device)
        return response

    @routes.post(f"{PATH}/password")
    def change_password():
        viewer, form = session.current_viewer(), flask.request.form
        if not viewer.signed_in:
            return flask.redirect(PATH, 303)
        try:
            # the same check, and the same slowing down of guesses, as for somebody who finds an open browser and signs in
            token = proved(viewer.user, form.get("password", ""))
            try:
                store.accounts.set_password(viewer.user, form.get("new", ""), by=viewer)
            finally:
                store.accounts.sign_out(token)
        except TooManyAttempts as error:
            return page(429, problem=str(error))
        except SignInFailed:
            return page(401, problem="The password that you have now is another.")
        except StoreFault:
            raise  # the one page that says so
        except Refused as refused:
            return page(400, problem=f"{refused.title} {'; '.join(f'{f.what}: {f.todo}' for f in refused.faults)}.")
        return known(store.accounts.start_session(viewer.user), flask.redirect(f"{PATH}?changed", 303))

    @routes.post("/sign-out")
    def sign_out():
        store.accounts.sign_out(session.token_of(flask.request))
        response = flask.redirect(f"{PATH}?out", 303)
        session.drop_token(flask.request, response)
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response

    if provider is not None:
        add_provider(routes, published, provider, page, enter)
    return routes


def add_provider(routes: flask.Blueprint, published: Published, provider: Provider, page, enter) -> None:
    def signer() -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(flask.current_app.secret_key, salt=JOURNEY)

    def back() -> str:
        return origin() + flask.url_for("auth.oidc_return")

    @routes.get(f"{PATH}/oidc")
    def oidc_start():
        after = wanted(flask.request.args.get("next"))
        try:
            address, journey = provider.start(back(), after)
        except NotLetIn as error:
            return sorry(error, after)
        response = flask.redirect(address, 303)
        session.set_cookie(flask.request, response, JOURNEY, signer().dumps(asdict(journey)), max_age=JOURNEY_S)
        return response

    @routes.get(f"{PATH}/oidc/return")
    def oidc_return():
        try:
            kept = flask.request.cookies.get(session.cookie_name(flask.request, JOURNEY), "")
            journey = Journey(**signer().loads(kept, max_age=JOURNEY_S))
        except BadSignature:  # also: none, or too old
            journey = None
        try:
            claims = provider.finish(flask.request.args, journey, back())
            name = account_for(published.store, claims, provider.settings)
            response = enter(start_session(published.store, name), wanted(journey.next))
        except NotLetIn as error:
            response = sorry(error, wanted(journey.next if journey else None))
        session.drop_cookie(flask.request, response, JOURNEY)
        return response

    def sorry(error: NotLetIn, after: str) -> flask.Response:
        log.warning("signing in with %s did not work: %s", provider.settings.issuer, ascii(error.why))
        return page(403, next=after, problem=str(error), viewer=PUBLIC)


def account_of(published: Published, viewer: Viewer) -> User:
    return next(user for user in published.store.accounts.list_users(SYSTEM) if user.name == viewer.user)


def wanted(address: str | None) -> str:
    """Where to go after signing in: a page of this site, "/" for anything else.

    Browsers read ``\\`` as ``/`` and drop tabs and line ends, so that ``/\\t/elsewhere`` would leave the site.
    """
    if not address or len(address) > 2000 or not address.startswith("/") or address.startswith("//"):
        return "/"
    if "\\" in address or any(ord(c) < 33 or ord(c) == 127 for c in address):
        return "/"
    parts = urlsplit(address)
    if (
        parts.scheme
        or parts.netloc
        or parts.path.rstrip("/") in (PATH, "/sign-out")
        or parts.path.startswith(f"{PATH}/")
    ):
        return "/"
    return address


def page_before() -> str:
    """Path and query of the page of ours that the reader came from."""
    parts = urlsplit(flask.request.referrer or "")
    if parts.netloc != flask.request.host:
        return "/"
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
