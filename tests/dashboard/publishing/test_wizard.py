"""The wizard through a test client: every step, everything that can be refused, and that nothing is lost or left behind."""

from __future__ import annotations

import html
import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from dashboard.app import create_app
from dashboard.auth.session import COOKIE
from dashboard.components.plain import plain_html
from dashboard.components.shell import header
from dashboard.published import Published
from dashboard.publishing import templates
from dashboard.publishing.answers import slug
from layers import PUBLIC, SYSTEM, Drafts, NotFound, Viewer, load_region, open_store
from layers.store.store import migrations
from tests.databases import copy_database, database_url

ROOT = Path(__file__).resolve().parents[3]
CODES = [f"T{i:02d}" for i in range(1, 17)]
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

DESCRIBED = {
    "title": "Noisy streets",
    "theme": "housing",
    "measure": "percentage",
    "unit": "% of streets",
    "direction": "high-is-worse",
    "period": "2025",
    "source_title": "Street survey",
    "licence": "OGL-UK-3.0",
    "contact": "noise@westshire.example",
    "counts_people": "no",
    "audience": "public",
}


PEOPLE = (
    ("ann", "analyst", "westshire"),
    ("bob", "analyst", "westshire"),
    ("eve", "analyst", "eastshire"),
    ("vic", "viewer", "westshire"),
    ("root", "admin", "icb"),
)


class Site:
    """One application over the store in ``home``, and the wizard in words."""

    def __init__(self, region, home: Path, *, fill: bool = True):
        self.at = NOON
        self.store = open_store(database_url(home / "store.sqlite"), region, fill=fill, clock=lambda: self.at)
        self.home = home
        self.app = create_app(Published(region, self.store, home), "a key for the tests only").server

    def client(self, name: str = ""):
        """A browser in which somebody is signed in; how people sign in is tested elsewhere."""
        client = self.app.test_client()
        if name:
            client.set_cookie(COOKIE, self.store.accounts.start_session(name))
        return client

    def files(self) -> list[Path]:
        return [path for path in (self.home / "uploads").rglob("*") if path.is_file()]

    def actions(self) -> list[str]:
        return [line.action for line in self.store.audit(SYSTEM)]


@pytest.fixture(scope="module")
def filled(tiny_region, tmp_path_factory) -> Path:
    """A store with layers and people to copy: filling one takes longer than most tests."""
    file = tmp_path_factory.mktemp("filled") / "store.sqlite"
    store = open_store(database_url(file), tiny_region, clock=lambda: NOON)
    for name, role, partner in PEOPLE:
        store.accounts.add_user(name, role=role, partner=partner, by=SYSTEM)
    store.close()
    return file


