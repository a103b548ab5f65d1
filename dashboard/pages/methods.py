"""How every number on the site is made, in plain English: the texts of docs/methods, and each layer's own note."""

from __future__ import annotations

from collections.abc import Mapping

from dash import dcc, html

from dashboard.components.shell import footer
from dashboard.map_files import Shapes
from dashboard.published import Published
from dashboard.views.documents import methods_texts
from dashboard.views.wording import MEASURE_WORDS, STATUS_SENTENCES, STATUS_WORDS, reuse
from layers import Viewer


def layout(published: Published, query: Mapping[str, str], viewer: Viewer, *, shapes: Shapes) -> html.Div:
    layers = published.store.layers(viewer)
    return html.Div(
        [
            html.H1("Methods"),
            html.P(
                "How the figures on this site are made, converted and banded. Where a figure is not published for exactly the "
                "area that you look at, it is marked as converted wherever it is shown."
            ),
            html.H2("What is known about a figure", id="statuses"),
            html.Dl(
                [
                    part
                    for status, words in STATUS_WORDS.items()
                    for part in (html.Dt(html.Strong(words)), html.Dd(STATUS_SENTENCES[status]))
                ]
            ),
            *[dcc.Markdown(text, className="prose") for text in methods_texts()],
            html.H2("Each layer"),
            *[_layer(layer) for layer in layers],
            footer(published),
        ],
        className="document",
        id="main",
    )


def _layer(layer) -> html.Div:
    descriptor = layer.descriptor
    kind = MEASURE_WORDS[str(descriptor.measure)] if descriptor.measure else "Service list"
    return html.Div(
        [
            html.H3(layer.title, id=f"layer-{layer.id}"),
            html.P(f"{kind}. {descriptor.unit}".strip()),
            html.P(descriptor.method) if descriptor.method else None,
            html.P(f"Please note: {descriptor.caveats}") if descriptor.caveats else None,
            html.P("Source: " + "; ".join(filter(None, (_credit(source) for source in descriptor.sources)))),
        ]
    )


def _credit(source) -> str:
    return ", ".join(part for part in (source.title, source.publisher, reuse(source.licence)) if part)
