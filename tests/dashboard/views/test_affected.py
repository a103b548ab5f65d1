"""Who is affected, on screen, in the API and in the file: the same numbers, gated by what layers are fit for."""

import csv
import io
import json
from dataclasses import replace

import pandas as pd
import pytest
from plotly.utils import PlotlyJSONEncoder

from dashboard.components.affected import affected_panel
from dashboard.exports import write
from dashboard.selection import Selection
from dashboard.views import affected as view
from dashboard.views import gap_files
from dashboard.views.gaps import gaps_of
from layers import PUBLIC
from tests.dashboard.components.test_components import text_of

ASKED = Selection(need="alcohol-admissions", services=("alcohol-drug-services",), show="gap")


@pytest.fixture(scope="module")
def gaps(demo):
    return gaps_of(demo, ASKED, PUBLIC, robustness=0)


@pytest.fixture(scope="module")
def found(gaps):
    return view.affected_of(gaps)


def test_the_demonstration_says_who_is_affected(demo, gaps, found):
    table = gaps.result.areas
    chosen = table["underserved"].to_numpy(bool) & ~table["crossing"].to_numpy(bool)
    frame = demo.store.values("no-car-households", "lsoa", PUBLIC).frame[chosen]
    row = next(row for row in found.by_who[""] if row.measure == "no-car-households")
    assert row.part == frame["numerator"].sum() and row.whole == frame["denominator"].sum()
    assert row.value == pytest.approx(100 * row.part / row.whole) and row.beside["region"].verdict == "higher"
    fifths = [row.value for row in found.by_who[""] if found.measure(row).by_area]
    assert len(fifths) == 5 and sum(fifths) == pytest.approx(100)
    assert set(found.by_who) - {""} == set(table["lad_code"][chosen])


def test_wards_are_answered_by_their_small_areas(demo):
    wards = gaps_of(demo, replace(ASKED, level="ward"), PUBLIC, robustness=0)
    made = view.affected_of(wards)
    codes = wards.result.areas["code"][wards.result.areas["underserved"] & ~wards.result.areas["crossing"]]
    inside = demo.region.areas["lsoa"]["ward_code"].isin(codes)
    assert made.by_who[""][0].areas == int(inside.sum())


def test_the_panel_says_it_beside_each_baseline_that_there_is(found):
    panel = affected_panel(found, "need=x")
    said = text_of(panel)
    assert (
        '"data-baseline": "region"' in json.dumps(panel, cls=PlotlyJSONEncoder)
        and "Each authority beside itself" in said
    )
    assert "Beside England" not in said  # the demonstration has no figure of England
    assert "People of one kind live together" in said and "Households without a car or van" in said
    assert affected_panel(None, "") == []


@pytest.mark.parametrize(
    ("asked", "shown", "unfolded"),
    [("", "region", False), ("region", "region", True), ("england", "region", True), ("authority", "authority", True)],
)
def test_the_baseline_that_the_reader_chose_is_in_the_link(found, asked, shown, unfolded):
    (panel,) = affected_panel(found, "need=x", Selection.from_query({"beside": asked} if asked else {})[0].beside)
    assert bool(panel.open) == unfolded
    props = [one.to_plotly_json()["props"] for one in panel._traverse() if hasattr(one, "to_plotly_json")]
    assert [each["data-baseline"] for each in props if each.get("aria-pressed") == "true"] == [shown]
    assert [each["data-baseline-part"] for each in props if "data-baseline-part" in each and not each["hidden"]] == [
        shown
    ]


def test_api_and_file_carry_the_same_rows(gaps, found):
    document = gap_files.gaps_document(gaps)["affected"]
    assert len(document["rows"]) == len(found.rows) and document["sentence"] == view.affected_sentence(found)
    rows = list(csv.DictReader(io.StringIO(write(view.affected_export(gaps, "2026-11-30"), "csv").decode())))
    assert len(rows) == len(found.rows) and rows[0]["where"] == found.published.region.name
    for row, line in zip(found.rows, rows, strict=True):
        assert (
            float(line["value"]) == pytest.approx(row.value) and line["region_verdict"] == row.beside["region"].verdict
        )
        assert line["notice"].startswith("Demonstration data")


def test_no_number_of_people_where_a_layer_is_not_fit_for_counting(found):
    silent = replace(found, claims=replace(found.claims, fit=frozenset({"gaps"})))
    document = view.affected_document(silent)
    assert all(row["part"] is None and row["whole"] is None and row["value"] is not None for row in document["rows"])
    assert pd.isna(view._table(silent)["part"]).all()


def test_a_workbook_holds_the_rows_of_the_csv(gaps):
    made = view.affected_export(gaps, "2026-11-30")
    book = pd.read_excel(io.BytesIO(write(made, "xlsx")), sheet_name=None, keep_default_na=False)
    rows = list(csv.DictReader(io.StringIO(write(made, "csv").decode())))
    assert list(book["who-is-affected"].columns) == list(rows[0]) and len(book["who-is-affected"]) == len(rows)
    assert set(book) == {"who-is-affected", "cautions"}


def test_nobody_underserved_says_nothing(demo):
    nothing = gaps_of(demo, replace(ASKED, max_m=500_000.0), PUBLIC, robustness=0)
    assert view.affected_of(nothing) is None and gap_files.gaps_document(nothing)["affected"] is None


def test_a_region_that_names_no_layers_says_nothing(tiny):
    asked = Selection(need="crowded", services=("clinics",), show="gap")
    assert view.affected_of(gaps_of(tiny, asked, PUBLIC, robustness=0)) is None
