"""Where the head of the audit trail's chain is noted outside the database, so that who can change the database is found out.

Inside the database the chain shows a changed or missing line, but not a tail that was cut off, nor a chain that was worked out
anew from the line that was changed. Each line's number and chain are therefore also told to somebody else after they were
committed: a file that is only ever added to, or the system's log. ``check`` compares.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from layers.model import Fault
from layers.store import tables

log = logging.getLogger(__name__)

ADDED = "audit lines that were added"
"""Under this name a connection keeps (number, chain) of the lines of its transaction."""

_NOTED = re.compile(r"audit (\d{1,18}) ([0-9a-f]{64})\b")
FOUND_OUT = "find out who changed the database; restore a backup"


@dataclass(frozen=True)
class Anchor:
    """``where``: a file's path, ``syslog``, or ``off``."""

    where: str = "off"

    @property
    def file(self) -> Path | None:
        return None if self.where in ("off", "syslog", "") else Path(self.where)

    def tell(self, heads: Iterable[tuple[int, str]]) -> None:
        """Note lines that were committed. What cannot be noted is told in the log: the lines themselves are kept."""
        text = "".join(f"audit {seq} {chain}\n" for seq, chain in heads)
        if not text or self.where in ("off", ""):
            return
        try:
            if self.where == "syslog":
                import syslog

                for line in text.splitlines():
                    syslog.syslog(syslog.LOG_NOTICE | syslog.LOG_AUTH, f"commonground {line}")
                return
            handle = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(handle, text.encode())  # in one go: processes that write at once do not mix their lines
                os.fsync(handle)
            finally:
                os.close(handle)
        except (OSError, ImportError):
            log.exception("the head of the audit trail could not be noted in %s", self.where)

    def begin(self, connection: sa.Connection) -> None:
        """Note the head as it is, where nothing was noted yet: a new store, or one that is older than its anchor."""
        if self.file is not None and not self.file.exists():
            columns = tables.audit.c
            head = connection.execute(
                sa.select(columns.seq, columns.chain).order_by(columns.seq.desc()).limit(1)
            ).first()
            self.tell([tuple(head)] if head else [])

    def set_aside(self) -> Path | None:
        """Keep the notes of a store that was lost under another name, since a restored one ends before it; None: there were none."""
        if self.file is None or not self.file.exists():
            return None
        number = 1
        while (aside := self.file.with_name(f"{self.file.name}.until-restore-{number}")).exists():
            number += 1
        return self.file.rename(aside)

    def noted(self) -> Iterator[tuple[int, str]]:
        """(number, chain) of every line in the file; nothing of the system's log, which only its keeper can read."""
        if self.file is not None and self.file.exists():
            yield from noted_in(self.file.read_text("utf-8", "replace"))


def noted_in(text: str) -> Iterator[tuple[int, str]]:
    """The same of any text that the notes stand in, an extract of the system's log for example."""
    for found in _NOTED.finditer(text):
        yield int(found[1]), found[2]


def faults_against(connection: sa.Connection, noted: Iterable[tuple[int, str]], where: str) -> list[Fault]:
    """What the notes show about the trail: that lines are gone from its end, or are not those that were noted."""
    columns = tables.audit.c
    there = {row.seq: row.chain for row in connection.execute(sa.select(columns.seq, columns.chain))}
    wanted = list(noted)
    gone = sorted({seq for seq, _ in wanted if seq not in there})
    other = sorted({seq for seq, chain in wanted if seq in there and there[seq] != chain})
    faults = []
    if gone:
        what = f"lines {gone[0]} to {gone[-1]} were written, and are not there any more"
        faults.append(Fault(what, f"audit trail, against {where}", FOUND_OUT, rule="audit-cut"))
    if other:
        what = f"line {other[0]} is not the one that was written, nor are {len(other) - 1:,} after it"
        faults.append(Fault(what, f"audit trail, against {where}", FOUND_OUT, rule="audit-rewritten"))
    return faults
