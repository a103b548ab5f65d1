"""A home and its store: what reads makes nothing, and a store that is gone is never replaced without a word."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from dashboard.app import create_server
from dashboard.cli import main
from layers import Refused, load_region, open_store
from layers.store import tables

READING = (
    "layers list",
    "layers list --json",
    "layers history harm",
    "layers validate {pack}/layers/harm",
    "region show",
    "values harm --level lad",
    "user list",
    "travel list",
    "briefing list",
    "gaps --need harm --services clinics --robustness 0",
    "together --services clinics",
    "site --need harm --services clinics --new 1",
)
WRITING = (
    "user add ann --role admin --partner icb --no-password",
    "layers withdraw harm --by system --reason because",
    "layers rollback harm --to 1 --by system --reason because",
)


@pytest.fixture()
def home(tiny_pack, tmp_path, monkeypatch):
    where = tmp_path / "home"
    for name, value in {"REGION": tiny_pack, "HOME": where}.items():
        monkeypatch.setenv(f"COMMONGROUND_{name}", str(value))
    for name in ("DATABASE_URL", "SECRET_KEY"):
        monkeypatch.delenv(f"COMMONGROUND_{name}", raising=False)
    return where


@pytest.fixture()
def store_file(home, tiny_pack):
    return home / f"store-{tiny_pack.name}.sqlite"


@pytest.fixture(scope="session")
def made_home(tiny_pack, tmp_path_factory):
    """A home that has a store with one account, made by a command."""
    where = tmp_path_factory.mktemp("made") / "home"
    environ = {"COMMONGROUND_REGION": str(tiny_pack), "COMMONGROUND_HOME": str(where)}
    done = CliRunner(env=environ).invoke(main, WRITING[0].split())
    assert done.exit_code == 0, done.output
    return where


@pytest.fixture()
def used(home, made_home, store_file):
    shutil.copytree(made_home, home)
    return home


def run(words: str, pack: Path | None = None):
    return CliRunner().invoke(main, words.format(pack=pack).split())


def bytes_of(folder: Path) -> dict[str, tuple[str, int]]:
    """Every file with its content and time, less what SQLite may leave beside a database: an index, an empty log."""
    return {
        file.relative_to(folder).as_posix(): (hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_mtime_ns)
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        and not file.name.endswith("-shm")
        and not (file.name.endswith("-wal") and not file.stat().st_size)
    }


# -- what reads makes nothing ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", READING)
def test_in_an_empty_home_a_reading_command_answers_from_the_pack_and_makes_nothing(home, tiny_pack, words):
    done = run(words, tiny_pack)
    assert done.exit_code == 0, done.output
    assert not home.exists()


def test_in_an_empty_home_the_layers_of_the_pack_are_listed(home):
    assert "harm" in run("layers list").stdout
    assert "There is no store yet" in run("layers list").stderr


def test_in_an_empty_home_there_is_nothing_to_check(home):
    done = run("check")
    assert done.exit_code == 1
    assert "There is no store yet" in done.output
    assert not home.exists()


@pytest.mark.parametrize("words", [*READING, "check"])
def test_a_reading_command_changes_no_file_of_a_used_home(used, tiny_pack, words):
    before = bytes_of(used)
    assert run(words, tiny_pack).exit_code == 0
    assert bytes_of(used) == before


def test_a_log_that_a_killed_server_left_is_read_and_stays(used, store_file):
    connection = sqlite3.connect(store_file)
    connection.execute("UPDATE meta SET generation = generation + 41")
    connection.commit()
    alive = {file.name: file.read_bytes() for file in used.iterdir() if file.is_file()}  # as a kill leaves them
    connection.close()
    for name, content in alive.items():
        if not name.endswith("-shm"):
            (used / name).write_bytes(content)
    assert (used / f"{store_file.name}-wal").stat().st_size
    before = bytes_of(used)
    assert run("check").exit_code == 0
    assert bytes_of(used) == before


def test_check_works_where_nothing_can_be_written(used, store_file):
    """As another user than root, who may write everywhere, or on a disk that is mounted to be read."""
    (used / f"{store_file.name}-shm").unlink(missing_ok=True)
    (used / f"{store_file.name}-wal").unlink(missing_ok=True)
    if subprocess.run(["mount", "--bind", "-o", "ro", str(used), str(used)], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a folder to be read only")
    try:
        if subprocess.run(["touch", str(used / "new")], capture_output=True).returncode == 0:
            subprocess.run(["mount", "-o", "remount,ro,bind", str(used)], capture_output=True)
        assert subprocess.run(["touch", str(used / "new")], capture_output=True).returncode
        done = run("check")
        assert done.exit_code == 0, done.output
        assert run("layers list").exit_code == 0
    finally:
        subprocess.run(["umount", str(used)], check=True)


@pytest.mark.parametrize("words", [*READING[:3], "check", "user list"])
def test_a_store_of_an_older_program_is_not_brought_up_to_date_by_reading(used, store_file, words):
    with closing(sqlite3.connect(store_file)) as connection:
        connection.execute("UPDATE meta SET schema_version = 3")
        connection.commit()
    before = bytes_of(used)
    done = run(words)
    assert done.exit_code == 1
    assert "older program" in done.output
    assert "commonground serve" in done.output
    assert bytes_of(used) == before


# -- a store that is gone ----------------------------------------------------------------------------------------------


def remove(file: Path) -> None:
    for name in (file.name, f"{file.name}-wal", f"{file.name}-shm"):
        (file.parent / name).unlink(missing_ok=True)


def empty(file: Path) -> None:
    remove(file)
    file.touch()


def bare(file: Path) -> None:
    remove(file)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("VACUUM")


def without_rows(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DELETE FROM meta")
        connection.commit()


def another(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE meta SET made_at = '2020-01-01T00:00:00.000000Z'")
        connection.commit()


@pytest.mark.parametrize("lose", [remove, empty, bare, without_rows, another])
def test_a_store_that_is_gone_is_told_by_every_command_and_never_made_again(used, store_file, tiny_pack, lose):
    lose(store_file)
    before = bytes_of(used)
    for words in (*READING, *WRITING, "check"):
        if words.startswith("layers validate"):
            continue  # it reads a file and the pack, nothing else
        done = run(words, tiny_pack)
        assert done.exit_code == 1, (words, done.output)
        assert "store" in done.output.lower(), words
        assert "backup" in done.output, words
    with pytest.raises(Refused):
        create_server()
    assert bytes_of(used) == before


def test_another_database_for_the_same_home_is_refused_too(used, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere.sqlite"
    monkeypatch.setenv("COMMONGROUND_DATABASE_URL", f"sqlite:///{elsewhere}")
    assert run(WRITING[0]).exit_code == 1
    assert run("layers list").exit_code == 1
    assert not elsewhere.exists()


def test_a_damaged_marker_stops_everything(used):
    (used / "store-made.json").write_text("{")
    for words in (READING[0], WRITING[0], "check"):
        done = run(words)
        assert done.exit_code == 1
        assert "store-made.json" in done.output


def test_a_store_of_before_there_were_markers_is_taken_on(used):
    (used / "store-made.json").unlink()
    assert run("check").exit_code == 0
    assert not (used / "store-made.json").exists()  # it only reads
    assert run("user change ann --role analyst --partner icb").exit_code == 0
    assert json.loads((used / "store-made.json").read_text())


def test_a_server_makes_the_store_of_an_empty_home_and_remembers_it(home, store_file):
    server = create_server()
    server.extensions["commonground"].store.close()
    assert store_file.exists()
    assert list(json.loads((home / "store-made.json").read_text())) == [store_file.stem]
    remove(store_file)
    with pytest.raises(Refused, match="gone"):
        create_server()


def test_a_second_region_in_the_same_home_has_a_store_of_its_own(used, tiny_pack, tmp_path, monkeypatch):
    other = shutil.copytree(tiny_pack, tmp_path / "other")
    monkeypatch.setenv("COMMONGROUND_REGION", str(other))
    assert run(WRITING[0]).exit_code == 0
    assert sorted(json.loads((used / "store-made.json").read_text())) == ["store-other", f"store-{tiny_pack.name}"]


# -- while a server runs -----------------------------------------------------------------------------------------------


def test_a_store_that_is_taken_away_under_a_server_is_not_made_again_and_is_found_again(tiny_pack, tmp_path):
    file = tmp_path / "store.sqlite"
    store = open_store(f"sqlite:///{file}", load_region(tiny_pack))
    aside = tmp_path / "aside.sqlite"
    with store.reading() as connection:
        connection.execute(sa.select(tables.meta)).one()
    store.engine.dispose()
    file.rename(aside)
    with pytest.raises(Refused, match="could not be"), store.writing():
        pass
    assert not file.exists()
    aside.rename(file)
    with store.writing(bump=False):
        pass
    store.close()


def test_another_store_under_a_running_server_is_not_written_to(tiny_pack, tmp_path):
    region = load_region(tiny_pack)
    file, other = tmp_path / "store.sqlite", tmp_path / "other.sqlite"
    store = open_store(f"sqlite:///{file}", region)
    open_store(f"sqlite:///{other}", region).close()
    store.engine.dispose()
    other.replace(file)
    with pytest.raises(Refused, match="another store"), store.writing():
        pass
    store.close()


# -- backup and restore ------------------------------------------------------------------------------------------------


def test_a_backup_is_restored_into_an_empty_home_and_whole(used, tmp_path, monkeypatch):
    before = bytes_of(used)
    made = run(f"backup --out {tmp_path / 'b.zip'} --json")
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)["rows"]["users"] == 1
    assert bytes_of(used) == before
    assert run(f"restore {tmp_path / 'b.zip'}").exit_code == 1  # over the store that is there
    assert bytes_of(used) == before
    monkeypatch.setenv("COMMONGROUND_HOME", str(tmp_path / "another"))
    done = run(f"restore {tmp_path / 'b.zip'}")
    assert done.exit_code == 0, done.output
    assert "1 account" in done.output
    assert run("check").exit_code == 0
    assert "ann" in run("user list").output
    assert not (tmp_path / "another" / "secret-key").exists()


def test_a_home_that_lost_its_store_gets_it_back(used, store_file, tmp_path):
    assert run(f"backup --out {tmp_path / 'b.zip'}").exit_code == 0
    assert (
        run("user change ann --role analyst --partner icb").exit_code == 0
    )  # after the backup, and noted outside the store
    empty(store_file)
    assert run("check").exit_code == 1
    assert run(f"restore {tmp_path / 'b.zip'}").exit_code == 0
    assert run("check").exit_code == 0
    assert len(list(used.glob("*.before-restore-1"))) == 1
    assert run("user change ann --role analyst --partner icb").exit_code == 0
    assert run("check").exit_code == 0


def test_there_is_nothing_to_back_up_in_an_empty_home(home, tmp_path):
    assert run(f"backup --out {tmp_path / 'b.zip'}").exit_code == 1
    assert not (tmp_path / "b.zip").exists()
    assert not home.exists()
