"""The routes that feed the map: what is fixed, what is sent per choice, and the bytes of it."""

from __future__ import annotations

import json
import shutil

import brotli
import numpy as np
import pytest

from dashboard.map_files import Shapes
from dashboard.views.banding import MISSING, NO_INDICATOR, OUTSIDE, SUPPRESSED

KINDS = ["lsoa-outlines", "ward-outlines", "lad-outlines", "lsoa-names", "ward-names", "lad-names", "labels"]


@pytest.fixture()
def files(tiny_app):
    shapes = tiny_app.shapes
    made = {level: shapes.outlines(level) for level in ("lsoa", "ward", "lad")}
    out = {f"{level}-outlines": file for level, file in made.items()}
    out |= {f"{level}-names": shapes.names(level) for level in made}
    return {kind: file.url_name for kind, file in (out | {"labels": shapes.labels()}).items()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_shape_is_kept_for_ever_and_is_the_same_in_either_encoding(client, files, kind):
    address = f"/data/shapes/{files[kind]}"
    plain = client.get(address)
    packed = client.get(address, headers={"Accept-Encoding": "gzip, deflate, br"})
    for response in (plain, packed):
        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert response.headers["Vary"] == "Accept-Encoding"  # and not Cookie: everybody gets the same
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "br"
    assert brotli.decompress(packed.data) == plain.data
    again = client.get(address, headers={"If-None-Match": packed.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_browser_that_refuses_brotli_gets_it_otherwise(client, files):
    response = client.get(f"/data/shapes/{files['lsoa-outlines']}", headers={"Accept-Encoding": "br;q=0, identity"})
    assert "Content-Encoding" not in response.headers


def test_an_old_address_of_a_shape_is_not_found(client, files):
    old = files["lsoa-outlines"].split(".")
    assert client.get(f"/data/shapes/{old[0]}.0123456789abcdef.{old[2]}").status_code == 404
    assert client.get("/data/shapes/..%2f..%2fstore.sqlite").status_code == 404


def test_the_address_of_a_shape_follows_its_content(tiny, bare, tiny_app):
    assert Shapes(tiny).outlines("lsoa").url_name == tiny_app.shapes.outlines("lsoa").url_name
    # the bare region has the very same areas
    assert Shapes(bare).outlines("lsoa").url_name == tiny_app.shapes.outlines("lsoa").url_name
    assert len({Shapes(tiny).outlines(level).url_name for level in ("lsoa", "ward", "lad")}) == 3


def test_shapes_are_made_again_when_the_home_folder_was_emptied(serve, tiny_pack):
    from dashboard.app import create_app

    published = serve(tiny_pack)
    app = create_app(published, "key")
    client = app.server.test_client()
    addresses = [
        f"/data/shapes/{file.url_name}"
        for file in (app.shapes.outlines("ward"), app.shapes.names("lsoa"), app.shapes.labels())
    ]
    before = [client.get(address).data for address in addresses]
    shutil.rmtree(published.home / "shapes")
    assert [client.get(address).data for address in addresses] == before
    shutil.rmtree(published.home / "shapes")
    packed = client.get(addresses[0], headers={"Accept-Encoding": "br"})
    assert brotli.decompress(packed.data) == before[0]


def test_names_stand_in_area_order(client, files):
    names = client.get(f"/data/shapes/{files['lsoa-names']}").get_json()
    assert names["codes"] == [f"T{i:02d}" for i in range(1, 17)]
    assert [names["lads"][i] for i in names["lad"]][:4] == ["Westshire", "Westshire", "Eastshire", "Eastshire"]
    assert [names["wards"][i] for i in names["ward"]][:4] == ["South West", "South West", "South East", "South East"]


def test_labels_have_the_authorities_first(client, files):
    labels = client.get(f"/data/shapes/{files['labels']}").get_json()
    assert [label[0] for label in labels[:2]] == ["Eastshire", "Westshire"]  # 7,600 residents, then 6,000
    assert len(labels) == 2 + 4
    assert all(-9 < label[1] < 3 and 49 < label[2] < 62 for label in labels)


# ---------------------------------------------------------------- classes


def test_classes_are_the_number_of_bands_and_a_byte_an_area(client):
    response = client.get("/data/classes?need=crowded&level=lsoa")
    assert response.mimetype == "application/octet-stream"
    assert response.headers["Cache-Control"] == "no-cache"
    # i % in area i, T02 withheld: 1 3 4 | 5 6 7 | 8 9 10 | 11 12 13 | 14 15 16
    assert list(response.data) == [5, 0, SUPPRESSED, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]
    etag = response.headers["ETag"]
    assert client.get("/data/classes?need=crowded&level=lsoa", headers={"If-None-Match": etag}).status_code == 304


def test_missing_outside_and_no_indicator_are_told_apart(client):
    assert client.get("/data/classes?need=harm").data[1] == MISSING  # T01
    west = list(client.get("/data/classes?need=crowded&partner=westshire").data[1:])
    assert [i for i, code in enumerate(west) if code == OUTSIDE] == [2, 3, 6, 7, 10, 11, 14, 15]
    assert list(client.get("/data/classes?need=none&level=ward").data) == [0] + [NO_INDICATOR] * 4
    assert list(client.get("/data/classes?level=ward&need=nonsense").data) == [0] + [NO_INDICATOR] * 4


@pytest.mark.parametrize(
    "query",
    [
        "need=crowded&bands=partner&partner=nobody",
        "need=crowded&bands=partner",
        "need=crowded&bands=national",
        "need=crowded&period=1066",
        "need=crowded&level=street",
        "need=crowded&classes=99&scheme=magic",
        "need=clinics",
        "need=%00",
        "at=nowhere&need[]=x",
        "need=" + "x" * 3000,
    ],
)
def test_a_stale_or_broken_link_never_breaks_the_map(client, query):
    assert client.get(f"/data/classes?{query}").status_code == 200
    assert client.get(f"/data/readings?{query}").status_code in (200, 404)
    assert client.get(f"/data/table.csv?{query}").status_code in (200, 404)


@pytest.mark.parametrize("scheme", ["quantiles", "equal", "jenks"])
@pytest.mark.parametrize("classes", [3, 7])
def test_every_class_of_the_demonstration_is_below_the_number_of_bands(demo, demo_client, scheme, classes):
    for layer in demo.store.layers(_public(), kind="indicator")[:8]:
        for level in layer.levels:
            query = f"need={layer.id}&level={level}&scheme={scheme}&classes={classes}"
            data = demo_client.get(f"/data/classes?{query}").data
            codes = np.frombuffer(data, "uint8")[1:]
            assert len(codes) == len(demo.region.codes(level))
            assert data[0] <= classes
            used = set(codes[codes < 200].tolist())
            assert {0, data[0] - 1} <= used <= set(range(data[0])), query
            if scheme != "equal":  # equal steps may well hold nothing in the middle
                assert used == set(range(data[0])), query


def _public():
    from layers import PUBLIC

    return PUBLIC


# ---------------------------------------------------------------- readings


def test_readings_are_what_the_api_says(client):
    data = client.get("/data/readings?need=harm&level=lsoa").data
    line, _, _ = data.partition(b"\n")
    head, start = json.loads(line), len(line) + 1
    n = head["n"]
    assert start % 4 == 0
    value, lower, upper, rank = np.frombuffer(data, "<f4", 4 * n, start).reshape(4, n)
    status = np.frombuffer(data, "uint8", n, start + 16 * n)
    rows = client.get("/api/v1/layers/harm/values?level=lsoa").get_json()["values"]
    for i, row in enumerate(rows):
        for name, number in (("value", value[i]), ("lower", lower[i]), ("upper", upper[i])):
            assert number == pytest.approx(row[name], rel=1e-6) if row[name] is not None else np.isnan(number)
        assert ["ok", "converted", "suppressed", "missing"][status[i]] == row["status"]
    assert rank[15] == 1
    assert head["statuses"][3].startswith("Nobody has published")
    assert head["ranked"] == 15
    assert head["unit"] == "per 1,000 residents"


# ---------------------------------------------------------------- services


def test_services_are_points_with_text_only(client, tiny):
    response = client.get("/data/services/clinics.geojson")
    assert response.mimetype == "application/geo+json"
    collection = json.loads(response.text)
    assert [f["properties"]["name"] for f in collection["features"]] == ["West clinic", "East clinic"]
    assert [f["properties"]["authority"] for f in collection["features"]] == ["Westshire", "Eastshire"]
    areas = tiny.region.areas["lsoa"].geometry
    for feature, i in zip(collection["features"], (0, 3), strict=True):
        longitude, latitude = feature["geometry"]["coordinates"]
        middle = areas.iloc[i].centroid
        assert (longitude, latitude) == (pytest.approx(middle.x, abs=1e-4), pytest.approx(middle.y, abs=1e-4))
        assert all(isinstance(value, str) for value in feature["properties"].values())


def test_services_that_people_named_badly_stay_text(serve, tiny_pack, tmp_path):
    pack = tmp_path / "pack"
    shutil.copytree(tiny_pack, pack)
    table = pack / "layers" / "clinics" / "data.csv"
    table.write_text(table.read_text("utf-8").replace("West clinic", "<img src=x onerror=alert(1)>"), "utf-8")
    from dashboard.app import create_app

    client = create_app(serve(pack), "key").server.test_client()
    response = client.get("/data/services/clinics.geojson")
    assert json.loads(response.text)["features"][0]["properties"]["name"] == "<img src=x onerror=alert(1)>"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_services_of_the_demonstration_lie_where_it_is(demo, demo_client):
    for layer in demo.store.layers(_public(), kind="services"):
        features = json.loads(demo_client.get(f"/data/services/{layer.id}.geojson").text)["features"]
        assert len(features) == layer.sites
        for feature in features:
            longitude, latitude = feature["geometry"]["coordinates"]
            assert -3.5 < longitude < -1
            assert 54 < latitude < 56.5


# ---------------------------------------------------------------- the table as a file


def test_the_table_is_a_csv_with_a_safe_name(client):
    response = client.get("/data/table.csv?need=crowded&level=lsoa")
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    name = response.headers["Content-Disposition"].removeprefix('attachment; filename="').removesuffix('"')
    assert name.endswith(".csv")
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-_")
    text = response.data.decode("utf-8-sig")
    assert "% of households" in text
    assert "Square 16" in text
    assert response.data.startswith(b"\xef\xbb\xbf")  # or Excel takes it for Windows-1252


def test_the_table_holds_only_the_areas_in_view(client):
    text = client.get("/data/table.csv?need=crowded&partner=westshire").data.decode("utf-8-sig")
    assert "Square 01" in text
    assert "Square 03" not in text
    assert client.get("/data/table.csv?need=none").status_code == 404
