"""A briefing as written, filled in with numbers, words and pictures for the reader that its audience names.

:func:`build_briefing` is strict for an author: everything that is wrong with every page comes in one :class:`layers.Refused`.
With ``lenient`` it is for people who read what was published: a page whose data is gone says so, and the others are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from dashboard.brand import Brand, brand_of
from dashboard.briefings.filling import exhibits
from dashboard.briefings.filling.asking import BROKEN_VIEW
from dashboard.briefings.filling.credits import limits_of, source_lines
from dashboard.briefings.filling.facts import Facts, query_of
from dashboard.briefings.filling.gating import certain_faults, claims_about, gated_blocks, gated_runs, layers_of
from dashboard.briefings.filling.model import Briefing, BriefingPage, Fact, Figure, SourceLine, Stale
from dashboard.published import Published
from dashboard.views.confidence import Resting, all_cautions, rows_of
from dashboard.views.options import OptionsQuery
from dashboard.views.together import CAUTION as STRAIGHT
from dashboard.views.wording import AUDIENCE_WORDS, capital, day
from layers import (
    LONGEST_HEADLINE,
    PUBLIC,
    Audience,
    BriefingBlock,
    BriefingRun,
    Document,
    DocumentPage,
    ExhibitSpec,
    Fault,
    Kind,
    NotFound,
    Pictures,
    Refused,
    Viewer,
    tokens_of,
)

READER = "reader of a briefing"
"""Name of the viewer who stands for everybody who may read a briefing; no account has a space in its name."""


def reader_of(published: Published, audience: Audience | str, partner: str) -> Viewer:
    """The viewer as whom a briefing is filled in, whoever looks at it.

    public: nobody who is signed in. partners: somebody of the partner who sees only what every partner may see, so not what
    the partner keeps to itself. owner: somebody of the partner. Raises :class:`Refused` for a partner that is not in the region.
    """
    audience = Audience(audience)
    if audience == Audience.PUBLIC:
        return PUBLIC
    Facts(published, PUBLIC).partner(partner)
    return Viewer(READER, partner, "viewer", own=audience == Audience.OWNER)


def build_briefing(
    published: Published,
    document: Document,
    *,
    briefing_id: str,
    pins: Mapping[str, int] | None = None,
    lenient: bool = False,
    version: int = 0,
    published_on: str = "",
    made_on: date | None = None,
    author: Viewer | None = None,
) -> Briefing:
    """Fill a briefing in; the arguments are those of :func:`fill_in`.

    Raises :class:`Refused` with every fault of every page, each with its page and line, unless ``lenient``.
    """
    briefing, faults = fill_in(
        published,
        document,
        briefing_id=briefing_id,
        pins=pins,
        version=version,
        published_on=published_on,
        made_on=made_on,
        author=author,
    )
    if faults and not lenient:
        raise Refused(_TITLE, faults)
    return briefing


_TITLE = "The briefing cannot be filled in."


def fill_in(
    published: Published,
    document: Document,
    *,
    briefing_id: str,
    pins: Mapping[str, int] | None = None,
    version: int = 0,
    published_on: str = "",
    made_on: date | None = None,
    author: Viewer | None = None,
) -> tuple[Briefing, tuple[Fault, ...]]:
    """A briefing as far as it can be filled in, and everything that is wrong with it, in one go: what an editor shows.

    ``pins`` (layer id -> version) are those of a published one; without them the newest data is used. ``author`` is who
    writes it: only somebody who may see a layer is told that it is hidden from the readers. Raises :class:`Refused` for an
    author who would read, through the briefing, what another partner keeps to itself.
    """
    newest = published.live
    published = published.at(pins) if pins else published
    made_on = made_on or newest.store.now().date()
    region, audience = published.region, document.audience
    partner = region.partner(document.partner)
    if author is not None and not _may_read(document, author):
        what = f"a briefing for {AUDIENCE_WORDS[audience].lower()} cannot be filled in for you"
        todo = "name your own partner, or make it public"
        raise Refused(_TITLE, [Fault(what, f"line {_line_of(document, 'partner')}", todo, rule="partner")])
    known = partner is not None or audience == Audience.PUBLIC
    # for nobody in particular: what everybody may see, and no more
    reader = reader_of(published, audience, document.partner) if known else PUBLIC
    facts = Facts(published, reader, author=author, made_on=made_on)
    front = _front_faults(document, facts)
    build = _Build(published, document, facts, list(front))
    pages = tuple(build.page(page) for page in document.pages)
    build.faults += certain_faults(document, sampled_pages(published, pages, reader))
    briefing = Briefing(
        briefing_id,
        document,
        region.name,
        partner.name if partner else document.partner,
        region.notice,
        made_on,
        pages,
        pins_of(pages),
        version,
        published_on,
        _stale(newest, pins_of(pages), reader) if pins else (),
        f"/briefings/{briefing_id}",
        _brand_of(newest, document),
    )
    # without a reader, what a page lacks says nothing about the page
    return briefing, tuple(build.faults if known else front)


def _brand_of(published: Published, document: Document) -> Brand:
    """That of the partnership; with a logo of its own where the text names one."""
    brand = brand_of(published.region)
    if not document.logo:
        return brand
    try:
        found = Pictures(published.store).get(document.logo)
    except (NotFound, Refused):
        return brand
    return brand.with_picture(found, found.alt)


def _may_read(document: Document, author: Viewer) -> bool:
    """Whether an author is one of those whom the audience names."""
    if document.audience == Audience.PUBLIC or author.role == "admin":
        return True
    if document.audience == Audience.PARTNERS:
        return author.signed_in
    return author.signed_in and author.own and author.partner == document.partner


def sampled_pages(published: Published, pages: Iterable[BriefingPage], reader: Viewer) -> dict[int, bool | None]:
    """Page number -> whether the page rests on a sample; None where it rests on no data."""
    found: dict[int, bool | None] = {}
    for page in pages:
        used = used_layers(page.facts.values(), page.figure)
        found[page.number] = claims_about(published, used, reader).sampled if used else None
    return found


def pins_of(pages: Iterable[BriefingPage]) -> dict[str, int]:
    """Layer id -> version of everything that pages took numbers from, in the order of first use."""
    pins: dict[str, int] = {}
    for page in pages:
        for layer_id, version in used_layers(page.facts.values(), page.figure):
            pins.setdefault(layer_id, version)
    return pins


def used_layers(facts: Iterable[Fact], figure: Figure | None) -> tuple[tuple[str, int], ...]:
    """(layer id, version) of some facts and a figure, each once."""
    found = [pair for fact in facts for pair in fact.layers] + list(figure.layers if figure is not None else ())
    return tuple(dict.fromkeys(found))


def _stale(newest: Published, pins: Mapping[str, int], reader: Viewer) -> tuple[Stale, ...]:
    found = []
    for layer_id, pinned in pins.items():
        try:
            layer = newest.store.layer(layer_id, reader)
        except NotFound:
            continue  # withdrawn since: its page says so
        if layer.version != pinned:
            day = layer.published_at.date().isoformat()
            found.append(Stale(layer_id, layer.title, pinned, layer.version, day))
    return tuple(found)


# ---- front matter -------------------------------------------------------------------------------------------------------


def _front_faults(document: Document, facts: Facts) -> list[Fault]:
    """Faults of partner, theme and view, each with the line that it stands on."""
    found: list[Fault] = []

    def check(name: str, ask) -> None:
        try:
            ask()
        except Refused as refused:
            found.extend(replace(fault, where=f"line {_line_of(document, name)}") for fault in refused.faults)

    # a region without partners has nobody to name
    if facts.published.region.partners or document.audience != Audience.PUBLIC:
        check("partner", lambda: facts.partner(document.partner))
    if document.theme:
        check("theme", lambda: facts.theme(document.theme))
    if document.logo:
        check("logo", lambda: facts.picture(document.logo))
    if document.view:
        check("view", lambda: facts.view(document.view))
    return found


def _line_of(document: Document, name: str) -> int:
    lines = document.text.split("\n")
    return next((n for n, line in enumerate(lines, 1) if line.strip().startswith(f"{name}:")), 1)


# ---- pages --------------------------------------------------------------------------------------------------------------


@dataclass
class _Build:
    """One run over the pages. ``faults`` grows; a fault of a view is said once, however many tokens use the view."""

    published: Published
    document: Document
    facts: Facts
    faults: list[Fault]
    _told: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self):
        if self.faults and self.document.view:
            self._told[self.document.view] = {fault.what for fault in self.faults}

    def page(self, page: DocumentPage) -> BriefingPage:
        """A page filled in. What is wrong with it goes to ``faults``; what cannot be shown leaves it unavailable."""
        view, figure = self._view_of(page), None
        said: dict[str, Fact] = {}
        broken: list[Fault] = []  # all that keeps the page from being shown
        faults: list[Fault] = []  # those of them that were not told yet
        if page.exhibit is not None:
            try:
                figure = self._figure(page.exhibit)
            except Refused as refused:
                broken += refused.faults
                faults += self._placed(refused, page.number, page.exhibit.line, view, page.exhibit.arguments)
        for token in tokens_of(page):
            if token.text in said:
                continue
            try:
                said[token.text] = self.facts.fact(token, view)
            except Refused as refused:
                broken += refused.faults
                faults += self._placed(refused, page.number, token.line, view, token.arguments)
        headline = gated_runs(_filled(page.headline, said), said, self.published, self.facts.reader)
        words = "".join(run.text for run in headline)
        if len(words) > LONGEST_HEADLINE and not broken:
            what = (
                f"the headline, filled in, has {len(words)} characters; a room can read {LONGEST_HEADLINE}: “{words}”"
            )
            todo = "shorten it, or use a token that says less"
            faults.append(Fault(what, _place(page.number, page.line), todo, rule="headline"))
        self.faults += faults
        if broken:
            return BriefingPage(page.number, unavailable=_unavailable(broken))
        layers = used_layers(said.values(), figure)
        periods = _periods(said.values())
        trust = self._trust(layers)
        limits = limits_of(
            self.published,
            layers,
            self.facts.reader,
            level=self._level(view),
            periods=periods,
            today=self.facts.made_on,
        )
        return BriefingPage(
            page.number,
            headline,
            gated_blocks(_blocks(page.blocks, said), said, self.published, self.facts.reader),
            figure,
            gated_blocks(_blocks(page.notes, said), said, self.published, self.facts.reader),
            said,
            self._sources(layers, figure, periods),
            _with_cautions(limits, trust.get("cautions", ())),
            **trust,
        )

    def _trust(self, layers) -> dict[str, tuple]:
        """The strip of trust and the cautions of a page that rests on a list of services."""
        used = Resting(layers_of(self.published, layers, self.facts.reader))
        if not any(layer.kind == Kind.SERVICES for layer in used.layers):
            return {}
        return {"trust": rows_of(used), "cautions": tuple(all_cautions(used))}

    def _view_of(self, page: DocumentPage) -> str:
        """The view that tokens of a page use: that of its exhibit, else that of the front matter."""
        return view_lent(page.exhibit, self.document.view)

    def _figure(self, spec: ExhibitSpec) -> Figure:
        self._check(spec)
        try:
            view = spec.arguments.get("view", "") or self.document.view
            return exhibits.figure(self.published, spec, self.facts.reader, view, facts=self.facts)
        except NotFound as missing:
            raise Refused("The exhibit cannot be shown.", [Fault(str(missing).rstrip("."))]) from None

    def _check(self, spec: ExhibitSpec) -> None:
        """Layers, areas, partners and views that an exhibit names exist for the reader."""
        found: list[Fault] = []
        given = spec.arguments
        needs = [part.partition("=")[0].strip() for part in given.get("need", "").split(",")]
        asked = [(lambda name=name: self.facts.layer(name)) for name in [given.get("layer", ""), *needs] if name]
        services = [part.strip() for part in given.get("services", "").split(",")]
        asked += [(lambda name=name: self.facts.layer(name, Kind.SERVICES)) for name in services if name]
        if given.get("area"):
            asked.append(lambda: self.facts.area(given["area"]))
        if given.get("theme"):
            asked.append(lambda: self.facts.theme(given["theme"]))
        if given.get("view") and spec.kind != "options":
            asked.append(lambda: self.facts.view(given["view"]))
        elif given.get("view"):
            query = OptionsQuery.from_query(query_of(given["view"]))[0].selection.query_string()
            asked += [lambda: self.facts.view(query)] if query else []
        for ask in asked:
            try:
                ask()
            except Refused as refused:
                found += refused.faults
        if found:
            raise Refused("The exhibit cannot be shown.", found)

    def _placed(self, refused: Refused, number: int, line: int, view: str, given: Mapping[str, str]) -> list[Fault]:
        """The faults with page and line. Those of a view that is not its own, and that were told where the view stands, are
        left out."""
        told = self._told.setdefault(view, set())
        new = list(refused.faults)
        if refused.title == BROKEN_VIEW and "view" not in given:
            new = [fault for fault in new if fault.what not in told]
        if "view" not in given or refused.title != BROKEN_VIEW:
            told.update(fault.what for fault in new)
        return [replace(fault, where=_place(number, line)) for fault in new]

    def _sources(self, layers, figure: Figure | None, periods) -> tuple[SourceLine, ...]:
        lines = source_lines(self.published, layers, self.facts.reader, periods)
        named = {(line.layer_id, line.version) for line in lines}
        more = [
            line
            for line in (figure.sources if figure is not None else ())
            if (line.layer_id, line.version) not in named
        ]
        return (*lines, *more)

    def _level(self, view: str) -> str:
        try:
            return self.facts.view(view).settled.level if view else "lsoa"
        except Refused:
            return "lsoa"


def view_lent(spec: ExhibitSpec | None, view: str) -> str:
    """The view that a page's tokens use: that of its exhibit, of an options page the question that the options are for, else ``view``."""
    if spec is None:
        return view
    view = spec.arguments.get("view", "") or view
    if spec.kind == "options" and view:
        try:
            return OptionsQuery.from_query(query_of(view))[0].selection.query_string()
        except Refused:
            return view
    return view


