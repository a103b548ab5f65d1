"""People: local accounts, sessions, and who a request comes from.

Passwords are hashed with argon2id; a session is a random token of 256 bits of which the database keeps only a hash. What a
person may do is read from their account on every request, so that a changed role or a disabled account counts at once.

Signing in tells nobody which names exist: a wrong name, a wrong password and a disabled account get the same words after
the same work. How often somebody may guess is said in :mod:`layers.store.throttle`: a stranger can hold up a person for less than
a minute, and not at all where that person has signed in before.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

import argon2
import sqlalchemy as sa

from layers.model import PUBLIC, SYSTEM, Fault, NotFound, Refused, Viewer
from layers.names import is_name, shown
from layers.region import Region
from layers.store import devices, throttle
from layers.store.audit import add_line
from layers.store.database import Database
from layers.store.permissions import ROLES
from layers.store.records import NotPermitted, StoreFault
from layers.store.tables import sessions, users
from layers.store.throttle import FREE_FAILURES, LONGEST_WAIT, SOURCE_FACTOR  # noqa: F401

IDLE = timedelta(hours=2)
"""A session that is not used for this long ends."""

ABSOLUTE = timedelta(hours=12)
"""A session ends after this long, however busy: a working day, then sign in again."""

SEEN_EVERY = timedelta(minutes=1)
"""How exactly the last use of a session is kept: at most one write a minute for each."""

REST_S = 20.0
"""For how long nobody tries to note the use of a session after that could not be written."""

SHORTEST, LONGEST = 12, 1024
"""Characters in a password. There are no other rules on its make-up: they make passwords worse."""

MOST_SESSIONS = 100
"""Sessions that one person may have at a time; one more ends the one that was used longest ago."""

HASHER = argon2.PasswordHasher()  # RFC 9106's second choice: 64 MiB, 3 passes; some 50 ms
_for_known, _for_strangers = threading.BoundedSemaphore(2), threading.BoundedSemaphore(1)
"""Hashes at a time in a process: a flood of sign-ins must take neither the machine's memory, nor its processors, nor its threads;
and those whom we know do not queue behind strangers."""

STRANGER_WAITS_S = 1.0
"""For how long a stranger's attempt holds a thread until another stranger's hash is done."""

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


class Accounts:
    """The people of one store, and their sessions; ``store.accounts`` has it."""

    def __init__(self, database: Database):
        self.database = database
        self._rest_until = 0.0
        self.secret_key = ""  # of the server: a session that was begun under another one has ended

    def add_user(self, name: str, *, role: str, partner: str, password: str | None = None, by: Viewer) -> User:
        """Make an account. Without a password the person can only come in through :meth:`start_session` (OIDC).

        ``by`` is an admin, or SYSTEM for the command line. Raises :class:`NotPermitted`, or :class:`Refused` with every fault.
        """
        _only_admins(by, "add people")
        name = normal(name)
        faults = _check_name(name) + _check_role(self.database.region, role, partner)
        if password is not None:
            faults += _check_password(name, password)
        if faults:
            raise Refused("The account was not made.", faults)
        hashed = None if password is None else _hash(password)
        with self.database.writing(bump=False) as connection:
            if _find(connection, name) is not None:
                what = f"there is already an account '{name}'"
                fault = Fault(what, "name", "choose another name, or enable that one")
                raise Refused("The account was not made.", [fault])
            now = self.database.now()
            row = {
                "name": name,
                "role": role,
                "partner": partner,
                "password_hash": hashed,
                "made_at": now,
                "made_by": by.user,
            }
            connection.execute(sa.insert(users).values(row))
            add_line(
                connection, at=now, by=by, action="user-added", detail={"user": name, "role": role, "partner": partner}
            )
            return _user_of(_find(connection, name))

    def change_user(self, name: str, *, by: Viewer, role: str | None = None, partner: str | None = None) -> User:
        """Give somebody another role or partner. It counts from their next request on."""
        _only_admins(by, "change accounts")
        with self.database.writing(bump=False) as connection:
            row = _must_find(connection, name)
            new = {
                "role": role if role is not None else row.role,
                "partner": partner if partner is not None else row.partner,
            }
            if faults := _check_role(self.database.region, **new):
                raise Refused("The account was not changed.", faults)
            connection.execute(sa.update(users).where(users.c.name == row.name).values(new))
            was = {"role": row.role, "partner": row.partner}
            add_line(
                connection,
                at=self.database.now(),
                by=by,
                action="user-changed",
                detail={"user": row.name, "was": was} | new,
            )
            return _user_of(_find(connection, row.name))

    def set_password(self, name: str, password: str, *, by: Viewer) -> None:
        """Set a password: an admin anybody's, everybody their own. Ends every session of that person."""
        if not (by.signed_in and normal(name) == normal(by.user)):
            _only_admins(by, "set somebody else's password")
        if faults := _check_password(normal(name), password):
            raise Refused("The password was not set.", faults)
        self._write(name, by, "password-set", end_sessions=True, password_hash=_hash(password))

    def disable_user(self, name: str, *, by: Viewer) -> None:
        """Close an account: its sessions end now. It is kept, since versions and the audit trail name it."""
        _only_admins(by, "disable accounts")
        self._write(name, by, "user-disabled", end_sessions=True, disabled_at=self.database.now())

    def enable_user(self, name: str, *, by: Viewer) -> None:
        """Open a disabled account again."""
        _only_admins(by, "enable accounts")
        self._write(name, by, "user-enabled", disabled_at=None)

    def _write(self, name: str, by: Viewer, action: str, *, end_sessions: bool = False, **values) -> None:
        with self.database.writing(bump=False) as connection:
            row = _must_find(connection, name)
            connection.execute(sa.update(users).where(users.c.name == row.name).values(values))
            if end_sessions:
                connection.execute(sa.delete(sessions).where(sessions.c.user == row.name))
                devices.forget(connection, row.name)
            add_line(connection, at=self.database.now(), by=by, action=action, detail={"user": row.name})

    def list_users(self, by: Viewer) -> tuple[User, ...]:
        """Every account, by name. For admins."""
        _only_admins(by, "list accounts")
        with self.database.reading() as connection:
            return tuple(_user_of(row) for row in connection.execute(sa.select(users).order_by(users.c.name)))

    def has_users(self) -> bool:
        """Whether anybody could sign in. A machine without accounts shows the command that makes the first one."""
        with self.database.reading() as connection:
            query = sa.select(users.c.name).where(users.c.disabled_at.is_(None)).limit(1)
            return connection.execute(query).first() is not None

    def viewer_named(self, name: str) -> Viewer:
        """The person behind ``--by NAME`` on the command line, where being on the machine is the proof. Raises NotFound."""
        with self.database.reading() as connection:
            row = _must_find(connection, name)
        if row.disabled_at is not None:
            raise NotFound(f"The account '{row.name}' is disabled.")
        return _viewer(row)

    # -- sessions ------------------------------------------------------------------------------------------------------

    def sign_in(self, name: str, password: str, *, source: str = "", device: str = "") -> str:
        """Check a password and start a session; returns its token, which the caller puts in a cookie and nowhere else.

        ``source`` is the address of the caller, when known; ``device`` what :meth:`know_device` gave to the browser before.
        Raises :class:`SignInFailed` or :class:`TooManyAttempts`.
        """
        name = normal(name)[:200]
        keys = self._counted_by(
            name, source, device
        )  # who asks again and again costs a look, not a turn among the writers
        # The attempt is counted before it is checked, so that a burst in parallel does not slip through uncounted.
        with self.database.writing(bump=False) as connection:
            now = self.database.now()
            wait = throttle.wait_s(connection, keys, now)
            row = _find(connection, name)
            if not wait:
                throttle.take(connection, keys, now)
        if wait:
            raise TooManyAttempts(wait)
        known = row is not None and row.password_hash is not None
        against = row.password_hash if known else _stand_in()
        hashing = _for_known if keys[0][0] is throttle.DEVICE else _for_strangers
        if not hashing.acquire(timeout=STRANGER_WAITS_S if hashing is _for_strangers else None):
            with self.database.writing(bump=False) as connection:
                throttle.put_back(connection, keys, self.database.now())
            raise TooManyAttempts(2)
        try:
            right = _verify(against, password[: LONGEST + 1])
        finally:
            hashing.release()
        if not (known and right and row.disabled_at is None):
            if row is not None:  # of a name that does not exist nothing is kept: people type passwords there
                with self.database.writing(bump=False) as connection:
                    detail = {"source": source} if source else {}
                    add_line(
                        connection,
                        at=self.database.now(),
                        by=_viewer(row),
                        action="sign-in-failed",
                        detail=detail,
                    )
            raise SignInFailed
        rehash = _hash(password) if HASHER.check_needs_rehash(row.password_hash) else None
        with self.database.writing(bump=False) as connection:
            throttle.put_back(connection, keys, self.database.now())
            throttle.forget(connection, [key for key in keys if key[0] in (throttle.PAIR, throttle.DEVICE)])
            if rehash:
                connection.execute(sa.update(users).where(users.c.name == name).values(password_hash=rehash))
            return self._start(connection, name)

    def _counted_by(self, name: str, source: str, device: str) -> tuple[throttle.Key, ...]:
        """What an attempt is counted by. Raises :class:`TooManyAttempts` where there is none left, without waiting to write."""
        with self.database.reading() as connection:
            now, keys = self.database.now(), throttle.of_stranger(name, source)
            if device and len(device) <= 200 and devices.is_known(connection, self._hash_of(device), name, now):
                keys = ((throttle.DEVICE, f"{name}\0{self._hash_of(device)}"),)
            if wait := throttle.wait_s(connection, keys, now):
                raise TooManyAttempts(wait)
        return keys

    def know_device(self, token: str, device: str = "") -> str:
        """A token by which the browser of a session is known when this person signs in the next time; "" when the session has
        ended. It takes the place of the one that the browser had."""
        old, new = device[:200], secrets.token_urlsafe(32)
        with self.database.writing(bump=False) as connection:
            row = self._session(connection, token)
            if row is None or row.disabled_at is not None:
                return ""
            devices.renew(
                connection, self._hash_of(old) if old else "", self._hash_of(new), row.name, self.database.now()
            )
        return new

    def start_session(self, name: str) -> str:
        """Start a session for somebody whom another service has identified (OIDC). Raises :class:`SignInFailed` when there is
        no such active account."""
        with self.database.writing(bump=False) as connection:
            row = _find(connection, normal(name))
            if row is None or row.disabled_at is not None:
                raise SignInFailed
            return self._start(connection, row.name)

    def _start(self, connection: sa.Connection, name: str) -> str:
        now = self.database.now()
        row = _find(connection, name)
        if row is None or row.disabled_at is not None:  # disabled while the password was being checked
            raise SignInFailed
        ended = (sessions.c.started_at <= now - ABSOLUTE) | (sessions.c.seen_at <= now - IDLE)
        connection.execute(sa.delete(sessions).where(ended))
        theirs = sa.select(sessions.c.token_sha256).where(sessions.c.user == name).order_by(sessions.c.seen_at.desc())
        if beyond := connection.execute(theirs.offset(MOST_SESSIONS - 1)).scalars().all():
            connection.execute(sa.delete(sessions).where(sessions.c.token_sha256.in_(beyond)))
        token = secrets.token_urlsafe(32)
        connection.execute(
            sa.insert(sessions).values(token_sha256=self._hash_of(token), user=name, started_at=now, seen_at=now)
        )
        connection.execute(sa.update(users).where(users.c.name == name).values(signed_in_at=now))
        add_line(connection, at=now, by=Viewer(name, row.partner, row.role), action="sign-in")
        return token

    def viewer_of(self, token: str | None) -> Viewer:
        """Who a session's token belongs to, as their account says *now*; PUBLIC for no token, or one that has ended."""
        if not token or len(token) > 200:
            return PUBLIC
        with self.database.reading() as connection:
            row = self._session(connection, token)
        if row is None or row.disabled_at is not None:
            return PUBLIC
        now = self.database.now()
        if now - row.started_at >= ABSOLUTE or now - row.seen_at >= IDLE:
            return PUBLIC
        if now - row.seen_at >= SEEN_EVERY and time.monotonic() >= self._rest_until:
            this = sessions.c.token_sha256 == self._hash_of(token)
            try:
                with self.database.writing(bump=False) as connection:
                    connection.execute(sa.update(sessions).where(this).values(seen_at=now))
            except StoreFault:  # who may read goes on reading while nothing can be written
                self._rest_until = time.monotonic() + REST_S
        return _viewer(row)

    def sign_out(self, token: str | None) -> None:
        """End a session. Its token is worth nothing from then on, in every process. An unknown token is no error."""
        if not token:
            return
        with self.database.writing(bump=False) as connection:
            row = self._session(connection, token)
            if row is None:
                return
            this = sessions.c.token_sha256 == self._hash_of(token)
            connection.execute(sa.delete(sessions).where(this))
            add_line(connection, at=self.database.now(), by=_viewer(row), action="sign-out")

    def _session(self, connection: sa.Connection, token: str) -> sa.Row | None:
        """Whose session a token is, and since when; ended ones too."""
        query = (
            sa.select(users.c.name, users.c.partner, users.c.role, users.c.disabled_at)
            .add_columns(sessions.c.started_at, sessions.c.seen_at)
            .join_from(sessions, users, sessions.c.user == users.c.name)
            .where(sessions.c.token_sha256 == self._hash_of(token))
        )
        return connection.execute(query).first()

    def _hash_of(self, token: str) -> str:
        """What is kept of a session's token: without the server's secret key nobody can tell which token it is of."""
        content = token.encode("utf-8", "surrogatepass")
        if not self.secret_key:
            return hashlib.sha256(content).hexdigest()
        return hmac.new(self.secret_key.encode(), content, "sha256").hexdigest()


