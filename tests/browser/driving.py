"""Driving the application in a real Chromium: serve it, watch each page for faults, wait, choose, and ask what the map shows."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import parse_qsl, urlsplit

from werkzeug.serving import make_server

CHROMIUM = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
CHROMIUM += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]

LAPTOP = {"width": 1366, "height": 768}
PHONE = {"width": 360, "height": 740}
ZOOMED = {"width": 320, "height": 256}
"""A window of 1280 by 1024 at 400% zoom, in CSS pixels."""

GAP = "need=alcohol-admissions=2,higher-risk-drinking,violence&services=alcohol-drug-services&show=gap"
"""A question about the demonstration region that has underserved communities."""

OPTION = "[role=listbox]:visible [role=option]"
"""The options of the picker that is open."""

# Events and numbers that a page keeps about itself from its first moment; read with page.evaluate.
LISTENER = """
window.seen = { painted: 0, classes: 0, loads: 0, violations: [] };
document.addEventListener('commonground:painted', (event) => {
  window.seen.painted++;
  if (['classes', 'geometry'].includes(event.detail.reason)) window.seen.classes++;
});
document.addEventListener('securitypolicyviolation', (event) => {
  window.seen.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
});
"""


@contextmanager
def serving(app) -> Iterator[str]:
    """The address of a WSGI application on a free port of this machine, for as long as the block runs."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def exactly(text: str) -> re.Pattern:
    return re.compile(rf"^{re.escape(text)}$")


def until(page, js: str, arg=None, *, timeout: float = 15.0, what: str = ""):
    """Ask the page again and again until ``js`` (an expression, or a function of ``arg``) is truthy; returns the answer.

    Playwright's own ``wait_for_function`` compiles its text within the page, which the Content-Security-Policy forbids.
    """
    end = time.monotonic() + timeout
    while True:
        answer = page.evaluate(js, arg)
        if answer:
            return answer
        if time.monotonic() > end:
            seen = getattr(page, "watch", None)
            raise AssertionError(f"not within {timeout:g} s: {what or js}; faults seen: {seen and seen.problems}")
        page.wait_for_timeout(15)


@dataclass
class Site:
    """One served application, and what its server knows, to compare the page with."""

    url: str
    published: object

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    @cached_property
    def catalogue(self) -> dict:
        from dashboard.views.offer import as_catalogue
        from layers import PUBLIC

        return as_catalogue(self.published, PUBLIC)


@dataclass
class Watch:
    """What went wrong in a page. ``expected`` holds parts of texts that one test means to provoke."""

    host: str
    problems: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def on(self, page) -> None:
        page.on("console", lambda m: m.type in ("error", "warning") and self._console(m))
        page.on("pageerror", lambda error: self.say(f"page error: {error}"))
        page.on("requestfailed", lambda r: self._failed(r))
        page.on("response", lambda r: r.status >= 400 and self.say(f"{r.status} from {r.url}"))
        page.on("request", lambda r: self._request(r))

    def say(self, text: str) -> None:
        if not any(part in text for part in self.expected):
            self.problems.append(text)

    def _console(self, message) -> None:
        # React's advice to developers comes as a warning; only errors are faults
        if message.type == "error":
            self.say(f"console: {message.text}")

    def _failed(self, request) -> None:
        # leaving a page cancels what is still under way; that is no fault
        if request.failure != "net::ERR_ABORTED":
            self.say(f"failed: {request.url} {request.failure}")

    def _request(self, request) -> None:
        self.requests.append(request.url)
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != self.host:
            self.say(f"another host was asked: {request.url}")


