"""Crossing water in words: by which bridge, tunnel or ferry people get to a service, and who cannot."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.views import wording
from dashboard.views.wording import counted

MOST_NAMED = 3
ACROSS = "Across water"
"""What areas are called whose every service is across water without a way."""
ACROSS_LABEL = "across water: no way over land or a declared crossing"


AROUND = "over land around water"
POINT = "the middle of a small area’s postcodes, which is close to where its people live on average"
"""The point that distances are measured from; docs/methods/gaps.md says the same at more length."""


def line_words(detour: float = 1.0, *, around: bool) -> str:
    """How a distance is measured: "straight line, over land around water". ``around``: ways over land take the place of lines."""
    line = "straight line" if detour == 1 else f"straight line times {detour:g}"
    return f"{line}, {AROUND}" if around else line


def in_a_line(detour: float = 1.0, *, around: bool) -> str:
    """The same, to follow a distance: "in a straight line (over land around water)"."""
    if detour == 1:
        return f"in a straight line ({AROUND})" if around else "in a straight line"
    return f"(a straight line times {detour:g} for real roads{f', {AROUND}' if around else ''})"


def the_crossing(name: str) -> str:
    """A crossing in a sentence: "the Shields Ferry"; what stands in brackets behind its name is left out."""
    short = re.sub(r"\s*\([^()]*\)$", "", name) or name
    if re.match(r"(?i)the ", short):
        return f"the {short[4:]}"
    return short if re.match(r"\w+['’]s? ", short) else f"the {short}"


def by_crossings(crossings: Sequence[Mapping[str, Any]], residents: float) -> str:
    """ "all of them by the Shields Ferry", or "27,146 of them by the Blaydon Bridge"; "" where nobody crosses.

    Ways over several crossings name each, so the numbers may add up to more than the residents.
    """
    if not crossings:
        return ""
    if len(crossings) == 1 and crossings[0]["residents"] >= residents:
        return f"all of them by {the_crossing(crossings[0]['name'])}"
    named = [f"{row['residents']:,.0f} by {the_crossing(row['name'])}" for row in crossings[:MOST_NAMED]]
    named[0] = named[0].replace(" by ", " of them by ", 1)
    return wording.listing(named)


def crossings_sentence(crossings: Sequence[Mapping[str, Any]]) -> str:
    """Who of those nearer to another authority's service crosses water by what; "" where nobody does."""
    if not crossings:
        return ""
    said = by_crossings(crossings, float("inf"))
    return f"{said.replace(' of them by ', ' of these residents cross water by ', 1)}."


def apart_sentence(apart: Mapping[str, Any]) -> str:
    """The areas that are listed apart; "" for none."""
    if not apart["areas"]:
        return ""
    one = apart["areas"] == 1
    return (
        f"{counted(apart['areas'], 'area')} with {counted(apart['residents'], 'resident')} {'is' if one else 'are'} across water from "
        "every such service, without a way over land or a declared bridge, tunnel or ferry: hatched on the map, and in none of "
        "these numbers."
    )
