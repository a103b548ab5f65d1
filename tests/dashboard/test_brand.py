"""The partnership's name, logo and contact: on every page and in every file, and a logo that cannot be read harms nothing."""

from __future__ import annotations

import io
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from pypdf import PdfReader

from dashboard.brand import PRODUCT, brand_of
from dashboard.briefings.files.formats import FORMATS, export_briefing
from dashboard.briefings.filling.build import build_briefing
from dashboard.briefings.ward.ward_answers import area_sheet
from layers import PUBLIC, read_briefing
from layers.model import Brand, Contact

TEXT = "---\ntitle: A\npartner: {}\naudience: public\n---\n# {{{{ region.residents }}}} people\n\nOne.\n"


@pytest.fixture(scope="module")
def brand(demo):
    found = brand_of(demo.region)
    assert found.own and found.data and found.contact, "the demonstration has all of it"
    return found


@pytest.mark.parametrize("path", ["/", "/briefings", "/sign-in", "/catalogue", "/privacy", "/briefings/wards"])
def test_every_page_has_name_logo_and_contact(demo_client, brand, path):
    page = demo_client.get(path, headers={"Referer": f"http://localhost{path}"}).text
    if path in ("/", "/catalogue", "/privacy"):  # Dash sends the page after the frame
        page = demo_client.get("/_dash-layout", headers={"Referer": f"http://localhost{path}"}).text.replace(
            "\\u002f", "/"
        )
    assert brand.name in page and "/brand/logo?v=" in page
    assert path == "/" or brand.contact[1] in page  # the map has no foot
    logo = demo_client.get("/brand/logo")
    assert logo.data == brand.data and logo.headers["Content-Security-Policy"] == "default-src 'none'"


@pytest.mark.parametrize("format_", list(FORMATS))
def test_every_file_has_them(demo, brand, format_):
    document = read_briefing(TEXT.format(demo.region.partners[0].id))
    made = export_briefing(build_briefing(demo, document, briefing_id="a"), format_)
    if format_ == "html":
        assert brand.name in made.decode() and brand.logo in made.decode() and brand.contact[1] in made.decode()
    elif format_ == "pdf":
        pages = PdfReader(io.BytesIO(made)).pages
        assert brand.name in pages[0].extract_text() and brand.contact[1] in pages[0].extract_text()
        assert all(brand.name in page.extract_text() for page in pages)
        assert pages[0].images
    else:
        files = zipfile.ZipFile(io.BytesIO(made))
        text = b" ".join(files.read(name) for name in files.namelist() if name.endswith(".xml")).decode()
        assert brand.name in text and brand.contact[1] in text
        assert any(files.read(name) == brand.data for name in files.namelist() if "media/" in name)


def test_the_sheet_of_an_area_has_them_and_whom_to_ring(demo, demo_client, brand):
    code = demo.region.codes("ward")[0]
    page = area_sheet(demo, code, PUBLIC)
    html = demo_client.get(f"/briefings/ward-{code}").text
    assert brand.name in html and brand.logo in html
    council = next(p for p in demo.region.partners if p.kind == "council" and page.lad_code in p.footprint)
    assert council.contact.phone == page.contacts[0].phone and council.contact.phone in html
    pdf = PdfReader(io.BytesIO(demo_client.get(f"/briefings/ward-{code}/files/a.pdf").data))
    text = " ".join(" ".join(sheet.extract_text() for sheet in pdf.pages).split())
    assert all(row.phone in text for row in page.contacts)


def test_a_region_without_one_shows_the_product(demo):
    bare = brand_of(replace(demo.region, brand=Brand()))
    assert bare.name == PRODUCT and not bare.own and bare.contact_words == ""
    named = brand_of(replace(demo.region, brand=Brand(name="Us", contact=Contact(phone="01632 960 000"))))
    assert named.own and named.contact_words == "Contact: 01632 960 000."


@pytest.mark.parametrize("content", [b"", b"nonsense", b"<svg><script/></svg>", b"\x89PNG\r\n\x1a\n"])
def test_a_logo_that_cannot_be_shown_is_left_out(demo, tmp_path, content):
    (tmp_path / "brand").mkdir()
    (tmp_path / "brand" / "logo.svg").write_bytes(content)
    region = replace(demo.region, path=tmp_path, brand=Brand(name="Us", logo="brand/logo.svg"))
    assert brand_of(region).name == "Us" and brand_of(region).logo == ""
    shutil.rmtree(tmp_path / "brand")
    assert brand_of(region).logo == "" and Path(region.path).exists()
