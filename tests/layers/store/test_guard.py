"""The guard and the auditor on the store: what the attacked kinds give away, and the rule at every door."""

import contextlib

import numpy as np
import pandas as pd
import pytest

from layers.descriptor import read_descriptor
from layers.model import LEAST_DISCLOSURE, PUBLIC, Audience, Disclosure, Fault, Measure, Package, Refused, Viewer
from layers.region import load_region
from layers.store.guard import audit_disclosure
from layers.store.store import open_store
from tests.layers.store_fixtures import ADMIN, WEST_ANALYST, indicator

PEOPLE = {"measure": Measure.COUNT, "unit": "people", "counts_people": True}


def counted(values, layer_id="noise", **more) -> Package:
    package = indicator(layer_id, **(PEOPLE | more))
    return Package(package.descriptor, package.table.assign(value=np.array(values, float)), "f" * 64)


# -- the rule ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [Disclosure(), Disclosure(0, 0), Disclosure(3, 0), Disclosure(8, 2), Disclosure(1, 1)])
def test_a_layer_of_people_cannot_loosen_the_rule(store, said):
    # In these wards (T01, T02, T05, T06 and T03, T04, T07, T08) rounding alone leaves the 1 and the 7 all of 1 to 7.
    store.publish(counted([0, 1, 7, 8, 12, 17, 13, 18, *[100] * 8], disclosure=said), by=WEST_ANALYST)
    shown = store.values("noise", "lsoa", PUBLIC).frame
    assert shown["status"].head(8).tolist() == ["ok", "suppressed", "suppressed", *["ok"] * 5]
    assert shown["value"].iloc[[0, 3, 4, 5, 6, 7]].tolist() == [0, 10, 10, 15, 15, 20]
    assert store.layer("noise", PUBLIC).descriptor.disclosure == LEAST_DISCLOSURE


def test_people_are_whole(store):
    """12, 13 and a ward of 26: 8 to 12, 13 to 17 and 23 to 27 leave 0 to 6 for the fourth, so that it cannot be 7."""
    store.publish(counted([0, 1, 17, 18, 12, 13, 100, 100, *[100] * 8]), by=WEST_ANALYST)
    shown = store.values("noise", "lsoa", PUBLIC).frame["status"]
    assert shown.iloc[[0, 1, 4, 5]].tolist() == ["ok", "suppressed", "suppressed", "ok"]


def test_a_layer_may_tighten_the_rule(store):
    store.publish(counted([9, 10, 14, 15, *[100] * 12], disclosure=Disclosure(10, 10, True)), by=WEST_ANALYST)
    shown = store.values("noise", "lsoa", PUBLIC).frame
    assert shown["status"].head(4).tolist() == ["suppressed", "ok", "ok", "ok"]
    assert shown["value"].iloc[1:4].tolist() == [10, 10, 20]


def test_totals_are_made_of_true_counts_and_then_rounded(store):
    # The south-west ward is T01, T02, T05, T06: four times 8 is 32, shown as 30, and not four times 10.
    store.publish(counted([8] * 16), by=WEST_ANALYST)
    assert store.values("noise", "lsoa", PUBLIC).arrays["value"].tolist() == [10] * 16
    assert store.values("noise", "ward", PUBLIC).arrays["value"].tolist() == [30] * 4
    assert store.values("noise", "lad", PUBLIC).arrays["value"].tolist() == [65] * 2


def test_what_its_publisher_protected_is_left_alone(store):
    rule = Disclosure(source_protected=True, reason="ONS swaps records before it publishes.")
    store.publish(counted(range(16), disclosure=rule), by=WEST_ANALYST)
    assert store.values("noise", "lsoa", PUBLIC).arrays["value"].tolist() == list(range(16))
    assert audit_disclosure(store, [ADMIN]).clean


def document(disclosure, **more) -> dict:
    ours = {"kind": "indicator", "theme": "housing", "partner": "icb", "measure": "count", "disclosure": disclosure}
    return {"name": "x", "title": "X", "commonground": ours | {"unit": "people", "counts_people": True}} | more


@pytest.mark.parametrize(
    "rule", [{"treshold": 10}, {"minimum": 5}, {"threshold": 8, "dominance": [2, 0.9]}, {"threshold": -1}]
)
def test_a_rule_that_is_not_understood_stops(rule):
    _, faults = read_descriptor(document(rule))
    assert [fault.column for fault in faults if "disclosure." in fault.column], faults


