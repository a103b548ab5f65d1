"""Which areas touch: a sparse matrix from outlines, and its connected components.

Two areas touch when they share a point. Published outlines are simplified, so neighbours may miss each other by a hair:
a tolerance of a metre closes that, and is far less than the width of a street.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

TOLERANCE_M = 1.0
METRES_PER_DEGREE = 111_320.0  # of latitude; of longitude it is less, so the tolerance is never more than asked


def adjacency(
    geometry: gpd.GeoSeries | np.ndarray,
    tolerance_m: float = TOLERANCE_M,
    mask: np.ndarray | pd.Series | None = None,
    degrees: bool | None = None,
) -> csr_array:
    """Symmetric boolean matrix (areas x areas) of areas that touch, without the diagonal.

    ``mask`` limits the search to some areas (the others get no neighbours): finding the neighbours of a hundred
    underserved areas takes milliseconds, those of all England seconds. The coordinate system is read from a GeoSeries;
    for bare arrays say whether they are in ``degrees``. Missing and empty outlines touch nothing.
    """
    if degrees is None:
        crs = getattr(geometry, "crs", None)
        degrees = bool(crs.is_geographic) if crs is not None else False
    shapes = np.asarray(geometry, dtype=object)
    n = len(shapes)
    chosen = np.arange(n) if mask is None else np.flatnonzero(np.asarray(mask, dtype=bool))
    chosen = chosen[[shape is not None and not shape.is_empty for shape in shapes[chosen]]]
    if len(chosen) < 2:
        return csr_array((n, n), dtype=bool)
    part = shapes[chosen]
    tree = shapely.STRtree(part)
    distance = tolerance_m / METRES_PER_DEGREE if degrees else tolerance_m
    left, right = tree.query(part, predicate="dwithin", distance=distance)
    keep = left != right
    rows, cols = chosen[left[keep]], chosen[right[keep]]
    matrix = csr_array((np.ones(len(rows), dtype=bool), (rows, cols)), shape=(n, n))
    return (matrix + matrix.T).astype(bool)


def components(neighbours: csr_array, mask: np.ndarray | pd.Series) -> np.ndarray:
    """Number of the connected component of each chosen area, -1 for the others. Numbers follow the first area of each."""
    chosen = np.flatnonzero(np.asarray(mask, dtype=bool))
    labels = np.full(neighbours.shape[0], -1, dtype=np.int64)
    if len(chosen):
        _, found = connected_components(neighbours[chosen][:, chosen], directed=False)
        _, first, inverse = np.unique(found, return_index=True, return_inverse=True)
        order = np.empty(len(first), dtype=np.int64)
        order[np.argsort(first)] = np.arange(len(first))
        labels[chosen] = order[inverse]
    return labels
