"""Drafts: what is on its way to being published. Nothing of a draft is shown to anybody but those who work on it.

Every change carries the revision that it was made from, so that two people who work on one draft notice each other. A kind of
draft that a colleague checks before it is published has the columns that :class:`CheckedDrafts` writes.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from layers.model import SYSTEM, Fault, NotFound, Refused, Viewer
from layers.names import faults_of_name, is_name
from layers.store import tables
from layers.store.accounts import active_people, normal
from layers.store.audit import add_line
from layers.store.database import Database
from layers.store.permissions import may_change
from layers.store.records import NotPermitted
from layers.store.tables import UNASKED, UNCHECKED


def check_names(id: str, partner: str) -> None:
    """Raises :class:`Refused` where a draft cannot be called so, or its partner."""
    faults = faults_of_name(id, "draft") + (faults_of_name(partner, "partner") if partner else [])
    if faults:
        raise Refused("The draft was not begun.", faults)


class EditConflict(Exception):
    """Somebody else changed the draft meanwhile; nothing was written. ``draft`` is how it stands now."""

    def __init__(self, draft: Any):
        self.draft = draft
        super().__init__(f"{draft.changed_by} changed this draft meanwhile.")


class DraftTable:
    """The drafts of one kind in one store. Every method takes the person who asks; what they may not have does not exist."""

    table: sa.Table

    def __init__(self, database: Database):
        self.database = database

    def draft_of(self, row: sa.Row) -> Any:
        raise NotImplementedError

    def may_open(self, draft: Any, by: Viewer) -> bool:
        return may_change(draft.partner, by)

    def list(self, by: Viewer) -> tuple[Any, ...]:
        """The drafts that this person may open, the last changed first."""
        query = sa.select(self.table).order_by(self.table.c.changed_at.desc(), self.table.c.id)
        with self.database.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(draft for draft in map(self.draft_of, rows) if self.may_open(draft, by))

    def get(self, draft_id: str, by: Viewer) -> Any:
        """Raises :class:`NotFound`, in the same words for one that is missing and one that is somebody else's."""
        with self.database.reading() as connection:
            return self.find(connection, draft_id, by)

    def find(self, connection: sa.Connection, draft_id: str, by: Viewer) -> Any:
        query = sa.select(self.table).where(self.table.c.id == draft_id)
        row = connection.execute(query).first() if is_name(draft_id) else None
        draft = None if row is None else self.draft_of(row)
        if draft is None or not self.may_open(draft, by):
            raise NotFound("There is no such draft.")
        return draft

    def find_to_write(self, connection: sa.Connection, draft_id: str, by: Viewer, revision: int | None = None) -> Any:
        """Raises :class:`EditConflict` when it is another revision by now."""
        draft = self.find(connection, draft_id, by)
        if not may_change(draft.partner, by):
            raise NotPermitted("You were asked to check this draft; only those who write it may change it.")
        if revision is not None and draft.revision != revision:
            raise EditConflict(draft)
        return draft

    @staticmethod
    def new_id() -> str:
        return secrets.token_hex(8)

    def insert(self, connection: sa.Connection, by: Viewer, now: datetime, **columns: Any) -> Any:
        row = {"id": self.new_id(), "made_at": now, "made_by": by.user, "changed_at": now, "changed_by": by.user}
        row |= {"revision": 1, **columns}
        check_names(row["id"], row["partner"])
        connection.execute(sa.insert(self.table).values(row))
        return self.find(connection, row["id"], by)

    def update(self, connection: sa.Connection, draft: Any, by: Viewer, now: datetime, **columns: Any) -> Any:
        """Write another revision."""
        columns |= {"changed_at": now, "changed_by": by.user, "revision": draft.revision + 1}
        return self.mark(connection, draft, by, **columns)

    def mark(self, connection: sa.Connection, draft: Any, by: Viewer, **columns: Any) -> Any:
        """Write what is no change of the draft itself."""
        connection.execute(sa.update(self.table).where(self.table.c.id == draft.id).values(columns))
        return self.find(connection, draft.id, by)

    def delete(self, connection: sa.Connection, draft_id: str) -> None:
        connection.execute(sa.delete(self.table).where(self.table.c.id == draft_id))

    def note_expired(self, connection: sa.Connection, draft: Any, by: Viewer, now: datetime) -> None:
        """A line in the audit trail about a draft that nobody has touched for too long."""
        raise NotImplementedError

    def forget_untouched(self, connection: sa.Connection, *, days: int, by: Viewer, now: datetime) -> tuple[str, ...]:
        """Delete the drafts that nobody has changed for so many days, inside the caller's transaction; their ids."""
        old = sa.select(self.table).where(self.table.c.changed_at <= now - timedelta(days=days))
        gone = tuple(map(self.draft_of, connection.execute(old).all()))
        for draft in gone:
            self.delete(connection, draft.id)
            self.note_expired(connection, draft, by, now)
        return tuple(draft.id for draft in gone)


