"""How large the letters of a ward's page can be so that it is one side of A4, without asking typst, which never forgets what it measured.

Widths and words here are those of ``ward.typ``; the estimate follows its layout line by line and is a little too careful.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboard.briefings.ward.ward_model import NO_ACTIONS

WORDS = {
    "short": "In short",
    "neighbours": "Neighbours",
    "need": "Need: a measure of each theme",
    "theme": "Theme",
    "measure": "Measure",
    "here": "Here",
    "rank": "1 is worst",
    "words": "In words",
    "services": "Services nearest to the middle of where people live",
    "nearest": "Nearest",
    "where": "Which (bold: across a border, in …)",
    "distance": "Distance",
    "standard": "Standard",
    "beyond": "Live farther",
    "gaps": "Gaps: where need is high and help is far",
    "question": "Question",
    "ingap": "In a gap",
    "partof": "Part of the community",
    "sure": "How sure",
    "actions": "Actions agreed",
    "no-actions": NO_ACTIONS,
    "what": "What",
    "who": "Who",
    "when": "By when",
    "limits": "What this does not tell you",
}

COLUMNS: dict[str, Any] = {
    "map": 64.0,
    "need": (None, 16.0, 19.0, 19.0, 37.0),
    "services": (56.0, None, 16.0, 18.0, 26.0),
    "gaps": (None, 46.0, 48.0, 22.0),
}
"""Widths in millimetres; None takes what is left of :data:`WIDE`."""
WIDE, HIGH = 184.0, 280.0
LINE = 8.0
"""Millimetres between lines to write on."""
FITS = tuple(
    (size, lines) for size in (10.0, 9.6, 9.2, 8.8, 8.4, 8.0, 7.6, 7.2) for lines in ((6, 5, 4) if size > 8 else (4, 3))
)
"""Sizes of the letters in points with lines to write on, the best first."""

# fmt: off
_EM = {
    0.25: "ijlI.,:;'|!() ",
    0.36: "ftr-/\\[]{}1",
    0.5: "cksvxyzJ",
    0.56: "abdeghnopqu",
    0.66: "0123456789ABCDEFGHKLNOPQRSTUVXYZ",
    0.85: "mwMW%@",
}
_WIDTHS = {letter: em for em, letters in sorted(_EM.items()) for letter in letters}
_POINT = 25.4 / 72


def fit_of(page: dict[str, Any]) -> int | None:
    """The first of :data:`FITS` at which a page should fit, from the widths of letters: a little too careful on purpose. None
    where it fits at none of them."""
    return next((fit for fit, (size, lines) in enumerate(FITS) if _height(page, size, lines) <= HIGH), None)


def _lines(text: str, width: float, size: float, *, bold: bool = False) -> int:
    """How many lines a text takes in ``width`` millimetres, broken between words."""
    em = size * _POINT * (1.1 if bold else 1.05)
    count, used = 1, 0.0
    for word in str(text).split():
        wide = sum(_WIDTHS.get(letter, 0.62) for letter in word) * em
        if used and used + 0.28 * em + wide > width:
            count, used = count + 1, wide
        else:
            used += wide + (0.28 * em if used else 0.0)
        count += int(used // width) if used > width else 0  # one word longer than a line
        used = min(used, width)
    return count


def _tall(lines: int, size: float) -> float:
    return (lines + 0.16 * (lines - 1)) * size * _POINT if lines else 0.0


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[float | None], size: float) -> float:
    left = WIDE - sum(width or 0.0 for width in widths)
    wide = [(width or left) - 2.0 for width in widths]
    high = 0.0
    for n, row in enumerate((headers, *rows)):
        most = max(_lines(cell, width, size, bold=n == 0) for cell, width in zip(row, wide, strict=True))
        high += _tall(most, size) + 1.05
    return high


def _points(texts: Sequence[str], width: float, size: float) -> float:
    em = size * _POINT
    return sum(_tall(_lines(text, width - 1.0 * em, size), size) + 0.5 * em for text in texts)


def _height(page: dict[str, Any], s: float, lines: int) -> float:
    """Millimetres of everything on the page but the space that may be left over."""
    title = _tall(1, s + 1.6) + 0.8
    high = 0.0
    if page["notice"]:
        high += _tall(_lines(page["notice"], WIDE - 4, 8.2, bold=True), 8.2) + 3.6
    high += (
        _tall(_lines(page["name"], WIDE, 20, bold=True), 20)
        + 0.5
        + _tall(_lines(page["subtitle"], WIDE - 62, 10.5), 10.5)
        + 3.6
    )
    left = WIDE - COLUMNS["map"] - 6
    words = title + _points(page["summary"], left, s + 1.4)
    if page["neighbours"]:
        words += 1.6 + title + sum(_tall(_lines(each, left, s), s) + 0.8 for each in page["neighbours"])
    key = sum(
        _tall(_lines(f"{row['label']}: {row['count']}", COLUMNS["map"] - 5, s - 1), s - 1) + 0.5
        for row in page["legend"]
    )
    key += _tall(_lines(page["key"], COLUMNS["map"], s - 1), s - 1)
    high += max(words, page["tall"] + 0.8 + key) + 2.2
    if page["needs"]:
        names = ("measure", "here", "rank")
        rows = [
            (f"{r['title']} ({r['unit']})" if r["unit"] else r["title"], r["value"], r["rank"], "", r["words"])
            for r in page["needs"]
        ]
        high += title + _table((*(WORDS[name] for name in names), "", WORDS["words"]), rows, COLUMNS["need"], s) + 2.2
    if page["services"]:
        names = ("nearest", "where", "distance", "standard", "beyond")
        rows = [
            (
                f"000 {r['kind']}",
                f"{r['name']}, {r['place']}" if r["place"] else r["name"],
                r["distance"],
                r["standard"],
                r["beyond"],
            )
            for r in page["services"]
        ]
        high += title + _table([WORDS[name] for name in names], rows, COLUMNS["services"], s) + 2.2
    if page["gaps"] or page["no_gap"]:
        high += title + 2.2
        if page["gaps"]:
            names = ("question", "ingap", "partof", "sure")
            rows = [(f"{r['theme']}: {r['question']}", r["words"], r["communities"], r["sure"]) for r in page["gaps"]]
            high += _table([WORDS[name] for name in names], rows, COLUMNS["gaps"], s)
        if page["no_gap"]:
            high += 0.9 + _tall(_lines(page["no_gap"], WIDE, s), s)
    half = (WIDE - 6) / 2
    note = 1.0 + _tall(_lines(NO_ACTIONS, half, s), s) if not page["actions"] else _points(page["actions"], half, s)
    high += title + max(note + _tall(1, s) + 1 + lines * LINE, _points(page["limits"], half, s - 0.3))
    return high + 3.0 + _tall(_lines(page["credits"], WIDE, 6.6), 6.6)


LEAST = {"needs": 5, "services": 4, "gaps": 1, "limits": 4, "summary": 2}
"""Rows of each part that stay on the page, however long they are."""
TRIMMED = "Not everything fits on one side. The rest is on the ward’s page of the site."


def trimmed(data: dict[str, Any]) -> bool:
    """Take a row from the part that has most to spare, and say so; False when nothing can go any more."""
    part = max(LEAST, key=lambda name: len(data[name]) - LEAST[name])
    if len(data[part]) <= LEAST[part]:
        return False
    rest = [each for each in data["limits"] if each != TRIMMED]
    if part == "limits":
        rest = rest[:-1]
    else:
        data[part] = data[part][:-1]
    data["limits"] = [*rest, TRIMMED]
    return True
