"""Tables of the store, and how to reach them: one engine, read snapshots, and one writer at a time.

Everything here is SQLAlchemy Core that runs unchanged on SQLite (the default) and PostgreSQL. The few places where the two
must differ are in this module and say why; no other module names a database.

How the tables hang together
----------------------------
``versions`` and ``contents`` hold what was published and never change. ``pointers`` says which version is shown: every
publish, roll back and withdrawal adds one row, and the row's number is that of its line in ``audit``. Nothing is ever
updated or deleted in these four; triggers hold that, so that a mistake in the code cannot rewrite history either. Briefings
have three tables of the same make: ``briefings``, ``briefing_versions`` and ``briefing_pointers``.
``meta`` is one row; taking a lock on it is how writers queue, and its ``generation`` is how readers notice a change.

A new table (drafts, actions, briefings ...) is added here, with :data:`SCHEMA_VERSION` raised by one and a function in
:data:`MIGRATIONS`; its module then uses :meth:`layers.store.store.Store.reading` and :meth:`~layers.store.store.Store.writing`.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event

from layers.model import Fault, Refused

SCHEMA_VERSION = 4

BUSY_S = 30
"""How long a SQLite writer waits for another one. A publish holds the lock for milliseconds; only a first fill is longer."""

OPENING_BUSY_S = 900
"""The same while a store is being opened: a second worker waits here while the first one fills an empty store."""

tables = sa.MetaData()


class Moment(sa.TypeDecorator):
    """An aware datetime, kept as ISO 8601 in UTC with microseconds: readable in any tool, and in order as text."""

    impl = sa.String(32)
    cache_ok = True

    def process_bind_param(self, value, dialect):
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone; the store keeps UTC only")
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def process_result_value(self, value, dialect):
        return None if value is None else datetime.fromisoformat(value)


meta = sa.Table(
    "meta",
    tables,
    sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),  # always 1: there is one row
    sa.Column("schema_version", sa.Integer, nullable=False),
    sa.Column("region_id", sa.Text, nullable=False),
    sa.Column("vintages", sa.Text, nullable=False),  # JSON, level -> year
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("filled_at", Moment),  # when the pack's layers were published; null: never
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("layers_sha256", sa.String(64)),  # of the region pack's layers when they were last published
    sa.Column("areas_sha256", sa.String(64)),  # of its areas and lookups; null: not known
    sa.CheckConstraint("one = 1", name="meta_is_one_row"),
)

layers = sa.Table(
    "layers",
    tables,
    sa.Column("id", sa.String(200), primary_key=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("made_by", sa.Text, nullable=False),
)

audit = sa.Table(
    "audit",
    tables,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),  # 1, 2, 3 ... without a hole
    sa.Column("at", Moment, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("partner", sa.Text, nullable=False),  # of the person
    sa.Column("action", sa.String(40), nullable=False),
    sa.Column("layer_id", sa.String(200)),  # no foreign key: a refused upload names a layer that never came to be
    sa.Column("version", sa.Integer),
    sa.Column("detail", sa.Text, nullable=False),  # JSON
    sa.Column("chain", sa.String(64), nullable=False),  # SHA-256 over the line before's chain and this line
    sa.Index("audit_by_layer", "layer_id", "seq"),
)

versions = sa.Table(
    "versions",
    tables,
    sa.Column("layer_id", sa.String(200), sa.ForeignKey("layers.id"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("published_at", Moment, nullable=False),
    sa.Column("published_by", sa.Text, nullable=False),
    sa.Column("effective_at", Moment),  # null: at once
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("checked_by", sa.Text, nullable=False),
    sa.Column("checked_at", Moment),
    sa.Column("review_on", sa.String(10), nullable=False),
    sa.Column("file_sha256", sa.String(64), nullable=False),  # of the file that was handed in; "" when made in memory
    sa.Column("descriptor", sa.Text, nullable=False),  # JSON
    sa.Column("summary", sa.Text, nullable=False),  # JSON: levels, periods, reasons, coverage, sites
    sa.Column("report", sa.Text, nullable=False),  # JSON
    sa.Column("changes", sa.Text, nullable=False),  # JSON: against the version it replaced
    sa.Column("values_sha256", sa.String(64), nullable=False),
    sa.Column("table_sha256", sa.String(64), nullable=False),
    sa.Column("record_sha256", sa.String(64), nullable=False),  # over the JSON columns and the two above
    sa.CheckConstraint("version >= 1", name="versions_count_from_one"),
)

contents = sa.Table(
    "contents",
    tables,
    sa.Column("layer_id", sa.String(200), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("part", sa.String(10), primary_key=True),  # values: ready to serve; table: as handed in
    sa.Column("parquet", sa.LargeBinary, nullable=False),
    sa.ForeignKeyConstraint(["layer_id", "version"], ["versions.layer_id", "versions.version"]),
    sa.CheckConstraint("part IN ('values', 'table')", name="contents_are_values_or_table"),
)

pointers = sa.Table(
    "pointers",
    tables,
    sa.Column("seq", sa.Integer, sa.ForeignKey("audit.seq"), primary_key=True, autoincrement=False),
    sa.Column("layer_id", sa.String(200), sa.ForeignKey("layers.id"), nullable=False),
    sa.Column("action", sa.String(20), nullable=False),  # publish | rollback | withdraw
    sa.Column("version", sa.Integer),  # the version to show from now on; null: none (withdrawn)
    sa.Column("at", Moment, nullable=False),
    sa.Column("effective_at", Moment),  # null: at once
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.ForeignKeyConstraint(["layer_id", "version"], ["versions.layer_id", "versions.version"]),
    sa.CheckConstraint("(version IS NULL) = (action = 'withdraw')", name="only_a_withdrawal_points_nowhere"),
    sa.Index("pointers_by_layer", "layer_id", "seq"),
)

users = sa.Table(
    "users",
    tables,
    sa.Column("name", sa.String(200), primary_key=True),  # lower case, normalised
    sa.Column("partner", sa.Text, nullable=False),
    sa.Column("role", sa.String(20), nullable=False),
    sa.Column("password_hash", sa.Text),  # argon2id; null: signs in elsewhere (OIDC)
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("made_by", sa.Text, nullable=False),
    sa.Column("signed_in_at", Moment),
    sa.Column("disabled_at", Moment),
)

sessions = sa.Table(
    "sessions",
    tables,
    sa.Column("token_sha256", sa.String(64), primary_key=True),  # a stolen database holds no usable token
    sa.Column("user", sa.String(200), sa.ForeignKey("users.name"), nullable=False, index=True),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
)

failures = sa.Table(
    "failures",
    tables,
    sa.Column("key", sa.String(64), primary_key=True),  # SHA-256 of "name:..." or "source:..."
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("last_at", Moment, nullable=False),
    sa.Column("blocked_until", Moment),
)

drafts = sa.Table(
    "drafts",
    tables,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("partner", sa.Text, nullable=False),  # whose draft it is: its analysts may work on it
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("made_by", sa.Text, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
    sa.Column(
        "revision", sa.Integer, nullable=False
    ),  # grows with every change: two people on one draft notice each other
    sa.Column("filename", sa.Text, nullable=False),  # as its sender called it, made safe
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("file_sha256", sa.String(64), nullable=False),
    sa.Column("answers", sa.Text, nullable=False),  # JSON: everything said so far
)

pack_layers = sa.Table(
    "pack_layers",
    tables,
    sa.Column("layer_id", sa.String(200), sa.ForeignKey("layers.id"), primary_key=True),
    sa.Column("version", sa.Integer),  # that the region pack published last; null: none, the id was somebody else's
    sa.Column("offered_sha256", sa.String(64), nullable=False),  # what the pack holds now; "": no longer in it
    sa.ForeignKeyConstraint(["layer_id", "version"], ["versions.layer_id", "versions.version"]),
)

briefing_drafts = sa.Table(
    "briefing_drafts",
    tables,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("briefing_id", sa.String(80), nullable=False),  # it is to be a version of; "": not chosen yet
    sa.Column("base_version", sa.Integer, nullable=False),  # the newest when the draft was begun; 0: none
    sa.Column("partner", sa.Text, nullable=False),  # whose draft it is: its analysts may work on it
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("made_by", sa.Text, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),  # grows with every change of the text
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("authors", sa.Text, nullable=False),  # JSON: everybody who wrote any of it
    sa.Column("asked_of", sa.Text, nullable=False),  # who is to check it; "": nobody was asked
    sa.Column("asked_by", sa.Text, nullable=False),
    sa.Column("asked_at", Moment),
    sa.Column("asked_note", sa.Text, nullable=False),
    sa.Column("checked_by", sa.Text, nullable=False),  # of the text as it stands: a change empties it
    sa.Column("checked_at", Moment),
)

briefings = sa.Table(
    "briefings",
    tables,
    sa.Column("id", sa.String(80), primary_key=True),
    sa.Column("partner", sa.Text, nullable=False),  # whose it is, for good
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("made_by", sa.Text, nullable=False),
)

briefing_versions = sa.Table(
    "briefing_versions",
    tables,
    sa.Column("briefing_id", sa.String(80), sa.ForeignKey("briefings.id"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("published_at", Moment, nullable=False),
    sa.Column("published_by", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("checked_by", sa.Text, nullable=False),
    sa.Column("checked_at", Moment),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("audience", sa.String(20), nullable=False),
    sa.Column("review_on", sa.String(10), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("pins", sa.Text, nullable=False),  # JSON: layer id -> version that its numbers came from
    sa.Column("facts", sa.Text, nullable=False),  # JSON: what its tokens said on the day
    sa.Column("text_sha256", sa.String(64), nullable=False),
    sa.Column("record_sha256", sa.String(64), nullable=False),  # over everything else in the row
    sa.CheckConstraint("version >= 1", name="briefing_versions_count_from_one"),
)

briefing_pointers = sa.Table(
    "briefing_pointers",
    tables,
    sa.Column("seq", sa.Integer, sa.ForeignKey("audit.seq"), primary_key=True, autoincrement=False),
    sa.Column("briefing_id", sa.String(80), sa.ForeignKey("briefings.id"), nullable=False),
    sa.Column("action", sa.String(20), nullable=False),  # publish | restore | withdraw
    sa.Column("version", sa.Integer),  # the version to show from now on; null: none (withdrawn)
    sa.Column("at", Moment, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.ForeignKeyConstraint(["briefing_id", "version"], ["briefing_versions.briefing_id", "briefing_versions.version"]),
    sa.CheckConstraint("(version IS NULL) = (action = 'withdraw')", name="only_a_withdrawn_briefing_points_nowhere"),
    sa.Index("briefing_pointers_by_briefing", "briefing_id", "seq"),
)

NEVER_CHANGED = (audit, versions, contents, pointers, briefings, briefing_versions, briefing_pointers)


def _remember_the_pack(connection: sa.Connection) -> None:
    """Which versions are the region pack's own was told by their note only."""
    for column in ("layers_sha256", "areas_sha256"):
        connection.exec_driver_sql(f"ALTER TABLE meta ADD COLUMN {column} VARCHAR(64)")
    pack_layers.create(connection)
    columns = versions.c
    first = sa.select(columns.layer_id, columns.version, columns.file_sha256).where(
        columns.version == 1,
        columns.published_by == "system",
        columns.note == "Published from the region pack.",
    )
    connection.execute(sa.insert(pack_layers).from_select(["layer_id", "version", "offered_sha256"], first))


