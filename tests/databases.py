"""Where the tests keep their stores: SQLite files, and PostgreSQL where COMMONGROUND_TEST_POSTGRES holds the URL of a server.

With such a URL the tests of the store run on both. With COMMONGROUND_TEST_DATABASES=postgres every test that asks
:func:`database_url` runs on PostgreSQL alone, as the second run of ``.ci/run`` does: there a missing server is a failure.
``tools/postgres.sh COMMAND`` starts a server for as long as a command runs.
"""

from __future__ import annotations

import atexit
import os
import shutil
import uuid
from pathlib import Path

import sqlalchemy as sa

POSTGRES = os.environ.get("COMMONGROUND_TEST_POSTGRES", "")
DATABASES = tuple(os.environ.get("COMMONGROUND_TEST_DATABASES", "sqlite postgres" if POSTGRES else "sqlite").split())
"""What each test of the store runs on."""

ON_POSTGRES = DATABASES == ("postgres",)
if "postgres" in DATABASES and not POSTGRES:
    raise RuntimeError("COMMONGROUND_TEST_POSTGRES holds no URL; run the tests under tools/postgres.sh")

_schemas: dict[Path, str] = {}


def server() -> sa.Engine:
    return sa.create_engine(sa.make_url(POSTGRES).set(drivername="postgresql+psycopg"))


def _do(*statements: str) -> None:
    engine = server()
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def postgres_url(schema: str) -> str:
    """A database of its own within the server's: a schema."""
    parsed = sa.make_url(POSTGRES).set(drivername="postgresql+psycopg")
    return parsed.update_query_dict({"options": f"-csearch_path={schema}"}).render_as_string(hide_password=False)


def make_schema() -> str:
    name = f"cg_test_{uuid.uuid4().hex[:12]}"
    _do(f"CREATE SCHEMA {name}")
    return name


def drop_schema(name: str) -> None:
    _do(f"DROP SCHEMA {name} CASCADE")


def database_url(file: Path) -> str:
    """The URL of the store that a test keeps in ``file``; on PostgreSQL the file's name stands for a schema."""
    if not ON_POSTGRES:
        return f"sqlite:///{file}"
    if file not in _schemas:
        _schemas[file] = make_schema()
    return postgres_url(_schemas[file])


def copy_database(file: Path, other: Path) -> None:
    """What is in the closed store of one file into another, which is new."""
    if not ON_POSTGRES:
        shutil.copy(file, other)
        return
    from layers.store import migrations, tables

    engine = sa.create_engine(database_url(other))
    with engine.begin() as connection:
        migrations.make_tables(connection)
        for table in tables.metadata.sorted_tables:
            connection.exec_driver_sql(f"INSERT INTO {table.name} SELECT * FROM {_schemas[file]}.{table.name}")
    engine.dispose()


@atexit.register
def _drop_all() -> None:
    while _schemas:
        drop_schema(_schemas.popitem()[1])
