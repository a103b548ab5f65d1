"""Words that cannot mislead: every sentence that the demonstration and the North East generate is collected and read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dashboard import number_faults, page_sentences
from tests.dashboard import sentences as collected
from tests.dashboard.sentences import faults, wrong

SOURCES = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def north_east(serve, tmp_path_factory):
    if not SOURCES.is_dir():
        pytest.skip("the open data of the North East is not here: ../shared/data")
    from layers import build_region

    definition = Path(__file__).resolve().parents[2] / "data" / "regions" / "north-east.toml"
    pack = tmp_path_factory.mktemp("sentences") / "north-east"
    build_region(definition, SOURCES, pack)
    return serve(pack)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("1 sites", "a plural of one"),
        ("Found in 2 area.", "a singular of many"),
        ("6.1 per 1,000 residents per 1,000 residents", "a unit twice"),
        ("23% % of homes", "a unit twice"),
        ("In E01008162 need is high.", "a bare code"),
        ("It has nan residents.", "a placeholder"),
        ("{{ gaps.areas }} areas", "a placeholder"),
        ("It is among the best twentieth of wards for: Air pollution.", "a twentieth that is best for a harm"),
        ("Say why it matters, in a sentence or two.", "unwritten"),
        ("Licence: Not stated: check before publishing onward", "a licence that nobody names"),
        ("the mean goes from 1.3 km to 1.3 km", "a change that is none"),
        ("One more pharmacy would do most here", "nothing a place"),
    ],
)
def test_the_reader_sees_each_kind_of_fault(text, fault):
    assert fault in faults(text)


@pytest.mark.parametrize(
    "text",
    ["1 site", "12 areas, 1 of them shared", "6.1 per 1,000 residents", "in 2021 area codes changed", "0.1 services"],
)
def test_the_reader_does_not_cry_wolf(text):
    assert not faults(text) or text.startswith("in 2021")


REGIONS = ["demo", pytest.param("north_east", marks=pytest.mark.real)]


@pytest.mark.parametrize("region", REGIONS)
def test_no_layer_is_called_the_wrong_way_round(request, region):
    assert collected.direction_faults(request.getfixturevalue(region)) == []


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("of", ["layers", "gaps", "starters"])
def test_no_generated_sentence_misleads(request, region, of):
    assert wrong(getattr(collected, f"of_{of}")(request.getfixturevalue(region))) == []


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("of", ["explore", "communities", "options", "plans", "together", "files", "catalogue"])
def test_no_page_misleads(request, region, of):
    assert wrong(getattr(page_sentences, f"of_{of}")(request.getfixturevalue(region))) == []


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize(("level", "every"), [("lad", 1), ("ward", 6), ("lsoa", 60)])
def test_no_page_or_sheet_of_an_area_misleads(request, region, level, every):
    """Every authority and ward has its page read, and of small areas every twelfth; of the sheets every so many."""
    published = request.getfixturevalue(region)
    assert wrong(collected.of_areas(published, level, every=12 if level == "lsoa" else 1)) == []
    assert wrong(page_sentences.of_sheets(published, level, every)) == []


def test_a_number_that_the_api_does_not_give_is_seen():
    known = number_faults.given({"summary": {"residents": 12_345.4, "areas": 3}, "sites": [{}, {}]})
    fine = [
        "12,345 residents",
        "12,300 people in 3 areas",
        "6.1 per 1,000 residents",
        "2 sites",
        "3 of 12,345 residents",
    ]
    assert list(number_faults.strangers((("", text) for text in fine), known)) == []
    wrong_ones = ["12,346 residents", "4 areas", "1 of 12,345 residents", "5 more small areas"]
    assert len(list(number_faults.strangers((("", text) for text in wrong_ones), known))) == len(wrong_ones)


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("of", ["answers", "pages"])
def test_sentences_say_the_numbers_that_the_api_gives(request, region, of):
    assert sorted(set(getattr(number_faults, f"of_{of}")(request.getfixturevalue(region)))) == []
