"""The question, once: a row for every field that a link, the API, a command or the options page can ask.

Whatever takes or gives a field reads its row: the Selection, the API and its description, the commands, the pickers, and the
browser, which gets the rows as data (:func:`as_data`; ``assets/question.js`` reads and writes by them). A new control is its
row here, its widget in ``dashboard/components/ask.py``, and the engine's use of it.

A number is written in ASCII digits, with a point, a minus sign or an exponent where needed: no thousands separators, no other
digits, no words. Spaces around it are left out. All its digits are kept (:func:`number_text`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlencode

from layers import BASELINES, DEFAULT_METRIC, LEVELS, METRICS, OBJECTIVES

NONE = "none"
"""Value of ``need`` for a map without an indicator; "" means that nothing was chosen yet."""

MAP, GAPS, TOGETHER, SITES, OPTIONS = "map", "gaps", "together", "sites", "options"
"""Who asks: the map's link; ``/api/v1/gaps``, ``together`` and ``sites`` with the commands of that name; the options page."""

MOST_LAYERS = 20
"""Indicators in a need, and lists of services, that can be asked for at once."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}\Z")
_NUMBER = re.compile(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\Z")
_WHOLE = re.compile(r"-?[0-9]{1,9}\Z")


class WrongValue(ValueError):
    """A text that a field does not take. ``takes`` says what it takes instead; ``what`` is set where a number can be read but
    is beyond the limits; ``counted`` where the limit is worth saying to people, too."""

    def __init__(self, takes: str, what: str = "", *, counted: bool = False):
        super().__init__(takes)
        self.takes, self.what, self.counted = takes, what, counted or bool(what)


@dataclass(frozen=True)
class Field:
    """One field of the question."""

    name: str
    kind: Kind
    words: str  # what a link asks for, in a notice
    asked_by: tuple[str, ...]
    help: str = ""  # in the API's description and the commands' --help
    default: Any = ""
    needed_by: tuple[str, ...] = ()  # those of ``asked_by`` that cannot do without it
    choices: Callable[[Any], Iterable] = (
        lambda region: ()
    )  # of a region, or of any for None; looked up whenever it is asked
    least: Any = None
    most: Any = None
    on_map: tuple = ()  # the values that the map offers, where the engine takes others too
    parts: str = "identifiers"  # what it has several of
    most_parts: int = MOST_LAYERS
    colours: str = ""  # decides the colours of the map: "always", or "gap" for access and gaps only
    by_command: Mapping[str, Any] = field(default_factory=dict)  # what is different on the command line

    def allowed(self, region: Any = None) -> tuple:
        return tuple(self.choices(region))


# ---- kinds: how a field is read and written ---------------------------------------------------------------------------


class Kind:
    """How a field is read from a text and written as one; ``assets/question.js`` has the same kinds under the same names."""

    name = ""
    type: Any = str
    form = "TEXT"  # what the commands' --help calls it

    def read(self, row: Field, text: str, region: Any = None) -> Any:
        """The value. Raises WrongValue."""
        raise NotImplementedError

    def write(self, value: Any) -> str:
        return str(value)

    def takes(self, row: Field, region: Any = None) -> str:
        """What may stand there, to go on with "it takes ..."."""
        raise NotImplementedError

    def schema(self, row: Field) -> dict[str, Any]:
        """Its JSON schema in the API's description."""
        return {"type": "string"}

    def is_on_map(self, row: Field, value: Any) -> bool:
        """Whether the map takes it; the engine refuses by itself, with reasons, what makes no sense."""
        return not row.on_map or value in row.on_map


class Id(Kind):
    name, form = "id", "ID"

    def read(self, row, text, region=None):
        text, allowed = text.strip(" "), row.allowed(region)
        if not _ID.match(text) or (allowed and text not in allowed):
            raise WrongValue(self.takes(row, region))
        return text

    def takes(self, row, region=None):
        allowed = row.allowed(region)
        return f"one of {', '.join(allowed)}" if allowed else "one identifier"


class Ids(Kind):
    name, type, form = "ids", tuple, "ID[,ID]"

    def read(self, row, text, region=None):
        found = tuple(dict.fromkeys(_parts(text)))
        if not all(map(_ID.match, found)):
            raise WrongValue(self.takes(row))
        _count(row, found)
        return found

    def write(self, value):
        return ",".join(value)

    def takes(self, row, region=None):
        return "one or more identifiers, separated by commas"


