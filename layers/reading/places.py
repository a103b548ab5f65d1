"""Ways of writing where something is that are not two columns of numbers: ``54.97,-1.61`` in one column, degrees and minutes, National
Grid references, WKT points, a postcode inside an address, X and Y of either system. Each becomes columns that have a role.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pandas as pd

from layers.geography import postcodes
from layers.model import Fault
from layers.reading.marks import numbers

MOSTLY = 0.8
LOOKED_AT = 500
Pair = tuple[float, float, float]  # x, y and the size in metres of the square that a reference stands for (0: a point)


@dataclass
class Places:
    """The table with the columns that were made; ``roles``: role -> (header, reason)."""

    text: pd.DataFrame
    roles: dict[str, tuple[str, str]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


# ---------------------------------------------------------------- spellings


_NUMBER = r"[+-]?\d{1,7}(?:\.\d+)?"
_TWO = re.compile(rf"[(\[]?\s*({_NUMBER})\s*(?:[,;|]|\s)\s*({_NUMBER})\s*[)\]]?")
_WKT = re.compile(rf"(?:SRID=\d+;)?\s*POINT\s*Z?\s*\(\s*({_NUMBER})\s+({_NUMBER})(?:\s+{_NUMBER})?\s*\)", re.IGNORECASE)
_GRID = re.compile(r"([HJNOST])([A-HJ-Z])\s*(\d{2,5})\s*(\d{2,5})", re.IGNORECASE)
_ANGLE = re.compile(
    r"([NSEW])?\s*([+-]?\d{1,3})\s*(?:°|º|d|deg|:|\s)\s*(\d{1,2})\s*(?:['′’m:]|min|\s)\s*(?:(\d{1,2}(?:\.\d+)?)\s*(?:\"|″|”|''|s|sec)?)?"
    r"\s*([NSEW])?",
    re.IGNORECASE,
)


def in_degrees(x: float, y: float) -> bool:
    return 49 <= y <= 61.5 and -9 <= x <= 2.5


def in_metres(x: float, y: float) -> bool:
    return 0 < x < 700_000 and 0 < y < 1_300_000 and (x > 1_000 or y > 1_000)


def two_numbers(cell: str) -> Pair | None:
    """``54.97,-1.61``, latitude or longitude first, and ``425374, 561243``."""
    found = _TWO.fullmatch(cell) or _WKT.fullmatch(cell)
    if not found:
        return None
    one, two = float(found[1]), float(found[2])
    if in_degrees(two, one):
        return two, one, 0.0
    return (one, two, 0.0) if in_degrees(one, two) or in_metres(one, two) else None


def grid_reference(cell: str) -> Pair | None:
    """The middle of the square that ``NZ 25374 61243`` or ``NZ255632`` names, in metres of EPSG:27700, and its size."""
    found = _GRID.fullmatch(cell.strip())
    if not found:
        return None
    digits = found[3] + found[4]
    if len(digits) % 2 or len(digits) > 10 or (len(found[3]) != len(found[4]) and re.search(r"\d\s+\d", cell)):
        return None
    letters = "ABCDEFGHJKLMNOPQRSTUVWXYZ"  # without I
    first, second = letters.index(found[1].upper()), letters.index(found[2].upper())
    east = ((first - 2) % 5) * 5 + second % 5
    north = 19 - first // 5 * 5 - second // 5
    half = len(digits) // 2
    size = 10.0 ** (5 - half)
    x = east * 100_000 + int(digits[:half]) * size + size / 2
    y = north * 100_000 + int(digits[half:]) * size + size / 2
    return (x, y, size) if in_metres(x, y) else None


def angle(cell: str) -> tuple[float, str] | None:
    """Degrees, and the axis that a letter names, from ``54° 58' 13.6" N``; None where it is no such thing."""
    found = _ANGLE.fullmatch(cell.strip())
    if not found or (not (found[1] or found[5]) and not re.search(r"[°ºd:'′’]", cell)):
        return None
    minutes, seconds = int(found[3]), float(found[4] or 0)
    if minutes >= 60 or seconds >= 60:
        return None
    letter = (found[5] or found[1] or "").upper()
    degrees = abs(int(found[2])) + minutes / 60 + seconds / 3600
    negative = letter in ("S", "W") or found[2].startswith("-")
    return (-degrees if negative else degrees), {"N": "y", "S": "y", "E": "x", "W": "x"}.get(letter, "")


def two_angles(cell: str) -> Pair | None:
    """Two of them in one cell, latitude and longitude."""
    for found in re.finditer(r"(?<=[NSEW])[\s,;]*(?=\d)|[\s,;]+(?=[NSEW]\s*\d)|\s*[,;]\s*", cell, re.IGNORECASE):
        one, two = angle(cell[: found.start()]), angle(cell[found.end() :])
        if one and two:
            x, y = (one[0], two[0]) if one[1] == "x" or two[1] == "y" else (two[0], one[0])
            return (x, y, 0.0) if in_degrees(x, y) else None
    return None


