"""Community Needs Index."""

from __future__ import annotations

import pandas as pd
import pytest

from layers.sources import ocsi, tables
from tests.layers.official import REAL, write_official


def test_a_score_is_taken_over(tmp_path):
    file = write_official(tmp_path) / "indicators/scores.parquet"
    assert ocsi.read(file, {"area": "area", "value": "score"})["value"].tolist() == [10.0, 20.0, 30.0, 40.0]
    tables.forget()


@pytest.mark.real
def test_a_higher_score_is_more_need_in_every_part():
    """Rank 1 is most need; score and rank must run against each other, or the direction of the layers would be wrong."""
    file = REAL / "indicators/Community_Needs_Index_2023_LSOA21.parquet"
    if not file.exists():
        pytest.skip("the real open data is not at ../shared/data")
    frame = pd.read_parquet(file)
    for score in (name for name in frame if name.endswith("Score")):
        assert frame[score].corr(frame[score.replace("Score", "Rank")], method="spearman") < -0.99, score
