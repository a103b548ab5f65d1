"""Versions of a published briefing: listed, compared, withdrawn, restored."""

from __future__ import annotations

from collections.abc import Callable

import flask

from dashboard.auth.session import current_viewer
from dashboard.briefings.filling.build import compare_facts
from dashboard.briefings.sources import find, not_there
from dashboard.briefings.web.pages import PATH, briefings, number, show
from dashboard.briefings.writing.outline import differences
from dashboard.views.wording import AUDIENCE_WORDS
from dashboard.web import published
from layers import Refused, StoreFault, Withdrawn, may_change


def history(briefing_id: str):
    return _history(briefing_id)


def _history(briefing_id: str, *, errors: dict | None = None, given: str = "", status: int = 200):
    viewer = current_viewer()
    versions, gone = briefings().history(briefing_id, viewer), None
    if not versions:
        raise not_there()
    try:
        now = briefings().get(briefing_id, viewer)
    except Withdrawn as error:
        if not may_change(versions[0].partner, viewer):
            raise
        now, gone = versions[0], error
    return show(
        "history", title=f"Versions of {now.title}", status=status, now=now,
        versions=versions, gone=gone, may=may_change(now.partner, viewer), errors=errors or {}, given=given,
        address=f"{PATH}/{briefing_id}", audiences=AUDIENCE_WORDS, done=flask.request.args.get("done", ""),
    )  # fmt: skip


def compare(briefing_id: str):
    viewer, args = current_viewer(), flask.request.args
    numbers = [one.version for one in briefings().history(briefing_id, viewer)]
    if not numbers:
        raise not_there()
    b = number(args.get("b"), numbers, numbers[0])
    a = number(args.get("a"), numbers, next((n for n in numbers if n < b), numbers[-1]))
    before, after = (briefings().get(briefing_id, viewer, n) for n in (a, b))
    return show(
        "compare", title=f"Compare versions of {after.title}",
        address=f"{PATH}/{briefing_id}", numbers=numbers, a=a, b=b, now=after,
        lines=differences(before.text, after.text), changes=_changed(briefing_id, a, b),
    )  # fmt: skip


def _changed(briefing_id: str, a: int, b: int):
    """Numbers that say something else in version b; the words may be the same when only the data is newer."""
    before, after = (find(published(), briefing_id, current_viewer(), version).briefing for version in (a, b))
    return compare_facts(before, after)


def withdraw(briefing_id: str):
    return _undo(briefing_id, "withdraw", briefings().withdraw)


def restore(briefing_id: str):
    return _undo(briefing_id, "restore", briefings().rollback, to=number(flask.request.form.get("to"), None, 0))


def _undo(briefing_id: str, what: str, undo: Callable, **to):
    """Withdraw or restore, with the reason that the form gives."""
    viewer = current_viewer()
    versions = briefings().history(briefing_id, viewer)  # raises as if it did not exist
    if not versions:
        raise not_there()
    reason = " ".join(flask.request.form.get("reason", "").split())[:1000]
    errors = {} if reason else {f"{what}-reason": "Say why, in a sentence; people who follow a link will read it"}
    if not errors:
        try:
            undo(briefing_id, by=viewer, reason=reason, **to)
        except StoreFault:
            raise  # the one page that says so
        except Refused as error:
            errors = {f"{what}-reason": "; ".join(map(str, error.faults)) or error.title}
    if errors:
        return _history(briefing_id, errors=errors, given=reason, status=422)
    return flask.redirect(f"{PATH}/{briefing_id}/history?done={what}", 303)
