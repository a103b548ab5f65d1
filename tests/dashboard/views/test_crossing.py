"""Crossing water on screen, in files and by command: Tinyland with a river, with and without a ferry."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from dashboard.cli import main
from dashboard.components.gaps import gap_legend
from dashboard.exports import write
from dashboard.selection import Selection
from dashboard.views import crossing_words, gap_areas, gap_files, gap_map, gap_words
from dashboard.views import gaps as view
from dashboard.views import together as both
from dashboard.views.banding import CROSSING
from layers import PUBLIC
from tests.islands import NORTH, write_island_pack

ASKED = Selection(need="crowded", services=("clinics",), show="gap")


@pytest.fixture(scope="module", params=[False, True], ids=["no ferry", "ferry"])
def river(request, tmp_path_factory):
    from dashboard.published import Published
    from layers import load_region, open_store

    home = tmp_path_factory.mktemp("river")
    region = load_region(write_island_pack(home / "pack", request.param))
    store = open_store(f"sqlite:///{home / 'store.sqlite'}", region)
    yield Published(region, store, home), request.param
    store.close()


def test_the_north_is_hatched_and_listed_apart_or_counts_by_the_ferry(river):
    here, ferry = river
    gaps = view.gaps_of(here, ASKED, PUBLIC)
    marked = gaps.result.areas.set_index("code")["crossing"]
    assert marked[marked].index.tolist() == ([] if ferry else NORTH)
    assert gaps.summary["crossing"]["codes"] == ([] if ferry else NORTH)
    assert all(set(c.areas).isdisjoint(NORTH) for c in gaps.result.communities) != ferry
    for show in ("gap", "access"):
        painted = gap_map.painted(gaps, show)
        assert (painted.classes == CROSSING).sum() == (0 if ferry else 4)
        names = [row.name for row in painted.rows]
        assert (crossing_words.ACROSS in names) != ferry
        assert sum(row.count for row in painted.rows) == 16
    assert CROSSING not in gap_map.painted(gaps, "need").classes
    outlined = {gaps.result.areas["code"].iloc[i] for i in gap_map.emphasis(gaps).indices}
    assert (outlined & set(NORTH) == set()) != ferry
    said = gap_words.notes_of(gaps)
    assert any("4 areas with 5,800 residents are across water" in note for note in said) != ferry


def test_a_straight_line_is_not_claimed_where_ways_go_around_water(river):
    """Titles, rules, parameters and notes say it alike; where no line is over water nothing is added (test_gap_words)."""
    here, _ = river
    gaps = view.gaps_of(here, ASKED, PUBLIC)
    around = "in a straight line (over land around water)"
    assert gap_words.access_title(gaps).endswith(around) and around in gap_words.rule_sentence(gaps)
    longer = view.gaps_of(here, replace(ASKED, detour=1.2), PUBLIC)
    assert "(a straight line times 1.2 for real roads, over land around water)" in gap_words.rule_sentence(longer)
    assert gap_files.gaps_document(gaps)["parameters"]["distance"] == "straight line, over land around water"
    together = both.together_of(here, ASKED, PUBLIC)
    assert both.parameters_in_words(together)["distance"] == "straight line, over land around water"


def test_an_area_says_how_it_gets_across(river):
    here, ferry = river
    gaps = view.gaps_of(here, ASKED, PUBLIC)
    place = here.region.position("lsoa", "T14")
    reading = gap_areas.area_reading(gaps, place)
    if ferry:
        assert reading.access_sentence.count("by the Tiny Ferry.") == 1 and "Across water" not in reading.verdict
    else:
        assert (
            reading.verdict == "Across water: listed apart"
            and "a straight line across water: no way" in reading.access_sentence
        )


def test_together_names_the_ferry(river):
    """The ferry is in the west: the north-east walks there, and T15 and T16 are then nearer to the west's clinic... or not."""
    here, ferry = river
    found = both.together_of(here, ASKED, PUBLIC)
    document = gap_files.together_document(found)
    rows = {row["code"]: row for row in document["areas"]}
    assert [rows[code]["crossing"] for code in NORTH] == [not ferry] * 4
    assert [rows[code]["crossings"] for code in NORTH] == [["Tiny Ferry (summer)"] if ferry else []] * 4
    assert document["summary"]["crossing"]["areas"] == (0 if ferry else 4)
    sentence = document["summary"]["sentence"]
    assert ("4 areas with 5,800 residents are across water" in sentence) != ferry
    for flow in document["summary"]["flows"]:
        assert set(flow) >= {"lad_code", "nearest_lad", "residents", "crossings", "name", "nearest_name"}


