"""Reading, presenting, sharing and taking away briefings: ``/briefings`` and what is below it, and ``/b/<code>``.

The pages are drawn by the server and work without scripts. What may be read is decided by :mod:`dashboard.briefings.sources`
at every address alike: a hidden briefing answers as a missing one (404), a withdrawn one says why (410). Writing is in
:mod:`dashboard.briefings.web.editing`.
"""

from __future__ import annotations

import contextlib
import io
import threading
from collections import OrderedDict
from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import quote

import flask
import segno

from dashboard.auth.session import current_viewer
from dashboard.briefings.filling.build import compare_facts
from dashboard.briefings.sources import (
    Found,
    entries,
    find,
    find_short,
    newest,
    not_there,
    short_code,
    wards,
)
from dashboard.briefings.web import draw, editing
from dashboard.briefings.web.presenting import presenting
from dashboard.html import page, wording_day
from dashboard.published import Published
from dashboard.views.wording import AUDIENCE_WORDS
from layers import PUBLIC, Briefings, NotFound, NotPermitted, Refused, Withdrawn, may_change

PATH = "/briefings"

FORMAT_WORDS = (
    ("html", "Web page in one file", "Works without a network; arrow keys turn the pages"),
    ("pptx", "PowerPoint", "Its words, tables and charts can be changed"),
    ("docx", "Word", "Its words and tables can be changed"),
    ("pdf", "PDF", "To print, and for screen readers"),
)

EMBED_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors *",
    ]
)
"""For the one page that other websites may show: it holds nothing that can be pressed but links."""

_KEPT_BYTES = 96 * 2**20
_AT_ONCE = threading.BoundedSemaphore(2)  # files that are made at the same time
_QUEUE = threading.BoundedSemaphore(3)  # those and the ones that wait; a server has four threads unless told otherwise


