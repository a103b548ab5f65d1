"""Land: what a straight line crosses that is no land, and the shortest way over land on a grid of 100 m cells.

Land is the union of outlines in EPSG:27700 metres. Lines are measured exactly, on the outlines; ways on the grid, whose cells
have their corners at multiples of 100 m: a cell is land when its centre is, or when a crossing (bridge, tunnel, ferry) is within
300 m of it. Steps go to the eight neighbours, 100 and 141.42 m, wherever both cells are land.

Nearly every line of a region touches no water and must cost nothing: tiles of 1 km that are all land are known, and so is how
far every tile is from the next one that is not. Only what is left is cut with the pieces of water around it. Ways are looked for
within a window: no way of some length leaves the square of that half-width around its start.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from scipy import ndimage
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from layers.geography.lengths import Polygons

CELL = 100  # metres
DIAGONAL = 141.42
CROSSING_REACH = 300.0
TILE = 1_000
NEVER_ALL = 1e-3  # square metres: outlines that share a border miss each other by less after rounding
MOST_FIELDS_MB = 64
SHORT = 6_000.0  # metres within which all ways around a cell are kept: the next question is about the same ones
FEW = 24  # targets for which leaving out cells pays
ROUNDING = 1e-6
_STEPS = ((0, 1, float(CELL)), (1, 0, float(CELL)), (1, 1, DIAGONAL), (1, -1, DIAGONAL))


@dataclass(frozen=True)
class Field:
    """Metres from one cell to every cell of the window around it; inf where no way of at most ``reach`` leads."""

    top: int
    left: int
    metres: np.ndarray
    reach: float
    cells: np.ndarray | None = None  # of its land, and which of them a way to it comes from (-9999: none)
    before: np.ndarray | None = None

    def at(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        r, c = rows - self.top, cols - self.left
        inside = (r >= 0) & (c >= 0) & (r < self.metres.shape[0]) & (c < self.metres.shape[1])
        out = np.full(len(rows), np.inf)
        out[inside] = self.metres[r[inside], c[inside]]
        return out


class Land:
    """The land of a region and of its neighbours. ``outlines``: polygons, EPSG:27700. ``crossings``: (k, 2) metres.

    Immutable to the caller: what it keeps inside are only caches, behind a lock.
    """

    def __init__(self, outlines: np.ndarray, crossings: np.ndarray | None = None):
        self.crossings = (
            np.empty((0, 2)) if crossings is None else np.asarray(crossings, dtype="float64").reshape(-1, 2)
        )
        outlines = np.asarray(outlines, dtype=object)
        union = shapely.union_all(shapely.make_valid(outlines[~shapely.is_missing(outlines)]))
        if union.is_empty:
            raise ValueError("there is no land: give at least one outline")
        reach = np.array([[-CROSSING_REACH], [CROSSING_REACH]])
        around = [
            union.bounds,
            *[(x - reach[1, 0], y - reach[1, 0], x + reach[1, 0], y + reach[1, 0]) for x, y in self.crossings],
        ]
        low = np.min(around, axis=0)[:2] // TILE * TILE - TILE
        high = np.max(around, axis=0)[2:] // TILE * TILE + 2 * TILE
        self.x0, self.y0 = (float(v) for v in low)
        self.tiles = tuple(int(v) for v in ((high - low) / TILE)[::-1])  # rows (northwards), columns
        per = TILE // CELL
        self.dry = np.zeros((self.tiles[0] * per, self.tiles[1] * per), dtype=bool)  # cells whose centre is land
        self._unsure = np.ones(self.tiles, dtype=bool)  # tiles that are not all land
        self._whole = union
        self._water = Polygons(self._cut(union))
        self.passable = self.dry.copy()
        self._bridge()
        counts = np.zeros((self.tiles[0] + 1, self.tiles[1] + 1), dtype=np.int64)
        counts[1:, 1:] = self._unsure.cumsum(0).cumsum(1)
        self._counts = counts
        # from any point of a tile to any point of the next tile that is unsure
        self._safe = np.maximum(ndimage.distance_transform_edt(~self._unsure) - np.sqrt(2.0), 0.0) * TILE
        self._lock = threading.Lock()
        self._fields: OrderedDict[int, Field] = OrderedDict()

    # --- made once ---

    def _cut(self, union) -> np.ndarray:
        """The water as pieces: halved and halved again until all land, all water, or a tile. Fills dry cells on the way."""
        size = TILE
        while size < TILE * max(self.tiles):
            size *= 2
        self._size = float(size)
        pieces = []
        land, x, y = np.array([union], dtype=object), np.array([self.x0]), np.array([self.y0])
        while len(land):
            boxes = shapely.box(x, y, x + size, y + size)
            part = shapely.intersection(land, boxes)
            area = shapely.area(part)
            none, full = area <= NEVER_ALL, area >= float(size) * size - NEVER_ALL
            pieces.append(boxes[none])
            for left, bottom in zip(x[full], y[full], strict=True):
                self._fill(left, bottom, size)
            mixed = ~none & ~full
            part, x, y = part[mixed], x[mixed], y[mixed]
            if size == TILE:
                pieces.append(shapely.difference(boxes[mixed], part))
                self._fill_mixed(part, x, y)
                break
            size //= 2
            shift = np.array([0, size])
            land = np.repeat(part, 4)
            x, y = (x[:, None] + np.tile(shift, 2)).ravel(), (y[:, None] + np.repeat(shift, 2)).ravel()
        return np.concatenate(pieces)

    def _fill(self, left: float, bottom: float, size: int) -> None:
        row, col = int((bottom - self.y0) // TILE), int((left - self.x0) // TILE)
        n, per = size // TILE, TILE // CELL
        self._unsure[row : row + n, col : col + n] = False
        self.dry[row * per : (row + n) * per, col * per : (col + n) * per] = True

    def _fill_mixed(self, parts: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
        per = TILE // CELL
        centre = np.arange(per) * CELL + CELL / 2
        cx, cy = (v.ravel() for v in np.meshgrid(centre, centre))
        shapely.prepare(parts)
        for part, left, bottom in zip(parts, x, y, strict=True):
            row, col = int((bottom - self.y0) // CELL), int((left - self.x0) // CELL)
            self.dry[row : row + per, col : col + per] = shapely.intersects_xy(part, cx + left, cy + bottom).reshape(
                per, per
            )

    def _bridge(self) -> None:
        """Cells whose centre is within 300 m of a crossing can be passed."""
        for x, y in self.crossings:
            rows, cols = (
                np.arange(int((v - start - CROSSING_REACH) // CELL), int((v - start + CROSSING_REACH) // CELL) + 1)
                for v, start in ((y, self.y0), (x, self.x0))
            )
            east, north = np.meshgrid(self.x0 + (cols + 0.5) * CELL, self.y0 + (rows + 0.5) * CELL)
            near = (east - x) ** 2 + (north - y) ** 2 <= CROSSING_REACH**2 + 1e-6
            self.passable[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1] |= near

    @cached_property
    def _components(self) -> np.ndarray:
        labels, count = ndimage.label(self.passable, structure=np.ones((3, 3)))
        return labels.astype(np.min_scalar_type(count))

    # --- lines ---

    def water_on(self, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Metres of each straight line that are on no land; starts and ends are (n, 2)."""
        length = np.hypot(*(ends - starts).T)
        wet = np.zeros(len(starts))
        look = np.flatnonzero(length > self._safe_from(starts))
        look = look[self._touches_unsure(starts[look], ends[look])]
        if not len(look):
            return wet
        a, b = starts[look], ends[look]
        wet[look], along = self._water.lengths(a, b)
        corner, far = np.array([self.x0, self.y0]), np.array([self.x0, self.y0]) + self._size
        beyond = np.flatnonzero(((np.minimum(a, b) < corner) | (np.maximum(a, b) > far)).any(axis=1))
        if len(beyond):
            lines = shapely.linestrings(np.stack([a[beyond], b[beyond]], axis=1))
            inside = shapely.length(shapely.intersection(lines, shapely.box(*corner, *far)))
            wet[look[beyond]] += length[look[beyond]] - inside
        for k in np.flatnonzero(
            along
        ):  # a shore belongs to the land; a border of tiles lies in both, in neither, in one
            line = shapely.LineString([a[k], b[k]])
            wet[look[k]] = shapely.length(shapely.difference(line, self._whole))
        return wet

    def _safe_from(self, points: np.ndarray) -> np.ndarray:
        """Metres within which no line from the point can leave tiles that are all land."""
        row, col, inside = self._tile(points)
        out = np.zeros(len(points))
        out[inside] = self._safe[row[inside], col[inside]]
        return out

    def _tile(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        col = np.floor((points[:, 0] - self.x0) / TILE).astype(np.int64)
        row = np.floor((points[:, 1] - self.y0) / TILE).astype(np.int64)
        return row, col, (row >= 0) & (col >= 0) & (row < self.tiles[0]) & (col < self.tiles[1])

    def _touches_unsure(self, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Whether the box around a line has a tile that is not all land; what leaves the tiles does."""
        row, col, inside = self._tile(np.minimum(starts, ends))
        last_row, last_col, also = self._tile(np.maximum(starts, ends))
        inside &= also
        out = np.ones(len(starts), dtype=bool)
        a, b, c, d = row[inside], col[inside], last_row[inside] + 1, last_col[inside] + 1
        n = self._counts
        out[inside] = n[c, d] - n[a, d] - n[c, b] + n[a, b] > 0
        return out

    # --- ways ---

    def cells_near(self, points: np.ndarray) -> np.ndarray:
        """The land cell nearest to each point, as row * columns + column. A crossing's cells are land."""
        height, width = self.passable.shape
        col = np.floor((points[:, 0] - self.x0) / CELL).astype(np.int64)
        row = np.floor((points[:, 1] - self.y0) / CELL).astype(np.int64)
        inside = (row >= 0) & (col >= 0) & (row < height) & (col < width)
        at_home = inside.copy()
        at_home[inside] = self.passable[row[inside], col[inside]]
        out = row * width + col
        for i in np.flatnonzero(~at_home):
            out[i] = self._cell_beside(points[i], int(row[i]), int(col[i]))
        return out

    def _cell_beside(self, point: np.ndarray, row: int, col: int) -> int:
        """The land cell nearest to a point that is in none: the search grows, and goes on as far as the one found."""
        height, width = self.passable.shape
        at_row, at_col = min(max(row, 0), height - 1), min(max(col, 0), width - 1)
        aside = max(abs(row - at_row), abs(col - at_col))
        radius, best, found = 4, np.inf, -1
        while True:
            top, left = max(at_row - radius, 0), max(at_col - radius, 0)
            r, c = np.nonzero(self.passable[top : at_row + radius + 1, left : at_col + radius + 1])
            if not len(r):
                radius *= 4
                continue
            east, north = self.x0 + (c + left + 0.5) * CELL, self.y0 + (r + top + 0.5) * CELL
            far = np.hypot(east - point[0], north - point[1])
            first = int(np.argmin(far))
            if far[first] >= best:
                return found
            best, found = far[first], int((r[first] + top) * width + c[first] + left)
            radius = max(radius, int(best // CELL) + 2 + aside)

    def connected(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Whether any way over land leads between cells."""
        labels = self._components.ravel()
        return labels[a] == labels[b]

    def field(self, cell: int, reach: float) -> Field:
        """Metres over land from a cell to all that are within ``reach``. The ones used last are kept."""
        with self._lock:
            kept = self._fields.get(cell)
            if kept is not None and kept.reach >= reach:
                self._fields.move_to_end(cell)
                return kept
        height, width = self.passable.shape
        row, col = divmod(int(cell), width)
        steps = int(min(reach // CELL + 1, max(height, width)))
        top, left = max(row - steps, 0), max(col - steps, 0)
        window = self.passable[top : row + steps + 1, left : col + steps + 1]
        found = self._dijkstra(window, top, left, row, col, reach)
        with self._lock:
            self._fields[cell] = found
            self._fields.move_to_end(cell)
            while (
                len(self._fields) > 1 and sum(f.metres.nbytes for f in self._fields.values()) > MOST_FIELDS_MB * 2**20
            ):
                self._fields.popitem(last=False)
        return found

    def ways(self, source: int, targets: np.ndarray, most: np.ndarray) -> np.ndarray:
        """Metres of the least way from a cell to others; inf where it is longer than the target's ``most`` or there is none."""
        width, reach = self.passable.shape[1], float(most.max())
        if reach <= SHORT:
            metres = self.field(source, reach).at(targets // width, targets % width)
        else:
            metres = self._search(source, targets, most).at(targets // width, targets % width)
        return np.where(metres <= most + ROUNDING, metres, np.inf)

    def crossed(self, source: int, targets: np.ndarray, lengths: np.ndarray) -> list[tuple[int, ...]]:
        """The crossings on the least way (of known length) from each target to the cell, in the order in which they are met.

        A way's cells that are land only because of a crossing each name the crossing nearest to them.
        """
        found = self._search(source, targets, lengths, paths=True)
        width, dry, out = self.passable.shape[1], self.dry.ravel(), []
        at = {int(cell): number for number, cell in enumerate(found.cells)}
        for target in targets:
            met: dict[int, None] = {}
            node = at[int(target)]
            while node >= 0:
                cell = int(found.cells[node])
                if not dry[cell]:
                    x, y = self.x0 + (cell % width + 0.5) * CELL, self.y0 + (cell // width + 0.5) * CELL
                    met[int(np.argmin(np.hypot(*(self.crossings - (x, y)).T)))] = None
                node = int(found.before[node])
            out.append(tuple(met))
        return out

    def _search(self, cell: int, targets: np.ndarray, most: np.ndarray, paths: bool = False) -> Field:
        """Ways to a few targets, each of at most ``most`` metres: the field is right at the targets, elsewhere perhaps not.

        A way of some length stays within the ellipse around its two ends: only its window is searched, and, for few targets,
        only the cells from which the detour is not too long already.
        """
        height, width = self.passable.shape
        row, col = divmod(int(cell), width)
        down, right = (targets // width - row).astype("float64"), (targets % width - col).astype("float64")
        apart, length = np.hypot(down, right), most / CELL
        across = np.maximum(length**2 - apart**2, 0.0)
        half = [np.sqrt(across + step**2) / 2 + 1 for step in (down, right)]
        top, left = (
            int(max(np.floor((o + v / 2 - h).min()), 0)) for o, v, h in ((row, down, half[0]), (col, right, half[1]))
        )
        bottom, last = (
            int(min(np.ceil((o + v / 2 + h).max()) + 1, size))
            for o, v, h, size in ((row, down, half[0], height), (col, right, half[1], width))
        )
        window = self.passable[top:bottom, left:last]
        if len(targets) <= FEW:
            r, c = np.arange(top, bottom)[:, None], np.arange(left, last)[None, :]
            so_far, close = _octile(r - row, c - col), np.zeros(window.shape, dtype=bool)
            for target, far in zip(targets, most, strict=True):
                close |= so_far + _octile(r - target // width, c - target % width) <= far + ROUNDING
            close[row - top, col - left] = True  # a target farther than its ``most`` would leave even the start out
            window = window & close
        return self._dijkstra(window, top, left, row, col, float(most.max()), paths)

    def _dijkstra(
        self, window: np.ndarray, top: int, left: int, row: int, col: int, reach: float, paths: bool = False
    ) -> Field:
        number = np.full(window.shape, -1, dtype=np.int32)
        number[window] = np.arange(np.count_nonzero(window), dtype=np.int32)
        starts, ends, costs = [], [], []
        h, w = window.shape
        for down, right, cost in _STEPS:
            a = number[: h - down, max(0, -right) : w - max(0, right)]
            b = number[down:, max(0, right) : w + min(0, right)]
            both = (a >= 0) & (b >= 0)
            starts.append(a[both])
            ends.append(b[both])
            costs.append(np.full(len(starts[-1]), cost))
        size = int(number.max()) + 1
        graph = csr_array((np.concatenate(costs), (np.concatenate(starts), np.concatenate(ends))), shape=(size, size))
        source = int(number[row - top, col - left])
        found = dijkstra(graph, directed=False, indices=source, limit=reach + ROUNDING, return_predecessors=paths)
        far, before = found if paths else (found, None)
        metres = np.full(window.shape, np.inf)
        metres[window] = far
        r, c = np.nonzero(window)
        return Field(top, left, metres, reach, (r + top) * self.passable.shape[1] + c + left if paths else None, before)


def _octile(down: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Metres of the way between two cells when all is land: no way is shorter."""
    down, right = np.abs(down), np.abs(right)
    return CELL * np.maximum(down, right) + (DIAGONAL - CELL) * np.minimum(down, right)
