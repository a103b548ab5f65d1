"""Jobs from the asker's side: what is shared, who waits and for how long, what a worker makes of refusals and mistakes."""

from __future__ import annotations

import sys
import threading
import time
from types import ModuleType

import pytest

from dashboard import jobs as module
from dashboard.jobs import ASKER, LARGE, LATE, OURS, Asker, Busy, Jobs, Kind, Waiting, again_in, id_of, left_s
from dashboard.published import Published
from layers import PUBLIC, SYSTEM, Cancelled, Fault, Job, JobBounds, NotFound, Refused, Viewer, open_store


@pytest.fixture
def here(tiny_region, tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}", tiny_region)
    yield Published(tiny_region, store, tmp_path)
    store.close()


@pytest.fixture
def slept(monkeypatch):
    """Seconds that this thread would have slept; others that run meanwhile sleep as they do."""
    kept, mine, really = [], threading.get_ident(), time.sleep
    monkeypatch.setattr(
        module.time, "sleep", lambda seconds: kept.append(seconds) if threading.get_ident() == mine else really(seconds)
    )
    return kept


@pytest.fixture
def works(monkeypatch):
    """``works(function)``: what the kind "draws" does from now on."""
    made = ModuleType("work_of_a_test")
    monkeypatch.setitem(sys.modules, "work_of_a_test", made)
    monkeypatch.setitem(module.KINDS, "draws", Kind("work_of_a_test"))

    def put(function):
        made.work = function

    return put


