"""Outlines that belong together: mend a coverage, dissolve it, and fit ward outlines into their authorities.

A *coverage* is a set of areas that neither overlap nor leave slivers, with vertex-for-vertex identical shared borders.
The map painter, neighbour tests and simplification all rely on it, so nothing here moves one polygon alone.
Everything works on EPSG:4326 degrees as they come: only topology and ratios of nearby areas are used, never distances.
docs/decisions/0002-ward-outlines.md gives the reasons for how wards are fitted.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

GRID = 1e-7
"""Degrees to which fitted outlines are rounded: the precision of the official files, about 1 cm."""

STRAY_PART = 0.02
"""A detached part smaller than this share of its ward, touching another ward, is an artefact of fitting and moves there."""


def mend_coverage(outlines: gpd.GeoSeries) -> tuple[gpd.GeoSeries, int]:
    """The same outlines as a valid coverage, and how many of them had to change (0 for a valid input).

    Only areas with a faulty border and those they touch are cleaned; nothing is snapped, so the rest keeps every vertex;
    all of it is cleaned, with a little snapping, only where that is not enough.
    """
    geometries = outlines.to_numpy()
    faulty = ~shapely.is_empty(shapely.coverage_invalid_edges(geometries))
    if not faulty.any():
        return outlines, 0
    tree = shapely.STRtree(geometries)
    near = np.unique(tree.query(geometries[faulty], predicate="intersects")[1])
    mended = geometries.copy()
    try:
        mended[near] = shapely.coverage_clean(geometries[near], snapping_distance=0.0)
        local = shapely.coverage_is_valid(mended)
    except shapely.GEOSException:  # nearly parallel borders cannot be noded exactly: they need a little snapping
        local = False
    if not local:
        mended = shapely.coverage_clean(geometries)
    changed = int((~shapely.equals(mended, geometries)).sum())
    return gpd.GeoSeries(as_multipolygons(mended), index=outlines.index, crs=outlines.crs), changed


def faulty_borders(outlines: gpd.GeoSeries) -> int:
    """How many areas have a border that overlaps or misses a neighbour's; 0 for a valid coverage."""
    return int((~shapely.is_empty(shapely.coverage_invalid_edges(outlines.to_numpy()))).sum())


def dissolve(outlines: gpd.GeoSeries, by: pd.Series) -> gpd.GeoSeries:
    """Union of the outlines of each group of ``by``, indexed by group, sorted.

    Of a valid coverage it keeps every vertex; where borders do not match, the slower general union is used.
    """
    groups = pd.Series(np.arange(len(outlines))).groupby(by.to_numpy()).indices
    geometries = outlines.to_numpy()
    united = [_union(geometries[groups[key]]) for key in sorted(groups)]
    return gpd.GeoSeries(as_multipolygons(np.array(united, dtype=object)), index=sorted(groups), crs=outlines.crs)


def _union(geometries: np.ndarray):
    try:
        return shapely.coverage_union_all(geometries)
    except shapely.GEOSException:
        return shapely.union_all(geometries)


def as_multipolygons(geometries: np.ndarray) -> np.ndarray:
    """Every geometry as a MultiPolygon, so that a file has one type throughout."""
    out = np.array(geometries, dtype=object)
    for i, geometry in enumerate(out):
        if geometry.geom_type != "MultiPolygon":
            parts = shapely.get_parts(shapely.get_parts(geometry))  # twice: a collection may hold a MultiPolygon
            out[i] = shapely.MultiPolygon([part for part in parts if part.geom_type == "Polygon"])
    return out


def overlap(a: gpd.GeoSeries, b: gpd.GeoSeries) -> pd.Series:
    """Shared area divided by the area of the smaller one (0 to 1) of outlines with the same index."""
    shared = shapely.area(shapely.intersection(a.to_numpy(), b.to_numpy()))
    return pd.Series(shared / np.minimum(shapely.area(a.to_numpy()), shapely.area(b.to_numpy())), index=a.index)


def fit_wards(
    official: gpd.GeoSeries, best_fit: gpd.GeoSeries, authorities: gpd.GeoSeries, authority_of: pd.Series
) -> gpd.GeoSeries:
    """Divide the authorities' outlines among their wards: official outlines where there are any, best fits elsewhere.

    ``official`` and ``best_fit`` are indexed by ward code and have no code in common, ``authorities`` by LAD code;
    ``authority_of`` maps every ward code to its LAD code. The official outlines come from another simplification than
    the authorities', so they stick out here and fall short there: what sticks out is cut off, and what is left over
    goes to the ward of the same authority with the longest shared border. Where an official outline and a best fit
    overlap, the official one wins. The result fills the authorities, is a valid coverage, and has an entry for every
    ward that keeps any land. Degrees are rounded to 1e-7 (1 cm), as in the official files.
    """
    wards = pd.Index([*official.index, *best_fit.index])
    shapes = np.array([*official, *best_fit], dtype=object)
    home = pd.Index(authorities.index).get_indexer(authority_of.reindex(wards))
    land = authorities.to_numpy()
    # One set of lines for the whole region, so that a border that meets an authority's gives both sides the vertex.
    clipped = shapely.intersection(shapely.boundary(shapes), land[home])
    lines = shapely.union_all([*shapely.boundary(land), *clipped], grid_size=GRID)
    faces = np.array(shapely.get_parts(shapely.polygonize(shapely.get_parts(lines))), dtype=object)
    points = shapely.point_on_surface(faces)
    lad = _first_hit(land, points)
    faces, points, lad = faces[lad >= 0], points[lad >= 0], lad[lad >= 0]
    face, ward = shapely.STRtree(shapes).query(points, predicate="intersects")
    own = home[ward] == lad[face]
    owner = pd.Series(ward[own]).groupby(face[own]).min().reindex(range(len(faces)), fill_value=-1).to_numpy().copy()
    borders = _shared_borders(faces)
    borders = borders[lad[borders["face"]] == lad[borders["other"]]]
    owner = _adopt(owner, borders)
    owner = _adopt(_without_stray_parts(owner, faces, borders), borders)
    for face in np.flatnonzero(owner < 0):  # an islet that no outline covers: the nearest ward of its authority
        near = np.where(home == lad[face], shapely.distance(shapes, faces[face]), np.inf)
        owner[face] = int(np.argmin(near))
    groups = pd.Series(np.arange(len(faces))).groupby(owner).indices
    united = [shapely.coverage_union_all(faces[groups[i]]) for i in groups]
    return gpd.GeoSeries(
        as_multipolygons(np.array(united, dtype=object)), index=wards[list(groups)], crs=authorities.crs
    )


