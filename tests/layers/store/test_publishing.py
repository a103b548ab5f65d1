"""Publishing, rolling back and withdrawing: who may, what changes, and that nothing is ever half done."""

from __future__ import annotations

import dataclasses
import os
import random
import signal
from contextlib import contextmanager
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.descriptor import descriptor_of_dict
from layers.fields import VALUES
from layers.model import PUBLIC, SYSTEM, Audience, Disclosure, Measure, NotFound, Refused, Viewer
from layers.store import preparing, refresh, tables
from layers.store.blobs import decode_values, encode_table, encode_values, parts_of
from layers.store.database import make_engine
from layers.store.integrity import check as check_store
from layers.store.layers import Layers, Submission
from layers.store.records import NotPermitted, StoreFault, Withdrawn, descriptor_as_dict
from layers.store.store import open_store
from layers.store.versioned import Pointer, standing
from tests.layers.store_fixtures import (
    ADMIN,
    CODES,
    EAST_ANALYST,
    EAST_VIEWER,
    NOON,
    WEST_ANALYST,
    WEST_VIEWER,
    indicator,
    sites,
    unguarded,
)


def everything(store):
    """All rows of the tables that never change, and which version each layer shows: what 'old' or 'new' means here."""
    with store.reading() as connection:
        rows = {t.name: [tuple(r) for r in connection.execute(sa.select(t))] for t in tables.NEVER_CHANGED}
        rows["layers"] = [tuple(r) for r in connection.execute(sa.select(tables.layers))]
        rows["generation"] = connection.execute(sa.select(tables.meta.c.generation)).scalar_one()
    return {name: sorted(found, key=repr) if isinstance(found, list) else found for name, found in rows.items()}


# -- who may -----------------------------------------------------------------------------------------------------------


def test_an_analyst_publishes_for_their_own_partner_and_an_admin_for_any(store):
    assert store.publish(indicator(), by=WEST_ANALYST, note="First go").version == 1
    assert store.publish(indicator(first=2), by=ADMIN).version == 2
    layer = store.layer("noise", EAST_VIEWER)
    assert (layer.version, layer.published_by, layer.published_at) == (2, "ada", NOON)
    assert store.layer("noise", EAST_VIEWER, version=1).note == "First go"


@pytest.mark.parametrize(
    ("viewer", "told"),
    [
        (PUBLIC, "Sign in"),
        (Viewer("", "westshire", "admin"), "Sign in"),
        (WEST_VIEWER, "is a viewer"),
        (EAST_ANALYST, "of 'eastshire' only"),
        (Viewer("odd", "", "analyst"), "only"),
        (Viewer("odd", "westshire", "wizard"), "is a wizard"),
    ],
)
def test_nobody_else_may_publish(store, viewer, told):
    before = everything(store)
    with pytest.raises(NotPermitted, match=told):
        store.publish(indicator(), by=viewer)
    after = everything(store)
    assert after | {"audit": before["audit"]} == before
    lines = [line for line in store.audit(ADMIN) if line.action == "publish-refused"]
    assert len(lines) == (1 if viewer.signed_in else 0)  # a stranger cannot fill the trail


def test_a_layer_cannot_be_taken_over(store):
    store.publish(indicator(audience=Audience.OWNER), by=WEST_ANALYST)
    with pytest.raises(NotPermitted, match="taken by another partner") as hidden:
        store.publish(indicator(partner="eastshire"), by=EAST_ANALYST)
    assert "westshire" not in str(hidden.value)  # who has it is not theirs to know
    store.publish(indicator(partner="eastshire"), by=ADMIN)  # an admin may hand it over ...
    with pytest.raises(NotPermitted, match="taken by another partner"):
        store.publish(indicator(), by=WEST_ANALYST)  # ... and then it is gone from the first
    with pytest.raises(NotPermitted, match="Version 1 of"):
        store.rollback("noise", to=1, by=EAST_ANALYST, reason="try to hand it back")


def test_only_the_owner_rolls_back_and_withdraws(store):
    store.publish(indicator(first=1), by=WEST_ANALYST)
    store.publish(indicator(first=2), by=WEST_ANALYST)
    for viewer in (PUBLIC, WEST_VIEWER, EAST_ANALYST):
        with pytest.raises(NotPermitted):
            store.rollback("noise", to=1, by=viewer, reason="because")
        with pytest.raises(NotPermitted):
            store.withdraw("noise", by=viewer, reason="because")
    assert store.layer("noise", PUBLIC).version == 2


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("package", "told"),
    [
        (indicator(partner="atlantis"), "'atlantis' is not one of the region's"),
        (indicator(themes=("weather",)), "none of its themes"),
        (indicator("clinics"), "published as services"),
        (sites(rows=[("x", "Far off", 100_000.0, 100_000.0)]), "within 2 km"),
    ],
)
def test_packages_that_do_not_belong_are_refused(store, package, told):
    before = everything(store)
    with pytest.raises(Refused) as refused:
        store.publish(package, by=ADMIN)
    assert told in str(refused.value)
    after = everything(store)
    assert after | {"audit": before["audit"]} == before
    assert store.audit(ADMIN)[0].action == "publish-refused"
    assert check_store(store) == []


