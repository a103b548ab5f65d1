"""The answer beside the map, whatever is shown: the words and lists of one selection."""

from __future__ import annotations

from dataclasses import dataclass, field

from dashboard.components.results import headline, legend, top_list
from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views.choropleth import choropleth, sentence
from layers import Viewer


@dataclass(frozen=True)
class Answer:
    headline: list
    legend: list = field(default_factory=list)
    sentence: str = ""
    table_sentence: str = ""
    top: list = field(default_factory=list)


def answer(published: Published, selection: Selection, viewer: Viewer) -> Answer:
    """Everything that the results panel says about a selection."""
    chart = choropleth(published, selection, viewer)
    if chart is None:
        return Answer(headline(None, published))
    return Answer(
        headline(chart, published),
        legend(chart),
        sentence(chart, published),
        sentence(chart, published, counts_too=True),
        top_list(chart, published),
    )
