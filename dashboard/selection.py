"""One Selection holds what the user chose; it is in the URL, so a link reproduces the view.

Its fields are the rows of :mod:`dashboard.question` that a link of the map has, in their order. :func:`Selection.from_query` never
fails: what it cannot understand is dropped and told in ``notices``. What a layer, level or period *means* in the loaded region
is settled afterwards by :func:`dashboard.views.offer.valid_selection`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, make_dataclass, replace
from typing import Any

from dashboard import question
from dashboard.question import NONE, weighted, weights_of

__all__ = ["NONE", "Selection", "weighted"]

_Fields = make_dataclass(
    "_Fields", [(row.name, row.kind.type, row.default) for row in question.fields_of(question.MAP)], frozen=True
)


class Selection(_Fields):
    """``need`` is one indicator, :data:`NONE`, or a weighted set as the API writes it: ``a=2,b=1`` (:attr:`needs` reads it)."""

    @property
    def needs(self) -> tuple[tuple[str, float], ...]:
        """(indicator id, weight) of every part of the need; () for none."""
        return weights_of(self.need)

    @property
    def one_need(self) -> str:
        """The indicator when there is exactly one, else ""."""
        return self.needs[0][0] if len(self.needs) == 1 else ""

    @classmethod
    def from_query(cls, query: Mapping[str, Any]) -> tuple[Selection, tuple[str, ...]]:
        """Read query parameters; returns the selection and one sentence per parameter that was dropped."""
        given, notices = question.read_link(query)
        return cls(**given), tuple(notices)

    def to_query(self) -> dict[str, str]:
        """Query parameters, only those that differ from the default, in a fixed order."""
        return question.write_link(vars(self), vars(self))

    def query_string(self) -> str:
        return question.address(self.to_query())

    def classes_query(self) -> str:
        """The part of the query that decides the colours; ``assets/question.js`` writes the very same text."""
        return question.address(question.colours_of(vars(self)))

    def link(self, **changes: Any) -> str:
        """Address of the explore page with this selection, after ``changes``."""
        query = replace(self, **changes).query_string()
        return f"/?{query}" if query else "/"

    def as_data(self) -> dict[str, Any]:
        """For a ``dcc.Store``: JSON types only."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_data(cls, data: Mapping[str, Any] | None) -> Selection:
        """From a browser, so every value is checked again."""
        given = dict(data) if isinstance(data, Mapping) else {}
        texts = {name: _as_text(value) for name, value in given.items() if name in question.FIELDS}
        return cls.from_query(texts)[0]


def _as_text(value: Any) -> str:
    """What a browser keeps of a field, as a link would write it."""
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else ""
    return "" if value is None else str(value)
