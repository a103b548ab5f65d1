"""The application factory. ``gunicorn "dashboard.app:create_server()"`` serves what the environment names.

A factory, because two applications with two regions live in one process in the tests; nothing is kept at module level.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from copy import copy
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import flask
from dash import Dash
from flask_compress import Compress
from markupsafe import escape

from dashboard import brand, callbacks, errors, housekeeping, question, settings, waiting, web
from dashboard.api import data, gaps, health, v1
from dashboard.api.answers import ApiError
from dashboard.audit import routes as audit_routes
from dashboard.auth import guard, hosts, routes
from dashboard.auth.oidc import OidcSettings, Provider
from dashboard.auth.session import current_viewer
from dashboard.briefings.web import routes as briefing_routes
from dashboard.components.shell import FONT, shell
from dashboard.components.table import table_grid
from dashboard.drawing.palette import as_css
from dashboard.housekeeping import Housekeeping
from dashboard.map_files import Shapes
from dashboard.pages import PAGES, find_page
from dashboard.pages.explore import map_config
from dashboard.pages.missing import missing
from dashboard.published import Published
from dashboard.publishing import layer_routes
from dashboard.publishing import routes as publishing_routes
from dashboard.selection import NONE, Selection
from dashboard.static_files import keep_compressed
from dashboard.views import offer
from layers import PUBLIC, SYSTEM, Refused, forget_sign_ins, load_region, open_store

ASSETS = Path(__file__).resolve().parents[1] / "assets"

INDEX = """<!DOCTYPE html>
<html lang="en-GB">
  <head>
    {metas}
    <title>{title}</title>
    {preload}
    <script src="/assets/colour-scheme.js"></script>
    {favicon}
    <link rel="preload" as="font" type="font/woff2" crossorigin href="{font}">
    {css}
    <style>{palette}</style>
  </head>
  <body>
    {app_entry}
    <noscript>This page needs JavaScript. The same figures are at <a href="/api/v1/layers">/api/v1/layers</a>.</noscript>
    <footer>{config}{scripts}{renderer}</footer>
  </body>
</html>"""


class CommonGround(Dash):
    """Dash with an index page that starts fetching the map's data before the scripts have loaded."""

    published: Published
    shapes: Shapes

    def interpolate_index(self, **parts) -> str:
        page, _ = find_page(flask.request.path)
        if page is None:
            flask.after_this_request(_not_found)
        region = self.published.region
        preload = preloads(self.published, self.shapes, flask.request.args) if page and page.name == "explore" else []
        return INDEX.format(
            metas=parts["metas"],
            title=escape(f"{page.title if page else 'Not found'} – Common Ground, {region.name}"),
            preload="\n    ".join(
                f'<link rel="preload" as="fetch" crossorigin="anonymous" href="{escape(url)}">' for url in preload
            ),
            favicon='<link rel="icon" type="image/svg+xml" href="/assets/favicon.svg">',
            font=FONT,
            css=parts["css"],
            palette=as_css(),
            app_entry=json_in_page("question", question.as_data()) + self._start_of_explore(page) + parts["app_entry"],
            config=parts["config"],
            scripts=parts["scripts"],
            renderer=parts["renderer"],
        )

    def _start_of_explore(self, page) -> str:
        """Selection and addresses as data in the page, so that the map need not wait until Dash has laid out everything else."""
        if page is None or page.name != "explore":
            return ""
        viewer = current_viewer()
        wanted, _ = Selection.from_query(flask.request.args)
        selection, _ = offer.valid_selection(self.published, wanted, viewer)
        config = map_config(self.published, self.shapes)
        return json_in_page("explore-start", {"selection": selection.as_data(), "config": config})


def create_app(published: Published, secret_key: str, *, oidc: OidcSettings | None = None) -> CommonGround:
    """A Dash application over one region and its store."""
    server = flask.Flask("commonground")
    server.secret_key = secret_key
    server.config.update(
        MAX_CONTENT_LENGTH=2 * 1024 * 1024,
        COMPRESS_MIMETYPES=[
            "text/html",
            "text/css",
            "text/csv",
            "text/javascript",
            "application/javascript",
            "application/json",
            "application/geo+json",
            "application/octet-stream",
            "image/svg+xml",
        ],
        COMPRESS_ALGORITHM=["br", "gzip"],
        COMPRESS_BR_LEVEL=5,
        COMPRESS_MIN_SIZE=400,
        COMPRESS_STREAMS=True,
    )
    shapes = Shapes(published)
    errors.install(server)
    web.install(server, published, shapes)
    guard.install(server, published)
    waiting.install(server)
    Compress(server)
    keep_compressed(server)
    server.register_blueprint(routes.blueprint(published, Provider(oidc, published.region) if oidc else None))
    server.register_blueprint(health.blueprint())
    brand.install(server)
    server.register_blueprint(data.blueprint())
    server.register_blueprint(v1.blueprint())
    publishing_routes.install(server, published, shapes)
    server.register_blueprint(layer_routes.blueprint())
    server.register_blueprint(audit_routes.blueprint())
    server.register_blueprint(gaps.blueprint())
    server.register_blueprint(briefing_routes.blueprint())
    server.register_error_handler(ApiError, ApiError.response)

    app = CommonGround(
        __name__,
        server=server,
        assets_folder=str(ASSETS),
        assets_ignore=r"colour-scheme\.js|publish\.(js|css)|briefing.*\.(js|css)",
        title="Common Ground",
        update_title=None,
        serve_locally=True,
        compress=False,
        # tests/dashboard/test_wiring.py checks every id against validation_layout; the browser would need every library for it
        suppress_callback_exceptions=True,
        meta_tags=[{"name": "description", "content": "One shared map of need, services and gaps."}],
    )
    app.published, app.shapes = published, shapes

    def page_at(path: str, query: dict[str, str]):
        page, names = find_page(path)
        if page is None:
            return missing(f"There is no page at {path[:80]}.")
        return page.layout(published, query, current_viewer(), shapes=shapes, **names)

    def first_layout():
        """The page that the browser is on, so that it need not ask a second time; the router corrects a missing referrer."""
        if not flask.has_request_context():
            return shell(published, "/", page_at("/", {}), current_viewer())
        path, query = _address(flask.request.referrer)
        return shell(published, path, page_at(path, query), current_viewer())

    app.layout = first_layout
    callbacks.register_all(app, published, shapes, page_at)
    app.validation_layout = only_ids(
        [
            shell(published, "/", None),
            table_grid(),  # comes into the page when somebody opens it
            # without an indicator nothing needs to be classed before the server answers
            *(page.layout(published, {"need": NONE}, PUBLIC, shapes=shapes, **_example(page)) for page in PAGES),
        ]
    )
    # Dash would do this in the first request, where two requests at once find half of it done
    app._setup_server()
    guard.content_security_policy(server, app, published)
    return app


