"""Gaps, alone against together, and plans as documents and files that can travel alone.

Every file carries the rule and its parameters, the layers with version and period, the day it was made, the sources and the
region's notice. ``on`` is that day as ISO text; it is handed in, so that the same request gives the same bytes.
"""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import numpy as np
import pandas as pd
import shapely

from dashboard.published import Published
from dashboard.views.gap_words import REASONS, put_into_words, rule_sentence
from dashboard.views.gaps import Gaps
from dashboard.views.table import as_cells, safe_cell
from dashboard.views.together import CAUTION, Together, put_together_into_words
from layers import Layer

GAP_COLUMNS = (
    "code", "name", "lad_code", "lad_name", "population", "need", "access", "access_unit", "poor", "underserved",
    "stability", "stability_words", "near_miss", "class", "fifth", "community", "community_name", "alone_m", "together_m",
    "border_penalty_m", "nearest_service", "nearest_lad",
)  # fmt: skip
TOGETHER_COLUMNS = (
    "code", "name", "lad_code", "lad_name", "population", "alone_m", "together_m", "border_penalty_m", "nearer_elsewhere",
    "reason", "nearest_service", "nearest_lad", "nearest_lad_name",
)  # fmt: skip


# ---- documents ------------------------------------------------------------------------------------------------------


def gaps_document(gaps: Gaps) -> dict[str, Any]:
    """The JSON of ``/api/v1/gaps`` and ``commonground gaps``: parameters, areas, communities, summary, and what it rests on."""
    document = gaps.result.to_json()
    put_into_words(gaps, document)
    for community, card in zip(document["communities"], gaps.cards, strict=True):
        facing = [{"id": f.id, "name": f.name, "metres": f.metres} for f in gaps.across.get(card.id, ())]
        community |= {"longitude": card.longitude, "latitude": card.latitude, "across": facing}
    return document | about(gaps.published, gaps.layers)


def together_document(together: Together) -> dict[str, Any]:
    """The JSON of ``/api/v1/together``: per area alone_m, together_m and the penalty, totals per authority, flows."""
    document = together.result.to_json()
    sentences = {card.lad_code: card for card in together.cards}
    for row in document["authorities"]:
        card = sentences[row["lad_code"]]
        row |= {"residents_misjudged": card.residents_misjudged, "sentence": card.sentence}
    for row, flow in zip(document["summary"]["flows"], together.flows, strict=True):
        row |= {"name": flow.name, "nearest_name": flow.nearest_name}
    put_together_into_words(together, document)
    return document | about(together.published, together.layers)


def about(published: Published, layers: tuple[Layer, ...]) -> dict[str, Any]:
    """What the numbers rest on."""
    return {
        "region": published.region.id,
        "notice": published.region.notice,
        "layers": [
            {
                "id": layer.id,
                "title": layer.title,
                "version": layer.version,
                "published_at": str(layer.published_at),
                "licence": layer.descriptor.licence,
                "sources": [
                    {"title": s.title, "publisher": s.publisher, "url": s.url, "attribution": s.attribution}
                    for s in layer.descriptor.sources
                ],
            }
            for layer in layers
        ],
    }


# ---- CSV ------------------------------------------------------------------------------------------------------------


def gaps_csv(gaps: Gaps, on: str) -> str:
    """One row an area, header first; the last columns say in every row what the numbers are, because a file travels alone."""
    return _csv(_gap_table(gaps), _labels(gaps.published, gaps.layers, rule_sentence(gaps), _parameters(gaps), on))


def communities_csv(gaps: Gaps, on: str) -> str:
    """One row a community, those with most residents first."""
    table = pd.DataFrame(
        [
            {
                "rank": card.rank,
                "id": card.id,
                "name": card.name,
                "authorities": card.authorities_words,
                "shared": card.shared,
                "residents": card.residents,
                "areas": card.areas,
                "need": card.need,
                "access": card.access,
                "access_unit": gaps.result.access.unit,
                "stability": card.stability,
                "stability_words": card.stability_word,
                "drivers": card.drivers,
                "border": card.border,
                "area_codes": " ".join(card.codes),
                "longitude": card.longitude,
                "latitude": card.latitude,
            }
            for card in gaps.cards
        ],
        columns=[
            "rank", "id", "name", "authorities", "shared", "residents", "areas", "need", "access", "access_unit",
            "stability", "stability_words", "drivers", "border", "area_codes", "longitude", "latitude",
        ],
    )  # fmt: skip
    return _csv(table, _labels(gaps.published, gaps.layers, rule_sentence(gaps), _parameters(gaps), on))


def together_csv(together: Together, on: str) -> str:
    """One row an area, like :func:`gaps_csv`."""
    parameters = json.dumps(together.result.parameters, ensure_ascii=False, separators=(",", ":"))
    rule = f"Alone counts only services in the area's own authority. {CAUTION}"
    return _csv(_together_table(together), _labels(together.published, together.layers, rule, parameters, on))


def _csv(table: pd.DataFrame, labels: dict[str, str]) -> str:
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\r\n")
    write.writerow([*table.columns, *labels])
    same = [safe_cell(text) for text in labels.values()]
    for row in zip(*(_cells(table[name]) for name in table.columns), strict=True):
        write.writerow([*row, *same])
    return out.getvalue()


