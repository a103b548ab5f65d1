"""The complete explore page beside the usual ways to colour a map in Dash, in a real Chromium, in one run.

    python -m benchmarks.map_bench [--quick] [--region england] [--only ours,hideout] [--england PACK] [--north-east PACK]
                                   [--passes N] [--json FILE] [--markdown]

Every pass opens every page in turn (a new browser context each: nothing in the cache), so that a disturbance of the machine
meets all of them. What is timed, and from when to when, is in benchmarks/README.md; the report is written by report.py.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import http.client
import importlib
import json
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks import report
from benchmarks.material import ROOT, Ground, grounds

CHROMIUM = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
CHROMIUM += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
PROBE = Path(__file__).with_name("probe.js").read_text()
WINDOW = {"width": 1366, "height": 768}
RIVALS = ("hideout", "joined", "plotly_patch", "plotly_rebuilt")
PATIENCE = 180.0
"""Seconds after which a page is given up."""
ENOUGH = 15.0
"""Seconds of one pass that a slow page may spend on switching, once it has done two."""

OUR_PROBE = """
bench.whenLeaflet(() => {});
document.addEventListener('commonground:painted', (event) => {
  if (event.detail.areas >= bench.areas) bench.painted(event.detail.reason);
});
"""
LEAFLET_ZOOM = "(step) => bench.timed(['view'], () => bench.map.setZoom(bench.map.getZoom() + step, {animate: false}))"
PLOTLY_ZOOM = """(step) => bench.timed(null, () => {
  const plot = document.querySelector('.js-plotly-plot');
  const { projection, fitScale } = plot._fullLayout.geo._subplot;
  window.Plotly.relayout(plot, {
    'geo.fitbounds': false,
    'geo.projection.rotation.lon': -projection.rotate()[0],
    'geo.center': {lon: -projection.rotate()[0], lat: projection.center()[1]},
    'geo.projection.scale': projection.scale() / fitScale * 2 ** step,
  });
})"""


@dataclass(frozen=True)
class Way:
    """One way to colour the map: how its server is started, and how its page tells that the map is painted."""

    id: str
    title: str
    probe: str
    geometry: str  # address of what brings the outlines, as a pattern
    zoom: str = LEAFLET_ZOOM
    map: str = ".map"

    @property
    def ours(self) -> bool:
        return self.id == "ours"


def ways(only: tuple[str, ...]) -> list[Way]:
    found = [Way("ours", "Common Ground", OUR_PROBE, r"/data/shapes/[a-z]+-outlines", map="#map")]
    for name in RIVALS:
        rival = importlib.import_module(f"benchmarks.rivals.{name}")
        zoom = PLOTLY_ZOOM if "plotly" in name else LEAFLET_ZOOM
        found.append(Way(name, rival.TITLE, rival.PROBE, rival.GEOMETRY, zoom))
    return [way for way in found if way.ours or not only or way.id in only]


# ---- Servers ---------------------------------------------------------------------------------------------------------


@dataclass
class Server:
    """A page's server: gunicorn with two workers of four threads, the application loaded before they part."""

    process: subprocess.Popen
    port: int
    seconds: float  # from the command to the first answer

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cpu(self) -> float:
        """Seconds of processor time that it and its workers have used."""
        tick, total = os.sysconf("SC_CLK_TCK"), 0
        group = str(self.process.pid)
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                parts = stat.read_text().rsplit(")", 1)[1].split()
                if parts[2] == group:
                    total += int(parts[11]) + int(parts[12])
        return total / tick

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start(way: Way, ground: Ground, log: Path) -> Server:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    if way.ours:
        own = {"COMMONGROUND_REGION": str(ground.pack), "COMMONGROUND_HOME": str(ground.home)}
        command = ["-m", "dashboard.cli", "serve", "--host", "127.0.0.1", "--port", str(port), "--workers", "2"]
    else:
        own = {"BENCH_MATERIAL": str(ground.material)}
        command = ["-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", "4", "--preload"]
        command += ["--worker-class", "gthread", "--timeout", "300", "--log-level", "warning"]
        command += [f"benchmarks.rivals.{way.id}:create_server()"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COMMONGROUND_")} | own
    started = time.perf_counter()
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=environ, stdout=out, stderr=out, start_new_session=True
        )
    while True:
        if process.poll() is not None or time.perf_counter() - started > PATIENCE:
            process.kill()
            raise SystemExit(f"The server of {way.title} did not start. Its messages are in {log}.")
        try:
            answer = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            answer.request("GET", "/healthz")
            if answer.getresponse().status == 200:
                return Server(process, port, time.perf_counter() - started)
        except OSError:
            time.sleep(0.01)


