"""Who signed in is forgotten after a while; the trail stays whole, and nothing else can be made to look forgotten."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from layers.model import SYSTEM, Refused
from layers.store import tables
from layers.store.anchor import Anchor
from layers.store.forgetting import forget_sign_ins, ranges
from layers.store.integrity import check
from layers.store.records import NotPermitted
from tests.layers.store_fixtures import WEST_ANALYST, unguarded


@pytest.fixture
def signed_in(store, tmp_path):
    store.anchor_at(Anchor(str(tmp_path / "anchor.log")))
    store.accounts.add_user("ann", role="viewer", partner="westshire", by=SYSTEM)
    store.accounts.sign_out(store.accounts.start_session("ann"))
    return store


def people(store) -> list[tuple]:
    columns = tables.audit.c
    query = (
        sa.select(columns.action, columns.by, columns.detail).where(columns.action.like("sign-%")).order_by(columns.seq)
    )
    with store.reading() as connection:
        return [tuple(row) for row in connection.execute(query)]


def later(store, days: int) -> None:
    now = store.now
    store.now = lambda: now() + timedelta(days=days)


def test_old_ones_are_forgotten_and_the_trail_is_whole(signed_in):
    assert forget_sign_ins(signed_in, by=SYSTEM, days=30) == 0  # too young
    later(signed_in, 40)
    signed_in.accounts.start_session("ann")
    assert forget_sign_ins(signed_in, by=SYSTEM, days=30) == 2
    assert [row[:2] for row in people(signed_in)] == [
        ("sign-in", "(forgotten)"),
        ("sign-out", "(forgotten)"),
        ("sign-in", "ann"),
    ]
    assert not check(signed_in)
    assert forget_sign_ins(signed_in, by=SYSTEM, days=30) == 0
    signed_in.note("export", by=SYSTEM)
    assert not check(signed_in)


def test_nothing_else_looks_forgotten(signed_in):
    later(signed_in, 40)
    forget_sign_ins(signed_in, by=SYSTEM, days=30)
    signed_in.accounts.start_session("ann")
    gone = """by = '(forgotten)', partner = '', detail = '{"forgotten": true}'"""
    unguarded(signed_in, f"UPDATE audit SET {gone} WHERE action = 'user-added'")
    assert any("was changed" in fault.what for fault in check(signed_in))


def test_a_sign_in_that_nobody_forgot_is_found(signed_in):
    gone = """by = '(forgotten)', partner = '', detail = '{"forgotten": true}'"""
    unguarded(signed_in, f"UPDATE audit SET {gone} WHERE action = 'sign-in'")
    assert any("was changed" in fault.what for fault in check(signed_in))


def test_who_may_and_how_soon(signed_in):
    with pytest.raises(NotPermitted):
        forget_sign_ins(signed_in, by=WEST_ANALYST, days=30)
    with pytest.raises(Refused, match="too few"):
        forget_sign_ins(signed_in, by=SYSTEM, days=1)


def test_ranges():
    assert ranges([]) == [] and ranges([1, 2, 3, 7]) == [[1, 3], [7, 7]]
