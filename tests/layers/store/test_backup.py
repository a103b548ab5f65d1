"""A backup is whole or refused: taken while people work, one byte changed, cut short, put where there is something already."""

from __future__ import annotations

import dataclasses
import os
import random
import resource
import shutil
import sqlite3
import threading
import zipfile
from contextlib import closing

import pytest
import sqlalchemy as sa

from layers.model import PUBLIC, SYSTEM, Refused
from layers.store import backup, migrations, tables
from layers.store.backup import read_backup, restore_backup, write_backup
from layers.store.database import make_engine
from layers.store.integrity import check as check_store
from layers.store.marker import Marker
from layers.store.records import StoreFault
from layers.store.store import open_store, open_to_read
from tests.databases import POSTGRES
from tests.layers.store.test_publishing import everything, forked
from tests.layers.store_fixtures import ADMIN, NOON, WEST_ANALYST, indicator, publish_briefing, unguarded

KEPT = [name for name in tables.metadata.tables if name not in (*backup.NOT_KEPT, "meta", "audit")]


@pytest.fixture
def used(store, quick):
    """A store in which people have done something."""
    store.accounts.add_user("wes", role="analyst", partner="westshire", password="three random words", by=SYSTEM)
    store.publish(indicator(first=2), by=WEST_ANALYST)
    store.publish(indicator(first=3), by=WEST_ANALYST)
    store.rollback("noise", to=1, by=WEST_ANALYST, reason="wrong file")
    publish_briefing(store)
    store.accounts.sign_in("wes", "three random words", source="here")
    return store


@pytest.fixture(scope="session")
def made(region, filled_file, tmp_path_factory):
    """A backup of the tiny region's store, to be damaged."""
    folder = tmp_path_factory.mktemp("backup")
    file = folder / "store.sqlite"
    shutil.copy(filled_file, file)
    store = open_store(f"sqlite:///{file}", region, clock=lambda: NOON)
    write_backup(store, folder / "backup.zip")
    store.close()
    return folder / "backup.zip"


@pytest.fixture
def empty(tmp_path):
    """The URL of a store that is not there yet, and the home that it would be in."""
    home = tmp_path / "restored"
    return f"sqlite:///{home / 'store.sqlite'}", home


def rows_of(store, *names):
    with store.reading() as connection:
        return {
            name: sorted((tuple(r) for r in connection.execute(sa.select(tables.metadata.tables[name]))), key=repr)
            for name in names or KEPT
        }


def restored(file, url, region, **more):
    restore_backup(file, url, region, **more)
    return open_store(url, region, clock=lambda: NOON)


def damaged(made, tmp_path, change):
    file = tmp_path / "damaged.zip"
    content = bytearray(made.read_bytes())
    changed = change(content)
    file.write_bytes(content if changed is None else changed)
    return file


# -- round trip --------------------------------------------------------------------------------------------------------


def test_what_is_restored_is_what_was_there(used, region, tmp_path, empty):
    url, home = empty
    before, kept = everything(used), rows_of(used)
    found = write_backup(used, tmp_path / "b.zip")
    assert everything(used) == before
    marker = Marker(home, "store")
    store = restored(tmp_path / "b.zip", url, region, marker=marker)
    assert check_store(store) == []
    assert rows_of(store) == kept
    lines = rows_of(store, "audit")["audit"]
    assert [line for line in lines if line[4] != "restore-store"] == rows_of(used, "audit")["audit"]
    assert len(lines) == len(rows_of(used, "audit")["audit"]) + 1
    assert store.layer("noise", PUBLIC).version == 1
    assert {layer.id: layer.version for layer in store.layers(ADMIN)} == {
        layer.id: layer.version for layer in used.layers(ADMIN)
    }
    assert marker.known() == store.id == used.id == found.store
    store.publish(indicator(first=4), by=WEST_ANALYST)
    assert store.layer("noise", PUBLIC).version == 3
    store.close()


def test_nobody_is_signed_in_to_a_restored_store(used, region, tmp_path, empty):
    token = used.accounts.sign_in("wes", "three random words", source="here")
    assert used.accounts.viewer_of(token).user == "wes"
    write_backup(used, tmp_path / "b.zip")
    store = restored(tmp_path / "b.zip", empty[0], region)
    assert store.accounts.viewer_of(token) == PUBLIC
    assert store.accounts.sign_in("wes", "three random words", source="here")
    store.close()


def test_a_backup_is_private_and_holds_no_log_and_no_key(made):
    assert made.stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(made) as archive:
        assert archive.namelist() == ["README.txt", "manifest.json", "store.sqlite"]
        assert archive.testzip() is None


