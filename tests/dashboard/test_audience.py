"""Who may see what, from end to end: those who may do, counts agree, and who one is can change at any moment.

Four secrets are published by Westshire: an indicator and a list of services for the partners, the same for itself only; one
more layer was withdrawn, one was public once, one waits for its date. What somebody may not see must leave no trace in any
answer, and must be answered exactly as if it did not exist: :mod:`tests.dashboard.test_walk` asks that of everything there is.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from dashboard.app import create_app
from dashboard.published import Published
from layers import SYSTEM, load_region, open_store
from tests.bodies import text_in
from tests.databases import database_url
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
    store = open_store(database_url(home / "store-tiny.sqlite"), region)
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


# ---- what is asked here; everything that can be asked is in test_walk.py ---------------------------------------------


def text_of(answer) -> str:
    """Every byte of an answer as text, what is packed unpacked; numbers for the map are bytes that are no text."""
    # Dash puts a random number into every page
    return re.sub(r'"end_id":"[^"]*"', "", text_in(answer.data))


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


@pytest.fixture(scope="module")
def answers(browsers):
    return {
        person: {"/api/v1/layers": text_of(browser.get("/api/v1/layers"))}
        | {f"layout of {page}": layout(browser, page).text for page in ("/", "/catalogue")}
        for person, browser in browsers.items()
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