class Explore:
    """The explore page in words: open it, choose, and read what it shows."""

    def __init__(self, page, site: Site):
        self.page, self.site = page, site

    def open(self, path: str = "/", *, wait: bool = True):
        self.page.goto(self.site.url + path)
        if wait:
            self.ready()
        return self

    def ready(self):
        """The map is painted, the controls work, and the server's answers are in."""
        until(self.page, "() => window.seen?.classes > 0", what="the map is painted")
        self.settled()
        return self

    def settled(self):
        """No callback is under way, and the map shows the selection that the page holds."""
        # a choice becomes a callback in the frame after it
        self.page.evaluate(
            "() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(r))))"
        )
        until(
            self.page,
            """() => {
              const e = window.commonground?.explore?.state;
              const store = window.dash_stores?.[0]?.getState();
              if (!e?.painter?.classes || !e.selection || !store?.callbacks) return false;
              const busy = ['requested', 'prioritized', 'blocked', 'executing', 'watched', 'executed', 'stored'];
              return e.level === e.selection.level && busy.every((name) => !store.callbacks[name]?.length);
            }""",
            what="callbacks are done",
        )
        return self

    # -- Choosing --

    def reach(self, field_id: str):
        """Open the chip that a control stands in."""
        closed = self.page.locator(f"details.chip:not([open]):has(#{field_id}) > summary")
        if closed.count():
            closed.click()
        return self

    def close_chips(self):
        self.page.evaluate(
            "() => document.querySelectorAll('details.chip[open]').forEach((chip) => (chip.open = false))"
        )
        return self

    def choose(self, field_id: str, label: str):
        """Pick an option of a Select by what it says."""
        self.reach(field_id).page.locator(f"#{field_id}").click()
        self.page.locator(OPTION).filter(has_text=exactly(label)).click()
        self.settled()
        return self.close_chips()

    def choose_repaints(self, field_id: str, label: str):
        before = self.painted()
        self.choose(field_id, label)
        until(self.page, "n => window.seen.classes > n", before, what=f"{field_id} {label} repaints the map")
        return self

    def press(self, field_id: str, label: str):
        """Press one part of a segmented control."""
        self.reach(field_id).page.locator(f"#{field_id} label", has_text=exactly(label)).click()
        self.settled()
        return self.close_chips()

    def step(self, name: str):
        """Press one of the steps of the question: need, access, gap, shared."""
        self.page.locator(f"#steps [data-step={name}]").click()
        return self.settled()

    def options(self, field_id: str) -> list[str]:
        """What a picker offers, in its order; it is closed again."""
        self.reach(field_id).page.locator(f"#{field_id}").click()
        self.page.locator(OPTION).first.wait_for()
        texts = self.page.locator(OPTION).all_text_contents()
        self.page.keyboard.press("Escape")
        self.close_chips()
        return texts

    # -- Reading --

    def painted(self) -> int:
        return self.page.evaluate("() => window.seen.classes")

    def selection(self) -> dict:
        return self.page.evaluate("() => window.commonground.explore.state.selection")

    def classes(self) -> list[int]:
        """The class of every area that is on the map now."""
        return self.page.evaluate("() => [...window.commonground.explore.state.painter.classes]")

    def highlighted(self) -> int:
        return self.page.evaluate("() => window.commonground.explore.state.painter._highlight")

    def selected(self) -> int:
        return self.page.evaluate("() => window.commonground.explore.state.painter._selected")

    def query(self) -> str:
        return urlsplit(self.page.url).query

    def view(self) -> list[float]:
        return self.page.evaluate(
            "() => { const m = window.commonground.explore.state.map, c = m.getCenter(); return [c.lat, c.lng, m.getZoom()]; }"
        )

    def still(self):
        """The map has come to rest."""
        until(
            self.page,
            """() => {
              const map = window.commonground.explore.state.map;
              return !map._animatingZoom && !map._panAnim?._inProgress && !map._flyToFrame;
            }""",
        )
        return self

    def pixel_of(self, i: int) -> tuple[float, float]:
        """Where on the page a point inside area ``i`` is."""
        x, y = self.page.evaluate(
            """i => {
              const { map, painter } = window.commonground.explore.state;
              const p = map.latLngToContainerPoint(painter.pointOf(i));
              const box = map.getContainer().getBoundingClientRect();
              return [box.x + p.x, box.y + p.y];
            }""",
            i,
        )
        return x, y

    def colour_at(self, i: int) -> list[int]:
        """The colour that the map has at a point inside area ``i``."""
        return self.page.evaluate(
            """i => {
              const { map, painter } = window.commonground.explore.state;
              const p = map.latLngToLayerPoint(painter.pointOf(i)).subtract(painter._view.corner).multiplyBy(painter._view.ratio);
              return [...painter._fillContext.getImageData(Math.floor(p.x), Math.floor(p.y), 1, 1).data];
            }""",
            i,
        )

    def show_area(self, i: int):
        """Bring area ``i`` to the middle of the map, close enough to point at."""
        self.page.evaluate(
            """i => {
              const state = window.commonground.explore.state;
              state.moved = true; // as by hand: the page does not take the view back while it settles
              state.map.setView(state.painter.pointOf(i), 14, { animate: false });
            }""",
            i,
        )
        return self

    def card(self) -> list[str]:
        """The lines of the reading card; empty while it shows nothing."""
        return self.page.evaluate("() => [...document.querySelectorAll('#reading > *')].map((e) => e.textContent)")

    def open_table(self):
        self.page.locator("#open-table").click()
        return self.table_ready()

    def table_ready(self):
        """The grid is there and none of the rows on the screen still waits for the server."""
        self.page.locator("#table .ag-row[row-index='0'] [col-id='name']").first.wait_for()
        until(
            self.page,
            """() => window.dash_ag_grid.getApiAsync('table').then((api) => {
              const rows = api.getRenderedNodes();
              return rows.length > 0 && rows.every((node) => node.data);
            })""",
            what="the table has its rows",
        )
        return self

    def table_rows(self) -> list[dict]:
        """Every row that the grid holds, in its order; for tables that fit one block."""
        return self.page.evaluate(
            """() => window.dash_ag_grid.getApiAsync('table').then((api) => {
              const rows = [];
              api.forEachNode((node) => node.data && rows.push(node.data));
              return rows;
            })"""
        )


def address_of(page, site: Site) -> str:
    """An address of a page of ``dashboard.pages.PAGES`` that shows something, on the demonstration region."""
    if "<code>" in page.path:
        return page.path.replace("<code>", "DL0145")
    if "<community>" in page.path:
        from dashboard.selection import Selection
        from dashboard.views.gaps import gaps_or_reasons
        from layers import PUBLIC

        question, _ = Selection.from_query(dict(parse_qsl(GAP)))
        first = gaps_or_reasons(site.published, question, PUBLIC).cards[0]
        return f"{page.path.replace('<community>', first.id)}?{GAP}"
    assert "<" not in page.path, f"say in address_of which {page.path} to look at"
    return page.path


def known_as(site, official: str) -> str:
    """The everyday name of a small area of a site's region, by its official one."""
    areas = site.published.region.areas["lsoa"]
    return areas.loc[areas["official_name"] == official, "name"].item()
