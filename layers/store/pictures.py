"""Pictures of briefings: kept once for each partner by what they are, so that a text names its picture for good.

A picture's id is made of its bytes and its partner: the same picture is kept once, and no picture is ever put in the place of
another. Whoever can read a text that names a picture is shown it; an id cannot be guessed. What no draft and no version names
any more goes when room is needed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from layers.model import Fault, NotFound, Refused, Viewer
from layers.store import tables
from layers.store.audit import add_line
from layers.store.blobs import sha256
from layers.store.database import Database
from layers.store.permissions import may_change
from layers.store.records import NotPermitted, StoreFault

MOST_ONE = 2_000_000
"""Bytes of one picture as it is kept."""
MOST_BYTES = 40_000_000
"""What the pictures of one partner may take up together."""
LONGEST_ALT = 400
KINDS = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
"""What is kept, and how it begins."""
ID = re.compile(r"[0-9a-f]{20}\Z")
_SHOWN = re.compile(r"^(?:picture|logo):[ \t]*[\"']?([0-9a-f]{20})\b", re.MULTILINE)
_YOUNG = timedelta(days=1)
_TITLE = "The picture was not kept."


@dataclass(frozen=True)
class Picture:
    """A picture as it is kept. ``alt`` says in words what is to be seen."""

    id: str
    partner: str
    alt: str
    media_type: str
    width: int
    height: int
    size: int
    sha256: str
    made_at: datetime
    made_by: str
    data: bytes = field(default=b"", repr=False)  # empty in lists


class Pictures:
    """The pictures of one store."""

    def __init__(self, database: Database):
        self.database = database

    def add(
        self, by: Viewer, *, partner: str, data: bytes, media_type: str, width: int, height: int, alt: str
    ) -> Picture:
        """Keep a picture of ``partner``, or find it again; a new ``alt`` takes the place of the one before.

        Raises :class:`NotPermitted`, and :class:`Refused` for what is too large, no picture, without words, or more than fits.
        """
        if not may_change(partner, by):
            raise NotPermitted("Only those who write a partner's briefings may add a picture to them.")
        alt = " ".join(alt.split())
        _check(data, media_type, alt)
        table, picture_id = tables.briefing_pictures, sha256(f"{partner}\n".encode() + data)[:20]
        with self.database.writing(bump=False) as connection:
            now = self.database.now()
            there = connection.execute(sa.select(table.c.alt).where(table.c.id == picture_id)).first()
            if there is None:
                self._make_room(connection, partner, len(data), now)
                row = {
                    "id": picture_id, "partner": partner, "alt": alt, "media_type": media_type, "width": width,
                    "height": height, "size": len(data), "sha256": sha256(data), "made_at": now, "made_by": by.user,
                    "data": data,
                }  # fmt: skip
                connection.execute(sa.insert(table).values(row))
                detail = {"id": picture_id, "partner": partner, "size": len(data)}
                add_line(connection, at=now, by=by, action="briefing-picture-added", detail=detail)
            elif there.alt != alt:
                connection.execute(sa.update(table).where(table.c.id == picture_id).values(alt=alt))
            return self._find(connection, picture_id)

    def get(self, picture_id: str) -> Picture:
        """The picture that a text names. Raises :class:`NotFound`, and :class:`StoreFault` for one that is not what was kept."""
        with self.database.reading() as connection:
            return self._find(connection, picture_id)

    def list(self, by: Viewer, partner: str) -> tuple[Picture, ...]:
        """A partner's pictures, the last first, without their bytes; none for somebody who does not write for it."""
        if not may_change(partner, by):
            return ()
        table = tables.briefing_pictures
        columns = [column for column in table.c if column is not table.c.data]
        query = sa.select(*columns).where(table.c.partner == partner).order_by(table.c.made_at.desc(), table.c.id)
        with self.database.reading() as connection:
            return tuple(Picture(**row._mapping) for row in connection.execute(query))

    def _find(self, connection: sa.Connection, picture_id: str) -> Picture:
        table = tables.briefing_pictures
        query = sa.select(table).where(table.c.id == picture_id)
        row = connection.execute(query).first() if ID.match(picture_id) else None
        if row is None:
            raise NotFound("There is no such picture.")
        if sha256(row.data) != row.sha256:
            what = Fault("it is not what was kept", f"picture {picture_id}", "restore a backup")
            raise StoreFault("A picture is damaged.", [what])
        return Picture(**row._mapping)

    def _make_room(self, connection: sa.Connection, partner: str, size: int, now: datetime) -> None:
        table = tables.briefing_pictures
        rows = connection.execute(
            sa.select(table.c.id, table.c.size, table.c.made_at).where(table.c.partner == partner)
        ).all()
        over = sum(row.size for row in rows) + size - MOST_BYTES
        if over > 0:
            for row in rows:
                if row.made_at < now - _YOUNG and not _named(connection, row.id):
                    connection.execute(sa.delete(table).where(table.c.id == row.id))
                    over -= row.size
        if over > 0:
            what = f"your pictures take up all of the {MOST_BYTES // 1_000_000} MB that there are for them"
            todo = "take it smaller, or discard drafts whose pictures are not needed"
            raise Refused(_TITLE, [Fault(what, "picture", todo, rule="quota")])


def named_pictures(text: str) -> list[str]:
    """The ids of the pictures that a text shows."""
    return _SHOWN.findall(text)


def _named(connection: sa.Connection, picture_id: str) -> bool:
    """Whether any draft or version holds the id."""
    texts = (tables.briefing_drafts.c.text, tables.briefing_versions.c.text)
    return any(
        connection.execute(sa.select(sa.literal(1)).where(text.contains(picture_id)).limit(1)).first() for text in texts
    )


def _check(data: bytes, media_type: str, alt: str) -> None:
    faults = []
    if media_type not in KINDS or not data.startswith(KINDS[media_type]):
        faults.append(Fault("it is neither PNG nor JPEG", "picture", "choose another file", rule="picture"))
    if len(data) > MOST_ONE:
        what = f"it is larger than {MOST_ONE // 1_000_000} MB"
        faults.append(Fault(what, "picture", "take it smaller", rule="too-large"))
    if len(alt) < 3:
        todo = "say what is to be seen, for people who cannot see it"
        faults.append(Fault("it has no words", "alt", todo, rule="alt"))
    if len(alt) > LONGEST_ALT:
        faults.append(Fault(f"its words are longer than {LONGEST_ALT} characters", "alt", "shorten them", rule="alt"))
    if faults:
        raise Refused(_TITLE, faults)
