"""The explore page in a real Chromium: what a commissioner does, and that map, card, table, file and address say the same.

Every page is watched (conftest): an error, a failed request, a breach of the Content-Security-Policy or a question to another
host fails the test that caused it.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl

import numpy as np
import pytest

from dashboard.selection import Selection
from dashboard.views.area import reading
from dashboard.views.banding import MISSING, OUTSIDE, SUPPRESSED
from dashboard.views.choropleth import choropleth, sentence
from dashboard.views.scene import classes_of, scene
from dashboard.views.wording import STATUS_SENTENCES
from layers import PUBLIC
from tests.browser.driving import LAPTOP, OPTION, PHONE, Explore, known_as, until

pytestmark = pytest.mark.browser


def chart_of(explore: Explore):
    """What the server says about the view that the address bar names."""
    wanted, _ = Selection.from_query(dict(parse_qsl(explore.query())))
    shown = explore.selection()
    chosen = Selection(
        need=shown["need"], level=shown["level"], period=shown["period"], partner=shown["partner"], bands=shown["bands"],
        classes=shown["classes"], scheme=shown["scheme"],
    )  # fmt: skip
    for name in ("level", "partner", "bands", "classes", "scheme"):
        assert getattr(wanted, name) == getattr(chosen, name), "the address and the page differ"
    return choropleth(explore.site.published, chosen, PUBLIC)


def assert_map_is_right(explore: Explore):
    """The classes on the map are those of the server, and each band has the colour that the legend gives it."""
    chart = chart_of(explore)
    assert explore.classes() == chart.classes.tolist()
    legend = explore.page.locator("#legend tbody tr")
    assert legend.count() == len(chart.rows)
    counts = [int(text.replace(",", "")) for text in legend.locator(".count").all_text_contents()]
    assert sum(counts) == int(chart.in_view.sum())
    return chart


def assert_scene_is_right(explore: Explore, selection: Selection):
    """One byte an area on the map is what the server sends for that selection, whatever kind it is."""
    published = explore.site.published
    wanted = classes_of(published, selection, scene(published, selection, PUBLIC))
    assert explore.classes() == list(wanted[1:])


def rows_of_csv(text: str) -> list[dict]:
    """The table below the lines that say what it is."""
    lines = text.removeprefix("\ufeff").splitlines(keepends=True)
    head = next(i for i, line in enumerate(lines) if line.startswith("Area,"))
    return list(csv.DictReader(io.StringIO("".join(lines[head:]))))


# -- First visit ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_the_first_visit_says_what_this_is_and_offers_three_questions(explore, demo_site, size):
    page = explore(demo_site, viewport=size).page
    assert page.locator("h1").count() == 1
    assert "across council borders" in page.locator("#questions p").inner_text()
    assert page.locator("h1").inner_text().split(" live where ")[0].count(" in ") >= 1, "an answer stands there already"
    assert page.locator(".question:visible").count() == 3
    assert "Demonstration data" in page.locator("#demo-notice").inner_text()
    assert page.title() == "Explore – Common Ground, Demonstration region (North East shapes)"


@pytest.mark.parametrize("which", [0, 1, 2])
def test_each_question_opens_a_working_view(explore, demo_site, which):
    explore = explore(demo_site)
    link = explore.page.locator(".question").nth(which)
    wanted, dropped = Selection.from_query(dict(parse_qsl(link.get_attribute("href").partition("?")[2])))
    link.click()
    explore.page.wait_for_url("**/?*")
    explore.ready()
    assert dropped == ()
    assert explore.page.locator("#notices").is_hidden()
    assert not explore.page.locator("#questions[open]").count(), "at hand, and out of the way"
    assert_scene_is_right(explore, wanted)
    if wanted.services:
        explore.page.locator(".service-icon, .service-cluster").first.wait_for()


@pytest.mark.parametrize("show", ["access", "gap"])
def test_access_and_gap_are_painted_as_the_server_works_them_out(explore, demo_site, show):
    """From need with a service list to access and gap and back, by the buttons, without loading the page again."""
    explore = explore(demo_site, "/?need=alcohol-admissions&services=alcohol-drug-services")
    need = explore.classes()
    before = explore.painted()
    explore.step(show)
    until(explore.page, "n => window.seen.classes > n", before)
    explore.settled()
    assert parse_qs(explore.query())["show"] == [show]
    selection, _ = Selection.from_query(dict(parse_qsl(explore.query())))
    assert_scene_is_right(explore, selection)
    assert explore.classes() != need
    explore.press("level", "Wards")
    assert_scene_is_right(explore, Selection.from_query(dict(parse_qsl(explore.query())))[0])
    explore.press("level", "Small areas")
    explore.step("need")
    assert explore.classes() == need


# -- Choosing -------------------------------------------------------------------------------------------------------


def test_a_theme_narrows_what_is_offered_and_says_how_much_remains(explore, demo_site):
    explore = explore(demo_site)
    every = len(demo_site.catalogue["layers"])
    assert explore.page.locator("#remaining").text_content() == f"{every} layers"
    everything = explore.options("need")
    explore.choose_repaints("theme", "Housing and homelessness")
    offered = explore.options("need")
    assert 1 < len(offered) < len(everything)
    assert set(offered) <= set(everything)
    layers = [layer for layer in demo_site.catalogue["layers"] if "housing" in layer["themes"]]
    assert offered == [x["title"] for x in layers if x["kind"] == "indicator"] + ["No indicator: services only"]
    assert explore.page.locator("#remaining").text_content() == f"{len(layers)} of {every} layers"
    assert explore.query() == "theme=housing&need=overcrowding"
    assert "Homes with too few bedrooms" in explore.page.locator("#headline").inner_text()
    assert_map_is_right(explore)


def test_every_choice_repaints_the_map_and_is_in_the_address(explore, demo_site):
    explore = explore(demo_site, "/?need=alcohol-admissions")
    chart = assert_map_is_right(explore)
    assert len(chart.classes) == 1257

    explore.choose_repaints("period", "2019/20")
    assert parse_qs(explore.query())["period"] == ["2019/20"]
    assert chart_of(explore).period == "2019/20"
    assert "2019/20" in explore.page.locator("#headline .unit-line").inner_text()
    assert_map_is_right(explore)

    for k in (3, 7):
        explore.choose_repaints("classes", str(k))
        chart = assert_map_is_right(explore)
        assert len(chart.bands) == k
        assert explore.page.locator("#legend .swatch:not(.swatch-suppressed):not(.swatch-missing)").count() == k
    explore.choose_repaints("scheme", "Equal steps")
    steps = np.diff([*chart_of(explore).bands.lower, chart_of(explore).bands.upper[-1]])
    assert np.allclose(steps, steps[0])
    assert_map_is_right(explore)
    explore.choose_repaints("scheme", "Natural breaks (Jenks)")
    assert_map_is_right(explore)

    before = explore.painted()
    explore.press("level", "Wards")
    until(explore.page, "n => window.seen.classes > n", before)
    assert len(explore.classes()) == 240
    assert_map_is_right(explore)
    explore.press("level", "Authorities")
    assert len(explore.classes()) == 7
    wanted, notices = Selection.from_query(dict(parse_qsl(explore.query())))
    assert notices == ()
    assert (wanted.need, wanted.level, wanted.period) == ("alcohol-admissions", "lad", "2019/20")
    assert (wanted.classes, wanted.scheme) == (7, "jenks")


def test_the_colours_on_the_map_are_those_of_the_legend(explore, tiny_site):
    explore = explore(tiny_site, "/?need=crowded&classes=3")
    chart = chart_of(explore)
    rows = explore.page.locator("#legend tbody tr")
    for n in range(rows.count()):
        name = rows.nth(n).locator(".visually-hidden").inner_text()
        code = next(row.code for row in chart.rows if row.name == name)
        if code == SUPPRESSED:
            continue  # hatched: painted line by line
        swatch = rows.nth(n).locator(".swatch").evaluate("e => getComputedStyle(e).backgroundColor")
        rgb = [int(x) for x in re.findall(r"\d+", swatch)[:3]]
        for i in np.flatnonzero(chart.classes == code):
            assert explore.colour_at(int(i))[:3] == rgb


def test_bands_within_the_region_the_partner_and_the_country(explore, demo_site):
    explore = explore(demo_site, "/?need=income-deprivation")
    explore.choose_repaints("partner", "Gateshead Council")
    of_region = chart_of(explore)
    explore.choose_repaints("bands", "The chosen partner")
    of_partner = assert_map_is_right(explore)
    assert of_partner.bands != of_region.bands
    counts = [row.count for row in of_partner.rows]
    assert max(counts) - min(counts) <= 2, "fifths of the partner's own areas"
    explore.choose_repaints("bands", "The whole country")
    assert "bands of" in explore.page.locator("#legend caption").inner_text().lower()
    assert_map_is_right(explore)
    # without a partner, bands within it are not on offer, and the view falls back
    explore.choose("bands", "The chosen partner")
    explore.choose("partner", "The whole region")
    assert explore.selection()["bands"] == "region"
    assert_map_is_right(explore)


def test_a_partner_fades_the_rest_and_zooms_to_its_footprint(explore, demo_site):
    explore = explore(demo_site, "/?need=alcohol-admissions")
    whole = explore.view()
    explore.choose_repaints("partner", "Sunderland City Council")
    explore.still()
    lads = demo_site.published.region.areas["lsoa"]["lad_code"].to_numpy()
    classes = np.array(explore.classes())
    assert ((classes == OUTSIDE) == (lads != "DA5")).all()
    assert explore.view()[2] > whole[2] + 1
    bounds = explore.page.evaluate(
        "() => { const b = window.commonground.explore.state.map.getBounds();"
        " return [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()]; }"
    )
    outline = demo_site.published.region.areas["lad"].set_index("code").geometry["DA5"].bounds
    assert bounds[0] < outline[0] and bounds[1] < outline[1] and bounds[2] > outline[2] and bounds[3] > outline[3]
    assert "DA5" not in explore.page.locator("#sentence").inner_text()
    outside = int(np.flatnonzero(lads == "DA4")[0])
    assert explore.page.locator("#top-list .top-item").count() == 10
    tops = explore.page.locator("#top-list .top-item").evaluate_all("es => es.map((e) => Number(e.dataset.areaIndex))")
    assert outside not in tops and all(lads[i] == "DA5" for i in tops)
    explore.choose_repaints("partner", "The whole region")
    explore.still()
    assert explore.view() == pytest.approx(whole, abs=0.02)


def test_nothing_left_says_so_and_offers_the_way_back(explore, demo_site):
    explore = explore(demo_site, "/?theme=hmo&need=hmo-share")
    explore.choose("owner", "Harbour Light Trust (demo)")
    remaining = explore.page.locator("#remaining")
    every = len(demo_site.catalogue["layers"])
    assert f"None of the {every} layers fits" in remaining.text_content()
    assert explore.selection()["need"] == "none"
    assert "Services only" in explore.page.locator("#headline").inner_text()
    assert set(explore.classes()) == {252}
    back = explore.page.get_by_role("button", name="Show all layers again")
    back.click()
    explore.settled()
    assert remaining.text_content() == f"{every} layers"
    assert explore.selection()["need"] == "alcohol-admissions"
    assert explore.query() == "need=alcohol-admissions"
    assert back.is_hidden()
    assert_map_is_right(explore)


# -- Services -------------------------------------------------------------------------------------------------------


def test_services_are_markers_whose_popup_says_what_they_are(explore, demo_site):
    explore = explore(demo_site, "/?need=alcohol-admissions")
    assert explore.page.locator(".service-icon, .service-cluster").count() == 0
    page = explore.page
    explore.reach("services")
    page.locator("#services").click()
    page.locator(OPTION, has_text="Emergency departments and urgent care (14)").click()
    page.keyboard.press("Escape")
    explore.close_chips()
    explore.settled()
    page.locator(".service-icon, .service-cluster").first.wait_for()
    assert parse_qs(explore.query())["services"] == ["emergency-departments"]

    sites = page.request.get(f"{demo_site.url}/data/services/emergency-departments.geojson").json()["features"]
    site = next(site for site in sites if site["properties"]["authority"] == "Newcastle upon Tyne")
    facts, (longitude, latitude) = site["properties"], site["geometry"]["coordinates"]
    page.evaluate(
        "at => { const { state } = window.commonground.explore; state.moved = true; state.map.setView(at, 15, { animate: false }); }",
        [latitude, longitude],
    )
    page.locator(f".service-icon[title='{facts['name']}']").click()
    card = page.locator(".service-card")
    card.wait_for()
    text = card.inner_text()
    assert facts["address"] and facts["type"] != facts["layer"]
    for name in ("name", "type", "address", "authority"):
        assert facts[name] in text
    assert "Emergency departments and urgent care" in text
    page.keyboard.press("Escape")
    until(page, "() => !document.querySelector('.service-card')", what="Escape closes the popup")


def test_several_lists_differ_by_form(explore, tiny_site, demo_site):
    page = explore(demo_site, "/?need=none&services=sexual-health-clinics,emergency-departments&at=54.97,-1.6,13").page
    page.locator(".service-icon").first.wait_for()
    until(page, "() => new Set([...document.querySelectorAll('.service-icon svg')].map((e) => e.innerHTML)).size === 2")
    page = explore(tiny_site, "/?services=clinics").page
    until(page, "() => document.querySelectorAll('.service-icon').length === 2")
    assert sorted(page.locator(".service-icon").evaluate_all("es => es.map((e) => e.title)")) == [
        "East clinic",
        "West clinic",
    ]


# -- Reading --------------------------------------------------------------------------------------------------------


def card_of(chart, published, i: int) -> list[str]:
    """The reading card as the server would write it."""
    words = reading(published, chart, i)
    status = "" if words.status == STATUS_SENTENCES["ok"] else words.status
    value = "" if words.value == "–" else words.value
    parts = [words.name, words.place, value, words.interval, words.band, words.rank, status]
    return [part for part in parts if part]


def test_pointing_at_an_area_reads_it_out(explore, demo_site):
    explore = explore(demo_site, "/?need=homelessness&classes=7")
    chart = assert_map_is_right(explore)
    status = chart.frame["status"].to_numpy()
    value = chart.frame["value"].to_numpy()
    for kind, mask in {
        "a figure": (status == "ok") & (value > 0),
        "a true zero": (status == "ok") & (value == 0),
        "withheld": status == "suppressed",
        "missing": status == "missing",
    }.items():
        i = int(np.flatnonzero(mask)[0])
        explore.show_area(i).still()
        explore.page.mouse.move(*explore.pixel_of(i))
        name = demo_site.published.region.areas["lsoa"]["name"].iat[i]
        until(
            explore.page,
            "n => document.querySelector('#reading strong')?.textContent === n",
            name,
            what=f"card for {kind}",
        )
        assert explore.card() == card_of(chart, demo_site.published, i), kind
        if kind == "a figure":
            text = " ".join(explore.card())
            for part in ("per 1,000 households", "95% interval", "Band", "of 7", "1 is the worst", "ward"):
                assert part in text
    explore.page.mouse.move(300, 60)
    until(
        explore.page, "() => !document.querySelector('#reading > *')", what="the card empties when the pointer leaves"
    )


def test_withheld_missing_and_zero_are_told_apart_everywhere(explore, demo_site):
    explore = explore(demo_site, "/?need=homelessness")
    chart = chart_of(explore)
    status, value = chart.frame["status"].to_numpy(), chart.frame["value"].to_numpy()
    classes = np.array(explore.classes())
    assert set(classes[status == "suppressed"]) == {SUPPRESSED}
    assert set(classes[status == "missing"]) == {MISSING}
    assert set(classes[(status == "ok") & (value == 0)]) == {0}
    # legend: a row each, with its own swatch
    legend = explore.page.locator("#legend tbody")
    assert legend.locator(".swatch-suppressed").count() == 1
    assert legend.locator(".swatch-missing").count() == 1
    texts = legend.locator("tr").all_text_contents()
    hidden, absent = (int((status == word).sum()) for word in ("suppressed", "missing"))
    assert hidden > 100 and absent > 0
    assert any("Withheld to protect people" in text and text.endswith(f"{hidden:,}") for text in texts)
    assert any("No figure" in text and text.endswith(f"{absent:,}") for text in texts)
    # sentence
    words = explore.page.locator("#sentence").inner_text()
    assert f"{hidden:,} withheld to protect people" in words and f"{absent:,} without a figure" in words
    assert words == sentence(chart, demo_site.published)
    # file: zero is written, the others are empty with their reason
    text = explore.page.request.get(demo_site.url + explore.page.get_attribute("#table-download", "href")).text()
    by_code = {row["Code"]: row for row in rows_of_csv(text)}
    codes = chart.frame["area_code"].to_numpy()
    zero, hidden, gone = (
        by_code[codes[np.flatnonzero(mask)[0]]]
        for mask in ((status == "ok") & (value == 0), status == "suppressed", status == "missing")
    )
    assert (zero["Value"], hidden["Value"], gone["Value"]) == ("0", "", "")
    assert len({zero["Status"], hidden["Status"], gone["Status"]}) == 3


def test_a_click_opens_the_area_and_close_shuts_it(explore, demo_site):
    explore = explore(demo_site, "/?theme=housing&need=overcrowding&level=ward")
    page = explore.page
    i = 30
    explore.show_area(i).still()
    page.mouse.click(*explore.pixel_of(i))
    page.locator("#area-panel h2").wait_for()
    explore.settled()
    area = demo_site.published.region.areas["ward"].iloc[i]
    assert page.locator("#area-panel h2").inner_text() == area["name"]
    assert explore.selected() == i
    assert parse_qs(explore.query())["area"] == [area["code"]]
    panel = page.locator("#area-panel").inner_text()
    for part in ("Homes with too few bedrooms", "Nearest services", "Neighbours", "residents"):
        assert part in panel
    assert "violence" not in panel.lower(), "only the theme's indicators"
    page.locator("#area-panel").get_by_role("button", name="Close").click()
    explore.settled()
    assert page.locator("#area-panel h2").count() == 0
    assert explore.selected() == -1
    assert "area" not in parse_qs(explore.query())


def test_the_ranked_list_opens_its_areas(explore, tiny_site):
    explore = explore(tiny_site, "/?need=harm")
    first = explore.page.locator("#top-list .top-item").first
    first.hover()
    assert explore.highlighted() == 15
    until(explore.page, "() => document.querySelector('#reading strong')?.textContent === 'Square 16'")
    first.click()
    explore.page.locator("#area-panel h2", has_text="Square 16").wait_for()
    explore.settled()
    assert explore.selected() == 15


# -- The table twin -------------------------------------------------------------------------------------------------


def grid_value(row) -> str:
    return "" if row["value"] is None else f"{row['value']:.10g}"


@pytest.mark.parametrize("need", ["harm", "crowded", "poverty-rank"])
def test_table_file_and_map_hold_the_same(explore, tiny_site, need):
    explore = explore(tiny_site, f"/?need={need}&classes=4").open_table()
    chart = chart_of(explore)
    rows = explore.table_rows()
    assert len(rows) == 16
    classes = explore.classes()
    for row in rows:
        code = classes[row["index"]]
        assert row["band"] == chart.band_name(code)
        assert row["code"] == f"T{row['index'] + 1:02d}"
        assert (row["value"] is None) == (code >= 252)
    with explore.page.expect_download() as waiting:
        explore.page.locator("#table-drawer a, #table-download").first.click()
    text = Path(waiting.value.path()).read_text("utf-8")
    assert waiting.value.suggested_filename == f"{need}-lsoa.csv"
    assert "Demonstration data" in text.splitlines()[0]
    file = {row["Code"]: row for row in rows_of_csv(text)}
    assert len(file) == 16
    for row in rows:
        line = file[row["code"]]
        assert (line["Area"], line["Authority"], line["Ward"]) == (row["name"], row["lad"], row["ward"])
        assert (line["Value"], line["Band"], line["Status"]) == (grid_value(row), row["band"], row["status"])
        assert line["Rank"] == ("" if row["rank"] is None else f"{row['rank']:.10g}")
        assert line["Unit"] == chart.unit


def test_the_whole_region_in_the_table_is_the_map(explore, demo_site):
    """All 1,257 areas: the classes that the map was sent, against the bands in the file, read by their limits."""
    explore = explore(demo_site, "/?need=homelessness&classes=6&scheme=jenks")
    chart = chart_of(explore)
    text = explore.page.request.get(demo_site.url + explore.page.get_attribute("#table-download", "href")).text()
    file = rows_of_csv(text)
    classes = explore.classes()
    assert [row["Code"] for row in file] == list(demo_site.published.region.codes("lsoa"))
    names = {code: f"Band {code + 1} of 6" for code in range(6)}
    assert [row["Band"] for row in file] == [names.get(code, "") for code in classes]
    for row, code in zip(file, classes, strict=True):
        if code < 6:
            value = float(row["Value"])  # the file has ten figures
            assert chart.bands.lower[code] - 1e-7 <= value <= chart.bands.upper[code] + 1e-7
    explore.open_table()
    top = explore.table_rows()[:150]
    assert [row["rank"] for row in top] == sorted(row["rank"] for row in top)
    assert all(row["band"] == names.get(classes[row["index"]], "") for row in top)
    assert explore.page.locator("#table-sentence").inner_text() == sentence(chart, demo_site.published, counts_too=True)


def test_sorting_and_filtering_the_table(explore, tiny_site):
    explore = explore(tiny_site, "/?need=crowded").open_table()
    page = explore.page
    value = page.locator("#table .ag-header-cell[col-id='value']")
    value.locator(".ag-header-cell-label").click()
    until(page, "() => document.querySelector(\"#table .ag-header-cell[col-id='value']\").ariaSort === 'ascending'")
    explore.settled().table_ready()
    shown = [row["code"] for row in explore.table_rows()]
    # T01 has 1 %, T03 3 % ... T16 16 %; T02 is withheld and comes last
    assert shown == ["T01", *[f"T{i:02d}" for i in range(3, 17)], "T02"]
    value.locator(".ag-header-cell-label").click()
    until(page, "() => document.querySelector(\"#table .ag-header-cell[col-id='value']\").ariaSort === 'descending'")
    explore.settled().table_ready()
    shown = [row["code"] for row in explore.table_rows()]
    assert shown == [*[f"T{i:02d}" for i in range(16, 2, -1)], "T01", "T02"]

    page.locator("#table .ag-header-cell[col-id='lad'] .ag-header-cell-filter-button").click()
    page.locator(".ag-filter input:visible").first.fill("east")
    until(
        page,
        """() => window.dash_ag_grid.getApiAsync('table').then((api) => {
          const rows = []; api.forEachNode((node) => node.data && rows.push(node.data.lad));
          return rows.length === 8 && rows.every((lad) => lad === 'Eastshire');
        })""",
        what="the filter leaves the eight areas of Eastshire",
    )


def test_a_new_choice_refreshes_the_open_table(explore, tiny_site):
    explore = explore(tiny_site, "/?need=crowded").open_table()
    explore.choose("need", "Alcohol harm")
    explore.table_ready()
    until(
        explore.page,
        """() => window.dash_ag_grid.getApiAsync('table').then((api) => {
          const first = api.getDisplayedRowAtIndex(0)?.data; return first?.code === 'T16' && first.value === 20; })""",
        what="the table shows the new indicator",
    )
    chart = chart_of(explore)
    assert explore.page.locator("#table-sentence").inner_text() == sentence(chart, tiny_site.published, counts_too=True)


def test_a_row_in_focus_lights_up_on_the_map_and_fills_the_card(explore, demo_site):
    explore = explore(demo_site, "/?need=alcohol-admissions&level=ward").open_table()
    page = explore.page
    chart = chart_of(explore)
    page.locator("#table .ag-row[row-index='0'] [col-id='name']").click(modifiers=[])
    explore.settled()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    rows = explore.table_rows()
    i = rows[2]["index"]
    until(page, "i => window.commonground.explore.state.painter._highlight === i", i, what="the row's area is outlined")
    until(page, "n => document.querySelector('#reading strong')?.textContent === n", rows[2]["name"])
    assert explore.card() == card_of(chart, demo_site.published, i)
    page.keyboard.press("Enter")
    page.locator("#area-panel h2", has_text=rows[2]["name"]).wait_for()
    explore.settled()
    assert explore.selected() == i


# -- Search ---------------------------------------------------------------------------------------------------------


def look_up(explore: Explore, text: str, option: str):
    explore.reach("search").page.locator("#search").fill(text)
    explore.page.locator(OPTION, has_text=option).first.wait_for(timeout=30_000)
    explore.settled().page.locator(OPTION, has_text=option).first.click()
    explore.settled().close_chips()
    explore.still()


def test_search_finds_a_postcode(explore, demo_site):
    explore = explore(demo_site, "/?need=alcohol-admissions&level=ward")
    name = known_as(demo_site, "Newcastle upon Tyne demo area 145")
    look_up(explore, "NE1 4ST", f"NE1 4ST – in {name}")
    until(explore.page, "() => window.commonground.explore.state.level === 'lsoa'")
    latitude, longitude, zoom = explore.view()
    assert (latitude, longitude, zoom) == (pytest.approx(54.97522, abs=2e-3), pytest.approx(-1.62232, abs=2e-3), 14)
    explore.page.locator("#area-panel h2", has_text=name).wait_for()
    assert parse_qs(explore.query())["area"] == ["DL0145"]


def test_search_finds_areas_wards_and_authorities(explore, demo_site):
    explore = explore(demo_site, "/?need=alcohol-admissions")
    for text, option, level, code in (
        ("Gateshead demo area 070", known_as(demo_site, "Gateshead demo area 070"), "lsoa", None),
        ("sunderland demo ward 03", "Sunderland demo ward 03", "ward", None),
        ("durham", "County Durham", "lad", "DA7"),
    ):
        look_up(explore, text, option)
        until(explore.page, "l => window.commonground.explore.state.level === l", level)
        chosen = explore.selection()["area"]
        areas = demo_site.published.region.areas[level]
        assert areas.set_index("code")["name"][chosen] == option
        assert code in (None, chosen)
        i = demo_site.published.region.position(level, chosen)
        assert explore.page.evaluate(
            "i => { const { map, painter } = window.commonground.explore.state; return map.getBounds().contains(painter.boundsOf(i)); }",
            i,
        )
        until(explore.page, "i => window.commonground.explore.state.painter._selected === i", i)
        explore.page.locator("#area-panel h2", has_text=option).wait_for()


def test_search_finds_a_service_and_switches_its_list_on(explore, demo_site):
    explore = explore(demo_site, "/?need=alcohol-admissions")
    look_up(explore, "Orchard sexual health", "Orchard sexual health clinic, Newcastle (demo) – Sexual health clinics")
    until(explore.page, "() => document.querySelectorAll('.service-icon').length > 0", what="its list is on the map")
    assert explore.selection()["services"] == ["sexual-health-clinics"]
    assert explore.view()[:2] == [pytest.approx(54.97356, abs=2e-3), pytest.approx(-1.61372, abs=2e-3)]


def test_search_says_when_there_is_nothing(explore, tiny_site):
    explore = explore(tiny_site)
    explore.reach("search").page.locator("#search").fill("zzzz")
    explore.page.get_by_text("Nothing found").wait_for()


# -- The address ----------------------------------------------------------------------------------------------------

FULL_VIEW = (
    "/?theme=alcohol&need=alcohol-admissions&services=alcohol-drug-services&partner=gateshead&owner=nenc-icb&level=ward"
    "&period=2020/21&bands=partner&classes=4&scheme=jenks&area=DW030&at=54.9500,-1.6000,11.5"
)


def test_a_link_reproduces_the_view_in_another_browser(explore, demo_site):
    first = explore(demo_site, FULL_VIEW)
    assert first.page.locator("#notices").is_hidden()
    second = explore(demo_site, FULL_VIEW)
    for each in (first, second):
        until(each.page, "() => window.commonground.explore.state.painter._selected >= 0")
    assert first.classes() == second.classes()
    assert first.selected() == second.selected() == demo_site.published.region.position("ward", "DW030")
    assert first.view() == pytest.approx(second.view())
    assert first.view() == pytest.approx([54.95, -1.6, 11.5], abs=1e-3)
    assert first.page.locator("#results").inner_text() == second.page.locator("#results").inner_text()
    assert first.page.locator("#area-panel h2").inner_text() == second.page.locator("#area-panel h2").inner_text()
    wanted, _ = Selection.from_query(dict(parse_qsl(FULL_VIEW[2:])))
    held = first.page.evaluate("() => ({ ...window.commonground.explore.state.selection })")
    assert Selection.from_data(held | {"at": None}) == Selection.from_data(wanted.as_data() | {"at": None})


def test_a_view_built_by_hand_can_be_copied_and_opened_again(explore, demo_site):
    first = explore(demo_site, permissions=["clipboard-read", "clipboard-write"])
    first.choose_repaints("theme", "Crime and safety")
    first.choose_repaints("partner", "Northumbria Police")
    first.choose_repaints("period", "2024 Q2")
    i = 200
    first.show_area(i).still()
    first.page.mouse.click(*first.pixel_of(i))
    first.page.locator("#area-panel h2").wait_for()
    first.settled()
    first.page.locator("#map").focus()
    first.page.keyboard.press("+")  # only what a hand does to the map goes into the address
    first.still()
    first.page.locator("#copy-link").click()
    until(first.page, "() => document.querySelector('#copied').textContent === 'The link is copied.'")
    link = first.page.evaluate("() => navigator.clipboard.readText()")
    assert link == first.page.url
    second = explore(demo_site, link.removeprefix(demo_site.url))
    assert second.page.locator("#notices").is_hidden()
    until(second.page, "() => window.commonground.explore.state.painter._selected >= 0")
    assert second.classes() == first.classes()
    assert second.selected() == first.selected() == i
    assert second.view() == pytest.approx(first.view(), abs=1e-3)


def test_back_and_forward_restore_the_view_without_loading_the_page_again(explore, demo_site):
    explore = explore(demo_site, "/?need=alcohol-admissions")
    page = explore.page
    page.evaluate("() => { window.sameDocument = true; }")
    states = []

    def remember():
        explore.settled()
        states.append((explore.query(), explore.classes(), page.locator("#headline h2").inner_text()))

    remember()
    explore.choose_repaints("theme", "Housing and homelessness")
    remember()
    explore.press("level", "Wards")
    remember()
    explore.choose_repaints("classes", "3")
    remember()
    for n in (2, 1, 0, 1, 2, 3):
        back = n < states.index(next(s for s in states if s[0] == explore.query()))
        page.evaluate("b => history[b ? 'back' : 'forward']()", back)
        until(page, "q => location.search.slice(1) === q", states[n][0])
        until(
            page,
            "c => { const now = window.commonground.explore.state.painter.classes;"
            " return now.length === c.length && c.every((x, i) => x === now[i]); }",
            states[n][1],
            what=f"the map of step {n}",
        )
        explore.settled()
        assert page.locator("#headline h2").inner_text() == states[n][2]
        assert page.locator("#theme").input_value() == ("All themes" if n == 0 else "Housing and homelessness")
    assert page.evaluate("() => window.sameDocument") is True


@pytest.mark.parametrize(
    ("query", "notices", "settled"),
    [
        (
            "need=closed-last-year&services=pharmacies,unknown-list&theme=dragons&partner=atlantis&owner=nobody&area=E01000001",
            ["closed-last-year", "unknown-list", "dragons", "atlantis", "nobody", "E01000001"],
            {"need": "alcohol-admissions", "services": ["pharmacies"], "theme": "", "partner": "", "area": ""},
        ),
        (
            "need=violence&colour=red&level=street&classes=12&period=1999&bands=national&at=0,0,5&scheme=<script>",
            ["colour", "street", "12", "1999", "no national bands", "0,0,5", "<script>"],
            {"need": "violence", "level": "lsoa", "classes": 5, "period": "", "bands": "region", "scheme": "quantiles"},
        ),
        ("need=alcohol-deaths", ["no figures by small area"], {"need": "alcohol-deaths", "level": "ward"}),
    ],
    ids=["what is gone", "what never was", "another level"],
)
def test_an_odd_or_stale_link_opens_the_nearest_view_and_says_what_it_left_out(
    explore, demo_site, query, notices, settled
):
    explore = explore(demo_site, f"/?{query}")
    sentences = explore.page.locator("#notices p").all_text_contents()
    assert len(sentences) == len(notices)
    for notice in notices:
        assert sum(notice in text for text in sentences) == 1, notice
    shown = explore.selection()
    assert {name: shown[name] for name in settled} == settled
    chart = choropleth(demo_site.published, Selection(need=shown["need"], level=shown["level"]), PUBLIC)
    assert explore.classes() == chart.classes.tolist()


def test_back_to_a_stale_link_shows_what_it_showed_before(explore, demo_site):
    explore = explore(demo_site, "/?need=closed-last-year&theme=dragons&level=street&classes=12&services=unknown-list")
    before, shown = explore.classes(), explore.selection()
    explore.choose_repaints("theme", "Housing and homelessness")
    explore.page.evaluate("() => history.back()")
    until(explore.page, "() => location.search.includes('dragons')")
    until(
        explore.page,
        "c => { const now = window.commonground.explore.state.painter.classes;"
        " return now.length === c.length && c.every((x, i) => x === now[i]); }",
        before,
    )
    explore.settled()
    assert explore.selection() | {"at": None} == shown | {"at": None}
    assert explore.page.locator("#theme").input_value() == "All themes"


def test_addresses_that_lead_nowhere(open_page, demo_site):
    for path in ("/nowhere", "/areas/E09000001", "/communities/none"):
        page = open_page(demo_site)
        page.watch.expected.append("404")
        page.goto(demo_site.url + path)
        page.get_by_role("heading", name="There is nothing here").wait_for()
        page.get_by_role("link", name="Go to the map").click()
        Explore(page, demo_site).ready()


# -- Light and dark -------------------------------------------------------------------------------------------------


def test_dark_colours_recolour_the_map_and_stay(explore, tiny_site):
    explore = explore(tiny_site, "/?need=crowded")
    page = explore.page
    light = explore.colour_at(15)
    page.locator("#colour-scheme").click()
    until(page, "() => document.documentElement.getAttribute('data-mantine-color-scheme') === 'dark'")
    assert page.locator("#colour-scheme").inner_text() == "Light"  # what pressing it again will do
    until(page, "() => getComputedStyle(document.body).backgroundColor === 'rgb(26, 29, 33)'")  # --paper
    dark = explore.colour_at(15)
    assert dark != light
    swatch = page.locator("#legend .swatch").first.evaluate("e => getComputedStyle(e).backgroundColor")
    assert [int(x) for x in re.findall(r"\d+", swatch)] == dark[:3]
    page.reload()
    explore.ready()
    assert page.evaluate("() => document.documentElement.getAttribute('data-mantine-color-scheme')") == "dark"
    assert explore.colour_at(15) == dark
    page.locator("#colour-scheme").click()
    until(page, "() => document.documentElement.getAttribute('data-mantine-color-scheme') === 'light'")
    assert explore.colour_at(15) == light


def test_the_system_decides_until_the_reader_does(explore, tiny_site):
    explore = explore(tiny_site, "/?need=crowded", color_scheme="dark")
    assert explore.page.evaluate("() => document.documentElement.getAttribute('data-mantine-color-scheme')") == "dark"


# -- Elsewhere ------------------------------------------------------------------------------------------------------


def test_nothing_is_asked_of_another_host_and_the_policy_is_on(open_page, demo_site):
    page = open_page(demo_site)
    response = page.goto(demo_site.url + "/?need=violence&services=gp-practices")
    policy = response.headers["content-security-policy"]
    assert "unsafe-eval" not in policy and "default-src 'self'" in policy
    explore = Explore(page, demo_site).ready()
    explore.open_table()
    look_up(explore, "NE1 4ST", "NE1 4ST")
    hosts = {request.split("/")[2] for request in page.watch.requests if request.startswith("http")}
    assert hosts == {demo_site.host}


# -- The question ---------------------------------------------------------------------------------------------------


def test_a_number_that_is_not_taken_stays_where_it_was_typed_and_says_why(explore, demo_site):
    explore = explore(demo_site, "/?need=alcohol-admissions&services=alcohol-drug-services&show=gap")
    page, before = explore.page, explore.query()
    field = explore.reach("max-km").page.locator("#max-km")
    for wrong in ("-5", "1000000000"):
        field.fill(wrong)
        page.get_by_text(f"{wrong} is not taken: it must be from 0.001 to 200.").wait_for()
        page.locator(".chip-sheet:visible").click(position={"x": 5, "y": 5})
        explore.settled()
        assert field.input_value().replace(",", "") == wrong and explore.query() == before
    field.fill("3")
    until(page, "() => location.search.includes('max_m=3000')")
    explore.settled()
    assert "is not taken" not in page.locator("#gap-options").text_content()
    assert page.locator("#chip-far").text_content() == "over 3 km"


def test_a_link_with_a_number_that_is_not_taken_says_what_it_takes(explore, demo_site):
    explore = explore(demo_site, "/?need=alcohol-admissions&services=alcohol-drug-services&show=gap&max_m=-5")
    said = explore.page.locator("#notices").inner_text()
    assert "“-5”" in said and "from 1 to 200,000" in said
    assert explore.selection()["max_m"] is None


def test_indicators_are_grouped_by_theme_and_what_cannot_be_chosen_says_why(explore, demo_site):
    explore = explore(demo_site, "/?need=alcohol-admissions")
    page = explore.page

    def groups():
        explore.reach("need").page.locator("#need").click()
        page.locator(OPTION).first.wait_for()
        found = page.locator(".mantine-Select-groupLabel:visible").all_text_contents()
        page.keyboard.press("Escape")
        explore.close_chips()
        return found

    as_laid_out = groups()
    themes = [theme["name"] for theme in demo_site.catalogue["themes"]]
    assert len(as_laid_out) > 3 and as_laid_out == [name for name in (*themes, "Other") if name in as_laid_out]
    assert "The chosen partner: choose a partner first" in explore.options("bands")
    explore.press("level", "Wards")  # from now on they are the browser's
    assert groups() == as_laid_out
    assert "The chosen partner: choose a partner first" in explore.options("bands")


def test_search_finds_themes_indicators_and_lists(explore, demo_site):
    explore = explore(demo_site, "/?need=alcohol-admissions")
    look_up(explore, "crime", "Crime and safety")
    assert explore.selection()["theme"] == "crime"
    look_up(explore, "pharmac", "Pharmacies")
    assert explore.selection()["services"] == ["pharmacies"]
    look_up(explore, "too few bed", "Homes with too few bedrooms")
    assert explore.selection()["need"] == "overcrowding"
