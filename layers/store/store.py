"""The store: one transactional database of layers, versions, values, audit, users and sessions.

:func:`open_store` makes or opens it; :class:`Store` reads its layers from memory; what changes them is in
:mod:`layers.store.layers`. Every read takes a :class:`~layers.model.Viewer` and answers only what that viewer may see; what a
viewer may not see raises the same :class:`~layers.model.NotFound`, in the same words, as what does not exist.

How a read stays fast and fresh: each process keeps a snapshot of the catalogue and asks the database for its generation,
one number, at most once a second. Decoded values are kept in a bounded memory under (layer, version, level, period);
versions never change, so nothing in there can be out of date.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from cachetools import LRUCache

from layers.methods.disclosure import looser
from layers.model import LEVELS, Descriptor, Fault, Kind, NotFound, Package, Refused, Viewer
from layers.region import Region
from layers.store import kinds, migrations, refresh, tables
from layers.store.accounts import Accounts
from layers.store.audit import AuditLine, AuditSearch, add_line, read_lines
from layers.store.blobs import NUMBERS, decode_table, decode_values, freeze, in_area_order, sha256
from layers.store.contents import descriptor_of, read_content
from layers.store.database import Database, make_engine, memory_engine, nothing_there, utc_now
from layers.store.layers import LAYERS, Layers
from layers.store.marker import Marker, store_id
from layers.store.permissions import may_change, may_see
from layers.store.records import STATUSES, Layer, NotPermitted, RefreshReport, StoreFault, Values, Version, Withdrawn
from layers.store.versioned import Standing, standing

log = logging.getLogger(__name__)

REFRESH_S = 1.0
"""How long a process trusts its snapshot before it asks for the generation again."""

STALE_S = 900.0
"""How long a process goes on answering from its snapshot while the database cannot be reached. Not for ever: another host may
have withdrawn something meanwhile."""

CACHE_BYTES = 256 * 2**20
"""Bound on decoded values kept in memory per process. England at LSOA level takes 1.7 MB a layer and period."""


def open_store(
    url: str,
    region: Region,
    *,
    fill: bool = True,
    marker: Marker | None = None,
    accept_loss: bool = False,
    progress: Callable[[int, int, str], None] | None = None,
    clock: Callable[[], datetime] = utc_now,
    ticks: Callable[[], float] = time.monotonic,
    cache_bytes: int = CACHE_BYTES,
) -> Store:
    """Open the store at a database URL, making it first where there is none.

    On first start every layer of the region pack becomes version 1, in the same transaction that makes the tables: after a
    crash there is a whole store or none. When the pack was built again since, what changed becomes the next version, in
    one transaction too (:mod:`layers.store.refresh`); ``Store.filled`` says what was done. ``progress(done, total, title)`` is
    told after each layer. ``clock`` gives the time as an aware datetime; ``ticks`` gives seconds that never go back.
    ``marker`` is what the home remembers: a home that has had a store is never given a new one. ``accept_loss`` takes a pack
    that lacks areas or layers which it had before.
    Raises :class:`Refused` for a database that cannot be used, that belongs to another region or boundary vintage, that a
    newer program made, or a pack with faults; the store is then as it was before.
    """
    if marker is not None and marker.known():
        _check_home(url, region, marker)
    engine = make_engine(url)
    filled = RefreshReport()
    try:
        pack = refresh.look(region) if fill else None
        database = Database(engine, region, clock=clock)
        made = _up_to_date(database, pack, marker)
        if not made:
            filled, made = _make_or_refresh(database, pack, marker, progress, accept_loss)
        if marker is not None:
            _remember(marker, made)
        return Store(engine, region, clock=clock, ticks=ticks, cache_bytes=cache_bytes, filled=filled, made=made)
    except BaseException:
        engine.dispose()
        raise


def _check_home(url: str, region: Region, marker: Marker) -> None:
    """Refuse, before anything is touched, when the store that this home has had is not in the database."""
    if nothing_there(url):
        marker.check("")
    engine = make_engine(url, to_read=True)
    try:
        with Database(engine, region).reading("opened") as connection:
            if migrations.is_made(connection):
                _meta_row(connection, region, marker)
            else:
                marker.check("")
    finally:
        engine.dispose()


def _up_to_date(database: Database, pack: refresh.PackState | None, marker: Marker | None) -> str:
    """The id of the store when opening it has nothing to do, and so waits for no writer; else ""."""
    with database.reading("opened") as connection:
        if not migrations.is_made(connection):
            return ""
        row = _meta_row(connection, database.region, marker)
        done = row.schema_version == migrations.SCHEMA_VERSION
        done = done and (pack is None or refresh.is_published(connection, pack))
        return store_id(row.region_id, row.made_at) if done else ""


def _make_or_refresh(
    database: Database, pack, marker: Marker | None, progress, accept_loss: bool = False
) -> tuple[RefreshReport, str]:
    """Make the store where there is none, bring its tables up to date, and publish what the pack brings; or nothing of it.
    Also gives the id of the store."""
    region = database.region
    with database.opening() as connection:
        now = database.now()
        if not migrations.is_made(connection):
            if marker is not None:
                marker.check("")
            migrations.make_tables(connection)
            row = {"one": 1, "schema_version": migrations.SCHEMA_VERSION, "region_id": region.id, "generation": 1}
            row |= {"vintages": tables.to_json(region.vintages), "made_at": now}
            connection.execute(sa.insert(tables.meta).values(row))
        row = _meta_row(connection, region, marker)
        migrations.migrate(connection, row.schema_version)
        report = RefreshReport()
        if pack is not None:
            report = refresh.refresh(
                connection, Layers(database), pack, now=now, progress=progress, accept_loss=accept_loss
            )
        return report, store_id(row.region_id, row.made_at)


def _remember(marker: Marker, made: str) -> None:
    try:
        marker.keep(made)
    except OSError:
        log.warning("%s could not be written: a later start tries again", marker.file, exc_info=True)


def open_to_read(url: str, region: Region, *, marker: Marker | None = None, pack_instead: bool = True) -> Store:
    """Open a store without changing anything, for a command that only reads.

    Where there is no store yet, and the home never had one, the answer is a store in memory that holds what the region pack
    brings (``Store.in_memory``), or a refusal unless ``pack_instead``. Raises :class:`Refused` like :func:`open_store`, and
    for a store that an older program made, naming what brings it up to date.
    """
    engine = None if nothing_there(url) else make_engine(url, to_read=True)
    try:
        if engine is not None:
            with Database(engine, region).reading("opened") as connection:
                if migrations.is_made(connection):
                    row = _meta_row(connection, region, marker)
                    migrations.check_to_read(row.schema_version)
                    return Store(engine, region, made=store_id(row.region_id, row.made_at))
        if marker is not None:
            marker.check("")
    except BaseException:
        if engine is not None:
            engine.dispose()
        raise
    if not pack_instead:
        todo = "commonground serve makes it, and so does any command that writes"
        raise Refused("There is no store yet.", [Fault("nothing was ever published or kept here", "", todo)])
    engine = memory_engine()
    database = Database(engine, region)
    filled, made = _make_or_refresh(database, refresh.look(region), None, None)
    store = Store(engine, region, filled=filled, made=made)
    store.in_memory = True
    return store


def _meta_row(connection: sa.Connection, region: Region, marker: Marker | None) -> sa.Row:
    """What every schema since the first one says about itself. Raises :class:`Refused` for another region or vintage, and
    for another store than the home's."""
    columns = tables.meta.c
    query = sa.select(columns.schema_version, columns.region_id, columns.vintages, columns.made_at)
    row = connection.execute(query).first()
    _check_same_region(row, region)
    if marker is not None:
        marker.check(store_id(row.region_id, row.made_at))
    return row


