"""What the store hands out: layers, values, versions, audit lines, and the rules of who may see and change them.

The rules stand here once, as pure functions, so that every read and every write asks the same question.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from layers.model import Descriptor, Fault, Kind, NotFound, Refused, Status

STATUSES = tuple(str(status) for status in Status)
"""Words of the status codes in :attr:`Values.arrays`: code 0 is ok, 1 converted, 2 suppressed, 3 missing."""


class Withdrawn(NotFound):
    """The layer (or briefing: ``what``) was withdrawn. Raised only to those who could have seen it; to others it never
    existed. ``layer_id`` is its id."""

    def __init__(self, layer_id: str, title: str, reason: str, at: datetime, what: str = "layer"):
        self.layer_id, self.title, self.reason, self.at, self.what = layer_id, title, reason, at, what
        super().__init__(f"The {what} '{title}' was withdrawn on {at.day} {at:%B %Y}: {reason}")


class NotPermitted(PermissionError):
    """The viewer may see this, but not do that. The text says who may."""


class StoreFault(Refused):
    """The store itself could not do its work (disk full, database locked or damaged). Nothing was changed."""


@dataclass(frozen=True)
class Layer:
    """One layer as it stands in one version. ``kind``, ``title`` and so on are the descriptor's.

    ``published_by`` is a user's name for a signed-in viewer and only the partner's id for the public.
    """

    descriptor: Descriptor
    version: int
    published_at: datetime
    published_by: str
    note: str = ""
    levels: tuple[str, ...] = ()  # levels that have values, smallest areas first
    periods: tuple[str, ...] = ()  # oldest to newest; the last is the default
    reasons: Mapping[str, str] = field(default_factory=dict)  # level -> why it has no values
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # level -> how its converted values came about
    coverage: Mapping[str, int] = field(default_factory=dict)  # lad_code -> areas with a value, or sites
    sites: int = 0
    checked_by: str = ""
    review_on: str = ""
    sha256: str = ""  # of the values: the same hash, the same numbers
    parts: frozenset[tuple[str, str]] = field(default=frozenset(), repr=False)  # (level, period) that have values

    @property
    def id(self) -> str:
        return self.descriptor.id

    @property
    def title(self) -> str:
        return self.descriptor.title

    @property
    def kind(self) -> Kind:
        return self.descriptor.kind

    @property
    def themes(self) -> tuple[str, ...]:
        return self.descriptor.themes

    @property
    def partner(self) -> str:
        return self.descriptor.partner

    @property
    def period(self) -> str:
        """The default period: the newest."""
        return self.periods[-1] if self.periods else ""


@dataclass(frozen=True, eq=False)
class Values:
    """One layer at one level and period, one row per area of the region, in area order.

    ``arrays`` holds read-only numpy arrays: ``value, numerator, denominator, lower, upper`` (float64, NaN where there is
    none) and ``status`` (uint8, position in :data:`STATUSES`). ``reason`` says why the level has no values, else "";
    ``why`` says for single areas, by code, why they have none.
    """

    layer: Layer
    level: str
    period: str
    arrays: Mapping[str, np.ndarray]
    reason: str = ""
    why: Mapping[str, str] = field(default_factory=dict)
    _frame: pd.DataFrame = field(default=None, repr=False)

    @property
    def frame(self) -> pd.DataFrame:
        """The columns of ``layers.fields.VALUES``. A copy-on-write copy: changing it changes nobody else's."""
        return self._frame.copy(deep=False)


@dataclass(frozen=True)
class Version:
    """One published state of a layer. ``state`` is current, scheduled, superseded, cancelled, rolled-back or withdrawn."""

    layer_id: str
    version: int
    state: str
    published_at: datetime
    published_by: str
    effective_at: datetime
    note: str = ""
    checked_by: str = ""
    checked_at: datetime | None = None
    review_on: str = ""
    file_sha256: str = ""
    values_sha256: str = ""
    table_sha256: str = ""
    periods: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    report: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PublishResult:
    """What a publish did. ``warnings`` inform; ``changes`` compares with the version that was shown before."""

    layer_id: str
    version: int
    published_at: datetime
    effective_at: datetime
    report: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class RefreshReport:
    """What opening the store published from the region pack. Layers are named by id, in order.

    ``kept``, ``unfitted``: layer -> why it was left as it is.
    """

    first: bool = False  # the store had not been filled before
    built: str = ""  # as the pack says
    areas_changed: bool = False
    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()  # the pack's content changed
    refitted: tuple[str, ...] = ()  # the same figures, fitted to the new areas
    kept: Mapping[str, str] = field(default_factory=dict)  # the pack changed, but people decided otherwise since
    unfitted: Mapping[str, str] = field(default_factory=dict)  # cannot be fitted to the new areas; matched by code
    gone: tuple[str, ...] = ()  # no longer in the pack; still published
    left_out: Mapping[str, str] = field(default_factory=dict)  # broken in the pack; the version before stands, if any

    def __bool__(self) -> bool:
        """Whether there is anything to tell."""
        told = (self.added, self.updated, self.refitted, self.kept, self.unfitted, self.gone)
        return any(told) or self.areas_changed

    def line(self) -> str:
        """One line for whoever starts the server; "" when nothing happened."""
        if not self:
            return ""

        def several(names, one: str, more: str) -> str:
            return one if len(names) == 1 else f"{len(names)} {more}"

        told = [
            words
            for names, words in (
                (self.updated, several(self.updated, "one layer has a new version", "layers have a new version")),
                (self.added, several(self.added, "one layer is new", "layers are new")),
                (
                    self.refitted,
                    several(self.refitted, "one was fitted to the new areas", "were fitted to the new areas"),
                ),
                (self.kept, several(self.kept, "one was kept as people left it", "were kept as people left them")),
                (self.unfitted, several(self.unfitted, "one does not fit the new areas", "do not fit the new areas")),
                (
                    self.gone,
                    several(self.gone, "one is no longer in the pack and stays", "are no longer in it and stay"),
                ),
            )
            if names
        ]
        if self.first:
            lead = "The layers of the region pack were published"
        else:
            lead = "The region's areas changed" if self.areas_changed else "The region pack was built again"
        return f"{lead}: {', '.join(told) or 'no figure changes'}."


# -- descriptors as JSON -----------------------------------------------------------------------------------------------


def descriptor_as_dict(descriptor: Descriptor) -> dict[str, Any]:
    """Every field of a descriptor, for the store's own use. The store never re-checks what it once accepted, so this
    does not go through the reader of packages, whose rules may tighten."""
    return dataclasses.asdict(descriptor)
