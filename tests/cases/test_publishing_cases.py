"""Every case through the engine's front door: the right values of the table, or the refusal with its reason."""

from __future__ import annotations

import pandas as pd
import pytest

from layers import load_region, to_metres
from layers.periods import in_order
from tests.demonstration import DEMO


def keys(report) -> list[str]:
    return [question.key for question in report.questions]


def answer(report, key: str, number: int = 0) -> str:
    return next(question for question in report.questions if question.key == key).choices[number].set


def table(report) -> pd.DataFrame:
    assert report.ok, [*map(str, report.errors), *report.open_questions]
    return report.package.table


def value(report, code: str, period: str | None = None) -> float:
    rows = table(report)
    rows = rows[rows["area_code"] == code]
    if period is not None:
        rows = rows[rows["period"] == period]
    assert len(rows) == 1
    return float(rows["value"].iloc[0])


def rules(report, severity="warning") -> set[str]:
    return {fault.rule for fault in report.faults if fault.severity == severity}


# ---------------------------------------------------------------- which sheet, which rows


def test_the_sheet_is_asked_where_several_hold_a_table(look):
    found = look("gss_workbook.xlsx", vintage=2021)
    assert keys(found) == ["sheet"] and found.used["sheet"] == "Table_1" and not found.ok
    chosen = look("gss_workbook.xlsx", vintage=2021, sheet="Table_1", measure="percentage")
    assert chosen.used["sheet"] == "Table_1" and chosen.used["header_rows"] == [4]
    assert value(chosen, "E01008162") == 12.9
    hidden = table(chosen).set_index("area_code").loc["E01008165"]
    assert hidden["status"] == "suppressed" and pd.isna(hidden["value"])
    assert len(table(look("gss_workbook.xlsx", sheet="Table_2"))) == 7


def test_two_sheets_are_one_or_two_periods(look):
    found = look("two_sheets_same_columns.xlsx")
    assert keys(found) == ["sheet"]
    assert [choice.set for choice in found.questions[0].choices] == [
        'sheet = "2022"', 'sheet = "2021"', 'sheets_as_periods = ["2021", "2022"]',
    ]  # fmt: skip
    last = look("two_sheets_same_columns.xlsx", sheet="2021")
    assert last.used["sheet"] == "2021" and value(last, "E01008163") == 5
    both = look("two_sheets_same_columns.xlsx", sheets_as_periods=["2021", "2022"])
    assert value(both, "E01008163", "2021") == 5 and value(both, "E01008163", "2022") == 26 and len(table(both)) == 11


def test_two_rows_of_header_are_joined(look):
    found = look("merged_header.xlsx", vintage=2021)
    assert found.used["header_rows"] == [2, 3] and keys(found) == ["period_columns"]
    assert found.headers == (
        "Area code", "Area name", "2021/22 Number", "2021/22 Percentage", "2022/23 Number", "2022/23 Percentage",
    )  # fmt: skip
    one = look("merged_header.xlsx", vintage=2021, value_column="2022/23 Percentage", period="2022/23")
    assert value(one, "E01008162") == 22.3
    both = look(
        "merged_header.xlsx", vintage=2021, period_columns=["2021/22 Percentage", "2022/23 Percentage"],
        periods=["2021/22", "2022/23"],
    )  # fmt: skip
    assert value(both, "E01008162", "2021/22") == 20.1 and value(both, "E01008162", "2022/23") == 22.3


def test_a_merged_cell_holds_for_its_rows(look):
    found = look("merged_area_column.xlsx", vintage=2021)
    rows = table(found)
    assert (len(rows), rows["area_code"].nunique(), set(rows["period"])) == (24, 8, {"2021", "2022", "2023"})
    assert value(found, "E01008162", "2023") == 12 and "merged-cells" in rules(found)


def test_a_column_for_each_year_is_one_layer(look):
    found = look("wide_periods.csv", vintage=2021)
    assert keys(found) == ["period_columns"]
    whole = look("wide_periods.csv", vintage=2021, period_columns=["2019", "2020", "2021", "2022"])
    assert set(table(whole)["period"]) == {"2019", "2020", "2021", "2022"} and len(table(whole)) == 160
    assert value(whole, "E01008162", "2019") == 10 and value(whole, "E01008162", "2022") == 13
    assert [fault.row for fault in whole.faults if fault.row and fault.row > 1000] == []


def test_hidden_rows_are_asked(look):
    found = look("hidden_rows.xlsx", vintage=2021)
    assert keys(found)[0] == "hidden_rows" and "30 of 45 rows are hidden" in found.questions[0].words
    shown = look("hidden_rows.xlsx", vintage=2021, hidden_rows="leave out")
    assert len(table(shown)) == 15 and value(shown, "E01008162") == 50 and len(shown.rejected) == 0
    assert "rows-left-out" in rules(shown) and shown.used["rows_left_out"] == 30
    some = look("hidden_rows.xlsx", vintage=2021, hidden_rows="read", keep={"Sex": "Female"})
    assert value(some, "E01008162") == 20