def blueprint(published: Published) -> flask.Blueprint:
    routes = flask.Blueprint("briefings", __name__)
    store = published.store
    kept = _Kept(_KEPT_BYTES)

    # ---- what is not there ---------------------------------------------------------------------------------------

    @routes.errorhandler(Withdrawn)
    def withdrawn(error: Withdrawn):
        lines = [f"It was withdrawn on {wording_day(error.at)}. The reason: {error.reason}"]
        return _message(f"“{error.title}” was withdrawn", lines, 410)

    @routes.errorhandler(NotFound)
    def missing(error: NotFound):
        lines = ["It may never have been there, or it may be open only to people who sign in."]
        return _message("There is no such briefing", lines, 404)

    @routes.errorhandler(Refused)
    def refused(error: Refused):
        """One that is damaged in the store, or that this program cannot read any more."""
        return _message(error.title.rstrip("."), ["; ".join(map(str, error.faults))], 503)

    @routes.errorhandler(_Busy)
    def busy(_: _Busy):
        lines = ["The server is making files for others at this moment. Try again in a few seconds."]
        response = _message("One moment, please", lines, 503)
        response.headers["Retry-After"] = "5"
        return response

    @routes.errorhandler(NotPermitted)
    def not_permitted(error: NotPermitted):
        return _message("This is not yours to change", [str(error)], 403)

    def _message(heading: str, lines: list[str], status: int):
        if (flask.request.endpoint or "").endswith(".embed"):
            return _embedded(status, title=heading, heading=heading, lines=lines, briefing=None)
        links = [("All briefings", PATH)]
        if status == 404 and not current_viewer().signed_in:
            links.append(("Sign in", f"/sign-in?next={quote(flask.request.path)}"))
        return page(
            published, "message.html", title=heading, path=PATH, status=status, heading=heading, lines=lines,
            links=links,
        )  # fmt: skip

    # ---- the list ------------------------------------------------------------------------------------------------

    @routes.get(PATH)
    def listing():
        viewer = current_viewer()
        found = entries(published, viewer)
        names = {partner.id: partner.name for partner in published.region.partners}
        themes = {theme.id: theme.name for theme in published.region.themes}
        return page(
            published, "briefings/list.html", title="Briefings", path=PATH,
            published_ones=[one for one in found if one.kind in ("published", "pack")],
            starters=[one for one in found if one.kind == "starter"],
            partners=names, themes=themes, audiences=AUDIENCE_WORDS, may_write=editing.may_write(viewer),
            ward_count=len(published.region.areas["ward"]), no_accounts=not viewer.signed_in and not store.accounts.has_users(),
        )  # fmt: skip

    @routes.get(f"{PATH}/wards")
    def all_wards():
        wanted = " ".join(flask.request.args.get("q", "").split())[:60]
        groups = wards(published)
        if wanted:
            low = wanted.lower()
            groups = [
                (lad, [one for one in found if low in one[1].lower() or low in lad.lower()]) for lad, found in groups
            ]
        groups = [(lad, found) for lad, found in groups if found]
        return page(
            published, "briefings/wards.html", title="Ward pages", path=PATH, groups=groups, wanted=wanted,
            count=sum(len(found) for _, found in groups), total=len(published.region.areas["ward"]),
        )  # fmt: skip

    # ---- one briefing --------------------------------------------------------------------------------------------

    def _find(briefing_id: str) -> Found:
        return find(published, briefing_id, current_viewer(), _version())

    def _version() -> int | None:
        given = flask.request.args.get("version", "")
        if not given:
            return None
        if not (given.isascii() and given.isdigit() and len(given) < 9):
            raise not_there()
        return int(given)

    def _values(found: Found) -> dict[str, Any]:
        """What every page about one briefing needs."""
        briefing, version = found.briefing, _version()
        return {
            "briefing": briefing,
            "draw": draw,
            "address": f"{PATH}/{briefing.id}",
            "query": f"?version={version}" if version is not None else "",
            "origin": flask.request.host_url.rstrip("/"),
            "short": short_code(published, briefing.id),
            "audience": str(found.audience),
            "audience_words": AUDIENCE_WORDS[str(found.audience)],
        }

    @routes.get(f"{PATH}/<briefing_id>")
    def read(briefing_id: str):
        found, viewer = _find(briefing_id), current_viewer()
        if found.kind == "ward":
            return _ward(found)
        values, record = _values(found), found.record
        current = (
            record is None or _version() is None or record.version == Briefings(store).get(briefing_id, viewer).version
        )
        checked = (
            {"by": record.checked_by or "a colleague", "at": record.checked_at}
            if record and record.checked_at
            else None
        )
        embed = (
            f'<iframe src="{values["origin"]}{values["address"]}/embed" title="{escape(found.briefing.title)}" '
            'width="100%" height="800" style="border: 0"></iframe>'
        )
        return page(
            published, "briefings/read.html", title=found.briefing.title, path=PATH, **values,
            formats=FORMAT_WORDS, file_name=found.briefing.id, embed=embed, old=not current, checked=checked,
            may_write=editing.may_write(viewer), may_edit=record is not None and may_change(record.partner, viewer),
            has_history=record is not None, done=flask.request.args.get("done", ""),
        )  # fmt: skip

    def _ward(found: Found):
        from dashboard.briefings.files.wards import ward_page_values

        return page(
            published, "briefings/ward.html", title=found.briefing.title, path=PATH, **ward_page_values(found.ward)
        )  # fmt: skip

    @routes.get(f"{PATH}/<briefing_id>/present")
    def present(briefing_id: str):
        values = _values(_find(briefing_id))
        title = values["briefing"].title
        more = presenting(values["briefing"]) | {"qr": _qr(values).svg_data_uri(**_QR, scale=8)}
        return page(published, "briefings/present.html", title=title, path=PATH, **values, **more)

    @routes.get(f"{PATH}/<briefing_id>/notes")
    def notes(briefing_id: str):
        values = _values(_find(briefing_id))
        title = values["briefing"].title
        more = presenting(values["briefing"])
        return page(published, "briefings/notes.html", title=title, path=PATH, **values, **more)

    @routes.get(f"{PATH}/<briefing_id>/embed")
    def embed(briefing_id: str):
        """What the public may read, whoever looks: on another website nobody is signed in."""
        flask.g.viewer = PUBLIC
        values = _values(find(published, briefing_id, PUBLIC))
        return _embedded(200, title=values["briefing"].title, **values)

    def _embedded(status: int, **values):
        flask.g.viewer = PUBLIC
        flask.g.may_be_framed = True  # dashboard.auth.guard leaves X-Frame-Options out
        response = page(published, "briefings/embed.html", path=PATH, status=status, **values)
        response.headers["Content-Security-Policy"] = EMBED_POLICY
        return response

    @routes.get(f"{PATH}/<briefing_id>/changes")
    def changes(briefing_id: str):
        found = _find(briefing_id)
        after = newest(published, found.briefing.document, briefing_id)
        return page(
            published, "briefings/changes.html", title=f"What would change: {found.briefing.title}", path=PATH,
            **_values(found), changes=compare_facts(found.briefing, after),
            lost=[(one.number, one.unavailable) for one in after.pages if one.unavailable],
            may_refresh=found.record is not None and may_change(found.partner, current_viewer()),
        )  # fmt: skip

    # ---- to take away --------------------------------------------------------------------------------------------

    @routes.get(f"{PATH}/<briefing_id>/files/<name>.<format_>")
    def file(briefing_id: str, name: str, format_: str):
        from dashboard.briefings.files import FORMATS, mimetype

        seen = store.generation()  # before anything is read: what is withdrawn meanwhile is not kept as the newest
        found = _find(briefing_id)
        if format_ not in FORMATS:
            raise not_there()
        address = flask.request.host_url.rstrip("/")
        data = _kept_or_made((*_state(found, seen), format_, address), lambda: made(found, format_, address))
        return _attachment(data, mimetype(format_), f"{briefing_id}.{format_}")

    def _state(found: Found, seen: int) -> tuple:
        """What a file of a briefing depends on; its text too, which for a file of the pack is known by nothing else."""
        briefing = found.briefing
        return briefing.id, briefing.version, briefing.made_on, briefing.document.text, seen

    def _kept_or_made(key: tuple, make: Callable[[], bytes]) -> bytes:
        """At most two files are made at once, and few requests wait for that: the others are for the rest of the site."""
        data = kept.get(key)
        if data is not None:
            return data
        if not _QUEUE.acquire(blocking=False):
            raise _Busy
        try:
            with _AT_ONCE:
                data = kept.get(key)  # the one before may have asked for the same
                return kept.put(key, make()) if data is None else data
        finally:
            _QUEUE.release()

    @routes.get(f"{PATH}/<briefing_id>/exhibits/<int:number>.<format_>")
    def exhibit(briefing_id: str, number: int, format_: str):
        from dashboard.briefings.files.png import exhibit_png, exhibit_svg

        seen = store.generation()
        found = _find(briefing_id)
        briefing, pages = found.briefing, found.briefing.pages
        figure = pages[number - 1].figure if 0 < number <= len(pages) else None
        if figure is None or not figure.svg or format_ not in ("svg", "png"):
            raise not_there()
        draw_ = exhibit_svg if format_ == "svg" else exhibit_png
        data = _kept_or_made((*_state(found, seen), number, format_), lambda: draw_(figure, made_on=briefing.made_on))
        kind = "image/svg+xml" if format_ == "svg" else "image/png"
        response = _attachment(data, kind, f"{briefing_id}-{number}.{format_}", how="inline")
        response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
        return response

    @routes.get(f"{PATH}/<briefing_id>/qr.svg")
    def qr(briefing_id: str):
        out = io.BytesIO()
        _qr(_values(_find(briefing_id))).save(out, kind="svg", scale=8, title="QR code of the short link", **_QR)
        return _attachment(out.getvalue(), "image/svg+xml", f"{briefing_id}-qr.svg", how="inline")

    @routes.get("/b/<code>")
    def short(code: str):
        found = find_short(published, code, current_viewer())
        if not found:
            raise not_there()
        with contextlib.suppress(NotFound):  # a starter or ward page
            try:
                Briefings(store).get(found, current_viewer())
            except Withdrawn as gone:
                return withdrawn(gone)
        return flask.redirect(f"{PATH}/{found}", 302)

    # ---- versions ------------------------------------------------------------------------------------------------

    @routes.get(f"{PATH}/<briefing_id>/history")
    def history(briefing_id: str):
        return _history(briefing_id)

    def _history(briefing_id: str, *, errors: dict | None = None, given: str = "", status: int = 200):
        viewer = current_viewer()
        versions, gone = Briefings(store).history(briefing_id, viewer), None
        if not versions:
            raise not_there()
        try:
            now = Briefings(store).get(briefing_id, viewer)
        except Withdrawn as error:
            if not may_change(versions[0].partner, viewer):
                raise
            now, gone = versions[0], error
        return page(
            published, "briefings/history.html", title=f"Versions of {now.title}", path=PATH, status=status, now=now,
            versions=versions, gone=gone, may=may_change(now.partner, viewer), errors=errors or {}, given=given,
            address=f"{PATH}/{briefing_id}", audiences=AUDIENCE_WORDS, done=flask.request.args.get("done", ""),
        )  # fmt: skip

    @routes.get(f"{PATH}/<briefing_id>/compare")
    def compare(briefing_id: str):
        viewer, args, held = current_viewer(), flask.request.args, Briefings(store)
        numbers = [one.version for one in held.history(briefing_id, viewer)]
        if not numbers:
            raise not_there()
        b = editing.number(args.get("b"), numbers, numbers[0])
        a = editing.number(args.get("a"), numbers, next((n for n in numbers if n < b), numbers[-1]))
        before, after = (held.get(briefing_id, viewer, n) for n in (a, b))
        return page(
            published, "briefings/compare.html", title=f"Compare versions of {after.title}", path=PATH,
            address=f"{PATH}/{briefing_id}", numbers=numbers, a=a, b=b, now=after,
            lines=editing.differences(before.text, after.text), changes=_changed(briefing_id, a, b),
        )  # fmt: skip

    def _changed(briefing_id: str, a: int, b: int):
        """Numbers that say something else in version b; the words may be the same when only the data is newer."""
        before, after = (find(published, briefing_id, current_viewer(), version).briefing for version in (a, b))
        return compare_facts(before, after)

    @routes.post(f"{PATH}/<briefing_id>/withdraw")
    def withdraw(briefing_id: str):
        return _undo(briefing_id, "withdraw", lambda held, by, reason: held.withdraw(briefing_id, by=by, reason=reason))

    @routes.post(f"{PATH}/<briefing_id>/restore")
    def restore(briefing_id: str):
        to = editing.number(flask.request.form.get("to"), None, 0)
        return _undo(
            briefing_id, "restore", lambda held, by, reason: held.restore(briefing_id, to=to, by=by, reason=reason)
        )

    def _undo(briefing_id: str, what: str, act):
        viewer = current_viewer()
        versions = Briefings(store).history(briefing_id, viewer)  # raises as if it did not exist
        if not versions:
            raise not_there()
        reason = " ".join(flask.request.form.get("reason", "").split())[:1000]
        errors = {} if reason else {f"{what}-reason": "Say why, in a sentence; people who follow a link will read it"}
        if not errors:
            try:
                act(Briefings(store), viewer, reason)
            except Refused as error:
                errors = {f"{what}-reason": "; ".join(map(str, error.faults)) or error.title}
        if errors:
            return _history(briefing_id, errors=errors, given=reason, status=422)
        return flask.redirect(f"{PATH}/{briefing_id}/history?done={what}", 303)

    editing.add_routes(routes, published)
    return routes


