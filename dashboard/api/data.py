"""Routes that feed the map: fixed shapes, classes, readings, service points, the table as CSV. Not part of the public API."""

from __future__ import annotations

from flask import Blueprint, Response, request

from dashboard.api.answers import (
    IMMUTABLE,
    PRIVATE,
    REVALIDATE,
    Answers,
    answer,
    as_json,
    body_of,
    not_found,
    one_shape_of_error,
)
from dashboard.api.gaps import today
from dashboard.auth.session import current_viewer
from dashboard.exports import formats_of
from dashboard.map_files import Shapes
from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views.gaps import Sorry
from dashboard.views.map_table import map_table
from dashboard.views.option_files import options_export
from dashboard.views.options import sandbox, settled
from dashboard.views.scene import Scene, classes_of, emphasis_of, is_public, readings_of, scene
from dashboard.views.wire import services_geojson
from layers import NotFound

BINARY = "application/octet-stream"


def blueprint(published: Published, shapes: Shapes) -> Blueprint:
    routes = Blueprint("data", __name__, url_prefix="/data")
    memory = Answers()
    one_shape_of_error(routes)

    @routes.get("/shapes/<name>")
    def shape(name: str) -> Response:
        file = shapes.by_name(name)
        if file is None:
            raise not_found("such file")
        compressed = request.accept_encodings["br"] > 0  # "br;q=0" says that it is not wanted
        response = Response(shapes.read(file, compressed=compressed), mimetype=file.mimetype)
        if compressed:
            response.headers["Content-Encoding"] = "br"
        response.headers["Cache-Control"] = IMMUTABLE
        response.headers["Vary"] = "Accept-Encoding"
        response.set_etag(file.url_name, weak=True)  # the name is the address of the content
        return response.make_conditional(request)

    @routes.get("/classes")
    def classes() -> Response:
        selection, shown = _scene(published, quick=True)
        return answer(classes_of(published, selection, shown), BINARY, cache=_cache(shown))

    @routes.get("/readings")
    def readings() -> Response:
        _, shown = _scene(published)
        body = readings_of(shown)
        if body is None:
            raise not_found("indicator of that name")
        return answer(body, BINARY, cache=_cache(shown))

    @routes.get("/gap")
    def gap() -> Response:
        selection, _ = Selection.from_query(request.args)
        # near-misses and vanishing gaps rest on the draws and on wards; without them the outlines need not wait
        whole = bool({"near", "vanish"} & set(selection.overlays))
        selection, shown = _scene(published, quick=not whole)
        return answer(as_json(emphasis_of(shown, selection, current_viewer())), "application/json", cache=_cache(shown))

    @routes.get("/services/<layer_id>.geojson")
    def services(layer_id: str) -> Response:
        viewer = current_viewer()
        try:
            layer = published.store.layer(layer_id, viewer)
        except NotFound:
            raise not_found("layer of that name") from None
        if layer.kind != "services":
            raise not_found("service list of that name")
        body = memory.body(
            ("services", layer.id, layer.version), lambda: as_json(services_geojson(published, layer, viewer))
        )
        cache = REVALIDATE if layer.descriptor.audience == "public" else PRIVATE
        return answer(body, "application/geo+json", cache=cache)

    @routes.get("/table.<form>")
    def table(form: str) -> Response:
        offered("table", form)
        selection, shown = _scene(published)
        found = map_table(published, selection, shown)
        if found is None:
            raise not_found("indicator of that name")
        return answer(body_of(found.document(), form, saved=True), cache=_cache(shown))

    @routes.get("/options.<form>")
    def options(form: str) -> Response:
        offered("options", form)
        viewer = current_viewer()
        query, _ = settled(published, request.args, viewer)
        box = sandbox(published, query, viewer)
        if isinstance(box, Sorry):
            raise not_found("gap between this need and these services")
        body = body_of(options_export(box, viewer, today()), form, saved=True)
        return answer(body, cache=REVALIDATE if box.gaps.public else PRIVATE)

    def offered(kind: str, form: str) -> None:
        if form not in formats_of(kind, in_api=True):
            raise not_found("such address")

    return routes


def _scene(published: Published, *, quick: bool = False) -> tuple[Selection, Scene]:
    selection, _ = Selection.from_query(request.args)
    return selection, scene(published, selection, current_viewer(), quick=quick)


def _cache(shown: Scene) -> str:
    return REVALIDATE if is_public(shown) else PRIVATE
