"""The public JSON API, read-only: design and meaning in ``/api/v1/openapi.json``, which is written beside the routes here."""

from __future__ import annotations

from flask import Blueprint, Response

from dashboard.api import answers, large
from dashboard.api.answers import Body
from dashboard.api.openapi import document
from dashboard.api.parameters import allowed, one_of
from dashboard.auth.session import current_viewer
from dashboard.exports import formats_of
from dashboard.selection import Selection
from dashboard.views.area import area_profile
from dashboard.views.cautions import today
from dashboard.views.homes import home_document
from dashboard.views.layers import layer_document, region_document
from dashboard.views.values import areas_export, values_export
from dashboard.web import published
from layers import LEVELS, Layer, NotFound


def blueprint() -> Blueprint:
    routes = Blueprint("api-v1", __name__, url_prefix="/api/v1")
    answers.one_shape_of_error(routes)
    routes.after_request(answers.open_to_other_sites)
    for address, view in ROUTES:
        routes.add_url_rule(address, view_func=view)
    return routes


def openapi() -> Response:
    allowed()
    return answers.json_answer(document(published()))


def region() -> Response:
    allowed()
    return answers.json_answer(region_document(published(), current_viewer()))


def layers() -> Response:
    allowed("theme", "partner", "kind")
    here, viewer = published(), current_viewer()
    kind = one_of("kind", ("indicator", "services"), None)
    theme = one_of("theme", tuple(theme.id for theme in here.region.themes), None)
    partner = one_of("partner", tuple(partner.id for partner in here.region.partners), None)
    found = here.store.layers(viewer, kind=kind, theme=theme, partner=partner)
    body = answers.answers("api").body(
        ("layers", *((layer.id, layer.version) for layer in found)),
        lambda: answers.as_json({"layers": [layer_document(here, layer) for layer in found]}),
    )
    return answers.answer(body, "application/json", cache=answers.PRIVATE if viewer.signed_in else answers.REVALIDATE)


def layer(layer_id: str) -> Response:
    allowed()
    found = layer_or_404(layer_id)
    return answers.json_answer(layer_document(published(), found), cache=cache_of(found))


def values(layer_id: str) -> Response:
    allowed("level", "period", "format")
    found, here, viewer = layer_or_404(layer_id), published(), current_viewer()
    if found.kind != "indicator":
        raise answers.not_found("layer of that name with values; service lists have sites")
    level = one_of("level", LEVELS, found.levels[0] if found.levels else "lsoa")
    form = one_of("format", formats_of("values", in_api=True), "json")
    period = one_of("period", found.periods, None)

    if large.is_large("values", form, level):
        about = {"layer": found.id, "level": level, "period": period, "layers": {found.id: found.version}}
        key = (found.id, found.version, level, period, str(today()))
        return answers.answer(
            large.body("values", form, level, key, about, f"{found.id}-{level}"), cache=cache_of(found)
        )

    def make() -> Body:
        table = here.store.values(found.id, level, viewer, period=period, version=found.version)
        return answers.body_of(values_export(here, table), form)

    key = (
        "values",
        found.id,
        found.version,
        level,
        period,
        form,
        str(today()),
    )  # a figure grows old: its cautions change
    body = answers.answers("api").get(key, make)
    return answers.answer(body, cache=cache_of(found))


def areas(level: str) -> Response:
    allowed("format")
    if level not in LEVELS:
        raise answers.not_found(f"level of that name; there are {', '.join(LEVELS)}")
    form, here = one_of("format", formats_of("areas", in_api=True), "json"), published()
    if large.is_large("areas", form, level):
        return answers.answer(large.body("areas", form, level, level, {"level": level}, level))
    return answers.answer(
        answers.answers("api").get(("areas", level, form), lambda: answers.body_of(areas_export(here, level), form))
    )


def area(level: str, code: str) -> Response:
    allowed("theme")
    here, viewer = published(), current_viewer()
    if level not in LEVELS or code not in here.region.codes(level):
        raise answers.not_found("area of that code at that level")
    theme = one_of("theme", tuple(theme.id for theme in here.region.themes), "")
    profile = area_profile(here, code, Selection(theme=theme, level=level), viewer)
    cache = answers.PRIVATE if viewer.signed_in else answers.REVALIDATE
    return answers.json_answer(profile.as_document(here.region.notice), cache=cache)


def postcode(postcode: str) -> Response:
    allowed()
    document = home_document(published(), postcode)
    if document is None:
        raise answers.not_found("such postcode in this region")
    return answers.json_answer(document)


def layer_or_404(layer_id: str) -> Layer:
    try:
        return published().store.layer(layer_id, current_viewer())
    except NotFound:
        raise answers.not_found("layer of that name") from None


def cache_of(found: Layer) -> str:
    return answers.REVALIDATE if found.descriptor.audience == "public" else answers.PRIVATE


ROUTES = (
    ("/openapi.json", openapi),
    ("/region", region),
    ("/layers", layers),
    ("/layers/<layer_id>", layer),
    ("/layers/<layer_id>/values", values),
    ("/areas/<level>", areas),
    ("/areas/<level>/<code>", area),
    ("/postcodes/<postcode>", postcode),
)
