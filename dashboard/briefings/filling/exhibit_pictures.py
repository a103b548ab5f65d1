"""A picture that the author brought: a photograph, a drawing, a logo. It says what it shows in words, always."""

from __future__ import annotations

from dashboard.briefings.filling.asking import refused
from dashboard.briefings.filling.model import Figure
from dashboard.briefings.filling.showing import ExhibitRequest, Exhibits
from dashboard.drawing.own_picture import picture_svg
from layers import Pictures

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
    return Figure("picture", "", alt, svg=picture_svg(found.data, found.media_type, found.width, found.height, alt))
