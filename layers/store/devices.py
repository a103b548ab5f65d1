"""Browsers in which somebody has signed in before: what strangers try on an account does not keep its owner out there.

Such a browser has a random token of 256 bits, of which the database keeps a hash under the server's secret key. It opens nothing
by itself: a password is still asked for, and guesses with it are counted (:mod:`layers.store.throttle`). It is worth nothing any more once
the password was changed, the account was disabled, the secret key is another one, or nobody used it for half a year.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from layers.store.tables import devices

UNUSED = timedelta(days=180)
MOST = 20
"""Browsers that are known for one person; one more takes the place of the one that was used longest ago."""


def is_known(connection: sa.Connection, token_sha256: str, name: str, now: datetime) -> bool:
    """Whether this person has signed in with the browser that has this token."""
    this = (devices.c.token_sha256 == token_sha256, devices.c.user == name, devices.c.seen_at > now - UNUSED)
    return connection.execute(sa.select(devices.c.user).where(*this)).first() is not None


def renew(connection: sa.Connection, old_sha256: str, new_sha256: str, name: str, now: datetime) -> None:
    """Know the browser by another token, which is this person's too. Who stole the old one has nothing any more; others who
    share the browser stay known."""
    if old_sha256:
        connection.execute(sa.delete(devices).where(devices.c.token_sha256 == old_sha256, devices.c.user == name))
        others = sa.update(devices).where(devices.c.token_sha256 == old_sha256)
        connection.execute(others.values(token_sha256=new_sha256))
    row = {"token_sha256": new_sha256, "user": name, "made_at": now, "seen_at": now}
    connection.execute(sa.insert(devices).values(row))
    mine = sa.select(devices.c.token_sha256).where(devices.c.user == name).order_by(devices.c.seen_at.desc())
    for beyond in connection.execute(mine.offset(MOST)).scalars().all():
        connection.execute(sa.delete(devices).where(devices.c.token_sha256 == beyond, devices.c.user == name))


def forget(connection: sa.Connection, name: str) -> None:
    connection.execute(sa.delete(devices).where(devices.c.user == name))


def forget_unused(connection: sa.Connection, now: datetime) -> int:
    return connection.execute(sa.delete(devices).where(devices.c.seen_at <= now - UNUSED)).rowcount
