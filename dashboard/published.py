"""What one server publishes: the region and its store, handed to every page, callback and route.

Nothing here changes while the server runs; the store refreshes itself when a new version is published.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from dashboard.jobs import Jobs
from dashboard.memory import Memory
from layers import SYSTEM, NotFound, PinnedStore, Region, Store

MOST_PINNED = 16
"""How many sets of pinned versions are kept at hand. One costs little by itself; what views keep for it is bounded there."""


@dataclass(frozen=True, eq=False)  # compared and hashed by identity, so that it can be part of a cache key
class Published:
    region: Region
    store: Store
    home: Path
    """Folder for what may be thrown away and made again: packed geometry."""
    tiles_url: str = ""
    """Optional basemap. Empty: nothing is fetched from another host."""
    tiles_attribution: str = ""
    base: Published | None = field(default=None, repr=False)
    """What this one was pinned from; None: it follows the newest data."""
    _pinned: Memory = field(default_factory=lambda: Memory(MOST_PINNED), init=False, repr=False)
    jobs: Jobs = field(init=False, repr=False)
    """What is worked on beside requests."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "jobs", self.base.jobs if self.base else Jobs(self))

    @property
    def live(self) -> Published:
        """The one that follows the newest data: this one, unless it is pinned. What depends on the region alone, or names the
        versions that it depends on, is kept under this, so that it is worked out once for all of them."""
        return self.base or self

    def at(self, pins: Mapping[str, int]) -> Published:
        """Everything as it was with these versions of these layers; the others are at their newest.

        It is :attr:`live` itself while every pin is the version that is shown now, so that caches are shared; the same pins
        give the same object again, as long as it is among the last :data:`MOST_PINNED`. A layer that was published anew in
        this very moment is told by the version that its :class:`layers.Layer` carries.
        """
        live = self.live
        if all(live._shows(layer_id, version) for layer_id, version in pins.items()):
            return live
        return live._pinned.get(
            frozenset(pins.items()), lambda: replace(live, store=PinnedStore(live.store, pins), base=live)
        )

    def _shows(self, layer_id: str, version: int) -> bool:
        try:
            return self.store.layer(layer_id, SYSTEM).version == version
        except NotFound:
            return False
