"""The sign-in page: plain HTML from the server, so that it works before, and without, any script.

It is not among :data:`dashboard.pages.PAGES`, which Dash draws; :mod:`dashboard.auth.routes` answers at its address.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from dash import dcc, html
from markupsafe import Markup

from dashboard.components.plain import plain_html
from dashboard.components.shell import FONT, footer, header
from dashboard.drawing.palette import as_css
from dashboard.published import Published
from layers import PUBLIC, Viewer, may_change

PATH = "/sign-in"
COMMAND = "commonground user add NAME --role admin --partner ID"

_DOCUMENT = Markup("""<!DOCTYPE html>
<html lang="en-GB">
  <head>
    <meta charset="UTF-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="robots" content="noindex">
    <title>{title} – Common Ground, {region}</title>
    <script src="/assets/colour-scheme.js"></script>
    <link rel="icon" type="image/svg+xml" href="/assets/favicon.svg">
    <link rel="preload" as="font" type="font/woff2" crossorigin href="{font}">
    <link rel="stylesheet" href="/assets/tokens.css">
    <link rel="stylesheet" href="/assets/app.css">
    <style>{palette}</style>
  </head>
  <body>
    <div class="frame">
      <a class="skip-link" href="#main">Skip to the content</a>
      {header}
      <main class="page">{content}</main>
    </div>
  </body>
</html>
""")


@dataclass(frozen=True)
class SignIn:
    """What the page shows. ``problem`` is told as an alert, ``note`` calmly; ``provider`` is the name of the organisation's
    own sign-in service, "" for none."""

    viewer: Viewer = PUBLIC
    next: str = "/"
    name: str = ""
    problem: str = ""
    note: str = ""
    provider: str = ""
    no_accounts: bool = False
    has_password: bool = False


def sign_in_page(published: Published, said: SignIn) -> str:
    """The whole document."""
    content = _signed_in(published, said) if said.viewer.signed_in else _form(published, said)
    title = "Your account" if said.viewer.signed_in else "Sign in"
    if said.problem:
        title = f"Problem: {title}"  # the first thing that a screen reader says
    return _DOCUMENT.format(
        title=title,
        region=published.region.name,
        font=FONT,
        palette=Markup(as_css()),  # noqa: S704  our own constants
        header=plain_html(header(published, PATH, said.viewer)),
        content=plain_html(html.Div([*content, footer(published)], className="document sign-in", id="main")),
    )


def _messages(said: SignIn) -> list:
    return [
        html.P(said.problem, className="problem", role="alert") if said.problem else None,
        html.P(said.note, className="notices", role="status") if said.note else None,
    ]


def _form(published: Published, said: SignIn) -> list:
    return [
        html.H1("Sign in"),
        *_messages(said),
        html.P(
            "Sign in to publish layers, and to see those that are not for everybody. The public map needs no account."
        ),
        *([_first_account(published)] if said.no_accounts else []),
        html.Form(
            [
                dcc.Input(type="hidden", name="next", value=said.next),
                html.Label("Name", htmlFor="name"),
                dcc.Input(
                    id="name",
                    name="name",
                    type="text",
                    value=said.name,
                    required=True,
                    autoComplete="username",
                    spellCheck="false",
                    maxLength=200,
                    className="text-input",
                ),
                *_password_field("password", "Password", "current-password"),
                html.Button("Sign in", type="submit", className="button"),
            ],
            method="post",
            action=PATH,
            className="sign-in-form",
        ),
        # a link, not a form: a form may only be sent to this site, also by way of a redirect
        html.P(
            html.A(
                f"Sign in with {said.provider}",
                href=f"{PATH}/oidc?{urlencode({'next': said.next})}",
                className="button-quiet",
            )
        )
        if said.provider
        else None,
        html.P("No account, or a lost password? Ask the person in your partnership who looks after Common Ground."),
    ]


def _first_account(published: Published) -> html.Div:
    return html.Div(
        [
            html.H2("There are no accounts yet"),
            html.P("Make the first one on the machine that serves this page, in the folder of Common Ground:"),
            html.Pre(html.Code(f".venv/bin/{COMMAND}")),
            html.P("It asks for a password. ID is one of the partners:"),
            html.Ul(
                [html.Li([html.Code(partner.id), f" {partner.name}"]) for partner in published.region.partners],
                className="partner-ids",
            ),
        ],
        className="first-account",
    )


def may_read_the_trail(viewer: Viewer) -> bool:
    """Whether the store would give them any of it: those who publish for somebody."""
    return may_change(viewer.partner, viewer)


def _signed_in(published: Published, said: SignIn) -> list:
    partner = published.region.partner(said.viewer.partner)
    may = {
        "viewer": "You see every public layer and those that the partners share.",
        "analyst": "You see what the partners share, and publish layers for your own organisation.",
        "admin": "You see and change every layer, and look after accounts.",
    }
    return [
        html.H1("Your account"),
        *_messages(said),
        html.P(
            [
                "You are signed in as ",
                html.Strong(said.viewer.user),
                f", {said.viewer.role} of {partner.name if partner else said.viewer.partner}. ",
                may.get(said.viewer.role, ""),
            ]
        ),
        html.Div(
            [
                html.A("Go on", href=said.next, className="button"),
                html.Form(
                    html.Button("Sign out", type="submit", className="button-quiet"), method="post", action="/sign-out"
                ),
            ],
            className="button-row",
        ),
        html.P(html.A("What was done, by whom and when", href="/audit")) if may_read_the_trail(said.viewer) else None,
        *(_new_password() if said.has_password else []),
    ]


def _new_password() -> list:
    return [
        html.H2("Change your password"),
        html.P(
            "Twelve characters or more; three random words do. Other browsers where you are signed in are signed out."
        ),
        html.Form(
            [
                *_password_field("password", "Password now", "current-password"),
                *_password_field("new", "New password", "new-password"),
                html.Button("Change the password", type="submit", className="button-quiet"),
            ],
            method="post",
            action=f"{PATH}/password",
            className="sign-in-form",
        ),
    ]


def _password_field(name: str, label: str, what: str) -> list:
    field = dcc.Input(
        id=name,
        name=name,
        type="password",
        required=True,
        autoComplete=what,
        maxLength=1024,
        className="text-input",
    )
    return [html.Label(label, htmlFor=name), field]
