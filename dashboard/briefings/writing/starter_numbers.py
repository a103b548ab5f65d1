""" "The region in ten numbers": ten pages, each one number from another theme, with what it means and for whom."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dashboard.briefings.filling.questions import Question
from dashboard.briefings.writing.starter_writing import (
    Writer,
    border_headlines,
    cut,
    exhibit,
    lower,
    md,
    services_view,
    together_found,
    token,
)
from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views import wording
from dashboard.views.gap_words import a_site, one_of
from dashboard.views.gaps import Gaps
from dashboard.views.offer import usable_as_need
from dashboard.views.trend import region_number
from layers import PUBLIC, Layer, Measure, Theme

MOST_NUMBERS = 10
NUMBER_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_RATES = (Measure.RATE, Measure.PERCENTAGE)


@dataclass(frozen=True)
class Number:
    """One page to be: ``write`` puts it into a writer."""

    about: str  # theme id, or what else it is about
    write: Callable[[Writer], None]


def numbers_of(published: Published, asked: Sequence[tuple[Question, Gaps]]) -> list[Number]:
    """At most ten, from different themes: indicators, one gap, one distance, one border, and the region itself where few."""
    special = _specials(published, asked)
    indicators = _indicators(published, MOST_NUMBERS - len(special))
    found = [Number(theme.id, lambda w, t=theme, x=layer: _indicator_page(w, t, x)) for theme, layer in indicators]
    found += special
    if len(found) < MOST_NUMBERS:
        found = [*_plain_numbers(published)[: MOST_NUMBERS - len(found)], *found]
    return found[:MOST_NUMBERS]


def _indicators(published: Published, most: int) -> list[tuple[Theme, Layer]]:
    """One indicator for each theme in turn, then a second one from wherever: with a worse end, and a rate."""
    layers = [
        layer
        for layer in published.store.layers(PUBLIC, kind="indicator")
        if usable_as_need(layer) and layer.descriptor.measure in _RATES and layer.levels and _known(published, layer)
    ]
    used: set[str] = set()
    titles: set[str] = set()
    found: list[tuple[Theme, Layer]] = []
    for own in (True, False):
        for theme in published.region.themes:
            mine = {i for preset in published.region.presets if preset.theme == theme.id for i in preset.weights}
            able = [x for x in layers if theme.id in x.themes and x.id not in used and _stem(x.title) not in titles]
            if own:
                able = [x for x in able if x.id == theme.lead or x.id in mine or x.themes[0] == theme.id]
            if not able or len(found) >= most:
                continue
            leads = {other.lead for other in published.region.themes if other.id != theme.id}
            best = min(
                able,
                # the figure of a middle area is no figure of a region; and what many themes name tells many people something
                key=lambda x: (
                    not _plain(x),
                    _middle(published, x),
                    x.id != theme.lead,
                    x.id in leads,
                    -_year(x),
                    -len(x.themes),
                ),
            )
            used.add(best.id)
            titles.add(_stem(best.title))
            found.append((theme, best))
    order = {theme.id: n for n, theme in enumerate(published.region.themes)}
    return sorted(found, key=lambda pair: order[pair[0].id])


def _plain(layer: Layer) -> bool:
    """Whether its unit is one that a room knows: a share, or so many per thousand."""
    return layer.descriptor.unit.startswith(("%", "per "))


def _known(published: Published, layer: Layer) -> bool:
    """Whether the region has a figure. A standardised ratio has none: its areas do not compare with each other."""
    return not layer.descriptor.never_averaged and region_number(published, layer, layer.period, PUBLIC)[0] is not None


def _middle(published: Published, layer: Layer) -> bool:
    """Whether the region's figure is only that of its middle area, as of rates without numerators."""
    return "middle" in region_number(published, layer, layer.period, PUBLIC)[1].lower()


def _stem(title: str) -> str:
    """Titles that differ only after a comma or bracket are about the same."""
    return re.split(r"[,(]", title)[0].strip().lower()


def _year(layer: Layer) -> int:
    return max((int(year) for year in re.findall(r"(?:19|20)\d\d", layer.period)), default=0)


def _indicator_page(w: Writer, theme: Theme, layer: Layer) -> None:
    x = layer.id
    whole = token("whole", layer=x)
    title = token("layer.title", layer=x)
    # "highest", not "worst": that more of it is worse is for the figures of crime, not for those of people
    top, low = token("highest", layer=x, level="lad"), token("lowest", layer=x, level="lad")
    top_value, low_value = token("highest.value", layer=x, level="lad"), token("lowest.value", layer=x, level="lad")
    end = "lowest" if layer.descriptor.direction == "low-is-worse" else "highest"
    several = "lad" in layer.levels and len(w.published.region.areas["lad"]) > 1 and w.filled(top) != w.filled(low)
    small = layer.levels[0]
    one = wording.LEVEL_WORDS[small][0]
    place = f"The {one} where it is {end} is {token(end, layer=x, level=small)}: {token(f'{end}.value', layer=x, level=small)}."
    w.page(
        (f"{title}: {whole}", f"{whole}: {title}", f"{title}: {token('whole.number', layer=x)}", title),
        (
            f"It is highest in {top} ({top_value}) and lowest in {low} ({low_value})." if several else "",
            place if not several or small != "lad" else "",
            f"The figure for the region is that of its middle {one}: half of them have more."
            if _middle(w.published, layer)
            else "",
            f"For the whole region it {token('change', layer=x)}." if len(layer.periods) > 1 else "",
        ),
        f"**Why it matters.** {token('layer.why', layer=x)}",
        exhibits=(
            exhibit("chart", "type: authorities", f"layer: {x}") if several else "",
            exhibit("chart", "type: worst", f"layer: {x}", f"level: {small}", "n: 10"),
            exhibit("map", f"layer: {x}"),
        ),
        notes=(
            f"This page is about {md(lower(theme.name))}.",
            md(theme.question),
            f"The figures are for {token('layer.period', layer=x)} and come from: {token('layer.source', layer=x)}.",
            "Ask the room: does this fit what you hear in your ward?",
        ),
    )