_QR = {"dark": "#000", "light": "#fff", "border": 3}


def _qr(values: dict[str, Any]) -> segno.QRCode:
    """Of the short link: few letters make a coarse code, which a telephone reads from the back row."""
    return segno.make(f"{values['origin']}/b/{values['short']}", error="m", micro=False)


def _attachment(data: bytes, kind: str, name: str, *, how: str = "attachment") -> flask.Response:
    response = flask.Response(data, content_type=kind)
    response.headers["Content-Disposition"] = f'{how}; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store" if current_viewer().signed_in else "no-cache"
    return response


def made(found: Found, format_: str, address: str) -> bytes:
    """A briefing as a file. What makes the files is loaded with the first of each format."""
    if found.ward is not None:
        from dashboard.briefings.files.wards import export_ward

        return export_ward(found.ward, format_, address=address)
    from dashboard.briefings.files import export_briefing

    return export_briefing(found.briefing, format_, address=address)


class _Busy(Exception):
    """So many files are being made that another one has to be asked for again."""


class _Kept:
    """Files that were made, the last used ones, up to so many bytes. Who may have them is asked before this is."""

    def __init__(self, most: int):
        self.most, self.size = most, 0
        self.files: OrderedDict[tuple, bytes] = OrderedDict()
        self.lock = threading.Lock()

    def get(self, key: tuple) -> bytes | None:
        with self.lock:
            data = self.files.get(key)
            if data is not None:
                self.files.move_to_end(key)
            return data

    def put(self, key: tuple, data: bytes) -> bytes:
        with self.lock:
            self.size += len(data) - len(self.files.pop(key, b""))
            self.files[key] = data
            while self.size > self.most and len(self.files) > 1:
                self.size -= len(self.files.popitem(last=False)[1])
        return data
