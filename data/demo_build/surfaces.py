"""Invented patterns over the region that the figures are drawn from: seeded, smooth in space, and alike but not the same.

Each is a Series on the areas' index with mean 0 and standard deviation 1. They are typed from general knowledge of what
such maps look like anywhere (old ports, mining villages, student quarters, remote uplands) and copy no real figure.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from data.demo_build.places import SEED

HARD_PRESSED = (  # easting, northing, reach in metres, strength
    (427_800, 564_600, 1_900, 2.4), (422_300, 563_900, 1_700, 2.0), (426_300, 562_400, 2_000, 1.9),
    (429_600, 562_000, 1_500, 1.2), (432_700, 565_100, 1_800, 1.7), (436_300, 566_300, 1_700, 2.2),
    (434_700, 567_600, 1_500, 2.2), (430_400, 566_400, 1_600, 1.4), (440_200, 556_300, 2_000, 2.3),
    (438_300, 558_500, 1_800, 2.0), (436_500, 554_900, 2_000, 1.3), (430_200, 555_600, 1_600, 0.8),
    (427_800, 555_300, 1_900, 1.9), (431_200, 581_200, 2_200, 2.0), (427_600, 587_400, 2_400, 2.1),
    (430_900, 587_700, 1_600, 1.7), (426_300, 582_000, 1_500, 0.9), (443_100, 541_000, 2_300, 2.3),
    (443_800, 543_700, 1_900, 2.5), (442_400, 549_300, 2_300, 2.2), (441_300, 551_600, 1_900, 2.3),
    (419_500, 553_000, 2_600, 2.0), (416_200, 551_300, 1_700, 1.5), (410_800, 551_200, 2_200, 1.1),
    (420_900, 529_600, 2_400, 1.8), (425_700, 533_700, 2_000, 1.2), (422_700, 526_200, 1_900, 2.1),
    (428_600, 532_600, 1_900, 1.7), (427_300, 524_300, 2_400, 1.4), (433_900, 549_700, 1_900, 1.6),
    (435_600, 547_300, 1_900, 1.9), (416_600, 535_700, 2_200, 1.4), (399_700, 652_700, 2_200, 1.2),
    (426_600, 604_300, 1_800, 1.1), (437_300, 537_600, 1_900, 1.6), (432_500, 571_800, 1_500, 0.7),
    (421_500, 571_000, 1_400, 0.8), (418_100, 541_500, 1_700, 1.2), (414_900, 560_900, 1_600, 0.5),
)  # fmt: skip

COMFORTABLE = (
    (424_500, 568_600, 1_900, 2.0), (425_700, 566_700, 1_300, 1.6), (416_600, 573_200, 2_800, 2.2),
    (436_000, 571_300, 2_300, 1.9), (427_200, 542_400, 2_200, 1.5), (419_900, 586_000, 2_600, 1.8),
    (393_600, 564_000, 3_500, 1.4), (399_000, 564_400, 2_500, 1.6), (420_600, 561_200, 1_700, 1.4),
    (439_800, 561_900, 2_000, 1.7), (427_300, 551_300, 1_900, 0.6), (418_700, 613_200, 2_500, 0.7),
    (408_000, 563_000, 3_000, 1.2), (429_800, 570_200, 1_700, 0.6), (438_200, 553_200, 1_500, 0.9),
)  # fmt: skip

STUDENTS = ((424_800, 565_300, 1_300, 2.6), (425_900, 566_000, 1_200, 2.4), (427_200, 542_200, 1_500, 2.5),
            (439_000, 556_600, 1_100, 1.5))  # fmt: skip

TOWN_CENTRES = (
    (424_800, 564_300, 700, 3.0), (439_800, 557_000, 600, 2.4), (425_500, 563_000, 500, 1.6),
    (436_300, 566_900, 500, 1.8), (435_500, 568_300, 500, 1.5), (435_500, 572_200, 500, 1.4),
    (427_300, 542_400, 500, 1.6), (431_700, 581_500, 500, 1.5), (427_400, 587_600, 500, 1.3),
    (420_800, 529_800, 500, 1.3), (442_800, 541_000, 500, 1.1), (410_800, 551_100, 500, 1.0),
    (399_900, 653_000, 500, 1.0), (393_700, 564_100, 450, 0.9), (419_900, 585_900, 450, 0.8),
    (418_800, 613_300, 450, 0.8), (430_000, 556_300, 500, 1.0), (430_100, 566_100, 450, 0.9),
    (419_600, 552_700, 450, 0.9), (434_000, 549_900, 400, 0.8), (442_600, 549_400, 450, 0.9),
)  # fmt: skip


def _hills(xy: np.ndarray, hills) -> np.ndarray:
    total = np.zeros(len(xy))
    for x, y, reach, strength in hills:
        total += strength * np.exp(-((xy[:, 0] - x) ** 2 + (xy[:, 1] - y) ** 2) / (2 * reach**2))
    return total


def _waves(xy: np.ndarray, rng: np.random.Generator, length_m: float, waves: int = 150) -> np.ndarray:
    """A smooth random field: many plane waves with normal wave numbers, so neighbours within ``length_m`` are alike."""
    numbers = rng.normal(0, 1 / length_m, (2, waves))
    return np.sqrt(2 / waves) * np.cos(xy @ numbers + rng.uniform(0, 2 * np.pi, waves)).sum(axis=1)


def standard(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) / values.std()


def surfaces(lsoa: gpd.GeoDataFrame) -> pd.DataFrame:
    """All patterns, one column each: ``hardship, young, old, busy, remote, dense, isolation, shared_homes, harm``."""
    xy = lsoa[["centroid_x", "centroid_y"]].to_numpy(dtype=float)
    people = lsoa["population"].to_numpy()
    tree = cKDTree(xy)
    dense = np.log([people[index].sum() for index in tree.query_ball_point(xy, 1_500)])
    remote = np.log1p(cKDTree(np.array([hill[:2] for hill in TOWN_CENTRES])).query(xy)[0] / 1_000)

    def rng(number: int) -> np.random.Generator:
        return np.random.default_rng(SEED + 100 + number)

    def noise(number: int, near: float = 0.6, far: float = 0.4, own: float = 0.45) -> np.ndarray:
        source = rng(number)
        return near * _waves(xy, source, 1_500) + far * _waves(xy, source, 7_000) + own * source.normal(size=len(xy))

    hard = _hills(xy, HARD_PRESSED) - _hills(xy, COMFORTABLE)
    hardship = standard(standard(hard) + 0.15 * standard(dense) + 0.42 * noise(1))
    young = standard(standard(_hills(xy, STUDENTS)) + 0.3 * standard(dense) + 0.25 * noise(2))
    old = standard(0.7 * standard(remote) - 0.6 * young + 0.15 * hardship + 0.6 * noise(3))
    busy = standard(standard(_hills(xy, TOWN_CENTRES)) + 0.25 * noise(4))
    out = {
        "hardship": hardship,
        "young": young,
        "old": old,
        "busy": busy,
        "remote": standard(remote + 0.1 * noise(5)),
        "dense": standard(dense),
        "isolation": standard(0.55 * hardship + 0.35 * standard(remote) + 0.2 * old + 0.5 * noise(6)),
        "shared_homes": standard(1.1 * young + 0.35 * busy + 0.25 * hardship + 0.35 * noise(7)),
        "harm": standard(0.82 * hardship + 0.22 * busy - 0.1 * young + 0.45 * noise(8)),
    }
    return pd.DataFrame(out, index=lsoa.index)
