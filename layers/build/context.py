"""What a built pack holds for orientation: everyday names, places and lines, each from its publisher and each optional.

A file that is not in the source folder, or cannot be used, is left out with a line in the report: a region without names is still
a region.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from layers.geography import everyday_names
from layers.model import Fault, Refused
from layers.pack_context import GROUPS, LINES, PLACES
from layers.sources import geonames, house_of_commons_library, network_rail
from layers.sources.tables import forget

REACH_M = 15_000.0
"""Places and lines this far outside the region are kept, so that its edge is not the edge of the world."""
SHORT_WORDS = {
    "places": "names of towns and villages",
    "lines": "railway lines",
    "names": "everyday names of small areas",
}


@dataclass(frozen=True)
class Beside:
    """What was found: everyday names by code, places, lines, the credits that they bring, and what was left out, in words."""

    names: pd.Series | None
    places: gpd.GeoDataFrame | None
    lines: gpd.GeoDataFrame | None
    credits: tuple[str, ...]
    warnings: tuple[str, ...]


def read_beside(source: Path, lsoa: gpd.GeoDataFrame, outline) -> Beside:
    """``lsoa``: small areas with ``code``; ``outline``: the region's shape, EPSG:4326."""
    warnings: list[str] = []
    ground = gpd.GeoSeries([outline], crs="EPSG:4326").to_crs("EPSG:27700")
    reach = ground.buffer(REACH_M).to_crs("EPSG:4326").iloc[0]

    def found(what: str, read: Callable):
        try:
            return read()
        except Refused as refused:
            fault = refused.faults[0] if refused.faults else Fault(refused.title)
            warnings.append(f"no {SHORT_WORDS[what]}: {fault.where}: {fault.what}")
        return None

    names = found("names", lambda: _names(house_of_commons_library.read(source), lsoa))
    places = found("places", lambda: _within(geonames.read(source), reach))
    lines = found("lines", lambda: _clipped(network_rail.read(source), reach))
    forget()
    credits = [
        module.CREDIT
        for module, part in ((house_of_commons_library, names), (geonames, places), (network_rail, lines))
        if part is not None and len(part)
    ]
    return Beside(names, places, lines, tuple(credits), tuple(warnings))


def write_beside(folder: Path, beside: Beside, groups: pd.DataFrame | None = None) -> None:
    """Write ``lookups/names.csv``, ``context/*.parquet`` and ``lookups/groups.csv`` of a pack, those that there are."""
    (folder / "lookups").mkdir(exist_ok=True)
    if beside.names is not None:
        table = beside.names.rename("name").rename_axis("code").reset_index()
        table.to_csv(folder / everyday_names.FILE, index=False, lineterminator="\n")
    for where, frame in ((PLACES, beside.places), (LINES, beside.lines)):
        if frame is not None and len(frame):
            (folder / where).parent.mkdir(exist_ok=True)
            frame.to_parquet(folder / where, index=False, compression="zstd", compression_level=19)
    if groups is not None and len(groups):
        groups.to_csv(folder / GROUPS, index=False, lineterminator="\n")


def districts(lsoa: pd.DataFrame, postcodes: pd.DataFrame) -> pd.DataFrame:
    """The postcode district ("NE6") of each small area: ``code, district``. The commonest among its unit postcodes (the earlier in
    the alphabet of two as common); without any, that of the postcode nearest to its point.

    ``postcodes``: ``postcode, area`` (row number of ``lsoa``), ``easting, northing``.
    """
    table = pd.DataFrame({"area": postcodes["area"], "district": postcodes["postcode"].str[:-3].str.strip()})
    counts = table.groupby(["area", "district"]).size().rename("n").reset_index()
    first = counts.sort_values(["n", "district"], ascending=[False, True]).drop_duplicates("area")
    found = first.set_index("area")["district"].reindex(range(len(lsoa)))
    lacking = np.flatnonzero(found.isna().to_numpy())
    if len(lacking) and len(postcodes):
        tree = cKDTree(postcodes[["easting", "northing"]].to_numpy("float64"))
        _, nearest = tree.query(lsoa[["centroid_x", "centroid_y"]].to_numpy("float64")[lacking])
        found.iloc[lacking] = table["district"].to_numpy()[nearest]
    return pd.DataFrame({"code": lsoa["code"].to_numpy(), "district": found.fillna("").to_numpy()}).astype("str")


def _names(names: pd.Series, lsoa: pd.DataFrame) -> pd.Series:
    found = names.reindex(lsoa["code"]).dropna()
    return found.astype("str")


def _within(places: gpd.GeoDataFrame, reach) -> gpd.GeoDataFrame:
    return places[shapely.contains(reach, places.geometry.to_numpy())].reset_index(drop=True)


def _clipped(lines: gpd.GeoDataFrame | None, reach) -> gpd.GeoDataFrame | None:
    if lines is None:
        return None
    cut = lines.set_geometry(gpd.GeoSeries(shapely.intersection(lines.geometry.to_numpy(), reach), crs=lines.crs))
    return cut[~cut.geometry.is_empty].reset_index(drop=True)
