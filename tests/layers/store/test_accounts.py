"""People: accounts, sign-in that tells nothing, sessions that end, and failures that slow down."""

from __future__ import annotations

import threading
from datetime import timedelta

import argon2
import pytest
import sqlalchemy as sa

from layers.model import PUBLIC, SYSTEM, NotFound, Refused, Viewer
from layers.store import accounts, tables
from layers.store.accounts import ABSOLUTE, FREE_FAILURES, IDLE, LONGEST_WAIT, SignInFailed, TooManyAttempts
from layers.store.integrity import check as check_store
from layers.store.records import NotPermitted
from tests.layers.store_fixtures import (
    ADMIN,
    EAST_VIEWER,
    WEST_ANALYST,
    indicator,
)

GOOD = "three random words"


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    """The real hash costs 64 MiB and 50 ms on purpose; the tests check that once, and otherwise hash cheaply."""
    monkeypatch.setattr(accounts, "HASHER", argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    monkeypatch.setattr(accounts, "_stand_ins", {})


@pytest.fixture
def people(store):
    store.accounts.add_user("Wes", role="analyst", partner="westshire", password=GOOD, by=SYSTEM)
    store.accounts.add_user("ada", role="admin", partner="icb", password=GOOD, by=SYSTEM)
    return store


def test_the_first_account_and_signing_in(store):
    assert not store.accounts.has_users()
    made = store.accounts.add_user("  Wes ", role="analyst", partner="westshire", password=GOOD, by=SYSTEM)
    assert (made.name, made.role, made.partner, made.active) == ("wes", "analyst", "westshire", True)
    assert store.accounts.has_users()
    token = store.accounts.sign_in("WES", GOOD)
    assert store.accounts.viewer_of(token) == WEST_ANALYST
    assert store.accounts.viewer_of(token).signed_in
    store.accounts.sign_out(token)
    assert store.accounts.viewer_of(token) == PUBLIC
    store.accounts.sign_out(token)  # twice is no error
    assert [line.action for line in store.audit(ADMIN)][:3] == ["sign-out", "sign-in", "user-added"]
    assert check_store(store) == []


def test_what_the_database_holds_is_of_no_use_to_a_thief(people):
    token = people.accounts.sign_in("wes", GOOD)
    with people.reading() as connection:
        rows = str(
            connection.execute(sa.select(tables.sessions)).all() + connection.execute(sa.select(tables.users)).all()
        )
        rows += str(connection.execute(sa.select(tables.audit)).all())
    assert token not in rows
    assert GOOD not in rows
    assert "$argon2id$" in rows
    assert len(token) >= 43  # 256 bits, six a character
    assert token != people.accounts.sign_in("wes", GOOD)


def test_the_real_hash_is_argon2id_at_rfc_9106_cost():
    chosen = argon2.extract_parameters(argon2.PasswordHasher().hash("x"))
    assert (chosen.type, chosen.memory_cost, chosen.time_cost) == (argon2.Type.ID, 65536, 3)


def test_wrong_name_wrong_password_and_disabled_account_say_the_same(people):
    people.accounts.add_user("old", role="viewer", partner="icb", password=GOOD, by=SYSTEM)
    people.accounts.disable_user("old", by=SYSTEM)
    people.accounts.add_user("oidc", role="viewer", partner="icb", by=SYSTEM)
    told = set()
    for name, password in (("wes", "wrong words here"), ("nobody", GOOD), ("old", GOOD), ("oidc", GOOD), ("oidc", "")):
        with pytest.raises(SignInFailed) as failed:
            people.accounts.sign_in(name, password)
        assert type(failed.value) is SignInFailed
        told.add(str(failed.value))
    assert told == {"The name or the password is wrong."}


def test_a_name_that_does_not_exist_costs_the_same_work(people, monkeypatch):
    verified = []
    really = accounts._verify
    monkeypatch.setattr(accounts, "_verify", lambda hashed, word: verified.append(hashed[:20]) or really(hashed, word))
    for name in ("wes", "nobody"):
        with pytest.raises(SignInFailed):
            people.accounts.sign_in(name, "wrong words here")
    assert len(verified) == 2
    assert verified[0] == verified[1]  # the same algorithm at the same cost


def test_a_name_that_does_not_exist_leaves_no_trace_of_what_was_typed(people):
    with pytest.raises(SignInFailed):
        people.accounts.sign_in("my secret password typed as a name", "x")
    with people.reading() as connection:
        rows = [connection.execute(sa.select(t)).all() for t in (tables.audit, tables.failures)]
    assert "my secret" not in str(rows)


@pytest.mark.parametrize("name", ["wes", "nobody"])
def test_failures_slow_down_the_next_attempt_whether_the_name_exists_or_not(people, clock, name):
    for _ in range(FREE_FAILURES - 1):
        with pytest.raises(SignInFailed) as failed:
            people.accounts.sign_in(name, "wrong words here")
        assert type(failed.value) is SignInFailed
    waits = []
    for _ in range(12):
        with pytest.raises(SignInFailed):
            people.accounts.sign_in(name, "wrong words here")
        with pytest.raises(TooManyAttempts) as blocked:
            people.accounts.sign_in(name, GOOD)  # even the right one has to wait
        waits.append(blocked.value.wait_s)
        clock.on(seconds=blocked.value.wait_s)
    # doubling from two seconds up to the bound, which is less than a minute
    assert waits == [2, 4, 8, 16, 32, 50, 50, 50, 50, 50, 50, 50]
    assert LONGEST_WAIT.total_seconds() == 50
    if name == "wes":
        people.accounts.sign_in("wes", GOOD)  # and then the right one comes through, and the slate is clean
        with pytest.raises(SignInFailed) as failed:
            people.accounts.sign_in("wes", "wrong words here")
        assert type(failed.value) is SignInFailed


def test_failures_are_forgotten_after_a_quiet_day(people, clock):
    for _ in range(FREE_FAILURES - 1):
        with pytest.raises(SignInFailed):
            people.accounts.sign_in("wes", "wrong words here")
    clock.on(days=1, seconds=1)
    for _ in range(FREE_FAILURES - 1):
        with pytest.raises(SignInFailed) as failed:
            people.accounts.sign_in("wes", "wrong words here")
        assert type(failed.value) is SignInFailed


def test_one_address_that_tries_many_names_is_slowed_down(people):
    kinds = []
    for i in range(40):
        with pytest.raises(SignInFailed) as failed:
            people.accounts.sign_in(f"name{i}", "wrong words here", source="192.0.2.1")
        kinds.append(type(failed.value))
    assert kinds.index(TooManyAttempts) == FREE_FAILURES * accounts.SOURCE_FACTOR
    assert people.accounts.viewer_of(people.accounts.sign_in("wes", GOOD, source="192.0.2.2")).user == "wes"


def test_signing_in_rightly_again_and_again_is_no_failure(people):
    for _ in range(30):
        people.accounts.sign_in("wes", GOOD, source="192.0.2.1")


def test_a_burst_in_parallel_does_not_slip_through(people):
    tried, lock = [], threading.Lock()

    def guess():
        try:
            people.accounts.sign_in("wes", "wrong words here")
        except TooManyAttempts:
            return
        except SignInFailed:
            with lock:
                tried.append(1)

    threads = [threading.Thread(target=guess) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tried) == FREE_FAILURES


def test_a_session_ends_when_idle_and_when_old(people, clock):
    token = people.accounts.sign_in("wes", GOOD)
    clock.on(seconds=IDLE.total_seconds() - 1)
    assert people.accounts.viewer_of(token).user == "wes"  # and counts as used
    clock.on(seconds=IDLE.total_seconds())
    assert people.accounts.viewer_of(token) == PUBLIC
    token, started = people.accounts.sign_in("wes", GOOD), clock.at
    while clock.at - started < ABSOLUTE - timedelta(hours=1):
        clock.on(hours=1)
        assert people.accounts.viewer_of(token).user == "wes"
    clock.on(hours=1)
    assert people.accounts.viewer_of(token) == PUBLIC
    people.accounts.sign_in("wes", GOOD)
    with people.reading() as connection:
        assert len(connection.execute(sa.select(tables.sessions)).all()) == 1  # what has ended is swept up


def test_using_a_session_writes_at_most_once_a_minute(people, clock):
    token = people.accounts.sign_in("wes", GOOD)
    wrote = []
    sa.event.listen(
        people.engine, "before_cursor_execute", lambda *a: wrote.append(a[2]) if a[2].startswith("UPDATE") else None
    )
    for _ in range(59):
        clock.on(seconds=1)
        people.accounts.viewer_of(token)
    assert wrote == []
    clock.on(seconds=1)
    people.accounts.viewer_of(token)
    assert len(wrote) == 1


@pytest.mark.parametrize("token", [None, "", "nonsense", "x" * 10_000, "\ud800", "' OR 1=1 --"])
def test_a_token_that_is_none_is_the_public(people, token):
    people.accounts.sign_in("wes", GOOD)
    assert people.accounts.viewer_of(token) == PUBLIC
    people.accounts.sign_out(token)


def test_what_an_account_may_do_is_read_at_every_request(people, reopen):
    token, other = people.accounts.sign_in("wes", GOOD), reopen()
    people.publish(indicator(), by=other.accounts.viewer_of(token))
    people.accounts.change_user("wes", role="viewer", by=ADMIN)
    with pytest.raises(NotPermitted):
        people.publish(indicator(), by=other.accounts.viewer_of(token))
    people.accounts.change_user("wes", partner="eastshire", by=ADMIN)
    assert other.accounts.viewer_of(token) == Viewer("wes", "eastshire", "viewer")
    people.accounts.disable_user("wes", by=ADMIN)
    assert other.accounts.viewer_of(token) == PUBLIC
    people.accounts.enable_user("wes", by=ADMIN)
    assert other.accounts.viewer_of(token) == PUBLIC  # the session is gone for good


def test_a_new_password_ends_every_session(people):
    token = people.accounts.sign_in("wes", GOOD)
    people.accounts.set_password("wes", "other random words", by=people.accounts.viewer_of(token))
    assert people.accounts.viewer_of(token) == PUBLIC
    with pytest.raises(SignInFailed):
        people.accounts.sign_in("wes", GOOD)
    people.accounts.sign_in("wes", "other random words")
    with pytest.raises(NotPermitted):
        people.accounts.set_password("ada", "other random words", by=WEST_ANALYST)


def test_a_session_for_somebody_identified_elsewhere(people):
    people.accounts.add_user("eve", role="viewer", partner="eastshire", by=ADMIN)
    assert people.accounts.viewer_of(people.accounts.start_session("Eve")) == EAST_VIEWER
    people.accounts.disable_user("eve", by=ADMIN)
    for name in ("eve", "nobody"):
        with pytest.raises(SignInFailed):
            people.accounts.start_session(name)


def test_only_admins_manage_people(people):
    for by in (PUBLIC, EAST_VIEWER, WEST_ANALYST, Viewer("", "icb", "admin")):
        for act in (
            lambda by: people.accounts.add_user("x", role="admin", partner="icb", password=GOOD, by=by),
            lambda by: people.accounts.change_user("wes", role="admin", by=by),
            lambda by: people.accounts.disable_user("ada", by=by),
            lambda by: people.accounts.enable_user("ada", by=by),
            lambda by: people.accounts.set_password("ada", GOOD + "!", by=by),
            lambda by: people.accounts.list_users(by),
        ):
            with pytest.raises(NotPermitted):
                act(by)
    assert [user.name for user in people.accounts.list_users(ADMIN)] == ["ada", "wes"]
    assert all(user.active and user.role in ("admin", "analyst") for user in people.accounts.list_users(ADMIN))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"name": ""}, "cannot be a name"),
        ({"name": "x y"}, "cannot be a name"),
        ({"name": "<script>"}, "cannot be a name"),
        ({"name": "a\nb"}, "cannot be a name"),
        ({"name": "System"}, "cannot be a name"),
        ({"name": "a" * 101}, "cannot be a name"),
        ({"role": "public"}, "is not a role"),
        ({"partner": "atlantis"}, "is not a partner"),
        ({"partner": ""}, "is not a partner"),
        ({"password": "short"}, "has 5 characters"),
        ({"password": "x" * 2000}, "has 2000 characters"),
        ({"password": "aaaaaaaaaaaaaa"}, "guessed at once"),
        ({"name": "longenoughname", "password": "LongEnoughName"}, "guessed at once"),
        ({"name": "wes"}, "already an account"),
        ({"name": "ＷＥＳ"}, "already an account"),  # full-width letters look like another name and are the same
    ],
)
def test_accounts_that_are_refused(people, more, told):
    given = {"name": "new", "role": "viewer", "partner": "icb", "password": GOOD} | more
    with pytest.raises(Refused) as refused:
        people.accounts.add_user(given.pop("name"), **given, by=ADMIN)
    assert told in str(refused.value)
    assert len(people.accounts.list_users(ADMIN)) == 2


