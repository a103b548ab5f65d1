"""What can be wrong with a list of service sites: coordinates, postcodes, identifiers, texts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from layers.geography import postcodes
from layers.geography.coordinates import UK_DEGREES, UK_METRES, inside, to_metres
from layers.geography.points import lad_of_points
from layers.model import Fault
from layers.reading.checks import SHOWN, row_faults
from layers.reading.rows import row_of

POSTCODE_AND_POINT_M = 2_000.0
SEA_M = 500.0
AUTHORITY_M = 2_000.0


def check_coordinate_columns(read, roles, where) -> list[Fault]:
    """Whole columns that are something else than they say: exchanged, metres called degrees, degrees called metres."""
    out = []
    if "longitude" in read and "latitude" in read:
        x, y = read["longitude"].value, read["latitude"].value
        column = f"{roles['longitude']}, {roles['latitude']}"
        known = np.isfinite(x) & np.isfinite(y) & ((x != 0) | (y != 0))
        size = int(known.sum())
        if size and inside(x, y, UK_DEGREES)[known].sum() < size / 2:
            todo = ""
            if (inside(y, x, UK_DEGREES)[known]).sum() > size / 2:
                what, todo = "latitude and longitude are exchanged", "exchange the two columns"
                rule = "swapped"
            elif (inside(x, y, UK_METRES) & ((np.abs(x) > 360) | (np.abs(y) > 360)))[known].sum() > size / 2:
                what = "these are metres of the British National Grid, not degrees"
                todo, rule = "choose them as easting and northing (EPSG:27700)", "metres-not-degrees"
            elif (inside(y, x, UK_METRES) & (np.abs(x) > 360))[known].sum() > size / 2:
                what = "these are metres of the British National Grid, exchanged, not degrees"
                todo, rule = "choose them as northing and easting (EPSG:27700)", "metres-not-degrees"
            elif ((np.abs(x) < 1.1e6) & (y > 6.2e6) & (y < 8.8e6))[known].sum() > size / 2:
                what, todo = (
                    "these are metres of Web Mercator (EPSG:3857), not degrees",
                    "export them in EPSG:4326 or EPSG:27700",
                )
                rule = "metres-not-degrees"
            else:
                what, todo = f"most of the {size:,} points lie outside the United Kingdom", "check the two columns"
                rule = "impossible-coordinates"
            row = int(np.flatnonzero(known)[0])
            out.append(Fault(what, where, todo, None, column, f"{x[row]:g}, {y[row]:g}", rule))
    if "easting" in read and "northing" in read:
        x, y = read["easting"].value, read["northing"].value
        column = f"{roles['easting']}, {roles['northing']}"
        known = np.isfinite(x) & np.isfinite(y) & ((x != 0) | (y != 0))
        size = int(known.sum())
        degrees = inside(x, y, UK_DEGREES) & (np.abs(x) < 10)
        if size and degrees[known].sum() > size / 2:
            todo = "choose them as longitude and latitude"
            what = "these are degrees, not metres of the National Grid"
            out.append(Fault(what, where, todo, column=column, rule="degrees-not-metres"))
        elif size and inside(x, y, UK_METRES)[known].sum() < size / 2:
            what, todo = f"most of the {size:,} points lie outside Great Britain", "check the two columns"
            out.append(Fault(what, where, todo, None, column, rule="impossible-coordinates"))
        elif size >= 20 and _on_land_share(y[known], x[known]) > 0.9 > 0.5 > _on_land_share(x[known], y[known]):
            what = "easting and northing are exchanged"
            out.append(Fault(what, where, "exchange the two columns", column=column, rule="swapped"))
    return out


def _on_land_share(east: np.ndarray, north: np.ndarray) -> float:
    """Share of the points that lie in a rough outline of Great Britain on the National Grid."""
    rough = (
        ((north < 200_000) & (east > 80_000) & (east < 660_000))
        | ((north >= 200_000) & (north < 500_000) & (east > 180_000) & (east < 660_000))
        | ((north >= 500_000) & (north < 1_220_000) & (east > 60_000) & (east < 480_000))
    )
    return float(rough.mean()) if len(rough) else 0.0


def drop_impossible(cleaned, read, roles, where, faults) -> None:
    """Single points that cannot be: (0, 0), outside the country. Their coordinates are blanked; a postcode may still place them."""
    for (east, north), bounds in ((("longitude", "latitude"), UK_DEGREES), (("easting", "northing"), UK_METRES)):
        if east not in read or north not in read:
            continue
        x, y = read[east].value, read[north].value
        known = np.isfinite(x) & np.isfinite(y)
        wrong = known & (~inside(x, y, bounds) | ((x == 0) & (y == 0)))
        half = np.isfinite(x) ^ np.isfinite(y)
        column = f"{roles[east]}, {roles[north]}"
        rows = np.flatnonzero(wrong)
        for row in rows[:SHOWN]:
            zero = x[row] == 0 and y[row] == 0
            swapped = bounds is UK_DEGREES and inside([y[row]], [x[row]], bounds)[0]
            what = (
                "is the point 0, 0"
                if zero
                else "has latitude and longitude exchanged"
                if swapped
                else "lies outside the country"
            )
            rule = "swapped" if swapped else "impossible-coordinates"
            todo = "correct it; the coordinates are not used"
            faults.append(
                Fault(
                    f"the service {what}",
                    where,
                    todo,
                    row_of(cleaned.index[row]),
                    column,
                    f"{x[row]:g}, {y[row]:g}",
                    rule,
                    "warning",
                )
            )
        if len(rows) > SHOWN:
            what = f"{len(rows) - SHOWN:,} more services have impossible coordinates"
            faults.append(Fault(what, where, "", column=column, rule="impossible-coordinates", severity="warning"))
        if half.any():
            what = f"{int(half.sum()):,} services have one coordinate without the other"
            row = row_of(cleaned.index[np.flatnonzero(half)[0]])
            faults.append(Fault(what, where, "", row, column, rule="half-a-point", severity="warning"))
        for role in (east, north):
            cleaned.loc[wrong | half, roles[role]] = ""


def check_postcodes(table: pd.DataFrame, roles: Mapping[str, str], where: str) -> list[Fault]:
    """Postcodes that are none, that no longer exist, and that stand far from the coordinates beside them."""
    if "postcode" not in table:
        return []
    faults = []
    written = table["postcode"]
    whole = postcodes.normalise_all(written)
    bad = (written != "") & (whole == "")
    faults += row_faults(
        bad, table, "postcode", roles, where, "is not a postcode", "correct it", "not-a-postcode", "warning"
    )
    known = postcodes.locate(whole)
    sector = (known["accuracy"] == "sector") & (table["location_from"] == "postcode sector")
    what = "is not a postcode in use; placed in the middle of its sector"
    faults += row_faults(
        sector, table, "postcode", roles, where, what, "look up the present one", "postcode-unknown", "warning"
    )
    none = (known["accuracy"] == "none") & (whole != "")
    faults += row_faults(
        none, table, "postcode", roles, where, "is not a known postcode", "correct it", "postcode-unknown", "warning"
    )
    unit = (known["accuracy"] == "unit") & (table["location_from"] == "coordinates")
    apart = np.hypot(known["easting"] - table["easting"], known["northing"] - table["northing"])
    wrong = unit & (apart > POSTCODE_AND_POINT_M)
    what = f"is more than {POSTCODE_AND_POINT_M / 1000:g} km from the coordinates beside it; the coordinates are used"
    faults += row_faults(
        wrong, table, "postcode", roles, where, what, "check which of the two is right", "postcode-far", "warning"
    )
    table["postcode"] = whole.where(whole != "", written).astype("str")
    return faults


def near_region(table: pd.DataFrame, region) -> pd.Series:
    """Which services stand in the region or within its buffer, measured in EPSG:27700."""
    import shapely

    x, y = table["easting"].to_numpy(dtype=float), table["northing"].to_numpy(dtype=float)
    outlines = region.areas["lad"].geometry.to_numpy()
    metres = shapely.transform(
        shapely.simplify(outlines, 0.0005), lambda xy: np.column_stack(to_metres(xy[:, 0], xy[:, 1]))
    )
    buffer = float(region.service_buffer_m)
    west, south, east, north = shapely.total_bounds(metres)
    maybe = np.flatnonzero(inside(x, y, (west - buffer, south - buffer, east + buffer, north + buffer)))
    near = np.zeros(len(table), dtype=bool)
    if len(maybe):
        hit = shapely.STRtree(metres).query(shapely.points(x[maybe], y[maybe]), predicate="dwithin", distance=buffer)[0]
        near[maybe[np.unique(hit)]] = True
    return pd.Series(near, index=table.index)


def authority_of(table: pd.DataFrame, region, given: pd.Series | None = None) -> pd.Series:
    """The authority of the region that each service belongs to: the one that its file gives, else that of its postcode, else that in
    whose outline it stands, else the nearest within half a kilometre; "" for none.

    A harbour stands outside every outline that ends at high water, and a building on a border may stand on the wrong side of a
    generalised one. What file or postcode say holds within two kilometres of that authority.
    """
    import shapely

    codes = region.codes("lad")
    outlines = shapely.transform(
        region.areas["lad"].geometry.to_numpy(), lambda xy: np.column_stack(to_metres(xy[:, 0], xy[:, 1]))
    )
    points = shapely.points(table["easting"].to_numpy(dtype=float), table["northing"].to_numpy(dtype=float))
    said = []
    if given is not None:
        said.append(given.reindex(table.index).fillna("").astype("str").str.strip().str.upper())
    if "postcode" in table:
        found = postcodes.locate(table["postcode"])
        apart = np.hypot(found["easting"] - table["easting"], found["northing"] - table["northing"])
        known = (found["accuracy"] == "unit") & ~(apart > POSTCODE_AND_POINT_M)
        said.append(found["lad_code"].where(known, ""))
    out = np.full(len(table), "", dtype=object)
    standing = lad_of_points(table, region).to_numpy(dtype=object)
    for one in said:
        at = codes.get_indexer(one.to_numpy(dtype=object))
        agrees = (one.to_numpy(dtype=object) == standing) & (out == "")
        out[agrees] = standing[agrees]
        rows = np.flatnonzero((at >= 0) & (out == ""))  # few: measuring to an outline is dear
        near = shapely.dwithin(points[rows], outlines[at[rows]], AUTHORITY_M)
        out[rows[near]] = codes.to_numpy(dtype=object)[at[rows[near]]]
    out = np.where(out == "", standing, out)
    loose = np.flatnonzero(out == "")
    if len(loose):
        tree = shapely.STRtree(outlines)
        point, area = tree.query_nearest(points[loose], max_distance=SEA_M, all_matches=False)
        out[loose[point]] = codes.to_numpy(dtype=object)[area]
    return pd.Series(out, index=table.index, dtype="str", name="lad_code")


def exchanged_here(table: pd.DataFrame, far: pd.Series, region, roles: Mapping[str, str], where: str) -> Fault | None:
    """Columns of coordinates that are exchanged, where most of the services stand far from the region and would stand in it the
    other way round."""
    x, y = ("easting", "northing") if "easting" in roles else ("longitude", "latitude")
    if not {x, y} <= set(roles) or int(far.sum()) < max(2, len(table) / 2):
        return None
    turned = pd.DataFrame({"easting": table["northing"], "northing": table["easting"]}, index=table.index)
    if x == "longitude" or near_region(turned[far], region).mean() < 0.9:
        return None
    what = f"{roles[x]!r} and {roles[y]!r} are exchanged: the other way round {int(far.sum()):,} services stand in the region"
    column = f"{roles[x]}, {roles[y]}"
    return Fault(what, where, "exchange the two columns", column=column, rule="swapped")


def check_sea(table: pd.DataFrame, region, roles: Mapping[str, str], where: str) -> list[Fault]:
    """Services that stand in no authority of the region and not on the land around it, half a kilometre from either."""
    if region.context is None or region.context.empty:
        return []
    import shapely

    loose = table[table["lad_code"] == ""]
    if loose.empty:
        return []
    land = np.concatenate([region.areas["lad"].geometry.to_numpy(), region.context.geometry.to_numpy()])
    # the land around is only drawn to its own edge; beyond it nothing is known
    west, south, east, north = shapely.total_bounds(land)
    points = shapely.points(loose["longitude"].to_numpy(dtype=float), loose["latitude"].to_numpy(dtype=float))
    about = SEA_M / 65_000  # degrees of longitude at these latitudes; latitude is finer, so this is the more forgiving
    dry = np.zeros(len(loose), dtype=bool)
    hit = shapely.STRtree(land).query(points, predicate="dwithin", distance=about)[0]
    dry[np.unique(hit)] = True
    drawn = inside(loose["longitude"], loose["latitude"], (west, south, east, north))
    wet = pd.Series(~dry & drawn, index=loose.index)
    return row_faults(
        wet, loose, "name", roles, where, "stands in the sea", "check its coordinates", "in-the-sea", "warning"
    )


def check_ids(table: pd.DataFrame, roles: Mapping[str, str], where: str) -> tuple[list[Fault], list]:
    """One identifier for one site. Many services in one building are right, as long as their identifiers differ."""
    faults, header = [], roles.get("service_id", "service_id")
    twice = table["service_id"].duplicated(keep=False) & (table["service_id"] != "")
    part = table[twice]
    same = part.duplicated(keep="first")
    drop = list(part.index[same])
    if drop:
        what = f"{len(drop):,} services repeat an earlier row exactly and are kept out"
        faults.append(
            Fault(what, where, "", row_of(drop[0]), header, part.loc[drop[0], "service_id"], "repeated-row", "warning")
        )
    clash = part[~same]
    clash = clash[clash["service_id"].duplicated(keep="first")]
    wrong = pd.Series(table.index.isin(clash.index), index=table.index)
    todo = "give each service its own identifier; for several services of one site add a letter"
    faults += row_faults(
        wrong,
        table,
        "service_id",
        roles,
        where,
        "is the identifier of another service too",
        todo,
        "duplicate-service",
        "error",
    )
    blank = table["service_id"] == ""
    faults += row_faults(
        blank, table, "service_id", roles, where, "has no identifier", "fill it in", "blank-id", "error"
    )
    return faults, drop


def check_text(table: pd.DataFrame, roles: Mapping[str, str], where: str) -> list[Fault]:
    """Web addresses that are none, and texts that no list of services needs. Mends the table it is given."""
    faults = []
    if "url" in table:
        bad = (table["url"] != "") & ~table["url"].str.match(r"^https?://[^\s<>\"']+$", case=False)
        bare = bad & table["url"].str.match(r"^(?:www\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)+(?:/[^\s<>\"']*)?$", case=False)
        table["url"] = table["url"].mask(bare, "https://" + table["url"])
        wrong = bad & ~bare
        faults += row_faults(
            wrong,
            table,
            "url",
            roles,
            where,
            "is not a web address and is left out",
            "begin it with https://",
            "url",
            "warning",
        )
        table["url"] = table["url"].mask(wrong, "").astype("str")
    for name in ("name", "category", "address", "opening_hours", "eligibility", "referral", "organisation", "as_of"):
        if name not in table:
            continue
        table[name] = table[name].str.replace(
            r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]", "", regex=True
        )
        long = table[name].str.len() > 2_000
        faults += row_faults(
            long, table, name, roles, where, "is longer than 2,000 characters", "shorten it", "too-long", "error"
        )
    nameless = table["name"] == ""
    faults += row_faults(nameless, table, "name", roles, where, "has no name", "fill it in", "no-name", "warning")
    table["name"] = table["name"].mask(nameless, table["service_id"]).astype("str")
    return faults


def coverage_of_sites(table: pd.DataFrame, region) -> pd.DataFrame:
    """Per authority: how many services stand in it. An authority without any may have none, or may not have been asked."""
    lads = region.areas["lad"][["code", "name"]].rename(columns={"code": "lad_code"}).reset_index(drop=True)
    lads["services"] = lads["lad_code"].map(table["lad_code"].value_counts()).fillna(0).astype(int)
    return pd.DataFrame(lads)
