"""How the partnership shows itself: name, logo and contact of the region's ``[brand]``, on every page and print.

A logo is read like a picture that somebody brings (:mod:`dashboard.briefings.writing.pictures`): whatever it was, it is shown as a
plain PNG or JPEG. One that cannot be read is left out, and the log says why.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import flask

from dashboard.drawing.own_picture import address_of, picture_svg
from dashboard.web import published
from layers import Picture, Refused, Region

if TYPE_CHECKING:
    from dashboard.briefings.writing.pictures import ReadPicture

log = logging.getLogger("commonground")

PRODUCT, LOGO, LOGO_FILE = "Common Ground", "/brand/logo", "logo.svg"
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
    alt: str = ""  # "": the name stands beside it
    size: tuple[int, int] = (0, 0)

    @property
    def own(self) -> bool:
        """Whether it is somebody's, not only the product's."""
        return self.name != PRODUCT or bool(self.logo or self.contact)

    @property
    def files(self) -> dict[str, bytes]:
        """The logo as a file of its own, for documents that are made of files; empty without one."""
        return {LOGO_FILE: picture_svg(self.data, self.media_type, *self.size, self.alt).encode()} if self.data else {}

    @property
    def stamp(self) -> str:
        return sha256(self.data).hexdigest()[:12]

    def with_picture(self, picture: ReadPicture | Picture, alt: str = "") -> Brand:
        data, kind, size = picture.data, picture.media_type, (picture.width, picture.height)
        return replace(self, logo=address_of(data, kind), data=data, media_type=kind, alt=alt, size=size)

    @property
    def contact_words(self) -> str:
        return f"Contact: {', '.join(self.contact)}." if self.contact else ""


def brand_of(region: Region) -> Brand:
    """That of the region's definition; the product's own name where it has none."""
    given = region.brand
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
    return Brand(name, contact=contact).with_picture(read)


def install(server: flask.Flask) -> None:
    """``/brand/logo``: every page shows it, and a browser fetches it once."""

    @server.get(LOGO)
    def brand_logo():
        brand = brand_of(published().region)
        if not brand.data:
            flask.abort(404)
        response = flask.Response(brand.data, content_type=brand.media_type)
        response.headers["Cache-Control"] = "public, max-age=86400"
        response.headers["Content-Security-Policy"] = "default-src 'none'"
        return response
