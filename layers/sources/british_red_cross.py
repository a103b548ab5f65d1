"""British Red Cross: modelled loneliness on 2021 LSOAs, from the Community Life Survey. No joins."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from layers.sources.tables import COLUMN_OPTIONS, read_roles, refuse

OPTIONS = COLUMN_OPTIONS


def read(path: Path, options: Mapping) -> pd.DataFrame:
    """The modelled percentage. Raises :class:`~layers.model.Refused` for a bad file or a value outside 0 to 100."""
    tidy = read_roles(path, options)
    outside = ~tidy["value"].dropna().between(0, 100)
    if outside.any():
        raise refuse(f"{int(outside.sum())} percentages are outside 0 to 100", path, column=str(options["value"]))
    return tidy
