"""The boundary detective: which level, and which year's boundaries, are the codes of this file?

94% of LSOA codes are the same in 2011 and 2021, so a file on the wrong boundaries mostly joins and is silently wrong in the
places that changed. :func:`detect` therefore looks for codes that exist in one year only. Where a file has none of those, the
year cannot be told and the publisher is asked; it is never guessed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd

from layers.geography.former_authorities import FORMER_AUTHORITIES
from layers.model import LEVELS, Fault
from layers.reading.marks import tidy
from layers.reading.rows import row_of
from layers.texts import first_few

LEVEL_NAMES = {"lsoa": "LSOA", "ward": "ward", "lad": "local authority"}
_PLURAL = {"lsoa": "LSOAs", "ward": "wards", "lad": "local authorities"}

PATTERNS: tuple[tuple[str, str, str], ...] = (
    # regular expression, level ("" for one that the product does not map), in words
    (r"[EW]01\d{6}", "lsoa", "LSOA"),
    (r"S01\d{6}", "lsoa", "Scottish data zone"),
    (r"N(?:00|20|21)\d{6}|95[A-Z]{2}\d{2}[SW]\d", "lsoa", "Northern Irish small area"),
    (r"[EW]05\d{6}|S13\d{6}|N08\d{6}", "ward", "ward"),
    (r"E0[6-9]\d{6}|W06\d{6}|S12\d{6}|N09\d{6}", "lad", "local authority"),
    (r"[EWS]00\d{6}", "", "Output Area"),
    (r"[EWS]02\d{6}", "", "MSOA"),
    (r"[EW]04\d{6}", "", "parish"),
    (r"E10\d{6}", "", "county"),
    (r"E12\d{6}", "", "region of England"),
    (r"E14\d{6}|[WSN](?:07|14|06)\d{6}", "", "parliamentary constituency"),
    (r"E23\d{6}|W15\d{6}", "", "police force area"),
    (r"E31\d{6}|W25\d{6}", "", "fire and rescue area"),
    (r"E38\d{6}", "", "sub-ICB area"),
    (r"E47\d{6}", "", "combined authority"),
    (r"E54\d{6}", "", "integrated care board"),
    (r"[EWSNK](?:92|02|03|04)000\d{3}", "", "country"),
)
"""Shapes of official codes. They say what a code is called, not that it exists."""

_E_NOTATION = re.compile(r"^\d(?:\.\d+)?E\+?\d+$", re.IGNORECASE)
_DATE = re.compile(
    r"^(?:\d{4}-\d\d-\d\d|\d{1,2}[-/ ][A-Za-z]{3,9}(?:[-/ ]\d{2,4})?|[A-Za-z]{3}-\d{2}|\d{1,2}/\d{1,2}/\d{2,4})"
)
_SHORT = re.compile(r"^([EWSN])(\d{5,7})$")


_WIDE = "\u00a0\u2007\u2009\u202f\t\r\n"
_ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff\u00ad"


@dataclass(frozen=True)
class FoundBoundaries:
    """What the detective found. Series stand on the index of the codes that it was given.

    ``sort`` is, per row: "region" (an area of the region at ``level`` and ``vintage``), "outside" (a good code of that level
    elsewhere), "other-level" (a larger or smaller area, such as the total of the country), "replaced" (a ward that was redrawn
    since), "unknown" or "blank".
    ``certain`` is False while the vintage had to be taken from what the publisher says. ``question`` is what must be answered
    before the file can be used, "" when nothing.
    """

    level: str
    vintage: int
    certain: bool
    sentence: str
    codes: pd.Series
    sort: pd.Series
    counts: dict[str, int] = field(default_factory=dict)
    only_older: tuple[str, ...] = ()
    only_newer: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    question: str = ""
    choices: tuple[tuple[str, int], ...] = ()
    suggested: dict[str, str] = field(default_factory=dict)  # name or broken code -> the code that was probably meant
    faults: tuple[Fault, ...] = ()


def known_codes(region) -> dict[tuple[str, int], set[str]]:
    """Every set of codes that the region pack knows, by level and vintage, the region's own first.

    Older ones come from ``lookups/<level>_<year>.parquet`` (column ``code``), ``lsoa_2011_2021`` and ``wards_without_lsoa``.
    """
    out = {(level, region.vintages.get(level) or 0): set(region.codes(level).tolist()) for level in LEVELS}
    ward = ("ward", region.vintages.get("ward") or 0)
    if "wards_without_lsoa" in region.lookups:
        listed = region.lookups["wards_without_lsoa"]
        out[ward] = out[ward] | set(listed["code"].tolist()) - set(replaced_wards(region))
    for name, frame in region.lookups.items():
        match = re.fullmatch(r"(lsoa|ward|lad)_(\d{4})", name)
        if match and "code" in frame:
            out.setdefault((match[1], int(match[2])), set()).update(frame["code"].tolist())
        match = re.fullmatch(r"(lsoa|ward|lad)_(\d{4})_(\d{4})", name)
        if match and f"code_{match[2]}" in frame:
            out.setdefault((match[1], int(match[2])), set()).update(frame[f"code_{match[2]}"].dropna().tolist())
    authorities = out[("lad", region.vintages.get("lad") or 0)]
    gone: dict[int, set[str]] = {}
    for old, (new, year) in FORMER_AUTHORITIES.items():
        if new in authorities and old not in authorities:
            gone.setdefault(year - 1, set()).add(old)
    for year, codes in gone.items():
        out.setdefault(("lad", year), set()).update(codes)
    return out


def replaced_wards(region) -> dict[str, tuple[int, str]]:
    """Ward codes that are no longer in use -> (the year of which they were, their authority), as far as the pack knows any.

    They come from ``lookups/wards_without_lsoa``, whose reason says so. It is no list of *all* wards of that year: those that
    were not redrawn keep their code, and the same code is the same ward in any year.
    """
    listed = region.lookups.get("wards_without_lsoa")
    if listed is None or not {"code", "reason", "lad_code"} <= set(listed):
        return {}
    out = {}
    for code, reason, lad in zip(listed["code"], listed["reason"], listed["lad_code"], strict=True):
        if found := re.search(r"ward of (\d{4}) was replaced", str(reason)):
            out[str(code)] = (int(found[1]), str(lad))
    return out


def tidy_codes(text: pd.Series, known: Iterable[str] = ()) -> tuple[pd.Series, dict[str, int]]:
    """Codes without what people cannot see, in capitals; and how many rows were mended, by what was wrong with them.

    A code that is known exactly as it stands is left alone.
    """
    known = known if isinstance(known, (set, frozenset, dict)) else set(known)
    words = text.fillna("").astype("str").tolist()
    mapping: dict[str, str] = {}
    mended: dict[str, int] = {}
    for word, count in Counter(words).items():
        mapping[word], why = (word, ()) if word in known or not word else _tidy_code(word, known)
        for one in why:
            mended[one] = mended.get(one, 0) + count
    return pd.Series([mapping[word] for word in words], index=text.index, dtype="str"), mended


def _tidy_code(word: str, known) -> tuple[str, tuple[str, ...]]:
    """One code as it was meant, and what was wrong with it. Only what then looks like a code is squeezed and raised; names stay."""
    trimmed = "".join(" " if mark in _WIDE else mark for mark in word if mark not in _ZERO_WIDTH).strip()
    squeezed = "".join(trimmed.split()).upper()
    is_code = squeezed in known or re.fullmatch(r"[A-Z]{0,3}\d[A-Z0-9]{3,9}", squeezed)
    if not is_code and (code := code_in(trimmed, known)):
        return code, ("names beside them",)
    final = squeezed if is_code else trimmed
    why = (
        ("spaces", " " in word and (word != word.strip(" ") or (" " in word.strip(" ") and final != trimmed))),
        ("invisible characters", any(mark in _WIDE or mark in _ZERO_WIDTH for mark in word)),
        ("small letters", bool(is_code) and trimmed != trimmed.upper()),
    )
    return final, tuple(name for name, is_so in why if is_so)


_BETWEEN_WORDS = re.compile(r"[\s:;,|()\[\]=\"'_/\u2013\u2014-]+")


def code_in(cell: str, known) -> str:
    """The one code of an area in a cell such as ``E01008162 : Gateshead 027A``; "" for none, and for several."""
    if cell in known:
        return cell
    words = {word for word in _BETWEEN_WORDS.split(cell.upper()) if word}
    codes = {word for word in words if word in known or _OFFICIAL.fullmatch(word)}
    return codes.pop() if len(codes) == 1 else ""


_OFFICIAL = re.compile(r"[EWSNK]\d{8}")


def pattern_of(code: str) -> tuple[str, str]:
    """Level and words for the shape of a code; ("", "") where it looks like no official code."""
    for shape, level, words in PATTERNS:
        if re.fullmatch(shape, code):
            return level, words
    return "", ""


def detect(
    codes: pd.Series,
    region,
    *,
    level: str = "",
    vintage: int = 0,
    where: str = "",
    column: str = "",
    known: dict[tuple[str, int], set[str]] | None = None,
    beside: pd.DataFrame | None = None,
) -> FoundBoundaries:
    """Say which level and vintage a column of area codes is on. ``level`` and ``vintage``: what the publisher says, if anything.

    Faults carry every list that a person needs; what is merely kept out is a warning. Nothing is guessed.
    """
    known = known_codes(region) if known is None else known
    every = set().union(*known.values())
    clean, mended = tidy_codes(codes, every)
    faults = [_mended_fault(what, count, where, column) for what, count in mended.items()]
    clean = _codes_of_names(clean, region, level, every, beside, faults, where, column)
    clean = _successors(clean, known, region, faults, where, column)
    distinct = [code for code in dict.fromkeys(clean.tolist()) if code]
    of_level = {
        name: {code for (own, _), members in known.items() if own == name for code in members} for name in LEVELS
    }
    hits = {name: len(set(distinct) & of_level[name]) for name in LEVELS}
    shapes = {code: pattern_of(code) for code in distinct if code not in every}
    shape_hits = {name: sum(1 for own, _ in shapes.values() if own == name) for name in LEVELS}

    chosen = level if level in LEVELS and (hits[level] or not any(hits.values())) else ""
    if not chosen:
        chosen = max(LEVELS, key=lambda name: (hits[name], shape_hits[name]))
        if not hits[chosen]:
            return _nothing_known(codes, clean, distinct, shapes, shape_hits, region, faults, where, column, level)
    if level and level != chosen:
        what = f"the description says {LEVEL_NAMES.get(level, level)}, but the codes are of {_PLURAL[chosen]}"
        faults.append(Fault(what, where, f'set the level to "{chosen}"', column=column, rule="level-claim"))

    vintages = {year: members for (own, year), members in known.items() if own == chosen}
    result = _vintage_of(chosen, distinct, vintages, region.vintages.get(chosen) or 0, vintage, where, column)
    gone: dict[str, tuple[int, str]] = {}
    if chosen == "ward":
        replaced = replaced_wards(region)
        gone = {code: replaced[code] for code in distinct if code in replaced and code not in of_level["ward"]}
        result = _wards_of_another_year(result, gone, vintages, region, vintage, where, column)
    faults += result.faults
    here = vintages.get(result.vintage, set()) if not result.mixed else of_level[chosen]
    if chosen == "ward" and result.vintage not in vintages:
        here = vintages[region.vintages.get("ward") or 0]  # the same code is the same ward
    sort = _sort_codes(clean, distinct, chosen, here, of_level[chosen], shapes, every, set(gone))
    kinds = dict(zip(clean.tolist(), sort.tolist(), strict=True))
    times = Counter(kind for code, kind in kinds.items() if code)
    by_sort = {name: times[name] for name in ("region", "outside", "other-level", "replaced", "unknown")}
    unknown = tuple(code for code in distinct if kinds[code] == "unknown")
    suggested = _repairs(unknown, every)
    faults += _unknown_faults(unknown, suggested, clean, by_sort, chosen, where, column)
    faults += _kept_out_faults(sort, clean, shapes, chosen, where, column)
    if chosen == "ward" and not gone:
        faults += _ward_holes(clean, sort, region, where, column)
    counts = {key: count for key, count in result.counts.items() if count}
    for key, name in (
        (f"ward {result.vintage}, since replaced", "replaced"),
        ("elsewhere", "outside"),
        ("of another level", "other-level"),
        ("unknown", "unknown"),
    ):
        if by_sort[name]:
            counts[key] = int(by_sort[name])
    sentence = f"{len(distinct):,} codes: " + ", ".join(f"{count:,} {key}" for key, count in counts.items())
    return FoundBoundaries(
        chosen,
        result.vintage,
        result.certain,
        sentence,
        clean,
        sort,
        counts,
        result.only_older,
        result.only_newer,
        unknown,
        result.question,
        result.choices,
        suggested,
        tuple(faults),
    )


def _codes_of_names(clean, region, level, every, beside, faults, where, column) -> pd.Series:
    """Names of areas as their codes, where a column holds names and no codes. ``beside``: the other columns of the table; one that
    names the authority tells areas of one name apart."""
    words = pd.Series(clean[clean != ""].unique(), dtype="str")
    if not len(words) or any(word in every or pattern_of(word)[1] for word in words):
        return clean
    named, found, several = codes_for_names(words, region, level)
    if len(found) + len(several) <= len(words) / 2:
        return clean
    out = clean.map(lambda word: found.get(word, word)).astype("str")
    twins = [word for word in several if word in set(words)]
    if twins and beside is not None and named != "lad":
        out = _by_authority(out, clean, twins, named, region, beside)
    left = [word for word in twins if (out == word).any()]
    unknown = [word for word in words if word not in found and word not in several]
    read = len(words) - len(left) - len(unknown)
    what = f"the column holds names of {_PLURAL[named]}: {read:,} of {len(words):,} were read as their codes"
    if unknown:
        what += f"; {len(unknown):,} are no name of the region: {first_few(unknown)}"
    faults.append(
        Fault(
            what,
            where,
            "check that the names are of these boundaries",
            column=column,
            rule="names-read",
            severity="warning",
        )
    )
    if left:
        what = f"{len(left):,} names fit several {_PLURAL[named]}: {first_few(left)}"
        todo = "give a column with the codes, or one with the authority of each row"
        first = row_of(clean.index[(clean == left[0]).to_numpy()][0])
        faults.append(Fault(what, where, todo, first, column, left[0], "names-not-codes"))
    return out


def _by_authority(out, clean, twins, level, region, beside) -> pd.Series:
    """Names that several areas have, by the authority that another column of the row names or gives the code of."""
    lads = region.areas["lad"]
    of_lad = {code: code for code in lads["code"]}
    for name in [name for name in ("name", "official_name") if name in lads.columns]:
        of_lad |= {_plain_name(said): code for said, code in zip(lads[name], lads["code"], strict=True)}
    areas = region.areas[level]
    codes: dict[tuple[str, str], list[str]] = {}
    for name in [name for name in ("name", "official_name") if name in areas.columns]:
        for said, lad, code in zip(areas[name], areas["lad_code"], areas["code"], strict=True):
            if code not in codes.setdefault((_plain_name(said), lad), []):
                codes[_plain_name(said), lad].append(code)
    rows = clean.index[clean.isin(twins)]
    best, most = None, 0
    for header in beside.columns:
        lad = beside.loc[rows, header].map(
            lambda cell: of_lad.get(str(cell).strip()) or of_lad.get(_plain_name(cell), "")
        )
        if (hits := int((lad != "").sum())) > most:
            best, most = lad, hits
    if best is None:
        return out
    out = out.copy()
    for row in rows:
        fits = codes.get((_plain_name(clean[row]), best[row]), [])
        if len(fits) == 1:
            out[row] = fits[0]
    return out


def _successors(clean, known, region, faults, where, column) -> pd.Series:
    """Codes of authorities that only changed their code, as today's; those that were merged are said further on."""
    now = set(region.codes("lad").tolist())
    from_one = Counter(new for new, _ in FORMER_AUTHORITIES.values())
    mapping = {
        old: new
        for old, (new, _) in FORMER_AUTHORITIES.items()
        if new in now and old not in now and from_one[new] == 1 and (clean == old).any()
    }
    if not mapping:
        return clean
    pairs = ", ".join(f"{old} is now {new}" for old, new in mapping.items())
    count = int(clean.isin(list(mapping)).sum())
    what = f"{count:,} rows have the former code of an authority and were read as today's: {pairs}"
    faults.append(Fault(what, where, "", column=column, rule="old-authority", severity="warning"))
    return clean.map(lambda code: mapping.get(code, code)).astype("str")


