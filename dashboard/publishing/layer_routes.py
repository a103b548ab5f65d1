"""One layer of the catalogue, ``/catalogue/<layer_id>``: what it is, how good, how it came about, and its undo."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path
from urllib.parse import quote

import flask

from dashboard.auth.session import current_viewer
from dashboard.drawing.trend_line import picture
from dashboard.html import page, wording_day
from dashboard.selection import Selection
from dashboard.views import publishing as words
from dashboard.views.catalogue import entry_of
from dashboard.views.history import quality, version_rows
from dashboard.views.trend import trend
from dashboard.views.wording import LEVEL_WORDS
from dashboard.web import published, shapes
from layers import (
    LEVELS,
    Kind,
    NotFound,
    NotPermitted,
    Refused,
    StoreFault,
    Viewer,
    Withdrawn,
    follow_pack,
    may_change,
    pack_side,
    write_package,
)

PATH = "/catalogue"


def not_there(layer_id: str) -> flask.Response:
    return page(
        published(), "message.html", title="Not found", path=PATH, status=404, heading="There is no such layer",
        lines=[f"There is no layer “{layer_id[:80]}”, or it is not open to you."],
        links=[("Search the catalogue", PATH)],
    )  # fmt: skip


def layer_page(layer_id: str):
    return show(layer_id)


def show(layer_id: str, *, errors: dict | None = None, status: int = 200, given: dict | None = None):
    store = published().store
    viewer = current_viewer()
    gone = None
    try:
        layer = store.layer(layer_id, viewer)
    except Withdrawn as error:
        gone = error
    except NotFound:
        gone = True  # perhaps one that waits for its date
    try:
        history = store.history(layer_id, viewer)
        if gone:
            layer = store.layer(layer_id, viewer, version=history[0].version)
    except (NotFound, IndexError):
        if isinstance(gone, Withdrawn):
            return page(
                published(), "message.html", title="Withdrawn", path=PATH, status=410,
                heading=f"{gone.title} was withdrawn",
                lines=[f"On {wording_day(gone.at)}. The reason: {gone.reason}"],
                links=[("Search the catalogue", PATH)],
            )  # fmt: skip
        return not_there(layer_id)
    shown = next((version for version in history if version.version == layer.version), None)
    entry = entry_of(published(), layer)
    may = may_change(layer.partner, viewer)
    line = trend(published(), layer, history, viewer) if not gone else None
    view = (
        Selection(need=layer.id, level=entry.first_level)
        if layer.kind == Kind.INDICATOR
        else Selection(need="none", services=(layer.id,))
    )
    quality_found = quality(published(), layer, shown)
    width, height, outlines = words.authority_shapes(published())
    rows = version_rows(published(), layer, history)
    return page(
        published(), "layer/layer.html", title=layer.title, path=PATH, status=status,
        layer=layer, entry=entry, rows=rows, may=may, gone=gone if isinstance(gone, Withdrawn) else None,
        waiting=gone is True, line=line, picture=picture(line, layer.descriptor.measure) if line else None,
        map_link=view.link(), quality=quality_found, coverage=words.coverage_rows(quality_found.coverage),
        map_size=(width, height), map_shapes=outlines, errors=errors or {}, given=given or {},
        published_now=flask.request.args.get("published", ""), done=flask.request.args.get("done", ""),
        comparable=[row.version.version for row in rows if row.version.state != "cancelled"],
        newest=history[0].version, pack=pack_side(store, layer_id, viewer),
        decisions=decisions(layer_id, viewer) if may else [],
    )  # fmt: skip


def decisions(layer_id: str, viewer: Viewer) -> list[tuple]:
    """Roll backs and withdrawals, newest first: (when, who, what, why). For those who may change the layer."""
    words_of = {"rollback": "Version {} was shown again", "withdraw": "Withdrawn"}
    return [
        (line.at, line.by, words_of[line.action].format(line.version), line.detail.get("reason", ""))
        for line in published().store.audit(viewer, layer_id=layer_id, limit=500)
        if line.action in words_of
    ]


def compare(layer_id: str):
    store = published().store
    viewer, args = current_viewer(), flask.request.args
    try:
        history = store.history(layer_id, viewer)
        numbers = [version.version for version in history]
        b = _number(args.get("b"), numbers, numbers[0])
        a = _number(args.get("a"), numbers, next((n for n in numbers if n < b), numbers[-1]))
        first, second = (store.layer(layer_id, viewer, version=number) for number in (a, b))
    except (NotFound, IndexError):
        return not_there(layer_id)
    level, period, levels, periods = "lad", "", [], []
    if second.kind == Kind.SERVICES:
        both = words.sites_side_by_side(
            published(), store.services(layer_id, viewer, version=b), store.services(layer_id, viewer, version=a),
            f"Version {b}", f"Version {a}",
        )  # fmt: skip
    else:
        levels = [one for one in LEVELS if one in second.levels or one in first.levels]
        level = args.get("level", "") if args.get("level") in levels else levels[0]
        periods = [one for one in second.periods if (level, one) in second.parts]
        both_have = [one for one in periods if (level, one) in first.parts]
        wanted = args.get("period", "")
        period = wanted if wanted in periods else (both_have or periods or [second.period])[-1]
        after = store.values(layer_id, level, viewer, version=b, period=period)
        before = store.values(layer_id, level, viewer, version=a, period=period if period in both_have else None)
        note = before.reason or (f"shows {before.period}" if before.period != period else "")
        both = words.side_by_side(
            published(), level, after.frame, before.frame, unit=second.descriptor.unit,
            decimals=second.descriptor.decimals, label_after=f"Version {b}, {period}".rstrip(", "),
            label_before=f"Version {a}, {before.period}".rstrip(", "), note_before=note,
        )  # fmt: skip
    return page(
        published(), "layer/compare.html", title=f"Compare versions of {second.title}", path=PATH, layer=second,
        a=a, b=b, numbers=numbers, both=both, level=level, period=period, periods=periods,
        levels=[(one, LEVEL_WORDS[one][1]) for one in levels],
        outlines=f"/data/shapes/{shapes().outlines(level).url_name}", names=f"/data/shapes/{shapes().names(level).url_name}",
        context=f"/data/shapes/{shapes().outlines('context').url_name}" if published().region.context is not None else "",
    )  # fmt: skip


def package(layer_id: str):
    """The layer as it was handed in, less what was withheld; for those who may change it."""
    viewer = current_viewer()
    try:
        version = flask.request.args.get("version")
        original = published().store.original(
            layer_id, viewer, version=int(version) if version and version.isdigit() else None
        )
    except (NotFound, NotPermitted):
        return not_there(layer_id)
    out = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        written = write_package(original, Path(folder) / "package")
        for file in sorted(written.iterdir()):
            archive.write(file, file.name)
    response = flask.Response(out.getvalue(), mimetype="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="{layer_id}.zip"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def rollback(layer_id: str):
    form = flask.request.form
    to = form.get("to", "")
    number = int(to) if to.isascii() and to.isdigit() and len(to) < 9 else 0
    return undo(
        layer_id,
        lambda by, reason: published().store.rollback(layer_id, to=number, by=by, reason=reason),
        "rollback",
        {"to": "Choose the version to show again"} if not number else {},
    )


def withdraw(layer_id: str):
    return undo(layer_id, lambda by, reason: published().store.withdraw(layer_id, by=by, reason=reason), "withdraw", {})


def follow(layer_id: str):
    return undo(
        layer_id, lambda by, reason: follow_pack(published().store, layer_id, by=by, reason=reason), "follow", {}
    )


def undo(layer_id: str, act, what: str, errors: dict[str, str]):
    viewer: Viewer = current_viewer()
    if not viewer.signed_in:
        return flask.redirect(f"/sign-in?next={quote(f'{PATH}/{layer_id}')}", 303)
    form = flask.request.form
    reason = " ".join(form.get("reason", "").split())[:1000]
    if not reason:
        errors = {f"{what}-reason": "Say why, in a sentence; people who follow a link will read it"} | errors
    newest = form.get("newest", "")
    try:
        if not errors and newest.isdigit() and int(newest) != published().store.history(layer_id, viewer)[0].version:
            errors = {
                f"{what}-reason": "A newer version was published meanwhile. Look at the versions below, then try again"
            }
        if errors:
            return show(layer_id, errors=errors, status=422, given={"reason": reason, "what": what})
        act(viewer, reason)
    except NotFound:
        return not_there(layer_id)
    except NotPermitted as error:
        return page(
            published(), "message.html", title="Not permitted", path=PATH, status=403, heading="This is not yours to change",
            lines=[str(error)], links=[("Back to the layer", f"{PATH}/{layer_id}")],
        )  # fmt: skip
    except StoreFault:
        raise  # the one page that says so
    except Refused as error:
        text = "; ".join(str(fault) for fault in error.faults) or error.title
        return show(layer_id, errors={f"{what}-reason": text}, status=409, given={"reason": reason, "what": what})
    return flask.redirect(f"{PATH}/{quote(layer_id)}?done={what}", 303)


ROUTES = (
    ("GET", "/<layer_id>", layer_page),
    ("GET", "/<layer_id>/compare", compare),
    ("GET", "/<layer_id>/package.zip", package),
    ("POST", "/<layer_id>/rollback", rollback),
    ("POST", "/<layer_id>/withdraw", withdraw),
    ("POST", "/<layer_id>/follow", follow),
)


def blueprint() -> flask.Blueprint:
    routes = flask.Blueprint("layer_page", __name__, url_prefix=PATH)
    for method, address, answer in ROUTES:
        routes.add_url_rule(address, view_func=answer, methods=[method])
    return routes


def _number(given: str | None, allowed: list[int], otherwise: int) -> int:
    number = int(given) if given and given.isascii() and given.isdigit() and len(given) < 9 else otherwise
    return number if number in allowed else otherwise
