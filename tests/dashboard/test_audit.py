"""The audit page, its file and its commands: searched, paged, for those who may; and why somebody can, or cannot, see something."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from dashboard.app import create_app
from dashboard.cli import main
from dashboard.published import Published
from layers import PUBLIC, SYSTEM, Briefings, NotPermitted, load_region, open_store, why
from tests.databases import ON_POSTGRES, database_url
from tests.layers.store_fixtures import indicator
from tests.tiny import write_tiny_pack

LATER = datetime(2099, 1, 1, tzinfo=UTC)
PEOPLE = {"wes": ("analyst", "westshire"), "wendy": ("viewer", "westshire"), "eli": ("analyst", "eastshire"),
          "eve": ("viewer", "eastshire"), "ada": ("admin", "icb")}  # fmt: skip


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    home = tmp_path_factory.mktemp("audit")
    region = load_region(write_tiny_pack(home / "tiny"))
    store = open_store(database_url(home / "store-tiny.sqlite"), region)
    for name, place in PEOPLE.items():
        store.accounts.add_user(name, role=place[0], partner=place[1], by=SYSTEM)
    wes = store.accounts.viewer_named("wes")
    for package in (
        indicator("shown", title="Shown", audience="partners"),
        indicator("ours", title="Ours", audience="owner"),
        indicator("turned", title="Open", audience="public"),
        indicator("turned", title="Closed", audience="owner"),
        indicator("gone", title="Gone", audience="partners"),
        indicator("one", title="One", audience="partners"),
        indicator("two", title="Two", audience="partners"),
    ):
        store.publish(package, by=wes)
    store.withdraw("gone", by=wes, reason="=1+1")
    store.publish(indicator("soon", title="Soon"), by=wes, at=LATER)
    yield Published(region, store, home)
    store.close()


@pytest.fixture(scope="module")
def browsers(here):
    app = create_app(here, "a key for the tests only")
    made = {"public": app.server.test_client()}
    for name in PEOPLE:
        made[name] = app.server.test_client()
        made[name].set_cookie("commonground", here.store.accounts.start_session(name))
    return made


def rows(answer) -> list[dict]:
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_who_may_open_it(browsers):
    assert browsers["public"].get("/audit").location == "/sign-in?next=/audit"
    for name, status in (("eve", 403), ("wendy", 403), ("wes", 200), ("ada", 200)):
        for path in ("/audit", "/audit.csv"):
            answer = browsers[name].get(path)
            assert answer.status_code == status and answer.headers["Cache-Control"] == "private, no-store", (name, path)
    assert [browsers[name].get("/audit/why").status_code for name in ("wes", "eve", "ada")] == [403, 403, 200]


def test_each_reads_what_the_store_gives_them(browsers):
    everything, mine, theirs = (rows(browsers[name].get("/audit.csv")) for name in ("ada", "wes", "eli"))
    assert {"shown", "ours", "gone"} <= {row["id"] for row in everything}
    assert {"shown", "ours", "gone"} <= {row["id"] for row in mine}
    assert not {"shown", "ours", "gone", "soon"} & {row["id"] for row in theirs}
    assert [int(row["line"]) for row in everything] == sorted((int(row["line"]) for row in everything), reverse=True)


def test_search(browsers):
    ask = lambda query: rows(browsers["ada"].get(f"/audit.csv?{query}"))  # noqa: E731
    assert {row["id"] for row in ask("layer=gone")} == {"gone"} and len(ask("layer=gone")) == 2
    assert {row["by"] for row in ask("person=wes")} == {"wes"}
    assert {row["action"] for row in ask("action=withdraw")} == {"withdraw"}
    assert ask("since=2099-01-01") == [] and ask("until=2001-01-01") == []
    assert len(ask("since=2001-01-01&until=2098-01-01")) == len(ask(""))
    assert ask("action=%25") == [] and ask("person=%27%20OR%201=1") == []
    wrong = browsers["ada"].get("/audit?since=yesterday")
    assert wrong.status_code == 422 and "Write the day like" in wrong.text


def test_pages(browsers, here):
    for number in range(120):
        here.store.note("export", by=SYSTEM, detail={"number": number})
    first = browsers["ada"].get("/audit?action=export").text
    assert first.count("<tr><th") == 100 + 1 and "Older lines" in first
    older = first.split('<a href="/audit?action=export&amp;before=')[1].split('"')[0]
    second = browsers["ada"].get(f"/audit?action=export&before={older}").text
    assert second.count("<tr><th") == 20 + 1 and "Older lines" not in second


def test_nothing_in_a_line_is_run(browsers, here):
    here.store.note("<script>alert(1)</script>", by=SYSTEM, detail={"x": "<img src=x>"})
    text = browsers["ada"].get("/audit").text
    assert "<script>alert" not in text and "<img" not in text
    assert all(
        cell[:1] not in "=+@" or not cell for row in rows(browsers["ada"].get("/audit.csv")) for cell in row.values()
    )


CASES = (
    ("eve", "shown", None, True, "audience"), ("", "shown", None, False, "audience"), ("eve", "ours", None, False, "partner"),
    ("wendy", "ours", None, True, "audience"), ("ada", "ours", None, True, "audience"), ("", "turned", 1, False, "audience"),
    ("eve", "turned", None, False, "partner"), ("wendy", "gone", None, False, "withdrawn"), ("eve", "gone", None, False, "withdrawn"),
    ("", "gone", None, False, "audience"), ("eve", "soon", None, False, "waiting"), ("wes", "soon", None, False, "waiting"),
    ("wes", "shown", 9, False, "version"), ("", "nothing", None, False, "absent"), ("", "harm", None, True, "audience"),
)  # fmt: skip


@pytest.mark.parametrize(("person", "layer", "version", "seen", "rule"), CASES)
def test_why(here, browsers, person, layer, version, seen, rule):
    who = here.store.accounts.viewer_named(person) if person else PUBLIC
    found = why(here.store, layer, who, asked_by=SYSTEM, version=version)
    assert (found.seen, found.decided_by) == (seen, rule), found
    page = browsers["ada"].get(f"/audit/why?user={person}&layer={layer}&version={version or ''}").text
    assert ("They can see it" in page) == seen and rule in page


def test_the_way_there(browsers):
    for name in PEOPLE:
        assert ('href="/audit"' in browsers[name].get("/sign-in").text) == (name in ("wes", "eli", "ada")), name
        assert ("/audit/why?layer=shown" in browsers[name].get("/catalogue/shown").text) == (name == "ada"), name


BRIEFING_TEXT = "---\ntitle: A plan\npartner: westshire\naudience: {audience}\n---\n# Words\n\nMore words.\n"


def test_why_of_briefings(here, browsers, run):
    held, wes = Briefings(here.store), here.store.accounts.viewer_named("wes")

    def publish(briefing_id: str, audience: str) -> None:
        text = BRIEFING_TEXT.format(audience=audience)
        held.publish(text=text, by=wes, pins={}, facts={}, briefing_id=briefing_id)

    publish("plan-shared", "partners")
    publish("plan-own", "partners")
    publish("plan-own", "owner")
    publish("plan-gone", "partners")
    publish("shown", "owner")  # a layer has this id too
    held.withdraw("plan-gone", by=wes, reason="It was wrong")
    cases = [
        ("", "plan-shared", None, False, "audience"),
        ("eve", "plan-shared", None, True, "audience"),
        ("eve", "plan-own", None, False, "partner"),
        ("eve", "plan-own", 1, False, "partner"),
        ("wendy", "plan-own", 1, True, "audience"),
        ("wendy", "plan-own", 9, False, "version"),
        ("eve", "plan-gone", None, False, "withdrawn"),
        ("wes", "plan-gone", None, False, "withdrawn"),
        ("eve", "shown", None, True, "audience"),
        ("eve", "briefing:shown", None, False, "partner"),
        ("eve", "briefing:nothing", None, False, "absent"),
        ("", "shared-gaps", None, True, "built in"),
        ("", "ward-TW1", None, True, "built in"),
    ]
    for person, thing, version, seen, rule in cases:
        who = here.store.accounts.viewer_named(person) if person else PUBLIC
        found = why(here.store, thing, who, asked_by=SYSTEM, version=version)
        assert (found.seen, found.decided_by) == (seen, rule), (person, thing, version)
        if rule not in ("built in", "absent") and thing != "shown":
            answers = browsers[person or "public"].get(
                f"/briefings/{thing.removeprefix('briefing:')}?version={version or ''}"
            )
            assert (answers.status_code == 200) == seen, (person, thing)
    said = json.loads(run("audit", "why", "plan-own", "--user", "eve", "--json").stdout)
    assert (said["what"], said["seen"], said["decided_by"]) == ("briefing", False, "partner")
    page = browsers["ada"].get("/audit/why?user=eve&layer=plan-own").text
    assert "They cannot see it" in page and "Partner of the briefing" in page


def test_only_admins_ask_why(here):
    for name in ("wes", "eve", "wendy"):
        with pytest.raises(NotPermitted):
            why(here.store, "shown", PUBLIC, asked_by=here.store.accounts.viewer_named(name))
    with pytest.raises(NotPermitted):
        why(here.store, "nothing", PUBLIC, asked_by=PUBLIC)


def test_an_unknown_person_is_said(browsers):
    answer = browsers["ada"].get("/audit/why?user=nobody&layer=shown")
    assert answer.status_code == 422 and "There is no account" in answer.text


def test_security_txt(browsers):
    answer = browsers["public"].get("/.well-known/security.txt")
    said = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert answer.mimetype == "text/plain" and said["Contact"] == "http://localhost/privacy"
    assert datetime.fromisoformat(said["Expires"]) > datetime.now(UTC)
    assert said["Canonical"] == "http://localhost/.well-known/security.txt"


@pytest.fixture
def run(here, monkeypatch):
    monkeypatch.setenv("COMMONGROUND_REGION", str(here.region.path))
    monkeypatch.setenv("COMMONGROUND_HOME", str(here.home))
    monkeypatch.delenv("COMMONGROUND_DATABASE_URL", raising=False)
    if ON_POSTGRES:
        monkeypatch.setenv("COMMONGROUND_DATABASE_URL", database_url(here.home / "store-tiny.sqlite"))
        monkeypatch.setenv("COMMONGROUND_SECRET_KEY", "f3Yk0q-9sLw2Xb7Rz5Ht-Uc8Nd")
    return lambda *words: CliRunner().invoke(main, list(words))


def test_commands(run):
    assert run("layers", "withdraw", "one", "--by", "wes", "--reason", "Over").exit_code == 0  # noted from here on
    listed = run("audit", "list", "--layer", "one", "--json")
    assert [line["action"] for line in json.loads(listed.stdout)["lines"]] == ["withdraw", "publish"]
    assert run("audit", "list", "--as", "eve").exit_code == 1
    assert "shown" not in run("audit", "list", "--as", "eli").stdout
    assert run("audit", "list", "--since", "soon").exit_code == 1
    assert run("audit", "list", "--format", "csv").stdout.startswith("line,at,by,")
    verified = json.loads(run("audit", "verify", "--json").stdout)
    assert verified["ok"] and verified["noted"] >= 1
    why_ = json.loads(run("audit", "why", "ours", "--user", "eve", "--json").stdout)
    assert (why_["seen"], why_["decided_by"]) == (False, "partner")
    assert run("audit", "why", "ours", "--as", "wes").exit_code == 1
    assert run("check").exit_code == 0


def test_a_cut_tail_is_found_by_command(run, here):
    from tests.layers.store_fixtures import unguarded

    assert run("layers", "withdraw", "two", "--by", "wes", "--reason", "Over").exit_code == 0
    unguarded(here.store, "DELETE FROM pointers WHERE seq = (SELECT max(seq) FROM audit)",
              "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)")  # fmt: skip
    for words in (("check",), ("audit", "verify")):
        found = run(*words)
        assert found.exit_code == 1 and "not there any more" in found.stdout, found.output
