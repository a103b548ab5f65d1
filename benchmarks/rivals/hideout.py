"""dash-leaflet as its documentation does a choropleth: outlines from an address, the indicator chosen by ``hideout``.

The change is made in the browser (a clientside callback), on Leaflet's canvas: its fastest form.
"""

from __future__ import annotations

import json

import dash_leaflet as dl
from dash import Input, Output

from benchmarks.rivals.common import LEAFLET_PROBE, STYLE, finished, hideout, make_app, material, serve_geojson

TITLE = "dash-leaflet hideout"
PROBE = LEAFLET_PROBE
GEOMETRY = r"/areas\.geojson"


def create_server():
    given = material()
    first = next(iter(given.titles))
    address = "/areas.geojson"
    areas = dl.GeoJSON(
        url=address, id="areas", style={"variable": "dashExtensions.default.style"}, hideout=hideout(given, first)
    )
    app = make_app(given, dl.Map([areas], preferCanvas=True, className="map", **given.about["view"]), STYLE)
    serve_geojson(app, given)
    choices = {name: hideout(given, name) for name in given.titles}
    app.clientside_callback(
        f"(name) => ({json.dumps(choices)})[name]",
        Output("areas", "hideout"),
        Input("indicator", "value"),
        prevent_initial_call=True,
    )
    return finished(app)
