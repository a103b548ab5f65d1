"""Documents that a worker writes, because the region has many areas: byte for byte what the request would have written."""

from __future__ import annotations

import brotli
import pytest

from dashboard import jobs as module
from dashboard.api import answers, large
from dashboard.exports import FORMATS
from dashboard.jobs import ASKER, Asker
from dashboard.views import gaps as view

ASKED = {
    "values": ["/api/v1/layers/crowded/values?level=lsoa", "/api/v1/layers/harm/values?level=ward&period=2025"],
    "areas": ["/api/v1/areas/ward?"],
    "gaps": [
        "/api/v1/gaps?need=crowded,harm=2&services=clinics&robustness=0",
        "/api/v1/gaps?need=crowded&services=clinics&robustness=90&partner=eastshire&max_m=2000",
    ],
    "together": ["/api/v1/together?services=clinics&need=crowded", "/api/v1/together?services=clinics&level=ward"],
}
CASES = [(kind, path, form) for kind, paths in ASKED.items() for path in paths for form in large.PER_AREA_S[kind]]


@pytest.fixture
def waits(tiny, monkeypatch):
    """Nobody works until the test says so: ``waits()`` does what waits, and says what that was."""
    monkeypatch.setattr(tiny.jobs, "elsewhere", True)
    monkeypatch.setattr(tiny.jobs, "wait_s", 0.0)

    def work() -> list[str]:
        done, token = [], ASKER.set(None)
        worker = module.Worker(tiny, "host:1:2")
        while job := tiny.jobs.table.claim("host:1:2", module.KINDS):
            worker._do(job)
            done.append(job.kind)
        ASKER.reset(token)
        return done

    work()
    return work


@pytest.mark.parametrize(("kind", "path", "form"), CASES)
def test_a_worker_writes_the_same(client, waits, monkeypatch, kind, path, form):
    path = f"{path}&format={form}".replace("?&", "?")
    here = client.get(path)
    assert here.status_code == 200, here.text
    monkeypatch.setitem(large.PER_AREA_S[kind], form, 9.0)
    told = client.get(path)
    if told.status_code == 202:
        assert "Writing this takes a while" in told.get_json()["message"]
        assert waits() == ["document"]
    elsewhere = client.get(path, headers={"Accept-Encoding": "br"})
    assert elsewhere.status_code == 200 and elsewhere.headers["Content-Encoding"] == "br"
    assert brotli.decompress(elsewhere.data) == here.data
    for name in ("Content-Type", "Cache-Control", "Content-Disposition", "ETag"):
        assert elsewhere.headers.get(name) == here.headers.get(name), name
    assert client.get(path, headers={"Accept-Encoding": "identity"}).data == here.data


def test_every_kind_and_format_that_is_offered_has_a_price_and_a_maker():
    for kind, prices in large.PER_AREA_S.items():
        offered = {form for form, row in FORMATS.items() if kind in row.documents and row.in_api}
        assert set(prices) == offered - ({"json"} if kind == "areas" else set())
    assert set(large.MAKERS) == set(large.PER_AREA_S)


@pytest.mark.parametrize(("areas", "where"), [(1_257, "here"), (33_755, "elsewhere")])
def test_of_a_partnership_all_is_written_here_and_of_england_nearly_nothing(areas, where):
    dear = [
        (kind, form)
        for kind, prices in large.PER_AREA_S.items()
        for form in prices
        if large.price_of(kind, form, areas) > module.CHEAP_S
    ]
    assert bool(dear) == (where == "elsewhere")


def test_draws_that_a_worker_has_made_are_not_drawn_again(tiny, client, waits, monkeypatch):
    """The worker that writes the answer finds them."""
    monkeypatch.setattr(view.draws, "price_of", lambda *_: 9.0)
    monkeypatch.setitem(large.PER_AREA_S["gaps"], "json", 9.0)
    path = "/api/v1/gaps?need=crowded&services=clinics&robustness=77"
    assert client.get(path).status_code == 202 and waits() == ["draws"]
    view.kept(tiny)._things.clear()
    assert client.get(path).status_code == 202
    view.kept(tiny)._things.clear()
    drawn = []
    really = view.find_gaps
    monkeypatch.setattr(view, "find_gaps", lambda *a, **k: drawn.append(k["draws"]) or really(*a, **k))
    assert waits() == ["document"] and [found.draws for found in drawn] == [77]
    assert client.get(path).get_json()["parameters"]["robustness"] == 77


def test_who_may_not_see_a_layer_is_told_what_everybody_is(client, waits, monkeypatch):
    monkeypatch.setitem(large.PER_AREA_S["values"], "json", 9.0)
    assert client.get("/api/v1/layers/nothing/values").status_code == 404
    assert client.get("/api/v1/gaps?need=crowded&services=nothing").status_code == 404
    assert client.get("/api/v1/gaps?need=crowded&services=clinics&metric=coverage&detour=0.2").status_code == 400
    assert waits() == []


def test_a_command_and_a_worker_write_everything_by_themselves(tiny, client):
    assert ASKER.get() is None
    with client.application.app_context():
        ASKER.set(Asker("a"))
        try:
            assert not large.is_large("values", "csv", "lsoa")
        finally:
            ASKER.set(None)
        assert not large.is_large("values", "csv", "lsoa")
    assert answers.compress("br", b"x" * 9)
