"""What the layers behind a page can carry, applied to its words and its exhibit (:mod:`dashboard.views.claims`).

The gate works on what is shown, so an author's own sentence around a token is held to it as well as the sentences made here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from html import escape

from dashboard.briefings.filling.model import Fact, Figure
from dashboard.published import Published
from dashboard.views.claims import Claims, claims_of
from layers import BriefingBlock, BriefingRun, Document, Fault, Layer, NotFound, Viewer


def claims_about(published: Published, layers: Iterable[tuple[str, int]], reader: Viewer) -> Claims:
    """What may be said of numbers that rest on these layers (id, version)."""
    return claims_of(layers_of(published, layers, reader))


def layers_of(published: Published, layers: Iterable[tuple[str, int]], reader: Viewer) -> tuple[Layer, ...]:
    found = []
    for layer_id, version in dict.fromkeys(layers):
        try:
            found.append(published.store.layer(layer_id, reader, version=version))
        except NotFound:
            continue  # withdrawn in this very moment: the page says so by itself
    return tuple(found)


def gated_runs(runs: tuple[BriefingRun, ...], facts: Mapping[str, Fact], published: Published, reader: Viewer):
    """Runs of one line, filled in, with what its sentences have to say of a sample. A line without a number of ours is its
    author's own."""
    used = [facts[run.token.text] for run in runs if run.token is not None and run.token.text in facts]
    claims = claims_about(published, (pair for fact in used for pair in fact.layers), reader)
    if not claims.sampled:
        return runs
    text, out, at = "".join(run.text for run in runs), [], 0
    additions = dict(claims.additions(text))
    for run in runs:
        start = 0
        for offset in sorted(additions):
            if at <= offset < at + len(run.text):
                out += [replace(run, text=run.text[start : offset - at]), BriefingRun(additions[offset])]
                start = offset - at
        out.append(replace(run, text=run.text[start:]))
        at += len(run.text)
    out += [BriefingRun(more) for offset, more in additions.items() if offset >= at]
    return tuple(run for run in out if run.text)


def gated_blocks(blocks: tuple[BriefingBlock, ...], facts: Mapping[str, Fact], published: Published, reader: Viewer):
    return tuple(
        replace(block, items=tuple(gated_runs(item, facts, published, reader) for item in block.items))
        for block in blocks
    )


def gated_figure(figure: Figure, claims: Claims, *, own_alt: bool = False) -> Figure:
    """An exhibit with its words through the gate. A table of people says below it on what they are counted."""
    if not claims.sampled and claims.counts and claims.ranks:
        return figure
    alt = figure.alt if own_alt else claims.gate(figure.alt) or figure.title
    legend = tuple(replace(row, count=claims.short(row.count)) for row in figure.legend)
    table, svg = figure.table, figure.svg.replace(escape(figure.alt), escape(alt)) if figure.alt else figure.svg
    if table is not None:
        note = claims.gate(table.note)
        people = any("resident" in head.lower() for head in (*table.headers, *(row[0] for row in table.rows if row)))
        if claims.sampled and people:
            note = f"{note} Residents are counted {claims.sample}.".strip()
        # what a row is called is a name, also where it is “Residents under 16”
        rows = tuple((*row[:1], *(claims.gate(cell) for cell in row[1:])) for row in table.rows)
        table = replace(table, note=note, rows=rows)
    return replace(figure, alt=alt, legend=legend, table=table, svg=svg)


# ---- words of the author's own ------------------------------------------------------------------------------------------

CERTAIN = re.compile(r"(?<!law )\b(firm(?!s\b| of\b)(?:er|est)?|proven|proved)\b", re.IGNORECASE)
"""What nobody may say of a sample: a site that it does not list would change the answer."""
_DENIED = re.compile(
    r"\b(?:not|never|nothing|no|none|neither|nor|cannot|without|isn['’]t|aren['’]t|can['’]t)\b(?:\W+\w+){0,3}\W+$",
    re.IGNORECASE,
)
_SPOKEN_OF_EXHIBIT = re.compile(r"(?:caption|title|alt)\s*:", re.IGNORECASE)
_TOKEN = re.compile(r"\{\{.*?\}\}")


def certain_faults(document: Document, sampled: Mapping[int, bool | None]) -> list[Fault]:
    """ "firm" and "proven" as an author typed them, on pages that rest on a sample. ``sampled`` by page number: None for a page that
    rests on no data, which speaks of what the others rest on."""
    whole, lines = any(sampled.values()), document.text.split("\n")
    places = [(0, 1, min((page.line for page in document.pages), default=1) - 1)] if whole else []
    for page in document.pages:
        own = sampled.get(page.number)
        if own or (own is None and whole):
            places.append((page.number, page.line, page.last))
    found = []
    for number, first, last in places:
        for n, line in _said_lines(lines, first, last, front=not number):
            for word in CERTAIN.finditer(line):
                if not _DENIED.search(line[: word.start()]):
                    where = f"page {number}, line {n}" if number else f"line {n}"
                    what = f"“{word.group()}” is said of a sample: a site that the list does not name would change it"
                    found.append(
                        Fault(what, where, "say what was found, and that it is a sample", rule="sample-certain")
                    )
    return found


def _said_lines(lines: list[str], first: int, last: int, *, front: bool) -> Iterator[tuple[int, str]]:
    """The lines that readers see, by number, without tokens: of an exhibit its caption, of the front matter title and subtitle."""
    inside = ""
    for n, line in enumerate(lines[first - 1 : last], first):
        if line.startswith("```"):
            inside = "" if inside else line[3:].strip()
        elif (front and not line.startswith(("title:", "subtitle:"))) or (
            inside == "exhibit" and not _SPOKEN_OF_EXHIBIT.match(line)
        ):
            continue
        else:
            yield n, _TOKEN.sub("", line)
