"""Periods in order: publishers write 2024, 2023/24, 202324, Jan-24, 2023M04, Q3 2024, Jan-Apr 2024, 2020 to 2022 or 2024-03.

:func:`in_order` sorts such words by the time at which they end, so that the last one is the newest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

_NAMES = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_MONTHS = {name: number for number, name in enumerate(_NAMES.split("|"), start=1)}
_MONTH = re.compile(rf"\b({_NAMES})[a-z]*\b", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)((?:18|19|20|21)\d{2})(?!\d)")
_SHORT_END = re.compile(
    rf"(?<!\d)((?:18|19|20|21)\d{{2}})\s*(?:/|-|–|to)\s*(\d{{2}})(?![\d-]|\s*(?:{_NAMES}))", re.IGNORECASE
)
_ISO = re.compile(r"(?<!\d)((?:18|19|20|21)\d{2})-(0[1-9]|1[0-2])(?:-(\d{2}))?(?!\d)")
_QUARTER = re.compile(r"(?:\b|(?<=\d))q([1-4])\b", re.IGNORECASE)
_SIX = re.compile(r"((?:18|19|20|21)\d{2})(\d{2})")

_Point = tuple[int, int, int]
_Span = tuple[_Point, _Point]  # end, start


def _of_months(first: tuple[int, int], last: tuple[int, int]) -> _Span:
    return (*last, 0), (*first, 0)


def _six(found: re.Match) -> _Span | None:
    """``202324``: the financial year 2023/24 where the last two digits are those of the next year, else a month."""
    year, rest = int(found[1]), int(found[2])
    if rest == (year + 1) % 100:
        return _of_months((year, 1), (year + 1, 3))
    return _of_months((year, rest), (year, rest)) if 1 <= rest <= 12 else None


def _century(two: str) -> int:
    """The year that two digits stand for: 24 is 2024, 98 is 1998."""
    return (2000 if int(two) < 70 else 1900) + int(two)


def _month(name: str) -> int:
    return _MONTHS[name.lower()[:3]]


SPELLINGS: tuple[tuple[str, Callable[[re.Match], _Span | None]], ...] = (
    # the whole of a period as a regular expression -> its end and its start
    (rf"({_NAMES})[a-z]*[-\s/.']*(\d\d)", lambda m: _of_months(*[(_century(m[2]), _month(m[1]))] * 2)),  # Jan-24
    (rf"(\d\d)[-\s/.]({_NAMES})[a-z]*", lambda m: _of_months(*[(_century(m[1]), _month(m[2]))] * 2)),  # 24-Jan
    (r"((?:18|19|20|21)\d\d)\s*[-/]?\s*M(\d\d?)", lambda m: _of_months(*[(int(m[1]), int(m[2]))] * 2)),  # 2023M04
    (r"((?:18|19|20|21)\d\d)(\d\d)", _six),  # 202324, 202404
    (r"(\d\d?)/((?:18|19|20|21)\d\d)", lambda m: _of_months(*[(int(m[2]), int(m[1]))] * 2)),  # 04/2023
    (r"(\d\d?)[/.](\d\d?)[/.]((?:18|19|20|21)\d\d)", lambda m: (_day(m), _day(m))),  # 31/03/2023
    (r"(?:fy|ay|sy)?\s*'?(\d\d)\s*/\s*'?(\d\d)", lambda m: _two_years(_century(m[1]), m[2])),  # FY23/24
    (r"(?:fy|ay|sy)\s*'?(\d\d)", lambda m: _of_months((_century(m[1]) - 1, 4), (_century(m[1]), 3))),  # FY24
)
"""Spellings that no rule below reads. A further one is a row here."""
_SPELLINGS = tuple((re.compile(spelling, re.IGNORECASE), read) for spelling, read in SPELLINGS)


def _day(found: re.Match) -> _Point:
    return int(found[3]), int(found[2]), int(found[1])


def _two_years(first: int, second: str) -> _Span | None:
    return _of_months((first, 1), (first + 1, 3)) if int(second) == (first + 1) % 100 else None


def in_order(periods: Iterable[str]) -> tuple[str, ...]:
    """The different periods, oldest first. Words without a year come first, in alphabetical order."""
    different = set(periods)
    months = any(found and not _is_pair(found) for found in map(_SIX.fullmatch, different))
    return tuple(sorted(different, key=lambda period: _key(_dashed(period) if months else period)))


def _is_pair(found: re.Match) -> bool:
    return int(found[2]) == (int(found[1]) + 1) % 100


def _dashed(period: str) -> str:
    """``201112`` among months is December 2011, not the financial year 2011/12."""
    found = _SIX.fullmatch(period)
    return f"{found[1]}-{found[2]}" if found and 1 <= int(found[2]) <= 12 else period


def newest(periods: Iterable[str]) -> str:
    """The last of them in time; "" for none."""
    ordered = in_order(periods)
    return ordered[-1] if ordered else ""


_FILLING = re.compile(
    r"\b(?:years?|ending|ended|end|to|and|calendar|financial|academic|school|fiscal|mid|[fas]y|the|month|quarter|census"
    r"|00:00:00|\d{1,2}(?:st|nd|rd|th)?)\b",
    re.IGNORECASE,
)


def is_period(text: str) -> bool:
    """Whether the whole text is a period and nothing else: what a sheet or a column can be called by."""
    bare = text.strip()
    if not 2 <= len(bare) <= 40:
        return False
    if any(spelling.fullmatch(bare) and read(spelling.fullmatch(bare)) for spelling, read in _SPELLINGS):
        return True
    rest = _ISO.sub(" ", bare)
    rest = _QUARTER.sub(" ", _MONTH.sub(" ", _YEAR.sub(" ", _SHORT_END.sub(" ", rest))))
    rest = _FILLING.sub(" ", rest)
    return is_readable(bare) and not re.sub(r"[\s\-–/,.:()]+", "", rest)


def period_in(text: str) -> tuple[str, str]:
    """The period that a longer text such as a header names, and what is left of it: "2021/22 Percentage" is 2021/22 and "Percentage".
    ("", text) where it names none."""
    if is_period(text):
        return text.strip(), ""
    words = text.split()
    for size in range(min(4, len(words)), 0, -1):
        for at in (len(words) - size, *range(len(words) - size)):
            some = " ".join(words[at : at + size])
            if is_period(some.strip("()[],:;")) and re.search(r"\d", some):
                rest = " ".join(words[:at] + words[at + size :])
                return some.strip("()[],:;"), rest
    return "", text


def is_readable(period: str) -> bool:
    """Whether the time that it names is known, so that it can be put in order."""
    return _end_and_start(period)[0] != (0, 0, 0)


def _key(period: str) -> tuple:
    end, start = _end_and_start(period)
    return (*end, *start, period)


@lru_cache(maxsize=4096)
def _end_and_start(period: str) -> _Span:
    bare = period.strip()
    for spelling, read in _SPELLINGS:
        if (found := spelling.fullmatch(bare)) and (span := read(found)) and 1 <= span[0][1] <= 12:
            return span
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
    financial = _SHORT_END.search(period) or last_year == first_year + 1
    if financial and not _MONTH.search(period) and not _QUARTER.search(period) and last_month == 3 and first_month == 1:
        first_month = 4
    first, end = first_year * 12 + first_month - 1, last_year * 12 + last_month
    return (first, end) if first < end else None
