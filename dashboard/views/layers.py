"""The region and its layers as JSON documents, for the API and the command line."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from dashboard.published import Published
from dashboard.views.offer import leads_for
from layers import KEYS, LEVELS, PUBLIC, Layer, Partner, Viewer


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
        "partners": [_partner(partner) for partner in region.partners],
        "themes": [asdict(theme) | {"lead": leads[theme.id]} for theme in region.themes],
        "attribution": list(region.attribution),
    }


def _partner(partner: Partner) -> dict[str, Any]:
    """A partner; its contact only where it has one."""
    said = asdict(partner) | {"footprint": list(partner.footprint)}
    return {name: value for name, value in said.items() if value is not None}


_ORDER = """id title description kind themes partner measure unit per direction levels reasons periods published_at_level vintage
    audience synthetic access_standard sites coverage why_it_matters caveats method sources licence contact
    next_update version published_at""".split()  # noqa: SIM905
"""Names of a layer's document as they have always stood; those that are new come behind them."""


def layer_document(published: Published, layer: Layer) -> dict[str, Any]:
    """What is said about a layer (the rows of ``layers.descriptive_keys`` that have a name in the API), and what the store knows of it."""
    said = {key.api: key.plain(key.value(layer.descriptor)) for key in KEYS.values() if key.api}
    known = {
        "levels": list(layer.levels),
        "reasons": dict(layer.reasons),
        "periods": list(layer.periods),
        "sites": layer.sites,
        "coverage": dict(layer.coverage),
        "version": layer.version,
        "published_at": str(layer.published_at),
    }
    document = said | known
    new = [name for name in document if name not in _ORDER]
    return {name: document[name] for name in (*_ORDER, *new)} | {"notice": published.region.notice}
