"""What the numbers of a briefing are in one ward: a line beside each page that speaks of the region.

Only what the page's own readers may see, from the versions that the page is pinned to. A page that says nothing that a ward can be
asked gets no line.
"""

from __future__ import annotations

import contextlib

import numpy as np

from dashboard.briefings.filling.asking import Facts
from dashboard.briefings.filling.build import reader_of
from dashboard.briefings.filling.model import Briefing
from dashboard.published import Published
from dashboard.views import wording
from layers import DocumentPage, Kind, NotFound, Refused, Token, tokens_of

MOST_LINES = 3
OF_AN_INDICATOR = ("whole", "middle", "highest", "lowest", "worst", "best", "count", "value", "change")
"""Families of tokens that speak of one indicator, for the region or for the areas at its ends."""
OF_THE_GAPS = ("gaps", "community")
OF_PEOPLE = ("region.residents",)


def in_ward(published: Published, briefing: Briefing, code: str) -> dict[int, tuple[str, ...]]:
    """Page number -> sentences about the ward; pages without any are not in it. Raises NotFound for a code that is no ward."""
    if code not in published.region.codes("ward"):
        raise NotFound("There is no such ward.")
    document = briefing.document
    seen = published.at(briefing.pins) if briefing.version else published
    facts = Facts(seen, reader_of(seen, document.audience, document.partner), made_on=briefing.made_on)
    found = {page.number: _of_page(facts, page, document.view, code) for page in document.pages}
    shown = {page.number for page in briefing.pages if not page.unavailable}
    return {number: said for number, said in found.items() if said and number in shown}


def _of_page(facts: Facts, page: DocumentPage, view: str, code: str) -> tuple[str, ...]:
    spec = page.exhibit
    view = (spec.arguments.get("view", "") if spec else "") or view
    out: dict[str, None] = {}
    for token in tokens_of(page):
        family, own = token.name.split(".")[0], token.arguments.get("view", view)
        try:
            if token.name in OF_PEOPLE:
                out[_people(facts, code)] = None
            elif family in OF_AN_INDICATOR:
                out[_value(facts, token, own, code)] = None
            elif family in OF_THE_GAPS and own:
                out[_gap(facts, own, code)] = None
        except (Refused, NotFound):
            continue  # not known for wards
    if spec is not None and spec.arguments.get("layer") and len(out) < MOST_LINES:
        with contextlib.suppress(Refused, NotFound):
            out[_value(facts, Token("value", {"layer": spec.arguments["layer"]}, 0, ""), "", code)] = None
    return tuple(line for line in out if line)[:MOST_LINES]


def _people(facts: Facts, code: str) -> str:
    area = facts.published.region.areas["ward"].iloc[facts.published.region.position("ward", code)]
    return f"{wording.counted(area['population'], 'resident')}."


def _value(facts: Facts, token: Token, view: str, code: str) -> str:
    """ "Homes with too few rooms: 3.1% of households (12 of 240, 1 is the worst)." """
    layer_id = token.arguments.get("layer", "")
    if not layer_id:
        layer_id = facts.view(view).settled.one_need if view else ""
    layer = facts.layer(layer_id, Kind.INDICATOR)
    given = {"layer": layer.id, "area": code} | {k: v for k, v in token.arguments.items() if k == "period"}
    value = facts.fact(Token("value", given, 0, f"value {layer.id} {code} {given.get('period', '')}"))
    rank = facts.fact(Token("value.rank", given, 0, f"rank {layer.id} {code} {given.get('period', '')}"))
    return f"{layer.title}: {value.text} ({rank.text.rstrip('.').replace(' (', ', ').rstrip(')')})."


def _gap(facts: Facts, view: str, code: str) -> str:
    gaps = facts.gaps(view)
    areas, table = gaps.published.region.areas[gaps.level], gaps.result.areas
    if gaps.level == "lad":
        return ""
    mine = (areas["code"] if gaps.level == "ward" else areas["ward_code"]).to_numpy(object) == code
    chosen = mine & table["underserved"].to_numpy(bool)
    if not chosen.any():
        return "No part of it is underserved in this question."
    people = float(table["population"].to_numpy("float64")[chosen].sum())
    one, many = wording.LEVEL_WORDS[gaps.level]
    of = int(np.sum(mine))
    where = "All of it" if chosen.sum() == of else f"{int(chosen.sum()):,} of its {of:,} {one if of == 1 else many}"
    return f"{where}, with {wording.counted(people, 'resident')}, {'is' if chosen.sum() == 1 or chosen.sum() == of else 'are'} underserved."
