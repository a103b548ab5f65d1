"""The vocabulary of Common Ground, as frozen dataclasses passed between modules.

The words are those of the README's glossary; a thing that has a name here has no second name anywhere else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

LEVELS = ("lsoa", "ward", "lad")
"""From the smallest areas to the largest; every area lies in one area of each larger level."""


class Status(StrEnum):
    """What is known about one value. A true zero is ``ok``; a missing value is never drawn as zero."""

    OK = "ok"  # published for exactly this area
    CONVERTED = "converted"  # rebuilt from other areas (another vintage, or a smaller level)
    SUPPRESSED = "suppressed"  # known to the publisher, withheld to protect people
    MISSING = "missing"  # nobody published it


class Kind(StrEnum):
    INDICATOR = "indicator"
    SERVICES = "services"


class Measure(StrEnum):
    """What kind of number an indicator is. It decides how the number may be harmonised (docs/methods.md)."""

    COUNT = "count"
    RATE = "rate"
    PERCENTAGE = "percentage"
    CHANGE = "change"
    SCORE = "score"
    MEAN = "mean"
    RANK = "rank"
    DECILE = "decile"
    CATEGORY = "category"


class Direction(StrEnum):
    HIGH_IS_WORSE = "high-is-worse"
    LOW_IS_WORSE = "low-is-worse"
    NEUTRAL = "neutral"


class Audience(StrEnum):
    PUBLIC = "public"
    PARTNERS = "partners"  # every signed-in partner
    OWNER = "owner"  # only the partner that supplied it


PARTNER_KINDS = ("council", "combined-authority", "icb", "police", "fire", "charity", "other")


@dataclass(frozen=True)
class Contact:
    """Whom to ring or write to: a role ("Public health, Gateshead"), never a person's name. Any part may be empty."""

    role: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True)
class Partner:
    """An organisation of the partnership; ``footprint`` is the codes of the local authorities it serves."""

    id: str
    name: str
    kind: str
    footprint: tuple[str, ...]
    contact: Contact | None = None


@dataclass(frozen=True)
class Brand:
    """How the partnership shows itself on pages and prints. ``logo`` is a file in the pack, "" for none."""

    name: str = ""
    logo: str = ""
    contact: Contact | None = None


@dataclass(frozen=True)
class Theme:
    """A problem that people search by. ``lead`` is the id of the layer to show first, "" for none."""

    id: str
    name: str
    question: str = ""
    lead: str = ""


@dataclass(frozen=True)
class Source:
    """Where a layer comes from, as it must be credited."""

    title: str
    publisher: str = ""
    url: str = ""
    licence: str = ""
    attribution: str = ""


@dataclass(frozen=True)
class Disclosure:
    """Small-number rule of one layer: counts from 1 to ``threshold - 1`` are withheld, the rest rounded to ``rounding_base``.

    What a layer says here may only tighten :data:`LEAST_DISCLOSURE`, which holds wherever people are counted (0 says nothing).
    ``source_protected``: its publisher has protected the counts already, as ``reason`` says, and they are left as they are.
    """

    threshold: int = 0
    rounding_base: int = 0
    zero_is_sensitive: bool = False
    source_protected: bool = False
    reason: str = ""


LEAST_DISCLOSURE = Disclosure(threshold=8, rounding_base=5)
"""The rule of every layer that counts people: 0 is shown, 1 to 7 are withheld, the rest go to the nearest 5."""


FIT_FOR = ("gaps", "counts", "ranking")
"""What a layer may be used for: to find gaps, to count people, to put areas in order. One that says nothing is fit for all."""


class Completeness(StrEnum):
    """How much of what there is a layer holds. One that does not say speaks as a sample does (docs/methods.md, *Fitness*)."""

    REGISTER = "register"
    SAMPLE = "sample"
    MODELLED = "modelled"
    UNKNOWN = "unknown"


class Position(StrEnum):
    """By what the sites of a list, or the events behind a figure, were put on the map."""

    ADDRESS = "address"
    POSTCODE = "postcode"
    SNAPPED = "snapped"  # moved to the nearest of a set of points, as police.uk does
    AREA = "area"


@dataclass(frozen=True)
class AccessStandard:
    """The distance within which a service should be: ``metric`` is "nearest", ``max_m`` metres.

    ``status`` is "adopted" where somebody answerable decided on it, else "assumption".
    """

    metric: str
    max_m: float
    status: str = "assumption"


@dataclass(frozen=True)
class Reference:
    """A figure to compare with, in the layer's own unit: of England, say."""

    name: str
    value: float
    period: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.value:,g}" + (f" ({self.period})" if self.period else "")


@dataclass(frozen=True)
class NationalBands:
    """Cut points of the whole country's areas at one level, so that a band can be read nationally.

    ``quantiles`` maps the number of classes (3 to 7) to that many minus one upper class limits.
    """

    level: str
    areas: int
    scope: str  # in words: "33,755 LSOAs in England"
    quantiles: dict[int, tuple[float, ...]]


