"""The OpenAPI 3.1 description of ``/api/v1``. A test calls every path it names and every route it should name.

What the question takes comes from the rows of :mod:`dashboard.question`.
"""

from __future__ import annotations

from typing import Any

from dashboard import question
from dashboard.exports import FORMATS, formats_of
from dashboard.published import Published
from dashboard.question import GAPS, SITES, TOGETHER
from layers import CAUTION_CODES, LEVELS, VALUES, Status

_NUMBER = {"type": ["number", "null"]}
_GAP_AREA = ("code", "name", "lad_code", "population", "need", "access", "underserved", "stability")


def document(published: Published) -> dict[str, Any]:
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
        "paths": _region_and_layers() | _areas() | _questions(),
        "components": {"schemas": SCHEMAS},
    }


def _region_and_layers() -> dict[str, Any]:
    layer, period = _parameter("id", "path", "Identifier of the layer"), "Period; the latest when left out"
    level = _parameter("level", "query", "Level of the areas", enum=list(LEVELS))
    filters = {"kind": "indicator or services", "theme": "Theme", "partner": "Supplied by this partner"}
    return {
        "/openapi.json": _get("This description", [], {"type": "object"}),
        "/region": _get("The region: partners, themes, levels and vintages", [], {"type": "object"}),
        "/layers": _get(
            "Layers that the caller may see",
            [_parameter(name, "query", words) for name, words in filters.items()],
            {"type": "object", "properties": {"layers": {"type": "array", "items": _schema("Layer")}}},
        ),
        "/layers/{id}": _get("One layer", [layer], _schema("Layer")),
        "/layers/{id}/values": _get(
            "Values of an indicator at a level, in area order",
            [layer, level, _parameter("period", "query", period), _form("values")],
            {"type": "object", "properties": {"values": {"type": "array", "items": _schema("Value")}}},
            _media_types("values"),
            _long(),
        ),
    }


def _areas() -> dict[str, Any]:
    level = _parameter("level", "path", "Level of the areas", enum=list(LEVELS))
    code, theme = _parameter("code", "path", "Code of the area"), _parameter("theme", "query", "Only this theme")
    forms = _form("areas")
    return {
        "/areas/{level}": _get("Areas of a level", [level, forms], {"type": "object"}, _media_types("areas"), _long()),
        "/areas/{level}/{code}": _get("Everything known about one area", [level, code, theme], {"type": "object"}),
        "/postcodes/{postcode}": _get(
            "The small area, ward and authority of a unit postcode of the region",
            [_parameter("postcode", "path", "A unit postcode, spaces and case as you like")],
            {"type": "object"},
        ),
    }


def _questions() -> dict[str, Any]:
    exact = _parameter("exact", "query", "no: the quick answer without a proof", enum=["yes", "no"])
    return {
        "/gaps": _get(
            "Need against access: every area, the underserved communities, and how sure they are",
            _asked(GAPS, "gaps"),
            _schema("Gaps"),
            _media_types("gaps"),
            _long(),
        ),
        "/together": _get(
            "Alone against together: who is nearer to another authority's service",
            _asked(TOGETHER, "together"),
            _schema("Together"),
            _media_types("together"),
            _long(),
        ),
        "/sites": _get(
            "Where new sites help most, planned together and by each authority alone. 202: the best so far; ask again",
            _asked(SITES, "plan", exact),
            _schema("Plan"),
            _media_types("plan"),
            _long("PlanSoFar"),
        ),
    }


def _asked(who: str, kind: str, *others: dict) -> list[dict[str, Any]]:
    """The parameters of an address that is asked the question."""
    rows = [
        {
            "name": row.name,
            "in": "query",
            "required": who in row.needed_by,
            "schema": row.kind.schema(row),
            "description": row.help,
        }
        for row in question.fields_of(who)
    ]
    return [*rows, *others, _form(kind)]


def _long(so_far: str = "Waiting") -> dict[str, Any]:
    """The answers of an address whose question may take long."""
    again = {"schema": {"type": "integer"}, "description": "Seconds after which to ask again at the same address"}
    where = {"schema": {"type": "string"}, "description": "The same address"}

    def answer(words: str, schema: str, **headers: Any) -> dict[str, Any]:
        content = {"application/json": {"schema": _schema(schema)}}
        return {"description": words, "headers": {"Retry-After": again, **headers}, "content": content}

    return {
        "202": answer("It is being worked out: ask again at the same address", so_far, Location=where),
        "429": answer("This client has asked for as much as one may at a time", "Error"),
        "503": answer("There is no place in the queue, or the store cannot be reached", "Error"),
    }


