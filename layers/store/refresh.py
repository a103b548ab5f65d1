"""The region pack in the store: published when the store is first opened, and again when the pack was built anew.

:func:`look` takes a fingerprint of the pack, which costs milliseconds; :func:`refresh` compares it with the one that the
store kept and, where they differ, publishes what changed inside the transaction that opens the store. What people decided
since (a publish, a roll back, a withdrawal) is never overwritten. docs/decisions/0003 says why.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from layers.descriptor import FILE, TABLE_FILE
from layers.manifest import pack_faults
from layers.model import LEVELS, SYSTEM, Fault, Kind, Package, Refused, Viewer
from layers.reading.package import read_package
from layers.region import Region
from layers.store import preparing, tables
from layers.store.audit import add_line
from layers.store.blobs import NUMBERS, decode_table, decode_values, parts_of, sha256
from layers.store.contents import descriptor_of, read_content
from layers.store.guard import Published
from layers.store.layers import Layers
from layers.store.permissions import may_change
from layers.store.preparing import Prepared
from layers.store.records import NotPermitted, PublishResult, RefreshReport, StoreFault
from layers.store.versioned import FoundThing, reason_given
from layers.texts import first_few

log = logging.getLogger(__name__)

FIRST_NOTE = "Published from the region pack."
"""Schema 2 knew the pack's own versions by this note: see :data:`layers.store.migrations.MIGRATIONS`."""


# -- the fingerprint of a pack -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PackLayer:
    folder: Path
    layer_id: str  # "" when the package cannot be read at a glance; read_package then says what is wrong with it
    sha256: str  # of its content, as read_package gives it
    broken: str = ""  # why it is left out

    @property
    def name(self) -> str:
        """What it is called where its id cannot be read."""
        return self.layer_id or self.folder.name


@dataclass(frozen=True)
class PackState:
    layers: tuple[PackLayer, ...]
    layers_sha256: str
    areas_sha256: str


def look(region: Region) -> PackState:
    """What a region pack holds now: the content of each layer package, and of everything that figures are fitted with.

    The date of the build is no content: a pack that was built again from the same files is the same pack.
    """
    root = region.path / "layers"
    folders = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    broken = {name: fault for name, fault in pack_faults(region.path).parts.items() if name.startswith("layers/")}
    folders = sorted({*folders, *(region.path / name for name in broken)})
    found, seen = [], {}
    for folder in folders:
        one, fault = _glance(folder), broken.get(f"layers/{folder.name}")
        if one.layer_id and seen.setdefault(one.layer_id, folder.name) != folder.name:
            what = f"the id '{one.layer_id}' is also that of layers/{seen[one.layer_id]}"
            fault = Fault(what, f"layers/{folder.name}", "give each layer its own id")
            one = dataclasses.replace(one, layer_id="")
        found.append(dataclasses.replace(one, broken=str(fault) if fault else ""))
    areas = hashlib.sha256(tables.to_json([region.service_buffer_m, region.vintages]).encode())
    levels = [region.path / "areas" / f"{name}.parquet" for name in (*LEVELS, "context")]
    for file in (*levels, *sorted((region.path / "lookups").glob("*.parquet"))):
        if file.is_file():
            areas.update(f"{file.name} {sha256(file.read_bytes())}\n".encode())
    return PackState(
        layers=tuple(found),
        layers_sha256=sha256(tables.to_json([[one.folder.name, one.layer_id, one.sha256] for one in found]).encode()),
        areas_sha256=areas.hexdigest(),
    )


def _glance(folder: Path) -> PackLayer:
    """The id and content hash of a package without parsing its table."""
    raw = b""
    try:
        raw = (folder / FILE).read_bytes()
        document = json.loads(raw)
        name = document["resources"][0].get("path", TABLE_FILE)
        if Path(name).name != name or not isinstance(document["name"], str):
            raise ValueError(name)
        table = (folder / name).read_bytes()
        return PackLayer(folder, document["name"], sha256(json.dumps(document, sort_keys=True).encode() + table))
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        return PackLayer(folder, "", sha256(raw))


# -- comparing and publishing ------------------------------------------------------------------------------------------


