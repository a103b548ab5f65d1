"""The methods page says how every number is made: its index is complete, and the words of the screen are explained."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dashboard.views import overlays as over
from dashboard.views.documents import methods_texts
from dashboard.views.gaps import gaps_of
from dashboard.views.wording import STATUS_WORDS
from layers import METRICS, PUBLIC

DOCS = Path(__file__).resolve().parents[3] / "docs"


def words() -> str:
    return re.sub(r"\s+", " ", "\n".join(methods_texts())).lower()


def test_the_index_names_every_chapter_and_nothing_else():
    linked = re.findall(r"\]\((methods/[a-z-]+\.md)\)", (DOCS / "methods.md").read_text("utf-8"))
    assert sorted(linked) == sorted(f"methods/{file.name}" for file in (DOCS / "methods").glob("*.md"))


@pytest.mark.parametrize(
    "said",
    [
        "underserved", "near-misses", "shared gap", "border penalty", "stability", "firm", "likely", "borderline", "weak",
        "misjudged", "nearer elsewhere", "vanish", "hot", "local moran", "rings", "detour", "4.8 km/h", "35 km/h",
        "fair standard", "travel times", "shared among", "points", "fifth of need", "newly within", "overlap", "sites saved",
        "95% interval", "equal numbers of areas", "natural breaks", "equal steps", "residents", "neighbours", "trend",
    ],
)  # fmt: skip
def test_what_the_screen_says_is_explained(said):
    assert said in words()


def test_every_switch_measure_and_status_is_explained(demo):
    from dashboard.selection import Selection

    gaps = gaps_of(demo, Selection(need="alcohol-admissions", services=("alcohol-drug-services",), show="gap"), PUBLIC)
    text = words()
    for overlay in over.overlays(gaps):
        assert overlay.title.lower().split(" of need")[0] in text, overlay.title
    for status in STATUS_WORDS:
        assert status in text
    assert set(METRICS) == {"nearest", "coverage", "e2sfca"} and all(metric in text for metric in METRICS)


def test_the_page_shows_every_chapter(demo_client):
    import json

    answer = demo_client.get("/methods").get_data(as_text=True)
    assert "Methods" in answer or json.dumps("Methods") in answer
    assert [text.splitlines()[0] for text in methods_texts()] == [
        "## Small numbers",
        "## What the figures beside the map mean",
        "## How gaps are found",
        "## How figures are brought to one set of areas",
    ]
