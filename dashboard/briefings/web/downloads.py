"""What is taken away from a briefing: files, pictures of its exhibits, the code of its short link."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import flask
import segno

from dashboard.auth.session import current_viewer
from dashboard.briefings.files.formats import FORMATS
from dashboard.briefings.sources import FoundBriefing, not_there
from dashboard.briefings.web.pages import asked_for, values_of
from dashboard.memory import memory_of
from dashboard.web import origin, published

_KEPT_BYTES = 96 * 2**20
QR_LOOK = {"dark": "#000", "light": "#fff", "border": 3}


def file(briefing_id: str, name: str, format_: str):
    from dashboard.briefings.files.wards import export_found  # late: reading needs none of it

    seen = (
        published().store.generation()
    )  # before anything is read: what is withdrawn meanwhile is not kept as the newest
    found = asked_for(briefing_id)
    if format_ not in FORMATS:
        raise not_there()
    address = origin()
    data = _kept_or_made(
        (*_state(found, seen), format_, address), lambda: export_found(found, format_, address=address)
    )
    return attachment(data, FORMATS[format_].media_type, f"{briefing_id}.{format_}")


def exhibit(briefing_id: str, number: int, format_: str):
    from dashboard.briefings.files.png import exhibit_png, exhibit_svg

    seen = published().store.generation()
    found = asked_for(briefing_id)
    briefing, pages = found.briefing, found.briefing.pages
    figure = pages[number - 1].figure if 0 < number <= len(pages) else None
    if figure is None or not figure.svg or format_ not in ("svg", "png"):
        raise not_there()
    draw_ = exhibit_svg if format_ == "svg" else exhibit_png
    data = _kept_or_made((*_state(found, seen), number, format_), lambda: draw_(figure, made_on=briefing.made_on))
    kind = "image/svg+xml" if format_ == "svg" else "image/png"
    response = attachment(data, kind, f"{briefing_id}-{number}.{format_}", how="inline")
    response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return response


def qr(briefing_id: str):
    out = io.BytesIO()
    qr_code(values_of(asked_for(briefing_id))).save(
        out, kind="svg", scale=8, title="QR code of the short link", **QR_LOOK
    )
    return attachment(out.getvalue(), "image/svg+xml", f"{briefing_id}-qr.svg", how="inline")


def qr_code(values: dict[str, Any]) -> segno.QRCode:
    """Of the short link: few letters make a coarse code, which a telephone reads from the back row."""
    return segno.make(f"{values['origin']}/b/{values['short']}", error="m", micro=False)


def attachment(data: bytes, kind: str, name: str, *, how: str = "attachment") -> flask.Response:
    response = flask.Response(data, content_type=kind)
    response.headers["Content-Disposition"] = f'{how}; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store" if current_viewer().signed_in else "no-cache"
    return response


# ---- few at a time, and what was made before ---------------------------------------------------------------------------


def _state(found: FoundBriefing, seen: int) -> tuple:
    """What a file of a briefing depends on; its text too, which for a file of the pack is known by nothing else."""
    briefing = found.briefing
    return briefing.id, briefing.version, briefing.made_on, briefing.document.text, found.notes, seen


def _kept_or_made(key: tuple, make: Callable[[], bytes]) -> bytes:
    """Few files are made at once, and few requests wait for that (:data:`dashboard.jobs.KINDS`): the others are for the rest
    of the site. Who may have a file is asked before this is."""
    here = published()
    files = memory_of(here, "briefing files", _KEPT_BYTES, len)
    data = files.find(key)
    return here.jobs.run("file", key, lambda: files.get(key, make)) if data is None else data
