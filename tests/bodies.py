"""What is written in a file that is no plain text: archives member by member, databases row by row, PDF page by page."""

from __future__ import annotations

import gzip
import io
import sqlite3
import zipfile

import pyarrow.parquet
from pypdf import PdfReader


def text_in(data: bytes) -> str:
    """Every byte of a file as text; what is packed in it is unpacked, archives in archives too."""
    if data.startswith(b"PK\x03\x04"):  # xlsx, docx, pptx, zip
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(one.filename, archive.read(one)) for one in archive.infolist()]
        return "\n".join(f"{name}\n{text_in(content)}" for name, content in members)
    if data.startswith(b"SQLite format 3\0"):  # gpkg
        with sqlite3.connect(":memory:") as database:
            database.deserialize(data)
            return "\n".join(database.iterdump())
    if data.startswith(b"%PDF-"):
        read = PdfReader(io.BytesIO(data))
        outline = [entry.title for entry in read.outline if hasattr(entry, "title")]
        return "\n".join([str(dict(read.metadata or {})), *outline, *(page.extract_text() for page in read.pages)])
    if data.startswith(b"PAR1"):
        table = pyarrow.parquet.read_table(io.BytesIO(data))
        return f"{table.schema.metadata}\n{table.to_pylist()}"
    if data.startswith(b"\x1f\x8b"):
        return text_in(gzip.decompress(data))
    return data.decode("utf-8", "backslashreplace")
