"""A folder of official files small enough to check on paper, in the official layout, headers and code patterns.

The 16 squares of tests/tiny.py, renamed E01000001 to E01000016 (area i has 100 * i residents), in two authorities:

    y=3   13 14 | 15 16        wards   E05000003 | E05000004
    y=2   09 10 | 11 12                E05000003 | E05000004
    y=1   05 06 | 07 08                E05000001 | E05000002
    y=0   01 02 | 03 04                E05000001 | E05000002
          E08000021 Westshire | E08000022 Eastshire

* E01000017 with 1,700 residents is the 1 km row to the north, ward E05000005, authority E06000001 Northshire.
* Scotland's S12000001 lies 500 m beyond that, so there is a gap to close.
* Wards of 2022: E05000001 and E05000003 are as they were, but drawn 100 m off at their common border (y = 2.1 km);
  E05000002 too; E05000004 was E05009004 "Old East" in 2022; E05000009 "Tiny" is 200 m square in the south-west corner
  of Westshire, and no LSOA is best fitted to it.
* 2011: E01000003 and E01000004 were one area E01009001 (S); E01000005 was E01009002 and E01009003 (M); the rest U.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd
from shapely.geometry import LineString, box

from tests.tiny import SIDE, SOUTH, WEST

LSOA = [f"E01{i:06d}" for i in range(1, 18)]
LAD_NAMES = {"E08000021": "Westshire", "E08000022": "Eastshire", "E06000001": "Northshire"}
WARD_NAMES = {
    "E05000001": "South West",
    "E05000002": "South East",
    "E05000003": "North West",
    "E05000004": "North East",
    "E05000005": "Far North",
}

DEFINITION = """
id = "tiny"
name = "Tinyland"
lads = ["E08000021", "E08000022"]
service_buffer_m = 2000
lead_partner = "both"
[[partners]]
id = "both"
name = "Tinyland Combined Authority"
kind = "combined-authority"
footprint = "all"
[[partners]]
id = "west"
name = "Westshire Council"
kind = "council"
footprint = ["E08000021"]
[[partners]]
id = "police"
name = "Eastshire Police"
kind = "police"
footprint_from = {lookup = "police", code = "E23000002"}
"""


def _ground(x0: float, y0: float, x1: float, y1: float):
    """A box in km from the south-west corner of square 1."""
    return box(WEST + x0 * SIDE, SOUTH + y0 * SIDE, WEST + x1 * SIDE, SOUTH + y1 * SIDE)


def _outlines(path: Path, code: str, name: str, rows: list[tuple]) -> None:
    frame = gpd.GeoDataFrame(
        {code: [row[0] for row in rows], name: [row[1] for row in rows]},
        geometry=[row[2] for row in rows],
        crs="EPSG:27700",
    )
    frame.to_crs("EPSG:4326").to_parquet(path)


def ward_of(i: int) -> str:
    if i == 17:
        return "E05000005"
    x, y = (i - 1) % 4, (i - 1) // 4
    return f"E0500000{(1 if x < 2 else 2) + (2 if y >= 2 else 0)}"


def lad_of(i: int) -> str:
    return "E06000001" if i == 17 else "E08000021" if (i - 1) % 4 < 2 else "E08000022"


def write_tiny_official(folder: Path) -> Path:
    """Write the files below ``folder`` and return it."""
    for name in ("boundaries", "lookups", "indicators"):
        (folder / name).mkdir(parents=True)
    numbers = range(1, 18)
    squares = [_ground((i - 1) % 4, (i - 1) // 4, (i - 1) % 4 + 1, (i - 1) // 4 + 1) for i in range(1, 17)]
    squares.append(_ground(0, 4, 4, 5))
    names = [f"Square {i:02d}" for i in numbers]
    _outlines(
        folder / "boundaries/LSOA_2021_EW.parquet", "LSOA21CD", "LSOA21NM", [*zip(LSOA, names, squares, strict=True)]
    )
    _outlines(
        folder / "boundaries/WD_2022_UK.parquet",
        "WD22CD",
        "WD22NM",
        [
            ("E05000001", "South West", _ground(0, 0, 2, 2.1).difference(_ground(0, 0, 0.2, 0.2))),
            ("E05000002", "South East", _ground(2, 0, 4.3, 2)),
            ("E05000003", "North West", _ground(0, 2.1, 2, 4)),
            ("E05009004", "Old East", _ground(2, 2, 4, 4)),
            ("E05000009", "Tiny", _ground(0, 0, 0.2, 0.2)),
            ("S13000001", "Far Away", _ground(0, 5.5, 4, 8)),
        ],
    )
    _outlines(
        folder / "boundaries/LAD_2024_UK.parquet",
        "LAD24CD",
        "LAD24NM",
        [
            ("E08000021", "Westshire", _ground(0, 0, 2, 4)),
            ("E08000022", "Eastshire", _ground(2, 0, 4, 4)),
            ("E06000001", "Northshire", _ground(0, 4, 4, 5)),
            ("S12000001", "Borders", _ground(0, 5.5, 4, 8)),
        ],
    )
    wards, lads = [ward_of(i) for i in numbers], [lad_of(i) for i in numbers]
    pd.DataFrame(
        {
            "LSOA21CD": LSOA,
            "LSOA21NM": names,
            "WD24CD": wards,
            "WD24NM": [WARD_NAMES[code] for code in wards],
            "LAD24CD": lads,
            "LAD24NM": [LAD_NAMES[code] for code in lads],
        }
    ).to_csv(folder / "lookups/LSOA21_WD24_LAD24_EW_LU.csv.gz", index=False)
    changes = [(code, "U", code) for code in LSOA if code not in ("E01000003", "E01000004", "E01000005")]
    changes += [("E01009001", "S", "E01000003"), ("E01009001", "S", "E01000004")]
    changes += [("E01009002", "M", "E01000005"), ("E01009003", "M", "E01000005")]
    table = pd.DataFrame(changes, columns=["LSOA11CD", "CHGIND", "LSOA21CD"])
    table["LSOA11NM"], table["LSOA21NM"] = "Old " + table["LSOA11CD"], "Square"
    lad22 = dict(zip(LSOA, lads, strict=True))
    table["LAD22CD"] = table["LSOA21CD"].map(lad22).replace({"E06000001": "E07000026"})  # Northshire was recoded
    table["LAD22NM"] = "Somewhere"
    table.to_csv(folder / "lookups/LSOA11_LSOA21_LAD22_EW_LU.csv.gz", index=False)
    pd.DataFrame({"LSOA21CD": LSOA, "ICB24CD": "E54000001", "ICB24NM": "NHS Tinyland Integrated Care Board"}).to_csv(
        folder / "lookups/LSOA21_SICBL24_ICB24_EN_LU.csv.gz", index=False
    )
    police = {"E08000021": "E23000001", "E08000022": "E23000002", "E06000001": "E23000002"}
    rows = [(lad, f"E2200000{n}", police[lad], f"Force {police[lad][-1]}") for n, lad in enumerate(police)]
    rows.append(("E08000021", "E22000009", "E23000001", "Force 1"))  # two community safety partnerships, one force
    pd.DataFrame(rows, columns=["LAD24CD", "CSP24CD", "PFA24CD", "PFA24NM"]).to_csv(
        folder / "lookups/LAD24_CSP24_PFA24_EW_LU.csv", index=False
    )
    pd.DataFrame({"LAD24CD": [*LAD_NAMES], "FRA24CD": "E31000001", "FRA24NM": "Tinyland"}).to_csv(
        folder / "lookups/LAD24_FRA24_EW_LU.csv", index=False
    )
    pd.DataFrame({"LSOA21CD": LSOA, "RUC21NM": "Urban: near", "Urban_rural_flag": "Urban"}).to_csv(
        folder / "lookups/RUC21_LSOA21_EW.csv.gz", index=False
    )
    pd.DataFrame({"lsoa21_code": LSOA, "population": [100 * i for i in numbers], "lad_code": lads}).to_parquet(
        folder / "indicators/population_lsoa21.parquet"
    )
    return folder


def tiny_postcodes(lad_codes) -> pd.DataFrame:
    """Two postcodes in each of squares 1 to 15, none in 16, and one that lies in square 3 but belongs to Westshire."""
    rows = []
    for i in range(1, 16):
        left, low = WEST + (i - 1) % 4 * SIDE, SOUTH + (i - 1) // 4 * SIDE
        rows.append((f"T{i} 1AA", lad_of(i), left + 300.0, low + 400.0))
        rows.append((f"T{i} 1AB", lad_of(i), left + 500.0, low + 800.0))
    rows.append(("T99 9ZZ", "E08000021", WEST + 2_010.0, SOUTH + 500.0))
    table = pd.DataFrame(rows, columns=["postcode", "lad_code", "easting", "northing"])
    return table[table["lad_code"].isin(list(lad_codes))].reset_index(drop=True)


def write_tiny_context(folder: Path) -> Path:
    """Names, places and a railway line for the files of :func:`write_tiny_official`, which are optional.

    Squares 1 and 2 are of the MSOA "King's Quay", 3 of "Moor & Mill", 16 of one without a name, the rest of "Elsewhere". "Farton" lies
    60 km off.
    """
    (folder / "places").mkdir(parents=True)
    (folder / "lookups").mkdir(exist_ok=True)
    msoa = ["E02000001", "E02000001", "E02000002", *["E02000003"] * 12, "E02000009", "E02000003"]
    pd.DataFrame({"lsoa21_code": LSOA, "msoa21_code": msoa}).to_parquet(folder / "lookups/LSOA21_MSOA21_EW_LU.parquet")
    pd.DataFrame(
        {
            "msoa21_code": ["E02000001", "E02000002", "E02000003"],
            "msoa21_name": ["King's Quay", "Moor & Mill", "Elsewhere"],
        }
    ).to_parquet(folder / "places/MSOA21_names_HoC_EW.parquet")
    points = gpd.GeoSeries.from_xy(
        [WEST + 500, WEST + 3_500, WEST], [SOUTH + 500, SOUTH + 500, SOUTH + 60_000], crs="EPSG:27700"
    )
    degrees = points.to_crs("EPSG:4326")
    pd.DataFrame(
        {
            "name": ["Eastham", "Westport", "Farton"],
            "latitude": degrees.y,
            "longitude": degrees.x,
            "population": [500, 9_000, 100],
        }
    ).to_parquet(folder / "places/places_geonames_uk.parquet")
    line = LineString([(WEST, SOUTH + 500), (WEST + 90_000, SOUTH + 500)])
    gpd.GeoDataFrame({"kind": ["railway"]}, geometry=[line], crs="EPSG:27700").to_crs("EPSG:4326").to_parquet(
        folder / "places/rail_tiny.parquet"
    )
    return folder
