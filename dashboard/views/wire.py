"""What the map is sent: one byte an area when the indicator changes, and the numbers behind the reading card when someone points."""

from __future__ import annotations

import json

import numpy as np

from dashboard.published import Published
from dashboard.views.banding import NO_INDICATOR
from dashboard.views.choropleth import Choropleth
from dashboard.views.places import names
from dashboard.views.wording import STATUS_SENTENCES
from layers import Viewer

STATUSES = tuple(STATUS_SENTENCES)


def classes_bytes(chart: Choropleth | None, n: int) -> bytes:
    """The number of bands (one byte), then the class of each of the ``n`` areas in area order (one byte each)."""
    if chart is None:
        return bytes([0]) + bytes([NO_INDICATOR]) * n
    return bytes([len(chart.bands)]) + chart.classes.tobytes()


def readings_bytes(chart: Choropleth) -> bytes:
    """A line of JSON, then little-endian float32 value, lower, upper and rank, then one byte of status, each in area order."""
    head = {
        "n": len(chart.frame),
        "title": chart.layer.title,
        "unit": chart.unit,
        "decimals": chart.decimals,
        "ranked": int(np.isfinite(chart.rank).sum()),
        "end": "highest" if str(chart.layer.descriptor.direction) == "neutral" else "worst",
        "bands": [row.label for row in chart.rows if row.code < len(chart.bands)],
        "statuses": [STATUS_SENTENCES[status] for status in STATUSES],
    }
    line = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    # float32 arrays must start at a multiple of four
    line += b" " * (-(len(line) + 1) % 4) + b"\n"
    numbers = [chart.frame[name].to_numpy(dtype="<f4") for name in ("value", "lower", "upper")]
    status = chart.frame["status"].map({word: n for n, word in enumerate(STATUSES)}).to_numpy(dtype="uint8")
    return line + b"".join(a.tobytes() for a in [*numbers, chart.rank.astype("<f4")]) + status.tobytes()


def services_geojson(published: Published, layer_id: str, viewer: Viewer) -> dict:
    """Sites of one service layer as GeoJSON (EPSG:4326). Properties carry text only; the browser never reads them as HTML."""
    layer = published.store.layer(layer_id, viewer)
    lads = names(published, "lad")
    sites = published.store.services(layer_id, viewer)
    sites = sites[sites["longitude"].notna()]
    features = []
    for site in sites.to_dict("records"):
        address = ", ".join(str(site[c]) for c in ("address", "postcode") if isinstance(site.get(c), str) and site[c])
        properties = {
            "name": str(site["name"]),
            "type": str(site["category"])
            if isinstance(site.get("category"), str) and site["category"]
            else layer.title,
            "address": address,
            "authority": lads.get(site.get("lad_code"), "outside the region"),
            "layer": layer.title,
        }
        point = {
            "type": "Point",
            "coordinates": [round(float(site["longitude"]), 5), round(float(site["latitude"]), 5)],
        }
        features.append({"type": "Feature", "geometry": point, "properties": properties})
    return {"type": "FeatureCollection", "notice": published.region.notice, "features": features}
