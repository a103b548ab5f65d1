"""What can be wrong with the numbers of an indicator, checked for all rows at once. The index of a table is the row in its file."""

from __future__ import annotations

import re
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from layers.descriptor import marks_of
from layers.methods.disclosure import guarded
from layers.model import LEVELS, Descriptor, Fault, Measure, Status
from layers.periods import is_readable, newest
from layers.reading import marks as cell_marks
from layers.reading.marks import numbers
from layers.reading.rows import row_of
from layers.reading.vintage import FoundBoundaries
from layers.texts import first_few

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from layers.region import Region


SHOWN = 20  # faults of one rule that are listed one by one; the rest are counted
FEWEST_NEIGHBOURS = 2
FAR_FROM_NEIGHBOURS = 10.0  # robust standard deviations
FAR_FROM_BEFORE = 8.0
TOLERANCE = 0.006  # relative: a value published with two or three figures still agrees with its parts


def row_faults(wrong, table, column, roles, where, what, todo, rule, severity) -> list[Fault]:
    """One fault for each row that is wrong, the first of them one by one, the rest counted."""
    rows = np.flatnonzero(np.asarray(wrong, dtype=bool))
    if not len(rows):
        return []
    header = roles.get(column, column)
    series = table[column] if column in table else pd.Series("", index=table.index)
    who = table["area_code"] if "area_code" in table else table["service_id"]
    out = []
    for row in rows[:SHOWN]:
        value = series.iloc[row]
        shown = f"{value:g}" if isinstance(value, (float, np.floating)) else str(value)
        text = f"{who.iloc[row]}: {shown[:60]} {what}".replace(":  ", ": ")
        out.append(Fault(text, where, todo, row_of(table.index[row]), header, shown[:80], rule, severity))
    if len(rows) > SHOWN:
        what = f"{len(rows) - SHOWN:,} more rows: {what}"
        out.append(Fault(what, where, todo, column=header, rule=rule, severity=severity))
    return out


def habits(text: pd.DataFrame, roles: dict[str, str], descriptor: Descriptor, comma, where: str) -> list[Fault]:
    """What was tidied away in the numbers, and the marks that mean different things to different publishers."""
    faults = []
    for role in ("value", "numerator", "denominator", "lower", "upper"):
        if role not in roles:
            continue
        read = numbers(text[roles[role]], marks_of(descriptor), comma)
        for habit, count in read.habits.items():
            rule = habit.replace(" ", "-")
            what = f"{count:,} cells had a {habit}, which was read"
            faults.append(Fault(what, where, "", column=roles[role], rule=rule, severity="warning"))
            if habit == "percent sign" and role == "value" and descriptor.measure not in (None, Measure.PERCENTAGE):
                what = f"{count:,} cells have a percent sign, but the measure is {descriptor.measure}"
                todo = "set the measure to percentage, or take the signs out"
                faults.append(Fault(what, where, todo, column=roles[role], rule="percent-of-what", severity="warning"))
        override = {mark.lower() for mark in marks_of(descriptor)}
        for mark, count in read.marks.items():
            low = mark.lower()
            if low in override:
                continue
            if low in cell_marks.AMBIGUOUS:
                what = f"{count:,} cells hold {mark!r}: {cell_marks.AMBIGUOUS[low]}"
                todo = f'say otherwise with "marks": {{"{mark}": "missing"}} or "suppressed"'
                faults.append(Fault(what, where, todo, column=roles[role], value=mark, rule="mark", severity="warning"))
            elif low not in cell_marks.MARKS:
                what = f"{count:,} cells hold {mark!r}, which is read as suppressed"
                faults.append(Fault(what, where, "", column=roles[role], value=mark, rule="mark", severity="warning"))
    return faults


