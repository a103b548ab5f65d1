"""“Which rows and columns”: what a file leaves open about how it is read, asked before its columns are matched, and skipped where
nothing is open. The answers are a recipe: they stay with the draft, and with the layer when it is published."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

import flask

from dashboard.auth.session import current_viewer
from dashboard.publishing import wizard
from layers import Draft, EditConflict

HEADING = "Which rows and columns"


def open_questions(draft: Draft, answers: Mapping[str, Any]) -> tuple:
    """The open questions about how the file of a draft is read, of all the layers that are made of it."""
    site, viewer = wizard.current(), current_viewer()
    found = {}
    for header in ("", *(answers.get("several") or ())):
        for question in site.reports.report(draft, header, viewer, answers).questions:
            found.setdefault((question.key, question.words), question)
    return tuple(found.values())


def rows_page(
    draft: Draft,
    questions: tuple,
    *,
    recipe: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
    **values,
):
    """The page of the questions. ``recipe``: what was chosen just now; else ``draft.answers`` say what was chosen before."""
    site = wizard.current()
    report = site.reports.report(draft, "", current_viewer(), {**draft.answers, "several": []})
    recipe = draft.answers.get("recipe") or {} if recipe is None else recipe
    asked = [
        (f"q{at}", question, next((n for n, one in enumerate(question.choices or ()) if says(recipe, one.set)), None))
        for at, question in enumerate(questions)
    ]
    return wizard.step_page(
        draft, "columns", template="rows", headed=HEADING, report=report, asked=asked, sample=report.sample.head(5),
        errors=errors or {}, **values,
    )  # fmt: skip


def says(recipe: Mapping[str, Any], lines: str) -> bool:
    """Whether a recipe already has these lines."""
    return all(recipe.get(name) == value for name, value in tomllib.loads(lines).items())


def with_lines(recipe: Mapping[str, Any], lines: str) -> dict[str, Any]:
    """A recipe with the lines of one more answer."""
    out = dict(recipe)
    for name, value in tomllib.loads(lines).items():
        known = out.get(name)
        out[name] = {**known, **value} if isinstance(known, Mapping) and isinstance(value, Mapping) else value
    return out


def save_rows(draft: Draft):
    """Take the answers; the file is then read by them, and what is still open is asked."""
    form = flask.request.form
    again = form.get("again") == "yes"
    answers = {**draft.answers, "recipe": {}} if again else draft.answers
    questions = open_questions(draft, answers)
    recipe, errors = dict(answers.get("recipe") or {}), {}
    for at, question in enumerate(questions):
        given = form.get(f"q{at}", "")
        choices = question.choices or ()
        if not (given.isascii() and given.isdigit() and int(given) < len(choices)):
            errors[f"q{at}"] = f"Choose an answer: {question.words}"
            continue
        recipe = with_lines(recipe, choices[int(given)].set)
    changed = {"recipe": recipe, "columns": {}, "several": []}
    done = [name for name in draft.answers.get("done", ()) if name not in ("columns", "check", "preview")]
    try:
        if errors:
            return rows_page(draft, questions, recipe=recipe, errors=errors, status=422, again=again)
        draft = wizard.save(draft, {**changed, "done": done})
    except EditConflict as error:
        return rows_page(error.draft, questions, recipe=recipe, overtaken=error.draft, status=409, again=again)
    return wizard.go(draft, "columns")


def asked_again(draft: Draft) -> tuple:
    """Every question that the file would leave open without the answers that were given."""
    return open_questions(draft, {**draft.answers, "recipe": {}, "several": []})
