"""What options change: each in words, side by side against today, and for the map. Nothing is saved anywhere."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dashboard.published import Published
from dashboard.views.gap_words import limit_words
from dashboard.views.gaps import kept
from dashboard.views.options import Option, Sandbox
from dashboard.views.places import names
from dashboard.views.siting import FIFTHS, OptionCard, compare
from dashboard.views.wording import cost_words, counted, percent, standard_words
from layers import Viewer, place_at, to_degrees

NOW = "As it is now"


@dataclass(frozen=True)
class ChangeLine:
    """One change of an option in words."""

    kind: str
    site: str
    words: str  # "New site 1 in Sunderland 017B, Sunderland"
    number: int | None  # of opened sites, as on the map
    longitude: float
    latitude: float
    capacity: float | None
    overlap: str = ""


def change_lines(box: Sandbox, option: Option, card: OptionCard | None = None) -> tuple[ChangeLine, ...]:
    """The changes of an option in words, in their order."""
    sites = box.sites.set_index("service_id")
    gate = box.gaps.claims.gate
    overlap = {entry["service_id"]: gate(overlap_words(entry)) for entry in card.overlap} if card else {}
    lines, number = [], 0
    for change in option.changes:
        place = "" if change.easting is None else place_words(box.published, change.easting, change.northing)
        if change.kind == "open":
            number += 1
            words = f"New site {number} in {place}"
            x, y = (float(each) for each in to_degrees(change.easting, change.northing))
        else:
            row = sites.loc[change.service_id]
            x, y = float(row["longitude"]), float(row["latitude"])
            verb = {
                "close": "Close",
                "move": "Move",
                "capacity": f"Capacity {change.capacity or 0:g} for",
            }[change.kind]
            words = f"{verb} {row['name']} ({row['authority']})" + (f" to {place}" if change.kind == "move" else "")
            if change.kind == "move":
                x, y = (float(each) for each in to_degrees(change.easting, change.northing))
        lines.append(
            ChangeLine(
                change.kind,
                change.service_id,
                words,
                number if change.kind == "open" else None,
                x,
                y,
                change.capacity,
                overlap.get(change.service_id, ""),
            )
        )
    return tuple(lines)


def place_words(published: Published, easting: float, northing: float) -> str:
    """ "Concord, Sunderland (NE37)"."""
    return place_at(published.region, easting, northing).words


def overlap_words(entry: Mapping[str, Any]) -> str:
    if entry["nearest_existing_m"] is None:
        return "There is no other site today."
    text = f"{cost_words(entry['nearest_existing_m'], 'm')} from the nearest other site of today."
    within = entry["residents_within"]
    if within and entry["already_within"]:
        share = percent(entry["already_within"] / within)
        text += f" {share} of the {counted(within, 'resident')} in its reach already have one."
    elif within:
        text += f" None of the {counted(within, 'resident')} in its reach has one today."
    return text


def outcomes(box: Sandbox, viewer: Viewer) -> dict[str, OptionCard]:
    """Key -> outcome of every option, and "" for the services as they are. What was worked out before is not done again."""
    memory, gaps = kept(box.published), box.gaps
    wanted = {"": ()} | {option.key: option.changes for option in box.query.options}
    found = {key: memory.find(("option", gaps.key, changes)) for key, changes in wanted.items()}
    missing = {key: changes for key, changes in wanted.items() if found[key] is None}
    if missing:
        for key, card in zip(missing, compare(gaps, viewer, missing), strict=True):
            found[key] = memory.keep(("option", gaps.key, wanted[key]), card)
    return found


@dataclass(frozen=True)
class Cell:
    words: str
    number: float | None
    note: str = ""  # "2,180 fewer": against today
    tone: str = ""  # better, worse


@dataclass(frozen=True)
class Row:
    name: str
    unit: str
    cells: tuple[Cell, ...]  # as it is now, then each option


@dataclass(frozen=True)
class Group:
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Comparison:
    columns: tuple[str, ...]
    groups: tuple[Group, ...]
    scope: str  # "the whole region" or the partner's name


def comparison(box: Sandbox, viewer: Viewer) -> Comparison:
    """Options side by side. With a partner chosen, residents are counted in its authorities."""
    cards = outcomes(box, viewer)
    gaps, region = box.gaps, box.published.region
    people = gaps.result.areas["population"].to_numpy("float64")
    view = gaps.in_view
    lads = names(box.published, "lad")
    lad_of = gaps.result.areas["lad_code"].to_numpy(object)
    inside = [
        code for code in region.areas["lad"]["code"] if not gaps.request.footprint or code in gaps.request.footprint
    ]
    unit = gaps.result.model.unit
    order = ["", *(option.key for option in box.query.options)]
    after = {key: cards[key].outcome.areas["underserved_after"].to_numpy(bool) & view for key in order}
    before = after[""]

    def row(name: str, numbers: list[float | None], say, unit: str, better: int, rounding: float = 0.5) -> Row:
        return Row(
            name, unit, tuple(_cell(numbers[0], n, say, better, rounding, first=i == 0) for i, n in enumerate(numbers))
        )

    count = lambda n: f"{n:,.0f}"  # noqa: E731
    far = lambda n: cost_words(n, unit)  # noqa: E731
    nothing: list[Row] = []
    least = 5.0 if unit == "m" else 0.5  # a smaller change is none
    top = [
        row("Sites", [cards[k].services for k in order], count, "sites", 0),
        row("Residents underserved", [people[after[k]].sum() for k in order], count, "residents", -1),
        row("No longer underserved", [people[before & ~after[k]].sum() for k in order], count, "residents", 0),
        row("Newly underserved", [people[~before & after[k]].sum() for k in order], count, "residents", 0),
        row("Mean distance to the nearest" if unit == "m" else "Mean time to the nearest",
            [_mean(cards[k].outcome.by_authority, inside) for k in order], far, unit, -1, least),
    ]  # fmt: skip
    if not gaps.request.footprint and cards[""].outcome.residents_within is not None:
        limit = limit_words(gaps) if gaps.result.access.limit else standard_words(gaps.result.access.cut, unit)
        top.append(
            row(f"Residents within {limit}", [cards[k].outcome.residents_within for k in order], count, "residents", 1)
        )
    by_lad = [
        row(lads[code], [people[after[k] & (lad_of == code)].sum() for k in order], count, "residents", -1)
        for code in inside
    ]
    mean_lad = [
        row(lads[code], [_mean(cards[k].outcome.by_authority, [code]) for k in order], far, unit, -1, least)
        for code in inside
    ]
    fifths = [fifth for fifth in (5, 4, 3, 2, 1) if (cards[""].outcome.by_fifth["group"] == fifth).any()]
    mean_fifth = [
        row(FIFTHS[fifth], [_mean(cards[k].outcome.by_fifth, [fifth]) for k in order], far, unit, -1, least)
        for fifth in fifths
    ]
    partner = region.partner(gaps.request.partner)
    what = "distance" if unit == "m" else "time"
    whole = ", whole region" if partner else ""
    if not gaps.claims.counts:
        top, by_lad = [row for row in top if row.unit != "residents"], []
    groups = (
        Group("In all", tuple(top)),
        *([Group("Residents underserved, by authority", tuple(by_lad))] if by_lad else []),
        Group(f"Mean {what} to the nearest, by authority", tuple(mean_lad or nothing)),
        Group(f"Mean {what} to the nearest, by fifth of need{whole}", tuple(mean_fifth)),
    )
    columns = (NOW, *(option.name for option in box.query.options))
    return Comparison(columns, groups, partner.name if partner else region.name)


def _cell(now: float | None, value: float | None, say, better: int, rounding: float, *, first: bool) -> Cell:
    if value is None or not math.isfinite(value):
        return Cell("–", None)
    if first or now is None or not better or abs(value - now) < rounding:
        return Cell(say(value), float(value))
    fewer = value < now
    sign = "−" if fewer else "+"
    tone = "better" if (better < 0) == fewer else "worse"
    return Cell(say(value), float(value), f"{sign}{say(abs(value - now))}", tone)


def _mean(table: pd.DataFrame, groups: Sequence) -> float | None:
    """Mean cost over the residents of some groups of a who-gains table."""
    part = table[table["group"].isin(list(groups)) & table["mean_after"].notna()]
    people = part["residents"].sum()
    return float((part["mean_after"] * part["residents"]).sum() / people) if people > 0 else None


def option_sentence(box: Sandbox, option: Option, card: OptionCard) -> str:
    """What an option does, in one or two sentences."""
    return box.gaps.claims.gate(_option_sentence(box, option, card)) or f"{option.name} changes who is near."


def _option_sentence(box: Sandbox, option: Option, card: OptionCard) -> str:
    if not option.changes:
        return f"{option.name} changes nothing yet. Open a site on the map or in the list, or close one."
    after = card.outcome.areas["underserved_after"].to_numpy(bool)
    before = card.outcome.areas["underserved_before"].to_numpy(bool)
    people, view = box.gaps.result.areas["population"].to_numpy("float64"), box.gaps.in_view
    relieved, newly = people[before & ~after & view].sum(), people[~before & after & view].sum()
    parts = []
    if relieved:
        parts.append(
            f"{relieved:,.0f} of {people[before & view].sum():,.0f} underserved residents would no longer be so"
        )
    if newly:
        parts.append(f"{counted(newly, 'resident')} would become underserved")
    table = card.outcome.by_authority
    nearer, farther = float(table["nearer"].sum()), float(table["farther"].sum())
    text = f"{'; '.join(parts) if parts else 'Nobody’s area would change between underserved and not'}."
    if nearer or farther:
        moved = [f"{counted(nearer, 'resident')} would have a shorter way"] if nearer else []
        moved += (
            [f"{farther:,.0f} a longer one" if nearer else f"{counted(farther, 'resident')} would have a longer way"]
            if farther
            else []
        )
        text += f" {' and '.join(moved)}."
    return text


# ---- for the map --------------------------------------------------------------------------------------------------------


def map_scene(box: Sandbox, viewer: Viewer) -> dict[str, Any]:
    """What the map draws for the chosen option, JSON types only: areas by their place in area order, sites in degrees."""
    card, option = outcomes(box, viewer)[box.query.option.key], box.query.option
    areas, view = card.outcome.areas, box.gaps.in_view
    before = areas["underserved_before"].to_numpy(bool) & view
    after = areas["underserved_after"].to_numpy(bool) & view
    where = lambda mask: np.flatnonzero(mask).tolist()  # noqa: E731
    lines = change_lines(box, option)
    return {
        "link": box.query.link(),
        "option": option.name,
        "before": where(before),
        "after": where(after),
        "relieved": where(before & ~after),
        "newly": where(after & ~before),
        "closed": [line.site for line in lines if line.kind == "close"],
        "moved": [[line.site, line.longitude, line.latitude] for line in lines if line.kind == "move"],
        "opened": [
            [line.site, line.longitude, line.latitude, line.number, line.words] for line in lines if line.kind == "open"
        ],
    }


def sites_for_map(box: Sandbox) -> list[list]:
    columns = ("service_id", "longitude", "latitude", "name", "authority")
    part = box.sites[np.isfinite(box.sites["longitude"])]
    rows = zip(*(part[name].tolist() for name in columns), strict=True)
    return [[i, round(x, 5), round(y, 5), name, where] for i, x, y, name, where in rows]
