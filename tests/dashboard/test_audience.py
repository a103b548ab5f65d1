"""Who may see what, from end to end: every page, route, callback and command, for everybody who may ask.

Four secrets are published by Westshire: an indicator and a list of services for the partners, the same for itself only; one
more layer was withdrawn, one was public once, one waits for its date. What somebody may not see must leave no trace in any
answer, and must be answered exactly as if it did not exist.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from dashboard.app import create_app
from dashboard.cli import main
from dashboard.published import Published
from layers import SYSTEM, load_region, open_store
from tests.layers.store_fixtures import indicator, sites
from tests.tiny import write_tiny_pack

LATER = datetime(2099, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Secret:
    """A layer that not everybody may see. ``twin`` is an id of the same length that does not exist."""

    id: str
    twin: str
    audience: str  # partners | owner | nobody
    kind: str
    traces: tuple[str, ...]  # what must not stand in an answer to somebody who may not see it


SECRETS = (
    Secret("shared-beds", "shared-bets", "partners", "indicator", ("shared-beds", "Quincebeds")),
    Secret("shared-hubs", "shared-hugs", "partners", "services", ("shared-hubs", "Quincehubs", "Medlar hub")),
    Secret("own-debt", "own-dept", "owner", "indicator", ("own-debt", "Bullacedebt")),
    Secret("own-refuge", "own-refume", "owner", "services", ("own-refuge", "Bullacerefuge", "Damson house")),
    Secret("own-turned", "own-burned", "owner", "indicator", ("own-turned", "Bullaceturned")),
    Secret("own-gone", "own-done", "owner", "indicator", ("own-gone", "Bullacegone", "Sloe reason")),
)
WAITING = Secret("soon-shown", "soon-blown", "nobody", "indicator", ("soon-shown", "Wildingsoon"))

PEOPLE = {
    "public": None,
    "eve": ("viewer", "eastshire"),
    "eli": ("analyst", "eastshire"),
    "wendy": ("viewer", "westshire"),
    "wes": ("analyst", "westshire"),
    "ada": ("admin", "icb"),
}
OWNERS = {"wendy", "wes", "ada"}


def may_see(person: str, secret: Secret) -> bool:
    if secret.audience == "nobody":
        return person in ("wes", "ada")  # those who may change it
    return person in OWNERS if secret.audience == "owner" else person != "public"


def pairs(*, seen: bool, but: str = ""):
    return [
        pytest.param(person, secret, id=f"{person}-{secret.id}")
        for person in PEOPLE
        for secret in (*SECRETS, WAITING)
        if may_see(person, secret) is seen and person != but  # eli sees what eve sees
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("audience")


@pytest.fixture(scope="module")
def here(home):
    pack = write_tiny_pack(home / "tiny")
    file = pack / "region.toml"
    # a theme that starts with a layer which most may not see
    file.write_text(file.read_text("utf-8").replace('lead = "crowded"', 'lead = "own-debt"'), "utf-8")
    region = load_region(pack)
    store = open_store(f"sqlite:///{home / 'store-tiny.sqlite'}", region)
    for name, place in PEOPLE.items():
        if place:
            store.accounts.add_user(name, role=place[0], partner=place[1], by=SYSTEM)
    wes = store.accounts.viewer_named("wes")
    first, second = [("S1", "Medlar hub", 420_500.0, 560_500.0)], [("S1", "Damson house", 421_500.0, 560_500.0)]
    for package in (
        indicator("shared-beds", title="Quincebeds", audience="partners", first=31_000.0),
        sites("shared-hubs", title="Quincehubs", audience="partners", rows=first),
        indicator("own-debt", title="Bullacedebt", audience="owner", first=32_000.0),
        sites("own-refuge", title="Bullacerefuge", audience="owner", rows=second),
        indicator("own-turned", title="Once open", first=33_000.0),  # public, in its first version
        indicator("own-turned", title="Bullaceturned", audience="owner", first=34_000.0),
        indicator("own-gone", title="Bullacegone", audience="owner", first=35_000.0),
    ):
        store.publish(package, by=wes)
    store.withdraw("own-gone", by=wes, reason="Sloe reason")
    store.publish(indicator("soon-shown", title="Wildingsoon"), by=wes, at=LATER)
    yield Published(region, store, home)
    store.close()


@pytest.fixture(scope="module")
def app(here):
    return create_app(here, "a key for the tests only")


@pytest.fixture(scope="module")
def browsers(app, here):
    """A browser for each person, signed in."""
    made = {}
    for name, place in PEOPLE.items():
        made[name] = app.server.test_client()
        if place:
            made[name].set_cookie("commonground", here.store.accounts.start_session(name))
    return made


# ---- everything that can be asked ------------------------------------------------------------------------------------

WITHOUT_ID = [
    "/", "/catalogue", "/methods", "/accessibility", "/sign-in", "/healthz", "/readyz",
    "/api/v1/region", "/api/v1/layers", "/api/v1/layers?kind=services", "/api/v1/layers?partner=westshire",
    "/api/v1/layers?theme=housing", "/api/v1/openapi.json", "/api/v1/areas/lsoa", "/api/v1/areas/lsoa/T01",
    "/api/v1/areas/ward/TW1", "/api/v1/areas/lad/TA", "/data/classes?level=lsoa", "/data/table.csv?theme=housing",
    "/_dash-dependencies", "/publish", "/api/v1/gaps?need=harm&services=clinics&robustness=0",
    "/api/v1/together?services=clinics",
    "/briefings", "/briefings/wards", "/briefings/edit", "/briefings/region-in-ten-numbers", "/briefings/gaps-alcohol",
    "/briefings/gaps-housing", "/briefings/shared-gaps", "/briefings/shared-gaps/present", "/briefings/shared-gaps/notes",
    "/briefings/region-in-ten-numbers/embed", "/briefings/ward-TW1", "/briefings/ward-TW2/present",
]  # fmt: skip
WITH_ID = [
    "/api/v1/layers/{id}", "/api/v1/layers/{id}/values", "/api/v1/layers/{id}/values?level=ward&format=csv",
    "/api/v1/layers/{id}/values?level=lad&format=geojson", "/api/v1/layers/{id}/values?period=1999",
    "/data/classes?need={id}&level=lsoa", "/data/readings?need={id}&level=lsoa", "/data/services/{id}.geojson",
    "/data/table.csv?need={id}&level=lsoa", "/data/table.csv?need=harm&services={id}",
    "/api/v1/gaps?need={id}&services=clinics&level=lsoa&robustness=0", "/api/v1/gaps?need=harm&services={id}&robustness=0",
    "/api/v1/gaps?need=harm,{id}=2&services=clinics&format=csv&robustness=0", "/api/v1/together?services={id}",
    "/api/v1/together?services=clinics&need={id}", "/api/v1/sites?need={id}&services=clinics&new=1",
    "/api/v1/sites?need=harm&services={id}&new=1", "/data/gap?need={id}&services=clinics&show=gap",
    "/catalogue/{id}", "/catalogue/{id}/compare", "/catalogue/{id}/compare?a=1&b=2", "/catalogue/{id}/package.zip",
    "/catalogue/{id}/package.zip?version=1",
    "/data/options.csv?need={id}&services=clinics", "/data/options.json?need=harm&services={id}",
    "/options?need={id}&services=clinics&new=1", "/communities/T01?need=harm&services={id}",
    "/?need={id}", "/?need={id}&services={id}&level=ward", "/areas/T01?need={id}", "/catalogue?q={id}",
    "/briefings/{id}", "/briefings/{id}/present", "/briefings/gaps-{id}", "/briefings/{id}/files/{id}.html",
    "/briefings/pin?view=need%3D{id}", "/briefings/pin?view=services%3D{id}%26need%3Dharm%26show%3Dgap",
]  # fmt: skip
PAGES = [
    "/",
    "/?theme=housing",
    "/?theme=housing&level=ward",
    "/catalogue",
    "/methods",
    "/areas/T01",
    "/areas/TW1",
    "/areas/TA",
]
PAGES_WITH_ID = [
    "/?need={id}",
    "/?need={id}&services={id}&area=T01",
    "/areas/T01?need={id}",
    "/catalogue?q={id}",
    "/options?need={id}&services=clinics&options=A:xS1",
    "/options?need=harm&services={id}&options=A:xS1",
    "/communities/T01?need={id}&services=clinics&site=best",
    "/communities/T01?need=harm&services={id}&site=best",
]


def text_of(answer) -> str:
    """Every byte of an answer as text; numbers for the map are bytes that are no text."""
    # Dash puts a random number into every page
    return re.sub(r'"end_id":"[^"]*"', "", answer.data.decode("utf-8", "backslashreplace"))


def layout(browser, page: str):
    """What a browser that is on ``page`` is given to draw."""
    return browser.get("/_dash-layout", headers={"Referer": f"http://localhost{page}"})


def callback(browser, output: str, inputs: list[dict], state: list[dict] | None = None):
    """Ask one callback as the page's script does. Values may be anything: that is what an attacker sends."""
    names = re.findall(r"([\w-]+)\.([\w-]+)", output)
    outputs = [{"id": name, "property": prop} for name, prop in names]
    body = {
        "output": output,
        "outputs": outputs if output.startswith("..") else outputs[0],
        "inputs": inputs,
        "state": state or [],
        "changedPropIds": [f"{each['id']}.{each['property']}" for each in inputs],
    }
    return browser.post("/_dash-update-component", json=body)


