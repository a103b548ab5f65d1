"""How every route answers: JSON errors of one shape, ETags, compression, and what may be cached by whom."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Hashable
from typing import Any

import brotli
from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from dashboard.exports import COMPACT, FORMATS, Document, file_name, json_text, write
from dashboard.memory import Memory
from layers import Refused

IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATE = "no-cache"
PRIVATE = "private, no-store"

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]

SMALLEST = 400
"""Bytes below which compressing costs more than it saves."""

MEMORY_BYTES = 64 * 2**20
"""Bound on finished answers kept per process. England's values at LSOA level take 5 MB as JSON, a tenth of it compressed."""

_COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    # in order of preference; the levels are those at which one more costs more time than the bytes are worth
    "br": lambda data: brotli.compress(data, quality=5),
    "gzip": lambda data: gzip.compress(data, 6, mtime=0),
}


def compress(encoding: str, data: bytes) -> bytes:
    return _COMPRESS[encoding](data)


class ApiError(Exception):
    """Answered as ``{"error": {"code", "message", "detail"}}``."""

    def __init__(self, status: int, code: str, message: str, detail: Any = None):
        super().__init__(message)
        self.status, self.code, self.message, self.detail = status, code, message, detail

    def response(self) -> Response:
        body = {"error": {"code": self.code, "message": self.message, "detail": self.detail}}
        answer = Response(json.dumps(body, ensure_ascii=False), self.status, mimetype="application/json")
        answer.headers["Cache-Control"] = "no-store"
        return answer


def not_found(what: str) -> ApiError:
    return ApiError(404, "not-found", f"There is no {what} here.")


def one_shape_of_error(routes: Blueprint) -> None:
    """Let everything that goes wrong below this blueprint's address answer as JSON: an unknown address, a method that is not
    allowed, a fault of the store, a mistake of ours. Without this, Dash would answer with its page."""

    @routes.route("/", defaults={"rest": ""}, methods=_METHODS)
    @routes.route("/<path:rest>", methods=_METHODS)
    def nothing_here(rest: str):
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed(["GET", "HEAD"], "This address only answers GET and HEAD.")
        raise not_found("such address")

    @routes.errorhandler(Refused)
    def refused(error: Refused) -> Response:
        # only the title: the faults may name files and hosts
        return ApiError(503, "store-fault", error.title).response()

    @routes.errorhandler(HTTPException)
    def plain(error: HTTPException) -> Response:
        code = error.name.lower().replace(" ", "-")
        response = ApiError(error.code or 500, code, error.description or error.name).response()
        if isinstance(error, MethodNotAllowed):
            response.headers["Allow"] = ", ".join(error.valid_methods or ())
        return response


class Body:
    """The bytes of one answer, and what they are compressed; compressing the same again would take longer than making them."""

    def __init__(self, content: bytes | str, mimetype: str = "", name: str = ""):
        self.data = content.encode() if isinstance(content, str) else content
        self.etag = hashlib.sha256(self.data).hexdigest()[:32]
        self.mimetype, self.name = mimetype, name
        self._compressed: dict[str, bytes] = {}

    def compressed(self, encoding: str) -> bytes:
        if encoding not in self._compressed:
            self._compressed[encoding] = compress(encoding, self.data)
        return self._compressed[encoding]

    def keep_compressed(self, encoding: str, data: bytes) -> None:
        """What another process has compressed already."""
        self._compressed[encoding] = data


def body_of(document: Document, form: str, *, saved: bool = False) -> Body:
    """A document in one of its formats. ``saved``: browsers save it in every format, not in those alone that they always save."""
    row = FORMATS[form]
    name = file_name(document, form) if saved or row.saved else ""
    return Body(write(document, form), row.media_type, name)


class Answers(Memory):
    """Finished answers that depend on nothing but their key.

    The key of what comes from a layer holds its version, so nothing in here can be out of date. Whether the caller may have
    an answer must be settled before it is looked up.
    """

    def __init__(self, limit: int = MEMORY_BYTES):
        super().__init__(limit, _weight)

    def body(self, key: Hashable, make: Callable[[], bytes | str]) -> Body:
        return self.get(key, lambda: Body(make()))


def answers(name: str) -> Answers:
    """The finished answers of that name of the application that serves this request."""
    return current_app.extensions.setdefault(f"commonground-answers-{name}", Answers())


def open_to_other_sites(response: Response) -> Response:
    """Public data may be read from any page; no credentials go with such a request. For ``after_request``."""
    if response.headers.get("Cache-Control") != PRIVATE:
        response.headers.setdefault("Access-Control-Allow-Origin", "*")
    return response


def _weight(body: Body) -> int:
    return len(body.data) * 5 // 4 + 200  # what is compressed takes about a quarter more


def answer(body: Body | bytes | str, mimetype: str = "", *, cache: str = REVALIDATE) -> Response:
    """A response with an ETag of its content; answers 304 when the caller has it already.

    A :class:`Body` is sent in the best encoding that the caller takes, and offered as a download when it has a (safe) file
    name; other content is compressed further on.
    """
    encoding = _encoding() if isinstance(body, Body) and len(body.data) >= SMALLEST else ""
    body = body if isinstance(body, Body) else Body(body)
    data = body.compressed(encoding) if encoding else body.data
    response = Response(data, mimetype=mimetype or body.mimetype)
    if encoding:
        response.headers["Content-Encoding"] = encoding
    response.headers["Cache-Control"] = cache
    response.vary.add("Accept-Encoding")
    if cache == PRIVATE:
        response.vary.add("Cookie")
    else:
        # weak: the same content may leave here compressed or not
        response.set_etag(body.etag, weak=True)
    if body.name:
        response.headers["Content-Disposition"] = f'attachment; filename="{body.name}"'
    return response.make_conditional(request)


def as_json(document: Any) -> str:
    """Compact JSON. Raises ValueError for what JSON does not know: NaN and infinity."""
    return json_text(document, **COMPACT)


def json_answer(document: Any, *, cache: str = REVALIDATE, mimetype: str = "application/json") -> Response:
    return answer(as_json(document), mimetype, cache=cache)


def _encoding() -> str:
    """The encoding to send: the first of ours that the caller takes ("br;q=0" means that it does not); "" for none."""
    accepted = request.accept_encodings
    if not accepted:
        return ""
    best = max(_COMPRESS, key=lambda name: accepted[name])  # of equals the first
    return best if accepted[best] > 0 else ""
