"""Files that people take away, as text: what they say and how they are built, not their bytes."""

from __future__ import annotations

import io
import re
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from recording.normal import Normaliser, digest, html_text, json_text, short


def file_text(name: str, data: bytes, normal: Normaliser) -> str:
    """The content of a file by the ending of its name."""
    kind = name.rpartition(".")[2].lower()
    dump = KINDS.get(kind)
    if dump is None:
        return digest(data)
    said = dump(data)
    return f"{said}\n{members(data, normal)}" if kind in ("pptx", "docx", "xlsx") else said


def members(data: bytes, normal: Normaliser) -> str:
    """Every member of a zip by name, its text less the day of today as a hash."""
    lines = []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for each in archive.infolist():
            inner = archive.read(each)
            with suppress(UnicodeDecodeError):
                inner = normal(inner.decode("utf-8")).encode()
            lines.append(f"member {each.filename}: {digest(inner)}")
    return "\n".join(lines)


def pptx_text(data: bytes) -> str:
    import pptx

    deck = pptx.Presentation(io.BytesIO(data))
    lines = [f"slides {deck.slide_width} by {deck.slide_height}", *_properties(deck.core_properties)]
    for number, slide in enumerate(deck.slides, 1):
        lines.append(f"slide {number}, layout {slide.slide_layout.name}")
        for shape in slide.shapes:
            place = f"{shape.left},{shape.top} {shape.width} by {shape.height}"
            lines.append(f"  {shape.shape_type} {shape.name!r} at {place}")
            alt = shape._element.xpath(".//p:cNvPr/@descr")
            lines += [f"    says {text}" for text in alt]
            if shape.has_text_frame:
                lines += [f"    {p.level}: {p.text}" for p in shape.text_frame.paragraphs if p.text]
            if getattr(shape, "has_table", False) and shape.has_table:
                lines += ["    | " + " | ".join(cell.text for cell in row.cells) for row in shape.table.rows]
            if getattr(shape, "has_chart", False) and shape.has_chart:
                for plot in shape.chart.plots:
                    lines.append(f"    {shape.chart.chart_type} of {list(plot.categories)}")
                    lines += [f"      {one.name}: {list(one.values)}" for one in plot.series]
        if slide.has_notes_slide:
            lines.append(f"  notes: {slide.notes_slide.notes_text_frame.text}")
    return "\n".join(lines)


def docx_text(data: bytes) -> str:
    import docx
    from docx.table import Table

    document = docx.Document(io.BytesIO(data))
    lines = [*_properties(document.core_properties)]
    for section in document.sections:
        lines.append(f"section {section.page_width} by {section.page_height}, {section.orientation}")
        for part in (section.header, section.footer):
            lines += [f"  header or footer: {p.text}" for p in part.paragraphs]
    for block in document.iter_inner_content():
        if isinstance(block, Table):
            lines.append(f"table, style {block.style.name if block.style else None}")
            lines += ["  | " + " | ".join(cell.text for cell in row.cells) for row in block.rows]
        else:
            lines.append(f"{block.style.name}: {block.text}")
            lines += [f"  picture, says {text}" for text in block._element.xpath(".//wp:docPr/@descr")]
            lines += [f"  link {link.address}" for link in block.hyperlinks]
    return "\n".join(lines)


def _properties(core) -> list[str]:
    names = ("title", "author", "subject", "keywords", "language", "category", "comments", "created", "modified")
    return [f"{name}: {getattr(core, name)}" for name in names]


def pdf_text(data: bytes) -> str:
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(data))
    catalogue = reader.trailer["/Root"]
    lines = [f"{name}: {value}" for name, value in sorted((reader.metadata or {}).items()) if "Date" not in name]
    lines.append(f"language {catalogue.get('/Lang')}, tagged {'/StructTreeRoot' in catalogue}")
    for number, page in enumerate(reader.pages, 1):
        lines.append(f"page {number}, {float(page.mediabox.width):.0f} by {float(page.mediabox.height):.0f}")
        lines += [f"  {line}" for line in page.extract_text().splitlines() if line.strip()]
        for note in page.get("/Annots") or []:
            lines.append(f"  link {note.get_object().get('/A', {}).get('/URI', 'within the file')}")
    return "\n".join(lines)


def xlsx_text(data: bytes) -> str:
    import openpyxl

    lines = []
    for sheet in openpyxl.load_workbook(io.BytesIO(data)).worksheets:
        lines.append(f"sheet {sheet.title}, {sheet.dimensions}, frozen at {sheet.freeze_panes}")
        lines += ["  | " + " | ".join(repr(cell) for cell in row) for row in sheet.iter_rows(values_only=True)]
    return "\n".join(lines)


def parquet_text(data: bytes) -> str:
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(io.BytesIO(data))
    lines = [f"column {field.name}: {field.type}" for field in table.schema]
    lines += [f"{k.decode()}: {short(v.decode('utf-8', 'replace'))}" for k, v in (table.schema.metadata or {}).items()]
    for row in table.to_pylist():
        lines.append(" | ".join(digest(v) if isinstance(v, bytes) else repr(v) for v in row.values()))
    return "\n".join(lines)


def gpkg_text(data: bytes) -> str:
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.gpkg"
        file.write_bytes(data)
        base = sqlite3.connect(file)
        tables = base.execute("select name, sql from sqlite_master where type = 'table' order by name").fetchall()
        for name, sql in tables:
            lines.append(f"table {name}: {' '.join((sql or '').split())}")
            if name.startswith(("rtree", "sqlite")):
                continue
            for row in base.execute(f'select * from "{name}"').fetchall():  # noqa: S608  the file is our own
                lines.append("  " + " | ".join(digest(v) if isinstance(v, bytes) else repr(v) for v in row))
        base.close()
    return re.sub(r"'\d{4}-\d\d-\d\dT[\d:.]+Z'", "<now>", "\n".join(lines))


def zip_text(data: bytes) -> str:
    lines = []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            inner = archive.read(name)
            lines.append(f"member {name}")
            text = "" if b"\0" in inner else inner.decode("utf-8", "replace")
            lines += [f"  {line}" for line in text.splitlines()] if text else [f"  {digest(inner)}"]
    return "\n".join(lines)


def png_text(data: bytes) -> str:
    """Its size alone: the day is drawn into it, and the same picture is recorded as SVG."""
    return f"PNG, {int.from_bytes(data[16:20])} by {int.from_bytes(data[20:24])}"


def plain_text(data: bytes) -> str:
    return data.decode("utf-8")


def geojson_text(data: bytes) -> str:
    import json

    return json_text(json.loads(data))


KINDS: dict[str, Callable[[bytes], str]] = {
    "pptx": pptx_text, "docx": docx_text, "pdf": pdf_text, "xlsx": xlsx_text, "parquet": parquet_text, "gpkg": gpkg_text,
    "zip": zip_text, "png": png_text, "csv": plain_text, "json": geojson_text, "geojson": geojson_text, "md": plain_text,
    "html": lambda data: html_text(data.decode("utf-8")), "svg": lambda data: html_text(data.decode("utf-8")),
}  # fmt: skip
