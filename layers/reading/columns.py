"""Which column of an unknown table is which: by what was said, by its header, by what stands in it. Every guess says why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from layers.descriptive_keys import roles_of
from layers.geography.postcodes import normalise_all
from layers.model import LEVELS, Fault, Kind
from layers.periods import is_readable
from layers.reading.identity import is_identifier
from layers.reading.marks import numbers
from layers.reading.sheet import Sheet
from layers.reading.vintage import code_in, codes_for_names


@dataclass(frozen=True)
class Guess:
    """Which column plays a role, and why it is thought so. ``sure``: by its name in full, or by what was said."""

    role: str
    header: str
    reason: str
    sure: bool = False


_SERVICE_SIGNS = (
    "postcode",
    "post code",
    "latitude",
    "longitude",
    "easting",
    "northing",
    "ods code",
    "opening hours",
    "lat",
    "lng",
    "uprn",
)

_NAMES: dict[str, tuple[str, ...]] = {
    # role: headers in plain form (small letters, words apart), the best first
    "area_code": (
        "area code", "geography code", "lsoa21", "lsoa11",
        "lsoa code", "ward code", "lad code", "lsoa21cd", "lsoa11cd", "wd24cd", "wd22cd", "lad24cd",
        "lad23cd", "lad22cd", "ltla24cd", "utla24cd", "gss code", "ons code", "local authority code", "local authority district code",
        "mnemonic", "geography", "code", "area", "lsoa", "ward", "geo code", "feature code", "areacd",
    ),
    "period": ("period", "year", "time period", "reporting period", "calendar year", "academic year",
        "school year", "year ending", "date", "month", "quarter", "financial year", "time"),
    "value": ("value", "rate", "percentage", "percent", "score", "indicator value", "obs value", "observation", "measure value", "pct"),
    "numerator": ("numerator", "count", "number", "events", "cases", "observed", "n"),
    "denominator": ("denominator", "population", "base", "total", "households", "total residents", "total households", "pop"),
    "lower": ("lower", "lower ci", "lower ci 95 0 limit", "lower ci 95", "lci", "ci lower", "lower limit", "lower confidence limit"),
    "upper": ("upper", "upper ci", "upper ci 95 0 limit", "upper ci 95", "uci", "ci upper", "upper limit", "upper confidence limit"),
    "flag": ("flag", "marker", "note", "value note", "symbol", "notes", "suppression", "data marker", "obs status"),
    "status": ("status",),
    "service_id": (
        "service id", "id", "site id", "ods code", "org code", "organisation code", "organization code", "urn", "uprn", "code",
        "ref", "site code",
    ),
    "name": ("name", "service name", "site name", "organisation name", "organization name", "service", "site", "title", "practice name"),
    "category": ("category", "type", "service type", "kind", "class", "subtype", "amenity"),
    "latitude": ("latitude", "lat", "y lat", "geometry latitude"),
    "longitude": ("longitude", "lon", "lng", "long", "x lon", "geometry longitude"),
    "easting": ("easting", "eastings", "x", "easting m", "oseast1m", "os easting", "geo x", "geox",
        "east1m", "geometry easting", "grid e", "bng e"),
    "northing": ("northing", "northings", "y", "northing m", "osnrth1m", "os northing", "geo y", "geoy",
        "north1m", "geometry northing", "grid n", "bng n"),
    "postcode": ("postcode", "post code", "postal code", "pcd", "pcds", "pcd7", "pcd8", "zip"),
    "address": ("address", "full address", "location", "address line 1", "street", "premises"),
    "capacity": ("capacity", "beds", "places", "slots", "list size", "supply", "appointments", "staff"),
    "opening_hours": ("opening hours", "opening times", "hours", "opening", "open"),
    "eligibility": ("eligibility", "who can use it", "eligible", "audience"),
    "referral": ("referral", "how to access", "access", "referral route"),
    "organisation": ("organisation", "organization", "provider", "operator", "owner", "trust name", "run by"),
    "url": ("url", "website", "web", "web address", "link", "web site"),
    "as_of": ("as of", "last updated", "date", "updated", "as at", "last checked"),
    "lad_code": ("lad code", "lad24cd", "local authority code", "la code", "laua"),
}  # fmt: skip


def plain_header(header: str) -> str:
    """A header in small letters with its words apart: "LSOA code (2021)" is "lsoa code 2021"."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", " ", str(header))
    return re.sub(r"[^a-z0-9%]+", " ", text.casefold()).strip()


