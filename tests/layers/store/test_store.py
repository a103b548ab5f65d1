"""Opening and reading the store: what is shown, to whom, how fresh, and how it defends itself."""

from __future__ import annotations

import dataclasses
import shutil
import threading
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from layers.fields import VALUES
from layers.model import PUBLIC, SYSTEM, Audience, Kind, NotFound, Refused, Viewer
from layers.periods import in_order
from layers.store import tables
from layers.store.database import make_engine
from layers.store.integrity import check as check_store
from layers.store.records import STATUSES, NotPermitted, StoreFault, Withdrawn
from layers.store.store import open_store
from tests.databases import POSTGRES
from tests.layers.store_fixtures import (
    ADMIN,
    CODES,
    EAST_ANALYST,
    EAST_VIEWER,
    NOON,
    WEST_ANALYST,
    WEST_VIEWER,
    indicator,
    publish_briefing,
    sites,
    unguarded,
)


def test_postgresql_is_covered_too():
    if not POSTGRES:
        pytest.skip("COMMONGROUND_TEST_POSTGRES holds no URL: the store's tests ran on SQLite only")


# -- opening -----------------------------------------------------------------------------------------------------------


def test_the_first_start_publishes_every_layer_of_the_pack(url, region, clock):
    told = []
    store = open_store(url, region, clock=clock.now, progress=lambda *line: told.append(line))
    assert {layer.id for layer in store.layers(PUBLIC)} == {"harm", "crowded", "poverty-rank", "clinics"}
    assert all(layer.version == 1 and layer.published_at == NOON for layer in store.layers(PUBLIC))
    assert [line[:2] for line in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert check_store(store) == []
    store.close()


def test_a_second_start_publishes_nothing(store, reopen):
    again = reopen()
    assert {layer.version for layer in again.layers(PUBLIC)} == {1}
    assert len(again.audit(ADMIN)) == 4


def test_a_store_can_be_opened_without_filling_and_filled_later(url, reopen):
    assert reopen(fill=False).layers(PUBLIC) == ()
    assert len(reopen().layers(PUBLIC)) == 4


def test_a_store_of_another_region_is_refused(store, url, region):
    with pytest.raises(Refused, match="another region") as refused:
        open_store(url, dataclasses.replace(region, id="elsewhere"))
    assert "'tiny'" in str(refused.value)
    assert "'elsewhere'" in str(refused.value)


def test_a_store_of_other_boundaries_is_refused(store, url, region):
    with pytest.raises(Refused, match="other boundaries"):
        open_store(url, dataclasses.replace(region, vintages=region.vintages | {"ward": 2030}))


def test_a_store_of_a_newer_program_is_refused(store, url, region):
    with store.writing() as connection:
        connection.execute(sa.update(tables.meta).values(schema_version=99))
    with pytest.raises(Refused, match="newer program"):
        open_store(url, region)


@pytest.mark.parametrize("bad", ["nonsense", "mysql://host/db", "sqlite://", "sqlite:///:memory:"])
def test_a_url_that_cannot_be_used_is_refused(bad, region):
    with pytest.raises(Refused):
        open_store(bad, region)


def test_a_file_that_is_something_else_is_refused_and_left_alone(tmp_path, region):
    file = tmp_path / "store.sqlite"
    file.write_text("dear diary, " * 200)
    with pytest.raises(StoreFault, match="could not be opened"):
        open_store(f"sqlite:///{file}", region)
    assert file.read_text().startswith("dear diary")


def test_the_sqlite_file_is_private_and_durable(tmp_path, region):
    file = tmp_path / "deep" / "store.sqlite"
    store = open_store(f"sqlite:///{file}", region, fill=False)
    assert file.stat().st_mode & 0o077 == 0
    with store.reading() as connection:
        pragma = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")
        }
        assert pragma == {"journal_mode": "wal", "synchronous": 2}
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    store.close()


def test_faults_in_the_pack_are_all_named_and_nothing_is_made(url, region, tmp_path):
    path = tmp_path / "pack"
    shutil.copytree(region.path, path)
    (path / "layers" / "harm" / "data.csv").unlink()
    (path / "layers" / "crowded" / "datapackage.json").write_text("{")
    with pytest.raises(Refused) as refused:
        open_store(url, dataclasses.replace(region, path=path))
    told = str(refused.value)
    assert "layers/harm" in told
    assert "layers/crowded" in told
    engine = make_engine(url)
    assert not sa.inspect(engine).has_table("meta")
    engine.dispose()