def callbacks(browser) -> list[dict]:
    """Every callback that the server answers."""
    listed = json.loads(browser.get("/_dash-dependencies").data)
    return [each for each in listed if not each.get("clientside_function")]


def ask_all_callbacks(browser, layer_id: str) -> dict[str, tuple[int, str]]:
    """Every callback with a layer's id wherever one may stand."""
    selection = {"need": layer_id, "services": [layer_id], "level": "lsoa", "area": "T01"}
    grid = {"startRow": 0, "endRow": 100, "sortModel": [], "filterModel": {}}
    special = {
        "selection": selection,
        "history-selection": selection,
        "shown-area": selection,
        "shown-services": {"services": [layer_id]},
        "table.getRowsRequest": grid,
        "options-state": {"need": layer_id, "services": f"clinics,{layer_id}", "new": "1", "options": "A:xS1"},
        "options-asked": {"do": "open", "at": [54.9, -1.6]},
        "location.pathname": "/catalogue",
        "location.search": f"?q={layer_id}",
        "route": "/elsewhere",
    }

    def given(each: dict) -> dict:
        value = special.get(f"{each['id']}.{each['property']}", special.get(each["id"], layer_id))
        return {"id": each["id"], "property": each["property"], "value": value}

    found = {}
    for each in callbacks(browser):
        if "{" in each["output"]:
            continue  # of a family of components: none takes a layer
        answer = callback(
            browser, each["output"], [given(i) for i in each["inputs"]], [given(s) for s in each["state"]]
        )
        found[each["output"]] = (answer.status_code, answer.text)
    return found


