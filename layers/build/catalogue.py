"""The catalogue of built-in layers: one definition file per layer in ``data/catalogue``, and what builds a layer from it.

A definition says in plain words what a layer is, where it comes from and what it does not say, and in ``[source]`` which
columns of which official file make it. :func:`load_catalogue` reads and checks them all; :func:`build_layer` makes a
:class:`~layers.model.Package` of one for a region. docs/adding-an-indicator.md is the guide for writing one.
"""

from __future__ import annotations

import datetime
import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from layers.build.definition import RegionGeography
from layers.model import (
    LEVELS,
    PARTNER_KINDS,
    AccessStandard,
    Descriptor,
    Direction,
    Fault,
    Kind,
    Measure,
    NationalBands,
    Package,
    Refused,
    Source,
    Status,
)
from layers.sources import (
    british_red_cross,
    mhclg,
    nhs_england,
    ocsi,
    ons_census,
    ons_population,
    osm,
    police_uk,
    tables,
)

THEMES = (
    "alcohol",
    "health",
    "crime",
    "housing",
    "income",
    "education",
    "community",
    "environment",
    "children",
    "modern-slavery",
    "hmo",
)
"""The fixed ids of the themes; their names and questions are in ``data/catalogue/themes.toml``."""

NOT_DEFINITIONS = ("themes.toml",)
CLASSES = range(3, 8)
VINTAGES = {"lsoa": (2011, 2021), "ward": (2022, 2024), "lad": (2022, 2024)}
LICENCES = ("OGL-UK-3.0", "ODbL-1.0", "CC-BY-4.0", "CC0-1.0", "Not stated: check before publishing onward")

MODULES: dict[str, Any] = {
    "british_red_cross": british_red_cross,
    "mhclg": mhclg,
    "nhs_england": nhs_england,
    "ocsi": ocsi,
    "ons_census": ons_census,
    "ons_population": ons_population,
    "osm": osm,
    "police_uk": police_uk,
}
"""Publisher modules by the name that a definition gives in ``[source] module``."""


@dataclass(frozen=True)
class SourceSpec:
    """``[source]`` of a definition: a publisher module, one file, and the module's own options."""

    module: str
    file: str  # below the folder of official files
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LayerDefinition:
    """One built-in layer as ``data/catalogue/<id>.toml`` describes it."""

    id: str
    title: str
    kind: Kind
    themes: tuple[str, ...]
    supplied_by: str  # a kind of partner: the region says which partner that is
    period: str
    publisher: str
    source_title: str
    source_url: str
    licence: str
    attribution: str
    why_it_matters: str
    caveats: str
    method: str
    next_update: str
    reviewed_by: str
    reviewed_on: str
    contact: str
    source: SourceSpec
    measure: Measure | None = None
    unit: str = ""
    per: float = 1.0
    decimals: int | None = None
    direction: Direction = Direction.NEUTRAL
    level: str = "lsoa"
    vintage: int = 2021
    national: bool = False
    counts_people: bool = False
    never_averaged: bool = False  # a standardised ratio: no honest figure for a larger area can be made from it
    access_standard: AccessStandard | None = None
    path: Path | None = None


# ---------------------------------------------------------------- reading definitions

_TEXT = tuple(
    """id title kind supplied_by period publisher source_title source_url licence attribution why_it_matters caveats
    method next_update reviewed_by reviewed_on contact""".split()  # noqa: SIM905
)
_INDICATOR = ("measure", "unit", "direction")
_MAY = (
    "themes",
    "source",
    "per",
    "decimals",
    "level",
    "vintage",
    "national",
    "counts_people",
    "never_averaged",
    "access_standard",
)
_KEYS = frozenset([*_TEXT, *_INDICATOR, *_MAY])
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_BASICS = frozenset({"module", "file"})