@dataclass(frozen=True)
class _Vintage:
    vintage: int
    certain: bool
    counts: dict[str, int]
    faults: tuple[Fault, ...] = ()
    only_older: tuple[str, ...] = ()
    only_newer: tuple[str, ...] = ()
    question: str = ""
    choices: tuple[tuple[str, int], ...] = ()
    mixed: bool = False


def _vintage_of(level, distinct, vintages, own, claimed, where, column) -> _Vintage:
    """The year of the boundaries, from the codes that exist in one year only."""
    name = LEVEL_NAMES[level]
    here = set(distinct)
    present = {year: here & members for year, members in vintages.items()}
    everything = set().union(*present.values())
    only = {
        year: tuple(sorted(codes.difference(*(members for other, members in vintages.items() if other != year))))
        for year, codes in present.items()
    }
    shared = len(everything) - sum(len(codes) for codes in only.values())
    telling = [year for year, codes in only.items() if codes]
    older = [year for year in telling if year != own]
    older_codes = tuple(code for year in older for code in only[year])
    newer_codes = only.get(own, ())

    if claimed and claimed not in vintages and level == "lsoa" and len(vintages) == 1:
        faults = _no_lookup(claimed, own, vintages, where, column)  # nothing to tell one year from another by
        return _Vintage(own, False, {f"{name} {own}": len(everything)}, faults)
    if older and level == "lad":
        return _old_authorities(only, older, own, shared + len(newer_codes), where, column)
    if own in telling and older:
        # the mistake that 94% agreement hides: two years in one file
        n_old, n_new = len(older_codes), len(newer_codes)
        years = ", ".join(str(year) for year in sorted(older))
        what = (
            f"two vintages are mixed: {n_new:,} codes exist only on {own} boundaries ({first_few(newer_codes)}) and {n_old:,} only "
            f"on {years} ({first_few(older_codes)})"
        )
        todo = f"take all rows from one table, {own} or {years}; both lists are in the report"
        counts = {f"{name} {own}": len(present[own]), f"{name} {years} only": n_old}
        return _Vintage(
            own, False, counts, (Fault(what, where, todo, column=column, rule="mixed-vintage"),), older_codes, newer_codes,
            mixed=True,
        )  # fmt: skip
    if own in telling:
        faults = _claim_fault(claimed, own, newer_codes, name, where, column)
        return _Vintage(own, True, {f"{name} {own}": len(present[own])}, faults, (), newer_codes)
    if older:
        year = max(older, key=lambda one: len(only[one]))
        if claimed in older:
            year = claimed
        faults = _claim_fault(claimed, year, older_codes, name, where, column)
        return _Vintage(year, True, {f"{name} {year}": len(present[year])}, faults, older_codes)
    possible = sorted((year for year, codes in present.items() if codes), reverse=True)
    both = " and ".join(str(year) for year in sorted(possible))
    if len(possible) <= 1:
        year = possible[0] if possible else own
        return _Vintage(
            year, True, {f"{name} {year}": len(everything)}, _claim_fault(claimed, year, (), name, where, column)
        )
    counts = {f"{name} codes that are the same in {both}": len(everything)}
    if level == "lad":  # an authority that keeps its code keeps its border
        return _Vintage(own, True, {f"{name} {own}": len(everything)})
    if claimed in possible:
        return _Vintage(claimed, False, counts)
    question = (
        f"All {len(everything):,} codes are the same in {both}, so the year cannot be told from them. "
        "Which boundaries were the numbers counted on?"
    )
    todo = "choose the year; the publisher's notes say it"
    fault = Fault(question, where, todo, column=column, rule="vintage-unclear")
    return _Vintage(own, False, counts, (fault,), question=question, choices=tuple((level, year) for year in possible))


