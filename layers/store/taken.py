"""Publishing under an id that somebody else has, who may have hidden it: what the publisher can learn of that.

An id is an address for everybody, so two things cannot share one, and whoever publishes under a hidden one has to be refused. All that
can be refused for another reason is refused for it first, as if the id were free; so only somebody who means to publish, and would have
published had it been free, learns that it is not. Each such try is a line of the audit trail that the owner reads, and there are few
of them: then every id that is new to this person is refused, free or not, until some time has passed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from layers.model import Fault, Refused, Viewer
from layers.store import throttle
from layers.store.database import Database

IDS = throttle.Measure("ids", 5, timedelta(hours=1))


@dataclass
class Tries:
    """``none_left``: this person has to wait before anything new to them is published; ``missed``: another try was used up."""

    none_left: bool = False
    missed: bool = False

    def check(self, *, is_new: bool) -> None:
        if is_new and self.none_left:
            what = "you have tried several ids that cannot be had"
            todo = "wait an hour before you publish anything new, or ask an admin to do it"
            raise Refused("It was not published.", [Fault(what, "id", todo, rule="id")])


@contextlib.contextmanager
def counted(database: Database, by: Viewer) -> Iterator[Tries]:
    """Count what goes wrong in here. Admins see every id, so none is hidden from them."""
    key = ((IDS, by.user),)
    tries = Tries()
    if by.signed_in and by.role != "admin":
        with database.reading() as connection:
            tries.none_left = throttle.wait_s(connection, key, database.now()) > 0
    try:
        yield tries
    finally:
        if tries.missed:
            with database.writing(bump=False) as connection:
                throttle.take(connection, key, database.now())
