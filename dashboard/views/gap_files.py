"""Gaps, alone against together, and plans as documents that can be taken away (:mod:`dashboard.exports`).

Every file carries the rule and its parameters, the layers with version and period, the day it was made, the sources and the
region's notice. ``on`` is that day as ISO text; it is handed in, so that the same request gives the same bytes.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from dashboard.exports import COMPACT, Document, Sheet, features, json_text, records
from dashboard.published import Published
from dashboard.views import wording
from dashboard.views.affected import affected_document, affected_of
from dashboard.views.cautions import caution_list
from dashboard.views.claims import Claims, gate_document
from dashboard.views.confidence import confidence_rows, document_of
from dashboard.views.gap_words import REASONS, put_into_words, rule_sentence
from dashboard.views.gaps import Gaps
from dashboard.views.together import CAUTION, Together, parameters_in_words, put_together_into_words
from layers import Layer

GAP_COLUMNS = (
    "code", "name", "lad_code", "lad_name", "population", "need", "access", "access_unit", "poor", "share_beyond", "underserved",
    "stability", "stability_words", "near_miss", "near_certain", "class", "fifth", "community", "community_name", "alone_m",
    "together_m", "border_penalty_m", "nearest_service", "nearest_lad", "official_name", "crossing", "crossings",
)  # fmt: skip
TOGETHER_COLUMNS = (
    "code", "name", "lad_code", "lad_name", "population", "alone_m", "together_m", "border_penalty_m", "nearer_elsewhere",
    "reason", "nearest_service", "nearest_lad", "nearest_lad_name", "official_name", "crossing", "crossings",
)  # fmt: skip


_FOLLOWS = ("metric_asked", "unit", "distance", "footprint", "access_cut", "rule", "bivariate", "varied")
"""Parameters of an answer that follow from the others, or do not fit into a cell."""


# ---- documents ------------------------------------------------------------------------------------------------------


def gaps_document(gaps: Gaps) -> dict[str, Any]:
    """The JSON of ``/api/v1/gaps`` and ``commonground gaps``: parameters, areas, communities, summary, and what it rests on."""
    document = gaps.result.to_json()
    put_into_words(gaps, document)
    for community, card in zip(document["communities"], gaps.cards, strict=True):
        facing = [{"id": f.id, "name": f.name, "metres": f.metres} for f in gaps.across.get(card.id, ())]
        community |= {"longitude": card.longitude, "latitude": card.latitude, "across": facing}
    document["affected"] = affected_document(affected_of(gaps))
    return trusted(gaps, document) | about(gaps.published, gaps.layers)


def trusted(answer: Any, document: dict[str, Any]) -> dict[str, Any]:
    """A document of an answer with what its layers cannot carry left out, and with its cautions."""
    more = {"cautions": caution_list(answer.cautions_on()), "confidence": document_of(confidence_rows(answer))}
    return gate_document(answer.claims, document) | more


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
    return trusted(together, document) | about(together.published, together.layers)


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


# ---- files ----------------------------------------------------------------------------------------------------------


def gaps_export(gaps: Gaps, on: str) -> Document:
    """Gaps as files: one row an area; the last columns say in every row what the numbers are, because a file travels alone."""

    def sheet() -> Sheet:
        beside = _beside(gaps, rule_sentence(gaps), _parameters(gaps), on)
        return Sheet(_gap_table(gaps), beside=beside)

    def shapes() -> dict[str, Any]:
        return _with_outlines(gaps.published, gaps.level, _gap_table(gaps), gaps_document(gaps), "communities", on)

    said = caution_list(gaps.cautions_on())
    return Document("gaps", "gaps", tree=lambda: gaps_document(gaps), sheet=sheet, shapes=shapes, cautions=said)


def together_export(together: Together, on: str) -> Document:
    """Alone against together as files, like :func:`gaps_export`."""

    def sheet() -> Sheet:
        parameters = json_text(parameters_in_words(together), **COMPACT)
        rule = f"Alone counts only services in the area's own authority. {CAUTION}"
        beside = _beside(together, rule, parameters, on)
        return Sheet(_together_table(together), beside=beside)

    def shapes() -> dict[str, Any]:
        document, table = together_document(together), _together_table(together)
        return _with_outlines(together.published, together.level, table, document, "authorities", on)

    said = caution_list(together.cautions_on())
    tree = lambda: together_document(together)  # noqa: E731
    return Document("together", "together", tree=tree, sheet=sheet, shapes=shapes, cautions=said)


def plan_export(document: dict[str, Any], claims: Claims, on: str) -> Document:
    """A plan's document as files: in GeoJSON its proposed sites are points."""
    document = gate_document(claims, document)

    def shapes() -> dict[str, Any]:
        points = [
            {
                "type": "Feature",
                "id": site["code"],
                "geometry": {"type": "Point", "coordinates": [site["longitude"], site["latitude"]]},
                "properties": {name: value for name, value in site.items() if name not in ("longitude", "latitude")},
            }
            for site in document["sites"]
        ]
        more = {name: value for name, value in document.items() if name != "sites"}
        return {"type": "FeatureCollection", "features": points} | more | {"made_on": on}

    return Document("plan", "sites", tree=lambda: document, shapes=shapes, cautions=document.get("cautions", ()))


def _with_outlines(
    published: Published, level: str, table: pd.DataFrame, document: dict[str, Any], rows: str, on: str
) -> dict[str, Any]:
    """Areas with their outlines and the columns of the CSV; parameters, summary and sources beside them."""
    outlines = published.region.areas[level].geometry.loc[table.index]
    more = {name: document[name] for name in ("parameters", rows, "summary", "region", "notice", "layers")}
    found = features(outlines, records(table), key="code")
    return {"type": "FeatureCollection", "features": found} | more | {"made_on": on}


def _parameters(gaps: Gaps) -> str:
    """What was asked, short enough for a cell."""
    asked = {name: value for name, value in gaps.result.parameters.items() if name not in _FOLLOWS}
    if asked["max_min"] is None:
        del asked["walking_kmh"]
    asked["need"] = ",".join(f"{item['id']}={item['weight']:g}" for item in asked["need"])
    asked["services"] = ",".join(item["id"] for item in asked["services"])
    said = {name: f"{value:.10g}" if isinstance(value, float) else value for name, value in asked.items()}
    said = {name: "yes" if value is True else value for name, value in said.items() if value is not False}
    return "; ".join(f"{name}={value}" for name, value in said.items() if value not in (None, ""))


def _beside(answer: Any, rule: str, parameters: str, on: str) -> dict[str, str]:
    """What stands in every row, because a file travels alone."""
    published, layers = answer.published, answer.layers
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
        licence = wording.reuse(source.licence or layer.descriptor.licence)
        parts = (source.title, source.publisher, licence, source.attribution)
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
        stability_words=table["stability_words"].fillna(""),
        official_name=gaps.published.region.areas[gaps.level]["official_name"].loc[table.index],
        crossings=table["crossings"].map("; ".join),
    )
    return table.loc[:, list(GAP_COLUMNS)]


def _together_table(together: Together) -> pd.DataFrame:
    names = dict(together.published.region.areas["lad"][["code", "name"]].itertuples(index=False))
    table = together.result.areas
    table = table.assign(
        lad_name=[names.get(code, code) for code in table["lad_code"]],
        reason=table["reason"].map(REASONS),
        official_name=together.published.region.areas[together.level]["official_name"].loc[table.index],
        crossings=table["crossings"].map("; ".join),
    )
    return table.loc[:, list(TOGETHER_COLUMNS)]
