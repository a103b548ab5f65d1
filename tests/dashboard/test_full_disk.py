"""A disk that is really full: a small one of its own, mounted where the tests run as root. What is simulated byte by byte is in
``tests/layers/store/test_backup.py``; here the system itself says no."""

from __future__ import annotations

import io
import shutil
import subprocess

import pandas as pd
import pytest
from click.testing import CliRunner

from dashboard.app import create_app
from dashboard.cli import main
from dashboard.published import Published
from dashboard.publishing import uploads
from layers import SYSTEM, StoreFault, check_store, load_region, open_store
from tests.layers.store_fixtures import ADMIN, CODES, indicator

MIB = 1 << 20


@pytest.fixture
def disk(tmp_path):
    """A folder that is a disk of 24 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(place)], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a small disk (it takes root)")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk, leave: int) -> None:
    free = shutil.disk_usage(disk).free
    with (disk / "filler").open("wb") as out:
        out.write(b"\0" * max(0, free - leave))
    assert shutil.disk_usage(disk).free <= leave + 4096


def empty(disk) -> None:
    (disk / "filler").unlink()


@pytest.fixture
def here(disk, tiny_pack):
    region = load_region(tiny_pack)
    store = open_store(f"sqlite:///{disk / 'store-tiny.sqlite'}", region)
    store.accounts.add_user("wes", role="analyst", partner="westshire", password="three random words", by=SYSTEM)
    yield Published(region, store, disk)
    store.close()


@pytest.fixture
def client(here):
    found = create_app(here, "a key for the tests only").server.test_client()
    found.set_cookie("commonground", here.store.accounts.start_session("wes"))
    return found


@pytest.mark.parametrize("leave", [0, 8192, 40_000])
def test_publishing_on_a_full_disk_changes_nothing_and_works_when_there_is_room(here, client, disk, leave):
    packages = [indicator(first=number) for number in range(40)]
    fill(disk, leave)
    failed = None
    done = 0
    for package in packages:  # the log grows until there is no room
        try:
            here.store.publish(package, by=ADMIN)
            done += 1
        except StoreFault as error:
            failed = error
            break
    assert failed is not None and "nothing was changed" in str(failed)
    assert "free some space" in str(failed)
    for page in ("/", "/catalogue", "/api/v1/layers", "/api/v1/layers/harm/values?level=lsoa"):
        assert client.get(page).status_code == 200, page
    ready = client.get("/readyz")
    assert (ready.status_code, ready.get_json()["status"] in ("ready", "read-only")) == (200, True)
    assert "MiB are free" in ready.get_json()["notices"][-1]  # whether a small thing finds room yet, or not
    assert check_store(here.store) == []
    assert here.store.layer("harm", SYSTEM).version == 1
    empty(disk)
    assert here.store.publish(indicator(first=99.0), by=ADMIN).version == done + 1
    assert check_store(here.store) == []


def test_a_backup_for_which_there_is_no_room_leaves_no_file(here, disk, tiny_pack, monkeypatch):
    for name, value in {"REGION": tiny_pack, "HOME": disk}.items():
        monkeypatch.setenv(f"COMMONGROUND_{name}", str(value))
    monkeypatch.delenv("COMMONGROUND_DATABASE_URL", raising=False)
    CliRunner().invoke(main, ["user", "list"])
    fill(disk, 20_000)
    before = sorted(file.name for file in disk.rglob("*"))
    made = CliRunner().invoke(main, ["backup", "--out", str(disk / "b.zip")])
    assert made.exit_code == 1, made.output
    assert "space" in made.output.lower()
    assert "Traceback" not in made.output
    assert [name for name in sorted(file.name for file in disk.rglob("*")) if not name.endswith(("-shm", "-wal"))] == [
        name for name in before if not name.endswith(("-shm", "-wal"))
    ]
    empty(disk)
    assert CliRunner().invoke(main, ["backup", "--out", str(disk / "b.zip")]).exit_code == 0


def upload(client, size: int):
    rows = 1 + size // 60
    table = pd.DataFrame({"area_code": [CODES[n % 16] for n in range(rows)], "value": range(rows), "note": "x" * 40})
    data = {"file": (io.BytesIO(table.to_csv(index=False).encode()), "streets.csv")}
    return client.post("/publish/upload", data=data, content_type="multipart/form-data")


@pytest.mark.parametrize("almost", [True, False])
def test_an_upload_for_which_there_is_no_room_is_refused_in_words_and_leaves_nothing(
    here, client, disk, monkeypatch, almost
):
    if not almost:  # the disk was not full when it was asked, and is now
        monkeypatch.setattr(uploads, "KEEP_FREE", -MIB * 1000)
        fill(disk, MIB)
    answer = upload(client, 4 * MIB)
    assert answer.status_code == 422, answer.text[:500]
    assert "disk is" in answer.text and "full" in answer.text
    assert [file for file in (disk / "uploads").rglob("*") if file.is_file()] == []
    if not almost:
        empty(disk)
        good = upload(client, 200)
        assert good.status_code == 303, good.text[:500]
        assert len([file for file in (disk / "uploads").rglob("*") if file.is_file()]) == 1
