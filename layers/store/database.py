"""The database under the store: one engine, read snapshots, and one writer at a time.

Everything in the store is SQLAlchemy Core. The few places where SQLite and PostgreSQL must differ are in this module and in
:mod:`layers.store.migrations`, and say why; no other module names a database.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
import time
import uuid
import weakref
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event

from layers.model import Fault, Refused
from layers.region import Region
from layers.store import tables
from layers.store.anchor import ADDED, Anchor
from layers.store.marker import RESTORE, store_id
from layers.store.records import StoreFault

BUSY_S = 2.5
"""How long a writer waits for another one, a reader for a connection, and anybody for a database server that does not answer.
A publish holds the lock for milliseconds; whoever waits longer is told to try again."""

LOCK_S, WORK_S = BUSY_S + 0.3, 10.0
"""How long a writer waits for a server that is silent: until its turn comes, and in the middle of its work."""

AWAY_AFTER_S = 1.0
"""A database that took longer than this to fail is not asked again for as long."""

OPENING_BUSY_S = 900
"""The same while a store is being opened: a second worker waits here while the first one fills an empty store."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class Database:
    """The database of one region, and the clock that everything in it goes by. Threads may share it.

    What keeps tables of its own in the store (briefings, drafts, accounts) is handed one, and needs nothing above it.
    """

    def __init__(self, engine: sa.Engine, region: Region, *, clock: Callable[[], datetime] = utc_now):
        self.engine = engine
        self.region = region
        self.now = clock
        self._away: tuple[float, StoreFault] | None = None
        self.anchor = Anchor()  # where lines of the audit trail are noted outside the database
        self.id = ""  # of the store that was opened; "": not known, and not compared
        _every_database.add(self)

    @contextlib.contextmanager
    def reading(self, done: str = "read") -> Iterator[sa.Connection]:
        """A connection whose every SELECT sees the same moment. ``done``: what could not be done when it fails."""
        options = {"isolation_level": "REPEATABLE READ"} if self.engine.dialect.name == "postgresql" else {}
        self._ask_nothing_of_who_is_away()
        began = time.monotonic()
        try:
            with _as_store_faults(done), self.engine.connect().execution_options(**options) as connection:
                _patience(connection, BUSY_S)
                yield connection
                self._away = None
        except StoreFault as fault:
            if time.monotonic() - began > AWAY_AFTER_S:  # whoever comes next is not kept waiting for the same
                self._away = (time.monotonic() + AWAY_AFTER_S, fault)
            raise

    def _ask_nothing_of_who_is_away(self) -> None:
        """Raise what was raised before while a database is away. Now and then one of those who ask looks whether it is back,
        and the others are still answered at once meanwhile."""
        away, now = self._away, time.monotonic()
        if away is None:
            return
        if now < away[0]:
            raise away[1]
        self._away = (now + 2 * BUSY_S, away[1])

    @contextlib.contextmanager
    def writing(self, *, bump: bool = True) -> Iterator[sa.Connection]:
        """One transaction that is the only writer until it ends; all or nothing.

        ``bump`` moves the generation, so that every process reads its catalogue afresh, this one at once.
        """
        if self.engine.dialect.name != "sqlite":
            self._ask_nothing_of_who_is_away()
        with _as_store_faults("written"), self._writer() as connection:
            connection.info.pop(ADDED, None)
            _patience(connection, LOCK_S)
            with connection.begin():
                # The row of meta is the queue of writers; on SQLite, BEGIN IMMEDIATE already was.
                columns = tables.meta.c
                row = connection.execute(sa.select(columns.region_id, columns.made_at).with_for_update()).first()
                self.check_same(row)
                self._away = None
                _patience(connection, WORK_S)
                yield connection
                if bump:
                    connection.execute(sa.update(tables.meta).values(generation=tables.meta.c.generation + 1))
            added = connection.info.pop(ADDED, ())
        self.anchor.tell(added)
        if bump:
            self.reload()

    @contextlib.contextmanager
    def opening(self) -> Iterator[sa.Connection]:
        """The transaction in which a store is made or brought up to date. A second process waits for the first."""
        sqlite = self.engine.dialect.name == "sqlite"
        with _as_store_faults("opened"), self._writer() as connection:
            if sqlite:
                raw = connection.connection.driver_connection
                raw.execute(f"PRAGMA busy_timeout = {OPENING_BUSY_S * 1000}")
            try:
                with connection.begin():
                    if not sqlite:  # no table exists yet whose row could be locked
                        _patience(connection, None)
                        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{OPENING_BUSY_S}s'")
                        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7236801)")
                    yield connection
            finally:
                if sqlite:
                    raw.execute(f"PRAGMA busy_timeout = {BUSY_S * 1000:.0f}")

    def anchor_at(self, anchor: Anchor) -> None:
        """Note the audit trail there from now on."""
        self.anchor = anchor
        with self.reading() as connection:
            anchor.begin(connection)

    def check_same(self, row: sa.Row | None) -> None:
        """Refuse to go on when the database no longer holds the store that was opened. ``row`` of meta: region_id, made_at."""
        if row is None:
            fault = Fault("its meta table is empty", "database", RESTORE)
            raise StoreFault("The store has been emptied; nothing was changed.", [fault])
        if self.id and store_id(row.region_id, row.made_at) != self.id:
            todo = "put the right one back, or start the server again"
            fault = Fault("it is not the one that this server was started on", "database", todo)
            raise StoreFault("The database holds another store; nothing was changed.", [fault])

    def _writer(self) -> sa.Connection:
        return self.engine.connect().execution_options(writes=True)

    def reload(self) -> None:
        """After a write that changes what is shown. Here nothing is remembered, so there is nothing to do."""

    def close(self) -> None:
        self.engine.dispose()

    def before_fork(self) -> None:
        self.engine.dispose()  # a SQLite connection must not be used, nor even closed, in a child

    def after_fork(self) -> None:
        self.engine.dispose(close=False)


