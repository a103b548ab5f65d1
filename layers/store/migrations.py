"""Making the tables of a new store, bringing an older one up to date, and the triggers that keep history as it was."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from datetime import datetime

import sqlalchemy as sa

from layers.model import Fault, Refused
from layers.store import tables

SCHEMA_VERSION = 8


def _remember_the_pack(connection: sa.Connection) -> None:
    """Which versions are the region pack's own was told by their note only."""
    for column in ("layers_sha256", "areas_sha256"):
        connection.exec_driver_sql(f"ALTER TABLE meta ADD COLUMN {column} VARCHAR(64)")
    tables.pack_layers.create(connection)
    columns = tables.versions.c
    first = sa.select(columns.layer_id, columns.version, columns.file_sha256).where(
        columns.version == 1,
        columns.published_by == "system",
        columns.note == "Published from the region pack.",
    )
    connection.execute(sa.insert(tables.pack_layers).from_select(["layer_id", "version", "offered_sha256"], first))


def _add_briefings(connection: sa.Connection) -> None:
    """The tables of briefings, and the triggers of those that never change: a migration has to set up both."""
    tables.briefing_drafts.create(connection)
    for table in (tables.briefings, tables.briefing_versions, tables.briefing_pointers):
        table.create(connection)
        _guard(connection, table)


def _move_checks(connection: sa.Connection) -> None:
    """A colleague's check of a layer stood in its draft's answers. The tables are made anew, so that their columns are in the
    order of a new store."""
    for table in (tables.drafts, tables.briefing_drafts):
        there = {column["name"] for column in sa.inspect(connection).get_columns(table.name)}
        old = connection.execute(sa.select(*(column for column in table.c if column.name in there))).mappings().all()
        table.drop(connection)
        table.create(connection)
        for row in old:
            row = tables.UNASKED | dict(row)
            if table is tables.drafts:
                answers = json.loads(row["answers"])
                check = answers.pop("check", {})  # a verdict is there only as long as it stands
                said = "sent_back" if check.get("verdict") == "back" else "checked"
                names = {"words": "asked_note", "by": f"{said}_by", "at": f"{said}_at"}
                row |= {names.get(key, key): value for key, value in check.items() if names.get(key, key) in row}
                row |= {key: datetime.fromisoformat(row[key]) for key in ("asked_at", f"{said}_at") if row[key]}
                row["answers"] = tables.to_json(answers, in_order=False)
            connection.execute(sa.insert(table).values(row))


def _add_jobs(connection: sa.Connection) -> None:
    for table in (tables.jobs, tables.job_askers):
        table.create(connection)


MIGRATIONS: dict[int, Callable[[sa.Connection], None]] = {
    1: tables.drafts.create,  # 2: drafts of layers that are being published in the browser
    2: _remember_the_pack,  # 3: what the region pack published, so that it can be published again when it changes
    3: _add_briefings,  # 4: briefings, their drafts and versions
    4: _move_checks,  # 5: a colleague's check of a layer, in the same columns as a briefing's
    5: _add_jobs,  # 6: what is worked on beside requests
    6: tables.briefing_pictures.create,  # 7: pictures of briefings
    7: tables.devices.create,  # 8: browsers in which somebody has signed in before
}
"""``MIGRATIONS[n]`` takes a store from schema n to n + 1. Each runs inside the opening transaction."""


def is_made(connection: sa.Connection) -> bool:
    return sa.inspect(connection).has_table("meta")


def make_tables(connection: sa.Connection) -> None:
    """Create every table and the triggers that keep history as it was."""
    tables.metadata.create_all(connection, checkfirst=False)
    for table in tables.NEVER_CHANGED:
        _guard(connection, table)


def migrate(connection: sa.Connection, found: int) -> None:
    """Bring a store of schema ``found`` up to this code's. A newer store is refused rather than misread."""
    _refuse_newer(found)
    for step in range(found, SCHEMA_VERSION):
        MIGRATIONS[step](connection)
    if found < SCHEMA_VERSION:
        connection.execute(sa.update(tables.meta).values(schema_version=SCHEMA_VERSION))


def check_to_read(found: int) -> None:
    """Refuse a store that has to be brought up to date before it can be read: who only reads does not do that."""
    _refuse_newer(found)
    if found < SCHEMA_VERSION:
        what = f"it has schema {found}; this program reads schema {SCHEMA_VERSION}"
        todo = "make a backup of the home, then start commonground serve: it brings the store up to date"
        raise Refused("The store was made by an older program.", [Fault(what, "meta", todo)])


def _refuse_newer(found: int) -> None:
    if found > SCHEMA_VERSION:
        what = f"it has schema {found}; this program knows schemas up to {SCHEMA_VERSION}"
        raise Refused("The store was made by a newer program.", [Fault(what, "meta", "update Common Ground")])


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


@contextlib.contextmanager
def unguarded(connection: sa.Connection, table: sa.Table) -> Iterator[None]:
    """Within the caller's transaction: a table that is never changed is changed, for :mod:`layers.store.forgetting` alone."""
    if connection.dialect.name == "sqlite":
        for verb in ("update", "delete"):
            connection.exec_driver_sql(f"DROP TRIGGER {table.name}_no_{verb}")
        yield
        _guard(connection, table)
    else:
        connection.exec_driver_sql(f"ALTER TABLE {table.name} DISABLE TRIGGER {table.name}_unchanged")
        yield
        connection.exec_driver_sql(f"ALTER TABLE {table.name} ENABLE TRIGGER {table.name}_unchanged")


def guards_in_place(connection: sa.Connection) -> bool:
    """Whether every trigger that keeps history is there."""
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars().all()
        wanted = {f"{table.name}_no_{verb}" for table in tables.NEVER_CHANGED for verb in ("update", "delete")}
    else:
        query = (
            "SELECT tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
            "JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = current_schema() AND tgenabled <> 'D'"
        )
        found = connection.exec_driver_sql(query).scalars().all()
        wanted = {f"{table.name}_unchanged" for table in tables.NEVER_CHANGED}
    return wanted <= set(found)
