"""Pages that the server draws itself: plain forms that work by keyboard, without scripts, and from a test client.

Templates are in ``dashboard/templates``; every value in them is escaped. Header and footer are those of every other page.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import flask
import jinja2
from markupsafe import Markup

from dashboard.auth.session import current_viewer
from dashboard.components.plain import plain_html
from dashboard.components.shell import FONT, footer, header
from dashboard.drawing.palette import as_css
from dashboard.published import Published
from dashboard.views import wording

FOLDER = Path(__file__).with_name("templates")
ASSETS = Path(__file__).resolve().parents[1] / "assets"


@lru_cache(maxsize=1)
def environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "number": wording.number,
        "listing": wording.listing,
        "moment": wording_moment,
        "day": wording_day,
        "bytes": size_words,
        "plural": wording.counted,
        "sentence": wording.capital,
    }
    made.globals |= {"asset": asset, "font": FONT}
    return made


def page(published: Published, template: str, *, title: str, path: str, status: int = 200, **values: Any):
    """A whole document as a response. ``path`` says which entry of the menu is the current one."""
    viewer = current_viewer()
    document = (
        environment()
        .get_template(template)
        .render(
            title=title,
            region=published.region,
            viewer=viewer,
            header=plain_html(header(published, path, viewer)),
            footer=plain_html(footer(published)),
            palette=Markup(as_css()),  # noqa: S704  our own constants
            **values,
        )
    )
    response = flask.Response(document, status, mimetype="text/html")
    response.headers["Cache-Control"] = "private, no-store" if viewer.signed_in else "no-cache"
    return response


def asset(name: str) -> str:
    """Address of a file in assets/, with its time of change, so that a browser never keeps an old one."""
    return f"/assets/{name}?m={int((ASSETS / name).stat().st_mtime)}"


def wording_moment(moment) -> str:
    """ "2 March 2026, 14:05", as clocks in the United Kingdom show it."""
    from zoneinfo import ZoneInfo

    if moment is None:
        return ""
    local = moment.astimezone(ZoneInfo("Europe/London"))
    return f"{local.day} {local:%B %Y, %H:%M}"


def wording_day(value) -> str:
    """ "2 March 2026", of a moment the day in the United Kingdom; else as :func:`wording.day`."""
    return wording_moment(value).split(",")[0] if hasattr(value, "astimezone") else wording.day(str(value))


def size_words(size: int) -> str:
    for unit, factor in (("MB", 1_000_000), ("kB", 1_000)):
        if size >= factor:
            return f"{size / factor:,.1f} {unit}"
    return f"{size:,} bytes"
