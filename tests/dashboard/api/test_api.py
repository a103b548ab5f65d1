"""The public JSON API: what it answers, what it refuses, and that its description is true."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import io
import json
import re

import brotli
import pandas as pd
import pytest

from dashboard.api.answers import Answers, Body
from dashboard.auth.session import COOKIE
from dashboard.views.layers import layer_document
from layers import VALUES, Descriptor, Direction, Kind, Measure, Package, Viewer

ADMIN = Viewer("ada", "icb", "admin")

PATHS = {
    "{id}": "harm",
    "{level}": "lsoa",
    "{code}": "T06",
}


def filled(path: str) -> str:
    for name, example in PATHS.items():
        path = path.replace(name, example)
    return f"/api/v1{path}"


@pytest.fixture(scope="module")
def description(tiny_app):
    return tiny_app.server.test_client().get("/api/v1/openapi.json").get_json()


def check(document, schema, description, where="answer"):
    """A small validator: type, properties, required, items, enum, $ref. Enough for what the description uses."""
    if "$ref" in schema:
        schema = description["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    kinds = schema.get("type")
    if kinds is not None:
        kinds = [kinds] if isinstance(kinds, str) else kinds
        python = {
            "object": dict,
            "array": list,
            "string": str,
            "number": (int, float),
            "integer": int,
            "boolean": bool,
            "null": type(None),
        }
        assert any(isinstance(document, python[kind]) for kind in kinds), f"{where}: {document!r} is not {kinds}"
    if "enum" in schema:
        assert document in schema["enum"], f"{where}: {document!r} is not one of {schema['enum']}"
    if isinstance(document, dict):
        for name in schema.get("required", ()):
            assert name in document, f"{where} has no {name}"
        for name, part in schema.get("properties", {}).items():
            if name in document:
                check(document[name], part, description, f"{where}.{name}")
    if isinstance(document, list) and "items" in schema:
        for n, each in enumerate(document):
            check(each, schema["items"], description, f"{where}[{n}]")


# ---------------------------------------------------------------- the description


def test_every_described_path_answers_as_described(client, description):
    assert description["openapi"].startswith("3.1")
    for path, operations in description["paths"].items():
        assert list(operations) == ["get"], f"{path} is read-only"
        needed = {p["name"]: "harm" for p in operations["get"]["parameters"] if p["in"] == "query" and p["required"]}
        needed |= {"services": "clinics"} if "services" in needed else {}
        if path == "/postcodes/{postcode}":
            continue  # made-up areas have no real postcodes: test_homes.py asks the demonstration
        response = client.get(filled(path), query_string=needed)
        assert response.status_code == 200, f"{path}: {response.text}"
        schema = operations["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        check(response.get_json(), schema, description, path)


def test_every_route_of_the_application_is_described(tiny_app, description):
    routes = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule.removeprefix("/api/v1")).replace("{layer_id}", "{id}")
        for rule in tiny_app.server.url_map.iter_rules()
        if rule.rule.startswith("/api/v1") and not rule.endpoint.endswith("nothing_here")
    }
    assert routes == set(description["paths"])


def test_every_described_query_parameter_is_known_and_nothing_else_is(client, description):
    for path, operations in description["paths"].items():
        given = operations["get"]["parameters"]
        assert {p["name"] for p in given if p["in"] == "path"} == set(re.findall(r"\{(\w+)\}", path))
        needed = {p["name"]: "harm" for p in given if p["in"] == "query" and p["required"]}
        needed |= {"services": "clinics"} if "services" in needed else {}
        for parameter in given:
            if parameter["in"] == "query" and (values := parameter["schema"].get("enum")):
                for value in values:
                    if (parameter["name"], value) == ("fair", "yes"):
                        continue  # Tinyland has no layer of households without a car; test_measures.py has
                    response = client.get(filled(path), query_string=needed | {parameter["name"]: value})
                    assert response.status_code == 200, f"{path}?{parameter['name']}={value}: {response.text}"
        response = client.get(filled(path), query_string=needed | {"lvel": "ward"})
        assert response.status_code == 400, path
        assert response.get_json()["error"]["detail"] == {"parameter": "lvel"}, path


def test_every_reference_of_the_description_leads_somewhere(description):
    names = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(description)))
    assert names <= set(description["components"]["schemas"])


# ---------------------------------------------------------------- what the answers say


def test_the_region(client):
    region = client.get("/api/v1/region").get_json()
    assert region["areas"] == {"lsoa": 16, "ward": 4, "lad": 2}
    assert region["population"] == 13_600  # 100 * (1 + 2 + ... + 16)
    assert region["partners"][0] == {
        "id": "westshire",
        "name": "Westshire Council",
        "kind": "council",
        "footprint": ["TA"],
    }


def test_layers_can_be_narrowed_by_kind_theme_and_partner(client):
    def names(**query):
        return [layer["id"] for layer in client.get("/api/v1/layers", query_string=query).get_json()["layers"]]

    assert set(names()) == {"harm", "crowded", "poverty-rank", "clinics"}
    assert names(kind="services") == ["clinics"]
    assert set(names(theme="housing")) == {"crowded", "poverty-rank"}
    assert names(partner="westshire") == ["crowded"]
    assert names(partner="eastshire") == []


def test_a_layer_says_where_it_is_from(client):
    layer = client.get("/api/v1/layers/harm").get_json()
    assert layer["unit"] == "per 1,000 residents"
    assert layer["vintage"] == 2021
    assert isinstance(layer["vintage"], int)
    assert layer["sources"][0]["title"] == "Made up for the tests"
    assert client.get("/api/v1/layers/clinics").get_json()["vintage"] == 2021


def test_a_vintage_is_that_of_the_layer_and_a_whole_number_for_services_too(client, tiny):
    answer = client.get("/api/v1/layers")
    vintages = {layer["id"]: layer["vintage"] for layer in answer.get_json()["layers"]}
    assert vintages == dict.fromkeys(("harm", "crowded", "poverty-rank", "clinics"), 2021)
    assert re.findall(r'"vintage": ?([^,}]+)', answer.text) == ["2021"] * 4  # not 2021.0, not "2021"
    layer = tiny.store.layer("harm", ADMIN)
    older = dataclasses.replace(layer, descriptor=dataclasses.replace(layer.descriptor, vintage=2011))
    assert layer_document(tiny, older)["vintage"] == 2011


@pytest.mark.parametrize("level", ["lsoa", "ward", "lad"])
def test_values_stand_in_area_order(client, tiny, level):
    rows = client.get(f"/api/v1/layers/harm/values?level={level}").get_json()["values"]
    assert [row["area_code"] for row in rows] == tiny.region.codes(level).tolist()
    assert all(list(row) == list(VALUES) for row in rows)


def test_values_done_on_paper(client):
    rows = client.get("/api/v1/layers/harm/values?level=lsoa").get_json()["values"]
    assert rows[0] == dict.fromkeys(VALUES) | {"area_code": "T01", "status": "missing"}
    assert rows[15]["value"] == 20.0  # 32 events of 1,600 residents, per 1,000
    assert (rows[15]["numerator"], rows[15]["denominator"], rows[15]["status"]) == (32, 1600, "ok")
    east = client.get("/api/v1/layers/harm/values?level=lad").get_json()["values"][1]
    assert east["value"] == pytest.approx(92 / 7600 * 1000)  # tests/dashboard/views/test_choropleth.py adds it up
    assert east["status"] == "converted"
    withheld = client.get("/api/v1/layers/crowded/values?level=lsoa").get_json()["values"][1]
    assert withheld["value"] is None
    assert withheld["status"] == "suppressed"


def test_a_level_without_figures_says_why(client):
    document = client.get("/api/v1/layers/poverty-rank/values?level=ward").get_json()
    assert document["reason"]
    assert [row["value"] for row in document["values"]] == [None] * 4


@pytest.mark.parametrize("layer", ["harm", "crowded", "poverty-rank"])
@pytest.mark.parametrize("level", ["lsoa", "ward", "lad"])
def test_csv_equals_json(client, layer, level):
    address = f"/api/v1/layers/{layer}/values?level={level}"
    response = client.get(f"{address}&format=csv")
    assert response.headers["Content-Disposition"] == f'attachment; filename="{layer}-{level}.csv"'
    rows = list(csv.DictReader(io.StringIO(response.text)))
    for row, expected in zip(rows, client.get(address).get_json()["values"], strict=True):
        for name in VALUES:
            if isinstance(expected[name], str):
                assert row[name] == expected[name]
            elif expected[name] is None:
                assert row[name] == ""
            else:
                assert float(row[name]) == pytest.approx(expected[name], rel=1e-9)


def test_values_as_geojson_have_the_shapes_and_the_same_numbers(client):
    collection = client.get("/api/v1/layers/harm/values?level=lsoa&format=geojson")
    assert collection.mimetype == "application/geo+json"
    features = json.loads(collection.text)["features"]
    values = client.get("/api/v1/layers/harm/values?level=lsoa").get_json()["values"]
    assert [f["properties"]["value"] for f in features] == [row["value"] for row in values]
    check_geojson(json.loads(collection.text))


def check_geojson(collection: dict) -> None:
    """RFC 7946 as far as it matters here: longitude before latitude, closed rings, valid outlines."""
    from shapely.geometry import shape

    assert collection["type"] == "FeatureCollection"
    for feature in collection["features"]:
        assert feature["type"] == "Feature"
        outline = shape(feature["geometry"])
        assert outline.geom_type in ("Polygon", "MultiPolygon")
        assert outline.is_valid
        west, south, east, north = outline.bounds
        assert -9 < west < east < 3, "longitude first"
        assert 49 < south < north < 62


@pytest.mark.parametrize("level", ["ward", "lad"])
def test_the_demonstration_s_areas_are_valid_geojson(demo_client, level):
    check_geojson(json.loads(demo_client.get(f"/api/v1/areas/{level}?format=geojson").text))


def test_an_area(client):
    area = client.get("/api/v1/areas/lsoa/T06").get_json()
    assert (area["code"], area["name"], area["ward_name"], area["lad_name"]) == (
        "T06",
        "Square 06",
        "South West",
        "Westshire",
    )
    assert {line["id"] for line in area["indicators"]} == {"harm", "crowded", "poverty-rank"}
    only = client.get("/api/v1/areas/lsoa/T06?theme=alcohol").get_json()["indicators"]
    assert {line["id"] for line in only} == {"harm", "crowded"}


def everything(client) -> list[str]:
    """An address of every kind, for what must hold for all."""
    layers = client.get("/api/v1/layers").get_json()["layers"]
    out = ["/api/v1/openapi.json", "/api/v1/region", "/api/v1/layers"]
    for level in ("lsoa", "ward", "lad"):
        codes = [area["code"] for area in client.get(f"/api/v1/areas/{level}").get_json()["areas"]]
        out += [f"/api/v1/areas/{level}", f"/api/v1/areas/{level}?format=geojson"]
        out += [f"/api/v1/areas/{level}/{code}" for code in codes[:2]]
        for layer in [each for each in layers if each["kind"] == "indicator"][:12]:
            out += [f"/api/v1/layers/{layer['id']}/values?level={level}"]
    out += [f"/api/v1/layers/{layer['id']}" for layer in layers]
    out += [f"/data/services/{layer['id']}.geojson" for layer in layers if layer["kind"] == "services"]
    return out


def test_no_answer_holds_nan_or_infinity_whatever_the_region(region_of_any_kind):
    from dashboard.app import create_app

    client = create_app(region_of_any_kind, "key").server.test_client()

    def refuse(name):
        raise AssertionError(f"{address} holds {name}")

    for address in everything(client):
        response = client.get(address)
        assert response.status_code == 200, address
        json.loads(response.text, parse_constant=refuse)


def test_every_export_of_the_demonstration_says_that_it_is_made_up(demo_client, demo):
    notice = demo.region.notice
    assert "made up" in notice
    layer = next(layer for layer in demo.store.layers(ADMIN, kind="indicator"))
    services = next(layer for layer in demo.store.layers(ADMIN, kind="services"))
    values = f"/api/v1/layers/{layer.id}/values?level=lad"
    for address in (
        "/api/v1/region",
        f"/api/v1/layers/{layer.id}",
        values,
        f"{values}&format=csv",
        f"{values}&format=geojson",
        "/api/v1/areas/lad",
        "/api/v1/areas/lad?format=geojson",
        f"/api/v1/areas/lad/{demo.region.codes('lad')[0]}",
        f"/data/table.csv?need={layer.id}&level=lad",
        f"/data/services/{services.id}.geojson",
    ):
        assert notice in demo_client.get(address).text, address


def test_a_real_region_s_csv_has_exactly_the_columns_of_the_contract(lonely):
    from dashboard.app import create_app

    client = create_app(lonely, "key").server.test_client()
    head = client.get("/api/v1/layers/plain/values?level=lsoa&format=csv").text.splitlines()[0]
    assert head == ",".join([*VALUES, "cautions"])


# ---------------------------------------------------------------- what is refused

REFUSED = [
    ("/api/v1/layers/nothing", 404, "not-found"),
    ("/api/v1/layers/nothing/values", 404, "not-found"),
    ("/api/v1/layers/clinics/values", 404, "not-found"),
    ("/api/v1/layers/harm/values?level=street", 400, "bad-parameter"),
    ("/api/v1/layers/harm/values?period=1066", 400, "bad-parameter"),
    ("/api/v1/layers/harm/values?format=pdf", 400, "bad-parameter"),
    ("/api/v1/layers?kind=maps", 400, "bad-parameter"),
    ("/api/v1/layers?theme=nonsense", 400, "bad-parameter"),
    ("/api/v1/layers?partner=nobody", 400, "bad-parameter"),
    ("/api/v1/areas/street", 404, "not-found"),
    ("/api/v1/areas/lsoa?format=csv", 400, "bad-parameter"),
    ("/api/v1/areas/lsoa/T99", 404, "not-found"),
    ("/api/v1/areas/ward/T01", 404, "not-found"),  # an area of another level
    ("/api/v1/areas/lsoa/T01?theme=nonsense", 400, "bad-parameter"),
    ("/api/v1/areas/lsoa/%00", 404, "not-found"),
    ("/api/v1/nonsense", 404, "not-found"),
    ("/api/v1/", 404, "not-found"),
    ("/api/v1/layers/", 404, "not-found"),
    ("/data/nonsense", 404, "not-found"),
    ("/data/shapes/../../etc/passwd", 404, "not-found"),
    ("/data/services/harm.geojson", 404, "not-found"),
]


@pytest.mark.parametrize(("address", "status", "code"), REFUSED)
def test_what_cannot_be_answered_is_refused_in_one_shape(client, description, address, status, code):
    response = client.get(address)
    assert response.status_code == status
    assert response.mimetype == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    document = response.get_json()
    check(document, description["components"]["schemas"]["Error"], description)
    assert document["error"]["code"] == code
    assert document["error"]["message"].endswith(".")
    assert list(document["error"]) == ["code", "message", "detail"]


def test_an_error_cannot_be_used_to_inject_markup(client):
    response = client.get("/api/v1/layers/harm/values?level=<script>alert(1)</script>")
    assert response.mimetype == "application/json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    long = client.get("/api/v1/layers/harm/values?level=" + "x" * 5000).get_json()["error"]["message"]
    assert len(long) < 300


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("address", ["/api/v1/layers", "/api/v1/layers/harm", "/data/classes", "/api/v1/nonsense"])
def test_nothing_can_be_written_here(client, method, address):
    response = getattr(client, method)(address)
    assert response.status_code == 405
    assert response.get_json()["error"]["code"] == "method-not-allowed"
    assert response.headers["Allow"] == "GET, HEAD"


def test_a_mistake_of_ours_answers_in_the_same_shape_and_tells_nothing(tiny, monkeypatch):
    from dashboard.api import v1
    from dashboard.app import create_app

    def broken(*_):
        raise KeyError("/secret/path")

    monkeypatch.setattr(v1, "layer_document", broken)
    response = create_app(tiny, "key").server.test_client().get("/api/v1/layers/harm")
    assert response.status_code == 500
    assert response.get_json()["error"]["code"] == "internal-server-error"
    assert "secret" not in response.text


def test_a_fault_of_the_store_answers_in_the_same_shape_and_tells_no_path(tiny, monkeypatch):
    from dashboard.app import create_app
    from layers import Fault, Refused

    def broken(*_, **__):
        raise Refused("The values are damaged and are not shown.", [Fault("bad bytes", "/secret/path")])

    client = create_app(tiny, "key").server.test_client()
    monkeypatch.setattr(tiny.store, "values", broken)
    response = client.get("/api/v1/layers/harm/values?level=ward")
    assert response.status_code == 503
    assert response.get_json()["error"]["message"] == "The values are damaged and are not shown."
    assert "secret" not in response.text


# ---------------------------------------------------------------- headers

ANSWERS = [
    "/api/v1/openapi.json",
    "/api/v1/region",
    "/api/v1/layers",
    "/api/v1/layers/harm",
    "/api/v1/layers/harm/values?level=lsoa",
    "/api/v1/layers/harm/values?level=lsoa&format=csv",
    "/api/v1/layers/harm/values?level=lsoa&format=geojson",
    "/api/v1/areas/lsoa",
    "/api/v1/areas/lsoa?format=geojson",
    "/api/v1/areas/lsoa/T06",
]


@pytest.mark.parametrize("address", ANSWERS)
def test_an_etag_saves_the_second_answer(client, address):
    first = client.get(address)
    assert first.headers["Cache-Control"] == "no-cache"
    again = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert client.get(address, headers={"If-None-Match": 'W/"another"'}).status_code == 200


@pytest.mark.parametrize("address", ANSWERS)
def test_compressed_and_plain_are_the_same(client, address):
    plain = client.get(address)
    assert "Content-Encoding" not in plain.headers
    for encoding, open_it in (("br", brotli.decompress), ("gzip", gzip.decompress)):
        for _ in range(2):  # made, and kept
            packed = client.get(address, headers={"Accept-Encoding": encoding})
            assert packed.headers["Content-Encoding"] == encoding
            assert "Accept-Encoding" in packed.headers["Vary"]
            assert open_it(packed.data) == plain.data
            assert len(packed.data) == int(packed.headers["Content-Length"]) < len(plain.data)
        # an ETag that was given with one encoding is good for the other
        etag = packed.headers["ETag"]
        assert client.get(address, headers={"If-None-Match": etag, "Accept-Encoding": "br, gzip"}).status_code == 304


@pytest.mark.parametrize(
    ("accepted", "sent"),
    [
        ("br, gzip", "br"),
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0.1, gzip;q=0.9", "gzip"),
        ("identity", None),
        ("", None),
    ],
)
def test_the_caller_chooses_the_encoding(client, accepted, sent):
    response = client.get("/api/v1/layers", headers={"Accept-Encoding": accepted})
    assert response.headers.get("Content-Encoding") == sent


@pytest.mark.parametrize("address", ANSWERS)
def test_head_has_the_headers_and_no_body(client, address):
    head, get = client.head(address), client.get(address)
    assert (head.status_code, head.data) == (200, b"")
    for name in ("ETag", "Content-Type", "Content-Length", "Cache-Control"):
        assert head.headers[name] == get.headers[name]


def test_other_sites_may_read_what_is_public(client):
    for address in [*ANSWERS, "/api/v1/layers/nothing", "/api/v1/nonsense"]:
        response = client.get(address, headers={"Origin": "https://elsewhere.example"})
        assert response.headers["Access-Control-Allow-Origin"] == "*", address
        assert "Access-Control-Allow-Credentials" not in response.headers
    assert "Access-Control-Allow-Origin" not in client.get("/data/classes?need=harm").headers


# ---------------------------------------------------------------- who may see what


def package(layer_id: str, audience: str, first: float = 1.0) -> Package:
    codes = [f"T{i:02d}" for i in range(1, 17)]
    table = pd.DataFrame({"area_code": codes, "value": [first + i for i in range(16)], "status": "ok"})
    descriptor = Descriptor(
        id=layer_id,
        title=layer_id.title(),
        kind=Kind.INDICATOR,
        themes=("alcohol",),
        partner="westshire",
        measure=Measure.SCORE,
        unit="points",
        direction=Direction.HIGH_IS_WORSE,
        period="2025",
        audience=audience,
    )
    return Package(descriptor, table)


@pytest.fixture(scope="module")
def private(serve, tiny_pack):
    """Tinyland with a layer for its owner only and one for all partners, and a client for each kind of person."""
    from dashboard.app import create_app

    published = serve(tiny_pack)
    published.store.publish(package("secret", "owner"), by=ADMIN)
    published.store.publish(package("shared", "partners"), by=ADMIN)
    for name, role, partner in (("wes", "analyst", "westshire"), ("eve", "viewer", "eastshire")):
        published.store.accounts.add_user(name, role=role, partner=partner, password="a long enough password", by=ADMIN)
    app = create_app(published, "key")

    def as_user(name: str):
        client = app.server.test_client()
        if name:
            client.set_cookie(COOKIE, published.store.accounts.start_session(name))
        return client

    return as_user


SECRET = [
    "/api/v1/layers/{}",
    "/api/v1/layers/{}/values?level=lsoa",
    "/api/v1/layers/{}/values?level=lsoa&format=csv",
    "/api/v1/layers/{}/values?level=lsoa&format=geojson",
    "/data/readings?need={}&level=lsoa",
    "/data/table.csv?need={}&level=lsoa",
]


@pytest.mark.parametrize("address", SECRET)
def test_what_one_may_not_see_answers_exactly_as_what_does_not_exist(private, address):
    owner = private("wes").get(address.format("secret"))
    assert owner.status_code == 200  # asked first, so that it would be in any memory
    assert owner.headers["Cache-Control"] == "private, no-store"
    assert "ETag" not in owner.headers
    for stranger in (private(""), private("eve")):
        hidden, absent = stranger.get(address.format("secret")), stranger.get(address.format("absent"))
        assert (hidden.status_code, hidden.data) == (404, absent.data)
    assert private("eve").get(address.format("shared")).status_code == 200
    assert private("").get(address.format("shared")).status_code == 404


def test_lists_counts_areas_and_classes_hide_it_too(private):
    def listed(client):
        return {layer["id"] for layer in client.get("/api/v1/layers").get_json()["layers"]}

    assert {"secret", "shared"} <= listed(private("wes"))
    assert listed(private("eve")) & {"secret", "shared"} == {"shared"}
    assert listed(private("")) & {"secret", "shared"} == set()
    for name, seen in (("wes", {"secret", "shared"}), ("eve", {"shared"}), ("", set())):
        lines = private(name).get("/api/v1/areas/lsoa/T06").get_json()["indicators"]
        assert {line["id"] for line in lines} & {"secret", "shared"} == seen
    none = private("").get("/data/classes?need=absent&level=lsoa").data
    assert private("").get("/data/classes?need=secret&level=lsoa").data == none
    assert private("wes").get("/data/classes?need=secret&level=lsoa").data != none


def test_a_new_version_is_answered_at_once(serve, tiny_pack):
    from dashboard.app import create_app

    published = serve(tiny_pack)
    client = create_app(published, "key").server.test_client()
    published.store.publish(package("noise", "public", 1.0), by=ADMIN)
    address = "/api/v1/layers/noise/values?level=lsoa"
    first = client.get(address)
    published.store.publish(package("noise", "public", 5.0), by=ADMIN)
    second = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert second.status_code == 200
    assert (first.get_json()["values"][0]["value"], second.get_json()["values"][0]["value"]) == (1.0, 5.0)
    assert second.get_json()["version"] == 2
    assert '"version":2' in client.get("/api/v1/layers").text.split('"noise"')[1]
    published.store.rollback("noise", to=1, by=ADMIN, reason="a test")
    assert client.get(address).data == first.data
    published.store.withdraw("noise", by=ADMIN, reason="a test")
    assert client.get(address).status_code == 404


# ---------------------------------------------------------------- the memory of answers


def test_the_memory_keeps_what_was_used_last_within_its_bound():
    made = []

    def make(name, size=1000):
        def content():
            made.append(name)
            return bytes(size)

        return content

    memory = Answers(limit=3 * 1500)  # each of 1,000 bytes counts 1,450
    for name in ("a", "b", "c", "a", "d", "a", "b"):
        memory.body(name, make(name))
    # a b c are made and kept; a is used; d pushes out b; a is still there; b is made again
    assert made == ["a", "b", "c", "d", "b"]
    assert (
        len(memory.body("large", make("large", 10_000)).data) == 10_000
    )  # too large to keep others, answered all the same
    assert memory.body("large", make("large", 10_000)).data
    assert made.count("large") == 1


def test_a_body_is_compressed_once_per_encoding():
    body = Body("text " * 1000)
    assert body.compressed("br") is body.compressed("br")
    assert gzip.decompress(body.compressed("gzip")) == body.data
    assert body.compressed("gzip") == Body("text " * 1000).compressed("gzip")  # no time of day in it
