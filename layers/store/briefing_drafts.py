"""Drafts of briefings: texts that are being written, and read by a colleague before they are published."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import yaml

from layers.model import Audience, Fault, Refused, Viewer
from layers.names import shown
from layers.reading.briefing_text import ID, MOST_BYTES, read_briefing, without_notes
from layers.store import tables
from layers.store.audit import add_line
from layers.store.blobs import sha256
from layers.store.drafts import CheckedDraft, CheckedDrafts
from layers.store.permissions import may_change, may_read
from layers.store.records import NotPermitted
from layers.store.versioned import Versioned

MOST_DRAFTS = 100
"""Drafts that one person may have begun and not ended."""

RESERVED = ("edit", "new", "pin", "wards")
"""Not ids: the pages of the site at /briefings/... have these names."""


@dataclass(frozen=True)
class BriefingDraft(CheckedDraft):
    """A text on its way to being published. ``checked_by`` is of exactly this text: a change of it starts the check anew."""

    id: str
    briefing_id: str  # it is to be the next version of; "": not chosen yet
    base_version: int  # the newest when the draft was begun; 0: none
    partner: str  # whose analysts may work on it
    made_at: datetime
    made_by: str
    changed_at: datetime
    changed_by: str
    revision: int
    text: str = field(repr=False)
    authors: tuple[str, ...] = ()  # everybody who wrote any of it; none of them can check it

    @property
    def title(self) -> str:
        """As its front matter says, even where the rest cannot be read yet; "" without one."""
        found = re.search(r"^title:[ \t]*(.+)$", self.text, re.MULTILINE)
        if not found:
            return ""
        words = found[1].strip()
        try:
            read = yaml.safe_load(words) if len(words) < 1000 and words[0] in "\"'" else words
        except yaml.YAMLError:  # a quotation mark that is not closed yet
            read = words.strip("\"'")
        return " ".join(str(read).split())[:200]


class BriefingDrafts(CheckedDrafts):
    """The drafts of ``briefings``: :class:`layers.store.briefings.Briefings` has them."""

    table, what = tables.briefing_drafts, "briefing"

    def __init__(self, briefings: Versioned):
        super().__init__(briefings.database)
        self.briefings = briefings

    def draft_of(self, row: sa.Row) -> BriefingDraft:
        return BriefingDraft(**{**row._mapping, "authors": tuple(json.loads(row.authors))})

    def content(self, draft: BriefingDraft) -> str:
        return draft.text

    def find(self, connection: sa.Connection, draft_id: str, by: Viewer) -> BriefingDraft:
        """As for every draft. Who was only asked to check it reads it as its readers will: without the presenter's notes."""
        return _for(super().find(connection, draft_id, by), by)

    def list(self, by: Viewer) -> tuple[BriefingDraft, ...]:
        return tuple(_for(draft, by) for draft in super().list(by))

    def may_be_asked(self, draft: BriefingDraft, person: Viewer) -> bool:
        """No wider than it is going to be published."""
        try:
            audience = read_briefing(draft.text).audience
        except Refused:
            audience = Audience.OWNER  # nobody knows yet
        if audience == Audience.PUBLIC:
            audience = Audience.PARTNERS  # a draft is for no stranger
        return may_read(audience, draft.partner, person, self.database.region)

    def note(self, connection: sa.Connection, action: str, draft: BriefingDraft, by: Viewer, now: datetime) -> None:
        """Under the briefing's id, so that it is read by those who may change that briefing."""
        kind, detail = self.briefings.kind, {"draft": draft.id, "partner": draft.partner}
        if action == "check-asked":
            detail["of"] = draft.asked_of
        elif action == "checked":
            whole = sa.select(self.table.c.text).where(self.table.c.id == draft.id)  # a checker may be shown a part
            detail["sha256"] = sha256(connection.execute(whole).scalar_one().encode())
        of = kind.name_in_audit(draft.briefing_id) if draft.briefing_id else None
        add_line(connection, at=now, by=by, action=kind.prefix + action, of=of, detail=detail)

    def begin(self, by: Viewer, text: str, briefing_id: str = "") -> BriefingDraft:
        """A new draft, of a text that need not be whole yet. With the id of a briefing that this person may change, it is to
        be that briefing's next version; any other id is only a wish, and says nothing about what is there."""
        if not (by.signed_in and by.role in ("analyst", "admin")):
            raise NotPermitted("Only analysts and admins may write a briefing.")
        text = clean_text(text)
        if briefing_id:
            check_id(briefing_id, "The briefing was not begun.")
        with self.database.writing(bump=False) as connection:
            now = self.database.now()
            mine = sa.select(sa.func.count()).select_from(self.table).where(self.table.c.made_by == by.user)
            if connection.execute(mine).scalar_one() >= MOST_DRAFTS:
                raise NotPermitted(f"You have {MOST_DRAFTS} drafts. Publish or discard some first.")
            partner, base_version = self._base_of(connection, briefing_id, by, now)
            draft = self.insert(
                connection,
                by,
                now,
                briefing_id=briefing_id,
                base_version=base_version,
                partner=partner or self._partner_of(text, by),
                text=text,
                authors=tables.to_json([by.user]),
                **tables.UNASKED,
            )
            self.note(connection, "draft-begun", draft, by, now)
            return draft

    def change(
        self, draft_id: str, by: Viewer, revision: int, text: str, briefing_id: str | None = None
    ) -> BriefingDraft:
        """Write the text, made from ``revision``; ``briefing_id`` gives it another id to be published at.

        A check that a colleague made of the text before falls away; who was asked stays. Raises :class:`EditConflict` when
        somebody was quicker, and :class:`Refused` for a text that cannot be kept.
        """
        text = clean_text(text)
        if briefing_id:
            check_id(briefing_id, "The draft was not changed.")
        with self.database.writing(bump=False) as connection:
            now = self.database.now()
            draft = self.find_to_write(connection, draft_id, by, revision)
            row: dict[str, Any] = {}
            if briefing_id is not None and briefing_id != draft.briefing_id:
                row |= {"briefing_id": briefing_id}
                row["base_version"] = self._base_of(connection, briefing_id, by, now)[1]
            if text != draft.text:
                row |= {"text": text, "authors": tables.to_json(sorted({*draft.authors, by.user}))}
            return self.update(connection, draft, by, now, **row) if row else draft

    def note_expired(self, connection: sa.Connection, draft: BriefingDraft, by: Viewer, now: datetime) -> None:
        self.note(connection, "draft-expired", draft, by, now)

    def discard(self, draft_id: str, by: Viewer) -> None:
        """Take a draft away. The audit line stays, the text does not."""
        with self.database.writing(bump=False) as connection:
            draft = self.find_to_write(connection, draft_id, by)
            self.delete(connection, draft_id)
            self.note(connection, "draft-discarded", draft, by, self.database.now())

    def _base_of(self, connection: sa.Connection, briefing_id: str, by: Viewer, now: datetime) -> tuple[str, int]:
        """Whose briefing a draft is to be a version of, and its newest version; "" and 0 where this person may not change it."""
        found = self.briefings.find(connection, briefing_id, now) if briefing_id else None
        return (found.partner, found.newest) if found is not None and may_change(found.partner, by) else ("", 0)

    def _partner_of(self, text: str, by: Viewer) -> str:
        """Whose a new draft is: as an admin's text says, else the person's own partner."""
        found = re.search(r"^partner:[ \t]*[\"']?([\w.-]+)", text, re.MULTILINE)
        for partner in (found[1] if found else "", by.partner):
            if self.database.region.partner(partner) is not None and may_change(partner, by):
                return partner
        known = ", ".join(partner.id for partner in self.database.region.partners)
        what = "it does not say whose it is"
        fault = Fault(what, "partner", f"write “partner: …” in its front matter, one of {known}")
        raise Refused("The briefing was not begun.", [fault])


