"""``datapackage.json`` <-> :class:`~layers.model.Descriptor`. docs/layer-package.md is the reference, ``layers.descriptive_keys`` the keys.

What comes in may have been written by anybody, so every value is checked for its type before it is used, and all that is
wrong is reported at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from layers.descriptive_keys import KEYS, LICENCES, OURS, Key, roles_of
from layers.mapping_reader import MappingReader
from layers.model import Audience, Descriptor, Fault, Kind, Refused, Source
from layers.reading.marks import meaning

FILE = "datapackage.json"
TABLE_FILE = "data.csv"
SUPPRESSION_MARK = "*"  # written where a suppressed value came without a mark of its own

_TOP = ("name", "title", "description", "profile", "licenses", "sources", "resources", OURS)  # as they are written
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_EMPTY = (None, "", {}, [])


def descriptor_from_json(document: dict) -> Descriptor:
    """The descriptor that a ``datapackage.json`` describes. Raises :class:`Refused` with everything that is wrong with it."""
    descriptor, faults = read_descriptor(document)
    if descriptor is None:
        raise Refused(f"{FILE} cannot be used.", faults)
    return descriptor


def read_descriptor(document: Any) -> tuple[Descriptor | None, list[Fault]]:
    """As :func:`descriptor_from_json`, giving the faults instead of raising them; None where there are any."""
    descriptor, faults = readable_part(document)
    return (None if faults else descriptor), faults


def readable_part(document: Any) -> tuple[Descriptor | None, list[Fault]]:
    """What can be read of a document, with the default in place of what cannot; None where it says nothing of ours."""
    if not isinstance(document, dict):
        return None, [Fault("is not a JSON object", FILE, "see docs/layer-package.md", rule="descriptor")]
    look = MappingReader(document, FILE)
    if not look.object(OURS):
        look.fault(OURS, "the key is missing", 'add "commonground": {"kind": ..., "theme": ...}')
        return None, look.faults
    places, said = {"": look}, {}
    for key in KEYS.values():
        if key.place not in places:
            outer, _, inner = key.place.rpartition(".")
            places[key.place] = places[outer].within(inner)
        said[key.name] = key.read_from(places[key.place], said)
    if said["id"] and not _NAME.fullmatch(said["id"]):
        what = f"{said['id']!r} cannot be used as an identifier"
        look.fault("name", what, "use small letters, digits, '-', '_' and '.'")
    ours = document[OURS]
    extra = {key: value for key, value in document.items() if key not in _TOP}
    if _says_more(document.get("licenses"), said["licence"]):
        extra["licenses"] = document["licenses"]
    known = {key.path[1] for key in KEYS.values() if key.place}
    more = {key: value for key, value in ours.items() if key not in known}
    said["marks"] = marks_in(document)
    more |= {key.name: said[key.name] for key in KEYS.values() if not key.has_field and said[key.name] != key.default}
    if more:
        extra[OURS] = more
    fields = {name: value for name, value in said.items() if KEYS[name].has_field}
    return Descriptor(**fields, extra=extra), look.faults


def _says_more(licences: Any, licence: str) -> bool:
    """Whether the whole list of licences says more than the one word that stands for it."""
    if not isinstance(licences, list) or not licences or not all(isinstance(one, dict) for one in licences):
        return False
    return licences != _licences_to_json(licence) and (len(licences) > 1 or bool(licences[0].get("path")))


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
        what = "is not the name of a file beside it"
        fault = Fault(what, FILE, todo, column="resources[0].path", value=str(name)[:80])
        raise Refused(f"{FILE} cannot be used.", [fault])
    return name


def marks_of(descriptor: Descriptor) -> dict[str, str]:
    """The marks that this layer uses differently from the dialect table."""
    return dict(descriptor.extra.get(OURS, {}).get("marks", {}))


_WITHHELD = re.compile(r"suppress|withheld|confiden|disclos|redact|protect|small (?:number|count)|(?:fewer|less) than")


def marks_in(document: dict) -> dict[str, Any]:
    """Mark -> what it means, from ``commonground.marks`` and from the table schema's ``missingValues``.

    A label of Data Package v2 (``{"value": "q", "label": "suppressed"}``) decides; without one, a value that we would read
    as a number or not at all is missing, as the standard says. What our own list of marks explains stays as that says it:
    the plain list names suppressed and missing marks alike.
    """
    ours = document.get(OURS)
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
    here = list(table.columns) if table is not None else list(descriptor.columns)
    extra = descriptor.extra
    document: dict[str, Any] = dict.fromkeys(_TOP)
    document |= {"profile": "tabular-data-package", "resources": [_resource(descriptor, here, table)], OURS: {}}
    for key in KEYS.values():
        *outer, last = key.path
        value = _written(key, descriptor) if key.has_field else None
        if value not in _EMPTY or (value == [] and key.empty_is_said):
            place = document
            for name in outer:
                place = place.setdefault(name, {})
            place[last] = value
    document[OURS]["columns"] = {role: header for role, header in descriptor.columns.items() if role in here}
    document[OURS] |= extra.get(OURS, {})
    said = {key.path[-1] for key in KEYS.values() if key.empty_is_said}
    document[OURS] = {key: value for key, value in document[OURS].items() if value not in _EMPTY or key in said}
    document |= {key: value for key, value in extra.items() if key not in (OURS, "licenses")}
    document["sources"] = [_source_to_json(source) for source in descriptor.sources]
    document["licenses"] = extra.get("licenses") or _licences_to_json(descriptor.licence)
    return {key: value for key, value in document.items() if value not in (None, "", [])}


def _written(key: Key, descriptor: Descriptor) -> Any:
    """The value as the document has it; None where it need not be said."""
    value = key.value(descriptor)
    if value is False or (value == key.default and (key.type == "object" or key.empty_is_said)):
        return None
    if key.only == "indicator" and descriptor.kind != Kind.INDICATOR and value == key.default:
        return None
    value = key.plain(value)
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if key.type == "texts" and len(value) == 1 and not key.words:
        return value[0]
    return _plain(value)


def descriptor_of_dict(stored: Mapping[str, Any]) -> Descriptor:
    """The descriptor that ``dataclasses.asdict`` once made plain. Fields that are not known (any more) are left out; new
    ones take their default. Nothing is checked again: the rules for packages may tighten."""
    values = {
        name: value for name, value in stored.items() if (name in KEYS and KEYS[name].has_field) or name == "extra"
    }
    values["audience"] = Audience(values["audience"])  # no default: an unknown audience must fail, not open up
    for name, value in values.items():
        key = KEYS.get(name)
        if key is not None and value not in (None, ""):
            if key.stored is not None:
                values[name] = key.stored(value)
            elif key.type == "choice" and callable(key.words):
                values[name] = key.words(value)
    return Descriptor(**values)


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


def _plain(value: Any) -> Any:
    """Whole numbers without a decimal point."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
