"""The controls of the explore page, reading as a sentence: show need for ... with services ... for ... by ..."""

from __future__ import annotations

import dash_mantine_components as dmc
from dash import dcc, html

from dashboard import ids
from dashboard.published import Published
from dashboard.selection import DETOURS, NONE, Selection
from dashboard.views import offer
from dashboard.views.measures import as_offer
from dashboard.views.wording import LEVEL_SHORT, SHOW_WORDS
from layers import METRICS, Viewer

ALL = "all"
"""Value of a picker that does not narrow."""
DISTANCE = "distance"
"""Value of the picker of journeys for plain distance."""
NEWEST = "newest"
"""Value of the period picker of a set of indicators, whose periods differ; ``assets/selection.js`` knows it too."""


def ask(published: Published, selection: Selection, viewer: Viewer) -> html.Div:
    """The controls, reading as a sentence."""
    region = published.region
    narrowed = offer.layers_for(published, selection, viewer)
    layer = offer.find(published, selection.one_need, viewer) if selection.one_need else None
    indicators = [{"value": each.id, "label": each.title} for each in narrowed.indicators]
    if layer is not None and layer.id not in {each["value"] for each in indicators}:
        indicators.append({"value": layer.id, "label": layer.title})
    if len(selection.needs) > 1:
        indicators.append({"value": selection.need, "label": f"Your set of {len(selection.needs)} indicators"})
    partners = [{"value": partner.id, "label": partner.name} for partner in region.partners]
    periods = list(layer.periods) if layer else _periods_of_set(published, selection, viewer)
    return html.Div(
        [
            dmc.Select(
                id=ids.SEARCH,
                label="Find a postcode, place or service",
                placeholder="Type a postcode or a name",
                searchable=True,
                clearable=True,
                data=[],
                nothingFoundMessage="Nothing found. Try a full postcode, or part of a name.",
                limit=12,
                maxDropdownHeight=360,
            ),
            html.Div(
                [
                    dmc.Select(
                        id=ids.THEME,
                        label="Show need for",
                        data=[
                            {"value": ALL, "label": "All themes"},
                            *({"value": theme.id, "label": theme.name} for theme in region.themes),
                        ],
                        value=selection.theme or ALL,
                        allowDeselect=False,
                        searchable=False,
                        maxDropdownHeight=420,
                    ),
                    dmc.Select(
                        id=ids.NEED,
                        label="measured by",
                        data=[*indicators, {"value": NONE, "label": "No indicator: services only"}],
                        value=selection.need,
                        allowDeselect=False,
                        searchable=True,
                        nothingFoundMessage="No indicator of that name here",
                        maxDropdownHeight=420,
                    ),
                    html.Div(
                        dmc.Select(
                            id=ids.PERIOD,
                            label="in",
                            data=[{"value": period, "label": period} for period in periods]
                            + ([] if layer else [{"value": NEWEST, "label": "The newest of each"}]),
                            value=selection.period or (periods[-1] if layer and periods else NEWEST),
                            allowDeselect=False,
                        ),
                        id=ids.PERIOD_FIELD,
                        hidden=len(periods) < 2,
                    ),
                    dmc.MultiSelect(
                        id=ids.SERVICES,
                        label="with services",
                        placeholder="None" if not selection.services else "",
                        data=[
                            {"value": each.id, "label": f"{each.title} ({each.sites:,})"} for each in narrowed.services
                        ],
                        value=list(selection.services),
                        searchable=True,
                        clearable=True,
                        maxDropdownHeight=360,
                    ),
                    html.Fieldset(
                        [
                            html.Legend("showing"),
                            dmc.SegmentedControl(
                                id=ids.SHOW,
                                data=[
                                    {
                                        "value": show,
                                        "label": words,
                                        "disabled": show != "need" and not selection.services,
                                    }
                                    for show, words in SHOW_WORDS.items()
                                ],
                                value=selection.show,
                                fullWidth=True,
                            ),
                        ],
                        className="level-field",
                    ),
                    html.Div(
                        gap_options(published, selection, viewer),
                        id=ids.GAP_OPTIONS,
                        className="gap-options",
                        hidden=selection.show == "need",
                    ),
                    dmc.Select(
                        id=ids.PARTNER,
                        label="for",
                        data=[{"value": ALL, "label": "The whole region"}, *partners],
                        value=selection.partner or ALL,
                        allowDeselect=False,
                        searchable=True,
                        maxDropdownHeight=420,
                    ),
                    html.Fieldset(
                        [
                            html.Legend("by"),
                            dmc.SegmentedControl(
                                id=ids.LEVEL,
                                data=[{"value": level, "label": name} for level, name in LEVEL_SHORT.items()],
                                value=selection.level,
                                fullWidth=True,
                            ),
                        ],
                        className="level-field",
                    ),
                ],
                className="ask-sentence",
            ),
            weights(published, selection, viewer),
            html.P(narrowed.remaining, id=ids.REMAINING, className="remaining", role="status"),
            html.Button(
                "Show all layers again",
                id=ids.SHOW_ALL,
                type="button",
                className="button-quiet",
                hidden=bool(narrowed.indicators or narrowed.services),
            ),
            html.Details(
                [
                    html.Summary("More options"),
                    dmc.Select(
                        id=ids.OWNER,
                        label="Data from",
                        data=[{"value": ALL, "label": "Any partner"}, *partners],
                        value=selection.owner or ALL,
                        allowDeselect=False,
                        searchable=True,
                    ),
                    dmc.Select(
                        id=ids.BANDS,
                        label="Bands within",
                        data=[
                            {"value": "region", "label": "The region"},
                            {"value": "partner", "label": "The chosen partner"},
                            {"value": "national", "label": "The whole country"},
                        ],
                        value=selection.bands,
                        allowDeselect=False,
                    ),
                    dmc.Select(
                        id=ids.SCHEME,
                        label="Cut into bands by",
                        data=[
                            {"value": "quantiles", "label": "Equal numbers of areas"},
                            {"value": "equal", "label": "Equal steps"},
                            {"value": "jenks", "label": "Natural breaks (Jenks)"},
                        ],
                        value=selection.scheme,
                        allowDeselect=False,
                    ),
                    dmc.Select(
                        id=ids.CLASSES,
                        label="Number of bands",
                        data=[str(k) for k in (3, 4, 5, 6, 7)],
                        value=str(selection.classes),
                        allowDeselect=False,
                    ),
                ],
                className="more-options",
                open=False,
            ),
            html.Div(
                [
                    html.Button("Whole region", id=ids.FIT, type="button", className="button-quiet"),
                    html.Button("Copy link", id=ids.COPY_LINK, type="button", className="button-quiet"),
                    pin_link(viewer),
                    html.Span("", id=ids.COPIED, role="status", className="copied"),
                ],
                className="button-row",
            ),
        ],
        className="ask",
    )


