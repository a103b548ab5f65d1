"""The options sandbox: sites opened, closed, moved and resized by hand, several options side by side, all of it in the link.

The state of the page is its query string and nothing else (:class:`OptionsQuery`): the explore page's question, what was asked
of the planner, and the options. An option is written as ``A~Title:o425000-564000,xC12,mC7-426000-561000.5,cC9-20``: open, close,
move and capacity, places in metres of EPSG:27700, options separated by ``;``. Nothing is saved anywhere.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote, urlencode

import numpy as np
import pandas as pd

from dashboard import question
from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views import offer, wording
from dashboard.views.gaps import Gaps, NoAnswer, gaps_or_reasons, read_services
from dashboard.views.places import names, starting_questions
from layers import Change, Viewer, to_degrees, to_metres

KEYS = "ABCDEFGH"
"""At most eight options: more columns than that nobody compares."""
MOST_CHANGES = 60
OWN = ("options", "option")
"""What the link of this page has besides the question."""
NEW = "new-"
"""Ids of opened sites begin with this and say where: no list of services needs to know them."""

NO_TRAVEL = "Options are measured by distance: a travel-time table has no times to sites that do not exist yet."

_ASKED = tuple(row.name for row in question.fields_of(question.OPTIONS))
_PLACE = re.compile(r"\d{1,7}(\.\d)?\Z")


# ---- the question and the options in the link -----------------------------------------------------------------------


@dataclass(frozen=True)
class PlanAsk:
    """What was asked of the planner."""

    new: int = 3
    objective: str = "mclp"
    demand: str = "underserved"
    exclude: tuple[str, ...] = ()

    def to_query(self) -> dict[str, str]:
        return question.write_link(vars(self), vars(self), always=tuple(vars(self)))


@dataclass(frozen=True)
class Option:
    """A named set of changes; ``key`` is its letter."""

    key: str
    title: str = ""
    changes: tuple[Change, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.key}: {self.title}" if self.title else f"Option {self.key}"

    def with_change(self, change: Change) -> Option:
        """Another change; one of the same kind for the same site makes way, closing a site makes way for all else."""
        rest = [c for c in self.changes if c.service_id != change.service_id or not _in_the_way(c, change)]
        return replace(self, changes=(*rest, change)[-MOST_CHANGES:])

    def without(self, site: str, kind: str = "") -> Option:
        return replace(
            self, changes=tuple(c for c in self.changes if c.service_id != site or (kind and c.kind != kind))
        )


def _in_the_way(old: Change, new: Change) -> bool:
    return old.kind == new.kind or "close" in (old.kind, new.kind)


@dataclass(frozen=True)
class OptionsQuery:
    """The whole state of the options page. ``chosen`` is the key of the option that is being worked on."""

    selection: Selection
    ask: PlanAsk | None = None
    options: tuple[Option, ...] = (Option("A"),)
    chosen: str = "A"

    @property
    def option(self) -> Option:
        return next((option for option in self.options if option.key == self.chosen), self.options[0])

    @classmethod
    def from_query(cls, query: Mapping[str, Any]) -> tuple[OptionsQuery, tuple[str, ...]]:
        """Read query parameters, also hostile ones; the second part says in sentences what was left out."""
        asked = {name: query[name] for name in _ASKED if query.get(name)}
        rest = {name: value for name, value in query.items() if name not in (*OWN, *_ASKED)}
        selection, dropped = Selection.from_query(rest)
        options, faults = read_options(str(query.get("options") or ""))
        chosen = str(query.get("option") or "")
        if chosen not in {option.key for option in options}:
            chosen = options[0].key
        ask, lost = _read_ask(asked)
        return cls(_as_gap(selection), ask, options, chosen), (*dropped, *faults, *lost)

    def to_query(self) -> dict[str, str]:
        query = replace(self.selection, show="need", area="", at=None).to_query()
        query |= self.ask.to_query() if self.ask else {}
        text = write_options(self.options)
        query |= {"options": text} if text else {}
        return query | ({"option": self.chosen} if self.chosen != self.options[0].key else {})

    def query_string(self) -> str:
        return urlencode(self.to_query(), safe=",=:;~")

    def link(self) -> str:
        return f"/options?{self.query_string()}"

    def with_option(self, option: Option) -> OptionsQuery:
        return replace(self, options=tuple(option if o.key == option.key else o for o in self.options))


def _as_gap(selection: Selection) -> Selection:
    return replace(selection, show="gap", area="", at=None)


def write_options(options: Sequence[Option]) -> str:
    """How options stand in a link; "" for one empty option without a name."""
    if len(options) == 1 and not options[0].changes and not options[0].title and options[0].key == "A":
        return ""
    parts = []
    for option in options:
        title = f"~{quote(option.title, safe=' ')}" if option.title else ""
        parts.append(f"{option.key}{title}:{','.join(map(_write_change, option.changes))}")
    return ";".join(parts)


def _write_change(change: Change) -> str:
    site = quote(change.service_id, safe="")
    place = f"{_metres(change.easting)}-{_metres(change.northing)}" if change.easting is not None else ""
    if change.kind == "open":
        return f"o{place}" + (f"-{change.capacity:g}" if change.capacity is not None else "")
    if change.kind == "move":
        return f"m{site}-{place}"
    if change.kind == "capacity":
        return f"c{site}-{change.capacity:g}"
    return f"x{site}"


def _metres(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def read_options(text: str) -> tuple[tuple[Option, ...], list[str]]:
    """Options from a link, and a sentence for each part that could not be read. There is always at least one option."""
    options: dict[str, Option] = {}
    notices = []
    for part in filter(None, text[:20_000].split(";")):
        head, _, body = part.partition(":")
        key, _, title = head.partition("~")
        if key not in KEYS or len(key) != 1 or key in options:
            notices.append(f"The link has an option “{part[:30]}” that could not be read; it was left out.")
            continue
        option = Option(key, clean_title(unquote(title)))
        for word in filter(None, body.split(",")[:MOST_CHANGES]):
            change = _read_change(word)
            if change is None:
                notices.append(f"Option {key} has a change “{word[:40]}” that could not be read; it was left out.")
            else:
                option = option.with_change(change)
        options[key] = option
    return tuple(options.values()) or (Option("A"),), notices


def clean_title(text: str) -> str:
    return "".join(c for c in " ".join(str(text).split()) if c.isprintable())[:60].strip()


def _read_change(word: str) -> Change | None:
    kind, rest = word[:1], word[1:]
    if kind == "o":
        parts = rest.split("-")
        if len(parts) not in (2, 3) or not all(map(_PLACE.match, parts[:2])):
            return None
        capacity = _positive(parts[2]) if len(parts) == 3 else None
        return None if len(parts) == 3 and capacity is None else opened(float(parts[0]), float(parts[1]), capacity)
    if kind == "x":
        site = unquote(rest)
        return Change("close", site) if _known_form(site) else None
    if kind == "m":
        parts = rest.rsplit("-", 2)
        if len(parts) != 3 or not all(map(_PLACE.match, parts[1:])):
            return None
        site = unquote(parts[0])
        return Change("move", site, float(parts[1]), float(parts[2])) if _known_form(site) else None
    if kind == "c":
        site, _, tail = rest.rpartition("-")
        site, capacity = unquote(site), _positive(tail)
        return Change("capacity", site, capacity=capacity) if _known_form(site) and capacity is not None else None
    return None


def opened(easting: float, northing: float, capacity: float | None = None) -> Change:
    return Change("open", f"{NEW}{_metres(easting)}-{_metres(northing)}", easting, northing, capacity)


def _known_form(site: str) -> bool:
    return 0 < len(site) <= 200 and site.isprintable()


def _positive(text: Any) -> float | None:
    try:
        number = float(text)
    except (TypeError, ValueError):
        return None
    return number if 0 <= number <= 1e6 else None


def _read_ask(asked: Mapping[str, Any]) -> tuple[PlanAsk | None, list[str]]:
    """What was asked of the planner, None for nothing, and a sentence for each part that was left out."""
    if "new" not in asked and "objective" not in asked:
        return None, []
    given, notices = question.read_link(asked, question.OPTIONS)
    return PlanAsk(**given), notices


# ---- the sandbox: the question with its gaps and sites -----------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Sandbox:
    """A question that options can be tried on. ``sites`` has one row a site: service_id, name, lad_code, easting, northing,
    longitude, latitude, authority, and capacity where known."""

    published: Published
    query: OptionsQuery
    gaps: Gaps
    sites: pd.DataFrame

    @property
    def uses_capacity(self) -> bool:
        return self.gaps.result.access.metric.uses_capacity


def valid_options(
    published: Published, query: Mapping[str, Any], viewer: Viewer
) -> tuple[OptionsQuery, tuple[str, ...]]:
    """The nearest state that exists here, and what was changed, in sentences. Without any query: the region's own question."""
    if not query:
        questions = starting_questions(published)
        gap = [link for _, link in questions if "show=gap" in link]
        query = dict(part.split("=", 1) for part in gap[0].removeprefix("/?").split("&")) if gap else {}
    wanted, dropped = OptionsQuery.from_query(query)
    selection, changed = offer.valid_selection(published, wanted.selection, viewer)
    known = set(published.region.areas["lad"]["code"])
    if wanted.ask:
        wanted = replace(wanted, ask=replace(wanted.ask, exclude=tuple(c for c in wanted.ask.exclude if c in known)))
    if selection.travel:
        changed = (*changed, NO_TRAVEL)
        selection = replace(selection, travel="", max_min=None)
    return replace(wanted, selection=_as_gap(selection)), (*dropped, *changed)


