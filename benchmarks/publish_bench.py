"""Publishing measured: a file as an analyst has it, from its first byte to a published version, in a fresh process each time.

    python -m benchmarks.publish_bench [--passes 5] [--skip-slow]

Two files are made once, seeded, in ``var/bench``: an indicator (numerator and denominator) for every LSOA of England, and
10,000 services with nothing but postcodes from all over Great Britain. Each pass runs every way in turn, each in a process
of its own on one core; shown are the median, the least and the most, and the most memory that the process had.

Ours reads, validates, harmonises to wards and authorities, works out intervals, and publishes into a new SQLite store. The
ways beside it are what people write instead, and do less: they join and add up, but check nothing, keep no versions and
write no store. ``--pack`` takes an England pack that is there already; the map's benchmark leaves one in ``var/bench``.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "var" / "bench"
SERVICES = 10_000
LETTERS = "ABCDEFGHIKLMNOPRSTUWY"  # of postcodes with places on the National Grid

INDICATOR = {
    "name": "bench-indicator", "title": "Benchmark", "themes": ["housing"], "kind": "indicator", "measure": "percentage",
    "per": 100, "unit": "% of households", "direction": "high-is-worse", "period": "2024", "level": "lsoa", "vintage": 2021,
    "columns": {"area_code": "LSOA code", "numerator": "People", "denominator": "Households"},
}  # fmt: skip
SITES = {"name": "bench-services", "title": "Benchmark", "themes": ["housing"], "kind": "services"}


# ---------------------------------------------------------------- what is published


def make_files(pack: Path) -> dict[str, Path]:
    KEPT.mkdir(parents=True, exist_ok=True)
    files = {"indicator": KEPT / "publish-indicator.csv", "services": KEPT / "publish-services.csv"}
    random = np.random.default_rng(1)
    if not files["indicator"].exists():
        codes = pd.read_parquet(pack / "areas" / "lsoa.parquet", columns=["code"])["code"]
        homes = random.integers(500, 1_500, len(codes))
        columns = {"LSOA code": codes, "People": random.binomial(homes, 0.12), "Households": homes}
        pd.DataFrame(columns).to_csv(files["indicator"], index=False)
    if not files["services"].exists():
        known = pd.concat([postcodes_of(letter) for letter in LETTERS])["pcd"].to_numpy(dtype=object)
        picked = known[random.choice(len(known), SERVICES, replace=False)]
        names = [f"Service {n}" for n in range(SERVICES)]
        columns = {"service_id": [f"S{n}" for n in range(SERVICES)], "name": names, "postcode": picked}
        pd.DataFrame(columns).to_csv(files["services"], index=False)
    return files


def postcodes_of(letter: str) -> pd.DataFrame:
    """The postcode package's own frame of one first letter, as it is given to whoever uses it; empty where there is none."""
    from layers.geography.postcodes import postcode_folder

    file = postcode_folder() / f"postcodes_{letter}.msgpack.br"
    if not file.is_file():
        return pd.DataFrame(columns=["pcd", "oseast1m", "osnrth1m", "laua"])
    import brotli
    import msgpack

    data = msgpack.unpackb(brotli.decompress(file.read_bytes()), raw=False)["data"]
    frame = pd.DataFrame({name: data[name] for name in ("pcd", "oseast1m", "osnrth1m", "laua")})
    return frame[frame["oseast1m"].notna() & (frame["oseast1m"] > 0)]


# ---------------------------------------------------------------- the ways, each in a process of its own


def ours(pack: Path, file: Path, what: str) -> dict[str, float]:
    from layers import SYSTEM, inspect_upload, load_region, open_store

    region = load_region(pack)
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/store.sqlite", region, fill=False)
        begin, worked = time.perf_counter(), time.process_time()
        said = (INDICATOR if what == "indicator" else SITES) | {
            "partner": region.partners[0].id if region.partners else ""
        }
        report = inspect_upload(file, region, hints=said)
        if not report.ok:
            raise SystemExit("\n".join(map(str, report.errors)))
        checked = time.perf_counter()
        store.publish(report.package, by=SYSTEM)
        done, worked = time.perf_counter(), time.process_time() - worked
        store.close()
    return {"s": done - begin, "validate_s": checked - begin, "cpu_s": worked, "rows": len(report.package.table)}


