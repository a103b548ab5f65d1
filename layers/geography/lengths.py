"""How much of straight lines lies within polygons: many short lines against many small polygons, in numpy.

GEOS cuts a line with a polygon in about 20 microseconds, most of it for making the parts that nobody looks at. Only the length is
needed: along a line, a border of a polygon is left where the border is crossed from its right to its left and entered the other
way round (its inside is on the left of a border that runs anticlockwise). So the length is a sum over crossed edges.
"""

from __future__ import annotations

import numpy as np
import shapely

BLOCK = 400_000  # pairs of line and polygon at once: about 100 MB


class Polygons:
    """Polygons that do not overlap, ready to be crossed by lines."""

    def __init__(self, polygons: np.ndarray):
        polygons = shapely.get_parts(shapely.get_parts(polygons))
        polygons = polygons[(shapely.get_type_id(polygons) == 3) & ~shapely.is_empty(polygons)]
        self._tree = shapely.STRtree(polygons)
        rings, of = shapely.get_rings(polygons, return_index=True)
        outer = np.ones(len(of), dtype=bool)
        outer[1:] = of[1:] != of[:-1]
        xy, ring = shapely.get_coordinates(rings, return_index=True)
        same = ring[1:] == ring[:-1]
        self._x, self._y = xy[:-1][same].T.copy()
        self._to_x, self._to_y = xy[1:][same].T.copy()
        ring = ring[:-1][same]
        turn = np.bincount(ring, self._x * self._to_y - self._to_x * self._y, len(rings))
        # a hole runs the other way round than the border around it
        self._sign = np.where((turn > 0) == outer, 1.0, -1.0)[ring]
        count = np.bincount(of[ring], minlength=len(polygons))
        self._count, self._first = count, np.cumsum(count) - count
        bounds = shapely.bounds(polygons)
        self._middle, self._half = (bounds[:, :2] + bounds[:, 2:]) / 2, (bounds[:, 2:] - bounds[:, :2]) / 2

    def lengths(self, starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Metres of each line within the polygons, and which lines run along a border, where that says too little.

        Lines have a length; a line along a border belongs to one side or the other by chance.
        """
        line, polygon = self._tree.query(shapely.linestrings(np.stack([starts, ends], axis=1)))
        way = ends - starts
        aside = self._middle[polygon] - starts[line]
        reach = np.abs(way[line, 0]) * self._half[polygon, 1] + np.abs(way[line, 1]) * self._half[polygon, 0]
        near = np.abs(way[line, 0] * aside[:, 1] - way[line, 1] * aside[:, 0]) <= reach * (1 + 1e-9)
        line, polygon = line[near], polygon[near]
        inside, along = np.zeros(len(starts)), np.zeros(len(starts), dtype=bool)
        for at in range(0, len(line), BLOCK):
            self._cross(starts, way, line[at : at + BLOCK], polygon[at : at + BLOCK], inside, along)
        return np.maximum(inside, 0.0), along

    def _cross(self, starts, way, line, polygon, inside, along) -> None:
        """Add to each line what is inside of its polygons; edges are taken relative to the line's start."""
        count = self._count[polygon]
        rows = np.repeat(line, count)
        edge = np.repeat(self._first[polygon] - np.cumsum(count) + count, count) + np.arange(count.sum())
        (x, y), (dx, dy) = (v[rows].T for v in (starts, way))
        a = dx * (self._y[edge] - y) - dy * (self._x[edge] - x)  # above 0: the edge starts on the left of the line
        b = dx * (self._to_y[edge] - y) - dy * (self._to_x[edge] - x)
        flat = np.flatnonzero((a == 0) & (b == 0))
        cut = np.flatnonzero((a >= 0) != (b >= 0))
        square = (way**2).sum(axis=1)

        def share(k: np.ndarray, px: np.ndarray, py: np.ndarray) -> np.ndarray:
            """Where on its line (0 to 1) a point of it is."""
            return np.clip(((px - x[k]) * dx[k] + (py - y[k]) * dy[k]) / square[rows[k]], 0.0, 1.0)

        if len(flat):
            ends = [
                share(flat, px[edge[flat]], py[edge[flat]]) for px, py in ((self._x, self._y), (self._to_x, self._to_y))
            ]
            along[rows[flat[ends[0] != ends[1]]]] = True
        e, f = edge[cut], a[cut] / (a[cut] - b[cut])
        t = share(cut, self._x[e] + f * (self._to_x[e] - self._x[e]), self._y[e] + f * (self._to_y[e] - self._y[e]))
        sign = np.where(b[cut] >= 0, self._sign[e], -self._sign[e])
        inside += np.bincount(rows[cut], sign * t * np.sqrt(square[rows[cut]]), len(starts))
