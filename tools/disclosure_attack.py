"""Publish what an attacker would like to see, and attack it: ``make disclosure-attack`` (ARGS="--region PACK --kind ranks").

Each kind of :mod:`tests.attacked_kinds` is published by several partners in a store of its own, beside nothing else, then all of them
beside the layers of the pack. The public, every role of every partner, every two partners together and an admin look. Prints a
row for each; exit status 1 when anything small is told.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from layers import load_region, open_store  # noqa: E402
from tests.attacked_kinds import KINDS, World, attack  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--region", default=ROOT / "data/demo", help="folder of a region pack")
    parser.add_argument("--kind", default="", help="only kinds with this in their name")
    parser.add_argument("--alone", action="store_true", help="leave out the run beside the layers of the pack")
    args = parser.parse_args()
    region = load_region(args.region)
    kinds = [name for name in KINDS if args.kind in name]
    print(f"{region.name}: {len(region.areas['lsoa']):,} small areas")
    print(
        "| published | taken | refused | withheld | looked at as | recovered | bounded or ordered | shown | processor seconds |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    told = 0
    for name in kinds:
        told += row(name, [name], region, fill=False)
    if not args.alone:
        told += row("all of them beside the layers of the pack", kinds, region, fill=True)
    return 1 if told else 0


def row(title: str, kinds: list[str], region, *, fill: bool) -> int:
    """Publish, attack, print; how many cells were told."""
    started = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{Path(folder) / 'store.sqlite'}", region, fill=fill)
        world = World(store)
        for name in kinds:
            KINDS[name](world)
        found = attack(store)
        store.close()
    leaks = [leak.kind for audit in found.values() for leak in audit.leaks]
    counts = [leaks.count("recovered"), leaks.count("bounded") + leaks.count("ordered"), leaks.count("shown")]
    cells = [title, len(world.taken), len(world.refused), f"{found['admin'].hidden:,}", len(found), *counts]
    print("| " + " | ".join(map(str, cells)) + f" | {time.process_time() - started:.0f} |", flush=True)
    return len(leaks)


if __name__ == "__main__":
    raise SystemExit(main())
