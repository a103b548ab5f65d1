"""Which service is which, from one version of a list to the next: by its identifier, else by its name and place; never by its row."""

from __future__ import annotations

import hashlib
import re
from collections import Counter

import numpy as np
import pandas as pd

KNOWN_BY = ("name", "postcode", "address", "category", "organisation")
"""Texts that tell services apart, in this order: the later ones are asked only where the earlier are the same."""


def is_identifier(column: pd.Series) -> bool:
    """Whether a column can tell services apart: in every row, in none twice, and not spoilt by a spreadsheet (1.00E+11)."""
    cells = column.str.strip()
    spoilt = cells.str.fullmatch(r"\d(?:\.\d+)?[eE]\+?\d+").any()
    return bool(len(cells)) and not ((cells == "").any() or cells.duplicated().any() or spoilt)


def identifiers(frame: pd.DataFrame) -> pd.Series:
    """An identifier for each service of a list that has none, from what it is called and where it stands.

    The order of the rows plays no part. Services that are the same in everything get the same number and "-2", "-3": it does
    not matter which of them has which.
    """
    texts = [name for name in KNOWN_BY if name in frame]
    size = len(frame)
    plain = {name: [_plain(cell) for cell in frame[name]] for name in texts}
    points = _points(frame)
    keys = list(zip(plain.get("name", [""] * size), plain.get("postcode", points), strict=True))
    keys = [(name, place or point) for (name, place), point in zip(keys, points, strict=True)]
    parts = [list(key) for key in keys]
    for more in [*(plain[name] for name in texts if name not in ("name", "postcode")), points]:
        times = Counter(map(tuple, parts))
        for part, extra in zip(parts, more, strict=True):
            if times[tuple(part)] > 1:
                part.append(extra)
    out, met = [], Counter()
    for part in parts:
        one = "s-" + hashlib.sha256("\x1f".join(part).encode(errors="replace")).hexdigest()[:12]
        met[one] += 1
        out.append(one if met[one] == 1 else f"{one}-{met[one]}")
    return pd.Series(out, index=frame.index, dtype="str")


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", str(text).casefold())


def _points(frame: pd.DataFrame) -> list[str]:
    """Where each stands to ten metres or so, "" where it is not said."""
    for (x, y), digits in ((("easting", "northing"), -1), (("longitude", "latitude"), 4)):
        if x in frame and y in frame:
            east, north = frame[x].to_numpy(dtype=float), frame[y].to_numpy(dtype=float)
            known = np.isfinite(east) & np.isfinite(north)
            return [
                f"{round(a, digits):g},{round(b, digits):g}" if good else ""
                for a, b, good in zip(east.tolist(), north.tolist(), known.tolist(), strict=True)
            ]
    return [""] * len(frame)