def kind_of_table(ours: dict, sheet: Sheet, found: Mapping[str, tuple[str, str]], known_codes: Mapping) -> Kind:
    """Indicator or services: as said, else services where the table says where its rows stand and has no area codes. ``found``: the
    columns that were made of ways of writing a place."""
    given = str(ours.get("kind") or "").lower()
    if given in set(Kind):
        return Kind(given)
    if sheet.geometry and not any(_code_share(sheet.text[header]) > 0.5 for header in sheet.text.columns[:30]):
        return Kind.SERVICES
    plain = {plain_header(header) for header in sheet.text.columns}
    signs = sum(1 for sign in _SERVICE_SIGNS if sign in plain) + len(set(found) & set(_PLACE_ROLES))
    codes = any(_code_share(sheet.text[header]) > 0.5 for header in sheet.text.columns[:30])
    unique = any(
        _code_share(sheet.text[header]) > 0.5 and sheet.text[header].nunique() > 0.9 * len(sheet.text)
        for header in sheet.text.columns[:30]
    )
    if not signs and not codes and not has_codes(sheet.text, known_codes):
        signs = sum(_postcode_share(sheet.text[header]) > 0.5 for header in sheet.text.columns[:30])
    return Kind.SERVICES if signs and not (codes and unique) else Kind.INDICATOR


_PLACE_ROLES = ("longitude", "latitude", "easting", "northing", "postcode")


def has_codes(text: pd.DataFrame, known_codes: Mapping) -> bool:
    """Whether a column holds codes of areas: official ones, or those that the region knows."""
    known = set().union(*known_codes.values())
    for header in text.columns[:60]:
        cells = [cell for cell in text[header].head(200).str.strip().tolist() if cell]
        hits = sum(code_in(cell, known) != "" for cell in cells)
        if cells and hits > 0.5 * len(cells):
            return True
    return False


def _code_share(column: pd.Series) -> float:
    """Share of the first filled cells that look like official area codes, alone or beside a name."""
    cells = column.head(500)
    cells = cells[cells.str.strip() != ""].str.strip().str.upper()
    if not len(cells):
        return 0.0
    return float(cells.str.fullmatch(r"(?:[^A-Z0-9]*|.*[^A-Z0-9])[EWSNK]\d{8}(?:[^A-Z0-9].*)?").mean())


def _postcode_share(column: pd.Series) -> float:
    cells = column.head(300)
    cells = cells[cells.str.strip() != ""]
    return float((normalise_all(cells) != "").mean()) if len(cells) else 0.0


def guess_columns(
    sheet: Sheet,
    kind: Kind,
    said: Mapping,
    known_codes: Mapping,
    faults: list[Fault],
    *,
    found: Mapping[str, tuple[str, str]] | None = None,
    region=None,
) -> tuple[Guess, ...]:
    """Which column plays which role: what was said first, then names, then contents. Every guess gives its reason. ``found``:
    columns that were made while the file was read, with the reason; with a ``region``, names of its areas are known too."""
    text, known = sheet.text, roles_of(kind)
    out: dict[str, Guess] = {}
    used: set[str] = set()
    refused = {role for role, header in said.items() if header in ("", None)}
    for role, header in said.items():
        if role not in known or header in ("", None):
            continue
        if header not in text.columns:
            todo = f"the table has: {', '.join(text.columns[:20])}"
            what = f"there is no column {str(header)[:60]!r} for {role}"
            faults.append(Fault(what, sheet.name, todo, column=str(header)[:60], rule="column-missing"))
            refused.add(role)
            continue
        out[role] = Guess(role, header, "as you said", True)
        used.add(header)

    def take(role: str, header: str, reason: str, sure: bool = False) -> None:
        if role in known and role not in out and role not in refused and header not in used:
            out[role] = Guess(role, header, reason, sure)
            used.add(header)

    for role, (header, reason) in (found or {}).items():
        take(role, header, reason, True)
    if set(found or {}) & {"longitude", "easting"}:  # a place is said once
        refused |= {"longitude", "latitude", "easting", "northing"} - set(out)
    for role, axis in (
        ("longitude", "longitude"),
        ("latitude", "latitude"),
        ("easting", "easting"),
        ("northing", "northing"),
    ):
        for header in sheet.geometry:
            if header.endswith(axis):
                take(role, header, "from the geometry of the file", True)
    for role in known:
        if role in text.columns:
            take(role, role, f"its header is {role}", True)
    plain = {header: plain_header(header) for header in text.columns}
    if kind == Kind.INDICATOR:
        _guess_area_code(text, known_codes, take, region)
    for role in known:
        for name in _NAMES.get(role, ()):
            match = next((header for header in text.columns if plain[header] == name and header not in used), None)
            if match is None:
                continue
            if known[role].dtype == "float64" and not _mostly_numbers(text[match]):
                continue
            if role == "period" and not _mostly_periods(text[match]):
                continue
            if role == "service_id" and not is_identifier(text[match]):
                continue  # blank or repeated, as the UPRN of a building with two services: it is looked for further on
            take(role, match, f"its header is {match!r}")
            break
    if kind == Kind.SERVICES:
        _guess_by_contents(text, out, take)
    if kind == Kind.INDICATOR:
        if "period" not in out:
            _guess_period(text, plain, used, take)
        _guess_parts(text, plain, used, out, take, refused)
        _guess_value(text, plain, used, out, take, refused)
    return tuple(out[role] for role in known if role in out)


