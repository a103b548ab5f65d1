"""Everything that can be said about an upload before it is published: what it is, what is wrong with it, what would be shown.

:func:`inspect_upload` never raises for what is in the file: it answers with a :class:`Report`. Errors stop a layer from being
published; warnings inform, and what they say was kept out can be downloaded with the reason beside each row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from layers.descriptive_keys import KEYS, OURS
from layers.descriptor import FILE, readable_part
from layers.fields import SERVICE
from layers.model import LEVELS, Descriptor, Fault, Kind, Package, Refused, Status
from layers.reading import asked, checks, places, site_checks
from layers.reading.columns import Guess, guess_columns, guess_measure, has_codes, kind_of_table, numeric_columns
from layers.reading.files import LIMITS, Limits, read_upload, safe_name
from layers.reading.habits import SHARE, shares_to_percent
from layers.reading.marks import numbers
from layers.reading.package import bad_numbers, safe_for_spreadsheets, table_from_text
from layers.reading.people import records_of_people
from layers.reading.questions import Question
from layers.reading.recipe import layout_of, reading_part, with_columns, write_recipe
from layers.reading.rows import row_of
from layers.reading.shaping import shape
from layers.reading.vintage import FoundBoundaries, detect, known_codes

_OF_FAULT = ("severity", "rule", "what", "where", "row", "column", "value", "todo")


@dataclass(frozen=True)
class Report:
    """What was found in one upload. ``package`` is what would be published; None while there are errors or questions."""

    filename: str
    sha256: str
    size: int
    format: str
    kind: Kind | None
    descriptor: Descriptor | None
    package: Package | None
    faults: tuple[Fault, ...]
    headers: tuple[str, ...] = ()
    guesses: tuple[Guess, ...] = ()
    numeric: tuple[str, ...] = ()  # columns of numbers that could be indicators; one file, many layers
    geography: FoundBoundaries | None = None
    counts: dict[str, int] = field(default_factory=dict)
    coverage: pd.DataFrame = field(default_factory=pd.DataFrame)
    rejected: pd.DataFrame = field(default_factory=pd.DataFrame)
    sample: pd.DataFrame = field(default_factory=pd.DataFrame)  # the first rows as they stand in the file
    sheets: tuple[str, ...] = ()
    measure_guess: str = ""  # what kind of number it may be, while nobody has said
    document: dict = field(default_factory=dict)  # descriptor as read and completed with the hints
    questions: tuple[Question, ...] = ()  # how the file is to be read, where two readings fit
    used: dict[str, Any] = field(
        default_factory=dict
    )  # how it was read: the sheet, its rows, its habits; kept with the version
    recipe: dict[str, Any] = field(default_factory=dict)  # what was said of the reading, to read the next file by
    to_describe: tuple[Question, ...] = ()  # what nobody has said of the layer

    @property
    def errors(self) -> tuple[Fault, ...]:
        return tuple(fault for fault in self.faults if fault.severity == "error")

    @property
    def warnings(self) -> tuple[Fault, ...]:
        return tuple(fault for fault in self.faults if fault.severity != "error")

    @property
    def ok(self) -> bool:
        return self.package is not None and not self.errors

    @property
    def open_questions(self) -> tuple[Question, ...]:
        """Everything that must be answered before the file can be published, of its reading first."""
        return (*self.questions, *asked.boundaries(self.geography, self.filename), *self.to_describe)

    @property
    def recipe_text(self) -> str:
        return write_recipe(self.recipe)

    @property
    def question(self) -> str:
        return self.geography.question if self.geography else ""

    @property
    def sentence(self) -> str:
        """The report in one sentence."""
        if self.ok:
            what = f"{len(self.package.table):,} rows can be published"
        elif self.questions and not self.errors:
            count = len(self.questions)
            what = f"{count} {'question is' if count == 1 else 'questions are'} open about how this file is to be read"
        else:
            what = f"{len(self.errors)} {'error stops' if len(self.errors) == 1 else 'errors stop'} this file"
        notes = f", {len(self.warnings)} to know about" if self.warnings else ""
        kept = f", {len(self.rejected):,} rows are kept out" if len(self.rejected) else ""
        return f"{what}{kept}{notes}."

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON, for ``commonground layers validate --json`` and the record of a publish."""
        geography = self.geography
        return {
            "filename": self.filename,
            "sha256": self.sha256,
            "bytes": self.size,
            "format": self.format,
            "kind": str(self.kind) if self.kind else None,
            "ok": self.ok,
            "summary": self.sentence,
            "columns": {guess.role: {"header": guess.header, "reason": guess.reason} for guess in self.guesses},
            "geography": {
                "level": geography.level,
                "vintage": geography.vintage,
                "certain": geography.certain,
                "summary": geography.sentence,
                "question": geography.question,
                "choices": [{"level": level, "vintage": year} for level, year in geography.choices],
                "only_older": list(geography.only_older),
                "only_newer": list(geography.only_newer),
                "unknown": list(geography.unknown[:1000]),
            }
            if geography
            else None,
            "counts": self.counts,
            "coverage": self.coverage.to_dict("records"),
            "read": self.used,
            "questions": [question.to_json() for question in self.open_questions],
            "recipe": self.recipe_text,
            "faults": [{name: getattr(fault, name) for name in _OF_FAULT} for fault in self.faults],
        }

    def rejected_csv(self) -> bytes:
        """The rows that are kept out, as they stand in the file, with their row and the reason; safe to open in a spreadsheet."""
        return b"\xef\xbb\xbf" + safe_for_spreadsheets(self.rejected).to_csv(index=False).encode()


