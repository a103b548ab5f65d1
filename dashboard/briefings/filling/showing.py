"""One exhibit of a briefing while it is being made: its settings read and checked, and the words that several kinds share.

What each kind shows stands in :mod:`.exhibits`, :mod:`.exhibit_charts` and :mod:`.exhibit_tables`, each with :class:`Exhibits`
of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import numpy as np

from dashboard.briefings.filling.asking import Ask, Facts, either, no_stop, pins, query_of, refused
from dashboard.briefings.filling.model import Figure
from dashboard.drawing.shown import TableData
from dashboard.selection import Selection
from dashboard.views import wording
from dashboard.views.area import rank_text
from dashboard.views.choropleth import Choropleth, choropleth
from dashboard.views.crossing_words import line_words
from dashboard.views.gap_communities import CommunityCard
from dashboard.views.gap_words import how_words, rule_sentence
from dashboard.views.gaps import Gaps
from dashboard.views.places import names
from dashboard.views.together import Together
from dashboard.views.wording import standard_words
from layers import ExhibitSpec, Layer, Token

MOST_BARS = 30
MOST_ROWS = 30
"""A table of more rows than that is for the catalogue, not for a page that is read in a room."""
USUAL = 10


@dataclass(frozen=True)
class ExhibitHelp:
    """One kind of exhibit for the editor's reference: what it shows and takes. ``needs`` are settings, or parts of the view."""

    kind: str
    type: str
    says: str
    takes: tuple[str, ...]
    needs: str
    example: str
    make: Callable[[ExhibitRequest], Figure]


class Exhibits(dict[str, ExhibitHelp]):
    """By kind, and for charts and tables by kind and type: "map", "chart worst"."""

    def add(self, kind: str, type_: str = "", *, says: str, takes: str = "", needs: str = "", example: str = ""):
        """A decorator for what makes an exhibit. What it needs, and an example, follow from what it takes unless they are given."""

        def put(make: Callable[[ExhibitRequest], Figure]):
            taken = tuple(takes.split())
            layer, view = (
                "layer" in taken,
                "a view with need and services" if "need" in taken else "a view with services",
            )
            lines = [kind, f"type: {type_}" if type_ else "", "layer: ID" if layer else ""]
            self[f"{kind} {type_}".strip()] = ExhibitHelp(
                kind, type_, says, taken, needs or ("“layer: …”" if layer else view),
                example or " / ".join(filter(None, lines)), make,
            )  # fmt: skip
            return make

        return put


ALWAYS = ("caption", "alt", "view")
_VIEW = ("need", "services", "level", "period", "theme")
"""Settings that change one part of the view for this exhibit alone."""
_ABOUT_SERVICES = ("services", "level", "partner", "max_m", "detour")


