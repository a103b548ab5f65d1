"""What the publishing pages say: findings in groups, coverage per authority with a small map, and the preview's numbers."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from dashboard.published import Published
from dashboard.views import wording
from dashboard.views.banding import SUPPRESSED, Bands, make_bands
from dashboard.views.choropleth import band_labels
from dashboard.views.wording import counted
from layers import Fault

SHOWN = 25
"""Findings of one rule that are listed one by one; the file with all of them can be downloaded."""

RULES = {
    # rule of a finding: (heading when it stops, heading when it informs)
    "coverage": "Not every area is covered",
    "outside-region": "Areas outside the region were kept out",
    "other-level": "Totals of larger areas were kept out",
    "unknown-code": "Codes that nobody knows",
    "untidy-codes": "Codes that were tidied",
    "small-numbers": "Small counts of people",
    "far-from-before": "Large moves since the version before",
    "far-from-neighbours": "Values far from those of the neighbours",
    "areas-gone": "Areas that were in the version before",
    "duplicate-row": "Rows repeated exactly",
    "duplicate-area": "Areas that stand more than once",
    "not-a-number": "Cells that are not numbers",
    "mixed-vintage": "Two years of boundaries in one file",
    "vintage-claim": "Another year of boundaries than stated",
    "level-claim": "Another level than stated",
    "old-authority": "Authority codes that were replaced",
    "excel-damage": "Codes that a spreadsheet has damaged",
    "column-missing": "A column is missing",
    "descriptor-incomplete": "Something is still to be described",
    "descriptor": "The description cannot be used",
    "period": "Periods",
    "no-place": "Services without a place",
    "negative": "Values below zero",
    "rows-above": "Rows above the header",
    "rows-below": "Rows below the table",
    "sheets": "More than one sheet",
    "sheets-as-periods": "Sheets that are periods",
    "period-columns": "Columns that are periods",
    "period-unreadable": "Periods that cannot be read",
    "header-rows": "A header of several rows",
    "no-header": "No header",
    "merged-cells": "Merged cells that were filled",
    "hidden-rows": "Hidden rows",
    "rows-left-out": "Rows that were left out",
    "ragged": "Rows longer than the header",
    "not-calculated": "Formulas without a result",
    "quoted-cells": "Cells written as formulas",
    "names-read": "Names read as areas",
    "names-not-codes": "Names that fit several areas",
    "places-read": "Places read from texts",
    "place-unread": "Places that cannot be read",
    "postcode-mended": "Postcodes that were mended",
    "swapped": "Coordinates that are exchanged",
    "shares": "Shares read as percentages",
    "shares-not-percent": "Percentages that look like shares",
    "repeated-row": "Rows repeated exactly",
    "people": "Records of people",
    "encoding": "Letters that may have been misread",
}


def how_read(report) -> str:
    """How a file was read, in a sentence or two: the same on every step, and what is kept with the version."""
    used, recipe = report.used, report.recipe
    parts = []
    if used.get("sheet"):
        parts.append(f"sheet “{used['sheet']}”")
    heads = used.get("header_rows") or []
    if len(heads) > 1:
        parts.append(f"header in rows {' and '.join(map(str, heads))}")
    elif heads and heads != [1]:
        parts.append(f"header in row {heads[0]}")
    elif recipe.get("header_rows") == []:
        parts.append("no header")
    for header, value in (recipe.get("keep") or {}).items():
        parts.append(f"only rows with {header} “{value if isinstance(value, str) else ', '.join(map(str, value))}”")
    if recipe.get("period_columns"):
        parts.append(f"the periods {', '.join(map(str, recipe['period_columns']))[:120]} in a column each")
    for name, words in READ_WORDS.items():
        if recipe.get(name) in words:
            parts.append(words[recipe[name]])
    for key, words in (("rows_left_out", "left out"), ("rows_too_long", "too long for the header and kept out")):
        if used.get(key):
            parts.append(f"{counted(used[key], 'row')} {words}")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


READ_WORDS = {
    "decimal": {"point": "commas divide thousands", "comma": "the comma is the decimal sign"},
    "percent": {
        "share": "numbers without a percent sign are shares of 1",
        "percent": "numbers are per cent as written",
    },
    "hidden_rows": {"read": "hidden rows are read", "leave out": "hidden rows are left out"},
}


COUNT_WORDS = {
    "ok": "With a figure",
    "suppressed": "Withheld",
    "missing": "No figure",
    "converted": "Converted",
    "outside": "Outside the region",
    "unknown": "Unknown codes",
    "other-level": "Of another level",
    "replaced": "Wards redrawn since",
    "blank": "No code",
}


@dataclass(frozen=True)
class Finding:
    """Findings of one rule: a heading, the first of them, and how many more there are."""

    rule: str
    heading: str
    stops: bool
    faults: tuple[Fault, ...]
    more: int


def findings(faults: Iterable[Fault]) -> tuple[Finding, ...]:
    """Findings by rule, those that stop first, otherwise in the order in which they were found."""
    groups: dict[tuple[bool, str], list[Fault]] = {}
    for fault in faults:
        groups.setdefault((fault.severity == "error", fault.rule or "other"), []).append(fault)
    made = [
        Finding(rule, rule_words(rule), stops, tuple(group[:SHOWN]), max(len(group) - SHOWN, 0))
        for (stops, rule), group in groups.items()
    ]
    return tuple(sorted(made, key=lambda one: not one.stops))


def rule_words(rule: str) -> str:
    return RULES.get(rule) or (rule.replace("-", " ").capitalize() if rule != "other" else "Other findings")


@dataclass(frozen=True)
class CoverageRow:
    name: str
    share: float
    words: str
    detail: str

    @property
    def grade(self) -> str:
        return "none" if self.share <= 0 else "all" if self.share >= 1 else "part"


def coverage_rows(coverage: pd.DataFrame | Sequence[dict]) -> tuple[CoverageRow, ...]:
    """One row per authority from a report's coverage: of indicators by areas, of services by sites."""
    records = coverage.to_dict("records") if isinstance(coverage, pd.DataFrame) else list(coverage)
    rows = []
    for one in records:
        if "areas" in one:
            areas, good = int(one["areas"]), int(one["with_value"])
            share = good / areas if areas else 0.0
            words = (
                "all" if share >= 1 else "none" if share <= 0 else f"{min(max(math.floor(100 * share + 0.5), 1), 99)}%"
            )
            detail = f"{good:,} of {counted(areas, 'area')}"
            if one.get("suppressed"):
                detail += f", {int(one['suppressed']):,} withheld"
        else:
            count = int(next((one[key] for key in ("services", "sites", "count") if key in one), 0))
            share, words, detail = (1.0 if count else 0.0), f"{count:,}", wording.listing([counted(count, "site")])
        rows.append(CoverageRow(str(one.get("name") or one.get("lad_code")), share, words, detail))
    return tuple(rows)


