"""Population estimates."""

from __future__ import annotations

import pandas as pd
import pytest

from layers.model import Refused
from layers.sources import ons_population, tables
from tests.layers.official import write_official


@pytest.fixture
def file(tmp_path):
    yield write_official(tmp_path) / "indicators/residents.parquet"
    tables.forget()


def test_residents_as_denominator(file):
    tidy = ons_population.read(file, {"area": "area", "denominator": "residents"})
    assert tidy["denominator"].tolist() == [1000.0, 2000.0, 1000.0, 4000.0]


def test_negative_residents_are_refused(file):
    pd.read_parquet(file).assign(residents=[-1, 2, 3, 4]).to_parquet(file)
    with pytest.raises(Refused, match="negative"):
        ons_population.read(file, {"area": "area", "denominator": "residents"})
