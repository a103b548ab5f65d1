"""The options sandbox and the community page: the link holds everything, the numbers are those of a slower count, odd input is told."""

from __future__ import annotations

import csv
import io
import math
import re
import threading
import time
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.callbacks.options import next_state
from dashboard.components import options as parts
from dashboard.jobs import ASKER, Asker
from dashboard.pages import find_page
from dashboard.selection import Selection
from dashboard.views import options as o
from dashboard.views import siting, suggestion
from dashboard.views.community import community_page, near_services, read_query
from dashboard.views.gaps import NoAnswer
from dashboard.views.option_results import change_lines, comparison, map_scene, option_sentence, outcomes, overlap_words
from dashboard.views.siting import wait
from layers import PUBLIC, Change, Viewer
from tests.dashboard.test_wiring import tree

QUESTION = {
    "need": "alcohol-admissions=2,higher-risk-drinking,violence",
    "services": "alcohol-drug-services",
}


def box_of(published, **query) -> o.Sandbox:
    state, _ = o.valid_options(published, QUESTION | query, PUBLIC)
    found = o.sandbox(published, state, PUBLIC)
    assert not isinstance(found, NoAnswer), found
    return found


def text_of(component) -> str:
    if isinstance(component, (list, tuple)):
        return " ".join(map(text_of, component))
    if hasattr(component, "to_plotly_json"):
        return text_of(getattr(component, "children", None))
    return "" if component is None else str(component)


# ---- the link -------------------------------------------------------------------------------------------------------

places = st.integers(1, 9_999_999).map(lambda n: n / 10)
sites = st.text(st.characters(blacklist_categories=("C", "Z")), min_size=1, max_size=12).filter(
    lambda s: s.isprintable()
)
changes = st.one_of(
    st.builds(lambda e, n, c: o.opened(e, n, c), places, places, st.none() | st.integers(0, 500).map(float)),
    st.builds(lambda s: Change("close", s), sites),
    st.builds(lambda s, e, n: Change("move", s, e, n), sites, places, places),
    st.builds(lambda s, c: Change("capacity", s, capacity=float(c)), sites, st.integers(0, 900)),
)
titles = st.text(st.characters(blacklist_categories=("C",)), max_size=30).map(o.clean_title)


@st.composite
def several(draw):
    keys = draw(st.lists(st.sampled_from(o.KEYS), min_size=1, max_size=5, unique=True))
    out = []
    for key in keys:
        option = o.Option(key, draw(titles))
        for change in draw(st.lists(changes, max_size=6)):
            option = option.with_change(change)
        out.append(option)
    return tuple(out)


@given(several())
@settings(max_examples=150)
def test_options_come_back_from_their_link_as_they_were(options):
    query = o.OptionsQuery(o.Selection(need="a", services=("b",)), None, options, options[-1].key)
    back, notices = o.OptionsQuery.from_query(dict(parse_qsl(query.query_string())))
    assert notices == ()
    # one empty option without a name is what there is without any word
    assert back.options == options or (o.write_options(options) == "" and back.options == (o.Option("A"),))
    assert back.query_string() == query.query_string()


@given(st.text(max_size=80))
@settings(max_examples=200)
def test_no_text_in_place_of_options_is_a_fault(text):
    options, _ = o.read_options(text)
    assert options and all(option.key in o.KEYS for option in options)
    again, notices = o.read_options(o.write_options(options))
    assert (again, notices) == (options, [])


@pytest.mark.parametrize(
    ("text", "kept", "notices"),
    [
        ("A:o425000-564000,xC12;B:", {"A": 2, "B": 0}, 0),
        ("A:o425000-564000-20", {"A": 1}, 0),
        ("A:m425-425000-564000.5", {"A": 1}, 0),  # a site whose id is a number
        ("A:mnorth-site-3-425000-564000", {"A": 1}, 0),  # and one with dashes
        ("A:cnorth-site-3-20", {"A": 1}, 0),
        ("A:zC1", {"A": 0}, 1),
        ("A:o425000", {"A": 0}, 1),
        ("A:o-425000-564000", {"A": 0}, 1),  # no place of Great Britain has a negative coordinate
        ("A:onan-564000", {"A": 0}, 1),
        ("A:cC1--5", {"A": 1}, 0),  # of a site that ends in a dash
        ("A:cC1-inf", {"A": 0}, 1),
        ("A:x", {"A": 0}, 1),
        ("Z:xC1", {"A": 0}, 1),
        ("A:xC1;A:xC2", {"A": 1}, 1),
        ("AB:xC1", {"A": 0}, 1),
    ],
)
def test_what_cannot_be_read_is_left_out_and_told(text, kept, notices):
    options, said = o.read_options(text)
    assert {option.key: len(option.changes) for option in options} == kept
    assert len(said) == notices


