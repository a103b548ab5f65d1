"""Siting: brute force, the models of methods B8 on paper, spopt, and acting together."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csc_array, csr_array

from layers.geography.points import authorities_of
from layers.methods.gap_request import Note
from layers.methods.options import Change, apply_options, compare_options
from layers.methods.siting import plan_sites, who_gains
from layers.methods.solver import best_columns, fewest_columns, greedy, swaps, worth
from layers.methods.stability import Cancelled
from layers.model import Refused
from tests.tiny import SOUTH, WEST, tiny_areas

NONE = pd.DataFrame({"service_id": [], "easting": [], "northing": [], "lad_code": []})


def line(people, lads=None):
    """Areas 1,000 m apart on a line."""
    n = len(people)
    return pd.DataFrame(
        {
            "code": [f"A{i}" for i in range(n)],
            "name": [f"Area {i}" for i in range(n)],
            "ward_code": "W",
            "lad_code": ["L"] * n if lads is None else list(lads),
            "population": np.asarray(people, dtype="float64"),
            "centroid_x": 1_000.0 * np.arange(n),
            "centroid_y": 0.0,
        }
    )


def at(*places, lad="L"):
    return pd.DataFrame(
        {"service_id": [f"S{x:g}" for x in places], "easting": places, "northing": 0.0, "lad_code": lad}
    ).astype({"easting": "float64"})


# --- choosing columns ------------------------------------------------------------------------------------------------


@given(
    st.integers(0, 100_000),
    st.integers(2, 12),
    st.integers(2, 9),
    st.integers(1, 4),
    st.sampled_from(["any", "cover", "ties"]),
)
@settings(max_examples=120)
def test_best_columns_against_every_choice(seed, m, k, n, kind):
    rng = np.random.default_rng(seed)
    n = min(n, k)
    gain = rng.random((m, k)) * (rng.random((m, k)) < 0.5)
    if kind == "cover":
        gain = np.where(gain > 0, rng.integers(1, 50, (m, 1)), 0).astype("float64")
    if kind == "ties":
        gain = np.round(3 * gain)
    best = max(gain[:, list(c)].max(axis=1).sum() for c in itertools.combinations(range(k), n))
    sparse = csc_array(gain)
    first, values = greedy(sparse, n)
    assert len(set(first)) == n and values[-1] == pytest.approx(worth(sparse, first))
    assert values[-1] >= (1 - 1 / np.e) * best - 1e-9  # Nemhauser, Wolsey and Fisher
    assert worth(sparse, swaps(sparse, first)) >= values[-1] - 1e-9
    found = best_columns(sparse, n)
    assert found.value == pytest.approx(best) and found.proven and len(set(found.columns)) == n
    quick = best_columns(sparse, n, exact=False)
    assert quick.bound >= best - 1e-9 and quick.value <= best + 1e-9  # an honest bound


@given(st.integers(0, 100_000), st.integers(2, 14), st.integers(2, 10))
@settings(max_examples=80)
def test_fewest_columns_against_every_choice(seed, m, k):
    rng = np.random.default_rng(seed)
    cover = rng.random((m, k)) < 0.35
    cover[~cover.any(axis=1), 0] = True
    found = fewest_columns(csr_array(cover.astype(int)))
    size = next(
        s
        for s in range(1, k + 1)
        if any(cover[:, list(c)].any(axis=1).all() for c in itertools.combinations(range(k), s))
    )
    assert found.value == found.bound == size and cover[:, list(found.columns)].any(axis=1).all()


def test_hard_case_needs_the_solver():
    """Random gains without structure leave a gap that the bounds cannot close."""
    rng = np.random.default_rng(12)
    gain = csc_array(np.where(rng.random((40, 30)) < 0.15, rng.integers(1, 9, (40, 1)), 0).astype("float64"))
    heard = []
    found = best_columns(gain, 6, progress=lambda stage, value, bound: heard.append((stage, value, bound)))
    assert found.proven and heard[0][0] == "greedy" and all(b >= found.value - 1e-6 for _, _, b in heard)
    assert max(v for _, v, _ in heard) <= found.value + 1e-6
    with pytest.raises(Cancelled):
        best_columns(gain, 6, cancel=lambda: True)
    short = best_columns(gain, 6, time_limit=0.0)
    assert short.bound >= found.value and short.value <= found.value


# --- plans on paper --------------------------------------------------------------------------------------------------


def test_mclp_on_a_line():
    # People 5, 1, 1, 9, 2 at 0 to 4 km. One site within 1 km: at 3 km it reaches 1 + 9 + 2 = 12.
    areas = line([5, 1, 1, 9, 2])
    plan = plan_sites(areas, NONE, areas["population"], objective="mclp", new=1, max_m=1_000)
    assert plan.value == 12 and plan.proven and [s.code for s in plan.sites] == ["A3"]
    # A second one adds the 5 and the 1 at the start: that is everybody.
    plan = plan_sites(areas, NONE, areas["population"], objective="mclp", new=2, max_m=1_000)
    assert plan.value == 18 and plan.demand_within_after == 18
    # With a site standing at 3 km, the best addition is at the start: 6.
    plan = plan_sites(areas, at(3_000), areas["population"], objective="mclp", new=1, max_m=1_000)
    assert plan.value == 6 and plan.demand_within_before == 12 and plan.demand_within_after == 18
    assert plan.sites[0].nearest_existing_m in (2_000, 3_000)


def test_p_median_on_a_line():
    # 10 people at 0, 1 at 1 km, 10 at 4 km, nothing exists. Two sites at 0 and 4 km leave 1 person 1 km away.
    areas = line([10, 1, 0, 0, 10])
    plan = plan_sites(areas, NONE, areas["population"], objective="p-median", new=2)
    assert sorted(s.code for s in plan.sites) == ["A0", "A4"] and plan.mean_after == pytest.approx(1_000 / 21)
    assert plan.mean_before is None and plan.proven
    # A site at 0 stands: one new one at 4 km saves 10 people 4,000 m each.
    plan = plan_sites(areas, at(0), areas["population"], objective="p-median", new=1)
    assert plan.value == 40_000 and plan.mean_before == pytest.approx((1_000 + 40_000) / 21)


def test_lscp_on_a_line_and_who_cannot_be_covered():
    areas = line([1] * 7)
    plan = plan_sites(areas, NONE, areas["population"], objective="lscp", max_m=1_000)
    assert plan.new == 3 and plan.proven and plan.demand_within_after == 7  # 7 areas, 3 per site
    assert plan_sites(areas, at(1_000), areas["population"], objective="lscp", max_m=1_000).new == 2
    few = areas.iloc[[0]].rename(columns={"centroid_x": "easting", "centroid_y": "northing"})[
        ["code", "easting", "northing"]
    ]
    plan = plan_sites(areas, NONE, areas["population"], objective="lscp", max_m=1_000, candidates=few)
    assert plan.new == 1 and plan.uncoverable == ("A2", "A3", "A4", "A5", "A6") and plan.notes[1].code == "uncoverable"
    with pytest.raises(Refused, match="A6"):
        plan_sites(areas.iloc[6:], NONE, areas["population"].iloc[6:], objective="lscp", max_m=1_000, candidates=few)


def test_joint_beats_separate_at_a_border():
    # Two towns of 6 lie on either side of a border, 1 km apart; each authority also has a town of 5 far away.
    # One joint site between... at either town reaches 12; alone, a site counts 6 for its own and brings 12 all the same.
    areas = line([5, 0, 0, 0, 6, 6, 0, 0, 0, 5], "KKKKKLLLLL")
    plan = plan_sites(areas, NONE, areas["population"], objective="mclp", new=2, max_m=1_000)
    # Together: 12 + 5 = 17. Each for itself: 6 + 6 (one each, both at the border): 12.
    assert plan.value == 17 and plan.alone.counted == 12 and plan.alone.value == 12 and plan.alone.saving == 5
    assert (
        plan.alone.split == {"K": 1, "L": 1} and plan.alone.sites_needed_together == 1 and plan.alone.sites_saved == 1
    )


def test_lscp_saving_in_sites():
    areas = line([1, 1], "KL")
    plan = plan_sites(areas, NONE, areas["population"], objective="lscp", max_m=1_000)
    assert plan.new == 1 and plan.alone.split == {"K": 1, "L": 1} and plan.alone.sites_saved == 1


def test_who_gains_and_overlap():
    areas = line([5, 1, 1, 9, 1], "KKLLL")
    need = pd.Series([90.0, 70.0, 50.0, 30.0, np.nan])
    plan = plan_sites(areas, at(0), areas["population"], objective="mclp", new=1, max_m=1_000, need=need)
    gains = plan.by_authority.set_index("group")
    assert gains.at["L", "newly_within"] == 11 and gains.at["K", "newly_within"] == 0
    fifths = plan.by_fifth.set_index("group")["newly_within"]
    assert fifths[0] == 1 and fifths[2] == 9 and fifths[3] == 1 and fifths[5] == 0  # 0: need not known
    assert plan.sites[0].gained_by_lad == {"L": 11.0} and plan.sites[0].residents_within == 11
    assert plan.sites[0].already_within == 0


@pytest.mark.parametrize("detour", [1.0, 1.2, 1.4])
def test_a_candidate_exactly_at_the_limit_brings_its_area_in(detour):
    """31 m times 1.2 comes out as 37.199999999999996, and divided by 1.2 again below 31."""
    areas = line([5, 7, 9]).assign(centroid_x=[0.0, 31.0, 5_000.0])
    limit, both = 31.0 * detour, ("A0", "A1")
    plan = lambda **more: plan_sites(areas, NONE, areas["population"], detour=detour, compare_alone=False, **more)  # noqa: E731
    at_it = plan(max_m=limit)
    assert at_it.value == 12 and at_it.sites[0].code in both and at_it.sites[0].residents_within == 12
    assert at_it.demand_within_after == 12 and at_it.sites[0].residents_gained == 12
    assert plan(max_m=np.nextafter(limit, 0)).value == 9
    assert (
        plan(objective="lscp", max_m=limit).new == 2 and plan(objective="lscp", max_m=np.nextafter(limit, 0)).new == 3
    )
    # Who is exactly at the limit of an existing site is served, and nobody to plan for.
    stands = plan_sites(areas, at(0), areas["population"], max_m=limit, detour=detour)
    assert stands.demand_within_before == 12 and stands.value == 9 and stands.sites[0].already_within == 0
    near = plan_sites(areas.iloc[:2], at(0), areas["population"].iloc[:2], max_m=limit, detour=detour)
    assert near.value == 0 and near.sites[0].already_within == 12


@pytest.mark.parametrize("detour", [1.0, 1.2, 1.4])
def test_nothing_exactly_at_the_limit_is_lost_in_a_wide_search(detour):
    """The search by tree, which many areas and candidates bring on: 700 pairs of places, each pair 31 m apart, far from the next."""
    n = 700
    people = np.arange(1.0, n + 1)
    areas = line(people).assign(centroid_y=31.0)
    spots = pd.DataFrame({"code": [f"C{i:03d}" for i in range(n)], "easting": areas["centroid_x"], "northing": 0.0})
    spots["lad_code"] = "L"
    for place, found in ((0.0, people[-3:].sum()), (-1e-9, 0.0)):
        plan = plan_sites(
            areas,
            NONE,
            areas["population"],
            new=3,
            max_m=31.0 * detour,
            candidates=spots.assign(northing=place),
            detour=detour,
            compare_alone=False,
        )
        assert plan.value == found


def test_who_gains_counts_the_edge():
    before, after = (
        np.array([1_000.0, 1_000.1, 1_000.1, 900.0, 1_000.0]),
        np.array([1_000.0, 1_000.0, 1_000.1, 1_000.1, 999.0]),
    )
    gains = who_gains(pd.Series(["g"] * 5), np.array([1.0, 2, 4, 8, 16]), before, after, 1_000.0).iloc[0]
    assert gains["newly_within"] == 2 and gains["no_longer_within"] == 8
    assert gains["nearer"] == 2 + 16 and gains["farther"] == 8


def test_nobody_to_plan_for():
    areas = line([1, 2, 3])
    plan = plan_sites(areas, at(0), pd.Series([0.0, 0.0, 0.0]), objective="mclp", new=1, max_m=500)
    assert plan.value == 0 and plan.proven and plan.notes[0] == Note("no-demand")
    assert plan_sites(areas, at(0), pd.Series([0.0] * 3), objective="lscp", max_m=500).new == 0


def test_row_order_changes_nothing():
    areas = line([3, 1, 4, 1, 5, 9, 2, 6], "KKKLLLMM")
    order = np.random.default_rng(0).permutation(8)
    mixed = areas.iloc[order]
    for objective in ("mclp", "p-median"):
        one = plan_sites(areas, at(2_000), areas["population"], objective=objective, new=2, max_m=1_000)
        two = plan_sites(mixed, at(2_000), mixed["population"], objective=objective, new=2, max_m=1_000)
        assert one.value == two.value and {s.code for s in one.sites} == {s.code for s in two.sites}


def test_exclusions_and_candidates():
    areas = line([5, 1, 1, 9, 1])
    plan = plan_sites(areas, NONE, areas["population"], objective="mclp", new=1, max_m=1_000, exclude=("A3", "A4"))
    assert plan.value == 11 and plan.sites[0].code == "A2"  # 1 + 1 + 9
    for bad in ({"exclude": ("Z9",)}, {"new": 6}, {"new": 0}, {"max_m": 0}, {"max_m": None}, {"objective": "best"}):
        with pytest.raises(Refused):
            plan_sites(areas, NONE, areas["population"], **{"objective": "mclp", "new": 1, "max_m": 1_000} | bad)
    with pytest.raises(Refused, match="northing"):
        plan_sites(
            areas, NONE, areas["population"], max_m=1_000, candidates=pd.DataFrame({"code": ["x"], "easting": [1.0]})
        )


@given(st.integers(0, 10_000))
@settings(max_examples=15)
def test_more_sites_never_hurt_and_joint_is_never_worse(seed):
    rng = np.random.default_rng(seed)
    areas = line(rng.integers(0, 20, 12), rng.choice(["K", "L"], 12)).assign(
        centroid_x=rng.integers(0, 9_000, 12) * 1.0
    )
    last = 0.0
    for new in (1, 2, 3):
        plan = plan_sites(areas, at(100), areas["population"], objective="p-median", new=new)
        assert plan.value >= last - 1e-9
        last = plan.value
        if plan.alone is not None:
            assert plan.alone.saving >= 0 and plan.alone.value <= plan.value + 1e-6


def test_spopt_agrees():
    spopt = pytest.importorskip("spopt.locate")
    pulp = pytest.importorskip("pulp")
    rng = np.random.default_rng(8)
    areas = line(rng.integers(1, 90, 30)).assign(
        centroid_x=rng.uniform(0, 9_000, 30), centroid_y=rng.uniform(0, 9_000, 30)
    )
    cost = np.hypot(
        *(areas[["centroid_x", "centroid_y"]].to_numpy()[:, None] - areas[["centroid_x", "centroid_y"]].to_numpy()).T
    ).T
    people = areas["population"].to_numpy()
    solver = pulp.PULP_CBC_CMD(msg=False)
    mclp = spopt.MCLP.from_cost_matrix(cost, people, 1_500.0, p_facilities=3).solve(solver)
    ours = plan_sites(areas, NONE, areas["population"], objective="mclp", new=3, max_m=1_500, compare_alone=False)
    assert ours.value == pytest.approx(mclp.problem.objective.value())
    median = spopt.PMedian.from_cost_matrix(cost, people, p_facilities=3).solve(solver)
    ours = plan_sites(areas, NONE, areas["population"], objective="p-median", new=3, compare_alone=False)
    assert ours.mean_after * people.sum() == pytest.approx(median.problem.objective.value())
    lscp = spopt.LSCP.from_cost_matrix(cost, 1_500.0).solve(solver)
    ours = plan_sites(areas, NONE, areas["population"], objective="lscp", max_m=1_500, compare_alone=False)
    assert ours.new == lscp.problem.objective.value()


# --- options sandbox -------------------------------------------------------------------------------------------------


def test_apply_options_leaves_the_layer_alone():
    services = at(0, 3_000).assign(capacity=2.0)
    before = services.copy()
    changes = [
        Change("open", "new", 1_000.0, 0.0, name="Pop-up"),
        Change("close", "S3000"),
        Change("capacity", "S0", capacity=5.0),
        Change("move", "S0", 200.0, 10.0, lad_code="K"),
    ]
    after = apply_options(services, changes)
    pd.testing.assert_frame_equal(services, before)
    assert after["service_id"].tolist() == ["S0", "new"] and after["capacity"].tolist() == [5.0, 1.0]
    assert after["easting"].tolist() == [200.0, 1_000.0] and after["lad_code"].tolist()[0] == "K"


def test_bad_options_are_all_reported():
    bad = [
        Change("open", "S0", 0.0, 0.0),
        Change("close", "gone"),
        Change("move", "S0"),
        Change("capacity", "S0", capacity=-1.0),
        Change("capacity", "S0"),
        Change("paint", "S0"),
    ]
    with pytest.raises(Refused) as error:
        apply_options(at(0), bad)
    assert len(error.value.faults) == 6


def test_points_know_their_authority():
    areas = tiny_areas()["lsoa"]
    x, y = np.array([WEST + 100.0, WEST + 3_900.0, WEST - 5_000.0]), np.full(3, SOUTH + 100.0)
    assert authorities_of(areas, x, y).tolist() == ["TA", "TB", ""]


def test_compare_options_by_hand():
    areas = line([5, 1, 1, 9, 1], "KKLLL")
    need = pd.Series([90.0, 30.0, 50.0, 85.0, 10.0])
    options = {
        "nothing": [],
        "open": [Change("open", "n", 3_000.0, 0.0, lad_code="L")],
        "swap": [Change("move", "S0", 4_000.0, 0.0, lad_code="L")],
        "close": [Change("close", "S0")],
    }
    out = compare_options(areas, at(0), need, options, max_m=1_000)
    assert out["nothing"].residents_underserved == 9 and out["open"].residents_underserved == 0
    assert out["open"].residents_relieved == 9 and out["open"].residents_within == 17
    assert out["swap"].residents_relieved == 9 and out["swap"].residents_newly_underserved == 5
    gains = out["swap"].by_authority.set_index("group")
    assert gains.at["K", "no_longer_within"] == 6 and gains.at["L", "newly_within"] == 10
    assert out["close"].residents_underserved == 14 and out["close"].mean_cost is None and out["close"].services == 0
    assert out["open"].overlap[0]["nearest_existing_m"] == 3_000 and out["open"].overlap[0]["already_within"] == 0


def test_options_are_judged_at_the_edges_too():
    # Need 80 exactly is high; 1,000 m exactly (833.3 m with a detour of 1.2) is within.
    areas = line([5, 7, 11], "LLL").assign(centroid_x=[0.0, 1_000.0, 2_000.0])
    need = pd.Series([80.0, 79.9, 80.0])
    opened = {"open": [Change("open", "n", 1_000.0, 0.0, lad_code="L")]}
    out = compare_options(areas, at(-1_000), need, opened, max_m=1_000)["open"]
    assert out.areas["underserved_before"].tolist() == [False, False, True]
    assert out.residents_relieved == 11 and out.residents_within == 23
    assert out.overlap[0]["residents_within"] == 23 and out.overlap[0]["already_within"] == 5
    wide = compare_options(areas, at(-1_000), need, opened, max_m=1_200, detour=1.2)["open"]
    assert wide.residents_within == 23 and wide.overlap[0]["already_within"] == 5
    far = compare_options(areas, at(-1_000), need, opened, max_m=1_199, detour=1.2)["open"]
    assert far.areas["underserved_after"].tolist() == [True, False, True] and far.residents_within == 7
    other = compare_options(areas, at(-1_000), need, opened, max_m=1_000, threshold=79.9)["open"]
    assert other.residents_relieved == 18


def test_relative_rule_keeps_todays_cut():
    areas = line([1] * 10)
    need = pd.Series([90.0] * 10)
    out = compare_options(areas, at(0), need, {"open": [Change("open", "n", 9_000.0, 0.0, lad_code="L")]})
    # Today the fifth farthest away is at 8 and 9 km. With a site at 9 km nobody is 8 km away any more.
    assert out["open"].residents_underserved == 0 and out["open"].residents_relieved == 2
