"""Every way by which something becomes visible that was not: each asks the guard, and public figures never change.

:data:`DOORS` lists the functions of the program that show a version, or get one ready, found in its own text: a new one fails here
until it is guarded and named. In every test men and women are published apart, and the third of the three figures comes in last.
"""

import ast
import dataclasses
import shutil
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from layers.model import PUBLIC, Audience, Disclosure, Package, Refused
from layers.reading.package import write_package
from layers.region import load_region
from layers.store.guard import audit_disclosure
from layers.store.layers import Submission
from layers.store.refresh import follow_pack
from layers.store.store import open_store
from tests.attacked_kinds import ADMIN, PEOPLE
from tests.layers.store_fixtures import indicator

ROOT = Path(__file__).resolve().parents[3]
SHOWS = ("point", "add_version", "write_version", "prepare")
DOORS = {
    # what shows a version, or writes one that is shown
    "layers/store/versioned.py add_version": "inside the transactions below",
    "layers/store/versioned.py rollback": "test_going_back_to_a_withdrawn_layer",
    "layers/store/versioned.py withdraw": "shows nothing",
    "layers/store/layers.py _publish_once": "test_publishing, test_several_at_once, test_for_a_later_date, test_appending_a_period",
    "layers/store/layers.py write_version": "inside the transactions below",
    "layers/store/refresh.py _from_pack": "test_a_pack_that_was_built_again",
    "layers/store/refresh.py _from_store": "test_a_pack_that_was_built_again",
    "layers/store/refresh.py follow_pack": "test_following_the_pack_again",
    "layers/store/briefings.py publish": "a briefing shows figures of versions that are open",
    # what gets one ready to be looked at
    "layers/store/layers.py prepared": "test_the_preview_says_what_publishing_would",
    "layers/store/pack_notices.py check_pack": "test_a_pack_that_was_built_again",
}


def test_the_doors_are_all_of_them():
    found = set()
    for file in sorted((ROOT / "layers" / "store").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.FunctionDef):
                continue
            calls = [
                one.func.attr
                for one in ast.walk(node)
                if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute)
            ]
            if set(calls) & set(SHOWS):
                found.add(f"{file.relative_to(ROOT)} {node.name}")
    assert found == set(DOORS)
    tests = set(globals())
    for door, what in DOORS.items():
        assert all(name in tests for name in what.split(", ") if name.startswith("test_")), door


# -- three figures, of which two give the third away --------------------------------------------------------------------


@pytest.fixture(scope="module")
def figures():
    region = load_region(ROOT / "data/demo")
    rng, people = np.random.default_rng(11), region.areas["lsoa"]["population"].to_numpy(float)
    men, women = (rng.poisson(people * per_head).astype(float) for per_head in (0.006, 0.007))
    return region, {"men": men, "women": women, "everybody": men + women}


def package(figures, name, *, layer_id="", scale=1.0, **more) -> Package:
    region, counts = figures
    keys = PEOPLE | {"themes": (region.themes[0].id,), "period": "2025", "title": name.title(), "contact": "x"} | more
    partner = more.get("partner", region.partners[0].id)
    made = indicator(layer_id or name, **(keys | {"partner": partner}))
    table = pd.DataFrame({"area_code": region.codes("lsoa"), "value": counts[name] * scale, "status": "ok"})
    return dataclasses.replace(made, table=table)


@pytest.fixture
def store(figures, tmp_path):
    region, _ = figures
    made = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}", region, fill=False)
    yield made
    made.close()


def clean(store) -> bool:
    return audit_disclosure(store, [ADMIN]).clean and audit_disclosure(store, [PUBLIC]).clean


def shown(store, *names):
    return {name: store.values(name, "lsoa", ADMIN).frame for name in names}


def same(before, after) -> bool:
    return all(before[name].equals(after[name]) for name in before)


def test_publishing(store, figures):
    for name in ("everybody", "men"):
        store.publish(package(figures, name), by=ADMIN)
    before = shown(store, "everybody", "men")
    with pytest.raises(Refused, match="'everybody'"):
        store.publish(package(figures, "women"), by=ADMIN)
    assert clean(store) and same(before, shown(store, "everybody", "men"))


def test_several_at_once(store, figures):
    with pytest.raises(Refused, match="None of the layers"):
        store.publish_all([Submission(package(figures, name)) for name in ("everybody", "men", "women")], by=ADMIN)
    assert store.layers(ADMIN) == ()


def test_for_a_later_date(store, figures):
    """A version that waits for its date counts as shown: it will be, with nobody there to ask."""
    store.publish(package(figures, "everybody"), by=ADMIN, at=store.now() + timedelta(days=3))
    store.publish(package(figures, "men"), by=ADMIN)
    with pytest.raises(Refused, match="'everybody'"):
        store.publish(package(figures, "women"), by=ADMIN)


