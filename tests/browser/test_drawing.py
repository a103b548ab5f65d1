"""The gap view while its draws wait for a worker: everything else is there, how far they are is said, and it can be stopped."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import pytest

from dashboard.jobs import Jobs
from dashboard.views import draws, measuring
from dashboard.views import gaps as view
from tests.browser.driving import Explore, until

pytestmark = pytest.mark.browser

QUESTION = "need=crowded&services=clinics&show=gap"


@contextmanager
def working(published, name: str):
    """Somebody works meanwhile."""
    over = threading.Event()
    worker = threading.Thread(target=Jobs(published).work_here, args=(name, over.is_set, lambda: None))
    worker.start()
    try:
        yield
    finally:
        over.set()
        worker.join(60)


@pytest.fixture
def nobody_works(tiny_site, monkeypatch):
    """No draws are cheap, and nobody makes them until the test does."""
    here = tiny_site.published
    view.kept(here)._things.clear()
    monkeypatch.setattr(draws, "price_of", lambda *_: 9.0)
    monkeypatch.setattr(here.jobs, "elsewhere", True)
    monkeypatch.setattr(here.jobs, "wait_s", 0.0)
    yield here
    view.kept(here)._things.clear()


def test_the_map_is_there_at_once_and_how_sure_it_is_follows(nobody_works, tiny_site, open_page):
    page = open_page(tiny_site)
    explore = Explore(page, tiny_site)
    explore.open(f"/?{QUESTION}&weights=1")
    words = page.locator("#drawing-words")
    assert "waits in the queue, in place 1" in words.inner_text()
    sentence = page.locator("#sentence").inner_text()
    assert "underserved" in sentence and "firm or likely" not in sentence
    with working(nobody_works, "host:1:2"):
        until(page, "() => document.getElementById('sentence').innerText.includes('firm or likely')", timeout=60)
        until(page, "() => document.getElementById('drawing').hidden")


def test_what_has_to_be_measured_first_is_shown_and_painted_when_it_is_there(
    nobody_works, tiny_site, open_page, monkeypatch
):
    monkeypatch.setattr(measuring, "price_of", lambda _: 9.0)
    monkeypatch.setattr(draws, "price_of", lambda *_: 0.0)
    page = open_page(tiny_site)
    explore = Explore(page, tiny_site)
    explore.open(f"/?{QUESTION}&detour=1.3", wait=False)
    words = page.locator("#drawing-words")
    words.wait_for()
    assert words.inner_text().startswith("Measuring how far the services are takes a while.")
    assert "One moment, please" in page.locator("#headline").inner_text()
    with working(nobody_works, "host:1:3"):
        until(page, "() => document.getElementById('sentence').innerText.includes('underserved')", timeout=60)
        until(page, "() => document.getElementById('drawing').hidden")
        explore.settled()


def test_it_can_be_stopped(nobody_works, tiny_site, open_page):
    page = open_page(tiny_site)
    Explore(page, tiny_site).open(f"/?{QUESTION}&max_m=1234")
    page.locator("#drawing-stop").click()
    until(page, "() => document.getElementById('drawing-words').innerText.includes('was not worked out')")
    assert page.locator("#drawing-stop").is_hidden()
    until(page, "() => true")
