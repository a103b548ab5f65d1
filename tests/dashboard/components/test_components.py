"""Components: what stands in the legend, the table's heading, the alerts and the area's panel. No browser."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dashboard import ids
from dashboard.components.area import area_facts, area_panel, indicator_table, neighbour_list, service_list
from dashboard.components.base_map import base_map
from dashboard.components.results import headline, histogram, legend, top_list
from dashboard.components.services import SHAPES, service_points
from dashboard.components.shell import footer, header
from dashboard.components.table import table_grid
from dashboard.pages.explore import notices
from dashboard.pages.missing import missing
from dashboard.selection import Selection
from dashboard.views.area import area_profile
from dashboard.views.choropleth import choropleth
from dashboard.views.table import COLUMNS, NUMBERS
from layers import PUBLIC
from tests.dashboard.test_wiring import tree


def text_of(component) -> str:
    """Everything readable in a component, in order."""
    if component is None:
        return ""
    if isinstance(component, (str, int, float)):
        return str(component)
    if isinstance(component, (list, tuple)):
        return " ".join(filter(None, map(text_of, component)))
    return text_of(getattr(component, "children", None))


def kinds(component, name: str) -> list:
    return [each for each in tree(component) if type(each).__name__ == name]


def chart(published, **selection):
    return choropleth(published, Selection(**selection), PUBLIC)


# ---------------------------------------------------------------- legend


def legend_rows(component) -> list[tuple[str, str, str]]:
    """(name for screen readers, limits, count) of every row of the legend."""
    (body,) = kinds(component, "Tbody")
    rows = []
    for row in kinds(body, "Tr"):
        swatch, limits, count = kinds(row, "Td")
        rows.append((text_of(swatch), text_of(limits), text_of(count)))
    return rows


def test_the_legend_has_a_row_per_band_from_worst_to_best_and_one_for_what_is_withheld(tiny):
    # i % in area i, T02 withheld: quantiles of 1 3 4 ... 16 give three areas a band
    rows = legend_rows(legend(chart(tiny, need="crowded")))
    assert [name for name, _, _ in rows] == [f"Band {n} of 5" for n in (5, 4, 3, 2, 1)] + ["Withheld"]
    assert [count for _, _, count in rows] == ["3"] * 5 + ["1"]
    assert rows[0][1].endswith("16")
    assert rows[4][1].startswith("1 to ")
    assert rows[5][1] == "Withheld to protect people"


def test_every_colour_has_a_word(tiny):
    for need in ("crowded", "harm", "poverty-rank"):
        for name, limits, count in legend_rows(legend(chart(tiny, need=need))):
            assert name
            assert limits
            assert count.isdigit()


def test_the_counts_of_the_legend_are_all_areas(demo):
    for layer in demo.store.layers(PUBLIC, kind="indicator")[:6]:
        for level in layer.levels:
            rows = legend_rows(legend(chart(demo, need=layer.id, level=level)))
            total = sum(int(count.replace(",", "")) for _, _, count in rows)
            assert total == len(demo.region.codes(level)), layer.id


def test_the_legend_uses_the_colours_of_the_painter(tiny):
    shown = chart(tiny, need="crowded", classes=3)
    colours = [
        each.style["background"]
        for each in tree(legend(shown))
        if getattr(each, "className", None) == "swatch" and getattr(each, "style", None)
    ]
    assert colours == ["var(--need-3-2)", "var(--need-3-1)", "var(--need-3-0)"]


def test_nothing_to_show_is_no_legend(tiny):
    assert legend(None) == []
    shown = chart(tiny, need="poverty-rank", level="ward")
    rows = legend_rows(legend(shown))
    assert {name for name, _, _ in rows} <= {"No figure", "Withheld"}
    assert top_list(shown, tiny) == []
    assert "nothing" not in text_of(headline(shown, tiny)).lower() or shown.reason


def test_the_histogram_says_in_words_what_it_shows(tiny):
    shown = chart(tiny, need="crowded")
    (picture,) = [each for each in tree(histogram(shown)) if getattr(each, "role", None) == "img"]
    label = picture.to_plotly_json()["props"]["aria-label"]
    assert label == "Histogram of 15 areas from 1% of households to 16% of households."
    heights = [float(bar.style["height"].rstrip("%")) for bar in picture.children]
    assert max(heights) == 100
    assert sum(height > 0 for height in heights) == 15  # each value has a bar of its own: 24 steps of 0.625


# ---------------------------------------------------------------- headline and list


def test_the_headline_says_unit_period_source_and_licence(tiny):
    words = text_of(headline(chart(tiny, need="crowded"), tiny))
    for part in (
        "Crowded homes",
        "% of households",
        "2021",
        "Westshire Council",
        "Made up for the tests",
        "OGL-UK-3.0",
    ):
        assert part in words
    assert "bands within Tinyland" in words
    assert text_of(headline(None, tiny)).startswith("Services only")


def test_the_list_begins_with_the_worst(tiny):
    items = kinds(top_list(chart(tiny, need="crowded"), tiny), "Button")
    assert [item.id["code"] for item in items] == [f"T{i:02d}" for i in range(16, 6, -1)]
    assert text_of(items[0]) == "Square 16 Eastshire 16%"
    low = kinds(top_list(chart(tiny, need="poverty-rank"), tiny), "Button")
    assert low[0].id == ids.area_button("T16")  # rank 1
    outside = kinds(top_list(chart(tiny, need="crowded", partner="westshire"), tiny), "Button")
    assert {item.id["code"] for item in outside} <= {f"T{i:02d}" for i in (1, 2, 5, 6, 9, 10, 13, 14)}


def test_a_source_link_is_a_web_address_or_no_link(tiny):
    import dataclasses

    from layers import Source

    shown = chart(tiny, need="crowded")
    for url, links in (("https://example.org/x", 1), ("javascript:alert(1)", 0), ("", 0)):
        descriptor = dataclasses.replace(shown.layer.descriptor, sources=(Source("A", url=url),))
        told = dataclasses.replace(shown, layer=dataclasses.replace(shown.layer, descriptor=descriptor))
        assert len(kinds(headline(told, tiny), "A")) == links


# ---------------------------------------------------------------- table


def test_the_table_has_a_heading_for_every_column_and_sorts_numbers_as_numbers():
    columns = {column["field"]: column for column in table_grid().columnDefs}
    assert {name: column["headerName"] for name, column in columns.items()} == COLUMNS
    for name, column in columns.items():
        assert column["filter"] == ("agNumberColumnFilter" if name in NUMBERS else "agTextColumnFilter")
        assert ("valueFormatter" in column) == (name in NUMBERS)
    assert columns["name"]["pinned"] == "left"


# ---------------------------------------------------------------- services on the map


def test_service_lists_have_a_shape_each_and_carry_their_version(tiny):
    layers = service_points(tiny, Selection(services=("clinics", "gone", "harm")), PUBLIC)
    assert [each.id["layer"] for each in layers if each.id["layer"] != "harm"] == ["clinics"]
    assert layers[0].url == "/data/services/clinics.geojson?v=1"
    assert layers[0].hideout["shape"] == SHAPES[0]
    assert len(set(SHAPES)) == len(SHAPES) >= 6


def test_an_indicator_is_never_drawn_as_points(tiny):
    assert service_points(tiny, Selection(services=("harm",)), PUBLIC) == []


# ---------------------------------------------------------------- alerts and frame


def test_notices_are_announced_and_empty_ones_take_no_room():
    some = notices(["One.", "Two."])
    assert (some.role, text_of(some), some.className) == ("status", "One. Two.", "notices")
    none = notices([])
    assert (none.role, none.children, none.className) == ("status", [], "notices empty")


def test_a_missing_page_offers_the_way_back():
    links = [link.href for link in kinds(missing("Nothing."), "A")]
    assert links == ["/", "/catalogue"]


def test_the_header_marks_the_page_and_carries_the_notice(tiny, lonely):
    shown = header(tiny, "/catalogue")
    current = [link for link in kinds(shown, "A") if "aria-current" in link.to_plotly_json()["props"]]
    assert [link.href for link in current] == ["/catalogue"]
    assert tiny.region.notice in text_of(shown)
    assert tiny.region.notice in text_of(footer(tiny))
    assert "Demonstration" not in text_of(header(lonely, "/"))


# ---------------------------------------------------------------- one area


def test_the_panel_of_an_area_says_everything_in_words(tiny):
    profile = area_profile(tiny, "T05", Selection(), PUBLIC)
    words = text_of(area_panel(profile, Selection()))
    assert "Small area T05 · South West, Westshire · 500 residents" in words
    assert "5% of households" in words
    assert "West clinic" in words
    assert "1.0 km away in a straight line" in words
    assert "Square 01" in words


def test_no_area_is_a_hidden_close_button_and_nothing_else():
    (close,) = area_panel(None, Selection())
    assert (close.id, close.hidden) == (ids.CLOSE_AREA, True)


def test_the_table_of_an_area_has_headings_for_its_rows_and_a_name(tiny):
    table = indicator_table(area_profile(tiny, "T02", Selection(), PUBLIC))
    assert table.to_plotly_json()["props"]["aria-label"] == "Indicators of Square 02"
    rows = [head for head in kinds(table, "Th") if getattr(head, "scope", None) == "row"]
    assert len(rows) == 3
    assert "Withheld" in text_of(table)


def test_a_service_outside_the_region_reads_well(lonely):
    words = text_of(service_list(area_profile(lonely, "T01", Selection(), PUBLIC)))
    assert "away in a straight line, outside the region" in words
    assert "in outside" not in words


def test_an_area_with_nothing_says_so(bare):
    profile = area_profile(bare, "TA", Selection(), PUBLIC)
    assert text_of(indicator_table(profile)) == "No indicator of this theme has figures at this level."
    assert text_of(service_list(profile)) == "There are no service lists for this theme."
    assert text_of(neighbour_list(profile)) == "Eastshire"


@pytest.mark.parametrize("code", ["T01", "TW1", "TA"])
def test_the_facts_of_an_area_name_its_kind(tiny, code):
    words = text_of(area_facts(area_profile(tiny, code, Selection(), PUBLIC)))
    assert words.startswith({"T01": "Small area", "TW1": "Ward", "TA": "Local authority"}[code])
    assert "residents" in words


def test_positions_of_the_bar_lie_between_best_and_worst(demo):
    for code in demo.region.codes("ward")[:40]:
        for line in area_profile(demo, code, Selection(), PUBLIC).indicators:
            assert line.position is None or 0 <= line.position <= 100


# ---------------------------------------------------------------- map


def test_a_configured_basemap_is_credited_and_without_one_nothing_is_fetched(tiny):
    bare = base_map(tiny, "map", [], (54.9, -1.6, 10))
    assert bare.children == []
    assert bare.attributionControl is False
    tiles = replace(tiny, tiles_url="https://tiles.example.org/{z}/{x}/{y}.png", tiles_attribution="Tiles by Example")
    shown = base_map(tiles, "map", [], (54.9, -1.6, 10))
    assert (shown.children[0].url, shown.children[0].attribution) == (tiles.tiles_url, "Tiles by Example")
    assert shown.attributionControl is True
