"""What stands above map and list: the answer as a sentence, how far to trust it, and the steps of the question."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html

from dashboard.views.answer_words import AnswerWords
from dashboard.views.steps import Step


def answer_block(words: AnswerWords, steps: Sequence[Step] = ()) -> list:
    """The sentence, what belongs to it, and the way on. It is announced: the level, too, which the eye sees in the question."""
    after = next((step for step in steps if step.id == "next" and not step.why_not), None)
    way_on = html.A("Where would a next site help most?", href=after.link, id="answer-next") if after else None
    more = [part for text in words.more for part in (text, " ")]
    return [
        html.H1([words.sentence, html.Span(f" {words.level}", className="visually-hidden") if words.level else None]),
        html.P([*more, way_on], className="answer-more") if more or way_on else None,
    ]


def steps_block(steps: Sequence[Step]) -> list:
    """Views of one question: a press changes sentence, map and list together (``assets/explore.js``)."""
    return [html.Ul([html.Li(_step(step)) for step in steps])]


def _step(step: Step):
    words = [step.title, html.Small(step.count) if step.count else None]
    if step.why_not:
        return html.Span(
            [*words, html.Span(f" (not yet: {step.why_not})", className="visually-hidden")],
            className="step off",
            title=step.why_not,
        )
    current = {"aria-current": "step"} if step.current else {}
    shows = {"data-show": step.show, "data-shared": "yes" if step.shared else "no"} if step.show else {}
    return html.A(words, href=step.link, className="step", **{"data-step": step.id} | shows | current)
