"""The synthetic indicator layers: one row of ``LAYERS`` each, drawn from the surfaces with real-looking denominators.

Counts are binomial or Poisson around an expected share, so that small areas wobble as real ones do. Each layer draws
from its own seed (its id), so adding one changes no other.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace

import geopandas as gpd
import numpy as np
import pandas as pd

from data.demo_build.places import BUILT, SEED, TYNE_AND_WEAR
from layers.model import (
    LEAST_DISCLOSURE,
    Audience,
    Completeness,
    Descriptor,
    Direction,
    Disclosure,
    Kind,
    Measure,
    NationalBands,
    Package,
    Position,
    Reference,
    Source,
    Status,
)

FIGURES = Source(
    title="Synthetic, made by data/make_demo.py",
    publisher="Common Ground",
    licence="CC0-1.0",
    attribution="Made-up figures for demonstration, not about any real place.",
)
MADE_UP = "Every figure is made up by a script for demonstration and says nothing about any real place. "
WORSE, BETTER, NEUTRAL = Direction.HIGH_IS_WORSE, Direction.LOW_IS_WORSE, Direction.NEUTRAL
OPEN, PEOPLE = Disclosure(), LEAST_DISCLOSURE
SURVEY = Disclosure(source_protected=True, reason="Modelled from a survey: no figure counts known people.")


@dataclass(frozen=True)
class Spec:
    """How to draw one layer. ``typical`` is the middle value in the layer's own unit, ``spread`` how far (in log odds
    or logs) one standard deviation of the ``mix`` of surfaces moves it, ``wobble`` is extra noise of each area."""

    id: str
    title: str
    themes: tuple[str, ...]
    partner: str
    measure: Measure
    unit: str
    typical: float
    spread: float
    mix: dict[str, float]
    why: str
    caveat: str
    base: str = "residents"  # residents adults children older households homes
    per: float = 100.0
    direction: Direction = WORSE
    level: str = "lsoa"
    vintage: int = 2021
    periods: tuple[str, ...] = ("2025",)
    trend: float = 0.0  # change per period, in the same scale as spread
    wobble: float = 0.12
    decimals: int = 1
    audience: Audience = Audience.PUBLIC
    disclosure: Disclosure = OPEN
    missing: int = 0
    only: tuple[str, ...] = ()  # authorities that supply it; () for all
    limits: bool = False  # published with limits instead of counts
    national: bool = False
    description: str = ""
    method: str = ""
    counts_people: bool = True
    season: tuple[float, ...] = field(default=())
    england: float = 0.0  # an invented figure to compare with; 0 for none
    completeness: str = ""  # else register for what is counted, modelled for the rest
    position: Position | None = None


P, R, S, M, C = Measure.PERCENTAGE, Measure.RATE, Measure.SCORE, Measure.MEAN, Measure.COUNT
YEARS = ("2019/20", "2020/21", "2021/22", "2022/23", "2023/24", "2024/25")
QUARTERS = ("2024 Q1", "2024 Q2", "2024 Q3", "2024 Q4")

LAYERS = (
    Spec(
        "alcohol-admissions", "Hospital stays caused by alcohol", ("alcohol", "health"), "nenc-icb", R,
        "per 1,000 residents", 17.0, 0.42, {"harm": 1.0, "old": 0.1}, per=1000, periods=YEARS, trend=0.035,
        season=(0.0, -0.12, -0.05, 0.02, 0.03, 0.03),
        why="Stays in hospital because of alcohol are the visible end of drinking that harms health, families and work. "
        "Where they cluster far from treatment, people come back through the emergency door.",
        caveat="Stays, not people: one person can be counted more than once. Hospitals code alcohol differently.",
    ),
    Spec(
        "alcohol-deaths", "Deaths from alcohol-specific causes", ("alcohol", "health"), "nenc-icb", R,
        "per 1,000 residents over five years", 0.95, 0.48, {"harm": 1.0, "old": 0.2}, per=1000, level="ward",
        vintage=2024, periods=("2020 to 2024",), decimals=2, disclosure=PEOPLE,
        why="Every one of these deaths could have been prevented, most in people under 65. Wards with many need "
        "treatment that people can reach and stay with.",
        caveat="Published for wards only, over five years, because the numbers are small; counts of 1 to 7 are withheld.",
    ),
    Spec(
        "higher-risk-drinking", "Adults who drink at higher risk", ("alcohol",), "north-east-combined-authority", P,
        "% of adults", 24.0, 0.26, {"harm": 0.35, "young": 0.3, "hardship": -0.25, "old": 0.2}, base="adults",
        limits=True, wobble=0.1, disclosure=SURVEY,
        why="Most harm comes from the many who drink somewhat too much, not the few who drink most. It is not "
        "concentrated in the poorest places, which is why it is easily missed.",
        caveat="Modelled from a survey: limits are wide, and small differences between areas mean nothing.",
    ),
    Spec(
        "long-term-conditions", "People with a condition that limits daily life", ("health",), "nenc-icb", P,
        "% of residents", 21.0, 0.30, {"hardship": 0.8, "old": 0.55, "young": -0.35}, missing=3,
        why="Long-term illness decides who can work, who needs care and who depends on services nearby.",
        caveat="Self-reported, and higher where more older people live.",
    ),
    Spec(
        "mental-health", "Poor mental health index", ("health", "community"), "nenc-icb", S, "index points", 50.0, 10.0,
        {"hardship": 0.75, "isolation": 0.35, "young": 0.15}, wobble=3.5, counts_people=False,
        why="Poor mental health runs through alcohol harm, debt, work and family life, so several services meet the "
        "same people without knowing.",
        caveat="An index without a unit: it ranks places and cannot be read as a number of people.",
    ),
    Spec(
        "cancer-screening", "Bowel cancer screening taken up", ("health",), "nenc-icb", P, "% of people invited", 68.0,
        0.22, {"hardship": -0.8, "young": -0.3, "old": 0.2}, base="older", direction=BETTER, missing=4,
        why="Screening finds cancer early. Low take-up shows where people are not reached by services that exist.",
        caveat="People are counted at their practice's address list, which can be out of date.",
    ),
    Spec(
        "violence", "Violence recorded by the police", ("crime", "alcohol"), "northumbria-police", R,
        "per 1,000 residents in the quarter", 7.5, 0.55, {"busy": 0.65, "hardship": 0.6, "young": 0.1}, per=1000,
        periods=QUARTERS, season=(-0.04, 0.03, 0.07, -0.02),
        position=Position.SNAPPED,
        why="Violence does lasting harm and fills emergency departments. Police, health and licensing meet the same "
        "places from different sides.",
        caveat="Town centres have many visitors and few residents, so their rates are high. Much is never reported.",
    ),
    Spec(
        "antisocial-behaviour", "Antisocial behaviour recorded by the police", ("crime", "community"),
        "northumbria-police", R, "per 1,000 residents", 26.0, 0.5, {"busy": 0.45, "hardship": 0.7, "dense": 0.1},
        per=1000,
        position=Position.SNAPPED,
        why="It shapes whether people feel safe to walk to a service at all, and it costs councils, landlords and "
        "police at the same time.",
        caveat="Depends on who calls, and forces record it differently.",
    ),
    Spec(
        "domestic-abuse", "Domestic abuse recorded by the police", ("crime", "children"), "northumbria-police", R,
        "per 1,000 residents", 13.0, 0.40, {"hardship": 0.9, "isolation": 0.15}, per=1000,
        audience=Audience.PARTNERS, disclosure=PEOPLE,
        why="Most victims are seen by health, housing or schools long before they call the police. Partners who look at "
        "the same map can offer help earlier.",
        caveat="Shared with signed-in partners only; counts of 1 to 7 are withheld. Most abuse is never reported, so a "
        "low figure is not a safe place.",
    ),
    Spec(
        "overcrowding", "Homes with too few bedrooms", ("housing", "children"), "north-east-combined-authority", P,
        "% of households", 3.4, 0.55, {"hardship": 0.6, "dense": 0.35, "shared_homes": 0.3}, base="households",
        national=True,
        why="Crowded homes harm sleep, schooling and health, and pass infections on.",
        caveat="Students who share a house can look crowded without hardship.",
    ),
    Spec(
        "cold-homes", "Households that cannot afford to keep warm", ("housing", "health"),
        "north-east-combined-authority", P, "% of households", 14.0, 0.33, {"hardship": 0.75, "remote": 0.35},
        base="households", vintage=2011, periods=("2020",),
        why="Cold homes bring people with heart and lung conditions into hospital every winter.",
        caveat="On the older boundaries: figures for areas that changed are converted and marked as such. Modelled.",
    ),
    Spec(
        "homelessness", "Households owed help with homelessness", ("housing",), "gateshead", R, "per 1,000 households",
        13.0, 0.6, {"hardship": 0.7, "busy": 0.35, "young": 0.15}, base="households", per=1000, missing=2,
        disclosure=PEOPLE,
        why="People who lose their home move across council borders, and so does the need for help.",
        caveat="Counted where people ask for help, which can be far from where they lived; counts of 1 to 7 are withheld.",
    ),
    Spec(
        "income-deprivation", "People living on a low income", ("income", "children"), "north-east-combined-authority",
        P, "% of residents", 17.5, 0.55, {"hardship": 1.0}, national=True, wobble=0.14,
        why="Low income is behind most of the other figures on this map, and it decides how far people can travel.",
        caveat="Counts people who receive certain benefits; those who do not claim are left out.",
    ),
    Spec(
        "claimants", "People claiming out-of-work benefits", ("income",), "north-east-combined-authority", P,
        "% of adults", 4.6, 0.5, {"hardship": 0.9, "young": -0.2}, base="adults",
        why="It shows soonest where work has gone, and where advice and training should be within reach.",
        caveat="Not everyone out of work claims.",
    ),
    Spec(
        "adults-in-work", "Adults in work", ("income",), "north-east-combined-authority", P, "% of adults", 58.0, 0.25,
        {"hardship": -0.75, "old": -0.35, "young": -0.3}, base="adults", direction=BETTER, england=62.9,
        why="Work is the surest way out of hardship, when it can be reached and pays.",
        caveat="Areas with many students or retired people have lower figures without any hardship.",
    ),
    Spec(
        "no-qualifications", "Adults without qualifications", ("education", "income"), "north-east-combined-authority",
        P, "% of adults", 19.0, 0.42, {"hardship": 0.8, "old": 0.3, "young": -0.55}, base="adults", england=14.6,
        why="People without qualifications lose work first and find training furthest away.",
        caveat="Includes older people who left school when qualifications were rare.",
    ),
    Spec(
        "school-absence", "Pupils who miss a tenth of school or more", ("education", "children"), "durham", P,
        "% of pupils", 20.0, 0.38, {"hardship": 0.85, "remote": 0.1}, base="children", missing=6, disclosure=PEOPLE,
        why="Absence is often the first sign of trouble at home that any service sees.",
        caveat="By where pupils live, not where they go to school; counts of 1 to 7 are withheld.",
    ),
    Spec(
        "loneliness", "Adults who often feel lonely", ("community", "health"), "harbour-light", P, "% of adults", 7.2,
        0.28, {"isolation": 0.9, "young": 0.25}, base="adults", limits=True, disclosure=SURVEY,
        why="Loneliness does as much harm as many diseases, and people who have nobody to ask do not find services.",
        caveat="Modelled from a survey: the limits say how sure it is.",
    ),
    Spec(
        "places-to-meet", "Places to meet score", ("community",), "open-door", S, "points out of 100", 52.0, 13.0,
        {"remote": -0.55, "hardship": -0.4, "busy": 0.35}, wobble=6.0, direction=BETTER, counts_people=False,
        why="Halls, libraries, parks and cafes are where help starts before anyone calls it a service.",
        caveat="Counts places, not whether they are open, affordable or welcoming.",
    ),
    Spec(
        "air-quality", "Nitrogen dioxide in the air", ("environment", "health"), "newcastle", M,
        "micrograms per cubic metre", 11.5, 3.1, {"dense": 0.7, "busy": 0.45, "remote": -0.3}, wobble=0.7,
        counts_people=False, periods=("2024",),
        why="Dirty air shortens lives, most of all for children and people with lung disease.",
        caveat="Modelled on a grid: one street can be much worse than its area.",
    ),
    Spec(
        "green-space", "Homes within a short walk of green space", ("environment",), "north-tyneside", P, "% of homes",
        74.0, 0.6, {"dense": -0.6, "hardship": -0.2, "remote": 0.25}, base="homes", direction=BETTER,
        counts_people=False,
        why="Green space nearby is free, good for body and mind, and unequally shared.",
        caveat="Measures distance only, not quality or safety.",
    ),
    Spec(
        "child-poverty", "Children in low-income families", ("children", "income"), "south-tyneside", P, "% of children",
        27.0, 0.6, {"hardship": 1.0, "dense": 0.1}, base="children", missing=2,
        why="Poverty in childhood shows in health, school and work for the rest of life.",
        caveat="Before housing costs; after them the figures would be higher.",
    ),
    Spec(
        "older-people-alone", "Older people who live alone", ("children", "community"), "sunderland", P,
        "% of residents aged 65 and over", 33.0, 0.25, {"hardship": 0.5, "dense": 0.25, "isolation": 0.35},
        base="older",
        why="Older people alone are most at risk in a cold snap or a fall, and least able to travel to help.",
        caveat="Living alone is not the same as being lonely.",
    ),
    Spec(
        "students", "Residents aged 16 to 24", ("education", "hmo"), "newcastle", P, "% of residents", 11.0, 0.5,
        {"young": 1.0}, direction=NEUTRAL,
        why="Many students in one place change what housing, health and policing have to offer there.",
        caveat="Neither good nor bad, so it cannot be used as need.",
    ),
    Spec(
        "residents-under-16", "Residents under 16", ("children", "education"), "north-east-combined-authority", P,
        "% of residents", 17.5, 0.16, {"hardship": 0.45, "old": -0.5, "young": -0.35}, direction=NEUTRAL,
        why="Families with young children travel least easily. Where they live decides where their services should be.",
        caveat="Neither good nor bad, so it cannot be used as need.",
    ),
    Spec(
        "residents-65-plus", "Residents aged 65 and over", ("children", "health"), "nenc-icb", P, "% of residents",
        20.0, 0.28, {"old": 1.0, "young": -0.3}, direction=NEUTRAL,
        why="Older people need care most and are less able to travel far for it.",
        caveat="Neither good nor bad, so it cannot be used as need.",
    ),
    Spec(
        "no-car-households", "Households without a car or van", ("income", "community", "health"),
        "north-east-combined-authority", P, "% of households", 26.0, 0.5, {"hardship": 0.75, "dense": 0.3, "busy": 0.2},
        base="households", counts_people=False,
        why="Who has no car walks, takes the bus or goes without. A distance that looks short on a map may be too far.",
        caveat="Some households in towns live without a car by choice.",
    ),
    Spec(
        "bad-health", "People in bad or very bad health", ("health",), "nenc-icb", P, "% of residents", 6.8, 0.34,
        {"hardship": 0.8, "old": 0.4, "young": -0.3},
        why="People who say that their health is bad use services most and travel least easily.",
        caveat="Self-reported, and higher where more older people live.",
    ),
    Spec(
        "exploitation-risk", "Exploitation risk index", ("modern-slavery", "crime"), "open-door", S, "index points",
        40.0, 11.0, {"shared_homes": 0.45, "busy": 0.35, "hardship": 0.4, "isolation": 0.2}, wobble=4.0,
        counts_people=False,
        why="Exploited people are moved between councils. Signs that look harmless in one place add up across a border.",
        caveat="An index of conditions in which exploitation is likelier. It says nothing about any person, home or firm.",
    ),
    Spec(
        "exploitation-referrals", "People referred as possible victims of slavery", ("modern-slavery",),
        "northumbria-police", R, "per 10,000 residents over three years", 8.5, 0.5,
        {"shared_homes": 0.5, "busy": 0.4, "hardship": 0.3}, per=10_000, level="ward", vintage=2024,
        periods=("2022 to 2024",), audience=Audience.OWNER,
        disclosure=replace(PEOPLE, zero_is_sensitive=True),
        why="It tells where victims were found, and so where support has to be within reach at any hour.",
        caveat="Visible to its owner only. Counts of 0 to 7 are withheld: even a zero could guide an offender.",
    ),
    Spec(
        "hmo-share", "Homes in multiple occupation", ("hmo", "housing"), "newcastle", P, "% of homes", 1.6, 1.0,
        {"shared_homes": 1.0}, base="homes", counts_people=False, completeness="modelled",
        why="Shared homes are needed, and where they cluster they need inspection, waste collection and good neighbours.",
        caveat="Licensed and estimated homes together; small unlicensed ones are missed.",
    ),
    Spec(
        "hmo-complaints", "Complaints about shared homes", ("hmo", "community"), "newcastle", C, "complaints in the year",
        2.6, 0.9, {"shared_homes": 0.9, "hardship": 0.25}, decimals=0, only=TYNE_AND_WEAR, counts_people=False,
        why="Complaints show where homes, landlords and neighbours need attention before harm is done.",
        caveat="Only the five Tyne and Wear councils supply it; elsewhere it is missing, which is not the same as none.",
    ),
)  # fmt: skip


def seed_of(layer: str) -> np.random.Generator:
    return np.random.default_rng([SEED, zlib.crc32(layer.encode())])


def bases(lsoa: gpd.GeoDataFrame, patterns: pd.DataFrame) -> pd.DataFrame:
    """What counts are divided by, one column each, whole numbers on the areas' index."""
    people = lsoa["population"].to_numpy()
    rng = seed_of("bases")

    def share(middle: float, *parts: tuple[float, str]) -> np.ndarray:
        lift = sum(weight * patterns[name].to_numpy() for weight, name in parts)
        return middle * np.exp(np.clip(lift, -0.6, 0.6) + rng.normal(0, 0.06, len(people)))

    children = np.round(people * share(0.185, (0.12, "hardship"), (-0.25, "young"), (-0.08, "old")))
    out = {
        "residents": people,
        "children": children,
        "adults": people - children,
        "older": np.round(people * share(0.205, (0.25, "old"), (-0.25, "young"))),
        "households": np.round(people / 2.25 * share(1.0, (0.05, "old"), (-0.03, "young"))),
    }
    out["homes"] = np.round(out["households"] * 1.04)
    return pd.DataFrame(out, index=lsoa.index)