class ExhibitRequest(Ask):
    """The settings of one exhibit, read like those of a token."""

    def __init__(self, facts: Facts, spec: ExhibitSpec, view: str, help_: ExhibitHelp):
        self.help, self.spec = help_, spec
        self._periods: dict[str, dict[str, None]] = {}
        own = spec.arguments.get("view", "").strip() or view
        changes = {}
        if help_.kind == "map" or "layer" not in spec.arguments:  # else level and period are those of the layer
            taken = [name for name in _VIEW if name in help_.takes and name in spec.arguments]
            changes = {name: spec.arguments[name].strip() for name in taken}
        if help_.kind == "map" and "layer" in spec.arguments:
            changes |= {"need": spec.arguments["layer"].strip()}
        if changes and (own or {"need", "services"} & set(changes)):
            own = urlencode((query_of(own) if own else {}) | changes, safe=",=")
        # what changed the view is not asked for a second time
        rest = {name: value for name, value in spec.arguments.items() if name not in changes}
        super().__init__(facts, Token(spec.kind, rest, spec.line, ""), own)
        if changes:
            facts.view(self.view)  # refuses what this exhibit asks for and does not exist

    def must(self, name: str, fallback: str = "") -> str:
        value = self.given(name) or fallback
        if not value:
            what = f"the {self.help.kind}{f' “{self.help.type}”' if self.help.type else ''} needs “{name}: …”"
            raise refused(what, f"it is written like this: {self.help.example}", "exhibit-argument")
        return value

    def level(self, layer: Layer | None = None) -> str:
        wanted = self.spec.arguments.get("level", "").strip()
        if wanted and layer is not None and wanted in wording.LEVEL_WORDS and wanted not in layer.levels:
            reason = layer.reasons.get(wanted, "")
            todo = f"use {either(layer.levels)}" if layer.levels else "choose another layer"
            what = f"“{layer.title}” has no figures by {wording.LEVEL_WORDS[wanted][0]}"
            raise refused(what + (f" ({no_stop(reason)})" if reason else ""), todo, "briefing-value")
        return super().level(layer)

    def seen(self, layer: Layer, period: str) -> None:
        """Remember which period of a layer is shown, for its source."""
        self._periods.setdefault(layer.id, {})[period] = None

    @property
    def periods(self) -> dict[str, tuple[str, ...]]:
        """Layer -> its periods that are shown, in order; of many the first and the last."""
        return {
            name: tuple(found) if len(found) < 3 else (f"{next(iter(found))} to {list(found)[-1]}",)
            for name, found in self._periods.items()
        }

    def count(self, most: int, usual: int = USUAL) -> int:
        return int(self.number("n", 1, most, str(usual))) if self.given("n") else usual

    def view_needed(self, *parts: str) -> Selection:
        """The settled view, with these of its parts."""
        chosen = self.selection
        if chosen is None:
            what = f"the {self.help.kind} needs a view, and there is none"
            raise refused(what, f"add {self.help.needs}", "briefing-view")
        lacking = [part for part in parts if not getattr(chosen, "needs" if part == "need" else part)]
        if lacking:
            todo = f"write {' and '.join(f'{part}=…' for part in lacking)} in the view"
            raise refused(f"the view has no {wording.listing(lacking)}", todo, "briefing-view")
        return chosen

    def services_only(self) -> Together:
        """Alone against together for the services of the view, whatever need it has: these numbers do not depend on it."""
        self.view_needed("services")
        rest = {name: value for name, value in query_of(self.view).items() if name in _ABOUT_SERVICES}
        return self.facts.together(urlencode(rest, safe=",="))

    @property
    def id_prefix(self) -> str:
        """Of the ids in its picture: two pictures in one page do not share any."""
        words = repr((self.spec.kind, sorted(self.spec.arguments.items()), self.spec.line, self.view))
        return f"x{sha256(words.encode('utf-8', 'replace')).hexdigest()[:10]}-"


# ---- words that several exhibits share ------------------------------------------------------------------------------------


def plural(level: str) -> str:
    return wording.capital(wording.LEVEL_WORDS[level][1])


def _where(ask: ExhibitRequest, selection: Selection | None = None) -> str:
    partner = selection.partner if selection is not None else ask.partner
    found = ask.region.partner(partner) if partner else None
    return found.name if found else ask.region.name


def titled(layer: Layer, period: str) -> str:
    return f"{layer.title}, {period}" if period else layer.title


def gap_filters(ask: ExhibitRequest, gaps: Gaps) -> str:
    """What the answer is about, in words: which areas, which need of when, which services, by which rule."""
    needs = [titled(layer, period) for layer, (_, _, period) in zip(gaps.needs, gaps.key[2], strict=True)]
    for layer, (_, _, period) in zip(gaps.needs, gaps.key[2], strict=True):
        ask.seen(layer, period)
    services = wording.listing([layer.title for layer in gaps.services])
    where = _where(ask, Selection(partner=gaps.request.partner))
    return (
        f"{plural(gaps.level)} of {where}. Need: {wording.listing(needs, 12)}; services: {services}, distance measured"
        f"{how_words(gaps)}. {rule_sentence(gaps)}"
    )


def together_filters(together: Together) -> str:
    p = together.result.parameters
    where = together.published.region.name
    if p["footprint"]:
        lads = names(together.published, "lad")
        where = wording.listing([lads.get(code, code) for code in p["footprint"]])
    services = wording.listing([layer.title for layer in together.services])
    how = line_words(p["detour"], around=bool(together.result.crossing_lists))
    return f"Residents of {where}. Services: {services}; distance is a {how}, from the middle of each {one_of_level(together.level)}."


