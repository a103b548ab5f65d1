"""Layers in the store: publishing packages as their versions. Rolling back and withdrawing are those of every versioned thing.

A publish is prepared first (:mod:`layers.store.preparing`), which is slow and holds no lock. The write is one transaction that
checks the permission again against what the store says *then*, adds rows, and either commits all of them or none.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from layers.model import PUBLIC, Descriptor, Fault, Kind, Package, Refused, Viewer
from layers.names import faults_of_name
from layers.store import preparing, tables, taken
from layers.store.audit import Attempt
from layers.store.blobs import decode_table, sha256
from layers.store.contents import descriptor_of, read_content
from layers.store.giving_away import GivesAway
from layers.store.guard import Overtaken, Published, ShownAgain
from layers.store.permissions import may_change, may_see
from layers.store.preparing import KeptPeriods, Prepared
from layers.store.records import NotPermitted, PublishResult, descriptor_as_dict
from layers.store.versioned import FoundThing, Versioned, VersionedKind

LAYERS = VersionedKind(
    what="layer",
    key="layer_id",
    things=tables.layers,
    versions=tables.versions,
    pointers=tables.pointers,
    handed_in="package",
    long_columns=("summary", "report", "changes"),
)


MOST_TURNS = 4
"""How often a publish is checked anew because something else was published meanwhile."""


@dataclass(frozen=True)
class Submission:
    """One package on its way into the store; the keywords are those of :meth:`Layers.publish`."""

    package: Package
    replace_ok: bool = True
    append: bool = False
    expecting: int | None = None
    checks: Mapping[str, Any] | None = None


class Layers(Versioned):
    """What changes the layers of a store. Reading them is :class:`layers.store.store.Store`, which adds itself to this."""

    kind = LAYERS

    def partner_of(self, thing: sa.Row, row: sa.Row) -> str:
        return json.loads(row.descriptor)["partner"]

    def is_there_for(self, found: FoundThing, viewer: Viewer) -> bool:
        if may_change(found.partner, viewer):
            return True
        # One that waits for its first date is not there: nothing of it was ever shown.
        return found.standing.last is not None and may_see(descriptor_of(found.row), viewer, self.database.region)

    def look_back(self, thing_id: str, version: int, by: Viewer) -> Callable[[sa.Connection, datetime], None]:
        with self.database.reading() as connection:
            found = self.find_to_change(connection, thing_id, by, self.database.now())
            if 1 <= version <= found.newest:
                self.check_way_back(connection, found, version, by)
        if found.thing.kind != Kind.INDICATOR or found.standing.state(version) in ("scheduled", "cancelled"):
            return super().look_back(thing_id, version, by)
        looked = ShownAgain(self, found, version)
        with self.told_to(by):
            looked.check()
        return looked.is_still_so

    def check_way_back(self, connection: sa.Connection, found: FoundThing, version: int, by: Viewer) -> None:
        row = self.kind.version_row(connection, found.id, version)
        if not may_change(self.partner_of(found.thing, row), by):
            raise NotPermitted(f"Version {version} of '{found.id}' belongs to another partner; ask an admin.")

    def publish(
        self,
        package: Package,
        *,
        by: Viewer,
        note: str = "",
        at: datetime | None = None,
        replace_ok: bool = True,
        append: bool = False,
        expecting: int | None = None,
        checked_by: str = "",
        review_on: str = "",
        checks: Mapping[str, Any] | None = None,
    ) -> PublishResult:
        """Publish a package as the next version of its layer: harmonised, protected and written in one transaction.

        ``at``: show it from then on (aware datetime); now, or a past moment, means at once. ``replace_ok=False`` refuses
        an id that exists. ``append`` keeps the periods of the version shown that the package does not bring.
        ``expecting`` is the newest version that the publisher knew of (0: none) and refuses if there is a newer one.
        ``checks`` says what was checked beforehand, in numbers and rules only; it is kept with the version's report, which
        everybody who sees the layer may read.
        An analyst may publish for their own partner, an admin for any. Raises :class:`NotPermitted` or :class:`Refused`;
        then nothing has changed but one audit line.
        """
        one = Submission(package, replace_ok=replace_ok, append=append, expecting=expecting, checks=checks)
        return self.publish_all([one], by=by, note=note, at=at, checked_by=checked_by, review_on=review_on)[0]

    def publish_all(
        self,
        submissions: Sequence[Submission],
        *,
        by: Viewer,
        note: str = "",
        at: datetime | None = None,
        checked_by: str = "",
        review_on: str = "",
    ) -> tuple[PublishResult, ...]:
        """Publish several layers as :meth:`publish` does, in one transaction: if one is refused, none is published."""
        first = submissions[0].package.descriptor.id if submissions else ""
        with self.refusals_noted(by, "publish", first) as tried, taken.counted(self.database, by) as tries:
            _check_moment(at)
            review_on = _day(review_on)
            _check_ids(submissions)
            for turn in range(MOST_TURNS):  # somebody else may publish while this is checked against the rest
                try:
                    return self._publish_once(submissions, tried, tries, by, note, at, checked_by, review_on)
                except Overtaken:
                    if turn == MOST_TURNS - 1:
                        raise
            raise AssertionError("there is always a last turn")

    def _publish_once(
        self,
        submissions: Sequence[Submission],
        tried: Attempt,
        tries: taken.Tries,
        by: Viewer,
        note: str,
        at: datetime | None,
        checked_by: str,
        review_on: str,
    ) -> tuple[PublishResult, ...]:
        ready: list[tuple[Submission, Prepared, int | None]] = []
        faults: list[Fault] = []
        unnamed: dict[str, tuple[str, ...]] = {}
        published = Published(self, self.database.reading)
        for one in submissions:
            layer_id = tried.of = one.package.descriptor.id
            self._permit(by, one.package.descriptor, None)
            try:
                package, base, kept = self.appended(one.package, by) if one.append else (one.package, None, None)
                with self.told_to(by):
                    prepared = preparing.prepare(package, self.database.region, published, kept)
                published.add(prepared.descriptor, prepared.values)
            except Refused as refused:
                if len(submissions) == 1:
                    raise
                faults += [dataclasses.replace(f, where=f"{layer_id} {f.where}".strip()) for f in refused.faults]
                for unseen, told in getattr(refused, "unnamed", {}).items():
                    unnamed[unseen] = unnamed.get(unseen, ()) + told
                continue
            if one.checks:
                prepared = dataclasses.replace(prepared, report={**prepared.report, "checks": dict(one.checks)})
            ready.append((one, prepared, base))
        if faults:
            error = Refused("None of the layers was published.", faults)
            error.unnamed = unnamed
            raise error
        done = []
        with self.database.writing() as connection:
            now = self.database.now()
            published.check_still_so(connection, now)
            for one, prepared, base in ready:
                layer_id = tried.of = one.package.descriptor.id
                found = self.find(connection, layer_id, now)
                known = self.known_to(found, by)
                tries.check(is_new=known is None)
                self._permit(by, one.package.descriptor, known)
                self._check_replaces(one, known)
                _check_base(layer_id, known, base)
                tries.missed = found is not None and known is None
                self._permit(by, one.package.descriptor, found)
                done.append(
                    self.write_version(
                        connection,
                        prepared,
                        found,
                        by=by,
                        now=now,
                        note=note,
                        at=at if at is not None and at > now else None,
                        checked_by=checked_by,
                        review_on=review_on,
                    )
                )
        return tuple(done)

    def prepared(self, package: Package, kept: KeptPeriods | None = None, *, by: Viewer = PUBLIC) -> Prepared:
        """A package as :meth:`publish` would write it now, checked against everything published. Raises :class:`Refused`, in
        which layers that ``by`` may not see have no names."""
        with self.told_to(by):
            return preparing.prepare(package, self.database.region, Published(self, self.database.reading), kept)

    @contextlib.contextmanager
    def told_to(self, by: Viewer) -> Iterator[None]:
        """What would give small numbers away is told without what this viewer may not see."""
        try:
            yield
        except GivesAway as error:
            with self.database.reading() as connection:
                now = self.database.now()
                there = {one: self.find(connection, one, now) for one in error.layers}
            unseen = {one for one, found in there.items() if found is not None and self.known_to(found, by) is None}
            raise error.without(unseen) from None

    def _permit(self, by: Viewer, descriptor: Descriptor, found: FoundThing | None) -> None:
        """An analyst publishes for their own partner, and cannot take a layer over; an admin publishes anything."""
        self.permit(by, descriptor.partner)
        if found is not None and not may_change(found.partner, by):
            # The same words whether or not the other partner's layer is visible to this analyst.
            raise NotPermitted(
                f"The id '{descriptor.id}' is taken by another partner; choose another id for the layer."
            )

    def _check_replaces(self, one: Submission, found: FoundThing | None) -> None:
        descriptor, faults = one.package.descriptor, []
        if found and not one.replace_ok:
            todo = "publish it as a new version of that layer, or choose another id"
            faults.append(Fault(f"there is already a layer '{descriptor.id}'", "id", todo))
        if found and found.thing.kind != descriptor.kind:
            what = f"the layer was published as {found.thing.kind}, this package is {descriptor.kind}"
            faults.append(Fault(what, "kind", "choose another id for it"))
        if faults := [*faults, *self.overtaken(descriptor.id, found, one.expecting)]:
            raise Refused(f"The layer '{descriptor.id}' was not published.", faults)

    def appended(self, package: Package, by: Viewer) -> tuple[Package, int, KeptPeriods]:
        """The package with the periods of the version now shown that it does not bring itself, the number of that version, and
        the figures of those periods as they are shown.

        Raises :class:`Refused` where the two do not compare (boundaries, measure, unit) or there is nothing to add to,
        :class:`NotPermitted` like publishing."""
        layer_id = package.descriptor.id
        if package.descriptor.kind != Kind.INDICATOR:
            fault = Fault("a list of services has no periods", f"layer '{layer_id}'", "publish the whole list")
            raise Refused("There is nothing to append to.", [fault])
        with self.database.reading() as connection:
            found = self.known_to(self.find(connection, layer_id, self.database.now()), by)
            if found is None or (base := found.standing.current) is None:
                what = f"there is no layer '{layer_id}' to add a period to"
                fault = Fault(what, "id", "publish it without appending first")
                raise Refused("There is nothing to append to.", [fault])
            self._permit(by, package.descriptor, found)
            old = decode_table(read_content(connection, layer_id, base, "table"))
            values = read_content(connection, layer_id, base, "values")
            before = descriptor_of(found.row)
        new = package.descriptor
        keys = ("level", "vintage", "measure", "unit", "per")
        if faults := [
            Fault(
                f"the layer has {getattr(before, key)}, this package has {getattr(new, key)}",
                key,
                "publish a new layer",
            )
            for key in keys
            if getattr(before, key) != getattr(new, key)
        ]:
            raise Refused(f"The periods of '{layer_id}' would not compare.", faults)
        had, brings = (
            table
            if "period" in table
            else table.assign(period=pd.Series(descriptor.period, index=table.index, dtype="str"))
            for table, descriptor in ((old, before), (package.table, new))
        )
        had = had[~had["period"].isin(brings["period"])]
        table = pd.concat([had, brings], ignore_index=True)
        return dataclasses.replace(package, table=table), base, KeptPeriods(values, frozenset(had["period"]), before)

    def write_version(
        self,
        connection: sa.Connection,
        prepared: Prepared,
        found: FoundThing | None,
        *,
        by: Viewer,
        now: datetime,
        note: str = "",
        at: datetime | None = None,
        checked_by: str = "",
        review_on: str = "",
    ) -> PublishResult:
        """Add the rows of one version inside the caller's transaction."""
        descriptor = prepared.descriptor
        layer_id, before = descriptor.id, None
        if found and (current := found.standing.current) is not None:
            before = (current, read_content(connection, layer_id, current, "values"))
        changed = preparing.changes(before, prepared.values, descriptor.kind)
        row = self.next_row(
            layer_id, found, by=by, now=now, note=note, checked_by=checked_by, checked_at=now if checked_by else None,
            review_on=review_on,
        ) | {
            "effective_at": at,
            "file_sha256": prepared.file_sha256,
            "descriptor": tables.to_json(descriptor_as_dict(descriptor), in_order=False),  # the order of columns is theirs
            "summary": tables.to_json(prepared.summary),
            "report": tables.to_json(prepared.report),
            "changes": tables.to_json(changed),
            "values_sha256": sha256(prepared.values),
            "table_sha256": sha256(prepared.table),
        }  # fmt: skip
        row["record_sha256"] = record_sha256(row)
        detail = {"title": descriptor.title} | ({} if at is None else {"effective_at": at.isoformat()})
        self.add_version(connection, found, row, by=by, detail=detail, thing={"kind": str(descriptor.kind)})
        for part, blob in (("values", prepared.values), ("table", prepared.table)):
            content = {"layer_id": layer_id, "version": row["version"], "part": part, "parquet": blob}
            connection.execute(sa.insert(tables.contents).values(content))
        return PublishResult(
            layer_id=layer_id,
            version=row["version"],
            published_at=now,
            effective_at=at or now,
            report=prepared.report,
            changes=changed,
            warnings=prepared.warnings,
        )


