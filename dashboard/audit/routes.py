"""``/audit``: who did what and when, searched, paged and taken away as CSV; ``/audit/why`` and ``/.well-known/security.txt``.

Who may read which line is the store's to say. The pages are drawn by the server and work without scripts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import flask
import pandas as pd

from dashboard.auth.session import current_viewer
from dashboard.exports import Sheet, csv_text
from dashboard.html import page
from dashboard.web import origin, published
from layers import PUBLIC, AuditLine, AuditSearch, NotFound, NotPermitted, why

PATH = "/audit"
ON_A_PAGE = 100
MOST_IN_A_FILE = 100_000
FIELDS = ("person", "layer", "action", "since", "until")
COLUMNS = ("line", "at", "by", "partner", "action", "what", "id", "version", "detail")


def search_of(given: dict[str, str]) -> tuple[AuditSearch, dict[str, str]]:
    """What to look for, and what cannot be looked for, by field. Days are days in the United Kingdom; both are included."""
    errors, days = {}, {}
    for name in ("since", "until"):
        try:
            days[name] = (
                datetime.fromisoformat(given[name]).replace(tzinfo=ZoneInfo("Europe/London"))
                if given.get(name)
                else None
            )
        except ValueError:
            errors[name] = "Write the day like 2026-03-31"
            days[name] = None
    until = days["until"]
    return AuditSearch(
        person=given.get("person", ""),
        layer=given.get("layer", ""),
        action=given.get("action", ""),
        since=days["since"] and days["since"].astimezone(UTC),
        until=until and (until + timedelta(days=1)).astimezone(UTC),
    ), errors


def row_of(line: AuditLine) -> tuple[Any, ...]:
    detail = json.dumps(dict(line.detail), ensure_ascii=False) if line.detail else ""
    at = line.at.isoformat(timespec="seconds")
    return (
        line.seq,
        at,
        line.by,
        line.partner,
        line.action,
        line.what,
        line.thing_id,
        line.version or "",
        detail,
    )


def words_of(detail: Mapping[str, Any]) -> str:
    """What a line says beside the rest, for people: what is empty is left out, and what is no text stays as it is kept."""
    said = {name: text for name, text in detail.items() if text not in ("", None, [], {})}
    return "; ".join(
        f"{name.replace('_', ' ')}: {text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)}"
        for name, text in said.items()
    )


def sheet_of(lines) -> Sheet:
    rows = [[str(cell) for cell in row_of(line)] for line in lines]
    return Sheet(pd.DataFrame(rows, columns=list(COLUMNS), dtype="object"))


def _given() -> dict[str, str]:
    args = flask.request.args
    return {name: " ".join(args.get(name, "").split())[:200] for name in FIELDS}


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 12 else None


def listing():
    given = _given()
    search, errors = search_of(given)
    lines = published().store.audit(
        current_viewer(), search=search, before=_number(flask.request.args.get("before")), limit=ON_A_PAGE + 1
    )
    query = urlencode({name: text for name, text in given.items() if text})
    shown = lines[:ON_A_PAGE]
    older = (
        urlencode({**{name: text for name, text in given.items() if text}, "before": shown[-1].seq})
        if len(lines) > len(shown)
        else ""
    )
    return page(
        published(), "audit/audit.html", title="Audit", path=PATH, given=given, errors=errors,
        lines=[(line, words_of(line.detail)) for line in shown], query=query, older=older,
        everything=current_viewer().role == "admin", status=422 if errors else 200,
    )  # fmt: skip


def as_csv():
    search, _ = search_of(_given())
    lines = published().store.audit(current_viewer(), search=search, limit=MOST_IN_A_FILE)
    response = flask.Response(csv_text(sheet_of(lines)), mimetype="text/csv")
    response.headers["Content-Disposition"] = 'attachment; filename="audit.csv"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def why_page():
    viewer, args = current_viewer(), flask.request.args
    if viewer.role != "admin":
        raise NotPermitted("Only admins may ask what somebody else can see.")
    given = {name: " ".join(args.get(name, "").split())[:200] for name in ("user", "layer", "version")}
    found, errors = None, {}
    if given["layer"]:
        try:
            person = published().store.accounts.viewer_named(given["user"]) if given["user"] else PUBLIC
            found = why(published().store, given["layer"], person, asked_by=viewer, version=_number(given["version"]))
        except NotFound as error:
            errors["user"] = str(error)
    return page(
        published(), "audit/why.html", title="Why can they see it?", path=PATH, given=given, found=found, errors=errors,
        status=422 if errors else 200,
    )  # fmt: skip


def security_txt():
    """RFC 9116: whom to tell of a weakness. It expires, so that nobody writes to an address that was left long ago."""
    expires = (
        (published().store.now() + timedelta(days=180))
        .astimezone(UTC)
        .replace(hour=0, minute=0, second=0, microsecond=0)
    )
    here = origin()
    lines = [
        f"Contact: {flask.current_app.config.get('SECURITY_CONTACT') or f'{here}/privacy'}",
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: en",
        f"Canonical: {here}/.well-known/security.txt",
    ]
    response = flask.Response("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache"
    return response


def _refused(error: NotPermitted):
    if not current_viewer().signed_in:
        return flask.redirect(f"/sign-in?next={quote(PATH)}", 303)
    return page(
        published(), "message.html", title="Not permitted", path=PATH, status=403, heading="This is not open to you",
        lines=[str(error)], links=[("Your account", "/sign-in")],
    )  # fmt: skip


ROUTES = (
    (PATH, listing),
    (f"{PATH}.csv", as_csv),
    (f"{PATH}/why", why_page),
    ("/.well-known/security.txt", security_txt),
)


def blueprint() -> flask.Blueprint:
    routes = flask.Blueprint("audit", __name__)
    for address, answer in ROUTES:
        routes.add_url_rule(address, view_func=answer)
    routes.register_error_handler(NotPermitted, _refused)
    return routes
