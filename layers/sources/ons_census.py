"""Office for National Statistics: Census 2021 tables on 2021 LSOAs, as counts with their total. No joins.

The counts are slightly changed by the publisher to protect people, so that the totals of two tables of the same
area differ by a few: always divide by the total that stands in the same table. Some files hold Wales, too, which is left out:
regions are English, and what is said of England is worked out from the whole table.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from layers.sources.tables import COLUMN_OPTIONS, read_roles, refuse

OPTIONS = COLUMN_OPTIONS


def read(path: Path, options: Mapping) -> pd.DataFrame:
    """One indicator of a Census table. Raises :class:`~layers.model.Refused` for a bad file or a part above its whole."""
    tidy = read_roles(path, options)
    tidy = tidy[~tidy["area_code"].str.startswith("W")].reset_index(drop=True)
    if {"numerator", "denominator"} <= set(tidy.columns):
        above = tidy["numerator"] > tidy["denominator"]
        if above.any():
            what = f"in {int(above.sum())} areas the part is larger than the total, first in {tidy['area_code'][above].iloc[0]}"
            raise refuse(what, path, column=str(options.get("numerator")), rule="part-above-whole")
    return tidy
