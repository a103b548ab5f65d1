"""How starters are written: pages put together from sentences that hold, as Markdown with live tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from dashboard.briefings.filling.asking import Facts
from dashboard.briefings.filling.questions import Question, answer, questions
from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views.gaps import Gaps, answer_or_sorry
from dashboard.views.together import Together, together_of
from layers import LONGEST_HEADLINE, PUBLIC, Refused, read_briefing, tokens_of

_UNSHOWN = re.compile("[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069\ue000\ue001]+")


class Writer:
    """Puts pages together from sentences that hold. ``view`` is that of the page which is being written."""

    def __init__(self, published: Published):
        self.published, self.facts = published, Facts(published, PUBLIC)
        self.pages: list[str] = []

    def filled(self, text: str, view: str = "") -> str | None:
        """The text with its tokens filled in; None where one of them has no answer."""
        try:
            document = read_briefing(f"---\ntitle: x\npartner: x\n---\n# x\n\n{text}\n")
            page = document.pages[0]
            said = {token.text: self.facts.fact(token, view).text for token in tokens_of(page)}
        except Refused:
            return None
        runs = [run for block in page.blocks for item in block.items for run in item]
        return "".join(said[run.token.text] if run.token is not None else run.text for run in runs)

    def first(self, candidates: Iterable[str], view: str = "", most: int = 0) -> str:
        """The first of some texts that holds (and, filled in, is not longer than ``most``); "" for none."""
        for text in candidates:
            filled = self.filled(text, view) if text else None
            if filled and (not most or len(filled) <= most):
                return text
        return ""

    def page(
        self,
        headlines: Sequence[str],
        *blocks: str | Sequence[str],
        exhibits: Iterable[str] = (),
        notes: Sequence[str] = (),
        view: str = "",
    ) -> None:
        """A page: the first headline that holds and fits, the sentences that hold, the first exhibit that can be drawn.

        A block is a paragraph; a sequence is one paragraph of those of its sentences that hold. Lists begin with "- " or "1. ".
        """
        exhibit = next((text for text in exhibits if self.shows(text, view)), "")
        inner = view if not exhibit or "\nview: " not in f"\n{exhibit}" else _view_line(exhibit)
        headline = self.first(headlines, inner, LONGEST_HEADLINE)
        if not headline:
            return
        parts = [f"# {headline}"]
        for block in blocks:
            sentences = [block] if isinstance(block, str) else list(block)
            kept = [text for text in sentences if text and self.filled(text, inner)]
            if kept:
                parts.append(("\n" if kept[0].startswith(("- ", "1. ")) else " ").join(kept))
        if exhibit:
            parts.append(f"```exhibit\n{exhibit}\n```")
        said = [text for text in notes if text and self.filled(text, inner)]
        if said:
            parts.append("```notes\n" + " ".join(said) + "\n```")
        self.pages.append("\n\n".join(parts))

    def shows(self, exhibit: str, view: str) -> bool:
        """Whether an exhibit can be drawn for the public."""
        from dashboard.briefings.filling.exhibits import figure

        try:
            document = read_briefing(f"---\ntitle: x\npartner: x\n---\n# x\n\n```exhibit\n{exhibit}\n```\n")
            spec = document.pages[0].exhibit
            figure(self.published, spec, PUBLIC, spec.arguments.get("view", "") or view, facts=self.facts)
        except Refused:
            return False
        return True

    def document(self, title: str, *, subtitle: str = "", theme: str = "", view: str = "") -> str:
        front = {"title": cut(title), "subtitle": subtitle, "partner": signs(self.published), "audience": "public"}
        front |= {"theme": theme, "view": view}
        lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in front.items() if value]
        return "\n".join(["---", *lines, "---", "", "\n\n".join(self.pages), ""])


def _view_line(exhibit: str) -> str:
    return next((line.removeprefix("view: ") for line in exhibit.split("\n") if line.startswith("view: ")), "")


def signs(published: Published) -> str:
    """The partner who signs: a combined authority, else who serves most authorities."""
    partners = published.region.partners
    if not partners:
        return published.region.id
    order = sorted(partners, key=lambda p: (p.kind != "combined-authority", -len(p.footprint)))
    return order[0].id


def md(text: str) -> str:
    """Words from data as words of Markdown: nothing in them is read as a mark or a token."""
    text = " ".join(_UNSHOWN.sub(" ", text.replace("{{", "{").replace("}}", "}")).split())
    text = text.replace("<", "‹").replace(">", "›")  # an author's HTML is refused, so a name must not look like it
    text = re.sub(r"([\\`*_\[\]#|~])", r"\\\1", text)
    text = re.sub(r"^([-+])(?=\s)", r"\\\1", text)
    return re.sub(r"^(\d+)([.)])(?=\s)", r"\1\\\2", text)


def cut(text: str, most: int = LONGEST_HEADLINE) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def lower(title: str) -> str:
    head = title.split(" ")[0]
    return title if head[1:] != head[1:].lower() else title[:1].lower() + title[1:]


def token(name: str, **arguments: str) -> str:
    said = [f'{key}="{value}"' if key == "view" else f"{key}={value}" for key, value in arguments.items() if value]
    return "{{ " + " ".join([name, *said]) + " }}"


def exhibit(*lines: str) -> str:
    return "\n".join(line for line in lines if line)


def answered_questions(published: Published) -> list[tuple[Question, Gaps]]:
    """The questions of the region that have an answer: need is known somewhere."""
    found = []
    for question in questions(published, PUBLIC):
        gaps = answer(published, question, PUBLIC, quick=True)
        if gaps is not None and gaps.summary["areas_without_need"] < gaps.summary["areas"]:
            found.append((question, gaps))
    return found


def full_answer(published: Published, question: Question) -> Gaps:
    """The same answer with how sure it is, which takes a moment."""
    gaps = answer(published, question, PUBLIC)
    if gaps is None:  # a layer was withdrawn in this very moment
        raise Refused("The starter cannot be written any more. Try again.")
    return gaps


def together_found(published: Published, question: Question) -> Together | None:
    found = answer_or_sorry(lambda: together_of(published, question.selection, PUBLIC))
    return found if isinstance(found, Together) and found.summary["services"] else None


def services_view(question: Question) -> str:
    """The question's services alone, without need."""
    return Selection(services=question.selection.services, show="access", level=question.selection.level).query_string()


def border_headlines(w: Writer, view: str, thing: str) -> tuple[str, ...]:
    people = token("together.residents", view=view)
    if w.filled(people, view) == "0":
        return (
            f"Everybody is nearest to {thing} of their own authority",
            "Everybody is nearest to their own authority’s",
        )
    return (
        f"{people} residents are nearer to a neighbour’s {thing} than to their own",
        f"{people} residents are nearer to a neighbour’s service",
    )
