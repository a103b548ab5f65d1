"""Access that is too much for one request is measured by a worker: the same numbers, shared by all who measure in this way."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from dashboard import jobs as module
from dashboard.app import create_app
from dashboard.components import drawing_progress
from dashboard.components.answer import answer
from dashboard.jobs import ASKER, Asker, Jobs, Waiting
from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views import gaps as view
from dashboard.views import measuring
from dashboard.views import together as both
from layers import PUBLIC, GapRequest, NotFound, TooManyWays, load_region, open_store, ways_at_most
from tests.islands import write_island_pack

ASKED = Selection(need="crowded", services=("clinics",), show="gap")
REQUEST = GapRequest((("crowded", 1.0),), ("clinics",), robustness=0)


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    """Tinyland with a river and a ferry."""
    return write_island_pack(tmp_path_factory.mktemp("river") / "pack", ferry=True)


@pytest.fixture
def process(pack, tmp_path):
    """``process()``: what one process has in memory, over one store; nobody works on jobs until the test says so."""
    stores = []

    def make() -> Published:
        region = load_region(pack)
        stores.append(open_store(f"sqlite:///{tmp_path / 'store.sqlite'}", region))
        made = Published(region, stores[-1], tmp_path)
        made.jobs.have_workers(1)
        made.jobs.wait_s = 0.0
        return made

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def asks(monkeypatch):
    """Somebody asks, within a request that can afford nothing."""
    monkeypatch.setattr(module, "CHEAP_S", 0.0)

    def begin() -> Asker:
        asker = Asker("address:1")
        ASKER.set(asker)
        return asker

    yield begin
    ASKER.set(None)


def work(published: Published) -> list[str]:
    """Do what waits; what kinds these were."""
    done, token = [], ASKER.set(None)
    worker = module.Worker(published, "host:1:2")
    while job := Jobs(published).table.claim("host:1:2", module.KINDS):
        worker._do(job)
        done.append(job.kind)
    ASKER.reset(token)
    return done


HOW = [
    {},
    {"metric": "coverage", "max_m": 2_500.0},
    {"metric": "e2sfca", "max_m": 2_500.0, "detour": 1.2},
    {"alone": True},
    {"level": "ward", "need": (("harm", 1.0),), "metric": "coverage", "max_m": 1_500.0},
]


@pytest.mark.parametrize("how", HOW, ids=str)
def test_what_a_worker_has_measured_is_what_one_would_have_measured(process, asks, how):
    request, here = replace(REQUEST, **how), process()
    expected = view.gaps_for(process(), request, PUBLIC).result
    asks()
    with pytest.raises(Waiting, match=r"^Measuring how far the services are takes a while"):
        view.gaps_for(here, request, PUBLIC, may_wait=True)
    assert work(process()) == ["access"]
    # nothing is looked for again: there is no way that nobody knows, and no pair is searched for
    found = view.gaps_for(here, request, PUBLIC, may_wait=True).result
    assert found.to_json() == expected.to_json()
    assert found.crossing_lists == expected.crossing_lists
    assert not found.model.small._cache.get("pairs")
    assert np.array_equal(found.model.small.nearest[0], expected.model.small.nearest[0])
    # and other questions about the same access need no worker
    other = replace(request, need_threshold=50.0)
    assert view.gaps_for(here, other, PUBLIC, may_wait=True).result.model.small is found.model.small


def test_alone_against_together_shares_what_was_measured(process, asks):
    here = process()
    expected = both.together_of(process(), ASKED, PUBLIC).result.to_json()
    asks()
    with pytest.raises(Waiting):
        both.together_of(here, ASKED, PUBLIC, may_wait=True)
    assert work(process()) == ["access"]
    assert both.together_of(here, ASKED, PUBLIC, may_wait=True).result.to_json() == expected


def test_ways_that_nobody_knows_are_asked_for_when_they_turn_up(process, asks, monkeypatch):
    monkeypatch.setattr(measuring, "price_of", lambda _: 0.0)  # as if there were no water
    here = process()
    asks()
    with pytest.raises(Waiting):
        view.gaps_for(here, REQUEST, PUBLIC, may_wait=True)
    assert work(process()) == ["access"]
    found = view.gaps_for(here, REQUEST, PUBLIC, may_wait=True).result
    assert found.to_json() == view.gaps_for(process(), REQUEST, PUBLIC).result.to_json()


def test_ways_are_looked_for_only_as_far_as_one_may(process):
    here = process()
    with ways_at_most(lambda _: False), pytest.raises(TooManyWays) as ways:
        view.gaps_for(here, REQUEST, PUBLIC)
    assert ways.value.seconds > 0
    view.gaps_for(here, REQUEST, PUBLIC)  # afterwards everybody may
    view.kept(here)._things.clear()
    view._kept_parts(here)._things.clear()
    with ways_at_most(lambda _: False):  # what is known is known
        view.gaps_for(here, REQUEST, PUBLIC)


def test_a_small_region_is_measured_in_the_request(process):
    ASKER.set(Asker("address:1"))
    try:
        view.gaps_for(process(), REQUEST, PUBLIC, may_wait=True)
    finally:
        ASKER.set(None)


def test_the_price_grows_with_areas_and_pairs_and_falls_when_they_are_known(process):
    here = process()
    layer = here.store.layer("clinics", PUBLIC)
    read = {"clinics": view.read_services(here, PUBLIC, layer)}

    def asked(**how) -> measuring.AccessQuestion:
        request = replace(REQUEST, metric="coverage", **how)
        return measuring.measuring(request, here.region.areas, read, water=here.region.water)

    near, far = asked(max_m=1_000.0), asked(max_m=50_000.0)
    areas, sites = len(here.region.areas["lsoa"]), len(near.model.sites)
    assert measuring.price_of(far) == pytest.approx(areas * measuring.PER_AREA_S + areas * sites * measuring.PER_PAIR_S)
    assert 0 < measuring.price_of(near) < measuring.price_of(far)
    far.model.nearest  # noqa: B018
    assert measuring.price_of(far) == pytest.approx(areas * sites * measuring.PER_PAIR_S)
    far.model.coverage(50_000.0)
    assert measuring.price_of(far) == 0


def test_what_is_hidden_or_wrong_is_told_before_anything_is_queued(process, asks):
    here = process()
    asks()
    with pytest.raises(NotFound):
        view.gaps_for(here, replace(REQUEST, services=("nothing",)), PUBLIC, may_wait=True)
    with pytest.raises(Exception, match="metric"):
        view.gaps_for(here, replace(REQUEST, metric="fastest"), PUBLIC, may_wait=True)
    assert work(process()) == []


@pytest.mark.parametrize("address", ["/api/v1/gaps?robustness=0&", "/api/v1/together?", "/api/v1/gaps?robustness=300&"])
def test_the_same_address_answers_when_it_is_measured(process, asks, monkeypatch, address):
    here = process()
    client = create_app(here, "a key for the tests only").server.test_client()
    monkeypatch.setattr(module, "CHEAP_S", 0.0)
    path = f"{address}need=crowded&services=clinics"
    kinds = []
    for _ in range(6):
        told = client.get(path)
        if told.status_code == 200:
            break
        assert told.status_code == 202 and int(told.headers["Retry-After"]) >= 1
        kinds += work(process())
    assert told.status_code == 200 and told.get_json()["areas"]
    # a worker that draws has measured: nobody waits for both, one after the other
    assert kinds == ["draws" if "300" in address else "access", "document"]


def test_the_screen_waits_and_shows_how_far_it_is(process, monkeypatch):
    here = process()
    client = create_app(here, "a key for the tests only").server.test_client()
    monkeypatch.setattr(module, "CHEAP_S", 0.0)
    for path in ("classes", "gap", "readings"):
        told = client.get(f"/data/{path}?need=crowded&services=clinics&show=gap")
        assert told.status_code == 202 and "Measuring" in told.get_json()["message"]
    ASKER.set(Asker("address:1"))
    try:
        said = answer(here, ASKED, PUBLIC)
        assert (
            said.waiting and said.waiting.kind == "access" and "One moment" in json.dumps(said.headline, default=repr)
        )
        job = drawing_progress.of_selection(here, ASKED, PUBLIC)
        now = drawing_progress.step(here, job, PUBLIC)
        assert not now.over and now.words.startswith("Measuring how far the services are takes a while")
        work(process())
        assert drawing_progress.step(here, job, PUBLIC).drawn == job["id"]
        assert isinstance(view.gaps_or_reasons(here, ASKED, PUBLIC), view.Gaps)
    finally:
        ASKER.set(None)
    assert client.get("/data/classes?need=crowded&services=clinics&show=gap").status_code == 200