class Weights(Kind):
    """``a=2,b``. The value is the text; :func:`weights_of` takes it apart."""

    name, form = "weights", "ID[=WEIGHT],..."

    def read(self, row, text, region=None):
        parts = [part.strip(" ") for part in text.split(",")]
        for part in parts:
            name, _, weight = part.partition("=")
            if not _ID.match(name):
                raise WrongValue(f"{self.takes(row)}; “{part[:40]}” is not an identifier, or one with =WEIGHT")
            number = _number(weight or "1")
            if number is None:
                raise WrongValue(
                    f"{self.takes(row)}; the weight of {name[:40]} is “{weight[:20]}”, which is not a number"
                )
            if not row.least <= number <= row.most:
                limits = f"a weight from {row.least:,g} to {row.most:,g}"
                raise WrongValue(limits, f"the weight of '{name}' is {number_text(number)}")
        _count(row, parts)
        return ",".join(parts)

    def takes(self, row, region=None):
        return self.form

    def is_on_map(self, row, value):
        parts = weights_of(value)
        return len(dict(parts)) == len(parts) and all(weight > 0 for _, weight in parts)


class Choice(Kind):
    name = "choice"

    def read(self, row, text, region=None):
        if text not in row.allowed(region):
            raise WrongValue(self.takes(row, region))
        return text

    def takes(self, row, region=None):
        return f"one of {', '.join(row.allowed(region))}"

    def schema(self, row):
        return {"type": "string", "enum": list(row.allowed())}


class Choices(Kind):
    """Some of what is allowed, always in its order, so that one view has one address."""

    name, type = "choices", tuple

    def read(self, row, text, region=None):
        given, allowed = _parts(text), row.allowed(region)
        if not set(given) <= set(allowed):
            raise WrongValue(self.takes(row, region))
        return tuple(name for name in allowed if name in given)

    def write(self, value):
        return ",".join(value)

    def takes(self, row, region=None):
        return f"some of {', '.join(row.allowed(region))}"


class Number(Kind):
    name, type, form = "number", float | None, "NUMBER"

    def read(self, row, text, region=None):
        number = _number(text)
        if number is None:
            raise WrongValue("a number")
        if not _within(row, number):
            raise WrongValue(self.takes(row), f"{row.name} is {number_text(number)}")
        return number

    def write(self, value):
        return number_text(value)

    def takes(self, row, region=None):
        return "a number" + _limits(row)

    def schema(self, row):
        return {"type": "number"} | _bounds(row)


class Whole(Kind):
    name, type, form = "whole", int, "WHOLE NUMBER"

    def read(self, row, text, region=None):
        text = text.strip(" ")
        if not _WHOLE.match(text) or not _within(row, int(text)):
            raise WrongValue(self.takes(row), counted=True)
        return int(text)

    def takes(self, row, region=None):
        return "a whole number" + _limits(row)

    def schema(self, row):
        return {"type": "integer"} | _bounds(row)


class Yes(Kind):
    name, type = "yes", bool

    def read(self, row, text, region=None):
        if text not in ("yes", "no"):
            raise WrongValue(self.takes(row))
        return text == "yes"

    def write(self, value):
        return "yes" if value else "no"

    def takes(self, row, region=None):
        return "one of yes, no"

    def schema(self, row):
        return {"type": "string", "enum": ["yes", "no"]}


class Text(Kind):
    """A line of words as somebody published them."""

    name = "text"

    def read(self, row, text, region=None):
        if len(text) > row.most or not text.isprintable():
            raise WrongValue(self.takes(row))
        return text

    def takes(self, row, region=None):
        return f"at most {row.most} characters"


class Place(Kind):
    """Latitude, longitude and zoom."""

    name, type = "place", tuple | None

    def read(self, row, text, region=None):
        numbers = tuple(_number(part) for part in text.split(","))
        limits = zip(row.least, numbers, row.most, strict=False)
        if len(numbers) != 3 or None in numbers or not all(low <= number <= high for low, number, high in limits):
            raise WrongValue(self.takes(row))
        return numbers

    def write(self, value):
        # halves go up, here and in the browser, whatever either language does with them
        latitude, longitude, zoom = (math.floor(x * k + 0.5) / k for x, k in zip(value, (1e4, 1e4, 1e2), strict=True))
        return f"{latitude:.4f},{longitude:.4f},{number_text(zoom)}"

    def takes(self, row, region=None):
        return "latitude, longitude and zoom of a place on the map"


def _parts(text: str) -> list[str]:
    return [part for part in (part.strip(" ") for part in text.split(",")) if part]


def _count(row: Field, parts: Sequence) -> None:
    if len(parts) > row.most_parts:
        raise WrongValue(f"at most {row.most_parts:,} {row.parts}", counted=True)


def _number(text: str) -> float | None:
    """A finite number in the one way of writing it; None for anything else."""
    text = text.strip(" ")
    number = float(text) if _NUMBER.match(text) else math.nan
    return number if math.isfinite(number) else None


def _within(row: Field, number: float) -> bool:
    return (row.least is None or number >= row.least) and (row.most is None or number <= row.most)


def _limits(row: Field) -> str:
    if row.most is None:
        return ""
    return f" from {row.least:,g} to {row.most:,g}"


