"""A store with pinned versions: it answers as on the day, to the same people, and writes nothing."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from layers.model import PUBLIC, SYSTEM, Audience, Kind, NotFound, Viewer
from layers.store.pinned import PASSED_ON, PinnedStore
from layers.store.records import NotPermitted, Withdrawn
from layers.store.store import Store
from tests.layers.store_fixtures import (
    ADMIN,
    EAST_ANALYST,
    EAST_VIEWER,
    NOON,
    WEST_ANALYST,
    WEST_VIEWER,
    indicator,
    sites,
)

EVERYBODY = (PUBLIC, WEST_ANALYST, WEST_VIEWER, EAST_ANALYST, EAST_VIEWER, ADMIN, SYSTEM)


@pytest.fixture
def thrice(store, quick):
    """``noise`` in three versions: area i has 1, 11 or 21 and i - 1 more; and ``shops`` in two."""
    for first in (1, 11, 21):
        store.publish(indicator(first=first, title=f"Noise {first}"), by=WEST_ANALYST)
    store.publish(sites(), by=WEST_ANALYST)
    store.publish(sites(rows=[("S9", "Ninth shop", 420_500.0, 560_500.0)]), by=WEST_ANALYST)
    return store


def test_every_read_gives_the_pinned_version(thrice):
    pinned = PinnedStore(thrice, {"noise": 2, "shops": 1})
    assert pinned.layer("noise", PUBLIC).version == 2
    assert pinned.values("noise", "lsoa", PUBLIC).arrays["value"][:2].tolist() == [11.0, 12.0]
    # TW1 holds T01, T02, T05, T06; a score of a ward needs weights, so it is compared with the store's own version 2
    ward = pinned.values("noise", "ward", PUBLIC).arrays["value"]
    np.testing.assert_array_equal(ward, thrice.values("noise", "ward", PUBLIC, version=2).arrays["value"])
    assert pinned.services("shops", PUBLIC)["name"].tolist() == ["First shop", "Second shop"]
    assert pinned.original("noise", WEST_ANALYST).table["value"].tolist()[0] == 11.0
    titles = {layer.id: (layer.version, layer.title) for layer in pinned.layers(PUBLIC)}
    assert titles["noise"] == (2, "Noise 11")
    assert titles["shops"][0] == 1
    assert titles["harm"][0] == 1  # not pinned: at its newest
    assert pinned.values("harm", "lsoa", PUBLIC).arrays["value"][15] == 20.0
    # and the store itself goes on as it was
    assert thrice.layer("noise", PUBLIC).version == 3


def test_another_version_can_still_be_asked_for_by_number(thrice):
    pinned = PinnedStore(thrice, {"noise": 2})
    assert pinned.layer("noise", PUBLIC, version=3).version == 3
    assert pinned.values("noise", "lsoa", PUBLIC, version=1).arrays["value"][0] == 1.0


def test_history_ends_with_the_pinned_version(thrice):
    pinned = PinnedStore(thrice, {"noise": 2})
    assert [(v.version, v.state) for v in pinned.history("noise", PUBLIC)] == [(2, "current"), (1, "superseded")]
    assert [v.version for v in pinned.history("noise", WEST_ANALYST)] == [2, 1]
    assert [v.version for v in pinned.history("shops", PUBLIC)] == [2, 1]


def test_history_knows_nothing_of_what_waited_for_its_date(store, quick, clock):
    store.publish(indicator(first=1), by=WEST_ANALYST)
    store.publish(indicator(first=2), by=WEST_ANALYST, at=NOON + timedelta(days=2))
    store.publish(indicator(first=3), by=WEST_ANALYST)
    clock.on(days=3)  # now version 2 is shown, which had to wait; version 3 was shown before it
    assert store.layer("noise", PUBLIC).version == 2
    pinned = PinnedStore(store, {"noise": 3})
    assert [(v.version, v.state) for v in pinned.history("noise", PUBLIC)] == [(3, "current"), (1, "superseded")]


def test_the_list_is_narrowed_and_ordered_by_what_the_pinned_version_says(store, quick):
    store.publish(indicator(title="Zebra", themes=("housing",)), by=WEST_ANALYST)
    store.publish(indicator(first=2, title="Aardvark", themes=("alcohol",)), by=WEST_ANALYST)
    pinned = PinnedStore(store, {"noise": 1})
    assert "noise" in {layer.id for layer in store.layers(PUBLIC, theme="alcohol")}
    assert "noise" not in {layer.id for layer in pinned.layers(PUBLIC, theme="alcohol")}
    assert [layer.id for layer in pinned.layers(PUBLIC, theme="housing")] == ["crowded", "poverty-rank", "noise"]
    assert [layer.id for layer in pinned.layers(PUBLIC, kind=Kind.SERVICES)] == ["clinics"]
    assert [layer.id for layer in pinned.layers(PUBLIC, partner="westshire")] == ["crowded", "noise"]
    # themes of the pack: alcohol, housing; then by title
    assert [layer.id for layer in pinned.layers(PUBLIC)] == ["clinics", "harm", "crowded", "poverty-rank", "noise"]


@pytest.mark.parametrize("viewer", EVERYBODY)
def test_a_pinned_version_that_was_taken_back_is_there_for_nobody(thrice, viewer):
    pinned = PinnedStore(thrice, {"noise": 2})
    assert pinned.layer("noise", viewer).version == 2
    thrice.rollback("noise", to=1, by=WEST_ANALYST, reason="wrong year")
    reads = (
        lambda: pinned.layer("noise", viewer),
        lambda: pinned.values("noise", "lsoa", viewer),
        lambda: pinned.history("noise", viewer),
    )
    for read in reads:
        with pytest.raises(NotFound, match="no version 2"):
            read()
    assert "noise" not in {layer.id for layer in pinned.layers(viewer)}
    thrice.withdraw("noise", by=WEST_ANALYST, reason="wrong altogether")
    for read in reads[:2]:
        with pytest.raises(Withdrawn, match="wrong altogether"):
            read()
    thrice.rollback("noise", to=2, by=WEST_ANALYST, reason="it was right")
    assert pinned.layer("noise", viewer).version == 2


def test_who_may_see_a_version_is_the_stores_to_say(store, quick):
    store.publish(indicator(first=1), by=WEST_ANALYST)
    store.publish(indicator(first=2, audience=Audience.OWNER), by=WEST_ANALYST)
    for version in (1, 2):
        pinned = PinnedStore(store, {"noise": version})
        for viewer in (PUBLIC, EAST_ANALYST, Viewer("one", "westshire", "viewer", own=False)):
            with pytest.raises(NotFound) as hidden:
                pinned.layer("noise", viewer)
            assert str(hidden.value) == "There is no layer 'noise'."
            assert "noise" not in {layer.id for layer in pinned.layers(viewer)}
        assert pinned.layer("noise", WEST_VIEWER).version == version
    store.publish(indicator(first=3), by=WEST_ANALYST)
    with pytest.raises(NotFound, match="no version 2"):
        PinnedStore(store, {"noise": 2}).values("noise", "lsoa", PUBLIC)
    assert PinnedStore(store, {"noise": 1}).layer("noise", PUBLIC).published_by == "westshire"  # not who


@pytest.mark.parametrize("version", [0, -1, 4, 99])
def test_a_pin_to_no_version(thrice, version):
    pinned = PinnedStore(thrice, {"noise": version, "nothing": 1})
    for viewer in EVERYBODY:
        with pytest.raises(NotFound, match=f"no version {version}"):
            pinned.values("noise", "lsoa", viewer)
        with pytest.raises(NotFound, match="no layer 'nothing'"):
            pinned.layer("nothing", viewer)
        assert {"noise", "nothing"}.isdisjoint(layer.id for layer in pinned.layers(viewer))


def test_nothing_is_written_through_it(thrice):
    pinned = PinnedStore(thrice, {"noise": 1})
    own = {name for name in dir(PinnedStore) if not name.startswith("_")}
    for name in dir(Store):
        if name.startswith("_") or name in own or name in PASSED_ON:
            continue
        with pytest.raises(NotPermitted, match="can only be read"):
            getattr(pinned, name)()
    assert {"publish", "rollback", "withdraw", "note", "writing", "add_user", "sign_in", "close"}.isdisjoint(
        own | PASSED_ON
    )
    with pytest.raises(AttributeError):
        pinned.no_such_thing  # noqa: B018
    with pytest.raises(TypeError):
        pinned.versions["noise"] = 2
    assert thrice.layer("noise", PUBLIC).version == 3


def test_what_it_passes_on_is_the_stores(thrice):
    pinned = PinnedStore(thrice, {"noise": 1})
    assert pinned.region is thrice.region
    assert pinned.generation() == thrice.generation()
    assert len(pinned.audit(ADMIN)) == len(thrice.audit(ADMIN))
    assert pinned.compare("noise", 1, 3, "lsoa", PUBLIC)["change"].tolist() == [20.0] * 16  # 21 - 1
    # one memory: what the store has decoded is not decoded again
    assert pinned.values("noise", "lsoa", PUBLIC).arrays is thrice.values("noise", "lsoa", PUBLIC, version=1).arrays


@given(st.dictionaries(st.sampled_from(["noise", "shops", "harm", "nothing"]), st.integers(1, 4)))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_list_and_single_reads_agree_for_everybody(thrice, pins):
    pinned = PinnedStore(thrice, pins)
    for viewer in EVERYBODY:
        listed = {layer.id: layer for layer in pinned.layers(viewer)}
        for layer_id in ("noise", "shops", "harm", "clinics", "nothing"):
            try:
                layer = pinned.layer(layer_id, viewer)
            except NotFound:
                assert layer_id not in listed
                continue
            assert listed[layer_id] == layer
            assert layer.version == pins.get(layer_id, layer.version)
            assert layer == thrice.layer(layer_id, viewer, version=layer.version)
