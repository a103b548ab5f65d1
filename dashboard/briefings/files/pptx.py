"""A briefing as PowerPoint, to be opened, changed and shown in anybody's meeting.

Everything that can be is native: titles in title placeholders (so that outline, navigation and screen readers have them), words in
the body placeholder, tables as tables, charts as charts with their numbers in them. Only maps are pictures, with a description. A
page is one slide: words that would not fit in a size that can be read from the back stand in its notes and, as long tables do, on
slides at the end; nothing is shrunk below 20 points or left to run off. Presenter notes are in the notes pane, followed by where
the numbers come from.

After the briefing's pages come the figures behind its maps, and one list of sources and licences.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Sequence

from pptx.enum.chart import XL_CHART_TYPE
from pptx.enum.dml import MSO_PATTERN
from pptx.enum.shapes import MSO_SHAPE, PP_PLACEHOLDER
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.util import Pt

from dashboard.briefings.files import contents
from dashboard.briefings.files.contents import size_of
from dashboard.briefings.files.office import picture_png, say_properties, tidy
from dashboard.briefings.files.pptx_charts import ChartNumbers, dress, format_of, known, upright
from dashboard.briefings.files.pptx_shapes import (
    EDGE,
    FOOTER_HIGH,
    FOOTER_TOP,
    LEADING,
    TITLE_TOP,
    WIDTH,
    Box,
    Line,
    bare,
    blank,
    body_height,
    decorative,
    describe,
    height_of,
    lines_of,
    place,
    rgb,
    speak,
    write,
)
from dashboard.briefings.files.pptx_tables import borders, laid, natural
from dashboard.briefings.filling.model import Briefing, BriefingPage, Figure
from dashboard.briefings.filling.say import SAY, Say, credit_of, say_with
from dashboard.drawing.palette import (
    ACCENT,
    CAUTION_GROUND,
    CAUTION_INK,
    INK,
    NOTE_GROUND,
    NOTICE,
    PAPER,
    QUIET,
    RULE,
    SPECIAL,
    hex_of,
)
from dashboard.drawing.shown import LegendRow, TableData
from dashboard.drawing.swatch import LINE, mark_of
from layers import BriefingBlock

COLUMNS = (290.0, 340.0, 390.0, 440.0)  # words beside a figure; beside a map no wider than the second
GAP = 26.0
STRIP, SAID_SIZE = 7.0, 14  # room around the words of the strip, and their size
CREDIT_HIGH = 16.0
LOGO_HIGH = 18.0
SPARE = 8.0  # of the width of small print, for readers whose letters are wider
SIZES = (28, 26, 24, 22, 20)
LEAST = 20
MARKS = {
    "circle": MSO_SHAPE.OVAL,
    "square": MSO_SHAPE.RECTANGLE,
    "triangle": MSO_SHAPE.ISOSCELES_TRIANGLE,
    "diamond": MSO_SHAPE.DIAMOND,
    "star": MSO_SHAPE.STAR_5_POINT,
    "cross": MSO_SHAPE.CROSS,
    "pentagon": MSO_SHAPE.REGULAR_PENTAGON,
    "ring": MSO_SHAPE.DONUT,
}


def pptx_of(briefing: Briefing, *, address: str = "") -> bytes:
    """The file. ``address`` is that of the site, so that links to its pages can be followed."""
    return _Deck(briefing, address).made()


def _fitting(lines: Sequence[Line], width: float, room: float, size: float = LEAST) -> tuple[list[Line], list[Line]]:
    """The lines that have room, and the rest."""
    taken = 0
    while taken < len(lines) and body_height(lines[: taken + 1], width, size) <= room:
        taken += 1
    return list(lines[:taken]), list(lines[taken:])


# ---- the deck -------------------------------------------------------------------------------------------------------------


class _Deck:
    def __init__(self, briefing: Briefing, address: str):
        self.briefing, self.address = briefing, address
        self.deck = blank()
        names = {layout.name: layout for layout in self.deck.slide_layouts}
        self.front, self.words, self.bare = names["Title Slide"], names["Title and Content"], names["Title Only"]
        self.notice = contents.text(briefing.notice).strip()
        self.footer = contents.footer_line(briefing)
        self.behind: list[tuple[int, str, Figure]] = []
        self.further: list[tuple[int, str, list[Line]]] = []

    def made(self) -> bytes:
        self._front()
        for page in self.briefing.pages:
            self._page(page)
        self._further()
        self._behind()
        self._limits()
        self._sources()
        say_properties(self.deck.core_properties, self.briefing)
        for slide in self.deck.slides:
            speak(slide._element)
            if slide.has_notes_slide:
                speak(slide.notes_slide._element)
        out = io.BytesIO()
        self.deck.save(out)
        return tidy(out.getvalue(), self.briefing.made_on)

    # ---- slides

    def _front(self) -> None:
        slide = self.deck.slides.add_slide(self.front)
        brand = self.briefing.brand
        if brand.data:
            logo = slide.shapes.add_picture(io.BytesIO(brand.data), Pt(EDGE), Pt(30), height=Pt(56))
            describe(logo, "Logo", contents.text(brand.alt or brand.name))
        title = contents.text(self.briefing.title)
        size = next((s for s in (48, 44, 40, 36, 32) if lines_of(title, WIDTH - 4 * EDGE, s, True) <= 3), 28)
        high = lines_of(title, WIDTH - 4 * EDGE, size, True) * size * LEADING + 10
        place(slide.shapes.title, Box(EDGE, 110, WIDTH - 4 * EDGE, high))
        write(slide.shapes.title, [Line((contents.Words(title),))], size, bold=True)
        body = slide.placeholders[1]
        lines = [Line((contents.Words(contents.text(self.briefing.subtitle)),))] if self.briefing.subtitle else []
        lines += [Line((contents.Words(line),)) for line in contents.about_lines(self.briefing)]
        place(body, Box(EDGE, 110 + high + 26, WIDTH - 4 * EDGE, 260 - high + 70))
        write(body, lines, 18)
        if self.briefing.subtitle:
            for run in body.text_frame.paragraphs[0].runs:
                run.font.size = Pt(26)
        self._bar(slide, Box(EDGE, 110 + high + 10, 110, 4), ACCENT)
        self._notice(slide)
        self._end(slide, logo=not brand.data)
        self._notes(slide, [], (), (), [])

    def _page(self, page: BriefingPage) -> None:
        headline = contents.headline(page)
        if page.unavailable:
            slide, top = self._slide(self.words, headline)
            line = Line((contents.Words(contents.text(page.unavailable)),))
            place(slide.placeholders[1], Box(EDGE, top, WIDTH - 2 * EDGE, 200))
            write(slide.placeholders[1], [line], 28)
            self._finish(slide, page, page.number)
            return
        lines, figure = self._lines(page.blocks), page.figure
        foot_top = self._foot_top(page)
        top = self._top(headline)
        room = foot_top - 10 - top
        if figure is None:
            self._text_slide(page, headline, lines, room)
            return
        size, column = self._column(lines, figure, room)
        wide = figure.kind == "table" and not self._fits(figure.table, WIDTH - 2 * EDGE - column - GAP)
        if not lines:
            slide, _ = self._slide(self.bare, headline)
            self._figure(slide, page, figure, Box(EDGE, top, WIDTH - 2 * EDGE, room))
        elif size and not wide:
            slide, _ = self._slide(self.words, headline)
            place(slide.placeholders[1], Box(EDGE, top, column, room))
            write(slide.placeholders[1], lines, size)
            left = EDGE + column + GAP
            self._figure(slide, page, figure, Box(left, top, WIDTH - EDGE - left, room))
        elif wide:
            least = min(self._least(figure, WIDTH - 2 * EDGE), room)
            now, rest = _fitting(lines, WIDTH - 2 * EDGE, max(room - least - 8, 0.0))
            high = body_height(now, WIDTH - 2 * EDGE, LEAST) if now else 0.0
            slide, _ = self._slide(self.words if now else self.bare, headline)
            if now:
                place(slide.placeholders[1], Box(EDGE, top, WIDTH - 2 * EDGE, high))
                write(slide.placeholders[1], now, LEAST)
                high += 8
            self._figure(slide, page, figure, Box(EDGE, top + high, WIDTH - 2 * EDGE, room - high))
            self._finish(slide, page, page.number, rest=rest)
            return
        else:
            column = COLUMNS[1]
            now, rest = _fitting(lines, column, room)
            slide, _ = self._slide(self.words if now else self.bare, headline)
            if now:
                place(slide.placeholders[1], Box(EDGE, top, column, room))
                write(slide.placeholders[1], now, LEAST)
            left = EDGE + column + GAP if now else EDGE
            self._figure(slide, page, figure, Box(left, top, WIDTH - EDGE - left, room))
            self._finish(slide, page, page.number, rest=rest)
            return
        self._finish(slide, page, page.number)

    def _column(self, lines: list[Line], figure: Figure, room: float) -> tuple[float, float]:
        """Size of words beside a figure and the width of their column, the narrowest that holds them; size 0 where none does."""
        for column in COLUMNS[: 2 if figure.legend else None]:
            for size in SIZES[2:]:
                if body_height(lines, column, size) <= room:
                    return size, column
        return 0, COLUMNS[0]

    def _text_slide(self, page: BriefingPage, headline: str, lines: list[Line], room: float) -> None:
        """Words alone, in a size that can be read; what has no room stands in the notes."""
        width = WIDTH - 2 * EDGE - 20
        size = next((s for s in SIZES if body_height(lines, width, s) <= room), LEAST)
        now, rest = _fitting(lines, width, room, size)
        slide, top = self._slide(self.words if now else self.bare, headline)
        if now:
            place(slide.placeholders[1], Box(EDGE, top, width, room))
            write(slide.placeholders[1], now, size)
        self._finish(slide, page, page.number, rest=rest)

    def _further(self) -> None:
        """Words that a page had no room for, after all pages: a page is one slide, and nothing is lost."""
        for number, headline, rest in self.further:
            title = f"More for slide {number}: {headline}"
            while rest:
                slide, top = self._slide(self.words, title)
                width, room = WIDTH - 2 * EDGE - 20, FOOTER_TOP - 14 - top
                now, rest = _fitting(rest, width, room)
                if not now:  # one line that is longer than a slide: it is there all the same
                    now, rest = rest[:1], rest[1:]
                place(slide.placeholders[1], Box(EDGE, top, width, room))
                write(slide.placeholders[1], now, LEAST)
                self._end(slide)

    def _behind(self) -> None:
        """What the maps show, as tables: for readers who cannot see them, and for questions."""
        for number, what, figure in self.behind:
            table = contents.table_of(figure)
            if table is None or not table.headers:
                continue
            name = contents.text(figure.title) or what
            self._table_slides(
                f"Figures behind the {what} on slide {number}: {name}", table, contents.text(figure.filters)
            )

    def _limits(self) -> None:
        """What the data does not tell, of all pages, once."""
        limits = dict.fromkeys(contents.text(each) for page in self.briefing.pages for each in page.limits)
        rest = [Line((contents.Words(each),), "bullet") for each in limits]
        width, first = WIDTH - 2 * EDGE - 20, True
        while rest:
            slide, top = self._slide(self.words, contents.LIMITS if first else f"{contents.LIMITS} (continued)")
            room = FOOTER_TOP - 14 - top
            now, rest = _fitting(rest, width, room)
            if not now:
                now, rest = rest[:1], rest[1:]
            place(slide.placeholders[1], Box(EDGE, top, width, room))
            write(slide.placeholders[1], now, LEAST)
            self._end(slide)
            first = False

    def _sources(self) -> None:
        sources = self.briefing.sources
        if not sources:
            return
        rows = tuple(
            (s.title, s.publisher, s.period, str(s.version), contents.day(s.published_on), s.licence) for s in sources
        )
        headers = ("Data", "Publisher", "Period", "Version", "Published", "Licence")
        said = contents.attributions(self.briefing)
        self._table_slides(contents.SOURCES, TableData(headers, rows, (False,) * 6), said, 13)

    def _table_slides(self, headline: str, table: TableData, words: str, size: float = 14) -> None:
        rest, first = contents.rows_of(table), True
        while rest or first:
            slide, top = self._slide(self.bare, headline if first else f"{headline} (continued)")
            if words:
                high = height_of([words], WIDTH - 2 * EDGE, 12) + 4
                self._text(slide, Box(EDGE, top, WIDTH - 2 * EDGE, high), [(words, 12, False, QUIET)], "What is shown")
                top += high + 6
            rest = self._table(
                slide, table, rest, Box(EDGE, top, WIDTH - 2 * EDGE, FOOTER_TOP - 14 - top), headline, size
            )
            self._end(slide)
            first = False

    # ---- what every slide has

    def _top(self, headline: str) -> float:
        return self._title_box(headline)[0].bottom + 10

    def _title_box(self, headline: str) -> tuple[Box, float]:
        width = WIDTH - 2 * EDGE
        sizes = (32, 30, 28, 26, 24)
        size = next((s for s in sizes[:3] if lines_of(headline, width, s, True) == 1), 0)
        size = size or next((s for s in sizes if lines_of(headline, width, s, True) <= 2), 24)
        y = TITLE_TOP + (18 if self.notice else 0)
        return Box(EDGE, y, width, lines_of(headline, width, size, True) * size * LEADING + 4), size

    def _slide(self, layout, headline: str):
        """A slide with its title and, over it, the demonstration label; and where the room below them begins."""
        slide = self.deck.slides.add_slide(layout)
        box, size = self._title_box(headline)
        place(slide.shapes.title, box)
        write(slide.shapes.title, [Line((contents.Words(headline),))], size, bold=True)
        self._notice(slide)
        return slide, box.bottom + 10

    def _notice(self, slide) -> None:
        if self.notice:
            box = Box(EDGE, 12, WIDTH - 2 * EDGE, 20)
            size = next((s for s in (12, 11, 10, 9) if lines_of(self.notice, box.w, s, True) == 1), 9)
            self._text(slide, box, [(self.notice, size, True, NOTICE)], "Demonstration label")

    def _say_height(self, page: BriefingPage) -> float:
        """Of the strip with what has to be said with a page; 0 where there is none."""
        say = say_with(page)
        if say is None:
            return 0.0
        return height_of(self._said(say), WIDTH - 2 * EDGE - 2 * STRIP, SAID_SIZE, after=1) + 2 * STRIP

    def _said(self, say: Say) -> list[str]:
        first, *rest = (contents.text(line) for line in say.lines)
        return [f"{SAY} {first}", *rest]

    def _foot_top(self, page: BriefingPage) -> float:
        """Where the strip begins; without one, where the credit does."""
        high = self._say_height(page)
        credit = CREDIT_HIGH if credit_of(page) else 0.0
        return FOOTER_TOP - 4 - credit - (high + 4 if high else 0.0)

    def _finish(self, slide, page: BriefingPage, number: int, *, rest: Sequence[Line] = ()) -> None:
        """What has to be said, whose figures they are, footer and notes, after the figure: in this order they are read out. The map
        or the chart has the slide: all limits, sources and licences stand in the notes and on the last slides."""
        say, credit, top = say_with(page), contents.text(credit_of(page)), self._foot_top(page)
        if say is not None:
            box = Box(EDGE, top, WIDTH - 2 * EDGE, self._say_height(page))
            self._strip(slide, box, self._said(say), amber=say.amber)
        if credit:
            box = Box(EDGE, FOOTER_TOP - 4 - CREDIT_HIGH + 2, WIDTH - 2 * EDGE, CREDIT_HIGH - 2)
            size = next((s for s in (10, 9, 8) if lines_of(credit, box.w - SPARE, s) == 1), 7)
            self._text(slide, box, [(credit, size, False, QUIET)], contents.SOURCES)
        self._end(slide)
        said = contents.lines_of(page.notes)
        if rest:
            self.further.append((len(self.deck.slides), contents.headline(page), list(rest)))
            said = [*said, "", "There was no room on the slide for:", *(line.text for line in rest)]
        self._notes(
            slide, said, page.limits, contents.source_lines(page.sources), contents.fact_lines(page), page.figure
        )

    def _end(self, slide, *, logo: bool = True) -> None:
        """Footer and slide number, in their placeholders; the logo stands before them where the slide has none yet."""
        for shape in slide.slide_layout.placeholders:
            kind = shape.placeholder_format.type
            if kind not in (PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.SLIDE_NUMBER):
                continue
            element = copy.deepcopy(shape._element)
            slide.shapes._spTree.append(element)
            element.nvSpPr.cNvPr.set("id", str(max(int(i) for i in slide.shapes._spTree.xpath(".//p:cNvPr/@id")) + 1))
            made = slide.shapes[-1]
            if kind == PP_PLACEHOLDER.FOOTER:
                taken = self._small_logo(slide) if logo else 0.0
                if taken:
                    place(made, Box(EDGE + taken, FOOTER_TOP, 760 - taken, FOOTER_HIGH))
                size = 10 if lines_of(self.footer, 760 - taken, 10) == 1 else 8
                write(made, [Line((contents.Words(self.footer),))], size, colour=QUIET)

    def _small_logo(self, slide) -> float:
        """The partnership's logo before the footer; how much of its width it takes."""
        brand = self.briefing.brand
        if not brand.data:
            return 0.0
        wide = min(LOGO_HIGH * brand.size[0] / brand.size[1], 120.0)
        high = wide * brand.size[1] / brand.size[0]
        top = FOOTER_TOP + (FOOTER_HIGH - high) / 2
        logo = slide.shapes.add_picture(io.BytesIO(brand.data), Pt(EDGE), Pt(top), Pt(wide), Pt(high))
        describe(logo, "Logo", contents.text(brand.alt or brand.name))
        return wide + 8

    def _notes(self, slide, said: list[str], limits, sources, facts, figure: Figure | None = None) -> None:
        parts = list(said)
        if figure is not None:
            about = [contents.text(figure.filters), contents.alt_of(figure)]
            parts += ["", "What is shown:", *(each for each in about if each)]
        for heading, lines in (
            ("Where the numbers come from:", facts), (f"{contents.LIMITS}:", limits), (f"{contents.SOURCES}:", sources),
        ):  # fmt: skip
            if lines:
                parts += ["", heading, *(contents.text(line) for line in lines)]
        parts += ["", contents.made_line(self.briefing)]
        slide.notes_slide.notes_text_frame.text = "\n".join(parts).strip("\n")

    # ---- figures

    def _head(self, slide, figure: Figure, box: Box) -> float:
        """What is shown, in a line; where it ends. What it is filtered by stands in the notes and with the figures behind it."""
        title = contents.text(figure.title)
        if not title:
            return box.y
        high = height_of([title], box.w, 15, True) + 4
        self._text(slide, Box(box.x, box.y, box.w, high), [(title, 15, True, INK)], contents.SHOWN)
        return box.y + high + 4

    def _alone(self, slide, figure: Figure, box: Box) -> bool:
        """A map that has a slide to itself takes its whole height, with all its words at its side; False where that is too narrow."""
        width, height = contents.size_of(figure.svg)
        wide = box.h * width / height
        side = Box(box.x + wide + 20, box.y, box.w - wide - 20, box.h)
        if side.w < 240:
            return False
        y = self._head(slide, figure, side)
        self._drawn(slide, figure, Box(box.x, box.y, wide, box.h))
        caption = contents.text(figure.caption)
        low = height_of([caption], side.w, 12) + 8 if caption else 0.0
        if figure.legend:
            y = self._legend(slide, figure, Box(side.x, y + 6, side.w, side.bottom - y - 6 - low))
        if caption:
            self._text(slide, Box(side.x, y + 4, side.w, low - 4), [(caption, 12, False, QUIET)], "Caption")
        return True

    def _drawn(self, slide, figure: Figure, box: Box) -> None:
        picture = slide.shapes.add_picture(io.BytesIO(picture_png(figure)), Pt(box.x), Pt(box.y), Pt(box.w), Pt(box.h))
        describe(picture, "Map" if figure.kind == "map" else "Picture", contents.alt_of(figure))
        self.behind.append((len(self.deck.slides), "map" if figure.kind == "map" else "chart", figure))

    def _figure(self, slide, page: BriefingPage, figure: Figure, box: Box) -> None:
        if figure.svg and figure.kind == "map" and self._alone(slide, figure, box):
            return
        top = self._head(slide, figure, box)
        caption = contents.text(figure.caption)
        low = height_of([caption], box.w, 12) + 4 if caption else 0.0
        inner = Box(box.x, top, box.w, box.bottom - top - low - (4 if low else 0))
        end = inner.bottom
        rest: list[list[str]] = []
        if figure.chart is not None and figure.chart.categories:
            end = self._chart(slide, figure, inner)
        elif figure.svg:
            end = self._picture(slide, figure, inner)
        elif figure.table is not None and figure.table.headers:
            rest = self._table(slide, figure.table, contents.rows_of(figure.table), inner, contents.alt_of(figure))
        if caption:
            self._text(slide, Box(box.x, end + 4, box.w, low), [(caption, 12, False, QUIET)], "Caption")
        if rest:  # a page is one slide: the whole table stands at the end
            self.behind.append((len(self.deck.slides), "table", figure))

    def _picture(self, slide, figure: Figure, box: Box) -> float:
        """A map with its key beside it; the key is of shapes and words, so that it can be read and changed."""
        legend = figure.legend
        side = 190.0 if legend else 0.0
        width, height = size_of(figure.svg)
        wide = box.w - side - (14 if legend else 0)
        scale = min(wide / width, box.h / height)
        w, h = width * scale, height * scale
        self._drawn(slide, figure, Box(box.x, box.y, w, h))
        if legend:
            bottom = self._legend(slide, figure, Box(box.x + w + 14, box.y, box.x + box.w - (box.x + w + 14), box.h))
            return max(box.y + h, min(bottom, box.bottom))
        return box.y + h

    def _legend(self, slide, figure: Figure, box: Box) -> float:
        title = contents.text(figure.legend_title) or contents.KEY
        box = Box(box.x, box.y, min(box.w, 260.0), box.h)

        def rows(size: float) -> list[tuple[float, float]]:
            out = [(height_of([title], box.w, size, True) + 3, 0.0)]
            for row in figure.legend:
                label = height_of([contents.text(row.label)], box.w - 30, size)
                count = height_of([contents.text(row.count)], box.w - 30, size - 1) if row.count else 0.0
                out.append((label + count + 4, label))
            return out

        size = next((s for s in (14, 13, 12, 11, 10) if sum(h for h, _ in rows(s)) <= box.h), 9)
        heights = rows(size)
        y = box.y
        self._text(slide, Box(box.x, y, box.w, heights[0][0]), [(title, size, True, INK)], "Key")
        y += heights[0][0]
        for row, (high, _) in zip(figure.legend, heights[1:], strict=True):
            self._swatch(slide, row, box.x, y, size)
            lines = [(contents.text(row.label), size, False, INK)]
            lines += [(contents.text(row.count), size - 1, False, QUIET)] if row.count else []
            self._text(slide, Box(box.x + 30, y, box.w - 30, high), lines, f"Key: {contents.text(row.label)}"[:80])
            y += high
        return y

    def _swatch(self, slide, row: LegendRow, x: float, y: float, size: float) -> None:
        mark = mark_of(row)
        shape = slide.shapes.add_shape(MARKS.get(mark, MSO_SHAPE.RECTANGLE), 0, 0, 0, 0)
        place(shape, Box(x + 11 - size / 2, y + 2, size, size) if mark else Box(x, y + 2, 22, size))
        shape.shadow.inherit = False
        colour, line, width = hex_of(row.colour, INK) if mark else hex_of(row.colour), LINE, 0.75
        if row.pattern == "outline":
            colour, line, width = PAPER, SPECIAL["light"]["highlight"], 2.25
        if row.pattern == "hatch":
            shape.fill.patterned()
            shape.fill.pattern = MSO_PATTERN.WIDE_UPWARD_DIAGONAL
            shape.fill.fore_color.rgb, shape.fill.back_color.rgb = rgb(line), rgb(PAPER)
        else:
            shape.fill.solid()
            shape.fill.fore_color.rgb = rgb(colour)
        shape.line.color.rgb, shape.line.width = rgb(line), Pt(width)
        decorative(shape, "Key mark" if mark else "Key colour")

    def _chart(self, slide, figure: Figure, box: Box) -> float:
        chart = figure.chart
        data = ChartNumbers(number_format=format_of(chart))
        data.categories = [contents.text(category) for category in chart.categories]
        for name, values in zip(chart.series, chart.values, strict=True):
            data.add_series(contents.text(name) or "Value", [known(value) for value in values])
        kinds = {"stacked": XL_CHART_TYPE.BAR_STACKED, "line": XL_CHART_TYPE.LINE_MARKERS}
        kind = kinds.get(chart.kind, XL_CHART_TYPE.BAR_CLUSTERED)
        if upright(chart):
            kind = XL_CHART_TYPE.COLUMN_CLUSTERED
        high = box.h if chart.kind == "line" or upright(chart) else min(box.h, 80 * len(chart.categories) + 70)
        frame = slide.shapes.add_chart(kind, Pt(box.x), Pt(box.y), Pt(box.w), Pt(high), data)
        describe(frame, "Chart", contents.alt_of(figure))
        dress(frame.chart, chart, (high - 70) / len(chart.categories), box.w * 0.16)
        return box.y + high

    # ---- tables

    def _least(self, figure: Figure, width: float) -> float:
        """Height of a table with what stands over and under it, in the smallest size."""
        texts = [contents.text(t) for t in (figure.title, figure.caption, figure.table.note) if t]
        return sum(laid(figure.table, contents.rows_of(figure.table), width, 12)[1]) + height_of(texts, width, 12) + 24

    def _fits(self, table: TableData | None, width: float) -> bool:
        return table is None or sum(natural(table, contents.rows_of(table), 14)) <= width * 1.15

    def _table(
        self, slide, table: TableData, rows: list[list[str]], box: Box, alt: str, size: float = 0
    ) -> list[list[str]]:
        """As many rows as fit; the rest is returned. Cells are no smaller than 11 points."""
        note = contents.text(table.note)
        low = height_of([note], box.w, 12) + 6 if note else 0.0
        headers = contents.headers_of(table)

        sizes = (size, 12) if size else (18, 16, 15, 14, 13, 12, 11)
        size = next((s for s in sizes if sum(laid(table, rows, box.w, s)[1]) + low <= box.h), size or 11)
        widths, heights = laid(table, rows, box.w, size)
        taken, used = 0, heights[0] + low
        while taken < len(rows) and used + heights[taken + 1] <= box.h:
            used += heights[taken + 1]
            taken += 1
        if 0 < len(rows) - taken < 3 and taken > 6:
            taken -= 2  # no row is left alone on the next slide
        taken = max(taken, 1) if rows else 0
        used = heights[0] + sum(heights[1 : taken + 1])
        frame = slide.shapes.add_table(
            taken + 1, len(headers), Pt(box.x), Pt(box.y), Pt(sum(widths)), Pt(sum(heights[: taken + 1]))
        )
        describe(frame, "Table", alt)
        made = frame.table
        made.horz_banding = False
        for n, width in enumerate(widths):
            made.columns[n].width = Pt(width)
        for r, cells in enumerate([headers, *rows[:taken]]):
            made.rows[r].height = Pt(heights[r])
            for c, words in enumerate(cells):
                cell = made.cell(r, c)
                cell.margin_left = cell.margin_right = Pt(7)
                cell.margin_top = cell.margin_bottom = Pt(size * 0.2)
                cell.vertical_anchor = MSO_ANCHOR.BOTTOM if r == 0 else MSO_ANCHOR.TOP
                cell.fill.solid()
                cell.fill.fore_color.rgb = rgb(ACCENT if r == 0 else PAPER)
                borders(cell, None if r == 0 else RULE)
                paragraph = cell.text_frame.paragraphs[0]
                run = paragraph.add_run()
                run.text = words
                run.font.size, run.font.bold = Pt(size), r == 0
                run.font.color.rgb = rgb(PAPER if r == 0 else INK)
                paragraph.alignment = PP_ALIGN.RIGHT if contents.is_number(table, c) else PP_ALIGN.LEFT
        if note and taken == len(rows):
            self._text(slide, Box(box.x, box.y + used + 4, box.w, low), [(note, 12, False, QUIET)], "Note on the table")
        return rows[taken:]

    # ---- words

    def _lines(self, blocks: Sequence[BriefingBlock]) -> list[Line]:
        marks = {"bullets": "bullet", "numbers": "number", "quote": "quote"}
        out = []
        for block in blocks:
            for item in block.items:
                words = tuple(contents.runs(item, self.address))
                if words:
                    out.append(Line(words, marks.get(block.kind, "")))
        return out

    def _text(self, slide, box: Box, lines: Sequence[tuple[str, float, bool, str]], name: str) -> None:
        """A box of small words."""
        shape = slide.shapes.add_textbox(Pt(box.x), Pt(box.y), Pt(box.w), Pt(box.h))
        shape.name = contents.text(name)
        frame = shape.text_frame
        bare(frame)
        for n, (words, size, bold, colour) in enumerate(lines):
            paragraph = frame.paragraphs[0] if n == 0 else frame.add_paragraph()
            paragraph.space_after = Pt(1)
            run = paragraph.add_run()
            run.text = words
            run.font.size, run.font.bold, run.font.color.rgb = Pt(size), bold, rgb(colour)

    def _strip(self, slide, box: Box, lines: Sequence[str], *, amber: bool) -> None:
        ground, ink = (CAUTION_GROUND, CAUTION_INK) if amber else (NOTE_GROUND, INK)
        shape = slide.shapes.add_textbox(Pt(box.x), Pt(box.y), Pt(box.w), Pt(box.h))
        shape.name = contents.LIMITS
        shape.fill.solid()
        shape.fill.fore_color.rgb = rgb(ground)
        frame = shape.text_frame
        bare(frame)
        frame.margin_left = frame.margin_right = Pt(STRIP)
        frame.margin_top = frame.margin_bottom = Pt(STRIP)
        for n, words in enumerate(lines):
            paragraph = frame.paragraphs[0] if n == 0 else frame.add_paragraph()
            paragraph.space_after = Pt(1)
            run = paragraph.add_run()
            run.text = words
            run.font.size, run.font.color.rgb = Pt(SAID_SIZE), rgb(ink)

    def _bar(self, slide, box: Box, colour: str) -> None:
        bar = slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, Pt(box.x), Pt(box.y), Pt(box.w), Pt(box.h))
        bar.fill.solid()
        bar.fill.fore_color.rgb = rgb(colour)
        bar.line.fill.background()
        bar.shadow.inherit = False
        decorative(bar, "Line")
