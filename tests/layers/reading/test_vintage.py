"""The boundary detective, on a region small enough to see: two LSOAs unchanged, one split, two merged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.geography.former_authorities import FORMER_AUTHORITIES
from layers.model import LEVELS
from layers.reading.vintage import (
    codes_for_names,
    detect,
    excel_damage,
    known_codes,
    pattern_of,
    tidy_codes,
)
from layers.region import Region

SAME = ["E01000001", "E01000002"]
OLD = ["E01000003", "E01000004", "E01000005"]  # 3 was split, 4 and 5 were merged
NEW = ["E01900001", "E01900002", "E01900003"]
ELSEWHERE = ["E01005555", "W01000001", "E01007777"]
DATA = Path(__file__).parents[3] / "../shared/data"


def frame(codes, names, lads) -> pd.DataFrame:
    return pd.DataFrame({"code": codes, "name": names, "lad_code": lads}).astype("str")


REGION = Region(
    "r",
    "Testshire",
    Path(),
    {
        "lsoa": frame([*SAME, *NEW], [f"Gateshead 00{n}A" for n in range(5)], ["E08000037"] * 3 + ["E06000057"] * 2),
        "ward": frame(
            ["E05000001", "E05000002", "E05000003"],
            ["Castle", "Castle", "Mill & Moor"],
            ["E08000037", "E06000057", "E06000057"],
        ),
        "lad": frame(["E08000037", "E06000057"], ["Gateshead", "Northumberland"], ["E08000037", "E06000057"]),
    },
    {"lsoa": 2021, "ward": 2024, "lad": 2024},
    lookups={
        "lsoa_2011_2021": pd.DataFrame(
            {
                "code_2011": [*SAME, "E01000003", "E01000003", "E01000004", "E01000005"],
                "change": ["U", "U", "S", "S", "M", "M"],
                "code_2021": [*SAME, NEW[0], NEW[1], NEW[2], NEW[2]],
                "lad_code": "E08000037",
            }
        ),
        "wards_without_lsoa": pd.DataFrame(
            {"code": ["E05000009"], "name": ["Moor"], "lad_code": ["E06000057"], "reason": ["x"]}
        ),
    },
)


def look(codes, **more):
    return detect(
        pd.Series(codes, index=range(2, len(codes) + 2), dtype="str"), REGION, where="f.csv", column="code", **more
    )


def usable(found) -> bool:
    return bool(found.level) and not found.question and not any(fault.severity == "error" for fault in found.faults)


def rules(geography, severity="error") -> list[str]:
    return [fault.rule for fault in geography.faults if fault.severity == severity]


def test_codes_of_one_year_only_settle_it():
    new = look([*SAME, NEW[0]])
    assert (new.level, new.vintage, new.certain) == ("lsoa", 2021, True) and usable(new)
    old = look([*SAME, OLD[0]])
    assert (old.level, old.vintage, old.certain) == ("lsoa", 2011, True) and usable(old)
    assert old.only_older == (OLD[0],) and new.only_newer == (NEW[0],)


def test_mixed_years_are_refused_with_both_lists():
    mixed = look([*SAME, *NEW[:2], *OLD[:1], "E0X", "?"])
    assert rules(mixed) == ["mixed-vintage"] and not usable(mixed)
    assert mixed.only_older == (OLD[0],) and mixed.only_newer == tuple(NEW[:2])
    assert mixed.sentence == "7 codes: 4 LSOA 2021, 1 LSOA 2011 only, 2 unknown"


def test_shared_codes_are_asked_about_and_never_guessed():
    asked = look(SAME)
    assert asked.question and not usable(asked) and asked.choices == (("lsoa", 2021), ("lsoa", 2011))
    for year in (2011, 2021):
        answered = look(SAME, level="lsoa", vintage=year)
        assert (answered.vintage, answered.certain, answered.question) == (year, False, "") and usable(answered)


@pytest.mark.parametrize(("codes", "said"), [([NEW[0]], 2011), ([OLD[0]], 2021)])
def test_a_claim_that_the_codes_deny_is_refused(codes, said):
    assert rules(look(codes, vintage=said)) == ["vintage-claim"]


def test_what_is_elsewhere_larger_blank_or_unknown_is_kept_out_and_counted():
    found = look([*SAME, NEW[0], *ELSEWHERE, "E92000001", "E08000037", "", "banana"])
    assert list(found.sort) == ["region"] * 3 + ["outside"] * 3 + ["other-level"] * 2 + ["blank", "unknown"]
    assert usable(found) and found.unknown == ("banana",)
    assert set(rules(found, "warning")) == {"unknown-code", "outside-region", "other-level", "blank-code"}
    assert found.sentence == "9 codes: 3 LSOA 2021, 3 elsewhere, 2 of another level, 1 unknown"


def test_mostly_unknown_codes_stop_the_file():
    assert rules(look([NEW[0], "a", "b", "c"])) == ["unknown-code"]


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (" E01900001", "spaces"),
        ("E01900001 ", "spaces"),
        ("E0190 0001", "spaces"),
        ("e01900001", "small letters"),
        ("E01900001\u00a0", "invisible characters"),
        ("\ufeffE01900001", "invisible characters"),
        ("E01900001\t", "invisible characters"),
    ],
)
def test_28_untidy_codes_are_mended_and_counted(code, why):
    clean, mended = tidy_codes(pd.Series([code, "E01000001"], dtype="str"))
    assert list(clean) == ["E01900001", "E01000001"] and mended == {why: 1}
    assert usable(look([code])) and rules(look([code]), "warning") == ["untidy-codes"]


@given(st.text(max_size=10))
def test_tidying_twice_changes_nothing(text):
    once, _ = tidy_codes(pd.Series([text], dtype="str"))
    twice, _ = tidy_codes(once)
    assert list(twice) == list(once)


def test_codes_that_are_known_as_they_stand_are_left_alone():
    clean, mended = tidy_codes(pd.Series(["t 01", "x"], dtype="str"), ["t 01"])
    assert list(clean) == ["t 01", "x"] and not mended


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("1E+05", "1E+05"),
        ("1.2E+08", "1E+05"),
        ("2024-01-02", "dates"),
        ("01-Feb", "dates"),
        ("Jan-02", "dates"),
        ("E1900001", "zeros"),
        ("1900001", "numbers"),
    ],
)
def test_30_what_a_spreadsheet_does_to_codes(code, word):
    (why,) = excel_damage([code])
    assert word in why
    found = look([NEW[0], NEW[1], code])
    assert "excel-damage" in rules(found) and not usable(found)


def test_a_repair_is_proposed_only_where_one_code_fits():
    found = look([NEW[0], NEW[1], "E1900003", "EO1900002", "zzz"])
    assert found.suggested == {"E1900003": NEW[2], "EO1900002": NEW[1]}


def test_names_are_recognised_and_explained():
    found = look(["Gateshead", "Northumberland", "Atlantis"])
    assert found.codes.tolist() == ["E08000037", "E06000057", "Atlantis"] and found.level == "lad"
    said = next(fault.what for fault in found.faults if fault.rule == "names-read")
    assert "2 of 3 were read as their codes; 1 are no name of the region: Atlantis" in said
    level, unique, several = codes_for_names(pd.Series(["castle", "Mill and Moor Ward"]), REGION, "ward")
    assert (level, unique, several) == ("ward", {"Mill and Moor Ward": "E05000003"}, ["castle"])


def test_29_codes_of_nowhere_here():
    assert rules(look(["E01005555", "S01000001"])) == ["none-in-region"]
    assert rules(look(["E02000001", "E02000002"])) == ["no-codes"]
    assert "MSOA" in str(look(["E02000001"]).faults[0])
    assert rules(look(["", ""])) == ["no-codes"] and rules(look(["aa", "bb"])) == ["no-codes"]


def test_wards_and_authorities():
    ward = look(["E05000001", "E05000009", "E05000002"])
    assert (ward.level, ward.vintage) == ("ward", 2024) and list(ward.sort) == [
        "region"
    ] * 3  # a ward without an LSOA is known
    lad = look(["E08000037", "E06000057"])
    assert (lad.level, lad.vintage, lad.certain) == ("lad", 2024, True)


def test_wards_of_another_year_leave_a_whole_authority_empty():
    found = look(["E05000001", "E05111111", "E05111112"])
    assert "ward-vintage" in rules(found, "warning") and "Northumberland" in str(found.faults)


REDRAWN = "this ward of 2022 was replaced by 2024: its authority's wards were redrawn"


def with_redrawn_wards(**more) -> Region:
    """Northumberland's two wards of 2022 were redrawn; Gateshead's kept its code. One ward has no LSOA and is of today."""
    gone = pd.DataFrame(
        {"code": ["E05000007", "E05000008", "E05000009"], "name": ["Old A", "Old B", "Moor"],
         "lad_code": ["E06000057"] * 3, "reason": [REDRAWN, REDRAWN, "no LSOA is best fitted to this ward"]}
    )  # fmt: skip
    return replace(REGION, lookups={**REGION.lookups, "wards_without_lsoa": gone, **more})


def wards(codes, region=None, **more):
    return detect(pd.Series(codes, dtype="str"), region or with_redrawn_wards(), where="f.csv", column="code", **more)


def test_wards_that_were_redrawn_are_named_and_kept_out():
    found = wards(["E05000001", "E05000007", "E05000008"])
    assert list(found.sort) == ["region", "replaced", "replaced"] and found.only_older == ("E05000007", "E05000008")
    assert (found.level, found.vintage, found.certain) == ("ward", 2022, True)
    assert found.sentence == "3 codes: 1 wards that are the same in 2022 and 2024, 2 ward 2022, since replaced"
    assert rules(found) == [] and rules(found, "warning") == ["ward-vintage"]
    fault = found.faults[0]
    assert "2 codes are wards of 2022 that were redrawn by 2024 (Northumberland: E05000007, E05000008)" in fault.what
    assert fault.todo == "for Northumberland use figures on the wards of 2024, or on LSOAs"
    assert wards(["E05000001", "E05000007"], level="ward", vintage=2022).vintage == 2022  # said, and seen


def test_todays_wards_are_todays_also_where_others_were_redrawn():
    found = wards(["E05000001", "E05000002", "E05000009"])
    assert (found.vintage, found.faults, list(found.sort)) == (2024, (), ["region"] * 3)


def test_a_year_of_wards_that_the_pack_does_not_know_names_the_file_that_is_needed():
    found = wards(["E05000001", "E05000002", "E05099999"], level="ward", vintage=2019)
    assert found.vintage == 2019 and rules(found) == [] and list(found.sort) == ["region", "region", "outside"]
    told = next(fault.what for fault in found.faults if fault.rule == "ward-vintage")
    assert "knows those of 2024, and would need lookups/ward_2019.parquet" in told
    # with the list of that year a code tells its year, and mixing them is refused with both lists
    listed = with_redrawn_wards(ward_2022=pd.DataFrame({"code": ["E05000001", "E05000007", "E05000008"]}))
    assert rules(wards(["E05000002", "E05000007"], listed)) == ["mixed-vintage"]
    assert wards(["E05000001", "E05000008"], listed).vintage == 2022


def test_a_year_of_lsoas_that_the_pack_does_not_know_names_the_files_that_are_needed():
    found = look([SAME[0], NEW[0]], level="lsoa", vintage=2001)
    assert rules(found) == ["vintage-claim"]  # the codes are of 2021, and that settles it
    bare = replace(REGION, lookups={})
    found = detect(pd.Series(SAME, dtype="str"), bare, level="lsoa", vintage=2001)
    assert "no lookups/lsoa_2001.parquet and lookups/lsoa_2001_2021.parquet" in str(found.faults[0])


def test_old_authority_codes_are_named_with_their_successors():
    found = look(["E08000020", "E06000057"])
    assert rules(found) == [] and "E08000020 is now E08000037" in str(found.faults[0])  # one for one: read, and said
    assert found.level == "lad" and found.codes.tolist() == ["E08000037", "E06000057"]


def test_successors_are_not_themselves_gone_but_once():
    for old, (new, year) in FORMER_AUTHORITIES.items():
        assert pattern_of(old)[0] == pattern_of(new)[0] == "lad" and 2009 <= year <= 2025
        seen = new
        while seen in FORMER_AUTHORITIES:
            assert FORMER_AUTHORITIES[seen][1] > year
            seen = FORMER_AUTHORITIES[seen][0]


def test_a_level_that_is_claimed_wrongly_is_told():
    assert rules(look([NEW[0], NEW[1]], level="ward")) == ["level-claim"]


def test_a_region_without_older_lookups_knows_one_year():
    region = SimpleNamespace(
        areas=REGION.areas,
        vintages=REGION.vintages,
        lookups={},
        name="x",
        codes=lambda level: pd.Index(REGION.areas[level]["code"]),
    )
    found = detect(pd.Series(SAME, dtype="str"), region)
    assert (found.vintage, found.certain, found.question) == (2021, True, "")
    assert {level for level, _ in known_codes(region)} == set(LEVELS)


@given(st.lists(st.sampled_from([*SAME, *OLD, *NEW, *ELSEWHERE, "E92000001", "x", ""]), min_size=1, max_size=14))
def test_laws_of_the_detective(codes):
    found = look(codes)
    present = set(codes)
    if present & set(OLD) and present & set(NEW):
        assert not usable(found)
    elif present & set(NEW):
        assert found.vintage == 2021 and not found.question
    elif present & set(OLD):
        assert found.vintage == 2011 and not found.question
    elif present & set(SAME):
        assert found.question and not usable(found)
    else:
        assert not usable(found)
    assert len(found.sort) == len(codes) and set(found.sort) <= {"region", "outside", "other-level", "unknown", "blank"}
    assert list(look(codes[::-1]).sort)[::-1] == list(found.sort)  # the order of rows does not matter


@pytest.mark.real
def test_the_real_lookup_as_a_whole():
    """33,647 of 35,672 codes are shared; a whole file of either year is told apart, and one foreign row is caught."""
    file = DATA / "lookups/LSOA11_LSOA21_LAD22_EW_LU.csv.gz"
    if not file.exists():
        pytest.skip("the real open data is not at ../shared/data")
    lookup = pd.read_csv(file, dtype=str)
    lookup = lookup[
        lookup["LAD22CD"].isin(
            ["E08000021", "E08000037", "E08000022", "E08000023", "E08000024", "E06000057", "E06000047"]
        )
    ]
    lsoa = frame(lookup["LSOA21CD"].unique(), "", "")
    region = SimpleNamespace(
        areas={"lsoa": lsoa, "ward": lsoa.head(0), "lad": lsoa.head(0)},
        vintages=REGION.vintages,
        name="North East",
        codes=lambda level: pd.Index(lsoa["code"] if level == "lsoa" else []),
        lookups={"lsoa_2011_2021": lookup.rename(columns={"LSOA11CD": "code_2011", "LSOA21CD": "code_2021"})},
    )
    old, new = set(lookup["LSOA11CD"]), set(lookup["LSOA21CD"])
    assert len(new) == 1_257
    for year, codes, other in ((2011, old, new - old), (2021, new, old - new)):
        found = detect(pd.Series(sorted(codes), dtype="str"), region)
        assert (found.vintage, found.certain) == (year, True) and (found.sort == "region").all()
        one = sorted(other)[0]
        assert not usable(detect(pd.Series([*sorted(codes), one], dtype="str"), region))
    assert detect(pd.Series(sorted(old & new), dtype="str"), region).question