def test_a_theme_that_is_not_the_regions_is_a_warning_beside_one_that_is(store):
    done = store.publish(indicator(themes=("housing", "weather")), by=WEST_ANALYST)
    assert [fault.rule for fault in done.warnings] == ["unknown-theme"]


def test_an_id_that_exists_and_a_version_that_was_overtaken_are_refused(store):
    store.publish(indicator(), by=WEST_ANALYST, replace_ok=False, expecting=0)
    with pytest.raises(Refused, match="not published") as refused:
        store.publish(indicator(), by=WEST_ANALYST, replace_ok=False)
    assert "already a layer" in str(refused.value)
    store.publish(indicator(first=2), by=WEST_ANALYST, expecting=1)
    with pytest.raises(Refused) as refused:
        store.publish(indicator(first=3), by=WEST_ANALYST, expecting=1)
    assert "version 2 was published meanwhile" in str(refused.value)


def test_a_date_without_a_time_zone_and_a_strange_review_date_are_refused(store):
    with pytest.raises(Refused, match="not clear"):
        store.publish(indicator(), by=WEST_ANALYST, at=datetime(2027, 1, 1))
    with pytest.raises(Refused, match="review date"):
        store.publish(indicator(), by=WEST_ANALYST, review_on="next spring")
    store.publish(indicator(), by=WEST_ANALYST, review_on="2027-03-31", checked_by="ada")
    version = store.history("noise", WEST_VIEWER)[0]
    assert (version.review_on, version.checked_by, version.checked_at) == ("2027-03-31", "ada", NOON)


@pytest.mark.parametrize("by", [WEST_ANALYST, ADMIN])
def test_a_roll_back_and_a_withdrawal_need_a_reason(store, by):
    store.publish(indicator(), by=WEST_ANALYST)
    store.publish(indicator(first=2), by=WEST_ANALYST)
    with pytest.raises(Refused, match="without a reason"):
        store.rollback("noise", to=1, by=by, reason="  ")
    with pytest.raises(Refused, match="without a reason"):
        store.withdraw("noise", by=by, reason="")


def _frame(region, **columns):
    frame = pd.DataFrame({"area_code": region.areas["lsoa"]["code"]})
    for name in VALUES[1:-1]:
        frame[name] = columns.get(name, np.nan)
    frame["status"] = columns.get("status", "ok")
    return frame


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"value": 1.0, "status": "suppressed"}, "carry numbers although"),
        ({"numerator": 3.0, "status": "suppressed"}, "carry numbers although"),
        ({"upper": 3.0, "status": "missing"}, "carry numbers although"),
        ({"status": "ok"}, "no value"),
        ({"value": np.inf}, "infinite"),
        ({"value": 1.0, "status": "fine"}, "unknown status"),
        ({"value": "high"}, "not a number"),
    ],
)
def test_unsound_values_are_stopped_at_the_last_gate(region, columns, told):
    faults = preparing._unsound(_frame(region, **columns), "lsoa", "2025", region)
    assert told in " ".join(map(str, faults))


def test_values_out_of_area_order_are_stopped_at_the_last_gate(region):
    good = _frame(region, value=1.0)
    assert preparing._unsound(good, "lsoa", "2025", region) == []
    assert preparing._unsound(good.iloc[::-1], "lsoa", "2025", region)
    assert preparing._unsound(good.iloc[:-1], "lsoa", "2025", region)
    assert preparing._unsound(good[list(VALUES)[::-1]], "lsoa", "2025", region)


def test_a_crash_in_disclosure_control_publishes_nothing(store, monkeypatch):
    def crash(*_):
        raise ZeroDivisionError("in the middle of it")

    before = everything(store)
    monkeypatch.setattr(preparing, "protect", crash)
    with pytest.raises(ZeroDivisionError):
        store.publish(indicator(), by=WEST_ANALYST)
    assert everything(store) == before


def test_small_numbers_never_reach_the_database(store):
    """Counts of 1 to 7 people are withheld: T01 to T07 hold 1 to 7."""
    package = indicator(measure=Measure.COUNT, counts_people=True, disclosure=Disclosure(8), unit="people")
    store.publish(package, by=WEST_ANALYST)
    values = store.values("noise", "lsoa", ADMIN)
    assert values.frame["status"].tolist() == ["suppressed"] * 7 + ["ok"] * 9
    assert np.isnan(values.arrays["value"][:7]).all()
    kept = store.original("noise", ADMIN).table.set_index("area_code")
    assert kept.loc["T01":"T07", "value"].isna().all()
    assert package.table["value"].tolist() == [float(i) for i in range(1, 17)]  # the caller's own is untouched


# -- versions ----------------------------------------------------------------------------------------------------------


