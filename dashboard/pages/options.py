"""The options sandbox: where the next sites help most, and what opening, closing or moving sites by hand would change."""

from __future__ import annotations

from collections.abc import Mapping

from dash import dcc, html

from dashboard import ids
from dashboard.components.base_map import base_map
from dashboard.components.options import map_key, plan_form, question, shown_of, sites, standard_words
from dashboard.components.pieces import place_picker, sheet_button
from dashboard.drawing.palette import as_config
from dashboard.map_files import Shapes
from dashboard.pages.explore import notices
from dashboard.published import Published
from dashboard.views import places
from dashboard.views.gaps import NoAnswer
from dashboard.views.option_results import sites_for_map
from dashboard.views.options import OptionsQuery, Sandbox, left_out, sandbox, valid_options
from layers import Viewer


def layout(published: Published, query: Mapping[str, str], viewer: Viewer, *, shapes: Shapes) -> html.Div:
    state, sentences = valid_options(published, query, viewer)
    box = sandbox(published, state, viewer)
    off = isinstance(box, NoAnswer)
    if not off:
        sentences = (*sentences, *left_out(state, box.query))
        state = box.query
    shown = None if off else shown_of(box, viewer)
    return html.Div(
        [
            dcc.Store(id=ids.OPTIONS_CONFIG, data=config(published, shapes, state, box)),
            dcc.Store(id=ids.OPTIONS_STATE, data=state.to_query()),
            dcc.Store(id=ids.OPTIONS_ASKED),
            dcc.Store(id=ids.OPTIONS_SCENE, data=shown.scene if shown else None),
            dcc.Store(id=ids.PLAN_DATA),
            dcc.Interval(id=ids.PLAN_TICK, interval=400, disabled=True),
            html.H1("Try options", className="visually-hidden"),  # outside the panel, which a phone folds away
            html.Section(
                [
                    notices(list(sentences)),
                    html.H2("Try options"),
                    *question(state, box),
                    html.H2("Suggest sites"),
                    plan_form(published, state.ask, limit_words=standard_words(box), off=off),
                    html.Div(id=ids.PLAN, className="plan"),
                    html.H2("Your options"),
                    html.Div(shown.editor if shown else [], id=ids.OPTIONS_EDITOR),
                    html.Div(
                        [
                            place_picker(
                                ids.OPTIONS_PLACE, "Open a site at a postcode, place or area", disabled=off
                            ),
                            html.Button(
                                "Open a site on the map",
                                type="button",
                                className="button-quiet",
                                disabled=off,
                                **{"data-option-do": "open-mode", "aria-pressed": "false"},
                            ),
                        ],
                        className="ask",
                    ),
                    html.H3("Sites of today: untick to close"),
                    html.Div(
                        [
                            html.Label("Find a site", htmlFor=ids.OPTIONS_FILTER),
                            dcc.Input(
                                id=ids.OPTIONS_FILTER, type="search", debounce=0.25, className="text-input",
                                autoComplete="off",
                            ),
                        ],
                        className="option-name",
                    ),
                    html.Div([] if off else sites(box), id=ids.OPTIONS_SITES),
                ],
                className="panel",
                id="panel",
                **{"aria-label": "Options"},
            ),
            html.Div([the_map(published), map_key()], className="options-map"),
            html.Section(
                html.Div(shown.comparison if shown else [], id=ids.OPTIONS_COMPARISON),
                className="results",
                id="results",
                tabIndex=-1,
                **{"aria-label": "Comparison"},
            ),
            html.Div(
                [sheet_button("Options", "panel"), sheet_button("Compare", "results")],
                className="sheet-bar",
                role="group",
                **{"aria-label": "Show over the map"},
            ),
        ],
        className="explore options",
        id="main",
    )  # fmt: skip


def the_map(published: Published) -> html.Div:
    return html.Div(
        [
            base_map(published, ids.OPTIONS_MAP, [], places.start_view(published)),
            html.Div(id=ids.OPTIONS_MODE, className="map-mode", role="status"),
            html.Div(id=ids.OPTIONS_READING, className="reading", **{"aria-live": "polite"}),
        ],
        className="map-frame",
        role="region",
        **{"aria-label": "Map. Everything that can be done on it can be done with the lists before it."},
    )


def config(published: Published, shapes: Shapes, state: OptionsQuery, box: Sandbox | NoAnswer) -> dict:
    """What the browser needs once for a question: addresses, palette, bounds, the sites of today."""
    region, level = published.region, state.selection.level
    query = state.selection.classes_query()
    off = isinstance(box, NoAnswer)
    return {
        "outlines": f"/data/shapes/{shapes.outlines(level).url_name}",
        "authorities": f"/data/shapes/{shapes.outlines('lad').url_name}",
        "names": f"/data/shapes/{shapes.names(level).url_name}",
        "context": f"/data/shapes/{shapes.outlines('context').url_name}" if region.context is not None else "",
        "labels": f"/data/shapes/{shapes.labels().url_name}",
        "classes": "" if off else f"/data/classes?{query}",
        "readings": "" if off else f"/data/readings?{query}",
        "palette": as_config(),
        "bounds": places.bounds(published).get(state.selection.partner) or places.bounds(published)[""],
        "sites": [] if off else sites_for_map(box),
    }
