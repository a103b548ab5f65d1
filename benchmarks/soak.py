"""A site under load for a long while: what it says, and whether it grows. ``make soak`` (ARGS="--minutes 60").

    python -m benchmarks.soak [--minutes 10] [--people 12] [--askers 2] [--json FILE]

People, askers of expensive questions and slow clients, as in :mod:`benchmarks.expensive_questions`; beside them a publisher who
gives a layer a new version by command again and again, and every minute one process of the server that is killed. Reported are
what people were told, memory and open files of all processes in the second minute and at the end, and what ``check`` says then.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import pandas as pd

from benchmarks.expensive_questions import SLOW, Asked, Site, asker, get, person
from benchmarks.slow_clients import AFTER, ROOT, Attack, row, running_in
from layers import Descriptor, Direction, Kind, Measure, Package, write_package

CALM_S = 5.0  # after the last request, before processes are looked at for the last time


def command(*words: str) -> subprocess.CompletedProcess:
    """A command of Common Ground on the home in use."""
    line = [sys.executable, "-m", "dashboard.cli", *words]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)


def children_of(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def burden(pids: list[int]) -> dict[str, float]:
    """MiB that are their own, and open files, of some processes together."""
    own, files = 0, 0
    for pid in pids:
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            own += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Private_"))
            files += len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return {"processes": len(pids), "own_mib": round(own / 1024), "open_files": files}


def package(folder: Path, site: Site, number: int) -> Path:
    """A layer whose figures are others each time."""
    chance = random.Random(number)
    table = pd.DataFrame({"area_code": site.areas, "status": "ok"})
    table.insert(1, "value", [round(chance.uniform(0, 100), 1) for _ in site.areas])
    described = {"title": "Soak", "themes": (site.theme,), "period": "2025", "measure": Measure.SCORE, "unit": "points"}
    described |= {"direction": Direction.HIGH_IS_WORSE, "partner": site.partner, "counts_people": False}
    return write_package(Package(Descriptor("soak", kind=Kind.INDICATOR, **described), table), folder / "soak")


def publisher(site: Site, over: threading.Event, ended: Counter, said: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for number in itertools.count():
            done = command("layers", "publish", str(package(Path(folder), site, number)), "--by", "soaker")
            ended[done.returncode] += 1
            if done.returncode:
                said.append((done.stdout + done.stderr)[-300:])
            if over.wait(10.0):
                return


def killer(server: int, over: threading.Event, killed: list[int]) -> None:
    """Every minute one of its processes, by turns."""
    for number in itertools.count():
        if over.wait(60.0):
            return
        with contextlib.suppress(OSError):
            found = children_of(server)
            os.kill(found[number % len(found)], signal.SIGKILL)
            killed.append(found[number % len(found)])


def soak(port: int, server: int, chosen: argparse.Namespace) -> dict:
    site, over = Site(port).look(), threading.Event()
    region = json.loads(get(port, "/api/v1/region")[2])
    site.partner, site.theme = region["partners"][0]["id"], region["themes"][0]["id"]
    added = subprocess.run(
        [sys.executable, "-m", "dashboard.cli", "user", "add", "soaker", "--role", "analyst", "--partner", site.partner, "--no-password"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert added.returncode == 0, added.stderr
    people, askers = [Asked() for _ in range(chosen.people)], [Asked() for _ in range(chosen.askers)]
    ended, said, killed = Counter(), [], []
    work = [(person, (site, n, over, one, chosen.think)) for n, one in enumerate(people)]
    work += [(asker, (site, n, over, one)) for n, one in enumerate(askers)]
    work += [(publisher, (site, over, ended, said)), (killer, (server, over, killed))]
    threads = [threading.Thread(target=what, args=given) for what, given in work]
    with contextlib.ExitStack() as stack:
        for kind in SLOW:
            stack.enter_context(Attack(port, kind, 1, 1.0))
        for thread in threads:
            thread.start()
        time.sleep(min(120.0, 60.0 * chosen.minutes / 2))
        early = burden([server, *children_of(server)])
        time.sleep(max(60.0 * chosen.minutes - 120.0, 60.0 * chosen.minutes / 2))
        over.set()
        for thread in threads:
            thread.join()
    time.sleep(CALM_S)
    took = [seconds for one in people for seconds in one.took]
    checked = command("check")
    return {
        "minutes": chosen.minutes,
        "people": row(took) | {"statuses": dict(sum((one.statuses for one in people), Counter()))},
        "askers": {"statuses": dict(sum((one.statuses for one in askers), Counter()))},
        "publishes": dict(ended) | ({"said": said[:3]} if said else {}),
        "killed": len(killed),
        "early": early,
        "late": burden([server, *children_of(server)]),
        "check": checked.returncode,
        "check_says": checked.stdout[-400:] if checked.returncode else "",
    }


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    words.add_argument("--minutes", type=float, default=10)
    words.add_argument("--people", type=int, default=12)
    words.add_argument("--askers", type=int, default=2, help="of expensive questions")
    words.add_argument("--think", type=float, default=6.0, help="seconds between two requests of a person, on average")
    words.add_argument("--json", type=Path, help="write the figures here too")
    chosen = words.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["COMMONGROUND_HOME"] = home
        with running_in(AFTER, home) as (port, server):
            found = soak(port, server, chosen)
    print(json.dumps(found, indent=1))
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1), "utf-8")


if __name__ == "__main__":
    main()
