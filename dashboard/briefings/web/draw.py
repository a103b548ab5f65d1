"""Words and pictures of a briefing as HTML. Every text is escaped here; only our own tags and SVG drawn by the server are not.

A number that came from a token is a link to the line that says where it comes from (``#n<page>-<fact>``);
``assets/briefing.js`` shows that line beside it on hover and focus.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

from dashboard.briefings.filling.model import BriefingPage, Figure
from dashboard.drawing.shown import LegendRow
from dashboard.drawing.swatch import swatch_svg
from layers import BriefingBlock, BriefingRun, safe_link

_IDS = re.compile(r'\bid="([^"]+)"')
_REFERS = re.compile(r'(?:url\(#|href="#)([^")]+)|aria-(?:labelledby|describedby)="([^"]+)"')


def words(runs: Iterable[BriefingRun], page: BriefingPage | None = None) -> Markup:
    """Runs with their styles and links. With ``page`` its facts are marked."""
    facts = list(page.facts) if page is not None else []
    return Markup("").join(_run(run, page, facts) for run in runs)


def blocks(given: Iterable[BriefingBlock], page: BriefingPage | None = None) -> Markup:
    """Paragraphs, lists and quotations."""
    return Markup("\n").join(_block(block, page) for block in given)


def svg(figure: Figure, prefix: str) -> Markup:
    """The figure's SVG for the middle of a page: ids made unique by ``prefix``, size left to the page."""
    text = re.sub(r"^\s*<\?xml[^>]*\?>\s*", "", figure.svg)
    ids = set(_IDS.findall(text))
    if ids:
        text = _IDS.sub(lambda found: f'id="{prefix}-{found[1]}"', text)

        def refer(found: re.Match) -> str:
            if found[1] is not None:
                return found[0].replace(f"#{found[1]}", f"#{prefix}-{found[1]}") if found[1] in ids else found[0]
            names = " ".join(f"{prefix}-{name}" if name in ids else name for name in found[2].split())
            return found[0].replace(found[2], names)

        text = _REFERS.sub(refer, text)
    return Markup(text)  # noqa: S704  drawn by dashboard.views, which escapes every text in it


def told_before(pages: Sequence[BriefingPage], page: BriefingPage) -> int:
    """The number of an earlier page that says the same about what the data does not tell, or 0: read one below the other,
    ten pages would say it ten times."""
    return next((one.number for one in pages if one.number < page.number and one.limits == page.limits), 0)


def swatch(row: LegendRow) -> Markup:
    """What stands before a row of a map's key, the same as in files: a colour, hatching, an outline or a mark."""
    return Markup(swatch_svg(row))  # noqa: S704  our own shapes and checked colours


def _block(block: BriefingBlock, page: BriefingPage | None) -> Markup:
    if block.kind in ("bullets", "numbers"):
        tag = "ul" if block.kind == "bullets" else "ol"
        items = Markup("").join(Markup("<li>{}</li>").format(words(item, page)) for item in block.items)
        return Markup(f"<{tag}>{{}}</{tag}>").format(items)  # noqa: S704  one of two constants
    form = Markup("<blockquote><p>{}</p></blockquote>") if block.kind == "quote" else Markup("<p>{}</p>")
    return Markup("").join(form.format(words(item, page)) for item in block.items)


def _run(run: BriefingRun, page: BriefingPage | None, facts: list[str]) -> Markup:
    out = escape(run.text)
    if run.token is not None and not run.text:
        out = Markup('<mark class="unfilled">{{{{ {} }}}}</mark>').format(run.token.text)
    if run.token is not None and page is not None and run.token.text in facts:
        number = facts.index(run.token.text) + 1
        out = Markup('<a class="fact" href="#n{}-{}">{}</a>').format(page.number, number, out)
    elif run.link and safe_link(run.link):
        rel = Markup(' rel="noopener"') if "://" in run.link else Markup("")
        out = Markup('<a href="{}"{}>{}</a>').format(run.link, rel, out)
    if run.italic:
        out = Markup("<em>{}</em>").format(out)
    if run.bold:
        out = Markup("<strong>{}</strong>").format(out)
    return out