def _wards_of_another_year(result: _Vintage, gone, vintages, region, claimed, where, column) -> _Vintage:
    """Wards are redrawn an authority at a time. Codes that were not replaced are the same wards, so they are used; those that
    were are kept out by name, and never divided: there is no official way from redrawn wards to today's."""
    own = region.vintages.get("ward") or 0
    others = {year for year, _ in gone.values()}
    year = max(others, default=claimed)
    if result.question or result.mixed or not year or year == own or (not gone and claimed in vintages):
        return result
    faults = [fault for fault in result.faults if fault.rule != "vintage-claim"]
    if gone:
        codes = tuple(sorted(gone))
        names = region.areas["lad"].set_index("code")["name"]
        lads = ", ".join(str(names.get(lad, lad)) for lad in dict.fromkeys(lad for _, lad in gone.values()))
        what = (
            f"{len(codes):,} codes are wards of {year} that were redrawn by {own} ({lads}: {first_few(codes)}) and are kept out: a "
            "figure cannot be carried from a redrawn ward to today's"
        )
        todo = f"for {lads} use figures on the wards of {own}, or on LSOAs"
        faults.append(Fault(what, where, todo, column=column, value=codes[0], rule="ward-vintage", severity="warning"))
    elif claimed:
        what = (
            f"the numbers are for wards of {claimed}; this region pack knows those of {own}, and would need "
            f"lookups/ward_{claimed}.parquet to tell which codes are of {claimed}. A ward that was not redrawn keeps its code, so "
            f"the codes that are in use in {own} are taken, and the others are kept out"
        )
        faults.append(Fault(what, where, "", column=column, rule="ward-vintage", severity="warning"))
    count = sum(result.counts.values()) if result.counts else 0
    counts = {f"ward {own}" if not gone else f"wards that are the same in {year} and {own}": count}
    return _Vintage(year, bool(gone), counts, tuple(faults), tuple(sorted(gone)))


