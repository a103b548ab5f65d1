"""A database server that cannot be reached any more: everybody is told within seconds, and it mends by itself.

A small relay stands between the store and PostgreSQL. It can swallow what it is given while it keeps every connection open, as a network
does that drops packets; refuse connections; or cut them.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from dashboard.app import create_app
from dashboard.published import Published
from layers import SYSTEM, StoreFault, check_store, load_region, open_store
from tests.databases import POSTGRES, drop_schema, make_schema, postgres_url

pytestmark = pytest.mark.skipif(not POSTGRES, reason="COMMONGROUND_TEST_POSTGRES holds no URL (make test-postgres)")

PAGES = ("/", "/catalogue", "/api/v1/layers", "/api/v1/layers/harm/values?level=lsoa", "/sign-in")
SOON_S = 3.0
"""Of a page, and a sentence for who wants to write."""
TRUE_S = 5.0
"""Of /readyz."""


class Relay:
    def __init__(self, to: tuple[str, int]):
        self.to, self.swallows, self.over = to, False, False
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.pairs: dict[socket.socket, socket.socket] = {}
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listening, selectors.EVENT_READ)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while not self.over:
            for key, _ in self.selector.select(0.02):
                if key.fileobj is self.listening:
                    with contextlib.suppress(OSError):
                        one, other = self.listening.accept()[0], socket.create_connection(self.to, 5)
                        self.pairs |= {one: other, other: one}
                        for each in (one, other):
                            self.selector.register(each, selectors.EVENT_READ)
                    continue
                try:
                    data = key.fileobj.recv(1 << 16)
                except OSError:
                    data = b""
                if not data:
                    self._end(key.fileobj)
                elif not self.swallows:
                    with contextlib.suppress(OSError):
                        self.pairs[key.fileobj].sendall(data)

    def _end(self, one: socket.socket) -> None:
        for each in (one, self.pairs.pop(one, None)):
            if each is not None:
                self.pairs.pop(each, None)
                with contextlib.suppress(KeyError, ValueError):
                    self.selector.unregister(each)
                each.close()

    def cut(self) -> None:
        for one in list(self.pairs):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.over = True
        self.thread.join(10)
        for one in [*self.pairs, self.listening]:
            one.close()


@pytest.fixture
def relay():
    server = sa.make_url(POSTGRES)
    made = Relay((server.host, server.port or 5432))
    yield made
    made.close()


@pytest.fixture
def here(relay, tiny_pack, tmp_path):
    schema = make_schema()
    url = sa.make_url(postgres_url(schema)).set(host="127.0.0.1", port=relay.port)
    region = load_region(tiny_pack)
    store = open_store(url.render_as_string(hide_password=False), region)
    store.accounts.add_user("wes", role="analyst", partner="westshire", password="three random words", by=SYSTEM)
    yield Published(region, store, tmp_path)
    relay.swallows = False
    store.close()
    drop_schema(schema)


@pytest.fixture
def client(here, monkeypatch):
    monkeypatch.setattr("layers.store.store.REFRESH_S", 0.0)  # ask the database every time
    server = create_app(here, "a key for the tests only").server
    found = server.test_client()
    found.set_cookie("commonground", here.store.accounts.start_session("wes"))
    for page in PAGES:
        assert found.get(page).status_code == 200, page
    assert readyz(found)[0] == 200
    return found


def timed(act):
    began = time.monotonic()
    return act(), time.monotonic() - began


def readyz(client):
    answer, took = timed(lambda: client.get("/readyz"))
    assert took < TRUE_S
    return answer.status_code, answer.get_json()


def test_a_server_that_falls_silent_keeps_nobody_waiting_and_is_found_again(here, client, relay):
    relay.swallows = True
    began = time.monotonic()
    for page in (*PAGES, "/api/v1/layers/harm/values?level=ward"):  # the last was not read before
        answer, took = timed(lambda page=page: client.get(page))
        assert (answer.status_code in (200, 503), took < SOON_S) == (True, True), (page, answer.status_code, took)
    answer, took = timed(lambda: client.post("/sign-in", data={"name": "wes", "password": "three random words"}))
    assert (answer.status_code, took < SOON_S) == (503, True), (answer.status_code, took)
    with pytest.raises(StoreFault):
        _, took = timed(lambda: here.store.note("something", by=SYSTEM))
    while readyz(client)[0] != 503:
        assert time.monotonic() - began < 30
        time.sleep(0.2)
    relay.swallows = False
    began = time.monotonic()
    while readyz(client)[0] != 200:
        assert time.monotonic() - began < TRUE_S
        time.sleep(0.1)
    for page in PAGES:
        assert client.get(page).status_code == 200
    here.store.note("something", by=SYSTEM)
    assert check_store(here.store) == []


def test_readyz_tells_the_truth_within_five_seconds_of_silence(client, relay):
    relay.swallows = True
    began = time.monotonic()
    while readyz(client)[0] != 503:
        assert time.monotonic() - began < TRUE_S


@pytest.mark.parametrize("how", ["idle", "reading", "writing"])
def test_silence_that_begins_at_any_moment_ends_in_a_sentence(here, relay, how):
    relay.swallows = how == "idle"

    def act():
        with pytest.raises(StoreFault):
            if how == "writing":
                with here.store.writing() as connection:
                    relay.swallows = True
                    connection.info["waits"] = True
                    from layers.store import server_link

                    server_link.patience(connection, 1.0)  # ten seconds in the middle of one's own work
                    connection.exec_driver_sql("SELECT 1")
            else:
                with here.store.reading() as connection:
                    relay.swallows = True
                    connection.exec_driver_sql("SELECT 1")

    _, took = timed(act)
    assert took < SOON_S
    relay.swallows = False
    time.sleep(1.1)  # for a second nobody asks again
    here.store.note("something", by=SYSTEM)


def test_many_who_ask_at_once_wait_no_longer_than_one(client, relay):
    relay.swallows = True
    application = client.application

    def ask(_):
        browser = application.test_client()
        return timed(lambda: browser.get("/catalogue"))

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, range(24)))
    assert max(took for _, took in answers) < SOON_S
    assert sum(took for _, took in answers) < 24 * 1.5  # most are told at once


def test_connections_that_were_cut_are_made_again_without_a_word(here, client, relay):
    relay.cut()
    time.sleep(0.2)
    for page in PAGES:
        assert client.get(page).status_code == 200
    here.store.note("something", by=SYSTEM)


def test_a_long_publish_is_not_given_up(here):
    """A server that works for longer than a reader would wait, in the middle of a writer's work."""
    with here.store.writing() as connection:
        connection.exec_driver_sql("SELECT pg_sleep(3.5)")
    with pytest.raises(StoreFault), here.store.reading() as connection:
        connection.exec_driver_sql("SELECT pg_sleep(3.5)")
