"""Clients that ask for nothing and hold on: what a few of them may not do to everybody else.

    make slow-clients                            # both servers, eight clients of each kind; python -m benchmarks.slow_clients --help

Each kind opens its connections and keeps them busy as slowly as it may, from one background thread; meanwhile somebody honest
asks on new connections and is timed. The tests use the same clients.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

LARGE = "/_dash-component-suites/dash_ag_grid/dash_ag_grid.min.js"
"""What slow readers ask for unless told otherwise: 1.3 MB, the largest file that every region has."""

KINDS = {
    "half-sent request line": (b"GET / HT", b""),
    "slow headers": (b"GET / HTTP/1.1\r\nHost: localhost\r\n", b"X-A: b\r\n"),
    "slow header bytes": (b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ", b"a"),
    "blank lines": (b"\r\n", b"\r\n"),
    "half-sent body": (
        b"POST /_dash-update-component HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{",
        b"",
    ),
    "slow body": (
        b"POST /_dash-update-component HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{",
        b" ",
    ),
    "slow chunks": (
        b"POST /_dash-update-component HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"1\r\na\r\n",
    ),
    "silent": (b"", b""),
    "slow readers": (b"GET %s HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: identity\r\n\r\n", None),
    "readers of a hundred answers": (
        b"GET %s HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: identity\r\n\r\n" * 100,
        None,
    ),
}
"""Kind -> what a client sends at once, and what again and again; None: it reads a byte instead."""


IDLE = {"150 idle connections": 150, "1,000 idle connections": 1000}
"""Connections of one address that were answered once and then wait; how many are still there after half a minute is counted."""


class Attack:
    """``clients`` connections of a kind, kept going until it is closed. ``ended``: how many the server has put an end to."""

    def __init__(self, port: int, kind: str, clients: int = 8, every_s: float = 0.2, large: str = LARGE):
        first, self._again = KINDS[kind]
        self._every_s = every_s
        self._sockets = []
        for _ in range(clients):
            one = socket.socket()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.settimeout(10)
            one.connect(("127.0.0.1", port))
            with contextlib.suppress(OSError):
                one.sendall(first.replace(b"%s", large.encode()))
            one.setblocking(False)
            self._sockets.append(one)
        self.started, self.last_end, self.ended = time.monotonic(), 0.0, 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)
        self._thread.start()

    def _go_on(self) -> None:
        alive = list(self._sockets)
        while alive and not self._over.wait(self._every_s):
            for one in list(alive):
                try:
                    # a connection that was cut is known by its error: what came before can still be read, byte by byte
                    if error := one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                        raise OSError(error, "cut")
                    if self._again:
                        one.send(self._again)
                    # an answer to a slow request says that it came too late: nobody waits for the rest
                    gone = not one.recv(1) or self._again is not None
                except BlockingIOError:
                    continue
                except OSError:
                    gone = True
                if gone:
                    alive.remove(one)
                    one.close()
                    self.ended, self.last_end = self.ended + 1, time.monotonic()

    def __enter__(self) -> Attack:
        return self

    def __exit__(self, *_) -> None:
        self._over.set()
        self._thread.join()
        for one in self._sockets:
            one.close()


def ask(port: int, path: str = "/", timeout: float = 30.0) -> tuple[int, float]:
    """Status and seconds of an honest request on a connection of its own; 0 when it was not answered in time."""
    began = time.monotonic()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout) as one:
            one.settimeout(timeout)
            one.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            head = one.recv(12)
            while one.recv(1 << 16):
                pass
            return int(head[9:12] or 0), time.monotonic() - began
    except (OSError, ValueError):
        return 0, time.monotonic() - began


def still_open(kept: list[socket.socket]) -> int:
    """How many of the idle connections the server has not closed."""
    count = 0
    for one in kept:
        one.setblocking(False)
        try:
            count += bool(one.recv(1))
        except BlockingIOError:
            count += 1
        except OSError:
            pass
    return count


def idle(port: int, count: int) -> list[socket.socket]:
    """Connections that have been answered once and are kept."""
    kept = []
    for _ in range(count):
        one = socket.create_connection(("127.0.0.1", port), 10)
        one.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        kept.append(one)
    for one in kept:
        one.recv(1 << 16)
    return kept


# ---- measuring -------------------------------------------------------------------------------------------------------

BEFORE = "gunicorn gthread, 2 x 4"
AFTER = "commonground serve, 2 x 4"


@contextlib.contextmanager
def served(server: str) -> Iterator[int]:
    """The demonstration region under one of the two servers, in a home of its own."""
    with tempfile.TemporaryDirectory() as home, running_in(server, home) as (port, _):
        yield port


@contextlib.contextmanager
def running_in(server: str, home: str) -> Iterator[tuple[int, int]]:
    """The same in a home that is there: its port, and the id of its first process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = {
        BEFORE: [
            "-m",
            "gunicorn",
            "-b",
            f"127.0.0.1:{port}",
            "-w2",
            "--threads=4",
            "--preload",
            "dashboard.app:create_server()",
        ],
        AFTER: ["-m", "dashboard.cli", "serve", "--port", str(port)],
    }[server]
    environ = {**os.environ, "COMMONGROUND_HOME": home}
    running = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environ, stderr=subprocess.DEVNULL)
    try:
        while ask(port, "/healthz", 1)[0] != 200:
            assert running.poll() is None, "the server did not start"
            time.sleep(0.2)
        for _ in range(8):
            ask(port, "/")
        yield port, running.pid
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(30)


