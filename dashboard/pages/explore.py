"""The explore page: the answer above everything, the question over the map, the places beside it."""

from __future__ import annotations

from collections.abc import Mapping

import dash_leaflet as dl
from dash import dcc, html

from dashboard import ids
from dashboard.components import drawing_progress
from dashboard.components.answer import answer
from dashboard.components.area import the_area
from dashboard.components.ask import NO_BANDS, actions, ask, controls
from dashboard.components.base_map import base_map
from dashboard.components.services import service_points
from dashboard.components.table import TABLE_SCRIPT
from dashboard.drawing.palette import as_config
from dashboard.map_files import Shapes
from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views import offer, places
from layers import METRICS, Viewer


def layout(published: Published, query: Mapping[str, str], viewer: Viewer, *, shapes: Shapes) -> html.Div:
    wanted, dropped = Selection.from_query(query)
    selection, changed = offer.valid_selection(published, wanted, viewer)
    said = answer(published, selection, viewer)
    first_visit = not query
    starters = questions(published, open=first_visit)
    return html.Div(
        [
            dcc.Store(id=ids.CONFIG, data=config(published, shapes, viewer)),
            dcc.Store(id=ids.SELECTION, data=selection.as_data()),
            dcc.Store(id=ids.HISTORY),
            dcc.Store(id=ids.PICKED_AREA),
            dcc.Store(id=ids.TOGGLED),
            dcc.Store(id=ids.SHOWN_AREA),
            dcc.Store(id=ids.SHOWN_SERVICES),
            html.Section(
                [
                    notices([*dropped, *changed]),
                    html.Div(said.said, id=ids.ANSWER, **{"aria-live": "polite"}),
                ],
                className="answer-bar",
                **{"aria-label": "Answer"},
            ),
            html.Div(said.trust, id=ids.TRUST, className="trust-side"),
            html.Nav(said.steps, id=ids.STEPS, className="steps", **{"aria-label": "Views of this question"}),
            starters if first_visit else None,
            html.Div(
                [
                    the_map(
                        published,
                        selection,
                        viewer,
                        html.Section(
                            ask(published, selection, viewer),
                            className="question-bar",
                            id="panel",
                            **{"aria-label": "The question"},
                        ),
                    ),
                    html.Div(
                        said.legend,
                        id=ids.LEGEND,
                        className="map-legend",
                        role="region",
                        tabIndex=0,  # it scrolls where the map is small
                        **{"aria-label": "Legend of the map"},
                    ),
                ],
                className="map-side",
            ),
            html.Section(
                [
                    html.Div(
                        [
                            # the map answers at once; the draws behind "how sure" take seconds for a whole country
                            html.Div(
                                [
                                    html.Span(className="working-bar", **{"aria-hidden": "true"}),
                                    "Working out the answer",
                                ],
                                id=ids.WORKING,
                                className="working",
                                role="status",
                                hidden=True,
                            ),
                            drawing_progress.block(said.waiting, said.crowded),
                            html.Div(the_area(published, selection, viewer), id=ids.AREA_PANEL),
                            html.Div(said.top, id=ids.TOP_LIST),
                            html.Div(said.headline, id=ids.HEADLINE),
                            html.P(said.sentence, id=ids.SENTENCE, className="sentence"),
                            None if first_visit else starters,
                        ],
                        className="results-body",
                    ),
                    html.Div(
                        [
                            html.Button("All areas as a table", id=ids.OPEN_TABLE, type="button", className="button"),
                            html.A(
                                "CSV",
                                id=ids.TABLE_DOWNLOAD,
                                href=f"/data/table.csv?{selection.query_string()}",
                                className="button-quiet",
                            ),
                            *actions(viewer),
                        ],
                        className="results-foot",
                    ),
                ],
                className="results-side",
                id="results",
                tabIndex=-1,
                **{"aria-label": "Results"},
            ),
            table_drawer(said.table_sentence),
        ],
        className="answering",
        id="main",
    )


def config(published: Published, shapes: Shapes, viewer: Viewer) -> dict:
    """Everything that the browser needs once: what the map needs, the catalogue by which the pickers are narrowed, the pickers."""
    return (
        map_config(published, shapes)
        | {"catalogue": offer.as_catalogue(published, viewer), "controls": controls()}
        | {"noBands": NO_BANDS}
    )


def map_config(published: Published, shapes: Shapes) -> dict:
    """What the map needs: addresses of the shapes and of the table's script, palette, bounds."""
    region = published.region
    return {
        "region": region.id,
        "outlines": {level: f"/data/shapes/{shapes.outlines(level).url_name}" for level in region.areas},
        "names": {level: f"/data/shapes/{shapes.names(level).url_name}" for level in region.areas},
        "context": f"/data/shapes/{shapes.outlines('context').url_name}" if region.context is not None else "",
        "labels": f"/data/shapes/{shapes.labels().url_name}",
        "palette": as_config(),
        "metrics": {metric.id: {"high_is_worse": metric.high_is_worse} for metric in METRICS.values()},
        "bounds": places.bounds(published),
        "tableScript": TABLE_SCRIPT,
    }


def notices(sentences: list[str]) -> html.Div:
    """What a link asked for that could not be given."""
    return html.Div(
        [html.P(text) for text in sentences],
        id=ids.NOTICES,
        className="notices" if sentences else "notices empty",
        role="status",
    )


def questions(published: Published, *, open: bool) -> html.Details:
    """What this is, in one sentence, and questions to start from: open on the first visit, at hand from then on."""
    return html.Details(
        [
            html.Summary("Start with a question" if open else "Start with another question"),
            html.P(
                f"The figures of {places.who(published)} on one map, across council borders, so that communities which miss out "
                "show up."
            ),
            html.Ul(
                [
                    html.Li(html.A(text, href=link, className="question"))
                    for text, link in places.starting_questions(published)
                ],
                className="questions",
            ),
        ],
        id=ids.QUESTIONS,
        className="starters first" if open else "starters",
        open=open,
    )


def the_map(published: Published, selection: Selection, viewer: Viewer, question: html.Section) -> html.Div:
    points = dl.LayerGroup(service_points(published, selection, viewer), id=ids.SERVICE_POINTS)
    return html.Div(
        [
            question,
            base_map(published, ids.MAP, [points], selection.at or places.start_view(published)),
            html.Div(id=ids.READING, className="reading", **{"aria-live": "polite"}),
            html.Div(id="map-loading", className="map-loading", **{"aria-hidden": "true"}),
        ],
        className="map-frame",
        role="region",
        **{"aria-label": "Map. The same areas and figures are in the table after the map."},
    )


def table_drawer(words: str) -> html.Section:
    return html.Section(
        [
            html.Div(
                [
                    html.H2("All areas"),
                    html.Button("Close the table", id=ids.CLOSE_TABLE, type="button", className="button-quiet"),
                ],
                className="drawer-head",
            ),
            # on a phone it scrolls
            html.P(words, id=ids.TABLE_SENTENCE, className="sentence", tabIndex=0),
            html.Div(className="drawer-body", id=ids.TABLE_BODY),
            dcc.Store(id=ids.TABLE_WANTED),
        ],
        id=ids.TABLE_DRAWER,
        className="table-drawer",
        hidden=True,
        **{"aria-label": "Table of all areas"},
    )
