"""Words once: the same standard is said the same on every way out, measured distances are rounded, and one of a thing is singular."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace

import pandas as pd
import pytest
from click.testing import CliRunner

from dashboard.selection import Selection
from dashboard.views import gap_files, gap_map, gap_words, option_results, siting, wording
from dashboard.views.gap_areas import area_reading
from dashboard.views.gaps import across_sentence, gaps_of
from dashboard.views.overlays import overlays
from dashboard.views.together import together_of, together_sentence
from layers import METRICS, PUBLIC, Community, Indicator, Note, find_need

ASKED = Selection(need="crowded", services=("clinics",), show="gap")


def asked_by(query):
    return Selection.from_query(query)[0]


@pytest.mark.parametrize(
    ("limit", "unit", "said"),
    [
        (847, "m", "847 m"), (1000, "m", "1 km"), (1600, "m", "1.6 km"), (1250, "m", "1.25 km"), (1234.5, "m", "1,234.5 m"),
        (999.9, "m", "999.9 m"), (12345, "m", "12,345 m"), (0.5, "m", "0.5 m"), (1, "min", "1 minute"), (12.5, "min", "12.5 minutes"),
        (45.25, "min", "45.25 minutes"), (None, "m", "–"),
    ],
)  # fmt: skip
def test_a_standard_is_never_rounded(limit, unit, said):
    assert wording.standard_words(limit, unit) == said


@pytest.mark.parametrize(
    ("cost", "unit", "said"),
    [
        (847, "m", "850 m"), (1000, "m", "1 km"), (1234.5, "m", "1.2 km"), (1, "min", "1 minute"), (0.96, "min", "1 minute"),
        (12.54, "min", "12.5 minutes"), (45.25, "min", "45 minutes"), (float("inf"), "m", "–"),
    ],
)  # fmt: skip
def test_what_was_measured_is_rounded(cost, unit, said):
    assert wording.cost_words(cost, unit) == said


@pytest.mark.parametrize(
    ("n", "words", "said"),
    [(1, ("site",), "1 site"), (0, ("site",), "0 sites"), (1.2, ("resident",), "1 resident"), (0.6, ("resident",), "1 resident"),
     (1234, ("community", "communities"), "1,234 communities")],
)  # fmt: skip
def test_counted_nouns(n, words, said):
    assert wording.counted(n, *words) == said


@pytest.mark.parametrize(
    ("typed", "said"), [(847, "847 m"), (1000, "1 km"), (1234.5, "1,234.5 m"), (1250, "1.25 km"), (None, "1 km")]
)
def test_the_same_standard_on_every_way_out(tiny, tiny_pack, client, tmp_path, monkeypatch, typed, said):
    """The clinics' own standard is 1,000 m."""
    from dashboard.cli import main

    query = {"need": "crowded", "services": "clinics"} | ({} if typed is None else {"max_m": str(typed)})
    found = gaps_of(tiny, asked_by(query | {"show": "gap"}), PUBLIC)
    rule = f"the nearest alcohol clinic more than {said} away in a straight line"
    assert rule in gap_words.rule_sentence(found)
    document = client.get("/api/v1/gaps", query_string=query).get_json()
    for text in (document["parameters"]["rule"], document["summary"]["rule"], document["summary"]["rule_sentence"]):
        assert rule in text
    table = client.get("/api/v1/gaps", query_string=query | {"format": "csv"}).text
    assert rule in next(csv.DictReader(io.StringIO(table)))["rule"]
    reach = {"metric": "coverage", "max_m": str(typed or 1000)}
    counted = gaps_of(tiny, asked_by(query | reach), PUBLIC)
    assert gap_map.painted(counted, "access").title == f"Services within {said} in a straight line"
    for name, value in {"REGION": tiny_pack, "HOME": tmp_path}.items():
        monkeypatch.setenv(f"COMMONGROUND_{name}", str(value))
    words = [part for name, value in query.items() for part in (f"--{name.replace('_', '-')}", value)]
    assert rule in CliRunner().invoke(main, ["gaps", *words]).stdout
    sites = client.get("/api/v1/sites", query_string=query).get_json()
    assert f"within {said}." in sites["sentence"]
    rings = next(each for each in overlays(found) if each.id == "rings")
    assert rings.words.startswith(f"{said} in a straight line around each alcohol clinic")


