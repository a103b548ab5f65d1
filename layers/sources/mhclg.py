"""Ministry of Housing, Communities and Local Government: the English indices of deprivation, 2019 and 2025.

Raw file -> tidy frame with ``area_code`` and role columns; no joins. 2019 stands on 2011 LSOAs, 2025 on 2021 LSOAs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from layers.sources.tables import COLUMN_OPTIONS, read_roles, refuse

OPTIONS = COLUMN_OPTIONS | {"people"}


def read(path: Path, options: Mapping) -> pd.DataFrame:
    """One indicator of an indices file. Raises :class:`~layers.model.Refused` for a bad file.

    Blank cells exist only in the numbers of people: every number is a multiple of 5 and none is below 10, so that a
    blank is a small number that the ministry withholds; a definition says so with ``blank = "suppressed"``.

    ``people = {file, area, numerator}`` names the file beside it with the number of people behind a published rate. The
    denominator is then worked back as number / rate. It is an estimate: the number is rounded to 5, the rate to three
    decimals, and the ministry steadies the rates of small areas ("shrinkage"); the population denominators of the
    official file 7 would be better and are not in the tidy copies. Where the number is blank the rate stands alone.
    """
    tidy = read_roles(path, {key: value for key, value in options.items() if key != "people"})
    people = options.get("people")
    if people is None:
        return tidy
    companion = path.parent / people["file"]  # the same release; another set of areas means another release
    counted = read_roles(companion, {"area": people["area"], "numerator": people["numerator"]})
    if set(counted["area_code"]) != set(tidy["area_code"]):
        raise refuse(f"its areas are not those of {path.name}", companion, column=people["area"], rule="other-areas")
    numerator = counted.set_index("area_code")["numerator"].reindex(tidy["area_code"]).to_numpy()
    rate = tidy["value"].to_numpy() / float(options.get("scale", 1) or 1)
    usable = np.isfinite(numerator) & (rate > 0)
    denominator = np.full(len(tidy), np.nan)
    denominator[usable] = np.round(numerator[usable] / rate[usable], 4)
    return tidy.assign(numerator=np.where(usable, numerator, np.nan), denominator=denominator)
