"""Numbers, intervals and statuses in words. Every number on a screen, page or export passes through here.

``assets/wording.js`` says the same in the browser; ``tests/dashboard/wording_cases.json`` holds both to it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

import numpy as np

from layers import KEYS, NOT_STATED

LEVEL_WORDS = {
    "lsoa": ("small area", "small areas"),
    "ward": ("ward", "wards"),
    "lad": ("local authority", "local authorities"),
}
LEVEL_SHORT = {"lsoa": "Small areas", "ward": "Wards", "lad": "Authorities"}

SHOW_WORDS = {"need": "Need", "access": "Access", "gap": "Gap"}

STATUS_WORDS = {
    "ok": "Published for this area",
    "converted": "Worked out from other areas",
    "suppressed": "Withheld to protect people",
    "missing": "No figure",
}
STATUS_SENTENCES = {
    "ok": "Published for exactly this area.",
    "converted": "Converted: rebuilt from figures for other areas.",
    "suppressed": "Withheld: the number is so small that people might be recognised.",
    "missing": "Nobody has published a figure for this area.",
}
STATUS_SHORT = {"ok": "", "converted": "Converted", "suppressed": "Withheld", "missing": "No figure"}
MEASURE_WORDS = KEYS["measure"].said
AUDIENCE_WORDS = KEYS["audience"].said


HEADLINE_TO_WRITE = "Say the one point of this page here"
"""The headline of a page that nobody has written yet."""
TO_WRITE = (HEADLINE_TO_WRITE, "Say why it matters, in a sentence or two")
"""What stands in a text for its author to replace. No text is published with it."""


def still_to_write(text: str) -> str:
    """The first placeholder of a text; "" in one that somebody has written."""
    return next((words for words in TO_WRITE if words in text), "")


def decimals_for(values: Sequence[float] | np.ndarray, declared: int | None = None) -> int:
    """How many decimals to show: the declared number, else enough for about three figures of the middle value."""
    if declared is not None:
        return declared
    numbers = np.asarray(values, dtype="float64")
    numbers = numbers[np.isfinite(numbers)]
    # 7 / 100 * 100 is 7.000000000000001: as good as whole
    if not numbers.size or np.allclose(numbers, np.rint(numbers), rtol=0, atol=1e-9):
        return 0
    middle = float(np.median(np.abs(numbers)))
    if middle >= 100:
        return 0
    if middle >= 1:
        return 1
    return 2 if middle >= 0.1 else 3


def number(value: float | None, decimals: int = 0) -> str:
    """1234.5 -> "1,234.5"; an en dash for what is not a number. A rounded -0 reads 0."""
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{value:,.{decimals}f}"
    if text.startswith("-") and not any(digit in text for digit in "123456789"):
        text = text[1:]
    return text.replace("-", "−")


def exactly(value: float, decimals: int = 0) -> str:
    """A threshold that is stated as it is: with the fewest decimals, ``decimals`` at least, that do not change it."""
    for places in range(decimals, 13):
        if math.isclose(round(value, places), value, rel_tol=1e-11, abs_tol=1e-12):
            return number(value, places)
    return number(value, 12)


def beside(value: float | None, limit: float, decimals: int = 0) -> str:
    """A number that is read next to a limit: with as many decimals as it takes to lie on the same side of it in print as it does
    in truth ("79.6" beside "80 or more", not "80")."""
    if value is None or not math.isfinite(value):
        return number(value)
    for places in range(decimals, 13):
        shown = round(value, places)
        if (shown < limit, shown > limit) == (value < limit, value > limit):
            return number(value, places)
    return number(value, 12)


def with_unit(value: float | None, unit: str, decimals: int = 0) -> str:
    """ "23.4% of households", "6.1 per 1,000 residents"; the unit follows directly when it begins with %."""
    text = number(value, decimals)
    if text == "–" or not unit:
        return text
    return f"{text}{unit}" if unit.startswith("%") else f"{text} {unit}"


def short_unit(value: float | None, unit: str, decimals: int = 0) -> str:
    """For lists whose heading says the unit: "23.4%", "6.1"."""
    text = number(value, decimals)
    return f"{text}%" if unit.startswith("%") and text != "–" else text


def interval(lower: float | None, upper: float | None, decimals: int = 0) -> str:
    """ "95% interval 8.1 to 12.9"; "" where there is none."""
    if lower is None or upper is None or not (math.isfinite(lower) and math.isfinite(upper)):
        return ""
    return f"95% interval {number(lower, decimals)} to {number(upper, decimals)}"


def counted(n: float, one: str, many: str = "") -> str:
    """ "1 site", "3 sites", "1,257 communities"; ``many`` where it is not ``one`` with an s."""
    text = f"{n:,.0f}"
    return f"{text} {one if text == '1' else many or one + 's'}"


def spoken(n: float) -> str:
    """A number of people as one says it, to three figures: 129,345 -> "129,000", 4,512 -> "4,510", 87 -> "87"."""
    if not n > 0:
        return "0"
    step = 10 ** max(math.floor(math.log10(n)) - 2, 0)
    return f"{math.floor(n / step + 0.5) * step:,.0f}"


def count_of(n: int, level: str) -> str:
    """ "1 ward", "1,257 small areas"."""
    return counted(n, *LEVEL_WORDS[level])


def distance(metres: float | None) -> str:
    """ "850 m", "2.4 km"."""
    if metres is None or not math.isfinite(metres):
        return "–"
    if metres < 995:
        return f"{round(metres / 10) * 10:,} m"
    return f"{metres / 1000:,.1f} km"


def cost_words(cost: float | None, unit: str) -> str:
    """What was measured, metres or minutes: "850 m", "5 km", "6.2 km", "24 minutes"."""
    if cost is None or not math.isfinite(cost):
        return "–"
    if unit == "min":
        return counted_minutes(f"{cost:.1f}".removesuffix(".0") if cost < 30 else f"{cost:.0f}")
    return distance(cost).replace(".0 km", " km")


def cost_beside(cost: float | None, limit: float | None, unit: str) -> str:
    """As :func:`cost_words`, next to a standard: "1,604 m" beside "more than 1.6 km", not "1.6 km"."""
    if cost is None or limit is None or not (math.isfinite(cost) and math.isfinite(limit)):
        return cost_words(cost, unit)
    metres = round(cost / 10) * 10 if cost < 995 else round(cost / 1000, 1) * 1000
    shown = round(cost, 1 if cost < 30 else 0) if unit == "min" else metres
    if (shown < limit, shown > limit) == (cost < limit, cost > limit):
        return cost_words(cost, unit)
    return counted_minutes(beside(cost, limit, 1)) if unit == "min" else f"{beside(cost, limit)} m"


def standard_words(limit: float | None, unit: str = "m") -> str:
    """A standard that somebody chose, never rounded: "847 m", "1.6 km", "1.25 km", "1,234.5 m", "1 minute"."""
    if limit is None or not math.isfinite(limit):
        return "–"
    if unit == "min":
        return counted_minutes(f"{limit:,.10g}")
    return f"{limit / 1000:,.10g} km" if limit >= 1000 and limit % 10 == 0 else f"{limit:,.10g} m"


def counted_minutes(said: str) -> str:
    return f"{said} minute{'' if said == '1' else 's'}"


def percent(share: float) -> str:
    """Never 0% for some, never 100% for not quite all."""
    percent = 100 * share
    if 0 < percent < 1:
        return "under 1%"
    if 99 < percent < 100:
        return "over 99%"
    return f"{percent:.0f}%"


def two_costs(before: float, after: float, unit: str) -> tuple[str, str]:
    """Two measured ways that differ, told apart: "1,318 m" and "1,296 m", never "1.3 km" twice."""
    said = cost_words(before, unit), cost_words(after, unit)
    if said[0] != said[1] or before == after:
        return said
    if unit == "min":
        return counted_minutes(beside(before, after, 1)), counted_minutes(beside(after, before, 1))
    return f"{beside(before, after)} m", f"{beside(after, before)} m"


def sure_percent(share: float) -> str:
    """Rounded down, so that 59.9% is never called 60% and "borderline" in one breath."""
    return f"{int(100 * share + 1e-9)}%"


def listing(words: Sequence[str], most: int = 6) -> str:
    """ "Gateshead, Sunderland and 3 more"; "A and B"."""
    words = [str(word) for word in words]
    if len(words) > most:
        return f"{', '.join(words[:most])} and {len(words) - most:,} more"
    if len(words) <= 1:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def capital(text: str) -> str:
    """The text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def small(title: str) -> str:
    """A title within a sentence: "GP practices" stays as it is."""
    head = title.split(" ")[0]
    return title if head[1:] != head[1:].lower() else title[:1].lower() + title[1:]


def reuse(licence: str) -> str:
    """A licence as readers are told it: one that its publisher does not name is no licence, and what to do about it is said."""
    return KEYS["licence"].said[NOT_STATED] if "not stated" in licence.lower() else licence


def day(value: date | str) -> str:
    """ "22 November 2026", of a date or its ISO text; a text that is no date stays as it is."""
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value[:10])
        except ValueError:
            return value
    return f"{value.day} {value:%B %Y}"
