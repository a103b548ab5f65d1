"""The tiny region's answers, done on paper (tests/tiny.py says the figures)."""

import numpy as np
import pytest

from dashboard.exports import write
from dashboard.selection import Selection
from dashboard.views.banding import MISSING, OUTSIDE, SUPPRESSED
from dashboard.views.choropleth import choropleth, sentence
from dashboard.views.map_table import map_table
from dashboard.views.table import full_table, row_order, rows_at
from dashboard.views.wire import classes_bytes, readings_bytes
from layers import PUBLIC


def chart(tiny, **selection):
    return choropleth(tiny, Selection(**selection), PUBLIC)


def test_percentages_are_banded_and_the_withheld_area_is_marked(tiny):
    shown = chart(tiny, need="crowded")
    # i % for area i, T02 withheld: 15 values 1, 3, 4 ... 16 in five bands of three
    assert shown.classes[1] == SUPPRESSED
    assert [row.count for row in shown.rows] == [3, 3, 3, 3, 3, 1]
    assert shown.frame["value"].iat[15] == 16.0
    assert shown.rank[15] == 1  # 16% is the worst
    assert np.isnan(shown.rank[1])


def test_a_missing_area_is_not_a_zero(tiny):
    shown = chart(tiny, need="harm")
    assert shown.classes[0] == MISSING
    assert np.isnan(shown.frame["value"].iat[0])
    # T02 to T15 have 10 per 1,000, T16 has 32 / 1,600 = 20: two bands
    assert [row.label for row in shown.rows[:2]] == ["10", "over 10 to 20"]
    assert [row.count for row in shown.rows] == [14, 1, 1]


def test_rank_puts_rank_one_first_where_low_is_worse(tiny):
    shown = chart(tiny, need="poverty-rank")
    assert shown.rank[15] == 1  # T16 has rank 17 - 16 = 1


def test_a_partner_s_footprint_fades_the_rest_and_can_set_the_bands(tiny):
    west = chart(tiny, need="crowded", partner="westshire", bands="partner")
    assert set(west.classes[[2, 3, 6, 7, 10, 11, 14, 15]]) == {OUTSIDE}  # the two eastern columns
    assert west.bands.upper[-1] == pytest.approx(14)  # T14 is the highest in the west
    region = chart(tiny, need="crowded", partner="westshire", bands="region")
    assert region.bands.upper[-1] == pytest.approx(16)
    assert np.isfinite(west.rank).sum() == 7  # eight western areas, T02 withheld


def test_wards_are_rebuilt_from_numerator_and_denominator(tiny):
    shown = chart(tiny, need="harm", level="lad")
    east = shown.frame.set_index("area_code").loc["TB"]
    # east: areas 3 4 7 8 11 12 15 16, events 3+4+7+8+11+12+15+32 = 92 of 7,600 residents
    assert east["numerator"] == 92
    assert east["value"] == 92 / 7600 * 1000
    assert east["status"] == "converted"


def test_a_layer_with_a_withheld_area_is_summed_to_no_other_level(tiny):
    shown = chart(tiny, need="crowded", level="ward")
    assert shown is None or not np.isfinite(shown.frame["value"]).any()


def test_the_sentence_says_highest_lowest_counts_and_what_is_not_shown(tiny):
    words = sentence(chart(tiny, need="crowded"), tiny, counts_too=True)
    assert "Highest: Square 16 at 16% of households." in words
    assert "Lowest: Square 01 at 1% of households." in words
    assert "3 in band 1 (1 to " in words
    assert "Not shown: 1 withheld to protect people." in words


def test_no_indicator_and_an_unknown_one_show_nothing(tiny):
    assert chart(tiny, need="none") is None
    assert chart(tiny, need="nonsense") is None


def test_the_table_says_what_the_map_says(tiny):
    shown = chart(tiny, need="crowded")
    table = full_table(tiny, shown)
    assert table["value"].tolist()[2:] == shown.frame["value"].tolist()[2:]
    assert [shown.band_name(int(code)) for code in shown.classes] == table["band"].tolist()
    assert table.loc[1, "status"] == "Withheld to protect people"


def test_sorting_and_filtering_of_the_table(tiny):
    table = full_table(tiny, chart(tiny, need="crowded"))
    rows, count = page_of_rows(table, [{"colId": "value", "sort": "asc"}], {}, 0, 2)
    assert (count, [row["value"] for row in rows]) == (16, [1.0, 3.0])
    rows, _ = page_of_rows(table, [{"colId": "value", "sort": "desc"}], {}, 14, 16)
    assert rows[-1]["value"] is None  # what has no figure comes last, either way
    found = {"lad": {"filterType": "text", "type": "equals", "filter": "westshire"}}
    assert page_of_rows(table, [], found, 0, 100)[1] == 8
    some = {"value": {"filterType": "number", "type": "inRange", "filter": 4, "filterTo": 6}}
    assert [row["code"] for row in page_of_rows(table, [], some, 0, 9)[0]] == [
        "T06",
        "T05",
        "T04",
    ]  # by rank, worst first
    both = {
        "name": {
            "operator": "OR",
            "conditions": [{"type": "endsWith", "filter": "01"}, {"type": "endsWith", "filter": "16"}],
        }
    }
    assert page_of_rows(table, [], both, 0, 9)[1] == 2
    assert page_of_rows(table, [], {"value": {"type": "equals", "filter": "'; drop"}}, 0, 9)[1] == 16


def page_of_rows(table, sort, filters, start, end):
    order = row_order(table, sort, filters)
    return rows_at(table, order[start:end]), len(order)


def test_the_csv_carries_notice_unit_source_and_no_formula(tiny):
    shown = map_table(tiny, Selection(need="crowded"), chart(tiny, need="crowded"))
    text = write(shown.document(), "csv").decode("utf-8-sig")
    assert text.startswith('"Demonstration data')
    assert "% of households" in text
    assert "Made up for the tests" in text
    lines = [line for line in text.splitlines() if line.startswith("Square 16")]
    assert lines == ["Square 16,Eastshire,North East,16," + lines[0].split(",16,", 1)[1]]


def test_what_goes_over_the_wire_is_the_number_of_bands_and_a_byte_an_area(tiny):
    shown = chart(tiny, need="crowded")
    sent = classes_bytes(shown, 16)
    assert sent[0] == 5
    assert sent[1:] == shown.classes.tobytes()
    assert classes_bytes(None, 4) == bytes([0, 252, 252, 252, 252])


def test_readings_start_at_a_multiple_of_four_and_read_back(tiny):
    sent = readings_bytes(chart(tiny, need="crowded"))
    start = sent.index(b"\n") + 1
    assert start % 4 == 0
    numbers = np.frombuffer(sent, "<f4", 16, start)
    assert numbers[15] == 16.0
    assert np.isnan(numbers[1])
    assert len(sent) == start + 16 * 4 * 4 + 16


def test_two_requests_share_one_answer(tiny):
    assert chart(tiny, need="crowded") is chart(tiny, need="crowded", services=("clinics",))
