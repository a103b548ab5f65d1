"""A limit that reaches everything from everywhere is refused with one that is taken; others are not looked at twice."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from dashboard.jobs import ASKER, Asker
from dashboard.views import gaps as view
from dashboard.views import reach
from layers import PUBLIC, GapRequest, Refused

FAR = GapRequest((("crowded", 1.0),), ("clinics",), metric="e2sfca", max_m=500_000.0, robustness=0)


@pytest.fixture
def asking(monkeypatch):
    monkeypatch.setattr(reach, "MOST_S", 100 * reach.PER_PAIR)  # 100 pairs of the tiny region's 16 areas
    ASKER.set(Asker("address:1"))
    yield
    ASKER.set(None)


@pytest.fixture
def sites(tiny):
    areas = tiny.region.areas["lsoa"]
    return pd.DataFrame({"easting": areas["centroid_x"] + 10.0, "northing": areas["centroid_y"]})


def pairs_within(tiny, sites, metres) -> int:
    areas = tiny.region.areas["lsoa"]
    x = areas["centroid_x"].to_numpy()[:, None] - sites["easting"].to_numpy()
    y = areas["centroid_y"].to_numpy()[:, None] - sites["northing"].to_numpy()
    return int((np.hypot(x, y) <= metres).sum())


@pytest.mark.parametrize("detour", [1.0, 1.4])
def test_the_limit_that_is_named_is_taken(tiny, sites, asking, detour):
    asked = replace(FAR, detour=detour)
    with pytest.raises(Refused) as refused:
        reach.check_reach(asked, tiny.region, [sites])
    (fault,) = refused.value.faults
    assert fault.what.startswith("256 pairs of area and site") and fault.where == "max_m"
    may = float(re.search(r"max_m=(\d+)", fault.todo)[1])
    reach.check_reach(replace(asked, max_m=may), tiny.region, [sites])
    assert 0 < pairs_within(tiny, sites, may / detour) <= 100


def test_minutes_are_those_of_who_drives(tiny, sites, asking):
    asked = replace(FAR, fair=True, max_m=None, max_min=600.0, driving_kmh=3.0, walking_kmh=1.0)
    with pytest.raises(Refused) as refused:
        reach.check_reach(asked, tiny.region, [sites])
    (fault,) = refused.value.faults
    may = float(re.search(r"max_min=(\d+)", fault.todo)[1])
    assert fault.where == "max_min" and 0 < pairs_within(tiny, sites, may * 50.0) <= 100
    with pytest.raises(Refused, match="too much at once"):
        reach.check_reach(replace(asked, max_min=None, max_m=500_000.0), tiny.region, [sites])


def test_what_measures_little_is_taken(tiny, sites, asking):
    reach.check_reach(replace(FAR, metric="nearest"), tiny.region, [sites])
    reach.check_reach(replace(FAR, max_m=50.0), tiny.region, [sites])
    reach.check_reach(FAR, tiny.region, [sites.head(3)])
    reach.check_reach(FAR, tiny.region, [])


def test_by_command_everything_is_worked_out(tiny, sites, monkeypatch):
    monkeypatch.setattr(reach, "MOST_S", 0.0)
    reach.check_reach(FAR, tiny.region, [sites])


def test_a_question_is_asked_for_its_reach(tiny, asking, monkeypatch):
    monkeypatch.setattr(reach, "MOST_S", 0.0)
    view.kept(tiny)._things.clear()
    with pytest.raises(Refused, match="too much at once"):
        view.gaps_for(tiny, FAR, PUBLIC)
