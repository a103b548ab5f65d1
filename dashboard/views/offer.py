"""What the pickers of the explore page offer, and which selection a request settles on.

Choosing a theme, a partner or an owner narrows the layers on offer. :func:`valid_selection` turns any selection into one that
exists in this region for this viewer, and says in a sentence what it had to change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from dashboard.published import Published
from dashboard.selection import NONE, Selection, weighted
from dashboard.views.levels import lacking_at, level_of_all
from dashboard.views.measures import as_offer, valid_measures
from dashboard.views.wording import LEVEL_SHORT, LEVEL_WORDS
from layers import LEVELS, Layer, NotFound, Viewer, unfit_words


@dataclass(frozen=True)
class Offer:
    """The narrowed choice. ``remaining`` says how many layers are left of how many, in words."""

    indicators: tuple[Layer, ...]
    services: tuple[Layer, ...]
    remaining: str


def layers_for(published: Published, selection: Selection, viewer: Viewer) -> Offer:
    """Layers that fit theme, partner (has data in its footprint) and owner (supplied by it)."""
    everything = published.store.layers(viewer)
    fitting = [layer for layer in everything if _fits(published, layer, selection)]
    indicators = tuple(layer for layer in fitting if layer.kind == "indicator")
    services = tuple(layer for layer in fitting if layer.kind == "services")
    return Offer(indicators, services, _remaining(len(fitting), len(everything)))


def valid_selection(published: Published, selection: Selection, viewer: Viewer) -> tuple[Selection, tuple[str, ...]]:
    """The nearest selection that exists, and one notice for each thing that was changed."""
    region, notices = published.region, []
    visible = {layer.id: layer for layer in published.store.layers(viewer)}
    chosen = selection

    if chosen.theme and region.theme(chosen.theme) is None:
        notices.append(f"There is no theme “{chosen.theme}” here; all themes are shown.")
        chosen = replace(chosen, theme="")
    for role in ("partner", "owner"):
        wanted = getattr(chosen, role)
        if wanted and region.partner(wanted) is None:
            notices.append(f"There is no partner “{wanted}” in this region; all partners are shown.")
            chosen = replace(chosen, **{role: ""})
    gone = [name for name in chosen.services if name not in visible or visible[name].kind != "services"]
    if gone:
        notices.append(_gone(published, gone, viewer, "service list"))
        chosen = replace(chosen, services=tuple(name for name in chosen.services if name not in gone))
    lost = [name for name, _ in chosen.needs if name not in visible or visible[name].kind != "indicator"]
    if lost:
        notices.append(_gone(published, lost, viewer, "indicator"))
        chosen = replace(chosen, need=weighted((name, weight) for name, weight in chosen.needs if name not in lost))
    if not chosen.need:
        chosen = replace(chosen, need=lead_indicator(published, chosen, viewer))

    needed = [visible[name] for name, _ in chosen.needs]
    level = level_of_all(needed, chosen.level)
    if level != chosen.level:
        for layer in lacking_at(needed, chosen.level):
            reason = layer.reasons.get(chosen.level, "")
            notices.append(
                f"{layer.title} has no figures by {LEVEL_WORDS[chosen.level][0]}; it is shown by {LEVEL_WORDS[level][0]}."
                + (f" {reason}" if reason else "")
            )
        chosen = replace(chosen, level=level)
    layer = visible.get(chosen.one_need)
    if layer is not None:
        if chosen.period and chosen.period not in layer.periods:
            notices.append(f"{layer.title} has no figures for {chosen.period}; the latest are shown.")
        if chosen.bands == "national" and not national_available(layer, chosen.level):
            notices.append(f"{layer.title} has no national bands at this level; bands within the region are shown.")
            chosen = replace(chosen, bands="region")
    else:
        chosen = replace(chosen, bands="region" if chosen.bands == "national" else chosen.bands)
    parts = [visible[name] for name, _ in chosen.needs]
    if len(parts) > 1 and chosen.period and not any(chosen.period in each.periods for each in parts):
        notices.append(f"None of these indicators has figures for {chosen.period}; the latest are shown.")
    # the latest is what a view without a period shows, so one view has one address
    if all(chosen.period not in each.periods[:-1] for each in parts):
        chosen = replace(chosen, period="")
    asked = [visible[name] for name in (*(name for name, _ in chosen.needs), *chosen.services)]
    if chosen.show != "need" and (unfit := [layer for layer in asked if not fit_for_gaps(layer)]):
        notices += [f"{unfit_words(layer.id, layer.descriptor)}; need alone is shown." for layer in unfit]
        chosen = replace(chosen, show="need")
    if chosen.show != "need" and not chosen.services:
        notices.append("Access and gaps need a service list; need alone is shown. Choose one under “with services”.")
        chosen = replace(chosen, show="need")
    if chosen.show != "need" and chosen.need == NONE:
        chosen = replace(chosen, show="need")
    chosen, said = valid_measures(published, chosen, visible)
    notices += said
    if chosen.bands == "partner" and not chosen.partner:
        chosen = replace(chosen, bands="region")
    if chosen.area and region.level_of(chosen.area) is None:
        notices.append(f"There is no area “{chosen.area}” in this region.")
        chosen = replace(chosen, area="")
    return chosen, tuple(notices)


def lead_indicator(published: Published, selection: Selection, viewer: Viewer) -> str:
    """Id of the indicator to show first: the theme's lead if it is on offer, else the first; :data:`NONE` when there is none."""
    offered = layers_for(published, selection, viewer).indicators
    ids = [layer.id for layer in offered]
    themes = [published.region.theme(selection.theme)] if selection.theme else published.region.themes
    for theme in themes:
        if theme is not None and theme.lead in ids:
            return theme.lead
    return ids[0] if ids else NONE


