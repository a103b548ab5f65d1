"""Record what a checkout does, and compare two recordings: before and after a change that must not change behaviour.

    python tools/record.py make OUT [--pack data/demo] [--only api,commands,links,pages,briefings] [--few]
    python tools/record.py compare BEFORE AFTER [--only ...] [--lines 12]

``make`` records the code of the current folder (not the folder that this file is in), asked as the outside asks it: over HTTP,
by commands, by links. The pack is copied and the store thrown away. ``OUT`` gets a folder for each part and a text file for
each item, in which the day of today, random ids and temporary folders have names, so that two recordings of one checkout are
equal. ``compare`` lists what differs, with the first lines of each difference; exit status 1 when anything does.

To record an older checkout with the recorder of a newer one: ``cd OLD && .venv/bin/python NEW/tools/record.py make OUT``.
The links part needs Node. When code moves, follow it in ``tools/recording/world.py``, the only place that knows names of it.
"""

from __future__ import annotations

import argparse
import difflib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

PARTS = ("api", "commands", "links", "pages", "briefings")


def make(out: Path, pack: Path, parts: list[str], *, whole: bool) -> None:
    """Record ``parts`` of the code in the current folder into the new folder ``out``."""
    checkout = Path.cwd().resolve()
    if out.exists() and any(out.iterdir()):
        raise SystemExit(f"{out} is not empty: name a new folder")
    sys.path.insert(0, str(checkout))
    from recording.normal import Folder, Normaliser
    from recording.world import check_code, make_world

    check_code(checkout)
    modules = {part: import_module(f"recording.{part}") for part in parts}  # now: the recorder may be changed meanwhile
    scratch = Path(tempfile.mkdtemp(prefix="commonground-record-")).resolve()
    try:
        normal = Normaliser({str(scratch): "<scratch>", str(checkout): "<checkout>"})
        world = make_world(scratch, pack.resolve(), normal)
        for part in parts:
            begin = time.monotonic()
            folder = Folder(out / part, normal, {world.facts["need"]: "NEED", world.facts["services"]: "SERVICES"})
            modules[part].record(world, folder, whole)
            print(f"{part}: {len(folder.items):,} items in {time.monotonic() - begin:.0f} s", file=sys.stderr)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def compare(before: Path, after: Path, lines: int = 12, parts: Sequence[str] = PARTS) -> list[str]:
    """What differs between two recordings in these parts, a text for each item; [] when they are equal."""
    for folder in (before, after):
        if not folder.is_dir():
            raise SystemExit(f"{folder} is not a recording: there is no such folder")
    one, two = (
        {file.relative_to(folder).as_posix(): file for part in parts for file in sorted((folder / part).glob("*.txt"))}
        for folder in (before, after)
    )
    found, seen = [], {}
    for name in sorted(one.keys() | two.keys()):
        if name not in two:
            found.append(f"{name}: only in {before}")
        elif name not in one:
            found.append(f"{name}: only in {after}")
        elif one[name].read_bytes() != two[name].read_bytes():
            texts = [file.read_text("utf-8").splitlines() for file in (one[name], two[name])]
            shown = _diff(*texts, lines)
            words = "\n".join(shown[1:])
            first = seen.setdefault(words, name)
            found.append(f"{name}: differs as {first}" if first != name else "\n".join([f"{name}: differs", *shown]))
    return found


def _diff(before: list[str], after: list[str], most: int) -> list[str]:
    """The first lines that differ, each cut to what is read at a glance."""
    start = next(
        (n for n, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after))
    )
    one, two = before[start:], after[start:]
    while one and two and one[-1] == two[-1]:
        one, two = one[:-1], two[:-1]
    if len(one) + len(two) > 4_000:  # a real comparison would take minutes
        one, two = one[:most], two[:most]
    changed = [
        line for line in difflib.unified_diff(one, two, lineterm="", n=0) if line[:3] not in ("---", "+++", "@@ ")
    ]
    shown = [f"    {line[:200]}" for line in changed[:most]]
    more = [f"    … {len(changed) - most:,} lines more"] if len(changed) > most else []
    return [f"  from line {start + 1:,}:", *shown, *more]


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make", help="record the code of the current folder")
    making.add_argument("out", type=Path)
    making.add_argument("--pack", type=Path, default=Path("data/demo"))
    making.add_argument("--few", action="store_true", help="a sample of what there is much of: for a large region")
    comparing = commands.add_parser("compare", help="list what differs between two recordings")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    comparing.add_argument("--lines", type=int, default=12, help="lines shown of each difference")
    for each in (making, comparing):
        each.add_argument("--only", default=",".join(PARTS), help="parts, separated by commas")
    given = parser.parse_args(words)
    parts = [part for part in given.only.split(",") if part]
    if unknown := set(parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if given.command == "compare":
        found = compare(given.before, given.after, given.lines, parts)
        print("\n".join([*found, f"{len(found):,} items differ."] if found else ["Nothing differs."]))
        return 1 if found else 0
    make(given.out.resolve(), given.pack, parts, whole=not given.few)
    return 0


def settle() -> None:
    """Begin anew with what would differ between runs set: the order of sets, and the time zone."""
    wanted = {"PYTHONHASHSEED": "0", "TZ": "UTC"}
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | wanted)  # noqa: S606  itself


if __name__ == "__main__":
    settle()
    raise SystemExit(main())
