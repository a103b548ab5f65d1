"""The child process that opens what is not plain text for :mod:`layers.reading.files`. It imports nothing of ours.

Run by path as ``python -I reader_process.py KIND FILE OUT OPTIONS`` (:data:`READERS`): reads FILE, writes every cell as text to OUT
(Arrow IPC), prints one JSON object. The parent sets a wall-clock limit, an empty folder and a bare environment; the child takes
limits on CPU time, memory, file size and open files before it looks at the first byte.

A GeoPackage is read with sqlite3 and shapely, without GDAL. GDAL chooses a driver by content, and a file that is called .gpkg
can make it read others on the machine; sqlite3 opened read-only with an authoriser has no such ways, and is one layer less.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import math
import os
import re
import sys


class BadFileError(Exception):
    """The file cannot be used; the message says why and what to do."""


def limit(cpu_s: int, memory: int, file_size: int) -> None:
    """Take the limits. Memory is counted as address space, which libraries reserve more of than they use."""
    try:
        import resource
    except ImportError:  # not on this system; the parent's wall clock still holds
        return
    wanted = (
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, file_size),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    )
    for what, most in wanted:
        _, hard = resource.getrlimit(what)
        top = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (top, top))


# ---------------------------------------------------------------- GeoPackage


def read_gpkg(path: str, options: dict) -> tuple[list[str], list[list[str]], dict]:
    """Rows of the one layer as text, with ``easting, northing`` or ``longitude, latitude`` of its points where it has any."""
    import sqlite3

    with open(path, "rb") as file:  # noqa: PTH123  nothing but the standard library, and early
        head = file.read(100)
    if not head.startswith(b"SQLite format 3\0") or head[68:72] not in (b"GPKG", b"GP10", b"GP11"):
        raise BadFileError(
            "it is not a GeoPackage, whatever its name says; save it again from the program that made it"
        )
    uri = "file:" + "".join(
        letter if letter.isalnum() or letter in "/._-" else f"%{ord(letter):02X}" for letter in path
    )
    db = sqlite3.connect(f"{uri}?mode=ro&immutable=1", uri=True)
    with contextlib.suppress(sqlite3.Error, AttributeError):
        db.enable_load_extension(False)
    db.execute("PRAGMA trusted_schema=OFF")
    db.execute("PRAGMA cell_size_check=ON")
    db.execute("PRAGMA query_only=ON")
    if hasattr(db, "setlimit"):
        db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 64 << 20)
        db.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        db.setlimit(sqlite3.SQLITE_LIMIT_VDBE_OP, 250_000)
    ticks = [0]

    def tick() -> int:  # every 100,000 steps of SQLite's machine
        ticks[0] += 1
        return int(ticks[0] > options.get("ticks", 20_000))

    db.set_progress_handler(tick, 100_000)
    try:
        return _gpkg_rows(db, sqlite3, options)
    except sqlite3.DatabaseError as error:
        raise BadFileError(f"the GeoPackage is damaged or cut short ({error}); save it again") from None
    finally:
        db.close()


def _gpkg_rows(db, sqlite3, options):
    objects = db.execute("SELECT type, name, tbl_name FROM sqlite_master LIMIT 5000").fetchall()
    if views := [name for kind, name, _ in objects if kind == "view"]:
        raise BadFileError(
            f"the GeoPackage holds a view ({_name(views[0])}), which can hide anything; export the layer to a new file"
        )
    spatial = ("rtree_", "gpkg_tile", "trigger_", "feature_count_", "gpkg_metadata")
    for kind, name, table in objects:
        own = str(name).startswith(spatial) or str(table).startswith("gpkg_")
        if kind == "trigger" and not own:
            raise BadFileError(
                f"the GeoPackage holds a trigger ({_name(name)}) that is none of the standard; export to a new file"
            )
    tables = {str(name) for kind, name, _ in objects if kind == "table"}
    if "gpkg_contents" not in tables:
        raise BadFileError("the GeoPackage has no list of contents; save it again from the program that made it")

    reading = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_PRAGMA}
    db.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in reading else sqlite3.SQLITE_DENY)
    contents = db.execute(
        "SELECT table_name, data_type, srs_id FROM gpkg_contents WHERE data_type IN ('features', 'attributes') LIMIT 200"
    ).fetchall()
    layers = [str(name) for name, _, _ in contents if str(name) in tables]
    if not layers:
        raise BadFileError("the GeoPackage holds no table of features")
    wanted = options.get("sheet") or layers[0]
    if wanted not in layers:
        raise BadFileError(f"there is no layer {wanted!r}; there are: {', '.join(layers[:10])}")
    quoted = '"' + wanted.replace('"', '""') + '"'
    columns = [(str(row[1]), str(row[2]).upper()) for row in db.execute(f"PRAGMA table_info({quoted})")]
    if len(columns) > options["columns"]:
        raise BadFileError(f"the layer has {len(columns):,} columns; at most {options['columns']:,} are taken")
    shape, srs = _geometry_column(db, tables, wanted)
    names = [name for name, _ in columns if name != shape]
    picked = ", ".join('"' + name.replace('"', '""') + '"' for name in [*names, *([shape] if shape else [])])
    rows, blobs, cells = [], [], 0
    for row in db.execute(f"SELECT {picked} FROM {quoted} LIMIT {options['rows'] + 1}"):  # noqa: S608  names quoted, file's own
        if len(rows) >= options["rows"]:
            raise BadFileError(f"the layer has more than {options['rows']:,} rows")
        cells += len(names)
        if cells > options["cells"]:
            raise BadFileError(f"the layer has more than {options['cells']:,} cells")
        values = row[:-1] if shape else row
        rows.append([_text(value) for value in values])
        if shape:
            blobs.append(row[-1])
    about = {"sheet": wanted, "sheets": layers, "notes": [], "epsg": srs}
    if shape and rows:
        points, notes = _points(blobs)
        about["notes"] += notes
        if srs in (4326, 4258, 27700):
            x, y = ("easting", "northing") if srs == 27700 else ("longitude", "latitude")
        else:
            raise BadFileError(
                f"its coordinates are in EPSG:{srs or '?'}; save it in EPSG:4326 or EPSG:27700 (British National Grid)"
            )
        names += [f"geometry {x}" if x in names else x, f"geometry {y}" if y in names else y]
        for row, (east, north) in zip(rows, points, strict=True):
            row += [_text(east), _text(north)]
    return names, rows, about


def _geometry_column(db, tables, wanted) -> tuple[str | None, int]:
    if "gpkg_geometry_columns" not in tables:
        return None, 0
    row = db.execute("SELECT column_name, srs_id FROM gpkg_geometry_columns WHERE table_name = ?", (wanted,)).fetchone()
    if row is None:
        return None, 0
    system = db.execute(
        "SELECT organization, organization_coordsys_id FROM gpkg_spatial_ref_sys WHERE srs_id = ?", (row[1],)
    ).fetchone()
    known = system is not None and str(system[0]).upper() == "EPSG"
    return str(row[0]), int(system[1]) if known else int(row[1] or 0)


def _points(blobs) -> tuple[list[tuple[float, float]], list[str]]:
    """A point for every geometry: itself, or one inside it; NaN for none. GeoPackage binary, then plain WKB."""
    import shapely

    wkb = []
    for blob in blobs:
        plain = None
        if isinstance(blob, bytes) and len(blob) > 8 and blob[:2] == b"GP":
            envelope = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}.get((blob[3] >> 1) & 7)
            if envelope is not None and not blob[3] & 0x10:  # 0x10: empty
                plain = blob[8 + envelope :]
        wkb.append(plain)
    shapes = shapely.from_wkb(wkb, on_invalid="ignore")
    notes = []
    kinds = shapely.get_type_id(shapes)
    if areal := int((kinds > 0).sum()):
        notes.append(f"{areal:,} shapes are not points; a point inside each is used")
    inner = shapely.point_on_surface(shapes)
    x, y = shapely.get_x(inner), shapely.get_y(inner)
    return list(zip(x.tolist(), y.tolist(), strict=True)), notes


# ---------------------------------------------------------------- workbooks


def read_xlsx(path: str, options: dict) -> tuple[list[str], list[list[str]], dict]:
    """The rows of one sheet as text, each behind its number, without names for the columns: the parent looks for the header."""
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    sheets = [sheet for sheet in book.worksheets if getattr(sheet, "sheet_state", "visible") == "visible"]
    parts = {sheet.title: getattr(sheet, "_worksheet_path", "") for sheet in sheets}
    read = ((sheet.title, lambda sheet=sheet: _sheet_rows(sheet, options)) for sheet in sheets)
    rows, about = _fullest(read, options)
    return [], rows, about | _shown_of(path, parts[about["sheet"]])


def _fullest(sheets, options: dict) -> tuple[list[list[str]], dict]:
    """The sheet that is wanted, else the fullest of those that hold codes of areas, else the fullest: its rows, each behind its
    number, with the titles of all sheets and of those that hold a table."""
    sheets = list(sheets)
    titles = [title for title, _ in sheets]
    if not sheets:
        raise BadFileError("the workbook has no visible sheet")
    wanted = options.get("sheet")
    if wanted and wanted not in titles:
        raise BadFileError(f"there is no sheet {wanted!r}; there are: {', '.join(titles[:20])}")
    best: tuple = ((False, -1), None, {})
    size = []
    for title, read in sheets:
        if wanted and title != wanted:
            continue
        rows = read()
        filled = sum(count for count in (sum(map(bool, row)) for row in rows.values()) if count > 1)
        codes = _has_codes(rows)
        size.append((title, codes, filled))
        if (codes, filled) > best[0]:
            best = ((codes, filled), title, rows)
    some_codes, most = best[0]
    tables = [title for title, codes, filled in size if (codes if some_codes else filled * 2 >= most > 0)]
    about = {"sheet": best[1], "sheets": titles, "tables": tables, "notes": []}
    return [[str(number), *row] for number, row in best[2].items()], about


def _has_codes(rows: dict[int, list[str]]) -> bool:
    """Whether three of the first rows hold a code such as E01008162, or a postcode, in the same column."""
    times: dict[int, int] = {}
    for row in list(rows.values())[:200]:
        for at, cell in enumerate(row[:40]):
            if 5 <= len(cell) <= 9 and _CODE.fullmatch(cell):
                times[at] = times.get(at, 0) + 1
                if times[at] == 3:
                    return True
    return False


_CODE = re.compile(r"[A-Z]{1,2}\d{4,8}|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}")


# ---- what a sheet says beside its values: by its XML, which openpyxl passes over when it reads row by row


def _shown_of(path: str, part: str) -> dict:
    """Hidden rows, merged ranges and formulas without a result of a worksheet: ``hidden, merged, uncalculated``.

    Found in the bytes, without a tree of the whole; whoever writes something that only looks so is told of rows that are not there.
    """
    import zipfile

    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        part = part.lstrip("/")
        xml = archive.read(part) if part in names else b""
    if xml[:2] in (b"\xff\xfe", b"\xfe\xff"):
        xml = xml.decode("utf-16").encode()
    hidden = []
    for found in re.finditer(rb"<(?:\w+:)?row\b[^>]*>", xml):
        row = found[0]
        number = b"hidden=" in row and re.search(rb'\br="(\d{1,7})"', row)
        if number and re.search(rb'\bhidden="(?:1|true)"', row):
            hidden.append(int(number[1]))
    merged = []
    for found in re.finditer(rb'<(?:\w+:)?mergeCell\b[^>]*\bref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"', xml):
        if len(merged) < MOST_MERGED:
            merged.append([int(found[2]), _column(found[1]), int(found[4]), _column(found[3])])
    empty = rb"<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
    return {"hidden": hidden, "merged": merged, "uncalculated": sum(1 for _ in re.finditer(empty, xml))}


MOST_MERGED = 200_000


def _column(letters: bytes) -> int:
    """The number of a column, counted from 1: A is 1, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def read_calamine(path: str, options: dict) -> tuple[list[str], list[list[str]], dict]:
    """The rows of one sheet of an OpenDocument or older Excel workbook. The library hands over values without their formats: what a
    percentage is, and what is hidden or merged, an OpenDocument sheet says in its XML; .xls and .xlsb say nothing of it here."""
    from python_calamine import CalamineWorkbook, SheetVisibleEnum

    book = CalamineWorkbook.from_path(path)
    visible = [one.name for one in book.sheets_metadata if one.visible == SheetVisibleEnum.Visible]
    shown: dict[str, dict] = {}
    with open(path, "rb") as file:  # noqa: PTH123
        is_ods = file.read(4) == b"PK\x03\x04" and options.get("ods", False)
    if is_ods:
        shown = _ods_marks(path)
    read = ((name, lambda name=name: _calamine_rows(book, name, options, shown.get(name, {}))) for name in visible)
    rows, about = _fullest(read, options)
    marks = shown.get(about["sheet"], {})
    return [], rows, about | {"hidden": marks.get("hidden", []), "merged": marks.get("merged", []), "uncalculated": 0}


