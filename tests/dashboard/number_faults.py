"""Numbers in sentences against those that the API gives for the same question."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from dashboard.briefings.filling.questions import questions
from dashboard.map_files import Shapes
from dashboard.pages import community as community_page
from dashboard.pages import explore, options
from dashboard.views import siting, spoken, wording
from dashboard.views.gap_files import gaps_document, together_document
from dashboard.views.gaps import answer_or_reasons, gaps_of
from dashboard.views.option_files import options_document
from dashboard.views.options import OptionsQuery, sandbox
from dashboard.views.together import together_of
from layers import LEVELS, PUBLIC
from tests.dashboard.page_sentences import boxes, of_components, togethers
from tests.dashboard.sentences import METRICS, Said, of_tree

_NUMBER = r"\d{1,3}(?:,\d{3})+|\d+"
COUNT = re.compile(
    rf"(?<![\d.,–−/-])({_NUMBER})(?: of (?:the )?({_NUMBER}))?(?: (?:more|new|other|existing|underserved|of these|of its))*"
    r" (residents?|people|small areas?|wards?|areas?|sites?|services?|communit(?:y|ies)|(?:local )?authorit(?:y|ies))\b"
)
RATE = re.compile(rf"\b(?:per|[Oo]ne in) (?:{_NUMBER}) \w+")
"""What is no count: "6.1 per 1,000 residents", "one in 85 residents"."""
"""A count of people, areas or services, as sentences say it; with what it is a part of."""


def said_of(value: float) -> set[str]:
    """How the writing modules say a count: in full, or as spoken: to three figures, or in a finding to two."""
    return {f"{value:,.0f}", wording.spoken(value), spoken.people(value)}


def given(*trees: Any) -> set[str]:
    """Every number that documents give, as sentences may say it; how long a list is counts as given."""
    out: set[str] = set()

    def walk(tree: Any) -> None:
        if isinstance(tree, dict):
            for value in tree.values():
                walk(value)
        elif isinstance(tree, list | tuple):
            out.add(f"{len(tree):,}")
            for value in tree:
                walk(value)
        elif isinstance(tree, int | float) and not isinstance(tree, bool) and math.isfinite(tree):
            out.update(said_of(tree))

    for tree in trees:
        walk(tree)
    return out


def strangers(said: Iterable[Said], known: set[str]) -> Iterator[str]:
    """A line for every count that is in none of the documents."""
    for where, text in said:
        for found in COUNT.finditer(RATE.sub("", text)):
            for number in found.groups()[:2]:
                if number and number not in known:
                    yield f"{number} of {found.group(0)!r} is nowhere in the API: {text[:200]!r} ({where})"


def _sums(document: dict[str, Any]) -> set[str]:
    """What sentences add up: the gaps that are firm or likely, said together."""
    stability = document["summary"].get("stability")
    return said_of(stability["firm"] + stability["likely"]) if stability else set()


def _without_areas(document: dict[str, Any]) -> dict[str, Any]:
    """So many areas have so many residents that any number is one of theirs."""
    return {name: value for name, value in document.items() if name != "areas"}


def of_answers(published) -> Iterator[str]:
    """Each theme's question at each level and by each metric: its own document."""
    for question in questions(published, PUBLIC):
        for level in LEVELS:
            for metric in METRICS:
                asked = replace(question.selection, level=level, metric=metric)
                gaps = answer_or_reasons(lambda a=asked: gaps_of(published, a, PUBLIC))
                if hasattr(gaps, "cards"):
                    whole = _without_areas(gaps_document(gaps))
                    where = f"gaps {question.theme.id} {level} {metric}"
                    yield from strangers(of_tree(where, whole), given(whole) | _sums(whole))
    for where, found in togethers(published):
        whole = _without_areas(together_document(found))
        cards = ((where, text) for card in found.cards for text in (card.sentence, *(f.words for f in card.flows)))
        yield from strangers(chain(of_tree(where, whole), cards), given(whole))


def _one_site(published, asked, card) -> set[str]:
    """What the options page gives of the site that a community's page proposes; it links to it."""
    found = community_page.community_page(published, asked, card.id, PUBLIC, site=True)
    link = found.site.options_link if getattr(found, "site", None) else ""
    box = (
        sandbox(published, OptionsQuery.from_query(dict(parse_qsl(urlsplit(link).query)))[0], PUBLIC) if link else None
    )
    return given(options_document(box, PUBLIC, "2026-11-30")) if box else set()


def of_pages(published) -> Iterator[str]:
    """The map's page, pages of communities, and /options: the documents of the same question."""
    shapes, layers = Shapes(published), published.store.layers(PUBLIC)
    listed = set().union(*(said_of(layer.sites) for layer in layers)) | said_of(len(layers))
    for question in questions(published, PUBLIC):
        gaps = answer_or_reasons(lambda q=question: gaps_of(published, q.selection, PUBLIC))
        if not hasattr(gaps, "cards"):
            continue
        whole, asked = gaps_document(gaps), question.selection
        both = answer_or_reasons(lambda q=question: together_of(published, q.selection, PUBLIC))
        known = given(_without_areas(whole)) | _sums(whole) | listed
        if hasattr(both, "cards"):
            known |= given(_without_areas(together_document(both)))
        page = explore.layout(published, asked.to_query(), PUBLIC, shapes=shapes)
        yield from strangers(of_components(f"explore {question.theme.id}", page), known)
        for card in gaps.cards[:2]:
            page = community_page.layout(
                published, asked.to_query() | {"site": "best"}, PUBLIC, shapes=shapes, community=card.id
            )
            inside = given([row for row in whole["areas"] if row["community"] == card.id]) | _one_site(
                published, asked, card
            )
            yield from strangers(of_components(f"community {question.theme.id} {card.id}", page), known | inside)
    for theme, plan, box in boxes(published):
        known = given(options_document(box, PUBLIC, "2026-11-30"), _without_areas(gaps_document(box.gaps))) | listed
        page = options.layout(published, box.query.to_query(), PUBLIC, shapes=shapes)
        yield from strangers(of_components(f"options {theme}", page), known)
        if hasattr(plan, "result"):
            document = siting.plan_document(plan)
            rows = (*siting.gains_by_authority(plan), *siting.gains_by_fifth(plan))
            cards = [(theme, text) for card in siting.site_cards(plan) for text in (card.gains, card.overlap)]
            said = chain(of_tree(theme, document), cards, ((theme, row.words) for row in rows))
            yield from strangers(said, given(document))
