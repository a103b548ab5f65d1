"""What a file leaves open: a question, its choices in words, and for each the line of a recipe that answers it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Choice:
    words: str
    set: str  # a line of a recipe


@dataclass(frozen=True)
class Question:
    """``key`` is that of the recipe; ``choices`` None where any text may be the answer. ``examples``: cells that show it."""

    key: str
    words: str
    where: str = ""
    choices: tuple[Choice, ...] | None = None
    examples: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        choices = None if self.choices is None else [{"words": one.words, "set": one.set} for one in self.choices]
        return {"key": self.key, "question": self.words, "where": self.where, "choices": choices}


def line(key: str, value: Any) -> str:
    """One line of TOML. A key of a table is written with a dot (``keep.Sex``), so that lines can be put one below another."""
    parts = key if isinstance(key, tuple) else (key,)
    return f"{'.'.join(map(_key, parts))} = {_value(value)}"


def _key(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else _text(text)


def _text(text: str) -> str:
    """A basic string of TOML: JSON's, with the one control character more that TOML wants escaped."""
    return json.dumps(str(text), ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"{value:.15g}" if isinstance(value, float) else str(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(str(key))} = {_value(each)}" for key, each in value.items()) + " }"
    if isinstance(value, Iterable) and not isinstance(value, str):
        return "[" + ", ".join(map(_value, value)) + "]"
    return _text(value)


def lines(answers: Mapping[str, Any]) -> str:
    """A recipe as text, one answer a line, tables with dots."""
    out = []
    for key, value in answers.items():
        if isinstance(value, Mapping):
            out += [line((key, str(inner)), each) for inner, each in value.items()]
        elif value not in (None, ""):
            out.append(line(key, value))
    return "\n".join(out) + ("\n" if out else "")
