"""Records of people, told from tables of areas and lists of services: they are not read any further, and nothing of them is kept."""

from __future__ import annotations

import re

import pandas as pd

from layers.geography.postcodes import normalise
from layers.model import Fault

SHARE = 0.9
"""So many of the cells of a column make it one of NHS numbers, of birth dates or of postcodes."""
LOOKED_AT = 2_000

NAMES: dict[str, str] = {
    # what a column holds: its header as a regular expression
    "NHS number": r"\bnhs ?(?:no|num|number|id)?\b(?!.*\b(?:trust|site|region|code|org))|\bnhsnumber\b|\bchi number\b",
    "National Insurance number": r"\bnational insurance\b|\bni ?(?:no|num|number)\b|\bnino\b",
    "date of birth": r"\bdate ?of ?birth\b|\bbirth ?date\b|\bd ?o ?b\b|\bbirthday\b",
    "surname": r"\bsurname\b|\blast ?name\b|\bfamily ?name\b",
    "forename": r"\bforenames?\b|\bfirst ?name\b|\bgiven ?names?\b|\bchristian ?name\b",
    "home address": r"\bhome ?(?:address|postcode|post code)\b|\b(?:patient|client|resident|pupil|child|victim)s? (?:postcode|address)\b",
}
"""Headers that records of people have."""

TODO = (
    "count them on your own machine, and publish the counts: commonground layers count FILE --by postcode --out COUNTS.csv. "
    "Nothing was kept of the file"
)


def records_of_people(text: pd.DataFrame, where: str) -> Fault | None:
    """Why a table looks like records of people; None where it does not.

    NHS numbers and National Insurance numbers alone do; else a birth date beside a surname or a postcode, or a surname beside a
    forename and a postcode. Headers are not needed: nine in ten cells that pass say it too.
    """
    held: dict[str, str] = {}
    for header in text.columns[:200]:
        if what := _held(text[header], str(header)):
            held.setdefault(what, str(header))
    alone = [what for what in ("NHS number", "National Insurance number") if what in held]
    place = [what for what in ("home address", "postcode") if what in held]
    signs: list[str] = []
    if alone:
        signs = alone
    elif "date of birth" in held and ("surname" in held or place):
        signs = ["date of birth", *[what for what in ("surname", *place) if what in held][:1]]
    elif "surname" in held and "forename" in held and place and not _is_of_services(text):
        signs = ["surname", "forename", place[0]]
    elif "home address" in held and ("surname" in held or "forename" in held):
        signs = ["home address"]
    if not signs:
        return None
    columns = " beside ".join(f"{what} (column “{held[what][:60]}”)" for what in signs)
    what = f"these look like records of people: {columns}. People are not points on a map"
    return Fault(what, where, TODO, rule="people")


def _is_of_services(text: pd.DataFrame) -> bool:
    """Whether its headers speak of places that people go to: then the names are those of contacts."""
    words = r"service|site|organi[sz]ation|practice|provider|capacity|opening|website|\burl\b"
    return any(re.search(words, str(header).casefold()) for header in text.columns)


def _held(column: pd.Series, header: str) -> str:
    """What a column holds of a person; "" for nothing that is known."""
    plain = re.sub(r"[^a-z0-9]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header).casefold()).strip()
    cells = [cell for cell in column.head(LOOKED_AT).str.strip().tolist() if cell]
    for what, words in NAMES.items():
        if re.search(words, plain) and (what != "NHS number" or _mostly(cells, _is_nhs_shaped)):
            return what
    if len(cells) < 3:
        return ""
    if _mostly(cells, is_nhs_number) and len(set(cells)) > 2:
        return "NHS number"
    if _mostly(cells, _is_insurance_number):
        return "National Insurance number"
    return "postcode" if _mostly(cells[:300], lambda cell: bool(normalise(cell))) else ""


def _mostly(cells: list[str], test) -> bool:
    return bool(cells) and sum(map(test, cells)) >= SHARE * len(cells)


def _is_nhs_shaped(cell: str) -> bool:
    return bool(re.fullmatch(r"\d{3}[ -]?\d{3}[ -]?\d{4}", cell))


def is_nhs_number(cell: str) -> bool:
    """Ten digits whose last is the check digit of the others, modulo 11."""
    if not _is_nhs_shaped(cell):
        return False
    digits = [int(digit) for digit in cell if digit.isdigit()]
    check = 11 - sum((10 - at) * digit for at, digit in enumerate(digits[:9])) % 11
    return (0 if check == 11 else check) == digits[9] and len(set(digits)) > 1


def _is_insurance_number(cell: str) -> bool:
    return bool(re.fullmatch(r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]", cell.upper()))
