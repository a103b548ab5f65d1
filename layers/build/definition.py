"""Region definitions: the TOML that says which authorities and partners make a region; read and checked here.

docs/region-pack.md describes the keys. :func:`read_definition` reads a file and refuses it with every fault at once;
:func:`resolve_partners` turns what it says about partners into partners with footprints, from the official lookups.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from layers.crossings import Crossing, read_crossings
from layers.model import PARTNER_KINDS, Brand, Contact, Fault, Partner, Refused
from layers.pack_context import BRAND_KEYS, GROUP_COLUMNS, LOGO_ENDINGS, read_contact

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from shapely.geometry.base import BaseGeometry

ALL_OF_ENGLAND = "all of England"
BODY_LOOKUPS = ("police", "fire", "icb")
PARTNER_SOURCES = ("councils", *BODY_LOOKUPS)

KEYS = (
    "id",
    "name",
    "description",
    "lads",
    "service_buffer_m",
    "context_km",
    "lead_partner",
    "themes",
    "partners_from",
    "partners",
    "crossings",
    "crossings_from",
    "attribution",
    "brand",
    "groups",
)
PARTNER_KEYS = ("id", "name", "kind", "footprint", "footprint_from", "contact")
GROUP_KEYS = ("name", "file")

OGL_ATTRIBUTION = (
    "Contains OS data © Crown copyright and database right. Contains National Statistics data © Crown copyright and "
    "database right. Contains Royal Mail data © Royal Mail copyright and database right. Contains public sector "
    "information licensed under the Open Government Licence v3.0.",
)


@dataclass(frozen=True)
class PartnerDefinition:
    """A partner as a definition names it. Exactly one of ``footprint`` and ``lookup`` with ``code`` is filled."""

    id: str
    name: str
    kind: str
    footprint: tuple[str, ...] | None = None  # LAD codes; None with no lookup: the whole region
    lookup: str = ""  # police, fire or icb
    code: str = ""  # code of the body in that lookup
    contact: Contact | None = None


@dataclass(frozen=True)
class RegionDefinition:
    """A region as its file describes it, before any official file was opened."""

    id: str
    name: str
    lads: tuple[str, ...] | None  # None: all of England
    description: str = ""
    service_buffer_m: float = 10_000.0
    context_km: float = 60.0
    lead_partner: str = ""
    themes: tuple[str, ...] = ()  # ids of the catalogue's themes; empty: all of them
    partners_from: tuple[str, ...] = ()
    partners: tuple[PartnerDefinition, ...] = ()
    crossings: tuple[Crossing, ...] = ()  # bridges, tunnels and ferries
    attribution: tuple[str, ...] = OGL_ATTRIBUTION
    path: Path | None = None
    brand: Brand = field(default_factory=Brand)  # its logo as it is called in the pack
    logo_file: Path | None = None
    groups: pd.DataFrame | None = None  # kind, code, group: other groups of areas, as layers.pack_context reads them


@dataclass(frozen=True)
class RegionGeography:
    """What a layer builder needs to know about a region: areas, lookups, partners and the land around it.

    ``areas[level]`` has the columns of :data:`layers.fields.AREA`, EPSG:4326, in area order. ``lookups`` has the tables
    of the pack's ``lookups/`` by name. ``england`` has every LSOA of England: ``code, population, lad_code``, for
    national bands. ``buffer`` is the region plus the service buffer, EPSG:27700.
    """

    areas: dict[str, gpd.GeoDataFrame]
    lookups: dict[str, pd.DataFrame]
    lad_codes: tuple[str, ...]
    england: pd.DataFrame
    buffer: BaseGeometry
    partners: tuple[Partner, ...]
    lead_partner: str
    vintages: dict[str, int] = field(default_factory=lambda: {"lsoa": 2021, "ward": 2024, "lad": 2024})

    def partner_of_kind(self, kind: str) -> str:
        """Id of the only partner of a kind; the lead partner when there is none, or more than one."""
        found = [partner.id for partner in self.partners if partner.kind == kind]
        return found[0] if len(found) == 1 else self.lead_partner


def read_definition(path: str | Path) -> RegionDefinition:
    """Read a region definition. Raises :class:`Refused` with every fault: syntax, keys, codes, ids, footprints.

    Whether the codes exist is not known here; ``layers.build.region_pack`` checks them against the official files.
    """
    path = Path(path)
    where, faults = path.name, []
    title = f"The region definition {path} cannot be used."
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        todo = "give the path of a definition, for example data/regions/north-east.toml"
        raise Refused(title, [Fault("there is no such file", str(path), todo, rule="missing-file")]) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Refused(title, [Fault(f"not valid TOML: {error}", where, "mend the file", rule="bad-toml")]) from None
    _unknown_keys(raw, KEYS, where, faults)
    region_id = _text(raw, "id", where, faults, required=True)
    if region_id and not is_slug(region_id):
        faults.append(_not_a_slug("region id", region_id, where))
    name = _text(raw, "name", where, faults, required=True)
    lads = _lads(raw.get("lads"), where, faults)
    partners_from = _choices(raw, "partners_from", PARTNER_SOURCES, where, faults)
    partners = _partners(raw.get("partners", []), where, faults)
    lead = _text(raw, "lead_partner", where, faults)
    if lead and not partners_from and lead not in {partner.id for partner in partners}:
        faults.append(_unknown_lead(lead, [partner.id for partner in partners], where))
    definition = RegionDefinition(
        id=region_id,
        name=name,
        lads=lads,
        description=_text(raw, "description", where, faults),
        service_buffer_m=_number(raw, "service_buffer_m", 10_000.0, 100_000.0, where, faults),
        context_km=_number(raw, "context_km", 60.0, 500.0, where, faults),
        lead_partner=lead,
        themes=_texts(raw, "themes", where, faults),
        partners_from=partners_from,
        partners=partners,
        crossings=_crossings(raw, path, where, faults),
        attribution=_texts(raw, "attribution", where, faults) or OGL_ATTRIBUTION,
        path=path,
        brand=(brand := _brand(raw.get("brand"), path, where, faults))[0],
        logo_file=brand[1],
        groups=_groups(raw.get("groups", []), path, where, faults),
    )
    if not partners and not partners_from and not faults:
        todo = 'add [[partners]], or partners_from = ["councils", "police", "fire", "icb"]'
        faults.append(Fault("a region needs at least one partner", where, todo, rule="no-partners"))
    if faults:
        raise Refused(title, faults)
    return definition


def _crossings(raw: dict[str, Any], path: Path, where: str, faults: list[Fault]) -> tuple[Crossing, ...]:
    """A definition's own crossings, then those of the definitions beside it that ``crossings_from`` names: once each."""
    found = list(read_crossings(raw.get("crossings"), where, faults))
    for name in _texts(raw, "crossings_from", where, faults):
        other = path.parent / f"{name}.toml"
        try:
            theirs = tomllib.loads(other.read_text("utf-8")) if is_slug(name) else None
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
            theirs = None
        if theirs is None:
            todo = f"name a definition that lies in the same folder, without .toml ({path.parent.name}/)"
            what = f"there are no crossings to take from '{name}'"
            faults.append(Fault(what, f"{where}, crossings_from", todo, value=name, rule="unknown-definition"))
            continue
        known = {crossing.name for crossing in found}
        found += [c for c in read_crossings(theirs.get("crossings"), other.name, faults) if c.name not in known]
    return tuple(found)


