"""Writing briefings: drafts and the editor with its preview.

Every form works without scripts: buttons say in ``action`` what to do with the text that is sent along, so nothing typed is
lost. Who may is decided by :class:`layers.Briefings`; a draft that is not one's own answers as one that does not exist.
"""

from __future__ import annotations

import flask

from dashboard.auth.session import current_viewer
from dashboard.briefings.sources import entries, find, not_there
from dashboard.briefings.web import draw, picking
from dashboard.briefings.web.pages import EDIT, briefings, may_write, number, show
from dashboard.briefings.web.presenting import presenting
from dashboard.briefings.writing import drafting, outline
from dashboard.briefings.writing.outline import differences
from dashboard.html import environment
from dashboard.views.wording import AUDIENCE_WORDS, HEADLINE_TO_WRITE
from dashboard.web import origin, published
from layers import (
    BriefingDraft,
    EditConflict,
    NotFound,
    NotPermitted,
    Pictures,
    Refused,
    StoreFault,
    Viewer,
    may_change,
)

# ---- drafts ------------------------------------------------------------------------------------------------------------


def edit_list():
    return _list()


def _list(*, faults: tuple = (), failed: str = "", status: int = 200):
    viewer = current_viewer()
    drafts = briefings().drafts.list(viewer)
    return show(
        "drafts", title="Your briefings", status=status,
        mine=[one for one in drafts if may_change(one.partner, viewer)],
        to_check=[one for one in drafts if one.asked_of == viewer.user and not one.checked_by],
        starts=entries(published(), viewer) if may_write(viewer) else (), may=may_write(viewer),
        withdrawn=briefings().withdrawn(viewer) if may_write(viewer) else (), faults=faults, failed=failed,
        audiences=AUDIENCE_WORDS, partners={one.id: one.name for one in published().region.partners},
        chosen=flask.request.args.get("from", ""),
    )  # fmt: skip


def edit_begin():
    """Begin from nothing, from anything that one may read, or go on with the draft of a briefing of one's own."""
    viewer, form = current_viewer(), flask.request.form
    source = form.get("from", "")
    try:
        text, briefing_id = start(source, viewer)
        text = _begun(text, form, empty=not source)
        if briefing_id:
            same = [one for one in briefings().drafts.list(viewer) if one.briefing_id == briefing_id]
            if same and may_change(same[0].partner, viewer):
                return flask.redirect(f"{EDIT}/{same[0].id}", 303)
        draft = briefings().drafts.begin(viewer, text, briefing_id)
    except StoreFault:
        raise  # the one page that says so
    except Refused as error:
        return _list(faults=drafting.remarks(error.faults), failed=error.title, status=422)
    return flask.redirect(f"{EDIT}/{draft.id}", 303)


def _begun(text: str, form, *, empty: bool) -> str:
    """The text with what was said before it was begun: its title, its readers, the point of its first page."""
    if title := drafting.one_line(form.get("title", "")):
        text = outline.with_setting(text, "title", title)
    if form.get("audience") in AUDIENCE_WORDS:
        text = outline.with_setting(text, "audience", form["audience"])
    headline = drafting.one_line(form.get("headline", ""))
    return text.replace(HEADLINE_TO_WRITE, headline, 1) if empty and headline else text


def writes_for(viewer: Viewer) -> str:
    """The partner of whom a new text of theirs is."""
    partners = published().region.partners
    return viewer.partner or (partners[0].id if partners else "")


def start(source: str, viewer: Viewer) -> tuple[str, str]:
    """The text to begin with, and the id of the briefing of which it becomes the next version."""
    partner = writes_for(viewer)
    if not source:
        return drafting.BLANK.format(partner=partner), ""
    found = find(published(), source, viewer)
    text = found.briefing.document.text
    if not text:
        raise NotFound("There is no text to start from.")
    if found.record is not None and may_change(found.partner, viewer):
        return text, source
    return outline.with_setting(text, "partner", partner), ""


# ---- the editor --------------------------------------------------------------------------------------------------------


def edit_text(draft_id: str):
    viewer = current_viewer()
    draft = briefings().drafts.get(draft_id, viewer)
    if not may_change(draft.partner, viewer):
        return flask.redirect(f"{EDIT}/{draft.id}/publish", 303)
    return _editor(draft)


def _editor(draft: BriefingDraft, *, text: str | None = None, status: int = 200, **values):
    text = draft.text if text is None else text
    parts = outline.parts_of(text)
    at = number(flask.request.args.get("page"), [part.number for part in parts], 1)
    values = {"overtaken": None, "failed": "", "faults": (), "revision": draft.revision} | values
    return show(
        "edit", title=f"Edit: {draft.title or 'Untitled briefing'}",
        status=status, draft=draft, text=text, parts=parts, at=at, looked=drafting.preview(published(), text, current_viewer()),
        shown=at, draw=draw, picks=picking.choices(text), pictures=Pictures(published().store).list(current_viewer(), draft.partner),
        address=f"{EDIT}/{draft.id}", audiences=AUDIENCE_WORDS, **values,
    )  # fmt: skip


