"""Tinyland with a river: its northernmost row of squares (T13 to T16) lies 500 m farther north.

Nothing leads there, unless the Tiny Ferry is declared in the middle of the river, between T10 and T14. Both clinics are in the south.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd

from layers.geography.coordinates import to_degrees
from tests.tiny import SIDE, SOUTH, WEST, write_tiny_pack

NORTH = ["T13", "T14", "T15", "T16"]
RIVER = 500


def write_island_pack(path: Path, ferry: bool = False) -> Path:
    """Write the pack into the folder ``path`` and return it."""
    write_tiny_pack(path)
    file = path / "areas" / "lsoa.parquet"
    areas = gpd.read_parquet(file).to_crs(27700)
    north = areas["code"].isin(NORTH)
    areas.loc[north, "geometry"] = areas.loc[north, "geometry"].translate(0, RIVER)
    areas.loc[north, "centroid_y"] += RIVER
    areas.to_crs(4326).to_parquet(file)
    if ferry:
        longitude, latitude = (float(v[0]) for v in to_degrees([WEST + 1.5 * SIDE], [SOUTH + 3 * SIDE + RIVER / 2]))
        text = f'[[crossings]]\nname = "Tiny Ferry (summer)"\nkind = "ferry"\nlatitude = {latitude}\nlongitude = {longitude}\n'
        (path / "region.toml").write_text((path / "region.toml").read_text("utf-8") + text, "utf-8")
    return path