def load_catalogue(folder: str | Path) -> list[LayerDefinition]:
    """Every definition of a folder, in the order of their ids. Raises one :class:`Refused` for all bad definitions."""
    folder = Path(folder)
    if not folder.is_dir():
        raise Refused(
            "The catalogue cannot be read.", [Fault("there is no such folder", str(folder), "check the path")]
        )
    definitions, faults = [], []
    for file in sorted(folder.glob("*.toml")):
        if file.name in NOT_DEFINITIONS:
            continue
        try:
            definitions.append(read_definition(file))
        except Refused as refused:
            faults += refused.faults
    if not definitions and not faults:
        faults.append(Fault("holds no definition files", folder.name, "see docs/adding-an-indicator.md"))
    if faults:
        raise Refused("The catalogue has definitions that cannot be used.", faults)
    return definitions


def read_definition(path: str | Path) -> LayerDefinition:
    """One definition file. Raises :class:`Refused` with everything that is wrong with it."""
    path = Path(path)
    look = _Looker(path)
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Refused(
            f"{path.name} cannot be used.", [Fault(f"not valid TOML: {error}", path.name, "correct it")]
        ) from error
    look.raw = raw
    for key in sorted(set(raw) - _KEYS):
        near = difflib.get_close_matches(key, _KEYS, 1)
        look.fault(key, "no such key", f"did you mean '{near[0]}'?" if near else "take it out")
    texts = {key: look.text(key) for key in _TEXT}
    kind = look.choice("kind", Kind)
    indicator = kind == Kind.INDICATOR
    measure = look.choice("measure", Measure) if indicator else None
    direction = (look.choice("direction", Direction) if indicator else None) or Direction.NEUTRAL
    unit = look.text("unit") if indicator else ""
    themes = look.themes()
    level, vintage = raw.get("level", "lsoa"), raw.get("vintage", 2021)
    if level not in LEVELS:
        look.fault("level", f"'{level}' is not a level", f"use one of {', '.join(LEVELS)}")
    elif vintage not in VINTAGES[level]:
        look.fault(
            "vintage", f"{vintage} is not a vintage of {level}", f"use one of {', '.join(map(str, VINTAGES[level]))}"
        )
    per = raw.get("per", 100 if measure == Measure.PERCENTAGE else 1)
    if isinstance(per, bool) or not isinstance(per, (int, float)) or per <= 0:
        look.fault("per", f"'{per}' is not a number above 0", "1, 100 and 1000 are usual")
        per = 1.0
    decimals = raw.get("decimals")
    if decimals is not None and (isinstance(decimals, bool) or not isinstance(decimals, int) or not 0 <= decimals <= 6):
        look.fault("decimals", f"'{decimals}' is not a whole number from 0 to 6", "leave it out to have it chosen")
        decimals = None
    for key in ("national", "counts_people", "never_averaged"):
        if not isinstance(raw.get(key, False), bool):
            look.fault(key, "is neither true nor false", "write true or false, without quotation marks")
    look.check_words(texts, measure, direction, per, raw)
    spec = look.source(kind, measure)
    standard = look.access_standard(kind)
    if look.faults:
        raise Refused(f"{path.name} cannot be used.", look.faults)
    texts.pop("kind")
    return LayerDefinition(
        **texts,
        kind=kind,
        themes=themes,
        source=spec,
        measure=measure,
        unit=unit,
        per=float(per),
        decimals=decimals,
        direction=direction,
        level=level,
        vintage=vintage,
        national=raw.get("national", False),
        counts_people=raw.get("counts_people", False),
        never_averaged=raw.get("never_averaged", False),
        access_standard=standard,
        path=path,
    )


