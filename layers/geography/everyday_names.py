"""What people call an area: the names of ``lookups/names.csv``, made unique, and the official ones one step away.

:func:`with_everyday_names` is the one place where a name is chosen. After it the ``name`` of an area is what every map, table,
sentence and file shows, ``official_name`` is the publisher's, and ``place`` is the plain name that several areas may share.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from layers.model import Fault

FILE = "lookups/names.csv"
COLUMNS = ("code", "name")
LONGEST = 120
_TAIL = re.compile(r"\b(\d{3}[A-Z]{1,2})$")
"""How the name of a small area ends: the number of its middle layer area within the authority, and a letter."""


def read_names(pack: Path, faults: list[Fault]) -> dict[str, str]:
    """Code -> everyday name of ``lookups/names.csv``; {} without the file. A file that cannot be used is one fault, and is left out
    whole: half of the names would be a puzzle. Blank names are passed over."""
    file = Path(pack) / FILE
    if not file.is_file():
        return {}
    todo = "write it as CSV in UTF-8 with the columns code and name, then: commonground region seal PACK"
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            rows = csv.DictReader(opened, strict=True)
            if missing := [column for column in COLUMNS if column not in (rows.fieldnames or ())]:
                faults.append(Fault(f"has no column {' and no column '.join(missing)}", FILE, todo, rule="names"))
                return {}
            found: dict[str, str] = {}
            for row in rows:
                code, name = (row["code"] or "").strip(), " ".join((row["name"] or "").split())
                if len(name) > LONGEST or not name.isprintable():
                    what = f"the name of {code} is no name: {name[:60]!a}"
                    faults.append(Fault(what, FILE, todo, row=rows.line_num, rule="names"))
                    return {}
                if code and name and found.setdefault(code, name) != name:
                    what = f"{code} has two names: {found[code]} and {name}"
                    faults.append(Fault(what, FILE, todo, row=rows.line_num, rule="names"))
                    return {}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        faults.append(Fault(f"cannot be read: {error}", FILE, todo, rule="names"))
        return {}
    return found


def with_everyday_names(areas: Mapping[str, pd.DataFrame], given: Mapping[str, str]) -> dict[str, pd.DataFrame]:
    """The areas of each level with ``name`` (everyday, unique within a level), ``official_name`` and ``place``.
    Without a given name the official one stands, and the place of a small area is its ward."""
    lads = dict(zip(areas["lad"]["code"], areas["lad"]["name"], strict=True)) if "lad" in areas else {}
    wards = dict(zip(areas["ward"]["code"], areas["ward"]["name"], strict=True)) if "ward" in areas else {}
    out = {}
    for level, frame in areas.items():
        official = frame["name"].astype("str")
        own = [given.get(code) for code in frame["code"]]
        back = frame["ward_code"].map(wards) if level == "lsoa" else official
        codes, where = frame["code"].tolist(), [lads.get(code, "") for code in frame["lad_code"]]
        out[level] = frame.assign(
            name=with_authorities(unique_names(codes, official.tolist(), own), codes, where),
            official_name=official,
            place=[
                name or (told if isinstance(told, str) else "") or plain
                for name, told, plain in zip(own, back, official, strict=True)
            ],
        )
    return out


def unique_names(codes: Sequence[str], official: Sequence[str], given: Sequence[str | None]) -> list[str]:
    """A name for each area, none the same as another's (official names that stand twice stay as they are).

    A given name that stands once is kept. One that several areas share gets what tells them apart: the end of the official name
    where that is a number with a letter ("Byker (012B)"), else a letter ("Moor Park A"); where two ends are alike the whole
    official name ("Town Centre (Barnet 001A)"), and at last the code.
    """
    members: dict[str, list[int]] = {}
    for i, name in enumerate(given):
        if name:
            members.setdefault(name, []).append(i)
    out = list(official)
    taken = {name for name, own in zip(official, given, strict=True) if not own}
    alone = {name for name, at in members.items() if len(at) == 1 and name not in taken}
    for name in alone:
        out[members[name][0]] = name
    taken |= set(members)  # a name that was made up never reads as a name that was given
    for name, at in members.items():
        if name in alone:
            continue
        for i, told in zip(at, _told_apart(name, [official[i] for i in at]), strict=True):
            ways = (told, f"{name} ({official[i]})", f"{name} ({codes[i]})")
            out[i] = next((way for way in ways if way not in taken), f"{name} ({official[i]}, {codes[i]})")
            taken.add(out[i])
    return out


def with_authorities(names: Sequence[str], codes: Sequence[str], authorities: Sequence[str]) -> list[str]:
    """Names that stand twice with what tells them apart: "Castle (Sunderland)", within one authority the code too."""
    times, out, taken = Counter(names), list(names), set(names)
    pairs = Counter(zip(names, authorities, strict=True))
    for i, (name, code, authority) in enumerate(zip(names, codes, authorities, strict=True)):
        if times[name] < 2:
            continue
        said = f"{name} ({authority})"
        if not authority or authority == name or pairs[name, authority] > 1 or said in taken:
            said = f"{name} ({f'{authority}, ' if authority else ''}{code})"
        while said in taken:
            said += f" ({code})"
        out[i] = said
        taken.add(said)
    return out


def _told_apart(name: str, official: list[str]) -> list[str]:
    tails = [found[1] if (found := _TAIL.search(full)) else "" for full in official]
    if not all(tails):
        return [f"{name} {_letter(number)}" for number in range(1, len(official) + 1)]
    alike = len(set(tails)) < len(tails)
    return [f"{name} ({full if alike else tail})" for full, tail in zip(official, tails, strict=True)]


def _letter(number: int) -> str:
    """1 -> A, 26 -> Z, 27 -> AA."""
    out = ""
    while number:
        number, rest = divmod(number - 1, 26)
        out = chr(ord("A") + rest) + out
    return out