# -- values ------------------------------------------------------------------------------------------------------------


def test_values_are_in_area_order_with_every_column(store, region):
    values = store.values("harm", "lsoa", PUBLIC)
    assert tuple(values.frame.columns) == VALUES
    assert values.frame["area_code"].tolist() == CODES == region.areas["lsoa"]["code"].tolist()
    assert values.period == "2025"
    assert values.reason == ""
    # area i: i events of 100 i people, per 1,000 = 10; T16: 32 of 1,600 = 20; T01 is missing
    assert values.arrays["value"][1:].tolist() == [10.0] * 14 + [20.0]
    assert values.frame["status"].tolist() == ["missing"] + ["ok"] * 15
    assert [STATUSES[code] for code in values.arrays["status"]] == values.frame["status"].tolist()


def test_larger_areas_are_rebuilt_from_their_parts(store):
    ward = store.values("harm", "ward", PUBLIC)
    # TW4 holds T11, T12, T15, T16: 11 + 12 + 15 + 32 = 70 events of 1,100 + 1,200 + 1,500 + 1,600 = 5,400 people
    assert ward.arrays["value"][3] == pytest.approx(70 / 5400 * 1000)
    assert set(ward.frame["status"]) == {"converted"}


def test_a_level_without_values_says_why(store):
    values = store.values("poverty-rank", "ward", PUBLIC)
    assert "rank" in values.reason
    assert np.isnan(values.arrays["value"]).all()
    assert store.layer("poverty-rank", PUBLIC).levels == ("lsoa",)


def test_a_withheld_area_shows_no_number_at_any_level(store):
    lsoa = store.values("crowded", "lsoa", PUBLIC)
    row = lsoa.frame.set_index("area_code").loc["T02"]
    assert row["status"] == "suppressed"
    assert row.drop("status").isna().all()
    for level in ("ward", "lad"):
        values = store.values("crowded", level, PUBLIC)
        assert np.isnan(values.arrays["value"]).all()
        assert values.reason
    assert store.layer("crowded", PUBLIC).levels == ("lsoa",)
    # and neither does the table that is kept beside the values
    original = store.original("crowded", ADMIN).table.set_index("area_code").loc["T02"]
    assert original["status"] == "suppressed"
    assert pd.isna(original["numerator"])
    assert pd.isna(original["denominator"])


def test_what_a_caller_does_to_its_numbers_stays_with_the_caller(store):
    values = store.values("harm", "lsoa", PUBLIC)
    for array in values.arrays.values():
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    with pytest.raises(TypeError):
        values.arrays["value"] = None
    frame = values.frame
    frame["extra"] = 1
    frame.loc[5, "value"] = -99.0
    assert store.values("harm", "lsoa", PUBLIC).arrays["value"][5] == 10.0
    assert tuple(store.values("harm", "lsoa", PUBLIC).frame.columns) == VALUES
    places = store.services("clinics", PUBLIC)
    places.loc[0, "easting"] = 0.0
    places.loc[0, "name"] = "?"
    assert store.services("clinics", PUBLIC).loc[0, ["easting", "name"]].tolist() == [420_500.0, "West clinic"]


def test_services_carry_the_authority_they_stand_in(store):
    clinics = store.services("clinics", PUBLIC)
    assert clinics.set_index("service_id")["lad_code"].to_dict() == {"C1": "TA", "C2": "TB"}
    layer = store.layer("clinics", PUBLIC)
    assert layer.sites == 2
    assert dict(layer.coverage) == {"TA": 1, "TB": 1}
    assert layer.kind == Kind.SERVICES


def test_sites_too_far_away_are_counted_and_left_out(store):
    rows = [
        ("in", "Inside", 420_500.0, 560_500.0),
        ("near", "1.9 km east of the border", 425_900.0, 560_500.0),  # the east edge is at 424,000; the buffer is 2 km
        ("far", "2.1 km east of the border", 426_100.0, 560_500.0),
        ("none", "Nowhere", np.nan, np.nan),
    ]
    done = store.publish(sites(rows=rows), by=WEST_ANALYST)
    assert store.services("shops", PUBLIC)["service_id"].tolist() == ["in", "near"]
    assert store.services("shops", PUBLIC)["lad_code"].tolist() == ["TA", ""]
    assert done.report == {
        "sites_given": 4,
        "sites_kept": 2,
        "sites_without_a_place": 1,
        "sites_too_far_away": 1,
    }


