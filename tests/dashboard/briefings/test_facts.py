"""Tokens of briefings: what each says is what the view or the API says, and what it must never say."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.briefings.filling.build import reader_of
from dashboard.briefings.filling.facts import FILE, TOKENS, Facts, fact, tables
from dashboard.briefings.filling.figures import _At, change_words
from dashboard.published import Published
from dashboard.views import wording
from layers import PUBLIC, SYSTEM, Refused, Viewer, open_store, read_briefing, with_tables
from tests.layers.store_fixtures import indicator, sites

FRONT = "---\ntitle: Test\npartner: icb\n---\n# Page\n\n"
GAP_VIEW = "need=alcohol-admissions&services=alcohol-drug-services"
NAMED = [(name, help_.example.removeprefix("{{ ").removesuffix(" }}")) for name, help_ in TOKENS.items()]
WES = Viewer("wes", "westshire", "analyst")
EVE = Viewer("eve", "eastshire", "viewer")


def token(text: str):
    """``value layer=a area=b`` as the token that stands in a briefing."""
    return read_briefing(f"{FRONT}{{{{ {text} }}}}").tokens[0][1]


def says(published, text: str, view: str = "", reader: Viewer = PUBLIC, **more):
    return fact(published, token(text), reader, view, **more)


def fault(published, text: str, view: str = "", reader: Viewer = PUBLIC, **more):
    """The one fault of a token."""
    with pytest.raises(Refused) as caught:
        says(published, text, view, reader, **more)
    (found,) = caught.value.faults
    assert found.what and found.rule and not re.search(r"[\x00-\x1f]", found.what + found.todo)
    return found


@pytest.fixture()
def get(demo_client):
    def ask(path: str, **query):
        answer = demo_client.get(f"/api/v1/{path}", query_string=query)
        assert answer.status_code == 200, answer.get_json()
        return answer.get_json()

    return ask


@pytest.fixture(scope="module")
def demo_facts(demo):
    return Facts(demo, PUBLIC, made_on=date(2026, 3, 9))


@pytest.fixture()
def own(tiny_region, tmp_path):
    """Tinyland with a store of its own, to publish into."""
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}", tiny_region)
    yield Published(tiny_region, store, tmp_path)
    store.close()


# ---- the reference ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "text"), NAMED)
def test_every_example_of_the_reference_says_something_in_the_demonstration_region(demo_facts, name, text):
    said = demo_facts.fact(token(text))
    assert said.text and said.text != "–" and not re.search(r"\bnan\b", said.text.lower())
    assert (said.value is None) or np.isfinite(said.value)
    assert said.status in ("ok", "converted")
    family = name.split(".")[0]
    if family not in ("region", "area", "made"):
        assert said.layers and said.link.startswith("/"), "a number says which layers it is from"


def test_the_reference_in_the_documentation_is_in_step_with_the_code():
    """Print the table again with: python -m dashboard.briefings.filling.facts"""
    text = FILE.read_text("utf-8")
    assert with_tables(text, tables(), FILE) == text


def test_every_token_has_a_name_that_can_be_written_and_help_that_can_be_read():
    for name, help_ in TOKENS.items():
        assert "|" not in help_.says
        assert token(help_.example[3:-3]).name == name
        assert help_.says[:1].isupper() and not help_.says.endswith("."), name
        assert set(token(help_.example[3:-3]).arguments) <= set(help_.allowed), name


# ---- the same as the API ------------------------------------------------------------------------------------------------


def test_facts_of_the_region_and_its_areas_are_those_of_the_api(demo_facts, get):
    region = get("region")
    assert demo_facts.fact(token("region.name")).text == region["name"]
    assert demo_facts.fact(token("region.residents")).value == region["population"]
    for name, level in (("areas", "lsoa"), ("wards", "ward"), ("authorities", "lad")):
        assert demo_facts.fact(token(f"region.{name}")).value == region["areas"][level]
    assert demo_facts.fact(token("region.partners")).value == len(region["partners"])
    areas = get("areas/lad")["areas"]
    assert demo_facts.fact(token("region.authority_names")).text == wording.listing([a["name"] for a in areas], 12)
    ward = get("areas/ward")["areas"][17]
    assert demo_facts.fact(token(f"area.name area={ward['code']}")).text == ward["name"]
    assert demo_facts.fact(token(f"area.residents area={ward['code']}")).value == ward["population"]
    own = next(area["name"] for area in areas if area["code"] == ward["lad_code"])
    assert demo_facts.fact(token(f"area.authority area={ward['code']}")).text == own


@pytest.mark.parametrize("level", ["lsoa", "ward", "lad"])
@pytest.mark.parametrize(
    "layer", ["alcohol-deaths", "cancer-screening", "homelessness", "deprivation-rank", "alcohol-admissions"]
)
def test_every_value_is_that_of_the_api_and_what_is_not_there_is_a_fault(demo, demo_facts, get, layer, level):
    """Every seventh area: value, unit and status, for withheld and missing figures the reason."""
    document = get(f"layers/{layer}/values", level=level)
    for row in document["values"][::7]:
        text = f"value layer={layer} area={row['area_code']}"
        if row["value"] is None:
            why = fault(demo, text).what
            if not document["reason"]:
                named = "withheld" if row["status"] == "suppressed" else "nobody has published"
                assert named in why and "no figure" in why
            continue
        said = demo_facts.fact(token(text))
        assert said.value == pytest.approx(row["value"]) and said.status == row["status"]
        assert said.period == document["period"] and said.unit == document["unit"]
        assert said.text.startswith(demo_facts.fact(token(text.replace("value ", "value.number ", 1))).text)
        if row["lower"] is not None and row["lower"] == row["lower"]:
            interval = demo_facts.fact(token(text.replace("value ", "value.interval ", 1))).text
            assert interval.startswith("95% interval ")


def test_ends_middle_and_counts_are_what_a_loop_over_the_api_finds(demo_facts, get):
    rows = get("layers/cancer-screening/values", level="lsoa")["values"]
    names = {area["code"]: area for area in get("areas/lsoa")["areas"]}
    known = [(row["value"], row["area_code"]) for row in rows if row["value"] is not None]
    at = "layer=cancer-screening level=lsoa"
    low, high = min(value for value, _ in known), max(value for value, _ in known)
    lows = [names[code]["name"] for value, code in known if value == low]
    assert demo_facts.fact(token(f"lowest {at}")).text == wording.listing(lows, 3)
    assert demo_facts.fact(token(f"highest.value {at}")).value == high
    # low is worse here: screening that few take up
    assert demo_facts.fact(token(f"worst {at}")).text == demo_facts.fact(token(f"lowest {at}")).text
    assert demo_facts.fact(token(f"best.value {at}")).value == high
    second = sorted(value for value, _ in known)[1]
    assert demo_facts.fact(token(f"lowest.value {at} n=2")).value == second
    ordered = sorted(value for value, _ in known)
    n = len(ordered)
    middle = ordered[n // 2] if n % 2 else (ordered[n // 2 - 1] + ordered[n // 2]) / 2
    assert demo_facts.fact(token(f"middle {at}")).value == pytest.approx(middle)
    limit = round(middle, 1)
    below = [code for value, code in known if value < limit]
    assert demo_facts.fact(token(f"count {at} below={limit}")).value == len(below)
    people = sum(names[code]["population"] for code in below)
    assert demo_facts.fact(token(f"count.residents {at} below={limit}")).value == pytest.approx(people)
    above = demo_facts.fact(token(f"count {at} above={limit}"))
    assert above.value + len(below) + sum(value == limit for value, _ in known) == n
    assert f"{len(rows) - n:,} without a figure are not counted" in above.detail


def test_facts_about_a_layer_are_those_of_the_api(demo_facts, get):
    layer = get("layers/alcohol-admissions")
    for name, expected in (
        ("title", layer["title"]),
        ("unit", layer["unit"]),
        ("period", layer["periods"][-1]),
        ("why", layer["why_it_matters"]),
    ):
        assert demo_facts.fact(token(f"layer.{name} layer=alcohol-admissions")).text == expected
    assert layer["sources"][0]["title"] in demo_facts.fact(token("layer.source layer=alcohol-admissions")).text
    services = get("layers/gp-practices")
    assert demo_facts.fact(token("services.count layer=gp-practices")).value == sum(services["coverage"].values())


def test_gaps_are_those_of_the_api(demo_facts, get):
    document = get("gaps", need="alcohol-admissions", services="alcohol-drug-services")
    summary, cards = document["summary"], document["communities"]

    def value(name):
        return demo_facts.fact(token(name), GAP_VIEW).value

    gone = summary["vanish_at_ward"]["areas"]
    firm, likely = summary["stability"]["firm"], summary["stability"]["likely"]
    for name, expected in (
        ("areas", summary["underserved_areas"]),
        ("residents", summary["underserved_residents"]),
        ("share", 100 * summary["underserved_residents"] / summary["residents"]),
        ("communities", len(cards)),
        ("shared", sum(card["shared"] for card in cards)),
        ("shared_residents", sum(card["population"] for card in cards if card["shared"])),
        ("firm", firm),
        ("sure", firm + likely),
        ("near_misses", summary["near_misses"]),
        ("vanish", gone),
    ):
        assert value(f"gaps.{name}") == pytest.approx(expected), name
    for n in (1, 2, len(cards)):
        card = cards[n - 1]
        assert demo_facts.fact(token(f"community.name n={n}"), GAP_VIEW).text == card["name"]
        assert value(f"community.residents n={n}") == pytest.approx(card["population"])
        assert value(f"community.areas n={n}") == len(card["areas"])
        assert value(f"community.need n={n}") == pytest.approx(card["need"])
    shared = [card for card in cards if card["shared"]]
    second = demo_facts.fact(token("community.name n=2 shared=yes"), GAP_VIEW)
    assert second.text == shared[1]["name"] and second.layers == (
        ("alcohol-admissions", 1),
        ("alcohol-drug-services", 1),
    )


def test_alone_and_together_are_those_of_the_api(demo_facts, get):
    document = get("together", services="alcohol-drug-services")
    summary = document["summary"]
    view = "services=alcohol-drug-services"
    for name, key in (
        ("residents", "residents_nearer_elsewhere"),
        ("misjudged", "residents_misjudged"),
        ("misjudged_areas", "areas_misjudged"),
        ("without_own", "residents_without_own_service"),
    ):
        assert demo_facts.fact(token(f"together.{name}"), view).value == pytest.approx(summary[key]), name
    ranked = sorted(document["authorities"], key=lambda row: -row["residents_nearer_elsewhere"])
    assert demo_facts.fact(token("together.authority n=2"), view).text == ranked[1]["name"]
    said = demo_facts.fact(token("together.authority_residents n=2"), view)
    assert said.value == pytest.approx(ranked[1]["residents_nearer_elsewhere"])


def test_who_lives_beyond_a_distance_is_what_pythagoras_says(demo, demo_facts):
    """Second way: the distance of every area to every site, one by one."""
    areas = demo.region.areas["lsoa"]
    table = demo.store.services("gp-practices", PUBLIC)
    people = 0.0
    for x, y, residents in zip(areas["centroid_x"], areas["centroid_y"], areas["population"], strict=True):
        nearest = min(
            ((x - e) ** 2 + (y - n) ** 2) ** 0.5 for e, n in zip(table["easting"], table["northing"], strict=True)
        )
        people += residents if nearest > 1_200 else 0.0
    said = demo_facts.fact(token("access.residents_beyond services=gp-practices m=1200"))
    assert said.value == pytest.approx(people)
    share = demo_facts.fact(token("access.share_beyond services=gp-practices m=1200"))
    assert share.value == pytest.approx(100 * people / areas["population"].sum()) and share.text.endswith("%")
    standard = demo_facts.fact(token("access.residents_beyond services=gp-practices"))  # its own: 1,600 m
    assert standard.text == demo_facts.fact(token("access.residents_beyond services=gp-practices m=1600")).text


def test_the_nearest_service_is_that_of_the_area_page(demo_facts, demo):
    from dashboard.selection import Selection
    from dashboard.views.area import area_profile

    profile = area_profile(demo, "DL0007", Selection(theme="health"), PUBLIC)
    line = next(line for line in profile.services if line.layer_id == "pharmacies")
    assert demo_facts.fact(token("services.nearest layer=pharmacies area=DL0007")).text == line.name
    said = demo_facts.fact(token("services.distance layer=pharmacies area=DL0007"))
    assert (said.text, said.value) == (line.distance, line.distance_m)


# ---- small cases by hand ------------------------------------------------------------------------------------------------


def test_tinyland_by_hand(tiny):
    # harm is 10 everywhere but T16, 20; T01 has no figure; crowded is i % and T02 is withheld
    assert says(tiny, "value layer=harm area=T16").text == "20 per 1,000 residents"
    assert says(tiny, "value.number layer=crowded area=T05").text == "5"
    assert says(tiny, "value layer=crowded area=T05").text == "5% of households"
    assert says(tiny, "highest layer=crowded level=lsoa").text == "Square 16"
    assert says(tiny, "lowest layer=crowded level=lsoa").text == "Square 01"
    assert says(tiny, "highest layer=crowded level=lsoa n=3").text == "Square 14"
    # thirteen or more: 13, 14, 15, 16
    assert says(tiny, "count layer=crowded level=lsoa above=12").text == "4"
    assert says(tiny, "count.residents layer=crowded level=lsoa above=12").text == "5,800"  # 1300+1400+1500+1600
    # 1 and 3 to 16 are known: the middle of fifteen is the eighth, 9
    assert says(tiny, "middle layer=crowded level=lsoa").text == "9% of households"
    # clinics in T01 and T04; T16 stands 3 km north of T04
    assert says(tiny, "services.nearest layer=clinics area=T16").text == "East clinic"
    assert says(tiny, "services.distance layer=clinics area=T16").text == "3.0 km"
    # within 1,000 m: T01, T02, T05 of the west, T03, T04, T08 of the east: 100+200+500+300+400+800 = 2,300
    assert says(tiny, "access.residents_beyond services=clinics m=1000").text == "11,300"
    assert says(tiny, "access.share_beyond services=clinics m=1000").text == "83%"  # 11,300 of 13,600 is 83.09%
    gap = "need=crowded&services=clinics"
    # T14, T15 and T16 have need of 80 and more, and are farther than 1 km: 1400 + 1500 + 1600
    assert says(tiny, "gaps.areas", gap).text == "3"
    assert says(tiny, "gaps.residents", gap).text == "4,500"
    assert says(tiny, "community.authorities", gap).text == "Eastshire and Westshire"
    assert says(tiny, "community.shares", gap).text == "69% in Eastshire and 31% in Westshire"  # 3,100 and 1,400


def test_equal_values_are_named_together_unless_one_place_is_asked_for(tiny):
    # fourteen areas have 10.0: three are named
    said = says(tiny, "lowest layer=harm level=lsoa")
    assert said.text == "Square 02, Square 03, Square 04 and 11 more" and "14 have this same figure" in said.detail
    assert says(tiny, "lowest layer=harm level=lsoa n=1").text == "Square 02"
    assert says(tiny, "highest layer=harm level=lsoa").text == "Square 16"


def test_a_token_takes_what_it_does_not_say_from_the_view(tiny):
    view = "need=harm&services=clinics&level=lad&partner=westshire"
    assert says(tiny, "highest", view).text == "Westshire"  # only its own authority is in view
    assert says(tiny, "services.count", view).text == "1"  # one clinic in Westshire
    assert says(tiny, "services.count layer=clinics").text == "2"
    assert says(tiny, 'highest level=lsoa view="need=harm"', view).text == "Square 16"
    assert (
        says(tiny, "value layer=crowded area=T16", view).text == "16% of households"
    )  # an area elsewhere has its figure
    assert "1 local authority of Westshire Council" in says(tiny, "highest", view).detail


def test_a_view_may_be_the_address_of_the_page(tiny):
    for view in ("need=crowded&services=clinics", "?need=crowded&services=clinics", "/?need=crowded&services=clinics",
                 "https://map.example/?need=crowded&services=clinics"):  # fmt: skip
        assert says(tiny, "gaps.residents", view).text == "4,500"


def test_a_number_may_bring_its_noun(tiny):
    view = "need=crowded&services=clinics"
    assert says(tiny, "gaps.areas unit=yes", view).text == "3 small areas"
    assert says(tiny, "gaps.communities unit=yes", view).text == "1 community"
    assert says(tiny, "community.areas unit=yes", view).text == "3 areas"
    assert says(tiny, "count layer=harm level=lsoa above=15 unit=yes").text == "1 small area"
    assert says(tiny, "region.authorities unit=yes").text == "2 local authorities"
    assert says(tiny, "gaps.areas unit=no", view).text == "3"
    assert "unit is “of”" in fault(tiny, "gaps.areas unit=of", view).what
    assert "takes no “unit”" in fault(tiny, "gaps.share unit=yes", view).what


def test_the_day_is_that_of_the_numbers(tiny):
    assert says(tiny, "made", made_on=date(2027, 2, 1)).text == "1 February 2027"
    assert says(tiny, "made.year", made_on=date(2027, 2, 1)).text == "2027"


def test_the_whole_region_is_its_areas_together(tiny):
    # crowded: 1 + 3 + 4 + ... + 16 = 134 of 15 areas of 100 households: 8.93%
    said = says(tiny, "whole layer=crowded")
    assert (
        said.value == pytest.approx(134 / 15) and said.text == "9% of households"
    ) or said.text == "8.9% of households"
    assert says(tiny, "whole.kind layer=crowded").text == "the region’s areas together"
    assert "a rank" in fault(tiny, "whole layer=poverty-rank").what


def test_a_total_that_leaves_areas_out_says_so_and_is_not_compared(own):
    from layers import Measure

    full = indicator("calls", measure=Measure.COUNT, unit="calls", periods=("2023", "2024"))
    own.store.publish(full, by=WES)
    assert says(own, "whole layer=calls").text == "136 calls"  # 1 to 16
    assert says(own, "change layer=calls").text == "is unchanged at 136 calls (2023 and 2024)"
    table = full.table.copy()
    table.loc[(table["period"] == "2024") & (table["area_code"] == "T16"), ["value", "status"]] = [None, "missing"]
    own.store.publish(replace(full, table=table), by=WES)
    said = says(own, "whole layer=calls")
    assert said.text == "at least 120 calls" and "one area has no figure" in said.detail
    assert says(own, "whole.number layer=calls").text == "120"
    assert "do not compare" in fault(own, "change layer=calls").what
    assert says(own, "change layer=calls area=T15").text == "is unchanged at 15 calls (2023 and 2024)"


# ---- words that depend on data ------------------------------------------------------------------------------------------


def at(period, value, lower=float("nan"), upper=float("nan")):
    return _At(period, value, lower, upper)


@pytest.mark.parametrize(
    ("a", "b", "unit", "text"),
    [
        (at("2022", 4.1, 4.0, 4.2), at("2023", 4.5, 4.3, 4.7), "% of adults", "has risen from 4.1% (2022) to 4.5% (2023)"),
        (at("2022", 4.5, 4.3, 4.7), at("2023", 4.1, 4.0, 4.2), "% of adults", "has fallen from 4.5% (2022) to 4.1% (2023)"),
        (at("2022", 4.1, 3.9, 4.4), at("2023", 4.5, 4.3, 4.7), "%", "has not clearly changed: 4.1% (2022) and 4.5% (2023)"),
        (at("2022", 4.1), at("2023", 4.1), "% of adults", "is unchanged at 4.1% (2022 and 2023)"),
        (at("2022", 4.0), at("2023", 4.1), "points", "has changed little: 4.0 (2022) and 4.1 points (2023)"),
        (at("2022", 4.0), at("2023", 4.2), "points", "has risen from 4.0 (2022) to 4.2 points (2023)"),
        (at("2022", 0.0), at("2023", 0.1), "points", "has risen from 0.0 (2022) to 0.1 points (2023)"),
    ],
)  # fmt: skip
def test_change_is_said_by_the_rule(a, b, unit, text):
    said, rule = change_words(a, b, unit, 1)
    assert said == text
    assert rule.endswith(".")


NUMBER = st.floats(-1e4, 1e4).map(lambda x: round(x, 1))


@given(NUMBER, NUMBER, st.floats(0, 50), st.floats(0, 50), st.booleans())
def test_change_and_its_opposite_mirror_each_other_and_never_outrun_the_intervals(x, y, half_x, half_y, intervals):
    a, b = at("2022", x), at("2023", y)
    if intervals:
        a, b = at("2022", x, x - half_x, x + half_x), at("2023", y, y - half_y, y + half_y)
    there, rule = change_words(a, b, "points", 1)
    back, _ = change_words(replace(b, period="2022"), replace(a, period="2023"), "points", 1)
    rose, fell = "has risen" in there, "has fallen" in there
    if intervals:
        overlap = x - half_x <= y + half_y and y - half_y <= x + half_x
        assert not (overlap and (rose or fell))
        assert ("has risen" in back) == fell and ("has fallen" in back) == rose
    assert (not (rose and fell) and (rose, fell) != (y < x, y > x)) or x == y
    assert wording.number(x, 1) in there and wording.number(y, 1) in there
    assert "interval" in rule or "same as shown" in rule


def test_change_over_periods_and_versions(own):
    """Noise: T01 is 1 in both; then a version with another year, in which T01 is 3."""
    own.store.publish(indicator("noise", periods=("2023", "2024")), by=WES)
    said = says(own, "change layer=noise area=T03")
    assert said.text == "is unchanged at 3 points (2023 and 2024)" and said.layers == (("noise", 1),)
    own.store.publish(indicator("noise", first=3.0, periods=("2025",)), by=WES)
    said = says(own, "change layer=noise area=T01")
    assert said.text == "has risen from 1 (2024) to 3 points (2025)" and said.layers == (("noise", 2),)
    assert says(own, "change layer=noise area=T01 from=2023 to=2024").text.startswith("is unchanged")
    assert says(own, "change layer=noise").text.startswith("has risen")  # the middle area, 8.5 to 10.5
    # pinned to the first version, the second has not been heard of
    assert says(own.at({"noise": 1}), "change layer=noise area=T01").text.startswith("is unchanged at 1")
    assert "before 2023" in fault(own, "change layer=noise area=T01 to=2023").what
    assert "2031" in fault(own, "change layer=noise area=T01 to=2031").what
    assert "does not come before" in fault(own, "change layer=noise area=T01 from=2025 to=2024").what


def test_change_is_refused_where_figures_do_not_compare_or_there_is_one_period(own):
    assert "one period only" in fault(own, "change layer=harm area=T05").what
    own.store.publish(indicator("noise", periods=("2023",), method="counted"), by=WES)
    own.store.publish(indicator("noise", periods=("2024",), method="guessed"), by=WES)
    found = fault(own, "change layer=noise area=T05")
    assert "do not compare" in found.what and "method" in found.what


def test_facts_follow_the_data_and_pins_hold_them(own):
    own.store.publish(indicator("noise"), by=WES)
    before = says(own, "highest.value layer=noise level=lsoa")
    own.store.publish(indicator("noise", first=101.0), by=WES)
    pinned = own.at({"noise": 1})
    after = says(own, "highest.value layer=noise level=lsoa")
    assert (before.text, after.text) == ("16 points", "116 points")
    still = says(pinned, "highest.value layer=noise level=lsoa")
    assert (still.text, still.layers) == ("16 points", (("noise", 1),))


# ---- what is wrong ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "view", "what", "todo"),
    [
        ("gaps.resident", "", "no token", "gaps.residents"),
        ("values layer=harm area=T05", "", "no token", "“value”"),
        ("quux", "", "no token", "use one of"),
        ("value layer=crowdde area=T05", "", "There is no layer 'crowdde'".lower()[:5], "“crowded”"),
        ("value layer='Crowded homes' area=T05", "", "there is no layer", "“crowded”"),
        ("value layer=clinics area=T05", "", "a list of services", "name an indicator, such as harm"),
        ("services.count layer=harm", "", "an indicator, not a list", "such as clinics"),
        ("value layer=harm area=E99", "", "no area “E99”", "page of the area"),
        ("area.name area=Westshire", "", "no area", "TA"),
        ("value layer=harm", "", "needs area=", "write it like"),
        ("value area=T05", "", "needs layer=", "write it like"),
        ("value layer=harm area=T05 colour=red", "", "takes no “colour”", "it takes layer"),
        ("region.name area=T05", "", "takes no “area”", "it takes none"),
        ("value layer=harm area=T05 period=1999", "", "no figures for 1999", "2025"),
        ("value layer=harm area=T01", "", "nobody has published", "choose another"),
        ("value layer=crowded area=T02", "", "withheld", "choose another"),
        ("value.interval layer=poverty-rank area=T02", "", "no confidence interval", "leave it out"),
        ("value layer=poverty-rank area=TW1", "", "no figures by ward", "small area"),
        ("highest layer=poverty-rank level=lad", "", "no figures by local authority", "level=lsoa"),
        ("highest layer=harm level=parish", "", "no level “parish”", "lsoa, ward or lad"),
        ("highest layer=harm n=0", "", "n is “0”", "from 1"),
        ("highest layer=harm n=1.5", "", "n is “1.5”", "whole number"),
        ("highest layer=harm level=lad n=3", "", "only 2 local authorities", "smaller n"),
        ("count layer=harm", "", "above= or below=", "write it like"),
        ("count layer=harm above=1 below=2", "", "one of the two", "write it like"),
        ("count layer=harm above=nan", "", "above is “nan”", "write a number"),
        ("access.residents_beyond services=clinics m=-1", "", "m is “-1”", "from 1"),
        ("access.residents_beyond services=clinics,clinix", "", "there is no layer 'clinix'", "“clinics”"),
        ("gaps.residents", "", "needs a view", "front matter"),
        ("gaps.residents", "need=crowded", "no services", "services="),
        ("gaps.residents", "services=clinics", "no need", "need="),
        ("gaps.residents", "need=crowdde&services=clinics", "there is no layer 'crowdde'", "“crowded”"),
        ("gaps.residents", "need=crowded&services=clinics&partner=westshir", "no partner “westshir”", "“westshire”"),
        ("gaps.residents", "need=crowded&services=clinics&theme=alcohl", "no theme “alcohl”", "“alcohol”"),
        ("gaps.residents", "need=crowded&services=clinics&level=parish", "parish", "explore page"),
        ("gaps.residents", "need=crowded&services=clinics&sise=4", "sise", "explore page"),
        ("gaps.residents", "need=crowded&services=clinics&period=1066", "1066", "explore page"),
        ("gaps.residents", "need=crowded&need=harm&services=clinics", "twice", "explore page"),
        ("gaps.residents", "map of alcohol", "unknown part", "explore page"),
        ("community.name n=9", "need=crowded&services=clinics", "there is only 1 community", "smaller n"),
        ("community.name shared=maybe", "need=crowded&services=clinics", "shared is “maybe”", "shared=yes"),
        ("together.authority n=5", "services=clinics", "residents who are nearer", "smaller n"),
        ("worst", "need=none", "needs layer=", "write it like"),
    ],
)
def test_what_is_wrong_is_named_with_what_to_write_instead(tiny, text, view, what, todo):
    found = fault(tiny, text, view)
    assert what in found.what and todo in found.todo, (found.what, found.todo)


def test_a_layer_without_a_direction_has_no_worst_end(demo):
    assert "which end is worse" in fault(demo, "worst layer=students level=lad").what
    assert says(demo, "highest layer=students level=lad").text


def test_a_view_without_data_has_no_gaps_to_count(own):
    some = indicator("noise")
    own.store.publish(replace(some, table=some.table.iloc[:2]), by=WES)  # T01 and T02, both in Westshire
    view = "need=noise&services=clinics"
    assert says(own, "gaps.areas", view).text == "0"
    assert "Need is not known for 14 small areas" in says(own, "gaps.areas", view).detail
    for name in ("gaps.areas", "gaps.sentence", "gaps.share"):
        assert "need is not known for any" in fault(own, name, f"{view}&partner=eastshire").what


def test_a_withdrawn_layer_says_that_it_was(own):
    own.store.publish(indicator("noise"), by=WES)
    own.store.withdraw("noise", by=WES, reason="counted twice")
    found = fault(own, "value layer=noise area=T05")
    assert "was withdrawn on" in found.what and "counted twice" in found.what


WORDS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(sorted(TOKENS)), layer=WORDS, area=WORDS, view=WORDS, n=WORDS)
def test_nonsense_in_arguments_is_refused_and_breaks_nothing(tiny, name, layer, area, view, n):
    from types import MappingProxyType

    from layers import Token

    allowed = TOKENS[name].allowed
    given_ = {key: value for key, value in dict(layer=layer, area=area, view=view, n=n).items() if key in allowed}
    try:
        said = fact(tiny, Token(name, MappingProxyType(given_), 1, name), PUBLIC, "")
    except Refused as refused:
        assert len(refused.faults) >= 1
    else:
        assert said.text


# ---- who may know -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def secrets(tiny_region, tmp_path_factory):
    """Tinyland with an indicator and a list of services for partners, and an indicator of Westshire's own."""
    home = tmp_path_factory.mktemp("secrets")
    store = open_store(f"sqlite:///{home / 'store.sqlite'}", tiny_region)
    store.publish(
        indicator("beds", first=7001.0, audience="partners", title="Quincebeds", periods=("2024", "2025")), by=SYSTEM
    )
    rows = [("S1", "Medlar hub", 420_500.0, 560_500.0)]
    store.publish(sites("hubs", audience="partners", title="Quincehubs", rows=rows), by=SYSTEM)
    store.publish(indicator("debt", first=8001.0, audience="owner", title="Bullacedebt"), by=SYSTEM)
    yield Published(tiny_region, store, home)
    store.close()