def test_changes_of_one_site_make_way_for_each_other():
    option = o.Option("A")
    option = option.with_change(Change("move", "C1", 1.0, 2.0)).with_change(Change("capacity", "C1", capacity=5.0))
    assert [c.kind for c in option.changes] == ["move", "capacity"]
    option = option.with_change(Change("move", "C1", 3.0, 4.0))
    assert [(c.kind, c.easting) for c in option.changes] == [("capacity", None), ("move", 3.0)]
    closed = option.with_change(Change("close", "C1"))
    assert [c.kind for c in closed.changes] == ["close"]
    assert [c.kind for c in closed.with_change(Change("move", "C1", 5.0, 6.0)).changes] == ["move"]


def test_a_hostile_link_opens_the_nearest_page_and_says_what_it_left_out(demo):
    query = QUESTION | {
        "new": "999",
        "objective": "magic",
        "demand": "<script>",
        "exclude": "E99,E08000037",
        "options": "A:xno-such-site,o430000-560000",
        "option": "Q",
        "colour": "red",
    }
    state, notices = o.valid_options(demo, query, PUBLIC)
    assert state.ask == o.PlanAsk(
        3, "mclp", "underserved", tuple(c for c in ("E08000037",) if c in set(demo.region.areas["lad"]["code"]))
    )
    assert [sum(word in text for text in notices) for word in ("999", "magic", "<script>", "colour")] == [1, 1, 1, 1]
    box = o.sandbox(demo, state, PUBLIC)
    assert [c.kind for c in box.query.option.changes] == ["open"]
    assert "no-such-site" in o.left_out(state, box.query)[0]


def test_without_a_question_the_page_opens_with_the_regions_own(demo):
    state, notices = o.valid_options(demo, {}, PUBLIC)
    assert state.selection.services == ("alcohol-drug-services",) and notices == ()
    assert not isinstance(o.sandbox(demo, state, PUBLIC), NoAnswer)


@pytest.mark.parametrize("query", [{"need": "none"}, {"need": "violence"}, {"services": "pharmacies", "need": "none"}])
def test_without_need_or_services_it_says_what_to_do(demo, query):
    state, _ = o.valid_options(demo, query, PUBLIC)
    found = o.sandbox(demo, state, PUBLIC)
    assert isinstance(found, NoAnswer) and "on the map" in found.reasons[0]


def test_the_pages_of_any_region_open_with_any_query(region_of_any_kind):
    for path in ("/options", "/communities/T01"):
        page, names = find_page(path)
        for query in (
            {},
            {"need": "none"},
            QUESTION,
            {"need": "plain", "services": "far", "new": "2"},
            {"options": "A:o1-1,xF"},
        ):
            content = page.layout(region_of_any_kind, query, PUBLIC, shapes=_shapes(region_of_any_kind), **names)
            assert [each for each in tree(content) if getattr(each, "id", None) == "main"]


def _shapes(published):
    from dashboard.map_files import Shapes

    return Shapes(published)


# ---- what a person does ---------------------------------------------------------------------------------------------


