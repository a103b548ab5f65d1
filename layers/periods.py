"""Periods in order: publishers write 2024, 2023/24, Jan-Apr 2024, 2020 to 2022, 2024 Q2 or 2024-03.

:func:`in_order` sorts such words by the time at which they end, so that the last one is the newest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_NAMES = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_MONTHS = {name: number for number, name in enumerate(_NAMES.split("|"), start=1)}
_MONTH = re.compile(rf"\b({_NAMES})[a-z]*\b", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)((?:18|19|20|21)\d{2})(?!\d)")
_SHORT_END = re.compile(r"(?<!\d)((?:18|19|20|21)\d{2})\s*(?:/|-|–|to)\s*(\d{2})(?![\d-])")
_ISO = re.compile(r"(?<!\d)((?:18|19|20|21)\d{2})-(0[1-9]|1[0-2])(?:-(\d{2}))?(?!\d)")
_QUARTER = re.compile(r"\bq([1-4])\b", re.IGNORECASE)


def in_order(periods: Iterable[str]) -> tuple[str, ...]:
    """The different periods, oldest first. Words without a year come first, in alphabetical order."""
    return tuple(sorted(set(periods), key=_key))


def _key(period: str) -> tuple:
    end, start = _end_and_start(period)
    return (*end, *start, period)


def _end_and_start(period: str) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    if iso := _ISO.findall(period):
        # 2020-21 reads as a financial year, not as a month; 2020-03 as a month; 2001-02 could be either and is a month.
        points = sorted((int(year), int(month), int(day or 0)) for year, month, day in iso)
        return points[-1], points[0]
    years, december = [int(year) for year in _YEAR.findall(period)], 12
    if short := _SHORT_END.search(period):
        first, last = int(short[1]), int(short[2])
        years.append(first // 100 * 100 + last + (100 if last < first % 100 else 0))
        december = 3 if years[-1] == first + 1 else 12  # 2023/24 is a financial year
    if not years:
        return (0, 0, 0), (0, 0, 0)
    months = [_MONTHS[word.lower()[:3]] for word in _MONTH.findall(period)]
    if quarter := _QUARTER.search(period):
        months = [int(quarter[1]) * 3 - 2, int(quarter[1]) * 3]
    # "2024" runs to December: newer than "Jan-Apr 2024".
    return (max(years), months[-1] if months else december, 0), (min(years), months[0] if months else 1, 0)


def months_of(period: str) -> tuple[int, int] | None:
    """The stretch of months that a period names, as (first, one past the last) counted from year 0; None where it names none.

    "2024" is twelve months, "2023/24" runs from April to March, "2020 to 2022" is three years, "2024 Q2" and "2024-03" are what
    they say.
    """
    (last_year, last_month, _), (first_year, first_month, _) = _end_and_start(period)
    if not last_year or not 1 <= first_month <= 12:
        return None
    financial = _SHORT_END.search(period)
    if financial and not _MONTH.search(period) and not _QUARTER.search(period) and last_month == 3:
        first_month = 4
    first, end = first_year * 12 + first_month - 1, last_year * 12 + last_month
    return (first, end) if first < end else None
