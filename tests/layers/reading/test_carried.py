"""A report that went through the store is the report that was written: every kind of file, finding and table."""

from __future__ import annotations

import dataclasses
import json
from enum import Enum

import numpy as np
import pandas as pd
import pytest

from layers import Report, inspect_upload, load_region, read_report, write_report
from layers.model import Status
from tests.layers.reading.test_files import geopackage
from tests.layers.reading.test_validate import CODES, SAID, SITES, SOUTH, WEST, table
from tests.tiny import write_tiny_pack


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    return load_region(write_tiny_pack(tmp_path_factory.mktemp("tiny") / "pack"))


def same(one, other, where="report") -> None:
    """Types too."""
    assert type(one) is type(other), where
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other, obj=where)
        for n in range(one.shape[1]):
            if pd.api.types.is_object_dtype(one.dtypes.iloc[n]):
                types = [[type(each) for each in frame.iloc[:, n]] for frame in (one, other)]
                assert types[0] == types[1], where
    elif isinstance(one, pd.Series):
        pd.testing.assert_series_equal(one, other, obj=where)
    elif dataclasses.is_dataclass(one) and not isinstance(one, Enum):
        for each in dataclasses.fields(one):
            same(getattr(one, each.name), getattr(other, each.name), f"{where}.{each.name}")
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other), where
        for n, (a, b) in enumerate(zip(one, other, strict=True)):
            same(a, b, f"{where}[{n}]")
    elif isinstance(one, dict):
        assert list(one) == list(other), where
        for key in one:
            same(one[key], other[key], f"{where}[{key}]")
    else:
        assert one == other or one != one, where


def files(folder) -> dict:
    by_hand = [("C1", WEST + 500, SOUTH + 500), ("C2", WEST + 3_500, SOUTH + 500)]
    texts = {
        "good": (table(range(16)), SAID),
        "marks and strangers": (table(["c", "n/a", "", 5, "x", "1,000", *range(10)]) + "E01000001,4\nnowhere,5\n", SAID),
        "twice": (table(range(16)) + "T01,0\nT02,77\n", SAID),
        "periods": ("area_code,period,value\n" + "".join(f"{c},{y},{i}\n" for i, c in enumerate(CODES) for y in (2023, 2024)), SAID),
        "not described": (table(range(16)), {}),
        "sites": ("name,easting,northing,capacity\nA,abc,1\nB,1,2,3\n", SITES),
        "empty": ("", SAID),
        "no picture": ("\x89PNG\r\n\x1a\n", SAID),
    }  # fmt: skip
    out = {}
    for name, (text, said) in texts.items():
        path = folder / f"{name}.csv"
        path.write_bytes(text.encode("latin-1"))
        out[name] = (path, said)
    return out | {"geopackage": (geopackage(folder / "a.gpkg", by_hand), SITES)}


def test_every_kind_of_report(tmp_path, region):
    found = {name: inspect_upload(path, region, hints=said) for name, (path, said) in files(tmp_path).items()}
    assert {found[name].ok for name in ("good", "periods", "geopackage")} == {True}
    assert not found["empty"].format and found["marks and strangers"].rejected.shape[0] >= 1
    for name, report in found.items():
        again = read_report(write_report(report))
        same(report, again, name)
        assert again.to_json() == report.to_json() and again.rejected_csv() == report.rejected_csv()


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1.5, np.nan, -np.inf]),
        pd.Series([1, 2, 3], dtype="int8"),
        pd.Series([True, False, True]),
        pd.Series(["a", "", None], dtype=object),
        pd.Series(["a", None, "b"], dtype="str"),
        pd.Series(["a", None, "b"], dtype="string"),
        pd.Series([Status.SHOWN if hasattr(Status, "SHOWN") else next(iter(Status)), 3, float("inf")], dtype=object),
        pd.Series(["a", "b", None], dtype="category"),
        pd.Series([1, None, 3], dtype="Int64"),
        pd.Series([(1, "a"), {"b": [2]}, None], dtype=object),
        pd.Series([4, 5, 6], index=[7, 9, 2]),
        pd.Series([4, 5, 6], index=["x", "y", "x"]),
    ],
)
def test_every_kind_of_column(column):
    frame = pd.DataFrame({"c": column, "c ": 1})
    report = Report("f", "", 0, "csv", None, None, None, (), sample=frame)
    same(report, read_report(write_report(report)))


def test_nothing_else_is_written_and_nothing_runs_when_it_is_read():
    with pytest.raises(TypeError, match="cannot be carried"):
        write_report(Report("f", "", 0, "csv", None, None, None, (), document={"a": object()}))
    data = json.dumps([{"c": ["Popen", {"args": ["true"]}]}, []]).encode()
    with pytest.raises(KeyError):
        read_report(len(data).to_bytes(8, "big") + data)
