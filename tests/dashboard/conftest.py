"""The embedded demonstration region as an application, and regions that are odd on purpose."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from tests.databases import ON_POSTGRES, database_url
from tests.demonstration import DEMO, filled_home, store_url
from tests.tiny import tiny_areas

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def serve(tmp_path_factory):
    """``serve(pack)`` -> a Published over a region pack, with a store and a home of its own."""
    from dashboard.published import Published
    from layers import load_region, open_store

    stores = []

    def make(pack: Path) -> Published:
        home = tmp_path_factory.mktemp("home")
        region = load_region(pack)
        store = open_store(database_url(home / "store.sqlite"), region)
        stores.append(store)
        return Published(region, store, home)

    yield make
    for store in stores:
        store.close()


@pytest.fixture(scope="session")
def demo(serve, tmp_path_factory):
    if ON_POSTGRES:
        yield serve(DEMO)
        return
    from dashboard.published import Published
    from layers import load_region, open_store

    home = filled_home(tmp_path_factory)
    region = load_region(DEMO)
    store = open_store(store_url(home), region)
    yield Published(region, store, home)
    store.close()


@pytest.fixture(scope="session")
def demo_app(demo):
    from dashboard.app import create_app

    return create_app(demo, "a key for the tests only")


@pytest.fixture()
def demo_client(demo_app):
    return demo_app.server.test_client()


@pytest.fixture(scope="session")
def bare(serve, tiny_pack, tmp_path_factory):
    """Tinyland without partners, themes and layers."""
    pack = tmp_path_factory.mktemp("bare") / "bare"
    shutil.copytree(tiny_pack, pack)
    shutil.rmtree(pack / "layers")
    (pack / "region.toml").write_text('id = "bare"\nname = "Bare & <empty>"\n', "utf-8")
    return serve(pack)


@pytest.fixture(scope="session")
def lonely(serve, tmp_path_factory):
    """One area, one indicator without a period, one service outside the region, a theme whose lead does not exist."""
    pack = tmp_path_factory.mktemp("lonely") / "lonely"
    (pack / "areas").mkdir(parents=True)
    lsoa = tiny_areas()["lsoa"].iloc[:1].copy()
    for level, code in (("lsoa", "T01"), ("ward", "TW1"), ("lad", "TA")):
        frame = lsoa.assign(code=code, name=f"Only {level}", lad_code="TA", ward_code="TW1" if level != "lad" else "")
        gpd.GeoDataFrame(frame, crs="EPSG:4326").to_parquet(pack / "areas" / f"{level}.parquet")
    (pack / "region.toml").write_text(
        'id = "lonely"\nname = "Lonely"\n[[partners]]\nid = "one"\nname = "One"\nkind = "council"\nfootprint = ["TA"]\n'
        '[[themes]]\nid = "t"\nname = "Theme"\nlead = "gone"\n',
        "utf-8",
    )
    tables = {
        "plain": pd.DataFrame({"area_code": ["T01"], "value": [3.5]}),
        "far": pd.DataFrame({"service_id": ["F"], "name": ["Far"], "easting": [425_000], "northing": [560_000]}),
    }
    for name, table in tables.items():
        folder = pack / "layers" / name
        folder.mkdir(parents=True)
        table.to_csv(folder / "data.csv", index=False)
        ours = {"kind": "services", "theme": "t", "partner": "one"}
        if name == "plain":
            ours |= {
                "kind": "indicator",
                "measure": "score",
                "unit": "points",
                "direction": "high-is-worse",
                "geography": {"level": "lsoa", "vintage": 2021},
            }
        ours["columns"] = {header: header for header in table.columns}
        fields = [{"name": header} for header in table.columns]
        document = {
            "name": name,
            "title": name.title(),
            "licenses": [{"name": "OGL-UK-3.0"}],
            "sources": [{"title": "Made up for the tests"}],
            "resources": [{"name": "data", "path": "data.csv", "schema": {"fields": fields}}],
            "commonground": ours,
        }
        (folder / "datapackage.json").write_text(json.dumps(document), "utf-8")
    return serve(pack)


@pytest.fixture(params=["tiny", "demo", "bare", "lonely"])
def region_of_any_kind(request):
    """Each Published in turn: what must hold for one must hold for all."""
    return request.getfixturevalue(request.param)