class _Looker:
    """Looks the keys of one definition up and collects what is wrong with them."""

    def __init__(self, path: Path):
        self.path, self.raw, self.faults = path, {}, []

    def fault(self, key: str, what: str, todo: str) -> None:
        self.faults.append(Fault(what, self.path.name, todo, column=key, rule="definition"))

    def text(self, key: str) -> str:
        value = self.raw.get(key)
        if isinstance(value, datetime.date):
            return value.isoformat()
        if not isinstance(value, str) or not value.strip():
            self.fault(key, "the key is missing" if value is None else "is not text", f'add {key} = "..."')
            return ""
        return value.strip()

    def choice(self, key: str, words):
        given = self.raw.get(key)
        try:
            return words(given)
        except ValueError:
            if given is not None and given != "":
                self.fault(key, f"'{given}' is not one of the words in use", f"use one of {', '.join(words)}")
            elif key not in _TEXT:  # those are reported by text() already
                self.fault(key, "the key is missing", f"use one of {', '.join(words)}")
            return None

    def themes(self) -> tuple[str, ...]:
        given = self.raw.get("themes")
        if not isinstance(given, list) or not given:
            self.fault("themes", "is not a list of themes", 'write themes = ["health"]')
            return ()
        for theme in given:
            if theme not in THEMES:
                self.fault("themes", f"'{theme}' is not a theme", f"use some of {', '.join(THEMES)}")
        if len(set(map(str, given))) < len(given):
            self.fault("themes", "a theme stands twice", "name it once")
        return tuple(given)

    def check_words(self, texts: dict, measure, direction, per, raw: dict) -> None:
        """Rules between the keys."""
        if texts["id"] and not _ID.fullmatch(texts["id"]):
            self.fault("id", f"'{texts['id']}' cannot be an id", "use small letters, digits and single hyphens")
        elif texts["id"] and texts["id"] != self.path.stem:
            self.fault("id", f"'{texts['id']}' is not the file's name", f"call the file {texts['id']}.toml")
        if texts["supplied_by"] and texts["supplied_by"] not in PARTNER_KINDS:
            what = f"'{texts['supplied_by']}' is not a kind of partner"
            self.fault("supplied_by", what, f"use one of {', '.join(PARTNER_KINDS)}")
        if texts["source_url"] and not texts["source_url"].startswith(("https://", "http://")):
            self.fault("source_url", "is not a web address", "begin it with https://")
        if texts["licence"] and texts["licence"] not in LICENCES:
            self.fault("licence", f"'{texts['licence']}' is not a known licence", f"use one of {', '.join(LICENCES)}")
        if texts["reviewed_on"]:
            try:
                datetime.date.fromisoformat(texts["reviewed_on"])
            except ValueError:
                self.fault("reviewed_on", f"'{texts['reviewed_on']}' is not a date", "write 2026-11-22")
        if measure == Measure.PERCENTAGE and per != 100:
            self.fault("per", "a percentage has per = 100", "write per = 100")
        ordered = measure in (Measure.RANK, Measure.DECILE)
        if ordered and direction == Direction.HIGH_IS_WORSE and "1 is most" in str(raw.get("unit")):
            self.fault("direction", "the unit says that 1 is worst", 'write direction = "low-is-worse"')
        if texts["kind"] == "services":
            for key in (*_INDICATOR, "national", "per", "decimals", "never_averaged"):
                if key in raw:
                    self.fault(key, "belongs to indicators", "take it out")

    def source(self, kind, measure) -> SourceSpec:
        given = self.raw.get("source")
        if not isinstance(given, dict):
            self.fault("source", "the table is missing", 'add [source] with module = "..." and file = "..."')
            return SourceSpec("", "")
        module = given.get("module", "")
        if module not in MODULES:
            self.fault("source.module", f"'{module}' is not a publisher", f"use one of {', '.join(sorted(MODULES))}")
            return SourceSpec("", "")
        self._file(given.get("file"), "source.file")
        options = {key: value for key, value in given.items() if key not in _BASICS}
        known = MODULES[module].OPTIONS
        for key in sorted(set(options) - known - {"constant_within"}):
            near = difflib.get_close_matches(key, known, 1)
            todo = f"did you mean '{near[0]}'?" if near else f"{module} knows {', '.join(sorted(known))}"
            self.fault(f"source.{key}", "no such key", todo)
        if kind == Kind.INDICATOR:
            self._columns(module, options, measure)
        return SourceSpec(module, str(given.get("file", "")), options)

    def _columns(self, module: str, options: dict, measure) -> None:
        if module == "police_uk":
            for key in ("months", "forces", "denominator"):
                if key not in options:
                    self.fault(f"source.{key}", "the key is missing", "crime needs months, forces and denominator")
        elif module == "osm":
            for key in ("outlines", "outline_code", "denominator"):
                if key not in options:
                    self.fault(
                        f"source.{key}", "the key is missing", "counting points needs outlines and a denominator"
                    )
        else:
            if "area" not in options:
                self.fault("source.area", "the key is missing", "name the column that holds the area codes")
            if "value" not in options and "numerator" not in options:
                self.fault("source.value", "neither value nor numerator is given", "name the column with the numbers")
            if measure == Measure.COUNT and "value" in options:
                self.fault("source.value", "a count is a numerator", "write numerator = ... instead")
            rebuilt = measure in (Measure.RATE, Measure.PERCENTAGE) and "value" not in options
            if rebuilt and not {"numerator", "denominator"} <= set(options):
                self.fault(
                    "source.denominator", "the key is missing", "a rate needs numerator and denominator, or value"
                )
        if options.get("blank", "missing") not in ("missing", "suppressed"):
            self.fault("source.blank", f"'{options['blank']}' is not known", "use missing or suppressed")
        if isinstance(options.get("denominator"), dict):
            self._other_table(options["denominator"])

    def _other_table(self, table: dict) -> None:
        self._file(table.get("file"), "source.denominator.file")
        for key in ("module", "area", "column"):
            if not isinstance(table.get(key), str):
                self.fault(f"source.denominator.{key}", "the key is missing", f'add {key} = "..."')
        if table.get("module") not in MODULES:
            self.fault(
                "source.denominator.module", f"'{table.get('module')}' is not a publisher", "see [source] module"
            )

    def _file(self, file, key: str) -> None:
        """Definitions name files below the folder of official files, and nothing outside it."""
        if not isinstance(file, str) or not file or file.startswith("/") or "\\" in file or ".." in Path(file).parts:
            self.fault(key, f"'{file}' is not a file below the folder of official files", 'write "indicators/..."')

    def access_standard(self, kind) -> AccessStandard | None:
        given = self.raw.get("access_standard")
        if given is None:
            return None
        if kind != Kind.SERVICES:
            self.fault("access_standard", "belongs to services", "take it out")
            return None
        metres = given.get("max_m") if isinstance(given, dict) else None
        if (
            isinstance(metres, bool)
            or not isinstance(metres, (int, float))
            or metres <= 0
            or given.get("metric") != "nearest"
        ):
            self.fault("access_standard", "is not a distance", 'write metric = "nearest" and max_m = 1600')
            return None
        return AccessStandard("nearest", float(metres))


