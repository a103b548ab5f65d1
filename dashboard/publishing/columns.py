"""Step “Columns”: which column of the file is which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import flask

from dashboard.auth.session import current_viewer
from dashboard.publishing import rows, wizard
from dashboard.views import publishing as words
from layers import Draft, EditConflict, roles_of

INDICATOR_ROLES = (
    ("area_code", "Area codes", "The official codes of small areas, wards or authorities"),
    ("value", "Value", "The number to map. May be left out when numerator and denominator are given"),
    ("numerator", "Numerator", "Events or people counted"),
    ("denominator", "Denominator", "What the count is divided by: residents, households …"),
    ("period", "Period", "Only when the file holds several periods"),
    ("lower", "Lower 95% limit", ""),
    ("upper", "Upper 95% limit", ""),
    ("flag", "Publisher's mark", "Notes such as [c] beside the value"),
)

SERVICE_ROLES = (
    ("name", "Name", ""),
    ("postcode", "Postcode", "Enough to place a service; no address leaves this server"),
    ("latitude", "Latitude", "Degrees, with longitude, instead of a postcode"),
    ("longitude", "Longitude", ""),
    ("easting", "Easting", "Metres on the British National Grid, with northing"),
    ("northing", "Northing", ""),
    ("category", "Kind of service", ""),
    ("address", "Address", ""),
    ("capacity", "Capacity", "How much it can offer: places, appointments"),
    ("opening_hours", "Opening hours", ""),
    ("eligibility", "Who may use it", ""),
    ("referral", "How people get there", "Self-referral, GP, court …"),
    ("organisation", "Organisation", ""),
    ("url", "Web page", ""),
    ("as_of", "True as of", ""),
    ("service_id", "Identifier", "Yours; it tells services apart from one version to the next"),
)


def columns(draft_id: str):
    return columns_page(wizard.draft_of(draft_id))


def columns_page(draft: Draft, *, answers: Mapping | None = None, **values):
    site = wizard.current()
    viewer = current_viewer()
    answers = {**draft.answers, **(answers or {})}
    plain = {**answers, "several": []}
    report = site.reports.report(draft, "", viewer, plain)
    asked = rows.open_questions(draft, answers)
    if asked:
        return rows.rows_page(
            draft, asked, **{name: values[name] for name in ("status", "overtaken") if name in values}
        )
    if flask.request.method == "GET" and "rows" in flask.request.args and (asked := rows.asked_again(draft)):
        return rows.rows_page(draft, asked, again=True)
    kind = str(report.kind)
    guesses = {guess.role: guess for guess in report.guesses}
    said = answers.get("columns") or {}
    roles = []
    for role, label, hint in INDICATOR_ROLES if kind == "indicator" else SERVICE_ROLES:
        guess = guesses.get(role)
        chosen = said.get(role, guess.header if guess else "")
        why = "" if guess is None or said.get(role) else guess.reason
        examples = (
            [cell for cell in report.sample[chosen].tolist() if str(cell).strip()][:3]
            if chosen in report.sample
            else []
        )
        roles.append((role, label, hint, chosen, why, bool(guess and guess.sure), ", ".join(map(str, examples))))
    main = {"area_code", "value", "numerator", "denominator", "period", "name", "postcode", "latitude", "longitude"}
    return wizard.step_page(
        draft, "columns", report=report, kind=kind, read=words.how_read(report),
        roles=[one for one in roles if one[0] in main or one[3]], more=[one for one in roles if not (one[0] in main or one[3])],
        several=answers.get("several") or [], sample=report.sample.head(5), **values,
    )  # fmt: skip


def save_columns(draft_id: str):
    draft, form = wizard.draft_of(draft_id), flask.request.form
    if form.get("action") == "rows":
        return rows.save_rows(draft)
    kind = form.get("kind") if form.get("kind") in ("indicator", "services") else draft.answers.get("kind", "")
    changed: dict[str, Any] = {"kind": kind}
    if form.get("sheet") is not None:
        changed["sheet"] = form["sheet"][:200]
    if (kind, changed.get("sheet", sheet_of(draft))) != (
        draft.answers.get("kind"),
        sheet_of(draft),
    ) and draft.answers.get("columns") != {}:
        changed |= {"columns": {}, "several": []}
        if changed.get("sheet", sheet_of(draft)) != sheet_of(draft):
            changed["recipe"] = {}  # another table: what was matched does not count
    elif kind == draft.answers.get("kind"):
        changed["columns"] = {
            role: form.get(f"role-{role}", "")[:200] for role in roles_of(kind) if f"role-{role}" in form
        }
        several = form.getlist("several") if kind == "indicator" else []
        changed["several"] = several if len(several) > 1 else []
    if form.get("decimal_comma") in ("yes", "no"):
        changed["decimal_comma"] = form["decimal_comma"] == "yes"
    if wizard.quiet():
        return wizard.saved_quietly(draft, changed)
    try:
        if form.get("action") == "reread" or changed.get("columns") == {}:
            draft = wizard.save(draft, {**changed, "done": []})
            return wizard.go(draft, "columns")
        errors = column_errors(changed)
        if errors:
            draft = wizard.save(draft, changed)
            return columns_page(draft, errors=errors, status=422)
        draft = wizard.save(draft, wizard.done_with(draft, "columns", changed))
    except EditConflict as error:
        return columns_page(error.draft, answers=changed, overtaken=error.draft, status=409)
    return wizard.go(draft, "describe") if form.get("action") != "later" else flask.redirect(wizard.HOME_PATH, 303)


def sheet_of(draft: Draft) -> str:
    """The sheet that was read, which is the one that is shown."""
    answers = draft.answers
    return answers.get("sheet") or (answers.get("recipe") or {}).get("sheet") or ""


def column_errors(changed: Mapping[str, Any]) -> dict[str, str]:
    columns = changed["columns"]
    errors: dict[str, str] = {}
    used: dict[str, str] = {}
    for role, header in columns.items():
        if header and header in used and not changed["several"]:
            errors[f"role-{role}"] = f"“{header}” is chosen twice; give each its own column"
        used[header] = role
    if changed["kind"] == "indicator":
        if not columns.get("area_code"):
            errors["role-area_code"] = "Choose the column with the area codes"
        if not (columns.get("value") or columns.get("numerator") or changed["several"]):
            errors["role-value"] = "Choose the column of the value, or those of numerator and denominator"
    elif not (
        columns.get("postcode")
        or (columns.get("latitude") and columns.get("longitude"))
        or (columns.get("easting") and columns.get("northing"))
    ):
        errors["role-postcode"] = "Choose a column of postcodes, or two of coordinates"
    return errors