def test_coverage_counts_the_areas_with_a_value(store):
    assert dict(store.layer("harm", PUBLIC).coverage) == {"TA": 7, "TB": 8}  # T01 is in the west


def test_wrong_questions(store):
    with pytest.raises(Refused, match="cannot be given"):
        store.values("harm", "parish", PUBLIC)
    with pytest.raises(Refused, match="cannot be given"):
        store.values("clinics", "lsoa", PUBLIC)
    with pytest.raises(Refused, match="cannot be given"):
        store.services("harm", PUBLIC)
    with pytest.raises(NotFound, match="no period '1999'"):
        store.values("harm", "lsoa", PUBLIC, period="1999")
    with pytest.raises(NotFound, match="no version 2"):
        store.values("harm", "lsoa", PUBLIC, version=2)


def test_several_periods_are_in_order_and_the_newest_is_the_default(store):
    store.publish(indicator(periods=["2023/24", "2022/23", "2024/25"]), by=WEST_ANALYST)
    layer = store.layer("noise", PUBLIC)
    assert layer.periods == ("2022/23", "2023/24", "2024/25")
    assert layer.period == store.values("noise", "lsoa", PUBLIC).period == "2024/25"
    assert store.values("noise", "lsoa", PUBLIC, period="2022/23").period == "2022/23"


@pytest.mark.parametrize(
    "wanted",
    [
        ("2021", "2022", "2023"),
        ("2021/22", "2022/23", "2023/24"),
        ("Jan-Apr 2024", "2024"),
        ("2023/24", "2024 Q2", "2024"),
        ("2018 to 2020", "2019 to 2021"),
        ("2018-20", "2019-21"),
        ("1998/99", "1999/00", "2000/01"),
        ("2024-01", "2024-02", "2024-11"),
        ("January 2024", "March 2024", "December 2024"),
        ("all time", "2011"),
    ],
)
def test_periods_in_order(wanted):
    assert in_order(reversed(wanted)) == wanted


# -- the catalogue -----------------------------------------------------------------------------------------------------


def test_layers_come_by_theme_then_title_and_can_be_narrowed(store):
    # themes in the pack: alcohol, housing; "Crowded homes" serves both and counts where it comes first
    assert [layer.title for layer in store.layers(PUBLIC)] == [
        "Alcohol clinics",
        "Alcohol harm",
        "Crowded homes",
        "Poverty rank",
    ]
    assert [layer.id for layer in store.layers(PUBLIC, kind="services")] == ["clinics"]
    assert [layer.id for layer in store.layers(PUBLIC, theme="housing")] == ["crowded", "poverty-rank"]
    assert [layer.id for layer in store.layers(PUBLIC, partner="westshire")] == ["crowded"]
    assert store.layers(PUBLIC, theme="unknown") == ()


def test_the_public_learns_which_partner_published_but_not_who(store):
    store.publish(indicator(), by=WEST_ANALYST, checked_by="ada")
    assert store.layer("noise", PUBLIC).published_by == "westshire"
    assert store.layer("noise", EAST_VIEWER).published_by == "wes"
    assert [v.published_by for v in store.history("noise", PUBLIC)] == ["westshire"]
    assert [v.checked_by for v in store.history("noise", PUBLIC)] == [""]
    assert "wes" not in {layer.published_by for layer in store.layers(PUBLIC)}
    assert store.values("noise", "lsoa", PUBLIC).layer.published_by == "westshire"


# -- who may see what --------------------------------------------------------------------------------------------------