def test_who_the_command_line_acts_for(people):
    assert people.accounts.viewer_named("WES") == WEST_ANALYST
    with pytest.raises(NotFound, match="no account 'nobody'"):
        people.accounts.viewer_named("nobody")
    people.accounts.disable_user("wes", by=ADMIN)
    with pytest.raises(NotFound, match="disabled"):
        people.accounts.viewer_named("wes")
    with pytest.raises(NotFound):
        people.accounts.disable_user("nobody", by=ADMIN)


def test_a_hash_of_a_cheaper_time_is_renewed_at_the_next_sign_in(people, monkeypatch):
    monkeypatch.setattr(accounts, "HASHER", argon2.PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    people.accounts.sign_in("wes", GOOD)
    with people.reading() as connection:
        kept = connection.execute(
            sa.select(tables.users.c.password_hash).where(tables.users.c.name == "wes")
        ).scalar_one()
    assert "m=16,t=2" in kept
    people.accounts.sign_in("wes", GOOD)


def test_a_session_of_one_process_counts_in_another_and_so_does_its_end(people, reopen):
    other = reopen()
    token = people.accounts.sign_in("wes", GOOD)
    assert other.accounts.viewer_of(token).user == "wes"
    other.accounts.sign_out(token)
    assert people.accounts.viewer_of(token) == PUBLIC


def test_signing_in_does_not_disturb_what_is_cached(people, clock):
    before = people.generation()
    people.accounts.sign_in("wes", GOOD)
    clock.on(seconds=2)
    assert people.generation() == before
