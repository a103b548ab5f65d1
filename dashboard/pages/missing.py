"""What a page says when there is nothing at its address."""

from __future__ import annotations

from dash import dcc, html


def missing(sentence: str) -> html.Div:
    return html.Div(
        [
            html.H1("There is nothing here"),
            html.P(sentence),
            html.P(
                [
                    dcc.Link("Go to the map", href="/"),
                    " or ",
                    dcc.Link("look through the catalogue", href="/catalogue"),
                    ".",
                ]
            ),
        ],
        className="document",
        id="main",
    )
