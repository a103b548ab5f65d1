"""How a column writes its numbers, decided from all its cells: what a comma and a point are, and what a percent sign means.

Where two readings fit, both are shown with examples and somebody is asked (:class:`~layers.reading.questions.Question`); nothing
is guessed. One cell that fits no reading is an error of that cell, and no reason to read the others differently.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from layers.reading.decimals import COMMA, POINT, decimal_of
from layers.reading.marks import Numbers, numbers, tidy
from layers.reading.questions import Choice, Question, line

PERCENT, SHARE = "percent", "share"


def decimal_question(column: pd.Series, header: str, semicolons: bool, where: str, *, whole: bool) -> Question | None:
    """The question that the commas of a column leave open, if any. ``whole``: they are counts, which have no decimals."""
    words = list(dict.fromkeys(tidy(column)))
    habit = decimal_of(words, semicolons)
    if habit.reading and not habit.odd:
        return None
    if habit.reading:
        rows = [int(label) for label in column.index[column.isin(habit.odd)][:5]]
        count = int(column.isin(habit.odd).sum())
        asks = (
            f"{count} of {len(column)} cells of “{header}” can be no number with thousands: "
            f"{', '.join(f'{word} (row {row})' for word, row in zip(habit.odd, rows, strict=False))}. What is to become of them?"
        )
        choice = Choice(
            f"Leave {'them' if count > 1 else 'it'} out as missing; or correct the file",
            "\n".join(line(("marks", word), "missing") for word in habit.odd),
        )
        return Question("marks", asks, where, (choice,), habit.odd[:3])
    if whole and not habit.odd:
        return None
    shown = list(dict.fromkeys([*habit.unclear[:2], *habit.odd[:1]]))
    said = []
    for reading in (POINT, COMMA):
        read = numbers(pd.Series(shown), decimal_comma=reading == COMMA)
        said.append(
            ", ".join(
                f"{cell} is {value:,.10g}" if state == "number" else f"{cell} is not a number"
                for cell, value, state in zip(shown, read.value, read.state, strict=True)
            )
        )
    choices = (
        Choice(f"A comma divides thousands: {said[0]}", line("decimal", POINT)),
        Choice(f"A comma is the decimal sign: {said[1]}", line("decimal", COMMA)),
    )
    return Question("decimal", f"What is the comma in “{header}”?", where, choices, tuple(shown))


def percent_question(
    column: pd.Series, header: str, is_percentage: bool, where: str, comma: bool | None
) -> Question | None:
    """Asked where some cells have a percent sign and others are shares, or all of a percentage lie between 0 and 1."""
    text = tidy(column)
    signed = text.str.endswith("%")
    read = numbers(text, decimal_comma=comma)
    known = read.state == "number"
    plain = known & ~signed.to_numpy(dtype=bool)
    values = np.abs(read.value[plain])
    if not plain.any() or values.max() > 1 or not (values % 1 != 0).any():
        return None
    shares = [str(cell) for cell in text[plain & (read.value % 1 != 0)].unique()[:3]]
    if signed.any():
        percents = [str(cell) for cell in text[signed].unique()[:3]]
        words = (
            f"“{header}” has percentages ({', '.join(percents)}) beside numbers from 0 to 1 ({', '.join(shares)}). "
            "What are those?"
        )
        examples = (*percents, *shares)
    elif is_percentage and len(values) >= 5:
        words = f"All numbers of “{header}” lie between 0 and 1 ({', '.join(shares)}). What are they?"
        examples = tuple(shares)
    else:
        return None
    number = abs(float(numbers(pd.Series([shares[0]]), decimal_comma=comma).value[0]))
    choices = (
        Choice(f"Shares of 1: {shares[0]} means {number * 100:.6g}%", line("percent", SHARE)),
        Choice(f"Per cent as written: {shares[0]} means {number:.6g}%", line("percent", PERCENT)),
    )
    return Question("percent", words, where, choices, examples)


def shares_to_percent(column: pd.Series, comma: bool | None = None) -> tuple[pd.Series, int]:
    """The column with its numbers without a percent sign multiplied by 100 and given one; and how many that were."""
    text = tidy(column)
    read: Numbers = numbers(text, decimal_comma=comma)
    plain = (read.state == "number") & ~text.str.endswith("%").to_numpy(dtype=bool)
    out = column.astype(object).copy()
    out[plain] = [f"{value * 100:.12g}%" for value in read.value[plain]]
    return out.astype("str"), int(plain.sum())
