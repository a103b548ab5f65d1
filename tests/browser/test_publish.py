"""The two journeys of a first-time publisher in a real browser: a CSV on older boundaries, and services with postcodes.

Each goes from the front page of publishing to the public map and back again (rolled back, withdrawn), on a store of its own.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.browser.driving import PHONE, Site, serving, until

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "tests/browser/vendor/axe.min.js"
PASSWORD = "a long enough password 1"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    from dashboard.app import create_app
    from dashboard.published import Published
    from layers import SYSTEM, load_region, open_store

    home = tmp_path_factory.mktemp("publish-home")
    region = load_region(ROOT / "data/demo")
    store = open_store(f"sqlite:///{home / 'store.sqlite'}", region, fill=False)
    for name in ("ann", "bob"):
        store.accounts.add_user(name, role="analyst", partner="newcastle", password=PASSWORD, by=SYSTEM)
    published = Published(region, store, home)
    with serving(create_app(published, "a key for the tests only").server) as url:
        yield Site(url, published)
    store.close()


def sign_in(page, site) -> None:
    page.goto(f"{site.url}/publish")
    page.get_by_role("link", name="Sign in").last.click()
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/publish")


def no_barriers(page, context: str) -> None:
    """axe-core finds nothing against WCAG 2.2 AA. It is put in by the debugger, which the page's policy does not bind."""
    if not AXE.exists():
        return
    debugger = page.context.new_cdp_session(page)
    debugger.send("Runtime.evaluate", {"expression": AXE.read_text() + ";0"})
    found = page.evaluate(
        """() => axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })
             .then((r) => r.violations.map((v) => `${v.id}: ${v.nodes[0].html}`))"""
    )
    assert found == [], context


def sideways(page) -> int:
    return page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")


def upload(page, file: Path) -> None:
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Upload and go on").click()
    page.wait_for_url("**/columns")


def go_on(page, button: str, to: str) -> None:
    page.get_by_role("button", name=button).click()
    page.wait_for_url(f"**/{to}")


def painted(page, maps: int) -> None:
    until(
        page, "n => document.querySelectorAll('[data-painted]').length === n", maps, what="the small maps are painted"
    )


def withdraw(page, reason: str) -> None:
    page.get_by_text("Withdraw the layer").click()
    page.locator("form[action$='/withdraw']").get_by_label("Reason").fill(reason)
    page.get_by_role("button", name="Withdraw").click()
    page.get_by_role("heading", name="The layer is withdrawn").wait_for()


def test_a_csv_on_older_boundaries_to_the_public_map_and_back(site, open_page, tmp_path):
    region = site.published.region
    codes = region.lookups["lsoa_2011"]["code"]
    file = tmp_path / "fuel-poverty.csv"
    pd.DataFrame(
        {"LSOA code": codes, "Numerator": range(100, 100 + len(codes)), "Denominator": 2000}
    ).to_csv(file, index=False)  # fmt: skip
    page = open_page(site)
    sign_in(page, site)
    no_barriers(page, "start")
    upload(page, file)
    assert page.get_by_label("Area codes").input_value() == "LSOA code"
    assert page.locator("#f-role-numerator").input_value() == "Numerator"
    no_barriers(page, "columns")
    go_on(page, "Save and go on", "describe")

    page.get_by_label("Title").fill("Fuel poverty")
    page.get_by_label("Theme", exact=True).select_option("housing")
    until(page, "() => document.querySelector('[data-saved]').textContent === 'Saved'", what="saved while typing")
    draft = page.url
    page.goto(f"{site.url}/publish")  # away, and back: nothing is lost
    page.get_by_role("link", name="Fuel poverty").click()
    page.wait_for_url(draft)
    assert page.get_by_label("Title").input_value() == "Fuel poverty"
    assert page.get_by_label("Theme", exact=True).input_value() == "housing"

    page.watch.expected += ["422"]
    page.get_by_role("button", name="Save and go on").click()
    page.get_by_role("heading", name="There is a problem").wait_for()
    assert page.evaluate("() => document.activeElement.className") == "error-summary"
    page.get_by_role("link", name="Say what the number counts").click()
    assert page.evaluate("() => document.activeElement.name") == "unit"
    page.keyboard.type("% of households")
    no_barriers(page, "describe with errors")
    page.get_by_label("What kind of number is it?").select_option("percentage")
    page.get_by_label("A higher number means more need").check()
    page.get_by_label("Period", exact=True).fill("2024")
    page.get_by_label("Source", exact=True).fill("Sub-regional fuel poverty")
    page.get_by_label("Licence").select_option("OGL-UK-3.0")
    page.get_by_label("Contact").fill("data@newcastle.example")
    page.get_by_role("group", name="Do the numbers count people?").get_by_label("No").check()
    page.get_by_label("Everybody").check()
    go_on(page, "Save and go on", "check")

    page.get_by_text("This can be published.").wait_for()
    assert "LSOA 2011" in page.locator("main").inner_text()
    no_barriers(page, "check")
    go_on(page, "Go on to the preview", "preview")
    painted(page, 1)
    no_barriers(page, "preview")
    page.locator("#f-level").select_option("lad")
    page.wait_for_url("**/preview?*level=lad*")
    painted(page, 1)
    go_on(page, "This is right: go on", "publish")
    no_barriers(page, "publish")
    page.get_by_label("What is new or changed?").fill("First version.")
    page.get_by_role("button", name="Publish", exact=True).click()
    page.wait_for_url("**/catalogue/fuel-poverty-newcastle?published=1")
    no_barriers(page, "layer")

    public = open_page(site)  # somebody else, not signed in
    public.goto(f"{site.url}/catalogue/fuel-poverty-newcastle")
    public.get_by_role("link", name="Show on the map").click()
    until(public, "() => window.seen?.classes > 0", what="the public map is painted")
    assert "Fuel poverty" in public.locator("#headline").inner_text()

    another_period(page, site, codes, tmp_path)
    area = region.areas["lsoa"]["code"].iloc[0]
    public.goto(f"{site.url}/areas/{area}")
    chart = public.locator(".trend-chart").filter(has_text="Fuel poverty")
    chart.wait_for()
    assert "2025" in chart.inner_text() and chart.locator("img").evaluate_all(
        "all => all.filter((image) => image.getClientRects().length).map((image) => image.complete && image.naturalWidth)"
    ) == [360]  # one of the two pictures is seen, and it is whole
    no_barriers(public, "area with a line")
    roll_back(page, site)
    public.reload()
    public.locator("#main h1").wait_for()
    assert public.locator(".trend-chart").count() == 0

    withdraw(page, "Under review")
    public.watch.expected += ["410"]
    public.goto(f"{site.url}/catalogue/fuel-poverty-newcastle")
    assert "Under review" in public.locator("main").inner_text()