def is_published(connection: sa.Connection, pack: PackState) -> bool:
    """Whether the store has published this very pack, so that a refresh would find nothing to do."""
    columns = tables.meta.c
    row = connection.execute(sa.select(columns.filled_at, columns.layers_sha256, columns.areas_sha256)).one()
    return row.filled_at is not None and tuple(row)[1:] == (pack.layers_sha256, pack.areas_sha256)


def refresh(
    connection: sa.Connection,
    layers: Layers,
    pack: PackState,
    *,
    now: datetime,
    progress: Callable[[int, int, str], None] | None = None,
    accept_loss: bool = False,
) -> RefreshReport:
    """Publish what the pack brings, inside the caller's transaction (:func:`layers.store.tables.opening`).

    ``progress(done, total, title)`` is told after each layer that had to be prepared. A layer that is broken in the pack is
    left out: what was published before stands. Raises :class:`Refused` when a first fill would lack a layer that is as it was
    built (nothing stands yet that could be kept, and whoever makes the pack mends it in one go), and, unless
    ``accept_loss``, when areas or layers would be lost; the caller's transaction then leaves everything as it was.
    """
    region, columns = layers.database.region, tables.meta.c
    # The lock that writers queue for: on PostgreSQL a server that runs already may be publishing.
    kept = connection.execute(
        sa.select(columns.filled_at, columns.layers_sha256, columns.areas_sha256).with_for_update()
    ).one()
    first = kept.filled_at is None
    if not first and (kept.layers_sha256, kept.areas_sha256) == (pack.layers_sha256, pack.areas_sha256):
        return RefreshReport()
    run = _Run(connection, layers, now, first, Published(layers, lambda: contextlib.nullcontext(connection)))
    run.areas_changed = not first and kept.areas_sha256 != pack.areas_sha256
    run.areas_known = kept.areas_sha256 is not None  # a store of schema 2 cannot tell: fit everything, say what changed
    steps = run.plan(pack)
    if not (first or accept_loss):
        run.ask_before_loss()
    for number, step in enumerate(steps, start=1):
        try:
            title = step.act()
        except StoreFault:
            raise
        except Refused as error:
            told = [dataclasses.replace(f, where=f"{step.where} {f.where}".strip()) for f in error.faults]
            run.leave_out(step.layer_id, told or [Fault(error.title, step.where)])
            run.unfit = True
            continue
        if progress is not None:
            with contextlib.suppress(BrokenPipeError):
                progress(number, len(steps), title)
    if not run.faults and look(region) != pack:
        run.faults.append(Fault("it was changed while it was being read", str(region.path), "start again"))
    if first and (run.unfit or (pack.layers and len(run.left_out) == len(pack.layers))):
        raise Refused(f"The layers of the region pack {region.id} cannot be published.", run.broken)
    if run.faults:
        title = f"The region pack {region.id} has changed and cannot be published; the store is as it was."
        raise Refused(title, run.faults)
    report = run.finish(pack)
    # what was left out is tried again at every start
    row = {"layers_sha256": None if run.left_out else pack.layers_sha256, "areas_sha256": pack.areas_sha256}
    if first:
        row["filled_at"] = now
    if first or report:
        row["generation"] = columns.generation + 1
    connection.execute(sa.update(tables.meta).values(row))
    return report


@dataclass(frozen=True)
class _Step:
    """One thing to prepare and, if nothing is wrong with anything so far, to write. ``act`` gives its title."""

    where: str
    act: Callable[[], str]
    layer_id: str = ""


