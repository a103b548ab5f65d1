"""People: local accounts, sessions, and who a request comes from.

Passwords are hashed with argon2id; a session is a random token of 256 bits of which the database keeps only a hash. What a
person may do is read from their account on every request, so that a changed role or a disabled account counts at once.

Signing in tells nobody which names exist: a wrong name, a wrong password and a disabled account get the same words after
the same work. Failures slow down the next attempt for that name, and for that address when the caller gives one, in every
process alike. The slowing is bounded, so that a stranger can hold up a person for minutes but not lock them out.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import argon2
import sqlalchemy as sa

from layers.model import PUBLIC, SYSTEM, Fault, NotFound, Refused, Viewer
from layers.store import schema
from layers.store.publishing import add_audit
from layers.store.records import ROLES, NotPermitted, may_change

if TYPE_CHECKING:
    from layers.store.store import Store

IDLE = timedelta(hours=2)
"""A session that is not used for this long ends."""

ABSOLUTE = timedelta(hours=12)
"""A session ends after this long, however busy: a working day, then sign in again."""

SEEN_EVERY = timedelta(minutes=1)
"""How exactly the last use of a session is kept: at most one write a minute for each."""

SHORTEST, LONGEST = 12, 1024
"""Characters in a password. There are no other rules on its make-up: they make passwords worse."""

FREE_FAILURES = 5
LONGEST_WAIT = timedelta(minutes=5)
FORGET_AFTER = timedelta(days=1)
SOURCE_FACTOR = 4  # an office shares one address, so an address may fail more often than a name

HASHER = argon2.PasswordHasher()  # RFC 9106's second choice: 64 MiB, 3 passes; some 50 ms
_at_once = threading.BoundedSemaphore(4)  # 64 MiB each: a flood of sign-ins must not take the machine's memory

_FAILED = "The name or the password is wrong."


class SignInFailed(Exception):
    """Wrong name, wrong password or disabled account: always the same words."""

    def __init__(self):
        super().__init__(_FAILED)


class TooManyAttempts(SignInFailed):
    """Too many failures for this name or address; ``wait_s`` says for how long. Says nothing about whether it exists."""

    def __init__(self, wait_s: int):
        super().__init__()
        self.wait_s = wait_s
        self.args = (f"Too many failed attempts. Try again in {wait_s} seconds.",)


@dataclass(frozen=True)
class User:
    name: str
    role: str
    partner: str
    made_at: datetime
    made_by: str = ""
    signed_in_at: datetime | None = None
    disabled_at: datetime | None = None
    has_password: bool = True  # without one: signs in elsewhere

    @property
    def active(self) -> bool:
        return self.disabled_at is None


# -- accounts ----------------------------------------------------------------------------------------------------------


def add_user(store: Store, name: str, *, role: str, partner: str, password: str | None = None, by: Viewer) -> User:
    """Make an account. Without a password the person can only come in through :func:`start_session` (OIDC).

    ``by`` is an admin, or SYSTEM for the command line. Raises :class:`NotPermitted`, or :class:`Refused` with every fault.
    """
    _only_admins(by, "add people")
    name = normal(name)
    faults = _check_name(name) + _check_role(store, role, partner)
    if password is not None:
        faults += _check_password(name, password)
    if faults:
        raise Refused("The account was not made.", faults)
    hashed = None if password is None else _hash(password)
    with store.writing(bump=False) as connection:
        if _find(connection, name) is not None:
            fault = Fault(f"there is already an account '{name}'", "name", "choose another name, or enable that one")
            raise Refused("The account was not made.", [fault])
        now = store.now()
        row = {
            "name": name,
            "role": role,
            "partner": partner,
            "password_hash": hashed,
            "made_at": now,
            "made_by": by.user,
        }
        connection.execute(sa.insert(schema.users).values(row))
        add_audit(
            connection, at=now, by=by, action="user-added", detail={"user": name, "role": role, "partner": partner}
        )
        return _user_of(_find(connection, name))


def change_user(store: Store, name: str, *, by: Viewer, role: str | None = None, partner: str | None = None) -> User:
    """Give somebody another role or partner. It counts from their next request on."""
    _only_admins(by, "change accounts")
    with store.writing(bump=False) as connection:
        row = _must_find(connection, name)
        new = {
            "role": role if role is not None else row.role,
            "partner": partner if partner is not None else row.partner,
        }
        if faults := _check_role(store, **new):
            raise Refused("The account was not changed.", faults)
        connection.execute(sa.update(schema.users).where(schema.users.c.name == row.name).values(new))
        was = {"role": row.role, "partner": row.partner}
        add_audit(connection, at=store.now(), by=by, action="user-changed", detail={"user": row.name, "was": was} | new)
        return _user_of(_find(connection, row.name))


def set_password(store: Store, name: str, password: str, *, by: Viewer) -> None:
    """Set a password: an admin anybody's, everybody their own. Ends every session of that person."""
    if not (by.signed_in and normal(name) == normal(by.user)):
        _only_admins(by, "set somebody else's password")
    if faults := _check_password(normal(name), password):
        raise Refused("The password was not set.", faults)
    hashed = _hash(password)
    with store.writing(bump=False) as connection:
        row = _must_find(connection, name)
        connection.execute(sa.update(schema.users).where(schema.users.c.name == row.name).values(password_hash=hashed))
        _end_sessions(connection, row.name)
        add_audit(connection, at=store.now(), by=by, action="password-set", detail={"user": row.name})


