"""Which levels a set of indicators can be had at, and why not at the others.

Ranks, medians and standardised ratios cannot be made for wards or authorities. A level at which one of the chosen indicators has
no figures is struck out before anybody chooses it, with the reason and a way on: the same question without that indicator.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dashboard.published import Published
from dashboard.selection import Selection, weighted
from dashboard.views.wording import LEVEL_WORDS, listing
from layers import LEVELS, Layer, NotFound, Viewer


@dataclass(frozen=True)
class StruckLevel:
    """A level that cannot be chosen: the indicators without figures there, why, and the question without them."""

    level: str
    lacking: tuple[str, ...]  # their titles
    reasons: tuple[str, ...]  # sentences
    link: str  # "" where nothing would be left
    link_words: str

    @property
    def sentence(self) -> str:
        """ "Wards: “Emergency admissions” has no figures. A standardised ratio ..." """
        has = "has" if len(self.lacking) == 1 else "have"
        first = LEVEL_WORDS[self.level][1].capitalize()
        return " ".join(
            [f"{first}: {listing([f'“{title}”' for title in self.lacking], 8)} {has} no figures.", *self.reasons]
        )


def lacking_at(layers: Iterable[Layer], level: str) -> tuple[Layer, ...]:
    """The indicators without figures at a level; one that has none anywhere is no reason to leave the level."""
    return tuple(layer for layer in layers if layer.levels and level not in layer.levels)


def level_of_all(layers: Iterable[Layer], wanted: str) -> str:
    """The wanted level where every indicator has figures, else the smallest at which all have; the wanted one where there is none."""
    layers = tuple(layers)
    return next((level for level in (wanted, *LEVELS) if not lacking_at(layers, level)), wanted)


def struck_levels(published: Published, selection: Selection, viewer: Viewer) -> tuple[StruckLevel, ...]:
    """The levels at which the chosen indicators cannot all be shown, smallest areas first."""
    layers = []
    for name, _ in selection.needs:
        try:
            layers.append(published.store.layer(name, viewer))
        except NotFound:
            continue
    out = []
    for level in LEVELS:
        without = lacking_at(layers, level)
        if not without:
            continue
        ids = {layer.id for layer in without}
        rest = [(name, weight) for name, weight in selection.needs if name not in ids]
        need = weighted(rest) if len(rest) > 1 else "".join(name for name, _ in rest)
        link = selection.link(need=need, level=level, area="") if rest else ""
        it = "it" if len(without) == 1 else "them"
        others = "other" if len(rest) == 1 else "others"
        out.append(
            StruckLevel(
                level,
                tuple(layer.title for layer in without),
                tuple(dict.fromkeys(layer.reasons.get(level, "") for layer in without if layer.reasons.get(level))),
                link,
                f"Leave {it} out and show the {others} by {LEVEL_WORDS[level][0]}" if link else "",
            )
        )
    return tuple(out)
