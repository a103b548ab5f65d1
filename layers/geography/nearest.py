"""The nearest of some places, in a straight line."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree


def nearest_of(points: np.ndarray, sites: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance to the nearest site and its position; among equally near ones the first in order."""
    places, first = np.unique(sites[:, 0] + 1j * sites[:, 1], return_index=True)
    tree = cKDTree(np.column_stack([places.real, places.imag]))
    distance, site = np.full(len(points), np.inf), np.full(len(points), -1, dtype=np.int64)
    rows, k = np.arange(len(points)), 1
    while len(rows):  # the tree names any of the equally near ones: ask for twice as many until all of them were seen
        k = min(2 * k, len(places))
        far, found = tree.query(points[rows], k=np.arange(1, k + 1))
        tied = far == far[:, :1]
        distance[rows], site[rows] = far[:, 0], np.where(tied, first[found], len(sites)).min(axis=1)
        rows = rows[tied[:, -1]] if k < len(places) else rows[:0]
    return distance, site
