"""Feeds: only from where it is allowed, at public addresses, within the time and the size. Against a server of the test's own."""

from __future__ import annotations

import http.server
import socket
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from layers.model import Refused
from layers.reading.fetch import allowed_of, fetch, is_public


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: list

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.seen.append((self.path, dict(self.headers)))
        name, _, rest = self.path.partition("?")
        with suppress(BrokenPipeError, ConnectionResetError):
            getattr(self, f"at_{name.strip('/') or 'ok'}")(rest)

    def answer(self, body: bytes, status: int = 200, **headers):
        self.send_response(status)
        for key, value in ({"Content_Length": str(len(body))} | headers).items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def at_ok(self, _):
        self.answer(b"area,value\n")

    def at_to(self, target):
        self.answer(b"", 302, Location=target)

    def at_loop(self, _):
        self.answer(b"", 302, Location="/loop")

    def at_gone(self, _):
        self.answer(b"no", 410)

    def at_packed(self, _):
        self.answer(b"x", Content_Encoding="gzip")

    def at_short(self, _):
        self.answer(b"half", Content_Length="100")
        self.close_connection = True

    def at_claims(self, _):
        self.answer(b"x", Content_Length=str(10**12))

    def at_endless(self, _):
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        while True:
            self.wfile.write(b"x" * 65536)

    def at_drip(self, _):
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        for _ in range(100):
            self.wfile.write(b"x")
            self.wfile.flush()
            time.sleep(0.1)

    def at_headers(self, _):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        self.close_connection = True
        for number in range(100):
            self.wfile.write(b"X-%d: y\r\n" % number)
            self.wfile.flush()
            time.sleep(0.1)


@pytest.fixture(scope="module")
def server():
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.daemon_threads, made.seen = True, []
    threading.Thread(target=made.serve_forever, daemon=True).start()
    made.origin = f"http://127.0.0.1:{made.server_port}"
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture(autouse=True)
def nobody_asked(server):
    server.seen.clear()


def leads_to(*addresses):
    return lambda host, port, **_: [(0, 0, 0, "", (address, port)) for address in addresses]


@contextmanager
def refused(words: str):
    with pytest.raises(Refused, match=words) as found:
        yield
    assert all(fault.what and fault.todo for fault in found.value.faults)


# ---- where from ------------------------------------------------------------------------------------------------------


def test_an_origin_is_allowed_exactly_as_written(server):
    assert fetch(f"{server.origin}/ok?a=b", [server.origin]) == b"area,value\n"
    port = server.server_port
    for url in (
        f"http://localhost:{port}/ok", "http://127.0.0.1/ok", f"http://127.0.0.1:{port + 1}/ok", f"https://127.0.0.1:{port}/ok",
        f"http://127.1:{port}/ok", f"http://2130706433:{port}/ok", f"http://[::ffff:127.0.0.1]:{port}/ok",
        f"http://127.0.0.1.:{port}/ok",
    ):  # fmt: skip
        with refused("may not be read from there"):
            fetch(url, [server.origin])


def test_nothing_is_allowed_by_default(server):
    with refused("COMMONGROUND_FEEDS"):
        fetch(f"{server.origin}/ok", [])
    assert not server.seen


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example.org/f",
        "https://a.example.org:8443/f",
        "https://a.example.org:80/f",
        "http://a.example.org:443/f",
    ],
)
def test_a_host_means_https_on_its_port(url):
    with refused("https on its usual port only"):
        fetch(url, ["a.example.org"], resolve=leads_to("93.184.216.34"))


@pytest.mark.parametrize(
    "url", ["https://b.a.example.org/", "https://example.org/", "https://a.example.org.evil.test/"]
)
def test_a_host_is_no_other(url):
    with refused("may not be read from there"):
        fetch(url, ["a.example.org"], resolve=leads_to("93.184.216.34"))


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://a.example.org/", "//a.example.org/", "a.example.org", "https:///x", "gopher://a.example.org",
     "https://a.example.org/\r\nX: y", "https://a.example.org/ü", "https://a.example.org\\@b/", "https://a.example.org:x/",
     "https://[::1/", "https://a.example.org/" + "x" * 3000],
)  # fmt: skip
def test_what_is_no_address_is_refused(url):
    with refused("not fetched"):
        fetch(url, ["a.example.org"], resolve=leads_to("93.184.216.34"))


@pytest.mark.parametrize("who", ["me:secret@", "me@", "@", ":@"])
def test_no_credentials_in_an_address(server, who):
    for url, allowed in (
        (f"https://{who}a.example.org/", "a.example.org"),
        (server.origin.replace("//", f"//{who}"), server.origin),
    ):
        with refused("name or password") as _:
            fetch(url, [allowed], resolve=leads_to("93.184.216.34"))
    assert not server.seen