# -- a colleague's check -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class CheckedDraft:
    """What a draft knows of its check. The answer is of the draft as it stands; a change takes it away, not the question."""

    asked_of: str = ""
    asked_by: str = ""
    asked_at: datetime | None = None
    asked_note: str = ""
    checked_by: str = ""
    checked_at: datetime | None = None
    sent_back_by: str = ""
    sent_back_at: datetime | None = None
    reply: str = ""

    @property
    def awaits_check(self) -> bool:
        return bool(self.asked_of) and not self.checked_by


class CheckedDrafts(DraftTable):
    """Drafts that a colleague looks at before they are published. ``authors`` of a draft are those who cannot check it."""

    what: str
    """What it is to become, in sentences."""
    only_when_asked = False
    """Whether nobody may check it unasked."""

    def content(self, draft: Any) -> str:
        """What a colleague checks."""
        raise NotImplementedError

    def may_be_asked(self, draft: Any, person: Viewer) -> bool:
        """Whether the draft may be shown to somebody who is to check it."""
        raise NotImplementedError

    def note(self, connection: sa.Connection, action: str, draft: Any, by: Viewer, now: datetime) -> None:
        """A line in the audit trail about a draft as it stands after the action."""
        raise NotImplementedError

    def mark_check(self, connection: sa.Connection, draft: Any, by: Viewer, now: datetime, **columns: Any) -> Any:
        return self.mark(connection, draft, by, **columns)

    def may_open(self, draft: Any, by: Viewer) -> bool:
        asked = by.signed_in and by.user == draft.asked_of and self.may_be_asked(draft, by)
        return asked or may_change(draft.partner, by)

    def may_check(self, draft: Any, by: Viewer) -> bool:
        """Whether the draft waits for the word of this person, or of one like them."""
        return draft.awaits_check and by.user not in draft.authors and self.may_open(draft, by)

    def colleagues(self, draft: Any, by: Viewer) -> tuple[Viewer, ...]:
        """Whom ``by`` can ask, by name. Only for those who may change the draft; nobody else is told who has an account."""
        if not may_change(draft.partner, by):
            return ()
        with self.database.reading() as connection:
            people = active_people(connection).values()
        authors = replace(draft, asked_by=by.user).authors
        return tuple(one for one in people if one.user not in authors and self.may_be_asked(draft, one))

    def update(self, connection: sa.Connection, draft: Any, by: Viewer, now: datetime, **columns: Any) -> Any:
        after = super().update(connection, draft, by, now, **columns)
        return after if self.content(after) == self.content(draft) else self.mark(connection, after, by, **UNCHECKED)

    def ask_check(self, draft_id: str, by: Viewer, of: str, note: str = "") -> Any:
        """Ask a colleague to check the draft; they may open it from then on, as long as its audience names them.

        ``of`` is a sign-in name. Raises :class:`Refused`, in the same words for a name that is not there and for somebody
        who may not read it.
        """
        of, note = normal(of), note.strip()[:2000]
        with self.database.writing(bump=False) as connection:
            draft = self.find_to_write(connection, draft_id, by)
            title, todo = "Nobody was asked.", "give the sign-in name of a colleague who did not write any of it"
            if of in replace(draft, asked_by=by.user).authors:
                raise Refused(title, [Fault(f"'{of}' wrote this text", "colleague", todo, rule="checker")])
            person = active_people(connection).get(of)
            if person is None or not self.may_be_asked(draft, person):
                what = f"'{of[:100]}' cannot check this {self.what}"
                todo = f"{todo}: of your own partner, or one for whom the {self.what} is meant"
                raise Refused(title, [Fault(what, "colleague", todo, rule="checker")])
            asked = {"asked_of": of, "asked_by": by.user, "asked_at": self.database.now(), "asked_note": note}
            return self._write_check(connection, "check-asked", draft, by, UNASKED | asked)

    def recall_check(self, draft_id: str, by: Viewer, revision: int) -> Any:
        """Ask nobody any more; what they said falls away too."""
        with self.database.writing(bump=False) as connection:
            draft = self.find_to_write(connection, draft_id, by, revision)
            return self._write_check(connection, "check-recalled", draft, by, UNASKED)

    def answer_check(self, draft_id: str, by: Viewer, revision: int, *, good: bool = True, reply: str = "") -> Any:
        """Say that one has looked at the draft of ``revision``, and whether it may be published. For another person than its
        authors: :class:`NotPermitted`. Raises :class:`EditConflict` when it was changed meanwhile."""
        action, said = ("checked", "checked") if good else ("sent-back", "sent_back")
        with self.database.writing(bump=False) as connection:
            draft = self.find(connection, draft_id, by)
            if by.user in ("", SYSTEM.user):
                raise NotPermitted("A check is made by a person who is signed in.")
            if by.user in draft.authors:
                raise NotPermitted("You wrote this text, or some of it; somebody else has to check it.")
            if self.only_when_asked and not draft.asked_of:
                raise NotPermitted("Nobody was asked to check it.")
            if draft.revision != revision:
                raise EditConflict(draft)
            answer = {f"{said}_by": by.user, f"{said}_at": self.database.now(), "reply": reply}
            return self._write_check(connection, action, draft, by, UNCHECKED | answer)

    def _write_check(self, connection: sa.Connection, action: str, draft: Any, by: Viewer, columns: Mapping) -> Any:
        now = self.database.now()
        draft = self.mark_check(connection, draft, by, now, **columns)
        self.note(connection, action, draft, by, now)
        return draft