@dataclass
class _Run:
    connection: sa.Connection
    layers: Layers
    now: datetime
    first: bool
    published: Published = field(default=None)  # what the layers are checked against
    areas_changed: bool = False
    areas_known: bool = True
    known: dict[str, sa.Row] = field(default_factory=dict)  # what the pack published before, by layer
    faults: list[Fault] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    refitted: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    unfitted: dict[str, str] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    broken: list[Fault] = field(default_factory=list)
    unfit: bool = False  # whether a layer is as it was built, and cannot be published

    @property
    def region(self) -> Region:
        return self.layers.database.region

    # -- planning ------------------------------------------------------------------------------------------------------

    def plan(self, pack: PackState) -> list[_Step]:
        """What has to be prepared. What is only to be noted is noted here."""
        self.known = self._known()
        steps: list[_Step] = []
        seen: set[str] = set()
        from_pack = set()  # layers whose shown version the pack itself brings up to date
        for one in pack.layers:
            where = f"layers/{one.folder.name}"
            if one.broken or not one.layer_id:
                seen.add(one.name)
                if one.broken:
                    self.leave_out(one.name, [Fault(one.broken, where)])
                else:
                    steps.append(_Step(where, lambda one=one: self._unreadable(one), one.name))
                continue
            seen.add(one.layer_id)
            found = self.layers.find(self.connection, one.layer_id, self.now)
            row = self.known.get(one.layer_id)
            if found is not None and not _is_the_packs(found, row):
                self._keep(found, row, one)
                continue
            from_pack.add(one.layer_id)
            changed = row is None or row.file_sha256 != one.sha256
            if changed or self.areas_changed:
                steps.append(_Step(where, lambda one=one, changed=changed: self._from_pack(one, changed), one.layer_id))
            elif row.offered_sha256 != one.sha256:  # it was gone, and is back as it was
                self._remember(one.layer_id, row.version, one.sha256)
        self.gone = [i for i, row in self.known.items() if i not in seen and row.offered_sha256]
        if self.areas_changed:
            steps += self._refits(from_pack)
        return steps

    def leave_out(self, layer_id: str, faults: list[Fault]) -> None:
        why = "; ".join(map(str, faults))
        self.left_out[layer_id] = why
        self.broken += faults
        log.warning("the layer %s of the region pack is left out: %s", layer_id, why)

    def ask_before_loss(self) -> None:
        """Stop when the pack lacks areas or layers that it had: half a pack looks like this, too."""
        todo = "if that is meant: commonground serve --accept-loss; else build the pack again"
        faults = [
            Fault(f"{len(codes):,} areas would be lost: {first_few(codes)}", f"areas/{level}.parquet", todo)
            for level, codes in (self._areas_lost() if self.areas_changed else {}).items()
        ]
        if self.gone:
            what = f"{len(self.gone):,} layers are no longer in the pack: {first_few(self.gone)}"
            faults.append(Fault(what, "layers", todo))
        if faults:
            raise Refused("The region pack would lose areas or layers; nothing was changed.", faults)

    def _areas_lost(self) -> dict[str, list[str]]:
        """By level, the areas of the indicator that was fitted last which the region no longer has."""
        shown = [
            self.layers.kind.version_row(self.connection, found.id, found.standing.current)
            for found in self.layers.find_all(self.connection, self.now)
            if found.standing.current is not None and found.thing.kind == Kind.INDICATOR
        ]
        last = max(shown, key=lambda row: (row.published_at, row.layer_id), default=None)
        if last is None:
            return {}
        blob = read_content(self.connection, last.layer_id, last.version, "values")
        had = {level: decode_values(blob, level, period).area_code.to_pylist() for level, period in parts_of(blob)}
        lost = {level: sorted(set(codes) - set(self.region.codes(level))) for level, codes in had.items()}
        return {level: codes for level, codes in lost.items() if codes}

    def _known(self) -> dict[str, sa.Row]:
        pack, versions = tables.pack_layers.c, tables.versions.c
        both = tables.pack_layers.outerjoin(
            tables.versions, (versions.layer_id == pack.layer_id) & (versions.version == pack.version)
        )
        query = sa.select(pack.layer_id, pack.version, pack.offered_sha256, versions.file_sha256).select_from(both)
        return {row.layer_id: row for row in self.connection.execute(query.order_by(pack.layer_id))}

    def _keep(self, found: FoundThing, row: sa.Row | None, one: PackLayer) -> None:
        """People decided otherwise since. Told once for each content that the pack comes with."""
        if row is not None and one.sha256 == row.offered_sha256:
            return
        if row is None or one.sha256 != row.file_sha256:
            why = _why_kept(found, row)
            self.kept[one.layer_id] = why
            detail = {"why": why, "offered_sha256": one.sha256, "built": self.region.built}
            self._note("pack-kept", one.layer_id, found.standing.current, detail)
        self._remember(one.layer_id, row.version if row else None, one.sha256)

    def _refits(self, from_pack: set[str]) -> Iterator[_Step]:
        """Every other version that is shown or waits for its date, from its stored table."""
        for found in self.layers.find_all(self.connection, self.now):
            layer_id, stands = found.id, found.standing
            wanted = [(p.version, p.effective_at) for p in stands.scheduled]
            if stands.current is not None and layer_id not in from_pack:
                wanted.insert(0, (stands.current, None))
            for version, at in wanted:
                where = f"layer '{layer_id}' version {version}"
                yield _Step(where, lambda i=layer_id, v=version, at=at: self._from_store(i, v, at))

    # -- one layer -----------------------------------------------------------------------------------------------------

    def _unreadable(self, one: PackLayer) -> str:
        package = read_package(one.folder)  # says what is wrong
        todo = "write the descriptor as docs/layer-package.md says"
        raise Refused("", [Fault(f"the package of '{package.descriptor.id}' cannot be told apart", FILE, todo)])

    def _from_pack(self, one: PackLayer, changed: bool) -> str:
        with _as_refusal(one.layer_id):
            package = read_package(one.folder)
            prepared = preparing.prepare(package, self.region, self.published)
        layer_id, title = package.descriptor.id, package.descriptor.title
        if (layer_id, package.sha256) != (one.layer_id, one.sha256):
            raise Refused("", [Fault("it was changed while it was being read", FILE, "start again")])
        found = self.layers.find(self.connection, layer_id, self.now)
        if found is not None and found.thing.kind != package.descriptor.kind:
            what = f"the layer was published as {found.thing.kind}, this package is {package.descriptor.kind}"
            raise Refused("", [Fault(what, "kind", "choose another id for it")])
        if self.faults:
            return title  # nothing will be written any more
        current = None if found is None else found.standing.current
        version = current
        if found is None:
            note = FIRST_NOTE if self.first else f"New in the region pack{_built(self.region, 'of')}."
            self.added.append(layer_id)
        elif changed:
            note = f"The region pack was built again{_built(self.region, 'on')}."
            self.updated.append(layer_id)
        elif self._is_as_before(layer_id, current, prepared):
            note = ""
        else:
            note = self._refit_note(current)
            self.refitted.append(layer_id)
        if note:
            version = self.layers.write_version(
                self.connection, prepared, found, by=SYSTEM, now=self.now, note=note
            ).version
            self.published.add(prepared.descriptor, prepared.values, version)
        if note or self.known[layer_id].offered_sha256 != one.sha256:
            self._remember(layer_id, version, one.sha256)
        return title

    def _from_store(self, layer_id: str, version: int, at: datetime | None) -> str:
        """Fit a published version to the new areas. One that does not fit stays: it was right when it was published, and
        reading it by area code is better than no server."""
        row = self.layers.kind.version_row(self.connection, layer_id, version)
        table = read_content(self.connection, layer_id, version, "table")
        descriptor = descriptor_of(row)
        try:
            with _as_refusal(layer_id):
                if sha256(table) != row.table_sha256:
                    raise Refused("What is stored is not what was published; restore a backup.")
                package = Package(descriptor, decode_table(table), row.file_sha256)
                prepared = preparing.prepare(package, self.region, self.published)
        except Refused as error:
            why = "; ".join(map(str, error.faults)) or error.title
            self.unfitted[layer_id] = why
            self._note("pack-unfitted", layer_id, version, {"why": why, "built": self.region.built})
            return descriptor.title
        if self.faults or self._is_as_before(layer_id, version, prepared):
            return descriptor.title
        if checks := json.loads(row.report).get("checks"):
            prepared = dataclasses.replace(prepared, report={**prepared.report, "checks": checks})
        found = self.layers.find(self.connection, layer_id, self.now)
        done = self.layers.write_version(
            self.connection,
            prepared,
            found,
            by=SYSTEM,
            now=self.now,
            note=self._refit_note(version),
            at=at,
            review_on=row.review_on,
        )
        self.published.add(prepared.descriptor, prepared.values, done.version)
        if layer_id not in self.refitted:
            self.refitted.append(layer_id)
        pack = self.known.get(layer_id)
        if pack is not None and _is_the_packs(found, pack) and version == pack.version:  # it was gone from the pack
            self._remember(layer_id, done.version, pack.offered_sha256)
        return descriptor.title

    def _is_as_before(self, layer_id: str, version: int, prepared: Prepared) -> bool:
        """Whether a version prepared anew says what the stored one says: then there is nothing to publish."""
        row = self.layers.kind.version_row(self.connection, layer_id, version)
        if json.loads(row.summary) != json.loads(tables.to_json(prepared.summary)):
            return False
        values = read_content(self.connection, layer_id, version, "values")
        return same_values(values, prepared.values, prepared.descriptor.kind)

    def _refit_note(self, version: int) -> str:
        return f"Fitted to the areas of the region pack{_built(self.region, 'of')}: the figures of version {version}."

    # -- what is left behind -------------------------------------------------------------------------------------------

    def _remember(self, layer_id: str, version: int | None, offered_sha256: str) -> None:
        _remember(self.connection, layer_id, version, offered_sha256)

    def _note(self, action: str, layer_id: str | None, version: int | None, detail: Mapping) -> None:
        add_line(self.connection, at=self.now, by=SYSTEM, action=action, of=layer_id, version=version, detail=detail)

    def finish(self, pack: PackState) -> RefreshReport:
        for layer_id in self.gone:
            self._note("pack-gone", layer_id, None, {"built": self.region.built})
            table = tables.pack_layers
            self.connection.execute(sa.update(table).where(table.c.layer_id == layer_id).values(offered_sha256=""))
        report = RefreshReport(
            first=self.first,
            built=self.region.built,
            areas_changed=self.areas_changed and self.areas_known,
            added=tuple(sorted(self.added)),
            updated=tuple(sorted(self.updated)),
            refitted=tuple(sorted(self.refitted)),
            kept=dict(sorted(self.kept.items())),
            unfitted=dict(sorted(self.unfitted.items())),
            gone=tuple(self.gone),
            left_out=dict(sorted(self.left_out.items())),
        )
        if report and not self.first:
            detail = {name: value for name, value in dataclasses.asdict(report).items() if value and name != "first"}
            detail |= {"layers_sha256": pack.layers_sha256, "areas_sha256": pack.areas_sha256}
            self._note("pack-refresh", None, None, detail)
        return report


