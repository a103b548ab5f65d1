"""The options page in a real Chromium: suggest, take, open, close and move by pointer and by keyboard; the link holds it all."""

from __future__ import annotations

import json
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from dashboard.views import options as o
from dashboard.views.option_results import comparison, map_scene
from layers import PUBLIC
from tests.browser.driving import OPTION, PHONE, known_as, until

pytestmark = pytest.mark.browser

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")
QUESTION = "need=alcohol-admissions=2,higher-risk-drinking,violence&services=alcohol-drug-services"
IDLE = """() => {
  const store = window.dash_stores?.[0]?.getState();
  const busy = ['requested', 'prioritized', 'blocked', 'executing', 'watched', 'executed', 'stored'];
  const { painter, scene, base } = window.commonground?.options?.state || {};
  return painter?.geometry && base && scene && store?.callbacks && busy.every((name) => !store.callbacks[name]?.length);
}"""


class Options:
    """The options page in words."""

    def __init__(self, page, site):
        self.page, self.site = page, site

    def open(self, query: str = QUESTION):
        self.page.goto(f"{self.site.url}/options?{query}")
        return self.settled()

    def settled(self):
        until(self.page, IDLE, what="the options page is at rest")
        return self

    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.page.url).query).items()}

    def option(self, wanted: str):
        until(self.page, "q => decodeURIComponent(location.search).includes(q)", f"options={wanted}", what=wanted)
        return self.settled()

    def state(self, name: str):
        return self.page.evaluate(f"() => window.commonground.options.state.{name}")

    def emphasis(self) -> set[int]:
        return set(self.page.evaluate("() => window.commonground.options.state.painter._emphasis.indices"))

    def classes(self) -> list[int]:
        return self.page.evaluate("() => [...window.commonground.options.state.painter.classes]")

    def box(self) -> o.Sandbox:
        """What the server makes of the address."""
        state, notices = o.valid_options(self.site.published, self.query(), PUBLIC)
        assert notices == ()
        return o.sandbox(self.site.published, state, PUBLIC)

    def table(self) -> list[list[str]]:
        return self.page.evaluate(
            """() => [...document.querySelectorAll('.comparison tbody tr:not(.group)')].map(
                 (row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent))"""
        )

    def assert_right(self):
        """Table, map and address say the same."""
        box = self.box()
        scene = map_scene(box, PUBLIC)
        assert self.emphasis() == set(scene["after"])
        classes = self.classes()
        assert {i for i, code in enumerate(classes) if code == 9} == set(scene["relieved"])
        assert {i for i, code in enumerate(classes) if code == 10} == set(scene["newly"])
        wanted = [
            [f"{c.words}{c.note}" for c in row.cells] for group in comparison(box, PUBLIC).groups for row in group.rows
        ]
        assert self.table() == wanted
        return box


@pytest.fixture
def options(open_page):
    def opener(site, query: str = QUESTION, **more) -> Options:
        return Options(open_page(site, **more), site).open(query)

    return opener


def suggest(page):
    page.locator("#plan-start").click()
    page.locator(".plan-sites li").first.wait_for()
    until(
        page, "() => document.querySelector('.plan-progress')?.textContent.startsWith('Proven best')", what="the proof"
    )


def test_sites_are_suggested_proven_and_taken_as_an_option(options, demo_site):
    opened = options(demo_site)
    page = opened.page
    before = opened.emphasis()
    suggest(page)
    opened.settled()
    assert opened.query()["new"] == "3" and page.locator(".plan-sites li").count() == 3
    assert page.locator(".option-icon.proposed").count() == 3
    assert "Planned together" in page.locator("#plan .together").inner_text()
    page.get_by_role("button", name="Take as an option").click()
    until(page, "() => location.search.includes('options=')")
    opened.settled()
    assert page.locator(".option-icon.open").count() == 3 and page.locator(".option-icon.proposed").count() == 0
    box = opened.assert_right()
    assert len(box.query.option.changes) == 3 and opened.emphasis() < before


