"""Reads a mapping from outside, a JSON object or a TOML table, key by key; all that is wrong with it is collected."""

from __future__ import annotations

import datetime
import math

from layers.model import Fault

_LONGEST = 20_000  # characters of any one text


class MappingReader:
    """Looks keys up in ``given`` and checks each value's type; what is wrong goes into ``faults``, the default is answered.

    ``toml`` for files that we write ourselves: texts are trimmed, dates become ISO text, and a number is no text.
    """

    def __init__(
        self, given: dict, where: str, prefix: str = "", faults: list[Fault] | None = None, *,
        rule: str = "descriptor", toml: bool = False,
    ):  # fmt: skip
        self.given, self.where, self.prefix, self.rule, self.toml = given, where, prefix, rule, toml
        self.faults: list[Fault] = [] if faults is None else faults

    def within(self, key: str, given: dict | None = None) -> MappingReader:
        """A reader of the mapping that stands under ``key``, or of one that stands in a list there."""
        inner = self.object(key) if given is None else given
        return MappingReader(inner, self.where, f"{self.prefix}{key}.", self.faults, rule=self.rule, toml=self.toml)

    def fault(self, key: str, what: str, todo: str = "") -> None:
        given = self.given.get(key, "")
        shown = given if isinstance(given, str) else repr(given)
        self.faults.append(Fault(what, self.where, todo, column=self.prefix + key, value=shown[:80], rule=self.rule))

    def text(self, key: str, required: bool = False) -> str:
        value = self.given.get(key)
        if self.toml:
            value = value.isoformat() if isinstance(value, datetime.date) else value
            value = value.strip() if isinstance(value, str) else value
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            return str(value)  # "period": 2024
        if value is None or value == "":
            if required:
                self.fault(key, "the key is missing", f'add {key} = "..."' if self.toml else f'add "{key}": "..."')
            return ""
        if not isinstance(value, str):
            self.fault(key, "is not text", "write it between quotation marks")
            return ""
        if len(value) > _LONGEST:
            self.fault(key, f"is {len(value):,} characters long", f"keep it below {_LONGEST:,}")
            return ""
        if any(ord(letter) < 32 and letter not in "\t\n\r" for letter in value):
            self.fault(key, "holds characters that cannot be printed", "type it again")
            return ""
        return value

    def texts(self, key: str, required: bool = False) -> tuple[str, ...]:
        value = self.given.get(key)
        if isinstance(value, list):
            if any(not isinstance(one, str) or not one for one in value) or len(value) > 50:
                self.fault(key, "is not a list of words", f'write "{key}": ["alcohol", "health"]')
                return ()
            if value or not required:
                return tuple(dict.fromkeys(value))
        one = self.text(key, required)
        return (one,) if one else ()

    def choice(self, key: str, words, required: bool = False, default=None):
        """One of the members of an enum, or of a tuple of texts."""
        given = self.text(key, required)
        if not given:
            return default
        for word in words:
            if word == given.strip().lower():
                return word
        self.fault(key, f"{given[:40]!r} is not one of the words in use", f"use one of {', '.join(words)}")
        return default

    def number(self, key: str, default=None, whole: bool = False):
        value = self.given.get(key)
        if value is None or value == "":
            return default
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                value = None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            self.fault(key, "is not a number", "write it without quotation marks")
            return default
        if whole and not float(value).is_integer():
            self.fault(key, "is not a whole number", "leave the decimals out")
            return default
        return int(value) if whole else float(value)

    def flag(self, key: str) -> bool:
        value = self.given.get(key, False)
        if value not in (True, False, None):
            self.fault(key, "is neither true nor false", "write true or false, without quotation marks")
            return False
        return bool(value)

    def object(self, key: str) -> dict:
        value = self.given.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.fault(key, "is not an object", "write it between { and }")
            return {}
        return value

    def objects(self, key: str) -> list[dict]:
        value = self.given.get(key)
        if value is None:
            return []
        if not isinstance(value, list) or any(not isinstance(one, dict) for one in value):
            self.fault(key, "is not a list of objects", "write it as [{...}]")
            return []
        return value
