"""Authorities whose code changed: the one list of them, from ONS's code history database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

FORMER_AUTHORITIES: dict[str, tuple[str, int]] = {
    # code that is no longer in use: (its successor, the year from which)
    "E06000048": ("E06000057", 2013),
    "E08000020": ("E08000037", 2013),
    "E07000097": ("E07000242", 2013),
    "E07000100": ("E07000240", 2013),
    "E07000101": ("E07000243", 2013),
    "E07000104": ("E07000241", 2013),
    "S12000015": ("S12000047", 2018),
    "S12000024": ("S12000048", 2018),
    "S12000046": ("S12000049", 2019),
    "S12000044": ("S12000050", 2019),
    **dict.fromkeys(("E06000028", "E06000029", "E07000048"), ("E06000058", 2019)),
    **dict.fromkeys(("E07000049", "E07000050", "E07000051", "E07000052", "E07000053"), ("E06000059", 2019)),
    **dict.fromkeys(("E07000201", "E07000204"), ("E07000245", 2019)),
    **dict.fromkeys(("E07000205", "E07000206"), ("E07000244", 2019)),
    **dict.fromkeys(("E07000190", "E07000191"), ("E07000246", 2019)),
    **dict.fromkeys(("E07000004", "E07000005", "E07000006", "E07000007"), ("E06000060", 2020)),
    **dict.fromkeys(("E07000150", "E07000152", "E07000153", "E07000156"), ("E06000061", 2021)),
    **dict.fromkeys(("E07000151", "E07000154", "E07000155"), ("E06000062", 2021)),
    **dict.fromkeys(("E07000026", "E07000028", "E07000029"), ("E06000063", 2023)),
    **dict.fromkeys(("E07000027", "E07000030", "E07000031"), ("E06000064", 2023)),
    **dict.fromkeys((f"E0700016{digit}" for digit in range(3, 10)), ("E06000065", 2023)),
    **dict.fromkeys(("E07000187", "E07000188", "E07000189", "E07000246"), ("E06000066", 2023)),
    "E08000016": ("E08000038", 2025),
    "E08000019": ("E08000039", 2025),
}
"""Nine digits that look alike are not the same place: most of these authorities were also merged or redrawn."""


def other_codes(current: Collection[str]) -> dict[str, str]:
    """Every former or newer code that is not one of ``current`` -> the code of ``current`` that stands for its land, else the newest.

    A newer code is answered with an older one only where that was one authority: a merged one has no single former code.
    """
    out = {}
    once = Counter(new for new, _ in FORMER_AUTHORITIES.values())
    for old, (new, _) in FORMER_AUTHORITIES.items():
        if old not in current:
            while new not in current and new in FORMER_AUTHORITIES:
                new = FORMER_AUTHORITIES[new][0]
            out[old] = new
        elif new not in current and once[new] == 1:
            out[new] = old
    return out
