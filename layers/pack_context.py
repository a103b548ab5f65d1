"""What a region pack may hold beside areas and layers, and can do without: places, lines, groups of areas, contacts and a brand.

Whatever is broken is left out with one fault, which becomes a notice; nothing here refuses a pack. docs/region-pack.md says what
each file is.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import geopandas as gpd
import pandas as pd

from layers.methods.affected import AffectedGroup
from layers.model import Brand, Contact, Fault

PLACES, LINES, GROUPS = "context/places.parquet", "context/lines.parquet", "lookups/groups.csv"
AFFECTED = "affected.toml"
PLACE_COLUMNS = ("name", "population", "geometry")
LINE_COLUMNS = ("kind", "geometry")
GROUP_COLUMNS = ("kind", "code", "group")
CONTACT_KEYS = ("role", "phone", "email")
BRAND_KEYS = ("name", "logo", "contact")
LOGO_ENDINGS = (".png", ".jpg", ".jpeg", ".svg")
LONGEST = 200
_EMAIL = re.compile(r"[^@\s<>\"']+@[^@\s<>\"']+\.[^@\s<>\"']+")
_PHONE = re.compile(r"[0-9+() .-]{3,40}(ext\.? ?[0-9]{1,6})?")
_MEND = "mend it, then: commonground region seal PACK"


def read_shapes(pack: Path, where: str, columns: Collection[str], faults: list[Fault]) -> gpd.GeoDataFrame | None:
    """Places or lines of a pack (EPSG:4326); None where there are none, or where they cannot be used."""
    file = Path(pack) / where
    if not file.is_file():
        return None
    try:
        frame = gpd.read_parquet(file)
    except Exception as error:  # pyarrow and geopandas raise many kinds for a file cut short
        faults.append(Fault(f"cannot be read as GeoParquet: {error}", where, _MEND))
        return None
    if missing := [name for name in columns if name not in frame.columns]:
        faults.append(Fault(f"columns are missing: {', '.join(missing)}", where, _MEND))
        return None
    if frame.crs is None or frame.crs.to_epsg() != 4326:
        faults.append(Fault(f"shapes are in {frame.crs}, not in EPSG:4326", where, _MEND))
        return None
    return frame[list(columns)].reset_index(drop=True)


def read_groups(pack: Path, known: Collection[str], faults: list[Fault]) -> pd.DataFrame | None:
    """Groups of areas, one row an area and kind of group: ``kind, code, group``, all text; None without the file."""
    file = Path(pack) / GROUPS
    if not file.is_file():
        return None
    try:
        frame = pd.read_csv(file, dtype="str", encoding="utf-8-sig", keep_default_na=False)
    except (OSError, ValueError) as error:
        faults.append(Fault(f"cannot be read: {error}", GROUPS, _MEND))
        return None
    if missing := [name for name in GROUP_COLUMNS if name not in frame.columns]:
        faults.append(Fault(f"columns are missing: {', '.join(missing)}", GROUPS, _MEND))
        return None
    strange = frame["code"][~frame["code"].isin(known)]
    if len(strange):
        what = f"{len(strange):,} rows name an area that is not in the pack, the first is {strange.iloc[0]!a}"
        faults.append(Fault(what, GROUPS, _MEND))
        return None
    return frame[list(GROUP_COLUMNS)]


def read_affected(pack: Path, faults: list[Fault]) -> tuple[AffectedGroup, ...]:
    """``affected.toml``: which layers say who is affected, by group; () without it. Whether they exist is not known here."""
    file = Path(pack) / AFFECTED
    if not file.is_file():
        return ()
    try:
        rows = tomllib.loads(file.read_text("utf-8")).get("group", [])
        groups = tuple(
            AffectedGroup(str(row["name"]), tuple(map(str, row.get("parts", ()))), str(row.get("fifths", "")))
            for row in rows
        )
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        faults.append(Fault(f"cannot be read: {error!r}", AFFECTED, _MEND))
        return ()
    if wrong := [group.name for group in groups if bool(group.parts) == bool(group.fifths)]:
        faults.append(Fault(f"the group {wrong[0]!a} needs either parts or fifths", AFFECTED, _MEND))
        return ()
    return groups


def read_contact(raw: Any, whose: str, faults: list[Fault]) -> Contact | None:
    """``{role, phone, email}`` of a partner or of the brand; None where there is none, or one that cannot be used."""
    if raw is None:
        return None
    if not isinstance(raw, Mapping):
        faults.append(Fault(f"the contact of {whose} is no table", "region.toml", 'write contact = { role = "..." }'))
        return None
    what = ""
    if strange := [key for key in raw if key not in CONTACT_KEYS]:
        what = f"has the unknown key {ascii(strange[0])[:60]}"
    elif any(not is_line(value) for value in raw.values()):
        what = "is not plain text on one line"
    elif raw.get("email") and not _EMAIL.fullmatch(raw["email"]):
        what = f"has an e-mail address that cannot be one: {ascii(raw['email'])[:60]}"
    elif raw.get("phone") and not _PHONE.fullmatch(raw["phone"]):
        what = f"has a telephone number that cannot be one: {ascii(raw['phone'])[:60]}"
    if what:
        faults.append(Fault(f"the contact of {whose} {what}", "region.toml", f"use {', '.join(CONTACT_KEYS)}"))
        return None
    return Contact(**raw) if any(raw.values()) else None


def read_brand(raw: Any, pack: Path, broken: Collection[str], faults: list[Fault]) -> Brand:
    """``[brand]`` of a pack; an empty one where there is none. ``broken``: parts of the pack that its manifest disowns."""
    if raw is None:
        return Brand()
    if not isinstance(raw, Mapping) or not all(is_line(raw.get(key, "")) for key in ("name", "logo")):
        faults.append(Fault("[brand] is no table of plain texts", "region.toml", f"use {', '.join(BRAND_KEYS)}"))
        return Brand()
    logo = raw.get("logo", "")
    part = f"brand/{PurePosixPath(logo).stem}"
    if logo and part in broken:
        logo = ""  # its own fault says why
    elif logo and (why := _logo_fault(logo, pack)):
        faults.append(
            Fault(f"the logo {ascii(logo)[:80]} {why}", "region.toml", "put it into the folder brand/ of the pack")
        )
        logo = ""
    return Brand(raw.get("name", ""), logo, read_contact(raw.get("contact"), "the brand", faults))


def _logo_fault(logo: str, pack: Path) -> str:
    path = PurePosixPath(logo)
    if path.is_absolute() or ".." in path.parts or path.parts[:1] != ("brand",) or "\\" in logo:
        return "is not a file in the folder brand/"
    if path.suffix.lower() not in LOGO_ENDINGS:
        return f"does not end in {', '.join(LOGO_ENDINGS)}"
    return "" if (Path(pack) / logo).is_file() else "is not in the pack"


def is_line(value: Any) -> bool:
    """Whether it is text on one line that can stand in a page as it is."""
    return isinstance(value, str) and len(value) <= LONGEST and value.isprintable()