def sandbox(published: Published, query: OptionsQuery, viewer: Viewer) -> Sandbox | NoAnswer:
    """The gaps and the sites of a question; a NoAnswer with reasons where there are none. Changes of sites that are not in the
    lists (any more) are taken out of the options: :func:`left_out` names them."""
    selection = query.selection
    if not selection.services or not selection.needs:
        return NoAnswer(
            "Choose a need and services first.",
            ("Options are tried on the gap between need and services: choose both on the map, then come back.",),
        )
    found = gaps_or_reasons(published, selection, viewer, quick=True)
    if isinstance(found, NoAnswer):
        return found
    sites = _sites(found, viewer)
    return Sandbox(published, _only_known(query, set(sites["service_id"])), found, sites)


def _sites(gaps: Gaps, viewer: Viewer) -> pd.DataFrame:
    tables = [read_services(gaps.published, viewer, layer).table for layer in gaps.services]
    table = pd.concat(tables, ignore_index=True)
    table = table[table["easting"].notna()].drop_duplicates("service_id").reset_index(drop=True)
    lads = names(gaps.published, "lad")
    longitude, latitude = to_degrees(table["easting"], table["northing"])
    out = pd.DataFrame(
        {
            "service_id": table["service_id"].astype(str),
            "name": table["name"].astype(str),
            "lad_code": table["lad_code"].fillna("").astype(str),
            "easting": table["easting"].astype("float64"),
            "northing": table["northing"].astype("float64"),
            "longitude": longitude,
            "latitude": latitude,
        }
    )
    given = table["capacity"] if "capacity" in table.columns else pd.Series(np.nan, index=table.index)
    out["capacity"] = pd.to_numeric(given, errors="coerce").astype("float64")
    out["authority"] = out["lad_code"].map(lads).fillna("outside the region")
    return out.sort_values(["authority", "name", "service_id"], kind="stable").reset_index(drop=True)


