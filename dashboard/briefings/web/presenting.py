"""What present mode and the presenter's window are told, beside the briefing itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from dashboard.briefings.filling.model import Briefing, BriefingPage
from dashboard.html import ASSETS
from dashboard.selection import Selection
from dashboard.views import wording
from dashboard.views.confidence import CAUTION, FINE, Row

MOST_LIMITS = 6
"""Sentences on the last page, of what the data does not tell."""


@dataclass(frozen=True)
class Say:
    """What to say with a page, a line each; ``amber`` where it must be said."""

    lines: tuple[str, ...]
    amber: bool


MOST_SAID = 2
"""Lines of the strip: more are not said, and stand in the notes and on paper."""


def say_with(page: BriefingPage) -> Say | None:
    """The strip of trust of a page: the rows that are a caution, else those that are a note; of a page without a list of services
    the first of what its data does not tell."""
    if page.unavailable:
        return None
    for level in (CAUTION, "note", FINE):
        rows = [row for row in page.trust if row.level == level]
        if rows:
            return Say(tuple(_row_words(row) for row in rows[:MOST_SAID]), level == CAUTION)
    return Say((page.limits[0],), False) if page.limits else None


def _row_words(row: Row) -> str:
    joint = " " if row.reason.startswith(("of ", "from ")) else ", "
    return f"{wording.capital(row.term)}: {row.word.lower() if row.word.isalpha() or ' ' in row.word else row.word}{joint}{row.reason}."


def credit_of(page: BriefingPage) -> str:
    """One line: who published what a page shows, and whose outlines they are. Titles and licences stand on paper and at the end."""
    publishers = list(dict.fromkeys(line.publisher for line in page.sources if line.publisher))
    parts = [wording.listing(publishers, 3)] if publishers else []
    parts += [page.credits[0].split(". ")[0].rstrip(".")] if page.credits else []
    return ". ".join(parts)


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
