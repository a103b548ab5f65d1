"""Reading a publisher's table."""

from __future__ import annotations

import os

import pandas as pd
import pytest

from layers.model import Refused
from layers.sources import tables


@pytest.fixture(autouse=True)
def nothing_kept():
    yield
    tables.forget()


def test_a_changed_file_is_read_again(tmp_path):
    file = tmp_path / "a.parquet"
    pd.DataFrame({"a": [1]}).to_parquet(file)
    assert tables.read_columns(file, ["a"])["a"].tolist() == [1]
    pd.DataFrame({"a": [2]}).to_parquet(file)
    os.utime(file, ns=(1, 1))  # another time of change, whatever the clock's resolution
    assert tables.read_columns(file, ["a"])["a"].tolist() == [2]


def test_a_callers_change_does_not_reach_the_next_reader(tmp_path):
    file = tmp_path / "a.parquet"
    pd.DataFrame({"a": [1, 2]}).to_parquet(file)
    mine = tables.read_columns(file, ["a"])
    mine["a"] = 0
    mine.loc[0, "a"] = 9
    assert tables.read_columns(file, ["a"])["a"].tolist() == [1, 2]


def test_columns_come_in_the_order_asked_for_from_csv_too(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("\ufeffb,a\n1,x\n", "utf-8")
    assert list(tables.read_columns(file, ["a", "b"]).columns) == ["a", "b"]


def test_missing_file_and_every_missing_column(tmp_path):
    with pytest.raises(Refused) as raised:
        tables.read_columns(tmp_path / "gone.parquet", ["a"])
    assert raised.value.faults[0].rule == "file-missing"
    file = tmp_path / "a.parquet"
    pd.DataFrame({"a": [1]}).to_parquet(file)
    with pytest.raises(Refused) as raised:
        tables.read_columns(file, ["x", "a", "y"])
    assert [fault.column for fault in raised.value.faults] == ["x", "y"]


@pytest.mark.parametrize("keep", [0, 3, 10, 60, -1, -9])
def test_a_file_cut_short_anywhere_is_refused(tmp_path, keep):
    file = tmp_path / "a.parquet"
    pd.DataFrame({"a": list(range(1000))}).to_parquet(file)
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(Refused) as raised:
        tables.read_columns(file, ["a"])
    assert "cut short" in raised.value.faults[0].what
    assert str(tmp_path) not in raised.value.faults[0].where
