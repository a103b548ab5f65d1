"""Which areas touch, on the tiny region and compared pair by pair."""

import numpy as np
import pytest
from shapely.geometry import Point, box

from layers.geography.adjacency import TOLERANCE_M, adjacency, components
from tests.tiny import tiny_areas


def test_squares_touch_at_corners_too():
    w = adjacency(tiny_areas()["lsoa"]["geometry"]).toarray()
    assert w.sum(axis=1).tolist() == [3, 5, 5, 3, 5, 8, 8, 5, 5, 8, 8, 5, 3, 5, 5, 3]
    assert (w == w.T).all() and not w.diagonal().any()


def test_adjacency_tolerance_holes_and_missing_outlines():
    shapes = np.array(
        [box(0, 0, 1, 1), box(1.4, 0, 2, 1), None, Point(9, 9), box(5, 5, 5, 5).intersection(Point(0, 0))], dtype=object
    )
    assert adjacency(shapes, tolerance_m=0.5).sum() == 2  # 0.4 apart
    assert adjacency(shapes, tolerance_m=0.1).sum() == 0
    assert adjacency(np.array([], dtype=object)).shape == (0, 0)


def test_mask_limits_the_search():
    mask = np.array([True, True] + [False] * 14)
    assert adjacency(tiny_areas()["lsoa"]["geometry"], mask=mask).sum() == 2


def test_components_are_numbered_by_first_area():
    w = adjacency(tiny_areas()["lsoa"]["geometry"])
    label = components(w, np.array([i in (1, 2, 4, 16, 11) for i in range(1, 17)]))
    assert label[[0, 1, 3, 10, 15]].tolist() == [0, 0, 1, 2, 2] and (label >= 0).sum() == 5


@pytest.mark.parametrize("gap_m, touch", [(0.0, True), (0.99, True), (1.01, False)])
def test_a_crack_of_rounding_is_bridged_and_a_road_is_not(gap_m, touch):
    shapes = np.array([box(0, 0, 100, 100), box(100 + gap_m, 0, 200, 100)], dtype=object)
    assert adjacency(shapes).nnz == (2 if touch else 0) and TOLERANCE_M == 1.0
    # The same in degrees: 111,320 m to one.
    degrees = np.array([box(0, 0, 1, 1), box(1 + gap_m / 111_320, 0, 2, 1)], dtype=object)
    assert adjacency(degrees, degrees=True).nnz == (2 if touch else 0)
