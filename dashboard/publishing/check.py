"""Step “Check”: everything that is wrong with the file, by row and column, and as files to take away."""

from __future__ import annotations

import flask
import pandas as pd

from dashboard.auth.session import current_viewer
from dashboard.exports import Sheet, csv_text
from dashboard.publishing import wizard
from dashboard.views import publishing as words
from dashboard.views.wording import LEVEL_WORDS
from layers import LEVELS, Draft, EditConflict


def check_page(draft: Draft, **values):
    site = wizard.current()
    viewer = current_viewer()
    found = wizard.layers_of(draft, viewer)
    if any(report.questions for _, _, report in found):
        return wizard.go(draft, "columns")  # how the file is read is asked there
    shown = []
    for number, (_, title, report) in enumerate(found):
        faults = [fault for fault in report.faults if not (report.question and fault.rule == "vintage-unclear")]
        shown.append(
            {
                "number": number,
                "title": title,
                "report": report,
                "findings": words.findings(faults),
                "coverage": words.coverage_rows(report.coverage),
                "ok": report.ok,
                "read": words.how_read(report),
            }
        )
    question = next((report.geography for _, _, report in found if report.question), None)
    width, height, shapes = words.authority_shapes(site.published)
    return wizard.step_page(
        draft, "check", layers=shown, question=question, all_ok=all(report.ok for _, _, report in found),
        map_size=(width, height), map_shapes=shapes, level_words=LEVEL_WORDS, count_words=words.COUNT_WORDS, **values,
    )  # fmt: skip


def save_check(draft_id: str):
    viewer = current_viewer()
    draft, form = wizard.draft_of(draft_id), flask.request.form
    try:
        if "place" in form or form.get("action") == "place":
            level, _, year = form.get("place", "").partition(":")
            if level not in LEVELS or not year.isdigit():
                return check_page(draft, errors={"place": "Choose the year of the boundaries"}, status=422)
            done = [name for name in draft.answers.get("done", ()) if name not in ("check", "preview")]
            draft = wizard.save(draft, {"geography": {"level": level, "vintage": int(year)}, "done": done})
            return wizard.go(draft, "check")
        if form.get("action") == "later":
            return flask.redirect(wizard.HOME_PATH, 303)
        if not all(report.ok for _, _, report in wizard.layers_of(draft, viewer)):
            return check_page(draft, errors={"findings": "The errors below must be put right first"}, status=422)
        draft = wizard.save(draft, wizard.done_with(draft, "check", {}))
    except EditConflict as error:
        return check_page(error.draft, overtaken=error.draft, status=409)
    return wizard.go(draft, "preview")


def rejected(draft_id: str):
    _, _, report = wizard.one_layer(wizard.draft_of(draft_id), current_viewer())
    return wizard.download(report.rejected_csv(), "text/csv", "rows-kept-out.csv")


def all_findings(draft_id: str):
    _, _, report = wizard.one_layer(wizard.draft_of(draft_id), current_viewer())
    heads = ("severity", "rule", "row", "column", "value", "what", "what to do")
    lines = [
        [str(fault.severity), fault.rule, str(fault.row or ""), fault.column, str(fault.value), fault.what, fault.todo]
        for fault in report.faults
    ]
    sheet = Sheet(pd.DataFrame(lines, columns=heads), for_excel=True)
    return wizard.download(csv_text(sheet).encode(), "text/csv", "findings.csv")
