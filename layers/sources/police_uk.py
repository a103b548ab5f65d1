"""data.police.uk: street-level crime and anti-social behaviour, counted by 2021 LSOA, month and type. No joins.

The file has a row only where something was recorded. No row means *none recorded* where the area's own force is in
the file for that month, and *not known* where it is not (:func:`covered`): London's, the West Midlands', West
Yorkshire's and Greater Manchester's forces are absent, and Nottinghamshire's is for April 2024. British Transport
Police and neighbouring forces record a few events in such areas too; their rows do not make an area known.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from layers.sources.tables import area_codes, numbers, read_columns, refuse, remember

OPTIONS = frozenset({"crime_types", "without", "months", "by_month", "forces", "denominator"})
COLUMNS = ("lsoa21_code", "lad_code", "month", "crime_type", "count", "police_force")
FORCE_COLUMNS = ("LAD24CD", "PFA24NM")
FORCE_NAMES = {"London, City of": "City of London Police"}
"""Police force areas whose force's name does not simply begin with the area's ("Northumbria", "Northumbria Police")."""


def read(path: Path, options: Mapping) -> pd.DataFrame:
    """Events recorded by area (and by month with ``by_month``): ``area_code, period, numerator``, rows as in the file.

    ``crime_types`` lists the publisher's types to add up, all of them when it is left out; ``without`` takes types
    away. ``months`` lists the months as the file writes them ("2024-01"). Welsh areas are left out.
    Raises :class:`~layers.model.Refused` for a bad file, or a type or month that the file does not have.
    """
    frame = _english(path)
    months = list(options["months"])
    held = set(frame["crime_type"].unique())
    wanted = set(options.get("crime_types") or held) - set(options.get("without") or ())
    for kind, asked, there in (
        ("crime_type", {*(options.get("crime_types") or ()), *(options.get("without") or ())}, held),
        ("month", set(months), set(frame["month"].unique())),
    ):
        if strange := sorted(asked - there):
            what = f"the file has no {kind.replace('_', ' ')} {', '.join(strange)}"
            raise refuse(what, path, f"it has: {', '.join(sorted(there))}", column=kind, rule="not-in-file")
    rows = frame[frame["crime_type"].isin(wanted) & frame["month"].isin(months)]
    by = ["area_code", "period"] if options.get("by_month") else ["area_code"]
    rows = rows.rename(columns={"lsoa21_code": "area_code", "month": "period", "count": "numerator"})
    summed = rows.groupby(by, sort=True, observed=True)["numerator"].sum().reset_index()
    return summed.astype(dict.fromkeys(by, "str"))


def covered(path: Path, options: Mapping, forces: Path) -> pd.DataFrame:
    """``lad_code, month``: the authorities whose own force is in the file, month by month.

    ``forces`` is the official look-up of authorities to police force areas (an authority may stand in it several
    times, once for each community safety partnership).
    """
    frame = _english(path)
    present = frame[["police_force", "month"]].drop_duplicates()
    lookup = read_columns(forces, FORCE_COLUMNS).drop_duplicates()
    if lookup["LAD24CD"].duplicated().any():
        raise refuse("an authority has two police forces", forces, column="PFA24NM", rule="two-forces")
    home = {area: FORCE_NAMES.get(area, area) for area in lookup["PFA24NM"].unique()}
    rows = []
    for month in options["months"]:
        here = present.loc[present["month"] == month, "police_force"]
        known = {area for area, force in home.items() if any(name.startswith(force) for name in here)}
        rows.append(lookup.loc[lookup["PFA24NM"].isin(known), ["LAD24CD"]].assign(month=month))
    return pd.concat(rows, ignore_index=True).rename(columns={"LAD24CD": "lad_code"})


@remember(2)
def _english(path: Path) -> pd.DataFrame:
    """The rows of English areas, checked. Types, months and forces stay categories: half a million rows, few words."""
    frame = read_columns(path, COLUMNS)
    frame["lsoa21_code"] = area_codes(frame, "lsoa21_code", path, unique=False)
    frame["count"] = numbers(frame, "count", path)
    if (frame["count"] < 0).any() or frame["count"].isna().any():
        raise refuse("a count is blank or negative", path, column="count", rule="negative")
    frame = frame[frame["lsoa21_code"].str.startswith("E")].copy()
    for column in ("lsoa21_code", "crime_type", "month", "police_force"):
        frame[column] = frame[column].astype("str").astype("category")
    return frame
