"""Every file of a briefing, opened again with its library: what it says, how it reads aloud, and that nothing in it is run."""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from types import SimpleNamespace

import docx
import pptx
import pytest
from lxml import etree
from PIL import Image
from pptx.enum.shapes import PP_PLACEHOLDER
from pypdf import PdfReader

from dashboard.brand import Brand
from dashboard.briefings.files import contents, html_pack, typst
from dashboard.briefings.files import docx as word
from dashboard.briefings.files import pptx as deck
from dashboard.briefings.files.formats import FORMATS, export_briefing
from dashboard.briefings.filling.model import BriefingPage, Figure, SourceLine
from dashboard.drawing.palette import hex_of
from dashboard.drawing.shown import LegendRow, TableData
from dashboard.drawing.swatch import swatch_svg
from layers import BriefingBlock, BriefingRun, Refused
from tests import sample_briefing as made

ADDRESS = "https://map.example.org"


def source_line(source) -> str:
    return contents.source_lines((source,))[0]


EVERY = pytest.mark.parametrize("format", FORMATS)


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return {format: export_briefing(made.sample(), format, address=ADDRESS) for format in FORMATS}


# ---- what each of them says -----------------------------------------------------------------------------------------------


def words_of(format: str, content: bytes) -> str:
    """All that a reader finds on the pages, spaces evened out; for PowerPoint without the notes."""
    if format == "html":
        found = Reader(content).text
    elif format == "pdf":
        found = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    elif format == "pptx":
        found = " ".join(slide_words(slide) for slide in pptx.Presentation(io.BytesIO(content)).slides)
    else:
        document = docx.Document(io.BytesIO(content))
        parts = [document.element.body, document.sections[0].header._element, document.sections[0].footer._element]
        space = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
        found = " ".join(
            "".join(t.text or "" for t in p.iter(f"{space}t")) for part in parts for p in part.iter(f"{space}p")
        )
    return " ".join(found.split())


def notes_of(slide) -> str:
    return " ".join(slide.notes_slide.notes_text_frame.text.split()) if slide.has_notes_slide else ""


def slide_words(slide) -> str:
    space = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
    return " ".join("".join(t.text or "" for t in p.iter(f"{space}t")) for p in slide._element.iter(f"{space}p"))


class Reader(HTMLParser):
    """Texts, elements and addresses of a page."""

    def __init__(self, content: bytes):
        super().__init__(convert_charrefs=True)
        self.parts, self.tags, self.addresses, self.inside = [], [], [], []
        self.feed(content.decode("utf-8"))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.inside.append(tag)
        self.addresses += [
            (tag, name, value) for name, value in attrs if name in ("src", "href", "action", "srcset", "data")
        ]

    def handle_endtag(self, tag):
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data):
        if not {"script", "style"} & set(self.inside):
            self.parts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.parts).split())


@EVERY
def test_every_page_says_what_it_is_about(files, format):
    said = words_of(format, files[format])
    if format == "pptx":  # a slide is for its map: what it is filtered by, and each source in full, are in its notes
        said += " " + " ".join(notes_of(slide) for slide in pptx.Presentation(io.BytesIO(files[format])).slides)
    for page in made.pages():
        assert contents.headline(page) in said
        for line in page.limits:
            assert line in said
    for expected in (
        "Where help with alcohol is furthest from need", "A briefing for members", "North Shore Combined Authority",
        made.NOTICE, "Numbers worked out on 22 November 2026. Version 2 of this briefing, published 21 November 2026.",
        "Written by A. Analyst.", "To be reviewed by 31 March 2027.",
        "Newer data has been published since: Hospital stays for alcohol (version 4, 20 November 2026).",
        "104,200 residents", "The layer “Alcohol treatment services” was withdrawn on 3 November 2026.",
        # filters, legend, caption
        "Small areas of North Shore. Need: hospital stays for alcohol; 2024/25.", "Stays per 1,000 residents", "4.1 to 8.0",
        "1 area, 900 residents", "Withheld to protect people", "Treatment services: dark circles",
        "Underserved areas have a bold outline.",
        # sources with version, date and licence, and what the licence asks to be said
        source_line(made.NEED), source_line(made.SITES),
        "Contains OS data © Crown copyright and database right 2026.",
        "What this does not tell you", "Sources and licences",
        # what the map shows, as a table
        "Coldstream Withheld 900", "The 3 largest of 4.",
    ):  # fmt: skip
        assert expected in said, expected


@EVERY
def test_the_demonstration_label_is_on_every_page(files, format):
    pages = len(made.pages())
    if format == "html":
        assert Reader(files[format]).text.count(made.NOTICE) == pages + 1
    elif format == "pdf":
        for page in PdfReader(io.BytesIO(files[format])).pages:
            assert made.NOTICE in " ".join(page.extract_text().split())
    elif format == "pptx":
        for slide in pptx.Presentation(io.BytesIO(files[format])).slides:
            assert made.NOTICE in slide_words(slide)
    else:  # in the header, which Word repeats
        assert made.NOTICE in docx.Document(io.BytesIO(files[format])).sections[0].header.paragraphs[0].text
    real = export_briefing(made.sample(notice=""), format)
    assert "Demonstration" not in words_of(format, real)