_NEVER_AVERAGED = re.compile(r"\bmedian\b|\bstandardi[sz]ed\b[\w, ]*\bratio\b|\bSMR\b", re.IGNORECASE)


@dataclass(frozen=True)
class Descriptor:
    """Everything said *about* a layer, as ``datapackage.json`` carries it (docs/layer-package.md)."""

    id: str
    title: str
    kind: Kind
    themes: tuple[str, ...]
    partner: str  # id of the partner that supplies it
    description: str = ""
    # indicators
    measure: Measure | None = None
    unit: str = ""  # the words behind the number: "% of households", "per 1,000 residents"
    per: float = 1.0  # value = numerator / denominator * per
    decimals: int | None = None  # None: chosen from the values
    direction: Direction = Direction.NEUTRAL
    level: str = "lsoa"  # level and vintage of the published table
    vintage: int = 2021
    period: str = ""  # of a table without a period column
    national: NationalBands | None = None
    error_sd: float | None = None  # standard deviation of a figure's own error, in the layer's unit
    dispersion: float | None = None  # variance over mean of its counts, where they come in clusters
    weighted_by: str = ""  # residents | households: what a percentage without parts may be averaged by
    reference: Reference | None = None
    # services
    access_standard: AccessStandard | None = None
    # both
    completeness: Completeness = Completeness.UNKNOWN
    position: Position | None = None
    fit_for: tuple[str, ...] = FIT_FOR
    columns: dict[str, str] = field(default_factory=dict)  # role -> header of the table
    audience: Audience = Audience.PUBLIC
    disclosure: Disclosure = Disclosure()
    counts_people: bool = False
    synthetic: bool = False
    why_it_matters: str = ""
    caveats: str = ""
    method: str = ""  # how the number came about, in plain words
    sources: tuple[Source, ...] = ()
    licence: str = ""
    contact: str = ""
    next_update: str = ""
    reviewed_by: str = ""
    reviewed_on: str = ""
    extra: dict[str, Any] = field(default_factory=dict)  # keys of other tools, kept on a round trip

    @property
    def never_averaged(self) -> bool:
        """A standardised ratio (SMR, ISR) or a median: no honest figure for a larger area can be made from it (docs/methods).

        Because it says so itself, or because it is called one in its title or unit.
        """
        flagged = bool(self.extra.get("commonground", {}).get("never_averaged"))
        return flagged or _NEVER_AVERAGED.search(f"{self.title}\n{self.unit}") is not None


@dataclass(frozen=True)
class Package:
    """A layer package in memory: a descriptor and its table, whose columns are *roles* (``layers.fields``).

    An indicator's table has one row per area and period with ``area_code`` and ``status``, and those of
    ``value, numerator, denominator, lower, upper, period`` that the publisher gives; a services table has one
    row per site with ``service_id, name, longitude, latitude, easting, northing`` and what else is known.
    """

    descriptor: Descriptor
    table: pd.DataFrame
    sha256: str = ""  # of the file it came from; "" when it was made in memory


@dataclass(frozen=True)
class Viewer:
    """Who is asking. The store answers nothing without one.

    ``own`` False stands for every partner at once: such a viewer sees what all partners may see, and not what its partner
    keeps to itself.
    """

    user: str = ""
    partner: str = ""
    role: str = "public"  # public | viewer | analyst | admin
    own: bool = True

    @property
    def signed_in(self) -> bool:
        return bool(self.user)


PUBLIC = Viewer()
SYSTEM = Viewer(user="system", role="admin")


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with an input: what, where, and what to do next."""

    what: str
    where: str = ""  # file, table or key
    todo: str = ""
    row: int | None = None  # as a person counts in the file: the header is row 1
    column: str = ""
    value: str = ""
    rule: str = ""  # short stable name, e.g. "duplicate-area"
    severity: str = "error"  # error | warning

    def __str__(self) -> str:
        place = ", ".join(
            part
            for part in (
                self.where,
                f"row {self.row}" if self.row is not None else "",
                f"column {self.column}" if self.column else "",
            )
            if part
        )
        text = f"{place}: {self.what}" if place else self.what
        return f"{text} ({self.todo})" if self.todo else text


class Refused(Exception):
    """An input was refused; nothing was changed. Carries every fault that was found, not only the first."""

    def __init__(self, title: str, faults: list[Fault] | tuple[Fault, ...] = ()):
        self.title = title
        self.faults = tuple(faults)
        super().__init__(title)

    def __str__(self) -> str:
        return "\n".join([self.title, *(f"  - {fault}" for fault in self.faults)])


class NotFound(LookupError):
    """There is no such thing for this viewer. What a viewer may not see raises exactly the same."""
