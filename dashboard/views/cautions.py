"""The cautions of an answer in words: one table, read by pages, API, commands and every file (docs/methods.md, *Fitness*)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from dashboard.views.wording import standard_words
from layers import Caution, Layer, UsedLayer, find_cautions

WORDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "sample": lambda a: "This is a sample, not a register: what it does not list may still be there.",
    "completeness-unknown": lambda a: "Nobody has said how complete this is, so it is spoken of as a sample.",
    "modelled": lambda a: "These figures are estimated by a model, not counted.",
    "position": lambda a: _POSITIONS[a["position"]],
    "straight-line": lambda a: "Distances are straight lines; the real way is longer.",
    "crossing": lambda a: "Some of the lines would go over water: there the way over land counts, where there is one.",
    "assumed-standard": lambda a: (
        f"The distance of {standard_words(a['max_m'])} is an assumption; nobody has adopted it."
    ),
    "stale": lambda a: _old(a),
}
"""Every caution of ``layers.CAUTION_CODES`` in a sentence, of what the engine says about it."""

_POSITIONS = {
    "postcode": "Sites stand at the middle of their postcode, not at their address.",
    "snapped": "Places were moved to the nearest of a set of points.",
    "area": "Only the area of each site is known, not its place.",
    "": "Nobody has said how the sites were put on the map.",
}


def _old(about: dict[str, Any]) -> str:
    if "next_update" in about:
        return f"It should have been replaced: its next update was said to be: {str(about['next_update']).rstrip('.')}."
    return f"It is old: it describes {about['period']}."


def today() -> date:
    return datetime.now(UTC).date()


def cautions_of(
    layers: Sequence[tuple[Layer, str]], *, straight: bool, crossing: Collection[str] = (), on: date | None = None
) -> tuple[Caution, ...]:
    """The cautions of an answer that rests on these layers, each with the period at which it is read."""
    used = [UsedLayer(layer.descriptor, period) for layer, period in layers]
    return find_cautions(used, straight=straight, crossing=crossing, today=on or today())


def caution_words(caution: Caution) -> str:
    return WORDS[caution.code](caution.about)


def caution_list(cautions: Sequence[Caution]) -> list[dict[str, str]]:
    """As documents carry them: ``[{code, words, layer}]``."""
    return [{"code": one.code, "words": caution_words(one), "layer": one.layer} for one in cautions]


def caution_lines(cautions: Sequence[Mapping[str, str]], titles: Mapping[str, str]) -> list[str]:
    """Cautions of a document as people read them, in a box: "Drug and alcohol services: This is a sample, ..."."""
    return [f"{titles.get(one['layer'], one['layer'])}: {one['words']}" for one in cautions]