@pytest.fixture
def site(tiny_region, filled, tmp_path):
    copy_database(filled, tmp_path / "store.sqlite")
    made = Site(tiny_region, tmp_path)
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demonstration region without its layers: older boundaries and real postcodes."""
    made = Site(load_region(ROOT / "data/demo"), tmp_path_factory.mktemp("demo"), fill=False)
    made.store.accounts.add_user("ann", role="analyst", partner="newcastle", by=SYSTEM)
    yield made
    made.store.close()


def table(column="numerator", first=1, **more) -> pd.DataFrame:
    return pd.DataFrame({"area_code": CODES, column: range(first, first + 16), **more})


def streets() -> pd.DataFrame:
    """Area i has i noisy streets of 50: 2 % for T01, 32 % for T16."""
    return table(denominator=50)


def send(client, frame, filename="streets.csv", to="/publish/upload", accept="", **fields):
    raw = frame if isinstance(frame, bytes) else frame.to_csv(index=False).encode()
    data = {"file": (io.BytesIO(raw), filename), **fields}
    headers = {"Accept": accept} if accept else {}
    return client.post(to, data=data, content_type="multipart/form-data", headers=headers)


def revision(text: str) -> str:
    return re.search(r'name="revision" value="(\d+)"', text)[1]


def roles_on(text: str) -> dict[str, str]:
    """What the page has chosen for each role."""
    out = {}
    for role, options in re.findall(r'name="role-(\w+)"[^>]*>(.*?)</select>', text, flags=re.S):
        chosen = re.search(r"<option selected>(.*?)</option>", options)
        out[f"role-{role}"] = html.unescape(chosen[1]) if chosen else ""
    return out


def begin(client, frame, filename="streets.csv", **fields) -> str:
    """Upload; the address of the draft."""
    answer = send(client, frame, filename, **fields)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"].rsplit("/", 1)[0]


def step(client, draft: str, name: str, **data):
    """Fill one step in and press its button."""
    page = client.get(f"{draft}/{name}")
    assert page.status_code == 200, (name, page.status_code, page.headers.get("Location"))
    given = {"revision": revision(page.text), "action": "next"}
    if name == "columns":
        kind = re.search(r'value="(\w+)" id=f-kind checked|value="(\w+)" checked', page.text)
        given |= {"kind": kind[1] or kind[2], **roles_on(page.text)}
    if name == "preview":
        given["expecting"] = re.findall(r'name="expecting" value="(\d+)"', page.text)
    if name == "publish":
        given |= {"action": "publish", "when": "now", "note": "As agreed."}
    return client.post(f"{draft}/{name}", data=given | data)


def walk(client, draft: str, to: str = "publish", **described) -> None:
    """Every step before ``to``."""
    for name in ("columns", "describe", "check", "preview"):
        if name == to:
            return
        answer = step(client, draft, name, **(DESCRIBED | described if name == "describe" else {}))
        assert answer.status_code == 303, (name, re.findall(r'class="field-error".*?</span>.*?</span>', answer.text))


def publish(client, frame, **described) -> str:
    draft = begin(client, frame)
    walk(client, draft, **described)
    answer = step(client, draft, "publish")
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


# -- the whole way -----------------------------------------------------------------------------------------------------


def test_from_a_csv_to_the_public_map(site):
    ann = site.client("ann")
    where = publish(ann, streets())
    assert where == "/catalogue/noisy-streets-westshire?published=1"
    layer = site.store.layer("noisy-streets-westshire", PUBLIC)
    assert (layer.title, layer.partner, layer.period, layer.version) == ("Noisy streets", "westshire", "2025", 1)
    values = site.store.values("noisy-streets-westshire", "lsoa", PUBLIC).frame
    assert values["value"].tolist() == pytest.approx([2.0 * i for i in range(1, 17)])  # i / 50
    # West is T01 T02 T05 T06 T09 T10 T13 T14: 60 of 8 * 50 streets = 15 %
    lads = site.store.values("noisy-streets-westshire", "lad", PUBLIC).frame.set_index("area_code")["value"]
    assert lads["TA"] == pytest.approx(15.0)
    assert site.files() == []  # the draft and its file are gone
    assert site.actions()[:2] == ["draft-published", "publish"]
    assert "Noisy streets" in site.client().get(where).text
    assert "noisy-streets-westshire" in site.client().get("/api/v1/layers").text


def test_every_step_can_be_left_and_come_back_to(site):
    ann = site.client("ann")
    draft = begin(ann, streets())
    assert step(ann, draft, "columns").headers["Location"].endswith("/describe")
    # half an answer, then away
    answer = step(ann, draft, "describe", title="Noisy streets", unit="% of streets", action="later")
    assert answer.headers["Location"] == "/publish"
    start = site.client("ann").get("/publish").text
    assert "Noisy streets" in start and f"{draft}/describe" in start
    page = ann.get(f"{draft}/describe").text
    assert 'value="Noisy streets"' in page and 'value="% of streets"' in page
    # a later step is not open yet; the address of the draft leads to where one was
    assert ann.get(f"{draft}/publish").headers["Location"].endswith("/describe")
    assert ann.get(draft).headers["Location"].endswith("/describe")


def test_what_is_missing_is_said_beside_the_field_and_linked_from_the_top(site):
    ann = site.client("ann")
    draft = begin(ann, streets())
    step(ann, draft, "columns")
    answer = step(ann, draft, "describe", title="Noisy streets", source_url="javascript:alert(1)")
    assert answer.status_code == 422
    assert "<title>Problem: " in answer.text
    links = re.findall(r'<a href="#(f-[\w-]+)">', answer.text)
    assert "f-theme" in links and "f-source_url" in links and "f-title" not in links
    for link in links:
        assert f'id="{link}"' in answer.text or f"id={link}" in answer.text, link
    assert 'value="Noisy streets"' in answer.text  # what was right stays
    assert 'value="javascript:alert(1)"' in ann.get(f"{draft}/describe").text  # and is saved for correction


def test_an_error_in_the_file_stops_and_a_corrected_file_goes_on(site):
    ann = site.client("ann")
    wrong = streets().astype(object)
    wrong.loc[3, "numerator"] = "four"
    wrong.loc[len(wrong)] = ["X99", 1, 50]
    draft = begin(ann, wrong)
    walk(ann, draft, to="check")
    page = ann.get(f"{draft}/check").text
    assert "1 error must be put right first" in page
    assert re.search(r"<td>5</td><td>numerator</td><td>.*four.* is not a number", html.unescape(page))
    assert step(ann, draft, "check").status_code == 422
    rejected = ann.get(f"{draft}/rejected.csv").text
    assert "X99" in rejected and "unknown code" in rejected
    assert "not-a-number" in ann.get(f"{draft}/findings.csv").text
    assert send(ann, streets(), "better.csv", to=f"{draft}/upload").headers["Location"].endswith("/check")
    assert len(site.files()) == 1  # the wrong file is gone
    assert "This can be published." in ann.get(f"{draft}/check").text
    assert step(ann, draft, "check").headers["Location"].endswith("/preview")


def test_only_codes_of_both_years_are_asked_about_never_guessed(demo):
    lookup = demo.store.region.lookups["lsoa_2011_2021"]
    same = lookup.loc[lookup["change"] == "U", "code_2011"].head(100)
    frame = pd.DataFrame({"LSOA": list(same), "Score": range(100)})
    ann = demo.client("ann")
    draft = begin(ann, frame)
    walk(ann, draft, to="check", title="Asked", measure="score", unit="points")
    page = ann.get(f"{draft}/check").text
    assert "Which boundaries were the numbers counted on?" in page
    assert step(ann, draft, "check").status_code == 422  # not without an answer
    assert step(ann, draft, "check", action="place").status_code == 422
    answer = step(ann, draft, "check", action="place", place="lsoa:2011")
    assert answer.headers["Location"].endswith("/check")
    assert "You said 2011" in ann.get(f"{draft}/check").text
    assert step(ann, draft, "check").headers["Location"].endswith("/preview")


def test_services_with_postcodes_only(demo):
    frame = pd.DataFrame(
        {"Service": ["City clinic", "Nowhere"], "Post code": ["NE1 4LP", "ZZ99 9ZZ"], "Opening hours": ["9 to 5", ""]}
    )
    ann = demo.client("ann")
    draft = begin(ann, frame, "clinics.csv")
    walk(ann, draft, title="Walk-in clinics", theme="health", max_m="1600")
    page = ann.get(f"{draft}/check").text
    assert "1 row is kept out" in page
    assert 'data-points="[[-1.6' in ann.get(f"{draft}/preview").text
    assert step(ann, draft, "publish").headers["Location"] == "/catalogue/walk-in-clinics-newcastle?published=1"
    sites = demo.store.services("walk-in-clinics-newcastle", PUBLIC)
    assert sites["name"].tolist() == ["City clinic"]
    assert sites["location_from"].tolist() == ["postcode"]
    assert demo.store.layer("walk-in-clinics-newcastle", PUBLIC).descriptor.access_standard.max_m == 1600


def test_several_columns_become_several_layers(site):
    ann = site.client("ann")
    frame = table("Damp homes (%)").assign(**{"Cold homes (%)": range(16, 0, -1)})
    draft = begin(ann, frame)
    step(ann, draft, "columns", several=["Damp homes (%)", "Cold homes (%)"])
    page = ann.get(f"{draft}/describe").text
    assert 'value="Damp homes (%)"' in page  # each proposes its own title
    own = {}
    for n, title in enumerate(("Damp homes", "Damp homes")):
        own |= {f"each-{n}-title": title, f"each-{n}-measure": "percentage", f"each-{n}-unit": "% of homes"}
        own |= {f"each-{n}-direction": "high-is-worse"}
    answer = step(ann, draft, "describe", **(DESCRIBED | own))
    assert answer.status_code == 422 and "another column has the same title" in answer.text
    own["each-1-title"] = "Cold homes"
    assert step(ann, draft, "describe", **(DESCRIBED | own)).status_code == 303
    step(ann, draft, "check")
    step(ann, draft, "preview")
    answer = step(ann, draft, "publish")
    assert answer.headers["Location"] == "/publish?published=damp-homes-westshire%2Ccold-homes-westshire"
    assert "2 layers are published" in ann.get(answer.headers["Location"]).text
    assert site.store.values("damp-homes-westshire", "lsoa", PUBLIC).frame["value"].tolist() == list(range(1, 17))
    assert site.store.values("cold-homes-westshire", "lsoa", PUBLIC).frame["value"].tolist() == list(range(16, 0, -1))


# -- who may -----------------------------------------------------------------------------------------------------------


def test_without_an_account_one_is_sent_to_sign_in(site):
    nobody = site.client()
    assert "Sign in to publish" in nobody.get("/publish").text
    assert send(nobody, streets()).headers["Location"] == "/sign-in?next=/publish/upload"
    assert nobody.get("/publish/0123456789abcdef/check").status_code == 303
    assert nobody.get("/publish/templates/rates.csv").status_code == 200


def test_a_viewer_may_not_publish(site):
    vic = site.client("vic")
    assert "may look but not publish" in vic.get("/publish").text
    assert send(vic, streets()).status_code == 403
    assert site.files() == []


def wizard_routes(site) -> list[tuple[str, str]]:
    """(method, rule) of every address that takes a draft, read from the application so that none is forgotten."""
    rules = [rule for rule in site.app.url_map.iter_rules() if rule.rule.startswith("/publish/<draft_id>")]
    return sorted((method, rule.rule) for rule in rules for method in rule.methods & {"GET", "POST", "PUT", "DELETE"})


def test_another_partners_draft_does_not_exist(site):
    """Every address of the wizard, read and written, answers about it exactly as about one that never was."""
    ann = site.client("ann")
    draft, missing = begin(ann, streets()), "/publish/0123456789abcdef"
    walk(ann, draft)  # as far as it goes: every step would be open
    step(ann, draft, "publish", action="ask", asked_of="bob")
    stood = Drafts(site.store).get(draft.rsplit("/", 1)[1], Viewer("ann", "westshire", "analyst"))
    eve, routes = site.client("eve"), wizard_routes(site)
    told = len(site.store.audit(SYSTEM))
    assert len(routes) >= 15, routes
    for method, rule in routes:
        answers = []
        for where in (draft, missing):
            address = rule.replace("/publish/<draft_id>", where)
            data = {"action": "later", "revision": str(stood.revision), "title": "Mine now", "place": "lsoa:2021"}
            if rule.endswith("/upload"):
                data["file"] = (io.BytesIO(b"area_code,value\nT01,1\n"), "mine.csv")
            for headers in ({}, {"X-Autosave": "1"}):
                if "file" in data:
                    data["file"] = (io.BytesIO(b"area_code,value\nT01,1\n"), "mine.csv")
                answer = eve.open(address, method=method, data=data if method == "POST" else None, headers=headers)
                answers.append((answer.status_code, answer.text, answer.headers.get("Location")))
        assert answers[0] == answers[2] and answers[1] == answers[3], (method, rule)
        assert answers[0][0] == answers[1][0] == 404, (method, rule)
    now = Drafts(site.store).get(stood.id, Viewer("ann", "westshire", "analyst"))
    assert now == stood and len(site.files()) == 1 and len(site.store.audit(SYSTEM)) == told
    assert "streets.csv" not in eve.get("/publish").text
    assert "streets.csv" in site.client("bob").get("/publish").text  # a colleague sees it
    assert site.client("root").get(f"{draft}/columns").status_code == 200


def test_a_viewer_and_a_stranger_reach_no_draft(site):
    draft = begin(site.client("ann"), streets())
    for method, rule in wizard_routes(site):
        address = rule.replace("/publish/<draft_id>", draft)
        assert site.client("vic").open(address, method=method).status_code == 403, rule
        answer = site.client().open(address, method=method)
        assert answer.status_code == 303 and answer.headers["Location"].startswith("/sign-in"), rule


def test_somebody_who_was_an_analyst_reaches_no_draft(site):
    ann = site.client("ann")
    draft = begin(ann, streets())
    site.store.accounts.change_user("ann", role="viewer", by=SYSTEM)
    assert ann.get(f"{draft}/columns").status_code == 403
    site.store.accounts.change_user("ann", role="analyst", partner="eastshire", by=SYSTEM)
    assert ann.get(f"{draft}/columns").status_code == 404


def test_an_analyst_publishes_for_their_own_partner_whatever_the_form_says(site):
    publish(site.client("ann"), streets(), partner="eastshire")
    assert site.store.layer("noisy-streets-westshire", PUBLIC).partner == "westshire"
    root = site.client("root")
    draft = begin(root, streets())
    walk(root, draft, title="Of the east", partner="eastshire")
    assert step(root, draft, "publish").status_code == 303
    assert site.store.layer("of-the-east-eastshire", PUBLIC).partner == "eastshire"


def test_an_id_of_an_own_layer_is_refused_early(site):
    ann = site.client("ann")
    publish(ann, streets())
    draft = begin(ann, streets())
    step(ann, draft, "columns")
    answer = step(ann, draft, "describe", **DESCRIBED)
    assert answer.status_code == 422 and "There is already a layer noisy-streets-westshire" in answer.text
    answer = step(ann, draft, "describe", **DESCRIBED, id="Noisy Streets")
    assert answer.status_code == 422 and "small letters, digits and hyphens" in answer.text


def test_trying_names_tells_nobody_which_hidden_layers_there_are(site):
    """Eve tries the name of a layer that only Westshire sees, and one that does not exist: every page is the same."""
    publish(site.client("ann"), streets(), audience="owner")
    eve = site.client("eve")
    refusals = [
        send(eve, streets(), layer=name).text.replace(name, "NAME")
        for name in ("noisy-streets-westshire", "none-such-westshire")
    ]
    assert refusals[0] == refusals[1]  # nor can a version of it be begun, in the words for one that is not there
    told = []
    for name in ("noisy-streets-westshire", "quiet-streets-westshire"):
        draft = begin(eve, streets())
        walk(eve, draft, to="describe")
        assert step(eve, draft, "describe", **DESCRIBED, id=name).headers["Location"].endswith("/check")
        walk_on(eve, draft)
        text = eve.get(f"{draft}/publish").text
        answer = step(eve, draft, "publish")
        told.append(
            (answer.status_code, text.replace(name, "NAME").replace(draft, "DRAFT"), answer.headers["Location"])
        )
        assert answer.headers["Location"] == f"/catalogue/{name}-eastshire?published=1"
    assert told[0][:2] == told[1][:2]
    assert site.store.layer("noisy-streets-westshire", Viewer("ann", "westshire", "analyst")).partner == "westshire"


def test_the_id_of_an_admins_layer_ends_in_the_partner_it_is_for(site):
    root = site.client("root")
    draft = begin(root, streets())
    walk(root, draft, partner="westshire", audience="owner", id="odd-eastshire")
    assert step(root, draft, "publish").headers["Location"].startswith("/catalogue/odd-eastshire-westshire")


def test_nobody_begins_a_version_of_a_layer_that_is_not_theirs(site):
    answer = send(site.client("eve"), streets(), layer="crowded")
    assert answer.status_code == 422 and "no such layer of yours" in answer.text
    assert site.files() == []


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"", "empty.csv"),
        (b"\x7fELF" + b"\0" * 200, "tool.csv"),
        (b"PK\x03\x04 not a zip", "table.xlsx"),
        (b"<html><body>404</body></html>", "page.csv"),
    ],
)
def test_a_refused_upload_leaves_an_audit_line_and_nothing_else(site, raw, name):
    ann = site.client("ann")
    before = len(site.store.audit(SYSTEM))
    answer = send(ann, raw, name)
    assert answer.status_code == 422 and "Nothing was kept." in answer.text
    assert site.files() == []
    assert "There are none." in ann.get("/publish").text
    lines = site.store.audit(SYSTEM)
    assert len(lines) == before + 1
    assert (lines[0].action, lines[0].by, lines[0].detail["filename"]) == ("upload-refused", "ann", name)
    told = send(ann, raw, name, accept="application/json")
    assert told.status_code == 422 and told.json["faults"]


def test_a_file_above_the_cap_is_stopped_while_it_comes(site, monkeypatch):
    from dashboard.publishing.uploads import Uploads

    monkeypatch.setattr(Uploads.__init__, "__defaults__", (1000,))
    capped = create_app(Published(site.store.region, site.store, site.home), "k").server.test_client()
    capped.set_cookie(COOKIE, site.store.accounts.start_session("ann"))
    answer = send(capped, b"area_code,value\n" + b"T01,1\n" * 1000)
    assert answer.status_code == 422 and "larger than" in answer.text
    assert site.files() == []


def test_a_form_without_a_file_or_cut_off_is_refused(site):
    ann = site.client("ann")
    assert ann.post("/publish/upload", data={}).status_code == 422
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\narea_code,value\nT01'
    answer = ann.post("/publish/upload", data=body, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 422
    assert site.files() == []


def test_names_and_headers_from_a_file_are_text_and_nothing_else(site):
    ann = site.client("ann")
    evil = "<img src=x onerror=alert(1)>"
    draft = begin(ann, table(evil), f"{evil}.csv")
    for name in ("columns", "describe"):
        assert "<img src=x" not in ann.get(f"{draft}/{name}").text
        step(ann, draft, name, **(DESCRIBED | {"title": evil} if name == "describe" else {}))
    for name in ("check", "preview"):
        assert "<img src=x" not in ann.get(f"{draft}/{name}").text
    assert "<img src=x" not in ann.get("/publish").text


def test_discarding_takes_the_file_away(site):
    ann = site.client("ann")
    draft = begin(ann, streets())
    assert len(site.files()) == 1
    assert ann.post(f"{draft}/discard").headers["Location"] == "/publish"
    assert site.files() == []
    assert ann.get(f"{draft}/columns").status_code == 404
    assert site.actions()[0] == "draft-discarded"


@pytest.mark.parametrize("kind", [kind for kind, *_ in templates.OFFERED])
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_templates_come_back_recognised(site, kind, form):
    ann = site.client("ann")
    raw = ann.get(f"/publish/templates/{kind}.{form}").data
    frame = pd.read_csv(io.BytesIO(raw)) if form == "csv" else pd.read_excel(io.BytesIO(raw))
    if kind == "services":
        assert {"name", "postcode"} <= set(frame)
        return
    for column in {"numerator", "denominator", "value"} & set(frame):
        frame[column] = 7
    page = ann.get(f"{begin(ann, frame, 'filled.csv')}/columns").text
    found = roles_on(page)
    assert found["role-area_code"] == "area_code"
    assert found["role-value"] == "value" or found["role-numerator"] == "numerator"
    assert ann.get("/publish/templates/secrets.csv").status_code == 404


# -- two people --------------------------------------------------------------------------------------------------------


def test_two_people_on_one_draft_are_told(site):
    ann, bob = site.client("ann"), site.client("bob")
    draft = begin(ann, streets())
    step(ann, draft, "columns")
    old = ann.get(f"{draft}/describe").text
    assert step(bob, draft, "describe", **(DESCRIBED | {"title": "Bob was here"})).status_code == 303
    answer = ann.post(f"{draft}/describe", data={"revision": revision(old), **DESCRIBED, "title": "Ann was here"})
    assert answer.status_code == 409
    assert "bob changed this draft" in answer.text and 'value="Ann was here"' in answer.text
    assert 'value="Bob was here"' in ann.get(f"{draft}/describe").text  # nothing was written over
    again = {"revision": revision(answer.text), **DESCRIBED, "title": "Ann was here"}
    assert ann.post(f"{draft}/describe", data=again).status_code == 303
    assert 'value="Ann was here"' in bob.get(f"{draft}/describe").text


def test_saving_while_typing(site):
    ann, bob = site.client("ann"), site.client("bob")
    draft = begin(ann, streets())
    step(ann, draft, "columns")
    at = revision(ann.get(f"{draft}/describe").text)
    quiet = {"X-Autosave": "1"}
    saved = ann.post(f"{draft}/describe", data={"revision": at, "title": "Half a ti"}, headers=quiet)
    assert saved.json == {"revision": int(at) + 1}
    assert 'value="Half a ti"' in bob.get(f"{draft}/describe").text
    late = bob.post(f"{draft}/describe", data={"revision": at, "title": "Other"}, headers=quiet)
    assert late.status_code == 409 and "ann" in late.json["message"]


def test_overtaken_by_another_version(site):
    publish(site.client("ann"), streets())
    ann, bob = site.client("ann"), site.client("bob")
    mine, his = (
        begin(c, table(denominator=50, first=n), layer="noisy-streets-westshire") for c, n in ((ann, 2), (bob, 3))
    )
    for client, draft in ((ann, mine), (bob, his)):
        walk(client, draft)
    assert step(bob, his, "publish").status_code == 303
    answer = step(ann, mine, "publish")
    assert answer.status_code == 409
    assert "Version 2 was published meanwhile; you were working from version 1" in answer.text
    assert site.store.layer("noisy-streets-westshire", PUBLIC).version == 2
    assert "Version 2" in ann.get("/catalogue/noisy-streets-westshire").text
    assert "Now: version 2" in ann.get(f"{mine}/preview").text
    assert step(ann, mine, "preview").status_code == 303
    assert step(ann, mine, "publish").status_code == 303
    assert site.store.layer("noisy-streets-westshire", PUBLIC).version == 3


def test_a_colleague_checks_before_it_goes_live(site):
    ann, bob = site.client("ann"), site.client("bob")
    draft = begin(ann, streets())
    walk(ann, draft)
    offered = re.findall(r'<option value="(\w+)">\1 \((analyst|admin)\)', ann.get(f"{draft}/publish").text)
    assert offered == [("bob", "analyst"), ("root", "admin")]  # not eve of Eastshire, not vic who may only look
    for name in ("ann", "eve", "vic", "nobody", ""):
        assert step(ann, draft, "publish", action="ask", asked_of=name).status_code == 422
    assert step(ann, draft, "publish", action="ask", asked_of="bob", check_words="The units?").status_code == 303
    page = ann.get(f"{draft}/publish").text
    assert "bob has been asked" in page and 'value="publish">Publish' not in page
    assert step(ann, draft, "publish").status_code == 422  # not before the check
    assert step(ann, draft, "publish", action="good").status_code == 422  # not by oneself
    assert "Waits for a check" in bob.get("/publish").text
    assert "The units?" in bob.get(f"{draft}/publish").text
    site.at += timedelta(days=1)
    bob = site.client("bob")
    assert step(bob, draft, "publish", action="good", check_words="Fine.").status_code == 303
    ann = site.client("ann")
    assert "bob on 3 March 2026" in ann.get(f"{draft}/publish").text
    # what was checked must be what is published: a change asks anew
    walk(ann, draft, to="check", unit="% of all streets")
    walk_on(ann, draft)
    assert "has been asked" in ann.get(f"{draft}/publish").text
    bob = site.client("bob")
    step(bob, draft, "publish", action="good")
    assert step(ann, draft, "publish", review_on="2027-03-01").status_code == 303
    newest = site.store.history("noisy-streets-westshire", Viewer("ann", "westshire", "analyst"))[0]
    assert (newest.checked_by, newest.review_on) == ("bob", "2027-03-01")
    assert (
        "checked by bob on 3 March 2026; to be reviewed on 1 March 2027"
        in ann.get("/catalogue/noisy-streets-westshire").text
    )
    layer = site.store.layer("noisy-streets-westshire", PUBLIC)
    assert (layer.descriptor.reviewed_by, layer.descriptor.reviewed_on) == ("bob", "2026-03-03")


def test_a_colleague_sends_it_back_and_the_request_is_taken_back(site):
    ann, bob = site.client("ann"), site.client("bob")
    draft = begin(ann, streets())
    walk(ann, draft)
    for action in ("good", "back"):
        assert "Somebody else than who asked must check it" in step(bob, draft, "publish", action=action).text
    seen = re.search(r'name="revision" value="(\d+)"', ann.get(f"{draft}/publish").text)[1]
    step(ann, draft, "publish", action="ask", asked_of="bob", check_words="The units?", note="The first.")
    assert step(bob, draft, "publish", action="good", revision=seen).status_code == 409
    assert step(bob, draft, "publish", action="back", check_words="Not yet.").status_code == 303
    page = ann.get(f"{draft}/publish").text
    assert "bob sent it back on 2 March 2026: “Not yet.”" in page and "Change what is wrong, then ask again" in page
    assert 'value="publish">Publish' not in page  # it still waits
    assert "The units?" in site.client("root").get(f"{draft}/publish").text  # who may say that it is right after all
    walk(ann, draft, to="check", unit="% of all streets")
    walk_on(ann, draft)
    page = ann.get(f"{draft}/publish").text  # another draft than the one that bob saw
    assert "bob was asked on 2 March 2026" in page and "sent it back" not in page
    assert step(ann, draft, "publish", action="recall").status_code == 303
    page = ann.get(f"{draft}/publish").text
    assert "Nobody yet" in page and 'value="publish">Publish' in page and 'value="The first."' in page
    assert "Waits for a check" not in bob.get("/publish").text
    about = {"id": draft.rsplit("/", 1)[1], "filename": "streets.csv"}
    lines = [line for line in site.store.audit(SYSTEM) if "check" in line.action or "back" in line.action]
    assert [(line.action, line.by, line.detail) for line in reversed(lines)] == [
        ("draft-check-asked", "ann", about | {"of": "bob"}),
        ("draft-sent-back", "bob", about | {"of": "bob"}),
        ("draft-check-recalled", "ann", about | {"of": ""}),
    ]
    assert step(ann, draft, "publish").status_code == 303
    newest = site.store.history("noisy-streets-westshire", Viewer("ann", "westshire", "analyst"))[0]
    assert (newest.checked_by, newest.checked_at) == ("", None)


def walk_on(client, draft):
    step(client, draft, "check")
    step(client, draft, "preview")


# -- versions ----------------------------------------------------------------------------------------------------------


def test_a_new_version_begins_with_what_was_said_before(site):
    publish(site.client("ann"), streets(), why_it_matters="Because of sleep.")
    ann = site.client("ann")
    draft = begin(ann, table(denominator=50, first=2), layer="noisy-streets-westshire")
    step(ann, draft, "columns")
    page = ann.get(f"{draft}/describe").text
    assert "Because of sleep." in page and 'value="% of streets"' in page and "a new version of this layer" in page
    step(ann, draft, "describe", period="2026", **{key: value for key, value in DESCRIBED.items() if key != "period"})
    step(ann, draft, "check")
    preview = ann.get(f"{draft}/preview").text
    assert "Now: version 1, 2025" in preview and "As it would be, 2026" in preview
    assert "16 change, 0 gain a figure and 0 lose theirs" in preview
    step(ann, draft, "preview")
    assert step(ann, draft, "publish", note="").status_code == 422  # a new version says what changed
    assert step(ann, draft, "publish", append="yes").status_code == 303
    assert site.store.layer("noisy-streets-westshire", PUBLIC).periods == ("2025", "2026")
    # 136 of 800 streets = 17 %, then 152 of 800 = 19 %
    text = site.client().get("/catalogue/noisy-streets-westshire").text
    assert "From 17% in 2025 to 19% of streets in 2026." in text
    assert "The region’s areas together" in text


def test_published_at_a_later_time(site):
    ann = site.client("ann")
    draft = begin(ann, streets())
    walk(ann, draft)
    assert step(ann, draft, "publish", when="later", date="2026-03-01", time="07:00").status_code == 422
    assert step(ann, draft, "publish", when="later", date="soon", time="").status_code == 422
    # 3 March 2026, 07:00 in the United Kingdom is 07:00 UTC
    assert step(ann, draft, "publish", when="later", date="2026-03-03", time="07:00").status_code == 303
    assert site.client().get("/catalogue/noisy-streets-westshire").status_code == 404
    assert "waits for its date" in ann.get("/catalogue/noisy-streets-westshire").text
    site.at = datetime(2026, 3, 3, 7, tzinfo=UTC)
    assert site.store.layer("noisy-streets-westshire", PUBLIC).version == 1
    assert site.client().get("/catalogue/noisy-streets-westshire").status_code == 200


def test_rolling_back_and_withdrawing(site):
    publish(site.client("ann"), streets())
    ann, eve, nobody = site.client("ann"), site.client("eve"), site.client()
    draft = begin(ann, table(denominator=50, first=2), layer="noisy-streets-westshire")
    walk(ann, draft)
    step(ann, draft, "publish")
    page = "/catalogue/noisy-streets-westshire"
    assert "Against version 1: 16 small areas changed (2025)." in ann.get(page).text
    assert ann.get(f"{page}/compare?a=1&b=2").status_code == 200
    undo = {"to": "1", "reason": "Wrong column", "newest": "2"}
    assert nobody.post(f"{page}/rollback", data=undo).headers["Location"].startswith("/sign-in")
    assert eve.post(f"{page}/rollback", data=undo).status_code == 403
    assert ann.post(f"{page}/rollback", data=undo | {"reason": " "}).status_code == 422
    assert ann.post(f"{page}/rollback", data=undo | {"newest": "1"}).status_code == 422
    assert ann.post(f"{page}/rollback", data=undo).status_code == 303
    assert site.store.layer("noisy-streets-westshire", PUBLIC).version == 1
    assert nobody.get(f"{page}/compare?a=1&b=2").text.count("Version 2") == 0  # closed to the public again
    assert ann.post(f"{page}/withdraw", data={"reason": "Under review", "newest": "2"}).status_code == 303
    told = re.findall(r"<li>(.*?)</li>", ann.get(page).text)
    assert told.count("Withdrawn by ann on 2 March 2026, 12:00: Under review") == 1
    assert told.count("Version 1 was shown again by ann on 2 March 2026, 12:00: Wrong column") == 1
    gone = nobody.get(page)
    assert gone.status_code == 410 and "Under review" in gone.text
    assert "Withdrawn on 2 March 2026" in ann.get(page).text
    assert nobody.get("/catalogue/none-such").status_code == 404
    assert 'id="undo"' not in nobody.get("/catalogue/crowded").text


def test_the_original_is_for_its_partner_only(site):
    assert site.client("ann").get("/catalogue/crowded/package.zip").status_code == 200
    for client in (site.client(), site.client("eve"), site.client("vic")):
        assert client.get("/catalogue/crowded/package.zip").status_code == 404


def test_a_hidden_layer_is_like_one_that_does_not_exist(site):
    publish(site.client("ann"), streets(), audience="owner")
    assert site.client("ann").get("/catalogue/noisy-streets-westshire").status_code == 200
    for client in (site.client(), site.client("eve")):
        hidden, missing = client.get("/catalogue/noisy-streets-westshire"), client.get("/catalogue/none-such")
        assert hidden.status_code == missing.status_code == 404
        assert hidden.text.replace("noisy-streets-westshire", "none-such") == missing.text
    with pytest.raises(NotFound):
        site.store.layer("noisy-streets-westshire", PUBLIC)


def test_small_counts_of_people_are_seen_by_nobody(site):
    """Counts of 1 to 7 people: T01 to T07. Neither the preview nor the record of the check gives them away."""
    ann = site.client("ann")
    draft = begin(ann, streets())
    walk(ann, draft, counts_people="yes", threshold="8")
    preview = ann.get(f"{draft}/preview").text
    assert "Withheld to protect people" in preview and "9 small areas of 16 have a figure" in preview
    step(ann, draft, "publish")
    values = site.store.values("noisy-streets-westshire", "lsoa", PUBLIC).frame
    assert values["status"].tolist()[:7] == ["suppressed"] * 7
    assert values["value"].isna().tolist()[:7] == [True] * 7
    version = site.store.history("noisy-streets-westshire", PUBLIC)[0]
    assert set(version.report["checks"]) == {
        "filename",
        "bytes",
        "format",
        "counts",
        "geography",
        "coverage",
        "rules",
        "columns",
        "read",
        "recipe",
    }


def test_a_line_breaks_where_figures_do_not_compare(site):
    from dashboard.drawing.trend_line import picture
    from dashboard.views.trend import trend

    publish(site.client("ann"), streets())
    ann = site.client("ann")
    draft = begin(ann, table(denominator=50, first=2), layer="noisy-streets-westshire")
    walk(ann, draft, period="2026", method="Counted by microphone.")
    step(ann, draft, "publish", append="no")
    layer, history = (
        site.store.layer("noisy-streets-westshire", PUBLIC),
        site.store.history("noisy-streets-westshire", PUBLIC),
    )
    line = trend(Published(site.store.region, site.store, site.home), layer, history, PUBLIC)
    assert [(p.period, p.value, p.version, p.joined) for p in line.points] == [
        ("2025", pytest.approx(17.0), 1, False),
        ("2026", pytest.approx(19.0), 2, False),
    ]
    assert [p.why for p in line.breaks] == ["the method changed"]
    drawn = picture(line, layer.descriptor.measure)
    assert drawn.paths == () and len(drawn.breaks) == 1 and len(drawn.dots) == 2
    assert "does not compare" in site.client().get("/catalogue/noisy-streets-westshire").text


# -- the frame ---------------------------------------------------------------------------------------------------------


def test_the_frame_is_that_of_every_other_page(site):
    text = site.client().get("/publish").text
    published = Published(site.store.region, site.store, site.home)
    assert str(plain_html(header(published, "/publish", PUBLIC))) in text
    assert "<script>" not in text and "onclick" not in text
    assert "Content-Security-Policy" in site.client().get("/publish").headers


def test_forms_from_another_site_are_refused(site):
    ann = site.client("ann")
    draft = begin(ann, streets())
    answer = ann.post(f"{draft}/discard", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert len(site.files()) == 1


def test_an_older_store_gets_the_table_of_drafts(tiny_region, tmp_path):
    store = open_store(database_url(tmp_path / "old.sqlite"), tiny_region, fill=False)
    with store.writing() as connection:
        connection.execute(sa.text("DROP TABLE drafts"))
        migrations.MIGRATIONS[1](connection)
    assert Drafts(store).list(SYSTEM) == ()
    store.close()


@pytest.mark.parametrize(
    ("title", "made"),
    [("Fuel poverty, 2024", "fuel-poverty-2024"), ("  ÄÖ  ", "layer"), ("100% of homes", "100-of-homes")],
)
def test_identifiers_from_titles(title, made):
    assert slug(title) == made


def test_the_style_sheets_do_not_claim_each_others_names():
    """A class of one style sheet that another one styles without saying where has broken these pages before."""

    def names(file: str, unscoped: bool) -> set[str]:
        text = re.sub(r"/\*.*?\*/", "", (ROOT / "assets" / file).read_text("utf-8"), flags=re.S)
        shape = r"(?:^|[,}])\s*\.([a-z][\w-]*)" if unscoped else r"\.([a-z][\w-]*)"
        return set(re.findall(shape, text))

    meant = {"more-options", "notices", "number", "swatch", "text-input"}
    assert names("app.css", True) & names("publish.css", True) - meant == set()


# -- several layers, several periods, and the region pack --------------------------------------------------------------


def two_columns(client, titles=("Damp homes", "Cold homes")) -> str:
    """A draft of two layers that is ready to be published."""
    draft = begin(client, table("Damp homes (%)").assign(**{"Cold homes (%)": range(16, 0, -1)}))
    step(client, draft, "columns", several=["Damp homes (%)", "Cold homes (%)"])
    own = {}
    for n, title in enumerate(titles):
        own |= {f"each-{n}-title": title, f"each-{n}-measure": "percentage", f"each-{n}-unit": "% of homes"}
        own |= {f"each-{n}-direction": "high-is-worse"}
    assert step(client, draft, "describe", **(DESCRIBED | own)).status_code == 303
    walk_on(client, draft)
    return draft


def test_several_layers_are_published_all_or_none(site, monkeypatch):
    """The second of two is overtaken between the preview and the button: the first is not published either."""
    from layers.store.layers import Layers

    ann, bob = site.client("ann"), site.client("bob")
    draft = two_columns(ann)
    publish(bob, table("value"), title="Cold homes", measure="percentage", unit="% of homes")
    before = site.actions().count("publish")
    answer = step(ann, draft, "publish")
    assert answer.status_code == 409 and "published meanwhile" in answer.text
    with pytest.raises(NotFound):
        site.store.layer("damp-homes-westshire", PUBLIC)
    assert site.actions().count("publish") == before
    # nor when the database fails at the second
    write, calls = Layers.write_version, []

    def failing(*args, **kwargs):
        calls.append(1)
        if len(calls) == 2:
            raise sa.exc.OperationalError("insert", {}, Exception("database or disk is full"))
        return write(*args, **kwargs)

    step(ann, draft, "preview")
    monkeypatch.setattr(Layers, "write_version", failing)
    assert "could not be written; nothing was changed" in step(ann, draft, "publish", note="Both.").text
    monkeypatch.undo()
    with pytest.raises(NotFound):
        site.store.layer("damp-homes-westshire", PUBLIC)
    assert step(ann, draft, "publish", note="Both.").status_code == 303
    assert site.store.layer("damp-homes-westshire", PUBLIC).version == 1
    assert site.store.layer("cold-homes-westshire", PUBLIC).version == 2


def test_the_preview_of_another_period_shows_the_whole_line(site):
    publish(site.client("ann"), streets())  # 136 of 800 = 17 %
    ann = site.client("ann")
    draft = begin(ann, table(denominator=50, first=2), layer="noisy-streets-westshire")  # 152 of 800 = 19 %
    walk(ann, draft, to="preview", period="2026")
    page = ann.get(f"{draft}/preview").text
    assert "From 17% in 2025 to 19% of streets in 2026." in page and "2025 stays beside" in page
    assert re.search(
        r"<option selected>2026</option>.*<option>2025</option>", page, flags=re.S
    )  # both can be looked at
    assert "As it would be, 2025" in ann.get(f"{draft}/preview?period=2025").text
    # without the old periods the line still has them, from the version before
    step(ann, draft, "preview")
    step(ann, draft, "publish", action="later", append="no")
    page = ann.get(f"{draft}/preview").text
    assert "From 17% in 2025 to 19% of streets in 2026." in page and "stays beside" not in page


def test_a_period_that_does_not_compare_is_said_before_publishing(site):
    publish(site.client("ann"), streets())
    ann = site.client("ann")
    draft = begin(ann, table("value"), layer="noisy-streets-westshire")
    walk(ann, draft, to="preview", period="2026", unit="% of homes")
    page = ann.get(f"{draft}/preview").text
    assert "cannot stay beside" in page and "does not compare" in page
    step(ann, draft, "preview")
    answer = step(ann, draft, "publish", append="yes")
    assert answer.status_code == 409 and "would not compare" in answer.text
    assert step(ann, draft, "publish", append="no").status_code == 303
    assert site.store.layer("noisy-streets-westshire", PUBLIC).periods == ("2026",)


def test_rounding_and_sensitive_zeros_are_asked_and_kept(site):
    ann = site.client("ann")
    draft = begin(ann, pd.DataFrame({"area_code": CODES, "value": [0, 3, 12, 13, *[20] * 12]}))
    walk(ann, draft, to="describe")
    wrong = DESCRIBED | {"measure": "count", "counts_people": "yes", "threshold": "8"}
    for base in ("1", "2.5", "lots"):
        answer = step(ann, draft, "describe", **wrong, rounding_base=base)
        assert answer.status_code == 422 and 'id="e-rounding_base"' in answer.text
    step(ann, draft, "describe", **wrong, rounding_base="5", zero_is_sensitive="yes")
    walk_on(ann, draft)
    assert step(ann, draft, "publish").status_code == 303
    layer = site.store.layer("noisy-streets-westshire", PUBLIC)
    rule = layer.descriptor.disclosure
    assert (rule.threshold, rule.rounding_base, rule.zero_is_sensitive) == (8, 5, True)
    shown = site.store.values("noisy-streets-westshire", "lsoa", PUBLIC).frame
    # 0 is sensitive, 3 is below 8; 12 becomes 10, 13 becomes 15, 20 stays
    assert shown["status"].head(4).tolist() == ["suppressed", "suppressed", "ok", "ok"]
    assert shown["value"].iloc[2:5].tolist() == [10, 15, 20]
    # the next version begins with the same answers
    draft = begin(ann, table("value"), layer="noisy-streets-westshire")
    step(ann, draft, "columns")
    page = ann.get(f"{draft}/describe").text
    assert 'name="rounding_base" type="text" value="5"' in page
    assert re.search(r'name="zero_is_sensitive" value="yes"[^>]* checked', page)


def test_a_layer_taken_over_from_the_pack_follows_it_again(site):
    ann, page = site.client("ann"), "/catalogue/crowded"
    assert "It follows the region pack" in ann.get(page).text
    was = site.store.values("crowded", "lsoa", PUBLIC).frame["value"].tolist()
    draft = begin(ann, table(denominator=50, first=2), layer="crowded")
    walk(ann, draft, to="publish", period="2021")
    assert step(ann, draft, "publish", append="no").status_code == 303
    text = ann.get(page).text
    assert "no longer follows it: version 2 was published over" in text.replace("&#39;", "'")
    assert "/catalogue/crowded/follow" not in site.client("eve").get(page).text
    give = {"reason": "The pack is better kept", "newest": "2"}
    assert site.client("eve").post(f"{page}/follow", data=give).status_code == 403
    assert site.client().post(f"{page}/follow", data=give).headers["Location"].startswith("/sign-in")
    assert ann.post(f"{page}/follow", data=give | {"reason": ""}).status_code == 422
    assert ann.post(f"{page}/follow", data=give).status_code == 303
    layer = site.store.layer("crowded", Viewer("ann", "westshire", "analyst"))
    assert layer.version == 3 and layer.note.startswith("Follows the region pack again")
    assert site.store.values("crowded", "lsoa", PUBLIC).frame["value"].tolist() == pytest.approx(was, nan_ok=True)
    assert "It follows the region pack" in ann.get(page).text
    assert ann.post(f"{page}/follow", data=give | {"newest": "3"}).status_code == 409  # it does already