# ---------------------------------------------------------------- the whole of it


def inspect_upload(
    path: str | Path,
    region,
    *,
    hints: Mapping | None = None,
    previous: Package | None = None,
    today: Mapping | None = None,
    limits: Limits = LIMITS,
) -> Report:
    """Read a folder, zip, CSV, XLSX, GeoJSON or GeoPackage of unknown origin and say everything about it.

    ``hints`` is what the publisher has said so far, and wins over the file: any key of the format (``kind``, ``theme``,
    ``partner``, ``measure``, ``unit``, ``level``, ``vintage``, ``period``, ...), ``name`` and ``title``, ``columns``
    ({role: header}; "" for "none of them"), and of the file ``filename``, ``sheet``, ``decimal_comma``. ``previous`` is the
    version now published, to compare with; ``today`` what it says of itself (a document): for keys that neither the file nor
    the hints have, and for the rest of rules of which the hints have a part.
    """
    hints = with_columns(hints or {})
    path = Path(path)
    filename = safe_name(str(hints.get("filename") or path.name))
    sha256, size = _fingerprint(path, limits)
    try:
        upload = read_upload(path, filename=filename, limits=limits, layout=layout_of(hints))
    except Refused as refused:
        return Report(filename, sha256, size, "", None, None, None, refused.faults)
    sheet = upload.sheet
    if people := records_of_people(sheet.text, filename):
        return Report(filename, sha256, size, "", None, None, None, (people,))
    shaped = shape(sheet, hints, filename)
    shaped.bare = upload.document is None
    sheet = replace(sheet, text=shaped.text)
    faults = [*sheet.faults, *shaped.faults]
    document = _document(upload.document, hints, faults, today or {})
    ours = document["commonground"]
    known = known_codes(region)
    hints["columns"] = dict(ours.get("columns") or {})
    found_roles = {role: (header, "as you said") for role, header in shaped.roles.items()}
    if str(ours.get("kind") or "") != Kind.INDICATOR:
        said = _texts(hints.get("place_columns"))
        placed = places.find_places(sheet.text, said, filename, in_texts=not has_codes(sheet.text, known))
        sheet = replace(sheet, text=placed.text)
        faults += placed.faults
        found_roles |= placed.roles
        faults += places.spoilt_numbers(sheet.text, filename)
    kind = kind_of_table(ours, sheet, found_roles, known)
    ours["kind"] = str(kind)
    guesses = guess_columns(sheet, kind, ours.get("columns") or {}, known, faults, found=found_roles, region=region)
    ours["columns"] = {guess.role: guess.header for guess in guesses}
    numeric = numeric_columns(sheet.text, {guess.header for guess in guesses if guess.role == "area_code"})
    questions = [*sheet.questions, *shaped.questions]
    before = Report(
        filename, sha256, size, sheet.format, kind, None, None, (),
        headers=tuple(sheet.text.columns), guesses=guesses, numeric=numeric, sample=sheet.text.head(20),
        sheets=sheet.sheets, document=document, questions=tuple(questions), used=_used(sheet, shaped, guesses),
        recipe=reading_part(hints),
    )  # fmt: skip

    geography = None
    roles = {guess.role: guess.header for guess in guesses}
    if kind == Kind.INDICATOR and "area_code" in roles:
        claim = ours.get("geography") if isinstance(ours.get("geography"), dict) else {}
        said_level, said_year = str(claim.get("level") or ""), claim.get("vintage")
        geography = detect(
            sheet.text[roles["area_code"]],
            region,
            level=said_level,
            vintage=int(said_year) if isinstance(said_year, (int, float)) and not isinstance(said_year, bool) else 0,
            where=filename,
            column=roles["area_code"],
            known=known,
            beside=sheet.text.drop(columns=roles["area_code"]),
        )
        faults += geography.faults
        if geography.level:
            ours["geography"] = {"level": geography.level, "vintage": geography.vintage or said_year or 2021}
    working, found = readable_part(document)  # for looking at the table while the descriptor is still incomplete
    faults += _friendly(found)
    descriptor = None if found else working
    before = replace(before, to_describe=asked.to_describe(found, region, before))
    if kind == Kind.SERVICES:
        return _finish_services(before, sheet, shaped, working, descriptor, region, faults, hints)
    return _finish_indicator(before, sheet, shaped, working, descriptor, geography, region, faults, hints, previous)


