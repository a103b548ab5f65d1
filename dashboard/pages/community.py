"""The page of one underserved community: who, where, why, how sure, what is near, what a new site would do. Ready to print."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping

from dash import html

from dashboard.components.confidence import confidence_strip
from dashboard.components.gaps import bivariate, shared_mark
from dashboard.components.shell import footer
from dashboard.drawing.palette import GAP
from dashboard.map_files import Shapes
from dashboard.pages.explore import notices
from dashboard.pages.missing import missing
from dashboard.published import Published
from dashboard.views import offer, wording
from dashboard.views.community import CommunityPage, community_page, read_query
from dashboard.views.confidence import all_cautions, rows_of_gaps
from dashboard.views.gap_map import painted
from dashboard.views.gap_words import need_name, rule_sentence
from dashboard.views.gaps import NoAnswer, across_sentence
from dashboard.views.wording import sure_percent
from layers import Viewer


def layout(
    published: Published, query: Mapping[str, str], viewer: Viewer, *, shapes: Shapes, community: str = ""
) -> html.Div:
    wanted, site, dropped = read_query(query)
    selection, changed = offer.valid_selection(published, wanted, viewer)
    if not selection.services or not selection.needs:
        return missing(
            "A community is found by a question: the link to it must name a need and services. Choose both on the map, show the "
            "gap, and open the community from its list."
        )
    found = community_page(published, selection, community, viewer, site=site)
    if found is None:
        return missing(
            f"No underserved community of this question has the id “{community[:40]}”. "
            "The data or the question has changed since the link was made; the gap view of the map lists the communities of today."
        )
    if isinstance(found, NoAnswer):
        return missing(" ".join([found.title, *found.reasons]))
    link = f"/communities/{found.card.id}?{selection.query_string()}"
    sentences = [*dropped, *changed, *([found.notice] if found.notice else [])]
    return html.Div(
        [
            notices(sentences),
            html.P("Underserved community", className="unit-line over-title"),
            html.H1([found.card.name, shared_mark(found.gaps, found.card)]),
            *_facts(found),
            html.P(
                [
                    html.A(
                        "Show on the map",
                        href=selection.link(area=found.card.codes[0]) + _at(found),
                        className="button",
                    ),
                    html.A("Try options", href=_options_link(selection), className="button-quiet"),
                ],
                className="button-row",
            ),
            html.Figure(
                [
                    html.Img(
                        src="data:image/svg+xml;base64," + b64encode(found.svg.encode()).decode(),
                        alt=found.map_words,
                        width="760",
                        height="520",
                        className="plain-map",
                    ),
                    html.Figcaption(found.map_words),
                    html.Details(
                        [html.Summary("What the colours mean"), bivariate(painted(found.gaps, "gap"), GAP["light"])],
                        className="map-colours",
                        open=True,
                    ),
                ],
                className="map-figure",
            ),
            confidence_strip(rows_of_gaps(found.gaps), all_cautions(found.gaps), html.H2),
            html.H2("Why it is underserved"),
            *_why(found),
            html.H2("Nearest services"),
            _services(found),
            html.H2("What one new site would do"),
            *_site(found, link),
            html.H2("Its areas"),
            _areas(found),
            html.H2("What this rests on"),
            html.P(rule_sentence(found.gaps)),
            html.Ul([html.Li(_layer(layer)) for layer in found.gaps.layers], className="plain-list"),
            footer(published),
        ],
        className="document community-page",
        id="main",
    )


def _at(found: CommunityPage) -> str:
    return f"&at={found.card.latitude:.4f},{found.card.longitude:.4f},12"


def _options_link(selection) -> str:
    return selection.link().replace("/?", "/options?", 1)


def _facts(found: CommunityPage) -> list:
    card, level, claims = found.card, found.gaps.level, found.gaps.claims
    facts = [
        ("Residents", claims.short(wording.counted(card.residents, "resident")) if claims.counts else ""),
        ("Where", wording.capital(card.authorities_words)),
        ("Size", wording.count_of(card.areas, level)),
        ("Need", wording.capital(card.need_words.removeprefix("need "))),
        ("Access", card.access_words),
        ("How sure", card.stability_words.rstrip(".") or "Not tested"),
        ("Rank", f"{card.rank} of {len(found.gaps.cards):,} by residents" if claims.counts and claims.ranks else ""),
    ]
    return [
        html.Dl([part for name, text in facts if text for part in (html.Dt(name), html.Dd(text))], className="facts")
    ]


def _why(found: CommunityPage) -> list:
    card = found.card
    parts = [
        f"Need here is measured by: {need_name(found.gaps)}.",
        card.drivers if len(found.gaps.needs) > 1 else "",
        f"{wording.capital(card.access_words)}.",
        card.border,
        across_sentence(found.gaps, card.id),
        card.stability_words,
    ]
    shares = [
        html.Li(
            f"{share.words}: {share.residents:,.0f} in {wording.count_of(share.areas, found.gaps.level)}"
            if found.gaps.claims.counts
            else f"{share.name}: {wording.count_of(share.areas, found.gaps.level)}"
        )
        for share in card.authorities
    ]
    return [
        *[html.P(part) for part in parts if part],
        html.Ul(shares, className="plain-list") if len(shares) > 1 else None,
    ]


def _services(found: CommunityPage):
    if not found.services:
        return html.P("There is no such service.")
    rows = [
        html.Tr(
            [
                html.Td(str(s.number), className="number"),
                html.Th(s.name, scope="row"),
                html.Td([s.authority, html.Small("another authority") if s.elsewhere else None]),
                html.Td(s.distance, className="number"),
                html.Td(f"{s.nearest_for:,.0f}" if found.gaps.claims.counts else "–", className="number"),
            ]
        )
        for s in found.services
    ]
    heads = ("On the map", "Service", "Authority", "Mean distance", "Nearest for (residents)")
    return _table(heads, rows, "Nearest services", numbers=(0, 3, 4))


def _site(found: CommunityPage, link: str) -> list:
    if found.gaps.result.model.travel is not None:
        return [html.P("This cannot be worked out with a travel-time table: it has no times to places without a site.")]
    if found.site is None:
        return [
            html.P("The place that would bring most of these residents within the standard, and what it would change."),
            html.P(html.A("Work it out", href=f"{link}&site=best#new-site", className="button")),
        ]
    return [
        html.Div([html.P(sentence) for sentence in found.site.sentences], className="together", id="new-site"),
        html.P(html.A("Open this site in the options", href=found.site.options_link, className="button")),
    ]


def _areas(found: CommunityPage):
    several = len(found.card.authorities) > 1
    rows = []
    for row in found.areas.to_dict("records"):
        sure = (
            "–"
            if row["stability"] != row["stability"]
            else ", ".join(filter(None, (row["stability_word"], sure_percent(row["stability"]))))
        )
        rows.append(
            html.Tr(
                [
                    html.Th(html.A(row["name"], href=f"/areas/{row['code']}"), scope="row"),
                    html.Td(row["authority"]) if several else None,
                    html.Td(wording.number(row["residents"]), className="number"),
                    html.Td(wording.number(row["need"]), className="number"),
                    html.Td(row["access_words"], className="number"),
                    html.Td(wording.capital(sure)),
                    html.Td(
                        f"{row['nearest_service']} ({row['nearest_authority']})" if row["nearest_service"] else "–"
                    ),
                ]
            )
        )
    heads = [
        "Area",
        *(["Authority"] if several else []),
        "Residents",
        "Need of 100",
        "Access",
        "How sure",
        "Nearest service",
    ]
    first = 2 if several else 1
    return _table(heads, rows, "Areas of the community", numbers=(first, first + 1, first + 2))


def _table(heads, rows, name: str, numbers=()) -> html.Div:
    head = html.Tr(
        [html.Th(text, scope="col", className="number" if n in numbers else None) for n, text in enumerate(heads)]
    )
    return html.Div(
        html.Table([html.Thead(head), html.Tbody(rows)]),
        className="table-scroll",
        tabIndex=0,
        role="region",
        **{"aria-label": name},
    )


def _layer(layer) -> str:
    sources = [", ".join(p for p in (s.title, s.publisher) if p) for s in layer.descriptor.sources]
    licence = wording.reuse(layer.descriptor.licence)
    return f"{layer.title}, version {layer.version}: {'; '.join(sources)}" + (f" ({licence})" if licence else "")
