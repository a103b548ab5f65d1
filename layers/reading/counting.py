"""From records of people to counts by area, on the machine where the records are: the file that is made has no row of anybody.

No store and no network. The counts are exact, so they are as confidential as the records until they are published as an indicator
of people, which withholds and rounds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from layers.geography import postcodes
from layers.geography.coordinates import to_degrees
from layers.model import Fault, Refused
from layers.reading.columns import plain_header
from layers.reading.files import LIMITS, Limits, read_upload
from layers.reading.places import mend_postcodes


@dataclass(frozen=True)
class Counts:
    """``table``: ``area_code, count`` for every small area of the region; of ``records``, ``placed`` are counted in it, ``outside`` lie
    elsewhere and ``unplaced`` have no postcode that is known."""

    table: pd.DataFrame
    records: int
    placed: int
    outside: int
    unplaced: int


def count_by_postcode(
    path: str | Path, region, *, column: str = "", sheet: str = "", limits: Limits = LIMITS
) -> Counts:
    """Count the records of a file by the small area that their postcode lies in. Raises :class:`Refused`."""
    upload = read_upload(path, sheet=sheet, limits=limits)
    text = upload.sheet.text
    header = column or _postcode_column(text)
    if header not in text.columns:
        what = f"there is no column {column!r}" if column else "no column of postcodes was found"
        todo = f"say which it is with --column; the table has: {', '.join(text.columns[:20])}"
        raise Refused("The records were not counted.", [Fault(what, upload.sheet.name, todo, rule="column-missing")])
    mended, _ = mend_postcodes(text[header])
    found = postcodes.locate(mended)
    known = (found["accuracy"] == "unit").to_numpy()
    codes = area_of_points(found.loc[known, "easting"], found.loc[known, "northing"], region)
    areas = region.codes("lsoa")
    times = pd.Series(codes[codes != ""]).value_counts()
    table = pd.DataFrame({"area_code": areas, "count": times.reindex(areas).fillna(0).astype(int).to_numpy()})
    placed = int((codes != "").sum())
    return Counts(table, len(text), placed, int(known.sum()) - placed, len(text) - int(known.sum()))


def _postcode_column(text: pd.DataFrame) -> str:
    """The column of postcodes, by its header, else by what stands in it."""
    named = [header for header in text.columns if "postcode" in plain_header(header).replace("post code", "postcode")]
    share = {}
    for header in named or text.columns:
        cells = text[header].head(500)
        cells = cells[cells.str.strip() != ""]
        share[header] = float((postcodes.normalise_all(cells) != "").mean()) if len(cells) else 0.0
    best = max(share, key=share.get, default="")
    return best if best and share[best] > 0.3 else ""


def area_of_points(easting: pd.Series, northing: pd.Series, region) -> np.ndarray:
    """The small area in whose outline each point lies; "" outside all of them. A point on a border goes to the first in area order."""
    import shapely

    areas = region.areas["lsoa"]
    out = np.full(len(easting), "", dtype=object)
    if not len(easting):
        return out
    longitude, latitude = to_degrees(easting.to_numpy(dtype=float), northing.to_numpy(dtype=float))
    tree = shapely.STRtree(areas.geometry.to_numpy())
    point, area = tree.query(shapely.points(longitude, latitude), predicate="intersects")
    order = np.lexsort((-area, point))
    out[point[order]] = areas["code"].to_numpy(dtype=object)[area[order]]
    return out
