"""The question over the map: chips that read as a sentence - alcohol harm, drug and alcohol services, whole region, small areas - each
of which opens its pickers.

Each control is a row of :data:`PICKERS` and sets a field of :mod:`dashboard.question`. The page is laid out from the rows; the one
writer of the selection, ``assets/selection.js``, gets them as data (:func:`controls`) and sets the controls from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from dashboard import ids
from dashboard.components.pieces import folded, place_picker
from dashboard.published import Published
from dashboard.question import FIELDS, NONE, number_text
from dashboard.selection import Selection
from dashboard.views import offer
from dashboard.views.crossing_words import AROUND
from dashboard.views.levels import StruckLevel, struck_levels
from dashboard.views.measures import as_offer
from dashboard.views.question_words import chip_words
from dashboard.views.wording import LEVEL_SHORT
from layers import METRICS, Layer, Viewer

ALL = "all"
"""Value of a picker that does not narrow."""
DISTANCE = "distance"
"""Value of the picker of journeys for plain distance."""
NEWEST = "newest"
"""Value of the period picker of a set of indicators, whose periods differ; ``assets/selection.js`` knows it too."""


@dataclass(frozen=True)
class PickerContext:
    """A settled selection, and what is on offer beside it."""

    published: Published
    selection: Selection
    viewer: Viewer

    @cached_property
    def narrowed(self) -> offer.Offer:
        return offer.layers_for(self.published, self.selection, self.viewer)

    @cached_property
    def layer(self) -> Layer | None:
        """The one indicator, where there is exactly one."""
        one = self.selection.one_need
        return offer.find(self.published, one, self.viewer) if one else None

    @cached_property
    def periods(self) -> list[str]:
        if self.layer:
            return list(self.layer.periods)
        layers = [offer.find(self.published, name, self.viewer) for name, _ in self.selection.needs]
        return list(dict.fromkeys(p for layer in layers if layer and len(layer.periods) > 1 for p in layer.periods))

    @cached_property
    def measures(self) -> dict:
        return as_offer(self.published, self.published.store.layers(self.viewer))

    @cached_property
    def struck(self) -> tuple[StruckLevel, ...]:
        return struck_levels(self.published, self.selection, self.viewer)

    @property
    def minutes(self) -> bool:
        """Whether the standard is one of time."""
        return self.selection.fair or bool(self.selection.travel)


# ---- what the pickers offer -------------------------------------------------------------------------------------------


def options(words: Mapping[Any, str]) -> list[dict[str, Any]]:
    return [{"value": value, "label": label} for value, label in words.items()]


def themes(asked: PickerContext) -> list[dict]:
    return options({theme.id: theme.name for theme in asked.published.region.themes})


def partners(asked: PickerContext) -> list[dict]:
    return options({partner.id: partner.name for partner in asked.published.region.partners})


def indicators(asked: PickerContext) -> list[dict]:
    """Grouped by theme, each indicator where it belongs first; ``assets/selection.js`` groups them alike."""
    found = list(
        {layer.id: layer for layer in (*asked.narrowed.indicators, *([asked.layer] if asked.layer else []))}.values()
    )
    set_of = len(asked.selection.needs)
    own = {asked.selection.need: f"Your set of {set_of} indicators"} if set_of > 1 else {}
    return [*options(own), *by_theme(asked, found), *options({NONE: "No indicator: services only"})]


def by_theme(asked: PickerContext, layers: Sequence[Layer]) -> list[dict]:
    if asked.selection.theme:
        return options({layer.id: layer.title for layer in layers})
    known = {theme.id: theme.name for theme in asked.published.region.themes}
    first = {layer.id: next((theme for theme in layer.themes if theme in known), "") for layer in layers}
    groups = []
    for theme, name in (*known.items(), ("", "Other")):
        items = options({layer.id: layer.title for layer in layers if first[layer.id] == theme})
        groups += [{"group": name, "items": items}] if items else []
    return groups


def periods(asked: PickerContext) -> list[dict]:
    newest = {} if asked.layer else {NEWEST: "The newest of each"}
    return options({period: period for period in asked.periods} | newest)


def services(asked: PickerContext) -> list[dict]:
    return options({layer.id: f"{offer.offered_title(layer)} ({layer.sites:,})" for layer in asked.narrowed.services})


def levels(asked: PickerContext) -> list[dict]:
    """All levels, those struck out at which an indicator of the set has no figures; :func:`struck` says why."""
    off = {each.level for each in asked.struck}
    return [each | {"disabled": each["value"] in off} for each in options(LEVEL_SHORT)]


def groups(asked: PickerContext) -> list[dict]:
    found = [group for group in asked.measures["groups"] if asked.selection.level in group["levels"]]
    return options({group["id"]: group["title"] for group in found})


def journeys(asked: PickerContext) -> list[dict]:
    selection, given = asked.selection, asked.measures
    fair = {"fair": given["fairWords"]} if selection.level in given["fair"] else {}
    tables = {
        f"table:{table['id']}": table["title"]
        for table in given["travel"]
        if set(table["services"]) == set(selection.services)
    }
    return options({DISTANCE: f"Distance in a straight line, {AROUND}"} | fair | tables)


def numbers_of_bands(asked: PickerContext) -> list[str]:
    row = FIELDS["classes"]
    return [str(k) for k in range(row.least, row.most + 1)]


BANDS = {"region": "The region", "partner": "The chosen partner", "national": "The whole country"}
NO_BANDS = {"partner": "choose a partner first", "national": "no national bands for this indicator by these areas"}
"""Why bands cannot be chosen; ``assets/selection.js`` has them as data (:func:`dashboard.pages.explore.config`)."""


def bands(asked: PickerContext) -> list[dict]:
    """Those that cannot be chosen say why."""
    layer, selection = asked.layer, asked.selection
    off = {
        "partner": not selection.partner,
        "national": layer is None or not offer.national_available(layer, selection.level),
    }
    return [
        {
            "value": value,
            "label": f"{words}: {NO_BANDS[value]}" if off.get(value) else words,
            "disabled": off.get(value, False),
        }
        for value, words in BANDS.items()
    ]


SCHEMES = {"quantiles": "Equal numbers of areas", "equal": "Equal steps", "jenks": "Natural breaks (Jenks)"}
DETOURS = {"1": "Straight line", "1.2": "Straight line and a fifth", "1.4": "Straight line and two fifths"}


# ---- the pickers ------------------------------------------------------------------------------------------------------

NEED, SERVICES, FAR, PLACE, LEVEL, SETTINGS, FIND = "need", "services", "far", "place", "level", "settings", "find"
"""The chips in their order; a picker stands in one of them."""

TERMS = {
    NEED: ("Where need is", "Need"),
    SERVICES: ("with", "Services"),
    FAR: ("", "Too far"),
    PLACE: ("in the", "Where"),
    LEVEL: ("by", "Areas"),
    SETTINGS: ("", ""),
    FIND: ("", ""),
}
"""The words before a chip in the sentence, and what the chip is about."""


@dataclass(frozen=True)
class Picker:
    """One control. ``shown`` is how the browser turns the field into what the control shows, and back (``assets/selection.js``)."""

    row: str  # its row in dashboard/question.py
    label: str
    choices: Callable[[PickerContext], list] | None = None
    part: str = NEED
    component: Callable = dmc.Select
    all: str = ""  # what the choice that does not narrow is called
    narrows: bool = False  # the rest follows when it is changed
    renewed: bool = False  # what it offers depends on the rest, so that the browser renews it
    hidden: Callable[[PickerContext], bool] | None = None  # whether it makes no sense with the rest
    name: str = ""  # of its id, where that is not the field's
    shown: str = ""
    per: int = 1  # what the control counts in, in the field's unit
    more: Mapping[str, Any] = field(default_factory=dict)  # further properties

    @property
    def id(self) -> str:
        return ids.control(self.name or self.row)

    @property
    def prop(self) -> str:
        return "checked" if self.component is dmc.Switch else "value"

    @property
    def way(self) -> str:
        """``shown``, or what follows from kind and component."""
        if self.shown:
            return self.shown
        if self.component is dmc.NumberInput:
            return "amount"
        return {"yes": "plain", "ids": "plain", "number": "text", "whole": "text"}.get(
            FIELDS[self.row].kind.name, "choice"
        )

    def value(self, asked: PickerContext) -> Any:
        """What the control shows of a selection."""
        chosen, way = getattr(asked.selection, self.row), self.way
        if way == "period":
            return chosen or (asked.periods[-1] if asked.layer and asked.periods else NEWEST)
        if way == "journey":
            return f"table:{chosen}" if chosen else "fair" if asked.selection.fair else DISTANCE
        if way == "amount":
            return chosen / self.per if chosen else ""
        if way == "text":
            return number_text(chosen)
        if way == "choice":
            return chosen or (ALL if self.all else chosen)
        return list(chosen) if isinstance(chosen, tuple) else chosen

    def draw(self, asked: PickerContext) -> Any:
        given = {"id": self.id, self.prop: self.value(asked), **self.more}
        if self.component is dmc.Select:
            given["allowDeselect"] = False
        if self.component is dmc.MultiSelect:
            given["placeholder"] = "" if given["value"] else "None"
        if self.choices:
            given["data"] = options({ALL: self.all} if self.all else {}) + self.choices(asked)
        if self.component is dmc.SegmentedControl:
            control = dmc.SegmentedControl(fullWidth=True, **given)
            drawn = html.Fieldset([html.Legend(self.label), control], className="level-field")
        else:
            drawn = self.component(label=self.label, **given)
        return html.Div(drawn, id=ids.box(self.id), hidden=self.hidden(asked)) if self.hidden else drawn

    def as_data(self) -> dict[str, Any]:
        """What the browser needs to set the control and to read it."""
        all_value = ALL if self.all else ""
        return {
            "id": self.id, "prop": self.prop, "field": self.row, "way": self.way, "all": all_value,
            "per": self.per, "narrows": self.narrows,
        }  # fmt: skip


PICKERS = (
    Picker(
        "theme", "Show need for", themes, all="All themes", narrows=True,
        more={"searchable": False, "maxDropdownHeight": 420},
    ),
    Picker(
        "need", "measured by", indicators, renewed=True,
        more={"searchable": True, "nothingFoundMessage": "No indicator of that name here", "maxDropdownHeight": 420},
    ),
    Picker("period", "in", periods, renewed=True, hidden=lambda asked: len(asked.periods) < 2, shown="period"),
    Picker(
        "services", "with services", services, SERVICES, component=dmc.MultiSelect, renewed=True,
        more={"searchable": True, "clearable": True, "maxDropdownHeight": 360},
    ),
    Picker("metric", "Access measured by", lambda _: options({metric.id: metric.title for metric in METRICS.values()}), FAR),
    Picker(
        "group", "Shared among", groups, FAR, all="All residents", renewed=True, more={"searchable": True},
        hidden=lambda asked: not METRICS[asked.selection.metric].uses_capacity or not groups(asked),
    ),
    Picker(
        "travel", "How far it is", journeys, FAR, renewed=True, name="journey", shown="journey",
        hidden=lambda asked: len(journeys(asked)) < 2,
    ),
    Picker(
        "max_m", "Too far is more than (km)", part=FAR, component=dmc.NumberInput, name="max_km", per=1000,
        hidden=lambda asked: asked.minutes,
        more={
            "placeholder": "the list's own standard", "step": 0.5, "decimalScale": 3, "debounce": 400, "clampBehavior": "none",
        },
    ),
    Picker(
        "max_min", "Too far is more than (minutes)", part=FAR, component=dmc.NumberInput,
        hidden=lambda asked: not asked.minutes,
        more={"placeholder": "the standard, walked", "step": 5, "decimalScale": 1, "debounce": 400, "clampBehavior": "none"},
    ),
    Picker("detour", "Distance", lambda _: options(DETOURS), FAR, hidden=lambda asked: bool(asked.selection.travel)),
    Picker("alone", "Look alone: count only services in each area's own authority", part=FAR, component=dmc.Switch),
    Picker(
        "partner", "for", partners, PLACE, all="The whole region", narrows=True,
        more={"searchable": True, "maxDropdownHeight": 420},
    ),
    Picker("level", "by", levels, LEVEL, component=dmc.SegmentedControl, renewed=True),
    Picker("owner", "Data from", partners, SETTINGS, all="Any partner", narrows=True, more={"searchable": True}),
    Picker("bands", "Bands within", bands, SETTINGS, renewed=True),
    Picker("scheme", "Cut into bands by", lambda _: options(SCHEMES), SETTINGS),
    Picker("classes", "Number of bands", numbers_of_bands, SETTINGS),
)  # fmt: skip


def controls() -> list[dict[str, Any]]:
    """The pickers for the browser."""
    return [picker.as_data() for picker in PICKERS]


# ---- the form ---------------------------------------------------------------------------------------------------------


def ask(published: Published, selection: Selection, viewer: Viewer) -> list:
    """The chips; a filter that leaves nothing offers its way back beside them."""
    asked = PickerContext(published, selection, viewer)
    words = chip_words(published, selection, viewer)
    more = {
        NEED: [
            html.P(asked.narrowed.remaining, id=ids.REMAINING, className="remaining", role="status"),
            weights(published, selection, viewer),
        ],
        LEVEL: [html.Div(struck(asked.struck), id=ids.STRUCK, className="struck", role="status")],
        FIND: [search_box()],
    }
    chips = [
        chip(part, words[part], [picker.draw(asked) for picker in PICKERS if picker.part == part] + more.get(part, []))
        for part in TERMS
    ]
    chips[list(TERMS).index(FAR)].hidden = selection.show == "need"
    return [
        *chips,
        html.Button(
            "Show all layers again",
            id=ids.SHOW_ALL,
            type="button",
            className="button-quiet",
            hidden=bool(asked.narrowed.indicators or asked.narrowed.services),
        ),
    ]


def chip(part: str, words: str, inside: list) -> html.Div:
    """A word of the question that opens what changes it: a sheet beneath it, at the foot of the window on a phone."""
    before, about = TERMS[part]
    face = [
        html.Span(f"{about}: ", className="visually-hidden") if about else None,
        html.Span(words, id=ids.chip(part)),
    ]
    return html.Div(
        [
            html.Span(f"{before} ", className="chip-before") if before else None,
            html.Details(
                [
                    html.Summary(face, className="chip-face"),
                    html.Div(
                        [*inside, html.Button("Done", type="button", className="button-quiet chip-done")],
                        className="chip-sheet",
                        role="group",
                        **{"aria-label": about or words},
                    ),
                ],
                className="chip",
            ),
        ],
        id=ids.GAP_OPTIONS if part == FAR else ids.chip_box(part),
        className="chip-box",
    )


def actions(viewer: Viewer) -> list:
    """What is done with the map as it stands."""
    return [
        html.Button("Whole region", id=ids.FIT, type="button", className="button-quiet"),
        html.Button("Copy link", id=ids.COPY_LINK, type="button", className="button-quiet"),
        pin_link(viewer),
        html.Span("", id=ids.COPIED, role="status", className="copied"),
    ]


def struck(levels: Sequence[StruckLevel]) -> list:
    """Why some levels cannot be chosen, and the way on: one tap leaves out what has no figures there."""
    return [
        html.P([each.sentence, " ", html.A(each.link_words, href=each.link) if each.link else None]) for each in levels
    ]


def search_box() -> dmc.Select:
    return place_picker(ids.SEARCH, "Find a postcode, place, theme or service", maxDropdownHeight=360)


def pin_link(viewer: Viewer, address: str = "/briefings/pin") -> html.A | None:
    """For those who write briefings. The page behind it takes the view from the address that the link was followed from, or
    from ``address``."""
    if viewer.role not in ("analyst", "admin"):
        return None
    return html.A("Pin to a briefing", href=address, className="button-quiet")


def weights(published: Published, selection: Selection, viewer: Viewer) -> html.Details:
    """A weighted set of indicators. The sliders are made in the browser (``assets/weights.js``), so that they can answer at once."""
    visible = {layer.id: layer for layer in published.store.layers(viewer)}
    presets = [preset for preset in published.region.presets if set(preset.weights) <= set(visible)]
    return html.Details(
        [
            html.Summary("Combine several indicators"),
            html.Ul(
                [
                    html.Li(
                        [
                            html.Button(
                                preset.name,
                                type="button",
                                className="button-quiet",
                                **{
                                    "data-preset": ",".join(
                                        f"{name}={number_text(weight)}" for name, weight in preset.weights.items()
                                    )
                                },
                            ),
                            preset_reasons(preset, visible),
                        ]
                    )
                    for preset in presets
                ],
                className="presets",
            ),
            html.Div(id="weights", className="weights"),
            dcc.Store(id=ids.WEIGHTS),
        ],
        className="more-options",
        open=len(selection.needs) > 1,
    )


def preset_reasons(preset, layers) -> html.Details:
    """Why each indicator belongs to a ready-made set."""
    parts = [
        html.Li([html.Strong(layers[name].title), f" (× {preset.weights[name]:g}): {why}"])
        for name, why in preset.reasons.items()
    ]
    note = html.P(preset.note) if preset.note else None
    return folded("Why these", note, html.Ul(parts), className="preset-why")
