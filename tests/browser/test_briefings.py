"""Briefings in a real browser: presented by keyboard on two projectors, with notes in a second window, the live map and back;
read on a phone; written from nothing to published."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.browser.driving import PHONE, ZOOMED, Site, serving, until
from tests.browser.test_publish import PASSWORD, no_barriers, sideways
from tests.demonstration import DEMO, filled_home, store_url

pytestmark = pytest.mark.browser

HALL = {"width": 1920, "height": 1080}
OLD_PROJECTOR = {"width": 1024, "height": 768}
VIEW = "need=alcohol-admissions=2,higher-risk-drinking,violence&services=alcohol-drug-services&show=gap"

TEXT = f"""---
title: Where help with alcohol is furthest from need
subtitle: For the health and wellbeing board
partner: newcastle
audience: public
view: {VIEW}
---
# {{{{ gaps.areas }}}} neighbourhoods are underserved

**{{{{ gaps.residents }}}} residents** live where harm from alcohol is high and help is far away.

- They are {{{{ gaps.share }}}} of everybody in the region.
- Some of their communities cross a border between councils.

```exhibit
map
```

```notes
Start with the largest community.
```

# Crowded homes stand close together

Homes with too few rooms.

```exhibit
chart
type: authorities
layer: overcrowding
```

# The communities, by name

```exhibit
table
type: communities
n: 8
```

# {{{{ region.residents }}}} people, {{{{ region.authorities }}}} councils

One partnership plans for all of them. It meets every month, and it looks at need before it looks at services.
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):

    from dashboard.app import create_app
    from dashboard.briefings.filling.build import build_briefing
    from dashboard.briefings.writing.drafting import pins_and_facts
    from dashboard.published import Published
    from layers import SYSTEM, Briefings, load_region, open_store, read_briefing

    home = filled_home(tmp_path_factory)
    region = load_region(DEMO)
    store = open_store(store_url(home), region)
    store.accounts.add_user("ann", role="analyst", partner="newcastle", password=PASSWORD, by=SYSTEM)
    published = Published(region, store, home)
    pins, facts = pins_and_facts(build_briefing(published, read_briefing(TEXT), briefing_id="alcohol"))
    Briefings(store).publish(
        text=TEXT, by=store.accounts.viewer_named("ann"), pins=pins, facts=facts, briefing_id="alcohol"
    )
    with serving(create_app(published, "a key for the tests only").server) as url:
        yield Site(url, published)
    store.close()


def sign_in(page, site, path: str) -> None:
    page.goto(f"{site.url}/sign-in?next={quote(path)}")
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{path}")


def present(open_page, site, *, at: str = "", **options):
    page = open_page(site, **options)
    page.goto(f"{site.url}/briefings/alcohol/present{at}")
    until(page, "() => document.documentElement.classList.contains('live')")
    return page


def place(page) -> str:
    return page.locator("[data-place]").inner_text()


def headline(page) -> str:
    return page.locator(".slide.shown .slide-headline").inner_text()


# ---- presenting ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("projector", [HALL, OLD_PROJECTOR], ids=["1920x1080", "1024x768"])
def test_the_keys_turn_the_pages(open_page, site, projector):
    page = present(open_page, site, viewport=projector)
    press = page.keyboard.press
    assert place(page) == "Title"
    for key, expected in (
        ("ArrowRight", "1 of 4"), ("Space", "2 of 4"), ("PageDown", "3 of 4"), ("ArrowDown", "4 of 4"),
        ("ArrowLeft", "3 of 4"), ("PageUp", "2 of 4"), ("ArrowUp", "1 of 4"), ("End", "End"), ("ArrowRight", "End"),
        ("Home", "Title"), ("ArrowLeft", "Title"), ("3", "3 of 4"), ("0", "Title"), ("9", "Title"),
    ):  # fmt: skip
        press(key)
        assert place(page) == expected, key
    press("4")
    assert page.url.endswith("#4") and "people, 7 councils" in headline(page)
    page.reload()  # the hash keeps the place
    until(page, "() => document.documentElement.classList.contains('live')")
    assert place(page) == "4 of 4"
    assert page.evaluate("() => document.activeElement.id") == "s4"  # a screen reader reads the page
    page.get_by_role("button", name="Previous page").click()
    assert page.evaluate("() => document.activeElement.dataset.do") == "back"  # a switch stays where it is
    assert "Page 3 of 4: The communities, by name" in page.locator("[data-say]").inner_text()


