"""Dash's HTML components as an HTML text, for the pages that must work without JavaScript."""

from __future__ import annotations

from typing import Any

from dash.development.base_component import Component
from markupsafe import Markup, escape

_VOID = {"Area", "Base", "Br", "Col", "Embed", "Hr", "Img", "Input", "Link", "Meta", "Source", "Track", "Wbr"}
_SPELLED = {"className": "class", "htmlFor": "for"}


def plain_html(part: Any) -> Markup:
    """``dash.html`` components (and ``dcc.Input``), texts, numbers and lists of these as HTML. Every text is escaped.

    Raises ValueError for other components: they are drawn by scripts, so there is nothing to write.
    """
    if part is None:
        return Markup()
    if isinstance(part, (list, tuple)):
        return Markup().join(plain_html(each) for each in part)
    if not isinstance(part, Component):
        return escape(part)
    props = dict(part.to_plotly_json()["props"])
    kind = part._type
    if part._namespace != "dash_html_components" and kind != "Input":
        raise ValueError(f"{part._namespace}.{kind} needs JavaScript; plain pages are made of dash.html only")
    children = props.pop("children", None)
    attributes = Markup().join(_attribute(name, value) for name, value in sorted(props.items()))
    tag = kind.lower()
    if kind in _VOID:
        return Markup("<{}{}>").format(tag, attributes)
    return Markup("<{0}{1}>{2}</{0}>").format(tag, attributes, plain_html(children))


def _attribute(name: str, value: Any) -> Markup:
    name = _SPELLED.get(name, name.lower())
    if value is None or value is False or name in ("n_clicks", "n_submit", "n_blur", "debounce", "step"):
        return Markup()
    if isinstance(value, dict):
        raise ValueError(f"the attribute {name} is a {type(value).__name__}; plain pages take texts")
    return Markup(" {}").format(name) if value is True else Markup(' {}="{}"').format(name, value)
