"""What a route needs to know about the site that it serves. The application holds it, so that routes are plain functions."""

from __future__ import annotations

import flask

from dashboard.map_files import Shapes
from dashboard.published import Published

PUBLIC_URL = "COMMONGROUND_PUBLIC_URL"
"""Key of the application's settings: the site's address as people type it, "" where nobody has said."""

_PUBLISHED, _SHAPES = "commonground", "commonground-shapes"


def install(server: flask.Flask, published: Published, shapes: Shapes) -> None:
    """Give the application what :func:`published` and :func:`shapes` answer with, within its requests."""
    server.extensions |= {_PUBLISHED: published, _SHAPES: shapes}


def published() -> Published:
    """The region and store that this application serves."""
    return flask.current_app.extensions[_PUBLISHED]


def shapes() -> Shapes:
    """The map's fixed files of this application."""
    return flask.current_app.extensions[_SHAPES]


def origin() -> str:
    """The site's address, for links that leave the page that they are on."""
    return flask.current_app.config.get(PUBLIC_URL) or flask.request.host_url.rstrip("/")