def test_actions_change_the_chosen_option_and_nothing_else(demo):
    box = box_of(demo, options="A:;B~Two:xalcohol-drug-services-002", option="B")
    site = "alcohol-drug-services-001"
    act = lambda query, **action: o.act(demo, query, action)  # noqa: E731
    query = act(box.query, do="close", site=site)
    assert [c.service_id for c in query.option.changes] == ["alcohol-drug-services-002", site]
    assert query.options[0] == box.query.options[0]
    assert act(query, do="reopen", site=site) == box.query
    moved = act(box.query, do="move", site=site, at=[54.97, -1.61])
    assert moved.option.changes[-1].kind == "move"
    assert act(moved, do="undo", site=site, kind="move") == box.query
    opened = act(box.query, do="open", place=f"area:{demo.region.areas['lsoa']['code'].iat[3]}")
    new = opened.option.changes[-1]
    row = demo.region.areas["lsoa"].iloc[3]
    assert (new.easting, new.northing) == (round(row["centroid_x"], 1), round(row["centroid_y"], 1))
    assert (
        act(opened, do="move", site=new.service_id, place="point:54.97000,-1.61000:").option.changes[-1].kind == "open"
    )
    assert act(opened, do="capacity", site=new.service_id, capacity="12").option.changes[-1].capacity == 12
    assert act(opened, do="close", site=new.service_id) == box.query
    assert act(box.query, do="name", title="  Near\nthe  station ").option.title == "Near the station"
    assert act(box.query, do="choose", option="A").chosen == "A"
    assert act(box.query, do="copy").option == replace(box.query.option, key="C", title="")
    assert act(box.query, do="remove").options == box.query.options[:1]
    assert act(box.query, do="clear").option.changes == ()


@pytest.mark.parametrize(
    "action",
    [
        None,
        {},
        {"do": "explode"},
        {"do": "open"},
        {"do": "open", "at": [math.nan, 0]},
        {"do": "open", "at": "54,1,2"},
        {"do": "open", "at": [0.0, 0.0]},
        {"do": "open", "place": "area:E99999999"},
        {"do": "open", "place": "point:"},
        {"do": "move", "at": [54.9, -1.6]},
        {"do": "close"},
        {"do": "choose", "option": "H"},
        {"do": "remove"},
        {"do": "take"},
        {"do": "capacity", "site": ""},
    ],
)
def test_what_makes_no_sense_changes_nothing(demo, action):
    box = box_of(demo, options="A:xalcohol-drug-services-002")
    assert o.act(demo, box.query, action) == box.query


def test_there_are_never_more_than_eight_options(demo):
    query = box_of(demo).query
    for _ in range(12):
        query = o.act(demo, query, {"do": "add"})
    assert "".join(option.key for option in query.options) == o.KEYS


def test_back_brings_the_options_of_that_address_for_the_same_question(demo):
    state = box_of(demo, options="A:xalcohol-drug-services-002").query.to_query()
    asked = {"do": "go", "query": "?need=violence&services=pharmacies&options=A:xalcohol-drug-services-003"}
    there = next_state(demo, state, asked, (), PUBLIC)
    assert there["options"] == "A:xalcohol-drug-services-003"
    assert there["need"] == QUESTION["need"] and there["services"] == QUESTION["services"]


# ---- the numbers ----------------------------------------------------------------------------------------------------


def by_hand(box, sites, limit=4000.0):
    """Underserved residents and mean distance, counted area by area without any of the engine."""
    areas = box.published.region.areas["lsoa"]
    need = box.gaps.result.need.score.to_numpy()
    underserved, weighted, people = set(), 0.0, 0.0
    for i, (x, y, n) in enumerate(zip(areas["centroid_x"], areas["centroid_y"], areas["population"], strict=True)):
        nearest = min(math.hypot(x - sx, y - sy) for sx, sy in sites)
        if need[i] >= 80 and nearest > limit:
            underserved.add(i)
        weighted, people = weighted + nearest * n, people + n
    residents = lambda where: sum(areas["population"].iat[i] for i in where)  # noqa: E731
    return underserved, residents, weighted / people