def test_api_sentences_are_those_of_the_page(tiny):
    found = gaps_of(tiny, ASKED, PUBLIC)
    document = gap_files.gaps_document(found)
    summary = document["summary"]
    assert summary["sentence"] == summary["summary_sentence"] == gap_words.summary_sentence(found)
    assert document["parameters"]["rule"] == summary["rule_sentence"] == gap_words.rule_sentence(found)
    assert summary["notes"] == gap_words.notes_of(found)
    assert document["parameters"]["distance"] == "straight line"
    assert document["parameters"]["varied"]["limit"] == "times 0.75 to 1.25"
    together = together_of(tiny, ASKED, PUBLIC)
    document = gap_files.together_document(together)
    assert document["summary"]["sentence"] == together_sentence(together)


def test_what_was_varied_and_how_far_it_is(tiny):
    by_line = gap_files.gaps_document(
        gaps_of(tiny, asked_by({"need": "crowded", "services": "clinics", "detour": "1.2"}), PUBLIC)
    )
    assert by_line["parameters"]["distance"] == "straight line times 1.2"
    assert by_line["parameters"]["varied"] == {
        "weights": "one indicator, nothing to vary", "need_threshold": "75 to 85", "limit": "times 0.75 to 1.25",
        "detour": "times 0.85 to 1.15", "sampling_error": ["crowded"], "metric": "nearest",
    }  # fmt: skip


def test_need_of_an_area_in_words():
    frame = pd.DataFrame({"value": [10.0, 20.0, 30.0], "status": ["ok", "ok", "suppressed"]})
    parts = [Indicator("a", frame, "Harm"), Indicator("b", pd.Series([3.0, 2.0, 1.0]), "Crowding")]
    both = find_need(parts, {"a": 2, "b": 1})
    said = lambda made, label: gap_words.need_sentence(made, (why := made.explain(label))["drivers"], why["need"])  # noqa: E731
    assert "It is made of Harm (worse than in 75% of areas) and Crowding" in said(both, 1)
    assert said(both, 2) == "Need is not known here: less than half of the chosen weight has a value (Harm missing)."
    assert said(find_need(parts[:1]), 1) == "Need is higher than in 75% of the region's areas, by Harm."


def test_the_engine_gives_no_sentences(tiny):
    """Strings of its documents are names, codes and titles; a sentence has a space and ends with a full stop."""
    document = gaps_of(tiny, ASKED, PUBLIC).result.to_json()
    texts = [text for text in _texts(document) if " " in text and text.endswith(".")]
    assert texts == []


def _texts(thing):
    if isinstance(thing, str):
        yield thing
    elif isinstance(thing, dict):
        for each in thing.values():
            yield from _texts(each)
    elif isinstance(thing, list | tuple):
        for each in thing:
            yield from _texts(each)


NOTES = (
    Note("across-water", {"areas": 1, "residents": 1.0}),
    Note("strictest-standard", {"max_m": 847.0}),
    Note("metres-walked", {"max_m": 80.0, "minutes": 1.0, "walking_kmh": 4.8}),
    Note("metric-needs-limit", {"metric": "coverage"}),
    Note("need-unknown-everywhere"),
    Note("need-unknown", {"areas": 1, "of": 1, "residents": 1.0}),
    Note("no-service"),
    Note("services-unplaced", {"services": 1}),
    Note("demand-unknown", {"areas": 1}),
    Note("residents-left-out", {"areas": 1}),
    Note("services-unreached", {"services": 1, "of": 1}),
    Note("one-area"),
    Note("authorities-without", {"lad_codes": ["TA"]}),
    Note("uncoverable", {"areas": 1, "residents": 1.0}),
    Note("no-demand"),
    Note("no-existing-service"),
    Note("nobody-nearer"),
)


def test_every_note_of_the_engine_has_words(tiny):
    """The codes are read from the engine's source, so that a new one cannot be forgotten here."""
    from pathlib import Path

    source = "".join(p.read_text() for p in (Path(__file__).parents[3] / "layers" / "methods").glob("*.py"))
    assert set(re.findall(r'Note\(\s*"([a-z-]+)"', source)) == {note.code for note in NOTES}
    for note in NOTES:
        assert gap_words.note_words(note, tiny).endswith(".")


MANY = (
    "minutes|sites|areas|small areas|people|draws|communities|layers|services|residents|authorities|wards|local authorities|"
    "indicators|rings|pages|files|points|partners|trials|periods|versions|years|rows|options"
)
WRONG = re.compile(rf"(?<![\d.,])1 (new )?({MANY})\b")