# ---------------------------------------------------------------- building one layer


def build_layer(definition: LayerDefinition, source: str | Path, geography: RegionGeography) -> Package:
    """The layer of one definition for a region: its table cut to the region's areas, or its sites within the buffer.

    Raises :class:`Refused` for an official file that is missing, cut short, lacks a column, holds unknown, repeated or
    wrong-vintage codes, or lacks areas of the region. Nothing is written here. A services layer may come out empty: no
    site of that kind in the region or its buffer.
    """
    source = Path(source)
    if definition.kind == Kind.SERVICES:
        table, left_out = _services(definition, source, geography)
        return Package(_descriptor(definition, geography, table, None, left_out), table)
    whole = _whole_country(definition, source, geography)
    bands = _national_bands(definition, whole) if definition.national else None
    table = _cut(definition, whole, geography)
    return Package(_descriptor(definition, geography, table, bands, {}), table)


def build_layers(
    definitions: Iterable[LayerDefinition],
    source: str | Path,
    geography: RegionGeography,
    done: Callable[[LayerDefinition], None] = lambda definition: None,
) -> tuple[list[Package], dict[str, str]]:
    """Every layer of a catalogue, and for each layer that has nothing in this region the reason: id -> words.

    ``done`` is called after each layer, for a progress bar. All faults of all files are raised in one :class:`Refused`.
    Cached files are dropped at the end.
    """
    packages, reasons, faults = [], {}, []
    try:
        for definition in definitions:
            try:
                package = build_layer(definition, source, geography)
            except Refused as refused:
                faults += [fault for fault in refused.faults if fault not in faults]
                continue
            if package.table.empty:
                reasons[definition.id] = "there is no such site in the region or within its service buffer"
            else:
                packages.append(package)
            done(definition)
    finally:
        tables.forget()
    if faults:
        raise Refused("The official files cannot be used.", faults)
    return packages, reasons