def _for(draft: BriefingDraft, by: Viewer) -> BriefingDraft:
    return draft if may_change(draft.partner, by) else replace(draft, text=without_notes(draft.text))


def clean_text(text: str) -> str:
    """The text as it is kept: one kind of line end. Raises :class:`Refused` for what no database can hold."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        size = None
    if size is None or "\x00" in text:
        what = "it holds a character that cannot be kept"
        fault = Fault(what, "text", "delete it, or write the text anew", rule="text")
        raise Refused("The text was not kept.", [fault])
    if size > MOST_BYTES:
        fault = Fault(f"it is larger than {MOST_BYTES // 1000:,} kB", "text", "split it in two", rule="briefing-size")
        raise Refused("The text was not kept.", [fault])
    return text


def check_id(briefing_id: str, title: str) -> None:
    if not ID.match(briefing_id):
        todo = "use up to 80 small letters, digits and hyphens, and begin with a letter or digit"
        raise Refused(title, [Fault(f"{shown(briefing_id)} cannot be an id", "id", todo, rule="id")])
    if briefing_id in RESERVED or briefing_id.startswith(("ward-", "area-")):  # every area has its sheet there
        raise cannot_have(briefing_id, title)


def cannot_have(briefing_id: str, title: str) -> Refused:
    """One sentence for a reserved id and another partner's, visible or not."""
    return Refused(title, [Fault(f"the id '{briefing_id}' cannot be had", "id", "choose another", rule="id")])
