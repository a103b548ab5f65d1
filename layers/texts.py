"""Words that several modules of the engine put into their messages."""

from __future__ import annotations

from collections.abc import Iterable


def first_few(things: Iterable[object], most: int = 5) -> str:
    """ "a, b, c, d, e and 1,234 more": the first ``most`` things by name, and how many there are besides."""
    names = [str(thing) for thing in things]
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")
