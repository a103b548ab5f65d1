"""The question as the chips over the map say it: what each of its parts is now, in a few words."""

from __future__ import annotations

from dashboard.published import Published
from dashboard.selection import NONE, Selection
from dashboard.views import offer
from dashboard.views.answer_words import need_noun
from dashboard.views.wording import LEVEL_SHORT, counted, listing, small, standard_words
from layers import METRICS, Layer, Viewer

MOST_LISTED = 2
"""Lists of services named in a chip; more are counted."""


def chip_words(published: Published, selection: Selection, viewer: Viewer) -> dict[str, str]:
    """What each chip says, by its name."""
    needs = [offer.find(published, name, viewer) for name, _ in selection.needs]
    services = [layer for name in selection.services if (layer := offer.find(published, name, viewer))]
    partner = published.region.partner(selection.partner)
    return {
        "need": need_words(published, selection, [layer for layer in needs if layer]),
        "services": services_words(services),
        "far": far_words(selection, services),
        "place": partner.name if partner else "whole region",
        "level": LEVEL_SHORT[selection.level].lower(),
        "settings": "Settings",
        "find": "Find a place",
    }


def need_words(published: Published, selection: Selection, layers: list[Layer]) -> str:
    if selection.need in ("", NONE):
        return "no need"
    return need_noun(published, selection.needs, layers)


def services_words(services: list[Layer]) -> str:
    if not services:
        return "no services"
    if len(services) > MOST_LISTED:
        return counted(len(services), "list")
    return listing([small(layer.title) for layer in services])


def far_words(selection: Selection, services: list[Layer]) -> str:
    """ "over 5 km", "over 20 minutes", "capacity for its people, own services only"."""
    own = ", own services only" if selection.alone else ""
    metric = METRICS[selection.metric]
    if metric.cost is None:
        return f"{small(metric.title)}{own}"
    if selection.fair or selection.travel:
        return (
            f"over {standard_words(selection.max_min, 'min')}{own}" if selection.max_min else f"too many minutes{own}"
        )
    standards = [layer.descriptor.access_standard.max_m for layer in services if layer.descriptor.access_standard]
    limit = selection.max_m or min(standards, default=None)
    return f"over {standard_words(limit)}{own}" if limit else f"the farthest fifth{own}"
