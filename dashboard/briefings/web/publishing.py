"""A draft checked by a colleague and published, pinned to the data of the day."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import flask

from dashboard.auth.session import current_viewer
from dashboard.briefings.filling.build import build_briefing
from dashboard.briefings.web.pages import EDIT, PATH, briefings, number, show
from dashboard.briefings.writing import drafting, outline
from dashboard.briefings.writing.drafting import Remark
from dashboard.views.wording import AUDIENCE_WORDS
from dashboard.web import published
from layers import BriefingDraft, EditConflict, Fault, Refused, StoreFault, Viewer, may_change, read_briefing


def edit_publish(draft_id: str):
    done = next((name for name in ("asked", "checked") if name in flask.request.args), "")
    return _publish_page(briefings().drafts.get(draft_id, current_viewer()), done=done)


def _publish_page(draft: BriefingDraft, *, status: int = 200, **values):
    viewer = current_viewer()
    looked = drafting.preview(published(), draft.text, viewer)
    stops = (*looked.faults, *drafting.remarks(drafting.still_to_write(draft.text)))
    values = {"errors": {}, "failed": "", "faults": (), "given": {}, "done": "", "stops": stops} | values
    document = looked.document
    partner = published().region.partner(draft.partner)
    return show(
        "publish", title=f"Check and publish: {draft.title}", status=status,
        draft=draft, looked=looked, document=document, audiences=AUDIENCE_WORDS, address=f"{EDIT}/{draft.id}",
        partner_name=partner.name if partner else draft.partner, may=may_change(draft.partner, viewer),
        may_confirm=briefings().drafts.may_check(draft, viewer),
        seen=versions_seen(looked.briefing.pins if looked.briefing else {}),
        blank=[one for one in (looked.briefing.pages if looked.briefing else ()) if one.unavailable], **values,
    )  # fmt: skip


def edit_publish_now(draft_id: str):
    viewer, form = current_viewer(), flask.request.form
    draft = briefings().drafts.get(draft_id, viewer)
    given = {
        name: form.get(name, "") for name in ("note", "briefing_id", "audience", "review_on", "asked_of", "asked_note")
    }
    action = form.get("action", "")
    revision = number(form.get("revision"), None, draft.revision)
    try:
        draft = _settings(draft, viewer, revision, given)
        if action == "later":
            return flask.redirect(EDIT, 303)
        if action == "ask":
            briefings().drafts.ask_check(draft_id, viewer, given["asked_of"], given["asked_note"])
            return flask.redirect(f"{EDIT}/{draft_id}/publish?asked=yes", 303)
        if action != "publish":
            return flask.redirect(f"{EDIT}/{draft_id}/publish", 303)
        document = read_briefing(draft.text)
        drafting.check_owner(published(), document, viewer)
        drafting.check_written(draft.text)
        made = build_briefing(published(), document, briefing_id=draft.briefing_id or "draft", author=viewer)
        pins, facts = drafting.pins_and_facts(made)
        if flask.request.form.get("seen") not in (None, versions_seen(pins)):
            what, todo = "newer figures were published since this page was opened", "look at it again, then publish"
            raise Refused("The briefing was not published.", [Fault(what, "", todo, rule="overtaken")])
        done = briefings().publish(
            draft_id, by=viewer, pins=pins, facts=facts, revision=draft.revision, note=given["note"][:1000],
            briefing_id=given["briefing_id"].strip().lower() if not draft.base_version else "",
        )  # fmt: skip
    except EditConflict as error:
        said = (Remark(f"{error.draft.changed_by} changed this draft meanwhile", "look at it again, then publish"),)
        return _publish_page(error.draft, status=409, failed="Nothing was changed.", faults=said, given=given)
    except StoreFault:
        raise  # the one page that says so
    except Refused as error:
        where = {"colleague": "asked_of", "id": "briefing_id"}
        errors = {where[fault.where]: str(fault.what) for fault in error.faults if fault.where in where}
        said = drafting.remarks([fault for fault in error.faults if fault.where not in where])
        draft = briefings().drafts.get(draft_id, viewer)
        return _publish_page(draft, status=422, failed=error.title, faults=said, errors=errors, given=given)
    return flask.redirect(f"{PATH}/{done.id}?done=published", 303)


def _settings(draft: BriefingDraft, viewer: Viewer, revision: int, given: dict[str, str]) -> BriefingDraft:
    """The draft with the audience and review date of the form in its front matter."""
    if draft.revision != revision:
        raise EditConflict(draft)
    text = draft.text
    if given["audience"] in AUDIENCE_WORDS:
        text = _set(text, "audience", given["audience"])
    if "review_on" in flask.request.form:
        text = _set(text, "review_on", given["review_on"][:20])
    return briefings().drafts.change(draft.id, viewer, revision, text) if text != draft.text else draft


def edit_check(draft_id: str):
    viewer = current_viewer()
    draft = briefings().drafts.get(draft_id, viewer)
    try:
        briefings().drafts.answer_check(
            draft_id, viewer, number(flask.request.form.get("revision"), None, draft.revision)
        )
    except EditConflict as error:
        said = (Remark(f"{error.draft.changed_by} changed the text meanwhile", "read it again, then confirm"),)
        return _publish_page(error.draft, status=409, failed="Nothing was confirmed.", faults=said)
    return flask.redirect(f"{EDIT}/{draft_id}/publish?checked=yes", 303)


def versions_seen(pins: Mapping[str, int]) -> str:
    """Which data somebody looked at before they pressed the button."""
    return hashlib.sha256(repr(sorted(pins.items())).encode()).hexdigest()[:16]


def _set(text: str, name: str, value: str) -> str:
    """A setting of the front matter, written only where it differs."""
    try:
        now: Any = getattr(read_briefing(text), name)
    except Refused:
        now = None
    return text if now == value else outline.with_setting(text, name, value)
