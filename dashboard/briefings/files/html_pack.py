"""A briefing as one HTML file for a meeting: it opens from a memory stick, asks nothing of any network, and turns its pages by keyboard.

Its policy (a meta element, since a file has no headers) lets in the one style and the one script that are ours, by their hashes, and
pictures that are in the file itself. Maps and charts are images of SVG, in which no browser runs anything.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from dashboard.briefings.files import contents
from dashboard.briefings.files.typst import compile_png
from dashboard.briefings.filling.model import Briefing, BriefingPage, Figure
from dashboard.drawing.shown import LegendRow
from dashboard.drawing.swatch import swatch_svg

FOLDER = Path(__file__).parent
MOST_BYTES = 2_000_000
"""A pack that is passed on by e-mail. Pictures are thinned, the largest first, until it fits."""
KEPT_FOR_WORDS = 250_000
MANY_LETTERS = 330
"""More beside a figure are set smaller, so that a page stays a screen."""

_ROOT = re.compile(r"(<svg\b[^>]*[^/>]>)")
_PATH = re.compile(r'(\bd=")([^"]*)(")')
_DECIMALS = re.compile(r"(\d)\.\d+")


def pack_of(briefing: Briefing, *, address: str = "") -> bytes:
    """The file, UTF-8. ``address`` is that of the site, so that links to its live pages can be followed."""
    pictures = _pictures(briefing)
    pages = [_page(page, n, pictures.get(n, ""), address) for n, page in enumerate(briefing.pages, 1)]
    style, script = _file("pack.css"), _file("pack.js")
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    document = _template().render(
        title=contents.text(briefing.title),
        subtitle=contents.text(briefing.subtitle),
        notice=contents.text(briefing.notice),
        logo=briefing.brand.logo,
        logo_alt=contents.text(briefing.brand.alt or briefing.brand.name),
        about=contents.about_lines(briefing),
        footer=contents.footer_line(briefing),
        pages=pages,
        total=len(pages),
        policy=policy,
        style=Markup(style),  # noqa: S704  our own file
        script=Markup(script),  # noqa: S704  our own file
        key=contents.KEY,
        in_figures=contents.FIGURES,
        limits_heading=contents.LIMITS,
        sources_heading=contents.SOURCES,
    )
    return document.encode("utf-8")


def _page(page: BriefingPage, n: int, picture: str, address: str) -> dict[str, Any]:
    return contents.page_words(page, address) | {
        "n": n,
        "figure": None if page.figure is None else _figure(page.figure, picture, address),
        "long": page.figure is not None and len("".join(contents.lines_of(page.blocks))) > MANY_LETTERS,
        "facts": contents.fact_lines(page),
    }


def _figure(figure: Figure, picture: str, address: str) -> dict[str, Any]:
    width, height = contents.size_of(figure.svg)
    return contents.figure_words(figure, _swatch) | {
        "image": picture,
        "width": round(width),
        "height": round(height),
        "table": contents.table_words(contents.table_of(figure)),
        "link": contents.href(figure.link, address),
        "wide": not picture and figure.table is not None and len(figure.table.headers) > 4,
    }


def _swatch(row: LegendRow) -> Markup:
    return Markup(swatch_svg(row))  # noqa: S704  our own shapes and checked colours


# ---- pictures -----------------------------------------------------------------------------------------------------------


def _pictures(briefing: Briefing) -> dict[int, str]:
    """The address of each page's picture, with the picture in it, all of them within the size of a pack."""
    svgs = {
        n: contents.text(page.figure.svg) for n, page in enumerate(briefing.pages, 1) if page.figure and page.figure.svg
    }
    out = {n: _svg_address(on_paper(svg)) for n, svg in svgs.items()}
    for lighter in (lambda svg: _svg_address(on_paper(whole_pixels(svg))), _png_address):
        for n in sorted(out, key=lambda n: -len(out[n])):
            if sum(map(len, out.values())) <= MOST_BYTES - KEPT_FOR_WORDS:
                return out
            out[n] = min(out[n], lighter(svgs[n]), key=len)
    return out


def whole_pixels(svg: str) -> str:
    """An SVG whose paths have no decimals: rougher by half a pixel, and about a third smaller."""
    return _PATH.sub(lambda found: found[1] + _DECIMALS.sub(r"\1", found[2]) + found[3], svg)


def on_paper(svg: str) -> str:
    """An SVG on white, whatever its page is on: its colours are those of a light screen."""
    return _ROOT.sub(r'\1<rect width="100%" height="100%" fill="#ffffff"/>', svg, count=1)


def _svg_address(svg: str) -> str:
    return "data:image/svg+xml," + quote(" ".join(svg.split()), safe=" !$&'()*+,-./:;=?@[]^_`{|}~")


def _png_address(svg: str) -> str:
    width, height = contents.size_of(svg)
    sheet = f'#set page(width: {width}pt, height: {height}pt, margin: 0pt)\n#image("picture.svg", width: 100%)'
    png = compile_png(sheet, {}, {"picture.svg": svg.encode("utf-8")}, ppi=72 * 1200 / width)
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


# ---- our own files --------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4)
def _file(name: str) -> str:
    return (FOLDER / name).read_text("utf-8")


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    made = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return made.from_string(_file("pack.html"))


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
