"""Communities on the tiny region: components, shares, names, order."""

import numpy as np
import pandas as pd
import pytest

from layers.methods.communities import communities
from layers.methods.need import Indicator, need
from layers.methods.stability import words_of
from tests.tiny import tiny_areas


def found(*numbers, **more):
    areas = tiny_areas()
    gap = pd.Series([i + 1 in numbers for i in range(16)])
    return communities(gap, areas["lsoa"], wards=areas["ward"], lads=areas["lad"], **more)


def test_shared_community_by_hand():
    # T14 (TA, 1,400), T15 and T16 (TB, 1,500 and 1,600): 4,500 residents across the border.
    (community,) = found(14, 15, 16)
    assert community.shared and community.lads == ("TB", "TA") and community.population == 4_500
    assert community.shares[0].share == pytest.approx(3_100 / 4_500) and community.shares[0].lad_name == "Eastshire"
    assert community.place == "North East"  # T16 and T15 are the most populous; both are of one ward
    assert community.name == "North East, Eastshire and Westshire"
    assert community.id == "T14" and community.areas == ("T14", "T15", "T16")


def test_communities_are_sorted_by_residents_and_named():
    result = found(1, 4, 16)
    assert [c.id for c in result] == ["T16", "T04", "T01"]
    assert [c.place for c in result] == ["North East", "South East", "South West"]
    assert [c.name for c in result] == ["North East, Eastshire", "South East, Eastshire", "South West, Westshire"]
    assert not any(c.shared for c in result)


def test_a_second_place_is_named_when_its_largest_area_is_not_much_smaller():
    assert found(5, 9)[0].place == "North West and South West"  # 900 and 500: more than half
    assert found(1, 5, 9, 13, 14)[0].place == "North West"  # T14 and T13 are the most populous, both of the north west


@pytest.mark.parametrize(("residents", "name"), [(1_000.0, "North West and South West"), (1_001.0, "North West")])
def test_a_second_place_with_exactly_half_as_many_is_named(residents, name):
    areas = tiny_areas()
    people = areas["lsoa"]["population"].copy()
    people[9] = residents  # T10 in the north west; T05 in the south west has 500
    gap = pd.Series([i in (5, 10) for i in range(1, 17)])
    (community,) = communities(gap, areas["lsoa"].assign(population=people), wards=areas["ward"], lads=areas["lad"])
    assert community.place == name


def test_equally_large_ones_are_ordered_by_code_and_name():
    areas = tiny_areas()
    even = areas["lsoa"].assign(population=100.0)
    gap = pd.Series([i in (1, 4, 13, 16) for i in range(1, 17)])
    for frame in (even, even.iloc[::-1].reset_index(drop=True)):  # the four corners stand at the same places either way
        assert [c.id for c in communities(gap, frame)] == ["T01", "T04", "T13", "T16"]
    # Two wards of one community, and two authorities, with as many residents each.
    gap = pd.Series([i in (5, 9) for i in range(1, 17)])
    assert communities(gap, even, wards=areas["ward"])[0].name == "South West and North West"  # T05 comes before T09
    gap = pd.Series([i in (2, 3) for i in range(1, 17)])
    (community,) = communities(gap, even, wards=areas["ward"], lads=areas["lad"])
    assert community.lads == ("TA", "TB") and [share.share for share in community.shares] == [0.5, 0.5]
    # A community in one authority is not shared, nor one whose second area touches nothing of it.
    assert not communities(pd.Series([i in (1, 2) for i in range(1, 17)]), even)[0].shared


def test_an_area_whose_gap_is_not_known_is_in_no_community():
    gap = pd.Series([True, None, True] + [False] * 13, dtype=object)
    assert [c.areas for c in communities(gap, tiny_areas()["lsoa"])] == [("T03",), ("T01",)]


