"""The answer of the gap view: the rule in words, a three by three legend, underserved communities, what acting together changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from dash import html

from dashboard.components.pieces import folded, ticked, top_button
from dashboard.components.results import legend_table
from dashboard.views.banding import CROSSING, MISSING
from dashboard.views.choropleth import BandRow
from dashboard.views.claims import Claims, claims_of
from dashboard.views.gap_communities import FIRST, CommunityCard
from dashboard.views.gap_map import Painted
from dashboard.views.gap_words import notes_of, rule_sentence, summary_sentence, vanishing_sentence
from dashboard.views.gaps import Gaps, NoAnswer, across_sentence
from dashboard.views.needs import WeightedNeed, weights_sentence
from dashboard.views.overlays import Overlay, overlays
from dashboard.views.together import CAUTION, Together, together_sentence
from dashboard.views.wording import capital, count_of, counted, listing, number, sure_percent
from layers import Metric

MOST_CARDS = 40


def reasons_block(why: NoAnswer) -> list:
    return [html.H2(why.title), html.Ul([html.Li(reason) for reason in why.reasons], className="reason")]


def need_headline(made: WeightedNeed) -> list:
    return [html.H2("Need from your set of indicators"), html.P(weights_sentence(made), className="unit-line")]


def gap_headline(gaps: Gaps, show: str) -> list:
    services = " and ".join(layer.title for layer in gaps.services)
    title = (
        f"Access to {services[0].lower() + services[1:]}"
        if show == "access"
        else "Where need is high and services are far"
    )
    return [
        html.H2(title),
        html.P(rule_sentence(gaps), className="rule"),
        html.Ul([html.Li(note) for note in notes_of(gaps)], className="gap-notes") if gaps.result.notes else None,
    ]


def gap_legend(paint: Painted, show: str, metric: Metric) -> list:
    """Bands of access, the gaps beside what is near, or the three by three grid with its nine counts."""
    if show == "gap" and not paint.cells:
        colours = ["", "var(--gap-near)", "var(--gap-8)"]
        return [
            html.H3(paint.title, className="legend-title"),
            html.Ul([_key(colours, row) for row in paint.rows], className="map-keys"),
        ]
    if show == "gap":
        return [html.H3("Need against access", className="legend-title"), bivariate(paint), _others(paint)]
    k = paint.colours
    colours = [f"var(--access-{k}-{i if metric.high_is_worse else k - 1 - i})" for i in range(k)]
    return [
        html.H3(paint.title, className="legend-title"),
        legend_table(paint.rows, k, colours, f"{capital(paint.basis)}."),
    ]


def _key(colours: Sequence[str], row: BandRow) -> html.Li:
    special = {CROSSING: "swatch swatch-crossing", MISSING: "swatch swatch-missing"}
    style = {"background": colours[row.code]} if row.code < len(colours) and colours[row.code] else None
    swatch = html.Span(className=special.get(row.code, "swatch"), style=style, **{"aria-hidden": "true"})
    return html.Li([swatch, html.Span(capital(row.label)), html.Span(f"{row.count:,}", className="number")])


def overlay_switches(gaps: Gaps, chosen: tuple[str, ...], show: str, grid: bool = False) -> list:
    """What may be drawn over the map: a switch each, with how it looks, how many there are, and what it means; and whether the map
    is in ninths of need against access."""
    items = []
    if show == "gap":
        ninths = {"data-grid": "yes", "aria-checked": "true" if grid else "false"}
        items.append(html.Li(ticked("Need against access, in ninths", "switch", "overlay-switch", **ninths)))
    for overlay in overlays(gaps):
        if show != "gap" and overlay.id != "rings":
            continue
        on = overlay.id in chosen
        items.append(
            html.Li(
                [
                    ticked(
                        [overlay.title, html.Span(f" ({overlay.count:,})") if overlay.count else None],
                        "switch",
                        "overlay-switch",
                        **{"data-overlay": overlay.id, "aria-checked": "true" if on else "false"},
                    ),
                    html.Div(_overlay_lines(overlay, gaps.claims), className="overlay-lines") if on else None,
                ]
            )
        )
    # folded: the underserved communities by name come next, and are what people look for
    switches = html.Ul(items, className="overlay-switches")
    return [folded("Also draw on the map", switches, className="legend-more", open=bool(chosen) or grid)]


def _overlay_lines(overlay: Overlay, claims: Claims) -> list:
    if overlay.why_not:
        return [html.P(overlay.why_not)]
    kinds = [
        (
            line.kind,
            claims.short(
                f"{line.words}: {len(line.indices):,}, {people}" if people else f"{line.words}: {len(line.indices):,}"
            ),
        )
        for line in overlay.lines
        for people in [claims.people(line.residents)]
    ]
    kinds = kinds or [("rings", "the standard")]
    samples = [
        html.Li(
            [
                html.Span(className=f"overlay-sample {kind.replace(' ', '-')}", **{"aria-hidden": "true"}),
                capital(words),
            ]
        )
        for kind, words in kinds
    ]
    return [html.Ul(samples), html.P(overlay.words)]


def bivariate(paint: Painted, colours: Sequence[str] = tuple(f"var(--gap-{code})" for code in range(9))) -> html.Table:
    """Nine cells, worst at the top right, each with its count of areas; ``colours`` by class, worst last."""
    heads = html.Tr([html.Td(), *[html.Th(words, scope="col") for words in ("Good access", "Middling", "Poor access")]])
    body = []
    for n, words in ((2, "High need"), (1, "Middling"), (0, "Low need")):
        cells = [
            html.Td(
                f"{cell.count:,}",
                style={"background": colours[cell.code]},
                className="gap-cell corner" if cell.code == 8 else "gap-cell",
                title=f"{cell.name}: {cell.label}",
            )
            for cell in paint.cells[n]
        ]
        body.append(html.Tr([html.Th(words, scope="row"), *cells]))
    caption = html.Caption(
        f"Areas in each ninth: {paint.basis}. The loud corner: high need with poor access. "
        "Outlined on the map: underserved by the rule."
    )
    return html.Table([caption, html.Thead(heads), html.Tbody(body)], className="bivariate")


def _others(paint: Painted):
    rest = [row for row in paint.rows if row.code > 8]
    if not rest:
        return None
    how = {CROSSING: "hatched with waves"}
    said = [f"{counted(row.count, 'area')} {how.get(row.code, 'in plain grey')}: {row.label}." for row in rest]
    return html.P(" ".join(said), className="unit-line")


def gap_sentence(gaps: Gaps) -> str:
    return " ".join(part for part in (summary_sentence(gaps), vanishing_sentence(gaps)) if part)


def community_list(gaps: Gaps, query: str, only_shared: bool = False) -> list:
    """Underserved communities, a line each, those with most residents first; what is known of one unfolds. ``query`` is the
    question, for the links to their pages."""
    if not gaps.cards:
        return [html.H2("Places", className="visually-hidden"), html.P("No area in view is underserved by this rule.")]
    cards = [card for card in gaps.cards if card.shared or card.id in gaps.across or not only_shared]
    items = [_card(gaps, card, query) for card in cards[:MOST_CARDS]]
    more = len(cards) - MOST_CARDS
    count = f"{len(cards):,} of {len(gaps.cards):,}" if only_shared else f"{len(cards):,}"
    which = " shared or facing a border" if only_shared else ""
    order = ", most people first" if gaps.claims.ranks and gaps.claims.counts else ""
    sure = any(card.stability is not None for card in gaps.cards)
    return [
        html.Div(
            [
                html.H2([html.B(f"{count} {'place' if count == '1' else 'places'}"), f"{which}{order}"]),
                html.Span("People" if gaps.claims.counts else "Areas", className="number"),
                html.Abbr("Steady", title=STEADY, className="number") if sure else None,
            ],
            className="places-head",
        ),
        html.Ol(items, className="communities"),
        html.P(f"Residents are counted {gaps.claims.sample}.", className="unit-line")
        if gaps.claims.sampled and gaps.claims.counts
        else None,
        html.P(f"{more:,} more are in the table and the export.", className="unit-line") if more > 0 else None,
    ]


STEADY = "The share of the draws in which the place is underserved, when the choices behind the numbers vary"


def _where_and_how(card: CommunityCard) -> str:
    parts = [capital(part) for part in (card.authorities_words, card.need_words) if part]
    return f"{'. '.join(parts)}; {card.access_words}."


def _card(gaps: Gaps, card: CommunityCard, query: str) -> html.Li:
    """One line: number, name, whose, people, how sure; a press shows it on the map and unfolds the rest."""
    across = across_sentence(gaps, card.id)
    named = gaps.claims.ranks and card.rank <= FIRST
    whose = listing([share.name for share in card.authorities], 2)
    return html.Li(
        html.Details(
            [
                html.Summary(
                    [
                        html.Span(
                            str(card.rank) if named else "",
                            className="no" if named else "no rest",
                            **{"aria-hidden": "true"},
                        ),
                        html.Span(
                            [html.Strong(card.place), html.Small([whose, shared_mark(gaps, card)])],
                            className="place-name",
                        ),
                        html.Span(
                            number(card.residents) if gaps.claims.counts else f"{card.areas:,}", className="number"
                        ),
                        None
                        if card.stability is None
                        else html.Span(
                            [
                                html.Span(
                                    html.Span(style={"width": f"{100 * card.stability:.0f}%"}),
                                    className="sure-bar",
                                    **{"aria-hidden": "true"},
                                ),
                                sure_percent(card.stability),
                            ],
                            className="number",
                        ),
                    ],
                    className="place",
                    **{"data-area-index": str(card.indices[0]), "data-community": ",".join(map(str, card.indices))},
                ),
                html.P(_where_and_how(card)),
                html.P(card.stability_words) if card.stability_words else None,
                html.P(card.border) if card.border else None,
                html.P(across) if across else None,
                html.P(card.drivers, className="unit-line") if card.drivers else None,
                html.P(html.A(["Open the page of ", card.place], href=f"/communities/{card.id}?{query}")),
            ]
        ),
        className="community shared" if card.shared else "community",
    )


def shared_mark(gaps: Gaps, card: CommunityCard) -> html.Span | None:
    """The mark behind a community's name: shared, or close to one in another authority."""
    if card.shared:
        return html.Span("shared", className="shared-mark")
    return html.Span("faces a border", className="shared-mark close") if card.id in gaps.across else None


