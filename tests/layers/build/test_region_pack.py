"""Region packs from official files: hand-checked on a tiny country, counted on the real one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from layers.build import outlines
from layers.build import region_pack as build
from layers.build.region_pack import build_region, lsoa_changes
from layers.geography.coordinates import to_degrees
from layers.model import Refused
from layers.region import load_region
from layers.sources import ons
from tests.tiny import SOUTH, WEST
from tests.tiny_official import DEFINITION, tiny_postcodes, write_tiny_official

ROOT = Path(__file__).parents[3]
REAL = ROOT / "../shared/data"


@pytest.fixture(autouse=True)
def small_postcodes(request, monkeypatch):
    if "real" not in request.keywords:
        monkeypatch.setattr(ons, "postcode_points", tiny_postcodes)


@pytest.fixture
def source(tmp_path):
    return write_tiny_official(tmp_path / "official")


@pytest.fixture
def definition(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(DEFINITION, "utf-8")
    return path


def make(definition, source, tmp_path, **options):
    options.setdefault("only_layers", [])
    return build_region(definition, source, tmp_path / "pack", built="2026-01-01", **options)


def refusal(definition, source, tmp_path, **options) -> str:
    with pytest.raises(Refused) as caught:
        make(definition, source, tmp_path, **options)
    assert not (tmp_path / "pack").exists()
    assert not list(tmp_path.glob(".pack-*"))
    return str(caught.value)


def parquet(tmp_path, name):
    return gpd.read_parquet(tmp_path / "pack" / "areas" / f"{name}.parquet")


def rewrite(path: Path, change) -> None:
    """Read an official table, change it, and write it back."""
    if path.suffix == ".parquet":
        read = gpd.read_parquet if "boundaries" in path.as_posix() else pd.read_parquet
        change(read(path)).to_parquet(path)
    else:
        change(pd.read_csv(path, dtype=str)).to_csv(path, index=False)


# What is built


def test_the_pack_loads_with_its_areas_and_partners(definition, source, tmp_path):
    report = make(definition, source, tmp_path)
    region = load_region(tmp_path / "pack")
    assert report.areas == {"lsoa": 16, "ward": 4, "lad": 2}
    assert [len(region.areas[level]) for level in ("lsoa", "ward", "lad")] == [16, 4, 2]
    assert region.vintages == {"lsoa": 2021, "ward": 2024, "lad": 2024}
    assert [(p.id, p.footprint) for p in region.partners] == [
        ("both", ("E08000021", "E08000022")),
        ("west", ("E08000021",)),
        ("police", ("E08000022",)),  # its force also serves Northshire, which is not in the region
    ]
    assert report.lead_partner == "both"
    assert report.faulty_borders == {"lsoa": 0, "ward": 0, "lad": 0}
    assert region.built == "2026-01-01"
    assert len(region.themes) == 11


def crossing_at(east: float, north: float, name: str = "The bridge", kind: str = "bridge") -> str:
    longitude, latitude = (float(v[0]) for v in to_degrees([WEST + east], [SOUTH + north]))
    return f'[[crossings]]\nname = "{name}"\nkind = "{kind}"\nlatitude = {latitude}\nlongitude = {longitude}\n'


def test_crossings_are_kept_in_the_pack_and_a_tidal_road_does_not_count(definition, source, tmp_path):
    text = DEFINITION + crossing_at(500, 900) + crossing_at(700, 900, "Old 'Sandy' Way", "tidal road")
    definition.write_text(text, "utf-8")
    report = make(definition, source, tmp_path)
    assert any("Old 'Sandy' Way is a tidal road: it does not count" in text for text in report.warnings)
    region = load_region(tmp_path / "pack")
    assert [(c.name, c.kind) for c in region.crossings] == [
        ("The bridge", "bridge"), ("Old 'Sandy' Way", "tidal road")
    ]  # fmt: skip
    assert [c.name for c in region.water.crossings] == ["The bridge"]
    assert region.water.land.crossings == pytest.approx(np.array([[WEST + 500, SOUTH + 900]]), abs=0.02)
    file = tmp_path / "pack" / "region.toml"
    file.write_text(file.read_text("utf-8").replace('kind = "bridge"', 'kind = "brigde"'), "utf-8")
    with pytest.raises(Refused, match="'brigde' is not a kind of crossing"):
        load_region(tmp_path / "pack")


def test_a_crossing_far_from_the_region_is_refused(definition, source, tmp_path):
    definition.write_text(DEFINITION + crossing_at(-200_000, 0), "utf-8")
    assert "crossing 1 'The bridge'" in refusal(definition, source, tmp_path)


def test_people_are_summed_and_points_are_weighted_by_people(definition, source, tmp_path):
    make(definition, source, tmp_path)
    lsoa, ward, lad = (parquet(tmp_path, level).set_index("code") for level in ("lsoa", "ward", "lad"))
    # Square 1: the mean of (300, 400) and (500, 800) from its corner.
    assert lsoa.loc["E01000001", ["centroid_x", "centroid_y"]].tolist() == [WEST + 400, SOUTH + 600]
    assert lsoa.loc["E01000001", "point_from"] == "postcodes"
    # Square 3 ignores the postcode of Westshire that lies in it.
    assert lsoa.loc["E01000003", "centroid_x"] == WEST + 2_400
    # Square 16 has no postcode: a point inside it.
    assert lsoa.loc["E01000016", "point_from"] == "outline"
    assert box(WEST + 3000, SOUTH + 3000, WEST + 4000, SOUTH + 4000).contains(
        shapely.Point(lsoa.loc["E01000016", ["centroid_x", "centroid_y"]].tolist())
    )
    # South West: squares 1, 2, 5, 6 with 100 + 200 + 500 + 600 = 1,400 people;
    # x: (100 * 400 + 200 * 1400 + 500 * 400 + 600 * 1400) / 1400 = 1,360,000 / 1400 = 971.4
    # y: (300 * 600 + 1100 * 1600) / 1400 = 1,940,000 / 1400 = 1385.7
    assert ward.loc["E05000001", "population"] == 1_400
    assert ward.loc["E05000001", "centroid_x"] == pytest.approx(WEST + 971.4, abs=0.06)
    assert ward.loc["E05000001", "centroid_y"] == pytest.approx(SOUTH + 1385.7, abs=0.06)
    # Westshire: 1+2+5+6+9+10+13+14 = 60 hundreds; Eastshire the other 76.
    assert lad["population"].to_dict() == {"E08000021": 6_000, "E08000022": 7_600}


def test_ward_outlines_are_official_where_they_hold_and_best_fits_elsewhere(definition, source, tmp_path):
    report = make(definition, source, tmp_path)
    ward = parquet(tmp_path, "ward").set_index("code")
    assert ward["outline_from"].to_dict() == {
        "E05000001": "ward 2022",
        "E05000002": "ward 2022",
        "E05000003": "ward 2022",
        "E05000004": "lsoa",
    }
    assert ward.loc["E05000004", "note"] == "outline is a best fit of LSOAs"
    assert (ward.drop("E05000004")["note"] == "").all()
    assert report.wards_best_fit == 1
    km2 = ward.to_crs("EPSG:27700").area / 1e6
    # South West keeps its official border at 2.1 km, less the 0.04 km2 of the ward without an LSOA: 2 * 2.1 - 0.04
    assert km2["E05000001"] == pytest.approx(4.16, rel=1e-3)
    assert km2["E05000003"] == pytest.approx(3.80, rel=1e-3)  # 2 * 1.9
    assert km2["E05000002"] == pytest.approx(4.00, rel=1e-3)  # 300 m beyond the authority are cut off
    assert km2["E05000004"] == pytest.approx(4.00, rel=1e-3)
    assert shapely.coverage_is_valid(ward.geometry.to_numpy())


def test_fit_is_the_share_of_postcodes_that_outline_and_lsoas_agree_on(definition, source, tmp_path):
    rewrite(
        source / "boundaries/WD_2022_UK.parquet",
        lambda frame: frame.set_geometry(
            [
                # South West ends at y = 1.5 km: the postcodes at 1.8 km of squares 5 and 6 are drawn in North West.
                gpd.GeoSeries([shape], crs="EPSG:27700").to_crs("EPSG:4326").iloc[0]
                for shape in [
                    box(WEST, SOUTH, WEST + 2000, SOUTH + 1500),
                    box(WEST + 2000, SOUTH, WEST + 4000, SOUTH + 2000),
                    box(WEST, SOUTH + 1500, WEST + 2000, SOUTH + 4000),
                    box(WEST + 2000, SOUTH + 2000, WEST + 4000, SOUTH + 4000),
                    box(WEST, SOUTH, WEST + 200, SOUTH + 200),
                    box(WEST, SOUTH + 5500, WEST + 4000, SOUTH + 8000),
                ]
            ],
            crs="EPSG:4326",
        ),
    )
    make(definition, source, tmp_path)
    fit = parquet(tmp_path, "ward").set_index("code")["fit"]
    # South West: its LSOAs have 8 postcodes, of which 6 are in its outline too; nobody else's are: 6 / 8.
    assert fit["E05000001"] == 0.75
    # North West: 8 of its LSOAs and 2 more drawn in it: 8 / 10.
    assert fit["E05000003"] == 0.8
    assert np.isnan(fit["E05000004"])  # its outline is its LSOAs


def test_wards_without_an_lsoa_are_listed_with_the_reason(definition, source, tmp_path):
    report = make(definition, source, tmp_path)
    table = pd.read_parquet(tmp_path / "pack/lookups/wards_without_lsoa.parquet").set_index("code")
    assert table["name"].to_dict() == {"E05000009": "Tiny", "E05009004": "Old East"}
    assert table["lad_code"].to_dict() == {"E05000009": "E08000021", "E05009004": "E08000022"}
    assert "no 2021 LSOA" in table.loc["E05000009", "reason"]
    assert "replaced by 2024" in table.loc["E05009004", "reason"]
    assert report.wards_without_lsoa == 2


def test_lookups_of_2011_areas_carry_weights(definition, source, tmp_path):
    make(definition, source, tmp_path)
    table = pd.read_parquet(tmp_path / "pack/lookups/lsoa_2011_2021.parquet")
    assert list(table.columns) == ["code_2011", "change", "code_2021", "lad_code", "weight"]
    weight = table.set_index(["code_2011", "code_2021"])["weight"]
    assert weight["E01009001", "E01000003"] == pytest.approx(3 / 7)  # 300 of 300 + 400 people
    assert weight["E01009001", "E01000004"] == pytest.approx(4 / 7)
    assert weight["E01009002", "E01000005"] == 1.0
    assert "E01000017" not in set(table["code_2021"])  # not in the region
    codes = pd.read_parquet(tmp_path / "pack/lookups/lsoa_2011.parquet")
    assert len(codes) == 13 + 1 + 2  # unchanged, split, merged
    assert (codes["name"] == "Old " + codes["code"]).all()
    rural = pd.read_parquet(tmp_path / "pack/lookups/rural_urban.parquet")
    assert list(rural.columns) == ["code", "category", "urban_rural"]
    assert set(rural["urban_rural"]) == {"urban"}


def test_the_land_around_meets_the_region(definition, source, tmp_path):
    make(definition, source, tmp_path)
    around = parquet(tmp_path, "context").to_crs("EPSG:27700").set_index("code")
    assert around["name"].to_dict() == {"E06000001": "Northshire", "S12000001": "Borders"}
    north, borders = around.geometry["E06000001"], around.geometry["S12000001"]
    assert north.distance(borders) < 0.1  # the gap of 500 m is closed
    region = parquet(tmp_path, "lad").to_crs("EPSG:27700").union_all()
    assert around.intersection(region).area.max() < 10  # m2, of 16 million


def test_geography_for_layers(definition, source):
    from layers.build.definition import read_definition

    official = build.read_official(source)
    wanted = read_definition(definition)
    geography, _ = build.make_geography(wanted, official, build.authorities(wanted, official))
    assert list(geography.england.columns) == ["code", "population", "lad_code"]
    assert len(geography.england) == 17
    assert geography.partner_of_kind("police") == "police"
    assert geography.partner_of_kind("fire") == "both"  # nobody of that kind: the lead partner
    # 4 km square with 2 km around it: 16 + 4 * 4 * 2 + pi * 4 km2, less the corners of the buffer's polygon
    assert geography.buffer.area / 1e6 == pytest.approx(16 + 32 + np.pi * 4, rel=0.01)


def test_building_twice_gives_the_same_pack(definition, source, tmp_path):
    make(definition, source, tmp_path)
    first = {p.name: p.read_bytes() for p in (tmp_path / "pack").rglob("*") if p.is_file() and p.name != "build.json"}
    make(definition, source, tmp_path)
    again = {p.name: p.read_bytes() for p in (tmp_path / "pack").rglob("*") if p.is_file() and p.name != "build.json"}
    assert first == again


def test_the_report_is_kept_in_the_pack(definition, source, tmp_path):
    said = []
    report = make(definition, source, tmp_path, progress=said.append)
    kept = json.loads((tmp_path / "pack/build.json").read_text("utf-8"))
    assert kept == json.loads(json.dumps(report.to_json()))
    assert len(kept["files"]["indicators/population_lsoa21.parquet"]) == 64
    assert said[0].startswith("Reading") and "Wrote" in said[-1]
    assert report.lines()[0].startswith("Tinyland: 16 LSOAs, 4 wards, 2 authorities")


def test_without_a_source_the_official_files_are_downloaded(definition, tmp_path, monkeypatch):
    from layers.build import download

    asked = []

    def fetch(manifest, folder):
        asked.append(manifest.name)
        write_tiny_official(folder)

    monkeypatch.setattr(download, "fetch", fetch)
    report = make(definition, None, tmp_path, downloads=tmp_path / "downloads")
    assert asked == ["sources.toml"] and report.areas["lsoa"] == 16


# Layers


@pytest.fixture
def catalogue(monkeypatch):
    """Three layers: one good, one whose file is absent, one whose file is broken when ``broken`` is set."""
    from types import SimpleNamespace

    from layers.build import catalogue as module
    from layers.model import Descriptor, Fault, Kind, Package
    from layers.reading import package as package_module

    state = SimpleNamespace(broken=False)

    def build_layer(definition, source, geography):
        if definition.id == "absent" or (definition.id == "wrong" and state.broken):
            rule = "file-missing" if definition.id == "absent" else "column-missing"
            raise Refused("no", [Fault("the file is missing", "absent.parquet", rule=rule)])
        rows = [] if definition.id == "empty" else list(geography.areas["lsoa"]["code"])
        table = pd.DataFrame({"area_code": rows})
        return Package(Descriptor(definition.id, definition.id, Kind.INDICATOR, ("health",), "both"), table)

    def write_package(package, folder):
        folder.mkdir(parents=True)
        (folder / "datapackage.json").write_text("{}", "utf-8")
        return folder

    ids = ("good", "absent", "empty", "wrong")
    monkeypatch.setattr(module, "load_catalogue", lambda folder: [SimpleNamespace(id=name) for name in ids])
    monkeypatch.setattr(module, "build_layer", build_layer)
    monkeypatch.setattr(package_module, "write_package", write_package)
    return state


def test_layers_without_their_file_are_skipped_with_a_line(definition, source, tmp_path, catalogue):
    report = make(definition, source, tmp_path, only_layers=None)
    assert [(line.id, line.status, line.rows) for line in report.layers] == [
        ("good", "built", 16),
        ("absent", "skipped", 0),
        ("empty", "skipped", 0),
        ("wrong", "built", 16),
    ]
    assert "absent.parquet is not in the source folder" in report.layers[1].reason
    assert {path.name for path in (tmp_path / "pack/layers").iterdir()} == {"good", "wrong"}


def test_a_broken_layer_is_refused(definition, source, tmp_path, catalogue):
    catalogue.broken = True
    assert "absent.parquet: the file is missing" in refusal(definition, source, tmp_path, only_layers=None)


def test_unknown_layer_ids_are_refused_with_the_near_one(definition, source, tmp_path, catalogue):
    assert "did you mean good?" in refusal(definition, source, tmp_path, only_layers=["goood"])


# What is refused


def test_all_missing_files_are_named_at_once(definition, source, tmp_path):
    (source / "boundaries/LSOA_2021_EW.parquet").unlink()
    (source / "lookups/LAD24_FRA24_EW_LU.csv").unlink()
    text = refusal(definition, source, tmp_path)
    assert "LSOA_2021_EW.parquet or LSOA_2021_EW.gpkg or LSOA_2021_EW.geojson" in text
    assert "LAD24_FRA24_EW_LU" in text
    assert text.count("the file is missing") == 2


def test_a_folder_that_is_not_there_is_refused(definition, tmp_path):
    assert "there is no such folder" in refusal(definition, tmp_path / "nowhere", tmp_path)


@pytest.mark.parametrize(
    "file",
    ["boundaries/LSOA_2021_EW.parquet", "lookups/RUC21_LSOA21_EW.csv.gz", "indicators/population_lsoa21.parquet"],
)
def test_a_file_cut_short_is_refused(definition, source, tmp_path, file):
    whole = (source / file).read_bytes()
    (source / file).write_bytes(whole[: len(whole) * 2 // 3])
    text = refusal(definition, source, tmp_path)
    assert f"{file}: cannot be read" in text
    assert "cut short" in text


def test_a_table_that_lost_its_last_rows_is_refused(definition, source, tmp_path):
    rewrite(source / "indicators/population_lsoa21.parquet", lambda frame: frame.iloc[:-2])
    rewrite(source / "lookups/LAD24_FRA24_EW_LU.csv", lambda frame: frame.iloc[:-1])
    text = refusal(definition, source, tmp_path)
    assert "population_lsoa21: lacks 2 LSOAs" in text and "E01000016, E01000017" in text
    assert "LAD24_FRA24_EW_LU: lacks 1 authorities" in text


def test_another_vintage_is_recognised_by_header_and_by_codes(definition, source, tmp_path):
    rewrite(source / "lookups/RUC21_LSOA21_EW.csv.gz", lambda f: f.rename(columns={"LSOA21CD": "LSOA11CD"}))
    text = refusal(definition, source, tmp_path)
    assert "LSOA21CD is missing, but LSOA11CD is there: this file is of another vintage" in text
    rewrite(
        source / "lookups/RUC21_LSOA21_EW.csv.gz",
        lambda f: f.rename(columns={"LSOA11CD": "LSOA21CD"}).replace({"E01000003": "E01009001"}),
    )
    text = refusal(definition, source, tmp_path)
    assert "1 of them are codes of 2011" in text


def test_repeated_and_strange_codes_are_refused_with_row_and_column(definition, source, tmp_path):
    rewrite(source / "lookups/LSOA21_WD24_LAD24_EW_LU.csv.gz", lambda f: pd.concat([f, f.iloc[[0]]]))
    rewrite(source / "lookups/LAD24_FRA24_EW_LU.csv", lambda f: f.replace({"E31000001": "Tinyland"}))
    text = refusal(definition, source, tmp_path)
    assert "row 19, column LSOA21CD: 1 rows repeat a code, first E01000001" in text
    assert "row 2, column FRA24CD: 3 values are not what this column holds, first 'Tinyland'" in text


def test_unknown_authorities_are_refused_with_the_likely_ones(definition, source, tmp_path):
    text = DEFINITION.replace(
        '"E08000021", "E08000022"', '"E08000021", "E08000122", "E07000026", "S12000001", "E06000048"'
    ).replace('code = "E23000002"', 'code = "E23000001"')
    definition.write_text(text, "utf-8")
    text = refusal(definition, source, tmp_path)
    assert "E08000122 is not in the boundaries of 2024" in text and "E08000022 Eastshire" in text
    assert "E07000026 is not an authority of 2024 (it was given a new code: use E06000001 Northshire)" in text
    assert "S12000001 Borders has no 2021 LSOAs" in text
    assert "E06000048 is not an authority of 2024 (it was given a new code: use E06000057)" in text


def test_partner_footprints_are_checked(definition, source, tmp_path):
    text = DEFINITION.replace('["E08000021"]', '["E08000021", "E08000023"]').replace("E23000002", "E23000009")
    definition.write_text(text.replace('lead_partner = "both"', 'lead_partner = "west"'), "utf-8")
    text = refusal(definition, source, tmp_path)
    assert "its footprint names E08000023, which is not an authority of the region" in text
    assert "the police lookup has no body E23000009 (in this region it has" in text


def test_something_else_in_the_way_is_never_replaced(definition, source, tmp_path):
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack/thesis.txt").write_text("mine", "utf-8")
    with pytest.raises(Refused, match="cannot be written"):
        make(definition, source, tmp_path)
    assert (tmp_path / "pack/thesis.txt").read_text("utf-8") == "mine"


def test_a_failed_build_leaves_the_old_pack_whole(definition, source, tmp_path, catalogue):
    make(definition, source, tmp_path, only_layers=["good"])
    before = sorted(path.name for path in (tmp_path / "pack").rglob("*"))
    catalogue.broken = True
    with pytest.raises(Refused):
        make(definition, source, tmp_path, only_layers=["good", "wrong"])
    assert sorted(path.name for path in (tmp_path / "pack").rglob("*")) == before
    assert not list(tmp_path.glob(".pack*"))
    make(definition, source, tmp_path)  # and a good one replaces it
    assert not (tmp_path / "pack/layers/good").exists()


def test_unknown_themes_are_refused(definition, source, tmp_path):
    definition.write_text('themes = ["health", "helth"]\n' + DEFINITION, "utf-8")
    assert "there is no theme 'helth'" in refusal(definition, source, tmp_path)


# Laws


@given(st.lists(st.lists(st.integers(1, 5_000), min_size=2, max_size=5), min_size=1, max_size=6))
def test_weights_of_a_split_add_up_to_one(parts):
    rows = [(f"old{i}", "S", f"new{i}-{j}", n) for i, people in enumerate(parts) for j, n in enumerate(people)]
    changes = pd.DataFrame([row[:3] for row in rows], columns=["code_2011", "change", "code_2021"])
    population = pd.DataFrame({"code": [row[2] for row in rows], "population": [float(row[3]) for row in rows]})
    table = lsoa_changes(changes, population)
    assert np.allclose(table.groupby("code_2011")["weight"].sum(), 1.0)
    slow = {row[2]: row[3] / sum(parts[int(row[0][3:])]) for row in rows}  # the same on one's fingers
    assert table.set_index("code_2021")["weight"].to_dict() == pytest.approx(slow)


@settings(max_examples=30)
@given(st.floats(0.1, 0.9), st.floats(0.1, 0.9), st.floats(-0.05, 0.05), st.floats(-0.05, 0.05), st.booleans())
def test_fitted_wards_fill_their_authorities_without_overlap(cut_a, cut_b, out, off, best):
    lads = gpd.GeoSeries([box(0, 0, 1, 1), box(1, 0, 2, 1)], index=["A", "B"])
    shapes = {
        "a1": box(off, off, 1 + out, cut_a),
        "a2": box(off, cut_a, 1 - out, 1 + out),
        "b1": box(1 + off, 0, 2 + out, cut_b),
        "b2": box(1 - off, cut_b, 2, 1 + off),
    }
    official = gpd.GeoSeries(shapes)
    chosen = official.iloc[:3] if best else official
    rest = gpd.GeoSeries({"b2": box(1, 0.5, 2, 1)} if best else {})
    home = pd.Series({"a1": "A", "a2": "A", "b1": "B", "b2": "B"})
    fitted = outlines.fit_wards(chosen, rest, lads, home)
    assert shapely.coverage_is_valid(fitted.to_numpy())
    for code, land in lads.items():
        mine = fitted[home.reindex(fitted.index) == code]
        assert mine.area.sum() == pytest.approx(land.area, abs=1e-5)
        assert mine.union_all().symmetric_difference(land).area < 1e-5


def test_a_coverage_is_mended_only_where_it_is_broken():
    good = gpd.GeoSeries([box(0, 0, 1, 1), box(1, 0, 2, 1), box(5, 0, 6, 1)])
    same, changed = outlines.mend_coverage(good)
    assert changed == 0 and same is good
    broken = gpd.GeoSeries([box(0, 0, 1.01, 1), box(1, 0, 2, 1), box(5, 0, 6, 1)])
    mended, changed = outlines.mend_coverage(broken)
    assert outlines.faulty_borders(broken) == 2
    assert outlines.faulty_borders(mended) == 0 and changed >= 1
    assert mended.iloc[2].equals(broken.iloc[2])
    assert mended.area.sum() == pytest.approx(3.0)


def test_dissolving_keeps_the_people_of_every_level(definition, source, tmp_path):
    make(definition, source, tmp_path)
    sums = {parquet(tmp_path, level)["population"].sum() for level in ("lsoa", "ward", "lad")}
    assert sums == {13_600.0}  # 100 + 200 + ... + 1,600


# The real country


def real_source() -> Path:
    if not REAL.is_dir():
        pytest.skip("the real open data is not at ../shared/data")
    return REAL


@pytest.mark.real
def test_the_north_east(tmp_path):
    report = build_region(ROOT / "data/regions/north-east.toml", real_source(), tmp_path / "pack", only_layers=[])
    assert report.areas == {"lsoa": 1_257, "ward": 240, "lad": 7}
    assert report.faulty_borders == {"lsoa": 0, "ward": 0, "lad": 0}
    assert report.partners == 14 and report.lead_partner == "north-east-combined-authority"
    region = load_region(tmp_path / "pack")
    assert region.partner("northumbria-police").footprint == (
        "E06000057",
        "E08000021",
        "E08000022",
        "E08000023",
        "E08000024",
        "E08000037",
    )
    assert region.partner("durham-darlington-fire").footprint == ("E06000047",)
    assert len(region.partner("nenc-icb").footprint) == 7
    ward = region.areas["ward"]
    fitted = ward[ward["note"] == "outline is a best fit of LSOAs"]
    assert len(fitted) == 20 and set(fitted["lad_code"]) == {"E08000022"}  # North Tyneside redrew its wards
    changes = region.lookups["lsoa_2011_2021"]
    # The irregular changes of Gateshead and Northumberland (methods.md A1), and conservation of people.
    assert set(changes.loc[changes["change"] == "X", "code_2011"]) == {"E01008187", "E01027506"}
    assert np.allclose(changes.groupby("code_2011")["weight"].sum(), 1.0)
    assert {area["population"].sum() for area in region.areas.values()} == {region.areas["lsoa"]["population"].sum()}
    lsoa = gpd.GeoSeries.from_xy(
        region.areas["lsoa"]["centroid_x"], region.areas["lsoa"]["centroid_y"], crs="EPSG:27700"
    ).to_crs("EPSG:4326")
    inside = region.areas["lsoa"].geometry.covers(lsoa)
    assert inside.mean() > 0.95  # the point of a bent area may lie outside it


@pytest.mark.real
def test_every_definition_names_known_authorities_and_partners():
    official = build.read_official(real_source())
    from layers.build.definition import read_definition

    counts = {}
    for path in sorted((ROOT / "data/regions").glob("*.toml")):
        wanted = read_definition(path)
        codes = build.authorities(wanted, official)
        names = official.lads.set_index("code")["name"].reindex(codes).to_dict()
        bodies = {"icb": build._icb_by_authority(official), "police": official.police, "fire": official.fire}
        partners, lead, faults = build.resolve_partners(wanted, names, bodies, build._partner_names())
        assert not faults
        assert len({partner.id for partner in partners}) == len(partners)
        assert lead in {partner.id for partner in partners}
        counts[wanted.id] = (len(codes), len(partners))
    assert counts["england"][0] == 296 and counts["london"][0] == 33 and counts["greater-manchester"] == (10, 14)
    assert counts["north-east"] == (7, 14)
    england = replace(read_definition(ROOT / "data/regions/england.toml"))
    assert england.lads is None
    assert official.population["code"].str.startswith("E").sum() == 33_755