def _texts(value: Any) -> tuple[str, ...]:
    return () if not value else (value,) if isinstance(value, str) else tuple(map(str, value))


def _used(sheet, shaped, guesses) -> dict[str, Any]:
    """How the file was read, in plain values: the state that is used is the one that is shown."""
    used = {
        "sheet": sheet.sheet,
        "header_rows": list(sheet.header_rows),
        "rows": len(shaped.text),
        "rows_left_out": len(shaped.left_out),
        "rows_too_long": len(sheet.kept_out),
        "columns": {guess.role: guess.header for guess in guesses},
    }
    return {name: value for name, value in used.items() if value not in ("", [], 0)}


def _fingerprint(path: Path, limits: Limits) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    for file in files:
        if file.is_symlink() or not file.is_file():
            continue
        size += file.stat().st_size
        if size > limits.upload:
            break  # refused for its size in a moment
        with file.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest(), size


def _document(document: dict | None, hints: dict, faults: list[Fault], today: Mapping) -> dict:
    """The descriptor as read, with the publisher's answers on top, and beneath it what the layer says today."""
    if document is not None and not isinstance(document, dict):
        faults.append(Fault("is not a JSON object", FILE, "see docs/layer-package.md", rule="descriptor"))
        document = None
    out = {**today, **(document or {})}
    beneath, ours = today.get(OURS, {}), (document or {}).get(OURS)
    out[OURS] = ours = {**beneath, **(ours if isinstance(ours, dict) else {})}
    geography = hints.get("geography")
    hints = {**(geography if isinstance(geography, dict) else {}), **hints}
    for key in KEYS.values():
        *outer, last = key.path
        value = next((hints[name] for name in (key.name, last) if hints.get(name) is not None), None)
        if key.name == "columns" or value is None or (not value and outer != [OURS]):
            continue
        place = out
        for name in outer:
            place[name] = place = dict(place[name]) if isinstance(place.get(name), dict) else {}
        if key.name == "licence" and isinstance(value, str):
            value = [{"name": value}]
        place[last] = _with_the_rest(value, place.get(last))
    ours = out[OURS]
    columns = ours.get("columns")
    ours["columns"] = {**(columns if isinstance(columns, dict) else {}), **(hints.get("columns") or {})}
    return out


def _with_the_rest(answer: Any, known: Any) -> Any:
    """An answer with what it does not speak of: the other keys of a rule, the other sources."""
    if isinstance(answer, dict) and isinstance(known, dict):
        return {**known, **answer}
    if isinstance(answer, list) and isinstance(known, list) and len(answer) == 1 and known:
        first, *more = known
        if isinstance(first, dict) and isinstance(answer[0], dict) and first.get("title") == answer[0].get("title"):
            return [{**first, **answer[0]}, *more]
    return answer


