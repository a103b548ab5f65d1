"""From untrusted bytes to a table of text. Nothing here trusts a name, a header, a size or a promise in the file.

What is taken: CSV (any usual delimiter and encoding), XLSX, GeoJSON, GeoPackage, and a zip of one of them with or without its
``datapackage.json``. Everything else is refused by its first bytes. GDAL is never used: it picks a driver by content, and a
file called .geojson can make it read another file on the server.
"""

from __future__ import annotations

import contextlib
import csv
import gc
import io
import json
import re
import stat
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pandas as pd

from layers.descriptor import table_name
from layers.model import Fault, Refused

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What an upload may cost. The defaults let through every LSOA of England with 100 columns."""

    upload: int = 100 * MIB
    unpacked: int = 200 * MIB  # all the files of a zip together
    always_unpacked: int = 4 * MIB  # so much may come out of the smallest zip,
    times: int = (
        40  # and so many times its size: tables of figures shrink to a tenth, a file made to grow to a thousandth
    )
    members: int = 100  # files in a zip
    rows: int = 500_000
    columns: int = 1_000
    cells: int = 10_000_000
    line: int = 4 * MIB  # bytes before the first line end
    descriptor: int = 2 * MIB
    json: int = 48 * MIB  # as Python objects it takes some ten times that
    cpu_s: int = 60  # of the child process
    wall_s: int = 90
    memory: int = 2_048 * MIB

    def of_zip(self, size: int) -> int:
        """Bytes, and letters, that may come out of a zip or workbook of this size."""
        return min(self.unpacked, self.always_unpacked + self.times * size)


LIMITS = Limits()


@dataclass(frozen=True)
class Sheet:
    """A table whose cells are text exactly as written; the index is the row as a person counts in the file (header: 1 or more).

    ``epsg`` is that of the columns ``longitude, latitude`` or ``easting, northing`` which came out of a geometry, else 0.
    """

    text: pd.DataFrame
    name: str
    format: str  # csv, xlsx, geojson, gpkg
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    encoding: str = ""
    delimiter: str = ""
    header_row: int = 1
    decimal_comma: bool | None = None
    epsg: int = 0
    geometry: tuple[str, ...] = ()  # columns that came out of a geometry
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Upload:
    """What a file turned out to hold: at most one descriptor, exactly one table."""

    sheet: Sheet
    document: dict | None = None
    members: tuple[str, ...] = field(default=())


def _refuse(name: str, what: str, todo: str = "", rule: str = "file") -> Refused:
    return Refused(f"{name} cannot be read.", [Fault(what, name, todo, rule=rule)])


def safe_name(name: str) -> str:
    """A file name that may be shown and stored: the last part of a path, printable, at most 100 characters."""
    last = str(name).replace("\\", "/").rsplit("/", 1)[-1]
    last = "".join(letter for letter in last if letter.isprintable() and letter not in '<>:"|?*\0').strip(". ")
    stem, dot, end = last.rpartition(".")
    if dot and len(end) <= 10:
        last = f"{stem[:89]}.{end}"
    return last[:100] or "upload"


# ---------------------------------------------------------------- the front door


def read_upload(path: str | Path, *, filename: str = "", sheet: str = "", limits: Limits = LIMITS) -> Upload:
    """Read a folder, zip or bare file of which nothing is known. ``filename`` is what its sender called it.

    Raises :class:`Refused`; never writes outside a temporary folder of its own, never opens a file that ``path`` only names.
    """
    path = Path(path)
    name = safe_name(filename or path.name)
    if path.is_dir():
        return _from_members(_read_folder(path, limits), name, sheet, limits)
    if path.is_symlink() or not path.is_file():
        raise _refuse(name, "there is no such file", "check the path")
    size = path.stat().st_size
    if size > limits.upload:
        what = f"is {size / MIB:,.0f} MiB; at most {limits.upload / MIB:,.0f} are taken"
        raise _refuse(name, what, "divide it", "too-large")
    raw = path.read_bytes()
    if not raw.strip(b"\0 \t\r\n"):
        raise _refuse(name, "is empty", "export it again", "empty")
    if kind_of(raw) == "zip":
        return _from_members(read_zip(path, limits), name, sheet, limits)
    return Upload(read_table(raw, name, sheet=sheet, limits=limits))


def _read_folder(path: Path, limits: Limits) -> dict[str, bytes]:
    members: dict[str, bytes] = {}
    total = 0
    for file in sorted(path.iterdir()):
        if file.is_symlink() or not file.is_file() or file.name.startswith("."):
            continue
        total += file.stat().st_size
        if total > limits.upload or len(members) >= limits.members:
            what = "holds too many or too large files"
            raise _refuse(path.name, what, "leave only the descriptor and the table in it")
        members[file.name] = file.read_bytes()
    return members


def _from_members(members: Mapping[str, bytes], name: str, sheet: str, limits: Limits) -> Upload:
    documents = [key for key in members if key.rsplit("/", 1)[-1].endswith("datapackage.json")]
    tables = [key for key in members if _extension(key) in TABLES and key not in documents]
    document = None
    if len(documents) > 1:
        raise _refuse(name, f"holds {len(documents)} descriptors", "put one layer in a package", "package")
    if documents:
        document = read_json(members[documents[0]], "datapackage.json", limits.descriptor)
        folder = documents[0].rpartition("/")[0]
        wanted = table_name(document)
        whole = f"{folder}/{wanted}" if folder else wanted
        if whole in members:
            tables = [whole]
        elif document.get("resources"):
            what = f"the table {wanted!r} of its descriptor is not there"
            raise _refuse(name, what, "put it beside the descriptor", "package")
    if len(tables) != 1:
        inside = ", ".join(safe_name(key) for key in list(members)[:8]) or "nothing"
        what = f"holds {'no table' if not tables else f'{len(tables)} tables'}: {inside}"
        raise _refuse(name, what, "leave exactly one CSV, XLSX, GeoJSON or GeoPackage in it", "package")
    table = read_table(members[tables[0]], safe_name(tables[0]), sheet=sheet, limits=limits)
    return Upload(table, document, tuple(members))


TABLES = {"csv", "tsv", "txt", "xlsx", "geojson", "json", "gpkg"}


def _extension(name: str) -> str:
    return PurePosixPath(name.lower()).suffix.removeprefix(".")


def kind_of(raw: bytes) -> str:
    """What the first bytes say a file is: zip, xlsx, gpkg, json, text, or a word for what is refused."""
    head = raw[:512]
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return "xlsx" if b"xl/workbook.xml" in _directory_of(raw) else "zip"
    if head.startswith(b"SQLite format 3\0"):
        return "gpkg" if raw[68:72] in (b"GPKG", b"GP10", b"GP11") else "an SQLite database"
    for magic, what in _REFUSED_MAGIC:
        if head.startswith(magic):
            return what
    if head[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff") or head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "text"
    bare = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    low = bare[:200].lower()
    if low.startswith((b"<?xml", b"<!doctype", b"<html", b"<svg", b"<ogr", b"<kml", b"<script", b"<")):
        return "a web page or XML document"
    if bare.startswith((b"{", b"[")):
        return "json"
    if b"\0" in head and not _utf16_without_mark(head):
        return "a binary file"
    return "text"


def _directory_of(raw: bytes) -> bytes:
    """The table of contents at the end of a zip, at most a mebibyte of it."""
    at = raw.rfind(b"PK\x05\x06", max(0, len(raw) - (1 << 16) - 22))
    if at < 0 or len(raw) < at + 22:
        return b""
    size, start = struct.unpack("<LL", raw[at + 12 : at + 20])
    return raw[start : start + min(size, MIB)]


_REFUSED_MAGIC = (
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)"),
    (b"%PDF", "a PDF document"),
    (b"GIF8", "a picture"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"\x00\x00\x27\x0a", "a shapefile"),
    (b"\x89HDF", "an HDF5 file"),
    (b"{\\rtf", "a text document"),
)


def read_table(raw: bytes, name: str, *, sheet: str = "", limits: Limits = LIMITS) -> Sheet:
    """Read the bytes of one table. What it is comes from its bytes; a name that says otherwise is refused."""
    if len(raw) > limits.unpacked:
        raise _refuse(name, f"is larger than {limits.unpacked / MIB:,.0f} MiB", "divide it", "too-large")
    kind, extension = kind_of(raw), _extension(name)
    readers = {"xlsx": _read_xlsx, "gpkg": _read_gpkg, "json": _read_geojson, "text": _read_csv}
    takes = {"xlsx": {"xlsx"}, "gpkg": {"gpkg"}, "json": {"geojson", "json"}, "text": {"csv", "tsv", "txt", ""}}
    if kind not in readers:
        todo = "save it as CSV, XLSX, GeoJSON or GeoPackage"
        what = f"is {kind}, which is not taken here" if kind != "zip" else "is a zip within a zip"
        raise _refuse(name, what, todo, "file-kind")
    if extension not in takes[kind]:
        is_a = {"xlsx": "an Excel workbook", "gpkg": "a GeoPackage", "json": "JSON", "text": "plain text"}[kind]
        what = f"is called .{extension} but holds {is_a}" if extension else f"has no ending but holds {is_a}"
        raise _refuse(name, what, f"call it .{sorted(takes[kind])[-1]}, if that is what it is", "file-kind")
    return readers[kind](raw, name, sheet, limits)


# ---------------------------------------------------------------- zip


def read_zip(path: str | Path, limits: Limits = LIMITS) -> dict[str, bytes]:
    """The files of a zip by their cleaned names, read into memory while counting: what the headers promise is not believed.

    Refuses names that climb out, links, passwords, archives within, names that differ only in case, other compressions than
    deflate, and more than the limits. Nothing is written to disk.
    """
    path = Path(path)
    name = safe_name(path.name)
    if path.stat().st_size > limits.upload:
        raise _refuse(name, "is too large", "divide it", "too-large")
    _check_directory_size(path, name, limits)
    out: dict[str, bytes] = {}
    seen: set[str] = set()
    total = 0
    most = limits.of_zip(path.stat().st_size)
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            if len(infos) > limits.members:
                raise _refuse(name, f"holds {len(infos):,} files", f"at most {limits.members} are taken", "zip")
            for info in infos:
                inner = _member_name(info, name)
                if inner is None:
                    continue
                if inner.casefold() in seen:
                    raise _refuse(name, f"holds the name {inner!r} twice", "keep one of them", "zip")
                seen.add(inner.casefold())
                content = _read_member(archive, info, most - total, most, name)
                total += len(content)
                if kind_of(content) == "zip":
                    raise _refuse(name, f"holds another archive, {inner!r}", "take the files out of it", "zip")
                out[inner] = content
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        NotImplementedError,
        EOFError,
        OSError,
        struct.error,
        ValueError,
    ) as error:
        raise _refuse(name, f"is a damaged zip ({_short(error)})", "make it again", "zip") from None
    except Exception as error:
        if isinstance(error, Refused):
            raise
        raise _refuse(name, f"is a damaged zip ({type(error).__name__})", "make it again", "zip") from None
    return out


def _check_directory_size(path: Path, name: str, limits: Limits) -> None:
    """Refuse a table of contents that is large in itself, before zipfile builds an object for each of its lines."""
    with path.open("rb") as file:
        file.seek(0, 2)
        size = file.tell()
        file.seek(max(0, size - (1 << 16) - 22))
        tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        raise _refuse(name, "is a damaged zip or one cut short", "make it again, or upload it again", "zip")
    entries, directory = (
        struct.unpack("<H", tail[at + 10 : at + 12])[0],
        struct.unpack("<L", tail[at + 12 : at + 16])[0],
    )
    if entries > limits.members or directory > 1_000 * limits.members:
        raise _refuse(name, f"holds {entries:,} files or more", f"at most {limits.members} are taken", "zip")
    if b"PK\x06\x06" in tail:
        raise _refuse(name, "is a zip of the large kind (ZIP64)", "zip only the descriptor and the table", "zip")


def _member_name(info: zipfile.ZipInfo, archive: str) -> str | None:
    """The cleaned name of a member, None for what is passed over (folders, a Mac's own files); refuses what is dangerous."""
    raw = info.filename.replace("\\", "/")
    parts = raw.split("/")
    if raw.startswith("/") or ".." in parts or re.match(r"^[A-Za-z]:", raw) or "\0" in raw or len(raw) > 300:
        what = f"holds a name that leads out of it, {safe_name(raw)!r}"
        raise _refuse(archive, what, "zip the files themselves", "zip-slip")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise _refuse(archive, f"holds a link, {safe_name(raw)!r}", "zip the files themselves", "zip-link")
    if info.is_dir() or parts[0] == "__MACOSX" or parts[-1] in (".DS_Store", "Thumbs.db", "desktop.ini"):
        return None
    if info.flag_bits & 1:
        raise _refuse(archive, "is protected by a password", "make it without one", "zip")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _refuse(archive, "uses an unusual compression", "make it with the system's own zip", "zip")
    if _extension(raw) in ("zip", "gz", "bz2", "xz", "7z", "rar", "tar", "tgz", "zst"):
        raise _refuse(archive, f"holds another archive, {safe_name(raw)!r}", "take the files out of it", "zip")
    return "/".join(part for part in parts if part not in ("", "."))


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, left: int, most: int, name: str) -> bytes:
    """Read while counting. ``left`` of the ``most`` bytes that this zip may unpack to."""
    chunks, size = [], 0
    with archive.open(info) as file:
        while chunk := file.read(1 << 18):
            size += len(chunk)
            if size > left:
                what = f"unpacks to more than {most / MIB:,.0f} MiB, which is too much for its size"
                todo = "delete unused rows, columns and formats, or save the table as CSV"
                raise _refuse(name, what, todo, "zip-bomb")
            chunks.append(chunk)
    return b"".join(chunks)


