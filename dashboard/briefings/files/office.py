"""What Word and PowerPoint files share: pictures, the language, and archives whose bytes are the same for the same briefing."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date
from functools import lru_cache

from dashboard.briefings.files import contents
from dashboard.briefings.files.typst import compile_png
from dashboard.briefings.filling.model import Briefing, Figure

LANGUAGE = "en-GB"
PICTURE = 1600
"""Pixels across a map: sharp on a projector and on paper at 17 cm."""
EPOCH = (1980, 1, 1, 0, 0, 0)

_MOMENT = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*(</dcterms:)")


def picture_png(figure: Figure) -> bytes:
    """A map or chart as PNG."""
    return svg_png(contents.text(figure.svg), PICTURE)


def say_properties(core, briefing: Briefing) -> None:
    """What a file says of itself in its properties; the formats hold 255 letters of each."""
    given = (briefing.title, briefing.subtitle, briefing.partner_name, briefing.region_name, briefing.notice.strip())
    core.title, core.subject, core.author, core.keywords, core.comments = (contents.text(each)[:255] for each in given)
    core.last_modified_by = core.author
    core.language, core.category, core.revision = LANGUAGE, "Briefing", 1


@lru_cache(maxsize=24)
def svg_png(svg: str, across: int) -> bytes:
    """An SVG as PNG, ``across`` pixels wide. A briefing that is wanted as Word is often wanted as PowerPoint too."""
    width, height = contents.size_of(svg)
    sheet = (
        f'#set page(width: {width}pt, height: {height}pt, margin: 0pt, fill: none)\n#image("picture.svg", width: 100%)'
    )
    return compile_png(sheet, {}, {"picture.svg": svg.encode("utf-8")}, ppi=72 * across / width)


def tidy(archive: bytes, made_on: date) -> bytes:
    """The same archive with the briefing's date for every time that the libraries write: equal briefings give equal bytes."""
    moment = f"{made_on.isoformat()}T00:00:00Z".encode()
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as before, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            content = before.read(name)
            if name.endswith("docProps/core.xml"):
                content = _MOMENT.sub(rb"\g<1>" + moment + rb"\g<3>", content)
            elif name.endswith(".xlsx"):  # the workbook behind a chart
                content = tidy(content, made_on)
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_STORED if name.endswith((".png", ".xlsx")) else zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            after.writestr(entry, content)
    return out.getvalue()
