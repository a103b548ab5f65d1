"""What a token of a briefing says: ``{{ gaps.residents }}`` becomes "104,200", with where it comes from.

:data:`TOKENS` is the reference, shown in the editor and printed in docs/briefings.md (``python -m
dashboard.briefings.filling.facts``). Numbers come from the views that the screens use, as the *reader* that the briefing's audience
names. A token that has no answer raises :class:`layers.Refused` with one fault: a briefing never prints nothing, or a guess.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from urllib.parse import quote

from dashboard.briefings.filling.asking import TOKENS, Ask, Facts, TokenHelp, Tokens, counted, query_of
from dashboard.briefings.filling.comparing import COMPARING
from dashboard.briefings.filling.exhibit_affected import AFFECTED_TOKENS
from dashboard.briefings.filling.figures import FIGURES
from dashboard.briefings.filling.findings import FINDINGS
from dashboard.briefings.filling.model import Fact
from dashboard.published import Published
from dashboard.views import wording
from dashboard.views.places import names
from layers import Token, Viewer, markdown_table, with_tables

__all__ = ["TOKENS", "Facts", "TokenHelp", "fact", "query_of"]


def fact(
    published: Published,
    token: Token,
    reader: Viewer,
    view: str,
    *,
    author: Viewer | None = None,
    made_on: date | None = None,
) -> Fact:
    """What one token says to ``reader``; ``view`` is the query that it uses unless it names its own.

    Raises :class:`Refused` with one fault, which says what is wrong and what to write instead; page and line are for the caller
    to add. For the tokens of a whole page or briefing make one :class:`Facts`.
    """
    return Facts(published, reader, author=author, made_on=made_on).fact(token, view)


REGION = Tokens()
token = REGION.add

# ---- the region ---------------------------------------------------------------------------------------------------------


@token("region.name", "", "Name of the region", "")
def _(ask: Ask) -> Fact:
    return Fact(ask.region.name, link="/")


@token("region.residents", "", "Residents of the region", "")
def _(ask: Ask) -> Fact:
    people = float(ask.region.areas["lad"]["population"].sum())
    return counted(people, "residents", detail=f"All residents of {ask.region.name}.", link="/")


def _count_of_level(level: str):
    def say(ask: Ask) -> Fact:
        n = len(ask.region.areas[level])
        return counted(n, wording.LEVEL_WORDS[level][1], detail=f"{ask.region.name}, {ask.region.vintages[level]}.")

    return say


token("region.areas", "", "How many small areas the region has", "")(_count_of_level("lsoa"))
token("region.wards", "", "How many wards it has", "")(_count_of_level("ward"))
token("region.authorities", "", "How many local authorities it has", "")(_count_of_level("lad"))


@token("region.authority_names", "", "The names of its local authorities (twelve at most)", "")
def _(ask: Ask) -> Fact:
    return Fact(wording.listing(ask.region.areas["lad"]["name"].tolist(), 12))


@token("region.partners", "", "How many organisations are partners", "")
def _(ask: Ask) -> Fact:
    detail = wording.listing([partner.name for partner in ask.region.partners], 40)
    return counted(len(ask.region.partners), "partners", detail=detail)


# ---- one area -----------------------------------------------------------------------------------------------------------


def _area(ask: Ask):
    code = ask.must("area")
    level, i = ask.facts.area(code)
    return ask.region.areas[level].iloc[i], f"/areas/{quote(code)}"


@token("area.name", "area", "Name of an area", "area=DW001")
def _(ask: Ask) -> Fact:
    row, link = _area(ask)
    return Fact(str(row["name"]), link=link)


@token("area.residents", "area", "Its residents", "area=DW001")
def _(ask: Ask) -> Fact:
    row, link = _area(ask)
    return counted(row["population"], "residents", detail=f"All residents of {row['name']}.", link=link)


@token("area.authority", "area", "The local authority that it lies in", "area=DW001")
def _(ask: Ask) -> Fact:
    row, link = _area(ask)
    return Fact(names(ask.published, "lad").get(row["lad_code"], ""), link=link)


# ---- the day ------------------------------------------------------------------------------------------------------------


@token("made", "", "The day on which these numbers were worked out", "")
def _(ask: Ask) -> Fact:
    return Fact(wording.day(ask.facts.made_on))


@token("made.year", "", "Its year", "")
def _(ask: Ask) -> Fact:
    return Fact(str(ask.facts.made_on.year))


# ---- all of them --------------------------------------------------------------------------------------------------------

COUNTED = (
    "region.residents", "region.areas", "region.wards", "region.authorities", "region.partners", "area.residents", "count",
    "count.residents", "services.count", "access.residents_beyond", "gaps.areas", "gaps.residents", "gaps.communities",
    "gaps.shared", "gaps.shared_residents", "gaps.firm", "gaps.sure", "gaps.near_misses", "gaps.vanish",
    "community.residents", "community.areas", "together.residents", "together.misjudged", "together.misjudged_areas",
    "together.without_own", "together.authority_residents", "site.residents", "site.more",
)  # fmt: skip
"""Tokens that are a bare number, with ``unit=yes`` "1 small area" or "63 small areas", and with ``spoken=yes`` rounded as spoken."""
FAMILIES = (
    "region", "area", "layer", "value", "whole", "highest", "lowest", "worst", "best", "middle", "count", "change", "services",
    "access", "gaps", "community", "affected", "together", "site", "made",
)  # fmt: skip
"""The order of the reference."""


def _all() -> Tokens:
    """In the order of the reference, with what several tokens share."""
    found = FIGURES | FINDINGS | COMPARING | AFFECTED_TOKENS | REGION
    for name in COUNTED:
        found[name] = replace(found[name], arguments=f"{found[name].arguments} [unit] [spoken]".strip())
    return Tokens(sorted(found.items(), key=lambda item: FAMILIES.index(item[0].split(".")[0])))


TOKENS.update(_all())


# ---- the reference ------------------------------------------------------------------------------------------------------

FILE = Path(__file__).parents[3] / "docs" / "briefings.md"


def tables() -> dict[str, str]:
    """The generated tables of docs/briefings.md by their name in it."""
    from dashboard.briefings.filling.exhibits import EXHIBIT_HELP

    tokens = [
        (f"`{name}`", f"`{help_.arguments}`" if help_.arguments else "", help_.says, f"`{help_.example}`")
        for name, help_ in TOKENS.items()
    ]
    exhibits = [
        (
            f"`{each.kind}`",
            f"`{each.type}`" if each.type else "",
            each.says,
            ", ".join(f"`{name}`" for name in each.takes),
        )
        for each in EXHIBIT_HELP.values()
    ]
    return {
        "tokens": markdown_table(("token", "arguments", "says", "example"), tokens),
        "exhibits": markdown_table(("kind", "type", "shows", "settings"), exhibits),
    }


if __name__ == "__main__":
    FILE.write_text(with_tables(FILE.read_text("utf-8"), tables(), FILE), "utf-8")
