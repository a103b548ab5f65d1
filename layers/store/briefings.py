"""Briefings in the store: drafts that are being written, versions that were published, and who may read them.

A version is what was published, for good: the text, the versions of the layers that its numbers came from (``pins``) and what
its tokens said on the day (``facts``). Publishing, withdrawing and restoring each add one decision with its line in the audit
trail, as for layers; which version is shown follows from the decisions. A briefing belongs to the partner that published it
first. Its text is Markdown (:mod:`layers.reading.briefing_text`); nothing here knows what its tokens say.

Every read asks the database, which takes about a millisecond, so that a withdrawn briefing is gone in the same moment in
every process.
"""

from __future__ import annotations

import json
import re
import secrets
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from layers.model import SYSTEM, Audience, Descriptor, Fault, NotFound, Refused, Viewer
from layers.reading.briefing_text import ID, MOST_BYTES, Document, read_briefing
from layers.store import tables
from layers.store.accounts import normal
from layers.store.audit import OF_BRIEFING, add_line, refusals_noted
from layers.store.blobs import sha256
from layers.store.database import Database
from layers.store.drafts import Overtaken
from layers.store.publishing import find, read_descriptor
from layers.store.records import (
    NotPermitted,
    Pointer,
    Standing,
    StoreFault,
    Withdrawn,
    may_change,
    may_read,
    standing,
)

RESERVED = ("edit", "new", "pin", "wards")
"""Not ids: the pages of the site at /briefings/... have these names."""

BUILT_IN = ("region-in-ten-numbers", "shared-gaps")
"""Ids of the briefings that every region has, beside ``gaps-<theme>``. Only an admin may put something else in their place."""


@dataclass(frozen=True)
class BriefingDraft:
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
    asked_of: str = ""
    asked_by: str = ""
    asked_at: datetime | None = None
    asked_note: str = ""
    checked_by: str = ""
    checked_at: datetime | None = None

    @property
    def title(self) -> str:
        """As its front matter says, even where the rest cannot be read yet; "" without one."""
        found = re.search(r"^title:[ \t]*(.+)$", self.text, re.MULTILINE)
        return " ".join(found[1].strip().strip("\"'").split())[:200] if found else ""

    @property
    def awaits_check(self) -> bool:
        return bool(self.asked_of) and not self.checked_by


@dataclass(frozen=True)
class PublishedBriefing:
    """One version of a briefing. ``state`` is current, superseded, rolled-back or withdrawn.

    The public learns which partner published and checked, not who. ``facts`` are only for those who may change the briefing:
    they may hold numbers of a layer that was withdrawn since, which a page made anew does not show.
    """

    id: str
    version: int
    text: str = field(repr=False)
    pins: Mapping[str, int]
    facts: Mapping[str, Any] = field(repr=False)
    published_at: datetime
    published_by: str
    partner: str
    audience: Audience
    title: str
    checked_by: str = ""
    checked_at: datetime | None = None
    note: str = ""
    review_on: str = ""
    state: str = "current"


@dataclass(frozen=True)
class BriefingEntry:
    """A briefing in a list, as its current version says; a withdrawn one as its last did."""

    id: str
    title: str
    partner: str
    audience: Audience
    version: int
    published_at: datetime
    published_by: str
    checked_by: str = ""
    note: str = ""
    review_on: str = ""
    withdrawn_because: str = ""  # "": it is shown