def _calamine_rows(book, name: str, options: dict, marks: dict) -> dict[int, list[str]]:
    sheet = book.get_sheet_by_name(name)
    most, large = options["columns"], f"the sheet {name!r} is too large: at most {options['columns']:,} columns"
    if sheet.total_width > most + 200 or sheet.total_height > options["rows"] + 200:
        raise BadFileError(f"{large}, {options['rows']:,} rows")
    if sheet.total_width * sheet.total_height > 4 * options["cells"]:
        raise BadFileError(f"{large}, {options['cells']:,} cells")
    percent = marks.get("percent", set())
    first = sheet.start[0] if sheet.start else 0
    skipped = sheet.start[1] if sheet.start else 0
    rows, cells, letters = {}, 0, 0
    for at, row in enumerate(sheet.to_python(skip_empty_area=True), first + 1):
        texts = [""] * skipped + [_text(value) for value in row]
        if percent:
            for column, value in enumerate(row, skipped + 1):
                if isinstance(value, float) and (at, column) in percent:
                    texts[column - 1] = f"{value * 100:.12g}%"
        while texts and not texts[-1]:
            texts.pop()
        if not texts:
            continue
        if len(texts) > most:
            raise BadFileError(large)
        cells += len(texts)
        letters += sum(map(len, texts))
        if cells > options["cells"]:
            raise BadFileError(f"{large}, {options['cells']:,} cells")
        if letters > options["letters"]:
            raise BadFileError(f"the sheet {name!r} holds more than {options['letters']:,} letters")
        rows[at] = texts
    return rows


