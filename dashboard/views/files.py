"""Values as files: CSV, JSON, GeoJSON, GeoPackage, Parquet, Excel."""

from __future__ import annotations

import io
import json
import os
import tempfile
from pathlib import Path

from dashboard.published import Published
from dashboard.views.table import safe_cell
from dashboard.views.values import values_csv, values_document, values_geojson, with_names
from layers import Values, Viewer


def values_file(published: Published, values: Values, viewer: Viewer, form: str) -> bytes:
    """The content of one file. ``form``: csv, json, geojson, gpkg (EPSG:4326), parquet or xlsx."""
    return _WRITERS[form](published, values, viewer)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _csv(published: Published, values: Values, viewer: Viewer) -> bytes:
    return values_csv(published, values).encode()


def _json(published: Published, values: Values, viewer: Viewer) -> bytes:
    return json.dumps(values_document(published, values), ensure_ascii=False, allow_nan=False).encode()


def _geojson(published: Published, values: Values, viewer: Viewer) -> bytes:
    return json.dumps(values_geojson(published, values, viewer), ensure_ascii=False, allow_nan=False).encode()


def _gpkg(published: Published, values: Values, viewer: Viewer) -> bytes:
    import geopandas as gpd

    frame = gpd.GeoDataFrame(
        with_names(published, values, viewer), geometry=published.region.areas[values.level].geometry
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "values.gpkg"
        frame.to_file(file, layer=values.layer.id, driver="GPKG")
        return file.read_bytes()


def _parquet(published: Published, values: Values, viewer: Viewer) -> bytes:
    out = io.BytesIO()
    with_names(published, values, viewer).to_parquet(out, index=False)
    return out.getvalue()


def _xlsx(published: Published, values: Values, viewer: Viewer) -> bytes:
    frame = with_names(published, values, viewer)
    for column in frame.columns[frame.dtypes.map(lambda kind: kind not in ("float64", "int64"))]:
        frame[column] = frame[column].map(lambda cell: safe_cell(cell) if isinstance(cell, str) else cell)
    out = io.BytesIO()
    frame.to_excel(out, index=False, sheet_name=values.level)
    return out.getvalue()


_WRITERS = {"csv": _csv, "json": _json, "geojson": _geojson, "gpkg": _gpkg, "parquet": _parquet, "xlsx": _xlsx}
