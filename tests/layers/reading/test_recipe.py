"""Recipes: what may be said, what is wrong with it, and that every line that answers a question is one."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from layers import Refused, read_recipe, write_recipe
from layers.reading.questions import line
from layers.reading.recipe import READING, layout_of, recipe_of, with_columns

DOCS = Path(__file__).parents[3] / "docs/recipes.md"


def test_the_page_of_recipes_names_every_key():
    text = DOCS.read_text("utf-8")
    assert [name for name in READING if f"`{name}`" not in text] == []
    example = text.split("```toml\n")[1].split("```")[0]
    assert tomllib.loads(example)["keep"] == {"Sex": "Persons", "Age": "All ages"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sheet", 'A "quoted" \\ sheet\nof two lines'),
        ("period_columns", ["2021/22", "2022/23"]),
        ("header_rows", []),
        (("keep", "Sex (M/F)"), "Ünïcode\x7f"),
        ("vintage", 2021),
        ("per", 1000.0),
        ("counts_people", True),
    ],
)
def test_a_line_says_what_was_meant(key, value):
    said = tomllib.loads(line(key, value))
    for part in key if isinstance(key, tuple) else (key,):
        said = said[part]
    assert said == value


def test_lines_below_each_other_are_one_recipe():
    text = "\n".join([line(("keep", "Sex"), "Persons"), line(("keep", "Age"), "All ages"), line("sheet", "T1")])
    said = tomllib.loads(text)
    assert said == {"keep": {"Sex": "Persons", "Age": "All ages"}, "sheet": "T1"}
    assert tomllib.loads(write_recipe(said)) == said


def test_what_is_wrong_with_a_recipe_is_said_at_once(tmp_path):
    file = tmp_path / "r.toml"
    file.write_text('sheets = "x"\nfirst_row = "two"\ndecimal = "dot"\nmeasure = "rate"\n', "utf-8")
    with pytest.raises(Refused) as refused:
        read_recipe(file)
    assert [fault.column for fault in refused.value.faults] == ["sheets", "first_row", "decimal"]
    file.write_text("a = ", "utf-8")
    with pytest.raises(Refused, match="cannot be used"):
        read_recipe(file)


@pytest.mark.parametrize(
    "text",
    [
        'header_rows = ["a"]', "header_rows = [[1]]", "header_rows = [1.5]", "header_rows = [0]", "header_rows = true",
        "first_row = 0", "last_row = 99999999999999999999", "vintage = -1", "place_columns = [1, 2]", "columns = 3",
        "marks = 3", 'decimal_comma = "x"', "hidden_rows = 3", "keep = 3", "period_columns = [{}]",
    ],
)  # fmt: skip
def test_an_answer_that_cannot_be_meant_is_refused(tmp_path, text):
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(Refused) as error:
        read_recipe(tmp_path / "r.toml")
    (fault,) = error.value.faults
    assert fault.column == text.split(" ")[0] and str(fault.what).startswith("cannot be")


@pytest.mark.parametrize("text", ["header_rows = []", "header_rows = [1, 2]", "header_rows = 1", "sheets_as_periods = true",
                                  "period_columns = [2019, 2020]", 'place_columns = ["x", "y"]'])  # fmt: skip
def test_what_can_be_meant_is_taken(tmp_path, text):
    (tmp_path / "r.toml").write_text(text)
    assert list(read_recipe(tmp_path / "r.toml")) == [text.split(" ")[0]]


def test_the_period_is_never_inherited():
    kept = recipe_of('sheet = "2022"\nperiod = "2022"\nperiods = "Year"\nkeep.Sex = "Persons"\nheader_rows = [4]\n')
    assert kept == {"keep": {"Sex": "Persons"}, "header_rows": [4]} and recipe_of("not toml") == {}


def test_the_columns_of_a_recipe_play_their_roles():
    said = with_columns({"area_column": "Code", "value_column": "Rate", "periods": "Year", "decimal": "comma"})
    assert said["columns"] == {"area_code": "Code", "value": "Rate", "period": "Year"} and said["decimal_comma"] is True
    assert layout_of({"header_rows": []}).header_rows == () and layout_of({}).header_rows is None
