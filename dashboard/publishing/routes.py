"""The wizard's addresses. Each page is GET, each change POST and then a redirect; ``/publish/<draft>/<step>`` can be left and
come back to at any time.

Who may: analysts for their own partner, admins for all. It is asked here so that pages can say so in words, and again by the
store, which decides.
"""

from __future__ import annotations

from urllib.parse import quote

import flask
from werkzeug.exceptions import HTTPException

from dashboard.auth.session import current_viewer
from dashboard.html import page
from dashboard.jobs import Waiting
from dashboard.map_files import Shapes
from dashboard.published import Published
from dashboard.publishing import check, columns, describe, preview, release, start
from dashboard.publishing.wizard import EXTENSION, HOME_PATH, Wizard, current, may_publish, page_of
from dashboard.waiting import waiting
from layers import NotFound

ROUTES = (
    ("GET", "", start.start),
    ("POST", "/upload", start.upload),
    ("POST", "/<draft_id>/upload", start.upload_again),
    ("GET", "/reading/<job_id>", start.reading),
    ("GET", "/templates/<name>", start.template),
    ("GET", "/<draft_id>", start.resume),
    ("POST", "/<draft_id>/discard", start.discard),
    ("GET", "/<draft_id>/columns", columns.columns),
    ("POST", "/<draft_id>/columns", columns.save_columns),
    ("GET", "/<draft_id>/describe", page_of("describe", describe.describe_page)),
    ("POST", "/<draft_id>/describe", describe.save_description),
    ("GET", "/<draft_id>/check", page_of("check", check.check_page)),
    ("POST", "/<draft_id>/check", check.save_check),
    ("GET", "/<draft_id>/rejected.csv", check.rejected),
    ("GET", "/<draft_id>/findings.csv", check.all_findings),
    ("GET", "/<draft_id>/preview", page_of("preview", preview.preview_page)),
    ("POST", "/<draft_id>/preview", preview.save_preview),
    ("GET", "/<draft_id>/publish", page_of("publish", release.publish_page)),
    ("POST", "/<draft_id>/publish", release.save_publish),
)


def install(server: flask.Flask, published: Published, shapes: Shapes) -> None:
    """Put the wizard under ``/publish`` of the application."""
    server.extensions[EXTENSION] = Wizard.of(published, shapes)
    routes = flask.Blueprint("publishing", __name__, url_prefix=HOME_PATH)
    for method, address, answer in ROUTES:
        routes.add_url_rule(address, view_func=answer, methods=[method])
    routes.before_request(only_publishers)
    routes.register_error_handler(NotFound, no_draft)
    routes.register_error_handler(Waiting, still_reading)
    routes.register_error_handler(HTTPException, plain_error)
    server.register_blueprint(routes)


def only_publishers():
    """Templates are for everybody; the front page says in words what is missing; the rest needs an account."""
    viewer, endpoint = current_viewer(), (flask.request.endpoint or "").rpartition(".")[2]
    if endpoint in ("template", "start"):
        return None
    if not viewer.signed_in:
        return flask.redirect(f"/sign-in?next={quote(flask.request.path)}", 303)
    if not may_publish(viewer):
        return start.start_page(viewer, status=403)
    return None


def no_draft(error: NotFound):
    return page(
        current().published, "message.html", title="Not found", path=HOME_PATH, status=404,
        heading="There is no such draft",
        lines=["It may have been published or discarded."],
        links=[("Your drafts", HOME_PATH)],
    )  # fmt: skip


def still_reading(error: Waiting):
    """A page that asks again by itself. What was sent to a step is kept, or is asked for again by its page when that can be shown."""
    if flask.request.method == "GET":
        return waiting(error)
    return flask.redirect(flask.request.path, 303)


def plain_error(error: HTTPException):
    return page(
        current().published, "message.html", title="Not found" if error.code == 404 else "Problem", path=HOME_PATH,
        status=error.code or 500, heading="This did not work", lines=[error.description or ""],
        links=[("Back to publishing", HOME_PATH)],
    )  # fmt: skip
