"""The map's fixed files: packed outlines and names per level, made once, kept in the home folder, addressed by their content.

A browser fetches each once and keeps it for ever; changing the indicator only sends classes (docs/decisions/0001-map-painter.md).
"""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import brotli
import geopandas as gpd

from dashboard.exports import write_whole
from dashboard.published import Published
from layers import pack

FORMAT = "2"
"""Part of every key: raise it when what is packed changes."""


@dataclass(frozen=True)
class ShapeFile:
    """One file for the browser. ``url_name`` is "lsoa.3f2a….bin"."""

    url_name: str
    path: Path  # uncompressed
    mimetype: str

    @property
    def compressed(self) -> Path:
        return self.path.with_name(self.path.name + ".br")


class Shapes:
    """The files of one region. Each is made when it is first asked for; several processes may make the same one safely."""

    def __init__(self, published: Published):
        self._published = published
        self._folder = published.home / "shapes" / published.region.id
        self._lock = threading.Lock()
        self._files: dict[str, ShapeFile] = {}

    def outlines(self, level: str) -> ShapeFile:
        """Packed outlines of a level, or of "context"."""
        return self._file(f"{level}-outlines", "bin", lambda: pack(self._frame(level)))

    def names(self, level: str) -> ShapeFile:
        """JSON: names, authority and ward of every area of a level, in area order."""
        return self._file(f"{level}-names", "json", lambda: self._names(level))

    def labels(self) -> ShapeFile:
        """JSON: place labels, most important first: ``[[name, longitude, latitude, rank], ...]``."""
        return self._file("labels", "json", self._labels)

    def by_name(self, url_name: str) -> ShapeFile | None:
        with self._lock:
            return next((file for file in self._files.values() if file.url_name == url_name), None)

    def read(self, file: ShapeFile, *, compressed: bool) -> bytes:
        """The content of a file; made again when somebody has emptied the home folder meanwhile."""
        path = file.compressed if compressed else file.path
        try:
            return path.read_bytes()
        except FileNotFoundError:
            what = file.url_name.split(".")[0]
            with self._lock:
                self._files.pop(what, None)
            level = what.removesuffix("-outlines").removesuffix("-names")
            self.labels() if what == "labels" else self.names(level) if what.endswith("-names") else self.outlines(
                level
            )
            return path.read_bytes()

    def _frame(self, level: str) -> gpd.GeoDataFrame:
        region = self._published.region
        return region.context if level == "context" else region.areas[level]

    def _file(self, what: str, suffix: str, make) -> ShapeFile:
        with self._lock:
            if what not in self._files:
                self._files[what] = self._made(what, suffix, make)
            return self._files[what]

    def _made(self, what: str, suffix: str, make) -> ShapeFile:
        key = self._key(what)
        path = self._folder / f"{what}.{key}.{suffix}"
        file = ShapeFile(path.name, path, "application/json" if suffix == "json" else "application/octet-stream")
        if not (path.exists() and file.compressed.exists()):
            data = make()
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(path, data)
            # 9 of 11: within 2% of the smallest, and England takes two seconds instead of ten
            write_whole(file.compressed, brotli.compress(data, quality=9, lgwin=22))
        return file

    def _key(self, what: str) -> str:
        """Content address: the bytes of the pack's area files, the names and the format."""
        return hashlib.sha256(f"{FORMAT} {what} {self._pack}".encode()).hexdigest()[:16]

    @cached_property
    def _pack(self) -> str:
        digest = hashlib.sha256()
        for file in sorted((self._published.region.path / "areas").glob("*.parquet")):
            digest.update(file.read_bytes())
        for areas in self._published.region.areas.values():  # they may come from a lookup beside
            digest.update("\n".join(areas["name"]).encode())
        return digest.hexdigest()

    def _names(self, level: str) -> bytes:
        region = self._published.region
        areas = region.areas[level]
        lads, wards = region.areas["lad"], region.areas["ward"]
        lad_index = {code: i for i, code in enumerate(lads["code"])}
        ward_index = {code: i for i, code in enumerate(wards["code"])}
        document = {
            "codes": areas["code"].tolist(),
            "names": areas["name"].tolist(),
            "lad": [lad_index.get(code, -1) for code in areas["lad_code"]],
            "lads": lads["name"].tolist(),
            "ward": [ward_index.get(code, -1) for code in areas["ward_code"]] if level == "lsoa" else [],
            "wards": wards["name"].tolist() if level == "lsoa" else [],
        }
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()

    def _labels(self) -> bytes:
        region = self._published.region
        out = []
        for rank, level in enumerate(("lad", "ward")):
            areas = region.areas[level]
            points = areas.geometry.representative_point()
            order = areas["population"].to_numpy().argsort()[::-1]
            out += [[areas["name"].iat[i], round(points.iat[i].x, 4), round(points.iat[i].y, 4), rank] for i in order]
        return json.dumps(out, ensure_ascii=False, separators=(",", ":")).encode()