BESIDE_A_PROXY = (
    "gunicorn serves this: a few slow clients can hold all of its threads, so put a proxy in front that reads whole requests "
    "and takes whole answers (nginx does), or use “commonground serve”, which needs none"
)


def create_server(environ=None, *, accept_loss: bool = False) -> flask.Flask:
    """The WSGI application for the region and store that the environment names. Raises Refused with everything wrong.

    ``accept_loss`` takes a region pack that lacks areas or layers which it had before."""
    warm = threading.Thread(target=_warm, daemon=True)
    warm.start()
    if os.environ.get("SERVER_SOFTWARE", "").startswith("gunicorn"):
        logging.getLogger("commonground").warning("%s", BESIDE_A_PROXY)
    chosen = settings.from_environment(environ)
    region = load_region(chosen.region)
    chosen.home.mkdir(parents=True, exist_ok=True)
    region.keep_ways_in(chosen.home / "ways", write=True)
    threading.Thread(target=lambda: region.water, daemon=True).start()  # takes a second: while the store is read
    store = open_store(chosen.database_url, region, marker=chosen.marker, accept_loss=accept_loss)
    store.anchor_at(chosen.anchor)
    store.accounts.secret_key = chosen.secret_key
    _forget(store, chosen.keep_sign_ins_days)
    published = Published(region, store, chosen.home, chosen.tiles_url, chosen.tiles_attribution)
    app = create_app(published, chosen.secret_key, oidc=chosen.oidc)
    app.server.config[web.PUBLIC_URL] = chosen.public_url
    hosts.install(app.server, chosen.proxies, chosen.hosts)
    app.server.config["SECURITY_CONTACT"] = chosen.contact
    keeping = {"sign_in_days": chosen.keep_sign_ins_days, "draft_days": chosen.keep_drafts_days}
    housekeeping.install(app.server, Housekeeping(published, **keeping))
    logging.getLogger("commonground").info("serving %s", region.name)
    return app.server


def _forget(store, days: int) -> None:
    """Who signed in longer ago than the settings keep it. A store that cannot be written to is no reason not to serve it."""
    if days:
        try:
            forget_sign_ins(store, by=SYSTEM, days=days)
        except Refused:
            logging.getLogger("commonground").exception(
                "old sign-ins could not be forgotten; the next start tries again"
            )


def only_ids(layouts: list) -> list:
    """The components that have an id, bare. Dash writes them into every page, whoever asks and whatever was withdrawn since."""
    bare = {}
    for component in layouts:
        for each in (component, *component._traverse()):
            if (name := getattr(each, "id", None)) is not None and str(name) not in bare:
                bare[str(name)] = one = copy(each)
                for prop in [prop for prop in vars(one) if prop in one._prop_names or "-" in prop]:
                    if prop != "id":
                        delattr(one, prop)
    return list(bare.values())


def json_in_page(name: str, data) -> str:
    """Data that a page holds before its scripts run."""
    text = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
    return f'<script type="application/json" id="{name}">{text}</script>'


def preloads(published: Published, shapes: Shapes, query) -> list[str]:
    """Addresses that the explore page fetches first: the outlines of its level, and the classes of its indicator."""
    viewer = current_viewer()
    wanted, _ = Selection.from_query(query)
    selection, _ = offer.valid_selection(published, wanted, viewer)
    return [f"/data/shapes/{shapes.outlines(selection.level).url_name}", f"/data/classes?{selection.classes_query()}"]


def _not_found(response: flask.Response) -> flask.Response:
    """The page says in words that there is nothing; its status says it to programs."""
    response.status_code = 404
    return response


def _address(referrer: str | None) -> tuple[str, dict[str, str]]:
    """Path and query of the page that asks for its layout; the start page when the browser does not say."""
    try:
        address = urlsplit(referrer or "/")
    except ValueError:  # not an address at all
        return "/", {}
    return address.path or "/", question.parse_address(address.query)


def _example(page) -> dict[str, str]:
    return dict.fromkeys(page.match(page.path) or {}, "example")


def _warm() -> None:
    """Import what takes long and is needed only when somebody asks, while the store is being read."""
    import_module("mapclassify")