def written_with(name: str, indicator_id: str, services_id: str) -> str:
    """A token with these layers in every argument that takes one."""
    allowed, text = TOKENS[name].allowed, name
    of_services = name.startswith("services.")
    more = {"layer": services_id if of_services else indicator_id, "services": services_id, "area": "T05", "m": "1000"}
    more["above"] = "0"
    for key, value in more.items():
        if key in allowed:
            text += f" {key}={value}"
    return text


READERS = {
    "public": (PUBLIC, ("beds", "hubs", "debt")),
    "partners": ("partners", ("debt",)),
}


@pytest.mark.parametrize("name", sorted(TOKENS))
@pytest.mark.parametrize(
    ("indicator_id", "services_id"), [("beds", "hubs"), ("debt", "hubs"), ("beds", "clinics"), ("crowded", "hubs")]
)
def test_no_token_of_a_public_briefing_holds_anything_of_a_hidden_layer(secrets, name, indicator_id, services_id):
    view = f"need={indicator_id}&services={services_id}"
    text = written_with(name, indicator_id, services_id)
    try:
        said = says(secrets, text, view)
    except Refused as refused:
        told = json.dumps([[fault.what, fault.todo] for fault in refused.faults], ensure_ascii=False)
    else:
        told = f"{said.text} {said.detail} {said.value}"
        assert not {"beds", "hubs", "debt"} & {layer for layer, _ in said.layers}
    for trace in ("Quince", "Medlar", "Bullace", "cannot stand", "700", "800"):
        assert not re.search(rf"(?<![\d,]){trace}", told), (trace, told)
    # and exactly what is said of a layer that does not exist
    twin = {"beds": "bets", "hubs": "hugs", "debt": "dept"}
    other = urlencode({"need": twin.get(indicator_id, indicator_id), "services": twin.get(services_id, services_id)})
    text = written_with(name, twin.get(indicator_id, indicator_id), twin.get(services_id, services_id))
    try:
        said = says(secrets, text, other)
    except Refused as refused:
        plain = json.dumps([[fault.what, fault.todo] for fault in refused.faults], ensure_ascii=False)
    else:
        plain = f"{said.text} {said.detail} {said.value}"
    for real, made_up in twin.items():
        plain = plain.replace(made_up, real)
    assert told == plain


