"""Starters and ward pages of the real North East: every one builds, and each of the 240 wards is one side of A4."""

from __future__ import annotations

import io
from pathlib import Path

import pypdf
import pytest

from dashboard.briefings.files.wards import ward_pages_pdf
from dashboard.briefings.filling.build import build_briefing
from dashboard.briefings.ward.ward_answers import ward_pages
from dashboard.briefings.writing.starters import SHARED, TEN, starter_text, starters
from layers import PUBLIC, load_region, open_store, read_briefing

ROOT = Path(__file__).resolve().parents[3]
LAYERS = [
    "acute-morbidity-2025", "violence-with-injury-2025", "mental-health-2025", "early-death-2025", "disability-2021",
    "anti-social-behaviour-2024", "overcrowded-homes-2021", "income-deprivation-2025", "adult-skills-2025",
    "loneliness-2023", "illness-disability-2025", "living-environment-score-2025", "no-higher-education-2025",
    "severely-overcrowded-homes-2021", "private-landlord-2021", "health-score-2025", "drug-alcohol-services",
    "gp-practices", "pharmacies", "urgent-care",
]  # fmt: skip

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    from dashboard.published import Published
    from layers import build_region

    source = ROOT.parent / "shared" / "data"
    if not source.is_dir():
        pytest.skip("the real open data is not at ../shared/data")
    home = tmp_path_factory.mktemp("north-east")
    build_region(ROOT / "data/regions/north-east.toml", source, home / "pack", only_layers=LAYERS)
    region = load_region(home / "pack")
    store = open_store(f"sqlite:///{home / 'store.sqlite'}", region)
    yield Published(region, store, home)
    store.close()


def test_every_starter_builds(here):
    found = [starter.id for starter in starters(here)]
    assert {TEN, SHARED, "gaps-alcohol", "gaps-health"} <= set(found)
    for starter_id in found:
        document = read_briefing(starter_text(here, starter_id), where=starter_id)
        briefing = build_briefing(here, document, briefing_id=starter_id)  # strict
        assert all(page.headline_text and not page.unavailable for page in briefing.pages)
        assert briefing.notice == ""
        if starter_id == TEN:
            assert len(briefing.pages) == 10


def test_every_ward_is_one_sheet_of_a4(here):
    heard = []
    pages = list(ward_pages(here, PUBLIC))
    reader = pypdf.PdfReader(io.BytesIO(ward_pages_pdf(pages, heard.append)))
    assert heard == list(range(1, 241))
    assert len(pages) == 240 and 479 <= len(reader.pages) <= 480  # two sides each
    assert [mark.title for mark in reader.outline] == [page.name for page in pages]
    longest = max(range(240), key=lambda i: len(pages[i].name))
    most = max(range(240), key=lambda i: len(pages[i].gaps))
    for i in (0, 120, 239, longest, most):  # reading a page takes longer than making it
        text = " ".join(" ".join(side.extract_text() for side in reader.pages[2 * i : 2 * i + 2]).split())
        assert pages[i].name in text
        assert "What is being done" in text and "What this does not say" in text


def test_no_page_says_that_it_is_made_up(here):
    for page in ward_pages(here, PUBLIC, here.region.codes("ward")[:20]):
        assert page.notice == ""
        assert any("Crown copyright" in text for text in page.credits)
        assert len(page.needs) >= 8 and len(page.services) == 4