def _bounds(row: Field) -> dict[str, float]:
    return {name: value for name, value in (("minimum", row.least), ("maximum", row.most)) if value is not None}


def number_text(value: float) -> str:
    """Every digit of a number and no more, without an exponent: 1500, 1234.5678, 0.0000001."""
    text = format(Decimal(repr(float(value) + 0.0)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


# ---- weighted needs ---------------------------------------------------------------------------------------------------


def weights_of(text: str) -> tuple[tuple[str, float], ...]:
    """``a=2,b`` -> (("a", 2.0), ("b", 1.0)), of a text that was read; () for none."""
    if text in ("", NONE):
        return ()
    parts = (part.partition("=") for part in text.split(","))
    return tuple((name, float(weight or 1)) for name, _, weight in parts)


def weighted(parts: Iterable[tuple[str, float]]) -> str:
    """[("a", 2.0), ("b", 1.0)] -> ``a=2,b``: how a weighted need stands in a link."""
    return ",".join(name if weight == 1 else f"{name}={number_text(weight)}" for name, weight in parts)


# ---- the rows ---------------------------------------------------------------------------------------------------------

_WITH_NEED = (MAP, GAPS, SITES)
_ALL = (MAP, GAPS, TOGETHER, SITES)
_BY_ENGINE = {"least": None, "most": None}  # the engine has its own limits, wider ones, and refuses with a reason


def _partners(region: Any) -> list[str]:
    return [partner.id for partner in region.partners] if region is not None else []


ROWS = (
    Field("theme", Id(), "the theme", (MAP,)),
    Field(
        "need", Weights(), "the indicator", _ALL, "Indicators of need with their weights: ID[=WEIGHT],ID[=WEIGHT]",
        needed_by=(GAPS, SITES), least=0, most=1000, parts="indicators", colours="always",
    ),
    Field(
        "services", Ids(), "the services", _ALL, "Lists of services: ID,ID",
        default=(), needed_by=(GAPS, TOGETHER, SITES), parts="lists of services", colours="gap",
    ),
    Field("show", Choice(), "to show", (MAP,), default="need", choices=lambda _: ("need", "access", "gap"), colours="gap"),
    Field("partner", Id(), "the partner", _ALL, "Only the areas that this partner serves", choices=_partners, colours="always"),
    Field("owner", Id(), "data from", (MAP,)),
    Field(
        "level", Choice(), "the level", _ALL, "Level of the areas",
        default="lsoa", choices=lambda _: LEVELS, colours="always",
    ),
    Field(
        "period", Text(), "the period", _ALL, "Period of the indicators that have it; their newest when left out",
        most=60, colours="always",
    ),
    Field(
        "bands", Choice(), "bands within", (MAP,),
        default="region", choices=lambda _: ("region", "partner", "national"), colours="always",
    ),
    Field("classes", Whole(), "a number of classes of", (MAP,), default=5, least=3, most=7, colours="always"),
    Field(
        "scheme", Choice(), "the classing", (MAP,),
        default="quantiles", choices=lambda _: ("quantiles", "equal", "jenks"), colours="always",
    ),
    Field(
        "metric", Choice(), "the measure of access", _WITH_NEED, "How access is measured; nearest when left out",
        default=DEFAULT_METRIC, choices=lambda _: METRICS, colours="gap",
    ),
    Field(
        "max_m", Number(), "a distance in metres of", _ALL,
        "Distance standard in metres; the services' own when left out",
        default=None, least=1, most=200_000, colours="gap",
    ),
    Field(
        "detour", Number(), "the detour factor", _ALL,
        "Real way for each straight metre, 1 or more; 1 when left out",
        default=1.0, on_map=(1.0, 1.2, 1.4), colours="gap",
    ),
    Field(
        "alone", Yes(), "own services only as", _WITH_NEED, "Count only services in the area's own authority",
        default=False, colours="gap",
    ),
    Field(
        "fair", Yes(), "the fair standard as", _WITH_NEED,
        "Minutes: by car where households have one, on foot where not",
        default=False, colours="gap",
    ),
    Field(
        "max_min", Number(), "a time in minutes of", _WITH_NEED, "Standard in minutes, with fair or travel",
        default=None, least=1, most=600, colours="gap",
    ),
    Field(
        "group", Id(), "the demand group", _WITH_NEED,
        "Layer that counts who shares the capacity (e2sfca); all residents when left out",
        colours="gap",
    ),
    Field(
        "travel", Id(), "the travel times", _WITH_NEED, "Travel-time table of the region pack, in place of distance",
        colours="gap",
    ),
    Field(
        "overlays", Choices(), "on top of the map", (MAP,),
        default=(), choices=lambda _: ("near", "vanish", "moran", "hot", "rings"),
    ),
    Field("grid", Yes(), "ninths of need and access as", (MAP,), default=False, colours="gap"),
    Field("shared", Yes(), "only shared communities as", (MAP,), default=False),
    Field("beside", Choice(), "who is affected beside", (MAP,), choices=lambda _: BASELINES),
    Field("area", Id(), "the area", (MAP,)),
    Field("at", Place(), "the place", (MAP,), default=None, least=(48, -12, 3), most=(62, 4, 19)),
    Field(
        "robustness", Whole(), "a number of draws of", (GAPS,), "Draws behind the stability, 0 for none; 500 when left out",
        default=500, least=0, most=2_000, by_command=_BY_ENGINE,
    ),
    Field(
        "new", Whole(), "a number of new sites of", (SITES, OPTIONS), "How many new sites (lscp finds that itself)",
        default=1, least=1, most=25, by_command=_BY_ENGINE,
    ),
    Field(
        "objective", Choice(), "the objective", (SITES, OPTIONS), "What the sites are chosen for; mclp when left out",
        default="mclp", choices=lambda _: OBJECTIVES,
    ),
    Field(
        "demand", Choice(), "the demand", (SITES, OPTIONS), "Whom to plan for; underserved when left out",
        default="underserved", choices=lambda _: ("underserved", "all"),
    ),
    Field(
        "exclude", Ids(), "no new sites in", (SITES, OPTIONS),
        "Areas, wards or authorities where nothing may be built",
        default=(), parts="places", most_parts=2_000,
    ),
)  # fmt: skip

FIELDS = {row.name: row for row in ROWS}


def fields_of(who: str) -> list[Field]:
    """The rows of who asks, in the order in which a link writes them."""
    return [row for row in FIELDS.values() if who in row.asked_by]


# ---- reading and writing ------------------------------------------------------------------------------------------------


def take(row: Field, text: str, who: str, region: Any = None) -> Any:
    """The value of a field that ``who`` handed in; its default for "". Raises WrongValue, also where it cannot be left out."""
    value = row.kind.read(row, text, region) if text else row.default
    if value in ("", ()) and who in row.needed_by:
        raise WrongValue(row.kind.takes(row, region))
    return value


def read_link(query: Mapping[str, Any], who: str = MAP) -> tuple[dict[str, Any], list[str]]:
    """The fields that a link gives, and a sentence for every part that was left out. Never fails."""
    given, notices = {}, []
    for name, raw in query.items():
        row = FIELDS.get(name)
        if row is None or who not in row.asked_by:
            notices.append(f"The link has a part that this page does not know and has left out: “{str(name)[:40]}”.")
        elif raw not in ("", None):
            try:
                value = row.kind.read(row, str(raw))
                if not row.kind.is_on_map(row, value):
                    raise WrongValue(row.kind.takes(row))
                given[name] = value
            except WrongValue as wrong:
                why = f"; it takes {wrong.takes}" if wrong.counted else ", which does not exist"
                notices.append(f"The link asks for {row.words} “{str(raw)[:40]}”{why}. It was left out.")
    return given, notices


def write_link(
    values: Mapping[str, Any], names: Iterable[str] | None = None, always: Sequence[str] = ()
) -> dict[str, str]:
    """Query parameters of the fields (all, or ``names``) that are not as they are by themselves, and of ``always``."""
    query = {}
    for name in FIELDS if names is None else names:
        row, value = FIELDS[name], values.get(name)
        if value in ("", (), None) or (value == row.default and name not in always):
            continue
        query[name] = row.kind.write(value)
    return query


def colours_of(values: Mapping[str, Any]) -> dict[str, str]:
    """The part of the link that decides the colours."""
    kinds = ("always",) if values["show"] == "need" else ("always", "gap")
    names = [row.name for kind in kinds for row in fields_of(MAP) if row.colours == kind]
    return write_link(values, names, always=("need", "level"))


def address(query: Mapping[str, str]) -> str:
    return urlencode(query, safe=",=")


def parse_address(text: str) -> dict[str, str]:
    """``?a=1&b=2`` -> {"a": "1", "b": "2"}; of a name that stands twice the first counts, as everywhere."""
    query: dict[str, str] = {}
    for name, value in parse_qsl(text.lstrip("?"), keep_blank_values=True):
        query.setdefault(name, value)
    return {name: value for name, value in query.items() if value}


def as_data() -> list[dict[str, Any]]:
    """The rows of the map's link for the browser: JSON types only."""
    return [
        {
            "name": row.name,
            "kind": row.kind.name,
            "default": list(row.default) if isinstance(row.default, tuple) else row.default,
            "allowed": list(row.allowed()),
            "onMap": list(row.on_map),
            "least": row.least,
            "most": row.most,
            "mostParts": row.most_parts,
            "colours": row.colours,
        }
        for row in fields_of(MAP)
    ]
