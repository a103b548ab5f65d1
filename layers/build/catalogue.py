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
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from layers.build.definition import RegionGeography
from layers.descriptive_keys import KEYS, LICENCES, NOT_STATED, OURS
from layers.mapping_reader import MappingReader
from layers.model import (
    PARTNER_KINDS,
    Descriptor,
    Direction,
    Fault,
    Kind,
    Measure,
    NationalBands,
    Package,
    Reference,
    Refused,
    Source,
    Status,
    Theme,
)
from layers.periods import in_order
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
from layers.texts import first_few

CATALOGUE = Path(__file__).parents[2] / "data" / "catalogue"
THEMES_FILE = "themes.toml"
CLASSES = range(3, 8)
VINTAGES = {"lsoa": (2011, 2021), "ward": (2022, 2024), "lad": (2022, 2024)}
MOST_LACKING = 0.02
"""England has no figure where its file lacks a value for more than this share of its areas: the rest may be unlike them."""

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

    descriptor: Descriptor  # all but the partner and the national bands, which the region and the official file say
    supplied_by: str  # a kind of partner: the region says which partner that is
    source: SourceSpec
    national: bool = False  # whether the file covers the whole country, so that bands of it are offered

    @property
    def id(self) -> str:
        return self.descriptor.id


# ---------------------------------------------------------------- themes