def _descriptor(definition, geography, table, bands, left_out: dict[str, int]) -> Descriptor:
    d = definition
    ours = {"left_out": left_out} if any(left_out.values()) else {}
    if d.never_averaged:
        ours["never_averaged"] = True
    return Descriptor(
        id=d.id,
        title=d.title,
        kind=d.kind,
        themes=d.themes,
        partner=geography.partner_of_kind(d.supplied_by) or "",
        measure=d.measure,
        unit=d.unit,
        per=d.per,
        decimals=d.decimals,
        direction=d.direction,
        level=d.level,
        vintage=d.vintage,
        period=d.period,
        national=bands,
        access_standard=d.access_standard,
        columns={role: role for role in table.columns if role != "status"},
        counts_people=d.counts_people,
        why_it_matters=d.why_it_matters,
        caveats=d.caveats,
        method=d.method,
        sources=(Source(d.source_title, d.publisher, d.source_url, d.licence, d.attribution),),
        licence=d.licence,
        contact=d.contact,
        next_update=d.next_update,
        reviewed_by=d.reviewed_by,
        reviewed_on=d.reviewed_on,
        extra={"commonground": ours} if ours else {},
    )


def _whole_country(definition: LayerDefinition, source: Path, geography: RegionGeography) -> pd.DataFrame:
    """Every area of England that the file covers: ``area_code``, role columns and ``status``, before the cut."""
    spec = definition.source
    path = source / spec.file
    if spec.module == "police_uk":
        tidy = _crime(definition, path, source, geography)
    elif spec.module == "osm":
        tidy = _density(definition, path, source, geography)
    else:
        options = {**spec.options, "scale": spec.options.get("scale")}
        tidy = MODULES[spec.module].read(path, options)
        if isinstance(spec.options.get("denominator"), Mapping):
            tidy = _with_denominator(tidy, spec.options["denominator"], source)
        if spec.options.get("constant_within") == "lad":
            _check_codes(tidy["area_code"], path, "lsoa", 2021, geography)
            tidy = _one_per_authority(tidy, geography)
        else:
            _check_codes(tidy["area_code"], path, definition.level, definition.vintage, geography)
    blank = Status.SUPPRESSED if spec.options.get("blank") == "suppressed" else Status.MISSING
    return _with_status(tidy, blank)


def _with_status(tidy: pd.DataFrame, blank: Status) -> pd.DataFrame:
    """``status`` of each row: ok where there is a number to show, else ``blank``."""
    known = tidy["value"].notna() if "value" in tidy else pd.Series(False, index=tidy.index)
    if "denominator" in tidy:
        known |= tidy["numerator"].notna() & (tidy["denominator"] > 0)
    elif "numerator" in tidy:
        known |= tidy["numerator"].notna()
    return tidy.assign(status=np.where(known, str(Status.OK), str(blank)))


def shown(table: pd.DataFrame, per: float) -> pd.Series:
    """The number that a row shows: the published value, else numerator / denominator * per, else the numerator."""
    if "denominator" in table:
        rebuilt = table["numerator"] / table["denominator"].where(table["denominator"] > 0) * per
    else:
        rebuilt = table.get("numerator", pd.Series(np.nan, index=table.index))
    return table["value"].fillna(rebuilt) if "value" in table else rebuilt


def _with_denominator(tidy: pd.DataFrame, table: Mapping, source: Path) -> pd.DataFrame:
    """``tidy`` with the denominator of another file. Raises :class:`Refused` when that file lacks an area."""
    path = source / table["file"]
    people = MODULES[table["module"]].read(path, {"area": table["area"], "denominator": table["column"]})
    place = pd.Index(people["area_code"].to_numpy(object)).get_indexer(tidy["area_code"].to_numpy(object))
    if (absent := place < 0).any():
        codes = tidy["area_code"][absent].unique()
        what = f"{len(codes)} areas have no row: {_some(list(codes))}"
        raise tables.refuse(what, path, column=table["column"], rule="no-denominator")
    return tidy.assign(denominator=people["denominator"].to_numpy()[place])


