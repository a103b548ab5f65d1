"""Everyday names: unique, told apart as people would, official ones where there are none."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.geography.everyday_names import read_names, unique_names, with_everyday_names
from layers.region import load_region
from tests.tiny import tiny_areas, write_tiny_pack


def test_a_shared_name_gets_the_end_of_the_official_one():
    official = ["Newcastle upon Tyne 012A", "Newcastle upon Tyne 012B", "Newcastle upon Tyne 013A"]
    assert unique_names(["a", "b", "c"], official, ["Byker", "Byker", "Walker"]) == [
        "Byker (012A)",
        "Byker (012B)",
        "Walker",
    ]


def test_the_same_name_and_end_in_two_authorities_takes_the_whole_official_name():
    official = ["Barnet 001A", "Bolton 001A", "Bolton 001B"]
    said = unique_names(["a", "b", "c"], official, ["Town Centre"] * 3)
    assert said == ["Town Centre (Barnet 001A)", "Town Centre (Bolton 001A)", "Town Centre (Bolton 001B)"]


def test_without_such_an_end_a_letter_tells_them_apart():
    official = [f"demo area {i:03d}" for i in range(28)]
    said = unique_names([f"c{i}" for i in range(28)], official, ["Moor"] * 28)
    assert said[0] == "Moor A" and said[25] == "Moor Z" and said[26] == "Moor AA" and said[27] == "Moor AB"


def test_apostrophes_welsh_and_names_that_hide_in_others_stay_as_they_are():
    given_ = ["Queen's Road", "Y Felinheli a'r Bontnewydd", "Tŷ'n-y-Gongl", "St. John’s", "Castle", None]
    official = [f"Somewhere 00{i}A" for i in range(5)] + ["Castle"]
    said = unique_names(list("abcdef"), official, given_)
    assert said[:4] == given_[:4]
    assert said[4] == "Castle (004A)" and said[5] == "Castle"  # the official one was there first


def test_a_name_that_was_made_up_never_reads_as_one_that_was_given():
    official = ["Newcastle 012A", "Newcastle 012B", "Newcastle 013A"]
    said = unique_names(["a", "b", "c"], official, ["Byker", "Byker", "Byker (012B)"])
    assert said[2] == "Byker (012B)" and len(set(said)) == 3


NAMES = st.sampled_from(
    ["Byker", "Byker (001A)", "Byker A", "Byker B", "St Mary's", "Llanfair", "Byker (Newcastle 001A)"]
)
OFFICIAL = st.sampled_from(
    ["Newcastle 001A", "Newcastle 001B", "Gateshead 001A", "area 1", "Byker", "Byker A", "Byker (c0)"]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(OFFICIAL, st.one_of(st.none(), NAMES)), max_size=14))
def test_no_two_areas_have_one_name_whatever_is_given(rows):
    # official names are unique where they stand for themselves: several areas of one official name are another's fault
    seen, kept = set(), []
    for official, name in rows:
        if name is None and official in seen:
            continue
        seen |= {official} if name is None else set()
        kept.append((official, name))
    codes = [f"c{i}" for i in range(len(kept))]
    said = unique_names(codes, [o for o, _ in kept], [n for _, n in kept])
    assert [name for name, count in Counter(said).items() if count > 1] == []
    for told, (official, name) in zip(said, kept, strict=True):
        assert told == official if name is None else told.startswith(name)


def test_region_frames_carry_everyday_official_and_plain_name():
    areas = with_everyday_names(tiny_areas(), {"T01": "Quay", "T02": "Quay", "TW1": "Docks"})
    lsoa, ward = areas["lsoa"], areas["ward"]
    assert lsoa["name"].tolist()[:3] == ["Quay A", "Quay B", "Square 03"]
    assert lsoa["official_name"].tolist()[:3] == ["Square 01", "Square 02", "Square 03"]
    assert lsoa["place"].tolist()[:3] == ["Quay", "Quay", "South East"]  # without a name of its own: its ward
    assert ward["name"].tolist()[0] == "Docks" and ward["official_name"].tolist()[0] == "South West"


def test_wards_of_one_name_are_told_apart_by_their_authority():
    areas = tiny_areas()
    areas["ward"] = areas["ward"].assign(name=["Castle", "Quay", "Castle", "Quay"][: len(areas["ward"])])
    named = with_everyday_names(areas, {})["ward"]
    lads = dict(zip(areas["lad"]["code"], areas["lad"]["name"], strict=True))
    pairs = Counter(zip(areas["ward"]["name"], areas["ward"]["lad_code"], strict=True))
    for row in named.to_dict("records"):
        own = lads[row["lad_code"]]
        alone = pairs[row["official_name"], row["lad_code"]] == 1
        assert row["name"] == f"{row['official_name']} ({own if alone else f'{own}, ' + row['code']})"


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_two_areas_of_any_level_have_one_name(data):
    """Official names that stand twice too, whatever is given; the official name stays beside it."""
    areas, given_ = tiny_areas(), {}
    for level, frame in areas.items():
        rows = len(frame)
        areas[level] = frame.assign(name=data.draw(st.lists(OFFICIAL, min_size=rows, max_size=rows)))
        names = data.draw(st.lists(st.one_of(st.none(), NAMES), min_size=rows, max_size=rows))
        given_ |= {code: name for code, name in zip(frame["code"], names, strict=True) if name}
    for level, frame in with_everyday_names(areas, given_).items():
        assert frame["name"].is_unique, level
        assert frame["official_name"].tolist() == areas[level]["name"].tolist()


def pack_with(tmp_path, text: bytes):
    pack = write_tiny_pack(tmp_path / "pack")
    (pack / "lookups").mkdir()
    (pack / "lookups" / "names.csv").write_bytes(text)
    return pack


def test_names_of_a_pack_are_read_and_a_missing_file_falls_back_to_official_names(tmp_path):
    region = load_region(
        pack_with(tmp_path, "code,name\r\nT01,  Saint   Mary's \r\nT02,\r\nX99,Nowhere\r\n".encode("utf-8-sig"))
    )
    assert region.areas["lsoa"]["name"].tolist()[:2] == ["Saint Mary's", "Square 02"]
    plain = load_region(write_tiny_pack(tmp_path / "plain"))
    assert plain.areas["lsoa"]["name"].equals(plain.areas["lsoa"]["official_name"]) and plain.left_out == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"code;name\nT01;Quay\n", "has no column code and no column name"),
        (b"code,title\nT01,Quay\n", "has no column name"),
        (b"code,name\nT01,Qu\xe9\n", "cannot be read"),
        (b"code,name\nT01,Quay\nT01,Docks\n", "T01 has two names: Quay and Docks"),
        ("code,name\nT01,Qu\u202eay\n".encode(), "is no name"),
        (b"code,name\nT01," + b"x" * 121 + b"\n", "is no name"),
        (b'code,name\nT01,"Quay\n', "cannot be read"),
    ],
)
def test_a_broken_file_of_names_is_left_out_whole_with_a_notice(tmp_path, text, says):
    region = load_region(pack_with(tmp_path, text))
    assert region.areas["lsoa"]["name"].equals(region.areas["lsoa"]["official_name"])
    (fault,) = region.left_out
    assert fault.where == "lookups/names.csv" and says in fault.what
    assert read_names(tmp_path / "nowhere", []) == {}
