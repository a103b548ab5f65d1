"""Region packs: read and check. A pack is a folder; docs/region-pack.md describes it file by file.

:func:`load_region` reads the whole pack into one immutable :class:`Region`, or raises one :class:`~layers.model.Refused`
that lists everything wrong with it.
"""

from __future__ import annotations

import threading
import tomllib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from layers import pack_context
from layers.crossings import Crossing, read_crossings
from layers.fields import AREA
from layers.geography import everyday_names
from layers.manifest import PackFaults, pack_faults
from layers.methods.affected import AffectedGroup
from layers.methods.need import Preset, read_presets
from layers.methods.water import Water
from layers.model import LEVELS, PARTNER_KINDS, Brand, Fault, Partner, Refused, Theme
from layers.names import is_name
from layers.texts import first_few

DEMONSTRATION_NOTICE = "Demonstration data: areas, figures and services are made up. Do not use them for decisions."

_making_water = threading.Lock()


@dataclass(frozen=True, eq=False)  # compared by identity: it holds whole tables
class Region:
    """A partnership's patch: its areas at each level, partners, themes and lookups.

    ``areas[level]`` is a GeoDataFrame (EPSG:4326) with the columns of :data:`layers.fields.AREA`, those of
    :func:`layers.geography.everyday_names.with_everyday_names` and a RangeIndex.
    Its order is *area order*: every array about a level, in memory or on the wire, follows it.
    """

    id: str
    name: str
    path: Path
    areas: dict[str, gpd.GeoDataFrame]
    vintages: dict[str, int]
    partners: tuple[Partner, ...] = ()
    themes: tuple[Theme, ...] = ()
    service_buffer_m: float = 10_000.0
    demonstration: bool = False
    notice: str = ""
    built: str = ""
    attribution: tuple[str, ...] = ()
    context: gpd.GeoDataFrame | None = None  # code, name, geometry: land around the region, for orientation only
    lookups: dict[str, pd.DataFrame] = field(default_factory=dict)
    presets: tuple[Preset, ...] = ()  # ready-made need sets, from presets.toml
    crossings: tuple[Crossing, ...] = ()  # bridges, tunnels and ferries, as the definition declares them
    left_out: tuple[
        Fault, ...
    ] = ()  # what the pack holds and cannot be used: a layer, travel table, file or contact each
    places: gpd.GeoDataFrame | None = None  # name, population, point: towns and villages, for labels
    lines: gpd.GeoDataFrame | None = None  # kind, geometry: railways and the like, for orientation only
    brand: Brand = field(default_factory=Brand)
    affected: tuple[AffectedGroup, ...] = ()  # which layers say who is affected, from affected.toml
    _ways_folder: tuple[Path, bool] | None = field(default=None, init=False, repr=False)

    @property
    def water(self) -> Water:
        """Where straight lines cross water here, and the ways over land. Made when it is first asked for, and once."""
        with _making_water:
            return self._water

    @cached_property
    def _water(self) -> Water:
        parts = [self.areas["lsoa"].geometry] + ([] if self.context is None else [self.context.geometry])
        outlines = np.concatenate([part.to_crs("EPSG:27700").to_numpy() for part in parts])
        water = Water(outlines, self.crossings)
        if self._ways_folder is not None:
            folder, write = self._ways_folder
            water.keep_in(folder, write=write)
        return water

    def keep_ways_in(self, folder: Path, *, write: bool) -> None:
        """Where :attr:`water` reads the ways that were found before and, with ``write``, keeps new ones. Said before it is made."""
        object.__setattr__(self, "_ways_folder", (folder, write))

    @cached_property
    def _position(self) -> dict[str, pd.Index]:
        return {level: pd.Index(frame["code"]) for level, frame in self.areas.items()}

    def codes(self, level: str) -> pd.Index:
        """Area codes of a level, in area order."""
        return self._position[level]

    def position(self, level: str, code: str) -> int:
        """Where an area stands in area order. Raises KeyError for an unknown code."""
        return int(self._position[level].get_loc(code))

    def level_of(self, code: str) -> str | None:
        return next((level for level in LEVELS if code in self._position[level]), None)

    @cached_property
    def _partner_by_id(self) -> dict[str, Partner]:
        return {partner.id: partner for partner in self.partners}

    def partner(self, partner_id: str) -> Partner | None:
        return self._partner_by_id.get(partner_id)

    def theme(self, theme_id: str) -> Theme | None:
        return next((theme for theme in self.themes if theme.id == theme_id), None)

    def in_footprint(self, level: str, partner_id: str) -> pd.Series:
        """Which areas of a level lie in a partner's footprint; all of them for "" or an unknown partner."""
        frame = self.areas[level]
        partner = self.partner(partner_id)
        if partner is None:
            return pd.Series(True, index=frame.index)
        return frame["lad_code"].isin(partner.footprint)


