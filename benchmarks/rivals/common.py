"""What the rivals share: the material that ``benchmarks.material`` prepared, the frame of the page, the static file."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import brotli
import flask
from dash import Dash, dcc, html

COMPRESSED = ["text/html", "text/css", "text/javascript", "application/javascript", "application/json"]

# The explore page leaves the map this much of a 1366 x 768 window; the rivals get the same.
PAGE = """<!DOCTYPE html>
<html lang="en">
  <head>
    {%metas%}<title>{%title%}</title>{%css%}
    <style>
      body { margin: 0; font-family: system-ui, sans-serif }
      .frame { display: grid; grid-template-columns: 314px 710px 1fr; grid-template-rows: 57px 711px }
      header { grid-column: 1 / 4 }
      aside { padding: 16px }
      .map { height: 711px; width: 710px }
    </style>
  </head>
  <body>{%app_entry%}<footer>{%config%}{%scripts%}SCRIPT{%renderer%}</footer></body>
</html>"""


@dataclass(frozen=True)
class Material:
    """One region as a folder: ``areas.geojson`` and ``material.json`` (see benchmarks/material.py)."""

    folder: Path

    @cached_property
    def about(self) -> dict:
        return json.loads((self.folder / "material.json").read_text())

    @cached_property
    def geojson(self) -> dict:
        return json.loads((self.folder / "areas.geojson").read_text())

    @property
    def codes(self) -> list[str]:
        return [feature["properties"]["code"] for feature in self.geojson["features"]]

    @property
    def palette(self) -> list[str]:
        return self.about["palette"]

    def classes(self, name: str) -> list[int | None]:
        """Class of every area in area order, None where there is no value."""
        return self.about["indicators"][name]["classes"]

    def values(self, name: str) -> list[float | None]:
        return self.about["indicators"][name]["values"]

    @cached_property
    def titles(self) -> dict[str, str]:
        return {name: each["title"] for name, each in self.about["indicators"].items()}


def material() -> Material:
    """The folder that the environment names; the benchmark sets it for each server."""
    return Material(Path(os.environ["BENCH_MATERIAL"]))


def make_app(given: Material, map_component, script: str = "") -> Dash:
    """A page with the two indicators as a choice, and the map. Answers are compressed with Dash's own switch."""
    server = flask.Flask("rival")
    server.config["COMPRESS_MIMETYPES"] = COMPRESSED
    app = Dash(
        "rival",
        server=server,
        compress=True,
        serve_locally=True,
        assets_folder=str(Path(__file__).parent / "no-assets"),
        index_string=PAGE.replace("SCRIPT", f"<script>{script}</script>" if script else ""),
    )
    names = list(given.titles)
    choice = dcc.RadioItems(options=given.titles, value=names[0], id="indicator", labelStyle={"display": "block"})
    app.layout = html.Div(
        [html.Header("One of the usual ways"), html.Aside([html.H1("Map"), choice]), map_component],
        className="frame",
    )

    @server.get("/healthz")
    def health():
        return "ok"

    return app


def finished(app: Dash) -> flask.Flask:
    """The server, with Dash's own preparations done before it starts: done by the first request, a second one may be faster."""
    app._setup_server()
    return app.server


def serve_geojson(app: Dash, given: Material) -> str:
    """The outlines with both indicators' values, compressed once, kept by the browser. Returns the address."""
    kept = given.folder / "areas-and-values.geojson.br"
    if not kept.exists():
        document = joined(given, list(given.titles))
        aside = kept.with_suffix(f".{os.getpid()}")
        aside.write_bytes(brotli.compress(json.dumps(document, separators=(",", ":")).encode(), quality=9))
        aside.replace(kept)
    body = kept.read_bytes()

    @app.server.get("/areas.geojson")
    def areas():
        headers = {"Content-Encoding": "br", "Cache-Control": "public, max-age=31536000, immutable"}
        return flask.Response(body, mimetype="application/geo+json", headers=headers)

    return "/areas.geojson"


def joined(given: Material, names: list[str]) -> dict:
    """The outlines with the values of ``names`` among each area's properties."""
    columns = {name: given.values(name) for name in names}
    features = [
        {**feature, "properties": {**feature["properties"], **{name: column[i] for name, column in columns.items()}}}
        for i, feature in enumerate(given.geojson["features"])
    ]
    return {"type": "FeatureCollection", "features": features}


def hideout(given: Material, name: str) -> dict:
    """What the style function needs for one indicator, as dash-leaflet's documentation does it."""
    return {"field": name, "breaks": given.about["indicators"][name]["breaks"], "palette": given.palette}


STYLE = """
window.dashExtensions = {default: {style: (feature, context) => {
  const {field, breaks, palette} = context.hideout;
  const value = feature.properties[field];
  let k = 0;
  while (k < breaks.length && value > breaks[k]) k++;
  return {fillColor: value === null ? '#bdbdbd' : palette[k], color: '#ffffff', weight: 0.5, fillOpacity: 1};
}}};
"""
"""The style function of both dash-leaflet pages: colour by class breaks, read from the hideout."""

LEAFLET_PROBE = """
bench.whenLeaflet((L) => {
  const redraw = L.Canvas.prototype._redraw;
  L.Canvas.prototype._redraw = function () {
    redraw.call(this);
    if (this._layers && Object.keys(this._layers).length >= bench.areas) bench.painted();
  };
});
"""
"""The map is painted when the canvas has been drawn with every area on it."""