def _old_authorities(only, older, own, shared, where, column) -> _Vintage:
    """Authority codes that were replaced: said with their successors, since a person can put them in by hand."""
    gone = [code for year in older for code in only[year]]
    pairs = ", ".join(f"{code} is now {FORMER_AUTHORITIES[code][0]}" for code in gone if code in FORMER_AUTHORITIES)
    what = f"{len(gone)} authority codes are no longer in use: {pairs or first_few(gone)}"
    todo = "use the code of the authority that took its place, and add up those that were merged"
    fault = Fault(what, where, todo, column=column, value=gone[0], rule="old-authority")
    counts = {f"local authority {own}": shared, "local authority codes no longer in use": len(gone)}
    return _Vintage(own, True, counts, (fault,), tuple(gone))


def _no_lookup(claimed, own, vintages, where, column) -> tuple[Fault, ...]:
    """The publisher names a year of LSOAs that the pack has never heard of."""
    known = " and ".join(str(year) for year in sorted(vintages) if year)
    what = (
        f"the description says LSOAs of {claimed}; this region pack knows those of {known} and has no "
        f"lookups/lsoa_{claimed}.parquet and lookups/lsoa_{claimed}_{own}.parquet"
    )
    todo = f"use a table on LSOAs of {known}, or correct the year"
    return (Fault(what, where, todo, column=column, rule="vintage-claim"),)