def about_chart(ask: ExhibitRequest, chart: Choropleth, where: str = "") -> dict[str, Any]:
    """What a figure says of itself when it shows one indicator: what it is filtered by, its layers and its address."""
    filters = chart_filters(ask, chart, where)
    return {"filters": filters, "layers": pins(chart.layer), "link": indicator_link(ask, chart)}


def about_gaps(ask: ExhibitRequest, gaps: Gaps) -> dict[str, Any]:
    return {"filters": gap_filters(ask, gaps), "layers": pins(*gaps.layers), "link": gap_link(ask)}


def about_together(ask: ExhibitRequest, together: Together) -> dict[str, Any]:
    return {"filters": together_filters(together), "layers": pins(*together.services), "link": gap_link(ask)}


def one_of_level(level: str) -> str:
    return wording.LEVEL_WORDS[level][0]


def gap_link(ask: ExhibitRequest) -> str:
    chosen = ask.selection
    return replace(chosen, show="gap").link() if chosen is not None else ""


def rest_words(shown: int, of: int, what: str) -> str:
    return f"The {shown:,} {what} of {of:,}." if shown < of else ""


def worst_first(chart: Choropleth) -> np.ndarray:
    """Places of the areas with a value, worst first (highest first where neither end is worse); equal ones in area order."""
    known = np.isfinite(chart.rank)
    return np.flatnonzero(known)[np.argsort(chart.rank[known], kind="stable")]


def end_word(chart: Choropleth) -> str:
    """ "highest", "worst (highest)", "worst (lowest)": which end comes first, in words that a map legend would use."""
    direction = str(chart.layer.descriptor.direction)
    return "highest" if direction == "neutral" else "worst"


def chart_filters(ask: ExhibitRequest, chart: Choropleth, where: str = "") -> str:
    ask.seen(chart.layer, chart.period)
    return f"{plural(chart.level)} of {where or ask.where}. {titled(chart.layer, chart.period)}: {chart.unit}."


def at_places(chart: Choropleth, places: Sequence[int], name: str) -> tuple[float | None, ...]:
    column = chart.frame[name].to_numpy("float64")
    return tuple(float(column[i]) if np.isfinite(column[i]) else None for i in places)


def area_names(ask: ExhibitRequest, level: str, places: Sequence[int]) -> list[str]:
    """Names that a member knows: a small area with its ward, a ward with its authority."""
    frame = ask.region.areas[level]
    wards, lads = names(ask.published, "ward"), names(ask.published, "lad")
    out = []
    for i in places:
        name = str(frame["name"].iat[i])
        more = ""
        if level == "lsoa":
            more = wards.get(frame["ward_code"].iat[i], "")
        elif level == "ward":
            more = lads.get(frame["lad_code"].iat[i], "")
        out.append(f"{name}, {more}" if more and more != name else name)
    return out


def value_rows(ask: ExhibitRequest, chart: Choropleth, places: Sequence[int]) -> TableData:
    """Areas with their value, interval, place in the order, and residents."""
    frame = ask.region.areas[chart.level]
    people = frame["population"].to_numpy("float64")
    value = chart.frame["value"].to_numpy("float64")
    lower, upper = (chart.frame[name].to_numpy("float64") for name in ("lower", "upper"))
    intervals = any(np.isfinite(lower[i]) and np.isfinite(upper[i]) for i in places)
    converted = chart.frame["status"].astype(str).to_numpy()
    rows = []
    for i, name in zip(places, area_names(ask, chart.level, places), strict=True):
        said = wording.short_unit(value[i], chart.unit, chart.decimals)
        row = [rank_text(chart, i).split(" ")[0] or "–", name]
        if not np.isfinite(value[i]):
            said = wording.STATUS_SHORT.get(str(converted[i]), "") or "No figure"
        row.append(said)
        if intervals:
            row.append(
                f"{wording.number(lower[i], chart.decimals)} to {wording.number(upper[i], chart.decimals)}"
                if np.isfinite(lower[i]) and np.isfinite(upper[i])
                else "–"
            )
        rows.append((*row, wording.number(people[i])))
    heads = ["Rank", wording.capital(one_of_level(chart.level)), column_head(chart.unit)]
    heads += ["95% interval"] if intervals else []
    heads.append("Residents")
    numeric = [True, False, True, *([True] if intervals else []), True]
    return TableData(tuple(heads), tuple(rows), tuple(numeric))