MOST_MARKS = 4_000_000


def _ods_marks(path: str) -> dict[str, dict]:
    """Of each sheet of an OpenDocument workbook: cells that are percentages, hidden rows and merged ranges; nothing is looked at twice
    where none of the words stands in the file."""
    import zipfile
    from xml.parsers import expat

    with zipfile.ZipFile(path) as archive:
        xml = archive.read("content.xml")
    words = (b"percentage", b"visibility=", b"rows-spanned=")
    if not any(word in xml for word in words):
        return {}
    sheets: dict[str, dict] = {}
    place = {"sheet": None, "row": 0, "column": 0, "rows": 1, "budget": MOST_MARKS}

    def start(name: str, given: dict) -> None:
        name = name.rpartition(":")[2]
        said = {key.rpartition(":")[2]: value for key, value in given.items()}
        if name == "table":
            place.update(
                sheet=sheets.setdefault(said.get("name", ""), {"percent": set(), "hidden": [], "merged": []}), row=0
            )
        elif name == "table-row" and place["sheet"] is not None:
            place["row"] += 1
            place["column"], place["rows"] = 0, _times(said.get("number-rows-repeated"))
            if said.get("visibility") in ("filter", "collapse"):
                place["sheet"]["hidden"] += range(place["row"], place["row"] + min(place["rows"], 100_000))
        elif name in ("table-cell", "covered-table-cell") and place["sheet"] is not None:
            times = _times(said.get("number-columns-repeated"))
            first = place["column"] + 1
            place["column"] += times
            if said.get("value-type") == "percentage":
                rows, columns = min(place["rows"], 1_000), min(times, 1_000)
                place["budget"] -= rows * columns
                if place["budget"] < 0:
                    raise BadFileError("the workbook has too many percentages; save it as CSV")
                place["sheet"]["percent"] |= {
                    (row, column)
                    for row in range(place["row"], place["row"] + rows)
                    for column in range(first, first + columns)
                }
            down, across = _times(said.get("number-rows-spanned")), _times(said.get("number-columns-spanned"))
            if (down > 1 or across > 1) and len(place["sheet"]["merged"]) < MOST_MERGED:
                place["sheet"]["merged"].append([place["row"], first, place["row"] + down - 1, first + across - 1])

    def end(name: str) -> None:
        if name.rpartition(":")[2] == "table-row" and place["sheet"] is not None:
            place["row"] += place["rows"] - 1

    parser = _plain_parser(expat)
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.Parse(xml, True)
    return sheets


