"""Numbers as people say them: each rule by hand, both ways, at its edges."""

import math

import pytest

from dashboard.views import spoken


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.0, "no residents"), (0.00021, "one in 4,800 residents"), (0.019, "one in 55 residents"), (1 / 15, "one in fifteen residents"),
        (0.048, "one in twenty residents"), (0.04, "one in 25 residents"), (0.25, "one in four residents"),
        (0.375, "three in eight residents"), (0.4, "two in five residents"), (0.49, "half of residents"),
        (0.55, "more than half of residents"), (2 / 3, "two in three residents"), (0.9, "nine in ten residents"),
        (0.97, "nearly all residents"), (1.0, "all residents"),
    ],
)  # fmt: skip
def test_a_share_is_said_as_people(share, said):
    assert spoken.of_people(share) == said


def test_no_fraction_is_far_from_its_share():
    """The second, slower way: read the words back."""
    for n in range(1, 950):
        said = spoken.one_in(n / 1000)
        if said in ("half", "more than half"):
            assert 0.44 < n / 1000 < 0.58
            continue
        top, base = (
            spoken.WORDS.index(w) if w in spoken.WORDS else int(w.replace(",", "")) for w in said.split(" in ")
        )
        assert math.isclose(top / base, n / 1000, rel_tol=0.11), (n, said)


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (0.5, "half the England share"), (0.33, "a third of the England share"), (0.2, "a fifth of the England share"),
        (0.66, "a third below the England share"), (0.8, "a fifth below the England share"),
        (0.96, "about the same as the England share"), (1.0, "about the same as the England share"),
        (1.04, "about the same as the England share"), (1.1, "a tenth above the England share"),
        (1.5, "one and a half times the England share"), (2.0, "twice the England share"),
        (2.2, "more than twice the England share"), (3.0, "three times the England share"), (4.6, "more than four times the England share"),
    ],
)  # fmt: skip
def test_comparisons_go_both_ways(ratio, said):
    assert spoken.against(ratio * 8, 8, "the England share") == said


def test_nothing_is_said_of_what_does_not_compare():
    assert spoken.against(5, 0, "the England share") == ""
    assert spoken.against(-1, 5, "the England share") == ""
    assert spoken.against(math.nan, 5, "the England share") == ""


def test_a_finding_is_a_sentence_with_a_verb():
    say = lambda r: spoken.finding(r, 1, "share", "overcrowded homes", "England")  # noqa: E731
    assert say(2) == "has twice the England share of overcrowded homes"
    assert say(0.5) == "has half the England share of overcrowded homes"
    assert say(1) == "has about the same share of overcrowded homes as England"
    assert say(1.1) == "is a tenth above England for overcrowded homes"


@pytest.mark.parametrize(
    ("n", "said"),
    [(0, "0"), (57, "57"), (843, "840"), (4_412, "4,400"), (9_960, "10,000"), (132_096, "132,000"), (999_600, "1 million"),
     (1_994_284, "1.99 million")],
)  # fmt: skip
def test_people_are_rounded_as_spoken(n, said):
    assert spoken.people(n) == said