_HINTS = {
    "full": "free some space, then try again",
    "No space": "free some space, then try again",
    "disk I/O": "look at the disk: it is full or failing; then try again",
    "locked": "another program is writing; try again in a moment",
    "lock timeout": "another program is writing; try again in a moment",
    "QueuePool": "too many asked at once; try again in a moment",
    "readonly": "the folder or disk is read-only; make it writable",
    "read-only": "the database is read-only; make it writable",
    "unable to open": "the file or its folder is gone or may not be read; put it back, or " + RESTORE,
    "no such table": "the store has been emptied; " + RESTORE,
    "does not exist": "the store has been emptied; " + RESTORE,
    "not a database": "the file is something else; choose another with COMMONGROUND_DATABASE_URL",
    "malformed": "the file is damaged; " + RESTORE,
    "given up": "check that the database server runs and can be reached; it is tried again by itself",
    "connect": "check that the database server runs and that COMMONGROUND_DATABASE_URL is right",
}


@contextlib.contextmanager
def _as_store_faults(done: str) -> Iterator[None]:
    """Turn what the database driver raises into a sentence that says what to do."""
    try:
        yield
    except (sa.exc.DBAPIError, sa.exc.TimeoutError, sqlite3.Error) as error:
        if isinstance(error, sa.exc.IntegrityError):
            raise
        text = str(getattr(error, "orig", None) or error).strip()
        todo = next((hint for word, hint in _HINTS.items() if word in text), "see the log of the server")
        fault = Fault(text, "database", todo)
        raise StoreFault(f"The store could not be {done}; nothing was changed.", [fault]) from error


# -- forking -----------------------------------------------------------------------------------------------------------

_every_database: weakref.WeakSet[Database] = weakref.WeakSet()


def _fork_hook(method: str) -> Callable[[], None]:
    def run() -> None:
        for database in list(_every_database):
            getattr(database, method)()

    return run


if hasattr(os, "register_at_fork"):  # gunicorn --preload opens the store, then forks its workers
    os.register_at_fork(before=_fork_hook("before_fork"), after_in_child=_fork_hook("after_fork"))


# -- engine ------------------------------------------------------------------------------------------------------------


def make_engine(url: str, *, to_read: bool = False) -> sa.Engine:
    """An engine for a database URL. Raises :class:`Refused` when the URL or its driver cannot be used.

    ``to_read``: it makes nothing and changes nothing, and works on a disk that cannot be written to.

    SQLite runs in WAL mode with ``synchronous=FULL``: a publish that was reported as done survives a power cut. NORMAL
    would be consistent too, but may lose the last publishes, and we publish a few times a day.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        file = Path(parsed.database)
        if to_read:
            return _sqlite_engine(parsed, _to_read(file), file)
        _make_file(file)
        return _sqlite_engine(parsed, lambda: _connect(file, "mode=rw"), file)
    try:
        from layers.store import server_link

        engine = sa.create_engine(parsed, pool_timeout=BUSY_S, connect_args={"connect_timeout": 2})
        server_link.use(engine)
    except ModuleNotFoundError as error:
        todo = 'install it with: pip install "psycopg[binary]"'
        raise Refused("The database cannot be used.", [Fault("the driver psycopg is missing", "", todo)]) from error

    @event.listens_for(engine, "connect")
    def _connected(connection, record):
        record.info["new"] = True
        connection.silent_s = BUSY_S
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{BUSY_S * 1000:.0f}ms'")
            if to_read:
                cursor.execute("SET default_transaction_read_only = on")
        connection.commit()

    return engine


def _patience(connection: sa.Connection, silent_s: float | None) -> None:
    """For how long a server may be silent from now on before the connection to it is given up."""
    if connection.dialect.name != "sqlite":
        from layers.store import server_link

        server_link.patience(connection, silent_s)


def memory_engine() -> sa.Engine:
    """A database in the memory of this process, for a command that only reads where there is no store yet."""
    name = uuid.uuid4().hex
    return _sqlite_engine(sa.make_url(f"sqlite:///{name}"), lambda: _connect(Path(name), "mode=memory&cache=shared"))


def _parsed(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise Refused("The database URL cannot be read.", [Fault(str(error), "COMMONGROUND_DATABASE_URL")]) from error
    backend = parsed.get_backend_name()
    if backend not in ("sqlite", "postgresql", "postgres"):
        todo = "use sqlite:///file or postgresql://user@host/database"
        raise Refused("The database cannot be used.", [Fault(f"'{backend}' is not supported", "database URL", todo)])
    if backend == "sqlite" and parsed.database in (None, "", ":memory:"):
        todo = "name a file: sqlite:////full/path/store.sqlite"
        fault = Fault("a store in memory cannot be shared by workers", "", todo)
        raise Refused("The database cannot be used.", [fault])
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    return parsed


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite store; None for a database server."""
    parsed = _parsed(url)
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" else None


