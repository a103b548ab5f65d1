"""What a site serves: counted a second time, area by area; and no more than its list can carry."""

from __future__ import annotations

import math

import pytest

from dashboard.views import site_words
from dashboard.views.claims import Claims
from dashboard.views.site_words import served_by
from dashboard.views.wire import services_geojson
from layers import FIT_FOR, PUBLIC


def nearest_by_hand(published, sites):
    """Site by place in the table -> {place: residents}, in straight lines."""
    found = {}
    for area in published.region.areas["lsoa"].to_dict("records"):
        far = [
            (math.hypot(area["centroid_x"] - x, area["centroid_y"] - y), n)
            for n, (x, y) in enumerate(zip(sites["easting"], sites["northing"], strict=True))
            if x == x
        ]
        here = found.setdefault(min(far)[1], {})
        here[area["place"]] = here.get(area["place"], 0.0) + area["population"]
    return found


def test_every_resident_is_counted_at_the_site_that_is_nearest(tiny):
    layer = tiny.store.layer("clinics", PUBLIC)
    sites = tiny.store.services("clinics", PUBLIC)
    by_hand, found = nearest_by_hand(tiny, sites), served_by(tiny, layer, PUBLIC)
    assert [one.residents for one in found] == [sum(by_hand.get(n, {}).values()) for n in range(len(sites))]
    assert sum(one.residents for one in found) == tiny.region.areas["lsoa"]["population"].sum()
    for n, one in enumerate(found):
        most = sorted(by_hand.get(n, {}).items(), key=lambda item: (-item[1], item[0]))
        if most:
            assert f"{one.residents:,.0f} resident" in one.words and most[0][0] in one.words
        else:
            assert one.words == "For everybody here another site of the list is nearer."


def test_the_map_s_points_say_it(demo):
    layer = demo.store.layer("gp-practices", PUBLIC)
    features = services_geojson(demo, layer, PUBLIC)["features"]
    found = served_by(demo, layer, PUBLIC)
    assert [f["properties"]["serves"] for f in features] == [one.words for one in found]
    words = features[0]["properties"]["serves"]
    assert words.startswith(f"The nearest for {found[0].residents:,.0f} residents in ") and words.endswith("places.")
    assert features[0]["properties"]["place"].endswith(")")  # with its postcode district


@pytest.mark.parametrize(
    ("claims", "residents", "words"),
    [
        (Claims(), 1200.0, "The nearest for 1,200 residents in Quay, East and 1 more places."),
        (Claims(9, True), 1200.0, "The nearest for 1,200 residents in Quay, East and 1 more places, in this sample of 9 sites."),
        (Claims(9, False, frozenset(FIT_FOR) - {"counts"}), None, "The nearest for people in Quay and East."),
    ],
)  # fmt: skip
def test_it_says_what_the_list_can_carry(claims, residents, words):
    found = site_words._served(claims, 1200.0, ["Quay", "East", "West"])
    assert (found.residents, found.words) == (residents, words.replace("1 more places", "1 more place"))


def test_a_whole_country_does_not_wait_for_it(tiny, monkeypatch):
    monkeypatch.setattr(site_words, "MOST_AREAS", 1)
    layer = tiny.store.layer("clinics", PUBLIC)
    assert {one.words for one in served_by(tiny, layer, PUBLIC)} == {""}