IN_ONE: tuple[tuple[str, Callable[[str], Pair | None], str], ...] = (
    # what stands in one column, how it is read, and what the header has to speak of ("": nothing)
    ("two numbers", two_numbers, ""),
    ("degrees, minutes and seconds", two_angles, ""),
    ("National Grid references", grid_reference, r"grid|ngr|\bos\b|map|location|position|coord|place|reference"),
)
"""Further ways are rows here."""


# ---------------------------------------------------------------- the table


def find_places(text: pd.DataFrame, said: Sequence[str], where: str, *, in_texts: bool = True) -> Places:
    """Columns that say where each row is, out of one that says it in its own way. ``said``: the columns that were named for it,
    east before north where they are two; else all are looked at. ``in_texts``: postcodes inside addresses too."""
    out = Places(text)
    wanted = [header for header in said if header in text.columns]
    if missing := [header for header in said if header not in text.columns]:
        todo = f"the table has: {', '.join(text.columns[:20])}"
        out.faults.append(Fault(f"there is no column {missing[0][:60]!r}", where, todo, rule="column-missing"))
    if len(wanted) == 2:
        _two_columns(out, wanted, where)
        return out
    looked = wanted or list(text.columns[:100])
    done = _angles(out, looked, where) or _in_one(out, looked, where, bool(wanted)) or _x_and_y(out, looked)
    if not done and in_texts:
        _inside_addresses(out, looked, where)
    return out


def _filled(column: pd.Series) -> list[str]:
    return [cell for cell in column.head(LOOKED_AT).str.strip().tolist() if cell]


def _add(out: Places, header: str, values: Sequence[object], role: str, reason: str) -> None:
    name, at = header, 1
    while name in out.text.columns:
        at += 1
        name = f"{header} ({at})"
    out.text = out.text.assign(**{name: pd.array([str(value) for value in values], dtype="str")})
    out.roles[role] = (name, reason)


def _in_one(out: Places, looked: Sequence[str], where: str, named: bool) -> bool:
    for what, read, words in IN_ONE:
        for header in looked:
            cells = _filled(out.text[header])
            if not cells or (words and not named and not re.search(words, header.casefold())):
                continue
            if sum(read(cell) is not None for cell in cells) < MOSTLY * len(cells):
                continue
            pairs = [read(cell.strip()) for cell in out.text[header]]
            good = [pair for pair in pairs if pair]
            degrees = sum(in_degrees(pair[0], pair[1]) for pair in good) > len(good) / 2
            x, y = ("longitude", "latitude") if degrees else ("easting", "northing")
            digits = 7 if degrees else 1
            for at, role in ((0, x), (1, y)):
                values = [f"{pair[at]:.{digits}f}" if pair else "" for pair in pairs]
                _add(out, f"{header}: {role}", values, role, f"from the {what} in {header!r}")
            _say(out, header, what, pairs, where)
            return True
    return False


def _say(out: Places, header: str, what: str, pairs: Sequence[Pair | None], where: str) -> None:
    sizes = sorted({pair[2] for pair in pairs if pair and pair[2]})
    good = sum(pair is not None for pair in pairs)
    tail = f"; the middle of each square of {' or '.join(f'{size:,.0f} m' for size in sizes)} is used" if sizes else ""
    said = f"{good:,} places were read from the {what} in this column{tail}"
    out.faults.append(Fault(said, where, "", column=header, rule="places-read", severity="warning"))
    for at, (cell, pair) in enumerate(zip(out.text[header], pairs, strict=True)):
        if pair is None and cell.strip():
            row = int(out.text.index[at])
            what_ = f"{cell.strip()[:60]!r} is no place that can be read"
            out.faults.append(Fault(what_, where, "", row, header, cell[:80], "place-unread", "warning"))
            if len(out.faults) > 20:
                break


def _angles(out: Places, looked: Sequence[str], where: str) -> bool:
    """Two columns of degrees and minutes: which is which is said by their letters, else by their headers."""
    found: dict[str, str] = {}
    for header in looked:
        cells = _filled(out.text[header])
        read = [angle(cell) for cell in cells]
        good = [one for one in read if one]
        if not good or len(good) < MOSTLY * len(cells):
            continue
        axes = {one[1] for one in good}
        plain = header.casefold()
        axis = axes.pop() if len(axes) == 1 else ""
        axis = axis or ("y" if re.search(r"lat|north", plain) else "x" if re.search(r"lon|lng|east", plain) else "")
        if axis:
            found.setdefault(axis, header)
    if set(found) != {"x", "y"}:
        return False
    for axis, role in (("x", "longitude"), ("y", "latitude")):
        header = found[axis]
        values = [f"{one[0]:.7f}" if (one := angle(cell)) else cell for cell in out.text[header]]
        _add(out, f"{header} in degrees", values, role, f"from the degrees and minutes in {header!r}")
    what = "degrees, minutes and seconds were read as degrees"
    headers = ", ".join(found[axis] for axis in ("y", "x"))
    out.faults.append(Fault(what, where, "", column=headers, rule="places-read", severity="warning"))
    return True


