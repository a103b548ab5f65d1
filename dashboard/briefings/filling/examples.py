"""Tokens and exhibits written out with what the served region has: what the editor puts in, shows and advises.

The reference in the documentation is of the demonstration region; nobody can use its layers and areas elsewhere. Everything here
takes what somebody chose (:data:`CHOICES`) and a row of one of the two references (a TokenHelp or an ExhibitHelp, whose modules
know this one), and in the place of what was left open what fits in this region, as its reader.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode

from dashboard.briefings.filling.questions import questions
from dashboard.published import Published
from layers import LEVELS, Kind, Layer, NotFound, Viewer, to_metres

CHOICES = ("layer", "services", "area", "level", "n", "above", "baseline")
"""What may be chosen for a token or an exhibit."""

_PART = re.compile(r"""([a-z_]+)=(?:"([^"]*)"|(\S+))""")


class Usual:
    """What stands in the place of what nobody chose: of the first question that the region's themes are asked."""

    def __init__(self, published: Published, reader: Viewer, chosen: Mapping[str, str] | None = None):
        self.published, self.reader = published, reader
        self.chosen = {name: value for name, value in (chosen or {}).items() if value and name in CHOICES}
        asked = questions(published, reader)
        seen = published.store.layers(reader)
        services = [layer.id for layer in seen if layer.kind == Kind.SERVICES]
        indicators = [layer for layer in seen if layer.kind == Kind.INDICATOR and layer.levels]
        first = [layer.id for question in asked for layer in question.needs]

        def fits(layer: Layer) -> tuple:
            """Of every level, with an end that is worse, asked about early."""
            place = first.index(layer.id) if layer.id in first else len(first)
            return -len(layer.levels), layer.descriptor.direction == "neutral", place

        indicators.sort(key=fits)
        self.layer = next((layer.id for layer in indicators), "ID")
        self.with_periods = next((layer.id for layer in indicators if len(layer.periods) > 1), self.layer)
        self.services = asked[0].services.id if asked else next(iter(services), "ID")

    def indicator(self, *, periods: bool = False) -> str:
        return self.chosen.get("layer", self.with_periods if periods else self.layer)

    def list_of_services(self) -> str:
        return self.chosen.get("services", self.services)

    def levels(self, layer_id: str) -> tuple[str, ...]:
        try:
            return self.published.store.layer(layer_id, self.reader).levels or LEVELS
        except NotFound:
            return LEVELS

    def level(self, wish: str, layer_id: str) -> str:
        """The level that was chosen, else the one wished for where the layer has it, else its first."""
        levels = self.levels(layer_id)
        return self.chosen.get("level") or (wish if wish in levels else levels[0])

    def area(self, levels: tuple[str, ...]) -> str:
        """The area that was chosen, else the first of the largest level of these that the region has."""
        areas = self.published.region.areas
        there = [level for level in levels if len(areas[level])]
        return self.chosen.get("area") or (str(areas[there[-1]]["code"].iat[0]) if there else "CODE")

    def view(self, example: str) -> str:
        """A view that asks for what the example's asks for."""
        asked = parse_qs(example)
        parts = {"need": self.indicator(), "services": self.list_of_services()}
        return urlencode({name: value for name, value in parts.items() if name in asked}, safe=",=")


def token_text(name: str, help_: Any, usual: Usual, view: str = "") -> str:
    """``{{ value layer=… area=… }}``. ``view`` is what the page is about already: a token that only needs that says no more."""
    given = {
        key: quoted or bare for key, quoted, bare in _PART.findall(help_.example.removeprefix("{{").removesuffix("}}"))
    }
    of_services = name.startswith("services.")
    layer = usual.list_of_services() if of_services else usual.indicator(periods=name == "change")
    out = {}
    for key, value in given.items():
        if key == "layer":
            out[key] = layer
        elif key == "services":
            out[key] = usual.list_of_services()
        elif key == "area":
            levels = usual.levels(layer) if "layer" in help_.allowed and not of_services else ("ward",)
            out[key] = usual.area(tuple(level for level in LEVELS if level in levels))
        elif key == "level":
            out[key] = usual.level(value, layer)
        elif key == "view":
            if not _answers(view, value) or {"layer", "services"} & set(usual.chosen):
                out[key] = usual.view(value)
        else:
            out[key] = usual.chosen.get(key, value)
    for key in ("level", "n", "area"):  # chosen, though the example does without
        if key in usual.chosen and key in help_.allowed:
            out.setdefault(key, usual.chosen[key])
    words = [f'{key}="{value}"' if re.search(r"[\s&]", value) else f"{key}={value}" for key, value in out.items()]
    return "{{ " + " ".join([name, *words]) + " }}"


def exhibit_lines(help_: Any, usual: Usual, view: str = "") -> tuple[str, ...]:
    """The lines of an exhibit between its fences."""
    lines = help_.example.split(" / ")
    out = [lines[0]]
    layer = usual.list_of_services() if help_.type == "services" else usual.indicator(periods=help_.type == "trend")
    for line in lines[1:]:
        key, _, value = line.partition(": ")
        if key == "layer":
            value = layer
        elif key == "level":
            value = usual.level(value, layer)
        elif key == "view":
            value = _options_view(usual)
        elif key == "n":
            value = usual.chosen.get("n", value)
        out.append(f"{key}: {value}")
    there = {line.partition(":")[0] for line in out[1:]}
    if "view" not in there and "layer" not in there and "a view" in help_.needs:
        wish = "need=x&services=x" if "need" in help_.needs else "services=x"
        if not _answers(view, wish) or {"layer", "services"} & set(usual.chosen):
            out.append(f"view: {usual.view(wish)}{_show(help_)}")
    for key in ("level", "area", "n", "baseline"):
        if key in usual.chosen and key in help_.takes and key not in there:
            out.append(f"{key}: {usual.chosen[key]}")
    return tuple(out)


def _show(help_: Any) -> str:
    return "&show=gap" if "need" in help_.needs else "&show=access"


def _answers(view: str, example: str) -> bool:
    """Whether a view asks for everything that an example's asks for."""
    return bool(view) and set(parse_qs(example)) <= set(parse_qs(view.partition("?")[2] or view))


def _options_view(usual: Usual) -> str:
    """An option of two sites, where most people of two small areas live: one that can be drawn, to begin with."""
    areas = usual.published.region.areas["lsoa"].nlargest(2, "population")
    points = areas.geometry.representative_point()
    eastings, northings = to_metres(points.x, points.y)
    sites = [f"o{x:.0f}-{y:.0f}" for x, y in zip(eastings, northings, strict=True)]
    return f"{usual.view('need=x&services=x')}&options=A~Two sites:{','.join(sites)}"
