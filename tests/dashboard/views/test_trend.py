"""Lines from period to period on Tinyland, where area i has i events of 50: by hand, with gaps and breaks."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from dashboard.components.area import trend_charts
from dashboard.components.plain import plain_html
from dashboard.drawing.trend_line import NARROW, as_svg, picture
from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views.area import area_profile
from dashboard.views.trend import area_trend, area_trends, coming_trend, trend
from layers import PUBLIC, Audience, Descriptor, Direction, Kind, Measure, Package, Viewer, open_store, prepare_layer

CODES = [f"T{i:02d}" for i in range(1, 17)]
ANN = Viewer("ann", "westshire", "analyst")
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def published(tiny_region, tmp_path):
    at = datetime(2026, 3, 2, 12, tzinfo=UTC)
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}", tiny_region, fill=False, clock=lambda: at)
    yield Published(tiny_region, store, tmp_path)
    store.close()


def package(period="2024", first=1, measure=Measure.PERCENTAGE, hide=(), drop=(), **more) -> Package:
    """Area i has i + first - 1 events of 50; ``hide`` are withheld, ``drop`` are not in the table."""
    table = pd.DataFrame(
        {"area_code": CODES, "numerator": np.arange(16.0) + first, "denominator": 50.0, "status": "ok"}
    )
    if measure == Measure.COUNT:
        table = table.rename(columns={"numerator": "value"}).drop(columns="denominator")
    hidden = table["area_code"].isin(hide)
    table.loc[hidden, "status"] = "suppressed"
    for name in {"numerator", "denominator", "value"} & set(table):
        table.loc[hidden, name] = np.nan
    said = {"unit": "% of streets", "per": 100.0, "method": ""} | more
    descriptor = Descriptor(
        "streets", "Noisy streets", Kind.INDICATOR, ("housing",), "westshire", measure=measure, period=period,
        direction=Direction.HIGH_IS_WORSE, level="lsoa", vintage=2021, audience=Audience.PUBLIC, **said,
    )  # fmt: skip
    return Package(descriptor, table[~table["area_code"].isin(drop)].reset_index(drop=True))


def of_area(published, code, viewer=PUBLIC):
    layer = published.store.layer("streets", viewer)
    return area_trend(published, layer, published.store.history("streets", viewer), viewer, code)


def test_an_area_and_the_region_beside_it(published):
    published.store.publish(package("2024", 1), by=ANN)
    assert of_area(published, "T02") is None  # one period is no line
    published.store.publish(package("2025", 2), by=ANN, append=True)
    line, beside = of_area(published, "T02")
    assert [(p.period, p.value, p.words) for p in line.points] == [
        ("2024", pytest.approx(4.0), "4% of streets"),  # 2 of 50
        ("2025", pytest.approx(6.0), "6% of streets"),
    ]
    assert line.sentence == "From 4% in 2024 to 6% of streets in 2025." and line.what == "Square 02"
    assert [p.value for p in beside.points] == [pytest.approx(17.0), pytest.approx(19.0)]  # 136 and 152 of 800
    ward, _ = of_area(published, "TW1")  # T01 T02 T05 T06: 1 + 2 + 5 + 6 = 14, then 18, of 200
    assert [p.value for p in ward.points] == [pytest.approx(7.0), pytest.approx(9.0)]
    assert of_area(published, "nowhere") is None


def test_a_period_without_a_figure_is_a_gap_that_is_said(published):
    for period, hide, drop in (("2023", (), ()), ("2024", ("T02",), ()), ("2025", (), ()), ("2026", (), ("T02",))):
        exists = bool(published.store.layers(PUBLIC))
        published.store.publish(package(period, hide=hide, drop=drop), by=ANN, append=exists)
    line, beside = of_area(published, "T02")
    assert [(p.period, p.joined, p.why) for p in line.points] == [("2023", False, ""), ("2025", False, "")]
    assert line.sentence.endswith("Left out: 2024 (withheld), 2026 (no figure).")
    assert picture(line).paths == () and len(picture(line).dots) == 2  # two dots, no line across the gap
    assert [p.period for p in beside.points] == ["2023", "2025"]
    joined, _ = of_area(published, "T03")
    assert [p.joined for p in joined.points] == [False, True, True, True]


def test_a_line_breaks_where_the_definition_changed(published):
    published.store.publish(package("2024"), by=ANN)
    published.store.publish(package("2025", method="Counted by night."), by=ANN)
    line, beside = of_area(published, "T02")
    assert [(p.version, p.why) for p in line.points] == [(1, ""), (2, "the method changed")]
    assert [p.why for p in beside.points] == ["", "the method changed"]
    assert "Before 2025 the figures do not compare: the method changed." in line.sentence
    assert picture(line).paths == () and len(picture(line).breaks) == 1
    assert "does not compare" in as_svg(picture(line), line.sentence)


def test_counts_are_not_compared_with_the_whole_region_and_ranks_have_no_line(published):
    for period in ("2024", "2025"):
        exists = bool(published.store.layers(PUBLIC))
        published.store.publish(package(period, measure=Measure.COUNT, unit="streets", per=1.0), by=ANN, append=exists)
    line, beside = of_area(published, "T02")
    assert line.points[0].words == "2 streets" and beside is None
    layer = published.store.layer("streets", PUBLIC)
    ranks = dataclasses.replace(layer, descriptor=dataclasses.replace(layer.descriptor, measure=Measure.RANK))
    assert trend(published, ranks, published.store.history("streets", PUBLIC), PUBLIC) is None


def test_a_hidden_layer_has_no_line_for_others(published):
    published.store.publish(package("2024"), by=ANN)
    hidden = package("2025")
    hidden = dataclasses.replace(hidden, descriptor=dataclasses.replace(hidden.descriptor, audience=Audience.OWNER))
    published.store.publish(hidden, by=ANN, append=True)
    assert area_trends(published, "T02", "", PUBLIC) == []
    (found,) = area_trends(published, "T02", "", ANN)
    assert (found.layer_id, found.title) == ("streets", "Noisy streets")
    assert area_trends(published, "T02", "alcohol", ANN) == [] != area_trends(published, "T02", "housing", ANN)


def test_a_version_that_was_rolled_back_is_not_in_the_line(published):
    published.store.publish(package("2024"), by=ANN)
    published.store.publish(package("2025"), by=ANN, append=True)
    published.store.rollback("streets", to=1, by=ANN, reason="Provisional")
    assert of_area(published, "T02") is None and of_area(published, "T02", ANN) is None


def test_the_line_as_it_would_be(published, tiny_region):
    new = prepare_layer(package("2025", 2), tiny_region)
    assert coming_trend(published, new, None, (), ANN) is None  # alone it is no line
    published.store.publish(package("2024", 1), by=ANN)
    layer, history = published.store.layer("streets", ANN), published.store.history("streets", ANN)
    line = coming_trend(published, new, layer, history, ANN)
    assert [(p.period, p.value, p.version, p.joined) for p in line.points] == [
        ("2024", pytest.approx(17.0), 1, False), ("2025", pytest.approx(19.0), 2, True),
    ]  # fmt: skip
    other = prepare_layer(package("2025", 2, unit="% of homes"), tiny_region)
    assert coming_trend(published, other, layer, history, ANN).points[1].why.startswith("the unit changed")
    same = prepare_layer(package("2024", 2), tiny_region)
    assert coming_trend(published, same, layer, history, ANN) is None  # it takes the place of its own period


def test_the_picture_is_a_whole_drawing_without_scripts(published):
    for period in ("2023", "2024", "2025"):
        published.store.publish(package(period), by=ANN, append=bool(published.store.layers(PUBLIC)))
    (found,) = area_trends(published, "T16", "", PUBLIC)
    drawn = picture(found.line, found.measure, found.beside, width=NARROW)
    for scheme in ("light", "dark"):
        root = ET.fromstring(as_svg(drawn, found.line.sentence, scheme))
        assert root.get("width") == str(NARROW) and root.find(f"{SVG}title").text == found.line.sentence
        assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {"svg", "title", "path", "text", "circle"}
        assert len(root.findall(f"{SVG}circle")) == 3
        for text in root.findall(f"{SVG}text"):
            assert 0 <= float(text.get("x")) <= NARROW
    assert as_svg(drawn, "", "light") != as_svg(drawn, "", "dark")


def test_many_periods_do_not_write_over_each_other(published):
    for year in range(2010, 2026):
        published.store.publish(package(f"{year}/{year - 1999}"), by=ANN, append=bool(published.store.layers(PUBLIC)))
    line, beside = of_area(published, "T02")
    drawn = picture(line, Measure.PERCENTAGE, beside, width=NARROW)
    places = [x for x, _, _ in drawn.labels]
    assert drawn.labels[-1][1] == "2025/26" and all(b - a >= 8 * 7 for a, b in pairwise(places))
    assert len(drawn.dots) == 16 and len(drawn.values) == 2 and len(drawn.beside) == 1


def test_the_page_says_the_same_as_the_picture(published):
    for period, first in (("2024", 1), ("2025", 2)):
        published.store.publish(package(period, first), by=ANN, append=bool(published.store.layers(PUBLIC)))
    profile = area_profile(published, "T02", Selection(), PUBLIC)
    text = "".join(plain_html(part) for part in trend_charts(area_trends(published, "T02", "", PUBLIC), profile))
    for told in ("From period to period", "From 4% in 2024 to 6% of streets in 2025.", "The solid line is Square 02"):
        assert told in text
    assert text.count("<img") == 2 and "17% of streets" in text and "/catalogue/streets" in text
    assert trend_charts([], profile) == []