def test_what_the_author_can_see_is_said_to_be_for_partners_only(secrets):
    for_partners = fault(secrets, "value layer=beds area=T05", author=EVE)
    assert for_partners.what == "there is no layer 'beds'"
    assert for_partners.todo == "it is for partners only and cannot stand in a public briefing"
    assert "partners only" not in fault(secrets, "value layer=beds area=T05").todo
    assert "partners only" not in fault(secrets, "value layer=bets area=T05", author=EVE).todo
    of_its_own = fault(secrets, "value layer=debt area=T05", author=WES)
    assert of_its_own.todo == "it is for the partner that supplied it only and cannot stand in a public briefing"
    assert "supplied" not in fault(secrets, "value layer=debt area=T05", author=EVE).todo  # another partner


def test_a_briefing_for_partners_sees_what_all_of_them_see_and_not_what_one_keeps(secrets):
    reader = reader_of(secrets, "partners", "westshire")
    assert says(secrets, "value layer=beds area=T01", reader=reader).text == "7,001 points"
    assert "there is no layer 'debt'" in fault(secrets, "value layer=debt area=T01", reader=reader).what
    hint = fault(secrets, "value layer=debt area=T01", reader=reader, author=WES).todo
    assert hint == "it is for the partner that supplied it only and cannot stand in a briefing with this audience"
    own = reader_of(secrets, "owner", "westshire")
    assert says(secrets, "value layer=debt area=T01", reader=own).text == "8,001 points"
    assert (
        "no layer" in fault(secrets, "value layer=debt area=T01", reader=reader_of(secrets, "owner", "eastshire")).what
    )
    assert reader_of(secrets, "public", "nobody") == PUBLIC
    with pytest.raises(Refused, match="no partner “westshir”"):
        reader_of(secrets, "partners", "westshir")


