"""Who is affected, unfolded beside the gaps: beside the baseline that the reader chooses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dash import html

from dashboard.components.pieces import folded
from dashboard.exports import FORMATS, formats_of
from dashboard.views.affected import (
    Affected,
    affected_sentence,
    difference_words,
    limits_words,
    share_words,
)
from layers import AffectedRow


def affected_panel(found: Affected | None, query: str, beside: str = "") -> list:
    """Nothing where nobody is underserved. ``query`` is the question, for the file; ``beside`` the baseline that the link asks for,
    with which it is unfolded."""
    if found is None:
        return []
    region = found.published.region.name
    whole = found.by_who[""]
    tabs = [("region", region, [affected_sentence(found), _table(found, whole, "region", region)])]
    apart = [who for who in found.by_who if who]
    if len(apart) > 1:
        inner = []
        for who in apart:
            name = found.name(who)
            table = _table(found, found.by_who[who], "authority", name)
            inner.append(folded(name, html.P(affected_sentence(found, who, "authority")), table))
        tabs.append(("authority", "Each authority beside itself", inner))
    if any(measure.england is not None for measure in found.measures):
        table = _table(found, whole, "england", "England")
        tabs.append(("england", "England", [affected_sentence(found, baseline="england"), table]))
    return [
        folded(
            "Who is affected",
            html.P("Who lives in the underserved areas, beside:"),
            *_switch(tabs, beside),
            html.Ul([html.Li(note) for note in found.notes], className="plain-list"),
            html.P(
                [
                    "Take it away as ",
                    *within(
                        html.A(FORMATS[form].title, href=f"/data/affected.{form}?{query}", download="")
                        for form in formats_of("affected")
                    ),
                ]
            ),
            className="about-layer affected",
            open=bool(beside),
        )
    ]


def _switch(tabs: Sequence[tuple[str, str, list]], beside: str) -> list:
    """One baseline at a time: buttons, of which one is pressed, and the part that each shows (assets/affected.js)."""
    shown = beside if beside in [name for name, _, _ in tabs] else tabs[0][0]
    buttons = [
        html.Button(
            title,
            type="button",
            className="button-quiet",
            **{"data-baseline": name, "aria-pressed": "true" if name == shown else "false"},
        )
        for name, title, _ in tabs
    ]
    parts = [
        html.Div(
            [html.P(part) if isinstance(part, str) else part for part in inside],
            hidden=name != shown,
            **{"data-baseline-part": name},
        )
        for name, _, inside in tabs
    ]
    return [html.Div(buttons, className="option-tabs", role="group", **{"aria-label": "Beside whom"}), *parts]


def within(links: Iterable) -> list:
    """Links with commas between them."""
    out: list = []
    for link in links:
        out += [", ", link] if out else [link]
    return out


def _table(found: Affected, rows: Sequence[AffectedRow], baseline: str, name: str) -> html.Table:
    body, group = [], ""
    for row in rows:
        measure = found.measure(row)
        if measure.group != group:
            group = measure.group
            body.append(html.Tr(html.Th(group, scope="colgroup", colSpan=4)))
        body.append(
            html.Tr(
                [
                    html.Th([measure.title, html.Small(f" {measure.period}")], scope="row"),
                    html.Td([share_words(row.value), html.Small(f" {limits_words(row)}")], className="number"),
                    html.Td(share_words(row.beside[baseline].value), className="number"),
                    html.Td(difference_words(row, baseline)),
                ]
            )
        )
    heads = [
        html.Th("Of residents or households", scope="col"),
        html.Th("Underserved", scope="col", className="number"),
        html.Th(name, scope="col", className="number"),
        html.Th("Difference (95% interval)", scope="col"),
    ]
    return html.Table([html.Thead(html.Tr(heads)), html.Tbody(body)], className="parts")
