"""Numbers as people say them in a meeting: rounded people, "one in fifteen", "twice the England share".

Each is a rule, so that the same number is always said the same way, and nothing is said that the exact figure beside it denies. The
rules stand in docs/methods.md, *As spoken*.
"""

from __future__ import annotations

import math

WORDS = (
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
SAME = 0.05
"""Two figures that differ by less than this share of the one compared with are about the same."""

_FRACTIONS = (
    *((1, n) for n in range(2, 21)), (2, 3), (3, 4), (4, 5), (9, 10), (2, 5), (3, 5), (3, 10), (7, 10), (3, 8), (5, 8), (5, 6), (7, 8),
)  # fmt: skip
_TIMES = (
    # from this ratio up to the next: what stands before "the England share"
    (0.0, "less than a tenth of"), (0.1, "less than a fifth of"), (0.19, "a fifth of"), (0.21, "less than a quarter of"),
    (0.24, "a quarter of"), (0.26, "less than a third of"), (0.32, "a third of"), (0.35, "less than half"),
    (0.48, "half"), (0.52, "just over half"), (0.59, "two fifths below"), (0.63, "a third below"), (0.7, "a quarter below"),
    (0.78, "a fifth below"), (0.86, "a tenth below"), (0.93, "just below"), (1 - SAME, "about the same as"),
    (1 + SAME, "just above"), (1.075, "a tenth above"), (1.15, "a fifth above"), (1.225, "a quarter above"),
    (1.29, "a third above"), (1.42, "one and a half times"), (1.6, "two thirds above"), (1.8, "nearly twice"),
    (1.95, "twice"), (2.05, "more than twice"), (2.4, "two and a half times"), (2.6, "nearly three times"),
    (2.93, "three times"), (3.07, "more than three times"),
)  # fmt: skip


def people(n: float) -> str:
    """Three figures at most, as nobody says more: 57 -> "57", 843 -> "840", 4,412 -> "4,400", 132,096 -> "132,000", "1.99 million"."""
    if n < 100:
        return f"{n:,.0f}"
    if n < 1_000:
        return f"{_to(n, 10):,.0f}"
    if n < 10_000:
        return f"{_to(n, 100):,.0f}"
    if n < 999_500:
        return f"{_to(n, 1_000):,.0f}"
    millions = f"{n / 1_000_000:.2f}".rstrip("0").rstrip(".")
    return f"{millions} million"


def _to(n: float, step: int) -> float:
    return math.floor(n / step + 0.5) * step


def word(n: int) -> str:
    """ "seven", "25"."""
    return WORDS[n] if 0 <= n < len(WORDS) else f"{n:,}"


def one_in(share: float) -> str:
    """A share as a fraction of people: "half", "two in three", "one in fifteen", "one in 25", "one in 400".

    The nearest of those that are said; beyond twenty rounded to fives, tens, and so on. Never "one in 1" for not quite all, and
    never "none" for some.
    """
    if not share > 0:
        return "none"
    if share > 0.95:
        return "all" if share >= 1 else "nearly all"
    if 0.52 < share < 0.575:
        return "more than half"
    if share >= 0.0475:
        top, base = min(_FRACTIONS, key=lambda each: (abs(math.log(share * each[1] / each[0])), each[0]))
        return "half" if (top, base) == (1, 2) else f"{WORDS[top]} in {WORDS[base]}"
    base = 1 / share
    step = 5 if base < 97.5 else 10 if base < 295 else 50 if base < 975 else 10 ** (int(math.log10(base)) - 1)
    return f"one in {_to(base, step):,.0f}"


def of_people(share: float, who: str = "residents") -> str:
    """ "half of residents", "one in fifteen residents", "all residents": the beginning of a sentence in the plural."""
    said = one_in(share)
    if said == "none":
        return f"no {who}"
    return f"{said} of {who}" if said.endswith("half") else f"{said} {who}"


def times(value: float, other: float) -> str:
    """What stands between a figure and the one that it is compared with: "twice", "half", "about the same as", "a third above";
    "" where one of them is not above nought."""
    if not (math.isfinite(value) and math.isfinite(other)) or other <= 0 or value <= 0:
        return ""
    ratio = value / other
    if ratio >= 3.5:
        return (
            f"{word(int(ratio + 1e-9))} times"
            if ratio - int(ratio + 1e-9) < 0.1
            else f"more than {word(int(ratio))} times"
        )
    return next(said for least, said in reversed(_TIMES) if ratio >= least - 1e-9)


def against(value: float, other: float, whose: str) -> str:
    """ "twice the England share", "half the England share", "about the same as the England share"."""
    said = times(value, other)
    return f"{said} {whose}" if said else ""


def finding(value: float, other: float, word_: str, what: str, whose: str) -> str:
    """The rest of a sentence that begins with who: "has twice the England share of overcrowded homes", "has about the same share of
    overcrowded homes as England", "is a third above England for overcrowded homes"."""
    said = times(value, other)
    if not said:
        return ""
    if said.startswith("about"):
        return f"has about the same {word_} of {what} as {whose}"
    if said.endswith((" above", " below")):
        return f"is {said} {whose} for {what}"
    possessive = f"the {whose} {word_} of {what}" if whose == "England" else f"the {word_} of {what} that {whose} has"
    return f"has {said} {possessive}"
