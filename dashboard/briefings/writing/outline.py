"""A briefing's text as a row of pages, so that pages can be moved, removed and added without touching anything else in it.

The cut is made where Markdown sees a top-level heading (not within a fenced block); it works on texts that have faults too.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache

from markdown_it import MarkdownIt

MOST_DIFFERENT = 5_000
"""Lines of a comparison: nobody reads more, and a browser would have to draw them."""

_MOST = 200_000  # characters; layers refuses a briefing of more bytes
_LONG = 4_000  # lines of both texts
_MOST_PAIRS = 2_000_000
_END = re.compile(r"(---|\.\.\.)\s*\Z")


@dataclass(frozen=True)
class Part:
    """One page: its number from 1, its headline as written, its first line (from 1) and the one after its last."""

    number: int
    headline: str
    line: int
    end: int


@lru_cache(maxsize=16)  # one request asks several times
def parts_of(text: str) -> tuple[Part, ...]:
    """The pages of a text; none of one that is larger than a briefing may be: it is refused, but not before it is sent back."""
    if len(text) > _MOST:
        return ()
    lines = tidy(text).split("\n")
    start = _front(lines)
    heads = []
    for piece, inner in _pairs(_markdown().parse("\n".join(lines[start:]))):
        if piece.type == "heading_open" and piece.tag == "h1" and piece.level == 0:
            heads.append((piece.map[0] + start + 1, inner.content.strip()))
    ends = [line for line, _ in heads[1:]] + [len(lines) + 1] * bool(heads)
    return tuple(
        Part(number, headline, line, end)
        for number, ((line, headline), end) in enumerate(zip(heads, ends, strict=True), 1)
    )


def page_at(text: str, line: int) -> int:
    """The page on which a line stands; 1 for the settings above them, 0 where there is no page."""
    found = parts_of(text)
    return next((part.number for part in reversed(found) if part.line <= line), 1 if found else 0)


def move(text: str, number: int, by: int) -> str:
    """The text with one page ``by`` places further down (or up, when negative); the same text where that is not possible."""
    head, pages = _cut(text)
    to = number - 1 + by
    if not (0 < number <= len(pages) and 0 <= to < len(pages)):
        return tidy(text)
    pages.insert(to, pages.pop(number - 1))
    return _join(head, pages)


def remove(text: str, number: int) -> str:
    """The text without one page. The last one stays: a briefing has at least one."""
    head, pages = _cut(text)
    if not 0 < number <= len(pages) or len(pages) == 1:
        return tidy(text)
    del pages[number - 1]
    return _join(head, pages)


def insert(text: str, after: int, page: str) -> str:
    """The text with a page (Markdown that begins with ``#``) behind page ``after``; 0: before the first, -1: at the end."""
    head, pages = _cut(text)
    pages.insert(len(pages) if after < 0 else min(after, len(pages)), page)
    return _join(head, pages)


def with_setting(text: str, name: str, value: str) -> str:
    """The text with one setting of its front matter put in the place of what was there; "" takes it out."""
    lines = tidy(text).split("\n")
    end = _front(lines)
    value = " ".join(value.split())
    if not end:
        return "\n".join(["---", *([f"{name}: {_quoted(value)}"] if value else []), "---", *lines])
    kept = [line for line in lines[1 : end - 1] if not re.match(rf"{re.escape(name)}\s*:", line)]
    at = next((n for n, line in enumerate(lines[1 : end - 1]) if re.match(rf"{re.escape(name)}\s*:", line)), len(kept))
    if value:
        kept.insert(min(at, len(kept)), f"{name}: {_quoted(value)}")
    return "\n".join([lines[0], *kept, *lines[end - 1 :]])


def setting(text: str, name: str) -> str:
    """What the front matter says, also of a text that cannot be read yet; "" where it says nothing."""
    lines = tidy(text).split("\n")
    found = (re.match(rf"{re.escape(name)}\s*:(.*)", line) for line in lines[1 : max(_front(lines) - 1, 1)])
    value = next((one[1].strip() for one in found if one), "")
    return value[1:-1].replace('\\"', '"') if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value


def differences(before: str, after: str, around: int = 2) -> list[tuple[str, int, str]]:
    """(out | in | same | gap, line number in its own text, text): what was taken out and put in, and the lines around it; at
    most :data:`MOST_DIFFERENT` of them."""
    a, b = tidy(before).split("\n"), tidy(after).split("\n")
    out: list[tuple[str, int, str]] = []
    for n, group in enumerate(_groups(a, b, around)):
        if n:
            out.append(("gap", 0, ""))
        for tag, a1, a2, b1, b2 in group:
            if tag == "equal":
                out += [("same", b1 + i + 1, line) for i, line in enumerate(b[b1:b2])]
            else:
                out += [("out", a1 + i + 1, line) for i, line in enumerate(a[a1:a2])]
                out += [("in", b1 + i + 1, line) for i, line in enumerate(b[b1:b2])]
    return out if len(out) <= MOST_DIFFERENT else [*out[:MOST_DIFFERENT], ("gap", 0, "")]


def _groups(a: list[str], b: list[str], around: int) -> Iterable[list[tuple[str, int, int, int, int]]]:
    """As difflib groups them. Its time grows with the pairs of equal lines, and texts can be made of nothing else: then lines
    that come often are not matched, and where that is not enough everything between the same first and last lines differs."""
    long = len(a) + len(b) > _LONG
    in_a, in_b = Counter(a), Counter(b)
    often = len(b) // 100 + 1 if long else len(b)  # difflib's own rule
    if sum(count * in_a[line] for line, count in in_b.items() if count <= often) <= _MOST_PAIRS:
        return difflib.SequenceMatcher(None, a, b, autojunk=long).get_grouped_opcodes(around)
    start = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    rest = min(len(a), len(b)) - start
    end = next((n for n in range(rest) if a[-1 - n] != b[-1 - n]), rest)
    if start == len(a) == len(b):
        return []
    top, (to_a, to_b) = max(start - around, 0), (len(a) - end, len(b) - end)
    return [
        [
            ("equal", top, start, top, start),
            ("replace", start, to_a, start, to_b),
            ("equal", to_a, min(to_a + around, len(a)), to_b, min(to_b + around, len(b))),
        ]
    ]


def tidy(text: str) -> str:
    """Line ends as everywhere else; a browser's form sends others."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark")


def _pairs(pieces: list):
    return ((piece, pieces[n + 1]) for n, piece in enumerate(pieces[:-1]))


def _front(lines: list[str]) -> int:
    """How many lines the front matter takes, with both of its hyphens."""
    if lines[0].strip() != "---":
        return 0
    return next((n + 1 for n, line in enumerate(lines[1:], 1) if _END.match(line.strip())), 0)


def _cut(text: str) -> tuple[str, list[str]]:
    """What stands before the first page, and each page."""
    lines = tidy(text).split("\n")
    found = parts_of(text)
    first = found[0].line - 1 if found else len(lines)
    return "\n".join(lines[:first]), ["\n".join(lines[part.line - 1 : part.end - 1]) for part in found]


def _join(head: str, pages: list[str]) -> str:
    return "\n\n".join(part.strip("\n") for part in (head, *pages) if part.strip()) + "\n"


def _quoted(value: str) -> str:
    """A value as YAML reads it back: in quotes where it holds a sign that means something there."""
    if value and (value[0] in "&*!|>%@`'\"[]{},#?:-" or ": " in value or " #" in value or value.endswith(":")):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return value
