"""How a template of ``starters/`` becomes the Markdown of a briefing: what does not hold on the day is left out.

What stands in a template is told in ``starters/README.md``. Jinja fills in the words of the region and decides by ``if``; then, page
by page, the first headline that has an answer, the sentences that have one and the first exhibit that can be drawn are kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from dashboard.briefings.filling.asking import UNSHOWN, Facts
from dashboard.briefings.filling.build import view_lent
from dashboard.briefings.filling.exhibits import figure
from dashboard.briefings.filling.gating import gated_runs
from dashboard.briefings.filling.questions import ThemeQuestion
from dashboard.published import Published
from dashboard.views import wording
from dashboard.views.gap_words import a_site, one_of
from layers import LONGEST_HEADLINE, LONGEST_TITLE, PUBLIC, Refused, read_briefing, tokens_of

FOLDER = Path(__file__).resolve().parents[3] / "data" / "briefings"


@dataclass
class _Page:
    """A page of a template with all that it tries."""

    headlines: list[str] = field(default_factory=list)
    paragraphs: list[list[str]] = field(default_factory=list)
    exhibits: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Writer:
    """Writes starters for the public of one region. ``pages`` is how many pages the last one got."""

    def __init__(self, published: Published):
        self.published, self.facts = published, Facts(published, PUBLIC)
        self.pages = 0

    def write(self, name: str, **words: Any) -> str:
        """The Markdown of the template ``name``, which may ask ``says`` and ``shows`` about the view of its front matter."""
        view = words["q"]["view"] if "q" in words else ""
        ask = {"says": self.says, "shows": lambda exhibit: self.shows(exhibit.replace(" / ", "\n"), view)}
        text = _environment().get_template(f"{name}.md").render(partner=signs(self.published), **words, **ask)
        front, body = _front(text)
        pages = [page for page in (self._page(page, front.get("view", "")) for page in _pages(body)) if page]
        self.pages = len(pages)
        lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in front.items()]
        return "\n".join(["---", *lines, "---", "", "\n\n".join(pages), ""])

    def says(self, token: str) -> str | None:
        """What a token says; None where it has no answer."""
        return self._filled(f"{{{{ {token} }}}}", "")

    def shows(self, exhibit: str, view: str) -> bool:
        """Whether an exhibit can be drawn for the public."""
        try:
            spec = _read(f"```exhibit\n{exhibit}\n```").exhibit
            figure(self.published, spec, PUBLIC, spec.arguments.get("view", "") or view, facts=self.facts)
        except Refused:
            return False
        return True

    def _filled(self, text: str, view: str) -> str | None:
        """The text with its tokens filled in; None where one of them has no answer."""
        try:
            page = _read(text)
            said = {token.text: self.facts.fact(token, view) for token in tokens_of(page)}
        except Refused:
            return None
        runs = [run for block in page.blocks for item in block.items for run in item]
        filled = tuple(replace(run, text=said[run.token.text].text) if run.token is not None else run for run in runs)
        return "".join(run.text for run in gated_runs(filled, said, self.published, self.facts.reader))

    def _page(self, page: _Page, view: str) -> str:
        """A page with what holds; "" where no headline does. An exhibit with a view of its own lends it to the whole page."""
        exhibit = next((one for one in page.exhibits if self.shows(one, view)), "")
        view = view_lent(_read(f"```exhibit\n{exhibit}\n```").exhibit, view) if exhibit else view

        def kept(sentences: Iterable[str]) -> list[str]:
            return [text for text in sentences if self._filled(text, view)]

        fits = (text for text in page.headlines if 0 < len(self._filled(text, view) or "") <= LONGEST_HEADLINE)
        headline = next(fits, "")
        if not headline:
            return ""
        parts = [f"# {headline}"]
        for paragraph in page.paragraphs:
            if said := kept(paragraph):
                parts.append(("\n" if said[0].startswith(("- ", "1. ")) else " ").join(said))
        if exhibit:
            parts.append(f"```exhibit\n{exhibit}\n```")
        if said := kept(page.notes):
            parts.append("```notes\n" + " ".join(said) + "\n```")
        return "\n\n".join(parts)


# ---- reading a template ------------------------------------------------------------------------------------------------


@cache
def _environment() -> jinja2.Environment:
    """Templates may only read what they are given. ``{{`` is left to tokens."""
    return ImmutableSandboxedEnvironment(
        loader=jinja2.FileSystemLoader(FOLDER),
        undefined=jinja2.StrictUndefined,
        variable_start_string="[[",
        variable_end_string="]]",
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _front(text: str) -> tuple[dict[str, str], list[str]]:
    """The settings that say something, and the lines below them."""
    _, settings, body = text.lstrip().split("---\n", 2)
    pairs = (line.split(": ", 1) for line in settings.splitlines() if ": " in line)
    return {name: cut(value) if name.endswith("title") else value for name, value in pairs if value}, body.split("\n")


def _pages(lines: Iterable[str]) -> list[_Page]:
    pages, fence, inside, after_gap = [], "", [], True
    for line in lines:
        if line.strip() and not pages and not line.startswith("# "):
            raise ValueError(f"a page of a template begins with its headline, “# …”; before it stands “{line}”")
        if fence:
            if line.strip() != "```":
                inside.append(line)
            elif fence == "exhibit":
                pages[-1].exhibits.append("\n".join(inside))
            else:
                pages[-1].notes += inside
            fence = "" if line.strip() == "```" else fence
        elif line.startswith("```"):
            fence, inside = line[3:].strip(), []
        elif line.startswith("# "):
            if after_gap:
                pages.append(_Page())
            pages[-1].headlines.append(line[2:])
        elif line.strip():
            if after_gap or not pages[-1].paragraphs:
                pages[-1].paragraphs.append([])
            pages[-1].paragraphs[-1].append(line)
        after_gap = not line.strip()
    return pages


def _read(text: str):
    return read_briefing(f"---\ntitle: x\npartner: x\n---\n# x\n\n{text}\n").pages[0]


# ---- words -------------------------------------------------------------------------------------------------------------


def signs(published: Published) -> str:
    """The partner who signs: a combined authority, else who serves most authorities."""
    partners = sorted(published.region.partners, key=lambda p: (p.kind != "combined-authority", -len(p.footprint)))
    return partners[0].id if partners else published.region.id


def md(text: str) -> str:
    """Words from data as words of Markdown: nothing in them is read as a mark or a token."""
    text = " ".join(UNSHOWN.sub(" ", token_free(text)).split())
    text = text.replace("<", "‹").replace(">", "›")  # an author's HTML is refused, so a name must not look like it
    text = re.sub(r"([\\`*_\[\]#|~])", r"\\\1", text)
    text = re.sub(r"^([-+])(?=\s)", r"\\\1", text)
    return re.sub(r"^(\d+)([.)])(?=\s)", r"\1\\\2", text)


def token_free(text: str) -> str:
    return text.replace("{{", "{").replace("}}", "}")


def cut(text: str, most: int = LONGEST_TITLE) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def question_words(question: ThemeQuestion) -> dict[str, str]:
    """What templates know as ``q``. Names and titles are words of Markdown; ids and views are not."""
    theme, services = question.theme, (question.services,)
    return {
        "theme": md(theme.name),
        "theme_inside": md(wording.small(theme.name)),
        "theme_id": theme.id,
        "question": token_free(theme.question),
        "asked": md(theme.question),
        "note": md(question.note),
        "services": question.services.id,
        "list": md(wording.small(question.services.title)),
        "one": md(one_of(services)),
        "a_site": md(a_site(services)),
        "nearest": md(question.nearest),
        "view": question.view,
        "need_view": replace(question.selection, show="need").query_string(),
        "services_view": question.services_view,
    }