@pytest.mark.parametrize("projector", [HALL, OLD_PROJECTOR], ids=["1920x1080", "1024x768"])
def test_every_page_fits_and_is_read_from_the_back_row(open_page, site, projector):
    """Words are at least a fortieth of the picture's height (a hall needs about a fiftieth), and nothing is cut off."""
    page = present(open_page, site, viewport=projector)
    for number in range(6):
        found = page.evaluate(
            """() => {
              const slide = document.querySelector('.slide.shown');
              const size = (selector) => {
                const one = slide.querySelector(selector);
                return one ? parseFloat(getComputedStyle(one).fontSize) : 999;
              };
              const box = slide.querySelector('.slide-body').getBoundingClientRect();
              const picture = slide.querySelector('.exhibit-picture')?.getBoundingClientRect();
              return { over: slide.scrollHeight - slide.clientHeight, headline: size('.slide-headline'), words: size('.slide-words'),
                       table: size('.figure-table'), wide: box.right - innerWidth, picture: picture ? picture.height : 999 };
            }"""
        )
        height = projector["height"]
        assert found["over"] <= 2 and found["wide"] <= 0, (number, found)
        assert found["headline"] >= height / 25 and found["words"] >= height / 40 and found["table"] >= height / 60, (
            number,
            found,
        )
        assert found["picture"] >= height / 3, (number, found)
        page.keyboard.press("ArrowRight")


def test_the_next_page_is_there_within_150_ms(open_page, site):
    page = present(open_page, site, viewport=HALL)
    page.wait_for_timeout(600)
    times = page.evaluate(
        """async () => {
          const out = [];
          for (let n = 0; n < 5; n++) {
            const start = performance.now();
            document.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }));
            await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
            out.push(performance.now() - start);
          }
          return out;
        }"""
    )
    assert sorted(times)[2] <= 150, times  # the middle one: other programs may hold up a single one


def test_blank_timer_keys_and_full_screen(open_page, site):
    page = present(open_page, site, at="#2", viewport=HALL)
    page.keyboard.press("b")
    assert page.locator("[data-blank]").is_visible()
    page.keyboard.press("ArrowRight")  # the first key only brings the page back
    assert not page.locator("[data-blank]").is_visible() and place(page) == "2 of 4"
    assert not page.locator("[data-time]").is_visible()
    page.keyboard.press("t")
    until(page, "() => document.querySelector('[data-time]').textContent >= '0:01'")
    page.keyboard.press("t")
    assert "paused" in page.locator("[data-time]").get_attribute("class")
    page.keyboard.press("Shift+T")
    until(page, "() => document.querySelector('[data-time]').hidden")
    page.keyboard.press("?")
    assert page.get_by_role("heading", name="Keys").is_visible()
    page.get_by_label("Letters and figures work as keys").uncheck()  # WCAG 2.1.4
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    page.keyboard.press("4")
    assert not page.locator("[data-blank]").is_visible() and place(page) == "2 of 4"
    page.get_by_role("button", name="Keys").click()
    page.get_by_label("Letters and figures work as keys").check()
    page.keyboard.press("Escape")
    page.keyboard.press("f")
    until(page, "() => document.fullscreenElement")
    page.keyboard.press("ArrowRight")
    assert place(page) == "3 of 4"
    page.keyboard.press("f")
    until(page, "() => !document.fullscreenElement")
    page.keyboard.press("Control+ArrowRight")
    assert place(page) == "3 of 4"  # the browser's own keys stay its own


def test_notes_in_a_second_window_follow_and_lead(open_page, site):
    page = open_page(site, viewport=HALL)
    sign_in(page, site, "/briefings/alcohol/present")
    until(page, "() => document.documentElement.classList.contains('live')")
    with page.expect_popup() as opened:
        page.keyboard.press("n")
    notes = opened.value
    notes.locator("[data-connected]").wait_for()
    until(notes, "() => document.querySelector('[data-connected]').textContent.startsWith('In step')")
    page.bring_to_front()
    page.keyboard.press("1")
    until(notes, "() => document.querySelector('[data-place]').textContent === 'Page 1 of 4'")
    assert notes.get_by_text("Start with the largest community.").is_visible()
    assert notes.locator("[data-next]").inner_text() == "Crowded homes stand close together"
    notes.keyboard.press("ArrowRight")
    until(page, "() => document.querySelector('[data-place]').textContent === '2 of 4'")
    notes.get_by_role("button", name="Start or pause the timer").click()
    until(notes, "() => document.querySelector('[data-time]').textContent >= '0:01'")
    until(page, "() => document.querySelector('[data-time]').textContent >= '0:01'")
    notes.get_by_role("button", name="Blank").click()
    until(notes, "() => document.querySelector('[data-connected]').textContent === 'The screen is blank.'")
    assert page.locator("[data-blank]").is_visible()
    no_barriers(notes, "notes")
    notes.close()


