"""``/api/v1/gaps``, ``/together`` and ``/sites``: shapes, refusals, caching, and the numbers of the views."""

from __future__ import annotations

import csv
import io
import json

import pytest

from dashboard.app import create_app
from dashboard.selection import Selection
from dashboard.views import gap_files, siting
from dashboard.views.gaps import gaps_of
from dashboard.views.together import together_of
from layers import PUBLIC, SYSTEM, Viewer

ASKED = {"need": "crowded", "services": "clinics"}


@pytest.fixture()
def get(client):
    """``get("gaps", need=..., ...)`` -> the response; Tinyland's crowded homes against its clinics unless said otherwise."""
    return lambda path, **query: client.get(f"/api/v1/{path}", query_string=ASKED | query)


def plain(document):
    return json.loads(json.dumps(document))


def test_gaps_have_the_shape_of_the_contract(get):
    document = get("gaps").get_json()
    assert {"parameters", "areas", "communities", "summary"} <= set(document)
    area = document["areas"][15]
    assert {"code", "name", "lad_code", "population", "need", "access", "underserved", "stability"} <= set(area)
    assert (area["code"], area["underserved"], area["access"]) == ("T16", True, pytest.approx(3_000))
    assert document["areas"][1]["need"] is None
    (community,) = document["communities"]
    assert {"id", "name", "areas", "lads", "population", "shares", "shared", "stability"} <= set(community)
    assert (community["areas"], community["shared"], community["population"]) == (["T14", "T15", "T16"], True, 4_500)
    assert community["lads"] == ["TB", "TA"]
    assert document["parameters"]["robustness"] == 500 and 0 <= area["stability"] <= 1


def test_together_has_the_shape_of_the_contract(get):
    document = get("together", need="").get_json()
    assert {"alone_m", "together_m", "border_penalty_m"} <= set(document["areas"][0])
    assert {row["lad_code"] for row in document["authorities"]} == {"TA", "TB"}
    assert document["summary"]["residents"] == 13_600


def test_the_numbers_are_those_of_the_views(get, tiny):
    selection = Selection(need="crowded", services=("clinics",))
    assert get("gaps").get_json() == plain(gap_files.gaps_document(gaps_of(tiny, selection, PUBLIC)))
    assert get("together").get_json() == plain(gap_files.together_document(together_of(tiny, selection, PUBLIC)))
    plan = siting.plan_sites(tiny, siting.siting_request(tiny, selection, new=2), PUBLIC)
    answer = get("sites", new="2")
    assert answer.status_code == 200
    document = answer.get_json()
    assert document.pop("state") == "done"
    assert document == plain(plan.document())


def test_the_demonstration_answers_with_a_shared_community(demo_client):
    query = "need=alcohol-admissions&services=alcohol-drug-services"
    document = demo_client.get(f"/api/v1/gaps?{query}").get_json()
    assert document["summary"]["underserved_areas"] > 0
    assert any(community["shared"] for community in document["communities"])
    together = demo_client.get("/api/v1/together?services=alcohol-drug-services").get_json()
    assert together["summary"]["residents_nearer_elsewhere"] > 0
    plan = demo_client.get(f"/api/v1/sites?{query}&new=3&exact=no").get_json()
    assert (plan["state"], len(plan["sites"])) == ("greedy", 3)


def test_other_forms(get):
    rows = list(csv.DictReader(io.StringIO(get("gaps", format="csv").text)))
    assert [row["code"] for row in rows if row["underserved"] == "yes"] == ["T14", "T15", "T16"]
    assert rows[0]["notice"] and rows[0]["sources"] and rows[0]["made_on"]
    assert len(get("gaps", format="geojson").get_json()["features"]) == 16
    rows = list(csv.DictReader(io.StringIO(get("together", format="csv").text)))
    assert len(rows) == 16
    asked = get("together").get_json()["parameters"]
    assert asked["distance"] == "straight line"
    assert {row["parameters"] for row in rows} == {json.dumps(asked, separators=(",", ":"))}
    assert len(get("together", format="geojson").get_json()["features"]) == 16
    (point,) = get("sites", format="geojson").get_json()["features"]
    assert point["geometry"]["type"] == "Point" and point["properties"]["code"] == "T15"