def disable_user(store: Store, name: str, *, by: Viewer) -> None:
    """Close an account: its sessions end now. It is kept, since versions and the audit trail name it."""
    _only_admins(by, "disable accounts")
    with store.writing(bump=False) as connection:
        row = _must_find(connection, name)
        now = store.now()
        connection.execute(sa.update(schema.users).where(schema.users.c.name == row.name).values(disabled_at=now))
        _end_sessions(connection, row.name)
        add_audit(connection, at=now, by=by, action="user-disabled", detail={"user": row.name})


def enable_user(store: Store, name: str, *, by: Viewer) -> None:
    """Open a disabled account again."""
    _only_admins(by, "enable accounts")
    with store.writing(bump=False) as connection:
        row = _must_find(connection, name)
        connection.execute(sa.update(schema.users).where(schema.users.c.name == row.name).values(disabled_at=None))
        add_audit(connection, at=store.now(), by=by, action="user-enabled", detail={"user": row.name})


def list_users(store: Store, by: Viewer) -> tuple[User, ...]:
    """Every account, by name. For admins."""
    _only_admins(by, "list accounts")
    with store.reading() as connection:
        return tuple(_user_of(row) for row in connection.execute(sa.select(schema.users).order_by(schema.users.c.name)))


def colleagues(store: Store, by: Viewer, partner: str) -> tuple[User, ...]:
    """The accounts that could check what ``by`` publishes for a partner, by name: its analysts and every admin, not ``by``.

    Only for somebody who may publish for that partner; nobody else is told who has an account.
    """
    if not may_change(partner, by):
        return ()
    users = schema.users.c
    query = sa.select(schema.users).where(users.disabled_at.is_(None), users.name != by.user)
    query = query.where((users.role == "admin") | ((users.role == "analyst") & (users.partner == partner)))
    with store.reading() as connection:
        return tuple(_user_of(row) for row in connection.execute(query.order_by(users.name)))


def has_users(store: Store) -> bool:
    """Whether anybody could sign in. A machine without accounts shows the command that makes the first one."""
    with store.reading() as connection:
        query = sa.select(schema.users.c.name).where(schema.users.c.disabled_at.is_(None)).limit(1)
        return connection.execute(query).first() is not None


def viewer_named(store: Store, name: str) -> Viewer:
    """The person behind ``--by NAME`` on the command line, where being on the machine is the proof. Raises NotFound."""
    with store.reading() as connection:
        row = _must_find(connection, name)
    if row.disabled_at is not None:
        raise NotFound(f"The account '{row.name}' is disabled.")
    return Viewer(row.name, row.partner, row.role)


# -- sessions ----------------------------------------------------------------------------------------------------------


