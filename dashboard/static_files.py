"""Scripts and styles are compressed once, well, and kept: they are the same for everybody until the server is renewed."""

from __future__ import annotations

import brotli
import flask

FIXED = ("/_dash-component-suites/", "/assets/")
_QUALITY = 9  # a tenth smaller than on the fly, and paid once
_MOST_FILES = 200


def keep_compressed(server: flask.Flask) -> None:
    """Answer fixed files with Brotli from memory. Call it after Flask-Compress: hooks run last come, first served."""
    kept: dict[str, bytes] = {}

    @server.after_request
    def compress_once(response: flask.Response) -> flask.Response:
        path = flask.request.path
        if (
            response.status_code != 200
            or not path.startswith(FIXED)
            or "Content-Encoding" in response.headers
            or not flask.request.accept_encodings["br"]
        ):
            return response
        key = flask.request.full_path
        response.direct_passthrough = False
        if key not in kept:
            if len(kept) >= _MOST_FILES:  # somebody asks with made-up queries
                return response
            kept[key] = brotli.compress(response.get_data(), quality=_QUALITY)
        response.set_data(kept[key])
        response.headers["Content-Encoding"] = "br"
        response.headers.add("Vary", "Accept-Encoding")
        return response
