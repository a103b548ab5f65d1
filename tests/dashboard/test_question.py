"""The rows of the question: what a link, the API and the commands take, and that a row is all that a field needs there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from dashboard import question
from dashboard.api.openapi import document
from dashboard.cli import main
from dashboard.components.ask import DETOURS, PICKERS
from dashboard.question import FIELDS, GAPS, MAP, SITES, TOGETHER, number_text
from dashboard.selection import Selection
from layers import METRICS

ADDRESSES = {GAPS: ("/gaps", "gaps"), TOGETHER: ("/together", "together"), SITES: ("/sites", "site")}
ROOT = Path(__file__).resolve().parents[2]


def options_of(command: str) -> set[str]:
    return {option for each in main.commands[command].params for option in each.opts}


@pytest.mark.parametrize("who", ADDRESSES)
def test_every_row_is_where_it_says_that_it_is_and_nowhere_else(tiny, who):
    address, command = ADDRESSES[who]
    described = {each["name"]: each for each in document(tiny)["paths"][address]["get"]["parameters"]}
    help_text = CliRunner().invoke(main, [command, "--help"]).output
    for row in FIELDS.values():
        flag = f"--{row.name.replace('_', '-')}"
        here = who in row.asked_by
        assert (row.name in described, flag in options_of(command)) == (here, here), row.name
        assert not here or (flag in help_text and described[row.name]["required"] == (who in row.needed_by))
    assert set(described) - {row.name for row in question.fields_of(who)} <= {"format", "exact"}


def test_the_selection_and_the_pickers_have_the_rows_of_the_link():
    names = [row.name for row in question.fields_of(MAP)]
    assert [each.name for each in fields(Selection)] == names == [each["name"] for each in question.as_data()]
    assert {picker.row for picker in PICKERS} <= set(names)
    assert [number_text(each) for each in FIELDS["detour"].on_map] == list(DETOURS)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("max_m", "1_000", None),
        ("max_m", "0x10", None),
        ("max_m", "١٢", None),
        ("max_m", "NaN", None),
        ("max_m", "inf", None),
        ("max_m", "1 000", None),
        ("max_m", "1234.5678", 1234.5678),
        ("max_m", " 1500 ", 1500),
        ("max_m", "1.5e3", 1500),
        ("need", "a=0x2", None),
        ("need", "a=1_0", None),
        ("need", "a=2.50", "a=2.50"),
        ("need", "a=2, b", "a=2,b"),
        ("services", "a,,b ", ("a", "b")),
    ],
)
def test_one_way_of_writing_a_number(client, name, text, value):
    """Link, API and commands take or refuse the same texts."""
    selection, notices = Selection.from_query({name: text})
    assert getattr(selection, name) == (FIELDS[name].default if value is None else value)
    assert len(notices) == (value is None)
    asked = {"need": "crowded", "services": "clinics"} | {name: text}
    answer = client.get("/api/v1/gaps", query_string=asked)
    error = (answer.get_json().get("error") or {}).get("code")
    assert (error == "bad-parameter") == (value is None)
    flag = f"--{name.replace('_', '-')}"
    option = next(each for each in main.commands["gaps"].params if flag in each.opts)
    if value is None:
        with pytest.raises(Exception, match="it takes"):
            option.type.convert(text, option, None)
    else:
        assert option.type.convert(text, option, None) == value


def test_a_limit_is_one_limit(client):
    """Metres, for example: beyond them a link says so, and API and commands refuse."""
    _, (notice,) = Selection.from_query({"max_m": "200001"})
    assert "it takes a number from 1 to 200,000" in notice
    answer = client.get("/api/v1/gaps?need=crowded&services=clinics&max_m=200001&max_min=601").get_json()
    assert [fault["todo"] for fault in answer["error"]["detail"]["faults"]] == [
        "use a number from 1 to 200,000",
        "use a number from 1 to 600",
    ]
    words = ["gaps", "--need", "crowded", "--services", "clinics", "--max-m", "200001", "--json"]
    said = CliRunner().invoke(main, words)
    (fault,) = json.loads(said.stdout)["faults"]
    assert (said.exit_code, fault["todo"], fault["rule"]) == (1, "use a number from 1 to 200,000", "limits")


@given(st.floats(1, 200_000) | st.floats(1, 200_000).map(lambda x: round(x, 4)))
def test_a_link_keeps_every_digit(metres):
    selection = Selection(max_m=metres)
    assert Selection.from_query(selection.to_query()) == (selection, ())


@pytest.mark.parametrize(
    ("value", "text"),
    [(1500.0, "1500"), (1234.5678, "1234.5678"), (1e-7, "0.0000001"), (0.1, "0.1"), (1e16, "1" + "0" * 16)],
)
def test_numbers_are_written_without_an_exponent(value, text):
    assert number_text(value) == text


def test_a_name_that_stands_twice_counts_once():
    assert question.parse_address("?need=a&need=b&period=a+b&level=") == {"need": "a", "period": "a b"}


def test_what_a_field_takes_is_looked_up_when_it_is_asked(monkeypatch):
    """Another metric is there for everybody at once: nobody keeps a copy of the list."""
    more = {**METRICS, "second": None} if isinstance(METRICS, dict) else (*METRICS, "second")
    monkeypatch.setattr("dashboard.question.METRICS", more)
    assert Selection.from_query({"metric": "second"}) == (Selection(metric="second"), ())
    option = next(each for each in main.commands["gaps"].params if "--metric" in each.opts)
    assert option.type.convert("second", option, None) == "second"
    assert "second" in next(each for each in question.as_data() if each["name"] == "metric")["allowed"]


NEW_ROW = """
from dashboard import question
from dashboard.question import FIELDS, GAPS, MAP, Field, Number
FIELDS["hill"] = Field(
    "hill", Number(), "a climb in metres of", (MAP, GAPS), "Metres of climb that count as one of way",
    default=None, least=1, most=50, colours="gap",
)
import json
from click.testing import CliRunner
from dashboard.api.openapi import _asked
from dashboard.cli import main
from dashboard.selection import Selection
from tests.links import read_in_node

