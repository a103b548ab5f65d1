"""Every key that describes a layer, once: what it may hold, where it stands, how it is asked for and how it is said.

The reader and writer of packages (``layers.descriptor``), the catalogue's definitions (``layers.build.catalogue``), the store,
the publisher's pages, the API's document of a layer, its page and the printed tables of docs/layer-package.md all read
:data:`KEYS`. A new key is a row here. Its value lies in ``Descriptor.extra["commonground"]`` until the engine needs it by name:
then it gets a field of :class:`~layers.model.Descriptor` too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from enum import StrEnum
from typing import Any

from layers.fields import INDICATOR, SERVICE, Field
from layers.mapping_reader import MappingReader
from layers.model import (
    FIT_FOR,
    LEVELS,
    AccessStandard,
    Audience,
    Completeness,
    Descriptor,
    Direction,
    Disclosure,
    Kind,
    Measure,
    NationalBands,
    Position,
    Reference,
    Source,
)

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
NOT_STATED = "Not stated: check before publishing onward"
"""What stands for a licence that a publisher does not name: for those who define a layer, never for readers."""

OURS = "commonground"
YES_NO = (("yes", "Yes"), ("no", "No"))
STANDARD_STATUS = ("adopted", "assumption")
WEIGHTS = ("residents", "households", "none")
TYPES = {
    "text": "text",
    "choice": "text",
    "texts": "text or list",
    "number": "number",
    "whole": "whole number",
    "flag": "true or false",
    "object": "object",
}
"""The types of keys, and what the reference calls them."""

WHAT, NUMBERS, SERVICES = "What it is", "The numbers", "The services"
ORIGIN, TRUST = "Where it comes from", "How far it can be trusted"
READER, AUDIENCE = "For the reader", "Who may see it"
GROUPS = (WHAT, NUMBERS, SERVICES, ORIGIN, TRUST, READER, AUDIENCE)
"""Groups of questions, in the order in which they are asked."""


@dataclass(frozen=True)
class FormQuestion:
    """What the publisher's pages ask. ``name`` and ``only`` are the key's where not given."""

    label: str
    kind: str  # text | long | choice | radio | many | number
    group: str
    hint: str = ""
    required: str = ""  # the sentence when it is not answered; "" for optional
    options: tuple[tuple[str, str], ...] = ()
    name: str = ""
    only: str = ""  # indicator | services; "" for both
    own: bool = False  # asked for each column when one file becomes several layers
    people: bool = False  # of interest only where the numbers count people
    rank: int = 0  # in its group: lower ones first, else in the order of the keys


@dataclass(frozen=True)
class Key:
    """One row. ``only`` and ``required`` together: required of layers of that kind."""

    name: str  # of the descriptor's field, and in a definition file
    type: str  # one of TYPES
    meaning: str = ""  # for the reference; "" where the words of a choice say it
    place: str = OURS  # object of datapackage.json: "" for the document itself, "commonground.geography" for one inside
    key: str = ""  # in datapackage.json; "" where it is the name
    only: str = ""  # indicator | services; "" for both
    required: bool = False  # in a package
    todo: str = ""  # where it is missing, in the words of somebody who may never have seen a descriptor
    definition: str = ""  # in a definition file: must, may, or "" for not there
    default: Any = ""
    words: Any = ()  # of a choice: an enum or a tuple of texts
    said: Mapping[str, str] = field(default_factory=dict)  # of a choice: how each word is said
    read: Callable[[MappingReader, Mapping], Any] | None = None  # for what no type describes: (reader, read before it)
    stored: Callable[[Any], Any] | None = None  # the value again from the store's plain one
    questions: tuple[FormQuestion, ...] = ()
    page: str = ""  # its name on the layer's page; "" where it is not said there by itself
    api: str = ""  # its name in the API's document of a layer; "" for not there

    @property
    def path(self) -> tuple[str, ...]:
        """Where it stands in ``datapackage.json``, object by object."""
        return (*filter(None, self.place.split(".")), self.key or self.name)

    @property
    def has_field(self) -> bool:
        return self.name in _FIELDS

    @property
    def empty_is_said(self) -> bool:
        """Whether an empty list says something of its own, and must not be dropped for the default."""
        return self.type == "texts" and bool(self.default)

    def value(self, descriptor: Descriptor) -> Any:
        if self.has_field:
            return getattr(descriptor, self.name)
        return descriptor.extra.get(OURS, {}).get(self.name, self.default)

    def read_from(self, look: MappingReader, before: Mapping[str, Any]) -> Any:
        """The value, from the object of a package in which it stands or from a definition file; ``before``: keys already read."""
        if self.read is not None:
            return self.read(look, before)
        name = self.name if look.toml else self.path[-1]
        required = self.definition == "must" if look.toml else self.required
        required = required and self.only in ("", before.get("kind"))
        if self.type == "text":
            return look.text(name, required)
        if self.type == "texts":
            return look.texts(name, required)
        if self.type == "choice":
            return look.choice(name, self.words, required, self.default)
        if self.type == "flag":
            return look.flag(name)
        if self.type == "object":
            return look.object(name)
        return look.number(name, self.default, whole=self.type == "whole")

    def plain(self, value: Any) -> Any:
        """A value as JSON has it."""
        if is_dataclass(value):
            return asdict(value)
        if isinstance(value, tuple):
            return [self.plain(one) for one in value]
        return str(value) if isinstance(value, StrEnum) else value


def roles_of(kind: Kind | str) -> dict[str, Field]:
    """The roles that a table of this kind can have."""
    return SERVICE if kind == Kind.SERVICES else INDICATOR


# ---------------------------------------------------------------- values that no type describes


def _per(look: MappingReader, before: Mapping) -> float:
    usual = 100.0 if before.get("measure") == Measure.PERCENTAGE else 1.0
    per = look.number("per", usual)
    if per > 0:
        return per
    look.fault("per", f"{per:g} is not above 0", "per is what numerator / denominator is multiplied by: 1, 100, 1000")
    return usual


def _decimals(look: MappingReader, before: Mapping) -> int | None:
    decimals = look.number("decimals", None, whole=True)
    if decimals is None or 0 <= decimals <= 10:
        return decimals
    look.fault("decimals", f"{decimals} is not between 0 and 10", "leave it out to have it chosen")
    return None


def _licence(look: MappingReader, before: Mapping) -> str:
    """The licence in one word: of the first of the standard's list, its name, title or page."""
    if look.toml:
        return look.text("licence", required=True)
    given = look.objects("licenses")
    if not given:
        return ""
    first = look.within("licenses", given[0])
    name, title, path = first.text("name"), first.text("title"), first.text("path")
    return title if name in ("", "other") and title else name or path


