"""Exhibits of a briefing: the same numbers as the screen and as a second, dumber calculation; pictures that can be read and are safe."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dashboard.briefings.files.png import exhibit_png, exhibit_svg
from dashboard.briefings.filling.exhibits import EXHIBIT_HELP, figure
from dashboard.briefings.filling.model import Figure, SourceLine
from dashboard.drawing.charts import MOST_SERIES, chart_svg, histogram_svg
from dashboard.drawing.palette import CATEGORICAL, DUO, GAP, INK, SPECIAL, contrast, ramp
from dashboard.drawing.shown import ChartData, LegendRow, TableData
from dashboard.drawing.svg_map import _spread
from dashboard.drawing.svg_text import width_of, wrap
from dashboard.selection import Selection
from dashboard.views import wording
from dashboard.views.choropleth import choropleth
from dashboard.views.gaps import gaps_of
from layers import PUBLIC, ExhibitSpec, Refused, Viewer

NS = {"s": "http://www.w3.org/2000/svg"}
VIEW = "need=alcohol-admissions=2,higher-risk-drinking&services=alcohol-drug-services&show=gap"
RATE = "alcohol-admissions"
PARTNER = Viewer("someone", "newcastle", "viewer")


def spec(kind: str, line: int = 7, **arguments) -> ExhibitSpec:
    return ExhibitSpec(kind, {name: str(value) for name, value in arguments.items()}, line)


def draw(published, kind: str, view: str = VIEW, reader=PUBLIC, **arguments) -> Figure:
    return figure(published, spec(kind, **arguments), reader, view)


@pytest.fixture(scope="module")
def options_view(demo) -> str:
    """Two sites opened in the middle of the two largest gaps."""
    gaps = gaps_of(
        demo,
        Selection(need="alcohol-admissions=2,higher-risk-drinking", services=("alcohol-drug-services",), show="gap"),
        PUBLIC,
    )
    places = [gaps.result.communities[n].centre for n in (0, 1)]
    opened = ",".join(f"o{x:.0f}-{y:.0f}" for x, y in places)
    return VIEW.replace("&show=gap", "") + f"&options=A~Two sites:{opened}"


@pytest.fixture(scope="module")
def everything(demo, options_view) -> dict[str, Figure]:
    """One of every kind and type, and the maps that differ."""
    lad = demo.region.areas["lad"]["code"].iat[1]
    lsoa = demo.region.areas["lsoa"]["code"].iat[5]
    asked = {
        "map": spec("map", 1),
        "map access": spec("map", 2, view=VIEW.replace("show=gap", "show=access")),
        "map need": spec("map", 3, view=VIEW.replace("&show=gap", "")),
        "map layer": spec("map", 4, layer="homelessness"),
        "map ward": spec("map", 5, layer=RATE, level="ward", area=demo.region.areas["ward"]["code"].iat[3]),
        "map services": spec("map", 6, view="need=none&services=pharmacies,alcohol-drug-services"),
        "map partner": spec("map", 7, view=f"{VIEW}&partner=gateshead"),
        "map overlays": spec("map", 8, view=f"{VIEW}&overlays=near,vanish,hot,rings"),
        "community": spec("community", 9, n=1),
        "options": spec("options", 10, view=options_view),
        "together": spec("together", 11),
        "chart authorities": spec("chart", 12, type="authorities", layer=RATE, area=lad),
        "chart trend": spec("chart", 13, type="trend", layer=RATE),
        "chart trend area": spec("chart", 14, type="trend", layer=RATE, area=lad),
        "chart worst": spec("chart", 15, type="worst", layer=RATE, level="lsoa"),
        "chart distribution": spec("chart", 16, type="distribution", layer=RATE, level="lsoa", area=lsoa),
        "chart gaps": spec("chart", 17, type="gaps"),
        "chart border": spec("chart", 18, type="border"),
        "chart fifths": spec("chart", 19, type="fifths"),
        "chart decision": spec("chart", 19, type="decision"),
        "table worst": spec("table", 20, type="worst", layer=RATE, level="ward"),
        "table authorities": spec("table", 21, type="authorities", layer=RATE),
        "table authorities of gaps": spec("table", 22, type="authorities"),
        "table communities": spec("table", 23, type="communities"),
        "table shared": spec("table", 24, type="shared"),
        "table services": spec("table", 25, type="services", layer="pharmacies"),
        "table together": spec("table", 26, type="together"),
        "affected": spec("affected", 27),
    }
    made = {name: figure(demo, each, PUBLIC, VIEW) for name, each in asked.items()}
    assert set(EXHIBIT_HELP) - {"picture"} <= set(made)  # that has tests of its own
    return made


def test_who_is_affected_is_what_a_plain_sum_gives(demo):
    gaps = gaps_of(demo, Selection(need=RATE, services=("alcohol-drug-services",), show="gap"), PUBLIC)
    here = gaps.result.areas["underserved"].to_numpy(bool) & ~gaps.result.areas["crossing"].to_numpy(bool)
    cars = demo.store.values("no-car-households", "lsoa", PUBLIC).frame
    part, whole = (cars[column].to_numpy(float) for column in ("numerator", "denominator"))
    shown = draw(demo, "affected", f"need={RATE}&services=alcohol-drug-services&show=gap")
    row = next(row for row in shown.table.rows if row[0] == "Households without a car or van")
    for said, areas in ((row[1], here), (row[2], np.ones_like(here))):
        assert said == f"{100 * np.nansum(part[areas]) / np.nansum(whole[areas]):.1f}%"
    assert {"no-car-households", RATE, "alcohol-drug-services"} <= {name for name, _ in shown.layers}


def test_who_is_affected_beside_the_baseline_that_the_author_chooses(demo):
    lad = next(iter(demo.region.areas["lad"]["code"]))
    whole = draw(demo, "affected")
    own = draw(demo, "affected", area=lad)
    beside = draw(demo, "affected", area=lad, baseline="region")
    name = demo.region.areas["lad"]["name"].iat[0]
    assert own.table.headers[2] == f"In {name}" and name in own.title
    assert [row[1] for row in own.table.rows] == [row[1] for row in beside.table.rows]
    assert [row[2] for row in beside.table.rows] == [row[2] for row in whole.table.rows]


# ---- what holds for all of them -------------------------------------------------------------------------------------------


def test_every_exhibit_is_complete(everything, demo):
    for name, made in everything.items():
        assert made.title and made.filters.endswith("."), name
        assert re.search(r"\d", made.alt), name
        assert made.table is not None and made.table.rows, name
        assert {len(row) for row in made.table.rows} == {len(made.table.headers)} == {len(made.table.numeric)}, name
        assert all(isinstance(cell, str) for row in made.table.rows for cell in row), name
        assert [(s.layer_id, s.version) for s in made.sources] == list(made.layers) and made.layers, name
        assert made.link.startswith("/"), name
        assert made.notice == demo.region.notice, name
        assert (made.svg == "") == (made.kind == "table"), name
        assert (made.chart is not None) == (made.kind == "chart"), name
        assert bool(made.legend) == (made.kind == "map"), name


def test_pictures_are_xml_with_nothing_active_and_nothing_from_elsewhere(everything):
    for name, made in everything.items():
        for text in filter(None, (made.svg, exhibit_svg(made, made_on=date(2026, 1, 2)).decode())):
            root = ElementTree.fromstring(text)
            tags = {element.tag.split("}")[-1] for element in root.iter()}
            known = {"svg", "title", "desc", "defs", "pattern", "g", "path", "rect", "circle", "text"}
            assert tags <= known, (name, tags - known)
            for element in root.iter():
                for key, value in element.attrib.items():
                    assert "href" not in key and not key.lower().startswith("on"), name
                    assert "url(" not in value or value.startswith("url(#"), name
            assert root.get("role") == "img" and root.find("s:title", NS).text and root.find("s:desc", NS).text


def test_ids_of_several_pictures_in_one_page_are_apart_and_all_references_resolve(everything):
    ids = [found for made in everything.values() for found in re.findall(r'\bid="([^"]+)"', made.svg)]
    assert len(ids) == len(set(ids)) > 30
    for made in everything.values():
        for reference in re.findall(r'url\(#([^)]+)\)|aria-labelledby="([^"]+)"', made.svg):
            for each in " ".join(reference).split():
                assert f'id="{each}"' in made.svg


def test_text_can_be_read_from_the_back_row(everything):
    """At least 16 pixels at 720 wide."""
    for name, made in everything.items():
        sizes = [float(size) for size in re.findall(r'font-size="([\d.]+)"', made.svg)]
        assert all(size >= 16 for size in sizes), (name, sorted(set(sizes)))
        assert not made.svg or made.svg.startswith('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 '), name


def test_ten_maps_of_the_region_stay_far_below_two_megabytes(everything):
    sizes = {name: len(made.svg.encode()) for name, made in everything.items()}
    assert max(sizes.values()) <= 150_000, sizes
    assert sum(size for name, size in sizes.items() if name.startswith("map")) <= 900_000


def test_the_same_question_gives_the_same_picture(demo, everything):
    assert figure(demo, spec("map", 1), PUBLIC, VIEW) == everything["map"]


def test_caption_and_alt_are_the_authors(demo):
    made = draw(demo, "chart", type="gaps", caption="Ours", alt="In short")
    assert (made.caption, made.alt) == ("Ours", "In short")


# ---- maps: counts and colours -----------------------------------------------------------------------------------------------


def paths_in(svg: str) -> dict[str, str]:
    """Fill -> path data."""
    return {path.get("fill"): path.get("d") for path in ElementTree.fromstring(svg).findall("s:path", NS)}


def test_an_indicator_map_counts_what_the_screen_paints(demo, everything):
    made = everything["map layer"]
    chart = choropleth(demo, Selection(need="homelessness"), PUBLIC)
    people = demo.region.areas["lsoa"]["population"].to_numpy()
    status = demo.store.values("homelessness", "lsoa", PUBLIC).frame["status"].astype(str).to_numpy()
    counted = [
        (f"{int((chart.classes == code).sum()):,}", f"{people[chart.classes == code].sum():,.0f}") for code in range(5)
    ]
    assert [row[1:] for row in made.table.rows[:5]] == counted
    assert [row.colour for row in made.legend[:5]] == list(ramp("need", 5))
    withheld = next(row for row in made.legend if row.pattern == "hatch")
    assert withheld.count.startswith(f"{int((status == 'suppressed').sum()):,} small areas")
    # the same colours are in the picture, the hatch as a pattern
    fills = paths_in(made.svg)
    assert set(ramp("need", 5)) <= set(fills) and SPECIAL["light"]["missing"] in fills
    assert sum(fill.startswith("url(#") for fill in fills) == 1


def test_a_gap_map_has_nine_classes_in_its_table_and_the_underserved_outlined(demo, everything):
    made = everything["map"]
    gaps = gaps_of(demo, Selection.from_query(dict(part.split("=", 1) for part in VIEW.split("&")))[0], PUBLIC)
    table = gaps.result.areas
    people = table["population"].to_numpy()
    worst = next(row for row in made.table.rows if row[0].startswith("High need, poor access"))
    chosen = (table["class"] == 8).to_numpy()
    assert worst[1:] == (f"{int(chosen.sum()):,}", f"{people[chosen].sum():,.0f}")
    assert sum(int(row[1].replace(",", "")) for row in made.table.rows) == len(table)
    under = table["underserved"].to_numpy(bool)
    assert made.legend[0].pattern == "outline"
    assert made.legend[0].count == f"{int(under.sum()):,} small areas, {people[under].sum():,.0f} residents"
    assert f"{int(under.sum()):,} small areas with {people[under].sum():,.0f} residents" in made.alt
    # the key in the picture shows all nine colours
    rects = [rect.get("fill") for rect in ElementTree.fromstring(made.svg).iter("{http://www.w3.org/2000/svg}rect")]
    assert set(GAP["light"]) <= set(rects)
    assert "4 km" in made.filters and "Underserved here means" in made.filters


def test_a_gap_map_names_the_largest_communities_without_overlap(demo, everything):
    gaps = gaps_of(demo, Selection.from_query(dict(part.split("=", 1) for part in VIEW.split("&")))[0], PUBLIC)
    texts = ElementTree.fromstring(everything["map"].svg).findall(".//s:text", NS)
    bold = [text for text in texts if text.get("font-weight") == "700" and float(text.get("x")) > 460]
    words = " ".join(text.text for text in bold)
    assert gaps.cards[0].name.split(" and ")[0][:12] in words
    rows = sorted(float(text.get("y")) for text in bold)
    assert all(b - a >= 16 for a, b in pairwise(rows))
    for text in bold:
        assert float(text.get("x")) + width_of(text.text, 16, bold=True) <= 722 and 0 < float(text.get("y")) < 675


def test_only_shared_communities_are_named_when_the_view_says_so(demo):
    made = draw(demo, "table", view=f"{VIEW}&shared=yes", type="communities")
    gaps = gaps_of(demo, Selection.from_query(dict(part.split("=", 1) for part in VIEW.split("&")))[0], PUBLIC)
    assert [row[1] for row in made.table.rows] == [card.place for card in gaps.cards if card.shared]


def test_services_differ_by_form_and_the_legend_says_so(everything):
    rows = everything["map services"].legend
    assert [row.mark for row in rows] == ["circle", "square"]
    assert rows[0].label.endswith("dark circles") and rows[1].label.endswith("dark squares")


def test_a_partners_map_shows_its_footprint_and_counts_only_that(demo, everything):
    made = everything["map partner"]
    part = demo.region.areas["lsoa"]
    mine = part["lad_code"].isin(demo.region.partner("gateshead").footprint)
    assert sum(int(row[1].replace(",", "")) for row in made.table.rows) == int(mine.sum())
    assert SPECIAL["light"]["outside"] in paths_in(made.svg)


def test_a_place_that_was_zoomed_to_fills_the_map(demo):
    whole = draw(demo, "map", view="", layer=RATE)
    x, y = demo.region.areas["lad"].geometry.iat[0].representative_point().coords[0]
    near = draw(demo, "map", view=f"need={RATE}&at={y:.4f},{x:.4f},12")
    assert whole.svg != near.svg and len(near.svg) < len(whole.svg)
    assert near.table == whole.table  # a map that is zoomed in counts all areas, as its legend does on the screen


def test_a_community_by_number_by_id_and_by_an_area_in_it(demo):
    one = draw(demo, "community", n=2)
    gaps = gaps_of(demo, Selection.from_query(dict(part.split("=", 1) for part in VIEW.split("&")))[0], PUBLIC)
    card = gaps.cards[1]
    facts = dict(one.table.rows)
    assert one.title == card.name and facts["Residents"].startswith(f"{card.residents:,.0f} in {card.areas:,}")
    for wanted in (card.id, card.codes[-1], card.name):
        assert draw(demo, "community", community=wanted).table == one.table
    codes = demo.region.areas["lsoa"]["code"].isin(card.codes)
    assert f"{demo.region.areas['lsoa']['population'][codes].sum():,.0f}" in facts["Residents"]


def test_options_say_the_same_as_their_page(demo, options_view):
    from dashboard.views.option_results import comparison
    from dashboard.views.options import sandbox, valid_options

    made = draw(demo, "options", view=options_view)
    query = dict(part.split("=", 1) for part in options_view.split("&"))
    found = comparison(sandbox(demo, valid_options(demo, query, PUBLIC)[0], PUBLIC), PUBLIC)
    assert made.table.headers == ("", "As it is now", "A: Two sites")
    assert [row[0] for row in made.table.rows] == [row.name for row in found.groups[0].rows]
    assert [row[1] for row in made.table.rows] == [row.cells[0].words for row in found.groups[0].rows]
    assert any(row.label.startswith("No longer underserved") for row in made.legend)
    assert made.link.startswith("/options?") and "New site 1 in" in made.table.note


# ---- charts: numbers --------------------------------------------------------------------------------------------------------


def values_of(published, level: str):
    frame = published.store.values(RATE, level, PUBLIC).frame
    areas = published.region.areas[level]
    return frame.assign(name=areas["name"].to_numpy(), people=areas["population"].to_numpy())


def test_authorities_are_sorted_with_their_intervals(demo, everything):
    made = everything["chart authorities"]
    frame = values_of(demo, "lad").sort_values("value", ascending=False, kind="stable")
    assert made.chart.categories == tuple(frame["name"])
    assert made.chart.values[0] == tuple(frame["value"]) and made.chart.lower == tuple(frame["lower"])
    assert made.chart.categories[made.chart.highlight] == demo.region.areas["lad"]["name"].iat[1]
    whole = 1000 * frame["numerator"].sum() / frame["denominator"].sum()
    assert f"as a whole, {whole:.1f}" in made.svg and f"as a whole, {whole:.1f}" in made.alt
    assert made.table.rows[0][2] == f"{frame['value'].iat[0]:.1f}"


def test_authorities_are_held_against_the_whole_region_only_where_that_is_known(demo):
    """Loneliness has no numerators: its region's number is the middle small area, which says nothing about authorities."""
    assert "Dashed line" not in draw(demo, "chart", type="authorities", layer="loneliness").svg


