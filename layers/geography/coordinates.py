"""Degrees (EPSG:4326) and metres (EPSG:27700, British National Grid), one into the other."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

UK_DEGREES = (-9.0, 49.0, 2.5, 61.5)  # west, south, east, north of the United Kingdom with its islands
UK_METRES = (-10_000.0, -16_000.0, 680_000.0, 1_240_000.0)


@lru_cache(maxsize=2)
def _transformer(source: int, target: int):
    from pyproj import Transformer

    return Transformer.from_crs(source, target, always_xy=True)


def to_metres(longitude, latitude) -> tuple[np.ndarray, np.ndarray]:
    """EPSG:4326 to EPSG:27700, to the millimetre; NaN where the input is, or where the grid does not reach."""
    return _convert(4326, 27700, longitude, latitude, 3)


def to_degrees(easting, northing) -> tuple[np.ndarray, np.ndarray]:
    """EPSG:27700 to EPSG:4326, to seven decimals (about a centimetre)."""
    return _convert(27700, 4326, easting, northing, 7)


def _convert(source: int, target: int, x, y, decimals: int) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    out_x, out_y = np.full(x.shape, np.nan), np.full(y.shape, np.nan)
    good = np.isfinite(x) & np.isfinite(y)
    if good.any():
        out_x[good], out_y[good] = _transformer(source, target).transform(x[good], y[good])
    lost = ~(np.isfinite(out_x) & np.isfinite(out_y))  # outside the projection's reach, PROJ answers inf
    out_x[lost] = out_y[lost] = np.nan
    return np.round(out_x, decimals), np.round(out_y, decimals)


def inside(x, y, bounds: tuple[float, float, float, float]) -> np.ndarray:
    """Which points lie within west, south, east, north; False for NaN."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    west, south, east, north = bounds
    return (x >= west) & (x <= east) & (y >= south) & (y <= north)
