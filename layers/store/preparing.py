"""A package turned into what the store writes: harmonised, protected, checked and encoded; and what it changes.

This is the slow part of publishing. It is pure: it holds no lock, and nothing in it depends on the clock or on who publishes.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from layers.fields import VALUES
from layers.geography.points import fill_locations, lad_of_points
from layers.methods.disclosure import guarded, hidden_rows, protect, rule_in_words, tightened
from layers.methods.disclosure_guard import protect_new
from layers.methods.disclosure_series import COLUMNS, Nest, Series, series_of, tells
from layers.methods.harmonise import harmonise
from layers.methods.intervals import proportion_limits, rate_limits
from layers.model import LEVELS, Descriptor, Fault, Kind, Measure, Package, Refused, Status
from layers.periods import in_order
from layers.region import Region
from layers.store import blobs
from layers.store.giving_away import GivesAway
from layers.store.records import STATUSES

LARGEST = 10
"""How many of the largest moves a version's list of changes names."""


@dataclass(frozen=True)
class Prepared:
    """A package turned into what the store writes. Nothing in it depends on the clock or on who publishes."""

    descriptor: Descriptor
    values: bytes
    table: bytes
    file_sha256: str
    summary: Mapping[str, Any]
    report: Mapping[str, Any]
    warnings: tuple[Fault, ...] = ()


Beside = Callable[[], Sequence[Series]]
"""Gives what is published already; asked only for a layer from which a count of something follows."""


@dataclass(frozen=True)
class KeptPeriods:
    """Periods that stay as they are shown when others are added to them: the stored values, and the rule they came under."""

    values: bytes
    periods: frozenset[str]
    descriptor: Descriptor


def prepare(package: Package, region: Region, beside: Beside = tuple, kept: KeptPeriods | None = None) -> Prepared:
    """Harmonise and protect a package, and encode it. Raises :class:`Refused` with every fault; touches nothing.

    ``beside`` is what is published already, of which nothing may follow about what this layer hides, or the other way round.
    """
    package = dataclasses.replace(package, descriptor=tightened(package.descriptor))
    warnings = _check_belongs(package.descriptor, region)
    if package.descriptor.kind == Kind.SERVICES:
        values, summary, report = _prepare_services(package, region)
    else:
        package, values, summary, report = _prepare_indicator(package, region, beside, kept)
    return Prepared(
        descriptor=package.descriptor,
        values=values,
        table=blobs.encode_table(package.table),
        file_sha256=package.sha256,
        summary=summary,
        report=report,
        warnings=tuple(warnings),
    )


def _check_belongs(descriptor: Descriptor, region: Region) -> list[Fault]:
    where = f"layer '{descriptor.id}'"
    if descriptor.partner and region.partner(descriptor.partner) is None:
        known = ", ".join(partner.id for partner in region.partners)
        fault = Fault(f"the partner '{descriptor.partner}' is not one of the region's", where, f"use one of: {known}")
        raise Refused(f"The layer '{descriptor.id}' does not belong to this region.", [fault])
    known = {theme.id for theme in region.themes}
    strange = [theme for theme in descriptor.themes if theme not in known]
    todo = f"use of: {', '.join(sorted(known))}"
    if known and strange and len(strange) == len(descriptor.themes):
        fault = Fault(f"none of its themes is one of the region's: {', '.join(strange)}", where, todo)
        raise Refused(f"The layer '{descriptor.id}' does not belong to this region.", [fault])
    return [
        Fault(f"the theme '{theme}' is not one of the region's", where, todo, rule="unknown-theme", severity="warning")
        for theme in strange
        if known
    ]


