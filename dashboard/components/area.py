"""One area in the results panel: its indicators with their place in the region, nearest services, neighbours."""

from __future__ import annotations

from dash import html

from dashboard import ids
from dashboard.selection import Selection
from dashboard.views.area import AreaProfile, IndicatorLine
from dashboard.views.wording import LEVEL_WORDS, STATUS_SHORT


def area_panel(profile: AreaProfile | None, selection: Selection) -> list:
    """Empty when no area is chosen. The close button is always in the layout, so that its callback has its component."""
    close = html.Button("Close", id=ids.CLOSE_AREA, type="button", className="button-quiet", hidden=profile is None)
    if profile is None:
        return [close]
    return [
        html.Div(
            [
                html.Div([html.H2(profile.name), close], className="drawer-head"),
                *area_facts(profile),
                html.P(html.A("Open the page of this area", href=f"/areas/{profile.code}")),
                html.H3("Indicators" + (" of this theme" if selection.theme else "")),
                indicator_list(profile),
                html.H3("Nearest services"),
                service_list(profile),
                html.H3("Neighbours"),
                neighbour_list(profile),
            ],
            className="area-card",
        )
    ]


def area_facts(profile: AreaProfile) -> list:
    where = ", ".join(part for part in (profile.ward_name, profile.lad_name) if part and part != profile.name)
    kind = LEVEL_WORDS[profile.level][0]
    facts = [f"{kind[0].upper()}{kind[1:]} {profile.code}", where, f"{profile.population} residents"]
    return [
        html.P(" · ".join(part for part in facts if part), className="unit-line"),
        html.P(f"Note: {profile.note}", className="reason") if profile.note else None,
    ]


def indicator_list(profile: AreaProfile) -> html.Ul | html.P:
    """The same lines as the table of the area page, for a narrow panel."""
    if not profile.indicators:
        return html.P("No indicator of this theme has figures at this level.")
    return html.Ul(
        [
            html.Li(
                [
                    html.Span([line.title, html.Small(line.period)], className="line-title"),
                    html.Span([line.value, _status(line)], className="line-value"),
                    _position(line),
                ]
            )
            for line in profile.indicators
        ],
        className="indicator-list",
    )


def indicator_table(profile: AreaProfile) -> html.Div:
    if not profile.indicators:
        return html.Div(html.P("No indicator of this theme has figures at this level."))
    rows = [
        html.Tr(
            [
                html.Th([line.title, html.Small(line.period)], scope="row"),
                html.Td(
                    [line.value, html.Small(line.interval) if line.interval else None, _status(line)],
                    className="number",
                ),
                html.Td(_position(line)),
            ]
        )
        for line in profile.indicators
    ]
    return html.Div(
        html.Table(
            [
                html.Caption(
                    "Each figure, and where it stands among the areas of the region.", className="visually-hidden"
                ),
                html.Thead(
                    html.Tr(
                        [html.Th("Indicator"), html.Th("Figure", className="number"), html.Th("Place in the region")]
                    )
                ),
                html.Tbody(rows),
            ],
            className="indicator-table",
        ),
        className="table-scroll",
        tabIndex=0,
        role="region",
        **{"aria-label": f"Indicators of {profile.name}"},
    )


def service_list(profile: AreaProfile) -> html.Ul | html.P:
    if not profile.services:
        return html.P("There are no service lists for this theme.")
    items = []
    for line in profile.services:
        border = ""
        if line.across_border:
            border = f", in {line.lad_name}" if line.lad_code else f", {line.lad_name}"
        items.append(
            html.Li(
                [
                    html.Strong(line.layer_title),
                    f": {line.name}, {line.distance} away in a straight line{border}",
                    f" ({line.standard})" if line.standard else "",
                    html.Small(line.address) if line.address else None,
                ]
            )
        )
    return html.Ul(items, className="plain-list")


def neighbour_list(profile: AreaProfile) -> html.Ul | html.P:
    if not profile.neighbours:
        return html.P("No other area touches this one.")
    return html.Ul(
        [
            html.Li(
                [
                    html.A(each.name, href=f"/areas/{each.code}"),
                    f" ({each.lad_name})" if each.lad_name not in (profile.lad_name, each.name) else "",
                    f": {each.value}" if each.value else "",
                ]
            )
            for each in profile.neighbours
        ],
        className="plain-list",
    )


def _position(line: IndicatorLine):
    """A bar from best to worst with a mark, and the rank in words."""
    if line.position is None:
        return html.Span("–")
    return html.Div(
        [
            html.Span(
                className="position-bar",
                children=html.Span(style={"left": f"{line.position:.1f}%"}),
                **{"aria-hidden": "true"},
            ),
            html.Small(line.rank),
        ]
    )


def _status(line: IndicatorLine):
    """One word; the sentence is a click (or a pointer) away on the methods page."""
    if line.status == "ok":
        return None
    return html.Small(html.A(STATUS_SHORT[line.status], href="/methods#statuses", title=line.sentence))
