"""Outlines packed for the map painter.

:func:`pack` writes the outlines of one level as one small file that the browser fetches once; ``assets/map-geometry.js``
reads it. Borders that two areas share are written once, so a file is a little over half of what ring after ring would
take, both neighbours draw their common border from the very same numbers (no gap can open between them), and the browser
knows what lies on each side of every border: that is how it draws the outline of any group of areas.

The file, byte by byte (version 1)
----------------------------------
1. A line of JSON in UTF-8, ended by one newline (0x0A)::

       {"format": "commonground-geometry", "version": 1, "n": areas, "rings": R, "arcs": A, "vertices": V,
        "precision": 1e-05, "bounds": [west, south, east, north], "sections": [bytes of each of the six sections]}

   ``bounds`` are degrees (EPSG:4326) of the quantised outlines, null where no area has an outline. ``vertices`` counts
   those written in section 5 and 6; ``n`` areas stand in the order of the frame.
2. Six sections follow without a gap. Each is a run of unsigned integers in LEB128 (7 bits a byte, lowest first, the high
   bit set on all but the last byte). An *arc* is a piece of border between two places where three or more borders meet,
   or a closed border where none do. A ring is a chain of arcs; each mention of an arc by a ring is a *use*.

   ========  =======  ================================================================================================
   section   numbers  meaning
   ========  =======  ================================================================================================
   1         n        rings of each area (outer rings and holes alike: an area is what lies inside an odd number)
   2         R        uses of each ring
   3         uses     0: a new arc, numbered next. Otherwise ``2 * back + reversed``: the arc ``back`` before the next
                      number, walked backwards when ``reversed`` is 1
   4         A        vertices of each arc strictly between its ends
   5         V        longitude steps, in units of ``precision``, zigzag (0, -1, 1, -2 ... as 0, 1, 2, 3 ...)
   6         V        latitude steps, the same
   ========  =======  ================================================================================================

   Walk ring after ring with one current point, which starts at (0, 0); a step is from the current point, to which it
   moves on. A ring that begins with a new arc first takes a step to its start; one that begins with a known arc starts
   where that arc starts. A known arc moves the current point to its other end. A new arc starts at the current point and
   takes a step for each vertex between its ends. Its end is: the start of the ring, for the ring's last use; else the
   start of the next use, where that is a known arc other than this one; else one more step.

Coordinates are rounded to ``precision`` degrees before anything else, each vertex alone and in the same way for every
area, so borders stay closed. 1e-5 degrees is 1.1 m north and 0.65 m east in England: a third of a pixel at zoom 15.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from layers.model import Fault, Refused

if TYPE_CHECKING:
    import geopandas as gpd

FORMAT = "commonground-geometry"
VERSION = 1


@dataclass(frozen=True)
class Outlines:
    """What :func:`unpack` reads. ``rings[i]`` are the rings of area i: arrays (vertices, 2) of longitude and latitude in
    units of ``precision``, whole numbers, not closed, each starting where the file starts it."""

    n: int
    precision: float
    bounds: tuple[float, float, float, float] | None
    rings: list[list[np.ndarray]]


def pack(frame: gpd.GeoDataFrame, *, precision: float = 1e-5) -> bytes:
    """The outlines of ``frame`` (EPSG:4326, one row per area) in the format described at the top of this module.

    Serve it compressed: gzip or Brotli take another third off. An area whose outline collapses at this precision
    becomes a triangle of one unit, so that it stays on the map; a row without an outline is packed as an area without rings.

    Raises :class:`~layers.model.Refused` when the frame is not in EPSG:4326 or holds anything but polygons.
    """
    shapes = np.asarray(frame.geometry.values, dtype=object)
    _check(frame, shapes, precision)
    points, ring_area, ring_at = _quantised_rings(shapes, precision)
    head = {
        "format": FORMAT,
        "version": VERSION,
        "n": len(shapes),
        "rings": len(ring_area),
        "arcs": 0,
        "vertices": 0,
        "precision": precision,
        "bounds": None,
    }
    rings_per_area = np.bincount(ring_area, minlength=len(shapes))
    if len(ring_area):
        uses_per_ring, tokens, inner, steps = _share_borders(points, ring_at)
        corners = np.concatenate([points.min(axis=0), points.max(axis=0)]) * precision
        head |= {"arcs": len(inner), "vertices": len(steps), "bounds": [round(float(c), 9) for c in corners]}
    else:
        uses_per_ring = tokens = inner = np.zeros(0, np.int64)
        steps = np.zeros((0, 2), np.int64)
    zigzag = np.where(steps < 0, -2 * steps - 1, 2 * steps)
    sections = [_leb128(part) for part in (rings_per_area, uses_per_ring, tokens, inner, zigzag[:, 0], zigzag[:, 1])]
    head["sections"] = [len(part) for part in sections]
    return json.dumps(head, separators=(",", ":")).encode() + b"\n" + b"".join(sections)


def unpack(packed: bytes) -> Outlines:
    """Read what :func:`pack` wrote: the format spelt out once more, plainly and slowly, for tests and for the curious.

    Raises ValueError for bytes of another format or version, or cut short.
    """
    line, newline, body = packed.partition(b"\n")
    try:
        head = json.loads(line) if newline else {}
    except ValueError:
        head = {}
    if head.get("format") != FORMAT or head.get("version") != VERSION:
        raise ValueError(f"not packed geometry of version {VERSION}; pack the outlines again")
    if sum(head["sections"]) != len(body):
        raise ValueError(f"{len(body)} bytes follow the first line, not {sum(head['sections'])}; the file is cut short")
    ends = np.cumsum(head["sections"])
    parts = [_leb128_read(body[end - size : end]) for end, size in zip(ends, head["sections"], strict=True)]
    rings_per_area, uses_per_ring, tokens, inner = (part.tolist() for part in parts[:4])
    steps = iter(np.column_stack([np.where(part & 1, -(part >> 1) - 1, part >> 1) for part in parts[4:]]))

    token, count = iter(tokens), iter(inner)
    arcs: list[list[np.ndarray]] = []
    here = np.zeros(2, np.int64)
    rings: list[list[np.ndarray]] = []
    uses = iter(uses_per_ring)
    for how_many in rings_per_area:
        rings.append([])
        for _ in range(how_many):
            chain = _read_uses(token, next(uses), len(arcs))
            here, ring = _walk(chain, arcs, here, steps, count)
            rings[-1].append(np.array(ring))
    bounds = tuple(head["bounds"]) if head["bounds"] else None
    return Outlines(head["n"], head["precision"], bounds, rings)


def _check(frame: gpd.GeoDataFrame, shapes: np.ndarray, precision: float) -> None:
    faults = []
    if frame.crs is None or frame.crs.to_epsg() != 4326:
        what = f"outlines are in {frame.crs}, not in EPSG:4326"
        faults.append(Fault(what, "geometry", 'use frame.to_crs("EPSG:4326")'))
    filled = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    other = filled & ~np.isin(shapely.get_type_id(shapes), (3, 6))
    if other.any():
        kinds = ", ".join(sorted({shape.geom_type for shape in shapes[other]}))
        todo = "keep the polygons only"
        faults.append(Fault(f"{other.sum()} rows, first row {np.argmax(other)}, are {kinds}", "geometry", todo))
    if not 1e-7 <= precision <= 1:
        faults.append(Fault(f"a precision of {precision} degrees cannot be packed", "precision", "use 1e-7 to 1"))
    if faults:
        raise Refused("The outlines cannot be packed.", faults)


def _quantised_rings(shapes: np.ndarray, precision: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points (m, 2) as whole numbers, the area of each ring, and where each ring starts in the points (one more at the end).

    Repeated and closing points are gone. A ring with fewer than three different points left is dropped, or becomes a small
    triangle where it was the largest that the area had left.
    """
    parts, part_area = shapely.get_parts(shapes, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    points, point_ring = shapely.get_coordinates(rings, return_index=True)
    points = np.rint(points / precision).astype(np.int64)
    ring_area = part_area[ring_part]
    if not len(rings):
        return points, ring_area, np.zeros(1, np.int64)

    # A closed ring ends on its first point: comparing each point with the one before removes the closing one too.
    same_ring = np.concatenate([[False], point_ring[1:] == point_ring[:-1]])
    first = np.flatnonzero(~same_ring)
    before = np.concatenate([points[:1], points[:-1]])
    repeated = same_ring & (points == before).all(axis=1)
    kept = ~repeated
    kept[first] = False  # the closing point, equal to the first, stands for it
    size = np.bincount(point_ring[kept], minlength=len(rings))
    collapsed = size < 3
    if collapsed.any():
        left_over = np.bincount(ring_area[~collapsed], minlength=len(shapes)) == 0
        points, point_ring, kept = _rescue(points, point_ring, kept, first, ring_area, collapsed, left_over)
    points, point_ring = points[kept], point_ring[kept]
    alive, size = np.unique(point_ring, return_counts=True)
    return points, ring_area[alive], np.concatenate([[0], np.cumsum(size)])


def _rescue(points, point_ring, kept, first, ring_area, collapsed, left_over):
    """Drop the collapsed rings; give each area with none left a triangle of one unit where its first ring was."""
    kept = kept & ~collapsed[point_ring]
    lost, ring = np.unique(ring_area[collapsed], return_index=True)
    ring = np.flatnonzero(collapsed)[ring][left_over[lost]]
    corner = points[first[ring]]
    triangles = (corner[:, None, :] + np.array([[0, 0], [1, 0], [0, 1]])).reshape(-1, 2)
    points = np.concatenate([points, triangles])
    point_ring = np.concatenate([point_ring, np.repeat(ring, 3)])
    kept = np.concatenate([kept, np.ones(len(triangles), bool)])
    order = np.argsort(point_ring, kind="stable")
    return points[order], point_ring[order], kept[order]


def _share_borders(points: np.ndarray, ring_at: np.ndarray):
    """Uses per ring, tokens (section 3), vertices inside each arc (section 4) and the steps to write, (V, 2).

    A point where other than two borders meet is a junction; rings are cut there into arcs. Between junctions a chain of
    edges is the same for everyone who uses any of its edges, so the smallest edge number names the arc.
    """
    vertex = np.unique(points[:, 0] * (1 << 32) + points[:, 1], return_inverse=True)[1].astype(np.int64)
    ring = np.repeat(np.arange(len(ring_at) - 1), np.diff(ring_at))
    ends = np.sort(np.column_stack([vertex, vertex[_following(ring, ring_at)]]), axis=1)
    edges, edge = np.unique(ends[:, 0] * (1 << 31) + ends[:, 1], return_inverse=True)
    degree = np.bincount(np.concatenate([edges >> 31, edges & ((1 << 31) - 1)]), minlength=vertex.max() + 1)
    cut = degree[vertex] != 2

    # A ring without junctions (an island, or the hole around one) is cut at its smallest vertex, the same for both.
    lowest = np.minimum.reduceat(vertex, ring_at[:-1])
    whole = ~np.logical_or.reduceat(cut, ring_at[:-1])
    cut |= whole[ring] & (vertex == lowest[ring])

    # Start each ring at a cut; then, where it can, at an arc already known, because that gives its start for nothing.
    local = np.arange(len(vertex)) - ring_at[ring]
    start = np.minimum.reduceat(np.where(cut, local, len(vertex)), ring_at[:-1])
    for _ in range(2):
        turn = ring_at[ring] + (local + start[ring]) % np.diff(ring_at)[ring]
        vertex_t, edge_t, points_t, cut_t = vertex[turn], edge[turn], points[turn], cut[turn]
        use_at = np.flatnonzero(cut_t)
        use_ring = ring[use_at]
        name = np.minimum.reduceat(edge_t, use_at)
        _, first_use, arc = np.unique(name, return_index=True, return_inverse=True)
        known = first_use[arc] != np.arange(len(use_at))
        best = np.where(known, local[use_at], len(vertex))
        best = np.minimum.reduceat(best, np.searchsorted(use_ring, np.arange(len(ring_at) - 1)))
        start = np.where(best < len(vertex), (start + best) % np.diff(ring_at), start)

    rank = np.empty(len(first_use), np.int64)
    rank[np.argsort(first_use)] = np.arange(len(first_use))
    arc = rank[arc]
    following = vertex_t[_following(ring, ring_at)]
    use = np.cumsum(cut_t) - 1
    named = np.flatnonzero(edge_t == name[use])
    named = named[np.unique(use[named], return_index=True)[1]]
    upward = (vertex_t < following)[named]
    backwards = upward != upward[np.sort(first_use)[arc]]
    before = np.cumsum(~known) - ~known  # arcs numbered before this use
    tokens = np.where(known, ((before - arc) << 1) | backwards, 0)

    first_of_ring = np.concatenate([[True], use_ring[1:] != use_ring[:-1]])
    previous_new = np.concatenate([[False], ~known[:-1]])
    previous_arc = np.concatenate([[-1], arc[:-1]])
    start_written = np.where(first_of_ring, ~known, previous_new & (~known | (arc == previous_arc)))
    written = ~known[use]
    written[use_at] = start_written
    came_from = np.concatenate([points_t[:1] * 0, points_t[:-1]])
    came_from[ring_at[1:-1]] = points_t[ring_at[:-2]]  # a ring ends where it began
    inner = np.bincount(use, minlength=len(use_at))[~known] - 1
    return np.bincount(use_ring, minlength=len(ring_at) - 1), tokens, inner, (points_t - came_from)[written]


def _following(ring: np.ndarray, ring_at: np.ndarray) -> np.ndarray:
    """Position of the next point around the same ring."""
    after = np.arange(1, len(ring) + 1)
    after[ring_at[1:] - 1] = ring_at[:-1]
    return after


def _read_uses(token, how_many: int, numbered: int) -> list[tuple[int, bool, bool]]:
    """The next ``how_many`` uses as (arc, reversed, new)."""
    chain = []
    for _ in range(how_many):
        value = next(token)
        if value == 0:
            chain.append((numbered, False, True))
            numbered += 1
        else:
            chain.append((numbered - (value >> 1), bool(value & 1), False))
    return chain


def _walk(chain, arcs, here, steps, count):
    """Walk one ring. New arcs are added to ``arcs``. Returns the current point and the ring's vertices, not closed."""

    def start_of(arc, backwards):
        return arcs[arc][-1 if backwards else 0]

    here = start = here + next(steps) if chain[0][2] else start_of(*chain[0][:2])
    ring = []
    for k, (arc, backwards, new) in enumerate(chain):
        if new:
            line = [here]
            for _ in range(next(count)):
                line.append(line[-1] + next(steps))
            if k + 1 == len(chain):
                line.append(start)
            elif not chain[k + 1][2] and chain[k + 1][0] != arc:
                line.append(start_of(*chain[k + 1][:2]))
            else:
                line.append(line[-1] + next(steps))
            arcs.append(line)
        line = arcs[arc][::-1] if backwards else arcs[arc]
        ring.extend(line[:-1])
        here = line[-1]
    return here, ring


def _leb128(numbers: np.ndarray) -> bytes:
    rest = np.asarray(numbers).astype(np.uint64)
    out, size = np.zeros((len(rest), 5), np.uint8), np.ones(len(rest), np.int64)
    for k in range(5):
        out[:, k] = rest & np.uint64(127)
        rest = rest >> np.uint64(7)
        more = rest > 0
        out[more, k] |= 128
        size[more] = k + 2
    return out[np.arange(5)[None, :] < size[:, None]].tobytes()


def _leb128_read(data: bytes) -> np.ndarray:
    """The numbers in ``data``, as int64."""
    raw = np.frombuffer(data, np.uint8).astype(np.int64)
    if not len(raw):
        return raw
    last = np.flatnonzero(raw < 128)
    first = np.concatenate([[0], last[:-1] + 1])
    place = np.arange(len(raw)) - np.repeat(first, last - first + 1)
    return np.add.reduceat((raw & 127) << (7 * place), first)
