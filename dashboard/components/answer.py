"""The answer beside the map, whatever is shown: the words and lists of one selection."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from dash import html

from dashboard.components import gaps as gap_blocks
from dashboard.components.affected import affected_panel
from dashboard.components.answer_bar import answer_block, steps_block
from dashboard.components.confidence import confidence_strip
from dashboard.components.results import headline, legend, legend_table, shares_table, top_list
from dashboard.jobs import Job
from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views.affected import affected_of
from dashboard.views.answer_words import answer_words, poor_shares, worst_shares
from dashboard.views.choropleth import Choropleth, sentence
from dashboard.views.confidence import Resting, all_cautions, rows_of, rows_of_gaps
from dashboard.views.gap_map import painted
from dashboard.views.gaps import Gaps, NoAnswer, answer_or_reasons
from dashboard.views.needs import WeightedNeed, need_sentence
from dashboard.views.offer import unfit_reason
from dashboard.views.scene import Scene, scene
from dashboard.views.steps import steps_of
from dashboard.views.together import Together, together_of
from dashboard.views.wording import capital
from layers import METRICS, Viewer


@dataclass(frozen=True)
class Answer:
    headline: list
    legend: list = field(default_factory=list)
    sentence: str = ""
    table_sentence: str = ""
    top: list = field(default_factory=list)
    waiting: Job | None = None  # what works out how sure it is, where that is not said yet
    crowded: str = ""  # why nothing does
    said: list = field(default_factory=list)  # the sentence above everything
    trust: list = field(default_factory=list)
    steps: list = field(default_factory=list)


def answer(published: Published, selection: Selection, viewer: Viewer) -> Answer:
    """Everything that the page says about a selection."""
    shown = scene(published, selection, viewer)
    together = (
        answer_or_reasons(lambda: together_of(published, selection, viewer, may_wait=True))
        if isinstance(shown, Gaps)
        else None
    )
    steps = steps_of(selection, shown, together, unfit_reason(published, selection, viewer))
    return replace(
        _beside(published, selection, shown, together),
        said=answer_block(answer_words(published, selection, shown, together), steps),
        trust=trust_block(shown),
        steps=steps_block(steps),
    )


def trust_block(shown: Scene) -> list:
    """How far to trust it, at the height of the answer."""
    if isinstance(shown, Gaps):
        return [confidence_strip(rows_of_gaps(shown), all_cautions(shown), html.H2)]
    if isinstance(shown, WeightedNeed):
        return [_strip(Resting(shown.layers), shown.periods)]
    if isinstance(shown, Choropleth):
        return [_strip(Resting((shown.layer,)), {shown.layer.id: shown.period})]
    return []


def _strip(resting: Resting, periods: dict[str, str]) -> html.Section:
    return confidence_strip(rows_of(resting, periods=periods), all_cautions(resting), html.H2)


def _beside(published: Published, selection: Selection, shown: Scene, together: Together | NoAnswer | None) -> Answer:
    """Legend, list and what they rest on."""
    if shown is None:
        return Answer(headline(None, published))
    if isinstance(shown, NoAnswer):
        return Answer(gap_blocks.reasons_block(shown), waiting=shown.waiting)
    if isinstance(shown, Gaps):
        return _of_gaps(selection, shown, together)
    shares = worst_shares(published, selection, shown)
    if isinstance(shown, WeightedNeed):
        k = shown.colours
        colours = [f"var(--need-{k}-{i})" for i in range(k)]
        words = need_sentence(shown)
        table = [legend_table(shown.rows, k, colours, f"{capital(shown.basis)}.")] if shown.rows else []
        top = [*shares_table(shares, "Where need is high", "need"), *gap_blocks.top_need(shown)]
        return Answer(gap_blocks.need_headline(shown), table, words, words, top)
    return Answer(
        headline(shown, published),
        legend(shown),
        sentence(shown, published),
        sentence(shown, published, counts_too=True),
        [*top_list(shown, published), *shares_table(shares, "In the worst fifth of the region", "need")],
    )


def _of_gaps(selection: Selection, shown: Gaps, together: Together | NoAnswer | None) -> Answer:
    paint = painted(shown, selection.show, scheme=selection.scheme, classes=selection.classes, grid=selection.grid)
    words = gap_blocks.gap_sentence(shown)
    question = replace(selection, area="", at=None).query_string()
    if selection.show == "access":
        top = shares_table(poor_shares(shown) if shown.claims.counts else (), "Poor access", "access")
    elif selection.shared:
        top = [*gap_blocks.together_block(together, selection.alone), *gap_blocks.community_list(shown, question, True)]
    else:
        top = [
            *gap_blocks.community_list(shown, question),
            *affected_panel(affected_of(shown), question, selection.beside),
        ]
    return Answer(
        gap_blocks.gap_headline(shown, selection.show),
        [
            *gap_blocks.gap_legend(paint, selection.show, METRICS[selection.metric]),
            *gap_blocks.overlay_switches(shown, selection.overlays, selection.show, selection.grid),
        ],
        words,
        words,
        top,
        shown.waiting,
        shown.crowded,
    )