def _first_hit(areas: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Row number of the area that each point lies in, -1 for none."""
    point, area = shapely.STRtree(areas).query(points, predicate="intersects")
    return pd.Series(area).groupby(point).min().reindex(range(len(points)), fill_value=-1).to_numpy()


def _shared_borders(faces: np.ndarray) -> pd.DataFrame:
    """Pairs of faces and the length of border they share, each pair both ways: ``face, other, length``."""
    parts, part_of = shapely.get_parts(shapely.boundary(faces), return_index=True)
    xy, ring = shapely.get_coordinates(parts, return_index=True)
    same = ring[1:] == ring[:-1]
    start, end = xy[:-1][same], xy[1:][same]
    face = part_of[ring[:-1][same]]
    swap = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
    first, last = np.where(swap[:, None], end, start), np.where(swap[:, None], start, end)
    edges = pd.DataFrame(
        {
            "face": face,
            "x0": first[:, 0],
            "y0": first[:, 1],
            "x1": last[:, 0],
            "y1": last[:, 1],
            "length": np.hypot(*(end - start).T),
        }
    )
    pairs = edges.merge(edges.drop(columns="length"), on=["x0", "y0", "x1", "y1"], suffixes=("", "_other"))
    pairs = pairs[pairs["face"] != pairs["face_other"]].rename(columns={"face_other": "other"})
    return pairs.groupby(["face", "other"], as_index=False)["length"].sum()


def _adopt(owner: np.ndarray, borders: pd.DataFrame) -> np.ndarray:
    """Give each face without an owner (-1) to the owner with whom it shares most border, again until nothing moves."""
    owner = owner.copy()
    while True:
        face, other = borders["face"].to_numpy(), borders["other"].to_numpy()
        open_pairs = borders[(owner[face] < 0) & (owner[other] >= 0)]
        if open_pairs.empty:
            return owner
        ward = owner[open_pairs["other"].to_numpy()]
        shared = open_pairs.assign(ward=ward).groupby(["face", "ward"], as_index=False)["length"].sum()
        best = shared.sort_values(["face", "length", "ward"], ascending=[True, False, True]).drop_duplicates("face")
        owner[best["face"].to_numpy()] = best["ward"].to_numpy()


def _without_stray_parts(owner: np.ndarray, faces: np.ndarray, borders: pd.DataFrame) -> np.ndarray:
    """Take small detached parts from their wards (-1), where another ward touches them and can have them."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    owner = owner.copy()
    face, other = borders["face"].to_numpy(), borders["other"].to_numpy()
    same = owner[face] == owner[other]
    n = len(faces)
    graph = coo_array((np.ones(int(same.sum())), (face[same], other[same])), shape=(n, n))
    part = connected_components(graph, directed=False)[1]
    area = shapely.area(faces)
    part_area = np.bincount(part, area)[part]
    ward_area = np.bincount(owner + 1, area, minlength=owner.max() + 2)[owner + 1]
    has_other_ward = np.zeros(part.max() + 1, dtype=bool)
    has_other_ward[part[face[~same]]] = True
    owner[(part_area < STRAY_PART * ward_area) & has_other_ward[part]] = -1
    return owner


def close_gaps(inner: gpd.GeoSeries, other, reach: float) -> gpd.GeoSeries:
    """Extend outlines to meet ``other`` where a gap of up to twice ``reach`` (the CRS's units) lies between, no further.

    For neighbouring countries that come from different simplifications. What overlaps ``other`` is cut off.
    """
    mine = shapely.difference(inner.to_numpy(), other)
    both = shapely.union_all([*mine, other])
    closed = shapely.buffer(shapely.buffer(both, reach, join_style="mitre"), -reach, join_style="mitre")
    gaps = shapely.get_parts(shapely.difference(closed, both))
    for gap in gaps:
        touching = shapely.length(shapely.intersection(shapely.boundary(gap), shapely.buffer(mine, 1e-6)))
        if touching.max(initial=0) > 0 and shapely.distance(gap, other) < 1e-6:
            i = int(np.argmax(touching))
            mine[i] = shapely.union_all([mine[i], gap])
    return gpd.GeoSeries(as_multipolygons(shapely.make_valid(mine)), index=inner.index, crs=inner.crs)
