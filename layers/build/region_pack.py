"""Build a region pack: official files + region definition -> folder (docs/region-pack.md describes it file by file).

:func:`build_region` reads everything, checks everything, and refuses once with all faults; it writes into a temporary
folder beside the target and renames it at the end, so a pack is there whole or not at all.
"""

from __future__ import annotations

import datetime
import json
import os
import shutil
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.build import outlines
from layers.build.catalogue import CATALOGUE, THEMES_FILE, read_themes
from layers.build.context import districts, read_beside, write_beside
from layers.build.definition import RegionDefinition, RegionGeography, near, read_definition, resolve_partners
from layers.crossings import crossing_table
from layers.fields import AREA
from layers.geography.former_authorities import other_codes
from layers.manifest import write_manifest
from layers.model import LEVELS, Brand, Contact, Fault, Partner, Refused, Theme
from layers.pack_context import AFFECTED
from layers.sources import ons
from layers.texts import first_few

DATA = Path(__file__).parents[2] / "data"
VINTAGES = {"lsoa": 2021, "ward": 2024, "lad": 2024}

BEST_FIT_NOTE = "outline is a best fit of LSOAs"
SAME_PLACE = 0.5
"""A 2022 outline is believed to be the same ward when this share of it, or of its LSOAs, lies within the other."""
LOOSE_FIT = 0.5
"""Below this, a ward's note says how little of it the LSOAs behind its figures match."""
ICB_SHARE = 0.05
"""An authority is in an integrated care board's footprint when at least this share of its LSOAs is."""
CONTEXT_TOLERANCE_M = 100.0

Progress = Callable[[str], None]


@dataclass(frozen=True)
class LayerLine:
    """What became of one layer of the catalogue: ``status`` is built or skipped, ``reason`` says why skipped."""

    id: str
    status: str
    reason: str = ""
    rows: int = 0


@dataclass(frozen=True)
class BuildReport:
    """What was built, in numbers; kept in the pack as ``build.json``."""

    region: str
    name: str
    out: str
    built: str
    seconds: float
    areas: dict[str, int]
    faulty_borders: dict[str, int]  # areas per level whose border does not match a neighbour's; 0 is a valid coverage
    mended_borders: int  # LSOA outlines that had to be changed to make the coverage valid
    points: dict[str, int]  # how many LSOA points came from postcodes, and from the outline
    wards_best_fit: int
    wards_without_lsoa: int
    partners: int
    lead_partner: str
    layers: tuple[LayerLine, ...] = ()
    files: dict[str, str] = field(default_factory=dict)  # official file -> SHA-256
    warnings: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """The report for a person, line by line."""
        count = self.areas
        built = [line for line in self.layers if line.status == "built"]
        skipped = [line for line in self.layers if line.status != "built"]
        valid = all(n == 0 for n in self.faulty_borders.values())
        return [
            f"{self.name}: {count['lsoa']:,} LSOAs, {count['ward']:,} wards, {count['lad']:,} authorities, "
            f"{self.partners:,} partners, {len(built):,} layers, in {self.seconds:.1f} s",
            f"Points: {self.points['postcodes']:,} LSOAs from postcodes, {self.points['outline']:,} from the outline",
            f"Wards: {self.wards_best_fit:,} outlines are a best fit of LSOAs; {self.wards_without_lsoa:,} wards have no LSOA",
            "Borders: every neighbour's border matches"
            if valid
            else f"Borders: some do not match: {self.faulty_borders}",
            *(f"Skipped {line.id}: {line.reason}" for line in skipped),
            *(f"Note: {text}" for text in self.warnings),
        ]

    def to_json(self) -> dict:
        return asdict(self)


@dataclass(frozen=True)
class Official:
    """The official files that a region needs, tidy, whole country. Frames as ``layers.sources.ons`` reads them."""

    lsoa: gpd.GeoDataFrame
    wards_2022: gpd.GeoDataFrame
    lads: gpd.GeoDataFrame
    best_fit: pd.DataFrame
    changes: pd.DataFrame
    icb: pd.DataFrame
    police: pd.DataFrame
    fire: pd.DataFrame
    rural_urban: pd.DataFrame
    population: pd.DataFrame
    population_2011: pd.DataFrame | None = (
        None  # code, population of 2011 LSOAs; None when the file is not in the folder
    )


