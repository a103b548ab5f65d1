"""The synthetic service lists: invented sites near real postcodes, moved by up to 60 m, with capacities and opening hours.

Lists of everyday services follow where people live. Specialist ones stand in the towns named here, and leave pockets
without, some of them on both sides of an authority's border, because finding those is what the product is for.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from data.demo_build.indicators import FIGURES, seed_of
from data.demo_build.places import BUILT
from layers.model import FIT_FOR, AccessStandard, Audience, Completeness, Descriptor, Kind, Package, Position

TOWNS = {
    "Newcastle": (424_800, 564_500), "Byker": (427_200, 564_400), "West Road": (421_800, 564_400),
    "Gosforth": (424_400, 568_200), "Kenton": (421_800, 567_400), "Gateshead": (425_500, 563_000),
    "Felling": (428_500, 562_000), "Blaydon": (418_400, 563_200), "Birtley": (427_600, 555_600),
    "Wallsend": (430_100, 566_100), "North Shields": (435_500, 568_300), "Whitley Bay": (435_400, 572_200),
    "Killingworth": (428_000, 570_800), "Jarrow": (432_700, 565_300), "South Shields": (436_300, 566_900),
    "Hebburn": (430_800, 564_700), "Sunderland": (439_700, 556_900), "Southwick": (438_300, 558_600),
    "Washington": (430_100, 556_300), "Houghton": (434_000, 549_900), "Hetton": (435_500, 547_400),
    "Durham": (427_300, 542_500), "Chester-le-Street": (427_400, 551_300), "Stanley": (419_600, 552_700),
    "Consett": (410_800, 551_100), "Seaham": (442_600, 549_400), "Peterlee": (442_800, 541_000),
    "Bishop Auckland": (420_800, 529_800), "Spennymoor": (425_600, 533_900), "Newton Aycliffe": (427_400, 524_300),
    "Crook": (416_500, 535_700), "Stanhope": (399_600, 539_200), "Barnard Castle": (405_000, 516_400),
    "Cramlington": (426_700, 576_800), "Blyth": (431_700, 581_500), "Ashington": (427_400, 587_600),
    "Bedlington": (426_100, 581_900), "Morpeth": (419_900, 585_900), "Amble": (426_600, 604_300),
    "Alnwick": (418_800, 613_300), "Berwick": (399_900, 652_900), "Hexham": (393_700, 564_100),
    "Prudhoe": (409_300, 562_900), "Haltwhistle": (370_800, 564_100), "Rothbury": (405_700, 601_700),
    "Wooler": (399_100, 628_100),
}  # fmt: skip

WORDS = ("Riverside", "Harbour", "Millfield", "Bridge", "Meadow", "Cedar", "Lantern", "Kestrel", "Quarry", "Orchard",
         "Viaduct", "Heather", "Beacon", "Willow", "Station", "Chapel", "Grove", "Anchor", "Foundry", "Larkspur",
         "Pennant", "Summit", "Rowan", "Juniper", "Colliery", "Moor", "Terrace", "Linden", "Falcon", "Spring")  # fmt: skip

OFFICE_HOURS = "Monday to Friday 09:00 to 17:00"


@dataclass(frozen=True)
class Spec:
    id: str
    title: str
    themes: tuple[str, ...]
    partner: str
    noun: str  # of a site's name
    category: str
    why: str
    caveat: str
    max_m: float = 0.0  # 0: no standard
    towns: tuple[str, ...] = ()  # one site each, in this order; a town may stand twice
    sites: int = 0  # else as many as this, where people are
    lean: float = 0.0  # how much more often they stand in hard-pressed (above 0) or comfortable places
    busy: float = 0.0  # how much more often in town centres
    apart_m: float = 0.0
    capacity: tuple[int, int] = (1, 1)
    capacity_word: str = ""
    hours: str = OFFICE_HOURS
    eligibility: str = "Anyone who lives in the region"
    referral: str = "Self-referral"
    organisations: tuple[str, ...] = ("Demonstration provider",)
    audience: Audience = Audience.PUBLIC
    completeness: str = "register"
    adopted: bool = False  # whether somebody decided on the distance
    fit_for: tuple[str, ...] = FIT_FOR


LAYERS = (
    Spec(
        "gp-practices", "GP practices", ("health", "children"), "nenc-icb", "surgery", "GP practice",
        adopted=True, sites=205, lean=-0.1, busy=0.2, apart_m=350, max_m=1_600, capacity=(2, 12), capacity_word="doctors",
        hours="Monday to Friday 08:00 to 18:30", referral="Register with the practice",
        why="The practice is the door to nearly everything else the health service offers.",
        caveat="A practice nearby may have no places for new patients.",
    ),
    Spec(
        "pharmacies", "Pharmacies", ("health", "alcohol"), "nenc-icb", "pharmacy", "Pharmacy",
        adopted=True, sites=410, lean=0.05, busy=0.35, apart_m=180, max_m=1_600, hours="Monday to Saturday 09:00 to 17:30",
        referral="Walk in",
        why="Pharmacies are the health service that most people can walk to, without an appointment.",
        caveat="Opening hours differ, and not every pharmacy gives supervised medicines.",
    ),
    Spec(
        "alcohol-drug-services", "Alcohol and drug services", ("alcohol", "health"), "nenc-icb", "recovery service",
        "Drug and alcohol service", max_m=4_000, capacity=(60, 320), capacity_word="people in treatment",
        towns=("Newcastle", "Byker", "Kenton", "Gateshead", "Blaydon", "Wallsend", "North Shields", "South Shields",
               "Sunderland", "Southwick", "Durham", "Peterlee", "Bishop Auckland", "Consett", "Newton Aycliffe",
               "Ashington", "Blyth", "Hexham", "Alnwick", "Berwick", "Houghton"),
        organisations=("Harbour Light Trust (demo)", "Open Door North (demo)", "Northern Recovery (demo)"),
        referral="Self-referral, GP or probation",
        why="Treatment works when people can get to it every week. Each kilometre further, more of them drop out.",
        caveat="The distance of 4,000 m is a planning assumption of the demonstration, not a published standard.",
    ),
    Spec(
        "emergency-departments", "Emergency departments and urgent care", ("health", "alcohol", "crime"), "nenc-icb",
        "hospital", "Emergency department", max_m=12_000, capacity=(40, 260), capacity_word="patients a day",
        towns=("Newcastle", "Gateshead", "South Shields", "Sunderland", "Durham", "Cramlington", "Bishop Auckland",
               "Hexham", "Berwick", "Alnwick", "North Shields", "Ashington", "Peterlee", "Consett"),
        hours="Every day, 24 hours", referral="Walk in or ambulance",
        why="When everything else is too far or closed, this is where people come.",
        caveat="Smaller sites treat minor injuries only.",
    ),
    Spec(
        "sexual-health-clinics", "Sexual health clinics", ("health",), "nenc-icb", "sexual health clinic",
        "Sexual health clinic", max_m=6_000, capacity=(20, 120), capacity_word="appointments a week",
        towns=("Newcastle", "Gateshead", "North Shields", "South Shields", "Sunderland", "Washington", "Durham",
               "Bishop Auckland", "Peterlee", "Blyth", "Ashington", "Hexham", "Alnwick", "Berwick"),
        referral="Self-referral; no name needed",
        why="People use these clinics only when they are close, quick and private, wherever their council border is.",
        caveat="Some clinics open one day a week.",
    ),
    Spec(
        "abuse-slavery-support", "Domestic abuse and modern slavery support", ("modern-slavery", "crime", "children"),
        "harbour-light", "support centre", "Support for victims", completeness="sample", max_m=8_000, capacity=(8, 45),
        capacity_word="people at a time",
        towns=("Newcastle", "Gateshead", "Wallsend", "South Shields", "Sunderland", "Durham", "Seaham", "Stanley",
               "Ashington", "Alnwick", "Bishop Auckland"),
        organisations=("Harbour Light Trust (demo)", "Open Door North (demo)"), hours="Every day, 24 hours by phone",
        referral="Self-referral, police, health or housing",
        why="A victim has a short moment in which help must be near, at any hour, and often in another council's area.",
        caveat="A sample, not a register: offices that may be named in public. Refuges are never on a map.",
    ),
    Spec(
        "licensed-premises", "Premises licensed to sell alcohol", ("alcohol", "crime"), "northumbria-police", "inn",
        "Licensed premises", fit_for=("counts", "ranking"),
        sites=760, lean=0.1, busy=0.55, apart_m=30, hours="See the licence", referral="",
        eligibility="Adults",
        why="Where alcohol is sold cheaply and late, harm gathers within a short walk. Licensing, health and police "
        "hold different halves of that picture.",
        caveat="More premises are not better access to a service; the list has no distance standard.",
    ),
    Spec(
        "food-support", "Food banks and community pantries", ("income", "community"), "open-door", "pantry",
        "Food support", completeness="sample", sites=88, lean=0.55, busy=0.15, apart_m=700, max_m=2_000, capacity=(15, 140),
        capacity_word="households a week", hours="Two days a week",
        organisations=("Open Door North (demo)", "Harbour Light Trust (demo)", "Demonstration provider"),
        why="Hunger does not wait for a bus, and people carry the food home.",
        caveat="A sample, not a register: they are run by volunteers, open and close, and some ask for a referral.",
    ),
    Spec(
        "family-hubs", "Family hubs", ("children", "education"), "durham", "family hub", "Family hub", sites=64,
        lean=0.4, apart_m=1_500, max_m=2_500, capacity=(30, 120), capacity_word="families a week",
        eligibility="Families with children up to 19",
        why="Help in the first years costs least and lasts longest, if parents can walk there with a pram.",
        caveat="What a hub offers differs between authorities.",
    ),
)  # fmt: skip


def build_services(lsoa: gpd.GeoDataFrame, patterns: pd.DataFrame, places: np.ndarray) -> list[Package]:
    """Every service list. ``places``: eastings and northings of the region's postcodes, shape (n, 2), sorted."""
    return [_package(spec, lsoa, patterns, places) for spec in sorted(LAYERS, key=lambda spec: spec.id)]


