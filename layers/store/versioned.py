"""Versions: the one dialect in which a thing is published, shown, brought back and withdrawn.

A thing (a layer, a briefing) has numbered versions that never change, and decisions, called pointers, about which of them is
shown from when on. :class:`Versioned` is all that the kinds of things have in common. A new kind is three tables of the same
make and a subclass that names them, says whose a thing is and who may see it, and writes and reads what its versions hold.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from layers.model import Fault, NotFound, Refused, Viewer
from layers.names import faults_of_name, is_name
from layers.store.audit import Attempt, add_line, refusals_noted
from layers.store.database import Database
from layers.store.permissions import may_change
from layers.store.records import NotPermitted

# -- which version is shown --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pointer:
    """One decision about which version a thing shows; see ``pointers`` in :mod:`layers.store.tables`."""

    seq: int
    action: str  # publish | rollback | withdraw
    version: int | None
    at: datetime
    effective_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True)
class Standing:
    """Where a thing stands at one moment.

    ``open`` holds the versions that whoever may see the thing may also read by number: those that were shown, unless a
    roll back or a withdrawal took them away (they may have been taken away because they disclosed something).
    """

    current: int | None = None
    decided: Pointer | None = None  # the decision that made it so; None: nothing was shown yet
    last: int | None = None  # the version that was last shown: decides who could have seen a withdrawn one
    withdrawn: Pointer | None = None
    scheduled: tuple[Pointer, ...] = ()
    open: frozenset[int] = frozenset()
    retracted: Mapping[int, str] = field(default_factory=dict)  # version -> rolled-back | withdrawn | cancelled

    def state(self, version: int) -> str:
        if version == self.current:
            return "current"
        if any(pointer.version == version for pointer in self.scheduled):
            return "scheduled"
        return self.retracted.get(version, "superseded")


def standing(pointers: Iterable[Pointer], now: datetime) -> Standing:
    """Replay a thing's decisions up to ``now``.

    Decisions count in the order in which they were taken, whatever the clock said (it may have been set back). Only a
    version with a date waits for it, and then replaces what is shown. A roll back or a withdrawal is the last word: it
    also cancels every version that still waits.
    """
    current = decided = last = withdrawn = None
    waiting: list[Pointer] = []
    shown: set[int] = set()
    retracted: dict[int, str] = {}

    def apply(pointer: Pointer) -> None:
        nonlocal current, decided, last, withdrawn
        decided = pointer
        if pointer.action == "withdraw":
            retracted.update((version, "withdrawn") for version in shown)
            current, withdrawn = None, pointer
            return
        if pointer.action == "rollback":
            retracted.update((version, "rolled-back") for version in shown if version > pointer.version)
        current = last = pointer.version
        withdrawn = None
        shown.add(pointer.version)
        retracted.pop(pointer.version, None)

    def apply_due(moment: datetime) -> None:
        for pointer in sorted((p for p in waiting if p.effective_at <= moment), key=lambda p: (p.effective_at, p.seq)):
            waiting.remove(pointer)
            apply(pointer)

    for pointer in sorted(pointers, key=lambda p: p.seq):
        apply_due(pointer.at)
        if pointer.effective_at is not None and pointer.effective_at > pointer.at:
            waiting.append(pointer)
            continue
        if pointer.action != "publish":
            retracted.update((p.version, "cancelled") for p in waiting)
            waiting.clear()
        apply(pointer)
    apply_due(now)
    return Standing(
        current=current,
        decided=decided,
        last=last,
        withdrawn=withdrawn,
        scheduled=tuple(sorted(waiting, key=lambda p: (p.effective_at, p.seq))),
        open=frozenset(shown) - retracted.keys(),
        retracted=retracted,
    )


# -- what every kind of thing does -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FoundThing:
    """A thing as one transaction sees it. ``row`` is the version that decides who may see it, without its long columns: the
    one that is shown, else the one that was shown last, else the newest. ``thing`` is what is kept of it for good."""

    id: str
    partner: str  # whose analysts may change it
    standing: Standing
    newest: int
    row: sa.Row
    thing: sa.Row


@dataclass(frozen=True)
class VersionedKind:
    """What tells the kinds of things apart: their tables, their names and their words."""

    what: str  # what one is called, in sentences
    key: str  # the column of its id in ``versions`` and ``pointers``
    things: sa.Table
    versions: sa.Table
    pointers: sa.Table
    long_columns: tuple[str, ...]  # of ``versions``: what is not read to find a thing
    handed_in: str = "one"  # what its publisher hands in
    of: str = ""  # its name and a colon, before its id in the audit trail; then ``things`` has a column ``partner``
    prefix: str = ""  # before what is done to it, in the audit trail
    back: str = "rollback"  # what showing an earlier version again is called in the tables,
    went_back: str = "rolled back"  # and in sentences
    why_back: str = "say in a sentence why; people who follow a link will read it"
    why_withdraw: str = "say in a sentence why; people who follow a link will read it"

    @property
    def dated(self) -> bool:
        """Whether a version can be published for a later date."""
        return "effective_at" in self.pointers.c

    def name_in_audit(self, thing_id: str) -> str:
        return self.of + thing_id[: self.things.c.id.type.length]

    def nothing(self, thing_id: str) -> str:
        """The one sentence for a thing that is not there, and for one that this viewer may not see."""
        return f"There is no {self.what} '{thing_id}'."

    def pointers_of(self, connection: sa.Connection, thing_id: str | None = None) -> dict[str, list[Pointer]]:
        """The decisions about every thing, or about one, in the order in which they were taken."""
        table = self.pointers
        query = sa.select(table).order_by(table.c.seq)
        if thing_id is not None:
            query = query.where(table.c[self.key] == thing_id)
        found: dict[str, list[Pointer]] = {}
        for row in connection.execute(query):
            action = "rollback" if row.action == self.back else row.action
            at = row.effective_at if self.dated else None
            pointer = Pointer(row.seq, action, row.version, row.at, at, row.reason)
            found.setdefault(row._mapping[self.key], []).append(pointer)
        return found

    def version_row(self, connection: sa.Connection, thing_id: str, version: int) -> sa.Row | None:
        columns = self.versions.c
        query = sa.select(self.versions).where(columns[self.key] == thing_id, columns.version == version)
        return connection.execute(query).first()

    def point(
        self,
        connection: sa.Connection,
        thing_id: str,
        action: str,
        version: int | None,
        *,
        by: Viewer,
        now: datetime,
        reason: str,
        detail: Mapping[str, Any],
        at: datetime | None = None,
    ) -> None:
        """Say which version a thing shows from now on (or from ``at``), with its audit line."""
        of, told = self.name_in_audit(thing_id), self.prefix + action
        seq = add_line(connection, at=now, by=by, action=told, of=of, version=version, detail=detail)
        row = {"seq": seq, self.key: thing_id, "action": action, "version": version, "at": now, "reason": reason}
        row |= {"effective_at": at} if self.dated else {}
        connection.execute(sa.insert(self.pointers).values(**row, by=by.user))


class Versioned:
    """The things of one kind in one store. A subclass says which kind, and fills in the first two methods."""

    kind: VersionedKind

    def __init__(self, database: Database):
        self.database = database

    def partner_of(self, thing: sa.Row, row: sa.Row) -> str:
        """Whose a thing is."""
        raise NotImplementedError

    def is_there_for(self, found: FoundThing, viewer: Viewer) -> bool:
        """Whether a viewer may know that it exists."""
        raise NotImplementedError

    def check_way_back(self, connection: sa.Connection, found: FoundThing, version: int, by: Viewer) -> None:
        """Raise when this person may not show this version again. They may, unless the kind says otherwise."""

    def look_back(self, thing_id: str, version: int, by: Viewer) -> Callable[[sa.Connection, datetime], None]:
        """Raise when showing this version again would tell what must stay hidden. Slow, and so before the transaction, which
        calls what this gives to ask whether it still holds. Nothing, unless the kind says otherwise."""
        return lambda _connection, _now: None

    def find(self, connection: sa.Connection, thing_id: str, now: datetime) -> FoundThing | None:
        return next(iter(self.find_all(connection, now, thing_id)), None) if is_name(thing_id) else None

    def find_all(self, connection: sa.Connection, now: datetime, thing_id: str | None = None) -> list[FoundThing]:
        """Every thing, or the one of this id, by id; with three questions to the database however many there are."""
        kind, columns = self.kind, self.kind.versions.c
        stands, decides = {}, {}
        for key, pointers in kind.pointers_of(connection, thing_id).items():
            stand, newest = standing(pointers, now), max(pointer.version or 0 for pointer in pointers)
            stands[key], decides[key] = (stand, newest), stand.current or stand.last or newest
        things = sa.select(kind.things).order_by(kind.things.c.id)
        short = sa.select(*(column for column in columns if column.name not in kind.long_columns))
        if thing_id is not None:
            things = things.where(kind.things.c.id == thing_id)
            short = short.where(columns[kind.key] == thing_id, columns.version == decides.get(thing_id))
        rows = {
            row._mapping[kind.key]: row
            for row in connection.execute(short)
            if row.version == decides.get(row._mapping[kind.key])
        }
        return [
            FoundThing(thing.id, self.partner_of(thing, rows[thing.id]), *stands[thing.id], rows[thing.id], thing)
            for thing in connection.execute(things)
            if thing.id in rows  # none is ever made without a version and a pointer; `check` tells of it
        ]

    def find_to_change(self, connection: sa.Connection, thing_id: str, by: Viewer, now: datetime) -> FoundThing:
        found = self.find(connection, thing_id, now)
        if found is None or not self.is_there_for(found, by):
            raise NotFound(self.kind.nothing(thing_id))
        if not may_change(found.partner, by):
            owner = self.database.region.partner(found.partner)
            raise NotPermitted(
                f"Only analysts of {owner.name if owner else 'its partner'} and admins may change the {self.kind.what} "
                f"'{thing_id}'."
            )
        return found

    def known_to(self, found: FoundThing | None, by: Viewer) -> FoundThing | None:
        """What somebody who publishes may go by: one that is hidden from them is not there (:mod:`layers.store.taken`)."""
        return found if found is not None and self.is_there_for(found, by) else None

    def permit(self, by: Viewer, partner: str) -> None:
        """Who may publish: an analyst for their own partner, an admin for any. Raises :class:`NotPermitted`."""
        what = self.kind.what
        if may_change(partner, by):
            return
        if not by.signed_in:
            raise NotPermitted(f"Sign in to publish a {what}.")
        if by.role != "analyst":
            raise NotPermitted(f"Only analysts and admins may publish a {what}; '{by.user}' is a {by.role}.")
        raise NotPermitted(
            f"'{by.user}' may publish {what}s of '{by.partner}' only; this {self.kind.handed_in} says '{partner}'."
        )

    def overtaken(self, thing_id: str, found: FoundThing | None, expecting: int | None) -> list[Fault]:
        """What to say to a publisher who knew of the version ``expecting`` (0: none) when there is a newer one."""
        newest = found.newest if found else 0
        if expecting is None or expecting == newest:
            return []
        what = f"version {newest} was published meanwhile; you were working from version {expecting}"
        return [Fault(what, "version", "look at what changed, then publish again", rule="overtaken")]

    def next_row(
        self,
        thing_id: str,
        found: FoundThing | None,
        *,
        by: Viewer,
        now: datetime,
        note: str,
        checked_by: str,
        checked_at: datetime | None,
        review_on: str,
    ) -> dict[str, Any]:
        """What the next version of every kind of thing says; the kind puts its content and ``record_sha256`` beside it.

        Raises :class:`Refused` for an id that cannot be one: this is the door of every kind."""
        if faults := faults_of_name(thing_id, "id"):
            raise Refused(f"The {self.kind.what} was not published.", faults)
        return {
            self.kind.key: thing_id,
            "version": found.newest + 1 if found else 1,
            "published_at": now,
            "published_by": by.user,
            "note": note,
            "checked_by": checked_by,
            "checked_at": checked_at,
            "review_on": review_on,
        }

    def add_version(
        self,
        connection: sa.Connection,
        found: FoundThing | None,
        row: Mapping[str, Any],
        *,
        by: Viewer,
        detail: Mapping[str, Any],
        thing: Mapping[str, Any],
    ) -> None:
        """Write a whole row of ``versions`` and show it, inside the caller's transaction. ``thing`` is what is kept for good
        of one that is new."""
        thing_id, now = row[self.kind.key], row["published_at"]
        if found is None:
            made = {"id": thing_id, "made_at": now, "made_by": by.user, **thing}
            connection.execute(sa.insert(self.kind.things).values(made))
        connection.execute(sa.insert(self.kind.versions).values(row))
        told = {"note": row["note"], "sha256": row["record_sha256"], "checked_by": row["checked_by"], **detail}
        self.kind.point(
            connection, thing_id, "publish", row["version"], by=by, now=now, at=row.get("effective_at"),
            reason=row["note"], detail=told,
        )  # fmt: skip

    def refusals_noted(self, by: Viewer, action: str, thing_id: str) -> contextlib.AbstractContextManager[Attempt]:
        """See :func:`layers.store.audit.refusals_noted`."""
        kind = self.kind
        return refusals_noted(self.database, by, f"{kind.prefix}{action}-refused", kind.name_in_audit(thing_id))

    def rollback(self, thing_id: str, to: int, by: Viewer, reason: str) -> None:
        """Show an earlier version again, of a withdrawn thing too, and cancel those that still wait for their date. Versions
        themselves stay as they are; the ones after ``to`` are closed to all but those who may change the thing."""
        kind, where = self.kind, f"{self.kind.what} '{thing_id}'"
        with self.refusals_noted(by, kind.back, thing_id):
            reason = reason_given(reason, kind.what, kind.went_back, kind.why_back)
            still_so = self.look_back(thing_id, to, by)
            with self.database.writing() as connection:
                now = self.database.now()
                found = self.find_to_change(connection, thing_id, by, now)
                stands, fault = found.standing, None
                if not 1 <= to <= found.newest:
                    raise NotFound(f"There is no version {to} of the {where}.")
                self.check_way_back(connection, found, to, by)
                if to == stands.current and not stands.scheduled:
                    fault = Fault(f"version {to} is shown already", where, "choose another version")
                elif stands.state(to) in ("scheduled", "cancelled"):
                    fault = Fault(f"version {to} was never shown", where, "publish it again to show it now")
                if fault:
                    raise Refused(f"The {where} was not {kind.went_back}.", [fault])
                still_so(connection, now)
                detail = {"reason": reason, "from": stands.current}
                if kind.dated:
                    detail["cancelled"] = [pointer.version for pointer in stands.scheduled]
                kind.point(connection, thing_id, kind.back, to, by=by, now=now, reason=reason, detail=detail)

    def withdraw(self, thing_id: str, by: Viewer, reason: str) -> None:
        """Show it to nobody, at once, until it is published or brought back again. Links to it give the reason."""
        kind, where = self.kind, f"{self.kind.what} '{thing_id}'"
        with self.refusals_noted(by, "withdraw", thing_id):
            reason = reason_given(reason, kind.what, "withdrawn", kind.why_withdraw)
            with self.database.writing() as connection:
                now = self.database.now()
                stands = self.find_to_change(connection, thing_id, by, now).standing
                if stands.withdrawn:
                    raise Refused(f"The {where} was not withdrawn.", [Fault("it is withdrawn already", where, "")])
                detail = {"reason": reason, "from": stands.current}
                kind.point(connection, thing_id, "withdraw", None, by=by, now=now, reason=reason, detail=detail)


def reason_given(reason: str, what: str, done: str, todo: str) -> str:
    if not reason.strip():
        raise Refused(f"A {what} is not {done} without a reason.", [Fault("the reason is empty", "reason", todo)])
    return reason.strip()
