"""How the partnership shows itself: name, logo and contact of the region's ``[brand]``, on every page and print.

A logo is read like a picture that somebody brings (:mod:`dashboard.briefings.writing.pictures`): whatever it was, it is shown as a
plain PNG or JPEG. One that cannot be read is left out, and the log says why.
"""

from __future__ import annotations

import logging
from base64 import b64encode
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from layers import Refused, Region

log = logging.getLogger("commonground")

PRODUCT = "Common Ground"
SIDE = 480
"""Pixels of the longer side: sharp at the height of a line of words on any screen, and on paper."""
MOST_BYTES = 4_000_000


@dataclass(frozen=True)
class Brand:
    """``logo`` is the address of the picture within a page, "" for none; ``data`` the picture itself."""

    name: str = PRODUCT
    logo: str = ""
    data: bytes = b""
    media_type: str = ""
    contact: tuple[str, ...] = ()  # role, telephone, e-mail: those that there are

    @property
    def alt(self) -> str:
        """The name stands beside it."""
        return ""

    @property
    def contact_words(self) -> str:
        return f"Contact: {', '.join(self.contact)}." if self.contact else ""


def brand_of(region: Region) -> Brand:
    """That of the region's definition; the product's own name where it has none."""
    given = getattr(region, "brand", None)
    if given is None:
        return Brand()
    file = Path(region.path) / given.logo if given.logo else None
    try:
        stamp = file.stat().st_mtime_ns if file else 0
    except OSError:
        file, stamp = None, 0
    contact = given.contact
    words = tuple(filter(None, (contact.role, contact.phone, contact.email))) if contact else ()
    return _brand(given.name or PRODUCT, file, stamp, words)


@lru_cache(maxsize=8)
def _brand(name: str, file: Path | None, _: int, contact: tuple[str, ...]) -> Brand:
    if file is None:
        return Brand(name, contact=contact)
    from dashboard.briefings.writing.pictures import read_picture  # late: most regions have no logo

    try:
        with file.open("rb") as opened:
            read = read_picture(opened.read(MOST_BYTES), SIDE)
    except (OSError, Refused) as error:
        log.warning("the logo %s is not shown: %s", file.name, error)
        return Brand(name, contact=contact)
    address = f"data:{read.media_type};base64,{b64encode(read.data).decode()}"
    return Brand(name, address, read.data, read.media_type, contact)
