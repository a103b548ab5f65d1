"""Colours of the map, one meaning each, for light and dark screens. The painter, the legend and every export use these.

Each ramp is one hue whose lightness runs one way, so that it still reads in grey and to colour-blind eyes. On a light screen more
is darker; on a dark screen more is brighter, so that the areas that matter stand out from the ground in both.
"""

from __future__ import annotations

import re

import numpy as np

NEED = {
    "light": ("#fbe9f1", "#f3cfdf", "#e8b1cb", "#da8fb3", "#c96c9a", "#b34a81", "#992c68", "#7d1550", "#5a0a38"),
    "dark": ("#33202c", "#4a2a3e", "#643452", "#803f67", "#9d4c7d", "#bb5f95", "#d67aae", "#ec9dc7", "#fcc8e1"),
}
ACCESS = {
    "light": ("#e6f0f8", "#c9def0", "#a6c8e4", "#80afd5", "#5a94c2", "#3a79ac", "#225f92", "#134a77", "#0a3355"),
    "dark": ("#1b2833", "#213a4d", "#284d69", "#316286", "#3d79a3", "#5291be", "#71abd4", "#98c6e7", "#c6e2f6"),
}
GAP = {
    # 3 * need third + access third; only the last, highest need with poorest access, is loud
    "light": ("#f2f0ee", "#d9e4ee", "#bcd2e6", "#f3dfe8", "#d8cfe0", "#b6bcd9", "#e3afc8", "#c193bb", "#4a0d4f"),
    "dark": ("#2b2d31", "#2c3944", "#2d4a5f", "#3d2f39", "#43404f", "#425270", "#6b3e57", "#6a4a73", "#f2b3ff"),
}
SPECIAL = {
    "light": {
        "missing": "#d9d9d6",
        "suppressed": "#ffffff",
        "suppressed_line": "#6f6f6b",
        "crossing": "#eef4f7",
        "crossing_line": "#474d54",
        "outside": "#eeeeea",
        "plain": "#f6f5f0",
        "land": "#e9e8e2",
        "water": "#d4e3ea",
        "border": "#ffffff",
        "authority": "#33332f",
        "label": "#1d1d1b",
        "halo": "#ffffff",
        "highlight": "#111111",
        "selected": "#00625a",
    },
    "dark": {
        "missing": "#55565a",
        "suppressed": "#1c1d20",
        "suppressed_line": "#a7a8ad",
        "crossing": "#1d262c",
        "crossing_line": "#b9c4cb",
        "outside": "#25272b",
        "plain": "#2c2f34",
        "land": "#24272c",
        "water": "#14181d",
        "border": "#15171a",
        "authority": "#d8d9dc",
        "label": "#f2f2f0",
        "halo": "#111316",
        "highlight": "#ffffff",
        "selected": "#5ad1c4",
    },
}
OVERLAY = {
    "light": {"hot": "#c2410c", "cold": "#0f6cbd", "ring": "#3d3d3a"},
    "dark": {"hot": "#ffa26b", "cold": "#7cc4ff", "ring": "#d8d9dc"},
}
"""Lines over the gap map: clusters of high and of low need, and the rings of the standard."""
CATEGORICAL = ("#12436D", "#28A197", "#801650", "#F46A25")
"""Government Analysis Function, categorical palette, in its order; it has six, and advises four."""
DUO = ("#12436D", "#F46A25")
"""Its two colours for a chart in which one thing stands out."""
CAUTION_GROUND, CAUTION_INK, NOTE_GROUND = (
    "#fff2cc",
    "#573a00",
    "#f4f4f1",
)  # the strip with what has to be said; as in tokens.css
INK, ACCENT, QUIET, RULE, NOTICE, PAPER = "#1d1d1b", "#00625a", "#51514d", "#c9c9c4", "#7d1550", "#ffffff"
"""Colours of words in files that are printed or projected. Quiet on paper is 7.8 to 1."""
PRINT = {"ink": INK, "quiet": QUIET, "accent": ACCENT, "rule": RULE, "notice": NOTICE}
"""The same by the names that the typst templates know."""
MOST_CLASSES = 7

_HEX = re.compile(r"#([0-9a-fA-F]{6}|[0-9a-fA-F]{3})\Z")


def ramp(name: str, classes: int, scheme: str = "light") -> tuple[str, ...]:
    """``classes`` colours (1 to 9), from least to most, of the ramp "need" or "access"."""
    stops = {"need": NEED, "access": ACCESS}[name][scheme]
    if classes == 1:
        return (stops[4],)
    return tuple(stops[i] for i in np.rint(np.linspace(0, len(stops) - 1, classes)).astype(int))


def as_config() -> dict:
    """Everything that the browser needs: ``{scheme: {"need": {k: [...]}, "access": {...}, "special": {...}}}``."""
    return {
        scheme: {
            "need": {k: list(ramp("need", k, scheme)) for k in range(1, MOST_CLASSES + 1)},
            "access": {k: list(ramp("access", k, scheme)) for k in range(1, MOST_CLASSES + 1)},
            "gap": list(GAP[scheme]),
            "special": SPECIAL[scheme],
            "overlay": OVERLAY[scheme],
        }
        for scheme in ("light", "dark")
    }


def as_css() -> str:
    """The same colours as CSS custom properties ``--need-<classes>-<i>``, ``--map-<special>``, for both schemes."""
    blocks = []
    for scheme, selector in (("light", ":root"), ("dark", ":root[data-mantine-color-scheme=dark]")):
        lines = [
            f"--{name}-{k}-{i}:{colour}"
            for name in ("need", "access")
            for k in range(1, MOST_CLASSES + 1)
            for i, colour in enumerate(ramp(name, k, scheme))
        ]
        lines += [f"--gap-{i}:{colour}" for i, colour in enumerate(GAP[scheme])]
        lines += [f"--map-{name.replace('_', '-')}:{colour}" for name, colour in SPECIAL[scheme].items()]
        lines += [f"--overlay-{name}:{colour}" for name, colour in OVERLAY[scheme].items()]
        blocks.append(f"{selector}{{{';'.join(lines)}}}")
    return "".join(blocks)


def hex_of(colour: str, default: str = SPECIAL["light"]["missing"]) -> str:
    """ "#rrggbb" of a CSS colour written in hexadecimal; ``default`` for all others, since it goes into file formats."""
    found = _HEX.match(colour.strip())
    if not found:
        return default
    digits = found[1].lower()
    return "#" + (digits if len(digits) == 6 else "".join(2 * digit for digit in digits))


def contrast(a: str, b: str) -> float:
    """WCAG contrast ratio of two colours written #rrggbb."""
    one, two = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (one + 0.05) / (two + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
