"""The public JSON API, read-only: design and meaning in ``/api/v1/openapi.json``, which is written beside the routes here."""

from __future__ import annotations

from flask import Blueprint, Response, request

from dashboard.api.answers import (
    PRIVATE,
    REVALIDATE,
    Answers,
    Body,
    answer,
    as_json,
    bad_parameter,
    body_of,
    json_answer,
    not_found,
    one_shape_of_error,
)
from dashboard.api.openapi import document
from dashboard.auth.session import current_viewer
from dashboard.exports import formats_of
from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views.area import area_profile
from dashboard.views.layers import layer_document, region_document
from dashboard.views.values import areas_export, values_export
from layers import LEVELS, Layer, NotFound


def blueprint(published: Published) -> Blueprint:
    routes = Blueprint("api-v1", __name__, url_prefix="/api/v1")
    region, store = published.region, published.store
    memory = Answers()
    themes = tuple(theme.id for theme in region.themes)
    partners = tuple(partner.id for partner in region.partners)
    one_shape_of_error(routes)

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
        if response.headers.get("Cache-Control") != PRIVATE:
            response.headers.setdefault("Access-Control-Allow-Origin", "*")
        return response

    @routes.get("/openapi.json")
    def openapi():
        allowed()
        return answer(memory.body("openapi", lambda: as_json(document(published))), "application/json")

    @routes.get("/region")
    def get_region():
        allowed()
        return json_answer(region_document(published, current_viewer()))

    @routes.get("/layers")
    def get_layers():
        allowed("theme", "partner", "kind")
        kind = one_of("kind", ("indicator", "services"), None)
        viewer = current_viewer()
        theme, partner = one_of("theme", themes, None), one_of("partner", partners, None)
        found = store.layers(viewer, kind=kind, theme=theme, partner=partner)
        body = memory.body(
            ("layers", *((layer.id, layer.version) for layer in found)),
            lambda: as_json({"layers": [layer_document(published, layer) for layer in found]}),
        )
        return answer(body, "application/json", cache=PRIVATE if viewer.signed_in else REVALIDATE)

    @routes.get("/layers/<layer_id>")
    def get_layer(layer_id: str):
        allowed()
        layer = layer_or_404(layer_id)
        return json_answer(layer_document(published, layer), cache=cache_of(layer))

    @routes.get("/layers/<layer_id>/values")
    def get_values(layer_id: str):
        allowed("level", "period", "format")
        layer = layer_or_404(layer_id)
        if layer.kind != "indicator":
            raise not_found("layer of that name with values; service lists have sites")
        level = one_of("level", LEVELS, layer.levels[0] if layer.levels else "lsoa")
        form = one_of("format", formats_of("values", in_api=True), "json")
        period = one_of("period", layer.periods, None)

        viewer = current_viewer()

        def make() -> Body:
            values = store.values(layer.id, level, viewer, period=period, version=layer.version)
            return body_of(values_export(published, values), form)

        return answer(memory.get((layer.id, layer.version, level, period, form), make), cache=cache_of(layer))

    @routes.get("/areas/<level>")
    def get_areas(level: str):
        allowed("format")
        if level not in LEVELS:
            raise not_found(f"level of that name; there are {', '.join(LEVELS)}")
        form = one_of("format", formats_of("areas", in_api=True), "json")
        body = memory.get(("areas", level, form), lambda: body_of(areas_export(published, level), form))
        return answer(body)

    @routes.get("/areas/<level>/<code>")
    def get_area(level: str, code: str):
        allowed("theme")
        if level not in LEVELS or code not in region.codes(level):
            raise not_found("area of that code at that level")
        viewer = current_viewer()
        chosen = Selection(theme=one_of("theme", themes, ""), level=level)
        profile = area_profile(published, code, chosen, viewer)
        cache = PRIVATE if viewer.signed_in else REVALIDATE
        return json_answer(profile.as_document(region.notice), cache=cache)

    return routes


def allowed(*names: str) -> None:
    """Refuse query parameters that the route does not know: a typing mistake must not answer with everything."""
    for name in request.args:
        if name not in names:
            raise bad_parameter(name, request.args[name], f"nothing: this address knows {', '.join(names) or 'none'}")


def one_of(name: str, choices: tuple[str, ...], default: str | None) -> str | None:
    given = request.args.get(name)
    if not given:
        return default
    if given not in choices:
        raise bad_parameter(name, given, f"one of {', '.join(choices)}" if choices else "nothing: there are none")
    return given
