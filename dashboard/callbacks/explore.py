"""Plugs of the explore page. The browser's one writer of the selection is ``assets/selection.js``; the server answers it."""

from __future__ import annotations

from dash import ClientsideFunction, Input, Output, State, ctx, no_update

from dashboard import ids
from dashboard.auth.session import current_viewer
from dashboard.components import drawing_progress
from dashboard.components.answer import answer
from dashboard.components.area import the_area
from dashboard.components.ask import PICKERS, TERMS, struck
from dashboard.components.services import service_points
from dashboard.components.table import table_columns, table_grid
from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views import search as searching
from dashboard.views.levels import struck_levels
from dashboard.views.map_table import heads_of, rows_for_grid
from dashboard.views.question_words import chip_words
from dashboard.views.scene import scene

EVENTS = (
    (ids.HISTORY, "data"),
    (ids.PICKED_AREA, "data"),
    (ids.WEIGHTS, "data"),
    (ids.TOGGLED, "data"),
    (ids.SHOW_ALL, "n_clicks"),
)
"""What changes the selection besides the controls."""

FOLLOWS = (
    (ids.SELECTION, "data"),
    (ids.GAP_OPTIONS, "hidden"),
    (ids.REMAINING, "children"),
    (ids.SHOW_ALL, "hidden"),
    (ids.TABLE_DOWNLOAD, "href"),
    (ids.SHOWN_AREA, "data"),
    (ids.SHOWN_SERVICES, "data"),
)
"""What follows from a selection besides the controls."""


def register(app, published: Published) -> None:
    follow_draws(app, published)
    # the writer finds each of them by id and property, so their order means nothing
    controls = [(picker.id, picker.prop) for picker in PICKERS]
    renewed = [(picker.id, "data") for picker in PICKERS if picker.renewed]
    refused = [(picker.id, "error") for picker in PICKERS if picker.way == "amount"]
    hidden = [(ids.box(picker.id), "hidden") for picker in PICKERS if picker.hidden]
    app.clientside_callback(
        ClientsideFunction("commonground_selection", "write"),
        [Output(*each) for each in (*controls, *renewed, *refused, *hidden, *FOLLOWS)],
        [Input(*each) for each in (*controls, *EVENTS)],
        [State(ids.CONFIG, "data"), State(ids.SELECTION, "data")],
    )
    app.clientside_callback(
        ClientsideFunction("commonground_table", "refresh"),
        Output(ids.TABLE_DRAWER, "data-refreshed"),
        Input(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("commonground_explore", "goTo"),
        Output(ids.SEARCH, "data-found"),
        Input(ids.SEARCH, "value"),
        prevent_initial_call=True,
    )

    @app.callback(
        output=dict(
            said=Output(ids.ANSWER, "children"),
            trust=Output(ids.TRUST, "children"),
            steps=Output(ids.STEPS, "children"),
            chips={part: Output(ids.chip(part), "children") for part in TERMS},
            headline=Output(ids.HEADLINE, "children"),
            legend=Output(ids.LEGEND, "children"),
            sentence=Output(ids.SENTENCE, "children"),
            table_sentence=Output(ids.TABLE_SENTENCE, "children"),
            top=Output(ids.TOP_LIST, "children"),
            levels=Output(ids.STRUCK, "children"),
        ),
        inputs=dict(data=Input(ids.SELECTION, "data")),
        running=[(Output(ids.WORKING, "hidden"), False, True)],
        prevent_initial_call=True,
    )
    def show_results(data):
        selection, viewer = Selection.from_data(data), current_viewer()
        said = answer(published, selection, viewer)
        return dict(
            said=said.said,
            trust=said.trust,
            steps=said.steps,
            chips=chip_words(published, selection, viewer),
            headline=said.headline,
            legend=said.legend,
            sentence=said.sentence,
            table_sentence=said.table_sentence,
            top=said.top,
            levels=struck(struck_levels(published, selection, viewer)),
        )

    @app.callback(Output(ids.AREA_PANEL, "children"), Input(ids.SHOWN_AREA, "data"), prevent_initial_call=True)
    def show_area(data):
        selection = Selection.from_data(data)
        return the_area(published, selection, current_viewer())

    @app.callback(
        Output(ids.TABLE_BODY, "children"),
        Input(ids.TABLE_WANTED, "data"),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )
    def open_table(wanted, data):
        selection = Selection.from_data(data)
        return table_grid(heads_of(published, selection, scene(published, selection, current_viewer())))

    @app.callback(Output(ids.TABLE, "columnDefs"), Input(ids.SELECTION, "data"), prevent_initial_call=True)
    def show_heads(data):
        selection = Selection.from_data(data)
        return table_columns(heads_of(published, selection, scene(published, selection, current_viewer())))

    @app.callback(Output(ids.SERVICE_POINTS, "children"), Input(ids.SHOWN_SERVICES, "data"), prevent_initial_call=True)
    def show_services(data):
        return service_points(published, Selection.from_data(data), current_viewer())

    @app.callback(Output(ids.SEARCH, "data"), Input(ids.SEARCH, "searchValue"), prevent_initial_call=True)
    def find(text):
        return searching.as_options(searching.search(published, text or "", current_viewer()))

    @app.callback(
        Output(ids.TABLE, "getRowsResponse"),
        Input(ids.TABLE, "getRowsRequest"),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )
    def table_rows(request, data):
        return rows_for_grid(published, Selection.from_data(data), current_viewer(), request)


def follow_draws(app, published: Published) -> None:
    """How far the draws behind "how sure" are, while they are made by a worker."""
    app.clientside_callback(
        ClientsideFunction("commonground_explore", "drawn"),
        Output(ids.DRAWING, "data-drawn"),
        Input(ids.DRAWN, "data"),
        prevent_initial_call=True,
    )

    @app.callback(
        output=dict(
            hidden=Output(ids.DRAWING, "hidden"),
            words=Output(ids.DRAWING_WORDS, "children"),
            share=Output(ids.DRAWING_BAR, "value"),
            off=Output(ids.DRAWING_TICK, "disabled"),
            ended=Output(ids.DRAWING_STOP, "hidden"),
            drawn=Output(ids.DRAWN, "data"),
            job=Output(ids.DRAWING_JOB, "data"),
        ),
        inputs=dict(
            data=Input(ids.SELECTION, "data"),
            tick=Input(ids.DRAWING_TICK, "n_intervals"),
            stop=Input(ids.DRAWING_STOP, "n_clicks"),
        ),
        state=dict(job=State(ids.DRAWING_JOB, "data")),
        prevent_initial_call=True,
    )
    def follow_drawing(data, tick, stop, job):
        viewer, trigger = current_viewer(), ctx.triggered_id
        if trigger == ids.SELECTION:
            job = drawing_progress.of_selection(published, Selection.from_data(data), viewer)
        now = drawing_progress.step(published, job, viewer, stop=trigger == ids.DRAWING_STOP)
        return dict(
            hidden=not now.words,
            words=now.words,
            share=None if now.share is None else str(round(100 * now.share)),
            off=now.over,
            ended=now.over,
            drawn=now.drawn or no_update,
            job=job if trigger == ids.SELECTION else no_update,
        )
