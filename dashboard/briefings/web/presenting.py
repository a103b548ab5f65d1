"""What present mode and the presenter's window are told, beside the briefing itself."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from dashboard.briefings.filling.model import Briefing
from dashboard.briefings.filling.say import credit_of, say_with
from dashboard.html import ASSETS
from dashboard.selection import Selection

MOST_LIMITS = 6
"""Sentences on the last page, of what the data does not tell."""


def presenting(briefing: Briefing, channel: str = "") -> dict[str, Any]:
    """Values of ``present.html`` and ``notes.html``. ``channel`` is the name by which the two windows find each other."""
    limits = dict.fromkeys(line for page in briefing.pages for line in page.limits)
    return {
        "channel": channel or f"{briefing.id}-{briefing.version}",
        "explore": explore_link(briefing),
        "limits": list(limits)[:MOST_LIMITS],
        "pages": list(briefing.pages),
        "say_with": say_with,
        "credit_of": credit_of,
        # within the document: browsers fetch it anew when the address changes, and a hall has no network
        "favicon": f"data:image/svg+xml,{quote((ASSETS / 'favicon.svg').read_text('utf-8'))}",
    }


def explore_link(briefing: Briefing) -> str:
    """Where E leads on a page without a map of its own."""
    view = briefing.document.view
    if view:  # it may be written as the whole address of a page
        return f"/?{urlsplit(view).query if '?' in view else view}"
    return next((page.figure.link for page in briefing.pages if page.figure and page.figure.link), Selection().link())
