"""The region and its layers as JSON documents, for the API and the command line."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from dashboard.published import Published
from dashboard.views.offer import leads_for
from layers import LEVELS, PUBLIC, Layer, Viewer


def region_document(published: Published, viewer: Viewer = PUBLIC) -> dict[str, Any]:
    region, leads = published.region, leads_for(published, viewer)
    return {
        "id": region.id,
        "name": region.name,
        "demonstration": region.demonstration,
        "notice": region.notice,
        "built": region.built,
        "vintages": region.vintages,
        "areas": {level: len(region.areas[level]) for level in LEVELS},
        "population": float(region.areas["lad"]["population"].sum()),
        "service_buffer_m": region.service_buffer_m,
        "partners": [asdict(partner) | {"footprint": list(partner.footprint)} for partner in region.partners],
        "themes": [asdict(theme) | {"lead": leads[theme.id]} for theme in region.themes],
        "attribution": list(region.attribution),
    }


def layer_document(published: Published, layer: Layer) -> dict[str, Any]:
    descriptor = layer.descriptor
    standard = descriptor.access_standard
    return {
        "id": layer.id,
        "title": layer.title,
        "description": descriptor.description,
        "kind": str(layer.kind),
        "themes": list(layer.themes),
        "partner": layer.partner,
        "measure": str(descriptor.measure) if descriptor.measure else None,
        "unit": descriptor.unit,
        "per": descriptor.per,
        "direction": str(descriptor.direction),
        "levels": list(layer.levels),
        "reasons": dict(layer.reasons),
        "periods": list(layer.periods),
        "published_at_level": descriptor.level,
        "vintage": descriptor.vintage,
        "audience": str(descriptor.audience),
        "synthetic": descriptor.synthetic,
        "access_standard": {"metric": standard.metric, "max_m": standard.max_m} if standard else None,
        "sites": layer.sites,
        "coverage": dict(layer.coverage),
        "why_it_matters": descriptor.why_it_matters,
        "caveats": descriptor.caveats,
        "method": descriptor.method,
        "sources": [asdict(source) for source in descriptor.sources],
        "licence": descriptor.licence,
        "contact": descriptor.contact,
        "next_update": descriptor.next_update,
        "version": layer.version,
        "published_at": str(layer.published_at),
        "notice": published.region.notice,
    }
