"""``assets/wording.js``, ``assets/question.js`` and ``assets/selection.js`` against the cases that
``tests/dashboard/test_parity_python.py`` holds Python to, and against Python itself on every combination of filters of both
regions, and on links of all kinds."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from dashboard import question
from dashboard.app import json_in_page
from dashboard.selection import Selection
from dashboard.views import offer, wording
from layers import PUBLIC
from tests.links import READ_ALL, links

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT / "tests/dashboard"
WORDS = json.loads((CASES / "wording_cases.json").read_text("utf-8"))
SELECTIONS = json.loads((CASES / "selection_cases.json").read_text("utf-8"))
# -0, NaN and the infinities are texts in the cases
NUMBERS = "const n = (x) => (typeof x === 'string' ? Number(x) : x);"


@pytest.fixture(scope="module")
def scripts(chromium):
    """An empty page with the rows of the question and the scripts, and nothing of Dash."""
    page = chromium.new_page()
    page.set_content(json_in_page("question", question.as_data()))
    page.evaluate("() => { window.dash_clientside = { no_update: null }; }")
    for name in ("wording.js", "question.js", "selection.js"):
        page.add_script_tag(content=(ROOT / "assets" / name).read_text("utf-8"))
    yield page
    page.close()


def differences(cases, got, want):
    return [(case, a, b) for case, a, b in zip(cases, got, want, strict=True) if a != b]


def test_the_words_of_the_cases(scripts):
    for kind, call in {
        "number": "w.number(n(c.value), c.decimals)",
        "with_unit": "w.withUnit(n(c.value), c.unit, c.decimals)",
        "interval": "w.interval(n(c.lower), n(c.upper), c.decimals)",
    }.items():
        cases = WORDS[kind]
        got = scripts.evaluate(
            f"cases => {{ {NUMBERS} const w = commonground.wording; return cases.map((c) => {call}); }}", cases
        )
        assert differences(cases, got, [case["text"] for case in cases]) == []


def test_numbers_round_as_python_rounds_them(scripts):
    """Numbers that look like a half, are one, or nearly are; percentages of small groups; very small and very large ones."""
    draw = random.Random(7)
    values = [k / 2**j for k in range(-40, 41) for j in range(5)]
    values += [k * 0.005 for k in range(400)] + [
        100 * k / n for n in (7, 40, 800, 1999) for k in range(0, n, max(1, n // 60))
    ]
    values += [draw.uniform(-1, 1) * 10.0 ** draw.randint(-9, 18) for _ in range(2000)]
    for decimals in range(4):
        want = [wording.number(value, decimals) for value in values]
        got = scripts.evaluate("([v, d]) => v.map((x) => commonground.wording.number(x, d))", [values, decimals])
        assert differences(values, got, want) == []


def full(fields: dict) -> dict:
    return Selection().as_data() | fields


def test_addresses_are_written_alike(scripts):
    cases = SELECTIONS["written"]
    for name, want in (("toQuery", "query"), ("classesQuery", "classes_query")):
        got = scripts.evaluate(
            f"s => s.map((x) => commonground.question.{name}(x))", [full(c["selection"]) for c in cases]
        )
        assert differences(cases, got, [case[want] for case in cases]) == []


def test_addresses_are_read_alike(scripts):
    cases = SELECTIONS["read"]
    got = scripts.evaluate("q => q.map((x) => commonground.question.fromQuery('?' + x))", [c["query"] for c in cases])
    assert differences(cases, got, [full(case["selection"]) for case in cases]) == []
    written = scripts.evaluate("s => s.map((x) => commonground.question.toQuery(x))", got)
    again = scripts.evaluate("q => q.map((x) => commonground.question.fromQuery(x))", written)
    assert differences(cases, again, got) == []
    assert [Selection.from_query(question.parse_address(q))[1] for q in written] == [()] * len(written)


def test_some_thousand_links_are_read_and_written_alike(scripts):
    asked = links(3)
    ours = [Selection.from_query(question.parse_address(link))[0] for link in asked]
    want = [[each.as_data(), each.query_string(), each.classes_query()] for each in ours]
    assert differences(asked, scripts.evaluate(READ_ALL, asked), want) == []


def settle_in_browser(scripts, site, wanted: list[dict], narrowed: bool = False) -> list[dict]:
    js = "([wanted, catalogue, n]) => wanted.map((w) => commonground.selection.makeValid(w, catalogue, n))"
    return scripts.evaluate(js, [wanted, site.catalogue, narrowed])


def test_selections_settle_alike(scripts, tiny_site):
    cases = SELECTIONS["settled"]
    wanted = [full(case["wanted"]) for case in cases]
    got = settle_in_browser(scripts, tiny_site, wanted)
    assert differences(cases, got, [w | case["changes"] for w, case in zip(wanted, cases, strict=True)]) == []


def test_layers_are_offered_alike(scripts, tiny_site):
    cases = SELECTIONS["offered"]
    js = """([selections, catalogue]) => selections.map((s) => {
      const { indicators, services, remaining } = commonground.selection.offer(s, catalogue);
      return [indicators.map((x) => x.id).sort(), services.map((x) => x.id).sort(), remaining];
    })"""
    got = scripts.evaluate(js, [[full(c["selection"]) for c in cases], tiny_site.catalogue])
    want = [[sorted(c["indicators"]), sorted(c["services"]), c["remaining"]] for c in cases]
    assert differences(cases, got, want) == []


@pytest.mark.parametrize("where", ["tiny_site", "demo_site"])
def test_every_combination_of_filters_is_offered_and_settled_alike(scripts, where, request):
    site = request.getfixturevalue(where)
    names = {key: ["", *(each["id"] for each in site.catalogue[key])] for key in ("themes", "partners")}
    roles = itertools.product(names["themes"], names["partners"], names["partners"])
    combined = [Selection(theme=t, partner=p, owner=o) for t, p, o in roles]
    draw = random.Random(11)
    indicators = [x["id"] for x in site.catalogue["layers"] if x["kind"] == "indicator"]
    lists = [x["id"] for x in site.catalogue["layers"] if x["kind"] == "services"]
    periods = ["", "1066", *(p for x in site.catalogue["layers"] for p in x["periods"])]
    combined = draw.sample(combined, min(len(combined), 200))
    odd = [
        replace(
            draw.choice(combined),
            need=draw.choice(
                ["", "none", *indicators, ",".join(draw.sample(indicators, 2)), f"{draw.choice(indicators)}=2"]
            ),
            services=tuple(draw.sample(lists, draw.randint(0, min(2, len(lists))))),
            level=draw.choice(["lsoa", "ward", "lad"]),
            period=draw.choice(periods),
            bands=draw.choice(["region", "partner", "national"]),
            show=draw.choice(["need", "access", "gap"]),
            fair=draw.random() < 0.3,
            max_min=draw.choice([None, 20.0]),
            group=draw.choice(["", "nothing", *indicators]),
            travel=draw.choice(["", "bus"]),
        )
        for _ in range(300)
    ]
    wanted = combined + odd
    got = settle_in_browser(scripts, site, [selection.as_data() for selection in wanted])
    want = [offer.valid_selection(site.published, selection, PUBLIC)[0].as_data() for selection in wanted]
    assert differences(wanted, got, want) == []
    js = """([selections, catalogue]) => selections.map((s) => {
      const { indicators, services, remaining } = commonground.selection.offer(s, catalogue);
      return [indicators.map((x) => x.id), services.map((x) => x.id), remaining];
    })"""
    got = scripts.evaluate(js, [[selection.as_data() for selection in combined], site.catalogue])
    found = [offer.layers_for(site.published, selection, PUBLIC) for selection in combined]
    want = [[[x.id for x in f.indicators], [x.id for x in f.services], f.remaining] for f in found]
    assert differences(combined, got, want) == []
    # a choice that narrows carries the rest with it: what is shown is on offer
    for settled in settle_in_browser(scripts, site, [selection.as_data() for selection in odd], narrowed=True):
        on_offer = offer.layers_for(site.published, Selection.from_data(settled), PUBLIC)
        ids = {layer.id for layer in on_offer.indicators}
        assert settled["need"] == "none" or {part.split("=")[0] for part in settled["need"].split(",")} <= ids
        assert set(settled["services"]) <= {layer.id for layer in on_offer.services}