def test_the_worst_are_the_worst(demo, everything):
    top = values_of(demo, "lsoa").nlargest(10, "value")
    made = everything["chart worst"]
    assert made.chart.values[0] == tuple(top["value"])
    assert all(name.startswith(f"{area}, ") for name, area in zip(made.chart.categories, top["name"], strict=True))
    table = everything["table worst"].table
    wards = values_of(demo, "ward").nlargest(10, "value")
    assert [row[2] for row in table.rows] == [f"{value:.1f}" for value in wards["value"]]
    assert [row[-1] for row in table.rows] == [f"{people:,.0f}" for people in wards["people"]]
    assert "out of 240" in table.note


def test_where_low_is_worse_the_lowest_come_first(demo):
    made = draw(demo, "chart", type="worst", layer="cancer-screening", n=3, level="lsoa")
    value = demo.store.values("cancer-screening", "lsoa", PUBLIC).frame["value"]
    assert made.chart.values[0] == tuple(value.nsmallest(3))


def test_a_distribution_counts_every_area_once(demo, everything):
    made = everything["chart distribution"]
    value = values_of(demo, "lsoa")["value"].dropna().to_numpy()  # some are withheld
    counts, _ = np.histogram(value, bins=24)
    assert made.chart.values[0] == tuple(counts.astype(float)) and sum(made.chart.values[0]) == len(value)
    assert f"Middle area: {np.median(value):.1f}" in made.svg
    mine = values_of(demo, "lsoa")["value"].iat[5]
    low, high = made.chart.categories[made.chart.highlight].split(" to ")
    assert float(low) - 0.05 <= mine <= float(high) + 0.05


