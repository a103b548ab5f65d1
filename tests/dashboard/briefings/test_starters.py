"""Starters: each builds without a fault on every region, says what the data say, and never a broken sentence."""

from __future__ import annotations

import re

import pytest
from jinja2.exceptions import SecurityError

from dashboard.briefings.filling.build import build_briefing
from dashboard.briefings.filling.questions import answer, question_of, questions
from dashboard.briefings.writing import templates
from dashboard.briefings.writing.readability import read_ease
from dashboard.briefings.writing.starters import SHARED, TEN, starter_text, starters
from dashboard.briefings.writing.templates import md
from dashboard.selection import Selection
from dashboard.views import spoken
from dashboard.views.gaps import gaps_of
from layers import LONGEST_HEADLINE, PUBLIC, read_briefing


def built(published, starter_id):
    """Strict: one fault in it raises, and names them all."""
    text = starter_text(published, starter_id)
    return build_briefing(published, read_briefing(text, where=starter_id), briefing_id=starter_id)


def words(briefing) -> str:
    return "\n".join(
        "".join(run.text for run in item) for page in briefing.pages for block in page.blocks for item in block.items
    )


@pytest.fixture(scope="module")
def demo_briefings(demo):
    return {starter.id: built(demo, starter.id) for starter in starters(demo)}


def test_every_starter_builds_without_a_fault(region_of_any_kind):
    published = region_of_any_kind
    found = starters(published)
    assert TEN in [starter.id for starter in found]
    for starter in found:
        briefing = built(published, starter.id)
        assert briefing.pages
        for page in briefing.pages:
            assert not page.unavailable
            assert 0 < len(page.headline_text) <= LONGEST_HEADLINE
            assert page.notes or starter.id == TEN  # a presenter has something to say
            assert "{{" not in page.headline_text
        assert "{{" not in words(briefing)


def test_no_sentence_is_broken(demo_briefings):
    for briefing in demo_briefings.values():
        for line in words(briefing).split("\n"):
            assert line.strip()
            assert "  " not in line
            assert " ." not in line
            assert "–" not in re.sub(r"\d–\d", "", line), line  # a dash stands for "no figure"
            assert not re.search(r"\b(1 (residents|communities|areas)|None|nan)\b", line), line
            assert line.rstrip()[-1] in ".?:!”", line


def test_ten_numbers_are_ten_from_different_themes(demo, demo_briefings):
    briefing = demo_briefings[TEN]
    assert len(briefing.pages) == 10
    assert briefing.title == "The region in ten numbers"
    assert all(
        re.search(r"\d|one in|half|above|below|times|twice|same", page.headline_text, re.I) for page in briefing.pages
    )
    assert all(page.figure is not None for page in briefing.pages)
    headlines = [page.headline_text for page in briefing.pages]
    assert len(set(headlines)) == 10
    themes = {layer.themes[0] for layer in demo.store.layers(PUBLIC) if any(layer.title in text for text in headlines)}
    assert len(themes) >= 6
    # the lead of a theme that has one in rates stands first
    assert headlines[0].startswith("Hospital stays caused by alcohol: ")


def test_a_headline_has_the_number_of_the_screen(demo, demo_briefings):
    question = next(q for q in questions(demo, PUBLIC) if q.theme.id == "alcohol")
    gaps = gaps_of(demo, question.selection, PUBLIC)
    pages = demo_briefings["gaps-alcohol"].pages
    share = gaps.summary["underserved_residents"] / gaps.summary["residents"]
    assert pages[1].headline_text.lower().startswith(f"{spoken.of_people(share)} live where need is high")
    said = "".join(run.text for block in pages[1].blocks for item in block.items for run in item)
    assert f"About {spoken.people(gaps.summary['underserved_residents'])} people" in said
    assert any(f"of {gaps.summary['communities']:,} places hold half" in p.headline_text for p in pages)


def test_gaps_starter_tells_the_whole_story(demo_briefings):
    kinds = [page.figure.kind if page.figure else "" for page in demo_briefings["gaps-alcohol"].pages]
    text = "\n".join(page.headline_text for page in demo_briefings["gaps-alcohol"].pages)
    assert kinds[0] == "map"
    assert {"map", "chart", "table"} <= set(kinds)
    for part in (
        "one alcohol and drug service for every",
        "Where need is most, the nearest is",
        "gaps hold in nine of ten trials",
        "Looking alone",
        "One more",
        "do not tell us",
        "to decide today",
    ):
        assert part in text


def test_shared_gaps_lead_with_the_question_that_shares_most(demo, demo_briefings):
    best = max(
        ((q, gaps_of(demo, q.selection, PUBLIC)) for q in questions(demo, PUBLIC)),
        key=lambda pair: pair[1].summary["shared_residents"],
    )
    assert demo_briefings[SHARED].document.theme == best[0].theme.id
    assert f"about {spoken.people(best[1].summary['shared_residents'])} residents" in "\n".join(
        page.headline_text for page in demo_briefings[SHARED].pages
    )


