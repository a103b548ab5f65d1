"""One Chromium for the whole session, two served applications (tiny and demonstration), and pages that are watched for faults."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.browser.driving import CHROMIUM, LAPTOP, LISTENER, Explore, Site, Watch, serving
from tests.demonstration import DEMO, filled_home, store_url

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def chromium():
    """Playwright allows one instance a thread, so every browser test shares this one and opens contexts of its own."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed (on Debian: apt-get install chromium)")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=path, args=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def tiny_site(tiny, tiny_app):
    with serving(tiny_app.server) as url:
        yield Site(url, tiny)


@pytest.fixture(scope="session")
def demo_site(tmp_path_factory):
    """The committed demonstration region, with a store of its own."""
    from dashboard.app import create_app
    from dashboard.published import Published
    from layers import load_region, open_store

    home = filled_home(tmp_path_factory)
    region = load_region(DEMO)
    store = open_store(store_url(home), region)
    published = Published(region, store, home)
    with serving(create_app(published, "a key for the tests only").server) as url:
        yield Site(url, published)
    store.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call":
        item.failed_call = report.failed
    return report


@pytest.fixture
def open_page(chromium, request, tmp_path):
    """``open_page(site, **options of new_context)`` gives a page; any fault in any of them fails the test at its end."""
    opened = []

    def opener(site: Site, **options):
        context = chromium.new_context(**{"viewport": LAPTOP, "locale": "en-GB", "reduced_motion": "reduce"} | options)
        context.add_init_script(LISTENER)
        page = context.new_page()
        page.set_default_timeout(15_000)
        watch = Watch(site.host)
        watch.on(page)
        page.watch = watch
        opened.append((context, page, watch))
        return page

    yield opener
    problems = []
    failed = getattr(request.node, "failed_call", False)
    for n, (context, page, watch) in enumerate(opened):
        if failed and not page.is_closed():
            picture = tmp_path / f"page-{n}.png"
            page.screenshot(path=picture)
            print(f"screenshot: {picture}")
        if not page.is_closed() and page.url.startswith("http"):
            problems += [
                f"blocked by the policy: {text}" for text in page.evaluate("() => window.seen?.violations || []")
            ]
        problems += watch.problems
        context.close()
    assert problems == []


@pytest.fixture
def explore(open_page):
    """``explore(site, path, **options)`` opens the explore page and waits until it is all there."""

    def opener(site: Site, path: str = "/", **options) -> Explore:
        return Explore(open_page(site, **options), site).open(path)

    return opener
