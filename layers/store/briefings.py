"""Briefings in the store: versions that were published, who may read them, and the drafts that they are made from.

A version is what was published, for good: the text, the versions of the layers that its numbers came from (``pins``) and what
its tokens said on the day (``facts``). A briefing belongs to the partner that published it first. Its text is Markdown
(:mod:`layers.reading.briefing_text`); nothing here knows what its tokens say.

Every read asks the database, which takes about a millisecond, so that a withdrawn briefing is gone in the same moment in
every process.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from layers.model import Audience, Descriptor, Fault, NotFound, Refused, Viewer
from layers.reading.briefing_text import Document, read_briefing, without_notes
from layers.store import tables, taken
from layers.store.blobs import sha256
from layers.store.briefing_drafts import BriefingDraft, BriefingDrafts, cannot_have, check_id, clean_text
from layers.store.contents import descriptor_of
from layers.store.database import Database
from layers.store.layers import Layers
from layers.store.permissions import may_change, may_read
from layers.store.records import StoreFault, Withdrawn
from layers.store.versioned import FoundThing, Versioned, VersionedKind

BUILT_IN = ("region-in-ten-numbers", "shared-gaps")
"""Ids of the briefings that every region has, beside ``gaps-<theme>``. Only an admin may put something else in their place."""

BRIEFINGS = VersionedKind(
    what="briefing",
    key="briefing_id",
    things=tables.briefings,
    versions=tables.briefing_versions,
    pointers=tables.briefing_pointers,
    long_columns=("text", "pins", "facts"),
    of="briefing:",
    prefix="briefing-",
    back="restore",
    went_back="restored",
    why_back="say why; it is kept in the audit trail",
    why_withdraw="say why; people who follow a link will read it",
)


@dataclass(frozen=True)
class PublishedBriefing:
    """One version of a briefing. ``state`` is current, superseded, rolled-back or withdrawn.

    The public learns which partner published and checked, not who. Only those who may change the briefing have the presenter's
    notes in ``text``, and ``facts``: they may hold numbers of a layer that was withdrawn since, which a page made anew does
    not show.
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