def _friendly(found: list[Fault]) -> list[Fault]:
    """Faults of the descriptor in the words of somebody who may never have seen one."""
    todo = {".".join(key.path): key.todo for key in KEYS.values() if key.todo}
    return [
        replace(fault, todo=todo.get(fault.column, fault.todo), rule="descriptor-incomplete")
        if fault.what == "the key is missing"
        else fault
        for fault in found
    ]


# ---------------------------------------------------------------- indicators


def _finish_indicator(before, sheet, shaped, working, descriptor, geography, region, faults, hints, previous) -> Report:
    text, where = sheet.text, before.filename
    roles = {guess.role: guess.header for guess in before.guesses}
    faults += _missing_columns(roles, where)
    counts = {"rows": len(text)}
    if "area_code" not in roles or geography is None or any(fault.rule == "column-missing" for fault in faults):
        return replace(before, descriptor=descriptor, geography=geography, faults=_in_order(faults), counts=counts)
    comma = hints.get("decimal_comma", sheet.decimal_comma)
    if "value" in roles and working.measure is None:
        before = replace(before, measure_guess=guess_measure(text[roles["value"]], roles["value"]))
    asked_now = asked.of_columns(
        text, roles, sheet, hints, before.measure_guess or working.measure, where, bare=shaped.bare
    )
    text = _in_percent(text, roles, hints, comma, faults, where)
    before = replace(before, questions=(*before.questions, *asked_now))
    keep = geography.sort == "region"
    checked = text[keep]
    table, found = table_from_text(checked, replace(working, columns=roles), where=where, decimal_comma=comma)
    faults += found
    if table.empty:
        if not geography.faults:
            faults.append(Fault("no row is left to publish", where, "check the column of area codes", rule="no-rows"))
        return replace(
            before, descriptor=descriptor, geography=geography, faults=_in_order(faults), counts=counts,
            rejected=_rejected(text, _reasons(geography), sheet, shaped), coverage=pd.DataFrame(),
        )  # fmt: skip
    table["area_code"] = geography.codes[keep]
    reasons = _reasons(geography)
    faults += checks.habits(checked, roles, working, comma, where)
    duplicate_faults, drop = checks.duplicates(table, where, roles, checked)
    faults += duplicate_faults
    if any(fault.rule == "duplicate-area" for fault in duplicate_faults):
        told_apart = asked.breakdowns(checked, table, roles, hints, where)
        before = replace(before, questions=(*before.questions, *told_apart))
    for row in drop:
        reasons[row] = "the same row stands further up"
    table = table.drop(index=drop)
    faults += checks.check_values(table, working, roles, where)
    faults += checks.check_periods(table, working, where)
    faults += checks.small_numbers(table, working, where, roles)
    usable_level = geography.level in LEVELS and geography.vintage == (region.vintages.get(geography.level) or 0)
    if usable_level:
        faults += checks.far_from_neighbours(table, working, region, geography.level, where, roles)
    if previous is not None:
        faults += checks.compare_with_before(table, previous.table, where, roles)
    coverage = checks.coverage_of(table, region, geography)
    faults += checks.coverage_faults(coverage, where)
    rejected = _rejected(text, reasons, sheet, shaped)
    counts |= {
        "areas": int(table["area_code"].nunique()),
        "periods": int(table["period"].nunique()) if "period" in table else 1,
        **{str(status): int((table["status"] == status).sum()) for status in Status},
        "outside": int((geography.sort == "outside").sum()),
        "replaced": int((geography.sort == "replaced").sum()),
        "unknown": int((geography.sort == "unknown").sum()),
        "other-level": int((geography.sort == "other-level").sum()),
        "blank": int((geography.sort == "blank").sum()),
        "kept out": len(rejected),
    }
    faults = _in_order(faults)
    errors = any(fault.severity == "error" for fault in faults)
    package = None
    if descriptor is not None and not errors and not geography.question and not before.questions:
        final = replace(descriptor, level=geography.level, vintage=geography.vintage, columns=roles)
        package = Package(final, table.reset_index(drop=True), before.sha256)
        descriptor = final
    return replace(
        before, descriptor=descriptor, package=package, geography=geography, faults=faults, counts=counts,
        coverage=coverage, rejected=rejected,
    )  # fmt: skip


