"""What may be said of an answer, given the lists that it rests on: the one gate through which sentences go.

Whoever writes a sentence about gaps, services or people writes it as if the list were complete, and puts :func:`gated` on the
function (or hands the text to :meth:`Claims.gate`). The gate says "in this sample of 9 sites" in each sentence that counts people
on a sample, and leaves out what the layers are not fit for. Numbers in cells go through :meth:`Claims.people`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from dashboard.views import wording
from layers import FIT_FOR, Kind, Layer, fit_for, is_sample

_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9“\"‘(])")
_PEOPLE = re.compile(
    r"\b(residents?|people|persons?|inhabitants?|adults?|children|households?|everybody|everyone|lives?|fewer|"
    r"seems?|gains?|relieved|nearer)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d|\b(all|everybody|everyone|half|third|quarter|one in|two in|three in)\b", re.IGNORECASE)
_ORDER = re.compile(
    r"\b(largest|smallest|first|worst|best|most|fewest|least|highest|lowest|rank(?:s|ed)?|second|third|top|"
    r"largest flow)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Claims:
    """``sites``: how many the lists name in the region. ``sampled``: a list is a sample, or nobody says that it is not.
    ``fit``: what all layers of the answer may be used for."""

    sites: int = 0
    sampled: bool = False
    fit: frozenset[str] = frozenset(FIT_FOR)

    @property
    def counts(self) -> bool:
        """Whether a number of people may be said."""
        return "counts" in self.fit

    @property
    def ranks(self) -> bool:
        """Whether an order may be said."""
        return "ranking" in self.fit

    @property
    def sample(self) -> str:
        """ "in this sample of 9 sites"; "" of a register."""
        return f"in this sample of {wording.counted(self.sites, 'site')}" if self.sampled else ""

    def people(self, number: float, one: str = "resident", many: str = "") -> str:
        """ "1,200 residents"; "" where people must not be counted."""
        return wording.counted(number, one, many) if self.counts else ""

    def figure(self, number: float | None) -> float | None:
        """A number of people for a cell; None where people must not be counted."""
        return number if self.counts else None

    def gate(self, text: str) -> str:
        """A text of whole sentences with what the lists cannot carry put right or left out."""
        if not text or (not self.sampled and self.counts and self.ranks):
            return text
        return " ".join(filter(None, (self._sentence(one) for one in _END.split(text))))

    def _sentence(self, text: str) -> str:
        counts = counts_people(text)
        if counts and not self.counts:
            return ""
        if not self.ranks and _ORDER.search(text):
            return ""
        if self.sampled and counts and "in this sample of" not in text:
            body = text.rstrip()
            end = body[-1:] if body[-1:] in ".!?" else ""
            return f"{body[: len(body) - len(end)]}, {self.sample}{end}"
        return text

    def additions(self, text: str) -> list[tuple[int, str]]:
        """Where in a text which words have to be put in, so that it could pass the gate of a sample."""
        found, start = [], 0
        for one in _END.split(text):
            start = text.index(one, start)
            if self.sampled and counts_people(one) and "in this sample of" not in one:
                body = one.rstrip()
                found.append((start + len(body) - (body[-1:] in tuple(".!?")), f", {self.sample}"))
            start += len(one)
        return found

    def short(self, text: str) -> str:
        """A label that is no sentence ("3 small areas, 4,500 residents"), with the same rule."""
        return self._sentence(text)


WHOLE = Claims()
"""Of complete layers that are fit for everything."""


def counts_people(sentence: str) -> bool:
    """Whether a sentence says a number of people."""
    return bool(_PEOPLE.search(sentence) and _NUMBER.search(sentence))


def sites_in_region(layer: Layer) -> int:
    """Sites of a list as sentences count them: those in the region; those around it count for distances only."""
    return int(sum(layer.coverage.values()) or layer.sites)


def claims_of(layers: Iterable[Layer]) -> Claims:
    """What may be said of an answer that rests on these layers; only a *list* of services makes it a sample."""
    layers = list(layers)
    lists = [layer for layer in layers if layer.kind == Kind.SERVICES]
    sites = sum(map(sites_in_region, lists))
    sampled = any(is_sample(layer.descriptor) for layer in lists)
    return Claims(sites, sampled, fit_for(layer.descriptor for layer in layers))


def gated(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that writes sentences about its first argument, which knows its ``claims``: they go through the gate."""

    @wraps(function)
    def through(about: Any, *args: Any, **kwargs: Any) -> Any:
        return _gated(about.claims, function(about, *args, **kwargs))

    through.gated = True
    return through


def _gated(claims: Claims, text: Any) -> Any:
    if isinstance(text, str):
        return claims.gate(text)
    if isinstance(text, (list, tuple)):
        return type(text)(filter(None, (_gated(claims, one) for one in text)))
    return text


AS_THEY_ARE = (
    "parameters",
    "rule",
    "rule_sentence",
    "notice",
    "layers",
    "cautions",
    "confidence",
    "name",
    "title",
    "lad_name",
    "link",
    "areas",
    "affected",
)
"""Parts of a document that say nothing about people, are somebody's own words, or have been through the gate."""

PEOPLE = frozenset({
    "underserved_residents", "shared_residents", "residents_nearer_elsewhere", "underserved_nearer_elsewhere",
    "population", "residents", "residents_gained", "gained_by_lad", "residents_within", "already_within",
    "residents_without_need", "residents_misjudged", "residents_within_alone", "nearer", "residents_within_together",
    "residents_without_own_service", "residents_gaps_only_alone", "newly_within", "demand", "demand_within_before",
    "demand_within_after", "underserved_residents_range", "farther", "value", "bound", "greedy_value", "saving",
})  # fmt: skip
"""Fields of documents that hold a number of people who are counted on the lists."""

CERTAIN = frozenset({"proven"})
"""Fields that say that nothing could change an answer."""


def gate_document(claims: Claims, tree: Any) -> Any:
    """A JSON document with what its layers cannot carry left out: numbers of people and proofs become null, and every text goes
    through the gate, the net under what the writers of sentences forgot."""
    if isinstance(tree, list):
        return [gate_document(claims, one) for one in tree]
    if isinstance(tree, str):
        return claims.gate(tree) if " " in tree else tree
    if not isinstance(tree, dict):
        return tree
    out = {}
    for name, value in tree.items():
        if (name in PEOPLE and not claims.counts) or (name in CERTAIN and claims.sampled):
            out[name] = None
        else:
            out[name] = value if name in AS_THEY_ARE else gate_document(claims, value)
    return out