def test_the_rule_says_whose_services_count(get):
    together, alone = (get("gaps", alone=word).get_json() for word in ("no", "yes"))
    poor = together["summary"]["rule"]
    assert alone["summary"]["rule"] == f"{poor}, counting only services in the area's own authority"
    for document in (together, alone):
        assert document["parameters"]["rule"].endswith(f" and {document['summary']['rule']}.")


def test_a_partner_a_level_and_weights(get):
    west = get("gaps", partner="westshire").get_json()
    assert {area["lad_code"] for area in west["areas"]} == {"TA"} and len(west["areas"]) == 8
    wards = get("gaps", level="ward", need="harm=2").get_json()
    assert len(wards["areas"]) == 4 and wards["parameters"]["need"][0]["weight"] == 2
    assert [item["weight"] for item in get("gaps", need="crowded=2,harm").get_json()["parameters"]["need"]] == [2, 1]
    # one square of crowded homes is withheld, so no ward may show it; half a need set would be another need
    refused = get("gaps", level="ward", need="crowded=2,harm")
    assert refused.status_code == 400 and "withheld to protect people" in refused.text
    assert get("gaps", robustness="0").get_json()["areas"][0]["stability"] is None


@pytest.mark.parametrize(
    ("path", "query", "parameter"),
    [
        ("gaps", {"need": ""}, "need"),
        ("gaps", {"need": "crowded=much"}, "need"),
        ("gaps", {"need": "=2"}, "need"),
        ("gaps", {"need": ",".join(f"n{i}" for i in range(21))}, "need"),
        ("gaps", {"services": ""}, "services"),
        ("gaps", {"services": ","}, "services"),
        ("gaps", {"level": "street"}, "level"),
        ("gaps", {"metric": "fastest"}, "metric"),
        ("gaps", {"max_m": "far"}, "max_m"),
        ("gaps", {"max_m": "nan"}, "max_m"),
        ("gaps", {"detour": "inf"}, "detour"),
        ("gaps", {"partner": "nobody"}, "partner"),
        ("gaps", {"robustness": "-1"}, "robustness"),
        ("gaps", {"robustness": "2001"}, "robustness"),
        ("gaps", {"robustness": "²"}, "robustness"),
        ("gaps", {"alone": "maybe"}, "alone"),
        ("gaps", {"format": "xml"}, "format"),
        ("gaps", {"needs": "harm"}, "needs"),
        ("together", {"metric": "nearest"}, "metric"),
        ("sites", {"new": "0"}, "new"),
        ("sites", {"new": "26"}, "new"),
        ("sites", {"objective": "best"}, "objective"),
        ("sites", {"format": "csv"}, "format"),
    ],
)
def test_parameters_that_cannot_be_read(get, path, query, parameter):
    answer = get(path, **query)
    assert answer.status_code == 400
    error = answer.get_json()["error"]
    assert (error["code"], error["detail"]) == ("bad-parameter", {"parameter": parameter})