def _claim_fault(claimed, found, codes, name, where, column) -> tuple[Fault, ...]:
    if not claimed or claimed == found:
        return ()
    why = f": {len(codes):,} of them exist only there ({first_few(codes)})" if codes else ""
    what = f"the description says {name} {claimed}, but the codes are of {found}{why}"
    return (Fault(what, where, f"set the vintage to {found}", column=column, rule="vintage-claim"),)


def _sort_codes(clean, distinct, level, here, of_level, shapes, every, gone=frozenset()) -> pd.Series:
    mapping = {
        code: "replaced" if code in gone else _sort_of(code, level, here, of_level, shapes, every) for code in distinct
    }
    mapping[""] = "blank"
    return pd.Series([mapping[code] for code in clean.tolist()], index=clean.index, dtype="str")


def _sort_of(code, level, here, of_level, shapes, every) -> str:
    if code in here:
        return "region"
    if code in of_level:
        return "unknown"  # an area of the region, but of another year
    if code in every:
        return "other-level"
    own, words = shapes.get(code, ("", ""))
    if own == level:
        return "outside"
    return "other-level" if words else "unknown"


def _mended_fault(what: str, count: int, where: str, column: str) -> Fault:
    codes, were = ("code", "was") if count == 1 else (f"{count:,} codes", "were")
    text = (
        f"{codes} had {what}, which were taken off" if what != "small letters" else f"{codes} {were} in small letters"
    )
    text = f"1 {text}" if count == 1 else text
    return Fault(text, where, "", column=column, rule="untidy-codes", severity="warning")


