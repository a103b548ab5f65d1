"""What the commas and points in the numbers of a column are, decided from all its cells."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

FLAGGED = re.compile(
    r"^([-+(£$€−]*\d[\d,. ]*%?|[+-]?\.\d+%?)\s*(\[[a-z]{1,4}\]|\*{1,2}|\([a-z]\)|[rpeub])$", re.IGNORECASE
)
POINT, COMMA = "point", "comma"
FEW = 0.2
"""So few cells that can only be decimals, among such as look like thousands, are slips of the pen."""

_GROUPS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")  # 307,565
_ONE_GROUP = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")  # a thousand, or a decimal with three places
_COMMA_ONLY = re.compile(r"[+-]?\d+,\d+|[+-]?\d{1,3}(?:\.\d{3})+,\d+")
_POINT_GROUP = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}")  # 307.565 where a comma is the decimal sign
_SMALL = re.compile(r"[+-]?\d{1,3}")
_POINT_DECIMAL = re.compile(r"[+-]?\d*\.\d+")


@dataclass(frozen=True)
class Habit:
    """What the commas of a column are. ``reading`` is point or comma, "" where nobody can tell; ``odd``: cells that fit neither;
    ``unclear``: cells with two readings."""

    reading: str
    odd: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()


def decimal_of(words: Iterable[str], semicolons: bool = False) -> Habit:
    """What a comma is in these cells. ``semicolons``: they come from a file that divides its columns by them, as programs do whose
    decimal sign is a comma."""
    bare = [bare_of(word) for word in words]
    groups = [word for word in bare if _GROUPS.fullmatch(word)]
    only = [word for word in bare if _COMMA_ONLY.fullmatch(word) and not _GROUPS.fullmatch(word)]
    one = [word for word in groups if _ONE_GROUP.fullmatch(word)]
    sure = len(groups) - len(one)  # 1,234,567 and 1,234.5
    points = [word for word in bare if _POINT_DECIMAL.fullmatch(word)]
    if only:
        if not groups and not [word for word in points if not _POINT_GROUP.fullmatch(word)]:
            return Habit(COMMA)
        if len(only) <= FEW * (len(only) + len(groups) + len(points)):
            return Habit(POINT, odd=tuple(only))
        if not sure and not points and (semicolons or len(only) >= len(one)):
            return Habit(COMMA)
        return Habit("", odd=tuple(only), unclear=tuple(one))
    if groups:
        whole = any(_SMALL.fullmatch(word) for word in bare)
        return Habit(POINT) if sure or points or whole or not semicolons else Habit("", unclear=tuple(one))
    if semicolons and points and all(_POINT_GROUP.fullmatch(word) for word in points):
        return Habit("", unclear=tuple(points))
    return Habit(POINT)


def bare_of(word: str) -> str:
    """The number in a cell without what may stand around it: a mark of the publisher's, a percent or currency sign."""
    found = FLAGGED.match(word)
    return (found[1] if found else word).rstrip("% ").lstrip("£$€ ").strip()