def duplicates(table: pd.DataFrame, where: str, roles: dict[str, str], text: pd.DataFrame) -> tuple[list[Fault], list]:
    """Areas that stand twice in one period. The same row twice, in all of its cells, is a slip; else it is a question that only a
    person answers. ``text``: the whole rows as they stand in the file."""
    key = ["area_code", *(["period"] if "period" in table else [])]
    twice = table.duplicated(key, keep=False)
    if not twice.any():
        return [], []
    part = table[twice]
    whole = text.loc[part.index]
    same = whole.duplicated(keep="first")
    drop = list(part.index[same])
    clash = part[~same]
    clash = clash[clash.duplicated(key, keep=False)]
    faults = []
    if drop:
        count = len(drop)
        what = f"{count:,} rows repeat" if count > 1 else "1 row repeats"
        first = part.loc[drop[0], "area_code"]
        faults.append(
            Fault(
                f"{what} an earlier row exactly and {'are' if count > 1 else 'is'} kept out", where, "", row_of(drop[0]),
                roles["area_code"], first, "repeated-row", "warning",
            )
        )  # fmt: skip
    groups = clash.groupby(key, sort=False).indices
    todo = "keep one row for each area and period; if they are parts of a whole, add them up, or give the period its column"
    for at, positions in enumerate(groups.values()):
        if at == SHOWN:
            what = f"{len(groups) - SHOWN:,} more areas stand more than once"
            faults.append(Fault(what, where, todo, column=roles["area_code"], rule="duplicate-area"))
            break
        rows = [row_of(clash.index[position]) for position in positions]
        some = clash.iloc[positions]
        code = some.iloc[0]["area_code"]
        equal = not some.drop_duplicates([name for name in some if name not in ("flag", "status")]).shape[0] > 1
        differ = "in rows that differ elsewhere" if equal else "with different numbers"
        what = f"{code} stands {len(rows)} times {differ} (rows {', '.join(map(str, rows[:6]))})"
        faults.append(Fault(what, where, todo, rows[1], roles["area_code"], str(code), "duplicate-area"))
    return faults, drop


def check_values(table: pd.DataFrame, descriptor: Descriptor, roles: Mapping[str, str], where: str = "") -> list[Fault]:
    """Everything about the numbers of one table that can be wrong on its own. The index is the row in the file."""
    measure, faults = descriptor.measure, []
    get = {name: table[name] for name in ("value", "numerator", "denominator", "lower", "upper") if name in table}
    value, top, base = get.get("value"), get.get("numerator"), get.get("denominator")

    def rows(wrong, column, what, todo, rule, severity="error"):
        faults.extend(row_faults(wrong, table, column, roles, where, what, todo, rule, severity))

    if top is not None:
        rows(top < 0, "numerator", "is below 0", "a count cannot be negative; is it a mark for missing?", "negative")
    if base is not None:
        rows(
            base < 0,
            "denominator",
            "is below 0",
            "a population cannot be negative; is it a mark for missing?",
            "negative",
        )
        zero = base == 0
        if top is not None:
            rows(
                zero & (top > 0),
                "denominator",
                "is 0 with events counted",
                "correct one of the two",
                "zero-denominator",
            )
            quiet = zero & ~(top > 0)
        else:
            quiet = zero
        rows(quiet, "denominator", "is 0, so there is no value", "", "zero-denominator", "warning")
    if value is not None:

        def of_column(what, todo, rule):
            first = row_of(value.index[(value > 100).to_numpy().argmax()])
            faults.append(Fault(what, where, todo, first, roles.get("value", "value"), rule=rule))

        _check_range(value, measure, rows, of_column)
    if top is not None and base is not None:
        over = (top > base) & (base > 0)
        if measure == Measure.PERCENTAGE and descriptor.per <= 100:
            rows(
                over,
                "numerator",
                "is above its denominator",
                "a part cannot be more than the whole",
                "part-above-whole",
            )
        elif measure == Measure.RATE:
            todo = "right when one person can count twice; else correct it"
            rows(over, "numerator", "is above its denominator", todo, "part-above-whole", "warning")
        if value is not None:
            faults += _check_agreement(value, top, base, descriptor, table, roles, where)
    lower, upper = get.get("lower"), get.get("upper")
    if lower is not None and upper is not None:
        rows(lower > upper, "lower", "is above the upper limit", "exchange the two limits", "limits", "error")
        if value is not None:
            slack = 1e-9 + 0.005 * value.abs()
            out = (value < lower - slack) | (value > upper + slack)
            rows(out, "value", "lies outside its own limits", "check the columns of the limits", "limits", "warning")
    for name, column in get.items():
        faults += _sentinels(column, name, roles, where)
    shown = value if value is not None else None
    if shown is not None and len(shown.dropna()) > 20 and shown.nunique() == 1:
        what = f"every area has the same value, {shown.dropna().iloc[0]:g}"
        todo = "check the column"
        faults.append(Fault(what, where, todo, column=roles.get("value", ""), rule="constant", severity="warning"))
    if not (table["status"] == Status.OK).any() and not (table["status"] == Status.CONVERTED).any():
        faults.append(Fault("no row has a number", where, "check the column of the value", rule="no-numbers"))
    return faults


