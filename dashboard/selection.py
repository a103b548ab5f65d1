"""One Selection holds what the user chose; it is in the URL, so a link reproduces the view.

:func:`Selection.from_query` never fails: what it cannot understand is dropped and told in ``notices``. What a layer, level or
period *means* in the loaded region is settled afterwards by :func:`dashboard.views.offer.settle`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any
from urllib.parse import urlencode

LEVELS = ("lsoa", "ward", "lad")
BANDS = ("region", "partner", "national")
SCHEMES = ("quantiles", "equal", "jenks")
SHOWS = ("need", "access", "gap")
METRICS = ("nearest", "coverage", "e2sfca")
DETOURS = (1.0, 1.2, 1.4)
OVERLAYS = ("near", "vanish", "moran", "hot", "rings")
"""What may be drawn over the gap map: near-misses, gaps that a ward map hides, clusters two ways, the standard as rings."""
CLASSES = (3, 4, 5, 6, 7)
NONE = "none"
"""Value of ``need`` for a map without an indicator; "" means that nothing was chosen yet."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}\Z")


@dataclass(frozen=True)
class Selection:
    """``need`` is one indicator, :data:`NONE`, or a weighted set as the API writes it: ``a=2,b=1`` (:attr:`needs` reads it)."""

    theme: str = ""
    need: str = ""
    services: tuple[str, ...] = ()
    show: str = "need"  # what is painted: need, access to the services, or the gap between the two
    partner: str = ""
    owner: str = ""
    level: str = "lsoa"
    period: str = ""
    bands: str = "region"
    classes: int = 5
    scheme: str = "quantiles"
    metric: str = "nearest"
    max_m: float | None = None  # None: the service list's own standard
    detour: float = 1.0
    alone: bool = False  # count only the services in one's own authority
    fair: bool = False  # minutes: by car where households have one, on foot where not
    max_min: float | None = None  # the standard in minutes, with the fair standard or a travel-time table
    group: str = ""  # layer that counts who shares the supply in e2sfca; "" for all residents
    travel: str = ""  # travel-time table of the region pack, in place of distance
    overlays: tuple[str, ...] = ()
    shared: bool = False  # list only the communities that several authorities share
    area: str = ""
    at: tuple[float, float, float] | None = None  # latitude, longitude, zoom

    @property
    def needs(self) -> tuple[tuple[str, float], ...]:
        """(indicator id, weight) of every part of the need; () for none."""
        return () if self.need in ("", NONE) else tuple(_weighted(self.need) or ())

    @property
    def one_need(self) -> str:
        """The indicator when there is exactly one, else ""."""
        return self.needs[0][0] if len(self.needs) == 1 else ""

    @classmethod
    def from_query(cls, query: Mapping[str, Any]) -> tuple[Selection, tuple[str, ...]]:
        """Read query parameters; returns the selection and one sentence per parameter that was dropped."""
        given, notices = {}, []
        for name, raw in query.items():
            if name not in _PARSERS:
                notices.append(
                    f"The link has a part that this page does not know and has left out: “{str(name)[:40]}”."
                )
                continue
            if raw in ("", None):
                continue
            parsed = _PARSERS[name](str(raw))
            if parsed is None:
                notices.append(
                    f"The link asks for {_WORDS[name]} “{str(raw)[:40]}”, which does not exist. It was left out."
                )
            else:
                given[name] = parsed
        return cls(**given), tuple(notices)

    def to_query(self) -> dict[str, str]:
        """Query parameters, only those that differ from the default, in a fixed order."""
        default, query = Selection(), {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value == getattr(default, field.name) or value in ("", (), None):
                continue
            if value is True:
                query[field.name] = "yes"
            elif field.name in ("max_m", "detour", "max_min"):
                query[field.name] = f"{value:g}"
            elif field.name in ("services", "overlays"):
                query[field.name] = ",".join(value)
            elif field.name == "at":
                latitude, longitude, zoom = value
                query["at"] = f"{latitude:.4f},{longitude:.4f},{round(zoom, 2):g}"
            else:
                query[field.name] = str(value)
        return query

    def query_string(self) -> str:
        return urlencode(self.to_query(), safe=",=")

    def classes_query(self) -> str:
        """The part of the query that decides the colours; ``assets/selection.js`` writes the very same text."""
        keep = ["need", "partner", "level", "period", "bands", "classes", "scheme"]
        if self.show != "need":
            keep += ["services", "show", "metric", "max_m", "detour", "alone", "fair", "max_min", "group", "travel"]
        query = self.to_query() | {"need": self.need, "level": self.level}
        return urlencode([(name, query[name]) for name in keep if query.get(name)], safe=",=")

    def link(self, **changes: Any) -> str:
        """Address of the explore page with this selection, after ``changes``."""
        query = replace(self, **changes).query_string()
        return f"/?{query}" if query else "/"

    def as_data(self) -> dict[str, Any]:
        """For a ``dcc.Store``: JSON types only."""
        lists = {"services": list(self.services), "overlays": list(self.overlays)}
        return asdict(self) | lists | {"at": list(self.at) if self.at else None}

    @classmethod
    def from_data(cls, data: Mapping[str, Any] | None) -> Selection:
        """From a browser, so every value is checked again."""
        data = dict(data) if isinstance(data, Mapping) else {}
        for name in ("services", "overlays", "at"):
            data[name] = ",".join(map(str, data.get(name) or ()))
        for name in ("alone", "fair", "shared"):
            data[name] = "yes" if data.get(name) else ""
        known = {name: value for name, value in data.items() if name in _PARSERS and value not in (None, "")}
        return cls.from_query(known)[0]


def _name(text: str) -> str | None:
    return text if _NAME.match(text) else None


def _names(text: str) -> tuple[str, ...] | None:
    names = tuple(dict.fromkeys(part for part in text.split(",") if part))
    return names if all(map(_name, names)) and len(names) <= 20 else None


def weighted(parts: Iterable[tuple[str, float]]) -> str:
    """[("a", 2.0), ("b", 1.0)] -> ``a=2,b``: how a weighted need stands in a link."""
    return ",".join(name if weight == 1 else f"{name}={weight:g}" for name, weight in parts)


def _need(text: str) -> str | None:
    return text if _weighted(text) else None


def _weighted(text: str) -> list[tuple[str, float]] | None:
    """``a=2,b`` -> [("a", 2.0), ("b", 1.0)]; None when it is not of that form, empty, too long or says an id twice."""
    out: dict[str, float] = {}
    for part in text.split(","):
        name, _, weight = part.partition("=")
        try:
            number = float(weight) if weight else 1.0
        except ValueError:
            return None
        if not _name(name) or name in out or not 0 < number <= 1000:
            return None
        out[name] = number
    return list(out.items()) if 0 < len(out) <= 20 else None


def _within(low: float, high: float):
    def parse(text: str) -> float | None:
        try:
            number = float(text)
        except ValueError:
            return None
        return number if low <= number <= high else None

    return parse


def _overlays(text: str) -> tuple[str, ...] | None:
    """In the order of :data:`OVERLAYS`, so that one view has one address."""
    names = [part for part in text.split(",") if part]
    return tuple(name for name in OVERLAYS if name in names) if set(names) <= set(OVERLAYS) else None


def _detour(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number in DETOURS else None


def _yes(text: str) -> bool | None:
    return True if text == "yes" else None


def _one_of(*allowed: str):
    return lambda text: text if text in allowed else None


def _classes(text: str) -> int | None:
    return int(text) if text.isdigit() and int(text) in CLASSES else None


def _period(text: str) -> str | None:
    return text if len(text) <= 60 and text.isprintable() else None


def _at(text: str) -> tuple[float, float, float] | None:
    try:
        latitude, longitude, zoom = (float(part) for part in text.split(","))
    except ValueError:
        return None
    if not (48 <= latitude <= 62 and -12 <= longitude <= 4 and 3 <= zoom <= 19):
        return None
    return latitude, longitude, zoom


_PARSERS = {
    "theme": _name,
    "need": _need,
    "services": _names,
    "show": _one_of(*SHOWS),
    "partner": _name,
    "owner": _name,
    "level": _one_of(*LEVELS),
    "period": _period,
    "bands": _one_of(*BANDS),
    "classes": _classes,
    "scheme": _one_of(*SCHEMES),
    "metric": _one_of(*METRICS),
    "max_m": _within(1, 200_000),
    "detour": _detour,
    "alone": _yes,
    "fair": _yes,
    "max_min": _within(1, 600),
    "group": _name,
    "travel": _name,
    "overlays": _overlays,
    "shared": _yes,
    "area": _name,
    "at": _at,
}

_WORDS = {
    "theme": "the theme",
    "need": "the indicator",
    "services": "the services",
    "partner": "the partner",
    "owner": "data from",
    "level": "the level",
    "period": "the period",
    "bands": "bands within",
    "classes": "a number of classes of",
    "scheme": "the classing",
    "show": "to show",
    "metric": "the measure of access",
    "max_m": "a distance in metres of",
    "detour": "the detour factor",
    "alone": "own services only as",
    "fair": "the fair standard as",
    "max_min": "a time in minutes of",
    "group": "the demand group",
    "travel": "the travel times",
    "overlays": "on top of the map",
    "shared": "only shared communities as",
    "area": "the area",
    "at": "the place",
}