def everything(browser) -> dict[str, str]:
    """All answers to questions that name no secret."""
    found = {path: text_of(browser.get(path)) for path in WITHOUT_ID}
    found |= {f"layout of {page}": layout(browser, page).text for page in PAGES}
    for words in ("Quince", "Bullace", "Wilding", "Medlar", "Damson", "hub"):
        search = [{"id": "search", "property": "searchValue", "value": words}]
        found[f"search for {words}"] = callback(browser, "search.data", search).text
    for output, (_, text) in ask_all_callbacks(browser, "harm").items():
        found[f"callback {output}"] = text
    return found


@pytest.fixture(scope="module")
def answers(browsers):
    return {person: everything(browser) for person, browser in browsers.items()}


# ---- no trace --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", PEOPLE)
def test_what_somebody_may_not_see_leaves_no_trace_anywhere(answers, person):
    hidden = [secret for secret in (*SECRETS, WAITING) if not may_see(person, secret)]
    assert hidden or person in ("wes", "ada")
    leaks = [
        f"{where}: {trace}"
        for where, text in answers[person].items()
        for secret in hidden
        for trace in secret.traces
        if trace in text
    ]
    assert not leaks, "\n".join(leaks)


def test_the_questions_would_find_a_leak(answers):
    """The same questions asked by the owner do show the secrets, each in several places."""
    for secret in SECRETS:
        if secret.id == "own-gone":
            continue
        title = secret.traces[1]
        found = [where for where, text in answers["wendy"].items() if title in text]
        assert {"/api/v1/layers", "layout of /catalogue"} <= set(found), secret.id
        assert len(found) >= 4, (secret.id, found)
    assert "Damson house" in answers["wendy"]["search for Damson"]
    assert "Medlar hub" in answers["eve"]["search for Medlar"]
    assert all(status == 200 for status, _ in ask_all_callbacks_of("harm", answers).values())