def build_indicators(areas: dict[str, gpd.GeoDataFrame], patterns: pd.DataFrame, people: pd.DataFrame) -> list[Package]:
    """Every indicator layer. ``areas`` as in the pack, ``patterns`` of the small areas, ``people`` from ``vintage``."""
    base = bases(areas["lsoa"], patterns)
    packages = {spec.id: _package(spec, areas, patterns, base, people) for spec in LAYERS}
    packages |= {package.descriptor.id: package for package in _ranked(packages["income-deprivation"])}
    return [packages[name] for name in sorted(packages)]


def _package(spec: Spec, areas, patterns: pd.DataFrame, base: pd.DataFrame, people: pd.DataFrame) -> Package:
    rng = seed_of(spec.id)
    lsoa = areas["lsoa"]
    mixed = sum(weight * patterns[name].to_numpy() for name, weight in spec.mix.items())
    mixed = np.clip(mixed / mixed.std(), -3, 3.2)  # student quarters would run away otherwise
    codes, denominator = lsoa["code"].to_numpy(), base[spec.base].to_numpy()
    if spec.level == "ward":
        codes, (mixed, denominator) = areas["ward"]["code"].to_numpy(), _to_wards(areas, mixed, denominator)
    elif spec.vintage == 2011:
        codes, mixed, denominator = _to_older(lsoa, people, mixed, denominator)
    noise = rng.normal(size=len(mixed))
    frames = []
    for turn, period in enumerate(spec.periods):
        move = spec.trend * (turn - len(spec.periods) + 1) + (spec.season[turn] if spec.season else 0.0)
        wander = rng.normal(size=len(mixed)) if len(spec.periods) > 1 else 0.0
        frames.append(_draw(spec, rng, codes, mixed, denominator, move, noise + 0.35 * wander).assign(period=period))
    table = pd.concat(frames, ignore_index=True)
    if len(spec.periods) == 1:
        table = table.drop(columns="period")
    table = _with_holes(spec, rng, table, lsoa)
    order = ["area_code", "period", "value", "numerator", "denominator", "lower", "upper", "status"]
    table = table[[name for name in order if name in table]]
    return Package(_descriptor(spec, table), table)