def usable_as_need(layer: Layer) -> bool:
    """Whether an indicator can be part of need: it must say which end is worse, and be fit for finding gaps."""
    return layer.kind == "indicator" and layer.descriptor.direction != "neutral" and fit_for_gaps(layer)


def unfit_reason(published: Published, selection: Selection, viewer: Viewer) -> str:
    """Why what a selection asks for is not fit for access and gaps, by its own keys; "" where it is."""
    asked = [find(published, name, viewer) for name in (*(name for name, _ in selection.needs), *selection.services)]
    return " ".join(f"{unfit_words(each.id, each.descriptor)}." for each in asked if each and not fit_for_gaps(each))


def fit_for_gaps(layer: Layer) -> bool:
    return "gaps" in layer.descriptor.fit_for


def offered_title(layer: Layer) -> str:
    """Its title in a list to choose from, with why it cannot be chosen for a gap question."""
    return layer.title if fit_for_gaps(layer) or layer.kind != "services" else f"{layer.title}: not for gaps"


def leads_for(published: Published, viewer: Viewer) -> dict[str, str]:
    """For each theme the layer to show first, "" where this viewer may not see it: an id alone says that it exists."""
    seen = {layer.id for layer in published.store.layers(viewer)}
    return {theme.id: theme.lead if theme.lead in seen else "" for theme in published.region.themes}


def national_available(layer: Layer, level: str) -> bool:
    national = layer.descriptor.national
    return national is not None and national.level == level


def as_catalogue(published: Published, viewer: Viewer) -> dict:
    """What the browser needs to narrow the pickers by itself: layers, themes, partners, level names. JSON types only."""
    layers, leads = published.store.layers(viewer), leads_for(published, viewer)
    return {
        "layers": [
            {
                "id": layer.id,
                "title": offered_title(layer),
                "kind": str(layer.kind),
                "themes": list(layer.themes),
                "owner": layer.partner,
                "partners": [p.id for p in published.region.partners if _covers(layer, p.footprint)],
                "levels": list(layer.levels),
                "periods": list(layer.periods),
                "usable": usable_as_need(layer),
                "gaps": fit_for_gaps(layer),
                "national": layer.descriptor.national.level if layer.descriptor.national else "",
                "sites": layer.sites,
            }
            for layer in layers
        ],
        "themes": [{"id": t.id, "name": t.name, "lead": leads[t.id]} for t in published.region.themes],
        "partners": [{"id": partner.id, "name": partner.name} for partner in published.region.partners],
        "levels": [{"id": level, "name": LEVEL_SHORT[level]} for level in LEVELS],
        "measures": as_offer(published, layers),
    }


def find(published: Published, layer_id: str, viewer: Viewer) -> Layer | None:
    try:
        return published.store.layer(layer_id, viewer)
    except NotFound:
        return None


def _fits(published: Published, layer: Layer, selection: Selection) -> bool:
    if selection.theme and selection.theme not in layer.themes:
        return False
    if selection.owner and layer.partner != selection.owner:
        return False
    partner = published.region.partner(selection.partner)
    return partner is None or _covers(layer, partner.footprint)


def _covers(layer: Layer, lad_codes: Iterable[str]) -> bool:
    return any(layer.coverage.get(code, 0) > 0 for code in lad_codes)


def _remaining(left: int, total: int) -> str:
    if left == total:
        return f"{total} layers"
    return f"{left} of {total} layers" if left else f"None of the {total} layers fits"


def _gone(published: Published, ids: list[str], viewer: Viewer, word: str) -> str:
    for layer_id in ids:
        try:
            published.store.layer(layer_id, viewer)
        except NotFound as error:
            reason = getattr(error, "reason", "")
            if reason:
                return f"The {word} “{layer_id}” was withdrawn: {reason}"
    return f"The {word} {', '.join(f'“{name}”' for name in ids)} is not here (any more). It was left out."
