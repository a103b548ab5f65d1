"""The committed demonstration region: whole, honest about itself, and what the script in the repository makes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from data.demo_build import context, pack, places
from data.demo_build.shapes import divide, load_postcodes
from layers.methods.harmonise import harmonise
from layers.model import Audience, Kind, Measure, Status
from layers.reading.package import package_files, read_package
from layers.region import load_region

DEMO = Path(__file__).parents[1] / "data" / "demo"
OFFICIAL = re.compile(r"\b[EWSNKJ]\d{8}\b")


@pytest.fixture(scope="module")
def region():
    return load_region(DEMO)


@pytest.fixture(scope="module")
def packages():
    return {folder.name: read_package(folder) for folder in sorted((DEMO / "layers").iterdir())}


@pytest.fixture(scope="module")
def postcodes():
    return load_postcodes()


def indicators(packages):
    return {name: one for name, one in packages.items() if one.descriptor.kind == Kind.INDICATOR}


def services(packages):
    return {name: one for name, one in packages.items() if one.descriptor.kind == Kind.SERVICES}


# ---------------------------------------------------------------- the pack as a whole


def test_it_is_below_two_megabytes():
    assert sum(file.stat().st_size for file in DEMO.rglob("*") if file.is_file()) < 2_000_000


def test_it_says_what_it_is(region):
    assert region.demonstration
    assert "made up" in region.notice and "Do not use them for decisions" in region.notice
    credits = " ".join(region.attribution)
    for words in ("ONS Postcode Directory", "OS data", "Royal Mail data", "National Statistics data", "Natural Earth"):
        assert words in credits
    assert "Open Government Licence" in credits


def test_counts_of_areas_are_those_of_the_real_region(region):
    assert {level: len(frame) for level, frame in region.areas.items()} == {"lsoa": 1_257, "ward": 240, "lad": 7}
    by_lad = region.areas["lsoa"].groupby("lad_code").size().to_dict()
    assert by_lad == {one.code: one.areas for one in places.AUTHORITIES}
    wards = region.areas["ward"].groupby("lad_code").size().to_dict()
    assert wards == {one.code: one.wards for one in places.AUTHORITIES}


def test_no_code_looks_like_an_official_one(region):
    codes = [code for frame in region.areas.values() for code in frame["code"]] + list(region.context["code"])
    codes += [code for table in region.lookups.values() for name in table if "code" in name for code in table[name]]
    assert not [code for code in codes if OFFICIAL.search(str(code))]
    assert all(str(code).startswith("D") for code in codes)
    for file in (DEMO / "layers").rglob("*.*"):
        assert not OFFICIAL.search(file.read_text("utf-8")), file.name


def test_partners_and_themes_are_those_of_the_north_east(region):
    kinds = pd.Series([partner.kind for partner in region.partners]).value_counts().to_dict()
    assert kinds == {"council": 7, "combined-authority": 1, "icb": 1, "police": 2, "fire": 3, "charity": 2}
    assert all(partner.name.endswith("(demo)") for partner in region.partners if partner.kind == "charity")
    assert {theme.id for theme in region.themes} == {
        "alcohol", "health", "crime", "housing", "income", "education", "community", "environment", "children",
        "modern-slavery", "hmo",
    }  # fmt: skip


# ---------------------------------------------------------------- shapes


@pytest.mark.parametrize("level", ["lsoa", "ward", "lad"])
def test_outlines_are_a_valid_coverage(region, level):
    shapes = region.areas[level].geometry.to_numpy()
    assert shapely.is_valid(shapes).all()
    assert not shapely.is_empty(shapes).any()
    assert shapely.coverage_is_valid(shapes)


def test_surroundings_meet_the_region_without_overlap(region):
    near = region.context[region.context["code"] != "DX00"]  # the coarse land far away only has to lie outside
    shapes = np.concatenate([region.areas["lsoa"].geometry.to_numpy(), near.geometry.to_numpy()])
    assert shapely.coverage_is_valid(shapes)
    beyond = region.context.loc[region.context["code"] == "DX00", "geometry"].iloc[0]
    assert not beyond.intersects(region.areas["lad"].geometry.union_all())


def test_levels_nest_exactly(region):
    lsoa = region.areas["lsoa"]
    for level, column in (("ward", "ward_code"), ("lad", "lad_code")):
        larger = region.areas[level].set_index("code")
        # square degrees: only compared with each other
        area = pd.Series(shapely.area(lsoa.geometry.to_numpy())).groupby(lsoa[column]).sum()
        assert np.allclose(area, shapely.area(larger.geometry.reindex(area.index).to_numpy()), rtol=1e-9)
        inside = shapely.covered_by(
            shapely.point_on_surface(lsoa.geometry.to_numpy()), larger.geometry.reindex(lsoa[column]).to_numpy()
        )
        assert inside.all()
        people = lsoa["population"].groupby(lsoa[column]).sum()
        assert (people == larger["population"].reindex(people.index)).all()


def test_no_slivers_and_only_one_island(region):
    flat = region.areas["lsoa"].to_crs("EPSG:27700")
    km2 = flat.area / 1e6
    assert km2.min() > 0.02
    round_ = 4 * np.pi * flat.area / flat.length**2  # 1 for a circle, 0.03 for a strip of 100 by 1
    assert round_.min() > 0.05
    several = flat[shapely.get_num_geometries(flat.geometry.to_numpy()) > 1]
    assert len(several) <= 1  # Holy Island belongs to an area of the mainland
    parts = shapely.get_parts(flat.geometry.to_numpy())
    assert shapely.area(parts).min() > 20_000


def test_wards_are_in_one_piece(region):
    """Touching by more than a corner; the island is joined by the sea."""
    shapes = region.areas["ward"].to_crs("EPSG:27700").geometry
    assert (shapely.get_num_geometries(shapes.to_numpy()) > 1).sum() <= 1


def test_points_lie_in_or_beside_their_area(region):
    lsoa = region.areas["lsoa"].to_crs("EPSG:27700")
    points = gpd.points_from_xy(lsoa["centroid_x"], lsoa["centroid_y"])
    assert shapely.distance(lsoa.geometry.to_numpy(), np.asarray(points)).max() < 2_500
    assert (shapely.distance(lsoa.geometry.to_numpy(), np.asarray(points)) == 0).mean() > 0.9


def test_real_postcodes_find_an_area_of_their_own_authority(region, postcodes):
    ours = postcodes[postcodes["lad"].isin(places.ALL)]
    points = gpd.GeoSeries(gpd.points_from_xy(ours["x"], ours["y"]), crs="EPSG:27700").to_crs("EPSG:4326")
    point, area = shapely.STRtree(region.areas["lsoa"].geometry.to_numpy()).query(points.to_numpy(), "intersects")
    found = pd.Series(region.areas["lsoa"]["lad_code"].to_numpy()[area], index=point)
    found = found[~found.index.duplicated()]
    assert len(found) / len(ours) > 0.995
    # borders are straightened by the simplification, so a few change sides
    assert (found.to_numpy() == ours["lad"].to_numpy()[found.index]).mean() > 0.985


def test_populations_are_plausible(region):
    lsoa = region.areas["lsoa"]
    assert lsoa["population"].between(1_000, 3_300).all()
    assert 1_900_000 < lsoa["population"].sum() < 2_100_000


# ---------------------------------------------------------------- the older boundary set


def test_older_areas_cover_each_new_one_and_lose_nobody(region):
    lookup, old = region.lookups["lsoa_2011_2021"], region.lookups["lsoa_2011"]
    assert list(lookup.columns) == ["code_2011", "change", "code_2021", "lad_code", "weight"]
    assert set(lookup["code_2021"]) == set(region.areas["lsoa"]["code"])
    assert set(lookup["code_2011"]) == set(old["code"]) and old["code"].is_unique
    assert np.allclose(lookup.groupby("code_2011")["weight"].sum(), 1.0)
    assert (lookup.loc[lookup["change"].isin(["U", "M"]), "weight"] == 1.0).all()


def test_every_kind_of_change_is_there(region):
    lookup = region.lookups["lsoa_2011_2021"]
    same = lookup["code_2011"] == lookup["code_2021"]
    assert (same == (lookup["change"] == "U")).all()
    assert 0.93 < same.sum() / 1_257 < 0.97  # 1,198 of the real region's 1,257 keep their code
    split, merged = lookup[lookup["change"] == "S"], lookup[lookup["change"] == "M"]
    assert split.groupby("code_2011").size().between(2, 3).all() and split["code_2021"].is_unique
    assert merged.groupby("code_2021").size().eq(2).all() and merged["code_2011"].is_unique
    irregular = lookup[lookup["change"] == "X"]
    assert irregular["code_2011"].nunique() == 4
    assert (irregular.groupby("code_2011")["lad_code"].nunique() == 2).sum() == 2  # they cross a border


def test_lookups_are_what_the_script_makes(region, postcodes):
    lsoa = pack.read_areas(DEMO)["lsoa"]  # a region's small areas go by their everyday names
    made = pack.build_lookups(lsoa)
    made["postcode_districts"] = context.district_table(lsoa, postcodes)
    assert set(made) == set(region.lookups)
    for name, table in made.items():
        pd.testing.assert_frame_equal(table.reset_index(drop=True), region.lookups[name], check_dtype=False)


def test_small_areas_are_called_after_their_ward_with_a_letter(region):
    lsoa, ward = region.areas["lsoa"], region.areas["ward"].set_index("code")["name"]
    assert lsoa["name"].is_unique and region.left_out == ()
    of = lsoa["ward_code"].map(ward)
    assert all(re.fullmatch(re.escape(one) + "( [A-Z])?", name) for name, one in zip(lsoa["name"], of, strict=True))
    assert not lsoa["name"].eq(lsoa["official_name"]).any()


def test_places_contacts_and_brand(region, tmp_path):
    context.write_context(
        tmp_path, {level: gpd.read_parquet(DEMO / "areas" / f"{level}.parquet") for level in region.areas}
    )
    for file in ("lookups/names.csv", "brand/logo.svg"):
        assert (tmp_path / file).read_bytes() == (DEMO / file).read_bytes()
    assert len(region.places) == 300 and region.places["name"].iloc[0] == "Newcastle upon Tyne"
    assert any("GeoNames" in line for line in region.attribution)
    contacts = [*(partner.contact for partner in region.partners), region.brand.contact]
    # Ofcom keeps 01632 960 000 to 960 999 for drama; example.org is nobody's
    assert all(re.fullmatch(r"01632 960 \d{3}", one.phone) and one.email.endswith("@example.org") for one in contacts)
    assert all(one.role.endswith("(example)") for one in contacts)


def test_a_ward_without_small_areas_has_its_reason(region):
    rows = region.lookups["wards_without_lsoa"]
    assert len(rows) == 1 and rows["reason"].str.len().min() > 20
    assert not rows["code"].isin(region.areas["ward"]["code"]).any()


def test_rural_and_urban_areas(region):
    table = region.lookups["rural_urban"]
    assert set(table["code"]) == set(region.areas["lsoa"]["code"])
    assert set(table["urban_rural"]) == {"Urban", "Rural"}
    assert table["category"].nunique() == 6
    assert 0.7 < (table["urban_rural"] == "Urban").mean() < 0.9


# ---------------------------------------------------------------- layers


def test_layers_are_what_the_script_makes(packages, postcodes):
    made = {package.descriptor.id: package for package in pack.build_layers(DEMO, postcodes)}
    assert set(made) == set(packages)
    for name, package in made.items():
        document, table = package_files(package)
        folder = DEMO / "layers" / name
        assert json.loads(document) == json.loads((folder / "datapackage.json").read_text("utf-8")), name
        assert table == (folder / "data.csv").read_bytes(), name


def test_region_file_is_what_the_script_makes():
    assert (DEMO / "region.toml").read_text("utf-8") == pack.definition()


def test_enough_layers_over_enough_themes(region, packages):
    assert len(indicators(packages)) >= 18
    assert len(services(packages)) >= 6
    assert len({one.descriptor.themes[0] for one in indicators(packages).values()}) >= 9
    ids = {theme.id for theme in region.themes}
    for one in packages.values():
        assert set(one.descriptor.themes) <= ids
        assert region.partner(one.descriptor.partner) is not None
    for theme in region.themes:
        assert packages[theme.lead].descriptor.kind == Kind.INDICATOR
        assert theme.id in packages[theme.lead].descriptor.themes


def test_every_layer_says_that_it_is_synthetic(packages):
    for name, one in packages.items():
        descriptor = one.descriptor
        assert descriptor.synthetic, name
        assert "made up" in descriptor.caveats, name
        assert [source.title for source in descriptor.sources] == ["Synthetic, made by data/make_demo.py"], name
        assert descriptor.licence == "CC0-1.0", name
        assert len(descriptor.why_it_matters) > 60, name


def test_layers_show_every_case_that_the_product_must_handle(packages):
    every = indicators(packages)
    periods = {name: one.table["period"].nunique() for name, one in every.items() if "period" in one.table}
    assert max(periods.values()) >= 5 and 4 in periods.values()
    descriptors = [one.descriptor for one in every.values()]
    assert {Measure.RANK, Measure.DECILE, Measure.SCORE, Measure.MEAN, Measure.COUNT} <= {
        d.measure for d in descriptors
    }
    assert any(d.vintage == 2011 for d in descriptors)
    assert any(d.level == "ward" for d in descriptors)
    assert {Audience.PARTNERS, Audience.OWNER} <= {d.audience for d in descriptors}
    assert sum(d.national is not None for d in descriptors) == 2
    states = pd.concat([one.table["status"] for one in every.values()])
    assert {Status.OK, Status.SUPPRESSED, Status.MISSING} <= set(states)


def test_every_layer_harmonises_on_its_own_level(region, packages):
    for name, one in indicators(packages).items():
        done = harmonise(one, region)
        shown = [frame for (level, _), frame in done.values.items() if level == one.descriptor.level]
        assert shown, name
        for frame in shown:
            withheld = one.descriptor.disclosure.threshold > 1  # a rare thing by ward is withheld in most
            assert frame["value"].notna().sum() > (0.3 if withheld else 0.4) * len(frame), name
            if one.descriptor.measure == Measure.PERCENTAGE:
                assert frame["value"].dropna().between(0, 100).all(), name


def test_withheld_counts_are_not_in_the_files(packages):
    for one in indicators(packages).values():
        hidden = one.table["status"] == Status.SUPPRESSED
        for column in {"value", "numerator"} & set(one.table):
            assert one.table.loc[hidden, column].isna().all()
        limit = one.descriptor.disclosure.threshold
        if limit > 1:
            assert not one.table["numerator"].between(1, limit - 1).any()


def test_alcohol_stays_rise(region, packages):
    """Six years; the last is above the first by about exp(5 * 0.035) = 1.19."""
    done = harmonise(packages["alcohol-admissions"], region)
    total = {period: frame["numerator"].sum() for (level, period), frame in done.values.items() if level == "lad"}
    years = sorted(total)
    assert years[0] == "2019/20" and years[-1] == "2024/25"
    assert 1.1 < total["2024/25"] / total["2019/20"] < 1.3


def test_figures_are_alike_in_space_and_not_the_same(region, packages):
    """Neighbours resemble each other (Moran's I by hand, eight nearest), and layers correlate without being copies."""
    lsoa = region.areas["lsoa"]
    _, near = cKDTree(lsoa[["centroid_x", "centroid_y"]]).query(lsoa[["centroid_x", "centroid_y"]], k=9)
    column = {}
    for name in ("income-deprivation", "alcohol-admissions", "violence", "loneliness", "higher-risk-drinking"):
        done = harmonise(packages[name], region)
        column[name] = done.values[[key for key in done.values if key[0] == "lsoa"][-1]]["value"].to_numpy()
        z = column[name] - column[name].mean()
        assert (z * z[near[:, 1:]].mean(axis=1)).sum() / (z**2).sum() > 0.25, name
    together = np.corrcoef(column["income-deprivation"], column["alcohol-admissions"])[0, 1]
    assert 0.5 < together < 0.9
    assert np.corrcoef(column["income-deprivation"], column["higher-risk-drinking"])[0, 1] < 0.4


def test_sites_stand_in_the_region_on_land(region, packages):
    lads = region.areas["lad"].to_crs("EPSG:27700").geometry.union_all().buffer(120)
    for name, one in services(packages).items():
        assert one.table["service_id"].is_unique and one.table["name"].is_unique, name
        assert one.table["name"].str.endswith("(demo)").all(), name
        assert shapely.covers(lads, shapely.points(one.table[["easting", "northing"]])).all(), name
        if one.descriptor.access_standard is None:
            assert name == "licensed-premises"


def test_gaps_cross_borders_and_help_is_often_next_door(region, packages):
    """Underserved as in docs/methods.md, computed the short way: at least two communities lie in two authorities."""
    lsoa = region.areas["lsoa"]
    done = harmonise(packages["alcohol-admissions"], region)
    value = done.values["lsoa", "2024/25"]["value"]
    need = 100 * (value.rank() - 0.5) / value.count()
    one = packages["alcohol-drug-services"]
    sites = one.table[["easting", "northing"]].to_numpy()
    metres, which = cKDTree(sites).query(lsoa[["centroid_x", "centroid_y"]])
    under = ((need >= 80) & (metres > one.descriptor.access_standard.max_m)).to_numpy()
    assert 20 < under.sum() < 150

    shapes = lsoa.geometry.to_numpy()
    a, b = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    a, b = a[under[a] & under[b]], b[under[a] & under[b]]
    _, community = connected_components(coo_matrix((np.ones(len(a)), (a, b)), shape=(len(lsoa), len(lsoa))))
    assert (lsoa[under].groupby(community[under])["lad_code"].nunique() >= 2).sum() >= 2

    lads = region.areas["lad"].to_crs("EPSG:27700")
    home = shapely.STRtree(lads.geometry.to_numpy()).nearest(shapely.points(sites))
    elsewhere = lads["code"].to_numpy()[home][which] != lsoa["lad_code"].to_numpy()
    assert elsewhere.sum() > 50


# ---------------------------------------------------------------- grouping


@settings(max_examples=12)
@given(st.integers(1, 12), st.integers(40, 120), st.integers(0, 10_000))
def test_divide_fills_every_group_evenly_and_always_alike(groups, n, seed):
    rng = np.random.default_rng(seed)
    xy, weight = rng.normal(size=(n, 2)), rng.integers(1, 4, n).astype(float)
    found = divide(xy, weight, groups)
    assert set(found) == set(range(groups))
    assert (found == divide(xy, weight, groups)).all()
    size = np.bincount(found, weights=weight)
    # each halving may be off by one point (weight 3 at most), on top of each later split of a pair
    assert size.max() - size.min() <= weight.sum() / groups + 6


def test_divide_finds_clusters_far_apart():
    """Four heaps of five points along a line, at 0, 1,000, 3,000 and 4,000, into four groups: the heaps."""
    heap = np.array([[0, 0], [1, 0], [0, 1], [1, 1], [0.5, 0.5]])
    xy = np.vstack([heap + corner for corner in ([0, 0], [1_000, 0], [3_000, 0], [4_000, 0])])
    found = divide(xy, np.ones(20), 4)
    assert [len(set(found[i : i + 5])) for i in range(0, 20, 5)] == [1, 1, 1, 1]
    assert len(set(found)) == 4


def test_layers_follow_their_own_seed(region, postcodes, monkeypatch):
    """A layer that is added changes no other: dropping one leaves the rest as they are."""
    from data.demo_build import indicators as module

    kept = tuple(replace(spec) for spec in module.LAYERS if spec.id in ("violence", "income-deprivation"))
    monkeypatch.setattr(module, "LAYERS", kept)
    made = {package.descriptor.id: package for package in pack.build_layers(DEMO, postcodes)}
    assert package_files(made["violence"])[1] == (DEMO / "layers" / "violence" / "data.csv").read_bytes()


def test_the_manifest_of_the_pack_names_every_file_as_it_is():
    """After a change of data/demo: .venv/bin/commonground region seal data/demo"""
    from layers import load_region, pack_faults

    found = pack_faults(DEMO)
    assert (found.whole, found.parts) == ((), {})
    assert load_region(DEMO).left_out == ()
