"""``commonground user``: what each command prints, with which exit status, and what is true afterwards."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from dashboard.cli import main
from layers import SYSTEM, SignInFailed, load_region, open_store

PASSWORD = "maps for everybody"


@pytest.fixture()
def run(tiny_pack, tmp_path, monkeypatch):
    """Run a command against a store of its own; returns click's Result."""
    for name, value in {"REGION": tiny_pack, "HOME": tmp_path / "home"}.items():
        monkeypatch.setenv(f"COMMONGROUND_{name}", str(value))
    for name in ("DATABASE_URL", "OIDC_ISSUER", "PROXIES"):
        monkeypatch.delenv(f"COMMONGROUND_{name}", raising=False)
    return lambda *words, **more: CliRunner().invoke(main, list(words), **more)


@pytest.fixture()
def store(run, tiny_pack, tmp_path):
    assert run("user", "list").exit_code == 0  # makes the store
    opened = open_store(f"sqlite:///{tmp_path / 'home' / f'store-{tiny_pack.name}.sqlite'}", load_region(tiny_pack))
    yield opened
    opened.close()


def add(run, name="ada", role="admin", partner="icb", **more):
    return run(
        *("user", "add", name, "--role", role, "--partner", partner, "--password-stdin"),
        input=f"{PASSWORD}\n",
        **more,
    )


def test_an_account_is_made_from_standard_input_and_can_sign_in(run, store):
    result = add(run)
    assert (result.exit_code, result.stdout) == (0, "'ada' is admin of Tinyland Integrated Care Board.\n")
    assert (
        store.accounts.viewer_of(store.accounts.sign_in("ada", PASSWORD)).role == "admin"
    )  # the line end is no part of the password


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_one_line_end_is_dropped_and_spaces_are_kept(run, store, ending):
    words = ("user", "add", "bo", "--role", "viewer", "--partner", "icb", "--password-stdin")
    assert run(*words, input=f" {PASSWORD} {ending}").exit_code == 0
    assert store.accounts.sign_in("bo", f" {PASSWORD} ")


def test_a_prompt_asks_twice_and_shows_nothing_on_standard_output(run, store):
    words = ("user", "add", "ada", "--role", "admin", "--partner", "icb", "--json")
    result = run(*words, input=f"{PASSWORD}\n{PASSWORD}\n")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["user"]["name"] == "ada"
    assert PASSWORD not in result.output
    assert store.accounts.sign_in("ada", PASSWORD)


def test_an_account_without_a_password_cannot_sign_in_here(run, store):
    result = run("user", "add", "olga", "--role", "viewer", "--partner", "icb", "--no-password", "--json")
    assert json.loads(result.stdout)["user"]["has_password"] is False
    with pytest.raises(SignInFailed):
        store.accounts.sign_in("olga", "")


def test_what_is_wrong_is_told_all_at_once_with_exit_status_1(run):
    words = ("user", "add", "a b", "--role", "viewer", "--partner", "nobody", "--password-stdin", "--json")
    result = run(*words, input="short\n")
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert answer["ok"] is False
    assert {fault["where"] for fault in answer["faults"]} == {"name", "partner", "password"}
    assert "use one of: westshire, eastshire, icb" in result.stderr


def test_a_second_account_of_the_same_name_is_refused(run, store):
    add(run)
    result = add(run, name="ADA")  # one spelling
    assert result.exit_code == 1
    assert "there is already an account 'ada'" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("user", "add", "ada", "--role", "owner", "--partner", "icb"),
        ("user", "add", "ada", "--partner", "icb"),
        ("user", "add", "ada", "--role", "admin", "--partner", "icb", "--no-password", "--password-stdin"),
        ("user", "change", "ada"),
        ("user", "disable"),
    ],
)
def test_wrong_usage_has_exit_status_2(run, words):
    assert run(*words).exit_code == 2


def test_list_in_words_and_as_json(run, store):
    empty = run("user", "list")
    assert (empty.exit_code, empty.stdout) == (0, "")
    assert "commonground user add NAME --role admin --partner ID" in empty.stderr
    add(run)
    add(run, name="wes", role="analyst", partner="westshire")
    run("user", "disable", "wes")
    lines = run("user", "list").stdout.splitlines()
    assert [line.split()[:3] for line in lines] == [["ada", "admin", "icb"], ["wes", "analyst", "westshire"]]
    assert lines[1].endswith("last signed in never, disabled")
    users = json.loads(run("user", "list", "--json").stdout)["users"]
    assert [(each["name"], each["made_by"]) for each in users] == [("ada", "system"), ("wes", "system")]
    assert not any("password_hash" in each for each in users)


def test_disable_ends_sessions_and_enable_lets_in_again(run, store):
    add(run)
    token = store.accounts.sign_in("ada", PASSWORD)
    result = run("user", "disable", "Ada")
    assert (result.exit_code, result.stdout) == (0, "'ada' is disabled and signed out everywhere.\n")
    assert "Nobody is an admin now" in result.stderr
    assert not store.accounts.viewer_of(token).signed_in
    with pytest.raises(SignInFailed):
        store.accounts.sign_in("ada", PASSWORD)
    assert run("user", "enable", "ada").exit_code == 0
    assert store.accounts.viewer_of(store.accounts.sign_in("ada", PASSWORD)).user == "ada"
    assert not store.accounts.viewer_of(token).signed_in  # the old session stays ended


def test_a_new_password_ends_sessions(run, store):
    add(run)
    token = store.accounts.sign_in("ada", PASSWORD)
    assert run("user", "password", "ada", "--password-stdin", input="four other random words\n").exit_code == 0
    assert not store.accounts.viewer_of(token).signed_in
    with pytest.raises(SignInFailed):
        store.accounts.sign_in("ada", PASSWORD)
    assert store.accounts.sign_in("ada", "four other random words")


def test_change_gives_another_role_and_partner(run, store):
    add(run, name="wes", role="viewer", partner="westshire")
    result = run("user", "change", "wes", "--role", "analyst", "--partner", "eastshire", "--json")
    assert (
        json.loads(result.stdout)["user"] | {"role": "analyst", "partner": "eastshire"}
        == json.loads(result.stdout)["user"]
    )
    refused = run("user", "change", "wes", "--partner", "nobody")
    assert refused.exit_code == 1
    assert store.accounts.viewer_named("wes").partner == "eastshire"


@pytest.mark.parametrize("command", ["disable", "enable", "password"])
def test_an_unknown_name_is_refused(run, command):
    words = ["--password-stdin"] if command == "password" else []
    result = run("user", command, "nobody", *words, input=f"{PASSWORD}\n")
    assert result.exit_code == 1
    assert "There is no account 'nobody'." in result.stderr


def test_the_audit_trail_says_who_was_added_and_never_a_password(run, store):
    add(run)
    lines = store.audit(SYSTEM)
    assert ("user-added", "system") in {(line.action, line.by) for line in lines}
    assert PASSWORD not in str([dict(line.detail) for line in lines])
