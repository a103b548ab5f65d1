"""NHS England, Organisation Data Service: GP practices, pharmacies, trust sites, specialist services, as points. No joins.

Each ``read`` gives ``service_id, name, category, address, postcode, longitude, latitude`` (EPSG:4326), ``easting,
northing`` (EPSG:27700) where the file has them, ``lad_code`` and ``as_of``. Names come in capitals and are set in
mixed case for reading; identifiers are the publisher's own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from layers.sources.tables import numbers, read_columns, refuse

OPTIONS = frozenset({"table", "category", "keep", "name_has", "as_of"})

TABLES = {
    "organisations": (
        "org_code",
        "name",
        "address",
        "postcode",
        "lad_code",
        "easting",
        "northing",
        "longitude",
        "latitude",
    ),
    "trust_sites": ("name", "postcode", "lad_code", "longitude", "latitude"),
}
"""The two shapes of file. Trust sites have no code of their own: one row per postcode, all names joined by " | "."""

CAPITALS = frozenset(
    """NHS GP GPS A&E CGL SMS WIC UTC MIU ICB STFT CAMHS CMHT SARC GUM GU DTTO DAT DART LTD PLC UK II III IV NW NE SW SE
    OOH HMP CASH QE NUTH CNTW PCT UCC UEC ED EAU IUC HIV STI DVT BPAS PHC HQ LLP""".split()  # noqa: SIM905
)
SMALL = frozenset(["of", "and", "the", "in", "at", "upon", "on", "le", "for", "by", "to", "under", "with"])


def read(path: Path, options: Mapping) -> pd.DataFrame:
    """One list of sites. Raises :class:`~layers.model.Refused` for a bad file or a choice that the file does not know.

    ``keep = {column = [values]}`` takes only rows with those values. ``name_has = ["HOSPITAL"]`` takes only sites with
    one of the words in one of their names, and calls the site by that name. Rows without a point are left out; how
    many is in ``attrs["without_a_point"]`` of the frame.
    """
    shape = options.get("table", "organisations")
    keep = dict(options.get("keep") or {})
    frame = read_columns(path, [*TABLES[shape], *keep])
    for column, values in keep.items():
        if strange := sorted(set(values) - set(frame[column].dropna().astype("str").unique())):
            held = ", ".join(sorted(frame[column].dropna().astype("str").unique())[:12])
            what = f"the file has no {', '.join(strange)}"
            raise refuse(what, path, f"it has: {held}", column=column, rule="not-in-file")
        frame = frame[frame[column].isin(values)]
    names = frame["name"].astype("str")
    if words := options.get("name_has"):
        pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})\b")
        names = names.map(lambda joined: _named(joined, pattern))
        frame, names = frame[names.ne("")], names[names.ne("")]
    else:
        names = names.map(lambda joined: joined.split(" | ")[0])
    longitude, latitude = numbers(frame, "longitude", path), numbers(frame, "latitude", path)
    postcode = frame["postcode"].astype("str").str.strip().str.upper()
    ids = (
        frame["org_code"].astype("str") if "org_code" in frame else "site-" + postcode.str.replace(" ", "").str.lower()
    )
    if ids.duplicated().any():
        raise refuse(f"the site {ids[ids.duplicated()].iloc[0]} stands twice", path, rule="duplicate-service")
    tidy = pd.DataFrame(
        {
            "service_id": ids,
            "name": names.map(readable),
            "category": options.get("category", ""),
            "latitude": latitude,
            "longitude": longitude,
            "postcode": postcode,
            "lad_code": frame["lad_code"].fillna("").astype("str"),
            "as_of": options.get("as_of", ""),
        }
    )
    if "easting" in frame:
        tidy["easting"], tidy["northing"] = numbers(frame, "easting", path), numbers(frame, "northing", path)
    if "address" in frame:
        tidy["address"] = frame["address"].fillna("").astype("str").map(readable)
    placed = tidy["longitude"].notna() & tidy["latitude"].notna()
    tidy = tidy[placed].reset_index(drop=True)
    tidy.attrs["without_a_point"] = int((~placed).sum())
    return tidy


def _named(joined: str, pattern: re.Pattern) -> str:
    """The shortest of a site's joined names that has the word, "" for none; the shortest is the least encrusted."""
    fitting = [name.strip() for name in joined.split(" | ") if pattern.search(name)]
    return min(fitting, key=lambda name: (len(name), name)) if fitting else ""


def readable(shouted: str) -> str:
    """A name in capitals, in mixed case: ``ST NICHOLAS HOSPITAL`` -> ``St Nicholas Hospital``; abbreviations stay.

    >>> readable("WALK-IN CENTRE (NHS), NEWCASTLE UPON TYNE")
    'Walk-in Centre (NHS), Newcastle upon Tyne'
    """
    text = re.sub(r"\s+", " ", shouted).strip()
    if not text.isupper():
        return text
    spaced = re.sub(r",(?=\S)", ", ", text)
    done = []
    for place, word in enumerate(re.split(r"([ /\-()])", spaced)):
        bare = word.strip(".,:;'\"")
        if bare in CAPITALS or re.search(r"\d", bare):
            done.append(word)
        elif place and bare.lower() in SMALL:
            done.append(word.lower())
        else:
            lowered = word.lower()
            done.append(re.sub(r"[a-z]", lambda first: first.group().upper(), lowered, count=1))
    cased = "".join(done)
    return re.sub(r"\b(O|D|Mc)'([a-z])", lambda m: f"{m.group(1)}'{m.group(2).upper()}", cased)
