"""Names, places and lines in a built pack: there when the files are, left out with a line when not."""

import pandas as pd
import pytest

from layers.build.context import districts
from layers.build.region_pack import build_region
from layers.model import Contact, Refused
from layers.region import load_region
from layers.sources import ons
from tests.tiny_official import DEFINITION, tiny_postcodes, write_tiny_context, write_tiny_official


@pytest.fixture(autouse=True)
def small_postcodes(monkeypatch):
    monkeypatch.setattr(ons, "postcode_points", tiny_postcodes)


@pytest.fixture
def source(tmp_path):
    return write_tiny_context(write_tiny_official(tmp_path / "official"))


def built(tmp_path, source, more: str = "", contact: str = ""):
    text = DEFINITION.replace('kind = "combined-authority"', f'kind = "combined-authority"\n{contact}').replace(
        'lead_partner = "both"', f'lead_partner = "both"\n{more}'
    )
    (tmp_path / "tiny.toml").write_text(text, "utf-8")
    report = build_region(tmp_path / "tiny.toml", source, tmp_path / "pack", built="2026-01-01", only_layers=[])
    return report, load_region(tmp_path / "pack")


def test_names_places_lines_and_their_credits(tmp_path, source):
    report, region = built(tmp_path, source)
    lsoa = region.areas["lsoa"]
    assert lsoa["name"].tolist()[:3] == ["King's Quay A", "King's Quay B", "Moor & Mill"]
    assert lsoa["official_name"].tolist()[:3] == ["Square 01", "Square 02", "Square 03"]
    assert lsoa["name"].iat[15] == "Square 16" and lsoa["name"].is_unique
    assert region.places["name"].tolist() == ["Westport", "Eastham"]  # not the one 60 km off
    west, _, east, _ = region.lines.to_crs("EPSG:27700").total_bounds
    assert east - west < 21_000  # the region is 4 km wide, and 15 km around it count
    assert sum("Parliament" in line or "GeoNames" in line or "Raileasy" in line for line in region.attribution) == 3
    assert report.warnings == ()


def test_without_the_files_it_is_still_a_region_and_the_report_says_so(tmp_path):
    report, region = built(tmp_path, write_tiny_official(tmp_path / "official"))
    assert region.areas["lsoa"]["name"].tolist()[0] == "Square 01" and region.places is None and region.lines is None
    assert len(report.warnings) == 2 and "no everyday names of small areas" in report.warnings[0]
    assert not any("GeoNames" in line for line in region.attribution)


def test_a_broken_file_is_left_out_with_a_line(tmp_path, source):
    (source / "places/places_geonames_uk.parquet").write_bytes(b"PAR1 cut short")
    report, region = built(tmp_path, source)
    assert region.places is None and region.lines is not None
    assert len(report.warnings) == 1 and "places_geonames_uk.parquet" in report.warnings[0]


def test_contacts_brand_and_groups_of_the_definition(tmp_path, source):
    (tmp_path / "our logo.PNG").write_bytes(b"\x89PNG")
    (tmp_path / "pcn.csv").write_text("code,group\nE01000001,Quayside\nE01000002,Quayside\n", "utf-8")
    more = '[brand]\nname = "Tiny \\"Partnership\\""\nlogo = "our logo.PNG"\ncontact = {role = "Office"}\n'
    more += '[[groups]]\nname = "Networks"\nfile = "pcn.csv"'
    _, region = built(tmp_path, source, more, 'contact = {role = "Desk, out of hours", email = "a@example.org"}')
    assert region.left_out == ()
    assert region.brand.name == 'Tiny "Partnership"' and region.brand.logo == "brand/logo.png"
    assert region.brand.contact == Contact("Office") and (region.path / region.brand.logo).is_file()
    assert region.partner("both").contact == Contact("Desk, out of hours", email="a@example.org")
    assert region.lookups["groups"].to_dict("list") == {
        "kind": ["Networks"] * 2, "code": ["E01000001", "E01000002"], "group": ["Quayside"] * 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ('[brand]\nlogo = "no.png"', "no picture"),
        ('[brand]\ncolour = "red"', "colour"),
        ('brand = "Tiny"', "[brand] table"),
        ('[[groups]]\nname = "Networks"\nfile = "no.csv"', "no.csv"),
        ('[[groups]]\nname = "Networks"', "'file' is missing"),
    ],
)
def test_a_definition_with_a_mistake_is_refused(tmp_path, source, more, says):
    with pytest.raises(Refused) as caught:
        built(tmp_path, source, more)
    assert says in str(caught.value) and not (tmp_path / "pack").exists()


def test_the_district_of_an_area_is_its_commonest_and_the_nearest_where_it_has_none():
    lsoa = pd.DataFrame({"code": list("abc"), "centroid_x": [0.0, 10.0, 20.0], "centroid_y": 0.0})
    rows = [("NE6 1AA", 0), ("NE6 1AB", 0), ("NE281AA", 0), ("NE281AB", 1), ("NE6 2AA", 1)]
    table = pd.DataFrame(rows, columns=["postcode", "area"]).assign(easting=[0, 0, 0, 10, 12.0], northing=0.0)
    assert districts(lsoa, table)["district"].tolist() == ["NE6", "NE28", "NE6"]
    assert districts(lsoa, table.iloc[:0])["district"].tolist() == ["", "", ""]
