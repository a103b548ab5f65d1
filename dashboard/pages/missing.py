"""What a page says when there is nothing at its address."""

from __future__ import annotations

from dash import html


def missing(sentence: str) -> html.Div:
    return html.Div(
        [
            html.H1("There is nothing here"),
            html.P(sentence),
            html.P(
                [
                    html.A("Go to the map", href="/"),
                    " or ",
                    html.A("look through the catalogue", href="/catalogue"),
                    ".",
                ]
            ),
        ],
        className="document",
        id="main",
    )