def load_region(path: str | Path) -> Region:
    """Read a region pack. Raises :class:`Refused` with every fault: missing files, columns, codes, parents, footprints."""
    path = Path(path)
    faults: list[Fault] = []
    files = pack_faults(path)
    definition = _read_definition(path, faults)
    crossings = read_crossings(definition.get("crossings"), "region.toml", faults)
    areas = {level: frame for level in LEVELS if (frame := _read_areas(path, level, faults)) is not None}
    presets = _read_presets(path, faults)
    named = {fault.where for fault in faults}
    faults += [fault for fault in files.whole if fault.where not in named]
    if not faults:
        faults += _check_parents(areas) + _check_definition(definition, areas)
    if faults:
        raise Refused(f"The region pack {path} cannot be used.", faults)
    context_file = path / "areas" / "context.parquet"
    lookups = {file.stem: pd.read_parquet(file) for file in sorted((path / "lookups").glob("*.parquet"))}
    beside = _read_beside(path, definition, areas, files)
    if beside.groups is not None:
        lookups["groups"] = beside.groups
    return Region(
        id=definition["id"],
        name=definition["name"],
        path=path,
        areas=beside.areas,
        vintages={level: int(definition.get("vintages", {}).get(level, 0)) for level in LEVELS},
        partners=beside.partners,
        themes=tuple(
            Theme(t["id"], t["name"], t.get("question", ""), t.get("lead", "")) for t in definition.get("themes", [])
        ),
        service_buffer_m=float(definition.get("service_buffer_m", 10_000)),
        demonstration=bool(definition.get("demonstration", False)),
        notice=definition.get("notice", DEMONSTRATION_NOTICE if definition.get("demonstration") else ""),
        built=str(definition.get("built", "")),
        attribution=tuple(definition.get("attribution", [])),
        context=gpd.read_parquet(context_file) if context_file.exists() else None,
        presets=presets,
        crossings=crossings,
        left_out=(*files.parts.values(), *beside.faults),
        lookups=lookups,
        places=beside.places,
        lines=beside.lines,
        brand=beside.brand,
        affected=beside.affected,
    )


@dataclass(frozen=True)
class _Beside:
    """What a pack can do without, and the faults of what was left out."""

    areas: dict[str, gpd.GeoDataFrame]
    partners: tuple[Partner, ...]
    places: gpd.GeoDataFrame | None
    lines: gpd.GeoDataFrame | None
    groups: pd.DataFrame | None
    brand: Brand
    affected: tuple[AffectedGroup, ...]
    faults: tuple[Fault, ...]


def _read_beside(path: Path, definition: dict, areas: dict[str, gpd.GeoDataFrame], files: PackFaults) -> _Beside:
    faults: list[Fault] = []
    broken = set(files.parts)

    def shapes(where: str, columns) -> gpd.GeoDataFrame | None:
        return (
            None if where.removesuffix(".parquet") in broken else pack_context.read_shapes(path, where, columns, faults)
        )

    given = {} if everyday_names.FILE in broken else everyday_names.read_names(path, faults)
    known = {code for frame in areas.values() for code in frame["code"]}
    groups = None if pack_context.GROUPS in broken else pack_context.read_groups(path, known, faults)
    partners = tuple(
        Partner(
            p["id"], p["name"], p["kind"], tuple(p["footprint"]),
            pack_context.read_contact(p.get("contact"), f"partner '{p['id']}'", faults),
        )
        for p in definition.get("partners", [])
    )  # fmt: skip
    return _Beside(
        areas=everyday_names.with_everyday_names(areas, given),
        partners=partners,
        places=shapes(pack_context.PLACES, pack_context.PLACE_COLUMNS),
        lines=shapes(pack_context.LINES, pack_context.LINE_COLUMNS),
        groups=groups,
        brand=pack_context.read_brand(definition.get("brand"), path, broken, faults),
        affected=() if pack_context.AFFECTED in broken else pack_context.read_affected(path, faults),
        faults=tuple(faults),
    )