def _with_cautions(limits: tuple[str, ...], cautions: tuple[str, ...]) -> tuple[str, ...]:
    """All cautions, then what else the data does not tell: every format lists both in one box, and nothing twice."""
    said = {words for caution in cautions for words in (caution, caution.partition(": ")[2])}
    lines = any("straight lines" in caution for caution in cautions)
    rest = [limit for limit in limits if not {limit, limit.partition(": ")[2]} & said]
    return (*cautions, *(limit for limit in rest if not (lines and limit == STRAIGHT)))


def _place(number: int, line: int) -> str:
    return f"page {number}, line {line}"


def _unavailable(faults: Iterable[Fault]) -> str:
    """Why a page cannot be shown, for those who came to read it."""
    reasons = list(dict.fromkeys(fault.what for fault in faults))
    said = [capital(reason).rstrip(".") + "." for reason in reasons[:2]]
    return " ".join(["This page cannot be shown.", *said])


def _periods(facts: Iterable[Fact]) -> dict[str, list[str]]:
    """Layer id -> periods that facts about that layer alone are from."""
    found: dict[str, list[str]] = {}
    for fact in facts:
        if len(fact.layers) == 1 and fact.period:
            found.setdefault(fact.layers[0][0], []).append(fact.period)
    return found


def _filled(runs: tuple[BriefingRun, ...], said: Mapping[str, Fact]) -> tuple[BriefingRun, ...]:
    """The runs with what their tokens say, the first with a capital. A fact is text: nothing in it is read as Markdown or HTML."""
    return tuple(
        replace(run, text=said[run.token.text].text if n else capital(said[run.token.text].text))
        if run.token is not None and run.token.text in said
        else run
        for n, run in enumerate(runs)
    )