# ---- A page ----------------------------------------------------------------------------------------------------------


@dataclass
class Wire:
    """What a page received: (address, bytes) of every finished answer."""

    page: Page
    received: list[tuple[str, int]] = field(default_factory=list)
    open: dict[str, str] = field(default_factory=dict)

    def __post_init__(self):
        self.session = self.page.context.new_cdp_session(self.page)
        self.session.on(
            "Network.requestWillBeSent", lambda e: self.open.__setitem__(e["requestId"], e["request"]["url"])
        )
        self.session.on("Network.loadingFinished", lambda e: self._end(e["requestId"], e["encodedDataLength"]))
        self.session.on("Network.loadingFailed", lambda e: self._end(e["requestId"], 0))
        self.session.send("Network.enable")

    def _end(self, request: str, size: float) -> None:
        address = self.open.pop(request, "")
        if address.startswith("http"):
            self.received.append((address, int(size)))

    def settle(self, quiet: float = 0.6) -> None:
        """Wait until nothing has been asked for or answered for a while."""
        last, since = None, time.perf_counter()
        while time.perf_counter() - since < quiet:
            self.page.wait_for_timeout(50)
            if (now := (len(self.received), len(self.open))) != last:
                last, since = now, time.perf_counter()

    def bytes(self, pattern: str = "", start: int = 0) -> int:
        return sum(size for address, size in self.received[start:] if re.search(pattern, address))


def waited(page: Page, promise: str) -> dict:
    """What a promise in the page comes to; a page that takes too long is an error, not a hang."""
    return page.evaluate(
        f"""(ms) => Promise.race([{promise},
              new Promise((_, no) => setTimeout(() => no(new Error('nothing was painted in ' + ms + ' ms')), ms))])""",
        PATIENCE * 1000,
    )


def open_page(browser: Browser, way: Way, ground: Ground, context=None):
    """A context with an empty cache, the probe in every page of it."""
    if context is None:
        context = browser.new_context(
            viewport=WINDOW, device_scale_factor=1, locale="en-GB", reduced_motion="no-preference"
        )
        context.add_init_script(
            f"{PROBE}\nbench.areas = {ground.areas};\nbench.first = bench.next(['geometry', 'classes']);\n{way.probe}"
        )
    page = context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    return context, page, Wire(page)


def load(page: Page, server: Server) -> float:
    """Milliseconds from the start of the navigation to the end of the frame with the painted map."""
    page.goto(server.address + "/", wait_until="commit")
    return waited(page, "bench.first")["framed"]


def switch(page: Page, way: Way, name: str, title: str) -> dict:
    """Choose an indicator through the page's own control; milliseconds from the click."""
    kinds = json.dumps(["classes"] if way.ours else None)
    if way.ours:
        page.locator("#need").click()
        option = page.locator(f'[data-combobox-option][value="{name}"]').locator("visible=true")
        option.scroll_into_view_if_needed()
        page.wait_for_timeout(350)  # the list has opened
        page.evaluate(f"() => bench.arm({kinds})")
        option.click()
    else:
        page.evaluate(f"() => bench.arm({kinds})")
        page.get_by_label(title, exact=True).click(no_wait_after=True)
    times = waited(page, "bench.switched")
    return {"painted": times["painted"] - times["clicked"], "framed": times["framed"] - times["clicked"]}


def heap(wire: Wire) -> float:
    """Bytes that scripts hold after a collection: objects and the contents of typed arrays."""
    for _ in range(2):
        wire.session.send("HeapProfiler.collectGarbage")
    usage = wire.session.send("Runtime.getHeapUsage")
    return usage["usedSize"] + usage.get("backingStorageSize", 0)


def heap_without_map(browser: Browser, way: Way, ground: Ground, server: Server) -> float:
    """The same page where what brings the outlines is not let through."""
    context, page, wire = open_page(browser, way, ground)
    try:
        page.route(re.compile(way.geometry), lambda route: route.abort())
        page.goto(server.address + "/", wait_until="commit")
        wire.settle(1.5)
        return heap(wire)
    finally:
        context.close()