def sign_in(store: Store, name: str, password: str, *, source: str = "") -> str:
    """Check a password and start a session; returns its token, which the caller puts in a cookie and nowhere else.

    ``source`` is the address of the caller, when known. Raises :class:`SignInFailed` or :class:`TooManyAttempts`.
    """
    name = normal(name)[:200]
    keys = {_key("name", name): FREE_FAILURES}
    if source:
        keys[_key("source", source)] = FREE_FAILURES * SOURCE_FACTOR
    # The attempt is counted before it is checked, so that a burst in parallel does not slip through uncounted.
    with store.writing(bump=False) as connection:
        now = store.now()
        wait = max((_wait(connection, key, now) for key in keys), default=0)
        row = _find(connection, name)
        if not wait:
            for key, free in keys.items():
                _count_failure(connection, key, free, now)
    if wait:
        raise TooManyAttempts(wait)
    known = row is not None and row.password_hash is not None
    right = _verify(row.password_hash if known else _stand_in(), password[: LONGEST + 1])
    if not (known and right and row.disabled_at is None):
        if row is not None:  # of a name that does not exist nothing is kept: people type passwords there
            with store.writing(bump=False) as connection:
                detail = {"source": source} if source else {}
                add_audit(
                    connection,
                    at=store.now(),
                    by=Viewer(row.name, row.partner, row.role),
                    action="sign-in-failed",
                    detail=detail,
                )
        raise SignInFailed
    rehash = _hash(password) if HASHER.check_needs_rehash(row.password_hash) else None
    with store.writing(bump=False) as connection:
        connection.execute(sa.delete(schema.failures).where(schema.failures.c.key == _key("name", name)))
        if source:  # give back the one failure that was counted above
            of_source = schema.failures.c.key == _key("source", source)
            connection.execute(
                sa.update(schema.failures)
                .where(of_source)
                .values(count=schema.failures.c.count - 1, blocked_until=None)
            )
        if rehash:
            connection.execute(sa.update(schema.users).where(schema.users.c.name == name).values(password_hash=rehash))
        return _start(store, connection, name)


def start_session(store: Store, name: str) -> str:
    """Start a session for somebody whom another service has identified (OIDC). Raises :class:`SignInFailed` when there is
    no such active account."""
    with store.writing(bump=False) as connection:
        row = _find(connection, normal(name))
        if row is None or row.disabled_at is not None:
            raise SignInFailed
        return _start(store, connection, row.name)


def _start(store: Store, connection: sa.Connection, name: str) -> str:
    now = store.now()
    row = _find(connection, name)
    if row is None or row.disabled_at is not None:  # disabled while the password was being checked
        raise SignInFailed
    ended = (schema.sessions.c.started_at <= now - ABSOLUTE) | (schema.sessions.c.seen_at <= now - IDLE)
    connection.execute(sa.delete(schema.sessions).where(ended))
    connection.execute(sa.delete(schema.failures).where(schema.failures.c.last_at < now - FORGET_AFTER))
    token = secrets.token_urlsafe(32)
    connection.execute(
        sa.insert(schema.sessions).values(token_sha256=_token_hash(token), user=name, started_at=now, seen_at=now)
    )
    connection.execute(sa.update(schema.users).where(schema.users.c.name == name).values(signed_in_at=now))
    add_audit(connection, at=now, by=Viewer(name, row.partner, row.role), action="sign-in")
    return token


def viewer_of(store: Store, token: str | None) -> Viewer:
    """Who a session's token belongs to, as their account says *now*; PUBLIC for no token, or one that has ended."""
    if not token or len(token) > 200:
        return PUBLIC
    sessions, users = schema.sessions, schema.users
    hashed = _token_hash(token)
    query = (
        sa.select(users.c.name, users.c.partner, users.c.role, sessions.c.started_at, sessions.c.seen_at)
        .join_from(sessions, users, sessions.c.user == users.c.name)
        .where(sessions.c.token_sha256 == hashed, users.c.disabled_at.is_(None))
    )
    with store.reading() as connection:
        row = connection.execute(query).first()
    if row is None:
        return PUBLIC
    now = store.now()
    if now - row.started_at >= ABSOLUTE or now - row.seen_at >= IDLE:
        return PUBLIC
    if now - row.seen_at >= SEEN_EVERY:
        with store.writing(bump=False) as connection:
            connection.execute(sa.update(sessions).where(sessions.c.token_sha256 == hashed).values(seen_at=now))
    return Viewer(row.name, row.partner, row.role)


def sign_out(store: Store, token: str | None) -> None:
    """End a session. Its token is worth nothing from then on, in every process. An unknown token is no error."""
    if not token:
        return
    sessions, users = schema.sessions, schema.users
    with store.writing(bump=False) as connection:
        query = (
            sa.select(users.c.name, users.c.partner, users.c.role)
            .join_from(sessions, users, sessions.c.user == users.c.name)
            .where(sessions.c.token_sha256 == _token_hash(token))
        )
        row = connection.execute(query).first()
        if row is None:
            return
        connection.execute(sa.delete(sessions).where(sessions.c.token_sha256 == _token_hash(token)))
        add_audit(connection, at=store.now(), by=Viewer(row.name, row.partner, row.role), action="sign-out")


