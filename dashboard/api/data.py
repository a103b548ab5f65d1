"""Routes that feed the map: fixed shapes, classes, readings, service points, the table as CSV. Not part of the public API."""

from __future__ import annotations

from flask import Blueprint, Response, request

from dashboard.api.answers import (
    IMMUTABLE,
    PRIVATE,
    REVALIDATE,
    Memory,
    answer,
    as_json,
    not_found,
    one_shape_of_error,
)
from dashboard.api.gaps import today
from dashboard.auth.session import current_viewer
from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views.gaps import Sorry
from dashboard.views.option_files import options_csv, options_document
from dashboard.views.options import sandbox, settled
from dashboard.views.scene import Scene, classes_of, emphasis_of, is_public, readings_of, scene
from dashboard.views.shapes import Shapes
from dashboard.views.twin import twin_of
from dashboard.views.wire import services_geojson
from layers import NotFound

BINARY = "application/octet-stream"


def blueprint(published: Published, shapes: Shapes) -> Blueprint:
    routes = Blueprint("data", __name__, url_prefix="/data")
    memory = Memory()
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

    @routes.get("/table.csv")
    def table() -> Response:
        selection, shown = _scene(published)
        twin = twin_of(published, selection, shown)
        if twin is None:
            raise not_found("indicator of that name")
        return answer("\ufeff" + twin.as_csv(), "text/csv", cache=_cache(shown), name=twin.file_name)

    @routes.get("/options.csv", defaults={"form": "csv"})
    @routes.get("/options.json", defaults={"form": "json"})
    def options(form: str) -> Response:
        viewer = current_viewer()
        query, _ = settled(published, request.args, viewer)
        box = sandbox(published, query, viewer)
        if isinstance(box, Sorry):
            raise not_found("gap between this need and these services")
        cache = REVALIDATE if box.gaps.public else PRIVATE
        if form == "json":
            document = as_json(options_document(box, viewer, today()))
            return answer(document, "application/json", cache=cache, name="options.json")
        return answer("\ufeff" + options_csv(box, viewer, today()), "text/csv", cache=cache, name="options.csv")

    return routes


def _scene(published: Published, *, quick: bool = False) -> tuple[Selection, Scene]:
    selection, _ = Selection.from_query(request.args)
    return selection, scene(published, selection, current_viewer(), quick=quick)


def _cache(shown: Scene) -> str:
    return REVALIDATE if is_public(shown) else PRIVATE
