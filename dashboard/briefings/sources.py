"""Where a briefing comes from: what was published in the store, the built-in starters and ward pages, the region pack's files.

:func:`find` is the one way to one, for pages, commands and exports alike. Who may read is asked before anything is
built or taken from memory; what somebody may not read raises the same :class:`~layers.NotFound` as what does not exist.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

from dashboard.briefings.filling.build import build_briefing, with_last_time
from dashboard.briefings.filling.model import Briefing
from dashboard.briefings.ward.ward_answers import area_sheet
from dashboard.briefings.ward.ward_briefing import briefing_of
from dashboard.briefings.ward.ward_model import OTHER_PREFIX as AREA
from dashboard.briefings.ward.ward_model import PREFIX as WARD
from dashboard.briefings.ward.ward_model import WardPage
from dashboard.briefings.writing.starters import starter_text, starters
from dashboard.memory import remembered
from dashboard.published import Published
from layers import (
    PUBLIC,
    SYSTEM,
    Audience,
    Briefings,
    Document,
    NotFound,
    PublishedBriefing,
    Refused,
    Viewer,
    Withdrawn,
    may_change,
    may_read,
    pack_faults,
    read_briefing,
    without_notes,
)

log = logging.getLogger("commonground.briefings")

RESERVED = frozenset({"edit", "pin", "wards"})
"""Words that stand where a briefing's id does in an address."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}\Z")
_LETTERS = "23456789bcdfghjkmnpqrstvwxz"  # none that is mistaken for another, no vowels, so no words
_MOST_PACK_FILES = 200


@dataclass(frozen=True)
class FoundBriefing:
    """A briefing ready to be shown. ``record`` is how it was published; None for starters, ward pages and pack files."""

    briefing: Briefing
    kind: str  # published | starter | ward | pack
    audience: Audience
    record: PublishedBriefing | None = None
    ward: WardPage | None = None  # the sheet of which the briefing is the pages
    notes: bool = False  # whether the presenter's notes are in it: only for those who may edit it

    @property
    def partner(self) -> str:
        return self.briefing.document.partner


@dataclass(frozen=True)
class Entry:
    """A line of the list. ``version`` 0 follows the newest data."""

    id: str
    title: str
    summary: str
    kind: str
    audience: str
    partner: str
    theme: str = ""
    version: int = 0
    published_on: str = ""
    checked_by: str = ""

    @property
    def link(self) -> str:
        return f"/briefings/{self.id}"


def find(published: Published, briefing_id: str, viewer: Viewer, version: int | None = None) -> FoundBriefing:
    """Look among what was published, then starters and ward pages, then the files of the region pack.

    Raises NotFound alike for what is missing and what is hidden, and Withdrawn, with the reason, to those who could read it.
    The presenter's notes are in it only for those who may edit it.
    """
    if not _ID.match(briefing_id) or briefing_id in RESERVED:
        raise not_there()
    store = published.store
    try:
        record = Briefings(store).get(briefing_id, viewer, version)
    except Withdrawn:
        raise
    except NotFound:
        if version is not None:
            raise not_there() from None
    else:
        made, notes = (
            _with_last_time(published, record, viewer),
            may_change(record.partner, viewer),
        )  # its text is as they may read it
        return FoundBriefing(made, "published", Audience(record.audience), record, notes=notes)
    if briefing_id.startswith((WARD, AREA)):
        code = briefing_id.removeprefix(WARD).removeprefix(AREA)
        if sheet_id(published, code) != briefing_id:  # each has one address
            raise not_there()
        sheet = _ward(published, code, store.generation(), store.now().date())
        if sheet is None:
            raise not_there()
        return FoundBriefing(briefing_of(sheet), "ward", Audience.PUBLIC, ward=sheet)
    text, kind, whose = (
        starter_text(published, briefing_id),
        "starter",
        viewer.partner,
    )  # whoever writes makes it their own
    if text is None:
        pack = _pack_files(published.region.path).get(briefing_id)
        if pack is None or not may_read(pack.audience, pack.partner, viewer, published.region):
            raise not_there()
        text, kind, whose = pack.text, "pack", pack.partner
    notes = may_change(whose, viewer)
    text = text if notes else without_notes(text)
    made = _built(published, briefing_id, text, store.generation(), store.now().date())
    return FoundBriefing(made, kind, made.document.audience, notes=notes)


