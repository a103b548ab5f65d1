"""Pictures in the store: kept once, found by what they are, within the room of their partner, and checked with everything else."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from layers import PUBLIC, Briefings, NotFound, NotPermitted, Pictures, Refused, StoreFault
from layers.store import pictures, tables
from layers.store.integrity import check
from tests.layers.store_fixtures import ADMIN, WEST_ANALYST, WEST_VIEWER

PNG = b"\x89PNG\r\n\x1a\n"
TEXT = "---\ntitle: A\npartner: westshire\n---\n# A\n\n```exhibit\npicture\npicture: {}\n```\n"


def add(store, data=PNG + b"one", alt="A bridge", by=WEST_ANALYST, **more):
    given = {"partner": "westshire", "media_type": "image/png", "width": 4, "height": 3} | more
    return Pictures(store).add(by, data=data, alt=alt, **given)


def test_a_picture_is_kept_once_and_comes_back_as_it_was(store):
    one = add(store)
    assert Pictures(store).get(one.id).data == PNG + b"one" and one.alt == "A bridge"
    assert add(store, alt="A wide bridge").id == one.id
    assert Pictures(store).get(one.id).alt == "A wide bridge"
    assert [each.id for each in Pictures(store).list(WEST_ANALYST, "westshire")] == [one.id]
    assert Pictures(store).list(PUBLIC, "westshire") == ()


def test_the_same_bytes_of_another_partner_are_another_picture(store):
    assert add(store).id != add(store, by=ADMIN, partner="eastshire").id


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ({"data": b"<svg/>"}, "picture"),
        ({"media_type": "image/svg+xml"}, "picture"),
        ({"data": PNG, "media_type": "image/jpeg"}, "picture"),
        ({"data": PNG + bytes(pictures.MOST_ONE)}, "too-large"),
        ({"alt": "  "}, "alt"),
        ({"alt": "x" * 500}, "alt"),
    ],
)
def test_what_is_not_kept(store, more, rule):
    with pytest.raises(Refused) as caught:
        add(store, **more)
    assert [fault.rule for fault in caught.value.faults] == [rule]
    assert Pictures(store).list(WEST_ANALYST, "westshire") == ()


def test_only_those_who_write_for_a_partner_add_to_it(store):
    for by, partner in ((PUBLIC, "westshire"), (WEST_VIEWER, "westshire"), (WEST_ANALYST, "eastshire")):
        with pytest.raises(NotPermitted):
            add(store, by=by, partner=partner)


@pytest.mark.parametrize("picture_id", ["", "0" * 20, "../secret", "%", "G" * 20])
def test_an_id_that_is_none_is_not_found(store, picture_id):
    with pytest.raises(NotFound):
        Pictures(store).get(picture_id)


def test_a_full_store_lets_go_of_what_nothing_names_and_of_nothing_else(store, clock, monkeypatch):
    named, idle = add(store, PNG + b"n" * 50), add(store, PNG + b"i" * 50)
    Briefings(store).publish(text=TEXT.format(named.id), by=WEST_ANALYST, pins={}, facts={})
    monkeypatch.setattr(pictures, "MOST_BYTES", 150)
    with pytest.raises(Refused) as caught:
        add(store, PNG + b"w" * 50)  # what came today may still be put in
    assert caught.value.faults[0].rule == "quota"
    clock.on(days=2)
    more = add(store, PNG + b"w" * 50)
    assert {one.id for one in Pictures(store).list(WEST_ANALYST, "westshire")} == {named.id, more.id}
    with pytest.raises(NotFound):
        Pictures(store).get(idle.id)


def test_a_changed_and_a_lost_picture_are_told(store):
    one = add(store)
    Briefings(store).publish(text=TEXT.format(one.id), by=WEST_ANALYST, pins={}, facts={})
    assert check(store) == []
    with store.writing() as connection:
        connection.execute(sa.update(tables.briefing_pictures).values(data=PNG + b"two"))
    with pytest.raises(StoreFault):
        Pictures(store).get(one.id)
    assert [fault.what for fault in check(store)] == ["it is not what was kept"]
    with store.writing() as connection:
        connection.execute(sa.delete(tables.briefing_pictures))
    assert one.id in check(store)[0].what