def _check_range(value: pd.Series, measure: Measure | None, rows, of_column) -> None:
    whole = value.isna() | (value == np.floor(value))
    if measure in (Measure.COUNT, Measure.RATE, Measure.PERCENTAGE):
        rows(
            value < 0,
            "value",
            f"is a negative {measure}",
            "correct it, or use a mark for missing such as [x]; a change over time is the measure change",
            "negative",
        )
    if measure == Measure.PERCENTAGE:
        over = value > 100
        if (
            over.sum() > 5 and over.sum() > value.notna().sum() / 2
        ):  # not so many slips: another column, or another measure
            todo = "choose another column as the value (perhaps this is a numerator or denominator), or another kind of number"
            what = f"{int(over.sum()):,} of {int(value.notna().sum()):,} values are above 100, so this is no percentage"
            of_column(what, todo, "above-100")
        else:
            rows(
                over,
                "value",
                "is above 100%",
                "correct it; a change over time is the measure change, not a percentage",
                "above-100",
            )
        known = value.dropna()
        if len(known) >= 5 and known.max() <= 1 and known.max() > 0 and (~whole).any():
            rows(
                value == known.max(), "value", "is the largest: these look like shares from 0 to 1",
                "percentages go from 0 to 100; multiply by 100", "shares-not-percent", "warning",
            )  # fmt: skip
    if measure == Measure.COUNT:
        rows(
            ~whole,
            "value",
            "is not a whole number",
            "right for an estimate; else it may be a rate",
            "not-whole",
            "warning",
        )
    if measure == Measure.RANK:
        rows(~whole | (value < 1), "value", "is not a rank", "ranks are whole numbers from 1", "rank")
    if measure == Measure.DECILE:
        rows(~whole | (value < 1) | (value > 10), "value", "is not a decile", "deciles are 1 to 10", "decile")


def _check_agreement(value, top, base, descriptor, table, roles, where) -> list[Fault]:
    """The value against numerator / denominator * per. When most rows are off by one factor, that factor is the news."""
    ratio = (top / base.where(base > 0)) * descriptor.per
    both = value.notna() & ratio.notna()
    if not both.any():
        return []
    off = both & ((value - ratio).abs() > np.maximum(TOLERANCE * ratio.abs(), _rounding(value[both])))
    if not off.any():
        return []
    if off.sum() > both.sum() / 2:
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = (value / ratio)[both & (ratio != 0)]
        middle = float(factor.median()) if len(factor) else float("nan")
        steady = len(factor) > 0 and abs(middle) > 0 and ((factor / middle - 1).abs() < 0.02).mean() > 0.8
        column = roles.get("value", "value")
        if steady:
            what = f"the values are {middle:.4g} times numerator / denominator x {descriptor.per:g}"
            todo = f"set per to {descriptor.per * middle:.4g}"
            return [Fault(what, where, todo, column=column, rule="value-disagrees")]
        what = f"{int(off.sum()):,} of {int(both.sum()):,} values disagree with numerator / denominator x {descriptor.per:g}"
        todo = "check which columns are numerator and denominator"
        return [Fault(what, where, todo, column=column, rule="value-disagrees")]
    todo = "the map shows what numerator and denominator give; correct the one that is wrong"
    return row_faults(
        off, table, "value", roles, where, f"disagrees with numerator / denominator x {descriptor.per:g}", todo,
        "value-disagrees", "warning",
    )  # fmt: skip


