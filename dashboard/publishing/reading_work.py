"""A stranger's file, in a worker (:mod:`dashboard.jobs`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboard.published import Published
from dashboard.publishing.reports import Reports
from dashboard.publishing.uploads import Uploads
from layers import Cancelled, Drafts, Fault, Refused, Viewer, write_report

CHANGED = Fault("it was changed while its file was read", todo="ask again")


def work(published: Published, viewer: Viewer, parameters: Mapping[str, Any], progress, cancelled) -> bytes:
    """Read a file that has just come in, or that of a draft, which is found again as its viewer finds it today."""
    published.store.reload()
    uploads = Uploads(published.home, store_id=published.store.id)
    reports = Reports(published, uploads)
    if "upload" in parameters:
        path = uploads.set_aside_as(parameters["upload"])
        if path is None:
            raise Refused("The file was not taken.", [Fault("it is not there any more", "file", "send it again")])
        report = reports.inspect(path, parameters["hints"])
    else:
        draft = Drafts(published.store).get(parameters["draft"], viewer)
        asked = reports.asked_of(draft, parameters["header"], viewer, parameters["answers"])
        if asked.state != parameters["state"]:
            raise Refused("The draft has changed meanwhile.", [CHANGED])
        report = reports.inspect(asked.path, asked.hints, asked.previous, asked.today)
    if cancelled():
        raise Cancelled
    return write_report(report)
