"""The store as it answers with chosen versions of some layers, so that what was published with them stays as it was.

A briefing keeps the versions that its numbers came from. Everything that reads the store can be handed a :class:`PinnedStore` in
its place: the same functions then give the numbers of those versions. Who may see what is decided by the store itself, as for
every read of an earlier version: a viewer has to be allowed both the layer as it is now and the version. A layer that was
withdrawn, or whose pinned version was taken back, is not here, not even for those who may change it.

Layers are pinned, the region pack is not: areas, residents, presets and travel times are those of the pack that is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NoReturn

import pandas as pd

from layers.model import Kind, NotFound, Package, Viewer
from layers.store.records import Layer, NotPermitted, Values, Version
from layers.store.store import Store

PASSED_ON = frozenset(
    ("region", "engine", "filled", "now", "reading", "audit", "compare", "generation", "open_versions", "place_in_list")
)  # fmt: skip
"""What the pinned store hands on to the store below as it is. Whatever else a store can do, it refuses."""


class PinnedStore:
    """Reads like a :class:`~layers.store.store.Store`.

    ``versions`` is layer id -> version. Layers that it does not name are read at their newest. Cheap: decoded values, and
    everything else that is kept in memory, are the store's own.
    """

    def __init__(self, store: Store, versions: Mapping[str, int]):
        self._store = store
        self.versions = MappingProxyType({str(layer_id): int(version) for layer_id, version in versions.items()})

    def __getattr__(self, name: str) -> Any:
        if name in PASSED_ON:
            return getattr(self._store, name)
        if name.startswith("_") or not hasattr(type(self._store), name):
            raise AttributeError(f"a pinned store has no '{name}'")
        return _refuse

    def layers(
        self, viewer: Viewer, *, kind: Kind | str | None = None, theme: str | None = None, partner: str | None = None
    ) -> tuple[Layer, ...]:
        """As :meth:`Store.layers <layers.store.store.Store.layers>`; a layer whose pinned version this viewer may not have is left out."""
        found = []
        for layer in self._store.layers(viewer, kind=kind):
            if layer.id in self.versions:
                try:
                    layer = self.layer(layer.id, viewer)
                except NotFound:
                    continue
            if (theme is None or theme in layer.themes) and (partner is None or layer.partner == partner):
                found.append(layer)
        return tuple(sorted(found, key=self._store.place_in_list))

    def layer(self, layer_id: str, viewer: Viewer, *, version: int | None = None) -> Layer:
        """The pinned version, unless another is asked for. Raises like :meth:`Store.layer <layers.store.store.Store.layer>`."""
        pinned = self.versions.get(layer_id)
        if pinned is None or version is not None:
            return self._store.layer(layer_id, viewer, version=version)
        shown = self._store.layer(layer_id, viewer)  # it has to be shown to this viewer still
        if shown.version == pinned:
            return shown
        if pinned not in self._store.open_versions(layer_id, viewer):
            raise NotFound(f"There is no version {pinned} of the layer '{layer_id}'.")
        return self._store.layer(layer_id, viewer, version=pinned)

    def values(
        self, layer_id: str, level: str, viewer: Viewer, *, period: str | None = None, version: int | None = None
    ) -> Values:
        version = self._version(layer_id, viewer, version)
        return self._store.values(layer_id, level, viewer, period=period, version=version)

    def services(self, layer_id: str, viewer: Viewer, *, version: int | None = None) -> pd.DataFrame:
        return self._store.services(layer_id, viewer, version=self._version(layer_id, viewer, version))

    def original(self, layer_id: str, viewer: Viewer, *, version: int | None = None) -> Package:
        return self._store.original(layer_id, viewer, version=self._version(layer_id, viewer, version))

    def history(self, layer_id: str, viewer: Viewer) -> tuple[Version, ...]:
        """The versions up to the pinned one, as on the day when that was the current one."""
        history = self._store.history(layer_id, viewer)
        pinned = self.versions.get(layer_id)
        if pinned is None:
            return history
        self.layer(layer_id, viewer)  # raises when the pinned version cannot be had
        of_pin = next(version for version in history if version.version == pinned)
        return tuple(
            replace(version, state="current") if version is of_pin else version
            for version in history
            if version is of_pin or (version.version < pinned and not _waited_past(version, of_pin))
        )

    def _version(self, layer_id: str, viewer: Viewer, version: int | None) -> int | None:
        if version is not None or layer_id not in self.versions:
            return version
        return self.layer(layer_id, viewer).version


def _waited_past(version: Version, pinned: Version) -> bool:
    """Whether a version was written before the pinned one, but had a date that came after it."""
    return version.effective_at > version.published_at and version.effective_at > pinned.effective_at


def _refuse(*_args: Any, **_more: Any) -> NoReturn:
    raise NotPermitted("Pinned versions can only be read; use the store itself.")
