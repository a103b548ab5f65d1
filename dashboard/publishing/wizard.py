"""What every step of the wizard shares: which site and draft, the frame of a page, saving what was answered, and where to go next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import flask

from dashboard.auth.session import current_viewer
from dashboard.html import page
from dashboard.map_files import Shapes
from dashboard.published import Published
from dashboard.publishing import answers as asking
from dashboard.publishing.answers import STEP_TITLES, STEPS
from dashboard.publishing.reports import Reports
from dashboard.publishing.uploads import Uploads
from layers import Draft, Drafts, EditConflict, Viewer

EXTENSION = "commonground-wizard"
HOME_PATH = "/publish"


@dataclass(frozen=True)
class Wizard:
    """The wizard of one site: what it publishes to, and where drafts and their files are kept."""

    published: Published
    shapes: Shapes
    drafts: Drafts
    uploads: Uploads
    reports: Reports

    @classmethod
    def of(cls, published: Published, shapes: Shapes) -> Wizard:
        uploads = Uploads(published.home, store_id=published.store.id)
        return cls(published, shapes, Drafts(published.store), uploads, Reports(published, uploads))

    @property
    def store(self):
        return self.published.store

    @property
    def region(self):
        return self.published.region


def current() -> Wizard:
    """The wizard of the application that answers."""
    return flask.current_app.extensions[EXTENSION]


def draft_of(draft_id: str) -> Draft:
    """The draft of that id, for who asks. Raises NotFound where it is not theirs."""
    return current().drafts.get(draft_id, current_viewer())


def page_of(step: str, page):
    """A route that shows the page of a step, or leads to the first step that is not done."""

    def show(draft_id: str):
        draft = draft_of(draft_id)
        return too_early(draft, step) or page(draft)

    show.__name__ = step
    return show


def title_of(draft: Draft) -> str:
    said = draft.answers.get("said") or {}
    return said.get("title") or draft.filename


def next_step(draft: Draft) -> str:
    """The first step that is not done."""
    done = draft.answers.get("done", ())
    return next((step for step in STEPS if step not in done), STEPS[-1])


def step_page(draft: Draft, step: str, *, status: int = 200, template: str = "", headed: str = "", **values):
    """The page of a step; with a ``template`` and a heading of its own where the step asks for something else first."""
    site = current()
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
        site.published, f"publish/{template or step}.html", title=f"{problem}{headed or STEP_TITLES[step]}", path=HOME_PATH, status=status,
        draft=draft, answers=draft.answers, step=step, steps=steps, number=STEPS.index(step) + 2, of=len(STEPS) + 1,
        back=f"{HOME_PATH}/{draft.id}/{STEPS[STEPS.index(step) - 1]}" if step != STEPS[0] else HOME_PATH,
        heading=headed or STEP_TITLES[step], name=title_of(draft), mine=draft.made_by == viewer.user, **values,
    )  # fmt: skip


def go(draft: Draft, step: str, **query: str):
    tail = "?" + "&".join(f"{key}={quote(str(value))}" for key, value in query.items()) if query else ""
    return flask.redirect(f"{HOME_PATH}/{draft.id}/{step}{tail}", 303)


def revision_seen(draft: Draft) -> int:
    """Of the page whose form was sent."""
    given = flask.request.form.get("revision", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else draft.revision


def save(draft: Draft, changed: Mapping[str, Any]) -> Draft:
    """Write answers that were given on the page of revision ``form.revision``."""
    answers = {**draft.answers, **changed}
    return current().drafts.change(draft.id, by=current_viewer(), revision=revision_seen(draft), answers=answers)


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
    except EditConflict as error:
        return flask.jsonify(message=str(error), revision=error.draft.revision), 409
    return flask.jsonify(revision=saved.revision)


def quiet() -> bool:
    return "X-Autosave" in flask.request.headers


def layers_of(draft: Draft, viewer: Viewer) -> list[tuple[str, str, Any]]:
    site = current()
    out = []
    for header in asking.wanted_layers(draft.answers):
        said = asking.said_of(draft.answers, header)
        out.append((header, said.get("title") or header or draft.filename, site.reports.report(draft, header, viewer)))
    return out


def one_layer(draft: Draft, viewer: Viewer):
    site = current()
    headers = asking.wanted_layers(draft.answers)
    number = flask.request.args.get("layer", "0")
    at = int(number) if number.isascii() and number.isdigit() and int(number) < len(headers) else 0
    return at, headers[at], site.reports.report(draft, headers[at], viewer)


def expecting_now(draft: Draft, viewer: Viewer) -> dict[str, int]:
    site = current()
    ids = [asking.layer_id(draft.answers, header) for header in asking.wanted_layers(draft.answers)]
    return {layer_id: site.reports.before(layer_id, viewer).newest for layer_id in ids}


def may_publish(viewer: Viewer) -> bool:
    return viewer.signed_in and viewer.role in ("analyst", "admin")


def download(data: bytes, mimetype: str, name: str) -> flask.Response:
    response = flask.Response(data, mimetype=mimetype)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def periods_of(report) -> tuple[str, ...]:
    if report.package is None:
        return ()
    table = report.package.table
    return tuple(set(table["period"])) if "period" in table else (report.package.descriptor.period,)