def _guess_period(text, plain, used, take) -> None:
    """A column whose header speaks of time and whose cells are periods."""
    for header in text.columns:
        if header in used or not re.search(r"\b(?:year|month|quarter|period|date|time|week|fy)s?\b", plain[header]):
            continue
        if _mostly_periods(text[header]) and text[header].nunique() > 1:
            take("period", header, "its header speaks of time and its cells are periods")
            return


_NO_NAMES = ("address", "url", "web", "email", "uri", "notes", "postcode")


def _guess_by_contents(text, out, take) -> None:
    """For a list without headers, or with headers that say nothing: the postcode, and the name as the first column of words of which
    nearly every one is different."""
    if not {"postcode", "longitude", "easting"} & set(out):
        share = {header: _postcode_share(text[header]) for header in text.columns[:100]}
        best = max(share, key=share.get, default=None)
        if best is not None and share[best] > 0.5:
            take("postcode", best, f"{share[best]:.0%} of its cells are postcodes")
    if "name" in out:
        return
    taken = {guess.header for guess in out.values()}
    for header in text.columns[:30]:
        cells = [cell for cell in text[header].head(300).str.strip().tolist() if cell]
        words = sum(bool(re.search(r"[A-Za-z]{3,}", cell)) and not is_readable(cell) for cell in cells)
        if header in taken or not cells or any(sign in plain_header(header) for sign in _NO_NAMES):
            continue
        if words > 0.8 * len(cells) and len(set(cells)) > 0.7 * len(cells):
            take("name", header, "it is the first column of words that tell its rows apart")
            return


def _guess_area_code(text, known_codes, take, region=None) -> None:
    """The column whose cells are area codes of the region, else of any official kind; the smallest areas win."""
    known: dict[str, set[str]] = {level: set() for level in LEVELS}
    for (level, _), codes in known_codes.items():
        known[level] |= codes
    every = set().union(*known.values())
    best, why = None, ""
    for header in text.columns:
        cells = [cell.strip() for cell in text[header].head(1000).tolist() if cell.strip()]
        if not cells:
            continue
        cells = [code_in(cell, every) or cell.upper() for cell in cells]
        hits = {level: sum(cell in codes for cell in cells) / len(cells) for level, codes in known.items()}
        level = max(LEVELS, key=lambda name: hits[name])
        official = sum(re.fullmatch(r"[EWSN]\d{8}", cell) is not None for cell in cells) / len(cells)
        share = max(hits[level], 0.9 * official)  # a code of the region counts a little more than any official one
        if share < 0.2:
            continue
        distinct = len(set(cells)) / len(cells)
        finest = -LEVELS.index(level) if hits[level] else 0
        score = (share > 0.5, finest, share, distinct)
        if best is None or score > best[0]:
            best = (score, header)
            why = f"{max(hits[level], official):.0%} of its cells are codes of areas"
    if best is not None:
        take("area_code", best[1], why, best[0][0])
    elif region is not None:
        _guess_area_names(text, region, take)


def _guess_area_names(text, region, take) -> None:
    """The column whose cells are names of areas, where no column has codes."""
    best: tuple[float, str, str] = (0.5, "", "")
    for header in text.columns[:60]:
        words = pd.Series(text[header].head(1000).str.strip().unique(), dtype="str")
        words = words[words.str.contains(r"[A-Za-z]{3}", regex=True)]
        if not len(words):
            continue
        level, found, several = codes_for_names(words, region)
        share = (len(found) + len(several)) / len(words)
        if share > best[0]:
            best = (share, header, level)
    if best[1]:
        take("area_code", best[1], f"{best[0]:.0%} of its cells are names of areas")


def _mostly_numbers(column: pd.Series) -> bool:
    cells = column.head(300)
    cells = cells[cells.str.strip() != ""]
    if not len(cells):
        return True
    read = numbers(cells)
    return bool((read.state != "bad").mean() > 0.5 and ((read.state == "number").any() or (read.state != "bad").all()))