def resolve_partners(
    definition: RegionDefinition,
    lad_names: dict[str, str],
    bodies: dict[str, pd.DataFrame],
    names: dict[str, dict[str, str]],
) -> tuple[tuple[Partner, ...], str, list[Fault]]:
    """Partners with footprints inside the region, the id of the lead partner, and what is wrong with them.

    ``lad_names``: code -> official name of the region's authorities, in area order. ``bodies[lookup]``: frame of
    ``lad_code, body_code, body_name``, one row for each authority and body that meet. ``names[lookup]``: body or
    authority code -> the name the body goes by, where the lookup only has the area's ("Northumbria").
    The definition's own partners come first, then those made from lookups; a body that the definition names itself
    is not made again.
    """
    where = definition.path.name if definition.path else definition.id
    faults: list[Fault] = []
    partners: list[Partner] = []
    named_bodies = {(p.lookup, p.code) for p in definition.partners if p.lookup}
    named_councils = {p.footprint for p in definition.partners if p.kind == "council"}
    for number, wanted in enumerate(definition.partners, 1):
        at = f"{where}, partner {number} '{wanted.id}'"
        footprint = _footprint(wanted, lad_names, bodies, at, faults)
        partners.append(Partner(wanted.id, wanted.name, wanted.kind, footprint, wanted.contact))
    taken = {partner.id for partner in partners}

    def add(name: str, kind: str, footprint: tuple[str, ...], code: str, short: str = "") -> None:
        slug = slugify(short or name)
        if slug in taken:
            slug = f"{slug}-{code.lower()}"
        taken.add(slug)
        partners.append(Partner(slug, name, kind, footprint))

    for source in definition.partners_from:
        if source == "councils":
            for code, lad_name in lad_names.items():
                if (code,) not in named_councils:
                    add(council_name(code, lad_name, names.get("councils", {})), "council", (code,), code, lad_name)
            continue
        here = bodies[source][bodies[source]["lad_code"].isin(lad_names)]
        for (code, body_name), rows in here.groupby(["body_code", "body_name"], sort=True):
            if (source, code) not in named_bodies:
                full = names.get(source, {}).get(code) or body_name
                footprint = tuple(lad for lad in lad_names if lad in set(rows["lad_code"]))
                add(full, source, footprint, code)
    lead = definition.lead_partner or (partners[0].id if partners else "")
    if partners and lead not in {partner.id for partner in partners}:
        faults.append(_unknown_lead(lead, [partner.id for partner in partners], where))
    return tuple(partners), lead, faults