def entries(published: Published, viewer: Viewer) -> tuple[Entry, ...]:
    """Everything that this viewer may read, but for ward pages: published first, then starters, then the pack's files."""
    out = [
        Entry(
            one.id, one.title, _subtitle(published, one.id, one.version), "published", str(one.audience), one.partner, "", one.version,
            one.published_at.date().isoformat(), one.checked_by,
        )
        for one in Briefings(published.store).list(viewer)
    ]  # fmt: skip
    taken = {one.id for one in out} | _withdrawn(published, viewer)
    for one in starters(published):
        if one.id not in taken:
            out.append(Entry(one.id, one.title, one.summary, "starter", str(one.audience), ""))
    for name, pack in _pack_files(published.region.path).items():
        if name not in taken and may_read(pack.audience, pack.partner, viewer, published.region):
            out.append(Entry(name, pack.title, pack.subtitle, "pack", str(pack.audience), pack.partner, pack.theme))
    return tuple({one.id: one for one in reversed(out)}.values())[::-1]


def wards(published: Published) -> list[tuple[str, list[tuple[str, str]]]]:
    """[(authority, [(briefing id, ward's name)])], both in the order of the alphabet."""
    frame = published.region.areas["ward"]
    names = dict(zip(published.region.areas["lad"]["code"], published.region.areas["lad"]["name"], strict=True))
    out: dict[str, list[tuple[str, str]]] = {}
    for code, name, lad in zip(frame["code"], frame["name"], frame["lad_code"], strict=True):
        out.setdefault(names.get(lad, ""), []).append((f"{WARD}{code}", name))
    return [(lad, sorted(found, key=lambda one: one[1])) for lad, found in sorted(out.items())]


def sheet_id(published: Published, code: str) -> str:
    """The id of an area's sheet, "" for an unknown code."""
    level = published.region.level_of(code)
    return "" if level is None else f"{WARD if level == 'ward' else AREA}{code}"


def newest(published: Published, document: Document, briefing_id: str) -> Briefing:
    """The same text with the newest data, to compare with. What cannot be shown any more is said on its page."""
    store = published.store
    return _built(published, briefing_id, document.text, store.generation(), store.now().date())


# ---- short links ---------------------------------------------------------------------------------------------------------


def short_code(published: Published, briefing_id: str) -> str:
    """Six letters and figures that stay the same as long as region and id do; a room can type them."""
    number = int.from_bytes(hashlib.sha256(f"{published.region.id}/{briefing_id}".encode()).digest()[:8])
    out = ""
    for _ in range(6):
        number, rest = divmod(number, len(_LETTERS))
        out += _LETTERS[rest]
    return out


def find_short(published: Published, code: str, viewer: Viewer) -> str:
    """The id behind a short code, "" where there is none that this viewer may read."""
    code = code.lower()
    if len(code) != 6 or any(letter not in _LETTERS for letter in code):
        return ""
    return next((one for one in _ids(published, viewer) if short_code(published, one) == code), "")


def _ids(published: Published, viewer: Viewer) -> Iterator[str]:
    """Whose code comes first keeps it: an id that was chosen for its code takes nobody's readers away."""
    found = entries(published, viewer)
    yield from (f"{WARD}{code}" for code in published.region.areas["ward"]["code"])
    yield from (one.id for one in found if one.kind != "published")
    yield from (f"{AREA}{code}" for level in ("lad", "lsoa") for code in published.region.areas[level]["code"])
    yield from _withdrawn(published, viewer)
    yield from (one.id for one in sorted(found, key=lambda one: one.published_on) if one.kind == "published")