def test_a_link_reproduces_the_whole_page(options, demo_site):
    query = f"{QUESTION}&new=2&objective=p-median&demand=all&options=A~More+sites:o430000-556000;B:xalcohol-drug-services-001&option=B"
    opened = options(demo_site, query)
    page = opened.page
    page.locator(".plan-sites li").nth(1).wait_for()
    opened.settled()
    opened.assert_right()
    assert page.locator("#plan-new").input_value() == "2"
    assert page.locator("#plan-objective").input_value() == "Least travel"
    assert page.locator(".option-tab[aria-pressed=true]").inner_text() == "B"
    assert page.locator("thead th").all_inner_texts()[1:] == ["As it is now", "A: More sites", "Option B"]
    assert page.locator(".option-icon.close").count() == 1
    again = options(demo_site, urlsplit(page.url).query)
    again.page.locator(".plan-sites li").nth(1).wait_for()
    again.settled()
    assert again.table() == opened.table() and again.classes() == opened.classes() and again.page.url == page.url


def test_a_site_is_opened_on_the_map_and_back_takes_it_away(options, demo_site):
    opened = options(demo_site)
    page = opened.page
    start = page.url
    page.get_by_role("button", name="Open a site on the map").click()
    area = page.evaluate("() => window.commonground.options.state.scene.before[0]")
    x, y = page.evaluate(
        """i => {
          const { map, painter } = window.commonground.options.state;
          const p = map.latLngToContainerPoint(painter.pointOf(i)), box = map.getContainer().getBoundingClientRect();
          return [box.x + p.x, box.y + p.y];
        }""",
        area,
    )
    page.mouse.click(x, y)
    opened.option("A:o")
    assert page.locator(".option-icon.open").count() == 1
    box = opened.assert_right()
    assert len(map_scene(box, PUBLIC)["relieved"]) > 0
    page.evaluate("() => history.back()")
    until(page, "url => location.href === url", start)
    until(page, "() => window.commonground.options.state.scene.opened.length === 0")
    opened.settled().assert_right()


def pick(page, words: str, done: str) -> None:
    """Type into the search box, then choose with the arrow key and Enter. The list is drawn again when its last answer comes, and
    then nothing is marked for a moment: a person presses the two keys once more, and so does this."""
    page.keyboard.type(words)
    page.locator(OPTION).filter(has_text=words).first.wait_for()
    for _ in range(5):
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if page.evaluate(done):
                return
    raise AssertionError(f"“{words}” was not taken")


def test_everything_that_the_map_can_do_the_keyboard_can(options, demo_site):
    opened = options(demo_site)
    page = opened.page
    # open: the search box
    page.locator("#options-place").focus()
    first, second = (known_as(demo_site, name) for name in ("Gateshead demo area 004", "Sunderland demo area 010"))
    pick(page, first, "() => decodeURIComponent(location.search).includes('options=A:o')")
    opened.option("A:o")
    assert f"New site 1 in {first[:-2]} (" in page.locator(".changes").inner_text()
    # close: the tick of a site
    tick = page.locator(".site-tick").nth(3)
    name = tick.inner_text().split("\n")[0]
    tick.focus()
    page.keyboard.press("Space")
    until(page, "() => window.commonground.options.state.scene.closed.length === 1")
    opened.settled()
    until(
        page,
        "() => document.activeElement.matches('.site-tick[aria-checked=false]')",
        what="the focus stays on the tick",
    )
    assert name in page.locator(".changes").inner_text()
    opened.assert_right()
    # move: its button, then the search box has the focus
    page.get_by_role("button", name="Move: New site 1").focus()
    page.keyboard.press("Enter")
    assert page.locator("#options-mode").inner_text().startswith("New place for New site 1")
    until(page, "() => document.activeElement.id === 'options-place'")
    there = (
        "() => window.commonground.options.state.scene.opened[0]?.[4].includes(" + json.dumps(f"{second[:-2]} (") + ")"
    )
    pick(page, second, there)
    until(page, there)
    opened.settled().assert_right()
    # undo: the focus goes on at the changes
    page.get_by_role("button", name="Undo: New site 1").focus()
    page.keyboard.press("Enter")
    until(page, "() => window.commonground.options.state.scene.opened.length === 0")
    until(page, "() => document.activeElement.id === 'option-changes'")
    # a second option, and its name
    page.get_by_role("button", name="New empty option").focus()
    page.keyboard.press("Enter")
    until(page, "() => location.search.includes('option=B')")
    opened.settled()
    page.get_by_label("Name of option B").fill("Later")
    page.keyboard.press("Tab")
    until(page, "() => location.search.includes('B~Later')")
    opened.settled()
    assert page.locator("thead th").all_inner_texts()[-1] == "B: Later"


