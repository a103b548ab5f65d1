"""``python -m benchmarks``: the map in a browser, then the engine; all tables on standard output."""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys

from benchmarks import map_bench, report
from benchmarks.material import OPEN_DATA, ROOT

ENGINE = "benchmarks.analysis_bench"


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the map and the engine.")
    options.add_argument("what", nargs="?", choices=["all", "map", "engine"], default="all", help="default: all")
    map_bench.add_options(options)
    chosen = options.parse_args()
    if chosen.what in ("all", "map"):
        measured = map_bench.run(chosen)
        if chosen.json:
            chosen.json.write_text(json.dumps(measured, indent=1))
        print(report.markdown(measured) if chosen.markdown else report.text(measured), flush=True)
    if chosen.what in ("all", "engine") and importlib.util.find_spec(ENGINE):
        if not OPEN_DATA.exists():
            print("\nThe engine is measured on the official open data, which is not at ../shared/data: left out.")
            return
        command = [sys.executable, "-m", ENGINE, "--source", str(OPEN_DATA)]
        command += ["--passes", "2", "--skip-slow"] if chosen.quick else ["--passes", str(chosen.passes)]
        print(flush=True)
        # in a process of its own, so that nothing that the map's benchmark imported or left in memory counts
        raise SystemExit(subprocess.run(command, cwd=ROOT, check=False).returncode)


if __name__ == "__main__":
    main()
