"""GeoNames: towns and villages as points, for labels. No joins.

Trap: populations are of mixed dates and some are plainly odd or 0: they say which label comes first, never how many people live there.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd

from layers.sources.tables import numbers, read_columns, refuse

PLACES = "places/places_geonames_uk.parquet"
CREDIT = "Names of towns and villages: contains data from GeoNames (geonames.org), CC BY 4.0."


def read(source: Path) -> gpd.GeoDataFrame:
    """``name, population, geometry`` (points, EPSG:4326), the largest first. Raises Refused for a missing or bad file."""
    path = source / PLACES
    frame = read_columns(path, ("name", "latitude", "longitude", "population"))
    latitude, longitude = (numbers(frame, column, path) for column in ("latitude", "longitude"))
    astray = ~(latitude.between(49, 61.5) & longitude.between(-9, 2.5))
    if astray.any():
        what = (
            f"{int(astray.sum())} places are outside the United Kingdom, the first is '{frame['name'][astray].iloc[0]}'"
        )
        raise refuse(what, path, "are longitude and latitude swapped?", column="longitude", rule="outside")
    table = {"name": frame["name"].str.strip(), "population": numbers(frame, "population", path).fillna(0.0)}
    places = gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(longitude, latitude), crs="EPSG:4326")
    return places.sort_values(["population", "name"], ascending=[False, True], ignore_index=True)