def _only_known(query: OptionsQuery, known: set[str]) -> OptionsQuery:
    options = tuple(
        replace(o, changes=tuple(c for c in o.changes if c.kind == "open" or c.service_id in known))
        for o in query.options
    )
    return replace(query, options=options)


def left_out(before: OptionsQuery, after: OptionsQuery) -> tuple[str, ...]:
    """A sentence for every change of ``before`` that is not in ``after`` because its site is gone."""
    gone = sorted(
        {c.service_id for old, new in zip(before.options, after.options, strict=True) for c in old.changes}
        - {c.service_id for new in after.options for c in new.changes}
    )
    if not gone:
        return ()
    listed = wording.listing([f"“{site[:40]}”" for site in gone])
    return (
        f"The services have no site {listed} (any more); the options leave {'it' if len(gone) == 1 else 'them'} out.",
    )


# ---- what a person does -------------------------------------------------------------------------------------------------


def act(
    published: Published, query: OptionsQuery, action: Mapping[str, Any] | None, sites: Sequence[Mapping] = ()
) -> OptionsQuery:
    """The state after one action of the page. Whatever makes no sense leaves the state as it is.

    ``action["do"]``: open, close, reopen, move, capacity, undo, choose, add, copy, remove, name, clear, take, suggest. A
    place is ``at`` ([latitude, longitude]) or ``place`` (what the search box found). ``sites`` are the proposed ones, for take.
    """
    action = dict(action or {})
    do, site, option = action.get("do"), str(action.get("site") or ""), query.option
    if do in ("open", "move"):
        place = place_of(published, action)
        if place is None or (do == "move" and not _known_form(site)):
            return query
        if do == "open":
            return query.with_option(option.with_change(opened(*place)))
        if site.startswith(NEW):
            return query.with_option(option.without(site).with_change(opened(*place)))
        return query.with_option(option.with_change(Change("move", site, *place)))
    if do == "close" and _known_form(site):
        return query.with_option(
            option.without(site) if site.startswith(NEW) else option.with_change(Change("close", site))
        )
    if do in ("reopen", "undo") and site:
        return query.with_option(option.without(site, "close" if do == "reopen" else str(action.get("kind") or "")))
    if do == "capacity" and _known_form(site):
        return query.with_option(_resized(option, site, _positive(action.get("capacity"))))
    if do == "name":
        return query.with_option(replace(option, title=clean_title(action.get("title") or "")))
    if do == "clear":
        return query.with_option(replace(option, changes=()))
    if do == "choose" and action.get("option") in {o.key for o in query.options}:
        return replace(query, chosen=action["option"])
    if do == "remove" and len(query.options) > 1:
        rest = tuple(o for o in query.options if o.key != option.key)
        return replace(query, options=rest, chosen=rest[-1].key)
    if do in ("add", "copy", "take"):
        return _added(query, do, sites)
    if do == "suggest":
        return replace(query, ask=_read_ask({name: action[name] for name in _ASKED if action.get(name)})[0])
    return query


