"""Gaps, access, stability and siting beside PySAL access, geopandas, spopt and esda: one run, alternated, answers compared.

    python benchmarks/analysis_bench.py --source ../shared/data [--passes 5] [--skip-slow]

Reads the real open data, which is not part of the project. Prints one table: median (least-most, passes) of each, the target
where there is one, and how far the answers are apart. Areas' points are points inside their outlines here.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist

sys.path.insert(0, str(Path(__file__).parents[1]))

from layers.geography.adjacency import adjacency
from layers.methods.access import access_model, floating_catchment, read_sites
from layers.methods.clusters import local_moran
from layers.methods.gap_request import GapRequest, IndicatorLayer, ServiceLayer
from layers.methods.gaps import find_gaps
from layers.methods.need import Indicator, need, need_percentiles
from layers.methods.siting import plan_sites
from layers.methods.stability import stability
from layers.methods.together import border_view
from layers.methods.water import Water
from layers.model import Descriptor, Direction, Kind, Measure

NORTH_EAST = ("E08000021", "E08000037", "E08000022", "E08000023", "E08000024", "E06000057", "E06000047")
STEPS = {400: 1.0, 800: 0.68, 1600: 0.22}


def timed(passes: int, **calls) -> dict[str, tuple[list[float], object]]:
    """Run the calls in turn, ``passes`` times: seconds of each, and its last answer."""
    out = {name: ([], None) for name in calls}
    for _ in range(passes):
        for name, call in calls.items():
            start = time.perf_counter()
            answer = call()
            out[name] = ([*out[name][0], time.perf_counter() - start], answer)
    return out


def line(what: str, seconds: list[float], target: str = "", note: str = "") -> None:
    spread = f"{statistics.median(seconds):8.4f} ({min(seconds):.4f}-{max(seconds):.4f}, {len(seconds)})"
    print(f"| {what:<58} | {spread:<32} | {target:<9} | {note}", flush=True)


def read(source: Path) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, pd.DataFrame, pd.DataFrame]:
    people = pd.read_parquet(source / "indicators/population_lsoa21.parquet")
    shapes = gpd.read_parquet(source / "boundaries/LSOA_2021_EW.parquet")
    frame = shapes.merge(people, left_on="LSOA21CD", right_on="lsoa21_code").sort_values("LSOA21CD")
    names = (
        pd.read_csv(source / "lookups/LSOA21_WD24_LAD24_EW_LU.csv.gz").set_index("LSOA21CD").reindex(frame["LSOA21CD"])
    )
    point = frame.to_crs("EPSG:27700").representative_point()
    frame = frame.assign(
        code=frame["LSOA21CD"],
        name=frame["LSOA21NM"],
        ward_code=names["WD24CD"].to_numpy(),
        lad_code=names["LAD24CD"].to_numpy(),
        centroid_x=point.x,
        centroid_y=point.y,
        population=frame["population"].astype("float64"),
    ).reset_index(drop=True)
    north = frame[frame["lad_code"].isin(NORTH_EAST)].reset_index(drop=True)
    doctors = pd.read_parquet(source / "services/gp_practices.parquet").rename(columns={"org_code": "service_id"})
    special = pd.read_csv(source / "services/specialist_services.csv").rename(columns={"org_code": "service_id"})
    special = special[(special["category"] == "drug_alcohol") & special["easting"].notna()]
    keep = ["service_id", "name", "lad_code", "easting", "northing"]
    return frame, north, doctors[keep].dropna(subset=["easting"]), special[keep].fillna({"lad_code": ""})


def need_set(frame: pd.DataFrame, source: Path) -> dict[str, IndicatorLayer]:
    """Two indicators with numerator and denominator, and a score: the usual mixture."""
    homes = pd.read_parquet(source / "indicators/Census2021_household_deprivation_LSOA21.parquet")
    homes = homes.set_index("LSOA21CD").reindex(frame["code"])
    total = homes["total_households"].to_numpy("float64")
    poor = total - homes.filter(like="not deprived").iloc[:, 0].to_numpy("float64")
    crime = pd.read_parquet(source / "indicators/crime_lsoa_2024.parquet")
    crime = crime[crime["crime_type"].str.contains("iolen")].groupby("lsoa21_code")["count"].sum()
    violence = crime.reindex(frame["code"]).fillna(0).to_numpy("float64")
    people = frame["population"].to_numpy()
    score = pd.read_parquet(source / "indicators/IoD2025_underlying_indicators_LSOA21.parquet")
    score = score.set_index(score.columns[0])["mental_health_indicator"].reindex(frame["code"]).to_numpy("float64")

    def layer(name, measure, per, value, top=np.nan, under=np.nan):
        table = pd.DataFrame({"value": value, "numerator": top, "denominator": under, "status": "ok"})
        descriptor = Descriptor(
            name, name, Kind.INDICATOR, (), "", measure=measure, per=per, direction=Direction.HIGH_IS_WORSE
        )
        return IndicatorLayer(descriptor, {"lsoa": table})

    return {
        "poverty": layer("poverty", Measure.PERCENTAGE, 100, 100 * poor / total, poor, total),
        "violence": layer("violence", Measure.RATE, 1_000, 1_000 * violence / people, violence, people),
        "mental": layer("mental", Measure.SCORE, 1, score),
    }


def bench_nearest(england, doctors, passes) -> None:
    left = gpd.GeoDataFrame(geometry=gpd.points_from_xy(england["centroid_x"], england["centroid_y"], crs=27700))
    right = gpd.GeoDataFrame(geometry=gpd.points_from_xy(doctors["easting"], doctors["northing"], crs=27700))
    runs = timed(
        passes,
        theirs=lambda: gpd.sjoin_nearest(left, right, distance_col="metres"),
        ours=lambda: access_model(england, doctors).nearest[0],
    )
    theirs = runs["theirs"][1]["metres"].groupby(level=0).first().to_numpy()
    line("nearest: geopandas.sjoin_nearest", runs["theirs"][0])
    apart = np.abs(theirs - runs["ours"][1]).max()
    line("nearest: layers.methods.access", runs["ours"][0], "0.05", f"largest difference {apart:.1e} m")


def bench_water(england, doctors, passes) -> None:
    """What the rule on crossing water costs where few lines touch any: the first question, the next one, and all pairs."""
    start = time.perf_counter()
    water = Water(england.geometry.to_crs(27700).to_numpy())
    line("crossing water: land of England, made once for a region", [time.perf_counter() - start])
    start = time.perf_counter()
    first = access_model(england, doctors, water=water)
    over = int(first.over_water.sum())
    line("crossing water: nearest, first time", [time.perf_counter() - start], "", f"{over} lines are over water")
    runs = timed(
        passes,
        without=lambda: access_model(england, doctors).nearest[0],
        ours=lambda: access_model(england, doctors, water=water).nearest[0],
        pairs=lambda: access_model(england, doctors).pairs(1_600.0),
        over=lambda: access_model(england, doctors, water=water).pairs(1_600.0),
    )
    line("nearest, straight lines only", runs["without"][0])
    line("nearest, with the ways over land", runs["ours"][0])
    line("pairs within 1,600 m, straight lines only", runs["pairs"][0])
    line("pairs within 1,600 m, with the ways over land", runs["over"][0])


def bench_catchment(england, doctors, passes, skip_slow) -> None:
    from access import Access, weights

    model = access_model(england, doctors)
    pairs = model.pairs(1_600.0)
    costs = pd.DataFrame(
        {"origin": england["code"].to_numpy()[pairs.rows], "dest": model.sites.ids[pairs.cols], "cost": pairs.cost}
    )
    supply = pd.DataFrame({"id": model.sites.ids, "supply": 1.0})
    theirs = Access(
        demand_df=england[["code", "population"]],
        demand_index="code",
        demand_value="population",
        supply_df=supply,
        supply_index="id",
        supply_value="supply",
        cost_df=costs,
        cost_origin="origin",
        cost_dest="dest",
        cost_name="cost",
    )

    def steps():
        found = access_model(england, doctors).pairs(1_600.0)
        weight = np.select([found.cost <= limit for limit in STEPS], list(STEPS.values()), 0.0)
        return floating_catchment(found.rows, found.cols, weight, model.sites.capacity, model.demand)

    runs = timed(
        passes,
        theirs=lambda: theirs.enhanced_two_stage_fca(name="e", weight_fn=weights.step_fn(STEPS), max_cost=1_600),
        ours=steps,
        kernel=lambda: access_model(england, doctors).e2sfca(1_600.0),
    )
    answer = runs["theirs"][1].iloc[:, 0].reindex(england["code"]).fillna(0).to_numpy()
    line("e2sfca, steps: PySAL access, cost table given", runs["theirs"][0])
    apart = np.abs(answer - runs["ours"][1]).max()
    line(
        "e2sfca, steps: layers.methods.access, search included",
        runs["ours"][0],
        "0.1",
        f"largest difference {apart:.1e}",
    )
    line("e2sfca, our kernel, search included", runs["kernel"][0], "0.1", f"{len(pairs.cost):,} pairs")
    if not skip_slow:
        points = [
            gpd.GeoDataFrame({name: ids}, geometry=gpd.points_from_xy(x, y, crs=27700))
            for name, ids, x, y in (
                ("code", england["code"], england["centroid_x"], england["centroid_y"]),
                ("id", model.sites.ids, *model.sites.xy.T),
            )
        ]
        slow = Access(
            demand_df=points[0].assign(population=england["population"].to_numpy()),
            demand_index="code",
            demand_value="population",
            supply_df=points[1].assign(supply=1.0),
            supply_index="id",
            supply_value="supply",
        )
        runs = timed(1, table=lambda: slow.create_euclidean_distance(threshold=1_600))
        line("PySAL access: making that cost table", runs["table"][0])


def bench_gaps(name, frame, services, source, passes, targets) -> None:
    layers = need_set(frame, source)
    service = {"s": ServiceLayer(Descriptor("s", "s", Kind.SERVICES, (), ""), services)}
    request = GapRequest((("poverty", 1.0), ("violence", 2.0), ("mental", 1.0)), ("s",), max_m=1_600.0)
    areas = {"lsoa": frame}
    first = find_gaps(request, areas, layers, service)
    parts = tuple(Indicator.of(layer.descriptor, layer.values["lsoa"]) for layer in layers.values())
    kept = need_percentiles(parts)
    model, weights = first.model, dict(request.need)
    again = {"model": model, "border": first.border, "percentiles": first.need.percentiles}
    runs = timed(
        passes,
        need=lambda: need(parts, weights),
        slider=lambda: need(parts, weights, kept),
        border=lambda: border_view(frame, model.sites, 1_600.0),
        gaps=lambda: find_gaps(request, areas, layers, service),
        again=lambda: find_gaps(request, areas, layers, service, **again),
        sure=lambda: stability(parts, weights, model, "nearest", 1_600.0),
        sure_flow=lambda: stability(parts, weights, model, "e2sfca", 1_600.0),
        json=first.to_json,
    )
    line(f"{name}: need of three indicators", runs["need"][0])
    line(f"{name}: need when only a weight moves", runs["slider"][0])
    line(f"{name}: alone and together", runs["border"][0])
    line(f"{name}: find_gaps, everything but stability", runs["gaps"][0], "", f"{len(first.communities):,} communities")
    line(f"{name}: find_gaps when only a weight moves", runs["again"][0])
    line(f"{name}: the JSON of it", runs["json"][0])
    line(f"{name}: stability, nearest, 500 draws", runs["sure"][0], targets)
    line(f"{name}: stability, e2sfca, 500 draws", runs["sure_flow"][0], targets)


def bench_siting(north, special, passes, skip_slow) -> None:
    import pulp
    import spopt.locate as spopt

    candidates = north.sample(300, random_state=1).sort_values("code")
    places = candidates.rename(columns={"centroid_x": "easting", "centroid_y": "northing"})
    places = pd.DataFrame(places[["code", "name", "lad_code", "easting", "northing"]])
    none = special.iloc[:0]
    cost = cdist(north[["centroid_x", "centroid_y"]].to_numpy(), candidates[["centroid_x", "centroid_y"]].to_numpy())
    people = north["population"].to_numpy()
    for radius in (1_600.0, 3_000.0, 5_000.0):
        plan = {"objective": "mclp", "new": 5, "max_m": radius, "candidates": places, "compare_alone": False}

        def theirs(radius=radius):
            solver = pulp.PULP_CBC_CMD(msg=False, timeLimit=60)
            return (
                spopt.MCLP.from_cost_matrix(cost, people, radius, p_facilities=5)
                .solve(solver)
                .problem.objective.value()
            )

        calls = {
            "greedy": lambda plan=plan: plan_sites(north, none, north["population"], exact=False, **plan),
            "ours": lambda plan=plan: plan_sites(north, none, north["population"], **plan),
        }
        if not skip_slow:
            calls["theirs"] = theirs
        runs = timed(1 if not skip_slow else passes, **calls)
        head = f"mclp, North East, 300 candidates, 5 sites, {radius:,.0f} m"
        if "theirs" in runs:
            line(f"{head}: spopt, CBC", runs["theirs"][0], "", f"{runs['theirs'][1]:,.0f} people")
        line(f"{head}: greedy", runs["greedy"][0], "0.05", f"{runs['greedy'][1].value:,.0f} people")
        proof = "proven" if runs["ours"][1].proven else f"gap {runs['ours'][1].gap:.2%}"
        line(f"{head}: ours", runs["ours"][0], "", f"{runs['ours'][1].value:,.0f} people, {proof}")
    for objective in ("mclp", "p-median", "lscp"):
        more = {"objective": objective, "new": 5, "max_m": 5_000.0}
        runs = timed(
            passes,
            first=lambda more=more: plan_sites(
                north, special, north["population"], exact=False, compare_alone=False, **more
            ),
            ours=lambda more=more: plan_sites(north, special, north["population"], **more),
        )
        answer = runs["ours"][1]
        note = f"{'proven' if answer.proven else f'gap {answer.gap:.2%}'}, with the plan of each authority alone"
        line(f"{objective}, 1,257 candidates, 5 km, existing kept: greedy", runs["first"][0], "0.05")
        line(f"{objective}, 1,257 candidates, 5 km, existing kept", runs["ours"][0], "", note)


def bench_clusters(north, passes) -> None:
    import esda
    from libpysal.weights import WSP

    neighbours = adjacency(north["geometry"])
    values = north["population"]
    theirs = WSP(neighbours.astype("float64").tocsr()).to_W()
    runs = timed(
        passes,
        touch=lambda: adjacency(north["geometry"]),
        ours=lambda: local_moran(values, neighbours),
        theirs=lambda: esda.Moran_Local(values.to_numpy(), theirs, permutations=999, seed=1, n_jobs=1),
    )
    line("which areas touch, North East", runs["touch"][0])
    line("local Moran, North East: esda, 999 permutations", runs["theirs"][0])
    same = np.corrcoef(runs["theirs"][1].Is, runs["ours"][1]["statistic"])[0, 1]
    line(
        "local Moran, North East: layers.methods.clusters, analytic",
        runs["ours"][0],
        "",
        f"correlation of statistics {same:.9f}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, default=Path(__file__).parents[1] / "../shared/data")
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument(
        "--skip-slow", action="store_true", help="leave out what takes minutes: PySAL's cost table, spopt"
    )
    options = parser.parse_args()
    if not (options.source / "SOURCES.md").exists():
        sys.exit(f"the real open data is not at {options.source}: give its folder with --source")
    england, north, doctors, special = read(options.source)
    print(
        f"{len(england):,} areas of England, {len(doctors):,} GP practices; North East {len(north):,} areas", flush=True
    )
    print(f"| {'what':<58} | {'median s (least-most, passes)':<32} | {'target s':<9} | answers", flush=True)
    read_sites(doctors)
    bench_nearest(england, doctors, options.passes)
    bench_water(england, doctors, options.passes)
    bench_catchment(england, doctors, options.passes, options.skip_slow)
    bench_gaps("North East", north, doctors, options.source, options.passes, "0.2")
    bench_gaps("England", england, doctors, options.source, max(options.passes // 2, 1), "4")
    bench_siting(north, special, options.passes, options.skip_slow)
    bench_clusters(north, options.passes)


if __name__ == "__main__":
    main()