def read_themes(path: Path) -> tuple[Theme, ...]:
    """The catalogue's themes. Raises :class:`Refused`."""
    title, where = "The themes of the catalogue cannot be read.", path.name
    try:
        rows = tomllib.loads(path.read_text("utf-8")).get("themes", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Refused(title, [Fault(str(error), where, "mend the file")]) from None
    faults = [
        Fault(f"theme {number} lacks {key}", where, "fill it in", rule="missing-key")
        for number, row in enumerate(rows, 1)
        for key in ("id", "name", "question")
        if not row.get(key)
    ]
    ids = [row.get("id") for row in rows]
    faults += [
        Fault(f"theme '{i}' stands twice", where, "keep one") for i in sorted({i for i in ids if ids.count(i) > 1})
    ]
    if faults:
        raise Refused(title, faults)
    return tuple(Theme(row["id"], row["name"], row["question"], row.get("lead", "")) for row in rows)


@cache
def theme_ids() -> tuple[str, ...]:
    """The ids of the themes that a definition may name: those of our own catalogue."""
    return tuple(theme.id for theme in read_themes(CATALOGUE / THEMES_FILE))


# ---------------------------------------------------------------- reading definitions

_CREDIT = ("source_title", "publisher", "source_url", "attribution")
_OTHER_KEYS = (*_CREDIT, "supplied_by", "national", "source")  # the others are rows of layers.descriptive_keys
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_BASICS = frozenset({"module", "file"})


def load_catalogue(folder: str | Path) -> list[LayerDefinition]:
    """Every definition of a folder, in the order of their ids. Raises one :class:`Refused` for all bad definitions."""
    folder = Path(folder)
    if not folder.is_dir():
        fault = Fault("there is no such folder", str(folder), "check the path")
        raise Refused("The catalogue cannot be read.", [fault])
    definitions, faults = [], []
    for file in sorted(folder.glob("*.toml")):
        if file.name == THEMES_FILE:
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
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        fault = Fault(f"not valid TOML: {error}", path.name, "correct it")
        raise Refused(f"{path.name} cannot be used.", [fault]) from error
    look = MappingReader(raw, path.name, rule="definition", toml=True)
    rows = [key for key in KEYS.values() if key.definition]
    known = {*(key.name for key in rows), *_OTHER_KEYS}
    for name in sorted(set(raw) - known):
        near = difflib.get_close_matches(name, known, 1)
        look.fault(name, "no such key", f"did you mean '{near[0]}'?" if near else "take it out")
    said: dict[str, Any] = {}
    for key in rows:
        if key.only in ("", said.get("kind")):
            said[key.name] = key.read_from(look, said)
        elif key.name in raw and said.get("kind"):
            look.fault(key.name, f"belongs to {key.only.removesuffix('s')}s", "take it out")
    title, publisher, url, attribution = (look.text(name, required=True) for name in _CREDIT)
    supplied_by, national = look.text("supplied_by", required=True), look.flag("national")
    if national and said["kind"] == Kind.SERVICES:
        look.fault("national", "belongs to indicators", "take it out")
    _check_words(look, said, supplied_by, url, path)
    spec = _source(look, said["kind"], said.get("measure"))
    if look.faults:
        raise Refused(f"{path.name} cannot be used.", look.faults)
    fields = {name: value for name, value in said.items() if KEYS[name].has_field}
    ours = {name: value for name, value in said.items() if name not in fields and value != KEYS[name].default}
    sources = (Source(title, publisher, url, said["licence"], attribution),)
    descriptor = Descriptor(**fields, partner="", sources=sources, extra={OURS: ours} if ours else {})
    return LayerDefinition(descriptor, supplied_by, spec, national)


def _check_words(look: MappingReader, said: dict, supplied_by: str, url: str, path: Path) -> None:
    """Rules of the catalogue's own, and rules between the keys."""
    given, raw = said["id"], look.given
    if given and not _ID.fullmatch(given):
        look.fault("id", f"'{given}' cannot be an id", "use small letters, digits and single hyphens")
    elif given and given != path.stem:
        look.fault("id", f"'{given}' is not the file's name", f"call the file {given}.toml")
    for theme in said["themes"]:
        if theme not in theme_ids():
            look.fault("themes", f"'{theme}' is not a theme", f"use some of {', '.join(theme_ids())}")
    if isinstance(raw.get("themes"), list) and len(raw["themes"]) > len(said["themes"]):
        look.fault("themes", "a theme stands twice", "name it once")
    if supplied_by and supplied_by not in PARTNER_KINDS:
        what = f"'{supplied_by}' is not a kind of partner"
        look.fault("supplied_by", what, f"use one of {', '.join(PARTNER_KINDS)}")
    if url and not url.startswith(("https://", "http://")):
        look.fault("source_url", "is not a web address", "begin it with https://")
    licences = (*LICENCES, NOT_STATED)
    if said["licence"] and said["licence"] not in licences:
        look.fault("licence", f"'{said['licence']}' is not a known licence", f"use one of {', '.join(licences)}")
    if said["reviewed_on"]:
        try:
            datetime.date.fromisoformat(said["reviewed_on"])
        except ValueError:
            look.fault("reviewed_on", f"'{said['reviewed_on']}' is not a date", "write 2026-11-22")
    level, vintage, measure = said.get("level"), said.get("vintage"), said.get("measure")
    if level and vintage not in VINTAGES[level]:
        years = ", ".join(map(str, VINTAGES[level]))
        look.fault("vintage", f"{vintage} is not a vintage of {level}", f"use one of {years}")
    if measure == Measure.PERCENTAGE and said["per"] != 100:
        look.fault("per", "a percentage has per = 100", "write per = 100")
    ordered = measure in (Measure.RANK, Measure.DECILE)
    if ordered and said["direction"] == Direction.HIGH_IS_WORSE and "1 is most" in said["unit"]:
        look.fault("direction", "the unit says that 1 is worst", 'write direction = "low-is-worse"')
    standard = said.get("access_standard")
    if standard is not None and standard.metric != "nearest":
        look.fault("access_standard", "is not a distance", 'write metric = "nearest" and max_m = 1600')


def _source(look: MappingReader, kind, measure) -> SourceSpec:
    given = look.given.get("source")
    if not isinstance(given, dict):
        look.fault("source", "the table is missing", 'add [source] with module = "..." and file = "..."')
        return SourceSpec("", "")
    module = given.get("module", "")
    if module not in MODULES:
        look.fault("source.module", f"'{module}' is not a publisher", f"use one of {', '.join(sorted(MODULES))}")
        return SourceSpec("", "")
    _check_file(look, given.get("file"), "source.file")
    options = {key: value for key, value in given.items() if key not in _BASICS}
    known = MODULES[module].OPTIONS
    for key in sorted(set(options) - known - {"constant_within"}):
        near = difflib.get_close_matches(key, known, 1)
        todo = f"did you mean '{near[0]}'?" if near else f"{module} knows {', '.join(sorted(known))}"
        look.fault(f"source.{key}", "no such key", todo)
    if kind == Kind.INDICATOR:
        _check_columns(look, module, options, measure)
    return SourceSpec(module, str(given.get("file", "")), options)


def _check_columns(look: MappingReader, module: str, options: dict, measure) -> None:
    if module == "police_uk":
        for key in ("months", "forces", "denominator"):
            if key not in options:
                look.fault(f"source.{key}", "the key is missing", "crime needs months, forces and denominator")
    elif module == "osm":
        for key in ("outlines", "outline_code", "denominator"):
            if key not in options:
                look.fault(f"source.{key}", "the key is missing", "counting points needs outlines and a denominator")
    else:
        if "area" not in options:
            look.fault("source.area", "the key is missing", "name the column that holds the area codes")
        if "value" not in options and "numerator" not in options:
            look.fault("source.value", "neither value nor numerator is given", "name the column with the numbers")
        if measure == Measure.COUNT and "value" in options:
            look.fault("source.value", "a count is a numerator", "write numerator = ... instead")
        rebuilt = measure in (Measure.RATE, Measure.PERCENTAGE) and "value" not in options
        if rebuilt and not {"numerator", "denominator"} <= set(options):
            look.fault("source.denominator", "the key is missing", "a rate needs numerator and denominator, or value")
    if options.get("blank", "missing") not in ("missing", "suppressed"):
        look.fault("source.blank", f"'{options['blank']}' is not known", "use missing or suppressed")
    if isinstance(options.get("denominator"), dict):
        _check_other_table(look, options["denominator"])


def _check_other_table(look: MappingReader, table: dict) -> None:
    _check_file(look, table.get("file"), "source.denominator.file")
    for key in ("module", "area", "column"):
        if not isinstance(table.get(key), str):
            look.fault(f"source.denominator.{key}", "the key is missing", f'add {key} = "..."')
    if table.get("module") not in MODULES:
        look.fault("source.denominator.module", f"'{table.get('module')}' is not a publisher", "see [source] module")


def _check_file(look: MappingReader, file, key: str) -> None:
    """Definitions name files below the folder of official files, and nothing outside it."""
    if not isinstance(file, str) or not file or file.startswith("/") or "\\" in file or ".." in Path(file).parts:
        look.fault(key, f"'{file}' is not a file below the folder of official files", 'write "indicators/..."')


# ---------------------------------------------------------------- building one layer


def build_layer(definition: LayerDefinition, source: str | Path, geography: RegionGeography) -> Package:
    """The layer of one definition for a region: its table cut to the region's areas, or its sites within the buffer.

    Raises :class:`Refused` for an official file that is missing, cut short, lacks a column, holds unknown, repeated or
    wrong-vintage codes, or lacks areas of the region. Nothing is written here. A services layer may come out empty: no
    site of that kind in the region or its buffer.
    """
    source, descriptor, bands = Path(source), definition.descriptor, None
    extra, reference = descriptor.extra, descriptor.reference
    if descriptor.kind == Kind.SERVICES:
        table, left_out = _services(definition, source, geography)
        if any(left_out.values()):
            extra = {OURS: {**extra.get(OURS, {}), "left_out": left_out}}
    else:
        whole = _whole_country(definition, source, geography)
        bands = _national_bands(descriptor, whole) if definition.national else None
        if definition.national and reference is None:
            reference = england(descriptor, whole, geography)
        table = _cut(descriptor, whole, geography)
    partner = geography.partner_of_kind(definition.supplied_by) or ""
    columns = {role: role for role in table.columns if role != "status"}
    made = replace(descriptor, partner=partner, national=bands, columns=columns, extra=extra, reference=reference)
    return Package(made, table)


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
            _check_codes(tidy["area_code"], path, definition.descriptor.level, definition.descriptor.vintage, geography)
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
        what = f"{len(codes)} areas have no row: {first_few(codes, 4)}"
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
        what = f"{len(absent)} areas of the region are not in the file: {first_few(absent, 4)}"
        todo = f"is it cut short, or made for another vintage than {level} {vintage}? {tables.AGAIN}"
        raise tables.refuse(what, path, todo, rule="areas-absent")


def _wrong_codes(strange: list[str], path: Path, level: str, vintage: int, rows: int) -> Refused:
    what = f"{len(strange)} of its {rows} codes are not {level} codes of {vintage} in England: {first_few(strange, 4)}"
    todo = f"take the file for {vintage} areas, or correct level and vintage in the definition"
    return tables.refuse(what, path, todo, rule="wrong-vintage")


def _as_set(codes: pd.Series) -> set[str]:
    """The different codes. Walking a text column item by item is slow; an object array is not."""
    return set(codes.to_numpy(object))


def _cut(descriptor: Descriptor, whole: pd.DataFrame, geography: RegionGeography) -> pd.DataFrame:
    """The region's rows, in area order, period within area; a suppressed or missing row keeps its place."""
    order = _expected(descriptor.level, descriptor.vintage, geography)
    place = pd.Index(np.array(order, dtype=object)).get_indexer(whole["area_code"].to_numpy(object))
    by = ["place", "period"] if "period" in whole else ["place"]
    table = whole.assign(place=place)[place >= 0].sort_values(by).drop(columns="place")
    columns = [name for name in ("area_code", "period", "value", "numerator", "denominator", "status") if name in table]
    return table[columns].astype({"area_code": "str", "status": "str"}).reset_index(drop=True)


def _national_bands(descriptor: Descriptor, whole: pd.DataFrame) -> NationalBands | None:
    """Cut points between equal numbers of England's areas, for 3 to 7 classes; None when no area has a value.

    A class may be empty where many areas share a value: two cut points are then equal.
    """
    values = shown(whole, descriptor.per)[whole["status"] == Status.OK].dropna().to_numpy()
    if not len(values):
        return None
    quantiles = {
        n: tuple(float(cut) for cut in np.round(np.quantile(values, [k / n for k in range(1, n)]), 6)) for n in CLASSES
    }
    words = {"lsoa": "LSOAs", "lad": "local authorities", "ward": "wards"}[descriptor.level]
    vintage = f" ({descriptor.vintage} boundaries)" if descriptor.level == "lsoa" and descriptor.vintage != 2021 else ""
    return NationalBands(descriptor.level, len(values), f"{len(values):,} {words} in England{vintage}", quantiles)


def england(descriptor: Descriptor, whole: pd.DataFrame, geography: RegionGeography) -> Reference | None:
    """England's figure, worked out from every area of the official file: the sum of parts, else the mean over residents of a
    score, a mean, or a percentage that its definition lets be averaged by residents. Of several periods the newest.

    None where no honest one can be made: ranks, deciles, standardised ratios and medians; without residents of the file's own
    areas (2011); and where the file lacks more than :data:`MOST_LACKING` of England's areas.
    """
    period = descriptor.period
    if "period" in whole:
        period = in_order(whole["period"].unique())[-1]
        whole = whole[whole["period"] == period]
    known = whole[whole["status"] == Status.OK]
    if descriptor.level != "lsoa" or len(known) < (1 - MOST_LACKING) * len(whole):
        return None
    if descriptor.vintage == 2021 and len(known) < (1 - MOST_LACKING) * len(geography.england):
        return None
    if descriptor.measure in (Measure.RATE, Measure.PERCENTAGE) and {"numerator", "denominator"} <= set(known):
        parts = known[["numerator", "denominator"]].dropna()
        if len(parts) < (1 - MOST_LACKING) * len(known):
            return None
        value = parts["numerator"].sum() / parts["denominator"].sum() * descriptor.per
    elif "value" in known and _mean_is_honest(descriptor):
        people = geography.england.set_index("code")["population"].reindex(known["area_code"]).to_numpy("float64")
        value = np.average(known["value"], weights=people) if np.isfinite(people).all() and people.sum() > 0 else np.nan
    else:
        return None
    return Reference("England", float(f"{value:.6g}"), period) if np.isfinite(value) else None


def _mean_is_honest(descriptor: Descriptor) -> bool:
    if descriptor.never_averaged or descriptor.vintage != 2021:
        return False
    by_people = descriptor.measure == Measure.PERCENTAGE and str(descriptor.weighted_by) == "residents"
    return by_people or descriptor.measure in (Measure.SCORE, Measure.MEAN)


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