class Briefings:
    """The briefings of one store. Every method takes the person who asks; what they may not have does not exist."""

    def __init__(self, store: Database):
        self.store = store

    # -- reading -------------------------------------------------------------------------------------------------------

    def list(self, viewer: Viewer) -> tuple[BriefingEntry, ...]:
        """The briefings that are shown to this viewer, the last published first: those for which :meth:`get` answers."""
        return self._entries(viewer, lambda found: found.standing.current is not None)

    def withdrawn(self, by: Viewer) -> tuple[BriefingEntry, ...]:
        """The withdrawn briefings that this person may restore."""
        return self._entries(by, lambda found: found.standing.withdrawn and may_change(found.partner, by))

    def get(self, briefing_id: str, viewer: Viewer, version: int | None = None) -> PublishedBriefing:
        """A briefing as it is shown, or as it was in a version that was shown.

        Raises :class:`NotFound`, in the same words for a briefing that is missing and one that this viewer may not read;
        :class:`Withdrawn` to those who could have read it. Versions that were rolled back or withdrawn are open to those who
        may change the briefing, and to nobody else. :class:`StoreFault` for one that is not what was published.
        """
        with self.store.reading() as connection:
            found = self._see(connection, briefing_id, viewer)
            stands = found.standing
            changes = may_change(found.partner, viewer)
            if stands.withdrawn and (version is None or not changes):
                raise _withdrawn(found)
            wanted = stands.current if version is None else version
            open_ = wanted in stands.open or (changes and 1 <= wanted <= found.newest)
            row = _read_version(connection, briefing_id, wanted) if open_ else None
            if row is None or not may_read(row.audience, found.partner, viewer, self.store.region):
                raise NotFound(f"There is no version {version} of the briefing '{briefing_id}'.")
            return _published(row, found, viewer)

    def history(self, briefing_id: str, viewer: Viewer) -> tuple[PublishedBriefing, ...]:
        """The versions of a briefing, newest first: every one for those who may change it, the open ones for others.

        Raises like :meth:`get`; those who may change a withdrawn briefing still get its history.
        """
        with self.store.reading() as connection:
            found = self._see(connection, briefing_id, viewer)
            changes = may_change(found.partner, viewer)
            if found.standing.withdrawn and not changes:
                raise _withdrawn(found)
            table = tables.briefing_versions
            rows = connection.execute(
                sa.select(table).where(table.c.briefing_id == briefing_id).order_by(table.c.version.desc())
            ).all()
        return tuple(
            _published(row, found, viewer)
            for row in rows
            if changes
            or (row.version in found.standing.open and may_read(row.audience, found.partner, viewer, self.store.region))
        )

    def _entries(self, viewer: Viewer, wanted: Callable[[_Found], bool]) -> tuple[BriefingEntry, ...]:
        with self.store.reading() as connection:
            found = [one for one in _find_all(connection) if wanted(one) and self._may_read(one, viewer)]
        found.sort(key=lambda one: one.id)
        found.sort(key=lambda one: one.row.published_at, reverse=True)  # stable: by id within the same moment
        return tuple(
            BriefingEntry(
                id=one.id,
                title=one.row.title,
                partner=one.partner,
                audience=Audience(one.row.audience),
                version=one.row.version,
                published_at=one.row.published_at,
                published_by=one.row.published_by if viewer.signed_in else one.partner,
                checked_by=one.row.checked_by if viewer.signed_in else "",
                note=one.row.note,
                review_on=one.row.review_on,
                withdrawn_because=one.standing.withdrawn.reason if one.standing.withdrawn else "",
            )
            for one in found
        )

    def _may_read(self, found: _Found, viewer: Viewer) -> bool:
        return may_read(found.row.audience, found.partner, viewer, self.store.region)

    def _see(self, connection: sa.Connection, briefing_id: str, viewer: Viewer) -> _Found:
        found = _find(connection, briefing_id)
        if found is None or not self._may_read(found, viewer):
            raise NotFound(no_briefing(briefing_id))
        return found

    # -- drafts --------------------------------------------------------------------------------------------------------

    def drafts(self, by: Viewer) -> tuple[BriefingDraft, ...]:
        """The drafts that this person may work on or was asked to check, the last changed first."""
        table = tables.briefing_drafts
        with self.store.reading() as connection:
            rows = connection.execute(sa.select(table).order_by(table.c.changed_at.desc(), table.c.id)).all()
        return tuple(draft for draft in map(_draft, rows) if self._may_open(draft, by))

    def draft(self, draft_id: str, by: Viewer) -> BriefingDraft:
        """Raises :class:`NotFound`, in the same words for one that is missing and one that is somebody else's."""
        with self.store.reading() as connection:
            return self._find_draft(connection, draft_id, by)

    def begin(self, by: Viewer, text: str, briefing_id: str = "") -> BriefingDraft:
        """A new draft, of a text that need not be whole yet. With the id of a briefing that this person may change, it is to
        be that briefing's next version; any other id is only a wish, and says nothing about what is there."""
        if not (by.signed_in and by.role in ("analyst", "admin")):
            raise NotPermitted("Only analysts and admins may write a briefing.")
        text = _clean(text)
        if briefing_id:
            _check_id(briefing_id, "The briefing was not begun.")
        with self.store.writing(bump=False) as connection:
            now = self.store.now()
            found = _find(connection, briefing_id) if briefing_id else None
            mine = found is not None and may_change(found.partner, by)
            row = {
                "id": secrets.token_hex(8),
                "briefing_id": briefing_id,
                "base_version": found.newest if mine else 0,
                "partner": found.partner if mine else self._partner_of(text, by),
                "made_at": now,
                "made_by": by.user,
                "changed_at": now,
                "changed_by": by.user,
                "revision": 1,
                "text": text,
                "authors": tables.to_json([by.user]),
                **_UNASKED,
                **_UNCHECKED,
            }
            connection.execute(sa.insert(tables.briefing_drafts).values(row))
            self._note(connection, "briefing-draft-begun", _draft_row(row), by, now)
            return self._find_draft(connection, row["id"], by)

    def change(
        self, draft_id: str, by: Viewer, revision: int, text: str, briefing_id: str | None = None
    ) -> BriefingDraft:
        """Write the text, made from ``revision``; ``briefing_id`` gives it another id to be published at.

        A check that a colleague made of the text before falls away; who was asked stays. Raises :class:`Overtaken` when
        somebody was quicker, and :class:`Refused` for a text that cannot be kept.
        """
        text = _clean(text)
        if briefing_id:
            _check_id(briefing_id, "The draft was not changed.")
        with self.store.writing(bump=False) as connection:
            now = self.store.now()
            draft = self._find_to_write(connection, draft_id, by, revision)
            row: dict[str, Any] = {}
            if briefing_id is not None and briefing_id != draft.briefing_id:
                found = _find(connection, briefing_id) if briefing_id else None
                mine = found is not None and may_change(found.partner, by)
                row |= {"briefing_id": briefing_id, "base_version": found.newest if mine else 0}
            if text != draft.text:
                authors = sorted({*draft.authors, by.user})
                row |= {"text": text, "authors": tables.to_json(authors), **_UNCHECKED}
            if row:
                row |= {"changed_at": now, "changed_by": by.user, "revision": revision + 1}
                self._update(connection, draft_id, row)
            return self._find_draft(connection, draft_id, by)

    def discard(self, draft_id: str, by: Viewer) -> None:
        """Take a draft away. The audit line stays, the text does not."""
        with self.store.writing(bump=False) as connection:
            draft = self._find_to_write(connection, draft_id, by)
            connection.execute(sa.delete(tables.briefing_drafts).where(tables.briefing_drafts.c.id == draft_id))
            self._note(connection, "briefing-draft-discarded", draft, by, self.store.now())

    # -- a colleague's check -------------------------------------------------------------------------------------------

    def ask_check(self, draft_id: str, by: Viewer, of: str, note: str = "") -> BriefingDraft:
        """Ask a colleague to read the text; they may open the draft from then on, as long as its audience names them.

        ``of`` is a sign-in name. Raises :class:`Refused`, in the same words for a name that is not there and for somebody
        who may not read this briefing.
        """
        of = normal(of)
        with self.store.writing(bump=False) as connection:
            now = self.store.now()
            draft = self._find_to_write(connection, draft_id, by)
            users = tables.users
            row = connection.execute(sa.select(users).where(users.c.name == of, users.c.disabled_at.is_(None))).first()
            title, todo = "Nobody was asked.", "give the sign-in name of a colleague who did not write any of it"
            if of in draft.authors:
                raise Refused(title, [Fault(f"'{of}' wrote this text", "colleague", todo, rule="checker")])
            if row is None or not self._may_be_asked(draft, Viewer(row.name, row.partner, row.role)):
                what = f"'{of[:100]}' cannot check this briefing"
                todo = f"{todo}: of your own partner, or one for whom the briefing is meant"
                raise Refused(title, [Fault(what, "colleague", todo, rule="checker")])
            asked = {"asked_of": of, "asked_by": by.user, "asked_at": now, "asked_note": note.strip()[:2000]}
            self._update(connection, draft_id, asked)
            self._note(connection, "briefing-check-asked", draft, by, now, of=of)
            return self._find_draft(connection, draft_id, by)

    def confirm_check(self, draft_id: str, by: Viewer, revision: int) -> BriefingDraft:
        """Say that one has read the text of ``revision`` and that it may be published. For another person than those who
        wrote it: :class:`NotPermitted`. Raises :class:`Overtaken` when the text was changed meanwhile."""
        with self.store.writing(bump=False) as connection:
            now = self.store.now()
            draft = self._find_draft(connection, draft_id, by)
            if by.user in ("", SYSTEM.user):
                raise NotPermitted("A check is made by a person who is signed in.")
            if by.user in draft.authors:
                raise NotPermitted("You wrote this text, or some of it; somebody else has to check it.")
            if draft.revision != revision:
                raise Overtaken(draft)
            self._update(connection, draft_id, {"checked_by": by.user, "checked_at": now})
            self._note(connection, "briefing-checked", draft, by, now, sha256=sha256(draft.text.encode()))
            return self._find_draft(connection, draft_id, by)

    # -- publishing ----------------------------------------------------------------------------------------------------

    def publish(
        self,
        draft_id: str = "",
        *,
        by: Viewer,
        pins: Mapping[str, int],
        facts: Mapping[str, Any],
        text: str = "",
        revision: int | None = None,
        briefing_id: str = "",
        note: str = "",
        expecting: int | None = None,
    ) -> PublishedBriefing:
        """Publish a draft as it stood in ``revision``, or a ``text`` without one, as the next version of a briefing.

        ``pins`` are the versions of the layers that its numbers came from, ``facts`` what its tokens said (plain JSON
        values); both are the caller's, who has filled the briefing in. Every pinned version must be shown still, to the whole
        audience of the briefing. ``briefing_id``: the draft's own unless given; without one an id is made of partner and title.
        ``expecting`` is the newest version that the publisher knew of (0: none), a draft's ``base_version`` unless given.
        An analyst may publish for their own partner, an admin for any. An id that cannot be had is refused in one sentence,
        whether it is reserved or another partner's, hidden or not. Version, pointer, audit line and the end of the draft are
        one transaction. Raises :class:`NotPermitted`, :class:`NotFound` (no such draft), :class:`Overtaken` or
        :class:`Refused`; then nothing has changed but one audit line.
        """
        if bool(draft_id) == bool(text):
            raise ValueError("publish a draft or a text")
        draft, wanted = None, briefing_id
        about = OF_BRIEFING + briefing_id[:80]
        with refusals_noted(self.store, by, "briefing-publish-refused", about) as tried:
            if draft_id:
                draft = self.draft(draft_id, by)
                if revision is None:
                    raise ValueError("say which revision of the draft the pins and facts are of")
                text, wanted = draft.text, briefing_id or draft.briefing_id
                expecting = draft.base_version if expecting is None and wanted else expecting
                tried.of = OF_BRIEFING + wanted[:80]
            text = _clean(text)
            document = read_briefing(text)
            self._permit(document, by)
            pins = _plain_pins(pins)
            with self.store.writing() as connection:
                now = self.store.now()
                if draft is not None:
                    draft = self._find_to_write(connection, draft_id, by, revision)
                wanted = wanted or _free_id(connection, document)
                tried.of = OF_BRIEFING + wanted[:80]
                found = self._claim(connection, wanted, document, by)
                _check_expected(wanted, found, expecting)
                self._check_pins(connection, pins, document, now)
                version = self._add_version(connection, wanted, found, document, draft, pins, facts, note, by, now)
                if draft is not None:
                    connection.execute(sa.delete(tables.briefing_drafts).where(tables.briefing_drafts.c.id == draft.id))
                return _published(_read_version(connection, wanted, version), _find(connection, wanted), by)

    def withdraw(self, briefing_id: str, by: Viewer, reason: str) -> None:
        """Show the briefing to nobody, at once, until it is published or restored again. Links to it give the reason."""
        with refusals_noted(self.store, by, "briefing-withdraw-refused", OF_BRIEFING + briefing_id[:80]):
            reason = _reason(reason, "withdrawn", "people who follow a link will read it")
            with self.store.writing() as connection:
                found = self._find_to_change(connection, briefing_id, by)
                if found.standing.withdrawn:
                    fault = Fault("it is withdrawn already", f"briefing '{briefing_id}'", "")
                    raise Refused(f"The briefing '{briefing_id}' was not withdrawn.", [fault])
                detail = {"reason": reason, "from": found.standing.current}
                _point(connection, found.id, "withdraw", None, by, self.store.now(), reason, detail)

    def restore(self, briefing_id: str, to: int, by: Viewer, reason: str) -> None:
        """Show an earlier version again, of a withdrawn briefing too. The versions after it are closed to all but those who
        may change the briefing."""
        with refusals_noted(self.store, by, "briefing-restore-refused", OF_BRIEFING + briefing_id[:80]):
            reason = _reason(reason, "restored", "it is kept in the audit trail")
            with self.store.writing() as connection:
                found = self._find_to_change(connection, briefing_id, by)
                if not 1 <= to <= found.newest:
                    raise NotFound(f"There is no version {to} of the briefing '{briefing_id}'.")
                if to == found.standing.current:
                    todo = "choose another version"
                    fault = Fault(f"version {to} is shown already", f"briefing '{briefing_id}'", todo)
                    raise Refused(f"The briefing '{briefing_id}' was not restored.", [fault])
                detail = {"reason": reason, "from": found.standing.current}
                _point(connection, found.id, "restore", to, by, self.store.now(), reason, detail)

    # -- rules ---------------------------------------------------------------------------------------------------------

    def _may_open(self, draft: BriefingDraft, by: Viewer) -> bool:
        if may_change(draft.partner, by):
            return True
        return by.signed_in and by.user == draft.asked_of and self._may_be_asked(draft, by)

    def _may_be_asked(self, draft: BriefingDraft, person: Viewer) -> bool:
        """Whether the draft may be shown to somebody who is to check it: no wider than it is going to be published."""
        try:
            audience = read_briefing(draft.text).audience
        except Refused:
            audience = Audience.OWNER  # nobody knows yet
        if audience == Audience.PUBLIC:
            audience = Audience.PARTNERS  # a draft is for no stranger
        return may_read(audience, draft.partner, person, self.store.region)

    def _find_draft(self, connection: sa.Connection, draft_id: str, by: Viewer) -> BriefingDraft:
        table = tables.briefing_drafts
        row = connection.execute(sa.select(table).where(table.c.id == draft_id)).first()
        draft = None if row is None else _draft(row)
        if draft is None or not self._may_open(draft, by):
            raise NotFound("There is no such draft.")
        return draft

    def _find_to_write(
        self, connection: sa.Connection, draft_id: str, by: Viewer, revision: int | None = None
    ) -> BriefingDraft:
        draft = self._find_draft(connection, draft_id, by)
        if not may_change(draft.partner, by):
            raise NotPermitted("You were asked to check this draft; only those who write it may change it.")
        if revision is not None and draft.revision != revision:
            raise Overtaken(draft)
        return draft

    def _partner_of(self, text: str, by: Viewer) -> str:
        """Whose a new draft is: as an admin's text says, else the person's own partner."""
        found = re.search(r"^partner:[ \t]*[\"']?([\w.-]+)", text, re.MULTILINE)
        for partner in (found[1] if found else "", by.partner):
            if self.store.region.partner(partner) is not None and may_change(partner, by):
                return partner
        known = ", ".join(partner.id for partner in self.store.region.partners)
        fault = Fault(
            "it does not say whose it is", "partner", f"write “partner: …” in its front matter, one of {known}"
        )
        raise Refused("The briefing was not begun.", [fault])

    def _permit(self, document: Document, by: Viewer) -> None:
        if not by.signed_in:
            raise NotPermitted("Sign in to publish a briefing.")
        if by.role not in ("analyst", "admin"):
            raise NotPermitted(f"Only analysts and admins may publish a briefing; '{by.user}' is a {by.role}.")
        if self.store.region.partner(document.partner) is None:
            known = ", ".join(partner.id for partner in self.store.region.partners)
            fault = Fault(f"there is no partner '{document.partner}'", "partner", f"use one of {known}", rule="partner")
            raise Refused("The briefing was not published.", [fault])
        if not may_change(document.partner, by):
            raise NotPermitted(
                f"'{by.user}' may publish briefings of '{by.partner}' only; this one says '{document.partner}'."
            )

    def _claim(self, connection: sa.Connection, briefing_id: str, document: Document, by: Viewer) -> _Found | None:
        """The briefing that has this id, None when it is free."""
        _check_id(briefing_id, "The briefing was not published.")
        found = _find(connection, briefing_id)
        built_in = (*BUILT_IN, *(f"gaps-{theme.id}" for theme in self.store.region.themes))
        theirs = found is not None and not may_change(found.partner, by)
        packs = self._of_pack(briefing_id)
        theirs = theirs or (packs is not None and not may_change(packs, by))
        if theirs or (briefing_id in built_in and by.role != "admin"):
            raise _cannot_have(briefing_id, "The briefing was not published.")
        if found is not None and found.partner != document.partner:  # an admin's: the others came to the line above
            what = f"the briefing '{briefing_id}' is of '{found.partner}', this text says '{document.partner}'"
            fault = Fault(what, "partner", "choose another id for it, or put the partner right", rule="partner")
            raise Refused("The briefing was not published.", [fault])
        return found

    def _of_pack(self, briefing_id: str) -> str | None:
        """The partner of the region pack's own briefing of this id, which another's would hide; "" where it cannot be read,
        None where there is none."""
        file = self.store.region.path / "briefings" / f"{briefing_id}.md"
        if not file.is_file():
            return None
        try:
            return read_briefing(file.read_text("utf-8")).partner
        except (OSError, UnicodeDecodeError, Refused):
            return ""

    def _check_pins(self, connection: sa.Connection, pins: Mapping[str, int], document: Document, now) -> None:
        """The last door against a leak: whatever the caller filled in, its layers are open to the whole audience."""
        faults = []
        for layer_id, version in pins.items():
            found = find(connection, layer_id, now)
            shown = found is not None and version in found.standing.open
            if not (
                shown
                and _fits(found.descriptor, document)
                and _fits(read_descriptor(connection, layer_id, version), document)
            ):
                what = f"version {version} of it cannot be shown to this audience"
                todo = "preview the briefing, then take out what comes from this layer, or choose another audience"
                faults.append(Fault(what, f"layer '{layer_id}'", todo, rule="pin"))
        if faults:
            raise Refused("The briefing was not published.", faults)

    def _add_version(self, connection, briefing_id, found, document, draft, pins, facts, note, by, now) -> int:
        version = found.newest + 1 if found else 1
        if found is None:
            made = {"id": briefing_id, "partner": document.partner, "made_at": now, "made_by": by.user}
            connection.execute(sa.insert(tables.briefings).values(made))
        row = {
            "briefing_id": briefing_id,
            "version": version,
            "published_at": now,
            "published_by": by.user,
            "note": note.strip(),
            "checked_by": draft.checked_by if draft else "",
            "checked_at": draft.checked_at if draft else None,
            "title": document.title,
            "audience": str(document.audience),
            "review_on": document.review_on,
            "text": document.text,
            "pins": tables.to_json(dict(pins)),
            "facts": tables.to_json(dict(facts)),
            "text_sha256": sha256(document.text.encode()),
        }
        row["record_sha256"] = record_sha256(row)
        connection.execute(sa.insert(tables.briefing_versions).values(row))
        told = {
            "note": row["note"],
            "sha256": row["record_sha256"],
            "title": row["title"],
            "draft": draft.id if draft else "",
        }
        told |= {"audience": row["audience"], "checked_by": row["checked_by"]}
        _point(connection, briefing_id, "publish", version, by, now, row["note"], told)
        return version

    def _find_to_change(self, connection: sa.Connection, briefing_id: str, by: Viewer) -> _Found:
        found = self._see(connection, briefing_id, by)
        if not may_change(found.partner, by):
            owner = self.store.region.partner(found.partner)
            raise NotPermitted(
                f"Only analysts of {owner.name if owner else 'its partner'} and admins may change the briefing "
                f"'{briefing_id}'."
            )
        return found

    @staticmethod
    def _update(connection: sa.Connection, draft_id: str, row: Mapping[str, Any]) -> None:
        table = tables.briefing_drafts
        connection.execute(sa.update(table).where(table.c.id == draft_id).values(**row))

    @staticmethod
    def _note(connection: sa.Connection, action: str, draft: BriefingDraft, by: Viewer, now, **detail: Any) -> None:
        """A line about a draft. Under the briefing's id, so that it is read by those who may change that briefing."""
        key = OF_BRIEFING + draft.briefing_id if draft.briefing_id else None
        detail |= {"draft": draft.id, "partner": draft.partner}
        add_line(connection, at=now, by=by, action=action, of=key, detail=detail)


