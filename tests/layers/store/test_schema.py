"""Bringing a store up to date: what an older program made is opened by this one, with its history and its guards."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from layers.model import PUBLIC, Refused
from layers.store import migrations, tables
from layers.store.briefings import Briefings
from layers.store.drafts import CheckedDraft, Drafts
from layers.store.integrity import check as check_store
from layers.store.store import open_store
from tests.layers.store_fixtures import ADMIN, NOON, WEST_ANALYST, publish_briefing

# Stores that the programs with these schemas made, as ``sqlite3 .dump`` writes them. schema-3.sql: two versions of one layer, the
# first restored, an account and a draft. schema-4.sql: two accounts, drafts of layers whose check stands in their answers, and
# a checked draft of a briefing.


def old_store(schema: int, folder: Path) -> Path:
    file = folder / "old.sqlite"
    with sqlite3.connect(file) as connection:
        connection.executescript(Path(__file__).with_name(f"schema-{schema}.sql").read_text("utf-8"))
    connection.close()
    return file


@pytest.fixture
def old_file(tmp_path):
    return old_store(3, tmp_path)


def rows(file, *tables):
    with sqlite3.connect(file) as connection:
        return {table: connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in tables}


def objects(file):
    """Every table, index and trigger, as the database describes it, without line breaks."""
    with sqlite3.connect(file) as connection:
        found = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {(kind, name): " ".join(sql.split()) for kind, name, sql in found}


def test_a_store_of_schema_3_gets_the_tables_of_briefings_and_keeps_everything(old_file, region):
    kept = ("audit", "versions", "contents", "pointers", "layers", "users", "drafts")
    before = rows(old_file, *kept)
    assert [len(before[table]) for table in kept] == [5, 2, 4, 3, 1, 1, 1]
    store = open_store(f"sqlite:///{old_file}", region, clock=lambda: NOON, fill=False)
    assert check_store(store) == []
    assert store.layer("noise", PUBLIC).version == 1  # rolled back to
    assert store.values("noise", "lsoa", PUBLIC).arrays["value"][0] == 1.0
    assert store.accounts.viewer_named("wes") == WEST_ANALYST
    assert [draft.filename for draft in Drafts(store).list(WEST_ANALYST)] == ["a.csv"]
    assert Briefings(store).list(ADMIN) == ()
    with store.reading() as connection:
        assert connection.execute(sa.select(tables.meta.c.schema_version)).scalar_one() == migrations.SCHEMA_VERSION
    store.close()
    after = rows(old_file, *kept)
    after["drafts"] = [row[: len(before["drafts"][0])] for row in after["drafts"]]  # columns of a check came behind
    assert after == before


def test_a_store_of_schema_4_keeps_the_checks_of_layers(tmp_path, region):
    file = old_store(4, tmp_path)
    before = rows(file, "audit", "users")
    store = open_store(f"sqlite:///{file}", region, clock=lambda: NOON, fill=False)
    assert check_store(store) == []
    drafts = {draft.filename.removesuffix(".csv"): draft for draft in Drafts(store).list(WEST_ANALYST)}
    asked = {"asked_of": "will", "asked_by": "wes", "asked_at": NOON, "asked_note": "The units?"}
    at = datetime(2026, 6, 2, 9, 30, tzinfo=UTC)
    said = {
        "good": asked | {"checked_by": "will", "checked_at": at.replace(microsecond=250_000), "reply": "Fine."},
        "back": asked | {"sent_back_by": "will", "sent_back_at": at, "reply": "No."},
        "asked": asked,
        "recalled": {},
        "new": {},
    }
    names = [each.name for each in fields(CheckedDraft)]
    for name, check in said.items():
        assert {key: getattr(drafts[name], key) for key in names} == asdict(CheckedDraft(**check)), name
        assert drafts[name].answers == {"kind": "indicator", "said": {"title": name}, "done": ["columns"]}
        assert (drafts[name].revision, drafts[name].size, drafts[name].made_at) == (1, 3, NOON)
    (briefing,) = Briefings(store).drafts.list(WEST_ANALYST)
    assert (briefing.asked_note, briefing.checked_by, briefing.checked_at) == ("Is it fair?", "will", NOON)
    assert (briefing.authors, briefing.sent_back_by, briefing.awaits_check) == (("wes",), "", False)
    store.close()
    assert rows(file, "audit", "users") == before


@pytest.mark.parametrize("schema", [3, 4])
def test_a_migrated_store_is_the_same_as_a_new_one(schema, tmp_path, region, filled_file):
    file = old_store(schema, tmp_path)
    open_store(f"sqlite:///{file}", region, clock=lambda: NOON, fill=False).close()
    assert objects(file) == objects(filled_file)


def test_a_migrated_store_publishes_briefings_and_guards_them(old_file, region):
    store = open_store(f"sqlite:///{old_file}", region, clock=lambda: NOON, fill=False)
    publish_briefing(store, briefing_id="b", pins={"noise": 1})
    assert Briefings(store).get("b", PUBLIC).pins == {"noise": 1}
    for table in (tables.briefings, tables.briefing_versions, tables.briefing_pointers):
        with pytest.raises(sa.exc.DatabaseError, match="never changed"), store.engine.begin() as connection:
            connection.execute(sa.delete(table))
    assert check_store(store) == []
    store.close()


@pytest.mark.parametrize("step", [3, 4])
def test_a_migration_that_breaks_off_leaves_the_store_as_it_was(step, old_file, region, monkeypatch):
    before = objects(old_file), rows(old_file, "drafts")

    def broken(connection):
        really(connection)
        raise RuntimeError("the power went")

    really = migrations.MIGRATIONS[step]
    monkeypatch.setitem(migrations.MIGRATIONS, step, broken)
    with pytest.raises(RuntimeError):
        open_store(f"sqlite:///{old_file}", region, fill=False)
    assert (objects(old_file), rows(old_file, "drafts")) == before
    monkeypatch.undo()
    store = open_store(f"sqlite:///{old_file}", region, clock=lambda: NOON, fill=False)
    assert check_store(store) == []
    store.close()


def test_every_step_to_the_present_schema_is_there():
    assert sorted(migrations.MIGRATIONS) == list(range(1, migrations.SCHEMA_VERSION))


def test_a_store_of_a_program_to_come_is_left_alone(filled_file, tmp_path, region):
    file = tmp_path / "new.sqlite"
    shutil.copy(filled_file, file)
    with sqlite3.connect(file) as connection:
        connection.execute(f"UPDATE meta SET schema_version = {migrations.SCHEMA_VERSION + 1}")
    connection.close()
    before = objects(file)
    with pytest.raises(Refused, match="newer program"):
        open_store(f"sqlite:///{file}", region)
    assert objects(file) == before