def test_the_table_is_what_counting_area_by_area_gives(demo):
    box = box_of(
        demo, options="A~More:o430000-556000;B:xalcohol-drug-services-001,malcohol-drug-services-002-431000-561000"
    )
    today = {row.service_id: (row.easting, row.northing) for row in box.sites.itertuples()}
    with_a = {**today, "new": (430_000, 556_000)}
    with_b = {k: v for k, v in today.items() if k != "alcohol-drug-services-001"}
    with_b["alcohol-drug-services-002"] = (431_000, 561_000)
    table = comparison(box, PUBLIC)
    assert table.columns == ("As it is now", "A: More", "Option B")
    rows = {row.name: [cell.number for cell in row.cells] for row in table.groups[0].rows}
    now, count, _ = by_hand(box, list(today.values()))
    for column, sites in enumerate((today, with_a, with_b)):
        then, _, mean = by_hand(box, list(sites.values()))
        assert rows["Sites"][column] == len(sites)
        assert rows["Residents underserved"][column] == pytest.approx(count(then))
        assert rows["No longer underserved"][column] == pytest.approx(count(now - then))
        assert rows["Newly underserved"][column] == pytest.approx(count(then - now))
        assert rows["Mean distance to the nearest"][column] == pytest.approx(mean, rel=1e-9)
        scene = map_scene(replace(box, query=replace(box.query, chosen="AB"[column - 1])), PUBLIC) if column else None
        if scene:
            assert set(scene["before"]) == now and set(scene["after"]) == then
            assert set(scene["relieved"]) == now - then and set(scene["newly"]) == then - now
    lads = table.groups[1]
    assert sum(row.cells[2].number for row in lads.rows) == pytest.approx(rows["Residents underserved"][2])


def test_an_option_without_changes_is_today(demo):
    table = comparison(box_of(demo, options="A:;B:"), PUBLIC)
    for group in table.groups:
        for row in group.rows:
            assert len({(cell.words, cell.number, cell.note) for cell in row.cells}) == 1, row.name


def test_without_any_site_everything_of_high_need_is_underserved_and_no_distance_is_named(demo):
    closed = ",".join(f"x{site}" for site in box_of(demo).sites["service_id"])
    box = box_of(demo, options=f"A:{closed}")
    rows = {row.name: row.cells[1] for row in comparison(box, PUBLIC).groups[0].rows}
    assert rows["Sites"].number == 0
    assert rows["Mean distance to the nearest"].words == "–"
    high = (box.gaps.result.need.score >= 80).to_numpy()
    assert rows["Residents underserved"].number == pytest.approx(
        demo.region.areas["lsoa"]["population"].to_numpy()[high].sum()
    )
    assert "would become underserved" in option_sentence(box, box.query.option, outcomes(box, PUBLIC)["A"])


def test_with_a_partner_its_own_residents_are_counted(demo):
    partner = demo.region.partners[0]
    box = box_of(demo, partner=partner.id, options="A:o430000-556000")
    table = comparison(box, PUBLIC)
    assert table.scope == partner.name
    people = demo.region.areas["lsoa"]["population"].to_numpy()
    before = outcomes(box, PUBLIC)[""].outcome.areas["underserved_before"].to_numpy(bool)
    rows = {row.name: row.cells[0].number for row in table.groups[0].rows}
    assert rows["Residents underserved"] == pytest.approx(people[before & box.gaps.in_view].sum())
    assert len(table.groups[1].rows) == len(partner.footprint)


def test_words_of_changes_and_overlap(demo):
    box = box_of(
        demo, options="A:o430000-556000,xalcohol-drug-services-001,calcohol-drug-services-002-7", metric="e2sfca"
    )
    lines = change_lines(box, box.query.option, outcomes(box, PUBLIC)["A"])
    assert (
        lines[0].words.startswith("New site 1 in ")
        and lines[0].number == 1
        and "km from the nearest" in lines[0].overlap
    )
    assert lines[1].words.startswith("Close ") and lines[2].words.startswith("Capacity 7 for ")
    entry = {"nearest_existing_m": 2000.0, "residents_within": 400.0, "already_within": 0.0}
    assert (
        overlap_words(entry)
        == "2 km from the nearest other site of today. None of the 400 residents in its reach has one today."
    )
    assert overlap_words(entry | {"already_within": 100.0}).endswith(
        "25% of the 400 residents in its reach already have one."
    )
    assert overlap_words(entry | {"nearest_existing_m": None}) == "There is no other site today."


# ---- suggested sites ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("objective", ["mclp", "p-median", "lscp"])
def test_a_plan_appears_at_once_and_is_then_proven(demo, objective):
    box = box_of(demo, new="2", objective=objective)
    first = suggestion.begin(box, box.query.ask, PUBLIC)
    assert first.sites and first.job and first.progress
    wait(demo, first.job, PUBLIC, 60)
    done = suggestion.follow(box, box.query.ask, first.job, PUBLIC)
    assert done.over and done.state == "done" and done.share == 1.0
    assert done.progress == "Proven best: no other choice of sites does better."
    assert len(done.places) == len(done.sites) == (2 if objective != "lscp" else len(done.sites))
    assert done.alone and done.alone_numbers["saving"] >= 0
    assert done.by_fifth[0].name == "Most need (last fifth)"
    # asked again, the proven answer is there at once
    assert suggestion.begin(box, box.query.ask, PUBLIC).progress == done.progress


