"""Step “Publish”: a colleague's check, the date, and the act itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

import flask

from dashboard.auth.session import current_viewer
from dashboard.publishing import answers as asking
from dashboard.publishing import wizard
from dashboard.publishing.reports import checks_of
from layers import KEYS, Draft, EditConflict, Fault, Kind, NotPermitted, Refused, Submission, Viewer


def publish_page(draft: Draft, *, given: Mapping | None = None, refused: Refused | None = None, **values):
    site = wizard.current()
    viewer = current_viewer()
    found = wizard.layers_of(draft, viewer)
    check_state = draft.answers.get("check") or {}
    summary = []
    for header, title, report in found:
        before = site.reports.before(asking.layer_id(draft.answers, header), viewer)
        summary.append((title, asking.layer_id(draft.answers, header), report, before))
    said = draft.answers.get("said") or {}
    partner = site.region.partner(said.get("partner", ""))
    given = {**(draft.answers.get("publish") or {}), **(given or {})}
    appendable = any(
        before.layer is not None
        and report.kind == Kind.INDICATOR
        and set(before.layer.periods) - set(wizard.periods_of(report))
        for _, _, report, before in summary
    )
    audience = dict(KEYS["audience"].questions[0].options).get(said.get("audience", ""), "")
    return wizard.step_page(
        draft, "publish", summary=summary, said=said, partner=partner, given=given, refused=refused,
        check=check_state, checked=asking.checked_by_colleague(draft.answers), awaited=asking.check_is_awaited(draft.answers),
        may_check=bool(check_state.get("asked_by")) and check_state.get("asked_by") != viewer.user, appendable=appendable,
        audience=audience, updates=any(before.newest for *_, before in summary), viewer_name=viewer.user,
        colleagues=[
            (user.name, f"{user.name} ({'admin' if user.role == 'admin' else 'analyst'})")
            for user in site.store.accounts.colleagues(viewer, draft.partner)
        ],
        **values,
    )  # fmt: skip


def save_publish(draft_id: str):
    viewer = current_viewer()
    draft, form = wizard.draft_of(draft_id), flask.request.form
    names = ("note", "when", "date", "time", "review_on", "append")
    given = {name: form.get(name, "").strip()[:2000] for name in names}
    given["note"] = " ".join(given["note"].split())
    if wizard.quiet():
        return wizard.saved_quietly(draft, {"publish": given})
    if early := wizard.too_early(draft, "publish"):
        return early
    action = form.get("action", "publish")
    try:
        if action == "later":
            wizard.save(draft, {"publish": given})
            return flask.redirect(wizard.HOME_PATH, 303)
        if action in ("ask", "good", "back", "recall"):
            return colleague(draft, action, given)
        errors, at = publish_errors(draft, given, viewer)
        draft = wizard.save(draft, {"publish": given})
    except EditConflict as error:
        return publish_page(error.draft, given=given, overtaken=error.draft, status=409)
    if errors:
        return publish_page(draft, given=given, errors=errors, status=422)
    return publish_now(draft, given, at)


def publish_errors(draft: Draft, given: Mapping[str, str], viewer: Viewer) -> tuple[dict[str, str], datetime | None]:
    site = wizard.current()
    errors: dict[str, str] = {}
    at = None
    if not given["note"] and any(wizard.expecting_now(draft, viewer).values()):
        errors["note"] = "Say what changed, in a sentence"
    if given["when"] == "later":
        at = _moment(given["date"], given["time"])
        if at is None:
            errors["date"] = "Give the day and time, for example 1 June 2027 at 07:00"
        elif at <= site.store.now():
            errors["date"] = "The day and time must be in the future"
    if given["review_on"] and _moment(given["review_on"], "12:00") is None:
        errors["review_on"] = "Give the review date as a day"
    if asking.check_is_awaited(draft.answers):
        errors["check"] = "A colleague was asked to check it first; wait, or take the request back"
    return errors, at


def publish_now(draft: Draft, given: Mapping[str, str], at: datetime | None):
    site = wizard.current()
    viewer = current_viewer()
    expecting = draft.answers.get("expecting") or {}
    checked = asking.checked_by_colleague(draft.answers)
    found = wizard.layers_of(draft, viewer)
    if not all(report.ok for _, _, report in found):
        return wizard.go(draft, "check")
    submissions = []
    for header, _, report in found:
        layer_id = asking.layer_id(draft.answers, header)
        submissions.append(
            Submission(
                report.package,
                append=given["append"] == "yes" and bool(site.reports.before(layer_id, viewer).layer),
                expecting=int(expecting.get(layer_id, 0)),
                checks=checks_of(report) | ({"checked_at": checked["at"]} if checked else {}),
            )
        )
    try:
        done = site.store.publish_all(
            submissions,
            by=viewer,
            note=given["note"],
            at=at,
            checked_by=checked["by"] if checked else "",
            review_on=given["review_on"],
        )
    except Refused as error:
        return publish_page(draft, refused=error, status=409)
    except NotPermitted:
        fault = Fault("the identifier cannot be used", "", "choose another title or identifier under “Describe”")
        return publish_page(draft, refused=Refused("It was not published.", [fault]), status=409)
    site.drafts.remove(draft.id, by=viewer, why="published")
    site.uploads.forget(draft.id)
    if len(done) == 1:
        return flask.redirect(f"/catalogue/{quote(done[0].layer_id)}?published={done[0].version}", 303)
    return flask.redirect(f"{wizard.HOME_PATH}?published={quote(','.join(one.layer_id for one in done))}", 303)


def colleague(draft: Draft, action: str, given: Mapping[str, str]):
    """Ask a colleague to check; say that it is good; send it back; take the request back."""
    site = wizard.current()
    viewer, form = current_viewer(), flask.request.form
    now = site.store.now().isoformat()
    before = dict(draft.answers.get("check") or {})
    words_given = " ".join(form.get("check_words", "").split())[:500]
    if action == "ask":
        whom = " ".join(form.get("asked_of", "").split())[:200]
        if whom not in {user.name for user in site.store.accounts.colleagues(viewer, draft.partner)}:
            text = "Choose a colleague from the list" if not whom else "Choose somebody who may check this layer"
            return publish_page(draft, given=given, errors={"asked_of": text}, status=422)
        check = {"asked_of": whom, "asked_by": viewer.user, "asked_at": now, "words": words_given}
    elif action == "recall":
        check = {}
    elif before.get("asked_by") in (None, viewer.user):
        return publish_page(
            draft, given=given, errors={"check": "Somebody else than who asked must check it"}, status=422
        )
    else:
        mark = asking.fingerprint(draft.answers, draft.file_sha256)
        check = before | {
            "verdict": action, "by": viewer.user, "at": now, "reply": words_given, "fingerprint": mark,
        }  # fmt: skip
    changed = {"check": check, "publish": dict(given)} if action == "ask" else {"check": check}
    draft = wizard.save(draft, changed)
    told = {
        "ask": "draft-check-asked",
        "good": "draft-checked",
        "back": "draft-sent-back",
        "recall": "draft-check-recalled",
    }
    site.store.note(
        told[action],
        by=viewer,
        detail={"id": draft.id, "filename": draft.filename, "of": check.get("asked_of", "")},
    )
    return wizard.go(draft, "publish")


def _moment(day: str, clock: str) -> datetime | None:
    """A day and a time as clocks in the United Kingdom show them, as an aware datetime; None for what is none."""
    from zoneinfo import ZoneInfo

    try:
        return datetime.fromisoformat(f"{day}T{clock or '07:00'}").replace(tzinfo=ZoneInfo("Europe/London"))
    except ValueError:
        return None
