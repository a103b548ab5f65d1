"""Access against the published tables, the conservation law, PySAL, brute force, and paper."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.methods.access import (
    access_model,
    coverage,
    e2sfca,
    floating_catchment,
    kernel,
    metres_in,
    minutes_for,
    nearest,
    read_sites,
    read_travel,
    worst_fifth,
)
from layers.methods.together import NO_OWN_SERVICE, NO_SERVICE, border_view
from layers.model import Refused
from tests.tiny import SOUTH, WEST, tiny_areas


def areas(xy, population=None, lad="L"):
    xy = np.asarray(xy, dtype="float64")
    n = len(xy)
    return pd.DataFrame(
        {
            "code": [f"A{i}" for i in range(n)],
            "centroid_x": xy[:, 0],
            "centroid_y": xy[:, 1],
            "population": np.ones(n) if population is None else np.asarray(population, dtype="float64"),
            "lad_code": lad,
        }
    )


def services(xy, capacity=None, lad="L"):
    xy = np.asarray(xy, dtype="float64").reshape(-1, 2)
    frame = pd.DataFrame({"service_id": [f"S{i}" for i in range(len(xy))], "easting": xy[:, 0], "northing": xy[:, 1]})
    frame["lad_code"] = lad
    if capacity is not None:
        frame["capacity"] = capacity
    return frame


# --- published tables (methods B1) -----------------------------------------------------------------------------------

HOSPITAL = {
    (1, 1): 1,
    (2, 2): 1,
    (3, 3): 1,
    (1, 3): 40,
    (3, 1): 40,
    (2, 3): 40,
    (3, 2): 40,
    (1, 2): 80,
    (2, 1): 80,
}
PEOPLE, SUPPLY = np.array([100.0, 50.0, 10.0]), np.array([15.0, 20.0, 100.0])


def hospital(weight_of, choice=False):
    pairs = [(i - 1, j - 1, cost) for (i, j), cost in HOSPITAL.items() if cost <= 61]
    rows, cols, cost = (np.array(column) for column in zip(*pairs, strict=True))
    weight = np.array([weight_of(c) for c in cost], dtype="float64")
    share = None
    if choice:  # PySAL sums every cost of the table, those beyond the limit too
        every = np.zeros(3)
        for (i, _), c in HOSPITAL.items():
            every[i - 1] += weight_of(c)
        share = weight / every[rows]
    return floating_catchment(rows, cols, weight, SUPPLY, PEOPLE, share)


@pytest.mark.parametrize(
    ("weight_of", "expected"),
    [
        (lambda c: 1.0, (0.761364, 0.958333, 1.094697)),
        (lambda c: 1.0 / c, (0.331444, 0.579828, 7.286418)),
        (lambda c: 1.0 if c <= 20 else 0.68 if c <= 40 else 0.22, (0.747592, 0.959256, 1.227799)),
        (lambda c: np.exp(-c * c / 2 / 20**2), (0.594826, 0.836277, 3.370360)),
    ],
    ids=["2sfca", "gravity", "steps", "gaussian"],
)
def test_hospital_table_and_conservation_135(weight_of, expected):
    got = hospital(weight_of)
    assert got == pytest.approx(expected, abs=1e-6)
    assert (PEOPLE * got).sum() == pytest.approx(135.0)  # 15 + 20 + 100, all of it reached


def test_hospital_table_three_step():
    got = hospital(lambda c: 1.0 / c, choice=True)
    assert got == pytest.approx((0.156257, 0.406216, 9.906352), abs=1e-6)
    assert (PEOPLE * got).sum() == pytest.approx(135.0)


def test_gaussian_sdc():
    rows, cols = np.repeat([0, 1, 2], 2), np.tile([0, 1], 3)
    distance = np.abs(np.array([0, 1, 2])[rows] - np.array([0, 2])[cols])
    got = floating_catchment(rows, cols, np.exp(-(distance**2) / 2), np.array([10.0, 10.0]), np.full(3, 100.0))
    assert got == pytest.approx((0.065179, 0.069641, 0.065179), abs=1e-6)


def test_kernel_reaches_zero():
    assert kernel(np.array([0, 0.25, 0.5, 0.75, 1, 2]), 1.0) == pytest.approx(
        [1, 0.9218, 0.7014, 0.3769, 0, 0], abs=5e-5
    )


# --- the tiny region -------------------------------------------------------------------------------------------------


def clinics(**more):
    frame = pd.DataFrame(
        {
            "service_id": ["C1", "C2"],
            "name": ["West clinic", "East clinic"],
            "easting": [WEST + 500.0, WEST + 3_500.0],
            "northing": [SOUTH + 500.0, SOUTH + 500.0],
            "lad_code": ["TA", "TB"],
        }
    )
    return frame.assign(**more)


def test_nearest_by_hand():
    got = nearest(tiny_areas()["lsoa"], clinics())
    assert got[0] == 0.0 and got[5] == pytest.approx(1_000 * 2**0.5)  # T01 holds C1; T06 is one square up and one right
    assert got[13] == pytest.approx(1_000 * 10**0.5)  # T14: one right, three up
    assert nearest(tiny_areas()["lsoa"], clinics(), detour=1.4)[4] == pytest.approx(1_400)


def test_coverage_counts_the_edge():
    got = coverage(tiny_areas()["lsoa"], clinics(), 1_000)
    assert got.tolist() == [1, 1, 1, 1, 1, 0, 0, 1] + [0] * 8  # 1,000 m exactly is within
    assert coverage(tiny_areas()["lsoa"], clinics(), 1_000, detour=1.2).sum() == 2  # only T01 and T04 themselves


def test_e2sfca_by_hand():
    # 2,000 m: C1 is reached by T01 (0 m, 100 people), T02 and T05 (1,000 m, 200 and 500) and T06 (1,414 m, 600).
    # T03 and T09 lie at 2,000 m exactly, where the kernel is 0; C2 is 2,000 m from T02.
    w = lambda d: (np.exp(-((d / 2_000) ** 2) / 2) - np.exp(-0.5)) / (1 - np.exp(-0.5))  # noqa: E731
    ratio = 3.0 / (100 + 700 * w(1_000) + 600 * w(1_414.2135623730951))
    got = e2sfca(tiny_areas()["lsoa"], clinics(capacity=[3.0, 0.0]), 2_000)
    assert got[0] == pytest.approx(1_000 * ratio)
    assert got[4] == pytest.approx(1_000 * ratio * w(1_000))
    assert got[2] == 0 and got[15] == 0


def test_border_penalty_by_hand():
    # Only C1, which stands in TA: nobody of TB has an own service.
    view = border_view(tiny_areas()["lsoa"], clinics().iloc[:1], 1_000)
    east = tiny_areas()["lsoa"]["lad_code"] == "TB"
    assert view.areas.loc[east, "border_penalty_m"].isna().all()
    assert (view.areas.loc[east, "reason"] == NO_OWN_SERVICE).all()
    assert view.areas.loc[east, "nearer_elsewhere"].all()
    assert (view.areas.loc[~east, "border_penalty_m"] == 0).all()
    totals = view.authorities.set_index("lad_code")
    # TB: columns x = 2 and 3: 3+4+7+8+11+12+15+16 = 76 hundred.
    assert totals.at["TB", "residents_nearer_elsewhere"] == 7_600 and totals.at["TB", "services"] == 0
    assert totals.at["TA", "residents_within_alone"] == 800  # T01 100 + T02 200 + T05 500
    assert np.isnan(totals.at["TB", "mean_alone_m"])


def test_border_penalty_across_the_border():
    # C1 moved to the far north of TA, C2 at T03: T02 is 1,000 m from C2 but 3,162 m from its own C1 in T13.
    moved = clinics(easting=[WEST + 500.0, WEST + 2_500.0], northing=[SOUTH + 3_500.0, SOUTH + 500.0])
    view = border_view(tiny_areas()["lsoa"], moved)
    row = view.areas.iloc[1]
    assert row["together_m"] == 1_000 and row["alone_m"] == pytest.approx(3_162.2776601)
    assert row["border_penalty_m"] == pytest.approx(2_162.2776601)
    assert row["nearest_service_id"] == "C2" and row["nearest_lad"] == "TB"


def test_equally_near_counts_as_own():
    frame = areas([[0, 0]], lad="L")
    both = services([[1_000, 0], [-1_000, 0]], lad=["K", "L"])
    row = border_view(frame, both).areas.iloc[0]
    assert row["nearest_lad"] == "L" and not row["nearer_elsewhere"] and row["border_penalty_m"] == 0


def test_no_service_at_all():
    none = services(np.empty((0, 2)))
    frame = areas([[0, 0], [5, 5]])
    assert nearest(frame, none).isna().all()
    assert coverage(frame, none, 100).tolist() == [0, 0] and e2sfca(frame, none, 100).tolist() == [0, 0]
    view = border_view(frame, none, 100)
    assert (view.areas["reason"] == NO_SERVICE).all() and view.areas["border_penalty_m"].isna().all()
    assert view.areas["nearest_service_id"].tolist() == ["", ""]


def test_nobody_lives_there():
    got = e2sfca(areas([[0, 0], [1, 0]], [0, 0]), services([[0, 0]]), 100)
    assert got.tolist() == [0, 0]  # a site that nobody shares is not infinite access


def test_capacity_is_one_where_not_given_and_places_are_needed():
    sites = read_sites(services([[0, 0], [1, 1], [np.nan, 1]], capacity=[np.nan, 4, 2]))
    assert sites.capacity.tolist() == [1, 4] and sites.unplaced == 1
    with pytest.raises(Refused, match="negative"):
        read_sites(services([[0, 0]], capacity=[-1]))
    with pytest.raises(Refused, match="easting"):
        read_sites(pd.DataFrame({"northing": [1.0]}))


def test_conversions():
    assert metres_in(20) == 1_600 and minutes_for(1_600) == 20  # Todd and others: 20 minutes at 4.8 km/h
    assert minutes_for(1_000, 4.0) == 15  # Natural England


def test_fair_standard_blends_walking_and_driving():
    frame = areas([[0, 0], [0, 0], [0, 0]])
    got = nearest(frame, services([[1_600, 0]]), no_car_share=pd.Series([1.0, 0.0, 0.5]), driving_kmh=48.0)
    assert got.tolist() == pytest.approx([20.0, 2.0, 11.0])  # 1,600 m at 80 and 800 m a minute, and half of each
    with pytest.raises(Refused, match="0 to 1"):
        nearest(frame, services([[0, 0]]), no_car_share=pd.Series([20.0, 0, 0]))


def test_demand_choice():
    frame = areas([[0, 0], [0, 0]], [100, 100])
    got = e2sfca(frame, services([[0, 0]], capacity=[5]), 100, demand=pd.Series([10.0, np.nan]))
    assert got[0] == pytest.approx(500)  # 5 places for 10 people
    with pytest.raises(Refused, match="below 0"):
        e2sfca(frame, services([[0, 0]]), 100, demand=pd.Series([-1.0, 2.0]))


@pytest.mark.parametrize("bad", [0, -5, np.nan, np.inf, "far", None])
def test_bad_limit(bad):
    with pytest.raises(Refused, match="max_m"):
        coverage(areas([[0, 0]]), services([[0, 0]]), bad)


def test_bad_detour():
    with pytest.raises(Refused, match="no way is shorter"):
        nearest(areas([[0, 0]]), services([[0, 0]]), detour=0.8)


def test_an_unknown_car_share_is_the_regions_mean_and_not_nobody():
    # 0 and 0.5 are known: their mean is 0.25. 1,600 m on foot 20 minutes, by car 2: 0.25 * 20 + 0.75 * 2 = 6.5.
    frame, site = areas([[0, 0]] * 3), services([[1_600, 0]])
    got = nearest(frame, site, no_car_share=pd.Series([0.0, np.nan, 0.5]), driving_kmh=48.0)
    assert got.tolist() == pytest.approx([2.0, 6.5, 11.0])
    # Where no share at all is known, nobody is taken to have a car.
    nowhere = nearest(frame, site, no_car_share=pd.Series([np.nan] * 3), driving_kmh=48.0)
    assert nowhere.tolist() == pytest.approx([20.0] * 3)


def test_the_fair_standard_walks_the_detour_too():
    got = nearest(areas([[0, 0]]), services([[1_600, 0]]), no_car_share=pd.Series([0.5]), driving_kmh=48.0, detour=1.2)
    assert got.tolist() == pytest.approx([1.2 * 11.0])


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_all_and_no_households_with_a_car_are_shares(share):
    assert nearest(areas([[0, 0]]), services([[1, 0]]), no_car_share=pd.Series([share])).notna().all()
    for beyond in (-0.001, 1.001):
        with pytest.raises(Refused, match="from 0 to 1"):
            nearest(areas([[0, 0]]), services([[1, 0]]), no_car_share=pd.Series([beyond]))


# --- exactly at the limit, and equally near --------------------------------------------------------------------------


@pytest.mark.parametrize("detour", [1.0, 1.2, 1.4])
@pytest.mark.parametrize("place", [(600, 800), (0, 31), (1, 5), (1, 38), (0, 29)])
def test_a_site_exactly_at_the_limit_is_within(place, detour):
    """Among these are products that come out below the distance when they are divided by the detour again (31 * 1.2)."""
    frame, site = areas([[0, 0]]), services([place])
    limit = nearest(frame, site, detour=detour)[0]
    assert limit == float(np.sqrt(float(place[0] ** 2 + place[1] ** 2))) * detour
    assert coverage(frame, site, limit, detour=detour).tolist() == [1]
    assert coverage(frame, site, np.nextafter(limit, 0), detour=detour).tolist() == [0]
    assert len(access_model(frame, site, detour=detour).pairs(limit).cost) == 1
    # The catchment is empty at its edge: the kernel is 0 there.
    assert e2sfca(frame, site, limit, detour=detour).tolist() == [0]
    assert e2sfca(frame, site, 1.01 * limit, detour=detour)[0] > 0


def test_kept_pairs_are_cut_at_the_limit_and_not_before_it():
    frame, sites = areas([[0, 0]]), services([[300, 0], [1_000, 0], [1_000, 1]])
    model = access_model(frame, sites, detour=1.2)
    assert model.coverage(5_000).tolist() == [3]  # the wide search is kept, and cut
    assert model.coverage(1_200).tolist() == [2] and model.coverage(1_199.99).tolist() == [1]
    assert model.coverage(360).tolist() == [1] and model.coverage(359.9).tolist() == [0]


ON_A_CIRCLE = [(3, 4), (4, 3), (5, 0), (4, -3), (3, -4), (0, -5), (-3, -4), (-4, -3), (-5, 0), (-4, 3), (-3, 4), (0, 5)]


@pytest.mark.parametrize("many", [2, 3, 4, 8, 12])
def test_of_equally_near_services_the_first_is_named(many):
    """By id, wherever on the circle it lies and whatever the order of the file; however many are equally near."""
    frame = areas([[0, 0], [0, 0]], lad=["K", "L"])
    for turn in range(len(ON_A_CIRCLE)):
        places = (ON_A_CIRCLE[turn:] + ON_A_CIRCLE[:turn])[:many]
        sites = services([*places, (0, 50), (50, 0)], lad="K")  # two farther ones
        for table in (sites, sites.iloc[::-1]):
            cost, site = access_model(frame, table).nearest
            assert cost.tolist() == [5, 5] and site.tolist() == [0, 0]
            view = border_view(frame, table).areas
            assert view["nearest_service_id"].tolist() == ["S0", "S0"] and view["together_m"].tolist() == [5, 5]
            # Alone, the first of one's own, in its place among all.
            mine = table.assign(lad_code=np.where(table["service_id"] == "S0", "L", "K"))
            assert access_model(frame, mine, alone=True).nearest[1].tolist() == [1, 0]


def test_of_services_equally_many_minutes_away_the_first_is_named():
    frame, sites = areas([[0, 0]]), services([[0, 0], [1, 1], [2, 2], [3, 3]])
    rows = travel([["A0", "S3", 7.0], ["A0", "S2", 7.0], ["A0", "S1", 7.0], ["A0", "S0", 9.0]])
    assert access_model(frame, sites, travel=rows).nearest[1].tolist() == [1]


def test_an_own_service_as_near_as_the_first_is_meant():
    sites = services(ON_A_CIRCLE[:4], lad=["K", "K", "L", "K"])
    row = border_view(areas([[0, 0]], lad="L"), sites).areas.iloc[0]
    assert row["nearest_service_id"] == "S2" and row["nearest_lad"] == "L" and not row["nearer_elsewhere"]
    nearer = border_view(areas([[0, 0]], lad="L"), services([(5, 0), (4.999, 0)], lad=["L", "K"])).areas.iloc[0]
    assert nearer["nearest_service_id"] == "S1" and nearer["nearer_elsewhere"]


def test_residents_exactly_at_the_standard_are_within_it():
    totals = border_view(areas([[0, 0]], [70], lad="L"), services([[600, 800]]), 1_000).authorities.iloc[0]
    assert totals["residents_within_alone"] == 70 and totals["residents_within_together"] == 70
    totals = border_view(areas([[0, 0]], [70], lad="L"), services([[600, 800]]), 999.9).authorities.iloc[0]
    assert totals["residents_within_alone"] == 0 and totals["residents_within_together"] == 0


# --- worst fifth -----------------------------------------------------------------------------------------------------


def test_worst_fifth_includes_ties():
    mask, cut = worst_fifth(np.array([0.0] * 4 + [1, 2, 3, 4, 5, 6]), high_is_worse=False)
    assert mask.sum() == 4 and cut == 0  # 40% are at 0: all of them
    mask, cut = worst_fifth(np.arange(10.0), high_is_worse=True)
    assert mask.tolist() == [False] * 8 + [True] * 2 and cut == 8
    assert worst_fifth(np.array([np.nan, 3.0]), True)[0].tolist() == [False, True]
    assert not worst_fifth(np.array([np.nan]), True)[0].any()
    assert worst_fifth(np.full(3, np.inf), True)[0].all()  # no service: everyone


@given(st.lists(st.integers(0, 8), min_size=1, max_size=60))
@settings(max_examples=80)
def test_worst_fifth_is_the_linear_quantile(values):
    values = np.array(values, dtype="float64")
    mask, _ = worst_fifth(values, high_is_worse=False)
    assert mask.tolist() == (values <= np.quantile(values, 0.2)).tolist()
    assert mask.mean() >= 0.2


# --- travel times ----------------------------------------------------------------------------------------------------


def travel(rows):
    return pd.DataFrame(rows, columns=["origin", "destination", "minutes"])


def test_travel_table_replaces_distance():
    frame, sites = areas([[0, 0], [9, 9], [5, 5]], [10, 30, 7]), services([[0, 0], [1, 1]], capacity=[4, 2])
    table = travel([["A0", "S0", 30.0], ["A0", "S1", 12.0], ["A1", "S1", 0.0], ["A2", "S0", np.nan]])
    got = nearest(frame, sites, travel=table)
    assert got.tolist()[:2] == [12, 0] and np.isnan(got[2])  # the planner found no way from A2
    assert coverage(frame, sites, 15, travel=table).tolist() == [1, 1, 0]
    assert e2sfca(frame, sites, 40, travel=table)[2] == 0


@pytest.mark.parametrize("detour", [1.0, 1.4])
def test_no_detour_is_added_to_minutes_of_a_table(detour):
    frame, sites = areas([[0, 0], [9, 9]], [10, 30]), services([[0, 0], [1, 1]], capacity=[4, 2])
    table = travel([["A0", "S0", 30.0], ["A0", "S1", 12.0], ["A1", "S1", 15.0]])
    plain, ways = {"travel": table}, {"travel": table, "detour": detour}
    assert nearest(frame, sites, **ways).tolist() == [12, 15]
    assert coverage(frame, sites, 15, **ways).tolist() == [1, 1]  # 15 minutes are within 15 minutes
    assert coverage(frame, sites, 14.9, **ways).tolist() == [1, 0]
    assert e2sfca(frame, sites, 40, **ways).tolist() == e2sfca(frame, sites, 40, **plain).tolist()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([["A0", "S0", 1.0], ["A1", "S0", 1.0], ["B7", "S0", 2.0]], "not areas of this level: B7"),
        ([["A0", "S0", 1.0]], "1 areas have no row: A1"),
        ([["A0", "S0", 1.0], ["A1", "S9", 1.0]], "not services of this layer: S9"),
        ([["A0", "S0", 1.0], ["A1", "S0", -1.0]], "negative or not numbers"),
        ([["A0", "S0", 1.0], ["A1", "S0", "soon"]], "negative or not numbers"),
        ([["A0", "S0", 1.0], ["A1", "S0", 1.0], ["A1", "S0", 2.0]], "more than once"),
    ],
)
def test_bad_travel_tables(rows, said):
    with pytest.raises(Refused, match=said):
        read_travel(travel(rows), ["A0", "A1"], ["S0"])


def test_alone_counts_only_own_pairs_of_a_table():
    frame, sites = areas([[0, 0], [9, 9]], lad=["K", "M"]), services([[0, 0], [1, 1]], lad=["K", "L"])
    table = travel([["A0", "S0", 30.0], ["A0", "S1", 12.0], ["A1", "S1", 5.0]])
    cost, site = access_model(frame, sites, travel=table, alone=True).nearest
    assert cost.tolist() == [30, np.inf] and site.tolist() == [0, -1]
    assert coverage(frame, sites, 60, travel=table, alone=True).tolist() == [1, 0]
    assert coverage(frame, sites, 60, travel=table).tolist() == [2, 1]


def test_travel_table_needs_its_columns():
    with pytest.raises(Refused, match="minutes"):
        read_travel(pd.DataFrame({"origin": [], "destination": []}), [], [])


# --- laws ------------------------------------------------------------------------------------------------------------

worlds = st.tuples(st.integers(1, 14), st.integers(1, 8), st.integers(0, 10_000), st.sampled_from([3.0, 8.0, 40.0]))


def world(n, m, seed):
    rng = np.random.default_rng(seed)
    frame = areas(rng.integers(0, 12, (n, 2)), rng.integers(0, 50, n), lad=rng.choice(["K", "L"], n))
    return frame, services(rng.integers(0, 12, (m, 2)), rng.integers(0, 9, m), lad=rng.choice(["K", "L", ""], m)), rng


def slow_e2sfca(frame, sites, limit):
    """The published formula in plain dicts."""
    w = lambda d: (np.exp(-((d / limit) ** 2) / 2) - np.exp(-0.5)) / (1 - np.exp(-0.5)) if d < limit else 0.0  # noqa: E731
    d = {
        (i, j): np.hypot(a.centroid_x - s.easting, a.centroid_y - s.northing)
        for i, a in enumerate(frame.itertuples())
        for j, s in enumerate(sites.itertuples())
    }
    ratio = {}
    for j, s in enumerate(sites.itertuples()):
        reached = sum(w(d[i, j]) * a.population for i, a in enumerate(frame.itertuples()))
        ratio[j] = s.capacity / reached if reached else 0.0
    return [1_000 * sum(w(d[i, j]) * ratio[j] for j in ratio) for i in range(len(frame))]


@given(worlds)
@settings(max_examples=60)
def test_against_plain_loops_and_laws(shape):
    n, m, seed, limit = shape
    frame, sites, rng = world(n, m, seed)
    frame_before, sites_before = frame.copy(), sites.copy()
    d = np.hypot(
        frame["centroid_x"].to_numpy()[:, None] - sites["easting"].to_numpy(),
        frame["centroid_y"].to_numpy()[:, None] - sites["northing"].to_numpy(),
    )
    near, count, flow = nearest(frame, sites), coverage(frame, sites, limit), e2sfca(frame, sites, limit)
    # Whoever's nearest service is just within a limit is covered by one at least, and by none just below it.
    for detour in (1.0, 1.2, 1.4):
        model = access_model(frame, sites, detour=detour)
        for cost in np.unique(model.nearest[0]):
            assert (model.coverage(cost) > 0).tolist() == (model.nearest[0] <= cost).tolist()
    assert np.allclose(near, d.min(axis=1)) and count.tolist() == (d <= limit).sum(axis=1).tolist()
    assert np.allclose(flow, slow_e2sfca(frame, sites, limit))
    # Conservation: what people get adds up to the supply that any of them reach.
    reached = ((d < limit) & (frame["population"].to_numpy()[:, None] > 0)).any(axis=0)
    assert (flow * frame["population"]).sum() / 1_000 == pytest.approx(sites["capacity"][reached].sum())
    # Doubling supply doubles, doubling demand halves.
    assert np.allclose(e2sfca(frame, sites.assign(capacity=2 * sites["capacity"]), limit), 2 * flow)
    assert np.allclose(e2sfca(frame, sites, limit, demand=2 * frame["population"]), flow / 2)
    # More supply never lowers access.
    more = pd.concat([sites, services([[rng.integers(0, 12), rng.integers(0, 12)]], [3]).assign(service_id="new")])
    assert (nearest(frame, more) <= near).all() and (coverage(frame, more, limit) >= count).all()
    assert (e2sfca(frame, more, limit) >= flow - 1e-9).all()
    # Order and names of the rows change nothing.
    order = rng.permutation(m)
    assert np.allclose(e2sfca(frame, sites.iloc[order].assign(service_id=[f"Z{i}" for i in range(m)]), limit), flow)
    mixed = frame.iloc[rng.permutation(n)]
    assert np.allclose(e2sfca(mixed, sites, limit).sort_index(), flow)
    # Nothing was changed.
    pd.testing.assert_frame_equal(frame, frame_before)
    pd.testing.assert_frame_equal(sites, sites_before)


@given(worlds)
@settings(max_examples=40)
def test_border_laws(shape):
    n, m, seed, limit = shape
    frame, sites, rng = world(n, m, seed)
    view = border_view(frame, sites, limit)
    penalty = view.areas["border_penalty_m"]
    assert (penalty.dropna() >= 0).all()
    assert penalty.isna().tolist() == (~frame["lad_code"].isin(set(sites["lad_code"]) - {""})).tolist()
    assert (view.areas["reason"] != "").tolist() == penalty.isna().tolist()
    # Moving the border changes nothing in together.
    moved = border_view(frame.assign(lad_code=rng.choice(["K", "L", "M"], n)), sites, limit)
    assert np.allclose(view.areas["together_m"], moved.areas["together_m"])
    # The nearest service named is one of the nearest, whatever the order of the file.
    mixed = border_view(frame, sites.iloc[rng.permutation(m)], limit)
    assert mixed.areas["nearest_service_id"].tolist() == view.areas["nearest_service_id"].tolist()
    # Totals agree with the areas.
    elsewhere = frame["population"][view.areas["nearer_elsewhere"]].sum()
    assert view.authorities["residents_nearer_elsewhere"].sum() == elsewhere
    # Alone by brute force.
    for i, row in enumerate(frame.itertuples()):
        own = sites[sites["lad_code"] == row.lad_code]
        far = np.hypot(own["easting"] - row.centroid_x, own["northing"] - row.centroid_y).min() if len(own) else np.nan
        assert view.areas["alone_m"].iloc[i] == pytest.approx(far, nan_ok=True)


def test_alone_counts_only_own_pairs():
    frame, sites, _ = world(12, 6, 4)
    model = access_model(frame, sites, alone=True)
    for i, row in enumerate(frame.itertuples()):
        own = sites[sites["lad_code"] == row.lad_code]
        within = (np.hypot(own["easting"] - row.centroid_x, own["northing"] - row.centroid_y) <= 6).sum()
        assert model.coverage(6)[i] == within


def test_pairs_are_found_once_and_cut():
    frame, sites, _ = world(14, 8, 11)
    model = access_model(frame, sites)
    wide = model.pairs(9.0)
    again = access_model(frame, sites).pairs(5.0)
    cut = model.pairs(5.0)
    assert len(wide.cost) >= len(cut.cost) and np.array_equal(cut.cost, again.cost)
    assert set(zip(cut.rows, cut.cols, strict=True)) == set(zip(again.rows, again.cols, strict=True))


def test_pysal_access_agrees():
    pytest.importorskip("access")

    frame, sites, _ = world(14, 8, 5)
    frame["population"] = frame["population"] + 1
    limit = 7.0
    d = np.hypot(
        frame["centroid_x"].to_numpy()[:, None] - sites["easting"].to_numpy(),
        frame["centroid_y"].to_numpy()[:, None] - sites["northing"].to_numpy(),
    )
    i, j = np.nonzero(d <= limit)
    costs = pd.DataFrame(
        {"origin": frame["code"].to_numpy()[i], "dest": sites["service_id"].to_numpy()[j], "cost": d[i, j]}
    )
    from access.fca import two_stage_fca

    theirs = two_stage_fca(
        frame,
        sites.set_index("service_id"),
        costs,
        max_cost=limit,
        demand_index="code",
        demand_name="population",
        supply_index="service_id",
        supply_name="capacity",
        weight_fn=lambda cost: float(kernel(np.array([cost]), limit)[0]),
    )
    theirs = theirs.reindex(frame["code"]).fillna(0).to_numpy()  # PySAL says missing where nothing is in reach
    assert np.allclose(e2sfca(frame, sites, limit), 1_000 * theirs, atol=1e-12)