def nothing_there(url: str) -> bool:
    """Whether there is no SQLite file, or an empty one. A database server has to be asked: False."""
    file = sqlite_file(url)
    try:
        return file is not None and file.stat().st_size == 0
    except FileNotFoundError:
        return True
    except OSError as error:
        raise _not_opened(error, file) from error


def _make_file(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # Password hashes and partners' data: nobody else on the machine may read it. The WAL file inherits this.
        with contextlib.suppress(FileExistsError):
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise _not_opened(error, file) from error


def _not_opened(error: OSError, file: Path) -> Refused:
    todo = "choose another place with COMMONGROUND_HOME or COMMONGROUND_DATABASE_URL"
    return Refused("The store cannot be opened.", [Fault(error.strerror or str(error), str(file), todo)])


def _connect(file: Path, how: str) -> sqlite3.Connection:
    """``mode=rw`` where others would say nothing: a file that is gone is never made again by connecting to it."""
    return sqlite3.connect(f"file:{quote(str(file))}?{how}", uri=True, timeout=BUSY_S, check_same_thread=False)


def _to_read(file: Path) -> Callable[[], sqlite3.Connection]:
    """How to open a file without changing it, a write-ahead log that a dead server left beside it included."""
    try:
        with contextlib.closing(_connect(file, "mode=ro")) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            return lambda: _connect(file, "mode=ro")
        # a folder that cannot be written to has no room for the index of the log
        log = file.with_name(f"{file.name}-wal")
        if not log.exists() or not log.stat().st_size:
            return lambda: _connect(file, "immutable=1")
        aside = tempfile.TemporaryDirectory(prefix="commonground-")  # goes when the process ends
        copy = Path(aside.name) / file.name
        shutil.copyfile(file, copy)
        shutil.copyfile(log, copy.with_name(log.name))
        return lambda _kept=aside: _connect(copy, "mode=rw")
    except sqlite3.DatabaseError:
        pass  # whoever reads it is told
    return lambda: _connect(file, "mode=ro")


def _sqlite_engine(url: sa.URL, connect: Callable[[], sqlite3.Connection], file: Path | None = None) -> sa.Engine:
    """``file``: what the connections are to; one that was taken away or replaced meanwhile is opened anew."""
    engine = sa.create_engine(url, creator=connect, pool_timeout=BUSY_S, poolclass=sa.pool.QueuePool)

    @event.listens_for(engine, "connect")
    def _connected(connection, record):
        connection.isolation_level = None  # we say BEGIN ourselves: the driver's own timing breaks snapshots
        record.info["file"] = _identity(file)
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_S * 1000:.0f}")
        if cursor.execute("PRAGMA journal_mode").fetchone()[0] not in ("wal", "memory"):
            with contextlib.suppress(sqlite3.OperationalError):  # it is only read
                cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA trusted_schema = OFF")
        if file is None:
            cursor.execute("PRAGMA read_uncommitted = ON")
        cursor.close()

    @event.listens_for(engine, "checkout")
    def _checked_out(_connection, record, _proxy):
        if record.info["file"] != _identity(file):
            raise sa.exc.DisconnectionError("the file of the store was replaced")

    @event.listens_for(engine, "begin")
    def _begun(connection):
        # A writer takes the lock at once; one that upgrades later can only fail.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _identity(file: Path | None) -> tuple[int, int] | None:
    try:
        found = None if file is None else file.stat()
    except OSError:
        return None
    return None if found is None else (found.st_dev, found.st_ino)


def own_faults(connection: sa.Connection) -> list[str]:
    """What the database itself says is wrong with its file. PostgreSQL has ``pg_amcheck`` for this, from outside."""
    if connection.dialect.name != "sqlite":
        return []
    lines = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    found = [] if lines == ["ok"] else [str(line) for line in lines]
    return found + [f"row {row[1]} of {row[0]} points to a {row[2]} that is not there" for row in orphans]
