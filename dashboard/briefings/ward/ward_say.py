"""What somebody can say aloud about an area: the one thing to know, three sentences, and whom to ring.

A sentence says only what the rows of the sheet say: people are rounded as they are spoken of, a list that is not known to hold all
there are is called one "that we know of", and a list that is not fit to count by counts nobody.
"""

from __future__ import annotations

from dashboard.briefings.ward.ward_model import ContactRow, GapRow, NeedRow, ServiceRow
from dashboard.briefings.ward.ward_shared import Shared
from dashboard.views import wording
from dashboard.views.area import AreaProfile
from dashboard.views.gap_words import a_site, nearest_words

MOST_CONTACTS = 4


def spoken(people: float) -> str:
    """ "6,600", "150": a number of people as it is said aloud."""
    step = 10 if people < 1_000 else 100 if people < 100_000 else 1_000
    return f"{max(round(people / step) * step, step):,}" if people >= 0.5 else "nobody"


def told_first(services: tuple[ServiceRow, ...], residents: float) -> ServiceRow | None:
    """The list that most can be said about: everybody beyond, then most people beyond, then the nearest."""
    able = [row for row in services if row.mark != "idle" and row.verdict != "Cannot say"]
    return max(able, key=lambda row: (row.beyond or 0.0, row.sample == "", -row.number), default=None)


def headline(shared: Shared, name: str, needs, services, gaps: tuple[GapRow, ...], residents: float) -> str:
    """One sentence: what is far from everybody, else the largest gap, else that there is none."""
    row = told_first(services, residents)
    if row is not None and row.beyond_words == "everybody":
        return f"Everybody here lives over {row.standard} from {_listed(shared, row, 'a')}."
    if gaps:
        first = gaps[0]
        said = f"{wording.small(first.theme)}{_by(first.sample)}"
        return f"{_people(first.residents, residents)} live where need is high and help is far: {said}."
    if row is not None and row.beyond_words == "nobody":
        return f"Everybody here lives within {row.standard} of {_known(shared, row, 'a')}."
    bad = worst_of(needs)
    if bad is not None:
        does = "does" if bad.words.startswith("worse") else "is" if bad.words.startswith("among") else "stands"
        return f"{name} {does} {bad.words} on “{bad.title}”."
    return f"What the data says about {name}."


def sentences(
    shared: Shared, profile: AreaProfile, needs: tuple[NeedRow, ...], services: tuple[ServiceRow, ...], gaps: tuple[GapRow, ...],
    residents: float,
) -> tuple[str, ...]:  # fmt: skip
    """Three at most: how far help is, how the area stands, and what to ask for."""
    out = (
        _far(shared, services, residents),
        _stands(shared, profile, needs),
        _ask_for(shared, profile, services, gaps, residents),
    )
    return tuple(sentence for sentence in out if sentence)


def _far(shared: Shared, services: tuple[ServiceRow, ...], residents: float) -> str:
    row = told_first(services, residents)
    if row is None:
        return ""
    if row.beyond_words == "everybody":
        least = f" Nobody here is closer than {row.least}." if row.least and row.least != row.distance else ""
        return f"{wording.capital(_known(shared, row, 'the nearest'))} is {row.distance} away, in {row.place}.{least}"
    if row.beyond_words == "nobody":
        return f"Everybody here lives within {row.standard} of {_known(shared, row, 'a')}."
    return f"{_people(row.beyond or 0.0, residents)} live more than {row.standard} from {_listed(shared, row, 'the nearest')}."


