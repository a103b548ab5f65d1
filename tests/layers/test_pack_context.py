"""What a pack can do without: places, lines, groups, contacts and a brand; broken ones are left out with a notice."""

import geopandas as gpd
import pytest
from shapely.geometry import LineString, Point

from layers.manifest import pack_faults, write_manifest
from layers.methods.affected import AffectedGroup
from layers.model import Brand, Contact
from layers.region import load_region
from tests.tiny import REGION_TOML, write_tiny_pack


@pytest.fixture
def pack(tmp_path):
    pack = write_tiny_pack(tmp_path / "pack")
    for name in ("context", "lookups", "brand"):
        (pack / name).mkdir()
    places = gpd.GeoDataFrame({"name": ["Quay"], "population": [900.0]}, geometry=[Point(-1.6, 55)], crs="EPSG:4326")
    places.to_parquet(pack / "context" / "places.parquet")
    lines = gpd.GeoDataFrame({"kind": ["railway"]}, geometry=[LineString([(-1.6, 55), (-1.5, 55)])], crs="EPSG:4326")
    lines.to_parquet(pack / "context" / "lines.parquet")
    (pack / "lookups" / "groups.csv").write_text("kind,code,group\nPrimary care networks,T01,Quayside\n", "utf-8")
    (pack / "lookups" / "names.csv").write_text("code,name\nT01,Quay\n", "utf-8")
    (pack / "brand" / "logo.svg").write_text("<svg/>", "utf-8")
    (pack / "affected.toml").write_text('[[group]]\nname = "Homes"\nparts = ["crowded"]\n', "utf-8")
    toml = REGION_TOML.replace(
        'footprint = ["TA"]', 'footprint = ["TA"]\ncontact = {role = "Desk", phone = "01632 960 001"}', 1
    )
    toml = toml.replace("[vintages]", '[brand]\nname = "Tiny Partnership"\nlogo = "brand/logo.svg"\n[vintages]', 1)
    (pack / "region.toml").write_text(toml, "utf-8")
    write_manifest(pack)
    return pack


def test_everything_is_read(pack):
    region = load_region(pack)
    assert (
        region.left_out == ()
        and region.places["name"].tolist() == ["Quay"]
        and region.lines["kind"].tolist() == ["railway"]
    )
    assert region.lookups["groups"]["group"].tolist() == ["Quayside"]
    assert region.brand == Brand("Tiny Partnership", "brand/logo.svg")
    assert region.affected == (AffectedGroup("Homes", ("crowded",)),)
    assert region.partner("westshire").contact == Contact("Desk", "01632 960 001")
    assert region.partner("eastshire").contact is None


@pytest.mark.parametrize(
    ("file", "part", "gone"),
    [
        ("context/places.parquet", "context/places", lambda region: region.places is None),
        ("context/lines.parquet", "context/lines", lambda region: region.lines is None),
        ("lookups/groups.csv", "lookups/groups.csv", lambda region: "groups" not in region.lookups),
        ("lookups/names.csv", "lookups/names.csv", lambda region: region.areas["lsoa"]["name"].iat[0] == "Square 01"),
        ("affected.toml", "affected.toml", lambda region: region.affected == ()),
        ("brand/logo.svg", "brand/logo", lambda region: region.brand == Brand("Tiny Partnership")),
    ],
)
@pytest.mark.parametrize("how", ["changed", "missing"])
def test_a_file_that_the_manifest_disowns_is_left_out_and_the_rest_is_served(pack, file, part, gone, how):
    if how == "missing":
        (pack / file).unlink()
    else:
        (pack / file).write_bytes((pack / file).read_bytes() + b"\n")
    assert list(pack_faults(pack).parts) == [part] and pack_faults(pack).whole == ()
    region = load_region(pack)
    assert gone(region) and [fault.where for fault in region.left_out] == [file]


def mended(pack, name: str, text: str):
    (pack / name).write_text(text, "utf-8")
    write_manifest(pack)
    return load_region(pack)


@pytest.mark.parametrize(
    ("contact", "says"),
    [
        ('"Desk"', "is no table"),
        ('{phone = "ring <b>"}', "telephone number that cannot be one"),
        ('{email = "desk at example.org"}', "e-mail address that cannot be one"),
        ('{person = "A. Name"}', "unknown key 'person'"),
        ("{role = 7}", "not plain text"),
    ],
)
def test_a_contact_that_cannot_be_one_is_left_out(pack, contact, says):
    toml = (pack / "region.toml").read_text("utf-8").replace('{role = "Desk", phone = "01632 960 001"}', contact)
    region = mended(pack, "region.toml", toml)
    assert region.partner("westshire").contact is None
    (fault,) = region.left_out
    assert "partner 'westshire'" in fault.what and says in fault.what


@pytest.mark.parametrize(
    "logo", ["../region.toml", "/etc/passwd", "brand/../region.toml", "region.toml", "brand/logo.html", "brand/no.png"]
)
def test_a_logo_is_a_picture_in_its_folder(pack, logo):
    toml = (pack / "region.toml").read_text("utf-8").replace("brand/logo.svg", logo)
    region = mended(pack, "region.toml", toml)
    assert region.brand == Brand("Tiny Partnership") and len(region.left_out) == 1


@pytest.mark.parametrize(
    "text",
    ["[[group]]\n", '[[group]]\nname = "Homes"\n', "group = 3", '[[group]]\nname = "H"\nparts = ["a"]\nfifths = "b"'],
)
def test_a_list_of_who_is_affected_that_cannot_be_read_is_left_out(pack, text):
    region = mended(pack, "affected.toml", text)
    assert region.affected == () and [fault.where for fault in region.left_out] == ["affected.toml"]


def test_groups_of_areas_that_are_not_there_are_left_out(pack):
    region = mended(pack, "lookups/groups.csv", "kind,code,group\nNetworks,T77,Elsewhere\n")
    assert "groups" not in region.lookups and "not in the pack" in region.left_out[0].what


def test_places_in_metres_are_left_out(pack):
    file = pack / "context" / "places.parquet"
    gpd.read_parquet(file).to_crs("EPSG:27700").to_parquet(file)
    write_manifest(pack)
    region = load_region(pack)
    assert region.places is None and "EPSG:4326" in region.left_out[0].what
