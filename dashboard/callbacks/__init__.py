"""Callbacks only plug: they read ids, call one view or component, and return."""

from __future__ import annotations

from dashboard.callbacks import explore, options, routing


def register_all(app, published, shapes, page_at) -> None:
    routing.register(app, page_at)
    explore.register(app, published)
    options.register(app, published)
