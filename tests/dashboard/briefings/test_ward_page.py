"""The ward member's page: its numbers worked out again the slow way, its one side of A4, and what hostile data cannot do."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import numpy as np
import pypdf
import pytest
import shapely

from dashboard.briefings.files import wards as files
from dashboard.briefings.filling.questions import questions
from dashboard.briefings.ward.ward_answers import ward_page, ward_pages
from dashboard.briefings.ward.ward_briefing import briefing_of, tables_of
from dashboard.briefings.ward.ward_model import NO_ACTIONS
from dashboard.briefings.ward.ward_rows import place_words
from dashboard.selection import Selection
from dashboard.views.choropleth import choropleth
from dashboard.views.gap_areas import gap_rows
from dashboard.views.gaps import gaps_of
from layers import PUBLIC

SOME = ("DW001", "DW039", "DW121", "DW191", "DW216")


@pytest.fixture(scope="module")
def pages(demo):
    return {page.code: page for page in ward_pages(demo, PUBLIC, SOME)}


def pdf(*pages) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(files.ward_pages_pdf(pages)))


# ---- numbers, worked out again ------------------------------------------------------------------------------------------


def test_ranks_are_those_of_a_plain_sort(demo, pages):
    codes = demo.region.codes("ward")
    for code, page in pages.items():
        i = codes.get_loc(code)
        assert page.needs
        for row in page.needs:
            chart = choropleth(demo, Selection(need=row.layer_id, level="ward"), PUBLIC)
            value = chart.frame["value"].to_numpy("float64")
            worse_first = chart.layer.descriptor.direction == "high-is-worse"
            known = value[np.isfinite(value)]
            if not np.isfinite(value[i]):
                assert row.rank == "" and row.place is None
                continue
            # everybody who is worse off than this ward stands before it
            before = sum(1 for other in known if (other > value[i]) == worse_first and other != value[i])
            assert row.rank == f"{before + 1:,} of {len(known):,}"
            better = sum(1 for other in known if (other < value[i]) == worse_first and other != value[i])
            equal = sum(1 for other in known if other == value[i]) - 1
            assert row.place == pytest.approx(100 * (better + equal / 2) / (len(known) - 1), abs=0.01)
            assert row.words == place_words(row.place)


def test_distances_and_borders_are_those_of_a_loop_over_small_areas_and_sites(demo, pages):
    """A ward has the mean over its residents, and names the site that is nearest for most of them."""
    lsoa, wards = demo.region.areas["lsoa"], demo.region.areas["ward"].set_index("code")
    titles = {layer.title: layer for layer in demo.store.layers(PUBLIC, kind="services")}
    for code, page in pages.items():
        mine = lsoa[lsoa["ward_code"] == code]
        assert [row.number for row in page.services] == list(range(1, len(page.services) + 1))
        for row in page.services:
            sites = demo.store.services(titles[row.kind].id, PUBLIC).reset_index(drop=True)
            whole, nearest = 0.0, {}
            for area in mine.itertuples():
                away = np.hypot(sites["easting"] - area.centroid_x, sites["northing"] - area.centroid_y)
                whole += area.population * away.min()
                nearest[away.idxmin()] = nearest.get(away.idxmin(), 0.0) + area.population
            mean, where = whole / mine["population"].sum(), sites.loc[max(nearest, key=lambda at: (nearest[at], -at))]
            assert row.name == where["name"]
            assert row.across_border == (where["lad_code"] != wards.at[code, "lad_code"])
            metres = round(mean / 10) * 10 if mean < 995 else mean
            assert row.distance == (f"{metres:,.0f} m" if mean < 995 else f"{metres / 1000:,.1f} km")


def test_residents_beyond_the_standard_are_those_of_a_loop_over_small_areas(demo, pages):
    lsoa = demo.region.areas["lsoa"]
    titles = {layer.title: layer for layer in demo.store.layers(PUBLIC, kind="services")}
    for code, page in pages.items():
        mine = lsoa[lsoa["ward_code"] == code]
        assert page.small_areas == len(mine)
        for row in page.services:
            standard = titles[row.kind].descriptor.access_standard
            if standard is None:
                assert row.standard == "" and row.beyond is None
                continue
            sites = demo.store.services(titles[row.kind].id, PUBLIC)
            far = 0.0
            for _, area in mine.iterrows():
                away = np.hypot(sites["easting"] - area["centroid_x"], sites["northing"] - area["centroid_y"]).min()
                far += area["population"] if away > standard.max_m else 0.0
            assert row.beyond == pytest.approx(far)
            words = "nobody" if far == 0 else "everybody" if far == mine["population"].sum() else f"{far:,.0f}"
            assert row.beyond_words == words


def test_gaps_are_those_of_the_gap_view(demo, pages):
    lsoa = demo.region.areas["lsoa"].set_index("code")
    expected: dict[str, dict[str, tuple[int, float]]] = {code: {} for code in pages}
    for question in questions(demo, PUBLIC):
        rows = gap_rows(gaps_of(demo, question.selection, PUBLIC))
        ward = rows["code"].map(lsoa["ward_code"])
        for code in pages:
            mine = rows[ward == code]
            if len(mine):
                expected[code][question.theme.name] = (len(mine), float(mine["residents"].sum()))
    assert any(expected.values())
    for code, page in pages.items():
        assert {row.theme: (row.areas, row.residents) for row in page.gaps} == expected[code]
        residents = [row.residents for row in page.gaps]
        assert residents == sorted(residents, reverse=True)
        for theme in (q.theme.name for q in questions(demo, PUBLIC) if q.theme.name not in expected[code]):
            assert theme in page.no_gap


def test_neighbours_touch_and_stand_by_authority(demo, pages):
    frame = demo.region.areas["ward"].set_index("code")
    for code, page in pages.items():
        touching = frame[
            (shapely.distance(frame.geometry.values, frame.at[code, "geometry"]) < 1e-5) & (frame.index != code)
        ]
        named = [name for group in page.neighbours for name in group.names]
        assert sorted(named) == sorted(touching["name"])
        assert all(group.across_border == (group.authority != page.authority) for group in page.neighbours)


def test_every_ward_shows_the_same_measures(pages):
    first = next(iter(pages.values()))
    for page in pages.values():
        assert [row.layer_id for row in page.needs] == [row.layer_id for row in first.needs]
        assert len({row.layer_id for row in page.needs}) == len(page.needs)


def test_places_in_words():
    assert place_words(100) == place_words(90) == "among the worst tenth"
    assert place_words(89.9) == "among the worst fifth"
    assert place_words(50) == "about the middle"
    assert place_words(0) == place_words(9.9) == "among the best tenth"
    assert place_words(None) == "nothing to compare with"


# ---- any region ---------------------------------------------------------------------------------------------------------


def test_every_ward_of_every_region_has_a_page(region_of_any_kind):
    codes = region_of_any_kind.region.codes("ward")[:6]
    for page in ward_pages(region_of_any_kind, PUBLIC, codes):
        assert page.summary or not page.needs
        assert page.svg.startswith("<svg")
        assert page.notice == region_of_any_kind.region.notice
        for sentence in (*page.summary, *page.limits, page.alt):
            assert sentence.strip().endswith((".", "”.", "?")) and "  " not in sentence and "nan" not in sentence
        briefing = briefing_of(page)
        assert briefing.pages[0].figure.alt == page.alt
        assert all(p.headline_text for p in briefing.pages)
        assert files.ward_page_html(page)
    reader = pdf(*ward_pages(region_of_any_kind, PUBLIC, codes))
    assert len(reader.pages) == len(codes)


def test_an_unknown_ward_has_none(demo):
    assert ward_page(demo, "E99999999", PUBLIC) is None
    assert ward_page(demo, "DA1", PUBLIC) is None  # an authority is not a ward


def test_a_page_by_itself_is_that_of_the_whole_run(demo, pages):
    for code in SOME[:2]:
        assert replace(ward_page(demo, code, PUBLIC), made_on=pages[code].made_on) == pages[code]


# ---- one side of A4 -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(pages):
    return pdf(*pages.values())


def test_one_side_each_in_the_order_given(made, pages):
    assert len(made.pages) == len(pages)
    for sheet, page in zip(made.pages, pages.values(), strict=True):
        text = " ".join(sheet.extract_text().split())
        assert page.name in text
        for part in ("In short", "Need", "Services nearest", "Gaps", "Actions agreed", "What this does not tell you"):
            assert part in text
        assert page.notice in text
        assert NO_ACTIONS.split(".")[0] in text
        assert [round(float(side)) for side in sheet.mediabox[2:]] == [595, 842]


def test_the_file_is_accessible(made):
    catalog = made.trailer["/Root"]
    assert catalog["/MarkInfo"]["/Marked"]
    assert catalog["/Lang"].lower() == "en-gb"
    assert catalog["/ViewerPreferences"]["/DisplayDocTitle"]
    assert made.metadata.title == "Ward pages: Demonstration region (North East shapes)"
    assert b"pdfuaid" in catalog["/Metadata"].get_data()
    tags = tree(catalog["/StructTreeRoot"])
    for tag in ("/H1", "/H2", "/Table", "/TH", "/Figure", "/L"):
        assert tag in tags
    assert len(made.outline) == len(SOME)  # a bookmark for each ward


def tree(node, found=None) -> set[str]:
    found = set() if found is None else found
    if hasattr(node, "get_object"):
        node = node.get_object()
    if isinstance(node, list):
        for child in node:
            tree(child, found)
    elif isinstance(node, dict):
        if "/S" in node:
            found.add(str(node["/S"]))
            if node["/S"] == "/Figure":
                assert node["/Alt"]
        if "/K" in node:
            tree(node["/K"], found)
    return found


def test_the_longest_words_still_fit_on_one_side(pages):
    page = next(iter(pages.values()))
    long = "Kingston-upon-the-Very-Long-Water with Upper and Lower Something"
    wide = replace(
        page,
        name=long,
        authority=long,
        summary=tuple(f"{long} {each}" for each in page.summary),
        needs=tuple(replace(row, title=f"{row.title} {long}") for row in page.needs),
        services=tuple(replace(row, name=long, across_border=True, authority=long) for row in page.services),
        gaps=tuple(
            replace(row, theme=long, communities=f"{long} and {long}") for row in (pages["DW191"].gaps or page.gaps)
        ),
        no_gap=f"No gap here for: {long}, {long}.",
        limits=tuple(f"{each} {long}." for each in page.limits),
    )
    assert len(pdf(wide).pages) == 1
    assert [len(reader.pages) for reader in (pdf(wide, page),)] == [2]


def test_words_are_never_typst(pages):
    page = next(iter(pages.values()))
    evil = '#panic("x") #import "/etc/passwd" $x$ *bold* _i_ = head \\ `raw` <label> @ref \u202e {{ x }} </svg>'
    hurt = replace(page, name=evil, summary=(evil,), limits=(evil,), notice=evil, credits=(evil,), alt=evil)
    text = " ".join(pdf(hurt).pages[0].extract_text().split())
    assert '#panic("x")' in text and "*bold*" in text and "= head" in text


def test_html_is_one_file_without_requests_or_scripts(pages):
    page = next(iter(pages.values()))
    evil = "<script>alert(1)</script>\"'&"
    html = files.ward_page_html(replace(page, name=evil, notice=evil, summary=(evil,)))
    assert "<script" not in html
    assert not re.search(r'(?:src|href)="(?!#)', html)
    assert "url(" not in html.replace("url(#", "")
    assert "@import" not in html
    assert html.count("<h1") == 1 and 'lang="en-GB"' in html
    assert len(html) < 200_000


def test_html_and_tables_say_the_same(pages):
    page = pages["DW191"]
    html = files.ward_page_html(page)
    for row in page.needs:
        assert row.rank in html and row.words in html
    for row in page.services:
        assert row.distance in html
    need, services = tables_of(page)["need"], tables_of(page)["services"]
    assert len(need[1]) == len(page.needs) and len(services[1]) == len(page.services)
    assert all(len(row) == len(need[0]) for row in need[1])


def test_progress_is_told_page_by_page(pages):
    heard = []
    files.ward_pages_pdf(list(pages.values())[:2], heard.append)
    assert heard == [1, 2]


def test_no_ward_no_file():
    with pytest.raises(ValueError, match="no ward"):
        files.ward_pages_pdf([])


def test_the_same_pages_give_the_same_bytes(pages):
    two = list(pages.values())[:2]
    assert files.ward_pages_pdf(two) == files.ward_pages_pdf(two)


def test_an_estimate_that_is_wrong_is_mended(pages, monkeypatch):
    """Where the letters were thought to be smaller than they are, the page is set again."""
    page = pages["DW191"]
    monkeypatch.setattr(files, "fit_of", lambda data: 0)
    monkeypatch.setattr(files, "FITS", ((14.0, 9), (9.0, 9), (7.0, 4), (6.0, 3)))
    assert len(pdf(page).pages) == 1
    assert len(pdf(page, page).pages) == 2