def _missing_columns(roles: dict[str, str], where: str) -> list[Fault]:
    faults = []
    if "area_code" not in roles:
        todo = "choose the column that holds LSOA, ward or local authority codes"
        faults.append(Fault("no column of area codes was found", where, todo, rule="column-missing"))
    if "value" not in roles and "numerator" not in roles:
        todo = "choose the column of the value, or those of numerator and denominator"
        faults.append(Fault("no column of numbers was found", where, todo, rule="column-missing"))
    return faults


def _reasons(geography: FoundBoundaries) -> dict[Any, str]:
    words = {
        "outside": "a code outside the region",
        "other-level": "an area of another level",
        "replaced": "a ward that was redrawn since",
        "unknown": "an unknown code",
        "blank": "no area code",
    }
    out = geography.sort[geography.sort != "region"].map(words).to_dict()
    for row, code in geography.codes[geography.sort == "unknown"].items():
        if code in geography.suggested:
            out[row] = f"an unknown code, perhaps {geography.suggested[code]}"
    return out


def _rejected(text: pd.DataFrame, reasons: dict[Any, str], sheet, shaped) -> pd.DataFrame:
    """The rows that are kept out, as they stand in the file: those with a reason, those that were left out by what was said, and
    those that are too long to be rows of the table."""
    rows = [row for row in text.index if row in reasons] if reasons else []
    out = text.loc[rows].copy()
    out.insert(0, "row", pd.Series([row_of(row) for row in rows], index=out.index, dtype="int64"))
    out["reason"] = pd.Series([reasons[row] for row in rows], index=out.index, dtype="str")
    if sheet.kept_out:
        first = out.columns[1] if len(out.columns) > 2 else "cells"
        long = pd.DataFrame([{"row": row, first: cells, "reason": why} for row, cells, why in sheet.kept_out])
        out = pd.concat([out, long]).fillna("")
    return out.reset_index(drop=True)


def _in_percent(text, roles, hints, comma, faults, where) -> pd.DataFrame:
    """The table with shares of 1 as percentages, where somebody said that they are."""
    if hints.get("percent") != SHARE:
        return text
    for role in ("value", "lower", "upper"):
        if role in roles:
            column, count = shares_to_percent(text[roles[role]], comma)
            if count:
                text = text.assign(**{roles[role]: column})
                what = f"{count:,} numbers are shares of 1 and were multiplied by 100"
                faults.append(Fault(what, where, "", column=roles[role], rule="shares", severity="warning"))
    return text


# ---------------------------------------------------------------- services


