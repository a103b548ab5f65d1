"""A made-up region whose answers can be done on paper.

Sixteen square areas of 1 km, four rows (y) of four columns (x), in two authorities of two wards each:

    y=3   T13 T14 | T15 T16        wards   TW3 | TW4
    y=2   T09 T10 | T11 T12                TW3 | TW4
    y=1   T05 T06 | T07 T08                TW1 | TW2
    y=0   T01 T02 | T03 T04                TW1 | TW2
          west (TA)  east (TB)

West is authority TA "Westshire", east is TB "Eastshire". Area i (1 to 16) has 100 * i residents, so all have 13,600.
The south-west corner of T01 stands at easting 420,000, northing 560,000; points are the squares' centres.
"""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import pandas as pd
from shapely.geometry import box

WEST, SOUTH, SIDE = 420_000, 560_000, 1_000


def tiny_areas() -> dict[str, gpd.GeoDataFrame]:
    rows = []
    for i in range(1, 17):
        x, y = (i - 1) % 4, (i - 1) // 4
        lad = "TA" if x < 2 else "TB"
        ward = f"TW{(1 if x < 2 else 2) + (2 if y >= 2 else 0)}"
        left, low = WEST + x * SIDE, SOUTH + y * SIDE
        rows.append(
            {
                "code": f"T{i:02d}",
                "name": f"Square {i:02d}",
                "ward_code": ward,
                "lad_code": lad,
                "population": 100.0 * i,
                "centroid_x": left + SIDE / 2,
                "centroid_y": low + SIDE / 2,
                "note": "",
                "geometry": box(left, low, left + SIDE, low + SIDE),
            }
        )
    lsoa = gpd.GeoDataFrame(rows, crs="EPSG:27700")

    def up(by: str, names: dict[str, str], ward: bool) -> gpd.GeoDataFrame:
        out = []
        for code, part in lsoa.groupby(by, sort=True):
            people = part["population"].sum()
            out.append(
                {
                    "code": code,
                    "name": names[code],
                    "ward_code": code if ward else "",
                    "lad_code": part["lad_code"].iloc[0],
                    "population": people,
                    "centroid_x": (part["centroid_x"] * part["population"]).sum() / people,
                    "centroid_y": (part["centroid_y"] * part["population"]).sum() / people,
                    "note": "",
                    "geometry": part.geometry.union_all(),
                }
            )
        return gpd.GeoDataFrame(out, crs="EPSG:27700")

    wards = up("ward_code", {"TW1": "South West", "TW2": "South East", "TW3": "North West", "TW4": "North East"}, True)
    lads = up("lad_code", {"TA": "Westshire", "TB": "Eastshire"}, False)
    return {level: frame.to_crs("EPSG:4326") for level, frame in (("lsoa", lsoa), ("ward", wards), ("lad", lads))}


REGION_TOML = """
id = "tiny"
name = "Tinyland"
demonstration = true
built = "2026-01-01"
service_buffer_m = 2000
[vintages]
lsoa = 2021
ward = 2024
lad = 2024
[[partners]]
id = "westshire"
name = "Westshire Council"
kind = "council"
footprint = ["TA"]
[[partners]]
id = "eastshire"
name = "Eastshire Council"
kind = "council"
footprint = ["TB"]
[[partners]]
id = "icb"
name = "Tinyland Integrated Care Board"
kind = "icb"
footprint = ["TA", "TB"]
[[themes]]
id = "alcohol"
name = "Alcohol harm"
question = "Where does alcohol do most harm?"
lead = "harm"
[[themes]]
id = "housing"
name = "Housing"
question = "Where are homes poor?"
lead = "crowded"
"""


def _layer(path: Path, descriptor: dict, table: pd.DataFrame) -> None:
    folder = path / "layers" / descriptor["name"]
    folder.mkdir(parents=True)
    table.to_csv(folder / "data.csv", index=False)
    (folder / "datapackage.json").write_text(json.dumps(descriptor, indent=1), "utf-8")


