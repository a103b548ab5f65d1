"""What is put into a text: always on a page, never inside what is something else, with ids of the region that is served."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.briefings.filling.examples import Usual, exhibit_lines, token_text
from dashboard.briefings.filling.exhibits import EXHIBIT_HELP, figure
from dashboard.briefings.filling.facts import FAMILIES, TOKENS, Facts
from dashboard.briefings.web.picking import FAMILY_WORDS
from dashboard.briefings.writing import outline
from dashboard.briefings.writing.placing import exhibit_block, place_exhibit, place_words
from layers import PUBLIC, Refused, read_briefing

FRONT = "---\ntitle: x\npartner: x\nview: need=a&services=b\n---\n"
TEXT = f"""{FRONT}
# One {{{{ region.name }}}} headline

First words.

```exhibit
map
layer: a
```

```notes
Say this.
```

# Two

More words, **bold** ones.
"""
BLOCK = exhibit_block(("chart", "type: worst", "layer: b"))


@pytest.mark.parametrize("at", range(len(TEXT) + 1))
def test_wherever_the_cursor_is_the_text_can_still_be_read(at):
    """Put in a number at every single place: nothing is broken, and all that was there is still there, but a replaced number."""
    made = place_words(TEXT, at, "{{ made }}")
    assert made.text[made.start : made.end] == "{{ made }}"
    document = read_briefing(made.text)
    assert document.title == "x" and document.view == "need=a&services=b" and len(document.pages) == 2
    assert [token.name for _, token in document.tokens].count("made") == 1
    assert document.pages[0].exhibit.arguments == {"layer": "a"}
    inside = "{{ region.name }}" not in made.text
    assert inside == (TEXT.index("{{") < at < TEXT.index("}}") + 2)


@pytest.mark.parametrize("at", range(len(TEXT) + 1))
def test_wherever_the_cursor_is_a_page_has_one_exhibit(at):
    made = place_exhibit(TEXT, at, BLOCK)
    assert made.text[made.start : made.end] == BLOCK
    document = read_briefing(made.text)
    kinds = [page.exhibit.kind if page.exhibit else "" for page in document.pages]
    assert kinds == (["map", "chart"] if at >= TEXT.index("# Two") else ["chart", ""])
    words = [run.text for page in document.pages for block in page.blocks for item in block.items for run in item]
    assert words == ["First words.", "More words, ", "bold", " ones."] and len(document.pages[0].notes) == 1


@pytest.mark.parametrize("text", ["", "---\ntitle: x\npartner: x\n---\n", "words alone", "# {", "```\n", "---\n"])
@pytest.mark.parametrize(
    "put", [lambda text: place_words(text, 0, "{{ made }}"), lambda text: place_exhibit(text, 0, BLOCK)]
)
def test_a_text_without_a_page_gets_one(text, put):
    made = put(text)
    assert outline.parts_of(made.text)
    assert made.text[made.start : made.end] in ("{{ made }}", BLOCK)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="#-`~{} ab:\n\r", max_size=120), st.integers(-5, 200))
def test_nothing_is_ever_lost(text, at):
    for made in (place_words(text, at, "{{ made }}"), place_exhibit(text, at, BLOCK)):
        assert 0 <= made.start <= made.end <= len(made.text)


# ---- with ids of the region that is served ----------------------------------------------------------------------------------

UNKNOWN = {"briefing-unknown", "briefing-view", "layer-kind", "briefing-argument", "exhibit-argument", "argument"}


@pytest.fixture(scope="module", params=["demo", "tiny"])
def region(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("name", list(TOKENS))
def test_every_number_that_is_offered_is_one_of_this_region(region, name):
    words = token_text(name, TOKENS[name], Usual(region, PUBLIC))
    (_, token), *_ = read_briefing(f"{FRONT}# {words}\n").tokens
    assert token.name == name
    _has_only_what_is_there(region, token.arguments)
    try:
        Facts(region, PUBLIC).fact(token)
    except Refused as error:  # this region may have no answer; it is never asked for what it has not
        assert not {fault.rule for fault in error.faults} & UNKNOWN, error.faults


@pytest.mark.parametrize("name", [name for name in EXHIBIT_HELP if name != "picture"])
def test_every_exhibit_that_is_offered_is_one_of_this_region(region, name):
    lines = exhibit_lines(EXHIBIT_HELP[name], Usual(region, PUBLIC))
    spec = read_briefing(f"{FRONT}# x\n\n{exhibit_block(lines)}\n").pages[0].exhibit
    _has_only_what_is_there(region, spec.arguments)
    try:
        figure(region, spec, PUBLIC, spec.arguments.get("view", ""))
    except Refused as error:
        assert not {fault.rule for fault in error.faults} & UNKNOWN, error.faults


def _has_only_what_is_there(region, arguments):
    there = {layer.id for layer in region.store.layers(PUBLIC)}
    for layer_id in filter(None, (arguments.get("layer"), arguments.get("services"))):
        assert layer_id in there
    if code := arguments.get("area"):
        assert region.region.level_of(code)
    for part in re.findall(r"(?:need|services)=([\w-]+)", arguments.get("view", "")):
        assert part in there


def test_what_is_chosen_is_what_is_written(demo):
    ward = demo.region.codes("ward")[3]
    usual = Usual(demo, PUBLIC, {"layer": "overcrowding", "area": ward, "above": "12", "level": "ward"})
    assert token_text("value", TOKENS["value"], usual).startswith(f"{{{{ value layer=overcrowding area={ward}")
    assert "above=12" in token_text("count", TOKENS["count"], usual)
    assert "layer: overcrowding" in exhibit_lines(EXHIBIT_HELP["chart worst"], usual)


def test_a_view_of_the_page_is_not_said_again(demo):
    view = "need=overcrowding&services=pharmacies&show=gap"
    assert token_text("gaps.residents", TOKENS["gaps.residents"], Usual(demo, PUBLIC), view) == "{{ gaps.residents }}"
    chosen = Usual(demo, PUBLIC, {"services": "pharmacies"})
    assert "services=pharmacies" in token_text("gaps.residents", TOKENS["gaps.residents"], chosen, view)


def test_advice_names_what_the_region_has(tiny):
    (_, token), *_ = read_briefing(f"{FRONT}# {{{{ value layer=harm }}}}\n").tokens
    with pytest.raises(Refused) as caught:
        Facts(tiny, PUBLIC).fact(token)
    todo = caught.value.faults[0].todo
    assert "alcohol-admissions" not in todo and tiny.region.level_of(re.search(r"area=(\S+)", todo)[1])


def test_every_family_of_numbers_has_a_name():
    assert set(FAMILY_WORDS) == set(FAMILIES)
