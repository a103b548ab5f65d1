"""From text to numbers: what a cell of a published table says when it is not simply a number.

Publishers write "nobody may know" and "nobody knows" in many ways, and they are not the same thing: a suppressed value
exists and protects people, a missing one does not exist. :data:`MARKS` is the dialect table; a descriptor may override it
(``commonground.marks`` or Data Package v2 ``missingValues`` with labels). Neither is ever read as zero.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from layers.reading.decimals import COMMA, FLAGGED, decimal_of

SUPPRESSED, MISSING = "suppressed", "missing"

MARKS: dict[str, tuple[str, str]] = {
    # mark, in lower case: (what it means here, in words)
    "": (MISSING, "blank"),
    "*": (SUPPRESSED, "withheld to protect people"),
    "**": (SUPPRESSED, "withheld to protect people"),
    "c": (SUPPRESSED, "confidential"),
    "[c]": (SUPPRESSED, "confidential (Government Statistical Service mark)"),
    "(c)": (SUPPRESSED, "confidential"),
    "x": (SUPPRESSED, "withheld (older education tables; newer ones use [x] for not available)"),
    "s": (SUPPRESSED, "suppressed"),
    "supp": (SUPPRESSED, "suppressed"),
    "suppressed": (SUPPRESSED, "suppressed"),
    "confidential": (SUPPRESSED, "confidential"),
    "redacted": (SUPPRESSED, "withheld"),
    "[s]": (SUPPRESSED, "suppressed"),
    "[low]": (SUPPRESSED, "rounds to zero but is not zero"),
    "low": (SUPPRESSED, "rounds to zero but is not zero"),
    "~": (SUPPRESSED, "small, not shown"),
    "[x]": (MISSING, "not available (Government Statistical Service mark)"),
    "[z]": (MISSING, "not applicable"),
    "z": (MISSING, "not applicable"),
    "[w]": (MISSING, "no value recorded"),
    "[u]": (MISSING, "too unreliable to publish"),
    "u": (MISSING, "too unreliable to publish"),
    ":": (MISSING, "not available"),
    "..": (MISSING, "not available"),
    "...": (MISSING, "not available"),
    ".": (MISSING, "not applicable"),
    "-": (MISSING, "no value; some old tables mean nil"),
    "–": (MISSING, "no value; some old tables mean nil"),
    "—": (MISSING, "no value; some old tables mean nil"),
    "n/a": (MISSING, "not available or not applicable"),
    "na": (MISSING, "not available or not applicable"),
    "n.a.": (MISSING, "not available or not applicable"),
    "nan": (MISSING, "not a number"),
    "null": (MISSING, "no value"),
    "none": (MISSING, "no value"),
    "missing": (MISSING, "no value"),
    "not available": (MISSING, "not available"),
    "not applicable": (MISSING, "not applicable"),
    "no data": (MISSING, "no value"),
    "#n/a": (MISSING, "a lookup in the spreadsheet found nothing"),
    "#div/0!": (MISSING, "a division by zero in the spreadsheet"),
}
"""The dialect table. Lower case; ``docs/layer-package.md`` prints it."""

AMBIGUOUS = {
    "x": "it is read as suppressed; [x] would be not available",
    "-": "it is read as missing; if it means none, write 0",
    "–": "it is read as missing; if it means none, write 0",
    "—": "it is read as missing; if it means none, write 0",
    "low": "it is read as suppressed, not as zero",
    "[low]": "it is read as suppressed, not as zero",
    "u": "it is read as missing",
    "s": "it is read as suppressed",
    "#n/a": "it is read as missing; check the lookup in the spreadsheet",
    "#div/0!": "it is read as missing; check the denominators in the spreadsheet",
}
"""Marks that mean different things to different publishers; using one is worth a warning."""

SPREADSHEET_ERRORS = ("#ref!", "#value!", "#name?", "#num!", "#null!", "#spill!", "#calc!", "#getting_data", "########")

_PLAIN = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?"
_ODD_SPACE = "\u00a0\u2007\u2009\u202f\u200b\u200c\u200d\u2060\ufeff\u00ad"
_RANGE = re.compile(
    r"^(?:(?:<|≤|>|≥|less than|fewer than|under|over|more than)\s*=?\s*\d[\d,.]*\s*%?|\d+\s*(?:-|–|to)\s*\d+)$"
)
_THOUSANDS = re.compile(r"^[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?$")
_THOUSANDS_SPACE = re.compile(r"^[+-]?\d{1,3}(?: \d{3})+(?:\.\d+)?$")
_POINT_THOUSANDS = re.compile(r"^[+-]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?$")
_DECIMAL_COMMA = re.compile(r"^[+-]?\d+,\d+$")


@dataclass(frozen=True)
class Numbers:
    """A column of text read as numbers, on the rows' own order.

    ``value`` is NaN wherever ``state`` is not "number"; ``state`` is number, suppressed, missing or bad; ``flag`` is the
    publisher's own mark, "" for none; ``habits`` counts what was tidied away: "percent sign", "thousands comma",
    "decimal comma", "currency sign", "odd space", "brackets for minus"; ``marks`` counts the marks met.
    """

    value: np.ndarray
    state: np.ndarray
    flag: np.ndarray
    habits: dict[str, int] = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=dict)


def tidy(text: pd.Series) -> pd.Series:
    """Text without the spaces that people cannot see: no-break spaces, zero-width marks, byte-order marks, ends trimmed."""
    text = text.fillna("").astype("str")
    joined = text.str.cat() if len(text) else ""
    if any(mark in joined for mark in _ODD_SPACE):
        for mark in "\u00a0\u2007\u2009\u202f":
            text = text.str.replace(mark, " ", regex=False)
        for mark in "\u200b\u200c\u200d\u2060\ufeff\u00ad":
            text = text.str.replace(mark, "", regex=False)
    return text.str.strip()


def numbers(text: pd.Series, marks: dict[str, str] | None = None, decimal_comma: bool | None = None) -> Numbers:
    """Read a column of text as numbers by the dialect table; ``marks`` overrides it, mark by mark.

    ``decimal_comma`` None: decided from the column (``1,5`` alone is a decimal; ``1,500`` a thousand, unless other cells of
    the column can only be decimals). Trap: Python's float() also takes "nan", "inf" and "1_000"; none of them is a number here.
    """
    clean = tidy(text)
    size = len(clean)
    if decimal_comma is None:
        decimal_comma = _writes_decimal_commas(clean.unique())
    value = np.full(size, np.nan)
    state = np.full(size, "bad", dtype=object)
    flag = np.full(size, "", dtype=object)
    plain = np.array(clean.str.fullmatch(_PLAIN), dtype=bool)
    if decimal_comma:
        plain &= ~clean.str.fullmatch(_POINT_THOUSANDS.pattern).to_numpy(dtype=bool)
    if coded := [mark for mark in marks or {} if re.fullmatch(_PLAIN, mark)]:  # -99 where the package says it is none
        plain &= ~clean.isin(coded).to_numpy(dtype=bool)
    if plain.any():
        value[plain] = _exact(clean[plain])
        endless = plain & ~np.isfinite(value)  # 1e999
        value[endless] = np.nan
        state[plain & ~endless] = "number"
        plain &= ~endless
    habits: dict[str, int] = {}
    met: dict[str, int] = {}
    rest = np.flatnonzero(~plain)
    if len(rest):
        codes, words = pd.factorize(clean.to_numpy(dtype=object)[rest])
        times = np.bincount(codes, minlength=len(words))
        meaning = [_read_one(word, marks or {}, decimal_comma) for word in words]
        value[rest] = np.array([one[1] for one in meaning], dtype=float)[codes]
        state[rest] = np.array([one[0] for one in meaning], dtype=object)[codes]
        flag[rest] = np.array([one[2] for one in meaning], dtype=object)[codes]
        for word, (kind, _, _, habit), count in zip(words, meaning, times, strict=True):
            for name in habit:
                habits[name] = habits.get(name, 0) + int(count)
            if kind in (SUPPRESSED, MISSING) and word:
                met[word] = met.get(word, 0) + int(count)
    return Numbers(value, state, flag, habits, met)


def _exact(text: pd.Series) -> np.ndarray:
    """Text to the nearest float, exactly; pandas' own reading may be off in the last bit, and then nothing round-trips."""
    import pyarrow as pa

    column = pa.array(text.str.removeprefix("+"), pa.string(), from_pandas=True)
    return column.cast(pa.float64()).to_numpy(zero_copy_only=False)


