"""Which page is shown. Only the path counts: a change of the query is the page's own business."""

from __future__ import annotations

from dash import Input, Output, State, no_update

from dashboard import ids
from dashboard.question import parse_address


def register(app, page_at) -> None:
    @app.callback(
        output=dict(page=Output(ids.PAGE, "children"), route=Output(ids.ROUTE, "data")),
        inputs=dict(path=Input(ids.LOCATION, "pathname")),
        state=dict(query=State(ids.LOCATION, "search"), route=State(ids.ROUTE, "data")),
    )
    def show_page(path, query, route):
        if path is None or path == route:
            return dict(page=no_update, route=no_update)
        return dict(page=page_at(path, parse_address(query or "")), route=path)