class Briefings(Versioned):
    """The briefings of one store. Every method takes the person who asks; what they may not have does not exist."""

    kind = BRIEFINGS

    def __init__(self, database: Database):
        super().__init__(database)
        self.drafts = BriefingDrafts(self)

    def partner_of(self, thing: sa.Row, row: sa.Row) -> str:
        return thing.partner

    def is_there_for(self, found: FoundThing, viewer: Viewer) -> bool:
        return may_read(found.row.audience, found.partner, viewer, self.database.region)

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
        with self.database.reading() as connection:
            found = self._see(connection, briefing_id, viewer)
            stands = found.standing
            changes = may_change(found.partner, viewer)
            if stands.withdrawn and (version is None or not changes):
                raise _withdrawn(found)
            wanted = stands.current if version is None else version
            open_ = wanted in stands.open or (changes and 1 <= wanted <= found.newest)
            row = self.kind.version_row(connection, briefing_id, wanted) if open_ else None
            if row is None or not may_read(row.audience, found.partner, viewer, self.database.region):
                raise NotFound(f"There is no version {version} of the briefing '{briefing_id}'.")
            return _published(row, found, viewer)

    def history(self, briefing_id: str, viewer: Viewer) -> tuple[PublishedBriefing, ...]:
        """The versions of a briefing, newest first: every one for those who may change it, the open ones for others.

        Raises like :meth:`get`; those who may change a withdrawn briefing still get its history.
        """
        with self.database.reading() as connection:
            found = self._see(connection, briefing_id, viewer)
            changes = may_change(found.partner, viewer)
            if found.standing.withdrawn and not changes:
                raise _withdrawn(found)
            table = self.kind.versions
            query = sa.select(table).where(table.c.briefing_id == briefing_id).order_by(table.c.version.desc())
            rows = connection.execute(query).all()
        return tuple(
            _published(row, found, viewer)
            for row in rows
            if changes
            or (
                row.version in found.standing.open
                and may_read(row.audience, found.partner, viewer, self.database.region)
            )
        )

    def _entries(self, viewer: Viewer, wanted: Callable[[FoundThing], bool]) -> tuple[BriefingEntry, ...]:
        with self.database.reading() as connection:
            found = [
                one
                for one in self.find_all(connection, self.database.now())
                if wanted(one) and self.is_there_for(one, viewer)
            ]
        found.sort(key=lambda one: one.row.published_at, reverse=True)  # stable: they come by id within the same moment
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

    def _see(self, connection: sa.Connection, briefing_id: str, viewer: Viewer) -> FoundThing:
        found = self.find(connection, briefing_id, self.database.now())
        if found is None or not self.is_there_for(found, viewer):
            raise NotFound(self.kind.nothing(briefing_id))
        return found

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
        one transaction. Raises :class:`NotPermitted`, :class:`NotFound` (no such draft), :class:`EditConflict` or
        :class:`Refused`; then nothing has changed but one audit line.
        """
        if bool(draft_id) == bool(text):
            raise ValueError("publish a draft or a text")
        draft, wanted = None, briefing_id
        with (
            self.refusals_noted(by, "publish", briefing_id) as tried,
            taken.counted(self.database, by) as tries,
        ):
            if draft_id:
                draft = self.drafts.get(draft_id, by)
                if revision is None:
                    raise ValueError("say which revision of the draft the pins and facts are of")
                text, wanted = draft.text, briefing_id or draft.briefing_id
                expecting = draft.base_version if expecting is None and wanted else expecting
                tried.of = self.kind.name_in_audit(wanted)
            text = clean_text(text)
            document = read_briefing(text)
            self._check_may_publish(document, by)
            pins = _plain_pins(pins)
            with self.database.writing() as connection:
                now = self.database.now()
                if draft is not None:
                    draft = self.drafts.find_to_write(connection, draft_id, by, revision)
                chosen = bool(wanted)
                wanted = wanted or self._free_id(connection, document, now)
                tried.of = self.kind.name_in_audit(wanted)
                there = self.find(connection, wanted, now)
                known = self.known_to(there, by)
                tries.check(is_new=known is None and chosen)
                if known is not None or there is None:
                    known = self._claim(connection, wanted, document, by, now)
                if faults := self.overtaken(wanted, known, expecting):
                    raise Refused("The briefing was not published.", faults)
                self._check_pins(connection, pins, document, now)
                tries.missed = there is not None and known is None
                found = self._claim(connection, wanted, document, by, now)
                row = self._row(wanted, found, document, draft, pins, facts, note, by, now)
                detail = {"title": document.title, "audience": row["audience"], "draft": draft.id if draft else ""}
                self.add_version(connection, found, row, by=by, detail=detail, thing={"partner": document.partner})
                if draft is not None:
                    self.drafts.delete(connection, draft.id)
                written = self.kind.version_row(connection, wanted, row["version"])
                return _published(written, self.find(connection, wanted, now), by)

    def _check_may_publish(self, document: Document, by: Viewer) -> None:
        region = self.database.region
        if by.signed_in and by.role in ("analyst", "admin") and region.partner(document.partner) is None:
            known = ", ".join(partner.id for partner in region.partners)
            fault = Fault(f"there is no partner '{document.partner}'", "partner", f"use one of {known}", rule="partner")
            raise Refused("The briefing was not published.", [fault])
        self.permit(by, document.partner)

    def overtaken(self, thing_id: str, found: FoundThing | None, expecting: int | None) -> list[Fault]:
        if expecting == 0 and found is not None:
            what, todo = (
                f"there is a briefing '{thing_id}' already, in version {found.newest}",
                "look at what changed, then publish again",
            )
            return [Fault(what, "version", todo, rule="overtaken")]
        return super().overtaken(thing_id, found, expecting)

    def _claim(
        self, connection: sa.Connection, briefing_id: str, document: Document, by: Viewer, now: datetime
    ) -> FoundThing | None:
        """The briefing that has this id, None when it is free. Its own faults come first, then whether it can be had."""
        check_id(briefing_id, "The briefing was not published.")
        found = self.find(connection, briefing_id, now)
        built_in = (*BUILT_IN, *(f"gaps-{theme.id}" for theme in self.database.region.themes))
        theirs = found is not None and not may_change(found.partner, by)
        packs = self._of_pack(briefing_id)
        theirs = theirs or (packs is not None and not may_change(packs, by))
        if theirs or (briefing_id in built_in and by.role != "admin"):
            raise cannot_have(briefing_id, "The briefing was not published.")
        if found is not None and found.partner != document.partner:  # an admin's: the others came to the line above
            what = f"the briefing '{briefing_id}' is of '{found.partner}', this text says '{document.partner}'"
            fault = Fault(what, "partner", "choose another id for it, or put the partner right", rule="partner")
            raise Refused("The briefing was not published.", [fault])
        return found

    def _of_pack(self, briefing_id: str) -> str | None:
        """The partner of the region pack's own briefing of this id, which another's would hide; "" where it cannot be read,
        None where there is none."""
        file = self.database.region.path / "briefings" / f"{briefing_id}.md"
        if not file.is_file():
            return None
        try:
            return read_briefing(file.read_text("utf-8")).partner
        except (OSError, UnicodeDecodeError, Refused):
            return ""

    def _check_pins(self, connection: sa.Connection, pins: Mapping[str, int], document: Document, now) -> None:
        """The last door against a leak: whatever the caller filled in, its layers are open to the whole audience."""
        layers, faults = Layers(self.database), []
        for layer_id, version in pins.items():
            found = layers.find(connection, layer_id, now)
            shown = found is not None and version in found.standing.open
            if not (
                shown
                and _fits(descriptor_of(found.row), document)
                and _fits(descriptor_of(layers.kind.version_row(connection, layer_id, version)), document)
            ):
                what = f"version {version} of it cannot be shown to this audience"
                todo = "preview the briefing, then take out what comes from this layer, or choose another audience"
                faults.append(Fault(what, f"layer '{layer_id}'", todo, rule="pin"))
        if faults:
            raise Refused("The briefing was not published.", faults)

    def _row(
        self,
        briefing_id: str,
        found: FoundThing | None,
        document: Document,
        draft: BriefingDraft | None,
        pins: Mapping[str, int],
        facts: Mapping[str, Any],
        note: str,
        by: Viewer,
        now: datetime,
    ) -> dict[str, Any]:
        row = self.next_row(
            briefing_id,
            found,
            by=by,
            now=now,
            note=note.strip(),
            review_on=document.review_on,
            checked_by=draft.checked_by if draft else "",
            checked_at=draft.checked_at if draft else None,
        ) | {
            "title": document.title,
            "audience": str(document.audience),
            "text": document.text,
            "pins": tables.to_json(dict(pins)),
            "facts": tables.to_json(dict(facts)),
            "text_sha256": sha256(document.text.encode()),
        }
        row["record_sha256"] = record_sha256(row)
        return row

    def _free_id(self, connection: sa.Connection, document: Document, now: datetime) -> str:
        """An id from partner and title. With the partner in it, other partners' briefings do not come into its way."""
        plain = unicodedata.normalize("NFKD", document.title).encode("ascii", "ignore").decode().casefold()
        words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "briefing"
        whose = re.sub(r"[^a-z0-9]+", "-", document.partner.casefold()).strip("-")
        start = f"{whose}-{words}".strip("-")[:72].rstrip("-")
        number, wanted = 1, start
        while self.find(connection, wanted, now) is not None:
            number += 1
            wanted = f"{start}-{number}"
        return wanted


# -- what a version holds ----------------------------------------------------------------------------------------------


def record_sha256(row: Mapping[str, Any]) -> str:
    """Hash over everything that a version says, and when and by whom it was published and checked."""
    told = {column.name: row[column.name] for column in BRIEFINGS.versions.c if column.name != "record_sha256"}
    for name in ("published_at", "checked_at"):
        told[name] = tables.Moment().process_bind_param(told[name], None)
    return sha256(tables.to_json(told).encode())


def _published(row: sa.Row, found: FoundThing, viewer: Viewer) -> PublishedBriefing:
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
        text=row.text if changes else without_notes(row.text),
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


def _withdrawn(found: FoundThing) -> Withdrawn:
    gone = found.standing.withdrawn
    return Withdrawn(found.id, found.row.title, gone.reason, gone.at, what="briefing")


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