def test_the_live_map_and_back_to_the_page(open_page, site):
    page = present(open_page, site, at="#1", viewport=HALL)
    page.keyboard.press("e")
    frame = page.frame_locator("[data-frame]")
    frame.locator("#headline h2").wait_for()
    until(
        page, "() => document.querySelector('[data-frame]').contentWindow.seen?.classes > 0", what="the map is painted"
    )
    assert "show=gap" in page.evaluate("() => document.querySelector('[data-frame]').contentWindow.location.search")
    frame.locator("#fit-region").click()
    page.keyboard.press("Escape")  # heard inside the frame
    until(page, "() => document.querySelector('[data-overlay]').hidden")
    assert place(page) == "1 of 4"
    page.keyboard.press("ArrowRight")
    assert place(page) == "2 of 4"
    page.keyboard.press("e")
    page.get_by_role("button", name="Back to the page").click()
    assert page.locator("[data-overlay]").is_hidden() and place(page) == "2 of 4"


def test_without_a_network_every_page_is_there(open_page, site):
    page = present(open_page, site, viewport=HALL)
    page.context.set_offline(True)
    asked = len(page.watch.requests)
    for expected in ("1 of 4", "2 of 4", "3 of 4", "4 of 4", "End"):
        page.keyboard.press("ArrowRight")
        assert place(page) == expected
    page.keyboard.press("1")
    assert page.locator(".slide.shown .exhibit-picture svg path").count() > 10
    assert len(page.watch.requests) == asked
    page.context.set_offline(False)


def test_without_scripts_the_pages_stand_one_below_the_other(open_page, site):
    page = open_page(site, java_script_enabled=False)
    page.goto(f"{site.url}/briefings/alcohol/present")
    assert page.locator(".slide-headline:visible").count() == 6
    page.goto(f"{site.url}/briefings/alcohol")
    assert page.locator(".leaf:visible").count() == 4


# ---- reading ------------------------------------------------------------------------------------------------------------


def test_a_number_says_where_it_comes_from(open_page, site):
    page = open_page(site)
    page.goto(f"{site.url}/briefings/alcohol")
    fact = page.locator("#p1 .leaf-words p a.fact").first
    fact.focus()
    note = page.locator("#fact-note")
    note.wait_for()
    assert len(note.inner_text()) > 20 and note.get_attribute("role") == "tooltip"
    assert fact.get_attribute("aria-describedby") == "fact-note"
    page.keyboard.press("Escape")
    assert note.is_hidden()
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id").startswith("n1-")
    assert page.locator("#p1 .where[open]").count() == 1
    page.locator("summary", has_text="Share").click()
    assert page.locator("#share-short").input_value().startswith(f"{site.url}/b/")
    page.keyboard.press("Escape")
    assert page.locator(".menu[open]").count() == 0


@pytest.mark.parametrize("size", [PHONE, ZOOMED], ids=["phone", "400%"])
def test_nothing_is_wider_than_a_small_window(open_page, site, size):
    page = open_page(site, viewport=size)
    for path in ("/briefings", "/briefings/alcohol", "/briefings/alcohol/changes", "/briefings/alcohol/history", "/briefings/wards",
                 "/briefings/alcohol/embed"):  # fmt: skip
        page.goto(f"{site.url}{path}")
        assert sideways(page) <= 0, path
    page.goto(f"{site.url}/briefings/alcohol/present#1")
    until(page, "() => document.documentElement.classList.contains('live')")
    assert sideways(page) <= 0


def test_nothing_bars_anybody(open_page, site):
    page = open_page(site)
    for path in ("", "/present#1", "/present#3", "/embed", "/changes", "/history"):
        page.goto(f"{site.url}/briefings/alcohol{path}")
        no_barriers(page, path)


# ---- writing ------------------------------------------------------------------------------------------------------------


