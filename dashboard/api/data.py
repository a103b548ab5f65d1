"""Routes that feed the map: fixed shapes, classes, readings, service points, the table as CSV. Not part of the public API."""

from __future__ import annotations

from flask import Blueprint, Response, request

from dashboard.api.answers import IMMUTABLE, PRIVATE, REVALIDATE, answer, json_answer, not_found
from dashboard.auth.session import current_viewer
from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views.choropleth import Choropleth, choropleth
from dashboard.views.shapes import Shapes
from dashboard.views.table import as_csv
from dashboard.views.wire import classes_bytes, readings_bytes, services_geojson
from layers import NotFound

BINARY = "application/octet-stream"


def blueprint(published: Published, shapes: Shapes) -> Blueprint:
    routes = Blueprint("data", __name__, url_prefix="/data")

    @routes.get("/shapes/<name>")
    def shape(name: str) -> Response:
        file = shapes.by_name(name)
        if file is None:
            raise not_found("such file")
        if "br" in request.headers.get("Accept-Encoding", ""):
            response = answer(file.compressed.read_bytes(), file.mimetype, cache=IMMUTABLE)
            response.headers["Content-Encoding"] = "br"
        else:
            response = answer(file.path.read_bytes(), file.mimetype, cache=IMMUTABLE)
        response.headers["Vary"] = "Accept-Encoding"
        return response

    @routes.get("/classes")
    def classes() -> Response:
        selection, chart = _chart(published)
        n = len(published.region.areas[selection.level])
        return answer(classes_bytes(chart, n), BINARY, cache=_cache(chart))

    @routes.get("/readings")
    def readings() -> Response:
        _, chart = _chart(published)
        if chart is None:
            raise not_found("indicator of that name")
        return answer(readings_bytes(chart), BINARY, cache=_cache(chart))

    @routes.get("/services/<layer_id>.geojson")
    def services(layer_id: str) -> Response:
        viewer = current_viewer()
        try:
            layer = published.store.layer(layer_id, viewer)
            document = services_geojson(published, layer_id, viewer)
        except NotFound:
            raise not_found("layer of that name") from None
        cache = REVALIDATE if layer.descriptor.audience == "public" else PRIVATE
        return json_answer(document, cache=cache, mimetype="application/geo+json")

    @routes.get("/table.csv")
    def table() -> Response:
        _, chart = _chart(published)
        if chart is None:
            raise not_found("indicator of that name")
        name = f"{chart.layer.id}-{chart.level}.csv"
        return answer("\ufeff" + as_csv(published, chart), "text/csv", cache=_cache(chart), name=name)

    return routes


def _chart(published: Published) -> tuple[Selection, Choropleth | None]:
    selection, _ = Selection.from_query(request.args)
    return selection, choropleth(published, selection, current_viewer())


def _cache(chart: Choropleth | None) -> str:
    return REVALIDATE if chart is None or chart.layer.descriptor.audience == "public" else PRIVATE
