"""A layer read at a level, as rows for the API, the command line and files."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import numpy as np
import pandas as pd

from dashboard.published import Published
from dashboard.views.table import safe_cell
from layers import VALUES, Values, Viewer

FORMATS = ("csv", "json", "geojson", "gpkg", "parquet", "xlsx")


def values_document(published: Published, values: Values) -> dict[str, Any]:
    """The JSON of ``/api/v1/layers/<id>/values``: what the numbers are, then one row an area."""
    descriptor = values.layer.descriptor
    return {
        "layer": values.layer.id,
        "title": values.layer.title,
        "version": values.layer.version,
        "level": values.level,
        "vintage": published.region.vintages.get(values.level),
        "period": values.period,
        "unit": descriptor.unit,
        "measure": str(descriptor.measure) if descriptor.measure else None,
        "direction": str(descriptor.direction),
        "reason": values.reason,
        "notice": published.region.notice,
        "licence": descriptor.licence,
        "sources": [source.title for source in descriptor.sources],
        "values": rows(values.frame),
    }


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of :data:`layers.VALUES` with None for what is not a number."""
    plain = frame.loc[:, list(VALUES)].astype(object)
    return plain.where(plain.notna(), None).to_dict("records")


def values_csv(values: Values) -> str:
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\r\n")
    write.writerow(VALUES)
    for row in values.frame.loc[:, list(VALUES)].itertuples(index=False):
        write.writerow([_cell(value) for value in row])
    return out.getvalue()


def with_names(published: Published, values: Values, viewer: Viewer) -> pd.DataFrame:
    """Values beside names, authority and the description of the layer, for files that travel alone."""
    areas = published.region.areas[values.level]
    descriptor = values.layer.descriptor
    frame = values.frame.loc[:, list(VALUES)].copy()
    frame.insert(1, "area_name", areas["name"].to_numpy())
    frame.insert(2, "lad_code", areas["lad_code"].to_numpy())
    frame["status"] = frame["status"].astype(str)
    frame["layer"] = values.layer.id
    frame["title"] = values.layer.title
    frame["unit"] = descriptor.unit
    frame["period"] = values.period
    frame["version"] = values.layer.version
    if published.region.notice:
        frame["notice"] = published.region.notice
    return frame


def values_geojson(published: Published, values: Values, viewer: Viewer) -> dict[str, Any]:
    """GeoJSON (EPSG:4326) of a level with the values as properties."""
    frame = with_names(published, values, viewer)
    outlines = published.region.areas[values.level].geometry
    plain = frame.astype(object).where(frame.notna(), None).to_dict("records")
    features = [
        {"type": "Feature", "id": row["area_code"], "geometry": json.loads(shape), "properties": row}
        for row, shape in zip(plain, _geojson(outlines), strict=True)
    ]
    return {"type": "FeatureCollection", "features": features}


def areas_document(published: Published, level: str) -> dict[str, Any]:
    areas = published.region.areas[level].drop(columns="geometry")
    plain = areas.astype(object).where(areas.notna(), None)
    return {
        "level": level,
        "vintage": published.region.vintages.get(level),
        "crs_of_centroids": "EPSG:27700",
        "notice": published.region.notice,
        "areas": plain.to_dict("records"),
    }


def areas_geojson(published: Published, level: str) -> dict[str, Any]:
    frame = published.region.areas[level]
    plain = frame.drop(columns="geometry").astype(object)
    records = plain.where(plain.notna(), None).to_dict("records")
    return {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "id": row["code"], "geometry": json.loads(shape), "properties": row}
            for row, shape in zip(records, _geojson(frame.geometry), strict=True)
        ],
    }


def _geojson(outlines) -> np.ndarray:
    import shapely

    return shapely.to_geojson(shapely.set_precision(outlines.to_numpy(), 1e-6, mode="pointwise"))


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.10g}" if np.isfinite(value) else ""
    return safe_cell(str(value))
