"""The map of a ward: its small areas by the number of gaps they are in, its neighbours, and the nearest services by number."""

from __future__ import annotations

import numpy as np
import shapely

from dashboard.briefings.ward.ward_model import MAP_HEIGHT, MAP_WIDTH
from dashboard.briefings.ward.ward_shared import Shared
from dashboard.drawing.palette import SPECIAL, ramp
from dashboard.drawing.shown import LegendRow
from dashboard.drawing.svg_map import Label, Outline, Point, bounds_around, svg_map
from dashboard.views import wording
from dashboard.views.area import AreaProfile
from dashboard.views.banding import OUTSIDE
from dashboard.views.wording import counted

GAP_COLOURS = ("#f3e9ef", ramp("need", 5)[2], ramp("need", 5)[4])
"""A small area in no gap, in one, in two or more."""
GAP_LABELS = ("in no gap", "in one gap", "in two gaps or more")


def map_of(
    shared: Shared, profile: AreaProfile, area, members: np.ndarray, services
) -> tuple[str, str, tuple[LegendRow, ...], str]:
    published, region = shared.published, shared.published.region
    lsoa, lads = region.areas["lsoa"], region.areas["lad"]
    classes = np.full(len(lsoa), OUTSIDE, dtype="uint8")
    classes[members] = np.minimum(shared.times[members], 2)
    near = [region.position(shared.level, neighbour.code) for neighbour in profile.neighbours]
    wards = region.areas[shared.level]
    bounds = bounds_around([area.geometry], share=0.3)
    (south, west), (north, east) = bounds
    frame = shapely.box(west, south, east, north)
    labels = []
    for i in near:
        seen = shapely.intersection(wards.geometry.iat[i], frame)  # named where it shows, not where its middle is
        if not seen.is_empty:
            point = shapely.point_on_surface(seen)
            labels.append(Label(wards["name"].iat[i], point.x, point.y, size=15, shifts=True))
    points = _marks(shared, profile, services)
    svg = svg_map(
        published,
        "lsoa",
        classes,
        {"classes": list(GAP_COLOURS), "border": "#a9a9a2"},
        width=MAP_WIDTH,
        height=MAP_HEIGHT,
        bounds=bounds,
        outlines=[
            Outline(lads.geometry.iat[i], colour=SPECIAL["light"]["authority"], width=2, casing="#ffffff", dash="7 4")
            for i in lads.sindex.query(frame).tolist()
        ]
        + [Outline(area.geometry, colour="#00625a", width=3, casing="#ffffff")],
        points=points,
        labels=labels,
        text_size=14,
        title=f"Map of {profile.name}",
        description=f"{profile.name} and its neighbours.",
    )
    counts = np.bincount(np.minimum(shared.times[members], 2), minlength=3) if len(members) else np.zeros(3, dtype=int)
    people = lsoa["population"].to_numpy("float64")
    # several lists are behind it: where one is a sample, or unfit for counting, only areas are said
    whole = all(each.gaps.claims.counts and not each.gaps.claims.sampled for each in shared.asked)
    rows = []
    for i, label in enumerate(GAP_LABELS):
        chosen = members[np.minimum(shared.times[members], 2) == i] if len(members) else members
        if len(chosen):
            count = wording.count_of(len(chosen), "lsoa")
            if whole:
                count += f", {counted(people[chosen].sum(), 'resident')}"
            rows.append(LegendRow(label, GAP_COLOURS[i], count=count))
    parts = [f"{wording.count_of(int(n), 'lsoa')} {label}" for n, label in zip(counts, GAP_LABELS, strict=True) if n]
    alt = f"Map of {profile.name}: {wording.listing(parts)}." if parts else f"Map of {profile.name}."
    shown = [point.text for point in points if west <= point.longitude <= east and south <= point.latitude <= north]
    touching = wording.listing([neighbour.name for neighbour in profile.neighbours], 4)
    alt += f" It touches {touching}." if touching else ""
    alt += f" Marked: the nearest services numbered {wording.listing(shown, 12)}." if shown else ""
    key = f"Thick line: the {wording.LEVEL_WORDS[shared.level][0]}. Dashed: borders of authorities."
    if shown:
        key += " Numbers: the nearest services, as in the table below; a diamond stands across a border."
    return svg, alt, tuple(rows), key


def _marks(shared: Shared, profile: AreaProfile, services) -> list[Point]:
    """The nearest site of each kind, numbered as in the table; those too far away fall off the picture."""
    lines = {line.layer_title: line for line in profile.services}
    kinds = {layer.title: layer.id for layer in shared.services}
    out = []
    for row in services:
        _, longitude, latitude = shared.places[kinds[row.kind]]
        i = lines[row.kind].site
        out.append(
            Point(
                float(longitude[i]),
                float(latitude[i]),
                shape="diamond" if row.across_border else "circle",
                text=str(row.number),
                size=25 if row.across_border else 22,
                title=f"{row.number}: {row.kind}, {row.name}",
            )
        )
    return out
