"""Street-level crime: what is counted, and where nothing recorded means nothing known."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.model import Refused
from layers.sources import police_uk, tables
from tests.layers.official import FOUR, ONE, REAL, TWO, write_official

MONTHS = ["2024-01", "2024-02"]


@pytest.fixture
def folder(tmp_path):
    yield write_official(tmp_path)
    tables.forget()


def counted(folder, **options) -> dict:
    tidy = police_uk.read(folder / "indicators/crime.parquet", {"months": MONTHS, **options})
    keys = ["area_code", "period"] if "period" in tidy else ["area_code"]
    return tidy.set_index(keys)["numerator"].to_dict()


def test_types_are_added_up_and_wales_left_out(folder):
    # One: 3 + 1 drugs, 7 burglaries. Two: 4 by Northumbria, 2 by the transport police. Four: 9. Wales is not England.
    assert counted(folder) == {ONE: 11.0, TWO: 6.0, FOUR: 9.0}
    assert counted(folder, crime_types=["Drugs"]) == {ONE: 4.0, TWO: 6.0, FOUR: 9.0}
    assert counted(folder, without=["Drugs"]) == {ONE: 7.0}
    assert counted(folder, crime_types=["Drugs"], months=["2024-02"]) == {ONE: 1.0, TWO: 6.0}


def test_months_stay_apart(folder):
    assert counted(folder, crime_types=["Drugs"], by_month=True) == {
        (FOUR, "2024-01"): 9.0,
        (ONE, "2024-01"): 3.0,
        (ONE, "2024-02"): 1.0,
        (TWO, "2024-02"): 6.0,
    }


def test_unknown_types_and_months_are_refused_with_what_there_is(folder):
    for options, column in (({"crime_types": ["Drug"]}, "crime_type"), ({"months": ["2023-12"]}, "month")):
        with pytest.raises(Refused) as raised:
            counted(folder, **options)
        (fault,) = raised.value.faults
        assert fault.column == column and "it has:" in fault.todo


def test_only_the_home_force_makes_an_area_known(folder):
    forces = folder / "lookups/forces.csv"
    known = police_uk.covered(folder / "indicators/crime.parquet", {"months": MONTHS}, forces)
    assert known.to_dict("records") == [
        {"lad_code": "E08000021", "month": "2024-01"},
        {"lad_code": "E08000021", "month": "2024-02"},
    ]


def test_two_forces_for_one_authority_are_refused(folder):
    forces = folder / "lookups/forces.csv"
    pd.DataFrame({"LAD24CD": ["E08000021"] * 2, "PFA24NM": ["Northumbria", "Durham"]}).to_csv(forces, index=False)
    with pytest.raises(Refused, match="two police forces"):
        police_uk.covered(folder / "indicators/crime.parquet", {"months": MONTHS}, forces)


def test_negative_counts_are_refused(folder):
    file = folder / "indicators/crime.parquet"
    pd.read_parquet(file).assign(count=-1).to_parquet(file)
    with pytest.raises(Refused, match="negative"):
        counted(folder)


rows = st.lists(
    st.tuples(st.sampled_from([ONE, TWO, FOUR]), st.sampled_from(MONTHS), st.sampled_from("ABC"), st.integers(0, 99)),
    min_size=1,
    max_size=40,
)


@settings(max_examples=25)
@given(rows=rows)
def test_months_and_types_sum_to_the_whole(rows, tmp_path_factory):
    """Law: splitting by month and by type loses and invents nothing."""
    rows = [*rows, *((ONE, month, kind, 0) for month in MONTHS for kind in "ABC")]
    frame = pd.DataFrame(rows, columns=["lsoa21_code", "month", "crime_type", "count"])
    file = tmp_path_factory.mktemp("law") / "crime.parquet"
    frame.assign(lad_code="E08000021", police_force="Northumbria Police").to_parquet(file)
    whole = police_uk.read(file, {"months": MONTHS})["numerator"].sum()
    by_month = police_uk.read(file, {"months": MONTHS, "by_month": True})["numerator"].sum()
    by_type = sum(police_uk.read(file, {"months": MONTHS, "crime_types": [kind]})["numerator"].sum() for kind in "ABC")
    assert whole == by_month == by_type == sum(row[3] for row in rows)
    tables.forget()


@pytest.mark.real
def test_who_is_in_the_real_file():
    file, forces = REAL / "indicators/crime_lsoa_2024.parquet", REAL / "lookups/LAD24_CSP24_PFA24_EW_LU.csv"
    if not file.exists():
        pytest.skip("the real open data is not at ../shared/data")
    months = ["2024-01", "2024-02", "2024-03", "2024-04"]
    known = police_uk.covered(file, {"months": months}, forces)
    north_east = {"E06000047", "E06000057", "E08000021", "E08000022", "E08000023", "E08000024", "E08000037"}
    assert north_east <= set(known["lad_code"])
    count = known["lad_code"].value_counts()
    assert count["E06000018"] == 3, "Nottingham's force is absent in April"
    assert not {"E08000003", "E09000033", "E08000025", "E08000035"} & set(count.index)  # four forces are absent
    tables.forget()
