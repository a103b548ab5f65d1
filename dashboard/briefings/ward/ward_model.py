"""What stands on a ward member's sheet, in words, ready for paper, screen and slides; and on that of any other area."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

from dashboard.brand import Brand
from dashboard.briefings.filling.model import SourceLine
from dashboard.drawing.shown import LegendRow
from dashboard.views import wording

PREFIX, OTHER_PREFIX = "ward-", "area-"
"""Ids of the sheets of wards, and of small areas and authorities."""
MAP_WIDTH, MAP_HEIGHT = 300, 222
KIND_WORDS = {"ward": "ward sheet", "lsoa": "area sheet", "lad": "authority sheet"}
NO_ACTIONS = "No actions are recorded here yet. Write down what is agreed, who does it and by when."


@dataclass(frozen=True)
class NeedRow:
    """One indicator of the ward. ``place`` is the share of wards that are better off, 0-100; None where it cannot be said."""

    theme: str
    layer_id: str
    title: str
    value: str  # with the unit in few words
    figure: str  # the number alone, with a % sign
    unit: str  # the words behind it
    rank: str  # "12 of 240", 1 is the worst; "" without a value
    place: float | None
    words: str  # "among the worst tenth"
    period: str
    status: str
    middle: str = ""  # the figure of the middle area of its level

    @property
    def measure_words(self) -> str:
        """The title with its period, said once."""
        known = not self.period or self.period in self.title or self.period == "not dated"
        return self.title if known else f"{self.title}, {self.period}"


@dataclass(frozen=True)
class ServiceRow:
    """The nearest service of one kind. ``number`` is that of its mark on the map."""

    number: int
    kind: str
    name: str
    authority: str
    across_border: bool
    distance: str
    standard: str  # "within 5 km", "beyond 5 km"; "" without a standard
    beyond: float | None  # residents of the ward's small areas that have none within the standard
    beyond_words: str
    verdict: str = ""  # the same for people in a hurry: "Everybody over 5 km"
    mark: str = "idle"  # of the verdict: good, risk or idle, as a shape
    sample: str = ""  # "a sample of 9 sites", where the list is not known to be whole
    layer_id: str = ""
    least: str = ""  # how near somebody who lives here may be to one: the small area that is nearest

    @property
    def place(self) -> str:
        """Its authority, as it can stand after "in"."""
        return "an authority outside the region" if self.authority == "outside the region" else self.authority


@dataclass(frozen=True)
class GapRow:
    """One question where some of the ward's small areas are underserved."""

    theme: str
    question: str  # "more than 5 km from the nearest drug and alcohol service", after the measure of need if it is one
    areas: int
    residents: float
    words: str  # "2 of 6 small areas, 3,120 residents"
    communities: str  # "Part of Ashington (9 areas, 14,210 residents), shared with …"
    shared: bool
    sample: str  # "a sample of 9 sites", where its list of services is one; ""
    sure: str  # "likely (71% of 500 draws)"


@dataclass(frozen=True)
class ContactRow:
    """Whom to ring: a role, never a person."""

    who: str
    phone: str = ""
    email: str = ""


@dataclass(frozen=True)
class NeighbourGroup:
    authority: str
    across_border: bool
    names: tuple[str, ...]


@dataclass(frozen=True)
class WardPage:
    """Everything that stands on the page, in words; ``svg`` is the map."""

    code: str
    name: str
    lad_code: str
    authority: str
    region_name: str
    partner_id: str  # the council it belongs to, "" where the region names none
    partner_name: str
    residents: str
    small_areas: int
    summary: tuple[str, ...]
    needs: tuple[NeedRow, ...]
    services: tuple[ServiceRow, ...]
    more_services: int
    gaps: tuple[GapRow, ...]
    no_gap: str  # gaps beyond the first few and questions without one, a sentence each; ""
    close: str  # small areas that only just miss, one sentence; ""
    neighbours: tuple[NeighbourGroup, ...]
    svg: str
    alt: str
    legend: tuple[LegendRow, ...]
    key: str  # what else is on the map, one or two sentences
    limits: tuple[str, ...]
    sources: tuple[SourceLine, ...]
    credits: tuple[str, ...]  # the sources in few words, and what their licences ask to say
    actions: tuple[str, ...]
    notice: str
    made_on: date
    link: str
    pins: tuple[tuple[str, int], ...]  # layer id, version
    level: str = "ward"
    of: int = 0  # how many areas of its level there are
    headline: str = ""  # the one thing to know
    say: tuple[str, ...] = ()  # sentences to say aloud
    contacts: tuple[ContactRow, ...] = ()
    brand: Brand = field(default_factory=Brand)

    @property
    def id(self) -> str:
        return f"{PREFIX if self.level == 'ward' else OTHER_PREFIX}{self.code}"

    @property
    def title(self) -> str:
        return f"{self.name}: {KIND_WORDS[self.level]}"

    @property
    def kind(self) -> str:
        return KIND_WORDS[self.level]

    @property
    def one(self) -> str:
        return wording.LEVEL_WORDS[self.level][0]

    @property
    def others(self) -> str:
        """ "with the other 239 wards"."""
        return f"with the other {wording.counted(self.of - 1, *wording.LEVEL_WORDS[self.level])}"

    @property
    def map_width(self) -> int:
        return MAP_WIDTH

    @property
    def map_height(self) -> int:
        return MAP_HEIGHT

    @property
    def file_name(self) -> str:
        """ "ashington-central-e05009047", for a file: plain letters only."""
        return re.sub(r"[^a-z0-9]+", "-", f"{self.name} {self.code}".lower()).strip("-")
