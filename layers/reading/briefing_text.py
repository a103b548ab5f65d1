"""A briefing as a person writes it: Markdown with front matter, one page for each top-level heading.

.. code-block:: text

    ---
    title: Where help with alcohol is furthest from need
    partner: north-east-ca
    audience: public
    view: need=alcohol-harm-2025&services=drug-and-alcohol&show=gap
    ---
    # {{ gaps.areas }} neighbourhoods are underserved

    **{{ gaps.residents }} residents** live in them.

    ```exhibit
    map
    caption: Need and distance, 2025
    ```

    ```notes
    Start with Ashington.
    ```

:func:`read_briefing` takes it apart and names every fault with its page and line. It resolves nothing: a token
(``{{ name key=value }}``) stays a :class:`Token` that the dashboard fills with a number. HTML, images and addresses other than
web pages, e-mail and this site's own are refused, not cleaned: an author should know what will not be shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token as Piece

from layers.model import Audience, Fault, Refused

MOST_BYTES = 200_000
MOST_PAGES = 60
MOST_TOKENS = 400
MOST_FRONT = 8_000
"""Characters of front matter: every setting at its longest fits twice."""
MOST_FAULTS = 200
"""Nobody reads more at once; one line of nonsense may hold a fault a character."""
LONGEST_TITLE = 90
LONGEST_HEADLINE = 110
"""Characters of a headline once its tokens are filled: six lines beside a map on a screen that is read from the back of a room."""

FRONT = ("title", "subtitle", "partner", "audience", "theme", "view", "review_on", "author", "logo")
EXHIBITS = ("map", "chart", "table", "community", "options", "together", "affected", "picture")
EXHIBIT_KEYS = (
    "caption", "alt", "view", "type", "layer", "area", "level", "period", "n", "community", "services", "need", "theme",
    "above", "below", "picture", "baseline",
)  # fmt: skip

ID = re.compile(r"[a-z0-9][a-z0-9-]{0,79}\Z")
_NAME = re.compile(r"[a-z][a-z_]*(?:\.[a-z][a-z_]*)*\Z")
_ARGUMENT = re.compile(r"""\s*([a-z_]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+))""")
_TOKEN = re.compile(r"\{\{((?:(?!\{\{).)*?)\}\}", re.DOTALL)  # none holds the beginning of another: or it takes minutes
_MARK = re.compile("\ue000(\\d+)\ue001")  # where a token stood while Markdown is read; refused in what people write
_ALONE = re.compile("[\ud800-\udfff]")  # half of a character, which no file and no database takes
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ue000\ue001\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Token:
    """``{{ value layer=a area=E01000001 }}``: ``name`` and ``arguments`` as written, and the line it stands on."""

    name: str
    arguments: Mapping[str, str]
    line: int
    text: str  # as written, without the braces and needless spaces


@dataclass(frozen=True)
class Run:
    """Some words in one style. With a ``token`` the words are what it says; "" until it is filled."""

    text: str = ""
    bold: bool = False
    italic: bool = False
    link: str = ""
    token: Token | None = None


@dataclass(frozen=True)
class Block:
    """``kind`` is paragraph (one item), bullets, numbers or quote (one item); an item is runs in order."""

    kind: str
    items: tuple[tuple[Run, ...], ...]


@dataclass(frozen=True)
class ExhibitSpec:
    """What a page shows beside its words: one of :data:`EXHIBITS`, and its settings as written."""

    kind: str
    arguments: Mapping[str, str]
    line: int


@dataclass(frozen=True)
class DocumentPage:
    """``number`` counts from 1; ``line`` is that of the headline; ``last`` that of the page's last line."""

    number: int
    line: int
    last: int
    headline: tuple[Run, ...]
    blocks: tuple[Block, ...]
    exhibit: ExhibitSpec | None
    notes: tuple[Block, ...]


