"""Oxford Consultants for Social Inclusion with Local Trust: the Community Needs Index 2023 on 2021 LSOAs. No joins.

A higher score means more need in every one of the index's parts; ranks run the other way, 1 is most need.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from layers.sources.tables import COLUMN_OPTIONS, read_roles

OPTIONS = COLUMN_OPTIONS


def read(path: Path, options: Mapping) -> pd.DataFrame:
    """One score of the index. Raises :class:`~layers.model.Refused` for a bad file."""
    return read_roles(path, options)