def _remember(connection: sa.Connection, layer_id: str, version: int | None, offered_sha256: str) -> None:
    table = tables.pack_layers
    row = {"version": version, "offered_sha256": offered_sha256}
    done = connection.execute(sa.update(table).where(table.c.layer_id == layer_id).values(row))
    if not done.rowcount:
        connection.execute(sa.insert(table).values(layer_id=layer_id, **row))


# -- the way back: a layer that people took over follows the pack again ------------------------------------------------


@dataclass(frozen=True)
class PackSide:
    """How a layer stands to the region pack that brings it. ``why`` says why it does not follow, "" when it does."""

    follows: bool
    why: str = ""


def pack_side(store: Layers, layer_id: str, viewer: Viewer) -> PackSide | None:
    with store.database.reading() as connection:
        row = _pack_row(connection, layer_id)
        found = store.find(connection, layer_id, store.database.now()) if row is not None else None
    if row is None or found is None or not row.offered_sha256 or not may_change(found.partner, viewer):
        return None
    follows = _is_the_packs(found, row)
    return PackSide(follows, "" if follows else _why_kept(found, row))


def follow_pack(store: Layers, layer_id: str, *, by: Viewer, reason: str) -> PublishResult:
    """Publish what the region pack holds for a layer, as its next version and as the pack's own: from then on a pack that is
    built again brings the layer up to date. Raises :class:`NotFound` and :class:`NotPermitted` like a roll back."""
    with store.refusals_noted(by, "follow", layer_id):
        reason = reason_given(reason, "layer", "handed back to the region pack", store.kind.why_back)
        with store.database.reading() as connection:
            store.find_to_change(connection, layer_id, by, store.database.now())
        root = store.database.region.path / "layers"
        folders = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
        one = next((seen for seen in map(_glance, folders) if seen.layer_id == layer_id), None)
        if one is None:
            fault = Fault("the region pack does not bring this layer", f"layer '{layer_id}'", "publish it yourself")
            raise Refused("The layer does not follow the region pack.", [fault])
        with _as_refusal(layer_id):
            package = read_package(one.folder)
            published = Published(store, store.database.reading)
            prepared = preparing.prepare(package, store.database.region, published)
        with store.database.writing() as connection:
            now = store.database.now()
            found = store.find_to_change(connection, layer_id, by, now)
            published.check_still_so(connection, now)
            row = _pack_row(connection, layer_id)
            fault = None
            if row is not None and row.offered_sha256 == one.sha256 and _is_the_packs(found, row):
                fault = Fault("it follows the region pack already", f"layer '{layer_id}'", "")
            elif not may_change(package.descriptor.partner, by):
                raise NotPermitted(f"In the region pack '{layer_id}' belongs to another partner; ask an admin.")
            elif found.thing.kind != package.descriptor.kind:
                what = f"the layer was published as {found.thing.kind}, in the pack it is {package.descriptor.kind}"
                fault = Fault(what, "kind", "publish one of the two under another id")
            if fault:
                raise Refused("The layer was not handed back to the region pack.", [fault])
            note = f"Follows the region pack again{_built(store.database.region, 'of')}: {reason}"
            done = store.write_version(connection, prepared, found, by=by, now=now, note=note)
            _remember(connection, layer_id, done.version, one.sha256)
        return done


