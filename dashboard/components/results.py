"""The answer beside the map: headline, legend with histogram, and the areas where it is worst."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from dash import html

from dashboard.components.pieces import folded, top_button
from dashboard.published import Published
from dashboard.views import wording
from dashboard.views.authority_shares import AuthorityShare
from dashboard.views.banding import CROSSING, MISSING, SUPPRESSED
from dashboard.views.choropleth import BandRow, Choropleth
from dashboard.views.places import names
from dashboard.views.wording import counted

TOP = 10
EQUAL = 2
"""Bands whose counts differ by no more are bands of equal numbers."""


def headline(chart: Choropleth | None, published: Published) -> list:
    if chart is None:
        return [html.H2("Services only"), html.P("Choose an indicator to see need beneath the services.")]
    descriptor = chart.layer.descriptor
    facts = [
        ("Unit", descriptor.unit),
        ("Period", chart.period),
        ("Direction", _direction(descriptor.direction)),
        ("Bands", chart.basis),
        ("Supplied by", _partner_name(published, descriptor.partner)),
        ("Source", [_source(source) for source in descriptor.sources]),
        ("Licence", wording.reuse(descriptor.licence)),
        ("Next update", descriptor.next_update),
        ("Version", f"{chart.layer.version}, published {str(chart.layer.published_at)[:10]}"),
    ]
    return [
        html.H2(chart.layer.title),
        html.P(
            ", ".join(part for part in (descriptor.unit, chart.period) if part),
            className="unit-line",
        ),
        html.P("Made-up figures for demonstration.", className="synthetic") if descriptor.synthetic else None,
        html.P(chart.reason, className="reason") if chart.reason else None,
        folded(
            "What this is, and what it is not",
            html.P(descriptor.why_it_matters) if descriptor.why_it_matters else None,
            html.P(descriptor.description) if descriptor.description else None,
            html.P(["Please note: ", descriptor.caveats]) if descriptor.caveats else None,
            html.P(descriptor.method) if descriptor.method else None,
            html.Dl([part for name, text in facts if text for part in (html.Dt(name), html.Dd(text))]),
        ),
    ]


def legend(chart: Choropleth | None) -> list:
    """Band, colour, limits and count, with a bar for the count, above a histogram of the values."""
    if chart is None or not chart.rows:
        return []
    k = len(chart.bands)
    caption = f"{wording.capital(chart.basis)}; {_method(chart)}."
    return [
        html.H3(f"Legend: {chart.unit or chart.layer.title}", className="legend-title"),
        histogram(chart),
        legend_table(chart.rows, k, [f"var(--need-{k}-{i})" for i in range(k)], caption),
    ]


def legend_table(rows: Sequence[BandRow], bands: int, colours: Sequence[str], caption: str) -> html.Table:
    """Bands from worst to best with colour, limits and count, then what is not banded."""
    most = max(row.count for row in rows) or 1
    banded = [row.count for row in rows[:bands]]
    if banded and max(banded) - min(banded) <= EQUAL and len(rows) == bands:
        most = 0  # as many areas in each: bars would say nothing
    lines = [_legend_row(colours[row.code], "swatch", row, most) for row in reversed(rows[:bands])]
    special = {
        SUPPRESSED: "swatch swatch-suppressed",
        MISSING: "swatch swatch-missing",
        CROSSING: "swatch swatch-crossing",
    }
    lines += [_legend_row("", special[row.code], row, most) for row in rows[bands:]]
    colour = html.Th(html.Span("Colour", className="visually-hidden"))
    head = html.Tr([colour, html.Th("From and to"), html.Th("Areas", className="number")])
    return html.Table([html.Caption(caption), html.Thead(head), html.Tbody(lines)], className="legend-table")


def histogram(chart: Choropleth) -> html.Div:
    counts, edges = chart.histogram
    if len(counts) < 2:
        return html.Div()
    tallest = max(counts) or 1
    middles = [(a + b) / 2 for a, b in pairwise(edges)]
    codes = chart.bands.classify(np.array(middles))
    k = len(chart.bands)
    bars = [
        html.Span(
            style={
                "height": f"{max(100 * n / tallest, 2 if n else 0):.1f}%",
                "background": f"var(--need-{k}-{min(int(c), k - 1)})",
            }
        )
        for n, c in zip(counts, codes, strict=True)
    ]
    text = f"Histogram of {counted(sum(counts), 'area')} from {chart.value_text(edges[0])} to {chart.value_text(edges[-1])}."
    return html.Div(
        [
            html.Div(bars, className="histogram", role="img", **{"aria-label": text}),
            html.Div(
                [
                    html.Span(wording.number(edges[0], chart.decimals)),
                    html.Span(wording.number(edges[-1], chart.decimals)),
                ],
                className="histogram-ends",
                **{"aria-hidden": "true"},
            ),
        ]
    )


def top_list(chart: Choropleth | None, published: Published) -> list:
    """The areas where it is worst, each a button that opens it."""
    if chart is None or not np.isfinite(chart.rank).any():
        return []
    areas = published.region.areas[chart.level]
    lads = names(published, "lad")
    order = np.argsort(np.where(np.isfinite(chart.rank), chart.rank, np.inf), kind="stable")[:TOP]
    order = [int(i) for i in order if np.isfinite(chart.rank[i])]
    neutral = str(chart.layer.descriptor.direction) == "neutral"
    items = []
    for i in order:
        lad = lads.get(areas["lad_code"].iat[i], "")
        name = areas["name"].iat[i]
        named = [name, html.Small(lad) if lad != name else None]
        value = wording.short_unit(chart.frame["value"].iat[i], chart.unit, chart.decimals)
        items.append(html.Li(top_button(named, value, areas["code"].iat[i], **{"data-area-index": str(i)})))
    title = "Highest" if neutral else "Where it is worst"
    return [html.H3([title, html.Small(chart.unit)]), html.Ol(items, className="top")]


def shares_table(shares: Sequence[AuthorityShare], title: str, hue: str) -> list:
    """A bar and the people of each authority, the largest share first. ``hue``: need or access."""
    if len(shares) < 2:
        return []
    rows = [
        html.Tr(
            [
                html.Th(each.name, scope="row"),
                html.Td(
                    html.Span(
                        html.Span(className=f"share-bar {hue}", style={"width": f"{100 * each.share:.1f}%"}),
                        className="share-track",
                        **{"aria-hidden": "true"},
                    )
                ),
                html.Td(wording.percent(each.share), className="number"),
                html.Td(wording.number(each.people), className="number"),
            ]
        )
        for each in shares
    ]
    empty = html.Td("")
    head = html.Tr([html.Th(title), empty, html.Th("Share", className="number"), html.Th("People", className="number")])
    return [html.Table([html.Thead(head), html.Tbody(rows)], className="shares")]


def _legend_row(colour: str, swatch: str, row, most: int) -> html.Tr:
    style = {"background": colour} if colour else None
    return html.Tr(
        [
            html.Td([html.Span(className=swatch, style=style), html.Span(row.name, className="visually-hidden")]),
            html.Td(row.label),
            html.Td(
                [
                    html.Span(
                        html.Span(className="count-bar", style={"width": f"{100 * row.count / most:.0f}%"}),
                        className="legend-bar",
                    )
                    if most
                    else None,
                    html.Span(f"{row.count:,}", className="count"),
                ],
                className="number",
            ),
        ]
    )


def _method(chart: Choropleth) -> str:
    return f"{len(chart.bands)} bands" if len(chart.bands) != 1 else "one band, all values are equal"


def _direction(direction) -> str:
    return {
        "high-is-worse": "Higher is worse",
        "low-is-worse": "Lower is worse",
        "neutral": "Neither high nor low is worse",
    }[str(direction)]


def _partner_name(published: Published, partner_id: str) -> str:
    partner = published.region.partner(partner_id)
    return partner.name if partner else partner_id


def _source(source):
    text = ", ".join(part for part in (source.title, source.publisher, source.attribution) if part)
    if source.url.startswith(("https://", "http://")):
        return html.Div(html.A(text, href=source.url, rel="noopener"))
    return html.Div(text)