def test_versions_never_change_and_the_pointer_moves(store):
    store.publish(indicator(first=1), by=WEST_ANALYST)
    store.publish(indicator(first=2), by=WEST_ANALYST)
    before = everything(store)
    store.rollback("noise", to=1, by=WEST_ANALYST, reason="The file was last year's.")
    assert store.layer("noise", PUBLIC).version == 1
    assert store.values("noise", "lsoa", PUBLIC).arrays["value"][0] == 1.0
    after = everything(store)
    for table in ("versions", "contents"):
        assert after[table] == before[table]
    line = store.audit(WEST_ANALYST)[0]
    assert (line.action, line.version, line.detail["from"]) == ("rollback", 1, 2)
    assert [v.state for v in store.history("noise", WEST_ANALYST)] == ["rolled-back", "current"]
    with pytest.raises(NotFound, match="no version 2"):
        store.layer("noise", EAST_VIEWER, version=2)  # it may have been taken back because it disclosed something
    assert store.layer("noise", WEST_ANALYST, version=2).version == 2
    assert store.publish(indicator(first=3), by=WEST_ANALYST).version == 3  # a number is never used twice
    store.rollback("noise", to=2, by=WEST_ANALYST, reason="It was right after all.")
    assert store.layer("noise", EAST_VIEWER).version == 2
    assert check_store(store) == []


def test_a_withdrawn_layer_explains_itself_to_those_who_could_have_seen_it(store):
    store.publish(indicator(audience=Audience.PARTNERS), by=WEST_ANALYST)
    store.withdraw("noise", by=WEST_ANALYST, reason="The licence does not allow it.")
    for viewer in (EAST_VIEWER, WEST_ANALYST, ADMIN):
        assert "noise" not in {layer.id for layer in store.layers(viewer)}
        with pytest.raises(Withdrawn, match="on 1 June 2026: The licence does not allow it") as gone:
            store.values("noise", "lsoa", viewer)
        assert gone.value.title == "Noise"
    with pytest.raises(Withdrawn):
        store.layer("noise", EAST_VIEWER, version=1)
    with pytest.raises(Withdrawn):
        store.history("noise", EAST_VIEWER)
    with pytest.raises(NotFound) as hidden:
        store.values("noise", "lsoa", PUBLIC)
    assert type(hidden.value) is NotFound
    assert str(hidden.value) == "There is no layer 'noise'."
    assert [v.state for v in store.history("noise", WEST_ANALYST)] == ["withdrawn"]
    assert store.layer("noise", WEST_ANALYST, version=1).version == 1
    with pytest.raises(Refused, match="not withdrawn"):
        store.withdraw("noise", by=WEST_ANALYST, reason="again")
    store.publish(indicator(first=2, audience=Audience.PARTNERS), by=WEST_ANALYST)
    assert store.layer("noise", EAST_VIEWER).version == 2
    with pytest.raises(NotFound, match="no version 1"):
        store.layer("noise", EAST_VIEWER, version=1)  # what was withdrawn stays away
    assert check_store(store) == []


def test_a_roll_back_also_brings_a_withdrawn_layer_back(store):
    store.publish(indicator(), by=WEST_ANALYST)
    store.withdraw("noise", by=WEST_ANALYST, reason="A doubt.")
    store.rollback("noise", to=1, by=WEST_ANALYST, reason="The doubt is settled.")
    assert store.layer("noise", PUBLIC).version == 1


@pytest.mark.parametrize("act", ["rollback", "withdraw"])
def test_the_last_word_cancels_what_still_waits_for_its_date(store, clock, act):
    store.publish(indicator(first=1), by=WEST_ANALYST)
    store.publish(indicator(first=2), by=WEST_ANALYST, at=NOON + timedelta(days=1))
    if act == "rollback":
        store.rollback("noise", to=1, by=WEST_ANALYST, reason="Not tomorrow.")
    else:
        store.withdraw("noise", by=WEST_ANALYST, reason="Not at all.")
    clock.on(days=2)
    assert store.history("noise", WEST_ANALYST)[0].state == "cancelled"
    if act == "rollback":
        assert store.layer("noise", PUBLIC).version == 1
    else:
        with pytest.raises(Withdrawn):
            store.layer("noise", PUBLIC)
    with pytest.raises(Refused, match="not rolled back") as refused:
        store.rollback("noise", to=2, by=WEST_ANALYST, reason="Then show it.")
    assert "never shown" in str(refused.value)


def test_a_correction_now_does_not_cancel_a_planned_release(store, clock):
    store.publish(indicator(first=1), by=WEST_ANALYST)
    store.publish(indicator(first=2), by=WEST_ANALYST, at=NOON + timedelta(days=1))
    store.publish(indicator(first=3), by=WEST_ANALYST)
    assert store.layer("noise", PUBLIC).version == 3
    clock.on(days=1)
    assert store.layer("noise", PUBLIC).version == 2
    store.publish(indicator(first=4), by=WEST_ANALYST)
    assert store.layer("noise", PUBLIC).version == 4


