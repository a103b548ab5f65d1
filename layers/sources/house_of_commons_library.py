"""House of Commons Library: names of middle layer super output areas (MSOA, 2021) as people say them. No joins beyond the ONS lookup.

The Office for National Statistics numbers these areas ("Gateshead 027"); the Library names them ("Wardley"), for display. A small area
(LSOA) lies in exactly one of them, by the ONS's exact-fit lookup. Trap: the names are not unique, in the country nor among the small
areas of one MSOA; :mod:`layers.geography.everyday_names` tells them apart.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from layers.sources.tables import area_codes, read_columns, refuse

NAMES = "places/MSOA21_names_HoC_EW.parquet"
LOOKUP = "lookups/LSOA21_MSOA21_EW_LU.parquet"
CREDIT = (
    "Names of small areas: House of Commons Library, MSOA Names, contains Parliamentary information licensed under the Open "
    "Parliament Licence v3.0."
)


def read(source: Path) -> pd.Series:
    """LSOA code (2021) -> name of its MSOA, England and Wales. Raises :class:`~layers.model.Refused` for a missing or bad file."""
    names = read_columns(source / NAMES, ("msoa21_code", "msoa21_name"))
    lookup = read_columns(source / LOOKUP, ("lsoa21_code", "msoa21_code"))
    name = pd.Series(
        names["msoa21_name"].str.strip().to_numpy(), area_codes(names, "msoa21_code", source / NAMES), dtype="str"
    )
    of = pd.Series(
        lookup["msoa21_code"].str.strip().to_numpy(), area_codes(lookup, "lsoa21_code", source / LOOKUP), dtype="str"
    )
    found = of.map(name)
    if found.isna().all():
        raise refuse("names none of the MSOAs of the lookup", source / NAMES, "use the names of the MSOAs of 2021")
    return found.dropna()