COUNT_COLOURS = """async ([now, before, colours]) => {
  const pixels = async (data) => {
    const bitmap = await createImageBitmap(await (await fetch('data:image/png;base64,' + data)).blob());
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext('2d');
    context.drawImage(bitmap, 0, 0);
    return new Uint32Array(context.getImageData(0, 0, bitmap.width, bitmap.height).data.buffer);
  };
  const wanted = new Set(colours.map((css) => {
    const n = parseInt(css.slice(1), 16);
    return ((255 << 24) | ((n & 255) << 16) | (n & 0xff00) | (n >> 16)) >>> 0;
  }));
  const a = await pixels(now), b = before && (await pixels(before));
  let coloured = 0, changed = 0;
  const seen = new Set();
  for (let i = 0; i < a.length; i++) {
    if (wanted.has(a[i])) { coloured++; seen.add(a[i]); }
    if (b && a[i] !== b[i]) changed++;
  }
  return {coloured: coloured / a.length, colours: seen.size, changed: changed / a.length};
}"""


class Eye:
    """Looks at screenshots, so that no number is reported of a map that was not drawn."""

    def __init__(self, browser: Browser, palette: list[str]):
        self.page = browser.new_page()
        self.palette = palette

    def picture(self, page: Page, way: Way) -> str:
        box = page.locator(way.map).first.bounding_box()
        session = page.context.new_cdp_session(page)
        clip = {"x": box["x"], "y": box["y"], "width": box["width"], "height": box["height"], "scale": 1}
        data = session.send("Page.captureScreenshot", {"format": "png", "clip": clip})["data"]
        session.detach()
        return data

    def check(self, way: Way, what: str, now: str, before: str | None = None) -> dict:
        found = self.page.evaluate(COUNT_COLOURS, [now, before, self.palette])
        if found["colours"] < 3 or found["coloured"] < 0.02:
            raise SystemExit(f"{way.title}: after {what} the map is not in the colours of the classes ({found}).")
        if before and found["changed"] < 0.005:
            raise SystemExit(f"{way.title}: {what} did not change the map ({found}).")
        return found


# ---- A pass ----------------------------------------------------------------------------------------------------------


def one_pass(browser: Browser, way: Way, ground: Ground, server: Server, eye: Eye | None, without: float) -> dict:
    """Everything that is measured in the browser, once."""
    context, page, wire = open_page(browser, way, ground)
    try:
        found = {"load": load(page, server)}
        wire.settle()
        found["bytes_load"] = wire.bytes()
        found["bytes_geometry"] = wire.bytes(way.geometry)
        found["heap"] = max(heap(wire) - without, 0)
        picture = eye.picture(page, way) if eye else None
        if eye:
            eye.check(way, "loading", picture)

        order = list(ground.indicators.items())
        if not way.ours or page.locator("#need").input_value() == order[0][1]:
            order.reverse()
        switches, sizes, colours = [], [], []
        cpu, began = server.cpu(), time.perf_counter()
        while len(switches) < 4 and (len(switches) < 2 or time.perf_counter() - began < ENOUGH):
            mark = len(wire.received)
            switches.append(switch(page, way, *order[len(switches) % 2]))
            wire.settle()
            if len(switches) <= 2:  # after that the browser has both already
                sizes.append(wire.bytes(start=mark))
                colours.append(wire.bytes(r"/data/classes", mark) if way.ours else sizes[-1])
            if eye and len(switches) == 1:
                eye.check(way, "a choice", eye.picture(page, way), picture)
        found["cpu_switch"] = (server.cpu() - cpu) / len(switches) * 1000
        found["switch"] = [each["framed"] for each in switches]
        found["switch_script"] = [each["painted"] for each in switches]
        found["bytes_switch"], found["bytes_switch_map"] = sizes, colours

        before = eye.picture(page, way) if eye else None
        found["zoom"] = [page.evaluate(way.zoom, 1)]
        if eye:
            eye.check(way, "a zoom step", eye.picture(page, way), before)
        found["zoom"].append(page.evaluate(way.zoom, -1))
        page.mouse.move(560, 380)
        wire.settle()
        found["hover"] = page.evaluate("([map, n]) => bench.hover(map, n)", [way.map, 30])
        page.close()

        _, page, _ = open_page(browser, way, ground, context)
        found["load_again"] = load(page, server)
        return found
    finally:
        context.close()


def served(ground: Ground, server: Server) -> dict:
    """Milliseconds that our server takes for the requests of a switch, asked 30 times over one connection."""
    about = json.loads((ground.material / "material.json").read_text())
    name = next(iter(about["indicators"]))
    asked = {
        "classes": f"/data/classes?{urlencode({'need': name, 'level': 'lsoa'})}",
        "values_json": f"/api/v1/layers/{name}/values?level=lsoa",
        "values_csv": f"/api/v1/layers/{name}/values?level=lsoa&format=csv",
    }
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    found = {}
    for what, path in asked.items():
        times = []
        for _ in range(34):
            started = time.perf_counter()
            connection.request("GET", path, headers={"Accept-Encoding": "br, gzip"})
            answer = connection.getresponse()
            answer.read()
            times.append((time.perf_counter() - started) * 1000)
            if answer.status != 200:
                times = []
                break
        found[what] = times[4:]
    return found