def _sources(look: MappingReader, before: Mapping) -> tuple[Source, ...]:
    out = []
    for one in look.objects("sources"):
        source = look.within("sources", one)
        url = source.text("path")
        if url and not url.lower().startswith(("http://", "https://")):
            source.fault("path", "is not a web address", "begin it with https:// or leave it out")
            url = ""
        words = source.text("licence"), source.text("attribution")
        out.append(Source(source.text("title"), source.text("publisher"), url, *words))
    return tuple(out)


def _columns(look: MappingReader, before: Mapping) -> dict[str, str]:
    out, used, kind = {}, {}, before.get("kind")
    for role, header in look.object("columns").items():
        if kind is not None and role not in roles_of(kind):
            look.fault("columns", f"{role!r} is not a role of {kind}", f"use those of {', '.join(roles_of(kind))}")
        elif not isinstance(header, str) or not header:
            look.fault("columns", f"the header for {role!r} is not text", 'write "role": "header of the table"')
        elif header in used:
            what = f"{header!r} is given for both {used[header]!r} and {role!r}"
            look.fault("columns", what, "give each role its own column")
        else:
            out[role] = header
            used[header] = role
    return out


def _marks(look: MappingReader, before: Mapping) -> dict[str, str]:
    marks = look.object("marks")
    for mark, word in marks.items():
        if word not in ("suppressed", "missing"):
            look.fault("marks", f"{mark!r} means {word!r}", "use suppressed or missing")
    return marks


