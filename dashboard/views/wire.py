"""What the map is sent: one byte an area when the indicator changes, and the numbers behind the reading card when someone points."""

from __future__ import annotations

import json

import numpy as np

from dashboard.published import Published
from dashboard.views.banding import NO_INDICATOR
from dashboard.views.choropleth import Choropleth
from dashboard.views.gap_words import access_title
from dashboard.views.gaps import Gaps
from dashboard.views.needs import WeightedNeed
from dashboard.views.places import names
from dashboard.views.site_words import served_by
from dashboard.views.wording import STATUS_SENTENCES
from layers import Layer, Viewer, places_at

STATUSES = tuple(STATUS_SENTENCES)


def classes_bytes(chart: Choropleth | None, n: int) -> bytes:
    """The number of bands (one byte), then the class of each of the ``n`` areas in area order (one byte each)."""
    if chart is None:
        return no_classes(n)
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
    line = _head(head)
    numbers = [chart.frame[name].to_numpy(dtype="<f4") for name in ("value", "lower", "upper")]
    status = chart.frame["status"].map({word: n for n, word in enumerate(STATUSES)}).to_numpy(dtype="uint8")
    return line + b"".join(a.tobytes() for a in [*numbers, chart.rank.astype("<f4")]) + status.tobytes()


def no_classes(n: int) -> bytes:
    """A map of ``n`` areas without anything painted on it."""
    return bytes([0]) + bytes([NO_INDICATOR]) * n


def gap_readings_bytes(gaps: Gaps) -> bytes:
    """As :func:`readings_bytes` with need, access and stability for value, lower and upper;
    status 1 is underserved, 2 nearly, 3 across water."""
    areas = gaps.result.areas
    scale, unit, decimals = _access_scale(gaps)
    head = {
        "kind": "gap",
        "n": len(areas),
        "access": access_title(gaps),
        "scale": scale,
        "unit": unit,
        "decimals": decimals,
        "none": "No service to measure to",
    }
    nothing = np.full(len(areas), np.nan)
    sure = areas["stability"].to_numpy("float64") if gaps.result.stability is not None else nothing
    numbers = (areas["need"].to_numpy("float64"), areas["access"].to_numpy("float64"), sure, nothing)
    status = np.select([areas["crossing"], areas["underserved"], areas["near_miss"]], [3, 1, 2], 0).astype("uint8")
    return _head(head) + b"".join(each.astype("<f4").tobytes() for each in numbers) + status.tobytes()


def _access_scale(gaps: Gaps) -> tuple[float, str, int]:
    """Factor, unit and decimals with which the browser writes an access value."""
    metric = gaps.result.access.metric
    if metric.in_cost:
        return (1, "minutes", 0) if gaps.result.model.unit == "min" else (0.001, "km", 1)
    return 1, metric.unit, metric.decimals


def need_readings_bytes(made: WeightedNeed) -> bytes:
    """As :func:`gap_readings_bytes`, with need alone."""
    score = made.score
    head = {"kind": "gap", "n": len(score), "access": "", "scale": 1, "unit": "", "decimals": 0, "none": ""}
    nothing = np.full(len(score), np.nan)
    numbers = b"".join(each.astype("<f4").tobytes() for each in (score, nothing, nothing, nothing))
    return _head(head) + numbers + bytes(len(score))


def _head(head: dict) -> bytes:
    line = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    # float32 arrays must start at a multiple of four
    return line + b" " * (-(len(line) + 1) % 4) + b"\n"


def services_geojson(published: Published, layer: Layer, viewer: Viewer) -> dict:
    """Sites of one service layer as GeoJSON (EPSG:4326). Properties carry text only; the browser never reads them as HTML.
    ``serves`` says for whom the site is the nearest of its list."""
    lads = names(published, "lad")
    sites = published.store.services(layer.id, viewer, version=layer.version)
    serves = served_by(published, layer, viewer)
    sites = sites.reset_index(drop=True)
    sites = sites[sites["longitude"].notna()]
    features = []
    places = places_at(published.region, sites["easting"], sites["northing"])
    for at, site, place in zip(sites.index, sites.to_dict("records"), places, strict=True):
        address = ", ".join(str(site[c]) for c in ("address", "postcode") if isinstance(site.get(c), str) and site[c])
        properties = {
            "name": str(site["name"]),
            "type": str(site["category"])
            if isinstance(site.get("category"), str) and site["category"]
            else layer.title,
            "address": address,
            "place": place.words,
            "authority": lads.get(site.get("lad_code"), "outside the region"),
            "layer": layer.title,
            "serves": serves[at].words,
        }
        point = {
            "type": "Point",
            "coordinates": [round(float(site["longitude"]), 5), round(float(site["latitude"]), 5)],
        }
        features.append({"type": "Feature", "geometry": point, "properties": properties})
    return {"type": "FeatureCollection", "notice": published.region.notice, "features": features}