def _crime(definition: LayerDefinition, path: Path, source: Path, geography: RegionGeography) -> pd.DataFrame:
    """Counts with a true zero where the force is in the file, and blanks where it is not; residents as denominator."""
    options = definition.source.options
    counted = police_uk.read(path, options)
    england = geography.england
    if strange := sorted(_as_set(counted["area_code"]) - _as_set(england["code"])):
        raise _wrong_codes(strange, path, "lsoa", 2021, len(counted))
    known = police_uk.covered(path, options, source / options["forces"])
    months = list(options["months"])
    if options.get("by_month"):
        grid = england[["code", "lad_code"]].merge(pd.DataFrame({"period": months}), how="cross")
        grid = grid.rename(columns={"code": "area_code"})
        tidy = grid.merge(counted, on=["area_code", "period"], how="left", validate="one_to_one")
        pairs = pd.MultiIndex.from_frame(known[["lad_code", "month"]])
        covered = pd.MultiIndex.from_frame(tidy[["lad_code", "period"]]).isin(pairs)
    else:
        grid = england[["code", "lad_code"]].rename(columns={"code": "area_code"})
        tidy = grid.merge(counted, on="area_code", how="left", validate="one_to_one")
        # A total of four months needs all four of them.
        complete = known["lad_code"].value_counts()
        covered = tidy["lad_code"].isin(complete.index[complete == len(months)]).to_numpy()
    tidy["numerator"] = tidy["numerator"].fillna(0.0).where(covered)
    return _with_denominator(tidy.drop(columns="lad_code"), options["denominator"], source)


def _density(definition: LayerDefinition, path: Path, source: Path, geography: RegionGeography) -> pd.DataFrame:
    """Points counted in the outlines of the areas; an area without a point has a true zero."""
    options = definition.source.options
    outlines = _outlines(source / options["outlines"], options["outline_code"])
    outlines = outlines[outlines["code"].isin(_as_set(geography.england["code"]))]
    _check_codes(outlines["code"], source / options["outlines"], "lsoa", 2021, geography)
    counts = osm.count_points(osm.read(path, options), outlines)
    tidy = pd.DataFrame({"area_code": outlines["code"].to_numpy(), "numerator": counts.to_numpy()})
    return _with_denominator(tidy, options["denominator"], source)


@tables.remember(2)
def _outlines(path: Path, code: str):
    import geopandas as gpd

    try:
        frame = gpd.read_parquet(path, columns=[code, "geometry"])
    except Exception as error:  # pyarrow and geopandas raise many kinds
        raise tables.refuse(f"cannot be read as GeoParquet: {error}", path, rule="unreadable") from error
    return frame.rename(columns={code: "code"})


def _one_per_authority(tidy: pd.DataFrame, geography: RegionGeography) -> pd.DataFrame:
    """One row per authority of figures that the publisher made for authorities and repeated for every small area.

    An authority whose areas do not all say the same has no value: the publisher's authorities were not ours.
    """
    authority = geography.england.set_index("code")["lad_code"].reindex(tidy["area_code"])
    by = tidy["value"].groupby(authority.to_numpy())
    value = by.first().where(by.nunique() == 1)
    return pd.DataFrame({"area_code": value.index.astype("str"), "value": value.to_numpy()})


def _expected(level: str, vintage: int, geography: RegionGeography) -> list[str]:
    """The codes that the region needs, in area order."""
    if level == "lsoa" and vintage == 2011:
        return list(geography.lookups["lsoa_2011"]["code"].to_numpy(object))
    if level == "lad":
        return sorted(geography.lad_codes)
    return list(geography.areas[level]["code"].to_numpy(object))


