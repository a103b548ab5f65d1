"""Pictures on their way in: told by what they hold, written anew; and on every page and in every file that shows them."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image, ImageDraw

from dashboard.briefings.files.formats import FORMATS, export_briefing
from dashboard.briefings.filling.build import build_briefing
from dashboard.briefings.writing import pictures
from dashboard.briefings.writing.pictures import read_picture
from layers import SYSTEM, Pictures, Refused, Viewer, read_briefing

SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 40 20">{}</svg>'
SQUARE = '<rect width="20" height="20" fill="#ff0000"/>'


def photo(size=(400, 300), kind="JPEG", mode="RGB", **more) -> bytes:
    picture = Image.new(mode, size, (10, 120, 200) if mode == "RGB" else (10, 120, 200, 0))
    ImageDraw.Draw(picture).ellipse((10, 10, 200, 200), fill=(200, 10, 90) if mode == "RGB" else (200, 10, 90, 255))
    out = io.BytesIO()
    picture.save(out, kind, **more)
    return out.getvalue()


def opened(read) -> Image.Image:
    return Image.open(io.BytesIO(read.data))


@pytest.mark.parametrize(
    "data", [photo(), photo(kind="PNG"), photo(kind="PNG", mode="RGBA"), SVG.format(SQUARE).encode()]
)
def test_png_jpeg_and_svg_are_taken(data):
    read = read_picture(data)
    assert opened(read).size == (read.width, read.height)
    assert opened(read).format == {"image/png": "PNG", "image/jpeg": "JPEG"}[read.media_type]


def test_what_hides_in_a_photograph_is_gone_and_which_way_is_up_is_kept():
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "Where I live"  # on its side
    read = read_picture(photo(exif=exif) + b"<script>alert(1)</script>")
    assert b"Where I live" not in read.data and b"script" not in read.data
    assert (read.width, read.height) == (300, 400)


def test_a_large_one_becomes_small_and_a_clear_one_stays_clear():
    noise = Image.effect_noise((3000, 2000), 90).convert("RGB")
    out = io.BytesIO()
    noise.save(out, "JPEG", quality=95)
    read = read_picture(out.getvalue())
    assert (
        max(read.width, read.height) == pictures.MOST_SIDE
        and read.media_type == "image/jpeg"
        and len(read.data) < 2_000_000
    )
    clear = opened(read_picture(photo(kind="PNG", mode="RGBA")))
    assert clear.mode == "RGBA" and clear.getpixel((399, 299))[3] == 0


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "no-file"),
        (b"hello", "picture"),
        (b"GIF89a" + bytes(50), "picture"),
        (b"<html><svg></svg></html>", "picture"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "picture"),
        (photo()[:300], "picture"),
        (photo(kind="PNG")[:-30], "picture"),
        (photo((4, 4)), "picture"),
        (b"\xff\xd8\xff" + bytes(13 * 2**20), "too-large"),
        (b"%PDF-1.4", "picture"),
    ],
)
def test_what_is_no_picture_is_not_taken(data, rule):
    with pytest.raises(Refused) as caught:
        read_picture(data)
    assert [fault.rule for fault in caught.value.faults] == [rule]


def test_a_picture_that_would_fill_the_memory_is_not_opened():
    out = io.BytesIO()
    Image.new("1", (30000, 30000)).save(out, "PNG")  # a few kilobytes
    with pytest.raises(Refused, match="pixels"):
        read_picture(out.getvalue())


@pytest.mark.parametrize(
    "inner",
    [
        "<script>alert(1)</script>", "<SCRIPT/>", '<rect onclick="x()"/>', '<rect ONLOAD="x()"/>',
        "<foreignObject><p>x</p></foreignObject>", '<image href="https://elsewhere.example/a.png"/>',
        '<image xlink:href="/etc/passwd"/>', '<image href="file:///etc/passwd"/>', '<use href="other.svg#a"/>',
        '<a href="javascript:alert(1)"><rect/></a>', "<style>@import 'https://elsewhere.example/a.css';</style>",
        "<style>rect { fill: url(https://elsewhere.example/a) }</style>", '<rect style="fill: url( //elsewhere.example/a )"/>',
        '<rect fill="url(\'https://elsewhere.example/a\')"/>', '<image href="data:image/svg+xml,x"/>', '<image href="data:text/html,x"/>',
        "<iframe/>", "<g", '<set attributeName="onload" to="x()"/><script xmlns="http://www.w3.org/1999/xhtml"/>',
    ],
)  # fmt: skip
def test_an_svg_that_could_do_more_than_show_is_refused(inner):
    with pytest.raises(Refused) as caught:
        read_picture(SVG.format(inner).encode())
    assert [fault.rule for fault in caught.value.faults] == ["svg"]


def test_an_svg_with_entities_is_refused():
    bomb = '<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + SVG.format("<text>&b;</text>")
    with pytest.raises(Refused):
        read_picture(bomb.encode())


def test_what_drawing_programs_write_is_taken():
    head = '<?xml version="1.0"?>\n<!-- made by hand -->\n<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "svg11.dtd">\n'
    inner = (
        '<style>.a{fill:url(#g)}</style><defs><linearGradient id="g"><stop stop-color="#f00"/></linearGradient></defs>'
    )
    read = read_picture((head + SVG.format(inner + '<rect class="a" width="20" height="20"/>')).encode())
    assert opened(read).convert("RGB").getpixel((100, 100))[0] > 200 and read.width == 2 * read.height


# ---- in a briefing -----------------------------------------------------------------------------------------------------------

TEXT = """---
title: With a picture
partner: {partner}
audience: public
---
# The bridge is closed

