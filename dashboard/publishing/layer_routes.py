"""One layer of the catalogue, ``/catalogue/<layer_id>``: what it is, how good, how it came about, and its undo."""

from __future__ import annotations

import flask

from dashboard.published import Published
from dashboard.views.shapes import Shapes


def blueprint(published: Published, shapes: Shapes) -> flask.Blueprint:
    return flask.Blueprint("layer_page", __name__, url_prefix="/catalogue")
