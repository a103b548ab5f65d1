"""What can be taken away, and in which formats. A row of :data:`FORMATS` is all there is to a format.

The API, its description, the commands and the pages read the rows. What can be taken away is a :class:`Document`; the view that
knows its content makes it, and has no word to say about formats.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

if TYPE_CHECKING:
    import geopandas as gpd

COMPACT: Mapping[str, Any] = {"separators": (",", ":")}
SPACED: Mapping[str, Any] = {}
INDENTED: Mapping[str, Any] = {"indent": 1}
"""How JSON is laid out: for browsers and programs, in files, and on a terminal."""


# ---- what can be taken away -----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Sheet:
    """A table with what has to travel with it: lines above the headings, or columns that say the same in every row."""

    table: pd.DataFrame
    heads: Sequence[str] = ()  # left out: the names of the columns
    above: Sequence[str] = ()
    beside: Mapping[str, str] = field(default_factory=dict)
    for_excel: bool = False  # begins with the mark by which Excel knows UTF-8


def _no_such_part() -> Any:
    raise LookupError("this document has no such part: its formats are those whose row names it")


@dataclass(frozen=True, eq=False)
class Document:
    """Something to take away. A part is worked out when a format asks for it."""

    kind: str  # values, areas, gaps, together, plan, options, table or affected: the name by which formats know it
    name: str  # of the file, without its ending
    tree: Callable[[], dict[str, Any]] = _no_such_part  # JSON types
    sheet: Callable[[], Sheet] = _no_such_part
    shapes: Callable[[], dict[str, Any]] = _no_such_part  # GeoJSON, EPSG:4326
    frame: Callable[[], gpd.GeoDataFrame | pd.DataFrame] = (
        _no_such_part  # EPSG:4326; without outlines where there are none
    )
    layout: Mapping[str, Any] = field(default_factory=lambda: COMPACT)  # of its JSON, as json.dumps takes it
    cautions: Sequence[Mapping[str, str]] | None = None  # code, words, layer; None where nothing rests on a layer
    layer: str = ""  # name of the one layer in a file that could hold several
    level: str = ""


def json_text(tree: Any, **layout: Any) -> str:
    """Raises ValueError for what JSON does not know: NaN and infinity."""
    return json.dumps(tree, ensure_ascii=False, allow_nan=False, **layout) + ("\n" if "indent" in layout else "")


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON types, None for what is missing. By column, which takes a tenth of the time of ``to_dict``."""
    columns = []
    for name in frame.columns:
        column = frame[name]
        missing = ~np.isfinite(column) if pd.api.types.is_float_dtype(column) else column.isna()
        columns.append(np.where(missing, None, column.to_numpy(dtype=object)).tolist())
    return [dict(zip(frame.columns, row, strict=True)) for row in zip(*columns, strict=True)]


def features(shapes: Iterable, rows: Iterable[dict[str, Any]], *, key: str) -> list[dict[str, Any]]:
    """GeoJSON features of outlines in EPSG:4326, to six decimals (0.1 m), with the rows as properties."""
    outlines = shapely.to_geojson(shapely.set_precision(np.asarray(shapes), 1e-6, mode="pointwise"))
    return [
        {"type": "Feature", "id": row[key], "geometry": json.loads(outline), "properties": row}
        for row, outline in zip(rows, outlines, strict=True)
    ]


def safe_cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\0") else text


def csv_text(sheet: Sheet) -> str:
    """The table as CSV: ten figures of a number, nothing for none, yes and no, text that no spreadsheet runs."""
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\r\n")
    write.writerows([safe_cell(line)] for line in sheet.above)
    write.writerow(map(safe_cell, [*(sheet.heads or sheet.table.columns), *sheet.beside]))
    beside = [safe_cell(text) for text in sheet.beside.values()]
    for row in zip(*(_cells(column) for _, column in sheet.table.items()), strict=True):
        write.writerow([*row, *beside])
    return ("\ufeff" if sheet.for_excel else "") + out.getvalue()


def _cells(column: pd.Series) -> list[str]:
    if column.dtype == bool:
        return ["yes" if value else "no" for value in column]
    if pd.api.types.is_integer_dtype(column):
        return [str(value) for value in column]
    if column.dtype == "float64":
        return ["" if math.isnan(value) else f"{value:.10g}" for value in column.tolist()]
    return ["" if text is None else safe_cell(text) for text in column.tolist()]


