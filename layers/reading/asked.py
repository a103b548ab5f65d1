"""The questions that a file leaves open: of its columns, its boundaries, and of what nobody has said about the layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from layers.descriptive_keys import KEYS
from layers.model import Measure
from layers.periods import period_in
from layers.reading.habits import decimal_question, percent_question
from layers.reading.questions import Choice, Question, line
from layers.reading.shaping import breakdown_questions, period_columns_question

NUMBERS = ("value", "numerator", "denominator", "lower", "upper")


def of_columns(
    text: pd.DataFrame, roles: Mapping[str, str], sheet, hints: Mapping[str, Any], measure, where: str, *, bare: bool
) -> list[Question]:
    """What the numbers and the names of the columns leave open. ``bare``: no descriptor came with the table."""
    out: list[Question] = []
    if "period" not in roles and "period_columns" not in hints and not _said_value(hints):
        used = [header for role, header in roles.items() if role not in NUMBERS]
        if question := period_columns_question(text, used, where):
            out.append(question)
    comma = hints.get("decimal_comma")
    marks = hints.get("marks") or {}
    for role in NUMBERS:
        if role not in roles:
            continue
        column = text[roles[role]]
        if comma is None:
            plain = column[~column.str.strip().isin(list(marks))]
            whole = role in ("numerator", "denominator") or measure == Measure.COUNT
            question = decimal_question(plain, roles[role], sheet.delimiter == ";", where, whole=whole)
            if question is not None and question.key not in {one.key for one in out}:
                out.append(question)
        if role == "value" and hints.get("percent") is None:
            question = percent_question(column, roles[role], bare and measure == Measure.PERCENTAGE, where, comma)
            if question is not None:
                out.append(question)
    return out


def _said_value(hints: Mapping[str, Any]) -> bool:
    """Whether somebody has chosen the column of the value."""
    return bool((hints.get("columns") or {}).get("value"))


def breakdowns(
    text: pd.DataFrame, table: pd.DataFrame, roles: Mapping[str, str], hints: Mapping[str, Any], where: str
) -> list[Question]:
    """Which of the rows of an area are meant."""
    key = [roles["area_code"], *([roles["period"]] if "period" in table and "period" in roles else [])]
    return breakdown_questions(text, key, list(roles.values()), hints.get("keep") or {}, where)


def exchange(x: str, y: str, where: str) -> Question:
    words = f"The columns of the coordinates are exchanged: “{x}” holds what lies east, “{y}” what lies north"
    return Question("place_columns", words, where, (Choice("Exchange the two", line("place_columns", [x, y])),))


def boundaries(geography, where: str) -> list[Question]:
    """The year of the boundaries, where the codes do not tell it."""
    if geography is None or not geography.question:
        return []
    choices = tuple(Choice(f"The boundaries of {year}", line("vintage", year)) for _, year in geography.choices)
    return [Question("vintage", geography.question, where, choices)]


def to_describe(found, region, report) -> tuple[Question, ...]:
    """What must be said of a layer and was not, with the words that may be chosen."""
    of_path = {".".join(key.path): key for key in KEYS.values()}
    out = []
    for fault in found:
        key = of_path.get(fault.column)
        if fault.what != "the key is missing" or key is None:
            continue
        label = next((question.label for question in key.questions), key.meaning or key.name)
        out.append(Question(key.path[-1], label, report.filename, _choices(key, region)))
    period = KEYS.get("period")
    roles = {guess.role: guess.header for guess in report.guesses}
    said = (report.document.get("commonground") or {}).get("period")
    if period is not None and report.kind == "indicator" and "period" not in roles and not said:
        named = roles.get("value", "")
        inside = period_in(named)[0] or period_in(str(report.used.get("sheet", "")))[0]
        choices = (Choice(f"{inside}, as the file calls it", line("period", inside)),) if inside else None
        label = "Which period do the numbers describe?"
        out.append(Question("period", label, report.filename, choices))
    return tuple(out)


def _choices(key, region) -> tuple[Choice, ...] | None:
    if key.name == "themes":
        return tuple(Choice(theme.name, line("theme", theme.id)) for theme in region.themes)
    if key.name == "partner":
        return tuple(Choice(partner.name, line("partner", partner.id)) for partner in region.partners)
    if key.type == "choice" and key.words:
        return tuple(Choice(key.said.get(str(word), str(word)), line(key.path[-1], str(word))) for word in key.words)
    return None