VIEWERS = {
    "public": PUBLIC,
    "a role without a name": Viewer("", "westshire", "admin"),
    "owner's analyst": WEST_ANALYST,
    "owner's viewer": WEST_VIEWER,
    "other analyst": EAST_ANALYST,
    "other viewer": EAST_VIEWER,
    "admin": ADMIN,
    "system": SYSTEM,
    "no partner": Viewer("nil", "", "viewer"),
    "unknown partner": Viewer("odd", "atlantis", "analyst"),
    "unknown role": Viewer("odd", "westshire", "wizard"),
    "signed in, public role": Viewer("odd", "westshire", "public"),
}
PARTNERS = {"owner's analyst", "owner's viewer", "other analyst", "other viewer", "admin", "system"}
MAY = {
    Audience.PUBLIC: set(VIEWERS),
    Audience.PARTNERS: PARTNERS,
    Audience.OWNER: {"owner's analyst", "owner's viewer", "admin", "system"},
}


def _reads(store, layer_id, viewer):
    """Every way to read a layer."""
    return {
        "layer": lambda: store.layer(layer_id, viewer),
        "version": lambda: store.layer(layer_id, viewer, version=1),
        "values": lambda: store.values(layer_id, "lsoa", viewer),
        "services": lambda: store.services(layer_id, viewer),
        "history": lambda: store.history(layer_id, viewer),
        "compare": lambda: store.compare(layer_id, 1, 1, "lsoa", viewer),
        "original": lambda: store.original(layer_id, viewer),
        "rollback": lambda: store.rollback(layer_id, to=1, by=viewer, reason="a reason"),
        "withdraw": lambda: store.withdraw(layer_id, by=viewer, reason="a reason"),
    }


@pytest.mark.parametrize("audience", list(Audience))
def test_every_viewer_sees_exactly_what_the_audience_allows(store, audience):
    store.publish(indicator("secret", title="Secret", audience=audience), by=WEST_ANALYST)
    for name, viewer in VIEWERS.items():
        allowed = name in MAY[audience]
        assert ("secret" in {layer.id for layer in store.layers(viewer)}) == allowed, name
        assert ("secret" in {layer.id for layer in store.layers(viewer, partner="westshire")}) == allowed, name
        if allowed:
            assert store.values("secret", "lsoa", viewer).arrays["value"][0] == 1.0, name
            assert len(store.history("secret", viewer)) == 1, name
            continue
        for read, of_it in _reads(store, "secret", viewer).items():
            of_none = _reads(store, "nobody", viewer)[read]
            with pytest.raises(NotFound) as hidden:
                of_it()
            with pytest.raises(NotFound) as missing:
                of_none()
            assert type(hidden.value) is type(missing.value) is NotFound, (name, read)
            assert str(hidden.value) == str(missing.value).replace("nobody", "secret"), (name, read)


def test_the_strictest_of_two_versions_decides(store):
    store.publish(indicator(first=1), by=WEST_ANALYST)
    store.publish(indicator(first=2, audience=Audience.OWNER), by=WEST_ANALYST)
    for version in (None, 1, 2):
        with pytest.raises(NotFound):
            store.layer("noise", EAST_VIEWER, version=version)  # it is the owner's now, its past too
    store.publish(indicator(first=3), by=WEST_ANALYST)
    assert store.layer("noise", EAST_VIEWER, version=1).version == 1
    with pytest.raises(NotFound, match="no version 2"):
        store.values("noise", "lsoa", EAST_VIEWER, version=2)  # public now does not open what was the owner's
    assert [v.version for v in store.history("noise", EAST_VIEWER)] == [3, 1]
    assert [v.version for v in store.history("noise", WEST_VIEWER)] == [3, 2, 1]


def test_the_original_is_for_those_who_may_change_the_layer(store):
    assert store.original("crowded", WEST_ANALYST).descriptor.id == "crowded"
    for viewer in (PUBLIC, WEST_VIEWER, EAST_ANALYST):
        with pytest.raises(NotPermitted):
            store.original("crowded", viewer)


def test_the_audit_trail_shows_analysts_their_own_and_admins_all(store):
    store.publish(indicator(audience=Audience.OWNER), by=WEST_ANALYST)
    store.publish(indicator("din", partner="eastshire"), by=EAST_ANALYST)
    assert {line.thing_id for line in store.audit(WEST_ANALYST)} == {"noise", "crowded"}
    assert {line.thing_id for line in store.audit(EAST_ANALYST)} == {"din"}
    assert len(store.audit(ADMIN)) == 6
    assert [line.seq for line in store.audit(ADMIN, before=3)] == [2, 1]
    assert store.audit(EAST_ANALYST, layer_id="noise") == ()
    for viewer in (PUBLIC, WEST_VIEWER):
        with pytest.raises(NotPermitted):
            store.audit(viewer)


