"""Whole briefings filled in: every fault with its page and line, who may be told what, pins, what a refresh would change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from dashboard.briefings.filling import exhibits
from dashboard.briefings.filling.build import (
    FactChange,
    build_briefing,
    compare_facts,
    fill_in,
    pins_of,
)
from dashboard.briefings.filling.credits import last_year, licence_words, limits_of, shortened, source_lines
from dashboard.briefings.filling.facts import FILE
from dashboard.briefings.filling.model import Figure
from dashboard.published import Published
from dashboard.views.together import CAUTION
from layers import PUBLIC, SYSTEM, Refused, Viewer, open_store, read_briefing
from tests.layers.store_fixtures import indicator, sites

WES = Viewer("wes", "westshire", "analyst")
EVE = Viewer("eve", "eastshire", "viewer")
DAY = date(2026, 3, 9)


def written(*pages: str, **front: str):
    """A document: front matter with these settings, one text for each page."""
    settings = {"title": "Test", "partner": "icb"} | front
    lines = ["---", *(f"{name}: {value}" for name, value in settings.items()), "---"]
    return read_briefing("\n".join(lines) + "\n" + "\n\n".join(pages) + "\n")


def filled(published, document, **more):
    return build_briefing(published, document, briefing_id="test", made_on=DAY, **more)


def faults_of(published, document, **more):
    with pytest.raises(Refused) as caught:
        filled(published, document, **more)
    return {fault.where: fault for fault in caught.value.faults}


def words(page):
    return ["".join(run.text for run in item) for block in page.blocks for item in block.items]


@pytest.fixture()
def own(tiny_region, tmp_path):
    """Tinyland with a store of its own, to publish into."""
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}", tiny_region)
    yield Published(tiny_region, store, tmp_path)
    store.close()


@pytest.fixture()
def stub(monkeypatch):
    """Exhibits that only say what they were asked; ``stub.calls`` has (kind, view, reader)."""
    calls = []

    def figure(published, spec, reader, view, *, facts=None):
        calls.append((spec.kind, view, reader))
        if spec.arguments.get("caption") == "refuse":
            from layers import Fault

            raise Refused("No.", [Fault("the exhibit is not to be had", "somewhere", "leave it out", rule="exhibit")])
        layers = tuple((name, 1) for name in (spec.arguments.get("layer"),) if name)
        return Figure("table", f"A {spec.kind}", "words", layers=layers)

    figure.calls = calls
    monkeypatch.setattr(exhibits, "figure", figure)
    return figure


# ---- what is filled in --------------------------------------------------------------------------------------------------


def test_a_briefing_is_filled_in(tiny, stub):
    text = written(
        "# {{ gaps.areas }} areas are far from help\n\n**{{ gaps.residents }} residents** live in _{{ community.name }}_."
        "\n\n- one\n- {{ value layer=harm area=T16 }}\n\n```exhibit\nmap\n```\n\n```notes\nSay {{ made }}.\n```",
        "# Two\n\n> {{ region.name }}",
        view="need=crowded&services=clinics",
        subtitle="Of the test",
        theme="housing",
    )
    briefing = filled(tiny, text)
    one, two = briefing.pages
    assert one.headline_text == "3 areas are far from help"
    assert words(one) == [
        "4,500 residents live in North East, Eastshire and Westshire.",
        "one",
        "20 per 1,000 residents",
    ]
    assert one.blocks[0].items[0][0].bold and one.blocks[0].items[0][0].token.name == "gaps.residents"
    assert [run.text for run in one.notes[0].items[0]] == ["Say ", "9 March 2026", "."]
    assert list(one.facts) == ["gaps.areas", "gaps.residents", "community.name", "value layer=harm area=T16", "made"]
    assert words(two) == ["Tinyland"] and two.figure is None and two.sources == () and two.limits == ()
    assert briefing.pins == {"crowded": 1, "clinics": 1, "harm": 1} == pins_of(briefing.pages)
    assert (briefing.partner_name, briefing.region_name) == ("Tinyland Integrated Care Board", "Tinyland")
    assert briefing.notice == tiny.region.notice and briefing.notice
    assert (briefing.made_on, briefing.version, briefing.stale, briefing.link) == (DAY, 0, (), "/briefings/test")
    assert [line.layer_id for line in briefing.sources] == ["crowded", "clinics", "harm"]
    assert stub.calls == [("map", "need=crowded&services=clinics", PUBLIC)]


def test_the_view_of_the_exhibit_is_the_view_of_its_page(tiny, stub):
    page = "# {{ gaps.residents }}\n\n```exhibit\nmap\nview: need=crowded&services=clinics&partner=westshire\n```"
    briefing = filled(tiny, written(page, "# {{ gaps.residents }}", view="need=crowded&services=clinics"))
    assert [page.headline_text for page in briefing.pages] == ["1,400", "4,500"]  # T14 alone is in Westshire
    assert stub.calls[0][1].endswith("partner=westshire")


def test_an_options_exhibit_lends_its_page_the_question_without_the_options(tiny, stub):
    view = "need=crowded&services=clinics&new=2&objective=mclp&demand=underserved&options=A~One:xC1"
    briefing = filled(tiny, written(f"# {{{{ gaps.residents }}}}\n\n```exhibit\noptions\nview: {view}\n```"))
    assert briefing.pages[0].headline_text == "4,500"


def test_what_a_view_needs_is_worked_out_once(tiny, stub, monkeypatch):
    from dashboard.briefings.filling import asking

    asked = []
    real = asking.gaps_of
    monkeypatch.setattr(asking, "gaps_of", lambda *args: asked.append(args) or real(*args))
    page = (
        "# {{ gaps.areas }} {{ gaps.residents }}\n\n{{ community.name }} {{ community.name n=1 }} {{ gaps.sentence }}"
    )
    filled(tiny, written(page, page, view="need=crowded&services=clinics"))
    assert len(asked) == 1


def test_the_example_of_the_documentation_can_be_published(demo):
    text = FILE.read_text("utf-8").split("````text\n")[1].split("````")[0]
    briefing = filled(demo, read_briefing(text))
    assert all(page.figure is not None and page.figure.svg for page in briefing.pages)
    assert briefing.pages[0].headline_text == "53 small areas are far from help"
    assert briefing.notice == demo.region.notice
    assert all(page.limits and page.sources for page in briefing.pages)
    limits = briefing.pages[0].limits
    assert len(set(limits)) == len(limits)
    assert any("straight lines" in words for words in limits)  # what the answer has to be said with stands there too


def test_hostile_words_in_the_data_stay_words(own, stub):
    title = '<b>x</b> **y** [z](javascript:alert(1)) {{ region.name }} <script src="https://a.example"></script>'
    own.store.publish(indicator("noise", title=title[:160]), by=WES)
    page = filled(own, written("# Loud\n\nAbout {{ layer.title layer=noise }}.")).pages[0]
    runs = page.blocks[0].items[0]
    assert [run.text for run in runs] == ["About ", title[:160], "."]
    assert not any(run.bold or run.italic or run.link for run in runs)


# ---- faults -------------------------------------------------------------------------------------------------------------

# front matter 1 to 6 with five settings; pages begin below
WRONG = """---
title: Test
partner: westshir
theme: housng
view: need=crowdde&services=clinics
---
# One {{ gaps.residents }}