def _prepare_indicator(
    package: Package, region: Region, beside: Beside, kept: KeptPeriods | None
) -> tuple[Package, bytes, dict, dict]:
    descriptor = package.descriptor
    # Totals are made from true figures and then rounded; so what is small is taken out after they are made. Of figures that
    # are converted from other boundaries the parts of what is small there go too: a part is as telling as the whole.
    native = descriptor.vintage in (0, region.vintages.get(descriptor.level, 0)) or descriptor.level != "lsoa"
    true = protect(package.table, dataclasses.replace(descriptor, counts_people=False))
    done = harmonise(dataclasses.replace(package, table=true), region)
    parts_of_small = {}
    if guarded(descriptor) and not native:
        parts_of_small = _parts_of_small(dataclasses.replace(package, table=true), region)
    parts = {
        (level, period): done.values[level, period]
        for level in LEVELS
        for period in in_order(p for at, p in done.values if at == level)
    }
    still = _still_shown(kept, descriptor, region)
    parts |= still
    parts, told, also = _protected(parts, descriptor, region, beside, frozenset(still), parts_of_small)
    package = dataclasses.replace(package, table=_kept_table(true, descriptor, region, also))
    if faults := [fault for key, frame in parts.items() for fault in _unsound(frame, *key, region)]:
        raise Refused(f"The layer '{package.descriptor.id}' was not published: its values are not sound.", faults)
    # What is missing everywhere is not kept; what is withheld everywhere is, so that it can be drawn as withheld.
    parts = {key: frame for key, frame in parts.items() if frame["value"].notna().any() or _withheld(frame)}
    if not parts:
        reasons = [Fault(reason, f"level {level}") for level, reason in done.reasons.items()]
        nothing = Fault("no area of the region has a value", f"layer '{package.descriptor.id}'", "check the area codes")
        raise Refused(f"The layer '{package.descriptor.id}' has no values in this region.", [nothing, *reasons])
    valued = {level for (level, _), frame in parts.items() if frame["value"].notna().any()}
    levels = [level for level in LEVELS if level in valued] or [next(iter(parts))[0]]
    periods = in_order(period for _, period in parts)
    newest = next(period for period in reversed(periods) if (levels[0], period) in parts)
    frame = parts[levels[0], newest]
    lads = region.areas[levels[0]]["code" if levels[0] == "lad" else "lad_code"].to_numpy()
    covered = pd.Series(lads[frame["value"].notna().to_numpy()]).value_counts()
    summary = {
        "levels": levels,
        "periods": list(periods),
        "parts": [list(key) for key in parts],
        "reasons": {level: reason for level, reason in done.reasons.items() if level not in levels},
        "notes": {level: list(notes) for level, notes in done.notes.items()},
        "coverage": {str(lad): int(covered.get(lad, 0)) for lad in region.areas["lad"]["code"]},
        "sites": 0,
    }
    why = {key: reasons for key, reasons in done.area_reasons.items() if key in parts}
    report = _as_plain(done.report) | told
    if told:  # whoever sees the layer may read its report, and the true totals are not for them
        report["totals"] = []
        report["sentences"] = [*report["sentences"], *told["disclosure"]["sentences"]]
    return package, blobs.encode_values(parts, why), summary, report


def _parts_of_small(package: Package, region: Region) -> dict[tuple[str, str], np.ndarray]:
    """The small areas of today into which something goes that is small in the areas of the table, by level and period."""
    descriptor = _unrounded(package.descriptor)
    done = harmonise(dataclasses.replace(package, table=protect(package.table, descriptor)), region)
    lsoas = {key: frame for key, frame in done.values.items() if key[0] == "lsoa"}
    return {key: (frame["status"] == Status.SUPPRESSED).to_numpy(bool, na_value=False) for key, frame in lsoas.items()}


def _unrounded(descriptor: Descriptor) -> Descriptor:
    return dataclasses.replace(descriptor, disclosure=dataclasses.replace(descriptor.disclosure, rounding_base=0))