# ---------------------------------------------------------------- JSON


def read_json(raw: bytes, name: str, most: int = LIMITS.unpacked):
    """JSON as RFC 8259 has it: UTF-8, no NaN or Infinity, no key twice in our descriptor, not nested without end."""
    if len(raw) > most:
        raise _refuse(name, f"is larger than {most / MIB:,.0f} MiB", "divide it", "too-large")

    def constant(word: str):
        raise ValueError(f"{word} is not a number in JSON")

    def whole(digits: str):
        return int(digits) if len(digits) < 20 else float(digits)

    try:
        return json.loads(raw.decode("utf-8-sig"), parse_constant=constant, parse_int=whole)
    except RecursionError:
        raise _refuse(name, "is nested too deeply", "export it again", "json") from None
    except UnicodeDecodeError:
        raise _refuse(name, "is not UTF-8 text", "save it as UTF-8", "encoding") from None
    except ValueError as error:
        raise _refuse(name, f"is not valid JSON: {_short(error)}", "check it where it says", "json") from None


@contextlib.contextmanager
def _without_collector() -> Iterator[None]:
    """While millions of small lists are made, the cycle collector walks them again and again: four fifths of the time.

    Reference counts free them as always. It is switched off for the process; a thread that ends first only switches it on
    early for the other."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _read_geojson(raw: bytes, name: str, sheet: str, limits: Limits) -> Sheet:
    if len(raw) > limits.json:
        what = f"is {len(raw) / MIB:,.0f} MiB of GeoJSON; at most {limits.json / MIB:,.0f} are taken"
        todo = "save points instead of outlines, or save it as CSV or GeoPackage"
        raise _refuse(name, what, todo, "too-large")
    with _without_collector():
        return _sheet_of_geojson(raw, name, limits)


def _sheet_of_geojson(raw: bytes, name: str, limits: Limits) -> Sheet:
    document = read_json(raw, name, limits.json)
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        found = document.get("type") if isinstance(document, dict) else type(document).__name__
        what = f"is not a GeoJSON FeatureCollection (its type is {str(found)[:40]!r})"
        raise _refuse(name, what, "export it as a FeatureCollection", "geojson")
    features = document.get("features")
    if not isinstance(features, list) or any(not isinstance(one, dict) for one in features):
        raise _refuse(name, "its features are not a list of objects", "export it again", "geojson")
    if not features:
        raise _refuse(name, "holds no features", "export it again", "empty")
    if len(features) > limits.rows:
        what = f"has {len(features):,} features; at most {limits.rows:,} are taken"
        raise _refuse(name, what, "divide it", "too-large")
    epsg = _crs_of(document, name)
    columns: dict[str, list[str]] = {}
    for at, feature in enumerate(features):
        properties = feature.get("properties") or {}
        if not isinstance(properties, dict):
            raise _refuse(name, f"the properties of feature {at + 1} are not an object", "export it again", "geojson")
        for key, value in properties.items():
            column = columns.get(key)
            if column is None:
                if len(columns) >= limits.columns:
                    raise _refuse(name, f"has more than {limits.columns:,} columns", "leave some out", "too-large")
                if key.lower() in ("popup", "tooltip"):  # map libraries render these as HTML
                    continue
                column = columns[key] = [""] * len(features)
            column[at] = _scalar(value)
    x, y, notes = _geojson_points(features, name)
    names = ("easting", "northing") if epsg == 27700 else ("longitude", "latitude")
    geometry = tuple(f"geometry {axis}" if axis in columns else axis for axis in names)
    if any(x) or any(y):
        columns[geometry[0]], columns[geometry[1]] = x, y
    else:
        geometry = ()
    text = pd.DataFrame(columns, index=range(1, len(features) + 1), dtype="str")
    _check_cells(text, name, limits)
    return Sheet(
        text, name, "geojson", encoding="utf-8", header_row=0, epsg=epsg, geometry=geometry, faults=tuple(notes)
    )


def _crs_of(document: dict, name: str) -> int:
    """4326 as the standard has it, or what the older standard's "crs" member says."""
    crs = document.get("crs")
    if crs is None:
        return 4326
    properties = crs.get("properties") if isinstance(crs, dict) else None
    given = str(properties.get("name", "")) if isinstance(properties, dict) else str(crs)
    if "CRS84" in given:
        return 4326
    number = re.search(r"(\d{4,5})\s*$", given)
    if number and int(number[1]) in (4326, 4258, 27700):
        return 27700 if int(number[1]) == 27700 else 4326
    raise _refuse(name, f"its coordinates are in {given[:60]!r}", "export it in EPSG:4326 or EPSG:27700", "crs")