def _check_same_region(row: sa.Row | None, region: Region) -> None:
    todo = "set COMMONGROUND_REGION or COMMONGROUND_HOME so that the two belong together"
    if row is None:
        raise Refused("The store is damaged.", [Fault("its meta table is empty", "meta", "restore a backup")])
    if row.region_id != region.id:
        what = f"it holds the region '{row.region_id}', the region pack is '{region.id}'"
        raise Refused("The store belongs to another region.", [Fault(what, "meta", todo)])
    kept = json.loads(row.vintages)
    if faults := [
        Fault(f"the store has {kept[level]} boundaries, the region pack {region.vintages[level]}", level, todo)
        for level in LEVELS
        if kept.get(level) != region.vintages.get(level)
    ]:
        raise Refused("The store was made for other boundaries.", faults)


@dataclass(frozen=True)
class _Entry:
    """A layer in the snapshot. ``guard`` is the descriptor that decides who may see it: of the version that is shown,
    else of the one that was shown last, else of the newest."""

    standing: Standing
    guard: Descriptor
    newest: int
    layer: Layer | None  # None: withdrawn, or not shown yet
    for_public: Layer | None


@dataclass(frozen=True)
class _Snapshot:
    generation: int  # as the database counts
    due: int  # how many dated versions have had their day
    next_due: datetime | None
    entries: Mapping[str, _Entry]


