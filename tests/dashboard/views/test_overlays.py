"""What is laid over the gap map: masks by hand, rings measured on the national grid, and the words of every switch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dashboard.question import FIELDS
from dashboard.selection import Selection
from dashboard.views import gap_map
from dashboard.views import gaps as view
from dashboard.views import overlays as over
from dashboard.views.scene import emphasis_of, scene
from layers import PUBLIC, to_metres

ASKED = Selection(need="crowded", services=("clinics",), show="gap")
DEMO = Selection(need="alcohol-admissions", services=("alcohol-drug-services",), show="gap")


@pytest.fixture(scope="module")
def demo_gaps(demo):
    return view.gaps_of(demo, DEMO, PUBLIC)


def by_id(gaps) -> dict:
    return {overlay.id: overlay for overlay in over.overlays(gaps)}


def test_every_switch_of_the_address_is_offered_in_its_order(demo_gaps):
    assert tuple(overlay.id for overlay in over.overlays(demo_gaps)) == FIELDS["overlays"].allowed()
    for overlay in over.overlays(demo_gaps):
        assert overlay.title and overlay.words
        assert overlay.count == sum(len(line.indices) for line in overlay.lines) or overlay.id == "rings"


def test_the_masks_are_those_of_the_answer(demo_gaps):
    found, table = by_id(demo_gaps), demo_gaps.result.areas
    (near,) = found["near"].lines
    assert near.indices == tuple(np.flatnonzero(table["near_miss"]))
    assert near.residents == table["population"][table["near_miss"]].sum()
    (gone,) = found["vanish"].lines
    assert len(gone.indices) == demo_gaps.summary["vanish_at_ward"]["areas"]
    assert set(gone.indices) <= set(np.flatnonzero(table["underserved"]))
    for which in ("moran", "hot"):
        clusters = over.clusters(demo_gaps, which)["cluster"]
        for line in found[which].lines:
            assert line.indices == tuple(np.flatnonzero(clusters == line.kind))


def test_a_partner_narrows_them_and_not_what_they_are_tested_against(demo, demo_gaps):
    partner = demo.region.partners[0]
    part = view.gaps_of(demo, replace(DEMO, partner=partner.id), PUBLIC)
    inside = set(np.flatnonzero(part.in_view))
    for whole, some in zip(over.overlays(demo_gaps), over.overlays(part), strict=True):
        for a, b in zip(whole.lines, some.lines, strict=True):
            assert set(b.indices) == set(a.indices) & inside


def test_rings_are_circles_in_metres_of_the_national_grid(tiny):
    """1,000 m around the clinics in the middle of T01 and T04; with a detour of 1.4 a kilometre of way is 714 m of map."""
    for detour, radius in ((1.0, 1_000.0), (1.4, 1_000 / 1.4)):
        found = view.gaps_of(tiny, replace(ASKED, detour=detour), PUBLIC)
        rings = over.rings(found, PUBLIC)
        assert len(rings) == 2
        for ring, (x, y) in zip(rings, ((420_500, 560_500), (423_500, 560_500)), strict=True):
            east, north = to_metres(*np.array(ring).T)
            assert np.hypot(east - x, north - y) == pytest.approx(radius, abs=1.5)  # addresses are rounded to a metre
            assert ring[0] == ring[-1]
    assert by_id(found)["rings"].words == ("710 m in a straight line around each alcohol clinic (a way of 1 km).")


def test_many_rings_become_one_line(tiny, monkeypatch):
    apart = over.rings(view.gaps_of(tiny, replace(ASKED, max_m=2_001.0), PUBLIC), PUBLIC)
    monkeypatch.setattr(over, "MOST_RINGS", 1)
    found = view.gaps_of(tiny, replace(ASKED, max_m=2_002.0), PUBLIC)
    merged = over.rings(found, PUBLIC)
    assert len(apart) == 2 and len(merged) == 1  # 3 km apart, 2 km each: they overlap
    assert "one line goes around all of them" in by_id(found)["rings"].words


def test_without_a_standard_the_rings_are_where_the_worst_fifth_begins(demo, demo_gaps):
    assert over.ring_metres(demo_gaps) == 4_000
    none = view.gaps_of(demo, Selection(need="alcohol-admissions", services=("food-support",), show="gap"), PUBLIC)
    if none.result.access.limit is None:
        assert over.ring_metres(none) == none.result.access.cut


def test_what_cannot_be_drawn_says_why(demo, tiny):
    wards = by_id(view.gaps_of(demo, replace(DEMO, level="ward"), PUBLIC))
    assert wards["vanish"].why_not == "Only small areas can vanish in wards." and wards["vanish"].count == 0
    equal = by_id(view.gaps_of(tiny, ASKED, PUBLIC))
    assert equal["hot"].count or "nothing stands out" in equal["hot"].why_not


def test_the_map_is_sent_what_was_chosen_and_nothing_else(demo):
    plain = emphasis_of(scene(demo, DEMO, PUBLIC), DEMO, PUBLIC)
    assert plain["areas"] and plain["labels"] and plain["lines"] == [] and plain["rings"] == []
    asked = replace(DEMO, overlays=("near", "hot", "rings"))
    sent = emphasis_of(scene(demo, asked, PUBLIC), asked, PUBLIC)
    assert {line["kind"] for line in sent["lines"]} <= {"near", "hot spot", "cold spot"} and sent["lines"]
    assert sent["areas"] == plain["areas"] and len(sent["rings"]) > 5
    access = replace(asked, show="access")
    sent = emphasis_of(scene(demo, access, PUBLIC), access, PUBLIC)
    assert sent["areas"] == [] and sent["lines"] == [] and sent["rings"]
    need = replace(asked, show="need")
    assert emphasis_of(scene(demo, need, PUBLIC), need, PUBLIC)["rings"] == []


def test_the_route_that_feeds_the_map(demo_client):
    query = {"need": DEMO.need, "services": DEMO.services[0], "show": "gap", "level": "lsoa"}
    plain = demo_client.get("/data/gap", query_string=query).get_json()
    more = demo_client.get("/data/gap", query_string=query | {"overlays": "near,vanish,rings"}).get_json()
    assert plain["areas"] == more["areas"] and plain["lines"] == []
    assert {line["kind"] for line in more["lines"]} == {"near", "vanish"} and more["rings"]


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("Byker", "Byker"),
        ("Lamesley and Birtley", "Lamesley and Birtley"),
        ("Chester-le-Street West Central and Pelton", "Chester-le-Street West …"),
        ("Kingston Park South & Newbiggin Hall", "Kingston Park South …"),
        ("Deneside and Seaham Harbour with Dawdon", "Deneside …"),
    ],
)
def test_long_names_are_cut_on_the_map(name, short):
    assert gap_map.short_name(name) == short
    assert len(gap_map.short_name("x" * 60)) <= gap_map.LONG_NAME + 2