It is.

```exhibit
picture
picture: {picture}
alt: A closed bridge
caption: Seen in March
```
"""


@pytest.fixture(scope="module")
def briefing(demo):
    partner = demo.region.partners[0].id
    read = read_picture(photo())
    kept = Pictures(demo.store).add(
        Viewer(SYSTEM.user, partner, "admin"), partner=partner, data=read.data, media_type=read.media_type,
        width=read.width, height=read.height, alt="A bridge",
    )  # fmt: skip
    document = read_briefing(TEXT.format(partner=partner, picture=kept.id))
    return build_briefing(demo, document, briefing_id="picture")


def test_a_page_shows_it_with_its_words(briefing):
    figure = briefing.pages[0].figure
    assert figure.kind == "picture" and figure.alt == "A closed bridge" and "data:image/" in figure.svg
    assert figure.svg.startswith('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 300"')


@pytest.mark.parametrize("format_", list(FORMATS))
def test_every_file_has_it_with_its_words(briefing, format_):
    made = export_briefing(briefing, format_)
    bare = export_briefing(_without(briefing), format_)
    assert len(made) > len(bare) + 1000
    if format_ == "html":
        assert b"data:image/" in made and b"A closed bridge" in made
    if format_ in ("pptx", "docx"):
        import zipfile

        files = zipfile.ZipFile(io.BytesIO(made))
        assert any(re.search(r"media/.*\.(png|jpe?g)$", name) for name in files.namelist())
        assert any(b"A closed bridge" in files.read(name) for name in files.namelist() if name.endswith(".xml"))


def _without(briefing):
    from dataclasses import replace

    return replace(briefing, pages=(replace(briefing.pages[0], figure=None),))


@pytest.mark.parametrize("given", ["0" * 20, "nonsense", "../../etc/passwd"])
def test_a_picture_that_is_not_there_is_named(demo, given):
    document = read_briefing(TEXT.format(partner=demo.region.partners[0].id, picture=given))
    with pytest.raises(Refused) as caught:
        build_briefing(demo, document, briefing_id="picture")
    assert "no such picture" in str(caught.value.faults[0])


def test_a_briefings_own_logo_stands_in_the_place_of_the_partnerships(demo, briefing):
    kept = re.search(r"picture: ([0-9a-f]{20})", briefing.document.text)[1]
    partner = demo.region.partners[0].id
    text = f"---\ntitle: Ours\npartner: {partner}\naudience: public\nlogo: {kept}\n---\n# One\n"
    made = build_briefing(demo, read_briefing(text), briefing_id="ours")
    assert made.brand.data == Pictures(demo.store).get(kept).data and made.brand.alt == "A bridge"
    assert made.brand.logo.encode() in export_briefing(made, "html")
    for logo in ("0" * 20, "nonsense"):
        with pytest.raises(Refused) as caught:
            build_briefing(demo, read_briefing(text.replace(kept, logo)), briefing_id="ours")
        assert [fault.where for fault in caught.value.faults] == ["line 5"]