def _unknown_faults(unknown, suggested, clean, by_sort, level, where, column) -> list[Fault]:
    if not unknown:
        return []
    faults = []
    rows = clean[clean.isin(unknown)]
    if damage := excel_damage(unknown):
        for why, codes in damage.items():
            first = rows.index[rows.isin(codes)][0]
            todo = "import the column as text, from the original file"
            what = f"{len(codes):,} codes {why}: {first_few(codes)}"
            faults.append(Fault(what, where, todo, row_of(first), column, codes[0], "excel-damage"))
    rest = [code for code in unknown if not any(code in codes for codes in damage.values())]
    if rest:
        many = by_sort["region"] < by_sort["unknown"]
        first = rows.index[rows.isin(rest)][0]
        what = f"{len(rest):,} codes are unknown and are kept out: {first_few(rest)}"
        hint = f"; {rest[0]} may be meant for {suggested[rest[0]]}" if rest[0] in suggested else ""
        todo = f"check them against the list of {_PLURAL[level]}{hint}"
        severity = "error" if many else "warning"
        faults.append(Fault(what, where, todo, row_of(first), column, rest[0], "unknown-code", severity))
    return faults


def _kept_out_faults(sort, clean, shapes, level, where, column) -> list[Fault]:
    faults = []
    outside = sorted(clean[sort == "outside"].unique())
    if outside:
        what = (
            f"{len(outside):,} {_PLURAL[level]} outside the region are kept out"
            if len(outside) > 1
            else f"1 {LEVEL_NAMES[level]} outside the region is kept out"
        )
        faults.append(
            Fault(what, where, "", column=column, value=outside[0], rule="outside-region", severity="warning")
        )
    other = clean[sort == "other-level"]
    if len(other):
        kinds = sorted({shapes[code][1] for code in other.unique() if code in shapes} or {"area of another level"})
        what = f"for other kinds of area ({', '.join(kinds)})"
        what = (
            f"{len(other):,} rows are {what} and are kept out: {first_few(other.unique())}"
            if len(other) > 1
            else f"1 row is {what.replace('other kinds', 'another kind')} and is kept out: {other.iloc[0]}"
        )
        faults.append(
            Fault(what, where, "", row_of(other.index[0]), column, other.iloc[0], "other-level", severity="warning")
        )
    blank = sort[sort == "blank"]
    if len(blank):
        what = f"{len(blank):,} rows have no area code and are kept out"
        faults.append(Fault(what, where, "", row_of(blank.index[0]), column, "", "blank-code", severity="warning"))
    return faults


