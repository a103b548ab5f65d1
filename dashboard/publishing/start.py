"""Where publishing begins: one's drafts, a file on its way in, and files to fill in."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import flask

from dashboard.auth.session import current_viewer
from dashboard.html import page
from dashboard.jobs import Waiting
from dashboard.publishing import answers as asking
from dashboard.publishing import templates
from dashboard.publishing.answers import STEP_TITLES
from dashboard.publishing.reports import Before
from dashboard.publishing.uploads import Received
from dashboard.publishing.wizard import HOME_PATH, current, draft_of, go, may_publish, next_step, title_of
from layers import Busy, Draft, EditConflict, Fault, NotFound, Refused, StoreFault, Viewer, may_change


def start_values(viewer: Viewer) -> dict[str, Any]:
    site = current()
    may = may_publish(viewer)
    mine = site.drafts.list(viewer) if may else ()
    layers = [layer for layer in site.store.layers(viewer) if may_change(layer.partner, viewer)] if may else []
    partner = site.region.partner(viewer.partner)
    listed = flask.request.args.get("published", "")
    return {
        "may": may,
        "drafts": [(draft, title_of(draft), STEP_TITLES[next_step(draft)], next_step(draft)) for draft in mine],
        "waiting": [draft.id for draft in mine if site.drafts.may_check(draft, viewer)],
        "layers": layers,
        "partner_name": partner.name if partner else viewer.partner,
        "chosen": flask.request.args.get("layer", ""),
        "cap": site.uploads.cap,
        "faults": (),
        "failed": "",
        "templates": templates.OFFERED,
        "done": [layer for layer in site.store.layers(viewer) if layer.id in listed.split(",")] if listed else [],
        "no_accounts": not viewer.signed_in and not site.store.accounts.has_users(),
        "partners": site.region.partners,
    }


def start_page(viewer: Viewer, *, status: int = 200, **more):
    values = start_values(viewer) | more
    return page(current().published, "publish/start.html", title="Publish", path=HOME_PATH, status=status, **values)


def start():
    return start_page(current_viewer())


def upload():
    return _take(None)


def upload_again(draft_id: str):
    return _take(draft_of(draft_id))


def _take(draft: Draft | None):
    """Receive a file, read it, and make it a draft or the new file of one. What cannot be read leaves an audit line only."""
    site, viewer = current(), current_viewer()
    wants_json = flask.request.headers.get("Accept", "").startswith("application/json")
    received = None
    try:
        if draft is None:
            site.drafts.check_room(viewer)  # again when it has arrived: others may have been quicker
        received = site.uploads.set_aside(site.uploads.receive(flask.request), viewer.user)
    except StoreFault:
        raise  # the one page that says so
    except Refused as error:
        return not_taken(error, None, viewer, wants_json)
    try:
        return _read(draft, received, viewer, wants_json)
    except Waiting as waiting:
        address = f"{HOME_PATH}/reading/{waiting.job.id}"
        return flask.jsonify(location=address) if wants_json else flask.redirect(address, 303)
    except Busy:
        received.path.unlink(missing_ok=True)
        raise


def reading(job_id: str):
    """How far the reading of a file is that has just come in; when it has been read, where that leads to."""
    site, viewer = current(), current_viewer()
    job = site.published.jobs.table.find(job_id)
    about = job.parameters
    if "upload" not in about or job.viewer.get("user") != viewer.user:
        raise NotFound("There is no such file.")
    path = site.uploads.set_aside_as(about["upload"])
    if path is None:  # it is a draft by now, or was refused
        return flask.redirect(HOME_PATH, 303)
    received = Received(path, about["filename"], about["size"], about["sha256"], {"layer": about["layer"]})
    draft = draft_of(about["draft"]) if about["draft"] else None
    return _read(draft, received, viewer, wants_json=False)


def _read(draft: Draft | None, received: Received, viewer: Viewer, wants_json: bool):
    """Read what was set aside, and make it a draft or the new file of one. Raises Waiting and Busy."""
    try:
        done = new_draft(received, viewer) if draft is None else other_file(draft, received, viewer)
    except StoreFault:
        raise  # the one page that says so
    except Refused as error:
        return not_taken(error, received, viewer, wants_json)
    except FileNotFoundError:  # the same page was open twice
        if received.path.exists():
            raise
        return flask.redirect(HOME_PATH, 303)
    except EditConflict:
        received.path.unlink(missing_ok=True)
        where = f"{HOME_PATH}/{draft.id}/check"
        return flask.jsonify(location=where) if wants_json else flask.redirect(where, 303)
    address = f"{HOME_PATH}/{done.id}/{next_step(done)}"
    return flask.jsonify(location=address) if wants_json else flask.redirect(address, 303)


def not_taken(error: Refused, received: Received | None, viewer: Viewer, wants_json: bool):
    """A file that is refused leaves an audit line only."""
    if received is not None:
        received.path.unlink(missing_ok=True)
    about = {"filename": received.filename, "sha256": received.sha256, "size": received.size} if received else {}
    rules = [{"rule": fault.rule, "what": fault.what[:300]} for fault in error.faults[:20]]
    current().store.note("upload-refused", by=viewer, detail={**about, "why": error.title, "faults": rules})
    return refused_upload(error, viewer, wants_json)


def new_draft(received: Received, viewer: Viewer) -> Draft:
    """A draft of a file that has just come in, for a new layer or for a new version of the one that the form names."""
    site, layer_id = current(), received.fields.get("layer", "")
    before, hints = Before(None, 0, None), {"filename": received.filename}
    if layer_id:
        before = site.reports.before(layer_id, viewer)
        if not before.newest or before.taken or before.package is None:
            fault = Fault("there is no such layer of yours", "layer", "choose another, or make a new layer")
            raise Refused("The file was not taken.", [fault])
        hints |= {**before.recipe, "kind": str(before.package.descriptor.kind)}
    report = read(received, hints, viewer, layer_id=layer_id)
    draft_id = site.drafts.new_id()
    with nothing_left_over(site):
        return site.drafts.add(
            by=viewer, filename=received.filename, size=received.size, file_sha256=received.sha256,
            answers=first_answers(report, before, layer_id, viewer), draft_id=draft_id,
            keep=lambda: site.uploads.keep(received, draft_id),
        )  # fmt: skip


def other_file(draft: Draft, received: Received, viewer: Viewer) -> Draft:
    """The draft with another file in place of the one it had; what was answered stays where it still fits."""
    site, answers = current(), dict(draft.answers)
    hints = asking.hints(answers, asking.wanted_layers(answers)[0], received.filename)
    if not answers.get("columns"):
        hints.pop("columns", None)
    headers = set(read(received, hints, viewer, draft_id=draft.id).headers)
    matched = [name for name in (answers.get("columns") or {}).values() if name]
    answers["done"] = [step for step in answers.get("done", ()) if step not in ("check", "preview")]
    if not headers.issuperset(matched + list(answers.get("several") or ())):  # another table: match its columns anew
        answers |= {"columns": {}, "several": [], "done": []}
    with nothing_left_over(site):
        done = site.drafts.change(
            draft.id, by=viewer, revision=draft.revision, answers=answers,
            file=(received.filename, received.size, received.sha256), keep=lambda: site.uploads.keep(received, draft.id),
        )  # fmt: skip
    site.drafts.settle(site.uploads.tidy)
    return done


@contextlib.contextmanager
def nothing_left_over(site):
    """A file that was put in place for a draft that could not be written goes again; where not even that can be done, the next
    housekeeping does it."""
    try:
        yield
    except StoreFault:
        with contextlib.suppress(StoreFault):
            site.drafts.settle(site.uploads.tidy)
        raise


def read(received: Received, hints: dict[str, Any], viewer: Viewer, *, layer_id: str = "", draft_id: str = ""):
    """The report on a file. Raises Refused when it could not be read at all, and Waiting while it is being read: what comes next
    is found in the job's parameters then."""
    next_ = {
        "filename": received.filename,
        "size": received.size,
        "sha256": received.sha256,
        "layer": layer_id,
        "draft": draft_id,
    }
    report = current().reports.of_upload(received, {"upload": received.path.name, "hints": hints, **next_}, viewer)
    if not report.format:
        raise Refused("The file was not taken.", list(report.faults))
    return report