# -- what is checked before --------------------------------------------------------------------------------------------


def _check_ids(submissions: Sequence[Submission]) -> None:
    ids = [one.package.descriptor.id for one in submissions]
    if faults := [fault for layer_id in ids for fault in faults_of_name(layer_id, "id")]:
        raise Refused("The layer was not published." if len(ids) == 1 else "None of the layers was published.", faults)
    if twice := sorted({layer_id for layer_id in ids if ids.count(layer_id) > 1}):
        faults = [Fault(f"two of the layers have the id '{one}'", "id", "give each its own title") for one in twice]
        raise Refused("None of the layers was published.", faults)


def _check_moment(at: datetime | None) -> None:
    if at is not None and at.tzinfo is None:
        fault = Fault(f"{at} has no time zone", "date of publishing", "give it one, for example Europe/London")
        raise Refused("The date of publishing is not clear.", [fault])


def _day(text: str) -> str:
    """An ISO day, or "" for none. Raises :class:`Refused` for anything else."""
    if not text:
        return ""
    try:
        return date.fromisoformat(str(text)).isoformat()
    except ValueError:
        fault = Fault(f"'{text}' is not a date", "review date", "write it as 2026-03-31")
        raise Refused("The review date cannot be read.", [fault]) from None


def _check_base(layer_id: str, found: FoundThing | None, base: int | None) -> None:
    """What was withdrawn or rolled back while its periods were added to a new one must not come back with it."""
    if base is not None and (found is None or found.standing.current != base):
        what = f"version {base}, whose periods were to be kept, is not the one that is shown any more"
        fault = Fault(what, "version", "look at what changed, then publish again", rule="overtaken")
        raise Refused(f"The layer '{layer_id}' was not published.", [fault])


# -- what a version holds ----------------------------------------------------------------------------------------------


def record_sha256(record: Mapping[str, Any]) -> str:
    """Hash over everything a version says, its two tables included by their own hashes."""
    keys = ("descriptor", "summary", "report", "changes", "values_sha256", "table_sha256")
    return sha256(tables.to_json({key: record[key] for key in keys}).encode())