def finished_callbacks(browser, layer_id: str) -> dict[str, tuple[int, str]]:
    """The same once no plan is being worked out any more: how far one has come differs from moment to moment."""
    for _ in range(200):
        found = ask_all_callbacks(browser, layer_id)
        if not any('"plan-tick":{"disabled":false}' in text for _, text in found.values()):
            return found
    raise AssertionError("a plan never ended")


def ask_all_callbacks_of(_, answers):
    """Every callback answered something: none is untested because it failed before it looked."""
    return {
        where: (200 if '"response"' in text or text == "" else 500, text)
        for where, text in answers["wendy"].items()
        if where.startswith("callback ")
    }


@pytest.mark.parametrize("person", PEOPLE)
def test_counts_are_of_what_one_may_see(answers, here, person):
    """4 public layers in the pack; 2 for partners; 3 for the owner (withdrawn and waiting ones count for nobody)."""
    expected = 4 + (2 if person != "public" else 0) + (3 if person in OWNERS else 0)
    found = answers[person]
    assert len(json.loads(found["/api/v1/layers"])["layers"]) == expected
    assert f"{expected} layers that you may see" in found["layout of /catalogue"]
    if '"remaining"' in found["layout of /"]:
        assert f"{expected} layers" in found["layout of /"]
        assert not re.search(rf"\b(?!{expected}\b)\d+ layers", found["layout of /"])


# ---- as if it did not exist ------------------------------------------------------------------------------------------


def same(one, other, secret: Secret) -> None:
    """Two answers that nobody could tell apart, but for the id that was asked for."""
    assert one.status_code == other.status_code
    assert text_of(one).replace(secret.id, secret.twin) == text_of(other)
    unimportant = {"Date", "ETag"}  # the ETag is of a text that holds the id
    kept = [{n: v for n, v in answer.headers.items() if n not in unimportant} for answer in (one, other)]
    assert {name: value.replace(secret.id, secret.twin) for name, value in kept[0].items()} == kept[1]


@pytest.mark.parametrize(("person", "secret"), pairs(seen=False))
def test_a_layer_one_may_not_see_is_answered_as_one_that_does_not_exist(browsers, person, secret):
    browser = browsers[person]
    for path in WITH_ID:
        same(browser.get(path.format(id=secret.id)), browser.get(path.format(id=secret.twin)), secret)
    for page in PAGES_WITH_ID:
        same(layout(browser, page.format(id=secret.id)), layout(browser, page.format(id=secret.twin)), secret)