def _mostly_periods(column: pd.Series) -> bool:
    cells = [cell for cell in column.head(300).str.strip().tolist() if cell]
    return bool(cells) and sum(map(is_readable, cells)) > 0.8 * len(cells)


_WHOLE = (
    r"\b(?:all|total|base)\b",  # "All homes" beside "Homes with damp"
    r"\b(?:population|residents|people|persons|households|homes|dwellings|pupils|patients)\b",
)


def _guess_parts(text, plain, used, out, take, refused) -> None:
    """Numerator and denominator, where two columns of whole numbers are left, one is never above the other, and the larger
    one's header speaks of a whole: "Aged 65 and over" beside "All residents"."""
    if {"value", "numerator"} & (set(out) | refused) or "denominator" in refused:
        return
    given = out["denominator"].header if "denominator" in out else ""
    free = [header for header in numeric_columns(text, used) if header not in used] + ([given] if given else [])
    if len(free) != 2:
        return
    read = {header: numbers(text[header].head(2000)).value for header in free}
    if any(not (values[np.isfinite(values)] % 1 == 0).all() for values in read.values()):
        return
    for part, whole in (free, free[::-1]):
        both = np.isfinite(read[part]) & np.isfinite(read[whole])
        if given and whole != given:
            continue
        if both.sum() < 3 or (read[part][both] > read[whole][both]).any() or (read[whole][both] == 0).all():
            continue
        if whole == given or any(re.search(w, plain[whole]) and not re.search(w, plain[part]) for w in _WHOLE):
            take("numerator", part, f"it is never above {whole!r}, which looks like its whole")
            take("denominator", whole, f"it looks like the whole of {part!r}")
            return


def _guess_value(text, plain, used, out, take, refused) -> None:
    """The number itself: by words in its header, else the only column of numbers, else the last of them."""
    if "value" in out or "value" in refused or {"numerator", "denominator"} <= set(out):
        return
    free = [header for header in numeric_columns(text, used) if header not in used]
    free = [
        header
        for header in free
        if not re.search(
            r"\b(?:id|objectid|fid|uprn|usrn|urn|code|row|shape|lat|long|easting|northing)\b", plain[header]
        )
    ]
    for words in (
        r"\bvalue\b",
        r"(?<![\d ])%|(?<!\d)\b %|\bpercent|\bper cent|\bpct\b|\brate\b",
        r"\bscore\b",
        r"\bindex\b|\bmean\b|\baverage\b",
        r"\brank\b",
    ):
        match = next((header for header in free if re.search(words, plain[header])), None)
        if match is not None and len(free) >= 1:
            others = f" ({len(free) - 1} other columns hold numbers)" if len(free) > 1 else ""
            take("value", match, f"its header speaks of a value{others}")
            return
    if len(free) == 1:
        take("value", free[0], "it is the only column of numbers left")
    elif free and "numerator" not in out:
        take("value", free[0], f"it is the first of {len(free)} columns of numbers; choose the right one")
    elif not free and "numerator" not in out and "denominator" in out and not out["denominator"].sure:
        only = out.pop("denominator").header
        used.discard(only)
        take("value", only, "it is the only column of numbers")


def numeric_columns(text: pd.DataFrame, but: set[str]) -> tuple[str, ...]:
    return tuple(header for header in text.columns if header not in but and _is_numeric(text[header]))


def _is_numeric(column: pd.Series) -> bool:
    cells = column.head(200)
    cells = cells[cells.str.strip() != ""]
    if not len(cells):
        return False
    read = numbers(cells)
    # a slip or two ("n.k") is told when the file is checked, and does not make a column of numbers one of words
    slips = 0.02 if len(cells) < 10 else 0.1
    return bool((read.state == "number").mean() >= 0.3 and (read.state == "bad").mean() <= slips)


def guess_measure(column: pd.Series, header: str) -> str:
    """What kind of number it may be, for the wizard to propose; "" where nothing speaks for one."""
    plain = plain_header(header)
    for words, measure in (
        (r"\bchange\b|\bgrowth\b|\bdifference\b|\bincrease\b|\bdecrease\b", "change"),
        (r"%|\bpercent|\bper cent|\bpct\b|\bshare\b|\bproportion\b", "percentage"),
        (r"\brank\b", "rank"),
        (r"\bdecile\b", "decile"),
        (r"\bscore\b|\bindex\b", "score"),
        (r"\brate\b|\bper 1", "rate"),
        (r"\bmean\b|\baverage\b|\bmedian\b", "mean"),
        (r"\bcount\b|\bnumber\b|\btotal\b|\bpopulation\b", "count"),
    ):
        if re.search(words, plain):
            return measure
    return "percentage" if column.str.contains("%", regex=False).any() else ""
