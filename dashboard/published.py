"""What one server publishes: the region and its store, handed to every page, callback and route.

Nothing here changes while the server runs; the store refreshes itself when a new version is published.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from layers import Region, Store


@dataclass(frozen=True, eq=False)  # compared and hashed by identity, so that it can be part of a cache key
class Published:
    region: Region
    store: Store
    home: Path
    """Folder for what may be thrown away and made again: packed geometry."""
    tiles_url: str = ""
    """Optional basemap. Empty: nothing is fetched from another host."""
    tiles_attribution: str = ""
