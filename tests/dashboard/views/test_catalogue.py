"""The catalogue in words, and the grid of who has supplied what."""

from __future__ import annotations

import pytest

from dashboard.views.catalogue import catalogue, supply_grid
from layers import PUBLIC, Viewer


@pytest.fixture(scope="module")
def entries(tiny):
    return {entry.id: entry for entry in catalogue(tiny, PUBLIC)}


def test_every_layer_that_one_may_see_has_an_entry(region_of_any_kind):
    published = region_of_any_kind
    assert [entry.id for entry in catalogue(published, PUBLIC)] == [
        layer.id for layer in published.store.layers(PUBLIC)
    ]


def test_an_entry_says_what_it_is_from_whom_and_where_it_is_not(entries):
    facts = dict(entries["poverty-rank"].facts)
    assert facts["What"] == "Rank. rank (1 is worst)."
    assert facts["Levels"] == "small areas"
    assert "wards: " in facts["Not at"]
    assert facts["Supplied by"] == "Tinyland Integrated Care Board"
    assert facts["Source"] == "Made up for the tests"
    assert facts["Who may see it"] == "Everybody"
    assert dict(entries["crowded"].facts)["Themes"] == "Alcohol harm and Housing"  # in the region's order
    assert entries["harm"].why == "Because it is a test."
    assert entries["harm"].summary == "Rate · per 1,000 residents · 2025 · Tinyland Integrated Care Board"
    assert "2 sites" in entries["clinics"].summary


def test_every_download_answers(client, entries):
    for entry in entries.values():
        assert entry.downloads
        for label, address in entry.downloads:
            assert client.get(address).status_code == 200, (entry.id, label)


def test_the_public_is_not_told_who_published(serve, tiny_pack):
    from tests.dashboard.api.test_api import ADMIN, package

    published = serve(tiny_pack)
    published.store.publish(package("noise", "public"), by=ADMIN)

    def version(viewer):
        return dict(next(e for e in catalogue(published, viewer) if e.id == "noise").facts)["Version"]

    assert version(PUBLIC).endswith(" by westshire")
    assert version(Viewer("wes", "westshire", "viewer")).endswith(" by ada")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {"harm", "crowded", "poverty-rank", "clinics"}),
        ("crowded", {"crowded"}),
        ("CROWDED homes", {"crowded"}),
        ("homes crowded", {"crowded"}),  # the words in any order
        ("westshire", {"crowded"}),
        ("zzz", set()),
        ("(1", {"poverty-rank"}),  # no pattern: a bracket is a bracket
    ],
)
def test_the_catalogue_can_be_searched(entries, text, found):
    assert {entry.id for entry in entries.values() if entry.matches(text)} == found


def test_the_grid_counts_the_areas_with_a_figure(tiny):
    lads, rows = supply_grid(tiny, PUBLIC)
    assert lads == ["Westshire", "Eastshire"]
    cells = dict(rows)
    # harm: T01 (west) is missing, so 7 of 8 areas = 87.5%, and 8 of 8 in the east
    assert cells["Alcohol harm"] == [(pytest.approx(7 / 8), "88%"), (1.0, "all")]
    assert cells["Crowded homes"] == [(pytest.approx(7 / 8), "88%"), (1.0, "all")]
    assert cells["Poverty rank"] == [(1.0, "all"), (1.0, "all")]
    assert cells["Alcohol clinics"] == [(1.0, "1 site"), (1.0, "1 site")]


def test_neither_all_nor_none_is_the_rounding_of_something_else(demo):
    _, rows = supply_grid(demo, PUBLIC)
    for title, cells in rows:
        for share, words in cells:
            if "site" in words:
                continue
            assert (words == "all") == (share >= 1), title
            assert (words == "none") == (share == 0), title
            assert words not in ("0%", "100%"), title


def test_a_region_without_layers_has_an_empty_catalogue(bare):
    assert catalogue(bare, PUBLIC) == ()
    assert supply_grid(bare, PUBLIC) == (["Westshire", "Eastshire"], [])
