"""Modelled loneliness."""

from __future__ import annotations

import pandas as pd
import pytest

from layers.model import Refused
from layers.sources import british_red_cross, tables
from tests.layers.official import write_official


def test_percentages_only(tmp_path):
    file = write_official(tmp_path) / "indicators/scores.parquet"
    assert british_red_cross.read(file, {"area": "area", "value": "score"})["value"].max() == 40.0
    pd.read_parquet(file).assign(score=[10, 20, 30, 104.2]).to_parquet(file)
    with pytest.raises(Refused, match="outside 0 to 100"):
        british_red_cross.read(file, {"area": "area", "value": "score"})
    tables.forget()