# ---- hostile text in the data -------------------------------------------------------------------------------------------


def test_hostile_words_in_the_data_stay_words(own):
    title = "<img src=x onerror=alert(1)> **bold** [x](javascript:1) {{ region.name }} =1+1"
    own.store.publish(indicator("noise", title=title + " \u202eevil\x07"), by=WES)
    said = says(own, "layer.title layer=noise")
    assert said.text == title + " evil"
    assert says(own, "value layer=noise area=T01").detail.startswith("<img")  # text, for whoever draws it to escape


def test_a_frame_of_values_is_not_changed(tiny):
    before = tiny.store.values("crowded", "lsoa", PUBLIC).frame.copy()
    for text in ("highest layer=crowded level=lsoa", "count layer=crowded level=lsoa above=2", "middle layer=crowded"):
        says(tiny, text)
    pd.testing.assert_frame_equal(tiny.store.values("crowded", "lsoa", PUBLIC).frame, before)


def test_the_fifths_of_need_say_what_their_chart_says(demo):
    """Need is the place of an area from 0 to 100, so that a fifth of areas stands above 80; its residents' mean distance by hand."""
    view = "need=alcohol-admissions&services=alcohol-drug-services"
    areas = Facts(demo, PUBLIC).gaps(view).result.areas
    need, people, far = (areas[name].to_numpy("float64") for name in ("need", "population", "access"))
    for name, inside in (("most_need", need > 80), ("least_need", need <= 20)):
        found = says(demo, f"access.{name}", view)
        assert found.value == pytest.approx((people * far)[inside].sum() / people[inside].sum(), rel=0.02)
        assert found.text.endswith(" km") and float(found.text[:-3]) == pytest.approx(found.value / 1000, abs=0.06)