def test_a_trend_is_the_regions_rate_of_each_period(demo, everything):
    made = everything["chart trend"]
    layer = demo.store.layer(RATE, PUBLIC)
    assert made.chart.categories == layer.periods
    for period, value in zip(layer.periods, made.chart.values[0], strict=True):
        frame = demo.store.values(RATE, "lad", PUBLIC, period=period).frame  # some small areas are withheld
        assert value == pytest.approx(1000 * frame["numerator"].sum() / frame["denominator"].sum())
    beside = everything["chart trend area"]
    assert beside.chart.series == (demo.region.areas["lad"]["name"].iat[1], "The whole region")
    assert beside.chart.values[1] == pytest.approx(made.chart.values[0])
    assert made.sources[0].period == f"{layer.periods[0]} to {layer.periods[-1]}"


def distances(published):
    """Straight lines from every area to every site, metres; areas, sites."""
    areas = published.region.areas["lsoa"]
    sites = published.store.services("alcohol-drug-services", PUBLIC)
    dx = areas["centroid_x"].to_numpy()[:, None] - sites["easting"].to_numpy()
    dy = areas["centroid_y"].to_numpy()[:, None] - sites["northing"].to_numpy()
    return np.hypot(dx, dy), areas, sites


def test_together_counts_who_is_nearer_to_another_authoritys_site(demo, everything):
    far, areas, sites = distances(demo)
    own = areas["lad_code"].to_numpy()[:, None] == sites["lad_code"].to_numpy()
    elsewhere = far.min(axis=1) < np.where(own, far, np.inf).min(axis=1)
    people = areas["population"].where(elsewhere, 0).groupby(areas["lad_code"]).sum()
    names = dict(demo.region.areas["lad"][["code", "name"]].itertuples(index=False))
    dumb = {names[code]: count for code, count in people.items()}
    made = everything["together"]
    assert dict(zip(made.chart.categories, made.chart.values[0], strict=True)) == pytest.approx(dumb)
    assert list(made.chart.values[0]) == sorted(made.chart.values[0], reverse=True)
    assert {layer for layer, _ in made.layers} == {"alcohol-drug-services"}  # need has no part in it