def _add_briefings(connection: sa.Connection) -> None:
    """The tables of briefings, and the triggers of those that never change: a migration has to set up both."""
    briefing_drafts.create(connection)
    for table in (briefings, briefing_versions, briefing_pointers):
        table.create(connection)
        _guard(connection, table)


MIGRATIONS: dict[int, Callable[[sa.Connection], None]] = {
    1: drafts.create,  # 2: drafts of layers that are being published in the browser
    2: _remember_the_pack,  # 3: what the region pack published, so that it can be published again when it changes
    3: _add_briefings,  # 4: briefings, their drafts and versions
}
"""``MIGRATIONS[n]`` takes a store from schema n to n + 1. Each runs inside the opening transaction."""


# -- engine -------------------------------------------------------------------------------------------------------------


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


@contextlib.contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection whose every SELECT sees the same moment."""
    options = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
    with engine.connect().execution_options(**options) as connection:
        yield connection


@contextlib.contextmanager
def writing(engine: sa.Engine, *, bump: bool) -> Iterator[sa.Connection]:
    """One transaction that is the only writer until it ends; all or nothing.

    ``bump`` moves the generation, so that every process reads its catalogue afresh.
    """
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        # The row of meta is the queue of writers; on SQLite, BEGIN IMMEDIATE already was.
        connection.execute(sa.select(meta.c.one).with_for_update())
        yield connection
        if bump:
            connection.execute(sa.update(meta).values(generation=meta.c.generation + 1))


# -- making and opening -------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def opening(engine: sa.Engine) -> Iterator[sa.Connection]:
    """The transaction in which a store is made or brought up to date. A second process waits for the first."""
    with engine.connect().execution_options(writes=True) as connection:
        if engine.dialect.name == "sqlite":
            raw = connection.connection.driver_connection
            raw.execute(f"PRAGMA busy_timeout = {OPENING_BUSY_S * 1000}")
        try:
            with connection.begin():
                if engine.dialect.name == "postgresql":  # no table exists yet whose row could be locked
                    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7236801)")
                yield connection
        finally:
            if engine.dialect.name == "sqlite":
                raw.execute(f"PRAGMA busy_timeout = {BUSY_S * 1000}")


def is_made(connection: sa.Connection) -> bool:
    return sa.inspect(connection).has_table("meta")


def make_tables(connection: sa.Connection) -> None:
    """Create every table and the triggers that keep history as it was."""
    tables.create_all(connection, checkfirst=False)
    for table in NEVER_CHANGED:
        _guard(connection, table)


def migrate(connection: sa.Connection, found: int) -> None:
    """Bring a store of schema ``found`` up to this code's. A newer store is refused rather than misread."""
    if found > SCHEMA_VERSION:
        what = f"it has schema {found}; this program knows schemas up to {SCHEMA_VERSION}"
        raise Refused("The store was made by a newer program.", [Fault(what, "meta", "update Common Ground")])
    for step in range(found, SCHEMA_VERSION):
        MIGRATIONS[step](connection)
    if found < SCHEMA_VERSION:
        connection.execute(sa.update(meta).values(schema_version=SCHEMA_VERSION))


