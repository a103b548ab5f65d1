"""The answer beside the map, whatever is shown: the words and lists of one selection."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from dashboard.components import gaps as gap_blocks
from dashboard.components.affected import affected_panel
from dashboard.components.results import headline, legend, legend_table, top_list
from dashboard.jobs import Job
from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views.affected import affected_of
from dashboard.views.choropleth import sentence
from dashboard.views.gap_map import painted
from dashboard.views.gaps import Gaps, NoAnswer, answer_or_reasons
from dashboard.views.needs import WeightedNeed, need_sentence
from dashboard.views.scene import scene
from dashboard.views.together import together_of
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


def answer(published: Published, selection: Selection, viewer: Viewer) -> Answer:
    """Everything that the results panel says about a selection."""
    shown = scene(published, selection, viewer)
    if shown is None:
        return Answer(headline(None, published))
    if isinstance(shown, NoAnswer):
        return Answer(gap_blocks.reasons_block(shown), waiting=shown.waiting)
    if isinstance(shown, Gaps):
        return _gap_answer(published, selection, viewer, shown)
    if isinstance(shown, WeightedNeed):
        k = shown.colours
        colours = [f"var(--need-{k}-{i})" for i in range(k)]
        words = need_sentence(shown)
        table = [legend_table(shown.rows, k, colours, f"{capital(shown.basis)}.")] if shown.rows else []
        return Answer(gap_blocks.need_headline(shown), table, words, words, gap_blocks.top_need(shown))
    return Answer(
        headline(shown, published),
        legend(shown),
        sentence(shown, published),
        sentence(shown, published, counts_too=True),
        top_list(shown, published),
    )


def _gap_answer(published: Published, selection: Selection, viewer: Viewer, shown: Gaps) -> Answer:
    paint = painted(shown, selection.show, scheme=selection.scheme, classes=selection.classes)
    words = gap_blocks.gap_sentence(shown)
    question = replace(selection, area="", at=None).query_string()
    together = gap_blocks.together_block(
        answer_or_reasons(lambda: together_of(published, selection, viewer, may_wait=True)), selection.alone
    )
    return Answer(
        gap_blocks.gap_headline(shown, selection.show),
        [
            *gap_blocks.gap_legend(paint, selection.show, METRICS[selection.metric]),
            *gap_blocks.overlay_switches(shown, selection.overlays, selection.show),
        ],
        words,
        words,
        [
            *together,
            *affected_panel(affected_of(shown), question),
            *gap_blocks.community_list(shown, question, selection.shared),
        ]
        if selection.show == "gap"
        else together,
        shown.waiting,
        shown.crowded,
    )
