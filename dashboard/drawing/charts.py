"""Charts of a briefing as SVG, drawn on the server: readable from the back row, and by the rules of the Government Analysis Function.

Those rules (analysisfunction.civilservice.gov.uk, data visualisation: colours in charts): its colours, at most four of them, never
colour alone; bars begin at zero and are horizontal; names and numbers stand at what they belong to, not in a legend; the unit
is said. No script, no font from elsewhere, nothing under 19 pixels at 720 wide.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from hashlib import sha256

from dashboard.drawing.palette import CATEGORICAL, DUO, INK, PAPER, contrast
from dashboard.drawing.shown import ChartData
from dashboard.drawing.svg_text import clean, cut, text_at, text_block, width_of, wrap
from dashboard.views import wording

GREY = "#3D3D3D"
GRID = "#D5D5D5"
MOST_SERIES = 4

WIDTH = 720
TEXT, SMALL = 19.5, 19.0
EDGE = 6.0  # pixels kept free all round


def chart_svg(
    data: ChartData,
    *,
    title: str,
    description: str,
    width: int = WIDTH,
    height: int | None = None,
    breaks: Sequence[tuple[int, str]] = (),
    reference: tuple[float, str] | None = None,
    says_interval: str = "95% interval",
    id_prefix: str = "",
) -> str:
    """A chart as one SVG element with title and description. ``height`` follows from what is shown unless it is given.

    ``breaks`` of a line are (category, why): it does not compare with the one before. ``reference`` is a value with its words that
    bars are read against. Raises ValueError for data that no honest chart can be made of: more than four series, rows of
    unequal length, or a kind that there is none of.
    """
    _check(data)
    if data.kind == "line":
        body, tall = _lines(data, width, height, breaks)
    elif data.kind == "stacked":
        body, tall = _stacks(data, width, height)
    else:
        body, tall = _bars(data, width, height, reference, says_interval)
    return _document(body, width, tall, title, description, id_prefix)


def histogram_svg(
    counts: Sequence[int],
    edges: Sequence[float],
    *,
    unit: str,
    decimals: int,
    what: str,
    title: str,
    description: str,
    middle: float | None = None,
    mark: tuple[float, str] | None = None,
    width: int = WIDTH,
    height: int = 400,
    id_prefix: str = "",
) -> str:
    """How many areas (``what``: "small areas") have which values. ``edges`` has one more than ``counts``. ``middle`` is the median,
    ``mark`` a value with its words that the page is about."""
    if len(edges) != len(counts) + 1 or not len(counts):
        raise ValueError(f"{len(counts)} counts need {len(counts) + 1} edges, not {len(edges)}")
    body = _histogram(counts, edges, unit, decimals, what, middle, mark, width, height)
    return _document(body, width, height, title, description, id_prefix)


def _check(data: ChartData) -> None:
    if data.kind not in ("bar", "stacked", "line"):
        raise ValueError(f"there is no chart “{data.kind}”; use bar, stacked or line")
    if not 0 < len(data.series) <= MOST_SERIES and data.kind != "line":
        raise ValueError(f"a chart tells at most {MOST_SERIES} series apart, not {len(data.series)}")
    if len(data.values) != len(data.series) or any(len(row) != len(data.categories) for row in data.values):
        raise ValueError("every series needs one value, or None, for each category")
    if not data.categories:
        raise ValueError("a chart without a category shows nothing")


def _document(body: str, width: int, height: float, title: str, description: str, prefix: str) -> str:
    prefix = prefix or f"c{sha256(f'{title}{description}{body}'.encode('utf-8', 'replace')).hexdigest()[:10]}-"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:g}" width="{width}" height="{height:g}" role="img" '
        f'aria-labelledby="{prefix}title {prefix}description"><title id="{prefix}title">{clean(title)}</title>'
        f'<desc id="{prefix}description">{clean(description)}</desc><rect width="{width}" height="{height:g}" fill="{PAPER}"/>'
        f"{body}</svg>"
    )


# ---- bars ---------------------------------------------------------------------------------------------------------------


class _Rows:
    """Where the rows of a bar chart lie: names on the left, bars from zero, numbers at their ends."""

    def __init__(
        self, names: Sequence[str], numbers: Sequence[str], low: float, high: float, width: int, top: float, height
    ):
        self.width, self.top = width, top
        widest = max(width_of(name, TEXT, bold=True) for name in names)
        self.names_end = EDGE + min(widest, 0.40 * width)
        self.names = [wrap(name, self.names_end - EDGE, TEXT, bold=True, lines=2) for name in names]
        two = any(len(lines) > 1 for lines in self.names)
        self.step = 46.0 if two else 38.0 if len(names) <= 12 else 32.0
        if height is not None:
            self.step = max((height - top - EDGE) / len(names), 42.0 if two else 22.0)
        self.bar = min(0.64 * self.step, 30.0 if height is None else 52.0)
        self.left = self.names_end + 12
        self.numbers = max(width_of(number, TEXT, bold=True) for number in numbers) + 14
        self.low, self.high = min(low, 0.0), max(high, 0.0)
        if self.high == self.low:
            self.high = 1.0
        self.bottom = top + self.step * len(names)
        self.height = self.bottom + EDGE if height is None else max(height, self.bottom + EDGE)

    def across(self, value: float) -> float:
        room = self.width - EDGE - self.numbers - self.left
        return self.left + room * (value - self.low) / (self.high - self.low)

    def middle(self, i: int) -> float:
        return self.top + self.step * (i + 0.5)

    def name(self, i: int, bold: bool) -> str:
        lines, leading = self.names[i], 1.15
        y = self.middle(i) + TEXT * 0.35 - (len(lines) - 1) * TEXT * leading / 2
        return text_block(lines, self.names_end, y, TEXT, leading=leading, anchor="end", bold=bold)

    def zero(self) -> str:
        x = self.across(0.0)
        return f'<path d="M{x:.1f} {self.top:.1f}V{self.bottom:.1f}" stroke="{INK}" stroke-width="1.5" fill="none"/>'


def _bars(data: ChartData, width, height, reference, says_interval) -> tuple[str, float]:
    values, colours = data.values[0], _colours(data)
    lower, upper = (tuple(part) if part else (None,) * len(values) for part in (data.lower, data.upper))
    whiskers = any(_known(a) and _known(b) for a, b in zip(lower, upper, strict=True))
    head = _unit(data.unit) + (f". Thin line: {says_interval}" if whiskers else "")
    if reference is not None:
        head += f". Dashed line: {reference[1]}"
    top_lines = wrap(head, width - 2 * EDGE, SMALL)
    numbers = [_number(value, data) for value in values]
    everything = [v for v in (*values, *lower, *upper, reference[0] if reference else None) if _known(v)] or [0.0]
    rows = _Rows(
        data.categories, numbers, min(everything), max(everything), width, 14 + len(top_lines) * SMALL * 1.3, height
    )
    out, written = [text_block(top_lines, EDGE, EDGE + SMALL, SMALL, fill=GREY)], []
    for i, value in enumerate(values):
        loud = i == data.highlight
        y, zero = rows.middle(i), rows.across(0.0)
        out.append(rows.name(i, loud))
        if not _known(value):
            out.append(text_at(zero + 8, y + TEXT * 0.35, numbers[i], SMALL, fill=GREY))
            continue
        x = rows.across(value)
        out.append(_bar(min(x, zero), y - rows.bar / 2, abs(x - zero), rows.bar, colours[1] if loud else colours[0]))
        end = max(x, zero)
        if _known(lower[i]) and _known(upper[i]):
            a, b = rows.across(lower[i]), rows.across(upper[i])
            out.append(_whisker(a, b, y, rows.bar * 0.36))
            end = max(end, b)
        if reference is not None:  # the dashed line must not run through a number
            written.append(_bar(end + 5, y - TEXT * 0.6, width_of(numbers[i], TEXT, bold=True) + 6, TEXT * 1.2, PAPER))
        written.append(text_at(end + 9, y + TEXT * 0.35, numbers[i], TEXT, bold=True))
    if reference is not None:
        x = rows.across(reference[0])
        line = f'd="M{x:.1f} {rows.top:.1f}V{rows.bottom:.1f}" fill="none"'
        out.append(f'<path {line} stroke="{PAPER}" stroke-width="4"/>')
        out.append(f'<path {line} stroke="{INK}" stroke-width="2" stroke-dasharray="6 5"/>')
    out += written
    out.append(rows.zero())
    return "".join(out), rows.height


def _stacks(data: ChartData, width, height) -> tuple[str, float]:
    colours = _colours(data)
    totals = [
        sum(v for v in column if _known(v)) if any(map(_known, column)) else None
        for column in zip(*data.values, strict=True)
    ]
    if any(_known(v) and v < 0 for row in data.values for v in row):
        raise ValueError("parts of a whole cannot be below zero")
    key, key_height = _key(data.series, colours, width)
    numbers = [_number(total, data) for total in totals]
    top = EDGE + SMALL * 1.3 + key_height + 12
    high = max((total for total in totals if _known(total)), default=0.0)
    rows = _Rows(data.categories, numbers, 0.0, high, width, top, height)
    out = [text_at(EDGE, EDGE + SMALL, _unit(data.unit), SMALL, fill=GREY), key(EDGE + SMALL * 1.3 + 4)]
    for i, total in enumerate(totals):
        loud, y, before = i == data.highlight, rows.middle(i), 0.0
        out.append(rows.name(i, loud))
        if not _known(total):
            out.append(text_at(rows.across(0.0) + 8, y + TEXT * 0.35, numbers[i], SMALL, fill=GREY))
            continue
        for row, colour in zip(data.values, colours, strict=False):
            value = row[i]
            if not _known(value) or value <= 0:
                continue
            a, b = rows.across(before), rows.across(before + value)
            out.append(_bar(a, y - rows.bar / 2, b - a, rows.bar, colour, PAPER))
            said = _number(value, data)
            if len(data.series) > 1 and width_of(said, SMALL, bold=True) + 10 < b - a and rows.bar >= SMALL + 4:
                ink = PAPER if contrast(PAPER, colour) >= 4.5 else INK
                out.append(text_at((a + b) / 2, y + SMALL * 0.35, said, SMALL, anchor="middle", bold=True, fill=ink))
            before += value
        out.append(text_at(rows.across(before) + 9, y + TEXT * 0.35, numbers[i], TEXT, bold=True))
    out.append(rows.zero())
    return "".join(out), rows.height


def _key(series: Sequence[str], colours: Sequence[str], width: float):
    """Swatches with their names, in as many lines as they need; a function of where they begin, and how high they are."""
    places, x, line = [], EDGE, 0
    for name in series:
        words = cut(name, width - 2 * EDGE - 26, SMALL)
        wide = 24 + width_of(words, SMALL)
        if x > EDGE and x + wide > width - EDGE:
            x, line = EDGE, line + 1
        places.append((x, line, words))
        x += wide + 22
    step = SMALL * 1.45

    def draw(y: float) -> str:
        return "".join(
            _bar(a, y + n * step + 2, 16, 16, colour) + text_at(a + 23, y + n * step + 2 + SMALL * 0.86, words, SMALL)
            for (a, n, words), colour in zip(places, colours, strict=False)
        )

    return draw, (line + 1) * step


def _bar(x: float, y: float, wide: float, tall: float, fill: str, rim: str = "") -> str:
    line = f' stroke="{rim}" stroke-width="1"' if rim else ""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(wide, 0.0):.1f}" height="{tall:.1f}" fill="{fill}"{line}/>'


def _whisker(a: float, b: float, y: float, cap: float) -> str:
    path = f'd="M{a:.1f} {y:.1f}H{b:.1f}M{a:.1f} {y - cap:.1f}v{2 * cap:.1f}M{b:.1f} {y - cap:.1f}v{2 * cap:.1f}" fill="none"'
    # white below it: the line runs over the dark end of its bar
    return f'<path {path} stroke="{PAPER}" stroke-width="5"/><path {path} stroke="{INK}" stroke-width="2"/>'


# ---- lines --------------------------------------------------------------------------------------------------------------


def _lines(data: ChartData, width, height, breaks) -> tuple[str, float]:
    colours = _colours(data)
    known = [v for row in (*data.values, data.lower, data.upper) for v in row if _known(v)]
    low, high, step = _axis(known)
    places = 0 if step >= 1 else min(max(-math.floor(math.log10(step)), 0), 4)
    several = len(set(colours[: len(data.series)])) > 1
    why = [f"Before {data.categories[i]} the figures do not compare: {words}." for i, words in breaks]
    notes = [line for text in why for line in wrap(text, width - 2 * EDGE, SMALL)]
    tall = height or 400 + int(len(notes) * SMALL * 1.35)
    ticks = [low + n * step for n in range(round((high - low) / step) + 1)]
    left = EDGE + max(width_of(wording.number(t, places), SMALL) for t in ticks) + 12
    names = max((width_of(name, SMALL, bold=True) for name in data.series), default=0.0) + 14 if several else 0.0
    last_words = max((width_of(_number(row[-1], data), TEXT, bold=True) for row in data.values), default=0.0)
    right = width - EDGE - max(min(names, 0.3 * width), last_words / 2 + 8, 30.0)
    top, bottom = EDGE + SMALL * 1.3 + 22, tall - EDGE - SMALL * 1.6 - len(notes) * SMALL * 1.35
    count = len(data.categories)

    def across(i: int) -> float:
        return (left + 16 + right) / 2 if count == 1 else left + 16 + (right - left - 16) * i / (count - 1)

    def up(value: float) -> float:
        return bottom - (bottom - top) * (value - low) / (high - low)

    out = [text_at(EDGE, EDGE + SMALL, _unit(data.unit), SMALL, fill=GREY)]
    for tick in ticks:
        y, base = up(tick), abs(tick - low) < step / 2
        line = f'stroke="{INK if base else GRID}" stroke-width="{1.5 if base else 1}"'
        out.append(f'<path d="M{left:.1f} {y:.1f}H{right + 10:.1f}" {line} fill="none"/>')
        out.append(text_at(left - 8, y + SMALL * 0.35, wording.number(tick, places), SMALL, anchor="end", fill=GREY))
    for i, _ in breaks:
        if 0 < i < count:
            x = (across(i - 1) + across(i)) / 2
            dash = f'stroke="{GREY}" stroke-width="2" stroke-dasharray="3 5" fill="none"'
            out.append(f'<path d="M{x:.1f} {top - 6:.1f}V{bottom:.1f}" {dash}/>')
    for i in _thinned(data.categories, (right - left) / max(count - 1, 1)):
        anchor = (
            "end"
            if count > 1 and i == count - 1 and across(i) + width_of(data.categories[i], SMALL) / 2 > width
            else "middle"
        )
        x = min(across(i), width - EDGE) if anchor == "middle" else width - EDGE
        out.append(text_at(x, bottom + SMALL * 1.4, data.categories[i], SMALL, anchor=anchor, fill=GREY))
    lower, upper = (tuple(part) if part else (None,) * count for part in (data.lower, data.upper))
    for i in range(count):
        if _known(lower[i]) and _known(upper[i]):
            x, a, b = across(i), up(lower[i]), up(upper[i])
            path = f'd="M{x:.1f} {a:.1f}V{b:.1f}M{x - 6:.1f} {a:.1f}h12M{x - 6:.1f} {b:.1f}h12"'
            out.append(f'<path {path} stroke="{GREY}" stroke-width="1.6" fill="none"/>')
    cut_at = {i for i, _ in breaks}
    ends: list[float] = []
    for row, name, colour in zip(data.values, data.series, colours, strict=False):
        out.append(_line([(across(i), up(v)) if _known(v) else None for i, v in enumerate(row)], cut_at, colour))
        seen = [i for i, v in enumerate(row) if _known(v)]
        if several and seen:
            y = _apart(up(row[seen[-1]]) + SMALL * 0.35, ends, SMALL * 1.25)
            ends.append(y)
            label = cut(name, width - EDGE - across(seen[-1]) - 12, SMALL, bold=True)
            out.append(text_at(across(seen[-1]) + 12, y, label, SMALL, bold=True, fill=_ink_of(colour)))
        elif seen:
            for i in sorted({seen[0], seen[-1]}):
                y = up(upper[i]) if _known(upper[i]) else up(row[i])
                out.append(
                    text_at(across(i), y - 12, _number(row[i], data), TEXT, anchor="middle", bold=True, halo=True)
                )
    out.append(
        text_block(notes, EDGE, tall - EDGE - (len(notes) - 1) * SMALL * 1.35 - 2, SMALL, leading=1.35, fill=GREY)
    )
    return "".join(out), tall


def _line(places: Sequence[tuple[float, float] | None], cut_at: set[int], colour: str) -> str:
    path, dots, drawing = "", "", False
    for i, place in enumerate(places):
        if place is None:
            drawing = False
            continue
        x, y = place
        path += f"{'L' if drawing and i not in cut_at else 'M'}{x:.1f} {y:.1f}"
        dots += f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}" stroke="{PAPER}" stroke-width="1.5"/>'
        drawing = True
    return (
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="3.5" stroke-linejoin="round"/>{dots}'
        if path
        else ""
    )


def _apart(y: float, others: Sequence[float], least: float) -> float:
    while any(abs(y - other) < least for other in others):
        y += 1
    return y


def _thinned(names: Sequence[str], step: float) -> list[int]:
    """Which names fit below an axis; the last is always one of them."""
    widest = max(width_of(name, SMALL) for name in names) + 14
    every = max(1, math.ceil(widest / max(step, 1e-6)))
    return sorted(range(len(names) - 1, -1, -every))


# ---- histogram ----------------------------------------------------------------------------------------------------------


def _histogram(counts, edges, unit, decimals, what, middle, mark, width, tall) -> str:
    low, high = float(edges[0]), float(edges[-1])
    _, most, step = _axis([0.0, float(max(counts))], whole=True)
    left = EDGE + width_of(f"{most:,.0f}", SMALL) + 12
    right, top, bottom = (
        width - EDGE - 24,
        EDGE + SMALL * 1.3 + (2 if mark else 1) * TEXT * 1.35 + 8,
        tall - EDGE - SMALL * 3.2,
    )
    span = high - low or 1.0

    def across(value: float) -> float:
        return left + 4 + (right - left - 4) * (min(max(value, low), high) - low) / span

    def up(count: float) -> float:
        return bottom - (bottom - top) * count / most

    out = [text_at(EDGE, EDGE + SMALL, f"Number of {what}", SMALL, fill=GREY)]
    for n in range(round(most / step) + 1):
        y = up(n * step)
        out.append(f'<path d="M{left:.1f} {y:.1f}H{right:.1f}" stroke="{GRID}" stroke-width="1" fill="none"/>')
        out.append(text_at(left - 8, y + SMALL * 0.35, f"{n * step:,.0f}", SMALL, anchor="end", fill=GREY))
    for count, a, b in zip(counts, edges[:-1], edges[1:], strict=True):
        if not count:
            continue
        x0, x1 = (across(a), across(b)) if b > a else (left + 4, right)
        loud = mark is not None and a <= mark[0] <= b
        out.append(_bar(x0, up(count), x1 - x0, bottom - up(count), DUO[1] if loud else DUO[0], PAPER))
    out.append(f'<path d="M{left:.1f} {bottom:.1f}H{right:.1f}" stroke="{INK}" stroke-width="1.5" fill="none"/>')
    size = nice_step(span / 5)
    ticks = (
        [n * size for n in range(math.ceil(low / size - 1e-9), math.floor(high / size + 1e-9) + 1)]
        if high > low
        else [low]
    )
    places = decimals if high == low or size < 1 else 0 if size == round(size) else 1
    for value in ticks:
        words = wording.short_unit(value, unit, places)
        x = min(max(across(value), left + 4), width - EDGE - width_of(words, SMALL) / 2)
        out.append(f'<path d="M{across(value):.1f} {bottom:.1f}v6" stroke="{INK}" stroke-width="1.5" fill="none"/>')
        out.append(text_at(x, bottom + SMALL * 1.45, words, SMALL, anchor="middle", fill=GREY))
    out.append(text_at((left + right) / 2, tall - EDGE - 4, _unit(unit), SMALL, anchor="middle", fill=GREY))
    lines = (
        [(middle, f"Middle area: {wording.short_unit(middle, unit, decimals)}", "6 5")] if middle is not None else []
    )
    lines += [(mark[0], f"{mark[1]}: {wording.short_unit(mark[0], unit, decimals)}", "")] if mark else []
    for n, (value, words, dash) in enumerate(lines):
        x, y = across(value), EDGE + SMALL * 1.3 + (n + 1) * TEXT * 1.25
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        line = f'd="M{x:.1f} {y - TEXT * 0.3:.1f}V{bottom:.1f}" fill="none"'
        out.append(f'<path {line} stroke="{PAPER}" stroke-width="5"/>')
        out.append(f'<path {line} stroke="{INK}" stroke-width="2"{dashes}/>')
        words = cut(words, width - 2 * EDGE - 20, TEXT, bold=True)
        before = x + 8 + width_of(words, TEXT, bold=True) > width - EDGE
        out.append(
            text_at(
                x - 8 if before else x + 8, y, words, TEXT, anchor="end" if before else "start", bold=True, halo=True
            )
        )
    return "".join(out)


# ---- numbers and colours ------------------------------------------------------------------------------------------------


def _known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _number(value: float | None, data: ChartData) -> str:
    return wording.short_unit(value, data.unit, data.decimals) if _known(value) else "no figure"


def _unit(unit: str) -> str:
    """The words above a chart; "km" keeps its small letter."""
    return unit[:1].upper() + unit[1:] if len(unit.split(" ")[0].rstrip(",")) > 2 else unit or "Number"


def _colours(data: ChartData) -> tuple[str, ...]:
    """One colour a series; for bars that of all and that of the one that stands out."""
    given = data.colours or (DUO if len(data.series) <= 2 else CATEGORICAL)
    if data.kind == "bar":
        return given if len(given) > 1 else (given[0], DUO[1])
    return (*given, *given[-1:] * max(len(data.series) - len(given), 0))


def _ink_of(colour: str) -> str:
    """The colour itself where text in it can be read on paper, else dark."""
    return colour if contrast(PAPER, colour) >= 4.5 else INK


def _axis(values: Sequence[float], *, whole: bool = False) -> tuple[float, float, float]:
    """Ends and step of an axis that begins at zero where nothing lies below it."""
    low, high = min([0.0, *values]), max([0.0, *values])
    step = nice_step((high - low) / 4 or 1.0)
    if whole:
        step = max(1.0, math.ceil(step))
    low, high = math.floor(low / step) * step, math.ceil(high / step - 1e-9) * step
    return low, high if high > low else low + step, step


def nice_step(step: float) -> float:
    """The next larger of 1, 2, 2.5 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= step * 0.999999)
