"""A picture that somebody wants in a briefing: read by what it holds, not by its name, and written anew.

PNG and JPEG are decoded and encoded again, so that nothing but the picture stays (no place where a photograph was taken, nothing
that hides behind it). An SVG without script and without addresses is drawn, and its drawing is kept. Everything else is refused.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from xml.etree import ElementTree

from PIL import Image, ImageOps, UnidentifiedImageError

from dashboard.briefings.files.typst import CannotCompile, compile_png
from layers import Fault, Refused

MOST_UPLOAD = 12 * 2**20
"""Bytes of a file on its way in: a telephone's photograph."""
MOST_PIXELS = 60_000_000
MOST_SIDE = 1600
"""Pixels of the longer side as it is kept: sharp across a wall, and a page still opens at once."""
SMALL_ENOUGH = 900_000
QUALITY = 85

_TITLE = "The picture was not taken."
_SVG = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>|<!--.*?-->|<!DOCTYPE[^>\[]*>|\s)*<svg[\s>]", re.DOTALL)
_UNSAFE = {
    "script",
    "foreignobject",
    "iframe",
    "object",
    "embed",
    "audio",
    "video",
    "handler",
    "listener",
    "use-script",
}
_OWN = re.compile(r"\s*(?:#|data:image/(?:png|jpeg|gif|webp)[;,])", re.IGNORECASE)
_ELSEWHERE = re.compile(r"@import|url\(\s*[\"']?\s*(?!#|[\"'\s])", re.IGNORECASE)


@dataclass(frozen=True)
class ReadPicture:
    """A picture as it can be kept."""

    data: bytes
    media_type: str
    width: int
    height: int


def read_picture(data: bytes, side: int = MOST_SIDE) -> ReadPicture:
    """Raises :class:`Refused` for what is no PNG, JPEG or SVG, cannot be read, or does more than show something."""
    if not data:
        raise _refused("there is no file", "choose a picture", "no-file")
    if len(data) > MOST_UPLOAD:
        raise _refused(f"it is larger than {MOST_UPLOAD // 2**20} MB", "take it smaller", "too-large")
    if _SVG.match(data[:4000]):
        data = _drawn(data)
    elif not data.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")):
        raise _refused("it is no PNG, JPEG or SVG", "save it as one of them", "picture")
    return _encoded(_decoded(data), side)


def _decoded(data: bytes) -> Image.Image:
    try:
        picture = Image.open(io.BytesIO(data), formats=("PNG", "JPEG"))
        if picture.width * picture.height > MOST_PIXELS:
            raise _refused(
                f"it has more than {MOST_PIXELS // 1_000_000} million pixels", "take it smaller", "too-large"
            )
        picture.draft("RGB", (2 * MOST_SIDE, 2 * MOST_SIDE))  # a large JPEG is decoded at a fraction
        picture = ImageOps.exif_transpose(picture)  # a telephone says which way is up; that is lost with the rest
        picture.load()
    except Image.DecompressionBombError:
        raise _refused("it has far too many pixels", "take it smaller", "too-large") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        raise _refused("it cannot be read: it is damaged, or not what it says", "save it anew", "picture") from None
    if min(picture.size) < 8:
        raise _refused("it is smaller than 8 pixels", "choose a larger one", "picture")
    return picture


def _encoded(picture: Image.Image, side: int) -> ReadPicture:
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    clear = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
    picture = picture.convert("RGBA" if clear else "RGB")
    clear = clear and picture.getextrema()[3][0] < 255
    while True:
        data = _as_png(picture)
        if len(data) <= SMALL_ENOUGH or (clear and max(picture.size) <= 400):
            return ReadPicture(data, "image/png", *picture.size)
        if not clear:  # a photograph
            return ReadPicture(_as_jpeg(picture), "image/jpeg", *picture.size)
        picture = picture.resize((max(picture.width * 3 // 4, 1), max(picture.height * 3 // 4, 1)))


def _as_png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    bare = Image.frombytes(picture.mode, picture.size, picture.tobytes())  # without what came with the file
    bare.save(out, "PNG", optimize=True)
    return out.getvalue()


def _as_jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture = picture.convert("RGB")
    Image.frombytes("RGB", picture.size, picture.tobytes()).save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue()


def _drawn(data: bytes) -> bytes:
    """An SVG as PNG. What could run, or fetch, is named."""
    if b"<!ENTITY" in data:
        raise _refused("the SVG defines entities", "save it without them", "svg")
    try:
        root = ElementTree.fromstring(data)  # noqa: S314  entities are refused above, and nothing outside is read
    except (ElementTree.ParseError, ValueError, LookupError):
        raise _refused("the SVG cannot be read", "save it anew", "svg") from None
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        name = element.tag.rpartition("}")[2].lower()
        if name in _UNSAFE:
            raise _refused(f"the SVG holds <{name}>", "save it as a plain drawing", "svg")
        if name == "style" and _ELSEWHERE.search(element.text or ""):
            raise _refused("the SVG fetches something from elsewhere", "save it with everything inside", "svg")
        for key, value in element.attrib.items():
            key = key.rpartition("}")[2].lower()
            if key.startswith("on"):
                raise _refused(f"the SVG holds a script ({key})", "save it as a plain drawing", "svg")
            if (key in ("href", "src") and not _OWN.match(value)) or _ELSEWHERE.search(value):
                raise _refused("the SVG fetches something from elsewhere", "save it with everything inside", "svg")
    sheet = f'#set page(width: auto, height: auto, margin: 0pt, fill: none)\n#image("picture.svg", width: {MOST_SIDE}pt, alt: "")'
    try:
        return compile_png(sheet, {}, {"picture.svg": data}, ppi=72.0)
    except (CannotCompile, UnicodeDecodeError):
        raise _refused("the SVG cannot be drawn", "save it as PNG", "svg") from None


def _refused(what: str, todo: str, rule: str) -> Refused:
    return Refused(_TITLE, [Fault(what, "picture", todo, rule=rule)])
