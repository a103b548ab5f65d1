"""What a publisher is asked: how the questions of ``layers.descriptive_keys`` are put in the "describe" step, how answers are read from a
form, and what they say to the engine (the hints of :func:`layers.inspect_upload`)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from layers import (
    FIT_FOR,
    GROUPS,
    KEYS,
    LEAST_DISCLOSURE,
    LICENCES,
    Descriptor,
    Draft,
    FormQuestion,
    Key,
    Region,
    Report,
    descriptor_to_json,
    roles_of,
)

STEPS = ("columns", "describe", "check", "preview", "publish")
STEP_TITLES = {
    "upload": "Upload a file",
    "columns": "Match the columns",
    "describe": "Describe the layer",
    "check": "Check the file",
    "preview": "Preview on the map",
    "publish": "Publish",
}

SIMPLE = ("text", "choice", "flag", "number", "whole")
"""Types of keys whose answer is the value itself; what the others' answers mean is said in :func:`prefill` and :func:`hints`."""


def questions(region: Region, kind: str, *, has_period: bool) -> tuple[FormQuestion, ...]:
    """The questions for one kind of layer, in order; those of a key stand with it in ``layers.descriptive_keys``."""
    themes = tuple((theme.id, theme.name) for theme in region.themes)
    asked = []
    for key, question in _questions(kind):
        if key.name != "period" or not has_period:
            asked.append(replace(question, options=themes) if key.name == "themes" else question)
    return tuple(sorted(asked, key=lambda question: (GROUPS.index(question.group), question.rank)))


def _questions(kind: str) -> list[tuple[Key, FormQuestion]]:
    """Every key that is asked for of this kind of layer, "" for both, with its question."""
    named = [
        (key, replace(question, name=question.name or key.name, only=question.only or key.only))
        for key in KEYS.values()
        for question in key.questions
    ]
    return [(key, question) for key, question in named if not kind or question.only in ("", kind)]


def _simple(kind: str = "") -> list[tuple[Key, str]]:
    """The keys whose answer is the value itself, with the name of the question."""
    apart = ("title", "licence", "per", "counts_people")
    return [(key, question.name) for key, question in _questions(kind) if key.type in SIMPLE and key.name not in apart]


