"""The OpenAPI 3.1 description of ``/api/v1``. A test calls every path it names and every route it should name."""

from __future__ import annotations

from typing import Any

from dashboard.published import Published
from layers import LEVELS, VALUES, Status

_NUMBER = {"type": ["number", "null"]}


def document(published: Published) -> dict[str, Any]:
    level_path = _parameter("level", "path", {"type": "string", "enum": list(LEVELS)}, "Level of the areas")
    level = level_path | {"in": "query", "required": False}
    layer = _parameter("id", "path", {"type": "string"}, "Identifier of the layer")

    def text(name: str, words: str) -> dict[str, Any]:
        return _parameter(name, "query", {"type": "string"}, words)

    def form(*names: str) -> dict[str, Any]:
        return _parameter("format", "query", {"type": "string", "enum": list(names)}, "Format of the answer")

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
                [layer, level, text("period", "Period; the latest when left out"), form("json", "csv", "geojson")],
                {
                    "type": "object",
                    "properties": {"values": {"type": "array", "items": {"$ref": "#/components/schemas/Value"}}},
                },
                ("text/csv", "application/geo+json"),
            ),
            "/areas/{level}": _get(
                "Areas of a level", [level_path, form("json", "geojson")], {"type": "object"}, ("application/geo+json",)
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