INSIDE = (
    "127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "255.255.255.255", "192.0.2.1", "198.18.0.1", "240.0.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2001:db8::1",
    "2001:0:7f00:1::", "::127.0.0.1", "nonsense", "",
)  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_names_that_lead_inside_are_refused(address):
    assert not is_public(address)
    for found in ((address,), ("93.184.216.34", address)):
        with refused("not of the public internet"):
            fetch("https://a.example.org/f", ["a.example.org"], resolve=leads_to(*found))


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_public(address):
    assert is_public(address)


def test_what_was_checked_is_what_is_connected_to(monkeypatch):
    """A name that answers differently when it is asked again is not asked again."""
    asked, connected = [], []

    def resolve(host, port, **_):
        asked.append(host)
        return [(0, 0, 0, "", ("93.184.216.34" if len(asked) == 1 else "127.0.0.1", port))]

    def connect(address, **_):
        connected.append(address)
        raise ConnectionRefusedError("nobody there")

    monkeypatch.setattr(socket, "create_connection", connect)
    with refused("nobody there"):
        fetch("https://a.example.org/f", ["a.example.org"], resolve=resolve)
    assert asked == ["a.example.org"] and connected == [("93.184.216.34", 443)]


def test_a_name_that_leads_nowhere():
    def resolve(*_, **__):
        raise socket.gaierror("no such name")

    with refused("leads nowhere"):
        fetch("https://a.example.org/f", ["a.example.org"], resolve=resolve)


def test_nothing_of_the_environment_goes_along(server, monkeypatch, tmp_path):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/")
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert fetch(f"{server.origin}/ok", [server.origin])
    sent = {name.lower() for name in server.seen[0][1]}
    assert sent == {"host", "accept-encoding", "user-agent"}


# ---- redirects -------------------------------------------------------------------------------------------------------


def test_a_redirect_is_followed_where_it_is_allowed(server):
    assert fetch(f"{server.origin}/to?/ok", [server.origin]) == b"area,value\n"
    assert fetch(f"{server.origin}/to?{server.origin}/to?/ok", [server.origin]) == b"area,value\n"


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1:1/x", "http://localhost/", "https://a.example.org/", "http://169.254.169.254/latest/meta-data/", "file:///etc/passwd",
     "http://[::1]/", "//10.0.0.1/x"],
)  # fmt: skip
def test_a_redirect_is_asked_the_same_questions(server, target):
    with refused("not fetched"):
        fetch(f"{server.origin}/to?{target}", [server.origin])
    assert [path for path, _ in server.seen] == [f"/to?{target}"]


def test_a_redirect_to_an_allowed_host_that_leads_inside(server):
    both = [server.origin, "a.example.org"]

    def resolve(host, port, **_):
        return [(0, 0, 0, "", ("127.0.0.1" if host == "127.0.0.1" else "10.0.0.7", port))]

    with refused("10.0.0.7"):
        fetch(f"{server.origin}/to?https://a.example.org/x", both, resolve=resolve)
    with refused("name or password"):
        fetch(f"{server.origin}/to?https://me:pw@a.example.org/x", both, resolve=resolve)


def test_redirects_come_to_an_end(server):
    with refused("more than 5 times"):
        fetch(f"{server.origin}/loop", [server.origin])
    assert len(server.seen) == 6


# ---- how much and how long -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("gone", "410"),
        ("packed", "packed"),
        ("short", "cut short|could not be read"),
        ("claims", "larger than 1 MiB"),
        ("endless", "larger than 1 MiB"),
    ],
)
def test_what_is_not_a_whole_plain_file_is_refused(server, path, words):
    with refused(words):
        fetch(f"{server.origin}/{path}", [server.origin], most_bytes=2**20, seconds=20)


@pytest.mark.parametrize("path", ["drip", "headers"])
def test_a_byte_at_a_time_is_too_slow(server, path):
    began = time.monotonic()
    with refused("too long"):
        fetch(f"{server.origin}/{path}", [server.origin], seconds=0.5)
    assert time.monotonic() - began < 5


def test_one_who_never_answers_is_too_slow():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        origin = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with refused("too long"):
            fetch(f"{origin}/x", [origin], seconds=0.5)


def test_a_resolver_that_never_answers_is_too_slow():
    waits = threading.Event()
    try:
        with refused("too long"):
            fetch(
                "https://a.example.org/f", ["a.example.org"], seconds=0.3, resolve=lambda *_, **__: waits.wait(5) and []
            )
    finally:
        waits.set()


# ---- the setting -----------------------------------------------------------------------------------------------------


def test_the_setting():
    assert allowed_of("") == ()
    assert allowed_of("data.police.uk, https://a.example.org:8443\nhttp://127.0.0.1:8099") == (
        "data.police.uk", "https://a.example.org:8443", "http://127.0.0.1:8099",
    )  # fmt: skip
    for bad in (
        "*",
        "*.example.org",
        "https://a.example.org/",
        "https://a.example.org/path",
        "me@a.example.org",
        "ftp://a.b",
        "localhost",
    ):
        with pytest.raises(Refused, match="COMMONGROUND_FEEDS"):
            allowed_of(bad)