def test_what_the_plan_promises_is_what_its_sites_give_as_an_option(demo):
    box = box_of(demo, new="3")
    plan = siting.quick(demo, suggestion.request_of(box, box.query.ask), PUBLIC)
    places = suggestion.begin(box, box.query.ask, PUBLIC).places
    query = o.act(demo, box.query, {"do": "take"}, places)
    assert query.option.title == "3 suggested sites" and len(query.options) == 1
    taken = replace(box, query=query)
    relieved = outcomes(taken, PUBLIC)["A"].relieved
    assert relieved == pytest.approx(plan.result.plan.value)
    # a second one does not overwrite the first
    assert len(o.act(demo, query, {"do": "take"}, places).options) == 2


def test_no_request_waits_for_a_dear_plan(tiny, monkeypatch):
    """The greedy answer is a job like the proof where so many pairs are weighed: whoever answers people never works it out."""
    here, real, told = threading.get_ident(), siting.find_sites, []

    def found(*rest, **more):
        told.append(threading.get_ident() == here)
        return real(*rest, **more)

    monkeypatch.setattr(siting, "find_sites", found)
    monkeypatch.setattr(siting, "PER_PAIR_S", 1.0)
    monkeypatch.setattr(tiny.jobs, "wait_s", 0.0)
    ask = o.PlanAsk(new=3, objective="p-median", demand="all", exclude=(tiny.region.areas["lsoa"]["code"].iloc[0],))
    box = o.sandbox(tiny, o.OptionsQuery(Selection(need="crowded", services=("clinics",)), ask), PUBLIC)
    token = ASKER.set(Asker("address:test"))
    try:
        first = suggestion.begin(box, box.query.ask, PUBLIC)
        if not first.sites:
            assert not first.over and first.job and "takes a while" in text_of(parts.plan_answer(first))
        end = time.monotonic() + 60
        while not (shown := suggestion.follow(box, box.query.ask, first.job, PUBLIC)).over and time.monotonic() < end:
            time.sleep(0.05)
        assert shown.state == "done" and len(shown.sites) == 3 and shown.alone
        # without a proof it is a job of its own
        request = replace(suggestion.request_of(box, box.query.ask), exact=False, new=2)
        assert siting.quick(tiny, request, PUBLIC) is None
        job = siting.wait(tiny, siting.start(tiny, request, PUBLIC), PUBLIC)
        while not job.over and time.monotonic() < end:
            time.sleep(0.05)
            job = siting.status(tiny, job.id, PUBLIC)
        assert (job.state, job.stage, len(job.document["sites"])) == ("done", "greedy", 2)
    finally:
        ASKER.reset(token)
    assert told and not any(told)
    assert siting.plan_sites(tiny, siting.greedy_request(request), PUBLIC).document()["sites"] == [
        site | {"serves": tuple(site["serves"])} for site in job.document["sites"]
    ]


def test_a_plan_that_cannot_be_made_says_why(demo):
    everywhere = ",".join(demo.region.areas["lad"]["code"])
    step = parts.plan_step(demo, QUESTION | {"new": "2", "exclude": everywhere}, None, PUBLIC)
    assert not step.waiting and "candidates" in text_of(step.children)
    assert parts.plan_step(demo, QUESTION | {"new": "2", "exclude": everywhere}, step.data, PUBLIC) is None


def test_the_steps_of_a_plan_end_and_then_nothing_changes(demo):
    state = QUESTION | {"new": "4", "demand": "all"}
    step = parts.plan_step(demo, state, None, PUBLIC)
    assert len(step.data["places"]) == 4
    if step.waiting:
        wait(demo, step.data["job"], PUBLIC, 60)
        step = parts.plan_step(demo, state, step.data, PUBLIC)
    assert not step.waiting and step.data["over"]
    assert parts.plan_step(demo, state, step.data, PUBLIC) is None
    # a change of the options leaves the plan as it stands; no plan asked for takes it away
    assert parts.plan_step(demo, state | {"options": "A:o430000-556000"}, step.data, PUBLIC) is None
    assert parts.plan_step(demo, QUESTION, step.data, PUBLIC).children == []


