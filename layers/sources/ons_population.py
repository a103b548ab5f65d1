"""Office for National Statistics: small-area population estimates (2011 LSOAs by age band, 2021 LSOAs in total). No joins."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from layers.sources.tables import COLUMN_OPTIONS, read_roles, refuse

OPTIONS = COLUMN_OPTIONS


def read(path: Path, options: Mapping) -> pd.DataFrame:
    """Residents by area. Raises :class:`~layers.model.Refused` for a bad file or a negative number of people."""
    tidy = read_roles(path, options)
    for role in ("numerator", "denominator"):
        if role in tidy and (tidy[role] < 0).any():
            raise refuse("the number of residents is negative", path, column=str(options.get(role)), rule="negative")
    return tidy
