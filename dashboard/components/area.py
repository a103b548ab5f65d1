"""One area in the results panel: its indicators with their place in the region, nearest services, neighbours."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace

from dash import html

from dashboard import ids
from dashboard.components.pieces import folded
from dashboard.drawing.trend_line import NARROW, as_svg, picture
from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views.area import AreaProfile, IndicatorLine, area_profile
from dashboard.views.gap_areas import AreaReading, area_reading
from dashboard.views.gaps import Gaps, gaps_or_reasons
from dashboard.views.trend import AreaTrend, Trend
from dashboard.views.wording import LEVEL_WORDS, STATUS_SHORT, decimals_for, number, with_unit
from layers import Viewer


def the_area(published: Published, selection: Selection, viewer: Viewer) -> list:
    """The panel of the chosen area; with access or gap on the map it begins with why the area is, or is not, underserved."""
    if not selection.area:
        return area_panel(None, selection)
    profile = area_profile(published, selection.area, selection, viewer)
    gaps = None
    if profile is not None and selection.show != "need" and profile.level == selection.level:
        found = gaps_or_reasons(published, selection, viewer)
        gaps = found if isinstance(found, Gaps) else None
    return area_panel(profile, selection, gaps)


def area_panel(profile: AreaProfile | None, selection: Selection, gaps: Gaps | None = None) -> list:
    """Empty when no area is chosen. The close button is always in the layout, so that its callback has its component."""
    close = html.Button("Close", id=ids.CLOSE_AREA, type="button", className="button-quiet", hidden=profile is None)
    if profile is None:
        return [close]
    return [
        html.Div(
            [
                html.Div([html.H2(profile.name), close], className="drawer-head"),
                *area_facts(profile),
                *(_why(gaps, profile, selection) if gaps is not None else []),
                html.P(
                    [
                        html.A("Open the page of this area", href=f"/areas/{profile.code}"),
                        " · ",
                        *sheet_links(profile, "")[:1],
                    ]
                ),
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


def sheet_links(profile: AreaProfile, style: str = "button-quiet") -> list:
    """The sheet of A4 about this area: to read, and to take away at once."""
    address = f"/briefings/{'ward' if profile.level == 'ward' else 'area'}-{profile.code}"
    words = f"The sheet of this {LEVEL_WORDS[profile.level][0]}"
    return [
        html.A(words, href=address, className=style),
        html.A("Take it away as PDF", href=f"{address}/files/{profile.code}.pdf", className=style),
    ]


def _why(gaps: Gaps, profile: AreaProfile, selection: Selection) -> list:
    """Why this area is, or is not, underserved: the rule's two halves, how sure, and what its need is made of."""
    reading = area_reading(gaps, gaps.published.region.position(gaps.level, profile.code))
    card = next((card for card in gaps.cards if card.id == reading.community), None)
    question = replace(selection, area="", at=None).query_string()
    told = [reading.reason, reading.need_sentence, reading.access_sentence, reading.border_sentence]
    return [
        html.Div(
            [
                html.H3(reading.verdict),
                *[html.P(text) for text in (*told, reading.stability_sentence) if text],
                html.P(["Part of ", html.A(card.name, href=f"/communities/{card.id}?{question}"), "."])
                if card
                else None,
                _parts(reading) if len(reading.contributions) > 1 else None,
            ],
            className="why",
        )
    ]


def _parts(reading: AreaReading) -> html.Details:
    """Points that each indicator brings, with the figure behind it."""
    rows = []
    for part in reading.contributions:
        known = part["points"] is not None
        figure = (
            with_unit(part["value"], part["unit"], decimals_for([part["value"]])) if part["value"] is not None else "–"
        )
        rows.append(
            html.Tr(
                [
                    html.Th([part["title"], html.Small(figure)], scope="row"),
                    html.Td(number(part["percentile"]) if known else "–", className="number"),
                    html.Td(number(part["points"], 1) if known else "–", className="number"),
                ]
            )
        )
    heads = [html.Th("Indicator"), html.Th("Of 100", className="number"), html.Th("Points", className="number")]
    caption = "The points add up to the weighted average, whose place among all areas is the need."
    table = html.Table([html.Caption(caption), html.Thead(html.Tr(heads)), html.Tbody(rows)], className="parts")
    return folded("What its need is made of", table, open=True)


def area_facts(profile: AreaProfile) -> list:
    where = ", ".join(part for part in (profile.ward_name, profile.lad_name) if part and part != profile.name)
    kind = LEVEL_WORDS[profile.level][0]
    official = "" if profile.official_name == profile.name else f"official name {profile.official_name}"
    facts = [f"{kind[0].upper()}{kind[1:]} {profile.code}", official, where, f"{profile.population} residents"]
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


def trend_charts(trends: list[AreaTrend], profile: AreaProfile) -> list:
    """A picture for each indicator with two or more periods here, what it shows in words, and its figures; [] without any."""
    if not trends:
        return []
    compared = any(one.beside for one in trends)
    return [
        html.H2("From period to period"),
        html.P(
            f"The solid line is {profile.name}"
            + (", the dashed one the region. " if compared else ". ")
            + "It is broken where figures do not compare or one is missing."
        ),
        html.Div([_trend_chart(one, profile) for one in trends], className="trend-charts"),
    ]


def _trend_chart(one: AreaTrend, profile: AreaProfile) -> html.Figure:
    def image(scheme: str) -> html.Img:
        drawn = as_svg(picture(one.line, one.measure, one.beside, width=NARROW), one.line.sentence, scheme)
        data = b64encode(drawn.encode()).decode()
        return html.Img(src=f"data:image/svg+xml;base64,{data}", alt=one.line.sentence, className=f"only-{scheme}")

    caption = [html.A(one.title, href=f"/catalogue/{one.layer_id}"), html.Small(one.line.unit)]
    told = [html.P(one.line.sentence)]
    if one.beside:
        told.append(html.P(f"{one.beside.what}: {_first_small(one.beside.sentence)}", className="unit-line"))
    return html.Figure(
        [html.Figcaption(caption), image("light"), image("dark"), *told, _trend_table(one.line, one.beside, profile)],
        className="trend-chart",
    )


def _first_small(text: str) -> str:
    return text[:1].lower() + text[1:]


def _trend_table(line: Trend, beside: Trend | None, profile: AreaProfile) -> html.Details:
    region = {point.period: point.words for point in beside.points} if beside else {}
    head = ["Period", profile.name, *(["Region"] if region else []), "Compares with the one before"]
    rows = []
    for at, point in enumerate(line.points):
        compares = (
            "–" if at == 0 else f"No: {point.why}" if point.why else "Yes" if point.joined else "Yes, after a gap"
        )
        cells = [html.Td(point.words, className="number")]
        if region:
            cells.append(html.Td(region.get(point.period, "–"), className="number"))
        rows.append(html.Tr([html.Th(point.period, scope="row"), *cells, html.Td(compares)]))
    return html.Details(
        [
            html.Summary("The figures"),
            html.Table([html.Thead(html.Tr([html.Th(text, scope="col") for text in head])), html.Tbody(rows)]),
        ]
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
                    f": {line.name}, {line.distance} away {line.how}{border}",
                    f" ({line.standard})" if line.standard else "",
                    f"; {line.trust}" if line.trust else "",
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
