"""What the browser benchmarks are run on: region packs, and the same outlines and values as plain files for the rivals.

Everything lands in ``var/bench/`` and is kept there between runs. Real open data is used where it lies beside the project;
without it there is only the demonstration region, and the report says so.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely

from dashboard.drawing.palette import ramp
from layers import PUBLIC, build_region, load_region, open_store

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "var" / "bench"
OPEN_DATA = ROOT.parent / "shared" / "data"
DEMO = ROOT / "data" / "demo"

LAYERS = ("income-deprivation-2025", "health-score-2025", "crime-score-2025")
"""Layers of the packs that are built here; the first two are switched between."""
MAP = (710, 711)
"""Size of the map in the explore page in a window of 1366 x 768; the rivals' maps get the same."""


@dataclass(frozen=True)
class Ground:
    """One region to measure on. ``material`` is the rivals' folder, ``home`` ours (store, packed outlines)."""

    id: str
    name: str
    areas: int
    pack: Path
    home: Path
    material: Path
    indicators: dict[str, str]  # id -> title
    demo: bool = False


def grounds(given: dict[str, Path], only: tuple[str, ...], say) -> list[Ground]:
    """The regions: packs handed over, else built from the open data, else the demonstration region alone."""
    found = []
    for name in only:
        if name == "demo":
            continue
        if name in given:
            found.append(prepare(given[name], say))
        elif (OPEN_DATA / "SOURCES.md").exists():
            found.append(prepare(built(name, say), say))
    return found or [prepare(DEMO, say, demo=True)]


def built(name: str, say) -> Path:
    """The pack of a definition with three layers, built unless it is there."""
    pack = KEPT / "packs" / name
    if not (pack / "region.toml").exists():
        say(f"Building the region pack {name}; it is kept in var/bench")
        build_region(ROOT / "data" / "regions" / f"{name}.toml", OPEN_DATA, pack, only_layers=LAYERS)
    return pack


def prepare(pack: Path, say, *, demo: bool = False) -> Ground:
    """Fill the store of a pack and write the rivals' files, unless a run before did."""
    pack = pack.resolve()
    region = load_region(pack)
    mark = _mark(pack)
    home = KEPT / f"home-{region.id}-{mark}"
    folder = KEPT / f"material-{region.id}-{mark}"
    home.mkdir(parents=True, exist_ok=True)
    about = folder / "material.json"
    if not about.exists():
        say(f"Filling the store of {region.name} and writing the rivals' files")
        store = open_store(f"sqlite:///{home / f'store-{pack.name}.sqlite'}", region)
        write_material(region, store, folder)
    titles = {name: each["title"] for name, each in json.loads(about.read_text())["indicators"].items()}
    return Ground(region.id, region.name, len(region.areas["lsoa"]), pack, home, folder, titles, demo)


def _mark(pack: Path) -> str:
    """Changes when the pack was built anew or the store is laid out anew, so that nothing outdated is used."""
    layout = b"".join(
        (ROOT / "layers" / "store" / f"{name}.py").read_bytes() for name in ("tables", "migrations", "store")
    )
    built = (pack / "region.toml").stat().st_mtime_ns
    return hashlib.sha256(layout + f"{pack} {built}".encode()).hexdigest()[:12]


def write_material(region, store, folder: Path) -> None:
    """``areas.geojson`` and ``material.json``: outlines, two indicators, their classes, the colours, the first view."""
    folder.mkdir(parents=True, exist_ok=True)
    areas = region.areas["lsoa"]
    # the precision that our packed outlines have; outer rings clockwise, as plotly wants them
    shapes = shapely.orient_polygons(shapely.set_precision(areas.geometry.to_numpy(), 1e-5), exterior_cw=True)
    features = [
        {"type": "Feature", "id": code, "properties": {"code": code, "name": name}, "geometry": rounded(shape)}
        for code, name, shape in zip(areas["code"], areas["name"], shapes, strict=True)
    ]
    palette = list(ramp("need", 5))
    indicators = {}
    for layer in chosen(store):
        frame = store.values(layer.id, "lsoa", PUBLIC, period=layer.periods[-1] if layer.periods else None).frame
        value = frame["value"].to_numpy(dtype="float64")
        breaks = np.nanquantile(value, [0.2, 0.4, 0.6, 0.8])
        classes = np.searchsorted(breaks, value)
        known = np.isfinite(value)
        indicators[layer.id] = {
            "title": layer.title,
            "values": [float(v) if ok else None for v, ok in zip(value, known, strict=True)],
            "classes": [int(k) if ok else None for k, ok in zip(classes, known, strict=True)],
            "breaks": [float(b) for b in breaks],
        }
    (folder / "areas.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": features}, separators=(",", ":"))
    )
    about = {"palette": palette, "indicators": indicators, "view": view(areas.total_bounds)}
    aside = folder / f"material.{os.getpid()}"
    aside.write_text(json.dumps(about))
    aside.replace(folder / "material.json")


def chosen(store) -> list:
    """Two indicators with LSOA figures: income and health where the pack has them."""
    layers = [layer for layer in store.layers(PUBLIC, kind="indicator") if "lsoa" in layer.levels]
    order = {name: k for k, name in enumerate(LAYERS)}
    return sorted(layers, key=lambda layer: order.get(layer.id, len(order)))[:2]


def rounded(shape) -> dict:
    """A shape as GeoJSON with five decimals."""

    def cut(numbers):
        return [round(n, 5) for n in numbers] if isinstance(numbers[0], float) else [cut(part) for part in numbers]

    document = shapely.geometry.mapping(shape)
    return {"type": document["type"], "coordinates": cut([*document["coordinates"]])}


def view(bounds) -> dict:
    """Centre and zoom that show the whole region in the rivals' Leaflet maps, in quarter steps as ours."""
    west, south, east, north = map(float, bounds)
    middle = math.radians((south + north) / 2)
    wide = math.log2((MAP[0] - 32) / 256 * 360 / (east - west))
    high = math.log2((MAP[1] - 32) / 256 * 360 * math.cos(middle) / (north - south))
    zoom = math.floor(min(wide, high) * 4) / 4
    return {"center": [(south + north) / 2, (west + east) / 2], "zoom": zoom, "zoomSnap": 0.25}
