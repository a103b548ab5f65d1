"""What is published, as the guard and the auditor see it: the figures of every version that somebody may read.

The guard looks at everything that is published, whoever may see it: an admin sees it all, and what no admin can work out nobody
else can, nor any two people together. The auditor looks with the eyes of one viewer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from layers.methods.disclosure import looser
from layers.methods.disclosure_guard import Leak, attack
from layers.methods.disclosure_series import Series, series_of, tells
from layers.model import Descriptor, Kind, Viewer
from layers.store.blobs import decode_values, parts_of
from layers.store.contents import descriptor_of, read_content
from layers.store.permissions import may_see
from layers.store.preparing import nest_of
from layers.store.versioned import FoundThing, Versioned


@dataclass(frozen=True)
class OpenVersion:
    """One version of an indicator that those who may see it may read."""

    layer: str
    version: int
    descriptor: Descriptor
    current: bool


def open_versions(connection: sa.Connection, layers: Versioned, now: datetime) -> list[OpenVersion]:
    """Every version that is shown, may be read by number, or waits for its date."""
    out = []
    for found in layers.find_all(connection, now):
        if found.thing.kind != Kind.INDICATOR:
            continue
        stands = found.standing
        wanted = {*stands.open, *(p.version for p in stands.scheduled)}
        wanted |= {stands.current} - {None}
        for version in sorted(wanted):
            descriptor = descriptor_of(_row(connection, layers, found, version))
            if version in stands.open and version != stands.current and looser(descriptor):
                continue  # closed: see :meth:`layers.store.store.Store.layer`
            out.append(OpenVersion(found.id, version, descriptor, version == stands.current))
    return out


def _row(connection: sa.Connection, layers: Versioned, found: FoundThing, version: int) -> sa.Row:
    return found.row if found.row.version == version else layers.kind.version_row(connection, found.id, version)


def series_in(blob: bytes, descriptor: Descriptor, layers: Versioned, version: int) -> list[Series]:
    """The quantities of one version's stored values."""
    region = layers.database.region
    frames = {}
    for level, period in parts_of(blob):
        part = decode_values(blob, level, period)
        if len(part.area_code) == len(region.codes(level)):
            frames[level, period] = part.arrays
    return series_of(frames, descriptor, nest_of(region), version=version)


@dataclass
class Published:
    """The series of everything published, read when first asked for and kept while several layers are published."""

    layers: Versioned
    reading: Callable[[], AbstractContextManager[sa.Connection]]
    basis: frozenset[tuple[str, int]] | None = None  # the versions that were looked at
    found: list[Series] = field(default_factory=list)

    def __call__(self) -> Sequence[Series]:
        if self.basis is None:
            with self.reading() as connection:
                versions = open_versions(connection, self.layers, self.layers.database.now())
                self.found = list(read_series(connection, self.layers, versions))
            self.basis = frozenset((one.layer, one.version) for one in versions)
        return self.found

    def add(self, descriptor: Descriptor, values: bytes, version: int = 0) -> None:
        """What is about to be published beside the others."""
        if self.basis is not None and tells(descriptor):
            self.found += series_in(values, descriptor, self.layers, version)

    def is_still_so(self, connection: sa.Connection, now: datetime) -> bool:
        """Whether what was looked at is what is published now; True when nothing was looked at."""
        if self.basis is None:
            return True
        return self.basis == {(one.layer, one.version) for one in open_versions(connection, self.layers, now)}


def read_series(connection: sa.Connection, layers: Versioned, versions: Iterable[OpenVersion]) -> Iterable[Series]:
    for one in versions:
        if tells(one.descriptor):
            blob = read_content(connection, one.layer, one.version, "values")
            yield from series_in(blob, one.descriptor, layers, one.version)


# -- the auditor -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Audit:
    """What an attacker who sees what one viewer sees can find out."""

    layers: int  # versions looked at
    hidden: int  # cells that are withheld in them
    leaks: tuple[Leak, ...]
    before_the_guard: tuple[tuple[str, int], ...]  # layer and version of people's counts under a looser rule

    @property
    def clean(self) -> bool:
        return not self.leaks


def audit_disclosure(layers: Versioned, viewers: Sequence[Viewer], *, only: str = "") -> Audit:
    """Attack what these viewers see together. ``only``: tell of what the layer of this id takes part in."""
    database, region = layers.database, layers.database.region
    with database.reading() as connection:
        versions = [
            one
            for one in open_versions(connection, layers, database.now())
            if any(may_see(one.descriptor, viewer, region) for viewer in viewers)
        ]
        series = list(read_series(connection, layers, versions))
    found = attack(series, nest_of(region))
    if only:
        found = [leak for leak in found if only in (leak.layer, *leak.through)]
    older = [(one.layer, one.version) for one in versions if looser(one.descriptor)]
    # A row of a table is hidden once, whatever stands in it.
    hidden = {(one.layer, one.version, one.period): int(one.hidden.sum()) for one in series if one.guarded}
    return Audit(len(versions), sum(hidden.values()), tuple(found), tuple(older))