def _check_codes(codes: pd.Series, path: Path, level: str, vintage: int, geography: RegionGeography) -> None:
    """Refuse a file of another vintage: most LSOA codes are the same in 2011 and 2021, so that it would nearly fit."""
    here = _as_set(codes)
    if level == "lsoa" and vintage == 2021 and (strange := sorted(here - _as_set(geography.england["code"]))):
        raise _wrong_codes(strange, path, level, vintage, len(here))
    if absent := [code for code in _expected(level, vintage, geography) if code not in here]:
        what = f"{len(absent)} areas of the region are not in the file: {_some(absent)}"
        todo = f"is it cut short, or made for another vintage than {level} {vintage}? {tables.AGAIN}"
        raise tables.refuse(what, path, todo, rule="areas-absent")


def _wrong_codes(strange: list[str], path: Path, level: str, vintage: int, rows: int) -> Refused:
    what = f"{len(strange)} of its {rows} codes are not {level} codes of {vintage} in England: {_some(strange)}"
    todo = f"take the file for {vintage} areas, or correct level and vintage in the definition"
    return tables.refuse(what, path, todo, rule="wrong-vintage")


def _as_set(codes: pd.Series) -> set[str]:
    """The different codes. Walking a text column item by item is slow; an object array is not."""
    return set(codes.to_numpy(object))


def _some(codes: list[str], most: int = 4) -> str:
    return ", ".join(codes[:most]) + (f" and {len(codes) - most} more" if len(codes) > most else "")


def _cut(definition: LayerDefinition, whole: pd.DataFrame, geography: RegionGeography) -> pd.DataFrame:
    """The region's rows, in area order, period within area; a suppressed or missing row keeps its place."""
    order = _expected(definition.level, definition.vintage, geography)
    place = pd.Index(np.array(order, dtype=object)).get_indexer(whole["area_code"].to_numpy(object))
    by = ["place", "period"] if "period" in whole else ["place"]
    table = whole.assign(place=place)[place >= 0].sort_values(by).drop(columns="place")
    columns = [name for name in ("area_code", "period", "value", "numerator", "denominator", "status") if name in table]
    return table[columns].astype({"area_code": "str", "status": "str"}).reset_index(drop=True)


def _national_bands(definition: LayerDefinition, whole: pd.DataFrame) -> NationalBands | None:
    """Cut points between equal numbers of England's areas, for 3 to 7 classes; None when no area has a value.

    A class may be empty where many areas share a value: two cut points are then equal.
    """
    values = shown(whole, definition.per)[whole["status"] == Status.OK].dropna().to_numpy()
    if not len(values):
        return None
    quantiles = {
        n: tuple(float(cut) for cut in np.round(np.quantile(values, [k / n for k in range(1, n)]), 6)) for n in CLASSES
    }
    words = {"lsoa": "LSOAs", "lad": "local authorities", "ward": "wards"}[definition.level]
    vintage = f" ({definition.vintage} boundaries)" if definition.level == "lsoa" and definition.vintage != 2021 else ""
    return NationalBands(definition.level, len(values), f"{len(values):,} {words} in England{vintage}", quantiles)


def _services(
    definition: LayerDefinition, source: Path, geography: RegionGeography
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Sites in the region and its buffer, whichever authority they stand in, with EPSG:27700 coordinates."""
    import shapely

    spec = definition.source
    sites = MODULES[spec.module].read(source / spec.file, spec.options)
    left_out = {"without_a_point": int(sites.attrs.get("without_a_point", 0))}
    if "easting" not in sites:
        sites = sites.assign(**_to_metres(sites))
    if geography.buffer is not None:
        shapely.prepare(geography.buffer)
        inside = shapely.contains_xy(geography.buffer, sites["easting"].to_numpy(), sites["northing"].to_numpy())
        sites = sites[inside]
    sites = sites.sort_values("service_id").reset_index(drop=True)
    sites.attrs = {}
    return sites, left_out


def _to_metres(sites: pd.DataFrame) -> dict[str, np.ndarray]:
    from pyproj import Transformer

    forward = Transformer.from_crs("EPSG:4326", "EPSG:27700", always_xy=True)
    easting, northing = forward.transform(sites["longitude"].to_numpy(), sites["latitude"].to_numpy())
    return {"easting": np.round(easting, 1), "northing": np.round(northing, 1)}