def _times(text) -> int:
    return min(int(text), 1 << 21) if text and text.isdigit() and len(text) < 9 else 1


def _plain_parser(expat):
    """An XML parser that refuses what declares entities: none of the formats read here has them."""
    parser = expat.ParserCreate()

    def refuse(*_):
        raise BadFileError("the file declares an XML entity, which no program writes into one; save it again")

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    return parser


# ---------------------------------------------------------------- places on maps


def read_kml(path: str, options: dict) -> tuple[list[str], list[list[str]], dict]:
    """Each placemark as a row: its name, its data, and its point in degrees, or the middle of what it draws. Addresses of other files
    (NetworkLink, href) are never followed."""
    from xml.parsers import expat

    with open(path, "rb") as file:  # noqa: PTH123
        xml = file.read()
    rows: list[dict[str, str]] = []
    names: dict[str, None] = {"name": None}
    state: dict = {"mark": None, "text": [], "path": [], "key": "", "letters": 0}

    def start(name: str, given: dict) -> None:
        name = name.rpartition(":")[2]
        state["path"].append(name)
        if len(state["path"]) > 200:
            raise BadFileError("the KML is nested too deeply")
        if name == "Placemark":
            if len(rows) >= options["rows"]:
                raise BadFileError(f"the KML has more than {options['rows']:,} placemarks")
            state["mark"] = {}
        elif name in ("Data", "SimpleData"):
            state["key"] = given.get("name", "")[:200]
        state["text"] = []

    def text(data: str) -> None:
        state["letters"] += len(data)
        if state["letters"] > options["letters"]:
            raise BadFileError(f"the KML holds more than {options['letters']:,} letters")
        state["text"].append(data)

    def end(name: str) -> None:
        name = name.rpartition(":")[2]
        mark, said = state["mark"], "".join(state["text"]).strip()
        inside = state["path"][-2] if len(state["path"]) > 1 else ""
        if mark is not None:
            if name == "Placemark":
                rows.append(mark)
                state["mark"] = None
            elif name == "coordinates":
                mark["\0points"] = f"{mark.get(chr(0) + 'points', '')} {said}".strip()
            elif name in ("value", "SimpleData") and state["key"]:
                _put(mark, names, state["key"], said, options)
            elif inside == "Placemark" and name in ("name", "description", "address", "phoneNumber"):
                _put(mark, names, name, re.sub(r"<[^>]{0,500}>", " ", said)[:2000], options)
        state["path"].pop()
        state["text"] = []

    parser = _plain_parser(expat)
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    try:
        parser.Parse(xml, True)
    except expat.ExpatError as error:
        raise BadFileError(f"the KML is damaged ({error}); export it again") from None
    if not rows:
        raise BadFileError(
            "the KML holds no placemarks; a file of links to other files is not followed: export the places themselves"
        )
    header = list(names)
    out, areal = [], 0
    for mark in rows:
        point, count = _middle_of(mark.pop("\0points", ""))
        areal += count > 1
        out.append([mark.get(key, "") for key in header] + ([_text(point[0]), _text(point[1])] if point else ["", ""]))
    notes = [f"{areal:,} shapes are not points; a point in the middle of each is used"] if areal else []
    tail = [f"geometry {axis}" if axis in header else axis for axis in ("longitude", "latitude")]
    return header + tail, out, {"sheet": "", "sheets": [], "notes": notes, "epsg": 4326}