def _draw(spec: Spec, rng, codes, mixed, denominator, move: float, noise) -> pd.DataFrame:
    if spec.measure in (S, M):
        value = spec.typical + spec.spread * mixed + spec.wobble * noise + move
        low, high = (1.0, 99.0) if spec.measure == S else (0.5, np.inf)
        return pd.DataFrame({"area_code": codes, "value": np.clip(value, low, high).round(spec.decimals)})
    lift = spec.spread * mixed + spec.wobble * noise + move
    if spec.measure == C:
        expected = spec.typical * np.exp(np.clip(lift, -3, 3)) * denominator / denominator.mean()
        return pd.DataFrame({"area_code": codes, "value": rng.poisson(expected).astype(float)})
    if spec.measure == R:
        expected = spec.typical / spec.per * np.exp(np.clip(lift, -3, 2.6))
        count = np.minimum(rng.poisson(expected * denominator), denominator)
    else:
        odds = spec.typical / (100 - spec.typical) * np.exp(lift)
        share = odds / (1 + odds)
        if spec.limits:
            error = 100 * np.sqrt(share * (1 - share) / 180)
            value = 100 * share
            columns = {"value": value, "lower": np.maximum(value - 1.96 * error, 0.1), "upper": value + 1.96 * error}
            return pd.DataFrame({"area_code": codes} | {name: number.round(1) for name, number in columns.items()})
        count = rng.binomial(denominator.astype(int), share)
    return pd.DataFrame({"area_code": codes, "numerator": count.astype(float), "denominator": denominator})