def _rounding(value: pd.Series) -> float:
    """Half a unit of the last decimal that the column is written with, up to six."""
    known = value.dropna().to_numpy()[:2000]
    for decimals in range(6):
        if np.allclose(known, np.round(known, decimals), rtol=0, atol=1e-9):
            return 0.5 * 10.0**-decimals + 1e-9
    return 1e-6


def _sentinels(column: pd.Series, name: str, roles: Mapping[str, str], where: str) -> list[Fault]:
    """-1, -99, 9999: numbers that some programs write for "missing"."""
    known = column.dropna()
    if len(known) < 10:
        return []
    faults = []
    for code in (-1, -9, -99, -999, -9999, 999, 9999, 99999, 999999):
        hits = known == code
        if not hits.any() or (code > 0 and hits.sum() < 2):
            continue
        rest = known[~hits]
        far = rest.empty or (code < 0 <= rest.min()) or (code > 0 and code > 5 * max(rest.max(), 1))
        if far and hits.sum() < len(known):
            what = f"{int(hits.sum()):,} cells are {code}, far from all others; it may stand for missing"
            todo = "leave such cells blank or write [x]"
            faults.append(
                Fault(
                    what,
                    where,
                    todo,
                    row_of(known.index[hits.to_numpy().argmax()]),
                    roles.get(name, name),
                    str(code),
                    "sentinel",
                    "warning",
                )
            )
    return faults


def check_periods(table: pd.DataFrame, descriptor: Descriptor, where: str) -> list[Fault]:
    if "period" in table:
        blank = table["period"] == ""
        if blank.any() and not descriptor.period:
            what = f"{int(blank.sum()):,} rows have no period"
            return [Fault(what, where, "fill it in", row_of(table.index[blank][0]), "period", rule="period")]
        different = dict.fromkeys(table["period"][~blank])
        if unreadable := [period for period in different if not is_readable(period)]:
            first = table.index[(table["period"] == unreadable[0]).to_numpy()][0]
            what = (
                f"{len(unreadable):,} periods cannot be read, so they cannot be put in order: {first_few(unreadable)}"
            )
            todo = "write them as 2024, 2023/24, Jan 2024, 2024 Q1 or 2024-03-31"
            return [Fault(what, where, todo, row_of(first), "period", unreadable[0], rule="period-unreadable")]
        return []
    if not descriptor.period:
        todo = 'say it: "2024", "2023/24", "Jan-Apr 2024"'
        return [Fault("nothing says which period the numbers describe", where, todo, rule="period", severity="warning")]
    return []


def small_numbers(table: pd.DataFrame, descriptor: Descriptor, where: str, roles: Mapping[str, str]) -> list[Fault]:
    """Counts of 1 to 7 in a layer of people that says no rule: the common one withholds them, and the publisher should know."""
    if not guarded(descriptor) or descriptor.disclosure.threshold > 1:
        return []
    role = (
        "numerator"
        if "numerator" in table
        else "value"
        if descriptor.measure == Measure.COUNT and "value" in table
        else ""
    )
    if not role:
        return []
    small = (table[role] >= 1) & (table[role] < 8)
    if not small.any():
        return []
    what = f"{int(small.sum()):,} areas count 1 to 7 people: they will be withheld, and the others rounded to the nearest 5"
    todo = 'nothing, or say a stricter rule: "disclosure": {"threshold": 10, "rounding_base": 10}'
    return [
        Fault(
            what,
            where,
            todo,
            row_of(table.index[small][0]),
            roles.get(role, role),
            rule="small-numbers",
            severity="warning",
        )
    ]


def _shown_value(table: pd.DataFrame, descriptor: Descriptor) -> pd.Series:
    if "value" in table:
        return table["value"]
    if "denominator" in table and "numerator" in table:
        return table["numerator"] / table["denominator"].where(table["denominator"] > 0) * descriptor.per
    return table["numerator"]


