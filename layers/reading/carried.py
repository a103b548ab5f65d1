"""A report as bytes, and back: what a worker found out about a file goes to whoever asked through the store.

JSON and Arrow, nothing that runs code when it is read. A value of a kind that is not known here is an error where it is written.
"""

from __future__ import annotations

import dataclasses
import json
from datetime import date, datetime
from enum import Enum
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from layers import model
from layers.reading import columns, questions, validate, vintage
from layers.reading.validate import Report

_HEAD = 8
_CLASSES = {
    name: known
    for module in (model, columns, questions, vintage, validate)
    for name, known in vars(module).items()
    if isinstance(known, type) and (dataclasses.is_dataclass(known) or issubclass(known, Enum))
}


def write_report(report: Report) -> bytes:
    tables: list[bytes] = []
    document = json.dumps([_plain(report, tables), [len(table) for table in tables]]).encode()
    return b"".join((len(document).to_bytes(_HEAD, "big"), document, *tables))


def read_report(data: bytes) -> Report:
    at = _HEAD + int.from_bytes(data[:_HEAD], "big")
    document, sizes = json.loads(data[_HEAD:at])
    tables = []
    for size in sizes:
        tables.append(data[at : at + size])
        at += size
    return _made(document, tables)


def _plain(value: Any, tables: list[bytes]) -> Any:
    """As JSON: what it has no word for is an object of one key, the letter of its kind."""
    if isinstance(value, Enum):
        return {"e": [type(value).__name__, value.value]}
    if value is None or type(value) in (bool, int, float, str):
        return value
    if value is pd.NA:
        return {"n": 0}
    if isinstance(value, np.generic):
        return _plain(value.item(), tables)
    if isinstance(value, (list, tuple)):
        inside = [_plain(each, tables) for each in value]
        return inside if isinstance(value, list) else {"t": inside}
    if isinstance(value, dict):
        return {"d": [[_plain(key, tables), _plain(each, tables)] for key, each in value.items()]}
    if isinstance(value, pd.DataFrame):
        return {"f": _frame(value, tables)}
    if isinstance(value, pd.Series):
        return {"s": _frame(value.to_frame("0"), tables) | {"name": _plain(value.name, tables)}}
    if isinstance(value, (date, datetime)):
        return {"w" if isinstance(value, datetime) else "y": value.isoformat()}
    if dataclasses.is_dataclass(value) and _CLASSES.get(type(value).__name__) is type(value):
        fields = {each.name: _plain(getattr(value, each.name), tables) for each in dataclasses.fields(value)}
        return {"c": [type(value).__name__, fields]}
    raise TypeError(f"a report holds a {type(value).__name__}, which cannot be carried")


def _made(value: Any, tables: list[bytes]) -> Any:
    if isinstance(value, list):
        return [_made(each, tables) for each in value]
    if not isinstance(value, dict):
        return value
    ((kind, inside),) = value.items()
    if kind == "e":
        return _CLASSES[inside[0]](inside[1])
    if kind == "c":
        return _CLASSES[inside[0]](**{name: _made(each, tables) for name, each in inside[1].items()})
    if kind == "t":
        return tuple(_made(each, tables) for each in inside)
    if kind == "d":
        return {_made(key, tables): _made(each, tables) for key, each in inside}
    if kind == "f":
        return _frame_again(inside, tables)
    if kind == "s":
        return _frame_again(inside, tables).iloc[:, 0].rename(_made(inside["name"], tables))
    if kind in "wy":
        return (datetime if kind == "w" else date).fromisoformat(inside)
    return pd.NA


# ---- tables ----------------------------------------------------------------------------------------------------------


def _frame(frame: pd.DataFrame, tables: list[bytes]) -> dict[str, Any]:
    """Its columns in Arrow, one that is mixed as JSON cell by cell, each with what it was; the index is the last of them."""
    simple = isinstance(frame.index, pd.RangeIndex) and (frame.index.start, frame.index.step) == (0, 1)
    parts = [frame.iloc[:, n] for n in range(frame.shape[1])] + ([] if simple else [frame.index.to_series()])
    arrays, kinds = [], []
    for part in parts:
        array, kind = _column(part)
        arrays.append(array)
        kinds.append(kind)
    names = [str(n) for n in range(len(arrays))]
    sink = pa.BufferOutputStream()
    table = pa.table(dict(zip(names, arrays, strict=True)))
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    tables.append(sink.getvalue().to_pybytes())
    heads = [_plain(name, []) for name in frame.columns]
    return {"at": len(tables) - 1, "rows": len(frame), "heads": heads, "kinds": kinds, "simple": simple}


def _column(part: pd.Series) -> tuple[pa.Array, Any]:
    if isinstance(part.dtype, pd.CategoricalDtype):
        categories = [_plain(each, []) for each in part.cat.categories]
        return pa.array(part.cat.codes.to_numpy()), ["category", categories, bool(part.cat.ordered)]
    values = part.astype(object)
    if isinstance(part.dtype, pd.StringDtype):
        # "str" and "string" are told apart by what they call missing
        return pa.array([None if pd.isna(each) else each for each in values], pa.string()), str(part.dtype)
    if part.dtype == object:
        if all(each is None or type(each) is str for each in values):
            return pa.array(list(values), pa.string()), "object"
        return pa.array([json.dumps(_plain(each, [])) for each in values], pa.string()), "cells"
    if isinstance(part.dtype, np.dtype):
        return pa.array(part.to_numpy()), str(part.dtype)
    return pa.array([json.dumps(_plain(each, [])) for each in values], pa.string()), ["cells", str(part.dtype)]


def _frame_again(about: dict[str, Any], tables: list[bytes]) -> pd.DataFrame:
    table = pa.ipc.open_stream(tables[about["at"]]).read_all()
    parts = [_column_again(table.column(n), kind) for n, kind in enumerate(about["kinds"])]
    index = pd.RangeIndex(about["rows"]) if about["simple"] else pd.Index(parts.pop())
    frame = pd.DataFrame(dict(enumerate(parts)))
    frame = frame if parts else pd.DataFrame(index=pd.RangeIndex(about["rows"]))
    frame.index = index
    frame.columns = pd.Index([_made(head, []) for head in about["heads"]]) if parts else pd.DataFrame().columns
    return frame


def _column_again(array: pa.ChunkedArray, kind: Any) -> pd.Series:
    if isinstance(kind, list) and kind[0] == "category":
        categories = [_made(each, []) for each in kind[1]]
        return pd.Series(pd.Categorical.from_codes(array.to_numpy(), categories, ordered=kind[2]))
    if kind == "cells" or isinstance(kind, list):
        dtype = "object" if kind == "cells" else kind[1]
        return pd.Series([_made(json.loads(each), []) for each in array.to_pylist()], dtype=dtype)
    if pa.types.is_string(array.type):
        return pd.Series(array.to_pylist(), dtype=kind)
    return pd.Series(array.to_numpy(), dtype=kind)
