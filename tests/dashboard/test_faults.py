"""Disk full, read-only, locked, gone: readers go on, writers are told, /readyz says what is true, and it mends by itself.

``CASES`` names the test of each case of faults that the project has promised to withstand.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from importlib import import_module

import flask
import pytest

from dashboard.app import create_app, create_server
from dashboard.auth import session
from dashboard.published import Published
from layers import SYSTEM, StoreFault, check_store, load_region, open_store
from tests.layers.store_fixtures import ADMIN, Clock, indicator

CASES = {
    60: "tests.layers.store.test_backup.test_a_full_disk_at_any_byte_of_a_publish_changes_nothing",
    61: "tests.dashboard.test_faults.test_a_store_that_cannot_be_written_to_is_read_on",
    62: "tests.layers.store.test_publishing.test_kill_9_at_any_step_leaves_the_old_state_or_the_new",
    63: "tests.layers.store.test_publishing.test_processes_that_publish_at_once_take_turns",
    64: "tests.dashboard.test_faults.test_a_clock_that_goes_back_changes_no_decision",
    65: "tests.dashboard.test_faults.test_a_locked_store_is_read_on_and_writers_are_told_soon",
    66: "tests.layers.store.test_refresh.test_a_pack_whose_areas_or_words_are_not_as_they_were_built_is_refused",
    67: "tests.dashboard.test_faults.test_without_a_tile_server_nothing_is_asked_of_another_host",
    68: "tests.dashboard.test_faults.test_a_restarted_worker_knows_who_was_signed_in",
    69: "tests.layers.store.test_backup.test_backups_taken_while_people_publish_are_each_one_moment",
    70: "tests.dashboard.test_faults.test_a_fault_of_disclosure_control_publishes_nothing",
}
KEY = "a key for the tests only"
PAGES = ("/", "/catalogue", "/api/v1/layers", "/api/v1/layers/harm/values?level=lsoa")


@pytest.fixture()
def file(tmp_path):
    return tmp_path / "store.sqlite"


@pytest.fixture()
def here(tiny_pack, tmp_path, file):
    region = load_region(tiny_pack)
    store = open_store(f"sqlite:///{file}", region)
    store.accounts.add_user("wes", role="analyst", partner="westshire", password="three random words", by=SYSTEM)
    yield Published(region, store, tmp_path)
    store.close()


@pytest.fixture()
def site(here, monkeypatch):
    from dashboard.api import health

    monkeypatch.setattr(health, "KEEP_S", 0.0)
    monkeypatch.setattr("layers.store.store.REFRESH_S", 0.0)  # ask the database every time
    return create_app(here, KEY).server


@pytest.fixture()
def client(site):
    found = site.test_client()
    for page in PAGES:
        assert found.get(page).status_code == 200, page
    return found


def sign_in(client):
    done = client.post("/sign-in", data={"name": "wes", "password": "three random words"})
    assert done.status_code == 303, done.text
    return client


def who(client) -> str:
    """Whom the site takes the browser for."""
    with client:
        client.get("/catalogue")
        return flask.g.viewer.user


def readers_go_on(client):
    for page in PAGES:
        began = time.monotonic()
        answer = client.get(page)
        assert answer.status_code == 200, (page, answer.text[:300])
        assert time.monotonic() - began < 3.0, page


def readyz(client):
    began = time.monotonic()
    answer = client.get("/readyz")
    assert time.monotonic() - began < 5.0
    return answer.status_code, answer.get_json()


def cannot_be_written(here):
    began = time.monotonic()
    with pytest.raises(StoreFault, match="nothing was changed"):
        here.store.note("something", by=SYSTEM)
    assert time.monotonic() - began < 3.0


def test_all_is_well(client):
    assert readyz(client) == (200, {"status": "ready", "region": "tiny"})


def test_a_store_that_cannot_be_written_to_is_read_on(here, client):
    for connection in (here.store.engine.raw_connection(),):  # as a disk that was mounted again to be read only
        connection.driver_connection.execute("PRAGMA query_only = ON")
        connection.close()
    cannot_be_written(here)
    readers_go_on(client)
    status, told = readyz(client)
    assert (status, told["status"]) == (200, "read-only")
    assert "nothing can be written" in told["notices"][0]
    answer = client.post("/sign-in", data={"name": "wes", "password": "three random words"})
    assert answer.status_code == 503
    assert "cannot be reached" in answer.text
    with closing(here.store.engine.raw_connection()) as connection:
        connection.driver_connection.execute("PRAGMA query_only = OFF")
    assert readyz(client)[1]["status"] == "ready"
    here.store.note("something", by=SYSTEM)


def test_a_locked_store_is_read_on_and_writers_are_told_soon(here, client, file):
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        cannot_be_written(here)
        readers_go_on(client)
        assert readyz(client)[1]["status"] == "read-only"
        began = time.monotonic()
        answer = client.post("/sign-in", data={"name": "wes", "password": "three random words"})
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
        assert time.monotonic() - began < 3.5  # hashing the password included
    assert readyz(client)[1]["status"] == "ready"
    sign_in(client)


@pytest.mark.parametrize("lose", ["deleted", "emptied", "damaged"])
def test_a_store_that_is_gone_is_read_from_memory_and_found_again(here, client, file, lose):
    here.store.engine.dispose()
    kept = file.read_bytes()
    if lose == "deleted":
        file.unlink()
    else:
        file.write_bytes(b"" if lose == "emptied" else b"x" * len(kept))
    cannot_be_written(here)
    readers_go_on(client)
    assert readyz(client)[0] == 503
    unknown = client.get("/api/v1/layers/harm/values?level=ward")  # nobody has asked for it yet
    assert (unknown.status_code, unknown.get_json()["error"]["code"]) == (503, "store-fault")
    assert str(file) not in unknown.text
    if lose == "deleted":
        assert not file.exists()
    here.store.engine.dispose()
    file.write_bytes(kept)
    assert readyz(client) == (200, {"status": "ready", "region": "tiny"})
    assert client.get("/api/v1/layers/harm/values?level=ward").status_code == 200
    here.store.note("something", by=SYSTEM)


def test_a_page_that_needs_the_store_says_so_to_people_and_to_programs(site, client, monkeypatch):
    def away(*_args, **_more):
        raise StoreFault("The store could not be read; nothing was changed.", [])

    monkeypatch.setattr("dashboard.api.v1.list_layers", away, raising=False)
    monkeypatch.setattr("dashboard.pages.catalogue.layout", away)
    site.config["TESTING"] = False
    sign_in(client)
    monkeypatch.setattr(site.extensions["commonground"].store.accounts, "sign_in", away)
    page = client.post("/sign-in", data={"name": "wes", "password": "x"})
    assert page.status_code == 503
    assert page.mimetype == "text/html"
    assert "The data cannot be reached at this moment" in page.text
    assert page.headers["Retry-After"] == "10"
    program = client.post("/sign-in", data={"name": "wes", "password": "x"}, headers={"Accept": "application/json"})
    assert program.status_code == 503
    assert program.get_json()["error"]["code"] == "store-fault"


def test_who_is_signed_in_stays_so_while_nothing_can_be_written(here, site, client, file, monkeypatch):
    sign_in(client)
    monkeypatch.setattr("layers.store.accounts.SEEN_EVERY", type(here.store.now() - here.store.now())(0))
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(2):
            began = time.monotonic()
            assert who(client) == "wes"
            assert time.monotonic() - began < 3.5


def test_without_a_tile_server_nothing_is_asked_of_another_host(client):
    assert "tile" not in client.get("/").headers["Content-Security-Policy"]


def test_a_restarted_worker_knows_who_was_signed_in(here, client):
    sign_in(client)
    token = client.get_cookie(session.COOKIE).value
    again = create_app(here, KEY).server.test_client()
    again.set_cookie(session.COOKIE, token)
    assert who(again) == "wes"


def test_changing_the_secret_key_ends_every_session(tiny_pack, tmp_path):
    environ = {"COMMONGROUND_REGION": str(tiny_pack), "COMMONGROUND_HOME": str(tmp_path / "home")}
    keys = [f"{number}f3Yk0q-9sLw2Xb7Rz5Ht-Uc8Nd" for number in range(2)]

    def browser(key):
        return create_server(environ | {"COMMONGROUND_SECRET_KEY": key}).test_client()

    first = browser(keys[0])
    accounts = first.application.extensions["commonground"].store.accounts
    accounts.add_user("wes", role="analyst", partner="westshire", password="three random words", by=SYSTEM)
    token = sign_in(first).get_cookie(session.COOKIE).value
    for key, name in ((keys[0], "wes"), (keys[1], ""), (keys[0], "wes")):
        again = browser(key)
        again.set_cookie(session.COOKIE, token)
        assert who(again) == name


def test_a_clock_that_goes_back_changes_no_decision(tiny_region, file):
    clock = Clock()
    store = open_store(f"sqlite:///{file}", tiny_region, clock=clock.now)
    for version, days in ((1, 0), (2, -3), (3, 1)):
        clock.on(days=days)
        assert store.publish(indicator(first=version), by=ADMIN).version == version
        assert store.layer("noise", ADMIN).version == version
    assert check_store(store) == []
    store.close()


def test_a_fault_of_disclosure_control_publishes_nothing(here, monkeypatch):
    from layers.reading.package import read_package
    from layers.store import preparing

    before = here.store.layer("crowded", SYSTEM).version
    names = [name for name in vars(preparing) if name.startswith("protect")]
    assert names

    def crash(*_args, **_more):
        raise ZeroDivisionError("in the middle of protecting")

    for name in names:
        monkeypatch.setattr(preparing, name, crash)
    with pytest.raises(ZeroDivisionError):
        here.store.publish(read_package(here.region.path / "layers" / "crowded"), by=SYSTEM)
    assert here.store.layer("crowded", SYSTEM).version == before


@pytest.mark.parametrize("number", sorted(CASES))
def test_each_case_has_its_test(number):
    module, _, name = CASES[number].rpartition(".")
    assert callable(getattr(import_module(module), name))
