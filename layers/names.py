"""What may be an id in the store, of a layer, a briefing, a draft, a partner or an account: it stands in addresses and sentences."""

from __future__ import annotations

import unicodedata

from layers.model import Fault

LONGEST = 200


def is_name(text: object) -> bool:
    """Whether it is short plain text in one piece: no slash, no two dots, nothing that cannot be seen, no space at an end."""
    return (
        isinstance(text, str)
        and 0 < len(text) <= LONGEST
        and text == text.strip()
        and not text.startswith(".")
        and not any(part in text for part in ("/", "\\", ".."))
        # control characters, halves of characters, direction marks, private ones; line and paragraph ends
        and not any(
            unicodedata.category(letter)[0] == "C" or unicodedata.category(letter) in ("Zl", "Zp") for letter in text
        )
    )


def faults_of_name(text: object, where: str) -> list[Fault]:
    """The fault of what cannot be a name, in words that can be shown; none for one that can."""
    if is_name(text):
        return []
    todo = f"use up to {LONGEST} letters, digits and hyphens: no slash, no two dots together, nothing invisible"
    return [Fault(f"{shown(text)} cannot be an id", where, todo, rule="id")]


def shown(text: object) -> str:
    """What somebody gave for a name, in quotes, as it can be written anywhere."""
    return f"'{text}'" if is_name(text) and len(text) <= 100 else ascii(str(text)[:100])
