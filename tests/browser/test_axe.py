"""axe-core finds nothing on any page, in light and in dark, nor in the states that a page can be in.

The rules are those of WCAG 2.0, 2.1 and 2.2 at A and AA, axe's best practices, and ``target-size``, which axe leaves off unless asked.
Nothing is excluded. What axe cannot see (the keyboard's path, zoom, the map's equivalent) is in test_keyboard.py and test_explore.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.pages import PAGES
from tests.browser.driving import GAP, OPTION, PHONE, address_of, until

pytestmark = pytest.mark.browser

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = """tags => axe.run(document, {
  runOnly: { type: 'tag', values: tags },
  rules: { 'target-size': { enabled: true } },
}).then(({ violations, passes, incomplete }) => ({
  ran: [...passes, ...violations, ...incomplete].map((rule) => rule.id),
  faults: violations.flatMap(({ id, help, nodes }) => nodes.map(
    ({ target, html, failureSummary }) => `${id} (${help}) at ${target.join(' ')}: ${html.slice(0, 160)} ${failureSummary}`)),
}))"""


def faults(page) -> list[str]:
    """What axe finds on the page as it is now, in light and in dark."""
    if not page.evaluate("() => Boolean(window.axe)"):
        page.evaluate(AXE)
    out = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        until(page, "s => document.documentElement.getAttribute('data-mantine-color-scheme') === s", scheme)
        result = page.evaluate(RUN, TAGS)
        assert "color-contrast" in result["ran"] and "target-size" in result["ran"], "axe did not look at everything"
        out += [f"{scheme}: {fault}" for fault in result["faults"]]
    return out


def assert_clean(page) -> None:
    found = faults(page)
    assert not found, "\n".join(found)


OTHERS = ("/sign-in", "/nowhere", "/areas/nowhere")
BRIEFINGS = (
    "/briefings/region-in-ten-numbers", "/briefings/shared-gaps/present#1", "/briefings/gaps-alcohol/present#4",
    "/briefings/shared-gaps/embed", "/briefings/wards", "/briefings/ward-DW001",
)  # fmt: skip


@pytest.mark.parametrize("which", [*(page.name for page in PAGES if page.path != "/"), *OTHERS, *BRIEFINGS])
def test_pages(open_page, demo_site, which):
    """Each page at two sizes; what is folded away is opened first."""
    page = open_page(demo_site)
    page.watch.expected += ["404"] if which in OTHERS else []
    registered = next((each for each in PAGES if each.name == which), None)
    page.goto(demo_site.url + (address_of(registered, demo_site) if registered else which))
    page.locator("h1").wait_for(state="attached")
    assert page.locator("h1").count() == 1
    assert ("There is nothing here" in page.locator("h1").inner_text()) == which.endswith("nowhere")
    assert page.title() and page.evaluate("() => document.documentElement.lang") == "en-GB"
    closed = page.locator("main details:not([open]) > summary:visible")
    for _ in range(min(closed.count(), 3)):
        closed.first.click()
    found = faults(page)
    page.set_viewport_size(PHONE)
    found += [f"phone, {fault}" for fault in faults(page)]
    assert not found, "\n".join(found)


def first_visit(explore):
    pass


def everything_open(explore):
    # each that is pressed is no longer among those that are closed
    closed = explore.page.locator(
        ".map-side details:not(.chip):not([open]) > summary:visible, #results details:not([open]) > summary"
    )
    for _ in range(min(closed.count(), 6)):
        closed.first.click()
    # what lies over the list comes last: a press elsewhere closes it
    for cautions in explore.page.locator("#trust details > summary").all():
        cautions.click()


def table(explore):
    explore.open_table()


def table_filter(explore):
    explore.open_table()
    explore.page.locator("#table .ag-header-cell[col-id='lad'] .ag-header-cell-filter-button").click()
    explore.page.locator(".ag-filter").first.wait_for()


def area(explore):
    explore.page.locator("#top-list .top-item").first.click()
    explore.page.locator("#area-panel h2").wait_for()
    explore.settled()


def open_list(explore):
    explore.reach("need").page.locator("#need").click()
    explore.page.locator(OPTION).first.wait_for()


def arrow_in_list(explore):
    explore.reach("partner").page.locator("#partner").focus()
    explore.page.keyboard.press("ArrowDown")
    explore.page.locator("[data-combobox-selected]").first.wait_for()


def open_services(explore):
    explore.reach("services").page.locator("#services").click()
    explore.page.locator(OPTION).first.wait_for()


def search(explore):
    explore.reach("search").page.locator("#search").fill("gateshead")
    explore.page.locator(OPTION).first.wait_for()


def nothing_left(explore):
    explore.choose("owner", "Harbour Light Trust (demo)")
    explore.page.locator("#show-all").wait_for()


def popup(explore):
    explore.page.locator(".service-icon").first.click()
    explore.page.locator(".service-card").wait_for()


def reading(explore):
    explore.page.locator("#top-list .top-item").first.hover()
    until(explore.page, "() => document.querySelector('#reading > *')")


def chip_sheet(explore):
    explore.reach("need").page.locator("#need").wait_for()


def area_sheet(explore):
    explore.page.locator(".top-item").first.click()
    explore.page.locator("#area-panel h2").wait_for(timeout=60_000)
    explore.settled()


@pytest.mark.parametrize(
    ("path", "state", "size"),
    [
        ("/", first_visit, None),
        ("/?need=homelessness&classes=7&colour=red", everything_open, None),
        ("/?need=homelessness", table, None),
        ("/?need=homelessness", table_filter, None),
        ("/?theme=housing&need=overcrowding", area, None),
        ("/?need=overcrowding", open_list, None),
        ("/?need=overcrowding", arrow_in_list, None),
        ("/?need=overcrowding&services=pharmacies", open_services, None),
        ("/?need=overcrowding", search, None),
        ("/?theme=hmo&need=hmo-share", nothing_left, None),
        ("/?need=none&services=emergency-departments&at=54.97,-1.6,12", popup, None),
        ("/?need=violence&partner=gateshead&bands=partner", reading, None),
        ("/?" + GAP.replace("gap", "need"), everything_open, None),
        ("/?" + GAP.replace("gap", "access"), first_visit, None),
        ("/?" + GAP, table, None),
        ("/?" + GAP + "&grid=yes", everything_open, None),
        ("/?" + GAP, everything_open, None),
        ("/?" + GAP + "&shared=yes", everything_open, None),
        ("/", first_visit, PHONE),
        ("/?need=homelessness", chip_sheet, PHONE),
        ("/?" + GAP.replace("gap", "need"), area_sheet, PHONE),
        ("/?need=homelessness", table, PHONE),
    ],
    ids=lambda part: getattr(part, "__name__", None) if callable(part) else "phone" if part == PHONE else None,
)
def test_states_of_the_explore_page(explore, demo_site, path, state, size):
    explore = explore(demo_site, path, **({"viewport": size} if size else {}))
    state(explore)
    assert_clean(explore.page)


def test_the_audit_trail(open_page, demo_site):
    """Signed in as an admin: the list, a search that finds nothing, one that cannot be, and why somebody sees a layer."""
    from layers import SYSTEM

    accounts = demo_site.published.store.accounts
    accounts.add_user("auditor", role="admin", partner=demo_site.published.region.partners[0].id, by=SYSTEM)
    page = open_page(demo_site)
    page.watch.expected += ["422"]
    page.context.add_cookies(
        [{"name": "commonground", "value": accounts.start_session("auditor"), "url": demo_site.url}]
    )
    for path in ("/audit", "/audit?person=nobody", "/audit?since=soon", "/audit/why", "/audit/why?layer=overcrowding"):
        page.goto(demo_site.url + path)
        page.locator("h1").wait_for()
        assert_clean(page)
        page.set_viewport_size(PHONE)
        assert_clean(page)
