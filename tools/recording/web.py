"""Asking the server, and writing an answer down: status, headers, body in a form that reads."""

from __future__ import annotations

import json
from pathlib import PurePosixPath

from recording.files import KINDS, file_text
from recording.normal import Folder, digest, html_text, json_text, short

LEFT_OUT = {"Content-Length", "Date", "Server", "ETag", "Set-Cookie", "Content-Type", "Last-Modified"}


def answer_text(response, normal, asked: str) -> str:
    kind = response.headers.get("Content-Type", "")
    lines = [asked, f"status {response.status_code}", f"Content-Type: {kind}"]
    lines += sorted(f"{n}: {short(v, 160)}" for n, v in response.headers.items() if n not in LEFT_OUT)
    lines += [name for name in ("ETag", "Last-Modified") if name in response.headers]
    lines += sorted(f"Set-Cookie: {value.partition('=')[0]}" for value in response.headers.getlist("Set-Cookie"))
    return "\n".join([*lines, "", body_text(response, kind.partition(";")[0], normal, asked)])


def body_text(response, kind: str, normal, asked: str) -> str:
    data = response.get_data()
    ending = PurePosixPath(asked.split("?")[0].split(" as ")[0]).suffix.lstrip(".")
    if not data:
        return "nothing"
    if kind.endswith("json"):
        return f"{len(normal(data.decode('utf-8'))):,} letters\n{json_text(json.loads(data))}"
    if kind in ("text/html", "image/svg+xml"):
        return html_text(data.decode("utf-8"))
    if kind.startswith("text/"):
        return data.decode("utf-8")
    return file_text(f"a.{ending}", data, normal) if ending in KINDS else digest(data)


def ask(client, folder: Folder, address: str, who: str = "", name: str = "", **more):
    """GET (or what ``method`` says) an address and record the answer; returns the response."""
    method = more.pop("method", "GET")
    response = client.open(address, method=method, **more)
    asked = f"{method} {address}" + (f" as {who}" if who else "")
    item = name or " ".join(filter(None, [who, method if method != "GET" else "", address]))
    folder.write(item, answer_text(response, folder.normal, asked))
    return response