def _protected(
    parts: Mapping[tuple[str, str], pd.DataFrame],
    descriptor: Descriptor,
    region: Region,
    beside: Beside,
    still: frozenset[tuple[str, str]],
    parts_of_small: Mapping[tuple[str, str], np.ndarray],
) -> tuple[dict[tuple[str, str], pd.DataFrame], dict[str, Any], dict[tuple[str, str], np.ndarray]]:
    """The figures of every level as they may be shown, what the report says of it, and the areas that were hidden because of
    others, by level and period. Raises :class:`Refused` where hiding more of this layer does not help."""
    nest = nest_of(region)
    people = guarded(descriptor)
    small = (
        {k: _small(frame, descriptor, region, k[0]) for k, frame in parts.items() if k not in still} if people else {}
    )
    for key in parts_of_small.keys() & small.keys():
        small[key] = small[key] | parts_of_small[key]
    shown = {key: _shown(frame, descriptor, region, key[0], small.get(key)) for key, frame in parts.items()}
    also: dict[tuple[str, str], np.ndarray] = {}
    if tells(descriptor):
        mine = series_of({key: arrays_of(frame) for key, frame in shown.items()}, descriptor, nest, mine=True)
        fixed = frozenset(period for _, period in still)
        others = [one for one in beside() if not (one.layer == descriptor.id and one.looser)] if mine else []
        found = protect_new(mine, others, nest, fixed=fixed) if mine else None
        if found is not None and found.leaks:
            raise GivesAway(descriptor, found.leaks)
        for period, cell in found.also if found is not None else ():
            level = LEVELS[nest.at_level[cell]]
            mask = also.setdefault((level, period), np.zeros(len(region.codes(level)), bool))
            mask[cell - nest.part(level).start] = True
    for key, mask in also.items():
        shown[key] = _shown(parts[key], descriptor, region, key[0], small[key] | mask)
    if not people:
        return shown, {}, {}
    counts = {
        "threshold": descriptor.disclosure.threshold,
        "rounding_base": descriptor.disclosure.rounding_base,
        "small": {level: sum(int(m.sum()) for (at, _), m in small.items() if at == level) for level in LEVELS},
        "because_of_others": {
            level: sum(int(m.sum()) for (at, _), m in also.items() if at == level) for level in LEVELS
        },
    }
    counts["sentences"] = _sentences(counts, descriptor)
    return shown, {"disclosure": counts}, also


def _still_shown(
    kept: KeptPeriods | None, descriptor: Descriptor, region: Region
) -> dict[tuple[str, str], pd.DataFrame]:
    """Figures of kept periods, where they were protected by the rule that holds now: they cannot be made again from a table
    that no longer has what they hide."""
    if kept is None or not guarded(descriptor) or kept.descriptor.disclosure != descriptor.disclosure:
        return {}
    out = {}
    for level, period in blobs.parts_of(kept.values):
        part = blobs.decode_values(kept.values, level, period)
        if period in kept.periods and part.area_code.to_pylist() == region.codes(level).tolist():
            words = pd.array(STATUSES, dtype="str").take(part.arrays["status"])
            columns = {
                "area_code": region.areas[level]["code"],
                **{name: part.arrays[name] for name in blobs.NUMBERS},
                "status": words,
            }
            out[level, period] = pd.DataFrame(columns, index=region.areas[level].index)[list(VALUES)]
    return out


def nest_of(region: Region) -> Nest:
    """The region's areas as the guard sees them, made once: a region never changes."""
    kept = region.__dict__
    if "_nest" not in kept:
        kept["_nest"] = Nest.of(region)
    return kept["_nest"]


def _small(frame: pd.DataFrame, descriptor: Descriptor, region: Region, level: str) -> np.ndarray:
    return hidden_rows(frame, descriptor, residents=region.areas[level]["population"].to_numpy(float))