def test_the_border_adds_what_looking_alone_costs(demo, everything):
    far, areas, sites = distances(demo)
    own = areas["lad_code"].to_numpy()[:, None] == sites["lad_code"].to_numpy()
    alone, together = np.where(own, far, np.inf).min(axis=1), far.min(axis=1)
    people = areas["population"].to_numpy("float64")
    chart = everything["chart border"].chart
    for i, name in enumerate(chart.categories):
        code = demo.region.areas["lad"].set_index("name")["code"][name]
        mine = (areas["lad_code"] == code).to_numpy()
        near = np.average(together[mine], weights=people[mine]) / 1000
        added = np.average(alone[mine], weights=people[mine]) / 1000 - near
        assert chart.values[0][i] == pytest.approx(near) and chart.values[1][i] == pytest.approx(added)
    assert list(chart.values[1]) == sorted(chart.values[1], reverse=True)


def test_gaps_by_authority_and_distance_by_fifth_of_need(demo, everything):
    gaps = gaps_of(demo, Selection.from_query(dict(part.split("=", 1) for part in VIEW.split("&")))[0], PUBLIC)
    table = gaps.result.areas
    people = table["population"].where(table["underserved"], 0).groupby(table["lad_code"]).sum()
    names = dict(demo.region.areas["lad"][["code", "name"]].itertuples(index=False))
    chart = everything["chart gaps"].chart
    assert dict(zip(chart.categories, chart.values[0], strict=True)) == {names[c]: n for c, n in people.items()}
    assert everything["table authorities of gaps"].table == everything["chart gaps"].table

    # fifths by rank of the score, the dumb way: the fifth with most need is the one with scores of 80 and more
    worst = (table["need"] >= 80).to_numpy()
    far = distances(demo)[0].min(axis=1)
    mean = np.average(far[worst], weights=table["population"].to_numpy()[worst]) / 1000
    fifths = everything["chart fifths"].chart
    assert fifths.categories[0] == "Most need (last fifth)" and fifths.values[0][0] == pytest.approx(mean, rel=0.02)


