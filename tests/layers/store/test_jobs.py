"""The queue in the store: who shares a job, whose turn it is, what becomes of those who leave and of workers that die."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from layers import Busy, JobBounds, JobTable, NotFound
from layers.store.jobs import AGAIN_S, KEEP_S, LOST_S, OpenJob, in_order
from tests.layers.store_fixtures import NOON

BOUNDS = JobBounds(of_client=3, in_all=5, asker_s=30.0)


@pytest.fixture
def table(store):
    return JobTable(store, BOUNDS)


@pytest.fixture
def later(store, monkeypatch):
    """``later(seconds)``: so much time passes for the store."""
    at = [NOON]
    monkeypatch.setattr(store, "now", lambda: at[0])

    def go(seconds):
        at[0] += timedelta(seconds=seconds)

    return go


def ask(table, name, client="a", **more):
    return table.ask(name, "draws", {"of": name}, {"user": ""}, client, price=2.0, **more)


def test_the_same_question_is_one_job_and_a_worker_gets_it_as_data(table, later):
    assert (ask(table, "q").place, ask(table, "q", "b").place, ask(table, "r").place) == (1, 1, 2)
    job = table.claim("w", ["draws"])
    assert (job.id, job.state, job.parameters, job.viewer) == ("q", "running", {"of": "q"}, {"user": ""})
    assert table.find("r").place == 1 and table.find("r").ahead == 2.0
    later(3)
    assert table.heard("q", "w", 0.5, {"best": 1})
    assert (table.find("q").progress, table.find("q").so_far, table.find("q").seconds) == (0.5, {"best": 1}, 3.0)
    table.end("q", "w", "done", result=b"numbers")
    done = ask(table, "q", "c")
    assert (done.state, done.result, done.over) == ("done", b"numbers", True)
    assert table.claim("w", ["file"]) is None
    with pytest.raises(NotFound):
        table.find("nothing")


def test_no_two_workers_get_the_same_job(store):
    table = JobTable(store, JobBounds(of_client=40, in_all=40))
    for number in range(24):
        ask(table, f"q{number}")
    with ThreadPoolExecutor(6) as workers:
        claims = workers.map(lambda n: [table.claim(f"w{n}", ["draws"]) for _ in range(6)], range(6))
    found = [job.id for some in claims for job in some if job]
    assert sorted(found) == sorted(f"q{number}" for number in range(24))


def test_one_client_has_a_share_and_the_queue_an_end(table, later):
    for name in "xyz":
        ask(table, name)
    with pytest.raises(Busy) as share:
        ask(table, "u")
    assert (share.value.own, share.value.count, share.value.ahead) == (True, 3, 6.0)
    assert ask(table, "z").state == "waiting"  # one that it has asked for already is no other one
    ask(table, "p", "b")
    ask(table, "q", "b")
    with pytest.raises(Busy) as full:
        ask(table, "r", "b")
    assert (full.value.own, full.value.count) == (False, 5)
    table.end(table.claim("w", ["draws"]).id, "w", "done", result=b"")
    assert ask(table, "u").state == "waiting"


def test_clients_take_turns(table, later):
    for name in "xyz":
        ask(table, name)
    ask(table, "p", "b")
    order = [table.claim("w", ["draws"]).id for _ in range(4)]
    assert order == ["x", "p", "y", "z"]


def test_whoever_has_waited_long_goes_before_newcomers(later, table):
    ask(table, "x")
    ask(table, "y")
    later(25)
    ask(table, "p", "b")
    assert [table.find(name).place for name in "xyp"] == [1, 2, 3]


@given(some.lists(some.tuples(some.sampled_from("abcd"), some.sampled_from(["waiting", "running"])), max_size=14))
def test_turns_hold_up_nobody(asked):
    rows = [OpenJob(str(n), "k", n, 1.0, state, NOON, frozenset(who)) for n, (who, state) in enumerate(asked)]
    order = in_order(rows, NOON)
    assert sorted(row.number for row in order) == [row.number for row in rows if row.state == "waiting"]
    for who in "abcd":
        own = [row.number for row in order if who in row.clients]
        assert own == sorted(own)  # each client's own in the order of asking
    for place, row in enumerate(order):
        before = [other.clients for other in order[:place]]
        running = [other.clients for other in rows if other.state == "running"]
        mine = before.count(row.clients) + running.count(row.clients)
        for who in {other.clients for other in rows} - {row.clients}:
            assert before.count(who) + running.count(who) <= mine + 1 + running.count(who)


def test_a_job_that_nobody_asks_for_any_more_is_cancelled(table, later):
    for name in "xyz":
        ask(table, name)
    assert table.claim("w", ["draws"]).id == "x"
    ask(table, "x", "b")
    table.leave("x", "a")
    assert table.is_wanted("x", "w")  # b still asks
    later(10)
    table.poll("x", "b")
    later(10)
    ask(table, "y")  # asking again counts
    table.poll("x", "b")
    later(12)
    assert table.heard("x", "w", None)
    table.leave("nothing", "a")  # whoever writes tidies
    assert [table.find(name).state for name in "xyz"] == ["running", "waiting", "cancelled"]
    later(29)
    assert not table.heard("x", "w", None) and not table.is_wanted("x", "w")
    table.leave("nothing", "a")
    assert table.find("y").state == "cancelled"
    assert ask(table, "x", "c").state == "running" and table.is_wanted("x", "w")
    assert ask(table, "y").state == "waiting"
    table.poll("nothing", "a")


def test_who_leaves_may_be_two_at_one_address(table, later):
    ask(table, "x")
    table.leave("x", "a", after_s=5)
    later(4)
    ask(table, "x")
    later(4)
    ask(table, "y")
    assert table.find("x").state == "waiting"
    table.leave("x", "a", after_s=5)
    later(6)
    assert table.claim("w", ["draws"]).id == "y" and table.find("x").state == "cancelled"


def test_what_a_dead_worker_was_at_is_done_again_but_not_for_ever(table, later):
    ask(table, "x")
    assert table.claim("w", ["draws"]).id == "x"
    for _ in range(int(LOST_S // 10) + 1):
        later(10)
        ask(table, "x")
    assert table.claim("v", ["draws"]).id == "x"
    table.end("x", "w", "done", result=b"late")  # it was not dead after all
    assert not table.heard("x", "w", 1.0) and table.find("x").state == "running"
    assert table.release("v") == 0  # begun twice, it ended its worker twice
    assert table.find("x").state == "failed" and "twice" in table.find("x").reasons[0]


def test_a_worker_that_is_replaced_lets_others_have_its_job(table, later):
    ask(table, "x")
    table.claim("w", ["draws"])
    assert table.release("w") == 1
    assert table.claim("v", ["draws"]).id == "x"
    table.end("x", "v", "waiting")  # a server that ends gives it back: that counts as no start
    assert table.claim("u", ["draws"]).id == "x"
    assert table.release("u") == 0


def test_one_that_is_stopped_ends_for_everybody(table, later):
    ask(table, "x", first={"best": 5})
    ask(table, "y")
    table.claim("w", ["draws"])
    table.stop("x")
    table.stop("y")
    assert not table.is_wanted("x", "w") and table.find("y").state == "cancelled"
    table.end("x", "w", "cancelled")
    assert (table.find("x").state, table.find("x").so_far) == ("cancelled", {"best": 5})


def test_refusals_are_told_for_a_while_and_results_for_longer(table, later):
    for name, state in (("x", "refused"), ("y", "done")):
        ask(table, name)
        table.claim("w", ["draws"])
        table.end(name, "w", state, reasons=["no"], result=b"")
    assert ask(table, "x").reasons == ("no",)
    later(AGAIN_S + 1)
    assert (ask(table, "x").state, ask(table, "y").state) == ("waiting", "done")
    later(KEEP_S)
    ask(table, "z")
    with pytest.raises(NotFound):
        table.find("y")
