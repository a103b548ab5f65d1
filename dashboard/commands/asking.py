"""The options of the commands that ask the question: one for each row of :mod:`dashboard.question` that the command has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click

from dashboard import question
from dashboard.question import Field, Yes
from dashboard.selection import Selection
from layers import Fault, Refused


class Answer(click.ParamType):
    """The value of a field, read as the API reads it. What has another form is wrong usage; a number beyond the limits is
    refused with the reason."""

    def __init__(self, row: Field, who: str):
        self.row, self.who = replace(row, **row.by_command), who
        self.name = self.row.kind.form

    def convert(self, value, param, ctx):
        if not isinstance(value, str):
            return value
        try:
            return question.take(self.row, value, self.who)
        except question.WrongValue as wrong:
            if wrong.what:
                where = param.opts[0] if param else self.row.name
                fault = Fault(wrong.what, where, f"use {wrong.takes}", rule="limits")
                raise Refused("The question cannot be answered.", [fault]) from None
            self.fail(f"“{value[:60]}”; it takes {wrong.takes}", param, ctx)

    def get_metavar(self, param, ctx):
        allowed = self.row.allowed()
        return f"[{'|'.join(allowed)}]" if allowed and self.row.kind.name == "choice" else self.name


def option(row: Field, who: str, **changes: Any):
    """The click option of a field; ``changes`` are what is different in one command."""
    required = who in row.needed_by
    settings: dict[str, Any] = {"help": f"{row.help}.", "required": required, "type": Answer(row, who)}
    if not required:
        settings |= {"default": row.default, "show_default": row.default not in ("", (), None)}
    if isinstance(row.kind, Yes):
        settings = {"help": settings["help"], "is_flag": True}
    return click.option(f"--{row.name.replace('_', '-')}", row.name, **settings | changes)


def asks(who: str, changes: Mapping[str, Mapping[str, Any]] | None = None):
    """Give a command the options of the question that ``who`` asks."""

    def decorate(function):
        for row in reversed(question.fields_of(who)):
            function = option(row, who, **(changes or {}).get(row.name, {}))(function)
        return function

    return decorate


def selection_of(given: Mapping[str, Any]) -> Selection:
    """The part of a command's options that a selection has."""
    names = {row.name for row in question.fields_of(question.MAP)}
    return Selection(**{name: value for name, value in given.items() if name in names})
