"""``commonground serve`` with its processes for jobs: an expensive question is answered there and a stranger's file read there, one
that dies is replaced."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.tiny import write_tiny_pack

ROOT = Path(__file__).resolve().parents[2]
DEAR = (
    "from dashboard import jobs; jobs.CHEAP_S = jobs.WAIT_S = 0.0; jobs.HEARTBEAT_S = 0.2; "
    "from dashboard.publishing import reading; reading.PATIENCE_S = 0.0; from dashboard.cli import run; run()"
)
PASSWORD = "four words that fit"
ANN = [sys.executable, "-m", "dashboard.cli", "user", "add", "ann", "--role", "analyst", "--partner", "westshire"]
ANN += ["--password-stdin"]
ASKED = "/api/v1/gaps?need=crowded&services=clinics"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A tiny region, where every draw and every file is a job: (port, process)."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = tmp_path_factory.mktemp("home")
    environ = {**os.environ, "COMMONGROUND_HOME": str(home), "COMMONGROUND_REGION": str(write_tiny_pack(home / "tiny"))}
    command = [sys.executable, "-c", DEAR, "serve", "--port", str(port), "--workers", "2", "--job-workers", "1"]
    running = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.PIPE, text=True)
    try:
        while "Common Ground is at" not in running.stderr.readline():
            assert running.poll() is None
        subprocess.run(ANN, cwd=ROOT, env=environ, input=PASSWORD, text=True, check=True, timeout=600)
        yield port, running
    finally:
        running.terminate()
        running.communicate(timeout=60)


def get(port: int, path: str):
    """Status, headers and document."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
        return answer.status, answer.headers, json.load(answer)


def answered(port: int, path: str):
    """As one who waits as told; also how often it was told."""
    for told in range(200):
        status, headers, document = get(port, path)
        if status == 200:
            return told, document
        assert status == 202
        time.sleep(min(float(headers["Retry-After"]), 0.5))
    raise AssertionError("never answered")


def nice_of(pid: str) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[16])


def for_jobs(running) -> list[str]:
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    return [pid for pid in children if nice_of(pid) > nice_of(str(running.pid))]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="there is no /proc here")
def test_what_takes_long_is_done_by_a_process_of_its_own_and_one_that_dies_is_replaced(site):
    port, running = site
    told, document = answered(port, f"{ASKED}&robustness=90")
    assert told and document["parameters"]["robustness"] == 90
    (worker,) = for_jobs(running)
    os.kill(int(worker), signal.SIGSTOP)
    status, _, document = get(port, f"{ASKED}&robustness=91")
    assert (status, document["state"]) == (202, "waiting")
    os.kill(int(worker), signal.SIGKILL)
    told, document = answered(port, f"{ASKED}&robustness=91")
    assert document["parameters"]["robustness"] == 91 and for_jobs(running) != [worker]


class Browser:
    """Keeps cookies, goes where it is sent only when told."""

    class Stays(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    def __init__(self, port: int):
        self.at = f"http://127.0.0.1:{port}"
        self._open = urllib.request.build_opener(self.Stays, urllib.request.HTTPCookieProcessor()).open

    def ask(self, path: str, body: bytes | None = None, kind: str = "application/x-www-form-urlencoded"):
        """Status, headers and text."""
        headers = {"Accept": "text/html"} | ({"Content-Type": kind} if body is not None else {})
        try:
            answer = self._open(urllib.request.Request(self.at + path, body, headers), timeout=60)
        except urllib.error.HTTPError as other:  # 303 too: it stays
            answer = other
        with answer:
            return answer.status, answer.headers, answer.read().decode()


def form_with(content: str, name: str) -> tuple[bytes, str]:
    head = f'--edge\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: text/csv\r\n\r\n'
    return f"{head}{content}\r\n--edge--\r\n".encode(), "multipart/form-data; boundary=edge"


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="there is no /proc here")
def test_a_file_is_read_by_a_process_of_its_own_while_its_sender_waits(site):
    """Whichever of the two processes is asked: the page that waits, then the columns."""
    port, running = site
    areas = get(port, "/api/v1/areas/lsoa")[2]["areas"]
    content = "area_code,value\r\n" + "".join(f"{area['code']},{n % 90}\r\n" for n, area in enumerate(areas))
    browser = Browser(port)
    status, headers, text = browser.ask("/sign-in", urlencode({"name": "ann", "password": PASSWORD}).encode())
    assert status == 303, text
    (worker,) = for_jobs(running)
    os.kill(int(worker), signal.SIGSTOP)
    try:
        status, headers, text = browser.ask("/publish/upload", *form_with(content, "streets.csv"))
        where = headers["Location"]
        assert (status, where[:17]) == (303, "/publish/reading/"), text
        for _ in range(6):  # connections are new, so both processes answer
            status, headers, text = browser.ask(where)
            assert status == 202 and int(headers["Refresh"]) >= 1, text
            assert "Reading “streets.csv” takes a while." in text
    finally:
        os.kill(int(worker), signal.SIGCONT)
    seen = []
    for _ in range(600):
        status, headers, text = browser.ask(where)
        seen.append((status, where))
        if status == 303:
            where = headers["Location"]
        elif status == 200:
            break
        assert status in (202, 303), text
        time.sleep(0.1)
    assert where.endswith("/columns") and status == 200, seen
    assert "streets.csv" in text and "area_code" in text
    status, _, text = Browser(port).ask(where)
    assert status in (303, 404) and "streets.csv" not in text  # for nobody else


def test_memory_is_bounded_in_a_process_for_jobs():
    code = (
        "from dashboard.serving import memory_bound; memory_bound(64 << 20)\n"
        "try: bytearray(512 << 20)\nexcept MemoryError: print('bounded')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "bounded" or sys.platform != "linux"
