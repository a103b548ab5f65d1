"""``commonground audit-disclosure``: who looks, what it prints, and its exit status."""

import json

import pytest
from click.testing import CliRunner

from dashboard import cli
from tests.tiny import write_tiny_pack


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("COMMONGROUND_REGION", str(write_tiny_pack(tmp_path / "pack")))
    monkeypatch.setenv("COMMONGROUND_HOME", str(tmp_path / "home"))
    return lambda *words: CliRunner().invoke(cli.main, list(words))


def test_a_store_that_gives_nothing_away(run):
    answer = run("audit-disclosure", "--json")
    assert answer.exit_code == 0, answer.output
    document = json.loads(answer.stdout)
    assert document["ok"] and document["cells"] == [] and document["seen_as"] == ["admin"]
    for role in ("public", "viewer@westshire", "analyst@eastshire", "lead@icb", "admin"):
        assert run("audit-disclosure", "--role", role).exit_code == 0


def test_small_numbers_that_anybody_can_read_are_found(run, monkeypatch):
    from layers.store import guard

    leak = guard.Leak("harm", 1, "2025", "numerator", "lsoa", "T02", 2.0, 2.0, "shown")
    monkeypatch.setattr(guard, "attack", lambda *_: [leak])
    answer = run("audit-disclosure")
    assert answer.exit_code == 1 and "T02" in answer.output and "small number" in answer.output
    assert json.loads(run("audit-disclosure", "--json").stdout)["cells"][0]["area"] == "T02"


@pytest.mark.parametrize("role", ["viewer", "viewer@nowhere", "owner@westshire"])
def test_a_role_that_there_is_not_is_refused(run, role):
    answer = run("audit-disclosure", "--role", role)
    assert answer.exit_code == 1 and "role" in answer.output


def test_everybody_and_every_two_partners(run, monkeypatch):
    from layers.store import guard

    answer = run("audit-disclosure", "--pairs")
    assert answer.exit_code == 0 and "3 pairs of partners" in answer.output, answer.output
    document = json.loads(run("audit-disclosure", "--pairs", "--json").stdout)
    assert document["ok"] and {"public", "lead@icb", "admin", "westshire and eastshire"} <= set(document["groups"])
    monkeypatch.setattr(
        guard, "attack", lambda *_: [guard.Leak("harm", 1, "", "count", "lsoa", "T02", 2.0, 2.0, "shown")]
    )
    answer = run("audit-disclosure", "--pairs")
    assert answer.exit_code == 1 and "westshire and eastshire" in answer.output
    assert run("audit-disclosure", "--pairs", "--role", "public").exit_code == 2
