"""The server against slow clients: a real one, in processes of its own, with short deadlines, on this machine only."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmarks.slow_clients import KINDS, Attack, ask, idle, still_open
from dashboard.connections import Limits, address_of
from tests.demonstration import filled_home

ROOT = Path(__file__).resolve().parents[2]
SHORT = {
    "headers_s": 1.5, "body_s": 2.0, "answer_s": 2.0, "still_s": 1.0, "silent_s": 1.5, "idle_s": 3.0, "check_s": 0.1,
}  # fmt: skip
FILES = resource.getrlimit(resource.RLIMIT_NOFILE)
PROMPT_S = 4.0
"""What an honest client may have to wait on a machine that runs other tests; without the guard, for as long as the others like."""


class Site:
    def __init__(self, **limits):
        self.running = subprocess.Popen(
            [sys.executable, "-m", "tests.dashboard.serving_site", "0", json.dumps({"stopping_s": 2.0} | limits)],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        line = self.running.stdout.readline()
        assert line.startswith("ready"), self.running.stderr.read()
        self.port = int(line.split()[1])

    def children(self) -> list[int]:
        listed = Path(f"/proc/{self.running.pid}/task/{self.running.pid}/children").read_text()
        return [int(pid) for pid in listed.split()]

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Exit status, and what it said."""
        if self.running.poll() is None:
            self.running.send_signal(number)
        _, said = self.running.communicate(timeout=20)
        return self.running.returncode, said

    def connect(self, send: bytes = b"") -> socket.socket:
        one = socket.create_connection(("127.0.0.1", self.port), 10)
        one.sendall(send)
        return one


@contextlib.contextmanager
def site(**limits):
    made = Site(**limits)
    try:
        yield made
    finally:
        if made.running.poll() is None:
            made.stop()


@pytest.fixture(scope="module")
def shared():
    """With the deadlines that everybody has."""
    with site() as made:
        yield made


@pytest.fixture(scope="module")
def quick():
    with site(**SHORT) as made:
        yield made


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


def read_all(one: socket.socket) -> bytes:
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := one.recv(1 << 16):
            parts.append(part)
    return b"".join(parts)


def read_answer(one: socket.socket) -> bytes:
    """One answer with a Content-Length, its body."""
    got = b""
    while b"\r\n\r\n" not in got:
        part = one.recv(1 << 16)
        assert part, got
        got += part
    head, _, body = got.partition(b"\r\n\r\n")
    length = int(
        next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")).split(b":")[1]
    )
    while len(body) < length:
        body += one.recv(1 << 16)
    return body


def until(done, seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.05)
    return bool(done())


# ---- slow clients ----------------------------------------------------------------------------------------------------


ATTACKS = [
    (kind, large)
    for kind, (_, again) in KINDS.items()
    for large in ("/large", "/streamed")[: 2 if again is None else 1]
]


@pytest.mark.parametrize(("kind", "large"), ATTACKS)
def test_eight_slow_clients_hinder_nobody(shared, kind, large):
    with Attack(shared.port, kind, clients=8, every_s=0.1, large=large) as attack:
        time.sleep(0.3)
        for _ in range(6):  # on both processes, more than there are threads
            status, took = ask(shared.port)
            assert (status, took < PROMPT_S) == (200, True), took
        assert attack.ended == 0


def test_the_slow_ones_of_every_kind_are_ended(quick):
    with contextlib.ExitStack() as stack:
        attacks = {
            (kind, large): stack.enter_context(Attack(quick.port, kind, clients=8, every_s=0.1, large=large))
            for kind, large in ATTACKS
        }
        assert until(lambda: all(attack.ended == 8 for attack in attacks.values()), 90), {
            kind: attack.ended for kind, attack in attacks.items()
        }
        assert ask(quick.port)[0] == 200


def test_a_hundred_and_fifty_idle_connections_hinder_nobody(shared):
    kept = idle(shared.port, 150)
    assert all(ask(shared.port)[1] < PROMPT_S for _ in range(6))
    for one in kept:
        one.sendall(get("/"))
    assert all(b"pid" in read_answer(one) for one in kept)
    for one in kept:
        one.close()


