"""OpenStreetMap: pubs of Great Britain as points. No joins."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from layers.sources.tables import numbers, read_columns, refuse

OPTIONS = frozenset({"category", "as_of", "outlines", "outline_code", "denominator"})
COLUMNS = ("slug", "name", "lad_code", "longitude", "latitude")
GREAT_BRITAIN = (-9.0, 49.0, 2.5, 61.5)  # west, south, east, north, degrees


def read(path: Path, options: Mapping) -> pd.DataFrame:
    """Points with ``service_id, name, category, longitude, latitude, lad_code, as_of``. Raises Refused for a bad file."""
    frame = read_columns(path, COLUMNS)
    longitude, latitude = numbers(frame, "longitude", path), numbers(frame, "latitude", path)
    west, south, east, north = GREAT_BRITAIN
    astray = ~(longitude.between(west, east) & latitude.between(south, north))
    if astray.any():
        what = f"{int(astray.sum())} points are outside Great Britain, the first is '{frame['name'][astray].iloc[0]}'"
        raise refuse(what, path, "are longitude and latitude swapped?", column="longitude", rule="outside")
    return pd.DataFrame(
        {
            "service_id": "osm-" + frame["slug"].astype("str"),
            "name": frame["name"].astype("str").str.strip(),
            "category": options.get("category", "Pub"),
            "latitude": latitude,
            "longitude": longitude,
            "lad_code": frame["lad_code"].astype("str").replace({"nan": ""}),
            "as_of": options.get("as_of", ""),
        }
    )


def count_points(points: pd.DataFrame, outlines) -> pd.Series:
    """How many points lie in each outline; a Series on the outlines' index. A point on a shared border counts once.

    ``outlines`` is a GeoDataFrame in EPSG:4326, as the points are: whether a point lies inside needs no metres.
    """
    import shapely  # here, so that reading a service list does not load it

    tree = shapely.STRtree(outlines.geometry.to_numpy())
    where = shapely.points(points["longitude"].to_numpy(), points["latitude"].to_numpy())
    point, outline = tree.query(where, predicate="intersects")
    _, first = np.unique(point, return_index=True)
    counts = np.bincount(outline[first], minlength=len(outlines))
    return pd.Series(counts.astype("float64"), index=outlines.index)
