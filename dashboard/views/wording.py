"""Numbers, intervals and statuses in words. Every number on a screen, page or export passes through here.

``assets/wording.js`` says the same in the browser; ``tests/dashboard/wording_cases.json`` holds both to it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

import numpy as np

from layers import KEYS

LEVEL_WORDS = {
    "lsoa": ("small area", "small areas"),
    "ward": ("ward", "wards"),
    "lad": ("local authority", "local authorities"),
}
LEVEL_SHORT = {"lsoa": "Small areas", "ward": "Wards", "lad": "Authorities"}

SHOW_WORDS = {"need": "Need", "access": "Access", "gap": "Gap"}
METRIC_WORDS = {
    "nearest": "Distance to the nearest",
    "coverage": "Number within reach",
    "e2sfca": "Capacity for its people",
}

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


def count_of(n: int, level: str) -> str:
    """ "1 ward", "1,257 small areas"."""
    one, many = LEVEL_WORDS[level]
    return f"{n:,} {one if n == 1 else many}"


def distance(metres: float | None) -> str:
    """ "850 m", "2.4 km"."""
    if metres is None or not math.isfinite(metres):
        return "–"
    if metres < 995:
        return f"{round(metres / 10) * 10:,} m"
    return f"{metres / 1000:,.1f} km"


def listing(words: Sequence[str], most: int = 6) -> str:
    """ "Gateshead, Sunderland and 3 more"; "A and B"."""
    words = [str(word) for word in words]
    if len(words) > most:
        return f"{', '.join(words[:most])} and {len(words) - most:,} more"
    if len(words) <= 1:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def day(value: date | str) -> str:
    """ "22 November 2026", of a date or its ISO text; a text that is no date stays as it is."""
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value[:10])
        except ValueError:
            return value
    return f"{value.day} {value:%B %Y}"
