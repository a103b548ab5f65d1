"""The answer as one sentence, the steps of a question and its chips: on Tinyland, where every number can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dashboard.selection import Selection
from dashboard.views import answer_words as words
from dashboard.views.claims import Claims
from dashboard.views.gaps import answer_or_reasons, gaps_of
from dashboard.views.question_words import chip_words
from dashboard.views.scene import emphasis_of, scene
from dashboard.views.steps import STEPS, step_of, steps_of
from dashboard.views.together import together_of
from layers import PUBLIC

GAP = Selection(need="crowded", services=("clinics",), show="gap")


def said(published, selection):
    shown = scene(published, selection, PUBLIC)
    together = answer_or_reasons(lambda: together_of(published, selection, PUBLIC)) if selection.services else None
    return words.answer_words(published, selection, shown, together), steps_of(selection, shown, together)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (
            {"need": "crowded"},  # 13 to 16 % are the worst fifth: T14 and T13 in the west, T15 and T16 in the east
            "Two in five people in Eastshire live where “Crowded homes” is among the worst fifth of the region, one in four in Westshire.",
        ),
        (
            {"need": "harm"},  # neither end of it is worse, so that nobody can be worst
            "Alcohol harm, 2025: highest in Square 16, 20 per 1,000 residents; lowest in Square 02, 10 per 1,000 residents.",
        ),
        ({"need": "crowded", "level": "lad"}, "There are no figures for crowded homes (2021) by local authority."),
        ({"need": "none"}, "Only services are shown. Choose a need to see who is far from them."),
    ],
)
def test_need_in_a_sentence(tiny, asked, sentence):
    assert said(tiny, Selection(**asked))[0].sentence == sentence


def test_gap_access_and_shared_in_a_sentence(tiny):
    gaps = gaps_of(tiny, GAP, PUBLIC)
    assert gaps.summary["underserved_residents"] == 4500  # T14, T15, T16 of 13,600
    found, _ = said(tiny, GAP)
    assert found.sentence == (
        "About 4,500 people, one in three residents, live where need is high (crowded homes), with the nearest alcohol clinic more "
        "than 1 km away. They are in one place: North East."
    )
    assert found.more[0].startswith("Between ") and found.more[1].startswith("One gap crosses a council border")
    assert found.level == "Shown by small area."
    found, _ = said(tiny, replace(GAP, show="access"))
    assert found.sentence.startswith("About 11,000 people, five in six residents, live with the nearest alcohol clinic")
    assert (
        said(tiny, replace(GAP, shared=True))[0].sentence
        == "Nobody lives nearer to another authority’s alcohol clinic."
    )


def test_of_a_sample_every_sentence_about_people_says_so_and_without_counts_none_is_said(tiny, monkeypatch):
    gaps = gaps_of(tiny, GAP, PUBLIC)
    monkeypatch.setitem(vars(gaps), "claims", Claims(2, sampled=True))
    assert (
        "live where need is high (crowded homes), with the nearest alcohol clinic more than 1 km away, in this sample of 2 sites."
        in (words.gap_sentence(gaps))
    )
    monkeypatch.setitem(vars(gaps), "claims", Claims(2, fit=frozenset({"gaps"})))
    assert words.gap_sentence(gaps).startswith("3 small areas in one place have high need (crowded homes)")
    assert words.access_sentence(gaps) == ""


def test_a_ready_made_set_goes_by_its_name(demo):
    preset = demo.region.presets[0]
    layers = [demo.store.layer(name, PUBLIC) for name in preset.weights]
    name = words.need_noun(demo, tuple(preset.weights.items()), layers)
    assert name.casefold() == preset.name.split(" (")[0].casefold()
    assert words.need_noun(demo, tuple((n, w + 1) for n, w in preset.weights.items()), layers).startswith("your ")


def test_steps_are_addresses_and_say_how_much_they_show(tiny):
    _, steps = said(tiny, GAP)
    assert [step.id for step in steps] == [row.id for row in STEPS]
    assert [step.count for step in steps] == ["3 areas", "10 areas", "3 areas", "0 people", ""]
    assert [step.id for step in steps if step.current] == ["gap"]
    for step in steps[:4]:
        asked, notices = Selection.from_query(dict(part.split("=") for part in step.link[2:].split("&")))
        assert notices == () and step_of(asked) == step.id
    assert steps[4].link.startswith("/options?need=crowded&services=clinics")
    _, steps = said(tiny, Selection(need="crowded"))
    assert [bool(step.why_not) for step in steps] == [False, True, True, True, True]
    assert "Choose services first" in steps[1].why_not
    _, steps = said(tiny, Selection(need="none", services=("clinics",)))
    assert "Choose a need first" in steps[2].why_not
    unfit = steps_of(GAP, None, None, "This list is not for gaps.")
    assert [step.why_not for step in unfit] == ["", *["This list is not for gaps."] * 4]


def test_the_map_of_what_is_shared_brings_out_only_that(tiny):
    shown = scene(tiny, GAP, PUBLIC)
    alone = emphasis_of(shown, GAP, PUBLIC)["areas"]
    assert alone == emphasis_of(shown, replace(GAP, shared=True), PUBLIC)["areas"], "its one gap crosses the border"
    shown.across.clear()
    only_west = replace(shown, result=replace(shown.result, communities=()))
    assert emphasis_of(only_west, replace(GAP, shared=True), PUBLIC)["areas"] == []


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, {"need": "crowded homes", "services": "alcohol clinics", "far": "over 1 km", "place": "whole region", "level": "small areas"}),
        ({"max_m": 2500.0, "alone": True}, {"far": "over 2.5 km, own services only"}),
        ({"metric": "e2sfca"}, {"far": "capacity for its people"}),
        ({"fair": True, "max_min": 20.0}, {"far": "over 20 minutes"}),
        ({"fair": True}, {"far": "too many minutes"}),
        ({"partner": "westshire", "level": "ward"}, {"place": "Westshire Council", "level": "wards"}),
        ({"need": "none", "services": ()}, {"need": "no need", "services": "no services"}),
        ({"need": "crowded,harm"}, {"need": "your two indicators"}),
    ],
)  # fmt: skip
def test_a_chip_says_what_its_part_of_the_question_is(tiny, asked, words):
    found = chip_words(tiny, replace(GAP, **asked), PUBLIC)
    assert {part: found[part] for part in words} == words
