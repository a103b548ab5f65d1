"""Region definitions: what is read, and that every fault is named at once."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.build.definition import (
    PartnerDefinition,
    RegionDefinition,
    council_name,
    is_slug,
    read_definition,
    resolve_partners,
    slugify,
)
from layers.model import Refused
from tests.tiny_official import DEFINITION

REGIONS = Path(__file__).parents[3] / "data" / "regions"

LADS = {"E08000001": "Bolton", "E08000002": "Bury"}
BODIES = {
    "police": pd.DataFrame(
        {
            "lad_code": ["E08000001", "E08000002", "E06000001"],
            "body_code": ["E23000005", "E23000005", "E23000013"],
            "body_name": ["Greater Manchester", "Greater Manchester", "Cleveland"],
        }
    ),
    "fire": pd.DataFrame(
        {
            "lad_code": ["E08000001", "E08000002"],
            "body_code": ["E31000001", "E31000002"],
            "body_name": ["North", "South"],
        }
    ),
    "icb": pd.DataFrame({"lad_code": ["E08000002"], "body_code": ["E54000001"], "body_name": ["NHS South Board"]}),
}
NAMES = {"police": {"E23000005": "Greater Manchester Police"}, "councils": {"E08000002": "Bury Metropolitan"}}


def read(tmp_path, text: str) -> RegionDefinition:
    path = tmp_path / "place.toml"
    path.write_text(text, "utf-8")
    return read_definition(path)


def refusal(tmp_path, text: str) -> str:
    with pytest.raises(Refused) as caught:
        read(tmp_path, text)
    return str(caught.value)


def region(*partners: PartnerDefinition, **keys) -> RegionDefinition:
    return RegionDefinition(id="x", name="X", lads=tuple(LADS), partners=partners, **keys)


def test_a_definition_is_read(tmp_path):
    found = read(tmp_path, DEFINITION)
    assert found.id == "tiny" and found.lads == ("E08000021", "E08000022")
    assert found.service_buffer_m == 2000 and found.context_km == 60
    assert found.partners[0].footprint is None  # "all"
    assert found.partners[1].footprint == ("E08000021",)
    assert (found.partners[2].lookup, found.partners[2].code) == ("police", "E23000002")
    assert "Open Government Licence" in found.attribution[0]


def test_all_of_england(tmp_path):
    found = read(tmp_path, 'id="e"\nname="E"\nlads="All of England"\npartners_from=["icb"]')
    assert found.lads is None


@pytest.mark.parametrize("path", sorted(REGIONS.glob("*.toml")), ids=lambda path: path.stem)
def test_the_definitions_of_the_project_are_good(path):
    found = read_definition(path)
    assert found.id == path.stem
    assert found.lead_partner


def test_every_fault_is_named_at_once(tmp_path):
    text = """
    id = "North East"
    lads = ["E08000021", "E08000021", "Gateshead"]
    service_buffer_m = -5
    servce_buffer_m = 5
    lead_partner = "nobody"
    partners_from = []
    [[partners]]
    id = "a"
    name = "A"
    kind = "counsil"
    footprint = ["E08000021"]
    [[partners]]
    id = "a"
    name = ""
    kind = "fire"
    footprint = []
    [[partners]]
    id = "c"
    name = "C"
    kind = "fire"
    footprint_from = {lookup = "ambulance", code = "1"}
    [[partners]]
    id = "d"
    name = "D"
    kind = "icb"
    """
    text = refusal(tmp_path, text)
    for words in (
        "the region id 'North East' cannot be used",
        "for example north-east",
        "the key 'name' is missing",
        "E08000021 stands twice in lads",
        "'Gateshead' is not the code of an authority",
        "'service_buffer_m' cannot be -5",
        "did you mean service_buffer_m?",
        "'counsil' is not a kind of partner",
        "the partner id 'a' stands twice",
        "partner 2 'a': the key 'name' is missing",
        "the footprint is empty",
        "there is no lookup 'ambulance'",
        "has no footprint",
        "lead_partner 'nobody' is not one of the partners",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id = ", "not valid TOML"),
        ('id="a"\nname="A"\nlads=[]\npartners_from=["icb"]', "'lads' is not a list"),
        ('id="a"\nname="A"\npartners_from=["icb"]', "'lads' is missing"),
        ('id="a"\nname="A"\nlads="England"\npartners_from=["icb"]', 'lads = "all of England"'),
        ('id="a"\nname="A"\nlads=["E08000021"]', "at least one partner"),
        ('id="a"\nname="A"\nlads=["E08000021"]\npartners_from=["schools"]', "'schools' is not known"),
        ('id=1\nname="A"\nlads=["E08000021"]\npartners_from=["icb"]', "'id' must be text"),
        ('id="a"\nname="A"\nlads=["E08000021"]\npartners="x"', "[[partners]] tables"),
    ],
)
def test_each_bad_definition_is_refused(tmp_path, text, words):
    assert words in refusal(tmp_path, text)


def test_a_file_that_is_not_there_or_not_text(tmp_path):
    with pytest.raises(Refused, match="cannot be used") as caught:
        read_definition(tmp_path / "nothing.toml")
    assert "there is no such file" in str(caught.value)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Refused):
        read_definition(tmp_path / "bytes.toml")


def test_partners_are_made_from_the_lookups_with_the_names_they_go_by():
    found, lead, faults = resolve_partners(
        region(partners_from=("councils", "icb", "police", "fire")), LADS, BODIES, NAMES
    )
    assert not faults
    assert [(p.id, p.name, p.kind, p.footprint) for p in found] == [
        ("bolton", "Bolton Council", "council", ("E08000001",)),
        ("bury", "Bury Metropolitan", "council", ("E08000002",)),
        ("south-board", "NHS South Board", "icb", ("E08000002",)),
        ("greater-manchester-police", "Greater Manchester Police", "police", ("E08000001", "E08000002")),
        ("north", "North", "fire", ("E08000001",)),
        ("south", "South", "fire", ("E08000002",)),
    ]
    assert lead == "bolton"  # none named: the first


def test_a_partner_that_the_definition_names_is_not_made_again():
    own = PartnerDefinition("gmp", "GMP", "police", (), "police", "E23000005")
    council = PartnerDefinition("bolton-mbc", "Bolton", "council", ("E08000001",))
    found, _, faults = resolve_partners(region(own, council, partners_from=("police", "councils")), LADS, BODIES, NAMES)
    assert not faults
    assert [p.id for p in found] == ["gmp", "bolton-mbc", "bury"]
    assert found[0].footprint == ("E08000001", "E08000002")


def test_two_bodies_of_one_name_get_two_ids():
    bodies = BODIES | {"fire": BODIES["fire"].assign(body_name="Bolton")}
    found, _, _ = resolve_partners(region(partners_from=("councils", "fire")), LADS, bodies, {})
    assert [p.id for p in found] == ["bolton", "bury", "bolton-e31000001", "bolton-e31000002"]


def test_a_body_elsewhere_and_an_unknown_one_are_faults():
    away = PartnerDefinition("cleveland", "Cleveland Police", "police", (), "police", "E23000013")
    unknown = PartnerDefinition("z", "Z", "police", (), "police", "E23000099")
    outside = PartnerDefinition("o", "O", "council", ("E08000003",))
    _, _, faults = resolve_partners(region(away, unknown, outside), LADS, BODIES, NAMES)
    text = "\n".join(str(fault) for fault in faults)
    assert "serves none of the region's authorities" in text
    assert "no body E23000099 (in this region it has E23000005 Greater Manchester)" in text
    assert "E08000003, which is not an authority of the region" in text


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("NHS North East London Integrated Care Board", "north-east-london-icb"),
        ("Devon and Somerset Fire and Rescue Service", "devon-and-somerset-fire"),
        ("Essex County Fire and Rescue Service", "essex-fire"),
        ("Cleveland Fire Brigade", "cleveland-fire"),
        ("Bristol, City of", "bristol"),
        ("King's Lynn & West Norfolk", "kings-lynn-and-west-norfolk"),
    ],
)
def test_short_ids(name, slug):
    assert slugify(name) == slug


@given(st.text())
def test_a_slug_is_always_usable_or_empty(text):
    slug = slugify(text)
    assert slug == "" or is_slug(slug)


def test_council_names():
    assert council_name("E09000003", "Barnet", {}) == "London Borough of Barnet"
    assert council_name("E06000001", "Hartlepool", {}) == "Hartlepool Council"
    assert council_name("E09000033", "Westminster", {"E09000033": "Westminster City Council"}) == (
        "Westminster City Council"
    )


BRIDGE = '[[crossings]]\nname = "The bridge"\nkind = "bridge"\nlatitude = 54.97\nlongitude = -1.6\n'


def test_crossings_are_read(tmp_path):
    found = read(tmp_path, DEFINITION + BRIDGE).crossings
    assert [(c.name, c.kind, c.latitude, c.longitude) for c in found] == [("The bridge", "bridge", 54.97, -1.6)]
    assert read(tmp_path, DEFINITION).crossings == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"The bridge"', '""', "crossing 1 '': the name is missing"),
        ('kind = "bridge"', 'kind = "bridg"', "'bridg' is not a kind of crossing"),
        ('kind = "bridge"\n', "", "the kind is missing"),
        ("54.97", "-1.6", "the latitude -1.6 lies outside the United Kingdom"),
        ("54.97", '"54.97"', "the latitude '54.97' is not a number"),
        ("latitude = 54.97\n", "", "the latitude is missing"),
        ("54.97", "nan", "the latitude nan is not a number"),
        ("-1.6\n", "-1.6\nwidth = 3\n", "the key 'width' is not known"),
        ("-1.6\n", "-1.6\n" + BRIDGE, "the crossing 'The bridge' stands twice"),
    ],
)
def test_what_is_wrong_with_a_crossing_is_said(tmp_path, old, new, said):
    assert said in refusal(tmp_path, DEFINITION + BRIDGE.replace(old, new, 1))


def test_a_long_crossing_has_several_points_under_one_name(tmp_path):
    on, far = BRIDGE.replace("54.97", "54.974"), BRIDGE.replace("54.97", "55.2")
    read_on = read(tmp_path, DEFINITION + BRIDGE + on).crossings
    assert [(one.name, one.latitude) for one in read_on] == [("The bridge", 54.97), ("The bridge", 54.974)]
    assert "the crossing 'The bridge' stands twice" in refusal(tmp_path, DEFINITION + BRIDGE + far)
    assert "stands twice" in refusal(tmp_path, DEFINITION + BRIDGE + on.replace('"bridge"', '"ferry"'))


def test_crossings_of_other_definitions_count_once(tmp_path):
    (tmp_path / "other.toml").write_text(
        BRIDGE + BRIDGE.replace("The bridge", "The ferry").replace('"bridge"', '"ferry"')
    )
    text = 'crossings_from = ["other"]\n' + DEFINITION + BRIDGE
    assert [crossing.name for crossing in read(tmp_path, text).crossings] == ["The bridge", "The ferry"]


@pytest.mark.parametrize("name", ["nobody", "../other", "/etc/hostname"])
def test_crossings_come_from_definitions_beside_it_only(tmp_path, name):
    (tmp_path.parent / "other.toml").write_text(BRIDGE)
    with pytest.raises(Refused) as refused:
        read(tmp_path, f'crossings_from = ["{name}"]\n' + DEFINITION)
    assert f"there are no crossings to take from '{name}'" in str(refused.value.faults)


def test_the_thames_is_crossed_in_london_and_in_england():
    london, england = (read_definition(REGIONS / f"{name}.toml").crossings for name in ("london", "england"))
    north_east = read_definition(REGIONS / "north-east.toml").crossings
    assert "Tower Bridge" in {crossing.name for crossing in london}
    assert {*london, *north_east} < set(england)
    assert {"Humber Bridge", "Mersey Ferry", "Tamar Bridge"} <= {crossing.name for crossing in england}


def test_crossings_are_tables(tmp_path):
    text = 'crossings = ["The bridge"]\n' + DEFINITION
    assert "'crossings' must be written as [[crossings]] tables" in refusal(tmp_path, text)


def test_the_north_east_declares_its_crossings():
    found = read_definition(REGIONS / "north-east.toml").crossings
    assert len(found) == 19 and all(crossing.counts for crossing in found)
    assert {"Shields Ferry", "Tyne Tunnels (A19, toll)", "Wearmouth Bridge"} <= {crossing.name for crossing in found}
