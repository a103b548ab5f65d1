"""The attacked kinds, published by several partners, attacked as public, as every role of every partner and as every two."""

import pytest

from layers.region import load_region
from layers.store.store import open_store
from tests.attacked_kinds import KINDS, World, attack


@pytest.fixture(scope="module")
def demo():
    return load_region("data/demo")


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_small_is_told(kind, demo, tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}", demo, fill=False)
    try:
        world = World(store)
        KINDS[kind](world)
        found = attack(store)
        assert found["admin"].hidden
        assert {who: audit.leaks[:3] for who, audit in found.items() if not audit.clean} == {}
        assert len(found) > 100
    finally:
        store.close()
