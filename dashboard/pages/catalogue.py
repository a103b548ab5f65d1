"""Every layer: what it is, from whom, how fresh, who has supplied what for which authority, and where to download it."""

from __future__ import annotations

from collections.abc import Mapping

from dash import dcc, html

from dashboard.components.pieces import folded
from dashboard.components.shell import footer
from dashboard.map_files import Shapes
from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views.catalogue import CatalogueEntry, catalogue, supply_grid
from layers import Viewer


def layout(published: Published, query: Mapping[str, str], viewer: Viewer, *, shapes: Shapes) -> html.Div:
    entries = catalogue(published, viewer)
    text = str(query.get("q", ""))[:80]
    shown = [entry for entry in entries if entry.matches(text)]
    return html.Div(
        [
            html.H1("Catalogue"),
            html.P(f"{len(entries)} layers that you may see: indicators of need, and lists of services."),
            html.Form(
                [
                    html.Label("Search the catalogue", htmlFor="catalogue-search"),
                    dcc.Input(id="catalogue-search", name="q", value=text, type="search", className="text-input"),
                    html.Button("Search", type="submit", className="button"),
                ],
                method="get",
                action="/catalogue",
                className="search-form",
                role="search",
            ),
            html.P(f"{len(shown)} found for “{text}”.", role="status") if text else None,
            *[_entry(entry) for entry in shown],
            html.H2("Who has supplied what, for which authority"),
            _grid(published, viewer),
            footer(published),
        ],
        className="document",
        id="main",
    )


def _entry(entry: CatalogueEntry) -> html.Article:
    view = (
        Selection(need=entry.id, level=entry.first_level)
        if entry.kind == "indicator"
        else Selection(need="none", services=(entry.id,))
    )
    facts = [(name, text) for name, text in entry.facts if text]
    return html.Article(
        [
            html.H2(html.A(entry.title, href=f"/catalogue/{entry.id}"), id=entry.id),
            html.P(entry.why) if entry.why else None,
            folded(
                entry.summary,
                html.P(f"Please note: {entry.caveats}") if entry.caveats else None,
                html.Dl([part for name, text in facts for part in (html.Dt(name), html.Dd(text))]),
            ),
            html.P(
                [
                    html.A("Show on the map", href=view.link()),
                    " · ",
                    html.A("Versions and quality", href=f"/catalogue/{entry.id}#versions"),
                    *[part for label, href in entry.downloads for part in (" · ", html.A(label, href=href))],
                ]
            ),
        ],
        className="catalogue-entry",
    )


def _grid(published: Published, viewer: Viewer) -> html.Div:
    lads, rows = supply_grid(published, viewer)
    head = html.Tr([html.Th("Layer", scope="col"), *[html.Th(name, scope="col") for name in lads]])
    body = [
        html.Tr(
            [
                html.Th(title, scope="row"),
                *[
                    html.Td(words, className="hole" if share == 0 else "part" if share < 1 else "")
                    for share, words in cells
                ],
            ]
        )
        for title, cells in rows
    ]
    return html.Div(
        html.Table(
            [html.Caption("Share of each authority's areas that have a figure."), html.Thead(head), html.Tbody(body)]
        ),
        className="table-scroll supply-grid",
        tabIndex=0,
        role="region",
        **{"aria-label": "Who has supplied what"},
    )
