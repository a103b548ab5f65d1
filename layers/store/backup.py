"""``commonground backup`` and ``restore``: a whole store as one file, taken while people work, and put back as it was.

A backup is a zip of ``manifest.json``, ``README.txt`` and ``store.sqlite``: the store as one SQLite file, whichever database it came
from, so that a store also moves from one kind of database to the other. The manifest has the SHA-256 and size of the content; the
last bytes of the file, the zip's comment, are the SHA-256 of every byte before them, so that one changed byte anywhere is found.
That tells damage, not forgery: who may write to backups may write whatever they like.

Sessions, counts of failed sign-ins and jobs are left out: nobody is signed in to a restored store. The secret key is not in the backup;
a restored home makes its own, or is given the old one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from layers.model import SYSTEM, Fault, Refused
from layers.region import Region
from layers.store import integrity, migrations, tables
from layers.store.audit import add_line
from layers.store.database import Database, make_engine, sqlite_file
from layers.store.marker import Marker
from layers.store.store import Store, open_store, open_to_read

FORMAT = 1
MARK = b"commonground backup sha256:"
TAIL = len(MARK) + 64
CONTENT, MANIFEST, README = "store.sqlite", "manifest.json", "README.txt"
NOT_KEPT = ("sessions", "devices", "failures", "job_askers", "jobs")
"""Tables whose rows are left out."""
CHUNK = 2**20
ROWS = 20  # at a time, since a row of contents may hold megabytes

_ABOUT = """A backup of Common Ground. Put it into an empty home with:  commonground restore FILE
It holds accounts, and everything that partners share: keep it as safe as the store itself.
"""


@dataclass(frozen=True)
class Backup:
    """What a backup says about itself."""

    file: Path
    store: str
    region_id: str
    region_name: str
    schema_version: int
    made_at: str
    bytes: int
    sha256: str  # of every byte but the last, where it stands
    rows: dict[str, int]


# -- making one --------------------------------------------------------------------------------------------------------


def write_backup(store: Store, out: Path) -> Backup:
    """Write the store as it is at one moment into the file ``out``, read it again, and only then give it its name.

    Nothing waits for it, and it waits for nobody. Raises :class:`Refused` when the store is damaged or the file cannot be
    written; what stood under that name before is then as it was.
    """
    out = Path(out)
    _check_target(store, out)
    title = "The backup was not made."
    with _disk_faults(title, out):
        with tempfile.TemporaryDirectory(prefix=".commonground-backup-", dir=out.parent) as folder:
            content = Path(folder) / CONTENT
            rows = _copy_out(store, content)
            _check_content(content, store.region, title)
            part = Path(folder) / out.name
            _pack(part, content, store, rows)
            read_backup(part)
            part.replace(out)
        _sync_folder(out.parent)
    return read_backup(out)


def _check_target(store: Store, out: Path) -> None:
    title = "The backup was not made."
    if not out.parent.is_dir():
        raise Refused(title, [Fault("there is no such folder", str(out.parent), "make it first")])
    if not out.exists():
        return
    own = sqlite_file(store.engine.url.render_as_string(hide_password=False))
    with _disk_faults(title, out):
        ours = out.is_file() and not (own and own.exists() and out.samefile(own)) and out.read_bytes()[:2] == b"PK"
    if not ours:
        raise Refused(title, [Fault("this is something else than a backup", str(out), "choose another name")])


def _copy_out(store: Store, content: Path) -> dict[str, int]:
    """The store as it is at one moment, as one SQLite file without a log beside it."""
    if store.engine.dialect.name == "sqlite":
        with store.reading() as connection:  # for its words about faults
            connection.rollback()
            connection.connection.driver_connection.execute("VACUUM INTO ?", (str(content),))
        content.chmod(0o600)
        copy = make_engine(f"sqlite:///{content}")
    else:
        copy = make_engine(f"sqlite:///{content}")
        with store.reading() as source, _writing(copy) as target:
            migrations.make_tables(target)
            _copy_rows(source, target)
    try:
        with _writing(copy) as target:
            for name in NOT_KEPT:
                target.execute(sa.delete(tables.metadata.tables[name]))
            rows = {name: _count(target, table) for name, table in tables.metadata.tables.items()}
        raw = copy.raw_connection()
        raw.driver_connection.execute("VACUUM")  # what was deleted is not in the file any more
        raw.driver_connection.execute("PRAGMA journal_mode = DELETE")
        raw.close()
    finally:
        copy.dispose()
    return rows


@contextlib.contextmanager
def _writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


def _copy_rows(source: sa.Connection, target: sa.Connection) -> dict[str, int]:
    """Every row of every table, parents first; a few at a time."""
    counts = {}
    for table in tables.metadata.sorted_tables:
        counts[table.name] = 0
        found = source.execution_options(stream_results=True).execute(sa.select(table))
        for some in found.partitions(ROWS):
            target.execute(sa.insert(table), [dict(row._mapping) for row in some])
            counts[table.name] += len(some)
    return counts


def _count(connection: sa.Connection, table: sa.Table) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def _check_content(content: Path, region: Region, title: str) -> None:
    store = open_to_read(f"sqlite:///{content}", region)
    try:
        faults = [fault for fault in integrity.check(store) if fault.severity != "warning"]
    finally:
        store.close()
    if faults:
        raise Refused(title, [Fault("the store is damaged", "", "commonground check says where"), *faults])


def _pack(part: Path, content: Path, store: Store, rows: dict[str, int]) -> None:
    manifest = {
        "format": FORMAT,
        "store": store.id,
        "region": {"id": store.region.id, "name": store.region.name},
        "schema_version": migrations.SCHEMA_VERSION,
        "made_at": store.now().isoformat(),
        "files": {
            CONTENT: {"sha256": _sha256(content, content.stat().st_size), "bytes": content.stat().st_size},
            README: {"sha256": hashlib.sha256(_ABOUT.encode()).hexdigest(), "bytes": len(_ABOUT.encode())},
        },
        "rows": rows,
        "left_out": list(NOT_KEPT),
    }
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.comment = MARK + b"0" * 64
        archive.writestr(README, _ABOUT)
        archive.writestr(MANIFEST, json.dumps(manifest, indent=1, ensure_ascii=False))
        archive.write(content, CONTENT)
    size = part.stat().st_size
    digest = _sha256(part, size - 64)
    with part.open("r+b") as file:
        file.seek(size - 64)
        file.write(digest.encode())
        file.flush()
        os.fsync(file.fileno())


def _sha256(file: Path, size: int) -> str:
    """Of the first ``size`` bytes of a file."""
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while size > 0 and (some := opened.read(min(CHUNK, size))):
            digest.update(some)
            size -= len(some)
    return digest.hexdigest()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _disk_faults(title: str, where: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        todo = "free some space, or choose another place"
        raise Refused(title, [Fault(error.strerror or str(error), str(where), todo)]) from error


# -- reading one -------------------------------------------------------------------------------------------------------


def read_backup(file: Path) -> Backup:
    """What a backup says about itself, once every byte of it has been found to be as it was written.

    Raises :class:`Refused` for a file that is no backup, was cut short or was changed."""
    title, file = "The backup cannot be used.", Path(file)
    again = "take another backup, or another copy of this one"
    with _disk_faults(title, file):
        size = file.stat().st_size
        with file.open("rb") as opened:
            head = opened.read(16)
            opened.seek(max(size - TAIL, 0))
            tail = opened.read()
        if head.startswith(b"SQLite format 3"):
            what = "this is a database file, not a backup: copied while people work, it may lack what they did last"
            raise Refused(title, [Fault(what, str(file), "make one with: commonground backup --out FILE")])
        if not tail.startswith(MARK):
            what = "its last bytes are not those of a backup: it was cut short, changed, or is something else"
            raise Refused(title, [Fault(what, str(file), again)])
        digest = _sha256(file, size - 64)
    if digest.encode() != tail[len(MARK) :]:
        raise Refused(title, [Fault("it is not as it was written: bytes in it were changed", str(file), again)])
    try:
        with zipfile.ZipFile(file) as archive:
            manifest = json.loads(archive.read(MANIFEST))
            if manifest["format"] != FORMAT:
                fault = Fault(f"it has format {manifest['format']}", str(file), "update Common Ground")
                raise Refused(title, [fault])
            for name, known in manifest["files"].items():
                with archive.open(name) as opened:
                    if hashlib.file_digest(opened, "sha256").hexdigest() != known["sha256"]:
                        raise Refused(title, [Fault(f"{name} is not what the manifest says", str(file), again)])
        region = manifest["region"]
        return Backup(
            file, manifest["store"], region["id"], region["name"], manifest["schema_version"], manifest["made_at"],
            size, digest, dict(manifest["rows"]),
        )  # fmt: skip
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, EOFError, NotImplementedError) as error:
        raise Refused(title, [Fault(f"cannot be read: {error}", str(file), again)]) from error


# -- putting one back --------------------------------------------------------------------------------------------------


def restore_backup(file: Path, url: str, region: Region, *, marker: Marker | None = None) -> Backup:
    """Make the store at a database URL from a backup. The store is there whole when this returns, and not at all otherwise.

    Raises :class:`Refused` for a backup that is damaged or of another region, and for a home or database that is in use: it
    is then as it was. A home whose store is gone takes the backup of that very store.
    """
    found, title = read_backup(file), "The backup was not restored; nothing was changed."
    if found.region_id != region.id:
        what = f"it holds the region '{found.region_id}' ({found.region_name}), this one is '{region.id}'"
        raise Refused(title, [Fault(what, str(file), "set COMMONGROUND_REGION to that region's pack")])
    if marker is not None and marker.known() not in ("", found.store):
        what = "this home has had another store than the one in the backup"
        raise Refused(title, [Fault(what, str(marker.file), "choose an empty COMMONGROUND_HOME")])
    target = sqlite_file(url)
    if target is not None:
        _check_unused(target, title)
    with _disk_faults(title, target or Path(tempfile.gettempdir())):
        if target is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".commonground-restore-", dir=target and target.parent) as folder:
            content = Path(folder) / CONTENT
            with zipfile.ZipFile(file) as archive:
                archive.extract(CONTENT, folder)
            content.chmod(0o600)
            _prepare(content, region, found, title)
            if target is None:
                _copy_in(content, url, region, title)
            else:
                _put(content, target, title)
        if marker is not None:
            marker.keep(found.store)
    return found


def _check_unused(target: Path, title: str) -> None:
    todo = "choose an empty COMMONGROUND_HOME, or move away what is there"
    with _disk_faults(title, target):
        for name in (target.name, f"{target.name}-wal", f"{target.name}-journal"):
            there = target.with_name(name)
            if there.is_dir() or (there.exists() and there.stat().st_size):
                raise Refused(title, [Fault("there is a store already, or what is left of one", str(there), todo)])


def _prepare(content: Path, region: Region, found: Backup, title: str) -> None:
    """Bring the content up to date, look at every byte of it, and note in the audit trail that it was restored."""
    store = open_store(f"sqlite:///{content}", region, fill=False)
    try:
        if faults := [fault for fault in integrity.check(store) if fault.severity != "warning"]:
            raise Refused(title, [Fault("the store in the backup is damaged", str(found.file), ""), *faults])
        if store.id != found.store:
            raise Refused(title, [Fault("it holds another store than it says", str(found.file), "")])
        with store.writing() as connection:
            detail = {"backup_made_at": found.made_at, "backup_sha256": found.sha256}
            add_line(connection, at=store.now(), by=SYSTEM, action="restore-store", detail=detail)
    finally:
        store.close()
    engine = make_engine(f"sqlite:///{content}")
    with contextlib.closing(engine.raw_connection()) as raw:
        raw.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()


def _put(content: Path, target: Path, title: str) -> None:
    with content.open("rb") as file:
        os.fsync(file.fileno())
    for name in (f"{target.name}-wal", f"{target.name}-shm", f"{target.name}-journal"):
        target.with_name(name).unlink(missing_ok=True)  # empty: _check_unused has looked
    if target.exists() and not target.stat().st_size:
        target.unlink()
    try:
        os.link(content, target)  # never over another one
    except FileExistsError:
        raise Refused(title, [Fault("somebody made a store meanwhile", str(target), "choose an empty home")]) from None
    except OSError:  # a file system without links
        if target.exists():
            raise
        content.replace(target)
    _sync_folder(target.parent)


def _copy_in(content: Path, url: str, region: Region, title: str) -> None:
    """Into a database server, in one transaction."""
    source, engine = make_engine(f"sqlite:///{content}", to_read=True), make_engine(url)
    try:
        with Database(source, region).reading() as rows, Database(engine, region).opening() as connection:
            if migrations.is_made(connection):
                todo = "choose an empty database"
                raise Refused(title, [Fault("there is a store already", "COMMONGROUND_DATABASE_URL", todo)])
            migrations.make_tables(connection)
            counts = _copy_rows(rows, connection)
            if counts != {name: _count(connection, table) for name, table in tables.metadata.tables.items()}:
                raise Refused(title, [Fault("not every row arrived", "database", "try again")])
    finally:
        source.dispose()
        engine.dispose()


def made_on(backup: Backup) -> str:
    """``30 November 2026 at 11:05 UTC``"""
    at = datetime.fromisoformat(backup.made_at)
    return f"{at.day} {at:%B %Y at %H:%M} UTC"