# ---- formats --------------------------------------------------------------------------------------------------------


def _with_cautions(document: Document, tree: dict[str, Any]) -> dict[str, Any]:
    return tree if document.cautions is None else tree | {"cautions": [dict(one) for one in document.cautions]}


def _json(document: Document) -> bytes:
    return json_text(_with_cautions(document, document.tree()), **document.layout).encode()


def _geojson(document: Document) -> bytes:
    return json_text(_with_cautions(document, document.shapes()), **document.layout).encode()


def _codes(document: Document) -> dict[str, str]:
    """The column that is the last of every table: the codes of the cautions, each once, with semicolons between them."""
    if document.cautions is None:
        return {}
    return {"cautions": ";".join(dict.fromkeys(one["code"] for one in document.cautions))}


def _csv(document: Document) -> bytes:
    sheet = document.sheet()
    return csv_text(replace(sheet, beside={**sheet.beside, **_codes(document)})).encode()


def _frame(document: Document) -> gpd.GeoDataFrame | pd.DataFrame:
    return document.frame().assign(**_codes(document))


def _gpkg(document: Document) -> bytes:
    words = " ".join(one["words"] for one in document.cautions or ())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "values.gpkg"
        options = {"layer_options": {"DESCRIPTION": words}} if words else {}
        _frame(document).to_file(file, layer=document.layer, driver="GPKG", **options)
        return file.read_bytes()


def _parquet(document: Document) -> bytes:
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.Table.from_pandas(pd.DataFrame(_frame(document).drop(columns="geometry")), preserve_index=False)
    said = json_text([dict(one) for one in document.cautions or ()])
    out = io.BytesIO()
    pyarrow.parquet.write_table(table.replace_schema_metadata({**(table.schema.metadata or {}), "cautions": said}), out)
    return out.getvalue()


def _xlsx(document: Document) -> bytes:
    frame = pd.DataFrame(_frame(document).drop(columns="geometry", errors="ignore"))
    for column in frame.columns[frame.dtypes.map(lambda kind: kind not in ("float64", "int64"))]:
        frame[column] = frame[column].map(lambda cell: safe_cell(cell) if isinstance(cell, str) else cell)
    out = io.BytesIO()
    with pd.ExcelWriter(out, engine="openpyxl") as book:
        frame.to_excel(book, index=False, sheet_name=document.level or document.name)
        if document.cautions is not None:
            box = pd.DataFrame([dict(one) for one in document.cautions], columns=["code", "words", "layer"])
            box.to_excel(book, index=False, sheet_name="cautions")
    return out.getvalue()


@dataclass(frozen=True)
class Format:
    """One format. Its documents are offered in it wherever they are offered, unless the API leaves it to the commands."""

    title: str
    media_type: str
    ending: str
    write: Callable[[Document], bytes]
    documents: frozenset[str]
    saved: bool = True  # a browser saves it under a name; otherwise it shows it
    in_api: bool = True


def _of(documents: str) -> frozenset[str]:
    return frozenset(documents.split())


FORMATS: dict[str, Format] = {
    "json": Format(
        "JSON", "application/json", "json", _json, _of("values areas gaps together plan options"), saved=False
    ),
    "csv": Format("CSV", "text/csv", "csv", _csv, _of("values gaps together options table affected")),
    "geojson": Format(
        "GeoJSON", "application/geo+json", "geojson", _geojson, _of("values areas gaps together plan"), saved=False
    ),
    "gpkg": Format("GeoPackage", "application/geopackage+sqlite3", "gpkg", _gpkg, _of("values"), in_api=False),
    "parquet": Format("Parquet", "application/vnd.apache.parquet", "parquet", _parquet, _of("values"), in_api=False),
    "xlsx": Format(
        "Excel",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xlsx",
        _xlsx,
        _of("values affected"),
        in_api=False,
    ),
}


def formats_of(kind: str, *, in_api: bool = False) -> tuple[str, ...]:
    """The formats that a kind of document comes in; with ``in_api`` those that are answered over the network."""
    return tuple(name for name, row in FORMATS.items() if kind in row.documents and (row.in_api or not in_api))


def write(document: Document, form: str, *, layout: Mapping[str, Any] = COMPACT) -> bytes:
    """The document in a format that :func:`formats_of` names."""
    return FORMATS[form].write(replace(document, layout=layout))


def file_name(document: Document, form: str) -> str:
    return f"{document.name}.{FORMATS[form].ending}"


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
