"""The public JSON API, read-only: design and meaning in ``/api/v1/openapi.json``, which is written beside the routes here."""

from __future__ import annotations

from flask import Blueprint, Response, request

from dashboard.api.answers import PRIVATE, REVALIDATE, answer, bad_parameter, json_answer, not_found
from dashboard.api.openapi import document
from dashboard.auth.session import current_viewer
from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views.area import area_profile
from dashboard.views.layers import layer_document, region_document
from dashboard.views.values import areas_document, areas_geojson, values_csv, values_document, values_geojson
from layers import LEVELS, Layer, NotFound


def blueprint(published: Published) -> Blueprint:
    routes = Blueprint("api-v1", __name__, url_prefix="/api/v1")
    region, store = published.region, published.store

    def layer_or_404(layer_id: str) -> Layer:
        try:
            return store.layer(layer_id, current_viewer())
        except NotFound:
            raise not_found("layer of that name") from None

    def cache_of(layer: Layer) -> str:
        return REVALIDATE if layer.descriptor.audience == "public" else PRIVATE

    @routes.after_request
    def open_to_other_sites(response: Response) -> Response:
        # public data may be read from any page; no credentials go with such a request
        response.headers.setdefault("Access-Control-Allow-Origin", "*")
        return response

    @routes.get("/openapi.json")
    def openapi():
        return json_answer(document(published))

    @routes.get("/region")
    def get_region():
        return json_answer(region_document(published))

    @routes.get("/layers")
    def get_layers():
        allowed("theme", "partner", "kind")
        kind = one_of("kind", ("indicator", "services"), None)
        viewer = current_viewer()
        found = store.layers(viewer, kind=kind, theme=request.args.get("theme"), partner=request.args.get("partner"))
        cache = PRIVATE if viewer.signed_in else REVALIDATE
        return json_answer({"layers": [layer_document(published, layer) for layer in found]}, cache=cache)

    @routes.get("/layers/<layer_id>")
    def get_layer(layer_id: str):
        layer = layer_or_404(layer_id)
        return json_answer(layer_document(published, layer), cache=cache_of(layer))

    @routes.get("/layers/<layer_id>/values")
    def get_values(layer_id: str):
        allowed("level", "period", "format")
        layer = layer_or_404(layer_id)
        if layer.kind != "indicator":
            raise not_found("layer of that name with values; service lists have sites")
        level = one_of("level", LEVELS, layer.levels[0] if layer.levels else "lsoa")
        form = one_of("format", ("json", "csv", "geojson"), "json")
        period = request.args.get("period") or None
        if period is not None and period not in layer.periods:
            raise bad_parameter("period", period, f"one of {', '.join(layer.periods)}")
        values = store.values(layer.id, level, current_viewer(), period=period)
        if form == "csv":
            return answer(values_csv(values), "text/csv", cache=cache_of(layer), name=f"{layer.id}-{level}.csv")
        if form == "geojson":
            document = values_geojson(published, values, current_viewer())
            return json_answer(document, cache=cache_of(layer), mimetype="application/geo+json")
        return json_answer(values_document(published, values), cache=cache_of(layer))

    @routes.get("/areas/<level>")
    def get_areas(level: str):
        allowed("format")
        if level not in LEVELS:
            raise not_found(f"level of that name; there are {', '.join(LEVELS)}")
        if one_of("format", ("json", "geojson"), "json") == "geojson":
            return json_answer(areas_geojson(published, level), mimetype="application/geo+json")
        return json_answer(areas_document(published, level))

    @routes.get("/areas/<level>/<code>")
    def get_area(level: str, code: str):
        allowed("theme")
        if region.level_of(code) != level:
            raise not_found("area of that code at that level")
        viewer = current_viewer()
        chosen = Selection.from_query({"theme": request.args.get("theme", "")})[0]
        profile = area_profile(published, code, chosen, viewer)
        cache = PRIVATE if viewer.signed_in else REVALIDATE
        return json_answer(profile.as_document(region.notice), cache=cache)

    return routes


def allowed(*names: str) -> None:
    """Refuse query parameters that the route does not know: a typing mistake must not answer with everything."""
    for name in request.args:
        if name not in names:
            raise bad_parameter(name, request.args[name], f"nothing: this address knows {', '.join(names)}")


def one_of(name: str, choices: tuple[str, ...], default: str | None) -> str | None:
    given = request.args.get(name)
    if not given:
        return default
    if given not in choices:
        raise bad_parameter(name, given, f"one of {', '.join(choices)}")
    return given
