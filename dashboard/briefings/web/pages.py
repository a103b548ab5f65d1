"""What the pages of briefings have in common: where they stand, which briefing was asked for, what every one of them shows."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import flask

from dashboard.auth.session import current_viewer
from dashboard.briefings.sources import FoundBriefing, find, not_there, short_code
from dashboard.briefings.web import draw
from dashboard.html import page
from dashboard.views.wording import AUDIENCE_WORDS
from dashboard.web import origin, published
from layers import PUBLIC, Briefings, Viewer

PATH = "/briefings"
EDIT = f"{PATH}/edit"

EMBED_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors *"
)
"""For the one page that other websites may show: it holds nothing that can be pressed but links."""


def briefings() -> Briefings:
    """What was published and drafted on the site that this request is for."""
    return Briefings(published().store)


def show(template: str, **values: Any) -> flask.Response:
    """One of ``templates/briefings`` as a page of the site."""
    return page(published(), f"briefings/{template}.html", path=PATH, **values)


def message(heading: str, lines: list[str], status: int):
    if (flask.request.endpoint or "").endswith(".embed"):
        return embedded(status, title=heading, heading=heading, lines=lines, briefing=None)
    links = [("All briefings", PATH)]
    if status == 404 and not current_viewer().signed_in:
        links.append(("Sign in", f"/sign-in?next={quote(flask.request.path)}"))
    return page(
        published(), "message.html", title=heading, path=PATH, status=status, heading=heading, lines=lines,
        links=links,
    )  # fmt: skip


def embedded(status: int, **values):
    flask.g.viewer = PUBLIC
    flask.g.may_be_framed = True  # dashboard.auth.guard leaves X-Frame-Options out
    response = show("embed", status=status, **values)
    response.headers["Content-Security-Policy"] = EMBED_POLICY
    return response


def asked_for(briefing_id: str) -> FoundBriefing:
    return find(published(), briefing_id, current_viewer(), version_asked())


def version_asked() -> int | None:
    given = flask.request.args.get("version", "")
    if not given:
        return None
    found = number(given, None, -1)
    if found < 0:
        raise not_there()
    return found


def values_of(found: FoundBriefing) -> dict[str, Any]:
    """What every page about one briefing needs."""
    briefing, version = found.briefing, version_asked()
    return {
        "briefing": briefing,
        "draw": draw,
        "address": f"{PATH}/{briefing.id}",
        "query": f"?version={version}" if version is not None else "",
        "origin": origin(),
        "short": short_code(published(), briefing.id),
        "audience": str(found.audience),
        "has_notes": found.notes,
        "audience_words": AUDIENCE_WORDS[str(found.audience)],
    }


def may_write(viewer: Viewer) -> bool:
    return viewer.signed_in and viewer.role in ("analyst", "admin")


def number(given: str | None, allowed: list[int] | None, otherwise: int) -> int:
    """A whole number that somebody sent, where it is one of those allowed (None: any)."""
    found = int(given) if given and given.isascii() and given.isdigit() and len(given) < 9 else otherwise
    return found if allowed is None or found in allowed else otherwise
