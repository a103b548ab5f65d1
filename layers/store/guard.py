"""What is published, as the guard and the auditor see it: the figures of every version that somebody may read.

The guard looks at everything that is published, whoever may see it: an admin sees it all, and what no admin can work out nobody
else can, nor any two people together. The auditor looks with the eyes of one viewer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from layers.methods.disclosure import looser
from layers.methods.disclosure_guard import Leak, attack, but_large, newly_told
from layers.methods.disclosure_series import Series, series_of, tells
from layers.model import Descriptor, Fault, Kind, Refused, Viewer
from layers.store.blobs import decode_values, in_area_order, parts_of
from layers.store.contents import descriptor_of, read_content
from layers.store.giving_away import GivesAway
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


def series_in(
    blob: bytes, descriptor: Descriptor, layers: Versioned, version: int, *, mine: bool = False
) -> list[Series]:
    """The quantities of one version's stored values."""
    region = layers.database.region
    frames = {}
    for level, period in parts_of(blob):
        part, codes = decode_values(blob, level, period), region.codes(level)
        if part.area_code.to_pylist() != codes.tolist():  # published for other areas: those that are still there count
            part = dataclasses.replace(part, arrays=in_area_order(part.area_code, part.arrays, codes))
        frames[level, period] = part.arrays
    return series_of(frames, descriptor, nest_of(region), version=version, mine=mine)


class Overtaken(Refused):
    """What is published changed while something was checked against it: to be checked again."""


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

    def check_still_so(self, connection: sa.Connection, now: datetime) -> None:
        """Raise :class:`Overtaken` when what was looked at is not what is published now."""
        if self.basis is None:
            return
        if self.basis != {(one.layer, one.version) for one in open_versions(connection, self.layers, now)}:
            what = "something else was published or withdrawn while it was being checked against the rest"
            raise Overtaken("Nothing was published.", [Fault(what, "version", "publish it again", rule="overtaken")])


def read_series(connection: sa.Connection, layers: Versioned, versions: Iterable[OpenVersion]) -> Iterable[Series]:
    for one in versions:
        if tells(one.descriptor):
            blob = read_content(connection, one.layer, one.version, "values")
            yield from series_in(blob, one.descriptor, layers, one.version)


# -- the way back ------------------------------------------------------------------------------------------------------


class ShownAgain:
    """Whether a version that is shown to nobody now may be shown again, beside everything that was published since. It is
    looked at before the transaction that shows it, which then asks with :meth:`is_still_so` whether that still holds."""

    def __init__(self, layers: Versioned, found: FoundThing, version: int):
        self.layers, self.version, self.id = layers, version, found.id
        self.published = Published(layers, layers.database.reading)
        with layers.database.reading() as connection:
            row = layers.kind.version_row(connection, found.id, version)
            shown = {(one.layer, one.version) for one in open_versions(connection, layers, layers.database.now())}
            self.descriptor = descriptor_of(row) if row is not None else None
            new = row is not None and (found.id, version) not in shown and tells(self.descriptor)
            blob = read_content(connection, found.id, version, "values") if new else None
        self.leaks: tuple[Leak, ...] = ()
        if blob is not None:
            mine = series_in(blob, self.descriptor, layers, version, mine=True)
            # Versions that came after it are closed by going back; so is one from before the guard, unless it is this one.
            others = [one for one in self.published() if one.layer != found.id or one.version < version]
            self.leaks = newly_told(mine, others, nest_of(layers.database.region))

    def check(self) -> None:
        if self.leaks:
            raise GivesAway(self.descriptor, self.leaks, f"Version {self.version} of '{self.id}' was not shown again")

    def is_still_so(self, connection: sa.Connection, now: datetime) -> None:
        self.published.check_still_so(connection, now)


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
    return audit_groups(layers, [viewers], only=only)[0]


def audit_groups(layers: Versioned, groups: Sequence[Sequence[Viewer]], *, only: str = "") -> list[Audit]:
    """:func:`audit_disclosure` of several groups of viewers. Groups that see the same are attacked once."""
    database, region = layers.database, layers.database.region
    with database.reading() as connection:
        everything = open_versions(connection, layers, database.now())
        series: dict[tuple[str, int], list[Series]] = {}
        for one in read_series(connection, layers, everything):
            series.setdefault((one.layer, one.version), []).append(one)
    done: dict[tuple[int, ...], Audit] = {}
    looked_at: dict = {}  # see :func:`attack`
    out = []
    for viewers in groups:
        seen = tuple(
            at
            for at, one in enumerate(everything)
            if any(may_see(one.descriptor, viewer, region) for viewer in viewers)
        )
        if seen not in done:
            done[seen] = _audit([everything[at] for at in seen], series, nest_of(region), only, looked_at)
        out.append(done[seen])
    return out


def _audit(
    versions: Sequence[OpenVersion], everything: dict[tuple[str, int], list[Series]], nest, only: str, looked_at: dict
) -> Audit:
    series = [one for version in versions for one in everything.get((version.layer, version.version), ())]
    found = attack(series, nest, looked_at)
    if found and len(versions) < len(everything):
        found = but_large(found, [one for some in everything.values() for one in some], nest)
    if only:
        found = [leak for leak in found if only in (leak.layer, *leak.through)]
    older = [(one.layer, one.version) for one in versions if looser(one.descriptor)]
    # A row of a table is hidden once, whatever stands in it.
    hidden = {(one.layer, one.version, one.period): int(one.hidden.sum()) for one in series if one.guarded}
    return Audit(len(versions), sum(hidden.values()), tuple(found), tuple(older))
