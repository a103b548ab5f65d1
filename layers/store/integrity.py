"""``commonground check``: is everything that was published still there, exactly as it was published?

:func:`check` reads every byte of the store and changes nothing. Each fault says what, where and what to do.
"""

from __future__ import annotations

import json

import pyarrow as pa
import sqlalchemy as sa

from layers.descriptor import descriptor_of_dict
from layers.model import Fault, Kind
from layers.store import briefings, migrations, tables
from layers.store.anchor import faults_against
from layers.store.audit import FORGOTTEN_DETAIL, SIGN_INS, chain_of
from layers.store.blobs import decode_table, decode_values, parts_of, sha256
from layers.store.briefings import BRIEFINGS
from layers.store.contents import read_content
from layers.store.database import Database, own_faults
from layers.store.forgetting import forgotten_by_right
from layers.store.layers import LAYERS, record_sha256
from layers.store.pack_notices import check_pack
from layers.store.pictures import named_pictures
from layers.store.versioned import VersionedKind, standing

RESTORE = "restore a backup; until then this is not shown"


def check(store: Database) -> list[Fault]:
    """Every fault of a store, warnings included; empty when it is whole."""
    with store.reading() as connection:
        faults = [Fault(text, "database file", "restore a backup") for text in own_faults(connection)]
        faults += _check_meta(connection, store)
        faults += _check_history(connection, LAYERS)
        faults += check_trail(connection)
        faults += faults_against(connection, store.anchor.noted(), str(store.anchor.file))
        faults += _check_told(connection, LAYERS)
        faults += _check_contents(connection, store)
        faults += _check_history(connection, BRIEFINGS)
        faults += _check_told(connection, BRIEFINGS)
        faults += _check_briefings(connection)
        faults += _check_pictures(connection)
    return faults + check_pack(store)


def _check_meta(connection: sa.Connection, store: Database) -> list[Fault]:
    row = connection.execute(sa.select(tables.meta)).first()
    if row is None:
        return [Fault("the table is empty", "meta", "restore a backup")]
    faults = []
    if row.region_id != store.region.id:
        faults.append(Fault(f"it names the region '{row.region_id}'", "meta", "open it with that region's pack"))
    if row.schema_version != migrations.SCHEMA_VERSION:
        what = f"it names schema {row.schema_version}"
        faults.append(Fault(what, "meta", "restart Common Ground to bring it up to date"))
    if not migrations.guards_in_place(connection):
        todo = "somebody has taken them away: find out who and why, then restore a backup"
        faults.append(Fault("triggers that keep published versions unchanged are missing", "database", todo))
    return faults


def _check_history(connection: sa.Connection, kind: VersionedKind) -> list[Fault]:
    """Things, versions and pointers of one kind against each other."""
    faults = []
    things = set(connection.execute(sa.select(kind.things.c.id)).scalars())
    numbers: dict[str, list[int]] = {}
    columns = kind.versions.c
    for thing_id, version in connection.execute(
        sa.select(columns[kind.key], columns.version).order_by(columns.version)
    ):
        numbers.setdefault(thing_id, []).append(version)
    pointed: dict[str, set[int]] = {}
    for thing_id, pointers in kind.pointers_of(connection).items():
        pointed[thing_id] = {pointer.version for pointer in pointers if pointer.action == "publish"}
        faults += [
            Fault(
                f"decision {pointer.seq} points to version {pointer.version}, which is not there",
                f"{kind.what} '{thing_id}'",
                "restore a backup",
            )
            for pointer in pointers
            if pointer.version is not None and pointer.version not in numbers.get(thing_id, ())
        ]
    for thing_id in sorted(things | numbers.keys()):
        found, where = numbers.get(thing_id, []), f"{kind.what} '{thing_id}'"
        if thing_id not in things:
            faults.append(Fault(f"its versions are there, the {kind.what} itself is not", where, "restore a backup"))
        if found != list(range(1, len(found) + 1)) or not found:
            faults.append(Fault(f"its versions are {found}, not 1, 2, 3 ... without a hole", where, "restore a backup"))
        if never := sorted(set(found) - pointed.get(thing_id, set())):
            faults.append(Fault(f"versions {never} were written but never published", where, "restore a backup"))
    return faults


