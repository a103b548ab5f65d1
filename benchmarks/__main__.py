"""``python -m benchmarks``: the map in a browser, then the engine; all tables on standard output."""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys

from benchmarks import map_bench, report

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
        # in a process of its own, so that nothing the map's benchmark imported or left in memory counts
        print(flush=True)
        raise SystemExit(subprocess.run([sys.executable, "-m", ENGINE], check=False).returncode)


if __name__ == "__main__":
    main()
