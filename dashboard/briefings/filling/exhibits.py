"""The exhibit of a briefing's page: a map, chart or table made from the same answers as the screen, as the briefing's reader.

:func:`figure` gives a :class:`Figure` that is complete in itself: picture, the same in words and as a table, what it is filtered
by, sources, and the address that shows it live. :data:`EXHIBIT_HELP` is the reference shown in the editor. Maps are made in
:mod:`.maps`.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote, urlencode

from dashboard.briefings.filling import exhibit_maps as maps
from dashboard.briefings.filling import showing
from dashboard.briefings.filling.asking import Facts, did_you_mean, either, no_stop, pins, query_of, refused
from dashboard.briefings.filling.credits import source_lines
from dashboard.briefings.filling.exhibit_affected import AFFECTED
from dashboard.briefings.filling.exhibit_charts import CHARTS
from dashboard.briefings.filling.exhibit_decision import DECISIONS
from dashboard.briefings.filling.exhibit_pictures import PICTURES
from dashboard.briefings.filling.exhibit_tables import TABLES
from dashboard.briefings.filling.gating import claims_about, gated_figure
from dashboard.briefings.filling.model import Figure
from dashboard.briefings.filling.showing import ExhibitRequest, Exhibits
from dashboard.drawing.shown import TableData
from dashboard.published import Published
from dashboard.views import option_results, wording
from dashboard.views.community import near_services
from dashboard.views.gap_communities import CommunityCard
from dashboard.views.gaps import Gaps, NoAnswer
from dashboard.views.option_results import comparison, option_sentence, outcomes
from dashboard.views.options import OWN, left_out, sandbox, valid_options
from layers import ExhibitSpec, Fault, NotFound, Refused, Viewer

MAPS = Exhibits()
exhibit = MAPS.add


def figure(published: Published, spec: ExhibitSpec, reader: Viewer, view: str, *, facts: Facts | None = None) -> Figure:
    """What an exhibit shows to ``reader``; ``view`` is the query that it uses unless it names its own.

    Raises :class:`Refused` with what is wrong and what to write instead; page and line are for the caller to add. ``facts``
    of the page, if given, spares working out twice what its words have asked already.
    """
    kind, given = spec.kind, spec.arguments.get("type", "").strip()
    types = [help_.type for help_ in EXHIBIT_HELP.values() if help_.kind == kind]
    if not types:
        what = f"there is no exhibit “{kind}”"
        raise refused(what, f"use {either(sorted({help_.kind for help_ in EXHIBIT_HELP.values()}))}", "exhibit")
    if types == [""]:
        if given:
            raise refused(f"a {kind} has no type", "delete the line “type: …”", "exhibit-argument")
    elif given not in types:
        what = f"there is no {kind} of the type “{given}”" if given else f"the {kind} does not say of which type it is"
        raise refused(what, f"write “type: …” with one of {wording.listing(types, 12)}", "exhibit-type")
    help_ = EXHIBIT_HELP[f"{kind} {given}".strip()]
    for name in spec.arguments:
        if name not in (*showing.ALWAYS, "type", *help_.takes):
            todo = f"it takes {wording.listing([*help_.takes, 'caption', 'alt'], 14)}"
            raise refused(f"the {kind}{f' “{given}”' if given else ''} takes no “{name}”", todo, "exhibit-argument")
    facts = facts or Facts(published, reader)
    ask = ExhibitRequest(facts, spec, view, help_)
    try:
        made = help_.make(ask)
    except NotFound as missing:
        raise refused(no_stop(str(missing)), "choose another", "briefing-unknown") from None
    except Refused as error:
        if not error.faults:
            raise refused(no_stop(error.title), "choose another view", "briefing-view") from None
        raise
    layers = tuple(dict.fromkeys(made.layers))
    made = gated_figure(made, claims_about(published, layers, reader))
    return replace(
        made,
        caption=spec.arguments.get("caption", made.caption),
        alt=spec.arguments.get("alt", made.alt),
        layers=layers,
        sources=source_lines(published, layers, reader, ask.periods),
        notice=published.region.notice,
        credits=published.region.attribution if made.kind == "map" else (),
    )


@exhibit(
    "map",
    says="The view as a map: need, access to services, or the gap between the two, with its legend.",
    takes="need services level period theme layer area",
    needs="a view, or “layer: …”",
)
def _map(ask: ExhibitRequest) -> Figure:
    if "area" in ask.spec.arguments:
        ask.facts.area(ask.given("area"))
    chosen = ask.view_needed()
    if "layer" in ask.spec.arguments:
        chosen = replace(chosen, show="need")
    if ask.given("area"):
        chosen = replace(chosen, area=ask.given("area"))
    return maps.of_view(ask, chosen)


@exhibit(
    "community",
    says="One underserved community: where it is, its nearest services, and the facts about it.",
    takes="n community need services level period",
    example="community / n: 1",
)
def _community(ask: ExhibitRequest) -> Figure:
    ask.view_needed("need", "services")
    gaps = ask.gaps()
    card = _card_of(ask, gaps)
    services = near_services(gaps, card, ask.reader)
    svg, legend, words = maps.of_community(gaps, card, services, ask.id_prefix)
    people = gaps.claims.people(card.residents)
    rows = [
        ("Residents", people and f"{card.residents:,.0f} in {wording.count_of(card.areas, gaps.level)}"),
        ("Authorities", wording.capital(card.authorities_words)),
        ("Need", f"{card.need_words}. {card.drivers}".strip()),
        ("Access", card.access_words),
        ("Across the border", card.border),
    ]
    rows += [("How sure", card.stability_words)] if card.stability_words else []
    near = [f"{s.number} {s.name}, {s.authority} ({s.distance})" for s in services[:4]]
    rows += [("Nearest services", "; ".join(near))] if near else []
    rows = [row for row in rows if row[1]]
    alt = f"{card.place}{f' has {people},' if people else ':'} {card.authorities_words}; {card.need_words}, "
    alt += f"{card.access_words}. {words}"
    return Figure(
        "map",
        card.name,
        alt,
        filters=showing.gap_filters(ask, gaps),
        svg=svg,
        legend=legend,
        legend_title="What the map shows",
        table=TableData(
            ("About the community", "What is known"), tuple((a, wording.capital(b)) for a, b in rows), (False, False)
        ),
        layers=pins(*gaps.layers),
        link=f"/communities/{quote(card.id)}?{replace(ask.selection, show='need').query_string()}",
    )


def _card_of(ask: ExhibitRequest, gaps: Gaps) -> CommunityCard:
    cards = showing.cards_of(ask, gaps)
    wanted = ask.given("community")
    if wanted:
        found = next(
            (card for card in gaps.cards if wanted in (card.id, card.name, card.place) or wanted in card.codes), None
        )
        if found is None:
            known = {card.name: card.name for card in cards[:50]}
            raise refused(f"this view has no community “{wanted}”", did_you_mean(wanted, known), "briefing-unknown")
        return found
    n = ask.rank()
    if not cards:
        raise refused("this view has no underserved community", "leave the exhibit out", "briefing-empty")
    if n > len(cards):
        what = f"there is no community {n:,}: this view has {len(cards):,}"
        raise refused(what, f"use n: 1 to {len(cards):,}", "briefing-value")
    return cards[n - 1]


@exhibit(
    "options",
    says="Options of the options page side by side: what each would change, with a map of one of them.",
    needs="a view copied from the address of the options page",
    example="options / view: need=…&services=…&options=A~Two sites:o425000-564000",
)
def _options(ask: ExhibitRequest) -> Figure:
    if not ask.view:
        raise refused("the options need a view, and there is none", f"add {ask.help.needs}", "briefing-view")
    query = query_of(ask.view)
    ask.facts.view(urlencode({name: value for name, value in query.items() if name not in OWN}, safe=",=") or "need=")
    wanted, notices = valid_options(ask.published, query, ask.reader)
    box = sandbox(ask.published, wanted, ask.reader)
    if isinstance(box, NoAnswer):
        faults = [Fault(no_stop(text), "", "choose another view", rule="briefing-view") for text in box.reasons]
        raise Refused("The options cannot be shown.", faults)
    notices = (*notices, *left_out(wanted, box.query))
    if notices:
        todo = "copy the view from the options page again"
        raise Refused(
            "The options cannot be shown.", [Fault(no_stop(text), "", todo, rule="briefing-view") for text in notices]
        )
    if not any(option.changes for option in box.query.options):
        todo = "open, close or move a site on the options page, and copy its address"
        raise refused("the view has no option that changes anything", todo, "briefing-empty")
    found, cards, option = comparison(box, ask.reader), outcomes(box, ask.reader), box.query.option
    said = [option_sentence(box, each, cards[each.key]) for each in box.query.options if each.changes]
    svg, legend, words = maps.of_option(box, ask.reader, ask.id_prefix)
    rows = [
        (row.name, *(f"{cell.words} ({cell.note})" if cell.note else cell.words for cell in row.cells))
        for row in found.groups[0].rows
    ]
    changes = [f"{each.name}: {_changes(box, each)}" for each in box.query.options if each.changes]
    note = " ".join(changes)
    return Figure(
        "map",
        f"{option.name}: what would change" if len(said) == 1 else "Options side by side",
        f"{' '.join(f'{o.name}: {text}' for o, text in zip([o for o in box.query.options if o.changes], said, strict=True))} {words}",
        filters=showing.gap_filters(ask, box.gaps),
        svg=svg,
        legend=legend,
        legend_title=f"The map shows {option.name}",
        table=TableData(("", *found.columns), tuple(rows), (False, *(True for _ in found.columns)), note),
        layers=pins(*box.gaps.layers),
        link=box.query.link(),
    )


def _changes(box, option) -> str:
    return f"{'; '.join(line.words for line in option_results.change_lines(box, option))}."


EXHIBIT_HELP = CHARTS | DECISIONS | TABLES | MAPS | AFFECTED | PICTURES
"""All of them, as the editor's reference shows them."""