def _pack_row(connection: sa.Connection, layer_id: str) -> sa.Row | None:
    table = tables.pack_layers.c
    query = sa.select(table.version, table.offered_sha256).where(table.layer_id == layer_id)
    return connection.execute(query).first()


@contextlib.contextmanager
def _as_refusal(layer_id: str) -> Iterator[None]:
    """A fault of the program while a layer is prepared is told like a fault of the pack, with the layer's name."""
    try:
        yield
    except Refused:
        raise
    except Exception as error:
        log.exception("the layer %s could not be prepared", layer_id)
        todo = "this is a fault in the program, not in the pack: please report it"
        raise Refused("", [Fault(f"it cannot be prepared ({type(error).__name__}: {error})", "", todo)]) from error


def _is_the_packs(found: FoundThing, row: sa.Row | None) -> bool:
    """Whether the pack's own last publish still decides what is shown. A roll back is a person's decision, even one to
    the pack's version."""
    decided = found.standing.decided
    return (
        row is not None
        and row.version is not None
        and decided is not None
        and (decided.action, decided.version) == ("publish", row.version)
    )


def _why_kept(found: FoundThing, row: sa.Row | None) -> str:
    decided = found.standing.decided
    if row is None or row.version is None:
        return "the id was taken before the pack had it"
    if decided is None or decided.action == "publish":
        return f"version {found.standing.current} was published over the pack's version {row.version}"
    if decided.action == "withdraw":
        return "it was withdrawn"
    return f"it was rolled back to version {found.standing.current}"


def _built(region: Region, preposition: str) -> str:
    """The date of the build as the end of a sentence, in the pack's own words if it is no date; "" where it says none."""
    if not region.built:
        return ""
    try:
        day = date.fromisoformat(region.built)
    except ValueError:
        return f" ({region.built})"
    return f" {preposition} {day.day} {day:%B %Y}"


def same_values(old: bytes, new: bytes, kind: Kind) -> bool:
    """Whether two blobs of values hold the same, whatever wrote them. Numbers may differ in the last bits, as sums do
    between two releases of a library."""
    if old == new:
        return True
    if kind == Kind.SERVICES:
        return decode_table(old).equals(decode_table(new))
    if parts_of(old) != parts_of(new):
        return False
    for level, period in parts_of(old):
        was, now = decode_values(old, level, period), decode_values(new, level, period)
        if not was.area_code.equals(now.area_code) or was.why != now.why:
            return False
        if not np.array_equal(was.arrays["status"], now.arrays["status"]):
            return False
        if not all(
            np.allclose(was.arrays[name], now.arrays[name], rtol=1e-12, atol=0, equal_nan=True) for name in NUMBERS
        ):
            return False
    return True