def together_block(found: Together | NoAnswer, alone: bool) -> list:
    """Alone or together: what changes when everybody's services count."""
    if isinstance(found, NoAnswer):
        return []
    share, claims = found.summary["residents_nearer_elsewhere"], found.claims
    where = f" residents are nearer to another authority's service{', ' if claims.sampled else ''}{claims.sample}"
    return [
        html.Div(
            [
                html.H3("Alone or together"),
                html.P([html.Strong(number(share)), where], className="big-number") if claims.counts else None,
                html.P(together_sentence(found)),
                html.P(CAUTION, className="unit-line"),
                html.P("The map now counts only services in each area's own authority.", className="reason")
                if alone
                else None,
                folded(
                    "Authority by authority",
                    html.Ul([html.Li(card.sentence) for card in found.cards], className="plain-list"),
                ),
            ],
            className="together",
        )
    ]


def top_need(made: WeightedNeed, most: int = 10) -> list:
    if not claims_of(made.layers).ranks:
        return []
    areas = made.published.region.areas[made.level]
    score = np.where(made.in_view, made.score, np.nan)
    order = [int(i) for i in np.argsort(-np.nan_to_num(score, nan=-1), kind="stable")[:most] if np.isfinite(score[i])]
    lads = made.published.region.areas["lad"].set_index("code")["name"]
    items = [
        html.Li(
            top_button(
                [areas["name"].iat[i], html.Small(lads.get(areas["lad_code"].iat[i], ""))],
                number(score[i]),
                areas["code"].iat[i],
                **{"data-area-index": str(i)},
            )
        )
        for i in order
    ]
    return [
        html.H3(["Where need is highest", html.Small(f"of 100, {count_of(len(areas), made.level)}")]),
        html.Ol(items, className="top"),
    ]
