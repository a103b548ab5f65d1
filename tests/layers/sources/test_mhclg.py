"""Indices of deprivation: published rates with the people behind them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from layers.model import Refused
from layers.sources import mhclg, tables
from tests.layers.official import write_official

PEOPLE = {"file": "people.parquet", "area": "area", "numerator": "people"}


@pytest.fixture
def folder(tmp_path):
    yield write_official(tmp_path) / "indicators"
    tables.forget()


def test_a_share_becomes_a_percentage(folder):
    tidy = mhclg.read(folder / "scores.parquet", {"area": "area", "value": "rate", "scale": 100})
    assert list(tidy.columns) == ["area_code", "value"]
    assert tidy["value"].tolist() == [10.0, 25.0, 2.0, 50.0]


def test_denominator_is_number_divided_by_rate(folder):
    tidy = mhclg.read(folder / "scores.parquet", {"area": "area", "value": "rate", "scale": 100, "people": PEOPLE})
    assert tidy["denominator"].tolist()[:2] == [1000.0, 2000.0]  # 100 / 0.10, 500 / 0.25
    assert tidy["denominator"].iloc[3] == 4000.0  # 2,000 / 0.50
    assert np.isnan(tidy["numerator"].iloc[2]) and np.isnan(tidy["denominator"].iloc[2])
    assert tidy["value"].notna().all()


def test_a_rate_of_nothing_gives_no_denominator(folder):
    file = folder / "scores.parquet"
    pd.read_parquet(file).assign(rate=[0.0, 0.25, 0.02, 0.5]).to_parquet(file)
    tidy = mhclg.read(file, {"area": "area", "value": "rate", "people": PEOPLE})
    assert np.isnan(tidy["denominator"].iloc[0]), "no division by zero"


def test_a_companion_of_other_areas_is_refused(folder):
    file = folder / "people.parquet"
    pd.read_parquet(file).iloc[1:].to_parquet(file)
    with pytest.raises(Refused, match=r"not those of scores\.parquet"):
        mhclg.read(folder / "scores.parquet", {"area": "area", "value": "rate", "people": PEOPLE})