def far_from_neighbours(table, descriptor, region, level, where, roles) -> list[Fault]:
    """Values far from those of the areas that touch: the middle one of them, in robust standard deviations of the difference.

    Only for what varies smoothly enough to say so: not for ranks, deciles, categories and counts. An area with fewer than
    two touching areas in the file (an island, the edge of what is covered) is not judged.
    """
    if descriptor.measure in (Measure.RANK, Measure.DECILE, Measure.CATEGORY, Measure.COUNT) or len(table) < 30:
        return []
    latest = table[table["period"] == newest(table["period"])] if "period" in table else table
    value = _shown_value(latest, descriptor)
    value = value[value.notna() & ~latest["area_code"].duplicated()]
    place = region.codes(level).get_indexer(latest.loc[value.index, "area_code"])
    value, place = value[place >= 0], place[place >= 0]
    if len(value) < 30:
        return []
    of_area = np.full(len(region.codes(level)), np.nan)
    of_area[place] = value.to_numpy(dtype=float)
    around, known = _middle_around(of_area, touching(region, level))
    around, known = around[place], known[place]
    judged = known >= FEWEST_NEIGHBOURS
    if judged.sum() < 30:
        return []
    numbers_ = value.to_numpy(dtype=float)
    difference = numbers_ - around
    middle = np.median(difference[judged])
    spread = 1.4826 * np.median(np.abs(difference[judged] - middle))
    if not spread > 0:
        return []
    far = np.where(judged, np.abs(difference) / spread, 0.0)
    order = np.argsort(-far)[:SHOWN]
    faults = []
    for position in order[far[order] > FAR_FROM_NEIGHBOURS]:
        row = value.index[position]
        code = latest.loc[row, "area_code"]
        what = f"{code} has {numbers_[position]:g}, the areas that touch it about {around[position]:g}"
        faults.append(
            _to_check(what, where, row, roles.get("value", "numerator"), numbers_[position], "far-from-neighbours")
        )
    return faults


def _to_check(what: str, where: str, row, column: str, value: float, rule: str) -> Fault:
    return Fault(what, where, "check that it is right", row_of(row), column, f"{value:g}", rule, "warning")


_touching: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def touching(region: Region, level: str) -> csr_array:
    """Which areas of a level touch, in area order; worked out once for a region (30 ms for 1,257 areas, 0.8 s for England)."""
    kept = _touching.setdefault(region, {})
    if level not in kept:
        from layers.geography.adjacency import adjacency  # it loads geopandas, and most uploads are refused before this

        kept[level] = adjacency(region.areas[level].geometry)
    return kept[level]


def _middle_around(values: np.ndarray, neighbours: csr_array) -> tuple[np.ndarray, np.ndarray]:
    """Median of the known values of each area's neighbours (NaN for none), and how many of them are known."""
    row = np.repeat(np.arange(len(values)), np.diff(neighbours.indptr))
    theirs = values[neighbours.indices]
    good = np.isfinite(theirs)
    row, theirs = row[good], theirs[good]
    order = np.lexsort((theirs, row))
    theirs = theirs[order]
    known = np.bincount(row, minlength=len(values))
    start = np.concatenate([[0], np.cumsum(known)[:-1]])
    some = known > 0
    out = np.full(len(values), np.nan)
    low = start + np.maximum(known - 1, 0) // 2
    high = start + known // 2
    out[some] = (theirs[low[some]] + theirs[high[some]]) / 2
    return out, known


def compare_with_before(table: pd.DataFrame, before: pd.DataFrame, where: str, roles: Mapping[str, str]) -> list[Fault]:
    """The largest moves against the version now published, per area and period, and the areas that went away."""
    key = ["area_code", *(["period"] if "period" in table and "period" in before else [])]
    role = next((name for name in ("value", "numerator") if name in table and name in before), "")
    if not role:
        return []
    faults = []
    old = before.loc[~before.duplicated(key), [*key, role]].dropna()
    new = table[[*key, role]].assign(row=table.index).dropna()
    both = new.merge(old, on=key, suffixes=("", "_before"), validate="many_to_one")
    move = both[role] - both[f"{role}_before"]
    spread = 1.4826 * (move - move.median()).abs().median() if len(move) else 0.0
    if len(both) >= 10:
        scale = spread if spread > 0 else max(float(both[f"{role}_before"].std(ddof=0)), 1e-12)
        far = ((move - move.median()).abs() / scale).to_numpy()
        order = np.argsort(-far)[:SHOWN]
        for position in order[far[order] > FAR_FROM_BEFORE]:
            one = both.iloc[position]
            what = f"{one['area_code']} moved from {one[f'{role}_before']:g} to {one[role]:g}, far more than the others"
            faults.append(_to_check(what, where, one["row"], roles.get(role, role), one[role], "far-from-before"))
    gone = sorted(set(before["area_code"]) - set(table["area_code"]))
    if gone:
        what = f"{len(gone):,} areas of the version now published are not in this file: {first_few(gone)}"
        faults.append(Fault(what, where, "check that none was lost", rule="areas-gone", severity="warning"))
    return faults


