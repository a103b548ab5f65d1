"""Views of the gaps: Tinyland by hand, the demonstration region, odd regions. The real North East is in test_real_gaps.py."""

from __future__ import annotations

import io
import json
import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dashboard.exports import write
from dashboard.jobs import Jobs, id_of
from dashboard.selection import Selection
from dashboard.views import gap_areas, gap_files, gap_map, gap_words, siting, wording
from dashboard.views import gaps as view
from dashboard.views import together as both
from dashboard.views.banding import MISSING, OUTSIDE
from layers import PUBLIC, SYSTEM, Cancelled, Change, NotFound, Refused, Viewer, find_gaps
from tests.tiny import SOUTH, WEST

ROOT = Path(__file__).resolve().parents[3]
ASKED = Selection(need="crowded", services=("clinics",), show="gap")
DEMO = Selection(need="alcohol-admissions", services=("alcohol-drug-services",), show="gap")


@pytest.fixture(scope="module")
def crowded(tiny):
    return view.gaps_of(tiny, ASKED, PUBLIC)


@pytest.fixture(scope="module")
def demo_gaps(demo):
    return view.gaps_of(demo, DEMO, PUBLIC)


@pytest.fixture()
def changed(serve, tiny_pack, tmp_path):
    """``changed(layer, table or None, **commonground)`` -> Tinyland with one layer of other rows or another descriptor."""

    def make(layer: str, table: pd.DataFrame | None = None, **ours):
        pack = tmp_path / "changed"
        shutil.copytree(tiny_pack, pack)
        folder = pack / "layers" / layer
        if table is not None:
            table.to_csv(folder / "data.csv", index=False)
        document = json.loads((folder / "datapackage.json").read_text("utf-8"))
        document["commonground"] |= ours
        for name in [name for name, value in ours.items() if value is None]:
            del document["commonground"][name]
        (folder / "datapackage.json").write_text(json.dumps(document), "utf-8")
        return serve(pack)

    return make


def clinics(*places: tuple[int, int]) -> pd.DataFrame:
    """Clinics in the middle of squares (column, row)."""
    return pd.DataFrame(
        {
            "service_id": [f"C{i}" for i in range(len(places))],
            "name": [f"Clinic {i}" for i in range(len(places))],
            "category": "clinic",
            "easting": [WEST + 500 + 1_000 * x for x, _ in places],
            "northing": [SOUTH + 500 + 1_000 * y for _, y in places],
        }
    )


# ---- by hand --------------------------------------------------------------------------------------------------------


def test_one_shared_community_by_hand(crowded):
    """crowded is i% in square i, T02 withheld: 15 values, so need >= 80 is rank >= 12.5: squares 14, 15 and 16.
    C1 is in T01 (0, 0), C2 in T04 (3, 0); all three stand 3,000 m or more away, the standard is 1,000 m."""
    table = crowded.result.areas.set_index("code")
    assert table.index[table["underserved"]].tolist() == ["T14", "T15", "T16"]
    assert table.at["T16", "need"] == pytest.approx(100 * 14.5 / 15)
    assert table.at["T16", "access"] == pytest.approx(3_000)
    assert table.at["T14", "access"] == pytest.approx(np.hypot(1_000, 3_000))
    assert np.isnan(table.at["T02", "need"])
    (card,) = crowded.cards
    assert (card.rank, card.shared, card.areas, card.residents) == (1, True, 3, 4_500)
    assert card.name == "North East, Eastshire and Westshire" and card.place == "North East"
    assert [(s.name, s.residents) for s in card.authorities] == [("Eastshire", 3_100), ("Westshire", 1_400)]
    assert card.authorities_words == "69% in Eastshire and 31% in Westshire"
    assert card.codes == ("T14", "T15", "T16")
    # mean need over residents: (1400 * 83.33 + 1500 * 90 + 1600 * 96.67) / 4500
    assert card.need == pytest.approx((1400 * 12.5 + 1500 * 13.5 + 1600 * 14.5) / 4500 / 15 * 100)
    assert card.border == "Everybody here is nearest to a service in their own authority."
    assert "Crowded homes" in card.drivers


