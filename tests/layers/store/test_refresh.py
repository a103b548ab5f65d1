"""The region pack was built again: what is published, what people decided is kept, and nothing is ever half done."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from datetime import timedelta
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from layers.manifest import write_manifest
from layers.model import LEVELS, PUBLIC, SYSTEM, Kind, Refused
from layers.reading.package import read_package
from layers.region import load_region
from layers.store import preparing, refresh, tables
from layers.store.blobs import encode_table, encode_values
from layers.store.database import make_engine
from layers.store.integrity import check as check_store
from layers.store.layers import Layers
from layers.store.records import RefreshReport, StoreFault, Withdrawn
from layers.store.store import open_store
from tests.layers.store.test_publishing import Fault, everything, fault_at, forked
from tests.layers.store_fixtures import ADMIN, CODES, NOON, WEST_ANALYST, indicator, sites

PACK_LAYERS = ["clinics", "crowded", "harm", "poverty-rank"]


@pytest.fixture
def pack(region, tmp_path):
    """A copy of the tiny pack to change."""
    return Path(shutil.copytree(region.path, tmp_path / "pack"))


@pytest.fixture
def start(url, pack, clock, filled_file):
    """A function that starts a server on the pack as it is now; the first time on a store that is filled already."""
    if url.startswith("sqlite"):
        shutil.copy(filled_file, url.removeprefix("sqlite:///"))
    else:
        open_store(url, load_region(pack), clock=clock.now).close()

    def again(**more):
        clock.on(hours=1)
        opened = open_store(url, load_region(pack), **({"clock": clock.now, "ticks": clock.ticks} | more))
        clock.opened.append(opened)
        return opened

    yield again
    for opened in clock.opened:
        opened.close()


def state(store):
    """Everything, and what the store remembers of the pack."""
    with store.reading() as connection:
        rows = [tuple(r) for r in connection.execute(sa.select(tables.pack_layers))]
        meta = tuple(connection.execute(sa.select(tables.meta)).one())
    return everything(store) | {"pack_layers": sorted(rows, key=repr), "meta": meta}


def change(pack, layer_id="harm", *, area="T05", column="numerator", to=50):
    """One other figure in the table of a layer."""
    file = pack / "layers" / layer_id / "data.csv"
    table = pd.read_csv(file, dtype=str)
    table.loc[table["area_code"] == area, column] = str(to)
    table.to_csv(file, index=False)


def describe(pack, layer_id, **ours):
    file = pack / "layers" / layer_id / "datapackage.json"
    document = json.loads(file.read_text("utf-8"))
    document["title"] = ours.pop("title", document["title"])
    document["name"] = ours.pop("name", document["name"])
    document["commonground"] |= ours
    file.write_text(json.dumps(document, indent=3), "utf-8")


def built(pack, text):
    file = pack / "region.toml"
    file.write_text(file.read_text("utf-8").replace('built = "2026-01-01"', f'built = "{text}"'), "utf-8")


def areas(pack, level="lsoa"):
    return gpd.read_parquet(pack / "areas" / f"{level}.parquet")


def write_areas(pack, frame, level="lsoa"):
    frame.to_parquet(pack / "areas" / f"{level}.parquet")


def grow(pack, code="T02", people=2_000.0):
    """T02 has 200 residents in the pack; wards and authorities are left, as only the weights matter here."""
    frame = areas(pack)
    frame.loc[frame["code"] == code, "population"] = people
    write_areas(pack, frame)


def versions(store):
    return {layer.id: layer.version for layer in store.layers(ADMIN)}


def actions(store):
    return [(line.action, line.thing_id) for line in reversed(store.audit(ADMIN))][4:]  # after those of the first fill


# -- nothing to do -----------------------------------------------------------------------------------------------------


def test_an_unchanged_pack_publishes_nothing_and_prepares_nothing(start, monkeypatch):
    first = start()
    before = state(first)
    monkeypatch.setattr(preparing, "prepare", lambda *_: pytest.fail("nothing should be prepared"))
    monkeypatch.setattr(refresh, "read_package", lambda *_: pytest.fail("no table should be parsed"))
    store = start(progress=lambda *_: pytest.fail("there is no progress to tell"))
    assert state(store) == before
    assert not store.filled
    assert store.filled.line() == ""
    assert actions(store) == []


def test_the_first_fill_is_told_too(url, region, clock):
    store = open_store(url, region, clock=clock.now)
    assert store.filled.first
    assert list(store.filled.added) == PACK_LAYERS
    assert store.filled.line() == "The layers of the region pack were published: 4 layers are new."
    store.close()


def test_a_pack_built_again_from_the_same_files_is_the_same_pack(start, pack):
    """Another date, other white space in the descriptor: no content changed."""
    before = state(start())
    built(pack, "2026-05-01")
    describe(pack, "harm")
    assert state(start()) == before


def test_a_store_that_is_not_to_be_filled_is_left_alone(start, pack):
    before = state(start())
    change(pack)
    assert state(start(fill=False)) == before


# -- what the pack brings ----------------------------------------------------------------------------------------------


def test_one_changed_table_publishes_exactly_one_new_version(start, pack):
    generation = start().generation()
    change(pack)  # T05: 50 events of 500 people, per 1,000 = 100
    built(pack, "2026-05-01")
    told = []
    store = start(progress=lambda *line: told.append(line))
    assert versions(store) == {"harm": 2, "crowded": 1, "poverty-rank": 1, "clinics": 1}
    assert store.filled == RefreshReport(built="2026-05-01", updated=("harm",))
    assert store.filled.line() == "The region pack was built again: one layer has a new version."
    assert store.values("harm", "lsoa", PUBLIC).arrays["value"][4] == 100.0
    assert store.values("harm", "lsoa", PUBLIC, version=1).arrays["value"][4] == 10.0
    layer = store.layer("harm", ADMIN)
    assert layer.note == "The region pack was built again on 1 May 2026."
    assert layer.published_by == "system"
    assert store.history("harm", ADMIN)[0].changes["areas_changed"] == 1
    assert told == [(1, 1, layer.title)]
    assert store.generation() > generation
    assert actions(store) == [("publish", "harm"), ("pack-refresh", "")]
    assert store.audit(ADMIN)[0].detail["updated"] == ["harm"]
    assert check_store(store) == []
    after = state(store)
    assert state(start()) == after


def test_a_server_that_runs_shows_the_new_version_without_a_restart(start, pack, clock):
    runs = start()
    assert runs.layer("harm", PUBLIC).version == 1
    change(pack)
    start()
    clock.on(seconds=2)
    assert runs.layer("harm", PUBLIC).version == 2


def test_a_changed_descriptor_is_a_new_version(start, pack):
    describe(pack, "crowded", title="Homes with too few rooms")
    store = start()
    assert store.filled.updated == ("crowded",)
    assert store.layer("crowded", PUBLIC).title == "Homes with too few rooms"


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("", "The region pack was built again."),
        ("this morning", "The region pack was built again (this morning)."),
    ],
)
def test_a_pack_without_a_date_is_told_without_one(start, pack, text, note):
    built(pack, text)
    change(pack)
    assert start().layer("harm", PUBLIC).note == note


def test_changes_come_one_after_the_other(start, pack):
    for number in (2, 3, 4):
        change(pack, to=number * 10)
        assert start().layer("harm", PUBLIC).version == number


def test_a_new_layer_is_added(start, pack):
    shutil.copytree(pack / "layers" / "harm", pack / "layers" / "harm-2026")
    describe(pack, "harm-2026", name="harm-2026", title="Harm, the next year")
    store = start()
    assert store.filled.added == ("harm-2026",)
    layer = store.layer("harm-2026", PUBLIC)
    assert (layer.version, layer.note) == (1, "New in the region pack of 1 January 2026.")
    assert versions(store) == dict.fromkeys(PACK_LAYERS, 1) | {"harm-2026": 1}
    assert check_store(store) == []
    change(pack, "harm-2026")
    assert start().filled.updated == ("harm-2026",)


def test_a_layer_that_left_the_pack_stays_and_is_told_once(start, pack):
    before = state(start())
    shutil.move(pack / "layers" / "harm", pack.parent / "harm")
    with pytest.raises(Refused, match="would lose areas or layers") as refused:
        start()
    assert "harm" in str(refused.value)
    assert "--accept-loss" in str(refused.value)
    assert state(start(fill=False)) == before
    store = start(accept_loss=True)
    assert store.filled.gone == ("harm",)
    assert "no longer in the pack" in store.filled.line()
    assert store.layer("harm", PUBLIC).version == 1
    assert actions(store) == [("pack-gone", "harm"), ("pack-refresh", "")]
    assert not start().filled

    shutil.move(pack.parent / "harm", pack / "layers" / "harm")  # back as it was: nothing to publish
    assert not start().filled
    shutil.move(pack / "layers" / "harm", pack.parent / "harm")
    assert start(accept_loss=True).filled.gone == ("harm",)
    shutil.move(pack.parent / "harm", pack / "layers" / "harm")
    change(pack)  # back with other figures: still the pack's own
    assert start().filled.updated == ("harm",)


# -- what people decided -----------------------------------------------------------------------------------------------

DECISIONS = {
    "a publish": (
        lambda store: store.publish(indicator("harm", first=7), by=ADMIN),
        "version 2 was published over the pack's version 1",
    ),
    "a publish on the machine": (
        lambda store: store.publish(indicator("harm", first=7), by=SYSTEM),
        "version 2 was published over the pack's version 1",
    ),
    "a withdrawal": (lambda store: store.withdraw("harm", by=ADMIN, reason="It is wrong."), "it was withdrawn"),
    "a roll back": (
        lambda store: (
            store.publish(indicator("harm", first=7), by=ADMIN),
            store.rollback("harm", to=1, by=ADMIN, reason="The official figures are right."),
        ),
        "it was rolled back to version 1",
    ),
}


@pytest.mark.parametrize("decision", list(DECISIONS))
def test_what_people_decided_is_kept_and_told_once(start, pack, decision):
    decide, why = DECISIONS[decision]
    first = start()
    decide(first)
    before = everything(first)
    change(pack)
    change(pack, "crowded", area="T05", to=50)
    store = start()
    assert store.filled.updated == ("crowded",)
    assert store.filled.kept == {"harm": why}
    after = everything(store)
    for table in ("versions", "contents", "pointers"):
        assert [row for row in after[table] if "harm" in row] == [row for row in before[table] if "harm" in row]
    line = next(line for line in store.audit(ADMIN, layer_id="harm") if line.action == "pack-kept")
    assert line.detail["why"] == why
    assert check_store(store) == []

    assert not start().filled
    change(pack, "crowded", area="T05", to=51)  # the next build, with nothing new for this layer
    store = start()
    assert (store.filled.updated, store.filled.kept) == (("crowded",), {})
    change(pack, to=51)
    assert start().filled.kept == {"harm": why}


def test_a_roll_back_of_what_the_pack_brought_is_kept(start, pack):
    change(pack)
    store = start()
    store.rollback("harm", to=1, by=ADMIN, reason="The new figures are wrong.")
    change(pack, to=60)
    assert start().filled.kept == {"harm": "it was rolled back to version 1"}


def test_a_version_that_waits_for_its_date_still_comes(start, pack, clock):
    first = start()
    first.publish(indicator("harm", first=7), by=ADMIN, at=clock.now() + timedelta(days=2))
    change(pack)
    store = start()
    assert store.layer("harm", PUBLIC).version == 3
    clock.on(days=3)
    assert store.layer("harm", PUBLIC).version == 2
    change(pack, to=60)
    assert start().filled.kept == {"harm": "version 2 was published over the pack's version 3"}


def test_an_id_that_somebody_took_before_is_theirs(start, pack):
    start().publish(indicator("noise"), by=WEST_ANALYST)
    shutil.copytree(pack / "layers" / "harm", pack / "layers" / "noise")
    describe(pack, "noise", name="noise")
    store = start()
    assert store.filled.kept == {"noise": "the id was taken before the pack had it"}
    assert store.layer("noise", PUBLIC).partner == "westshire"
    assert store.layer("noise", PUBLIC).version == 1
    assert not start().filled


def test_layers_of_people_do_not_stop_the_first_fill(url, region, clock):
    bare = open_store(url, region, clock=clock.now, fill=False)
    bare.publish(indicator("harm"), by=ADMIN)
    bare.close()
    store = open_store(url, region, clock=clock.now)
    assert list(store.filled.added) == ["clinics", "crowded", "poverty-rank"]
    assert store.layer("harm", PUBLIC).title == "Noise"
    assert check_store(store) == []
    store.close()


# -- the areas changed -------------------------------------------------------------------------------------------------


def rate_without_parts(pack):
    """A score in the pack: at larger areas it is the population-weighted mean, so the residents matter."""
    shutil.copytree(pack / "layers" / "poverty-rank", pack / "layers" / "score")
    describe(pack, "score", name="score", title="Score", measure="score", unit="points", direction="high-is-worse")
    file = pack / "layers" / "score" / "data.csv"
    file.write_text("area_code,value\n" + "".join(f"{code},{i}\n" for i, code in enumerate(CODES, 1)), "utf-8")


def test_other_residents_change_the_means_and_nothing_else(start, pack):
    """TW1 is T01, T02, T05, T06 with 100, 200, 500, 600 residents and scores 1, 2, 5, 6:
    (100 + 400 + 2500 + 3600) / 1400 = 4.714...; with 2,000 in T02: (100 + 4000 + 2500 + 3600) / 3200 = 3.1875."""
    rate_without_parts(pack)
    first = start()
    first.publish(indicator("noise"), by=WEST_ANALYST, review_on="2027-01-01", checks={"rows": 16})
    first.publish(indicator("din", first=2), by=WEST_ANALYST)
    first.withdraw("din", by=WEST_ANALYST, reason="It was a mistake.")
    assert first.values("score", "ward", PUBLIC).arrays["value"][0] == pytest.approx(6600 / 1400)
    grow(pack)
    built(pack, "2026-05-01")
    store = start()
    # counts are sums and the rank has no larger areas: only the two scores change
    assert store.filled == RefreshReport(built="2026-05-01", areas_changed=True, refitted=("noise", "score"))
    assert store.filled.line() == "The region's areas changed: 2 were fitted to the new areas."
    assert versions(store) == dict.fromkeys(PACK_LAYERS, 1) | {"score": 2, "noise": 2}
    for layer_id in ("score", "noise"):
        assert store.values(layer_id, "ward", PUBLIC).arrays["value"][0] == pytest.approx(3.1875)
        layer = store.layer(layer_id, PUBLIC)
        assert layer.note == "Fitted to the areas of the region pack of 1 May 2026: the figures of version 1."
    newest, before = store.history("noise", WEST_ANALYST)
    assert (newest.review_on, newest.published_by, newest.checked_by) == ("2027-01-01", "system", "")
    assert newest.report["checks"] == {"rows": 16}
    assert newest.file_sha256 == before.file_sha256
    with pytest.raises(Withdrawn):
        store.layer("din", WEST_ANALYST)
    assert check_store(store) == []
    after = state(store)
    assert state(start()) == after


def test_a_persons_layer_stays_a_persons_after_it_was_fitted(start, pack):
    start().publish(indicator("harm", first=7), by=ADMIN)
    grow(pack)
    assert start().filled.refitted == ("harm",)
    change(pack)
    store = start()
    assert store.filled.kept == {"harm": "version 3 was published over the pack's version 1"}
    assert store.layer("harm", PUBLIC).title == "Noise"


def test_a_layer_of_the_pack_stays_the_packs_after_it_was_fitted(start, pack):
    rate_without_parts(pack)
    start()
    grow(pack)
    assert start().filled.refitted == ("score",)
    change(pack, "score", column="value")
    assert start().filled.updated == ("score",)
    shutil.move(pack / "layers" / "score", pack.parent / "score")  # gone, and fitted from what the store holds
    grow(pack, people=3_000.0)
    store = start(accept_loss=True)
    assert (store.filled.refitted, store.filled.gone) == (("score",), ("score",))
    shutil.move(pack.parent / "score", pack / "layers" / "score")
    change(pack, "score", column="value", to=60)
    store = start()
    assert store.filled.updated == ("score",)
    assert store.layer("score", PUBLIC).version == 5
    assert check_store(store) == []


def test_changed_areas_and_changed_figures_together_are_one_version(start, pack):
    rate_without_parts(pack)
    start()
    grow(pack)
    change(pack, "score", area="T02", column="value", to=4)
    store = start()
    assert (store.filled.updated, store.filled.refitted) == (("score",), ())
    assert store.layer("score", PUBLIC).version == 2
    # (100 * 1 + 2000 * 4 + 500 * 5 + 600 * 6) / 3200
    assert store.values("score", "ward", PUBLIC).arrays["value"][0] == pytest.approx(14_200 / 3_200)


def test_a_version_that_waits_for_its_date_is_fitted_and_still_waits(start, pack, clock):
    first = start()
    first.publish(indicator("noise", first=1), by=WEST_ANALYST)
    first.publish(indicator("noise", first=11), by=WEST_ANALYST, at=clock.now() + timedelta(days=2))
    grow(pack)
    store = start()
    assert [v.state for v in store.history("noise", WEST_ANALYST)] == [
        "scheduled",
        "current",
        "scheduled",
        "superseded",
    ]
    assert store.values("noise", "ward", PUBLIC).arrays["value"][0] == pytest.approx(3.1875)
    clock.on(days=3)
    layer = store.layer("noise", PUBLIC)
    assert (layer.version, layer.note[-25:]) == (4, "the figures of version 2.")
    assert store.values("noise", "ward", PUBLIC).arrays["value"][0] == pytest.approx(13.1875)
    assert check_store(store) == []


def test_an_area_that_is_new_gets_its_value_from_the_table(start, pack):
    """T17 was not in the region; the table of a layer had a figure for it all the time."""
    file = pack / "layers" / "poverty-rank" / "data.csv"
    file.write_text(file.read_text("utf-8") + "T17,99\n", "utf-8")
    store = start()
    assert len(store.values("poverty-rank", "lsoa", PUBLIC).frame) == 16
    frame = areas(pack)
    write_areas(pack, pd.concat([frame, frame.iloc[[15]].assign(code="T17", name="Square 17")], ignore_index=True))
    store = start()
    assert list(store.filled.refitted) == ["crowded", "harm", "poverty-rank"]  # all have one more area to tell about
    shown = store.values("poverty-rank", "lsoa", PUBLIC).frame.set_index("area_code")
    assert shown.loc["T17", "value"] == 99.0
    assert shown.loc["T16", "value"] == 1.0
    assert check_store(store) == []  # the versions before were for other areas, and may stay so


def test_services_are_placed_in_the_new_outlines(start, pack):
    """The two authorities change names: the clinic in the west stands in the other one now."""
    frames = {level: areas(pack, level) for level in LEVELS}
    swap = {"TA": "TB", "TB": "TA"}
    lad = frames["lad"]
    lad = lad.assign(code=lad["code"].map(swap), lad_code=lad["lad_code"].map(swap))
    write_areas(pack, lad.sort_values("code", ignore_index=True), "lad")
    for level in ("lsoa", "ward"):
        write_areas(pack, frames[level].assign(lad_code=frames[level]["lad_code"].map(swap)), level)
    store = start()
    assert "clinics" in store.filled.refitted
    assert store.services("clinics", PUBLIC)["lad_code"].tolist() == ["TB", "TA"]


def test_new_outlines_that_move_no_figure_publish_nothing(start, pack):
    frame = areas(pack)
    write_areas(pack, frame.assign(geometry=frame.geometry.simplify(0.00001), name=frame["name"] + "!"))
    store = start()
    assert store.filled == RefreshReport(built="2026-01-01", areas_changed=True)
    assert store.filled.line() == "The region's areas changed: no figure changes."
    assert versions(store) == dict.fromkeys(PACK_LAYERS, 1)
    assert not start().filled


def test_a_persons_layer_that_does_not_fit_any_more_stays_as_it_is(start, pack, region):
    only_first = indicator("noise")
    only_first = dataclasses.replace(only_first, table=only_first.table.iloc[:1])  # T01 and nothing else
    start().publish(only_first, by=WEST_ANALYST)
    frame = areas(pack)
    write_areas(pack, frame[frame["code"] != "T01"])
    store = start(accept_loss=True)
    assert list(store.filled.unfitted) == ["noise"]
    assert store.layer("noise", PUBLIC).version == 1
    assert store.values("noise", "lsoa", PUBLIC).frame["status"].eq("missing").all()
    assert ("pack-unfitted", "noise") in actions(store)
    assert [(f.where, f.rule) for f in check_store(store)] == [("noise version 1", "areas-changed")]


# -- loss --------------------------------------------------------------------------------------------------------------


def test_a_pack_that_lost_areas_stops_and_asks(start, pack):
    before = state(start())
    frame = areas(pack)
    write_areas(pack, frame[~frame["code"].isin(["T03", "T04"])])
    with pytest.raises(Refused, match="would lose areas or layers") as refused:
        start()
    assert "2 areas would be lost: T03, T04" in str(refused.value)
    assert state(start(fill=False)) == before
    store = start(accept_loss=True)
    assert len(store.values("harm", "lsoa", PUBLIC).frame) == 14
    assert not start().filled  # it was accepted once and for all


def test_a_pack_that_gained_an_area_asks_nothing(start, pack):
    frame = areas(pack)
    write_areas(pack, frame[frame["code"] != "T03"])
    start(accept_loss=True)
    write_areas(pack, frame)
    assert start().filled.refitted or start().layer("harm", PUBLIC).version == 3


# -- a pack with a manifest --------------------------------------------------------------------------------------------


def test_a_layer_whose_file_changed_after_it_was_built_is_left_out(start, pack):
    write_manifest(pack)
    start()
    change(pack)  # a table that reads well; nobody said that it should change
    (pack / "layers" / "crowded" / "data.csv").unlink()
    shutil.rmtree(pack / "layers" / "poverty-rank")
    shutil.copytree(pack / "layers" / "clinics", pack / "layers" / "more")
    describe(pack, "more", name="more")
    store = start()
    assert list(store.filled.left_out) == ["crowded", "harm", "more", "poverty-rank"]
    assert versions(store) == dict.fromkeys(PACK_LAYERS, 1)
    assert store.values("harm", "lsoa", PUBLIC).arrays["value"][4] == 10.0
    write_manifest(pack)
    with pytest.raises(Refused, match="would lose"):
        start()  # now the pack says itself that a layer is gone
    store = start(accept_loss=True)
    assert (store.filled.updated, store.filled.added, store.filled.gone) == (("harm",), ("more",), ("poverty-rank",))


def test_a_first_fill_leaves_out_what_is_broken(url, pack, clock):
    write_manifest(pack)
    change(pack)
    if url.startswith("sqlite"):
        store = open_store(url, load_region(pack), clock=clock.now)
        assert sorted(versions(store)) == ["clinics", "crowded", "poverty-rank"]
        write_manifest(pack)
        again = open_store(url, load_region(pack), clock=clock.now)
        assert sorted(versions(again)) == PACK_LAYERS
        assert check_store(again) == []
        store.close(), again.close()


@pytest.mark.parametrize("name", ["region.toml", "areas/lsoa.parquet", "areas/ward.parquet", "lookups/more.parquet"])
@pytest.mark.parametrize("how", ["a byte", "cut", "gone", "new"])
def test_a_pack_whose_areas_or_words_are_not_as_they_were_built_is_refused(pack, name, how):
    (pack / "lookups").mkdir(exist_ok=True)
    file = pack / name
    if "more" in name and how != "new":
        pd.DataFrame({"a": [1]}).to_parquet(file)
    write_manifest(pack)
    load_region(pack)
    content = file.read_bytes() if file.exists() else b""
    if how == "a byte":
        file.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    elif how == "cut":
        file.write_bytes(content[:-1])
    elif how == "gone":
        file.unlink()
    else:
        shutil.copy(pack / "areas" / "lad.parquet", pack / "lookups" / "new.parquet")
    with pytest.raises(Refused, match="cannot be used") as refused:
        load_region(pack)
    assert (name if how != "new" else "new.parquet") in str(refused.value)


def test_a_damaged_manifest_is_refused(pack):
    write_manifest(pack)
    (pack / "manifest.json").write_text('{"files": {"reg')
    with pytest.raises(Refused, match="cannot be used"):
        load_region(pack)


# -- faults ------------------------------------------------------------------------------------------------------------


def test_broken_layers_of_the_new_pack_are_left_out_and_named_and_the_rest_is_published(start, pack):
    runs = start()
    change(pack, "poverty-rank", column="value", to=3)
    (pack / "layers" / "harm" / "data.csv").unlink()
    (pack / "layers" / "crowded" / "datapackage.json").write_text("{")
    shutil.copytree(pack / "layers" / "clinics", pack / "layers" / "copy")
    for _ in range(2):  # and again at the next start
        store = start()
        assert list(store.filled.left_out) == ["copy", "crowded", "harm"]
        assert "also that of layers/clinics" in store.filled.left_out["copy"]
    assert {layer.id: layer.version for layer in runs.layers(PUBLIC)} == {
        "clinics": 1, "crowded": 1, "harm": 1, "poverty-rank": 2,
    }  # fmt: skip
    assert store.values("harm", "lsoa", PUBLIC).arrays["value"][4] == 10.0
    assert store.filled.gone == ()
    told = {(fault.where, fault.severity) for fault in check_store(store)}
    assert told == {("layers/harm", "warning"), ("layers/crowded", "warning"), ("layers/copy", "warning")}


def test_a_layer_cannot_become_another_kind(start, pack):
    start()
    shutil.rmtree(pack / "layers" / "harm")
    shutil.copytree(pack / "layers" / "clinics", pack / "layers" / "harm")
    describe(pack, "harm", name="harm")
    store = start()
    assert "published as indicator, this package is services" in store.filled.left_out["harm"]
    assert (store.layer("harm", PUBLIC).version, store.layer("harm", PUBLIC).kind) == (1, Kind.INDICATOR)


def test_a_pack_that_is_replaced_while_it_is_read_is_refused(start, pack, monkeypatch):
    before = state(start())
    change(pack)
    really = read_package

    def slow(folder):
        package = really(folder)
        change(pack, "crowded", area="T05", to=77)  # somebody builds it again meanwhile
        return package

    monkeypatch.setattr(refresh, "read_package", slow)
    with pytest.raises(Refused, match="has changed") as refused:
        start()
    assert "while it was being read" in str(refused.value)
    assert state(start(fill=False)) == before


def test_a_fault_of_the_program_is_told_with_the_layer(start, pack, monkeypatch):
    before = state(start())
    change(pack)

    def broken(*_):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(preparing, "prepare", broken)
    store = start()
    assert "layers/harm" in store.filled.left_out["harm"]
    assert "division by zero" in store.filled.left_out["harm"]
    after = state(store)
    assert {name: rows for name, rows in after.items() if name != "meta"} == {
        name: rows for name, rows in before.items() if name != "meta"
    }


def test_a_fault_of_the_database_is_a_refusal_too(start, pack, monkeypatch):
    before = state(start())
    change(pack)

    def full(*_args, **_more):
        raise sa.exc.OperationalError("INSERT", {}, Exception("database or disk is full"))

    monkeypatch.setattr(Layers, "write_version", full)
    with pytest.raises(StoreFault, match="nothing was changed") as refused:
        start()
    assert isinstance(refused.value, Refused)
    assert state(start(fill=False)) == before


@pytest.mark.parametrize("what", ["layers", "areas"])
def test_a_fault_at_any_step_leaves_all_as_before(start, pack, url, clock, monkeypatch, what):
    """Fail at each statement in turn, and at the commit; then let it through."""
    first = start()
    first.publish(indicator("noise"), by=WEST_ANALYST)
    before = state(first)
    if what == "layers":
        change(pack)
        shutil.copytree(pack / "layers" / "harm", pack / "layers" / "harm-2026")
        describe(pack, "harm-2026", name="harm-2026")
        shutil.rmtree(pack / "layers" / "crowded")
    else:
        grow(pack)
    region = load_region(pack)
    kept, really = {}, preparing.prepare

    def prepare(package, region, *beside):  # what is tested is the writing
        key = (package.descriptor.id, package.sha256)
        if key not in kept:
            kept[key] = really(package, region)
        return kept[key]

    monkeypatch.setattr(preparing, "prepare", prepare)
    faults = 0
    for step in range(1, 1000):
        try:
            with fault_at(sa.Engine, step):
                store = open_store(url, region, clock=clock.now, accept_loss=True)
        except Fault:
            faults += 1
            assert state(first) == before, f"step {step}"
            continue
        break
    assert faults > 30
    assert check_store(store) == []
    assert store.filled
    if what == "layers":
        assert (store.filled.updated, store.filled.added, store.filled.gone) == (
            ("harm",),
            ("harm-2026",),
            ("crowded",),
        )
    else:
        assert store.filled.refitted == ("noise",)
    store.close()


# -- two at once, and stores of before ---------------------------------------------------------------------------------


def test_processes_that_start_at_once_on_a_new_pack_publish_it_once(start, pack, url, clock):
    first = start()
    change(pack)
    grow(pack)
    region = load_region(pack)

    def work():
        assert open_store(url, region, clock=clock.now).layer("harm", PUBLIC).version == 2

    pids = [forked(work) for _ in range(3)]
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0, 0, 0]
    clock.on(seconds=2)
    assert versions(first) == dict.fromkeys(PACK_LAYERS, 1) | {"harm": 2}
    assert actions(first) == [("publish", "harm"), ("pack-refresh", "")]
    assert check_store(first) == []


def test_a_server_that_publishes_meanwhile_takes_its_turn(start, pack, url, clock):
    first = start()
    region = load_region(pack)

    def publish():
        own = open_store(url, region, clock=clock.now, fill=False)
        for number in range(5):
            own.publish(indicator(first=number), by=WEST_ANALYST)

    pid = forked(publish)
    for number in range(3):
        change(pack, to=60 + number)
        start()
    assert os.waitpid(pid, 0)[1] == 0
    clock.on(seconds=2)
    assert versions(first) == dict.fromkeys(PACK_LAYERS, 1) | {"harm": 4, "noise": 5}
    assert check_store(first) == []


def as_schema_2(url):
    """Take the store back to what the program before this one made."""
    engine = sa.create_engine(sa.make_url(url).set(drivername=make_engine(url).url.drivername), poolclass=NullPool)
    with engine.begin() as connection:
        had = ["meta", "layers", "audit", "versions", "contents", "pointers", "users", "sessions", "failures", "drafts"]
        for table in reversed(tables.metadata.sorted_tables):
            if table.name not in had:
                connection.exec_driver_sql(f"DROP TABLE {table.name}")
        for column in ("layers_sha256", "areas_sha256"):
            connection.exec_driver_sql(f"ALTER TABLE meta DROP COLUMN {column}")
        connection.exec_driver_sql("UPDATE meta SET schema_version = 2")
    engine.dispose()


def test_a_store_of_before_learns_what_the_pack_published(start, pack, url):
    first = start()
    first.publish(indicator("harm", first=7), by=SYSTEM)
    remembered = state(first)["pack_layers"]
    first.close()
    as_schema_2(url)
    change(pack)
    change(pack, "crowded", area="T05", to=50)
    store = start()
    assert store.filled.updated == ("crowded",)
    assert store.filled.kept == {"harm": "version 2 was published over the pack's version 1"}
    assert len(state(store)["pack_layers"]) == len(remembered) == 4
    assert versions(store) == dict.fromkeys(PACK_LAYERS, 1) | {"harm": 2, "crowded": 2}
    assert check_store(store) == []
    assert not start().filled


def test_a_store_of_before_on_the_same_pack_publishes_nothing(start, url, monkeypatch):
    first = start()
    before = everything(first)
    first.close()
    as_schema_2(url)
    store = start()
    after = everything(store)
    for table in ("versions", "contents", "pointers", "layers"):
        assert after[table] == before[table]
    assert not store.filled
    assert actions(store) == []
    monkeypatch.setattr(preparing, "prepare", lambda *_: pytest.fail("nothing should be prepared"))
    start()


# -- the pieces --------------------------------------------------------------------------------------------------------


def test_the_fingerprint_is_the_content_that_packages_carry(region):
    found = refresh.look(region)
    assert [one.layer_id for one in found.layers] == PACK_LAYERS
    for one in found.layers:
        assert one.sha256 == read_package(one.folder).sha256
    assert refresh.look(region) == found
    assert refresh.look(dataclasses.replace(region, service_buffer_m=1.0)).areas_sha256 != found.areas_sha256


def test_values_are_compared_by_what_they_hold(region):
    def values(**more):
        frame = pd.DataFrame(
            {"area_code": ["A", "B"], "value": [0.1 + 0.2, float("nan")], "status": ["ok", "missing"]} | more
        )
        for name in ("numerator", "denominator", "lower", "upper"):
            frame[name] = float("nan")
        return frame

    old = encode_values({("lsoa", "2025"): values()})
    for frame, same in (
        (values(value=[0.3, float("nan")]), True),  # 0.1 + 0.2 differs from 0.3 in the last bit
        (values(value=[0.31, float("nan")]), False),
        (values(value=[0.3, 0.3]), False),
        (values(status=["converted", "missing"]), False),
        (values(area_code=["A", "C"]), False),
    ):
        assert refresh.same_values(old, encode_values({("lsoa", "2025"): frame}), Kind.INDICATOR) is same
    assert not refresh.same_values(old, encode_values({("ward", "2025"): values()}), Kind.INDICATOR)
    why = {("lsoa", "2025"): {"B": "nobody said"}}
    assert not refresh.same_values(old, encode_values({("lsoa", "2025"): values()}, why), Kind.INDICATOR)
    shops = sites().table
    assert refresh.same_values(encode_table(shops), encode_table(shops), Kind.SERVICES)
    assert not refresh.same_values(encode_table(shops), encode_table(shops.iloc[:1]), Kind.SERVICES)


def test_the_line_names_everything():
    report = RefreshReport(
        updated=("a", "b"), added=("c",), kept={"d": ""}, gone=("e", "f"), unfitted={"g": ""}, refitted=("h",)
    )
    assert report.line() == (
        "The region pack was built again: 2 layers have a new version, one layer is new, one was fitted to the new areas, "
        "one was kept as people left it, one does not fit the new areas, 2 are no longer in it and stay."
    )


def test_noon_is_before_every_start(start, clock):
    assert start().layer("harm", PUBLIC).published_at == NOON
    assert clock.now() > NOON


REAL = Path(__file__).parents[3] / "data" / "demo"


def test_the_fingerprint_of_a_whole_pack_parses_no_table(monkeypatch):
    """The demonstration pack: the fingerprint alone decides at a start on an unchanged pack."""
    monkeypatch.setattr(refresh, "read_package", lambda *_: pytest.fail("no table should be parsed"))
    found = refresh.look(load_region(REAL))
    assert len(found.layers) > 10
    assert all(one.layer_id == one.folder.name for one in found.layers)