class Store(Layers, Database):
    """Layers, versions and people of one region. Make one per process with :func:`open_store`; threads may share it.

    It is the database that other things of the region are kept in, too; what changes its layers is :class:`Layers`.
    """

    def __init__(
        self,
        engine: sa.Engine,
        region: Region,
        *,
        clock: Callable[[], datetime] = utc_now,
        ticks: Callable[[], float] = time.monotonic,
        cache_bytes: int = CACHE_BYTES,
        filled: RefreshReport | None = None,
        made: str = "",
    ):
        Database.__init__(self, engine, region, clock=clock)
        Layers.__init__(self, self)
        self.accounts = Accounts(self)
        self.filled = RefreshReport() if filled is None else filled  # what opening it published from the region pack
        self.in_memory = False  # nothing of it is kept: see open_to_read
        self.id = made
        self._ticks = ticks
        self._snapshot: _Snapshot | None = None
        self._checked = self._reached = float("-inf")
        self._versions: dict[tuple[str, int], Layer] = {}
        self._codes = {level: pa.array(region.codes(level).to_numpy(dtype=object), pa.string()) for level in LEVELS}
        self._theme_order = {theme.id: number for number, theme in enumerate(region.themes)}
        self._decoded: LRUCache[tuple, _Decoded] = LRUCache(cache_bytes, getsizeof=lambda found: found.size)
        self._decoding = threading.Lock()
        self._refreshing = threading.Lock()

    # -- reading: the catalogue ----------------------------------------------------------------------------------------

    def layers(
        self, viewer: Viewer, *, kind: Kind | str | None = None, theme: str | None = None, partner: str | None = None
    ) -> tuple[Layer, ...]:
        """The layers that are shown to a viewer, by the order of their first theme, then by title.

        ``partner`` is the id of the partner that supplies them. Filters that match nothing give an empty tuple.
        """
        found = [
            (entry.layer if viewer.signed_in else entry.for_public)
            for entry in self._state().entries.values()
            if entry.layer is not None
            and may_see(entry.guard, viewer, self.region)
            and (kind is None or entry.guard.kind == kind)
            and (theme is None or theme in entry.guard.themes)
            and (partner is None or entry.guard.partner == partner)
        ]
        return tuple(sorted(found, key=self.place_in_list))

    def place_in_list(self, layer: Layer) -> tuple:
        """What :meth:`layers` sorts by."""
        last = len(self._theme_order)
        first = min((self._theme_order.get(theme, last) for theme in layer.themes), default=last)
        return (first, layer.title.casefold(), layer.id)

    def layer(self, layer_id: str, viewer: Viewer, *, version: int | None = None) -> Layer:
        """One layer as it is shown, or as it was in a version that was shown.

        Raises :class:`NotFound`, in the same words for a layer that is missing and one that this viewer may not see;
        :class:`Withdrawn` to those who could have seen it. Versions that were rolled back, withdrawn or are still to come
        are open to those who may change the layer, and to nobody else.
        """
        entry = self._entry(layer_id, viewer)
        changes = may_change(entry.guard.partner, viewer)
        if version is None or version == entry.standing.current:
            if entry.layer is not None:
                return entry.layer if viewer.signed_in else entry.for_public
            self._raise_absent(layer_id, entry)
        if not changes and entry.standing.withdrawn:
            self._raise_absent(layer_id, entry)
        missing = f"There is no version {version} of the layer '{layer_id}'."
        if version != int(version) or not (
            version in entry.standing.open or (changes and 1 <= version <= entry.newest)
        ):
            raise NotFound(missing)
        layer = self._version(layer_id, int(version))
        # One from before the guard, which a guarded one replaced, would give away what that one hides.
        if not may_see(layer.descriptor, viewer, self.region) or (not changes and looser(layer.descriptor)):
            raise NotFound(missing)
        return layer if viewer.signed_in else _for_public(layer)

    def open_versions(self, layer_id: str, viewer: Viewer) -> frozenset[int]:
        """The versions that were shown and not taken away since. Raises :class:`NotFound` like :meth:`layer`."""
        standing = self._entry(layer_id, viewer).standing
        return frozenset(
            one for one in standing.open
            if one == standing.current or not looser(self._version(layer_id, one).descriptor)
        )  # fmt: skip

    def guard_of(self, layer_id: str) -> tuple[Descriptor | None, Standing | None]:
        """What decides who may see a layer: for :mod:`layers.store.why`, which tells admins only."""
        entry = self._state().entries.get(layer_id)
        return (entry.guard, entry.standing) if entry else (None, None)

    def _entry(self, layer_id: str, viewer: Viewer) -> _Entry:
        entry = self._state().entries.get(layer_id)
        if entry is None or not may_see(entry.guard, viewer, self.region):
            raise NotFound(LAYERS.nothing(layer_id))
        if entry.standing.last is None and not may_change(entry.guard.partner, viewer):
            raise NotFound(LAYERS.nothing(layer_id))  # nothing of it was ever shown
        return entry

    @staticmethod
    def _raise_absent(layer_id: str, entry: _Entry) -> None:
        if gone := entry.standing.withdrawn:
            raise Withdrawn(layer_id, entry.guard.title, gone.reason, gone.at)
        raise NotFound(LAYERS.nothing(layer_id))

    def history(self, layer_id: str, viewer: Viewer) -> tuple[Version, ...]:
        """The versions of a layer, newest first: every one for those who may change it, the open ones for others.

        Raises :class:`NotFound` and :class:`Withdrawn` like :meth:`layer`; those who may change a withdrawn layer still
        get its history.
        """
        entry = self._entry(layer_id, viewer)
        changes = may_change(entry.guard.partner, viewer)
        if not changes and entry.layer is None:
            self._raise_absent(layer_id, entry)
        table = tables.versions
        with self.reading() as connection:
            rows = connection.execute(
                sa.select(table).where(table.c.layer_id == layer_id).order_by(table.c.version.desc())
            ).all()
        found = []
        for row in rows:
            layer = self._versions.setdefault((layer_id, row.version), _layer_of(row))
            stale = row.version != entry.standing.current and looser(layer.descriptor)
            open_ = row.version in entry.standing.open and not stale
            if changes or (open_ and may_see(layer.descriptor, viewer, self.region)):
                if not viewer.signed_in:
                    layer = _for_public(layer)
                found.append(_version_of(row, layer, entry.standing.state(row.version)))
        return tuple(found)

    def audit(
        self,
        viewer: Viewer,
        *,
        layer_id: str | None = None,
        before: int | None = None,
        limit: int = 200,
        search: AuditSearch | None = None,
    ) -> tuple[AuditLine, ...]:
        """Audit lines, newest first; ``before`` pages on by number. Admins see all of them; analysts see those of their
        own partner's things and people. Raises :class:`NotPermitted` for everybody else."""
        if not viewer.signed_in or viewer.role not in ("analyst", "admin"):
            raise NotPermitted("Only analysts and admins may read the audit trail.")
        mine, others = [], []
        for key, entry in self._state().entries.items():
            (mine if may_change(entry.guard.partner, viewer) else others).append(key)
        named = {kind.of: kind.things for kind in kinds.KINDS if kind.of}
        with self.reading() as connection:
            return read_lines(
                connection,
                viewer,
                mine=mine,
                others=others,
                named=named,
                layer_id=layer_id,
                before=before,
                limit=limit,
                search=search,
            )

    # -- reading: the numbers ------------------------------------------------------------------------------------------

    def values(
        self, layer_id: str, level: str, viewer: Viewer, *, period: str | None = None, version: int | None = None
    ) -> Values:
        """An indicator at one level and period (the newest that the level has, unless named), in area order.

        A level that has no values gives every area as missing or withheld, with the reason. Raises :class:`NotFound` like
        :meth:`layer`, and for an unknown period; :class:`Refused` for an unknown level or a list of services;
        :class:`StoreFault` when the stored values are damaged, rather than showing them.
        """
        layer = self.layer(layer_id, viewer, version=version)
        if level not in LEVELS:
            fault = Fault(f"'{level}' is not a level", "level", f"use one of {', '.join(LEVELS)}")
            raise Refused("The values cannot be given.", [fault])
        if layer.kind != Kind.INDICATOR:
            fault = Fault("it is a list of services and has no values", f"layer '{layer_id}'", "ask for its services")
            raise Refused("The values cannot be given.", [fault])
        if period is None:
            period = next((p for p in reversed(layer.periods) if (level, p) in layer.parts), layer.period)
        elif period not in layer.periods:
            raise NotFound(f"The layer '{layer_id}' has no period '{period}'.")
        key = (layer.id, layer.version, level, period)
        found = self._once(key, lambda: self._read_values(layer, level, period))
        return Values(layer, level, period, found.arrays, found.reason, found.why, found.frame)

    def _once(self, key: tuple, decode: Callable[[], _Decoded]) -> _Decoded:
        """What was decoded under this key, from memory if it is still there."""
        with self._decoding:
            found = self._decoded.get(key)
        if found is None:
            found = decode()
            with self._decoding, contextlib.suppress(ValueError):  # larger than the whole memory
                found = self._decoded.setdefault(key, found)  # another thread may have been quicker
        return found

    def _read_values(self, layer: Layer, level: str, period: str) -> _Decoded:
        size = len(self.region.codes(level))
        reason, why = "" if level in layer.levels else layer.reasons.get(level, ""), {}
        if (level, period) in layer.parts:
            part = decode_values(self._content(layer, "values"), level, period)
            arrays, why = part.arrays, part.why
            if not part.area_code.equals(self._codes[level]):
                arrays = in_area_order(part.area_code, arrays, self.region.codes(level))
        else:
            reason = reason or f"There are no values for {period or 'this period'} at {level} level."
            arrays = {name: np.full(size, np.nan) for name in NUMBERS}
            arrays["status"] = np.full(size, STATUSES.index("missing"), dtype="uint8")
        for name, array in arrays.items():
            arrays[name] = array = np.ascontiguousarray(array)
            array.flags.writeable = False
        words = pa.array(STATUSES, pa.large_string()).take(pa.array(arrays["status"]))
        frame = pd.DataFrame(
            {
                "area_code": self.region.areas[level]["code"].array,
                **{name: arrays[name] for name in NUMBERS},
                "status": pd.array(words, dtype="str"),
            },
            copy=False,
        )
        size = sum(array.nbytes for array in arrays.values()) + words.nbytes + 200 * len(why)
        return _Decoded(frame, MappingProxyType(arrays), reason, MappingProxyType(why), size)

    def services(self, layer_id: str, viewer: Viewer, *, version: int | None = None) -> pd.DataFrame:
        """The sites of a service layer, one row each: the columns of ``layers.fields.SERVICE`` that are known, always
        with ``lad_code`` ("" outside the known authorities). Raises like :meth:`values`."""
        layer = self.layer(layer_id, viewer, version=version)
        if layer.kind != Kind.SERVICES:
            fault = Fault("it is an indicator and has no sites", f"layer '{layer_id}'", "ask for its values")
            raise Refused("The services cannot be given.", [fault])
        key = (layer.id, layer.version, "services", "")
        return self._once(key, lambda: self._read_services(layer)).frame.copy(deep=False)

    def _read_services(self, layer: Layer) -> _Decoded:
        frame = freeze(decode_table(self._content(layer, "values")))
        size = int(frame.memory_usage(index=False, deep=True).sum())
        return _Decoded(frame, MappingProxyType({}), "", MappingProxyType({}), size)

    def compare(
        self, layer_id: str, a: int, b: int, level: str, viewer: Viewer, *, period: str | None = None
    ) -> pd.DataFrame:
        """Two versions of an indicator side by side, in area order: ``area_code, before, after, change, status_before,
        status_after``. Without a period: the newest that both have at the level. Raises like :meth:`values`."""
        if period is None:
            first, second = (self.layer(layer_id, viewer, version=version) for version in (a, b))
            shared = [p for p in first.periods if (level, p) in first.parts and (level, p) in second.parts]
            period = shared[-1] if shared else None
        before = self.values(layer_id, level, viewer, version=a, period=period)
        after = self.values(layer_id, level, viewer, version=b, period=period)
        return pd.DataFrame(
            {
                "area_code": before.frame["area_code"],
                "before": before.arrays["value"],
                "after": after.arrays["value"],
                "change": after.arrays["value"] - before.arrays["value"],
                "status_before": before.frame["status"],
                "status_after": after.frame["status"],
            }
        )

    def original(self, layer_id: str, viewer: Viewer, *, version: int | None = None) -> Package:
        """The package as it was handed in, on its own boundaries, less what disclosure control took out: that never
        reaches the store. Only for those who may change the layer: :class:`NotPermitted` for others who can see it."""
        layer = self.layer(layer_id, viewer, version=version)
        if not may_change(layer.partner, viewer):
            raise NotPermitted(f"Only analysts of its partner and admins may have the original of '{layer_id}'.")
        table = self._content(layer, "table")
        return Package(layer.descriptor, decode_table(table), sha256(table))

    def _content(self, layer: Layer, part: str) -> bytes:
        with self.reading() as connection:
            wanted = LAYERS.version_row(connection, layer.id, layer.version)._mapping[f"{part}_sha256"]
            blob = read_content(connection, layer.id, layer.version, part)
        if sha256(blob) != wanted:
            what = "what is stored is not what was published"
            fault = Fault(what, f"{layer.id} version {layer.version}", "restore a backup")
            raise StoreFault("The values are damaged and are not shown.", [fault])
        return blob

    # -- writing -------------------------------------------------------------------------------------------------------

    def note(
        self, action: str, *, by: Viewer, layer_id: str | None = None, detail: Mapping[str, Any] | None = None
    ) -> None:
        """Add a line to the audit trail about something that happened outside the store (an upload refused, an export)."""
        with self.writing(bump=False) as connection:
            add_line(connection, at=self.now(), by=by, action=action, of=layer_id, detail=detail)

    def probe(self) -> None:
        """Read the database itself, not what this process remembers of it. Raises :class:`StoreFault`."""
        with self.reading() as connection:
            columns = tables.meta.c
            self.check_same(connection.execute(sa.select(columns.region_id, columns.made_at)).first())

    def probe_writing(self) -> None:
        """Write, and change nothing: the one row of meta is set to what it is. Raises :class:`StoreFault`."""
        with self.writing(bump=False) as connection:
            connection.execute(sa.update(tables.meta).values(generation=tables.meta.c.generation))

    def generation(self) -> int:
        """A number that grows whenever anything that the store shows may have changed. At most a second old."""
        state = self._state()
        return state.generation + state.due

    # -- snapshot ------------------------------------------------------------------------------------------------------

    def _state(self) -> _Snapshot:
        state = self._snapshot
        if (
            state is not None
            and self._ticks() - self._checked < REFRESH_S
            and (state.next_due is None or self.now() < state.next_due)
        ):
            return state
        return self._refresh()

    def _refresh(self, *, force: bool = False) -> _Snapshot:
        """Look whether anything changed. Threads that find another one looking go on with what they have."""
        if not self._refreshing.acquire(blocking=force or self._snapshot is None):
            return self._snapshot
        try:
            state, ticks = self._snapshot, self._ticks()
            try:
                with self.reading() as connection:
                    columns = tables.meta.c
                    row = connection.execute(sa.select(columns.generation, columns.region_id, columns.made_at)).first()
                    self.check_same(row)
                    generation = row.generation
                    now = self.now()
                    due = state is not None and state.next_due is not None and now >= state.next_due
                    if state is None or due or generation != state.generation:
                        state = self._load(connection, generation, now)
            except StoreFault:
                if force or state is None or ticks - self._reached > STALE_S:
                    raise
                log.exception("the database cannot be reached; answering from memory")
                self._checked = ticks
                return state
            self._snapshot, self._checked, self._reached = state, ticks, ticks
            return state
        finally:
            self._refreshing.release()

    def reload(self) -> None:
        """Show this process what it has just written. It is written: a fault in looking at it is not the writer's."""
        self._checked = float("-inf")
        try:
            self._refresh(force=True)
        except Exception:
            log.exception("the catalogue could not be read after a write; the next read will try again")

    def _load(self, connection: sa.Connection, generation: int, now: datetime) -> _Snapshot:
        by_layer = LAYERS.pointers_of(connection)
        stands = {layer_id: standing(pointers, now) for layer_id, pointers in by_layer.items()}
        newest = {layer_id: max(p.version or 0 for p in pointers) for layer_id, pointers in by_layer.items()}
        decides = {i: stands[i].current or stands[i].last or newest[i] for i in by_layer}
        self._learn(connection, set(decides.items()))
        entries = {}
        for layer_id, version in decides.items():
            layer = self._versions[layer_id, version]
            shown = layer if stands[layer_id].current is not None else None
            entries[layer_id] = _Entry(
                standing=stands[layer_id],
                guard=layer.descriptor,
                newest=newest[layer_id],
                layer=shown,
                for_public=None if shown is None else _for_public(shown),
            )
        dated = [p.effective_at for pointers in by_layer.values() for p in pointers if p.effective_at is not None]
        return _Snapshot(
            generation=generation,
            due=sum(moment <= now for moment in dated),
            next_due=min((moment for moment in dated if moment > now), default=None),
            entries=entries,
        )

    def _version(self, layer_id: str, version: int) -> Layer:
        if (layer_id, version) not in self._versions:
            with self.reading() as connection:
                self._learn(connection, {(layer_id, version)})
        return self._versions[layer_id, version]

    def _learn(self, connection: sa.Connection, wanted: set[tuple[str, int]]) -> None:
        """Read versions that this process has not met. They never change, so they are kept for good."""
        table = tables.versions
        missing = sorted(wanted - self._versions.keys())
        for start in range(0, len(missing), 400):  # SQLite takes some 32,000 parameters a statement; stay far below
            some = missing[start : start + 400]
            query = sa.select(table).where(sa.tuple_(table.c.layer_id, table.c.version).in_(some))
            for row in connection.execute(query):
                self._versions[row.layer_id, row.version] = _layer_of(row)

    def after_fork(self) -> None:
        super().after_fork()
        self._refreshing = threading.Lock()
        self._decoding = threading.Lock()


