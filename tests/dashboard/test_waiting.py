"""What one who asks too much for a request is told: 202, 429 or 503, as JSON or as a page; and what in the end is answered."""

from __future__ import annotations

import pytest

from dashboard import jobs as module
from dashboard.jobs import Jobs
from dashboard.views import draws
from dashboard.views import gaps as view
from layers import JobBounds

ASKED = "/api/v1/gaps?need=crowded&services=clinics"


@pytest.fixture
def dear(tiny, monkeypatch):
    """No draws are cheap, nobody waits, and nobody works until the test says so."""
    view.kept(tiny)._things.clear()
    monkeypatch.setattr(draws, "price_of", lambda *_: 9.0)
    monkeypatch.setattr(tiny.jobs, "elsewhere", True)
    monkeypatch.setattr(tiny.jobs, "wait_s", 0.0)
    while left := tiny.jobs.table.claim("host:1:2", module.KINDS):
        tiny.jobs.table.stop(left.id)  # what other tests asked for
    asked = []
    really = tiny.jobs.table.ask
    monkeypatch.setattr(tiny.jobs.table, "ask", lambda *given, **more: asked.append(given[0]) or really(*given, **more))
    yield tiny
    for job_id in set(asked):
        tiny.jobs.table.stop(job_id)


def work(published):
    """Do what waits."""
    done = Jobs(published)
    worker = module.Worker(published, "host:1:2")
    while job := done.table.claim("host:1:2", module.KINDS):
        worker._do(job)


def test_the_same_address_answers_when_it_is_worked_out(dear, client):
    address = f"{ASKED}&robustness=210"
    first = client.get(address)
    body = first.get_json()
    assert (first.status_code, body["state"], body["place"], body["progress"]) == (202, "waiting", 1, None)
    assert first.headers["Location"] == body["location"] == address
    assert int(first.headers["Retry-After"]) == body["retry_after"] >= 1
    assert first.headers["Cache-Control"] == "no-store" and "queue" in body["message"]
    assert client.get(f"{address}&partner=eastshire").get_json()["id"] == body["id"]  # lists other areas of the same
    work(dear)
    second = client.get(address)
    assert (second.status_code, second.get_json()["parameters"]["robustness"]) == (200, 210)
    assert client.get(f"{address}&format=csv").status_code == 200  # another form of the same answer


def test_what_is_wrong_is_told_before_anything_is_queued(dear, client):
    assert client.get(f"{ASKED}&robustness=211&metric=coverage&detour=0.1").status_code == 400
    assert client.get("/api/v1/gaps?need=nothing&services=clinics&robustness=211").status_code == 404
    assert client.get(f"{ASKED}&robustness=0").status_code == 200  # no draws, no queue


def test_one_client_has_a_share_and_the_queue_an_end(dear, client, monkeypatch):
    monkeypatch.setattr(dear.jobs.table, "bounds", JobBounds(of_client=2, in_all=3, asker_s=600))
    ask = lambda n, at: client.get(f"{ASKED}&robustness={n}", environ_base={"REMOTE_ADDR": at})  # noqa: E731
    assert [ask(n, "192.0.2.1").status_code for n in (220, 221, 222)] == [202, 202, 429]
    assert [ask(n, "192.0.2.2").status_code for n in (220, 222, 223)] == [202, 202, 429]
    assert ask(223, "192.0.2.3").status_code == 503
    for answer, code in ((ask(224, "192.0.2.1"), "share-used"), (ask(223, "192.0.2.3"), "queue-full")):
        error = answer.get_json()["error"]
        assert error["code"] == code and error["message"].endswith(".")
        assert int(answer.headers["Retry-After"]) == error["detail"]["retry_after"] > 0


def test_people_get_a_page_that_asks_again(dear, client):
    page = client.get("/data/table.csv?need=crowded&services=clinics&show=gap", headers={"Accept": "text/html,*/*"})
    assert (page.status_code, page.mimetype) == (202, "text/html")
    assert page.headers["Refresh"] == page.headers["Retry-After"]
    program = client.get("/data/table.csv?need=crowded&services=clinics&show=gap")
    assert (program.status_code, program.mimetype) == (202, "application/json")
    work(dear)
    assert "Underserved" in client.get("/data/table.csv?need=crowded&services=clinics&show=gap").get_data(as_text=True)


def test_a_plan_tells_the_best_so_far_and_how_far_the_proof_is(dear, client):
    address = "/api/v1/sites?need=crowded&services=clinics&new=2&demand=all&max_m=1777"
    first = client.get(address)
    body = first.get_json()
    assert (first.status_code, body["state"], body["place"]) == (202, "waiting", 1)
    assert len(body["sites"]) == 2 and first.headers["Location"] == address
    work(dear)
    assert client.get(address).get_json()["state"] == "done"


def test_the_description_tells_of_it(client):
    document = client.get("/api/v1/openapi.json").get_json()
    for path in ("/gaps", "/together", "/sites", "/layers/{id}/values", "/areas/{level}"):
        answers = document["paths"][path]["get"]["responses"]
        assert all("Retry-After" in answers[status]["headers"] for status in ("202", "429", "503"))
    assert set(document["components"]["schemas"]["Waiting"]["required"]) >= {"id", "place", "progress", "location"}