def by_hand(pack: Path, file: Path, what: str) -> dict[str, float]:
    """What a notebook does: a join on the code, sums for wards and authorities, three files. Nothing is looked at."""
    import geopandas as gpd

    areas = gpd.read_parquet(pack / "areas" / "lsoa.parquet")
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        table = pd.read_csv(file)
        joined = areas.merge(table, left_on="code", right_on="LSOA code", how="left", validate="one_to_one")
        for level, by in (("ward", "ward_code"), ("lad", "lad_code")):
            sums = joined.groupby(by)[["People", "Households"]].sum()
            sums.assign(value=100 * sums["People"] / sums["Households"]).to_parquet(Path(folder) / f"{level}.parquet")
        joined["value"] = 100 * joined["People"] / joined["Households"]
        joined.drop(columns="geometry").to_parquet(Path(folder) / "lsoa.parquet")
        return {"s": time.perf_counter() - begin, "rows": len(table)}


def geojson_by_hand(pack: Path, file: Path, what: str) -> dict[str, float]:
    """As most dashboards are fed: the joined outlines written as one GeoJSON file."""
    import geopandas as gpd

    areas = gpd.read_parquet(pack / "areas" / "lsoa.parquet")
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        joined = areas.merge(pd.read_csv(file), left_on="code", right_on="LSOA code", how="left")
        joined["value"] = 100 * joined["People"] / joined["Households"]
        joined.to_file(Path(folder) / "layer.geojson", driver="GeoJSON")
        return {"s": time.perf_counter() - begin, "rows": len(joined)}


def joined_postcodes(pack: Path, file: Path, what: str) -> dict[str, float]:
    """The postcode package's frames of every letter in the file, put together, and one pandas merge; then a point in polygon."""
    import geopandas as gpd

    areas = gpd.read_parquet(pack / "areas" / "lad.parquet").to_crs("EPSG:27700")
    begin = time.perf_counter()
    table = pd.read_csv(file)
    key = table["postcode"].str.replace(" ", "")
    known = pd.concat([postcodes_of(letter) for letter in sorted(set(key.str[0]))])
    known["key"] = known["pcd"].str.replace(" ", "")
    found = table.assign(key=key).merge(known.drop_duplicates("key"), on="key", how="left")
    points = gpd.GeoDataFrame(found, geometry=gpd.points_from_xy(found["oseast1m"], found["osnrth1m"]), crs=27700)
    gpd.sjoin(points, areas[["code", "geometry"]], how="left")
    return {"s": time.perf_counter() - begin, "rows": len(found)}


def row_by_row(pack: Path, file: Path, what: str) -> dict[str, float]:
    """A look-up a row in the same frames, as scripts are first written: 500 rows, and the time for 10,000 worked out."""
    begin = time.perf_counter()
    table = pd.read_csv(file)
    frames = {letter: postcodes_of(letter) for letter in sorted(set(table["postcode"].str[0]))}
    loaded = time.perf_counter()
    some = table["postcode"].head(500)
    for postcode in some:
        frame = frames[postcode[0]]
        frame[frame["pcd"] == postcode].iloc[0]
    each = (time.perf_counter() - loaded) / len(some)
    return {"s": loaded - begin + each * len(table), "rows": len(table)}


WAYS = {
    # key: (what is published, title, function, limits (seconds, MiB))
    "indicator": ("indicator", "Common Ground: read, validate, harmonise, publish", ours, (4.0, 500)),
    "by-hand": ("indicator", "pandas: join, add up, write Parquet (no checks)", by_hand, None),
    "geojson": ("indicator", "geopandas: join, write one GeoJSON (no checks)", geojson_by_hand, None),
    "services": ("services", "Common Ground: read, geocode, validate, publish", ours, (5.0, None)),
    "merge": ("services", "pandas: merge with the postcode frames (no checks)", joined_postcodes, None),
    "rows": ("services", "pandas: a look-up a row, worked out from 500", row_by_row, None),
}
SLOW = ("geojson", "rows")