def council_name(code: str, lad_name: str, names: dict[str, str]) -> str:
    """What the council of an authority calls itself: "London Borough of Barnet", "Bolton Council"."""
    if code in names:
        return names[code]
    if code.startswith("E09"):
        return f"London Borough of {lad_name}"
    return f"{lad_name} Council"


def slugify(text: str) -> str:
    """A short id from a name: "NHS North East London Integrated Care Board" -> "north-east-london-icb"."""
    text = text.lower().replace("&", " and ").replace("'", "").replace("’", "")
    text = text.replace("integrated care board", "icb")
    text = re.sub(r"^(nhs|the) |, (city|county) of$", "", text)
    text = re.sub(r"(county )?fire (and rescue( service)?|service|brigade)$", "fire", text)
    return re.sub(r"[^a-z0-9]+", "-", text).strip("-")


def is_slug(text: str) -> bool:
    return re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", text) is not None


def near(value: str, known, most: int = 3) -> str:
    """Up to three known values that look like ``value``, joined for a sentence; "" when none does."""
    return ", ".join(difflib.get_close_matches(str(value), [str(k) for k in known], n=most, cutoff=0.7))


# What each key may hold


def _partners(raw: Any, where: str, faults: list[Fault]) -> tuple[PartnerDefinition, ...]:
    if not isinstance(raw, list) or not all(isinstance(item, dict) for item in raw):
        faults.append(Fault("'partners' must be written as [[partners]] tables", where, rule="bad-type"))
        return ()
    partners, seen = [], set()
    for number, item in enumerate(raw, 1):
        at = f"{where}, partner {number} '{item.get('id', '?')}'"
        _unknown_keys(item, PARTNER_KEYS, at, faults)
        partner_id = _text(item, "id", at, faults, required=True)
        name = _text(item, "name", at, faults, required=True)
        kind = _text(item, "kind", at, faults, required=True)
        if partner_id and not is_slug(partner_id):
            faults.append(_not_a_slug("partner id", partner_id, at))
        if partner_id in seen:
            todo = "give each partner its own id"
            faults.append(Fault(f"the partner id '{partner_id}' stands twice", at, todo, rule="duplicate-partner"))
        seen.add(partner_id)
        if kind and kind not in PARTNER_KINDS:
            todo = f"use one of {', '.join(PARTNER_KINDS)}"
            faults.append(Fault(f"'{kind}' is not a kind of partner", at, todo, value=kind, rule="unknown-kind"))
        footprint, lookup, code = _footprint_keys(item, at, faults)
        contact = read_contact(item.get("contact"), f"partner {number} '{partner_id}'", faults)
        partners.append(PartnerDefinition(partner_id, name, kind, footprint, lookup, code, contact))
    return tuple(partners)


