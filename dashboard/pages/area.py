"""The page of one area: everything known about it, ready to print."""

from __future__ import annotations

from collections.abc import Mapping

from dash import html

from dashboard.components.area import (
    area_facts,
    indicator_table,
    neighbour_list,
    service_list,
    sheet_links,
    trend_charts,
)
from dashboard.components.shell import footer
from dashboard.map_files import Shapes
from dashboard.pages.missing import missing
from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views.area import area_profile, other_level_codes
from dashboard.views.crossing_words import POINT, in_a_line
from dashboard.views.trend import area_trends
from dashboard.views.wording import LEVEL_WORDS
from layers import Viewer


def layout(
    published: Published, query: Mapping[str, str], viewer: Viewer, *, shapes: Shapes, code: str = ""
) -> html.Div:
    selection, _ = Selection.from_query(query)
    profile = area_profile(published, code, selection, viewer)
    if profile is None:
        return missing(f"There is no area with the code “{code[:40]}” in {published.region.name}.")
    region = published.region
    parents = []
    for level, other in other_level_codes(published, code).items():
        if other != code:
            name = region.areas[level]["name"].iat[region.position(level, other)]
            parents.append(html.Li(["In the ", LEVEL_WORDS[level][0], " ", html.A(name, href=f"/areas/{other}")]))
    view = Selection(theme=selection.theme, need=selection.need, level=profile.level, area=code)
    place = f"&at={profile.latitude:.4f},{profile.longitude:.4f},{ {'lsoa': 13, 'ward': 12, 'lad': 10}[profile.level] }"
    return html.Div(
        [
            html.H1(profile.name),
            *area_facts(profile),
            html.Ul(parents, className="plain-list") if parents else None,
            html.Div(
                [
                    html.A("Show on the map", href=view.link() + place, className="button"),
                    *sheet_links(profile),
                ],
                className="button-row",
            ),
            html.H2("Indicators"),
            indicator_table(profile),
            *trend_charts(area_trends(published, code, selection.theme, viewer), profile),
            html.H2("Nearest services"),
            html.P(
                f"Distances are {in_a_line(around=True)} from {POINT}, whichever authority the service is in. "
                "Those of wards and authorities are means over their residents, to the site that is nearest for "
                "most of them."
            ),
            service_list(profile),
            html.H2("Neighbours"),
            neighbour_list(profile),
            footer(published),
        ],
        className="document",
        id="main",
    )
