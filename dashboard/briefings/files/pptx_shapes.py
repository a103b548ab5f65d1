"""What the slides of a briefing are put together from: places, words with the room that they take, shapes, and the empty deck.

All lengths are points.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree
from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.enum.text import MSO_ANCHOR, MSO_AUTO_SIZE, PP_ALIGN
from pptx.opc.constants import RELATIONSHIP_TYPE as RT
from pptx.oxml.ns import qn
from pptx.util import Emu, Pt

from dashboard.briefings.files import contents
from dashboard.briefings.files.office import LANGUAGE
from dashboard.drawing.palette import ACCENT, CATEGORICAL, INK
from dashboard.drawing.svg_text import width_of

FONT = "Arial"
WIDTH, HEIGHT = 960.0, 540.0  # points: 13.33 by 7.5 inches, 16:9
EDGE = 40.0
TITLE_TOP, FOOTER_TOP, FOOTER_HIGH = 22.0, 508.0, 22.0
LEADING = 1.2


@dataclass(frozen=True)
class Box:
    """A place on a slide, in points."""

    x: float
    y: float
    w: float
    h: float

    @property
    def bottom(self) -> float:
        return self.y + self.h


@dataclass(frozen=True)
class Line:
    """One paragraph: its words, and the mark before it."""

    words: tuple[contents.Words, ...]
    mark: str = ""  # "" | "bullet" | "number" | "quote"

    @property
    def text(self) -> str:
        return "".join(each.text for each in self.words)


# ---- how much room words take ---------------------------------------------------------------------------------------------


def lines_of(text: str, width: float, size: float, bold: bool = False) -> int:
    """Lines that a text takes in a column of ``width`` points; a word that is wider than it is broken."""
    out, used, space = 1, 0.0, width_of(" ", size, bold=bold)
    for word in text.split():
        wide = width_of(word, size, bold=bold)
        if used and used + space + wide > width:
            out, used = out + 1, 0.0
        used += (space if used else 0.0) + wide
        broken = math.ceil(used / width) - 1 if used > width else 0
        out, used = out + broken, used - broken * width
    return out


def height_of(texts: Sequence[str], width: float, size: float, bold: bool = False, after: float = 0.0) -> float:
    """Height of paragraphs in points, with ``after`` points between them."""
    return sum(lines_of(text, width, size, bold) * size * LEADING + after for text in texts)


def body_height(lines: Sequence[Line], width: float, size: float) -> float:
    """Height of the words of a page, with the room between paragraphs."""
    high = 0.0
    for line in lines:
        heavy = sum(len(word.text) for word in line.words if word.bold) * 2 > len(line.text)
        room = width - (size if line.mark else 0)
        high += lines_of(line.text, room, size, heavy) * size * LEADING + size * 0.45
    return high


# ---- shapes ---------------------------------------------------------------------------------------------------------------


def rgb(colour: str) -> RGBColor:
    return RGBColor.from_string(colour[1:].upper())


def place(shape, box: Box) -> None:
    shape.left, shape.top, shape.width, shape.height = (Emu(int(v * 12700)) for v in (box.x, box.y, box.w, box.h))


def bare(frame) -> None:
    frame.word_wrap = True
    frame.auto_size = MSO_AUTO_SIZE.NONE
    frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
    frame.vertical_anchor = MSO_ANCHOR.TOP


def write(shape, lines: Sequence[Line], size: float, *, bold: bool = False, colour: str = INK) -> None:
    """Words into a placeholder; marks are those of its list, not characters."""
    frame = shape.text_frame
    bare(frame)
    number = 0
    for n, line in enumerate(lines):
        paragraph = frame.paragraphs[0] if n == 0 else frame.add_paragraph()
        paragraph.alignment = PP_ALIGN.LEFT
        paragraph.space_before, paragraph.space_after = Pt(0), Pt(0 if bold else size * 0.45)
        number = number + 1 if line.mark == "number" else 0
        mark(paragraph, line.mark, size)
        for words in line.words:
            run = paragraph.add_run()
            run.text = words.text
            run.font.size = Pt(size)
            run.font.bold = True if bold or words.bold else None
            run.font.italic = True if words.italic or line.mark == "quote" else None
            if words.href:
                run.hyperlink.address = words.href
            else:
                run.font.color.rgb = rgb(colour)


def mark(paragraph, mark: str, size: float) -> None:
    properties = paragraph._p.get_or_add_pPr()
    indent = int(size * 12700) if mark else 0
    properties.set("marL", str(indent))
    properties.set("indent", str(-indent if mark in ("bullet", "number") else 0))
    if mark in ("bullet", "number"):
        etree.SubElement(etree.SubElement(properties, qn("a:buClr")), qn("a:srgbClr")).set("val", ACCENT[1:].upper())
        etree.SubElement(properties, qn("a:buFont")).set("typeface", FONT)
    if mark == "bullet":
        etree.SubElement(properties, qn("a:buChar")).set("char", "•")
    elif mark == "number":
        automatic = etree.SubElement(properties, qn("a:buAutoNum"))
        automatic.set("type", "arabicPeriod")
    else:
        etree.SubElement(properties, qn("a:buNone"))


def describe(shape, name: str, alt: str) -> None:
    properties = shape._element.xpath(".//p:cNvPr")[0]
    properties.set("name", name)
    properties.set("descr", alt)


def decorative(shape, name: str) -> None:
    """Told to screen readers as nothing: a line, or a colour whose words stand beside it."""
    properties = shape._element.xpath(".//p:cNvPr")[0]
    properties.set("name", name)
    properties.set("descr", "")
    extension = etree.fromstring(
        '<a:extLst xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">'
        '<a:ext uri="{C183D7F6-B498-43B3-948B-1728B52AA6E4}"><adec:decorative '
        'xmlns:adec="http://schemas.microsoft.com/office/drawing/2017/decorative" val="1"/></a:ext></a:extLst>'
    )
    properties.append(extension)


def speak(element) -> None:
    """British English for every word, or a screen reader reads it with the accent of the machine."""
    for run in element.iter(qn("a:r"), qn("a:fld"), qn("a:br")):
        properties = run.find(qn("a:rPr"))
        if properties is None:
            properties = etree.Element(qn("a:rPr"))
            run.insert(0, properties)
        properties.set("lang", LANGUAGE)
    for tag in ("a:endParaRPr", "a:defRPr"):
        for properties in element.iter(qn(tag)):
            properties.set("lang", LANGUAGE)


# ---- the empty deck -------------------------------------------------------------------------------------------------------


def blank():
    """The library's empty deck made 16:9, with three layouts, our font and colours, and titles on the left."""
    deck = Presentation()
    deck.slide_width, deck.slide_height = Pt(WIDTH), Pt(HEIGHT)
    kept = {"Title Slide", "Title and Content", "Title Only"}
    for layout in list(deck.slide_layouts):
        if layout.name not in kept:
            deck.slide_layouts.remove(layout)
    master = deck.slide_master
    theme = master.part.part_related_by(RT.THEME)
    theme._blob = _themed(theme.blob)
    for owner in (master, *deck.slide_layouts):
        for shape in list(owner.placeholders):
            kind = shape.placeholder_format.type
            if kind == PP_PLACEHOLDER.DATE:
                shape._element.getparent().remove(shape._element)
            elif kind == PP_PLACEHOLDER.FOOTER:
                place(shape, Box(EDGE, FOOTER_TOP, 780, FOOTER_HIGH))
                _style(shape, 10, PP_ALIGN.LEFT)
            elif kind == PP_PLACEHOLDER.SLIDE_NUMBER:
                place(shape, Box(WIDTH - EDGE - 80, FOOTER_TOP, 80, FOOTER_HIGH))
                _style(shape, 12, PP_ALIGN.RIGHT)
            elif kind in (PP_PLACEHOLDER.TITLE, PP_PLACEHOLDER.CENTER_TITLE):
                place(shape, Box(EDGE, TITLE_TOP + 18, WIDTH - 2 * EDGE, 76))
            else:
                place(shape, Box(EDGE, 140, WIDTH - 2 * EDGE, 330))
        speak(owner._element)
    for style, size in (("p:titleStyle", 30), ("p:bodyStyle", 24)):
        for level in master._element.find(qn("p:txStyles")).find(qn(style)):
            level.set("algn", "l")
            properties = level.find(qn("a:defRPr"))
            if properties is not None:
                properties.set("sz", str(size * 100))
                properties.set("lang", LANGUAGE)
    speak(deck.part._element)
    return deck