@dataclass(frozen=True)
class Document:
    """A briefing as written. ``view`` is the query of the Selection that pages and tokens use unless they name their own."""

    title: str
    partner: str
    pages: tuple[DocumentPage, ...]
    audience: Audience = Audience.PUBLIC
    subtitle: str = ""
    theme: str = ""
    view: str = ""
    review_on: str = ""  # ISO date
    author: str = ""
    logo: str = ""  # id of a picture for the first page
    text: str = field(default="", repr=False)

    @property
    def tokens(self) -> tuple[tuple[int, Token], ...]:
        """(page number, token) in reading order, notes too."""
        return tuple((page.number, token) for page in self.pages for token in tokens_of(page))


def tokens_of(page: DocumentPage) -> tuple[Token, ...]:
    """The tokens of a page: headline, words, notes."""
    runs = [page.headline, *(item for block in (*page.blocks, *page.notes) for item in block.items)]
    return tuple(run.token for item in runs for run in item if run.token is not None)


def plain(runs: tuple[Run, ...]) -> str:
    """The words without their styles."""
    return "".join(run.text for run in runs)


def read_briefing(text: str, *, where: str = "briefing") -> Document:
    """Read a briefing. Raises :class:`Refused` with every fault, each naming ``where``, page and line.

    Whether layers, areas, partners and views exist is for those who know the region; this only reads.
    """
    faults: list[Fault] = []
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if len(text.encode("utf-8", "replace")) > MOST_BYTES:
        what = f"it is larger than {MOST_BYTES // 1000:,} kB"
        raise Refused("The briefing cannot be read.", [Fault(what, where, "split it in two", rule="briefing-size")])
    for number, line in enumerate(text.split("\n"), 1):
        if found := _FORBIDDEN.search(line):
            what = f"there is a character that cannot be shown (U+{ord(found[0]):04X})"
            faults.append(_fault(where, number, what, "delete it", "control-character"))
    text = _FORBIDDEN.sub("", text)
    front, body, start = _front_matter(text, where, faults)
    pages = _pages(body, start, where, faults)
    if faults:
        raise Refused("The briefing cannot be read.", faults[:MOST_FAULTS])
    return Document(**front, pages=pages, text=text)


# ---- front matter -------------------------------------------------------------------------------------------------------


def _front_matter(text: str, where: str, faults: list[Fault]) -> tuple[dict[str, Any], str, int]:
    """The settings, the rest, and the line on which the rest begins."""
    lines = text.split("\n")
    if lines[0].strip() != "---":
        todo = "begin with a line of three hyphens, the settings (title, partner, audience), and three hyphens again"
        faults.append(_fault(where, 1, "it has no front matter", todo, "front-matter"))
        return {"title": "", "partner": ""}, text, 1
    end = next((n for n, line in enumerate(lines[1:], 1) if line.strip() in ("---", "...")), None)
    if end is None:
        faults.append(
            _fault(where, 1, "its front matter has no end", "close it with a line of three hyphens", "front-matter")
        )
        return {"title": "", "partner": ""}, "", 1
    body = "\n".join(lines[end + 1 :])
    return _settings("\n".join(lines[1:end]), where, faults), body, end + 2


