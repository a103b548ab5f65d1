"""Briefings as files that need no network: a meeting pack in HTML, PowerPoint, Word and PDF. All say the same.

>>> export_briefing(briefing, "pdf", address="https://example.org")  # doctest: +SKIP
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from dashboard.briefings.filling.model import Briefing
from layers import Fault, Refused


@dataclass(frozen=True)
class BriefingFormat:
    """One kind of file. Its id is the ending of its name."""

    id: str
    title: str
    hint: str
    media_type: str
    made_by: str  # "module:function" in this room; loaded when first wanted, since each brings libraries of its own
    ward_title: str = ""  # on a ward's page, where it says something else


FORMATS = {
    row.id: row
    for row in (
        BriefingFormat(
            "html", "Web page in one file", "Works without a network; arrow keys turn the pages",
            "text/html; charset=utf-8", "html_pack:pack_of", "Meeting pack (HTML, works without a network)",
        ),
        BriefingFormat(
            "pptx", "PowerPoint", "Its words, tables and charts can be changed",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx:pptx_of",
        ),
        BriefingFormat(
            "docx", "Word", "Its words and tables can be changed",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx:docx_of",
        ),
        BriefingFormat("pdf", "PDF", "To print, and for screen readers", "application/pdf", "pdf:pdf_of"),
    )
}  # fmt: skip
"""Routes, the command, links and tests read these rows; another format is another row and its function."""


def export_briefing(briefing: Briefing, format: str, *, address: str = "") -> bytes:
    """The briefing as a file. ``address`` ("https://example.org") makes links to the site's pages whole; without it they are only words.

    Equal briefings give equal bytes. Presenter notes are in the PowerPoint file alone. Raises :class:`layers.Refused` for a
    format that there is none of.
    """
    if format not in FORMATS:
        what = f"there is no format '{format[:20]}'"
        fault = Fault(what, "format", f"use {', '.join(FORMATS)}", rule="format")
        raise Refused("The briefing was not exported.", [fault])
    module, function = FORMATS[format].made_by.split(":")
    make = getattr(import_module(f"dashboard.briefings.files.{module}"), function)
    return make(briefing, address=address)
