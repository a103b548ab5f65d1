"""Spellings of periods: in order by time, whatever they are written like; and what is none."""

from __future__ import annotations

import pytest

from layers.periods import in_order, is_period, is_readable, months_of, period_in


@pytest.mark.parametrize(
    "ordered",
    [
        ("Jan-24", "Feb-24", "Apr-24", "Aug-24", "Dec-24", "Jan-25"),
        ("2023M04", "2023M10", "2024M01"),
        ("202122", "202223", "202324"),
        ("201110", "201111", "201112", "201201"),
        ("2021/22", "2022/23", "2023/24"),
        ("Q3 2023", "Q4 2023", "Q1 2024"),
        ("2023Q3", "2023Q4", "2024Q1"),
        ("FY22", "FY23", "FY24"),
        ("31/12/2022", "31/03/2023", "30/06/2023"),
        ("04/2023", "11/2023", "01/2024"),
        ("academic year 2021/22", "academic year 2022/23"),
        ("Dec-98", "Jan-01"),
    ],
)
def test_periods_are_put_in_order_by_time(ordered):
    assert in_order(ordered[::-1]) == ordered
    assert all(map(is_period, ordered)) and all(map(is_readable, ordered))


@pytest.mark.parametrize(
    "text", ["Spring", "Persons", "E01008162", "12345678", "1.5", "", "Total", "NE1 4ST", "202399"]
)
def test_what_is_no_period(text):
    assert not is_period(text)


def test_a_period_inside_a_header():
    assert period_in("2021/22 Percentage") == ("2021/22", "Percentage")
    assert period_in("Rate (2023)") == ("2023", "Rate")
    assert period_in("Rate Jan 2024") == ("Jan 2024", "Rate")
    assert period_in("Residents") == ("", "Residents")


def test_months_of_the_new_spellings():
    assert months_of("Jan-24") == (2024 * 12, 2024 * 12 + 1)
    assert months_of("202324") == months_of("2023/24") == (2023 * 12 + 3, 2024 * 12 + 3)
    assert months_of("2023M04") == months_of("2023-04")
