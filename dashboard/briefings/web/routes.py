"""Reading, presenting, sharing, taking away and writing briefings: ``/briefings`` and what is below it, and ``/b/<code>``.

The pages are drawn by the server and work without scripts. What may be read is decided by :mod:`dashboard.briefings.sources`
at every address alike: a hidden briefing answers as a missing one (404), a withdrawn one says why (410).
"""

from __future__ import annotations

from urllib.parse import quote

import flask

from dashboard import errors
from dashboard.auth.session import current_viewer
from dashboard.briefings.web import downloads, editing, picking, pinning, publishing, reading, versions
from dashboard.briefings.web.pages import EDIT, PATH, may_write, message, show
from dashboard.briefings.writing import outline
from dashboard.html import wording_day
from layers import NotFound, NotPermitted, Refused, StoreFault, Withdrawn

MOST_WORDS = 400_000
ONE, DRAFT = f"{PATH}/<briefing_id>", f"{EDIT}/<draft_id>"
ROUTES = (
    # to read
    ("GET", PATH, reading.listing),
    ("GET", f"{PATH}/wards", reading.all_wards),
    ("GET", ONE, reading.read),
    ("GET", f"{ONE}/present", reading.present),
    ("GET", f"{ONE}/notes", reading.notes),
    ("GET", f"{ONE}/embed", reading.embed),
    ("GET", f"{ONE}/changes", reading.changes),
    ("GET", f"{ONE}/own-ward", reading.own_ward),
    ("GET", "/b/<code>", reading.short),
    # to take away
    ("GET", f"{ONE}/files/<name>.<format_>", downloads.file),
    ("GET", f"{ONE}/exhibits/<int:number>.<format_>", downloads.exhibit),
    ("GET", f"{ONE}/qr.svg", downloads.qr),
    # versions
    ("GET", f"{ONE}/history", versions.history),
    ("GET", f"{ONE}/compare", versions.compare),
    ("POST", f"{ONE}/withdraw", versions.withdraw),
    ("POST", f"{ONE}/restore", versions.restore),
)
WRITING = (
    # drafts and the editor
    ("GET", EDIT, editing.edit_list),
    ("POST", EDIT, editing.edit_begin),
    ("GET", DRAFT, editing.edit_text),
    ("POST", DRAFT, editing.edit_save),
    ("POST", f"{DRAFT}/preview", editing.edit_preview),
    ("POST", f"{DRAFT}/pick", picking.edit_pick),
    ("GET", f"{DRAFT}/areas", picking.edit_areas),
    ("POST", f"{DRAFT}/pictures", picking.edit_picture),
    ("GET", f"{DRAFT}/pictures/<picture_id>", picking.edit_picture_file),
    ("POST", f"{DRAFT}/discard", editing.edit_discard),
    ("GET", f"{DRAFT}/look", editing.edit_look),
    ("GET", f"{DRAFT}/present", editing.edit_present),
    ("GET", f"{DRAFT}/notes", editing.edit_notes),
    # check and publish
    ("GET", f"{DRAFT}/publish", publishing.edit_publish),
    ("POST", f"{DRAFT}/publish", publishing.edit_publish_now),
    ("POST", f"{DRAFT}/check", publishing.edit_check),
    # a view of the map on a page
    ("GET", f"{PATH}/pin", pinning.pin),
    ("POST", f"{PATH}/pin", pinning.pin_here),
)
"""Addresses that need an account."""
TO_CHECK = (
    editing.edit_list, editing.edit_text, editing.edit_look, editing.edit_present, editing.edit_notes,
    publishing.edit_publish, publishing.edit_check,
)  # fmt: skip
"""Those of them that somebody who was asked to check a draft may open, for that one."""


def blueprint() -> flask.Blueprint:
    routes = flask.Blueprint("briefings", __name__)
    for method, address, view in (*ROUTES, *WRITING):
        routes.add_url_rule(address, view_func=view, methods=[method])
    routes.before_request(only_people)
    for error, answer in (
        (StoreFault, errors.store_away), (Withdrawn, withdrawn),
        (NotFound, missing), (Refused, refused), (NotPermitted, not_permitted),
    ):  # fmt: skip
        routes.register_error_handler(error, answer)
    return routes


def only_people():
    """Writing needs an account; which drafts are whose is asked of the store at each address."""
    name, viewer = (flask.request.endpoint or "").rpartition(".")[2], current_viewer()
    if may_write(viewer) or name not in [view.__name__ for _, _, view in WRITING]:
        return None
    if not viewer.signed_in:
        return signed_out()
    if name in [view.__name__ for view in TO_CHECK]:
        return None
    raise NotPermitted("Only analysts and admins may write a briefing.")


def signed_out():
    """The way to sign in and back. Who was writing when the session ended gets the words back: nothing that was sent is lost."""
    request = flask.request
    if request.method == "GET":
        return flask.redirect(f"/sign-in?next={quote(request.full_path.rstrip('?'))}", 303)
    draft_id = (request.view_args or {}).get("draft_id", "")
    way = f"/sign-in?next={quote(f'{EDIT}/{draft_id}' if draft_id else EDIT)}"
    if request.headers.get("X-Autosave") or request.headers.get("Accept", "").startswith("application/json"):
        return flask.jsonify(message="You are signed out.", sign_in=way), 401
    words = outline.tidy(request.form.get("text", ""))[:MOST_WORDS]
    if not words.strip():
        return flask.redirect(way, 303)
    revision = request.form.get("revision", "")[:12]
    return show("signed_out", title="You are signed out", status=401, words=words, way=way, revision=revision,
                address=f"{EDIT}/{draft_id}" if draft_id else "")  # fmt: skip


# ---- what is not there -------------------------------------------------------------------------------------------------


def withdrawn(error: Withdrawn):
    lines = [f"It was withdrawn on {wording_day(error.at)}. The reason: {error.reason}"]
    return message(f"“{error.title}” was withdrawn", lines, 410)


def missing(error: NotFound):
    lines = ["It may never have been there, or it may be open only to people who sign in."]
    return message("There is no such briefing", lines, 404)


def refused(error: Refused):
    """One that is damaged in the store, or that this program cannot read any more."""
    return message(error.title.rstrip("."), ["; ".join(map(str, error.faults))], 503)


def not_permitted(error: NotPermitted):
    return message("This is not yours to change", [str(error)], 403)
