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
from dashboard.views import publishing as words
from layers import KEYS, Draft, EditConflict, Fault, Kind, NotPermitted, Refused, StoreFault, Submission, Viewer


def publish_page(draft: Draft, *, given: Mapping | None = None, refused: Refused | None = None, **values):
    site = wizard.current()
    viewer = current_viewer()
    found = wizard.layers_of(draft, viewer)
    summary = []
    for header, title, report in found:
        before = site.reports.before(asking.layer_id(draft.answers, header), viewer)
        summary.append((title, asking.layer_id(draft.answers, header), report, before))
    read = words.how_read(found[0][2]) if found else ""
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
        draft, "publish", summary=summary, read=read, said=said, partner=partner, given=given, refused=refused,
        may_check=site.drafts.may_check(draft, viewer), appendable=appendable, audience=audience,
        updates=any(before.newest for *_, before in summary), viewer_name=viewer.user,
        colleagues=[(one.user, f"{one.user} ({one.role})") for one in site.drafts.colleagues(draft, viewer)],
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
    if draft.awaits_check:
        errors["check"] = "A colleague was asked to check it first; wait, or take the request back"
    return errors, at


def publish_now(draft: Draft, given: Mapping[str, str], at: datetime | None):
    site = wizard.current()
    viewer = current_viewer()
    expecting = draft.answers.get("expecting") or {}
    checked = {"checked_at": draft.checked_at.isoformat()} if draft.checked_by else {}
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
                checks=checks_of(report) | checked,
            )
        )
    try:
        done = site.store.publish_all(
            submissions,
            by=viewer,
            note=given["note"],
            at=at,
            checked_by=draft.checked_by,
            review_on=given["review_on"],
        )
    except StoreFault:
        raise  # the one page that says so
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
    drafts, viewer, form = wizard.current().drafts, current_viewer(), flask.request.form
    words_given = " ".join(form.get("check_words", "").split())[:500]
    whom = " ".join(form.get("asked_of", "").split())[:200]
    try:
        if action == "ask":
            draft = wizard.save(draft, {"publish": dict(given)})
            drafts.ask_check(draft.id, viewer, whom, words_given)
        elif action == "recall":
            drafts.recall_check(draft.id, viewer, wizard.revision_seen(draft))
        else:
            drafts.answer_check(draft.id, viewer, wizard.revision_seen(draft), good=action == "good", reply=words_given)
    except Refused:
        text = "Choose somebody who may check this layer" if whom else "Choose a colleague from the list"
        return publish_page(draft, given=given, errors={"asked_of": text}, status=422)
    except NotPermitted:
        errors = {"check": "Somebody else than who asked must check it"}
        return publish_page(draft, given=given, errors=errors, status=422)
    return wizard.go(draft, "publish")


def _moment(day: str, clock: str) -> datetime | None:
    """A day and a time as clocks in the United Kingdom show them, as an aware datetime; None for what is none."""
    from zoneinfo import ZoneInfo

    try:
        return datetime.fromisoformat(f"{day}T{clock or '07:00'}").replace(tzinfo=ZoneInfo("Europe/London"))
    except ValueError:
        return None
