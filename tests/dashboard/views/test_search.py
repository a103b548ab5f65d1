"""One box for postcodes, areas, wards, authorities and services."""

from __future__ import annotations

import pytest

from dashboard.views.search import LONGEST, MOST, as_options, search
from layers import PUBLIC


def found(published, text):
    return {hit.value: hit for hit in search(published, text)}


def test_an_area_by_name_and_by_code(tiny):
    (hit,) = search(tiny, "square 07")
    assert (hit.value, hit.label, hit.group) == ("area:T07", "Square 07, Eastshire", "Small areas")
    assert search(tiny, "t07")[0].value == "area:T07"
    assert search(tiny, "t07")[0].label.endswith("T07")  # or the picker, which filters by what is typed, would hide it


def test_larger_areas_come_first(tiny):
    assert search(tiny, "eastshire")[0].value == "area:TB"
    groups = [hit.group for hit in search(tiny, "south")]
    assert groups == ["Wards", "Wards"]
    # "west" begins Westshire, and stands within two wards and the name of a clinic
    assert [hit.group for hit in search(tiny, "west")] == ["Authorities", "Wards", "Wards", "Services"]


def test_a_name_that_begins_so_stands_before_one_that_holds_it(tiny):
    values = [hit.value for hit in search(tiny, "north")]
    assert set(values) == {"area:TW3", "area:TW4"}


def test_a_service(tiny):
    (hit,) = search(tiny, "east clinic")
    kind, layer, where = hit.value.split(":")
    latitude, longitude = map(float, where.split(","))
    middle = tiny.region.areas["lsoa"].geometry.iloc[3].centroid  # C2 is in the centre of T04
    assert (kind, layer) == ("site", "clinics")
    assert (latitude, longitude) == (pytest.approx(middle.y, abs=1e-4), pytest.approx(middle.x, abs=1e-4))
    assert hit.label == "East clinic – Alcohol clinics"


def test_a_postcode_in_the_demonstration(demo):
    hit = search(demo, "NE1 4ST")[0]
    kind, where, code = hit.value.split(":")
    latitude, longitude = map(float, where.split(","))
    assert kind == "point"
    assert (latitude, longitude) == (pytest.approx(54.97, abs=0.02), pytest.approx(-1.61, abs=0.02))
    area = demo.region.areas["lsoa"].iloc[demo.region.position("lsoa", code)]
    assert area["lad_code"] == "DA1"  # Newcastle
    assert hit.label == f"NE1 4ST – in {area['name']}"
    for spelling in ("ne14st", "  NE1   4ST ", "Ne1-4sT"):
        assert search(demo, spelling)[0].value == hit.value


def test_a_postcode_elsewhere_says_so(demo):
    hit = search(demo, "SW1A 1AA")[0]
    assert hit.label == f"SW1A 1AA – outside {demo.region.name}"
    assert hit.value.endswith(":")


def test_every_label_holds_what_was_typed(demo):
    """The picker filters once more by label; a hit without the text would never be shown."""
    ward = demo.region.areas["ward"]["name"].iat[20]
    site = demo.store.services(demo.store.layers(PUBLIC, kind="services")[0].id, PUBLIC)["name"].iat[0]
    for text in ("ne", "Gates", ward.upper(), site.lower(), "NE8 3DQ", "da1", demo.region.codes("lsoa")[5].lower()):
        hits = search(demo, text)
        assert hits, text
        assert all(text.casefold() in hit.label.casefold() for hit in hits), text


@pytest.mark.parametrize(
    "text", ["", " ", "x", "\t\n", "zzzzzz", "%", "'; drop table", "<b>", "\0\0", ".*", "(", "[", "é" * 500]
)
def test_nothing_found_is_an_empty_answer(demo, text):
    assert search(demo, text) == ()


@pytest.mark.parametrize("text", [None, ["a"], {"a": 1}, [], 0, float("nan")])
def test_what_is_not_text_finds_nothing(tiny, text):
    assert search(tiny, text) == ()


def test_a_number_is_looked_for_as_it_is_written(tiny):
    (hit,) = search(tiny, 12)
    assert (hit.value, hit.label, hit.group) == ("area:T12", "Square 12, Eastshire", "Small areas")
    assert search(tiny, "12") == (hit,)


def test_there_are_never_too_many(demo):
    for text in ("an", "ne", "th", "e1", "road"):
        assert len(search(demo, text)) <= MOST
    assert search(demo, "south " + "x" * 10 * LONGEST) == ()


def test_options_are_grouped_and_each_value_stands_once(demo):
    options = as_options(search(demo, "south"))
    values = [item["value"] for group in options for item in group["items"]]
    assert len(values) == len(set(values))
    assert len({group["group"] for group in options}) == len(options)


def test_a_region_without_services_can_be_searched(bare, lonely):
    assert search(bare, "square 01")[0].value == "area:T01"
    assert search(lonely, "far")[-1].group == "Services"


def test_services_that_one_may_not_see_are_not_found(serve, tiny_pack):
    import dataclasses

    from layers import Package, Viewer

    published = serve(tiny_pack)
    admin = Viewer("ada", "icb", "admin")
    sites = published.store.services("clinics", admin).assign(name=["Quiet house", "Refuge"])
    descriptor = dataclasses.replace(
        published.store.layer("clinics", admin).descriptor, id="refuges", title="Refuges", audience="owner"
    )
    published.store.publish(Package(descriptor, sites), by=admin)
    assert search(published, "quiet", Viewer("ida", "icb", "viewer"))
    assert search(published, "quiet") == ()
    assert search(published, "quiet", Viewer("eve", "eastshire", "viewer")) == ()


def test_themes_indicators_and_lists_are_found_by_their_titles(tiny):
    from layers import PUBLIC

    hits = [(hit.value, hit.group) for hit in search(tiny, "crowded", PUBLIC)]
    assert ("need:crowded", "Indicators") in hits
    assert next(hit.value for hit in search(tiny, "clinic", PUBLIC)) == "list:clinics"
    theme = tiny.region.themes[0]
    assert search(tiny, theme.name, PUBLIC)[0].value == f"theme:{theme.id}"
