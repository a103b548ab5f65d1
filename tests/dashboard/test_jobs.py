"""The pool: a queue with bounds, progress, cancelling; who may read; what another worker sees."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from dashboard.jobs import KEEP_S, Busy, Jobs, Kind, id_of
from layers import Cancelled, Fault, NotFound, Refused

KINDS = {"plan": Kind(at_once=1, waiting=2), "file": Kind(at_once=2, waiting=0)}


@pytest.fixture()
def jobs(tmp_path):
    return Jobs(tmp_path / "jobs", KINDS)


@pytest.fixture()
def gate():
    """Work that waits until the gate is opened; it is at the end of the test."""
    event = threading.Event()
    yield event
    event.set()


def held(gate):
    def work(progress, cancelled):
        assert gate.wait(30)
        if cancelled():
            raise Cancelled
        return {"held": True}

    return work


def test_a_job_is_done_and_its_result_is_there_for_every_worker(jobs, tmp_path):
    job = jobs.submit("plan", "a", lambda progress, cancelled: {"sites": [1, 2]}, about={"layers": ["x"]})
    done = jobs.wait(job.id)
    assert (done.state, done.progress, done.result, done.about, done.over) == (
        "done", 1.0, {"sites": [1, 2]}, {"layers": ["x"]}, True,
    )  # fmt: skip
    assert Jobs(tmp_path / "jobs", KINDS).status(job.id) == done
    assert jobs.submit("plan", "a", lambda progress, cancelled: 1 / 0) == done  # the same job: not done again


def test_the_queue_has_places_and_an_end(jobs, gate):
    ids = [jobs.submit("plan", name, held(gate)).id for name in ("a", "b", "c")]
    assert [jobs.status(one).place for one in ids] == [0, 1, 2]
    assert jobs.submit("plan", "b", held(gate)).id == ids[1]  # shares the one that waits
    with pytest.raises(Busy) as busy:
        jobs.submit("plan", "d", held(gate))
    assert busy.value.count == 3
    assert jobs.run("file", "x", lambda: b"file") == b"file"  # another kind has its own room
    gate.set()
    assert {jobs.wait(one).state for one in ids} == {"done"}
    assert jobs.wait(jobs.submit("plan", "d", held(gate)).id).state == "done"


def test_progress_and_the_best_so_far_can_be_read_and_stay_when_cancelled(jobs, gate):
    told = threading.Event()

    def work(progress, cancelled):
        progress(0.25, {"best": 7})
        told.set()
        assert gate.wait(30)
        raise Cancelled if cancelled() else AssertionError("it was not told to stop")

    job = jobs.submit("plan", "a", work, first={"best": 5})
    assert told.wait(30)
    seen = jobs.cancel(job.id)
    assert (seen.state, seen.progress, seen.result) == ("running", 0.25, {"best": 7})
    gate.set()
    assert (jobs.wait(job.id).state, jobs.wait(job.id).result) == ("cancelled", {"best": 7})
    again = jobs.submit("plan", "a", lambda progress, cancelled: {"best": 9})
    assert jobs.wait(again.id).result == {"best": 9}


def test_one_that_waits_can_be_cancelled_before_it_begins(jobs, gate):
    jobs.submit("plan", "a", held(gate))
    waiting = jobs.submit("plan", "b", lambda progress, cancelled: 1 / 0)
    jobs.cancel(waiting.id)
    gate.set()
    assert jobs.wait(waiting.id).state == "cancelled"


def test_reasons_are_told_and_mistakes_are_not(jobs):
    def refuse(progress, cancelled):
        raise Refused("No.", [Fault("17 sites were asked for", "new", "ask for fewer")])

    refused = jobs.wait(jobs.submit("plan", "a", refuse).id)
    assert refused.state == "refused" and "17 sites" in refused.reasons[0]
    failed = jobs.wait(jobs.submit("plan", "b", lambda progress, cancelled: 1 / 0).id)
    assert failed.state == "failed" and "division" not in failed.reasons[0]


def test_only_the_owner_reads_what_is_owned(jobs):
    mine = jobs.submit("plan", "a", lambda progress, cancelled: 1, owner="eve")
    assert jobs.wait(mine.id, "eve").result == 1
    for other in ("", "adam"):
        with pytest.raises(NotFound):
            jobs.status(mine.id, other)
        with pytest.raises(NotFound):
            jobs.cancel(mine.id, other)
    assert jobs.submit("plan", "a", lambda progress, cancelled: 2, owner="adam").id != mine.id
    for unknown in ("0" * 32, "../secret", ""):
        with pytest.raises(NotFound):
            jobs.status(unknown)


def test_a_job_whose_worker_died_is_lost_and_may_be_started_again(jobs, tmp_path):
    job = jobs.submit("plan", "a", lambda progress, cancelled: 1)
    jobs.wait(job.id)
    file = tmp_path / "jobs" / f"{job.id}.json"
    stored = json.loads(file.read_text())
    stored["job"]["state"], stored["heard"] = "running", stored["heard"] - 51  # 20 s of work and 30 s of silence
    file.write_text(json.dumps(stored))
    assert jobs.status(job.id).state == "lost"
    assert jobs.wait(jobs.submit("plan", "a", lambda progress, cancelled: 2).id).result == 2


def test_old_jobs_are_forgotten(jobs, tmp_path, monkeypatch):
    old = jobs.submit("plan", "a", lambda progress, cancelled: 1)
    jobs.wait(old.id)
    monkeypatch.setattr("dashboard.jobs.KEEP_S", -KEEP_S)
    jobs.submit("plan", "b", lambda progress, cancelled: 1)
    with pytest.raises(NotFound):
        jobs.status(old.id)


def test_who_waits_for_the_same_at_the_same_time_shares_it(jobs, gate):
    made, begun = [], threading.Event()

    def make():
        made.append(1)
        begun.set()
        assert gate.wait(30)
        return b"file"

    with ThreadPoolExecutor(3) as people:
        first = people.submit(jobs.run, "file", "a", make)
        assert begun.wait(30)
        others = [people.submit(jobs.run, "file", "a", make) for _ in range(2)]
        gate.set()
        assert [one.result(30) for one in (first, *others)] == [b"file"] * 3
    assert len(made) <= 3 and made[0] == 1


def test_what_goes_wrong_in_a_turn_is_raised_to_whoever_waits(jobs):
    def missing():
        raise NotFound("gone")

    with pytest.raises(NotFound, match="gone"):
        jobs.run("file", "a", missing)
    assert jobs.run("file", "a", lambda: 2) == 2  # its place is free again


def test_an_id_is_the_same_in_every_worker():
    assert id_of("plan", "a") == id_of("plan", "a") != id_of("plan", "a", "eve")
    assert id_of("plan", "a") != id_of("file", "a")
