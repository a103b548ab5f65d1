"""Native charts of a slide: the numbers, their intervals as error bars, and how they look."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import contextmanager

from lxml import etree
from pptx.chart.data import CategoryChartData
from pptx.chart.xlsx import CategoryWorkbookWriter
from pptx.enum.chart import XL_LABEL_POSITION, XL_LEGEND_POSITION, XL_TICK_LABEL_POSITION
from pptx.oxml.ns import qn
from pptx.util import Pt
from xlsxwriter import Workbook

from dashboard.briefings.files import contents
from dashboard.briefings.files.pptx_shapes import FONT, LEADING, lines_of, rgb
from dashboard.drawing.palette import CATEGORICAL, DUO, INK, PAPER, QUIET, contrast, hex_of
from dashboard.drawing.shown import ChartData

MOST_ROWS = 14  # of a bar chart


class _Sheet(CategoryWorkbookWriter):
    """The workbook behind a chart, in which texts stay texts: xlsxwriter would make “=…” a formula and “https…” a link."""

    @contextmanager
    def _open_worksheet(self, xlsx_file):
        plain = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        with Workbook(xlsx_file, plain) as workbook:
            yield workbook, workbook.add_worksheet()


class ChartNumbers(CategoryChartData):
    @property
    def _workbook_writer(self):
        return _Sheet(self)


def _has_intervals(chart: ChartData) -> bool:
    return any(known(a) is not None and known(b) is not None for a, b in zip(chart.lower, chart.upper, strict=False))


def _every_name(category) -> None:
    """No name of a category is left out, however little room there is."""
    element = category._element
    skip = element.find(qn("c:tickLblSkip"))
    if skip is None:
        skip = etree.Element(qn("c:tickLblSkip"))
        # the schema's order: …, lblOffset, tickLblSkip, tickMarkSkip, noMultiLvlLbl
        element.find(qn("c:noMultiLvlLbl")).addprevious(skip)
    skip.set("val", "1")
    # as Office writes it itself; without it LibreOffice breaks names into lines and then leaves out those that overlap
    for body in element.iter(qn("a:bodyPr")):
        body.set("rot", "-60000000")
        body.set("vert", "horz")


def known(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def format_of(chart: ChartData) -> str:
    return "#,##0" + (f".{'0' * chart.decimals}" if chart.decimals > 0 else "")


def upright(chart: ChartData) -> bool:
    """Whether bars stand rather than lie: those of a distribution, of which there are many and whose order is that of an axis."""
    return chart.kind == "bar" and len(chart.categories) > MOST_ROWS


def _unit(unit: str) -> str:
    """A unit with a capital, as the title of an axis; "km" keeps its small letter."""
    words = contents.text(unit)
    return words[:1].upper() + words[1:] if len(words.split(" ")[0].rstrip(",")) > 2 else words


def dress(made, chart: ChartData, step: float, room: float) -> None:
    """Government Analysis Function: its colours, bars from zero, units said, numbers at the bars, no frame, a faint grid.

    ``step`` is the height that a category has, in points, ``room`` the width that its name has.
    """
    made.font.size, made.font.name = Pt(14), FONT
    made.font.color.rgb = rgb(INK)
    made.has_title = False
    given = chart.colours or (DUO if len(chart.series) <= 2 else CATEGORICAL)
    colours = [hex_of(given[min(n, len(given) - 1)], DUO[0]) for n in range(len(chart.series))]
    numbers = [v for row in (*chart.values, chart.lower, chart.upper) for v in map(known, row) if v is not None]
    category, value = made.category_axis, made.value_axis
    category.format.line.color.rgb = rgb(INK)
    category.has_major_gridlines = False
    value.major_gridlines.format.line.color.rgb = rgb("#d5d5d5")
    value.format.line.fill.background()
    if numbers and min(numbers) >= 0:
        value.minimum_scale = 0
    if chart.unit:
        value.has_title = True
        value.axis_title.text_frame.text = _unit(chart.unit)
        for run in value.axis_title.text_frame.paragraphs[0].runs:
            run.font.size, run.font.bold, run.font.color.rgb = Pt(12), False, rgb(QUIET)
    value.tick_labels.number_format, value.tick_labels.number_format_is_linked = format_of(chart), False
    value.tick_labels.font.size = Pt(12)

    def named(size: float) -> float:
        """Height of the tallest name; names that overlap are left out by some readers."""
        return max(lines_of(contents.text(name), room, size) for name in chart.categories) * size * LEADING + 3

    lying = chart.kind != "line" and not upright(chart)
    if upright(chart):
        made.plots[0].gap_width = 6
        category.tick_labels.font.size = Pt(11)
    elif lying:
        category.tick_labels.font.size = Pt(next((z for z in (14, 13, 12, 11, 10) if named(z) <= step), 9))
        _every_name(category)
        category.reverse_order = True  # the first category on top
        value.tick_label_position = XL_TICK_LABEL_POSITION.HIGH  # and the numbers of the axis below
        category.tick_label_position = XL_TICK_LABEL_POSITION.LOW
        made.plots[0].gap_width = 55
        if chart.kind == "stacked":
            made.plots[0].overlap = 100
    made.has_legend = len(chart.series) > 1
    if made.has_legend:
        made.legend.position, made.legend.include_in_layout = XL_LEGEND_POSITION.TOP, False
        made.legend.font.size = Pt(12)
    for n, series in enumerate(made.plots[0].series):
        if chart.kind == "line":
            series.smooth = False
            series.format.line.color.rgb, series.format.line.width = rgb(colours[n]), Pt(3)
            series.marker.format.fill.solid()
            series.marker.format.fill.fore_color.rgb = rgb(colours[n])
            series.marker.format.line.color.rgb = rgb(PAPER)
            series.marker.size = 9
        else:
            series.invert_if_negative = False
            series.format.fill.solid()
            series.format.fill.fore_color.rgb = rgb(colours[n])
    if chart.kind == "bar" and chart.highlight is not None and 0 <= chart.highlight < len(chart.categories):
        loud = hex_of(chart.colours[1]) if len(chart.colours) > 1 else DUO[1]
        point = made.plots[0].series[0].points[chart.highlight]
        point.format.fill.solid()
        point.format.fill.fore_color.rgb = rgb(loud)
    _label(made, chart, colours, max(9.0, min(14.0, round(step * 0.6))) if lying else 14.0)
    _whiskers(made, chart)


def _label(made, chart: ChartData, colours: list[str], size: float) -> None:
    """Numbers at the bars. Where a bar has an interval they stand at its foot, since the interval's line is at its end."""
    for n, series in enumerate(made.plots[0].series):
        values = [known(v) for v in chart.values[n]]
        most = max((abs(v) for row in chart.values for v in map(known, row) if v is not None), default=0.0)
        if chart.kind == "line":
            last = max((i for i, v in enumerate(values) if v is not None), default=None)
            if last is not None:
                label = series.points[last].data_label
                label.has_text_frame = False
                label.position = XL_LABEL_POSITION.ABOVE
                label.font.size, label.font.bold = Pt(size), True
                _show_value(label, format_of(chart))
            continue
        least = min((abs(v) for v in values if v is not None), default=0.0)
        inside = chart.kind == "stacked" or _has_intervals(chart)
        if inside and least < most * 0.16:
            continue  # too narrow to write in; the axis and the table say it
        if upright(chart):
            continue
        labels = series.data_labels
        labels.show_value = True
        labels.number_format, labels.number_format_is_linked = format_of(chart), False
        labels.font.size, labels.font.bold = Pt(size), True
        if not inside:
            labels.position = XL_LABEL_POSITION.OUTSIDE_END
            continue
        labels.position = XL_LABEL_POSITION.CENTER if chart.kind == "stacked" else XL_LABEL_POSITION.INSIDE_BASE
        labels.font.color.rgb = rgb(PAPER if contrast(PAPER, colours[n]) >= 4.5 else INK)
        if chart.kind == "bar" and chart.highlight is not None and 0 <= chart.highlight < len(values):
            label = series.points[chart.highlight].data_label
            label.font.size, label.font.bold, label.font.color.rgb = Pt(size), True, rgb(INK)
            label.position = XL_LABEL_POSITION.INSIDE_BASE
            _show_value(label, format_of(chart))