{{ valu layer=harm area=T05 }} and {{ value layer=crowded area=T02 }}

# Two

```exhibit
map
caption: refuse
```

Fine: {{ value layer=harm area=T05 }}
{{ value layer=harm area=X99 }}

# {{ layer.title layer=harm }} {{ layer.title layer=harm }} and much more that makes it far too long to be read from the back {{ made }}

```exhibit
chart
type: trend
layer: harn
services: crowded
area: X98
```

```notes
{{ made }} {{ nothing }}
```
"""


def test_every_fault_of_every_page_is_told_with_page_and_line(tiny, stub):
    found = []
    with pytest.raises(Refused) as caught:
        filled(tiny, read_briefing(WRONG.replace("and much more that makes it", "")))
    found = [(fault.where, fault.what, fault.todo) for fault in caught.value.faults]
    expected = [
        ("line 3", "no partner “westshir”", "“westshire”"),
        ("line 4", "no theme “housng”", "“housing”"),
        ("line 5", "there is no layer 'crowdde'", "“crowded”"),
        # the view of the front matter is not told again for the token on line 7
        ("page 1, line 9", "no token “valu”", "“value”"),
        ("page 1, line 9", "withheld", "choose another"),
        ("page 2, line 13", "the exhibit is not to be had", "leave it out"),
        ("page 2, line 19", "no area “X99”", "page of the area"),
        ("page 3, line 23", "there is no layer 'harn'", "“harm”"),
        ("page 3, line 23", "“crowded” is an indicator, not a list of services", "clinics"),
        ("page 3, line 23", "no area “X98”", ""),
        ("page 3, line 32", "no token “nothing”", "use one of"),
    ]
    assert len(found) == len(expected), found
    for (where, what, todo), (place, said, advice) in zip(found, expected, strict=True):
        assert where == place and said in what and advice in todo, (where, what, todo)


def test_a_headline_is_measured_once_it_is_filled_in(tiny, stub):
    own_title = "{{ layer.title layer=harm }}"  # twelve characters
    document = written(f"# {own_title} {'x' * 97}", f"# {own_title} {'x' * 98}")
    (fault,) = faults_of(tiny, document).values()
    assert fault.where == "page 2, line 7" and "has 111 characters" in fault.what and "110" in fault.what
    assert "Alcohol harm xxx" in fault.what
    shown = filled(tiny, document, lenient=True)  # what was published is shown: numbers may grow longer
    assert shown.pages[1].headline_text.startswith("Alcohol harm")


def test_lenient_shows_what_can_be_shown_and_says_why_the_rest_cannot(tiny, stub):
    document = written(
        "# Fine\n\n{{ value layer=harm area=T05 }}",
        "# Not fine\n\n{{ value layer=harm area=T05 }} {{ value layer=gone area=T05 }}",
        "# Hidden figure\n\n{{ value layer=crowded area=T02 }}",
        "# No exhibit\n\n```exhibit\nmap\ncaption: refuse\n```",
        "# {{ gaps.residents }}",
        "# {{ gaps.areas }}",
        view="need=gone&services=clinics",
    )
    briefing, faults = fill_in(tiny, document, briefing_id="test", made_on=DAY)
    assert [bool(page.unavailable) for page in briefing.pages] == [False, True, True, True, True, True]
    second, third = briefing.pages[1:3]
    assert second.unavailable == "This page cannot be shown. There is no layer 'gone'."
    assert "so small that people might be recognised" in third.unavailable
    assert second.headline == () and second.blocks == () and second.facts == {} and second.sources == ()
    assert briefing.pins == {"harm": 1}
    assert {fault.where for fault in faults} == {"line 4", "page 2, line 12", "page 3, line 16", "page 4, line 20"}
    assert filled(tiny, document, lenient=True).pages == briefing.pages


def test_an_exhibit_that_finds_nothing_is_a_fault_of_its_line(tiny, monkeypatch):
    from layers import NotFound

    def figure(*_, **__):
        raise NotFound("There is no layer 'x'.")

    monkeypatch.setattr(exhibits, "figure", figure)
    (fault,) = faults_of(tiny, written("# One\n\n```exhibit\nmap\n```")).values()
    assert (fault.where, fault.what) == ("page 1, line 7", "There is no layer 'x'")


# ---- who may know -------------------------------------------------------------------------------------------------------


@pytest.fixture()
def secrets(own):
    own.store.publish(indicator("beds", first=7001.0, audience="partners", title="Quincebeds"), by=SYSTEM)
    own.store.publish(sites("hubs", audience="partners", title="Quincehubs"), by=SYSTEM)
    own.store.publish(indicator("debt", first=8001.0, audience="owner", title="Bullacedebt"), by=SYSTEM)
    return own


BEDS = "# Beds\n\n{{ value layer=beds area=T01 }}"
DEBT = "# Debt\n\n{{ value layer=debt area=T01 }}"


def test_a_briefing_holds_what_its_audience_may_see_whoever_looks(secrets, stub):
    def first(document, **more):
        return filled(secrets, document, **more).pages[0]

    for_all = written(BEDS, audience="public", partner="westshire")
    for author in (None, WES, EVE, SYSTEM):
        (fault,) = faults_of(secrets, for_all, author=author).values()
        assert fault.what == "there is no layer 'beds'"
        assert ("for partners only" in fault.todo) == (author is not None)
        page = first(for_all, lenient=True, author=author)
        assert page.unavailable and "Quince" not in page.unavailable and "7,001" not in page.unavailable
    assert words(first(written(BEDS, audience="partners", partner="westshire"))) == ["7,001 points"]
    assert words(first(written(BEDS, audience="owner", partner="eastshire"))) == ["7,001 points"]
    assert words(first(written(DEBT, audience="owner", partner="westshire"))) == ["8,001 points"]
    for audience, partner in (("public", "westshire"), ("partners", "westshire"), ("owner", "eastshire")):
        (fault,) = faults_of(secrets, written(DEBT, audience=audience, partner=partner)).values()
        assert fault.what == "there is no layer 'debt'"


def test_an_exhibit_of_a_hidden_layer_is_refused_before_it_is_made(secrets, stub):
    page = "# One\n\n```exhibit\nchart\ntype: trend\nlayer: beds\n```"
    (fault,) = faults_of(secrets, written(page), author=EVE).values()
    assert fault.what == "there is no layer 'beds'" and "cannot stand in a public briefing" in fault.todo
    page = "# One\n\n```exhibit\nmap\nview: need=crowded&services=hubs\n```"
    (fault,) = faults_of(secrets, written(page)).values()
    assert fault.what == "there is no layer 'hubs'" and "partners" not in fault.todo
    assert stub.calls == []
    filled(secrets, written(page, audience="partners"))
    assert len(stub.calls) == 1 and stub.calls[0][2].signed_in


def test_nobody_reads_through_a_draft_what_another_partner_keeps_to_itself(secrets, stub):
    owned = written(DEBT, audience="owner", partner="westshire")
    for author in (EVE, PUBLIC, replace(WES, own=False)):
        for lenient in (False, True):
            with pytest.raises(Refused) as caught:
                filled(secrets, owned, author=author, lenient=lenient)
            assert caught.value.faults[0].where == "line 3"
    with pytest.raises(Refused):
        filled(secrets, written(BEDS, audience="partners"), author=PUBLIC, lenient=True)
    assert words(filled(secrets, owned, author=WES).pages[0]) == ["8,001 points"]
    assert words(filled(secrets, owned, author=SYSTEM).pages[0]) == ["8,001 points"]


def test_a_partner_that_is_gone_leaves_only_what_everybody_may_see(secrets, stub):
    document = written(BEDS, "# Homes\n\n{{ value layer=crowded area=T05 }}", audience="partners", partner="northshire")
    found = faults_of(secrets, document)
    assert list(found) == ["line 3"]  # nothing is said about layers when it is not known who reads
    pages = filled(secrets, document, lenient=True).pages
    assert pages[0].unavailable and words(pages[1]) == ["5% of households"]


# ---- versions -----------------------------------------------------------------------------------------------------------


def test_pins_keep_the_numbers_and_a_refresh_says_what_would_change(own, stub):
    own.store.publish(indicator("noise"), by=WES)
    document = written("# {{ highest.value layer=noise level=lsoa }}\n\n{{ value layer=harm area=T05 }}", "# Two")
    before = filled(own, document)
    assert before.pages[0].headline_text == "16 points" and before.pins == {"noise": 1, "harm": 1}
    own.store.publish(indicator("noise", first=101.0), by=WES)
    pinned = filled(own, document, pins=before.pins, version=3, published_on="2026-03-01")
    assert pinned.pages[0].headline_text == "16 points"
    assert (pinned.pins, pinned.version, pinned.published_on) == (before.pins, 3, "2026-03-01")
    (stale,) = pinned.stale
    today = own.store.now().date().isoformat()
    assert (stale.layer_id, stale.title, stale.pinned, stale.newest, stale.published_on) == (
        "noise",
        "Noise",
        1,
        2,
        today,
    )
    after = filled(own, document)
    assert after.pins == {"noise": 2, "harm": 1} and after.stale == ()
    change = FactChange(1, "highest.value layer=noise level=lsoa", "16 points", "116 points")
    assert compare_facts(pinned, after) == (change,)
    assert compare_facts(after, after) == () == compare_facts(pinned, before)


def test_a_layer_that_is_withdrawn_or_taken_back_takes_its_pages_with_it(own, stub):
    own.store.publish(indicator("noise"), by=WES)
    own.store.publish(indicator("noise", first=101.0), by=WES)
    document = written("# {{ highest.value layer=noise level=lsoa }}", "# {{ value layer=harm area=T05 }}")
    pins = filled(own, document).pins
    own.store.rollback("noise", to=1, by=WES, reason="wrong file")
    taken = filled(own, document, pins=pins, lenient=True)
    assert taken.pages[0].unavailable == (
        "This page cannot be shown. The figures of “Noise” that this was made from were taken back."
    )
    assert taken.pages[1].headline_text == "10 per 1,000 residents"
    changes = compare_facts(taken, filled(own, document))
    assert [(c.page, c.token, c.after) for c in changes] == [
        (1, "page", ""),
        (1, "highest.value layer=noise level=lsoa", "16 points"),
    ]
    own.store.withdraw("noise", by=WES, reason="counted twice")
    gone = filled(own, document, pins={"noise": 1}, lenient=True)
    assert "was withdrawn on" in gone.pages[0].unavailable and "counted twice" in gone.pages[0].unavailable
    assert "withdrawn" in faults_of(own, document)["page 1, line 5"].what


def test_compare_tells_of_pages_and_exhibits_that_come_and_go(own, stub):
    one = filled(own, written("# One\n\n```exhibit\nmap\nview: need=harm\n```", "# Two {{ made }}"))
    two = filled(own, written("# One\n\n```exhibit\nmap\nview: need=harm\n```"))
    other = replace(two.pages[0], figure=replace(two.pages[0].figure, alt="other words"))
    assert compare_facts(one, two) == (FactChange(2, "made", "9 March 2026", ""),)
    assert compare_facts(two, replace(two, pages=(other,))) == (
        FactChange(1, "exhibit: A map", "words", "other words"),
    )


# ---- sources and limits -------------------------------------------------------------------------------------------------


def test_every_layer_is_credited_once_with_licence_version_and_date(own):
    from layers import Source

    source = Source("Survey", "ONS", "https://ons.example", "OGL-UK-3.0", "Contains data of the ONS.")
    own.store.publish(indicator("noise", sources=(source, source), licence="CC0-1.0", periods=("2023", "2024")), by=WES)
    layers = [("noise", 1), ("harm", 1), ("noise", 1)]
    noise, harm = source_lines(own, layers, PUBLIC, {"noise": ["2023", "2023"]})
    assert (noise.layer_id, noise.version, noise.title, noise.publisher) == ("noise", 1, "Noise", "ONS")
    assert (noise.period, noise.licence) == ("2023", "Open Government Licence v3.0")
    assert noise.attribution == "Contains data of the ONS." and noise.link == "/catalogue/noise"
    assert noise.published_on == own.store.layer("noise", PUBLIC).published_at.date().isoformat()
    assert (harm.publisher, harm.period) == ("Made up for the tests", "2025")
    assert licence_words("Own terms") == "Own terms"
    assert source_lines(own, [("nothing", 1)], PUBLIC) == ()


def test_limits_say_what_matters_most_in_three_sentences(tiny):
    # crowded: T02 is withheld, the figures are of 2021; clinics: straight lines
    said = limits_of(tiny, [("crowded", 1), ("clinics", 1), ("harm", 1)], PUBLIC, today=DAY)
    assert said == (
        "Crowded homes: the figures are from 2021; things may have changed since.",
        CAUTION,
        "Crowded homes: withheld in 1 small area to protect people.",
    )
    assert limits_of(tiny, [("crowded", 1)], PUBLIC, today=date(2022, 1, 1)) == (said[2],)
    # by ward every figure of harm is made from its areas
    assert limits_of(tiny, [("harm", 1)], PUBLIC, level="ward", today=DAY) == (
        "Alcohol harm: all figures are worked out from other areas.",
    )
    assert limits_of(tiny, [("harm", 1)], PUBLIC, today=DAY) == ("Alcohol harm: no figure for 1 of 16 small areas.",)
    assert limits_of(tiny, [], PUBLIC) == ()


def test_limits_warn_of_made_up_layers_in_a_real_region_and_quote_the_publisher(own):
    real = Published(replace(own.region, demonstration=False, notice=""), own.store, own.home)
    own.store.publish(
        indicator("noise", synthetic=True, caveats="Made with care. Small differences mean nothing."), by=WES
    )
    said = limits_of(real, [("noise", 1)], PUBLIC, today=DAY)
    assert said[0] == "Noise: made-up figures, for demonstration only."
    assert said[1] == "Noise: Made with care. Small differences mean nothing."
    assert not any("made-up" in text for text in limits_of(own, [("noise", 1)], PUBLIC, today=DAY))


def test_a_list_that_leaves_services_out_is_warned_of_before_anything_about_need(own):
    own.store.publish(indicator("noise", caveats="Measured once."), by=WES)
    own.store.publish(indicator("smell", caveats="Asked of few."), by=WES)
    own.store.publish(sites("hubs", caveats="A sample, not a register."), by=WES)
    said = limits_of(own, [("noise", 1), ("smell", 1), ("hubs", 1)], PUBLIC, today=date(2026, 1, 1))
    unknown = "Shops: Nobody has said how complete this is, so it is spoken of as a sample."
    assert said == ("Shops: A sample, not a register.", unknown, CAUTION)


@pytest.mark.parametrize(
    ("period", "year"),
    [("2019/20", 2020), ("2020 to 2024", 2024), ("2024 Q1", 2024), ("1999/00", 2000), ("Jan-Apr 2024", 2024),
     ("2024-03", 2024), ("", None), ("spring", None), ("2019-2021", 2021)],
)  # fmt: skip
def test_the_year_in_which_a_period_ends(period, year):
    assert last_year(period) == year


def test_a_caveat_is_cut_at_the_end_of_a_sentence():
    assert shortened("One. Two.", 5) == "One."
    assert shortened("No stop") == "No stop."
    assert shortened("") == ""
    long = "word " * 60
    assert len(shortened(long)) <= 265 and shortened(long).endswith(" …")


def test_the_day_of_the_numbers_is_that_of_the_store(tiny_region, tmp_path, stub):
    noon = datetime(2031, 5, 6, 12, tzinfo=UTC)
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}", tiny_region, clock=lambda: noon)
    published = Published(tiny_region, store, tmp_path)
    briefing = build_briefing(published, written("# {{ made }}"), briefing_id="x")
    assert briefing.pages[0].headline_text == "6 May 2031" and briefing.made_on == noon.date()
    store.close()
