"""Access besides distance (demand group, fair standard, travel times): the same numbers on screen, in the API and from commands."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from dashboard.app import create_app
from dashboard.cli import main
from dashboard.selection import Selection
from dashboard.views import gap_files, gap_words, measures, offer, siting
from dashboard.views import gaps as view
from dashboard.views.community import community_page
from dashboard.views.options import NO_TRAVEL, sandbox, valid_options
from layers import LEVELS, PUBLIC, Change, NotFound, Refused, TravelTable
from tests.measured import bus, write_measured_pack

ASKED = Selection(need="crowded", services=("clinics",), show="gap")


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return write_measured_pack(tmp_path_factory.mktemp("measured") / "measured")


@pytest.fixture(scope="module")
def here(serve, pack):
    return serve(pack)


def ask(here, **more):
    return view.gaps_of(
        here, Selection(**(ASKED.as_data() | {"services": ("clinics",), "overlays": ()} | more)), PUBLIC
    )


# ---- what each means ----------------------------------------------------------------------------------------------------


def test_the_fair_standard_by_hand(here):
    """T16 is 3 km from C2. Everybody there walks: 3000 / 80 = 37.5 minutes. T14 is sqrt(10) km from C1, half walk and half drive
    at 35 km/h (583.33 m a minute): sqrt(10) * 1000 * (0.5 / 80 + 0.5 / 583.33) minutes. 1,000 m is a walk of 12.5 minutes."""
    found = ask(here, fair=True)
    access = found.result.areas.set_index("code")["access"]
    assert access["T16"] == pytest.approx(37.5)
    assert access["T14"] == pytest.approx(np.sqrt(10) * 1_000 * (0.5 / 80 + 0.5 / (35_000 / 60)))
    assert found.result.access.limit == pytest.approx(12.5)
    said = gap_words.rule_sentence(found)
    assert "driven at 35 km/h" in said and "walked at 4.8 km/h" in said and "12.5 minutes" in said
    assert ask(here, fair=True, max_min=30.0).result.access.limit == 30
    assert [layer.id for layer in found.layers] == ["crowded", "clinics", "no-car"]  # what it rests on is credited
    assert found.result.vanishing is not None  # wards have the share too


def test_a_demand_group_by_hand(here):
    """Older people live in the two southern rows only. Within 1 km of C1 (T01): T01, T02, T05, but the kernel is 0 at 1 km, so
    T01's hundred have the whole capacity of C1: 1000 * 1 / 100."""
    found = ask(here, metric="e2sfca", group="older")
    access = found.result.areas.set_index("code")["access"]
    assert access["T01"] == pytest.approx(10.0)
    assert ask(here, metric="e2sfca").result.areas.set_index("code")["access"]["T01"] == pytest.approx(
        10.0
    )  # 100 residents
    wide = ask(here, metric="e2sfca", group="older", max_m=2_000)
    people = np.array([100] * 8 + [0] * 8)
    assert (people * wide.result.areas["access"]).sum() / 1_000 == pytest.approx(
        2
    )  # both sites given out among them alone
    assert "“Older”" in gap_words.rule_sentence(found) and "“Older”" in gap_words.access_title(found)


def test_travel_times_of_the_pack(here):
    found = ask(here, travel="bus")
    table = found.result.areas.set_index("code")
    assert table.at["T16", "access"] == 90 and table.at["T14", "access"] == 5
    assert table.index[table["underserved"]].tolist() == ["T16"]
    assert "“By bus”" in gap_words.rule_sentence(found)
    assert any("1 of 2 services is in no journey" in note for note in gap_words.notes_of(found))
    # TW4's mean is (3,800 * 5 + 1,600 * 90) / 5,400 = 30.2 minutes, beyond the 12.5 of a walked kilometre: T16 shows by ward.
    assert found.result.vanishing.areas == 0


def test_minutes_lead_from_small_areas_whatever_the_level():
    table = TravelTable("bus", "By bus", "lsoa", ("clinics",))
    assert measures.levels_of(table) == LEVELS and measures.fits(table, ["clinics"])
    assert not measures.fits(table, ["clinics", "pubs"])
    of_wards = replace(table, level="ward")  # minutes from the point of a ward say nothing of its residents
    assert measures.levels_of(of_wards) == () and not measures.fits(of_wards, ["clinics"])


def test_one_is_not_taken_for_the_other_in_what_is_kept(here):
    plain = ask(here).result.areas["access"]
    for more in ({"fair": True}, {"travel": "bus"}, {"metric": "e2sfca", "group": "older"}):
        assert not np.allclose(ask(here, **more).result.areas["access"], plain, equal_nan=True)
    pd.testing.assert_series_equal(ask(here).result.areas["access"], plain)


# ---- the same from screen, API and command --------------------------------------------------------------------------------

WAYS = [
    {"fair": True},
    {"fair": True, "max_min": 30.0},
    {"metric": "e2sfca", "group": "older", "max_m": 2_000.0},
    {"travel": "bus"},
    {"travel": "bus", "max_min": 60.0},
]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_screen_api_and_command_agree(here, pack, way, tmp_path, monkeypatch):
    want = json.loads(json.dumps(gap_files.gaps_document(ask(here, **way))))
    client = create_app(here, "a key for the tests only").server.test_client()
    query = {name: "yes" if value is True else value for name, value in way.items()}
    got = client.get("/api/v1/gaps", query_string={"need": "crowded", "services": "clinics"} | query)
    assert got.get_json() == want
    words = [
        f"--{name.replace('_', '-')}" if value is True else f"--{name.replace('_', '-')}={value}"
        for name, value in way.items()
    ]
    environment = {"COMMONGROUND_REGION": str(pack), "COMMONGROUND_HOME": str(tmp_path), "COMMONGROUND_SECRET_KEY": "x"}
    said = CliRunner().invoke(
        main, ["gaps", "--need", "crowded", "--services", "clinics", *words, "--json"], env=os.environ | environment
    )
    assert said.exit_code == 0, said.stderr
    document = json.loads(said.stdout)
    for each in (document, want):
        for layer in each["layers"]:
            del layer["published_at"]  # two stores, each filled at its own time
    assert document == want


