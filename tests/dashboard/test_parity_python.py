"""The words, addresses and offers that Python and the browser must agree on, from the Python side.

``tests/browser/test_parity.py`` puts the same cases to ``assets/wording.js``, ``assets/question.js`` and ``assets/selection.js``.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from dashboard import question
from dashboard.selection import Selection
from dashboard.views import offer, wording
from layers import PUBLIC
from tests.links import links, read_in_node

HERE = Path(__file__).parent
WORDS = json.loads((HERE / "wording_cases.json").read_text("utf-8"))
SELECTIONS = json.loads((HERE / "selection_cases.json").read_text("utf-8"))


def as_number(value) -> float | None:
    """JSON has no NaN, infinity or negative zero; the cases write them as text."""
    return float(value) if isinstance(value, str) else value


def selection_of(fields: dict) -> Selection:
    lists = {name: tuple(fields[name]) for name in ("services", "overlays", "at") if fields.get(name)}
    return Selection(**{**fields, **lists})


@pytest.mark.parametrize("case", WORDS["number"], ids=lambda c: f"{c['value']} to {c['decimals']}")
def test_number(case):
    assert wording.number(as_number(case["value"]), case["decimals"]) == case["text"]


@pytest.mark.parametrize("case", WORDS["with_unit"], ids=lambda c: c["text"])
def test_with_unit(case):
    assert wording.with_unit(as_number(case["value"]), case["unit"], case["decimals"]) == case["text"]


@pytest.mark.parametrize("case", WORDS["interval"], ids=lambda c: f"{c['lower']} to {c['upper']}")
def test_interval(case):
    assert wording.interval(as_number(case["lower"]), as_number(case["upper"]), case["decimals"]) == case["text"]


@pytest.mark.parametrize("case", SELECTIONS["written"], ids=lambda c: c["query"] or "the bare address")
def test_a_selection_is_written_as_an_address(case):
    selection = selection_of(case["selection"])
    assert selection.query_string() == case["query"]
    assert selection.classes_query() == case["classes_query"]


@pytest.mark.parametrize("case", SELECTIONS["read"], ids=lambda c: c["query"][:40] or "nothing")
def test_an_address_is_read_as_a_selection(case):
    assert Selection.from_query(question.parse_address(case["query"]))[0] == selection_of(case["selection"])


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize("seed", [1, 2])
def test_some_thousand_links_are_read_and_written_alike(seed):
    """Hostile texts too, for every kind of field; what was written is read as the same again."""
    asked = links(seed)
    ours = [Selection.from_query(question.parse_address(link))[0] for link in asked]
    want = [[each.as_data(), each.query_string(), each.classes_query()] for each in ours]
    got = read_in_node(question.as_data(), asked)
    assert [(link, a, b) for link, a, b in zip(asked, got, want, strict=True) if a != b] == []
    assert sum(each != Selection() for each in ours) > 1000
    for each in ours:
        written = question.parse_address(each.query_string())
        again, notices = Selection.from_query(written)
        assert (again.to_query(), notices) == (written, ())


@pytest.mark.parametrize("case", SELECTIONS["settled"], ids=lambda c: str(c["wanted"]))
def test_a_selection_settles_on_what_exists(tiny, case):
    wanted = selection_of(case["wanted"])
    changes = {name: tuple(value) if name == "services" else value for name, value in case["changes"].items()}
    settled, _ = offer.valid_selection(tiny, wanted, PUBLIC)
    assert settled == replace(wanted, **changes)
    assert offer.valid_selection(tiny, settled, PUBLIC) == (settled, ())


@pytest.mark.parametrize("case", SELECTIONS["offered"], ids=lambda c: str(c["selection"]))
def test_a_selection_narrows_the_layers_on_offer(tiny, case):
    found = offer.layers_for(tiny, selection_of(case["selection"]), PUBLIC)
    assert {layer.id for layer in found.indicators} == set(case["indicators"])
    assert {layer.id for layer in found.services} == set(case["services"])
    assert found.remaining == case["remaining"]