# -- what the store says now -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Found:
    """A briefing as one transaction sees it. ``row`` is the version whose audience says who may read, without its long
    columns: the one that is shown, else the one that was shown last."""

    id: str
    partner: str
    standing: Standing
    newest: int
    row: sa.Row


def _find(connection: sa.Connection, briefing_id: str) -> _Found | None:
    return next(iter(_find_all(connection, briefing_id)), None)


def _find_all(connection: sa.Connection, briefing_id: str | None = None) -> list[_Found]:
    """Every briefing, or the one of this id; with three questions to the database however many there are."""
    made, versions, decisions = tables.briefings, tables.briefing_versions, tables.briefing_pointers
    short = [column for column in versions.c if column.name not in ("text", "pins", "facts")]
    questions = [
        sa.select(made.c.id, made.c.partner).order_by(made.c.id),
        sa.select(*short),
        sa.select(decisions).order_by(decisions.c.seq),
    ]
    if briefing_id is not None:
        columns = (made.c.id, versions.c.briefing_id, decisions.c.briefing_id)
        questions = [query.where(column == briefing_id) for query, column in zip(questions, columns, strict=True)]
    of_briefing: dict[str, dict[int, sa.Row]] = {}
    for row in connection.execute(questions[1]):
        of_briefing.setdefault(row.briefing_id, {})[row.version] = row
    pointers: dict[str, list[Pointer]] = {}
    for row in connection.execute(questions[2]):
        pointers.setdefault(row.briefing_id, []).append(pointer_of(row))
    out = []
    for row in connection.execute(questions[0]):
        if row.id not in pointers or row.id not in of_briefing:
            continue  # no briefing is ever made without both; `check` tells of it
        stands = standing(pointers[row.id], pointers[row.id][-1].at)
        shown = of_briefing[row.id].get(stands.current or stands.last)
        if shown is not None:
            out.append(_Found(row.id, row.partner, stands, max(of_briefing[row.id]), shown))
    return out


