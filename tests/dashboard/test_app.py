"""The application as a whole: its factory, its pages, and what every answer of it carries."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser

import pytest

from dashboard.app import create_app, create_server
from dashboard.auth.session import current_viewer
from dashboard.pages import PAGES, find_page
from layers import Refused


def path_of(page, published) -> str:
    code = published.region.codes("lsoa")[0]
    return re.sub(r"<\w+>", lambda found: code if found[0] == "<code>" else "example", page.path)


class Links(HTMLParser):
    """Every address that a page of HTML makes a browser fetch or offers to follow."""

    def __init__(self, html: str):
        super().__init__()
        self.found, self.preloads, self.title, self._in_title = [], [], "", False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self._in_title = tag == "title"
        self.found += [attrs[name] for name in ("src", "href", "action", "data") if attrs.get(name)]
        if tag == "link" and attrs.get("rel") == "preload" and attrs["as"] == "fetch":
            self.preloads.append(attrs["href"])

    def handle_data(self, data):
        if self._in_title:
            self.title += data

    def handle_endtag(self, tag):
        self._in_title = False


# ---------------------------------------------------------------- the factory


def test_two_applications_in_one_process_answer_their_own_data(tiny, demo):
    one, two = (create_app(published, "key").server.test_client() for published in (tiny, demo))
    for _ in range(2):
        assert one.get("/api/v1/region").get_json()["name"] == "Tinyland"
        assert two.get("/api/v1/region").get_json()["id"] == "demonstration"
        assert "Tinyland" in one.get("/").text
        assert "Tinyland" not in two.get("/").text

    def found(client, text):
        body = {
            "output": "search.data",
            "outputs": {"id": "search", "property": "data"},
            "inputs": [{"id": "search", "property": "searchValue", "value": text}],
            "changedPropIds": ["search.searchValue"],
        }
        response = client.post("/_dash-update-component", json=body)
        return response.get_json()["response"]["search"]["data"]

    assert found(one, "square 07")[0]["items"][0]["value"] == "area:T07"
    assert found(two, "square 07") == []
    # the callbacks of the first are still there after the second was made
    assert len(one.get("/_dash-dependencies").get_json()) == len(two.get("/_dash-dependencies").get_json()) > 3


def test_create_server_serves_what_the_environment_names(tiny_pack, tmp_path):
    server = create_server({"COMMONGROUND_REGION": str(tiny_pack), "COMMONGROUND_HOME": str(tmp_path / "home")})
    client = server.test_client()
    assert client.get("/healthz").get_json() == {"status": "ok"}
    assert client.get("/readyz").get_json() == {"status": "ready", "region": "tiny"}
    again = create_server({"COMMONGROUND_REGION": str(tiny_pack), "COMMONGROUND_HOME": str(tmp_path / "home")})
    assert again.secret_key == server.secret_key


def test_create_server_refuses_a_broken_pack_with_every_reason(tiny_pack, tmp_path):
    pack = tmp_path / "pack"
    shutil.copytree(tiny_pack, pack)
    (pack / "areas" / "ward.parquet").unlink()
    (pack / "areas" / "lad.parquet").write_bytes((pack / "areas" / "lad.parquet").read_bytes()[:100])
    (pack / "region.toml").write_text('id = "broken"\n', "utf-8")
    with pytest.raises(Refused) as refused:
        create_server({"COMMONGROUND_REGION": str(pack), "COMMONGROUND_HOME": str(tmp_path / "home")})
    text = str(refused.value)
    for reason in ("areas/ward.parquet", "areas/lad.parquet", "'name' is missing"):
        assert reason in text
    assert "build" in text  # what to do
    assert not list((tmp_path / "home").glob("*.sqlite*"))  # and nothing is left half-written


def test_create_server_refuses_a_broken_layer_and_leaves_no_half_store(tiny_pack, tmp_path):
    pack = tmp_path / "pack"
    shutil.copytree(tiny_pack, pack)
    table = pack / "layers" / "harm" / "data.csv"
    table.write_text(table.read_text("utf-8").replace("T05", "X05").replace("T07", "T06"), "utf-8")
    environ = {"COMMONGROUND_REGION": str(pack), "COMMONGROUND_HOME": str(tmp_path / "home")}
    with pytest.raises(Refused) as refused:
        create_server(environ)
    assert "harm" in str(refused.value)
    shutil.copy(tiny_pack / "layers" / "harm" / "data.csv", table)
    client = create_server(environ).test_client()  # mended, it starts
    assert len(client.get("/api/v1/layers").get_json()["layers"]) == 4


def test_create_server_refuses_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(Refused) as refused:
        create_server({"COMMONGROUND_REGION": str(tmp_path / "nowhere"), "COMMONGROUND_HOME": str(tmp_path)})
    assert "no such folder" in str(refused.value)


def test_a_store_that_does_not_answer_is_not_ready(tiny, monkeypatch):
    client = create_app(tiny, "key").server.test_client()

    def away():
        raise OSError("/secret/path")

    monkeypatch.setattr(tiny.store, "generation", away)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "secret" not in response.text
    assert client.get("/healthz").status_code == 200


# ---------------------------------------------------------------- pages


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_of_every_kind_of_region_renders(region_of_any_kind, page):
    published = region_of_any_kind
    client = create_app(published, "key").server.test_client()
    path = path_of(page, published)
    assert client.get(path).status_code == 200
    for query in ("", "?theme=nonsense&need=nonsense&level=ward&area=nonsense&services=x,y&bands=partner&classes=7"):
        layout = client.get("/_dash-layout", headers={"Referer": f"http://localhost{path}{query}"})
        assert layout.status_code == 200
        text = layout.text
        assert '"id":"main"' in text.replace(" ", "")
        # a community is named by a question, so without one there is none (tests/dashboard/views/test_options.py opens real ones)
        assert "There is nothing here" not in text or page.name == "community"
        json.loads(text, parse_constant=lambda name: pytest.fail(f"{path} holds {name}"))


def test_every_page_has_a_title_that_says_which_and_where(tiny, client):
    titles = {}
    for page in PAGES:
        titles[page.name] = Links(client.get(path_of(page, tiny)).text).title
    assert all("Tinyland" in title for title in titles.values())
    assert len(set(titles.values())) == len(PAGES)


def test_pages_are_found_by_their_address():
    assert find_page("/")[0].name == "explore"
    assert find_page("/catalogue/")[0].name == "catalogue"
    assert find_page("/areas/E01008162") == (next(p for p in PAGES if p.name == "area"), {"code": "E01008162"})
    for path in ("/areas/", "/areas/a/b", "/nonsense", "/catalogue/x", "/Catalogue"):
        assert find_page(path)[0] is None, path


def test_an_unknown_page_says_so_and_offers_the_way_back(client):
    page = client.get("/nonsense")
    assert "Not found" in Links(page.text).title
    layout = client.get("/_dash-layout", headers={"Referer": "http://localhost/nonsense"}).get_json()
    assert "There is no page at /nonsense." in json.dumps(layout)
    area = client.get("/_dash-layout", headers={"Referer": "http://localhost/areas/<script>"}).text
    assert "There is nothing here" in area


def test_an_unknown_page_has_the_status_404(client):
    assert client.get("/nonsense").status_code == 404


def test_a_layout_request_without_a_referrer_shows_the_start_page(client):
    plain = client.get("/_dash-layout")
    assert plain.status_code == 200
    assert "selection" in plain.text
    for strange in (
        "about:blank",
        "http://localhost",
        "x" * 3000,
        "http://elsewhere.example/catalogue?q=%00",
    ):
        assert client.get("/_dash-layout", headers={"Referer": strange}).status_code in (200, 400), strange


def test_a_referrer_that_is_no_address_shows_the_start_page(client):
    assert client.get("/_dash-layout", headers={"Referer": "http://[bad"}).status_code == 200


def test_the_router_shows_the_page_of_the_address(client):
    def route(path, search, before):
        body = {
            "output": "..page.children...route.data..",
            "outputs": [{"id": "page", "property": "children"}, {"id": "route", "property": "data"}],
            "inputs": [{"id": "location", "property": "pathname", "value": path}],
            "state": [
                {"id": "location", "property": "search", "value": search},
                {"id": "route", "property": "data", "value": before},
            ],
            "changedPropIds": [],
        }
        response = client.post("/_dash-update-component", json=body)
        return response.get_json()["response"] if response.status_code == 200 else None

    assert "Crowded homes" in json.dumps(route("/catalogue", "?q=crowded", "/"))
    assert "There is no page" in json.dumps(route("/nonsense", "", "/"))
    assert not route("/catalogue", "", "/catalogue")  # it is there already


def test_a_callback_with_nonsense_from_a_browser_never_shows_a_trace(client):
    for data in (None, {}, {"need": ["x"]}, {"level": 7, "services": None}, {"area": "'; drop"}, {"at": ["a", "b"]}):
        body = {
            "output": "area-panel.children",
            "outputs": {"id": "area-panel", "property": "children"},
            "inputs": [{"id": "selection", "property": "data", "value": data}],
            "changedPropIds": ["selection.data"],
        }
        response = client.post("/_dash-update-component", json=body)
        assert response.status_code == 200, data
        assert "Traceback" not in response.text


# ---------------------------------------------------------------- the page as the browser gets it


def test_the_page_starts_fetching_what_the_map_needs_at_once(client):
    links = Links(client.get("/?need=crowded&level=lsoa&classes=7").text)
    assert [link.partition("?")[0].rsplit(".", 2)[0] for link in links.preloads] == [
        "/data/shapes/lsoa-outlines",
        "/data/classes",
    ]
    for link in links.preloads:
        assert client.get(link).status_code == 200
    assert links.preloads[1].endswith("?need=crowded&level=lsoa&classes=7")
    assert Links(client.get("/catalogue").text).preloads == []


def test_the_preload_is_what_the_page_settles_on(client):
    links = Links(client.get("/?need=gone&level=street").text)
    assert links.preloads[1] == "/data/classes?need=harm&level=lsoa"


def test_nothing_is_fetched_from_another_host(client, tiny):
    for page in PAGES:
        html = client.get(path_of(page, tiny)).text
        for address in Links(html).found:
            assert address.startswith(("/", "#")), address
            assert not address.startswith("//"), address
        assert "cdn" not in html.lower()


def test_what_a_link_says_cannot_become_markup(client):
    html = client.get('/?need="><script>alert(1)</script>&level=lsoa"onload=x').text
    assert "<script>alert(1)" not in html
    assert "onload=x" not in html


def test_the_name_of_a_region_cannot_become_markup(bare):
    html = create_app(bare, "key").server.test_client().get("/").text
    assert "Bare & <empty>" not in html.partition("<body>")[0]


def test_scripts_that_the_page_names_exist(client):
    for address in Links(client.get("/").text).found:
        if address.startswith(("/assets/", "/_dash-component-suites/")):
            assert client.get(address).status_code == 200, address


def test_pages_work_without_a_single_inline_script_of_ours(client):
    """The policy allows no inline script but Dash's own, by their hashes."""
    import base64
    import hashlib

    response = client.get("/")
    allowed = set(re.findall(r"'sha256-([^']+)'", response.headers["Content-Security-Policy"]))
    scripts = re.findall(r"<script(?![^>]*\bsrc=)([^>]*)>(.*?)</script>", response.text, re.S)
    assert scripts
    for attributes, code in scripts:
        if "application/json" in attributes:
            continue
        digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        assert digest in allowed, code[:80]
    assert not re.search(r"\son\w+=", re.sub(r"<script.*?</script>", "", response.text, flags=re.S))