def _ward_holes(clean, sort, region, where, column) -> list[Fault]:
    """Wards change a whole authority at a time, and their codes then differ: none of an authority's wards matches."""
    wards = region.areas["ward"]
    have = set(clean[sort == "region"])
    share = wards["code"].isin(have).groupby(wards["lad_code"]).mean()
    empty = share[share == 0].index
    if not len(empty) or not (sort == "outside").any() or not (share > 0).any():
        return []
    names = region.areas["lad"].set_index("code")["name"].reindex(empty)
    year = region.vintages.get("ward") or ""
    what = f"none of the wards of {', '.join(names.astype(str))} is in the file, although it has ward codes that are unknown here"
    todo = f"their wards may have been redrawn: use a table on the ward codes of {year}"
    return [Fault(what, where, todo, column=column, rule="ward-vintage", severity="warning")]


def excel_damage(codes: Iterable[str]) -> dict[str, list[str]]:
    """Codes that a spreadsheet has spoilt, by what it did to them."""
    out: dict[str, list[str]] = {}
    for code in codes:
        if _E_NOTATION.match(code):
            out.setdefault("were turned into numbers such as 1E+05 by a spreadsheet", []).append(code)
        elif _DATE.match(code):
            out.setdefault("were turned into dates by a spreadsheet", []).append(code)
        elif _SHORT.match(code):
            out.setdefault("have lost zeros: a letter and eight digits are needed", []).append(code)
        elif re.fullmatch(r"\d{1,8}(?:\.0)?", code):
            out.setdefault(
                "are plain numbers: the letter, or zeros at the front, were lost, or it is a row number", []
            ).append(code)
    return out


def _repairs(unknown: Iterable[str], every: set[str]) -> dict[str, str]:
    """What a broken code was probably meant to be, where exactly one known code fits. For a person to confirm."""
    out = {}
    plain = {re.sub(r"(?<=[A-Z])0+|^0+", "", code): code for code in every} if unknown else {}
    for code in unknown:
        for candidate in (code.replace("O", "0"), code.replace("I", "1").replace("L", "1")):
            if candidate in every:
                out[code] = candidate
        short = re.sub(r"(?<=[A-Z])0+|^0+", "", code)
        if code not in out and short in plain:
            out[code] = plain[short]
    return out


