"""The audit trail: who did what, when. Each line is chained to the one before, so that none can be changed or taken out.

A line about a layer has its id; one about another thing has the kind's name, a colon and the id, as in ``briefing:gaps``. A
layer's id cannot hold a colon.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from layers.model import Refused, Viewer
from layers.names import is_name
from layers.store import tables
from layers.store.anchor import ADDED
from layers.store.blobs import sha256
from layers.store.database import Database
from layers.store.records import NotPermitted

log = logging.getLogger(__name__)

SIGN_INS = ("sign-in", "sign-in-failed", "sign-out")
"""Actions whose people may be forgotten (:mod:`layers.store.forgetting`)."""
FORGOTTEN, FORGOTTEN_DETAIL = "(forgotten)", '{"forgotten": true}'


@dataclass(frozen=True)
class AuditSearch:
    """What lines to look for; "" and None: any. ``layer`` is the id of a layer, a briefing or another thing; ``action`` may be the
    beginning of one. ``since`` is the first moment, ``until`` the first one after."""

    person: str = ""
    layer: str = ""
    action: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class AuditLine:
    seq: int
    at: datetime
    by: str
    partner: str
    action: str
    what: str = ""  # it is about a "layer" or a "briefing"; "": about neither
    thing_id: str = ""
    version: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


def add_line(
    connection: sa.Connection,
    *,
    at: datetime,
    by: Viewer,
    action: str,
    of: str | None = None,
    version: int | None = None,
    detail: Mapping[str, Any] | None = None,
) -> int:
    """Add one line, about ``of``, and return its number. Only inside :meth:`Database.writing`, which makes us the one writer."""
    table = tables.audit
    last = connection.execute(sa.select(table.c.seq, table.c.chain).order_by(table.c.seq.desc()).limit(1)).first()
    line = {
        "seq": last.seq + 1 if last else 1,
        "at": at,
        "by": by.user,
        "partner": by.partner,
        "action": action,
        "layer_id": of,
        "version": version,
        "detail": tables.to_json(dict(detail or {})),
    }
    chain = chain_of(last.chain if last else "", line)
    connection.execute(sa.insert(table).values(**line, chain=chain))
    connection.info.setdefault(ADDED, []).append((line["seq"], chain))
    return line["seq"]


def chain_of(previous: str, line: Mapping[str, Any]) -> str:
    """Hash of an audit line on top of the line before: changing or removing one breaks every later one."""
    told = {key: line[key] for key in ("seq", "by", "partner", "action", "layer_id", "version", "detail")}
    told["at"] = tables.Moment().process_bind_param(line["at"], None)
    return sha256((previous + tables.to_json(told)).encode())


WOULD_TELL = "would-give-away"
"""Somebody who may not see this layer was refused, because small numbers would have followed from both together."""


@dataclass
class Attempt:
    of: str  # what it is about, in the words of the trail; may be put right while it is being found out


@contextlib.contextmanager
def refusals_noted(database: Database, by: Viewer, action: str, of: str = "") -> Iterator[Attempt]:
    """Leave a line about what is refused in here, and let the refusal go on. If even that cannot be written, the log has it."""
    attempt = Attempt(of)
    try:
        yield attempt
    except (Refused, NotPermitted) as error:
        if by.signed_in:
            faults = [str(fault) for fault in getattr(error, "faults", ())][:20]
            detail = {"why": getattr(error, "title", str(error)), "faults": faults}
            try:
                with database.writing(bump=False) as connection:
                    of = attempt.of[:200]
                    of = of if is_name(of) or not of else ascii(of)[:200]  # whatever was tried can be written down
                    add_line(connection, at=database.now(), by=by, action=action, of=of, detail=detail)
                    # What was kept from this person is for the owners of the layers that it is about, and for admins.
                    for layer_id, told in getattr(error, "unnamed", {}).items():
                        detail = {"of": of, "faults": list(told[:20])}
                        add_line(connection, at=database.now(), by=by, action=WOULD_TELL, of=layer_id, detail=detail)
            except Exception:
                log.exception("the audit line about a refused %s of %s could not be written", action, attempt.of)
        raise


def read_lines(
    connection: sa.Connection,
    viewer: Viewer,
    *,
    mine: Collection[str],
    others: Collection[str],
    named: Mapping[str, sa.Table],
    layer_id: str | None = None,
    before: int | None = None,
    limit: int = 200,
    search: AuditSearch | None = None,
) -> tuple[AuditLine, ...]:
    """Lines, newest first; see :meth:`layers.store.store.Store.audit`. ``mine`` are the layers that the viewer may change,
    ``named`` the things of every other kind, by what stands before their ids in the trail; they say whose they are."""
    table = tables.audit
    query = sa.select(table).order_by(table.c.seq.desc()).limit(limit)
    if layer_id is not None:
        query = query.where(table.c.layer_id == layer_id)
    if before is not None:
        query = query.where(table.c.seq < before)
    search = search or AuditSearch()
    if search.person:
        query = query.where(table.c.by == search.person)
    if search.layer:
        query = query.where(table.c.layer_id.in_([search.layer, *(prefix + search.layer for prefix in named)]))
    if search.action:
        query = query.where(table.c.action.startswith(search.action, autoescape=True))
    if search.since is not None:
        query = query.where(table.c.at >= search.since)
    if search.until is not None:
        query = query.where(table.c.at < search.until)
    if viewer.role != "admin":
        # What somebody tried and was refused is theirs to see, whatever has the id: that it is missing would tell that
        # something hidden has it. For the same reason a colleague sees it of their own partner's things only.
        refused = table.c.action.endswith("-refused", autoescape=True)
        own = table.c.layer_id.in_(mine) | (refused & (table.c.by == viewer.user))
        of_layer = table.c.layer_id.not_in(others) & ~refused
        for prefix, things in named.items():
            of_kind = table.c.layer_id.startswith(prefix, autoescape=True)
            of_layer &= ~of_kind
            keys = sa.select(prefix + things.c.id)
            own |= table.c.layer_id.in_(keys.where(things.c.partner == viewer.partner))
            own |= of_kind & table.c.layer_id.not_in(keys) & (table.c.by == viewer.user)  # a draft's, not published yet
        query = query.where(own | ((table.c.partner == viewer.partner) & (table.c.layer_id.is_(None) | of_layer)))
    return tuple(_line_of(row, named) for row in connection.execute(query))


def _line_of(row: sa.Row, named: Collection[str]) -> AuditLine:
    of = row.layer_id or ""
    prefix = next((prefix for prefix in named if of.startswith(prefix)), "")
    what, thing_id = prefix.removesuffix(":") or ("layer" if of else ""), of.removeprefix(prefix)
    detail = json.loads(row.detail)
    return AuditLine(row.seq, row.at, row.by, row.partner, row.action, what, thing_id, row.version, detail)
