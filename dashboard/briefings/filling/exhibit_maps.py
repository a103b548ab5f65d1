"""The maps of a briefing: the classes and colours of the screen, drawn to be read from the back row.

Authority borders and names, services as dark shapes that differ by form, and on a gap map the underserved areas outlined, the largest
communities named, and the three-by-three key drawn into the picture. What a legend row counts, the table beside it says in full.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import shapely

from dashboard.briefings.filling.asking import no_stop, pins, refused
from dashboard.briefings.filling.model import Figure
from dashboard.briefings.filling.showing import ExhibitRequest, plural, titled
from dashboard.drawing import svg_map
from dashboard.drawing.palette import GAP, INK, OVERLAY, SPECIAL, ramp
from dashboard.drawing.shown import LegendRow, TableData
from dashboard.drawing.svg_map import Callouts, Label, Marks, Outline, Point
from dashboard.drawing.svg_text import text_at
from dashboard.published import Published
from dashboard.selection import NONE, Selection
from dashboard.views import wording
from dashboard.views.banding import CROSSING, MISSING, OUTSIDE, SUPPRESSED
from dashboard.views.choropleth import BandRow, Choropleth, sentence
from dashboard.views.community import NearService
from dashboard.views.crossing_words import ACROSS
from dashboard.views.gap_communities import CommunityCard
from dashboard.views.gap_map import emphasis, painted, short_name
from dashboard.views.gap_words import access_title, how_words, need_name, rule_sentence, summary_sentence
from dashboard.views.gaps import Gaps, NoAnswer
from dashboard.views.needs import WeightedNeed, need_sentence, weights_sentence
from dashboard.views.option_results import map_scene
from dashboard.views.options import Sandbox
from dashboard.views.overlays import overlays, rings
from dashboard.views.places import bounds as bounds_of
from dashboard.views.places import names
from dashboard.views.scene import scene
from dashboard.views.wording import counted
from layers import Fault, Layer, Refused, Viewer

WIDTH, HEIGHT = 720, 675
"""The shape of the page that is presented: 1,152 by 1,080."""
KEY = 252.0
"""Pixels at the right of a gap map for its key and the names of the communities."""
KEY_HEIGHT = 190.0
NAME, SMALL_NAME = 19.0, 17.6
MOST_NAMES = 8
DARK = SPECIAL["light"]["highlight"]
NEAR = "#5a5a55"
OPTION = {"still": GAP["light"][8], "relieved": "#28A197", "newly": "#F46A25"}
"""What becomes of an area under an option; the legend counts them and the relieved ones are outlined."""


def of_view(ask: ExhibitRequest, chosen: Selection) -> Figure:
    """The view as a map. Raises :class:`Refused` where there is nothing to paint."""
    published, reader = ask.published, ask.reader
    services = [published.store.layer(name, reader) for name in chosen.services]
    shown = scene(published, chosen, reader)
    if isinstance(shown, NoAnswer):
        faults = [Fault(no_stop(text), "", "choose another view", rule="briefing-view") for text in shown.reasons]
        raise Refused(no_stop(shown.title), faults)
    if isinstance(shown, Gaps):
        return _gap_map(ask, chosen, shown, services)
    if isinstance(shown, WeightedNeed):
        return _need_map(ask, chosen, shown, services)
    if isinstance(shown, Choropleth):
        return _indicator_map(ask, chosen, shown, services)
    if services and (chosen.need in ("", NONE)):
        return _services_map(ask, chosen, services)
    what = "the view shows nothing: it names no need and no services"
    raise refused(what, "copy a view from the explore page", "briefing-view")


def _indicator_map(ask: ExhibitRequest, chosen: Selection, chart: Choropleth, services: Sequence[Layer]) -> Figure:
    if not np.isfinite(chart.rank).any():
        what = f"“{chart.layer.title}” has no figure for these areas"
        what = f"{what} ({no_stop(chart.reason)})" if chart.reason else what
        raise refused(what, "choose another view", "briefing-empty")
    ask.seen(chart.layer, chart.period)
    colours = ramp("need", max(len(chart.bands), 1))
    title = titled(chart.layer, chart.period)
    unit = "%" if chart.unit.startswith("%") else ""
    legend = [_legend(row, colours, chart.level, f"{row.label}{unit}") for row in chart.rows]
    words = sentence(chart, ask.published)
    svg = _draw(ask, chosen, chart.level, chart.classes, colours, services, title, words)
    return Figure(
        "map",
        title,
        words,
        filters=f"{_areas(ask, chosen)}. {title}: {chart.unit}; {chart.basis}.{_with_services(services)}",
        svg=svg,
        legend=(*legend, *_service_rows(services)),
        legend_title=f"{wording.capital(chart.unit)}, {chart.basis}",
        table=_band_table(chart.rows, chart.level, chart.unit),
        layers=pins(chart.layer, *services),
        link=chosen.link(),
    )


def _need_map(ask: ExhibitRequest, chosen: Selection, made: WeightedNeed, services: Sequence[Layer]) -> Figure:
    for layer in made.layers:
        ask.seen(layer, made.periods[layer.id])
    colours = ramp("need", max(made.colours, 1))
    title, words = "Need, 0 to 100", need_sentence(made)
    svg = _draw(ask, chosen, made.level, made.classes, colours, services, title, words)
    return Figure(
        "map",
        title,
        words,
        filters=f"{_areas(ask, chosen)}. {weights_sentence(made)} {wording.capital(made.basis)}.{_with_services(services)}",
        svg=svg,
        legend=(
            *(_legend(row, colours, made.level) for row in made.rows),
            *_service_rows(services),
        ),
        legend_title="Need, 0 (least) to 100 (most)",
        table=_band_table(made.rows, made.level, "Need"),
        layers=pins(*made.layers, *services),
        link=chosen.link(),
    )


def _gap_map(ask: ExhibitRequest, chosen: Selection, gaps: Gaps, services: Sequence[Layer]) -> Figure:
    show = chosen.show
    paint = painted(gaps, show, scheme=chosen.scheme, classes=chosen.classes)
    colours = GAP["light"] if show == "gap" else ramp("access", max(paint.colours, 1))
    for layer, (_, _, period) in zip(gaps.needs, gaps.key[2], strict=True):
        ask.seen(layer, period)
    layers = pins(*gaps.layers)
    where = f"{_areas(ask, chosen)}. Need: {need_name(gaps)}{_when(gaps)}; services: "
    where += f"{wording.listing([layer.title for layer in gaps.services])}, distance measured{how_words(gaps)}."
    table = _band_table(paint.rows, gaps.level, "What the colour says")
    if show == "access":
        title = access_title(gaps)
        bands = [row for row in paint.rows if row.code < len(colours)]
        ends = (
            [f"{_many(row.count, row.residents, gaps.level)} at {row.label}" for row in (bands[0], bands[-1])]
            if bands
            else []
        )
        words = f"{title}. {f'From {ends[0]} to {ends[-1]}. ' if ends else ''}{summary_sentence(gaps)}"
        svg = _draw(ask, chosen, gaps.level, paint.classes, colours, services, title, words)
        return Figure(
            "map", title, words, filters=f"{where} {wording.capital(paint.basis)}.", svg=svg,
            legend=(*(_legend(row, colours, gaps.level) for row in paint.rows), *_service_rows(services)),
            legend_title=title, table=table, layers=layers, link=chosen.link(),
        )  # fmt: skip
    title = "Where need is high and services are far" if gaps.result.access.metric.in_cost else "Need against access"
    words = summary_sentence(gaps)
    loud = emphasis(gaps, MOST_NAMES)
    s, shapes = gaps.summary, ask.region.areas[gaps.level].geometry.to_numpy()
    lines, rows = _overlay_lines(gaps, chosen, shapes, ask.reader)
    if loud.indices:
        around = svg_map.one_shape(shapes[list(loud.indices)])
        # where areas are a few pixels large, a bold line with its casing would hide what it surrounds
        close = gaps.level != "lsoa" or bool(chosen.partner) or chosen.at is not None
        thin = Outline(around, DARK, 1.2 if len(shapes) <= svg_map.DENSE else 0.4)
        lines.append(Outline(around, DARK, 1.8, casing="#ffffff") if close else thin)
    cards = [card for card in gaps.cards if card.shared or not chosen.shared]
    labels = [Label(card.place, card.longitude, card.latitude, SMALL_NAME, True) for card in cards[:MOST_NAMES]]
    svg = _draw(ask, chosen, gaps.level, paint.classes, colours, services, title, words,
        lines=lines, called=labels, key=_key(gaps), around=_around(shapes, loud.indices, chosen),
    )  # fmt: skip
    legend = [
        LegendRow(
            "Underserved: outlined",
            "",
            "outline",
            _many(s["underserved_areas"], s["underserved_residents"], gaps.level),
        ),
        *(
            _legend(row, colours, gaps.level, wording.capital(row.name.lower()))
            for row in paint.rows
            if row.code in (8, CROSSING, MISSING)
        ),
        *rows,
        *_service_rows(services),
    ]
    table = replace(table, note=f"Underserved: {legend[0].count}.")
    return Figure(
        "map", title, words, filters=f"{where} {wording.capital(paint.basis)}. {rule_sentence(gaps)}", svg=svg, legend=tuple(legend),
        legend_title="Need against access", table=table, layers=layers, link=chosen.link(),
    )  # fmt: skip


def _services_map(ask: ExhibitRequest, chosen: Selection, services: Sequence[Layer]) -> Figure:
    inside = ask.region.in_footprint(chosen.level, chosen.partner).to_numpy()
    classes = np.where(inside, svg_map.PLAIN, OUTSIDE).astype("uint8")
    rows = _service_rows(services)
    title = wording.listing([layer.title for layer in services])
    counts = [f"{row.label.split(':')[0]}, {row.count}" for row in rows]
    words = f"{wording.listing(counts, 8)}."
    counted = [(layer.title, f"{layer.sites:,}") for layer in services]
    svg = _draw(ask, chosen, chosen.level, classes, (), services, title, words)
    return Figure(
        "map", title, words, filters=f"{_areas(ask, chosen)}.{_with_services(services)}", svg=svg, legend=rows,
        legend_title="Services", table=TableData(("Services", "Sites"), tuple(counted), (False, True)),
        layers=pins(*services), link=chosen.link(),
    )  # fmt: skip


# ---- one community, one option ------------------------------------------------------------------------------------------


def of_community(
    gaps: Gaps, card: CommunityCard, services: Sequence[NearService], id_prefix: str
) -> tuple[str, tuple[LegendRow, ...], str]:
    """A close map of a community with its nearest services as numbers, its legend, and the map in words."""
    region = gaps.published.region
    shapes = region.areas[gaps.level].geometry.to_numpy()
    whole = svg_map.one_shape(shapes[list(card.indices)])
    close = [s for s in services if s.nearest_for > 0][:2]
    around = [whole, *(shapely.Point(s.longitude, s.latitude) for s in close if _km(whole, s) < 25)]
    box = svg_map.bounds_around(around, 0.2, 3_000.0)
    (south, west), (north, east) = box
    labels = [Label(short_name(card.place), *_inside(whole), NAME + 1, True, dy=-4, shifts=True)]
    for level, size in (("lad", NAME), ("ward", SMALL_NAME)):
        if level == gaps.level:
            continue
        frame = region.areas[level]
        seen = shapely.clip_by_rect(frame.geometry.to_numpy(), west, south, east, north)
        order = np.argsort(-shapely.area(seen), kind="stable")
        labels += [
            Label(str(frame["name"].iat[i]), *_inside(seen[i]), size, level == "lad")
            for i in order[:9]
            if not shapely.is_empty(seen[i])
        ]
    elsewhere = any(s.elsewhere for s in services)
    words = (
        f"The map shows its {wording.count_of(card.areas, gaps.level)} outlined, with authority borders"
        f"{' and the nearest services as numbers' if services else ''}."
    )
    svg = svg_map.svg_map(
        gaps.published,
        gaps.level,
        painted(gaps, "gap").classes,
        {"classes": list(GAP["light"])},
        width=WIDTH,
        height=HEIGHT,
        bounds=box,
        outlines=[_borders(gaps.published), Outline(whole, DARK, 3.4, casing="#ffffff")],
        points=[
            Point(s.longitude, s.latitude, "circle", str(s.number), size=24, title=f"{s.number}: {s.name}")
            for s in services
        ],
        labels=labels,
        title=f"Map of {card.name}",
        description=words,
        id_prefix=id_prefix,
        text_size=SMALL_NAME,
    )
    legend = [
        LegendRow("The community: outlined", "", "outline", _many(card.areas, card.residents, gaps.level)),
        LegendRow("High need, poor access", GAP["light"][8]),
        LegendRow("High need, good access", GAP["light"][6]),
        LegendRow("Low need, poor access", GAP["light"][2]),
        LegendRow("Low need, good access", GAP["light"][0]),
    ]
    if services:
        more = ", some in other authorities" if elsewhere else ""
        legend.append(LegendRow(f"Nearest services: numbered dark circles{more}", INK, mark="circle"))
    return svg, tuple(legend), words


def of_option(box: Sandbox, viewer: Viewer, id_prefix: str) -> tuple[str, tuple[LegendRow, ...], str]:
    """The map of the chosen option: which areas stay underserved, which no longer are, which become so, and the sites."""
    gaps, found = box.gaps, map_scene(box, viewer)
    frame = box.published.region.areas[gaps.level]
    people = frame["population"].to_numpy("float64")
    still = [i for i in found["after"] if i in set(found["before"])]
    classes = np.where(gaps.in_view, svg_map.PLAIN, OUTSIDE).astype("uint8")
    groups = (
        ("Still underserved", still, OPTION["still"]),
        ("No longer underserved: outlined", found["relieved"], OPTION["relieved"]),
        ("Newly underserved", found["newly"], OPTION["newly"]),
    )
    legend = []
    for code, (label, places, colour) in enumerate(groups):
        classes[places] = code
        if places:
            legend.append(LegendRow(label, colour, count=_many(len(places), float(people[places].sum()), gaps.level)))
    shapes = frame.geometry.to_numpy()
    lines = (
        [Outline(svg_map.one_shape(shapes[found["relieved"]]), DARK, 1.6, casing="#ffffff")]
        if found["relieved"]
        else []
    )
    gone = set(found["closed"]) | {site for site, *_ in found["moved"]}
    stays = box.sites[~box.sites["service_id"].isin(gone) & np.isfinite(box.sites["longitude"])]
    closed = box.sites[box.sites["service_id"].isin(found["closed"])]
    marks = [Marks(stays["longitude"].tolist(), stays["latitude"].tolist(), "circle", INK, _size(len(stays)))]
    points = [
        Point(x, y, "cross", size=15, colour="#801650")
        for x, y in zip(closed["longitude"], closed["latitude"], strict=True)
    ]
    points += [Point(x, y, "diamond", size=18, colour="#801650") for _, x, y in found["moved"]]
    points += [
        Point(x, y, "square", str(n), SPECIAL["light"]["selected"], 24, words) for _, x, y, n, words in found["opened"]
    ]
    legend.append(LegendRow("Sites as they are: dark circles", INK, count=f"{len(stays):,}", mark="circle"))
    if found["opened"]:
        label = "New sites: numbered squares"
        legend.append(LegendRow(label, SPECIAL["light"]["selected"], count=f"{len(found['opened']):,}", mark="square"))
    if len(closed):
        legend.append(LegendRow("Closed sites: crosses", "#801650", count=f"{len(closed):,}", mark="cross"))
    if found["moved"]:
        legend.append(LegendRow("Moved sites: diamonds", "#801650", count=f"{len(found['moved']):,}", mark="diamond"))
    chosen = box.query.selection
    words = (
        f"The map shows {found['option']}: {wording.count_of(len(found['relieved']), gaps.level)} no longer underserved, "
        f"{wording.count_of(len(still), gaps.level)} still so"
        + (f", {len(found['newly']):,} newly so." if found["newly"] else ".")
    )
    seen = [shapes[i] for i in (*found["relieved"], *still)] + [shapely.Point(x, y) for _, x, y, *_ in found["opened"]]
    inside = svg_map.bounds_around(seen, 0.06, 12_000.0) if seen and chosen.at is None and not chosen.partner else None
    svg = svg_map.svg_map(
        box.published,
        gaps.level,
        classes,
        {"classes": [colour for *_, colour in groups]},
        width=WIDTH,
        height=HEIGHT,
        bounds=inside or _bounds(box.published, chosen),
        outlines=[_borders(box.published), *lines],
        marks=marks,
        points=points,
        labels=_authority_names(box.published, chosen, inside),
        title=f"Map of {found['option']}",
        description=words,
        id_prefix=id_prefix,
        text_size=SMALL_NAME,
    )
    return svg, tuple(legend), words


# ---- drawing ------------------------------------------------------------------------------------------------------------


def _draw(
    ask: ExhibitRequest, chosen: Selection, level: str, classes, colours, services, title: str, words: str, *,
    lines: Sequence[Outline] = (), called: Sequence[Label] = (), key: str = "", around=None,
) -> str:  # fmt: skip
    published = ask.published
    box = around or _bounds(published, chosen)
    borders, extra, names_ = _borders(published), [], []
    if chosen.area:
        found = published.region.level_of(chosen.area)
        shape = published.region.areas[found].geometry.iat[published.region.position(found, chosen.area)]
        extra = [Outline(shape, DARK, 3.4, casing="#ffffff")]
        names_ = [Label(names(published, found)[chosen.area], *_inside(shape), NAME + 1, True, shifts=True), *names_]
    clear = (0.0, 0.0, KEY, 0.0) if key else (0.0, 0.0, 0.0, 0.0)
    beside = Callouts(called, WIDTH - KEY + 8, KEY - 14, KEY_HEIGHT + 4, HEIGHT - 6) if called else None
    return svg_map.svg_map(
        published,
        level,
        classes,
        {"classes": list(colours)},
        width=WIDTH,
        height=HEIGHT,
        bounds=box,
        clear=clear,
        outlines=[borders, *lines, *extra],
        marks=_service_marks(published, services, ask.reader, box),
        labels=[*names_, *_authority_names(published, chosen, box)],
        callouts=beside,
        title=title,
        description=words,
        id_prefix=ask.id_prefix,
        on_top=key,
        text_size=SMALL_NAME,
    )


def _around(shapes, places: Sequence[int], chosen: Selection):
    """Bounds of what a map is about, so that it fills the page; None where a view says itself where to look, or for nothing."""
    if not len(places) or chosen.at is not None or chosen.partner or chosen.area:
        return None
    return svg_map.bounds_around(list(shapes[list(places)]), 0.06, 12_000.0)


def _bounds(published: Published, chosen: Selection):
    if chosen.at is not None:
        latitude, longitude, zoom = chosen.at
        # what a map of about 900 by 675 pixels shows at that zoom, in tiles of 256
        across = 360 / 2**zoom * 900 / 256
        up = across * math.cos(math.radians(latitude)) * HEIGHT / WIDTH
        return [[latitude - up / 2, longitude - across / 2], [latitude + up / 2, longitude + across / 2]]
    (south, west), (north, east) = bounds_of(published)[chosen.partner]
    x, y = 0.015 * (east - west), 0.015 * (north - south)
    return [[south - y, west - x], [north + y, east + x]]


def _borders(published: Published) -> Outline:
    lads = list(published.region.areas["lad"].geometry)
    return Outline(lads, width=1.3 if len(lads) <= 40 else 0.5, casing="#ffffff" if len(lads) <= 40 else "")


def _authority_names(published: Published, chosen: Selection, box=None) -> list[Label]:
    """Authorities that are to be seen, the largest first. A map of a whole country has no room for them."""
    frame = published.region.areas["lad"]
    if len(frame) > 40 and not chosen.partner and chosen.at is None:
        return []
    (south, west), (north, east) = box or _bounds(published, chosen)
    seen = shapely.clip_by_rect(frame.geometry.to_numpy(), west, south, east, north)
    order = np.argsort(-shapely.area(seen), kind="stable")[:20]
    return [
        Label(str(frame["name"].iat[i]), *_inside(seen[i]), SMALL_NAME, shifts=True)
        for i in order
        if not shapely.is_empty(seen[i])
    ]


def _service_marks(published: Published, services: Sequence[Layer], viewer: Viewer, box) -> list[Marks]:
    (south, west), (north, east) = box
    out = []
    for n, layer in enumerate(services):
        sites = published.store.services(layer.id, viewer, version=layer.version)
        x, y = (sites[name].to_numpy("float64") for name in ("longitude", "latitude"))
        seen = (x >= west) & (x <= east) & (y >= south) & (y <= north)
        out.append(Marks(x, y, svg_map.SHAPES[n % len(svg_map.SHAPES)], INK, _size(int(seen.sum()))))
    return out


def _size(sites: int) -> float:
    """Many sites are drawn smaller, so that the map below them is still seen."""
    return 12.0 if sites <= 60 else 9.0 if sites <= 200 else 6.0 if sites <= 800 else 3.0


def _overlay_lines(gaps: Gaps, chosen: Selection, shapes, viewer: Viewer) -> tuple[list[Outline], list[LegendRow]]:
    """What the view lays over a gap map, with a legend row for each."""
    lines, rows = [], []
    hot, cold, ring = (OVERLAY["light"][name] for name in ("hot", "cold", "ring"))
    styles = {
        "near": (NEAR, "4 3", "dashed outline"), "vanish": ("#801650", "", "purple outline"), "high-high": (hot, "", "orange outline"),
        "high-low": (hot, "4 3", "dashed orange outline"), "hot spot": (hot, "", "orange outline"), "low-low": (cold, "", "blue outline"),
        "low-high": (cold, "4 3", "dashed blue outline"), "cold spot": (cold, "", "blue outline"),
    }  # fmt: skip
    for overlay in overlays(gaps) if set(chosen.overlays) - {"rings"} else ():
        for line in overlay.lines if overlay.id in chosen.overlays else ():
            if not line.indices or line.kind not in styles:
                continue
            colour, dash, said = styles[line.kind]
            lines.append(Outline(svg_map.one_shape(shapes[list(line.indices)]), colour, 2.0, dash=dash))
            count = _many(len(line.indices), line.residents, gaps.level)
            rows.append(LegendRow(f"{wording.capital(line.words)}: {said}", colour, "outline", count))
    if "rings" in chosen.overlays:
        found = rings(gaps, viewer)
        lines += [Outline(shapely.LineString(ring_), ring, 1.4, dash="5 4") for ring_ in found]
        rows += [LegendRow("Reach of each service: dashed rings", ring, "outline")] if found else []
    return lines, rows


def _key(gaps: Gaps) -> str:
    """The three-by-three key, at the right: need upwards, access getting worse to the right."""
    cell, left, top = 36.0, WIDTH - 146.0, 24.0
    colours = GAP["light"]
    size = f'width="184" height="{KEY_HEIGHT - 16:g}"'
    out = [f'<rect x="{WIDTH - 194:g}" y="10" {size} rx="4" fill="#ffffff" fill-opacity=".9"/>']
    for need in range(3):
        for access in range(3):
            x, y = left + access * cell, top + (2 - need) * cell
            out.append(
                f'<rect x="{x:g}" y="{y:g}" width="{cell:g}" height="{cell:g}" fill="{colours[3 * need + access]}" stroke="#ffffff" '
                'stroke-width="1.5"/>'
            )
    bottom = top + 3 * cell
    out.append(_arrow(left - 12, bottom, left - 12, top))
    out.append(_arrow(left, bottom + 12, left + 3 * cell, bottom + 12))
    out.append(text_at(left - 22, top + 1.5 * cell, "More need", SMALL_NAME, anchor="middle", turn=-90))
    farther = "Farther" if gaps.result.model.unit == "m" else "More time"
    longer = farther if gaps.result.access.metric.in_cost else "Less access"
    out.append(text_at(left + 1.5 * cell, bottom + 36, longer, SMALL_NAME, anchor="middle"))
    return f"<g>{''.join(out)}</g>"


def _arrow(x: float, y: float, to_x: float, to_y: float) -> str:
    """A line with a head, straight along one axis."""
    if x == to_x:
        head = f"M{x - 4:g} {to_y + 7:g}L{x:g} {to_y:g}L{x + 4:g} {to_y + 7:g}"
    else:
        head = f"M{to_x - 7:g} {y - 4:g}L{to_x:g} {y:g}L{to_x - 7:g} {y + 4:g}"
    return f'<path d="M{x:g} {y:g}L{to_x:g} {to_y:g}{head}" fill="none" stroke="{INK}" stroke-width="1.6"/>'


# ---- words --------------------------------------------------------------------------------------------------------------


def _legend(row: BandRow, colours: Sequence[str], level: str, label: str = "") -> LegendRow:
    count = _many(row.count, row.residents, level)
    if row.code == SUPPRESSED:
        return LegendRow("Withheld to protect people", "", "hatch", count)
    if row.code == CROSSING:
        return LegendRow(ACROSS, "", "waves", count)
    if row.code == MISSING:
        return LegendRow(_band_words(row), SPECIAL["light"]["missing"], "", count)
    return LegendRow(label or row.label, colours[row.code], "", count)


def _many(areas: int, residents: float, level: str) -> str:
    return f"{wording.count_of(areas, level)}, {counted(residents, 'resident')}"


def _band_table(rows: Sequence[BandRow], level: str, first: str) -> TableData:
    """Every class with its areas and residents."""
    cells = tuple((_band_words(row), f"{row.count:,}", f"{row.residents:,.0f}") for row in rows)
    what = wording.LEVEL_WORDS[level][1]
    return TableData((wording.capital(first), wording.capital(what), "Residents"), cells, (False, True, True))


def _band_words(row: BandRow) -> str:
    if row.name.startswith("Band ") or row.label.lower() == row.name.lower():
        return row.label
    return f"{row.name}: {row.label}"


def _service_rows(services: Sequence[Layer]) -> tuple[LegendRow, ...]:
    words = {"circle": "circles", "cross": "crosses"}
    out = []
    for n, layer in enumerate(services):
        shape = svg_map.SHAPES[n % len(svg_map.SHAPES)]
        sites = "1 site" if layer.sites == 1 else counted(layer.sites, "site")
        out.append(LegendRow(f"{layer.title}: dark {words.get(shape, shape + 's')}", INK, "", sites, shape))
    return tuple(out)


def _with_services(services: Sequence[Layer]) -> str:
    return f" Services shown: {wording.listing([layer.title for layer in services])}." if services else ""


def _areas(ask: ExhibitRequest, chosen: Selection) -> str:
    partner = ask.region.partner(chosen.partner) if chosen.partner else None
    return f"{plural(chosen.level)} of {partner.name if partner else ask.region.name}"


def _when(gaps: Gaps) -> str:
    periods = list(dict.fromkeys(period for _, _, period in gaps.key[2] if period))
    return f" ({wording.listing(periods, 4)})" if periods else ""


def _inside(shape) -> tuple[float, float]:
    point = shapely.point_on_surface(shape)
    return (point.x, point.y) if not shapely.is_empty(point) else (math.nan, math.nan)


def _km(whole, service: NearService) -> float:
    """Roughly, at the latitude of these islands."""
    return shapely.distance(whole, shapely.Point(service.longitude, service.latitude)) * 90.0
