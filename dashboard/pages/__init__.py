"""The pages, once: navigation, titles, routing and the tests all read :data:`PAGES`.

A page is a module with ``layout(published, query, viewer, **names)``; ``path`` may hold names in angle brackets.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module


@dataclass(frozen=True)
class Page:
    name: str  # module below dashboard.pages
    path: str
    title: str
    in_menu: bool = True

    @property
    def layout(self) -> Callable:
        return import_module(f"dashboard.pages.{self.name}").layout

    def match(self, path: str) -> dict[str, str] | None:
        pattern = re.sub(r"<(\w+)>", r"(?P<\1>[^/]+)", self.path)
        found = re.fullmatch(pattern, path.rstrip("/") or "/")
        return found.groupdict() if found else None


PAGES = (
    Page("explore", "/", "Explore"),
    Page("options", "/options", "Options"),
    Page("catalogue", "/catalogue", "Catalogue"),
    Page("briefings", "/briefings", "Briefings"),
    Page("publish", "/publish", "Publish"),
    Page("methods", "/methods", "Methods"),
    Page("accessibility", "/accessibility", "Accessibility"),
    Page("privacy", "/privacy", "Privacy", in_menu=False),
    Page("area", "/areas/<code>", "Area", in_menu=False),
    Page("community", "/communities/<community>", "Community", in_menu=False),
)


def find_page(path: str) -> tuple[Page | None, dict[str, str]]:
    for page in PAGES:
        names = page.match(path)
        if names is not None:
            return page, names
    return None, {}