@EVERY
def test_presenter_notes_are_in_powerpoint_alone(files, format):
    assert "Start with Ashby" not in words_of(format, files[format])


@EVERY
def test_equal_briefings_give_equal_bytes(files, format):
    assert export_briefing(made.sample(), format, address=ADDRESS) == files[format]
    later = export_briefing(made.sample(made_on=date(2026, 11, 23)), format, address=ADDRESS)
    assert later != files[format]


@EVERY
def test_links_to_the_site_need_its_address(files, format):
    """`/?need=…` is followed to the site; without an address it is only words, and so is what is no web page."""
    assert "https://map.example.org/?need=alcohol-harm" in references(format, files[format])
    bare = export_briefing(made.sample(), format)
    assert references(format, bare) == {"https://example.org/methods"}
    assert "the map" in words_of(format, bare)


def references(format: str, content: bytes) -> set[str]:
    """Addresses that a reader may follow; fails where something is fetched by itself."""
    if format == "html":
        reader = Reader(content)
        for tag, name, value in reader.addresses:
            assert (tag, name) == ("a", "href") or value.startswith("data:image/"), (tag, name, value[:80])
        return {value for tag, _, value in reader.addresses if tag == "a" and not value.startswith("#")}
    if format == "pdf":
        found = set()
        for page in PdfReader(io.BytesIO(content)).pages:
            for note in page.get("/Annots") or []:
                action = note.get_object().get("/A", {})
                assert action.get("/S") in (None, "/URI")
                found |= {str(action["/URI"])} if "/URI" in action else set()
        return found
    found = set()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            if not name.endswith(".rels"):
                continue
            for relation in etree.fromstring(archive.read(name)):
                if relation.get("TargetMode") == "External":
                    assert relation.get("Type").endswith("/hyperlink"), name
                    found.add(relation.get("Target"))
    return found


@EVERY
def test_sizes_and_first_bytes(files, format):
    assert len(files[format]) < 2_000_000
    begins = {"html": b"<!doctype html>", "pdf": b"%PDF-", "pptx": b"PK", "docx": b"PK"}[format]
    assert files[format].startswith(begins)


def test_other_formats_are_refused():
    with pytest.raises(Refused, match="no format 'odp'"):
        export_briefing(made.sample(), "odp")


# ---- texts that are more than text to somebody ------------------------------------------------------------------------------


@EVERY
@pytest.mark.parametrize("words", made.HOSTILE)
def test_no_text_becomes_markup(format, words):
    content = export_briefing(made.hostile(words), format, address=ADDRESS)
    said = words_of(format, content)
    shown = " ".join(contents.text(words).split())
    if format == "pdf":  # letters that no font has are boxes, and lines may break anywhere
        assert without_spaces(shown.translate({ord(c): None for c in "漢字😀\U0001f1ec\U0001f1e7"}))[
            :12
        ] in without_spaces(said)
        assert "root:" not in said and "daemon" not in said
    else:
        assert shown in said
    assert not {each for each in references(format, content) if not each.startswith(ADDRESS)}
    if format == "html":
        tags = [tag for tag, _ in Reader(content).tags]
        assert tags.count("script") == 1 and "object" not in tags and "iframe" not in tags
        assert all(not name.startswith("on") for _, attributes in Reader(content).tags for name in attributes)
    elif format != "pdf":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                if name.endswith((".xml", ".rels")):
                    etree.fromstring(archive.read(name), etree.XMLParser(resolve_entities=False))
            assert not any("vba" in name or "activeX" in name or "oleObject" in name for name in archive.namelist())


def without_spaces(text: str) -> str:
    return re.sub(r"[\s□]", "", text)


def test_a_chart_workbook_has_no_formula():
    """The sheet behind a chart is opened in Excel by whoever edits the chart."""
    content = export_briefing(made.hostile("=cmd|' /C calc'!A0"), "pptx")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".xlsx"))
        with zipfile.ZipFile(io.BytesIO(archive.read(name))) as book:
            sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet and "<f " not in sheet


@EVERY
def test_an_empty_briefing_and_an_empty_page(format):
    """No pages, and a page with a headline alone: files all the same."""
    assert "furthest from need" in words_of(format, export_briefing(made.sample(pages=()), format))
    page = BriefingPage(1, made.runs("Only this"))
    assert "Only this" in words_of(format, export_briefing(made.sample(pages=(page,)), format))