def test_a_breakdown_is_chosen(look):
    found = look("breakdown_long.csv", per=100, measure="percentage")
    assert keys(found) == ["keep"] and answer(found, "keep") == 'keep.Sex = "Persons"'
    kept = look("breakdown_long.csv", per=100, measure="percentage", keep={"Sex": "Persons"})
    assert len(table(kept)) == 7 and value(kept, "E08000021") == 20
    assert "7 rows with \u201cPersons\u201d were read, 14 others left out" in str(kept.warnings)


def test_formulas_that_were_never_calculated_stop(look):
    found = look("formula_no_cache.xlsx", vintage=2021)
    assert rules(found, "error") == {"not-calculated"} and "save it there" in str(found.errors[0])


def test_one_row_that_is_too_long_is_kept_out(look):
    found = look("ragged.csv", vintage=2021)
    assert len(table(found)) == 19 and "E01008164" not in set(table(found)["area_code"])
    assert found.rejected["row"].tolist() == [4] and "more cells" in found.rejected["reason"][0]


def test_a_list_without_a_header(look):
    found = look("ods_headerless.csv", kind="services")
    assert keys(found) == ["header_rows"] and found.counts["rows"] == 7
    whole = look("ods_headerless.csv", kind="services", header_rows=[])
    assert len(table(whole)) == 7 and whole.counts["in the region"] == 6
    active = look("ods_headerless.csv", kind="services", header_rows=[], keep={"column M": "A"})
    assert len(table(active)) == 6


# ---------------------------------------------------------------- numbers


def test_thousands_in_a_file_of_semicolons(look):
    found = look("semicolon_thousands_lad.csv")
    assert keys(found) == ["decimal"] and len(found.questions[0].choices) == 2
    for said in ({"decimal": "point"}, {"measure": "count"}):
        assert value(look("semicolon_thousands_lad.csv", **said), "E08000021") == 307565
    assert value(look("semicolon_thousands_lad.csv", decimal="comma"), "E08000021") == 307.565


def test_one_slip_is_one_cell(look):
    found = look("comma_one_typo.csv", vintage=2021)
    assert "1,9872 (row 4)" in found.questions[0].words and answer(found, "marks") == 'marks."1,9872" = "missing"'
    left = look("comma_one_typo.csv", vintage=2021, marks={"1,9872": "missing"})
    rows = table(left)
    assert (rows["status"] == "ok").sum() == 19 and rows["value"].max() == 2092
    assert rows.set_index("area_code").loc["E01008164", "status"] == "missing"


def test_a_percent_sign_that_is_a_letter_of_the_format(look):
    found = look("pct_literal_format.xlsx", vintage=2021, measure="percentage")
    assert value(found, "E01008162") == 0.2 and value(found, "E01008167") == 0.35


def test_two_habits_of_percentages_are_asked(look):
    found = look("pct_mixed.csv", vintage=2021, measure="percentage")
    assert keys(found) == ["percent"] and len(found.questions[0].examples) == 6
    shares = look("pct_mixed.csv", vintage=2021, measure="percentage", percent="share")
    assert value(shares, "E01008162") == 20 and value(shares, "E01008163") == 21
    written = look("pct_mixed.csv", vintage=2021, measure="percentage", percent="percent")
    assert value(written, "E01008162") == 0.2


def test_marks_beside_thousands(look):
    found = look("flags_thousands.csv", measure="count")
    rows = table(found).set_index("area_code")
    assert rows.loc["E08000021", "value"] == 307565 and rows.loc["E08000021", "flag"] == "[r]"
    assert rows.loc["E08000037", ["value", "flag"]].tolist() == [197722, "[p]"]


def test_months_with_two_digits_for_the_year(look):
    found = look("months_two_digit_years.csv", period=None)
    assert in_order(set(table(found)["period"])) == ("Jan-24", "Feb-24", "Mar-24", "Apr-24")
    assert value(found, "E01008162", "Apr-24") == 2.3


def test_equal_values_of_other_months_are_no_repetition(look):
    found = look("months_equal_values.csv", period=None)
    assert len(table(found)) == 18 and table(found)["period"].nunique() == 3
    unmatched = look("months_equal_values.csv", columns={"period": ""})
    assert not unmatched.ok and "rows that differ elsewhere" in str(unmatched.errors[0])


def test_a_change_may_be_negative(look):
    found = look("negative_pct.csv", measure="change", unit="%")
    assert value(found, "E08000021") == -3.2
    assert "negative" in rules(look("negative_pct.csv", measure="percentage"), "error")


# ---------------------------------------------------------------- areas


@pytest.mark.parametrize("name", ["nomis_code_name.csv", "excel_quoted.csv"])
def test_the_code_is_taken_out_of_its_cell(look, name):
    found = look(name, vintage=2021)
    assert table(found)["area_code"].str.fullmatch(r"E01\d{6}").all() and found.package.descriptor.vintage == 2021
    assert len(table(found)) == {"nomis_code_name.csv": 40, "excel_quoted.csv": 126}[name]


def test_names_for_codes(look):
    found = look("lsoa_names.csv", vintage=2021)
    assert table(found)["area_code"].nunique() == 126 and "names-read" in rules(found)