def test_sentences_say_the_rule_and_what_was_found(crowded):
    assert gap_words.rule_sentence(crowded) == (
        "Underserved here means: need in the worst fifth of the region (80 or more of 100) and the nearest alcohol clinic "
        "more than 1 km away in a straight line."
    )
    said = gap_words.summary_sentence(crowded)
    lower, upper = (crowded.summary["underserved_residents_range"][name] for name in ("lower", "upper"))
    between = f"Between {wording.spoken(lower)} and {wording.spoken(upper)} residents are underserved when the choices "
    assert said.startswith(f"3 small areas with 4,500 residents are underserved. {between}")
    assert " vary. They form 1 community, " in said
    assert "The largest is North East, Eastshire and Westshire, with 4,500 residents." in said


@pytest.mark.parametrize(
    ("lower", "upper", "said"),
    [
        (
            105_321.0,
            149_700.0,
            "Between 105,000 and 150,000 residents are underserved when the choices behind the numbers vary.",
        ),
        (0.0, 4_512.0, "Up to 4,510 residents are underserved when the choices behind the numbers vary."),
        (87.0, 87.2, "About 87 residents are underserved when the choices behind the numbers vary."),
        (0.0, 0.0, ""),
    ],
)
def test_the_range_is_said_as_people_say_it(crowded, monkeypatch, lower, upper, said):
    monkeypatch.setitem(crowded.summary, "underserved_residents_range", {"lower": lower, "upper": upper})
    assert gap_words.range_sentence(crowded) == said
    monkeypatch.setitem(crowded.summary, "underserved_residents_range", None)
    assert gap_words.range_sentence(crowded) == ""


def test_nearly_certain_areas_are_named(crowded, monkeypatch):
    assert gap_words.near_certain_sentence(crowded) == ""
    monkeypatch.setitem(crowded.summary, "near_certain", [{"code": "T13", "name": "Square 13"}])
    assert gap_words.near_certain_sentence(crowded) == "Nearly certain, though not counted: Square 13."
    assert gap_words.summary_sentence(crowded).endswith("Nearly certain, though not counted: Square 13.")


def test_stability_is_said_in_words_and_never_rounded_up(crowded):
    share = crowded.cards[0].stability
    assert 0 <= share <= 1
    assert f"{int(100 * share + 1e-9)}% of 500 draws" in crowded.cards[0].stability_words
    assert wording.sure_percent(0.5996) == "59%"
    assert wording.sure_percent(0.29) == "29%"


@pytest.mark.parametrize("show", gap_map.SHOWS)
def test_classes_and_legend_agree(crowded, show):
    made = gap_map.painted(crowded, show)
    assert made.classes.dtype == np.uint8 and len(made.classes) == 16
    assert sum(row.count for row in made.rows) == 16
    assert sum(row.residents for row in made.rows) == 13_600
    for row in made.rows:
        assert (made.classes == row.code).sum() == row.count
    assert (gap_map.classes(crowded, show) == made.classes).all()