def coverage_of(table: pd.DataFrame, region, geography: FoundBoundaries) -> pd.DataFrame:
    """Per authority: ``lad_code, name, areas`` (there are), ``covered`` (in the file), ``with_value, suppressed, share``.

    Areas of an older vintage are counted against their own list, by the authority that the lookup puts them in.
    """
    parents = _parents(region, geography)
    if parents is None:
        return pd.DataFrame()
    # plain Python strings: membership in a set of them is ten times quicker than pandas' isin on a text column
    codes = table["area_code"].to_numpy(dtype=object)
    okay = set(codes[table["status"].isin([Status.OK, Status.CONVERTED]).to_numpy(dtype=bool)])
    hidden = set(codes[(table["status"] == Status.SUPPRESSED).to_numpy(dtype=bool)]) - okay
    frame = pd.DataFrame({"code": parents.index, "lad_code": parents.to_numpy()})
    known = parents.index.to_numpy(dtype=object).tolist()
    for name, members in (("covered", set(codes)), ("with_value", okay), ("suppressed", hidden)):
        frame[name] = [code in members for code in known]
    out = frame.groupby("lad_code").agg(
        areas=("code", "size"),
        covered=("covered", "sum"),
        with_value=("with_value", "sum"),
        suppressed=("suppressed", "sum"),
    )
    lads = region.areas["lad"].set_index("code")["name"]
    out = out.reindex(lads.index).fillna(0).astype(int)
    out.insert(0, "name", lads)
    out["share"] = np.where(out["areas"] > 0, out["with_value"] / out["areas"].where(out["areas"] > 0), 0.0)
    return out.rename_axis("lad_code").reset_index()


def _parents(region, geography: FoundBoundaries) -> pd.Series | None:
    level, year = geography.level, geography.vintage
    if level not in LEVELS:
        return None
    areas = region.areas[level]
    if year in (region.vintages.get(level) or 0, 0):
        codes = areas["lad_code"] if level != "lad" else areas["code"]
        return pd.Series(codes.to_numpy(), index=areas["code"])
    for name, lookup in region.lookups.items():
        if re.fullmatch(rf"{level}_{year}_\d{{4}}", name) and {f"code_{year}", "lad_code"} <= set(lookup):
            first = lookup.drop_duplicates(f"code_{year}")
            return pd.Series(first["lad_code"].to_numpy(), index=first[f"code_{year}"])
    return None


def coverage_faults(coverage: pd.DataFrame, where: str) -> list[Fault]:
    if coverage.empty:
        return []
    faults = []
    none = coverage[(coverage["areas"] > 0) & (coverage["covered"] == 0)]
    some = coverage[(coverage["covered"] > 0) & (coverage["covered"] < coverage["areas"])]
    if len(none):
        what = f"{len(none)} of {len(coverage)} authorities are not covered at all: {', '.join(none['name'].head(8))}"
        todo = "say so in the caveats, or ask them for theirs"
        faults.append(Fault(what, where, todo, rule="coverage", severity="warning"))
    if len(some):
        parts = ", ".join(f"{row['name']} {row['covered']} of {row['areas']}" for _, row in some.head(8).iterrows())
        faults.append(Fault(f"some areas are not in the file: {parts}", where, "", rule="coverage", severity="warning"))
    return faults
