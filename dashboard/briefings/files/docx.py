"""A briefing as Word: A4, a page each, with real headings, lists and tables, for those who edit it, quote it or have it read to them.

Maps and charts are pictures with a description, as large as their sheet has room for; what they show stands as tables at the end,
where it fills sheets instead of beginning one for each. Pages of words alone share a sheet. The language, the title and the header rows
that repeat are set, so that Word's accessibility checker and screen readers have them.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime, time
from math import ceil

import docx
from docx.enum.section import WD_ORIENT
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT
from docx.opc.constants import RELATIONSHIP_TYPE as RT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor
from docx.text.run import Run

from dashboard.briefings.files import contents
from dashboard.briefings.files.office import LANGUAGE, picture_png, say_properties, svg_png, tidy
from dashboard.briefings.filling.model import Briefing, BriefingPage, Figure
from dashboard.drawing.palette import ACCENT, INK, NOTICE, PAPER, QUIET, RULE, hex_of
from dashboard.drawing.shown import LegendRow, TableData
from dashboard.drawing.svg_text import width_of
from dashboard.drawing.swatch import LINE, mark_of, swatch_svg
from layers import BriefingBlock

FONT = "Arial"
TEXT_CM = 17.0  # between the margins
SHEET_CM = 25.8  # between top and bottom
LEAST_CM, MOST_CM = 6.0, 15.0  # height of a picture: what its words, key and sources leave of the sheet
APPENDIX = "The figures behind the maps and charts"
MOST_ROWS_TOGETHER = 12  # of a table that goes to the next sheet rather than leave a row or two behind


def docx_of(briefing: Briefing, *, address: str = "") -> bytes:
    """The file. ``address`` is that of the site, so that links to its pages can be followed."""
    return _Paper(briefing, address).made()


class _Paper:
    def __init__(self, briefing: Briefing, address: str):
        self.briefing, self.address = briefing, address
        self.document = _blank(briefing)

    def made(self) -> bytes:
        self._front()
        before = None
        for page in self.briefing.pages:
            self._page(page, goes_on=before is not None and _words_only(before) and _words_only(page))
            before = page
        goes_on = before is not None and _words_only(before)
        self._behind(goes_on=goes_on)
        self._facts(goes_on=goes_on or any(_pictured(page) for page in self.briefing.pages))
        self._sources()
        if self.document.element.body[-2].tag == qn("w:tbl"):  # Word wants a paragraph at the end
            self._after()
        out = io.BytesIO()
        self.document.save(out)
        return tidy(out.getvalue(), self.briefing.made_on)

    # ---- pages

    def _front(self) -> None:
        if self.briefing.brand.data:
            paragraph = self.document.add_paragraph(style="Normal")
            shape = paragraph.add_run().add_picture(io.BytesIO(self.briefing.brand.data), height=Cm(1.8))
            shape._inline.docPr.set("name", "Logo")
            shape._inline.docPr.set("descr", contents.text(self.briefing.brand.alt or self.briefing.brand.name))
        self._plain(contents.text(self.briefing.title), "Title")
        if self.briefing.subtitle:
            self._plain(contents.text(self.briefing.subtitle), "Subtitle")
        for line in contents.about_lines(self.briefing):
            self._plain(line, "Normal")
        if self.briefing.pages:
            self._plain("In this briefing", "Contents heading")
            for page in self.briefing.pages:
                self._plain(contents.headline(page), "List Number")

    def _page(self, page: BriefingPage, *, goes_on: bool) -> None:
        self._headline(contents.headline(page), goes_on)
        if page.unavailable:
            self._plain(contents.text(page.unavailable), "Normal")
        self._blocks(page.blocks)
        if page.figure is not None:
            self._figure(page.figure, self._room_for(page))
        limits = contents.limits_on(self.briefing, page)
        if limits:
            self._plain(contents.LIMITS, "Heading 2")
            for line in limits:
                self._plain(line, "Small bullet")
        if credit := contents.credit_line(page):
            self._plain(credit, "Small")

    def _headline(self, words: str, goes_on: bool) -> None:
        """``goes_on``: below what stands on the sheet already."""
        if not goes_on:
            self._drop_empty_line()
        paragraph = self._plain(words, "Heading 1")
        if goes_on:
            paragraph.paragraph_format.page_break_before = False
            paragraph.paragraph_format.space_before = Pt(28)

    def _drop_empty_line(self) -> None:
        """Behind a table that fills its sheet it would open an empty one before the next headline."""
        body = self.document.element.body
        table, last = (body[-3], body[-2]) if len(body) > 2 else (None, None)
        empty = last is not None and last.tag == qn("w:p") and not "".join(last.itertext()).strip()
        if empty and table.tag == qn("w:tbl"):
            body.remove(last)

    def _room_for(self, page: BriefingPage) -> float:
        """Height that a page's picture may have, in centimetres: what everything else on its sheet leaves."""
        figure = page.figure
        high = _high([contents.headline(page)], 22, bold=True)
        high += _high(contents.lines_of(page.blocks), 12, after=6)
        high += _high([contents.text(figure.title)], 13, bold=True, after=12) + _high(
            [contents.text(figure.filters)], 9.5
        )
        high += _high([contents.text(figure.caption)], 9.5) + 0.6
        if figure.legend:
            counts = [f"{row.label} {row.count}" for row in figure.legend]
            high += 0.9 + sum(max(_high([words], 9.5, width=6.5, after=5), 1.1) for words in counts)
        high += _high([contents.LIMITS, *contents.limits_on(self.briefing, page)], 9.5, after=4) + 0.8
        high += _high([contents.credit_line(page)], 9.5) + 0.8
        return min(max(SHEET_CM - 2.0 - high, LEAST_CM), MOST_CM)

    def _behind(self, *, goes_on: bool) -> None:
        """What the pictures show, as tables."""
        pages = [page for page in self.briefing.pages if _pictured(page)]
        if pages:
            self._headline(APPENDIX, goes_on)
        for page in pages:
            figure, table = page.figure, contents.table_of(page.figure)
            name = contents.text(figure.title) or contents.headline(page)
            self._plain(f"Page {page.number}: {name}", "Heading 2")
            self._table(table, name)

    def _facts(self, *, goes_on: bool) -> None:
        """At the end: where each number in the words comes from."""
        told = [(page, lines) for page in self.briefing.pages if (lines := contents.fact_lines(page))]
        if told:
            self._headline("Where the numbers come from", goes_on)
        for page, lines in told:
            self._plain(contents.headline(page), "Heading 2")
            for line in lines:
                self._plain(line, "Small bullet")

    def _sources(self) -> None:
        """At the end: each source with its licence and version, once."""
        lines, said = contents.source_lines(self.briefing.sources), contents.attributions(self.briefing)
        if lines or said:
            self._headline(contents.SOURCES, True)
        for line in lines:
            self._plain(line, "Small bullet")
        if said:
            self._plain(said, "Small")

    def _blocks(self, blocks: Sequence[BriefingBlock]) -> None:
        styles = {"bullets": "List Bullet", "numbers": "List Number", "quote": "Quote"}
        for block in blocks:
            number = self._fresh_numbers() if block.kind == "numbers" else None
            for item in block.items:
                paragraph = self.document.add_paragraph(style=styles.get(block.kind, "Normal"))
                if number is not None:
                    _numbered(paragraph, number)
                for words in contents.runs(item, self.address):
                    self._run(paragraph, words)

    def _fresh_numbers(self) -> int:
        """A list that counts from 1 again; Word would go on from the last one."""
        numbering = self.document.part.numbering_part.element
        style = self.document.styles["List Number"].element
        first = style.pPr.numPr.numId.val
        abstract = next(num for num in numbering.num_lst if num.numId == first).abstractNumId.val
        made = numbering.add_num(abstract)
        made.add_lvlOverride(ilvl=0).add_startOverride(1)
        return made.numId

    def _run(self, paragraph, words: contents.Words) -> None:
        run = _linked(paragraph, words.href) if words.href else paragraph.add_run()
        run.text = words.text
        run.bold, run.italic = words.bold or None, words.italic or None
        if words.href:
            run.font.color.rgb, run.font.underline = _rgb(ACCENT), True

    def _plain(self, words: str, style: str):
        paragraph = self.document.add_paragraph(style=style)
        paragraph.add_run(words)
        return paragraph

    # ---- figures

    def _figure(self, figure: Figure, room: float) -> None:
        """``room`` is the height that its picture may have."""
        if figure.title:
            self._plain(contents.text(figure.title), "Figure title")
        if figure.filters:
            self._plain(contents.text(figure.filters), "Small").paragraph_format.keep_with_next = True
        if figure.svg:
            self._picture(figure, room)
        elif figure.table is not None and figure.table.headers:
            self._table(figure.table, contents.alt_of(figure))
        if figure.caption:
            self._plain(contents.text(figure.caption), "Small")
        if figure.svg and figure.legend:
            self._legend(figure)
        if link := contents.href(figure.link, self.address):
            self._run(
                self.document.add_paragraph(style="Small"), contents.Words("Open this view on the live map", href=link)
            )

    def _picture(self, figure: Figure, room: float) -> None:
        width, height = contents.size_of(figure.svg)
        wide = min(TEXT_CM, room * width / height)
        paragraph = self.document.add_paragraph(style="Normal")
        paragraph.paragraph_format.keep_with_next = True
        shape = paragraph.add_run().add_picture(io.BytesIO(picture_png(figure)), width=Cm(wide))
        properties = shape._inline.docPr
        properties.set("name", {"map": "Map", "picture": "Picture"}.get(figure.kind, "Chart"))
        properties.set("descr", contents.alt_of(figure))

    def _legend(self, figure: Figure) -> None:
        counted = any(row.count for row in figure.legend)
        headers = ["Colour", contents.text(figure.legend_title) or contents.KEY, *(["How many"] if counted else [])]
        widths = [1.6, 8.4 if counted else 15.4, *([7.0] if counted else [])]
        rows = [
            ["", contents.text(row.label), *([contents.text(row.count)] if counted else [])] for row in figure.legend
        ]
        table = self._grid(headers, rows, widths, [False] * len(headers), 9.5, whole=True)
        _described(table, "Key to the map")
        for made, row in zip(table.rows[1:], figure.legend, strict=True):
            _shade(made.cells[0], row)
        self._after()

    def _table(self, table: TableData, alt: str) -> None:
        headers, rows = contents.headers_of(table), contents.rows_of(table)
        numeric = [contents.is_number(table, n) for n in range(len(headers))]
        whole = len(rows) <= MOST_ROWS_TOGETHER
        made = self._grid(headers, rows, _widths(headers, rows), numeric, 10, whole)
        _described(made, alt)
        if table.note:
            self._plain(contents.text(table.note), "Small")
        else:
            self._after()

    def _grid(self, headers, rows, widths: Sequence[float], numeric: Sequence[bool], size: float, whole: bool = False):
        """A table; with ``whole`` all of it stays on one sheet."""
        table = self.document.add_table(rows=1 + len(rows), cols=len(headers))
        table.alignment, table.autofit = WD_TABLE_ALIGNMENT.LEFT, False
        _lines(table)
        sides = [WD_ALIGN_PARAGRAPH.RIGHT if each else WD_ALIGN_PARAGRAPH.LEFT for each in numeric]
        together = (
            len(rows) if whole else min(len(rows), 3)
        )  # a row of headers is not left alone at the foot of a sheet
        # the library looks rows, cells and styles up anew each time they are asked for, so they are asked for once
        style = self.document.styles["Cell"].style_id
        for n, (row, words) in enumerate(zip(table.rows, [headers, *rows], strict=True)):
            properties = row._tr.get_or_add_trPr()
            properties.append(OxmlElement("w:cantSplit"))
            if n == 0:
                properties.append(OxmlElement("w:tblHeader"))
            for c, cell in enumerate(row.cells):
                cell.width = Cm(widths[c])
                paragraph = cell.paragraphs[0]
                paragraph._p.style, paragraph.alignment = style, sides[c]
                if n < together:
                    paragraph.paragraph_format.keep_with_next = True
                run = paragraph.add_run(words[c])
                run.font.size = Pt(size)
                if n == 0:
                    run.bold, run.font.color.rgb = True, _rgb(PAPER)
                    _fill(cell, ACCENT)
        for column, width in zip(table.columns, widths, strict=True):
            column.width = Cm(width)
        return table

    def _after(self) -> None:
        """A little room after a table."""
        paragraph = self.document.add_paragraph(style="Small")
        paragraph.paragraph_format.space_after = Pt(0)