def test_services_by_authority(demo, everything):
    sites = demo.store.services("pharmacies", PUBLIC)["lad_code"].value_counts()
    lads = demo.region.areas["lad"].set_index("name")
    for name, count, residents, each, _ in everything["table services"].table.rows:
        assert int(count) == sites[lads["code"][name]]
        assert residents == f"{lads['population'][name]:,.0f}"
        assert each == f"{lads['population'][name] / sites[lads['code'][name]]:,.0f}"


def test_communities_are_those_of_the_gap_view(demo, everything):
    gaps = gaps_of(demo, Selection.from_query(dict(part.split("=", 1) for part in VIEW.split("&")))[0], PUBLIC)
    table = everything["table communities"].table
    assert [row[1] for row in table.rows] == [card.place for card in gaps.cards[: len(table.rows)]]
    assert [row[3] for row in table.rows] == [f"{card.residents:,.0f}" for card in gaps.cards[: len(table.rows)]]
    shared = everything["table shared"].table
    assert [row[1] for row in shared.rows] == [card.place for card in gaps.cards if card.shared][:10]


# ---- charts: the drawing ----------------------------------------------------------------------------------------------------


BARS = ChartData(
    "bar", ("One", "Two", "Three"), ("s",), ((10.0, 5.0, None),), "% of all", 1, (8.0, 4.0, None), (12.0, 6.0, None), 1
)


def rects(svg: str, colours) -> list:
    return [r for r in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}rect") if r.get("fill") in colours]


def test_bars_begin_at_zero_and_are_as_long_as_their_values():
    svg = chart_svg(BARS, title="T", description="D")
    one, two = rects(svg, DUO)
    assert one.get("x") == two.get("x")
    assert float(one.get("width")) == pytest.approx(2 * float(two.get("width")), rel=0.01)
    assert (one.get("fill"), two.get("fill")) == DUO  # the one that the page is about
    assert "10.0%" in svg and "no figure" in svg and "95% interval" in svg and "% of all" in svg