def build_region(
    definition_path: str | Path,
    source: Path | None,
    out: Path,
    *,
    progress: Progress | None = None,
    only_layers: Iterable[str] | None = None,
    catalogue: Path | None = None,
    downloads: Path | None = None,
    built: str = "",
) -> BuildReport:
    """Build the region pack of a definition into the folder ``out`` and say what was built.

    ``source`` is the folder of official files; None downloads them (into ``downloads``, by default ``official`` in the
    command's home). ``only_layers`` limits the catalogue to some layer ids; an empty list builds the geography alone.
    ``out`` may not exist, be empty, or be a region pack, which is then replaced.

    Raises :class:`Refused` with every fault of the definition, the official files and the layers; ``out`` is untouched.
    """
    started, say = time.perf_counter(), progress or (lambda _: None)
    out = Path(out)
    _check_target(out)
    definition = read_definition(definition_path)
    themes = read_themes((catalogue or CATALOGUE) / THEMES_FILE)
    if source is None:
        from layers.build import download

        source = downloads or Path(os.environ.get("COMMONGROUND_HOME", "var")) / "official"
        download.fetch(DATA / "sources.toml", source)
    source = Path(source)
    title = f"The region {definition.name} cannot be built from {source}."
    say("Reading the official boundaries and lookups")
    official = read_official(source)
    lad_codes = authorities(definition, official)
    warnings = [
        f"{c.name} is a {c.kind}: it does not count as a crossing" for c in definition.crossings if not c.counts
    ]
    say(f"Fitting areas of {len(lad_codes)} authorities")
    geography, parts = make_geography(definition, official, lad_codes)
    faults = _check_themes(definition, themes) + _check_crossings(definition, parts)
    if faults:
        raise Refused(title, faults)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as parent:
        folder = Path(parent) / out.name
        folder.mkdir()
        say("Writing areas and lookups")
        _write_areas(folder, parts)
        beside = read_beside(source, geography.areas["lsoa"], shapely.union_all(parts.areas["lad"].geometry.to_numpy()))
        write_beside(folder, beside, definition.groups)
        warnings += beside.warnings
        del official
        lines = build_layers(catalogue or CATALOGUE, source, geography, folder / "layers", only_layers, say, title)
        themes = _themes_of(definition, themes, {line.id for line in lines if line.status == "built"}, warnings)
        built = built or datetime.date.today().isoformat()
        _write_brand(folder, definition)
        _write_region_toml(folder / "region.toml", definition, geography, themes, built, beside.credits)
        for name in ("presets.toml", AFFECTED):
            if (DATA / name).is_file():
                shutil.copyfile(DATA / name, folder / name)
        report = BuildReport(
            region=definition.id,
            name=definition.name,
            out=out.name,
            built=built,
            seconds=round(time.perf_counter() - started, 1),
            areas={level: len(frame) for level, frame in geography.areas.items()},
            faulty_borders={level: outlines.faulty_borders(frame.geometry) for level, frame in parts.areas.items()},
            mended_borders=parts.mended,
            points=parts.areas["lsoa"]["point_from"]
            .value_counts()
            .reindex(["postcodes", "outline"], fill_value=0)
            .to_dict(),
            wards_best_fit=int((parts.areas["ward"]["outline_from"] == "lsoa").sum()),
            wards_without_lsoa=len(geography.lookups["wards_without_lsoa"]),
            partners=len(geography.partners),
            lead_partner=geography.lead_partner,
            layers=tuple(lines),
            files=_fingerprints(source),
            warnings=tuple(warnings),
        )
        (folder / "build.json").write_text(json.dumps(report.to_json(), indent=1, ensure_ascii=False) + "\n", "utf-8")
        write_manifest(folder)
        _swap(folder, out)
    say(f"Wrote {out}")
    return report


# Reading


def read_official(source: Path) -> Official:
    """Read the official files and check that they agree. Raises :class:`Refused` with every fault of every file."""
    source, faults = Path(source), []
    title = f"The official files in {source} cannot be used."
    if not source.is_dir():
        todo = "give the folder with boundaries/, lookups/, indicators/ and services/"
        raise Refused(title, [Fault("there is no such folder", str(source), todo, rule="missing-folder")])
    frames = [ons.read(file, source, faults) for file in ons.FILES]
    if not faults:
        official = Official(*frames, ons.population_2011(source, faults))
        faults += _disagreements(official)
    if faults:
        raise Refused(title, faults)
    return official


def _disagreements(official: Official) -> list[Fault]:
    """Codes that one official file has and another lacks: the sign of a file cut short, or of another vintage.

    The best-fit lookup is the yardstick: it names every LSOA of 2021 and every authority of 2024 in England and Wales.
    """
    faults = []
    everywhere = pd.Index(official.best_fit["code"])
    england = everywhere[everywhere.str.startswith("E")]
    only_2011 = set(official.changes["code_2011"]) - set(official.changes["code_2021"])
    for file, codes, expected in (
        (ons.LSOA_2021, official.lsoa["code"], everywhere),
        (ons.CHANGES, official.changes["code_2021"], everywhere),
        (ons.RURAL_URBAN, official.rural_urban["code"], everywhere),
        (ons.ICB, official.icb["code"], england),
        (ons.POPULATION, official.population["code"], england),
    ):
        codes = pd.Index(codes.unique())
        lacking, strange = expected.difference(codes), codes.difference(everywhere)
        if len(lacking):
            what = f"lacks {len(lacking):,} LSOAs that {ons.BEST_FIT.path} has: {first_few(lacking)}"
            todo = "the file is cut short or of another vintage: fetch it again"
            faults.append(Fault(what, file.path, todo, value=str(lacking[0]), rule="missing-areas"))
        if len(strange):
            old = [code for code in strange if code in only_2011]
            what = f"has {len(strange):,} LSOAs that are not in {ons.BEST_FIT.path}: {first_few(strange)}"
            todo = f"{len(old):,} of them are codes of 2011: use the 2021 file" if old else "use the file of 2021 LSOAs"
            faults.append(Fault(what, file.path, todo, value=str(strange[0]), rule="unknown-areas"))
    lads = pd.Index(official.best_fit["lad_code"].unique())
    for file, codes in (
        (ons.LADS_2024, official.lads["code"]),
        (ons.POLICE, official.police["lad_code"]),
        (ons.FIRE, official.fire["lad_code"]),
    ):
        lacking = lads.difference(pd.Index(codes))
        if len(lacking):
            what = f"lacks {len(lacking):,} authorities that {ons.BEST_FIT.path} has: {first_few(lacking)}"
            todo = "the file is cut short or of another year: use the one of 2024"
            faults.append(Fault(what, file.path, todo, value=str(lacking[0]), rule="missing-areas"))
    return faults


