"""Connections to PostgreSQL that give up: a server, or a network, that says nothing any more keeps nobody waiting.

The server's own limits (``statement_timeout``) do not help when its answer never arrives, and neither do those of TCP when something in
between goes on acknowledging. So whoever waits for an answer waits for so long as ``silent_s`` says since the last byte, and then closes
the connection. How long that is depends on what is being done (:mod:`layers.store.database`).
"""

from __future__ import annotations

import select
import time

import psycopg
import sqlalchemy as sa
from psycopg.waiting import Ready, Wait

PING_S = 0.5
"""Is a connection that was not used for a while still one? If not, another is made, which may take two seconds more."""

PATIENT_S = 30.0
"""For what is done with an engine of one's own: restoring a backup, a commit."""


class Connection(psycopg.Connection):
    silent_s: float | None = PATIENT_S

    def wait(self, gen, *_args, **_more):
        try:
            state, since = next(gen), time.monotonic()
            while True:
                ready = self._ready(state)
                if ready:
                    since = time.monotonic()
                elif self.silent_s is not None and time.monotonic() - since > self.silent_s:
                    self.pgconn.finish()
                    raise psycopg.OperationalError(f"connection given up: no answer within {self.silent_s:g} s")
                state = gen.send(ready)
        except StopIteration as done:
            return done.value

    def _ready(self, state: int) -> int:
        """What the generator waits for, or 0 when nothing of it has come in a while."""
        poll = select.poll()
        poll.register(
            self.pgconn.socket, (select.POLLIN if state & Wait.R else 0) | (select.POLLOUT if state & Wait.W else 0)
        )
        ready = 0
        for _, event in poll.poll(100 if self.silent_s is None else min(100, 1000 * self.silent_s)):
            failed = event & ~(select.POLLIN | select.POLLOUT)  # let the generator find out
            ready |= state & Wait.R if event & select.POLLIN or failed else 0
            ready |= state & Wait.W if event & select.POLLOUT or failed else 0
        return Ready(ready) if ready else Ready.NONE


def use(engine: sa.Engine) -> None:
    """Make the connections of an engine such ones, and look at each that was kept before it is used again."""

    @sa.event.listens_for(engine, "do_connect")
    def _connect(_dialect, _record, cargs, cparams):
        return Connection.connect(*cargs, **cparams)

    @sa.event.listens_for(engine, "checkout")
    def _checked_out(connection, record, _proxy):
        if not record.info.pop("new", False):
            connection.silent_s = PING_S
            try:
                connection.execute("SELECT 1")
                connection.rollback()
            except psycopg.Error as error:
                raise sa.exc.DisconnectionError("the server does not answer on this connection") from error
        connection.silent_s = PATIENT_S

    @sa.event.listens_for(engine, "commit")
    def _committing(connection):
        patience(connection, PATIENT_S)  # it may have been done although no answer came


def patience(connection: sa.Connection, silent_s: float | None) -> None:
    """How long this connection waits in silence from now on."""
    link = connection.connection.driver_connection
    if isinstance(link, Connection):
        link.silent_s = silent_s
