"""What the map shows for a selection, whatever kind it is: one indicator, a weighted need, access or gap.

The one place that decides between them; the routes, the results panel and the table ask here.
"""

from __future__ import annotations

from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views.choropleth import Choropleth, choropleth
from dashboard.views.gap_communities import FIRST
from dashboard.views.gap_map import emphasis, painted
from dashboard.views.gaps import Gaps, NoAnswer, gaps_or_reasons
from dashboard.views.needs import WeightedNeed, weighted_need
from dashboard.views.overlays import overlay_document
from dashboard.views.wire import classes_bytes, gap_readings_bytes, need_readings_bytes, no_classes, readings_bytes
from layers import Viewer

Scene = Choropleth | WeightedNeed | Gaps | NoAnswer | None


def scene(published: Published, selection: Selection, viewer: Viewer, *, quick: bool = False) -> Scene:
    """The calculation behind the map; None for services only, NoAnswer with reasons where it cannot be done.

    ``quick`` leaves out what only words and the reading card need (stability), so that the colours follow a slider.
    """
    if selection.show != "need":
        return gaps_or_reasons(published, selection, viewer, quick=quick)
    if len(selection.needs) > 1:
        return weighted_need(published, selection, viewer)
    return choropleth(published, selection, viewer)


def classes_of(published: Published, selection: Selection, shown: Scene) -> bytes:
    """What the painter is sent: the number of colours (one byte), then one byte an area."""
    n = len(published.region.areas[selection.level])
    if isinstance(shown, Gaps):
        paint = painted(shown, selection.show, scheme=selection.scheme, classes=selection.classes, grid=selection.grid)
        return bytes([paint.colours]) + paint.classes.tobytes()
    if isinstance(shown, WeightedNeed):
        return bytes([shown.colours]) + shown.classes.tobytes()
    return classes_bytes(shown, n) if isinstance(shown, Choropleth) else no_classes(n)


def readings_of(shown: Scene) -> bytes | None:
    """The numbers behind the reading card; None where there are none."""
    if isinstance(shown, Gaps):
        return gap_readings_bytes(shown)
    if isinstance(shown, WeightedNeed):
        return need_readings_bytes(shown)
    return readings_bytes(shown) if isinstance(shown, Choropleth) else None


def emphasis_of(shown: Scene, selection: Selection | None = None, viewer: Viewer | None = None) -> dict:
    """Underserved areas (places in area order) and the names of the largest communities; with a selection and its viewer
    also what it lays over the map."""
    nothing = {"areas": [], "labels": [], "numbered": 0, "lines": [], "rings": []}
    if not isinstance(shown, Gaps):
        return nothing
    more = nothing
    if selection is not None and selection.overlays and viewer is not None:
        more = overlay_document(shown, selection.overlays, viewer, selection.show)
    if selection is not None and selection.show != "gap":
        return nothing | more
    loud = emphasis(shown, only_shared=bool(selection and selection.shared))
    return more | {
        "areas": list(loud.indices),
        "labels": [list(label) for label in loud.labels],
        "numbered": FIRST if shown.claims.ranks else 0,
    }


def is_public(shown: Scene) -> bool:
    """Whether everybody may see everything in it; if not, no shared cache may keep the answer."""
    if isinstance(shown, Choropleth):
        return shown.layer.descriptor.audience == "public"
    return shown.public if isinstance(shown, Gaps | WeightedNeed) else True
