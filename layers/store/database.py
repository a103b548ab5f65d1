"""The database under the store: one engine, read snapshots, and one writer at a time.

Everything in the store is SQLAlchemy Core. The few places where SQLite and PostgreSQL must differ are in this module and in
:mod:`layers.store.migrations`, and say why; no other module names a database.
"""

from __future__ import annotations

import contextlib
import os
import weakref
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event

from layers.model import Fault, Refused
from layers.region import Region
from layers.store import tables
from layers.store.records import StoreFault

BUSY_S = 30
"""How long a SQLite writer waits for another one. A publish holds the lock for milliseconds; only a first fill is longer."""

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
        _every_database.add(self)

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection whose every SELECT sees the same moment."""
        options = {"isolation_level": "REPEATABLE READ"} if self.engine.dialect.name == "postgresql" else {}
        with _as_store_faults("read"), self.engine.connect().execution_options(**options) as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self, *, bump: bool = True) -> Iterator[sa.Connection]:
        """One transaction that is the only writer until it ends; all or nothing.

        ``bump`` moves the generation, so that every process reads its catalogue afresh, this one at once.
        """
        with _as_store_faults("written"), self._writer() as connection, connection.begin():
            # The row of meta is the queue of writers; on SQLite, BEGIN IMMEDIATE already was.
            connection.execute(sa.select(tables.meta.c.one).with_for_update())
            yield connection
            if bump:
                connection.execute(sa.update(tables.meta).values(generation=tables.meta.c.generation + 1))
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
                        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7236801)")
                    yield connection
            finally:
                if sqlite:
                    raw.execute(f"PRAGMA busy_timeout = {BUSY_S * 1000}")

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


@contextlib.contextmanager
def _as_store_faults(done: str) -> Iterator[None]:
    """Turn what the database driver raises into a sentence that says what to do."""
    try:
        yield
    except sa.exc.DatabaseError as error:
        if isinstance(error, sa.exc.IntegrityError):
            raise
        text = str(error.orig).strip()
        hints = {
            "full": "free some space, then try again",
            "No space": "free some space, then try again",
            "locked": "another program is writing; try again in a moment",
            "readonly": "the folder or disk is read-only; make it writable",
            "not a database": "the file is something else; choose another with COMMONGROUND_DATABASE_URL",
            "malformed": "the file is damaged; restore a backup",
            "connect": "check that the database server runs and that COMMONGROUND_DATABASE_URL is right",
        }
        todo = next((hint for word, hint in hints.items() if word in text), "see the log of the server")
        raise StoreFault(
            f"The store could not be {done}; nothing was changed.", [Fault(text, "database", todo)]
        ) from error


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


def make_engine(url: str) -> sa.Engine:
    """An engine for a database URL. Raises :class:`Refused` when the URL or its driver cannot be used.

    SQLite runs in WAL mode with ``synchronous=FULL``: a publish that was reported as done survives a power cut. NORMAL
    would be consistent too, but may lose the last publishes, and we publish a few times a day.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise Refused("The database URL cannot be read.", [Fault(str(error), "COMMONGROUND_DATABASE_URL")]) from error
    backend = parsed.get_backend_name()
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if backend not in ("sqlite", "postgresql", "postgres"):
        todo = "use sqlite:///file or postgresql://user@host/database"
        raise Refused("The database cannot be used.", [Fault(f"'{backend}' is not supported", "database URL", todo)])
    if backend == "sqlite":
        return _sqlite_engine(parsed)
    try:
        return sa.create_engine(parsed, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        todo = 'install it with: pip install "psycopg[binary]"'
        raise Refused("The database cannot be used.", [Fault("the driver psycopg is missing", "", todo)]) from error


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    if url.database in (None, "", ":memory:"):
        todo = "name a file: sqlite:////full/path/store.sqlite"
        raise Refused(
            "The database cannot be used.", [Fault("a store in memory cannot be shared by workers", "", todo)]
        )
    file = Path(url.database)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # Password hashes and partners' data: nobody else on the machine may read it. The WAL file inherits this.
        with contextlib.suppress(FileExistsError):
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        todo = "choose another place with COMMONGROUND_HOME or COMMONGROUND_DATABASE_URL"
        raise Refused("The store cannot be made.", [Fault(error.strerror or str(error), str(file), todo)]) from error
    engine = sa.create_engine(url)

    @event.listens_for(engine, "connect")
    def _connected(connection, _record):
        connection.isolation_level = None  # we say BEGIN ourselves: the driver's own timing breaks snapshots
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_S * 1000}")
        if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA trusted_schema = OFF")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begun(connection):
        # A writer takes the lock at once; one that upgrades later can only fail.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def own_faults(connection: sa.Connection) -> list[str]:
    """What the database itself says is wrong with its file. PostgreSQL has ``pg_amcheck`` for this, from outside."""
    if connection.dialect.name != "sqlite":
        return []
    lines = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    found = [] if lines == ["ok"] else [str(line) for line in lines]
    return found + [f"row {row[1]} of {row[0]} points to a {row[2]} that is not there" for row in orphans]
