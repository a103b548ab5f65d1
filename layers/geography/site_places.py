"""Where something stands, in the words of people who live there: "Concord, Sunderland (NE37)"; and whose home a postcode is.

A place is the everyday name of the small area under a point (:mod:`layers.geography.everyday_names`), its authority and the postcode
district of that area, which the pack's ``lookups/postcode_districts`` knows. Nothing is looked up elsewhere.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from layers.geography import postcodes
from layers.geography.coordinates import to_degrees
from layers.geography.points import locate_point, locate_points

if TYPE_CHECKING:
    from layers.region import Region

DISTRICTS = "postcode_districts"
_districts: weakref.WeakKeyDictionary[Region, dict[str, str]] = weakref.WeakKeyDictionary()


@dataclass(frozen=True)
class SitePlace:
    """``code`` is "" outside the region, where ``name`` is the neighbouring authority's or "" and there is no district."""

    name: str
    authority: str
    district: str
    code: str

    @property
    def words(self) -> str:
        """ "Concord, Sunderland (NE37)"; "Hartlepool, outside the region"; "a place outside the region"."""
        if not self.code:
            return f"{self.name}, outside the region" if self.name else "a place outside the region"
        parts = [self.name] if self.authority in self.name else [self.name, self.authority]
        return ", ".join(part for part in parts if part) + (f" ({self.district})" if self.district else "")


def place_at(region: Region, easting: float, northing: float) -> SitePlace:
    """The place at a point (EPSG:27700, metres)."""
    return places_at(region, [easting], [northing])[0]


def places_at(region: Region, easting: Sequence[float], northing: Sequence[float]) -> list[SitePlace]:
    """The place at each point (EPSG:27700, metres)."""
    areas = region.areas["lsoa"]
    names, lads, codes = (areas[column].to_numpy(object) for column in ("place", "lad_code", "code"))
    authority = dict(zip(region.areas["lad"]["code"], region.areas["lad"]["name"], strict=True))
    x, y = np.asarray(easting, dtype="float64"), np.asarray(northing, dtype="float64")
    return [
        SitePlace(str(names[i]), authority[lads[i]], district_of(region, codes[i]), str(codes[i]))
        if i >= 0
        else SitePlace(_neighbour(region, x[k], y[k]), "", "", "")
        for k, i in enumerate(locate_points(region, x, y).tolist())
    ]


def district_of(region: Region, code: str) -> str:
    """Postcode district ("NE6") of a small area; "" where the pack does not know it."""
    if region not in _districts:
        table = region.lookups.get(DISTRICTS)
        known = {} if table is None else dict(zip(table["code"], table["district"], strict=True))
        _districts[region] = known
    return _districts[region].get(code, "")


@dataclass(frozen=True)
class Home:
    """The areas that a postcode lies in. ``accuracy``: unit, or sector (the mean of its sector, for a unit that is not known)."""

    postcode: str
    accuracy: str
    easting: float
    northing: float
    longitude: float
    latitude: float
    codes: dict[str, str]  # level -> code: small area, ward and authority
    names: dict[str, str]  # level -> everyday name
    official_names: dict[str, str]


def find_home(region: Region, text: str) -> Home | None:
    """The small area, ward and authority of a unit postcode; None for what is no postcode, an unknown one, or one outside the
    region. The ward is the one that its small area is best fitted to, as everywhere here."""
    unit = postcodes.normalise(text)
    place = postcodes.find(unit) if unit else None
    code = "" if place is None else locate_point(region, place.easting, place.northing)
    if place is None or not code:
        return None
    row = region.areas["lsoa"].iloc[region.position("lsoa", code)]
    codes = {"lsoa": code, "ward": str(row["ward_code"]), "lad": str(row["lad_code"])}
    return Home(
        place.name, place.accuracy, place.easting, place.northing, place.longitude, place.latitude, codes,
        {level: _name(region, level, one) for level, one in codes.items()},
        {level: _name(region, level, one, "official_name") for level, one in codes.items()},
    )  # fmt: skip


def _name(region: Region, level: str, code: str, column: str = "name") -> str:
    return str(region.areas[level][column].iat[region.position(level, code)])


def _neighbour(region: Region, easting: float, northing: float) -> str:
    """The authority around the region that a point lies in."""
    if region.context is None:
        return ""
    point = shapely.Point(*to_degrees(easting, northing))
    found = np.flatnonzero(shapely.intersects(region.context.geometry.to_numpy(), point))
    return str(region.context["name"].iat[int(found[0])]) if len(found) else ""
