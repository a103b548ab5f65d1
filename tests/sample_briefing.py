"""A briefing made by hand with every kind of page and figure, for the files that are made from one. Its numbers are on paper below."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from dashboard.briefings.filling.model import (
    Briefing,
    BriefingPage,
    ChartData,
    Fact,
    Figure,
    LegendRow,
    SourceLine,
    Stale,
    TableData,
)  # fmt: skip
from layers import BriefingBlock, BriefingRun, read_briefing

NOTICE = "Demonstration data: areas, figures and services are made up. Do not use them for decisions."
MADE_ON = date(2026, 11, 22)

NEED = SourceLine(
    "alcohol-harm", 3, "Hospital stays for alcohol", "Office for Health Improvement and Disparities", "2024/25",
    "Open Government Licence v3.0",
    "Contains public sector information licensed under the Open Government Licence v3.0.", "2026-05-01", "/catalogue/alcohol-harm",
)  # fmt: skip
SITES = SourceLine(
    "alcohol-services", 7, "Alcohol treatment services", "North Shore Council", "October 2026", "Open Government Licence v3.0",
    "Contains public sector information licensed under the Open Government Licence v3.0. Contains OS data © Crown copyright and "
    "database right 2026.", "2026-10-12", "/catalogue/alcohol-services",
)  # fmt: skip
LIMITS = (
    "Distances are straight lines from where people live; a river or a missing bus is not in them.",
    "It does not say how many of these residents drink, or would use a service.",
)
# four squares of 100 by 100, one withheld
MAP = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 200" width="300" height="200" role="img">'
    "<title>Need</title><desc>Four areas</desc>"
    '<defs><pattern id="withheld" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="6" height="6" fill="#ffffff"/><rect width="1.5" height="6" fill="#6f6f6b"/></pattern></defs>'
    '<rect width="300" height="200" fill="#d4e3ea"/><path d="M0 0H100V100H0Z" fill="#f3cfdf"/>'
    '<path d="M100 0H200V100H100Z" fill="#992c68"/><path d="M0 100H100V200H0Z" fill="url(#withheld)"/>'
    '<path d="M100 100H200V200H100Z" fill="#5a0a38"/><circle cx="150" cy="150" r="8" fill="#1d1d1b"/>'
    '<text x="50" y="50" font-family="system-ui, sans-serif" font-size="13">Ashby</text></svg>'
)
CHART = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 300" role="img"><title>Residents</title><desc>Bars</desc>'
    '<rect x="160" y="20" width="480" height="60" fill="#12436D"/><rect x="160" y="110" width="240" height="60" fill="#12436D"/>'
    '<rect x="160" y="200" width="120" height="60" fill="#12436D"/><text x="150" y="55" text-anchor="end">Ashby</text></svg>'
)
BARS = ChartData(
    "bar", ("Ashby", "Brigg", "Coldstream"), ("Rate",), ((8.0, 4.0, 2.0),), "per 1,000 residents", 1,
    lower=(7.5, 3.2, None), upper=(8.6, 4.9, None), highlight=0, colours=("#12436D",),
)  # fmt: skip
STACKED = ChartData(
    "stacked", ("Ashby", "Brigg"), ("Own authority", "Next door"), ((1200.0, 300.0), (400.0, None)), "residents",
    colours=("#12436D", "#F46A25"),
)  # fmt: skip
LINE = ChartData(
    "line", ("2022", "2023", "2024"), ("Ashby", "Region"), ((7.1, 7.9, 8.0), (5.0, None, 5.2)), "per 1,000 residents", 1,
)  # fmt: skip
AREAS = TableData(
    ("Area", "Need", "Residents"), (("Ashby", "8.0", "1,500"), ("Brigg", "4.0", "1,100"), ("Coldstream", "Withheld", "900")),
    (False, True, True), "The 3 largest of 4.",
)  # fmt: skip


def runs(*words: str | BriefingRun) -> tuple[BriefingRun, ...]:
    return tuple(word if isinstance(word, BriefingRun) else BriefingRun(word) for word in words)


def paragraph(*words: str | BriefingRun) -> BriefingBlock:
    return BriefingBlock("paragraph", (runs(*words),))


def bullets(*lines: str) -> BriefingBlock:
    return BriefingBlock("bullets", tuple(runs(line) for line in lines))


MAP_FIGURE = Figure(
    "map", "Need and distance to the nearest service",
    "A map of four areas. Coldgate, in the south, has the highest need and is 6.1 km from a service; one area is withheld.",
    "Underserved areas have a bold outline.", "Small areas of North Shore. Need: hospital stays for alcohol; 2024/25.", MAP,
    (
        LegendRow("2.0 to 4.0", "#f3cfdf", count="1 area, 900 residents"), LegendRow("4.1 to 8.0", "#5a0a38", count="2 areas"),
        LegendRow("Withheld to protect people", "", "hatch"), LegendRow("Underserved", "", "outline"),
        LegendRow("Treatment services: dark circles", "#1d1d1b", "", "3 sites", "circle"),
    ),
    "Stays per 1,000 residents", None, AREAS, (("alcohol-harm", 3),), (NEED, SITES), "/?need=alcohol-harm&show=gap",
)  # fmt: skip
BAR_FIGURE = Figure(
    "chart", "Hospital stays by authority", "A bar chart. Ashby has 8.0 stays per 1,000 residents, twice as many as Brigg.",
    "Lines show the 95% interval.", "Authorities of North Shore, 2024/25.", CHART, chart=BARS, sources=(NEED,),
)  # fmt: skip
TABLE_FIGURE = Figure(
    "table", "Where need is highest", "A table of three areas.", filters="Wards, 2024/25.", table=AREAS
)

TEXT = """---
title: Where help with alcohol is furthest from need
subtitle: A briefing for members
partner: north-shore
author: A. Analyst
review_on: 2027-03-31
---
# One
"""


def pages() -> tuple[BriefingPage, ...]:
    link = BriefingRun("the methods", link="https://example.org/methods")
    own = BriefingRun("the map", link="/?need=alcohol-harm")
    fact = Fact(
        "104,200", 104200.0, "residents", "2024/25", detail="Residents of underserved areas, mid-2024 estimate."
    )
    first = BriefingPage(
        1, runs("63 small areas are far from help with alcohol"),
        (
            paragraph("In them live ", BriefingRun("104,200 residents", bold=True), ", most of them in ",
                      BriefingRun("two", italic=True), " authorities. See ", link, " and ", own, "."),
            bullets("Need is in the highest fifth.", "The nearest service is more than 5 km away."),
        ),
        MAP_FIGURE, (paragraph("Start with Ashby."), bullets("Ask who has been there.")), {"gaps.residents": fact},
        (NEED, SITES), LIMITS,
    )  # fmt: skip
    return (
        first,
        BriefingPage(2, runs("Ashby has twice the stays of Brigg"), (paragraph("The difference is larger than chance."),),
             BAR_FIGURE, (paragraph("Both are above England."),), {}, (NEED,), LIMITS[1:]),
        BriefingPage(3, runs("Most people are nearest to a service next door"), (paragraph("Counting only one's own council misleads."),),
             replace(BAR_FIGURE, title="Nearest service", chart=STACKED, caption=""), (), {}, (SITES,), LIMITS[:1]),
        BriefingPage(4, runs("Stays have risen since 2022"), (), replace(BAR_FIGURE, title="Trend", chart=LINE), (), {}, (NEED,), ()),
        BriefingPage(5, runs("Need is highest in Ashby"), (paragraph("Three areas stand out."),), TABLE_FIGURE, (), {}, (NEED,), LIMITS),
        BriefingPage(6, runs("What we ask members to decide"),
             (BriefingBlock("numbers", (runs("Share one site."), runs("Report back in March."))),
              BriefingBlock("quote", (runs("I had to take three buses."),))), None, (), {}, (), ()),
        BriefingPage(7, unavailable="The layer “Alcohol treatment services” was withdrawn on 3 November 2026."),
    )  # fmt: skip


def sample(**changes) -> Briefing:
    """The briefing; ``changes`` are fields of :class:`Briefing`."""
    document = read_briefing(TEXT)
    stale = (Stale("alcohol-harm", "Hospital stays for alcohol", 3, 4, "2026-11-20"),)
    made = Briefing(
        "alcohol-gaps", document, "North Shore", "North Shore Combined Authority", NOTICE, MADE_ON, pages(),
        {"alcohol-harm": 3, "alcohol-services": 7}, 2, "2026-11-21", stale, "/briefings/alcohol-gaps",
    )  # fmt: skip
    return replace(made, **changes)


HOSTILE = (
    '#read("/etc/passwd") #import "x" $a$ *b* _c_ \\ `d`',
    "<script>alert(1)</script><img src=https://evil.example/x onerror=alert(1)>",
    "]]> <![CDATA[ &lt; &amp; &#x0; <?xml?>",
    "=cmd|' /C calc'!A0",
    "a\x00b\x07c\x1bd\x9fe\ufffef\u202eg",
    "漢字 😀 ŵ \U0001f1ec\U0001f1e7",
    "{{7*7}} ${7*7} %(x)s {0.__class__}",
    '"><a href="javascript:alert(1)">x</a>',
)
"""Texts that some format or other would take for more than text."""


def hostile(words: str) -> Briefing:
    """The briefing with ``words`` wherever somebody's text can stand."""
    line = SourceLine("x", 1, words, words, words, words, words, words, words)
    table = TableData((words, words), ((words, words),), (False, True), words)
    chart = ChartData("bar", (words, "b"), (words,), ((1.0, 2.0),), words)
    figure = Figure(
        "map",
        words,
        words,
        words,
        words,
        MAP,
        (LegendRow(words, words, words, words),),
        words,
        None,
        table,
        (),
        (line,),
        words,
    )
    blocks = (
        BriefingBlock("paragraph", ((BriefingRun(words), BriefingRun(words, True, True, "javascript:alert(1)")),)),
        BriefingBlock("bullets", ((BriefingRun(words),),)),
    )
    facts = {"x": Fact(words, 1.0, words, words, detail=words)}
    document = replace(read_briefing(TEXT), title=words, subtitle=words, author=words, review_on=words)
    made = [
        BriefingPage(1, runs(words), blocks, figure, blocks, facts, (line,), (words,)),
        BriefingPage(
            2,
            runs(words),
            blocks,
            replace(figure, kind="chart", chart=chart, table=None, legend=()),
            blocks,
            facts,
            (line,),
        ),
        BriefingPage(
            3, runs(words), blocks, replace(figure, kind="table", svg="", legend=()), (), {}, (line,), (words,)
        ),
        BriefingPage(4, unavailable=words),
    ]
    return sample(
        id=words, document=document, region_name=words, partner_name=words, notice=words, pages=tuple(made),
        stale=(Stale(words, words, 1, 2, words),), published_on=words, link=words,
    )  # fmt: skip
