"""The editor as its people use it: a briefing from nothing to the wall, one changed, and nothing lost on the way."""

from __future__ import annotations

import io
from urllib.request import urlopen

import pytest
from PIL import Image

from tests.browser.driving import PHONE, Site, serving, until
from tests.browser.test_briefings import sign_in
from tests.browser.test_publish import PASSWORD, no_barriers, sideways
from tests.demonstration import DEMO, filled_home, store_url

pytestmark = pytest.mark.browser

TEXT = """---
title: Three pages
partner: {partner}
audience: partners
---
# First

One.

# Second

Two.

# Third

Three.
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):

    from dashboard.app import create_app
    from dashboard.published import Published
    from layers import SYSTEM, load_region, open_store

    home = filled_home(tmp_path_factory)
    region = load_region(DEMO)
    store = open_store(store_url(home), region)
    for name in ("ann", "bob"):
        store.accounts.add_user(name, role="analyst", partner=region.partners[0].id, password=PASSWORD, by=SYSTEM)
    published = Published(region, store, home)
    with serving(create_app(published, "a key for the tests only").server) as url:
        urlopen(f"{url}/briefings", timeout=300).read()  # the first visitor waits until every starter is written
        yield Site(url, published)
    store.close()


def begun(site) -> str:
    """The address of a draft of three pages, by ann."""
    from layers import Briefings

    store = site.published.store
    text = TEXT.format(partner=site.published.region.partners[0].id)
    return f"/briefings/edit/{Briefings(store).drafts.begin(store.accounts.viewer_named('ann'), text).id}"


def as_person(page, site, name: str, path: str) -> None:
    page.goto(f"{site.url}/sign-in?next={path}")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{path}")


def text_of(page) -> str:
    return page.get_by_label("Text", exact=True).input_value()


def headlines(page) -> list[str]:
    return [line[2:] for line in text_of(page).split("\n") if line.startswith("# ")]


def saved(page) -> None:
    until(page, "() => document.querySelector('[data-saved]').textContent.startsWith('Saved')", what="it is saved")


def put_in(page, dialog: str) -> None:
    page.locator(f"{dialog} [data-put]:not([disabled])").click()
    page.locator(f"{dialog}[open]").wait_for(state="detached")


def test_from_nothing_to_the_wall(open_page, site, tmp_path):
    """Begin, say something, put in a number, a map and a picture without typing any id, publish, present."""
    picture = io.BytesIO()
    Image.new("RGB", (600, 400), "#225577").save(picture, "JPEG")
    (tmp_path / "bridge.jpg").write_bytes(picture.getvalue())
    page = open_page(site)
    sign_in(page, site, "/briefings/edit")
    page.locator("form[action='/briefings/edit'] button[type=submit]").first.click()
    page.wait_for_url("**/briefings/edit/*")

    page.get_by_role("button", name="Number", exact=True).click()  # the cursor is nowhere yet
    no_barriers(page, "number")
    page.get_by_label("What it says").select_option("value")
    page.locator("#token-layer").select_option("overcrowding")
    page.locator("#token-area").fill("Gateshead")
    until(page, "() => document.querySelector('#token-areas option')?.value === 'Gateshead'")
    until(page, "() => document.querySelector('#pick-token [data-says]').textContent.startsWith('It says now: ')")
    said = page.locator("#pick-token [data-says]").inner_text().removeprefix("It says now: ")
    put_in(page, "#pick-token")
    until(page, "(said) => document.querySelector('[data-preview]').textContent.includes(said)", said)
    assert text_of(page).startswith("---\n")  # never ahead of line 1

    page.get_by_role("button", name="Map, chart or table").click()
    no_barriers(page, "exhibit")
    page.locator("#exhibit-what").select_option("map")
    until(page, "() => document.querySelector('#pick-exhibit [data-says]').textContent.startsWith('It shows: ')")
    put_in(page, "#pick-exhibit")
    page.locator("[data-preview] .exhibit-map .exhibit-picture svg").wait_for()

    page.get_by_role("button", name="Add a page", exact=True).click()
    until(page, "() => document.querySelectorAll('[data-row]').length === 2")
    page.get_by_role("button", name="Picture", exact=True).click()
    no_barriers(page, "picture")
    page.locator("#f-picture").set_input_files(tmp_path / "bridge.jpg")
    page.locator("#pick-picture [data-put]").click()
    assert "Say in words" in page.locator("#pick-picture [data-says]").inner_text()
    page.locator("#f-alt").fill("The bridge, closed")
    put_in(page, "#pick-picture")
    page.locator("[data-preview] image").wait_for()
    for n in (1, 2):  # what a new page is filled with is refused
        page.get_by_label("Text", exact=True).fill(
            text_of(page).replace("Say the one point of this page here", f"Point {n}", 1)
        )
    assert headlines(page) == ["Point 1", "Point 2"]
    saved(page)
    no_barriers(page, "editor")

    page.get_by_role("button", name="Check and publish").click()
    page.wait_for_url("**/publish")
    page.get_by_label("Everybody").check()
    page.get_by_label("Its address").fill("the-bridge")
    page.get_by_role("button", name="Publish", exact=True).click()
    page.wait_for_url("**/briefings/the-bridge?done=published")
    public = open_page(site, viewport={"width": 1920, "height": 1080})
    public.goto(f"{site.url}/briefings/the-bridge/present#2")
    until(public, "() => document.documentElement.classList.contains('live')")
    shown = public.locator(".slide.shown image")
    assert shown.bounding_box()["height"] > 300
    assert public.get_by_role("img", name="The bridge, closed").count() == 1
    public.goto(f"{site.url}/briefings/the-bridge")
    assert said in public.locator("main").inner_text()


def test_pages_are_dragged_and_everything_can_be_undone(open_page, site):
    page = open_page(site)
    as_person(page, site, "ann", begun(site))
    rows = page.locator("[data-row]")
    rows.nth(2).drag_to(rows.nth(0), target_position={"x": 20, "y": 6})
    until(
        page, "() => document.querySelector('.page-name').textContent === 'Third'", what="the third page is the first"
    )
    assert headlines(page) == ["Third", "First", "Second"]
    page.get_by_role("button", name="Move page 1 down").press("Enter")  # the same by keyboard
    until(page, "() => document.querySelector('.page-name').textContent === 'First'")
    assert page.evaluate("() => document.activeElement.getAttribute('aria-label')") == "Move page 2 down"
    assert headlines(page) == ["First", "Third", "Second"]
    page.get_by_role("button", name="Remove page 3").click()
    until(page, "() => document.querySelectorAll('[data-row]').length === 2")
    for expected in (["First", "Third", "Second"], ["Third", "First", "Second"], ["First", "Second", "Third"]):
        page.get_by_role("button", name="Undo").click()
        assert headlines(page) == expected
    assert page.get_by_role("button", name="Undo").is_disabled()
    page.get_by_role("button", name="Do again").click()
    assert headlines(page) == ["Third", "First", "Second"]
    page.get_by_label("Text", exact=True).press("Control+z")
    assert headlines(page) == ["First", "Second", "Third"]
    page.get_by_label("Text", exact=True).press("Control+y")
    assert headlines(page) == ["Third", "First", "Second"]
    saved(page)
    page.reload()
    assert headlines(page) == ["Third", "First", "Second"]


def test_title_and_readers_are_fields_that_write_the_settings(open_page, site):
    """What is typed there is a line of the text: previewed, kept, saved and undone like everything else."""
    page = open_page(site)
    sign_in(page, site, "/briefings/edit")
    page.get_by_label("Title", exact=True).fill("Far from help")
    page.get_by_label("Who may read it").select_option("public")
    page.get_by_label("The point of its first page").fill("Help is farther in winter")
    page.get_by_role("button", name="Begin", exact=True).click()
    page.wait_for_url("**/briefings/edit/*")
    assert "title: Far from help" in text_of(page) and "audience: public" in text_of(page)
    assert headlines(page) == ["Help is farther in winter"]
    title = page.locator("[data-setting=title]")
    assert title.input_value() == "Far from help"
    title.fill('"Far": <b>from</b> help # now')
    assert 'title: "\\"Far\\": <b>from</b> help # now"' in text_of(page)
    page.locator("[data-setting=audience]").select_option("partners")
    assert "audience: partners" in text_of(page)
    saved(page)
    page.reload()
    assert page.locator("h1").inner_text() == '"Far": <b>from</b> help # now' and page.locator("h1 b").count() == 0
    assert title.input_value() == '"Far": <b>from</b> help # now'
    field = page.get_by_label("Text", exact=True)
    field.fill(text_of(page).replace('title: "\\"Far\\": <b>from</b> help # now"', "title: >\n  Over\n  lines"))
    assert title.input_value() == ""  # it is read in the text
    title.fill("One line")
    assert text_of(page).split("\n")[1:3] == [
        'title: "One line"',
        text_of(page).split("\n")[2],
    ] and "Over" not in text_of(page)
    page.get_by_role("button", name="Undo").click()
    assert "  Over\n  lines" in text_of(page)
    saved(page)
    page.locator("[data-preview]:not(.waiting)").wait_for()  # it is pale while it is older than the text
    no_barriers(page, "editor")
    field.fill("no settings at all")
    assert page.locator("[data-settings]").is_hidden()


def test_words_outlive_the_session(open_page, site):
    page, path = open_page(site), begun(site)
    page.watch.expected += ["401"]
    as_person(page, site, "ann", path)
    page.context.clear_cookies()  # the session is over, and nobody knows yet
    field = page.get_by_label("Text", exact=True)
    field.press("Control+End")
    page.keyboard.type("Words that nobody must lose.")
    until(page, "() => document.querySelector('[data-saved]').textContent === 'Not saved yet'")
    assert page.title().startswith("• ")
    page.locator("[data-kept]").get_by_text("You are signed out. Nothing is lost").wait_for()
    no_barriers(page, "signed out")
    page.get_by_role("button", name="Save", exact=True).click()  # says the same, and goes nowhere
    assert "Words that nobody must lose." in text_of(page)
    page.locator("[data-kept]").get_by_role("link", name="Sign in again").click()
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{path}")
    assert "Words that nobody must lose." in text_of(page)
    assert "They are in the text again" in page.locator("[data-kept]").inner_text()
    saved(page)
    page.reload()
    assert "Words that nobody must lose." in text_of(page) and page.locator("[data-kept]").is_hidden()


def test_a_window_that_was_closed_without_a_network_gives_its_words_back_to_their_writer_alone(open_page, site):
    page, path = open_page(site), begun(site)
    page.watch.expected += ["ERR_INTERNET_DISCONNECTED", "Failed to fetch"]
    as_person(page, site, "ann", path)
    page.context.set_offline(True)
    page.get_by_label("Text", exact=True).press("Control+End")
    page.keyboard.type("Typed in a lift.")
    page.wait_for_timeout(400)
    device = page.context
    page.close()
    device.set_offline(False)
    other = device.new_page()
    kept = other.goto(f"{site.url}/briefings") and other.evaluate("() => JSON.stringify(localStorage)")
    assert "Typed in a lift." in kept
    other.context.clear_cookies()
    as_person(other, site, "bob", path)
    assert "Typed in a lift." not in other.locator("main").inner_html()
    other.context.clear_cookies()
    as_person(other, site, "ann", path)
    assert "Typed in a lift." in text_of(other)


def test_two_who_write_both_keep_their_words(open_page, site):
    path = begun(site)
    first, second = open_page(site), open_page(site)
    second.watch.expected += ["409"]
    as_person(first, site, "ann", path)
    as_person(second, site, "bob", path)
    first.get_by_label("Text", exact=True).press("Control+End")
    first.keyboard.type("From Ann.")
    saved(first)
    second.get_by_label("Text", exact=True).press("Control+End")
    second.keyboard.type("From Bob.")
    until(second, "() => document.querySelector('[data-saved]').textContent.includes('ann changed this draft')")
    second.get_by_role("button", name="Save", exact=True).click()
    second.get_by_text("Nothing of yours was saved, and nothing is lost").wait_for()
    assert "From Bob." in text_of(second) and "From Ann." in second.locator("#f-theirs").input_value()
    no_barriers(second, "both")
    second.get_by_role("button", name="Save", exact=True).click()
    saved(second)
    first.reload()
    assert "From Bob." in text_of(first)


def test_the_editor_on_a_telephone(open_page, site):
    page = open_page(site, viewport=PHONE)
    as_person(page, site, "ann", begun(site))
    assert sideways(page) <= 0
    page.get_by_role("button", name="Number", exact=True).click()
    assert sideways(page) <= 0
    assert page.locator("#pick-token").bounding_box()["width"] <= PHONE["width"]
