"""Briefings as files that need no network: a meeting pack in HTML, PowerPoint, Word and PDF. All say the same.

>>> export_briefing(briefing, "pdf", address="https://example.org")  # doctest: +SKIP
"""

from __future__ import annotations

from dashboard.briefings.filling.model import Briefing
from layers import Fault, Refused

FORMATS = {
    "html": "text/html; charset=utf-8",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
}
"""Format: its media type."""
FORMAT_WORDS = {
    "html": "Meeting pack (HTML, works without a network)",
    "pptx": "PowerPoint",
    "docx": "Word",
    "pdf": "PDF",
}


def export_briefing(briefing: Briefing, format: str, *, address: str = "") -> bytes:
    """The briefing as a file. ``address`` ("https://example.org") makes links to the site's pages whole; without it they are only words.

    Equal briefings give equal bytes. Presenter notes are in the PowerPoint file alone. Raises :class:`layers.Refused` for a
    format that there is none of.
    """
    # libraries of one format are not loaded for another, nor when the server starts
    if format == "html":
        from dashboard.briefings.files.html_pack import pack_of as made
    elif format == "pptx":
        from dashboard.briefings.files.pptx import pptx_of as made
    elif format == "docx":
        from dashboard.briefings.files.docx import docx_of as made
    elif format == "pdf":
        from dashboard.briefings.files.pdf import pdf_of as made
    else:
        what = f"there is no format '{format[:20]}'"
        raise Refused(
            "The briefing was not exported.", [Fault(what, "format", f"use {', '.join(FORMATS)}", rule="format")]
        )
    return made(briefing, address=address)


def mimetype(format: str) -> str:
    """Media type of a format; raises KeyError for others."""
    return FORMATS[format]


def file_name(briefing: Briefing, format: str) -> str:
    """Name to save a file under: only ASCII letters, digits, hyphens and a dot."""
    from dashboard.briefings.files.contents import file_name as named

    return named(briefing, format)
