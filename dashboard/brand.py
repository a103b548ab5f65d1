"""How the partnership shows itself: name, logo and contact of the region's ``[brand]``, on every page and print.

A logo is read like a picture that somebody brings (:mod:`dashboard.briefings.writing.pictures`): whatever it was, it is shown as a
plain PNG or JPEG. One that cannot be read is left out, and the log says why.
"""

from __future__ import annotations

import logging
from base64 import b64encode
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import flask

from dashboard.web import published
from layers import Refused, Region

log = logging.getLogger("commonground")

PRODUCT, LOGO = "Common Ground", "/brand/logo"
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

    @property
    def own(self) -> bool:
        """Whether it is somebody's, not only the product's."""
        return self.name != PRODUCT or bool(self.logo or self.contact)

    @property
    def file_name(self) -> str:
        """Of the logo, for formats that hold files; "" without one."""
        return {"image/png": "logo.png", "image/jpeg": "logo.jpg"}.get(self.media_type, "") if self.data else ""

    @property
    def stamp(self) -> str:
        return sha256(self.data).hexdigest()[:12]

    def with_picture(self, data: bytes, media_type: str, alt: str) -> Brand:
        return replace(self, logo=address_of(data, media_type), data=data, media_type=media_type, alt=alt)

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
    return Brand(name, address_of(read.data, read.media_type), read.data, read.media_type, contact)


def address_of(data: bytes, media_type: str) -> str:
    """The picture within a page that may fetch nothing."""
    return f"data:{media_type};base64,{b64encode(data).decode()}"


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