def _disclosure(look: MappingReader, before: Mapping) -> Disclosure:
    rule = look.within("disclosure")
    known = tuple(one.name for one in fields(Disclosure))
    for key in rule.given:
        if key not in known:  # a rule that is not understood must not pass for none
            rule.fault(key, "is not a rule that is known here", f"use one of {', '.join(known)}")
    threshold, base = rule.number("threshold", 0, whole=True), rule.number("rounding_base", 0, whole=True)
    for key, number in (("threshold", threshold), ("rounding_base", base)):
        if not 0 <= number <= 1_000_000:
            rule.fault(key, f"{number} is not from 0 to 1,000,000", "leave it out for the usual rule: 8, rounded to 5")
    protected, reason = rule.flag("source_protected"), rule.text("reason").strip()
    if protected and not (reason := reason or _publisher(look, before)):
        rule.fault(
            "source_protected", "nothing says who protected the counts", 'say it: "reason": "ONS swaps records and ..."'
        )
    return Disclosure(threshold, base, rule.flag("zero_is_sensitive"), protected, reason if protected else "")


def _publisher(look: MappingReader, before: Mapping) -> str:
    """Who published a layer, for one that says no more than that its publisher protected it."""
    names = [source.publisher or source.title for source in before.get("sources", ())]
    names += [look.text("publisher")] if look.toml else []
    name = next(filter(None, names), "")
    return f"Protected by its publisher: {name}"[:300] if name else ""


def _access_standard(look: MappingReader, before: Mapping) -> AccessStandard | None:
    rule = look.within("access_standard")
    if not rule.given:
        return None
    metric, most = rule.text("metric") or "nearest", rule.number("max_m", None)
    if most is None or not most > 0:
        rule.fault("max_m", "there is no distance above 0", 'write it in metres: "max_m": 1600')
        most = None
    status = rule.choice("status", STANDARD_STATUS, default="assumption")
    return None if most is None else AccessStandard(metric, most, status)


def _fit_for(look: MappingReader, before: Mapping) -> tuple[str, ...]:
    """What it may be used for, in the order of :data:`FIT_FOR`. An empty list says: for none of it; no list says: for all."""
    if look.given.get("fit_for") is None:
        return FIT_FOR
    said = look.texts("fit_for")
    if wrong := [word for word in said if word not in FIT_FOR]:
        what = f"{_listed(wrong)} {'is' if len(wrong) == 1 else 'are'} not among the words in use"
        look.fault(
            "fit_for", what, f"use some of {', '.join(FIT_FOR)}, or leave it out where it is fit for all of them"
        )
    return tuple(word for word in FIT_FOR if word in said)


def _listed(words: list[str]) -> str:
    return ", ".join(repr(word[:40]) for word in words[:5])


def _error_sd(look: MappingReader, before: Mapping) -> float | None:
    error = look.number("error_sd", None)
    if error is None or error > 0:
        return error
    look.fault(
        "error_sd", f"{error:g} is not above 0", "write the standard deviation in the layer's unit, or leave it out"
    )
    return None


def _dispersion(look: MappingReader, before: Mapping) -> float | None:
    ratio = look.number("dispersion", None)
    if ratio is None or ratio >= 1:
        return ratio
    look.fault("dispersion", f"{ratio:g} is below 1", "write the variance of the counts over their mean: 1 or more")
    return None