# ---- building ------------------------------------------------------------------------------------------------------------
# Anybody may ask for a page whose gaps take ten seconds for the whole of England, and many may at once: one makes it, the others wait.


def _of_record(published: Published, record: PublishedBriefing) -> Briefing:
    pins = tuple(sorted(record.pins.items()))
    day = record.published_at.date()
    return _pinned(published, record.id, record.text, pins, record.version, day, published.store.generation())


def _with_last_time(published: Published, record: PublishedBriefing, viewer: Viewer) -> Briefing:
    """A published version, compared with the one before where this viewer may read that."""
    made = _of_record(published, record)
    if record.version < 2:
        return made
    try:
        before = Briefings(published.store).get(record.id, viewer, record.version - 1)
    except NotFound:  # withdrawn, or for others
        return made
    return with_last_time(published, made, _of_record(published, before))


@remembered(64)
def _pinned(
    published: Published,
    briefing_id: str,
    text: str,
    pins: tuple[tuple[str, int], ...],
    version: int,
    day: date,
    _: int,
) -> Briefing:
    """A published version. The generation of the store is part of the key: what is withdrawn is gone at once."""
    return build_briefing(
        published, read_briefing(text), briefing_id=briefing_id, pins=dict(pins), lenient=True, version=version,
        published_on=day.isoformat(), made_on=day,
    )  # fmt: skip


@remembered(64)
def _built(published: Published, briefing_id: str, text: str, _: int, today: date) -> Briefing:
    """A text with the newest data. What cannot be shown is said on its page."""
    return build_briefing(published, read_briefing(text), briefing_id=briefing_id, lenient=True, made_on=today)


@remembered(256)
def _ward(published: Published, code: str, _: int, today: date) -> WardPage | None:
    return area_sheet(published, code, PUBLIC, made_on=today)


@lru_cache(maxsize=512)
def _subtitle(published: Published, briefing_id: str, version: int) -> str:
    """What a published version says below its title; it never changes. Asked for those who may read it only."""
    try:
        return read_briefing(Briefings(published.store).get(briefing_id, SYSTEM, version).text).subtitle
    except Refused:  # damaged, or of another time: its own page says so
        return ""


def _withdrawn(published: Published, viewer: Viewer) -> set[str]:
    """Ids of briefings that this viewer could read until they were withdrawn."""
    out, held = set(), Briefings(published.store)
    for one in held.withdrawn(SYSTEM):
        try:
            held.get(one.id, viewer)
        except Withdrawn:
            out.add(one.id)
        except NotFound:
            continue  # hidden from this viewer
    return out


# ---- the region pack -----------------------------------------------------------------------------------------------------


def _pack_files(folder: Path) -> Mapping[str, Document]:
    """The readable ``briefings/*.md`` of a region pack by their names; a file with faults is told in the log and left out."""
    broken = pack_faults(folder, "briefings").parts
    found = sorted((folder / "briefings").glob("*.md"))[:_MOST_PACK_FILES]
    found = [file for file in found if f"briefings/{file.stem}" not in broken]
    return _read_files(tuple((file, file.stat().st_mtime_ns) for file in found))


@lru_cache(maxsize=8)
def _read_files(files: tuple[tuple[Path, int], ...]) -> Mapping[str, Document]:
    out = {}
    for file, _ in files:
        if not _ID.match(file.stem) or file.stem in RESERVED:
            log.warning("%s: the name of the file cannot be a briefing's id", file.name)
            continue
        try:
            out[file.stem] = read_briefing(file.read_text("utf-8"), where=file.name)
        except (OSError, UnicodeDecodeError, Refused) as error:
            log.warning("%s is left out: %s", file.name, error)
    return out


def not_there() -> NotFound:
    return NotFound("There is no such briefing, or it is not open to you.")