def _package(spec: Spec, lsoa: gpd.GeoDataFrame, patterns: pd.DataFrame, places: np.ndarray) -> Package:
    rng = seed_of(spec.id)
    tree = cKDTree(places)
    if spec.towns:
        spots = np.array([TOWNS[town] for town in spec.towns], dtype=float)
        near = tree.query(spots, k=25)[1]
        chosen = places[near[np.arange(len(spots)), rng.integers(0, 25, len(spots))]]
        towns = list(spec.towns)
    else:
        chosen = _where_people_are(spec, rng, lsoa, patterns, places)
        names, spots = list(TOWNS), np.array(list(TOWNS.values()), dtype=float)
        towns = [names[i] for i in cKDTree(spots).query(chosen)[1]]
    turn, move = rng.uniform(0, 2 * np.pi, len(chosen)), rng.uniform(10, 60, len(chosen))
    xy = np.round(chosen + np.column_stack([np.cos(turn) * move, np.sin(turn) * move]))
    words = rng.permutation(len(chosen)) % len(WORDS)
    names, seen = [], {}
    for word, town in zip(words, towns, strict=True):
        name = f"{WORDS[word]} {spec.noun}, {town}"
        seen[name] = seen.get(name, 0) + 1
        names.append(f"{name} {seen[name]} (demo)" if seen[name] > 1 else f"{name} (demo)")
    low, high = spec.capacity
    table = pd.DataFrame(
        {
            "service_id": [f"{spec.id}-{i:03d}" for i in range(1, len(chosen) + 1)],
            "name": names,
            "category": spec.category,
            "easting": xy[:, 0],
            "northing": xy[:, 1],
            "address": [f"Demonstration address, {town}" for town in towns],
            "capacity": rng.integers(low, high + 1, len(chosen)).astype(float),
            "opening_hours": spec.hours,
            "eligibility": spec.eligibility,
            "referral": spec.referral,
            "organisation": [spec.organisations[i] for i in rng.integers(0, len(spec.organisations), len(chosen))],
            "as_of": BUILT,
        }
    )
    if high == 1:
        table = table.drop(columns="capacity")
    if not spec.referral:
        table = table.drop(columns="referral")
    return Package(_descriptor(spec, table), table)