def test_parts_of_a_stack_add_up_and_say_what_they_are():
    data = ChartData("stacked", ("One", "Two"), ("Near", "Far"), ((4.0, 2.0), (4.0, None)), "km", 1)
    svg = chart_svg(data, title="T", description="D")
    parts = [r for r in rects(svg, DUO) if r.get("stroke")]
    assert [float(r.get("width")) for r in parts[:2]] == pytest.approx([float(parts[0].get("width"))] * 2, rel=0.01)
    assert float(parts[0].get("x")) + float(parts[0].get("width")) == pytest.approx(float(parts[1].get("x")), abs=0.2)
    texts = [t.text for t in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    assert {"Near", "Far", "8.0", "2.0", "km"} <= set(texts)


def test_a_line_breaks_where_there_is_no_figure_and_where_figures_do_not_compare():
    data = ChartData(
        "line",
        ("2019", "2020", "2021", "2022", "2023"),
        ("R",),
        ((1.0, 2.0, None, 3.0, 4.0),),
        "per 1,000",
        1,
        colours=DUO[:1],
    )
    svg = chart_svg(data, title="T", description="D", breaks=[(4, "the method changed")])
    line = next(p.get("d") for p in ElementTree.fromstring(svg).findall("s:path", NS) if p.get("stroke") == DUO[0])
    assert line.count("M") == 3 and line.count("L") == 1  # 2019-2020 | 2022 | 2023
    assert "Before 2023 the figures do not compare: the method changed." in svg


def test_names_at_the_ends_of_lines_stand_apart():
    data = ChartData("line", ("a", "b"), ("First", "Second"), ((1.0, 5.0), (1.0, 5.0)), "", 0, colours=DUO)
    texts = ElementTree.fromstring(chart_svg(data, title="T", description="D")).findall("s:text", NS)
    y = {text.text: float(text.get("y")) for text in texts}
    assert abs(y["First"] - y["Second"]) >= 16


def test_bins_of_a_histogram_are_as_high_as_their_counts():
    svg = histogram_svg(
        [10, 5], [0.0, 1.0, 2.0], unit="km", decimals=1, what="wards", title="T", description="D", middle=0.8
    )
    one, two = rects(svg, DUO)
    assert float(one.get("height")) == pytest.approx(2 * float(two.get("height")), rel=0.01)
    assert "Number of wards" in svg and "Middle area: 0.8" in svg
    with pytest.raises(ValueError, match="edges"):
        histogram_svg([1, 2], [0.0, 1.0], unit="", decimals=0, what="wards", title="T", description="D")


def test_colours_are_those_of_the_analysis_function_and_can_be_told_apart():
    assert CATEGORICAL == ("#12436D", "#28A197", "#801650", "#F46A25") and DUO == ("#12436D", "#F46A25")
    assert MOST_SERIES == len(CATEGORICAL) == 4
    for a, b in pairwise(CATEGORICAL):
        assert contrast(a, b) >= 3
    assert contrast(*DUO) >= 3
    for colour in (*CATEGORICAL, *DUO):
        assert contrast(colour, "#ffffff") >= 3  # WCAG 1.4.11; F46A25 has 3.03
        assert max(contrast("#ffffff", colour), contrast(INK, colour)) >= 4.5  # numbers that stand in it
    assert contrast("#3D3D3D", "#ffffff") >= 4.5 and contrast("#000000", "#ffffff") == pytest.approx(21)


def test_charts_use_no_other_colours(everything):
    allowed = {c.lower() for c in (*CATEGORICAL, "#3D3D3D", "#D5D5D5", "#ffffff", INK)} | {"none"}
    for name, made in everything.items():
        if made.kind == "chart":
            found = {c.lower() for c in re.findall(r'(?:fill|stroke)="([^"]+)"', made.svg)}
            assert found <= allowed, (name, found - allowed)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (replace(BARS, kind="pie"), "no chart"),
        (replace(BARS, series=tuple("abcde"), values=BARS.values * 5), "at most 4"),
        (replace(BARS, values=((1.0,),)), "one value"),
        (replace(BARS, categories=(), values=((),)), "without a category"),
        (replace(BARS, kind="stacked", values=((1.0, -2.0, 3.0),)), "below zero"),
    ],
)
def test_what_no_honest_chart_can_be_made_of_is_refused(data, says):
    with pytest.raises(ValueError, match=says):
        chart_svg(data, title="T", description="D")


@given(
    st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9, allow_nan=False)), min_size=1, max_size=12),
    st.sampled_from(["bar", "line"]),
    st.text(max_size=60),
)
@settings(max_examples=80)
def test_any_numbers_and_names_give_a_picture(values, kind, name):
    data = ChartData(kind, tuple(f"{name}{i}" for i in range(len(values))), (name,), (tuple(values),), name, 1)
    root = ElementTree.fromstring(chart_svg(data, title=name, description=name))
    width, height = float(root.get("width")), float(root.get("height"))
    for rect in root.iter("{http://www.w3.org/2000/svg}rect"):
        x, y, wide, tall = (float(rect.get(key, 0)) for key in ("x", "y", "width", "height"))
        assert x >= -1 and y >= -1 and x + wide <= width + 1 and y + tall <= height + 1


# ---- words in pictures ------------------------------------------------------------------------------------------------------


HOSTILE = '</text><script>alert("1")</script>&\x00\x1f\ud800 \u202e'