def _form(kind: str) -> dict[str, Any]:
    return _parameter("format", "query", "Format of the answer", enum=list(formats_of(kind, in_api=True)))


def _media_types(kind: str) -> tuple[str, ...]:
    """Those besides JSON."""
    return tuple(FORMATS[form].media_type for form in formats_of(kind, in_api=True) if form != "json")


def _schema(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _parameter(name: str, where: str, words: str, **more: Any) -> dict[str, Any]:
    schema = {"type": "string"} | more
    return {"name": name, "in": where, "required": where == "path", "schema": schema, "description": words}


def _get(
    summary: str, parameters: list, schema: dict, others: tuple[str, ...] = (), more: dict[str, Any] | None = None
) -> dict[str, Any]:
    content = {"application/json": {"schema": schema}} | {other: {"schema": {"type": "string"}} for other in others}
    error = {
        "description": "Refused",
        "content": {"application/json": {"schema": _schema("Error")}},
    }
    return {
        "get": {
            "summary": summary,
            "parameters": parameters,
            "responses": {"200": {"description": summary, "content": content}, **(more or {}), "4XX": error},
        }
    }


_CAUTIONS = {"type": "array", "items": _schema("Caution")}
_WAITING = {
    "state": {"enum": ["waiting", "running"]},
    "id": {"type": "string"},
    "place": {"type": "integer", "description": "In the queue: 1 is the next; 0 when it does not wait"},
    "progress": {**_NUMBER, "description": "0 to 1; null where that cannot be said"},
    "retry_after": {"type": "integer"},
    "location": {"type": "string"},
    "message": {"type": "string"},
}

SCHEMAS = {
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
    "Caution": {
        "type": "object",
        "required": ["code", "words", "layer"],
        "properties": {"code": {"enum": list(CAUTION_CODES)}, "words": {"type": "string"}, "layer": {"type": "string"}},
    },
    "Gaps": {
        "type": "object",
        "required": ["parameters", "areas", "communities", "summary", "cautions"],
        "properties": {
            "cautions": _CAUTIONS,
            "confidence": {"type": "array", "items": {"type": "object"}},
            "parameters": {"type": "object"},
            "areas": {"type": "array", "items": _schema("GapArea")},
            "communities": {"type": "array", "items": _schema("Community")},
            "summary": {
                "type": "object",
                "properties": {
                    "underserved_residents_range": {
                        "type": ["object", "null"],
                        "properties": {"lower": _NUMBER, "upper": _NUMBER},
                        "description": "5th and 95th percentile over the draws; null when robustness is 0",
                    },
                    "near_certain": {"type": "array", "items": {"type": "object"}},
                },
            },
            "affected": {"type": ["object", "null"]},
        },
    },
    "GapArea": {
        "type": "object",
        "required": list(_GAP_AREA),
        "properties": {
            **{name: {"type": "string"} for name in _GAP_AREA[:3]},
            **dict.fromkeys(("population", "need", "access", "stability"), _NUMBER),
            "underserved": {"type": "boolean"},
            "share_beyond": {
                **_NUMBER,
                "description": "Share of residents beyond the standard, at wards and authorities",
            },
            "stability_words": {"type": ["string", "null"]},
            "near_certain": {"type": "boolean", "description": "Not underserved, in 0.9 of the draws or more"},
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
            "population": _NUMBER,
            "shares": {"type": "array", "items": {"type": "object"}},
            "shared": {"type": "boolean"},
            "stability": _NUMBER,
        },
    },
    "Together": {
        "type": "object",
        "properties": {
            "cautions": _CAUTIONS,
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
        "required": ["parameters", "sites", "result", "by_authority", "by_fifth", "state", "cautions"],
        "properties": {
            "cautions": _CAUTIONS,
            "parameters": {"type": "object"},
            "sites": {"type": "array", "items": {"type": "object"}},
            "result": {"type": "object"},
            "by_authority": {"type": "array", "items": {"type": "object"}},
            "by_fifth": {"type": "array", "items": {"type": "object"}},
            "alone": {"type": ["object", "null"]},
            "state": {"type": "string"},
        },
    },
    "Waiting": {
        "type": "object",
        "required": list(_WAITING),
        "properties": _WAITING,
    },
    "PlanSoFar": {"allOf": [_schema("Plan"), _schema("Waiting")]},
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
