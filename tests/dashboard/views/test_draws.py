"""Draws that a worker makes: the same numbers as in place, shared by who asks the same, at the versions that were asked about."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from dashboard.jobs import ASKER, Asker, Waiting, id_of
from dashboard.selection import Selection
from dashboard.views import draws, draws_work
from dashboard.views import gaps as view
from layers import PUBLIC, GapRequest, NotFound

ASKED = Selection(need="crowded", services=("clinics",), show="gap")


@pytest.fixture
def asking(monkeypatch):
    """Within a request, where no draws are cheap enough."""
    monkeypatch.setattr(draws, "price_of", lambda *_: 9.0)
    ASKER.set(Asker("address:1"))
    yield
    ASKER.set(None)


def forget(published):
    """What this process keeps, as another one would not have it."""
    view.kept(published)._things.clear()


def test_a_worker_draws_what_would_be_drawn_here(tiny, asking):
    forget(tiny)
    far = view.gaps_of(tiny, ASKED, PUBLIC, robustness=120)
    ASKER.set(None)
    forget(tiny)
    near = view.gaps_of(tiny, ASKED, PUBLIC, robustness=120)
    assert far.result.stability.share.equals(near.result.stability.share)
    assert far.result.to_json() == near.result.to_json()
    assert far.result.stability.residents.equals(near.result.stability.residents)
    bare = [replace(each.result.stability, share=None, residents=None) for each in (far, near)]
    assert bare[0] == bare[1]


def test_who_lists_other_areas_shares_the_draws(tiny, asking, monkeypatch):
    forget(tiny)
    view.gaps_of(tiny, ASKED, PUBLIC, robustness=130)
    monkeypatch.setattr(draws_work, "work", lambda *_: 1 / 0)
    partner = tiny.region.partners[0].id
    found = view.gaps_of(tiny, replace(ASKED, partner=partner), PUBLIC, robustness=130)
    assert found.result.stability.draws == 130
    # the range is of those who are listed all the same
    ends = found.summary["underserved_residents_range"]
    lads = list(tiny.region.partners[0].footprint)
    totals = found.result.stability.residents[lads].sum(axis=1)
    assert [ends["lower"], ends["upper"]] == pytest.approx([totals.quantile(0.05), totals.quantile(0.95)])


def test_a_screen_shows_the_rest_meanwhile_and_says_how_far_it_is(tiny, asking, monkeypatch):
    forget(tiny)
    monkeypatch.setattr(tiny.jobs, "elsewhere", True)
    monkeypatch.setattr(tiny.jobs, "wait_s", 0.0)
    found = view.gaps_or_reasons(tiny, ASKED, PUBLIC, robustness=140)
    assert found.result.stability is None and found.waiting.state == "waiting"
    with pytest.raises(Waiting):  # who needs the whole answer is told
        view.gaps_of(tiny, ASKED, PUBLIC, robustness=140)
    tiny.jobs.table.stop(found.waiting.id)


def test_the_request_survives_as_data(tiny):
    request = view.request_of(tiny, replace(ASKED, partner=tiny.region.partners[0].id, detour=1.4), robustness=7)
    import json

    assert draws.gap_request_of(json.loads(json.dumps(asdict(request)))) == request


def test_what_the_viewer_may_no_longer_see_is_not_drawn(tiny):
    parameters = {"request": asdict(view.request_of(tiny, ASKED, robustness=5)), "period": "", "layers": {"crowded": 9}}
    with pytest.raises(NotFound):
        draws_work.work(tiny, PUBLIC, parameters, lambda *_: None, lambda: False)


def test_more_of_anything_costs_more():
    request = GapRequest((("a", 1.0), ("b", 1.0)), ("s",), robustness=500)
    price = draws.price_of(request, 1_000, 1, 50)
    assert draws.price_of(replace(request, robustness=1_000), 1_000, 1, 50) > price
    assert draws.price_of(request, 2_000, 1, 50) > price
    assert draws.price_of(request, 1_000, 2, 50) > price
    assert draws.price_of(replace(request, need=(*request.need, ("c", 1.0))), 1_000, 1, 50) > price
    assert draws.price_of(replace(request, metric="e2sfca"), 1_000, 1, 500) > price
    assert draws.price_of(replace(request, robustness=0), 1_000, 1, 50) == 0


def test_the_id_of_the_draws_is_the_same_in_every_process(tiny):
    request = view.request_of(tiny, ASKED, robustness=5)
    assert id_of("draws", (request, ((),))) == id_of("draws", (replace(request), ((),)))