def column_head(unit: str) -> str:
    return wording.capital(unit) if len(unit.split(" ")[0]) > 2 else unit or "Value"


def cards_of(ask: ExhibitRequest, gaps: Gaps) -> tuple[CommunityCard, ...]:
    only_shared = ask.selection is not None and ask.selection.shared
    return tuple(card for card in gaps.cards if card.shared or not only_shared)


def by_authority(ask: ExhibitRequest) -> Choropleth:
    layer = ask.layer()
    if "lad" not in layer.levels:
        reason = layer.reasons.get("lad", "")
        what = f"“{layer.title}” has no figures by authority" + (f" ({no_stop(reason)})" if reason else "")
        todo = f"use type: worst or type: distribution with level: {either(layer.levels) or '…'}"
        raise refused(what, todo, "briefing-value")
    chart = choropleth(ask.published, Selection(need=layer.id, level="lad", period=ask.period(layer)), ask.reader)
    if chart is None or not np.isfinite(chart.rank).any():
        raise refused(f"“{layer.title}” has no figure for any authority", "choose another layer", "briefing-empty")
    return chart


def indicator_link(ask: ExhibitRequest, chart: Choropleth) -> str:
    period = chart.period if chart.period in chart.layer.periods[:-1] else ""
    partner = ask.partner if chart.level != "lad" else ""
    return Selection(need=chart.layer.id, level=chart.level, period=period, partner=partner).link()


def worst_areas(ask: ExhibitRequest, most: int) -> tuple[Choropleth, list[int], str, str]:
    chart = ask.chart()
    order = worst_first(chart)
    if not len(order):
        what = f"“{chart.layer.title}” has no figure for any {one_of_level(chart.level)} of {ask.where}"
        raise refused(what, "choose another layer or level", "briefing-empty")
    n = min(ask.count(most), len(order))
    many = f"{n:,} {wording.LEVEL_WORDS[chart.level][1]}" if n > 1 else one_of_level(chart.level)
    end = "highest" if end_word(chart) == "highest" else "worst"
    title = f"{titled(chart.layer, chart.period)}: the {many} where it is {end}"
    return chart, order[:n].tolist(), title, rest_words(n, len(order), f"{end} with a figure, out")


def worst_alt(ask: ExhibitRequest, chart: Choropleth, places: Sequence[int], title: str) -> str:
    value = chart.frame["value"].to_numpy("float64")
    said = area_names(ask, chart.level, [places[0], places[-1]])
    text = f"{title}. From {said[0]} with {chart.value_text(value[places[0]])}"
    if len(places) > 1:
        text += f" to {said[1]} with {chart.value_text(value[places[-1]])}"
    known = value[chart.in_view & np.isfinite(value)]
    return f"{text}; the middle one of all is at {chart.value_text(float(np.median(known)))}."


def together_table(ask: ExhibitRequest, together: Together):
    shown = together.cards[: ask.count(MOST_ROWS, 20)]
    judged = any(card.residents_misjudged is not None for card in shown)
    heads = ["Authority", "Services", "Residents", "Nearer elsewhere", "Share", "Most often to"]
    limit = standard_words(together.result.parameters["max_m"]) if judged else ""
    heads += ["Misjudged"] if judged else []
    rows = []
    for card in shown:
        row = [card.name, f"{card.services:,}", f"{card.residents:,.0f}", f"{card.residents_nearer_elsewhere:,.0f}"]
        row += [_share(card.share_nearer_elsewhere), card.flows[0].nearest_name if card.flows else "–"]
        row += [wording.number(card.residents_misjudged)] if judged else []
        rows.append(tuple(row))
    numeric = (False, True, True, True, True, False, *((True,) if judged else ()))
    note = [rest_words(len(shown), len(together.cards), "authorities with most")]
    if judged:
        note.append(f"Misjudged: residents who, looking alone, seem to have none within {limit}, and do have one.")
    return TableData(tuple(heads), tuple(rows), numeric, " ".join(filter(None, note))), shown


def _share(share: float) -> str:
    return wording.short_unit(100 * share, "%", 1)
