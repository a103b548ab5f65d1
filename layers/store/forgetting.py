"""Forgetting what is over; and who signed in, after as long as an organisation decides, while the audit trail stays verifiable.

Of a forgotten line its number, moment, action and chain stay; who it was and from where are gone for good. The line cannot be checked
against its own chain any more, but those after it still stand on it, and a line of the trail says which were forgotten.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from layers.model import SYSTEM, Fault, Refused, Viewer
from layers.store import devices, migrations, tables, throttle
from layers.store.accounts import ABSOLUTE, IDLE
from layers.store.audit import FORGOTTEN, FORGOTTEN_DETAIL, SIGN_INS, add_line
from layers.store.briefing_drafts import BriefingDrafts
from layers.store.briefings import Briefings
from layers.store.database import Database
from layers.store.drafts import Drafts
from layers.store.records import NotPermitted


def forget_sign_ins(database: Database, *, by: Viewer, days: int) -> int:
    """Forget the people of sign-in lines that are older than ``days``, and sessions that are over. Returns how many lines.

    Raises :class:`NotPermitted` for all but admins, and :class:`Refused` for fewer than seven days: what went wrong yesterday
    could then not be found out.
    """
    if not (by.signed_in and by.role == "admin"):
        raise NotPermitted("Only admins may have sign-ins forgotten.")
    if days < 7:
        raise Refused(
            "Nothing was forgotten.", [Fault(f"{days} days are too few", "days", "keep them for a week at least")]
        )
    table, sessions = tables.audit, tables.sessions
    with database.writing(bump=False) as connection:
        now = database.now()
        old = (
            table.c.action.in_(SIGN_INS),
            table.c.at < now - timedelta(days=days),
            table.c.detail != FORGOTTEN_DETAIL,
        )
        lines = connection.execute(sa.select(table.c.seq).where(*old).order_by(table.c.seq)).scalars().all()
        connection.execute(sa.delete(sessions).where(sessions.c.started_at <= now - ABSOLUTE))
        if lines:
            with migrations.unguarded(connection, table):
                gone = {"by": FORGOTTEN, "partner": "", "detail": FORGOTTEN_DETAIL}
                connection.execute(sa.update(table).where(*old).values(**gone))
            add_line(connection, at=now, by=by, action="forgot", detail={"lines": ranges(lines), "days": days})
    return len(lines)


DRAFT_DAYS = 180
"""Days after which a draft that nobody has changed is forgotten, unless the settings say otherwise."""


@dataclass(frozen=True)
class Forgotten:
    """How much was over. ``drafts``: ids of drafts of layers."""

    sessions: int = 0
    attempts: int = 0
    devices: int = 0
    drafts: tuple[str, ...] = ()
    briefing_drafts: tuple[str, ...] = ()


def forget_what_is_over(database: Database, *, draft_days: int = DRAFT_DAYS) -> Forgotten:
    """Delete sessions that have ended, counts of attempts that count nothing any more, browsers that nobody uses, and drafts
    that nobody has changed for ``draft_days`` days (0: keep them). Made for every hour; harmless when processes do it at once."""
    sessions = tables.sessions
    with database.writing(bump=False) as connection:
        now = database.now()
        ended = (sessions.c.started_at <= now - ABSOLUTE) | (sessions.c.seen_at <= now - IDLE)
        kinds = (Drafts(database), BriefingDrafts(Briefings(database)))
        drafts, texts = (
            kind.forget_untouched(connection, days=draft_days, by=SYSTEM, now=now) if draft_days else ()
            for kind in kinds
        )
        return Forgotten(
            connection.execute(sa.delete(sessions).where(ended)).rowcount,
            throttle.forget_old(connection, now),
            devices.forget_unused(connection, now),
            drafts,
            texts,
        )


def ranges(numbers: list[int]) -> list[list[int]]:
    """[1, 2, 3, 7] as [[1, 3], [7, 7]]."""
    out: list[list[int]] = []
    for number in numbers:
        if out and out[-1][1] == number - 1:
            out[-1][1] = number
        else:
            out.append([number, number])
    return out


def forgotten_by_right(connection: sa.Connection) -> set[int]:
    """The lines that the trail itself says were forgotten."""
    table = tables.audit
    details = connection.execute(sa.select(table.c.detail).where(table.c.action == "forgot")).scalars()
    return {seq for detail in details for first, last in json.loads(detail)["lines"] for seq in range(first, last + 1)}
