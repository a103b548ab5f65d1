"""Who waits as told is answered in time, though eight others ask for the dearest that is taken, again and again: by arithmetic,
and in the queue itself with a clock of its own. What is dearer is refused with what to ask instead."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from dashboard.jobs import ASKER, Asker, again_in
from dashboard.selection import Selection
from dashboard.views import draws
from dashboard.views import gaps as view
from layers import PUBLIC, GapRequest, JobTable
from tests.layers.store_fixtures import NOON

WORST = GapRequest((("crowded", 1.0),), ("clinics",), metric="e2sfca", max_m=50_000.0, robustness=2_000)


@pytest.fixture
def asking():
    ASKER.set(Asker("address:1"))
    yield
    ASKER.set(None)


def test_the_arithmetic():
    assert draws.MOST_S == 17.0
    assert draws.OTHERS / draws.WORKERS * draws.MOST_S + draws.MOST_S + draws.AGAIN_S <= draws.PROMISE_S == 90


@pytest.mark.parametrize("arrives", [0.0, 1.0, 16.0, 40.0, 203.0])
def test_eight_worst_askers_beside_one(tiny, monkeypatch, arrives):
    """Everybody looks again when told; the eight ask for something else as soon as they have an answer."""
    table = JobTable(tiny.store)
    clock = [0.0]
    monkeypatch.setattr(tiny.store, "now", lambda: NOON + timedelta(seconds=clock[0]))
    looks = {f"other {n}": 0.0 for n in range(draws.OTHERS)} | {"one": arrives}
    rounds, at_work, answered = dict.fromkeys(looks, 0), {}, None
    while answered is None:
        for worker, (job_id, end) in list(at_work.items()):
            if clock[0] >= end:
                table.end(job_id, worker, "done", result=b"")
                del at_work[worker]
            else:
                table.heard(job_id, worker, 1 - (end - clock[0]) / draws.MOST_S)
        for who in [who for who, when in looks.items() if when <= clock[0]]:
            name = f"{arrives} {who} {rounds[who]}"
            job = table.ask(name, "draws", {}, {}, who, price=draws.MOST_S)
            if job.state == "done" and who == "one":
                answered = clock[0] - arrives
            elif job.state == "done":
                rounds[who] += 1
            looks[who] = clock[0] + (0.0 if job.over else again_in(job, draws.WORKERS))
        for number in range(draws.WORKERS):
            worker = f"w{number}"
            if worker not in at_work and (job := table.claim(worker, ["draws"])) is not None:
                at_work[worker] = (job.id, clock[0] + draws.MOST_S)
        clock[0] += 1.0
        assert clock[0] - arrives <= draws.PROMISE_S + 1
    assert answered <= draws.PROMISE_S
    for who in looks:
        table.stop(f"{arrives} {who} {rounds[who]}")


def test_what_is_dearer_is_refused_with_what_to_ask_instead(asking):
    assert draws.price_of(WORST, 1_257, 0, 2_500) > 50
    with pytest.raises(draws.TooDear) as dear:
        draws.check_price(WORST, 1_257, 0, 2_500)
    words = str(dear.value.faults[0])
    assert "at most 600 draws (robustness=600)" in words and dear.value.draws == 600
    sites = int(re.search(r"at most ([\d,]+) sites", words)[1].replace(",", ""))
    # what is named is taken, and not much less than could be
    assert draws.check_price(replace(WORST, robustness=600), 1_257, 0, 2_500) > 0.9 * draws.MOST_S
    assert draws.check_price(WORST, 1_257, 0, sites) > 0.99 * draws.MOST_S
    with pytest.raises(draws.TooDear) as dear:
        draws.check_price(WORST, 35_672, 0, 9_000)
    assert dear.value.draws == 0 and "robustness=0" in str(dear.value.faults[0])


def test_by_command_everything_is_worked_out():
    assert draws.check_price(WORST, 1_257, 0, 2_500) > draws.MOST_S


def test_a_screen_has_fewer_draws_instead(tiny, asking, monkeypatch):
    asked = Selection(need="crowded", services=("clinics",), show="gap")
    monkeypatch.setattr(draws, "price_of", lambda request, *_: request.robustness / 10.0)
    monkeypatch.setattr(draws, "is_affordable", lambda _: True)
    view.kept(tiny)._things.clear()
    assert view.gaps_or_reasons(tiny, asked, PUBLIC).result.stability.draws == 170
    monkeypatch.setattr(draws, "price_of", lambda request, *_: request.robustness)
    found = view.gaps_or_reasons(tiny, asked, PUBLIC)
    assert found.result.stability is None and found.crowded == view.TOO_DEAR
    with pytest.raises(draws.TooDear):  # who names a number is told
        view.gaps_for(tiny, view.request_of(tiny, asked), PUBLIC)
