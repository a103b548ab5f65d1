"""Points of service sites: what is missing among degrees, metres and postcodes, where each came from, and which area holds it."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from layers.geography import postcodes
from layers.geography.coordinates import to_degrees, to_metres

if TYPE_CHECKING:
    import shapely

    from layers.region import Region

PLACES = ("longitude", "latitude", "easting", "northing")
_trees: weakref.WeakKeyDictionary[Region, dict[str, shapely.STRtree]] = weakref.WeakKeyDictionary()


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


def lad_of_points(table: pd.DataFrame, region: Region) -> pd.Series:
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


def locate_point(region: Region, easting: float, northing: float, level: str = "lsoa") -> str:
    """Code of the area that holds a point (EPSG:27700, metres); "" outside the region. A point on a border gets the first area."""
    (found,) = locate_points(region, np.array([easting]), np.array([northing]), level)
    return str(region.areas[level]["code"].iat[found]) if found >= 0 else ""


def locate_points(region: Region, easting: np.ndarray, northing: np.ndarray, level: str = "lsoa") -> np.ndarray:
    """Place in area order of the area that holds each point (EPSG:27700, metres), -1 outside the region."""
    import shapely

    areas, trees = region.areas[level], _trees.setdefault(region, {})
    if level not in trees:
        trees[level] = shapely.STRtree(areas.geometry.to_numpy())
    points = shapely.points(*to_degrees(easting, northing))
    point, area = trees[level].query(points, predicate="intersects")
    out = np.full(len(points), len(areas))
    np.minimum.at(out, point, area)
    return np.where(out < len(areas), out, -1)


def authorities_of(areas: pd.DataFrame, easting: np.ndarray, northing: np.ndarray) -> np.ndarray:
    """Authority that each point (EPSG:27700) stands in, "" outside all areas."""
    import geopandas as gpd

    out = np.full(len(easting), "", dtype=object)
    if not len(easting) or "geometry" not in areas.columns:
        return out
    points = gpd.GeoSeries.from_xy(easting, northing, crs="EPSG:27700").to_crs("EPSG:4326")
    shapes = gpd.GeoSeries(areas["geometry"], crs=getattr(areas, "crs", None) or "EPSG:4326")
    found = shapes.sindex.query(points, predicate="intersects")
    out[found[0][::-1]] = areas["lad_code"].to_numpy(object)[found[1][::-1]]
    return out
