"""Find my ward by postcode: remembered on the device and nowhere else, and what numbers are in it."""

from __future__ import annotations

import pytest

from tests.browser.driving import PHONE, until
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
