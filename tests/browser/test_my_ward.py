"""Find my ward by postcode: remembered on the device and nowhere else, and what numbers are in it."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfReader

from tests.browser.driving import PHONE, until
from tests.browser.test_briefings import BELOW
from tests.browser.test_publish import no_barriers, sideways

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", autouse=True)
def warm(demo_site):
    """The first visitor waits until every starter is written; what is measured here is something else."""
    from urllib.request import urlopen

    for path in ("/briefings", "/briefings/region-in-ten-numbers"):
        urlopen(demo_site.url + path, timeout=300).read()


@pytest.mark.parametrize("size", [None, PHONE], ids=["laptop", "phone"])
def test_a_postcode_finds_the_ward_and_the_device_remembers_it(open_page, demo_site, size):
    page = open_page(demo_site, **({"viewport": size} if size else {}))
    page.goto(f"{demo_site.url}/briefings")
    assert page.locator("[data-remembered]").is_hidden()
    no_barriers(page, "list")
    page.get_by_label("Postcode, ward or authority").fill("ne1 4lp")
    page.get_by_role("button", name="Find my ward").click()
    page.wait_for_url("**/briefings/ward-*")
    name = page.locator(".ward-place strong").inner_text()
    assert page.get_by_text("Your ward, remembered on this device.").is_visible()
    assert "?" not in page.url and sideways(page) <= 0
    no_barriers(page, "sheet")
    assert page.context.cookies() == []
    page.goto(f"{demo_site.url}/briefings")
    page.get_by_role("link", name=name, exact=True).wait_for()

    page.goto(f"{demo_site.url}/briefings/region-in-ten-numbers")
    box = page.locator(".own-ward").first
    box.wait_for()
    assert box.get_by_role("link", name=f"In your ward, {name}").is_visible()
    no_barriers(page, "read")
    assert sideways(page) <= 0
    page.goto(f"{demo_site.url}/briefings")
    page.get_by_role("button", name="Forget it").click()
    assert page.locator("[data-remembered]").is_hidden()
    assert page.evaluate("() => localStorage.getItem('commonground-ward')") is None
    page.goto(f"{demo_site.url}/briefings/region-in-ten-numbers")
    page.wait_for_timeout(500)
    assert page.locator(".own-ward").count() == 0


def test_a_postcode_elsewhere_says_so_and_a_name_still_finds(open_page, demo_site):
    page = open_page(demo_site)
    page.goto(f"{demo_site.url}/briefings/wards?q=SW1A+1AA")
    assert "SW1A 1AA lies outside" in page.locator("main").inner_text()
    page.get_by_label("Postcode, ward or authority").fill("gateshead demo ward 1")
    page.get_by_role("button", name="Find my ward").click()
    until(page, "() => document.querySelectorAll('.ward-links a').length > 1")


def test_what_a_browser_remembers_is_never_trusted(open_page, demo_site):
    """Somebody else's script may have written it: no code but that of a ward is asked for, and nothing of it is run."""
    page = open_page(demo_site)
    page.goto(f"{demo_site.url}/briefings")
    page.watch.expected += ["404"]
    for kept in (
        '{"code":"../../x","name":"a"}',
        "nonsense",
        '{"code":"E99999999","name":"<img src=x onerror=alert(1)>"}',
        "[]",
    ):
        page.evaluate("(kept) => localStorage.setItem('commonground-ward', kept)", kept)
        page.goto(f"{demo_site.url}/briefings/region-in-ten-numbers")
        page.wait_for_timeout(300)
        assert page.locator(".own-ward").count() == 0
        page.goto(f"{demo_site.url}/briefings")
        assert page.locator("main img").count() == 0


def test_presenting_says_what_the_numbers_are_in_ones_ward_and_can_put_it_away(open_page, demo_site):
    """On every page that has a number a ward has too; nothing of it is below the least size or runs off, and W hides it."""
    page = open_page(demo_site, viewport={"width": 1920, "height": 1080})
    page.goto(f"{demo_site.url}/briefings/wards")
    link = page.locator(".ward-links a").first
    code, name = link.get_attribute("href").split("ward-")[1], link.inner_text()
    page.evaluate(
        "(kept) => localStorage.setItem('commonground-ward', JSON.stringify(kept))", {"code": code, "name": name}
    )
    page.goto(f"{demo_site.url}/briefings/region-in-ten-numbers/present#1")
    box = page.locator(".slide.shown .own-ward")
    box.wait_for()
    assert box.locator("b").inner_text() == f"In your ward, {name}" and box.locator("a").count() == 0
    slides = page.locator(".slide").count()
    for n in range(slides):
        page.evaluate(f"window.commonground.deck.show({n})")
        assert page.evaluate(BELOW) == [], n
    page.evaluate("window.commonground.deck.show(1)")
    page.keyboard.press("w")
    assert box.is_hidden()
    page.get_by_role("button", name="Your ward").click()
    assert box.is_visible()
    no_barriers(page, "present")
    page.keyboard.press("ArrowRight")
    assert page.locator("[data-place]").inner_text().startswith("2 of ")


def test_presenting_without_a_remembered_ward_asks_for_nothing(open_page, demo_site):
    page = open_page(demo_site)
    page.goto(f"{demo_site.url}/briefings/region-in-ten-numbers/present#1")
    until(page, "() => document.documentElement.classList.contains('live')")
    page.wait_for_timeout(300)
    assert not any("own-ward" in one for one in page.watch.requests)
    assert page.locator("[data-ward-switch]").is_hidden()


@pytest.mark.parametrize("level", ["ward", "lad", "lsoa"])
def test_a_sheet_printed_from_the_browser_is_the_sheet_alone(open_page, demo_site, level):
    """On two sides; of an authority with many gaps on a third one too (its PDF is made to fit two)."""
    code = demo_site.published.region.codes(level)[3]
    page = open_page(demo_site)
    page.goto(f"{demo_site.url}/briefings/{'ward' if level == 'ward' else 'area'}-{code}")
    printed = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True))).pages
    said = " ".join(" ".join(side.extract_text().split()) for side in printed)
    assert len(printed) <= (3 if level == "lad" else 2)
    assert "Whom to ring" in said and "Take it away" not in said and "Sign in" not in said
