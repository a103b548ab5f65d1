"""Kill a writer at a random moment, look at every byte of the store, and again: ``make kills`` (ARGS="--kills 50 --seed 3").

Each round starts a process that publishes, rolls back, adds accounts and takes backups without pause on one store, kills it with
signal 9 after a random while, and runs what ``commonground check`` runs. Every backup that has its name is read, and some are restored.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from layers import (  # noqa: E402  # noqa: E402
    PUBLIC,
    SYSTEM,
    Refused,
    Viewer,
    check_store,
    load_region,
    open_store,
    read_backup,
    restore_backup,
    write_backup,
)
from tests.layers.store_fixtures import WEST_ANALYST, indicator  # noqa: E402
from tests.tiny import write_tiny_pack  # noqa: E402

ADMIN = Viewer("ada", "icb", "admin")


def work(url: str, region, backups: Path, seed: int) -> None:
    """Until somebody kills it."""
    draw = random.Random(seed)  # noqa: S311  the same seed, the same run
    store = open_store(url, region)
    os.write(1, b".")
    for number in range(10_000):
        kind = draw.randrange(5)
        if kind < 2:
            store.publish(indicator("noise", first=draw.randrange(50)), by=WEST_ANALYST, note=f"round {seed}.{number}")
        elif kind == 2 and (newest := newest_of(store)):
            with contextlib.suppress(Refused):  # it may be shown already
                store.rollback("noise", to=draw.randint(1, newest), by=WEST_ANALYST, reason="another look")
        elif kind == 3:
            store.accounts.add_user(f"u{seed}.{number}", role="viewer", partner="icb", by=SYSTEM)
        else:
            write_backup(store, backups / f"{seed}-{number}.zip")


def newest_of(store) -> int:
    try:
        return store.history("noise", ADMIN)[0].version
    except Exception:  # not published yet
        return 0


def run(kills: int, seed: int, folder: Path, say=print) -> dict[str, int]:
    """What was counted. Raises AssertionError with the faults of a store that is not whole."""
    logging.disable(logging.ERROR)
    draw = random.Random(seed)  # noqa: S311  the same seed, the same run
    region = load_region(write_tiny_pack(folder / "pack"))
    file, backups = folder / "home" / "store.sqlite", folder / "backups"
    backups.mkdir()
    file.parent.mkdir()
    url = f"sqlite:///{file}"
    done = {"kills": 0, "checks": 0, "versions": 0, "backups": 0, "restored": 0}
    for number in range(kills):
        pid = os.fork()
        if not pid:
            try:
                work(url, region, backups, seed * 100_000 + number)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(9)
        time.sleep(draw.uniform(0.01, 0.6))
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        assert os.WIFSIGNALED(status), f"the writer of round {number} ended by itself: {status}"
        done["kills"] += 1
        if not file.exists() or not file.stat().st_size:
            continue  # killed before there was a store
        store = open_store(url, region)
        faults = check_store(store)
        assert not faults, f"after kill {number}: {faults}"
        done["checks"] += 1
        assert len(store.layers(PUBLIC)) >= 4
        versions = newest_of(store)
        assert versions >= done["versions"], "a version that was published is gone"
        done["versions"] = versions
        for one in sorted(backups.glob("*.zip")):
            read_backup(one)
            done["backups"] += 1
            if draw.random() < 0.2:
                place = folder / "restored" / one.stem / "store.sqlite"
                try:
                    restore_backup(one, f"sqlite:///{place}", region)
                except Refused as refused:
                    raise AssertionError(f"{one.name}: {refused}") from refused
                done["restored"] += 1
            one.unlink()
        store.close()
        if number % 20 == 19:
            say(f"{number + 1} kills: {done}", file=sys.stderr)
    return done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        done = run(chosen.kills, chosen.seed, Path(folder))
    told = ", ".join(f"{count:,} {name}" for name, count in done.items())
    print(f"\n{told}; nothing lost, nothing mixed; {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