def test_appending_a_period(store, figures):
    for name in ("everybody", "men"):
        store.publish(package(figures, name), by=ADMIN)
    store.publish(package(figures, "everybody", layer_id="women", period="2024", scale=3.0), by=ADMIN)
    before = shown(store, "everybody", "men", "women")
    with pytest.raises(Refused, match="'everybody'"):
        store.publish(package(figures, "women"), by=ADMIN, append=True)
    assert clean(store) and same(before, shown(store, "everybody", "men", "women"))


def test_the_preview_says_what_publishing_would(store, figures):
    for name in ("everybody", "men"):
        store.publish(package(figures, name), by=ADMIN)
    with pytest.raises(Refused, match="'everybody'"):
        store.prepared(package(figures, "women"))


def test_going_back_to_a_withdrawn_layer(store, figures):
    store.publish(package(figures, "everybody"), by=ADMIN)
    store.withdraw("everybody", by=ADMIN, reason="To be looked at again.")
    for name in ("men", "women"):
        store.publish(package(figures, name), by=ADMIN)
    with pytest.raises(Refused, match="Version 1 of 'everybody' was not shown again") as refused:
        store.rollback("everybody", 1, by=ADMIN, reason="It was right.")
    assert "'men'" in str(refused.value) and "'women'" in str(refused.value)
    assert [layer.id for layer in store.layers(ADMIN)] == ["men", "women"] and clean(store)
    store.withdraw("women", by=ADMIN, reason="So that the total can be shown.")
    store.rollback("everybody", 1, by=ADMIN, reason="It was right.")
    assert clean(store)


def test_going_back_to_a_version_under_a_looser_rule(store, figures):
    """What it shows and a later version hides is closed with that version."""
    store.publish(package(figures, "men"), by=ADMIN)
    store.withdraw("men", by=ADMIN, reason="The rule is to be stricter.")
    store.publish(package(figures, "men", disclosure=Disclosure(15, 5)), by=ADMIN)
    store.rollback("men", 1, by=ADMIN, reason="The stricter rule was not needed.")
    assert clean(store) and store.layer("men", PUBLIC).version == 1


def test_a_wider_audience(store, figures):
    """The guard looks at everything whoever may see it, so a wider audience shows nothing that it has not looked at."""
    region, _ = figures
    one, two = region.partners[:2]
    store.publish(package(figures, "men", partner=one.id, audience=Audience.OWNER), by=ADMIN)
    store.publish(package(figures, "women", partner=two.id, audience=Audience.OWNER), by=ADMIN)
    try:
        store.publish(package(figures, "everybody"), by=ADMIN)
    except Refused as refused:
        assert "'men'" in str(refused)
    store.publish(package(figures, "men", partner=one.id), by=ADMIN)
    store.publish(package(figures, "women", partner=two.id), by=ADMIN)
    assert clean(store)


# -- the region pack ----------------------------------------------------------------------------------------------------


@pytest.fixture
def pack(figures, tmp_path):
    folder = tmp_path / "pack"
    shutil.copytree(ROOT / "data/demo", folder, ignore=shutil.ignore_patterns("layers", "briefings", "manifest.json"))
    (folder / "layers").mkdir()
    write_package(package(figures, "everybody"), folder / "layers" / "everybody")
    return folder


def test_following_the_pack_again(figures, pack, tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}", load_region(pack))
    store.withdraw("everybody", by=ADMIN, reason="To be looked at again.")
    for name in ("men", "women"):
        store.publish(package(figures, name), by=ADMIN)
    before = shown(store, "men", "women")
    try:
        follow_pack(store, "everybody", by=ADMIN, reason="As it was.")
        small = figures[1]["everybody"] < 8
        assert store.values("everybody", "lsoa", ADMIN).frame["value"].isna().sum() > small.sum()  # it hides more
    except Refused as refused:
        assert "'men'" in str(refused) or "'women'" in str(refused)
    assert clean(store) and same(before, shown(store, "men", "women"))
    store.close()


def test_a_pack_that_was_built_again(figures, pack, tmp_path):
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    store = open_store(url, load_region(pack))
    store.publish(package(figures, "men"), by=ADMIN)
    before = shown(store, "everybody", "men")
    store.close()
    write_package(package(figures, "women"), pack / "layers" / "women")
    store = open_store(url, load_region(pack))
    assert "'everybody'" in store.filled.left_out["women"] and same(before, shown(store, "everybody", "men"))
    assert clean(store)
    from layers.store.pack_notices import check_pack

    assert any("small numbers" in fault.what for fault in check_pack(store))
    store.close()
