"""What an address of the API is asked: its parameters, read by the rows of :mod:`dashboard.question`.

Parameters are checked here for their form and limits; what makes no sense is refused by the engine with every reason.
"""

from __future__ import annotations

from typing import Any

from flask import request

from dashboard import question
from dashboard.api.answers import ApiError
from dashboard.selection import Selection
from layers import Fault, Refused


def bad_parameter(name: str, given: str, takes: str) -> ApiError:
    return ApiError(
        400, "bad-parameter", f"The parameter {name} is “{given[:60]}”; it takes {takes}.", {"parameter": name}
    )


def allowed(*names: str) -> None:
    """Refuse query parameters that the route does not know: a typing mistake must not answer with everything."""
    for name in request.args:
        if name not in names:
            raise bad_parameter(name, request.args[name], f"nothing: this address knows {', '.join(names) or 'none'}")


def one_of(name: str, choices: tuple[str, ...], default: str | None) -> str | None:
    given = request.args.get(name)
    if not given:
        return default
    if given not in choices:
        raise bad_parameter(name, given, f"one of {', '.join(choices)}" if choices else "nothing: there are none")
    return given


def asked(who: str, region: Any, *others: str) -> tuple[Selection, dict[str, Any]]:
    """The question that an address is asked (``who`` of :mod:`dashboard.question`), and what it is asked besides a selection.

    ``others`` are parameters that the caller reads by itself. Raises ApiError, and Refused with every number that is out of
    its limits.
    """
    rows = question.fields_of(who)
    allowed(*(row.name for row in rows), *others)
    given, faults = {}, []
    for row in rows:
        text = request.args.get(row.name, "")
        try:
            given[row.name] = question.take(row, text, who, region)
        except question.WrongValue as wrong:
            if not wrong.what:
                raise bad_parameter(row.name, text, wrong.takes) from None
            faults.append(Fault(wrong.what, row.name, f"use {wrong.takes}", rule="limits"))
    if faults:
        raise Refused("The question cannot be answered.", faults)
    besides = {row.name: given.pop(row.name) for row in rows if question.MAP not in row.asked_by}
    return Selection(**given), besides
