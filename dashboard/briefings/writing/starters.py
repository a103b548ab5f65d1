"""Briefings that every region has from the first day, written from whatever is loaded, as Markdown with live tokens.

"The region in ten numbers", "Gaps in <theme>" for every theme that can be asked, and "Shared gaps across our borders". Their words
are the templates in ``starters/``; here is what those are told. A starter follows the newest data; an analyst may take its text
and go on from there. The ward member's page is made in :mod:`dashboard.briefings.ward`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.briefings.filling.questions import ThemeQuestion, answer, answered, compared
from dashboard.briefings.writing.templates import Writer, cut, md, question_words
from dashboard.briefings.writing.ten_numbers import NUMBER_WORDS, numbers_of
from dashboard.memory import remembered
from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views import wording
from dashboard.views.gap_words import one_of
from dashboard.views.gaps import Gaps, answer_or_reasons
from dashboard.views.options import Option, OptionsQuery, opened
from dashboard.views.siting import plan_sites, siting_request
from layers import PUBLIC, Audience, Layer, Refused

TEN = "region-in-ten-numbers"
SHARED = "shared-gaps"
GAPS = "gaps-"
MOST_OTHERS = 4
"""Other lists on the page "The same borders, other services"."""


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


@remembered(64)
def _text(published: Published, starter_id: str, state: tuple) -> str | None:
    makers = {starter.id: make for starter, make in _find(published, state)}
    return makers[starter_id]() if starter_id in makers else None


@remembered(4)
def _find(published: Published, _: tuple) -> tuple[tuple[Starter, Callable[[], str]], ...]:
    asked = answered(published, PUBLIC)
    numbers = numbers_of(published, asked)
    title = f"The region in {NUMBER_WORDS[len(numbers)]} number{'' if len(numbers) == 1 else 's'}"
    summary = "One number a page, from different themes, with what it means and for whom."
    found = [(Starter(TEN, title, summary), lambda: _ten(published, title, numbers))]
    if len(published.region.areas["lad"]) > 1 and asked:
        summary = "Who is nearer to a neighbour’s services, and which gaps lie on both sides of a border."
        found.append((Starter(SHARED, "Shared gaps across our borders", summary), lambda: _shared(published, asked)))
    for question, _ in asked:
        summary = f"Where need is high and the {question.nearest} is far: how many people, where, how sure, and what to decide."
        starter = Starter(f"{GAPS}{question.theme.id}", cut(f"Gaps in {wording.small(question.theme.name)}"), summary)
        found.append((starter, lambda q=question, s=starter: _gaps(published, s.title, q)))
    return tuple(found)


def _full_answer(published: Published, question: ThemeQuestion) -> Gaps:
    """The answer with how sure it is, which takes a moment."""
    gaps = answer(published, question, PUBLIC)
    if gaps is None:  # a layer was withdrawn in this very moment
        raise Refused("The starter cannot be written any more. Try again.")
    return gaps


# ---- what each template is told ----------------------------------------------------------------------------------------


def _ten(published: Published, title: str, numbers: Sequence[dict[str, Any]]) -> str:
    words = {"region": published.region.name, "small_areas": len(published.region.areas["lsoa"]), "numbers": numbers}
    writer = Writer(published)
    text = writer.write(TEN, title=title, **words)
    if writer.pages == len(numbers):
        return text
    # a page that could not be written; the title says how many there are
    return writer.write(TEN, title=f"The region in {NUMBER_WORDS[writer.pages]} numbers", **words)


def _gaps(published: Published, title: str, question: ThemeQuestion) -> str:
    gaps = _full_answer(published, question)
    found, (area, areas) = gaps.summary, wording.LEVEL_WORDS[gaps.level]
    stability = gaps.result.stability
    return Writer(published).write(
        "gaps",
        title=title,
        q=question_words(question),
        found=found,
        area=area,
        areas=areas,
        largest_areas=gaps.cards[0].areas if gaps.cards else 0,
        authorities=len(published.region.areas["lad"]),
        draws=stability.draws if stability is not None else 0,
        sampled=gaps.claims.sampled,
        together=compared(published, question, PUBLIC) is not None,
        site_view=_one_more_site(published, question) if found["underserved_areas"] else "",
    )


def _one_more_site(published: Published, question: ThemeQuestion) -> str:
    """The options page with the one more site that does most, by the quick search; "" where it finds nothing to gain."""
    request = siting_request(published, question.selection, new=1, exact=False, compare_alone=False)
    plan = answer_or_reasons(lambda: plan_sites(published, request, PUBLIC))
    sites = getattr(getattr(getattr(plan, "result", None), "plan", None), "sites", ())
    if not sites or not plan.result.plan.value > 0:
        return ""
    name = f"One more {one_of((question.services,))}"[:60]
    option = Option("A", name, (opened(sites[0].easting, sites[0].northing),))
    return OptionsQuery(question.selection, options=(option,)).query_string()


def _shared(published: Published, asked: Sequence[tuple[ThemeQuestion, Gaps]]) -> str:
    """Of the questions with a complete list that with most residents in shared gaps leads; without any, that where looking alone
    misjudges most."""
    ranked = sorted(asked, key=lambda pair: _sharing(published, *pair), reverse=True)
    question = ranked[0][0]
    gaps, writer = _full_answer(published, question), Writer(published)
    card = next((card for card in gaps.cards if card.shared), None)
    return writer.write(
        SHARED,
        region=published.region.name,
        q=question_words(question),
        found=gaps.summary,
        shared_id=card.id if card else "",
        two_authorities=card is not None and len(card.authorities) == 2,
        others=_others(published, writer, ranked),
    )


def _sharing(published: Published, question: ThemeQuestion, gaps: Gaps) -> tuple[float, ...]:
    together = compared(published, question, PUBLIC)
    s = together.summary if together is not None else {}
    shared = gaps.summary["shared_residents"]
    # of a whole list rather than of a sample: what a sample lacks may stand just across the border
    whole = float(gaps.claims.counts), float(not gaps.claims.sampled)
    return *whole, shared, s.get("residents_misjudged") or 0.0, s.get("residents_nearer_elsewhere", 0.0)


def _others(published: Published, writer: Writer, ranked: Sequence[tuple[ThemeQuestion, Gaps]]) -> list[dict[str, Any]]:
    """The same border for other services: of different lists; those of other questions, then the rest."""
    lists = published.store.layers(PUBLIC, kind="services")
    found, seen = [], {ranked[0][0].services.id}
    if len(lists) < 2:
        return []

    def add(services: Layer, view: str, of_question: dict[str, Any]) -> None:
        if services.id not in seen and len(found) < MOST_OTHERS and writer.says(f'together.residents view="{view}"'):
            found.append({"view": ""} | of_question | {"list": md(services.title), "services_view": view})

    for question, gaps in ranked[1:]:
        if compared(published, question, PUBLIC) is not None:
            shared = gaps.summary["shared_communities"]
            if not shared or writer.says(f'gaps.shared view="{question.view}"'):
                add(question.services, question.services_view, question_words(question) | {"shared": shared})
            seen.add(question.services.id)
    for layer in lists:
        if layer.descriptor.access_standard is not None:
            add(layer, Selection(services=(layer.id,), show="access").query_string(), {})
    return found