def authorities(definition: RegionDefinition, official: Official) -> tuple[str, ...]:
    """LAD codes of the region, sorted. Raises :class:`Refused` for codes that the 2024 files do not have, with the likely ones."""
    known = dict(zip(official.best_fit["lad_code"], official.best_fit["lad_name"], strict=True))
    if definition.lads is None:
        return tuple(sorted(code for code in known if code.startswith("E")))
    boundary = dict(zip(official.lads["code"], official.lads["name"], strict=True))
    recoded = _recoded(official)
    people = set(_england(official)["lad_code"])
    faults, where = [], definition.path.name if definition.path else definition.id
    for code in definition.lads:
        if code in known and code in people:
            continue
        if code in recoded:
            became = ", ".join(f"{new} {known.get(new, '')}".strip() for new in recoded[code])
            what, todo = f"{code} is not an authority of 2024", f"it was given a new code: use {became}"
        elif code in known or code in boundary:
            what = f"{code} {boundary.get(code) or known[code]} has no 2021 LSOAs with a population in these files"
            todo = "the official files here are for England"
        else:
            meant = ", ".join(f"{c} {boundary[c]}" for c in near(code, boundary).split(", ") if c)
            what = f"{code} is not in the boundaries of 2024"
            todo = f"did you mean {meant}?" if meant else "look it up in boundaries/LAD_2024_UK"
        faults.append(Fault(what, where, todo, column="lads", value=code, rule="unknown-authority"))
    if faults:
        raise Refused(f"The region {definition.name} names authorities that are not known.", faults)
    return tuple(sorted(definition.lads))


def _recoded(official: Official) -> dict[str, tuple[str, ...]]:
    """Former code of an authority -> its codes of 2024, from the LSOAs that it had in 2022, else from the list."""
    pairs = official.changes[["code_2021", "lad_code_2022"]].merge(
        official.best_fit[["code", "lad_code"]], left_on="code_2021", right_on="code"
    )
    current = set(official.best_fit["lad_code"])
    moved = pairs.loc[~pairs["lad_code_2022"].isin(current), ["lad_code_2022", "lad_code"]].drop_duplicates()
    found = {old: tuple(sorted(rows["lad_code"])) for old, rows in moved.groupby("lad_code_2022")}
    return {old: (new,) for old, new in other_codes(current).items()} | found


def _check_themes(definition: RegionDefinition, themes: tuple[Theme, ...]) -> list[Fault]:
    known = [theme.id for theme in themes]
    where = definition.path.name if definition.path else definition.id
    return [
        Fault(
            f"there is no theme '{theme}'",
            where,
            f"the themes are {', '.join(known)}",
            value=theme,
            rule="unknown-theme",
        )
        for theme in definition.themes
        if theme not in known
    ]


def _check_crossings(definition: RegionDefinition, parts: Parts) -> list[Fault]:
    """A crossing far from all of the region's land is a slip of the pen."""
    where, faults = definition.path.name if definition.path else definition.id, []
    bounds = [parts.areas["lsoa"].total_bounds, *([parts.context.total_bounds] if len(parts.context) else [])]
    west, south = np.min(bounds, axis=0)[:2] - 0.05
    east, north = np.max(bounds, axis=0)[2:] + 0.05
    for number, crossing in enumerate(definition.crossings, 1):
        if not (west <= crossing.longitude <= east and south <= crossing.latitude <= north):
            what = f"latitude {crossing.latitude:g}, longitude {crossing.longitude:g} lies outside the region and what is around it"
            at = f"{where}, crossing {number} '{crossing.name}'"
            faults.append(Fault(what, at, "check both, or take the crossing out", rule="crossing-outside"))
    return faults


