"""What has to be said with a page, and whose figures it shows: one strip and one line, on the wall and on slides."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.briefings.filling.model import BriefingPage
from dashboard.views import wording
from dashboard.views.confidence import CAUTION, FINE, NOTE, Row


@dataclass(frozen=True)
class Say:
    """What to say with a page, a line each; ``amber`` where it must be said."""

    lines: tuple[str, ...]
    amber: bool


SAY = "Say with it:"
MOST_SAID = 2
"""Lines of the strip: more are not said, and stand in the notes and on paper."""


def say_with(page: BriefingPage) -> Say | None:
    """The strip of trust of a page: the rows that are a caution, else those that are a note; of a page without a list of services
    the first of what its data does not tell."""
    if page.unavailable:
        return None
    for level in (CAUTION, NOTE, FINE):
        rows = [row for row in page.trust if row.level == level]
        if rows:
            return Say(tuple(row_words(row) for row in rows[:MOST_SAID]), level == CAUTION)
    return Say((page.limits[0],), False) if page.limits else None


def row_words(row: Row) -> str:
    """A row of the confidence strip as a sentence that somebody can say."""
    reason = row.reason.rstrip(".")
    if row.term in ("List", "Lists"):
        what = "The list is" if row.term == "List" else "The lists are"
        if row.word == "Unknown":
            whole = f"how complete {'the list is' if row.term == 'List' else 'the lists are'}"
            return f"It is not known {reason.replace('how complete', whole)}."
        if row.word == "Modelled":
            return f"{what} modelled: {reason}."
        return f"{what} a {row.word.lower()} {reason}."
    if row.term == "Distance":
        return (
            f"Distances are straight lines: {reason}."
            if row.word == "Straight line"
            else f"Distances are times {reason}."
        )
    if row.term == "Age":
        return f"The figures are of {row.word}: {reason}." if row.word[:1].isdigit() else f"{row.word}: {reason}."
    return f"{row.term}: {row.word.lower() if row.word.isalpha() else row.word}, {reason}."


def credit_of(page: BriefingPage) -> str:
    """One line: who published what a page shows, and whose outlines they are. Titles and licences stand on paper and at the end."""
    publishers = list(dict.fromkeys(line.publisher for line in page.sources if line.publisher))
    parts = [wording.listing(publishers, 3)] if publishers else []
    parts += [page.credits[0].split(". ")[0].rstrip(".")] if page.credits else []
    return ". ".join(parts)