def _blocks(blocks: tuple[BriefingBlock, ...], said: Mapping[str, Fact]) -> tuple[BriefingBlock, ...]:
    return tuple(replace(block, items=tuple(_filled(item, said) for item in block.items)) for block in blocks)


# ---- compared with last time -----------------------------------------------------------------------------------------------


def with_last_time(published: Published, briefing: Briefing, before: Briefing) -> Briefing:
    """The briefing, each page of which ends its words with what its first figure was in the version before: the same token, in the
    headline first. A page without such a figure stays as it is."""
    earlier = {text: fact for page in before.pages for text, fact in page.facts.items()}
    reader = reader_of(published, briefing.document.audience, briefing.document.partner)

    def gate(text: str, fact: Fact) -> str:
        return claims_about(published, fact.layers, reader).gate(text)

    return replace(briefing, pages=tuple(_since(page, earlier, before.published_on, gate) for page in briefing.pages))


def _since(page: BriefingPage, earlier: Mapping[str, Fact], on: str, gate) -> BriefingPage:
    headline = [run.token.text for run in page.headline if run.token is not None]
    for text in (*headline, *page.facts):
        now, then = page.facts.get(text), earlier.get(text)
        if now is None or then is None or now.value is None or then.value is None:
            continue
        pair = "the same" if now.text == then.text else f"{then.text}, now {now.text}"
        said = BriefingRun(gate(f"Last time, on {day(on)}: {pair}.", now))
        return replace(page, blocks=(*page.blocks, BriefingBlock("paragraph", ((said,),))))
    return page