def _read_definition(path: Path, faults: list[Fault]) -> dict:
    file = path / "region.toml"
    todo = "build one with: commonground region build DEFINITION.toml --source DIR --out PACK"
    if not path.is_dir():
        faults.append(Fault("there is no such folder", str(path), todo))
        return {}
    if not file.is_file():
        faults.append(Fault("the file is missing", "region.toml", todo))
        return {}
    try:
        definition = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        faults.append(Fault(f"not valid TOML: {error}", "region.toml", "build the pack again"))
        return {}
    for key in ("id", "name"):
        if not definition.get(key):
            faults.append(Fault(f"the key '{key}' is missing", "region.toml", f'add {key} = "..."'))
    return definition


def _read_presets(path: Path, faults: list[Fault]) -> tuple[Preset, ...]:
    file = path / "presets.toml"
    if not file.is_file():
        return ()
    try:
        return read_presets(tomllib.loads(file.read_text("utf-8")), "presets.toml")
    except Refused as refused:
        faults += refused.faults
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        faults.append(Fault(f"not valid TOML: {error}", "presets.toml", "mend it or take it out of the pack"))
    return ()


def _read_areas(path: Path, level: str, faults: list[Fault]) -> gpd.GeoDataFrame | None:
    where = f"areas/{level}.parquet"
    file = path / where
    if not file.is_file():
        faults.append(Fault("the file is missing", where, "build the pack again"))
        return None
    try:
        frame = gpd.read_parquet(file)
    except Exception as error:  # pyarrow and geopandas raise many kinds for a file cut short
        faults.append(Fault(f"cannot be read as GeoParquet: {error}", where, "build the pack again"))
        return None
    if "note" not in frame.columns:
        frame["note"] = ""
    missing = [name for name in AREA if name not in frame.columns]
    if missing:
        faults.append(Fault(f"columns are missing: {', '.join(missing)}", where, "build the pack again"))
        return None
    if frame.crs is None or frame.crs.to_epsg() != 4326:
        faults.append(Fault(f"outlines are in {frame.crs}, not in EPSG:4326", where, "build the pack again"))
    twice = frame["code"][frame["code"].duplicated()].unique()
    if len(twice):
        what = f"{len(twice)} codes stand more than once: {first_few(twice)}"
        faults.append(Fault(what, where, "build the pack again"))
    if frame.empty:
        faults.append(Fault("holds no areas", where, "check the authority codes of the definition"))
    if frame["population"].isna().any() or (frame["population"] < 0).any():
        faults.append(Fault("population is missing or negative for some areas", where, "build the pack again"))
    return frame.loc[:, list(AREA)].reset_index(drop=True)


def _check_parents(areas: dict[str, gpd.GeoDataFrame]) -> list[Fault]:
    faults = []
    for level, parent, column in (
        ("lsoa", "ward", "ward_code"),
        ("lsoa", "lad", "lad_code"),
        ("ward", "lad", "lad_code"),
    ):
        orphans = areas[level].loc[~areas[level][column].isin(areas[parent]["code"]), "code"]
        if len(orphans):
            what = f"{len(orphans)} areas name a {column} that is not in areas/{parent}.parquet: {first_few(orphans)}"
            faults.append(Fault(what, f"areas/{level}.parquet", "build the pack again"))
    return faults


def _check_definition(definition: dict, areas: dict[str, gpd.GeoDataFrame]) -> list[Fault]:
    faults, seen = [], set()
    known = set(areas["lad"]["code"])
    for partner in definition.get("partners", []):
        name = partner.get("id", "?")
        if gone := [key for key in ("id", "name", "kind", "footprint") if not partner.get(key)]:
            faults.append(Fault(f"partner '{name}' lacks {', '.join(gone)}", "region.toml", "fill it in"))
            continue
        if not is_name(name):
            todo = "use letters, digits and hyphens: no slash, no two dots together, nothing invisible"
            faults.append(Fault(f"{ascii(name)[:80]} cannot be a partner's id", "region.toml", todo))
        if name in seen:
            faults.append(Fault(f"partner id '{name}' stands twice", "region.toml", "give each partner its own id"))
        seen.add(name)
        if partner["kind"] not in PARTNER_KINDS:
            what = f"partner '{name}' has the unknown kind '{partner['kind']}'"
            faults.append(Fault(what, "region.toml", f"use one of {', '.join(PARTNER_KINDS)}"))
        if strange := sorted(set(partner["footprint"]) - known):
            what = f"partner '{name}' has authorities in its footprint that are not in the region: {first_few(strange)}"
            faults.append(Fault(what, "region.toml", "take them out or add the authority to the region"))
    return faults