def _words_only(page: BriefingPage) -> bool:
    return page.figure is None


def _pictured(page: BriefingPage) -> bool:
    table = contents.table_of(page.figure) if page.figure is not None and page.figure.svg else None
    return table is not None and bool(table.headers)


def _high(
    texts: Sequence[str], size: float, *, width: float = TEXT_CM, bold: bool = False, after: float = 3.0
) -> float:
    """Centimetres that paragraphs take, rather more than less: ``after`` points stand between them."""
    room = width / 2.54 * 72 * 0.94
    lines = [ceil(width_of(text, size, bold=bold) / room) for text in texts if text]
    return sum(n * size * 1.25 + after for n in lines) / 72 * 2.54


# ---- tables ---------------------------------------------------------------------------------------------------------------


def _widths(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[float]:
    """Centimetres: numbers keep the width they need, words share the rest."""

    def cm(words: str, bold: bool) -> float:
        return width_of(words, 10, bold=bold) / 72 * 2.54 + 0.5

    def column(n: int, header: float) -> float:
        words = max((cm(word, True) for word in headers[n].split()), default=1.0)
        return max(header, words, max((cm(row[n], False) for row in rows), default=0.0))

    natural = [column(n, cm(header, True)) for n, header in enumerate(headers)]
    if sum(natural) > TEXT_CM:  # headers may take two lines
        natural = [column(n, cm(header, True) / 2) for n, header in enumerate(headers)]
    if sum(natural) <= TEXT_CM:
        return natural
    least = [
        max(
            max((cm(word, True) for word in header.split()), default=1.0),
            max((cm(word, False) for row in rows for word in row[n].split()), default=1.0),
        )
        for n, header in enumerate(headers)
    ]
    if sum(least) >= TEXT_CM:
        return [each * TEXT_CM / sum(least) for each in least]
    wanted = sum(n - a for n, a in zip(natural, least, strict=True)) or 1.0
    return [a + (n - a) * (TEXT_CM - sum(least)) / wanted for n, a in zip(natural, least, strict=True)]


def _lines(table) -> None:
    """Thin lines between rows and nothing else."""
    borders = OxmlElement("w:tblBorders")
    for side in ("top", "bottom", "insideH"):
        borders.append(_element(side, val="single", sz="4", space="0", color=RULE[1:].upper()))
    table._tbl.tblPr.find(qn("w:tblLayout")).addprevious(borders)  # the schema's order


def _element(tag: str, **attributes: str):
    made = OxmlElement(f"w:{tag}")
    for name, value in attributes.items():
        made.set(qn(f"w:{name}"), value)
    return made


def _described(table, alt: str) -> None:
    table._tbl.tblPr.append(_element("tblDescription", val=alt))


def _fill(cell, colour: str) -> None:
    cell._tc.get_or_add_tcPr().append(_element("shd", val="clear", color="auto", fill=colour[1:].upper()))


def _shade(cell, row: LegendRow) -> None:
    """The colour of a class, hatching, a bold frame, or the mark itself."""
    properties = cell._tc.get_or_add_tcPr()
    if mark_of(row):
        picture = svg_png(swatch_svg(row), 120)
        shape = cell.paragraphs[0].add_run().add_picture(io.BytesIO(picture), width=Cm(0.6))
        shape._inline.docPr.set("name", "Mark")
        shape._inline.docPr.set("descr", f"Mark on the map: {row.mark}")
        return
    if row.pattern == "outline":
        borders = OxmlElement("w:tcBorders")
        for side in ("top", "left", "bottom", "right"):
            borders.append(_element(side, val="single", sz="18", space="0", color="111111"))
        properties.append(borders)
        return
    if row.pattern == "hatch":
        properties.append(_element("shd", val="diagStripe", color=LINE[1:].upper(), fill=PAPER[1:].upper()))
    else:
        _fill(cell, hex_of(row.colour))


# ---- words ----------------------------------------------------------------------------------------------------------------


def _rgb(colour: str) -> RGBColor:
    return RGBColor.from_string(colour[1:].upper())


def _linked(paragraph, address: str):
    """A run in a hyperlink; the library has none of its own."""
    link = OxmlElement("w:hyperlink")
    link.set(qn("r:id"), paragraph.part.relate_to(address, RT.HYPERLINK, is_external=True))
    element = OxmlElement("w:r")
    link.append(element)
    paragraph._p.append(link)
    return Run(element, paragraph)


def _numbered(paragraph, number: int) -> None:
    properties = paragraph._p.get_or_add_pPr().get_or_add_numPr()
    properties.get_or_add_ilvl().val = 0
    properties.get_or_add_numId().val = number


def _field(paragraph, code: str) -> None:
    """A number that Word works out: PAGE, NUMPAGES."""
    run = paragraph.add_run()
    for kind, words in (("begin", ""), ("", code), ("separate", ""), ("text", "1"), ("end", "")):
        if kind == "":
            element = OxmlElement("w:instrText")
            element.set(qn("xml:space"), "preserve")
            element.text = words
        elif kind == "text":
            element = OxmlElement("w:t")
            element.text = words
        else:
            element = OxmlElement("w:fldChar")
            element.set(qn("w:fldCharType"), kind)
        run._r.append(element)


# ---- the empty paper ------------------------------------------------------------------------------------------------------


def _blank(briefing: Briefing):
    document = docx.Document()
    section = document.sections[0]
    section.orientation, section.page_width, section.page_height = WD_ORIENT.PORTRAIT, Cm(21.0), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.0)
    section.top_margin, section.bottom_margin = Cm(2.0), Cm(1.9)
    section.header_distance, section.footer_distance = Cm(0.9), Cm(0.8)
    _styles(document)
    _settings(document)
    if notice := contents.text(briefing.notice).strip():
        paragraph = section.header.paragraphs[0]
        paragraph.style = document.styles["Small"]
        run = paragraph.add_run(notice)
        run.bold, run.font.color.rgb = True, _rgb(NOTICE)
        run.font.size = Pt(
            next((z for z in (9.5, 9, 8.5, 8) if width_of(notice, z, bold=True) <= TEXT_CM / 2.54 * 72), 8)
        )
    footer = section.footer.paragraphs[0]
    footer.style = document.styles["Small"]
    footer.paragraph_format.tab_stops.add_tab_stop(Cm(TEXT_CM), WD_TAB_ALIGNMENT.RIGHT)
    line = contents.footer_line(briefing)
    # one line: a footer that grows takes room from the page
    size = next((z for z in (9, 8.5, 8, 7.5) if width_of(line, z) <= (TEXT_CM - 2.6) / 2.54 * 72), 7)
    if briefing.brand.data:
        shape = footer.add_run().add_picture(io.BytesIO(briefing.brand.data), height=Cm(0.5))
        shape._inline.docPr.set("name", "Logo")
        shape._inline.docPr.set("descr", contents.text(briefing.brand.alt or briefing.brand.name))
        line = f" {line}"
    footer.add_run(f"{line}\tPage ")
    _field(footer, "PAGE")
    footer.add_run(" of ")
    _field(footer, "NUMPAGES")
    for run in footer.runs:
        run.font.size = Pt(size)
    say_properties(document.core_properties, briefing)
    document.core_properties.created = document.core_properties.modified = datetime.combine(briefing.made_on, time())
    return document


