"""The wizard's addresses. Each page is GET, each change POST and then a redirect; ``/publish/<draft>/<step>`` can be left and
come back to at any time.

Who may: analysts for their own partner, admins for all. It is asked here so that pages can say so in words, and again by the
store, which decides.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

import flask
from werkzeug.exceptions import HTTPException

from dashboard.auth.session import current_viewer
from dashboard.html import page
from dashboard.published import Published
from dashboard.publishing import answers as asking
from dashboard.publishing import templates
from dashboard.publishing.answers import STEP_TITLES, STEPS
from dashboard.publishing.reports import Before, Reports, checks_of, parts, sites_of, values_of
from dashboard.publishing.uploads import Uploads
from dashboard.views import publishing as words
from dashboard.views.shapes import Shapes
from dashboard.views.table import safe_cell
from dashboard.views.trend import coming_trend, picture
from dashboard.views.wording import LEVEL_WORDS
from layers import (
    LEVELS,
    Draft,
    Drafts,
    Fault,
    Kind,
    NotFound,
    NotPermitted,
    Overtaken,
    Refused,
    Submission,
    Viewer,
    may_change,
    periods_in_order,
    roles_of,
)

HOME_PATH = "/publish"

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


def blueprint(published: Published, shapes: Shapes) -> flask.Blueprint:
    routes = flask.Blueprint("publishing", __name__, url_prefix=HOME_PATH)
    store, region = published.store, published.region
    drafts, uploads = Drafts(store), Uploads(published.home)
    reports = Reports(published, uploads)

    # ---- who, which ----------------------------------------------------------------------------------------------

    @routes.before_request
    def only_publishers():
        """Templates are for everybody; the front page says in words what is missing; the rest needs an account."""
        viewer, endpoint = current_viewer(), (flask.request.endpoint or "").rpartition(".")[2]
        if endpoint in ("template", "start"):
            return None
        if not viewer.signed_in:
            return flask.redirect(f"/sign-in?next={quote(flask.request.path)}", 303)
        if not may_publish(viewer):
            return page(
                published, "publish/start.html", title="Publish", path=HOME_PATH, status=403, **start_values(viewer)
            )
        return None

    @routes.errorhandler(NotFound)
    def no_draft(error: NotFound):
        return page(
            published, "message.html", title="Not found", path=HOME_PATH, status=404,
            heading="There is no such draft",
            lines=["It may have been published or discarded."],
            links=[("Your drafts", HOME_PATH)],
        )  # fmt: skip

    # ---- start and upload ----------------------------------------------------------------------------------------

    def start_values(viewer: Viewer, **more) -> dict[str, Any]:
        may = may_publish(viewer)
        mine = drafts.list(viewer) if may else ()
        layers = [layer for layer in store.layers(viewer) if may_change(layer.partner, viewer)] if may else []
        partner = region.partner(viewer.partner)
        listed = flask.request.args.get("published", "")
        return {
            "may": may,
            "drafts": [(draft, title_of(draft), STEP_TITLES[next_step(draft)], next_step(draft)) for draft in mine],
            "waiting": [d.id for d in mine if asking.check_is_awaited(d.answers) and _asked(d, viewer)],
            "layers": layers,
            "partner_name": partner.name if partner else viewer.partner,
            "chosen": flask.request.args.get("layer", ""),
            "cap": uploads.cap,
            "faults": (),
            "failed": "",
            "templates": templates.OFFERED,
            "done": [layer for layer in store.layers(viewer) if layer.id in listed.split(",")] if listed else [],
            "no_accounts": not viewer.signed_in and not store.accounts.has_users(),
            "partners": region.partners,
        } | more

    @routes.get("")
    def start():
        return page(published, "publish/start.html", title="Publish", path=HOME_PATH, **start_values(current_viewer()))

    @routes.post("/upload")
    def upload():
        return _take(None)

    @routes.post("/<draft_id>/upload")
    def upload_again(draft_id: str):
        return _take(drafts.get(draft_id, current_viewer()))

    def _take(draft: Draft | None):
        """Receive a file, read it, and make it a draft or the new file of one. What cannot be read leaves an audit line only."""
        viewer = current_viewer()
        wants_json = flask.request.headers.get("Accept", "").startswith("application/json")
        received = None
        try:
            if draft is None:
                mine = drafts.list(viewer)
                if len(mine) >= 50 or sum(one.size for one in mine) > 1 << 30:
                    fault = Fault(
                        "your open drafts take up all the room there is", "", "publish or discard some", rule="quota"
                    )
                    raise Refused("The file was not taken.", [fault])
            received = uploads.receive(flask.request)
            layer_id = received.fields.get("layer", "") if draft is None else draft.answers.get("layer", "")
            answers, done = (dict(draft.answers), None) if draft else ({}, None)
            before = Before(None, 0, None)
            if layer_id and draft is None:
                before = reports.before(layer_id, viewer)
                if not before.newest or before.taken or before.package is None:
                    fault = Fault("there is no such layer of yours", "layer", "choose another, or make a new layer")
                    raise Refused("The file was not taken.", [fault])
            hints = {"filename": received.filename}
            if draft is not None:
                hints = asking.hints(answers, asking.wanted_layers(answers)[0], received.filename)
                hints.pop("columns", None) if not answers.get("columns") else None
            elif before.package is not None:
                hints["kind"] = str(before.package.descriptor.kind)
            report = reports.inspect(received.path, hints)
            if not report.format:  # it could not be read at all
                raise Refused("The file was not taken.", list(report.faults))
            if draft is None:
                answers = first_answers(report, before, layer_id, viewer)
                draft_id = drafts.new_id()
                uploads.keep(received, draft_id)
                done = drafts.add(
                    by=viewer, filename=received.filename, size=received.size, file_sha256=received.sha256,
                    answers=answers, draft_id=draft_id,
                )  # fmt: skip
            else:
                answers = {
                    **answers,
                    "done": [step for step in answers.get("done", ()) if step not in ("check", "preview")],
                }
                headers = set(report.headers)
                if any(name and name not in headers for name in (answers.get("columns") or {}).values()) or any(
                    name not in headers for name in answers.get("several") or ()
                ):  # another table: match its columns anew
                    answers = {**answers, "columns": {}, "several": [], "done": []}
                uploads.keep(received, draft.id)
                done = drafts.change(
                    draft.id, by=viewer, revision=draft.revision, answers=asking.without_stale_check(answers, received.sha256),
                    file=(received.filename, received.size, received.sha256),
                )  # fmt: skip
                uploads.forget(draft.id, but=received.sha256)
        except Refused as error:
            if received is not None:
                received.path.unlink(missing_ok=True)
            about = (
                {"filename": received.filename, "sha256": received.sha256, "size": received.size} if received else {}
            )
            rules = [{"rule": fault.rule, "what": fault.what[:300]} for fault in error.faults[:20]]
            store.note("upload-refused", by=viewer, detail={**about, "why": error.title, "faults": rules})
            return refused_upload(error, draft, viewer, wants_json)
        except Overtaken:
            received.path.unlink(missing_ok=True)
            where = f"{HOME_PATH}/{draft.id}/check"
            return flask.jsonify(location=where) if wants_json else flask.redirect(where, 303)
        address = f"{HOME_PATH}/{done.id}/{next_step(done)}"
        return flask.jsonify(location=address) if wants_json else flask.redirect(address, 303)

    def refused_upload(error: Refused, draft: Draft | None, viewer: Viewer, wants_json: bool):
        if wants_json:
            faults = [{"what": fault.what, "todo": fault.todo, "row": fault.row} for fault in error.faults[:20]]
            return flask.jsonify(title=error.title, faults=faults), 422
        values = start_values(viewer, faults=error.faults, failed=error.title)
        return page(published, "publish/start.html", title="Publish", path=HOME_PATH, status=422, **values)

    def first_answers(report, before: Before, layer_id: str, viewer: Viewer) -> dict[str, Any]:
        descriptor = before.package.descriptor if before.package else None
        said = asking.prefill(report, descriptor, region, viewer.partner)
        if viewer.role != "admin":
            said["partner"] = viewer.partner
        answers: dict[str, Any] = {"kind": str(report.kind or ""), "said": said, "done": []}
        if layer_id:
            answers["layer"] = layer_id
            columns = {role: name for role, name in descriptor.columns.items() if name in report.headers}
            if columns:
                answers["columns"] = columns
        return answers

    @routes.get("/templates/<name>")
    def template(name: str):
        found = templates.file(name, region)
        if found is None:
            flask.abort(404)
        data, mimetype = found
        return flask.send_file(io.BytesIO(data), mimetype=mimetype, as_attachment=True, download_name=name)

    # ---- one step ------------------------------------------------------------------------------------------------

    def title_of(draft: Draft) -> str:
        said = draft.answers.get("said") or {}
        return said.get("title") or draft.filename

    def step_page(draft: Draft, step: str, *, status: int = 200, **values):
        viewer = current_viewer()
        reached = next_step(draft)
        steps = [
            (
                name,
                STEP_TITLES[name],
                "here" if name == step else "open" if STEPS.index(name) <= STEPS.index(reached) else "",
            )
            for name in STEPS
        ]
        values = {"errors": {}, "notice": "", "overtaken": None} | values
        problem = "Problem: " if values["errors"] else ""
        return page(
            published, f"publish/{step}.html", title=f"{problem}{STEP_TITLES[step]}", path=HOME_PATH, status=status,
            draft=draft, answers=draft.answers, step=step, steps=steps, number=STEPS.index(step) + 2, of=len(STEPS) + 1,
            back=f"{HOME_PATH}/{draft.id}/{STEPS[STEPS.index(step) - 1]}" if step != STEPS[0] else HOME_PATH,
            heading=STEP_TITLES[step], name=title_of(draft), mine=draft.made_by == viewer.user, **values,
        )  # fmt: skip

    def go(draft: Draft, step: str, **query: str):
        tail = "?" + "&".join(f"{key}={quote(str(value))}" for key, value in query.items()) if query else ""
        return flask.redirect(f"{HOME_PATH}/{draft.id}/{step}{tail}", 303)

    def save(draft: Draft, changed: Mapping[str, Any]) -> Draft:
        """Write answers that were given on the page of revision ``form.revision``."""
        given = flask.request.form.get("revision", "")
        revision = int(given) if given.isascii() and given.isdigit() and len(given) < 10 else draft.revision
        answers = {**draft.answers, **changed}
        return drafts.change(
            draft.id,
            by=current_viewer(),
            revision=revision,
            answers=asking.without_stale_check(answers, draft.file_sha256),
        )

    def done_with(draft: Draft, step: str, changed: Mapping[str, Any]) -> dict[str, Any]:
        """The changes, with this step done and those that build on it to be looked at again where anything changed."""
        done = list(draft.answers.get("done", ()))
        if any(draft.answers.get(key) != value for key, value in changed.items()):
            later = STEPS[STEPS.index(step) :]
            done = [name for name in done if name not in later or name == "describe"]
        if step not in done:
            done.append(step)
        return {**changed, "done": done}

    def too_early(draft: Draft, step: str):
        reached = next_step(draft)
        return go(draft, reached) if STEPS.index(step) > STEPS.index(reached) else None

    def saved_quietly(draft: Draft, changed: Mapping[str, Any]):
        """The answer to the page's own saving while somebody types."""
        try:
            saved = save(draft, changed)
        except Overtaken as error:
            return flask.jsonify(message=str(error), revision=error.draft.revision), 409
        return flask.jsonify(revision=saved.revision)

    def quiet() -> bool:
        return "X-Autosave" in flask.request.headers

    # ---- columns -------------------------------------------------------------------------------------------------

    @routes.get("/<draft_id>/columns")
    def columns(draft_id: str):
        return columns_page(drafts.get(draft_id, current_viewer()))

    def columns_page(draft: Draft, *, answers: Mapping | None = None, **values):
        viewer = current_viewer()
        answers = {**draft.answers, **(answers or {})}
        plain = {**answers, "several": []}
        report = reports.report(draft, "", viewer, plain)
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
        return step_page(
            draft, "columns", report=report, kind=kind,
            roles=[one for one in roles if one[0] in main or one[3]], more=[one for one in roles if not (one[0] in main or one[3])],
            several=answers.get("several") or [], sample=report.sample.head(5), **values,
        )  # fmt: skip

    @routes.post("/<draft_id>/columns")
    def save_columns(draft_id: str):
        viewer = current_viewer()
        draft, form = drafts.get(draft_id, viewer), flask.request.form
        kind = form.get("kind") if form.get("kind") in ("indicator", "services") else draft.answers.get("kind", "")
        changed: dict[str, Any] = {"kind": kind}
        if form.get("sheet") is not None:
            changed["sheet"] = form["sheet"][:200]
        if (kind, changed.get("sheet", draft.answers.get("sheet", ""))) != (
            draft.answers.get("kind"), draft.answers.get("sheet", ""),
        ) and draft.answers.get("columns") != {}:  # fmt: skip
            changed |= {"columns": {}, "several": []}  # another table: what was matched does not count
        elif kind == draft.answers.get("kind"):
            changed["columns"] = {
                role: form.get(f"role-{role}", "")[:200] for role in roles_of(kind) if f"role-{role}" in form
            }
            several = form.getlist("several") if kind == "indicator" else []
            changed["several"] = several if len(several) > 1 else []
        if form.get("decimal_comma") in ("yes", "no"):
            changed["decimal_comma"] = form["decimal_comma"] == "yes"
        if quiet():
            return saved_quietly(draft, changed)
        try:
            if form.get("action") == "reread" or changed.get("columns") == {}:
                draft = save(draft, {**changed, "done": []})
                return go(draft, "columns")
            errors = column_errors(draft, changed, viewer)
            if errors:
                draft = save(draft, changed)
                return columns_page(draft, errors=errors, status=422)
            draft = save(draft, done_with(draft, "columns", changed))
        except Overtaken as error:
            return columns_page(error.draft, answers=changed, overtaken=error.draft, status=409)
        return go(draft, "describe") if form.get("action") != "later" else flask.redirect(HOME_PATH, 303)

    def column_errors(draft: Draft, changed: Mapping[str, Any], viewer: Viewer) -> dict[str, str]:
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

    # ---- describe ------------------------------------------------------------------------------------------------

    def asked_of(draft: Draft):
        kind = draft.answers.get("kind") or "indicator"
        return asking.questions(region, kind, has_period=bool((draft.answers.get("columns") or {}).get("period")))

    @routes.get("/<draft_id>/describe")
    def describe(draft_id: str):
        draft = drafts.get(draft_id, current_viewer())
        return too_early(draft, "describe") or describe_page(draft)

    def describe_page(draft: Draft, *, said: Mapping | None = None, each: Mapping | None = None, **values):
        viewer = current_viewer()
        several = draft.answers.get("several") or []
        said = {**(draft.answers.get("said") or {}), **(said or {})}
        each = each if each is not None else draft.answers.get("each") or {}
        asked = asked_of(draft)
        shared = [one for one in asked if not (several and one.own)]
        groups: dict[str, list] = {}
        for one in shared:
            groups.setdefault(one.group, []).append(one)
        own = [one for one in asked if one.own] if several else []
        columns = []
        for number, header in enumerate(several):
            given = {"title": header, "measure": words_guess(header), **(each.get(header) or {})}
            columns.append((number, header, given))
        partners = [(partner.id, partner.name) for partner in region.partners if may_change(partner.id, viewer)]
        return step_page(
            draft, "describe", groups=groups, own=own, columns=columns, said=said, partners=partners,
            id_shown=said.get("id", ""), fixed_id=draft.answers.get("layer", ""),
            shown_id=asking.layer_id({**draft.answers, "said": said}, ""), **values,
        )  # fmt: skip

    @routes.post("/<draft_id>/describe")
    def save_description(draft_id: str):
        viewer = current_viewer()
        draft, form = drafts.get(draft_id, viewer), flask.request.form
        several, asked = draft.answers.get("several") or [], asked_of(draft)
        said = {**(draft.answers.get("said") or {})}
        said |= asking.read_form(tuple(one for one in asked if not (several and one.own)), form)
        if "id" in form:
            said["id"] = form["id"].strip()[:100]
        said["partner"] = viewer.partner
        if viewer.role == "admin":
            chosen = form.get("partner") or (draft.answers.get("said") or {}).get("partner") or viewer.partner
            said["partner"] = chosen if region.partner(chosen) else viewer.partner
        own = tuple(one for one in asked if one.own)
        each = {header: asking.read_form(own, form, f"each-{n}-") for n, header in enumerate(several)}
        changed = {"said": said, "each": each} if several else {"said": said}
        if quiet():
            return saved_quietly(draft, changed)
        errors = asking.problems(tuple(one for one in asked if not (several and one.own)), said)
        for number, header in enumerate(several):
            found = asking.problems(own, each[header])
            errors |= {f"each-{number}-{name}": f"{header}: {text}" for name, text in found.items()}
        errors |= id_errors(draft, {**draft.answers, **changed}, viewer)
        try:
            if form.get("action") == "later":
                save(draft, changed)
                return flask.redirect(HOME_PATH, 303)
            if errors:
                draft = save(draft, {**changed, "done": [s for s in draft.answers.get("done", ()) if s == "columns"]})
                return describe_page(draft, errors=errors, status=422)
            draft = save(draft, done_with(draft, "describe", changed))
        except Overtaken as error:
            return describe_page(error.draft, said=said, each=each, overtaken=error.draft, errors={}, status=409)
        return go(draft, "check")

    def id_errors(draft: Draft, answers: Mapping[str, Any], viewer: Viewer) -> dict[str, str]:
        """Two layers of one draft with one id, an id that is none, or one that somebody else has."""
        errors: dict[str, str] = {}
        seen: dict[str, str] = {}
        for number, header in enumerate(asking.wanted_layers(answers)):
            field = f"each-{number}-title" if header else "id"
            layer_id = asking.layer_id(answers, header)
            if layer_id in seen:
                errors[field] = f"{header}: another column has the same title; give each its own"
            seen[layer_id] = header
            wanted = "" if header or answers.get("layer") else answers["said"].get("id", "")
            if wanted and not re.fullmatch(r"[a-z0-9][a-z0-9-]*", wanted):
                errors[field] = "The identifier may hold small letters, digits and hyphens"
                continue
            before = reports.before(layer_id, viewer)
            if before.taken:
                errors[field] = f"The identifier {layer_id} cannot be used; choose another title or identifier"
            elif before.newest and answers.get("layer") != layer_id:
                errors[field] = (
                    f"There is already a layer {layer_id}; choose another title, or begin with “a new version of” that layer"
                )
        return errors

    # ---- check ---------------------------------------------------------------------------------------------------

    @routes.get("/<draft_id>/check")
    def check(draft_id: str):
        draft = drafts.get(draft_id, current_viewer())
        return too_early(draft, "check") or check_page(draft)

    def layers_of(draft: Draft, viewer: Viewer) -> list[tuple[str, str, Any]]:
        out = []
        for header in asking.wanted_layers(draft.answers):
            said = asking.said_of(draft.answers, header)
            out.append((header, said.get("title") or header or draft.filename, reports.report(draft, header, viewer)))
        return out

    def check_page(draft: Draft, **values):
        viewer = current_viewer()
        found = layers_of(draft, viewer)
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
                }
            )
        question = next((report.geography for _, _, report in found if report.question), None)
        width, height, shapes = words.authority_shapes(published)
        return step_page(
            draft, "check", layers=shown, question=question, all_ok=all(report.ok for _, _, report in found),
            map_size=(width, height), map_shapes=shapes, level_words=LEVEL_WORDS, count_words=words.COUNT_WORDS, **values,
        )  # fmt: skip

    @routes.post("/<draft_id>/check")
    def save_check(draft_id: str):
        viewer = current_viewer()
        draft, form = drafts.get(draft_id, viewer), flask.request.form
        try:
            if "place" in form or form.get("action") == "place":
                level, _, year = form.get("place", "").partition(":")
                if level not in LEVELS or not year.isdigit():
                    return check_page(draft, errors={"place": "Choose the year of the boundaries"}, status=422)
                done = [name for name in draft.answers.get("done", ()) if name not in ("check", "preview")]
                draft = save(draft, {"geography": {"level": level, "vintage": int(year)}, "done": done})
                return go(draft, "check")
            if form.get("action") == "later":
                return flask.redirect(HOME_PATH, 303)
            if not all(report.ok for _, _, report in layers_of(draft, viewer)):
                return check_page(draft, errors={"findings": "The errors below must be put right first"}, status=422)
            draft = save(draft, done_with(draft, "check", {}))
        except Overtaken as error:
            return check_page(error.draft, overtaken=error.draft, status=409)
        return go(draft, "preview")

    def one_layer(draft: Draft, viewer: Viewer):
        headers = asking.wanted_layers(draft.answers)
        number = flask.request.args.get("layer", "0")
        at = int(number) if number.isascii() and number.isdigit() and int(number) < len(headers) else 0
        return at, headers[at], reports.report(draft, headers[at], viewer)

    @routes.get("/<draft_id>/rejected.csv")
    def rejected(draft_id: str):
        viewer = current_viewer()
        _, _, report = one_layer(drafts.get(draft_id, viewer), viewer)
        return download(report.rejected_csv(), "text/csv", "rows-kept-out.csv")

    @routes.get("/<draft_id>/findings.csv")
    def all_findings(draft_id: str):
        viewer = current_viewer()
        _, _, report = one_layer(drafts.get(draft_id, viewer), viewer)
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(["severity", "rule", "row", "column", "value", "what", "what to do"])
        for fault in report.faults:
            line = [fault.severity, fault.rule, fault.row or "", fault.column, fault.value, fault.what, fault.todo]
            writer.writerow([safe_cell(cell) if isinstance(cell, str) else cell for cell in line])
        return download(b"\xef\xbb\xbf" + out.getvalue().encode(), "text/csv", "findings.csv")

    # ---- preview -------------------------------------------------------------------------------------------------

    @routes.get("/<draft_id>/preview")
    def preview(draft_id: str):
        draft = drafts.get(draft_id, current_viewer())
        return too_early(draft, "preview") or preview_page(draft)

    def preview_page(draft: Draft, **values):
        viewer = current_viewer()
        number, header, report = one_layer(draft, viewer)
        titles = [title for _, title, _ in layers_of(draft, viewer)]
        before = reports.before(asking.layer_id(draft.answers, header), viewer)
        common = {
            "report": report,
            "titles": titles,
            "number_of": number,
            "before": before,
            "expecting": expecting_now(draft, viewer),
            "level": "",
            "period": "",
            "levels": [],
            "periods": [],
            "outlines": "",
            "context": f"/data/shapes/{shapes.outlines('context').url_name}" if region.context is not None else "",
            "names": "",
            "sentences": [],
            "reason": "",
            "line": None,
            "kept_periods": (),
            "not_kept": "",
        }
        kept, not_kept = (), ""
        try:
            prepared = reports.prepared(report)
            own_periods = periods_in_order(_periods(report))
            if others := kept_periods(draft, report, before):
                try:
                    prepared, kept = reports.prepared_appended(report, viewer, before), others
                except (Refused, NotPermitted) as error:
                    not_kept = "; ".join(map(str, getattr(error, "faults", ()))) or str(error)
        except Refused as error:
            return step_page(draft, "preview", **common, both=None, refused=error, **values)
        common |= {"refused": None, "kept_periods": kept, "not_kept": not_kept}
        old_label = f"Now: version {before.layer.version}" if before.layer is not None else ""
        if report.kind == Kind.SERVICES:
            old = store.services(before.layer.id, viewer) if before.layer is not None else None
            both = words.sites_side_by_side(published, sites_of(prepared), old, "As it would be", old_label)
            level = "lad"
        else:
            available = parts(prepared)
            levels = [level for level in LEVELS if any(at == level for at, _ in available)]
            level = flask.request.args.get("level", "")
            level = level if level in levels else levels[0]
            periods = periods_in_order(period for at, period in available if at == level)
            period = flask.request.args.get("period", "")
            newest = next((one for one in reversed(own_periods) if one in periods), periods[-1])
            period = period if period in periods else newest
            old, note = None, ""
            if before.layer is not None and before.layer.kind == Kind.INDICATOR:
                shared = period if (level, period) in before.layer.parts else None
                was = store.values(before.layer.id, level, viewer, period=shared)
                old, note = was.frame, was.reason
                old_label += f", {was.period}" if was.period else ""
            both = words.side_by_side(
                published, level, values_of(prepared, level, period), old,
                unit=report.package.descriptor.unit, decimals=report.package.descriptor.decimals,
                label_after=f"As it would be{', ' + period if period else ''}", label_before=old_label, note_before=note,
            )  # fmt: skip
            common |= {
                "period": period,
                "levels": [(name, LEVEL_WORDS[name][1]) for name in levels],
                "periods": periods,
                "sentences": list(prepared.report.get("sentences", ())),
                "line": line_of(prepared, before, viewer),
                "reason": "; ".join(
                    f"{LEVEL_WORDS[name][1].capitalize()}: {why}" for name, why in prepared.summary["reasons"].items()
                ),
            }
        common |= {
            "level": level,
            "outlines": f"/data/shapes/{shapes.outlines(level).url_name}",
            "names": f"/data/shapes/{shapes.names(level).url_name}",
        }
        return step_page(draft, "preview", **common, both=both, **values)

    def kept_periods(draft: Draft, report, before: Before) -> tuple[str, ...]:
        """The periods that are published already, are not in the file, and are to stay."""
        given = draft.answers.get("publish") or {}
        if report.kind != Kind.INDICATOR or before.layer is None or given.get("append", "yes") != "yes":
            return ()
        own = set(_periods(report))
        return tuple(period for period in before.layer.periods if period not in own)

    def line_of(prepared, before: Before, viewer: Viewer):
        """The picture from period to period as it would be, with the line it is of; None for a single period."""
        shown = before.layer if before.layer is not None and before.layer.kind == Kind.INDICATOR else None
        history = store.history(shown.id, viewer) if shown is not None else ()
        line = coming_trend(published, prepared, shown, history, viewer)
        return (line, picture(line, prepared.descriptor.measure)) if line else None

    def expecting_now(draft: Draft, viewer: Viewer) -> dict[str, int]:
        ids = [asking.layer_id(draft.answers, header) for header in asking.wanted_layers(draft.answers)]
        return {layer_id: reports.before(layer_id, viewer).newest for layer_id in ids}

    @routes.post("/<draft_id>/preview")
    def save_preview(draft_id: str):
        viewer = current_viewer()
        draft, form = drafts.get(draft_id, viewer), flask.request.form
        if form.get("action") == "later":
            return flask.redirect(HOME_PATH, 303)
        ids = list(expecting_now(draft, viewer))
        seen = {}
        for layer_id, given in zip(ids, form.getlist("expecting"), strict=False):
            seen[layer_id] = int(given) if given.isascii() and given.isdigit() and len(given) < 9 else 0
        try:
            draft = save(draft, {**done_with(draft, "preview", {}), "expecting": seen})
        except Overtaken as error:
            return preview_page(error.draft, overtaken=error.draft, status=409)
        return go(draft, "publish")

    # ---- publish -------------------------------------------------------------------------------------------------

    @routes.get("/<draft_id>/publish")
    def publish(draft_id: str):
        draft = drafts.get(draft_id, current_viewer())
        return too_early(draft, "publish") or publish_page(draft)

    def publish_page(draft: Draft, *, given: Mapping | None = None, refused: Refused | None = None, **values):
        viewer = current_viewer()
        found = layers_of(draft, viewer)
        check_state = draft.answers.get("check") or {}
        summary = []
        for header, title, report in found:
            before = reports.before(asking.layer_id(draft.answers, header), viewer)
            summary.append((title, asking.layer_id(draft.answers, header), report, before))
        said = draft.answers.get("said") or {}
        partner = region.partner(said.get("partner", ""))
        given = {**(draft.answers.get("publish") or {}), **(given or {})}
        appendable = any(
            before.layer is not None
            and report.kind == Kind.INDICATOR
            and set(before.layer.periods) - set(_periods(report))
            for _, _, report, before in summary
        )
        audience = dict(asking.AUDIENCES).get(said.get("audience", ""), "")
        return step_page(
            draft, "publish", summary=summary, said=said, partner=partner, given=given, refused=refused,
            check=check_state, checked=asking.checked_by_colleague(draft.answers), awaited=asking.check_is_awaited(draft.answers),
            may_check=bool(check_state.get("asked_by")) and check_state.get("asked_by") != viewer.user, appendable=appendable,
            audience=audience, updates=any(before.newest for *_, before in summary), viewer_name=viewer.user,
            colleagues=[
                (user.name, f"{user.name} ({'admin' if user.role == 'admin' else 'analyst'})")
                for user in store.accounts.colleagues(viewer, draft.partner)
            ],
            **values,
        )  # fmt: skip

    @routes.post("/<draft_id>/publish")
    def save_publish(draft_id: str):
        viewer = current_viewer()
        draft, form = drafts.get(draft_id, viewer), flask.request.form
        names = ("note", "when", "date", "time", "review_on", "append")
        given = {name: form.get(name, "").strip()[:2000] for name in names}
        given["note"] = " ".join(given["note"].split())
        if quiet():
            return saved_quietly(draft, {"publish": given})
        if early := too_early(draft, "publish"):
            return early
        action = form.get("action", "publish")
        try:
            if action == "later":
                save(draft, {"publish": given})
                return flask.redirect(HOME_PATH, 303)
            if action in ("ask", "good", "back", "recall"):
                return colleague(draft, action, given)
            errors, at = publish_errors(draft, given, viewer)
            draft = save(draft, {"publish": given})
        except Overtaken as error:
            return publish_page(error.draft, given=given, overtaken=error.draft, status=409)
        if errors:
            return publish_page(draft, given=given, errors=errors, status=422)
        return publish_now(draft, given, at)

    def publish_errors(
        draft: Draft, given: Mapping[str, str], viewer: Viewer
    ) -> tuple[dict[str, str], datetime | None]:
        errors: dict[str, str] = {}
        at = None
        if not given["note"] and any(expecting_now(draft, viewer).values()):
            errors["note"] = "Say what changed, in a sentence"
        if given["when"] == "later":
            at = _moment(given["date"], given["time"])
            if at is None:
                errors["date"] = "Give the day and time, for example 1 June 2027 at 07:00"
            elif at <= store.now():
                errors["date"] = "The day and time must be in the future"
        if given["review_on"] and _moment(given["review_on"], "12:00") is None:
            errors["review_on"] = "Give the review date as a day"
        if asking.check_is_awaited(draft.answers):
            errors["check"] = "A colleague was asked to check it first; wait, or take the request back"
        return errors, at

    def publish_now(draft: Draft, given: Mapping[str, str], at: datetime | None):
        viewer = current_viewer()
        expecting = draft.answers.get("expecting") or {}
        checked = asking.checked_by_colleague(draft.answers)
        found = layers_of(draft, viewer)
        if not all(report.ok for _, _, report in found):
            return go(draft, "check")
        submissions = []
        for header, _, report in found:
            layer_id = asking.layer_id(draft.answers, header)
            submissions.append(
                Submission(
                    report.package,
                    append=given["append"] == "yes" and bool(reports.before(layer_id, viewer).layer),
                    expecting=int(expecting.get(layer_id, 0)),
                    checks=checks_of(report) | ({"checked_at": checked["at"]} if checked else {}),
                )
            )
        try:
            done = store.publish_all(
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
        drafts.remove(draft.id, by=viewer, why="published")
        uploads.forget(draft.id)
        if len(done) == 1:
            return flask.redirect(f"/catalogue/{quote(done[0].layer_id)}?published={done[0].version}", 303)
        return flask.redirect(f"{HOME_PATH}?published={quote(','.join(one.layer_id for one in done))}", 303)

    def colleague(draft: Draft, action: str, given: Mapping[str, str]):
        """Ask a colleague to check; say that it is good; send it back; take the request back."""
        viewer, form = current_viewer(), flask.request.form
        now = store.now().isoformat()
        before = dict(draft.answers.get("check") or {})
        words_given = " ".join(form.get("check_words", "").split())[:500]
        if action == "ask":
            whom = " ".join(form.get("asked_of", "").split())[:200]
            if whom not in {user.name for user in store.accounts.colleagues(viewer, draft.partner)}:
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
        draft = save(draft, changed)
        told = {
            "ask": "draft-check-asked",
            "good": "draft-checked",
            "back": "draft-sent-back",
            "recall": "draft-check-recalled",
        }
        store.note(
            told[action],
            by=viewer,
            detail={"id": draft.id, "filename": draft.filename, "of": check.get("asked_of", "")},
        )
        return go(draft, "publish")

    @routes.post("/<draft_id>/discard")
    def discard(draft_id: str):
        drafts.remove(draft_id, by=current_viewer(), why="discarded")
        uploads.forget(draft_id)
        return flask.redirect(HOME_PATH, 303)

    @routes.get("/<draft_id>")
    def resume(draft_id: str):
        draft = drafts.get(draft_id, current_viewer())
        return go(draft, next_step(draft))

    @routes.errorhandler(HTTPException)
    def plain_error(error: HTTPException):
        return page(
            published, "message.html", title="Not found" if error.code == 404 else "Problem", path=HOME_PATH,
            status=error.code or 500, heading="This did not work", lines=[error.description or ""],
            links=[("Back to publishing", HOME_PATH)],
        )  # fmt: skip

    return routes


# ---------------------------------------------------------------- small things


def may_publish(viewer: Viewer) -> bool:
    return viewer.signed_in and viewer.role in ("analyst", "admin")


def next_step(draft: Draft) -> str:
    """The first step that is not done."""
    done = draft.answers.get("done", ())
    return next((step for step in STEPS if step not in done), STEPS[-1])


def words_guess(header: str) -> str:
    text = header.casefold()
    return "percentage" if "%" in text or "percent" in text else "rate" if "rate" in text or " per " in text else ""


def download(data: bytes, mimetype: str, name: str) -> flask.Response:
    response = flask.Response(data, mimetype=mimetype)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _asked(draft: Draft, viewer: Viewer) -> bool:
    return (draft.answers.get("check") or {}).get("asked_by") != viewer.user


def _periods(report) -> tuple[str, ...]:
    if report.package is None:
        return ()
    table = report.package.table
    return tuple(set(table["period"])) if "period" in table else (report.package.descriptor.period,)


def _moment(day: str, clock: str) -> datetime | None:
    """A day and a time as clocks in the United Kingdom show them, as an aware datetime; None for what is none."""
    from zoneinfo import ZoneInfo

    try:
        return datetime.fromisoformat(f"{day}T{clock or '07:00'}").replace(tzinfo=ZoneInfo("Europe/London"))
    except ValueError:
        return None
