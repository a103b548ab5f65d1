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
from dashboard.briefings.ward import ward_say
from dashboard.briefings.ward.ward_answers import area_sheet, ward_page, ward_pages
from dashboard.briefings.ward.ward_briefing import briefing_of, tables_of
from dashboard.briefings.ward.ward_model import NO_ACTIONS
from dashboard.briefings.ward.ward_rows import place_words
from dashboard.briefings.ward.ward_say import spoken, told_first
from dashboard.selection import Selection
from dashboard.views import wording
from dashboard.views.choropleth import choropleth
from dashboard.views.gap_areas import gap_rows
from dashboard.views.gaps import gaps_of
from dashboard.views.together import together_for
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
            better = sum(1 for other in known if (other < value[i]) == worse_first and other != value[i])
            equal = sum(1 for other in known if other == value[i]) - 1
            assert row.rank == f"{before + 1:,} of {len(known):,}" + (f", shared by {equal + 1:,}" if equal else "")
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
            ways = together_for(demo, (titles[row.kind].id,), PUBLIC).result.areas["together_m"].loc[mine.index]
            total = sum(way * people for way, people in zip(ways, mine["population"], strict=True))
            assert total / mine["population"].sum() == pytest.approx(mean)
            assert row.distance == wording.distance(total / mine["population"].sum())
            assert row.least == wording.distance(min(ways))


def test_residents_beyond_the_standard_are_those_of_a_loop_over_small_areas(demo, pages):
    lsoa = demo.region.areas["lsoa"]
    titles = {layer.title: layer for layer in demo.store.layers(PUBLIC, kind="services")}
    for code, page in pages.items():
        mine = lsoa[lsoa["ward_code"] == code]
        assert page.small_areas == len(mine)
        for row in page.services:
            standard = titles[row.kind].descriptor.access_standard
            if standard is None:
                assert row.standard == "" and row.beyond is None and row.verdict == "No standard"
                continue
            ways = together_for(demo, (titles[row.kind].id,), PUBLIC).result.areas["together_m"]
            far = sum(area["population"] for i, area in mine.iterrows() if not ways[i] <= standard.max_m)
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
    assert 2 * len(codes) - 1 <= len(reader.pages) <= 2 * len(codes) or len(codes) == 1


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


PARTS = (
    "Three sentences to say aloud", "How it compares", "How far services are", "Gaps", "What is being done", "Whom to ring",
    "What this does not say",
)  # fmt: skip


def test_one_sheet_of_paper_each_in_the_order_given(made, pages):
    """Two sides at most, and each begins on a side of its own when it is printed on both."""
    assert len(pages) * 2 - 1 <= len(made.pages) <= len(pages) * 2
    for n, page in enumerate(pages.values()):
        text = " ".join(" ".join(sheet.extract_text() for sheet in made.pages[2 * n : 2 * n + 2]).split())
        for part in (page.name, page.notice, NO_ACTIONS.split(".")[0], *PARTS):
            assert part in text, (page.name, part)
        for sentence in page.say:
            assert sentence in text
    assert {tuple(round(float(side)) for side in sheet.mediabox[2:]) for sheet in made.pages} == {(595, 842)}


def test_nothing_is_smaller_than_ten_points_but_the_credit_and_marks(pages):
    """As the file itself says: every run of letters with the size that it is set in."""
    page = next(iter(pages.values()))
    sizes: dict[float, str] = {}

    def seen(text, matrix, transform, font, size):
        if text.strip():
            high = round(size * abs(transform[3]) * abs(matrix[3]), 1)
            sizes[high] = sizes.get(high, "") + text

    for sheet in pdf(page).pages:
        sheet.extract_text(
            visitor_text=lambda text, matrix, transform, font, size: seen(text, transform, matrix, font, size)
        )
    small = {size: text for size, text in sizes.items() if size < 10}
    credits = " ".join(page.credits)
    for size, text in small.items():
        assert size >= 7 and all(word in credits or word.isdigit() or word in page.svg for word in text.split()), (
            size,
            text[:80],
        )


def test_the_file_is_accessible(made):
    catalog = made.trailer["/Root"]
    assert catalog["/MarkInfo"]["/Marked"]
    assert catalog["/Lang"].lower() == "en-gb"
    assert catalog["/ViewerPreferences"]["/DisplayDocTitle"]
    assert made.metadata.title == "Ward sheets: Demonstration region (North East shapes)"
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


def test_the_longest_words_still_fit_on_one_sheet(pages):
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
    assert len(pdf(wide).pages) <= 2
    assert len(pdf(wide, page).pages) in (3, 4)


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
    assert not re.search(r'(?:src|href)="(?!#|data:image/(?:png|jpeg);base64,)', html)
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
    with pytest.raises(ValueError, match="no area"):
        files.ward_pages_pdf([])


def test_the_same_pages_give_the_same_bytes(pages):
    two = list(pages.values())[:2]
    assert files.ward_pages_pdf(two) == files.ward_pages_pdf(two)


# ---- what is said aloud ------------------------------------------------------------------------------------------------------


def test_a_ward_that_is_all_beyond_a_standard_says_so(demo):
    """Of every ward of the region: on the sheet, in its summary, by the name of the list and its standard."""
    found = 0
    for page in ward_pages(demo, PUBLIC):
        far = [row for row in page.services if row.beyond_words == "everybody"]
        said = " ".join(page.summary)
        assert ("Everybody here lives farther than the standard from" in said) == bool(far)
        for row in far:
            found += 1
            assert row.verdict == f"Everybody over {row.standard}" or row.verdict == "Cannot say"
            assert wording.small(row.kind) in said and f"({row.standard}" in said
        if far and all(row.verdict != "Cannot say" for row in far):
            assert page.headline.startswith("Everybody here lives over ")
    assert found > 10