def test_zero_shared_gaps_is_said_in_a_sentence(tiny):
    text = "\n".join(page.headline_text for page in built(tiny, SHARED).pages)
    gaps = gaps_of(tiny, questions(tiny, PUBLIC)[0].selection, PUBLIC)
    if gaps.summary["shared_communities"] == 0:
        assert "lies across a border" in text or "No area is underserved" in text
    else:
        assert "across" in text


def test_a_region_with_one_authority_has_no_shared_gaps(lonely):
    assert SHARED not in [starter.id for starter in starters(lonely)]
    assert starter_text(lonely, SHARED) is None


def test_a_region_without_data_still_has_its_numbers(bare):
    briefing = built(bare, TEN)
    assert briefing.pages[0].headline_text == "About 14,000 people live in Bare & <empty>"
    assert len(briefing.pages) == 2  # people, authorities; there are no partners
    assert briefing.title == "The region in two numbers"


def test_unknown_starters_are_none(demo):
    for name in ("", "gaps-", "gaps-nothing", "ward-DW001", "../etc"):
        assert starter_text(demo, name) is None


def test_starters_read_easily(demo_briefings):
    for briefing in demo_briefings.values():
        ease = read_ease(briefing.pages)
        assert ease.reading_age is None or ease.reading_age <= 14


def test_a_starter_uses_only_what_the_public_sees(demo, demo_briefings):
    public = {layer.id for layer in demo.store.layers(PUBLIC)}
    for briefing in demo_briefings.values():
        assert set(briefing.pins) <= public


def test_questions_prefer_ready_made_sets_and_lists_of_the_theme(demo):
    found = {q.theme.id: q for q in questions(demo, PUBLIC)}
    assert found["alcohol"].selection.need == "alcohol-admissions=2,higher-risk-drinking,violence"
    assert found["alcohol"].services.id == "alcohol-drug-services"
    assert found["education"].services.id == "family-hubs"  # the only list that names the theme
    assert "housing" not in found  # no list of services does
    assert all(answer(demo, q, PUBLIC, quick=True) is not None for q in found.values())
    assert Selection.from_query(dict([pair.split("=", 1) for pair in found["alcohol"].view.split("&")]))[1] == ()


def test_a_theme_without_services_has_no_question(demo):
    theme = next(theme for theme in demo.region.themes if theme.id == "housing")
    assert question_of(demo, theme, PUBLIC) is None


@pytest.mark.parametrize(
    "text",
    [
        "# A heading",
        "- a list",
        "1. first",
        "{{ region.name }}",
        "**bold** _and_ `code`",
        "[a](http://x)",
        "<b>x</b>",
        "a | b",
        "2) x",
    ],
)
def test_words_from_data_are_never_marks(text):
    document = read_briefing(f"---\ntitle: x\npartner: y\n---\n# x\n\n{md(text)}\n")
    (block,) = document.pages[0].blocks
    assert block.kind == "paragraph"
    (item,) = block.items
    assert "".join(run.text for run in item) == text.translate({60: "‹", 62: "›"}).replace("{{", "{").replace("}}", "}")
    assert not any(run.bold or run.italic or run.link or run.token for run in item)


def test_a_template_keeps_what_holds(tiny, monkeypatch, tmp_path):
    """The conventions of starters/README.md: tries of headlines and exhibits, a line a sentence, words that are given."""
    (tmp_path / "own.md").write_text(
        "{# for nobody #}\n---\ntitle: [[ title ]]\nsubtitle: [[ nothing ]]\naudience: public\n---\n"
        "# {{ community.name n=99 }} is the place\n# {{ region.name }}, in short\n\n"
        "[[ title ]] is told.\n{{ value layer=none area=none }} is not.\n{% if says('region.name') %}\nSo is this.\n{% endif %}\n\n"
        "- one\n- two\n\n```exhibit\nmap\nlayer: none\n```\n\n```notes\nSay it.\n{{ nothing }}\n```\n\n# {{ nothing }}\n\nLost.\n"
    )
    monkeypatch.setattr(templates, "FOLDER", tmp_path)
    templates._environment.cache_clear()
    try:
        writer = templates.Writer(tiny)
        text = writer.write("own", title="This", nothing="")
    finally:
        templates._environment.cache_clear()
    assert text == (
        '---\ntitle: "This"\naudience: "public"\n---\n\n# {{ region.name }}, in short\n\nThis is told. So is this.\n\n'
        "- one\n- two\n\n```notes\nSay it.\n```\n"
    )
    assert writer.pages == 1


def test_templates_reach_nothing_but_their_words(tiny, monkeypatch, tmp_path):
    (tmp_path / "own.md").write_text("---\ntitle: [[ says.__globals__ ]]\n---\n# x\n")
    monkeypatch.setattr(templates, "FOLDER", tmp_path)
    templates._environment.cache_clear()
    try:
        with pytest.raises(SecurityError):
            templates.Writer(tiny).write("own")
    finally:
        monkeypatch.undo()
        templates._environment.cache_clear()


def test_a_template_without_a_headline_says_what_is_missing():
    with pytest.raises(ValueError, match=r"begins with its headline.*Where is it"):
        templates._pages(["", "Where is it?", "# Here"])
