"""One underserved community as a page: what the gap view says about it, its areas, its nearest services, a map, one new site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd
import shapely

from dashboard.drawing.palette import GAP, SPECIAL
from dashboard.drawing.svg_map import Label, Outline, Point, bounds_around, svg_map
from dashboard.published import Published
from dashboard.selection import Selection, weighted
from dashboard.views import wording
from dashboard.views.gap_areas import gap_rows
from dashboard.views.gap_communities import CommunityCard
from dashboard.views.gap_map import painted
from dashboard.views.gap_words import how_words
from dashboard.views.gaps import Gaps, NoAnswer, answer_or_reasons, gaps_or_reasons, read_services
from dashboard.views.option_results import overlap_words, place_words
from dashboard.views.options import Option, OptionsQuery, opened
from dashboard.views.places import names
from dashboard.views.siting import compare
from dashboard.views.wording import cost_words, counted
from layers import Viewer, to_degrees

MOST_SERVICES = 6
MOST_LOOKED_AT = 12
"""Sites that are nearest to an area by the line, of which the ways over land are looked at."""
FAR_M = 25_000.0
"""A nearest service farther than this is named, but does not stretch the map."""
MOVED = "The areas of this community have changed with the question; this is the community that they belong to now."


@dataclass(frozen=True)
class NearService:
    """A site near the community. ``nearest_for`` counts the residents for whom no other is nearer."""

    number: int
    name: str
    authority: str
    elsewhere: bool  # in none of the community's authorities
    distance: str  # mean over its residents, over land around water
    nearest_for: float
    longitude: float
    latitude: float


@dataclass(frozen=True)
class NewSite:
    """What one new site, placed for this community alone, would change."""

    place: str
    longitude: float
    latitude: float
    sentences: tuple[str, ...]
    options_link: str


@dataclass(frozen=True, eq=False)
class CommunityPage:
    gaps: Gaps
    card: CommunityCard
    notice: str
    areas: pd.DataFrame  # rows of dashboard.views.gaps.gap_rows
    services: tuple[NearService, ...]
    site: NewSite | None
    svg: str
    map_words: str


def community_page(
    published: Published, selection: Selection, community: str, viewer: Viewer, *, site: bool = False
) -> CommunityPage | NoAnswer | None:
    """The page of a community; None when no community of this question has that id or holds that area."""
    found = gaps_or_reasons(published, selection, viewer)
    if isinstance(found, NoAnswer):
        return found
    card = next((card for card in found.cards if card.id == community), None)
    notice = ""
    if card is None:
        card = next((card for card in found.cards if community in card.codes), None)
        notice = MOVED
    if card is None:
        return None
    rows = gap_rows(found)
    services = near_services(found, card, viewer)
    new = answer_or_reasons(lambda: _new_site(found, card, viewer, selection.period)) if site else None
    new = None if isinstance(new, NoAnswer) else new
    svg, words = _map(found, card, services, new)
    return CommunityPage(found, card, notice, rows[rows["community"] == card.id], services, new, svg, words)


def near_services(gaps: Gaps, card: CommunityCard, viewer: Viewer) -> tuple[NearService, ...]:
    """The sites nearest to the community's residents on average, numbered as on its map."""
    tables = [read_services(gaps.published, viewer, layer).table for layer in gaps.services]
    table = pd.concat(tables, ignore_index=True)
    table = table[table["easting"].notna()].reset_index(drop=True)
    if table.empty:
        return ()
    part = gaps.published.region.areas["lsoa"][_members(gaps, card)]
    x, y, people = (part[name].to_numpy("float64")[:, None] for name in ("centroid_x", "centroid_y", "population"))
    far = _ways(gaps.published, np.column_stack([x, y]), table[["easting", "northing"]].to_numpy("float64"))
    far *= gaps.request.detour
    weight = people if people.sum() > 0 else np.ones_like(people)
    reached = np.isfinite(far)
    mean = np.average(np.where(reached, far, 0.0), axis=0, weights=weight[:, 0])
    mean = np.where(reached.all(axis=0), mean, np.inf)  # a mean that leaves somebody out would make the site look near
    some = reached.any(axis=1)
    first = np.bincount(far[some].argmin(axis=1), people[some, 0], len(table))
    lads = names(gaps.published, "lad")
    own = {share.lad_code for share in card.authorities}
    # those that are nearest for somebody first: a map of six others would be no help
    order = np.lexsort((mean, first <= 0))[:MOST_SERVICES]
    order = order[np.argsort(mean[order], kind="stable")]
    order = order[np.isfinite(mean[order]) | (first[order] > 0)]
    longitude, latitude = to_degrees(table["easting"].to_numpy()[order], table["northing"].to_numpy()[order])
    out = []
    for n, i in enumerate(order.tolist()):
        code = str(table["lad_code"].fillna("").iat[i])
        out.append(
            NearService(
                n + 1,
                str(table["name"].iat[i]),
                lads.get(code, "outside the region"),
                code not in own,
                cost_words(float(mean[i]), "m") if np.isfinite(mean[i]) else "no way for all",
                float(first[i]),
                float(longitude[n]),
                float(latitude[n]),
            )
        )
    return tuple(out)