def test_rolling_back_to_what_is_not_there(store):
    for to in (0, 2, -1):
        with pytest.raises(NotFound, match=f"no version {to}"):
            store.rollback("harm", to=to, by=ADMIN, reason="because")
    with pytest.raises(Refused, match="not rolled back"):
        store.rollback("harm", to=1, by=ADMIN, reason="because")
    with pytest.raises(NotFound, match="no layer 'nothing'"):
        store.rollback("nothing", to=1, by=ADMIN, reason="because")


def test_what_changed_is_counted_and_the_largest_moves_are_named(store):
    store.publish(indicator(), by=WEST_ANALYST)  # T01 to T16: 1 to 16
    package = indicator()
    package.table.loc[[0, 4], "value"] = [4.0, 0.0]  # T01: 1 -> 4, a move of 3; T05: 5 -> 0, a move of 5
    package.table.loc[15, ["value", "status"]] = [np.nan, "missing"]  # T16 is lost
    done = store.publish(package, by=WEST_ANALYST)
    assert done.changes == {
        "against": 1,
        "periods_added": [],
        "periods_gone": [],
        "level": "lsoa",
        "period": "2025",
        "areas_changed": 2,
        "areas_gained": 0,
        "areas_lost": 1,
        "largest": [
            {"area_code": "T05", "before": 5.0, "after": 0.0},
            {"area_code": "T01", "before": 1.0, "after": 4.0},
        ],
    }
    assert store.history("noise", PUBLIC)[0].changes == done.changes
    side = store.compare("noise", 1, 2, "lsoa", PUBLIC).set_index("area_code")
    assert side.loc["T05", ["before", "after", "change"]].tolist() == [5.0, 0.0, -5.0]
    assert side.loc["T16", "status_after"] == "missing"
    assert side["change"].fillna(0).sum() == 3 - 5
    assert side.index.tolist() == CODES


def test_what_changed_in_a_list_of_services(store):
    store.publish(sites(), by=WEST_ANALYST)
    rows = [("S1", "First shop", 420_500.0, 561_500.0), ("S3", "Third shop", 421_500.0, 560_500.0)]
    done = store.publish(sites(rows=rows), by=WEST_ANALYST)
    assert done.changes == {
        "against": 1,
        "sites_added": 1,
        "sites_gone": 1,
        "sites_moved": 1,
        "added": ["Third shop"],
        "gone": ["Second shop"],
    }


@pytest.mark.parametrize("act", ["withdraw", "rollback"])
def test_what_is_taken_back_while_a_period_is_added_to_it_does_not_come_back(store, monkeypatch, act):
    """A large file takes seconds to prepare; the figures that somebody withdraws in these are not in what is published then."""
    from layers.store import preparing

    store.publish(indicator(first=1, period="2022"), by=WEST_ANALYST)
    store.publish(indicator(first=3, period="2023"), by=WEST_ANALYST)
    prepare = preparing.prepare

    def withdraw_meanwhile(package, region, *beside):
        if act == "withdraw":
            store.withdraw("noise", by=WEST_ANALYST, reason="People can be recognised.")
        else:
            store.rollback("noise", to=1, by=WEST_ANALYST, reason="People can be recognised.")
        return prepare(package, region, *beside)

    monkeypatch.setattr(preparing, "prepare", withdraw_meanwhile)
    with pytest.raises(Refused, match="not published") as caught:
        store.publish(indicator(first=5, period="2024"), by=WEST_ANALYST, append=True, expecting=2)
    assert [fault.rule for fault in caught.value.faults] == ["overtaken"]
    assert len(store.history("noise", WEST_ANALYST)) == 2


def test_a_new_period_is_appended_to_those_before(store):
    store.publish(indicator(first=1, period="2023"), by=WEST_ANALYST)
    done = store.publish(indicator(first=5, period="2024"), by=WEST_ANALYST, append=True)
    assert done.changes["periods_added"] == ["2024"]
    assert store.layer("noise", PUBLIC).periods == ("2023", "2024")
    assert store.values("noise", "lsoa", PUBLIC, period="2023").arrays["value"][0] == 1.0
    assert store.values("noise", "lsoa", PUBLIC).arrays["value"][0] == 5.0
    store.publish(indicator(first=9, period="2024"), by=WEST_ANALYST, append=True)  # a correction of the newest
    assert store.layer("noise", PUBLIC).periods == ("2023", "2024")
    assert store.values("noise", "lsoa", PUBLIC).arrays["value"][0] == 9.0
    with pytest.raises(Refused, match="would not compare"):
        store.publish(indicator(period="2025", vintage=2011), by=WEST_ANALYST, append=True)
    with pytest.raises(Refused, match="nothing to append"):
        store.publish(indicator("new"), by=WEST_ANALYST, append=True)
    with pytest.raises(Refused, match="nothing to append"):
        store.publish(sites(), by=WEST_ANALYST, append=True)