def test_gap_classes_are_need_third_times_three_plus_access_third(crowded):
    """15 needs: the worst third is ranks 11 to 15 (T12 to T16), the middle 6 to 10. 16 distances: the worst third holds six."""
    made = gap_map.painted(crowded, "gap")
    codes = dict(zip(crowded.result.areas["code"], made.classes, strict=True))
    assert codes["T16"] == 8 and codes["T15"] == 8
    assert codes["T02"] == MISSING
    assert codes["T01"] == 0
    assert len(made.cells) == 3 and made.cells[2][2].code == 8
    assert made.cells[2][2].name == "High need, poor access"
    need, access = crowded.result.areas["need"].to_numpy(), crowded.result.areas["access"].to_numpy()
    known = ~np.isnan(need)
    worst = np.sort(need[known])[::-1][int(np.ceil(known.sum() / 3)) - 1]
    assert ((made.classes // 3 == 2) == (known & (need >= worst))).all() or MISSING in made.classes
    far = np.sort(access)[::-1][int(np.ceil(len(access) / 3)) - 1]
    assert ((made.classes % 3 == 2)[known] == (access >= far)[known]).all()


def test_without_the_grid_the_map_shows_the_gaps_that_the_sentence_counts(crowded):
    made = gap_map.painted(crowded, "gap", grid=False)
    codes = dict(zip(crowded.result.areas["code"], made.classes.tolist(), strict=True))
    assert {code for code, found in codes.items() if found == gap_map.GAP} == {"T14", "T15", "T16"}
    assert codes["T02"] == MISSING and codes["T01"] == gap_map.REST
    counts = {row.name: row.count for row in made.rows}
    assert counts["Gap"] == crowded.summary["underserved_areas"]
    assert counts["Gap"] + counts["Near"] == crowded.summary["high_need_areas"]
    assert (made.colours, made.cells) == (3, ())


def test_the_emphasis_is_on_underserved_areas_and_their_names(crowded):
    made = gap_map.emphasis(crowded)
    assert made.indices == (13, 14, 15)
    ((name, longitude, latitude, rank),) = made.labels
    assert (name, rank) == ("North East", 1)
    inside = crowded.published.region.areas["lsoa"].total_bounds
    assert inside[0] < longitude < inside[2] and inside[1] < latitude < inside[3]


def test_rows_and_reading_of_areas(crowded):
    rows = gap_areas.gap_rows(crowded)
    assert rows["code"].tolist() == ["T16", "T15", "T14"]  # worst need first
    assert rows.index.tolist() == [15, 14, 13]  # places in area order
    assert rows["access_words"].tolist()[0] == "3 km"
    assert len(gap_areas.gap_rows(crowded, "all")) == 16
    reading = gap_areas.area_reading(crowded, 15)
    assert (reading.verdict, reading.authority) == ("Underserved", "Eastshire")
    assert "East clinic (Eastshire), 3 km away" in reading.access_sentence
    assert sum(part["points"] for part in reading.contributions) == pytest.approx(
        reading.contributions[0]["percentile"]
    )
    assert "not known" in gap_areas.area_reading(crowded, 1).need_sentence


def test_a_partner_narrows_what_is_listed_and_not_what_is_compared(tiny, crowded):
    west = view.gaps_of(tiny, replace(ASKED, partner="westshire"), PUBLIC)
    assert west.result.areas["need"].equals(crowded.result.areas["need"])
    assert west.summary["underserved_areas"] == 1  # T14
    assert set(gap_map.painted(west, "need").classes[[2, 3, 15]]) == {OUTSIDE}
    assert gap_areas.gap_rows(west)["code"].tolist() == ["T14"]
    assert "in Westshire Council" in gap_words.summary_sentence(west)
    assert [card.shared for card in west.cards] == [True]  # the community goes on across the border


def test_doubling_all_weights_changes_nothing(tiny):
    one = view.gaps_of(tiny, replace(ASKED, need="crowded=1,harm=2"), PUBLIC)
    two = view.gaps_of(tiny, replace(ASKED, need="crowded=2,harm=4"), PUBLIC)
    assert one.result.areas.equals(two.result.areas)


def test_kept_parts_give_the_same_numbers_as_a_fresh_start(tiny, serve, tiny_pack):
    """The third question is answered from kept percentiles, access and borders; a new server works it all out."""
    asked = [replace(ASKED, need=need) for need in ("crowded=1,harm=1", "harm", "crowded=3,harm=1")]
    warm = [view.gaps_of(tiny, selection, PUBLIC) for selection in asked][-1]
    cold = view.gaps_of(serve(tiny_pack), asked[-1], PUBLIC)
    pd.testing.assert_frame_equal(warm.result.areas, cold.result.areas)
    assert warm.result.to_json() == cold.result.to_json()
    quick = view.gaps_of(tiny, asked[-1], PUBLIC, quick=True)
    assert quick.result.areas["need"].equals(cold.result.areas["need"])
    assert quick.result.areas["underserved"].equals(cold.result.areas["underserved"])
    assert quick.result.stability is None and quick.result.vanishing is None


@pytest.mark.parametrize(
    ("metric", "rule"),
    [
        ("coverage", "and no alcohol clinic within 1 km in a straight line."),
        ("e2sfca", "no capacity within 1 km in a straight line, which is the lowest fifth of the region."),
    ],
)
def test_other_measures_of_access(tiny, metric, rule):
    found = view.gaps_of(tiny, replace(ASKED, metric=metric), PUBLIC)
    assert gap_words.rule_sentence(found).endswith(rule)
    assert found.result.areas["underserved"].sum() == 3
    labels = [row.label for row in gap_map.painted(found, "gap").rows]
    assert not [label for label in labels if "nan" in label or "  " in label]
    assert {row.count for row in gap_map.painted(found, "access").rows}


# ---- defined answers for odd cases ----------------------------------------------------------------------------------


def test_without_a_standard_poor_is_the_worst_fifth(changed):
    found = view.gaps_of(changed("clinics", access_standard=None), ASKED, PUBLIC)
    assert "a place among the fifth of areas farthest from the nearest alcohol clinic" in gap_words.rule_sentence(found)
    assert found.result.areas["poor"].sum() >= 4  # a fifth of 16, ties included
    assert view.gaps_of(found.published, replace(ASKED, max_m=1_000), PUBLIC).result.areas["underserved"].sum() == 3


def test_an_authority_without_services(changed):
    here = changed("clinics", clinics((0, 0)))  # one clinic in Westshire, none in Eastshire
    found = both.together_of(here, ASKED, PUBLIC)
    cards = {card.name: card for card in found.cards}
    # Eastshire: squares 3, 4, 7, 8, 11, 12, 15, 16 = 76 hundreds
    assert cards["Eastshire"].residents_nearer_elsewhere == 7_600 and cards["Eastshire"].services == 0
    assert (
        "Eastshire has no alcohol clinic of its own; all 7,600 residents rely on Westshire."
        in cards["Eastshire"].sentence
    )
    assert cards["Westshire"].residents_nearer_elsewhere == 0
    assert found.result.areas["alone_m"].isna().sum() == 8
    alone = view.gaps_of(here, replace(ASKED, alone=True), PUBLIC)
    assert "counting only services in the area's own authority" in gap_words.rule_sentence(alone)


def test_misjudged_when_looking_alone(changed):
    """Clinics in T02 (1, 0) of Westshire and T16 (3, 3) of Eastshire, standard 1,000 m.
    T03 (2, 0) of Eastshire is 1,000 m from Westshire's clinic and 3,162 m from its own; T15 (2, 3) has its own next door."""
    here = changed("clinics", clinics((1, 0), (3, 3)))
    found = both.together_of(here, ASKED, PUBLIC)
    east = next(card for card in found.cards if card.name == "Eastshire")
    assert east.residents_misjudged == 300
    assert found.summary["residents_misjudged"] == 300
    table = found.result.areas.set_index("code")
    assert table.at["T03", "border_penalty_m"] == pytest.approx(np.hypot(1_000, 3_000) - 1_000)
    # east: T03 (2,0), T04 (3,0), T07 (2,1) are nearer to T02's clinic; T08 (3,1) has 2,000 m to its own, 2,236 m to T02's
    # west: T13 (0,3) has 3,000 m to T16 and 3,162 m to its own, T14 (1,3) 2,000 m and 3,000 m
    other, flow = found.flows
    assert (other.name, other.residents) == ("Westshire", 1_300 + 1_400)
    assert (flow.name, flow.nearest_name) == ("Eastshire", "Westshire")
    assert flow.residents == 300 + 400 + 700
    assert flow.words == "1,400 residents of Eastshire are nearest to an alcohol clinic in Westshire."


def test_an_area_alone_and_a_region_with_nothing(lonely, bare):
    found = view.gaps_of(lonely, Selection(need="plain", services=("far",)), PUBLIC)
    assert found.summary["underserved_areas"] == 0  # need is 50 by definition
    assert "There is one area only" in " ".join(gap_words.notes_of(found))
    assert gap_words.summary_sentence(found).startswith("No small area is underserved")
    for show in gap_map.SHOWS:
        assert len(gap_map.classes(found, show)) == 1
    assert isinstance(view.gaps_or_reasons(bare, ASKED, PUBLIC), view.NoAnswer)


def indicator(values) -> pd.DataFrame:
    """Rows of ``crowded``: numerators of 100 households; "" where nothing is known."""
    return pd.DataFrame({"area_code": [f"T{i:02d}" for i in range(1, 17)], "numerator": values, "denominator": 100})


def worked_out(tiny, *, values: bool = True, sites: bool = True) -> view.Gaps:
    """The question of ``ASKED`` without any value, or without any site: states that no published layer has, but a level may."""
    layers = tiny.store.layer("crowded", PUBLIC), tiny.store.layer("clinics", PUBLIC)
    read = view.read_indicator(tiny, PUBLIC, layers[0], layers[0].period, ("lsoa", "ward", "lad"))
    if not values:
        read = replace(
            read, values={k: frame.assign(value=np.nan, status="missing") for k, frame in read.values.items()}
        )
    service = view.read_services(tiny, PUBLIC, layers[1])
    service = service if sites else replace(service, table=service.table.iloc[:0])
    request = view.request_of(tiny, ASKED)
    result = find_gaps(request, tiny.region.areas, {"crowded": read}, {"clinics": service})
    return view.Gaps(tiny, result, layers[:1], layers[1:], ("none", values, sites))


def test_no_service_at_all_is_poor_everywhere_and_said(tiny):
    found = worked_out(tiny, sites=False)
    assert "poor access, which is everywhere: there is no alcohol clinic at all" in gap_words.rule_sentence(found)
    assert "There is no service at all." in gap_words.notes_of(found)
    assert found.summary["underserved_areas"] == 3  # need alone decides
    assert "There is no such service anywhere." in found.cards[0].border
    reading = gap_areas.area_reading(found, 15)
    assert reading.verdict == "Underserved" and "There is no such service to measure to." in reading.access_sentence
    for show in gap_map.SHOWS:
        assert sum(row.count for row in gap_map.painted(found, show).rows) == 16


def test_need_that_is_known_nowhere_is_said(tiny):
    found = worked_out(tiny, values=False)
    assert gap_words.summary_sentence(found) == "Need is not known for any of these areas, so no gap can be named."
    assert "Need is not known for any area: no indicator has values here." in gap_words.notes_of(found)
    reading = gap_areas.area_reading(found, 3)
    assert reading.verdict == "Not underserved by this rule" and "not known" in reading.reason
    assert gap_words.vanishing_sentence(found) == ""
    for show in gap_map.SHOWS:
        assert sum(row.count for row in gap_map.painted(found, show).rows) == 16


def test_equal_values_stay_together(changed):
    """Six of sixteen areas (T11 to T16) share the worst value: all have need 100 * (13.5 - 0.5) / 16 = 81.25 and all are in."""
    found = view.gaps_of(changed("crowded", indicator([1] * 10 + [40] * 6)), replace(ASKED, max_m=500.0), PUBLIC)
    table = found.result.areas.set_index("code")
    assert table.loc["T11":"T16", "need"].tolist() == pytest.approx([81.25] * 6)
    assert table.index[table["underserved"]].tolist() == ["T11", "T12", "T13", "T14", "T15", "T16"]


def test_an_area_reading_says_which_half_of_the_rule_is_met(crowded):
    """T16 meets both, T04 (a clinic of its own) neither, T15's twin T13 is far but its need is 100 * 11.5 / 15 = 76.7."""
    both_halves, far = gap_areas.area_reading(crowded, 15), gap_areas.area_reading(crowded, 12)
    assert both_halves.reason.startswith(
        "Its need is high (97 of 100; 80 or more counts), and access is poor (poor means: "
    )
    assert far.reason.startswith("Its need is not high enough (77 of 100; 80 or more counts), but access is poor")
    neither = gap_areas.area_reading(crowded, 3)
    assert "not high enough" in neither.reason and "and access is not poor" in neither.reason
    assert gap_areas.area_reading(crowded, 1).reason.startswith(
        "Its need is not known, so it is not called underserved"
    )
    assert sum(part["points"] for part in both_halves.contributions) == pytest.approx(both_halves.need)


# ---- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("need", "services", "more", "said"),
    [
        ("poverty-rank", ("clinics",), {}, "is a rank"),
        ("clinics", ("clinics",), {}, "is a list of services, not an indicator"),
        ("harm", ("crowded",), {}, "is an indicator, not a list of services"),
        ("harm", (), {}, "No services were chosen"),
        ("", ("clinics",), {}, "No indicator was chosen"),
        ("harm", ("clinics",), {"max_m": -1.0}, "Max_m is -1.0"),
        ("harm", ("clinics",), {"detour": 0.5}, "no way is shorter than a straight line"),
        ("harm", ("clinics",), {"partner": "nobody"}, "There is no partner 'nobody'"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(tiny, need, services, more, said):
    sorry = view.gaps_or_reasons(tiny, Selection(need=need, services=services, **more), PUBLIC)
    assert isinstance(sorry, view.NoAnswer)
    assert any(said in reason for reason in sorry.reasons), sorry


@pytest.mark.parametrize("weights", [(0.0, 0.0), (-1.0, 2.0), (float("nan"), 1.0)])
def test_weights_that_make_no_sense_are_refused(tiny, weights):
    request = view.request_of(tiny, ASKED)
    request = replace(request, need=tuple(zip(("harm", "crowded"), weights, strict=True)))
    with pytest.raises(Refused) as refused:
        view.gaps_for(tiny, request, PUBLIC)
    assert refused.value.faults


def test_a_level_without_values_gives_the_layers_own_reason(tiny):
    sorry = view.gaps_or_reasons(tiny, replace(ASKED, need="poverty-rank", level="ward"), PUBLIC)
    reason = tiny.store.layer("poverty-rank", PUBLIC).reasons["ward"]
    assert any(reason.rstrip(".").casefold() in each.casefold() for each in sorry.reasons)


def test_a_hidden_layer_is_as_missing_as_one_that_never_was(changed):
    here = changed("crowded", audience="partners")
    with pytest.raises(NotFound) as hidden:
        view.gaps_of(here, ASKED, PUBLIC)
    with pytest.raises(NotFound) as missing:
        view.gaps_of(here, replace(ASKED, need="crowdee"), PUBLIC)
    assert str(hidden.value).replace("crowded", "x") == str(missing.value).replace("crowdee", "x")
    seen = view.gaps_of(here, ASKED, Viewer("eve", "eastshire", "viewer"))
    assert not seen.public
    with pytest.raises(NotFound):  # the answer is kept, and still asks who wants it
        view.gaps_of(here, ASKED, PUBLIC)


# ---- words for services ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "nearest"),
    [
        ("Drug and alcohol services", "nearest drug and alcohol service"),
        ("GP practices", "nearest GP practice"),
        ("Pharmacies", "nearest pharmacy"),
        ("Food banks and community pantries", "nearest of the food banks and community pantries"),
        ("Urgent care and walk-in centres", "nearest urgent care and walk-in centre"),
        ("Modern slavery support", "nearest site of “Modern slavery support”"),
    ],
)
def test_the_nearest_of_any_service_can_be_said(demo, title, nearest):
    layer = demo.store.layer("pharmacies", PUBLIC)
    layer = replace(layer, descriptor=replace(layer.descriptor, title=title))
    assert gap_words.nearest_words([layer]) == nearest


# ---- siting ---------------------------------------------------------------------------------------------------------


def test_one_new_site_by_hand(tiny):
    """T15 is 1,000 m from T14 and from T16, so one site there reaches all 4,500 residents of the gap."""
    request = siting.siting_request(tiny, ASKED, new=1)
    plan = siting.plan_sites(tiny, request, PUBLIC)
    (site,) = siting.site_cards(plan)
    assert (site.code, site.residents_gained) == ("T15", 4_500)
    assert "3,100 in Eastshire and 1,400 in Westshire" in site.gains
    assert "No other choice does better." in siting.plan_sentence(plan)
    names = dict(tiny.region.areas["lad"][["code", "name"]].itertuples(index=False))
    gains = plan.result.plan.by_authority.set_index("group")["newly_within"].rename(names).to_dict()
    assert gains == {"Eastshire": 1_100 + 1_500 + 1_600, "Westshire": 1_400}  # T11 is within 1,000 m of T15 too
    assert plan.result.plan.by_fifth["newly_within"].sum() == sum(gains.values())


def test_a_job_ends_with_the_answer_of_the_plan_itself(tiny):
    request = siting.siting_request(tiny, ASKED, new=2, demand="all")
    job_id = siting.start(tiny, request, PUBLIC)
    assert siting.start(tiny, request, PUBLIC) == job_id
    job = siting.wait(tiny, job_id, PUBLIC)
    assert (job.state, job.over, job.gap) == ("done", True, 0.0)
    plan = siting.plan_sites(tiny, request, PUBLIC)
    assert job.document == json.loads(json.dumps(plan.document()))
    elsewhere = Jobs(tiny)  # another process of the same server
    assert json.loads(elsewhere.status(job_id).result)["document"] == job.document


def test_jobs_refuse_at_once_and_ask_who_wants_to_know(changed):
    here = changed("crowded", audience="partners")
    eve = Viewer("eve", "eastshire", "viewer")
    here.store.accounts.add_user("eve", role="viewer", partner="eastshire", by=SYSTEM)
    with pytest.raises(Refused):
        siting.start(here, siting.siting_request(here, ASKED, new=17), eve)
    with pytest.raises(Refused):
        siting.start(here, siting.siting_request(here, ASKED, new=26), eve)
    job_id = siting.start(here, siting.siting_request(here, ASKED), eve)
    assert siting.wait(here, job_id, eve).state == "done"
    with pytest.raises(NotFound):
        siting.status(here, job_id, PUBLIC)
    for unknown in ("0" * 32, "../secret", ""):
        with pytest.raises(NotFound):
            siting.status(here, unknown, eve)


def test_a_job_can_be_cancelled_and_started_again(changed, monkeypatch):
    here = changed("crowded")
    request = siting.siting_request(here, ASKED, new=2, demand="all")
    real, told = siting.find_sites, []

    def slow(request, *rest, cancel=None, progress=None, **more):
        if cancel is None:
            return real(request, *rest, **more)
        progress("swaps", 10.0, 20.0)
        told.append(siting.cancel(here, id_of("plan", siting.key_of(replace(request, exact=True), gaps)), PUBLIC))
        for _ in range(600):
            if cancel():
                raise Cancelled
            time.sleep(0.05)
        raise AssertionError("the job was not told to stop")

    gaps = view.gaps_for(here, request.gaps, PUBLIC, quick=True)
    monkeypatch.setattr(siting, "find_sites", slow)
    job_id = siting.start(here, request, PUBLIC)
    job = siting.wait(here, job_id, PUBLIC)
    assert (job.state, job.stage, job.value, job.bound) == ("cancelled", "swaps", 10.0, 20.0)
    assert told[0].state == "cancelled"  # for whoever stopped it, at once
    assert job.document["sites"], "the quick answer stays readable"
    monkeypatch.setattr(siting, "find_sites", real)
    assert siting.start(here, request, PUBLIC) == job_id
    assert siting.wait(here, job_id, PUBLIC).state == "done"


def test_options_side_by_side(tiny, crowded):
    """A clinic opened in T15 relieves all three; closing C2 makes nobody newly underserved (T04 has low need)."""
    there = {"easting": WEST + 2_500.0, "northing": SOUTH + 3_500.0}
    opened, closed = siting.compare(
        crowded, PUBLIC, {"Open": [Change("open", "new", **there)], "Close": [Change("close", "C2")]}
    )
    assert (opened.residents_underserved, opened.relieved) == (0, 4_500)
    assert opened.sentence == "4,500 residents would no longer be underserved."
    assert (closed.relieved, closed.outcome.residents_newly_underserved, closed.services) == (0, 0, 1)
    with pytest.raises(Refused):
        siting.compare(crowded, PUBLIC, {"Bad": [Change("close", "C9")]})
    assert len(tiny.store.services("clinics", PUBLIC)) == 2


# ---- files ----------------------------------------------------------------------------------------------------------


def test_files_carry_what_their_numbers_are(crowded, tiny):
    document = gap_files.gaps_export(crowded, "2026-01-31")
    frame = pd.read_csv(io.BytesIO(write(document, "csv")))
    assert frame["code"].tolist() == [f"T{i:02d}" for i in range(1, 17)]
    assert set(frame["made_on"]) == {"2026-01-31"} and set(frame["notice"]) == {tiny.region.notice}
    assert set(frame["data"]) == {"crowded version 1; clinics version 1"}
    assert "seed=" in frame["parameters"][0] and "max_m=1000" in frame["parameters"][0]
    assert frame.loc[frame["underserved"] == "yes", "code"].tolist() == ["T14", "T15", "T16"]
    shapes = json.loads(write(document, "geojson"))
    assert len(shapes["features"]) == 16 and shapes["notice"] and shapes["layers"][0]["version"] == 1


# ---- the demonstration region and the real one ----------------------------------------------------------------------


def test_the_demonstration_has_underserved_areas_and_a_shared_community(demo_gaps):
    table = demo_gaps.result.areas
    assert table["underserved"].sum() >= 10
    shared = [card for card in demo_gaps.cards if card.shared]
    assert shared and all(len(card.authorities) >= 2 for card in shared)
    assert all(
        card.name and card.stability_word in ("firm", "likely", "borderline", "weak") for card in demo_gaps.cards
    )
    members = [index for card in demo_gaps.cards for index in card.indices]
    assert sorted(members) == np.flatnonzero(table["underserved"]).tolist()
    assert gap_words.vanishing_sentence(demo_gaps)
    # a second, dumber calculation of the rule
    poor = table["access"] > 4_000
    assert (table["underserved"] == ((table["need"] >= 80) & poor)).all()