def meaning(mark: str, override: dict[str, str] | None = None) -> str:
    """What a mark stands for: suppressed, missing (blank too), number or bad."""
    if re.fullmatch(_PLAIN, mark) and mark not in (override or {}):
        return "number"
    return _read_one(mark, override or {}, False)[0]


def _writes_decimal_commas(words) -> bool:
    """Whether the commas of these cells are decimal signs, by all of them."""
    return any("," in word for word in words) and decimal_of(words).reading == COMMA


def _read_one(word: str, override: dict[str, str], decimal_comma: bool) -> tuple[str, float, str, tuple[str, ...]]:
    """One distinct text: (state, value, flag, habits)."""
    low = word.lower()
    given = override.get(word, override.get(low))
    if given in (SUPPRESSED, MISSING):
        return given, np.nan, word, ()
    if low in MARKS:
        return MARKS[low][0], np.nan, word, ()
    if low in SPREADSHEET_ERRORS:
        return "bad", np.nan, "", ()
    if _RANGE.match(low):
        return SUPPRESSED, np.nan, word, ()
    if found := FLAGGED.match(word):
        state, value, _, habit = _read_one(found[1].strip(), override, decimal_comma)
        return state, value, found[2] if state == "number" else "", habit
    if re.fullmatch(_PLAIN, word) and not (decimal_comma and _POINT_THOUSANDS.match(word)):
        number = float(word)
        return ("number", number, "", ()) if np.isfinite(number) else ("bad", np.nan, "", ())
    habits = []
    bare = word
    if bare.endswith("%"):
        bare = bare[:-1].strip()
        habits.append("percent sign")
    if bare[:1] in "£$€" and bare:
        bare = bare[1:].strip()
        habits.append("currency sign")
    if bare.startswith("(") and bare.endswith(")"):
        bare = "-" + bare[1:-1].strip()
        habits.append("brackets for minus")
    if bare.startswith("−"):  # the typographic minus
        bare = "-" + bare[1:]
        habits.append("typographic minus")
    if decimal_comma and (_POINT_THOUSANDS.match(bare) or _DECIMAL_COMMA.match(bare)):
        habits.append("decimal comma" if "," in bare else "thousands point")
        bare = bare.replace(".", "").replace(",", ".")
    elif _THOUSANDS.match(bare):
        bare = bare.replace(",", "")
        habits.append("thousands comma")
    elif _THOUSANDS_SPACE.match(bare):
        bare = bare.replace(" ", "")
        habits.append("thousands space")
    if habits and re.fullmatch(_PLAIN, bare):
        number = float(bare)
        if np.isfinite(number):
            return "number", number, "", tuple(habits)
    return "bad", np.nan, "", ()
