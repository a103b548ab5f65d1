"""Census counts with their total."""

from __future__ import annotations

import pandas as pd
import pytest

from layers.model import Refused
from layers.sources import ons_census, tables
from tests.layers.official import write_official

OPTIONS = {"area": "area", "numerator": ["council", "other"], "denominator": "all"}


@pytest.fixture
def file(tmp_path):
    yield write_official(tmp_path) / "indicators/homes.parquet"
    tables.forget()


def test_categories_are_added_up(file):
    tidy = ons_census.read(file, OPTIONS)
    assert tidy["numerator"].tolist() == [20.0, 30.0, 0.0, 200.0]  # 15 + 5, 30 + 0, 0 + 0, 100 + 100
    assert tidy["denominator"].tolist() == [100.0, 100.0, 50.0, 400.0]
    assert tidy["denominator"].dtype == "float64"


def test_a_blank_category_makes_a_blank_sum(file):
    frame = pd.read_parquet(file).astype({"other": "Int64"})
    frame.loc[0, "other"] = pd.NA
    frame.to_parquet(file)
    assert ons_census.read(file, OPTIONS)["numerator"].isna().tolist() == [True, False, False, False]


def test_a_part_above_its_whole_is_refused(file):
    pd.read_parquet(file).assign(council=[101, 0, 0, 0]).to_parquet(file)
    with pytest.raises(Refused) as raised:
        ons_census.read(file, OPTIONS)
    assert [fault.rule for fault in raised.value.faults] == ["part-above-whole"]
