"""``datapackage.json`` <-> :class:`~layers.model.Descriptor`. docs/layer-package.md is the reference.

What comes in may have been written by anybody, so every value is checked for its type before it is used, and all that is
wrong is reported at once.
"""

from __future__ import annotations

import math
import re
from typing import Any

import pandas as pd

from layers.fields import INDICATOR, SERVICE, Field
from layers.model import (
    LEVELS,
    AccessStandard,
    Audience,
    Descriptor,
    Direction,
    Disclosure,
    Fault,
    Kind,
    Measure,
    NationalBands,
    Refused,
    Source,
)
from layers.reading.marks import meaning

FILE = "datapackage.json"
TABLE_FILE = "data.csv"
SUPPRESSION_MARK = "*"  # written where a suppressed value came without a mark of its own

LICENCES = {
    "OGL-UK-3.0": (
        "Open Government Licence v3.0",
        "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
    ),
    "ODbL-1.0": ("Open Data Commons Open Database License 1.0", "https://opendatacommons.org/licenses/odbl/1-0/"),
    "CC-BY-4.0": ("Creative Commons Attribution 4.0", "https://creativecommons.org/licenses/by/4.0/"),
    "CC0-1.0": ("Creative Commons Zero 1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
}
"""Licences that have a name in the standard: name -> (title, page)."""

OUR_KEYS = {
    # key under "commonground": (type, for which kind, meaning)
    "kind": ("text", "both", "indicator or services"),
    "theme": ("text or list", "both", "Id of the theme, or a list of them, the first being the main one"),
    "partner": ("text", "both", "Id of the partner that supplies the layer"),
    "measure": ("text", "indicator", "count, rate, percentage, score, mean, rank, decile or category"),
    "unit": ("text", "indicator", 'The words behind the number: "% of households", "per 1,000 residents"'),
    "per": ("number", "indicator", "value = numerator / denominator * per; 100 for a percentage"),
    "decimals": ("whole number", "indicator", "Decimals to show; chosen from the values when absent"),
    "direction": ("text", "indicator", "high-is-worse, low-is-worse or neutral"),
    "geography": ("object", "indicator", "level (lsoa, ward, lad) and vintage (the year of the boundaries)"),
    "period": ("text", "indicator", "Period of a table without a period column: 2024, 2023/24, Jan-Apr 2024"),
    "national": ("object", "indicator", "Cut points of the whole country's areas: level, areas, scope, quantiles"),
    "access_standard": ("object", "services", 'metric ("nearest") and max_m, metres'),
    "columns": ("object", "both", "role: header of the table; a header that is a role's name need not be listed"),
    "marks": (
        "object",
        "both",
        "mark: suppressed or missing, where the table uses one differently from the list below",
    ),
    "audience": ("text", "both", "public, partners or owner"),
    "disclosure": (
        "object",
        "both",
        "threshold (counts from 1 to threshold - 1 are withheld), rounding_base, zero_is_sensitive",
    ),
    "counts_people": ("true or false", "both", "Whether the numbers count people, so that small ones must be withheld"),
    "synthetic": ("true or false", "both", "Made up for demonstration"),
    "why_it_matters": ("text", "both", "One or two sentences for a member of the public"),
    "caveats": ("text", "both", "What the numbers do not say"),
    "method": ("text", "both", "How the number came about, in plain words"),
    "next_update": ("text", "both", "When the next version is expected"),
    "contact": ("text", "both", "Who answers questions"),
    "reviewed_by": ("text", "both", "Who checked the layer"),
    "reviewed_on": ("text", "both", "When it was checked"),
}
"""Every key of ours once. The format reference in the docs is printed from here."""

_TOP = {"name", "title", "description", "profile", "licenses", "sources", "resources", "commonground"}
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_LONGEST = 20_000  # characters of any one text


def roles_of(kind: Kind | str) -> dict[str, Field]:
    """The roles that a table of this kind can have."""
    return SERVICE if kind == Kind.SERVICES else INDICATOR


def descriptor_from_json(document: dict) -> Descriptor:
    """The descriptor that a ``datapackage.json`` describes. Raises :class:`Refused` with everything that is wrong with it."""
    descriptor, faults = read_descriptor(document)
    if descriptor is None or any(fault.severity == "error" for fault in faults):
        raise Refused(f"{FILE} cannot be used.", faults)
    return descriptor


def read_descriptor(document: Any) -> tuple[Descriptor | None, list[Fault]]:
    """As :func:`descriptor_from_json`, giving the faults instead of raising them; None where there are errors."""
    if not isinstance(document, dict):
        return None, [Fault("is not a JSON object", FILE, "see docs/layer-package.md", rule="descriptor")]
    look = _Looker(document)
    ours = look.object("commonground")
    if not ours:
        look.fault("commonground", "the key is missing", 'add "commonground": {"kind": ..., "theme": ...}')
        return None, look.faults
    mine = _Looker(ours, "commonground.", look.faults)
    name = look.text("name", required=True)
    if name and not _NAME.fullmatch(name):
        look.fault("name", f"{name!r} cannot be used as an identifier", "use small letters, digits, '-', '_' and '.'")
    title = look.text("title", required=True)
    kind = mine.choice("kind", Kind, required=True)
    themes = mine.texts("theme", required=True)
    partner = mine.text("partner", required=True)
    measure = mine.choice("measure", Measure, required=kind == Kind.INDICATOR)
    geography = mine.object("geography")
    place = _Looker(geography, "commonground.geography.", look.faults)
    level = place.text("level") or "lsoa"
    if level not in LEVELS:
        place.fault("level", f"{level!r} is not a level", f"use one of {', '.join(LEVELS)}")
    vintage = place.number("vintage", 2021, whole=True)
    default_per = 100.0 if measure == Measure.PERCENTAGE else 1.0
    per = mine.number("per", default_per)
    if not per > 0:
        mine.fault(
            "per", f"{per:g} is not above 0", "per is what numerator / denominator is multiplied by: 1, 100, 1000"
        )
    decimals = mine.number("decimals", None, whole=True)
    if decimals is not None and not 0 <= decimals <= 10:
        mine.fault("decimals", f"{decimals} is not between 0 and 10", "leave it out to have it chosen")
    licence, many = _licence(look)
    extra = {key: value for key, value in document.items() if key not in _TOP}
    if many is not None:
        extra["licenses"] = many
    more = {key: value for key, value in ours.items() if key not in OUR_KEYS}
    if marks := marks_in(document):
        more["marks"] = marks
    if more:
        extra["commonground"] = more
    _check_marks(mine)
    descriptor = Descriptor(
        id=name,
        title=title,
        kind=kind,
        themes=themes,
        partner=partner,
        description=look.text("description"),
        measure=measure,
        unit=mine.text("unit"),
        per=per,
        decimals=decimals,
        direction=mine.choice("direction", Direction) or Direction.NEUTRAL,
        level=level,
        vintage=vintage,
        period=mine.text("period"),
        national=_national(mine),
        access_standard=_access_standard(mine),
        columns=_columns(mine, kind),
        audience=mine.choice("audience", Audience) or Audience.PUBLIC,
        disclosure=_disclosure(mine),
        counts_people=mine.flag("counts_people"),
        synthetic=mine.flag("synthetic"),
        why_it_matters=mine.text("why_it_matters"),
        caveats=mine.text("caveats"),
        method=mine.text("method"),
        sources=_sources(look),
        licence=licence,
        contact=mine.text("contact"),
        next_update=mine.text("next_update"),
        reviewed_by=mine.text("reviewed_by"),
        reviewed_on=mine.text("reviewed_on"),
        extra=extra,
    )
    errors = [fault for fault in look.faults if fault.severity == "error"]
    return (None if errors else descriptor), look.faults


def table_name(document: dict) -> str:
    """File name of the table. Only a plain name beside the descriptor is taken: no folders, addresses or data inline."""
    resources = document.get("resources") if isinstance(document, dict) else None
    one = resources[0] if isinstance(resources, list) and resources and isinstance(resources[0], dict) else {}
    name = one.get("path", TABLE_FILE)
    if isinstance(name, list) and len(name) == 1:
        name = name[0]
    plain = isinstance(name, str) and 0 < len(name) <= 200 and name not in (".", "..") and name.isprintable()
    if not plain or any(mark in name for mark in "/\\:\0"):
        todo = "put the table beside the descriptor and give its file name only"
        raise Refused(
            f"{FILE} cannot be used.",
            [
                Fault(
                    "is not the name of a file beside it", FILE, todo, column="resources[0].path", value=str(name)[:80]
                )
            ],
        )
    return name


def marks_of(descriptor: Descriptor) -> dict[str, str]:
    """The marks that this layer uses differently from the dialect table."""
    return dict(descriptor.extra.get("commonground", {}).get("marks", {}))


_WITHHELD = re.compile(r"suppress|withheld|confiden|disclos|redact|protect|small (?:number|count)|(?:fewer|less) than")


def marks_in(document: dict) -> dict[str, Any]:
    """Mark -> what it means, from ``commonground.marks`` and from the table schema's ``missingValues``.

    A label of Data Package v2 (``{"value": "q", "label": "suppressed"}``) decides; without one, a value that we would read
    as a number or not at all is missing, as the standard says. What our own list of marks explains stays as that says it:
    the plain list names suppressed and missing marks alike.
    """
    ours = document.get("commonground")
    given = ours.get("marks") if isinstance(ours, dict) else None
    if given is not None and not isinstance(given, dict):
        return {}  # said to be wrong elsewhere
    out: dict[str, Any] = {}
    resources = document.get("resources")
    one = resources[0] if isinstance(resources, list) and resources and isinstance(resources[0], dict) else {}
    schema = one.get("schema") if isinstance(one.get("schema"), dict) else {}
    listed = schema.get("missingValues") if isinstance(schema.get("missingValues"), list) else []
    for item in listed[:100]:
        value, label = (item.get("value"), item.get("label")) if isinstance(item, dict) else (item, None)
        if not isinstance(value, str) or not value.strip() or len(value) > 100:
            continue
        if isinstance(label, str) and label.strip():
            out[value.strip()] = "suppressed" if _WITHHELD.search(label.lower()) else "missing"
        elif meaning(value.strip()) in ("number", "bad"):
            out[value.strip()] = "missing"
    return out | dict(given or {})


def descriptor_to_json(descriptor: Descriptor, table: pd.DataFrame | None = None) -> dict:
    """A ``datapackage.json`` that Frictionless tools accept; ``table`` (role-named columns) says which fields there are."""
    d = descriptor
    indicator = d.kind == Kind.INDICATOR
    here = list(table.columns) if table is not None else list(d.columns)
    ours: dict[str, Any] = {
        "kind": str(d.kind),
        "theme": d.themes[0] if len(d.themes) == 1 else list(d.themes),
        "partner": d.partner,
        "measure": str(d.measure) if d.measure else None,
        "unit": d.unit,
        "per": _plain(d.per) if indicator or d.per != 1 else None,
        "decimals": d.decimals,
        "direction": str(d.direction) if indicator or d.direction != Direction.NEUTRAL else None,
        "geography": {"level": d.level, "vintage": d.vintage}
        if indicator or (d.level, d.vintage) != ("lsoa", 2021)
        else None,
        "period": d.period,
        "national": {
            "level": d.national.level,
            "areas": d.national.areas,
            "scope": d.national.scope,
            "quantiles": {str(n): list(cuts) for n, cuts in d.national.quantiles.items()},
        }
        if d.national
        else None,
        "access_standard": {"metric": d.access_standard.metric, "max_m": _plain(d.access_standard.max_m)}
        if d.access_standard
        else None,
        "columns": {role: header for role, header in d.columns.items() if role in here},
        "audience": str(d.audience),
        "disclosure": {
            "threshold": d.disclosure.threshold,
            "rounding_base": d.disclosure.rounding_base,
            "zero_is_sensitive": d.disclosure.zero_is_sensitive,
        }
        if d.disclosure != Disclosure()
        else None,
        "counts_people": d.counts_people or None,
        "synthetic": d.synthetic or None,
        "why_it_matters": d.why_it_matters,
        "caveats": d.caveats,
        "method": d.method,
        "next_update": d.next_update,
        "contact": d.contact,
        "reviewed_by": d.reviewed_by,
        "reviewed_on": d.reviewed_on,
        **d.extra.get("commonground", {}),
    }
    document = {
        "name": d.id,
        "title": d.title,
        "description": d.description,
        "profile": "tabular-data-package",
        "licenses": d.extra.get("licenses") or _licences_to_json(d.licence),
        "sources": [_source_to_json(source) for source in d.sources],
        "resources": [_resource(d, here, table)],
        "commonground": {key: value for key, value in ours.items() if value not in (None, "", {}, [])},
        **{key: value for key, value in d.extra.items() if key not in ("commonground", "licenses")},
    }
    return {key: value for key, value in document.items() if value not in (None, "", [])}


def _resource(descriptor: Descriptor, here: list[str], table: pd.DataFrame | None) -> dict:
    known = roles_of(descriptor.kind)
    fields = []
    for role in here:
        field = known.get(role)
        one = {"name": descriptor.columns.get(role, role), "type": "string"}
        if field is not None:
            one["type"] = "number" if field.dtype == "float64" else "string"
            one["title"] = field.meaning
            if unit := (descriptor.unit if role in ("value", "lower", "upper") else field.unit):
                one["unit"] = unit
        fields.append(one)
    missing = [""]
    if descriptor.kind == Kind.INDICATOR:
        marks = set(marks_of(descriptor)) | {SUPPRESSION_MARK}
        if table is not None and "flag" in table:
            numberless = table["status"].isin(["suppressed", "missing"]) if "status" in table else slice(None)
            marks |= set(table.loc[numberless, "flag"].dropna().unique())
        missing = ["", *sorted(marks - {""})]
    return {
        "name": "data",
        "path": TABLE_FILE,
        "profile": "tabular-data-resource",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": {"fields": fields, "missingValues": missing},
    }


def _licences_to_json(licence: str) -> list[dict]:
    if not licence:
        return []
    if licence in LICENCES:
        title, page = LICENCES[licence]
        return [{"name": licence, "title": title, "path": page}]
    if re.fullmatch(r"[-a-zA-Z0-9._]+", licence):
        return [{"name": licence}]
    return [{"name": "other", "title": licence}]


def _source_to_json(source: Source) -> dict:
    pairs = (
        ("title", source.title),
        ("path", source.url),
        ("publisher", source.publisher),
        ("licence", source.licence),
        ("attribution", source.attribution),
    )
    return {key: value for key, value in pairs if value or key == "title"}


def _plain(number: float) -> int | float:
    return int(number) if float(number).is_integer() else float(number)


# ---------------------------------------------------------------- reading, key by key


class _Looker:
    """Looks keys up in one JSON object, checking each value's type; what is wrong goes into ``faults``."""

    def __init__(self, document: dict, prefix: str = "", faults: list[Fault] | None = None):
        self.document, self.prefix = document, prefix
        self.faults: list[Fault] = [] if faults is None else faults

    def fault(self, key: str, what: str, todo: str = "", severity: str = "error") -> None:
        given = self.document.get(key, "")
        shown = given if isinstance(given, str) else repr(given)
        self.faults.append(
            Fault(what, FILE, todo, column=self.prefix + key, value=shown[:80], rule="descriptor", severity=severity)
        )

    def text(self, key: str, required: bool = False) -> str:
        value = self.document.get(key)
        if value is None or value == "":
            if required:
                self.fault(key, "the key is missing", f'add "{key}": "..."')
            return ""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return str(value)  # "period": 2024
        if not isinstance(value, str):
            self.fault(key, "is not text", "write it between quotation marks")
            return ""
        if len(value) > _LONGEST:
            self.fault(key, f"is {len(value):,} characters long", f"keep it below {_LONGEST:,}")
            return ""
        if any(ord(letter) < 32 and letter not in "\t\n\r" for letter in value):
            self.fault(key, "holds characters that cannot be printed", "type it again")
            return ""
        return value

    def texts(self, key: str, required: bool = False) -> tuple[str, ...]:
        value = self.document.get(key)
        if isinstance(value, list):
            if any(not isinstance(one, str) or not one for one in value) or len(value) > 50:
                self.fault(key, "is not a list of words", f'write "{key}": ["alcohol", "health"]')
                return ()
            if value or not required:
                return tuple(dict.fromkeys(value))
        one = self.text(key, required)
        return (one,) if one else ()

    def choice(self, key: str, words, required: bool = False):
        given = self.text(key, required)
        if not given:
            return None
        try:
            return words(given.strip().lower())
        except ValueError:
            self.fault(key, f"{given[:40]!r} is not one of the words in use", f"use one of {', '.join(words)}")
            return None

    def number(self, key: str, default, whole: bool = False):
        value = self.document.get(key)
        if value is None or value == "":
            return default
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                value = None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            self.fault(key, "is not a number", "write it without quotation marks")
            return default
        if whole and not float(value).is_integer():
            self.fault(key, "is not a whole number", "leave the decimals out")
            return default
        return int(value) if whole else float(value)

    def flag(self, key: str) -> bool:
        value = self.document.get(key, False)
        if value not in (True, False, None):
            self.fault(key, "is neither true nor false", "write true or false, without quotation marks")
            return False
        return bool(value)

    def object(self, key: str) -> dict:
        value = self.document.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.fault(key, "is not an object", "write it between { and }")
            return {}
        return value

    def objects(self, key: str) -> list[dict]:
        value = self.document.get(key)
        if value is None:
            return []
        if not isinstance(value, list) or any(not isinstance(one, dict) for one in value):
            self.fault(key, "is not a list of objects", "write it as [{...}]")
            return []
        return value


def _licence(look: _Looker) -> tuple[str, list | None]:
    """The licence in one word, and the whole list where it says more than that word can."""
    given = look.objects("licenses")
    if not given:
        return "", None
    first = _Looker(given[0], "licenses.", look.faults)
    name, title, path = first.text("name"), first.text("title"), first.text("path")
    licence = title if name in ("", "other") and title else name or path
    return licence, given if given != _licences_to_json(licence) and (len(given) > 1 or path) else None


def _sources(look: _Looker) -> tuple[Source, ...]:
    out = []
    for one in look.objects("sources"):
        source = _Looker(one, "sources.", look.faults)
        url = source.text("path")
        if url and not url.lower().startswith(("http://", "https://")):
            source.fault("path", "is not a web address", "begin it with https:// or leave it out")
            url = ""
        out.append(
            Source(
                source.text("title"), source.text("publisher"), url, source.text("licence"), source.text("attribution")
            )
        )
    return tuple(out)


def _columns(mine: _Looker, kind: Kind | None) -> dict[str, str]:
    out, used = {}, {}
    for role, header in mine.object("columns").items():
        if kind is not None and role not in roles_of(kind):
            mine.fault("columns", f"{role!r} is not a role of {kind}", f"use those of {', '.join(roles_of(kind))}")
        elif not isinstance(header, str) or not header:
            mine.fault("columns", f"the header for {role!r} is not text", 'write "role": "header of the table"')
        elif header in used:
            mine.fault(
                "columns",
                f"{header!r} is given for both {used[header]!r} and {role!r}",
                "give each role its own column",
            )
        else:
            out[role] = header
            used[header] = role
    return out


def _check_marks(mine: _Looker) -> None:
    for mark, word in mine.object("marks").items():
        if word not in ("suppressed", "missing"):
            mine.fault("marks", f"{mark!r} means {word!r}", "use suppressed or missing")


def _disclosure(mine: _Looker) -> Disclosure:
    rule = _Looker(mine.object("disclosure"), "commonground.disclosure.", mine.faults)
    threshold, base = rule.number("threshold", 0, whole=True), rule.number("rounding_base", 0, whole=True)
    for key, number in (("threshold", threshold), ("rounding_base", base)):
        if number < 0:
            rule.fault(key, f"{number} is below 0", "use 0 to switch it off")
    return Disclosure(threshold, base, rule.flag("zero_is_sensitive"))


def _access_standard(mine: _Looker) -> AccessStandard | None:
    given = mine.object("access_standard")
    if not given:
        return None
    rule = _Looker(given, "commonground.access_standard.", mine.faults)
    metric, most = rule.text("metric") or "nearest", rule.number("max_m", None)
    if most is None or not most > 0:
        rule.fault("max_m", "there is no distance above 0", 'write it in metres: "max_m": 1600')
        return None
    return AccessStandard(metric, most)


def _national(mine: _Looker) -> NationalBands | None:
    given = mine.object("national")
    if not given:
        return None
    rule = _Looker(given, "commonground.national.", mine.faults)
    quantiles = {}
    for key, cuts in rule.object("quantiles").items():
        good = isinstance(cuts, list) and all(
            isinstance(cut, (int, float)) and not isinstance(cut, bool) and math.isfinite(cut) for cut in cuts
        )
        if not good or not key.isdigit() or len(cuts) != int(key) - 1 or sorted(cuts) != cuts:
            rule.fault(
                "quantiles", f"{key!r} classes need {key} minus one rising numbers", "work the cut points out again"
            )
            continue
        quantiles[int(key)] = tuple(float(cut) for cut in cuts)
    return NationalBands(
        rule.text("level") or "lsoa", rule.number("areas", 0, whole=True), rule.text("scope"), quantiles
    )