_AXES = re.compile(r"(?:geo|coord|map|point|os|gis)?[ _-]*([xy])(?:[ _-]*(?:coord(?:inate)?s?|pos))?", re.IGNORECASE)


def _x_and_y(out: Places, looked: Sequence[str]) -> bool:
    """Columns called GeoX and GeoY, X_COORD and Y_COORD: of which system they are, their numbers say."""
    found: dict[str, str] = {}
    for header in looked:
        if match := _AXES.fullmatch(header.strip()):
            found.setdefault(match[1].lower(), header)
    if set(found) != {"x", "y"}:
        return False
    return _of_numbers(out, found["x"], found["y"], "by its header and its numbers")


def _of_numbers(out: Places, x: str, y: str, reason: str) -> bool:
    read = [numbers(out.text[header]) for header in (x, y)]
    pairs = [
        (a, b)
        for a, b, one, two in zip(read[0].value, read[1].value, read[0].state, read[1].state, strict=True)
        if one == two == "number" and (a or b)
    ]
    if not pairs:
        return False
    degrees = sum(in_degrees(*pair) or in_degrees(*pair[::-1]) for pair in pairs) > len(pairs) / 2
    roles = ("longitude", "latitude") if degrees else ("easting", "northing")
    out.roles |= {role: (header, reason) for role, header in zip(roles, (x, y), strict=True)}
    return True


def _two_columns(out: Places, wanted: Sequence[str], where: str) -> None:
    if not _angles(out, wanted, where):
        _of_numbers(out, wanted[0], wanted[1], "as you said")


def _inside_addresses(out: Places, looked: Sequence[str], where: str) -> None:
    """A postcode at the end of an address, where no column holds postcodes."""
    best: tuple[float, str] = (0.5, "")
    for header in looked:
        cells = _filled(out.text[header])
        if len(cells) < 1:
            continue
        if sum(bool(postcodes.normalise(cell)) for cell in cells) > 0.5 * len(cells):
            return
        share = sum(bool(postcodes.inside(cell)) for cell in cells) / len(cells)
        if share >= best[0]:
            best = (share, header)
    header = best[1]
    if not header:
        return
    values = [postcodes.inside(cell) for cell in out.text[header]]
    _add(out, f"{header}: postcode", values, "postcode", f"from the text in {header!r}")
    what = f"{sum(map(bool, values)):,} postcodes were read from the text in this column"
    out.faults.append(Fault(what, where, "", column=header, rule="places-read", severity="warning"))


# ---------------------------------------------------------------- postcodes


def mend_postcodes(column: pd.Series) -> tuple[pd.Series, dict[str, int]]:
    """Postcodes as they were meant: one inside a text, and letters O and I that stand for 0 and 1 (or the reverse) where exactly one
    postcode in use fits. With how many of each were mended. What cannot be mended stays as it is written."""
    written = column.fillna("").astype("str")
    cells = list(dict.fromkeys(written.tolist()))
    whole = {cell: postcodes.normalise(cell) or "" for cell in cells}
    accuracy = dict(zip(cells, postcodes.locate(pd.Series([whole[cell] for cell in cells]))["accuracy"], strict=True))
    mended: dict[str, tuple[str, str]] = {}
    for cell in cells:
        if not cell.strip() or accuracy[cell] == "unit":
            continue
        if not whole[cell] and (found := postcodes.inside(cell)):
            mended[cell] = (found, "a postcode in a longer text")
            continue
        candidates = postcodes.look_alikes(cell)
        if candidates:
            known = postcodes.locate(pd.Series(candidates))["accuracy"] == "unit"
            fits = [one for one, good in zip(candidates, known, strict=True) if good]
            if len(fits) == 1:
                mended[cell] = (fits[0], "a letter O or I in place of a digit, or the reverse")
    counts: dict[str, int] = {}
    for cell, (_, why) in mended.items():
        counts[why] = counts.get(why, 0) + int((written == cell).sum())
    return written.map(lambda cell: mended[cell][0] if cell in mended else cell).astype("str"), counts


# ---------------------------------------------------------------- what no place can be made of


def spoilt_numbers(text: pd.DataFrame, where: str) -> list[Fault]:
    """Columns of long numbers that a spreadsheet has shortened to 1.00E+11: what they were cannot be told any more."""
    faults = []
    for header in text.columns[:200]:
        cells = _filled(text[header])
        bad = [cell for cell in cells if re.fullmatch(r"\d(?:\.\d+)?[eE]\+?(?:[89]|1\d)", cell)]
        if len(bad) > 0.5 * len(cells):
            what = f"{len(bad):,} cells such as {bad[0]} were shortened by a spreadsheet; what the numbers were is lost"
            todo = "export the list again, and import this column as text"
            faults.append(
                Fault(what, where, todo, column=header, value=bad[0], rule="excel-damage", severity="warning")
            )
    return faults