def _finish_services(before, sheet, shaped, working, descriptor, region, faults, hints) -> Report:
    text, where = sheet.text, before.filename
    roles = {guess.role: guess.header for guess in before.guesses}
    comma = hints.get("decimal_comma", sheet.decimal_comma)
    counts = {"rows": len(text)}
    # coordinates are looked at before anything is made of them
    read = {
        role: numbers(text[roles[role]], decimal_comma=comma)
        for role in ("longitude", "latitude", "easting", "northing")
        if role in roles
    }
    found = site_checks.check_coordinate_columns(read, roles, where)
    faults += found
    if any(fault.severity == "error" for fault in found):
        return replace(before, descriptor=descriptor, faults=_in_order(faults), counts=counts)
    reasons: dict[Any, str] = {}
    cleaned = text.copy()
    for role, one in read.items():
        header = roles[role]
        broken = one.state == "bad"
        if broken.any():
            faults += [replace(fault, severity="warning") for fault in bad_numbers(text[header], one, header, where)]
            cleaned.loc[broken, header] = ""
    site_checks.drop_impossible(cleaned, read, roles, where, faults)
    if "postcode" in roles:
        cleaned[roles["postcode"]], mended = places.mend_postcodes(cleaned[roles["postcode"]])
        for why, count in mended.items():
            what = f"{count:,} postcodes were mended: {why}" if count > 1 else f"1 postcode was mended: {why}"
            faults.append(Fault(what, where, "", column=roles["postcode"], rule="postcode-mended", severity="warning"))
    table, found = table_from_text(cleaned, replace(working, columns=roles), where=where, decimal_comma=comma)
    faults += found
    if any(fault.rule == "column-missing" for fault in found) or table.empty:
        return replace(before, descriptor=descriptor, faults=_in_order(faults), counts=counts)
    table = table.drop(columns="status", errors="ignore")

    faults += site_checks.check_postcodes(table, roles, where)
    lost = table["easting"].isna() | table["northing"].isna()
    for row in table.index[lost]:
        reasons[row] = "no place: neither usable coordinates nor a known postcode"
    if lost.any():
        count = int(lost.sum())
        what = (
            f"{count:,} services have no place and are kept out"
            if count > 1
            else "1 service has no place and is kept out"
        )
        todo = "give coordinates or a full postcode; the rows can be downloaded"
        faults.append(Fault(what, where, todo, row_of(table.index[lost][0]), rule="no-place", severity="warning"))
    near = site_checks.near_region(table, region)
    far = ~near & ~lost
    exchanged = site_checks.exchanged_here(table, far, region, roles, where)
    if exchanged is not None:
        faults.append(exchanged)
        x, y = ("easting", "northing") if "easting" in roles else ("longitude", "latitude")
        question = asked.exchange(roles[y], roles[x], where)
        before = replace(before, questions=(*before.questions, question))
    for row in table.index[far]:
        reasons[row] = f"further than {region.service_buffer_m / 1000:g} km outside the region"
    if far.any():
        away = f"further than {region.service_buffer_m / 1000:g} km outside the region"
        count = int(far.sum())
        what = f"{count:,} services {away} are kept out" if count > 1 else f"1 service {away} is kept out"
        faults.append(Fault(what, where, "", row_of(table.index[far][0]), rule="outside-region", severity="warning"))
    table = table[~(lost | far)].copy()
    if table.empty:
        what = "no service is left to publish"
        faults.append(Fault(what, where, "check the columns of the coordinates", rule="no-rows"))
        return replace(
            before,
            descriptor=descriptor,
            faults=_in_order(faults),
            counts=counts,
            rejected=_rejected(text, reasons, sheet, shaped),
        )
    table["lad_code"] = site_checks.authority_of(
        table, region, given=text[roles["lad_code"]] if "lad_code" in roles else None
    )
    faults += site_checks.check_sea(table, region, roles, where)
    repeated, drop = site_checks.check_ids(table, roles, where)
    faults += repeated
    for row in drop:
        reasons[row] = "the same row stands further up"
    table = table.drop(index=drop)
    faults += site_checks.check_text(table, roles, where)
    if "capacity" in table:
        wrong = table["capacity"] < 0
        faults += checks.row_faults(
            wrong, table, "capacity", roles, where, "is below 0", "correct it or leave it blank", "negative", "error"
        )
    coverage = site_checks.coverage_of_sites(table, region)
    rejected = _rejected(text, reasons, sheet, shaped)
    counts |= {
        "services": len(table),
        "in the region": int((table["lad_code"] != "").sum()),
        "by coordinates": int((table["location_from"] == "coordinates").sum()),
        "by postcode": int((table["location_from"] == "postcode").sum()),
        "by postcode sector": int((table["location_from"] == "postcode sector").sum()),
        "kept out": len(rejected),
    }
    faults = _in_order(faults)
    package = None
    if descriptor is not None and not any(fault.severity == "error" for fault in faults) and not before.questions:
        descriptor = replace(descriptor, columns=roles)
        table = table[[name for name in SERVICE if name in table]]
        package = Package(descriptor, table.reset_index(drop=True), before.sha256)
    return replace(
        before,
        descriptor=descriptor,
        package=package,
        faults=faults,
        counts=counts,
        coverage=coverage,
        rejected=rejected,
    )


def _in_order(faults: list[Fault]) -> tuple[Fault, ...]:
    """Errors first, each fault once, otherwise as found."""
    seen = dict.fromkeys(faults)
    return tuple(sorted(seen, key=lambda fault: fault.severity != "error"))
