"""The look: tokens that every page has, letters that are never of another face, and words that can be read in both schemes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dashboard.components.shell import FONT
from dashboard.drawing.palette import as_css, contrast

ASSETS = Path(__file__).resolve().parents[2] / "assets"
TOKENS = (ASSETS / "tokens.css").read_text("utf-8")


def tokens(scheme: str) -> dict[str, str]:
    """The tokens of a scheme: those of the dark one lie over those of the light one."""
    light, dark = TOKENS.split(":root[data-mantine-color-scheme='dark']")
    found = dict(re.findall(r"(--[\w-]+):\s*([^;]+);", light))
    return found if scheme == "light" else found | dict(re.findall(r"(--[\w-]+):\s*([^;]+);", dark))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_every_ground_that_they_may_stand_on(scheme):
    given = tokens(scheme)
    grounds = [given[name] for name in ("--paper", "--paper-2")]
    for name in ("--ink", "--ink-2", "--ink-3", "--accent", "--bad", "--good"):
        assert min(contrast(given[name], ground) for ground in grounds) >= 4.5, name
    for name, ground in (("--accent-ink", "--accent"), ("--caution-ink", "--caution-bg"), ("--gap-ink", "--gap")):
        assert contrast(given[name], given[ground]) >= 4.5, name
    assert contrast(given["--control"], given["--paper"]) >= 3


def test_no_style_asks_for_a_token_that_is_not_there():
    styles = {file.name: file.read_text("utf-8") for file in ASSETS.glob("*.css")}
    made = set(re.findall(r"(--[\w-]+)\s*:", "".join(styles.values()) + as_css()))
    asked = {(file, name) for file, text in styles.items() for name in re.findall(r"var\((--[\w-]+)\)", text)}
    assert {(file, name) for file, name in asked if name not in made} == set()


@pytest.mark.parametrize("address", ["/", "/briefings", "/sign-in", "/briefings/ten-numbers/present"])
def test_every_page_asks_for_the_face_first_and_has_the_tokens(demo_client, address):
    page = demo_client.get(address).get_data(as_text=True)
    assert f'rel="preload" as="font" type="font/woff2" crossorigin href="{FONT}"' in page
    assert "/assets/tokens.css" in page
    assert page.index("tokens.css") < page.index("</head>")


def test_the_face_is_served_from_here_with_its_licence(demo_client):
    assert demo_client.get(FONT).data[:4] == b"wOF2"
    assert FONT.removeprefix("/assets/") in TOKENS
    assert "SIL Open Font License" in demo_client.get("/assets/fonts/OFL.txt").get_data(as_text=True)