def timed(port: int, seconds: float, path: str) -> list[float]:
    """Seconds of honest requests, four a second; one that is not answered within ten counts as ten."""
    took, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        status, once = ask(port, path, 10)
        took.append(once if status == 200 else 10.0)
        time.sleep(0.25)
    return took


def row(took: list[float]) -> dict[str, float]:
    ordered = sorted(took)
    return {
        "median_ms": 1000 * statistics.median(ordered),
        "p95_ms": 1000 * ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))],
        "worst_ms": 1000 * ordered[-1],
        "requests": len(ordered),
    }


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    words.add_argument("--clients", type=int, default=8, help="of each kind")
    words.add_argument("--seconds", type=float, default=12, help="per kind")
    words.add_argument("--only", default="", help="servers whose name begins so")
    words.add_argument("--large", default=LARGE, help="address of a large answer for slow readers")
    words.add_argument("--path", default="/api/v1/layers", help="what the honest client asks for")
    words.add_argument("--json", type=Path, help="write the figures here too")
    words.add_argument("--kinds", default="", help="kinds whose name holds this")
    chosen = words.parse_args()
    kinds = [kind for kind in ("nobody", *KINDS, *IDLE) if chosen.kinds in kind]
    found: dict[str, dict[str, dict]] = {}
    for server in (BEFORE, AFTER):
        if not server.startswith(chosen.only):
            continue
        rows = found.setdefault(server, {})
        for kind in kinds:
            with served(server) as port, contextlib.ExitStack() as stack:
                kept = []
                if kind in KINDS:
                    stack.enter_context(Attack(port, kind, chosen.clients, 1.0, chosen.large))
                elif kind in IDLE:
                    kept = [stack.enter_context(one) for one in idle(port, IDLE[kind])]
                time.sleep(0.5)
                rows[kind] = row(timed(port, max(chosen.seconds, 32 if kept else 0), chosen.path))
                rows[kind] |= {"kept": still_open(kept)} if kept else {}
            print(server, "|", kind, "|", json.dumps({k: round(v, 1) for k, v in rows[kind].items()}), flush=True)
    print_table(found)
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1), "utf-8")


def print_table(found: dict[str, dict[str, dict]]) -> None:
    print("\n| beside | " + " | ".join(f"{server}: median, p95, worst" for server in found) + " |")
    print("|---|" + "---|" * len(found))
    for kind in dict.fromkeys(itertools.chain(*found.values())):
        cells = [found[server][kind] for server in found]
        print(
            f"| {kind} | "
            + " | ".join(
                "{median_ms:,.0f}, {p95_ms:,.0f}, {worst_ms:,.0f} ms".format(**c)
                + (f"; {c['kept']:,} kept" if "kept" in c else "")
                for c in cells
            )
            + " |"
        )


if __name__ == "__main__":
    main()
