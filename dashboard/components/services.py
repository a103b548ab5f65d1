"""Service points on the map: one clustered layer per list, dark shapes that differ by form as well as colour."""

from __future__ import annotations

import dash_leaflet as dl

from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views import offer
from layers import Viewer

SHAPES = ("circle", "square", "triangle", "diamond", "star", "cross", "pentagon", "ring")


def _function(name: str) -> dict[str, str]:
    """Reference to a function of ``assets/services.js``; dash-leaflet looks it up in the page."""
    return {"variable": f"commonground.services.{name}"}


def service_points(published: Published, selection: Selection, viewer: Viewer) -> list[dl.GeoJSON]:
    """Layers in the order chosen; the n-th list has the n-th shape on the map, in the picker and in the key."""
    out = []
    for n, layer_id in enumerate(selection.services):
        layer = offer.find(published, layer_id, viewer)
        if layer is None or layer.kind != "services":
            continue
        out.append(
            dl.GeoJSON(
                id={"type": "service-layer", "layer": layer_id},
                url=f"/data/services/{layer_id}.geojson?v={layer.version}",
                cluster=True,
                zoomToBoundsOnClick=True,
                superClusterOptions={"radius": 60, "maxZoom": 12},
                hideout={"shape": SHAPES[n % len(SHAPES)], "title": layer.title},
                pointToLayer=_function("pointToLayer"),
                clusterToLayer=_function("clusterToLayer"),
                onEachFeature=_function("onEachFeature"),
            )
        )
    return out
