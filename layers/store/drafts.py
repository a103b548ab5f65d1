"""Drafts: layers on their way to being published in the browser. Nothing of a draft is shown to anybody but its partner.

A draft holds what was said so far, as plain JSON; the uploaded file lies beside the store, where the dashboard put it. Every
change carries the revision that it was made from, so that two people who work on one draft notice each other.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from layers.model import NotFound, Viewer
from layers.store import tables
from layers.store.audit import add_line
from layers.store.database import Database
from layers.store.records import NotPermitted, may_change


class Overtaken(Exception):
    """Somebody else changed the draft meanwhile; nothing was written. ``draft`` is how it stands now."""

    def __init__(self, draft: Draft):
        self.draft = draft
        super().__init__(f"{draft.changed_by} changed this draft meanwhile.")


@dataclass(frozen=True)
class Draft:
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


class Drafts:
    """The drafts of one store. Every method takes the person who asks; what they may not have does not exist."""

    def __init__(self, store: Database):
        self.store = store

    def list(self, by: Viewer) -> tuple[Draft, ...]:
        """The drafts that this person may work on, the last changed first."""
        table = tables.drafts
        with self.store.reading() as connection:
            rows = connection.execute(sa.select(table).order_by(table.c.changed_at.desc(), table.c.id)).all()
        return tuple(_draft(row) for row in rows if may_change(row.partner, by))

    def get(self, draft_id: str, by: Viewer) -> Draft:
        """Raises :class:`NotFound`, in the same words for one that is missing and one that is another partner's."""
        with self.store.reading() as connection:
            return self._find(connection, draft_id, by)

    def add(
        self, *, by: Viewer, filename: str, size: int, file_sha256: str, answers: Mapping[str, Any], draft_id: str = ""
    ) -> Draft:
        """A new draft of this person's own partner. ``draft_id``: one that :meth:`new_id` gave before."""
        if not may_change(by.partner, by):
            raise NotPermitted("Only analysts and admins may publish a layer.")
        with self.store.writing(bump=False) as connection:
            now = self.store.now()
            row = {
                "id": draft_id or self.new_id(),
                "partner": by.partner,
                "made_at": now,
                "made_by": by.user,
                "changed_at": now,
                "changed_by": by.user,
                "revision": 1,
                "filename": filename,
                "size": size,
                "file_sha256": file_sha256,
                "answers": tables.to_json(dict(answers), in_order=False),
            }
            connection.execute(sa.insert(tables.drafts).values(row))
            add_line(connection, at=now, by=by, action="draft-begun", detail=_about(row))
            return self._find(connection, row["id"], by)

    @staticmethod
    def new_id() -> str:
        return secrets.token_hex(8)

    def change(
        self,
        draft_id: str,
        *,
        by: Viewer,
        revision: int,
        answers: Mapping[str, Any],
        file: tuple[str, int, str] | None = None,
    ) -> Draft:
        """Write the answers, made from ``revision``; ``file`` is (name, size, SHA-256) of a file that takes the place of the
        one before. Raises :class:`Overtaken` when somebody was quicker."""
        with self.store.writing(bump=False) as connection:
            now = self.store.now()
            draft = self._find(connection, draft_id, by)
            if draft.revision != revision:
                raise Overtaken(draft)
            row = {"changed_at": now, "changed_by": by.user, "revision": revision + 1}
            row["answers"] = tables.to_json(dict(answers), in_order=False)
            if file is not None:
                row |= dict(zip(("filename", "size", "file_sha256"), file, strict=True))
                add_line(
                    connection, at=now, by=by, action="draft-file-replaced", detail={"id": draft_id, **_about(row)}
                )
            connection.execute(sa.update(tables.drafts).where(tables.drafts.c.id == draft_id).values(row))
            return self._find(connection, draft_id, by)

    def remove(self, draft_id: str, *, by: Viewer, why: str) -> None:
        """Take a draft away: ``why`` is "published" or "discarded". The audit line stays."""
        with self.store.writing(bump=False) as connection:
            draft = self._find(connection, draft_id, by)
            connection.execute(sa.delete(tables.drafts).where(tables.drafts.c.id == draft_id))
            detail = {"id": draft_id, "filename": draft.filename, "sha256": draft.file_sha256}
            add_line(connection, at=self.store.now(), by=by, action=f"draft-{why}", detail=detail)

    def _find(self, connection: sa.Connection, draft_id: str, by: Viewer) -> Draft:
        row = connection.execute(sa.select(tables.drafts).where(tables.drafts.c.id == draft_id)).first()
        if row is None or not may_change(row.partner, by):
            raise NotFound("There is no such draft.")
        return _draft(row)


def _about(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"filename": row["filename"], "size": row["size"], "sha256": row["file_sha256"]}


def _draft(row: sa.Row) -> Draft:
    values = dict(row._mapping)
    return Draft(**{**values, "answers": json.loads(values["answers"])})