def test_the_audit_trail_tells_everything(store):
    store.publish(indicator(), by=WEST_ANALYST, note="First go")
    store.publish(indicator(first=2), by=WEST_ANALYST)
    store.rollback("noise", to=1, by=ADMIN, reason="Wrong file.")
    store.withdraw("noise", by=WEST_ANALYST, reason="All wrong.")
    store.note("upload-refused", by=WEST_ANALYST, layer_id="noise", detail={"why": "a zip bomb"})
    lines = store.audit(ADMIN, layer_id="noise")[::-1]
    assert [(line.action, line.by, line.version) for line in lines] == [
        ("publish", "wes", 1),
        ("publish", "wes", 2),
        ("rollback", "ada", 1),
        ("withdraw", "wes", None),
        ("upload-refused", "wes", None),
    ]
    assert lines[0].detail["note"] == "First go"
    assert lines[2].detail["reason"] == "Wrong file."
    assert [line.seq for line in store.audit(ADMIN)] == list(
        range(9, 0, -1)
    )  # 4 of the fill and these 5, without a hole
    assert check_store(store) == []


# -- which version is shown: the rules, played on paper ----------------------------------------------------------------


def _pointer(seq, action, version, at, effective=None):
    moment = NOON + timedelta(hours=at)
    return Pointer(seq, action, version, moment, None if effective is None else NOON + timedelta(hours=effective))


@st.composite
def decisions(draw):
    """A plausible life of one layer: only versions that were shown are rolled back to, nothing is withdrawn twice."""
    made, hour, newest = [], 0, 0
    for seq in range(1, draw(st.integers(1, 12)) + 1):
        hour += draw(st.integers(0, 3))
        now = standing(made, NOON + timedelta(hours=hour))
        shown = sorted(set(now.open) | {v for v, why in now.retracted.items() if why != "cancelled"})
        action = draw(st.sampled_from(["publish", "dated", "rollback", "withdraw"]))
        if action == "rollback" and shown:
            made.append(_pointer(seq, "rollback", draw(st.sampled_from(shown)), hour))
        elif action == "withdraw" and now.current:
            made.append(_pointer(seq, "withdraw", None, hour))
        else:
            newest += 1
            made.append(
                _pointer(seq, "publish", newest, hour, hour + draw(st.integers(1, 5)) if action == "dated" else None)
            )
    return made, hour


def _by_the_hour(made, until):
    """The same rules, the slow way: live through every hour and do what happens in it."""
    shown, waiting = None, []
    for hour in range(until + 1):
        for pointer in list(waiting):  # first the dates that come up, in the order in which they were set ...
            if pointer.effective_at == NOON + timedelta(hours=hour):
                shown = pointer.version
                waiting.remove(pointer)
        for pointer in made:  # ... then what people decide in this hour
            if pointer.at == NOON + timedelta(hours=hour):
                if pointer.effective_at is not None:
                    waiting.append(pointer)
                    continue
                if pointer.action in ("rollback", "withdraw"):
                    waiting = []
                shown = pointer.version
    return shown


@settings(deadline=None)
@given(decisions(), st.integers(0, 8))
def test_standing_agrees_with_living_through_it(life, more):
    made, last = life
    stands = standing(made, NOON + timedelta(hours=last + more))
    assert stands.current == _by_the_hour(made, last + more)
    assert (stands.current is None) == (stands.withdrawn is not None or not stands.last)
    assert stands.current is None or stands.current in stands.open
    assert not (stands.open & set(stands.retracted))
    assert standing(reversed(made), NOON + timedelta(hours=last + more)) == stands


# -- blobs -------------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=False), min_size=0, max_size=40),
    st.lists(st.text("abc é/24-", max_size=8), min_size=1, max_size=3, unique=True),
)
def test_values_survive_the_blob_to_the_last_bit(numbers, periods):
    frame = pd.DataFrame({"area_code": [f"E01{i:06d}" for i in range(len(numbers))]}, dtype="str")
    for name in VALUES[1:-1]:
        frame[name] = np.asarray(numbers, dtype=float)
    frame["status"] = pd.Series(["ok", "missing", "suppressed", "converted"] * 10, dtype="str").iloc[: len(frame)]
    parts = {("lsoa", period): frame for period in periods}
    blob = encode_values(parts, {("lsoa", periods[0]): {"E01000000": "Why not."}})
    assert parts_of(blob) == list(parts)
    for period in periods:
        part = decode_values(blob, "lsoa", period)
        assert part.area_code.to_pylist() == frame["area_code"].tolist()
        assert part.arrays["value"].tobytes() == np.asarray(numbers, dtype=float).tobytes()
        assert part.why == ({"E01000000": "Why not."} if period == periods[0] else {})
    with pytest.raises(KeyError):
        decode_values(blob, "ward", periods[0])
    assert encode_values(parts) == encode_values(parts)  # the same numbers, the same hash


def test_a_column_of_mixed_kinds_is_kept_as_text():
    from layers.store.blobs import decode_table

    table = pd.DataFrame({"x": pd.Series([1, "two", None, date(2026, 1, 2)], dtype=object), "y": [1.5, 2, 3, 4]})
    back = decode_table(encode_table(table))
    assert back["x"].tolist()[:2] == ["1", "two"]
    assert pd.isna(back["x"][2])
    assert back["x"][3] == "2026-01-02"
    assert back["y"].tolist() == [1.5, 2, 3, 4]


