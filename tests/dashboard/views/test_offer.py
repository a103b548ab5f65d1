"""What the pickers offer, and which view a link settles on. The layers are those of tests/tiny.py."""

from __future__ import annotations

import json

import pytest

from dashboard.selection import NONE, Selection
from dashboard.views.offer import as_catalogue, layers_for, lead_indicator, valid_selection
from dashboard.views.places import starting_questions
from layers import PUBLIC


def offered(published, **chosen):
    found = layers_for(published, Selection(**chosen), PUBLIC)
    return {layer.id for layer in found.indicators}, {layer.id for layer in found.services}, found.remaining


def test_everything_is_offered_at_first(tiny):
    assert offered(tiny) == ({"harm", "crowded", "poverty-rank"}, {"clinics"}, "4 layers")


def test_a_theme_narrows_and_a_layer_of_two_themes_is_in_both(tiny):
    assert offered(tiny, theme="housing") == ({"crowded", "poverty-rank"}, set(), "2 of 4 layers")
    assert offered(tiny, theme="alcohol") == ({"harm", "crowded"}, {"clinics"}, "3 of 4 layers")


def test_an_owner_narrows_to_what_it_supplied(tiny):
    assert offered(tiny, owner="westshire") == ({"crowded"}, set(), "1 of 4 layers")
    assert offered(tiny, owner="eastshire") == (set(), set(), "None of the 4 layers fits")


def test_a_partner_narrows_to_what_has_data_in_its_footprint(tiny):
    # everything has figures on both sides; there is a clinic in T01 (west) and one in T04 (east)
    assert offered(tiny, partner="eastshire")[2] == "4 layers"
    assert offered(tiny, partner="eastshire", theme="housing")[2] == "2 of 4 layers"


def valid_options(published, **chosen):
    return valid_selection(published, Selection(**chosen), PUBLIC)


def test_nothing_chosen_settles_on_the_lead_of_the_first_theme_without_a_notice(tiny):
    selection, notices = valid_options(tiny)
    assert selection.need == "harm"
    assert notices == ()
    assert valid_options(tiny, theme="housing")[0].need == "crowded"


def test_what_exists_stays_as_it_is(tiny):
    wanted = Selection(
        theme="housing", need="crowded", services=("clinics",), partner="westshire", bands="partner", area="T05"
    )
    assert valid_selection(tiny, wanted, PUBLIC) == (wanted, ())
    assert valid_options(tiny, need=NONE) == (Selection(need=NONE), ())


@pytest.mark.parametrize(
    ("wanted", "becomes", "words"),
    [
        ({"theme": "gone"}, {"theme": ""}, "no theme “gone”"),
        ({"partner": "gone"}, {"partner": ""}, "no partner “gone”"),
        ({"owner": "gone"}, {"owner": ""}, "no partner “gone”"),
        ({"services": ("gone", "clinics")}, {"services": ("clinics",)}, "“gone”"),
        ({"services": ("harm",)}, {"services": ()}, "“harm”"),  # an indicator is not a list of services
        ({"need": "gone"}, {"need": "harm"}, "“gone”"),
        ({"need": "clinics"}, {"need": "harm"}, "“clinics”"),
        ({"need": "poverty-rank", "level": "ward"}, {"level": "lsoa"}, "no figures by ward; it is shown by small area"),
        ({"need": "harm", "period": "1066"}, {"period": ""}, "no figures for 1066"),
        ({"need": "harm", "bands": "national"}, {"bands": "region"}, "no national bands"),
        ({"area": "X99"}, {"area": ""}, "no area “X99”"),
    ],
)
def test_what_does_not_exist_settles_on_the_nearest_view_with_one_notice(tiny, wanted, becomes, words):
    selection, notices = valid_options(tiny, **wanted)
    assert {name: getattr(selection, name) for name in becomes} == becomes
    assert len(notices) == 1
    assert words in notices[0]
    assert notices[0][-1] in ".:" or notices[0].endswith(".")


def test_settling_twice_changes_nothing_more(tiny):
    for wanted in ({"need": "gone", "level": "ward", "theme": "x"}, {"bands": "partner"}, {"services": ("a", "b")}):
        first, _ = valid_options(tiny, **wanted)
        assert valid_selection(tiny, first, PUBLIC) == (first, ())


def test_bands_of_a_partner_without_a_partner_are_those_of_the_region(tiny):
    assert valid_options(tiny, bands="partner")[0].bands == "region"


def test_a_withdrawn_layer_says_why(serve, tiny_pack):
    from layers import Viewer

    published = serve(tiny_pack)
    published.store.withdraw("crowded", by=Viewer("ada", "icb", "admin"), reason="Counted twice.")
    selection, notices = valid_options(published, need="crowded")
    assert selection.need == "harm"
    assert "was withdrawn" in notices[0]
    assert "Counted twice." in notices[0]


def test_a_region_without_layers_offers_none(bare):
    assert offered(bare) == (set(), set(), "0 layers")
    assert valid_options(bare)[0].need == NONE
    assert lead_indicator(bare, Selection(), PUBLIC) == NONE


def test_the_catalogue_for_the_browser_is_json_and_agrees_with_the_offer(region_of_any_kind):
    published = region_of_any_kind
    catalogue = json.loads(json.dumps(as_catalogue(published, PUBLIC), allow_nan=False))
    for theme in ["", *(theme["id"] for theme in catalogue["themes"])]:
        for partner in ["", *(each["id"] for each in catalogue["partners"])]:
            # as assets/selection.js narrows
            fitting = {
                layer["id"]
                for layer in catalogue["layers"]
                if (not theme or theme in layer["themes"]) and (not partner or partner in layer["partners"])
            }
            indicators, services, _ = offered(published, theme=theme, partner=partner)
            assert fitting == indicators | services


def test_the_questions_to_start_from_are_views_that_exist(region_of_any_kind):
    from urllib.parse import parse_qsl

    questions = starting_questions(region_of_any_kind)
    if region_of_any_kind.region.id in ("tiny", "demonstration"):
        assert len(questions) == 3
    elif not region_of_any_kind.store.layers(PUBLIC):
        assert questions == []
    for text, link in questions:
        assert text.endswith("?")
        wanted, dropped = Selection.from_query(dict(parse_qsl(link.partition("?")[2])))
        selection, changed = valid_selection(region_of_any_kind, wanted, PUBLIC)
        assert dropped == changed == (), f"{link}: {changed}"
        assert selection.level == wanted.level
