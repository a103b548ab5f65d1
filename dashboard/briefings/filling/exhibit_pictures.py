"""A picture that the author brought: a photograph, a drawing, a logo. It says what it shows in words, always."""

from __future__ import annotations

from base64 import b64encode

from dashboard.briefings.filling.asking import refused
from dashboard.briefings.filling.model import Figure
from dashboard.briefings.filling.showing import ExhibitRequest, Exhibits
from dashboard.drawing.svg_text import clean
from layers import Picture, Pictures

PICTURES = Exhibits()


@PICTURES.add(
    "picture",
    says="A picture that was added in the editor, with words for people who cannot see it.",
    takes="picture",
    needs="a picture of yours",
    example="picture / picture: ID / alt: What is to be seen",
)
def _picture(ask: ExhibitRequest) -> Figure:
    found = Pictures(ask.published.live.store).get(ask.must("picture"))
    alt = " ".join(ask.spec.arguments.get("alt", found.alt).split())
    if not alt:
        raise refused("the picture has no words", "add a line “alt: …” that says what is to be seen", "alt")
    return Figure("picture", "", alt, svg=svg_of(found, alt))


def svg_of(picture: Picture, alt: str) -> str:
    """The picture as every other exhibit is: an SVG that needs nothing else."""
    wide, high = picture.width, picture.height
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" role="img" '
        f'aria-label="{clean(alt)}"><image width="{wide}" height="{high}" href="data:{picture.media_type};base64,'
        f'{b64encode(picture.data).decode()}"/></svg>'
    )