def pointer_of(row: sa.Row) -> Pointer:
    """A decision about a briefing in the words of one about a layer, so that the same replay serves both."""
    action = "rollback" if row.action == "restore" else row.action
    return Pointer(row.seq, action, row.version, row.at, None, row.reason)


def _read_version(connection: sa.Connection, briefing_id: str, version: int) -> sa.Row | None:
    table = tables.briefing_versions
    return connection.execute(
        sa.select(table).where(table.c.briefing_id == briefing_id, table.c.version == version)
    ).first()


def record_sha256(row: Mapping[str, Any]) -> str:
    """Hash over everything that a version says, and when and by whom it was published and checked."""
    told = {column.name: row[column.name] for column in tables.briefing_versions.c if column.name != "record_sha256"}
    for name in ("published_at", "checked_at"):
        told[name] = tables.Moment().process_bind_param(told[name], None)
    return sha256(tables.to_json(told).encode())


def _published(row: sa.Row, found: _Found, viewer: Viewer) -> PublishedBriefing:
    if record_sha256(row._mapping) != row.record_sha256 or sha256(row.text.encode()) != row.text_sha256:
        fault = Fault(
            "what is stored is not what was published", f"briefing '{row.briefing_id}' version {row.version}",
            "restore a backup",
        )  # fmt: skip
        raise StoreFault("The briefing is damaged and is not shown.", [fault])
    changes = may_change(found.partner, viewer)
    return PublishedBriefing(
        id=row.briefing_id,
        version=row.version,
        text=row.text,
        pins=json.loads(row.pins),
        facts=json.loads(row.facts) if changes else {},
        published_at=row.published_at,
        published_by=row.published_by if viewer.signed_in else found.partner,
        partner=found.partner,
        audience=Audience(row.audience),
        title=row.title,
        checked_by=row.checked_by if viewer.signed_in else "",
        checked_at=row.checked_at,
        note=row.note,
        review_on=row.review_on,
        state=found.standing.state(row.version),
    )