def test_protected_by_whom_has_to_be_said():
    _, faults = read_descriptor(document({"source_protected": True}))
    assert faults and isinstance(faults[0], Fault) and faults[0].column.endswith("source_protected")
    said, faults = read_descriptor(document({"source_protected": True, "reason": "ONS rounds them."}))
    assert not faults and said.disclosure.reason == "ONS rounds them."
    said, _ = read_descriptor(
        document({"source_protected": True}, sources=[{"title": "Crime", "publisher": "police.uk"}])
    )
    assert "police.uk" in said.disclosure.reason


def test_the_report_says_what_was_hidden_and_holds_no_true_total(store):
    done = store.publish(counted([3, *[20] * 15]), by=WEST_ANALYST)
    told = done.report["disclosure"]
    assert told["small"]["lsoa"] == 1 and told["threshold"] == 8
    assert any("withheld" in sentence for sentence in done.report["sentences"])
    assert done.report["totals"] == []


def test_periods_that_stay_keep_their_figures_when_one_is_appended(store):
    store.publish(counted([3, *[21] * 15], period="2023"), by=WEST_ANALYST)
    before = {level: store.values("noise", level, PUBLIC, period="2023").frame for level in ("lsoa", "ward", "lad")}
    assert before["ward"]["value"].notna().any()
    store.publish(counted([30] * 16, period="2024"), by=WEST_ANALYST, append=True)
    for level, frame in before.items():
        pd.testing.assert_frame_equal(store.values("noise", level, PUBLIC, period="2023").frame, frame)


# -- the attacked kinds, on the demonstration region -------------------------------------------------------------------


@pytest.fixture(scope="module")
def demo():
    return load_region("data/demo")


@pytest.fixture
def world(demo, tmp_path):
    """A store of the demonstration region without its layers, and a publisher of counts."""
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}", demo, fill=False)
    yield World(store)
    store.close()


class World:
    def __init__(self, store):
        self.store, self.region = store, store.region
        self.areas = store.region.areas["lsoa"]
        self.residents = self.areas["population"].to_numpy(float)
        self.rng = np.random.default_rng(7)
        self.by = Viewer("ada", "", "admin")

    def draw(self, per_head: float) -> np.ndarray:
        return self.rng.poisson(self.residents * per_head).astype(float)

    def publish(self, layer_id: str, level: str = "lsoa", codes=None, **columns_and_more):
        return self.store.publish(self.package(layer_id, level, codes, **columns_and_more), by=self.by)

    def package(self, layer_id: str, level: str = "lsoa", codes=None, **columns_and_more) -> Package:
        table = {
            name: columns_and_more.pop(name)
            for name in ("value", "numerator", "denominator")
            if name in columns_and_more
        }
        codes = self.areas["code"].to_numpy() if codes is None else codes
        table = pd.DataFrame({"area_code": codes, **table, "status": "ok"})
        if periods := columns_and_more.pop("by_period", None):
            table = pd.concat(
                [
                    pd.DataFrame({"area_code": codes, "value": v, "period": p, "status": "ok"})
                    for p, v in periods.items()
                ]
            )
        more = (
            PEOPLE | {"themes": ("health",), "vintage": self.region.vintages[level], "level": level} | columns_and_more
        )
        partner = more.pop("partner", self.region.partners[0].id)
        package = indicator(layer_id, partner=partner, **more)
        return Package(package.descriptor, table)

    def hidden(self, layer_id: str, period: str | None = None) -> np.ndarray:
        return self.store.values(layer_id, "lsoa", self.by, period=period).arrays["status"] == 2

    def clean(self, *viewers) -> bool:
        found = audit_disclosure(self.store, viewers or [self.by])
        assert found.hidden
        return found.clean


def test_a_rate_without_its_denominator(world):
    """A rate times the residents is a count: where that is small the rate is withheld, elsewhere it moves with the rounding."""
    count = world.draw(0.005)
    rate = np.round(count / world.residents * 1000, 2)
    world.publish("rate", value=rate, measure=Measure.RATE, per=1000.0, unit="per 1,000")
    hidden = world.hidden("rate")
    assert hidden[(count > 0) & (count < 8)].all() and not hidden[count == 0].any()
    shown = world.store.values("rate", "lsoa", PUBLIC).arrays["value"] * world.residents / 1000
    assert np.allclose(shown[~hidden] % 5, 0, atol=1e-6) | np.allclose(shown[~hidden] % 5, 5, atol=1e-6) or (
        np.abs(shown[~hidden] / 5 - np.round(shown[~hidden] / 5)).max() < 1e-6
    )
    assert world.clean()


