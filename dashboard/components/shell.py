"""The frame around every page: skip link, header with navigation, demonstration notice, footer."""

from __future__ import annotations

import dash_mantine_components as dmc
from dash import dcc, html

from dashboard import ids
from dashboard.brand import LOGO, brand_of
from dashboard.pages import PAGES
from dashboard.published import Published
from layers import PUBLIC, Region, Viewer

FONT = "/assets/fonts/source-sans-3-latin-wght-normal.woff2"
"""Every page asks for it before its styles are read; ``assets/tokens.css`` names it without a query, so it is fetched once."""

MANTINE_THEME = {
    "primaryColor": "teal",
    "primaryShade": {"light": 9, "dark": 4},
    "fontFamily": "var(--font)",
    "defaultRadius": "sm",
    "focusRing": "always",
    "respectReducedMotion": True,
    "fontSizes": {"sm": "1rem", "xs": "0.875rem"},
    "components": {
        # an open list is part of the page's main landmark, and scrolls in the element that carries the role
        "Portal": {"defaultProps": {"target": f"#{ids.PAGE}"}},
        # a list belongs to its field though the field stands in a sheet that lies outside what it scrolls in
        "Popover": {"defaultProps": {"hideDetached": False}},
        "Select": {"defaultProps": {"withScrollArea": False}},
        "MultiSelect": {"defaultProps": {"withScrollArea": False}},
    },
}


def shell(published: Published, path: str, content, viewer: Viewer = PUBLIC) -> dmc.MantineProvider:
    """The whole document body, with the page for ``path`` inside."""
    return dmc.MantineProvider(
        theme=MANTINE_THEME,
        children=html.Div(
            [
                dcc.Location(id=ids.LOCATION, refresh="callback-nav"),
                dcc.Store(id=ids.ROUTE, data=path),
                html.A("Skip to the content", href="#main", className="skip-link"),
                html.A("Skip past the map to the results", href="#results", className="skip-link", id="skip-map"),
                header(published, path, viewer),
                html.Main(content, id=ids.PAGE, className="page"),
            ],
            className="frame",
        ),
    )


def header(published: Published, path: str, viewer: Viewer = PUBLIC) -> html.Header:
    region = published.region
    links = [
        html.Li(html.A(page.title, href=page.path, className="nav-link", **current(page.path, path)))
        for page in PAGES
        if page.in_menu
    ]
    notice = html.P(region.notice, className="demo-notice", id="demo-notice") if region.notice else None
    return html.Header(
        [
            html.Div(
                [
                    _brand(region),
                    html.Span(region.name, className="brand-region"),
                    html.Nav(html.Ul(links, id=ids.NAVIGATION), **{"aria-label": "Pages"}),
                    html.Button(
                        "Dark",
                        id=ids.COLOUR_SCHEME,
                        type="button",
                        className="button-quiet",
                        **{"data-toggle": "colour-scheme", "aria-label": "Dark colours"},
                    ),
                    account(published, viewer),
                ],
                className="header-row",
            ),
            notice,
        ],
        className="site-header",
    )


def _brand(region: Region) -> html.A:
    """The way to the start page: the partnership's logo and name, else those of the product."""
    brand = brand_of(region)
    logo = [html.Img(src=f"{LOGO}?v={brand.stamp}", alt="", className="brand-logo")] if brand.data else []
    style = "brand brand-own" if brand.data else "brand"
    return html.A([*logo, html.Span(brand.name, className="brand-name")], href="/", className=style)


def account(published: Published, viewer: Viewer) -> html.Div | html.A:
    """Who is signed in, for whom, and the way out; or the way in."""
    if not viewer.signed_in:
        return html.A("Sign in", href="/sign-in", className="button-quiet account")
    partner = published.region.partner(viewer.partner)
    return html.Div(
        [
            html.A([viewer.user, html.Small(partner.name if partner else viewer.role)], href="/sign-in"),
            html.Form(
                html.Button("Sign out", type="submit", className="button-quiet"), method="post", action="/sign-out"
            ),
        ],
        className="account",
        role="group",
        **{"aria-label": "Your account"},
    )


def current(link: str, path: str) -> dict[str, str]:
    return {"aria-current": "page"} if link == path else {}


def footer(published: Published) -> html.Footer:
    region = published.region
    return html.Footer(
        [
            *[html.P(line) for line in [brand_of(region).contact_words, region.notice, *region.attribution] if line],
            html.P([html.A("Privacy", href="/privacy"), " · ", html.A("Accessibility", href="/accessibility")]),
        ],
        className="site-footer",
    )
