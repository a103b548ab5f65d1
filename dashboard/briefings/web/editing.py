"""Writing briefings: drafts, the editor with its preview, "pin this view", a colleague's check, publishing.

Every form works without scripts: buttons say in ``action`` what to do with the text that is sent along, so nothing typed is
lost. Who may is decided by :class:`layers.Briefings`; a draft that is not one's own answers as one that does not exist.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import flask

from dashboard.auth.session import current_viewer
from dashboard.briefings.filling.build import build_briefing
from dashboard.briefings.filling.facts import TOKENS
from dashboard.briefings.sources import entries, find
from dashboard.briefings.web import draw
from dashboard.briefings.web.presenting import presenting
from dashboard.briefings.writing import outline
from dashboard.briefings.writing.drafting import (
    BLANK,
    NEW_PAGE,
    Remark,
    check_owner,
    clean_view,
    look,
    page_of_view,
    pins_and_facts,
    remarks,
)
from dashboard.briefings.writing.outline import differences
from dashboard.html import environment, page
from dashboard.published import Published
from dashboard.views.wording import AUDIENCE_WORDS
from layers import (
    BriefingDraft,
    Briefings,
    Fault,
    NotFound,
    NotPermitted,
    Overtaken,
    Refused,
    Viewer,
    may_change,
    read_briefing,
)

PATH = "/briefings"
EDIT = f"{PATH}/edit"
MOST_DRAFTS = 100

__all__ = ["add_routes", "differences", "may_write", "number"]


def may_write(viewer: Viewer) -> bool:
    return viewer.signed_in and viewer.role in ("analyst", "admin")


def number(given: str | None, allowed: list[int] | None, otherwise: int) -> int:
    """A whole number that somebody sent, where it is one of those allowed (None: any)."""
    found = int(given) if given and given.isascii() and given.isdigit() and len(given) < 9 else otherwise
    return found if allowed is None or found in allowed else otherwise


def add_routes(routes: flask.Blueprint, published: Published) -> None:
    held = Briefings(published.store)
    region = published.region

    @routes.before_request
    def only_people():
        """Writing needs an account; which drafts are whose is asked of the store at each address."""
        name = (flask.request.endpoint or "").rpartition(".")[2]
        viewer = current_viewer()
        if not name.startswith(("edit_", "pin")) or may_write(viewer):
            return None
        if not viewer.signed_in:
            address = flask.request.full_path.rstrip("?") if flask.request.method == "GET" else EDIT
            return flask.redirect(f"/sign-in?next={quote(address)}", 303)
        if name in ("edit_list", "edit_publish", "edit_look", "edit_present", "edit_notes", "edit_check", "edit_text"):
            return None  # somebody who was asked to check a draft may open that one
        raise NotPermitted("Only analysts and admins may write a briefing.")

    # ---- drafts --------------------------------------------------------------------------------------------------

    @routes.get(EDIT)
    def edit_list():
        return _list()

    def _list(*, faults: tuple = (), failed: str = "", status: int = 200):
        viewer = current_viewer()
        drafts = held.drafts(viewer)
        return page(
            published, "briefings/drafts.html", title="Your briefings", path=PATH, status=status,
            mine=[one for one in drafts if may_change(one.partner, viewer)],
            to_check=[one for one in drafts if one.asked_of == viewer.user and not one.checked_by],
            starts=entries(published, viewer) if may_write(viewer) else (), may=may_write(viewer),
            withdrawn=held.withdrawn(viewer) if may_write(viewer) else (), faults=faults, failed=failed,
            audiences=AUDIENCE_WORDS, partners={one.id: one.name for one in region.partners},
            chosen=flask.request.args.get("from", ""),
        )  # fmt: skip

    @routes.post(EDIT)
    def edit_begin():
        """Begin from nothing, from anything that one may read, or go on with the draft of a briefing of one's own."""
        viewer, form = current_viewer(), flask.request.form
        source = form.get("from", "")
        try:
            if len([one for one in held.drafts(viewer) if one.made_by == viewer.user]) >= MOST_DRAFTS:
                raise NotPermitted(f"You have {MOST_DRAFTS} drafts. Publish or discard some first.")
            text, briefing_id = _start(source, viewer)
            if briefing_id:
                same = [one for one in held.drafts(viewer) if one.briefing_id == briefing_id]
                if same and may_change(same[0].partner, viewer):
                    return flask.redirect(f"{EDIT}/{same[0].id}", 303)
            draft = held.begin(viewer, text, briefing_id)
        except Refused as error:
            return _list(faults=remarks(error.faults), failed=error.title, status=422)
        return flask.redirect(f"{EDIT}/{draft.id}", 303)

    def _start(source: str, viewer: Viewer) -> tuple[str, str]:
        """The text to begin with, and the id of the briefing of which it becomes the next version."""
        partner = viewer.partner or (region.partners[0].id if region.partners else "")
        if not source:
            return BLANK.format(partner=partner), ""
        found = find(published, source, viewer)
        text = found.briefing.document.text
        if not text:
            raise NotFound("There is no text to start from.")
        if found.record is not None and may_change(found.partner, viewer):
            return text, source
        return outline.with_setting(text, "partner", partner), ""

    # ---- the editor ----------------------------------------------------------------------------------------------

    @routes.get(f"{EDIT}/<draft_id>")
    def edit_text(draft_id: str):
        viewer = current_viewer()
        draft = held.draft(draft_id, viewer)
        if not may_change(draft.partner, viewer):
            return flask.redirect(f"{EDIT}/{draft.id}/publish", 303)
        return _editor(draft)

    def _editor(draft: BriefingDraft, *, text: str | None = None, status: int = 200, **values):
        from dashboard.briefings.filling.exhibits import EXHIBIT_HELP

        text = draft.text if text is None else text
        parts = outline.parts_of(text)
        at = number(flask.request.args.get("page"), [part.number for part in parts], 1)
        exhibits = [(name, help_, exhibit_block(help_.example)) for name, help_ in EXHIBIT_HELP.items()]
        values = {"overtaken": None, "failed": "", "faults": (), "revision": draft.revision} | values
        return page(
            published, "briefings/edit.html", title=f"Edit: {draft.title or 'Untitled briefing'}", path=PATH,
            status=status, draft=draft, text=text, parts=parts, at=at, looked=look(published, text, current_viewer()),
            shown=at, draw=draw, tokens=TOKENS, exhibits=exhibits, address=f"{EDIT}/{draft.id}", **values,
        )  # fmt: skip

    @routes.post(f"{EDIT}/<draft_id>")
    def edit_save(draft_id: str):
        viewer, form = current_viewer(), flask.request.form
        draft = held.draft(draft_id, viewer)
        revision = number(form.get("revision"), None, draft.revision)
        text, at = _acted(outline.tidy(form.get("text", draft.text)), form)
        quiet = "X-Autosave" in flask.request.headers
        try:
            saved = held.change(draft_id, viewer, revision, text)
        except Overtaken as error:
            if quiet:
                return flask.jsonify(
                    message=f"{error.draft.changed_by} changed this draft meanwhile. Press Save to compare."
                ), 409
            return _editor(
                error.draft, text=text, status=409, overtaken=error.draft, revision=error.draft.revision,
                lines=differences(error.draft.text, text),
            )  # fmt: skip
        except Refused as error:
            if quiet:
                return flask.jsonify(message=str(error)), 422
            return _editor(draft, text=text, status=422, failed=error.title, faults=remarks(error.faults))
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
        if what == "remove":
            return outline.remove(text, n), max(n - 1, 1)
        if what == "add":
            return outline.insert(text, n, NEW_PAGE), n + 1
        return text, n if what == "show" else number(form.get("page"), None, 1)

    @routes.post(f"{EDIT}/<draft_id>/preview")
    def edit_preview(draft_id: str):
        """The page under the cursor as readers would get it, and every fault; of a text that need not be saved."""
        viewer, form = current_viewer(), flask.request.form
        draft = held.draft(draft_id, viewer)
        if not may_change(draft.partner, viewer):
            raise NotPermitted("You were asked to check this draft; only those who write it may change it.")
        text = outline.tidy(form.get("text", ""))
        parts = outline.parts_of(text)
        at = outline.page_at(text, number(form.get("line"), None, 1))
        looked = look(published, text, viewer)
        html = environment().get_template("briefings/preview.html").render(looked=looked, shown=at, draw=draw)
        return flask.jsonify(
            html=html, page=at, faults=len(looked.faults), lines=[one.line for one in looked.faults if one.line],
            pages=[
                {"number": part.number, "headline": looked.headline(part.number, part.headline), "line": part.line}
                for part in parts
            ],
        )  # fmt: skip

    @routes.post(f"{EDIT}/<draft_id>/discard")
    def edit_discard(draft_id: str):
        held.discard(draft_id, current_viewer())
        return flask.redirect(EDIT, 303)

    # ---- check and publish ---------------------------------------------------------------------------------------

    @routes.get(f"{EDIT}/<draft_id>/look")
    def edit_look(draft_id: str):
        """The whole draft as its readers would get it."""
        draft = held.draft(draft_id, current_viewer())
        return page(
            published, "briefings/look.html", title=f"Preview: {draft.title}", path=PATH, draft=draft, draw=draw,
            looked=look(published, draft.text, current_viewer()), address=f"{EDIT}/{draft.id}",
            may=may_change(draft.partner, current_viewer()),
        )  # fmt: skip

    @routes.get(f"{EDIT}/<draft_id>/present")
    def edit_present(draft_id: str):
        """The draft on the big screen, to try it before the meeting."""
        return _presented(draft_id, "briefings/present.html")

    @routes.get(f"{EDIT}/<draft_id>/notes")
    def edit_notes(draft_id: str):
        return _presented(draft_id, "briefings/notes.html")

    def _presented(draft_id: str, template: str):
        draft = held.draft(draft_id, current_viewer())
        briefing = look(published, draft.text, current_viewer()).briefing
        if briefing is None:
            return flask.redirect(f"{EDIT}/{draft_id}/look", 303)
        return page(
            published, template, title=f"Draft: {briefing.title}", path=PATH, briefing=briefing, draw=draw, short="", query="",
            address=f"{EDIT}/{draft_id}", origin=flask.request.host_url.rstrip("/"), **presenting(briefing, draft_id),
        )  # fmt: skip

    @routes.get(f"{EDIT}/<draft_id>/publish")
    def edit_publish(draft_id: str):
        done = next((name for name in ("asked", "checked") if name in flask.request.args), "")
        return _publish_page(held.draft(draft_id, current_viewer()), done=done)

    def _publish_page(draft: BriefingDraft, *, status: int = 200, **values):
        viewer = current_viewer()
        looked = look(published, draft.text, viewer)
        values = {"errors": {}, "failed": "", "faults": (), "given": {}, "done": ""} | values
        document = looked.document
        partner = region.partner(draft.partner)
        return page(
            published, "briefings/publish.html", title=f"Check and publish: {draft.title}", path=PATH, status=status,
            draft=draft, looked=looked, document=document, audiences=AUDIENCE_WORDS, address=f"{EDIT}/{draft.id}",
            partner_name=partner.name if partner else draft.partner, may=may_change(draft.partner, viewer),
            may_confirm=draft.awaits_check and viewer.user not in draft.authors
            and (draft.asked_of == viewer.user or may_change(draft.partner, viewer)),
            seen=versions_seen(looked.briefing.pins if looked.briefing else {}),
            blank=[one for one in (looked.briefing.pages if looked.briefing else ()) if one.unavailable], **values,
        )  # fmt: skip

    @routes.post(f"{EDIT}/<draft_id>/publish")
    def edit_publish_now(draft_id: str):
        viewer, form = current_viewer(), flask.request.form
        draft = held.draft(draft_id, viewer)
        given = {
            name: form.get(name, "")
            for name in ("note", "briefing_id", "audience", "review_on", "asked_of", "asked_note")
        }
        action = form.get("action", "")
        revision = number(form.get("revision"), None, draft.revision)
        try:
            draft = _settings(draft, viewer, revision, given)
            if action == "later":
                return flask.redirect(EDIT, 303)
            if action == "ask":
                held.ask_check(draft_id, viewer, given["asked_of"], given["asked_note"])
                return flask.redirect(f"{EDIT}/{draft_id}/publish?asked=yes", 303)
            if action != "publish":
                return flask.redirect(f"{EDIT}/{draft_id}/publish", 303)
            document = read_briefing(draft.text)
            check_owner(published, document, viewer)
            made = build_briefing(published, document, briefing_id=draft.briefing_id or "draft", author=viewer)
            pins, facts = pins_and_facts(made)
            if flask.request.form.get("seen") not in (None, versions_seen(pins)):
                what, todo = "newer figures were published since this page was opened", "look at it again, then publish"
                raise Refused("The briefing was not published.", [Fault(what, "", todo, rule="overtaken")])
            done = held.publish(
                draft_id, by=viewer, pins=pins, facts=facts, revision=draft.revision, note=given["note"][:1000],
                briefing_id=given["briefing_id"].strip().lower() if not draft.base_version else "",
            )  # fmt: skip
        except Overtaken as error:
            said = (Remark(f"{error.draft.changed_by} changed this draft meanwhile", "look at it again, then publish"),)
            return _publish_page(error.draft, status=409, failed="Nothing was changed.", faults=said, given=given)
        except Refused as error:
            where = {"colleague": "asked_of", "id": "briefing_id"}
            errors = {where[fault.where]: str(fault.what) for fault in error.faults if fault.where in where}
            said = remarks([fault for fault in error.faults if fault.where not in where])
            draft = held.draft(draft_id, viewer)
            return _publish_page(draft, status=422, failed=error.title, faults=said, errors=errors, given=given)
        return flask.redirect(f"{PATH}/{done.id}?done=published", 303)

    def _settings(draft: BriefingDraft, viewer: Viewer, revision: int, given: dict[str, str]) -> BriefingDraft:
        """The draft with the audience and review date of the form in its front matter."""
        if draft.revision != revision:
            raise Overtaken(draft)
        text = draft.text
        if given["audience"] in AUDIENCE_WORDS:
            text = _set(text, "audience", given["audience"])
        if "review_on" in flask.request.form:
            text = _set(text, "review_on", given["review_on"][:20])
        return held.change(draft.id, viewer, revision, text) if text != draft.text else draft

    @routes.post(f"{EDIT}/<draft_id>/check")
    def edit_check(draft_id: str):
        viewer = current_viewer()
        draft = held.draft(draft_id, viewer)
        try:
            held.confirm_check(draft_id, viewer, number(flask.request.form.get("revision"), None, draft.revision))
        except Overtaken as error:
            said = (Remark(f"{error.draft.changed_by} changed the text meanwhile", "read it again, then confirm"),)
            return _publish_page(error.draft, status=409, failed="Nothing was confirmed.", faults=said)
        return flask.redirect(f"{EDIT}/{draft_id}/publish?checked=yes", 303)

    # ---- pin this view -------------------------------------------------------------------------------------------

    @routes.get(f"{PATH}/pin")
    def pin():
        args = flask.request.args
        if "view" not in args:  # the map's address keeps up with it; the browser says where the link was followed
            came = urlsplit(flask.request.referrer or "")
            kind = "options" if came.path == "/options" else "map"
            same = came.netloc == flask.request.host
            return flask.redirect(f"{PATH}/pin?kind={kind}&view={quote(came.query if same else '')}", 303)
        return _pin_page(args.get("view", "")[:4000], args.get("kind", ""))

    def _pin_page(view: str, kind: str, *, status: int = 200, failed: str = "", faults: tuple = (), headline: str = ""):
        viewer = current_viewer()
        view, kind, dropped = _view(view, kind)
        partner = viewer.partner or (region.partners[0].id if region.partners else "")
        text = outline.insert(
            f"---\ntitle: Pinned view\npartner: {partner}\naudience: owner\n---\n",
            -1,
            page_of_view(view, headline, kind),
        )
        drafts = [one for one in held.drafts(viewer) if may_change(one.partner, viewer)]
        return page(
            published, "briefings/pin.html", title="Pin this view", path=PATH, status=status, view=view, kind=kind,
            dropped=dropped, drafts=drafts, looked=look(published, text, viewer), draw=draw, failed=failed, faults=faults,
            headline=headline,
        )  # fmt: skip

    def _view(view: str, kind: str) -> tuple[str, str, tuple[str, ...]]:
        if kind == "options":
            return " ".join(view.split())[:2000], "options", ()
        cleaned, dropped = clean_view(view)
        return cleaned, "map", dropped

    @routes.post(f"{PATH}/pin")
    def pin_here():
        viewer, form = current_viewer(), flask.request.form
        view, kind, _ = _view(form.get("view", ""), form.get("kind", ""))
        headline, caption = form.get("headline", ""), form.get("caption", "")
        added = page_of_view(view, headline, kind, caption)
        try:
            if form.get("draft"):
                draft = held.draft(form["draft"], viewer)
                text = outline.insert(draft.text, -1, added)
                draft = held.change(draft.id, viewer, draft.revision, text)
            else:
                text, _ = _start("", viewer)
                draft = held.begin(viewer, outline.remove(outline.insert(text, -1, added), 1))
        except (Refused, Overtaken) as error:
            faults = remarks(getattr(error, "faults", ()))
            return _pin_page(view, kind, status=422, failed=str(error), faults=faults, headline=headline)
        return flask.redirect(f"{EDIT}/{draft.id}?page={len(outline.parts_of(draft.text))}", 303)


def versions_seen(pins: Mapping[str, int]) -> str:
    """Which data somebody looked at before they pressed the button."""
    return hashlib.sha256(repr(sorted(pins.items())).encode()).hexdigest()[:16]


def exhibit_block(example: str) -> str:
    """ "map / layer: ID" as it stands in the text, one setting a line."""
    return "\n".join(["```exhibit", *example.split(" / "), "```"])


def _set(text: str, name: str, value: str) -> str:
    """A setting of the front matter, written only where it differs."""
    try:
        now: Any = getattr(read_briefing(text), name)
    except Refused:
        now = None
    return text if now == value else outline.with_setting(text, name, value)