def test_hostile_titles_stay_words():
    data = replace(BARS, categories=(HOSTILE, HOSTILE * 5, "c"), unit=HOSTILE)
    svg = chart_svg(data, title=HOSTILE, description=HOSTILE, reference=(7.0, HOSTILE))
    table = TableData((HOSTILE, HOSTILE), ((HOSTILE, HOSTILE * 20),), (False, True), HOSTILE)
    source = SourceLine("a", 1, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, "2026-01-01", "/catalogue/a")
    legend = (
        LegendRow(HOSTILE, "#112233", count=HOSTILE),
        LegendRow(HOSTILE, "", "hatch"),
        LegendRow("x", "", "outline"),
    )
    for made in (
        Figure("chart", HOSTILE, HOSTILE, HOSTILE, HOSTILE, svg, legend, HOSTILE, sources=(source,), notice=HOSTILE),
        Figure("table", HOSTILE, HOSTILE, table=table),
    ):
        root = ElementTree.fromstring(exhibit_svg(made))
        assert not list(root.iter("{http://www.w3.org/2000/svg}script"))
        assert 'alert("1")' in root.find("s:title", NS).text


@given(st.text(max_size=200), st.floats(20, 700), st.sampled_from([16.0, 24.0]))
@settings(max_examples=150)
def test_wrapped_lines_fit(text, width, size):
    lines = wrap(text, width, size)
    assert all(width_of(line, size) <= width or len(line) <= 1 for line in lines)
    assert len(wrap(text, width, size, lines=2)) <= 2


@given(st.lists(st.floats(0, 500), min_size=1, max_size=8))
@settings(max_examples=100)
def test_names_beside_a_map_never_overlap(wanted):
    heights = [40.0] * len(wanted)
    middles = _spread(sorted(wanted), heights, 100.0, 500.0)
    assert all(b - a >= 40 - 1e-6 for a, b in pairwise(middles))
    assert middles[0] >= 120 - 1e-6 and middles[-1] <= 480 + 1e-6


# ---- files of their own -----------------------------------------------------------------------------------------------------


def test_a_file_says_everything_that_its_page_would_say(demo, everything):
    for name in ("map layer", "chart gaps", "table communities"):
        made = everything[name]
        root = ElementTree.fromstring(exhibit_svg(made, made_on=date(2026, 3, 1)))
        words = " ".join(t.text or "" for t in root.iter("{http://www.w3.org/2000/svg}text"))
        for part in (
            made.title,
            made.filters,
            demo.region.notice,
            "1 March 2026",
            made.sources[0].title,
            made.sources[0].licence,
        ):
            assert part.split()[0] in words and part.split()[-1] in words, (name, part)
        for row in made.legend:
            assert row.count.split()[0] in words
        if made.kind == "table":
            assert made.table.rows[0][3] in words


