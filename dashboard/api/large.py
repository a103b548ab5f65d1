"""Documents of a region with so many areas that writing one takes too long for a request: a worker writes them.

Of a partnership everything is written where it is asked for. A document from a worker is compressed already, and is sent as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

import brotli

from dashboard.api import answers
from dashboard.api.answers import Body
from dashboard.auth.session import current_viewer
from dashboard.exports import FORMATS, Document, write
from dashboard.jobs import ASKER, Waiting
from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views import gap_files
from dashboard.views.draws import gap_request_of
from dashboard.views.gaps import gaps_for
from dashboard.views.together import together_for
from dashboard.views.values import areas_export, values_export
from dashboard.web import published
from layers import GapRequest, Layer, Viewer

PER_AREA_S = {
    "values": {"json": 1.1e-5, "csv": 2e-6, "geojson": 7.7e-5},
    "areas": {"geojson": 7.5e-5},  # as JSON pages read them, once for as long as the server runs
    "gaps": {"json": 6e-5, "csv": 2.4e-5, "geojson": 1.15e-4},
    "together": {"json": 2.1e-5, "csv": 1.7e-5, "geojson": 8.5e-5},
}
"""Seconds of a processor for writing and compressing a document, for each area, as measured on England."""


def is_large(kind: str, form: str, level: str) -> bool:
    """Whether a worker is to write it. Asking spends what writing it costs."""
    asker = ASKER.get()
    areas = published().region.areas
    return asker is not None and level in areas and not asker.may_afford(price_of(kind, form, len(areas[level])))


def price_of(kind: str, form: str, areas: int) -> float:
    return areas * PER_AREA_S[kind].get(form, 0.0)


def body(kind: str, form: str, level: str, key: Hashable, about: Mapping[str, Any], name: str) -> Body:
    """The document as a worker has written it. ``about``: what :data:`MAKERS` take; ``name``: of the file, where it is one.

    Whether the viewer may have it must be settled before. Raises :class:`dashboard.jobs.Waiting` and :class:`layers.Busy`.
    """
    here = published()

    def make() -> Body:
        price = price_of(kind, form, len(here.region.areas[level]))
        wanted = {"kind": kind, "form": form, "about": dict(about)}
        try:
            packed = here.jobs.answer("document", (kind, form, key), wanted, current_viewer(), price=price)
        except Waiting as waiting:
            raise Waiting(waiting.job, here.jobs.workers, "Writing this") from None
        row = FORMATS[form]
        found = Body(brotli.decompress(packed), row.media_type, f"{name}.{row.ending}" if row.saved else "")
        found.keep_compressed("br", packed)
        return found

    return answers.answers("large").get((kind, form, key), make)


def gaps_body(request: GapRequest, layers: Iterable[Layer], period: str, form: str, on: str) -> Body:
    """The answer to a gap request."""
    versions = {layer.id: layer.version for layer in layers}
    about = {"request": asdict(request), "period": period, "layers": versions, "on": on}
    return body("gaps", form, request.level, (request, period, *versions.items(), on), about, "gaps")


def together_body(selection: Selection, layers: Iterable[Layer], form: str, on: str) -> Body:
    """Alone against together for a selection."""
    versions = {layer.id: layer.version for layer in layers}
    how = {name: getattr(selection, name) for name in ("level", "max_m", "detour", "partner", "period")}
    about = {"services": selection.services, "needs": selection.needs, "how": how, "layers": versions, "on": on}
    key = (selection.services, selection.needs, *how.values(), *versions.items(), on)
    return body("together", form, selection.level, key, about, "together")


# ---- in a worker -----------------------------------------------------------------------------------------------------


def _values(here: Published, viewer: Viewer, about: Mapping[str, Any]) -> Document:
    return values_export(here, here.store.values(about["layer"], about["level"], viewer, period=about["period"]))


def _areas(here: Published, _viewer: Viewer, about: Mapping[str, Any]) -> Document:
    return areas_export(here, about["level"])


def _gaps(here: Published, viewer: Viewer, about: Mapping[str, Any]) -> Document:
    found = gaps_for(here, gap_request_of(about["request"]), viewer, period=about["period"])
    return gap_files.gaps_export(found, about["on"])


def _together(here: Published, viewer: Viewer, about: Mapping[str, Any]) -> Document:
    needs = [(name, weight) for name, weight in about["needs"]]
    found = together_for(here, about["services"], viewer, needs=needs, **about["how"])
    return gap_files.together_export(found, about["on"])


MAKERS: dict[str, Callable[[Published, Viewer, Mapping[str, Any]], Document]] = {
    "values": _values,
    "areas": _areas,
    "gaps": _gaps,
    "together": _together,
}


def work(here: Published, viewer: Viewer, parameters: Mapping[str, Any], progress, cancelled) -> bytes:
    """Everything is read again as its viewer, at the versions that were asked about; compressed as browsers take it."""
    about = parameters["about"]
    document = MAKERS[parameters["kind"]](here.at(about.get("layers", {})), viewer, about)
    return answers.compress("br", write(document, parameters["form"]))
