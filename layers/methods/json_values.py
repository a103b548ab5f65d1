"""Numbers, columns and tables as json can write them: what is not known is null."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd


def number_or_null(number: float | None) -> float | None:
    return None if number is None or not np.isfinite(number) else float(number)


def json_column(column: pd.Series) -> list:
    if column.dtype == bool:
        return column.tolist()
    if pd.api.types.is_float_dtype(column):
        values = column.to_numpy("float64")
        return [
            value if known else None for value, known in zip(values.tolist(), np.isfinite(values).tolist(), strict=True)
        ]
    if pd.api.types.is_integer_dtype(column):
        return column.astype("int64").tolist()
    return [value if value is None else list(value) if isinstance(value, tuple) else str(value) for value in column]


def plain(value: Any) -> Any:
    """Numbers, lists and dicts that json can write; NaN and infinity become null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return number_or_null(float(value))
    return value


def json_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """One dict a row."""
    columns = {name: json_column(table[name]) for name in table.columns}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
