"""Briefings measured: a starter of ten pages into every format, and the page of every ward as one PDF, each in a fresh process.

    python -m benchmarks.briefing_bench [--pack PACK] [--passes 5] [--skip-slow]

The clock of a process starts when the region is loaded and its store is filled, as in a server that has just started: nothing has been
worked out, no font has been read, no library of any format has been imported. Resolving the ten pages from their Markdown
(tokens, maps, charts) is measured apart from writing each format, and "every format" is all of it together. "Most memory" is the most that
the
whole process had, with the region, pandas and the map geometry in it; the first row says what of that there was before.

The demonstration region has as many areas and wards as the real North East (1,259 and 240), and is what is measured unless ``--pack``
names another.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "data" / "demo"
STARTER = "region-in-ten-numbers"
FORMATS = ("html", "pptx", "docx", "pdf")

TITLES = {
    "resolve": "Ten pages worked out from their Markdown",
    **{name: f"…and written as {name}" for name in FORMATS},
    "every": "Ten pages in every format, all together",
    "wards": "The page of every ward, one PDF",
}
AIMS = {"every": 8.0, "wards": 45.0}
"""Seconds on two cores."""


# ---------------------------------------------------------------- one measurement, in a process of its own


def measure(what: str, pack: Path) -> dict[str, float]:
    """Seconds, bytes and pages of one way, and the memory before and at most (MiB)."""
    from dashboard.published import Published
    from layers import load_region, open_store

    region = load_region(pack)
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/store.sqlite", region)
        published = Published(region, store, Path(folder))
        before, begin = most_memory(), time.perf_counter()
        found = wards(published) if what == "wards" else pages(published, what)
        found |= {
            "seconds": found.get("seconds", time.perf_counter() - begin),
            "before": before,
            "memory": most_memory(),
        }
        store.close()
    return found


def pages(published, what: str) -> dict[str, float]:
    from dashboard.briefings.files.formats import export_briefing
    from dashboard.briefings.filling.build import build_briefing
    from dashboard.briefings.writing.starters import starter_text
    from layers import read_briefing

    begin = time.perf_counter()
    text = starter_text(published, STARTER)
    briefing = build_briefing(published, read_briefing(text), briefing_id=STARTER)
    if what == "resolve":
        return {"pages": len(briefing.pages)}
    if what != "every":  # writing alone
        begin = time.perf_counter()
    made = {name: export_briefing(briefing, name) for name in (FORMATS if what == "every" else [what])}
    size = sum(map(len, made.values()))
    return {"seconds": time.perf_counter() - begin, "bytes": size, "pages": len(briefing.pages)}


def wards(published) -> dict[str, float]:
    from dashboard.briefings.files.wards import ward_pages_pdf
    from dashboard.briefings.ward.ward_answers import ward_pages
    from layers import PUBLIC

    made = ward_pages_pdf(ward_pages(published, PUBLIC))
    return {"bytes": len(made), "pages": len(published.region.codes("ward"))}


def most_memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# ---------------------------------------------------------------- all of them, and the table


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m benchmarks.briefing_bench", description="Measure briefings.")
    options.add_argument("--pack", type=Path, default=DEMO, help="region pack; default: the demonstration region")
    options.add_argument("--passes", type=int, default=5)
    options.add_argument("--skip-slow", action="store_true", help="leave the wards out")
    options.add_argument("--one", choices=TITLES, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.one:
        print(json.dumps(measure(chosen.one, chosen.pack)))
        return
    ways = [name for name in TITLES if not (chosen.skip_slow and name == "wards")]
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    for n in range(chosen.passes):
        for name in ways:
            print(f"pass {n + 1} of {chosen.passes}: {TITLES[name]}", file=sys.stderr, flush=True)
            runs[name].append(apart(name, chosen.pack))
    print(table(runs, chosen.pack.name))


def apart(what: str, pack: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.briefing_bench", "--one", what, "--pack", str(pack.resolve())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{TITLES[what]} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def table(runs: dict[str, list[dict[str, float]]], region: str) -> str:
    """Medians, with the least and the most in brackets."""
    before = statistics.median(run["before"] for each in runs.values() for run in each)
    rows = [
        ("", "seconds", "aim", "pages", "file, kB", "most memory, MiB"),
        (f"Before: {region} loaded", "", "", "", "", f"{before:,.0f}"),
    ]
    for name, each in runs.items():
        seconds = [run["seconds"] for run in each]
        size = each[0].get("bytes")
        rows.append(
            (
                TITLES[name],
                f"{statistics.median(seconds):.2f} ({min(seconds):.2f} to {max(seconds):.2f})",
                f"{AIMS[name]:g}" if name in AIMS else "",
                f"{each[0]['pages']:,.0f}",
                f"{size / 1000:,.0f}" if size else "",
                f"{statistics.median(run['memory'] for run in each):,.0f}",
            )
        )
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = ["Briefings", ""]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(wide) for cell, wide in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


if __name__ == "__main__":
    main()