@pytest.mark.parametrize("level", ["lsoa", "ward", "lad"])
def test_every_sentence_to_say_is_one_and_nothing_more_certain_than_its_list(demo, level):
    """Whole sentences, three at most, without doubled words or blanks; a list that is a sample is one that we know of."""
    for code in list(demo.region.codes(level))[::9]:
        page = area_sheet(demo, code, PUBLIC)
        assert 1 <= len(page.say) <= 3 and page.headline.endswith(".")
        for sentence in (*page.say, page.headline, *page.summary):
            assert sentence[0].isupper() and sentence.rstrip("”").endswith((".", "?")), sentence
            assert not re.search(r"  | ,|\(\)|\bnan\b|None(?! of)|\b(\w+) \1\b(?<!that that)|: \.|“”", sentence), (
                sentence
            )
            assert not re.search(r"\b1 (?:sites|residents|people|wards|measures)\b", sentence), sentence
        for row in page.services:
            layer = demo.store.layer(row.layer_id, PUBLIC)
            assert bool(row.sample) == (layer.descriptor.completeness != "register")
        sampled = {row.layer_id for row in page.services if row.sample}
        first = told_first(page.services, 0.0)
        if first is not None and first.layer_id in sampled and "km" in page.say[0]:
            assert "that we know of" in page.say[0] or "in this sample of" in page.say[0]
        if "gap for" in page.say[-1]:
            assert ("in this sample of" in page.say[-1]) == bool(page.gaps[0].sample)


@pytest.mark.parametrize(
    ("people", "said"),
    [
        (0, "nobody"),
        (3, "10"),
        (87, "90"),
        (994, "990"),
        (1_049, "1,000"),
        (6_612, "6,600"),
        (10_490, "10,500"),
        (196_240, "196,000"),
    ],
)
def test_people_are_rounded_as_they_are_spoken_of(people, said):
    assert spoken(people) == said


@pytest.mark.parametrize("level", ["lsoa", "lad"])
def test_every_other_area_has_the_same_sheet(demo, demo_client, level):
    code = demo.region.codes(level)[2]
    page = area_sheet(demo, code, PUBLIC)
    assert page.id == f"area-{code}" and page.level == level and page.say and len(pdf(page).pages) <= 2
    assert demo_client.get(f"/briefings/area-{code}").status_code == 200
    assert demo_client.get(f"/briefings/ward-{code}").status_code == 404  # each has one address
    for format_ in ("pdf", "html", "pptx", "docx"):
        answer = demo_client.get(f"/briefings/area-{code}/files/x.{format_}")
        assert answer.status_code == 200 and len(answer.data) > 3000
    row = page.services[0]
    mine = demo.region.areas["lsoa"]
    mine = mine[mine["code" if level == "lsoa" else "lad_code"] == code]
    assert page.small_areas == len(mine) and row.least


def test_a_contact_is_of_a_partner_that_serves_the_area(demo):
    page = area_sheet(demo, demo.region.codes("ward")[0], PUBLIC)
    named = [partner.name for partner in demo.region.partners if page.lad_code in partner.footprint]
    for row in page.contacts:
        assert row.who and (any(name in row.who for name in named) or row.phone or row.email)


def test_where_nobody_has_given_a_contact_the_council_is_named_and_no_number(tiny):
    page = area_sheet(tiny, tiny.region.codes("ward")[0], PUBLIC)
    assert not any(partner.contact for partner in tiny.region.partners) and not tiny.region.brand.contact
    council = next(p.name for p in tiny.region.partners if p.kind == "council" and page.lad_code in p.footprint)
    assert [row.who for row in page.contacts] == [f"{council}. {ward_say.NO_NUMBER}"]
    assert not any(row.phone or row.email for row in page.contacts)


# ---- what a briefing's numbers are in one ward ---------------------------------------------------------------------------------


def test_a_number_in_ones_own_ward_is_that_of_the_ward(demo, demo_client):
    code = demo.region.codes("ward")[7]
    found = demo_client.get(f"/briefings/region-in-ten-numbers/own-ward?ward={code}").get_json()
    assert found["name"] == demo.region.areas["ward"]["name"].iat[7] and found["facts"]
    titles = {layer.title: layer.id for layer in demo.store.layers(PUBLIC, kind="indicator")}
    told = 0
    for line in (line for lines in found["facts"].values() for line in lines):
        title, _, said = line.partition(": ")
        if title in titles:
            chart = choropleth(demo, Selection(need=titles[title], level="ward"), PUBLIC)
            assert said.startswith(chart.value_text(chart.frame["value"].iat[7])), line
            told += 1
    assert told > 2


def test_only_wards_and_only_what_the_reader_may_read(demo_client):
    ask = "/briefings/region-in-ten-numbers/own-ward"
    for code in ("", "DA1", "nonsense", "../x"):
        assert demo_client.get(ask, query_string={"ward": code}).status_code == 404
    assert demo_client.get("/briefings/none/own-ward?ward=DW001").status_code == 404


def test_find_my_ward_by_postcode(demo, demo_client):
    from layers import find_postcode, locate_point

    place = find_postcode("NE8 1AA") or find_postcode("NE1 4LP")
    code = locate_point(demo.region, place.easting, place.northing, "ward")
    written = "ne8 1aa" if find_postcode("NE8 1AA") else "ne14lp"
    answer = demo_client.get("/briefings/wards", query_string={"q": written})
    assert answer.status_code == 303 and answer.location == f"/briefings/ward-{code}?mine=yes"
    assert "lies outside" in demo_client.get("/briefings/wards?q=SW1A1AA").text
    assert "Set-Cookie" not in answer.headers