def _put(mark: dict, names: dict, key: str, value: str, options: dict) -> None:
    if key not in names:
        if len(names) >= options["columns"]:
            raise BadFileError(f"the file has more than {options['columns']:,} columns")
        names[key] = None
    mark[key] = value


def _middle_of(text: str) -> tuple[tuple[float, float] | None, int]:
    """The middle of the corners of ``longitude,latitude[,height] ...``, and how many there are."""
    points = []
    for part in text.split()[:100_000]:
        numbers = part.split(",")
        try:
            x, y = float(numbers[0]), float(numbers[1])
        except (ValueError, IndexError):
            continue
        if math.isfinite(x) and math.isfinite(y):
            points.append((x, y))
    if not points:
        return None, 0
    if len(points) == 1:
        return points[0], 1
    xs, ys = zip(*points, strict=True)
    return ((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2), len(points)


def read_shapefile(path: str, options: dict) -> tuple[list[str], list[list[str]], dict]:
    """The records of a shapefile, of which .shp, .dbf, .prj and .cpg lie beside each other under one name; a point in each shape."""
    import shapefile

    folder, base = os.path.split(path)
    base = base.rsplit(".", 1)[0]

    def part(ending: str) -> str:
        return os.path.join(folder, f"{base}.{ending}")  # noqa: PTH118

    encoding = "utf-8"
    if os.path.exists(part("cpg")):  # noqa: PTH110
        with open(part("cpg"), encoding="ascii", errors="replace") as file:  # noqa: PTH123
            said = file.read(40).strip().lower()
        encoding = {"utf-8": "utf-8", "utf8": "utf-8", "65001": "utf-8"}.get(said, "cp1252")
    epsg = _system_of(part("prj"))
    with shapefile.Reader(shp=part("shp"), dbf=part("dbf"), encoding=encoding, encodingErrors="replace") as reader:
        header = [str(one[0])[:200] for one in reader.fields if one[0] != "DeletionFlag"]
        if len(header) > options["columns"]:
            raise BadFileError(f"the shapefile has more than {options['columns']:,} columns")
        if len(reader) > options["rows"] or len(reader) * max(len(header), 1) > options["cells"]:
            raise BadFileError(f"the shapefile has more than {options['rows']:,} rows or {options['cells']:,} cells")
        rows, areal = [], 0
        for one in reader.iterShapeRecords():
            points = getattr(one.shape, "points", None) or []
            areal += len(points) > 1
            values = [_text(value) if not hasattr(value, "isoformat") else value.isoformat() for value in one.record]
            rows.append([*values, *_inside(one.shape, points)])
    tail = ("easting", "northing") if epsg == 27700 else ("longitude", "latitude")
    names = [f"geometry {axis}" if axis in header else axis for axis in tail]
    notes = [f"{areal:,} shapes are not points; a point inside each is used"] if areal else []
    return header + names, rows, {"sheet": "", "sheets": [], "notes": notes, "epsg": epsg}


def _inside(shape, points) -> list[str]:
    """A point of a shape: itself, or one inside it."""
    if not points:
        return ["", ""]
    if len(points) == 1:
        return [_text(float(points[0][0])), _text(float(points[0][1]))]
    from shapely.geometry import shape as of

    inner = of(shape.__geo_interface__).point_on_surface()
    return [_text(inner.x), _text(inner.y)]


def _system_of(prj: str) -> int:
    """The system of the coordinates, from the .prj beside them; nothing is assumed where there is none."""
    text = ""
    if os.path.exists(prj):  # noqa: PTH110
        with open(prj, encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            text = re.sub(r"[^a-z0-9]+", "_", file.read(20_000).lower())
    if not text:
        raise BadFileError(
            "the shapefile has no .prj, so nobody can tell what its coordinates are; put it into the zip too"
        )
    if text.startswith("projcs") or "projcrs" in text:
        british = "british_national_grid" in text or (
            "osgb" in text and "transverse_mercator" in text and "400000" in text
        )
        if british:
            return 27700
    elif any(word in text for word in ("wgs_1984", "wgs_84", "wgs84", "etrs_1989", "etrs89")):
        return 4326
    raise BadFileError(
        "its coordinates are in another system; save it in EPSG:4326 or EPSG:27700 (British National Grid)"
    )


def _sheet_rows(sheet, options) -> dict[int, list[str]]:
    """The rows that hold anything, by their number, without the empty cells at their ends.

    A few bytes can say a million empty or formatted cells: they are counted here and never handed on.
    """
    with contextlib.suppress(AttributeError):
        sheet.reset_dimensions()  # what the file says about its own size may be a lie
    rows, cells, letters, width, most = {}, 0, 0, 0, options["columns"]
    large = f"the sheet {sheet.title!r} is too large: at most {most:,} columns, {options['cells']:,} cells"
    for number, row in enumerate(sheet.iter_rows(max_row=options["rows"] + 200), 1):
        cells += len(row)
        if cells > options["cells"] or (len(row) > most and any(c.value is not None for c in row[most:])):
            raise BadFileError(large)
        texts = [_cell(cell) for cell in row[:most]]
        while texts and not texts[-1]:
            texts.pop()
        if not texts:
            continue
        rows[number] = texts
        width = max(width, len(texts))
        letters += sum(map(len, texts))
        if width * len(rows) > options["cells"]:
            raise BadFileError(large)
        if letters > options["letters"]:  # one text can stand in every cell
            raise BadFileError(f"the sheet {sheet.title!r} holds more than {options['letters']:,} letters")
    if len(rows) > options["rows"] + 100:
        raise BadFileError(f"the sheet {sheet.title!r} has more than {options['rows']:,} rows")
    return rows


_LITERAL = re.compile(r'"[^"]*"|\\.')


def _cell(cell) -> str:
    """A cell as a person sees it: a number shown as 12.3% is the text "12.3%", not 0.123; the sign may be no more than a letter
    of the format (``0.0"%"``), and then the number is what stands before it."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool)):
        form = getattr(cell, "number_format", "") or ""
        if "%" in form:
            return f"{value * 100:.12g}%" if "%" in _LITERAL.sub("", form) else f"{value:.12g}%"
    return _text(value)


def _text(value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        if not math.isfinite(value):
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ")
    if isinstance(value, (bytes, bytearray)):
        return ""
    return str(value)


def _name(text) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in str(text))[:40]


# ---------------------------------------------------------------- the process itself


READERS = {
    "gpkg": read_gpkg,
    "xlsx": read_xlsx,
    "ods": read_calamine,
    "xls": read_calamine,
    "xlsb": read_calamine,
    "kml": read_kml,
    "shapefile": read_shapefile,
}


def main(argv: list[str]) -> int:
    kind, path, out, options = argv[0], argv[1], argv[2], json.loads(argv[3])
    limit(options["cpu_s"], options["memory"], options["file_size"])
    try:
        header, rows, about = READERS[kind](path, options)
        width = max([len(header), *map(len, rows)], default=0)
        _write(out, [row + [""] * (width - len(row)) for row in rows], width)
    except BadFileError as error:
        print(json.dumps({"refused": str(error)}))
        return 0
    except MemoryError:
        print(json.dumps({"refused": "the file needs more memory than an upload may have; divide it"}))
        return 0
    except Exception as error:  # a library's own complaint about a broken file
        print(json.dumps({"refused": f"the file is damaged ({type(error).__name__}); save it again"}))
        return 0
    print(json.dumps({"header": header, "width": width, **about}))
    return 0


def _write(out: str, rows: list[list[str]], width: int) -> None:
    import pyarrow as pa

    columns = list(zip(*rows, strict=True)) if rows else [()] * width
    table = pa.table({str(at): pa.array(list(column), pa.large_string()) for at, column in enumerate(columns)})
    with pa.OSFile(out, "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


if __name__ == "__main__":
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    sys.exit(main(sys.argv[1:]))
