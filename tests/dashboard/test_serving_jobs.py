"""``commonground serve`` with its processes for jobs: an expensive question is answered there, one that dies is replaced."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.demonstration import filled_home

ROOT = Path(__file__).resolve().parents[2]
DEAR = (
    "from dashboard import jobs; jobs.CHEAP_S = jobs.WAIT_S = 0.0; jobs.HEARTBEAT_S = 0.2; import sys; "
    "from dashboard.cli import run; run()"
)
ASKED = "/api/v1/gaps?need=alcohol-admissions&services=alcohol-drug-services"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The demonstration region, where every draw is a job: (port, process)."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = {**os.environ, "COMMONGROUND_HOME": str(filled_home(tmp_path_factory))}
    command = [sys.executable, "-c", DEAR, "serve", "--port", str(port), "--workers", "1", "--job-workers", "1"]
    running = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.PIPE, text=True)
    try:
        while "Common Ground is at" not in running.stderr.readline():
            assert running.poll() is None
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


def test_memory_is_bounded_in_a_process_for_jobs():
    code = (
        "from dashboard.serving import memory_bound; memory_bound(64 << 20)\n"
        "try: bytearray(512 << 20)\nexcept MemoryError: print('bounded')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "bounded" or sys.platform != "linux"