def _guard(connection: sa.Connection, table: sa.Table) -> None:
    for statement in _guards(table.name, connection.dialect.name):
        connection.exec_driver_sql(statement)


def _guards(table: str, dialect: str) -> list[str]:
    message = f"{table} is never changed, only added to"
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, '{message}'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    return [
        f"CREATE OR REPLACE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{message}'; END $$",
        f"CREATE TRIGGER {table}_unchanged BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_refuse()",
    ]


def guards_in_place(connection: sa.Connection) -> bool:
    """Whether every trigger that keeps history is there."""
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars().all()
        wanted = {f"{table.name}_no_{verb}" for table in NEVER_CHANGED for verb in ("update", "delete")}
    else:
        query = (
            "SELECT tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
            "JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = current_schema() AND tgenabled <> 'D'"
        )
        found = connection.exec_driver_sql(query).scalars().all()
        wanted = {f"{table.name}_unchanged" for table in NEVER_CHANGED}
    return wanted <= set(found)


def own_faults(connection: sa.Connection) -> list[str]:
    """What the database itself says is wrong with its file. PostgreSQL has ``pg_amcheck`` for this, from outside."""
    if connection.dialect.name != "sqlite":
        return []
    lines = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    found = [] if lines == ["ok"] else [str(line) for line in lines]
    return found + [f"row {row[1]} of {row[0]} points to a {row[2]} that is not there" for row in orphans]


# -- JSON ---------------------------------------------------------------------------------------------------------------


def to_json(value, *, in_order: bool = True) -> str:
    """Canonical JSON: the same value always gives the same text, so that it can be hashed."""
    return json.dumps(value, ensure_ascii=False, sort_keys=in_order, separators=(",", ":"), default=_plain)


def _plain(value):
    if hasattr(value, "tolist"):  # numpy and pandas scalars and arrays
        return value.tolist()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value)