def measure(ground: Ground, chosen: list[Way], passes: int, say) -> dict:
    """All passes over one region."""
    log = ROOT / "var" / "bench" / f"servers-{ground.id}.log"
    servers: dict[str, Server] = {}
    results = {way.id: [] for way in chosen}
    palette = json.loads((ground.material / "material.json").read_text())["palette"]
    try:
        starts = []
        for way in chosen:
            servers[way.id] = start(way, ground, log)
            if way.ours:
                starts.append(servers[way.id].seconds)
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
            say(f"{ground.name}: {len(chosen)} pages, {passes} passes, Chromium {browser.version}")
            eye = Eye(browser, palette)
            version = browser.version
            without = {way.id: heap_without_map(browser, way, ground, servers[way.id]) for way in chosen}
            for k in range(passes):
                for way in chosen:
                    began = time.perf_counter()
                    found = one_pass(browser, way, ground, servers[way.id], eye if k == 0 else None, without[way.id])
                    results[way.id].append(found)
                    say(
                        f"  pass {k + 1} of {passes}, {way.title}: painted {found['load']:,.0f} ms, "
                        f"switch {sorted(found['switch'])[len(found['switch']) // 2]:,.0f} ms "
                        f"({time.perf_counter() - began:.0f} s)"
                    )
            browser.close()
        answers = served(ground, servers["ours"])
        servers.pop("ours").stop()
        for _ in range(min(passes, 3) - 1):
            again = start(chosen[0], ground, log)
            starts.append(again.seconds)
            again.stop()
    finally:
        for server in servers.values():
            server.stop()
    return {
        "region": ground.id,
        "name": ground.name,
        "areas": ground.areas,
        "demo": ground.demo,
        "indicators": list(ground.indicators.values()),
        "chromium": version,
        "ways": {way.id: {"title": way.title, "passes": results[way.id]} for way in chosen},
        "server": {"start": starts, **answers},
    }


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="python -m benchmarks.map_bench", description=__doc__.splitlines()[0])
    add_options(options)
    return options


def add_options(options: argparse.ArgumentParser) -> None:
    options.add_argument("--passes", type=int, default=5, help="rounds through all pages (default 5)")
    options.add_argument("--quick", action="store_true", help="two rounds")
    options.add_argument(
        "--region", choices=["england", "north-east", "demo"], action="append", help="only this region"
    )
    options.add_argument(
        "--only", default="", help=f"only these rivals, by comma: {', '.join(RIVALS)}; 'ours' for none"
    )
    options.add_argument("--england", type=Path, metavar="PACK", help="a region pack of England that is already built")
    options.add_argument("--north-east", type=Path, metavar="PACK", help="a region pack of the North East, the same")
    options.add_argument("--json", type=Path, metavar="FILE", help="write every single number into a file")
    options.add_argument("--markdown", action="store_true", help="print the tables as docs/speed.md has them")


def run(options: argparse.Namespace) -> dict:
    """Measure what the options ask for. Exits with a sentence when there is no Chromium."""
    if shutil.which("chromium") is None:
        raise SystemExit("There is no command 'chromium' on PATH, and the benchmark needs a real browser.")

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    given = {name: path for name, path in (("england", options.england), ("north-east", options.north_east)) if path}
    regions = tuple(options.region or ("north-east", "england"))
    chosen = ways(tuple(name for name in options.only.split(",") if name))
    load_before = os.getloadavg()
    measured = [
        measure(ground, chosen, 2 if options.quick else options.passes, say) for ground in grounds(given, regions, say)
    ]
    return {
        "when": datetime.datetime.now().isoformat(timespec="minutes"),
        "machine": {
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "load_before": [round(each, 2) for each in load_before],
            "load_after": [round(each, 2) for each in os.getloadavg()],
        },
        "map": measured,
    }


def main(arguments: list[str] | None = None) -> None:
    options = parser().parse_args(arguments)
    measured = run(options)
    if options.json:
        options.json.write_text(json.dumps(measured, indent=1))
    print(report.markdown(measured) if options.markdown else report.text(measured))


if __name__ == "__main__":
    main()
