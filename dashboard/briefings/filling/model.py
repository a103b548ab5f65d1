"""A briefing with its numbers filled in: what the page, present mode and every export are made from.

Nothing here computes. :mod:`.build` makes a :class:`Briefing` from a :class:`layers.Document`; each exporter reads only this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from dashboard.brand import Brand
from dashboard.drawing.shown import ChartData, LegendRow, TableData
from dashboard.views.confidence import Row
from layers import BriefingBlock, BriefingRun, Document


@dataclass(frozen=True)
class SourceLine:
    """One layer that a page took numbers from, as its credit says."""

    layer_id: str
    version: int
    title: str
    publisher: str
    period: str
    licence: str
    attribution: str
    published_on: str  # ISO date of the version
    link: str  # of its page: /catalogue/<id>


@dataclass(frozen=True)
class Fact:
    """What a token says. ``value`` is None where the fact is words. ``detail`` is one sentence for who asks where it comes from."""

    text: str
    value: float | None = None
    unit: str = ""
    period: str = ""
    status: str = "ok"  # ok | converted
    detail: str = ""
    layers: tuple[tuple[str, int], ...] = ()  # (id, version) that it was worked out from
    link: str = ""  # explore page, area page … that shows the same


@dataclass(frozen=True)
class Figure:
    """One exhibit. A map has ``svg``, ``legend`` and ``table`` (what it shows, as figures); a chart ``svg``, ``chart`` and
    ``table``; a table only ``table``. An SVG is complete, in light colours, with its own title and description."""

    kind: str  # map | chart | table
    title: str
    alt: str  # one or two sentences that say what is to be seen, with numbers
    caption: str = ""
    filters: str = ""  # "Small areas of the North East. Need: …; services: …; 2025"
    svg: str = ""
    legend: tuple[LegendRow, ...] = ()
    legend_title: str = ""
    chart: ChartData | None = None
    table: TableData | None = None
    layers: tuple[tuple[str, int], ...] = ()
    sources: tuple[SourceLine, ...] = ()
    link: str = ""  # the explore page with this very view
    notice: str = ""  # the region's demonstration notice: a picture may travel without its page
    credits: tuple[str, ...] = ()  # what the outlines of a map ask to be said


@dataclass(frozen=True)
class BriefingPage:
    """One page. ``unavailable`` says why it cannot be shown (its data was withdrawn …); then nothing else of it is there but the
    number. Runs have their tokens filled: ``run.text`` is what to show."""

    number: int
    headline: tuple[BriefingRun, ...] = ()
    blocks: tuple[BriefingBlock, ...] = ()
    figure: Figure | None = None
    notes: tuple[BriefingBlock, ...] = ()
    facts: Mapping[str, Fact] = field(default_factory=dict)  # by Token.text
    sources: tuple[SourceLine, ...] = ()  # of its words and its figure
    limits: tuple[str, ...] = ()  # what the data does not tell, one sentence each
    unavailable: str = ""
    trust: tuple[Row, ...] = ()  # how far to trust it, where it rests on a list of services
    cautions: tuple[str, ...] = ()  # all of them, one sentence each with the layer that it is about

    @property
    def credits(self) -> tuple[str, ...]:
        """What the outlines of its map ask to be said."""
        return self.figure.credits if self.figure is not None else ()

    @property
    def headline_text(self) -> str:
        return "".join(run.text for run in self.headline)


@dataclass(frozen=True)
class Stale:
    """A layer that has a newer version than the one that the briefing is pinned to."""

    layer_id: str
    title: str
    pinned: int
    newest: int
    published_on: str


@dataclass(frozen=True)
class Briefing:
    """A whole briefing, ready to be shown to those whom its audience names."""

    id: str
    document: Document
    region_name: str
    partner_name: str
    notice: str  # the region's demonstration notice, "" for real data
    made_on: date  # when these numbers were worked out
    pages: tuple[BriefingPage, ...]
    pins: Mapping[str, int]  # layer id -> version of everything that it took numbers from
    version: int = 0  # 0: a draft or a starter, which follow the newest data
    published_on: str = ""  # ISO date
    stale: tuple[Stale, ...] = ()
    link: str = ""  # path: /briefings/<id>
    brand: Brand = field(default_factory=Brand)  # whose it is, on every page and file

    @property
    def title(self) -> str:
        return self.document.title

    @property
    def subtitle(self) -> str:
        return self.document.subtitle

    @property
    def credits(self) -> tuple[str, ...]:
        """What the outlines of its maps ask to be said, once."""
        return tuple(dict.fromkeys(credit for page in self.pages for credit in page.credits))

    @property
    def sources(self) -> tuple[SourceLine, ...]:
        """Every source once, in the order of the pages."""
        return tuple(dict.fromkeys(source for page in self.pages for source in page.sources))
