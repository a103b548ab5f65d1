"""The ward member's sheet: what the region's data say about one ward, on a sheet of A4; and the same of any other area.

Every area of a level is asked the same: the same indicators (so that members can compare), the same lists of services, the question of
each theme (:mod:`.questions`). Numbers are those of the area page and the gap view; nothing here measures anything anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np

from dashboard.brand import brand_of
from dashboard.briefings.filling.model import SourceLine
from dashboard.briefings.ward import ward_rows, ward_say
from dashboard.briefings.ward.ward_map import map_of
from dashboard.briefings.ward.ward_model import WardPage
from dashboard.briefings.ward.ward_shared import Shared, shared_of
from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views import wording
from dashboard.views.area import area_profile
from dashboard.views.choropleth import LayerForViewer
from layers import Layer, Viewer


def ward_page(published: Published, code: str, reader: Viewer, *, made_on: date | None = None) -> WardPage | None:
    """The sheet of a ward as this reader may see it; None for a code that is no ward."""
    if code not in published.region.codes("ward"):
        return None
    return _page(shared_of(published, reader), code, made_on or date.today())


def area_sheet(published: Published, code: str, reader: Viewer, *, made_on: date | None = None) -> WardPage | None:
    """The same of an area of any level; None for an unknown code."""
    level = published.region.level_of(code)
    return None if level is None else _page(shared_of(published, reader, level), code, made_on or date.today())


def ward_pages(
    published: Published, reader: Viewer, codes: Sequence[str] | None = None, *, made_on: date | None = None
) -> Iterator[WardPage]:
    """Pages one after the other, in area order of the wards (or of ``codes``); each is made when it is asked for."""
    shared, day = shared_of(published, reader), made_on or date.today()
    for code in published.region.codes("ward") if codes is None else codes:
        yield _page(shared, code, day)


def _page(shared: Shared, code: str, day: date) -> WardPage:
    published, region, level = shared.published, shared.published.region, shared.level
    profile = area_profile(published, code, Selection(level=level), shared.reader)
    area, of = region.areas[level].iloc[region.position(level, code)], len(region.areas[level])
    members = shared.members.get(code, np.array([], dtype=int))
    lines = {line.id: line for line in profile.indicators}
    needs = tuple(
        ward_rows.need_row(theme, lines[layer.id], layer.descriptor.unit, _middle(shared, layer), of)
        for theme, layer in shared.themes
        if layer.id in lines
    )
    services = tuple(ward_rows.service_rows(shared, profile, code))
    gaps, no_gap, close = ward_rows.gap_rows(shared, code)
    svg, alt, legend, key = map_of(shared, profile, area, members, services)
    layers = _layers_of(shared, needs, services)
    partner = next((p for p in region.partners if p.kind == "council" and profile.lad_code in p.footprint), None)
    partner = partner or next((p for p in region.partners if profile.lad_code in p.footprint), None)
    worst, best = "", ""
    if of >= ward_rows.FEW:
        worst, best = ward_rows.extremes(profile, {row.layer_id for row in needs}, shared.layers)
    residents = shared.people.get(code, 0.0)
    sources = tuple(_source(layer) for layer in layers)
    return WardPage(
        code=code,
        name=profile.name,
        lad_code=profile.lad_code,
        authority=profile.lad_name,
        region_name=region.name,
        partner_id=partner.id if partner else "",
        partner_name=partner.name if partner else "",
        residents=profile.population,
        small_areas=len(members),
        summary=ward_rows.summary_of(needs, services, gaps, shared, worst, best),
        needs=needs,
        services=services,
        more_services=shared.more_services,
        gaps=gaps,
        no_gap=no_gap,
        close=close,
        neighbours=ward_rows.neighbour_groups(profile),
        svg=svg,
        alt=alt,
        legend=legend,
        key=key,
        limits=ward_rows.limits_of(profile, needs, services, shared),
        sources=sources,
        credits=_credits(sources, region.attribution),
        actions=(),
        notice=region.notice,
        made_on=day,
        link=f"/areas/{code}",
        pins=tuple((layer.id, layer.version) for layer in layers),
        level=level,
        of=of,
        headline=ward_say.headline(shared, profile.name, needs, services, gaps, residents),
        say=ward_say.sentences(shared, profile, needs, services, gaps, residents),
        contacts=ward_say.contacts_of(shared, profile),
        brand=brand_of(region),
    )


def _middle(shared: Shared, layer: Layer) -> str:
    """The figure of the middle area, in words with its unit; "" without one."""
    value = LayerForViewer.by(shared.reader, layer).values(shared.published, shared.level).arrays["value"]
    known = value[np.isfinite(value)]
    if not len(known):
        return ""
    decimals = wording.decimals_for(value, layer.descriptor.decimals)
    return wording.with_unit(float(np.median(known)), layer.descriptor.unit, decimals)


# ---- sources ------------------------------------------------------------------------------------------------------------


def _layers_of(shared: Shared, needs, services) -> tuple[Layer, ...]:
    """Every layer that the page took a number from: its rows, and what the questions were made of."""
    kinds = {layer.title: layer for layer in shared.services}
    found = [shared.layers[row.layer_id] for row in needs] + [kinds[row.kind] for row in services]
    for each in shared.asked:
        found += [*each.question.needs, each.question.services]
    return tuple({layer.id: layer for layer in found}.values())


def _source(layer: Layer) -> SourceLine:
    first = layer.descriptor.sources[0] if layer.descriptor.sources else None
    return SourceLine(
        layer.id,
        layer.version,
        layer.title,
        first.publisher if first else "",
        layer.period if layer.period != "not dated" else "",
        layer.descriptor.licence or (first.licence if first else ""),
        first.attribution if first else "",
        layer.published_at.date().isoformat(),
        f"/catalogue/{layer.id}",
    )


def _credits(sources: Sequence[SourceLine], attribution: Sequence[str]) -> tuple[str, ...]:
    """Publishers with how many layers each gave, then every sentence that a licence asks for, once."""
    by: dict[str, int] = {}
    for source in sources:
        name = source.publisher or "not named"
        by[name] = by.get(name, 0) + 1
    licences = sorted(
        {source.licence for source in sources if source.licence and wording.reuse(source.licence) == source.licence}
    )
    out = []
    if by:
        named = [
            f"{name} ({count:,})" if count > 1 else name
            for name, count in sorted(by.items(), key=lambda pair: -pair[1])
        ]
        out.append(
            f"Data: {wording.listing(named, 12)}." + (f" Licences: {wording.listing(licences)}." if licences else "")
        )
    said = []
    for text in (*attribution, *(source.attribution for source in sources)):
        said += [f"{part.rstrip('.')}." for part in re.split(r"(?<=\.)\s+(?=[A-Z©])", text.strip()) if part]
    return (*out, *dict.fromkeys(said))