def test_a_thousand_idle_connections_of_one_address_are_all_kept_by_one_process():
    """As when one of the processes happens to get them all."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, FILES[1]), FILES[1]))
    with site(workers=1, threads=1) as one:
        kept = idle(one.port, 1000)
        assert all(ask(one.port)[0] == 200 for _ in range(6))
        time.sleep(2.5)  # what has only just come is not displaced
        assert [ask(one.port)[0] for _ in range(70)] == [200] * 70
        assert still_open(kept) == 1000
        for each in kept:
            each.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, FILES)


def test_idle_connections_are_kept_half_a_minute_and_longer_than_a_proxy_keeps_its_own():
    assert Limits().silent_s >= 30
    assert Limits().idle_s > 60


def test_an_idle_connection_ends_without_a_word_when_its_time_is_over(quick):
    with contextlib.closing(quick.connect(get("/"))) as one:
        read_answer(one)
        began = time.monotonic()
        assert read_all(one) == b""
        assert SHORT["idle_s"] - 0.2 < time.monotonic() - began < SHORT["idle_s"] + 5


@pytest.mark.parametrize("sent", [b"GET / HT", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n12"])
def test_whoever_asked_by_half_is_told(quick, sent):
    with contextlib.closing(quick.connect(sent)) as one:
        answer = read_all(one)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert answer.endswith(b"did not arrive in time.\n")


def test_one_process_that_has_every_connection_still_has_its_threads():
    with site(workers=1, threads=1) as one, contextlib.ExitStack() as attacks:
        for kind in KINDS:
            attacks.enter_context(Attack(one.port, kind, clients=4, every_s=0.1))
        time.sleep(0.3)
        took = [ask(one.port) for _ in range(6)]
        assert [status for status, _ in took] == [200] * 6
        assert max(seconds for _, seconds in took) < PROMPT_S


def test_a_request_that_comes_slowly_but_in_time_is_answered(shared):
    text = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd"
    with contextlib.closing(shared.connect()) as one:
        for start in range(0, len(text), 8):
            one.sendall(text[start : start + 8])
            time.sleep(0.05)
        assert json.loads(read_answer(one))["body"] == 4


# ---- bounds ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + b"a" * 70_000 + b"\r\n\r\n", 431, b"too long"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431, b"too long"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999\r\n\r\n" + b"a" * 100_000, 413, b"too large"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 999999999999\r\n\r\n", 413, b"too large"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + b"9" * 6000 + b"\r\n\r\n", 400, b"cannot be read"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 70_000, 400, b"cannot be read"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: " + b"a" * 70_000, 400, b"cannot be read"),
        (b"nonsense\r\n\r\n", 400, b"cannot be read"),
    ],
)  # fmt: skip
def test_what_is_too_large_is_refused_in_words_that_arrive(shared, sent, status, words):
    with contextlib.closing(shared.connect(sent)) as one:
        answer = read_all(one)
    assert answer.startswith(b"HTTP/1."), answer
    assert answer[9:12] == str(status).encode()
    assert words in answer
    assert ask(shared.port)[0] == 200


def test_a_mistake_of_the_application_shows_nothing_of_it(shared):
    with contextlib.closing(shared.connect(get("/fails", "Connection: close"))) as one:
        answer = read_all(one)
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"secret" not in answer
    assert b"Traceback" not in answer


def test_requests_sent_at_once_are_answered_in_turn(shared):
    with contextlib.closing(shared.connect(get("/a") * 20 + get("/b", "Connection: close"))) as one:
        assert read_all(one).count(b'"pid"') == 21


def test_a_crowd_at_one_address_gives_up_its_own_stale_connections():
    with site(workers=1, per_address=20) as one:
        crowd = [one.connect(b"GET / HT") for _ in range(20)]
        time.sleep(2.2)  # what has just come is not stale
        assert ask(one.port)[0] == 200
        closed = [each for each in crowd if _is_closed(each)]
        assert closed == crowd[: len(closed)]
        assert 1 <= len(closed) <= 2


def test_the_last_connection_is_not_refused_when_all_are_taken():
    with site(workers=1, per_address=0, connections=64) as one:
        for each in (crowd := [one.connect(b"GET / HT") for _ in range(200)]):
            each.settimeout(5)
        assert ask(one.port)[0] == 200
        assert 130 <= sum(_is_closed(each) for each in crowd) <= 160


def _is_closed(one: socket.socket) -> bool:
    one.setblocking(False)
    try:
        one.recv(4096)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def test_answers_that_nobody_takes_have_bounded_room():
    with (
        site(workers=1, waiting_bytes=100 * 2**20) as one,
        Attack(one.port, "slow readers", 4, 0.1, "/large") as attack,
    ):
        assert until(lambda: attack.ended >= 2, 90)  # 48 MiB each
        assert ask(one.port)[0] == 200
        assert attack.ended < 4


def test_addresses_are_counted_by_client():
    assert address_of("203.0.113.9") == address_of("::ffff:203.0.113.9") == "203.0.113.9"
    assert address_of("2001:db8::1") == address_of("2001:db8::ffff:9")
    assert address_of("2001:db8::1") != address_of("2001:db8:0:1::1")


# ---- a client that leaves --------------------------------------------------------------------------------------------


def test_a_request_at_work_can_know_that_its_client_has_left():
    with site() as one:
        one.connect(get("/works")).close()
        assert ask(one.port)[0] == 200
        time.sleep(0.5)
        _, said = one.stop()
        assert "left" in said


def test_a_client_that_only_closed_its_own_side_is_answered(shared):
    with contextlib.closing(shared.connect(get("/sleeps"))) as one:
        one.shutdown(socket.SHUT_WR)
        assert read_all(one).endswith(b"slept")


# ---- processes -------------------------------------------------------------------------------------------------------


def test_a_process_that_is_killed_is_replaced_while_others_serve():
    with site() as one:
        before = one.children()
        assert len(before) == 2
        os.kill(before[0], signal.SIGKILL)
        assert ask(one.port)[0] == 200
        assert until(lambda: len(one.children()) == 2 and before[0] not in one.children())
        with ThreadPoolExecutor(8) as pool:
            assert {status for status, _ in pool.map(lambda _: ask(one.port), range(24))} == {200}
        assert one.children()[0] == before[1]
        status, said = one.stop()
        assert status == 0
        assert "was ended by SIGKILL; another one takes its place" in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_stops_when_told_and_leaves_nobody_behind(number):
    with site() as one, contextlib.closing(one.connect(b"GET / HT")):
        children = one.children()
        assert one.stop(number)[0] == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in children)
        with pytest.raises(OSError):
            one.connect()


def test_what_is_at_work_is_finished_before_it_stops():
    with site() as one, contextlib.closing(one.connect(get("/sleeps"))) as asked:
        time.sleep(0.3)
        one.running.send_signal(signal.SIGTERM)
        assert read_answer(asked) == b"slept"
        assert one.stop()[0] == 0


def test_nobody_serves_on_when_the_keeper_is_killed():
    with site() as one:
        children = one.children()
        one.running.kill()
        assert until(lambda: not any(_alive(pid) for pid in children))


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# ---- the command -----------------------------------------------------------------------------------------------------


def command(port: int, home: Path, *more: str, **environ: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "dashboard.cli", "serve", "--port", str(port), *more],
        cwd=ROOT, stderr=subprocess.PIPE, text=True, env=os.environ | {"COMMONGROUND_HOME": str(home)} | environ,
    )  # fmt: skip


def test_a_port_in_use_is_told_in_a_sentence(shared, tmp_path):
    second = command(shared.port, tmp_path)
    _, said = second.communicate(timeout=30)
    assert second.returncode == 1
    assert (
        said
        == f"127.0.0.1:{shared.port} is in use by another program: stop that one, or choose another port with --port.\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_host_that_is_not_here_is_told_in_a_sentence(tmp_path):
    second = command(1, tmp_path, "--host", "203.0.113.1")
    _, said = second.communicate(timeout=30)
    assert (second.returncode, said.count("\n")) == (1, 1)
    assert "--host" in said


def test_the_command_serves_the_region_from_several_processes(tmp_path_factory):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = filled_home(tmp_path_factory)
    running = command(port, home, "--threads", "2", COMMONGROUND_HOSTS="maps.example.org")
    try:
        assert until(lambda: running.poll() is not None or ask(port, "/healthz", 1)[0] == 200, 60)
        with ThreadPoolExecutor(8) as pool:  # the store was opened before the processes parted
            statuses = {status for status, _ in pool.map(lambda _: ask(port, "/readyz"), range(24))}
        assert statuses == {200}
        assert ask(port, "/")[0] == 400  # asks as localhost
    finally:
        running.terminate()
        _, said = running.communicate(timeout=30)
    assert running.returncode == 0
    assert f"Common Ground is at http://127.0.0.1:{port}" in said