def _sweep(published, selection):
    """Every sentence that a question can lead to."""
    found = gaps_of(published, selection, PUBLIC, robustness=50)
    yield gap_words.rule_sentence(found)
    yield gap_words.summary_sentence(found)
    yield gap_words.vanishing_sentence(found)
    yield gap_words.access_title(found)
    yield from gap_words.notes_of(found)
    yield from _texts(gap_files.gaps_document(found))
    for show in ("need", "access", "gap"):
        made = gap_map.painted(found, show)
        yield from (made.title, *(f"{row.name} {row.label}" for row in made.rows))
    for overlay in overlays(found):
        yield from (overlay.words, overlay.why_not, *(line.words for line in overlay.lines))
    for card in found.cards:
        yield across_sentence(found, card.id)
        yield from (getattr(card, name) for name in card.__dataclass_fields__ if isinstance(getattr(card, name), str))
    for index in range(0, len(found.result.areas), 7):
        yield from _texts({k: v for k, v in vars(area_reading(found, index)).items() if isinstance(v, str)})
    together = together_of(published, selection, PUBLIC)
    yield from _texts(gap_files.together_document(together))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("level", ["lsoa", "ward", "lad"])
def test_one_of_a_thing_is_singular(tiny, demo, metric, level):
    asked = {"need": "alcohol-admissions", "services": "alcohol-drug-services", "metric": metric, "level": level}
    for published, query in (
        (tiny, {"need": "crowded", "services": "clinics", "metric": metric, "level": "lsoa"}),
        (demo, asked),
        (demo, asked | {"max_m": "1000"}),
        (demo, asked | {"partner": demo.region.partners[0].id}),
    ):
        for text in _sweep(published, asked_by(query | {"show": "gap"})):
            assert not WRONG.search(text), text


@pytest.mark.parametrize("objective", ["mclp", "p-median", "lscp"])
@pytest.mark.parametrize("new", [1, 2])
def test_one_of_a_thing_is_singular_in_plans(tiny, objective, new):
    request = siting.siting_request(tiny, ASKED, new=new, objective=objective)
    plan = siting.plan_sites(tiny, request, PUBLIC)
    for text in _texts(json.loads(json.dumps(plan.document()))):
        assert not WRONG.search(text), text
    for card in siting.site_cards(plan):
        assert not WRONG.search(f"{card.gains} {card.overlap}")


def test_small_numbers_in_words(tiny):
    """One resident, one area, one draw."""
    found = gaps_of(tiny, ASKED, PUBLIC, robustness=1)
    assert "of 1 draw." in found.cards[0].stability_words
    assert option_results.overlap_words({"nearest_existing_m": 847, "residents_within": 1, "already_within": 0}) == (
        "850 m from the nearest other site of today. None of the 1 resident in its reach has one today."
    )
    one = Community("A", "A", ("A",), (0,), 1.0, (), 90.0, 5.0, 5.0, None)
    assert "For all of its residents" in gap_words.border_sentence(found, _with(one, residents_nearer_elsewhere=1.0))


def _with(thing, **more):
    from dataclasses import replace

    return replace(thing, **more)


@pytest.mark.parametrize(
    ("metric", "title", "rule"),
    [
        (
            "nearest",
            "Mean distance to the nearest alcohol clinic in a straight line",
            "the nearest alcohol clinic more than 1 km away in a straight line on average for its residents",
        ),
        (
            "coverage",
            "Mean number of services within 1 km in a straight line",
            "no alcohol clinic within 1 km in a straight line for more than half of its residents",
        ),
        (
            "e2sfca",
            "Mean capacity per 1,000 people within 1 km in a straight line",
            "no capacity within 1 km in a straight line, which is the lowest fifth of the region",
        ),
    ],
)
def test_a_mean_over_residents_is_called_a_mean(tiny, metric, title, rule):
    found = gaps_of(tiny, replace(ASKED, need="harm", level="ward", metric=metric), PUBLIC)
    assert gap_words.access_title(found) == title and rule in gap_words.rule_sentence(found)
    small = gaps_of(tiny, replace(ASKED, metric=metric), PUBLIC)
    assert "ean " not in gap_words.access_title(small) and "residents" not in gap_words.poor_words(small)