def check_trail(connection: sa.Connection) -> list[Fault]:
    """The audit trail has no hole and no changed line."""
    faults: list[Fault] = []
    chain, expected = "", 1
    forgotten = forgotten_by_right(connection)
    for row in connection.execute(sa.select(tables.audit).order_by(tables.audit.c.seq)):
        if row.seq != expected:
            what = f"lines {expected} to {row.seq - 1} are missing"
            faults.append(Fault(what, "audit trail", "find out who removed them; restore a backup"))
        by_right = row.seq in forgotten and row.action in SIGN_INS and row.detail == FORGOTTEN_DETAIL
        if not by_right and chain_of(chain, row._mapping) != row.chain and row.seq == expected:
            faults.append(Fault(f"line {row.seq} was changed", "audit trail", "find out who did; restore a backup"))
        chain, expected = row.chain, row.seq + 1
    return faults


def _check_told(connection: sa.Connection, kind: VersionedKind) -> list[Fault]:
    """The audit trail tells of every version and decision of one kind."""
    faults: list[Fault] = []
    lines = {row.seq: row for row in connection.execute(sa.select(tables.audit))}
    told = {
        (line.layer_id.removeprefix(kind.of), line.version): json.loads(line.detail).get("sha256", "")
        for line in lines.values()
        if line.action == f"{kind.prefix}publish"
    }
    for row in connection.execute(sa.select(kind.pointers)):
        line, thing_id = lines.get(row.seq), row._mapping[kind.key]
        means = (kind.prefix + row.action, kind.of + thing_id, row.version)
        if line is None or (line.action, line.layer_id, line.version) != means:
            what = f"decision {row.seq} ({row.action}) is not in the audit trail"
            faults.append(Fault(what, f"{kind.what} '{thing_id}'", "find out who made it; restore a backup"))
    columns = kind.versions.c
    query = sa.select(columns[kind.key], columns.version, columns.record_sha256)
    there = {(thing_id, version): record for thing_id, version, record in connection.execute(query)}
    for key in sorted(told.keys() | there.keys()):
        where = _version(kind, *key)
        if key not in there:
            faults.append(Fault("the audit trail tells of it, but it is not there", where, "restore a backup"))
        elif key not in told:
            faults.append(Fault("it is there, but the audit trail does not tell of it", where, "find out who made it"))
        elif told[key] != there[key]:
            faults.append(Fault("it is not what the audit trail says was published", where, RESTORE))
    return faults


def _version(kind: VersionedKind, thing_id: str, version: int) -> str:
    name = thing_id if kind is LAYERS else f"{kind.what} '{thing_id}'"
    return f"{name} version {version}"


def _check_contents(connection: sa.Connection, store: Database) -> list[Fault]:
    """Every version has its two tables, unchanged and readable, and its own words are unchanged."""
    faults = []
    versions = {(r.layer_id, r.version): r for r in connection.execute(sa.select(tables.versions))}
    shown = _shown_or_to_come(connection, store)
    columns = tables.contents.c
    there = {tuple(r) for r in connection.execute(sa.select(columns.layer_id, columns.version, columns.part))}
    for layer_id, version, part in sorted(there):
        if (layer_id, version) not in versions:
            what = f"its {part} belong to no version"
            faults.append(Fault(what, f"{layer_id} version {version}", "restore a backup"))
    for (layer_id, version), row in sorted(versions.items()):
        where = f"{layer_id} version {version}"
        try:
            if record_sha256(row._mapping) != row.record_sha256:
                faults.append(Fault("its description is not what was published", where, RESTORE))
            descriptor = descriptor_of_dict(json.loads(row.descriptor))
            summary = json.loads(row.summary)
            json.loads(row.report), json.loads(row.changes)
        except (ValueError, KeyError, TypeError) as error:
            faults.append(Fault(f"its description cannot be read: {error}", where, RESTORE))
            continue
        for part in ("values", "table"):
            if (layer_id, version, part) not in there:
                faults.append(Fault(f"its {part} are not there", where, "restore a backup"))
                continue
            blob = read_content(connection, layer_id, version, part)
            if sha256(blob) != row._mapping[f"{part}_sha256"]:
                faults.append(Fault(f"its {part} are not what was published", where, RESTORE))
                continue
            try:
                if part == "values" and descriptor.kind == Kind.INDICATOR:
                    faults += _check_values(blob, summary, store, where, fits=(layer_id, version) in shown)
                else:
                    decode_table(blob)
            except (pa.ArrowException, KeyError, ValueError, OSError) as error:
                faults.append(Fault(f"its {part} cannot be read: {error}", where, RESTORE))
    return faults