def test_a_plan_and_an_option_keep_the_fair_standard(here):
    found = ask(here, fair=True)
    plan = siting.plan_sites(
        here, siting.siting_request(here, Selection(need="crowded", services=("clinics",), fair=True)), PUBLIC
    )
    assert plan.result.plan.unit == "min" and plan.result.plan.max_m == pytest.approx(12.5)
    (card,) = siting.compare(found, PUBLIC, {"A": (Change("open", "n", 423_500.0, 563_500.0),)})
    assert card.outcome.areas["access_after"].iloc[15] == pytest.approx(0)  # T16 has a site at its door
    assert card.outcome.areas["access_before"].iloc[15] == pytest.approx(37.5)


def test_options_leave_travel_times_out_and_say_so(here):
    query, sentences = valid_options(here, ASKED.to_query() | {"travel": "bus"}, PUBLIC)
    assert query.selection.travel == "" and NO_TRAVEL in sentences
    assert sandbox(here, query, PUBLIC).gaps.result.model.unit == "m"
    with pytest.raises(Refused, match="cannot be tried"):
        siting.compare(ask(here, travel="bus"), PUBLIC, {"A": ()})


def test_the_page_of_a_community_speaks_in_minutes(here):
    """A site in T15 is a kilometre from T14 and T16: 1000 * (0.5 / 80 + 0.5 / 583.33) = 7.1 minutes, and 12.5 for T16 on foot."""
    asked = Selection(**(ASKED.as_data() | {"services": ("clinics",), "overlays": (), "fair": True}))
    card = ask(here, fair=True).cards[0]
    page = community_page(here, asked, card.id, PUBLIC, site=True)
    assert page.card.access_words == "27.8 minutes to the nearest on average"
    assert any("from 27.8 minutes to 6.7 minutes" in sentence for sentence in page.site.sentences)
    by_bus = replace(asked, fair=False, travel="bus")
    assert community_page(here, by_bus, ask(here, travel="bus").cards[0].id, PUBLIC, site=True).site is None


# ---- what cannot be -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ({"travel": "tram"}, "no travel-time table 'tram'"),
        ({"travel": "bus", "fair": True}, "already says how long"),
        ({"group": "clinics"}, "does not count people"),
        ({"group": "poverty-rank"}, "does not count people"),
        ({"fair": True, "max_min": -1.0}, "max_min is -1"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_with_the_reason(here, way, said):
    with pytest.raises(Refused) as caught:
        ask(here, **way)
    assert said in str(caught.value)


def test_a_group_that_nobody_may_see_is_not_there(here):
    with pytest.raises(NotFound):
        ask(here, group="nothing")


def test_without_the_layer_the_fair_standard_is_refused_and_not_offered(tiny):
    with pytest.raises(Refused, match="cannot be worked out"):
        ask(tiny, fair=True)
    given = measures.as_offer(tiny, tiny.store.layers(PUBLIC))
    assert given["fair"] == [] and given["travel"] == []


@pytest.mark.parametrize(
    ("wanted", "changes", "notices"),
    [
        ({"fair": True, "max_min": 20.0}, {}, 0),
        ({"travel": "bus", "max_min": 20.0}, {}, 0),
        ({"travel": "bus", "fair": True}, {"fair": False}, 0),
        ({"travel": "bus", "level": "ward", "need": "harm"}, {"travel": "bus"}, 0),
        ({"travel": "tram"}, {"travel": ""}, 1),
        ({"group": "older"}, {}, 0),
        ({"group": "harm"}, {"group": ""}, 1),
        ({"max_min": 20.0}, {"max_min": None}, 0),
    ],
    ids=str,
)
def test_links_settle_on_what_is_there(here, wanted, changes, notices):
    asked = Selection(**(ASKED.as_data() | {"services": ("clinics",), "overlays": ()} | wanted))
    got, said = offer.valid_selection(here, asked, PUBLIC)
    assert {name: getattr(got, name) for name in changes} == changes and len(said) == notices
    for name in set(wanted) - set(changes):
        assert getattr(got, name) == wanted[name]


def test_the_command_stores_a_table_after_a_check(pack, tmp_path):
    own = tmp_path / "own"
    shutil.copytree(pack, own)
    shutil.rmtree(own / "travel")
    environment = os.environ | {
        "COMMONGROUND_REGION": str(own),
        "COMMONGROUND_HOME": str(tmp_path / "home"),
        "COMMONGROUND_SECRET_KEY": "x",
    }
    run = lambda *words: CliRunner().invoke(main, [str(word) for word in words], env=environment)  # noqa: E731
    file = tmp_path / "bus.csv"
    bus().to_csv(file, index=False)
    add = ("travel", "add", file, "--id", "tram", "--title", "By tram", "--services", "clinics")
    assert run(*add).exit_code == 0
    assert json.loads(run("travel", "list", "--json").stdout)["travel"][0]["id"] == "tram"
    asked = run("gaps", "--need", "crowded", "--services", "clinics", "--travel", "tram", "--json")
    assert json.loads(asked.stdout)["parameters"]["travel"] == "tram"
    bus().iloc[1:].to_csv(file, index=False)
    refused = run(*add)
    assert refused.exit_code == 1 and "T01" in refused.stderr
    assert run("travel", "add", file, "--id", "x", "--title", "X", "--services", "nothing").exit_code == 1