def _reference(look: MappingReader, before: Mapping) -> Reference | None:
    given = look.within("reference")
    if not given.given:
        return None
    name, value, period = given.text("name", required=True), given.number("value", None), given.text("period")
    if value is None:
        if given.given.get("value") in (None, ""):
            given.fault("value", "the key is missing", "add the figure, in the layer's own unit")
        return None
    return Reference(name, value, period) if name else None


def _national(look: MappingReader, before: Mapping) -> NationalBands | None:
    rule = look.within("national")
    if not rule.given:
        return None
    quantiles = {}
    for key, cuts in rule.object("quantiles").items():
        good = isinstance(cuts, list) and all(
            isinstance(cut, (int, float)) and not isinstance(cut, bool) and math.isfinite(cut) for cut in cuts
        )
        if not good or not key.isdigit() or len(cuts) != int(key) - 1 or sorted(cuts) != cuts:
            what = f"{key!r} classes need {key} minus one rising numbers"
            rule.fault("quantiles", what, "work the cut points out again")
            continue
        quantiles[int(key)] = tuple(float(cut) for cut in cuts)
    areas = rule.number("areas", 0, whole=True)
    return NationalBands(rule.text("level") or "lsoa", areas, rule.text("scope"), quantiles)


def _stored_national(stored: Mapping) -> NationalBands:
    cuts = {int(classes): tuple(limits) for classes, limits in stored["quantiles"].items()}
    return NationalBands(**{**stored, "quantiles": cuts})


# ---------------------------------------------------------------- the rows