def test_from_a_view_of_the_map_to_a_published_briefing(open_page, site):
    page = open_page(site)
    sign_in(page, site, "/?need=overcrowding&level=ward")
    page.get_by_role("link", name="Pin to a briefing").click()
    page.wait_for_url("**/briefings/pin?**")
    no_barriers(page, "pin")
    page.get_by_label("Headline").fill("Crowded homes")
    page.get_by_role("button", name="Add the page").click()
    page.wait_for_url("**/briefings/edit/*")
    page.locator("[data-preview] svg").first.wait_for()
    assert "view: need=overcrowding&level=ward" in page.get_by_label("Text", exact=True).input_value()
    no_barriers(page, "editor")

    field = page.get_by_label("Text", exact=True)
    field.press("Control+End")
    page.keyboard.type("\n# A second {{ nothing }} page\n")
    until(page, "() => document.querySelector('[data-preview] .faults')?.textContent.includes('nothing')")
    assert page.locator(".line-numbers .bad").count() == 1
    page.locator(".faults [data-line]").first.click()
    assert "{{ nothing }}" in page.evaluate(
        "() => { const t = document.activeElement; return t.value.slice(t.selectionStart, t.selectionEnd); }"
    )
    page.keyboard.type("# A second page, of {{ region.wards }} wards")
    until(page, "() => document.querySelector('[data-preview] h2')?.textContent.includes('of 240')")
    until(
        page, "() => document.querySelector('[data-saved]').textContent.startsWith('Saved')", what="saved while typing"
    )
    page.reload()
    assert "A second page, of {{ region.wards }} wards" in page.get_by_label("Text", exact=True).input_value()
    page.get_by_role("button", name="Move page 2 up").click()
    until(page, "() => document.querySelector('.page-name').textContent.startsWith('A second page')")
    page.get_by_role("button", name="Check and publish").click()
    page.wait_for_url("**/publish")
    no_barriers(page, "publish")
    page.get_by_label("Everybody").check()
    page.get_by_label("Its address").fill("crowded")
    page.get_by_role("button", name="Publish", exact=True).click()
    page.wait_for_url("**/briefings/crowded?done=published")
    assert page.evaluate("() => document.activeElement.className") == "success"

    public = open_page(site)
    public.goto(f"{site.url}/briefings/crowded")
    assert public.locator(".leaf").count() == 2
    page.goto(f"{site.url}/briefings/crowded/history")
    page.get_by_text("Withdraw the briefing").click()
    page.locator("form[action$='/withdraw']").get_by_label("Reason").fill("Only a trial")
    page.get_by_role("button", name="Withdraw").click()
    page.get_by_role("heading", name="The briefing is withdrawn").wait_for()
    public.watch.expected += ["410"]
    public.reload()
    assert "Only a trial" in public.locator("main").inner_text()


BELOW = """() => {
  const slide = document.querySelector('.slide.shown');
  const walk = document.createTreeWalker(slide, NodeFilter.SHOW_TEXT);
  const small = [];
  let node;
  while ((node = walk.nextNode())) {
    const element = node.parentElement;
    if (!node.textContent.trim() || element.closest('.slide-credit, title, desc, .visually-hidden')) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    let size = parseFloat(getComputedStyle(element).fontSize);
    if (element.closest('svg')) size *= Math.hypot(element.getScreenCTM().a, element.getScreenCTM().b);
    if (size < 27.9) small.push([Math.round(size * 10) / 10, node.textContent.trim().slice(0, 40)]);
    if (box.right > innerWidth + 1 || box.bottom > innerHeight + 1) small.push(['outside', node.textContent.trim().slice(0, 40)]);
  }
  return small;
}"""


def test_the_back_row_can_read_every_page_of_a_starter(open_page, demo_site):
    """Nothing is below 28 pixels on a wall of 1920 by 1080 but the credit, and nothing runs off the page."""
    page = open_page(demo_site, viewport={"width": 1920, "height": 1080})
    page.goto(f"{demo_site.url}/briefings/gaps-alcohol/present", timeout=120_000)
    for n in range(page.locator(".slide").count()):
        page.evaluate(f"window.commonground.deck.show({n})")
        assert page.evaluate(BELOW) == [], n
    page.evaluate("window.commonground.deck.show(1)")
    seen = page.evaluate(
        "(({x, y, width, height}) => [x, y, width, height])(document.querySelector('.slide.shown .slide-exhibit').getBoundingClientRect())"
    )
    assert [round(each) for each in seen] == [768, 0, 1152, 1080]
