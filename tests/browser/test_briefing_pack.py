"""The meeting pack as members open it: a file, no network, a keyboard. axe finds nothing in it, in light and in dark, wide and narrow."""

from __future__ import annotations

import unicodedata
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from dashboard.briefings.files.formats import export_briefing
from tests import sample_briefing as made
from tests.browser.test_axe import AXE, RUN, TAGS

pytestmark = pytest.mark.browser

SIZES = {"laptop": (1366, 768), "phone": (390, 844), "wall": (1920, 1080), "old projector": (1024, 768)}
PAGES = len(made.pages())
CURRENT = """() => {
  const at = [...document.querySelectorAll('.page')].find((page) => page.getBoundingClientRect().bottom > innerHeight / 2);
  return at.id;
}"""


@pytest.fixture(scope="module")
def pack(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("pack") / "briefing.html"
    path.write_bytes(export_briefing(made.sample(), "html", address="https://map.example.org"))
    return path


@pytest.fixture
def opened(chromium, pack):
    """``opened(size, scheme, **options)``: the file in a browser that is off the network; any fault, message or request fails the test."""
    contexts, problems = [], []

    def opener(size: str = "laptop", scheme: str = "light", **options):
        width, height = SIZES[size]
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce", **options
        )
        contexts.append(context)
        context.set_offline(True)
        page = context.new_page()
        page.on("console", lambda message: problems.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: problems.append(f"error: {error}"))
        page.on(
            "request",
            lambda request: (
                problems.append(request.url[:100]) if not request.url.startswith(("file:", "data:")) else None
            ),
        )
        page.goto(pack.as_uri())
        return page

    yield opener
    for context in contexts:
        context.close()
    assert problems == []


@pytest.mark.parametrize("size", ["laptop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(opened, size, scheme):
    page = opened(size, scheme, bypass_csp=True)  # for axe alone, which the policy would rightly not let in
    for fold in page.locator("summary").all():
        fold.click()
    page.evaluate(AXE)
    result = page.evaluate(RUN, TAGS)
    assert {"color-contrast", "target-size", "image-alt", "document-title"} <= set(result["ran"])
    assert result["faults"] == []


@pytest.mark.parametrize("size", ["laptop", "old projector"])
def test_every_key_turns_the_page(opened, size):
    page = opened(size)
    assert page.evaluate(CURRENT) == "front"
    for forth, back in (("ArrowRight", "ArrowLeft"), ("Space", "Shift+Space"), ("PageDown", "PageUp")):
        for n in range(1, PAGES + 1):
            reach(page, forth, f"page-{n}")
        for n in range(PAGES - 1, 0, -1):
            reach(page, back, f"page-{n}")
        reach(page, back, "front")
    page.keyboard.press("End")
    assert page.evaluate(CURRENT) == f"page-{PAGES}"
    page.keyboard.press("ArrowRight")  # there is none after the last
    assert page.evaluate(CURRENT) == f"page-{PAGES}"
    page.keyboard.press("Home")
    assert page.evaluate(CURRENT) == "front"
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(CURRENT) == "front"


def reach(page, key: str, expected: str) -> None:
    """Some presses of a key lead to a page: more than one where the page before is taller than the window."""
    for _ in range(4):
        page.keyboard.press(key)
        page.wait_for_timeout(15)
        if page.evaluate(CURRENT) == expected:
            return
    assert page.evaluate(CURRENT) == expected, key


def test_up_and_down_read_a_tall_page_first(opened):
    page = opened("phone")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("() => document.activeElement.id") == "page-1"  # a screen reader goes along
    top = "() => document.getElementById('page-1').getBoundingClientRect().top"
    assert abs(page.evaluate(top)) < 2
    page.keyboard.press("ArrowDown")
    page.wait_for_function("() => document.getElementById('page-1').getBoundingClientRect().top < -10")
    assert page.evaluate(CURRENT) == "page-1"
    page.keyboard.press("ArrowRight")
    assert page.evaluate(CURRENT) == "page-2"


def test_keys_that_belong_to_something_else_are_left_alone(opened):
    page = opened()
    page.keyboard.press("ArrowRight")
    fold = page.locator("#page-1 summary").first
    fold.focus()
    page.keyboard.press("Space")
    assert page.evaluate(CURRENT) == "page-1" and page.locator("#page-1 details[open]").count() == 1
    page.keyboard.press("Control+ArrowRight")
    assert page.evaluate(CURRENT) == "page-1"


def test_pages_follow_the_contents_and_the_address(opened, pack):
    page = opened()
    page.locator("nav a").nth(2).click()
    assert page.evaluate(CURRENT) == "page-3" and page.url.endswith("#page-3")
    page.locator("#page-3").get_by_label("Next page, 4").click()
    assert page.evaluate(CURRENT) == "page-4"
    page.goto(pack.as_uri() + "#page-5")
    assert page.evaluate(CURRENT) == "page-5"


@pytest.mark.parametrize("key", ["PageDown", "Space", "ArrowDown"])
def test_without_scripts_the_keys_scroll_page_by_page(opened, key):
    page = opened("laptop", java_script_enabled=False)
    box = page.locator("#page-1").bounding_box
    assert box()["y"] > 700
    page.locator("#front").click(position={"x": 5, "y": 300})
    for _ in range(40 if key == "ArrowDown" else 3):
        page.keyboard.press(key)
        page.wait_for_timeout(100)
        before = None
        while (now := box()["y"]) != before and now >= 100:  # it glides there, slowly on a busy machine
            before = now
            page.wait_for_timeout(100)
        if box()["y"] < 100:
            break
    assert box()["y"] < 100


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_wider_than_the_window(opened, size):
    page = opened(size)
    width = page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1]
    if size in ("wall", "laptop"):  # a page of the sample is a screen
        heights = page.evaluate("() => [...document.querySelectorAll('.page')].map((each) => each.scrollHeight)")
        assert max(heights) <= SIZES[size][1] + 1
    assert page.evaluate("() => [...document.images].every((each) => each.naturalWidth > 0)")


def test_a_sheet_of_paper_a_page(opened):
    page = opened(scheme="dark")
    printed = PdfReader(BytesIO(page.pdf(prefer_css_page_size=True)))
    assert len(printed.pages) == PAGES + 1
    for sheet in printed.pages:
        assert sheet.mediabox.width > sheet.mediabox.height
        assert made.NOTICE in unicodedata.normalize(
            "NFKC", " ".join(sheet.extract_text().split())
        )  # ﬁ is one letter here
    assert "63 small areas" in printed.pages[1].extract_text()


def test_the_policy_holds(chromium, tmp_path):
    """What somebody wrote, and what somebody adds to the file, is not run."""
    path = tmp_path / "hostile.html"
    text = export_briefing(
        made.hostile("<script>window.ran = 1</script><img src=x onerror='window.ran = 2'>"), "html"
    ).decode()
    path.write_text(
        text.replace("</main>", "</main><script>window.ran = 3</script><p onclick='window.ran = 4'>click</p>")
    )
    context = chromium.new_context()
    page = context.new_page()
    page.goto(path.as_uri())
    page.get_by_text("click", exact=True).dispatch_event("click")
    assert page.evaluate("() => window.ran") is None
    context.close()