_ROWS = (
    Key("id", "text", "Identifier of the layer", place="", key="name", required=True, definition="must", api="id",
        todo="give the layer a short identifier, such as fuel-poverty"),
    Key("title", "text", "Title, as people read it", place="", required=True, definition="must", api="title",
        todo="give the layer a title",
        questions=(FormQuestion("Title", "text", WHAT,
                            "As people will read it on the map, for example Households in fuel poverty.",
                            "Give the layer a title", own=True),)),
    Key("description", "text", "What it is, in a sentence", place="", api="description"),
    Key("sources", "object", "Where it comes from, as it must be credited", place="", default=(), api="sources",
        read=_sources, stored=lambda given: tuple(Source(**one) for one in given),
        questions=(
            FormQuestion("Source", "text", ORIGIN, "The name of the publication or system.", "Say where it comes from",
                     name="source_title"),
            FormQuestion("Publisher", "text", ORIGIN, "The organisation behind the source.", name="source_publisher"),
            FormQuestion("Web address of the source", "text", ORIGIN, "Beginning with https://. Optional.", name="source_url"),
        )),
    Key("licence", "text", "What others may do with it", place="", key="licenses", definition="must", page="Licence",
        api="licence", read=_licence, said={NOT_STATED: "ask its publisher before passing it on"},
        questions=(FormQuestion("Licence", "choice", ORIGIN, "What others may do with it.", "Choose a licence",
                            (*((name, title) for name, (title, _) in LICENCES.items()),
                             ("other", "Another licence, or none"))),)),
    Key("kind", "choice", words=Kind, required=True, definition="must", default=None, api="kind"),
    Key("themes", "texts", "Id of the theme, or a list of them, the first being the main one", key="theme",
        required=True, todo="choose at least one theme", definition="must", default=(), api="themes", stored=tuple,
        questions=(
            FormQuestion("Theme", "choice", WHAT, "The problem that people look for it under.", "Choose a theme", name="theme"),
            FormQuestion("Also shown under", "many", WHAT, name="more_themes"),
        )),
    Key("partner", "text", "Id of the partner that supplies the layer", required=True, api="partner",
        todo="say which partner supplies it"),
    Key("measure", "choice", only="indicator", required=True, definition="must", default=None, words=Measure, api="measure",
        todo="say what kind of number it is: count, rate, percentage, change, score, mean, rank, decile",
        said={"count": "Count", "rate": "Rate", "percentage": "Percentage", "change": "Change", "score": "Score", "mean": "Average",
              "rank": "Rank", "decile": "Tenth (decile)", "category": "Category"},
        questions=(FormQuestion("What kind of number is it?", "choice", NUMBERS,
                            "This decides whether figures may be added up or averaged for larger areas.",
                            "Say what kind of number it is", (
                                ("percentage", "Percentage: so many of every hundred"),
                                ("rate", "Rate: so many per 1,000, per 100,000 …"),
                                ("count", "Count: a number of people, homes or events"),
                                ("change", "Change since an earlier time; it may be negative"),
                                ("score", "Score or index that cannot be added up"),
                                ("mean", "Average"),
                                ("rank", "Rank among areas"),
                                ("decile", "Tenth (decile)"),
                                ("category", "Category, written as a number"),
                            ), own=True),)),
    Key("unit", "text", 'The words behind the number: "% of households", "per 1,000 residents"', only="indicator",
        definition="must", api="unit",
        questions=(FormQuestion("Unit", "text", NUMBERS,
                            "The words behind the number: % of households, per 1,000 residents, points.",
                            "Say what the number counts", own=True),)),
    Key("per", "number", "value = numerator / denominator * per; 100 for a percentage", only="indicator",
        definition="may", default=1.0, read=_per, api="per",
        questions=(FormQuestion("For a rate: per how many?", "number", NUMBERS,
                            "1000 when the rate is per 1,000. Leave it blank for anything else.", own=True),)),
    Key("decimals", "whole", "Decimals to show; chosen from the values when absent", only="indicator",
        definition="may", default=None, read=_decimals),
    Key("direction", "choice", only="indicator", definition="must", default=Direction.NEUTRAL, words=Direction,
        api="direction",
        questions=(FormQuestion("Which way is worse?", "radio", NUMBERS, "", "Say which way is worse", (
            ("high-is-worse", "A higher number means more need"),
            ("low-is-worse", "A lower number means more need"),
            ("neutral", "Neither: it describes, and is not used as need"),
        ), own=True),)),
    Key("level", "choice", "Areas of the published table: lsoa, ward or lad", place="commonground.geography",
        only="indicator", definition="may", default="lsoa", words=LEVELS, api="published_at_level"),
    Key("vintage", "whole", "The year of their boundaries", place="commonground.geography", only="indicator",
        definition="may", default=2021, api="vintage"),
    Key("period", "text", "Period of a table without a period column: 2024, 2023/24, Jan-Apr 2024", definition="must",
        questions=(FormQuestion("Period", "text", NUMBERS,
                            "When the numbers are about, as the publisher writes it: 2024, 2023/24, Jan-Apr 2024.",
                            "Say which period the numbers describe", only="indicator"),)),
    Key("national", "object", "Cut points of the whole country's areas: level, areas, scope, quantiles",
        only="indicator", default=None, read=_national, stored=_stored_national),
    Key("weighted_by", "choice",
        "residents, households or none: what a percentage without its parts may be averaged by for larger areas",
        only="indicator", definition="may", words=WEIGHTS, api="weighted_by", page="May be averaged by",
        said={"residents": "Residents", "households": "Households", "none": "Nothing: it is not averaged"},
        questions=(FormQuestion("May a percentage without its parts be averaged for larger areas?", "choice", NUMBERS,
                            "Only where it is a share of the residents, or of the households, of each area. Optional.",
                            options=(("residents", "Yes, it is a share of residents"),
                                     ("households", "Yes, it is a share of households"),
                                     ("none", "No"))),)),
    Key("error_sd", "number", "Standard deviation of the error of one area's figure, in the layer's unit, as its source states it",
        only="indicator", definition="may", default=None, read=_error_sd, api="error_sd", page="Stated error",
        questions=(FormQuestion("How far off may one figure be?", "number", TRUST,
                            "The standard error that the source states, in the figure's own unit. Optional."),)),
    Key("dispersion", "number", "Variance over mean of its counts (1 or more), where events come in clusters",
        only="indicator", definition="may", default=None, read=_dispersion, api="dispersion", page="Spread of its counts",
        questions=(FormQuestion("How clustered are the counts?", "number", TRUST,
                            "Variance over mean between like periods: 1 for independent events, more where they come in clusters. "
                            "Optional."),)),
    Key("reference", "object", "A figure to compare with: name (England), value in the layer's unit, period",
        only="indicator", definition="may", default=None, read=_reference, stored=lambda given: Reference(**given),
        api="reference", page="To compare with",
        questions=(
            FormQuestion("A figure to compare with: of whom?", "text", READER, "For example England. Optional.",
                     name="reference_name"),
            FormQuestion("That figure", "text", READER, "In the layer's own unit.", name="reference_value"),
            FormQuestion("Its period", "text", READER, name="reference_period"),
        )),
    Key("access_standard", "object", 'metric ("nearest"), max_m in metres, and status: adopted or assumption',
        only="services", definition="may",
        default=None, read=_access_standard, stored=lambda given: AccessStandard(**given), api="access_standard",
        questions=(
            FormQuestion("How near should one be? Metres", "number", SERVICES,
                     "Optional. Areas further away than this count as poorly served, for example 1600 for a mile.",
                     name="max_m"),
            FormQuestion("Who decided on that distance?", "radio", SERVICES, "Pages say which it is.", options=(
                ("adopted", "It was adopted, by somebody answerable for the service"),
                ("assumption", "It is an assumption, for planning"),
            ), name="standard_status"),
        )),
    Key("completeness", "choice", words=Completeness, definition="may", default=Completeness.UNKNOWN, api="completeness",
        meaning="register, sample, modelled or unknown: how much of what there is it holds. Without it, unknown, which speaks "
                "as a sample does",
        page="How complete",
        said={"register": "A register: all there are", "sample": "A sample: not all there are",
              "modelled": "Modelled: estimated, not counted", "unknown": "Nobody has said: it is spoken of as a sample"},
        questions=(FormQuestion("How complete is it?", "choice", TRUST,
                            "Of a sample nothing is called firm, and people are counted only “in this sample of so many sites”.",
                            options=(("register", "A register or census: all there are"),
                                     ("sample", "A sample: not all there are"),
                                     ("modelled", "Modelled: estimated, not counted"),
                                     ("unknown", "Nobody can say"))),)),
    Key("position", "choice", words=Position, definition="may", default=None, api="position",
        meaning="address, postcode, snapped or area: by what sites or events were put on the map", page="Placed by",
        said={"address": "Address", "postcode": "Postcode: its middle, which may be some hundred metres away",
              "snapped": "The nearest of a set of points, to protect people", "area": "Area only"},
        questions=(FormQuestion("How were the places put on the map?", "choice", TRUST, "Optional.",
                            options=(("address", "By address, or surveyed on the spot"),
                                     ("postcode", "By postcode"),
                                     ("snapped", "Moved to the nearest of a set of points"),
                                     ("area", "Only the area is known"))),)),
    Key("fit_for", "texts", "Some of gaps, counts, ranking: what it may be used for. Without it, for all three; [] for none",
        words=FIT_FOR, definition="may", default=FIT_FOR, read=_fit_for, stored=tuple, api="fit_for", page="Fit for",
        said={"gaps": "finding gaps", "counts": "counting people", "ranking": "putting areas in order",
              "": "Looking at, and nothing else"},
        questions=(FormQuestion("Is there anything that it must not be used for?", "many", TRUST,
                            "Tick what it cannot carry. What is ticked is not offered, and not said.",
                            options=(("gaps", "Finding gaps"), ("counts", "Counting people"),
                                     ("ranking", "Putting areas in order")), name="unfit_for"),)),
    Key("columns", "object", "role: header of the table; a header that is a role's name need not be listed",
        default={}, read=_columns),
    Key("audience", "choice", words=Audience, default=Audience.PUBLIC, api="audience",
        said={"public": "Everybody", "partners": "Signed-in partners", "owner": "Only the partner that supplied it"},
        questions=(FormQuestion("Who may see it?", "radio", AUDIENCE, "", "Say who may see it", (
            ("public", "Everybody"),
            ("partners", "Signed-in people of every partner"),
            ("owner", "Only my own organisation"),
        ), rank=2),)),
    Key("disclosure", "object",
        "threshold (counts from 1 to threshold - 1 are withheld) and rounding_base, which may only tighten 8 and 5; "
        "zero_is_sensitive; source_protected with reason: left as its publisher protected it",
        definition="may", default=Disclosure(), read=_disclosure, stored=lambda given: Disclosure(**given),
        questions=(
            FormQuestion("Withhold counts below", "number", AUDIENCE,
                     "8 withholds counts of 1 to 7; it can be more, not less. Only used when the numbers count people.",
                     name="threshold", only="indicator", people=True, rank=1),
            FormQuestion("Round counts to multiples of", "number", AUDIENCE,
                     "5 shows 12 as 10 and 13 as 15, and works rates out from the rounded counts; it can be more, not less.",
                     name="rounding_base", only="indicator", people=True, rank=1),
            FormQuestion("Must a zero be withheld too?", "radio", AUDIENCE,
                     "Yes where “nobody here” says something about people, for example that none of a small group found work.",
                     options=YES_NO, name="zero_is_sensitive", only="indicator", people=True, rank=1),
        )),
    Key("counts_people", "flag", "Whether the numbers count people, so that small ones must be withheld",
        definition="may", default=False,
        questions=(FormQuestion("Do the numbers count people?", "radio", AUDIENCE,
                            "Then small counts are withheld, so that nobody can be recognised.",
                            "Say whether the numbers count people", YES_NO, only="indicator"),)),
    Key("synthetic", "flag", "Made up for demonstration", default=False, api="synthetic"),
    Key("why_it_matters", "text", "One or two sentences for a member of the public", definition="must",
        api="why_it_matters",
        questions=(FormQuestion("Why it matters", "long", READER, "One or two sentences for a member of the public."),)),
    Key("caveats", "text", "What the numbers do not say", definition="must", api="caveats",
        questions=(FormQuestion("What the numbers do not say", "long", READER,
                            "For example areas that are missing, or a change in how cases are recorded."),)),
    Key("method", "text", "How the number came about, in plain words", definition="must", api="method",
        questions=(FormQuestion("How the numbers came about", "long", READER, "In plain words. Optional."),)),
    Key("next_update", "text", "When the next version is expected", definition="must", page="Next update",
        api="next_update", questions=(FormQuestion("Next update", "text", READER, "For example March 2027. Optional."),)),
    Key("agreement", "text", "Id of the sharing agreement under which it is here", definition="may", api="agreement",
        page="Sharing agreement",
        questions=(FormQuestion("Sharing agreement", "text", AUDIENCE, "Its identifier, where there is one. Optional.",
                            rank=3),)),
    Key("contact", "text", "Who answers questions", definition="must", page="Contact", api="contact",
        questions=(FormQuestion("Contact", "text", READER,
                            "Who answers questions: a team's address is better than a person's.",
                            "Say who answers questions"),)),
    Key("reviewed_by", "text", "Who checked the layer", definition="must"),
    Key("reviewed_on", "text", "When it was checked", definition="must"),
    Key("marks", "object", "mark: suppressed or missing, where the table uses one differently from the list below",
        default={}, read=_marks),
    Key("never_averaged", "flag", "A standardised ratio, for which no honest figure of a larger area can be made",
        only="indicator", definition="may", default=False),
)  # fmt: skip

_FIELDS = frozenset(one.name for one in fields(Descriptor))
KEYS = {row.name: row for row in _ROWS}
