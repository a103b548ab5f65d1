"""The explore page: the map is the page, with the question on the left and the answer on the right."""

from __future__ import annotations

from collections.abc import Mapping

import dash_leaflet as dl
from dash import dcc, html

from dashboard import ids
from dashboard.components import drawing_progress
from dashboard.components.answer import answer
from dashboard.components.area import the_area
from dashboard.components.ask import ask, controls
from dashboard.components.base_map import base_map
from dashboard.components.pieces import sheet_button
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
    return html.Div(
        [
            dcc.Store(id=ids.CONFIG, data=config(published, shapes, viewer)),
            dcc.Store(id=ids.SELECTION, data=selection.as_data()),
            dcc.Store(id=ids.HISTORY),
            dcc.Store(id=ids.PICKED_AREA),
            dcc.Store(id=ids.TOGGLED),
            dcc.Store(id=ids.SHOWN_AREA),
            dcc.Store(id=ids.SHOWN_SERVICES),
            # outside the panel, which a phone folds away
            html.H1("Explore the map", className="visually-hidden"),
            html.Section(
                [
                    notices([*dropped, *changed]),
                    questions(published) if first_visit else None,
                    ask(published, selection, viewer),
                ],
                className="panel",
                id="panel",
                **{"aria-label": "What to show"},
            ),
            the_map(published, selection, viewer),
            html.Section(
                [
                    # the map answers at once; the draws behind "how sure" take seconds for a whole country
                    html.Div(
                        [html.Span(className="working-bar", **{"aria-hidden": "true"}), "Working out the answer"],
                        id=ids.WORKING,
                        className="working",
                        role="status",
                        hidden=True,
                    ),
                    drawing_progress.block(said.waiting, said.crowded),
                    html.Div(the_area(published, selection, viewer), id=ids.AREA_PANEL),
                    html.Div(said.headline, id=ids.HEADLINE),
                    html.Div(said.legend, id=ids.LEGEND),
                    html.P(said.sentence, id=ids.SENTENCE, className="sentence"),
                    html.Div(said.top, id=ids.TOP_LIST),
                    html.Div(
                        [
                            html.Button("Open the full table", id=ids.OPEN_TABLE, type="button", className="button"),
                            html.A(
                                "Download CSV",
                                id=ids.TABLE_DOWNLOAD,
                                href=f"/data/table.csv?{selection.query_string()}",
                                className="button-quiet",
                            ),
                        ],
                        className="button-row",
                    ),
                ],
                className="results",
                id="results",
                tabIndex=-1,
                **{"aria-label": "Results"},
            ),
            html.Div(
                [
                    sheet_button("Choose", "panel", **{"aria-expanded": "true" if first_visit else "false"}),
                    sheet_button("Results", "results", **{"aria-expanded": "false"}),
                ],
                className="sheet-bar",
                role="group",
                **{"aria-label": "Show over the map"},
            ),
            table_drawer(said.table_sentence),
        ],
        className="explore",
        id="main",
    )


def config(published: Published, shapes: Shapes, viewer: Viewer) -> dict:
    """Everything that the browser needs once: what the map needs, the catalogue by which the pickers are narrowed, the pickers."""
    return map_config(published, shapes) | {"catalogue": offer.as_catalogue(published, viewer), "controls": controls()}


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


def questions(published: Published) -> html.Div:
    """First visit: what this is, in one sentence, and three questions to start from."""
    return html.Div(
        [
            html.H2("Need and services, across council borders"),
            html.P(f"The figures of {places.who(published)} on one map, so that communities which miss out show up."),
            html.H3("Start with a question"),
            html.Ul(
                [
                    html.Li(html.A(text, href=link, className="question"))
                    for text, link in places.starting_questions(published)
                ],
                className="questions",
            ),
        ],
        id=ids.QUESTIONS,
        className="intro",
    )


def the_map(published: Published, selection: Selection, viewer: Viewer) -> html.Div:
    points = dl.LayerGroup(service_points(published, selection, viewer), id=ids.SERVICE_POINTS)
    return html.Div(
        [
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
