"""The question that each theme is asked first: its need against the list of services that fits it.

Starters and ward pages ask these, so that a ward page says of a ward what the starter says of the region.
"""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.published import Published
from dashboard.selection import Selection, weighted
from dashboard.views.gap_words import nearest_words
from dashboard.views.gaps import Gaps, answer_or_reasons, gaps_of
from dashboard.views.offer import fit_for_gaps, usable_as_need
from dashboard.views.together import Together, together_of
from layers import FIT_FOR, LEVELS, Layer, Measure, Theme, Viewer, is_sample

_NO_NEED = (Measure.RANK, Measure.DECILE, Measure.CATEGORY)


@dataclass(frozen=True)
class ThemeQuestion:
    """``need_name`` is the ready-made set's name or the indicator's title; ``note`` what the set's author says of it."""

    theme: Theme
    selection: Selection
    need_name: str
    needs: tuple[Layer, ...]
    services: Layer
    note: str = ""

    @property
    def view(self) -> str:
        """The query of the selection, as a page of a briefing names it."""
        return self.selection.query_string()

    @property
    def services_view(self) -> str:
        """Its services alone, without need."""
        return Selection(services=self.selection.services, show="access", level=self.selection.level).query_string()

    @property
    def nearest(self) -> str:
        """ "nearest drug and alcohol service"."""
        return nearest_words((self.services,))


def questions(published: Published, reader: Viewer) -> tuple[ThemeQuestion, ...]:
    """The question of every theme that can be asked one, in the region's order of themes."""
    found = (question_of(published, theme, reader) for theme in published.region.themes)
    return tuple(question for question in found if question is not None)


def question_of(published: Published, theme: Theme, reader: Viewer) -> ThemeQuestion | None:
    """None where the reader sees no indicator that can be need, or no list of services, for the theme."""
    seen = {layer.id: layer for layer in published.store.layers(reader)}
    services = [
        layer
        for layer in seen.values()
        if layer.kind == "services" and theme.id in layer.themes and fit_for_gaps(layer)
    ]
    need = _need(published, theme, seen)
    if need is None or not services:
        return None
    weights, name, note, level = need
    best = min(services, key=lambda layer: _fit(layer, theme))
    selection = Selection(theme=theme.id, need=weighted(weights.items()), services=(best.id,), show="gap", level=level)
    return ThemeQuestion(theme, selection, name, tuple(seen[i] for i in weights), best, note)


def answer(published: Published, question: ThemeQuestion, reader: Viewer, *, quick: bool = False) -> Gaps | None:
    """What the question finds; None where it cannot be worked out (no area has the figures, no service could be placed).

    ``quick`` leaves out how sure it is: enough to know whether there is anything to tell.
    """
    found = answer_or_reasons(lambda: gaps_of(published, question.selection, reader, quick=quick))
    return found if isinstance(found, Gaps) else None


def answered(published: Published, reader: Viewer) -> list[tuple[ThemeQuestion, Gaps]]:
    """The questions of the region that have an answer, with it: need is known somewhere."""
    found = ((question, answer(published, question, reader, quick=True)) for question in questions(published, reader))
    return [(q, gaps) for q, gaps in found if gaps and gaps.summary["areas_without_need"] < gaps.summary["areas"]]


def compared(published: Published, question: ThemeQuestion, reader: Viewer) -> Together | None:
    """Looking alone against looking together for the question's services; None where none of them can be measured to."""
    found = answer_or_reasons(lambda: together_of(published, question.selection, reader))
    return found if isinstance(found, Together) and found.summary["services"] else None


def _fit(layer: Layer, theme: Theme) -> tuple:
    """Smaller fits better: a list of this very theme, with a distance standard, fit for all that is asked of it, complete, and of
    several the one meant to be nearest."""
    standard = layer.descriptor.access_standard
    return (
        standard is None,
        layer.themes[0] != theme.id,
        len(FIT_FOR) - len(layer.descriptor.fit_for),
        is_sample(layer.descriptor),
        standard.max_m if standard else 0.0,
        layer.title,
        layer.id,
    )


def _need(published: Published, theme: Theme, seen: dict[str, Layer]) -> tuple[dict[str, float], str, str, str] | None:
    """Weights, name, note and level: the theme's first ready-made set that is open to the reader, else its lead, else the
    first indicator that says which end is worse."""
    usable = {
        i: layer for i, layer in seen.items() if usable_as_need(layer) and layer.descriptor.measure not in _NO_NEED
    }
    for preset in published.region.presets:
        if preset.theme == theme.id and set(preset.weights) <= set(usable):
            levels = [level for level in LEVELS if all(level in usable[i].levels for i in preset.weights)]
            if levels:
                return dict(preset.weights), preset.name, preset.note, levels[0]
    own = [layer for layer in usable.values() if theme.id in layer.themes and layer.levels]
    if not own:
        return None
    best = min(
        own,
        key=lambda layer: (
            len(FIT_FOR) - len(layer.descriptor.fit_for),
            layer.id != theme.lead,
            layer.levels[0] != "lsoa",
            layer.themes[0] != theme.id,
        ),
    )
    return {best.id: 1.0}, best.title, "", best.levels[0]
