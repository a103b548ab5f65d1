"""Every step to the present schema, on every database: an old store ends as a new one would begin, and keeps what it held."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing

import pytest
import sqlalchemy as sa

from layers.store import migrations, tables
from layers.store.drafts import Drafts
from layers.store.integrity import check as check_store
from layers.store.store import open_store
from tests.layers.store.test_schema import old_store
from tests.layers.store_fixtures import NOON, WEST_ANALYST, indicator, publish_briefing

UNDO = {
    2: ("DROP TABLE pack_layers", "ALTER TABLE meta DROP COLUMN layers_sha256", "ALTER TABLE meta DROP COLUMN areas_sha256"),
    1: ("DROP TABLE drafts",),
}  # fmt: skip
"""What schemas 3 and 2 added to the one before: no store of a program that had schema 2 or 1 was kept."""

OLD = (1, 2, 3, 4)
KEPT = (tables.audit, tables.users, tables.versions, tables.pointers)


@pytest.fixture(params=OLD)
def old(request, url, tmp_path):
    """The number of a schema, and the URL of a store that has it."""
    schema = request.param
    file = old_store(max(schema, 3), tmp_path)
    with closing(sqlite3.connect(file)) as connection:
        for step in range(2, schema - 1, -1):
            for statement in UNDO[step]:
                connection.execute(statement)
        connection.execute("UPDATE meta SET schema_version = ?", [schema])
        connection.commit()
        if url.startswith("sqlite"):
            shutil.copy(file, url.removeprefix("sqlite:///"))
        else:
            _move(connection, url)
    return schema, url


def _move(connection: sqlite3.Connection, url: str) -> None:
    """The same tables, rows, indexes and triggers on a server."""
    made = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
    indexes = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").fetchall()
    order = [table.name for table in tables.metadata.sorted_tables if table.name in made]
    assert sorted(order) == sorted(made)
    engine = sa.create_engine(url)
    with engine.begin() as server:
        for name in order:
            server.exec_driver_sql(_for_server(made[name]))
            found = connection.execute(f"SELECT * FROM {name}")
            columns = ", ".join(f'"{column[0]}"' for column in found.description)
            places = ", ".join(["%s"] * len(found.description))
            for row in found:
                server.exec_driver_sql(f"INSERT INTO {name} ({columns}) VALUES ({places})", tuple(row))
        for (statement,) in indexes:
            server.exec_driver_sql(_for_server(statement))
        for table in tables.NEVER_CHANGED:
            if table.name in made:
                migrations._guard(server, table)
    engine.dispose()


def _for_server(statement: str) -> str:
    return re.sub(r"(?<=[\t(])user(?=[ )])", '"user"', statement).replace(" BLOB", " BYTEA")


def shape(store) -> dict:
    """Tables, columns in order, keys, indexes and checks."""
    found = sa.inspect(store.engine)
    return {
        name: {
            "columns": [(c["name"], str(c["type"]), c["nullable"]) for c in found.get_columns(name)],
            "key": found.get_pk_constraint(name)["constrained_columns"],
            "foreign": sorted(
                (key["constrained_columns"], key["referred_table"]) for key in found.get_foreign_keys(name)
            ),
            "indexes": sorted(index["column_names"] for index in found.get_indexes(name)),
            "checks": sorted(check["name"] for check in found.get_check_constraints(name)),
        }
        for name in found.get_table_names()
    }


def test_an_old_store_ends_as_a_new_one_begins(old, region, tmp_path):
    schema, url = old
    store = open_store(url, region, clock=lambda: NOON, fill=False)
    assert check_store(store) == []
    with store.reading() as connection:
        assert migrations.guards_in_place(connection)
        assert connection.execute(sa.select(tables.meta.c.schema_version)).scalar_one() == migrations.SCHEMA_VERSION
        counts = [connection.execute(sa.select(sa.func.count()).select_from(one)).scalar_one() for one in KEPT]
    assert counts == ([10, 2, 0, 0] if schema == 4 else [5, 1, 2, 3])
    assert len(Drafts(store).list(WEST_ANALYST)) == {1: 0, 2: 1, 3: 1, 4: 5}[schema]
    store.publish(indicator("anew"), by=WEST_ANALYST)
    publish_briefing(store, briefing_id="b", pins={"anew": 1})
    assert check_store(store) == []
    with pytest.raises(sa.exc.DatabaseError, match="never changed"), store.engine.begin() as connection:
        connection.execute(sa.delete(tables.briefing_versions))
    migrated = shape(store)
    store.close()
    if url.startswith("sqlite"):
        url = f"sqlite:///{tmp_path / 'fresh.sqlite'}"
    else:
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            tables.metadata.drop_all(connection)
        engine.dispose()
    fresh = open_store(url, region, fill=False)
    assert migrated == shape(fresh)
    fresh.close()


@pytest.mark.parametrize(
    ("old", "step"), [(one, step) for one in OLD for step in migrations.MIGRATIONS if step >= one], indirect=["old"]
)
def test_a_step_that_breaks_off_leaves_the_store_as_it_was(step, old, region, monkeypatch):
    schema, url = old

    def broken(connection):
        really(connection)
        raise RuntimeError("the power went")

    really = migrations.MIGRATIONS[step]
    monkeypatch.setitem(migrations.MIGRATIONS, step, broken)
    with pytest.raises(RuntimeError):
        open_store(url, region, fill=False)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT schema_version FROM meta").scalar_one() == schema
        names = set(sa.inspect(connection).get_table_names())
    engine.dispose()
    assert ("briefings" in names, "pack_layers" in names, "drafts" in names) == (schema > 3, schema > 2, schema > 1)
    monkeypatch.undo()
    store = open_store(url, region, clock=lambda: NOON, fill=False)
    assert check_store(store) == []
    store.close()
