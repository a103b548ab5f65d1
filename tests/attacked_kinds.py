"""What an attacker would try, published as made-up layers of several partners: for tests and for ``make disclosure-attack``.

Each of :data:`KINDS` publishes a few layers of its own, drawn anew, of which the true figures are kept. What the store refuses is
noted. :func:`attack` then looks with the eyes of the public, of every role of every partner, and of every two partners together.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from dashboard.commands.disclosure import everybody
from layers.methods.intervals import rate_limits
from layers.model import Audience, Disclosure, Measure, Package, Refused, Viewer
from layers.store.guard import audit_groups
from tests.layers.store_fixtures import indicator

PEOPLE = {"measure": Measure.COUNT, "unit": "people", "counts_people": True}
NOT_PEOPLE = {"counts_people": False, "unit": "visits"}
ADMIN = Viewer("the attack", "", "admin")


@dataclass
class World:
    """A store, and one who publishes in it for its partners in turn. ``refused``: what the store said no to, and why."""

    store: object
    seed: int = 7
    taken: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    true: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)  # (layer, period) -> counts of small areas

    def __post_init__(self):
        self.region = self.store.region
        self.areas = self.region.areas["lsoa"]
        self.residents = self.areas["population"].to_numpy(float)
        self.rng = np.random.default_rng(self.seed)

    def draw(self, per_head: float) -> np.ndarray:
        return self.rng.poisson(self.residents * per_head).astype(float)

    def partner(self, number: int) -> str:
        return self.region.partners[number % len(self.region.partners)].id

    def publish(
        self, layer_id: str, value=None, *, level: str = "lsoa", codes=None, periods=None, by=0, true=None, **more
    ):
        """Publish as the partner of number ``by``; True when the store takes it."""
        codes = self.areas["code"].to_numpy() if codes is None else codes
        columns = {name: more.pop(name) for name in ("numerator", "denominator", "lower", "upper") if name in more}
        parts = periods or {"2025": value}
        table = pd.concat(
            [
                pd.DataFrame({"area_code": codes, "value": shown, **columns, "period": period, "status": "ok"})
                for period, shown in parts.items()
            ],
            ignore_index=True,
        )
        if value is None and not periods:
            table = table.drop(columns="value")
        vintage = more.pop("vintage", self.region.vintages[level])
        keys = PEOPLE | {"themes": (self.region.themes[0].id,), "vintage": vintage, "level": level, "period": ""} | more
        package = indicator(layer_id, partner=self.partner(by), **keys)
        try:
            self.store.publish(Package(package.descriptor, table), by=ADMIN)
        except Refused as refused:
            self.refused[layer_id] = str(refused)
            return False
        self.taken.append(layer_id)
        for period, shown in (parts if true is None else {"2025": true}).items():
            if shown is not None and level == "lsoa" and len(shown) == len(self.areas):
                self.true[layer_id, period] = np.asarray(shown, float)
        return True


# -- the kinds -----------------------------------------------------------------------------------------------------------


def rate_without_denominator(world: World):
    count = world.draw(0.005)
    for decimals in (3, 1):
        rate = np.round(count / world.residents * 1000, decimals)
        world.publish(f"rate-{decimals}", rate, measure=Measure.RATE, per=1000.0, unit="per 1,000", true=count)


def areas_and_wards(world: World):
    count = world.draw(0.007)
    rate = count / world.residents * 1000
    wards = world.areas["ward_code"].to_numpy()
    in_wards, people = (pd.Series(of).groupby(wards).sum() for of in (count, world.residents))
    world.publish("of-areas", count, by=1, audience=Audience.OWNER)
    world.publish("of-wards", in_wards.to_numpy(), level="ward", codes=in_wards.index, by=2)
    world.publish("rate-of-areas", rate, measure=Measure.RATE, per=1000.0, unit="per 1,000", by=3, true=count)
    world.publish(
        "rate-of-wards", (in_wards / people * 1000).to_numpy(), level="ward", codes=in_wards.index, by=4,
        measure=Measure.RATE, per=1000.0, unit="per 1,000",
    )  # fmt: skip


def total_and_parts(world: World):
    """In every order, by three partners, the parts for nobody but their partner and the partners."""
    for number, order in enumerate(itertools.permutations(("everybody", "men", "women"))):
        men, women = world.draw(0.006), world.draw(0.007)
        figures = {"men": men, "women": women, "everybody": men + women}
        audiences = {"men": Audience.OWNER, "women": Audience.PARTNERS, "everybody": Audience.PUBLIC}
        for name in order:
            world.publish(f"{name}-{number}", figures[name], by=number + len(name), audience=audiences[name])


def groupings_without_total(world: World):
    """Men and women, three ages, in and out of work, of the same people: by several partners, and what all come to by nobody."""
    count = world.draw(0.03)
    for number, shares in enumerate(((0.3, 0.7), (0.25, 0.4, 0.35), (0.15, 0.85))):
        left, rest = count, 1.0
        for part, share in enumerate(shares):
            part_of = world.rng.binomial(left.astype(int), min(share / rest, 1.0)).astype(float)
            world.publish(f"part-{number}-{part}", part_of, by=number, audience=list(Audience)[(number + part) % 3])
            left, rest = left - part_of, rest - share


def overlapping_periods(world: World):
    years = {year: world.draw(0.004) for year in range(2019, 2023)}
    rolling = {f"{y} to {y + 2}": sum(years[one] for one in range(y, y + 3)) for y in (2019, 2020)}
    world.publish("in-one", periods={str(year): count for year, count in years.items()} | rolling)
    years = {year: world.draw(0.005) for year in range(2019, 2023)}
    rolling = {f"{y} to {y + 2}": sum(years[one] for one in range(y, y + 3)) for y in (2019, 2020)}
    world.publish("rolling", periods=rolling, by=1)
    world.publish("years", periods={str(year): count for year, count in years.items()}, by=2, audience=Audience.OWNER)
    quarters = {f"Jan-Mar {y}": world.draw(0.003) for y in (2024,)}
    quarters |= {f"{q} 2024": world.draw(0.003) for q in ("Apr-Jun", "Jul-Sep", "Oct-Dec")}
    world.publish("quarters", periods={**quarters, "2024": sum(quarters.values())}, by=3)


def stricter_version(world: World):
    count = world.draw(0.007)
    world.publish("events", count)
    world.publish("events", count, disclosure=Disclosure(15, 5))


def complement(world: World):
    whole = np.round(world.residents * 0.4)
    rest = world.rng.poisson(4, len(whole)).astype(float)
    keys = {"measure": Measure.PERCENTAGE, "per": 100.0, "unit": "%"}
    world.publish("most", (whole - rest) / whole * 100, numerator=whole - rest, denominator=whole, **keys, true=rest)
    world.publish("whole", whole, by=1, **NOT_PEOPLE)
    world.publish("rest", rest, by=2)


def undeclared(world: World):
    count = world.draw(0.006)
    world.publish("declared-late", count, **NOT_PEOPLE)
    world.publish("declared-late", count)
    men, women = world.draw(0.006), world.draw(0.007)
    world.publish("these", men, by=1)
    world.publish("those", women, by=2)
    world.publish("all-visits", men + women, by=3, **NOT_PEOPLE)


def rounded_copies(world: World):
    count = world.draw(0.006)
    world.publish("held", count)
    for base in (3, 5, 10):
        world.publish(f"copy-to-{base}", np.round(count / base) * base, by=base, **NOT_PEOPLE)
    for name, decimals in (("exact", 9), ("tenths", 1)):
        rate = np.round(count / world.residents * 1000, decimals)
        keys = {"measure": Measure.RATE, "per": 1000.0, "counts_people": False, "unit": "per 1,000"}
        world.publish(f"rate-in-{name}", rate, by=2, **keys)


def intervals(world: World):
    """A percentage in whole numbers, whose limits are written to three decimals."""
    count = world.draw(0.006)
    world.publish("in-limits", count)
    lower, upper = rate_limits(count, world.residents, 100.0)
    world.publish(
        "with-limits", np.round(count / world.residents * 100), lower=np.round(lower, 3), upper=np.round(upper, 3), by=1,
        measure=Measure.RATE, per=100.0, counts_people=False, unit="per 100",
    )  # fmt: skip


def places(world: World):
    count = world.draw(0.007)
    world.publish("counted", count)
    order = count.argsort(kind="stable").argsort() + 1.0
    world.publish("rank", order, measure=Measure.RANK, by=1, counts_people=False, unit="rank")
    world.publish("rank-of-people", order, measure=Measure.RANK, by=1, unit="rank")
    tenth = np.ceil(pd.Series(count / world.residents).rank(pct=True).to_numpy() * 10)
    world.publish("tenth", tenth, measure=Measure.DECILE, by=2, counts_people=False, unit="decile")
    world.publish(
        "class", np.digitize(count, [1, 4, 8, 12]) + 1.0, measure=Measure.CATEGORY, counts_people=False, unit="class"
    )


def older_boundaries(world: World):
    lookup = world.region.lookups["lsoa_2011_2021"]
    old = np.unique(lookup.iloc[:, 0].to_numpy())
    count = world.rng.poisson(9, len(old)).astype(float)
    world.publish("on-2011", count, codes=old, vintage=2011)
    men = world.rng.binomial(count.astype(int), 0.5).astype(float)
    world.publish("men-on-2011", men, codes=old, vintage=2011, by=1)
    world.publish("women-on-2011", count - men, codes=old, vintage=2011, by=2)


KINDS: dict[str, Callable[[World], None]] = {
    "a rate without its denominator": rate_without_denominator,
    "areas and wards": areas_and_wards,
    "everybody, men, women in every order": total_and_parts,
    "groupings of which nobody tells the total": groupings_without_total,
    "periods that overlap": overlapping_periods,
    "a version beside a stricter one": stricter_version,
    "all but a few": complement,
    "counts that were not declared": undeclared,
    "copies in round numbers": rounded_copies,
    "limits written more exactly": intervals,
    "ranks, tenths and classes": places,
    "small areas of 2011": older_boundaries,
}


# -- the attack ----------------------------------------------------------------------------------------------------------


def attack(store) -> dict[str, object]:
    """What the public, every role of every partner, every two partners together and an admin find out, by name."""
    groups = everybody(store.region)
    return dict(zip(groups, audit_groups(store, list(groups.values())), strict=True))