def _themes_of(definition: RegionDefinition, themes, built: set[str], warnings: list[str]) -> tuple[Theme, ...]:
    """The region's themes; a lead layer that the pack does not hold is left out, and said."""
    chosen = []
    for theme in themes:
        if definition.themes and theme.id not in definition.themes:
            continue
        if theme.lead and theme.lead not in built:
            if built:
                warnings.append(f"theme {theme.id} has no first layer: {theme.lead} is not in the pack")
            theme = Theme(theme.id, theme.name, theme.question)
        chosen.append(theme)
    return tuple(chosen)


# Areas


@dataclass(frozen=True)
class Parts:
    """What goes into ``areas/`` with the columns beyond :data:`layers.fields.AREA`, and what had to be mended."""

    areas: dict[str, gpd.GeoDataFrame]
    context: gpd.GeoDataFrame
    lookups: dict[str, pd.DataFrame]
    mended: int


def make_geography(
    definition: RegionDefinition, official: Official, lad_codes: tuple[str, ...]
) -> tuple[RegionGeography, Parts]:
    """Areas, lookups and partners of a region. Raises :class:`Refused` for partners that do not fit."""
    lsoa, postcodes, mended, around = _lsoa_areas(official, lad_codes)
    lad = _lad_areas(lsoa, official)
    ward, without = _ward_areas(lsoa, lad, official, postcodes)
    areas = {"lsoa": lsoa.drop(columns="ward_name"), "ward": ward, "lad": lad}
    outline = shapely.union_all(lad.geometry.to_numpy())
    context = _context(official, around, outline, definition.context_km)
    lookups = _lookups(official, lsoa, without) | {"postcode_districts": districts(lsoa, postcodes)}
    bodies = {"icb": _icb_by_authority(official), "police": official.police, "fire": official.fire}
    partners, lead, faults = resolve_partners(
        definition, dict(zip(lad["code"], lad["name"], strict=True)), bodies, _partner_names()
    )
    if faults:
        raise Refused(f"The partners of {definition.name} cannot be used.", faults)
    ground = gpd.GeoSeries([outline], crs="EPSG:4326").to_crs("EPSG:27700")
    geography = RegionGeography(
        areas={level: frame[list(AREA)] for level, frame in areas.items()},
        lookups=lookups,
        lad_codes=lad_codes,
        england=_england(official),
        buffer=ground.buffer(definition.service_buffer_m).iloc[0],
        partners=partners,
        lead_partner=lead,
        vintages=dict(VINTAGES),
    )
    return geography, Parts(areas, context, lookups, mended)


def _lsoa_areas(official: Official, lad_codes: tuple[str, ...]):
    """LSOAs of the region with points; their postcodes; outlines mended; and every LSOA outline with its authority."""
    best_fit = official.best_fit.set_index("code")
    everything = official.lsoa.assign(lad_code=official.lsoa["code"].map(best_fit["lad_code"]))
    frame = everything[everything["lad_code"].isin(lad_codes)].sort_values("code", ignore_index=True)
    fixed, mended = outlines.mend_coverage(frame.geometry)
    frame = frame.set_geometry(fixed)
    frame["name"] = frame["code"].map(best_fit["name"])
    frame["ward_code"] = frame["code"].map(best_fit["ward_code"])
    frame["ward_name"] = frame["code"].map(best_fit["ward_name"])
    frame["population"] = frame["code"].map(official.population.set_index("code")["population"]).astype(float)
    frame["note"] = ""
    postcodes = _locate_postcodes(frame, lad_codes)
    frame = _with_points(frame, postcodes)
    return frame[[*_before_geometry(), "ward_name", "point_from", "geometry"]], postcodes, mended, everything


def _locate_postcodes(lsoa: gpd.GeoDataFrame, lad_codes: tuple[str, ...]) -> pd.DataFrame:
    """The unit postcodes of the region with the LSOA (its row number) that each lies in, EPSG:27700.

    A postcode counts only where the LSOA under it is of the postcode's own authority: outlines are simplified, so near
    an authority's border the land next door may lie under a postcode.
    """
    postcodes = ons.postcode_points(lad_codes)
    points = shapely.points(postcodes["easting"].to_numpy(), postcodes["northing"].to_numpy())
    tree = shapely.STRtree(lsoa.to_crs("EPSG:27700").geometry.to_numpy())
    point, area = tree.query(points, predicate="intersects")
    located = postcodes.iloc[point].assign(area=area)
    located = located[located["lad_code"].to_numpy() == lsoa["lad_code"].to_numpy()[located["area"]]]
    return located.drop_duplicates("postcode", ignore_index=True)  # on a border: the first area


def _with_points(lsoa: gpd.GeoDataFrame, postcodes: pd.DataFrame) -> gpd.GeoDataFrame:
    """LSOAs with ``centroid_x, centroid_y`` (EPSG:27700) and ``point_from``.

    The mean of an area's unit postcodes stands close to where its people live, because a unit postcode is about 15
    addresses; an area without a postcode gets a point inside its outline.
    """
    mean = postcodes.groupby("area")[["easting", "northing"]].mean().reindex(range(len(lsoa)))
    inside = lsoa.to_crs("EPSG:27700").geometry.representative_point()
    has = mean["easting"].notna().to_numpy()
    lsoa = lsoa.copy()
    lsoa["centroid_x"] = np.where(has, mean["easting"], inside.x).round(1)
    lsoa["centroid_y"] = np.where(has, mean["northing"], inside.y).round(1)
    lsoa["point_from"] = np.where(has, "postcodes", "outline")
    return lsoa