def _shown_or_to_come(connection: sa.Connection, store: Database) -> set[tuple[str, int]]:
    """The versions that have to fit the region's areas; those before them stay as they were published."""
    now = store.now()
    wanted = set()
    for layer_id, pointers in LAYERS.pointers_of(connection).items():
        stands = standing(pointers, now)
        wanted |= {(layer_id, version) for version in (stands.current, *(p.version for p in stands.scheduled))}
    return wanted


def _check_values(blob: bytes, summary: dict, store: Database, where: str, *, fits: bool) -> list[Fault]:
    """``fits``: whether the values have to be for the areas that the region has now."""
    parts = parts_of(blob)
    if {tuple(part) for part in summary["parts"]} != set(parts):
        return [Fault("its values hold other levels and periods than it says", where, RESTORE)]
    faults = []
    moved = set()
    for level, period in parts:
        codes = decode_values(blob, level, period).area_code  # read even when it need not fit: it must be readable
        if fits and set(codes.to_pylist()) != set(store.region.codes(level)):
            moved.add(level)
    if moved:
        what = f"it was published for other {', '.join(sorted(moved))} areas than the region has now"
        todo = "start the server again, or publish the layer again; areas that are new show as missing until then"
        faults.append(Fault(what, where, todo, rule="areas-changed", severity="warning"))
    return faults


def _check_briefings(connection: sa.Connection) -> list[Fault]:
    """Every version of a briefing: its words, its record, and the versions of the layers that it is pinned to."""
    faults = []
    columns = tables.versions.c
    of_layers = {tuple(row) for row in connection.execute(sa.select(columns.layer_id, columns.version))}
    columns = tables.briefing_versions.c
    for row in connection.execute(sa.select(*columns).order_by(columns.briefing_id, columns.version)):
        where = _version(BRIEFINGS, row.briefing_id, row.version)
        if sha256(row.text.encode()) != row.text_sha256:
            faults.append(Fault("its text is not what was published", where, RESTORE))
        if briefings.record_sha256(row._mapping) != row.record_sha256:
            faults.append(Fault("what is said about it is not what was published", where, RESTORE))
        try:
            pins = json.loads(row.pins)
            json.loads(row.facts)
            gone = [f"{name} version {version}" for name, version in pins.items() if (name, version) not in of_layers]
        except (ValueError, AttributeError) as error:
            faults.append(Fault(f"its pins or facts cannot be read: {error}", where, RESTORE))
            continue
        if gone:
            what = f"it takes numbers from what is not there: {', '.join(gone)}"
            faults.append(Fault(what, where, "restore a backup"))
    return faults


def _check_pictures(connection: sa.Connection) -> list[Fault]:
    """Every picture is what was kept, and every picture that a version names is there."""
    faults, there, table = [], set(), tables.briefing_pictures
    for row in connection.execute(sa.select(table.c.id, table.c.sha256, table.c.data).order_by(table.c.id)):
        there.add(row.id)
        if sha256(row.data) != row.sha256:
            faults.append(Fault("it is not what was kept", f"picture '{row.id}'", RESTORE))
    columns = tables.briefing_versions.c
    for row in connection.execute(sa.select(columns.briefing_id, columns.version, columns.text)):
        if gone := set(named_pictures(row.text)) - there:
            what = f"it shows a picture that is not there: {', '.join(sorted(gone))}"
            faults.append(Fault(what, _version(BRIEFINGS, row.briefing_id, row.version), "restore a backup"))
    return faults
