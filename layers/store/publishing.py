"""Publishing, rolling back and withdrawing: everything that changes what a layer shows, and the audit line of each.

The slow part (:func:`prepare`: harmonise, protect, encode) is pure and holds no lock. The write is one transaction that
checks the permission again against what the store says *then*, adds rows, and either commits all of them or none.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from layers.descriptor import descriptor_of_dict
from layers.fields import VALUES
from layers.geography.points import fill_locations, lad_of_points
from layers.methods.disclosure import protect
from layers.methods.harmonise import harmonise
from layers.model import LEVELS, Descriptor, Fault, Kind, NotFound, Package, Refused, Viewer
from layers.periods import in_order
from layers.region import Region
from layers.store import tables
from layers.store.audit import add_line, refusals_noted
from layers.store.blobs import (
    NUMBERS,
    decode_table,
    decode_values,
    encode_table,
    encode_values,
    parts_of,
    sha256,
    status_codes,
)
from layers.store.database import Database
from layers.store.records import (
    STATUSES,
    NotPermitted,
    Pointer,
    Published,
    Standing,
    day,
    descriptor_as_dict,
    may_change,
    may_see,
    standing,
)

LARGEST = 10
"""How many of the largest moves a version's list of changes names."""


# -- preparing: pure ----------------------------------------------------------------------------------------------------


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