def _scalar(value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return (
        value if isinstance(value, str) else json.dumps(value)[:1000] if isinstance(value, (dict, list)) else str(value)
    )


def _geojson_points(features: list[dict], name: str) -> tuple[list[str], list[str], list[Fault]]:
    x, y, faults = [""] * len(features), [""] * len(features), []
    areal, broken = 0, []
    for at, feature in enumerate(features):
        geometry = feature.get("geometry")
        if geometry is None:
            continue
        try:
            if geometry["type"] == "Point":
                east, north = geometry["coordinates"][:2]
            else:
                import shapely.geometry

                shape = shapely.geometry.shape(geometry)
                if shape.is_empty:
                    raise ValueError("empty")
                inner = shape if shape.geom_type == "Point" else shape.point_on_surface()
                east, north = inner.x, inner.y
                areal += 1
            if isinstance(east, bool) or isinstance(north, bool):
                raise TypeError
            x[at], y[at] = _scalar(float(east)), _scalar(float(north))
        except Exception:  # whatever a made-up geometry makes of shapely
            broken.append(at + 1)
    if areal:
        what = f"{areal:,} shapes are not points; a point inside each is used"
        faults.append(Fault(what, name, rule="not-points", severity="warning"))
    for row in broken[:20]:
        what = "the geometry cannot be read"
        faults.append(Fault(what, name, "mend or remove the feature", row=row, rule="geometry", severity="warning"))
    return x, y, faults


# ---------------------------------------------------------------- CSV


_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


def _utf16_without_mark(head: bytes) -> str:
    """utf-16-le or -be for text that is UTF-16 without saying so: every other byte is zero."""
    if len(head) < 8:
        return ""
    even, odd = head[::2].count(0) / (len(head) / 2), head[1::2].count(0) / (len(head) / 2)
    if odd > 0.7 and even < 0.1:
        return "utf-16-le"
    return "utf-16-be" if even > 0.7 and odd < 0.1 else ""


def decode(raw: bytes, name: str) -> tuple[str, str, list[Fault]]:
    """Text, the encoding found, and what the reader should know about it."""
    for mark, encoding in _BOMS:
        if raw.startswith(mark):
            try:
                return raw.decode(encoding), encoding, []
            except UnicodeDecodeError as error:
                what = f"begins like {encoding} but is not ({_short(error)})"
                raise _refuse(name, what, "save it as UTF-8", "encoding") from None
    if encoding := _utf16_without_mark(raw[:512]):
        try:
            return raw.decode(encoding), encoding, []
        except UnicodeDecodeError:
            raise _refuse(name, "is in an encoding that cannot be told", "save it as UTF-8", "encoding") from None
    if b"\0" in raw:
        raise _refuse(name, "holds zero bytes, so it is not text or is damaged", "export it again", "binary")
    try:
        return raw.decode("utf-8"), "utf-8", []
    except UnicodeDecodeError as error:
        try:
            text = raw.decode("cp1252")
        except UnicodeDecodeError:
            text = raw.decode("latin-1")
        line = raw.count(b"\n", 0, error.start) + 1
        what = f"is not UTF-8 (first at line {line}); read as Windows-1252, so check names with accents or pound signs"
        return (
            text,
            "cp1252",
            [Fault(what, name, "save it as CSV UTF-8", row=line, rule="encoding", severity="warning")],
        )


def _read_csv(raw: bytes, name: str, sheet: str, limits: Limits) -> Sheet:
    if len(raw) > limits.line and b"\n" not in raw[: limits.line] and b"\r" not in raw[: limits.line]:
        raise _refuse(name, "is one line without end", "export it again as CSV", "one-line")
    text, encoding, faults = decode(raw, name)
    delimiter = _delimiter(text)
    with _without_collector():
        rows = _rows_of(text, delimiter, name, limits)
        frame, header_row, found = _frame_of(rows, name, limits)
    comma = True if delimiter == ";" else None
    return Sheet(frame, name, "csv", "", (), encoding, delimiter, header_row, comma, faults=(*faults, *found))


def _rows_of(text: str, delimiter: str, name: str, limits: Limits) -> list[list[str]]:
    rows, cells = [], 0
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            cells += len(row)
            if cells > limits.cells or len(rows) > limits.rows + 100:
                what = f"has more than {limits.rows:,} rows or {limits.cells:,} cells"
                raise _refuse(name, what, "divide it", "too-large")
            rows.append(row)
    except csv.Error as error:
        todo = "look for a quotation mark that is opened and never closed"
        raise _refuse(name, f"cannot be read after row {len(rows)}: {_short(error)}", todo, "csv") from None
    return rows


def _delimiter(text: str) -> str:
    """The delimiter under which the first 60 rows have most columns in agreement; a comma when nothing speaks for another."""
    head = text[: 1 << 16]
    lines = head.splitlines()[:60]
    if len(head) == 1 << 16 and len(lines) > 1:
        lines = lines[:-1]
    best = (0.0, ",")
    for mark in (",", ";", "\t", "|"):
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=mark) if any(cell.strip() for cell in row)]
        except csv.Error:
            continue
        if not widths:
            continue
        usual = max(set(widths), key=lambda width: (widths.count(width), width))
        if usual > 1 and (score := widths.count(usual) / len(widths) + min(usual, 50) / 1000) > best[0]:
            best = (score, mark)
    return best[1]