def measure(key: str, pack: Path, file: Path) -> dict[str, float]:
    """One way in a fresh process on one core: what it says, and the most memory it had, MiB."""
    command = [sys.executable, "-m", "benchmarks.publish_bench", "--one", key, "--pack", str(pack), "--file", str(file)]
    one_core = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ARROW_NUM_THREADS"), "1")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | one_core, check=False)
    if done.returncode:
        raise SystemExit(f"{key} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def peak_mib() -> float:
    """Most memory that this process has had. Linux's own count: that of getrusage begins with what the parent had."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(text.split()[1]) / 1024 for text in status.read_text().splitlines() if text.startswith("VmHWM"))
    try:
        import resource
    except ImportError:
        return float("nan")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 2**20)


def run_one(key: str, pack: Path, file: Path) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    told = WAYS[key][2](pack, file, WAYS[key][0])
    told["mib"] = peak_mib()
    print(json.dumps(told))


# ---------------------------------------------------------------- the table


def line(title: str, runs: list[dict[str, float]], limits, ratio: float | None) -> str:
    seconds, memory = [run["s"] for run in runs], max(run["mib"] for run in runs)
    middle = statistics.median(seconds)
    told = [] if ratio is None else [f"{ratio:.2f} x ours"]
    if limits:
        most_s, most_mib = limits
        told.append(f"target {most_s:g} s: {'met' if middle <= most_s else 'MISSED'}")
        if most_mib:
            told.append(f"{most_mib} MiB: {'met' if memory <= most_mib else 'MISSED'}")
    if "validate_s" in runs[0]:
        told.append(f"of it validating {statistics.median(run['validate_s'] for run in runs):.2f} s")
        told.append(f"processor time {statistics.median(run['cpu_s'] for run in runs):.2f} s")
    spread = f"{middle:6.2f} ({min(seconds):.2f}-{max(seconds):.2f}, {len(runs)})"
    return f"| {title:<52} | {spread:<24} | {memory:6.0f} | {'; '.join(told)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pack", type=Path, help="a region pack of England; built from ../shared/data where left out")
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--skip-slow", action="store_true", help="leave out the two slowest of the other ways")
    parser.add_argument("--one", choices=list(WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        run_one(options.one, options.pack, options.file)
        return
    pack = options.pack
    if pack is None:
        from benchmarks.material import OPEN_DATA, built

        if not (OPEN_DATA / "SOURCES.md").exists():
            sys.exit(
                "publishing is measured on the boundaries of England, which are not at ../shared/data; or give --pack"
            )
        pack = built("england", print)
    files = make_files(pack)
    ways = {key: way for key, way in WAYS.items() if not (options.skip_slow and key in SLOW)}
    runs: dict[str, list[dict[str, float]]] = {key: [] for key in ways}
    for _ in range(options.passes):
        for key, (what, *_) in ways.items():
            runs[key].append(measure(key, pack, files[what]))
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > (os.cpu_count() or 1):
        print(
            f"\nOthers were at work (load {os.getloadavg()[0]:.1f}): seconds count their turns too, processor time does not."
        )
    for what, rows in (("indicator", "LSOAs of England"), ("services", "services with postcodes only")):
        count = runs["indicator" if what == "indicator" else "services"][0]["rows"]
        given = len(pd.read_csv(files[what], usecols=[0]))
        print(f"\nPublishing {given:,} {rows} ({count:,.0f} kept), one core, a fresh process each")
        print(f"| {'way':<52} | {'median s (least-most, n)':<24} | {'MiB':>6} |")
        mine = statistics.median(run["s"] for run in runs[what])
        for key, (of, title, _, limits) in ways.items():
            if of == what:
                ratio = None if limits else statistics.median(run["s"] for run in runs[key]) / mine
                print(line(title, runs[key], limits, ratio), flush=True)


if __name__ == "__main__":
    main()
