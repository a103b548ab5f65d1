"""Plugs of the options page. The state is the page's own query; ``assets/options.js`` asks for changes, the server makes them."""

from __future__ import annotations

from dash import ClientsideFunction, Input, Output, State, ctx, no_update

from dashboard import ids
from dashboard.auth.session import current_viewer
from dashboard.components.options import plan_step, shown, site_list
from dashboard.published import Published
from dashboard.question import parse_address
from dashboard.views import search as searching
from dashboard.views.options import OptionsQuery, act, valid_options


def register(app, published: Published) -> None:
    app.clientside_callback(
        ClientsideFunction("commonground_options", "draw"),
        Output(ids.OPTIONS_MODE, "data-drawn"),
        [Input(ids.OPTIONS_SCENE, "data"), Input(ids.PLAN_DATA, "data")],
        State(ids.OPTIONS_CONFIG, "data"),
    )
    app.clientside_callback(
        ClientsideFunction("commonground_options", "placeFound"),
        Output(ids.OPTIONS_PLACE, "data-found"),
        Input(ids.OPTIONS_PLACE, "value"),
        prevent_initial_call=True,
    )

    @app.callback(
        output=Output(ids.OPTIONS_STATE, "data"),
        inputs=dict(asked=Input(ids.OPTIONS_ASKED, "data"), clicks=Input(ids.PLAN_START, "n_clicks")),
        state=dict(
            state=State(ids.OPTIONS_STATE, "data"),
            plan=State(ids.PLAN_DATA, "data"),
            new=State(ids.PLAN_NEW, "value"),
            objective=State(ids.PLAN_OBJECTIVE, "value"),
            demand=State(ids.PLAN_DEMAND, "value"),
            exclude=State(ids.PLAN_EXCLUDE, "value"),
        ),
        prevent_initial_call=True,
    )
    def change(asked, clicks, state, plan, new, objective, demand, exclude):
        if ctx.triggered_id == ids.PLAN_START:
            asked = dict(do="suggest", new=new, objective=objective, demand=demand, exclude=",".join(exclude or ()))
        changed = next_state(published, state, asked, plan, current_viewer())
        return no_update if changed == state else changed

    @app.callback(
        output=dict(
            editor=Output(ids.OPTIONS_EDITOR, "children"),
            comparison=Output(ids.OPTIONS_COMPARISON, "children"),
            scene=Output(ids.OPTIONS_SCENE, "data"),
        ),
        inputs=dict(state=Input(ids.OPTIONS_STATE, "data")),
        prevent_initial_call=True,
    )
    def show(state):
        parts = shown(published, as_dict(state), current_viewer())
        return dict(editor=parts.editor, comparison=parts.comparison, scene=parts.scene)

    @app.callback(
        Output(ids.OPTIONS_SITES, "children"),
        [Input(ids.OPTIONS_STATE, "data"), Input(ids.OPTIONS_FILTER, "value")],
        prevent_initial_call=True,
    )
    def show_sites(state, text):
        return site_list(published, as_dict(state), text or "", current_viewer())

    @app.callback(Output(ids.OPTIONS_PLACE, "data"), Input(ids.OPTIONS_PLACE, "searchValue"), prevent_initial_call=True)
    def find(text):
        return searching.as_options(searching.search(published, text or "", current_viewer()))

    @app.callback(
        output=dict(
            children=Output(ids.PLAN, "children"),
            data=Output(ids.PLAN_DATA, "data"),
            off=Output(ids.PLAN_TICK, "disabled"),
        ),
        inputs=dict(
            state=Input(ids.OPTIONS_STATE, "data"),
            tick=Input(ids.PLAN_TICK, "n_intervals"),
            clicks=Input(ids.PLAN_START, "n_clicks"),
            asked=Input(ids.OPTIONS_ASKED, "data"),
        ),
        state=dict(before=State(ids.PLAN_DATA, "data")),
    )
    def plan(state, tick, clicks, asked, before):
        triggers = {each["prop_id"].split(".")[0] for each in ctx.triggered}
        step = plan_step(
            published,
            as_dict(state),
            as_dict(before),
            current_viewer(),
            cancel=ids.OPTIONS_ASKED in triggers and as_dict(asked).get("do") == "cancel-plan",
            again=ids.PLAN_START in triggers,
        )
        if step is None:
            return dict(children=no_update, data=no_update, off=no_update)
        return dict(children=step.children, data=step.data, off=not step.waiting)


def next_state(published: Published, state, asked, plan, viewer) -> dict[str, str]:
    """The query after one action; Back and Forward bring their own, for the same question."""
    query, _ = valid_options(published, as_dict(state), viewer)
    asked, places = as_dict(asked), as_dict(plan).get("places")
    if asked.get("do") == "go":
        there, _ = OptionsQuery.from_query(parse_address(str(asked.get("query") or "")))
        return OptionsQuery(query.selection, there.ask, there.options, there.chosen).to_query()
    proposed = [place for place in places if isinstance(place, dict)] if isinstance(places, list) else []
    return act(published, query, asked, proposed).to_query()


def as_dict(data) -> dict:
    """What a browser sent in place of a stored object: anything may come."""
    return data if isinstance(data, dict) else {}
