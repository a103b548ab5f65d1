from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.question import FIELDS
from dashboard.selection import Selection

OVERLAYS = FIELDS["overlays"].allowed()
NAMES = st.from_regex(r"[a-z0-9][a-z0-9.-]{0,12}", fullmatch=True)
SELECTIONS = st.builds(
    Selection,
    theme=st.just("") | NAMES,
    need=st.just("") | NAMES,
    services=st.lists(NAMES, unique=True, max_size=4).map(tuple),
    partner=st.just("") | NAMES,
    owner=st.just("") | NAMES,
    level=st.sampled_from(FIELDS["level"].allowed()),
    period=st.sampled_from(["", "2024", "2023/24", "Jan to Apr 2024", "Q1 & Q2"]),
    bands=st.sampled_from(FIELDS["bands"].allowed()),
    classes=st.integers(3, 7),
    scheme=st.sampled_from(FIELDS["scheme"].allowed()),
    fair=st.booleans(),
    max_min=st.sampled_from([None, 20.0, 12.5]),
    group=st.just("") | NAMES,
    travel=st.just("") | NAMES,
    overlays=st.sets(st.sampled_from(OVERLAYS)).map(lambda chosen: tuple(o for o in OVERLAYS if o in chosen)),
    shared=st.booleans(),
    area=st.just("") | NAMES,
    at=st.none() | st.just((54.9, -1.6, 10.25)),
)


@given(SELECTIONS)
def test_a_link_reproduces_the_view(selection):
    query = dict(parse_qsl(selection.query_string()))
    assert Selection.from_query(query) == (selection, ())


@given(SELECTIONS)
def test_the_browser_store_reproduces_the_view(selection):
    assert Selection.from_data(selection.as_data()) == selection


def test_the_default_view_has_a_bare_address():
    assert Selection().link() == "/"
    assert Selection(need="harm").link(level="ward") == "/?need=harm&level=ward"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("level", "street"),
        ("classes", "2"),
        ("classes", "five"),
        ("bands", "world"),
        ("scheme", "random"),
        ("at", "54.9,-1.6"),
        ("at", "0,0,5"),  # in the Gulf of Guinea
        ("at", "nan,nan,nan"),
        ("need", "../../etc/passwd"),
        ("need", "<script>"),
        ("services", "ok,no spaces allowed"),
        ("services", ",".join(f"s{i}" for i in range(21))),
        ("period", "x" * 61),
        ("period", "2024\n"),
        ("fair", "maybe"),
        ("max_min", "0"),
        ("overlays", "near,stars"),
        ("travel", "../bus"),
        ("group", "a b"),
    ],
)
def test_what_cannot_be_is_left_out_and_said(name, value):
    selection, notices = Selection.from_query({name: value})
    assert selection == Selection()
    assert len(notices) == 1
    assert "left out" in notices[0]


def test_an_unknown_parameter_is_said_and_the_rest_is_kept():
    selection, notices = Selection.from_query({"need": "harm", "colour": "red"})
    assert selection == Selection(need="harm")
    assert "colour" in notices[0]


def test_the_classes_query_names_what_decides_the_colours_and_nothing_else():
    selection = Selection(need="harm", services=("clinics",), theme="alcohol", area="T01", partner="westshire")
    assert selection.classes_query() == "need=harm&partner=westshire&level=lsoa"
    assert replace(selection, area="T02", services=()).classes_query() == selection.classes_query()