@pytest.mark.skipif(not POSTGRES, reason="COMMONGROUND_TEST_POSTGRES holds no URL")
def test_a_store_moves_from_a_file_to_a_server(made, region, url):
    if url.startswith("sqlite"):
        pytest.skip("the other kind")
    store = restored(made, url, region)
    assert check_store(store) == []
    assert len(store.layers(PUBLIC)) == 4
    with store.reading() as connection:
        assert migrations.guards_in_place(connection)
    store.publish(indicator(), by=WEST_ANALYST)
    store.close()
    with pytest.raises(Refused, match="not restored") as refused:
        restore_backup(made, url, region)
    assert "already" in str(refused.value)


def test_backups_taken_while_people_publish_are_each_one_moment(used, region, tmp_path):
    packages, wrong, stop = [indicator(first=n) for n in range(4)], [], threading.Event()

    def write():
        number = 0
        while not stop.is_set():
            try:
                used.publish(packages[number % 4], by=WEST_ANALYST)
            except StoreFault as error:  # on a busy machine one may wait in vain for the other, and is told so
                if "try again in a moment" not in str(error):
                    wrong.append(error)
            except Exception as error:
                wrong.append(error)
            number += 1

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    files = []
    for number in range(6):
        files.append(tmp_path / f"{number}.zip")
        write_backup(used, files[-1])
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    newest = []
    for number, file in enumerate(files):
        store = restored(file, f"sqlite:///{tmp_path / str(number) / 'store.sqlite'}", region)
        assert check_store(store) == []
        newest.append(store.layer("noise", PUBLIC).version)
        lines = rows_of(store, "audit")["audit"]
        assert set(lines[: len(lines)]) - set(rows_of(used, "audit")["audit"]) == {
            line for line in lines if line[4] == "restore-store"
        }
        store.close()
    assert newest == sorted(newest)
    assert newest[-1] > newest[0]


# -- damage ------------------------------------------------------------------------------------------------------------


def test_one_changed_byte_anywhere_is_refused(made, tmp_path):
    size = made.stat().st_size
    draw = random.Random(7)
    places = {0, 1, *range(size - 240, size), *range(30, 90), *(draw.randrange(size) for _ in range(300))}
    for place in sorted(places):

        def change(content, place=place):
            content[place] ^= 1 << draw.randrange(8)

        with pytest.raises(Refused, match="cannot be used"):
            read_backup(damaged(made, tmp_path, change))


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content[:-1],
        lambda content: content[:-64],
        lambda content: content[: len(content) // 2],
        lambda content: content[:100],
        lambda content: b"",
        lambda content: content + b"\n",
        lambda content: b"\0" + content,
        lambda content: content[1:],
        lambda content: content[:5000] + content[5001:],
        lambda content: b"hello",
    ],
)
def test_a_file_that_was_cut_or_grew_is_refused_and_leaves_no_store(made, region, tmp_path, empty, change):
    file = damaged(made, tmp_path, change)
    with pytest.raises(Refused):
        restore_backup(file, empty[0], region, marker=Marker(empty[1], "store"))
    assert not empty[1].exists()


def test_a_hot_copy_of_the_database_file_is_refused(used, url, region, tmp_path, empty):
    if not url.startswith("sqlite"):
        pytest.skip("there is no file")
    copy = tmp_path / "copy.sqlite"
    shutil.copy(url.removeprefix("sqlite:///"), copy)
    with pytest.raises(Refused, match="cannot be used") as refused:
        restore_backup(copy, empty[0], region)
    assert "commonground backup" in str(refused.value)
    assert not empty[1].exists()


def test_a_damaged_store_is_not_backed_up(used, tmp_path):
    unguarded(used, "UPDATE versions SET descriptor = '{}' WHERE layer_id = 'noise'")
    (tmp_path / "b.zip").write_bytes(b"PK of yesterday")
    with pytest.raises(Refused, match="not made") as refused:
        write_backup(used, tmp_path / "b.zip")
    assert "noise version 1" in str(refused.value)
    assert (tmp_path / "b.zip").read_bytes() == b"PK of yesterday"


# -- where it goes -----------------------------------------------------------------------------------------------------


def test_a_used_home_is_left_as_it_is(made, region, tmp_path, filled_file):
    file = tmp_path / "store.sqlite"
    shutil.copy(filled_file, file)
    before = file.read_bytes()
    with pytest.raises(Refused, match="not restored"):
        restore_backup(made, f"sqlite:///{file}", region)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("name", ["store.sqlite-wal", "store.sqlite-journal"])
