"""Everything by keyboard alone, with the focus in sight; at 400% zoom; with less motion; with forced colours."""

from __future__ import annotations

import pytest

from dashboard.pages import PAGES
from tests.browser.driving import GAP, LAPTOP, OPTION, PHONE, ZOOMED, Explore, address_of, known_as, until

pytestmark = pytest.mark.browser

# The element in focus in a few words, and whether a reader can see that it is: on the screen, on top, and marked.
FOCUS = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const around = e.closest('label, .mantine-Switch-root, .mantine-Input-wrapper, .ag-root-wrapper');
  const label = e.id && document.querySelector(`label[for="${CSS.escape(e.id)}"]`);
  const own = e.getBoundingClientRect();
  // a radio button has no size of its own, its label is drawn
  const box = own.width > 1 && own.height > 1 ? own : (label || around || e).getBoundingClientRect();
  const [left, right] = [Math.max(box.left, 0), Math.min(box.right, innerWidth)];
  const [top, bottom] = [Math.max(box.top, 0), Math.min(box.bottom, innerHeight)];
  const parts = [e, around, label].filter(Boolean);
  let seen = false;
  for (const u of [0.1, 0.5, 0.9]) {
    for (const v of [0.1, 0.5, 0.9]) {
      const hit = document.elementFromPoint(left + u * (right - left), top + v * (bottom - top));
      seen ||= Boolean(hit) && parts.some((part) => part.contains(hit));
    }
  }
  const marked = (x) => {
    const style = getComputedStyle(x);
    // a shadow alone would be lost on a dark ground
    return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1.5;
  };
  const inside = around ? around.querySelectorAll('input, .mantine-Input-input, [class*=track]') : [];
  const kin = [...parts, e.nextElementSibling, e.parentElement, ...inside];
  const name = (e.getAttribute('aria-label') || e.textContent || '').trim().slice(0, 40);
  return {
    what: `${e.tagName.toLowerCase()}${e.id ? '#' + e.id : ''} ${name}`,
    id: e.id,
    seen: box.width > 0 && box.height > 0 && seen,
    marked: kin.filter(Boolean).some(marked) || Boolean(e.closest('.ag-cell, .ag-header')),
  };
}"""


def focused(page) -> dict:
    return page.evaluate(FOCUS) or {
        "what": "nothing",
        "id": "",
        "tag": "",
        "seen": True,
        "marked": True,
        "inGrid": False,
    }


def tab_to(page, js: str, *, most: int = 150, keys: str = "Tab") -> list[str]:
    """Press Tab until ``js`` (a function of the element in focus) is true; what was passed on the way."""
    passed = []
    for _ in range(most):
        page.keyboard.press(keys)
        passed.append(focused(page)["what"])
        if page.evaluate(f"() => Boolean(document.activeElement && ({js})(document.activeElement))"):
            return passed
    raise AssertionError(f"{most} presses of {keys} never reached {js}; the last: {passed[-8:]}")


def tab_to_id(page, element_id: str, **options) -> list[str]:
    return tab_to(page, f"e => e.id === '{element_id}'", **options)


def pick_by_keyboard(explore: Explore, field_id: str, label: str):
    """Open a picker with the arrow keys, walk to an option by its words and take it with Enter."""
    page = explore.page
    page.keyboard.press("ArrowDown")
    page.locator(OPTION).first.wait_for()
    for _ in range(60):
        current = page.evaluate(
            "() => document.getElementById(document.activeElement.getAttribute('aria-activedescendant'))?.textContent || ''"
        )
        if current == label:
            page.keyboard.press("Enter")
            return explore.settled()
        page.keyboard.press("ArrowDown")
    raise AssertionError(f"the arrow keys never reach {label} in {field_id}")


def open_chip(page, part: str, **options) -> list[str]:
    """Go to a chip of the question with Tab and open it."""
    passed = tab_to(
        page, f"e => e.matches('#chip-{part}-box summary, #gap-options:has(#chip-{part}) summary')", **options
    )
    page.keyboard.press("Enter")
    return passed


# -- The tasks ------------------------------------------------------------------------------------------------------


def test_skip_links_come_first_and_lead_past_header_and_map(explore, demo_site):
    page = explore(demo_site, "/?need=violence").page
    page.keyboard.press("Tab")
    assert focused(page)["what"].endswith("Skip to the content")
    assert focused(page)["seen"] and focused(page)["marked"]
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("() => Boolean(document.activeElement.closest('#main'))")

    page.reload()
    Explore(page, demo_site).ready()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert focused(page)["what"].endswith("Skip past the map to the results")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("() => Boolean(document.activeElement.closest('#results'))")


def test_a_question_is_asked_and_answered_by_keyboard_alone(explore, demo_site):
    """Theme, indicator, level, table, a row, its area, close; then back out."""
    explore = explore(demo_site)
    page = explore.page
    open_chip(page, "need")
    tab_to_id(page, "theme")
    pick_by_keyboard(explore, "theme", "Housing and homelessness")
    assert explore.selection()["theme"] == "housing"
    assert focused(page)["id"] == "theme", "the focus stays where the choice was made"
    tab_to_id(page, "need")
    pick_by_keyboard(explore, "need", "Homes in multiple occupation")
    assert explore.selection()["need"] == "hmo-share"

    page.keyboard.press("Escape")
    assert focused(page)["what"].startswith("summary"), "the focus goes back to the chip"
    open_chip(page, "level")
    tab_to(page, "e => e.type === 'radio' && e.closest('#level')")
    page.keyboard.press("ArrowRight")
    explore.settled()
    assert explore.selection()["level"] == "ward"
    assert len(explore.classes()) == 240

    tab_to_id(page, "open-table")
    page.keyboard.press("Enter")
    explore.table_ready()
    assert page.evaluate("() => Boolean(document.activeElement.closest('#table-drawer'))"), (
        "the focus goes to the table"
    )
    tab_to(page, "e => e.closest('#table') && e.classList.contains('ag-header-cell')", most=8)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    row = explore.table_rows()[1]
    until(page, "i => window.commonground.explore.state.painter._highlight === i", row["index"])
    until(page, "n => document.querySelector('#reading strong')?.textContent === n", row["name"])
    assert focused(page)["seen"]
    page.evaluate("() => { document.querySelector(\"#table .ag-row[row-index='1']\").same = true; }")
    page.keyboard.press("Enter")
    page.locator("#area-panel h2", has_text=row["name"]).wait_for()
    explore.settled()
    assert explore.selected() == row["index"]
    explore.table_ready()
    same = page.evaluate("() => document.querySelector(\"#table .ag-row[row-index='1']\").same === true")
    assert same, "the rows are not made anew under whoever chose one of them"

    # one press of Tab leaves the grid forwards; backwards its heading is passed
    page.locator("#table .ag-row[row-index='1'] [col-id='name']").focus()
    tab_to(page, "e => !e.closest('.drawer-body')", most=2)
    page.locator("#table .ag-row[row-index='1'] [col-id='name']").focus()
    tab_to_id(page, "close-table", keys="Shift+Tab", most=4)
    page.keyboard.press("Enter")
    assert page.locator("#table-drawer").is_hidden()
    assert focused(page)["id"] == "open-table", "the focus goes back to the button that opened it"
    tab_to_id(page, "close-area", keys="Shift+Tab", most=80)
    page.keyboard.press("Enter")
    explore.settled()
    assert explore.selection()["area"] == ""


def test_the_table_sorts_by_keyboard(explore, tiny_site):
    explore = explore(tiny_site, "/?need=crowded").open_table()
    page = explore.page
    tab_to(page, "e => e.closest('#table') && e.classList.contains('ag-header-cell')", most=8)
    for _ in range(12):
        if page.evaluate("() => document.activeElement.getAttribute('col-id')") == "value":
            break
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    until(page, "() => document.querySelector(\"#table .ag-header-cell[col-id='value']\").ariaSort === 'ascending'")


def test_search_by_keyboard(explore, demo_site):
    explore = explore(demo_site, "/?need=violence")
    page = explore.page
    open_chip(page, "find")
    tab_to_id(page, "search")
    page.keyboard.type("NE1 4ST")
    page.locator(OPTION).first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.locator("#area-panel h2", has_text=known_as(demo_site, "Newcastle upon Tyne demo area 145")).wait_for()
    explore.settled().still()
    assert explore.selection()["area"] == "DL0145"


def test_the_ranked_list_by_keyboard_reads_out_and_opens(explore, tiny_site):
    explore = explore(tiny_site, "/?need=harm")
    page = explore.page
    tab_to(page, "e => e.matches('.top-item')")
    assert explore.highlighted() == 15
    until(page, "() => document.querySelector('#reading strong')?.textContent === 'Square 16'")
    page.keyboard.press("Enter")
    page.locator("#area-panel h2", has_text="Square 16").wait_for()


def test_the_map_moves_and_zooms_by_keyboard(explore, demo_site):
    explore = explore(demo_site, "/?need=violence")
    page = explore.page
    tab_to_id(page, "map")
    before = explore.view()
    page.keyboard.press("+")
    explore.still()
    assert explore.view()[2] > before[2]
    page.keyboard.press("ArrowRight")
    explore.still()
    assert explore.view()[1] > before[1]
    tab_to(page, "e => e.closest('.leaflet-control-zoom')", most=6)
    assert focused(page)["seen"]


@pytest.mark.parametrize(
    ("path", "scheme"),
    [("/", "light"), ("/?need=homelessness&services=pharmacies&level=lsoa", "dark"), (f"/?{GAP}", "light")],
    ids=["first visit", "dark", "gap"],
)
def test_no_trap_and_the_focus_is_always_in_sight(explore, demo_site, path, scheme):
    """From the first to the last stop and round again: nothing holds the focus, nothing hides it, everything marks it."""
    explore = explore(demo_site, path, color_scheme=scheme)
    page = explore.page
    stops, hidden, unmarked = [], [], []
    for _ in range(220):
        page.keyboard.press("Tab")
        now = focused(page)
        if now["what"] == "nothing" or (len(stops) > 5 and now["what"] == stops[0]):
            break
        assert not stops or len(stops) < 3 or not now["what"] == stops[-1] == stops[-2], (
            f"the focus is held by {now['what']}"
        )
        stops.append(now["what"])
        if not now["seen"]:
            hidden.append(now["what"])
        if not now["marked"]:
            unmarked.append(now["what"])
    else:
        raise AssertionError(f"220 stops and no end: {stops[-10:]}")
    assert (hidden, unmarked) == ([], [])
    ids = " ".join(stops)
    for wanted in (
        "Need: ",
        "Services: ",
        "Where: ",
        "Areas: ",
        "Settings",
        "Find a place",
        "#map",
        "#open-table",
        "#copy-link",
        "#colour-scheme",
    ):
        assert wanted in ids, f"{wanted} cannot be reached"
    assert not any("service-icon" in stop for stop in stops), "a thousand markers are not a thousand stops"


# -- Phone ----------------------------------------------------------------------------------------------------------


def test_escape_closes_the_sheets_of_a_phone(explore, demo_site):
    explore = explore(demo_site, "/?need=overcrowding", viewport=PHONE)
    page = explore.page
    for field, words in (("theme", "Need: "), ("services", "Services: ")):
        explore.reach(field)
        assert page.locator(f"#{field}").is_visible()
        page.keyboard.press("Escape")
        assert not page.locator(f"#{field}").is_visible()
        assert page.evaluate("n => document.activeElement.textContent.startsWith(n)", words), (
            "the focus goes back to its chip"
        )
    # Escape in an open list closes the list and leaves the sheet
    explore.reach("theme")
    page.locator("#theme").click()
    page.locator(OPTION).first.wait_for()
    page.keyboard.press("Escape")
    page.locator(OPTION).first.wait_for(state="hidden")
    assert page.locator("#theme").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#theme").is_visible()


def test_one_chip_is_open_at_a_time_and_a_press_elsewhere_closes_it(explore, demo_site):
    explore = explore(demo_site, "/?need=overcrowding")
    page = explore.page
    explore.reach("theme").reach("level")
    assert page.locator("details.chip[open]").count() == 1
    page.locator("h1").click()
    assert page.locator("details.chip[open]").count() == 0
    explore.reach("theme")
    page.locator("details.chip[open] .chip-done").click()
    assert page.locator("details.chip[open]").count() == 0
    assert focused(page)["what"].startswith("summary")


def test_a_first_answer_is_few_presses_away(explore, demo_site):
    """From the top of the page to a question, and three taps on a phone: the question, the step, a place."""
    page = explore(demo_site).page
    assert len(tab_to(page, "e => e.matches('.question')")) <= 25
    page.keyboard.press("Enter")
    page.wait_for_url("**/?*")
    Explore(page, demo_site).ready()
    assert page.locator("h1").inner_text()


def test_a_phone_does_every_task(explore, demo_site):
    explore = explore(demo_site, "/", viewport=PHONE, has_touch=True, is_mobile=True)
    page = explore.page
    explore.choose("theme", "Crime and safety")
    i = 900
    page.locator("#map").scroll_into_view_if_needed()
    explore.show_area(i).still()
    page.touchscreen.tap(*explore.pixel_of(i))
    page.locator("#area-panel h2").wait_for()
    assert page.locator("#area-panel").evaluate("e => getComputedStyle(e).position") == "fixed", "its facts are a sheet"
    assert explore.settled().selected() == i
    page.locator("#close-area").click()
    explore.settled()
    page.locator("#open-table").click()
    explore.table_ready()
    page.locator("#close-table").click()
    assert page.locator("#table-drawer").is_hidden()


# -- Zoom, motion, forced colours -----------------------------------------------------------------------------------

# Elements that stick out of the window, except inside a section that scrolls by itself (maps, tables) or off screen on purpose.
STICKING_OUT = """() => [...document.querySelectorAll('body *')].filter((e) => {
  const box = e.getBoundingClientRect();
  if (box.width < 2 || box.height < 2 || (box.right <= innerWidth + 1 && box.left >= -1)) return false;
  if (!e.checkVisibility() || e.closest('.leaflet-container, #table, .visually-hidden, .skip-link')) return false;
  for (let p = e.parentElement; p && p !== document.body; p = p.parentElement) {
    if (['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(p).overflowX)) return false;
  }
  return true;
}).map((e) => `${e.tagName} ${e.id} ${e.className} ${(e.textContent || '').slice(0, 40)}`)"""


@pytest.mark.parametrize("size", [ZOOMED, PHONE], ids=["400 per cent", "phone"])
def test_no_page_scrolls_sideways(open_page, demo_site, size):
    page = open_page(demo_site, viewport=size)
    for each in PAGES:
        page.goto(demo_site.url + address_of(each, demo_site))
        page.locator("h1").wait_for(state="attached")
        if each.path == "/":
            Explore(page, demo_site).ready()
        wide = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{each.path} is {wide} px too wide: {page.evaluate(STICKING_OUT)[:5]}"
        assert page.evaluate(STICKING_OUT) == [], each.path


def test_every_control_is_reachable_at_400_per_cent(explore, demo_site):
    explore = explore(demo_site, "/?need=overcrowding&services=pharmacies", viewport=ZOOMED)
    page = explore.page
    for control in ("search", "theme", "need", "services", "partner", "copy-link", "fit-region"):
        explore.reach(control)
        page.locator(f"#{control}").scroll_into_view_if_needed()
        assert page.evaluate(
            """id => {
              const box = document.getElementById(id).getBoundingClientRect();
              const hit = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
              return document.getElementById(id).contains(hit) || hit?.closest('.mantine-Input-wrapper')?.querySelector(`#${id}`) !== null;
            }""",
            control,
        ), f"{control} is covered"
    explore.choose("theme", "Crime and safety")
    assert explore.selection()["theme"] == "crime"
    page.keyboard.press("Escape")
    page.locator("#open-table").click()
    explore.table_ready()
    first = page.locator("#table .ag-row[row-index='0'] [col-id='name']")
    assert first.is_visible()
    box = page.locator("#table .ag-body-viewport").bounding_box()
    assert box["height"] >= 40, "the table has no room for a row"
    page.locator("#close-table").click()
    assert page.locator("#table-drawer").is_hidden()


def test_text_can_be_twice_as_large(explore, demo_site):
    """The reader's own font size, doubled: the panels grow their own scroll bars, nothing is cut or lies over something else."""
    explore = explore(demo_site, "/?need=overcrowding")
    page = explore.page
    page.evaluate("() => { document.documentElement.style.fontSize = '200%'; }")
    assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.evaluate(STICKING_OUT) == []


def test_less_motion_is_no_motion(explore, demo_site):
    explore = explore(demo_site, "/?need=overcrowding")  # all tests ask for less motion
    page = explore.page
    moving = page.evaluate(
        """() => document.getAnimations().filter((a) => a.effect.getComputedTiming().activeDuration > 1)
          .map((a) => a.animationName || a.transitionProperty)"""
    )
    assert moving == []
    explore.choose("partner", "Gateshead Council")
    assert page.evaluate("() => !window.commonground.explore.state.map._animatingZoom"), (
        "the map jumps, it does not glide"
    )


def test_motion_is_there_for_those_who_did_not_ask(explore, demo_site):
    explore = explore(demo_site, "/?need=overcrowding", reduced_motion="no-preference")
    explore.choose("partner", "Gateshead Council")
    explore.still()
    lads = demo_site.published.region.areas["lad"].set_index("code").geometry["DA2"].bounds
    west, east = explore.page.evaluate(
        "() => { const b = window.commonground.explore.state.map.getBounds(); return [b.getWest(), b.getEast()]; }"
    )
    assert west < lads[0] and east > lads[2]


def test_forced_colours_keep_what_colour_means(explore, demo_site):
    explore = explore(demo_site, "/?need=homelessness", forced_colors="active")
    page = explore.page
    swatches = page.locator("#legend .swatch").evaluate_all(
        "es => es.map((e) => { const s = getComputedStyle(e); return s.backgroundColor + s.backgroundImage; })"
    )
    assert len(set(swatches)) == len(swatches), "the legend's colours are all different"
    assert explore.colour_at(0)[3] == 255
    explore.reach("level")
    chosen = page.locator("#level label[data-active]").evaluate("e => getComputedStyle(e).outlineStyle")
    assert chosen != "none", "which part of a segmented control is on shows by more than its ground"
    explore.close_chips()
    assert page.locator("#open-table").is_visible()
    page.keyboard.press("Tab")
    assert focused(page)["seen"] and focused(page)["marked"]
    assert page.viewport_size == LAPTOP