def test_files_have_a_column_for_it(river):
    here, ferry = river
    gaps, found = view.gaps_of(here, ASKED, PUBLIC), both.together_of(here, ASKED, PUBLIC)
    for document in (gap_files.gaps_export(gaps, "2026-11-30"), gap_files.together_export(found, "2026-11-30")):
        table = document.sheet().table.set_index("code")
        assert table.loc[NORTH, "crossing"].tolist() == [not ferry] * 4
        assert table.loc["T14", "crossings"] == ("Tiny Ferry (summer)" if ferry else "")
        for form in ("csv", "geojson"):
            assert write(document, form)


def test_the_screen_has_waves_in_its_key(river):
    here, ferry = river
    gaps = view.gaps_of(here, ASKED, PUBLIC)
    metric = gaps.result.access.metric
    text = str(gap_legend(gap_map.painted(gaps, "gap"), "gap", metric))
    assert ("hatched with waves" in text) != ferry
    text = str(gap_legend(gap_map.painted(gaps, "access"), "access", metric))
    assert ("swatch-crossing" in text) != ferry


def test_wards_of_which_most_live_across_are_marked(river):
    """T09 and T10 have 1,900 residents, T13 and T14 across the river 2,700: the ward of the four is marked."""
    here, ferry = river
    gaps = view.gaps_of(here, Selection(need="harm", services=("clinics",), show="gap", level="ward"), PUBLIC)
    assert gaps.result.areas["crossing"].tolist() == [False, False, not ferry, not ferry]


def test_the_command_says_it(river, monkeypatch):
    here, ferry = river
    monkeypatch.setenv("COMMONGROUND_REGION", str(here.region.path))
    monkeypatch.setenv("COMMONGROUND_HOME", str(here.home))
    found = CliRunner().invoke(
        main, ["gaps", "--need", "crowded", "--services", "clinics", "--json", "--robustness", "0"]
    )
    assert found.exit_code == 0, found.output
    document = json.loads(found.stdout)
    assert [row["crossing"] for row in document["areas"]] == [code in NORTH and not ferry for code in (
        row["code"] for row in document["areas"])]  # fmt: skip
    assert not list(here.home.glob("ways*"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Shields Ferry", "the Shields Ferry"),
        ("Tyne Tunnels (A19, toll)", "the Tyne Tunnels"),
        ("The Swing Bridge", "the Swing Bridge"),
        ("Duchess's Bridge, Alnmouth", "Duchess's Bridge, Alnmouth"),
        ("A189 bridge over the Blyth", "the A189 bridge over the Blyth"),
        ("(A1)", "the (A1)"),
    ],
)
def test_a_crossing_in_a_sentence(name, said):
    assert crossing_words.the_crossing(name) == said


def test_crossings_in_a_sentence():
    ferry, tunnel = {"name": "Ferry", "residents": 100.0}, {"name": "Tunnel", "residents": 20.0}
    assert crossing_words.by_crossings([ferry], 100.0) == "all of them by the Ferry"
    assert crossing_words.by_crossings([ferry], 101.0) == "100 of them by the Ferry"
    assert crossing_words.by_crossings([ferry, tunnel], 120.0) == "100 of them by the Ferry and 20 by the Tunnel"
    assert crossing_words.by_crossings([], 5.0) == crossing_words.crossings_sentence([]) == ""
