"""Local Moran and Gi*: the published tables, PySAL esda, simulation, islands."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from layers.methods.clusters import benjamini_hochberg, getis_ord, local_moran

POINTS = np.array([(10, 10), (20, 10), (40, 10), (15, 20), (30, 20), (30, 30)], dtype="float64")
Y = pd.Series([2, 3, 3.2, 5, 8, 7])


def band(points, limit):
    d = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    return csr_array(((d <= limit) & (d > 0)).astype(bool))


def grid(k):
    x, y = np.divmod(np.arange(k * k), k)
    return band(np.column_stack([x, y]).astype("float64"), 1.5)


def test_getis_ord_six_points():
    w = band(POINTS, 15)
    binary = getis_ord(Y, w, star=False)["z"].to_numpy()
    assert binary == pytest.approx([-1.013673, -0.043616, 1.315587, -0.314127, 1.153740, 1.778339], abs=1e-6)
    # The table's row-standardised values follow Getis and Ord's formula of 1992, W (n - 1 - W), which holds for weights
    # of 0 and 1. It gives them here; with the spread of 1995, which we use, standardising changes nothing.
    dense = w.toarray() / w.toarray().sum(axis=1, keepdims=True)
    y, n = Y.to_numpy(), len(Y)
    for i, expected in enumerate([-0.620745, -0.017806, None, -0.128242, 0.288435, 1.778339]):
        others = np.delete(y, i)
        score = (dense[i] @ y - others.mean()) / (others.std() * np.sqrt((n - 2) / (n - 2)))
        assert expected is None or score == pytest.approx(expected, abs=1e-6)
        assert getis_ord(Y, csr_array(dense), star=False)["z"][i] == pytest.approx(binary[i])
    star = getis_ord(Y, w)["z"].to_numpy()
    assert star == pytest.approx([-1.397276, -0.289178, 0.650650, -0.289178, 1.234521, 2.024243], abs=1e-6)


def test_benjamini_hochberg_ten_values():
    p = np.array([0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216])
    passed, cut = benjamini_hochberg(p)
    assert passed.sum() == 2 and cut == 0.008
    assert not benjamini_hochberg(np.array([0.5, np.nan]))[0].any()
    assert benjamini_hochberg(np.array([]))[1] == 0
    # A p above its own step passes when a larger one meets its step: 0.04 > 0.025, but 0.045 <= 0.05.
    assert benjamini_hochberg(np.array([0.04, 0.045]))[0].all()


def test_local_moran_against_esda():
    esda = pytest.importorskip("esda")
    libpysal = pytest.importorskip("libpysal")
    rng = np.random.default_rng(2)
    w = grid(7)
    y = rng.normal(size=49)
    theirs = esda.Moran_Local(
        y, libpysal.weights.WSP(w.tocsr().astype("float64")).to_W(), transformation="r", permutations=99, seed=1
    )
    ours = local_moran(pd.Series(y), w)
    # esda divides by sum(z^2) / (n - 1), we (as the formula of Anselin 1995) by sum(z^2) / n.
    assert np.allclose(ours["statistic"] * 48 / 49, theirs.Is) or np.allclose(ours["statistic"], theirs.Is)
    if hasattr(theirs, "EIc"):
        z = (theirs.Is - theirs.EIc) / np.sqrt(theirs.VIc)
        assert np.corrcoef(z, ours["z"])[0, 1] > 0.999


def test_local_moran_moments_by_permutation():
    rng = np.random.default_rng(5)
    y, w = rng.gamma(2, size=36), grid(6)
    ours = local_moran(pd.Series(y), w)
    z = y - y.mean()
    i = 8
    near = w[[i]].indices
    others = np.delete(z, i)
    draws = np.array([rng.permutation(others)[: len(near)].mean() for _ in range(20_000)]) * z[i] / (z @ z / 36)
    expected = (ours["statistic"][i] - draws.mean()) / draws.std()
    assert ours["z"][i] == pytest.approx(expected, abs=0.05)


def test_a_hot_corner_is_found_and_named():
    y = np.random.default_rng(0).normal(0, 0.3, (9, 9))
    y[:3, :3] += 5
    moran = local_moran(pd.Series(y.ravel()), grid(9))["cluster"].to_numpy().reshape(9, 9)
    assert moran[0, 0] == "high-high" and moran[1, 1] == "high-high" and moran[8, 8] != "high-high"
    hot = getis_ord(pd.Series(y.ravel()), grid(9))["cluster"].to_numpy().reshape(9, 9)
    assert hot[0, 0] == "hot spot" and hot[8, 8] == "not significant"


def test_islands_and_missing_are_said_apart():
    w = grid(4).tolil()
    w[0], w[:, 0] = 0, 0
    values = pd.Series(np.arange(16.0), index=[f"a{i}" for i in range(16)])
    values["a5"] = np.nan
    for result in (local_moran(values, csr_array(w)), getis_ord(values, csr_array(w))):
        assert result.at["a0", "cluster"] == "no neighbours" and np.isnan(result.at["a0", "p"])
        assert result.at["a5", "cluster"] == "no value"
        assert list(result.index) == list(values.index)


def test_equal_values_one_area_and_nothing():
    for values, w in ((pd.Series([3.0] * 16), grid(4)), (pd.Series([1.0]), csr_array((1, 1), dtype=bool))):
        for result in (local_moran(values, w), getis_ord(values, w)):
            assert not result["significant"].any()
    assert set(local_moran(pd.Series([3.0] * 16), grid(4))["cluster"]) == {"not significant"}
    assert set(local_moran(pd.Series([np.nan] * 4), grid(2))["cluster"]) == {"no value"}
    assert set(getis_ord(pd.Series([np.nan] * 4), grid(2))["cluster"]) == {"no value"}
