"""A mistake of ours: told in a sentence with a number, which is in the log beside the traceback. Nobody else sees one."""

from __future__ import annotations

import pytest

from dashboard import errors
from dashboard.app import create_app

SECRET = "a secret of the program"
CALLBACK = {
    "output": "search.data",
    "outputs": {"id": "search", "property": "data"},
    "inputs": [{"id": "search", "property": "searchValue", "value": "square"}],
    "changedPropIds": ["search.searchValue"],
}


def fails(*_, **__):
    raise RuntimeError(SECRET)


def developers(server):
    """Every switch that shows developers more."""
    server.debug = server.testing = True
    server.config.update(TRAP_HTTP_EXCEPTIONS=False, TRAP_BAD_REQUEST_ERRORS=True)


@pytest.fixture(params=["as served", "for developers"])
def server(tiny, request, monkeypatch):
    monkeypatch.setenv("FLASK_DEBUG", "1" if request.param == "for developers" else "")
    server = create_app(tiny, "a key for the tests only").server
    if request.param == "for developers":
        developers(server)
    return server


def check(answer, caplog) -> str:
    """Status, no trace of the mistake, and the number that is in the log too."""
    assert answer.status_code == 500
    for word in (SECRET, "Traceback", "RuntimeError", ".py", "fails"):
        assert word not in answer.text, word
    number = answer.headers["X-Request-ID"]
    assert number in answer.text
    assert f"request {number}" in caplog.text
    assert SECRET in caplog.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    return number


def routes(server):
    """Every view of the application, once, with arguments that fit."""
    for rule in server.url_map.iter_rules():
        values = {
            name: 1 if "Integer" in type(converter).__name__ else "x" for name, converter in rule._converters.items()
        }
        yield rule.endpoint, rule.build(values)[1], sorted((rule.methods or {"GET"}) - {"HEAD", "OPTIONS"})[0]


def test_whatever_a_route_raises_is_told_without_a_trace(server, caplog):
    asked = []
    addresses = list(routes(server))
    server.view_functions = dict.fromkeys(server.view_functions, fails)
    for endpoint, path, method in addresses:
        if endpoint == "static":
            continue
        answer = server.test_client().open(path, method=method)
        if answer.status_code in (405, 303):  # another rule has this address; one has to sign in first
            continue
        check(answer, caplog)
        asked.append(answer.mimetype)
    assert set(asked) == {"application/json", "text/html"}
    assert len(asked) > len(addresses) / 2


def test_a_callback_answers_as_programs_expect(server, caplog):
    server.view_functions["/_dash-update-component"] = fails
    answer = server.test_client().post("/_dash-update-component", json=CALLBACK)
    number = check(answer, caplog)
    error = answer.get_json()["error"]
    assert (error["code"], error["detail"]) == ("internal-server-error", {"request": number})


def test_a_page_says_it_to_people(server, caplog):
    server.view_functions["auth.sign_in_form"] = fails
    answer = server.test_client().get("/sign-in")
    check(answer, caplog)
    assert "This page could not be made" in answer.text
    assert "Skip to the content" in answer.text
    assert answer.headers["Cache-Control"] in ("no-store", "private, no-store")


def test_what_fails_after_the_route_or_in_the_page_itself_is_told_too(tiny, caplog, monkeypatch):
    server = create_app(tiny, "a key for the tests only").server
    developers(server)
    monkeypatch.setattr(errors, "page", fails)
    server.view_functions["auth.sign_in_form"] = fails
    check(server.test_client().get("/sign-in"), caplog)
    late = create_app(tiny, "a key for the tests only").server
    developers(late)
    once = iter([True])
    late.after_request(lambda response: fails() if next(once, False) else response)
    check(late.test_client().get("/sign-in"), caplog)


def test_the_log_holds_one_line_for_the_address_whatever_it_holds(server, caplog):
    server.view_functions = dict.fromkeys(server.view_functions, fails)
    server.test_client().get("/x%0Dinjected%1b[31m?password=p")
    line = next(record.getMessage() for record in caplog.records if record.getMessage().startswith("request "))
    assert "\r" not in line
    assert "\x1b" not in line
    assert "password" not in line


def test_other_refusals_stay_as_they_are(server):
    assert server.test_client().get("/api/v1/nonsense").status_code == 404
    assert server.test_client().get("/nonsense").status_code == 404
    assert server.test_client().post("/sign-in", headers={"Origin": "https://evil.example"}).status_code == 403
