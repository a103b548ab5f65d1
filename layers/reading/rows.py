"""Which row of its file a row of a table came from, where one row became several: one for each period, or sheet by sheet.

The label of a row is its number in the file plus a multiple of :data:`STRIDE`, which no file reaches: labels stay unique, and
:func:`row_of` is what a person counts.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

STRIDE = 10_000_000


def row_of(label) -> int | None:
    """The row of the file as a person counts, from the label of a row; None where the label is no number."""
    return int(label) % STRIDE if isinstance(label, (int, np.integer)) else None


def again(index: pd.Index, at: int) -> pd.Index:
    """Labels for the rows' ``at``-th appearance, the first being 0."""
    return index + at * STRIDE
