"""Layer packages: what is written reads back exactly, and what is wrong is said all at once."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.descriptive_keys import KEYS
from layers.descriptor import descriptor_from_json, descriptor_of_dict, descriptor_to_json, marks_of, read_descriptor
from layers.fields import INDICATOR, SERVICE
from layers.model import (
    AccessStandard,
    Audience,
    Completeness,
    Descriptor,
    Direction,
    Disclosure,
    Kind,
    Measure,
    NationalBands,
    Package,
    Position,
    Reference,
    Refused,
    Source,
)
from layers.reading.marks import MARKS, meaning, numbers
from layers.reading.package import package_files, read_package, safe_for_spreadsheets, write_package
from layers.store.records import descriptor_as_dict
from tests.tiny import SOUTH, WEST, write_tiny_pack

OUR_KEYS = {key.path[1] for key in KEYS.values() if key.place}

FULL = Descriptor(
    id="fuel-poverty",
    title="Fuel poverty",
    kind=Kind.INDICATOR,
    themes=("housing", "health"),
    partner="icb",
    description="Households in fuel poverty",
    measure=Measure.PERCENTAGE,
    unit="% of households",
    per=100.0,
    decimals=1,
    direction=Direction.HIGH_IS_WORSE,
    level="ward",
    vintage=2024,
    period="2023/24",
    national=NationalBands("lsoa", 33755, "33,755 LSOAs in England", {5: (1.0, 2.5, 4.0, 8.0), 3: (2.0, 5.0)}),
    columns={"area_code": "Ward code", "value": "Share, %"},
    audience=Audience.PARTNERS,
    disclosure=Disclosure(8, 5, True),
    counts_people=True,
    synthetic=True,
    why_it_matters="Cold homes make people ill.",
    caveats="Modelled.",
    method="Low income, low energy efficiency.",
    sources=(Source("Sub-regional fuel poverty", "DESNZ", "https://example.org/a", "OGL-UK-3.0", "Crown copyright"),),
    licence="OGL-UK-3.0",
    contact="data@example.org",
    error_sd=1.5,
    dispersion=2.25,
    weighted_by="households",
    reference=Reference("England", 13.1, "2023/24"),
    completeness=Completeness.MODELLED,
    position=Position.AREA,
    fit_for=("gaps", "ranking"),
    next_update="April 2027",
    reviewed_by="A. Person",
    reviewed_on="2026-01-05",
    extra={"keywords": ["cold"], "commonground": {"colour": "blue", "marks": {"x": "missing"}, "agreement": "dsa-7"}},
)


@pytest.fixture(scope="module")
def pack(tmp_path_factory) -> Path:
    return write_tiny_pack(tmp_path_factory.mktemp("tiny") / "pack")


def indicator(**columns) -> Package:
    size = len(next(iter(columns.values())))
    table = pd.DataFrame({"area_code": pd.Series([f"T{i:02d}" for i in range(1, size + 1)], dtype="str"), **columns})
    if "status" not in table:
        table["status"] = pd.Series("ok", index=table.index, dtype="str")
    descriptor = Descriptor("thing", "Thing", Kind.INDICATOR, ("health",), "icb", measure=Measure.SCORE)
    return Package(descriptor, table)


def round_trip(package: Package, folder: Path) -> Package:
    return read_package(write_package(package, folder))


# ---------------------------------------------------------------- the descriptor


def test_every_key_survives_json():
    table = pd.DataFrame({"area_code": ["a"], "value": [1.0], "status": ["ok"]})
    document = json.loads(json.dumps(descriptor_to_json(FULL, table)))
    assert descriptor_from_json(document) == FULL
    assert set(document["commonground"]) - {"colour"} <= OUR_KEYS
    assert document["keywords"] == ["cold"]


def _document(**ours) -> dict:
    return {"name": "clinics", "title": "Clinics",
            "commonground": {"kind": "services", "theme": "health", "partner": "icb"} | ours}  # fmt: skip


def test_what_a_layer_does_not_say_of_its_fitness_is_unknown_and_it_is_fit_for_all():
    said = descriptor_from_json(_document())
    assert (said.completeness, said.position, said.fit_for) == ("unknown", None, ("gaps", "counts", "ranking"))
    ours = descriptor_to_json(said)["commonground"]
    assert ours["completeness"] == "unknown" and not {"position", "fit_for"} & set(ours)


@pytest.mark.parametrize("fit", ([], ["ranking"], ["counts", "gaps"]))
def test_fit_for_nothing_is_not_fit_for_everything(fit):
    """An empty list must not be dropped for the default on its way through file, store and file."""
    said = descriptor_from_json(_document(fit_for=fit))
    kept = descriptor_of_dict(json.loads(json.dumps(descriptor_as_dict(said))))
    again = json.loads(json.dumps(descriptor_to_json(kept)))
    assert sorted(again["commonground"]["fit_for"]) == sorted(fit)
    assert set(descriptor_from_json(again).fit_for) == set(fit)


def test_a_standard_that_nobody_adopted_is_an_assumption():
    said = {"metric": "nearest", "max_m": 1600}
    assert descriptor_from_json(_document(access_standard=said)).access_standard == AccessStandard(
        "nearest", 1600, "assumption"
    )
    adopted = descriptor_from_json(_document(access_standard=said | {"status": "adopted"}))
    assert adopted.access_standard.status == "adopted"
    assert descriptor_to_json(adopted)["commonground"]["access_standard"]["status"] == "adopted"


def test_every_fault_of_fitness_is_told_in_one_report():
    wrong = {
        "completeness": "most of it",
        "position": "roughly",
        "fit_for": ["gaps", "bets", "glory"],
        "error_sd": 0,
        "dispersion": 0.5,
        "weighted_by": "dogs",
        "reference": {"value": "many"},
        "agreement": 7.5j,
        "access_standard": {"max_m": -1, "status": "hoped for"},
    }
    with pytest.raises(Refused) as refused:
        descriptor_from_json(_document(**wrong))
    told = {fault.column.removeprefix("commonground."): fault.what for fault in refused.value.faults}
    assert told == {
        "completeness": "'most of it' is not one of the words in use",
        "position": "'roughly' is not one of the words in use",
        "fit_for": "'bets', 'glory' are not among the words in use",
        "error_sd": "0 is not above 0",
        "dispersion": "0.5 is below 1",
        "weighted_by": "'dogs' is not one of the words in use",
        "reference.name": "the key is missing",
        "reference.value": "is not a number",
        "agreement": "is not text",
        "access_standard.max_m": "there is no distance above 0",
        "access_standard.status": "'hoped for' is not one of the words in use",
    }


def test_the_document_is_a_data_package():
    document = descriptor_to_json(
        FULL, pd.DataFrame({"area_code": ["a"], "value": [1.0], "flag": ["[c]"], "status": ["suppressed"]})
    )
    (resource,) = document["resources"]
    assert re.fullmatch(r"[a-z0-9._-]+", document["name"])
    assert resource["path"] == "data.csv" and resource["format"] == "csv" and resource["mediatype"] == "text/csv"
    assert [field["name"] for field in resource["schema"]["fields"]] == ["Ward code", "Share, %", "flag", "status"]
    assert [field["type"] for field in resource["schema"]["fields"]][:2] == ["string", "number"]
    assert resource["schema"]["missingValues"][0] == "" and {"*", "[c]"} <= set(resource["schema"]["missingValues"])
    assert all({"name", "path"} & set(one) for one in document["licenses"])
    assert document["sources"][0]["path"].startswith("https://")


def test_all_faults_of_a_descriptor_are_told_at_once():
    document = {
        "name": "Not A Name",
        "commonground": {
            "kind": "indicator",
            "measure": "vibes",
            "per": -1,
            "geography": {"level": "parish", "vintage": "soon"},
            "audience": ["public"],
            "columns": {"area_code": "code", "shoe_size": "x", "value": "code"},
            "disclosure": {"threshold": -3},
            "counts_people": "yes",
            "national": {"quantiles": {"5": [1, 2]}},
        },
    }
    with pytest.raises(Refused) as refused:
        descriptor_from_json(document)
    said = {fault.column for fault in refused.value.faults}
    assert said >= {
        "name", "title", "commonground.theme", "commonground.partner", "commonground.measure", "commonground.per",
        "commonground.geography.level", "commonground.geography.vintage", "commonground.audience", "commonground.columns",
        "commonground.disclosure.threshold", "commonground.counts_people", "commonground.national.quantiles",
    }  # fmt: skip
    assert all(fault.todo for fault in refused.value.faults)


@pytest.mark.parametrize("document", [None, [], "x", {}, {"commonground": 3}, {"commonground": {"kind": {"a": 1}}}])
def test_no_document_breaks_the_reader(document):
    descriptor, faults = read_descriptor(document)
    assert descriptor is None and faults


_anything = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150)
@given(st.dictionaries(st.sampled_from([*sorted(OUR_KEYS), "other"]), _anything, max_size=8), _anything, _anything)
def test_whatever_stands_in_a_descriptor_it_is_read_or_refused_never_worse(ours, title, sources):
    descriptor, faults = read_descriptor({"name": "a", "title": title, "sources": sources, "commonground": ours})
    assert (descriptor is None) == any(fault.severity == "error" for fault in faults)


def test_a_script_is_not_a_web_address():
    document = descriptor_to_json(FULL, None)
    document["sources"][0]["path"] = "javascript:alert(1)"
    descriptor, faults = read_descriptor(document)
    assert descriptor is None and faults[0].column == "sources.path"


@pytest.mark.parametrize(
    "path", ["../../secret.csv", "/etc/passwd", "https://example.org/x.csv", "C:\\x.csv", "", ["a.csv", "b.csv"], 3]
)
def test_the_table_is_a_file_beside_the_descriptor_and_nothing_else(pack, tmp_path, path):
    folder = tmp_path / "p"
    folder.mkdir()
    document = json.loads((pack / "layers/harm/datapackage.json").read_text())
    document["resources"][0]["path"] = path
    (folder / "datapackage.json").write_text(json.dumps(document))
    (tmp_path / "secret.csv").write_text("area_code,value\nT01,1\n")
    with pytest.raises(Refused, match=r"resources\[0\].path"):
        read_package(folder)


# ---------------------------------------------------------------- reading


def test_the_tiny_pack_reads_with_its_statuses(pack):
    harm = read_package(pack / "layers/harm").table
    assert (
        list(harm["status"]) == ["missing"] + ["ok"] * 15
    )  # T01 is blank; numerator and denominator make the others ok
    crowded = read_package(pack / "layers/crowded").table
    assert crowded.loc[1, "status"] == "suppressed" and np.isnan(crowded.loc[1, "numerator"])
    assert crowded.loc[0, "numerator"] == 1.0 and list(crowded.index) == list(range(16))


def test_services_get_both_kinds_of_coordinates(pack):
    clinics = read_package(pack / "layers/clinics").table
    assert (
        list(clinics["easting"]) == [WEST + 500, WEST + 3500] and list(clinics["location_from"]) == ["coordinates"] * 2
    )
    from pyproj import Transformer

    east, north = Transformer.from_crs(4326, 27700, always_xy=True).transform(clinics["longitude"], clinics["latitude"])
    assert np.allclose(east, clinics["easting"], atol=0.02) and np.allclose(north, [SOUTH + 500] * 2, atol=0.02)


@pytest.mark.parametrize(
    ("row", "status", "flag"),
    [
        ("5,,", "ok", ""),
        ("0,,", "ok", ""),  # a true zero
        (",3,10", "ok", ""),  # numerator and denominator make a value
        (",3,0", "missing", ""),  # nothing divides by zero
        (",0,0", "missing", ""),
        (",,", "missing", ""),
        ("*,,", "suppressed", ""),
        ("*,3,10", "suppressed", ""),  # withheld is withheld, even where its parts slipped through
        ("[c],,", "suppressed", "[c]"),
        ("c,,", "suppressed", "c"),
        ("x,,", "suppressed", "x"),
        (",c,10", "suppressed", "c"),
        (",*,10", "suppressed", ""),
        (":,,", "missing", ":"),
        ("[x],3,10", "missing", "[x]"),
        ("N/A,,", "missing", "N/A"),
        ("<5,,", "suppressed", "<5"),
        ("7 [p],,", "ok", "[p]"),
    ],
)
def test_status_of_a_row(tmp_path, row, status, flag):
    document = descriptor_to_json(
        replace(indicator(value=[1.0]).descriptor, measure=Measure.PERCENTAGE, per=100.0), None
    )
    (tmp_path / "datapackage.json").write_text(json.dumps(document))
    (tmp_path / "data.csv").write_text(f"area_code,value,numerator,denominator\nT01,{row}\n")
    (one,) = read_package(tmp_path).table.to_dict("records")
    assert one["status"] == status and one.get("flag", "") == flag
    assert np.isfinite(one["value"]) == (status == "ok" and not row.startswith(","))


def test_a_layer_may_use_a_mark_in_its_own_sense(tmp_path):
    package = indicator(value=[1.0, np.nan])
    descriptor = replace(package.descriptor, extra={"commonground": {"marks": {"x": "missing"}}})
    (tmp_path / "datapackage.json").write_text(json.dumps(descriptor_to_json(descriptor, package.table)))
    (tmp_path / "data.csv").write_text("area_code,value\nT01,1\nT02,x\n")
    read = read_package(tmp_path)
    assert marks_of(read.descriptor) == {"x": "missing"} and read.table.loc[1, "status"] == "missing"


def test_missing_values_of_the_table_schema_are_honoured(tmp_path):
    """With labels (Data Package v2) a mark says what it means; without, what we do not know is missing, as the standard says."""
    document = descriptor_to_json(indicator(value=[1.0]).descriptor, None)
    schema = document["resources"][0]["schema"]
    schema["missingValues"] = [
        {"value": "q", "label": "Withheld to protect people"},
        {"value": "-8", "label": "Fewer than 10 people"},
        {"value": "*", "label": "not collected"},  # its own sense, against the list
        {"value": "", "label": "blank"},
        "-99", "nd", "[c]", "<5", 7, {"label": "nothing"},
    ]  # fmt: skip
    (tmp_path / "datapackage.json").write_text(json.dumps(document))
    cells = ["q", "-8", "*", "-99", "nd", "[c]", "<5", "5", ""]
    rows = "".join(f"T{i:02d},{cell}\n" for i, cell in enumerate(cells, 1))
    (tmp_path / "data.csv").write_text("area_code,value\n" + rows)
    read = read_package(tmp_path)
    suppressed, missing = "suppressed", "missing"
    assert list(read.table["status"]) == [
        suppressed, suppressed, missing, missing, missing, suppressed, suppressed, "ok", missing,
    ]  # fmt: skip
    assert read.table["value"].dropna().tolist() == [5.0]
    again = round_trip(read, tmp_path / "again")  # what was said stays said
    assert again.descriptor == read.descriptor and list(again.table["status"]) == list(read.table["status"])
    # our own key wins over the standard's
    document["commonground"]["marks"] = {"q": "missing"}
    (tmp_path / "datapackage.json").write_text(json.dumps(document))
    assert read_package(tmp_path).table.loc[0, "status"] == missing


@pytest.mark.parametrize("odd", [None, "x", 7, {"value": "x"}, [None, [], {"value": 3}, "y" * 200]])
def test_missing_values_that_are_none_do_no_harm(tmp_path, odd):
    document = descriptor_to_json(indicator(value=[1.0]).descriptor, None)
    document["resources"][0]["schema"]["missingValues"] = odd
    (tmp_path / "datapackage.json").write_text(json.dumps(document))
    (tmp_path / "data.csv").write_text("area_code,value\nT01,1\n")
    assert marks_of(read_package(tmp_path).descriptor) == {}


def test_every_bad_cell_is_named_by_row_and_column(tmp_path):
    document = descriptor_to_json(indicator(value=[1.0]).descriptor, None)
    (tmp_path / "datapackage.json").write_text(json.dumps(document))
    (tmp_path / "data.csv").write_text("area_code,value,lower\nT01,1,1\nT02,lots,1\nT03,3,nope\nT04,#REF!,1\n")
    with pytest.raises(Refused) as refused:
        read_package(tmp_path)
    assert [(fault.row, fault.column, fault.value) for fault in refused.value.faults] == [
        (3, "value", "lots"), (5, "value", "#REF!"), (4, "lower", "nope"),
    ]  # fmt: skip


def test_rows_are_counted_as_in_the_file_even_past_blank_lines(tmp_path):
    (tmp_path / "datapackage.json").write_text(json.dumps(descriptor_to_json(indicator(value=[1.0]).descriptor, None)))
    (tmp_path / "data.csv").write_text("area_code,value\nT01,1\n\n\nT02,bad\n")
    with pytest.raises(Refused) as refused:
        read_package(tmp_path)
    assert [fault.row for fault in refused.value.faults] == [5]


def test_a_bare_table_reads_with_its_descriptor_beside_it_and_so_does_a_zip(tmp_path):
    package = indicator(value=[1.5, 2.5])
    folder = write_package(package, tmp_path / "thing")
    bare = tmp_path / "thing.csv"
    bare.write_bytes((folder / "data.csv").read_bytes())
    with pytest.raises(Refused, match="descriptor"):
        read_package(bare)
    (tmp_path / "thing.datapackage.json").write_bytes((folder / "datapackage.json").read_bytes())
    zipped = tmp_path / "thing.zip"
    with zipfile.ZipFile(zipped, "w") as archive:
        for file in folder.iterdir():
            archive.write(file, f"inner/{file.name}")
    for path in (bare, zipped, folder):
        pd.testing.assert_frame_equal(read_package(path).table, package.table)
    assert len({read_package(path).sha256 for path in (bare, zipped)}) == 2


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": NaN}', "\x00\x01"])
def test_a_broken_descriptor_is_refused(tmp_path, text):
    (tmp_path / "datapackage.json").write_text(text)
    (tmp_path / "data.csv").write_text("area_code,value\nT01,1\n")
    with pytest.raises(Refused):
        read_package(tmp_path)


def test_what_is_not_there_is_said(tmp_path):
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(Refused) as refused:
            read_package(path)
        assert refused.value.faults[0].todo


# ---------------------------------------------------------------- writing


def test_every_status_and_mark_round_trips(tmp_path):
    package = indicator(
        value=[1.0, 0.0, np.nan, np.nan, np.nan, np.nan, 7.25, np.nan],
        flag=pd.Series(["", "r", "[c]", "", ":", "", "", "c"], dtype="str"),
        status=pd.Series(
            ["ok", "ok", "suppressed", "suppressed", "missing", "missing", "converted", "missing"], dtype="str"
        ),
    )
    again = round_trip(package, tmp_path / "p")
    pd.testing.assert_frame_equal(again.table, package.table)
    assert again.descriptor == package.descriptor


def test_a_full_descriptor_round_trips_through_files(tmp_path):
    table = pd.DataFrame(
        {"area_code": ["E05000001", "E05000002"], "value": [12.5, np.nan], "status": ["ok", "suppressed"]}
    ).astype({"area_code": "str", "status": "str"})
    again = round_trip(Package(FULL, table), tmp_path / "p")
    assert again.descriptor == FULL
    pd.testing.assert_frame_equal(again.table, table)
    assert (tmp_path / "p/data.csv").read_text().splitlines()[0] == 'Ward code,"Share, %"'


def test_services_round_trip(pack, tmp_path):
    package = read_package(pack / "layers/clinics")
    again = round_trip(package, tmp_path / "p")
    pd.testing.assert_frame_equal(again.table, package.table)
    assert again.descriptor == package.descriptor


_value = st.floats(allow_nan=True, allow_infinity=False, width=64)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            _value,
            st.sampled_from(["ok", "converted", "suppressed", "missing"]),
            st.sampled_from(["", "r", "[c]", ":", "*", "p"]),
        ),
        min_size=1,
        max_size=12,
    ),
    st.booleans(),
)
def test_any_table_round_trips_to_the_last_bit(tmp_path_factory, rows, with_flag):
    value = [number if status in ("ok", "converted") else np.nan for number, status, _ in rows]
    columns = {"value": np.array(value, dtype=float)}
    if with_flag:
        columns["flag"] = pd.Series([flag for _, _, flag in rows], dtype="str")
    package = indicator(**columns, status=pd.Series([status for _, status, _ in rows], dtype="str"))
    folder = tmp_path_factory.mktemp("trip") / "p"
    again = round_trip(package, folder).table
    assert again["status"].tolist() == package.table["status"].tolist()
    np.testing.assert_array_equal(
        again["value"].to_numpy() + 0.0, package.table["value"].to_numpy() + 0.0
    )  # -0.0 is 0.0
    if with_flag:
        assert again["flag"].tolist() == package.table["flag"].tolist()


def test_writing_replaces_in_one_step_and_leaves_nothing_behind(tmp_path, monkeypatch):
    first, second = indicator(value=[1.0]), indicator(value=[2.0])
    folder = write_package(first, tmp_path / "p")
    write_package(second, folder)
    assert read_package(folder).table.loc[0, "value"] == 2.0

    def fail(self, target):
        if Path(target) == folder and "old" not in str(self):
            raise OSError("no space left")
        return original(self, target)

    original = Path.rename
    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="no space"):
        write_package(first, folder)
    monkeypatch.undo()
    assert read_package(folder).table.loc[0, "value"] == 2.0
    assert [file.name for file in tmp_path.iterdir()] == ["p"]


def test_an_infinite_number_is_not_written(tmp_path):
    with pytest.raises(Refused, match="infinite"):
        write_package(indicator(value=[np.inf]), tmp_path / "p")
    assert list(tmp_path.iterdir()) == []


def test_the_input_is_not_changed(tmp_path):
    package = indicator(value=[1.0, np.nan], status=pd.Series(["ok", "suppressed"], dtype="str"))
    before = package.table.copy(deep=True)
    package_files(package)
    pd.testing.assert_frame_equal(package.table, before)


# ---------------------------------------------------------------- marks


def test_marks_are_never_zero_and_never_numbers():
    for mark, (what, _) in MARKS.items():
        read = numbers(pd.Series([mark.upper(), "1"], dtype="str"))
        assert read.state[0] == what == meaning(mark) and np.isnan(read.value[0])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234", 1234), ("1,234,567.5", 1234567.5), ("12.5%", 12.5), (" 7 ", 7), ("\u00a07\u200b", 7), ("£1,200", 1200),
        ("1 234", 1234), ("(5)", -5), ("−3.5", -3.5), ("+4", 4), ("1e3", 1000), (".5", 0.5), ("5.", 5), ("-0.25", -0.25),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(text, value):
    assert numbers(pd.Series([text], dtype="str")).value[0] == value


@pytest.mark.parametrize(
    "text", ["inf", "1_000", "1e999", "0x10", "ten", "1,23,4", "12,34.5", "1.2.3", "--1", "1-", "#REF!", "TRUE", "(a)"]
)
def test_what_is_no_number_is_bad(text):
    read = numbers(pd.Series([text], dtype="str"))
    assert read.state[0] == "bad" and np.isnan(read.value[0])


def test_a_comma_is_decimal_only_where_the_column_says_so():
    assert list(numbers(pd.Series(["1,500", "2,250"], dtype="str")).value) == [1500, 2250]
    assert list(numbers(pd.Series(["1,5", "2,250"], dtype="str")).value) == [1.5, 2.25]  # 1,5 can only be a decimal
    assert list(numbers(pd.Series(["1.234,5", "7"], dtype="str")).value) == [1234.5, 7]
    assert list(numbers(pd.Series(["1,500"], dtype="str"), decimal_comma=True).value) == [1.5]


@settings(max_examples=200)
@given(st.text(max_size=12))
def test_any_text_is_a_number_or_a_mark_or_bad(text):
    read = numbers(pd.Series([text], dtype="str"))
    assert read.state[0] in ("number", "suppressed", "missing", "bad")
    assert np.isfinite(read.value[0]) == (read.state[0] == "number")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_reads_back_to_the_last_bit(number):
    assert numbers(pd.Series([repr(number)], dtype="str")).value[0] == number


# ---------------------------------------------------------------- files for people, and the docs


def test_no_spreadsheet_runs_a_cell():
    frame = pd.DataFrame({"a": ["=1+1", "+cmd", "-3.2", "@x", "\tx", "fine", "-", "-x"], "=n": range(8)})
    safe = safe_for_spreadsheets(frame)
    assert list(safe["a"]) == ["'=1+1", "'+cmd", "-3.2", "'@x", "'\tx", "fine", "-", "'-x"]
    assert list(safe.columns) == ["a", "'=n"] and list(frame.columns) == ["a", "=n"]


def test_the_format_reference_is_in_step_with_the_code():
    """Print the tables again with: python -m layers.reference"""
    from layers.reference import FILE, with_tables

    text = FILE.read_text("utf-8")
    assert with_tables(text) == text
    keys = [".".join(key.path[1:]) for key in KEYS.values() if key.place]
    for name in (*INDICATOR, *SERVICE, *keys):
        assert f"| `{name}` |" in text


@pytest.mark.real
def test_every_lsoa_of_england_reads_back(tmp_path):
    data = Path(__file__).parents[3] / "../shared/data/indicators/IoD2025_scores_ranks_deciles_LSOA21.parquet"
    if not data.exists():
        pytest.skip("the real open data is not at ../shared/data")
    frame = pd.read_parquet(data)
    table = pd.DataFrame({"area_code": frame.iloc[:, 0].astype("str"), "value": frame.iloc[:, 1].astype(float)})
    table["status"] = pd.Series("ok", index=table.index, dtype="str")
    package = Package(indicator(value=[1.0]).descriptor, table)
    pd.testing.assert_frame_equal(round_trip(package, tmp_path / "p").table, table)