def _frame_of(
    rows: list[list[str]], name: str, limits: Limits, numbers_of: Sequence[int] = ()
) -> tuple[pd.DataFrame, int, list[Fault]]:
    """Rows as a frame of text: finds the header under titles and notes, the end above footnotes, and mends the headers.

    ``numbers_of`` the rows in the file, where some were left out.
    """
    numbers_of = numbers_of or range(1, len(rows) + 1)
    faults: list[Fault] = []
    at = _header_at(rows)
    if at is None:
        what = "holds no table"
        raise _refuse(name, what, "put the names of the columns in one row and a record in each row below", "empty")
    at_row = numbers_of[at]
    if above := at_row - 1:
        what = f"the {above} rows above the header were passed over"
        what = "the row above the header was passed over" if above == 1 else what
        todo = f"check that row {at_row} is the header"
        faults.append(Fault(what, name, todo, rule="rows-above", severity="warning"))
    header = rows[at]
    header = header[: _used_width(header, rows)]
    width = len(header)
    if width > limits.columns:
        what = f"has {width:,} columns; at most {limits.columns:,} are taken"
        raise _refuse(name, what, "leave some out", "too-large")
    body, numbers = [], []
    ragged = []
    for number, row in zip(numbers_of[at + 1 :], rows[at + 1 :], strict=True):
        if len(row) != width:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) > width and any(cell.strip() for cell in row[width:]):
                ragged.append((number, len(row)))
                continue
            row = (row + [""] * width)[:width]
        elif not any(row):
            continue
        body.append(row)
        numbers.append(number)
    below = 0
    while body and width > 2 and sum(1 for cell in body[-1] if cell.strip()) <= 1:
        body.pop()
        numbers.pop()
        below += 1
    if below and not body:
        raise _refuse(name, "holds a header but no rows", "put a record in each row below the header", "empty")
    if below:
        what = (
            f"the last {below} rows hold a single cell each and were taken for notes"
            if below > 1
            else "the last row holds a single cell and was taken for a note"
        )
        faults.append(Fault(what, name, "check the end of the table", rule="rows-below", severity="warning"))
    for number, found in ragged[:20]:
        todo = 'put text that holds the delimiter between quotation marks (")'
        faults.append(Fault(f"has {found} cells where the header has {width}", name, todo, row=number, rule="ragged"))
    if len(ragged) > 20:
        faults.append(Fault(f"{len(ragged) - 20:,} more rows have too many cells", name, rule="ragged"))
    if not body and not ragged:
        raise _refuse(name, "holds a header but no rows", "put a record in each row below the header", "empty")
    names, found = _headers(header, name, at_row)
    columns = dict(zip(names, zip(*body, strict=True), strict=True)) if body else dict.fromkeys(names, ())
    frame = pd.DataFrame(
        {key: pd.array(column, dtype="str") for key, column in columns.items()}, index=pd.Index(numbers)
    )
    nameless = [
        key for key, cell in zip(names, header, strict=True) if not cell.strip() and not (frame[key] != "").any()
    ]
    return frame.drop(columns=nameless), at_row, faults + found


