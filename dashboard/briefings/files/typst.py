"""Typst, held in one place: a template of ours and data in, an accessible PDF (PDF/UA-1) or a picture out.

A template reads its words with ``json("data.json")`` and its pictures by name. Words are therefore never markup: typst shows a text
that came as data letter by letter. The compiler is given its files as bytes and no folder, so a template could not open a file of
this machine if it tried.

Fonts: the wheel brings Libertinus Serif, New Computer Modern and DejaVu Sans Mono, and no sans; ``assets/fonts`` has Source Sans 3
(SIL Open Font License), the face of the pages. Only these are used, so that the same briefing gives the same bytes on every machine. A
text with letters that none of them has is tried again with the machine's own fonts, and what still cannot be shown becomes a box:
PDF/UA allows no missing letter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from functools import lru_cache
from pathlib import Path
from typing import Any

import typst

FONTS = Path(__file__).resolve().parents[3] / "assets" / "fonts"
FAMILY = "Source Sans 3"
FALLBACK = "DejaVu Sans Mono"
UNKNOWN = "□"
"""Stands for a letter that no font has. DejaVu Sans Mono, which the wheel brings, has it."""

_LOST = re.compile(r'the text `"(.+?)"` could not be displayed')
_ESCAPED = re.compile(r"\\u\{([0-9a-fA-F]{1,6})\}")
# C0 and C1 controls, marks that turn the reading direction, surrogates, and places that never hold a letter
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2060\u2066-\u2069\ufeff\ufff9-\uffff\ud800-\udfff]"
)
_FAMILY = re.compile(r"""font-family\s*[=:]\s*(?:"[^"]*"|'[^']*'|[^;"'<>}]*)""")


@lru_cache(maxsize=4)
def template(name: str) -> str:
    """A template of ours, which stands beside this module."""
    return Path(__file__).with_name(name).read_text("utf-8")


class CannotCompile(RuntimeError):
    """A template of ours is at fault, or a picture cannot be read; never what somebody wrote."""


def compile_pdf(
    template: str, data: Mapping[str, Any], images: Mapping[str, bytes] | None = None, *, made_on: date | None = None
) -> bytes:
    """The PDF of a template, as PDF/UA-1: tagged, with title and language, or no file at all.

    ``data`` is what ``json("data.json")`` gives in the template; ``images`` are files that it may name: SVG, in which a picture may be.
    ``made_on`` is written into the file as its date (midnight, UTC), so that the same input gives the same bytes; without it the
    file has none. Raises :class:`CannotCompile`.
    """
    options = {"format": "pdf", "pdf_standards": ["ua-1"], "timestamp": _seconds(made_on)}
    return _compile(template, data, images or {}, options)[0]


def compile_png(
    template: str,
    data: Mapping[str, Any] | None = None,
    images: Mapping[str, bytes] | None = None,
    *,
    ppi: float = 144.0,
) -> bytes:
    """The first page of a template as a PNG."""
    return _compile(template, data or {}, images or {}, {"format": "png", "ppi": ppi})[0]


def clean(value: Any) -> Any:
    """The same data without characters that no file format can hold; line breaks become spaces' equals and stay."""
    if isinstance(value, str):
        return _CONTROLS.sub("", value)
    if isinstance(value, Mapping):
        return {str(key): clean(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [clean(each) for each in value]
    return value


def own_font(svg: str | bytes) -> bytes:
    """An SVG whose texts are set in our font: what a browser would call system-ui is another font on every machine."""
    text = svg.decode("utf-8") if isinstance(svg, bytes) else svg

    def family(found: re.Match) -> str:
        return f'font-family="{FAMILY}"' if "=" in found[0].split('"')[0].split("'")[0] else f"font-family:{FAMILY}"

    return _FAMILY.sub(family, text).encode("utf-8")


def _compile(
    template: str, data: Mapping[str, Any], images: Mapping[str, bytes], options: dict[str, Any]
) -> list[bytes]:
    texts = json.dumps(clean(data), ensure_ascii=False)
    pictures = {name: own_font(content) if name.endswith(".svg") else content for name, content in images.items()}
    fonts = _fonts(False)
    for attempt in range(4):
        files = {"main.typ": template.encode("utf-8"), "data.json": texts.encode("utf-8")} | pictures
        try:
            made = typst.compile(files, font_paths=fonts, **options)
        except typst.TypstError as error:
            said = str(getattr(error, "diagnostic", "") or error)
            lost = {_unescape(each) for each in _LOST.findall(said)}
            if not lost or attempt == 3:
                raise CannotCompile(said) from error
            if attempt == 0:
                fonts = _fonts(True)
                continue
            letters = re.compile("|".join(re.escape(each) for each in sorted(lost, key=len, reverse=True)))
            # only in texts: the letters that cannot be shown are none that JSON or SVG are written with
            texts = letters.sub(UNKNOWN, texts)
            pictures = {
                name: letters.sub(UNKNOWN, content.decode("utf-8")).encode("utf-8")
                if name.endswith(".svg")
                else content
                for name, content in pictures.items()
            }
        else:
            return made if isinstance(made, list) else [made]
    raise CannotCompile("the fonts lack letters")  # pragma: no cover - the loop returns or raises


@lru_cache(maxsize=2)
def _fonts(system: bool) -> typst.Fonts:
    """Found once: looking through a machine's fonts takes longer than a page."""
    return typst.Fonts(include_system_fonts=system, include_embedded_fonts=True, font_paths=[str(FONTS)])


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def _seconds(day: date | None) -> int | None:
    return None if day is None else int(datetime.combine(day, time(), UTC).timestamp())
