"""Cut the values of one layer into bands: cut points, the class of every area, counts and a small histogram."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from dashboard.views.natural_breaks import natural_breaks

MISSING, SUPPRESSED, OUTSIDE, NO_INDICATOR, CROSSING = 255, 254, 253, 252, 251
"""Class codes of areas that have no band; ``assets/map-painter.js`` draws them."""


@dataclass(frozen=True)
class Bands:
    """``upper[i]`` is the upper limit (included) of band i; the last one is the largest value.

    There can be fewer bands than asked for: equal values never lie in two bands, and a band without any width is dropped.
    """

    lower: tuple[float, ...]
    upper: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.upper)

    def classify(self, values: np.ndarray) -> np.ndarray:
        """Band index (uint8) of every value; :data:`MISSING` where it is not a number."""
        values = np.asarray(values, dtype="float64")
        if not len(self):
            return np.full(values.shape, MISSING, dtype="uint8")
        classes = np.searchsorted(self.upper[:-1], values, side="left").astype("uint8")
        classes[~np.isfinite(values)] = MISSING
        return classes


def make_bands(values: np.ndarray, scheme: str, classes: int) -> Bands:
    """Cut ``values`` (nulls ignored) into at most ``classes`` bands by ``quantiles``, ``equal`` or ``jenks``."""
    values = np.asarray(values, dtype="float64")
    values = np.sort(values[np.isfinite(values)])
    if not values.size:
        return Bands((), ())
    low, high = float(values[0]), float(values[-1])
    distinct = np.unique(values)
    if distinct.size <= classes:
        return _from_cuts(distinct[:-1], low, high)
    return _from_cuts(_cuts(values, scheme, classes), low, high)


def national_bands(cuts: tuple[float, ...], values: np.ndarray) -> Bands:
    """Bands of the whole country for a region's values. Outer limits are the region's own, or the cut where they lie inside."""
    values = np.asarray(values, dtype="float64")
    values = values[np.isfinite(values)]
    if not values.size or not cuts:
        return Bands((), ())
    inner = np.unique(np.asarray(cuts, dtype="float64"))
    upper = [*inner, max(float(values.max()), float(inner[-1]))]
    return Bands((min(float(values.min()), float(inner[0])), *inner), tuple(map(float, upper)))


def histogram(values: np.ndarray, bins: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Counts and edges of ``bins`` equal intervals from the lowest to the highest value; empty for no values."""
    values = np.asarray(values, dtype="float64")
    values = values[np.isfinite(values)]
    if not values.size:
        return np.zeros(0, dtype=int), np.zeros(0)
    low, high = float(values.min()), float(values.max())
    if low == high:
        return np.array([values.size]), np.array([low, high])
    return np.histogram(values, bins=bins, range=(low, high))


def _cuts(values: np.ndarray, scheme: str, classes: int) -> np.ndarray:
    # imported here: mapclassify takes longer to import than a first page may take to answer
    import mapclassify

    with warnings.catch_warnings():
        # it tells of ties, which _from_cuts deals with
        warnings.simplefilter("ignore")
        return _scheme_cuts(mapclassify, values, scheme, classes)


def _scheme_cuts(mapclassify, values: np.ndarray, scheme: str, classes: int) -> np.ndarray:
    if scheme == "quantiles":
        cuts = np.asarray(mapclassify.Quantiles(values, k=classes).bins)[:-1]
        # of several cuts with no value between them one is enough: with many ties the others would bound empty bands
        return cuts[np.unique(np.searchsorted(values, cuts, side="right"), return_index=True)[1]]
    if scheme == "equal":
        return np.asarray(mapclassify.EqualInterval(values, k=classes).bins)[:-1]
    if scheme == "jenks":
        return natural_breaks(values, classes)
    raise ValueError(f"There is no classing '{scheme}'; use quantiles, equal or jenks.")


def _from_cuts(cuts: np.ndarray, low: float, high: float) -> Bands:
    cuts = np.unique(cuts)
    cuts = cuts[(cuts >= low) & (cuts < high)]
    return Bands((low, *map(float, cuts)), (*map(float, cuts), high))
