"""What is worked on beside requests: a queue in the store's database that every process of every server shares.

A job is a row: its kind and its parameters as data, for whom it is, how far it is, and its result. Whoever asks for the same
shares the row. A worker claims a row in one transaction, and tells that it lives; a row whose worker has fallen silent may be
claimed again. An asker has a row of its own with a time until which it counts: a job that nobody asks for any more is cancelled.
What the work is, and who may read its result, is known above (:mod:`dashboard.jobs`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from layers.model import NotFound
from layers.store import tables
from layers.store.database import Database
from layers.store.tables import job_askers, jobs, to_json

OPEN = ("waiting", "running")
LOST_S = 30.0
"""A worker that has not been heard of for this long is gone."""
STARTS = 2
"""So often a job is begun: one that has ended its worker twice would end the next one too."""
AGAIN_S = 15.0
"""A refusal or a failure is told to whoever asks for so long; then it is tried anew."""
KEEP_S = 3600.0
KEEP_JOBS, KEEP_BYTES = 400, 128 * 2**20
AGES_S = 10.0
"""A question that has waited so long goes before one that is one place fairer."""

LOST = "It was begun twice, and both times it ended the process that worked on it."


@dataclass(frozen=True)
class Job:
    """How far a job is. ``state``: waiting, running, done, cancelled, refused or failed."""

    id: str
    kind: str
    state: str
    place: int = 0  # in the queue: 1 is the next; 0 when it does not wait
    progress: float | None = None  # 0 to 1; None where that cannot be said
    seconds: float = 0.0  # since it was begun
    price: float = 0.0  # seconds of a processor, as estimated
    ahead: float = 0.0  # the same of everything that is done before it
    parameters: Mapping[str, Any] = field(default_factory=dict)
    viewer: Mapping[str, Any] = field(default_factory=dict)
    so_far: Any = None  # JSON types
    reasons: tuple[str, ...] = ()
    result: bytes | None = None

    @property
    def over(self) -> bool:
        return self.state not in OPEN


class Busy(Exception):
    """It has to be asked for again later. ``own``: because this client has its share already; else because the queue is full."""

    def __init__(self, count: int, *, own: bool, ahead: float = 0.0):
        super().__init__(f"{count} jobs are being worked on")
        self.count, self.own, self.ahead = count, own, ahead


@dataclass(frozen=True)
class Bounds:
    """How much may be asked for at a time, and how long an asker counts who is not heard of."""

    of_client: int = 12
    in_all: int = 60
    asker_s: float = 30.0


class JobTable:
    """The jobs of one store."""

    def __init__(self, database: Database, bounds: Bounds = Bounds()):
        self.database, self.bounds = database, bounds

    # -- asking --------------------------------------------------------------------------------------------------------

    def ask(
        self,
        job_id: str,
        kind: str,
        parameters: Mapping[str, Any],
        viewer: Mapping[str, Any],
        client: str,
        *,
        price: float,
        first: Any = None,
    ) -> Job:
        """Queue a job, or join those who ask for it. ``first``: its best result until there is a better one.

        Raises :class:`Busy`. A refusal or a failure is told for a while, then it is tried anew.
        """
        if (known := self._known(job_id, client)) is not None:
            return known
        with self.database.writing(bump=False) as connection:
            now = self.database.now()
            self._sweep(connection, now)
            row = _row(connection, job_id)
            if row is None or self._told(row, now):
                waiting = _open(connection)
                mine = sum(client in row.clients for row in waiting)
                if mine >= self.bounds.of_client or len(waiting) >= self.bounds.in_all:
                    own = mine >= self.bounds.of_client
                    ahead = sum(row.price for row in waiting if not own or client in row.clients)
                    raise Busy(mine if own else len(waiting), own=own, ahead=ahead)
                _forget(connection, [job_id])
                number = connection.execute(sa.select(sa.func.coalesce(sa.func.max(jobs.c.number), 0))).scalar_one() + 1
                new = {"id": job_id, "number": number, "kind": kind, "price": float(price), "state": "waiting"}
                new |= {"parameters": to_json(parameters), "viewer": to_json(viewer), "so_far": to_json(first)}
                new |= {"asked_at": now, "worker": "", "starts": 0, "stop": False, "reasons": "[]"}
                connection.execute(sa.insert(jobs).values(new))
            elif row.state == "running" and row.stop:
                connection.execute(sa.update(jobs).where(jobs.c.id == job_id).values(stop=False))
            self._count_in(connection, job_id, client, now)
            return _job(connection, job_id, now)

    def is_known(self, job_id: str) -> bool:
        """Whether asking for it would find a job, and make none."""
        with self.database.reading() as connection:
            row = _row(connection, job_id)
            return row is not None and not self._told(row, self.database.now())

    def _known(self, job_id: str, client: str) -> Job | None:
        """A job that this client needs to write nothing for: it is over, or it has asked for it just now."""
        with self.database.reading() as connection:
            now, row = self.database.now(), _row(connection, job_id)
            if row is None or self._told(row, now) or (row.state == "running" and row.stop):
                return None
            if row.state in OPEN:
                query = sa.select(job_askers.c.until).where(_asker(job_id, client))
                until = connection.execute(query).scalar()
                if until is None or (until - now).total_seconds() < self.bounds.asker_s / 2:
                    return None
            return _job(connection, job_id, now)

    def _told(self, row: sa.Row, now: datetime) -> bool:
        """Whether it is over in a way that does not answer who asks now."""
        if row.state in ("refused", "failed"):
            return (now - row.over_at).total_seconds() > AGAIN_S
        return row.state == "cancelled"

    def _count_in(self, connection: sa.Connection, job_id: str, client: str, now: datetime) -> None:
        until = now + timedelta(seconds=self.bounds.asker_s)
        changed = connection.execute(sa.update(job_askers).where(_asker(job_id, client)).values(until=until))
        if not changed.rowcount:
            connection.execute(sa.insert(job_askers).values(job_id=job_id, client=client, until=until))

    def poll(self, job_id: str, client: str) -> None:
        """This client still wants to know, if it asked and has not left."""
        with self.database.reading() as connection:
            until = connection.execute(sa.select(job_askers.c.until).where(_asker(job_id, client))).scalar()
            now = self.database.now()
            if until is None or (until - now).total_seconds() > self.bounds.asker_s / 2:
                return
        with self.database.writing(bump=False) as connection:
            until = self.database.now() + timedelta(seconds=self.bounds.asker_s)
            connection.execute(sa.update(job_askers).where(_asker(job_id, client)).values(until=until))

    def leave(self, job_id: str, client: str, *, after_s: float = 0.0) -> None:
        """This client asks no longer, unless it asks again within ``after_s``: somebody else at its address may ask the same."""
        with self.database.writing(bump=False) as connection:
            now = self.database.now()
            until = now + timedelta(seconds=after_s)
            asks = sa.update(job_askers).where(_asker(job_id, client), job_askers.c.until > until)
            connection.execute(asks.values(until=until))
            self._sweep(connection, now)

    def stop(self, job_id: str) -> None:
        """End a job for everybody; the best so far stays readable."""
        with self.database.writing(bump=False) as connection:
            mine = jobs.c.id == job_id
            over = {"state": "cancelled", "over_at": self.database.now()}
            connection.execute(sa.update(jobs).where(mine, jobs.c.state == "waiting").values(over))
            connection.execute(sa.update(jobs).where(mine, jobs.c.state == "running").values(stop=True))

    def find(self, job_id: str) -> Job:
        """How far a job is. Raises NotFound."""
        with self.database.reading() as connection:
            return _job(connection, job_id, self.database.now())

    # -- working -------------------------------------------------------------------------------------------------------

    def claim(self, worker: str, kinds: Iterable[str]) -> Job | None:
        """The next job, which is this worker's from now on; None when nothing waits. No two workers get the same one."""
        kinds = tuple(kinds)
        with self.database.reading() as connection:
            lost = self.database.now() - timedelta(seconds=LOST_S)
            some = sa.or_(jobs.c.state == "waiting", sa.and_(jobs.c.state == "running", jobs.c.heard_at < lost))
            if connection.execute(sa.select(jobs.c.id).where(some, jobs.c.kind.in_(kinds)).limit(1)).first() is None:
                return None
        with self.database.writing(bump=False) as connection:
            now = self.database.now()
            self._sweep(connection, now)
            for row in in_order(_open(connection), now):
                if row.kind not in kinds:
                    continue
                taken = {"state": "running", "worker": worker, "started_at": now, "heard_at": now}
                taken |= {"starts": jobs.c.starts + 1, "stop": False, "progress": None}
                free = sa.update(jobs).where(jobs.c.id == row.id, jobs.c.state == "waiting")
                if connection.execute(free.values(taken)).rowcount:
                    return _job(connection, row.id, now)
        return None

    def heard(self, job_id: str, worker: str, progress: float | None, so_far: Any = None) -> bool:
        """A worker's sign of life. Whether it should go on: False when nobody asks any more, or the job is not its own."""
        # a short write: whoever asks may be waiting for its turn, and a worker has a low priority
        with self.database.writing(bump=False) as connection:
            now = self.database.now()
            news = {"heard_at": now, "progress": progress}
            news |= {} if so_far is None else {"so_far": to_json(so_far)}
            own = sa.and_(jobs.c.id == job_id, jobs.c.worker == worker, jobs.c.state == "running")
            if not connection.execute(sa.update(jobs).where(own).values(news)).rowcount:
                return False
        return self.is_wanted(job_id, worker)

    def is_wanted(self, job_id: str, worker: str) -> bool:
        """Whether a worker should go on, only looked at."""
        with self.database.reading() as connection:
            row = _row(connection, job_id)
            if row is None or row.worker != worker or row.state != "running" or row.stop:
                return False
            asks = sa.select(job_askers.c.client).where(job_askers.c.job_id == job_id)
            return connection.execute(asks.where(job_askers.c.until > self.database.now()).limit(1)).first() is not None

    def end(
        self,
        job_id: str,
        worker: str,
        state: str,
        *,
        result: bytes | None = None,
        reasons: Sequence[str] = (),
        so_far: Any = None,
    ) -> None:
        """How it ended; "waiting" gives it back. Nothing is written when it is another worker's by now."""
        news = {"state": state, "result": result, "reasons": to_json(list(reasons)), "stop": False}
        news |= {} if so_far is None else {"so_far": to_json(so_far)}
        news |= {"over_at": None if state in OPEN else self.database.now()}
        news |= {"starts": jobs.c.starts - 1} if state == "waiting" else {}
        with self.database.writing(bump=False) as connection:
            own = sa.and_(jobs.c.id == job_id, jobs.c.worker == worker, jobs.c.state == "running")
            connection.execute(sa.update(jobs).where(own).values(news))

    def release(self, worker: str) -> int:
        """Let others have what a worker of this name was at when it died; how many."""
        with self.database.writing(bump=False) as connection:
            own = sa.and_(jobs.c.worker == worker, jobs.c.state == "running")
            return _released(connection, own, self.database.now())

    # -- tidying -------------------------------------------------------------------------------------------------------

    def _sweep(self, connection: sa.Connection, now: datetime) -> None:
        """Askers who have gone, jobs that nobody asks for, workers that have died, results that are old or too many."""
        connection.execute(sa.delete(job_askers).where(job_askers.c.until <= now))
        left = jobs.c.id.not_in(sa.select(job_askers.c.job_id))
        over = {"state": "cancelled", "over_at": now}
        connection.execute(sa.update(jobs).where(jobs.c.state == "waiting", left).values(over))
        running = sa.update(jobs).where(jobs.c.state == "running", jobs.c.stop.is_(sa.false()), left)
        connection.execute(running.values(stop=True))
        silent = now - timedelta(seconds=LOST_S)
        _released(connection, sa.and_(jobs.c.state == "running", jobs.c.heard_at < silent), now)
        old = sa.select(jobs.c.id, jobs.c.over_at, sa.func.coalesce(sa.func.length(jobs.c.result), 0).label("size"))
        kept, bytes_kept, gone = 0, 0, []
        for row in connection.execute(old.where(jobs.c.state.not_in(OPEN)).order_by(jobs.c.over_at.desc())):
            kept, bytes_kept = kept + 1, bytes_kept + row.size
            if kept > KEEP_JOBS or bytes_kept > KEEP_BYTES or (now - row.over_at).total_seconds() > KEEP_S:
                gone.append(row.id)
        _forget(connection, gone)


