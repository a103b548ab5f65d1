"""How often somebody may guess a password: counted in the database, so that every process counts alike.

However long somebody has attacked, the next attempt is never further away than one interval: less than a minute. Attempts are counted
before a password is looked at, inside the one writer's transaction, so that a burst in parallel does not slip through; the
right password takes its own off again. Each row of ``failures`` is one of two things. A *bucket* holds some attempts and gets
another one every so often; its row says when it will be full again. A *brake* lets a few attempts pass and then doubles
the wait, up to its interval.

A stranger to an account is counted four times at once. The brake of name and address is the tightest, so that one address never
empties the name's bucket for everybody else; the address's bucket is wide, because an office shares one. A browser in which
this person has signed in before (:mod:`layers.store.devices`) has a brake of its own and nothing else, so strangers cannot keep it
out.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from layers.store.tables import failures


@dataclass(frozen=True)
class Measure:
    kind: str
    holds: int
    every: timedelta
    doubles: bool = False  # a brake


FREE_FAILURES = 5
SOURCE_FACTOR = 6  # an office shares one address
QUIET = timedelta(hours=1)
"""After so long without an attempt a brake is off again."""

DEVICE = Measure("device", FREE_FAILURES, timedelta(seconds=50), doubles=True)
PAIR = Measure("pair", FREE_FAILURES, timedelta(seconds=50), doubles=True)
NAME = Measure("name", 20, timedelta(seconds=45))  # refilled faster than one address can empty it
SOURCE = Measure("source", FREE_FAILURES * SOURCE_FACTOR, timedelta(seconds=10))
STRANGERS = Measure("strangers", 120, timedelta(seconds=1))  # all of them together: what hashing may cost

LONGEST_WAIT = max(measure.every for measure in (DEVICE, PAIR, NAME, SOURCE, STRANGERS))

Key = tuple[Measure, str]


def of_stranger(name: str, source: str) -> tuple[Key, ...]:
    source = network_of(source)
    keys = ((PAIR, f"{name}\0{source}"), (NAME, name), (STRANGERS, ""))
    return (*keys, (SOURCE, source)) if source else keys


def network_of(address: str) -> str:
    """What counts as one address: an IPv6 client has a whole network of 64 bits to itself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 6:
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((int(found), 64), strict=False).network_address)
    return address


def wait_s(connection: sa.Connection, keys: Sequence[Key], now: datetime) -> int:
    """Seconds until every one of these lets an attempt pass; 0 for now."""
    waits = []
    for key in keys:
        measure, row = key[0], _row(connection, key, now)
        until = timedelta() if row is None or row.blocked_until is None else row.blocked_until - now
        spare = timedelta() if measure.doubles else (measure.holds - 1) * measure.every
        waits.append(min(until - spare, measure.every))
    return max(0, math.ceil(max(waits).total_seconds()))


def take(connection: sa.Connection, keys: Sequence[Key], now: datetime) -> None:
    """One attempt of each, inside the caller's writing transaction."""
    for key in keys:
        _count(connection, key, 1, now)


def put_back(connection: sa.Connection, keys: Sequence[Key], now: datetime) -> None:
    """The last attempt does not count."""
    for key in keys:
        _count(connection, key, -1, now)


def forget(connection: sa.Connection, keys: Sequence[Key]) -> None:
    connection.execute(sa.delete(failures).where(failures.c.key.in_([_name(key) for key in keys])))


def forget_old(connection: sa.Connection, now: datetime) -> int:
    """Delete the rows that count nothing any more. Returns how many."""
    over = failures.c.blocked_until.is_(None) | (failures.c.blocked_until <= now)
    return connection.execute(sa.delete(failures).where(over, failures.c.last_at <= now - QUIET)).rowcount


def _name(key: Key) -> str:
    return hashlib.sha256(f"{key[0].kind}:{key[1]}".encode("utf-8", "surrogatepass")).hexdigest()


def _row(connection: sa.Connection, key: Key, now: datetime) -> sa.Row | None:
    row = connection.execute(sa.select(failures).where(failures.c.key == _name(key))).first()
    if row is None or row.last_at > now + LONGEST_WAIT:  # a clock that was set back keeps nobody out
        return None
    return None if key[0].doubles and now - row.last_at >= QUIET else row


def _count(connection: sa.Connection, key: Key, by: int, now: datetime) -> None:
    (measure, _), row = key, _row(connection, key, now)
    until = None
    if measure.doubles:
        count = max(0, (row.count if row else 0) + by)
        if by > 0 and count >= measure.holds:
            until = now + min(timedelta(seconds=2 ** min(count - measure.holds + 1, 20)), measure.every)
    else:
        full = max(now, (row and row.blocked_until) or now)
        until = min(full, now + measure.holds * measure.every) + by * measure.every
        count = max(0, math.ceil((until - now) / measure.every))
    if not count:
        forget(connection, [key])
        return
    values = {"count": count, "last_at": now, "blocked_until": until}
    done = connection.execute(sa.update(failures).where(failures.c.key == _name(key)).values(values))
    if not done.rowcount:
        connection.execute(sa.insert(failures).values(key=_name(key), **values))