def another_period(page, site, codes, folder) -> None:
    """A second period is added to the first; the preview and the layer's page show the whole line."""
    file = folder / "fuel-poverty-2025.csv"
    frame = {"LSOA code": codes, "Numerator": range(120, 120 + len(codes)), "Denominator": 2000}
    pd.DataFrame(frame).to_csv(file, index=False)
    page.get_by_role("link", name="Publish a new version").click()
    page.wait_for_url("**/publish?layer=*")
    upload(page, file)
    go_on(page, "Save and go on", "describe")
    page.get_by_label("Period", exact=True).fill("2025")
    go_on(page, "Save and go on", "check")
    go_on(page, "Go on to the preview", "preview")
    painted(page, 2)
    assert "2024 stays beside" in page.locator("main").inner_text()
    assert page.locator(".trend .dot").count() == 2
    no_barriers(page, "preview of a second period")
    go_on(page, "This is right: go on", "publish")
    page.get_by_label("What is new or changed?").fill("The figures of 2025.")
    page.get_by_text("Ask a colleague to check it first").click()
    assert page.get_by_label("Colleague").locator("option").all_text_contents() == ["Choose one", "bob (analyst)"]
    page.get_by_role("button", name="Publish", exact=True).click()
    page.wait_for_url("**/catalogue/fuel-poverty-newcastle?published=2")
    assert page.locator(".trend .dot").count() == 2


def roll_back(page, site) -> None:
    page.get_by_text("Show an earlier version again").click()
    page.locator("form[action$='/rollback']").get_by_label("Reason").fill("Provisional figures")
    page.get_by_role("button", name="Roll back").click()
    page.get_by_role("heading", name="The earlier version is shown again").wait_for()
    assert "Version 1 was shown again by ann" in page.locator("main").inner_text()


def test_services_with_postcodes_on_a_phone(site, open_page, tmp_path):
    file = tmp_path / "clinics.csv"
    rows = [("City clinic", "NE1 4LP", "9 to 5"), ("Tower clinic", "NE8 1HH", ""), ("Nowhere clinic", "ZZ99 9ZZ", "")]
    pd.DataFrame(rows, columns=["Service", "Post code", "Opening hours"]).to_csv(file, index=False)
    page = open_page(site, viewport=PHONE, color_scheme="dark")
    sign_in(page, site)
    assert sideways(page) <= 0
    upload(page, file)
    assert page.get_by_label("Postcode").input_value() == "Post code"
    assert sideways(page) <= 0
    go_on(page, "Save and go on", "describe")
    page.get_by_label("Title").fill("Walk-in clinics")
    page.get_by_label("Theme", exact=True).select_option("health")
    page.get_by_label("How near should one be?").fill("1600")
    page.get_by_label("Source", exact=True).fill("Our own list")
    page.get_by_label("Licence").select_option("OGL-UK-3.0")
    page.get_by_label("Contact").fill("data@newcastle.example")
    page.get_by_label("Everybody").check()
    go_on(page, "Save and go on", "check")
    page.get_by_text("1 row is kept out").wait_for()
    no_barriers(page, "check on a phone in the dark")
    assert sideways(page) <= 0
    with page.expect_download() as download:
        page.get_by_role("link", name="Rows kept out").click()
    assert "Nowhere clinic" in download.value.path().read_text("utf-8-sig")
    go_on(page, "Go on to the preview", "preview")
    painted(page, 1)
    assert sideways(page) <= 0
    go_on(page, "This is right: go on", "publish")
    page.get_by_role("button", name="Publish", exact=True).click()
    page.wait_for_url("**/catalogue/walk-in-clinics-newcastle?published=1")
    assert sideways(page) <= 0
    no_barriers(page, "layer on a phone in the dark")
    assert "Walk-in clinics" in open_text(open_page(site), f"{site.url}/catalogue")
    withdraw(page, "Only a trial")


def open_text(page, url: str) -> str:
    page.goto(url)
    page.locator("#main h1").wait_for()
    return page.locator("#main").inner_text()


def test_a_file_that_is_none_is_refused_in_place(site, open_page, tmp_path):
    file = tmp_path / "picture.csv"
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 100)
    page = open_page(site)
    sign_in(page, site)
    page.watch.expected += ["422"]
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Upload and go on").click()
    page.get_by_role("heading", name="The file was not taken.").wait_for()
    assert page.evaluate("() => document.activeElement.className") == "error-summary"
    assert page.get_by_role("button", name="Upload and go on").is_enabled()