def test_former_codes_of_one_authority(look):
    found = look("old_lads.csv", period=None)
    rows = table(found)
    assert len(rows) == 14 and rows.groupby("area_code").size().tolist() == [2] * 7
    assert value(found, "E08000037", "2011") == 12 and value(found, "E06000057", "2014") == 9
    assert "E08000020 is now E08000037" in str(found.warnings) and "may be meant" not in str(found.faults)


def test_output_areas_are_named_and_refused(look):
    assert "Output Area" in str(look("oa.csv").errors[0])


# ---------------------------------------------------------------- services


def test_sites_at_the_water_belong_to_their_authority(look):
    rows = table(look("site_on_the_quay.csv"))
    assert rows["lad_code"].tolist() == ["E06000057"] * 4


def test_a_list_in_another_order_is_the_same_list(look):
    first = table(look("services_v1.csv")).set_index("service_id")
    second = table(look("services_v2_resorted.csv")).set_index("service_id").loc[first.index]
    assert first.index.is_unique and first["name"].tolist() == second["name"].tolist()
    assert (first[["easting", "northing"]] == second[["easting", "northing"]]).all(axis=None)


def test_what_is_blank_or_repeated_is_no_identifier(look):
    found = look("uprn_shared.csv")
    assert len(table(found)) == 4 and "service_id" not in {guess.role for guess in found.guesses}
    assert table(found)["service_id"].is_unique


def test_exchanged_metres_are_said_and_offered(look):
    found = look("swapped_bng.csv")
    assert (
        "swapped" in rules(found, "error")
        and answer(found, "place_columns") == 'place_columns = ["Northing", "Easting"]'
    )
    turned = look("swapped_bng.csv", place_columns=["Northing", "Easting"])
    assert len(table(turned)) == 25 and table(turned)["easting"].iloc[0] == 425374


@pytest.mark.parametrize(
    ("name", "point", "within"),
    [
        ("latlong_one_column.csv", to_metres(-1.60973, 54.97045), 1),
        ("dms.csv", to_metres(-1.60973, 54.97045), 30),
        ("grid_ref.csv", (425374.5, 561243.5), 1),
        ("lga_toilets.csv", (425374, 561243), 0.1),
    ],
)
def test_other_ways_to_write_a_place(look, name, point, within):
    rows = table(look(name))
    assert abs(rows["easting"].iloc[0] - point[0]) <= within and abs(rows["northing"].iloc[0] - point[1]) <= within


def test_the_size_of_a_square_is_said(look):
    assert "square of 1 m or 100 m" in str(look("grid_ref.csv").warnings)


def test_an_identifier_that_a_spreadsheet_spoilt_is_no_place(look):
    found = look("uprn_only.csv")
    assert not found.ok and "where the services are" in str(found.errors) and "1.00E+11" in str(found.faults)


def test_postcodes_are_mended_where_one_fits(look):
    found = look("postcodes_bad.csv")
    rows = table(found).set_index("name")
    assert rows.loc["Hub three", "postcode"] == "NE10 8UR" and rows.loc["Hub eleven", "postcode"] == "NE1 4ST"
    assert rows.loc["Hub nine", "postcode"] == "NE1 8QH" and rows.loc["Hub twelve", "postcode"] == "NE8 1HH"
    lost = set(found.rejected["Service"])
    assert lost == {"Hub two", "Hub six", "Hub seven", "Hub eight", "Hub ten"}
    assert "2 postcodes were mended" in str(found.warnings)


def test_records_of_people_stop(look):
    found = look("people.csv")
    assert rules(found, "error") == {"people"} and found.format == "" and found.sample.empty and found.package is None
    assert "layers count FILE --by postcode" in found.errors[0].todo


# ---------------------------------------------------------------- other formats


@pytest.fixture(scope="session")
def demonstration():
    return load_region(DEMO)


def test_an_opendocument_workbook(look, demonstration):
    found = look("plain.ods", demonstration)
    assert found.format == "ods" and len(table(found)) == 30 and value(found, "DL0001") == 13


def test_a_readme_beside_a_table_is_passed_over(look, demonstration):
    found = look("one_csv.zip", demonstration, period_columns=["2019", "2020", "2021", "2022"])
    assert len(table(found)) == 160 and value(found, "DL0001", "2022") == 13


@pytest.mark.parametrize(("name", "count"), [("kml.kml", 1), ("hubs_shapefile.zip", 6), ("open_referral.json", 2)])
def test_places_of_other_formats(look, name, count):
    found = look(name)
    assert found.kind == "services" and len(table(found)) == count and found.counts["in the region"] == count


def test_the_bad_examples_of_open_referral_are_refused_by_name(cases, look):
    data = cases.parents[1] / "data/openreferral"
    if not data.is_dir():
        pytest.skip("the examples of Open Referral UK are not at ../shared/data/openreferral")
    one = look(str(data / "example_service_full.json"))
    assert "latitude" in str(one.faults).lower() and not one.ok
    many = look(str(data / "mock_service_list_v3.json"))
    assert "128 services have the same id" in str(many.errors)