def edit_save(draft_id: str):
    viewer, form = current_viewer(), flask.request.form
    draft = briefings().drafts.get(draft_id, viewer)
    revision = number(form.get("revision"), None, draft.revision)
    text, at = _acted(outline.tidy(form.get("text", draft.text)), form)
    quiet = "X-Autosave" in flask.request.headers
    try:
        saved = briefings().drafts.change(draft_id, viewer, revision, text)
    except EditConflict as error:
        if quiet:
            return flask.jsonify(
                message=f"{error.draft.changed_by} changed this draft meanwhile. Press Save to compare."
            ), 409
        return _editor(
            error.draft, text=text, status=409, overtaken=error.draft, revision=error.draft.revision,
            lines=differences(error.draft.text, text),
        )  # fmt: skip
    except StoreFault:
        raise  # the one page that says so
    except Refused as error:
        if quiet:
            return flask.jsonify(message=str(error)), 422
        return _editor(draft, text=text, status=422, failed=error.title, faults=drafting.remarks(error.faults))
    if quiet:
        return flask.jsonify(revision=saved.revision)
    if form.get("action") == "publish":
        return flask.redirect(f"{EDIT}/{draft_id}/publish", 303)
    return flask.redirect(f"{EDIT}/{draft_id}" + (f"?page={at}" if at > 1 else ""), 303)


def _acted(text: str, form) -> tuple[str, int]:
    """The text after what the pressed button does to it, and the page to show."""
    what, _, which = form.get("action", "save").partition(":")
    n, count = number(which, None, 0), len(outline.parts_of(text))
    if what == "up":
        return outline.move(text, n, -1), max(n - 1, 1)
    if what == "down":
        return outline.move(text, n, 1), min(n + 1, count)
    if what == "move":  # dragged: from one place to another
        to = min(max(number(form.get("to"), None, n), 1), max(count, 1))
        return outline.move(text, n, to - n), to
    if what == "remove":
        return outline.remove(text, n), max(n - 1, 1)
    if what == "add":
        return outline.insert(text, n, drafting.NEW_PAGE), n + 1
    return text, n if what == "show" else number(form.get("page"), None, 1)


def edit_preview(draft_id: str):
    """The page under the cursor as readers would get it, and every fault; of a text that need not be saved."""
    viewer, form = current_viewer(), flask.request.form
    draft = briefings().drafts.get(draft_id, viewer)
    if not may_change(draft.partner, viewer):
        raise NotPermitted("You were asked to check this draft; only those who write it may change it.")
    text, at = outline.tidy(form.get("text", "")), 0
    if form.get("action"):
        text, at = _acted(text, form)
    parts = outline.parts_of(text)
    at = min(at or outline.page_at(text, number(form.get("line"), None, 1)), len(parts))
    looked = drafting.preview(published(), text, viewer)
    html = environment().get_template("briefings/preview.html").render(looked=looked, shown=at, draw=draw)
    names = environment().get_template("briefings/edit_pages.html").render(parts=parts, at=at, looked=looked)
    return flask.jsonify(
        html=html, names=names, text=text, line=parts[at - 1].line if at else 1, page=at, faults=len(looked.faults),
        lines=[one.line for one in looked.faults if one.line],
    )  # fmt: skip


def edit_discard(draft_id: str):
    briefings().drafts.discard(draft_id, current_viewer())
    return flask.redirect(EDIT, 303)


def edit_look(draft_id: str):
    """The whole draft as its readers would get it."""
    draft = briefings().drafts.get(draft_id, current_viewer())
    return show(
        "look", title=f"Preview: {draft.title}", draft=draft, draw=draw,
        looked=drafting.preview(published(), draft.text, current_viewer()), address=f"{EDIT}/{draft.id}",
        may=may_change(draft.partner, current_viewer()),
    )  # fmt: skip


def edit_present(draft_id: str):
    """The draft on the big screen, to try it before the meeting."""
    return _presented(draft_id, "present")


def edit_notes(draft_id: str):
    return _presented(draft_id, "notes")


def _presented(draft_id: str, template: str):
    draft = briefings().drafts.get(draft_id, current_viewer())
    notes = may_change(draft.partner, current_viewer())
    if template == "notes" and not notes:
        raise not_there()
    briefing = drafting.preview(published(), draft.text, current_viewer()).briefing
    if briefing is None:
        return flask.redirect(f"{EDIT}/{draft_id}/look", 303)
    return show(
        template, title=f"Draft: {briefing.title}", briefing=briefing, draw=draw, short="", query="", has_notes=notes,
        address=f"{EDIT}/{draft_id}", origin=origin(), **presenting(briefing, draft_id),
    )  # fmt: skip