def _where_people_are(
    spec: Spec, rng, lsoa: gpd.GeoDataFrame, patterns: pd.DataFrame, places: np.ndarray
) -> np.ndarray:
    """Sites drawn area by area: likelier with more residents, in town centres, and at a distance from each other."""
    lift = spec.lean * patterns["hardship"] + spec.busy * patterns["busy"].clip(-1, 4)
    chance = lsoa["population"].to_numpy() * np.exp(lift.to_numpy())
    order = rng.choice(len(lsoa), size=40 * spec.sites, p=chance / chance.sum())
    middle = lsoa[["centroid_x", "centroid_y"]].to_numpy(dtype=float)
    near = cKDTree(places).query(middle, k=30)[1]
    pick = rng.integers(0, 30, len(order))
    kept: list[np.ndarray] = []
    for area, which in zip(order, pick, strict=True):
        spot = places[near[area, which]]
        if not kept or np.hypot(*(np.array(kept) - spot).T).min() >= spec.apart_m:
            kept.append(spot)
        if len(kept) == spec.sites:
            return np.array(kept)
    raise RuntimeError(f"{spec.id}: only {len(kept)} of {spec.sites} sites are {spec.apart_m:g} m apart")


def _standard(spec: Spec) -> AccessStandard | None:
    return AccessStandard("nearest", spec.max_m, "adopted" if spec.adopted else "assumption") if spec.max_m else None


def _descriptor(spec: Spec, table: pd.DataFrame) -> Descriptor:
    capacity = f" Capacity is {spec.capacity_word}." if spec.capacity_word else ""
    return Descriptor(
        id=spec.id,
        title=spec.title,
        kind=Kind.SERVICES,
        themes=spec.themes,
        partner=spec.partner,
        description=f"{spec.title}: invented sites for the demonstration region.{capacity}",
        access_standard=_standard(spec),
        columns={name: name for name in table.columns},
        period=BUILT[:4],
        audience=spec.audience,
        synthetic=True,
        completeness=Completeness(spec.completeness),
        position=Position.ADDRESS,
        fit_for=spec.fit_for,
        why_it_matters=spec.why,
        caveats="Every site is made up for demonstration; none stands there. " + spec.caveat,
        method="Drawn at random, with a fixed seed, near postcodes of the region, and moved by up to 60 m.",
        sources=(FIGURES,),
        licence="CC0-1.0",
        contact="Common Ground team",
        next_update="Never: it is a demonstration.",
        reviewed_by="Common Ground team",
        reviewed_on=BUILT,
    )