link = "need=a&show=gap&hill=7.25"
selection, notices = Selection.from_query(question.parse_address(link))
print(json.dumps({
    "read": [selection.hill, list(notices)],
    "written": [selection.query_string(), selection.classes_query()],
    "kept": Selection.from_data(selection.as_data()) == selection,
    "browser": read_in_node(question.as_data(), [link])[0],
    "openapi": [each for each in _asked(GAPS, "gaps") if each["name"] == "hill"],
    "help": CliRunner().invoke(main, ["gaps", "--help"]).output,
}))
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_a_new_row_is_all_that_link_api_command_and_browser_need():
    done = subprocess.run([sys.executable, "-c", NEW_ROW], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["read"] == [7.25, []] and seen["kept"]
    assert seen["written"] == ["need=a&show=gap&hill=7.25", "need=a&level=lsoa&show=gap&hill=7.25"]
    assert seen["browser"][0]["hill"] == 7.25 and seen["browser"][1:] == seen["written"]
    (described,) = seen["openapi"]
    assert described["schema"] == {"type": "number", "minimum": 1, "maximum": 50}
    assert "--hill NUMBER" in seen["help"] and "Metres of climb" in seen["help"]


def test_what_the_map_does_not_offer_is_not_taken_from_a_link(client):
    """The engine measures with any detour and says itself when all weights are 0; the map has no control for either."""
    assert Selection.from_query({"detour": "1.3", "need": "a=0"})[0] == Selection()
    answer = client.get("/api/v1/gaps?need=crowded=1,harm=0&services=clinics&detour=1.3").get_json()
    assert answer["parameters"]["detour"] == 1.3
    assert replace(Selection(), detour=1.2).to_query() == {"detour": "1.2"}
