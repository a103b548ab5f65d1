"""What is pinned to versions: the same object again, the live one while nothing has changed, and the same numbers everywhere."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import numpy as np
import pytest

from dashboard.published import MOST_PINNED, Published
from dashboard.selection import Selection
from dashboard.views.area import area_profile
from dashboard.views.choropleth import choropleth
from dashboard.views.gaps import gaps_of
from dashboard.views.gaps import kept as kept_answers
from dashboard.views.places import bounds, names
from dashboard.views.search import search
from layers import PUBLIC, SYSTEM, NotFound, Withdrawn, open_store
from tests.databases import database_url
from tests.layers.store_fixtures import WEST_ANALYST, Clock, indicator, sites

GAP = Selection(need="noise", services=("shops",), show="gap", max_m=1000.0)


@pytest.fixture
def here(tmp_path, tiny_region):
    """A server on Tinyland with ``noise`` (1 to 16) and ``shops`` (in T01 and T04) in version 1."""
    clock = Clock()
    store = open_store(database_url(tmp_path / "store.sqlite"), tiny_region, clock=clock.now, ticks=clock.ticks)
    store.publish(indicator(), by=WEST_ANALYST)
    store.publish(sites(), by=WEST_ANALYST)
    yield Published(tiny_region, store, tmp_path / "home", "https://tiles.example/{z}/{x}/{y}.png", "Tiles")
    store.close()


def again(here, first=100.0):
    return here.store.publish(indicator(first=first, title="Noise anew"), by=WEST_ANALYST)


def test_while_every_pin_is_shown_it_is_the_live_one(here):
    assert here.at({}) is here
    assert here.at({"noise": 1, "shops": 1, "harm": 1}) is here
    assert here.live is here
    again(here)
    assert here.at({"noise": 2}) is here
    assert here.at({"shops": 1}) is here


def test_pinned_it_is_the_same_but_for_the_store(here):
    again(here)
    pinned = here.at({"noise": 1})
    assert pinned is not here
    assert (pinned.region, pinned.home, pinned.tiles_url, pinned.tiles_attribution) == (
        here.region,
        here.home,
        here.tiles_url,
        here.tiles_attribution,
    )
    assert pinned.live is pinned.base is here
    assert pinned.store.layer("noise", PUBLIC).version == 1
    assert here.store.layer("noise", PUBLIC).version == 2


def test_the_same_pins_give_the_same_object(here):
    again(here)
    pinned = here.at({"noise": 1, "shops": 1})
    assert here.at({"shops": 1, "noise": 1}) is pinned
    assert pinned.at({"noise": 1, "shops": 1}) is pinned
    assert pinned.at({"noise": 2}) is here  # pins are always on the live one, never on top of each other
    assert here.at({"noise": 1}) is not pinned


def test_only_a_few_are_kept(here):
    again(here)
    first = here.at({"noise": 1})
    others = [here.at({"noise": 1, "shops": version}) for version in range(2, MOST_PINNED + 1)]
    assert here.at({"noise": 1}) is first  # asked for just now, so the next to go is another
    here.at({"noise": 1, "shops": 99})
    here.at({"noise": 1, "shops": 100})
    assert len(here._pinned) == MOST_PINNED
    assert here.at({"noise": 1}) is first
    assert here.at({"noise": 1, "shops": 2}) is not others[0]


def test_pins_to_what_is_gone_raise_for_that_layer_only(here):
    pinned = here.at({"noise": 1, "nothing": 3})
    assert pinned is not here
    here.store.withdraw("noise", by=WEST_ANALYST, reason="wrong")
    with pytest.raises(Withdrawn, match="wrong"):
        pinned.store.layer("noise", PUBLIC)
    with pytest.raises(Withdrawn):
        here.at({"noise": 1}).store.layer("noise", SYSTEM)
    with pytest.raises(NotFound, match="no layer 'nothing'"):
        pinned.store.layer("nothing", PUBLIC)
    assert pinned.store.layer("shops", PUBLIC).version == 1


def test_threads_get_the_same_object(here):
    again(here)
    found, start = [], threading.Barrier(8)

    def ask():
        start.wait()
        found.append(here.at({"noise": 1}))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1


# -- views on a pinned server ------------------------------------------------------------------------------------------


def shown(published):
    """What several views say: the map's values, its title, a table of an area, gaps."""
    chart = choropleth(published, Selection(need="noise"), PUBLIC)
    profile = area_profile(published, "T02", Selection(need="noise"), PUBLIC)
    gaps = gaps_of(published, GAP, PUBLIC)
    return SimpleNamespace(
        values=chart.frame["value"].tolist(),
        title=chart.layer.title,
        line=next(line for line in profile.indicators if line.id == "noise"),
        need=gaps.result.areas["need"].tolist(),
        access=gaps.result.areas["access"].to_numpy(),
        residents=gaps.summary,
        sites=[hit.label for hit in search(published, "shop", PUBLIC) if hit.group == "Services"],
    )


def test_views_say_the_same_as_on_the_day(here):
    before = shown(here)
    assert before.values == [float(i) for i in range(1, 17)]
    assert before.line.value.startswith("2")
    again(here)
    here.store.publish(sites(rows=[("S9", "Ninth shop", 423_500.0, 563_500.0)]), by=WEST_ANALYST)  # the middle of T16
    now = shown(here)
    assert now.values == [99.0 + i for i in range(1, 17)]
    assert (now.title, now.sites) == ("Noise anew", ["Ninth shop – Shops"])
    pinned = shown(here.at({"noise": 1, "shops": 1}))
    np.testing.assert_array_equal(pinned.access, before.access)
    assert vars(pinned) | {"access": None} == vars(before) | {"access": None}
    # the nearest shop to the middle of T16 was S2 in T04, three squares of 1 km to the south; now one stands there
    assert before.access[15] == pytest.approx(3000.0)
    assert now.access[15] == pytest.approx(0.0)


def test_one_layer_pinned_and_the_other_at_its_newest(here):
    again(here)
    here.store.publish(sites(rows=[("S9", "Ninth shop", 423_500.0, 563_500.0)]), by=WEST_ANALYST)
    mixed = gaps_of(here.at({"noise": 1}), GAP, PUBLIC)
    assert [layer.version for layer in mixed.layers] == [1, 2]
    assert mixed.result.areas["access"].iat[15] == pytest.approx(0.0)


def test_what_is_worked_out_is_shared_between_pinned_and_live(here):
    answer = gaps_of(here, GAP, PUBLIC)
    again(here)
    pinned = here.at({"noise": 1})
    assert gaps_of(pinned, GAP, PUBLIC).result is answer.result  # same versions, same answer
    assert gaps_of(here, GAP, PUBLIC).result is not answer.result
    assert kept_answers(pinned) is kept_answers(here)
    assert pinned.jobs is here.jobs
    assert names(pinned, "lsoa") is names(here, "lsoa")
    assert bounds(pinned) is bounds(here)