def _show_value(label, number_format: str) -> None:
    """python-pptx makes a point's label without saying what it shows."""
    element = label._get_or_add_dLbl()
    for tag, shown in (
        ("c:showLegendKey", 0), ("c:showVal", 1), ("c:showCatName", 0), ("c:showSerName", 0), ("c:showPercent", 0),
        ("c:showBubbleSize", 0),
    ):  # fmt: skip
        found = element.find(qn(tag))
        if found is not None:
            found.set("val", str(shown))
    if element.find(qn("c:numFmt")) is None:
        made = etree.SubElement(element, qn("c:numFmt"))
        made.set("formatCode", number_format)
        made.set("sourceLinked", "0")
        # the schema's order: idx, delete, layout, tx, numFmt, spPr, txPr …
        after = [element.find(qn(tag)) for tag in ("c:tx", "c:layout", "c:idx")]
        next(each for each in after if each is not None).addnext(made)


def _whiskers(made, chart: ChartData) -> None:
    """95% intervals as error bars, with their own numbers."""
    if not _has_intervals(chart) or chart.kind == "stacked":
        return
    series = made.plots[0].series[0]._element
    values = chart.values[0]

    def numbers(ends: Sequence[float | None], sign: int) -> str:
        points = []
        for n, (value, end) in enumerate(zip(map(known, values), map(known, ends), strict=True)):
            if value is not None and end is not None:
                points.append(f'<c:pt idx="{n}"><c:v>{round(max(sign * (end - value), 0.0), 9)!r}</c:v></c:pt>')
        return f'<c:numLit><c:formatCode>General</c:formatCode><c:ptCount val="{len(values)}"/>{"".join(points)}</c:numLit>'

    direction = '<c:errDir val="y"/>' if chart.kind == "line" else ""
    bars = etree.fromstring(
        '<c:errBars xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
        f'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">{direction}'
        '<c:errBarType val="both"/><c:errValType val="cust"/><c:noEndCap val="0"/>'
        f"<c:plus>{numbers(chart.upper, 1)}</c:plus><c:minus>{numbers(chart.lower, -1)}</c:minus>"
        f'<c:spPr><a:ln w="22225"><a:solidFill><a:srgbClr val="{INK[1:].upper()}"/></a:solidFill></a:ln></c:spPr></c:errBars>'
    )
    before = series.find(qn("c:cat"))
    if before is None:
        before = series.find(qn("c:val"))
    before.addprevious(bars)