def _brand(raw: Any, path: Path, where: str, faults: list[Fault]) -> tuple[Brand, Path | None]:
    """``[brand]`` and the file of its logo, which lies beside the definition and goes into ``brand/`` of the pack."""
    if raw is None:
        return Brand(), None
    if not isinstance(raw, dict):
        faults.append(Fault("'brand' must be written as a [brand] table", where, rule="bad-type"))
        return Brand(), None
    _unknown_keys(raw, BRAND_KEYS, f"{where}, brand", faults)
    name, logo = (_text(raw, key, f"{where}, brand", faults) for key in ("name", "logo"))
    file = path.parent / logo if logo else None
    if file is not None and (file.suffix.lower() not in LOGO_ENDINGS or not file.is_file()):
        todo = f"give the name of a file beside the definition that ends in {', '.join(LOGO_ENDINGS)}"
        faults.append(Fault(f"the logo '{logo}' is no picture that can be had", f"{where}, brand", todo, rule="logo"))
        file = None
    contact = read_contact(raw.get("contact"), "the brand", faults)
    return Brand(name, f"brand/logo{file.suffix.lower()}" if file else "", contact), file


def _groups(raw: Any, path: Path, where: str, faults: list[Fault]) -> pd.DataFrame | None:
    """``[[groups]]``: each a name ("Primary care networks") and a CSV beside the definition with the columns code and group."""
    import pandas as pd

    if not isinstance(raw, list) or not all(isinstance(item, dict) for item in raw):
        faults.append(Fault("'groups' must be written as [[groups]] tables", where, rule="bad-type"))
        return None
    parts = []
    for number, item in enumerate(raw, 1):
        at = f"{where}, group {number}"
        _unknown_keys(item, GROUP_KEYS, at, faults)
        name, file = (_text(item, key, at, faults, required=True) for key in GROUP_KEYS)
        if not name or not file:
            continue
        try:
            table = pd.read_csv(path.parent / file, dtype="str", encoding="utf-8-sig", usecols=["code", "group"])
        except (OSError, ValueError) as error:
            todo = "give a CSV beside the definition with the columns code and group"
            faults.append(Fault(f"its file '{file}' cannot be used: {error}", at, todo, rule="groups"))
            continue
        parts.append(table.dropna().assign(kind=name)[list(GROUP_COLUMNS)])
    return pd.concat(parts, ignore_index=True) if parts else None


def _footprint_keys(item: dict, at: str, faults: list[Fault]) -> tuple[tuple[str, ...] | None, str, str]:
    """``footprint``, ``lookup`` and ``code`` of one partner; ``footprint = "all"`` is the whole region."""
    has = [key for key in ("footprint", "footprint_from") if key in item]
    if len(has) != 1:
        what = "has no footprint" if not has else "has both footprint and footprint_from"
        todo = (
            'give one of footprint = ["E08000021"], footprint = "all", footprint_from = {lookup = "fire", code = "..."}'
        )
        faults.append(Fault(what, at, todo, rule="footprint"))
        return (), "", ""
    if has == ["footprint"]:
        if item["footprint"] == "all":
            return None, "", ""
        codes = _texts(item, "footprint", at, faults)
        if not codes and isinstance(item["footprint"], list):
            faults.append(Fault("the footprint is empty", at, "name at least one authority", rule="footprint"))
        return codes, "", ""
    asked = item["footprint_from"]
    if not isinstance(asked, dict) or set(asked) != {"lookup", "code"}:
        todo = 'write footprint_from = {lookup = "police", code = "E23000007"}'
        faults.append(Fault("footprint_from needs lookup and code", at, todo, rule="footprint"))
        return (), "", ""
    lookup = str(asked["lookup"])
    if lookup not in BODY_LOOKUPS:
        todo = f"use one of {', '.join(BODY_LOOKUPS)}"
        faults.append(Fault(f"there is no lookup '{lookup}'", at, todo, value=lookup, rule="footprint"))
        return (), "", ""
    return (), lookup, str(asked["code"])


def _footprint(
    wanted: PartnerDefinition, lad_names: dict[str, str], bodies: dict[str, pd.DataFrame], at: str, faults: list[Fault]
) -> tuple[str, ...]:
    if wanted.lookup:
        frame = bodies[wanted.lookup]
        rows = frame[frame["body_code"] == wanted.code]
        if rows.empty:
            known = dict(zip(frame["body_code"], frame["body_name"], strict=True))
            here = frame[frame["lad_code"].isin(lad_names)][["body_code", "body_name"]].drop_duplicates()
            meant = ", ".join(f"{code} {name}" for code, name in here.itertuples(index=False)) or near(
                wanted.code, known
            )
            what = f"the {wanted.lookup} lookup has no body {wanted.code}"
            todo = f"in this region it has {meant}" if meant else "check the code"
            faults.append(Fault(what, at, todo, value=wanted.code, rule="unknown-body"))
            return ()
        served = set(rows["lad_code"])
        footprint = tuple(code for code in lad_names if code in served)
        if not footprint:
            what = f"{rows['body_name'].iloc[0]} ({wanted.code}) serves none of the region's authorities"
            faults.append(Fault(what, at, "take the partner out, or add an authority", rule="footprint"))
        return footprint
    if wanted.footprint is None:
        return tuple(lad_names)
    for code in wanted.footprint:
        if code not in lad_names:
            meant = near(code, lad_names)
            what = f"its footprint names {code}, which is not an authority of the region"
            todo = f"did you mean {meant}?" if meant else "take it out, or add it to lads"
            faults.append(Fault(what, at, todo, value=code, rule="footprint"))
    return tuple(code for code in lad_names if code in set(wanted.footprint))


