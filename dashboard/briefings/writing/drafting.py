"""What an author is told while writing: faults by page and line, the pages filled in, how easily they read; and texts to begin
with. No Flask here: the editor, its preview and the publishing page all ask :func:`preview`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from dashboard.briefings.filling.build import build_briefing, pins_of, reader_of, sampled_pages
from dashboard.briefings.filling.gating import certain_faults
from dashboard.briefings.filling.model import Briefing, BriefingPage
from dashboard.briefings.writing.readability import Readability, read_ease
from dashboard.memory import memory_of
from dashboard.published import Published
from dashboard.question import parse_address
from dashboard.selection import Selection
from dashboard.views import wording
from layers import Audience, Document, DocumentPage, Fault, Refused, Viewer, may_change, read_briefing

DRAFT_ID = "draft"

BLANK = """---
title: Untitled briefing
partner: {partner}
audience: partners
---
# Say the one point of this page here

{{{{ region.residents }}}} people live in {{{{ region.name }}}}.

```notes
Under the headline, say why it matters, in a sentence or two; numbers come from the data.
Here stands what you will say. It stands in the presenter’s own window.
```
"""

NEW_PAGE = f"# {wording.HEADLINE_TO_WRITE}\n"

_PAGE = re.compile(r"\bpage (\d+)\b")
_LINE = re.compile(r"\bline (\d+)\b")


@dataclass(frozen=True)
class Remark:
    """One fault where it stands; page and line are 0 where it is about the whole."""

    what: str
    todo: str
    page: int = 0
    line: int = 0

    @property
    def place(self) -> str:
        parts = [f"page {self.page}" if self.page else "", f"line {self.line}" if self.line else ""]
        text = ", ".join(part for part in parts if part)
        return text[:1].upper() + text[1:] or "The whole"


@dataclass(frozen=True)
class DraftPreview:
    """A text as its readers would get it. ``briefing`` is None where the text cannot be read at all."""

    document: Document | None
    briefing: Briefing | None
    faults: tuple[Remark, ...]
    ease: Readability | None

    def page(self, number: int) -> BriefingPage | None:
        if self.briefing is None or not self.briefing.pages:
            return None
        return next((page for page in self.briefing.pages if page.number == number), self.briefing.pages[-1])

    def headline(self, number: int, written: str) -> str:
        """What a page's headline says once it is filled in; as ``written`` while that is not known."""
        pages = self.briefing.pages if self.briefing is not None else ()
        page = next((page for page in pages if page.number == number), None)
        if page is None or any(run.token is not None and not run.text for run in page.headline):
            return written
        return page.headline_text or written


_KEPT_PAGES = 200  # of all drafts; a map takes some 100 kB


def preview(published: Published, text: str, author: Viewer) -> DraftPreview:
    """Read and fill in a text as for its audience. Pages are kept, so that while somebody types only theirs is made anew."""
    try:
        document = read_briefing(text)
        check_owner(published, document, author)
    except Refused as error:
        return DraftPreview(None, None, remarks(error.faults), None)
    faults: list[Remark] = []
    empty = replace(document, pages=())
    try:
        build_briefing(published, empty, briefing_id=DRAFT_ID, author=author)
    except Refused as error:  # what is wrong with its settings
        faults += remarks(error.faults)
    state = (published.store.generation(), published.store.now().date(), author, document.audience)
    state += (document.partner, document.view)
    kept, lines, pages = memory_of(published, "draft pages", _KEPT_PAGES), document.text.split("\n"), []
    for page in document.pages:
        key = (*state, "\n".join(lines[page.line - 1 : page.last]))
        filled, found = kept.get(key, lambda page=page: _look_at(published, document, page, author))
        pages.append(replace(filled, number=page.number))
        faults += [replace(one, page=page.number, line=one.line + page.line - 1 if one.line else 0) for one in found]
    made = build_briefing(published, empty, briefing_id=DRAFT_ID, lenient=True, author=author)
    made = replace(made, document=document, pages=tuple(pages), pins=pins_of(pages))
    reader = reader_of(published, document.audience, document.partner)
    certain = remarks(certain_faults(document, sampled_pages(published, pages, reader)))  # of a page without data, too
    faults = [*dict.fromkeys((*faults, *certain))]
    return DraftPreview(document, made, tuple(faults), read_ease(made.pages))


