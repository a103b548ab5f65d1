"""Which ten numbers "The region in ten numbers" tells: what its template is told about each of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from dashboard.briefings.filling.questions import ThemeQuestion, compared
from dashboard.briefings.writing.templates import md, question_words
from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views import wording
from dashboard.views.gap_words import a_site
from dashboard.views.gaps import Gaps
from dashboard.views.offer import usable_as_need
from dashboard.views.trend import region_number
from layers import PUBLIC, Layer, Measure, Theme, is_sample

MOST_NUMBERS = 10
NUMBER_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_RATES = (Measure.RATE, Measure.PERCENTAGE)


def numbers_of(published: Published, asked: Sequence[tuple[ThemeQuestion, Gaps]]) -> list[dict[str, Any]]:
    """At most ten, from different themes: indicators, one gap, one distance, one border, and the region itself where few."""
    special = _specials(published, asked)
    indicators = _indicators(published, MOST_NUMBERS - len(special))
    found = [_indicator(published, theme, layer) for theme, layer in indicators] + special
    region, few = published.region, []
    if len(found) < MOST_NUMBERS:
        few = ["people"]
        few += ["places"] if len(region.areas["lad"]) > 1 else []
        few += ["partners"] if len(region.partners) > 1 else []
    return [*({"about": each} for each in few[: MOST_NUMBERS - len(found)]), *found][:MOST_NUMBERS]


def _indicators(published: Published, most: int) -> list[tuple[Theme, Layer]]:
    """One indicator for each theme in turn, then a second one from wherever: with a worse end, and a rate."""
    layers = [
        layer
        for layer in published.store.layers(PUBLIC, kind="indicator")
        if usable_as_need(layer) and layer.descriptor.measure in _RATES and layer.levels and _known(published, layer)
    ]
    used: set[str] = set()
    titles: set[str] = set()
    found: list[tuple[Theme, Layer]] = []
    for own in (True, False):
        for theme in published.region.themes:
            mine = {i for preset in published.region.presets if preset.theme == theme.id for i in preset.weights}
            able = [x for x in layers if theme.id in x.themes and x.id not in used and _stem(x.title) not in titles]
            if own:
                able = [x for x in able if x.id == theme.lead or x.id in mine or x.themes[0] == theme.id]
            if not able or len(found) >= most:
                continue
            leads = {other.lead for other in published.region.themes if other.id != theme.id}
            best = min(
                able,
                # the figure of a middle area is no figure of a region; and what many themes name tells many people something
                key=lambda x: (
                    not _plain(x),
                    _middle(published, x),
                    x.id != theme.lead,
                    x.id in leads,
                    -_year(x),
                    -len(x.themes),
                ),
            )
            used.add(best.id)
            titles.add(_stem(best.title))
            found.append((theme, best))
    order = {theme.id: n for n, theme in enumerate(published.region.themes)}
    return sorted(found, key=lambda pair: order[pair[0].id])


def _plain(layer: Layer) -> bool:
    """Whether its unit is one that a room knows: a share, or so many per thousand."""
    return layer.descriptor.unit.startswith(("%", "per "))


def _known(published: Published, layer: Layer) -> bool:
    """Whether the region has a figure. A standardised ratio has none: its areas do not compare with each other."""
    return not layer.descriptor.never_averaged and region_number(published, layer, layer.period, PUBLIC)[0] is not None


def _middle(published: Published, layer: Layer) -> bool:
    """Whether the region's figure is only that of its middle area, as of rates without numerators."""
    return "middle" in region_number(published, layer, layer.period, PUBLIC)[1].lower()


def _stem(title: str) -> str:
    """Titles that differ only after a comma or bracket are about the same."""
    return re.split(r"[,(]", title)[0].strip().lower()


def _year(layer: Layer) -> int:
    return max((int(year) for year in re.findall(r"(?:19|20)\d\d", layer.period)), default=0)


def _indicator(published: Published, theme: Theme, layer: Layer) -> dict[str, Any]:
    smallest = layer.levels[0]
    return {
        "about": "indicator",
        "layer": layer.id,
        "theme_inside": md(wording.small(theme.name)),
        "asked": md(theme.question),
        "level": smallest,
        "area": wording.LEVEL_WORDS[smallest][0],
        "worst": "lowest" if layer.descriptor.direction == "low-is-worse" else "highest",
        "by_authority": "lad" in layer.levels and len(published.region.areas["lad"]) > 1,
        "middle": _middle(published, layer),
        "periods": len(layer.periods),
    }


def _tellable(pair: tuple[ThemeQuestion, Gaps]) -> tuple[bool, bool, float]:
    """Of a whole list rather than of a sample, then of most people."""
    claims = pair[1].claims
    return claims.counts, not claims.sampled, pair[1].summary["underserved_residents"]


def _specials(published: Published, asked: Sequence[tuple[ThemeQuestion, Gaps]]) -> list[dict[str, Any]]:
    """A distance, a gap and a border, of different themes where that can be."""
    found: list[dict[str, Any]] = []
    if asked:
        question, gaps = max(asked, key=_tellable)
        found.append({"about": "gap", "q": question_words(question), "found": gaps.summary})
    lists = [x for x in published.store.layers(PUBLIC, kind="services") if x.descriptor.access_standard and x.sites]
    lists = [x for x in lists if {"gaps", "counts"} <= set(x.descriptor.fit_for)]
    if lists:
        most = max(
            lists, key=lambda x: (not is_sample(x.descriptor), x.sites)
        )  # a whole list, and what most people use
        far = wording.standard_words(most.descriptor.access_standard.max_m)
        view = Selection(services=(most.id,), show="access").query_string()
        found.append({"about": "access", "layer": most.id, "far": far, "a_site": md(a_site((most,))), "view": view})
    if len(published.region.areas["lad"]) > 1:
        together = [(q, t) for q, _ in asked if (t := compared(published, q, PUBLIC)) is not None]
        if together:
            question, _ = max(
                together, key=lambda pair: (not pair[1].claims.sampled, pair[1].summary["residents_nearer_elsewhere"])
            )
            found.append({"about": "border", "q": question_words(question)})
    return found
