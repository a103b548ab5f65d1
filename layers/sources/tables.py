"""Read a publisher's table: one file, named columns, and a plain refusal when either is not as expected.

Shared by the publisher modules. Files are read once per build: reading is cached on path, size, time of change and
columns, because one file feeds many layers. :func:`forget` empties the cache.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, wraps
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from layers.model import Fault, Refused

_CACHES: list[Callable[[], None]] = []

AGAIN = "download the file again, or point --source at a folder that has it"


def refuse(what: str, path: Path, todo: str = AGAIN, column: str = "", rule: str = "") -> Refused:
    """A refusal of one official file, ready to raise."""
    fault = Fault(what, path.name, todo, column=column, rule=rule)
    return Refused(f"The official file {path.name} cannot be used.", [fault])


def read_columns(path: str | Path, columns: Iterable[str]) -> pd.DataFrame:
    """The named columns of a Parquet or CSV file, as a fresh frame. Text stays text: codes never turn into numbers.

    Raises :class:`Refused` when the file is missing, cut short, or lacks a column; every missing column is named,
    with the most similar header of the file.
    """
    path = Path(path)
    columns = tuple(dict.fromkeys(columns))
    missing = [name for name in columns if name not in headers(path)]
    if missing:
        faults = []
        for name in missing:
            near = difflib.get_close_matches(name, headers(path), 1, 0.5)
            todo = f"did the publisher rename it to '{near[0]}'? Change the definition file" if near else AGAIN
            faults.append(Fault("the column is not in the file", path.name, todo, column=name, rule="column-missing"))
        raise Refused(f"The official file {path.name} cannot be used.", faults)
    # A shallow copy: pandas copies on write, so that a caller's change never reaches the cached frame.
    return _read(path, columns).copy(deep=False)


def forget() -> None:
    """Drop everything cached. Call it when a build is over: the tables of England take a few hundred megabytes."""
    for clear in _CACHES:
        clear()


def remember(most: int) -> Callable:
    """Cache a function of a path (and further hashable arguments) for as long as the file keeps its size and time."""

    def decorate(function: Callable) -> Callable:
        @lru_cache(maxsize=most)
        def kept(_size: int, _changed: int, path: Path, *arguments):
            return function(path, *arguments)

        @wraps(function)
        def cached(path: Path, *arguments):
            if not path.is_file():
                raise refuse("the file is missing", path, rule="file-missing")
            change = path.stat()
            return kept(change.st_size, change.st_mtime_ns, path, *arguments)

        _CACHES.append(kept.cache_clear)
        return cached

    return decorate


@remember(64)
def headers(path: Path) -> tuple[str, ...]:
    """The column names of a file. Raises :class:`Refused` when it is missing or cannot be read."""
    try:
        if path.suffix == ".parquet":
            return tuple(pq.read_schema(path).names)
        return tuple(pd.read_csv(path, nrows=0, encoding="utf-8-sig").columns)
    except Exception as error:  # pyarrow and pandas raise many kinds for a file cut short
        raise refuse(f"cannot be read, it may be cut short: {_first_line(error)}", path, rule="unreadable") from error


@remember(96)
def _read(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    try:
        if path.suffix == ".parquet":
            table = pq.read_table(path, columns=list(columns), use_threads=False)
            return table.to_pandas(types_mapper=_text_type)
        return pd.read_csv(path, usecols=list(columns), encoding="utf-8-sig")[list(columns)]
    except Exception as error:
        raise refuse(f"cannot be read, it may be cut short: {_first_line(error)}", path, rule="unreadable") from error


def _text_type(kind: pa.DataType):
    """Pandas' own text type for text; everything else as pyarrow chooses."""
    return pd.StringDtype(na_value=float("nan")) if pa.types.is_string(kind) else None


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]


def numbers(frame: pd.DataFrame, column: str, path: Path) -> pd.Series:
    """A column as float64, NaN where the file is blank. Raises :class:`Refused` for words or infinities among them."""
    read = pd.to_numeric(frame[column], errors="coerce").astype("float64")
    strange = frame[column].notna() & (read.isna() | read.abs().eq(float("inf")))
    if strange.any():
        what = f"{int(strange.sum())} values are not numbers, the first is '{frame[column][strange].iloc[0]}'"
        raise refuse(what, path, column=column, rule="not-a-number")
    return read


def area_codes(frame: pd.DataFrame, column: str, path: Path, unique: bool = True) -> pd.Series:
    """A column of area codes as text without spaces around. Raises :class:`Refused` for blank or repeated codes."""
    codes = frame[column].astype("str").str.strip()
    blank = frame[column].isna() | codes.eq("")
    if blank.any():
        raise refuse(f"{int(blank.sum())} rows have no area code", path, column=column, rule="blank-area")
    if unique and codes.duplicated().any():
        twice = codes[codes.duplicated()].unique()
        what = f"{len(twice)} area codes stand more than once, the first is {twice[0]}"
        raise refuse(what, path, column=column, rule="duplicate-area")
    return codes


def listed(option: str | list[str] | None) -> list[str]:
    """One column name or several, always as a list."""
    if option is None:
        return []
    return [option] if isinstance(option, str) else list(option)


COLUMN_OPTIONS = frozenset({"area", "value", "scale", "numerator", "denominator", "blank"})
"""Keys of ``[source]`` that :func:`read_roles` understands, beside ``module`` and ``file``."""


def read_roles(path: Path, options: Mapping) -> pd.DataFrame:
    """An official wide table as role columns: ``area_code`` and those of ``value, numerator, denominator`` asked for.

    ``numerator`` and ``denominator`` may name several columns, which are added up (a blank part makes a blank sum).
    ``scale`` multiplies the published value: 100 turns a share of 0 to 1 into a percentage. ``denominator`` may also
    be a table of its own (another file), which is left to the caller, as is ``blank``, what an empty cell means.
    """
    parts = {role: listed(options.get(role)) for role in ("value", "numerator")}
    parts["denominator"] = [] if isinstance(options.get("denominator"), Mapping) else listed(options.get("denominator"))
    wanted = [options["area"], *(name for names in parts.values() for name in names)]
    frame = read_columns(path, wanted)
    tidy = pd.DataFrame({"area_code": area_codes(frame, options["area"], path)})
    for role, names in parts.items():
        if names:
            tidy[role] = sum((numbers(frame, name, path) for name in names[1:]), numbers(frame, names[0], path))
    if "value" in tidy and options.get("scale"):
        # Rounding takes off the noise of binary fractions (0.184 * 100 = 18.400000000000002), not information.
        tidy["value"] = (tidy["value"] * float(options["scale"])).round(9)
    return tidy