# -- details -----------------------------------------------------------------------------------------------------------


def normal(name: str) -> str:
    """A name as it is kept: one spelling, lower case, so that two people cannot have names that look the same."""
    return unicodedata.normalize("NFKC", str(name)).strip().casefold()


def _check_name(name: str) -> list[Fault]:
    good = len(name) <= 100 and is_name(name) and all(c.isalnum() or c in "._-@+" for c in name)
    if good and name not in (SYSTEM.user, "public"):
        return []
    return [
        Fault(
            f"{shown(name)} cannot be a name",
            "name",
            "use up to 100 letters, digits and . _ - @ +, no two dots together",
        )
    ]


def _check_role(region: Region, role: str, partner: str) -> list[Fault]:
    faults = []
    if role not in ROLES:
        faults.append(Fault(f"'{role}' is not a role", "role", f"use one of {', '.join(ROLES)}"))
    if region.partner(partner) is None:
        known = ", ".join(p.id for p in region.partners)
        faults.append(Fault(f"{shown(partner)} is not a partner of this region", "partner", f"use one of: {known}"))
    return faults


def _check_password(name: str, password: str) -> list[Fault]:
    if not SHORTEST <= len(password) <= LONGEST:
        what = f"it has {len(password)} characters"
        return [Fault(what, "password", f"use {SHORTEST} to {LONGEST}: three random words do")]
    if normal(password) == name or len(set(password)) < 4:
        return [Fault("it can be guessed at once", "password", "use three random words")]
    return []