def refused_upload(error: Refused, viewer: Viewer, wants_json: bool):
    if wants_json:
        faults = [{"what": fault.what, "todo": fault.todo, "row": fault.row} for fault in error.faults[:20]]
        return flask.jsonify(title=error.title, faults=faults), 422
    return start_page(viewer, status=422, faults=error.faults, failed=error.title)


def first_answers(report, before: Before, layer_id: str, viewer: Viewer) -> dict[str, Any]:
    site = current()
    descriptor = before.package.descriptor if before.package else None
    said = asking.prefill(report, descriptor, site.region, viewer.partner)
    if viewer.role != "admin":
        said["partner"] = viewer.partner
    answers: dict[str, Any] = {"kind": str(report.kind or ""), "said": said, "done": []}
    if before.recipe:
        answers["recipe"] = dict(before.recipe)
    if report.used.get("sheet") and "sheet" not in {question.key for question in report.questions}:
        answers["sheet"] = report.used["sheet"]  # the sheet that was read is the one that is shown and posted
    if layer_id:
        answers["layer"] = layer_id
        columns = {role: name for role, name in descriptor.columns.items() if name in report.headers}
        if columns:
            answers["columns"] = columns
    return answers


def template(name: str):
    site = current()
    found = templates.file(name, site.region)
    if found is None:
        flask.abort(404)
    data, mimetype = found
    return flask.send_file(io.BytesIO(data), mimetype=mimetype, as_attachment=True, download_name=name)


def resume(draft_id: str):
    draft = draft_of(draft_id)
    return go(draft, next_step(draft))


def discard(draft_id: str):
    site = current()
    site.drafts.remove(draft_id, by=current_viewer(), why="discarded")
    site.uploads.forget(draft_id)
    return flask.redirect(HOME_PATH, 303)
