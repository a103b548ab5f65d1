"""Every constant about the demonstration region: authorities, sizes, partners and themes.

The seven authorities, their numbers of small areas and wards and their rounded populations are published facts;
everything computed from them is not. Codes begin with D so that they cannot be mistaken for official ones.
"""

from __future__ import annotations

from dataclasses import dataclass

SEED = 20_260_101
BUILT = "2026-01-01"
"""Written into the pack instead of today's date, so that the same script makes the same bytes."""

POSTCODE_AREAS = "NDSTCLHYEGBFK"
"""First letters of the postcodes to load; those further than the frame are dropped at once."""


@dataclass(frozen=True)
class Authority:
    code: str  # ours
    laua: str  # as the postcode directory has it
    name: str
    areas: int
    wards: int
    population: int  # rounded, Census 2021


AUTHORITIES = (
    Authority("DA1", "E08000021", "Newcastle upon Tyne", 180, 26, 300_000),
    Authority("DA2", "E08000037", "Gateshead", 126, 22, 196_000),
    Authority("DA3", "E08000022", "North Tyneside", 133, 20, 209_000),
    Authority("DA4", "E08000023", "South Tyneside", 103, 18, 148_000),
    Authority("DA5", "E08000024", "Sunderland", 185, 25, 274_000),
    Authority("DA6", "E06000057", "Northumberland", 200, 66, 320_000),
    Authority("DA7", "E06000047", "County Durham", 330, 63, 522_000),
)

NEIGHBOURS = {
    "S12000026": "Scottish Borders",
    "S12000006": "Dumfries and Galloway",
    "S12000010": "East Lothian",
    "S12000019": "Midlothian",
    "E06000063": "Cumberland",
    "E06000064": "Westmorland and Furness",
    "E06000065": "North Yorkshire",
    "E06000005": "Darlington",
    "E06000004": "Stockton-on-Tees",
    "E06000001": "Hartlepool",
    "E06000002": "Middlesbrough",
    "E06000003": "Redcar and Cleveland",
}

ALL = tuple(authority.code for authority in AUTHORITIES)
TYNE_AND_WEAR = ("DA1", "DA2", "DA3", "DA4", "DA5")

PARTNERS = (  # id, name, kind, footprint
    ("newcastle", "Newcastle City Council", "council", ("DA1",)),
    ("gateshead", "Gateshead Council", "council", ("DA2",)),
    ("north-tyneside", "North Tyneside Council", "council", ("DA3",)),
    ("south-tyneside", "South Tyneside Council", "council", ("DA4",)),
    ("sunderland", "Sunderland City Council", "council", ("DA5",)),
    ("northumberland", "Northumberland County Council", "council", ("DA6",)),
    ("durham", "Durham County Council", "council", ("DA7",)),
    ("north-east-combined-authority", "North East Combined Authority", "combined-authority", ALL),
    ("nenc-icb", "NHS North East and North Cumbria Integrated Care Board", "icb", ALL),
    ("northumbria-police", "Northumbria Police", "police", (*TYNE_AND_WEAR, "DA6")),
    ("durham-constabulary", "Durham Constabulary", "police", ("DA7",)),
    ("tyne-and-wear-fire", "Tyne and Wear Fire and Rescue Service", "fire", TYNE_AND_WEAR),
    ("northumberland-fire", "Northumberland Fire and Rescue Service", "fire", ("DA6",)),
    ("durham-darlington-fire", "County Durham and Darlington Fire and Rescue Service", "fire", ("DA7",)),
    ("harbour-light", "Harbour Light Trust (demo)", "charity", ("DA3", "DA4", "DA5", "DA7")),
    ("open-door", "Open Door North (demo)", "charity", ("DA1", "DA2", "DA3", "DA6")),
)

THEMES = (  # id, question, lead layer; the names are the catalogue's
    ("alcohol", "Where does alcohol do most harm, and who is far from help?", "alcohol-admissions"),
    ("health", "Where is health worst, and how far is care?", "long-term-conditions"),
    ("crime", "Where do people meet most violence and disorder?", "violence"),
    ("housing", "Where are homes crowded, cold or insecure?", "overcrowding"),
    ("income", "Where do households have least to live on?", "income-deprivation"),
    ("education", "Where do people have fewest qualifications?", "no-qualifications"),
    ("community", "Where are people most cut off from each other?", "loneliness"),
    ("environment", "Where is the air, noise and green space worst?", "air-quality"),
    ("children", "Where do children and older people need most support?", "child-poverty"),
    ("modern-slavery", "Where are the signs of exploitation, and who can help?", "exploitation-risk"),
    ("hmo", "Where are shared homes concentrated, and what comes with them?", "hmo-share"),
)  # fmt: skip

SERVICE_BUFFER_M = 10_000
FRAME_MARGIN_M = 20_000