# ---- on the page and as files ---------------------------------------------------------------------------------------


def test_the_site_list_ticks_what_is_open_and_finds_by_name_and_authority(demo):
    box = box_of(demo, options="A:xalcohol-drug-services-003")
    rows = [each for each in tree(parts.sites(box)) if getattr(each, "role", None) == "checkbox"]
    assert len(rows) == len(box.sites) == 21
    first = rows[0].to_plotly_json()["props"]
    assert first["data-site"] == "alcohol-drug-services-003" and first["aria-checked"] == "false"
    assert first["data-option-do"] == "reopen"
    some = parts.sites(box, "gatesHEAD")
    found = [each for each in tree(some) if getattr(each, "role", None) == "checkbox"]
    assert 0 < len(found) < 21 and all("Gateshead" in text_of(each) for each in found)
    assert "0 of 21 sites" in text_of(parts.sites(box, "(no such["))


def test_capacity_can_be_changed_where_it_counts(demo):
    def fields(box):
        return [each for each in tree(parts.sites(box)) if "data-capacity-of" in each.to_plotly_json()["props"]]

    assert fields(box_of(demo)) == []
    assert len(fields(box_of(demo, metric="e2sfca"))) == 21


def test_the_files_hold_the_table_and_say_what_it_rests_on(demo, demo_client):
    query = QUESTION | {"options": "A~=1+1:o430000-556000;B:xalcohol-drug-services-001"}
    table = comparison(box_of(demo, options=query["options"]), PUBLIC)
    answer = demo_client.get("/data/options.csv", query_string=query)
    assert answer.status_code == 200 and "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))
    wanted = [row for group in table.groups for row in group.rows]
    assert [row["measure"] for row in rows] == [row.name for row in wanted]
    assert [float(row["Option B"]) for row in rows] == [pytest.approx(row.cells[2].number) for row in wanted]
    assert rows[0]["rule"] and rows[0]["data"] and rows[0]["made_on"] and "Demonstration" in rows[0]["note"]
    document = demo_client.get("/data/options.json", query_string=query).get_json()
    assert [option["key"] for option in document["options"]] == ["A", "B"]
    assert document["options"][0]["changes"][0]["easting"] == 430_000
    assert document["comparison"][1]["values"]["B"] == pytest.approx(wanted[1].cells[2].number)
    assert document["layers"] and document["note"]
    assert document["parameters"]["distance"] == "straight line, over land around water"
    assert document["parameters"]["rule"] == document["rule"]


@pytest.mark.parametrize("path", ["/data/options.xml?need=violence&services=pharmacies", "/data/options.csv?need=none"])
def test_no_file_where_there_is_nothing_to_say(demo_client, path):
    assert demo_client.get(path).status_code == 404


# ---- the page of a community ----------------------------------------------------------------------------------------


def selection_of(**query):
    return read_query(QUESTION | query)[0]


def test_who_writes_briefings_can_pin_the_comparison_with_the_view_that_is_shown(demo):
    page, names = find_page("/options")

    def link(viewer: Viewer) -> list[str]:
        drawn = str(page.layout(demo, QUESTION, viewer, shapes=_shapes(demo), **names))
        return re.findall(r"/briefings/pin\?[^'\"]+", drawn)

    assert link(PUBLIC) == [] == link(Viewer("vic", "newcastle", "viewer"))
    (found,) = link(Viewer("ann", "newcastle", "analyst"))
    given = dict(parse_qsl(urlsplit(found).query))
    assert given == {"kind": "options", "view": box_of(demo).query.query_string()}


def test_the_page_of_a_community_says_what_its_card_says(demo):
    box = box_of(demo)
    card = box.gaps.cards[0]
    found = community_page(demo, selection_of(), card.id, PUBLIC)
    assert found.card.codes == card.codes and found.notice == "" and found.site is None
    assert set(found.areas["code"]) == set(card.codes)
    assert found.areas["residents"].sum() == pytest.approx(card.residents)
    page, names = find_page(f"/communities/{card.id}")
    text = text_of(page.layout(demo, QUESTION, PUBLIC, shapes=_shapes(demo), **names))
    for part in (card.name, f"{card.residents:,.0f}", card.drivers, card.border):
        assert part in text


