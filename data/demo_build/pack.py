"""Write the demonstration region as a region pack, and build its layers from the areas that stand in one.

The layers depend only on the written areas and on the postcodes, so :func:`build_layers` on a committed pack gives the
committed layers again; a test holds that.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import geopandas as gpd
import pandas as pd

from data.demo_build import context, places, vintage
from data.demo_build.indicators import build_indicators
from data.demo_build.services import build_services
from data.demo_build.shapes import Shapes, build_shapes, load_postcodes
from data.demo_build.surfaces import surfaces
from layers.build.catalogue import CATALOGUE, THEMES_FILE, read_themes
from layers.build.definition import read_definition
from layers.crossings import crossing_table
from layers.manifest import write_manifest
from layers.model import LEVELS, Package
from layers.reading.package import write_package
from layers.sources.geonames import CREDIT as PLACES_CREDIT

REAL_REGION = Path(__file__).parents[1] / "regions" / "north-east.toml"

NOTICE = (
    "Demonstration data: outlines follow real postcodes; areas, figures and services are made up. "
    "Do not use them for decisions."
)

ATTRIBUTION = (
    "Outlines made from the ONS Postcode Directory, licensed under the Open Government Licence v3.0.",
    "Contains OS data (c) Crown copyright and database right 2026.",
    "Contains Royal Mail data (c) Royal Mail copyright and database right 2026.",
    "Source: Office for National Statistics licensed under the Open Government Licence v3.0. "
    "Contains National Statistics data (c) Crown copyright and database right 2026.",
    "Coastline made with Natural Earth, public domain.",
    PLACES_CREDIT,
    "Figures, services and contacts: synthetic, made by data/make_demo.py, CC0 1.0.",
)

EMPTY_WARD = {
    "code": "DW900",
    "name": "Gateshead demo ward 90",
    "lad_code": "DA2",
    "reason": "No small area is best fitted to this ward: it is a new estate where nobody lived when the small areas "
    "were drawn.",
}


def build_pack(out: Path) -> None:
    """Write the whole pack into ``out``; what was there before goes, except briefings."""
    postcodes = load_postcodes()
    shapes = build_shapes(postcodes)
    for name in ("areas", "lookups", "layers", "context", "brand"):
        shutil.rmtree(out / name, ignore_errors=True)
    (out / "areas").mkdir(parents=True)
    (out / "lookups").mkdir()
    _write_areas(shapes, out / "areas")
    areas = read_areas(out)
    lookups = build_lookups(areas["lsoa"]) | {"postcode_districts": context.district_table(areas["lsoa"], postcodes)}
    for name, table in lookups.items():
        table.to_parquet(out / "lookups" / f"{name}.parquet", index=False, compression="zstd")
    context.write_context(out, areas)
    write_layers(out, postcodes)
    (out / "region.toml").write_text(definition(), "utf-8")
    write_manifest(out)


def write_layers(out: Path, postcodes: pd.DataFrame | None = None) -> None:
    """Write the layers of the pack ``out`` again from its areas."""
    shutil.rmtree(out / "layers", ignore_errors=True)
    for package in build_layers(out, load_postcodes() if postcodes is None else postcodes):
        folder = write_package(package, out / "layers" / package.descriptor.id)
        for file in folder.iterdir():
            file.chmod(0o644)
    write_manifest(out)


def read_areas(pack: Path) -> dict[str, gpd.GeoDataFrame]:
    return {level: gpd.read_parquet(pack / "areas" / f"{level}.parquet") for level in LEVELS}


def build_lookups(lsoa: gpd.GeoDataFrame) -> dict[str, pd.DataFrame]:
    lookup, old, _ = vintage.lookup(lsoa)
    return {
        "lsoa_2011": old,
        "lsoa_2011_2021": lookup,
        "rural_urban": vintage.rural_urban(lsoa),
        "wards_without_lsoa": pd.DataFrame([EMPTY_WARD]),
    }


def build_layers(pack: Path, postcodes: pd.DataFrame) -> list[Package]:
    """Every layer, from the areas in the folder ``pack`` and the postcodes of ``shapes.load_postcodes``."""
    areas = read_areas(pack)
    patterns = surfaces(areas["lsoa"])
    _, _, people = vintage.lookup(areas["lsoa"])
    ours = postcodes[postcodes["lad"].isin(places.ALL)]
    spots = ours[["x", "y"]].drop_duplicates().sort_values(["x", "y"]).to_numpy(dtype=float)
    return build_indicators(areas, patterns, people) + build_services(areas["lsoa"], patterns, spots)


def _write_areas(shapes: Shapes, folder: Path) -> None:
    for name in (*LEVELS, "context"):
        frame = getattr(shapes, name)
        frame.to_parquet(folder / f"{name}.parquet", index=False, compression="zstd", compression_level=19)


def definition() -> str:
    """``region.toml``. JSON strings and lists are TOML too, which is all the quoting that is needed."""

    def text(value) -> str:
        return json.dumps(value, ensure_ascii=False)

    lines = [
        "# Written by data/make_demo.py; change the script, not this file.",
        'id = "demonstration"',
        'name = "Demonstration region (North East shapes)"',
        f"description = {text('Made-up figures on areas shaped like the North East, to try Common Ground with')}",
        "demonstration = true",
        f"notice = {text(NOTICE)}",
        f"built = {text(places.BUILT)}",
        f"service_buffer_m = {places.SERVICE_BUFFER_M}",
        'lead_partner = "north-east-combined-authority"',
        "attribution = [",
        *(f"    {text(line)}," for line in ATTRIBUTION),
        "]",
        "",
        "[vintages]",
        "lsoa = 2021",
        "ward = 2024",
        "lad = 2024",
        *context.brand(),
    ]
    for number, (name, title, kind, footprint) in enumerate(places.PARTNERS, 1):
        lines += ["", "[[partners]]", f"id = {text(name)}", f"name = {text(title)}", f"kind = {text(kind)}"]
        lines.append(f"footprint = {text(list(footprint))}")
        lines.append(f"contact = {context.contact_of(number, name, kind)}")
    titles = {theme.id: theme.name for theme in read_themes(CATALOGUE / THEMES_FILE)}
    for name, question, lead in places.THEMES:
        lines += ["", "[[themes]]", f"id = {text(name)}", f"name = {text(titles[name])}"]
        lines += [f"question = {text(question)}", f"lead = {text(lead)}"]
    for crossing in read_definition(REAL_REGION).crossings:  # the same authorities, so the same rivers
        lines += ["", "[[crossings]]", *(f"{key} = {text(value)}" for key, value in crossing_table(crossing).items())]
    return "\n".join(lines) + "\n"