def _point(connection, briefing_id, action, version, by: Viewer, now, reason: str, detail: Mapping[str, Any]) -> None:
    """Say which version a briefing shows from now on, with its audit line."""
    seq = add_line(
        connection,
        at=now,
        by=by,
        action=f"briefing-{action}",
        of=OF_BRIEFING + briefing_id,
        version=version,
        detail=detail,
    )
    row = {"seq": seq, "briefing_id": briefing_id, "action": action, "version": version, "at": now, "reason": reason}
    connection.execute(sa.insert(tables.briefing_pointers).values(**row, by=by.user))


# -- details -----------------------------------------------------------------------------------------------------------

_UNASKED = {"asked_of": "", "asked_by": "", "asked_at": None, "asked_note": ""}
_UNCHECKED = {"checked_by": "", "checked_at": None}


def no_briefing(briefing_id: str) -> str:
    """The one sentence for a briefing that is not there, and for one that this viewer may not read."""
    return f"There is no briefing '{briefing_id}'."


def _withdrawn(found: _Found) -> Withdrawn:
    gone = found.standing.withdrawn
    return Withdrawn(found.id, found.row.title, gone.reason, gone.at, what="briefing")


def _draft(row: sa.Row) -> BriefingDraft:
    return _draft_row(row._mapping)


