"""Points of service sites: fills in what is missing among degrees, metres and postcodes, and says where each came from.

Degrees are EPSG:4326, metres EPSG:27700 (British National Grid).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

UK_DEGREES = (-9.0, 49.0, 2.5, 61.5)  # west, south, east, north of the United Kingdom with its islands
UK_METRES = (-10_000.0, -16_000.0, 680_000.0, 1_240_000.0)
PLACES = ("longitude", "latitude", "easting", "northing")


@lru_cache(maxsize=2)
def _transformer(source: int, target: int):
    from pyproj import Transformer

    return Transformer.from_crs(source, target, always_xy=True)


def to_metres(longitude, latitude) -> tuple[np.ndarray, np.ndarray]:
    """EPSG:4326 to EPSG:27700, to the millimetre; NaN where the input is, or where the grid does not reach."""
    return _convert(4326, 27700, longitude, latitude, 3)


def to_degrees(easting, northing) -> tuple[np.ndarray, np.ndarray]:
    """EPSG:27700 to EPSG:4326, to seven decimals (about a centimetre)."""
    return _convert(27700, 4326, easting, northing, 7)


def _convert(source: int, target: int, x, y, decimals: int) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    out_x, out_y = np.full(x.shape, np.nan), np.full(y.shape, np.nan)
    good = np.isfinite(x) & np.isfinite(y)
    if good.any():
        out_x[good], out_y[good] = _transformer(source, target).transform(x[good], y[good])
    lost = ~(np.isfinite(out_x) & np.isfinite(out_y))  # outside the projection's reach, PROJ answers inf
    out_x[lost] = out_y[lost] = np.nan
    return np.round(out_x, decimals), np.round(out_y, decimals)


def inside(x, y, bounds: tuple[float, float, float, float]) -> np.ndarray:
    """Which points lie within west, south, east, north; False for NaN."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    west, south, east, north = bounds
    return (x >= west) & (x <= east) & (y >= south) & (y <= north)


def fill_locations(table: pd.DataFrame) -> pd.DataFrame:
    """The table with ``longitude, latitude, easting, northing, location_from`` and, from a postcode, ``lad_code`` complete.

    ``location_from`` is "coordinates", "postcode" (the unit's own point), "postcode sector" (the mean of its sector, for a
    postcode that no longer exists) or "" where there is nothing to go by. What is given stays exactly as it was given.
    """
    table = table.copy()
    size = len(table)
    for name in PLACES:
        table[name] = table[name].astype(float) if name in table else np.full(size, np.nan)
    metres = table["easting"].notna() & table["northing"].notna()
    degrees = table["longitude"].notna() & table["latitude"].notna()
    found_before = "location_from" in table
    origin = table["location_from"].fillna("").astype("str") if found_before else pd.Series("", index=table.index)
    origin = origin.mask((origin == "") & (metres | degrees), "coordinates")

    bare = ~(metres | degrees)
    if bare.any() and "postcode" in table and (table.loc[bare, "postcode"].fillna("") != "").any():
        from layers.geography import postcodes

        found = postcodes.locate(table.loc[bare, "postcode"])
        table.loc[bare, "easting"] = found["easting"]
        table.loc[bare, "northing"] = found["northing"]
        words = found["accuracy"].map({"unit": "postcode", "sector": "postcode sector"}).fillna("")
        origin = origin.where(~bare, words.reindex(table.index, fill_value=""))
        if "lad_code" not in table:
            table["lad_code"] = pd.Series("", index=table.index, dtype="str")
        given = table["lad_code"].fillna("").astype("str")
        known = found["lad_code"].where(found["accuracy"] == "unit", "").reindex(table.index, fill_value="")
        table["lad_code"] = given.mask(bare & (given == ""), known).astype("str")
        metres = table["easting"].notna() & table["northing"].notna()

    need_metres, need_degrees = ~metres & degrees, metres & ~degrees
    if need_metres.any():
        east, north = to_metres(table.loc[need_metres, "longitude"], table.loc[need_metres, "latitude"])
        table.loc[need_metres, "easting"], table.loc[need_metres, "northing"] = east, north
    if need_degrees.any():
        east, north = to_degrees(table.loc[need_degrees, "easting"], table.loc[need_degrees, "northing"])
        table.loc[need_degrees, "longitude"], table.loc[need_degrees, "latitude"] = east, north
    table["location_from"] = origin.astype("str")
    return table


def lad_of_points(table: pd.DataFrame, region) -> pd.Series:
    """Code of the region's authority that each point stands in, on the table's index; "" outside all of them.

    A point on a shared border goes to the authority that comes first in area order.
    """
    import shapely

    lads = region.areas["lad"]
    x, y = table["longitude"].to_numpy(dtype=float), table["latitude"].to_numpy(dtype=float)
    out = np.full(len(table), "", dtype=object)
    good = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    if len(good):
        tree = shapely.STRtree(lads.geometry.to_numpy())
        point, area = tree.query(shapely.points(x[good], y[good]), predicate="intersects")
        order = np.lexsort((-area, point))  # the last write wins: the first authority comes last
        out[good[point[order]]] = lads["code"].to_numpy(dtype=object)[area[order]]
    return pd.Series(out, index=table.index, dtype="str", name="lad_code")
