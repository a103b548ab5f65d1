"""How every route answers: JSON errors of one shape, ETags, and what may be cached by whom."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from flask import Response, request

IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATE = "no-cache"
PRIVATE = "private, no-store"


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


def bad_parameter(name: str, given: str, allowed: str) -> ApiError:
    return ApiError(
        400, "bad-parameter", f"The parameter {name} is “{given[:60]}”; it takes {allowed}.", {"parameter": name}
    )


def not_found(what: str) -> ApiError:
    return ApiError(404, "not-found", f"There is no {what} here.")


def answer(body: bytes | str, mimetype: str, *, cache: str = REVALIDATE, name: str = "") -> Response:
    """A response with an ETag of its content; answers 304 when the caller has it already.

    ``name`` offers it as a download under that (already safe) file name.
    """
    data = body.encode() if isinstance(body, str) else body
    response = Response(data, mimetype=mimetype)
    response.headers["Cache-Control"] = cache
    if cache == PRIVATE:
        response.headers["Vary"] = "Cookie"
    else:
        # weak: the same content may leave here compressed or not
        response.set_etag(hashlib.sha256(data).hexdigest()[:32], weak=True)
    if name:
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response.make_conditional(request)


def json_answer(document: Any, *, cache: str = REVALIDATE, mimetype: str = "application/json") -> Response:
    return answer(
        json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")), mimetype, cache=cache
    )