# -- fresh -------------------------------------------------------------------------------------------------------------


def test_another_worker_serves_a_new_version_within_two_seconds(store, reopen, clock):
    other = reopen()
    assert other.layer("harm", PUBLIC).version == 1
    before = other.generation()
    store.publish(indicator("harm", first=7, partner="icb", title="Alcohol harm"), by=ADMIN)
    assert store.layer("harm", PUBLIC).version == 2  # the one that published knows at once
    assert other.layer("harm", PUBLIC).version == 1  # within the second, the other need not ask
    clock.on(seconds=1)
    assert other.layer("harm", PUBLIC).version == 2
    assert other.values("harm", "lsoa", PUBLIC).arrays["value"][0] == 7.0
    assert other.generation() > before
    store.withdraw("harm", by=ADMIN, reason="wrong")
    clock.on(seconds=1)
    with pytest.raises(Withdrawn):
        other.layer("harm", PUBLIC)


def test_reads_from_memory_ask_the_database_nothing(store, clock):
    store.values("harm", "lsoa", PUBLIC)
    asked = []
    sa.event.listen(store.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    for _ in range(5):
        store.values("harm", "lsoa", PUBLIC)
        store.layers(PUBLIC)
        store.generation()
    assert asked == []
    clock.on(seconds=1)
    store.values("harm", "lsoa", PUBLIC)
    assert len([text for text in asked if "SELECT" in text]) == 1  # the generation, and nothing else


def test_a_dated_version_comes_when_its_time_does_and_moves_the_generation(store, reopen, clock):
    store.publish(indicator(first=1), by=WEST_ANALYST)
    later = NOON + timedelta(hours=1)
    done = store.publish(indicator(first=2), by=WEST_ANALYST, at=later)
    assert (done.version, done.effective_at) == (2, later)
    other = reopen()
    before = other.generation()
    assert store.layer("noise", PUBLIC).version == other.layer("noise", PUBLIC).version == 1
    with pytest.raises(NotFound, match="no version 2"):
        store.layer("noise", EAST_VIEWER, version=2)
    assert store.layer("noise", WEST_ANALYST, version=2).version == 2  # its own analyst may look ahead
    assert [v.state for v in store.history("noise", WEST_ANALYST)] == ["scheduled", "current"]
    assert [v.version for v in store.history("noise", PUBLIC)] == [1]
    clock.at = later  # no tick: a snapshot of this very second knows of the date
    assert other.layer("noise", PUBLIC).version == 2
    assert other.generation() > before
    assert [v.state for v in store.history("noise", PUBLIC)] == ["current", "superseded"]


@pytest.mark.parametrize("late", [timedelta(0), timedelta(seconds=1), timedelta(days=400)])
def test_a_date_of_publishing_that_is_past_means_at_once(store, clock, late):
    """A past date would say that the figures were on show when they were not."""
    done = store.publish(indicator(first=2), by=WEST_ANALYST, at=NOON - late)
    assert done.published_at == done.effective_at == NOON
    version = store.history("noise", PUBLIC)[0]
    assert (version.state, version.published_at, version.effective_at) == ("current", NOON, NOON)
    assert store.layer("noise", PUBLIC).version == 1
    with store.engine.connect() as connection:
        for kept in (tables.versions, tables.pointers):
            asked = sa.select(kept.c.effective_at).where(kept.c.layer_id == "noise")
            assert connection.execute(asked).scalars().all() == [None]
    lines = [line for line in store.audit(ADMIN) if line.thing_id == "noise"]
    assert len(lines) == 1 and "effective_at" not in lines[0].detail
    # A second later it is a date, and is waited for.
    done = store.publish(indicator(first=3), by=WEST_ANALYST, at=NOON + timedelta(seconds=1))
    assert done.effective_at == NOON + timedelta(seconds=1) and store.layer("noise", PUBLIC).version == 1
    clock.on(seconds=1)
    assert store.layer("noise", PUBLIC).version == 2


def test_a_layer_whose_first_version_is_dated_is_not_there_yet(store, clock):
    store.publish(indicator(), by=WEST_ANALYST, at=NOON + timedelta(days=1))
    assert "noise" not in {layer.id for layer in store.layers(ADMIN)}
    with pytest.raises(NotFound):
        store.layer("noise", PUBLIC)
    with pytest.raises(NotFound):
        store.history("noise", EAST_ANALYST)
    assert [v.state for v in store.history("noise", WEST_ANALYST)] == ["scheduled"]
    assert store.layer("noise", WEST_ANALYST, version=1).version == 1
    clock.on(days=1)
    assert store.layer("noise", PUBLIC).version == 1


def test_a_clock_set_back_hides_nothing_that_was_published_at_once(store, reopen, clock):
    store.publish(indicator(first=1), by=WEST_ANALYST)
    clock.at = NOON - timedelta(days=400)
    store.publish(indicator(first=2), by=WEST_ANALYST)
    assert reopen().values("noise", "lsoa", PUBLIC).arrays["value"][0] == 2.0
    assert check_store(store) == []


def test_a_database_that_is_away_for_a_moment_is_bridged_from_memory(store, clock, monkeypatch):
    store.values("harm", "lsoa", PUBLIC)

    def away(*_args, **_more):
        raise sa.exc.OperationalError("SELECT", {}, Exception("connection refused"))

    monkeypatch.setattr(store.engine, "connect", away)
    clock.on(minutes=14)
    assert store.values("harm", "lsoa", PUBLIC).arrays["value"][1] == 10.0
    clock.on(minutes=2)
    with pytest.raises(StoreFault, match="could not be read"):
        store.values("harm", "lsoa", PUBLIC)


def test_many_threads_read_while_one_publishes(store, clock, quick):
    store.publish(indicator(first=1), by=WEST_ANALYST)
    wrong, stop = [], threading.Event()

    def read():
        while not stop.is_set():
            clock.ticked += 1  # ask the database every time
            try:
                values = store.values("noise", "lsoa", PUBLIC)
                # whichever version it is, it is that version throughout: T01 to T16 rise by one
                if (np.diff(values.arrays["value"]) != 1).any():
                    wrong.append(values)
            except Exception as error:
                wrong.append(error)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for first in range(2, 8):
        store.publish(indicator(first=first), by=WEST_ANALYST)
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert store.layer("noise", PUBLIC).version == 7


def test_memory_is_bounded_and_refills(store, reopen):
    small = reopen(cache_bytes=1500)  # one layer of sixteen areas takes some 800 bytes
    for _ in range(2):
        for layer_id in ("harm", "crowded", "poverty-rank"):
            for level in ("lsoa", "ward", "lad"):
                assert len(small.values(layer_id, level, PUBLIC).frame) in (16, 4, 2)
                assert small._decoded.currsize <= 1500
                assert small._decoded.currsize == sum(found.size for found in small._decoded.values())


def test_areas_that_came_later_are_missing_and_the_others_keep_their_values(store, url, region, clock):
    """The region gains an area in first place and loses T16; a version published before must not slip by one row."""
    lsoa = region.areas["lsoa"]
    new = lsoa.iloc[[0]].assign(code="T00", name="Square 00")
    changed = pd.concat([new, lsoa.iloc[:-1]], ignore_index=True)
    other = open_store(url, dataclasses.replace(region, areas=region.areas | {"lsoa": changed}), clock=clock.now)
    frame = other.values("harm", "lsoa", PUBLIC).frame.set_index("area_code")
    assert frame.loc["T00", "status"] == "missing"
    assert frame.loc["T02", "numerator"] == 2.0
    assert frame.loc["T15", "numerator"] == 15.0
    faults = check_store(other)
    assert faults
    assert {fault.severity for fault in faults} == {"warning"}
    other.close()


# -- damage ------------------------------------------------------------------------------------------------------------


def _blob(store, layer_id, part):
    with store.reading() as connection:
        found = sa.select(tables.contents.c.parquet).where(
            tables.contents.c.layer_id == layer_id, tables.contents.c.part == part
        )
        return bytes(connection.execute(found).scalar_one())


def test_history_cannot_be_changed_by_mistake(store):
    publish_briefing(store)  # a trigger for each row needs a row
    columns = {"contents": ("parquet", b"x"), "audit": ("action", "x"), "versions": ("note", "x")}
    columns |= {"briefings": ("partner", "x"), "briefing_versions": ("text", "x")}
    for table in tables.NEVER_CHANGED:
        with pytest.raises(sa.exc.DatabaseError, match="never changed"), store.engine.begin() as connection:
            connection.execute(sa.delete(table))
        column, value = columns.get(table.name, ("at", NOON))
        with pytest.raises(sa.exc.DatabaseError, match="never changed"), store.engine.begin() as connection:
            connection.execute(sa.update(table).values({column: value}))
    assert check_store(store) == []


def test_values_that_were_tampered_with_are_found_and_not_shown(store, reopen):
    sqlite = store.engine.dialect.name == "sqlite"
    other = _blob(store, "poverty-rank", "values").hex()
    literal = f"x'{other}'" if sqlite else f"decode('{other}', 'hex')"
    unguarded(store, f"UPDATE contents SET parquet = {literal} WHERE layer_id = 'harm' AND part = 'values'")
    faults = check_store(store)
    assert [str(fault) for fault in faults] == [
        "harm version 1: its values are not what was published (restore a backup; until then this is not shown)"
    ]
    with pytest.raises(StoreFault, match="damaged"):
        reopen().values("harm", "lsoa", PUBLIC)
    assert reopen().values("crowded", "lsoa", PUBLIC) is not None  # the rest goes on


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "UPDATE versions SET descriptor = REPLACE(descriptor, 'Alcohol harm', 'All is well')",
            "description is not what",
        ),
        ("UPDATE versions SET descriptor = '{' WHERE layer_id = 'harm'", "cannot be read"),
        ("UPDATE audit SET \"by\" = 'somebody' WHERE seq = 2", "line 2 was changed"),
        ("DELETE FROM contents WHERE layer_id = 'harm' AND part = 'table'", "its table are not there"),
        ("INSERT INTO layers VALUES ('ghost', 'indicator', '2026-01-01T00:00:00.000000Z', 'x')", "not 1, 2, 3"),
    ],
)
def test_check_finds_what_was_changed_behind_its_back(store, statement, told):
    assert check_store(store) == []
    unguarded(store, statement)
    assert any(told in str(fault) for fault in check_store(store)), check_store(store)


