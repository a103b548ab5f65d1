"""Network Rail: railway lines, as cleaned by Raileasy Ltd, for orientation on maps. No joins.

Share-alike (CC BY-SA 4.0): whoever passes on the lines passes on the licence. Trap: light rail (the Tyne and Wear Metro) may be missing.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd

from layers.sources.tables import refuse

LINES = "places/rail_*.parquet"
CREDIT = "Railway lines: Network Rail and Raileasy Ltd, CC BY-SA 4.0."


def read(source: Path) -> gpd.GeoDataFrame | None:
    """``kind, geometry`` (lines, EPSG:4326) of every file of lines in the folder; None without one. Raises Refused for a bad one."""
    parts = []
    for path in sorted(Path(source).glob(LINES)):
        try:
            frame = gpd.read_parquet(path, columns=["kind", "geometry"])
        except Exception as error:  # pyarrow and geopandas raise many kinds for a file cut short or of another shape
            raise refuse(f"cannot be read: {str(error).splitlines()[0]}", path, rule="unreadable") from error
        parts.append(frame.to_crs("EPSG:4326"))
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs="EPSG:4326") if parts else None