# ---------------------------------------------------------------- headers

EVERYWHERE = [
    "/",
    "/catalogue",
    "/nonsense",
    "/api/v1/layers",
    "/api/v1/nonsense",
    "/data/classes",
    "/healthz",
    "/_dash-layout",
]


@pytest.mark.parametrize("address", EVERYWHERE)
def test_every_answer_carries_the_headers_that_protect(client, address):
    headers = client.get(address).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert headers["Referrer-Policy"] == "same-origin"
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["connect-src"] == "'self'"
    assert policy["object-src"] == policy["base-uri"] == "'none'"
    assert policy["frame-ancestors"] == "'self'"
    assert "unsafe-eval" not in str(policy)
    assert "unsafe-inline" not in policy["script-src"]
    assert not re.search(r"https?:|\*", headers["Content-Security-Policy"])


def test_a_basemap_that_is_configured_may_be_fetched_and_nothing_else(tiny):
    import dataclasses

    published = dataclasses.replace(tiny, tiles_url="https://{s}.tiles.example.org/{z}/{x}/{y}.png")
    policy = create_app(published, "key").server.test_client().get("/").headers["Content-Security-Policy"]
    assert re.findall(r"https?://\S+?(?=[; ])", policy) == ["https://*.tiles.example.org"]
    assert "img-src 'self' data: blob: https://*.tiles.example.org;" in policy


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),  # a script or command
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),  # another host of the same domain is another site to us
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
    ],
)
def test_writes_from_other_sites_are_refused(client, headers, status):
    body = {
        "output": "search.data",
        "outputs": {"id": "search", "property": "data"},
        "inputs": [{"id": "search", "property": "searchValue", "value": "square"}],
        "changedPropIds": ["search.searchValue"],
    }
    assert client.post("/_dash-update-component", json=body, headers=headers).status_code == status


def test_a_body_that_is_too_large_is_refused(client):
    response = client.post("/_dash-update-component", data=b"x" * (3 * 1024 * 1024), content_type="application/json")
    assert response.status_code in (400, 413)


def test_the_viewer_outside_a_request_is_the_public():
    assert not current_viewer().signed_in