# -- rows --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OpenJob:
    """A row of the queue, with those who ask for it."""

    id: str
    kind: str
    number: int
    price: float
    state: str
    asked_at: datetime
    clients: frozenset[str]


def in_order(rows: Sequence[OpenJob], now: datetime) -> list[OpenJob]:
    """Those that wait, the next one first: by turns between clients, each client's own in the order of asking.

    Who has one at work already comes after who has none. Waiting counts too, or a crowd of newcomers would hold up
    somebody's second question for ever.
    """
    has = Counter(client for row in rows if row.state == "running" for client in row.clients)
    turns = []
    for row in sorted((row for row in rows if row.state == "waiting"), key=lambda row: row.number):
        turn = min((has[client] for client in row.clients), default=0)
        has.update(row.clients)
        waited = (now - row.asked_at).total_seconds()
        turns.append((turn - waited / AGES_S, row.number, row))
    # ties of a moment are no reason to go by anything but the order of asking
    return [row for *_, row in sorted(turns, key=lambda each: (round(each[0], 1), each[1]))]


def _open(connection: sa.Connection) -> list[OpenJob]:
    columns = (jobs.c.id, jobs.c.kind, jobs.c.number, jobs.c.price, jobs.c.state, jobs.c.asked_at)
    rows = connection.execute(sa.select(*columns).where(jobs.c.state.in_(OPEN)).order_by(jobs.c.number)).all()
    clients: dict[str, set[str]] = {row.id: set() for row in rows}
    for row in connection.execute(sa.select(job_askers.c.job_id, job_askers.c.client)):
        clients.get(row.job_id, set()).add(row.client)
    return [OpenJob(*row, clients=frozenset(clients[row.id])) for row in rows]


