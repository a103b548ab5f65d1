"""Tables as Parquet bytes, small and exact, and back. A version's values hold every level and period in one blob.

The blob has one row group per level and period, so that reading one of them decodes only that one. Which group is which
stands in the file's own metadata (key ``parts``), beside the vocabulary that a reader elsewhere needs.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from layers.store.records import STATUSES

NUMBERS = ("value", "numerator", "denominator", "lower", "upper")

_STATUS_INDEX = pd.Index(STATUSES)
_STATUS_TYPE = pa.dictionary(pa.int8(), pa.string())
_SCHEMA = pa.schema([("area_code", pa.string()), *((name, pa.float64()) for name in NUMBERS), ("status", _STATUS_TYPE)])


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def encode_values(
    parts: Mapping[tuple[str, str], pd.DataFrame], why: Mapping[tuple[str, str], Mapping[str, str]] | None = None
) -> bytes:
    """Frames with the columns of VALUES, by (level, period), as one Parquet file (zstd).

    ``why[(level, period)]`` says for single areas, by code, why they have no value.
    """
    sentences: list[dict[str, list[str]]] = []
    for key in parts:
        grouped: dict[str, list[str]] = {}  # few sentences, many areas
        for code, sentence in ((why or {}).get(key) or {}).items():
            grouped.setdefault(sentence, []).append(code)
        sentences.append(grouped)
    keys = [[level, period] for level, period in parts]
    sink = io.BytesIO()
    schema = _SCHEMA.with_metadata({"parts": json.dumps(keys), "why": json.dumps(sentences)})
    writer = pq.ParquetWriter(
        sink,
        schema,
        compression="zstd",
        compression_level=3,
        use_dictionary=["status"],
        column_encoding={"area_code": "DELTA_BYTE_ARRAY"},  # codes in order share their beginnings
        write_statistics=False,
        store_schema=True,
    )
    with writer:
        for frame in parts.values():
            # An empty level still takes a row group, so that the count of groups stays the count of parts.
            writer.write_table(_as_arrow(frame, schema), row_group_size=max(len(frame), 1))
    return sink.getvalue()


def status_codes(frame: pd.DataFrame) -> np.ndarray:
    """Position of each row's status in STATUSES; -1 for a word that is none."""
    return _STATUS_INDEX.get_indexer(pd.Index(frame["status"]))


def _as_arrow(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    codes = status_codes(frame)
    columns = [pa.array(frame["area_code"], type=pa.string())]
    columns += [pa.array(frame[name].to_numpy(dtype="float64", na_value=np.nan)) for name in NUMBERS]
    columns.append(pa.DictionaryArray.from_arrays(pa.array(codes, pa.int8()), pa.array(STATUSES)))
    return pa.Table.from_arrays(columns, schema=schema)


def parts_of(blob: bytes) -> list[tuple[str, str]]:
    """The (level, period) pairs in a values blob, in their order."""
    metadata = pq.ParquetFile(io.BytesIO(blob)).schema_arrow.metadata
    return [(level, period) for level, period in json.loads(metadata[b"parts"])]


@dataclass(frozen=True, eq=False)
class Part:
    """One level and period of a blob: numbers as float64, ``status`` as uint8 positions in STATUSES."""

    area_code: pa.Array
    arrays: dict[str, np.ndarray]
    why: dict[str, str]


def decode_values(blob: bytes, level: str, period: str) -> Part:
    """One level and period. Raises KeyError when the blob has no such part."""
    file = pq.ParquetFile(io.BytesIO(blob))
    parts = json.loads(file.schema_arrow.metadata[b"parts"])
    try:
        group = parts.index([level, period])
    except ValueError:
        raise KeyError((level, period)) from None
    table = file.read_row_group(group, use_threads=False)
    arrays = {name: table[name].combine_chunks().to_numpy(zero_copy_only=False) for name in NUMBERS}
    status = table["status"].combine_chunks()
    words = np.array([STATUSES.index(word) for word in status.dictionary.to_pylist()], dtype="uint8")
    arrays["status"] = words[status.indices.to_numpy()]
    grouped = json.loads(file.schema_arrow.metadata[b"why"])[group]
    why = {code: sentence for sentence, codes in grouped.items() for code in codes}
    return Part(table["area_code"].combine_chunks(), arrays, why)


def in_area_order(codes: pa.Array, arrays: dict[str, np.ndarray], wanted: pd.Index) -> dict[str, np.ndarray]:
    """Values of a version that was published before the region's areas changed: areas that are new are missing."""
    at = pd.Index(codes.to_pylist()).get_indexer(wanted)
    out = {name: np.where(at >= 0, arrays[name][at], np.nan) for name in NUMBERS}
    out["status"] = np.where(at >= 0, arrays["status"][at], STATUSES.index("missing")).astype("uint8")
    return out


def encode_table(table: pd.DataFrame) -> bytes:
    """Any table with plain columns. A column of mixed kinds is kept as text, the way a spreadsheet shows it."""
    plain = table.reset_index(drop=True)
    for name in plain.columns[plain.dtypes == np.dtype(object)]:
        column = plain[name]
        plain = plain.assign(
            **{name: [None if missing else str(v) for v, missing in zip(column, column.isna(), strict=True)]}
        )
    sink = io.BytesIO()
    arrow = pa.Table.from_pandas(plain, preserve_index=False, nthreads=1)
    pq.write_table(arrow, sink, compression="zstd", compression_level=3, write_statistics=False)
    return sink.getvalue()


def decode_table(blob: bytes) -> pd.DataFrame:
    return pq.read_table(io.BytesIO(blob), use_threads=False).to_pandas(use_threads=False)


def freeze(frame: pd.DataFrame) -> pd.DataFrame:
    """The same table on arrays that refuse to be written to, so that one caller cannot change another's numbers."""
    columns = {}
    for name, column in frame.items():
        if isinstance(column.dtype, np.dtype):
            array = column.to_numpy(copy=True)
            array.flags.writeable = False
            columns[name] = array
        else:
            columns[name] = column.array
    return pd.DataFrame(columns, index=frame.index, copy=False)