def test_any_area_of_a_community_leads_to_it_and_no_other_does(demo):
    card = next(card for card in box_of(demo).gaps.cards if len(card.codes) > 1)
    found = community_page(demo, selection_of(), card.codes[-1], PUBLIC)
    assert found.card.id == card.id and "changed" in found.notice
    assert community_page(demo, selection_of(), "E99999999", PUBLIC) is None
    page, names = find_page("/communities/E99999999")
    assert "There is nothing here" in text_of(page.layout(demo, QUESTION, PUBLIC, shapes=_shapes(demo), **names))


def test_its_nearest_services_are_in_order_and_count_its_residents(demo):
    box = box_of(demo)
    card = box.gaps.cards[0]
    services = near_services(box.gaps, card, PUBLIC)
    assert [s.number for s in services] == list(range(1, len(services) + 1))
    assert sum(s.nearest_for for s in services) == pytest.approx(card.residents)
    x, y, n = (
        demo.region.areas["lsoa"][c].to_numpy()[list(card.indices)] for c in ("centroid_x", "centroid_y", "population")
    )
    mean = lambda row: np.average(np.hypot(x - row.easting, y - row.northing), weights=n)  # noqa: E731
    nearest = min(box.sites.itertuples(), key=mean)
    assert services[0].name == nearest.name


def test_one_new_site_is_put_where_it_relieves_most_of_the_community(demo):
    box = box_of(demo)
    for card in box.gaps.cards[:3]:
        found = community_page(demo, selection_of(), card.id, PUBLIC, site=True)
        link = dict(parse_qsl(urlsplit(found.site.options_link).query))
        state, notices = o.valid_options(demo, link, PUBLIC)
        assert notices == () and len(state.option.changes) == 1
        areas = demo.region.areas["lsoa"]
        mine = areas.iloc[list(card.indices)]
        # every candidate, one after the other
        best = max(
            mine["population"][np.hypot(mine["centroid_x"] - x, mine["centroid_y"] - y) <= 4000].sum()
            for x, y in zip(areas["centroid_x"], areas["centroid_y"], strict=True)
        )
        words = " ".join(found.site.sentences)
        assert ("All of its" in words) if best == mine["population"].sum() else (f"{best:,.0f} of its" in words)
        assert "the new site as a square" in found.map_words


def test_the_explore_page_leads_to_options_and_communities(demo):
    from dashboard.components.answer import answer

    selection = selection_of()
    shown = answer(demo, selection, PUBLIC)
    links = [each.href for each in tree([shown.said, shown.top]) if getattr(each, "href", None)]
    assert f"/options?{selection.query_string()}" in links
    card = box_of(demo).gaps.cards[0]
    assert f"/communities/{card.id}?{selection.query_string()}" in links


@pytest.mark.parametrize(
    "thing", [None, "text", 7, [1, 2], {"need": 5, "options": ["A"], "places": [1, {"easting": "x"}]}]
)
def test_whatever_a_browser_sends_leaves_the_question_as_it_is(demo, thing):
    """What can be read of it is used, the rest is as if nothing had been sent."""
    state = next_state(demo, thing, thing, thing, PUBLIC)
    if isinstance(thing, dict):
        assert state == {"need": "alcohol-admissions"}  # "5" is no indicator; the theme's lead stands in
    else:
        assert state == next_state(demo, {}, {}, {}, PUBLIC) == {"theme": "alcohol"} | QUESTION
    for do in ("take", "go", "open", "suggest", "capacity"):
        asked = {"do": do, "at": thing, "site": thing, "query": thing, "new": thing, "capacity": thing}
        expected = dict(QUESTION)
        if do == "suggest" and thing is not None:  # a number of sites that is none is the usual three
            expected |= {"new": "7" if thing == 7 else "3", "objective": "mclp", "demand": "underserved"}
        if do == "capacity" and thing == 7:
            expected |= {"options": "A:c7-7"}
        assert next_state(demo, QUESTION, asked, {"places": thing}, PUBLIC) == expected, do