def _with_holes(spec: Spec, rng, table: pd.DataFrame, lsoa: gpd.GeoDataFrame) -> pd.DataFrame:
    """Withheld small counts, and areas nobody published."""
    status = np.full(len(table), Status.OK.value, dtype=object)
    if spec.disclosure.threshold > 1:
        least = 0 if spec.disclosure.zero_is_sensitive else 1
        status[table["numerator"].between(least, spec.disclosure.threshold - 1)] = Status.SUPPRESSED.value
    if spec.missing:
        gone = rng.choice(sorted(set(table["area_code"])), spec.missing, replace=False)
        status[table["area_code"].isin(gone)] = Status.MISSING.value
    if spec.only:
        theirs = lsoa.loc[lsoa["lad_code"].isin(spec.only), "code"]
        status[~table["area_code"].isin(theirs)] = Status.MISSING.value
    hidden = status != Status.OK
    for name in ("value", "numerator"):
        if name in table:
            table[name] = table[name].mask(hidden)
    if "denominator" in table:
        table["denominator"] = table["denominator"].mask(status == Status.MISSING)
    return table.assign(status=status)


def _to_wards(areas, mixed: np.ndarray, denominator: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    of = areas["lsoa"]["ward_code"]
    total = pd.Series(denominator).groupby(of).sum()
    middle = pd.Series(mixed * denominator).groupby(of).sum() / total
    codes = areas["ward"]["code"]
    return middle.reindex(codes).to_numpy(), total.reindex(codes).to_numpy()


def _to_older(lsoa, people: pd.DataFrame, mixed: np.ndarray, denominator: np.ndarray):
    rows = people.merge(
        pd.DataFrame({"code_2021": lsoa["code"], "all": lsoa["population"], "mixed": mixed, "base": denominator}),
        on="code_2021",
    )
    rows["part"] = rows["base"] * rows["population"] / rows["all"]
    rows["weighed"] = rows["mixed"] * rows["part"]
    total = rows.groupby("code_2011")[["part", "weighed"]].sum()
    return total.index.to_numpy(), (total["weighed"] / total["part"]).to_numpy(), total["part"].round().to_numpy()


def _ranked(source: Package) -> list[Package]:
    """A rank and a decile layer of the same thing, which must not be averaged to wards."""
    table = source.table
    share = table["numerator"] / table["denominator"]
    rank = share.rank(ascending=False, method="first")
    decile = np.ceil(rank / len(rank) * 10)
    common = {
        "direction": BETTER,
        "national": None,
        "per": 1.0,
        "decimals": 0,
        "caveats": MADE_UP + "A rank says who is worse off, not by how much, so it has no average for wards or "
        "authorities.",
        "why_it_matters": "Ranks are how deprivation is usually quoted, in bids and in the press, so people look for them.",
    }
    layers = (
        (
            "deprivation-rank",
            "Low income: rank in the region",
            Measure.RANK,
            f"rank of {len(rank):,}, 1 is worst",
            rank,
        ),
        ("deprivation-decile", "Low income: tenth of the region", Measure.DECILE, "tenth, 1 is worst", decile),
    )
    out = []
    for name, title, measure, unit, value in layers:
        descriptor = replace(source.descriptor, id=name, title=title, measure=measure, unit=unit, **common)
        frame = pd.DataFrame({"area_code": table["area_code"], "value": value, "status": Status.OK.value})
        out.append(Package(replace(descriptor, themes=("income",), columns=_same(frame)), frame))
    return out


def _same(table: pd.DataFrame) -> dict[str, str]:
    return {name: name for name in table.columns if name != "status"}


def _descriptor(spec: Spec, table: pd.DataFrame) -> Descriptor:
    method = spec.method or (
        "Drawn at random, with a fixed seed, around smooth invented patterns over the region"
        + (
            "; counts are binomial."
            if spec.measure == P and not spec.limits
            else "; counts are Poisson."
            if spec.measure in (R, C)
            else "."
        )
    )
    modelled = spec.limits or spec.measure in (S, M)
    return Descriptor(
        id=spec.id,
        title=spec.title,
        kind=Kind.INDICATOR,
        themes=spec.themes,
        partner=spec.partner,
        description=f"{spec.title}: synthetic figures for the demonstration region.",
        measure=spec.measure,
        unit=spec.unit,
        per=spec.per if spec.measure in (P, R) else 1.0,
        decimals=spec.decimals,
        direction=spec.direction,
        level=spec.level,
        vintage=spec.vintage,
        period="" if len(spec.periods) > 1 else spec.periods[0],
        national=_national(table) if spec.national else None,
        columns=_same(table),
        audience=spec.audience,
        disclosure=spec.disclosure,
        counts_people=spec.counts_people,
        synthetic=True,
        completeness=Completeness(spec.completeness or ("modelled" if modelled else "register")),
        position=spec.position,
        error_sd=_stated_error(spec.typical / 100) if spec.limits else None,
        weighted_by="residents" if spec.limits or spec.measure == M else "",  # a mean comes without counts here
        why_it_matters=spec.why,
        caveats=MADE_UP + spec.caveat,
        method=method,
        reference=Reference("England", spec.england, spec.periods[-1]) if spec.england else None,
        sources=(FIGURES,),
        licence="CC0-1.0",
        contact="Common Ground team",
        next_update="Never: it is a demonstration.",
        reviewed_by="Common Ground team",
        reviewed_on=BUILT,
    )


def _stated_error(share: float) -> float:
    """Standard error, in points, of a share that 180 people were asked for, as :func:`_draw` puts limits around it."""
    return round(100 * float(np.sqrt(share * (1 - share) / 180)), 1)


def _national(table: pd.DataFrame) -> NationalBands:
    """Cut points of an invented country that is somewhat better off than the region."""
    value = (100 * table["numerator"] / table["denominator"]).to_numpy() * 0.82
    cuts = {
        classes: tuple(float(x) for x in np.quantile(value, np.arange(1, classes) / classes).round(2))
        for classes in range(3, 8)
    }
    return NationalBands("lsoa", 30_000, "30,000 areas of an invented country (demonstration)", cuts)