@pytest.mark.parametrize(("person", "secret"), pairs(seen=False, but="eli"))
def test_callbacks_cannot_tell_it_from_one_that_does_not_exist(browsers, person, secret):
    of_secret = finished_callbacks(browsers[person], secret.id)
    of_twin = finished_callbacks(browsers[person], secret.twin)
    for output, (status, text) in of_secret.items():
        assert (status, text.replace(secret.id, secret.twin)) == of_twin[output], output


@pytest.mark.parametrize(("person", "secret"), pairs(seen=True))
def test_those_who_may_see_it_do(browsers, person, secret):
    answer = browsers[person].get(f"/api/v1/layers/{secret.id}")
    if secret.id == "own-gone" or secret is WAITING:
        assert answer.status_code == 404  # not shown to anybody (any more)
        return
    assert answer.status_code == 200
    assert answer.get_json()["title"] == secret.traces[1]
    assert answer.headers["Cache-Control"] == "private, no-store"
    path = "/data/services/{}.geojson" if secret.kind == "services" else "/api/v1/layers/{}/values"
    values = browsers[person].get(path.format(secret.id))
    assert values.status_code == 200
    assert values.headers["Cache-Control"] == "private, no-store"


NOT_OF_LAYERS = (
    "/assets/",
    "/_dash-component-suites/",
    "/static/",
    "/_",
    "/data/shapes/",
    "/publish/",
    "/briefings/",
    "/b/",
    "/api/v1/areas/",
)
"""Addresses that know no layer; drafts and briefings, which are tested on their own (test_briefing_web.py)."""


def test_every_route_is_asked_here(app):
    """A new route has to be added to the lists above, or here with a reason."""
    pages = {rule.rule for rule in app.server.url_map.iter_rules() if "GET" in rule.methods}
    rules = {rule for rule in pages if not rule.startswith(NOT_OF_LAYERS) and "<path:" not in rule}
    asked = {path.split("?")[0].replace("{id}", "<layer_id>") for path in [*WITH_ID, *WITHOUT_ID]}
    asked |= {re.sub(r"\.\w+$", ".<form>", path) for path in asked}
    assert rules - asked <= {"/api/v1/", "/data/"}  # the answers to addresses that do not exist


@pytest.mark.parametrize(("person", "secret"), pairs(seen=False))
def test_undoing_it_is_answered_as_undoing_one_that_does_not_exist(browsers, person, secret):
    for what in ("rollback", "withdraw"):
        form = {"to": "1", "reason": "I want to"}
        one, other = (
            browsers[person].post(f"/catalogue/{name}/{what}", data=form) for name in (secret.id, secret.twin)
        )
        same(one, other, secret)


def test_a_withdrawn_layer_tells_its_reason_only_to_those_who_could_have_seen_it(browsers):
    for person in PEOPLE:
        text = layout(browsers[person], "/?need=own-gone").text
        assert ("Sloe reason" in text) == (person in OWNERS), person


# ---- who one is can change -------------------------------------------------------------------------------------------


def signed_in(app, here, name: str, role: str, partner: str):
    here.store.accounts.add_user(name, role=role, partner=partner, by=SYSTEM)
    browser = app.server.test_client()
    browser.set_cookie("commonground", here.store.accounts.start_session(name))
    return browser


def test_a_place_taken_away_during_a_session_counts_at_once(app, here):
    browser = signed_in(app, here, "mover", "viewer", "westshire")
    assert browser.get("/api/v1/layers/own-debt").status_code == 200
    assert "Bullacedebt" in layout(browser, "/catalogue").text
    here.store.accounts.change_user("mover", partner="eastshire", by=SYSTEM)
    assert browser.get("/api/v1/layers/own-debt").status_code == 404
    assert "Bullacedebt" not in layout(browser, "/catalogue").text
    assert browser.get("/api/v1/layers/shared-beds").status_code == 200
    here.store.accounts.disable_user("mover", by=SYSTEM)
    assert browser.get("/api/v1/layers/shared-beds").status_code == 404
    assert "Sign in" in layout(browser, "/").text