def _lads(raw: Any, where: str, faults: list[Fault]) -> tuple[str, ...] | None:
    if isinstance(raw, str) and raw.lower() == ALL_OF_ENGLAND.lower():
        return None
    if not isinstance(raw, list) or not raw or not all(isinstance(code, str) for code in raw):
        what = "'lads' is missing" if raw is None else "'lads' is not a list of authority codes"
        todo = f'write lads = ["E08000021", "E08000037"], or lads = "{ALL_OF_ENGLAND}"'
        faults.append(Fault(what, where, todo, rule="lads"))
        return ()
    codes = tuple(code.strip() for code in raw)
    for code in sorted({code for code in codes if codes.count(code) > 1}):
        faults.append(Fault(f"{code} stands twice in lads", where, "name each authority once", value=code, rule="lads"))
    for code in codes:
        if not re.fullmatch(r"[A-Z]\d{8}", code):
            todo = "a code is a letter and eight digits, for example E08000021"
            faults.append(Fault(f"'{code}' is not the code of an authority", where, todo, value=code, rule="lads"))
    return codes


def _text(raw: dict, key: str, where: str, faults: list[Fault], required: bool = False) -> str:
    value = raw.get(key, "")
    if not isinstance(value, str):
        faults.append(Fault(f"'{key}' must be text in quotes, not {value!r}", where, rule="bad-type"))
        return ""
    if required and not value.strip():
        faults.append(Fault(f"the key '{key}' is missing or empty", where, f'add {key} = "..."', rule="missing-key"))
    return value.strip()


def _texts(raw: dict, key: str, where: str, faults: list[Fault]) -> tuple[str, ...]:
    value = raw.get(key, [])
    if isinstance(value, str) or not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        faults.append(Fault(f"'{key}' must be a list of texts, not {value!r}", where, rule="bad-type"))
        return ()
    return tuple(value)


def _choices(raw: dict, key: str, allowed: tuple[str, ...], where: str, faults: list[Fault]) -> tuple[str, ...]:
    values = _texts(raw, key, where, faults)
    for value in values:
        if value not in allowed:
            todo = f"use some of {', '.join(allowed)}"
            faults.append(Fault(f"'{value}' is not known for {key}", where, todo, value=value, rule="unknown-choice"))
    return tuple(dict.fromkeys(value for value in values if value in allowed))


def _number(raw: dict, key: str, default: float, most: float, where: str, faults: list[Fault]) -> float:
    value = raw.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        todo = f"give a number from 0 to {most:,.0f}"
        faults.append(Fault(f"'{key}' cannot be {value!r}", where, todo, rule="bad-number"))
        return default
    return float(value)


def _unknown_keys(raw: dict, known: tuple[str, ...], where: str, faults: list[Fault]) -> None:
    for key in raw:
        if key not in known:
            meant = near(key, known, 1)
            todo = f"did you mean {meant}?" if meant else f"use {', '.join(known)}"
            faults.append(Fault(f"the key '{key}' is not known", where, todo, value=key, rule="unknown-key"))


def _not_a_slug(what: str, value: str, where: str) -> Fault:
    todo = f"use small letters, digits and single hyphens, for example {slugify(value) or 'north-east'}"
    return Fault(f"the {what} '{value}' cannot be used in an address", where, todo, value=value, rule="bad-id")


def _unknown_lead(lead: str, known: list[str], where: str) -> Fault:
    meant = near(lead, known) or ", ".join(known[:8])
    what = f"lead_partner '{lead}' is not one of the partners"
    return Fault(what, where, f"the partners are {meant}", value=lead, rule="unknown-lead")