def _ways(published: Published, points: np.ndarray, sites: np.ndarray) -> np.ndarray:
    """Metres from each point to each site, over land where a line crosses water; inf where there is no way, and for sites that are
    among the nearest of none of the points."""
    line = np.hypot(*(points[:, None] - sites[None]).transpose(2, 0, 1))
    near = np.unique(np.argsort(line, axis=1, kind="stable")[:, :MOST_LOOKED_AT])
    rows, cols = (each.ravel() for each in np.meshgrid(np.arange(len(points)), near, indexing="ij"))
    out = np.full(line.shape, np.inf)
    most = np.full(len(rows), np.inf)
    out[rows, cols] = published.region.water.replaced(points, sites, rows, cols, line[rows, cols], most)
    return out


# ---- one new site -------------------------------------------------------------------------------------------------------


def _new_site(gaps: Gaps, card: CommunityCard, viewer: Viewer, period: str) -> NewSite:
    """The one place that brings most of the community's residents within the standard (without one: nearest on average)."""
    published = gaps.published
    mine = np.zeros(len(gaps.result.areas), dtype=bool)
    mine[list(card.indices)] = True
    small = _members(gaps, card)
    change = opened(*_best_place(gaps, small))
    (outcome,) = compare(gaps, viewer, {"site": (change,)})
    areas = outcome.outcome.areas
    people = gaps.result.areas["population"].to_numpy("float64")
    relieved = areas["underserved_before"].to_numpy(bool) & ~areas["underserved_after"].to_numpy(bool)
    here, elsewhere = float(people[relieved & mine].sum()), float(people[relieved & ~mine].sum())
    longitude, latitude = (float(each) for each in to_degrees(change.easting, change.northing))
    place = place_words(published, change.easting, change.northing)
    sentences = [f"A site in {place} would serve this community best."]
    if here:
        all_of_it = here >= card.residents - 0.5
        sentences.append(
            f"{'All' if all_of_it else f'{here:,.0f}'} of its {counted(card.residents, 'resident')} would no longer be underserved."
        )
    else:
        sentences.append(
            "No area of the community would stop being underserved by this rule, but the way would be shorter."
        )
    if elsewhere:
        others = "With those of other communities" if here else "In other communities"
        sentences.append(f"{others}, {counted(here + elsewhere, 'resident')} would no longer be underserved.")
    shorter = _shorter(gaps, small, change)
    if shorter:
        sentences.append(shorter)
    if outcome.overlap:
        sentences.append(f"It would stand {overlap_words(outcome.overlap[0])}")
    selection = replace(_selection_of(gaps), period=period)
    link = OptionsQuery(selection, options=(Option("A", f"For {card.name}"[:60], (change,)),)).link()
    said = tuple(filter(None, map(gaps.claims.gate, sentences)))
    return NewSite(place, longitude, latitude, said, link)


def _members(gaps: Gaps, card: CommunityCard) -> np.ndarray:
    """bool per small area of the region: lies in the community."""
    column = "code" if gaps.level == "lsoa" else f"{gaps.level}_code"
    return gaps.published.region.areas["lsoa"][column].isin(card.codes).to_numpy()


def _best_place(gaps: Gaps, mine: np.ndarray) -> tuple[float, float]:
    """Easting and northing of the small area whose point brings most of these residents within the standard that have nothing
    there now; of equal ones that with the shortest way on average. Without a standard the way alone decides."""
    areas = gaps.published.region.areas["lsoa"]
    x, y, people = (areas[name].to_numpy("float64") for name in ("centroid_x", "centroid_y", "population"))
    model = gaps.result.model.small
    # candidate by area of the community, in the model's unit of cost
    line = np.hypot(x[:, None] - x[mine], y[:, None] - y[mine])
    now, limit = model.reached[mine], gaps.result.access.limit
    # what costs more than the nearest does now, and more than the standard, changes nothing
    most = np.maximum(np.where(np.isfinite(now), now, 0.0), limit or 0.0)
    far, straight = np.full(line.shape, np.inf), line * model.multiplier[mine]
    k, i = np.nonzero(straight <= most)
    far[k, i] = model.costs_of(np.flatnonzero(mine)[i], np.column_stack([x, y]), k, line[k, i], most[i])
    reached = 0.0 * line if limit is None else (far <= limit) & (now > limit)
    then = np.where(np.isfinite(now) | np.isfinite(far), np.minimum(far, now), straight)
    best = np.lexsort((areas["code"].to_numpy(object), then @ people[mine], -(reached @ people[mine])))[0]
    return round(float(x[best]), 1), round(float(y[best]), 1)