def _descriptor(name: str, title: str, headers, **ours) -> dict:
    ours = {"audience": "public", "completeness": "register", "columns": {h: h for h in headers}} | ours
    if ours["kind"] == "services":
        ours = {"position": "address"} | ours
    return {
        "name": name,
        "title": title,
        "profile": "tabular-data-package",
        "licenses": [{"name": "OGL-UK-3.0"}],
        "sources": [{"title": "Made up for the tests"}],
        "resources": [{"name": "data", "path": "data.csv", "schema": {"fields": [{"name": h} for h in headers]}}],
        "commonground": ours,
    }


def write_tiny_pack(path: Path) -> Path:
    """Write the pack into the folder ``path`` and return it. Three indicators and one services layer.

    * ``harm`` (alcohol, rate per 1,000): numerator i for area i, denominator 100 * i: every value is 10.0, but T16 has 32
      events of 1,600 = 20.0 and T01 is missing.
    * ``crowded`` (housing, percentage): numerator i of 100 households: i %; T02 is suppressed.
    * ``poverty-rank`` (housing, rank): 17 - i.
    * ``clinics`` (alcohol, services): C1 in the centre of T01, C2 in the centre of T04; standard 1,000 m.
    """
    path = Path(path)
    (path / "areas").mkdir(parents=True)
    for level, frame in tiny_areas().items():
        frame.to_parquet(path / "areas" / f"{level}.parquet")
    (path / "region.toml").write_text(REGION_TOML, "utf-8")
    codes = [f"T{i:02d}" for i in range(1, 17)]
    number = list(range(1, 17))

    harm = pd.DataFrame({"area_code": codes, "numerator": number, "denominator": [100 * i for i in number]}).astype(
        object
    )
    harm.loc[15, "numerator"] = 32
    harm.loc[0, ["numerator", "denominator"]] = ""
    geography = {"level": "lsoa", "vintage": 2021}
    _layer(
        path,
        _descriptor(
            "harm",
            "Alcohol harm",
            list(harm.columns),
            kind="indicator",
            theme="alcohol",
            partner="icb",
            measure="rate",
            unit="per 1,000 residents",
            per=1000,
            direction="high-is-worse",
            geography=geography,
            period="2025",
            why_it_matters="Because it is a test.",
        ),
        harm,
    )
    crowded = pd.DataFrame({"area_code": codes, "numerator": number, "denominator": 100}).astype(object)
    crowded.loc[1, "numerator"] = "*"
    _layer(
        path,
        _descriptor(
            "crowded",
            "Crowded homes",
            list(crowded.columns),
            kind="indicator",
            theme=["housing", "alcohol"],
            partner="westshire",
            measure="percentage",
            unit="% of households",
            per=100,
            direction="high-is-worse",
            geography=geography,
            period="2021",
        ),
        crowded,
    )
    rank = pd.DataFrame({"area_code": codes, "value": [17 - i for i in number]})
    _layer(
        path,
        _descriptor(
            "poverty-rank",
            "Poverty rank",
            list(rank.columns),
            kind="indicator",
            theme="housing",
            partner="icb",
            measure="rank",
            unit="rank (1 is worst)",
            direction="low-is-worse",
            geography=geography,
            period="2025",
        ),
        rank,
    )
    clinics = pd.DataFrame(
        {
            "service_id": ["C1", "C2"],
            "name": ["West clinic", "East clinic"],
            "category": "clinic",
            "easting": [WEST + 500, WEST + 3_500],
            "northing": [SOUTH + 500, SOUTH + 500],
        }
    )
    _layer(
        path,
        _descriptor(
            "clinics",
            "Alcohol clinics",
            list(clinics.columns),
            kind="services",
            theme="alcohol",
            partner="icb",
            access_standard={"metric": "nearest", "max_m": 1000},
        ),
        clinics,
    )
    return path