# -- details -----------------------------------------------------------------------------------------------------------


def normal(name: str) -> str:
    """A name as it is kept: one spelling, lower case, so that two people cannot have names that look the same."""
    return unicodedata.normalize("NFKC", str(name)).strip().casefold()


def _check_name(name: str) -> list[Fault]:
    good = 0 < len(name) <= 100 and all(c.isalnum() or c in "._-@+" for c in name)
    if good and name not in (SYSTEM.user, "public"):
        return []
    return [Fault(f"'{name[:100]}' cannot be a name", "name", "use up to 100 letters, digits and . _ - @ +")]


def _check_role(store: Store, role: str, partner: str) -> list[Fault]:
    faults = []
    if role not in ROLES:
        faults.append(Fault(f"'{role}' is not a role", "role", f"use one of {', '.join(ROLES)}"))
    if store.region.partner(partner) is None:
        known = ", ".join(p.id for p in store.region.partners)
        faults.append(Fault(f"'{partner}' is not a partner of this region", "partner", f"use one of: {known}"))
    return faults


def _check_password(name: str, password: str) -> list[Fault]:
    if not SHORTEST <= len(password) <= LONGEST:
        return [
            Fault(
                f"it has {len(password)} characters", "password", f"use {SHORTEST} to {LONGEST}: three random words do"
            )
        ]
    if normal(password) == name or len(set(password)) < 4:
        return [Fault("it can be guessed at once", "password", "use three random words")]
    return []


def _only_admins(by: Viewer, what: str) -> None:
    if not (by.signed_in and by.role == "admin"):
        raise NotPermitted(f"Only admins may {what}.")


def _find(connection: sa.Connection, name: str) -> sa.Row | None:
    return connection.execute(sa.select(schema.users).where(schema.users.c.name == name)).first()


def _must_find(connection: sa.Connection, name: str) -> sa.Row:
    row = _find(connection, normal(name))
    if row is None:
        raise NotFound(f"There is no account '{normal(name)}'.")
    return row


def _user_of(row: sa.Row) -> User:
    return User(
        name=row.name,
        role=row.role,
        partner=row.partner,
        made_at=row.made_at,
        made_by=row.made_by,
        signed_in_at=row.signed_in_at,
        disabled_at=row.disabled_at,
        has_password=row.password_hash is not None,
    )


def _end_sessions(connection: sa.Connection, name: str) -> None:
    connection.execute(sa.delete(schema.sessions).where(schema.sessions.c.user == name))


def _hash(password: str) -> str:
    with _at_once:
        return HASHER.hash(password)


_stand_ins: dict[int, str] = {}


def _stand_in() -> str:
    """A hash that nothing matches, made with the same cost, for names that do not exist."""
    if id(HASHER) not in _stand_ins:
        _stand_ins[id(HASHER)] = _hash(secrets.token_urlsafe(32))
    return _stand_ins[id(HASHER)]


def _verify(hashed: str, password: str) -> bool:
    with _at_once:
        try:
            return HASHER.verify(hashed, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False


def _token_hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _key(kind: str, what: str) -> str:
    return hashlib.sha256(f"{kind}:{what}".encode("utf-8", "surrogatepass")).hexdigest()


def _wait(connection: sa.Connection, key: str, now: datetime) -> int:
    """Seconds until this key may try again; 0 for now."""
    table = schema.failures
    until = connection.execute(sa.select(table.c.blocked_until).where(table.c.key == key)).scalar()
    if until is None or until <= now:
        return 0
    # Never longer than the longest wait, even if the clock was set back.
    return max(1, int(min(until - now, LONGEST_WAIT).total_seconds()))


def _count_failure(connection: sa.Connection, key: str, free: int, now: datetime) -> None:
    table = schema.failures
    row = connection.execute(sa.select(table).where(table.c.key == key)).first()
    count = 1 if row is None or now - row.last_at > FORGET_AFTER else row.count + 1
    wait = timedelta() if count < free else min(timedelta(seconds=2 ** min(count - free + 1, 20)), LONGEST_WAIT)
    values = {"count": count, "last_at": now, "blocked_until": now + wait if wait else None}
    if row is None:
        connection.execute(sa.insert(table).values(key=key, **values))
    else:
        connection.execute(sa.update(table).where(table.c.key == key).values(values))