def _look_at(
    published: Published, document: Document, page: DocumentPage, author: Viewer
) -> tuple[BriefingPage, tuple[Remark, ...]]:
    """One page filled in, and its faults with lines counted from its headline, which is 1."""
    alone = replace(document, pages=(page,))

    def build(document: Document, **more) -> Briefing:
        return build_briefing(published, document, briefing_id=DRAFT_ID, author=author, **more)

    try:
        return build(alone).pages[0], ()
    except Refused as error:
        found = [one for one in remarks(error.faults) if one.page]  # those of the settings are told once
    filled = build(alone, lenient=True).pages[0]
    if filled.unavailable:  # its author sees the tokens that say nothing as they are written, and the exhibit
        bare = build(replace(document, pages=(replace(page, headline=(), blocks=(), notes=()),)), lenient=True)
        filled = BriefingPage(page.number, page.headline, page.blocks, bare.pages[0].figure, page.notes)
    return filled, tuple(replace(one, line=one.line - page.line + 1) if one.line else one for one in found)


def check_owner(published: Published, document: Document, author: Viewer) -> None:
    """Refuse a text that speaks for somebody else: it would be filled in with what only they may see."""
    partner = published.region.partner(document.partner)
    if partner is not None and (may_change(document.partner, author) or document.audience != Audience.OWNER):
        return
    if partner is not None and author.own and author.partner == document.partner:
        return  # a colleague who was asked to check it
    known = author.partner if author.role != "admin" else ", ".join(one.id for one in published.region.partners)
    line = next((n for n, row in enumerate(document.text.split("\n"), 1) if row.startswith("partner:")), 2)
    what = f"it says that it is of '{document.partner}', for whom you do not write"
    fault = Fault(what, f"briefing, line {line}", f"use {known}", rule="partner")
    raise Refused("The briefing cannot be shown.", [fault])


def still_to_write(text: str) -> list[Fault]:
    """What still stands there that the author was to replace, in the order of the text."""
    todo = "write it, or take the page out"
    return [
        Fault(f"“{words}” still stands here", f"briefing, line {n}", todo, rule="placeholder")
        for n, line in enumerate(text.split("\n"), 1)
        if (words := wording.still_to_write(line))
    ]


def check_written(text: str) -> None:
    """Refuse a text in which something still stands that its author was to replace."""
    if faults := still_to_write(text):
        raise Refused("The briefing was not published.", faults)


def remarks(faults: Iterable[Fault]) -> tuple[Remark, ...]:
    """Faults in the order of the text."""
    found = [
        Remark(fault.what, fault.todo, _number(_PAGE, fault.where), _number(_LINE, fault.where)) for fault in faults
    ]
    return tuple(sorted(found, key=lambda one: (one.line, one.page)))


def pins_and_facts(briefing: Briefing) -> tuple[dict[str, int], dict[str, Any]]:
    """What the store keeps with a version: the versions of its layers, and what each token said, by page."""
    facts = {str(page.number): {name: fact.text for name, fact in page.facts.items()} for page in briefing.pages}
    return dict(briefing.pins), {page: said for page, said in facts.items() if said}


# ---- pinned views ----------------------------------------------------------------------------------------------------


def clean_view(view: str) -> tuple[str, tuple[str, ...]]:
    """A view of the explore page as a query without what belongs to one person's screen, and what was left out."""
    wanted, dropped = Selection.from_query(parse_address(view[:4001]))
    return replace(wanted, area="", at=None).query_string(), dropped


def page_of_view(view: str, headline: str, kind: str = "map", caption: str = "") -> str:
    """The Markdown of a page that shows a view."""
    lines = [
        f"# {one_line(headline) or wording.HEADLINE_TO_WRITE}",
        "",
    ]
    lines += ["```exhibit", kind, f"view: {view}"]
    if caption:
        lines.append(f"caption: {one_line(caption)}")
    return "\n".join([*lines, "```", ""])


def one_line(text: str) -> str:
    """What somebody typed into one field, so that it stays on one line of Markdown and starts nothing there."""
    return re.sub(r"[`<>\x00-\x1f]", "", " ".join(text.split())).strip(" #")[:200]


def _number(pattern: re.Pattern, text: str) -> int:
    found = pattern.search(text)
    return int(found[1]) if found else 0