def _draft_row(row: Mapping[str, Any]) -> BriefingDraft:
    return BriefingDraft(**{**row, "authors": tuple(json.loads(row["authors"]))})


def _clean(text: str) -> str:
    """The text as it is kept: one kind of line end. Raises :class:`Refused` for what no database can hold."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        size = None
    if size is None or "\x00" in text:
        fault = Fault(
            "it holds a character that cannot be kept", "text", "delete it, or write the text anew", rule="text"
        )
        raise Refused("The text was not kept.", [fault])
    if size > MOST_BYTES:
        fault = Fault(f"it is larger than {MOST_BYTES // 1000:,} kB", "text", "split it in two", rule="briefing-size")
        raise Refused("The text was not kept.", [fault])
    return text


def _check_id(briefing_id: str, title: str) -> None:
    if not ID.match(briefing_id):
        todo = "use up to 80 small letters, digits and hyphens, and begin with a letter or digit"
        raise Refused(title, [Fault(f"'{briefing_id[:100]}' cannot be an id", "id", todo, rule="id")])
    if briefing_id in RESERVED or briefing_id.startswith("ward-"):  # every ward has its page at ward-<code>
        raise _cannot_have(briefing_id, title)


def _cannot_have(briefing_id: str, title: str) -> Refused:
    """One sentence for a reserved id and another partner's, visible or not."""
    return Refused(title, [Fault(f"the id '{briefing_id}' cannot be had", "id", "choose another", rule="id")])