def _lad_areas(lsoa: gpd.GeoDataFrame, official: Official) -> gpd.GeoDataFrame:
    """Authorities: codes and names of 2024, outlines dissolved from their LSOAs, which nest in them exactly.

    The official 2024 outlines are simplified so much more than the LSOAs' (Newcastle: 23 vertices against 133) that the
    borders of the two levels would be up to 3.5 km apart on one map.
    """
    shape = outlines.dissolve(lsoa.geometry, lsoa["lad_code"])
    frame = _summed(lsoa, "lad_code")
    frame["name"] = frame["code"].map(official.lads.set_index("code")["name"])
    frame["ward_code"], frame["lad_code"], frame["note"] = "", frame["code"], ""
    frame = gpd.GeoDataFrame(frame, geometry=shape.reindex(frame["code"]).to_numpy(), crs=lsoa.crs)
    return frame[list(AREA)]


def _ward_areas(lsoa: gpd.GeoDataFrame, lad: gpd.GeoDataFrame, official: Official, postcodes: pd.DataFrame):
    """Wards of 2024 with outlines, and the wards of the region that no LSOA is best fitted to.

    ``outline_from`` says where the outline comes from: "ward 2022" or "lsoa". ``fit`` is the share of the ward's
    postcodes (those in its outline or in its LSOAs) that are in both: 1 where figures and outline are one place.
    """
    best = outlines.dissolve(lsoa.geometry, lsoa["ward_code"])
    frame = _summed(lsoa, "ward_code")
    first = lsoa.drop_duplicates("ward_code").set_index("ward_code")
    frame["name"] = frame["code"].map(first["ward_name"])
    frame["lad_code"] = frame["code"].map(first["lad_code"])
    frame["ward_code"] = frame["code"]
    old = official.wards_2022[official.wards_2022["code"].str.startswith(("E", "W"))].set_index("code")
    kept = _unchanged(frame, old, best)
    empty = _wards_without_lsoa(frame, kept, old, best, lad)
    stay = frame["code"][frame["code"].isin(kept)]
    go = frame["code"][~frame["code"].isin(kept)]
    holes = empty.loc[empty["in_force"] & empty["lad_code"].isin(frame.loc[stay.index, "lad_code"])]
    authority_of = pd.concat([frame.set_index("code")["lad_code"], holes.set_index("code")["lad_code"]])
    shape = outlines.fit_wards(
        old.geometry.reindex([*stay, *holes["code"]]), best.reindex(go), lad.set_index("code").geometry, authority_of
    )
    frame = gpd.GeoDataFrame(frame, geometry=shape.reindex(frame["code"]).to_numpy(), crs=lsoa.crs)
    official_outline = frame["code"].isin(kept)
    frame["outline_from"] = np.where(official_outline, "ward 2022", "lsoa")
    frame["fit"] = _fit(frame, lsoa, postcodes).where(official_outline)
    frame["note"] = np.where(official_outline, "", BEST_FIT_NOTE)
    loose = frame["fit"] < LOOSE_FIT
    frame.loc[loose, "note"] = [
        f"figures are of whole LSOAs, which match this ward by {round(fit * 100)}%" for fit in frame.loc[loose, "fit"]
    ]
    columns = [*_before_geometry(), "outline_from", "fit", "geometry"]
    return frame[columns], empty[["code", "name", "lad_code", "reason"]]


def _unchanged(ward: pd.DataFrame, old: gpd.GeoDataFrame, best: gpd.GeoSeries) -> set[str]:
    """Codes of the wards whose 2022 outline still holds: same code, same name, and in the same place as its LSOAs.

    A ward gets a new code when its boundary changes, so the code decides; the other two are a check on the files.
    """
    same = ward["code"][ward["code"].map(old["name"]).to_numpy() == ward["name"].to_numpy()]
    shared = outlines.overlap(old.geometry.reindex(same), best.reindex(same)) if len(same) else pd.Series(dtype=float)
    return set(shared.index[shared >= SAME_PLACE])


