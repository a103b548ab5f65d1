"""A recipe: what was said about a file, so that next year's is read the same way. Flat TOML: the keys of :data:`READING` and every
descriptive key of a package.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layers.descriptive_keys import KEYS
from layers.model import Fault, Refused
from layers.reading.decimals import COMMA, POINT
from layers.reading.habits import PERCENT, SHARE
from layers.reading.questions import lines
from layers.reading.sheet import Layout

LEAVE_OUT, READ = "leave out", "read"
LARGEST = 1 << 20


@dataclass(frozen=True)
class RecipeKey:
    """One thing that may be said about how a file is read. ``words``: the only answers, where there are few; ``items``: what a
    list of it holds. Numbers are those of rows and years: from 1."""

    name: str
    types: tuple[type, ...]
    meaning: str
    words: tuple[str, ...] = ()
    items: tuple[type, ...] = (str,)

    def takes(self, value: Any) -> bool:
        """Whether the value can be meant."""
        if isinstance(value, list):
            return list in self.types and all(_is(one, self.items) for one in value)
        return _is(value, self.types)


def _is(value: Any, types: tuple[type, ...]) -> bool:
    if isinstance(value, bool):
        return bool in types
    if isinstance(value, int):
        return int in types and 1 <= value < 1 << 31
    return isinstance(value, types)


READING: dict[str, RecipeKey] = {
    key.name: key
    for key in (
        RecipeKey("sheet", (str,), "title of the sheet"),
        RecipeKey(
            "sheets_as_periods",
            (bool, list),
            "the sheets whose titles are the periods; true for all that are called so",
            items=(str, int),
        ),
        RecipeKey("header_rows", (list, int), "rows of the header; [] for none", items=(int,)),
        RecipeKey("first_row", (int,), "first row of the table below the header"),
        RecipeKey("last_row", (int,), "last row of the table"),
        RecipeKey("keep", (dict,), "only rows in which a column has this value, or one of these"),
        RecipeKey("hidden_rows", (str,), "what becomes of hidden rows", (READ, LEAVE_OUT)),
        RecipeKey("decimal", (str,), "the decimal sign", (POINT, COMMA)),
        RecipeKey(
            "percent", (str,), "what numbers without a percent sign are, in a column of percentages", (PERCENT, SHARE)
        ),
        RecipeKey(
            "period_columns", (list,), "columns that are periods of one indicator; [] for none", items=(str, int)
        ),
        RecipeKey(
            "periods",
            (str, list, dict),
            "the column of the periods; or what the columns or sheets that are periods are called",
            items=(str, int),
        ),
        RecipeKey("area_column", (str,), "the column of the codes or names of areas"),
        RecipeKey("value_column", (str,), "the column of the value"),
        RecipeKey(
            "place_columns",
            (list, str),
            "the columns that say where a service is; east before north where they are two",
        ),
        RecipeKey("vintage", (int,), "the year of the boundaries"),
    )
}
"""What a recipe may say of the reading. A further key is a row here."""

_BESIDES: dict[str, RecipeKey] = {
    key.name: key
    for key in (
        RecipeKey("filename", (str,), "the name of the file"),
        RecipeKey("decimal_comma", (bool,), "whether a comma is the decimal sign"),
        RecipeKey("columns", (dict,), "the column of each role"),
        RecipeKey("marks", (dict,), "what a mark in a cell means"),
    )
}
"""What may stand in a recipe besides, and is not kept with the layer."""


def read_recipe(path: str | Path) -> dict[str, Any]:
    """What a recipe says, as hints for :func:`layers.inspect_upload`. Raises :class:`Refused` with everything that is wrong."""
    path, title = Path(path), "The recipe cannot be used."
    said = _toml(path, title)
    if faults := faults_of(said, path.name):
        raise Refused(title, faults)
    return said


def _toml(path: Path, title: str) -> dict[str, Any]:
    if path.stat().st_size > LARGEST:
        raise Refused(title, [Fault("is larger than 1 MiB", path.name, "give the file of questions and answers alone")])
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Refused(title, [Fault(f"is not TOML: {error}", path.name, "mend it where it says")]) from None


def read_manifest_of_layers(path: str | Path) -> list[tuple[Path, Path | None, str]]:
    """The file, recipe and id of every layer of a manifest: ``[[layer]]`` with ``file``, ``id``, ``recipe``, paths beside it."""
    path, title = Path(path), "The manifest cannot be used."
    said = _toml(path, title)
    given = said.get("layer")
    if not isinstance(given, list) or not given or not all(isinstance(one, dict) for one in given):
        raise Refused(title, [Fault("names no layers", path.name, "write [[layer]] with file, id and recipe for each")])
    out, faults = [], []
    for at, one in enumerate(given, 1):
        where = f"{path.name}, layer {at}"
        odd = [
            name for name, value in one.items() if name not in ("file", "id", "recipe") or not isinstance(value, str)
        ]
        faults += [Fault("is no text under a known key", where, "use file, id and recipe", column=name) for name in odd]
        if not one.get("file"):
            faults.append(Fault("has no file", where, "say which file it is", column="file"))
        files = [
            path.parent / one[name] if isinstance(one.get(name), str) and one[name] else None
            for name in ("file", "recipe")
        ]
        faults += [
            Fault(f"there is no {file.name}", where, "check the path")
            for file in files
            if file is not None and not file.exists()
        ]
        out.append((files[0], files[1], str(one.get("id") or "")))
    if faults:
        raise Refused(title, faults)
    return out


def recipe_of(text: str) -> dict[str, Any]:
    """What a recipe that was kept says of the reading, for the next file; the period is asked for each time, never inherited."""
    try:
        said = tomllib.loads(text)
    except ValueError:
        return {}
    again = ("header_rows", "keep", "hidden_rows", "decimal", "percent", "area_column", "value_column", "place_columns")
    return {name: said[name] for name in again if name in said and not faults_of({name: said[name]}, "recipe")}


def faults_of(said: Mapping[str, Any], where: str) -> list[Fault]:
    """Keys that are unknown, and answers that cannot be meant."""
    known = {*READING, *_BESIDES, *KEYS, *(key.path[-1] for key in KEYS.values()), "geography", "level"}
    faults = []
    for name, value in said.items():
        key = READING.get(name) or _BESIDES.get(name)
        if name not in known:
            todo = f"there are: {', '.join(READING)}, and the keys of docs/layer-package.md"
            faults.append(Fault("is no key of a recipe", where, todo, column=name, rule="recipe"))
        elif key is not None and not key.takes(value):
            what = f"cannot be {str(value)[:60]!r}: it is {key.meaning}"
            faults.append(Fault(what, where, "see docs/recipes.md", column=name, rule="recipe"))
        elif key is not None and key.words and value not in key.words:
            faults.append(
                Fault(f"cannot be {value!r}", where, f"use {' or '.join(key.words)}", column=name, rule="recipe")
            )
    return faults


def write_recipe(said: Mapping[str, Any]) -> str:
    """The text of a recipe that says this."""
    return lines({name: value for name, value in said.items() if name not in ("filename", "decimal_comma")})


def reading_part(hints: Mapping[str, Any]) -> dict[str, Any]:
    """Of what was said, that which is about the reading of the file: it is kept with the layer."""
    return {name: hints[name] for name in READING if hints.get(name) is not None}


def with_columns(hints: Mapping[str, Any]) -> dict[str, Any]:
    """Hints in which the columns that a recipe names play their roles."""
    out = dict(hints)
    columns = dict(out.get("columns") or {})
    for name, role in (("area_column", "area_code"), ("value_column", "value")):
        if out.get(name):
            columns.setdefault(role, out[name])
    if isinstance(out.get("periods"), str) and out["periods"]:
        columns.setdefault("period", out["periods"])
    if columns:
        out["columns"] = columns
    if out.get("decimal") in (POINT, COMMA):
        out["decimal_comma"] = out["decimal"] == COMMA
    return out


def layout_of(hints: Mapping[str, Any]) -> Layout:
    """What was said of the sheet and its rows."""
    heads = hints.get("header_rows")
    sheets = hints.get("sheets_as_periods") or False
    return Layout(
        sheet=str(hints.get("sheet") or ""),
        sheets_as_periods=tuple(map(str, sheets)) if isinstance(sheets, (list, tuple)) else bool(sheets),
        header_rows=None if heads is None else (heads,) if isinstance(heads, int) else tuple(int(row) for row in heads),
        first_row=int(hints.get("first_row") or 0),
        last_row=int(hints.get("last_row") or 0),
    )
