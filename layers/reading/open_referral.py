"""Open Referral UK 3.0 (Human Services Data Specification): services with the places at which they are given, one row for each.

Taken: a page of ``/services`` or ``/service_at_locations`` (``contents``, or ``content`` as older feeds have it), a list of services, a
single one. A service whose place is given nowhere has a row without one, so that it is kept out by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from layers.model import Fault
from layers.reading.sheet import Limits, Sheet, refuse

COLUMNS = (
    "service_id", "name", "organisation", "category", "latitude", "longitude", "address", "postcode", "opening_hours", "eligibility",
    "url", "as_of",
)  # fmt: skip


def services_in(document: Any) -> list[dict] | None:
    """The services of a document, or None where it is none of Open Referral's."""
    if isinstance(document, Mapping):
        for key in ("contents", "content", "services"):
            if isinstance(document.get(key), list):
                document = document[key]
                break
        else:
            document = [document]
    if not isinstance(document, list) or not document or not all(isinstance(one, Mapping) for one in document):
        return None
    first = document[0]
    telling = {
        "service_at_locations",
        "service_areas",
        "organization",
        "organization_id",
        "fees",
        "assured_date",
    } & set(first)
    if "location" in first and ("service" in first or "service_id" in first):
        return list(document)
    return list(document) if telling and "id" in first and "name" in first else None


def sheet_of_services(services: list[dict], document: Any, name: str, limits: Limits) -> Sheet:
    """The rows of the services. Raises :class:`Refused` where there are too many; what is wrong with single ones is told."""
    faults: list[Fault] = []
    pages = _whole(document.get("total_pages", document.get("totalPages"))) if isinstance(document, Mapping) else 0
    if pages > 1:
        number = document.get("page_number", document.get("number", "?"))
        what = f"is one page of {pages:,} of a feed (page {number}): the services of the others are not in it"
        faults.append(Fault(what, name, "publish the address of the feed, or join its pages", rule="one-page"))
    ids = [str(one.get("id") or "") for one in services]
    repeated = len(ids) - len(set(ids))
    if "location" not in services[0] and repeated:
        first = next(one for at, one in enumerate(ids) if one in ids[:at])
        what = f"{ids.count(first):,} services have the same id, {first[:60]}"
        faults.append(Fault(what, name, "ask who runs the feed to give each service its own", rule="duplicate-service"))
    rows = []
    for service in services:
        rows += _rows_of(service)
        if len(rows) > limits.rows:
            raise refuse(name, f"has more than {limits.rows:,} places of services", "divide it", "too-large")
    text = pd.DataFrame(
        [[_text(row.get(column)) for column in COLUMNS] for row in rows], columns=list(COLUMNS), dtype="str"
    )
    text.index = range(1, len(text) + 1)
    empty = [column for column in COLUMNS if column not in ("service_id", "name") and not (text[column] != "").any()]
    text = text.drop(columns=empty)
    if not {"postcode", "latitude"} & set(text.columns):
        what = "no service says where it is given: service_at_locations with a location is missing"
        todo = "take a feed that has them: /services with full details, or /service_at_locations"
        faults.append(Fault(what, name, todo, rule="no-place"))
        text["postcode"] = ""
    return Sheet(text, name, "open-referral", encoding="utf-8", header_row=0, faults=tuple(faults))


def _rows_of(service: Mapping) -> Iterator[dict[str, Any]]:
    """One row for each place of a service; of ``service_at_location`` itself one."""
    if "location" in service and "service_at_locations" not in service:
        inner = service.get("service") if isinstance(service.get("service"), Mapping) else {}
        return iter([_about(inner) | _place(service.get("location")) | {"service_id": service.get("id")}])
    about = _about(service)
    places = [one for one in _list(service.get("service_at_locations")) if isinstance(one, Mapping)]
    if not places:
        return iter([about | {"service_id": service.get("id")}])
    several = len(places) > 1
    out = []
    for at, one in enumerate(places):
        own = one.get("id") or f"{service.get('id')}-{at + 1}"
        row = about | _place(one.get("location")) | {"service_id": own if several else service.get("id")}
        if hours := _hours(one.get("schedules", one.get("regular_schedules"))):
            row["opening_hours"] = hours
        out.append(row)
    return iter(out)


def _about(service: Mapping) -> dict[str, Any]:
    organisation = service.get("organization")
    ages = [service.get("minimum_age"), service.get("maximum_age")]
    words = ["from age", "to age"]
    eligible = " ".join(f"{word} {age}" for word, age in zip(words, ages, strict=True) if isinstance(age, (int, float)))
    terms = [
        one["taxonomy_term"].get("name")
        for one in _list(service.get("attributes", service.get("service_taxonomys")))
        if isinstance(one, Mapping) and isinstance(one.get("taxonomy_term"), Mapping)
    ]
    return {
        "name": service.get("name"),
        "organisation": organisation.get("name") if isinstance(organisation, Mapping) else "",
        "category": next((term for term in terms if term), ""),
        "url": service.get("url"),
        "eligibility": eligible,
        "opening_hours": _hours(service.get("schedules", service.get("regular_schedules"))),
        "as_of": str(service.get("last_modified") or service.get("assured_date") or "")[:10],
    }


def _place(location: Any) -> dict[str, Any]:
    if not isinstance(location, Mapping):
        return {}
    addresses = _list(location.get("addresses", location.get("physical_addresses")))
    first = next((one for one in addresses if isinstance(one, Mapping)), {})
    lines = [first.get(key) for key in ("address_1", "address_2", "city")]
    return {
        "latitude": location.get("latitude"),
        "longitude": location.get("longitude"),
        "address": ", ".join(str(line) for line in lines if line),
        "postcode": first.get("postal_code"),
    }


def _hours(schedules: Any) -> str:
    out = []
    for one in _list(schedules)[:14]:
        if isinstance(one, Mapping) and (one.get("opens_at") or one.get("description")):
            days = one.get("byday") or one.get("weekday") or ""
            times = f"{one.get('opens_at') or ''}-{one.get('closes_at') or ''}".strip("-")
            out.append(f"{days} {times}".strip() or str(one.get("description")))
    return "; ".join(out)[:500]


def _list(value: Any) -> list:
    return value if isinstance(value, list) else []


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _text(value: Any) -> str:
    if value is None or isinstance(value, (list, dict)):
        return ""
    return str(value)
