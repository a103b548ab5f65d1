""" "Shared gaps across our borders": who is nearer to a neighbour's service, and which gaps lie on both sides of a border."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.briefings.filling.questions import Question
from dashboard.briefings.writing.starter_writing import (
    Writer,
    border_headlines,
    cut,
    exhibit,
    full_answer,
    lower,
    md,
    services_view,
    together_found,
    token,
)
from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views.gap_words import one_of
from dashboard.views.gaps import Gaps
from layers import PUBLIC

MOST_OTHERS = 4
"""Other lists on the page "The same borders, other services"."""


def shared_text(published: Published, asked: Sequence[tuple[Question, Gaps]]) -> str:
    """The question with most residents in shared gaps leads; without any, that where looking alone misjudges most."""
    w = Writer(published)
    ranked = sorted(asked, key=lambda pair: _sharing(published, *pair), reverse=True)
    question = ranked[0][0]
    gaps = full_answer(published, question)
    v, view, thing = question.view, services_view(question), md(one_of((question.services,)))
    shared = gaps.summary["shared_communities"]
    around = [q for q, g in ranked[1:] if together_found(published, q) is not None]
    w.page(
        border_headlines(w, view, thing),
        "A border on a map is not one that people see. Many are nearer to a service next door.",
        "{{ together.sentence }}",
        exhibits=(exhibit("together", f"view: {view}"), exhibit("table", "type: together", f"view: {view}")),
        notes=("Distances are straight lines. Where a river has no crossing, the real way is longer.",),
        view=view,
    )
    if w.filled(token("together.authority", view=view), view):
        w.page(
            (
                "{{ together.authority n=1 }} has the most: {{ together.authority_residents n=1 }} are nearer elsewhere",
                "{{ together.authority n=1 }} has the most of them",
            ),
            ("Next comes {{ together.authority n=2 }}, with {{ together.authority_residents n=2 }} residents.",),
            "For each authority the table compares its own services with everybody’s.",
            exhibits=(exhibit("table", "type: together", f"view: {view}"),),
            notes=(
                "Ask those at the top whether their residents may use the neighbour’s service, and whether they know.",
            ),
            view=view,
        )
    _misjudged_page(w, view, thing)
    _shared_page(w, question, gaps)
    if shared:
        _shared_community_page(w, question, gaps)
    if len(published.store.layers(PUBLIC, kind="services")) > 1:
        _others_page(w, question, around, {q.theme.id: g for q, g in ranked})
    w.page(
        ("What these numbers do not tell us",),
        "- Whether a service takes people from across the border. Many may not, by contract.\n"
        "- How people travel. A straight line can cross a river that has no bridge.\n"
        "- Who pays. Money follows borders even where people do not.\n"
        "- Services just outside the region that nobody has published here.",
        notes=("A shared gap is an invitation to talk, not a finding of fault.",),
    )
    steps = [
        "Which services may residents of a neighbour use today? Who tells them?",
        "Which shared community do the authorities take on together?"
        if shared
        else "Which border do two authorities look at together first?",
        "Who is the one person on each side to talk to?",
        "When do we look at this page again?",
    ]
    w.page(
        ("What we have to decide today",),
        "\n".join(f"{n}. {step}" for n, step in enumerate(steps, 1)),
        notes=("Write down names and dates before the item is closed.",),
    )
    subtitle = cut(f"{published.region.name}: looking together instead of alone")
    return w.document("Shared gaps across our borders", subtitle=subtitle, theme=question.theme.id, view=v)


def _sharing(published: Published, question: Question, gaps: Gaps) -> tuple[float, ...]:
    together = together_found(published, question)
    s = together.summary if together is not None else {}
    shared = gaps.summary["shared_residents"]
    return shared, s.get("residents_misjudged") or 0.0, s.get("residents_nearer_elsewhere", 0.0)


def _misjudged_page(w: Writer, view: str, thing: str) -> None:
    misjudged = token("together.misjudged", view=view)
    if w.filled(misjudged, view) in (None, "0"):
        return
    areas = token("together.misjudged_areas", view=view)
    w.page(
        (
            f"Looking alone, {misjudged} people seem to have no {thing} near, and do",
            f"Looking alone, {misjudged} people seem to have no help near, and do",
        ),
        f"They live in {areas} areas. Their own authority has nothing within the standard distance; a neighbour has."
        if w.filled(areas, view) != "1"
        else "They live in one area. Its own authority has nothing within the standard distance; a neighbour has.",
        exhibits=(exhibit("chart", "type: border", f"view: {view}"),),
        notes=("A plan made alone would build what stands across the road.",),
        view=view,
    )


def _shared_page(w: Writer, question: Question, gaps: Gaps) -> None:
    shared, v = gaps.summary["shared_communities"], question.view
    name = md(lower(question.theme.name))
    if shared:
        w.page(
            (
                "One underserved community lies across a border: {{ gaps.shared_residents }} residents"
                if shared == 1
                else "{{ gaps.shared }} underserved communities lie across borders: {{ gaps.shared_residents }} residents",
            ),
            f"The question is {name}: high need, and the {md(question.nearest)} far away.",
            "{{ gaps.rule }}",
            exhibits=(exhibit("table", "type: shared"),),
            notes=("No single authority sees the whole of these. On its own map each sees only its part.",),
            view=v,
        )
        return
    none = not gaps.summary["underserved_areas"]
    w.page(
        ("No area is underserved by this rule" if none else "No underserved community lies across a border",),
        "{{ gaps.sentence }}",
        f"The question is {name}. Other questions, or a shorter distance, may find shared gaps.",
        exhibits=() if none else (exhibit("map", f"view: {v}"),),
        notes=("That no gap is shared does not mean that borders do not matter: see the pages before.",),
        view=v,
    )


def _shared_community_page(w: Writer, question: Question, gaps: Gaps) -> None:
    card = next(card for card in gaps.cards if card.shared)
    w.page(
        (
            "{{ community.name n=1 shared=yes }}: one gap, {{ community.shares n=1 shared=yes }}",
            "{{ community.name n=1 shared=yes }} is one gap in two authorities" if len(card.authorities) == 2 else "",
            "The largest shared gap has {{ community.residents n=1 shared=yes }} residents",
        ),
        (
            "It has {{ community.residents n=1 shared=yes }} residents: {{ community.need n=1 shared=yes }}, "
            "{{ community.access n=1 shared=yes }}.",
        ),
        "{{ community.penalty n=1 shared=yes }}",
        "{{ community.drivers n=1 shared=yes }}",
        exhibits=(exhibit("community", f"community: {card.id}"),),
        notes=("{{ community.stability n=1 shared=yes }}", "Who of both authorities has been there together?"),
        view=question.view,
    )


def _others_page(w: Writer, first: Question, around: Sequence[Question], gaps_of: dict[str, Gaps]) -> None:
    """The same border for other services: a line each, of different lists; those of other questions, then the rest."""
    lines, seen = [], {first.services.id}
    for question in around:
        if question.services.id in seen or len(lines) >= MOST_OTHERS:
            continue
        seen.add(question.services.id)
        v, view = question.view, services_view(question)
        people = token("together.residents", view=view)
        shared = gaps_of[question.theme.id].summary["shared_communities"]
        tail = "no shared gap"
        if shared:
            tail = f"{token('gaps.shared', view=v)} shared gap{'' if shared == 1 else 's'}"
        line = f"- **{md(question.services.title)}**: {people} residents nearer elsewhere; {tail} for {md(lower(question.theme.name))}."
        if w.filled(line[2:], ""):
            lines.append(line)
    for layer in w.published.store.layers(PUBLIC, kind="services"):
        if layer.id in seen or len(lines) >= MOST_OTHERS or layer.descriptor.access_standard is None:
            continue
        view = Selection(services=(layer.id,), show="access").query_string()
        line = f"- **{md(layer.title)}**: {token('together.residents', view=view)} residents nearer elsewhere."
        if w.filled(line[2:], ""):
            lines.append(line)
    if lines:
        w.page(
            ("The same borders, other services",),
            "\n".join(lines),
            notes=("Where a line names a theme, there is a briefing for it: “Gaps in …”.",),
        )