def _asker(job_id: str, client: str) -> sa.ColumnElement[bool]:
    return sa.and_(job_askers.c.job_id == job_id, job_askers.c.client == client)


def _row(connection: sa.Connection, job_id: str) -> sa.Row | None:
    columns = [column for column in jobs.c if column.name != "result"]
    return connection.execute(sa.select(*columns).where(jobs.c.id == job_id)).first()


def _job(connection: sa.Connection, job_id: str, now: datetime) -> Job:
    row = _row(connection, job_id)
    if row is None:
        raise NotFound("There is no such job.")
    place, ahead = 0, 0.0
    if row.state == "waiting":
        rows = _open(connection)
        order = in_order(rows, now)
        place = 1 + [one.id for one in order].index(job_id)
        ahead = sum(one.price for one in rows if one.state == "running") + sum(one.price for one in order[: place - 1])
    result = None
    if row.state == "done":
        result = connection.execute(sa.select(jobs.c.result).where(jobs.c.id == job_id)).scalar()
    end = row.over_at or now
    return Job(
        row.id,
        row.kind,
        row.state,
        place,
        row.progress,
        (end - row.started_at).total_seconds() if row.started_at else 0.0,
        row.price,
        ahead,
        json.loads(row.parameters),
        json.loads(row.viewer),
        json.loads(row.so_far),
        tuple(json.loads(row.reasons)),
        result,
    )


def _released(connection: sa.Connection, which: sa.ColumnElement[bool], now: datetime) -> int:
    again = {"state": "waiting", "worker": "", "progress": None}
    never = {"state": "failed", "over_at": now, "reasons": tables.to_json([LOST])}
    connection.execute(sa.update(jobs).where(which, jobs.c.starts >= STARTS).values(never))
    return connection.execute(sa.update(jobs).where(which).values(again)).rowcount


def _forget(connection: sa.Connection, gone: Sequence[str]) -> None:
    if gone:
        connection.execute(sa.delete(job_askers).where(job_askers.c.job_id.in_(gone)))
        connection.execute(sa.delete(jobs).where(jobs.c.id.in_(gone)))