def _used_width(header: list[str], rows: list[list[str]]) -> int:
    """Columns of the header up to the last that has a name or a value. Each cell is looked at once: a header may be millions of
    blanks wide."""
    used = next((at for at in range(len(header), 0, -1) if header[at - 1].strip()), 0)
    for row in rows:
        for at in range(min(len(row), len(header)), used, -1):
            if row[at - 1].strip():
                used = at
                break
    return used


def _header_at(rows: list[list[str]]) -> int | None:
    """Position of the header: the first row as wide as the table usually is, with names and not numbers in it."""
    filled = [sum(1 for cell in row if cell.strip()) for row in rows[:200]]
    if not any(filled):
        return None
    later = sorted(count for count in filled if count > 1) or [1]  # titles and notes fill one cell
    usual = later[len(later) // 2]
    for at, count in enumerate(filled[:60]):
        if count >= max(1, min(2, usual), round(0.6 * usual)):
            return _below_a_title(rows, at, usual)
    return next(at for at, count in enumerate(filled) if count)


def _below_a_title(rows: list[list[str]], at: int, usual: int) -> int:
    """The header, where the row ``at`` that looks like one is a title with a comma in it: ``Older people, 2020,,``.

    A title leaves the last cells blank; the header below it fills them and holds nothing that is a value.
    """
    row = rows[at]
    filled = [bool(cell.strip()) for cell in row]
    if sum(filled) >= usual or sum(filled) > 3 or (any(filled[sum(filled) :]) or not all(filled[: sum(filled)])):
        return at
    for below in range(at + 1, min(at + 6, len(rows))):
        cells = [cell.strip() for cell in rows[below] if cell.strip()]
        if any(_is_value(cell) for cell in cells):
            return at
        if len(cells) >= usual:
            return below
    return at


_VALUE = re.compile(
    r"[-+(£$€<]*\d[\d,. ]*%?\)?|[A-Z]\d{8}|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|\d{1,4}[-/]\d{1,2}[-/]\d{1,4}", re.I
)


def _is_value(cell: str) -> bool:
    """A number, an official code, a postcode or a date: what stands in a table and not in its header (but years do)."""
    return bool(_VALUE.fullmatch(cell)) and not re.fullmatch(r"(?:19|20)\d{2}", cell)


_HEADER_SPACES = re.compile(r"[\s\u00a0\ufeff\u200b]+")


def _headers(cells: list[str], name: str, row: int) -> tuple[list[str], list[Fault]]:
    out, faults, used = [], [], {}
    for at, cell in enumerate(cells):
        text = _HEADER_SPACES.sub(" ", cell).strip()
        text = "".join(letter for letter in text if letter.isprintable())[:200] or f"column {_letter(at)}"
        key, times = text, 1
        while key in used:
            times += 1
            key = f"{text} ({times})"
        if times > 1:
            what = f"the header {text!r} stands more than once; the later one is called {key!r}"
            todo = "give each column its own name"
            faults.append(Fault(what, name, todo, row, text, rule="header-twice", severity="warning"))
        used[key] = at
        out.append(key)
    return out, faults


def _letter(at: int) -> str:
    """The letters of a spreadsheet's column: 0 is A, 26 is AA."""
    text = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        text = chr(65 + rest) + text
    return text


def _check_cells(text: pd.DataFrame, name: str, limits: Limits) -> None:
    if text.size > limits.cells:
        raise _refuse(name, f"has more than {limits.cells:,} cells", "divide it", "too-large")


# ---------------------------------------------------------------- the child process


def _read_xlsx(raw: bytes, name: str, sheet: str, limits: Limits) -> Sheet:
    with tempfile.TemporaryDirectory(prefix="commonground-") as folder:
        file = Path(folder) / "book.xlsx"
        file.write_bytes(raw)
        _check_xlsx(file, name, limits)
        about, columns = _apart("xlsx", file, name, sheet, limits)
    numbers = list(map(int, columns[0])) if columns else []
    rows = list(map(list, zip(*columns[1:], strict=True)))
    frame, header_row, faults = _frame_of(rows, name, limits, numbers)
    if len(about["sheets"]) > 1 and not sheet:
        others = ", ".join(repr(title) for title in about["sheets"] if title != about["sheet"])
        what = f"the sheet {about['sheet']!r} was read; there are others: {others[:200]}"
        faults.append(Fault(what, name, "choose another if it is the wrong one", rule="sheets", severity="warning"))
    return Sheet(
        frame, name, "xlsx", about["sheet"] or "", tuple(about["sheets"]), header_row=header_row, faults=tuple(faults)
    )


def _check_xlsx(file: Path, name: str, limits: Limits) -> None:
    """The zip that a workbook is: within the limits, no macros, and no part that declares an entity."""
    generous = Limits(**{**limits.__dict__, "members": 2_000})
    parts = read_zip(file, generous)
    if "xl/workbook.xml" not in parts:
        raise _refuse(name, "is not an Excel workbook", "save it as .xlsx", "file-kind")
    for part, content in parts.items():
        if part.endswith((".xml", ".rels")):
            head = content[: 1 << 16].replace(b"\0", b"")  # UTF-16 hides it no better
            if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
                what = "declares an XML entity, which no program writes into a workbook"
                raise _refuse(name, what, "save it again", "xxe")
        if part.endswith("vbaProject.bin"):
            raise _refuse(name, "holds macros", "save it as .xlsx without them", "macros")


def _read_gpkg(raw: bytes, name: str, sheet: str, limits: Limits) -> Sheet:
    with tempfile.TemporaryDirectory(prefix="commonground-") as folder:
        file = Path(folder) / "layer.gpkg"
        file.write_bytes(raw)
        about, columns = _apart("gpkg", file, name, sheet, limits)
    header = about["header"]
    if not columns or not len(columns[0]):
        raise _refuse(name, "its layer holds no rows", "export it again", "empty")
    names, faults = _headers(header, name, 1)
    text = pd.DataFrame(dict(zip(names, columns, strict=True)), dtype="str")
    text.index = range(1, len(text) + 1)
    faults += [Fault(note, name, rule="not-points", severity="warning") for note in about["notes"]]
    if len(about["sheets"]) > 1 and not sheet:
        what = f"the layer {about['sheet']!r} was read; there are {len(about['sheets'])}"
        faults.append(Fault(what, name, "choose another if it is the wrong one", rule="sheets", severity="warning"))
    geometry = tuple(names[-2:]) if about["epsg"] and names[-2:][0].endswith(("easting", "longitude")) else ()
    return Sheet(
        text, name, "gpkg", about["sheet"], tuple(about["sheets"]), header_row=0, epsg=about["epsg"], geometry=geometry,
        faults=tuple(faults),
    )  # fmt: skip


def _apart(kind: str, file: Path, name: str, sheet: str, limits: Limits) -> tuple[dict, list[list[str]]]:
    """Read a file in the child process (:mod:`layers.reading.reader_process`): what it says, and its columns as text."""
    out = file.with_name("out.arrow")
    options = {
        "sheet": sheet,
        "rows": limits.rows,
        "columns": limits.columns,
        "cells": limits.cells,
        "letters": limits.of_zip(file.stat().st_size),
        "cpu_s": limits.cpu_s,
        "memory": limits.memory,
        "file_size": 4 * limits.unpacked,
    }
    child = Path(__file__).with_name("reader_process.py")
    environment = {
        "PATH": "",
        "LANG": "C.UTF-8",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "ARROW_NUM_THREADS": "1",
    }
    try:
        done = subprocess.run(  # noqa: S603  our own interpreter and script, a path we made, no shell
            [sys.executable, "-I", str(child), kind, str(file), str(out), json.dumps(options)],
            capture_output=True,
            cwd=file.parent,
            env=environment,
            timeout=limits.wall_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        what = f"could not be read within {limits.wall_s} seconds"
        raise _refuse(name, what, "divide it, or save it as CSV", "too-slow") from None
    try:
        about = json.loads(done.stdout)
    except ValueError:
        todo = "divide it, or save it as CSV"
        what = "needs more time or memory than an upload may have, or is damaged"
        raise _refuse(name, what, todo, "too-slow") from None
    if "refused" in about:
        raise _refuse(name, about["refused"], "", kind)
    import pyarrow as pa

    with pa.memory_map(str(out)) as source:
        table = pa.ipc.open_file(source).read_all()
        return about, [column.to_pylist() for column in table.columns]


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 120 else text[:119] + "…"
