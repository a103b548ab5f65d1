"""From untrusted bytes to a table of text. Nothing here trusts a name, a header, a size or a promise in the file.

What is taken: CSV (any usual delimiter and encoding), workbooks (XLSX, XLSB, XLS, ODS), GeoJSON, GeoPackage, KML, Open Referral UK, and
a zip of one of them, or of a shapefile, with or without its ``datapackage.json``. Everything else is refused by its first bytes.
GDAL is never used: it picks a driver by content, and a file called .geojson can make it read another file on the server.
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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import pandas as pd

from layers.descriptor import table_name
from layers.model import Fault, Refused
from layers.periods import is_period
from layers.reading.grid import Framed, check_cells, frame_of, headers
from layers.reading.open_referral import services_in, sheet_of_services
from layers.reading.questions import Choice, Question, line
from layers.reading.rows import STRIDE, again
from layers.reading.sheet import AS_FOUND, LIMITS, MIB, Layout, Limits, Sheet, refuse, safe_name, short


@dataclass(frozen=True)
class Upload:
    """What a file turned out to hold: at most one descriptor, exactly one table."""

    sheet: Sheet
    document: dict | None = None
    members: tuple[str, ...] = field(default=())


# ---------------------------------------------------------------- the front door


def read_upload(
    path: str | Path, *, filename: str = "", sheet: str = "", limits: Limits = LIMITS, layout: Layout = AS_FOUND
) -> Upload:
    """Read a folder, zip or bare file of which nothing is known. ``filename`` is what its sender called it, ``layout`` what was
    said of its rows (``sheet`` alone: of its sheet).

    Raises :class:`Refused`; never writes outside a temporary folder of its own, never opens a file that ``path`` only names.
    """
    path = Path(path)
    layout = replace(layout, sheet=sheet or layout.sheet)
    name = safe_name(filename or path.name)
    if path.is_dir():
        return _from_members(_read_folder(path, limits), name, layout, limits)
    if path.is_symlink() or not path.is_file():
        raise refuse(name, "there is no such file", "check the path")
    size = path.stat().st_size
    if size > limits.upload:
        what = f"is {size / MIB:,.0f} MiB; at most {limits.upload / MIB:,.0f} are taken"
        raise refuse(name, what, "divide it", "too-large")
    raw = path.read_bytes()
    if not raw.strip(b"\0 \t\r\n"):
        raise refuse(name, "is empty", "export it again", "empty")
    if kind_of(raw) == "zip":
        return _from_members(read_zip(path, limits), name, layout, limits)
    return Upload(read_table(raw, name, limits=limits, layout=layout))


def _read_folder(path: Path, limits: Limits) -> dict[str, bytes]:
    members: dict[str, bytes] = {}
    total = 0
    for file in sorted(path.iterdir()):
        if file.is_symlink() or not file.is_file() or file.name.startswith("."):
            continue
        total += file.stat().st_size
        if total > limits.upload or len(members) >= limits.members:
            what = "holds too many or too large files"
            raise refuse(path.name, what, "leave only the descriptor and the table in it")
        members[file.name] = file.read_bytes()
    return members


def _from_members(members: Mapping[str, bytes], name: str, layout: Layout, limits: Limits) -> Upload:
    documents = [key for key in members if key.rsplit("/", 1)[-1].endswith("datapackage.json")]
    tables = [key for key in members if _extension(key) in TABLES and key not in documents]
    if shapes := [key for key in members if _extension(key) == "shp"]:
        return _shapefile_of(members, shapes, name, limits)
    tables = _without_notes(tables)
    document = None
    if len(documents) > 1:
        raise refuse(name, f"holds {len(documents)} descriptors", "put one layer in a package", "package")
    if documents:
        document = read_json(members[documents[0]], "datapackage.json", limits.descriptor)
        folder = documents[0].rpartition("/")[0]
        wanted = table_name(document)
        whole = f"{folder}/{wanted}" if folder else wanted
        if whole in members:
            tables = [whole]
        elif document.get("resources"):
            what = f"the table {wanted!r} of its descriptor is not there"
            raise refuse(name, what, "put it beside the descriptor", "package")
    if len(tables) != 1:
        inside = ", ".join(safe_name(key) for key in list(members)[:8]) or "nothing"
        what = f"holds {'no table' if not tables else f'{len(tables)} tables'}: {inside}"
        raise refuse(
            name,
            what,
            "leave exactly one table in it: CSV, a workbook, GeoJSON, GeoPackage, KML or a shapefile",
            "package",
        )
    table = read_table(members[tables[0]], safe_name(tables[0]), limits=limits, layout=layout)
    return Upload(table, document, tuple(members))


def _without_notes(tables: list[str]) -> list[str]:
    """The tables without what is put beside them to explain them: a README, a licence, metadata, and any text beside a real table."""
    if len(tables) < 2:
        return tables
    notes = r"(?i)(?:.*[ ._-])?(?:read[ _-]?me|licen[cs]e|notes?|metadata|about|terms|copyright|changelog)(?:[ ._-].*)?"
    real = [key for key in tables if not re.fullmatch(notes, PurePosixPath(key).stem)]
    return [key for key in real if _extension(key) != "txt"] or real or tables


SHAPES = ("shp", "dbf", "prj", "cpg", "shx")


def _shapefile_of(members: Mapping[str, bytes], shapes: list[str], name: str, limits: Limits) -> Upload:
    """The parts of the one shapefile of a zip, beside each other in a folder of their own."""
    if len(shapes) > 1:
        raise refuse(name, f"holds {len(shapes)} shapefiles", "leave exactly one in it", "package")
    base = shapes[0][:-4]
    parts = {end: members[key] for key in members for end in SHAPES if key.casefold() == f"{base}.{end}".casefold()}
    if "dbf" not in parts:
        raise refuse(name, "has a shapefile without its .dbf", "put all parts of it into the zip", "package")
    if sum(map(len, parts.values())) > limits.unpacked:
        raise refuse(name, f"is larger than {limits.unpacked / MIB:,.0f} MiB", "divide it", "too-large")
    with tempfile.TemporaryDirectory(prefix="commonground-") as folder:
        for end, content in parts.items():
            (Path(folder) / f"shapes.{end}").write_bytes(content)
        sheet = _places_of("shapefile", Path(folder) / "shapes.shp", safe_name(shapes[0]), limits)
    return Upload(sheet, None, tuple(members))


TABLES = {"csv", "tsv", "txt", "xlsx", "xlsb", "xls", "ods", "geojson", "json", "gpkg", "kml"}


def _extension(name: str) -> str:
    return PurePosixPath(name.lower()).suffix.removeprefix(".")


def kind_of(raw: bytes) -> str:
    """What the first bytes say a file is: zip, xlsx, gpkg, json, text, or a word for what is refused."""
    head = raw[:512]
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        inside = _directory_of(raw)
        if b"xl/workbook.xml" in inside or b"xl/workbook.bin" in inside:
            return "xlsx" if b"xl/workbook.xml" in inside else "xlsb"
        return "ods" if raw[30:100].startswith(b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet") else "zip"
    if head.startswith(b"SQLite format 3\0"):
        return "gpkg" if raw[68:72] in (b"GPKG", b"GP10", b"GP11") else "an SQLite database"
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        locked = "EncryptedPackage".encode("utf-16-le") in raw
        return "a workbook that is protected by a password" if locked else "xls"
    for magic, what in _REFUSED_MAGIC:
        if head.startswith(magic):
            return what
    if head[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff") or head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "text"
    bare = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    low = bare[:200].lower()
    if low.startswith((b"<?xml", b"<kml")) and re.search(rb"<(?:\w+:)?kml\b", raw[:4096]):
        return "kml"
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


def read_table(raw: bytes, name: str, *, sheet: str = "", limits: Limits = LIMITS, layout: Layout = AS_FOUND) -> Sheet:
    """Read the bytes of one table. What it is comes from its bytes; a name that says otherwise is refused."""
    layout = replace(layout, sheet=sheet or layout.sheet)
    if len(raw) > limits.unpacked:
        raise refuse(name, f"is larger than {limits.unpacked / MIB:,.0f} MiB", "divide it", "too-large")
    kind, extension = kind_of(raw), _extension(name)
    if kind not in KINDS:
        todo = "save it as CSV, XLSX, ODS, GeoJSON, GeoPackage or KML"
        what = f"is {kind}, which is not taken here" if kind != "zip" else "is a zip within a zip"
        raise refuse(name, what, todo, "file-kind")
    endings, is_a, read = KINDS[kind]
    if extension not in endings:
        what = f"is called .{extension} but holds {is_a}" if extension else f"has no ending but holds {is_a}"
        raise refuse(name, what, f"call it .{sorted(endings)[-1]}, if that is what it is", "file-kind")
    return read(raw, name, layout, limits)


# ---------------------------------------------------------------- zip


def read_zip(path: str | Path, limits: Limits = LIMITS) -> dict[str, bytes]:
    """The files of a zip by their cleaned names, read into memory while counting: what the headers promise is not believed.

    Refuses names that climb out, links, passwords, archives within, names that differ only in case, other compressions than
    deflate, and more than the limits. Nothing is written to disk.
    """
    path = Path(path)
    name = safe_name(path.name)
    if path.stat().st_size > limits.upload:
        raise refuse(name, "is too large", "divide it", "too-large")
    _check_directory_size(path, name, limits)
    out: dict[str, bytes] = {}
    seen: set[str] = set()
    total = 0
    most = limits.of_zip(path.stat().st_size)
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            if len(infos) > limits.members:
                raise refuse(name, f"holds {len(infos):,} files", f"at most {limits.members} are taken", "zip")
            for info in infos:
                inner = _member_name(info, name)
                if inner is None:
                    continue
                if inner.casefold() in seen:
                    raise refuse(name, f"holds the name {inner!r} twice", "keep one of them", "zip")
                seen.add(inner.casefold())
                content = _read_member(archive, info, most - total, most, name)
                total += len(content)
                if kind_of(content) == "zip":
                    raise refuse(name, f"holds another archive, {inner!r}", "take the files out of it", "zip")
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
        raise refuse(name, f"is a damaged zip ({short(error)})", "make it again", "zip") from None
    except Exception as error:
        if isinstance(error, Refused):
            raise
        raise refuse(name, f"is a damaged zip ({type(error).__name__})", "make it again", "zip") from None
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
        raise refuse(name, "is a damaged zip or one cut short", "make it again, or upload it again", "zip")
    entries, directory = (
        struct.unpack("<H", tail[at + 10 : at + 12])[0],
        struct.unpack("<L", tail[at + 12 : at + 16])[0],
    )
    if entries > limits.members or directory > 1_000 * limits.members:
        raise refuse(name, f"holds {entries:,} files or more", f"at most {limits.members} are taken", "zip")
    if b"PK\x06\x06" in tail:
        raise refuse(name, "is a zip of the large kind (ZIP64)", "zip only the descriptor and the table", "zip")


def _member_name(info: zipfile.ZipInfo, archive: str) -> str | None:
    """The cleaned name of a member, None for what is passed over (folders, a Mac's own files); refuses what is dangerous."""
    raw = info.filename.replace("\\", "/")
    parts = raw.split("/")
    if raw.startswith("/") or ".." in parts or re.match(r"^[A-Za-z]:", raw) or "\0" in raw or len(raw) > 300:
        what = f"holds a name that leads out of it, {safe_name(raw)!r}"
        raise refuse(archive, what, "zip the files themselves", "zip-slip")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise refuse(archive, f"holds a link, {safe_name(raw)!r}", "zip the files themselves", "zip-link")
    if info.is_dir() or parts[0] == "__MACOSX" or parts[-1] in (".DS_Store", "Thumbs.db", "desktop.ini"):
        return None
    if info.flag_bits & 1:
        raise refuse(archive, "is protected by a password", "make it without one", "zip")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise refuse(archive, "uses an unusual compression", "make it with the system's own zip", "zip")
    if _extension(raw) in ("zip", "gz", "bz2", "xz", "7z", "rar", "tar", "tgz", "zst"):
        raise refuse(archive, f"holds another archive, {safe_name(raw)!r}", "take the files out of it", "zip")
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
                raise refuse(name, what, todo, "zip-bomb")
            chunks.append(chunk)
    return b"".join(chunks)


# ---------------------------------------------------------------- JSON


def read_json(raw: bytes, name: str, most: int = LIMITS.unpacked):
    """JSON as RFC 8259 has it: UTF-8, no NaN or Infinity, no key twice in our descriptor, not nested without end."""
    if len(raw) > most:
        raise refuse(name, f"is larger than {most / MIB:,.0f} MiB", "divide it", "too-large")

    def constant(word: str):
        raise ValueError(f"{word} is not a number in JSON")

    def whole(digits: str):
        return int(digits) if len(digits) < 20 else float(digits)

    try:
        return json.loads(raw.decode("utf-8-sig"), parse_constant=constant, parse_int=whole)
    except RecursionError:
        raise refuse(name, "is nested too deeply", "export it again", "json") from None
    except UnicodeDecodeError:
        raise refuse(name, "is not UTF-8 text", "save it as UTF-8", "encoding") from None
    except ValueError as error:
        raise refuse(name, f"is not valid JSON: {short(error)}", "check it where it says", "json") from None


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


def _read_geojson(raw: bytes, name: str, layout: Layout, limits: Limits) -> Sheet:
    if len(raw) > limits.json:
        what = f"is {len(raw) / MIB:,.0f} MiB of GeoJSON; at most {limits.json / MIB:,.0f} are taken"
        todo = "save points instead of outlines, or save it as CSV or GeoPackage"
        raise refuse(name, what, todo, "too-large")
    with _without_collector():
        return _sheet_of_geojson(raw, name, limits)


def _sheet_of_geojson(raw: bytes, name: str, limits: Limits) -> Sheet:
    document = read_json(raw, name, limits.json)
    if not (isinstance(document, dict) and "type" in document and "features" in document):
        services = services_in(document)
        if services is not None:
            return sheet_of_services(services, document, name, limits)
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        found = document.get("type") if isinstance(document, dict) else type(document).__name__
        what = f"is not a GeoJSON FeatureCollection (its type is {str(found)[:40]!r})"
        raise refuse(name, what, "export it as a FeatureCollection", "geojson")
    features = document.get("features")
    if not isinstance(features, list) or any(not isinstance(one, dict) for one in features):
        raise refuse(name, "its features are not a list of objects", "export it again", "geojson")
    if not features:
        raise refuse(name, "holds no features", "export it again", "empty")
    if len(features) > limits.rows:
        what = f"has {len(features):,} features; at most {limits.rows:,} are taken"
        raise refuse(name, what, "divide it", "too-large")
    epsg = _crs_of(document, name)
    columns: dict[str, list[str]] = {}
    for at, feature in enumerate(features):
        properties = feature.get("properties") or {}
        if not isinstance(properties, dict):
            raise refuse(name, f"the properties of feature {at + 1} are not an object", "export it again", "geojson")
        for key, value in properties.items():
            column = columns.get(key)
            if column is None:
                if len(columns) >= limits.columns:
                    raise refuse(name, f"has more than {limits.columns:,} columns", "leave some out", "too-large")
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
    check_cells(text, name, limits)
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
    raise refuse(name, f"its coordinates are in {given[:60]!r}", "export it in EPSG:4326 or EPSG:27700", "crs")


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
                what = f"begins like {encoding} but is not ({short(error)})"
                raise refuse(name, what, "save it as UTF-8", "encoding") from None
    if encoding := _utf16_without_mark(raw[:512]):
        try:
            return raw.decode(encoding), encoding, []
        except UnicodeDecodeError:
            raise refuse(name, "is in an encoding that cannot be told", "save it as UTF-8", "encoding") from None
    if b"\0" in raw:
        raise refuse(name, "holds zero bytes, so it is not text or is damaged", "export it again", "binary")
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


def _read_csv(raw: bytes, name: str, layout: Layout, limits: Limits) -> Sheet:
    if len(raw) > limits.line and b"\n" not in raw[: limits.line] and b"\r" not in raw[: limits.line]:
        raise refuse(name, "is one line without end", "export it again as CSV", "one-line")
    text, encoding, faults = decode(raw, name)
    delimiter = _delimiter(text)
    with _without_collector():
        rows = _rows_of(text, delimiter, name, limits)
        if '="' in text:
            rows = _without_quotes(rows, faults, name)
        framed = frame_of(rows, name, limits, layout=layout)
    return _sheet_of(framed, name, "csv", tuple(faults), encoding=encoding, delimiter=delimiter)


def _sheet_of(framed: Framed, name: str, form: str, faults: tuple[Fault, ...] = (), **about) -> Sheet:
    header = framed.header_rows
    return Sheet(
        framed.frame, name, form, header_row=header[-1] if header else 0, header_rows=header, kept_out=framed.kept_out,
        faults=(*faults, *framed.faults), questions=(*about.pop("questions", ()), *framed.questions), **about,
    )  # fmt: skip


_AS_TEXT = re.compile(r'="([^"]*)"')


def _without_quotes(rows: list[list[str]], faults: list[Fault], name: str) -> list[list[str]]:
    """Cells that were written as formulas so that a spreadsheet leaves them alone: ``="E01008162"``."""
    count = 0
    for row in rows:
        for at, cell in enumerate(row):
            if cell.startswith('="') and (found := _AS_TEXT.fullmatch(cell.strip())):
                row[at] = found[1]
                count += 1
    if count:
        what = f'{count:,} cells were written as ="..." and were read as what stands between the quotation marks'
        faults.append(Fault(what, name, "", rule="quoted-cells", severity="warning"))
    return rows


def _rows_of(text: str, delimiter: str, name: str, limits: Limits) -> list[list[str]]:
    rows, cells = [], 0
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            cells += len(row)
            if cells > limits.cells or len(rows) > limits.rows + 100:
                what = f"has more than {limits.rows:,} rows or {limits.cells:,} cells"
                raise refuse(name, what, "divide it", "too-large")
            rows.append(row)
    except csv.Error as error:
        todo = "look for a quotation mark that is opened and never closed"
        raise refuse(name, f"cannot be read after row {len(rows)}: {short(error)}", todo, "csv") from None
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


# ---------------------------------------------------------------- the child process


def _read_xlsx(raw: bytes, name: str, layout: Layout, limits: Limits) -> Sheet:
    with tempfile.TemporaryDirectory(prefix="commonground-") as folder:
        file = Path(folder) / "book.xlsx"
        file.write_bytes(raw)
        _check_xlsx(file, name, limits)
        return _workbook("xlsx", file, name, layout, limits)


def _read_other_workbook(kind: str):
    """The reader of a kind of workbook that is no .xlsx."""

    def read(raw: bytes, name: str, layout: Layout, limits: Limits) -> Sheet:
        with tempfile.TemporaryDirectory(prefix="commonground-") as folder:
            file = Path(folder) / f"book.{kind}"
            file.write_bytes(raw)
            if kind != "xls":
                _check_parts(file, name, limits, "content.xml" if kind == "ods" else "xl/workbook.bin")
            return _workbook(kind, file, name, layout, limits)

    return read


def _check_parts(file: Path, name: str, limits: Limits, main: str) -> None:
    """The zip that an OpenDocument or binary workbook is: within the limits, readable without a password, without macros or entities."""
    parts = read_zip(file, Limits(**{**limits.__dict__, "members": 2_000}))
    if main not in parts:
        raise refuse(name, "is not a workbook", "save it as .xlsx", "file-kind")
    if b"encryption-data" in parts.get("META-INF/manifest.xml", b""):
        raise refuse(name, "is protected by a password", "save it without one", "file-kind")
    if any(part.startswith("Basic/") or part.endswith("vbaProject.bin") for part in parts):
        raise refuse(name, "holds macros", "save it as .xlsx without them", "macros")
    head = parts[main][: 1 << 16].replace(b"\0", b"")
    if main.endswith(".xml") and (b"<!DOCTYPE" in head or b"<!ENTITY" in head):
        what = "declares an XML entity, which no program writes into a workbook"
        raise refuse(name, what, "save it again", "xxe")


def _workbook(kind: str, file: Path, name: str, layout: Layout, limits: Limits) -> Sheet:
    """One sheet of a workbook; or several, one below another, whose titles are the periods."""
    if layout.sheets_as_periods:
        return _sheets_as_periods(kind, file, name, layout, limits)
    about, columns = _apart(kind, file, name, layout.sheet, limits)
    numbers = list(map(int, columns[0])) if columns else []
    rows = list(map(list, zip(*columns[1:], strict=True)))
    merged = about.get("merged", [])
    framed = frame_of(rows, name, limits, numbers, layout, merged)
    faults, questions = [], []
    others = [title for title in about["sheets"] if title != about["sheet"]]
    if others and not layout.sheet:
        shown = ", ".join(map(repr, others))
        what = f"the sheet {about['sheet']!r} was read; there are others: {shown[:200]}"
        faults.append(Fault(what, name, "choose another if it is the wrong one", rule="sheets", severity="warning"))
        questions += _which_sheet(about, name)
    inside = framed.frame.index
    hidden = tuple(number for number in about.get("hidden", []) if number in inside)
    return _sheet_of(
        framed, name, kind, tuple(faults), sheet=about["sheet"] or "", sheets=tuple(about["sheets"]), hidden=hidden,
        uncalculated=about.get("uncalculated", 0), questions=tuple(questions),
    )  # fmt: skip


def _which_sheet(about: dict, name: str) -> list[Question]:
    """Asked where several sheets hold a table."""
    tables = about.get("tables", [])
    if len(tables) < 2:
        return []
    first = [about["sheet"], *(title for title in tables if title != about["sheet"])]
    choices = [Choice(f"The sheet “{title}”", line("sheet", title)) for title in first]
    periods = [title for title in tables if is_period(title)]
    if len(periods) > 1:
        said = ", ".join(periods)
        choices.append(Choice(f"All of them, as the periods {said}", line("sheets_as_periods", periods)))
    words = f"{len(tables)} sheets hold a table. Which is to be published?"
    return [Question("sheet", words, name, tuple(choices))]


MOST_SHEETS = 40


def _sheets_as_periods(kind: str, file: Path, name: str, layout: Layout, limits: Limits) -> Sheet:
    wanted = layout.sheets_as_periods
    one = replace(layout, sheets_as_periods=False)
    if wanted is True:
        first = _workbook(kind, file, name, one, limits)
        wanted = tuple(title for title in first.sheets if is_period(title))
    if not wanted or len(wanted) > MOST_SHEETS:
        what = f"has {len(wanted or ())} sheets that are called by a period; from 1 to {MOST_SHEETS} can be read as periods"
        raise refuse(name, what, "name them: sheets_as_periods = [...]", "sheets")
    parts = [_workbook(kind, file, name, replace(one, sheet=title), limits) for title in wanted]
    header = list(parts[0].text.columns)
    frames, faults = [], []
    for at, (title, part) in enumerate(zip(wanted, parts, strict=True)):
        if list(part.text.columns) != header:
            other = sorted(set(part.text.columns) ^ set(header))
            what = f"the sheets {wanted[0]!r} and {title!r} do not have the same columns: {', '.join(other)[:200]}"
            raise refuse(name, what, "choose one sheet, or give them the same columns", "sheets")
        frame = part.text.copy()
        frame.index = again(frame.index, at)
        frame["period"] = title
        frames.append(frame)
        faults += [replace(fault, where=f"{name}, sheet {title}") for fault in part.faults]
    text = pd.concat(frames)
    check_cells(text, name, limits)
    what = f"{len(wanted)} sheets were read as periods: {', '.join(wanted)}"
    faults.append(Fault(what, name, "", rule="sheets-as-periods", severity="warning"))
    return replace(
        parts[0], text=text, sheet=", ".join(wanted), faults=tuple(faults), questions=(),
        hidden=tuple(number + at * STRIDE for at, part in enumerate(parts) for number in part.hidden),
        uncalculated=sum(part.uncalculated for part in parts), kept_out=tuple(x for part in parts for x in part.kept_out),
    )  # fmt: skip


def _check_xlsx(file: Path, name: str, limits: Limits) -> None:
    """The zip that a workbook is: within the limits, no macros, and no part that declares an entity."""
    generous = Limits(**{**limits.__dict__, "members": 2_000})
    parts = read_zip(file, generous)
    if "xl/workbook.xml" not in parts:
        raise refuse(name, "is not an Excel workbook", "save it as .xlsx", "file-kind")
    for part, content in parts.items():
        if part.endswith((".xml", ".rels")):
            head = content[: 1 << 16].replace(b"\0", b"")  # UTF-16 hides it no better
            if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
                what = "declares an XML entity, which no program writes into a workbook"
                raise refuse(name, what, "save it again", "xxe")
        if part.endswith("vbaProject.bin"):
            raise refuse(name, "holds macros", "save it as .xlsx without them", "macros")


def _read_gpkg(raw: bytes, name: str, layout: Layout, limits: Limits) -> Sheet:
    with tempfile.TemporaryDirectory(prefix="commonground-") as folder:
        file = Path(folder) / "layer.gpkg"
        file.write_bytes(raw)
        about, columns = _apart("gpkg", file, name, layout.sheet, limits)
    header = about["header"]
    if not columns or not len(columns[0]):
        raise refuse(name, "its layer holds no rows", "export it again", "empty")
    names, faults = headers(header, name, 1)
    text = pd.DataFrame(dict(zip(names, columns, strict=True)), dtype="str")
    text.index = range(1, len(text) + 1)
    faults += [Fault(note, name, rule="not-points", severity="warning") for note in about["notes"]]
    if len(about["sheets"]) > 1 and not layout.sheet:
        what = f"the layer {about['sheet']!r} was read; there are {len(about['sheets'])}"
        faults.append(Fault(what, name, "choose another if it is the wrong one", rule="sheets", severity="warning"))
    geometry = tuple(names[-2:]) if about["epsg"] and names[-2:][0].endswith(("easting", "longitude")) else ()
    return Sheet(
        text, name, "gpkg", about["sheet"], tuple(about["sheets"]), header_row=0, epsg=about["epsg"], geometry=geometry,
        faults=tuple(faults),
    )  # fmt: skip


def _read_kml(raw: bytes, name: str, layout: Layout, limits: Limits) -> Sheet:
    with tempfile.TemporaryDirectory(prefix="commonground-") as folder:
        file = Path(folder) / "places.kml"
        file.write_bytes(raw)
        return _places_of("kml", file, name, limits)


def _places_of(kind: str, file: Path, name: str, limits: Limits) -> Sheet:
    """A file of places on a map, each with what is said of it."""
    about, columns = _apart(kind, file, name, "", limits)
    if not columns or not len(columns[0]):
        raise refuse(name, "holds no places", "export it again", "empty")
    names, faults = headers(about["header"], name, 1)
    text = pd.DataFrame(dict(zip(names, columns, strict=True)), dtype="str")
    text.index = range(1, len(text) + 1)
    faults += [Fault(note, name, rule="not-points", severity="warning") for note in about["notes"]]
    geometry = tuple(names[-2:]) if (text[names[-1]] != "").any() else ()
    return Sheet(text, name, kind, header_row=0, epsg=about["epsg"], geometry=geometry, faults=tuple(faults))


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
        "ods": kind == "ods",
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
        raise refuse(name, what, "divide it, or save it as CSV", "too-slow") from None
    try:
        about = json.loads(done.stdout)
    except ValueError:
        todo = "divide it, or save it as CSV"
        what = "needs more time or memory than an upload may have, or is damaged"
        raise refuse(name, what, todo, "too-slow") from None
    if "refused" in about:
        raise refuse(name, about["refused"], "", kind)
    import pyarrow as pa

    with pa.memory_map(str(out)) as source:
        table = pa.ipc.open_file(source).read_all()
        return about, [column.to_pylist() for column in table.columns]


KINDS = {
    # what the bytes say: (endings that its name may have, in words, its reader)
    "xlsx": ({"xlsx"}, "an Excel workbook", _read_xlsx),
    "xlsb": ({"xlsb"}, "a binary Excel workbook", _read_other_workbook("xlsb")),
    "xls": ({"xls"}, "an old Excel workbook", _read_other_workbook("xls")),
    "ods": ({"ods"}, "an OpenDocument workbook", _read_other_workbook("ods")),
    "gpkg": ({"gpkg"}, "a GeoPackage", _read_gpkg),
    "json": ({"geojson", "json"}, "JSON", _read_geojson),
    "kml": ({"kml"}, "KML", _read_kml),
    "text": ({"csv", "tsv", "txt", ""}, "plain text", _read_csv),
}
"""What is taken. A further kind is a row here, and one of ``READERS`` of the child process."""