def _answer(value: Any) -> str:
    """A value as it stands in a form."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return f"{value:.15g}"
    return "" if value is None else str(value)


def _value(key: Key, answer: str) -> Any:
    """An answer as the value that it means."""
    if key.type == "flag":
        return answer == "yes"
    return _number(answer) if key.type in ("number", "whole") else answer


def read_form(asked: tuple[FormQuestion, ...], form, prefix: str = "") -> dict[str, Any]:
    """The answers in a form, trimmed; lists for questions that take many."""
    out: dict[str, Any] = {}
    for question in asked:
        name = prefix + question.name
        if question.kind == "many":
            allowed = {value for value, _ in question.options}
            out[question.name] = [value for value in form.getlist(name) if value in allowed]
        elif name in form:
            out[question.name] = _tidy(form.get(name, ""))
    return out


def _tidy(text: str) -> str:
    text = "".join(letter for letter in text.replace("\r\n", "\n") if letter == "\n" or letter.isprintable())
    return text.strip()[:5000]


def problems(asked: tuple[FormQuestion, ...], said: Mapping[str, Any]) -> dict[str, str]:
    """Field -> what is wrong with its answer, in the order of the page."""
    out: dict[str, str] = {}
    for question in asked:
        value = said.get(question.name, "")
        if question.required and not value:
            out[question.name] = question.required
        elif question.kind in ("choice", "radio") and value and value not in {option for option, _ in question.options}:
            out[question.name] = f"Choose one of the answers for “{question.label}”"
        elif question.kind == "number" and value and not _number(value):
            out[question.name] = f"“{question.label}” must be a number above 0"
    if said.get("measure") == "rate" and not said.get("per"):
        out["per"] = "Say per how many the rate is, for example 1000"
    url = said.get("source_url", "")
    if url and not re.match(r"https?://[^\s]+$", url):
        out["source_url"] = "The web address of the source must begin with https://"
    if said.get("counts_people") == "yes":
        out |= {name: words for name, words in _too_loose(said).items() if name not in out}
    return out


def _too_loose(said: Mapping[str, Any]) -> dict[str, str]:
    """What the rule for small numbers may not be: looser than the one that holds for all counts of people."""
    out: dict[str, str] = {}
    for name, words in (
        ("threshold", "Counts of people below {0} are always withheld: say {0} or more"),
        ("rounding_base", "Counts of people are always rounded: say a whole number from {0} to 1000"),
    ):
        given, least = said.get(name), getattr(LEAST_DISCLOSURE, name)
        number = _number(given)
        if given and (number is None or not least <= number <= 1000 or number != int(number)):
            out[name] = words.format(least)
    return out


def _number(text: Any) -> float | None:
    try:
        value = float(str(text).replace(",", ""))
    except ValueError:
        return None
    return value if 0 < value < 1e12 else None


def slug(title: str) -> str:
    """An identifier made from a title: "Fuel poverty, 2024" -> "fuel-poverty-2024"."""
    return re.sub(r"[^a-z0-9]+", "-", title.casefold()).strip("-")[:60] or "layer"


def prefill(report: Report, before: Descriptor | None, region: Region, partner: str) -> dict[str, Any]:
    """First answers: of the layer that is replaced, of a descriptor in the file, of what the table suggests."""
    out: dict[str, Any] = {"audience": "", "zero_is_sensitive": "no", "partner": partner}
    out |= {"threshold": str(LEAST_DISCLOSURE.threshold), "rounding_base": str(LEAST_DISCLOSURE.rounding_base)}
    return out | (_of_layer(before) if before is not None else _of_document(report, region))


def _of_layer(before: Descriptor) -> dict[str, Any]:
    """The answers that a published layer gives."""
    out: dict[str, Any] = {name: _answer(key.value(before)) for key, name in _simple()}
    out |= {
        "title": before.title,
        "theme": before.themes[0] if before.themes else "",
        "more_themes": list(before.themes[1:]),
        "per": _answer(before.per) if before.measure == "rate" else "",
        "max_m": _answer(before.access_standard.max_m) if before.access_standard else "",
        "licence": before.licence if before.licence in LICENCES else "other",
        "standard_status": before.access_standard.status if before.access_standard else "",
        "unfit_for": [word for word in FIT_FOR if word not in before.fit_for],
        "counts_people": _answer(before.counts_people),
        "threshold": str(max(before.disclosure.threshold, LEAST_DISCLOSURE.threshold)),
        "rounding_base": str(max(before.disclosure.rounding_base, LEAST_DISCLOSURE.rounding_base)),
        "zero_is_sensitive": _answer(before.disclosure.zero_is_sensitive),
        "partner": before.partner,
    }
    if (figure := before.reference) is not None:
        out |= {
            "reference_name": figure.name,
            "reference_value": _answer(figure.value),
            "reference_period": figure.period,
        }
    for source in before.sources[:1]:
        out |= {"source_title": source.title, "source_publisher": source.publisher, "source_url": source.url}
    return out


OF_THE_FILE = ("id", "kind", "columns", "level", "vintage", "period", "reviewed_by", "reviewed_on")
"""Keys that say something of one file or one version, and not of the layer."""

ASKED_IN_PART = ("sources", "disclosure", "access_standard")
"""Keys of which the pages ask for a part: the rest stays as it is said today."""


def said_today(before: Descriptor, said: Mapping[str, Any]) -> dict[str, Any]:
    """What the published layer says beyond what was asked, as a document: a new version starts from it. An answer that was
    emptied stays empty."""
    document = json.loads(json.dumps(descriptor_to_json(before), default=str))
    for name in ("resources", "profile", "name"):
        document.pop(name, None)
    for key in KEYS.values():
        asked = any((question.name or key.name) in said for question in key.questions)
        asked = asked and not (key.name == "licence" and said.get("licence") not in LICENCES)
        if key.name in OF_THE_FILE or (asked and key.name not in ASKED_IN_PART):
            place = document
            for outer in key.path[:-1]:
                place = place.get(outer) or {}
            place.pop(key.path[-1], None)
    return document


def _of_document(report: Report, region: Region) -> dict[str, Any]:
    """The answers that a descriptor in the file gives, as far as it can be read, and what the table suggests."""
    out: dict[str, Any] = {}
    document = report.document or {}
    ours = document.get("commonground") if isinstance(document.get("commonground"), dict) else {}
    if isinstance(document.get("title"), str):
        out["title"] = document["title"][:200]
    sources = document.get("sources")
    if isinstance(sources, list) and sources and isinstance(sources[0], dict):
        for key, name in (("title", "source_title"), ("publisher", "source_publisher"), ("path", "source_url")):
            if isinstance(sources[0].get(key), str):
                out[name] = sources[0][key][:500]
    licences = document.get("licenses")
    if isinstance(licences, list) and licences and isinstance(licences[0], dict):
        out["licence"] = licences[0].get("name") if licences[0].get("name") in LICENCES else "other"
    theme = ours.get("theme")
    themes = [theme] if isinstance(theme, str) else theme if isinstance(theme, list) else []
    known = {one.id for one in region.themes}
    themes = [one for one in themes if one in known]
    if themes:
        out["theme"], out["more_themes"] = themes[0], themes[1:]
    for key, name in _simple():
        given = ours.get(key.path[-1])
        if key.type == "choice" and given not in tuple(key.words):
            continue
        if (
            isinstance(given, bool)
            if key.type == "flag"
            else isinstance(given, (str, int, float)) and not isinstance(given, bool)
        ):
            out[name] = _answer(given)
    if isinstance(ours.get("per"), (int, float)) and ours.get("measure") == "rate":
        out["per"] = f"{ours['per']:g}"
    if isinstance(ours.get("counts_people"), bool):
        out["counts_people"] = _answer(ours["counts_people"])
    rule = ours.get("disclosure") if isinstance(ours.get("disclosure"), dict) else {}
    for key in ("threshold", "rounding_base"):
        if isinstance(rule.get(key), int) and not isinstance(rule[key], bool):
            out[key] = str(max(rule[key], getattr(LEAST_DISCLOSURE, key)))
    if isinstance(rule.get("zero_is_sensitive"), bool):
        out["zero_is_sensitive"] = _answer(rule["zero_is_sensitive"])
    standard = ours.get("access_standard")
    if isinstance(standard, dict) and isinstance(standard.get("max_m"), (int, float)):
        out["max_m"] = f"{standard['max_m']:g}"
        out["standard_status"] = "adopted" if standard.get("status") == "adopted" else "assumption"
    if isinstance(ours.get("fit_for"), list):
        out["unfit_for"] = [word for word in FIT_FOR if word not in ours["fit_for"]]
    figure = ours.get("reference")
    if isinstance(figure, dict):
        for key in ("name", "value", "period"):
            if isinstance(figure.get(key), (str, int, float)):
                out[f"reference_{key}"] = _answer(figure[key])
    if not out.get("measure") and report.measure_guess:
        out["measure"] = report.measure_guess
    out["id"] = document["name"] if isinstance(document.get("name"), str) else ""
    return out


# ---------------------------------------------------------------- answers -> layers


def wanted_layers(answers: Mapping[str, Any]) -> list[str]:
    """One entry a layer: the header of its value column, or "" for the one layer of the whole file."""
    several = answers.get("several") or []
    return list(several) if several else [""]


def said_of(answers: Mapping[str, Any], header: str) -> dict[str, Any]:
    """Everything said about one layer of the draft."""
    return {**(answers.get("said") or {}), **((answers.get("each") or {}).get(header) or {} if header else {})}


def layer_id(answers: Mapping[str, Any], header: str) -> str:
    """The identifier under which one layer of the draft would be published.

    That of a new layer ends in its partner's: so nobody can find out, by trying names, which layers of other partners there
    are that are hidden from them.
    """
    if not header and answers.get("layer"):
        return str(answers["layer"])
    said = said_of(answers, header)
    wanted = "" if header else str(said.get("id") or "")
    wanted = wanted or slug(str(said.get("title") or header or ""))
    partner = str((answers.get("said") or {}).get("partner") or "")
    if not partner or wanted.endswith(f"-{partner}"):
        return wanted
    return f"{wanted[: 99 - len(partner)]}-{partner}"


def hints(answers: Mapping[str, Any], header: str, filename: str, checked: Draft | None = None) -> dict:
    """What was said so far, for :func:`layers.inspect_upload`. Keys that nobody answered are left out. ``checked``: the draft
    that a colleague may have checked."""
    said = said_of(answers, header)
    kind = answers.get("kind") or ""
    out: dict[str, Any] = {**(answers.get("recipe") or {}), "filename": filename}
    if answers.get("sheet"):
        out["sheet"] = answers["sheet"]
    if answers.get("decimal_comma") is not None:
        out["decimal_comma"] = bool(answers["decimal_comma"])
    if kind:
        out["kind"] = kind
    columns = {
        role: name for role, name in (answers.get("columns") or {}).items() if not kind or role in roles_of(kind)
    }
    if header:
        # several columns become several layers, each of its values alone
        columns = {role: name for role, name in columns.items() if role in ("area_code", "period")}
        columns |= dict.fromkeys(("numerator", "denominator", "lower", "upper", "flag", "status"), "")
        columns["value"] = header
    if columns:
        out["columns"] = columns
    place = answers.get("geography") or {}
    out |= {key: place[key] for key in ("level", "vintage") if place.get(key)}
    if title := said.get("title"):
        out["title"] = title
        out["id"] = layer_id(answers, header)
    if theme := said.get("theme"):
        out["themes"] = [theme, *(one for one in said.get("more_themes") or [] if one != theme)]
    if said.get("partner"):
        out["partner"] = said["partner"]
    out |= {key.name: _value(key, said[name]) for key, name in _simple(kind) if said.get(name)}
    if kind == "services":
        if standard := _number(said.get("max_m")):
            out["access_standard"] = {
                "max_m": standard, "status": said.get("standard_status") or "assumption",
            }  # fmt: skip
    elif said.get("measure") == "rate" and (per := _number(said.get("per"))):
        out["per"] = per
    elif said.get("measure") == "percentage":
        out["per"] = 100
    if "unfit_for" in said:
        out["fit_for"] = [word for word in FIT_FOR if word not in said["unfit_for"]]
    if kind != "services" and said.get("reference_name") and said.get("reference_value"):
        words = {key: said.get(f"reference_{key}") for key in ("name", "value", "period")}
        out["reference"] = {
            key: word.replace(",", "") if key == "value" else word for key, word in words.items() if word
        }
    if said.get("counts_people") in ("yes", "no") and kind != "services":
        people = said["counts_people"] == "yes"
        out["counts_people"] = people
        threshold = int(_number(said.get("threshold")) or 0) if people else 0
        base = int(_number(said.get("rounding_base")) or 0) if people else 0
        zero = people and said.get("zero_is_sensitive") == "yes"
        out["disclosure"] = {"threshold": threshold, "rounding_base": base, "zero_is_sensitive": zero}
    if said.get("source_title"):
        source = {
            "title": said["source_title"],
            "publisher": said.get("source_publisher") or "",
            "path": said.get("source_url") or "",
            "licence": said.get("licence") if said.get("licence") in LICENCES else "",
        }
        out["sources"] = [{key: value for key, value in source.items() if value}]
    if said.get("licence") in LICENCES:
        out["licence"] = said["licence"]
    if checked is not None and checked.checked_by:
        out["reviewed_by"], out["reviewed_on"] = checked.checked_by, str(checked.checked_at.date())
    return out
