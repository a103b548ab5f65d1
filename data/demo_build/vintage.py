"""An older boundary set with everything that happens to real ones: unchanged, split, merged and irregular areas.

Only the lookup is made, as with real data: old areas need no outlines, because old figures are carried over to today's
areas. Unchanged areas keep their code, so a file of the wrong vintage mostly fits, which is the trap to demonstrate.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from data.demo_build.places import SEED

SPLIT_IN_TWO, SPLIT_IN_THREE, MERGED = 19, 3, 9
CROSSING = (("DA2", "DA6"), ("DA5", "DA7"))  # irregular changes across these borders
CROSSING_SHARE = 0.15  # of the second authority's area that used to belong to the first one's


def lookup(lsoa: gpd.GeoDataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """``lookup`` (``code_2011, change, code_2021, lad_code, weight``), ``old`` (``code, name``) and ``people``.

    ``people`` (``code_2011, code_2021, population``) says how many residents of today's area lived in which old one,
    so that old denominators add up. ``weight`` is the share of the *old* area's people, as in the official lookup.
    """
    rng = np.random.default_rng(SEED + 11)
    codes, lads = lsoa["code"].to_numpy(), lsoa["lad_code"].to_numpy()
    population = dict(zip(codes, lsoa["population"], strict=True))
    shapes = lsoa.geometry.to_numpy()
    a, b = shapely.STRtree(shapes).query(shapes, predicate="touches")
    metres = shapely.length(shapely.intersection(shapes[a], shapes[b]))
    a, b = a[metres > 0.002], b[metres > 0.002]  # degrees: more than about 150 m of common border
    free = set(range(len(codes)))
    rows: list[tuple[str, str, str, float]] = []  # old, change, new, residents
    old_names: dict[str, str] = {}
    names = dict(zip(codes, lsoa["name"], strict=True))

    def old(name: str) -> str:
        code = f"DO{len(old_names) + 1:04d}"
        old_names[code] = name
        return code

    for first, second in CROSSING:
        pair = next((i, j) for i, j in sorted(zip(a, b, strict=True)) if lads[i] == first and lads[j] == second)
        p, q = (codes[i] for i in pair)
        moved = round(CROSSING_SHARE * population[q])
        one, two = old(f"{names[p]} (older)"), old(f"{names[q]} (older)")
        rows += [(one, "X", p, population[p]), (one, "X", q, moved), (two, "X", q, population[q] - moved)]
        free -= set(pair)
    for size, times in ((3, SPLIT_IN_THREE), (2, SPLIT_IN_TWO)):
        for start in rng.permutation(len(codes)):
            near = [j for j in b[a == start] if j in free and lads[j] == lads[start]]
            if start not in free or len(near) < size - 1:
                continue
            group = [int(start), *map(int, near[: size - 1])]
            code = old(f"{names[codes[start]]} (older, larger)")
            rows += [(code, "S", codes[i], population[codes[i]]) for i in sorted(group)]
            free -= set(group)
            times -= 1
            if not times:
                break
    for i in sorted(rng.choice(sorted(free), MERGED, replace=False)):
        part = round(population[codes[i]] * rng.uniform(0.4, 0.6))
        for word, people in (("north", part), ("south", population[codes[i]] - part)):
            rows.append((old(f"{names[codes[i]]} {word} (older)"), "M", codes[i], people))
        free.discard(i)
    rows += [(codes[i], "U", codes[i], population[codes[i]]) for i in sorted(free)]
    frame = pd.DataFrame(rows, columns=["code_2011", "change", "code_2021", "population"])
    frame["weight"] = frame["population"] / frame.groupby("code_2011")["population"].transform("sum")
    frame["lad_code"] = frame["code_2021"].map(dict(zip(codes, lads, strict=True)))
    frame = frame.sort_values(["code_2011", "code_2021"]).reset_index(drop=True)
    listed = pd.DataFrame({"code": sorted(frame["code_2011"].unique())})
    listed["name"] = listed["code"].map(old_names | names)
    columns = ["code_2011", "change", "code_2021", "lad_code", "weight"]
    return frame[columns], listed, frame[["code_2011", "code_2021", "population"]]


def rural_urban(lsoa: gpd.GeoDataFrame) -> pd.DataFrame:
    """``code, category, urban_rural``: from how many people live within 3 km, and how far the nearest big centre is."""
    from scipy.spatial import cKDTree

    xy = lsoa[["centroid_x", "centroid_y"]].to_numpy()
    near = cKDTree(xy).query_ball_point(xy, 3_000)
    around = np.array([lsoa["population"].to_numpy()[index].sum() for index in near])
    centres = np.array([[424_800, 564_300], [439_700, 557_000], [427_300, 542_500]])  # Newcastle, Sunderland, Durham
    far = cKDTree(centres).query(xy)[0] > 27_000
    kind = np.select([around >= 12_000, around >= 4_500], ["Urban", "Larger rural"], "Smaller rural")
    where = np.where(far, "Further from a major town or city", "Nearer to a major town or city")
    category = [f"{one}: {two}" for one, two in zip(kind, where, strict=True)]
    return pd.DataFrame(
        {"code": lsoa["code"], "category": category, "urban_rural": np.where(kind == "Urban", "Urban", "Rural")}
    )
