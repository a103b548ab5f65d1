"""What layers can carry: which cautions go with an answer, and what must not be said of it (docs/methods.md, *Fitness*).

Codes and facts only; the words are ``dashboard/views/cautions.py`` and ``dashboard/views/claims.py``. A layer that does not say
how complete it is speaks as a sample does: what is not known is never taken for good.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from layers.model import FIT_FOR, Completeness, Descriptor, Kind, Position
from layers.periods import months_of

CODES = (
    "sample",
    "completeness-unknown",
    "modelled",
    "position",
    "straight-line",
    "crossing",
    "assumed-standard",
    "stale",
)
"""Every caution, in the order in which they are given."""

STALE_YEARS = 3
"""Without a date of the next update, a figure is old when its period ended longer ago than this."""

_BY_COMPLETENESS = {
    Completeness.SAMPLE: "sample",
    Completeness.UNKNOWN: "completeness-unknown",
    Completeness.MODELLED: "modelled",
}


@dataclass(frozen=True)
class Caution:
    """One thing to know about one layer of an answer: its code, the layer's id, and what the words are made of."""

    code: str
    layer: str
    about: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Used:
    """A layer as an answer uses it: at which period."""

    descriptor: Descriptor
    period: str = ""


def is_sample(descriptor: Descriptor) -> bool:
    """Whether it speaks as a sample does: because it is one, or because nobody has said that it is not."""
    return descriptor.completeness not in (Completeness.REGISTER, Completeness.MODELLED)


def fit_for(descriptors: Iterable[Descriptor]) -> frozenset[str]:
    """What an answer that rests on all of these layers may be used for: what every one of them is fit for."""
    fit = set(FIT_FOR)
    for one in descriptors:
        fit &= set(one.fit_for)
    return frozenset(fit)


def cautions(
    layers: Sequence[Used], *, straight: bool, crossing: Collection[str] = (), today: date
) -> tuple[Caution, ...]:
    """The cautions of an answer, one per code and layer, in the order of :data:`CODES`, then of the layers.

    ``straight``: distances are straight lines, not of a travel-time table. ``crossing``: ids of the lists that have a pair over
    water in the answer.
    """
    found: dict[tuple[str, str], Caution] = {}
    for used in layers:
        for code, about in _of(used, straight, crossing, today):
            found.setdefault((code, used.descriptor.id), Caution(code, used.descriptor.id, about))
    return tuple(
        sorted(found.values(), key=lambda one: CODES.index(one.code))
    )  # stable: the layers' order within a code


def _of(used: Used, straight: bool, crossing: Collection[str], today: date) -> list[tuple[str, dict[str, object]]]:
    said, out = used.descriptor, []
    if code := _BY_COMPLETENESS.get(said.completeness):
        out.append((code, {}))
    if said.kind == Kind.SERVICES:
        if said.position != Position.ADDRESS:
            out.append(("position", {"position": "" if said.position is None else str(said.position)}))
        if straight:
            out.append(("straight-line", {}))
        if said.id in crossing:
            out.append(("crossing", {}))
        standard = said.access_standard
        if standard is not None and standard.status != "adopted":
            out.append(("assumed-standard", {"max_m": standard.max_m}))
    if why := stale(said, used.period, today):
        out.append(("stale", why))
    return out


def stale(descriptor: Descriptor, period: str, today: date) -> dict[str, object] | None:
    """Why a layer is old, as ``{"next_update"}`` or ``{"period"}``; None where it is not, or no date is known."""
    expected = date_said(descriptor.next_update)
    if expected is not None:
        return {"next_update": descriptor.next_update} if today > expected else None
    words = period or descriptor.period
    ended = months_of(words)
    if ended is None:
        return None
    year, month = divmod(ended[1], 12)  # of the first day after the period
    return {"period": words} if today >= date(year + STALE_YEARS, month + 1, 1) else None


_NO_DATE = re.compile(r"\s*(not\b|no\b|none\b|never\b|unknown\b|$)", re.IGNORECASE)
_DAY = re.compile(
    r"(?<!\d)(?P<day>\d{1,2})(?:st|nd|rd|th)?\s+(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?,?\s+"
    r"(?P<year>\d{4})(?!\d)",
    re.IGNORECASE,
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_YEARS = re.compile(r"(?<!\d)(?:19|20|21)\d{2}(?!\d)")
_ISO_DAY = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")


def date_said(words: str) -> date | None:
    """The last day of the one date that a text names: "31 March 2027", "March 2027", "planned for 2031"; None where it names
    none, several, or says that none is announced."""
    if _NO_DATE.match(words):
        return None
    found = [tuple(map(int, day)) for day in _ISO_DAY.findall(words)]
    found += [
        (int(day["year"]), _MONTHS.index(day["month"].lower()) + 1, int(day["day"])) for day in _DAY.finditer(words)
    ]
    try:
        if len(found) == 1:
            return date(*found[0])
        if found or len(set(_YEARS.findall(words))) != 1:
            return None
        stretch = months_of(words)
        if stretch is None:
            return None
        year, month = divmod(stretch[1], 12)
        return date.fromordinal(date(year, month + 1, 1).toordinal() - 1)
    except ValueError:
        return None