def _wards_without_lsoa(ward, kept: set[str], old: gpd.GeoDataFrame, best: gpd.GeoSeries, lad) -> pd.DataFrame:
    """Wards of 2022 in the region that no LSOA is best fitted to: ``code, name, lad_code, in_force, reason``.

    A ward that was replaced lies on land that the lookup gives to wards with new codes; one that is too small for an
    LSOA of its own lies on land of wards that have not changed.
    """
    gone = old[~old.index.isin(ward["code"])]
    points = gone.geometry.representative_point()
    here, authority = shapely.STRtree(points.to_numpy()).query(lad.geometry.to_numpy(), predicate="contains")[::-1]
    rows = []
    new = best[~best.index.isin(kept)]
    tree = shapely.STRtree(new.to_numpy()) if len(new) else None
    for i, a in sorted(zip(here.tolist(), authority.tolist(), strict=True)):
        shape, code = gone.geometry.iloc[i], gone.index[i]
        on_new = 0.0
        if tree is not None:
            hits = tree.query(shape, predicate="intersects")
            on_new = shapely.area(shapely.intersection(new.to_numpy()[hits], shape)).sum() / shapely.area(shape)
        in_force = on_new < 0.5
        reason = (
            "no 2021 LSOA is best fitted to this ward: its people are counted in the wards next to it"
            if in_force
            else "this ward of 2022 was replaced by 2024: its authority's wards were redrawn"
        )
        rows.append((code, gone["name"].iloc[i], lad["code"].iloc[a], in_force, reason))
    table = pd.DataFrame(rows, columns=["code", "name", "lad_code", "in_force", "reason"])
    return table.astype(
        {"code": "str", "name": "str", "lad_code": "str", "in_force": bool, "reason": "str"}
    ).sort_values("code", ignore_index=True)


def _fit(ward: gpd.GeoDataFrame, lsoa: gpd.GeoDataFrame, postcodes: pd.DataFrame) -> pd.Series:
    """Postcodes in both a ward's outline and its LSOAs, divided by those in either; missing where there are none."""
    points = shapely.points(postcodes["easting"].to_numpy(), postcodes["northing"].to_numpy())
    tree = shapely.STRtree(ward.to_crs("EPSG:27700").geometry.to_numpy())
    point, area = tree.query(points, predicate="intersects")
    drawn = pd.Series(area).groupby(point).first().reindex(range(len(points)), fill_value=-1).to_numpy()
    place = pd.Index(ward["code"])
    counted = place.get_indexer(lsoa["ward_code"])[postcodes["area"].to_numpy()]
    n = len(ward)
    both = np.bincount(counted[drawn == counted], minlength=n)
    either = np.bincount(counted, minlength=n) + np.bincount(drawn[drawn >= 0], minlength=n) - both
    return pd.Series(np.where(either > 0, both / np.maximum(either, 1), np.nan), index=ward.index).round(3)


def _summed(lsoa: gpd.GeoDataFrame, by: str) -> pd.DataFrame:
    """``code, population, centroid_x, centroid_y`` of larger areas: people summed, points weighted by people."""
    people = lsoa["population"]
    sums = pd.DataFrame(
        {"population": people, "x": lsoa["centroid_x"] * people, "y": lsoa["centroid_y"] * people}
    ).groupby(lsoa[by].to_numpy())
    sums = sums.sum()
    return pd.DataFrame(
        {
            "code": sums.index.astype("str"),
            "population": sums["population"].to_numpy(),
            "centroid_x": (sums["x"] / sums["population"]).round(1).to_numpy(),
            "centroid_y": (sums["y"] / sums["population"]).round(1).to_numpy(),
        }
    )


def _context(official: Official, lsoa: gpd.GeoDataFrame, region, reach_km: float) -> gpd.GeoDataFrame:
    """Authorities within ``reach_km`` of the region, for an own basemap: ``code, name, geometry`` (EPSG:4326).

    English and Welsh ones are dissolved from LSOAs, so that they meet the region exactly; for the others there is only
    the coarse 2024 outline, which is made to meet the rest. Simplified to about 100 m, for orientation only.
    """
    lads = official.lads
    metres = lads.to_crs("EPSG:27700").geometry
    ground = gpd.GeoSeries([region], crs="EPSG:4326").to_crs("EPSG:27700").iloc[0]
    inside = lads["code"].isin(
        lsoa.loc[shapely.covers(region, shapely.point_on_surface(lsoa.geometry.to_numpy())), "lad_code"]
    )
    close = lads[(metres.distance(ground) <= reach_km * 1000) & ~inside]
    fine = lsoa[lsoa["lad_code"].isin(close["code"])]
    shape = outlines.dissolve(fine.geometry, fine["lad_code"]) if len(fine) else gpd.GeoSeries([], crs="EPSG:4326")
    shape = shape.to_crs("EPSG:27700")
    if len(shape):
        simple = shapely.coverage_simplify(shape.to_numpy(), CONTEXT_TOLERANCE_M, simplify_boundary=False)
        shape = gpd.GeoSeries(outlines.as_multipolygons(simple), index=shape.index, crs="EPSG:27700")
    coarse = close[~close["code"].isin(shape.index)]
    if len(coarse):
        solid = shapely.union_all([ground, *shape])
        rough = gpd.GeoSeries(coarse.to_crs("EPSG:27700").geometry.to_numpy(), index=coarse["code"], crs="EPSG:27700")
        shape = pd.concat([shape, outlines.close_gaps(rough, solid, 1_500.0)])
    names = lads.set_index("code")["name"]
    shape = gpd.GeoSeries(shape, crs="EPSG:27700").to_crs("EPSG:4326").sort_index()
    return gpd.GeoDataFrame(
        {"code": shape.index.astype("str"), "name": names.reindex(shape.index).to_numpy()},
        geometry=outlines.as_multipolygons(shapely.make_valid(shape.to_numpy())),
        crs="EPSG:4326",
    )


