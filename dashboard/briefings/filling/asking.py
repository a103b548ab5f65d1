"""One token of a briefing while it is being answered: what it asks for, and what is near when that does not exist.

:class:`Facts` answers for one reader and keeps what a view needs; :class:`Ask` reads the arguments of one token. What each token
says stands in :mod:`.facts`, :mod:`.figures` and :mod:`.findings`, each with :class:`Tokens` of its own.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property, partial
from urllib.parse import parse_qsl, urlsplit

from dashboard.briefings.filling.examples import Usual, token_text
from dashboard.briefings.filling.gating import claims_about
from dashboard.briefings.filling.model import Fact
from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views import spoken, wording
from dashboard.views.choropleth import Choropleth, choropleth
from dashboard.views.gaps import Gaps, gaps_of
from dashboard.views.offer import valid_selection
from dashboard.views.search import search
from dashboard.views.together import Together, together_of
from layers import LEVELS, Fault, Kind, Layer, NotFound, Pictures, Refused, Token, Viewer, Withdrawn

UNKNOWN, VIEW = "briefing-unknown", "briefing-view"
"""Rules of faults: something named that is not there; a view that cannot be read."""
ONE = {
    "areas": "area",
    "communities": "community",
    "partners": "partner",
    "residents": "resident",
    "services": "service",
    **{many: one for one, many in wording.LEVEL_WORDS.values()},
}
"""What is counted, where there is one of it."""
MOST_QUESTIONS = 30
"""Different questions of gaps, and of together, in one briefing: each takes up to ten seconds for the whole of England, and
whoever opens the briefing first waits for all of them."""
BROKEN_VIEW = "The view cannot be shown."
"""Title of what is refused because of a whole view, which many tokens may share."""

UNSHOWN = re.compile("[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069\ue000\ue001]+")
"""Control characters, and those that turn the direction of what follows: they come with data and break files."""


@dataclass(frozen=True)
class TokenHelp:
    """One token of the reference. ``arguments`` as shown: those in brackets may be left out."""

    arguments: str
    says: str
    example: str
    answer: Callable[[Ask], Fact]

    @property
    def allowed(self) -> tuple[str, ...]:
        return tuple(re.findall(r"[a-z_]+", self.arguments))


class Tokens(dict[str, TokenHelp]):
    """Tokens by their names."""

    def add(self, name: str, arguments: str, says: str, example: str):
        """A decorator for what answers a token."""

        def put(answer: Callable[[Ask], Fact]):
            self[name] = TokenHelp(arguments, says, "{{ " + f"{name} {example}".strip() + " }}", answer)
            return answer

        return put


TOKENS = Tokens()
"""All of them; :mod:`.facts` puts them together."""


@dataclass(frozen=True)
class View:
    """A view of the briefing as written, and as it is once everything left open is settled."""

    written: Selection
    settled: Selection


class Facts:
    """Answers for one reader. What a view needs is worked out once, however many tokens ask."""

    def __init__(
        self, published: Published, reader: Viewer, *, author: Viewer | None = None, made_on: date | None = None
    ):
        self.published, self.reader, self.author = published, reader, author
        self.made_on = made_on or published.store.now().date()
        self._views: dict[str, View | Refused] = {}
        self._gaps: dict[str, Gaps | Refused] = {}
        self._together: dict[str, Together | Refused] = {}
        self._said: dict[tuple[str, str], Fact | Refused] = {}

    def fact(self, token: Token, view: str = "") -> Fact:
        """What a token says. Raises :class:`Refused` with one fault."""
        view = token.arguments.get("view", view)

        def say() -> Fact:
            known = TOKENS.get(token.name)
            if known is None:
                raise refused(f"there is no token “{token.name}”", did_you_mean(token.name, TOKENS), UNKNOWN)
            for name in token.arguments:
                if name not in known.allowed:
                    todo = f"it takes {wording.listing(known.allowed, 12)}" if known.allowed else "it takes none"
                    raise refused(f"the token “{token.name}” takes no “{name}”", todo, "briefing-argument")
            ask = Ask(self, token, view)
            unit, as_spoken = ask.yes("unit"), ask.yes("spoken")
            try:
                said = known.answer(ask)
            except NotFound as missing:
                raise refused(no_stop(str(missing)), "", UNKNOWN) from None
            if as_spoken and said.value is not None:
                exact = f"Exactly {said.text}{f' {said.unit}' if said.unit else ''}."
                said = replace(said, text=spoken.people(said.value), detail=f"{exact} {said.detail}".strip())
            if unit:
                said = replace(
                    said, text=f"{said.text} {ONE.get(said.unit, said.unit) if said.value == 1 else said.unit}"
                )
            if "resident" in said.unit and not claims_about(self.published, said.layers, self.reader).counts:
                what = "what it rests on is not fit for counting people"
                raise refused(what, "say how many areas or places there are", "unfit")
            text = " ".join(UNSHOWN.sub(" ", said.text).split())
            if text in ("", "–"):
                raise refused(f"“{token.text}” has nothing to say", "leave it out, or choose another", "briefing-empty")
            return replace(said, text=text)

        return _once(self._said, (token.text, view), say)

    # ---- layers, areas, views: each fault says what is near ------------------------------------------------------------

    def layer(self, layer_id: str, kind: Kind | None = None) -> Layer:
        """A layer that the reader may see. The fault is the same for one that is hidden and one that does not exist, unless
        the author can see it: then it says that it cannot stand in this briefing."""
        store = self.published.store
        try:
            layer = store.layer(layer_id, self.reader)
        except Withdrawn as gone:
            raise refused(no_stop(str(gone)), "write the page without it", "briefing-withdrawn") from None
        except NotFound as missing:
            if taken_back := self._taken_back(layer_id):
                raise refused(taken_back, "take the newest figures instead", "briefing-withdrawn") from None
            seen = [layer for layer in store.layers(self.reader) if kind is None or layer.kind == kind]
            todo = did_you_mean(layer_id, [each.id for each in seen], {each.title: each.id for each in seen})
            hint = self._hidden(layer_id)
            raise refused(no_stop(str(missing)), hint or todo, UNKNOWN) from None
        if kind is not None and layer.kind != kind:
            is_, needed = (_KIND_WORDS[layer.kind], _KIND_WORDS[kind])
            seen = [each.id for each in store.layers(self.reader, kind=kind) if set(each.themes) & set(layer.themes)]
            todo = f"name {needed}" + (f", such as {wording.listing(seen, 3)}" if seen else "")
            raise refused(f"“{layer_id}” is {is_}, not {needed}", todo, "layer-kind")
        return layer

    def _taken_back(self, layer_id: str) -> str:
        """Of a layer that is still shown, but whose pinned version is not; "" for any other."""
        if self.published.base is None:
            return ""
        try:
            title = self.published.live.store.layer(layer_id, self.reader).title
        except NotFound:
            return ""
        return f"the figures of “{title}” that this was made from were taken back"

    def _hidden(self, layer_id: str) -> str:
        """Why a layer cannot stand here, for an author who can see it; "" for everybody else."""
        if self.author is None:
            return ""
        try:
            layer = self.published.store.layer(layer_id, self.author)
        except NotFound:
            return ""
        whom = "partners" if layer.descriptor.audience == "partners" else "the partner that supplied it"
        here = "a public briefing" if not self.reader.signed_in else "a briefing with this audience"
        return f"it is for {whom} only and cannot stand in {here}"

    def area(self, code: str) -> tuple[str, int]:
        """Level of an area and its place in area order."""
        region = self.published.region
        level = region.level_of(code)
        if level is None:
            hits = [hit for hit in search(self.published, code, self.reader) if hit.value.startswith("area:")]
            near = [f"{hit.value.split(':')[1]} ({hit.label})" for hit in hits[:3]]
            todo = f"did you mean {either(near)}?" if near else "use the code that stands on the page of the area"
            raise refused(f"there is no area “{code}” in {region.name}", todo, UNKNOWN)
        return level, region.position(level, code)

    def partner(self, partner_id: str) -> None:
        known = {partner.id: partner.name for partner in self.published.region.partners}
        if partner_id not in known:
            todo = did_you_mean(partner_id, known, {name: each for each, name in known.items()})
            raise refused(f"there is no partner “{partner_id}” in this region", todo, UNKNOWN)

    def theme(self, theme_id: str) -> None:
        known = {theme.id: theme.name for theme in self.published.region.themes}
        if theme_id not in known:
            todo = did_you_mean(theme_id, known, {name: each for each, name in known.items()})
            raise refused(f"there is no theme “{theme_id}” in this region", todo, UNKNOWN)

    def picture(self, picture_id: str) -> None:
        try:
            Pictures(self.published.live.store).get(picture_id)
        except NotFound:
            raise refused(f"there is no picture “{picture_id[:40]}”", "add it in the editor", UNKNOWN) from None

    def view(self, view: str) -> View:
        """A view, every part of which exists for the reader. Raises :class:`Refused` with every fault of it."""
        return _once(self._views, view, lambda: self._read_view(view))

    def _read_view(self, view: str) -> View:
        written, notices = Selection.from_query(query_of(view))
        faults = [_of_view(text) for text in notices]
        asked = [(name, Kind.INDICATOR) for name, _ in written.needs]
        asked += [(name, Kind.SERVICES) for name in written.services]
        asked += [(name, Kind.INDICATOR) for name in (written.group,) if name]
        checks = [partial(self.layer, name, kind) for name, kind in asked]
        checks += [partial(self.partner, name) for name in (written.partner, written.owner) if name]
        checks += [partial(self.theme, written.theme)] if written.theme else []
        checks += [partial(self.area, written.area)] if written.area else []
        for check in checks:
            try:
                check()
            except Refused as refused:
                faults += refused.faults
        if faults:
            raise Refused(BROKEN_VIEW, faults)
        settled, notices = valid_selection(self.published, written, self.reader)
        if notices:
            raise Refused(BROKEN_VIEW, [_of_view(text) for text in notices])
        if not written.needs:
            settled = replace(settled, need="")  # a question about services alone stays one
        return View(written, settled)

    # ---- answers -------------------------------------------------------------------------------------------------------

    def gaps(self, view: str) -> Gaps:
        """Need against access for a view, with the draws that say how sure it is."""

        def make() -> Gaps:
            selection = self._asked(view).settled
            lacking = [
                word for word, there in (("need", selection.needs), ("services", selection.services)) if not there
            ]
            if lacking:
                what = f"the view of this token has no {wording.listing(lacking)}"
                raise refused(what, "write need=… and services=… in the view", VIEW)
            self._bounded(self._gaps)
            found = gaps_of(self.published, selection, self.reader)
            if found.summary["areas_without_need"] == found.summary["areas"]:  # "no gaps" would be a guess
                what = "need is not known for any of the areas of this view"
                raise refused(what, "choose another indicator, period, level or partner", "briefing-value")
            return found

        return _once(self._gaps, view, make)

    def together(self, view: str) -> Together:
        """Alone against together for a view; with need when the view has one."""

        def make() -> Together:
            selection = self._asked(view).settled
            if not selection.services:
                raise refused("the view of this token has no services", "write services=… in the view", VIEW)
            self._bounded(self._together)
            return together_of(self.published, selection, self.reader)

        return _once(self._together, view, make)

    @staticmethod
    def _bounded(asked: Mapping) -> None:
        if len(asked) >= MOST_QUESTIONS:
            what = f"the briefing asks more than {MOST_QUESTIONS} different questions of need and services"
            raise refused(what, "use fewer views, or split it in two", VIEW)

    def _asked(self, view: str) -> View:
        if not view:
            todo = 'add “view: need=…&services=…” to the front matter, or view="…" to the token'
            raise refused("this token needs a view, and there is none", todo, VIEW)
        return self.view(view)


def query_of(view: str) -> dict[str, str]:
    """The query of a view, which may be written as the whole address of a page. Raises :class:`Refused`."""
    text = view.strip()
    text = urlsplit(text).query if "?" in text else text
    pairs = parse_qsl(text, keep_blank_values=True)
    if not pairs:
        raise refused(f"the view “{view.strip()[:60]}” cannot be read", _COPY, VIEW)
    query = dict(pairs)
    if len(query) < len(pairs):
        raise refused("the view says something twice", _COPY, VIEW)
    return query


_COPY = "copy it from the address of the explore page, the part after the question mark"
_KIND_WORDS = {Kind.INDICATOR: "an indicator", Kind.SERVICES: "a list of services"}


def _once(kept: dict, key, make: Callable):
    """What ``make`` gave or refused the first time."""
    if key not in kept:
        try:
            kept[key] = make()
        except Refused as refused:
            kept[key] = refused
    if isinstance(kept[key], Refused):
        raise kept[key].with_traceback(None)
    return kept[key]


def refused(what: str, todo: str, rule: str) -> Refused:
    return Refused("The briefing cannot be filled in.", [Fault(_plain(what), "", _plain(todo), rule=rule)])


def _plain(text: str) -> str:
    return UNSHOWN.sub(" ", text)


def no_stop(text: str) -> str:
    """A sentence as part of a fault."""
    text = text.strip().rstrip(".")
    return text[:1].lower() + text[1:] if text.partition(" ")[0].rstrip(":") in _SMALL else text


_SMALL = ("A", "Converted", "No", "Nobody", "None", "Published", "The", "There", "Withheld")
"""Words that begin sentences; what else begins one may be a title or a name."""


def _of_view(notice: str) -> Fault:
    """What a page tells of a link that it mended, as a fault of a view that nobody mends."""
    text = notice.replace(
        "The link has a part that this page does not know and has left out", "the view has an unknown part"
    )
    text = text.replace("The link asks", "the view asks").removesuffix(" It was left out.")
    return Fault(no_stop(text), "", _COPY, rule=VIEW)


def either(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def did_you_mean(written: str, known: Iterable[str], titles: Mapping[str, str] = {}) -> str:
    """What is near to what was written, by id or by title, else what there is."""
    known = list(known)
    text = written.casefold()
    near = difflib.get_close_matches(text, known, 3, 0.55)
    by_title = {title.casefold(): each for title, each in titles.items()}
    near += [by_title[title] for title in difflib.get_close_matches(text, list(by_title), 2, 0.6)]
    near += [each for each in known if len(text) > 3 and text in each][:3]
    near = list(dict.fromkeys(near))[:3]
    if near:
        return f"did you mean {either([f'“{each}”' for each in near])}?"
    return f"use one of {wording.listing(known, 8)}" if known else "there is none here"


# ---- one token and its arguments ----------------------------------------------------------------------------------------


class Ask:
    """One token in its page: arguments read, checked, and where left out taken from the view."""

    def __init__(self, facts: Facts, token: Token, view: str):
        self.facts, self.token, self.view = facts, token, view
        self.published, self.reader, self.region = facts.published, facts.reader, facts.published.region

    def refused(self, what: str, todo: str, rule: str = "briefing-value") -> Refused:
        return refused(what, todo, rule)

    def given(self, name: str) -> str:
        return self.token.arguments.get(name, "").strip()

    @property
    def selection(self) -> Selection | None:
        """The view's selection, everything in it being there; None without a view."""
        return self.facts.view(self.view).settled if self.view else None

    @cached_property
    def around(self) -> Selection | None:
        """What the view says of what a token leaves out. A view that the page has, and not the token, is only read here: a
        layer of it that was withdrawn does not take along the tokens that ask for another one."""
        if not self.view or self.given("view"):
            return self.selection
        return Selection.from_query(query_of(self.view))[0]

    def must(self, name: str, fallback: str = "") -> str:
        value = self.given(name) or fallback
        if not value:
            example = token_text(self.token.name, TOKENS[self.token.name], Usual(self.published, self.reader))
            raise self.refused(f"the token “{self.token.name}” needs {name}=", f"write it like {example}", "argument")
        return value

    def layer(self, kind: Kind | None = Kind.INDICATOR) -> Layer:
        """``layer=``, else the one indicator (or the one list of services) of the view."""
        fallback = ""
        if not self.given("layer") and self.around is not None:
            services = self.around.services
            of_view = services[0] if len(services) == 1 else ""
            fallback = of_view if kind == Kind.SERVICES else self.around.one_need
        return self.facts.layer(self.must("layer", fallback), kind)

    def services(self) -> tuple[Layer, ...]:
        """``services=``, else those of the view."""
        fallback = ",".join(self.around.services) if not self.given("services") and self.around else ""
        ids = dict.fromkeys(part.strip() for part in self.must("services", fallback).split(",") if part.strip())
        return tuple(self.facts.layer(each, Kind.SERVICES) for each in ids)

    def level(self, layer: Layer | None = None) -> str:
        """``level=``, else that of the view, else the smallest that the layer has."""
        level = self.given("level")
        if level and level not in LEVELS:
            raise self.refused(f"there is no level “{level}”", f"use {either(LEVELS)}", UNKNOWN)
        if not level and self.around is not None and (layer is None or self.around.level in layer.levels):
            level = self.around.level
        if not level:
            level = layer.levels[0] if layer is not None and layer.levels else "lsoa"
        if layer is not None and level not in layer.levels:
            reason = layer.reasons.get(level, "")
            todo = f"use level={either(layer.levels)}" if layer.levels else "choose another layer"
            what = f"“{layer.title}” has no figures by {wording.LEVEL_WORDS[level][0]}"
            raise self.refused(what + (f" ({no_stop(reason)})" if reason else ""), todo)
        return level

    def period(self, layer: Layer, name: str = "period") -> str:
        """``period=``, which must exist, else that of the view where the layer has it, else "" for the newest."""
        wanted = self.given(name)
        if wanted and wanted not in layer.periods:
            todo = f"use one of {wording.listing(layer.periods, 12)}" if layer.periods else "leave it out"
            raise self.refused(f"“{layer.title}” has no figures for {wanted}", todo, "period")
        of_view = self.around.period if self.around is not None else ""
        return wanted or (of_view if of_view in layer.periods else "")

    def number(self, name: str, least: float, most: float, fallback: str = "") -> float:
        text = self.must(name, fallback)
        try:
            number = float(text.replace(",", ""))
        except ValueError:
            number = float("nan")
        if not least <= number <= most:
            what = f"{name} is “{text}”"
            raise self.refused(what, f"write a number from {least:,.0f} to {most:,.0f}", "argument")
        return number

    def rank(self) -> int:
        number = self.number("n", 1, 1_000_000, "1")
        if number != int(number):
            raise self.refused(f"n is “{self.given('n')}”", "write a whole number: 1 for the first", "argument")
        return int(number)

    def yes(self, name: str) -> bool:
        if self.given(name) not in ("", "yes", "no"):
            raise self.refused(f"{name} is “{self.given(name)}”", f"write {name}=yes or leave it out", "argument")
        return self.given(name) == "yes"

    def gaps(self) -> Gaps:
        return self.facts.gaps(self.view)

    def together(self) -> Together:
        return self.facts.together(self.view)

    @property
    def partner(self) -> str:
        partner = self.around.partner if self.around is not None else ""
        if partner:
            self.facts.partner(partner)
        return partner

    @property
    def where(self) -> str:
        """The patch that a view is about: the region, or the partner's footprint."""
        return self.region.partner(self.partner).name if self.partner else self.region.name

    def chart(self, *, whole_region: bool = False, level: str = "") -> Choropleth:
        """The map of the layer, as everybody sees it."""
        layer = self.layer()
        selection = Selection(
            need=layer.id,
            level=level or self.level(layer),
            period=self.period(layer),
            partner="" if whole_region else self.partner,
        )
        return choropleth(self.published, selection, self.reader)


def pins(*layers: Layer) -> tuple[tuple[str, int], ...]:
    """Layers as (id, version), as a fact or figure names what it was worked out from."""
    return tuple((layer.id, layer.version) for layer in layers)


def counted(value: float, unit: str, **more) -> Fact:
    return Fact(wording.number(value), float(value), unit, **more)