def prepare(package: Package, region: Region) -> Prepared:
    """Harmonise and protect a package, and encode it. Raises :class:`Refused` with every fault; touches nothing."""
    warnings = _check_belongs(package.descriptor, region)
    if package.descriptor.kind == Kind.SERVICES:
        values, summary, report = _prepare_services(package, region)
    else:
        # What must not be seen is taken out first: neither the values nor the table that is kept ever hold it.
        package = dataclasses.replace(package, table=protect(package.table, package.descriptor))
        values, summary, report = _prepare_indicator(package, region)
    return Prepared(
        descriptor=package.descriptor,
        values=values,
        table=encode_table(package.table),
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


def _prepare_indicator(package: Package, region: Region) -> tuple[bytes, dict, dict]:
    done = harmonise(package, region)
    parts = {
        (level, period): done.values[level, period]
        for level in LEVELS
        for period in in_order(p for at, p in done.values if at == level)
    }
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
    return encode_values(parts, why), summary, _as_plain(done.report)


def _withheld(frame: pd.DataFrame) -> bool:
    return bool((status_codes(frame) == STATUSES.index("suppressed")).any())


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
    status = status_codes(frame)
    if (status < 0).any():
        strange = sorted(set(frame["status"].astype(str)[status < 0]))
        faults.append(Fault(f"unknown status: {', '.join(strange)}", where, todo))
    try:
        numbers = {name: frame[name].to_numpy(dtype="float64", na_value=np.nan) for name in NUMBERS}
    except (TypeError, ValueError):
        todo = "give categories as numbers, and say in words what each means"
        return [*faults, Fault("a value is not a number", where, todo)]
    there = {name: ~np.isnan(array) for name, array in numbers.items()}
    suppressed, missing = (status == STATUSES.index(word) for word in ("suppressed", "missing"))
    leaked = (suppressed | missing) & (there["value"] | there["lower"] | there["upper"])
    leaked |= suppressed & there["numerator"]
    if leaked.any():
        faults.append(
            Fault(f"{int(leaked.sum())} areas carry numbers although they are withheld or missing", where, todo)
        )
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
    return encode_table(kept), summary, report


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
        return {"against": version, **_changed_sites(decode_table(old), decode_table(after))}
    old_parts, new_parts = parts_of(old), parts_of(after)
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
        part = decode_values(blob, level, period)
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


# -- what the store says now -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """A layer as the writing transaction sees it."""

    layer_id: str
    kind: Kind
    standing: Standing
    newest: int
    descriptor: Descriptor  # of the version that decides: shown, else last shown, else the newest
    values_of_current: bytes | None = None


def find(connection: sa.Connection, layer_id: str, now: datetime) -> Found | None:
    layer = connection.execute(sa.select(tables.layers).where(tables.layers.c.id == layer_id)).first()
    if layer is None:
        return None
    stands = standing(read_pointers(connection, layer_id), now)
    of_layer = tables.versions.c.layer_id == layer_id
    newest = connection.execute(sa.select(sa.func.max(tables.versions.c.version)).where(of_layer)).scalar_one()
    return Found(
        layer_id=layer_id,
        kind=Kind(layer.kind),
        standing=stands,
        newest=newest,
        descriptor=read_descriptor(connection, layer_id, stands.current or stands.last or newest),
    )


def read_pointers(connection: sa.Connection, layer_id: str) -> list[Pointer]:
    table = tables.pointers
    rows = connection.execute(sa.select(table).where(table.c.layer_id == layer_id).order_by(table.c.seq))
    return [Pointer(r.seq, r.action, r.version, r.at, r.effective_at, r.reason) for r in rows]


def read_descriptor(connection: sa.Connection, layer_id: str, version: int) -> Descriptor:
    table = tables.versions
    text = connection.execute(
        sa.select(table.c.descriptor).where(table.c.layer_id == layer_id, table.c.version == version)
    ).scalar_one()
    return descriptor_of_dict(json.loads(text))


def read_content(connection: sa.Connection, layer_id: str, version: int, part: str) -> bytes:
    table = tables.contents
    return bytes(
        connection.execute(
            sa.select(table.c.parquet).where(
                table.c.layer_id == layer_id, table.c.version == version, table.c.part == part
            )
        ).scalar_one()
    )


# -- publish -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Submission:
    """One package on its way into the store; the keywords are those of :meth:`layers.store.store.Store.publish`."""

    package: Package
    replace_ok: bool = True
    append: bool = False
    expecting: int | None = None
    checks: Mapping[str, Any] | None = None


def publish(
    store: Database,
    package: Package,
    *,
    by: Viewer,
    note: str = "",
    at: datetime | None = None,
    replace_ok: bool = True,
    append: bool = False,
    expecting: int | None = None,
    checked_by: str = "",
    review_on: str = "",
    checks: Mapping[str, Any] | None = None,
) -> Published:
    """Publish a package as the next version of its layer. See :meth:`layers.store.store.Store.publish`."""
    one = Submission(package, replace_ok=replace_ok, append=append, expecting=expecting, checks=checks)
    return publish_all(store, [one], by=by, note=note, at=at, checked_by=checked_by, review_on=review_on)[0]


def publish_all(
    store: Database,
    submissions: Sequence[Submission],
    *,
    by: Viewer,
    note: str = "",
    at: datetime | None = None,
    checked_by: str = "",
    review_on: str = "",
) -> tuple[Published, ...]:
    """Publish several packages in one transaction: every one of them, or none. See :meth:`layers.store.store.Store.publish_all`."""
    with refusals_noted(
        store, by, "publish-refused", submissions[0].package.descriptor.id if submissions else ""
    ) as tried:
        _check_moment(at)
        review_on = day(review_on)
        _check_ids(submissions)
        ready: list[tuple[Submission, Prepared, int | None]] = []
        faults: list[Fault] = []
        for one in submissions:
            layer_id = tried.of = one.package.descriptor.id
            _permit(by, one.package.descriptor, None)
            try:
                package, base = _appended(store, one.package, by) if one.append else (one.package, None)
                prepared = prepare(package, store.region)
            except Refused as refused:
                if len(submissions) == 1:
                    raise
                faults += [dataclasses.replace(f, where=f"{layer_id} {f.where}".strip()) for f in refused.faults]
                continue
            if one.checks:
                prepared = dataclasses.replace(prepared, report={**prepared.report, "checks": dict(one.checks)})
            ready.append((one, prepared, base))
        if faults:
            raise Refused("None of the layers was published.", faults)
        done = []
        with store.writing() as connection:
            now = store.now()
            for one, prepared, base in ready:
                layer_id = tried.of = one.package.descriptor.id
                found = find(connection, layer_id, now)
                _permit(by, one.package.descriptor, found)
                _check_replaces(one.package.descriptor, found, one.replace_ok, one.expecting)
                _check_base(layer_id, found, base)
                done.append(
                    write_version(
                        connection,
                        prepared,
                        found,
                        by=by,
                        now=now,
                        note=note,
                        at=at if at is not None and at > now else None,
                        checked_by=checked_by,
                        review_on=review_on,
                    )
                )
        return tuple(done)


def _check_ids(submissions: Sequence[Submission]) -> None:
    ids = [one.package.descriptor.id for one in submissions]
    if twice := sorted({layer_id for layer_id in ids if ids.count(layer_id) > 1}):
        faults = [Fault(f"two of the layers have the id '{one}'", "id", "give each its own title") for one in twice]
        raise Refused("None of the layers was published.", faults)


def _check_moment(at: datetime | None) -> None:
    if at is not None and at.tzinfo is None:
        fault = Fault(f"{at} has no time zone", "date of publishing", "give it one, for example Europe/London")
        raise Refused("The date of publishing is not clear.", [fault])


def _permit(by: Viewer, descriptor: Descriptor, found: Found | None) -> None:
    """An analyst publishes for their own partner, and cannot take a layer over; an admin publishes anything."""
    if not may_change(descriptor.partner, by):
        if not by.signed_in:
            raise NotPermitted("Sign in to publish a layer.")
        if by.role != "analyst":
            raise NotPermitted(f"Only analysts and admins may publish a layer; '{by.user}' is a {by.role}.")
        raise NotPermitted(
            f"'{by.user}' may publish layers of '{by.partner}' only; this package says '{descriptor.partner}'."
        )
    if found is not None and not may_change(found.descriptor.partner, by):
        # The same words whether or not the other partner's layer is visible to this analyst.
        raise NotPermitted(f"The id '{descriptor.id}' is taken by another partner; choose another id for the layer.")


def _check_replaces(descriptor: Descriptor, found: Found | None, replace_ok: bool, expecting: int | None) -> None:
    newest = found.newest if found else 0
    faults = []
    if found and not replace_ok:
        todo = "publish it as a new version of that layer, or choose another id"
        faults.append(Fault(f"there is already a layer '{descriptor.id}'", "id", todo))
    if found and found.kind != descriptor.kind:
        what = f"the layer was published as {found.kind}, this package is {descriptor.kind}"
        faults.append(Fault(what, "kind", "choose another id for it"))
    if expecting is not None and expecting != newest:
        what = f"version {newest} was published meanwhile; you were working from version {expecting}"
        faults.append(Fault(what, "version", "look at what changed, then publish again", rule="overtaken"))
    if faults:
        raise Refused(f"The layer '{descriptor.id}' was not published.", faults)


def _check_base(layer_id: str, found: Found | None, base: int | None) -> None:
    """What was withdrawn or rolled back while its periods were added to a new one must not come back with it."""
    if base is not None and (found is None or found.standing.current != base):
        what = f"version {base}, whose periods were to be kept, is not the one that is shown any more"
        fault = Fault(what, "version", "look at what changed, then publish again", rule="overtaken")
        raise Refused(f"The layer '{layer_id}' was not published.", [fault])


def appended(store: Database, package: Package, by: Viewer) -> Package:
    """The package with the periods of the version now shown that it does not bring itself. Raises :class:`Refused` where the
    two do not compare (boundaries, measure, unit) or there is nothing to add to, :class:`NotPermitted` like publishing."""
    return _appended(store, package, by)[0]


def _appended(store: Database, package: Package, by: Viewer) -> tuple[Package, int]:
    """The same, and the version that the other periods are from."""
    layer_id = package.descriptor.id
    if package.descriptor.kind != Kind.INDICATOR:
        fault = Fault("a list of services has no periods", f"layer '{layer_id}'", "publish the whole list")
        raise Refused("There is nothing to append to.", [fault])
    with store.reading() as connection:
        found = find(connection, layer_id, store.now())
        if found is None or (base := found.standing.current) is None:
            fault = Fault(
                f"there is no layer '{layer_id}' to add a period to", "id", "publish it without appending first"
            )
            raise Refused("There is nothing to append to.", [fault])
        _permit(by, package.descriptor, found)
        old = decode_table(read_content(connection, layer_id, base, "table"))
        before = read_descriptor(connection, layer_id, base)
    new = package.descriptor
    keys = ("level", "vintage", "measure", "unit", "per")
    if faults := [
        Fault(f"the layer has {getattr(before, key)}, this package has {getattr(new, key)}", key, "publish a new layer")
        for key in keys
        if getattr(before, key) != getattr(new, key)
    ]:
        raise Refused(f"The periods of '{layer_id}' would not compare.", faults)
    tables = []
    for table, descriptor in ((old, before), (package.table, new)):
        has = "period" in table
        tables.append(
            table if has else table.assign(period=pd.Series(descriptor.period, index=table.index, dtype="str"))
        )
    kept = tables[0][~tables[0]["period"].isin(tables[1]["period"])]
    table = pd.concat([kept, tables[1]], ignore_index=True)
    return dataclasses.replace(package, table=table), base


def write_version(
    connection: sa.Connection,
    prepared: Prepared,
    found: Found | None,
    *,
    by: Viewer,
    now: datetime,
    note: str = "",
    at: datetime | None = None,
    checked_by: str = "",
    review_on: str = "",
) -> Published:
    """Add the rows of one version inside the caller's transaction."""
    descriptor = prepared.descriptor
    layer_id, version = descriptor.id, (found.newest + 1 if found else 1)
    before = None
    if found and found.standing.current is not None:
        before = (found.standing.current, read_content(connection, layer_id, found.standing.current, "values"))
    changed = changes(before, prepared.values, descriptor.kind)
    if found is None:
        row = {"id": layer_id, "kind": str(descriptor.kind), "made_at": now, "made_by": by.user}
        connection.execute(sa.insert(tables.layers).values(row))
    record = {
        "descriptor": tables.to_json(descriptor_as_dict(descriptor), in_order=False),  # the order of columns is theirs
        "summary": tables.to_json(prepared.summary),
        "report": tables.to_json(prepared.report),
        "changes": tables.to_json(changed),
        "values_sha256": sha256(prepared.values),
        "table_sha256": sha256(prepared.table),
    }
    record_hash = record_sha256(record)
    connection.execute(
        sa.insert(tables.versions).values(
            layer_id=layer_id,
            version=version,
            published_at=now,
            published_by=by.user,
            effective_at=at,
            note=note,
            checked_by=checked_by,
            checked_at=now if checked_by else None,
            review_on=review_on,
            file_sha256=prepared.file_sha256,
            record_sha256=record_hash,
            **record,
        )
    )
    for part, blob in (("values", prepared.values), ("table", prepared.table)):
        connection.execute(
            sa.insert(tables.contents).values(layer_id=layer_id, version=version, part=part, parquet=blob)
        )
    detail = {"note": note, "sha256": record_hash, "checked_by": checked_by, "title": descriptor.title}
    if at is not None:
        detail["effective_at"] = at.isoformat()
    point(connection, layer_id, "publish", version, by=by, now=now, at=at, reason=note, detail=detail)
    return Published(
        layer_id=layer_id,
        version=version,
        published_at=now,
        effective_at=at or now,
        report=prepared.report,
        changes=changed,
        warnings=prepared.warnings,
    )


def record_sha256(record: Mapping[str, Any]) -> str:
    """Hash over everything a version says, its two tables included by their own hashes."""
    keys = ("descriptor", "summary", "report", "changes", "values_sha256", "table_sha256")
    return sha256(tables.to_json({key: record[key] for key in keys}).encode())


def point(
    connection: sa.Connection,
    layer_id: str,
    action: str,
    version: int | None,
    *,
    by: Viewer,
    now: datetime,
    reason: str,
    at: datetime | None = None,
    detail: Mapping[str, Any],
) -> None:
    """Say which version a layer shows from now on (or from ``at``), with its audit line."""
    seq = add_line(connection, at=now, by=by, action=action, of=layer_id, version=version, detail=detail)
    row = {"seq": seq, "layer_id": layer_id, "action": action, "version": version, "at": now, "effective_at": at}
    connection.execute(sa.insert(tables.pointers).values(**row, by=by.user, reason=reason))


# -- roll back and withdraw --------------------------------------------------------------------------------------------


def rollback(store: Database, layer_id: str, *, to: int, by: Viewer, reason: str) -> None:
    """Show an earlier version again. See :meth:`layers.store.store.Store.rollback`."""
    with refusals_noted(store, by, "rollback-refused", layer_id):
        reason = reason_given(reason, "rolled back")
        with store.writing() as connection:
            now = store.now()
            found = find_to_change(connection, store, layer_id, by, now)
            stands = found.standing
            if not 1 <= to <= found.newest:
                raise NotFound(f"There is no version {to} of the layer '{layer_id}'.")
            if not may_change(read_descriptor(connection, layer_id, to).partner, by):
                raise NotPermitted(f"Version {to} of '{layer_id}' belongs to another partner; ask an admin.")
            fault = None
            if to == stands.current and not stands.scheduled:
                fault = Fault(f"version {to} is shown already", f"layer '{layer_id}'", "choose another version")
            elif stands.state(to) in ("scheduled", "cancelled"):
                fault = Fault(f"version {to} was never shown", f"layer '{layer_id}'", "publish it again to show it now")
            if fault:
                raise Refused(f"The layer '{layer_id}' was not rolled back.", [fault])
            detail = {"reason": reason, "from": stands.current, "cancelled": [p.version for p in stands.scheduled]}
            point(connection, layer_id, "rollback", to, by=by, now=now, reason=reason, detail=detail)


def withdraw(store: Database, layer_id: str, *, by: Viewer, reason: str) -> None:
    """Show the layer to nobody, and say why. See :meth:`layers.store.store.Store.withdraw`."""
    with refusals_noted(store, by, "withdraw-refused", layer_id):
        reason = reason_given(reason, "withdrawn")
        with store.writing() as connection:
            now = store.now()
            found = find_to_change(connection, store, layer_id, by, now)
            if found.standing.withdrawn:
                fault = Fault("it is withdrawn already", f"layer '{layer_id}'", "")
                raise Refused(f"The layer '{layer_id}' was not withdrawn.", [fault])
            detail = {"reason": reason, "from": found.standing.current}
            point(connection, layer_id, "withdraw", None, by=by, now=now, reason=reason, detail=detail)


def reason_given(reason: str, done: str) -> str:
    if not reason.strip():
        fault = Fault("the reason is empty", "reason", "say in a sentence why; people who follow a link will read it")
        raise Refused(f"A layer is not {done} without a reason.", [fault])
    return reason.strip()


def find_to_change(connection: sa.Connection, store: Database, layer_id: str, by: Viewer, now: datetime) -> Found:
    found = find(connection, layer_id, now)
    if found is None:
        raise NotFound(no_layer(layer_id))
    if not may_change(found.descriptor.partner, by):
        if found.standing.last is None or not may_see(found.descriptor, by, store.region):
            raise NotFound(no_layer(layer_id))  # also one that waits for its first date: nothing of it was ever shown
        owner = store.region.partner(found.descriptor.partner)
        raise NotPermitted(
            f"Only analysts of {owner.name if owner else 'its partner'} and admins may change the layer '{layer_id}'."
        )
    return found


def no_layer(layer_id: str) -> str:
    """The one sentence for a layer that is not there, and for one that this viewer may not see."""
    return f"There is no layer '{layer_id}'."
