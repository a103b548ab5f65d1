"""What is taken away from a briefing: files, pictures of its exhibits, the code of its short link."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import flask
import segno

from dashboard.auth.session import current_viewer
from dashboard.briefings.files.formats import FORMATS
from dashboard.briefings.sources import FoundBriefing, find, not_there
from dashboard.briefings.web.pages import asked_for, values_of, version_asked
from dashboard.jobs import id_of
from dashboard.memory import memory_of
from dashboard.published import Published
from dashboard.web import origin, published
from layers import Fault, Refused, Viewer

_KEPT_BYTES = 96 * 2**20
QR_LOOK = {"dark": "#000", "light": "#fff", "border": 3}


def file(briefing_id: str, name: str, format_: str):
    # before anything is read: what is withdrawn meanwhile is not kept as the newest
    seen = published().store.generation()
    found = asked_for(briefing_id)
    if format_ not in FORMATS:
        raise not_there()
    data = _made(found, seen, {"format": format_, "address": origin()}, WHOLE_S)
    return attachment(data, FORMATS[format_].media_type, f"{briefing_id}.{format_}")


def exhibit(briefing_id: str, number: int, format_: str):
    seen = published().store.generation()
    found = asked_for(briefing_id)
    pages = found.briefing.pages
    figure = pages[number - 1].figure if 0 < number <= len(pages) else None
    if figure is None or not figure.svg or format_ not in ("svg", "png"):
        raise not_there()
    data = _made(found, seen, {"format": format_, "number": number}, PICTURE_S)
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


# ---- made by a worker, and kept -----------------------------------------------------------------------------------------

WHOLE_S, PICTURE_S = 1.0, 0.5
"""What a file and a picture cost, in seconds of a processor."""


def _made(found: FoundBriefing, seen: int, what: dict[str, Any], price: float) -> bytes:
    """A file as a worker makes it. Who may have it is asked before this is. Raises :class:`dashboard.jobs.Waiting`."""
    here, state = published(), _state(found, seen)
    files, key = memory_of(here, "briefing files", _KEPT_BYTES, len), (state, *what.values())
    data = files.find(key)
    if data is None:
        wanted = {"briefing": found.briefing.id, "version": version_asked(), "state": id_of("state", state), **what}
        data = files.keep(key, here.jobs.answer("file", key, wanted, current_viewer(), price=price))
    return data


def _state(found: FoundBriefing, seen: int) -> tuple:
    """What a file of a briefing depends on; its text too, which for a file of the pack is known by nothing else."""
    briefing = found.briefing
    return briefing.id, briefing.version, briefing.made_on.isoformat(), briefing.document.text, found.notes, seen


def work(published: Published, viewer: Viewer, parameters: Mapping[str, Any], progress, cancelled) -> bytes:
    """A file of a briefing, which is found again as its viewer finds it today: in a worker (:mod:`dashboard.jobs`)."""
    from dashboard.briefings.files.png import exhibit_png, exhibit_svg  # late: reading needs none of it
    from dashboard.briefings.files.wards import export_found

    published.store.reload()
    seen = published.store.generation()
    found = find(published, parameters["briefing"], viewer, parameters["version"])
    if id_of("state", _state(found, seen)) != parameters["state"]:
        raise Refused("The briefing has changed meanwhile.", [Fault("it was changed a moment ago", todo="ask again")])
    if "number" not in parameters:
        return export_found(found, parameters["format"], address=parameters["address"])
    draw_ = exhibit_svg if parameters["format"] == "svg" else exhibit_png
    return draw_(found.briefing.pages[parameters["number"] - 1].figure, made_on=found.briefing.made_on)