@EVERY
def test_nothing_is_lost_however_much_there_is(format):
    """Forty lines, a table of sixty rows, twelve limits, eight sources: on more slides or sheets, never cut."""
    lines = tuple(
        made.runs(f"Line {n} of a page with far too much on it for one slide or sheet of paper") for n in range(40)
    )
    rows = tuple((f"Neighbourhood number {n}", f"{n}.5", f"{n},000") for n in range(60))
    sources = tuple(
        replace(made.NEED, layer_id=f"s{n}", title=f"Source number {n} with a long title") for n in range(8)
    )
    limits = tuple(f"Limit {n}: these figures say nothing about that, and readers should know it." for n in range(12))
    page = BriefingPage(
        1, made.runs("A headline of ninety characters, which is as much as a room can read from the back row x"),
        (BriefingBlock("bullets", lines),), replace(made.TABLE_FIGURE, table=TableData(("Area", "Need", "People"), rows)),
        sources=sources, limits=limits,
    )  # fmt: skip
    more = [BriefingPage(2, page.headline, page.blocks[:0] + made.pages()[0].blocks * 3, figure, sources=sources, limits=limits)
            for figure in (made.MAP_FIGURE, made.BAR_FIGURE)]  # fmt: skip
    content = export_briefing(made.sample(pages=(page, *more)), format)
    said = words_of(format, content)
    for n in range(40):
        assert f"Line {n} of a page" in said
    for n in range(60):
        assert f"Neighbourhood number {n} {n}.5 {n},000" in said
    assert all(f"Source number {n} with a long title" in said for n in range(8))
    if format == "pptx":  # what the foot of a slide cannot hold is in its notes
        presentation = pptx.Presentation(io.BytesIO(content))
        said += " ".join(slide.notes_slide.notes_text_frame.text for slide in presentation.slides)
        inside(presentation)
    assert all(limit in said for limit in limits)


def test_a_page_is_one_slide_however_much_there_is():
    lines = tuple(made.runs(f"Line {n} of a page with far too much on it for one slide") for n in range(40))
    rows = tuple((f"Neighbourhood number {n}", f"{n}.5", f"{n},000") for n in range(60))
    figure = replace(made.TABLE_FIGURE, table=TableData(("Area", "Need", "People"), rows))
    pages = tuple(
        BriefingPage(n, made.runs(f"Headline {n}"), (BriefingBlock("bullets", lines),), shown)
        for n, shown in enumerate((None, figure, made.MAP_FIGURE, made.BAR_FIGURE), 1)
    )
    slides = pptx.Presentation(io.BytesIO(export_briefing(made.sample(pages=pages), "pptx"))).slides
    titles = [slide.shapes.title.text_frame.text for slide in slides]
    assert titles[1:5] == [f"Headline {n}" for n in range(1, 5)]
    assert not any("continued" in title for title in titles[:5]) and all("slide" in title for title in titles[5:-1])


# ---- the HTML pack ----------------------------------------------------------------------------------------------------------