@dataclass(frozen=True)
class Shape:
    name: str
    path: str


@lru_cache(maxsize=4)
def authority_shapes(published: Published) -> tuple[float, float, tuple[Shape, ...]]:
    """Width, height and an SVG path for every authority, simplified for a picture of about 300 pixels."""
    lads = published.region.areas["lad"]
    west, south, east, north = lads.total_bounds
    squeeze = math.cos(math.radians((south + north) / 2))
    scale = 300 / max((east - west) * squeeze, north - south, 1e-9)
    width, height = (east - west) * squeeze * scale, (north - south) * scale
    shapes = []
    for name, outline in zip(lads["name"], lads.geometry.simplify(0.7 / scale), strict=True):
        pieces = [part for part in getattr(outline, "geoms", [outline]) if not part.is_empty]
        words = []
        for part in pieces:
            points = np.asarray(part.exterior.coords)
            x, y = (points[:, 0] - west) * squeeze * scale, (north - points[:, 1]) * scale
            words.append("M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x, y, strict=True)) + "Z")
        shapes.append(Shape(str(name), "".join(words)))
    return round(width, 1), round(height, 1), tuple(shapes)


# ---------------------------------------------------------------- two states side by side


@dataclass(frozen=True)
class MapData:
    """What ``assets/publish.js`` draws: one class an area (base64 of bytes), or points."""

    label: str
    classes: str = ""
    points: tuple[tuple[float, float], ...] = ()
    note: str = ""
    bands: int = 0


@dataclass(frozen=True)
class SideBySide:
    """Two states of a layer with one legend. ``before`` is None where there is nothing to compare with."""

    before: MapData | None
    after: MapData
    legend: tuple[tuple[int, str, str, str], ...]  # class, label, count before, count after
    sentences: tuple[str, ...]
    moves: tuple[tuple[str, str, str, str], ...] = ()  # area, before, after, change
    table: tuple[tuple[str, ...], ...] = ()
    table_head: tuple[str, ...] = ()


def side_by_side(
    published: Published,
    level: str,
    after: pd.DataFrame,
    before: pd.DataFrame | None,
    *,
    unit: str,
    decimals: int | None,
    label_after: str,
    label_before: str = "",
    note_before: str = "",
) -> SideBySide:
    """Both in the bands of the new values. Frames have ``area_code, value, status`` in area order."""
    areas = published.region.areas[level]
    new = after["value"].to_numpy(dtype="float64")
    bands = make_bands(new, "quantiles", 5)
    places = wording.decimals_for(new, decimals)
    data_after = MapData(label_after, _classes(bands, after), bands=len(bands))
    data_before = None
    if before is not None:
        data_before = MapData(label_before, _classes(bands, before), note=note_before, bands=len(bands))
    legend = []
    codes_new = _codes(bands, after)
    codes_old = _codes(bands, before) if before is not None else None
    for i, label in enumerate(band_labels(bands, new, places)):
        legend.append((i, label, _count(codes_old, i), _count(codes_new, i)))
    for code, label in ((SUPPRESSED, "Withheld to protect people"), (255, "No figure")):
        if (codes_new == code).any() or (codes_old is not None and (codes_old == code).any()):
            legend.append((code, label, _count(codes_old, code), _count(codes_new, code)))
    has = np.isfinite(new)
    sentences = [
        f"{wording.count_of(int(has.sum()), level)} of {len(areas):,} have a figure, from "
        f"{wording.with_unit(float(np.nanmin(new)), unit, places)} to {wording.with_unit(float(np.nanmax(new)), unit, places)}."
        if has.any()
        else f"No {wording.LEVEL_WORDS[level][0]} has a figure."
    ]
    converted = int((after["status"] == "converted").sum())
    if converted:
        sentences.append(f"{converted:,} of them are worked out from other areas.")
    moves: list[tuple[str, str, str, str]] = []
    if before is not None:
        old = before["value"].to_numpy(dtype="float64")
        had = np.isfinite(old)
        move = np.where(has & had, new - old, 0.0)
        sentences.append(
            f"{int((np.abs(move) > 1e-12).sum()):,} change, {int((has & ~had).sum()):,} gain a figure and "
            f"{int((had & ~has).sum()):,} lose theirs."
        )
        for at in np.argsort(-np.abs(move), kind="stable")[:10]:
            if abs(move[at]) > 1e-12:
                sign = "+" if move[at] > 0 else ""
                moves.append(
                    (
                        f"{areas['name'].iat[at]}",
                        wording.short_unit(float(old[at]), unit, places),
                        wording.short_unit(float(new[at]), unit, places),
                        f"{sign}{wording.number(float(move[at]), places)}",
                    )
                )
    table = _by_authority(published, level, new, before, unit, places)
    head = ("Authority", "Areas with a figure", "Lowest", "Middle", "Highest")
    if before is not None:
        head += ("Middle before",)
    return SideBySide(data_before, data_after, tuple(legend), tuple(sentences), tuple(moves), table, head)


def _codes(bands: Bands, frame: pd.DataFrame) -> np.ndarray:
    codes = bands.classify(frame["value"].to_numpy(dtype="float64")).copy()
    if len(bands):
        value = frame["value"].to_numpy(dtype="float64")
        codes[np.isfinite(value)] = np.minimum(codes[np.isfinite(value)], len(bands) - 1)
    codes[(frame["status"] == "suppressed").to_numpy()] = SUPPRESSED
    return codes


def _classes(bands: Bands, frame: pd.DataFrame) -> str:
    return base64.b64encode(_codes(bands, frame).tobytes()).decode()


def _count(codes: np.ndarray | None, code: int) -> str:
    return "" if codes is None else f"{int((codes == code).sum()):,}"


def _by_authority(published, level, new, before, unit, places) -> tuple[tuple[str, ...], ...]:
    areas = published.region.areas[level]
    lads = published.region.areas["lad"]
    by = areas["lad_code" if level != "lad" else "code"].to_numpy()
    old = before["value"].to_numpy(dtype="float64") if before is not None else None
    rows = []
    for code, name in zip(lads["code"], lads["name"], strict=True):
        own = new[by == code]
        good = own[np.isfinite(own)]
        numbers = (good.min(), float(np.median(good)), good.max()) if len(good) else (None, None, None)
        row = [str(name), f"{len(good):,} of {len(own):,}", *(wording.short_unit(n, unit, places) for n in numbers)]
        if old is not None:
            was = old[by == code]
            was = was[np.isfinite(was)]
            row.append(wording.short_unit(float(np.median(was)) if len(was) else None, unit, places))
        rows.append(tuple(row))
    return tuple(rows)


def sites_side_by_side(
    published: Published, after: pd.DataFrame, before: pd.DataFrame | None, label_after: str, label_before: str
) -> SideBySide:
    """The same for two lists of services."""
    lads = published.region.areas["lad"]
    counts_new = after["lad_code"].value_counts()
    counts_old = before["lad_code"].value_counts() if before is not None else None
    rows = []
    for code, name in zip(lads["code"], lads["name"], strict=True):
        row = [str(name), f"{int(counts_new.get(code, 0)):,}"]
        if counts_old is not None:
            row.append(f"{int(counts_old.get(code, 0)):,}")
        rows.append(tuple(row))
    inside = int(after["lad_code"].isin(lads["code"]).sum())
    where = (
        "all of them in the region"
        if inside == len(after)
        else f"{inside:,} of them in the region and the others close to it"
    )
    sentences = [f"{counted(len(after), 'service')}, {where}."]
    if "location_from" in after:
        by_postcode = int(after["location_from"].astype(str).str.startswith("postcode").sum())
        if by_postcode:
            sentences.append(f"{by_postcode:,} were placed by their postcode.")
    if before is not None:
        key = "service_id" if "service_id" in after and "service_id" in before else "name"
        was, now = set(before[key]), set(after[key])
        sentences.append(f"{len(now - was):,} are new and {len(was - now):,} are gone.")
    head = ("Authority", "Services") + (("Before",) if before is not None else ())
    return SideBySide(
        MapData(label_before, points=_points(before)) if before is not None else None,
        MapData(label_after, points=_points(after)),
        (),
        tuple(sentences),
        table=tuple(rows),
        table_head=head,
    )


def _points(sites: pd.DataFrame) -> tuple[tuple[float, float], ...]:
    placed = sites[sites["longitude"].notna() & sites["latitude"].notna()]
    pairs = zip(placed["longitude"], placed["latitude"], strict=True)
    return tuple((round(float(x), 5), round(float(y), 5)) for x, y in pairs)
