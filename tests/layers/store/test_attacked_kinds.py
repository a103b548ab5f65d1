"""The attacked kinds, published by several partners, attacked as public, as every role of every partner and as every two."""

from pathlib import Path

import pytest

from layers.build.region_pack import build_region
from layers.model import PUBLIC
from layers.region import load_region
from layers.store.store import open_store
from tests.attacked_kinds import KINDS, World, attack

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def demo():
    return load_region("data/demo")


@pytest.fixture(scope="module")
def north_east(tmp_path_factory):
    source = ROOT / "../shared/data"
    if not source.is_dir():
        pytest.skip("the real open data is not at ../shared/data")
    pack = tmp_path_factory.mktemp("north-east") / "pack"
    build_region(ROOT / "data/regions/north-east.toml", source, pack, only_layers=[])
    return load_region(pack)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_small_is_told(kind, demo, tmp_path):
    nothing_is_told(kind, demo, tmp_path)


@pytest.mark.real
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_small_is_told_in_the_north_east(kind, north_east, tmp_path):
    nothing_is_told(kind, north_east, tmp_path)


def nothing_is_told(kind, region, tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}", region, fill=False)
    try:
        world = World(store)
        KINDS[kind](world)
        found = attack(store)
        assert found["admin"].hidden
        assert {who: audit.leaks[:3] for who, audit in found.items() if not audit.clean} == {}
        assert len(found) > 100
    finally:
        store.close()


def test_small_areas_of_2011_are_summed(demo, tmp_path):
    """Wards and authorities have their figures although some of the areas that they are made of are withheld."""
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}", demo, fill=False)
    KINDS["small areas of 2011"](World(store))
    shown = store.values("on-2011", "ward", PUBLIC).frame["value"]
    assert shown.notna().mean() > 0.9 and store.values("on-2011", "lad", PUBLIC).frame["value"].notna().all()
    small = store.values("on-2011", "lsoa", PUBLIC).frame["value"].isna()
    assert 300 < small.sum() < 700
    store.close()