def test_the_pack_is_one_file_with_a_strict_policy(files):
    reader = Reader(files["html"])
    (html,) = (attributes for tag, attributes in reader.tags if tag == "html")
    assert html["lang"] == "en-GB"
    (policy,) = (
        a["content"] for t, a in reader.tags if t == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; img-src data:; ") and "unsafe" not in policy and "http" not in policy
    assert [tag for tag, _ in reader.tags if tag in ("link", "iframe", "form", "object", "base")] == []
    assert not [a for _, a in reader.tags if "style" in a]  # the policy would not let it in
    document = files["html"].decode("utf-8")
    assert "@import" not in document and not re.search(r"url\(", document.split("</style>")[0])
    assert html_pack._hash(re.search(r"<style>(.*?)</style>", document, re.S)[1]) in policy
    assert html_pack._hash(re.search(r"<script>(.*?)</script>", document, re.S)[1]) in policy


def test_the_pack_has_a_section_a_page_and_a_table_for_every_picture(files):
    reader = Reader(files["html"])
    pages = [a for tag, a in reader.tags if tag == "section"]
    assert [page["id"] for page in pages] == ["front", *(f"page-{n}" for n in range(1, 8))]
    assert sum(tag == "h1" for tag, _ in reader.tags) == 1
    pictures = [a for tag, a in reader.tags if tag == "img"]
    assert [picture["alt"] for picture in pictures] == [
        page.figure.alt for page in made.pages() if page.figure and page.figure.svg
    ]
    assert sum(tag == "details" for tag, _ in reader.tags) == len(pictures) + 1  # and where the numbers come from
    assert sum(tag == "table" for tag, _ in reader.tags) == len(pictures) + 1
    assert all(a.get("scope") in ("col", "row") for tag, a in reader.tags if tag == "th")
    assert "Ashby 8.0 7.5 to 8.6" in reader.text  # the chart as a table, with its interval
    assert "2023 7.9 –" in reader.text  # no value is no zero


def test_a_pack_is_thinned_until_it_can_be_sent():
    """Ten maps of half a megabyte each: paths lose their decimals, and if that is not enough, the largest become PNG."""
    path = "".join(f"M{n % 300}.{n % 7} {n % 200}.4L{n % 299}.5 {n % 198}.3Z" for n in range(13_000))
    svg = made.MAP.replace("</svg>", f'<path d="{path}" fill="#801650"/></svg>')
    assert 250_000 < len(svg) < 600_000
    page = replace(made.pages()[0], figure=replace(made.MAP_FIGURE, svg=svg))
    content = export_briefing(made.sample(pages=(page,) * 10), "html")
    assert len(content) <= html_pack.MOST_BYTES
    assert sum(tag == "img" for tag, _ in Reader(content).tags) == 10


def test_whole_pixels_touches_paths_alone():
    assert (
        html_pack.whole_pixels('<path d="M1.5 2.25L3 4.0Z" stroke-width="0.5"/>')
        == '<path d="M1 2L3 4Z" stroke-width="0.5"/>'
    )


# ---- PowerPoint ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def slides(files):
    return pptx.Presentation(io.BytesIO(files["pptx"]))


def test_slides_have_titles_numbers_and_notes(slides):
    titles = [slide.shapes.title.text_frame.text for slide in slides.slides]
    assert titles[:8] == [made.sample().title, *(contents.headline(page) for page in made.pages())]
    assert titles[8:] == [
        "Figures behind the map on slide 2: Need and distance to the nearest service", "What this does not tell you",
        "Sources and licences",
    ]  # fmt: skip
    assert len(set(titles)) == len(titles)
    for slide in slides.slides:
        kinds = [shape.placeholder_format.type for shape in slide.placeholders]
        assert PP_PLACEHOLDER.SLIDE_NUMBER in kinds and PP_PLACEHOLDER.FOOTER in kinds
        ids = slide._element.xpath(".//p:cNvPr/@id")
        assert len(set(ids)) == len(ids)
    notes = slides.slides[1].notes_slide.notes_text_frame.text
    assert notes.startswith("Start with Ashby.\n– Ask who has been there.")
    assert "104,200: Residents of underserved areas, mid-2024 estimate." in notes
    assert all(limit in notes for limit in made.LIMITS) and source_line(made.SITES) in notes


def test_slides_are_wide_and_in_british_english(slides, files):
    assert slides.slide_width / slides.slide_height == pytest.approx(16 / 9)
    assert slides.core_properties.language == "en-GB" and slides.core_properties.title == made.sample().title
    with zipfile.ZipFile(io.BytesIO(files["pptx"])) as archive:
        for name in archive.namelist():
            if re.match(r"ppt/(slides|slideLayouts|slideMasters|notesSlides)/[^/]+\.xml", name):
                text = archive.read(name).decode("utf-8")
                assert set(re.findall(r'\blang="([^"]+)"', text)) <= {"en-GB"}, name
                runs = re.findall(r"<a:r>(.*?)</a:r>", text, re.S)
                assert all('lang="en-GB"' in run for run in runs), name


def test_words_are_large_enough_and_inside_the_slide(slides):
    for slide in slides.slides:
        body = [s for s in slide.placeholders if s.placeholder_format.idx == 1]
        if slide.slide_layout.name == "Title and Content":
            sizes = [run.font.size.pt for shape in body for p in shape.text_frame.paragraphs for run in p.runs]
            assert sizes and min(sizes) >= deck.LEAST
    inside(slides)


def inside(presentation) -> None:
    """No shape leaves the slide, and none but the decoration lies on another."""
    for slide in presentation.slides:
        boxes = []
        for shape in slide.shapes:
            assert shape.left >= 0 and shape.top >= 0, (slide.shapes.title.text, shape.name)
            assert shape.left + shape.width <= presentation.slide_width + 12700, (slide.shapes.title.text, shape.name)
            assert shape.top + shape.height <= presentation.slide_height + 12700, (slide.shapes.title.text, shape.name)
            if not shape.name.startswith(("Line", "Key colour", "Key mark")):
                boxes.append((shape.name, shape.left, shape.top, shape.left + shape.width, shape.top + shape.height))
        for n, a in enumerate(boxes):
            for b in boxes[n + 1 :]:
                across, down = min(a[3], b[3]) - max(a[1], b[1]), min(a[4], b[4]) - max(a[2], b[2])
                assert across <= 12700 or down <= 3 * 12700, (slide.shapes.title.text, a[0], b[0], down / 12700)


def test_the_figure_takes_most_of_a_slide_and_the_strip_says_what_must_be_said(slides):
    """It was a third of the slide, under its filters and over its sources."""
    for slide, page in zip(list(slides.slides)[1:], made.pages(), strict=False):
        if page.figure is None or not page.figure.svg:
            continue
        shown = next(s for s in slide.shapes if s.name in ("Map", "Chart"))
        strip = [s for s in slide.shapes if s.name == contents.LIMITS]
        assert shown.height / 12700 > 180 and contents.text(page.figure.filters) not in slide_words(slide)
        assert [s.text_frame.text.startswith("Say with it: ") for s in strip] == ([True] if page.limits else [])
        for run in (run for s in strip for p in s.text_frame.paragraphs for run in p.runs):
            assert run.font.size.pt >= 14


def test_the_partnerships_logo_is_on_every_slide_and_sheet():
    logo = Image.new("RGB", (60, 30), "#00625a")
    out = io.BytesIO()
    logo.save(out, "PNG")
    read = SimpleNamespace(data=out.getvalue(), media_type="image/png", width=60, height=30)
    brand = Brand("Shore Partnership", contact=("Office",)).with_picture(read)
    briefing = made.sample(brand=brand)
    deck_ = pptx.Presentation(io.BytesIO(export_briefing(briefing, "pptx")))
    for slide in deck_.slides:
        assert [s.name for s in slide.shapes].count("Logo") == 1
        assert "Shore Partnership" in slide_words(slide)
    inside(deck_)
    footer = docx.Document(io.BytesIO(export_briefing(briefing, "docx"))).sections[0].footer
    assert "Logo" in etree.tostring(footer._element).decode() and "Shore Partnership" in footer.paragraphs[0].text
    pages = PdfReader(io.BytesIO(export_briefing(briefing, "pdf"))).pages
    assert all("/XObject" in page["/Resources"] for page in pages)
    assert all("Shore Partnership" in " ".join(page.extract_text().split()) for page in pages)


def test_word_sheets_are_full():
    """Pages of words share a sheet, and a picture takes the room that its page leaves."""
    words = [BriefingPage(n, made.runs(f"Point {n}"), (made.paragraph("Few words."),)) for n in (1, 2)]
    first, *_ = made.pages()
    document = docx.Document(io.BytesIO(export_briefing(made.sample(pages=(replace(first, number=1), *words)), "docx")))
    breaks = {p.text: p.paragraph_format.page_break_before for p in document.paragraphs if p.style.name == "Heading 1"}
    assert breaks["Point 1"] is None and breaks["Point 2"] is False and breaks[word.APPENDIX] is False
    assert document.inline_shapes[0].height.cm >= word.LEAST_CM


def test_pictures_charts_and_tables_have_alternatives(slides):
    seen = []
    for slide in slides.slides:
        for shape in slide.shapes:
            alt = shape._element.xpath(".//p:cNvPr")[0].get("descr")
            if shape.shape_type == 13 or getattr(shape, "has_chart", False) or getattr(shape, "has_table", False):
                assert alt, (slide.shapes.title.text, shape.name)
                seen.append(alt)
    assert made.MAP_FIGURE.alt in seen and made.BAR_FIGURE.alt in seen and made.TABLE_FIGURE.alt in seen


def test_reading_order_is_title_words_figure_limits_sources(slides):
    names = [shape.name for shape in slides.slides[1].shapes]
    order = ["Title 1", "Content Placeholder 2", "Map", "Key", contents.LIMITS, contents.SOURCES]
    assert [name for name in names if name in order] == order


def charts_of(slides):
    return [shape.chart for slide in slides.slides for shape in slide.shapes if shape.has_chart]


def test_charts_are_native_and_hold_the_numbers(slides):
    bars, stacked, lines = charts_of(slides)
    for chart, data in ((bars, made.BARS), (stacked, made.STACKED), (lines, made.LINE)):
        plot = chart.plots[0]
        assert tuple(plot.categories) == data.categories
        assert tuple(series.name for series in plot.series) == data.series
        assert tuple(tuple(series.values) for series in plot.series) == data.values
        assert chart.value_axis.axis_title.text_frame.text == data.unit[0].upper() + data.unit[1:]
        assert chart.value_axis.minimum_scale == 0  # bars begin at zero
        assert chart.has_legend == (len(data.series) > 1)
    assert bars.category_axis.reverse_order  # the first on top, as it was ranked
    colour = bars.plots[0].series[0].format.fill.fore_color.rgb
    assert str(colour) == "12436D"
    assert str(bars.plots[0].series[0].points[0].format.fill.fore_color.rgb) == "F46A25"


def test_intervals_are_error_bars(slides):
    """Ashby 8.0 (7.5 to 8.6): 0.6 up and 0.5 down. Brigg 4.0 (3.2 to 4.9): 0.9 and 0.8. Coldstream has none."""
    bars = charts_of(slides)[0].plots[0].series[0]._element
    space = {"c": "http://schemas.openxmlformats.org/drawingml/2006/chart"}

    def numbers(end: str) -> list[tuple[int, float]]:
        points = bars.findall(f"c:errBars/c:{end}/c:numLit/c:pt", space)
        return [(int(p.get("idx")), float(p.find("c:v", space).text)) for p in points]

    assert numbers("plus") == [(0, pytest.approx(0.6)), (1, pytest.approx(0.9))]
    assert numbers("minus") == [(0, pytest.approx(0.5)), (1, pytest.approx(0.8))]
    order = [etree.QName(child).localname for child in bars]
    assert order.index("errBars") < order.index("cat") < order.index("val")


def test_tables_are_native(slides):
    (table,) = (shape.table for shape in slides.slides[5].shapes if shape.has_table)
    cells = [[cell.text for cell in row.cells] for row in table.rows]
    assert cells == [list(made.AREAS.headers), *map(list, made.AREAS.rows)]
    assert table.first_row


def test_the_key_is_of_shapes_and_words(slides):
    shapes = {shape.name: shape for shape in slides.slides[1].shapes}
    assert shapes["Key"].text_frame.text == "Stays per 1,000 residents"
    swatches = [shape for shape in slides.slides[1].shapes if shape.name in ("Key colour", "Key mark")]
    assert len(swatches) == len(made.MAP_FIGURE.legend)
    assert str(swatches[0].fill.fore_color.rgb) == "F3CFDF"
    for swatch in swatches:
        assert "decorative" in etree.tostring(swatch._element).decode()


@pytest.mark.parametrize(("text", "width", "lines"), [("a", 100, 1), ("", 100, 1), ("aaaa " * 40, 100, 20)])
def test_lines_are_counted_on_the_safe_side(text, width, lines):
    """ "aaaa" in 12 point Helvetica is 4 * 6.67 = 26.7 wide, with its space 30: three to a line of 100, so 14 lines at least."""
    assert 1 <= deck.lines_of(text, width, 12) <= lines
    if len(text) > 10:
        assert deck.lines_of(text, width, 12) >= 14
    assert deck.lines_of("x" * 200, 100, 12) >= 12  # one word of 1,200 points


# ---- Word -----------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def document(files):
    return docx.Document(io.BytesIO(files["docx"]))


def test_word_has_headings_lists_and_properties(document):
    headings = [p.text for p in document.paragraphs if p.style.name == "Heading 1"]
    assert headings == [
        *(contents.headline(page) for page in made.pages()), "The figures behind the maps and charts",
        "Where the numbers come from", "Sources and licences",
    ]  # fmt: skip
    styles = {p.style.name for p in document.paragraphs}
    assert {"Title", "Subtitle", "Heading 2", "List Bullet", "List Number", "Quote"} <= styles
    core = document.core_properties
    assert (core.title, core.language, core.author) == (
        made.sample().title, "en-GB", "North Shore Combined Authority",
    )  # fmt: skip
    languages = re.findall(r'<w:lang [^>]*w:val="([^"]+)"', etree.tostring(document.styles.element).decode())
    assert set(languages) == {"en-GB"}
    footer = etree.tostring(document.sections[0].footer._element).decode()
    assert "PAGE" in footer and "NUMPAGES" in footer and "22 November 2026" in footer


def test_word_pictures_have_descriptions_and_tables_repeat_their_headers(document):
    pictures = [shape._inline.docPr for shape in document.inline_shapes]
    assert made.MAP_FIGURE.alt in [each.get("descr") for each in pictures] and all(
        each.get("descr") for each in pictures
    )
    assert len({each.get("id") for each in pictures}) == len(pictures)
    space = {"w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main"}
    for table in document.tables:
        assert table.rows[0]._tr.find("w:trPr/w:tblHeader", space) is not None
        assert table._tbl.find("w:tblPr/w:tblDescription", space) is not None
        assert all(cell.text.strip() for cell in table.rows[0].cells)
    cells = [[cell.text for cell in row.cells] for row in document.tables[1].rows]
    assert cells == [list(made.AREAS.headers), *map(list, made.AREAS.rows)]


def test_word_numbers_each_list_from_one(document):
    """Two lists of numbers, the contents and the decisions: each has its own count."""
    space = {"w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main"}
    own = [
        p._p.find("w:pPr/w:numPr/w:numId", space) for p in document.paragraphs
        if p.style.name == "List Number" and p.text.startswith(("Share", "Report"))
    ]  # fmt: skip
    (number,) = {each.get(f"{{{space['w']}}}val") for each in own}
    style = document.styles["List Number"].element.find(".//w:numId", space).get(f"{{{space['w']}}}val")
    assert number != style


def test_word_finds_what_its_schema_wants(document):
    """Word refuses files whose elements are out of order; LibreOffice does not say so."""
    for table in document.tables:
        order = [etree.QName(child).localname for child in table._tbl.tblPr]
        known = ["tblStyle", "tblW", "jc", "tblBorders", "tblLayout", "tblLook", "tblDescription"]
        assert order == [name for name in known if name in order]
    modes = [each for each in document.settings.element.iter() if each.tag.endswith("}compatSetting")]
    assert [v for each in modes if "compatibilityMode" in (v := list(each.attrib.values()))] == [
        ["compatibilityMode", "http://schemas.microsoft.com/office/word", "15"]
    ]


def test_powerpoint_finds_what_its_schema_wants(slides):
    for slide in slides.slides:
        for cell in slide._element.iter("{http://schemas.openxmlformats.org/drawingml/2006/main}tcPr"):
            order = [etree.QName(child).localname for child in cell]
            assert order == ["lnL", "lnR", "lnT", "lnB", "solidFill"]
        for paragraph in slide._element.iter("{http://schemas.openxmlformats.org/drawingml/2006/main}pPr"):
            order = [etree.QName(child).localname for child in paragraph]
            known = ["lnSpc", "spcBef", "spcAft", "buClr", "buFont", "buNone", "buAutoNum", "buChar"]
            assert order == [name for name in known if name in order]
    space = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
    for chart in charts_of(slides):
        for label in chart._chartSpace.iter(f"{space}dLbl"):
            order = [etree.QName(child).localname for child in label]
            known = [
                "idx",
                "layout",
                "tx",
                "numFmt",
                "spPr",
                "txPr",
                "dLblPos",
                *(c for c in order if c.startswith("show")),
            ]
            assert order == [name for name in known if name in order]


def test_word_styles_stay_editable(document):
    assert all(document.styles[name].font.name == word.FONT for name in ("Normal", "Heading 1", "Small"))


# ---- PDF ------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pdf(files):
    return PdfReader(io.BytesIO(files["pdf"]))


def test_pdf_is_tagged_and_says_what_it_is(pdf):
    root = pdf.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and root["/Lang"] == "en-GB" and root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert pdf.metadata.title == made.sample().title and pdf.metadata.author == "North Shore Combined Authority"
    xmp = root["/Metadata"].get_data().decode("utf-8")
    assert re.search(r"<pdfuaid:part>1</pdfuaid:part>|pdfuaid:part=\"1\"", xmp)
    assert str(pdf.metadata.creation_date.date()) == "2026-11-22"


def elements(node, out=None) -> list:
    """Structure elements in reading order: (kind, alternative text)."""
    out = [] if out is None else out
    node = node.get_object()
    if isinstance(node, list):
        for child in node:
            elements(child, out)
    elif hasattr(node, "get"):
        if "/S" in node:
            out.append((str(node["/S"])[1:], node.get("/Alt")))
        if "/K" in node:
            child = node["/K"]
            if not isinstance(child, int):
                elements(child, out)
    return out


def test_pdf_structure(pdf):
    tags = elements(pdf.trailer["/Root"]["/StructTreeRoot"]["/K"])
    kinds = [kind for kind, _ in tags]
    assert kinds.count("H1") >= len(made.pages())
    assert {"Table", "TH", "TD", "TR", "L", "LI", "Link", "P", "Figure"} <= set(kinds)
    figures = [alt for kind, alt in tags if kind == "Figure"]
    assert figures == [page.figure.alt for page in made.pages() if page.figure and page.figure.svg]


def test_pdf_is_a_page_a_page(pdf):
    """The title, seven pages, and what is behind the pictures; each fits its sheet."""
    said = [" ".join(page.extract_text().split()) for page in pdf.pages]
    for n, page in enumerate(made.pages(), 1):
        assert contents.headline(page) in said[n] and f"Page {n} of " in said[n]
    assert len(said) <= 10
    assert all(page.mediabox.width > page.mediabox.height for page in pdf.pages)
    assert [item.title for item in pdf.outline if not isinstance(item, list)][:2] == [
        contents.headline(page) for page in made.pages()
    ][:2]


def test_pdf_fonts_are_inside(pdf):
    for page in pdf.pages:
        for font in page["/Resources"].get("/Font", {}).values():
            descriptor = font["/DescendantFonts"][0]["/FontDescriptor"]
            assert {"/FontFile2", "/FontFile3"} & set(descriptor), font["/BaseFont"]


# ---- typst ------------------------------------------------------------------------------------------------------------------------

PLAIN = """
#let data = json("data.json")
#set document(title: data.title)
#set text(lang: "en", font: "Source Sans 3")
#data.words
"""


def test_a_template_cannot_open_a_file():
    with pytest.raises(typst.CannotCompile, match="not found"):
        typst.compile_pdf('#set document(title: "x")\n#read("/etc/passwd")', {})
    with pytest.raises(typst.CannotCompile):
        typst.compile_pdf('#set document(title: "x")\n#read("../../etc/passwd")', {})


def test_words_stay_words():
    words = '#read("/etc/passwd") *not bold* $x^2$ <label> @ref // comment'
    made_pdf = typst.compile_pdf(PLAIN, {"title": "x", "words": words})
    assert words in " ".join(PdfReader(io.BytesIO(made_pdf)).pages[0].extract_text().split())


def test_letters_without_a_font_become_boxes():
    """U+0378 is not assigned, so no font has it; everything around it stays."""
    made_pdf = typst.compile_pdf(PLAIN, {"title": "x", "words": "before \u0378 after"})
    said = PdfReader(io.BytesIO(made_pdf)).pages[0].extract_text()
    assert "before" in said and "after" in said and "\u0378" not in said


def test_svg_texts_are_set_in_our_font():
    svg = "<svg><text font-family=\"system-ui, 'Segoe UI'\">a</text><style>.b{font-family: Arial, sans-serif;fill:red}</style></svg>"
    assert typst.own_font(svg).decode() == (
        '<svg><text font-family="Source Sans 3">a</text><style>.b{font-family:Source Sans 3;fill:red}</style></svg>'
    )


def test_clean_leaves_everything_else():
    given = {"a": ["x\x00y", 1, 2.5, None, True], "b": ("é\n\t", "\u202ez")}
    assert typst.clean(given) == {"a": ["xy", 1, 2.5, None, True], "b": ["é\n\t", "z"]}
    assert json.dumps(typst.clean(given))


# ---- words that all share -----------------------------------------------------------------------------------------------------


def test_source_lines():
    assert source_line(made.NEED) == (
        "Hospital stays for alcohol, 2024/25. Office for Health Improvement and Disparities. Version 3, published 1 May 2026. "
        "Open Government Licence v3.0."
    )
    bare = SourceLine("x", 0, "Title 2024", "", "2024", "", "", "", "")
    assert source_line(bare) == "Title 2024."
    other = replace(made.NEED, layer_id="other", title="Deaths caused by alcohol")
    assert contents.source_lines((made.NEED, made.SITES, other)) == [
        "Hospital stays for alcohol; Deaths caused by alcohol, 2024/25. Office for Health Improvement and Disparities. "
        "Version 3, published 1 May 2026. Open Government Licence v3.0.",
        source_line(made.SITES),
    ]


def test_nothing_empty_stands_between_the_last_table_of_a_sheet_and_the_next_headline():
    """Word breaks the page before each headline; an empty line behind a table that fills its sheet would open an empty one."""
    bare = replace(made.TABLE_FIGURE, table=replace(made.AREAS, note=""))
    pages = (*made.pages(), *(BriefingPage(n, made.runs(f"Table {n}"), (), bare) for n in (8, 9)))
    document = docx.Document(io.BytesIO(export_briefing(made.sample(pages=pages), "docx")))
    said = [
        (
            element.tag.rpartition("}")[2],
            "".join(element.itertext()).strip(),
            "Heading1" in (xml := etree.tostring(element).decode()) and 'pageBreakBefore w:val="0"' not in xml,
        )
        for element in document.element.body
    ]
    before = [said[n - 1] for n, (kind, _, heading) in enumerate(said) if kind == "p" and heading]
    assert "tbl" in [kind for kind, _, _ in before]
    assert all(kind == "tbl" or text for kind, text, _ in before)
    assert said[-1][0] == "sectPr" and said[-2][0] == "p"


def test_attributions_are_said_once():
    said = (
        "Contains public sector information licensed under the Open Government Licence v3.0. "
        "Contains OS data © Crown copyright and database right 2026."
    )
    assert contents.attributions(BriefingPage(1, sources=(made.NEED, made.SITES))) == said
    assert contents.attributions(BriefingPage(1)) == ""


def test_a_map_says_what_its_outlines_ask_for_even_without_a_layer():
    credits = ("Contains Royal Mail data.", made.NEED.attribution)
    mapped = Figure("map", "A map", "A map.", credits=credits)
    assert contents.attributions(BriefingPage(1, figure=mapped)).startswith("Contains Royal Mail data. Contains")
    page = BriefingPage(1, figure=mapped, sources=(made.NEED,))
    assert contents.attributions(page).count("Royal Mail") == 1
    assert contents.attributions(page).count("Open Government Licence") == 1


@pytest.mark.parametrize(
    ("link", "address", "expected"),
    [
        ("https://example.org/a", "", "https://example.org/a"), ("/areas/E1", ADDRESS, f"{ADDRESS}/areas/E1"),
        ("/areas/E1", f"{ADDRESS}/", f"{ADDRESS}/areas/E1"), ("/areas/E1", "", ""), ("javascript:alert(1)", ADDRESS, ""),
        ("//evil.example", ADDRESS, ""), ("#page-2", ADDRESS, ""), ("data:text/html,x", ADDRESS, ""), ("", ADDRESS, ""),
        ("mailto:a@example.org", "", "mailto:a@example.org"), ("/a", "javascript:alert(1)//", ""), ("file:///etc/passwd", "", ""),
    ],
)  # fmt: skip
def test_href(link, address, expected):
    assert contents.href(link, address) == expected


def test_colours_are_checked():
    assert hex_of("#ABC") == "#aabbcc" and hex_of("#12436D") == "#12436d"
    for given in ("red", "", "url(x)", "#12", '#123456"/><script>'):
        assert hex_of(given) == "#d9d9d6"
        assert given not in swatch_svg(LegendRow("x", given)) or not given


def test_words_of_one_style_are_one_run():
    given = (BriefingRun("a"), BriefingRun("b"), BriefingRun("", bold=True), BriefingRun("c", bold=True))
    assert contents.runs(given, "") == [contents.Words("ab"), contents.Words("c", bold=True)]
