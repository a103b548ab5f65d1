"""Small pieces that several pages are made of."""

from __future__ import annotations

import dash_mantine_components as dmc
from dash import html

from dashboard import ids


def folded(summary: str, *inside, **more) -> html.Details:
    """What is read when somebody unfolds it."""
    return html.Details([html.Summary(summary), *inside], **({"className": "about-layer"} | more))


def ticked(words, role: str, class_name: str, **attributes: str) -> html.Button:
    """A button with a tick in front; which state it is in, and what it is about, stands in its attributes."""
    mark = html.Span(className="tick", **{"aria-hidden": "true"})
    return html.Button([mark, html.Span(words)], type="button", role=role, className=class_name, **attributes)


def top_button(name: list, value: str, code: str, *, title: str | None = None, **attributes: str) -> html.Button:
    """An entry of a list of areas, which opens the area on the map."""
    parts = [html.Span(name, className="top-name"), html.Span(value, className="top-value")]
    more = {"title": title} if title else {}
    return html.Button(parts, id=ids.area_button(code), type="button", className="top-item", **more, **attributes)


def sheet_button(words: str, sheet: str, **attributes: str) -> html.Button:
    """Shows one of the sheets that a phone has over the map (``assets/sheet.js``)."""
    return html.Button(words, type="button", **{"data-sheet": sheet, "aria-controls": sheet} | attributes)


def place_picker(id: str, label: str, **more) -> dmc.Select:
    return dmc.Select(
        id=id,
        label=label,
        placeholder="Type a postcode or a name",
        searchable=True,
        clearable=True,
        data=[],
        nothingFoundMessage="Nothing found. Try a full postcode, or part of a name.",
        limit=12,
        **more,
    )