def codes_for_names(names: pd.Series, region, level: str = "") -> tuple[str, dict[str, str], list[str]]:
    """Which level a column of *names* is of, the code for each name that only one area has, and the names that fit several."""
    words = pd.Series(tidy(names).unique(), dtype="str")
    words = words[words != ""]
    best: tuple[int, str, dict, list] = (0, "", {}, [])
    for one in [level] if level in LEVELS else LEVELS[::-1]:
        areas = region.areas[one]
        called = [
            name for name in ("name", "official_name") if name in areas.columns
        ]  # what people say, and what is written
        known = areas.melt("code", called, value_name="said")[["code", "said"]]
        known = known.assign(said=known["said"].map(_plain_name)).drop_duplicates()
        by_name = known.groupby("said")["code"].agg(list)
        found, several = {}, []
        for word in words:
            codes = by_name.get(_plain_name(word))
            if codes is None:
                continue
            if len(codes) == 1:
                found[word] = codes[0]
            else:
                several.append(word)
        if len(found) + len(several) > best[0]:
            best = (len(found) + len(several), one, found, several)
    return best[1], best[2], best[3]


def _plain_name(name: str) -> str:
    text = re.sub(r"[^a-z0-9]+", " ", str(name).casefold().replace("&", " and ")).strip()
    return re.sub(
        r"^(?:city of|county of|london borough of|royal borough of|the) | (?:council|ward|city|mbc|ua)$", "", text
    )


def _nothing_known(codes, clean, distinct, shapes, shape_hits, region, faults, where, column, level) -> FoundBoundaries:
    """No code of the file is an area of the region: is it elsewhere, names, damaged, or no codes at all?"""
    rows = clean.map(
        {code: "outside" if shapes[code][0] else "other-level" if shapes[code][1] else "unknown" for code in shapes}
    )
    sort = rows.where(clean != "", "blank").astype("str")
    unknown = tuple(code for code in distinct if not shapes[code][1])
    seen = max(LEVELS, key=lambda name: shape_hits[name])
    named, suggested, several = codes_for_names(codes, region)
    damage = excel_damage(unknown)
    sentence = f"{len(distinct):,} codes: none of the region"
    if not len(distinct):
        sentence = "no codes"
        what = "the column is empty"
        faults.append(Fault(what, where, "choose the column that holds area codes", column=column, rule="no-codes"))
    elif shape_hits[seen]:
        what = f"none of the {shape_hits[seen]:,} {_PLURAL[seen]} is in the region {region.name}"
        todo = "check that the file is for this region"
        faults.append(Fault(what, where, todo, column=column, value=str(distinct[0]), rule="none-in-region"))
        sentence = f"{len(distinct):,} codes: {shape_hits[seen]:,} {LEVEL_NAMES[seen]}, none in the region"
    elif suggested or several:
        what = (
            f"the column holds names of {_PLURAL[named]}, not codes ({len(suggested):,} of {len(distinct):,} names fit exactly one "
            f"area" + (f", {len(several):,} fit several: {first_few(several)}" if several else "") + ")"
        )
        todo = "add a column of codes; names are not unique and change in spelling"
        faults.append(Fault(what, where, todo, column=column, value=str(distinct[0]), rule="names-not-codes"))
        sentence = f"{len(distinct):,} names of {_PLURAL[named]}, no codes"
    elif damage:
        for why, found in damage.items():
            todo = "import the column as text, from the original file"
            what = f"{len(found):,} codes {why}: {first_few(found)}"
            faults.append(Fault(what, where, todo, column=column, rule="excel-damage"))
    else:
        kinds = sorted({words for _, words in shapes.values() if words})
        what = (
            f"the codes are of another kind of area ({', '.join(kinds)})"
            if kinds
            else f"no area codes were found: {first_few(distinct)}"
        )
        todo = "use LSOA, ward or local authority codes"
        faults.append(Fault(what, where, todo, column=column, value=str(distinct[0]), rule="no-codes"))
    guessed = level or (seen if shape_hits[seen] else named or "")
    return FoundBoundaries(
        guessed, 0, False, sentence, clean, sort, {}, (), (), unknown, suggested=suggested, faults=tuple(faults)
    )  # fmt: skip
