"""A folder of official files in small, and what a layer builder knows about their region. Used by the catalogue's tests.

England is four small areas of 2021 in two authorities; the region is the first authority.

    code        authority  residents  raw  rate   people  homes rented / all
    E01000001   E08000021  1000       10   0.10   100     20 / 100
    E01000002   E08000021  2000       20   0.25   500     30 / 100
    E01000003   E08000021  1000       30   0.02   blank   0 / 50
    E01000004   E09000001  4000       40   0.50   2000    200 / 400

E08000021 is policed by Northumbria, E09000001 by the Metropolitan Police, which is not in the crime file.
The 2011 areas are E01000001, E01000002 and E01000009.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry import Polygon, box

REAL = Path(__file__).parents[2] / "../shared/data"
CATALOGUE = Path(__file__).parents[2] / "data/catalogue"
NORTH_EAST = ["E06000047", "E06000057", "E08000021", "E08000022", "E08000023", "E08000024", "E08000037"]
ONE, TWO, THREE, FOUR = (f"E0100000{n}" for n in range(1, 5))


@dataclass
class TinyGeography:
    areas: dict
    lookups: dict
    lad_codes: list
    england: pd.DataFrame
    buffer: Polygon | None
    partners: dict = field(default_factory=lambda: {"icb": "the-icb", "police": "northumbria-police"})

    def partner_of_kind(self, kind: str) -> str:
        return self.partners.get(kind, "the-authority")


def geography() -> TinyGeography:
    england = pd.DataFrame(
        {
            "code": [ONE, TWO, THREE, FOUR],
            "ward_code": ["W1", "W1", "W2", "W3"],
            "lad_code": ["E08000021"] * 3 + ["E09000001"],
            "population": [1000.0, 2000.0, 1000.0, 4000.0],
        }
    )
    old = pd.DataFrame({"code": [ONE, TWO, "E01000009"], "name": ["one", "two", "nine"]})
    return TinyGeography(
        areas={"lsoa": england.iloc[:3]},
        lookups={"lsoa_2011": old},
        lad_codes=["E08000021"],
        england=england,
        buffer=box(400_000, 550_000, 430_000, 580_000),  # Tyneside and around, EPSG:27700
    )


def write_official(folder: Path) -> Path:
    """The official files in small, below ``folder``; returns it."""
    for name in ("indicators", "services", "lookups", "boundaries"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    codes = [ONE, TWO, THREE, FOUR]
    scores = pd.DataFrame(
        {
            "area": codes,
            "score": [10.0, 20.0, 30.0, 40.0],
            "rate": [0.10, 0.25, 0.02, 0.50],
            "per authority": [1.5, 1.5, 1.5, 2.5],
        }
    )
    scores.to_parquet(folder / "indicators/scores.parquet")
    people = pd.DataFrame({"area": codes, "people": [100.0, 500.0, np.nan, 2000.0]})
    people.to_parquet(folder / "indicators/people.parquet")
    homes = pd.DataFrame(
        {"area": codes, "council": [15, 30, 0, 100], "other": [5, 0, 0, 100], "all": [100, 100, 50, 400]}
    )
    homes.astype({"all": "Int64"}).to_parquet(folder / "indicators/homes.parquet")
    pd.DataFrame({"area": codes, "residents": [1000, 2000, 1000, 4000]}).to_parquet(
        folder / "indicators/residents.parquet"
    )
    ranks = pd.DataFrame({"area": [ONE, TWO, "E01000009", "E01000008"], "rank": [3, 1, 2, 4]})
    ranks.to_parquet(folder / "indicators/ranks_2011.parquet")
    crime = pd.DataFrame(
        [
            (ONE, "E08000021", "2024-01", "Drugs", 3, "Northumbria Police"),
            (ONE, "E08000021", "2024-02", "Drugs", 1, "Northumbria Police"),
            (ONE, "E08000021", "2024-01", "Burglary", 7, "Northumbria Police"),
            (TWO, "E08000021", "2024-02", "Drugs", 4, "Northumbria Police"),
            (TWO, "E08000021", "2024-02", "Drugs", 2, "British Transport Police"),
            (FOUR, "E09000001", "2024-01", "Drugs", 9, "British Transport Police"),
            ("W01000001", "W06000001", "2024-01", "Drugs", 5, "Gwent Police"),
        ],
        columns=["lsoa21_code", "lad_code", "month", "crime_type", "count", "police_force"],
    )
    crime.to_parquet(folder / "indicators/crime.parquet")
    forces = pd.DataFrame(
        {
            "LAD24CD": ["E08000021", "E09000001", "E09000001"],
            "CSP24NM": ["a", "b", "c"],
            "PFA24NM": ["Northumbria", "Metropolitan Police", "Metropolitan Police"],
        }
    )
    forces.to_csv(folder / "lookups/forces.csv", index=False)
    sites = pd.DataFrame(
        {
            "org_code": ["B2", "A1", "C3", "D4"],
            "name": ["QUAYSIDE SURGERY", "THE NHS CENTRE OF TYNE", "FAR SURGERY", "LOST SURGERY"],
            "address": ["1 HIGH STREET,NEWCASTLE UPON TYNE"] * 4,
            "postcode": ["NE1 1AA", "ne1 1ab ", "SW1 1AA", "NE1 1AC"],
            "lad_code": ["E08000021", "E08000021", "E09000001", None],
            "easting": [425_000.0, 425_500.0, 530_000.0, np.nan],
            "northing": [564_000.0, 564_500.0, 180_000.0, np.nan],
            "longitude": [-1.61, -1.60, -0.13, np.nan],
            "latitude": [54.97, 54.975, 51.5, np.nan],
            "subtype": ["Pharmacy", "Pharmacy", "Pharmacy", "Contractor"],
        }
    )
    sites.to_parquet(folder / "services/sites.parquet")
    trusts = pd.DataFrame(
        {
            "name": ["CAMHS TEAM | THE QUAYSIDE HOSPITAL - WARD 3 | QUAYSIDE HOSPITAL", "LIBRARY CLINIC"],
            "postcode": ["NE1 2AA", "NE1 2AB"],
            "lad_code": ["E08000021"] * 2,
            "longitude": [-1.61, -1.61],
            "latitude": [54.97, 54.97],
        }
    )
    trusts.to_parquet(folder / "services/trusts.parquet")
    pubs = pd.DataFrame(
        {
            "slug": ["crown", "anchor", "border", "scot"],
            "name": ["The Crown", "The Anchor", "Border Inn", "The Thistle"],
            "lad_code": ["E08000021"] * 3 + ["S12000001"],
            "longitude": [-1.615, -1.605, -1.610, -3.0],
            "latitude": [54.975, 54.975, 54.975, 56.0],
        }
    )
    pubs.to_parquet(folder / "services/pubs.parquet")
    # Two neighbours that meet at longitude -1.61, and two far away.
    outlines = gpd.GeoDataFrame(
        {"LSOA21CD": [ONE, TWO, THREE, FOUR, "W01000001"]},
        geometry=[
            box(-1.62, 54.97, -1.61, 54.98),
            box(-1.61, 54.97, -1.60, 54.98),
            box(-1.50, 54.97, -1.49, 54.98),
            box(-0.20, 51.50, -0.10, 51.60),
            box(-3.20, 51.50, -3.10, 51.60),
        ],
        crs="EPSG:4326",
    )
    outlines.to_parquet(folder / "boundaries/outlines.parquet")
    return folder


def real_geography(lads: list[str] | None = None) -> TinyGeography:
    """The real region of some authorities, from the official look-ups, without a buffer outline."""
    people = pd.read_parquet(REAL / "indicators/population_lsoa21.parquet").set_index("lsoa21_code")["population"]
    fit = pd.read_csv(REAL / "lookups/LSOA21_WD24_LAD24_EW_LU.csv.gz")
    fit = fit[fit["LSOA21CD"].str.startswith("E")].sort_values("LSOA21CD")
    england = pd.DataFrame(
        {
            "code": fit["LSOA21CD"].to_numpy(),
            "ward_code": fit["WD24CD"].to_numpy(),
            "lad_code": fit["LAD24CD"].to_numpy(),
            "population": people.reindex(fit["LSOA21CD"]).to_numpy(),
        }
    )
    lads = lads or sorted(england["lad_code"].unique())
    region = england[england["lad_code"].isin(lads)].reset_index(drop=True)
    change = pd.read_csv(REAL / "lookups/LSOA11_LSOA21_LAD22_EW_LU.csv.gz")
    change = change[change["LSOA21CD"].isin(region["code"])]
    old = change[["LSOA11CD", "LSOA11NM"]].drop_duplicates().set_axis(["code", "name"], axis=1).sort_values("code")
    return TinyGeography({"lsoa": region}, {"lsoa_2011": old}, lads, england, box(370_000, 500_000, 460_000, 670_000))
