"""The OpenAPI 3.1 description of ``/api/v1``. A test calls every path it names and every route it should name."""

from __future__ import annotations

from typing import Any

from dashboard.exports import FORMATS, formats_of
from dashboard.published import Published
from layers import LEVELS, METRICS, OBJECTIVES, VALUES, Status

_NUMBER = {"type": ["number", "null"]}
_GAP_AREA = ("code", "name", "lad_code", "population", "need", "access", "underserved", "stability")


def document(published: Published) -> dict[str, Any]:
    level_path = _parameter("level", "path", {"type": "string", "enum": list(LEVELS)}, "Level of the areas")
    level = level_path | {"in": "query", "required": False}
    layer = _parameter("id", "path", {"type": "string"}, "Identifier of the layer")

    def text(name: str, words: str) -> dict[str, Any]:
        return _parameter(name, "query", {"type": "string"}, words)

    def form(kind: str) -> dict[str, Any]:
        names = list(formats_of(kind, in_api=True))
        return _parameter("format", "query", {"type": "string", "enum": names}, "Format of the answer")

    def choice(name: str, values: tuple[str, ...], words: str) -> dict[str, Any]:
        return _parameter(name, "query", {"type": "string", "enum": list(values)}, words)

    def number(name: str, words: str, kind: str = "number") -> dict[str, Any]:
        return _parameter(name, "query", {"type": kind}, words)

    need = text("need", "Indicators of need with their weights: ID[=WEIGHT],ID[=WEIGHT]")
    services = text("services", "Lists of services: ID,ID") | {"required": True}
    distance = [
        number("max_m", "Distance standard in metres; the services' own when left out"),
        number("detour", "Real way for each straight metre, 1 or more; 1 when left out"),
    ]
    partner = text("partner", "Only the areas that this partner serves")
    period = text("period", "Period of the indicators that have it; their newest when left out")
    metric = choice("metric", METRICS, "How access is measured; nearest when left out")
    alone = choice("alone", ("yes", "no"), "Count only services in the area's own authority")
    journeys = [
        choice("fair", ("yes", "no"), "Minutes: by car where households have one, on foot where not"),
        number("max_min", "Standard in minutes, with fair or travel"),
        text("group", "Layer that counts who shares the capacity (e2sfca); all residents when left out"),
        text("travel", "Travel-time table of the region pack, in place of distance"),
    ]
    gap_question = [need | {"required": True}, services, level, metric, *distance, alone, *journeys, partner, period]

    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Common Ground",
            "version": "1",
            "summary": "Need, services and gaps across council boundaries, read-only",
            "description": " ".join(
                [
                    f"Region: {published.region.name}.",
                    published.region.notice,
                    "Answers carry an ETag; send it back in If-None-Match.",
                ]
            ),
            "license": {"name": "Apache-2.0 (software); each layer names the licence of its data"},
        },
        "servers": [{"url": "/api/v1"}],
        "paths": {
            "/openapi.json": _get("This description", [], {"type": "object"}),
            "/region": _get("The region: partners, themes, levels and vintages", [], {"type": "object"}),
            "/layers": _get(
                "Layers that the caller may see",
                [
                    text("kind", "indicator or services"),
                    text("theme", "Theme"),
                    text("partner", "Supplied by this partner"),
                ],
                {
                    "type": "object",
                    "properties": {"layers": {"type": "array", "items": {"$ref": "#/components/schemas/Layer"}}},
                },
            ),
            "/layers/{id}": _get("One layer", [layer], {"$ref": "#/components/schemas/Layer"}),
            "/layers/{id}/values": _get(
                "Values of an indicator at a level, in area order",
                [layer, level, text("period", "Period; the latest when left out"), form("values")],
                {
                    "type": "object",
                    "properties": {"values": {"type": "array", "items": {"$ref": "#/components/schemas/Value"}}},
                },
                _media_types("values"),
            ),
            "/areas/{level}": _get(
                "Areas of a level", [level_path, form("areas")], {"type": "object"}, _media_types("areas")
            ),
            "/areas/{level}/{code}": _get(
                "Everything known about one area",
                [
                    level_path,
                    _parameter("code", "path", {"type": "string"}, "Code of the area"),
                    text("theme", "Only this theme"),
                ],
                {"type": "object"},
            ),
            "/gaps": _get(
                "Need against access: every area, the underserved communities, and how sure they are",
                [
                    *gap_question,
                    number("robustness", "Draws behind the stability, 0 to 2,000; 500 when left out", "integer"),
                    form("gaps"),
                ],
                {"$ref": "#/components/schemas/Gaps"},
                _media_types("gaps"),
            ),
            "/together": _get(
                "Alone against together: who is nearer to another authority's service",
                [services, level, *distance, partner, need, period, form("together")],
                {"$ref": "#/components/schemas/Together"},
                _media_types("together"),
            ),
            "/sites": _get(
                "Where new sites help most, planned together and by each authority alone. 202: the best so far; ask again",
                [
                    *gap_question,
                    number("new", "How many new sites, 1 to 25 (lscp finds that itself)", "integer"),
                    choice("objective", OBJECTIVES, "What the sites are chosen for; mclp when left out"),
                    choice("demand", ("underserved", "all"), "Whom to plan for; underserved when left out"),
                    text("exclude", "Areas, wards or authorities where nothing may be built"),
                    choice("exact", ("yes", "no"), "no: the quick answer without a proof"),
                    form("plan"),
                ],
                {"$ref": "#/components/schemas/Plan"},
                _media_types("plan"),
            ),
        },
        "components": {
            "schemas": {
                "Layer": {
                    "type": "object",
                    "required": ["id", "title", "kind", "levels", "periods"],
                    "properties": {
                        "id": {"type": "string"},
                        "title": {"type": "string"},
                        "kind": {"enum": ["indicator", "services"]},
                        "unit": {"type": "string"},
                        "levels": {"type": "array", "items": {"enum": list(LEVELS)}},
                        "periods": {"type": "array", "items": {"type": "string"}},
                    },
                },
                "Value": {
                    "type": "object",
                    "required": list(VALUES),
                    "properties": {
                        "area_code": {"type": "string"},
                        **dict.fromkeys(VALUES[1:-1], _NUMBER),
                        "status": {"enum": [str(status) for status in Status]},
                    },
                },
                "Gaps": {
                    "type": "object",
                    "required": ["parameters", "areas", "communities", "summary"],
                    "properties": {
                        "parameters": {"type": "object"},
                        "areas": {"type": "array", "items": {"$ref": "#/components/schemas/GapArea"}},
                        "communities": {"type": "array", "items": {"$ref": "#/components/schemas/Community"}},
                        "summary": {"type": "object"},
                    },
                },
                "GapArea": {
                    "type": "object",
                    "required": list(_GAP_AREA),
                    "properties": {
                        **{name: {"type": "string"} for name in _GAP_AREA[:3]},
                        **dict.fromkeys(("population", "need", "access", "stability"), _NUMBER),
                        "underserved": {"type": "boolean"},
                    },
                },
                "Community": {
                    "type": "object",
                    "required": ["id", "name", "areas", "lads", "population", "shares", "shared", "stability"],
                    "properties": {
                        "id": {"type": "string"},
                        "name": {"type": "string"},
                        "areas": {"type": "array", "items": {"type": "string"}},
                        "lads": {"type": "array", "items": {"type": "string"}},
                        "population": {"type": "number"},
                        "shares": {"type": "array", "items": {"type": "object"}},
                        "shared": {"type": "boolean"},
                        "stability": _NUMBER,
                    },
                },
                "Together": {
                    "type": "object",
                    "properties": {
                        "parameters": {"type": "object"},
                        "areas": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "required": ["code", "alone_m", "together_m", "border_penalty_m"],
                                "properties": dict.fromkeys(("alone_m", "together_m", "border_penalty_m"), _NUMBER),
                            },
                        },
                        "authorities": {"type": "array", "items": {"type": "object"}},
                        "summary": {"type": "object"},
                    },
                },
                "Plan": {
                    "type": "object",
                    "required": ["parameters", "sites", "result", "by_authority", "by_fifth", "state"],
                    "properties": {
                        "parameters": {"type": "object"},
                        "sites": {"type": "array", "items": {"type": "object"}},
                        "result": {"type": "object"},
                        "by_authority": {"type": "array", "items": {"type": "object"}},
                        "by_fifth": {"type": "array", "items": {"type": "object"}},
                        "alone": {"type": ["object", "null"]},
                        "state": {"type": "string"},
                    },
                },
                "Error": {
                    "type": "object",
                    "properties": {
                        "error": {
                            "type": "object",
                            "required": ["code", "message"],
                            "properties": {"code": {"type": "string"}, "message": {"type": "string"}, "detail": {}},
                        }
                    },
                },
            }
        },
    }


def _parameter(name: str, where: str, schema: dict, words: str) -> dict[str, Any]:
    return {"name": name, "in": where, "required": where == "path", "schema": schema, "description": words}


def _media_types(kind: str) -> tuple[str, ...]:
    """Those besides JSON."""
    return tuple(FORMATS[form].media_type for form in formats_of(kind, in_api=True) if form != "json")


def _get(summary: str, parameters: list, schema: dict, others: tuple[str, ...] = ()) -> dict[str, Any]:
    content = {"application/json": {"schema": schema}} | {other: {"schema": {"type": "string"}} for other in others}
    error = {
        "description": "Refused",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    return {
        "get": {
            "summary": summary,
            "parameters": parameters,
            "responses": {"200": {"description": summary, "content": content}, "4XX": error},
        }
    }