def test_areas_and_wards_in_two_layers(world):
    count = world.draw(0.007)
    world.publish("areas", value=count, partner=world.region.partners[0].id)
    wards = pd.Series(count).groupby(world.areas["ward_code"].to_numpy()).sum()
    world.publish("wards", "ward", wards.index, value=wards.to_numpy(), partner=world.region.partners[1].id)
    assert world.clean()


def test_one_area_alone_in_its_ward_is_hidden_at_both(world):
    alone = world.areas.groupby("ward_code")["code"].transform("size").to_numpy() == 1
    count = np.where(alone, 3.0, 40.0)
    if not alone.any():
        pytest.skip("no ward of the demonstration region has a single area")
    world.publish("few", value=count)
    wards = world.store.values("few", "ward", PUBLIC)
    assert (wards.arrays["status"] == 2).sum() >= alone.sum()
    assert world.clean()


def test_total_and_parts_in_three_layers(world):
    """Found by arithmetic: nobody says that they add up. The last of them hides more, or is refused naming the others."""
    men, women = world.draw(0.006), world.draw(0.007)
    world.publish("men", value=men)
    world.publish("women", value=women)
    try:
        world.publish("everybody", value=men + women)
    except Refused as refused:
        assert "'men'" in str(refused) or "'women'" in str(refused)
    assert world.clean()


def test_a_part_that_is_public_in_the_difference_already_is_refused(world):
    men, women = world.draw(0.006), world.draw(0.007)
    world.publish("everybody", value=men + women)
    world.publish("men", value=men)
    with pytest.raises(Refused, match="give small numbers away") as refused:
        world.publish("women", value=women)
    assert "'everybody'" in str(refused.value) and "'men'" in str(refused.value)
    assert world.clean()


def test_an_undeclared_total_is_held_against_the_layer_that_brings_it(world):
    men, women = world.draw(0.006), world.draw(0.007)
    world.publish("men", value=men)
    world.publish("women", value=women)
    with pytest.raises(Refused, match="say that the numbers count people"):
        world.publish("visits", value=men + women, counts_people=False, unit="visits")
    with pytest.raises(Refused, match="'men'"):
        world.publish("copy", value=men, counts_people=False, unit="visits")
    assert world.clean()


def test_periods_that_overlap(world):
    years = {year: world.draw(0.004) for year in range(2019, 2023)}
    rolling = {
        "2019 to 2021": sum(years[y] for y in (2019, 2020, 2021)),
        "2020 to 2022": sum(years[y] for y in (2020, 2021, 2022)),
    }
    world.publish("years", by_period={str(y): v for y, v in years.items()} | rolling, period="")
    assert world.clean()


def test_a_layer_that_the_publisher_may_not_see_is_not_named(world):
    """Neither it nor where its small numbers are; its owner and an admin find the whole of it in the trail."""
    men, women = world.draw(0.006), world.draw(0.007)
    mine = Viewer("ann", world.region.partners[1].id, "analyst")
    owner = Viewer("oli", world.region.partners[0].id, "analyst")
    world.publish("hidden-men", value=men, partner=owner.partner, audience=Audience.OWNER)
    world.publish("women", value=women, partner=mine.partner)
    total = world.package("everybody", value=men + women, partner=mine.partner, counts_people=False, unit="visits")
    for refuse in (lambda: world.store.publish(total, by=mine), lambda: world.store.prepared(total, by=mine)):
        with pytest.raises(Refused) as refused:
            refuse()
        said = str(refused.value)
        assert "a layer that you may not see" in said and "hidden-men" not in said, said
        small = set(world.areas["code"].to_numpy()[(men > 0) & (men < 8)])
        theirs = [str(one) for one in refused.value.faults if "numbers of a layer that" in str(one)]
        assert theirs and not any(code in one for one in theirs for code in small)
    with pytest.raises(Refused, match="'hidden-men'"):
        world.store.publish(total, by=ADMIN)
    assert not any("hidden-men" in repr(line) for line in world.store.audit(mine))
    for viewer in (owner, ADMIN):
        (line,) = [one for one in world.store.audit(viewer) if one.action == "would-give-away"]
        assert line.thing_id == "hidden-men" and "'women'" in str(line.detail) and line.by == "ann"


def test_two_different_things_that_rise_and_fall_together_are_not_one(world):
    """Drawn apart from the same expected numbers: much alike in small areas, and neither is held against the other."""
    world.publish("first", value=world.draw(0.004))
    world.publish("second", value=world.draw(0.004))
    assert world.clean()


def test_a_stricter_version_beside_the_one_before(world):
    count = world.draw(0.007)
    world.publish("events", value=count)
    with pytest.raises(Refused, match="'events'"):
        world.publish("events", value=count, disclosure=Disclosure(15, 5))
    world.store.withdraw("events", by=world.by, reason="Counts of 8 to 14 are to be withheld as well.")
    world.publish("events", value=count, disclosure=Disclosure(15, 5))
    assert world.clean(PUBLIC)