def _free_id(connection: sa.Connection, document: Document) -> str:
    """An id from partner and title. With the partner in it, other partners' briefings do not come into its way."""
    plain = unicodedata.normalize("NFKD", document.title).encode("ascii", "ignore").decode().casefold()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "briefing"
    whose = re.sub(r"[^a-z0-9]+", "-", document.partner.casefold()).strip("-")
    start = f"{whose}-{words}".strip("-")[:72].rstrip("-")
    number, wanted = 1, start
    while _find(connection, wanted) is not None:
        number += 1
        wanted = f"{start}-{number}"
    return wanted


def _check_expected(briefing_id: str, found: _Found | None, expecting: int | None) -> None:
    newest = found.newest if found else 0
    if expecting is not None and expecting != newest:
        what = f"version {newest} was published meanwhile; you were working from version {expecting}"
        if expecting == 0:
            what = f"there is a briefing '{briefing_id}' already, in version {newest}"
        fault = Fault(what, "version", "look at what changed, then publish again", rule="overtaken")
        raise Refused("The briefing was not published.", [fault])


def _plain_pins(pins: Mapping[str, int]) -> dict[str, int]:
    bad = [key for key, version in pins.items() if isinstance(version, bool) or int(version) != version or version < 1]
    if bad:
        raise ValueError(f"not a version: {', '.join(f'{key}={pins[key]!r}' for key in bad)}")
    return {str(key): int(version) for key, version in sorted(pins.items())}


def _fits(descriptor: Descriptor, document: Document) -> bool:
    """Whether all those whom a briefing's audience names may see a layer with this descriptor."""
    if descriptor.audience == Audience.PUBLIC:
        return True
    if document.audience == Audience.PUBLIC:
        return False
    if descriptor.audience == Audience.PARTNERS:
        return True
    return (
        document.audience == Audience.OWNER
        and descriptor.audience == Audience.OWNER
        and descriptor.partner == document.partner
    )


def _reason(reason: str, done: str, why: str) -> str:
    if not reason.strip():
        raise Refused(
            f"A briefing is not {done} without a reason.", [Fault("the reason is empty", "reason", f"say why; {why}")]
        )
    return reason.strip()