@pytest.fixture
def gate():
    """Work that waits until the gate is opened; it is at the end of the test."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def asking():
    """``asking(client, left)``: within a request from there, until the end of the test."""

    def begin(client="address:1", left=lambda: False):
        asker = Asker(client, left)
        ASKER.set(asker)
        return asker

    yield begin
    ASKER.set(None)


def held(gate):
    def work(published, viewer, parameters, progress, cancelled):
        progress(0.25, {"best": 7})
        while not gate.wait(0.05):
            if cancelled():
                raise Cancelled
        return {"asked": parameters}

    return work


def ask(jobs, name="a", viewer=PUBLIC):
    return jobs.submit("draws", name, {"name": name}, viewer, price=1.0)


def test_a_job_is_data_and_its_result_is_there_for_every_process(here, works):
    works(lambda published, viewer, parameters, progress, cancelled: {"for": viewer.role, "asked": parameters})
    done = here.jobs.wait(ask(here.jobs).id, 60)
    assert (done.state, done.result) == ("done", b'{"for": "public", "asked": {"name": "a"}}')
    works(lambda *_: 1 / 0)
    assert ask(Jobs(here)).result == done.result  # the same job: not done again
    assert here.jobs.answer("draws", "a", {}, PUBLIC, price=1.0) == done.result


def test_a_worker_of_another_process_takes_what_this_one_asks(here, works):
    here.jobs.have_workers(2)
    works(lambda *_: b"numbers")
    job = ask(here.jobs)
    assert here.jobs.wait(job.id, 0.3).state == "waiting"  # nobody works here
    over = threading.Event()
    other = threading.Thread(target=Jobs(here).work_here, args=("host:1:2", over.is_set, lambda: None))
    other.start()
    try:
        assert here.jobs.wait(job.id, 60).result == b"numbers"
    finally:
        over.set()
        other.join(60)
    assert not other.is_alive()


def test_a_request_waits_a_moment_and_is_told_how_far_it_is(here, works, gate, asking):
    works(held(gate))
    here.jobs.wait_s = 0.05
    asking()
    with pytest.raises(Waiting):
        here.jobs.answer("draws", "a", {}, PUBLIC, price=1.0)
    while here.jobs.status(id_of("draws", "a")).state == "waiting":
        threading.Event().wait(0.02)
    with pytest.raises(Waiting) as second:
        here.jobs.answer("draws", "b", {}, PUBLIC, price=1.0)
    assert (second.value.job.state, second.value.job.place) == ("waiting", 1) and "place 1" in str(second.value)
    assert 1 <= second.value.again_s <= 5
    gate.set()
    here.jobs.wait_s = 60
    assert here.jobs.answer("draws", "a", {}, PUBLIC, price=1.0) == b'{"asked": {}}'


def test_few_requests_wait_and_the_others_answer_at_once(here, works, gate, asking, slept):
    works(held(gate))
    job = ask(here.jobs)
    for _ in range(module.MOST_WAITING):
        here.jobs._waiting.acquire()
    asking()
    assert not here.jobs.wait(job.id).over and slept == []


def test_nobody_waits_for_what_will_not_be_there_soon(here, works, gate, asking, slept):
    works(held(gate))
    here.jobs.have_workers(2)
    job = here.jobs.submit("draws", "a", {}, PUBLIC, price=100.0)
    asking()
    here.jobs.wait_s = 0.5
    assert not here.jobs.wait(job.id).over and slept == []


def test_how_long_it_may_take():
    assert left_s(Job("a", "draws", "waiting", 3, ahead=8.0, price=2.0), 2) == 6.0
    assert left_s(Job("a", "draws", "running", progress=0.25, seconds=3.0, price=2.0)) == 9.0
    assert left_s(Job("a", "draws", "running", seconds=3.0, price=2.0)) == 0.0


def test_whoever_leaves_while_waiting_is_waited_for_no_longer(here, works, gate, asking, monkeypatch):
    works(held(gate))
    monkeypatch.setattr(module, "LEAVES_S", 0.0)
    asking(left=lambda: True)
    job = ask(here.jobs)
    here.jobs.wait(job.id)
    ASKER.set(None)
    assert here.jobs.wait(job.id, 60).state == "cancelled"
    assert not gate.is_set()


def test_cancelling_is_for_oneself_where_others_wait_too(here, works, gate, asking):
    works(held(gate))
    asking("address:1")
    job = ask(here.jobs)
    asking("address:2")
    ask(here.jobs)
    here.jobs.cancel(job.id)
    here.jobs.status(job.id)  # looking is not asking
    ASKER.set(None)
    assert not here.jobs.wait(job.id, 1.0).over
    asking("address:1")
    here.jobs.cancel(job.id)
    ASKER.set(None)
    assert here.jobs.wait(job.id, 60).state == "cancelled"
    assert here.jobs.status(job.id).so_far == {"best": 7}


def test_too_much_is_refused_with_whose_fault_it_is(here, works, gate, asking):
    works(held(gate))
    jobs = Jobs(here, JobBounds(of_client=2, in_all=3))
    for client, names, own in (("address:1", "ab", None), ("address:1", "c", True), ("address:2", "de", False)):
        asking(client)
        for name in names:
            if own is None or (not own and name == "d"):
                ask(jobs, name)
            else:
                with pytest.raises(Busy) as busy:
                    ask(jobs, name)
                assert busy.value.own is own
    for name in "abd":
        jobs.table.stop(id_of("draws", name))


def test_refusals_have_reasons_and_mistakes_do_not(here, works):
    def refuse(*_):
        raise Refused("No.", [Fault("17 sites were asked for", "new", "ask for fewer")])

    works(refuse)
    with pytest.raises(Refused) as refused:
        here.jobs.answer("draws", "a", {}, PUBLIC, price=1.0)
    assert "17 sites" in str(refused.value.faults[0])
    works(lambda *_: 1 / 0)
    with pytest.raises(RuntimeError, match="log of its worker"):
        here.jobs.answer("draws", "b", {}, PUBLIC, price=1.0)
    assert here.jobs.status(id_of("draws", "b")).reasons == (OURS,)

    def large(*_):
        raise MemoryError

    works(large)
    with pytest.raises(Refused, match="cannot be answered"):
        here.jobs.answer("draws", "c", {}, PUBLIC, price=1.0)
    assert here.jobs.status(id_of("draws", "c")).reasons == (LARGE,)


def test_what_takes_too_long_is_ended(here, works, gate, monkeypatch):
    works(held(gate))
    monkeypatch.setitem(module.KINDS, "draws", Kind("work_of_a_test", most_s=0.1))
    job = here.jobs.wait(ask(here.jobs).id, 60)
    assert (job.state, job.reasons) == ("failed", (LATE,))


def test_who_may_no_longer_sign_in_gets_nothing_worked_out(here, works):
    accounts = here.store.accounts
    accounts.add_user("eve", role="analyst", partner="eastshire", by=SYSTEM)
    eve = accounts.viewer_named("eve")
    seen = []
    works(lambda published, viewer, *_: seen.append(viewer) or {})
    accounts.change_user("eve", role="viewer", by=SYSTEM)
    assert here.jobs.wait(ask(here.jobs, "a", eve).id, 60).state == "done"
    assert [viewer.role for viewer in seen] == ["viewer"]  # what they may see today, not when they asked
    accounts.disable_user("eve", by=SYSTEM)
    assert here.jobs.wait(ask(here.jobs, "b", eve).id, 60).state == "refused"
    assert here.jobs.wait(ask(here.jobs, "c", Viewer("nobody", "eastshire", "admin")).id, 60).state == "refused"
    assert len(seen) == 1


def test_a_server_that_ends_gives_its_job_back(here, works, gate):
    works(held(gate))
    here.jobs.have_workers(1)
    job = ask(here.jobs)
    over = threading.Event()
    worker = threading.Thread(target=here.jobs.work_here, args=("host:1:2", over.is_set, lambda: None))
    worker.start()
    while here.jobs.status(job.id).state == "waiting":
        threading.Event().wait(0.02)
    over.set()
    worker.join(60)
    assert here.jobs.status(job.id).state == "waiting"


def test_one_request_does_only_so_much_by_itself():
    asker = Asker("address:1")
    assert asker.may_afford(module.CHEAP_S * 0.75)
    assert not asker.may_afford(module.CHEAP_S * 0.5)
    assert asker.may_afford(module.CHEAP_S * 0.2)


@pytest.mark.parametrize(("ahead", "price", "seconds"), [(0, 0.1, 1), (0, 6, 3), (50, 8, 5)])
def test_when_to_ask_again(ahead, price, seconds):
    assert again_in(Job("a", "draws", "waiting", 1, ahead=ahead, price=price)) == seconds


def test_an_id_is_the_same_in_every_process(here):
    assert id_of("plan", "a") == id_of("plan", "a") != id_of("file", "a")
    for unknown in ("0" * 32, "../secret", ""):
        with pytest.raises(NotFound):
            here.jobs.status(unknown)