def test_what_is_left_of_a_store_is_not_mixed_with_a_backup(made, region, tmp_path, name):
    (tmp_path / name).write_bytes(b"the last things that were done")
    with pytest.raises(Refused, match="not restored"):
        restore_backup(made, f"sqlite:///{tmp_path / 'store.sqlite'}", region)
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_home_whose_store_is_gone_takes_the_backup_of_that_store_only(made, used, region, tmp_path, empty):
    url, home = empty
    marker = Marker(home, "store")
    marker.keep(read_backup(made).store)
    restored(made, url, region, marker=marker).close()
    other = Marker(tmp_path / "other", "store")
    other.keep("0" * 32)
    with pytest.raises(Refused, match="not restored"):
        restore_backup(made, f"sqlite:///{other.home / 'store.sqlite'}", region, marker=other)
    assert [file.name for file in other.home.iterdir()] == ["store-made.json"]


def test_another_regions_backup_is_refused(made, region, empty):
    with pytest.raises(Refused, match="not restored") as refused:
        restore_backup(made, empty[0], dataclasses.replace(region, id="elsewhere"))
    assert "'tiny'" in str(refused.value)
    assert not empty[1].exists()


def test_a_backup_for_other_boundaries_is_refused(made, region, empty):
    with pytest.raises(Refused, match="other boundaries"):
        restore_backup(made, empty[0], dataclasses.replace(region, vintages=region.vintages | {"ward": 2030}))
    assert list(empty[1].iterdir()) == []


def test_a_backup_never_goes_over_something_else(used, url, tmp_path):
    diary = tmp_path / "diary.txt"
    diary.write_text("dear diary")
    targets = [diary, tmp_path, tmp_path / "no" / "such" / "b.zip"]
    if url.startswith("sqlite"):
        targets.append(url.removeprefix("sqlite:///"))
    for target in targets:
        with pytest.raises(Refused, match="not made"):
            write_backup(used, target)
    assert diary.read_text() == "dear diary"
    assert check_store(used) == []


# -- a disk that fills up ----------------------------------------------------------------------------------------------


def with_room_for(size, work):
    """Run ``work`` in a child that may write files of ``size`` bytes and no longer; whether it got to its end."""

    def child():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        try:
            work()
        except Refused:
            os._exit(3)

    _, status = os.waitpid(forked(child), 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, 3), f"with room for {size:,} bytes it ended with {code}"
    return code == 0


def test_a_full_disk_at_any_byte_leaves_no_backup_and_the_store_as_it_was(region, tmp_path, filled_file):
    file, out = tmp_path / "store.sqlite", tmp_path / "out"
    shutil.copy(filled_file, file)
    out.mkdir()
    size = filled_file.stat().st_size
    for room in [0, 1, 100, *range(4096, size, size // 25)]:

        def work():
            store = open_to_read(f"sqlite:///{file}", region)
            write_backup(store, out / "b.zip")

        assert not with_room_for(room, work)
        assert list(out.iterdir()) == []
    assert with_room_for(size * 2, work)
    read_backup(out / "b.zip")
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_full_disk_at_any_byte_of_a_restore_leaves_no_store(region, tmp_path, made):
    home = tmp_path / "home"
    with zipfile.ZipFile(made) as archive:
        size = archive.getinfo("store.sqlite").file_size
    work = lambda: restore_backup(made, f"sqlite:///{home / 'store.sqlite'}", region, marker=Marker(home, "store"))  # noqa: E731
    for room in [0, 1, 100, *range(4096, size, size // 12)]:
        assert not with_room_for(room, work)
        assert not home.exists() or list(home.iterdir()) == []
    assert with_room_for(size * 2, work)
    engine = make_engine(f"sqlite:///{home / 'store.sqlite'}", to_read=True)
    assert sa.inspect(engine).has_table("meta")
    engine.dispose()


def test_a_full_disk_at_any_byte_of_a_publish_changes_nothing(region, tmp_path, filled_file):
    """The log of the database may grow to so many bytes and no further: the failure is the disk's own, at every length."""
    file = tmp_path / "store.sqlite"
    shutil.copy(filled_file, file)
    store = open_store(f"sqlite:///{file}", region, clock=lambda: NOON)
    before, log = everything(store), file.with_name(f"{file.name}-wal")
    failed = 0
    for room in range(0, 400_000, 4_120):  # a page of the log with its header, so that each write is the last in turn

        def work():
            mine = open_store(f"sqlite:///{file}", region, clock=lambda: NOON, fill=False)
            mine.publish(indicator(first=2), by=WEST_ANALYST)

        if with_room_for(room, work):
            break
        failed += 1
        assert everything(store) | {"audit": before["audit"]} == before, f"with room for {room:,} bytes"
        assert check_store(store) == []
    assert failed >= 5
    assert check_store(store) == []
    assert store.layer("noise", ADMIN).version == 1
    assert log.exists()
    store.close()
