"""``python -m benchmarks``: the map in a browser, then the engine, then publishing, then briefings; all tables on standard output."""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys

from benchmarks import map_bench, report
from benchmarks.material import OPEN_DATA, ROOT

ENGINE, PUBLISHING = "benchmarks.analysis_bench", "benchmarks.publish_bench"
BRIEFINGS = "benchmarks.briefing_bench"


def main() -> None:
    options = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure the map, the engine, publishing and briefings."
    )
    options.add_argument(
        "what", nargs="?", choices=["all", "map", "engine", "publish", "briefings"], default="all", help="default: all"
    )
    map_bench.add_options(options)
    chosen = options.parse_args()
    if chosen.what in ("all", "map"):
        measured = map_bench.run(chosen)
        if chosen.json:
            chosen.json.write_text(json.dumps(measured, indent=1))
        print(report.markdown(measured) if chosen.markdown else report.text(measured), flush=True)
    status = 0
    if chosen.what in ("all", "engine") and importlib.util.find_spec(ENGINE):
        status = apart(ENGINE, chosen, ["--source", str(OPEN_DATA)]) or status
    if chosen.what in ("all", "publish"):
        pack = ["--pack", str(chosen.england)] if chosen.england else []
        status = apart(PUBLISHING, chosen, pack, needs_data=not chosen.england) or status
    if chosen.what in ("all", "briefings"):
        status = apart(BRIEFINGS, chosen, [], needs_data=False) or status
    raise SystemExit(status)


def apart(module: str, chosen: argparse.Namespace, more: list[str], *, needs_data: bool = True) -> int:
    """Run a benchmark in a process of its own, so that nothing that another imported or left in memory counts."""
    if needs_data and not OPEN_DATA.exists():
        print(f"\n{module} is measured on the official open data, which is not at ../shared/data: left out.")
        return 0
    passes = ["--passes", "2", "--skip-slow"] if chosen.quick else ["--passes", str(chosen.passes)]
    print(flush=True)
    return subprocess.run([sys.executable, "-m", module, *more, *passes], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    main()
