"""Sentences as pages say them: of Dash components, of pages that the server writes, of files; a text for every block of a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser

from dash.development.base_component import Component

from dashboard.app import create_app
from dashboard.briefings.filling.questions import questions
from dashboard.exports import write
from dashboard.map_files import Shapes
from dashboard.pages import catalogue as catalogue_page
from dashboard.pages import community as community_page
from dashboard.pages import explore, options
from dashboard.selection import Selection
from dashboard.views import map_table
from dashboard.views.confidence import rows_of_gaps
from dashboard.views.gap_files import gaps_export, plan_export, together_document, together_export
from dashboard.views.gaps import answer_or_reasons, gaps_of
from dashboard.views.option_files import options_document, options_export
from dashboard.views.options import Option, OptionsQuery, opened, sandbox
from dashboard.views.scene import scene
from dashboard.views.siting import (
    gains_by_authority,
    gains_by_fifth,
    plan_document,
    plan_sites,
    site_cards,
    siting_request,
)
from dashboard.views.together import Together, together_of
from layers import LEVELS, PUBLIC, Refused
from tests.dashboard.sentences import Said, of_tree

BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "button", "caption", "dd", "details", "div", "dl", "dt", "fieldset", "figcaption",
    "figure", "footer", "form", "h1", "h2", "h3", "h4", "header", "label", "legend", "li", "main", "nav", "ol", "option", "p",
    "section", "select", "small", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "title", "tr", "ul",
})  # fmt: skip
"""Elements whose words are read by themselves; the words of any other belong to the block around it."""
SILENT = frozenset({"script", "style", "svg", "template", "textarea", "pre", "code"})
OBJECTIVES = ("mclp", "p-median", "lscp")


# ---- blocks of text --------------------------------------------------------------------------------------------------


class _Blocks(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.found, self.words, self.silent = [], [], 0

    def close_block(self) -> None:
        text = " ".join("".join(self.words).split())
        self.found += [text] if text else []
        self.words = []

    def handle_starttag(self, tag, attrs):
        self.silent += tag in SILENT
        if tag in BLOCKS or tag == "br":
            self.close_block()
        self.found += [value for name, value in attrs if name in ("alt", "aria-label", "title") and value]

    def handle_endtag(self, tag):
        self.silent -= tag in SILENT
        if tag in BLOCKS:
            self.close_block()

    def handle_data(self, data):
        self.words += [] if self.silent else [data]


def of_html(where: str, text: str) -> Iterator[Said]:
    reader = _Blocks()
    reader.feed(text)
    reader.close()
    reader.close_block()
    yield from ((where, said) for said in reader.found)


def of_components(where: str, tree) -> Iterator[Said]:
    """The blocks of a tree of Dash components."""
    words: list[str] = []

    def flush() -> Iterator[Said]:
        text = " ".join("".join(words).split())
        words.clear()
        if " " in text:  # a word alone is a label
            yield where, text

    def walk(node) -> Iterator[Said]:
        if node is None or isinstance(node, bool):
            return
        if isinstance(node, list | tuple):
            for child in node:
                yield from walk(child)
            return
        if not isinstance(node, Component):
            words.append(str(node))
            return
        kind = type(node).__name__.lower()
        block = kind in BLOCKS or kind in ("markdown", "loading")
        if block:
            yield from flush()
        props = node.to_plotly_json()["props"]
        for name in ("alt", "aria-label", "title", "placeholder"):
            if " " in str(props.get(name) or ""):
                yield where, props[name]
        if kind in ("radioitems", "checklist", "dropdown"):
            for option in props.get("options") or ():
                label = option.get("label") if isinstance(option, dict) else option
                yield from of_components(where, label)
        if kind not in ("store", "markdown"):
            yield from walk(props.get("children"))
        if block:
            yield from flush()

    yield from walk(tree)
    yield from flush()


# ---- pages -----------------------------------------------------------------------------------------------------------


def of_explore(published) -> Iterator[Said]:
    """The page of the map: bare, each theme's question in each way of looking, a second level."""
    shapes = Shapes(published)
    yield from of_components("explore", explore.layout(published, {}, PUBLIC, shapes=shapes))
    for question in questions(published, PUBLIC):
        for show in ("need", "access", "gap"):
            asked = replace(question.selection, show=show)
            layout = explore.layout(published, asked.to_query(), PUBLIC, shapes=shapes)
            yield from of_components(f"explore {question.theme.id} {show}", layout)


def of_communities(published, most: int = 4) -> Iterator[Said]:
    """The pages of communities, with what one new site would do: the first and the last of each theme's, in all formats of links."""
    shapes = Shapes(published)
    for question in questions(published, PUBLIC):
        gaps = answer_or_reasons(lambda q=question: gaps_of(published, q.selection, PUBLIC))
        cards = list(getattr(gaps, "cards", ()))
        half = most // 2
        for n, card in enumerate(dict.fromkeys((*cards[:half], *cards[-half:]))):
            query = question.selection.to_query() | ({} if n else {"site": "best"})
            layout = community_page.layout(published, query, PUBLIC, shapes=shapes, community=card.id)
            yield from of_components(f"community {question.theme.id} {card.id}", layout)