@dataclass(frozen=True, eq=False)
class _Decoded:
    frame: pd.DataFrame
    arrays: Mapping[str, np.ndarray]
    reason: str
    why: Mapping[str, str]
    size: int


def _layer_of(row: sa.Row) -> Layer:
    summary = json.loads(row.summary)
    return Layer(
        descriptor=descriptor_of(row),
        version=row.version,
        published_at=row.published_at,
        published_by=row.published_by,
        note=row.note,
        levels=tuple(summary["levels"]),
        periods=tuple(summary["periods"]),
        reasons=MappingProxyType(summary["reasons"]),
        notes=MappingProxyType({level: tuple(notes) for level, notes in summary.get("notes", {}).items()}),
        coverage=MappingProxyType(summary["coverage"]),
        sites=summary["sites"],
        checked_by=row.checked_by,
        review_on=row.review_on,
        sha256=row.values_sha256,
        parts=frozenset((level, period) for level, period in summary["parts"]),
    )


def _for_public(layer: Layer) -> Layer:
    """The layer without people's names: the public learns which partner published, not who."""
    return replace(layer, published_by=layer.partner, checked_by="")


_AS_STORED = (
    "layer_id", "version", "published_at", "note", "checked_at", "review_on", "file_sha256", "values_sha256", "table_sha256",
)  # fmt: skip


def _version_of(row: sa.Row, layer: Layer, state: str) -> Version:
    return Version(
        **{name: getattr(row, name) for name in _AS_STORED},
        **{name: getattr(layer, name) for name in ("published_by", "checked_by", "periods", "levels")},
        state=state,
        effective_at=row.effective_at or row.published_at,
        report=json.loads(row.report),
        changes=json.loads(row.changes),
    )
