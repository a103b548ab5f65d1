"""What the map painter alone costs, in a real Chromium: a bare dash-leaflet map of the North East and of England.

    python benchmarks/painter_bench.py [--data ../shared/data] [--shots FOLDER]

Needs the open data (boundaries and the lookup to authorities) and Chromium. Prints one line per region: size of the outlines,
navigation to first paint, a change of indicator, a zoom step, hover, memory. Medians; milliseconds unless said otherwise.
``--shots`` also saves a picture of every zoom from 6 to 14. The whole page is measured elsewhere; this is the map's share.
"""

from __future__ import annotations

import argparse
import gzip
import logging
import shutil
import threading
from pathlib import Path

import brotli
import dash
import dash_leaflet as dl
import geopandas as gpd
import numpy as np
import pandas as pd
from dash import html
from flask import Response
from playwright.sync_api import sync_playwright
from werkzeug.serving import make_server

from layers.geography.packed_outlines import pack

ROOT = Path(__file__).parents[1]
NORTH_EAST = ["E08000021", "E08000037", "E08000022", "E08000023", "E08000024", "E06000057", "E06000047"]
CHROMIUM = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
CHROMIUM += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
CHROMIUM += ["--enable-precise-memory-info"]
REGIONS = {"North East": ([54.975, -1.62], 9), "England": ([52.8, -1.6], 6)}

FIRST_PAINT = """([region, palette]) => new Promise((resolve) => {
    commonground.whenMap(async (map) => {
        const painter = commonground.createPainter().addTo(map);
        const fetched = (kind) => fetch(`/bench/${kind}`).then((r) => r.arrayBuffer());
        const [geometry, classes, groups] = await Promise.all([
            commonground.loadGeometry('/bench/outlines'), fetched('classes'), fetched('groups')]);
        painter.setGeometry(geometry, new Uint8Array(classes), palette);
        const painted = performance.now();
        painter.setOutlines(new Uint16Array(groups));
        window.bench = { map, painter, classes: new Uint8Array(classes) };
        requestAnimationFrame(() => requestAnimationFrame(() => resolve([painted, performance.now()])));
    });
})"""

MEASURE = """async (zooms) => {
    const { map, painter, classes } = bench;
    const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
    const frame = () => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)));
    let last = null;
    document.addEventListener('commonground:painted', (event) => { last = event.detail; });
    const other = classes.map((c) => (c + 1) % 5);
    const switches = [], shown = [], redraws = {}, hovers = [];
    for (let k = 0; k < 15; k++) {
        await frame();
        const t = performance.now();
        painter.setClasses(k % 2 ? classes : other);
        switches.push(last.ms);
        await new Promise((r) => requestAnimationFrame(r));
        shown.push(performance.now() - t);
    }
    for (const zoom of zooms) {
        const times = [];
        for (let k = 0; k < 5; k++) {
            map.setZoom(zoom + (k % 2 ? 0 : 1), { animate: false });
            await frame();
            map.setZoom(zoom, { animate: false });
            times.push(last.ms);
            await frame();
        }
        redraws[zoom] = median(times);
    }
    for (let k = 0; k < 200; k++) {
        const point = L.point(400 + 3 * k, 300 + k);
        const t = performance.now();
        painter._setHovered(painter.at(point), null);
        hovers.push(performance.now() - t);
    }
    const arrays = Object.values(painter.geometry).reduce((sum, a) => sum + (a && a.byteLength ? a.byteLength : 0), 0);
    return { switches: median(switches), shown: median(shown), redraws,
             hover: hovers.reduce((a, b) => a + b) / hovers.length, bytes: arrays + painter._raster.bytes };
}"""


