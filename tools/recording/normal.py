"""Answers as text that reads well in a diff and is the same in every run: dates of today, folders and random ids get names."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

MOST = 4_000
"""Letters of one value that are written out; of a longer one the beginning and a hash."""
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Normaliser:
    """``normal(text)`` -> the text without what changes from run to run. ``learn`` names a random id that was met."""

    def __init__(self, names: dict[str, str] | None = None, now: datetime | None = None):
        self.names = dict(names or {})
        self.days = _days_of(now or datetime.now(UTC))

    def learn(self, text: str, name: str) -> None:
        if text:
            self.names[text] = name

    def __call__(self, text: str) -> str:
        for given in sorted(self.names, key=len, reverse=True):
            text = text.replace(given, self.names[given])
        text = self.days.sub("<today>", text)
        text = re.sub(
            r"<today>(?:[T ]|, |,? at )\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?: UTC|Z|[+-]\d\d:\d\d)?", "<now>", text
        )
        text = re.sub(r'("(?:seconds|elapsed)": ?)[\d.e-]+', r"\1<n>", text)
        text = re.sub(r"\bin \d+(\.\d+)? s\b", "in <n> s", text)
        # static files: the address says what is asked for, not the day on which the file was installed
        text = re.sub(r"(/assets/[\w./-]+)\?m=[\d.]+", r"\1", text)
        return re.sub(r"(/_dash-component-suites/[\w./-]+?)\.v[\w]+m\d+", r"\1", text)


def _days_of(now: datetime) -> re.Pattern:
    """Yesterday, today and tomorrow in every way in which a day is written here: a recording may run past midnight."""
    forms = []
    for day in (now + timedelta(days=n) for n in (-1, 0, 1)):
        month = MONTHS[day.month - 1]
        forms.append(f"{day:%Y-%m-%d}")
        forms.append(rf"\b0?{day.day}\s+(?:{month}|{month[:3]})\s+{day.year}")
        forms.append(f"{day:%Y%m%d}" + r"(?=\d{6}\b)")
    return re.compile("|".join(forms))


def digest(data: bytes | str) -> str:
    data = data.encode() if isinstance(data, str) else data
    return f"{len(data):,} bytes, sha256 {hashlib.sha256(data).hexdigest()[:16]}"


def short(text: str, most: int = MOST) -> str:
    return text if len(text) <= most else f"{text[:120]} … ({digest(text)})"


def file_name(text: str) -> str:
    """An item's own words as a file name; of a long one the beginning and a hash."""
    name = re.sub(r"[^A-Za-z0-9=,._+-]+", "_", text).strip("_.") or "root"
    return name if len(name) <= 110 else f"{name[:100]}~{hashlib.sha256(text.encode()).hexdigest()[:6]}"


def json_text(value: Any, most: int = MOST) -> str:
    return json.dumps(_slim(value, most), ensure_ascii=False, indent=1)


def _slim(value: Any, most: int) -> Any:
    if isinstance(value, dict):
        return {name: _points(inner) if name == "coordinates" else _slim(inner, most) for name, inner in value.items()}
    if isinstance(value, list):
        if len(value) > 4 and all(isinstance(each, (int, float)) for each in value):
            return short(json.dumps(value), 400)
        return [_slim(each, most) for each in value]
    return short(value, most) if isinstance(value, str) else value


def _points(value: Any) -> Any:
    """Two numbers as they are; an outline as a hash, since nobody reads it."""
    text = json.dumps(value)
    return value if len(text) < 60 else digest(text)


# ---- pages ----------------------------------------------------------------------------------------------------------


def dash_lines(node: Any, depth: int = 0) -> Iterator[str]:
    """A layout or an answer of Dash, a line for each component, property and text, in order."""
    pad = " " * depth
    if node is None:
        return
    if isinstance(node, list):
        for each in node:
            yield from dash_lines(each, depth)
    elif isinstance(node, dict) and "namespace" in node and "type" in node:
        props = dict(node.get("props", {}))
        children, name = props.pop("children", None), props.pop("id", None)
        words = [node["type"], f"#{name if isinstance(name, str) else json.dumps(name)}" if name is not None else ""]
        words.append(f".{props.pop('className')}" if props.get("className") else "")
        yield pad + " ".join(filter(None, words))
        for prop, value in props.items():
            if _has_components(value):
                yield f"{pad}  {prop}:"
                yield from dash_lines(value, depth + 3)
            else:
                yield f"{pad}  {prop} = {_value(value)}"
        yield from dash_lines(children, depth + 1)
    else:
        yield pad + _value(node)


def _has_components(value: Any) -> bool:
    if isinstance(value, dict):
        return "namespace" in value and "type" in value
    return isinstance(value, list) and any(map(_has_components, value))


def _value(value: Any) -> str:
    if isinstance(value, str) and value.startswith("data:image/svg+xml;base64,"):
        return "svg " + digest(base64.b64decode(value.partition(",")[2]))
    return short(json.dumps(_slim(value, MOST), ensure_ascii=False))


class Outline(HTMLParser):
    """A page as lines: every element with its attributes, every text. Scripts, styles and links to files are left out; data
    that a script reads stays."""

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self.depth, self.skipped = 0, ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        kept = tag not in ("script", "style", "meta") and not (tag == "link" and ("rel", "preload") not in attrs)
        read = tag == "script" and ("type", "application/json") in attrs and ("id", "_dash-config") not in attrs
        if kept or read:
            words = [name if value is None else f"{name}={_attribute(value)}" for name, value in attrs]
            self.lines.append(" " * self.depth + " ".join([f"<{tag}", *words]) + ">")
        elif tag in ("script", "style"):
            self.skipped = tag
        if tag not in VOID:
            self.depth += 1

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.depth -= tag not in VOID

    def handle_endtag(self, tag):
        self.skipped = ""
        self.depth = max(self.depth - (tag not in VOID), 0)

    def handle_data(self, data):
        text = " ".join(data.split())
        if text and not self.skipped:
            self.lines.append(" " * self.depth + short(text))


def _attribute(value: str) -> str:
    if value.startswith("data:image/"):
        return f"{value.partition(',')[0]}, {digest(value)}"
    return short(json.dumps(value, ensure_ascii=False), 700)


def html_text(text: str) -> str:
    return "\n".join(Outline(text).lines)


# ---- the folder -----------------------------------------------------------------------------------------------------


class Folder:
    """Writes items into the folder of one part. ``aliases`` shorten what stands in many names, and in names only."""

    def __init__(self, path: Path, normal: Normaliser, aliases: dict[str, str] | None = None):
        self.path, self.normal, self.aliases = path, normal, aliases or {}
        self.items: dict[str, str] = {}
        path.mkdir(parents=True)

    def write(self, name: str, text: str) -> None:
        """Raises ValueError for an item that is there already: that is a mistake of the recorder."""
        item = self.normal(name)
        if item in self.items.values():
            raise ValueError(f"{self.path.name}: '{item}' is recorded twice")
        short_item = item
        for given, alias in self.aliases.items():
            short_item = short_item.replace(given, alias)
        file = file_name(short_item)
        if (
            file.lower() in self.items
        ):  # two items whose names differ in a sign only; some file systems know no capitals
            file = f"{file[:100]}~{hashlib.sha256(item.encode()).hexdigest()[:6]}"
        self.items[file.lower()] = item
        (self.path / f"{file}.txt").write_text(self.normal(text).rstrip("\n") + "\n", "utf-8")