def test_every_exhibit_is_a_png_in_its_own_colours(everything):
    for name in ("map layer", "map", "community", "options", "together", "table shared"):
        made = everything[name]
        data = exhibit_png(made, 720, made_on=date(2026, 3, 1))
        image = Image.open(io.BytesIO(data)).convert("RGB")
        assert image.width == 720 and image.height > 300
        colours = {f"#{r:02x}{g:02x}{b:02x}" for _, (r, g, b) in image.getcolors(1 << 24)}
        wanted = {row.colour.lower() for row in made.legend if row.colour} or set()
        wanted |= {DUO[0].lower()} if made.kind == "chart" else set()
        assert wanted <= colours, (name, wanted - colours)
        if name == "map layer":
            # the hatch: its dark line is there, in the map as well as in the legend's swatch
            line = tuple(int(SPECIAL["light"]["suppressed_line"][i : i + 2], 16) for i in (1, 3, 5))
            top = np.asarray(image)[: image.height // 2]
            assert (np.abs(top.astype(int) - line).sum(axis=2) < 60).sum() > 500


def test_a_png_is_as_wide_as_asked_within_reason(everything):
    made = everything["table shared"]
    assert Image.open(io.BytesIO(exhibit_png(made, 1600))).width == 1600
    assert Image.open(io.BytesIO(exhibit_png(made, 5))).width == 100
    assert max(Image.open(io.BytesIO(exhibit_png(made, 100_000))).size) <= 6000


# ---- faults -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "arguments", "what", "todo"),
    [
        ("pie", {}, "no exhibit “pie”", "map"),
        ("chart", {}, "does not say of which type", "authorities"),
        ("chart", {"type": "pie"}, "no chart of the type “pie”", "worst"),
        ("map", {"type": "worst"}, "takes no “type”|a map has no type", ""),
        ("map", {"n": "3"}, "takes no “n”", "layer"),
        ("chart", {"type": "worst", "view": "need=none&services=pharmacies"}, "needs “layer: …”", "type: worst"),
        ("chart", {"type": "worst", "layer": "nothing"}, "nothing", "use one of|did you mean"),
        ("chart", {"type": "worst", "layer": "alcohol-admision"}, "alcohol-admision", "alcohol-admissions"),
        ("chart", {"type": "worst", "layer": "pharmacies"}, "a list of services", "indicator"),
        ("chart", {"type": "worst", "layer": RATE, "level": "street"}, "no level “street”", "ward"),
        ("chart", {"type": "worst", "view": f"need={RATE}", "level": "street"}, "street", ""),
        ("chart", {"type": "worst", "layer": RATE, "n": "0"}, "n is “0”", "1 to 30"),
        ("chart", {"type": "worst", "layer": RATE, "n": "many"}, "n is “many”", "number"),
        ("chart", {"type": "worst", "layer": RATE, "period": "1066"}, "1066", "2024/25"),
        ("chart", {"type": "authorities", "layer": "claimants", "area": "nowhere"}, "nowhere", ""),
        ("chart", {"type": "authorities", "layer": RATE, "area": "WARD"}, "is a ward", "local authority"),
        ("chart", {"type": "trend", "layer": "claimants"}, "one period", "two or more"),
        ("chart", {"type": "worst", "layer": "alcohol-deaths", "level": "lsoa"}, "alcohol-deaths|Deaths", ""),
        ("chart", {"type": "gaps", "view": "need=claimants"}, "no services", "services="),
        ("table", {"type": "services", "layer": RATE}, "indicator", "services"),
        ("map", {"view": "need=claimants&colour=red"}, "colour", "copy it"),
        ("map", {"view": "nonsense"}, "nonsense", "copy it"),
        ("map", {"layer": "withdrawn-long-ago"}, "withdrawn-long-ago", ""),
        ("map", {"view": "need=claimants&show=gap"}, "service", ""),
        ("map", {"layer": "claimants", "area": "nowhere"}, "nowhere", ""),
        ("community", {"n": "1000"}, "no community 1,000", "1 to"),
        ("community", {"community": "Atlantis"}, "no community “Atlantis”", ""),
        ("community", {"n": "1.5"}, "n is “1.5”", "whole number"),
        ("affected", {"baseline": "Mars"}, "no baseline “Mars”", "region.* or .*england"),
        ("affected", {"baseline": "authority"}, "needs an authority", "area"),
        ("affected", {"area": "WARD"}, "no authority", "leave it out"),
        ("affected", {"view": "need=claimants"}, "no services", "services="),
        ("options", {}, "no option", "options page"),
        ("options", {"view": VIEW.replace("&show=gap", "") + "&options=A:xnowhere"}, "nowhere", "options page"),
        ("options", {"view": "need=gone&services=alcohol-drug-services&options=A:o425000-564000"}, "gone", ""),
    ],
)
def test_faults_say_what_and_what_to_do(demo, kind, arguments, what, todo):
    arguments = {k: demo.region.areas["ward"]["code"].iat[0] if v == "WARD" else v for k, v in arguments.items()}
    with pytest.raises(Refused) as error:
        draw(demo, kind, **arguments)
    fault = error.value.faults[0]
    assert re.search(what, fault.what), fault
    assert re.search(todo, fault.todo), fault
    assert "Traceback" not in str(error.value) and "\n" not in fault.what


def test_without_a_view_an_exhibit_that_needs_one_says_so(demo):
    for kind, arguments in (
        ("map", {}),
        ("together", {}),
        ("community", {}),
        ("options", {}),
        ("chart", {"type": "gaps"}),
    ):
        with pytest.raises(Refused) as error:
            draw(demo, kind, view="", **arguments)
        assert "view" in error.value.faults[0].what and error.value.faults[0].todo


def test_what_the_reader_may_not_see_is_refused_like_what_does_not_exist(demo):
    assert draw(demo, "map", "", PARTNER, layer="domestic-abuse").sources[0].layer_id == "domestic-abuse"
    said = []
    for layer in ("domestic-abuse", "domestic-cruelty"):
        for kind, arguments in (
            ("map", {"layer": layer}),
            ("chart", {"type": "worst", "layer": layer}),
            ("map", {"view": f"need={layer}"}),
        ):
            with pytest.raises(Refused) as error:
                figure(demo, spec(kind, **arguments), PUBLIC, "")
            said.append(error.value.faults[0].what.replace(layer, "ID"))
    assert said[:3] == said[3:]


def test_every_kind_on_odd_regions_is_drawn_or_refused(region_of_any_kind):
    published = region_of_any_kind
    indicators = [layer.id for layer in published.store.layers(PUBLIC, kind="indicator")][:2] or ["none-here"]
    services = [layer.id for layer in published.store.layers(PUBLIC, kind="services")][:1] or ["none-here"]
    drawn = 0
    for name, help_ in EXHIBIT_HELP.items():
        kind, _, type_ = name.partition(" ")
        for layer in (*indicators, *services):
            arguments = {"type": type_} if type_ else {}
            arguments |= {"layer": layer} if "layer" in help_.takes else {}
            try:
                made = draw(published, kind, f"need={indicators[0]}&services={services[0]}&show=gap", **arguments)
            except Refused as refused:
                assert refused.faults and all(fault.what for fault in refused.faults), name
                continue
            drawn += 1
            ElementTree.fromstring(exhibit_svg(made))
    if published.region.id not in ("bare", "lonely"):
        assert drawn >= 10


def test_numbers_pass_through_the_same_words_as_the_screen(everything):
    """The end of a bar says what the area page would say."""
    made = everything["chart authorities"]
    for value in made.chart.values[0]:
        assert f">{wording.short_unit(value, made.chart.unit, made.chart.decimals)}</text>" in made.svg