def _styles(document) -> None:
    """Our type, in named styles that an editor can change in one place."""
    styles = document.styles
    for name, base in (
        ("Small", "Normal"), ("Small bullet", "List Bullet"), ("Figure title", "Normal"), ("Contents heading", "Normal"),
        ("Cell", "Normal"),
    ):  # fmt: skip
        made = styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        made.base_style, made.quick_style = styles[base], True
    # name: size, bold, colour, before, after, with the next
    given = {
        "Normal": (12, False, INK, 0, 6, False),
        "Title": (30, True, INK, 120, 8, True),
        "Subtitle": (16, False, QUIET, 0, 18, False),
        "Heading 1": (22, True, INK, 0, 8, True),
        "Heading 2": (11, True, ACCENT, 10, 3, True),
        "Figure title": (13, True, INK, 8, 2, True),
        "Contents heading": (13, True, INK, 16, 4, True),
        "List Bullet": (12, False, INK, 0, 4, False),
        "List Number": (12, False, INK, 0, 4, False),
        "Quote": (12, False, INK, 2, 6, False),
        "Small": (9.5, False, QUIET, 0, 3, False),
        "Small bullet": (9.5, False, INK, 0, 2, False),
        "Cell": (10, False, INK, 2, 2, False),
    }
    for name, (size, bold, colour, before, after, with_next) in given.items():
        style = styles[name]
        _font(style, size, bold, colour)
        style.paragraph_format.space_before, style.paragraph_format.space_after = Pt(before), Pt(after)
        style.paragraph_format.keep_with_next = with_next or None
        style.paragraph_format.line_spacing = 1.0 if name in ("Cell", "Title", "Heading 1") else 1.12
    styles["Heading 1"].paragraph_format.page_break_before = True
    styles["Quote"].paragraph_format.left_indent = Cm(0.8)
    for border in styles["Title"].element.iter(qn("w:pBdr")):
        border.getparent().remove(border)
        break
    for element in styles.element.iter(qn("w:lang")):
        for name in ("val", "eastAsia"):
            element.set(qn(f"w:{name}"), LANGUAGE)


def _font(style, size: float, bold: bool, colour: str) -> None:
    font = style.font
    font.name, font.size, font.bold, font.italic = FONT, Pt(size), bold, style.name == "Quote"
    font.color.rgb = _rgb(colour)
    fonts = style.element.rPr.rFonts
    for name in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{name}"), None)
    for name in ("ascii", "hAnsi", "cs", "eastAsia"):
        fonts.set(qn(f"w:{name}"), FONT)
    for name in ("spacing", "kern"):
        for element in style.element.rPr.findall(qn(f"w:{name}")):
            style.element.rPr.remove(element)


def _settings(document) -> None:
    """Today's layout rules; without this Word opens the file in compatibility mode."""
    for setting in document.settings.element.iter(qn("w:compatSetting")):
        if setting.get(qn("w:name")) == "compatibilityMode":
            setting.set(qn("w:val"), "15")