def test_names_that_stand_twice_are_told_apart():
    assert [c.place for c in found(3, 8, 16, 11)][:1] == ["North East"]
    names = [c.place for c in found(1, 3)]  # South East and South West
    twice = [c.place for c in found(9, 14, 13)] + names
    assert len(set(twice)) == len(twice)
    areas = tiny_areas()
    flat = areas["ward"].assign(name="Centre")
    gap = pd.Series([i in (1, 4, 16) for i in range(1, 17)])
    names = [c.name for c in communities(gap, areas["lsoa"], wards=flat, lads=areas["lad"])]
    assert names == ["Centre 1, Eastshire", "Centre 2, Eastshire", "Centre, Westshire"]


def test_everyday_names_of_areas_go_before_ward_names():
    areas = tiny_areas()
    places = {14: "Moor", 15: "Harbour", 16: "St Mary's"}
    lsoa = areas["lsoa"].assign(place=[places.get(i, "Elsewhere") for i in range(1, 17)])
    gap = pd.Series([i in places for i in range(1, 17)])
    (community,) = communities(gap, lsoa, wards=areas["ward"], lads=areas["lad"])
    assert community.name == "St Mary's and Harbour, Eastshire and Westshire"


@pytest.mark.parametrize(("first", "second"), [("Central & South", "Moor"), ("Moor", "Central and South")])
def test_a_name_that_is_a_pair_stays_alone(first, second):
    areas = tiny_areas()
    lsoa = areas["lsoa"].assign(place=["?"] * 14 + [second, first])
    (community,) = communities(pd.Series([False] * 14 + [True] * 2), lsoa, lads=areas["lad"])
    assert community.name == f"{first}, Eastshire"


def test_an_authority_is_not_said_twice():
    areas = tiny_areas()
    gap = pd.Series([True, True])
    (both,) = communities(gap, areas["lad"], lads=areas["lad"])
    assert both.name == "Eastshire and Westshire" and both.shared


def test_numbers_are_means_over_residents():
    measured = need(
        [Indicator("a", pd.Series(np.arange(16.0)), "A"), Indicator("b", pd.Series(np.arange(16.0)[::-1]), "B")],
        {"a": 3, "b": 1},
    )
    access = pd.Series(np.arange(16.0) * 100)
    stability = pd.Series(np.linspace(0, 1, 16))
    words = lambda share: words_of(share, 500)  # noqa: E731
    (community,) = found(15, 16, need=measured, access=access, stability=stability, words=words)
    # 1,500 people at 1,400 m and 1,600 at 1,500 m.
    assert (
        community.access == pytest.approx((1_500 * 1_400 + 1_600 * 1_500) / 3_100) and community.access_worst == 1_500
    )
    assert community.stability == pytest.approx((1_500 * 14 / 15 + 1_600) / 3_100) and community.words == "firm"
    assert found(15, 16, stability=stability)[0].words is None  # where none may be said
    assert [d["id"] for d in community.drivers] == ["a", "b"]
    (community,) = found(15, 16, access=access, high_access_is_worse=False)
    assert community.access_worst == 1_400 and community.need is None and community.stability is None


def test_nobody_underserved_and_nobody_at_home():
    assert found() == ()
    areas = tiny_areas()["lsoa"].assign(population=0.0)
    (community,) = communities(pd.Series([True, True] + [False] * 14), areas, access=pd.Series(np.arange(16.0)))
    assert community.population == 0 and community.access == 0.5 and community.shares[0].share == 1.0


def test_row_order_changes_nothing():
    areas = tiny_areas()
    gap = pd.Series([i in (2, 3, 7, 13, 16) for i in range(1, 17)])
    order = np.random.default_rng(1).permutation(16)
    mixed = communities(
        gap.iloc[order].reset_index(drop=True),
        areas["lsoa"].iloc[order].reset_index(drop=True),
        wards=areas["ward"],
        lads=areas["lad"],
    )
    plain = communities(gap, areas["lsoa"], wards=areas["ward"], lads=areas["lad"])
    assert [(c.id, c.name, c.areas, c.shares) for c in mixed] == [(c.id, c.name, c.areas, c.shares) for c in plain]