# Lookups


def _lookups(official: Official, lsoa: pd.DataFrame, without: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Tables of ``lookups/`` by name; docs/region-pack.md says what each column is."""
    changes = lsoa_changes(official.changes, official.population)
    lad = lsoa.set_index("code")["lad_code"]
    here = changes[changes["code_2021"].isin(lad.index)].copy()
    here["lad_code"] = here["code_2021"].map(lad)
    names = official.changes.drop_duplicates("code_2011").set_index("code_2011")["name_2011"]
    codes = pd.Series(sorted(here["code_2011"].unique()), dtype="str")
    rural = official.rural_urban[official.rural_urban["code"].isin(lad.index)].copy()
    rural["urban_rural"] = rural["urban_rural"].str.lower()
    return {
        "lsoa_2011_2021": here[["code_2011", "change", "code_2021", "lad_code", "weight"]].reset_index(drop=True),
        "lsoa_2011": _old_areas(codes, names, official.population_2011),
        "wards_without_lsoa": without,
        "rural_urban": rural[["code", "category", "urban_rural"]].sort_values("code", ignore_index=True),
    }


def _old_areas(codes: pd.Series, names: pd.Series, population: pd.DataFrame | None) -> pd.DataFrame:
    """Every 2011 LSOA of the region. With its residents, values of merged areas can be weighted (layers.methods.harmonise)."""
    old = pd.DataFrame({"code": codes, "name": codes.map(names)})
    if population is not None:
        old["population"] = old["code"].map(population.set_index("code")["population"])
    return old


def lsoa_changes(changes: pd.DataFrame, population: pd.DataFrame) -> pd.DataFrame:
    """LSOA 2011 -> 2021 with ``weight``: the share of the 2011 area's people that live in that 2021 area.

    1 for unchanged and merged areas; for splits and irregular changes the populations of the 2021 areas, shared among
    the parts of each 2011 area. A worked example: parts of 900 and 700 people get 900/1600 and 700/1600.
    Trap: for the few irregular changes (X) a 2021 area also holds people of another 2011 area, so theirs is a guess.
    """
    table = changes[["code_2011", "change", "code_2021"]].copy()
    people = table["code_2021"].map(population.set_index("code")["population"])
    total = people.groupby(table["code_2011"]).transform("sum")
    whole = table["change"].isin(["U", "M"])
    table["weight"] = np.where(whole, 1.0, people / total)
    return table.sort_values(["code_2011", "code_2021"], ignore_index=True)


def _icb_by_authority(official: Official) -> pd.DataFrame:
    """``lad_code, body_code, body_name``: the boards that serve an authority, leaving out those with a corner of it."""
    joined = official.icb.merge(official.best_fit[["code", "lad_code"]], on="code", validate="one_to_one")
    counts = joined.groupby(["lad_code", "body_code", "body_name"]).size().rename("lsoas").reset_index()
    share = counts["lsoas"] / counts.groupby("lad_code")["lsoas"].transform("sum")
    return counts.loc[share >= ICB_SHARE, ["lad_code", "body_code", "body_name"]].reset_index(drop=True)


def _england(official: Official) -> pd.DataFrame:
    """Every LSOA of England: ``code, population, lad_code`` (2024)."""
    table = official.population[official.population["code"].str.startswith("E")]
    table = table.merge(official.best_fit[["code", "lad_code"]], on="code", validate="one_to_one")
    return table[["code", "population", "lad_code"]].sort_values("code", ignore_index=True)


def _partner_names() -> dict[str, dict[str, str]]:
    return tomllib.loads((DATA / "partner_names.toml").read_text("utf-8"))


# Layers


def build_layers(
    catalogue: Path,
    source: Path,
    geography: RegionGeography,
    folder: Path,
    only: Iterable[str] | None,
    say: Progress,
    title: str,
) -> list[LayerLine]:
    """Build the catalogue's layers into ``folder/<id>``. A layer without its official file is skipped, with the reason.

    Raises :class:`Refused` with the faults of every layer that has its file but cannot be made from it.
    """
    wanted = None if only is None else list(dict.fromkeys(only))
    if wanted == []:
        return []
    from layers.build.catalogue import build_layer, load_catalogue
    from layers.reading.package import write_package
    from layers.sources import tables

    definitions = {definition.id: definition for definition in load_catalogue(catalogue)}
    faults = [
        Fault(
            f"there is no layer '{name}' in the catalogue",
            "only_layers",
            f"did you mean {near(name, definitions)}?" if near(name, definitions) else "leave it out",
            value=name,
            rule="unknown-layer",
        )
        for name in wanted or ()
        if name not in definitions
    ]
    if faults:
        raise Refused(title, faults)
    lines, wanted = [], wanted or list(definitions)
    try:
        for number, name in enumerate(wanted, 1):
            say(f"Layer {number} of {len(wanted)}: {name}")
            try:
                package = build_layer(definitions[name], source, geography)
            except Refused as refusal:
                if refusal.faults and all(fault.rule == "file-missing" for fault in refusal.faults):
                    gone = ", ".join(dict.fromkeys(fault.where for fault in refusal.faults))
                    lines.append(LayerLine(name, "skipped", f"the official file {gone} is not in the source folder"))
                else:
                    faults += [fault for fault in refusal.faults if fault not in faults] or [Fault(refusal.title, name)]
                continue
            if package.table.empty:
                reason = "the source has nothing in the region or within its service buffer"
                lines.append(LayerLine(name, "skipped", reason))
                continue
            write_package(package, folder / name)
            lines.append(LayerLine(name, "built", rows=len(package.table)))
    finally:
        tables.forget()
    if faults:
        raise Refused(title, faults)
    return lines


# Writing


def _before_geometry() -> list[str]:
    return [name for name in AREA if name != "geometry"]


def _write_areas(folder: Path, parts: Parts) -> None:
    (folder / "areas").mkdir()
    (folder / "lookups").mkdir()
    (folder / "layers").mkdir()
    (folder / "briefings").mkdir()
    for level in LEVELS:
        parts.areas[level].to_parquet(folder / "areas" / f"{level}.parquet", index=False, compression="zstd")
    parts.context.to_parquet(folder / "areas" / "context.parquet", index=False, compression="zstd")
    for name, table in parts.lookups.items():
        table.to_parquet(folder / "lookups" / f"{name}.parquet", index=False, compression="zstd")


def _write_region_toml(
    path: Path, definition: RegionDefinition, geography: RegionGeography, themes, built: str, credits: tuple[str, ...]
) -> None:
    lines = [
        "# Written by: commonground region build. Build the pack again instead of changing it here.",
        *_toml(
            {
                "id": definition.id,
                "name": definition.name,
                "description": definition.description,
                "built": built,
                "service_buffer_m": definition.service_buffer_m,
                "lead_partner": geography.lead_partner,
                "attribution": [*definition.attribution, *credits],
            }
        ),
        "",
        "[vintages]",
        *_toml(geography.vintages),
    ]
    if definition.brand != Brand():
        brand = definition.brand
        lines += ["", "[brand]", *_toml({"name": brand.name, "logo": brand.logo}), *_contact(brand.contact)]
    for partner in geography.partners:
        lines += ["", "[[partners]]", *_toml(_partner_table(partner)), *_contact(partner.contact)]
    for theme in themes:
        table = {"id": theme.id, "name": theme.name, "question": theme.question, "lead": theme.lead}
        lines += ["", "[[themes]]", *_toml(table)]
    for crossing in definition.crossings:
        lines += ["", "[[crossings]]", *_toml(crossing_table(crossing))]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def _contact(contact: Contact | None) -> list[str]:
    """One line, an inline table: a table of its own would swallow the keys after it."""
    return [f"contact = {{ {', '.join(_toml(asdict(contact)))} }}"] if contact else []


def _write_brand(folder: Path, definition: RegionDefinition) -> None:
    """The logo, copied from beside the definition into ``brand/``."""
    if definition.logo_file is not None:
        (folder / "brand").mkdir()
        shutil.copyfile(definition.logo_file, folder / definition.brand.logo)


def _partner_table(partner: Partner) -> dict:
    return {"id": partner.id, "name": partner.name, "kind": partner.kind, "footprint": list(partner.footprint)}


def _toml(table: dict) -> list[str]:
    """Lines of ``key = value`` for texts, numbers and lists of texts. JSON's quoting of those is TOML's too."""
    return [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items() if value != ""]


def _fingerprints(source: Path) -> dict[str, str]:
    from layers.build.download import sha256_of

    found = [path for file in ons.FILES if (path := ons.find(file, source)) is not None]
    return {path.relative_to(source).as_posix(): sha256_of(path) for path in found}


def _check_target(out: Path) -> None:
    """Refuse a target that is something else than an empty folder or a region pack: it would be replaced."""
    title = f"The region pack cannot be written to {out}."
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not (out / "region.toml").is_file()):
        what = "is a file" if out.is_file() else "is a folder with other things in it"
        raise Refused(title, [Fault(what, str(out), "give a new folder, or an existing region pack", rule="target")])


def _swap(folder: Path, out: Path) -> None:
    """Put the finished folder in the target's place; an older pack stays whole until the new one has its name."""
    if not out.exists():
        folder.rename(out)
        return
    aside = folder.parent / f"{out.name}.previous"
    out.rename(aside)
    try:
        folder.rename(out)
    except OSError:
        aside.rename(out)
        raise
    shutil.rmtree(aside, ignore_errors=True)