def _settings(text: str, where: str, faults: list[Fault]) -> dict[str, Any]:
    empty = {"title": "", "partner": ""}
    found = _pairs(text, where, faults)
    if found is None:
        return empty
    out: dict[str, Any] = {}
    for name, (value, line) in found.items():
        if name not in FRONT:
            todo = f"use {', '.join(FRONT)}"
            faults.append(_fault(where, line, f"there is no setting '{name[:40]}'", todo, "front-matter-name"))
        elif len(value) > 400:
            faults.append(_fault(where, line, f"{name} is longer than 400 characters", "shorten it", "front-matter"))
        elif bad := _FORBIDDEN.search(value) or _ALONE.search(value):  # "\u202e" in quotes is one of them
            what = f"{name} holds a character that cannot be shown (U+{ord(bad[0]):04X})"
            faults.append(_fault(where, line, what, "delete it", "control-character"))
        else:
            out[name] = " ".join(value.split())
    for name in ("title", "partner"):
        if not out.get(name):
            faults.append(
                _fault(where, 2, f"{name} is missing", f"add “{name}: …” to the front matter", "front-matter")
            )
            out.setdefault(name, "")
    if len(out["title"]) > LONGEST_TITLE:
        faults.append(
            _fault(
                where, _line_of(text, "title"), f"the title is longer than {LONGEST_TITLE} characters", "shorten it",
                "headline",
            )
        )  # fmt: skip
    audience = out.get("audience", "public")
    if audience not in tuple(Audience):
        todo = f"use {', '.join(Audience)}"
        faults.append(_fault(where, _line_of(text, "audience"), f"there is no audience '{audience}'", todo, "audience"))
        audience = "public"
    out["audience"] = Audience(audience)
    if out.get("review_on"):
        try:
            out["review_on"] = date.fromisoformat(out["review_on"]).isoformat()
        except ValueError:
            faults.append(
                _fault(
                    where, _line_of(text, "review_on"), "review_on is not a date", "write it like 2027-03-31", "date"
                )
            )
    return out


def _pairs(text: str, where: str, faults: list[Fault]) -> dict[str, tuple[str, int]] | None:
    """Name: (value, line in the file) of the front matter; None where it cannot be read.

    The parts are taken as YAML names them, and nothing is made of them: every value stays text (a partner called ``no``, a
    date), nothing nests, and no tag or alias is followed.
    """

    def refuse(line: int, what: str, todo: str = "write one “name: value” a line") -> None:
        faults.append(_fault(where, line, what, todo, "front-matter"))

    if len(text) > MOST_FRONT:
        refuse(2, f"its front matter is longer than {MOST_FRONT:,} characters", "keep the words for the pages")
        return None
    out: dict[str, tuple[str, int]] = {}
    name, inside = None, False
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            line = event.start_mark.line + 2
            if isinstance(event, yaml.AliasEvent):
                refuse(line, "it uses a YAML alias (*)", "write the value out")
                return None
            if getattr(event, "tag", None):
                refuse(line, "it uses a YAML tag (!)", "write the value without it")
                return None
            if isinstance(event, yaml.MappingStartEvent) and not inside:
                inside = True
            elif isinstance(event, yaml.CollectionStartEvent):
                refuse(line, f"{name[:40]} is not one text" if name else "its front matter is not a list of settings")
                return None
            elif isinstance(event, yaml.ScalarEvent) and not inside:
                refuse(line, "its front matter is not a list of settings")
                return None
            elif isinstance(event, yaml.ScalarEvent) and name is None:
                name = event.value
                if name in out:
                    refuse(line, f"{name[:40]} is set twice", "delete one of the two")
            elif isinstance(event, yaml.ScalarEvent):
                out.setdefault(name, (event.value, line))
                name = None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = f"its front matter cannot be read: {getattr(error, 'problem', None) or 'it is not YAML'}"
        refuse(mark.line + 2 if mark else 2, what)
        return None
    return out


def _line_of(text: str, name: str) -> int:
    """Line in the file on which a setting stands; the front matter begins on line 2."""
    for number, line in enumerate(text.split("\n"), 2):
        if line.strip().startswith(f"{name}:"):
            return number
    return 2


_NOTES = re.compile(r" {0,3}(`{3,}|~{3,})\s*notes\s*\Z")
_FENCE_END = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*\Z")


def without_notes(text: str) -> str:
    """The text without what only its presenter is to read: every ```notes block, one without an end too."""
    lines, fence = text.split("\n"), ""
    front = lines[0].strip() == "---"
    out = []
    for number, line in enumerate(lines):
        if front:  # a setting may run over lines
            out.append(line)
            front = not (number and line.strip() in ("---", "..."))
        elif fence:
            end = _FENCE_END.match(line)
            fence = "" if end and end[1].startswith(fence) else fence
        elif found := _NOTES.match(line):
            fence = found[1]
        else:
            out.append(line)
    return "\n".join(out)