def test_all_but_a_few(world):
    """497 of 500 tells of three people, who are not among those counted."""
    whole = np.round(world.residents * 0.4)
    rest = world.rng.poisson(4, len(whole)).astype(float)
    world.publish("most", numerator=whole - rest, denominator=whole, measure=Measure.PERCENTAGE, per=100.0, unit="%")
    assert world.hidden("most")[(rest > 0) & (rest < 8) & ((whole % 5 > 0) | (rest % 5 > 0))].all()
    assert world.clean()


def test_two_people_together_see_no_more_than_is_safe(world):
    """What each may see alone is safe; put together too, since the guard looks at everything published."""
    men, women = world.draw(0.006), world.draw(0.007)
    first, second = world.region.partners[:2]
    world.publish("men", value=men, partner=first.id, audience=Audience.OWNER)
    world.publish("women", value=women, partner=second.id, audience=Audience.OWNER)
    with contextlib.suppress(Refused):
        world.publish("everybody", value=men + women)
    one, two = Viewer("a", first.id, "viewer"), Viewer("b", second.id, "viewer")
    assert world.clean(one) and world.clean(two) and world.clean(one, two) and world.clean(PUBLIC, one, two)


def grouped(world) -> dict[str, np.ndarray]:
    """The same people by sex, by age and by work, and no total."""
    men, women = world.draw(0.012), world.draw(0.014)
    young = world.rng.binomial((men + women).astype(int), 0.3).astype(float)
    middle = world.rng.binomial((men + women - young).astype(int), 0.6).astype(float)
    working = world.rng.binomial((men + women).astype(int), 0.45).astype(float)
    everybody = men + women
    return {
        "men": men, "young": young, "working": working, "women": women, "middle": middle, "old": everybody - young - middle,
        "not-working": everybody - working,
    }  # fmt: skip


def test_two_groupings_of_which_nobody_tells_the_total(world):
    """Men and women are as many as young, middle and old: the last to come hides more, or is refused."""
    refused = []
    for number, (name, value) in enumerate(grouped(world).items()):
        try:
            world.publish(name, value=value, partner=world.region.partners[number % 3].id)
        except Refused as error:
            refused.append(name)
            assert "'men'" in str(error) and "'women'" in str(error)
    assert world.clean() and len(refused) < 3


def test_the_auditor_finds_sums_that_are_equal_without_a_total(world, monkeypatch):
    unguarded(monkeypatch)
    figures = grouped(world)
    for name, value in figures.items():
        world.publish(name, value=value)
    found = audit_disclosure(world.store, [world.by])
    assert len(found.leaks) > 50 and {leak.layer for leak in found.leaks} >= figures.keys() - {"women"}
    for leak in (one for one in found.leaks[:400] if one.level == "lsoa"):  # what it says is true
        at = world.region.codes("lsoa").get_loc(leak.area)
        assert leak.low - 1e-6 <= figures[leak.layer][at] <= leak.high + 1e-6
    assert {"men", "women", "young", "middle", "old", "working", "not-working"} == {
        name for leak in found.leaks for name in (leak.layer, *leak.through)
    }


def test_groupings_of_different_people_are_not_held_against_each_other(world):
    for name, value in grouped(world).items():
        world.publish(name, value=value + (world.draw(0.004) if name in ("women", "old", "not-working") else 0))
    assert world.clean()


def unguarded(monkeypatch):
    from layers.methods.disclosure_guard import Guarded
    from layers.store import preparing

    monkeypatch.setattr(preparing, "protect_new", lambda *_, **__: Guarded(frozenset()))


def test_the_auditor_finds_what_an_unguarded_store_gives_away(world, monkeypatch):
    """With the guard taken out, small cells are there to be found: the auditor is not blind."""
    unguarded(monkeypatch)
    men, women = world.draw(0.006), world.draw(0.007)
    for name, value in (("men", men), ("women", women), ("everybody", men + women)):
        world.publish(name, value=value)
    found = audit_disclosure(world.store, [world.by])
    assert len(found.leaks) > 20
    assert {leak.layer for leak in found.leaks} >= {"men", "women"}
    for leak in found.leaks[:200]:  # what it says is true
        true = {"men": men, "women": women, "everybody": men + women}[leak.layer]
        if leak.level == "lsoa":
            at = world.region.codes("lsoa").get_loc(leak.area)
            assert leak.low - 1e-6 <= true[at] <= leak.high + 1e-6