def test_an_admin_who_is_one_no_more_sees_what_is_left(app, here):
    browser = signed_in(app, here, "boss", "admin", "icb")
    assert browser.get("/api/v1/layers/own-debt").status_code == 200
    here.store.accounts.change_user("boss", role="viewer", by=SYSTEM)
    assert browser.get("/api/v1/layers/own-debt").status_code == 404


def test_after_signing_out_the_same_cookie_is_the_public(app, here, answers):
    browser = signed_in(app, here, "guest", "viewer", "westshire")
    token = browser.get_cookie("commonground").value
    assert browser.get("/api/v1/layers/own-debt").status_code == 200
    browser.post("/sign-out")
    browser.set_cookie("commonground", token)
    assert browser.get("/api/v1/layers/own-debt").status_code == 404
    assert layout(browser, "/catalogue").text == answers["public"]["layout of /catalogue"]


def test_a_layer_made_private_is_gone_for_whoever_has_it_open(browsers, here):
    wes = here.store.accounts.viewer_named("wes")
    here.store.publish(indicator("closing", title="Closing"), by=wes)
    public = browsers["public"]
    first = public.get("/api/v1/layers/closing/values")
    assert first.status_code == 200
    here.store.publish(indicator("closing", title="Closing", audience="owner"), by=wes)
    again = public.get("/api/v1/layers/closing/values", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 404  # also to somebody who still has it
    assert "Closing" not in text_of(public.get("/"))  # nor in what every page brings along
    here.store.withdraw("closing", by=wes, reason="The test is over")


def test_what_every_page_brings_along_names_no_layer(tiny_pack, tmp_path):
    """Dash writes the ids of all pages into each page, as they were when the server started."""
    region = load_region(tiny_pack)
    store = open_store(f"sqlite:///{tmp_path / 's.sqlite'}", region)
    browser = create_app(Published(region, store, tmp_path), "a key").server.test_client()
    store.withdraw("crowded", by=SYSTEM, reason="It was wrong")
    for page in ("/", "/catalogue", "/methods"):
        assert "Crowded homes" not in browser.get(page).text
    store.close()


# ---- commands --------------------------------------------------------------------------------------------------------


@pytest.fixture()
def run(here, home, monkeypatch):
    monkeypatch.setenv("COMMONGROUND_REGION", str(here.region.path))
    monkeypatch.setenv("COMMONGROUND_HOME", str(home))
    monkeypatch.delenv("COMMONGROUND_DATABASE_URL", raising=False)
    return lambda *words: CliRunner().invoke(main, list(words))


@pytest.mark.parametrize("person", ["public", "eve", "wendy"])
def test_commands_show_what_the_person_may_see(run, person):
    who = [] if person == "public" else ["--as", person]
    listed = run("layers", "list", *who)
    assert listed.exit_code == 0, listed.output
    for secret in SECRETS:
        shown = may_see(person, secret) and secret.id != "own-gone"
        assert (secret.traces[1] in listed.stdout) == shown, secret.id
    for secret in (SECRETS[0], SECRETS[2]):
        for words in (
            ["layers", "history", "{}"],
            ["values", "{}", "--level", "lsoa"],
            ["gaps", "--need", "{}", "--services", "clinics", "--robustness", "0"],
            ["together", "--services", "clinics", "--need", "{}"],
            ["site", "--need", "{}", "--services", "clinics"],
        ):
            one, other = (run(*[word.format(name) for word in words], *who) for name in (secret.id, secret.twin))
            if may_see(person, secret):
                assert one.exit_code == 0, one.output
            else:
                assert (one.exit_code, one.output.replace(secret.id, secret.twin)) == (1, other.output)