def boxes(published) -> Iterator[tuple[str, object, object]]:
    """(theme, plan, options page) of each theme: with nothing changed, one site opened where it helps most and one closed."""
    for question in questions(published, PUBLIC):
        request = siting_request(published, question.selection, new=2, exact=False)
        plan = answer_or_reasons(lambda r=request: plan_sites(published, r, PUBLIC))
        sites = plan.result.plan.sites if hasattr(plan, "result") else ()
        box = sandbox(published, OptionsQuery(question.selection), PUBLIC)
        if not hasattr(box, "sites"):
            continue
        made = [Option("A"), Option("B", "", tuple(opened(site.easting, site.northing) for site in sites))]
        if len(box.sites):
            from layers import Change

            made.append(Option("C", "Close one", (Change("close", box.sites["service_id"].iat[0]),)))
        yield (
            question.theme.id,
            plan,
            sandbox(published, OptionsQuery(question.selection, None, tuple(made), "B"), PUBLIC),
        )


def of_options(published) -> Iterator[Said]:
    """/options: the page with three options, its files, and what is suggested, for the three objectives."""
    shapes = Shapes(published)
    yield from of_components("options", options.layout(published, {}, PUBLIC, shapes=shapes))
    for theme, _, box in boxes(published):
        layout = options.layout(published, box.query.to_query(), PUBLIC, shapes=shapes)
        yield from of_components(f"options {theme}", layout)
        yield from of_tree(f"options {theme} document", options_document(box, PUBLIC, "2026-11-30"))
        yield from of_file(f"options {theme} csv", options_export(box, PUBLIC, "2026-11-30"))


def of_plans(published) -> Iterator[Said]:
    """What the planner says: its document, the cards of its sites, who gains."""
    for question in questions(published, PUBLIC):
        for objective in OBJECTIVES:
            where = f"plan {question.theme.id} {objective}"
            try:
                request = siting_request(published, question.selection, new=2, objective=objective, exact=False)
                plan = plan_sites(published, request, PUBLIC)
            except Refused as error:
                yield where, f"{error.title} {error}"
                continue
            document = plan_document(plan)
            yield from of_tree(where, document)
            yield from of_tree(where, plan_export(document, plan.claims, "2026-11-30").tree())
            yield from ((where, text) for card in site_cards(plan) for text in (card.gains, card.overlap))
            for row in (*gains_by_authority(plan), *gains_by_fifth(plan)):
                yield where, f"{row.name}: {row.words}"


def togethers(published) -> Iterator[tuple[str, Together]]:
    """Alone against together of every list of services, alone and with each theme's need, at two levels."""
    for layer in published.store.layers(PUBLIC, kind="services"):
        for level in LEVELS:
            found = answer_or_reasons(
                lambda i=layer.id, n=level: together_of(
                    published, Selection(services=(i,), show="access", level=n), PUBLIC
                )
            )
            if isinstance(found, Together):
                yield f"together {layer.id} {level}", found
    for question in questions(published, PUBLIC):
        found = answer_or_reasons(lambda q=question: together_of(published, q.selection, PUBLIC))
        if isinstance(found, Together):
            yield f"together {question.theme.id}", found


def of_together(published) -> Iterator[Said]:
    """/together: the whole document and the lines of its CSV."""
    for where, found in togethers(published):
        yield from of_tree(where, together_document(found))
        yield from ((where, text) for card in found.cards for text in (card.sentence, *(f.words for f in card.flows)))
        yield from of_file(f"{where} csv", together_export(found, "2026-11-30"))


def of_file(where: str, document) -> Iterator[Said]:
    """What stands beside the figures of a CSV: the lines above, the columns that say the same in every row."""
    sheet = document.sheet()
    yield from ((f"{where} above", line) for line in sheet.above)
    yield from ((f"{where} {name}", text) for name, text in sheet.beside.items() if not text.startswith("{"))
    yield from ((f"{where} head", str(head)) for head in sheet.heads)
    assert write(document, "csv")


def of_files(published) -> Iterator[Said]:
    """The notes of CSV files: of the map's table in each way of looking, of gaps, at every level."""
    for question in questions(published, PUBLIC):
        for show in ("need", "gap"):
            asked = replace(question.selection, show=show)
            table = map_table.map_table(published, asked, scene(published, asked, PUBLIC))
            if table is not None:
                yield from of_file(f"table {question.theme.id} {show}", table.document())
        gaps = answer_or_reasons(lambda q=question: gaps_of(published, q.selection, PUBLIC))
        if hasattr(gaps, "cards"):
            yield from of_file(f"gaps {question.theme.id} csv", gaps_export(gaps, "2026-11-30"))
            yield from ((f"trust {question.theme.id}", f"{row.word}: {row.reason}") for row in rows_of_gaps(gaps))
    for layer in published.store.layers(PUBLIC, kind="indicator"):
        for level in layer.levels:
            asked = Selection(need=layer.id, level=level)
            table = map_table.map_table(published, asked, scene(published, asked, PUBLIC))
            if table is not None:
                yield from of_file(f"table {layer.id} {level}", table.document())


def of_catalogue(published) -> Iterator[Said]:
    """The catalogue, and every layer's own page as the server writes it."""
    layout = catalogue_page.layout(published, {}, PUBLIC, shapes=Shapes(published))
    yield from of_components("catalogue", layout)
    client = create_app(published, "a key for the tests only").server.test_client()
    for layer in published.store.layers(PUBLIC):
        answer = client.get(f"/catalogue/{layer.id}")
        assert answer.status_code == 200, layer.id
        yield from of_html(f"catalogue {layer.id}", answer.get_data(as_text=True))


def of_sheets(published, level: str, every: int = 1) -> Iterator[Said]:
    """The sheets of A4 of areas, and each one's pages for the other formats."""
    client = create_app(published, "a key for the tests only").server.test_client()
    for code in list(published.region.areas[level]["code"])[::every]:
        answer = client.get(f"/briefings/{'ward' if level == 'ward' else 'area'}-{code}")
        assert answer.status_code == 200, code
        yield from of_html(f"sheet {code}", answer.get_data(as_text=True))
