"""What share of each authority's people live where something is: for the sentence above the map and the bars beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dashboard.published import Published
from dashboard.views.places import names


@dataclass(frozen=True)
class AuthorityShare:
    """``share`` 0-1 of the authority's residents in view; ``people`` how many they are."""

    code: str
    name: str
    share: float
    people: float


def authority_shares(
    published: Published, level: str, in_view: np.ndarray, chosen: np.ndarray
) -> tuple[AuthorityShare, ...]:
    """Every authority that has people in view, the largest share first. ``chosen`` says of every area whether it counts."""
    areas = published.region.areas[level]
    people = np.where(in_view, areas["population"].to_numpy("float64"), 0.0)
    lads, named = areas["lad_code"].to_numpy(object), names(published, "lad")
    found = []
    for code in dict.fromkeys(lads[people > 0]):
        here = lads == code
        some = float(people[here & chosen].sum())
        found.append(AuthorityShare(code, named.get(code, code), some / float(people[here].sum()), some))
    return tuple(sorted(found, key=lambda each: (-each.share, each.name)))
