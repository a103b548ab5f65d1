"""The catalogue in words: one entry per layer, and the grid of what exists for which authority."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.published import Published
from dashboard.views.wording import AUDIENCE_WORDS, LEVEL_WORDS, MEASURE_WORDS, day, listing
from layers import KEYS, LEVELS, Layer, Viewer


@dataclass(frozen=True)
class CatalogueEntry:
    id: str
    title: str
    kind: str
    why: str
    summary: str
    caveats: str
    facts: tuple[tuple[str, str], ...]
    downloads: tuple[tuple[str, str], ...]
    first_level: str

    def matches(self, text: str) -> bool:
        """All words of the text stand somewhere in the entry."""
        haystack = " ".join([self.id, self.title, self.why, self.summary, *(fact for _, fact in self.facts)]).casefold()
        return all(word in haystack for word in text.casefold().split())


def catalogue(published: Published, viewer: Viewer) -> tuple[CatalogueEntry, ...]:
    return tuple(entry_of(published, layer) for layer in published.store.layers(viewer))


def entry_of(published: Published, layer: Layer) -> CatalogueEntry:
    descriptor = layer.descriptor
    partner = published.region.partner(layer.partner)
    themes = [theme.name for theme in published.region.themes if theme.id in layer.themes]
    what = MEASURE_WORDS[str(descriptor.measure)] if descriptor.measure else f"Service list, {_sites(layer.sites)}"
    sources = "; ".join(
        ", ".join(part for part in (s.title, s.publisher, s.attribution) if part) for s in descriptor.sources
    )
    facts = (
        ("Identifier", layer.id),
        ("What", f"{what}. {descriptor.unit}".rstrip(". ") + "."),
        ("Themes", listing(themes)),
        ("Levels", listing([LEVEL_WORDS[level][1] for level in layer.levels])),
        ("Not at", "; ".join(f"{LEVEL_WORDS[level][1]}: {reason}" for level, reason in layer.reasons.items())),
        ("Periods", listing(list(layer.periods))),
        ("Supplied by", partner.name if partner else layer.partner),
        ("Source", sources),
        *((key.page, _said(key.value(descriptor), key.said)) for key in KEYS.values() if key.page),
        ("Who may see it", AUDIENCE_WORDS[str(descriptor.audience)]),
        ("Reviewed", ", ".join(part for part in (descriptor.reviewed_by, descriptor.reviewed_on) if part)),
        ("Version", f"{layer.version}, published on {day(layer.published_at)} by {layer.published_by}"),
    )
    downloads = []
    if descriptor.kind == "indicator":
        for level in LEVELS:
            if level in layer.levels:
                link = f"/api/v1/layers/{layer.id}/values?level={level}&format=csv"
                downloads.append((f"CSV by {LEVEL_WORDS[level][0]}", link))
    else:
        downloads.append(("GeoJSON", f"/data/services/{layer.id}.geojson"))
    summary = " · ".join(
        part
        for part in (what, descriptor.unit, layer.periods[-1] if layer.periods else "", partner.name if partner else "")
        if part
    )
    return CatalogueEntry(
        id=layer.id,
        title=layer.title,
        kind=str(descriptor.kind),
        why=descriptor.why_it_matters or descriptor.description,
        summary=summary,
        caveats=descriptor.caveats,
        facts=facts,
        downloads=tuple(downloads),
        first_level=layer.levels[0] if layer.levels else "lsoa",
    )


def _said(value: Any, words: Mapping[str, str]) -> str:
    """A value of ``layers.descriptive_keys`` in words; "" for none."""
    if isinstance(value, (list, tuple)):
        if not value:
            return words.get("", "")
        return listing([_said(one, words) for one in value])
    if isinstance(value, bool):
        return "Yes" if value else ""
    if isinstance(value, float):
        return f"{value:,g}"
    return words.get(value, "" if value is None else str(value))


def supply_grid(published: Published, viewer: Viewer) -> tuple[list[str], list[tuple[str, list[tuple[float, str]]]]]:
    """Authority names, and for each indicator (title, [(share of the authority's areas with a figure, the same in words)])."""
    region = published.region
    lads = region.areas["lad"]
    rows = []
    totals = {
        level: region.areas[level]["lad_code" if level != "lad" else "code"].value_counts().to_dict()
        for level in LEVELS
    }
    for layer in published.store.layers(viewer):
        if layer.kind == "services":
            counts = [layer.coverage.get(code, 0) for code in lads["code"]]
            cells = [(1.0 if n else 0.0, _sites(n)) for n in counts]
        else:
            level = layer.levels[0] if layer.levels else "lsoa"
            cells = []
            for code in lads["code"]:
                share = layer.coverage.get(code, 0) / max(int(totals[level].get(code, 0)), 1)
                # neither "all" nor "none" may be the rounding of something else
                words = "all" if share >= 1 else "none" if share == 0 else f"{min(max(round(100 * share), 1), 99)}%"
                cells.append((share, words))
        rows.append((layer.title, cells))
    return lads["name"].tolist(), rows


def _sites(n: int) -> str:
    return f"{n:,} site{'' if n == 1 else 's'}"