def test_descriptors_survive_the_store(store, region):
    from layers.reading.package import read_package

    for folder in sorted((region.path / "layers").iterdir()):
        descriptor = read_package(folder).descriptor
        assert store.layer(descriptor.id, PUBLIC).descriptor == descriptor
        assert list(store.layer(descriptor.id, PUBLIC).descriptor.columns) == list(descriptor.columns)


def test_an_unknown_audience_in_the_store_fails_rather_than_opens():
    stored = descriptor_as_dict(indicator().descriptor)
    assert descriptor_of_dict(stored | {"new_field_of_a_later_version": 1}) == indicator().descriptor
    with pytest.raises(ValueError, match="everybody"):
        descriptor_of_dict(stored | {"audience": "everybody"})
    with pytest.raises(KeyError):
        descriptor_of_dict({k: v for k, v in stored.items() if k != "audience"})


# -- all or nothing ----------------------------------------------------------------------------------------------------


class Fault(RuntimeError):
    pass


@contextmanager
def fault_at(engine, step, act=None):
    """Fail at the ``step``-th statement (1 is the first), or at the commit that follows the last. Yields the count."""
    seen = []

    def statement(_connection, _cursor, text, *_rest):
        seen.append(text)
        if len(seen) == step:
            act() if act else _raise()

    def commit(_connection):
        seen.append("COMMIT")
        if len(seen) == step:
            act() if act else _raise()

    def _raise():
        raise Fault(f"at step {step}")

    sa.event.listen(engine, "before_cursor_execute", statement)
    sa.event.listen(engine, "commit", commit)
    try:
        yield seen
    finally:
        sa.event.remove(engine, "before_cursor_execute", statement)
        sa.event.remove(engine, "commit", commit)


ACTS = {
    "a first version": lambda store: store.publish(indicator("brand-new"), by=WEST_ANALYST),
    "a next version": lambda store: store.publish(indicator(first=5), by=WEST_ANALYST),
    "a dated version": lambda store: store.publish(indicator(first=6), by=WEST_ANALYST, at=NOON + timedelta(days=1)),
    "services": lambda store: store.publish(sites(), by=WEST_ANALYST),
    "a roll back": lambda store: store.rollback("noise", to=1, by=WEST_ANALYST, reason="because"),
    "a withdrawal": lambda store: store.withdraw("noise", by=WEST_ANALYST, reason="because"),
}


@pytest.mark.parametrize("act", list(ACTS))
def test_a_fault_at_any_step_changes_nothing(store, reopen, act):
    store.publish(indicator(first=1), by=WEST_ANALYST)
    store.publish(indicator(first=2), by=WEST_ANALYST)
    before, shown = everything(store), {layer.id: layer.version for layer in store.layers(ADMIN)}
    step = 0
    while True:
        step += 1
        with fault_at(store.engine, step) as seen:
            try:
                ACTS[act](store)
            except Fault:
                assert everything(store) == before, f"step {step}: {seen[-1]}"
                continue
        # The first step whose fault came too late to matter: everything was committed, whatever happened after it.
        break
    assert step > 8
    assert "COMMIT" in seen
    assert everything(store) != before
    assert check_store(store) == []
    other = reopen()
    assert {layer.id: layer.version for layer in other.layers(ADMIN)} == {
        layer.id: layer.version for layer in store.layers(ADMIN)
    }
    assert shown is not None


def test_a_fault_at_any_step_of_the_first_fill_leaves_no_store_at_all(url, region, clock, quick, monkeypatch):
    from layers.reading.package import read_package

    packages = {folder: read_package(folder) for folder in (region.path / "layers").iterdir()}
    monkeypatch.setattr(refresh, "read_package", packages.__getitem__)
    faults = 0
    for step in range(1, 1000):
        try:
            with fault_at(sa.Engine, step):
                store = open_store(url, region, clock=clock.now)
        except Fault:
            faults += 1
            engine = make_engine(url)
            assert sa.inspect(engine).get_table_names() == [], f"step {step}"
            engine.dispose()
            continue
        assert check_store(store) == []
        assert len(store.layers(PUBLIC)) == 4
        store.close()
        break
    assert faults > 50


def test_a_full_disk_changes_nothing_and_says_what_to_do(tmp_path, filled_file, region, clock):
    import shutil

    file = tmp_path / "store.sqlite"
    shutil.copy(filled_file, file)
    store = open_store(f"sqlite:///{file}", region, clock=clock.now)
    before = everything(store)
    with store.engine.connect() as connection:  # the one connection of the pool, which the publish will get
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 8}")
    noise = random.Random(1).randbytes(200_000).hex()
    with pytest.raises(StoreFault, match="nothing was changed") as full:
        store.publish(indicator(description=noise), by=WEST_ANALYST)
    assert "free some space" in str(full.value)
    with store.engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 100_000}")
    after = everything(store)
    assert after | {"audit": before["audit"]} == before
    assert check_store(store) == []
    store.publish(indicator(description=noise), by=WEST_ANALYST)
    assert store.layer("noise", PUBLIC).version == 1
    store.close()


