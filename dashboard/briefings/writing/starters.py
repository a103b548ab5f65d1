"""Briefings that every region has from the first day, written by programs from whatever is loaded, as Markdown with live tokens.

"The region in ten numbers", "Gaps in <theme>" for every theme that can be asked, and "Shared gaps across our borders". A starter
follows the newest data; an analyst may take its text and go on from there. A sentence stands in it only when every token of it
has an answer on the day, so that pages adapt to what there is (no gaps, one community, nothing shared) and none is ever broken.
The ward member's page is made by :mod:`.ward`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dashboard.briefings.writing.starter_gaps import gaps_text
from dashboard.briefings.writing.starter_numbers import NUMBER_WORDS, numbers_of, ten_text
from dashboard.briefings.writing.starter_shared import shared_text
from dashboard.briefings.writing.starter_writing import answered_questions, cut, full_answer, lower
from dashboard.memory import kept
from dashboard.published import Published
from layers import PUBLIC, Audience

TEN = "region-in-ten-numbers"
SHARED = "shared-gaps"
GAPS = "gaps-"


@dataclass(frozen=True)
class Starter:
    id: str
    title: str
    summary: str
    audience: Audience = Audience.PUBLIC


def starters(published: Published) -> tuple[Starter, ...]:
    """Those that this region can have with what the public sees."""
    return tuple(starter for starter, _ in _find(published, _state(published)))


def starter_text(published: Published, starter_id: str) -> str | None:
    """The Markdown of a starter; None where there is no such one here."""
    return _text(published, starter_id, _state(published))


def _state(published: Published) -> tuple:
    """What a starter depends on: every layer that the public sees, in its version."""
    return tuple((layer.id, layer.version) for layer in published.store.layers(PUBLIC))


@kept(64)
def _text(published: Published, starter_id: str, state: tuple) -> str | None:
    makers = {starter.id: make for starter, make in _find(published, state)}
    return makers[starter_id]() if starter_id in makers else None


@kept(4)
def _find(published: Published, _: tuple) -> tuple[tuple[Starter, Callable[[], str]], ...]:
    asked = answered_questions(published)
    numbers = numbers_of(published, asked)
    count = NUMBER_WORDS[min(len(numbers), 10)]
    title = f"The region in {count} number{'' if len(numbers) == 1 else 's'}"
    summary = "One number a page, from different themes, with what it means and for whom."
    found = [(Starter(TEN, title, summary), lambda: ten_text(published, title, numbers))]
    if len(published.region.areas["lad"]) > 1 and asked:
        summary = "Who is nearer to a neighbour’s services, and which gaps lie on both sides of a border."
        found.append(
            (Starter(SHARED, "Shared gaps across our borders", summary), lambda: shared_text(published, asked))
        )
    for question, _ in asked:
        name = lower(question.theme.name)
        summary = f"Where need is high and the {question.nearest} is far: how many people, where, how sure, and what to decide."
        starter = Starter(f"{GAPS}{question.theme.id}", cut(f"Gaps in {name}"), summary)
        found.append(
            (starter, lambda q=question, s=starter: gaps_text(published, s.title, q, full_answer(published, q)))
        )
    return tuple(found)
