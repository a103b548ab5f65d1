"""Values of a layer, and the areas of a level, as documents that can be taken away (:mod:`dashboard.exports`)."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import pandas as pd

from dashboard.exports import Document, Sheet, features, records
from dashboard.published import Published
from dashboard.views.cautions import caution_list, cautions_of
from layers import VALUES, Values


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
        "values": records(values.frame.loc[:, list(VALUES)]),
    }


def with_names(published: Published, values: Values) -> pd.DataFrame:
    """Values beside names, authority and the description of the layer, for files that travel alone."""
    areas = published.region.areas[values.level]
    descriptor = values.layer.descriptor
    frame = values.frame.loc[:, list(VALUES)].copy()
    frame.insert(1, "area_name", areas["name"].to_numpy())
    frame.insert(2, "official_name", areas["official_name"].to_numpy())
    frame.insert(3, "lad_code", areas["lad_code"].to_numpy())
    frame["status"] = frame["status"].astype(str)
    frame["layer"] = values.layer.id
    frame["title"] = values.layer.title
    frame["unit"] = descriptor.unit
    frame["period"] = values.period
    frame["version"] = values.layer.version
    if published.region.notice:
        frame["notice"] = published.region.notice
    return frame


def values_export(published: Published, values: Values) -> Document:
    """The values as files. A file travels alone, so that of a demonstration region has its notice beside every row."""
    notice = published.region.notice
    outlines = published.region.areas[values.level].geometry

    def sheet() -> Sheet:
        return Sheet(values.frame.loc[:, list(VALUES)], beside={"notice": notice} if notice else {})

    def shapes() -> dict[str, Any]:
        rows = records(with_names(published, values))
        return _collection(notice, features(outlines, rows, key="area_code"))

    def frame() -> gpd.GeoDataFrame:
        return gpd.GeoDataFrame(with_names(published, values), geometry=outlines)

    return Document(
        "values",
        f"{values.layer.id}-{values.level}",
        tree=lambda: values_document(published, values),
        sheet=sheet,
        shapes=shapes,
        frame=frame,
        cautions=caution_list(cautions_of([(values.layer, values.period)], straight=False)),
        layer=values.layer.id,
        level=values.level,
    )


def areas_export(published: Published, level: str) -> Document:
    """The areas of a level."""
    areas, notice = published.region.areas[level], published.region.notice
    rows = records(pd.DataFrame(areas.drop(columns="geometry")))

    def tree() -> dict[str, Any]:
        return {
            "level": level,
            "vintage": published.region.vintages.get(level),
            "crs_of_centroids": "EPSG:27700",
            "notice": notice,
            "areas": rows,
        }

    def shapes() -> dict[str, Any]:
        return _collection(notice, features(areas.geometry, rows, key="code"))

    return Document("areas", level, tree=tree, shapes=shapes)


def _collection(notice: str, shapes: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "notice": notice, "features": shapes}
