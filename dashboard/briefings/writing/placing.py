"""Where something that is put into a briefing's text may stand: numbers among words, exhibits one to a page.

Whoever writes presses a button with the cursor anywhere: in the settings, in an exhibit, before the first page. What is put in
stands where it is read, and everything else stays as it was.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dashboard.briefings.writing.outline import parts_of, tidy
from dashboard.views.wording import HEADLINE_TO_WRITE

NEW_PAGE = f"# {HEADLINE_TO_WRITE}"

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*(\w*)")
_HEAD = re.compile(r" {0,3}#{1,6}[ \t]*")
_TOKEN = re.compile(r"\{\{(?:(?!\{\{|\}\}).)*\}\}", re.DOTALL)


@dataclass(frozen=True)
class Placed:
    """The text, and from where to where in it what was put in stands (in characters)."""

    text: str
    start: int
    end: int


def place_words(text: str, at: int, words: str) -> Placed:
    """Put a token where the cursor is; in the place of another one that the cursor is in, and of an exhibit never."""
    text = _with_page(tidy(text))
    at = max(0, min(at, len(text)))
    for found in _TOKEN.finditer(text):
        if found.start() < at < found.end():
            start, end = found.span()
            return Placed(text[:start] + words + text[end:], start, start + len(words))
    lines = text.split("\n")
    line = text.count("\n", 0, at) + 1
    page = next((part for part in reversed(parts_of(text)) if part.line <= line), None)
    fence = _fence_at(lines, line)
    if page is None or (fence and (fence[2] != "notes" or line in fence[:2])):
        page = page or parts_of(text)[0]
        at = _start_of(lines, _last_words(lines, page.line, page.end))
        at += len(lines[text.count("\n", 0, at)])
    elif head := _HEAD.match(lines[line - 1]):
        at = max(at, _start_of(lines, line) + head.end())  # behind what makes it a headline
    before = " " if at and text[at - 1] not in " \n(“\"'" else ""
    after = " " if at < len(text) and (text[at].isalnum() or text[at] == "{") else ""
    put = f"{before}{words}{after}"
    return Placed(text[:at] + put + text[at:], at + len(before), at + len(before) + len(words))


def place_exhibit(text: str, at: int, block: str) -> Placed:
    """Put an exhibit on the page of the cursor, in the place of the one that is there: a page has one."""
    text = _with_page(tidy(text))
    lines = text.split("\n")
    line = text.count("\n", 0, max(0, min(at, len(text)))) + 1
    parts = parts_of(text)
    page = next((part for part in reversed(parts) if part.line <= line), parts[0])
    fences = [found for found in _fences(lines) if page.line <= found[0] < page.end]
    there = next((found for found in fences if found[2] == "exhibit"), None)
    if there is not None:
        first, last = there[0] - 1, there[1]
    else:
        line = line if line > page.line else _last_words(lines, page.line, page.end)
        first = last = _after_block(lines, line, page.end - 1)
    before = [] if first and not lines[first - 1].strip() else [""]
    after = [] if last < len(lines) and not lines[last].strip() else [""]
    made = [*lines[:first], *before, *block.split("\n"), *after, *lines[last:]]
    start = sum(len(each) + 1 for each in made[: first + len(before)])
    return Placed("\n".join(made), start, start + len(block))


def exhibit_block(lines: tuple[str, ...]) -> str:
    return "\n".join(["```exhibit", *lines, "```"])


def _with_page(text: str) -> str:
    """The text, with a page to put things on where it has none; a block that was never closed is."""
    for end in ("", "\n```", "\n~~~"):
        if parts_of(text):
            return text
        made = f"{text.rstrip()}{end}\n\n{NEW_PAGE}\n".lstrip("\n")
        if parts_of(made):
            return made
    return f"{NEW_PAGE}\n\n{text}"


def _fences(lines: list[str]) -> list[tuple[int, int, str]]:
    """(first line, last line, word) of every fenced block, lines from 1; one without an end runs to the last line."""
    out, start, mark, word = [], 0, "", ""
    for number, line in enumerate(lines, 1):
        found = _FENCE.match(line)
        if not start and found:
            start, mark, word = number, found[1], found[2]
        elif start and found and found[1].startswith(mark) and not line.strip().strip(mark[0]):
            out.append((start, number, word))
            start = 0
    if start:
        out.append((start, len(lines), word))
    return out


def _fence_at(lines: list[str], line: int) -> tuple[int, int, str] | None:
    return next((found for found in _fences(lines) if found[0] <= line <= found[1]), None)


def _last_words(lines: list[str], first: int, end: int) -> int:
    """The last line of a page's words (its headline where it has no more), before its exhibit and notes."""
    fences = [found[0] for found in _fences(lines) if first <= found[0] < end]
    stop = min([*fences, end])
    return next((number for number in range(stop - 1, first, -1) if lines[number - 1].strip()), first)


def _after_block(lines: list[str], line: int, last: int) -> int:
    """The number of lines before the first place at or below ``line`` that is between two blocks."""
    fence = _fence_at(lines, line)
    if fence:
        return fence[0] - 1 if fence[2] == "notes" else fence[1]
    while line <= min(last, len(lines)) and lines[line - 1].strip():
        line += 1
    return min(line - 1, last)


def _start_of(lines: list[str], line: int) -> int:
    return sum(len(each) + 1 for each in lines[: line - 1])