def _shorter(gaps: Gaps, mine: np.ndarray, change) -> str:
    """How much nearer the nearest service comes for the community's residents on average."""
    model = gaps.result.model.small
    areas = gaps.published.region.areas["lsoa"]
    people = areas["population"].to_numpy("float64")[mine]
    now = model.reached
    then = np.minimum(now, model.cost_to(np.array([[change.easting, change.northing]]), now)[0])[mine]
    now = now[mine]
    if not np.isfinite(now).all() or people.sum() <= 0:
        return ""
    before, after = wording.two_costs(*(float(np.average(each, weights=people)) for each in (now, then)), model.unit)
    if before == after:
        return ""
    what = "distance" if model.unit == "m" else "time"
    return f"The mean {what} of its residents to the nearest would go from {before} to {after}."


def _selection_of(gaps: Gaps) -> Selection:
    request = gaps.request
    asked = {field.name: getattr(request, field.name) for field in fields(Selection) if hasattr(request, field.name)}
    return Selection(**asked | {"need": weighted(request.need), "show": "gap"})


# ---- the map --------------------------------------------------------------------------------------------------------------


def _map(gaps: Gaps, card: CommunityCard, services: tuple[NearService, ...], new: NewSite | None) -> tuple[str, str]:
    """An SVG of the community, what lies around it and its nearest services, and the same in words."""
    region = gaps.published.region
    areas = region.areas[gaps.level]
    whole = shapely.union_all(areas.geometry.to_numpy()[list(card.indices)])
    around = [whole]
    near = [s for s in services if s.nearest_for > 0]
    around += [shapely.Point(s.longitude, s.latitude) for s in near[:2] if _metres(whole, s) < FAR_M]
    if new is not None:
        around.append(shapely.Point(new.longitude, new.latitude))
    bounds = bounds_around(around, 0.18, 3_000.0)
    (south, west), (north, east) = bounds
    points = [
        Point(s.longitude, s.latitude, "circle", str(s.number), size=20, title=f"{s.number}: {s.name}")
        for s in services
    ]
    if new is not None:
        points.append(
            Point(new.longitude, new.latitude, "square", "+", SPECIAL["light"]["selected"], 22, "The new site")
        )
    middle = shapely.point_on_surface(whole)
    labels = [Label(card.place, middle.x, middle.y, 15, True, dy=-4)]
    for level, size in (("lad", 14), ("ward", 11.5)):
        if level == gaps.level:
            continue
        frame = region.areas[level]
        # within what is seen of them: the middle of a large authority is often far outside the picture
        seen = shapely.clip_by_rect(frame.geometry.to_numpy(), west, south, east, north)
        places = zip(frame["name"], shapely.point_on_surface(seen), shapely.is_empty(seen), strict=True)
        labels += [Label(name, p.x, p.y, size, level == "lad") for name, p, gone in places if not gone]
    lads = region.areas["lad"].geometry.to_numpy()
    title = f"Map of {card.name}"
    words = (
        f"{card.name}: {wording.count_of(card.areas, gaps.level)} outlined in bold, among their neighbours coloured by need and "
        f"access{how_words(gaps)}, darkest where need is highest and access poorest; authority borders as thin lines; "
        f"{'the nearest services as numbered circles' if services else 'no service is near'}"
        + ("; the new site as a square." if new else ".")
    )
    svg = svg_map(
        gaps.published,
        gaps.level,
        painted(gaps, "gap").classes,
        {"classes": list(GAP["light"])},
        width=760,
        height=520,
        bounds=bounds,
        outlines=[
            Outline(list(lads), width=1.6, casing="#ffffff"),
            Outline(whole, "#111111", 3.2, casing="#ffffff"),
        ],
        points=points,
        labels=labels,
        title=title,
        description=words,
    )
    return svg, words


def _metres(whole, service: NearService) -> float:
    return (
        shapely.distance(whole, shapely.Point(service.longitude, service.latitude)) * 90_000.0
    )  # roughly, at 55 degrees


def read_query(query: Mapping[str, Any]) -> tuple[Selection, bool, tuple[str, ...]]:
    """The selection of the link, whether one new site is asked for, and what was left out."""
    rest = {name: value for name, value in query.items() if name != "site"}
    selection, dropped = Selection.from_query(rest)
    return replace(selection, show="gap", area="", at=None), query.get("site") == "best", dropped