def _style(shape, size: float, alignment) -> None:
    for level in shape._element.iter(qn("a:lvl1pPr")):
        level.set("algn", {PP_ALIGN.LEFT: "l", PP_ALIGN.RIGHT: "r"}[alignment])
        for properties in level.iter(qn("a:defRPr")):
            properties.set("sz", str(int(size * 100)))
    body = shape._element.txBody.find(qn("a:bodyPr"))
    for side in ("lIns", "rIns"):
        body.set(side, "0")


def _themed(blob: bytes) -> bytes:
    theme = etree.fromstring(blob)
    space = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
    for font in theme.iter(f"{space}majorFont", f"{space}minorFont"):
        font.find(f"{space}latin").set("typeface", FONT)
    accents = (*CATEGORICAL, "#3D3D3D", "#A285D1")
    for n, colour in enumerate(accents, 1):
        for slot in theme.iter(f"{space}accent{n}"):
            for child in list(slot):
                slot.remove(child)
            etree.SubElement(slot, f"{space}srgbClr").set("val", colour[1:].upper())
    for slot in theme.iter(f"{space}hlink", f"{space}folHlink"):
        for child in list(slot):
            slot.remove(child)
        etree.SubElement(slot, f"{space}srgbClr").set("val", ACCENT[1:].upper())
    return etree.tostring(theme, xml_declaration=True, encoding="UTF-8", standalone=True)