# -- layers ------------------------------------------------------------------------------------------------------------

MOST_DRAFTS, MOST_BYTES = 50, 2**30
"""Open drafts that one partner may have, and the bytes of their files together."""

PROGRESS = ("done", "expecting", "publish")
"""Answers that a colleague does not check: how far its publisher has come, and how it is to be published."""


@dataclass(frozen=True)
class Draft(CheckedDraft):
    """A layer on its way to being published in the browser: what was said so far, as plain JSON. The uploaded file lies
    beside the store, where the dashboard put it."""

    id: str
    partner: str  # whose analysts may work on it
    made_at: datetime
    made_by: str
    changed_at: datetime
    changed_by: str
    revision: int
    filename: str
    size: int
    file_sha256: str
    answers: Mapping[str, Any] = field(default_factory=dict)

    @property
    def authors(self) -> tuple[str, ...]:
        """Whoever asks for the check stands for it, whoever else filled in a part."""
        return (self.asked_by,)


class Drafts(CheckedDrafts):
    """The drafts of layers."""

    table, what, only_when_asked = tables.drafts, "layer", True
    mark_check = CheckedDrafts.update  # another revision: a page that is open elsewhere says so

    def draft_of(self, row: sa.Row) -> Draft:
        return Draft(**{**row._mapping, "answers": json.loads(row.answers)})

    def content(self, draft: Draft) -> str:
        said = {key: value for key, value in draft.answers.items() if key not in PROGRESS and value is not None}
        return tables.to_json([said, draft.file_sha256])

    def may_be_asked(self, draft: Draft, person: Viewer) -> bool:
        return may_change(draft.partner, person)

    def note(self, connection: sa.Connection, action: str, draft: Draft, by: Viewer, now: datetime) -> None:
        detail = {"id": draft.id, "filename": draft.filename, "of": draft.asked_of}
        add_line(connection, at=now, by=by, action=f"draft-{action}", detail=detail)

    def add(
        self,
        *,
        by: Viewer,
        filename: str,
        size: int,
        file_sha256: str,
        answers: Mapping[str, Any],
        draft_id: str = "",
        keep: Callable[[], object] = lambda: None,
    ) -> Draft:
        """A new draft of this person's own partner. ``draft_id``: one that :meth:`new_id` gave before. ``keep`` puts the file
        where it belongs: it is called when everything else is done, while nobody else writes. Raises :class:`Refused` where
        the partner's open drafts take up all the room; nothing was kept then."""
        if not may_change(by.partner, by):
            raise NotPermitted("Only analysts and admins may publish a layer.")
        file = {"filename": filename, "size": size, "file_sha256": file_sha256}
        said = tables.to_json(dict(answers), in_order=False)
        with self.database.writing(bump=False) as connection:
            now = self.database.now()
            named = {"id": draft_id or self.new_id(), "partner": by.partner}
            check_names(**named)  # before the database is asked about them
            self._check_room(connection, by.partner, size)
            draft = self.insert(connection, by, now, **named, **file, answers=said, **UNASKED)
            add_line(connection, at=now, by=by, action="draft-begun", detail=_about(draft))
            keep()
            return draft

    def check_room(self, by: Viewer) -> None:
        """Raises :class:`Refused` where no draft of this person would find room now."""
        with self.database.reading() as connection:
            self._check_room(connection, by.partner, 1)

    def _check_room(self, connection: sa.Connection, partner: str, size: int, instead_of: str = "") -> None:
        """``instead_of``: the draft whose file makes room for this one."""
        columns = self.table.c
        query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(columns.size), 0))
        count, total = connection.execute(query.where(columns.partner == partner, columns.id != instead_of)).one()
        if (count >= MOST_DRAFTS and not instead_of) or total + size > MOST_BYTES:
            what = f"your partner's open drafts take up all the room there is: {MOST_DRAFTS} drafts, {MOST_BYTES // 2**20:,} MiB"
            fault = Fault(what, "", "publish or discard some", rule="quota")
            raise Refused("The file was not taken.", [fault])

    def change(
        self,
        draft_id: str,
        *,
        by: Viewer,
        revision: int,
        answers: Mapping[str, Any],
        file: tuple[str, int, str] | None = None,
        keep: Callable[[], object] = lambda: None,
    ) -> Draft:
        """Write the answers, made from ``revision``; ``file`` is (name, size, SHA-256) of a file that takes the place of the
        one before, and ``keep`` puts it there, as for :meth:`add`. Raises :class:`EditConflict` when somebody was quicker, and
        :class:`Refused` where there is no room for the new file in place of the old one."""
        row: dict[str, Any] = {"answers": tables.to_json(dict(answers), in_order=False)}
        if file is not None:
            row |= dict(zip(("filename", "size", "file_sha256"), file, strict=True))
        with self.database.writing(bump=False) as connection:
            now = self.database.now()
            draft = self.find_to_write(connection, draft_id, by, revision)
            if file is not None:
                self._check_room(connection, draft.partner, file[1], instead_of=draft_id)
            draft = self.update(connection, draft, by, now, **row)
            if file is not None:
                detail = {"id": draft_id, **_about(draft)}
                add_line(connection, at=now, by=by, action="draft-file-replaced", detail=detail)
            keep()
            return draft

    def settle(self, tidy: Callable[[dict[str, str]], object]) -> None:
        """Call ``tidy`` with the SHA-256 of every draft's file, by the draft's id, while nobody else writes: what is not
        among them belongs to no draft any more."""
        with self.database.writing(bump=False) as connection:
            tidy(dict(connection.execute(sa.select(self.table.c.id, self.table.c.file_sha256)).all()))

    def note_expired(self, connection: sa.Connection, draft: Draft, by: Viewer, now: datetime) -> None:
        add_line(connection, at=now, by=by, action="draft-expired", detail={"id": draft.id, **_about(draft)})

    def remove(self, draft_id: str, *, by: Viewer, why: str) -> None:
        """Take a draft away: ``why`` is "published" or "discarded". The audit line stays."""
        with self.database.writing(bump=False) as connection:
            draft = self.find(connection, draft_id, by)
            self.delete(connection, draft_id)
            detail = {"id": draft_id, "filename": draft.filename, "sha256": draft.file_sha256}
            add_line(connection, at=self.database.now(), by=by, action=f"draft-{why}", detail=detail)


def _about(draft: Draft) -> dict[str, Any]:
    return {"filename": draft.filename, "size": draft.size, "sha256": draft.file_sha256}