# ---- pages --------------------------------------------------------------------------------------------------------------

_markdown = MarkdownIt("commonmark", {"html": False}).disable(["html_block", "html_inline", "entity"])
_markdown.validateLink = lambda _: (
    True
)  # every address comes to safe_link, which names it; the library would only not link it


class _Reader:
    """One body, turned into pages. Tokens are taken out before Markdown sees them, so that an underscore in one stays."""

    def __init__(self, body: str, start: int, where: str, faults: list[Fault]):
        self.where, self.faults, self.start = where, faults, start
        self.tokens: list[Token | None] = []
        self.body = _TOKEN.sub(lambda found: self._token(found), body)
        for number, line in enumerate(self.body.split("\n"), start):
            if "{{" in line or "}}" in line:
                self.fault(number, "a token has no end or no beginning", "write {{ name }} on one line", "token")

    def fault(self, line: int, what: str, todo: str, rule: str, page: int = 0) -> None:
        self.faults.append(_fault(self.where, line, what, todo, rule, page))

    def _token(self, found: re.Match) -> str:
        if len(self.tokens) > MOST_TOKENS:  # it is refused already
            return " "
        line = self.start + found.string.count("\n", 0, found.start())
        written = " ".join(found[1].split())
        self.tokens.append(self._read_token(written, line))
        # a token that runs over lines keeps them, so that the lines below still count right
        return f"\ue000{len(self.tokens) - 1}\ue001" + "\n" * found[0].count("\n")

    def _read_token(self, written: str, line: int) -> Token | None:
        if len(self.tokens) >= MOST_TOKENS:
            if len(self.tokens) == MOST_TOKENS:
                self.fault(line, f"it has more than {MOST_TOKENS} tokens", "split the briefing in two", "token")
            return None
        name, _, rest = written.partition(" ")
        if not _NAME.match(name):
            todo = "write it like {{ gaps.residents }} or {{ value layer=ID area=CODE }}"
            self.fault(line, f"“{written[:40]}” is not a token", todo, "token")
            return None
        arguments, at = {}, 0
        while at < len(rest.rstrip()):
            found = _ARGUMENT.match(rest, at)
            if found is None or found[1] in arguments:
                what = f"the token “{name}” has a part that cannot be read: “{rest[at:].strip()[:40]}”"
                self.fault(line, what, 'write key=value, once each, with "…" where the value has a space', "token")
                return None
            arguments[found[1]] = next(part for part in found.groups()[1:] if part is not None)
            at = found.end()
        return Token(name, MappingProxyType(arguments), line, written)

    def pages(self) -> tuple[DocumentPage, ...]:
        pieces = _markdown.parse(self.body)
        heads = [n for n, p in enumerate(pieces) if p.type == "heading_open" and p.tag == "h1" and p.level == 0]
        if not heads:
            self.fault(self.start, "it has no page", "begin each page with a headline: # One point", "page")
            return ()
        if heads[0] > 0:
            line = self.start + (pieces[0].map or [0])[0]
            self.fault(line, "there is text before the first headline", "begin each page with # and a headline", "page")
        if len(heads) > MOST_PAGES:
            self.fault(
                self.start + pieces[heads[MOST_PAGES]].map[0], f"it has more than {MOST_PAGES} pages", "shorten it",
                "page",
            )  # fmt: skip
            return ()
        ends = [*heads[1:], len(pieces)]
        last_line = self.start + self.body.rstrip().count("\n")
        lasts = [self.start + pieces[n].map[0] - 1 for n in heads[1:]] + [last_line]
        return tuple(
            self._page(number, pieces[a:b], last)
            for number, (a, b, last) in enumerate(zip(heads, ends, lasts, strict=True), 1)
        )

    def _page(self, number: int, pieces: list[Piece], last: int) -> DocumentPage:
        line = self.start + pieces[0].map[0]
        headline = self._runs(pieces[1], number)
        words = plain(headline)
        if not words.strip() and not any(run.token for run in headline):
            self.fault(line, "the headline is empty", "say the one point of the page in it", "headline", number)
        if len(words) > LONGEST_HEADLINE:
            what = f"the headline has {len(words)} characters; a room can read {LONGEST_HEADLINE}"
            self.fault(line, what, "shorten it, and say the rest below", "headline", number)
        blocks, notes, exhibit, at = [], [], None, 3
        while at < len(pieces):
            piece = pieces[at]
            here = self.start + (piece.map or [line - self.start])[0]
            if piece.type == "fence":
                info = piece.info.strip()
                if info == "exhibit":
                    if exhibit is not None:
                        self.fault(
                            here, "the page has a second exhibit", "give it a page of its own", "exhibit", number
                        )
                    else:
                        exhibit = self._exhibit(piece, here, number)
                elif info == "notes":
                    notes += self._inner(piece.content, here + 1, number)
                else:
                    todo = "use ```exhibit or ```notes"
                    self.fault(here, f"there is no block called “{info[:40]}”", todo, "block", number)
                at += 1
            elif piece.nesting == 1:
                end = _closing(pieces, at)
                blocks += self._block(pieces[at : end + 1], here, number)
                at = end + 1
            else:
                if piece.type not in ("hr",):
                    self.fault(here, "this cannot stand in a briefing", "use paragraphs and lists", "block", number)
                at += 1
        return DocumentPage(number, line, last, headline, tuple(blocks), exhibit, tuple(notes))

    def _inner(self, content: str, line: int, page: int) -> list[Block]:
        """Blocks of a fenced note."""
        start, self.start = self.start, line
        pieces, out, at = _markdown.parse(content), [], 0
        while at < len(pieces):
            here = line + (pieces[at].map or [0])[0]
            end = _closing(pieces, at) if pieces[at].nesting == 1 else at
            out += self._block(pieces[at : end + 1], here, page)
            at = end + 1
        self.start = start
        return out

    def _block(self, pieces: list[Piece], line: int, page: int) -> list[Block]:
        kinds = {
            "paragraph_open": "paragraph",
            "bullet_list_open": "bullets",
            "ordered_list_open": "numbers",
            "blockquote_open": "quote",
        }
        kind = kinds.get(pieces[0].type)
        if kind is None:
            if pieces[0].type == "heading_open":
                todo = "begin a page with # and write the rest in paragraphs: one point a page"
                self.fault(line, "it has a heading inside a page", todo, "block", page)
            else:
                todo = "use paragraphs, lists and quotations"
                self.fault(line, f"a {pieces[0].type.split('_')[0]} cannot stand here", todo, "block", page)
            return []
        if any(piece.type in ("fence", "code_block", "heading_open") for piece in pieces) or (
            kind in ("bullets", "numbers") and sum(p.type.endswith("_list_open") for p in pieces) > 1
        ):
            self.fault(line, "a list holds more than lines of text", "keep to one list of short lines", "block", page)
            return []
        if kind == "paragraph":
            return [Block(kind, (self._runs(pieces[1], page),))]
        inline = [self._runs(piece, page) for piece in pieces if piece.type == "inline"]
        return [Block(kind, tuple(inline))] if kind != "quote" else [Block(kind, (item,)) for item in inline]

    def _runs(self, inline: Piece, page: int) -> tuple[Run, ...]:
        runs, bold, italic, link = [], 0, 0, ""
        line = self.start + (inline.map or [0])[0]
        for child in inline.children or ():
            if child.type == "text":
                runs += self._words(child.content, bool(bold), bool(italic), link)
            elif child.type in ("softbreak", "hardbreak"):
                runs.append(Run(" ", bool(bold), bool(italic), link))
                line += 1
            elif child.type == "strong_open":
                bold += 1
            elif child.type == "strong_close":
                bold -= 1
            elif child.type == "em_open":
                italic += 1
            elif child.type == "em_close":
                italic -= 1
            elif child.type == "link_open":
                link = str(child.attrGet("href") or "")
                if not safe_link(link):
                    todo = "link to an https address, an e-mail address or a page of this site"
                    self.fault(line, f"the link to “{link[:60]}” is not allowed", todo, "link", page)
                    link = ""
            elif child.type == "link_close":
                link = ""
            elif child.type == "image":
                todo = "show a map, chart or picture as an exhibit"
                self.fault(line, f"there is a picture: “{child.attrGet('src')}”"[:80], todo, "image", page)
            elif child.type == "code_inline":
                runs += self._words(child.content, bool(bold), bool(italic), link)
            else:
                self.fault(
                    line, "this cannot stand in a briefing", "use words, bold, italics and links", "inline", page
                )
        for run in runs:
            if run.token is None and re.search(r"<\s*/?\s*[a-zA-Z!]", run.text):
                todo = "write it in words; HTML is shown to nobody"
                self.fault(line, f"there is HTML: “{run.text.strip()[:40]}”", todo, "html", page)
                break
        return tuple(runs)

    def _words(self, text: str, bold: bool, italic: bool, link: str) -> list[Run]:
        """Words and tokens in turn."""
        out, at = [], 0
        for found in _MARK.finditer(text):
            if found.start() > at:
                out.append(Run(text[at : found.start()], bold, italic, link))
            token = self.tokens[int(found[1])]
            if token is not None:
                out.append(Run("", bold, italic, link, token))
            at = found.end()
        if at < len(text):
            out.append(Run(text[at:], bold, italic, link))
        return out

    def _exhibit(self, piece: Piece, line: int, page: int) -> ExhibitSpec | None:
        rows = [(n, row.strip()) for n, row in enumerate(piece.content.split("\n"), line + 1) if row.strip()]
        if not rows or rows[0][1] not in EXHIBITS:
            named = f"there is no exhibit “{rows[0][1][:40]}”" if rows else "the exhibit is empty"
            self.fault(line, named, f"name one of {', '.join(EXHIBITS)} on its first line", "exhibit", page)
            return None
        arguments: dict[str, str] = {}
        for number, row in rows[1:]:
            name, colon, value = (part.strip() for part in row.partition(":"))
            if _MARK.search(row):
                todo = "put numbers in the words of the page; an exhibit has its own"
                self.fault(number, "a token cannot stand in an exhibit", todo, "exhibit", page)
            elif not colon or name not in EXHIBIT_KEYS or name in arguments or not value or len(value) > 2000:
                todo = f"write one “name: value” a line, once each, of {', '.join(EXHIBIT_KEYS)}"
                self.fault(number, f"the exhibit's line “{row[:40]}” cannot be read", todo, "exhibit", page)
            else:
                arguments[name] = value
        return ExhibitSpec(rows[0][1], MappingProxyType(arguments), line)


def _pages(body: str, start: int, where: str, faults: list[Fault]) -> tuple[DocumentPage, ...]:
    return _Reader(body, start, where, faults).pages()


def _closing(pieces: list[Piece], at: int) -> int:
    depth = 0
    for n in range(at, len(pieces)):
        depth += pieces[n].nesting
        if depth == 0:
            return n
    return len(pieces) - 1


def safe_link(address: str) -> bool:
    """Whether an address may be linked to: https, http, e-mail, or a page of this site."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return False
    if parts.scheme in ("http", "https"):
        return bool(parts.netloc)
    if parts.scheme == "mailto":
        return "@" in parts.path
    return not parts.scheme and not parts.netloc and address[:1] in ("/", "#") and not address.startswith(("//", "/\\"))


def _fault(where: str, line: int, what: str, todo: str, rule: str, page: int = 0) -> Fault:
    place = f"{where}, page {page}, line {line}" if page else f"{where}, line {line}"
    return Fault(what, place, todo, row=None, rule=rule)