def test_a_site_of_today_is_closed_and_moved_from_its_card(options, demo_site):
    opened = options(demo_site)
    page = opened.page
    spot = """() => {
      const { map, config } = window.commonground.options.state;
      const p = map.latLngToContainerPoint([config.sites[0][2], config.sites[0][1]]);
      const box = map.getContainer().getBoundingClientRect();
      return [box.x + p.x, box.y + p.y];
    }"""
    page.evaluate(
        """() => {
          const { map, config } = window.commonground.options.state;
          map.setView([config.sites[0][2], config.sites[0][1]], 13, { animate: false });
        }"""
    )
    page.mouse.click(*page.evaluate(spot))
    page.locator(".service-card").get_by_role("button", name="Close").click()
    until(page, "() => window.commonground.options.state.scene.closed.length === 1")
    opened.settled()
    page.locator(".option-icon.close").click()
    page.locator(".service-card").get_by_role("button", name="Open again").click()
    until(page, "() => window.commonground.options.state.scene.closed.length === 0")
    opened.settled()
    page.mouse.click(*page.evaluate(spot))
    page.locator(".service-card").get_by_role("button", name="Move").click()
    x, y = page.evaluate(spot)
    page.mouse.click(x + 60, y + 40)
    until(page, "() => window.commonground.options.state.scene.moved.length === 1")
    opened.settled()
    assert page.locator("#options-mode").inner_text() == ""
    assert page.locator(".option-icon.move").count() == 1
    opened.assert_right()


def test_without_a_need_the_page_leads_back_to_the_map(open_page, demo_site):
    page = open_page(demo_site)
    page.goto(f"{demo_site.url}/options?need=none")
    page.get_by_role("heading", name="Choose a need and services first.").wait_for()
    assert page.locator("#plan-start").is_disabled()
    until(page, "() => window.seen.painted > 0", what="the plain map")
    page.get_by_role("link", name="Back to the map").click()
    page.locator("#map").wait_for()


# -- Accessibility ------------------------------------------------------------------------------------------------------


def faults(page) -> list[str]:
    page.evaluate(AXE)
    found = page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
    return [f"{v['id']}: {[n['html'][:160] for n in v['nodes']][:4]}" for v in found["violations"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [{"width": 1366, "height": 768}, PHONE], ids=["laptop", "phone"])
def test_axe_finds_nothing_on_the_options_page(options, demo_site, scheme, size):
    query = f"{QUESTION}&new=2&options=A:o430000-556000,xalcohol-drug-services-001;B:malcohol-drug-services-002-431000-561000&metric=e2sfca"
    opened = options(demo_site, query, color_scheme=scheme, viewport=size)
    opened.page.locator(".plan-sites li").first.wait_for(state="attached")  # a phone folds the panel away
    opened.settled()
    assert faults(opened.page) == []
    if size is PHONE:
        for sheet in ("Options", "Compare"):
            opened.page.get_by_role("button", name=sheet, exact=True).click()
            assert faults(opened.page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_page_of_a_community_and_it_fits_a_phone(open_page, demo_site, scheme):
    state, _ = o.valid_options(demo_site.published, dict(part.split("=", 1) for part in QUESTION.split("&")), PUBLIC)
    card = o.sandbox(demo_site.published, state, PUBLIC).gaps.cards[0]
    page = open_page(demo_site, color_scheme=scheme, viewport=PHONE)
    page.goto(f"{demo_site.url}/communities/{card.id}?{QUESTION}&site=best")
    page.get_by_role("heading", name=card.name).wait_for()
    assert page.locator(".plain-map").evaluate("e => e.complete && e.naturalWidth") == 760
    assert faults(page) == []
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_role("link", name="Open this site in the options").click()
    until(page, IDLE, what="the options page with the site")
    assert page.locator(".option-icon.open").count() == 1