def _resized(option: Option, site: str, capacity: float | None) -> Option:
    if site.startswith(NEW):
        changes = tuple(
            replace(c, capacity=capacity) if c.service_id == site and c.kind == "open" else c for c in option.changes
        )
        return replace(option, changes=changes)
    if capacity is None:
        return option.without(site, "capacity")
    return option.with_change(Change("capacity", site, capacity=capacity))


def _added(query: OptionsQuery, do: str, sites: Sequence[Mapping]) -> OptionsQuery:
    changes = query.option.changes if do == "copy" else ()
    title = ""
    if do == "take":
        changes = tuple(filter(None, (_read_change(f"o{s.get('easting')}-{s.get('northing')}") for s in sites)))
        if not changes:
            return query
        title = f"{len(changes)} suggested {'site' if len(changes) == 1 else 'sites'}"
        empty = query.option  # an option that was never touched need not stand in the way
        if not empty.changes and not empty.title:
            return query.with_option(replace(empty, title=title, changes=changes))
    free = [key for key in KEYS if key not in {o.key for o in query.options}]
    if not free:
        return query
    return replace(query, options=(*query.options, Option(free[0], title, changes)), chosen=free[0])


def place_of(published: Published, action: Mapping[str, Any]) -> tuple[float, float] | None:
    """Easting and northing (EPSG:27700, tenths of a metre) of what was clicked or found; None for no place near the region."""
    found, areas = str(action.get("place") or ""), published.region.areas
    if found.startswith("area:"):
        code = found.removeprefix("area:")
        level = published.region.level_of(code)
        if level is None:
            return None
        row = areas[level].iloc[published.region.position(level, code)]
        return round(float(row["centroid_x"]), 1), round(float(row["centroid_y"]), 1)
    at = action.get("at")
    if found.startswith(("point:", "site:")):
        at = next((part.split(",") for part in found.split(":") if "," in part), None)
    try:
        latitude, longitude = (float(part) for part in at)
    except (TypeError, ValueError):
        return None
    if not (math.isfinite(latitude) and math.isfinite(longitude)):
        return None
    x, y = (float(each) for each in to_metres(longitude, latitude))
    lads = areas["lad"]
    reach = 60_000.0  # services beyond the border count, so one may be tried there
    near_x = lads["centroid_x"].min() - reach <= x <= lads["centroid_x"].max() + reach
    near_y = lads["centroid_y"].min() - reach <= y <= lads["centroid_y"].max() + reach
    return (round(x, 1), round(y, 1)) if near_x and near_y else None