# ---- what a refresh would change ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FactChange:
    """One thing that says something else now. ``token`` is its text as written, or "exhibit: …" with the exhibit's title;
    ``before`` and ``after`` are "" where it was not there."""

    page: int
    token: str
    before: str
    after: str


def compare_facts(before: Briefing, after: Briefing) -> tuple[FactChange, ...]:
    """What differs between two fillings of a briefing, page by page in reading order."""
    found: list[FactChange] = []
    pages = {page.number: page for page in before.pages}
    later = {page.number: page for page in after.pages}
    for number in sorted(set(pages) | set(later)):
        a, b = pages.get(number), later.get(number)
        first, second = (_said(page) for page in (a, b))
        for name in dict.fromkeys([*first, *second]):
            one, two = first.get(name, ""), second.get(name, "")
            if one != two:
                found.append(FactChange(number, name, one, two))
    return tuple(found)


def _said(page: BriefingPage | None) -> dict[str, str]:
    """What a page says: each fact, what its exhibit shows in words, and whether it is there at all."""
    if page is None:
        return {}
    if page.unavailable:
        return {"page": page.unavailable}
    said = {text: fact.text for text, fact in page.facts.items()}
    if page.figure is not None:
        said[f"exhibit: {page.figure.title}"] = page.figure.alt
    return said
