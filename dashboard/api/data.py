"""Routes that feed the map: fixed shapes, classes, readings, service points, the table as CSV. Not part of the public API."""

from __future__ import annotations

from flask import Blueprint, Response, request

from dashboard.api import answers
from dashboard.api.answers import ApiError
from dashboard.api.gaps import today
from dashboard.auth.session import current_viewer
from dashboard.exports import formats_of
from dashboard.jobs import Waiting
from dashboard.selection import Selection
from dashboard.views.affected import affected_export
from dashboard.views.gaps import Gaps, NoAnswer
from dashboard.views.map_table import map_table
from dashboard.views.measuring import WHAT as MEASURING
from dashboard.views.option_files import options_export
from dashboard.views.options import sandbox, valid_options
from dashboard.views.scene import Scene, classes_of, emphasis_of, is_public, readings_of, scene
from dashboard.views.wire import services_geojson
from dashboard.web import published, shapes
from layers import NotFound

BINARY = "application/octet-stream"


def blueprint() -> Blueprint:
    routes = Blueprint("data", __name__, url_prefix="/data")
    answers.one_shape_of_error(routes)
    for address, view in ROUTES:
        routes.add_url_rule(address, view_func=view)
    return routes


def shape(name: str) -> Response:
    file = shapes().by_name(name)
    if file is None:
        raise answers.not_found("such file")
    compressed = request.accept_encodings["br"] > 0  # "br;q=0" says that it is not wanted
    response = Response(shapes().read(file, compressed=compressed), mimetype=file.mimetype)
    if compressed:
        response.headers["Content-Encoding"] = "br"
    response.headers["Cache-Control"] = answers.IMMUTABLE
    response.headers["Vary"] = "Accept-Encoding"
    response.set_etag(file.url_name, weak=True)  # the name is the address of the content
    return response.make_conditional(request)


def classes() -> Response:
    selection, shown = _scene(quick=True)
    return answers.answer(classes_of(published(), selection, shown), BINARY, cache=_cache(shown))


def readings() -> Response:
    _, shown = _scene()
    body = readings_of(shown)
    if body is None:
        raise answers.not_found("indicator of that name")
    return answers.answer(body, BINARY, cache=_cache(shown))


def gap() -> Response:
    selection, _ = Selection.from_query(request.args)
    # near-misses and vanishing gaps rest on the draws and on wards; without them the outlines need not wait
    whole = bool({"near", "vanish"} & set(selection.overlays))
    selection, shown = _scene(quick=not whole)
    return answers.answer(
        answers.as_json(emphasis_of(shown, selection, current_viewer())), "application/json", cache=_cache(shown)
    )


def services(layer_id: str) -> Response:
    here, viewer = published(), current_viewer()
    try:
        layer = here.store.layer(layer_id, viewer)
    except NotFound:
        raise answers.not_found("layer of that name") from None
    if layer.kind != "services":
        raise answers.not_found("service list of that name")
    body = answers.answers("data").body(
        ("services", layer.id, layer.version), lambda: answers.as_json(services_geojson(here, layer, viewer))
    )
    cache = answers.REVALIDATE if layer.descriptor.audience == "public" else answers.PRIVATE
    return answers.answer(body, "application/geo+json", cache=cache)


def table(form: str) -> Response:
    offered("table", form)
    selection, shown = _scene()
    if isinstance(shown, Gaps) and shown.waiting:  # a file that lacks a column would be taken for the whole answer
        raise Waiting(shown.waiting, published().jobs.workers)
    if isinstance(shown, Gaps) and shown.crowded:
        raise ApiError(503, "queue-full", shown.crowded)
    found = map_table(published(), selection, shown)
    if found is None:
        raise answers.not_found("indicator of that name")
    return answers.answer(answers.body_of(found.document(), form, saved=True), cache=_cache(shown))


def options(form: str) -> Response:
    offered("options", form)
    here, viewer = published(), current_viewer()
    query, _ = valid_options(here, request.args, viewer)
    box = sandbox(here, query, viewer)
    if isinstance(box, NoAnswer):
        raise answers.not_found("gap between this need and these services")
    body = answers.body_of(options_export(box, viewer, today()), form, saved=True)
    return answers.answer(body, cache=answers.REVALIDATE if box.gaps.public else answers.PRIVATE)


def affected(form: str) -> Response:
    if form not in formats_of("affected"):
        raise answers.not_found("such address")
    _, shown = _scene()
    if not isinstance(shown, Gaps):
        raise answers.not_found("gap between this need and these services")
    body = answers.body_of(affected_export(shown, today()), form, saved=True)
    return answers.answer(body, cache=answers.REVALIDATE if shown.public else answers.PRIVATE)


def offered(kind: str, form: str) -> None:
    if form not in formats_of(kind, in_api=True):
        raise answers.not_found("such address")


def _scene(*, quick: bool = False) -> tuple[Selection, Scene]:
    selection, _ = Selection.from_query(request.args)
    shown = scene(published(), selection, current_viewer(), quick=quick)
    if isinstance(shown, NoAnswer) and shown.waiting:  # the map asks again
        raise Waiting(shown.waiting, published().jobs.workers, MEASURING)
    return selection, shown


def _cache(shown: Scene) -> str:
    return answers.REVALIDATE if is_public(shown) else answers.PRIVATE


ROUTES = (
    ("/shapes/<name>", shape),
    ("/classes", classes),
    ("/readings", readings),
    ("/gap", gap),
    ("/services/<layer_id>.geojson", services),
    ("/table.<form>", table),
    ("/options.<form>", options),
    ("/affected.<form>", affected),
)
