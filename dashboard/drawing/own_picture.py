"""A picture that somebody brought, as everything else is drawn: an SVG that needs nothing but itself."""

from __future__ import annotations

from base64 import b64encode

from dashboard.drawing.svg_text import clean


def address_of(data: bytes, media_type: str) -> str:
    """The picture within a page that may fetch nothing."""
    return f"data:{media_type};base64,{b64encode(data).decode()}"


def picture_svg(data: bytes, media_type: str, width: int, height: int, alt: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{clean(alt)}"><image width="{width}" height="{height}" href="{address_of(data, media_type)}"/></svg>'
    )
