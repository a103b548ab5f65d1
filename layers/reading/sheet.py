"""A table of text as it came out of a file, what a file may cost, and how one is refused."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from layers.model import Fault, Refused
from layers.reading.questions import Question

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What an upload may cost. The defaults let through every LSOA of England with 100 columns."""

    upload: int = 100 * MIB
    unpacked: int = 200 * MIB  # all the files of a zip together
    always_unpacked: int = 4 * MIB  # so much may come out of the smallest zip,
    times: int = (
        40  # and so many times its size: tables of figures shrink to a tenth, a file made to grow to a thousandth
    )
    members: int = 100  # files in a zip
    rows: int = 500_000
    columns: int = 1_000
    cells: int = 10_000_000
    line: int = 4 * MIB  # bytes before the first line end
    descriptor: int = 2 * MIB
    json: int = 48 * MIB  # as Python objects it takes some ten times that
    cpu_s: int = 60  # of the child process
    wall_s: int = 90
    memory: int = 2_048 * MIB

    def of_zip(self, size: int) -> int:
        """Bytes, and letters, that may come out of a zip or workbook of this size."""
        return min(self.unpacked, self.always_unpacked + self.times * size)


LIMITS = Limits()


@dataclass(frozen=True)
class Layout:
    """What was said of the rows of a file, as a recipe says it. ``header_rows``: None while nobody has said, () for none."""

    sheet: str = ""
    sheets_as_periods: bool | tuple[str, ...] = False
    header_rows: tuple[int, ...] | None = None
    first_row: int = 0
    last_row: int = 0


AS_FOUND = Layout()


@dataclass(frozen=True)
class Sheet:
    """A table whose cells are text exactly as written; the index is the row as a person counts in the file (header: 1 or more).

    ``epsg`` is that of the columns ``longitude, latitude`` or ``easting, northing`` which came out of a geometry, else 0.
    """

    text: pd.DataFrame
    name: str
    format: str  # csv, xlsx, geojson, gpkg
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    encoding: str = ""
    delimiter: str = ""
    header_row: int = 1
    decimal_comma: bool | None = None
    epsg: int = 0
    geometry: tuple[str, ...] = ()  # columns that came out of a geometry
    faults: tuple[Fault, ...] = ()
    header_rows: tuple[int, ...] = ()
    hidden: tuple[int, ...] = ()  # rows of the table that a filter or a person has hidden
    uncalculated: int = 0  # formulas without a result
    kept_out: tuple[tuple[int, str, str], ...] = ()  # row, its cells as text, why: rows that are not in the table
    questions: tuple[Question, ...] = ()


def refuse(name: str, what: str, todo: str = "", rule: str = "file") -> Refused:
    return Refused(f"{name} cannot be read.", [Fault(what, name, todo, rule=rule)])


def safe_name(name: str) -> str:
    """A file name that may be shown and stored: the last part of a path, printable, at most 100 characters."""
    last = str(name).replace("\\", "/").rsplit("/", 1)[-1]
    last = "".join(letter for letter in last if letter.isprintable() and letter not in '<>:"|?*\0').strip(". ")
    stem, dot, end = last.rpartition(".")
    if dot and len(end) <= 10:
        last = f"{stem[:89]}.{end}"
    return last[:100] or "upload"


def short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 120 else text[:119] + "…"
