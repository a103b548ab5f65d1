"""From the table as it stands in a file to the rows that are published: those that are kept, and columns that are periods.

Nothing is left out without being counted and said, and what can be read in two ways is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from layers.model import Fault
from layers.periods import in_order, period_in
from layers.reading.marks import numbers, tidy
from layers.reading.questions import Choice, Question, line
from layers.reading.recipe import LEAVE_OUT, READ
from layers.reading.rows import again
from layers.reading.sheet import Sheet

PERIOD, VALUE = "period", "value"
MOST_CHOICES = 40


@dataclass
class Shaped:
    """``text``: the rows to look at; ``left_out``: label of a row -> why; ``roles``: columns that were made, by role."""

    text: pd.DataFrame
    left_out: dict[Any, str] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    bare: bool = True  # no descriptor came with the table


def shape(sheet: Sheet, hints: Mapping[str, Any], where: str) -> Shaped:
    """The rows of a sheet as they were asked for."""
    out = Shaped(sheet.text)
    if sheet.uncalculated:
        what = f"{sheet.uncalculated:,} formulas have never been calculated, so their cells are empty"
        todo = "open the workbook in a spreadsheet program, save it there, and send it again"
        out.faults.append(Fault(what, where, todo, rule="not-calculated"))
    _hidden(out, sheet, hints, where)
    _keep(out, hints.get("keep") or {}, where)
    if hints.get("period_columns"):
        _periods_below_each_other(out, hints, where)
    if sheet.sheet and PERIOD in out.text.columns and hints.get("sheets_as_periods"):
        out.roles[PERIOD] = PERIOD
        _rename_periods(out, hints)
    return out


def _hidden(out: Shaped, sheet: Sheet, hints, where: str) -> None:
    hidden = [label for label in sheet.hidden if label in out.text.index]
    if not hidden:
        return
    count = f"{len(hidden):,} of {len(out.text):,} rows are hidden" if len(hidden) > 1 else "1 row is hidden"
    said = hints.get("hidden_rows")
    if said is None:
        words = f"{count} in the workbook, perhaps by a filter. Are they to be published?"
        shown = len(out.text) - len(hidden)
        choices = (
            Choice(f"Leave the hidden rows out: {shown:,} rows are read", line("hidden_rows", LEAVE_OUT)),
            Choice(f"Read them too: {len(out.text):,} rows are read", line("hidden_rows", READ)),
        )
        out.questions.append(Question("hidden_rows", words, where, choices))
    elif said == LEAVE_OUT:
        out.left_out |= dict.fromkeys(hidden, "hidden in the workbook")
        out.text = out.text.drop(index=hidden)
        out.faults.append(Fault(f"{count} and left out", where, "", rule="rows-left-out", severity="warning"))
    else:
        out.faults.append(Fault(f"{count} and were read", where, "", rule="hidden-rows", severity="warning"))


def _keep(out: Shaped, keep: Mapping[str, Any], where: str) -> None:
    for header, wanted in keep.items():
        if header not in out.text.columns:
            what = f"there is no column {str(header)[:60]!r}, by which rows were to be kept"
            todo = f"the table has: {', '.join(out.text.columns[:20])}"
            out.faults.append(Fault(what, where, todo, column=str(header)[:60], rule="column-missing"))
            continue
        values = [str(one).strip() for one in (wanted if isinstance(wanted, (list, tuple)) else [wanted])]
        good = tidy(out.text[header]).isin(values).to_numpy(dtype=bool)
        said = " or ".join(f"“{value}”" for value in values)
        if not good.any():
            what = f"no row has {said} in {header!r}"
            todo = f"there are: {', '.join(list(dict.fromkeys(tidy(out.text[header])))[:20])}"
            out.faults.append(Fault(what, where, todo, column=header, rule="keep"))
            continue
        gone = out.text.index[~good]
        if len(gone):
            out.left_out |= dict.fromkeys(gone, f"{header} is not {said}")
            what = f"{int(good.sum()):,} rows with {said} were read, {len(gone):,} others left out"
            out.faults.append(Fault(what, where, "", column=header, rule="rows-left-out", severity="warning"))
        out.text = out.text[good]


def _called(hints: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """What the columns or sheets that are periods are called as periods."""
    said = hints.get("periods")
    if isinstance(said, Mapping):
        return [str(said.get(name, name)) for name in names]
    if isinstance(said, (list, tuple)) and len(said) == len(names):
        return list(map(str, said))
    return list(names)


def _rename_periods(out: Shaped, hints: Mapping[str, Any]) -> None:
    titles = list(dict.fromkeys(out.text[PERIOD]))
    names = dict(zip(titles, _called(hints, titles), strict=True))
    out.text = out.text.assign(**{PERIOD: out.text[PERIOD].map(names).astype("str")})


def _periods_below_each_other(out: Shaped, hints: Mapping[str, Any], where: str) -> None:
    """One row for each area and period, out of one for each area with a column for each period."""
    wanted = [str(header) for header in hints["period_columns"]]
    if missing := [header for header in wanted if header not in out.text.columns]:
        what = f"there is no column {missing[0][:60]!r}, which was to be a period"
        todo = f"the table has: {', '.join(out.text.columns[:20])}"
        out.faults.append(Fault(what, where, todo, column=missing[0][:60], rule="column-missing"))
        return
    names = _called(hints, wanted)
    rest = out.text.drop(columns=wanted)
    period = PERIOD if PERIOD not in rest else "period of the column"
    value = VALUE if VALUE not in rest else "value of the column"
    parts, left_out = [], {}
    for at, (header, name) in enumerate(zip(wanted, names, strict=True)):
        part = rest.assign(**{period: name, value: out.text[header]})
        part.index = again(rest.index, at)
        parts.append(part)
    out.text = pd.concat(parts).astype("str")
    out.left_out |= left_out
    out.roles |= {PERIOD: period, VALUE: value}
    what = f"{len(wanted)} columns were read as periods: {', '.join(names)}"
    out.faults.append(Fault(what, where, "", rule="period-columns", severity="warning"))


# ---------------------------------------------------------------- what is asked of columns


def period_columns_question(text: pd.DataFrame, used: Sequence[str], where: str) -> Question | None:
    """Where the names of several columns of numbers are periods, or are the same but for a period in them."""
    groups: dict[str, dict[str, str]] = {}
    for header in text.columns:
        period, rest = period_in(header)
        if period and header not in used and _is_numeric(text[header]):
            groups.setdefault(rest.casefold(), {}).setdefault(period, header)
    groups = {rest: columns for rest, columns in groups.items() if len(columns) > 1}
    if not groups:
        return None
    choices, newest = [], []
    for columns in groups.values():
        ordered = list(in_order(columns))
        headers = [columns[period] for period in ordered]
        said = ", ".join(ordered) if len(ordered) <= 12 else f"{', '.join(ordered[:3])} \u2026 {ordered[-1]}"
        rest = period_in(headers[0])[1]
        answer = [line("period_columns", headers)]
        if headers != ordered:
            answer.append(line("periods", ordered))
        what = f"One indicator, {rest}," if rest else "One indicator"
        choices.append(Choice(f"{what} with the periods {said}", "\n".join(answer)))
        only = (line("period_columns", []), line("value_column", headers[-1]), line("period", ordered[-1]))
        newest.append(Choice(f"Only “{headers[-1]}”", "\n".join(only)))
    count = sum(map(len, groups.values()))
    words = f"{count} columns are called by a period: {', '.join(next(iter(groups.values())).values())}. What are they?"
    return Question("period_columns", words[:400], where, (*choices, *newest))


def _is_numeric(column: pd.Series) -> bool:
    cells = tidy(column.head(300))
    cells = cells[cells != ""]
    return bool(len(cells)) and bool((numbers(cells).state != "bad").mean() > 0.9)


_WHOLE = (
    "persons",
    "person",
    "all",
    "total",
    "all ages",
    "both",
    "both sexes",
    "people",
    "england",
    "overall",
    "any",
    "a",
)


def breakdown_questions(
    text: pd.DataFrame, key: Sequence[str], roles: Sequence[str], keep: Mapping[str, Any], where: str
) -> list[Question]:
    """Where areas stand several times in a period: the columns that tell those rows apart, with their values to choose from."""
    same = text.duplicated(list(key), keep=False)
    part = text[same]
    if part.empty:
        return []
    out = []
    for header in text.columns:
        if header in roles or header in keep:
            continue
        values = tidy(part[header])
        different = list(dict.fromkeys(value for value in values if value))
        if not 2 <= len(different) <= MOST_CHOICES or len(different) > max(2, len(part) // 2):
            continue
        if numbers(pd.Series(different)).state.tolist().count("number") == len(different) and not _is_rising(different):
            continue
        vary = values.groupby([part[one] for one in key], sort=False).nunique()
        if not (vary > 1).mean() > 0.5:
            continue
        first = sorted(
            different, key=lambda value: (value.casefold() not in _WHOLE, not value.casefold().startswith("all"))
        )
        times = values.value_counts()
        choices = tuple(
            Choice(f"Only “{value}”: {int(times[value]):,} rows", line(("keep", header), value)) for value in first
        )
        words = f"The areas stand several times, told apart by “{header}”. Which rows are to be published?"
        out.append(Question("keep", words, where, choices, tuple(first[:3])))
    return out


def _is_rising(values: Sequence[str]) -> bool:
    """Whole numbers from a short range, such as ages, deciles and years, are a breakdown; measured numbers are not."""
    read = numbers(pd.Series(list(values))).value
    return bool(np.isfinite(read).all() and (read % 1 == 0).all() and read.max() - read.min() < 4 * len(values))