def _shown(
    frame: pd.DataFrame, descriptor: Descriptor, region: Region, level: str, hide: np.ndarray | None
) -> pd.DataFrame:
    """Figures of one level and period, protected, with the limits that follow from the rounded counts."""
    if hide is None:
        return frame
    out = protect(frame, descriptor, residents=region.areas[level]["population"].to_numpy(float), also=hide)
    limits = {Measure.RATE: rate_limits, Measure.PERCENTAGE: proportion_limits}.get(descriptor.measure)
    if limits is not None:
        x, n = out["numerator"].to_numpy(float), out["denominator"].to_numpy(float)
        fit = np.isfinite(x) & (n > 0) & (out["status"] != Status.SUPPRESSED).to_numpy(bool)
        fit &= (x <= n) if descriptor.measure is Measure.PERCENTAGE else True
        lower, upper = np.full(len(out), np.nan), np.full(len(out), np.nan)
        if fit.any():
            lower[fit], upper[fit] = limits(x[fit], n[fit], descriptor.per)
        out["lower"], out["upper"] = lower, upper
    return out


def arrays_of(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {"status": blobs.status_codes(frame)}
    for name in COLUMNS:
        try:
            found[name] = frame[name].to_numpy(dtype="float64", na_value=np.nan)
        except (TypeError, ValueError):  # words of categories: :func:`_unsound` says so
            found[name] = np.full(len(frame), np.nan)
    return found


def _kept_table(
    true: pd.DataFrame, descriptor: Descriptor, region: Region, also: Mapping[tuple[str, str], np.ndarray]
) -> pd.DataFrame:
    """The table that is kept beside the figures: it never holds what they hide."""
    if not guarded(descriptor):
        return true
    codes = region.codes(descriptor.level)
    place = codes.get_indexer(pd.Index(true["area_code"]))
    residents = region.areas[descriptor.level]["population"].to_numpy(float)
    people = np.where(place >= 0, residents[np.maximum(place, 0)], np.nan)
    hide = np.zeros(len(true), bool)
    named = true["period"].astype("str").fillna("") if "period" in true else pd.Series("", index=true.index)
    named = named.where(named != "", descriptor.period).to_numpy()
    lookup = region.lookups.get("lsoa_2011_2021") if descriptor.vintage == 2011 else None
    for (level, period), mask in also.items():
        if level != descriptor.level:
            continue
        hide |= (place >= 0) & mask[np.maximum(place, 0)] & (named == period)
        if lookup is not None and level == "lsoa":
            # The old areas of which a part is hidden are as telling as that part.
            gone = set(lookup.loc[lookup["code_2021"].isin(codes[mask]), "code_2011"])
            hide |= true["area_code"].isin(gone).to_numpy(bool) & (named == period)
    return protect(true, descriptor, residents=people, also=hide)


def _sentences(counts: Mapping[str, Any], descriptor: Descriptor) -> list[str]:
    """What was hidden and why, for the publisher."""
    names = {"lsoa": "small areas", "ward": "wards", "lad": "local authorities"}
    said = [rule_in_words(descriptor.disclosure)]

    def listed(numbers: Mapping[str, int]) -> str:
        return ", ".join(f"{number:,} of {names[level]}" for level, number in numbers.items() if number)

    if small := listed(counts["small"]):
        said.append(f"Figures withheld because they are small or came withheld: {small}.")
    if others := listed(counts["because_of_others"]):
        said.append(f"Figures withheld so that no small one can be worked out from the others: {others}.")
    return said


def _withheld(frame: pd.DataFrame) -> bool:
    return bool((blobs.status_codes(frame) == STATUSES.index("suppressed")).any())


def _unsound(frame: pd.DataFrame, level: str, period: str, region: Region) -> list[Fault]:
    """What no values may ever be, whoever made them. The last check before they become visible."""
    where = f"{level} {period}".strip()
    todo = "this is a fault in the program, not in your file: please report it"
    if list(frame.columns) != list(VALUES):
        return [Fault(f"the columns are {', '.join(map(str, frame.columns))}", where, todo)]
    if (
        len(frame) != len(region.codes(level))
        or (frame["area_code"].to_numpy() != region.codes(level).to_numpy()).any()
    ):
        return [Fault("the rows are not the region's areas in area order", where, todo)]
    faults = []
    status = blobs.status_codes(frame)
    if (status < 0).any():
        strange = sorted(set(frame["status"].astype(str)[status < 0]))
        faults.append(Fault(f"unknown status: {', '.join(strange)}", where, todo))
    try:
        numbers = {name: frame[name].to_numpy(dtype="float64", na_value=np.nan) for name in blobs.NUMBERS}
    except (TypeError, ValueError):
        todo = "give categories as numbers, and say in words what each means"
        return [*faults, Fault("a value is not a number", where, todo)]
    there = {name: ~np.isnan(array) for name, array in numbers.items()}
    suppressed, missing = (status == STATUSES.index(word) for word in ("suppressed", "missing"))
    leaked = (suppressed | missing) & (there["value"] | there["lower"] | there["upper"])
    leaked |= suppressed & there["numerator"]
    if leaked.any():
        what = f"{int(leaked.sum())} areas carry numbers although they are withheld or missing"
        faults.append(Fault(what, where, todo))
    if (bare := ~(suppressed | missing) & ~there["value"]).any():
        faults.append(Fault(f"{int(bare.sum())} areas are marked as known but have no value", where, todo))
    if infinite := sum(np.isinf(array) for array in numbers.values()).sum():
        faults.append(Fault(f"{int(infinite)} numbers are infinite", where, todo))
    return faults


def _prepare_services(package: Package, region: Region) -> tuple[bytes, dict, dict]:
    sites = fill_locations(package.table)
    placed = sites["easting"].notna() & sites["northing"].notna()
    near = placed & _within_buffer(sites, region)
    kept = sites.loc[near].reset_index(drop=True)
    if kept.empty:
        what = (
            f"none of its {len(sites)} sites lies in the region or within {region.service_buffer_m / 1000:g} km of it"
        )
        fault = Fault(what, f"layer '{package.descriptor.id}'", "check the coordinates or postcodes")
        raise Refused(f"The layer '{package.descriptor.id}' has no sites in this region.", [fault])
    kept["lad_code"] = _authority_of(kept, region)
    per_lad = kept["lad_code"].value_counts()
    summary = {
        "levels": [],
        "periods": [package.descriptor.period] if package.descriptor.period else [],
        "parts": [],
        "reasons": {},
        "coverage": {str(lad): int(per_lad.get(lad, 0)) for lad in region.areas["lad"]["code"]},
        "sites": len(kept),
    }
    report = {
        "sites_given": len(sites),
        "sites_kept": len(kept),
        "sites_without_a_place": int((~placed).sum()),
        "sites_too_far_away": int((placed & ~near).sum()),
    }
    return blobs.encode_table(kept), summary, report


def _within_buffer(sites: pd.DataFrame, region: Region) -> pd.Series:
    """Which sites lie within the service buffer of the region. Measured in EPSG:27700, straight line to the outline."""
    import shapely

    outlines = region.areas["lad"].geometry.to_crs("EPSG:27700").to_numpy()
    points = shapely.points(sites["easting"].to_numpy(dtype=float), sites["northing"].to_numpy(dtype=float))
    good = np.flatnonzero(np.isfinite(shapely.get_x(points)) & np.isfinite(shapely.get_y(points)))
    near = np.zeros(len(sites), dtype=bool)
    if len(good):
        found, _ = shapely.STRtree(outlines).query(points[good], predicate="dwithin", distance=region.service_buffer_m)
        near[good[found]] = True
    return pd.Series(near, index=sites.index)


def _authority_of(sites: pd.DataFrame, region: Region) -> pd.Series:
    """Authority of each site: by outline inside the region, else as given, else by the outlines around the region."""
    inside = lad_of_points(sites, region)
    given = (
        sites["lad_code"].fillna("").astype("str")
        if "lad_code" in sites
        else pd.Series("", index=sites.index, dtype="str")
    )
    given = given.mask(given.isin(region.areas["lad"]["code"]), "")  # it says inside, the outlines say outside
    out = inside.where(inside != "", given)
    if region.context is not None and (out == "").any():
        around = dataclasses.replace(region, areas={"lad": region.context})
        out = out.where(out != "", lad_of_points(sites, around))
    return out.astype("str")


def _as_plain(report) -> dict[str, Any]:
    """The harmonising report as plain JSON values, with its sentences."""
    told = {field.name: getattr(report, field.name) for field in dataclasses.fields(report)}
    told["totals"] = json.loads(report.totals.to_json(orient="records", double_precision=15))
    return told | {"sentences": report.sentences()}


# -- what changed ------------------------------------------------------------------------------------------------------


def changes(before: tuple[int, bytes] | None, after: bytes, kind: Kind) -> dict[str, Any]:
    """What a new version changes against the one it replaces, in numbers and in the largest moves.

    Indicators are compared at the smallest level and newest period that both have; sites by their ``service_id``.
    """
    if before is None:
        return {}
    version, old = before
    if kind == Kind.SERVICES:
        return {"against": version, **_changed_sites(blobs.decode_table(old), blobs.decode_table(after))}
    old_parts, new_parts = blobs.parts_of(old), blobs.parts_of(after)
    result: dict[str, Any] = {
        "against": version,
        "periods_added": [p for p in in_order(p for _, p in new_parts) if p not in {q for _, q in old_parts}],
        "periods_gone": [p for p in in_order(p for _, p in old_parts) if p not in {q for _, q in new_parts}],
    }
    shared = [key for key in new_parts if key in set(old_parts)]
    if not shared:
        return result
    level = next(level for level in LEVELS if any(at == level for at, _ in shared))
    period = in_order(p for at, p in shared if at == level)[-1]
    both = _side_by_side(old, after, level, period)
    had, has = both["before"].notna(), both["after"].notna()
    move = (both["after"] - both["before"]).where(had & has, 0.0)
    largest = move.abs().sort_values(ascending=False, kind="stable")
    return result | {
        "level": level,
        "period": period,
        "areas_changed": int((move != 0).sum()),
        "areas_gained": int((~had & has).sum()),
        "areas_lost": int((had & ~has).sum()),
        "largest": [
            {"area_code": code, "before": float(both.at[code, "before"]), "after": float(both.at[code, "after"])}
            for code in largest.index[:LARGEST]
            if move[code] != 0
        ],
    }


def _side_by_side(old: bytes, new: bytes, level: str, period: str) -> pd.DataFrame:
    columns = {}
    for name, blob in (("before", old), ("after", new)):
        part = blobs.decode_values(blob, level, period)
        columns[name] = pd.Series(part.arrays["value"], index=pd.Index(part.area_code.to_pylist()))
    return pd.DataFrame(columns)


def _changed_sites(old: pd.DataFrame, new: pd.DataFrame) -> dict[str, Any]:
    key = ["service_id"] if "service_id" in old and "service_id" in new else ["name", "easting", "northing"]
    was, now = (frame.drop_duplicates(key).set_index(key) for frame in (old, new))
    added, gone = now.index.difference(was.index), was.index.difference(now.index)
    kept = now.index.intersection(was.index)
    distance = (
        np.hypot(
            now.loc[kept, "easting"].to_numpy(float) - was.loc[kept, "easting"].to_numpy(float),
            now.loc[kept, "northing"].to_numpy(float) - was.loc[kept, "northing"].to_numpy(float),
        )
        if key == ["service_id"]
        else np.zeros(len(kept))
    )
    return {
        "sites_added": len(added),
        "sites_gone": len(gone),
        "sites_moved": int((distance > 1).sum()),
        "added": [str(name) for name in now.loc[added].reset_index()["name"][:LARGEST]],
        "gone": [str(name) for name in was.loc[gone].reset_index()["name"][:LARGEST]],
    }