def _specials(published: Published, asked: Sequence[tuple[Question, Gaps]]) -> list[Number]:
    """A distance, a gap and a border, of different themes where that can be."""
    found: list[Number] = []
    if asked:
        question, gaps = max(asked, key=lambda pair: pair[1].summary["underserved_residents"])
        found.append(Number(f"gap {question.theme.id}", lambda w, q=question, g=gaps: _gap_number(w, q, g)))
    lists = [x for x in published.store.layers(PUBLIC, kind="services") if x.descriptor.access_standard and x.sites]
    if lists:
        most = max(lists, key=lambda x: x.sites)  # what most people use
        found.append(Number("access", lambda w, x=most: _access_number(w, x)))
    if len(published.region.areas["lad"]) > 1:
        together = [(q, t) for q, _ in asked if (t := together_found(published, q)) is not None]
        if together:
            question, _ = max(together, key=lambda pair: pair[1].summary["residents_nearer_elsewhere"])
            found.append(Number("border", lambda w, q=question: _border_number(w, q)))
    return found


def _gap_number(w: Writer, question: Question, gaps: Gaps) -> None:
    v = question.view
    if not gaps.summary["underserved_areas"]:
        headlines = [f"Nobody lives in a gap for {md(lower(question.theme.name))}", "Nobody lives in a gap"]
    else:
        people = token("gaps.residents", view=v)
        headlines = [
            f"{people} people live where need is high and the {md(question.nearest)} is far",
            f"{people} people live where need is high and help is far",
        ]
    w.page(
        headlines,
        ("{{ gaps.sentence }}",),
        ("{{ gaps.rule }}",),
        exhibits=(exhibit("map", f"view: {v}"),),
        notes=(f"The starter “Gaps in {md(lower(question.theme.name))}” has the whole story.",),
        view=v,
    )


def _access_number(w: Writer, layer: Layer) -> None:
    far = wording.standard_words(layer.descriptor.access_standard.max_m)
    thing, x = md(a_site((layer,))), layer.id
    share, people = token("access.share_beyond", services=x), token("access.residents_beyond", services=x)
    nobody = w.filled(people) == "0"
    view = Selection(services=(x,), show="access").query_string()
    w.page(
        (f"Everybody lives within {far} of {thing}",)
        if nobody
        else (
            f"{share} of residents live more than {far} from {thing}",
            f"{share} of residents live more than {far} away",
        ),
        ""
        if nobody
        else f"That is {people} people. They are the ones who need a car, a bus or a neighbour to get there.",
        (
            f"The region has {token('services.count', layer=x)} of them.",
            "Distances are straight lines; the real way is longer.",
        ),
        exhibits=(
            exhibit("table", "type: services", f"layer: {x}"),
            exhibit("map", f"view: {view}"),
        ),
        notes=("The standard is the one that the partner who published the list has set.",),
    )


def _border_number(w: Writer, question: Question) -> None:
    view = services_view(question)
    thing = md(one_of((question.services,)))
    w.page(
        border_headlines(w, view, thing),
        ("{{ together.sentence }}",),
        exhibits=(exhibit("together", f"view: {view}"), exhibit("table", "type: together", f"view: {view}")),
        notes=("The question for partners: does everybody know that residents may use the neighbour’s service?",),
        view=view,
    )


def _plain_numbers(published: Published) -> list[Number]:
    """The region itself, for where there is little else."""
    region = published.region
    lads = len(region.areas["lad"])

    def people(w: Writer) -> None:
        w.page(
            ("{{ region.residents }} people live in {{ region.name }}", "{{ region.residents }} people live here"),
            "They live in {{ region.areas }} small areas and {{ region.wards }} wards."
            if len(region.areas["lsoa"]) > 1
            else "",
        )

    def places(w: Writer) -> None:
        w.page(
            ("{{ region.authorities }} local authorities share this region",), "They are {{ region.authority_names }}."
        )

    def partners(w: Writer) -> None:
        w.page(
            ("{{ region.partners }} partners share what they know here",),
            "A number that one of them publishes can be seen, and checked, by all.",
        )

    found = [Number("people", people)]
    found += [Number("places", places)] if lads > 1 else []
    found += [Number("partners", partners)] if len(region.partners) > 1 else []
    return found


def ten_text(published: Published, title: str, numbers: Sequence[Number]) -> str:
    w = Writer(published)
    for number in numbers:
        number.write(w)
    if len(w.pages) != len(numbers):  # a page that could not be written; the title says how many there are
        title = f"The region in {NUMBER_WORDS[min(len(w.pages), 10)]} numbers"
    return w.document(title, subtitle=cut(f"{published.region.name}: one number a page"))
