"""The Leaflet map that every page with a map starts from. What is painted on it comes from ``assets/map-painter.js``."""

from __future__ import annotations

import dash_leaflet as dl

from dashboard.published import Published


def base_map(published: Published, map_id: str, layers: list, view: tuple[float, float, float]) -> dl.Map:
    """An empty map at ``view`` (latitude, longitude, zoom). Only with a configured basemap is anything fetched, and credited."""
    tiles = []
    if published.tiles_url:
        tiles = [dl.TileLayer(url=published.tiles_url, attribution=published.tiles_attribution, opacity=0.6)]
    latitude, longitude, zoom = view
    return dl.Map(
        [*tiles, *layers],
        id=map_id,
        # a map with bounds and without a center throws on every pan
        center=[latitude, longitude],
        zoom=zoom,
        zoomSnap=0.25,
        zoomDelta=0.5,
        minZoom=5,
        maxZoom=17,
        attributionControl=bool(tiles),
        preferCanvas=True,
        className="map",
    )