# -- killed, and two at once -------------------------------------------------------------------------------------------


def forked(work):
    """Run ``work()`` in a child process; returns its pid. The child ends without running anything of the tests' own."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)


def _kill():
    os.kill(os.getpid(), signal.SIGKILL)


def test_kill_9_at_any_step_leaves_the_old_state_or_the_new(store, reopen, region, url, clock, quick):
    package = indicator(first=2)
    store.publish(indicator(first=1), by=WEST_ANALYST)
    preparing.prepare(package, region)  # once, here, and not in every child
    killed, versions = 0, 1
    for step in range(1, 100):
        before = everything(store)

        def child(step=step):
            mine = open_store(url, region, clock=clock.now, fill=False)
            with fault_at(mine.engine, step, act=_kill):
                mine.publish(package, by=WEST_ANALYST)

        _, status = os.waitpid(forked(child), 0)
        assert check_store(store) == [], f"step {step}"
        after = everything(store)
        if os.WIFSIGNALED(status):
            killed += 1
            committed = after != before
            assert len(after["versions"]) == len(before["versions"]) + committed
            versions += committed
            continue
        assert status == 0
        versions += 1
        break
    assert killed > 8
    clock.on(seconds=2)
    assert store.layer("noise", PUBLIC).version == versions
    assert store.values("noise", "lsoa", PUBLIC).arrays["value"][0] == 2.0


def test_kill_9_at_random_moments_loses_nothing_that_was_reported_as_done(store, region, url, clock, quick):
    package = indicator()
    preparing.prepare(package, region)
    chance, reported = random.Random(20260601), 0
    for _ in range(6):
        read, write = os.pipe()

        def child(write=write):
            mine = open_store(url, region, clock=clock.now, fill=False)
            while True:
                done = mine.publish(package, by=WEST_ANALYST)
                os.write(write, done.version.to_bytes(4, "big"))

        pid = forked(child)
        os.close(write)
        for _ in range(chance.randint(1, 8)):
            reported = int.from_bytes(os.read(read, 4), "big")
        for _ in range(chance.randint(0, 200_000)):  # some way into the next one
            pass
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        while rest := os.read(read, 4):
            reported = int.from_bytes(rest, "big")
        os.close(read)
        assert check_store(store) == []
        clock.on(seconds=2)
        assert store.layer("noise", PUBLIC).version in (
            reported,
            reported + 1,
        )  # the last may be done, but not yet told


def test_processes_that_publish_at_once_take_turns(store, region, url, clock, quick):
    mine, theirs = indicator(first=1), indicator("din", partner="eastshire")
    shared = indicator(first=3)
    for package in (mine, theirs, shared):
        preparing.prepare(package, region)

    def child(package, by):
        def work():
            own = open_store(url, region, clock=clock.now)
            for _ in range(5):
                own.publish(package, by=by)

        return work

    pids = [forked(child(mine, WEST_ANALYST)), forked(child(shared, WEST_ANALYST)), forked(child(theirs, EAST_ANALYST))]
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0, 0, 0]
    clock.on(seconds=2)
    assert check_store(store) == []
    assert [v.version for v in store.history("noise", ADMIN)] == list(range(10, 0, -1))
    assert [v.version for v in store.history("din", ADMIN)] == list(range(5, 0, -1))


def test_two_workers_that_start_on_an_empty_database_fill_it_once(url, region, clock):
    def work():
        assert len(open_store(url, region, clock=clock.now).layers(PUBLIC)) == 4

    pids = [forked(work) for _ in range(3)]
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0, 0, 0]
    store = open_store(url, region, clock=clock.now)
    assert {layer.version for layer in store.layers(PUBLIC)} == {1}
    assert len(store.audit(SYSTEM)) == 4
    assert check_store(store) == []
    store.close()


def test_a_store_opened_before_a_fork_works_on_both_sides_of_it(store, clock, quick):
    """As gunicorn does with --preload."""
    store.values("harm", "lsoa", PUBLIC)

    def work():
        assert store.values("harm", "ward", PUBLIC).arrays["value"][0] == 10.0
        store.publish(indicator(), by=WEST_ANALYST)

    _, status = os.waitpid(forked(work), 0)
    assert status == 0
    clock.on(seconds=2)
    assert store.layer("noise", PUBLIC).version == 1
    assert check_store(store) == []


def test_the_guards_are_back_after_vandalism(store):
    unguarded(store)
    assert check_store(store) == []
    assert dataclasses.is_dataclass(store.layer("harm", PUBLIC))


# -- several at once, and back to the pack -----------------------------------------------------------------------------


def test_several_layers_are_one_transaction(store):
    before = store.audit(ADMIN)[0].seq
    done = store.publish_all(
        [
            Submission(indicator("one")),
            Submission(indicator("two", first=5), checks={"rows": 16}),
        ],
        by=WEST_ANALYST,
        note="Both of one file.",
    )
    assert [(one.layer_id, one.version) for one in done] == [("one", 1), ("two", 1)]
    assert done[0].published_at == done[1].published_at
    assert store.history("two", WEST_ANALYST)[0].report["checks"] == {"rows": 16}
    assert [line.seq - before for line in reversed(store.audit(ADMIN)[:2])] == [1, 2]


@pytest.mark.parametrize("bad", ["second", "first"])
def test_one_refused_layer_keeps_the_others_out(store, bad):
    before = everything(store)
    good, wrong = Submission(indicator("one")), Submission(indicator("crowded"), expecting=0)
    with pytest.raises(Refused, match="published meanwhile"):
        store.publish_all([good, wrong] if bad == "second" else [wrong, good], by=WEST_ANALYST)
    with pytest.raises(NotPermitted):
        store.publish_all([good, Submission(indicator("two", partner="eastshire"))], by=WEST_ANALYST)
    after = everything(store)
    assert after | {"audit": before["audit"]} == before
    assert store.publish_all([], by=WEST_ANALYST) == ()


def test_a_fault_at_the_second_of_three_leaves_nothing_of_the_first(store, monkeypatch):
    before, write, calls = everything(store), Layers.write_version, []

    def failing(*args, **kwargs):
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("the power is gone")
        return write(*args, **kwargs)

    monkeypatch.setattr(Layers, "write_version", failing)
    with pytest.raises(RuntimeError):
        store.publish_all([Submission(indicator(name)) for name in ("a", "b", "c")], by=WEST_ANALYST)
    assert everything(store) == before


def test_a_layer_that_people_took_over_follows_the_pack_again(store):
    assert refresh.pack_side(store, "crowded", WEST_ANALYST) == refresh.PackSide(True)
    assert (
        refresh.pack_side(store, "crowded", EAST_ANALYST) is None
        and refresh.pack_side(store, "crowded", PUBLIC) is None
    )
    first = store.values("crowded", "lsoa", PUBLIC).frame
    store.publish(indicator("crowded"), by=WEST_ANALYST)
    side = refresh.pack_side(store, "crowded", WEST_ANALYST)
    assert not side.follows and "version 2 was published over the pack's version 1" in side.why
    for viewer in (PUBLIC, WEST_VIEWER, EAST_ANALYST):
        with pytest.raises(NotPermitted):
            refresh.follow_pack(store, "crowded", by=viewer, reason="because")
    with pytest.raises(Refused, match="reason is empty"):
        refresh.follow_pack(store, "crowded", by=WEST_ANALYST, reason=" ")
    done = refresh.follow_pack(store, "crowded", by=WEST_ANALYST, reason="It is kept better there.")
    assert done.version == 3 and store.layer("crowded", WEST_ANALYST).note.endswith(": It is kept better there.")
    pd.testing.assert_frame_equal(store.values("crowded", "lsoa", PUBLIC).frame, first)
    assert refresh.pack_side(store, "crowded", WEST_ANALYST) == refresh.PackSide(True)
    with pytest.raises(Refused, match="follows the region pack already"):
        refresh.follow_pack(store, "crowded", by=WEST_ANALYST, reason="again")


def test_what_follows_again_is_brought_up_to_date_by_the_next_pack(store):
    """The whole point: after the way back a pack that is built anew publishes the layer by itself once more."""
    store.publish(indicator("crowded"), by=WEST_ANALYST)
    refresh.follow_pack(store, "crowded", by=WEST_ANALYST, reason="Back to the pack.")
    with store.writing() as connection:  # as if the pack had come with other content when the store was last opened
        table = tables.pack_layers
        connection.execute(sa.update(table).where(table.c.layer_id == "crowded").values(offered_sha256="0" * 64))
        pack = refresh.look(store.region)
        one = next(layer for layer in pack.layers if layer.layer_id == "crowded")
        run = refresh._Run(connection, store, store.now(), first=False)
        steps = run.plan(refresh.PackState((dataclasses.replace(one, sha256="1" * 64),), "", ""))
        assert [step.where for step in steps] == ["layers/crowded"] and run.kept == {}


def test_only_what_the_pack_brings_can_follow_it(store):
    store.publish(indicator(), by=WEST_ANALYST)
    assert refresh.pack_side(store, "noise", WEST_ANALYST) is None
    with pytest.raises(Refused, match="does not bring this layer"):
        refresh.follow_pack(store, "noise", by=WEST_ANALYST, reason="because")
    with pytest.raises(NotFound):
        refresh.follow_pack(store, "none-such", by=WEST_ANALYST, reason="because")
    store.withdraw("crowded", by=WEST_ANALYST, reason="Under review")
    assert refresh.pack_side(store, "crowded", WEST_ANALYST).why == "it was withdrawn"
    assert refresh.follow_pack(store, "crowded", by=WEST_ANALYST, reason="Reviewed.").version == 2  # and is shown again
    assert store.layer("crowded", PUBLIC).version == 2