def read(data: Path) -> gpd.GeoDataFrame:
    areas = gpd.read_parquet(data / "boundaries/LSOA_2021_EW.parquet")
    areas = areas[areas["LSOA21CD"].str.startswith("E01")].reset_index(drop=True)
    lookup = pd.read_csv(data / "lookups/LSOA21_WD24_LAD24_EW_LU.csv.gz").set_index("LSOA21CD")["LAD24CD"]
    rank = pd.read_parquet(data / "indicators/IoD2025_scores_ranks_deciles_LSOA21.parquet")
    decile = next(name for name in rank.columns if "Decile" in name)
    band = rank.set_index(rank.columns[0])[decile].reindex(areas["LSOA21CD"]).to_numpy()
    return areas.assign(
        lad_code=lookup.reindex(areas["LSOA21CD"]).to_numpy(), band=((10 - band) // 2).clip(0, 4).astype(np.uint8)
    )


def serve(areas: gpd.GeoDataFrame, centre, zoom):
    """The page and its three files; returns the server and the size of the outlines, gzip and Brotli."""
    outlines = pack(areas)
    groups = np.unique(areas["lad_code"], return_inverse=True)[1].astype(np.uint16)
    bodies = {"outlines": outlines, "classes": areas["band"].to_numpy().tobytes(), "groups": groups.tobytes()}
    small = {name: brotli.compress(body, quality=11) for name, body in bodies.items()}
    app = dash.Dash("painter_bench", assets_folder=str(ROOT / "assets"), assets_ignore=r"^(?!map-).*|.*\.css$")
    app.layout = html.Div(
        dl.Map(id="map", center=centre, zoom=zoom, style={"height": "100vh", "width": "100vw"}),
        style={"margin": "-8px"},
    )

    @app.server.get("/bench/<name>")
    def file(name):
        return Response(small[name], mimetype="application/octet-stream", headers={"Content-Encoding": "br"})

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app.server, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, len(gzip.compress(outlines, 9)), len(small["outlines"]), len(small["classes"])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--data", type=Path, default=ROOT / "../shared/data")
    options.add_argument("--shots", type=Path)
    options.add_argument("--ratio", type=float, default=1.0)
    options = options.parse_args()
    england = read(options.data)
    regions = {"North East": england[england["lad_code"].isin(NORTH_EAST)].reset_index(drop=True), "England": england}
    palette = ["#e4ecf7", "#b5cde6", "#7aa9d3", "#3a7db8", "#0b4a8a"]
    with sync_playwright() as p:
        for name, areas in regions.items():
            centre, zoom = REGIONS[name]
            server, gz, br, classes = serve(areas, centre, zoom)
            browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
            firsts = []
            for _ in range(5):
                context = browser.new_context(
                    viewport={"width": 1366, "height": 768}, device_scale_factor=options.ratio
                )
                page = context.new_page()
                page.goto(f"http://127.0.0.1:{server.port}/", wait_until="commit")
                page.wait_for_function("Boolean(window.commonground && commonground.whenMap)")
                firsts.append(page.evaluate(FIRST_PAINT, [name, palette]))
                if len(firsts) < 5:
                    context.close()
            found = page.evaluate(MEASURE, [6, 7, 8, 9, 10, 11, 12, 13])
            session = context.new_cdp_session(page)
            session.send("HeapProfiler.collectGarbage")
            heap = session.send("Runtime.getHeapUsage")
            page.evaluate("() => { bench.painter.destroy(); bench.map.setZoom(5, { animate: false }); }")
            painted = sorted(first for first, _ in firsts)[2]
            print(
                f"{name}: {len(areas):,} areas, outlines {gz / 1000:.1f} kB gzip, {br / 1000:.1f} kB Brotli, classes {classes} B"
            )
            print(f"  navigation to painted {painted:.0f}, outlines and frame {sorted(s for _, s in firsts)[2]:.0f}")
            print(f"  change of indicator {found['switches']:.1f}, until the next frame {found['shown']:.1f}")
            print("  redraw after a zoom to " + ", ".join(f"{z}: {ms:.0f}" for z, ms in found["redraws"].items()))
            print(f"  hover {found['hover']:.3f}; typed arrays {found['bytes'] / 1e6:.1f} MB", end=", ")
            print(f"whole page's heap {heap['usedSize'] / 1e6:.1f} MB")
            if options.shots:
                page.reload()
                page.evaluate(FIRST_PAINT, [name, palette])
                options.shots.mkdir(parents=True, exist_ok=True)
                for zoom in range(6, 15):
                    page.evaluate("z => { bench.map.setZoom(z, { animate: false }); }", zoom)
                    page.wait_for_timeout(100)
                    page.screenshot(path=options.shots / f"{name.replace(' ', '-').lower()}-{zoom}.png")
            browser.close()
            server.shutdown()


if __name__ == "__main__":
    main()