def test_check_finds_removed_audit_lines_and_versions(store, reopen):
    store.publish(indicator(), by=WEST_ANALYST)
    unguarded(
        store,
        "DELETE FROM pointers WHERE seq = 3",
        "DELETE FROM audit WHERE seq = 3",
    )
    told = " ".join(map(str, check_store(store)))
    assert "lines 3 to 3 are missing" in told
    assert "does not tell of it" in told


def test_check_finds_missing_guards(store):
    sqlite = store.engine.dialect.name == "sqlite"
    with store.engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.exec_driver_sql(
            "DROP TRIGGER audit_no_delete" if sqlite else "DROP TRIGGER audit_unchanged ON audit"
        )
    assert any("triggers" in str(fault) for fault in check_store(store))


def test_a_half_written_file_is_found(tmp_path, filled_file, region):
    file = tmp_path / "store.sqlite"
    whole = filled_file.read_bytes()
    half = bytearray(whole)
    half[len(half) // 2 :] = b"\0" * (len(half) - len(half) // 2)
    file.write_bytes(bytes(half))
    try:
        store = open_store(f"sqlite:///{file}", region)
    except (StoreFault, Refused):
        return  # refused at the door is as good
    try:
        assert check_store(store)
    except StoreFault as error:
        assert "read" in str(error)
    finally:
        store.close()


def test_a_backup_taken_while_publishing_restores(tmp_path, filled_file, region, clock):
    """SQLite's own backup, taken with a publish half done, holds the state before it."""
    import sqlite3

    file, copy = tmp_path / "store.sqlite", tmp_path / "copy.sqlite"
    shutil.copy(filled_file, file)
    store = open_store(f"sqlite:///{file}", region, clock=clock.now)
    with pytest.raises(RuntimeError), store.writing() as connection:
        connection.execute(sa.insert(tables.layers).values(id="half", kind="indicator", made_at=NOON, made_by="x"))
        with sqlite3.connect(file) as source, sqlite3.connect(copy) as target:
            source.backup(target)
        raise RuntimeError("the publish stops here")
    store.close()
    restored = open_store(f"sqlite:///{copy}", region, clock=clock.now)
    assert check_store(restored) == []
    assert len(restored.layers(PUBLIC)) == 4
    restored.close()
