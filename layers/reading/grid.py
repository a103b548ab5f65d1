"""Rows of cells as a table: where its header is, where it ends, and what its columns are called."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from layers.model import Fault
from layers.reading.questions import Choice, Question, line
from layers.reading.sheet import AS_FOUND, Layout, Limits, refuse


@dataclass(frozen=True)
class Framed:
    """A table found among rows of cells, and what was done to find it."""

    frame: pd.DataFrame
    header_rows: tuple[int, ...]
    faults: list[Fault]
    kept_out: tuple[tuple[int, str, str], ...] = ()
    questions: tuple[Question, ...] = ()


def frame_of(
    rows: list[list[str]],
    name: str,
    limits: Limits,
    numbers_of: Sequence[int] = (),
    layout: Layout = AS_FOUND,
    merged: Sequence[Sequence[int]] = (),
) -> Framed:
    """Rows as a frame of text: finds the header under titles and notes, the end above footnotes, and mends the headers.

    ``numbers_of`` the rows in the file, where some were left out. ``merged``: ranges of cells that are one, as first row, first
    column, last row and last column, counted from 1.
    """
    numbers_of = list(numbers_of or range(1, len(rows) + 1))
    faults: list[Fault] = []
    questions: list[Question] = []
    heads = _header_rows(rows, numbers_of, name, layout, merged, faults, questions)
    start = heads[-1] + 1 if heads else 0
    header = _joined(rows, heads, numbers_of, merged) if heads else [""] * max(map(len, rows), default=0)
    at_row = numbers_of[heads[-1]] if heads else 0
    header = header[: _used_width(header, rows)]
    width = len(header)
    if width > limits.columns:
        what = f"has {width:,} columns; at most {limits.columns:,} are taken"
        raise refuse(name, what, "leave some out", "too-large")
    _fill_merged(rows, numbers_of, start, merged, header, name, faults)
    body, numbers, ragged = [], [], []
    for number, row in zip(numbers_of[start:], rows[start:], strict=True):
        if number < layout.first_row or (layout.last_row and number > layout.last_row):
            continue
        if len(row) != width:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) > width and any(cell.strip() for cell in row[width:]):
                ragged.append((number, row))
                continue
            row = (row + [""] * width)[:width]
        elif not any(row):
            continue
        body.append(row)
        numbers.append(number)
    below = 0
    while not layout.last_row and body and width > 2 and sum(1 for cell in body[-1] if cell.strip()) <= 1:
        body.pop()
        numbers.pop()
        below += 1
    if not body and (below or not ragged):
        raise refuse(name, "holds a header but no rows", "put a record in each row below the header", "empty")
    if below:
        what = (
            f"the last {below} rows hold a single cell each and were taken for notes"
            if below > 1
            else "the last row holds a single cell and was taken for a note"
        )
        faults.append(Fault(what, name, "check the end of the table", rule="rows-below", severity="warning"))
    faults += _ragged_faults(ragged, width, len(body), name)
    names, found = headers(header, name, at_row)
    columns = dict(zip(names, zip(*body, strict=True), strict=True)) if body else dict.fromkeys(names, ())
    frame = pd.DataFrame(
        {key: pd.array(column, dtype="str") for key, column in columns.items()}, index=pd.Index(numbers)
    )
    nameless = [
        key for key, cell in zip(names, header, strict=True) if not cell.strip() and not (frame[key] != "").any()
    ]
    too_long = f"more cells than the {width} of the header"
    kept_out = tuple((number, " | ".join(row)[:500], too_long) for number, row in ragged)
    return Framed(
        frame.drop(columns=nameless), tuple(numbers_of[at] for at in heads), faults + found, kept_out, tuple(questions)
    )


def _ragged_faults(ragged: list[tuple[int, list[str]]], width: int, good: int, name: str) -> list[Fault]:
    """Rows longer than the header are kept out and said; where they are many it is the header that is wrong."""
    severity = "error" if len(ragged) > max(1, good // 10) else "warning"
    todo = 'put text that holds the delimiter between quotation marks (")'
    faults = []
    for number, row in ragged[:20]:
        what = f"has {len(row)} cells where the header has {width}, and is kept out"
        faults.append(Fault(what, name, todo, row=number, rule="ragged", severity=severity))
    if len(ragged) > 20:
        what = f"{len(ragged) - 20:,} more rows have too many cells"
        faults.append(Fault(what, name, rule="ragged", severity=severity))
    return faults


# ---------------------------------------------------------------- the header


def _header_rows(rows, numbers_of, name, layout, merged, faults, questions) -> list[int]:
    """Positions of the rows of the header: as said, else found; none where the first row is a record already."""
    if layout.header_rows is not None:
        known = {number: at for at, number in enumerate(numbers_of)}
        heads = sorted(known[number] for number in layout.header_rows if number in known)
        if layout.header_rows and not heads:
            what = f"row {layout.header_rows[0]} was said to be the header, but it is empty"
            raise refuse(name, what, "say another row", "header-rows")
        return heads
    at = _header_at(rows)
    if at is None:
        what = "holds no table"
        raise refuse(name, what, "put the names of the columns in one row and a record in each row below", "empty")
    if _is_record(rows, at):
        number = numbers_of[at]
        shown = ", ".join(cell for cell in rows[at] if cell.strip())[:120]
        what = f"the file has no header: row {number} is a record already; its columns are called by their letters"
        faults.append(Fault(what, name, "say which row is the header", number, rule="no-header", severity="warning"))
        choices = (
            Choice("The file has no header", line("header_rows", [])),
            Choice(f"Row {number} is the header", line("header_rows", [number])),
        )
        words = f"Is row {number} a record or the header: {shown}?"
        questions.append(Question("header_rows", words, name, choices, (shown,)))
        return []
    heads = _with_its_groups(rows, at, numbers_of, merged)
    if above := numbers_of[heads[0]] - 1:
        what = "the row above the header was passed over"
        what = f"the {above} rows above the header were passed over" if above > 1 else what
        todo = f"check that row {numbers_of[heads[0]]} is the header"
        faults.append(Fault(what, name, todo, rule="rows-above", severity="warning"))
    if len(heads) > 1:
        said = " and ".join(str(numbers_of[one]) for one in heads)
        what = f"rows {said} were read together as the header"
        faults.append(Fault(what, name, "say which rows are the header", rule="header-rows", severity="warning"))
    return heads


_RECORD = re.compile(
    r"[A-Z]{1,2}\d{4,8}[A-Z]?|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|(?:19|20)\d{6}|\d{4}-\d\d-\d\d|\d\d/\d\d/\d{4}"
)
"""What names a record and never a column: an official code, a postcode, a whole date."""


def _is_record(rows: list[list[str]], at: int) -> bool:
    """Whether the row that looks like a header is a record like those below: a code, postcode or date over more of the same."""
    below = [row for row in rows[at + 1 : at + 60] if any(cell.strip() for cell in row)]
    for place, cell in enumerate(rows[at]):
        if _RECORD.fullmatch(cell.strip()):
            under = [row[place].strip() for row in below if place < len(row) and row[place].strip()]
            if under and sum(1 for one in under if _RECORD.fullmatch(one)) >= 0.6 * len(under):
                return True
    return False


def _with_its_groups(rows, at: int, numbers_of, merged) -> list[int]:
    """The header with the row of names of groups above it, or of parts below it: cells over several columns say so, or names
    that would stand twice."""
    row = rows[at]
    across = [one for one in merged if one[3] > one[1]]
    here = [one for one in across if one[0] <= numbers_of[at] <= one[2]]
    below = rows[at + 1] if at + 1 < len(rows) else []
    blank_over_name = any(
        not (row[place].strip() if place < len(row) else "") and cell.strip() for place, cell in enumerate(below)
    )
    names_below = [cell.strip() for cell in below if cell.strip()]
    if names_below and not any(_is_value(cell) for cell in names_below) and (here or blank_over_name):
        after = rows[at + 2] if at + 2 < len(rows) else []
        if any(_is_value(cell.strip()) for cell in after) and len(names_below) > 1:
            return [at, at + 1]
    above = rows[at - 1] if at else []
    filled = [cell.strip() for cell in above if cell.strip()]
    named = [cell.strip() for cell in row if cell.strip()]
    if len(filled) > 1 and len(set(named)) < len(named) and numbers_of[at - 1] == numbers_of[at] - 1:
        return [at - 1, at]
    return [at]


def _joined(rows, heads: list[int], numbers_of, merged) -> list[str]:
    """One name for each column out of the rows of its header; in all but the last a name holds for the blanks to its right."""
    if len(heads) == 1:
        return list(rows[heads[0]])
    width = max(len(rows[at]) for at in heads)
    out = [[] for _ in range(width)]
    last = rows[heads[-1]]
    for at in heads:
        row = (rows[at] + [""] * width)[:width]
        group = ""
        for place, cell in enumerate(row):
            text = cell.strip()
            if at != heads[-1]:
                under = last[place].strip() if place < len(last) else ""
                group = text or (group if under else "")
                text = group
            if text and text not in out[place]:
                out[place].append(text)
    return [" ".join(parts) for parts in out]


def _fill_merged(rows, numbers_of, start: int, merged, header, name: str, faults: list[Fault]) -> None:
    """Cells that are one over several rows hold for each of them. Changes the rows."""
    place = {number: at for at, number in enumerate(numbers_of)}
    filled: dict[int, int] = {}
    for first, column, last, _ in merged:
        if last <= first or column > len(header):
            continue
        source = place.get(first)
        if source is None or source < start or column > len(rows[source]):
            continue
        value = rows[source][column - 1]
        for number in range(first + 1, last + 1):
            at = place.get(number)
            if at is None or not value.strip():
                continue
            if len(rows[at]) < column:
                rows[at] = rows[at] + [""] * (column - len(rows[at]))
            if not rows[at][column - 1].strip():
                rows[at][column - 1] = value
                filled[column] = filled.get(column, 0) + 1
    for column, count in filled.items():
        what = f"{count:,} cells are part of a merged one and were filled with what it says"
        faults.append(Fault(what, name, "", column=header[column - 1], rule="merged-cells", severity="warning"))


def _used_width(header: list[str], rows: list[list[str]]) -> int:
    """Columns of the header up to the last that has a name or a value. Each cell is looked at once: a header may be millions of
    blanks wide."""
    used = next((at for at in range(len(header), 0, -1) if header[at - 1].strip()), 0)
    for row in rows:
        for at in range(min(len(row), len(header)), used, -1):
            if row[at - 1].strip():
                used = at
                break
    return used


def _header_at(rows: list[list[str]]) -> int | None:
    """Position of the header: the first row as wide as the table usually is, with names and not numbers in it."""
    filled = [sum(1 for cell in row if cell.strip()) for row in rows[:200]]
    if not any(filled):
        return None
    later = sorted(count for count in filled if count > 1) or [1]  # titles and notes fill one cell
    usual = later[len(later) // 2]
    for at, count in enumerate(filled[:60]):
        if count >= max(1, min(2, usual), round(0.6 * usual)):
            return _below_a_title(rows, at, usual)
    return next(at for at, count in enumerate(filled) if count)


def _below_a_title(rows: list[list[str]], at: int, usual: int) -> int:
    """The header, where the row ``at`` that looks like one is a title with a comma in it: ``Older people, 2020,,``.

    A title leaves the last cells blank; the header below it fills them and holds nothing that is a value.
    """
    row = rows[at]
    filled = [bool(cell.strip()) for cell in row]
    if sum(filled) >= usual or sum(filled) > 3 or (any(filled[sum(filled) :]) or not all(filled[: sum(filled)])):
        return at
    for below in range(at + 1, min(at + 6, len(rows))):
        cells = [cell.strip() for cell in rows[below] if cell.strip()]
        if any(_is_value(cell) for cell in cells):
            return at
        if len(cells) >= usual:
            return below
    return at


_VALUE = re.compile(
    r"[-+(£$€<]*\d[\d,. ]*%?\)?|[A-Z]\d{8}|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|\d{1,4}[-/]\d{1,2}[-/]\d{1,4}", re.I
)


def _is_value(cell: str) -> bool:
    """A number, an official code, a postcode or a date: what stands in a table and not in its header (but years do)."""
    return bool(_VALUE.fullmatch(cell)) and not re.fullmatch(r"(?:19|20)\d{2}", cell)


_HEADER_SPACES = re.compile(r"[\s\u00a0\ufeff\u200b]+")


def headers(cells: list[str], name: str, row: int) -> tuple[list[str], list[Fault]]:
    out, faults, used = [], [], {}
    for at, cell in enumerate(cells):
        text = _HEADER_SPACES.sub(" ", cell).strip()
        text = "".join(letter for letter in text if letter.isprintable())[:200] or f"column {_letter(at)}"
        key, times = text, 1
        while key in used:
            times += 1
            key = f"{text} ({times})"
        if times > 1:
            what = f"the header {text!r} stands more than once; the later one is called {key!r}"
            todo = "give each column its own name"
            faults.append(Fault(what, name, todo, row, text, rule="header-twice", severity="warning"))
        used[key] = at
        out.append(key)
    return out, faults


def _letter(at: int) -> str:
    """The letters of a spreadsheet's column: 0 is A, 26 is AA."""
    text = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        text = chr(65 + rest) + text
    return text


def check_cells(text: pd.DataFrame, name: str, limits: Limits) -> None:
    if text.size > limits.cells:
        raise refuse(name, f"has more than {limits.cells:,} cells", "divide it", "too-large")
