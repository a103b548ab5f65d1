"""Prints the tables of docs/layer-package.md from the code, between marks that name them: ``python -m layers.reference``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from layers.descriptive_keys import KEYS, TYPES, Key
from layers.fields import INDICATOR, SERVICE, Field
from layers.reading.marks import AMBIGUOUS, MARKS

FILE = Path(__file__).parents[1] / "docs" / "layer-package.md"


def markdown_table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _roles(fields: dict[str, Field]) -> str:
    kinds = {"float64": "number", "str": "text"}
    rows = [(f"`{field.name}`", kinds[field.dtype], field.unit, field.meaning) for field in fields.values()]
    return markdown_table(("role", "type", "unit", "meaning"), rows)


def _meaning(key: Key) -> str:
    words = [str(word) for word in key.words]
    return key.meaning or f"{', '.join(words[:-1])} or {words[-1]}"


def tables() -> dict[str, str]:
    """Every generated table by its name in the document."""
    marks = [
        (f"`{mark}`" if mark else "(blank)", what, words + (f"; {AMBIGUOUS[mark]}" if mark in AMBIGUOUS else ""))
        for mark, (what, words) in MARKS.items()
    ]
    keys = [
        (f"`{'.'.join(key.path[1:])}`", TYPES[key.type], key.only or "both", _meaning(key))
        for key in KEYS.values()
        if key.place
    ]
    return {
        "roles of indicators": _roles(INDICATOR),
        "roles of services": _roles(SERVICE),
        "keys": markdown_table(("key", "type", "for", "meaning"), keys),
        "marks": markdown_table(("mark", "read as", "meaning"), marks),
    }


def with_tables(text: str, made: Mapping[str, str] | None = None, file: Path = FILE) -> str:
    """The document with every generated table brought up to date; ``made`` where they are those of another ``file``."""
    for name, table in (tables() if made is None else made).items():
        start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        pattern = re.compile(re.escape(start) + r".*?" + re.escape(end), re.DOTALL)
        if not pattern.search(text):
            raise ValueError(f"{file.name} has no place for the table '{name}' (write {start} and {end} there)")
        text = pattern.sub(lambda _, block=f"{start}\n{table}\n{end}": block, text)
    return text


if __name__ == "__main__":
    FILE.write_text(with_tables(FILE.read_text("utf-8")), "utf-8")
