"""Which area, and which authority, a point lies in."""

from __future__ import annotations

import weakref

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from layers.region import Region

_to_degrees = pyproj.Transformer.from_crs("EPSG:27700", "EPSG:4326", always_xy=True)
_trees: weakref.WeakKeyDictionary[Region, dict[str, shapely.STRtree]] = weakref.WeakKeyDictionary()


def locate_point(region: Region, easting: float, northing: float, level: str = "lsoa") -> str:
    """Code of the area that holds a point (EPSG:27700, metres); "" outside the region. A point on a border gets the first area."""
    point = shapely.Point(*_to_degrees.transform(easting, northing))
    trees = _trees.setdefault(region, {})
    if level not in trees:
        trees[level] = shapely.STRtree(region.areas[level].geometry.to_numpy())
    found = trees[level].query(point, predicate="intersects")
    return str(region.areas[level]["code"].iat[int(min(found))]) if len(found) else ""


def authorities_of(areas: pd.DataFrame, easting: np.ndarray, northing: np.ndarray) -> np.ndarray:
    """Authority that each point (EPSG:27700) stands in, "" outside all areas."""
    out = np.full(len(easting), "", dtype=object)
    if not len(easting) or "geometry" not in areas.columns:
        return out
    points = gpd.GeoSeries.from_xy(easting, northing, crs="EPSG:27700").to_crs("EPSG:4326")
    shapes = gpd.GeoSeries(areas["geometry"], crs=getattr(areas, "crs", None) or "EPSG:4326")
    found = shapes.sindex.query(points, predicate="intersects")
    out[found[0][::-1]] = areas["lad_code"].to_numpy(object)[found[1][::-1]]
    return out