def _stands(shared: Shared, profile: AreaProfile, needs: tuple[NeedRow, ...]) -> str:
    of = len(shared.published.region.areas[shared.level])
    many = wording.LEVEL_WORDS[shared.level][1]
    known = [row for row in needs if row.place is not None and row.rank]
    if not known or of < 2:
        return ""
    row = worst_of(needs)
    if row is None:
        return f"On none of the {len(known)} measures on this sheet are we worse off than most of the {of:,} {many}."
    middle = f", where the middle one has {row.middle}" if row.middle else ""
    rank, _, total = row.rank.partition(" of ")
    place = (
        f"the worst of {total} {many}" if rank == "1" else f"number {rank} of {total} {many}, counted from the worst"
    )
    return f"On “{row.title}” we are {place}: {row.figure}{middle}."


def _ask_for(shared: Shared, profile: AreaProfile, services, gaps: tuple[GapRow, ...], residents: float) -> str:
    if gaps:
        first = gaps[0]
        shared_with = f" It is part of {first.communities}." if first.shared and first.communities else ""
        end = " We should ask for it together." if first.shared else ""
        return f"{_people(first.residents, residents)} live in a gap for {wording.small(first.theme)}{_by(first.sample)}.{shared_with}{end}"
    across = [row for row in services if row.across_border]
    if across:
        row = across[0]
        return (
            f"{wording.capital(_known(shared, row, 'the nearest'))} stands in {row.place}. We should plan it together."
        )
    if shared.asked:
        return "None of the questions that are asked of every area finds a gap here. That says nothing about single people."
    return ""


def worst_of(needs: tuple[NeedRow, ...]) -> NeedRow | None:
    """The measure on which the area stands worst, where that is worth saying."""
    bad = [row for row in needs if row.place is not None and row.rank and row.place >= 60]
    return max(bad, key=lambda row: row.place, default=None)


def _people(n: float, of: float) -> str:
    """ "About 6,600 of our 10,500 people", "All of our 1,600 people"."""
    if of > 0 and n >= of - 0.5:
        return f"All of our {spoken(of)} people"
    return f"About {spoken(n)} of our {spoken(of)} people"


def _by(sample: str) -> str:
    return f", in this {sample.removeprefix('a ')}" if sample else ""


def _listed(shared: Shared, row: ServiceRow, article: str) -> str:
    """Of a list by which people are counted: "a drug and alcohol service in this sample of 9 sites"."""
    words = _known(shared, row, article).removesuffix(" that we know of")
    return f"{words} in this {row.sample.removeprefix('a ')}" if row.sample else words


def _known(shared: Shared, row: ServiceRow, article: str) -> str:
    """ "the nearest drug and alcohol service that we know of"; of a register without the doubt."""
    layer = next(layer for layer in shared.services if layer.id == row.layer_id)
    thing = a_site((layer,)) if article == "a" else f"the {nearest_words((layer,))}"
    return f"{thing} that we know of" if row.sample else thing


NO_NUMBER = "No number has been given to this site: ask its switchboard for whoever plans this service."


def contacts_of(shared: Shared, profile: AreaProfile) -> tuple[ContactRow, ...]:
    """Roles of the partners that serve the area: its council first, then those of several councils; then the partnership's. Where
    none has given a contact, the council by its name."""
    region = shared.published.region
    mine = [partner for partner in region.partners if profile.lad_code in partner.footprint]
    first = ("council", "icb")
    mine.sort(key=lambda partner: (first.index(partner.kind) if partner.kind in first else 9, len(partner.footprint)))
    found = [(partner.name, partner.contact) for partner in mine if partner.contact]
    if region.brand.contact:
        found.append((region.brand.name or region.name, region.brand.contact))
    if not found:  # nobody is invented: whose area it is, and that no number is known here
        names = [partner.name for partner in mine if partner.kind == "council"] or [
            f"the council of {profile.lad_name}"
        ]
        return tuple(ContactRow(f"{wording.capital(name)}. {NO_NUMBER}", "", "") for name in names[:2])
    rows = []
    for name, contact in found[:MOST_CONTACTS]:
        who = contact.role if name in contact.role else f"{contact.role}, {name}" if contact.role else name
        rows.append(ContactRow(who, contact.phone, contact.email))
    return tuple(rows)
