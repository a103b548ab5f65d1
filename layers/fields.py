"""Every column once: its name, dtype, unit and meaning. The format reference in the docs is printed from here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    name: str
    dtype: str  # pandas dtype of the harmonised column
    meaning: str
    unit: str = ""


def _table(*fields: Field) -> dict[str, Field]:
    return {field.name: field for field in fields}


AREA = _table(
    Field("code", "str", "Code of the area, unique within its level and vintage"),
    Field("name", "str", "Name of the area"),
    Field(
        "ward_code", "str", "Ward that the area is best fitted to; the ward's own code in the ward table; empty for lad"
    ),
    Field("lad_code", "str", "Local authority that the area lies in"),
    Field("population", "float64", "Residents", "people"),
    Field("centroid_x", "float64", "Easting of the population-weighted point, EPSG:27700", "m"),
    Field("centroid_y", "float64", "Northing of the population-weighted point, EPSG:27700", "m"),
    Field("note", "str", "What is special about the area or its outline, in words; usually empty"),
    Field("geometry", "geometry", "Outline, EPSG:4326"),
)

INDICATOR = _table(
    Field("area_code", "str", "Code of the area"),
    Field("period", "str", "Period that the value describes, as the publisher writes it: 2024, 2023/24, Jan-Apr 2024"),
    Field("value", "float64", "The published number, in the layer's unit"),
    Field("numerator", "float64", "Events or people counted"),
    Field("denominator", "float64", "Population at risk, households, or whatever the count is divided by"),
    Field("lower", "float64", "Lower 95% confidence limit, in the layer's unit"),
    Field("upper", "float64", "Upper 95% confidence limit, in the layer's unit"),
    Field("flag", "str", "The publisher's own mark on the value"),
    Field("status", "str", "ok, converted, suppressed or missing"),
)

VALUES = ("area_code", "value", "numerator", "denominator", "lower", "upper", "status")
"""Columns of a layer read at a level, in this order, one row per area of the region in area order."""

SERVICE = _table(
    Field("service_id", "str", "The publisher's own identifier of the site"),
    Field("name", "str", "Name of the service or site"),
    Field("category", "str", "Kind of service"),
    Field("latitude", "float64", "EPSG:4326", "degrees"),
    Field("longitude", "float64", "EPSG:4326", "degrees"),
    Field("easting", "float64", "EPSG:27700", "m"),
    Field("northing", "float64", "EPSG:27700", "m"),
    Field("postcode", "str", "Unit postcode"),
    Field("address", "str", "Address without the postcode"),
    Field("capacity", "float64", "How much the site can offer, in the layer's own unit; 1 where not given"),
    Field("opening_hours", "str", "When it is open"),
    Field("eligibility", "str", "Who may use it"),
    Field("referral", "str", "How people get there: self-referral, GP, court ..."),
    Field("organisation", "str", "Who runs it"),
    Field("url", "str", "Web page; http or https only"),
    Field("as_of", "str", "Date at which the row was true"),
    Field("lad_code", "str", "Local authority that the site stands in; empty outside the known ones"),
    Field("location_from", "str", "How the point was found: coordinates, postcode"),
)
