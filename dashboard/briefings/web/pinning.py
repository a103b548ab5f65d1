"""Pin this view: what somebody sees on the map or the options page becomes a page of a briefing."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import flask

from dashboard.auth.session import current_viewer
from dashboard.briefings.web import draw
from dashboard.briefings.web.editing import start, writes_for
from dashboard.briefings.web.pages import EDIT, PATH, briefings, show
from dashboard.briefings.writing import outline
from dashboard.briefings.writing.drafting import clean_view, page_of_view, preview, remarks
from dashboard.web import published
from layers import EditConflict, Refused, StoreFault, may_change


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
    text = outline.insert(
        f"---\ntitle: Pinned view\npartner: {writes_for(viewer)}\naudience: owner\n---\n",
        -1,
        page_of_view(view, headline, kind),
    )
    drafts = [one for one in briefings().drafts.list(viewer) if may_change(one.partner, viewer)]
    return show(
        "pin", title="Pin this view", status=status, view=view, kind=kind,
        dropped=dropped, drafts=drafts, looked=preview(published(), text, viewer), draw=draw, failed=failed, faults=faults,
        headline=headline,
    )  # fmt: skip


def _view(view: str, kind: str) -> tuple[str, str, tuple[str, ...]]:
    if kind == "options":
        return " ".join(view.split())[:2000], "options", ()
    cleaned, dropped = clean_view(view)
    return cleaned, "map", dropped


def pin_here():
    viewer, form = current_viewer(), flask.request.form
    view, kind, _ = _view(form.get("view", ""), form.get("kind", ""))
    headline, caption = form.get("headline", ""), form.get("caption", "")
    added = page_of_view(view, headline, kind, caption)
    try:
        if form.get("draft"):
            draft = briefings().drafts.get(form["draft"], viewer)
            text = outline.insert(draft.text, -1, added)
            draft = briefings().drafts.change(draft.id, viewer, draft.revision, text)
        else:
            text, _ = start("", viewer)
            draft = briefings().drafts.begin(viewer, outline.remove(outline.insert(text, -1, added), 1))
    except StoreFault:
        raise  # the one page that says so
    except (Refused, EditConflict) as error:
        faults = remarks(getattr(error, "faults", ()))
        return _pin_page(view, kind, status=422, failed=str(error), faults=faults, headline=headline)
    return flask.redirect(f"{EDIT}/{draft.id}?page={len(outline.parts_of(draft.text))}", 303)