@pytest.mark.parametrize(
    ("path", "query", "said"),
    [
        ("gaps", {"need": "poverty-rank"}, "is a rank"),
        ("gaps", {"need": "crowded=0,harm=0"}, "all weights are 0"),
        ("gaps", {"need": "crowded=-1,harm=2"}, "-1"),
        ("gaps", {"need": "crowded,crowded"}, "named twice"),
        ("gaps", {"need": "clinics"}, "not an indicator"),
        ("gaps", {"services": "harm"}, "not a list of services"),
        ("gaps", {"max_m": "0"}, "max_m is 0"),
        ("gaps", {"max_m": "-5"}, "max_m is -5"),
        ("gaps", {"detour": "0.9"}, "no way is shorter"),
        ("gaps", {"period": "1999"}, "no indicator has the period '1999'"),
        ("sites", {"period": "1999"}, "no indicator has the period '1999'"),
        ("gaps", {"need": "poverty-rank", "level": "ward"}, "no values by ward"),
        ("together", {"services": "harm"}, "not a list of services"),
        ("together", {"max_m": "-1"}, "max_m is -1"),
        ("together", {"detour": "0.5"}, "no way is shorter"),
        ("sites", {"new": "17"}, "there are 16 candidates"),
        ("sites", {"new": "17", "exact": "no"}, "there are 16 candidates"),
        ("sites", {"exclude": "Z99"}, "unknown places"),
        ("sites", {"objective": "lscp", "max_m": "10", "exclude": "T14,T15,T16"}, "no candidate is within 10 m"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reasons(get, path, query, said):
    answer = get(path, **query)
    assert answer.status_code == 400, answer.text
    error = answer.get_json()["error"]
    assert error["code"] == "refused" and error["message"]
    assert any(said in fault["what"] for fault in error["detail"]["faults"]), error


def test_a_layer_that_is_not_there(get):
    for query in ({"need": "nothing"}, {"services": "nothing"}, {"need": "crowded,nothing"}):
        answer = get("gaps", **query)
        assert answer.status_code == 404 and answer.get_json()["error"]["code"] == "not-found"
    assert get("together", services="nothing").status_code == 404
    assert get("sites", need="nothing").status_code == 404


@pytest.mark.parametrize("path", ["gaps", "together", "sites"])
def test_an_etag_saves_the_second_answer(get, client, path):
    first = get(path)
    assert first.headers["Cache-Control"] == "no-cache" and first.headers["Access-Control-Allow-Origin"] == "*"
    again = client.get(f"/api/v1/{path}", query_string=ASKED, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_what_not_everybody_may_see(serve, tiny_pack, tmp_path, monkeypatch):
    """For the public, as if it did not exist; for those who may see it, in nobody else's cache."""
    import shutil

    pack = tmp_path / "pack"
    shutil.copytree(tiny_pack, pack)
    file = pack / "layers" / "crowded" / "datapackage.json"
    document = json.loads(file.read_text("utf-8"))
    document["commonground"]["audience"] = "partners"
    file.write_text(json.dumps(document), "utf-8")
    here = serve(pack)
    here.store.accounts.add_user("eve", role="viewer", partner="eastshire", password="north sea 1887 tram", by=SYSTEM)
    client = create_app(here, "key").server.test_client()
    addresses = [f"/api/v1/{path}?need=crowded&services=clinics" for path in ("gaps", "together", "sites")]
    for address in addresses:
        hidden, missing = client.get(address), client.get(address.replace("crowded", "crowdee"))
        assert hidden.status_code == 404 and hidden.data == missing.data
    monkeypatch.setattr("dashboard.api.gaps.current_viewer", lambda: Viewer("eve", "eastshire", "viewer"))
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert "ETag" not in answer.headers and "Access-Control-Allow-Origin" not in answer.headers
    monkeypatch.undo()
    for address in addresses:  # what was worked out for eve is kept, and not for others
        assert client.get(address).status_code == 404


def test_a_plan_that_is_not_proven_in_time_is_the_best_so_far(get, monkeypatch, tiny):
    waiting = siting.Proof("a" * 32, "running", "bounds", 1.0, 2.0, document={"sites": [], "result": {}})
    monkeypatch.setattr(siting, "wait", lambda *rest: waiting)
    answer = get("sites", new="3", demand="all")
    assert answer.status_code == 202
    assert (answer.get_json()["state"], answer.headers["Retry-After"]) == ("running", "2")
    assert answer.headers["Cache-Control"] == "no-store"
