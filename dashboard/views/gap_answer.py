"""The answer to one gap request as numbers, with the layers that they rest on. The words are made in ``gap_words.py``."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np

from dashboard.published import Published
from dashboard.views.cautions import cautions_of
from dashboard.views.claims import Claims, claims_of
from dashboard.views.measures import Measures
from layers import Caution, GapRequest, GapResult, Layer


@dataclass(frozen=True, eq=False)
class GapAnswer:
    """Frames of ``result`` are in area order of ``level``, all areas of the region."""

    published: Published
    result: GapResult
    needs: tuple[Layer, ...]
    services: tuple[Layer, ...]
    key: tuple  # what the numbers depend on; the same key, the same numbers
    measures: Measures = field(default_factory=Measures)

    @property
    def request(self) -> GapRequest:
        return self.result.request

    @property
    def level(self) -> str:
        return self.request.level

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Everything that the numbers rest on, each layer once."""
        return tuple({layer.id: layer for layer in (*self.needs, *self.services, *self.measures.layers)}.values())

    @cached_property
    def claims(self) -> Claims:
        """What may be said of it."""
        return claims_of(self.layers)

    def cautions_on(self, on: date | None = None) -> tuple[Caution, ...]:
        """What to know before quoting it, as it stands on a day: today, where none is given."""
        periods = {each["id"]: each["period"] for each in self.result.parameters["need"]}
        used = [(layer, periods.get(layer.id, layer.period)) for layer in self.layers]
        return cautions_of(used, straight=self.result.model.travel is None, crossing=self.result.crossing_lists, on=on)

    @property
    def public(self) -> bool:
        """Whether everybody may see every layer in it; if not, nobody else's cache may keep the answer."""
        return all(layer.descriptor.audience == "public" for layer in self.layers)

    @property
    def in_view(self) -> np.ndarray:
        """bool per area: inside the chosen partner's footprint."""
        return self.result.listed.to_numpy(bool)

    @property
    def summary(self) -> dict[str, Any]:
        return self.result.summary