def _cells(column: pd.Series) -> list[str]:
    if column.dtype == bool:
        return ["yes" if value else "no" for value in column]
    if pd.api.types.is_integer_dtype(column):
        return [str(value) for value in column]
    return as_cells(column)


def _parameters(gaps: Gaps) -> str:
    """What was asked, short enough for a cell."""
    p = gaps.result.parameters
    parts = {
        "need": ",".join(f"{item['id']}={item['weight']:g}" for item in p["need"]),
        "services": ",".join(item["id"] for item in p["services"]),
        "level": p["level"],
        "metric": p["metric"],
        "max_m": p["max_m"],
        "max_min": p["max_min"],
        "detour": p["detour"],
        "alone": "yes" if p["alone"] else None,
        "fair": "yes" if p["fair"] else None,
        "walking_kmh": p["walking_kmh"] if p["max_min"] is not None else None,
        "driving_kmh": p["driving_kmh"],
        "group": p["group"],
        "travel": p["travel"],
        "partner": p["partner"],
        "need_threshold": p["need_threshold"],
        "robustness": p["robustness"],
        "seed": p["seed"],
    }
    said = {name: f"{value:.10g}" if isinstance(value, float) else value for name, value in parts.items()}
    return "; ".join(f"{name}={value}" for name, value in said.items() if value not in (None, ""))


def _labels(published: Published, layers: tuple[Layer, ...], rule: str, parameters: str, on: str) -> dict[str, str]:
    labels = {
        "rule": rule,
        "parameters": parameters,
        "data": "; ".join(f"{layer.id} version {layer.version}" for layer in layers),
        "sources": "; ".join(dict.fromkeys(_credit(layer) for layer in layers)),
        "made_on": on,
    }
    return labels | ({"notice": published.region.notice} if published.region.notice else {})


def _credit(layer: Layer) -> str:
    said = []
    for source in layer.descriptor.sources:
        parts = (source.title, source.publisher, source.licence or layer.descriptor.licence, source.attribution)
        said.append(", ".join(part for part in parts if part))
    return "; ".join(said)


def _gap_table(gaps: Gaps) -> pd.DataFrame:
    names = dict(gaps.published.region.areas["lad"][["code", "name"]].itertuples(index=False))
    communities = {card.id: card.name for card in gaps.cards}
    table = gaps.result.areas[gaps.in_view]
    table = table.assign(
        lad_name=[names.get(code, code) for code in table["lad_code"]],
        access_unit=gaps.result.access.unit,
        community_name=[communities.get(code, "") for code in table["community"]],
    )
    return table.loc[:, list(GAP_COLUMNS)]


def _together_table(together: Together) -> pd.DataFrame:
    names = dict(together.published.region.areas["lad"][["code", "name"]].itertuples(index=False))
    table = together.result.areas
    table = table.assign(
        lad_name=[names.get(code, code) for code in table["lad_code"]], reason=table["reason"].map(REASONS)
    )
    return table.loc[:, list(TOGETHER_COLUMNS)]


# ---- GeoJSON --------------------------------------------------------------------------------------------------------


def gaps_geojson(gaps: Gaps, on: str) -> dict[str, Any]:
    """Areas with their outlines (EPSG:4326) and the columns of the CSV; parameters, summary and sources beside them."""
    document = gaps_document(gaps)
    more = {name: document[name] for name in ("parameters", "communities", "summary", "region", "notice", "layers")}
    return _geojson(gaps.published, gaps.level, _gap_table(gaps)) | more | {"made_on": on}


def together_geojson(together: Together, on: str) -> dict[str, Any]:
    document = together_document(together)
    more = {name: document[name] for name in ("parameters", "authorities", "summary", "region", "notice", "layers")}
    return _geojson(together.published, together.level, _together_table(together)) | more | {"made_on": on}


def plan_geojson(document: dict[str, Any], on: str) -> dict[str, Any]:
    """The proposed sites of a plan's document as points."""
    features = [
        {
            "type": "Feature",
            "id": site["code"],
            "geometry": {"type": "Point", "coordinates": [site["longitude"], site["latitude"]]},
            "properties": {name: value for name, value in site.items() if name not in ("longitude", "latitude")},
        }
        for site in document["sites"]
    ]
    more = {name: value for name, value in document.items() if name != "sites"}
    return {"type": "FeatureCollection", "features": features} | more | {"made_on": on}


def _geojson(published: Published, level: str, table: pd.DataFrame) -> dict[str, Any]:
    outlines = published.region.areas[level].geometry.loc[table.index].to_numpy()
    shapes = shapely.to_geojson(shapely.set_precision(outlines, 1e-6, mode="pointwise"))
    columns = {name: _plain(table[name]) for name in table.columns}
    rows = (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
    features = [
        {"type": "Feature", "id": row["code"], "geometry": json.loads(shape), "properties": row}
        for row, shape in zip(rows, shapes, strict=True)
    ]
    return {"type": "FeatureCollection", "features": features}


def _plain(column: pd.Series) -> list:
    if pd.api.types.is_float_dtype(column):
        values = column.to_numpy("float64")
        return np.where(np.isfinite(values), values.astype(object), None).tolist()
    return column.to_numpy().tolist()
