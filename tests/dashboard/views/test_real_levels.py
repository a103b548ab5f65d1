"""The real North East at every level: all nine pairs answer or say why; stability and the headline's range once more, independently."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata

from dashboard.published import Published
from dashboard.selection import Selection, weighted
from dashboard.views import gaps as view
from dashboard.views.levels import struck_levels
from layers import LEVELS, METRICS, PUBLIC, load_region, open_store
from tests.dashboard.views.test_levels import behind

ROOT = Path(__file__).resolve().parents[3]
NEEDS = {"households-deprived-2021": 2.0, "violence-2024": 1.0, "mental-health-2025": 1.0}
SERVICES = "gp-practices"

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    from layers import build_region

    source = ROOT.parent / "shared" / "data"
    if not source.is_dir():
        pytest.skip("the real open data is not at ../shared/data")
    home = tmp_path_factory.mktemp("north-east")
    build_region(ROOT / "data/regions/north-east.toml", source, home / "pack")
    region = load_region(home / "pack")
    store = open_store(f"sqlite:///{home / 'store.sqlite'}", region)
    yield Published(region, store, home)
    store.close()


@pytest.mark.parametrize(("level", "metric"), list(itertools.product(LEVELS, METRICS)))
def test_all_nine_pairs_answer_for_every_ready_made_set(here, level, metric):
    for preset in here.region.presets:
        asked = Selection(
            need=weighted(preset.weights.items()), services=(SERVICES,), show="gap", level=level, metric=metric
        )
        for each in struck_levels(here, asked, PUBLIC):
            if each.level == level:
                assert each.lacking and each.reasons and each.link
                refused = view.gaps_or_reasons(here, asked, PUBLIC, quick=True)
                assert all(any(title in reason for reason in refused.reasons) for title in each.lacking)
                asked = behind(each.link)
        found = view.gaps_or_reasons(here, asked, PUBLIC, quick=True)
        assert not isinstance(found, view.NoAnswer), (preset.id, found)
        assert found.result.areas["need"].notna().mean() > 0.95 and found.result.areas["access"].notna().mean() > 0.99


def test_hardly_any_ward_keeps_the_distance_of_its_point(here):
    asked = Selection(need="violence-2024", services=(SERVICES,), show="gap", level="ward")
    found = view.gaps_of(here, asked, PUBLIC, quick=True).result.areas
    wards, sites = here.region.areas["ward"], here.store.services(SERVICES, PUBLIC)
    sites = sites[sites["easting"].notna()]
    point = np.hypot(
        wards["centroid_x"].to_numpy()[:, None] - sites["easting"].to_numpy(),
        wards["centroid_y"].to_numpy()[:, None] - sites["northing"].to_numpy(),
    ).min(axis=1)
    assert (np.abs(found["access"] - point) > 10).sum() > 220  # of 240


@pytest.mark.parametrize("level", ["lsoa", "ward", "lad"])
def test_stability_and_range_by_an_independent_calculation(here, level):
    """Counts straight from the pack's files, other random numbers; only each small area's distance is taken from the answer."""
    draws, rng = 500, np.random.default_rng(99)
    asked = Selection(need=weighted(NEEDS.items()), services=(SERVICES,), show="gap", level=level)
    found = view.gaps_of(here, asked, PUBLIC)
    near = view.gaps_of(
        here, Selection(need="violence-2024", services=(SERVICES,), show="gap"), PUBLIC, quick=True
    ).result
    small = here.region.areas["lsoa"].set_index("code")
    group = small.index if level == "lsoa" else small[f"{level}_code"]
    people = small["population"]
    order = here.region.areas[level]["code"]

    def table(name):
        return pd.read_csv(here.region.path / "layers" / name / "data.csv").set_index("area_code").reindex(small.index)

    def larger(values, weight):
        return (values * weight).groupby(group).sum().reindex(order) / weight.groupby(group).sum().reindex(order)

    homes, crimes, score = (table(name) for name in NEEDS)
    spread = here.store.layer("violence-2024", PUBLIC).descriptor.dispersion
    cost = pd.Series(near.areas["access"].to_numpy(), small.index)
    away = larger(cost, people).to_numpy()
    residents = here.region.areas[level]["population"].to_numpy() * ~found.result.areas["crossing"].to_numpy(bool)
    hits, totals = np.zeros(len(order)), []
    for _ in range(draws):
        n, x = homes["denominator"].to_numpy(int), homes["numerator"].to_numpy(int)
        drawn = rng.binomial(n, x / n)
        drawn = np.where(x == 0, np.minimum(n, rng.poisson(0.5, len(n))), drawn)
        share = larger(pd.Series(drawn / n, small.index), homes["denominator"])
        mean = crimes["numerator"].to_numpy(float)
        rate = mean if spread is None or spread <= 1 else rng.gamma(np.maximum(mean, 1e-9) / (spread - 1), spread - 1)
        count = np.where(mean == 0, rng.poisson(0.5, len(mean)), rng.poisson(rate))
        crime = larger(pd.Series(count / crimes["denominator"], small.index), crimes["denominator"])
        health = larger(score["value"], people)
        weights = np.array(list(NEEDS.values())) * rng.uniform(0.5, 1.5, 3)
        composite = sum(w * rankdata(each) for w, each in zip(weights, (share, crime, health), strict=True))
        need = 100 * (rankdata(composite) - 0.5) / len(order)
        poor = away * rng.uniform(0.85, 1.15) > found.result.access.limit * rng.uniform(0.75, 1.25)
        gap = (need >= rng.uniform(75, 85)) & poor
        hits += gap
        totals.append(residents[gap].sum())
    ours, theirs = found.result.areas["stability"].to_numpy(), hits / draws
    both = (ours + theirs) / 2
    allowed = 4.5 * np.sqrt(2 * np.maximum(both * (1 - both), 1 / draws) / draws)
    assert (np.abs(ours - theirs) <= allowed).all()
    assert ours.max() > 0.3 or level == "lad"  # of seven authorities none is far from its doctors on average
    ends, width = found.summary["underserved_residents_range"], np.std(totals)
    assert ends["lower"] <= np.mean(totals) <= ends["upper"]
    for name, part in (("lower", 5), ("upper", 95)):
        assert ends[name] == pytest.approx(np.percentile(totals, part), abs=0.35 * width + 1)