def _only_admins(by: Viewer, what: str) -> None:
    if not (by.signed_in and by.role == "admin"):
        raise NotPermitted(f"Only admins may {what}.")


def _find(connection: sa.Connection, name: str) -> sa.Row | None:
    return connection.execute(sa.select(users).where(users.c.name == name)).first() if is_name(name) else None


def active_people(connection: sa.Connection) -> dict[str, Viewer]:
    """Everybody who may sign in, by name; without the disabled accounts."""
    query = sa.select(users).where(users.c.disabled_at.is_(None)).order_by(users.c.name)
    return {row.name: _viewer(row) for row in connection.execute(query)}


def _must_find(connection: sa.Connection, name: str) -> sa.Row:
    row = _find(connection, normal(name))
    if row is None:
        raise NotFound(f"There is no account '{normal(name)}'.")
    return row


def _user_of(row: sa.Row) -> User:
    known = {name: value for name, value in row._mapping.items() if name != "password_hash"}
    return User(**known, has_password=row.password_hash is not None)


def _viewer(row: sa.Row) -> Viewer:
    return Viewer(row.name, row.partner, row.role)


def _hash(password: str) -> str:
    with _for_known:
        return HASHER.hash(password)


_stand_ins: dict[int, str] = {}


def _stand_in() -> str:
    """A hash that nothing matches, made with the same cost, for names that do not exist."""
    if id(HASHER) not in _stand_ins:
        _stand_ins[id(HASHER)] = _hash(secrets.token_urlsafe(32))
    return _stand_ins[id(HASHER)]


def _verify(hashed: str, password: str) -> bool:
    try:
        return HASHER.verify(hashed, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False
