"""The gap view in the browser: overlays and their switches, ways to measure access, why an area is underserved, the shared ones."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest

from dashboard.selection import Selection
from dashboard.views import gap_areas, gap_words
from dashboard.views import gaps as view
from dashboard.views import overlays as over
from dashboard.views.scene import classes_of, scene
from layers import PUBLIC
from tests.browser.driving import GAP, PHONE, Site, serving, until
from tests.browser.test_axe import assert_clean
from tests.measured import write_measured_pack

pytestmark = pytest.mark.browser

QUESTION = "need=alcohol-admissions&services=alcohol-drug-services&show=gap"
DRAWN = "() => window.commonground.explore.state.painter._overlays"


@pytest.fixture(scope="module")
def measured_site(tmp_path_factory):
    """Tinyland with a demand group, a share without a car, and travel times."""
    from dashboard.app import create_app
    from dashboard.published import Published
    from layers import load_region, open_store

    home = tmp_path_factory.mktemp("measured-home")
    region = load_region(write_measured_pack(home / "pack"))
    store = open_store(f"sqlite:///{home / 'store.sqlite'}", region)
    published = Published(region, store, home)
    with serving(create_app(published, "a key for the tests only").server) as url:
        yield Site(url, published)
    store.close()


def found(site, **more):
    return view.gaps_of(
        site.published, Selection.from_query({**dict(p.split("=") for p in QUESTION.split("&")), **more})[0], PUBLIC
    )


def switch(explore, words: str):
    """Press a switch; the fold that holds them is opened first where none of them is on."""
    one = explore.page.locator(".overlay-switch", has_text=words)
    if not one.is_visible():
        explore.page.get_by_text("Also draw on the map").click()
    one.click()
    return explore.settled()


def test_each_overlay_is_drawn_by_its_switch_and_stands_in_the_address(explore, demo_site):
    explore = explore(demo_site, f"/?{QUESTION}")
    gaps = found(demo_site)
    wanted = {overlay.id: overlay for overlay in over.overlays(gaps)}
    chosen = []
    for name, overlay in wanted.items():
        switch(explore, overlay.title)
        chosen.append(name)
        assert parse_qs(explore.query())["overlays"] == [",".join(chosen)]
        kinds = sum(len([line for line in wanted[each].lines if line.indices]) for each in chosen)
        until(explore.page, "n => window.commonground.explore.state.painter._overlays.lines.length === n", kinds)
    drawn = explore.page.evaluate(f"{DRAWN[6:]}")
    want = [list(line.indices) for each in wanted.values() for line in each.lines if line.indices]
    assert [line["indices"] for line in drawn["lines"]] == want
    until(
        explore.page,
        "n => window.commonground.explore.state.painter._overlays.rings.length === n",
        len(over.rings(gaps, PUBLIC)),
    )
    pressed = explore.page.locator(".overlay-switch[aria-checked=true]")
    assert pressed.count() == len(wanted)
    # the outlines of the underserved areas are still there, and the colours were not fetched again
    assert (
        explore.page.evaluate("() => window.commonground.explore.state.painter._emphasis.indices.length")
        == gaps.summary["underserved_areas"]
    )
    switch(explore, wanted["near"].title)
    assert parse_qs(explore.query())["overlays"] == [",".join(chosen[1:])]


def test_a_link_draws_them_and_leaving_the_gap_view_takes_them_away(explore, demo_site):
    explore = explore(demo_site, f"/?{QUESTION}&overlays=near,rings")
    until(explore.page, "() => window.commonground.explore.state.painter._overlays.rings.length > 0")
    explore.step("access")
    until(
        explore.page,
        "() => { const o = window.commonground.explore.state.painter._overlays; return !o.lines.length && o.rings.length; }",
    )
    explore.step("need")
    until(explore.page, "() => !window.commonground.explore.state.painter._overlays.rings.length")
    assert explore.page.locator(".overlay-switch").count() == 0


def test_the_map_shows_the_gaps_and_the_ninths_are_behind_a_switch(explore, demo_site):
    explore = explore(demo_site, f"/?{QUESTION}")
    page, gaps = explore.page, found(demo_site)
    assert explore.classes().count(2) == gaps.summary["underserved_areas"]
    assert page.locator("#legend .map-keys li").first.inner_text().endswith(f"{gaps.summary['underserved_areas']:,}")
    switch(explore, "in ninths")
    assert parse_qs(explore.query())["grid"] == ["yes"]
    until(page, "() => window.commonground.explore.state.painter.classes.includes(8)")
    page.locator("#legend .bivariate").wait_for()
    switch(explore, "in ninths")
    assert "grid" not in parse_qs(explore.query())


def test_opening_a_gap_zooms_to_the_gaps_and_numbers_the_first_ten(explore, demo_site):
    explore = explore(demo_site, "/?need=alcohol-admissions&services=alcohol-drug-services")
    page, gaps, whole = explore.page, found(demo_site), explore.view()[2]
    explore.step("gap")
    until(page, "() => window.commonground.explore.state.painter._emphasis.indices.length > 0")
    explore.still()
    assert explore.view()[2] >= whole
    seen = """() => {
      const { map, painter } = window.commonground.explore.state;
      return painter._emphasis.indices.every((i) => map.getBounds().contains(painter.boundsOf(i)));
    }"""
    assert page.evaluate(seen), "every gap is in view"
    first = [str(n) for n in range(1, min(len(gaps.cards), 10) + 1)]
    badges = page.evaluate("() => window.commonground.explore.state.painter._emphasis.labels.map((each) => each.badge)")
    assert [badge for badge in badges if badge] == first
    assert [text for text in page.locator(".place .no").all_text_contents() if text] == first


def test_a_place_is_one_line_that_unfolds_and_shows_itself(explore, demo_site):
    explore = explore(demo_site, f"/?{QUESTION}")
    page, card = explore.page, found(demo_site).cards[0]
    place = page.locator(".place").first
    assert card.place in place.inner_text() and f"{card.residents:,.0f}" in place.inner_text()
    assert place.bounding_box()["height"] <= 90
    link = page.get_by_role("link", name=f"Open the page of {card.place}")
    assert not link.is_visible()
    place.click()
    explore.still()
    assert link.is_visible()
    assert page.locator("#area-panel h2").count() == 0
    contains = """i => {
      const { map, painter } = window.commonground.explore.state;
      return map.getBounds().contains(painter.boundsOf(i));
    }"""
    assert all(page.evaluate(contains, i) for i in card.indices)


def test_only_the_shared_communities(explore, demo_site):
    explore = explore(demo_site, f"/?{QUESTION}")
    page, gaps = explore.page, found(demo_site)
    shared = [card for card in gaps.cards if card.shared or card.id in gaps.across]
    assert sum(card.shared for card in shared) > 0 and len(shared) < len(gaps.cards)
    explore.step("shared")
    assert parse_qs(explore.query())["shared"] == ["yes"]
    until(page, "n => document.querySelectorAll('.communities > li').length === n", len(shared))
    assert page.locator(".communities .shared-mark").count() == len(shared)
    assert page.evaluate("() => document.activeElement.matches('[data-step=shared]')")  # the focus stays
    assert page.locator("#steps [aria-current=step]").inner_text().startswith("Shared")
    mine = sorted(i for card in shared for i in card.indices)
    until(page, "n => window.commonground.explore.state.painter._emphasis.indices.length === n", len(mine))
    page.go_back()
    explore.settled()
    until(page, "n => document.querySelectorAll('.communities > li').length === n", min(len(gaps.cards), 40))


def test_the_baseline_of_who_is_affected_stands_in_the_address(explore, demo_site):
    explore = explore(demo_site, f"/?{QUESTION}")
    page = explore.page
    page.locator("details.affected > summary").click()
    page.locator(".affected [data-baseline=authority]").click()
    until(page, "() => new URLSearchParams(location.search).get('beside') === 'authority'")
    until(page, "() => document.querySelector('.affected').open")
    assert page.locator("[data-baseline-part=authority]").is_visible()
    assert not page.locator("[data-baseline-part=region]").is_visible()


def test_the_panel_says_why_an_area_is_underserved_and_another_is_not(explore, demo_site):
    gaps = found(demo_site)
    inside = gaps.cards[0].indices[0]
    outside = next(
        i for i, row in enumerate(gaps.result.areas.itertuples()) if not row.underserved and not row.near_miss
    )
    codes = gaps.result.areas["code"]
    explore = explore(demo_site, f"/?{QUESTION}&area={codes.iat[inside]}")
    said = explore.page.locator("#area-panel .why").inner_text()
    reading = gap_areas.area_reading(gaps, inside)
    for text in (
        reading.verdict,
        reading.reason,
        reading.need_sentence,
        reading.access_sentence,
        reading.stability_sentence,
    ):
        assert text in said
    assert (
        explore.page.locator("#area-panel .why a").get_attribute("href").startswith(f"/communities/{gaps.cards[0].id}?")
    )
    explore.show_area(outside)
    explore.page.mouse.click(*explore.pixel_of(outside))
    until(
        explore.page, "() => document.querySelector('#area-panel .why h3')?.textContent.startsWith('Not underserved')"
    )
    explore.step("need")
    until(explore.page, "() => !document.querySelector('#area-panel .why')")


def test_ways_to_measure_access_change_the_fields_and_the_address(explore, measured_site):
    explore = explore(measured_site, "/?need=harm&services=clinics&show=gap")
    page = explore.page
    explore.reach("max-km")
    assert page.locator("#max-km").is_visible() and not page.locator("#max-min").is_visible()
    assert [text.split(":")[0] for text in explore.options("journey")] == [
        "Distance in a straight line, over land around water",
        "Minutes",
        "By bus",
    ]
    explore.choose_repaints("journey", "By bus")
    assert parse_qs(explore.query())["travel"] == ["bus"]
    explore.reach("max-min")
    assert page.locator("#max-min").is_visible() and not page.locator("#max-km").is_visible()
    assert not page.locator("#detour").is_visible()
    assert "“By bus”" in page.locator("#headline").inner_text()
    assert page.evaluate("() => window.commonground.explore.state.painter._emphasis.indices") == [15]
    fair = next(text for text in explore.options("journey") if text.startswith("Minutes"))
    explore.choose_repaints("journey", fair)
    assert "travel" not in parse_qs(explore.query()) and parse_qs(explore.query())["fair"] == ["yes"]
    explore.reach("max-min").page.locator("#max-min").fill("45")
    until(page, "() => location.search.includes('max_min=45')")
    explore.settled()
    assert "driven at 35 km/h" in page.locator("#headline").inner_text()
    explore.choose("metric", "Capacity for its people")
    explore.choose_repaints("group", "Older")
    assert parse_qs(explore.query())["group"] == ["older"]
    # the tables lead from small areas; a ward has the mean of its residents
    explore.choose("journey", "By bus")
    explore.press("level", "Wards")
    assert parse_qs(explore.query())["travel"] == ["bus"] and "“By bus”" in page.locator("#headline").inner_text()


def test_escape_closes_the_table_and_gives_the_focus_back(explore, demo_site):
    explore = explore(demo_site, f"/?{QUESTION}")
    explore.open_table()
    explore.page.keyboard.press("Escape")
    assert explore.page.locator("#table-drawer").is_hidden()
    assert explore.page.evaluate("() => document.activeElement.id") == "open-table"


def test_on_a_phone_the_names_leave_room_for_the_figures(explore, demo_site):
    explore = explore(demo_site, f"/?{QUESTION}", viewport=PHONE)
    explore.open_table()
    until(explore.page, "() => document.querySelector('#table .ag-header-cell[col-id=name]').offsetWidth <= 160")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_with_every_overlay_and_an_area_open(explore, demo_site, scheme):
    code = found(demo_site).cards[0].codes[0]
    query = f"{QUESTION}&overlays=near,vanish,moran,hot,rings&shared=yes&metric=e2sfca&area={code}"
    explore = explore(demo_site, f"/?{query}", color_scheme=scheme)
    explore.page.locator("#area-panel .why").wait_for()
    assert_clean(explore.page)


def test_while_the_answer_is_on_its_way_the_panel_says_so(explore, demo_site):
    explore = explore(demo_site, f"/?{QUESTION}")
    page = explore.page
    assert page.locator("#working").is_hidden()
    page.evaluate(
        """() => {
          window.sawWorking = 0;
          const bar = document.getElementById('working');
          new MutationObserver(() => (window.sawWorking += bar.hidden ? 0 : 1)).observe(bar, { attributes: true });
        }"""
    )
    explore.step("access")
    assert page.evaluate("() => window.sawWorking") >= 1
    assert page.locator("#working").is_hidden()


def test_a_weight_slider_moves_the_map_at_once_and_the_words_follow(explore, demo_site):
    asked = "need=alcohol-admissions,violence&services=alcohol-drug-services&show=gap"
    explore = explore(demo_site, f"/?{asked}")
    page, before = explore.page, explore.painted()
    page.locator("#weights input[type=range]").first.evaluate(
        "e => { e.value = '5'; e.dispatchEvent(new Event('input', { bubbles: true })); }"  # the sixth step is a weight of 2
    )
    until(page, "n => window.seen.classes > n", before)
    until(page, "() => location.search.includes('need=alcohol-admissions=2,violence')")
    explore.settled()
    wanted = Selection(need="alcohol-admissions=2,violence", services=("alcohol-drug-services",), show="gap")
    shown = scene(demo_site.published, wanted, PUBLIC)
    assert explore.classes() == list(classes_of(demo_site.published, wanted, shown)[1:])
    until(
        page,
        "text => document.getElementById('sentence').textContent.includes(text)",
        gap_words.summary_sentence(shown),
    )
    assert explore.selection()["need"] == wanted.need


def test_a_ready_made_set_says_why_each_indicator_belongs(explore, demo_site):
    explore = explore(demo_site, f"/?{QUESTION}")
    preset = demo_site.published.region.presets[0]
    explore.reach("need").page.locator(".more-options summary", has_text="Combine several indicators").click()
    explore.page.locator(".preset-why summary").first.click()
    said = explore.page.locator(".preset-why").first.inner_text()
    assert all(why in said for why in preset.reasons.values())


def test_another_control_leaves_every_digit_of_the_link_alone(explore, demo_site):
    page = explore(demo_site, f"/?{GAP}&max_m=1234.5678")
    page.choose("detour", "Straight line and a fifth")
    assert "max_m=1234.5678&detour=1.2" in page.query()