def _periods_of_set(published: Published, selection: Selection, viewer: Viewer) -> list[str]:
    """Periods of those indicators of a set that have several, each once."""
    layers = [offer.find(published, name, viewer) for name, _ in selection.needs]
    return list(dict.fromkeys(p for layer in layers if layer and len(layer.periods) > 1 for p in layer.periods))


def pin_link(viewer: Viewer, address: str = "/briefings/pin") -> html.A | None:
    """For those who write briefings. The page behind it takes the view from the address that the link was followed from, or
    from ``address``."""
    if viewer.role not in ("analyst", "admin"):
        return None
    return html.A("Pin to a briefing", href=address, className="button-quiet")


def gap_options(published: Published, selection: Selection, viewer: Viewer) -> list:
    """How access is measured; shown with access and gap. What a region has no data for is hidden (assets/selection.js)."""
    given = as_offer(published, published.store.layers(viewer))
    journeys = [{"value": DISTANCE, "label": "Distance in a straight line"}]
    if selection.level in given["fair"]:
        journeys.append({"value": "fair", "label": given["fairWords"]})
    journeys += [
        {"value": f"table:{table['id']}", "label": table["title"]}
        for table in given["travel"]
        if table["level"] == selection.level and set(table["services"]) == set(selection.services)
    ]
    groups = [
        {"value": group["id"], "label": group["title"]}
        for group in given["groups"]
        if selection.level in group["levels"]
    ]
    minutes = selection.fair or bool(selection.travel)
    detours = {
        1.0: "Straight line",
        1.2: "Straight line and a fifth",
        1.4: "Straight line and two fifths",
    }
    return [
        dmc.Select(
            id=ids.METRIC,
            label="Access measured by",
            data=[{"value": metric.id, "label": metric.title} for metric in METRICS.values()],
            value=selection.metric,
            allowDeselect=False,
        ),
        html.Div(
            dmc.Select(
                id=ids.GROUP,
                label="Shared among",
                data=[{"value": ALL, "label": "All residents"}, *groups],
                value=selection.group or ALL,
                allowDeselect=False,
                searchable=True,
            ),
            id=ids.GROUP_FIELD,
            hidden=not METRICS[selection.metric].uses_capacity or not groups,
        ),
        html.Div(
            dmc.Select(
                id=ids.JOURNEY,
                label="How far it is",
                data=journeys,
                value=f"table:{selection.travel}" if selection.travel else "fair" if selection.fair else DISTANCE,
                allowDeselect=False,
            ),
            id=ids.JOURNEY_FIELD,
            hidden=len(journeys) < 2,
        ),
        html.Div(
            dmc.NumberInput(
                id=ids.MAX_KM,
                label="Too far is more than (km)",
                placeholder="the list's own standard",
                value=selection.max_m / 1000 if selection.max_m else "",
                min=0.1,
                max=200,
                step=0.5,
                decimalScale=2,
                debounce=400,
            ),
            id=ids.KM_FIELD,
            hidden=minutes,
        ),
        html.Div(
            dmc.NumberInput(
                id=ids.MAX_MIN,
                label="Too far is more than (minutes)",
                placeholder="the standard, walked",
                value=selection.max_min or "",
                min=1,
                max=600,
                step=5,
                decimalScale=1,
                debounce=400,
            ),
            id=ids.MINUTES_FIELD,
            hidden=not minutes,
        ),
        html.Div(
            dmc.Select(
                id=ids.DETOUR,
                label="Distance",
                data=[{"value": f"{detour:g}", "label": detours[detour]} for detour in DETOURS],
                value=f"{selection.detour:g}",
                allowDeselect=False,
            ),
            id=ids.DETOUR_FIELD,
            hidden=bool(selection.travel),
        ),
        dmc.Switch(
            id=ids.ALONE,
            label="Look alone: count only services in each area's own authority",
            checked=selection.alone,
        ),
    ]


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
                                        f"{name}={weight:g}" for name, weight in preset.weights.items()
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
    return html.Details(
        [html.Summary("Why these"), html.P(preset.note) if preset.note else None, html.Ul(parts)],
        className="preset-why",
    )
